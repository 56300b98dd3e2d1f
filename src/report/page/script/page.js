// The page: its head, what the reader chooses, and the charts in their sections.

const LANGUAGES = { zh: '中文', en: 'English' };
const REMEMBERED = 'tallyhouse.language';
// What fits on A4 between the margins, in pixels of the screen.
const PRINTED_WIDTH = 660;

const cards = charts.map((chart) => new Card(chart));
const cardOf = new Map(charts.map((chart, at) => [chart, cards[at]]));

// A page that was opened from a disk may not remember anything.
function remembered() {
  try {
    return localStorage.getItem(REMEMBERED);
  } catch {
    return null;
  }
}

function remember(language) {
  try {
    localStorage.setItem(REMEMBERED, language);
  } catch {
    // Then the browser's language counts again the next time.
  }
}

function firstLanguage() {
  const known = remembered();
  if (known && Object.hasOwn(LANGUAGES, known)) return known;
  return navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en';
}

// Returns all values of a filter's column, in all charts that have it.
function choices(column) {
  const values = new Set();
  for (const chart of charts) {
    const at = chart.columns.indexOf(column);
    if (at >= 0) chart.rows.forEach((row) => row[at] !== null && values.add(String(row[at])));
  }
  return [...values].sort((one, other) => word(one).localeCompare(word(other), locale()));
}

function choice(filter) {
  const option = (value, text) => element('option', { value, textContent: text, selected: state.filters[filter.column] === (value || null) });
  const values = choices(filter.column);
  // No value of the data is empty, so that stands for all.
  const select = element('select', { name: filter.column }, [
    option('', phrase('all')), ...values.filter((value) => value !== '').map((value) => option(value, word(value))),
  ]);
  select.addEventListener('change', () => choose(filter.column, select.value || null));
  return element('label', {}, [element('span', { textContent: titled(filter.title) }), select]);
}

function languages() {
  const one = ([language, name]) => {
    const button = element('button', { type: 'button', textContent: name, lang: language });
    button.setAttribute('aria-pressed', String(state.language === language));
    button.addEventListener('click', () => speak(language));
    return button;
  };
  const box = element('div', { className: 'languages' }, Object.entries(LANGUAGES).map(one));
  box.setAttribute('role', 'group');
  box.setAttribute('aria-label', phrase('language'));
  return box;
}

function drawHead() {
  const facts = [phrase('asOf', report.run_date)];
  if (report.snapshot) facts.push(phrase('snapshot', report.snapshot));
  if (report.currency.en) facts.push(phrase('unitNote', titled(report.currency)));
  const filters = element('div', { className: 'filters' }, report.filters.map(choice));
  filters.setAttribute('role', 'group');
  filters.setAttribute('aria-label', phrase('filters'));
  document.getElementById('header').replaceChildren(
    element('div', { className: 'title' }, [element('h1', { textContent: titled(report.title) }), languages()]),
    element('p', { className: 'facts', textContent: facts.join(' · ') }),
    filters,
  );
  const contents = document.getElementById('contents');
  contents.setAttribute('aria-label', phrase('contents'));
  contents.replaceChildren(...report.sections.map((section, at) => element('a', { href: `#section-${at}`, textContent: titled(section.title) })));
  document.title = titled(report.title);
  document.documentElement.lang = state.language === 'zh' ? 'zh-CN' : 'en';
}

function buildSections() {
  const one = (section, at) => {
    const made = element('section', { id: `section-${at}` }, [
      element('h2'), element('div', { className: 'cards' }, section.charts.map((chart) => cardOf.get(chart).root)),
    ]);
    return made;
  };
  document.getElementById('main').replaceChildren(...report.sections.map(one));
}

function draw() {
  drawHead();
  report.sections.forEach((section, at) => {
    document.querySelector(`#section-${at} h2`).textContent = titled(section.title);
  });
  cards.forEach((card) => card.draw());
}

function speak(language) {
  state.language = language;
  remember(language);
  draw();
  document.querySelector(`.languages [lang=${language}]`).focus();
}

function choose(column, value) {
  state.filters[column] = value;
  cards.forEach((card) => card.draw());
}

state.language = firstLanguage();
buildSections();
draw();

let waiting = 0;
window.addEventListener('resize', () => {
  cancelAnimationFrame(waiting);
  waiting = requestAnimationFrame(() => cards.forEach((card) => card.resize()));
});
window.addEventListener('beforeprint', () => cards.forEach((card) => card.resize(PRINTED_WIDTH)));
window.addEventListener('afterprint', () => cards.forEach((card) => card.resize()));

// What a program can ask of the page: what is drawn, as the charting library and the document hold it.
function plotted(card) {
  const cells = [...card.figure.querySelectorAll('tr')].map((row) => [...row.children].map((one) => one.innerText));
  const numbers = [...card.figure.querySelectorAll('dd')].map((one) => one.innerText);
  const status = card.status.textContent;
  if (card.pictures.length === 0) return { status, cells, numbers };
  const parts = card.pictures.map(({ title, picture }) => {
    const { series, xAxis, yAxis } = picture.getOption();
    const names = [...xAxis, ...yAxis].find((axis) => axis.type === 'category')?.data ?? null;
    return { heading: title.textContent, names, series: series.map(({ name, data }) => ({ name, data })) };
  });
  return { status, ...(Object.hasOwn(PARTS, card.chart.kind) ? { parts } : parts[0]) };
}

window.tallyhouse = {
  report, speak, choose,
  plotted: () => Object.fromEntries(cards.map((card) => [card.chart.name, plotted(card)])),
};
