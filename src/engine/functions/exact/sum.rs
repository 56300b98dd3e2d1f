//! A sum of doubles, or of products of two, that loses no digit.
//!
//! A finite double is an integer times 2^e with e ≥ −1074, so a product of two has e ≥ −2148. The sum is kept as an integer
//! in units of 2^−2148, in pieces of 32 bits, of which only those between the lowest and the highest that were ever touched
//! are there: four or five for values of like size. A piece lies in 64 bits, so that carries wait for a milliard of
//! additions. (The scheme is that of R. Neal, "Fast exact summation using small and large superaccumulators", 2015.)

use num_bigint::BigInt;

/// The exponent of the unit.
const UNIT_EXPONENT: i32 = -2148;
const PIECE_BITS: usize = 32;
/// Additions that a piece takes without a carry: each adds less than 2^32.
const MOST_PENDING: u32 = 1 << 29;

/// An exact sum.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ExactSum {
    /// The place of the first piece, counted from the unit.
    first: usize,
    pieces: Vec<i64>,
    pending: u32,
}

/// An integer times a power of two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scaled {
    pub value: BigInt,
    pub exponent: i32,
}

impl ExactSum {
    /// Adds a finite value, or takes it away.
    pub fn add(&mut self, value: f64, is_taken: bool) {
        let (negative, mantissa, exponent) = parts(value);
        self.shift_in(negative != is_taken, mantissa, exponent);
    }

    /// Adds the product of two finite values, or takes it away.
    pub fn add_product(&mut self, one: f64, other: f64, is_taken: bool) {
        let (left, right) = (parts(one), parts(other));
        let product = u128::from(left.1) * u128::from(right.1);
        self.shift_in_long((left.0 != right.0) != is_taken, product, left.2 + right.2);
    }

    /// Adds an integer times a power of two.
    pub fn add_integer(&mut self, value: i128, exponent: i32) {
        self.shift_in_long(value < 0, value.unsigned_abs(), exponent);
    }

    /// Adds another sum.
    pub fn merge(&mut self, other: &Self) {
        let mut other = other.clone();
        other.carry();
        self.carry();
        if other.pieces.is_empty() {
            return;
        }
        self.cover(other.first, other.first + other.pieces.len());
        for (index, piece) in other.pieces.iter().enumerate() {
            self.pieces[other.first - self.first + index] += piece;
        }
        self.carry();
    }

    /// Returns the sum.
    pub fn scaled(&self) -> Scaled {
        let value = self.pieces.iter().rev().fold(BigInt::ZERO, |sum, piece| (sum << PIECE_BITS) + *piece);
        Scaled { value, exponent: UNIT_EXPONENT + i32::try_from(self.first * PIECE_BITS).unwrap_or(i32::MAX) }
    }

    /// Returns the bytes that it holds beside itself.
    pub fn heap_bytes(&self) -> usize {
        self.pieces.capacity() * size_of::<i64>()
    }

    /// Writes it behind other bytes.
    pub fn write(&mut self, bytes: &mut Vec<u8>) {
        self.carry();
        for number in [self.first, self.pieces.len()] {
            bytes.extend_from_slice(&(number as u64).to_le_bytes());
        }
        bytes.extend(self.pieces.iter().flat_map(|piece| piece.to_le_bytes()));
    }

    /// Reads it off the front of bytes.
    pub fn read(bytes: &mut &[u8]) -> Option<Self> {
        let first = usize::try_from(number(bytes)?).ok()?;
        let length = number(bytes)?;
        let pieces = (0..length).map(|_| number(bytes)).collect::<Option<Vec<i64>>>()?;
        Some(Self { first, pieces, pending: 0 })
    }

    fn shift_in_long(&mut self, negative: bool, value: u128, exponent: i32) {
        let [low, high] = [value & u128::from(u64::MAX), value >> 64].map(|half| u64::try_from(half).unwrap_or(0));
        self.shift_in(negative, low, exponent);
        self.shift_in(negative, high, exponent + 64);
    }

    fn shift_in(&mut self, negative: bool, mantissa: u64, exponent: i32) {
        if mantissa == 0 {
            return;
        }
        let place = usize::try_from(exponent - UNIT_EXPONENT).unwrap_or(0);
        let at = place / PIECE_BITS;
        let shifted = u128::from(mantissa) << (place % PIECE_BITS);
        self.cover(at, at + 3);
        for index in 0..3 {
            let piece = (shifted >> (index * PIECE_BITS)) & u128::from(u32::MAX);
            let piece = i64::try_from(piece).unwrap_or(0);
            self.pieces[at - self.first + index] += if negative { -piece } else { piece };
        }
        self.pending += 1;
        if self.pending >= MOST_PENDING {
            self.carry();
        }
    }

    /// Makes room for the pieces from one place to before another.
    fn cover(&mut self, from: usize, to: usize) {
        if self.pieces.is_empty() {
            self.first = from;
        }
        if from < self.first {
            self.pieces.splice(0..0, std::iter::repeat_n(0, self.first - from));
            self.first = from;
        }
        let length = self.pieces.len().max(to - self.first);
        self.pieces.resize(length, 0);
    }

