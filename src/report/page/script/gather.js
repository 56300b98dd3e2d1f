// Rows → marks: what is left by the filters, put together by the dimensions, each measure added up in its own way.
//
// Nothing here knows how a chart is drawn. A sum of nothing is null, and so is whatever is divided by 0.

// Returns the filters that a chart obeys: those whose column its rows have.
function obeyed(chart) {
  return report.filters.filter((filter) => chart.columns.includes(filter.column));
}

function kept(chart) {
  const wanted = obeyed(chart)
    .map(({ column }) => [chart.columns.indexOf(column), state.filters[column]])
    .filter(([, value]) => value !== null);
  return chart.rows.filter((row) => wanted.every(([at, value]) => String(row[at]) === value));
}

function sum(values) {
  const there = values.filter((value) => value !== null);
  // A whole number with more digits than a number has here comes as text.
  return there.length === 0 ? null : there.reduce((total, value) => total + Number(value), 0);
}

function divided(numerator, denominator) {
  return numerator === null || denominator === null || denominator === 0 ? null : numerator / denominator;
}

// The rows that have both sides, so that no part is held against a whole which is not known.
function ratio(rows, [upper, lower]) {
  const whole = rows.filter((row) => row[upper] !== null && row[lower] !== null);
  return divided(sum(whole.map((row) => row[upper])), sum(whole.map((row) => row[lower])));
}

const MEASURES = {
  sum: (rows, [at]) => sum(rows.map((row) => row[at])),
  ratio,
  growth: (rows, columns) => {
    const factor = ratio(rows, columns);
    return factor === null ? null : factor - 1;
  },
  share: (rows, [at], all) => divided(sum(rows.map((row) => row[at])), sum(all.map((row) => row[at]))),
  count: (rows) => rows.length,
  value: (rows, [at]) => rows[0][at],
};

// Puts rows with the same values at some places together, in the order in which they are met.
function grouped(rows, places) {
  const groups = new Map();
  for (const row of rows) {
    const keys = places.map((at) => row[at]);
    const name = JSON.stringify(keys);
    if (!groups.has(name)) groups.set(name, { keys, rows: [] });
    groups.get(name).rows.push(row);
  }
  return [...groups.values()];
}

// Returns the marks of a chart: `keys` in the order of `by`, `values` in that of `show`.
function gathered(chart, by = chart.by) {
  const place = (name) => chart.columns.indexOf(name);
  const rows = kept(chart);
  const places = by.map((dimension) => place(dimension.column));
  const wholes = new Map(grouped(rows, places.slice(0, 1)).map((group) => [JSON.stringify(group.keys), group.rows]));
  const whole = (keys) => (keys.length > 1 ? wholes.get(JSON.stringify(keys.slice(0, 1))) : rows);
  const groups = by.length === 0 && rows.length > 0 ? [{ keys: [], rows }] : grouped(rows, places);
  return groups.map(({ keys, rows: own }) => ({
    keys,
    values: chart.show.map((measure) => MEASURES[measure.how](own, measure.columns.map(place), whole(keys))),
  }));
}

// The largest first; what has no value last.
function descending(one, other) {
  if (one === null || other === null) return (one === null) - (other === null);
  return other - one;
}

// Returns the members of a dimension, of marks in their order: as the report lists them, else the largest first or as met.
function members(chart, marks, at) {
  const { values } = chart.by[at];
  const met = [...new Set(marks.map((mark) => mark.keys[at]))];
  if (values.length > 0) {
    // What is listed is text; the data may have numbers.
    const listed = values.map((value) => met.find((other) => String(other) === value) ?? value);
    return [...listed, ...met.filter((value) => !listed.includes(value))];
  }
  if (chart.order !== 'value' || at > 0) return met;
  const total = (value) => sum(marks.filter((mark) => mark.keys[at] === value).map((mark) => mark.values[0]));
  const totals = new Map(met.map((value) => [value, total(value)]));
  return met.sort((one, other) => descending(totals.get(one), totals.get(other)));
}

// Returns marks in the order of the chart.
function ordered(chart, marks) {
  if (chart.kind !== 'pareto' && chart.order !== 'value') return marks;
  return marks.toSorted((one, other) => descending(one.values[0] ?? null, other.values[0] ?? null));
}

// Returns marks that agree in all dimensions but the last, as one list each, in the order in which they are met.
function strands(marks) {
  const found = new Map();
  for (const mark of marks) {
    const name = JSON.stringify(mark.keys.slice(0, -1));
    if (!found.has(name)) found.set(name, { keys: mark.keys.slice(0, -1), marks: [] });
    found.get(name).marks.push(mark);
  }
  return [...found.values()];
}

// Returns marks as a tree in the order in which it is read: the first dimension names a mark, the second the one that it hangs on.
// What hangs on nothing that is there is a root, and so is what hangs on itself in the end.
function grown(marks) {
  const named = new Map(marks.map((mark) => [mark.keys[0], mark]));
  const upper = ({ keys }) => (keys[1] !== keys[0] && named.has(keys[1]) ? keys[1] : null);
  const below = new Map(marks.map((mark) => [upper(mark), []]));
  marks.forEach((mark) => below.get(upper(mark)).push(mark));
  const places = [];
  const reached = new Set();
  const grow = (roots) => {
    // Branches may be deeper than a program's own stack.
    const waiting = roots.map((mark) => ({ mark, depth: 0, upper: null })).reverse();
    while (waiting.length > 0) {
      const place = { ...waiting.pop(), at: places.length };
      if (reached.has(place.mark)) continue;
      reached.add(place.mark);
      places.push(place);
      const next = (below.get(place.mark.keys[0]) ?? []).map((mark) => ({ mark, depth: place.depth + 1, upper: place }));
      waiting.push(...next.reverse());
    }
  };
  grow(below.get(null) ?? []);
  marks.filter((mark) => !reached.has(mark)).forEach((mark) => grow([mark]));
  return places;
}

// Returns which part of the whole each mark makes together with those before it.
function cumulated(marks) {
  const total = sum(marks.map((mark) => mark.values[0]));
  let before = 0;
  return marks.map((mark) => divided((before += mark.values[0] ?? 0), total));
}
