//! Numbers that are compared with limits: exact as long as that is possible.
//!
//! In: whole numbers, decimals, shares of counts, floats. Out: sums, products and comparisons. A fraction of two integers
//! has no rounding, so a limit of 0.1 is met exactly by a step from 0.7 to 0.8; what does not fit 128 bits, and what began
//! as a float, is computed as a float.

use std::fmt;

/// Digits of a decimal that is read exactly.
const MOST_DIGITS: usize = 30;

/// A number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Quantity {
    /// A fraction in lowest terms; the denominator is positive.
    Exact {
        /// Above.
        numerator: i128,
        /// Below.
        denominator: i128,
    },
    /// Anything else.
    Approximate(f64),
}

impl Quantity {
    /// Nothing.
    pub const ZERO: Self = Self::whole(0);

    /// Returns a whole number.
    #[must_use]
    pub const fn whole(number: i128) -> Self {
        Self::Exact { numerator: number, denominator: 1 }
    }

    /// Returns a fraction; None when the denominator is not positive.
    #[must_use]
    pub fn fraction(numerator: i128, denominator: i128) -> Option<Self> {
        let divisor = greatest_common_divisor(numerator.unsigned_abs(), denominator.unsigned_abs());
        let divisor = i128::try_from(divisor).ok().filter(|_| denominator > 0)?;
        Some(Self::Exact { numerator: numerator / divisor, denominator: denominator / divisor })
    }

    /// Returns `unscaled / 10^scale`, the value of a decimal.
    #[must_use]
    pub fn decimal(unscaled: i128, scale: u32) -> Option<Self> {
        Self::fraction(unscaled, 10_i128.checked_pow(scale)?)
    }

    /// Reads a number such as `-12.50`, without exponent.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let unsigned = whole.strip_prefix(['-', '+']).unwrap_or(whole);
        let digits = unsigned.len() + decimals.len();
        if !is_digits(unsigned) || !is_digits(decimals) || digits == 0 || digits > MOST_DIGITS {
            return None;
        }
        Self::decimal(format!("{whole}{decimals}").parse().ok()?, u32::try_from(decimals.len()).ok()?)
    }

    /// Returns the nearest float.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "that is what is asked for")]
    pub fn to_f64(self) -> f64 {
        match self {
            Self::Exact { numerator, denominator } => numerator as f64 / denominator as f64,
            Self::Approximate(value) => value,
        }
    }

    /// Returns the difference.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        self.exactly(other, |a, b, c, d| {
            let numerator = a.checked_mul(d)?.checked_sub(c.checked_mul(b)?)?;
            Self::fraction(numerator, b.checked_mul(d)?)
        })
        .unwrap_or_else(|| Self::Approximate(self.to_f64() - other.to_f64()))
    }

    /// Returns the product.
    #[must_use]
    pub fn times(self, other: Self) -> Self {
        self.exactly(other, |a, b, c, d| Self::fraction(a.checked_mul(c)?, b.checked_mul(d)?))
            .unwrap_or_else(|| Self::Approximate(self.to_f64() * other.to_f64()))
    }

    /// Returns the value without its sign.
    #[must_use]
    pub fn magnitude(self) -> Self {
        if self.exceeds(Self::ZERO) { self } else { Self::ZERO.minus(self) }
    }

    /// Returns whether this is more than a limit; what is no number exceeds every limit.
    #[must_use]
    pub fn exceeds(self, limit: Self) -> bool {
        self.exactly(limit, |a, b, c, d| Some(a.checked_mul(d)? > c.checked_mul(b)?)).unwrap_or_else(|| {
            let (value, limit) = (self.to_f64(), limit.to_f64());
            value > limit || value.is_nan()
        })
    }

    /// Computes with two fractions, numerator before denominator.
    fn exactly<T>(self, other: Self, compute: impl Fn(i128, i128, i128, i128) -> Option<T>) -> Option<T> {
        match (self, other) {
            (Self::Exact { numerator: a, denominator: b }, Self::Exact { numerator: c, denominator: d }) => {
                compute(a, b, c, d)
            }
            _ => None,
        }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact { numerator, denominator: 1 } => write!(f, "{numerator}"),
            other => write!(f, "{}", other.to_f64()),
        }
    }
}

fn greatest_common_divisor(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn of(text: &str) -> Quantity {
        Quantity::parse(text).unwrap()
    }

    #[test]
    fn a_limit_is_met_exactly_where_floats_would_pass_it() {
        let step = Quantity::Approximate(0.8).minus(Quantity::Approximate(0.7));
        assert!(step.exceeds(Quantity::Approximate(0.1)));
        assert!(!of("0.8").minus(of("0.7")).exceeds(of("0.1")));
        assert!(of("0.8000001").minus(of("0.7")).exceeds(of("0.1")));
        assert!(!of("1").minus(of("3")).exceeds(of("-2")));
    }

    #[test]
    fn what_does_not_fit_is_computed_as_a_float() {
        let huge = Quantity::whole(i128::MAX);
        assert!(huge.times(Quantity::whole(4)).exceeds(huge));
        assert!(huge.minus(Quantity::whole(i128::MIN)).exceeds(huge));
        assert!(!Quantity::Approximate(0.5).exceeds(of("0.5")));
        assert!(Quantity::Approximate(f64::NAN).exceeds(of("1000000")));
    }

    #[test]
    fn only_plain_numbers_are_read() {
        assert_eq!((of("-12.50"), of(".5"), of("+3.")), (of("-12.5"), of("0.50"), of("3")));
        assert_eq!(of("-0.5").magnitude(), of("0.5"));
        assert_eq!((of("12.5").to_string(), of("-7").to_string()), ("12.5".to_owned(), "-7".to_owned()));
        let no = ["", ".", "-", "1e3", "0x1", "1,5", "१", "--1", "1.-2", "1234567890123456789012345678901"];
        assert!(no.iter().all(|text| Quantity::parse(text).is_none()));
    }
}
