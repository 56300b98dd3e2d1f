// The report as it was written, what the reader has chosen, and words in the reader's language.

const report = JSON.parse(document.getElementById('data').textContent);
const charts = report.sections.flatMap((section) => section.charts);

// The value of a filter is null where nothing is chosen.
const state = {
  language: 'en',
  filters: Object.fromEntries(report.filters.map((filter) => [filter.column, null])),
};

const PHRASES = {
  zh: {
    all: '全部', table: '数据表', more: '显示全部 {0} 行', fewer: '只显示前 {0} 行', first: '图中为前 {0} 项，共 {1} 项；其余在数据表中。',
    noRows: '没有数据：查询没有返回任何行。', noneLeft: '没有数据：所选筛选条件下没有行。', unfiltered: '此图不按以下条件筛选：{0}。',
    cumulative: '累计占比', yes: '是', no: '否', asOf: '截至 {0}', snapshot: '快照 {0}', contents: '目录', language: '语言', filters: '筛选',
    unknown: '未知', none: '无', total: '合计', ends: '结果', unitNote: '金额单位：{0}', print: '打印',
  },
  en: {
    all: 'All', table: 'Data', more: 'Show all {0} rows', fewer: 'Show the first {0} rows', first: 'Shown are the first {0} of {1}; the rest is in the data.',
    noRows: 'No data: the query gives no rows.', noneLeft: 'No data: no row is left by the filters.', unfiltered: 'Not filtered by {0}.',
    cumulative: 'Cumulative share', yes: 'Yes', no: 'No', asOf: 'As of {0}', snapshot: 'Snapshot {0}', contents: 'Contents', language: 'Language', filters: 'Filters',
    unknown: 'Unknown', none: 'None', total: 'Total', ends: 'Result', unitNote: 'Money in {0}', print: 'Print',
  },
};

// Returns a phrase with its blanks filled.
function phrase(name, ...values) {
  return PHRASES[state.language][name].replace(/\{(\d)\}/g, (_, at) => values[Number(at)]);
}

// Returns a title in the reader's language.
function titled(title) {
  return title[state.language] ?? title.en ?? title.zh ?? '';
}

// Returns what a code of the data means, or the code.
function word(code) {
  const known = Object.hasOwn(report.words, code) ? report.words[code] : null;
  return known ? titled(known) : String(code);
}
