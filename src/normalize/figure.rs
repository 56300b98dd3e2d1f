//! A number as people write it, cut into sign, digits and exponent.
//!
//! In: a trimmed and folded text, and what the contract says about it. Out: [`Parts`], or that it is no number.
//! Always taken off: a sign, `(1)` for −1 and a currency sign, unless the contract forbids them. Where the contract says
//! so: names of currencies, a trailing minus, percent, and 万 or 亿. Deliberately computes nothing.

use std::borrow::Cow;

use super::number::{Misfit, Style};
use crate::record::DecimalMark;

/// Names and signs of currencies that may stand beside a number where the contract says so; longer ones first.
const CURRENCIES: [&str; 36] = [
    "人民币",
    "人民幣",
    "US$",
    "HK$",
    "NT$",
    "RMB",
    "CNY",
    "CNH",
    "USD",
    "EUR",
    "GBP",
    "JPY",
    "HKD",
    "TWD",
    "KRW",
    "THB",
    "BRL",
    "RUB",
    "KZT",
    "INR",
    "VND",
    "美元",
    "欧元",
    "英镑",
    "日元",
    "港元",
    "港币",
    "R$",
    "元整",
    "元",
    "圆",
    "£",
    "₩",
    "₽",
    "₹",
    "฿",
];

/// Suffixes that multiply by a power of ten where the contract says so; longer ones first.
const CHINESE_UNITS: [(&str, i64); 11] = [
    ("万亿", 12),
    ("千亿", 11),
    ("百亿", 10),
    ("十亿", 9),
    ("千万", 7),
    ("百万", 6),
    ("十万", 5),
    ("亿", 8),
    ("万", 4),
    ("千", 3),
    ("百", 2),
];

/// Digits that an exponent may have: more would be no number of anything.
const EXPONENT_DIGITS: usize = 6;

/// A number's parts: ±`whole`.`fraction` × 10^`exponent`, digits only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parts {
    pub negative: bool,
    pub whole: String,
    pub fraction: String,
    pub exponent: i64,
}

impl Parts {
    /// Cuts a trimmed text.
    pub fn read(text: &str, style: Style) -> Result<Self, Misfit> {
        let text = plain(text);
        let (negative, rest) = strip_sign(&text, style);
        let (rest, power) = strip_units(rest, style);
        let (digits, exponent) = split_exponent(rest)?;
        let (point, separator) = match style.mark {
            DecimalMark::Point => ('.', ','),
            DecimalMark::Comma => (',', '.'),
        };
        let (whole, fraction) = digits.split_once(point).unwrap_or((digits, ""));
        let digits_only = fraction.bytes().all(|byte| byte.is_ascii_digit());
        if !digits_only || (whole.is_empty() && fraction.is_empty()) || !is_grouped(whole, separator) {
            return Err(Misfit::NotANumber);
        }
        let whole = whole.chars().filter(char::is_ascii_digit).collect();
        Ok(Self { negative, whole, fraction: fraction.to_owned(), exponent: exponent + power })
    }
}

/// Maps the characters outside ASCII that belong to numbers to ASCII; text without any is borrowed.
fn plain(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let map = |c| match c {
        '\u{a0}' | '\u{202f}' | '\u{2009}' => ' ',
        '\u{2212}' => '-',
        '\u{2019}' => '\'',
        '¥' | '￥' | '€' => '$',
        '萬' => '万',
        '億' => '亿',
        other => other,
    };
    Cow::Owned(text.chars().map(map).collect())
}