    /// Lets every piece but the last be 0 ≤ piece < 2^32; the last has the sign.
    fn carry(&mut self) {
        let mut carried = 0;
        let Some((last, rest)) = self.pieces.split_last_mut() else { return };
        for piece in rest {
            *piece += carried;
            carried = *piece >> PIECE_BITS;
            *piece -= carried << PIECE_BITS;
        }
        *last += carried;
        let over = *last >> PIECE_BITS;
        if over != 0 && over != -1 {
            *last -= over << PIECE_BITS;
            self.pieces.push(over);
        }
        self.pending = 0;
    }
}

fn number(bytes: &mut &[u8]) -> Option<i64> {
    let (number, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(i64::from_le_bytes(*number))
}

/// Returns the sign, the integer and the exponent of a finite double.
pub(super) fn parts(value: f64) -> (bool, u64, i32) {
    const FRACTION: u64 = (1 << 52) - 1;
    let bits = value.to_bits();
    let exponent = i32::try_from((bits >> 52) & 0x7ff).unwrap_or(0);
    let fraction = bits & FRACTION;
    let (mantissa, exponent) = if exponent == 0 { (fraction, -1074) } else { (fraction | (1 << 52), exponent - 1075) };
    (value.is_sign_negative(), mantissa, exponent)
}

impl Scaled {
    /// Returns a double as it is; 0 for one that is not finite.
    pub fn of(value: f64) -> Self {
        let mut sum = ExactSum::default();
        if value.is_finite() {
            sum.add(value, false);
        }
        sum.scaled()
    }

    /// Returns the product.
    pub fn times(&self, other: &Self) -> Self {
        Self { value: &self.value * &other.value, exponent: self.exponent + other.exponent }
    }

    /// Returns it so many times.
    pub fn times_integer(&self, factor: &BigInt) -> Self {
        Self { value: &self.value * factor, exponent: self.exponent }
    }

    /// Returns the sum.
    pub fn plus(&self, other: &Self) -> Self {
        let exponent = self.exponent.min(other.exponent);
        let aligned = |side: &Self| &side.value << u32::try_from(side.exponent - exponent).unwrap_or(0);
        Self { value: aligned(self) + aligned(other), exponent }
    }

    /// Returns the difference.
    pub fn minus(&self, other: &Self) -> Self {
        self.plus(&Self { value: -&other.value, exponent: other.exponent })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::float_cmp, reason = "a test fails by panicking; what is exact is equal")]
mod tests {
    use super::super::ratio::nearest;
    use super::*;
    use proptest::prelude::*;

    fn total(values: &[f64]) -> ExactSum {
        let mut sum = ExactSum::default();
        for value in values {
            sum.add(*value, false);
        }
        sum
    }

    fn rounded(sum: &ExactSum) -> f64 {
        let Scaled { value, exponent } = sum.scaled();
        nearest(&value, &BigInt::from(1), exponent)
    }

    #[test]
    fn nothing_is_lost_between_the_largest_and_the_smallest_double() {
        let smallest = f64::from_bits(1);
        assert_eq!(rounded(&total(&[f64::MAX, smallest, -f64::MAX])), smallest);
        assert_eq!(rounded(&total(&[f64::MAX, f64::MAX, -f64::MAX])), f64::MAX);
        assert_eq!(rounded(&total(&[f64::MAX, f64::MAX])), f64::INFINITY);
        assert_eq!(rounded(&total(&[])), 0.0);
    }

    #[test]
    fn carries_are_kept_whatever_their_sign() {
        let mut sum = total(&[-1.0; 3]);
        sum.carry();
        sum.merge(&total(&[4_294_967_296.0 * 4_294_967_296.0; 5]));
        assert_eq!(rounded(&sum), 5.0 * 2_f64.powi(64));
        sum.merge(&total(&[-2_f64.powi(64); 5]));
        assert_eq!(rounded(&sum), -3.0);
    }

    fn finite() -> impl Strategy<Value = f64> {
        any::<f64>().prop_filter("finite", |value| value.is_finite())
    }

    proptest! {
        #[test]
        fn the_order_of_values_and_the_number_of_shares_do_not_count(
            values in prop::collection::vec(finite(), 0..40),
            cut in 0_usize..40,
        ) {
            let cut = cut.min(values.len());
            let mut turned = values.clone();
            turned.reverse();
            let mut shares = total(&values[cut..]);
            shares.merge(&total(&values[..cut]));
            let expected = rounded(&total(&values));
            prop_assert_eq!(rounded(&total(&turned)).to_bits(), expected.to_bits());
            prop_assert_eq!(rounded(&shares).to_bits(), expected.to_bits());
        }

        #[test]
        fn what_is_taken_away_again_leaves_no_trace(kept in finite(), taken in prop::collection::vec(finite(), 0..20)) {
            let mut sum = total(&[kept]);
            for value in &taken {
                sum.add(*value, false);
            }
            for value in taken.iter().rev() {
                sum.add(*value, true);
            }
            prop_assert_eq!(rounded(&sum), kept);
        }

        #[test]
        fn it_is_read_as_it_was_written(values in prop::collection::vec(finite(), 0..10)) {
            let mut sum = total(&values);
            let mut bytes = Vec::new();
            sum.write(&mut bytes);
            let read = ExactSum::read(&mut bytes.as_slice()).unwrap();
            prop_assert_eq!(rounded(&read).to_bits(), rounded(&sum).to_bits());
        }

        #[test]
        fn a_product_is_the_product(one in finite(), other in finite()) {
            let mut sum = ExactSum::default();
            sum.add_product(one, other, false);
            prop_assert_eq!(rounded(&sum), one * other);
        }
    }
}
