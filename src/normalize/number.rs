//! Numbers as people write them, exactly: text → mantissa and scale, no binary fractions on the way.
//!
//! Accepted: thousands separators in groups of three, the file's decimal mark, a sign, accounting parentheses, a
//! currency sign at either end, scientific notation. Refused: anything that would have to be guessed (`1,23` where the
//! comma separates thousands). Full-width forms are folded before.

use std::borrow::Cow;

use crate::record::DecimalMark;

/// An exact decimal: ±`mantissa` × 10^−`scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number {
    negative: bool,
    mantissa: u128,
    scale: i64,
}

/// Why a text is no number of the wanted kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Misfit {
    /// It is no number.
    NotANumber,
    /// It is too large.
    Overflow,
    /// It has digits that would be lost.
    Precision,
}

impl Number {
    /// Reads a trimmed text.
    pub fn read(text: &str, mark: DecimalMark) -> Result<Self, Misfit> {
        if let Some(number) = Self::bare(text.as_bytes(), mark) {
            return Ok(number);
        }
        let text = plain(text);
        let (parts, _) = Parts::split(&text, mark, false)?;
        parts.number()
    }

    /// Reads what nearly all cells are: up to 18 digits, at most one decimal mark, perhaps a minus.
    fn bare(text: &[u8], mark: DecimalMark) -> Option<Self> {
        let point = if mark == DecimalMark::Point { b'.' } else { b',' };
        let (negative, digits) = text.strip_prefix(b"-").map_or((false, text), |rest| (true, rest));
        if digits.len() > 18 || !digits.first().is_some_and(u8::is_ascii_digit) {
            return None;
        }
        let (mut mantissa, mut scale, mut is_behind) = (0_u64, 0_i64, false);
        for byte in digits {
            match byte {
                b'0'..=b'9' => mantissa = mantissa * 10 + u64::from(byte - b'0'),
                mark if *mark == point && !is_behind => is_behind = true,
                _ => return None,
            }
            scale += i64::from(is_behind && *byte != point);
        }
        Some(Self { negative, mantissa: u128::from(mantissa), scale })
    }

    /// Returns the mantissa at `scale` decimals after multiplying by `factor`.
    ///
    /// Decimals beyond the scale must be zeros. The result has at most `precision` digits.
    pub fn rescale(self, factor: i64, precision: u8, scale: i64) -> Result<i128, Misfit> {
        let scaled = self.mantissa.checked_mul(u128::from(factor.unsigned_abs())).ok_or(Misfit::Overflow)?;
        let value = shift(scaled, scale.saturating_sub(self.scale))?;
        if value >= power(u64::from(precision)).unwrap_or(u128::MAX) {
            return Err(Misfit::Overflow);
        }
        let value = i128::try_from(value).map_err(|_| Misfit::Overflow)?;
        Ok(if self.negative == (factor < 0) { value } else { -value })
    }

    /// Returns the value as a whole number after multiplying by `factor`; `3.0` is one.
    pub fn whole<T: TryFrom<i128>>(self, factor: i64) -> Result<T, Misfit> {
        T::try_from(self.rescale(factor, 38, 0)?).map_err(|_| Misfit::Overflow)
    }
}

/// Reads a trimmed text as the nearest double; `12.5%` is 0.125.
pub(super) fn read_double(text: &str, mark: DecimalMark) -> Result<f64, Misfit> {
    let is_bare = |byte| matches!(byte, b'0'..=b'9' | b'.' | b'-');
    if mark == DecimalMark::Point && text.bytes().all(is_bare) {
        return text.parse().map_err(|_| Misfit::NotANumber);
    }
    let text = plain(text);
    let (parts, percent) = Parts::split(&text, mark, true)?;
    let exponent = parts.exponent.saturating_sub(if percent { 2 } else { 0 });
    let digits: String = parts.whole.bytes().filter(u8::is_ascii_digit).map(char::from).collect();
    let sign = if parts.negative { "-" } else { "" };
    let value: f64 = format!("{sign}{digits}.{}e{exponent}", parts.fraction).parse().map_err(|_| Misfit::NotANumber)?;
    if value.is_finite() { Ok(value) } else { Err(Misfit::Overflow) }
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
        other => other,
    };
    Cow::Owned(text.chars().map(map).collect())
}

/// A number's text cut at its marks; `whole` still holds checked separators.
struct Parts<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
    exponent: i64,
}

impl<'a> Parts<'a> {
    /// Cuts a text and returns whether it ended in a percent sign, where that is allowed.
    fn split(text: &'a str, mark: DecimalMark, percent: bool) -> Result<(Self, bool), Misfit> {
        let (negative, bare) = strip_sign(text);
        let (bare, is_percent) = match bare.strip_suffix('%') {
            Some(rest) if percent => (rest.trim_ascii_end(), true),
            _ => (bare, false),
        };
        let (digits, exponent) = split_exponent(bare)?;
        let (point, separator) = match mark {
            DecimalMark::Point => ('.', ','),
            DecimalMark::Comma => (',', '.'),
        };
        let (whole, fraction) = digits.split_once(point).unwrap_or((digits, ""));
        let digits_only = fraction.bytes().all(|byte| byte.is_ascii_digit());
        if !digits_only || (whole.is_empty() && fraction.is_empty()) || !is_grouped(whole, separator) {
            return Err(Misfit::NotANumber);
        }
        Ok((Self { negative, whole, fraction, exponent }, is_percent))
    }

