//! What the values of one column look like, counted.
//!
//! In: cells as text. Out: counts from which a type can be guessed, which add up over files. Deliberately decides nothing.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use unicode_normalization::UnicodeNormalization as _;

use super::dates;
use crate::record::DecimalMark;

/// Words that mean NULL in every contract that says nothing else.
pub(super) const NULL_WORDS: [&str; 8] = ["", "NULL", "null", "N/A", "n/a", "-", "—", "无"];
/// Words that mean NULL where the other values are numbers or dates.
const FURTHER_NULL_WORDS: [&str; 16] = [
    "\\N", "None", "none", "NaN", "nan", "NA", "#N/A", "#NULL!", "(null)", "<null>", "Null", "--", "/", "空", "未知",
    "不详",
];
const BOOLEANS: [&str; 10] = ["true", "false", "yes", "no", "y", "n", "t", "f", "是", "否"];
/// Different values that are remembered.
const DIFFERENT_VALUES: usize = 40;
/// Months that are remembered.
const MONTHS: usize = 2_000;

/// Counts over the numbers of a column, under one decimal mark.
#[derive(Debug, Clone, Default)]
pub(super) struct Figures {
    /// Numbers of any kind.
    pub numbers: u64,
    /// Numbers with decimals.
    pub fractions: u64,
    /// Numbers with an exponent.
    pub exponents: u64,
    /// Numbers with a percent sign, a currency, a currency that a contract must declare, thousands marks.
    pub percents: u64,
    pub currencies: u64,
    pub declared_currencies: u64,
    pub thousands: u64,
    /// Whole numbers that begin with a zero.
    pub leading_zeros: u64,
    /// How many numbers have so many digits before and behind the decimal mark.
    pub whole_digits: BTreeMap<usize, u64>,
    pub decimals: BTreeMap<usize, u64>,
}

impl Figures {
    fn add(&mut self, number: &Number) {
        self.numbers += 1;
        self.fractions += u64::from(number.decimals > 0);
        self.exponents += u64::from(number.has_exponent);
        self.percents += u64::from(number.marks.percent);
        self.currencies += u64::from(number.marks.currency.is_some());
        self.declared_currencies += u64::from(number.marks.currency == Some(Currency::Declared));
        self.thousands += u64::from(number.marks.thousands);
        self.leading_zeros += u64::from(number.has_leading_zero);
        *self.whole_digits.entry(number.whole).or_default() += 1;
        *self.decimals.entry(number.decimals).or_default() += 1;
    }

    fn merge(&mut self, other: &Self) {
        for (one, other) in [
            (&mut self.numbers, other.numbers),
            (&mut self.fractions, other.fractions),
            (&mut self.exponents, other.exponents),
            (&mut self.percents, other.percents),
            (&mut self.currencies, other.currencies),
            (&mut self.declared_currencies, other.declared_currencies),
            (&mut self.thousands, other.thousands),
            (&mut self.leading_zeros, other.leading_zeros),
        ] {
            *one += other;
        }
        add(&mut self.whole_digits, &other.whole_digits);
        add(&mut self.decimals, &other.decimals);
    }
}

/// Counts over the values of a column.
#[derive(Debug, Clone, Default)]
pub(super) struct Profile {
    /// Cells with a value.
    pub values: u64,
    /// Cells without one: empty, NULL or a usual word for it.
    pub empty: u64,
    /// Unusual words for NULL.
    pub null_words: BTreeMap<String, u64>,
    /// Words for yes and no, `1` and `0` not among them.
    pub booleans: u64,
    /// `1` and `0`.
    pub bits: u64,
    /// Numbers as the files write them, and as they are with a decimal comma.
    pub figures: Figures,
    pub comma_figures: Figures,
    /// Values of files with a decimal comma.
    pub comma_values: u64,
    /// Numbers in front of 万 or 亿.
    pub chinese_units: u64,
    /// Texts that a person takes for an amount, whatever stands beside the digits.
    pub amounts: u64,
    /// How many texts of letters and digits have so many characters.
    pub codes: BTreeMap<usize, u64>,
    /// Texts without any digit.
    pub wordy: u64,
    /// Texts of digits alone, and the fewest digits of one.
    pub digit_texts: u64,
    pub fewest_digits: usize,
    /// Dates, those with a time of day, and how often each format reads one.
    pub dates: u64,
    pub times: u64,
    pub iso: u64,
    pub formats: BTreeMap<String, u64>,
    pub months: BTreeSet<(u32, u32)>,
    /// Whole numbers that could be serial numbers of Excel.
    pub serials: u64,
    pub phones: u64,
    pub mobiles: u64,
    pub emails: u64,
    pub person_ids: u64,
    /// Each value and how often; None when there are too many different ones.
    pub different: Option<BTreeMap<String, u64>>,
    pub longest: usize,
    has_begun: bool,
}

