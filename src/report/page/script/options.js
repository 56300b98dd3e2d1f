// Marks → what the charting library is told, one function for each kind of chart.

// Okabe and Ito's colours, which people with any colour vision tell apart. The first is ours wherever we appear.
const OURS = '#0072b2';
const OTHERS = ['#e69f00', '#009e73', '#cc79a7', '#d55e00', '#56b4e9', '#8a6d00', '#4b3f72', '#666666'];
const NOBODY = '#a6a6a6';
const SYMBOLS = ['circle', 'rect', 'triangle', 'diamond', 'roundRect', 'emptyCircle', 'emptyRect', 'emptyTriangle'];
const TEXT = '#3a3a3a';
const LINE = '#d9d9d9';
const LABELS = { color: TEXT, fontSize: 12 };
// Of a bar that lies, or a line of a tree, in pixels.
const ROW_HEIGHT = 30;
const LARGEST_CIRCLE = 56;
const SMALLEST_CIRCLE = 8;

// The members of each dimension in one order for the whole page, so that a member has the same colour in all charts.
const COLOURED = new Map();
for (const chart of charts) {
  for (const { column } of chart.by) {
    const at = chart.columns.indexOf(column);
    const known = COLOURED.get(column) ?? new Set();
    chart.rows.forEach((row) => known.add(row[at]));
    COLOURED.set(column, known);
  }
}
for (const [column, known] of COLOURED) {
  const special = ['own', 'unknown', 'none', null];
  COLOURED.set(column, [...known].filter((value) => !special.includes(value)).map(String).sort());
}

function colourOf(column, value) {
  if (value === 'own') return OURS;
  if (value === null || value === 'unknown' || value === 'none') return NOBODY;
  return OTHERS[COLOURED.get(column).indexOf(String(value)) % OTHERS.length];
}

function colourAt(index) {
  return [OURS, ...OTHERS][index % (OTHERS.length + 1)];
}

// Draws lines of a tooltip; whatever the data says stays text.
function hint(heading, lines) {
  const box = document.createElement('div');
  const add = (text, name) => {
    const line = document.createElement('div');
    line.className = name;
    line.textContent = text;
    box.append(line);
  };
  add(heading, 'hint-heading');
  lines.forEach((line) => add(line, 'hint-line'));
  return box;
}

function frame(extra) {
  return {
    animation: false,
    // Widths of texts are measured before they are drawn, so the font has to be named.
    textStyle: { fontFamily: getComputedStyle(document.documentElement).fontFamily },
    grid: { left: 8, right: 24, top: 44, bottom: 8, containLabel: true },
    legend: { type: 'scroll', top: 4, left: 0, textStyle: LABELS, itemWidth: 16, itemHeight: 10 },
    ...extra,
  };
}

function valueAxis(format, extra) {
  return {
    type: 'value', axisLabel: { ...LABELS, hideOverlap: true, formatter: (value) => written(value, format) },
    splitLine: { lineStyle: { color: LINE } }, ...extra,
  };
}

function categoryAxis(names, extra) {
  return {
    type: 'category', data: names, axisTick: { show: false }, axisLine: { lineStyle: { color: LINE } },
    axisLabel: { ...LABELS, hideOverlap: true }, ...extra,
  };
}

// Returns the series of a line or bar chart: one for each member of the second dimension, else one for each measure.
function seriesOf(chart, marks, places) {
  const find = new Map(marks.map((mark) => [JSON.stringify(mark.keys), mark]));
  const value = (keys, at) => find.get(JSON.stringify(keys))?.values[at] ?? null;
  if (chart.by.length === 1) {
    return chart.show.map((measure, at) => ({
      name: titled(measure.title), colour: colourAt(at), format: measure.format, data: places.map((place) => value([place], at)),
    }));
  }
  const [, { column, format }] = chart.by;
  const found = members(chart, marks, 1);
  // Ours first, so that it is drawn and named first.
  const own = found.filter((member) => member === 'own');
  return [...own, ...found.filter((member) => member !== 'own')].map((member_) => ({
    name: member(member_, format), colour: colourOf(column, member_), isOurs: member_ === 'own', format: chart.show[0].format,
    data: places.map((place) => value([place, member_], 0)),
  }));
}

