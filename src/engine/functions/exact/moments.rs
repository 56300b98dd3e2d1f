//! Aggregates over the sums of values, squares and products: sum, mean, deviation, correlation, slope.
//!
//! All are ratios of integers that are exact up to the one division (and the one root) at the end. Sums can be taken back
//! exactly too, so moving windows cost no more than their edges.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray},
    datatypes::{DataType, Field, FieldRef, Float64Type},
};
use datafusion::{
    common::{ScalarValue, exec_datafusion_err, plan_err},
    error::Result,
    logical_expr::{
        Accumulator, AggregateUDFImpl, GroupsAccumulator, Signature, Volatility,
        function::{AccumulatorArgs, StateFieldsArgs},
        utils::{AggregateOrderSensitivity, format_state_name},
    },
};
use num_bigint::BigInt;

use super::{
    groups::Groups,
    ratio::nearest,
    sum::{ExactSum, Scaled},
};

/// What is asked of the sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) enum Question {
    #[default]
    Sum,
    Mean,
    Deviation,
    Correlation,
    Slope,
}

impl Question {
    pub const ALL: [Self; 5] = [Self::Sum, Self::Mean, Self::Deviation, Self::Correlation, Self::Slope];

    const fn has_pairs(self) -> bool {
        matches!(self, Self::Correlation | Self::Slope)
    }
}

/// One of the aggregates.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Moments {
    question: Question,
    signature: Signature,
}

impl Moments {
    pub fn new(question: Question) -> Self {
        let arguments = vec![DataType::Float64; if question.has_pairs() { 2 } else { 1 }];
        Self { question, signature: Signature::exact(arguments, Volatility::Immutable) }
    }
}

impl AggregateUDFImpl for Moments {
    fn name(&self) -> &'static str {
        match self.question {
            Question::Sum => "exact_sum",
            Question::Mean => "exact_avg",
            Question::Deviation => "exact_stddev",
            Question::Correlation => "exact_corr",
            Question::Slope => "linear_slope",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        refuse_distinct(args.is_distinct, self.name())?;
        Ok(Box::new(Sums { question: self.question, ..Sums::default() }))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        refuse_distinct(args.is_distinct, self.name())?;
        Ok(vec![Arc::new(Field::new(format_state_name(args.name, "sums"), DataType::Binary, true))])
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        matches!(self.question, Question::Sum | Question::Mean) && !args.is_distinct
    }

    fn create_groups_accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Groups::new(self.question)))
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }
}

pub(super) fn refuse_distinct(is_distinct: bool, name: &str) -> Result<()> {
    if is_distinct { plan_err!("{name} takes no DISTINCT: select the distinct values first") } else { Ok(()) }
}

/// The sums of one group. `x` is the only argument, or the second of two.
#[derive(Debug, Default)]
struct Sums {
    question: Question,
    count: i64,
    /// Rows with a NaN, with an infinite, with a negative infinite value.
    odd: [i64; 3],
    x: ExactSum,
    xx: ExactSum,
    y: ExactSum,
    yy: ExactSum,
    xy: ExactSum,
}

impl Sums {
    fn take(&mut self, values: &[ArrayRef], is_taken: bool) {
        let column = |index: usize| values.get(index).and_then(|values| values.as_primitive_opt::<Float64Type>());
        match (column(0), column(1)) {
            (Some(y), Some(x)) => {
                for row in (0..y.len()).filter(|&row| y.is_valid(row) && x.is_valid(row)) {
                    self.pair(y.value(row), x.value(row), is_taken);
                }
            }
            (Some(x), None) => x.iter().flatten().for_each(|x| self.value(x, is_taken)),
            (None, _) => {}
        }
    }

    fn value(&mut self, x: f64, is_taken: bool) {
        self.count += if is_taken { -1 } else { 1 };
        if !x.is_finite() {
            return note_odd(&mut self.odd, x, is_taken);
        }
        self.x.add(x, is_taken);
        if self.question == Question::Deviation {
            self.xx.add_product(x, x, is_taken);
        }
    }

    fn pair(&mut self, y: f64, x: f64, is_taken: bool) {
        self.count += if is_taken { -1 } else { 1 };
        if !x.is_finite() || !y.is_finite() {
            return note_odd(&mut self.odd, f64::NAN, is_taken);
        }
        self.x.add(x, is_taken);
        self.y.add(y, is_taken);
        self.xx.add_product(x, x, is_taken);
        self.xy.add_product(x, y, is_taken);
        if self.question == Question::Correlation {
            self.yy.add_product(y, y, is_taken);
        }
    }