    fn number(&self) -> Result<Number, Misfit> {
        let fraction = self.fraction.trim_end_matches('0');
        let mut mantissa = Mantissa::default();
        for byte in self.whole.bytes().filter(u8::is_ascii_digit) {
            mantissa.push(byte).ok_or(Misfit::Overflow)?;
        }
        for byte in fraction.bytes() {
            mantissa.push(byte).ok_or(Misfit::Precision)?;
        }
        let mantissa = mantissa.value().ok_or(Misfit::Overflow)?;
        let decimals = i64::try_from(fraction.len()).map_err(|_| Misfit::Precision)?;
        Ok(Number { negative: self.negative, mantissa, scale: decimals.saturating_sub(self.exponent) })
    }
}

/// Takes off parentheses, signs and currency signs: `(1)`, `-$1`, `$-1`, `$ 1`, `1 $`.
fn strip_sign(text: &str) -> (bool, &str) {
    if let Some(inner) = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        let inner = strip_currency(inner.trim_ascii());
        // A sign within parentheses would be negative twice: the digits' check refuses it.
        return (true, inner);
    }
    let (currency, text) = match text.strip_prefix('$') {
        Some(rest) => (true, rest.trim_ascii_start()),
        None => (false, text),
    };
    let (negative, rest) = match text.as_bytes().first() {
        Some(b'-') => (true, text[1..].trim_ascii_start()),
        Some(b'+') => (false, text[1..].trim_ascii_start()),
        _ => (false, text),
    };
    (negative, if currency { rest } else { strip_currency(rest) })
}

fn strip_currency(text: &str) -> &str {
    match text.strip_prefix('$') {
        Some(rest) => rest.trim_ascii_start(),
        None => text.strip_suffix('$').map_or(text, str::trim_ascii_end),
    }
}

