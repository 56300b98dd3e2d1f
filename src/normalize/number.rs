//! Numbers, exactly: text → mantissa and scale, no binary fractions on the way.
//!
//! Accepted: thousands separators in groups of three, the declared decimal mark, scientific notation, and the signs and
//! words around a number that `figure.rs` knows. Refused: anything that would have to be guessed (`1,23` where the comma
//! separates thousands). Full-width forms are folded before.

use super::{exact, figure::Parts};
use crate::{
    define::project::{Numerals, Scale},
    record::DecimalMark,
};

/// How the numbers of one column are written in one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Style {
    /// Decimal mark: the column's, else the file's.
    pub mark: DecimalMark,
    /// What the contract says about signs and words.
    pub numerals: Numerals,
}

impl Style {
    /// Returns the style with the other decimal mark.
    pub const fn swapped(self) -> Self {
        let mark = match self.mark {
            DecimalMark::Point => DecimalMark::Comma,
            DecimalMark::Comma => DecimalMark::Point,
        };
        Self { mark, ..self }
    }

    /// Returns the decimal mark as a byte.
    pub fn point(self) -> u8 {
        match self.mark {
            DecimalMark::Point => b'.',
            DecimalMark::Comma => b',',
        }
    }
}

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
    pub fn read(text: &str, style: Style) -> Result<Self, Misfit> {
        if let Some(figure) = exact::figure(text.as_bytes(), style.point()) {
            let scale = i64::try_from(figure.decimals).map_err(|_| Misfit::Precision)?;
            let mantissa = u128::from(figure.mantissa.unsigned_abs());
            return Ok(Self { negative: figure.mantissa < 0, mantissa, scale });
        }
        Self::of(&Parts::read(text, style)?)
    }

    fn of(parts: &Parts) -> Result<Self, Misfit> {
        let fraction = parts.fraction.trim_end_matches('0');
        let mut mantissa = Mantissa::default();
        for byte in parts.whole.bytes() {
            mantissa.push(byte).ok_or(Misfit::Overflow)?;
        }
        for byte in fraction.bytes() {
            mantissa.push(byte).ok_or(Misfit::Precision)?;
        }
        let mantissa = mantissa.value().ok_or(Misfit::Overflow)?;
        let decimals = i64::try_from(fraction.len()).map_err(|_| Misfit::Precision)?;
        Ok(Self { negative: parts.negative, mantissa, scale: decimals.saturating_sub(parts.exponent) })
    }

    /// Returns the mantissa at `decimals` decimals, times the factor `by`.
    ///
    /// Decimals beyond must be zeros. The result has at most `precision` digits.
    pub fn rescale(self, by: Scale, precision: u8, decimals: i64) -> Result<i128, Misfit> {
        let scaled = self.mantissa.checked_mul(u128::from(by.multiply.unsigned_abs())).ok_or(Misfit::Overflow)?;
        let value = shift(scaled, decimals.saturating_sub(self.scale), u128::from(by.divide.unsigned_abs()))?;
        if value >= power(u64::from(precision)).unwrap_or(u128::MAX) {
            return Err(Misfit::Overflow);
        }
        let value = i128::try_from(value).map_err(|_| Misfit::Overflow)?;
        Ok(if self.negative { -value } else { value })
    }

    /// Returns the value as a whole number, times the factor `by`; `3.0` is one.
    pub fn whole<T: TryFrom<i128>>(self, by: Scale) -> Result<T, Misfit> {
        T::try_from(self.rescale(by, 38, 0)?).map_err(|_| Misfit::Overflow)
    }
}