impl Profile {
    /// Counts a cell.
    pub fn add(&mut self, cell: Option<&str>, mark: DecimalMark) {
        if !self.has_begun {
            (self.has_begun, self.different, self.fewest_digits) = (true, Some(BTreeMap::new()), usize::MAX);
        }
        let text = tidy(cell.unwrap_or_default());
        if NULL_WORDS.contains(&&*text) {
            self.empty += 1;
            return;
        }
        if FURTHER_NULL_WORDS.contains(&&*text) {
            *self.null_words.entry(text.into_owned()).or_default() += 1;
            return;
        }
        self.values += 1;
        self.longest = self.longest.max(text.chars().count());
        self.remember(&text);
        self.words(&text);
        self.number(&text, mark);
        self.date(&text);
    }

    fn remember(&mut self, text: &str) {
        let Some(different) = &mut self.different else { return };
        *different.entry(text.to_owned()).or_default() += 1;
        if different.len() > DIFFERENT_VALUES {
            self.different = None;
        }
    }

    fn words(&mut self, text: &str) {
        let lower = text.to_ascii_lowercase();
        self.booleans += u64::from(BOOLEANS.contains(&lower.as_str()));
        self.bits += u64::from(matches!(text, "0" | "1"));
        self.emails += u64::from(is_email(text));
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let is_phone_like = text.chars().all(|c| c.is_ascii_digit() || "+-() /".contains(c));
        let is_mobile = is_phone_like && is_mobile(&digits);
        self.mobiles += u64::from(is_mobile);
        self.phones += u64::from(is_mobile || (is_phone_like && (7..=15).contains(&digits.len())));
        self.person_ids += u64::from(is_person_id(text));
        self.amounts += u64::from(is_amount(text));
        self.wordy += u64::from(digits.is_empty());
        let is_code = !digits.is_empty()
            && text.chars().any(char::is_alphabetic)
            && text.chars().all(|c| c.is_alphanumeric() || "-_/#".contains(c));
        if is_code {
            *self.codes.entry(text.chars().count()).or_default() += 1;
        }
    }