function along(chart, marks) {
  const [dimension] = chart.by;
  const all = members(chart, marks, 0);
  const places = chart.limit === null ? all : all.slice(0, chart.limit);
  return { places, names: places.map((place) => member(place, dimension.format)), series: seriesOf(chart, marks, places) };
}

function axisHint(names, series) {
  return {
    trigger: 'axis', confine: true, axisPointer: { type: 'shadow' },
    formatter: (items) => hint(
      names[items[0].dataIndex],
      series.map(({ name, data, format }) => `${name}: ${written(data[items[0].dataIndex], format)}`),
    ),
  };
}

function line(chart, marks) {
  const { names, series } = along(chart, marks);
  return frame({
    tooltip: { ...axisHint(names, series), axisPointer: { type: 'line' } },
    grid: { ...frame({}).grid, right: 40 },
    xAxis: categoryAxis(names, { boundaryGap: false }),
    yAxis: valueAxis(chart.show[0].format),
    series: series.map(({ name, colour, isOurs, data }, at) => ({
      type: 'line', name, data, color: colour, symbol: SYMBOLS[at % SYMBOLS.length], symbolSize: 6, showSymbol: names.length <= 24,
      z: isOurs ? 3 : 2, lineStyle: { width: isOurs || series.length === 1 ? 3.5 : 1.75 },
    })),
  });
}

function bar(chart, marks) {
  const { names, series } = along(chart, marks);
  // A few names stand below their bars in full, in as many lines as they need.
  const standing = names.length <= 8 ? { axisLabel: { ...LABELS, interval: 0, width: 76, overflow: 'break' } } : {};
  const category = categoryAxis(names, chart.is_horizontal ? { inverse: true, axisLabel: { ...LABELS, interval: 0 } } : standing);
  const value = valueAxis(chart.show[0].format, chart.is_horizontal ? { splitNumber: 4 } : {});
  const single = series.length === 1;
  return frame({
    tooltip: axisHint(names, series),
    legend: { ...frame({}).legend, show: !single },
    grid: { ...frame({}).grid, top: single ? 12 : 44 },
    xAxis: chart.is_horizontal ? value : category,
    yAxis: chart.is_horizontal ? category : value,
    series: series.map(({ name, colour, data, format }) => ({
      type: 'bar', name, data, color: colour, barMaxWidth: 28, stack: chart.is_stacked ? 'all' : undefined,
      label: {
        show: chart.is_horizontal, position: chart.is_stacked ? 'inside' : 'right', color: chart.is_stacked && colour === OURS ? '#ffffff' : TEXT,
        formatter: ({ value: shown }) => (shown ? written(shown, format) : ''),
      },
      labelLayout: { hideOverlap: true },
    })),
  });
}

function bubble(chart, marks) {
  const [label, group] = chart.by;
  const [across, up, size] = chart.show;
  const drawn = marks.filter(({ values }) => values.every((value) => value !== null));
  const largest = Math.max(...drawn.map(({ values }) => Math.abs(values[2])), 0);
  // The area of a circle, not its width, is what the eye compares.
  const width = (value) => (largest === 0 ? SMALLEST_CIRCLE : Math.max(SMALLEST_CIRCLE, LARGEST_CIRCLE * Math.sqrt(Math.abs(value) / largest)));
  const groups = group ? members(chart, drawn, 1) : [null];
  const inGroup = (mark, value) => !group || mark.keys[1] === value;
  return frame({
    grid: { ...frame({}).grid, top: group ? 64 : 36, right: 40, bottom: 28 },
    legend: { ...frame({}).legend, show: Boolean(group) },
    tooltip: {
      trigger: 'item', confine: true,
      formatter: ({ data }) => hint(
        data.keys.map((key, at) => member(key, chart.by[at].format)).join(' · '),
        chart.show.map((measure, at) => `${titled(measure.title)}: ${written(data.value[at], measure.format)}`),
      ),
    },
    xAxis: valueAxis(across.format, { name: titled(across.title), nameLocation: 'middle', nameGap: 28, nameTextStyle: LABELS }),
    yAxis: valueAxis(up.format, { name: titled(up.title), nameTextStyle: LABELS, scale: true }),
    series: groups.map((value, at) => ({
      type: 'scatter', name: group ? member(value, group.format) : titled(size.title),
      color: group ? colourOf(group.column, value) : colourAt(at), itemStyle: { opacity: 0.7, borderColor: '#ffffff' },
      symbolSize: (values) => width(values[2]),
      label: { show: true, position: 'top', color: TEXT, fontSize: 11, formatter: ({ data }) => member(data.keys[0], label.format) },
      labelLayout: { hideOverlap: true },
      data: drawn.filter((mark) => inGroup(mark, value)).map(({ keys, values }) => ({ keys, value: values })),
    })),
  });
}