    fn all(&mut self) -> [&mut ExactSum; 5] {
        [&mut self.x, &mut self.xx, &mut self.y, &mut self.yy, &mut self.xy]
    }

    fn result(&self) -> Option<f64> {
        let least = if matches!(self.question, Question::Sum | Question::Mean) { 1 } else { 2 };
        if self.count < least {
            return None;
        }
        let is_plain = matches!(self.question, Question::Sum | Question::Mean);
        if let Some(odd) = of_odd(self.odd, is_plain) {
            return Some(odd);
        }
        match self.question {
            Question::Sum => Some(quotient(&self.x.scaled(), &BigInt::from(1))),
            Question::Mean => Some(quotient(&self.x.scaled(), &BigInt::from(self.count))),
            Question::Deviation => {
                let pairs = BigInt::from(self.count) * (self.count - 1);
                Some(quotient(&self.spread(&self.xx, &self.x, &self.x), &pairs).sqrt())
            }
            Question::Slope => {
                let (covariance, variance) =
                    (self.spread(&self.xy, &self.x, &self.y), self.spread(&self.xx, &self.x, &self.x));
                self::ratio(&covariance, &variance)
            }
            Question::Correlation => self.correlation(),
        }
    }

    /// Returns n Σab − Σa Σb, which is n² times the covariance.
    fn spread(&self, products: &ExactSum, one: &ExactSum, other: &ExactSum) -> Scaled {
        let products = products.scaled().times_integer(&BigInt::from(self.count));
        products.minus(&one.scaled().times(&other.scaled()))
    }

    fn correlation(&self) -> Option<f64> {
        let covariance = self.spread(&self.xy, &self.x, &self.y);
        let variances = self.spread(&self.xx, &self.x, &self.x).times(&self.spread(&self.yy, &self.y, &self.y));
        let squared = self::ratio(&covariance.times(&covariance), &variances)?;
        let sign = if covariance.value < BigInt::ZERO { -1.0 } else { 1.0 };
        Some(sign * squared.sqrt().min(1.0))
    }
}

/// Notes that a value is NaN or infinite, or was.
pub(super) fn note_odd(odd: &mut [i64; 3], value: f64, is_taken: bool) {
    let kind = if value.is_nan() { 0 } else { 1 + usize::from(value.is_sign_negative()) };
    odd[kind] += if is_taken { -1 } else { 1 };
}

/// Returns the result where a value is NaN or infinite.
pub(super) fn of_odd(odd: [i64; 3], is_plain: bool) -> Option<f64> {
    match odd.map(|rows| rows > 0) {
        [false, false, false] => None,
        [false, true, false] if is_plain => Some(f64::INFINITY),
        [false, false, true] if is_plain => Some(f64::NEG_INFINITY),
        _ => Some(f64::NAN),
    }
}

fn quotient(dividend: &Scaled, divisor: &BigInt) -> f64 {
    nearest(&dividend.value, divisor, dividend.exponent)
}

/// Returns the ratio; None where the divisor is 0.
fn ratio(dividend: &Scaled, divisor: &Scaled) -> Option<f64> {
    let exponent = dividend.exponent - divisor.exponent;
    (divisor.value != BigInt::ZERO).then(|| nearest(&dividend.value, &divisor.value, exponent))
}

