// One chart on the page: its heading, its note, the picture, what the reader should know of it, and its data.

const HEIGHT = 360;

// What the reader did to each table, kept while the rest of the page changes.
const SORTINGS = new Map();

function sortingOf(name) {
  if (!SORTINGS.has(name)) SORTINGS.set(name, { at: null, isDown: true, isWhole: false });
  return SORTINGS.get(name);
}

// Returns how many places a chart has along its axis.
function placesOf(chart, marks) {
  if (chart.kind === 'waterfalls') return strands(marks).length;
  return ['pareto', 'tree'].includes(chart.kind) ? marks.length : members(chart, marks, 0).length;
}

// Lying bars need room for each of their names.
function heightOf(chart, marks) {
  if (!chart.is_horizontal && !['funnel', 'waterfall', 'tree'].includes(chart.kind)) return HEIGHT;
  const all = chart.kind === 'waterfall' ? chart.show.length : members(chart, marks, 0).length;
  const places = Math.min(all, chart.limit ?? Infinity);
  return Math.max(160, 72 + places * ROW_HEIGHT);
}

class Card {
  constructor(chart) {
    this.chart = chart;
    this.pictures = [];
    this.title = element('h3');
    this.note = element('p', { className: 'note' });
    this.figure = element('div', { className: 'plot' });
    this.status = element('p', { className: 'status' });
    this.status.setAttribute('role', 'status');
    this.summary = element('summary');
    this.data = element('div');
    this.details = element('details', {}, [this.summary, this.data]);
    this.details.addEventListener('toggle', () => this.fillData());
    this.root = element('article', { className: `card of-${chart.kind}`, id: `chart-${chart.name}` }, [
      this.title, this.note, this.figure, this.status,
    ]);
    if (chart.kind !== 'table' && chart.kind !== 'figures') this.root.append(this.details);
  }

  draw() {
    const { chart } = this;
    this.marks = ordered(chart, gathered(chart));
    this.title.textContent = titled(chart.title);
    this.note.textContent = titled(chart.note);
    this.note.hidden = this.note.textContent === '';
    this.summary.textContent = phrase('table');
    this.status.textContent = this.remarks().join(' ');
    this.status.hidden = this.status.textContent === '';
    this.details.hidden = this.marks.length === 0;
    this.drawPicture();
    this.fillData();
  }

  // Returns what the reader should know: nothing to see, not all that there is, filters that do not count here.
  remarks() {
    const { chart, marks } = this;
    const idle = report.filters.filter((filter) => state.filters[filter.column] !== null && !chart.columns.includes(filter.column));
    const remarks = idle.length > 0 ? [phrase('unfiltered', idle.map((filter) => titled(filter.title)).join(', '))] : [];
    if (marks.length === 0) return [phrase(chart.rows.length === 0 ? 'noRows' : 'noneLeft'), ...remarks];
    const isDrawn = Object.hasOwn(OPTIONS, chart.kind) || Object.hasOwn(PARTS, chart.kind);
    const places = isDrawn && chart.limit !== null ? placesOf(chart, marks) : 0;
    if (places > chart.limit) remarks.unshift(phrase('first', chart.limit, places));
    return remarks;
  }

  drawPicture() {
    const { chart, marks, figure } = this;
    figure.hidden = marks.length === 0;
    if (marks.length === 0) return this.clear();
    if (chart.kind === 'table') return figure.replaceChildren(table(chart, marks, chart.limit, sortingOf(chart.name)));
    if (Object.hasOwn(GRIDS, chart.kind)) return figure.replaceChildren(GRIDS[chart.kind](chart, marks));
    if (Object.hasOwn(PARTS, chart.kind)) return this.drawParts(PARTS[chart.kind](chart, marks));
    return this.drawParts([{ heading: '', height: heightOf(chart, marks), options: OPTIONS[chart.kind](chart, marks) }]);
  }

  // Draws one picture for each part, below its heading.
  drawParts(parts) {
    if (this.pictures.length !== parts.length) this.makeRoom(parts.length);
    const about = `${titled(this.chart.title)}. ${titled(this.chart.note)}`;
    parts.forEach(({ heading, height, options }, at) => {
      const { title, plot, picture } = this.pictures[at];
      title.textContent = heading;
      title.hidden = heading === '';
      plot.style.height = `${height}px`;
      plot.setAttribute('aria-label', heading === '' ? about : heading);
      picture.resize();
      picture.setOption(options, true);
    });
  }

  makeRoom(count) {
    this.clear();
    this.pictures = Array.from({ length: count }, () => {
      const [title, plot] = [element('h4'), element('div')];
      plot.setAttribute('role', 'img');
      plot.style.height = `${HEIGHT}px`;
      this.figure.append(element('div', { className: 'part' }, [title, plot]));
      return { title, plot, picture: echarts.init(plot, null, { renderer: 'svg' }) };
    });
  }

  clear() {
    this.pictures.forEach(({ picture }) => picture.dispose());
    this.pictures = [];
    this.figure.replaceChildren();
  }

  // The data of a chart nobody looks at costs nothing.
  fillData() {
    if (!this.details.open) return this.data.replaceChildren();
    return this.data.replaceChildren(table(this.chart, this.marks, null, sortingOf(`${this.chart.name} data`)));
  }

  resize(width) {
    this.pictures.forEach(({ picture }) => picture.resize(width === undefined ? {} : { width }));
  }
}