    fn number(&mut self, text: &str, mark: DecimalMark) {
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            self.digit_texts += 1;
            self.fewest_digits = self.fewest_digits.min(text.len());
            let serial = text.parse().is_ok_and(|number: u32| (20_000..80_000).contains(&number));
            self.serials += u64::from(serial);
        }
        let number = Number::read(text, mark);
        if let Some(number) = &number {
            self.figures.add(number);
        } else {
            let before_unit = text.strip_suffix(['万', '亿']).or_else(|| text.strip_suffix("万元"));
            self.chinese_units += u64::from(before_unit.is_some_and(|text| Number::read(text, mark).is_some()));
        }
        self.comma_values += u64::from(mark == DecimalMark::Comma);
        let by_comma = if mark == DecimalMark::Comma { number } else { Number::read(text, DecimalMark::Comma) };
        if let Some(number) = &by_comma {
            self.comma_figures.add(number);
        }
    }

    fn date(&mut self, text: &str) {
        let Some(form) = dates::form_of(text) else { return };
        self.dates += 1;
        self.times += u64::from(form.has_time);
        self.iso += u64::from(form.formats.is_empty());
        for format in form.formats {
            *self.formats.entry(format).or_default() += 1;
        }
        if self.months.len() < MONTHS {
            self.months.extend(form.month);
        }
    }

    /// Adds the counts of another file.
    pub fn merge(&mut self, other: &Self) {
        if !other.has_begun {
            return;
        }
        if !self.has_begun {
            *self = other.clone();
            return;
        }
        for (one, other) in [
            (&mut self.values, other.values),
            (&mut self.empty, other.empty),
            (&mut self.booleans, other.booleans),
            (&mut self.bits, other.bits),
            (&mut self.comma_values, other.comma_values),
            (&mut self.chinese_units, other.chinese_units),
            (&mut self.amounts, other.amounts),
            (&mut self.wordy, other.wordy),
            (&mut self.digit_texts, other.digit_texts),
            (&mut self.dates, other.dates),
            (&mut self.times, other.times),
            (&mut self.iso, other.iso),
            (&mut self.serials, other.serials),
            (&mut self.phones, other.phones),
            (&mut self.mobiles, other.mobiles),
            (&mut self.emails, other.emails),
            (&mut self.person_ids, other.person_ids),
        ] {
            *one += other;
        }
        self.figures.merge(&other.figures);
        self.comma_figures.merge(&other.comma_figures);
        add(&mut self.codes, &other.codes);
        self.fewest_digits = self.fewest_digits.min(other.fewest_digits);
        self.longest = self.longest.max(other.longest);
        self.months.extend(&other.months);
        add(&mut self.formats, &other.formats);
        add(&mut self.null_words, &other.null_words);
        self.different = match (self.different.take(), &other.different) {
            (Some(mut one), Some(other)) => {
                add(&mut one, other);
                Some(one).filter(|one| one.len() <= DIFFERENT_VALUES)
            }
            _ => None,
        };
    }

    /// Returns the same values as of files with a decimal comma.
    pub fn with_comma(&self) -> Self {
        let mut profile = self.clone();
        profile.comma_values = profile.values;
        profile
    }

    /// Returns all cells.
    pub fn cells(&self) -> u64 {
        self.values + self.empty + self.null_words.values().sum::<u64>()
    }
}

/// Returns the largest size but for strays: at most one value in a thousand, and how many those are.
pub(super) fn largest(sizes: &BTreeMap<usize, u64>) -> (usize, u64) {
    let all: u64 = sizes.values().sum();
    let mut strays = 0;
    for (size, count) in sizes.iter().rev() {
        if (strays + count) * 1_000 > all {
            return (*size, strays);
        }
        strays += count;
    }
    (0, 0)
}

fn add<K: Clone + Ord>(one: &mut BTreeMap<K, u64>, other: &BTreeMap<K, u64>) {
    for (key, count) in other {
        *one.entry(key.clone()).or_default() += count;
    }
}

/// Trims a text and folds full-width letters and digits.
pub(super) fn tidy(text: &str) -> Cow<'_, str> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}'));
    if text.is_ascii() { Cow::Borrowed(text) } else { Cow::Owned(text.nfkc().collect()) }
}

fn is_email(text: &str) -> bool {
    let Some((name, host)) = text.split_once('@') else { return false };
    let is_host = host.contains('.') && !host.starts_with('.') && !host.ends_with('.') && !host.contains('@');
    is_host && !name.is_empty() && !text.contains(char::is_whitespace)
}

fn is_mobile(digits: &str) -> bool {
    let digits = if digits.len() == 13 { digits.strip_prefix("86").unwrap_or(digits) } else { digits };
    digits.len() == 11 && digits.starts_with('1') && digits.as_bytes()[1] >= b'3'
}

/// Returns whether a text is a resident identity number: 17 digits and a check sign (GB 11643-1999).
fn is_person_id(text: &str) -> bool {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    if text.len() != 18 || !text.as_bytes()[..17].iter().all(u8::is_ascii_digit) {
        return false;
    }
    let sum: u32 = text.bytes().zip(WEIGHTS).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    let check = b"10X98765432"[(sum % 11) as usize];
    text.as_bytes()[17].eq_ignore_ascii_case(&check)
}