// Bars that hang between what was before a part and what is after it; a bar through 0 has a piece on either side. The first
// and the last stand on 0.
function hanging(names, values, formats, scale) {
  const last = values.length - 1;
  const spans = spansOf(values);
  const isCrossing = ({ from, to }) => Math.min(from, to) < 0 && Math.max(from, to) > 0;
  const base = (span) => (isCrossing(span) ? 0 : Math.abs(span.from) < Math.abs(span.to) ? span.from : span.to);
  const above = (span) => Math.max(span.from, span.to, 0) - Math.max(base(span), 0);
  const below = (span) => Math.min(span.from, span.to, 0) - Math.min(base(span), 0);
  const colour = (at) => (at === 0 || at === last ? '#666666' : values[at] >= 0 ? OURS : OTHERS[3]);
  const shown = (at) => written(values[at], formats[at]);
  const piece = (name, part, labelled) => ({
    type: 'bar', name, stack: 'all', barMaxWidth: 26,
    data: spans.map((span, at) => ({ value: part(span), itemStyle: { color: colour(at) } })),
    label: { show: labelled, position: 'right', color: TEXT, formatter: ({ dataIndex }) => shown(dataIndex) },
  });
  return frame({
    legend: { show: false },
    grid: { ...frame({}).grid, top: 12, right: 88 },
    tooltip: { ...axisHint(names, []), formatter: ([{ dataIndex }]) => hint(names[dataIndex], [shown(dataIndex)]) },
    // Parts have long names, so they stand below each other.
    xAxis: valueAxis(formats[0], { splitNumber: 3, ...scale }),
    yAxis: categoryAxis(names, { inverse: true, axisLabel: { ...LABELS, interval: 0, width: 150, overflow: 'break' } }),
    series: [
      { type: 'bar', name: 'base', stack: 'all', silent: true, itemStyle: { color: 'transparent' }, data: spans.map(base) },
      piece('above', above, true),
      piece('below', below, false),
    ],
  });
}

function spansOf(values) {
  let level = 0;
  return values.map((value, at) => {
    const from = at === 0 || at === values.length - 1 ? 0 : level;
    level = from + (value ?? 0);
    return { from, to: level };
  });
}

function waterfall(chart, marks) {
  return hanging(chart.show.map((measure) => titled(measure.title)), marks[0].values, chart.show.map(({ format }) => format), {});
}

// One waterfall for each value of all columns but the last, on one scale; the last column names its steps.
function waterfalls(chart, marks) {
  const { format } = chart.show[0];
  const shown = strands(marks).slice(0, chart.limit ?? undefined).map(({ keys, marks: steps }) => {
    const values = steps.map((mark) => mark.values[0]);
    return { keys, steps, values: [...values, sum(values)] };
  });
  const reached = shown.flatMap(({ values }) => spansOf(values)).flatMap(({ from, to }) => [from, to]);
  const scale = { min: Math.floor(Math.min(0, ...reached)), max: Math.ceil(Math.max(0, ...reached)) };
  return shown.map(({ keys, steps, values }) => {
    const names = [...steps.map((mark) => member(mark.keys.at(-1), chart.by.at(-1).format)), phrase('ends')];
    return {
      heading: keys.map((key, at) => member(key, chart.by[at].format)).join(' · '),
      height: 56 + names.length * ROW_HEIGHT,
      options: hanging(names, values, names.map(() => format), scale),
    };
  });
}