impl Accumulator for Sums {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.take(values, false);
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.take(values, true);
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Float64(self.result()))
    }

    fn size(&self) -> usize {
        let sums = [&self.x, &self.xx, &self.y, &self.yy, &self.xy];
        size_of::<Self>() + sums.iter().map(|sum| sum.heap_bytes()).sum::<usize>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let mut bytes = Vec::new();
        for number in [self.count].into_iter().chain(self.odd) {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        self.all().into_iter().for_each(|sum| sum.write(&mut bytes));
        Ok(vec![ScalarValue::Binary(Some(bytes))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        for bytes in states[0].as_binary::<i32>().iter().flatten() {
            self.merge(bytes).ok_or_else(|| exec_datafusion_err!("the state of an exact sum is cut short"))?;
        }
        Ok(())
    }
}

impl Sums {
    fn merge(&mut self, mut bytes: &[u8]) -> Option<()> {
        let mut number = || {
            let (number, rest) = bytes.split_first_chunk()?;
            bytes = rest;
            Some(i64::from_le_bytes(*number))
        };
        self.count += number()?;
        for odd in &mut self.odd {
            *odd += number()?;
        }
        for sum in self.all() {
            sum.merge(&ExactSum::read(&mut bytes)?);
        }
        Some(())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
pub(super) mod tests {
    use super::*;
    use arrow::array::Float64Array;
    use proptest::prelude::*;

    fn sums(question: Question, pairs: &[(f64, f64)]) -> Sums {
        let column = |values: Vec<f64>| Arc::new(Float64Array::from(values)) as ArrayRef;
        let mut sums = Sums { question, ..Sums::default() };
        let (y, x): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
        let columns = if question.has_pairs() { vec![column(y), column(x)] } else { vec![column(x)] };
        sums.update_batch(&columns).unwrap();
        sums
    }

    /// Returns the answer over pairs, of which the second is the only argument of most questions.
    pub fn of(question: Question, pairs: &[(f64, f64)]) -> Option<f64> {
        sums(question, pairs).result()
    }

    #[test]
    fn a_line_has_its_slope_and_a_perfect_correlation() {
        let line: Vec<(f64, f64)> = (0..100).map(|x| (1000.0 - 0.25 * f64::from(x), f64::from(x))).collect();
        assert_eq!(of(Question::Slope, &line), Some(-0.25));
        assert_eq!(of(Question::Correlation, &line), Some(-1.0));
    }

    #[test]
    fn a_cloud_far_from_the_origin_keeps_its_deviation() {
        let cloud = [4.0, 7.0, 13.0, 16.0].map(|x| (0.0, 1e9 + x));
        assert_eq!(of(Question::Deviation, &cloud), Some(30_f64.sqrt()));
    }

    #[test]
    fn what_is_constant_has_no_slope_and_no_correlation() {
        let flat = [(1.0, 0.1), (2.0, 0.1), (3.0, 0.1)];
        assert_eq!(of(Question::Slope, &flat), None);
        assert_eq!(of(Question::Correlation, &flat), None);
        assert_eq!(of(Question::Slope, &[(1.0, 2.0)]), None);
        assert_eq!(of(Question::Deviation, &flat), Some(0.0));
    }

    #[test]
    fn infinities_and_nan_show_and_leave_again() {
        assert_eq!(of(Question::Sum, &[(0.0, f64::INFINITY), (0.0, 1.0)]), Some(f64::INFINITY));
        assert!(of(Question::Sum, &[(0.0, f64::INFINITY), (0.0, f64::NEG_INFINITY)]).unwrap().is_nan());
        assert!(of(Question::Slope, &[(0.0, f64::INFINITY), (0.0, 1.0)]).unwrap().is_nan());
        let mut moving = sums(Question::Sum, &[(0.0, f64::NAN), (0.0, 1.0)]);
        moving.retract_batch(&[Arc::new(Float64Array::from(vec![f64::NAN]))]).unwrap();
        assert_eq!(moving.result(), Some(1.0));
    }

    proptest! {
        #[test]
        fn neither_order_nor_shares_count(
            pairs in prop::collection::vec((-1e6_f64..1e6, -1e6_f64..1e6), 2..40),
            cut in 0_usize..40,
        ) {
            let cut = cut.min(pairs.len());
            for question in Question::ALL {
                let expected = of(question, &pairs).map(f64::to_bits);
                let mut turned = pairs.clone();
                turned.reverse();
                prop_assert_eq!(of(question, &turned).map(f64::to_bits), expected);
                let mut shares = sums(question, &pairs[cut..]);
                let mut other = sums(question, &pairs[..cut]);
                let ScalarValue::Binary(Some(state)) = other.state().unwrap().remove(0) else { unreachable!() };
                shares.merge(&state).unwrap();
                prop_assert_eq!(shares.result().map(f64::to_bits), expected);
            }
        }

        #[test]
        fn the_slope_is_near_the_usual_one(pairs in prop::collection::vec((-1e3_f64..1e3, -1e3_f64..1e3), 3..20)) {
            let n = f64::from(u32::try_from(pairs.len()).unwrap());
            let mean = |side: fn(&(f64, f64)) -> f64| pairs.iter().map(side).sum::<f64>() / n;
            let (y, x) = (mean(|pair| pair.0), mean(|pair| pair.1));
            let covariance: f64 = pairs.iter().map(|pair| (pair.0 - y) * (pair.1 - x)).sum();
            let variance: f64 = pairs.iter().map(|pair| (pair.1 - x).powi(2)).sum();
            prop_assume!(variance > 1.0);
            let slope = of(Question::Slope, &pairs).unwrap();
            prop_assert!((slope - covariance / variance).abs() <= 1e-6 * (1.0 + slope.abs()));
        }
    }
}