/// Takes off parentheses, signs and currencies: `(1)`, `-$1`, `$-1`, `$ 1`, `1 $`, and `1-` where it may stand.
fn strip_sign(text: &str, style: Style) -> (bool, &str) {
    let accounting = style.numerals.accounting;
    let inner = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    if let Some(inner) = inner.filter(|_| accounting != Some(false)) {
        // A sign within parentheses would be negative twice: the digits' check refuses it.
        return (true, strip_currency(inner.trim_ascii(), style));
    }
    let bare = strip_leading_currency(text, style);
    let (negative, rest) = match bare.unwrap_or(text).as_bytes().first() {
        Some(b'-') => (true, bare.unwrap_or(text)[1..].trim_ascii_start()),
        Some(b'+') => (false, bare.unwrap_or(text)[1..].trim_ascii_start()),
        _ => (false, bare.unwrap_or(text)),
    };
    let trailing = rest.strip_suffix('-').filter(|_| accounting == Some(true) && !negative);
    let (negative, rest) = trailing.map_or((negative, rest), |rest| (true, rest.trim_ascii_end()));
    let is_named = style.numerals.currency == Some(true);
    let rest = if bare.is_none() || is_named { strip_currency_once(rest, bare.is_none(), style) } else { rest };
    (negative, rest)
}

fn strip_currency(text: &str, style: Style) -> &str {
    strip_currency_once(text, true, style)
}

/// Takes a currency off the front, where it `may` stand there, or off the end; off both where names are declared.
fn strip_currency_once(text: &str, may_lead: bool, style: Style) -> &str {
    match strip_leading_currency(text, style).filter(|_| may_lead) {
        Some(rest) if style.numerals.currency == Some(true) => strip_trailing_currency(rest, style),
        Some(rest) => rest,
        None => strip_trailing_currency(text, style),
    }
}

fn strip_leading_currency(text: &str, style: Style) -> Option<&str> {
    let names = currencies(style).find_map(|name| {
        let (head, rest) = text.split_at_checked(name.len())?;
        head.eq_ignore_ascii_case(name).then_some(rest)
    });
    names.map(str::trim_ascii_start)
}

fn strip_trailing_currency(text: &str, style: Style) -> &str {
    let stripped = currencies(style).find_map(|name| {
        let (rest, tail) = text.split_at_checked(text.len().checked_sub(name.len())?)?;
        tail.eq_ignore_ascii_case(name).then_some(rest)
    });
    stripped.map_or(text, str::trim_ascii_end)
}

/// Returns what may stand beside a number; signs were mapped to `$`.
fn currencies(style: Style) -> impl Iterator<Item = &'static str> {
    let names: &[&str] = if style.numerals.currency == Some(true) { &CURRENCIES } else { &[] };
    let signs: &[&str] = if style.numerals.currency == Some(false) { &[] } else { &["$"] };
    names.iter().chain(signs).copied()
}

/// Takes off `%`, `‰` and 万, and returns the power of ten that they stand for.
fn strip_units(text: &str, style: Style) -> (&str, i64) {
    let shares: &[(&str, i64)] = if style.numerals.percent { &[("%", -2), ("‰", -3)] } else { &[] };
    let units: &[(&str, i64)] = if style.numerals.chinese_units { &CHINESE_UNITS } else { &[] };
    let stripped = shares.iter().chain(units).find_map(|(unit, power)| Some((text.strip_suffix(unit)?, *power)));
    stripped.map_or((text, 0), |(rest, power)| (rest.trim_ascii_end(), power))
}

fn split_exponent(text: &str) -> Result<(&str, i64), Misfit> {
    let Some(at) = memchr::memchr2(b'e', b'E', text.as_bytes()) else { return Ok((text, 0)) };
    let exponent = &text[at + 1..];
    let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let is_plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_plain || digits.len() > EXPONENT_DIGITS {
        return Err(Misfit::NotANumber);
    }
    Ok((&text[..at], exponent.parse().map_err(|_| Misfit::NotANumber)?))
}