// A tree as an indented list: each mark hangs on the one to its left above it.
function tree(chart, marks) {
  const places = grown(marks).slice(0, chart.limit ?? undefined);
  const [node, , how] = chart.by;
  const { format } = chart.show[0];
  const named = ({ mark, upper }) => {
    const link = upper === null ? [] : [member(mark.keys[2], how.format), ...mark.values[0] === null ? [] : [written(mark.values[0], format)]];
    return [member(mark.keys[0], node.format), link.join(' ')].filter((text) => text !== '').join('  ←  ');
  };
  const elbows = (isCertain) => places
    .filter(({ mark, upper }) => upper !== null && (mark.values[0] === null) === isCertain)
    .flatMap(({ depth, at, upper }) => [[upper.depth, upper.at], [upper.depth, at], [depth, at], ['-', '-']]);
  const lines = (name, isCertain, lineStyle) => ({ type: 'line', name, data: elbows(isCertain), symbol: 'none', silent: true, lineStyle });
  const deepest = Math.max(...places.map(({ depth }) => depth));
  // Names stand to the right of their marks and need the larger part of the width.
  const hidden = { type: 'value', show: false };
  return frame({
    legend: { show: false },
    grid: { left: 16, right: 16, top: 16, bottom: 16 },
    tooltip: {
      trigger: 'item', confine: true,
      formatter: ({ data: { keys, measured } }) => hint(
        member(keys[0], node.format),
        keys[1] === null ? [] : [`${member(keys[2], how.format)}: ${member(keys[1], node.format)}`, ...measured === null ? [] : [written(measured, format)]],
      ),
    },
    xAxis: { ...hidden, min: 0, max: deepest * 2 + 3 },
    yAxis: { ...hidden, inverse: true, min: 0, max: Math.max(1, places.length - 1) },
    series: [
      lines('certain', true, { color: '#666666', width: 2 }),
      lines('evidence', false, { color: OTHERS[3], width: 2, type: 'dashed' }),
      {
        type: 'scatter', name: 'marks', color: OURS, symbolSize: 10, z: 3,
        label: { show: true, position: 'right', color: TEXT, fontSize: 12, formatter: ({ data }) => data.label },
        data: places.map((place) => ({ value: [place.depth, place.at], keys: place.mark.keys, measured: place.mark.values[0], label: named(place) })),
      },
    ],
  });
}

function funnel(chart, marks) {
  const { names, series: [steps, wanted] } = along(chart, marks);
  const first = steps.data.find((value) => value !== null) ?? null;
  const part = (value) => (steps.format === 'share' ? '' : ` · ${written(divided(value, first), 'share')}`);
  return frame({
    tooltip: axisHint(names, wanted ? [steps, wanted] : [steps]),
    legend: { ...frame({}).legend, show: Boolean(wanted) },
    grid: { ...frame({}).grid, top: wanted ? 44 : 12, right: 88 },
    xAxis: valueAxis(steps.format, { splitNumber: 4 }),
    yAxis: categoryAxis(names, { inverse: true, axisLabel: { ...LABELS, interval: 0 } }),
    series: [
      {
        type: 'bar', name: steps.name, data: steps.data, color: OURS, barMaxWidth: 34,
        label: { show: true, position: 'right', color: TEXT, formatter: ({ value }) => (value === null || value === undefined ? '' : written(value, steps.format) + part(value)) },
      },
      ...(wanted ? [{ type: 'scatter', name: wanted.name, data: wanted.data, color: OTHERS[3], symbol: 'diamond', symbolSize: 14 }] : []),
    ],
  });
}

function pareto(chart, marks) {
  const shown = marks.slice(0, chart.limit ?? marks.length);
  const parts = cumulated(marks).slice(0, shown.length);
  const [measure] = chart.show;
  const names = shown.map((mark) => member(mark.keys[0], chart.by[0].format));
  const bars = { name: titled(measure.title), data: shown.map((mark) => mark.values[0]), format: measure.format };
  const curve = { name: phrase('cumulative'), data: parts, format: 'share' };
  return frame({
    tooltip: axisHint(names, [bars, curve]),
    xAxis: categoryAxis(names, { axisLabel: { ...LABELS, rotate: 40, width: 110, overflow: 'truncate', hideOverlap: true } }),
    yAxis: [valueAxis(measure.format), valueAxis('share', { min: 0, max: 1, splitLine: { show: false } })],
    series: [
      { type: 'bar', name: bars.name, data: bars.data, color: OURS, barMaxWidth: 28 },
      { type: 'line', name: curve.name, data: curve.data, color: OTHERS[3], yAxisIndex: 1, symbolSize: 4 },
    ],
  });
}

const OPTIONS = { line, bar, bubble, waterfall, funnel, pareto, tree };
// What is drawn as several pictures below each other.
const PARTS = { waterfalls };
