// Marks → elements: tables, grids and large numbers. Text is always set as text.

function element(name, properties = {}, children = []) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// Returns the columns of a chart as a table has them.
function tableColumns(chart, marks) {
  const dimensions = chart.by.map((dimension, at) => ({
    title: titled(dimension.title), isNumber: false, hasBars: false,
    value: (mark) => mark.keys[at], text: (mark) => member(mark.keys[at], dimension.format),
  }));
  const measures = chart.show.map((measure, at) => ({
    title: titled(measure.title), isNumber: marks.every(({ values }) => values[at] === null || typeof values[at] === 'number'),
    hasBars: measure.has_bars, value: (mark) => mark.values[at], text: (mark) => written(mark.values[at], measure.format),
  }));
  if (chart.kind !== 'pareto') return [...dimensions, ...measures];
  const parts = new Map(cumulated(marks).map((part, at) => [marks[at], part]));
  const cumulative = { title: phrase('cumulative'), isNumber: true, hasBars: false, value: (mark) => parts.get(mark), text: (mark) => written(parts.get(mark), 'share') };
  return [...dimensions, ...measures, cumulative];
}

function compared(one, other) {
  if (one === null || other === null) return (one === null) - (other === null);
  return typeof one === 'number' && typeof other === 'number' ? one - other : String(one).localeCompare(String(other), locale());
}

function cell(column, mark, largest) {
  const made = element('td', { className: column.isNumber ? 'number' : '' }, [element('span', { textContent: column.text(mark) })]);
  if (column.hasBars) {
    const value = column.value(mark) ?? 0;
    const bar = element('i', { className: value < 0 ? 'cell-bar below' : 'cell-bar' });
    bar.setAttribute('aria-hidden', 'true');
    bar.style.width = `${largest === 0 ? 0 : (Math.abs(value) / largest) * 100}%`;
    made.append(bar);
  }
  return made;
}

// Draws a table whose headings sort it; `limit` rows are shown until the reader asks for all.
function table(chart, marks, limit, sorting) {
  const columns = tableColumns(chart, marks);
  const largest = columns.map((column) => (column.hasBars ? Math.max(0, ...marks.map((mark) => Math.abs(column.value(mark) ?? 0))) : 0));
  const box = element('div', { className: 'table-box' });
  const draw = () => {
    const rows = sorting.at === null ? marks : marks.toSorted((one, other) => {
      const [first, second] = [one, other].map(columns[sorting.at].value);
      if (first === null || second === null) return compared(first, second);
      return sorting.isDown ? compared(second, first) : compared(first, second);
    });
    const shown = limit !== null && !sorting.isWhole ? rows.slice(0, limit) : rows;
    const heading = (column, at) => {
      const button = element('button', { type: 'button', textContent: column.title });
      button.addEventListener('click', () => {
        sorting.isDown = sorting.at === at ? !sorting.isDown : column.isNumber;
        sorting.at = at;
        draw();
        box.querySelectorAll('th button')[at].focus();
      });
      const made = element('th', { scope: 'col', className: column.isNumber ? 'number' : '' }, [button]);
      made.setAttribute('aria-sort', sorting.at !== at ? 'none' : sorting.isDown ? 'descending' : 'ascending');
      return made;
    };
    const body = shown.map((mark) => element('tr', {}, columns.map((column, at) => cell(column, mark, largest[at]))));
    const made = element('table', {}, [
      element('thead', {}, [element('tr', {}, columns.map(heading))]),
      element('tbody', {}, body),
    ]);
    const scroller = element('div', { className: 'scroller', tabIndex: 0 }, [made]);
    scroller.setAttribute('role', 'region');
    scroller.setAttribute('aria-label', titled(chart.title));
    box.replaceChildren(scroller);
    if (limit !== null && rows.length > limit) {
      const text = sorting.isWhole ? phrase('fewer', limit) : phrase('more', rows.length);
      const button = element('button', { type: 'button', className: 'more', textContent: text });
      button.addEventListener('click', () => {
        sorting.isWhole = !sorting.isWhole;
        draw();
      });
      box.append(button);
    }
  };
  draw();
  return box;
}

// Draws large numbers.
function figures(chart, marks) {
  const one = (measure, at) => element('div', { className: 'figure' }, [
    element('dt', { textContent: titled(measure.title) }),
    element('dd', { textContent: written(marks[0].values[at], measure.format) }),
  ]);
  return element('dl', { className: 'figures' }, chart.show.map(one));
}

// Draws a grid of two dimensions, shaded by value; a third one is listed in the cells.
function matrix(chart, marks) {
  const [down, across, listed] = chart.by;
  const cells = new Map(gathered(chart, [down, across]).map((mark) => [JSON.stringify(mark.keys), mark.values[0]]));
  const value = (row, column) => cells.get(JSON.stringify([row, column])) ?? null;
  const [rows, columns] = [members(chart, marks, 0), members(chart, marks, 1)];
  const largest = Math.max(0, ...[...cells.values()].map((one) => Math.abs(one ?? 0)));
  const names = (row, column) => marks
    .filter(({ keys }) => keys[0] === row && keys[1] === column)
    .map(({ keys }) => member(keys[2], listed.format));
  const square = (row, column) => {
    const own = value(row, column);
    const made = element('td', {}, [element('strong', { textContent: own === null ? '0' : written(own, chart.show[0].format) })]);
    if (own === null && chart.show[0].how !== 'count') made.firstChild.textContent = '–';
    if (listed && own !== null) made.append(element('span', { className: 'names', textContent: names(row, column).join(', ') }));
    made.style.setProperty('--depth', String(largest === 0 ? 0 : Math.abs(own ?? 0) / largest));
    return made;
  };
  const corner = element('td', { className: 'corner', textContent: `${titled(down.title)} ↓  ${titled(across.title)} →` });
  const head = columns.map((column) => element('th', { scope: 'col', textContent: member(column, across.format) }));
  const body = rows.map((row) => element('tr', {}, [
    element('th', { scope: 'row', textContent: member(row, down.format) }), ...columns.map((column) => square(row, column)),
  ]));
  const made = element('table', { className: 'matrix' }, [
    element('thead', {}, [element('tr', {}, [corner, ...head])]), element('tbody', {}, body),
  ]);
  return element('div', { className: 'scroller' }, [made]);
}

const GRIDS = { figures, matrix };