/// Returns whether a whole part is digits, or groups of three behind a first of one to three, with one separator.
fn is_grouped(whole: &str, separator: char) -> bool {
    if whole.bytes().all(|byte| byte.is_ascii_digit()) {
        return true;
    }
    let used = whole.chars().find(|c| !c.is_ascii_digit());
    let Some(used) = used.filter(|c| *c == separator || matches!(c, ' ' | '\'')) else { return false };
    let digits = |group: &str| group.bytes().all(|byte| byte.is_ascii_digit());
    let mut groups = whole.split(used);
    let first = groups.next().unwrap_or_default();
    (1..=3).contains(&first.len()) && digits(first) && groups.all(|group| group.len() == 3 && digits(group))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::define::project::Numerals;

    fn read(text: &str, numerals: Numerals) -> Option<String> {
        let parts = Parts::read(text, Style { mark: DecimalMark::Point, numerals }).ok()?;
        let sign = if parts.negative { "-" } else { "" };
        Some(format!("{sign}{}.{}e{}", parts.whole, parts.fraction, parts.exponent))
    }

    fn reads(numerals: Numerals, cases: &[(&str, &str)]) {
        for (text, expected) in cases {
            assert_eq!(read(text, numerals).as_deref(), Some(*expected), "{text}");
        }
    }

    fn refuses(numerals: Numerals, texts: &[&str]) {
        for text in texts {
            assert_eq!(read(text, numerals), None, "{text}");
        }
    }

    #[test]
    fn names_of_currencies_stand_where_they_are_declared() {
        let named = Numerals { currency: Some(true), ..Numerals::default() };
        let cases = [
            ("100元", "100.e0"),
            ("CNY 1,234.50", "1234.50e0"),
            ("cny1", "1.e0"),
            ("RMB-5", "-5.e0"),
            ("-RMB5", "-5.e0"),
            ("￥100元", "100.e0"),
            ("人民币 100.00 元", "100.00e0"),
            ("(5 USD)", "-5.e0"),
            ("12 EUR", "12.e0"),
            ("US$3", "3.e0"),
            ("£3", "3.e0"),
        ];
        reads(named, &cases);
        refuses(named, &["元", "CNY", "100元元", "100元/台", "1CNY5"]);
        refuses(Numerals::default(), &["100元", "CNY 5", "£3"]);
        refuses(Numerals { currency: Some(false), ..Numerals::default() }, &["$5", "5 €", "￥5", "5元"]);
    }

    #[test]
    fn accounting_may_be_wider_or_forbidden() {
        let wide = Numerals { accounting: Some(true), ..Numerals::default() };
        reads(wide, &[("1,234.50-", "-1234.50e0"), ("$5 -", "-5.e0"), ("(5)", "-5.e0"), ("-5", "-5.e0")]);
        refuses(wide, &["-5-", "(5-)", "-", "--5", "+-5"]);
        refuses(Numerals::default(), &["5-"]);
        let none = Numerals { accounting: Some(false), ..Numerals::default() };
        reads(none, &[("-5", "-5.e0")]);
        refuses(none, &["(5)", "5-"]);
    }

    #[test]
    fn percent_and_chinese_units_shift_the_mark() {
        let percent = Numerals { percent: true, ..Numerals::default() };
        reads(
            percent,
            &[("12.5%", "12.5e-2"), ("12.5 %", "12.5e-2"), ("5‰", "5.e-3"), ("-1e2%", "-1.e0"), ("7", "7.e0")],
        );
        refuses(percent, &["%", "5%%", "%5"]);
        let units = Numerals { chinese_units: true, currency: Some(true), ..Numerals::default() };
        let cases = [
            ("1.2万", "1.2e4"),
            ("1.2 萬", "1.2e4"),
            ("3亿", "3.e8"),
            ("3億元", "3.e8"),
            ("2千万", "2.e7"),
            ("5万亿", "5.e12"),
            ("￥1.5万元", "1.5e4"),
            ("-1万", "-1.e4"),
            ("（1万）".trim_matches(['（', '）']), "1.e4"),
        ];
        reads(units, &cases);
        refuses(units, &["万", "1万2", "1万万", "万1", "1.2万%"]);
        refuses(Numerals::default(), &["1.2万", "12%"]);
    }
}
