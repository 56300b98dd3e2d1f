// Values as the reader writes them.

const QUARTER_MONTHS = 3;
// Browsers do not agree on the short names.
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

function locale() {
  return state.language === 'zh' ? 'zh-CN' : 'en-GB';
}

function number(value, digits, sign) {
  return value.toLocaleString(locale(), {
    minimumFractionDigits: digits, maximumFractionDigits: digits, signDisplay: sign ? 'exceptZero' : 'auto',
  });
}

// Large amounts are counted in what the language counts in: ten thousands and hundred millions, or thousands and millions.
const MONEY_STEPS = {
  zh: [[1e8, 2, '亿'], [1e4, 1, '万'], [1, 0, '']],
  en: [[1e9, 2, 'bn'], [1e6, 1, 'm'], [1e3, 0, 'k'], [1, 0, '']],
};

function money(value) {
  const steps = MONEY_STEPS[state.language];
  // Rounding must not leave a number that belongs to the next larger step.
  const step = steps.find(([size, digits]) => Math.abs(value) >= size - size / (2 * 10 ** digits)) ?? steps.at(-1);
  const amount = number(value / step[0], step[1], false) + step[2];
  return state.language === 'zh' ? amount + titled(report.currency) : `${titled(report.currency)} ${amount}`;
}

function month(text) {
  const [year, month] = text.split('-').map(Number);
  if (state.language === 'zh') return `${year}年${month}月`;
  return `${MONTHS[month - 1]} ${year}`;
}

function quarter(text) {
  const [year, month] = text.split('-').map(Number);
  const count = Math.floor((month - 1) / QUARTER_MONTHS) + 1;
  return state.language === 'zh' ? `${year}年${count}季度` : `${year} Q${count}`;
}

const NUMBERS = {
  number: (value) => number(value, 0, false),
  decimal: (value) => number(value, 2, false),
  signed: (value) => number(value, 2, true),
  hours: (value) => number(value, 1, false),
  days: (value) => number(value, Number.isInteger(value) ? 0 : 1, false),
  share: (value) => `${number(value * 100, 1, false)} %`,
  change: (value) => `${number(value * 100, 1, true)} %`,
  year: (value) => String(value),
  money,
};

// Returns a value as text; nothing is a dash.
function written(value, format) {
  if (value === null || value === undefined) return '–';
  if (format === 'yes_no') return phrase(value ? 'yes' : 'no');
  if (format === 'month') return month(String(value));
  if (format === 'quarter') return quarter(String(value));
  if (format === 'date') return String(value).slice(0, 10);
  if (typeof value === 'number' && Object.hasOwn(NUMBERS, format)) return NUMBERS[format](value);
  return word(value);
}

// Returns the value of a dimension as text: a missing one is a member like any other.
function member(value, format) {
  return value === null ? phrase('none') : written(value, format);
}
