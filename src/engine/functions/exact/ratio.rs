//! A ratio of integers → the double nearest to it: the one place where the exact aggregates round.

use num_bigint::{BigInt, BigUint, Sign};

/// Bits that a quotient has at least: more than a double's 53, so that the rest is but a hint for rounding.
const QUOTIENT_BITS: i64 = 66;
/// Bits of a double, the leading one included.
const MANTISSA_BITS: i64 = 53;
/// The exponent of the smallest double.
const LEAST_EXPONENT: i64 = -1074;

/// Returns the double nearest to `numerator / denominator × 2^exponent`, to the even one of two; infinite where none is
/// large enough. The denominator is not 0.
pub(super) fn nearest(numerator: &BigInt, denominator: &BigInt, exponent: i32) -> f64 {
    let (dividend, divisor) = (numerator.magnitude(), denominator.magnitude());
    if numerator.sign() == Sign::NoSign || denominator.sign() == Sign::NoSign {
        return 0.0;
    }
    let bits = |number: &BigUint| i64::try_from(number.bits()).unwrap_or(i64::MAX);
    let shift = QUOTIENT_BITS - (bits(dividend) - bits(divisor));
    let (dividend, divisor) = match u64::try_from(shift) {
        Ok(left) => (dividend << left, divisor.clone()),
        Err(_) => (dividend.clone(), divisor << shift.unsigned_abs()),
    };
    let quotient = &dividend / &divisor;
    let is_inexact = &quotient * &divisor != dividend;
    let magnitude = rounded(low_bits(&quotient) << 1 | u128::from(is_inexact), i64::from(exponent) - shift - 1);
    if numerator.sign() == denominator.sign() { magnitude } else { -magnitude }
}

/// Returns what [`nearest`] does of integers that fit into so many bits.
pub(super) fn nearest_of_integers(numerator: i128, denominator: u64, exponent: i32) -> f64 {
    let dividend = numerator.unsigned_abs();
    if dividend == 0 || denominator == 0 {
        return 0.0;
    }
    // A bit is left for what is smaller than the quotient's last.
    let Some(shift) = dividend.leading_zeros().checked_sub(1) else {
        return nearest(&BigInt::from(numerator), &BigInt::from(denominator), exponent);
    };
    let (dividend, divisor) = (dividend << shift, u128::from(denominator));
    let last = u128::from(dividend % divisor != 0);
    let magnitude = rounded(((dividend / divisor) << 1) | last, i64::from(exponent) - i64::from(shift) - 1);
    if numerator > 0 { magnitude } else { -magnitude }
}

/// Returns an integer of at most 128 bits.
fn low_bits(number: &BigUint) -> u128 {
    number.iter_u64_digits().take(2).enumerate().fold(0, |sum, (index, digit)| sum | u128::from(digit) << (64 * index))
}

/// Rounds `value × 2^exponent`, whose last bit stands for all that is smaller.
fn rounded(value: u128, exponent: i64) -> f64 {
    let bits = i64::from(u128::BITS - value.leading_zeros());
    let mut unit = (exponent + bits - MANTISSA_BITS).max(LEAST_EXPONENT);
    let Ok(dropped @ 0..=127) = u32::try_from(unit - exponent) else { return 0.0 };
    let mut kept = value.checked_shr(dropped).unwrap_or(0);
    let rest = value - (kept << dropped);
    let half = 1_u128.checked_shl(dropped.wrapping_sub(1)).unwrap_or(u128::MAX);
    if rest > half || (rest == half && kept % 2 == 1) {
        kept += 1;
    }
    if kept == 1 << MANTISSA_BITS {
        kept >>= 1;
        unit += 1;
    }
    composed(u64::try_from(kept).unwrap_or(0), unit)
}

/// Returns the double of an integer below 2^53 and an exponent.
fn composed(mantissa: u64, exponent: i64) -> f64 {
    const LEADING: u64 = 1 << (MANTISSA_BITS - 1);
    if mantissa < LEADING {
        return f64::from_bits(mantissa);
    }
    match u64::try_from(exponent + 1075) {
        Ok(biased @ 1..2047) => f64::from_bits((biased << 52) | (mantissa - LEADING)),
        _ => f64::INFINITY,
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "what is rounded once is equal")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ratio(numerator: i64, denominator: i64) -> f64 {
        nearest(&BigInt::from(numerator), &BigInt::from(denominator), 0)
    }

    #[test]
    fn a_ratio_is_the_nearest_double() {
        assert_eq!(ratio(1, 3), 1.0 / 3.0);
        assert_eq!(ratio(-14, 10), -1.4);
        assert_eq!(ratio(0, 7), 0.0);
        assert_eq!(ratio(9_007_199_254_740_993, 1), 9_007_199_254_740_992.0, "a tie goes to the even one");
        assert_eq!(ratio(9_007_199_254_740_995, 1), 9_007_199_254_740_996.0);
    }

    #[test]
    fn the_ends_of_the_range_are_rounded_as_the_middle() {
        let one = BigInt::from(1);
        assert_eq!(nearest(&one, &one, -1074), f64::from_bits(1));
        assert_eq!(nearest(&one, &one, -1075), 0.0, "half of the smallest, to the even one");
        assert_eq!(nearest(&BigInt::from(3), &one, -1076), f64::from_bits(1));
        assert_eq!(nearest(&one, &one, -3000), 0.0);
        assert_eq!(nearest(&one, &one, 1023), 2_f64.powi(1023));
        assert_eq!(nearest(&one, &one, 1024), f64::INFINITY);
    }

    proptest! {
        #[test]
        fn dividing_integers_is_as_dividing_doubles(numerator in -(1_i64 << 53)..(1_i64 << 53), denominator in 1_i64..(1_i64 << 53)) {
            #[expect(clippy::cast_precision_loss, reason = "both are below 2^53")]
            let expected = numerator as f64 / denominator as f64;
            prop_assert_eq!(ratio(numerator, denominator), expected);
        }

        #[test]
        fn integers_are_divided_as_longer_ones_are(numerator in any::<i128>(), cut in 0_u32..127, denominator in 1..u64::MAX) {
            for numerator in [numerator >> cut, i128::MIN, i128::MAX] {
                for denominator in [denominator, 1, 3] {
                    let expected = nearest(&BigInt::from(numerator), &BigInt::from(denominator), -80);
                    prop_assert_eq!(nearest_of_integers(numerator, denominator, -80), expected);
                }
            }
        }
    }
}