/// Reads a trimmed text as the nearest double, times the factor `by`; `12.5%` is 0.125, `-0` is 0.
pub(super) fn read_double(text: &str, style: Style, by: Scale) -> Result<f64, Misfit> {
    let numerals = Numerals { percent: true, ..style.numerals };
    let is_bare = |byte| matches!(byte, b'0'..=b'9' | b'.' | b'-');
    let has_digit = |text: &str| text.bytes().any(|byte| matches!(byte, b'1'..=b'9'));
    let (value, is_zero) = if style.mark == DecimalMark::Point && text.bytes().all(is_bare) {
        (text.parse::<f64>().map_err(|_| Misfit::NotANumber)?, !has_digit(text))
    } else {
        let parts = Parts::read(text, Style { numerals, ..style })?;
        let sign = if parts.negative { "-" } else { "" };
        let written = format!("{sign}{}.{}e{}", parts.whole, parts.fraction, parts.exponent);
        let is_zero = !has_digit(&parts.whole) && !has_digit(&parts.fraction);
        (written.parse::<f64>().map_err(|_| Misfit::NotANumber)?, is_zero)
    };
    #[expect(clippy::cast_precision_loss, reason = "a factor such as 10000 is exact, and a double is not exact anyway")]
    let value = if by == Scale::ONE { value } else { value * by.multiply as f64 / by.divide as f64 };
    // What is smaller than any double is no zero. Minus zero would be another key than zero.
    if value.is_finite() && (value != 0.0 || is_zero) { Ok(value + 0.0) } else { Err(Misfit::Overflow) }
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
        self.word = self.word * 10 + u64::from(digit.wrapping_sub(b'0'));
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

/// Returns `value` × 10^`by` ÷ `divisor`, where nothing is lost.
fn shift(value: u128, by: i64, divisor: u128) -> Result<u128, Misfit> {
    if value == 0 {
        return Ok(0);
    }
    let tens = power(by.unsigned_abs());
    let (value, divisor) = if by < 0 {
        // What has more digits than a value can have divides none.
        (value, tens.and_then(|tens| tens.checked_mul(divisor)).ok_or(Misfit::Precision)?)
    } else {
        let tens = tens.ok_or(Misfit::Overflow)?;
        let common = gcd(tens, divisor);
        (value.checked_mul(tens / common).ok_or(Misfit::Overflow)?, divisor / common)
    };
    if value.is_multiple_of(divisor) { Ok(value / divisor) } else { Err(Misfit::Precision) }
}

const fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn power(exponent: u64) -> Option<u128> {
    10_u128.checked_pow(u32::try_from(exponent).ok()?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use DecimalMark::{Comma, Point};

    fn style(mark: DecimalMark) -> Style {
        Style { mark, numerals: Numerals::default() }
    }

    fn cents(text: &str, mark: DecimalMark) -> Result<i128, Misfit> {
        Number::read(text, style(mark))?.rescale(Scale::ONE, 18, 2)
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
        let wide = Number::read(&"9".repeat(38), style(Point)).and_then(|number| number.rescale(Scale::ONE, 38, 0));
        assert_eq!(wide, Ok(10_i128.pow(38) - 1));
    }

    #[test]
    fn a_factor_is_applied_exactly() {
        let scaled = |text, multiply, divide| {
            Number::read(text, style(Point)).and_then(|number| number.rescale(Scale { multiply, divide }, 18, 2))
        };
        assert_eq!(scaled("12.345678", 10_000, 1), Ok(12_345_678));
        assert_eq!(scaled("12.3456789", 10_000, 1), Err(Misfit::Precision));
        assert_eq!(scaled("12345", 1, 100), Ok(12_345));
        assert_eq!(scaled("-12345.00", 1, 100), Ok(-12_345));
        assert_eq!(scaled("123.4", 1, 100), Err(Misfit::Precision));
        assert_eq!(scaled("3", 5, 12), Ok(125));
        assert_eq!(scaled("1", 1, 3), Err(Misfit::Precision));
        assert_eq!(scaled("1e-9", 1, 100), Err(Misfit::Precision));
        assert_eq!(scaled("0e-99", 1, 7), Ok(0));
    }

    #[test]
    fn whole_numbers_accept_zeros_behind_the_mark() {
        let whole = |text| Number::read(text, style(Point)).and_then(Number::whole_i32);
        assert_eq!(whole("3.0"), Ok(3));
        assert_eq!(whole("-2147483648"), Ok(i32::MIN));
        assert_eq!(whole("2147483648"), Err(Misfit::Overflow));
        assert_eq!(whole("3.5"), Err(Misfit::Precision));
    }

    impl Number {
        fn whole_i32(self) -> Result<i32, Misfit> {
            self.whole(Scale::ONE)
        }
    }

    #[test]
    fn doubles_are_the_nearest_ones_and_may_be_percent() {
        let double = |text: &str, mark| read_double(text, style(mark), Scale::ONE);
        assert_eq!(double("1,234.5", Point), Ok(1234.5));
        assert_eq!(double("12,5 %", Comma), Ok(0.125));
        assert_eq!(double("(0.1)", Point), Ok(-0.1));
        assert_eq!(double("1e999", Point), Err(Misfit::Overflow));
        assert_eq!(double("-1e-999", Point), Err(Misfit::Overflow));
        assert_eq!(double(&format!("0.{}1", "0".repeat(400)), Point), Err(Misfit::Overflow));
        assert_eq!((double("0e5", Point), double("0.00", Point)), (Ok(0.0), Ok(0.0)));
        assert_eq!(double(&"9".repeat(400), Point), Err(Misfit::Overflow));
        for text in ["NaN", "nan", "inf", "-Infinity", "1-2", "-", ".", "1.2.3"] {
            assert_eq!(double(text, Point), Err(Misfit::NotANumber), "{text}");
        }
        assert_eq!(double("-0", Point).map(f64::is_sign_negative), Ok(false));
        assert_eq!(read_double("1234", style(Point), Scale { multiply: 1, divide: 100 }), Ok(12.34));
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
            let _ = read_double(&text, style(Comma), Scale::ONE);
        }
    }
}