/// Returns whether a text is digits with decimals or thousands, whatever sign or short word stands beside them.
fn is_amount(text: &str) -> bool {
    const BESIDE: usize = 4;
    let is_digit = |c: char| c.is_ascii_digit();
    let (Some(first), Some(last)) = (text.find(is_digit), text.rfind(is_digit)) else { return false };
    let inner = &text[first..=last];
    let is_short = |text: &str| text.chars().count() <= BESIDE && !text.contains('#');
    let mut parts: Vec<&str> = inner.split([',', '.', ' ', '\'', '\u{2019}']).collect();
    let fraction = parts.pop().unwrap_or_default();
    let has_groups = parts.iter().skip(1).chain([&fraction]).all(|part| part.len() == 3);
    let has_decimals = (1..=4).contains(&fraction.len()) && parts.iter().skip(1).all(|part| part.len() == 3);
    let is_number = inner.chars().all(|c| c.is_ascii_digit() || ",. '\u{2019}".contains(c));
    is_short(&text[..first])
        && is_short(&text[last + 1..])
        && is_number
        && !parts.is_empty()
        && (has_groups || has_decimals)
}

/// A currency beside a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Currency {
    /// A sign that may always stand there.
    Sign,
    /// A sign or name that a contract must declare with `currency: true`.
    Declared,
}

/// Signs that may stand beside any number.
const SIGNS: [&str; 4] = ["$", "¥", "￥", "€"];
/// Signs and names that must be declared, longer ones first; what `normalize` does not know becomes text when it is tried.
const DECLARED: [&str; 24] = [
    "US$", "HK$", "NT$", "R$", "RMB", "CNY", "USD", "EUR", "GBP", "JPY", "HKD", "TWD", "KRW", "THB", "BRL", "RUB",
    "INR", "VND", "元", "£", "₩", "₽", "₹", "฿",
];

/// A number's outer form.
struct Number {
    whole: usize,
    decimals: usize,
    has_exponent: bool,
    has_leading_zero: bool,
    marks: Marks,
}

/// What stands in and around a number's digits.
struct Marks {
    percent: bool,
    thousands: bool,
    currency: Option<Currency>,
}

impl Number {
    /// Reads a tidy text; None for what is no number.
    fn read(text: &str, mark: DecimalMark) -> Option<Self> {
        let inner = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(text).trim();
        let (bare, currency) = without_currency(inner.trim_start_matches(['-', '+']));
        let bare = bare.trim_start_matches(['-', '+']);
        let (bare, is_percent) = bare.strip_suffix('%').map_or((bare, false), |rest| (rest.trim_end(), true));
        let (digits, exponent) =
            bare.split_once(['e', 'E']).map_or((bare, None), |(digits, rest)| (digits, Some(rest)));
        if exponent.is_some_and(|text| {
            !text.trim_start_matches(['-', '+']).bytes().all(|byte| byte.is_ascii_digit()) || text.is_empty()
        }) {
            return None;
        }
        let (point, separator) = if mark == DecimalMark::Point { ('.', ',') } else { (',', '.') };
        let (whole, fraction) = digits.split_once(point).unwrap_or((digits, ""));
        let separator = ['\'', '\u{2019}'].into_iter().find(|quote| whole.contains(*quote)).unwrap_or(separator);
        let has_thousands = whole.contains(separator);
        let groups: Vec<&str> = whole.split(separator).collect();
        let is_grouped = !has_thousands
            || (groups.iter().skip(1).all(|group| group.len() == 3) && (1..=3).contains(&groups[0].len()));
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_grouped
            || !groups.iter().all(|group| is_digits(group))
            || !is_digits(fraction)
            || digits.len() == usize::from(digits.contains(point))
        {
            return None;
        }
        let whole = groups.concat();
        Some(Self {
            has_leading_zero: whole.len() > 1 && whole.starts_with('0'),
            whole: whole.len(),
            decimals: fraction.len(),
            has_exponent: exponent.is_some(),
            marks: Marks { percent: is_percent, thousands: has_thousands, currency },
        })
    }
}