fn split_exponent(text: &str) -> Result<(&str, i64), Misfit> {
    let Some(at) = memchr::memchr2(b'e', b'E', text.as_bytes()) else { return Ok((text, 0)) };
    let exponent = &text[at + 1..];
    let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    if digits.is_empty() || digits.len() > 6 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
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

/// Digits gathered 18 at a time in a machine word, since 128-bit multiplication per digit is slow.
#[derive(Default)]
struct Mantissa {
    gathered: u128,
    word: u64,
    digits: u64,
}

impl Mantissa {
    fn push(&mut self, digit: u8) -> Option<()> {
        if self.digits == 18 {
            self.gathered = self.flushed()?;
            self.word = 0;
            self.digits = 0;
        }
        self.word = self.word * 10 + u64::from(digit - b'0');
        self.digits += 1;
        Some(())
    }

    fn flushed(&self) -> Option<u128> {
        self.gathered.checked_mul(power(self.digits)?)?.checked_add(u128::from(self.word))
    }

    fn value(&self) -> Option<u128> {
        if self.gathered == 0 { Some(u128::from(self.word)) } else { self.flushed() }
    }
}

/// Multiplies by 10^`by`, or divides where `by` is negative and nothing is lost.
fn shift(value: u128, by: i64) -> Result<u128, Misfit> {
    if value == 0 {
        return Ok(0);
    }
    let factor = power(by.unsigned_abs());
    if by >= 0 {
        factor.and_then(|factor| value.checked_mul(factor)).ok_or(Misfit::Overflow)
    } else {
        factor.filter(|factor| value.is_multiple_of(*factor)).map(|factor| value / factor).ok_or(Misfit::Precision)
    }
}

fn power(exponent: u64) -> Option<u128> {
    10_u128.checked_pow(u32::try_from(exponent).ok()?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use DecimalMark::{Comma, Point};

    fn cents(text: &str, mark: DecimalMark) -> Result<i128, Misfit> {
        Number::read(text, mark)?.rescale(1, 18, 2)
    }

    #[test]
    fn numbers_are_read_as_people_write_them() {
        let cases = [
            ("0", 0),
            ("-0", 0),
            ("1234.5", 123_450),
            ("1,234.50", 123_450),
            ("1 234.50", 123_450),
            ("1\u{a0}234.50", 123_450),
            ("1'234.50", 123_450),
            ("12,345,678", 1_234_567_800),
            ("+7", 700),
            ("-7.01", -701),
            ("\u{2212}7", -700),
            ("(1,234.00)", -123_400),
            ("(¥5)", -500),
            ("¥1,000", 100_000),
            ("￥ 1000", 100_000),
            ("-€5", -500),
            ("$-5", -500),
            ("5 €", 500),
            ("5.", 500),
            (".5", 50),
            ("1.5E+3", 150_000),
            ("15e-1", 150),
            ("1.2300000000000000000000000000000000000000000000", 123),
            ("0000000000000000000000000000000000000000000000001", 100),
        ];
        for (text, expected) in cases {
            assert_eq!(cents(text, Point), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_comma_file_swaps_the_marks() {
        assert_eq!(cents("1.234,56", Comma), Ok(123_456));
        assert_eq!(cents("1234,5", Comma), Ok(123_450));
        assert_eq!(cents("1.234", Comma), Ok(123_400));
        assert_eq!(cents("1,234", Comma), Err(Misfit::Precision));
        assert_eq!(cents("12.34", Comma), Err(Misfit::NotANumber));
    }

    #[test]
    fn what_would_have_to_be_guessed_is_refused() {
        let texts = [
            "",
            "-",
            ".",
            "1,23",
            "1,2345",
            ",123",
            "1234,567",
            "1,234 567",
            "1..2",
            "1.2.3",
            "--1",
            "(-1)",
            "1-",
            "abc",
            "12元",
            "1e",
            "e5",
            "1e+",
            "0x10",
            "NaN",
            "inf",
            "12%",
            "10²",
            "$$5",
            "$5$",
            "1e9999999",
            "1 2",
        ];
        for text in texts {
            assert_eq!(cents(text, Point), Err(Misfit::NotANumber), "{text}");
        }
    }

    #[test]
    fn digits_are_neither_lost_nor_invented() {
        assert_eq!(cents("1.234", Point), Err(Misfit::Precision));
        assert_eq!(cents("1e-3", Point), Err(Misfit::Precision));
        assert_eq!(cents("9999999999999999.99", Point), Ok(999_999_999_999_999_999));
        assert_eq!(cents("10000000000000000", Point), Err(Misfit::Overflow));
        assert_eq!(cents(&"9".repeat(60), Point), Err(Misfit::Overflow));
        assert_eq!(cents("1e40", Point), Err(Misfit::Overflow));
        assert_eq!(cents("0e40", Point), Ok(0));
        let wide = Number::read(&"9".repeat(38), Point).and_then(|number| number.rescale(1, 38, 0));
        assert_eq!(wide, Ok(10_i128.pow(38) - 1));
    }

    #[test]
    fn a_factor_is_applied_exactly() {
        let scaled = |text| Number::read(text, Point).and_then(|number| number.rescale(10_000, 18, 2));
        assert_eq!(scaled("12.345678"), Ok(12_345_678));
        assert_eq!(scaled("12.3456789"), Err(Misfit::Precision));
    }

    #[test]
    fn whole_numbers_accept_zeros_behind_the_mark() {
        let whole = |text| Number::read(text, Point).and_then(Number::whole_i32);
        assert_eq!(whole("3.0"), Ok(3));
        assert_eq!(whole("-2147483648"), Ok(i32::MIN));
        assert_eq!(whole("2147483648"), Err(Misfit::Overflow));
        assert_eq!(whole("3.5"), Err(Misfit::Precision));
    }

    impl Number {
        fn whole_i32(self) -> Result<i32, Misfit> {
            self.whole(1)
        }
    }

    #[test]
    fn doubles_are_the_nearest_ones_and_may_be_percent() {
        assert_eq!(read_double("1,234.5", Point), Ok(1234.5));
        assert_eq!(read_double("12,5 %", Comma), Ok(0.125));
        assert_eq!(read_double("(0.1)", Point), Ok(-0.1));
        assert_eq!(read_double("1e999", Point), Err(Misfit::Overflow));
        assert_eq!(read_double("NaN", Point), Err(Misfit::NotANumber));
    }

    fn written(value: i128, mark: DecimalMark, grouped: bool) -> String {
        let (point, separator) = if mark == Point { ('.', ',') } else { (',', '.') };
        let whole = (value.unsigned_abs() / 100).to_string();
        let mut text = String::new();
        for (index, digit) in whole.chars().enumerate() {
            if grouped && index > 0 && (whole.len() - index).is_multiple_of(3) {
                text.push(separator);
            }
            text.push(digit);
        }
        format!("{}{text}{point}{:02}", if value < 0 { "-" } else { "" }, value.unsigned_abs() % 100)
    }

    proptest! {
        #[test]
        fn every_decimal_survives_being_written_and_read(
            value in -999_999_999_999_999_999_i128..=999_999_999_999_999_999,
            comma in any::<bool>(),
            grouped in any::<bool>(),
        ) {
            let mark = if comma { Comma } else { Point };
            prop_assert_eq!(cents(&written(value, mark, grouped), mark), Ok(value));
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "[-+0-9., eE()$%¥'a]{0,45}") {
            let _ = cents(&text, Point);
            let _ = cents(&text, Comma);
            let _ = read_double(&text, Comma);
        }
    }
}