/// Takes a currency off the beginning or the end of a text.
fn without_currency(text: &str) -> (&str, Option<Currency>) {
    let declared = DECLARED.iter().map(|word| (*word, Currency::Declared));
    let signs = SIGNS.iter().map(|sign| (*sign, Currency::Sign));
    let cut = |word: &str| text.strip_prefix(word).or_else(|| text.strip_suffix(word)).map(str::trim);
    declared.chain(signs).find_map(|(word, kind)| Some((cut(word)?, Some(kind)))).unwrap_or((text, None))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn of(values: &[&str]) -> Profile {
        let mut profile = Profile::default();
        for value in values {
            profile.add(Some(value), DecimalMark::Point);
        }
        profile
    }

    #[test]
    fn numbers_are_told_by_their_form() {
        let profile = of(&["1,234.50", "￥12", "-3", "(7)", "12.5%", "1e5", "007", "1,23", "abc", "."]);
        let figures = &profile.figures;
        assert_eq!((profile.values, figures.numbers), (10, 7));
        assert_eq!((figures.thousands, figures.currencies, figures.percents), (1, 1, 1));
        assert_eq!((figures.leading_zeros, figures.exponents), (1, 1));
        assert_eq!((largest(&figures.whole_digits), largest(&figures.decimals)), ((4, 0), (2, 0)));
        assert_eq!(of(&["3.5万"]).chinese_units, 1);
        assert_eq!(of(&["9'999.99", "1’000"]).figures.thousands, 2);
    }

    #[test]
    fn words_for_null_are_no_values() {
        let profile = of(&["", "NULL", " 无 ", "\\N", "x"]);
        assert_eq!((profile.values, profile.empty), (1, 3));
        assert_eq!(profile.null_words, BTreeMap::from([("\\N".to_owned(), 1)]));
    }

    #[test]
    fn personal_numbers_are_recognised() {
        let profile =
            of(&["１３８０００００００１", "+86 138 0000 0001", "a@b.cn", "11010519491231002X", "0531-8888666"]);
        assert_eq!((profile.mobiles, profile.phones), (2, 3));
        assert_eq!((profile.emails, profile.person_ids), (1, 1));
    }

    #[test]
    fn profiles_add_up() {
        let mut one = of(&["1", "2"]);
        one.merge(&of(&["2", "x"]));
        assert_eq!((one.values, one.figures.numbers), (4, 3));
        assert_eq!(one.different.unwrap().len(), 3);
    }

    #[test]
    fn numbers_are_counted_with_a_decimal_comma_too() {
        let profile = of(&["5.546,13", "44.369,04", "1.234", "€ 26.147,75", "12.34"]);
        assert_eq!((profile.figures.numbers, profile.comma_figures.numbers), (2, 4));
        assert_eq!((profile.comma_figures.thousands, profile.comma_figures.fractions), (4, 3));
    }

    #[test]
    fn some_currencies_must_be_declared() {
        let figures = of(&["£4,303.06", "(£12,909.18)", "-£5", "USD 7", "7 €", "EX-5", "1'2"]).figures;
        assert_eq!((figures.numbers, figures.currencies, figures.declared_currencies), (5, 5, 4));
    }

    #[test]
    fn amounts_are_known_by_their_form_and_codes_by_theirs() {
        let amounts = of(&["Ł4,303.06", "(£12,909.18)", "\\1,071,243", "6.583,90", "CHF 12.50", "1 234,5", "12.5"]);
        assert_eq!((amounts.amounts, amounts.codes.len()), (7, 0));
        let codes = of(&["D37-202610911", "EX-210", "00005401", "GEN 40", "2026-01-05", "12", "+49 221 4700728"]);
        assert_eq!((codes.amounts, codes.codes), (0, BTreeMap::from([(6, 1), (13, 1)])));
    }
}
