//! Exact quantiles: all values of a group, and the point between the two nearest.
//!
//! p is taken as the decimal number that a person wrote, so that the 0.9-quantile of eleven values is the tenth and
//! nothing beside it. Deliberately keeps every value: it is for groups that fit into memory.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, AsArray},
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
    physical_expr::expressions::Literal,
};
use num_bigint::BigInt;

use super::{gathered::Gathered, moments::refuse_distinct, ratio::nearest, sum::Scaled};

const NAME: &str = "exact_quantile";
/// Decimals of p that count.
const MOST_DECIMALS: usize = 18;

/// The aggregate.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Quantile {
    signature: Signature,
}

impl Quantile {
    pub fn new() -> Self {
        Self { signature: Signature::exact(vec![DataType::Float64; 2], Volatility::Immutable) }
    }
}

impl AggregateUDFImpl for Quantile {
    fn name(&self) -> &'static str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Values { share: asked(&args)?, values: Vec::new() }))
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        asked(&args).is_ok()
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Gathered::new(asked(&args)?)))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        refuse_distinct(args.is_distinct, NAME)?;
        Ok(vec![Arc::new(Field::new(format_state_name(args.name, "values"), DataType::Binary, true))])
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }
}

/// Returns the share that is asked for.
fn asked(args: &AccumulatorArgs<'_>) -> Result<Share> {
    refuse_distinct(args.is_distinct, NAME)?;
    let literal = args.exprs.get(1).and_then(|expr| expr.downcast_ref::<Literal>()).map(Literal::value);
    let Some(ScalarValue::Float64(Some(share @ 0.0..=1.0))) = literal else {
        return plan_err!("{NAME} takes a literal from 0 to 1 second, such as 0.9");
    };
    Ok(Share::of(*share))
}

/// A share as the decimal fraction that is its shortest spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Share {
    numerator: u128,
    denominator: u128,
}

impl Share {
    pub fn of(share: f64) -> Self {
        let text = share.to_string();
        let (whole, decimals) = text.split_once('.').unwrap_or((&text, ""));
        let decimals = &decimals[..decimals.len().min(MOST_DECIMALS)];
        let denominator = decimals.bytes().fold(1, |power, _| power * 10);
        Self { numerator: format!("{whole}{decimals}").parse().unwrap_or(0), denominator }
    }
}

#[derive(Debug)]
struct Values {
    share: Share,
    values: Vec<f64>,
}

/// Returns the quantile of values, whose order is changed; None without any.
pub(super) fn quantile(values: &mut [f64], share: Share) -> Option<f64> {
    let last = values.len().checked_sub(1)?;
    let Share { numerator, denominator } = share;
    let place = numerator * last as u128;
    let below = usize::try_from(place / denominator).unwrap_or(last);
    let rest = place % denominator;
    let (_, low, above) = values.select_nth_unstable_by(below, f64::total_cmp);
    let (low, high) = (*low, above.iter().copied().min_by(f64::total_cmp).unwrap_or(*low));
    if rest == 0 || low.to_bits() == high.to_bits() {
        return Some(low);
    }
    if !low.is_finite() || !high.is_finite() {
        // Between a number and what is no number lies what is no number.
        return Some(low + high);
    }
    let [low, high] = [low, high].map(Scaled::of);
    let between = low.times_integer(&BigInt::from(denominator - rest)).plus(&high.times_integer(&BigInt::from(rest)));
    Some(nearest(&between.value, &BigInt::from(denominator), between.exponent))
}

impl Accumulator for Values {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.values.extend(values[0].as_primitive::<Float64Type>().iter().flatten());
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Float64(quantile(&mut self.values, self.share)))
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.values.capacity() * size_of::<f64>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let bytes = self.values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Ok(vec![ScalarValue::Binary(Some(bytes))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        for bytes in states[0].as_binary::<i32>().iter().flatten() {
            let (values, rest) = bytes.as_chunks();
            if !rest.is_empty() {
                return Err(exec_datafusion_err!("the state of a quantile is cut short"));
            }
            self.values.extend(values.iter().map(|value| f64::from_le_bytes(*value)));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quantile(values: &[f64], share: f64) -> Option<f64> {
        super::quantile(&mut values.to_vec(), Share::of(share))
    }

    #[test]
    fn a_share_is_the_decimal_that_was_written() {
        assert_eq!(Share::of(0.9), Share { numerator: 9, denominator: 10 });
        assert_eq!(Share::of(1.0), Share { numerator: 1, denominator: 1 });
        assert_eq!(Share::of(0.025), Share { numerator: 25, denominator: 1000 });
    }

    #[test]
    fn a_quantile_that_falls_on_a_value_is_that_value() {
        let eleven: Vec<f64> = (0..=10).map(|value| 0.1 * f64::from(value)).collect();
        for (index, value) in eleven.iter().enumerate() {
            assert_eq!(quantile(&eleven, eleven_share(index)), Some(*value));
        }
    }

    fn eleven_share(index: usize) -> f64 {
        ["0", "0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9", "1"][index].parse().unwrap_or_default()
    }

    #[test]
    fn between_two_values_it_is_the_nearest_double() {
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0], 0.9), Some(3.7));
        assert_eq!(quantile(&[0.0, 1.0], 1.0 / 3.0), Some(0.333_333_333_333_333_3));
        assert_eq!(quantile(&[-f64::MAX, f64::MAX], 0.5), Some(0.0));
        assert_eq!(quantile(&[5.0], 0.9), Some(5.0));
        assert_eq!(quantile(&[], 0.9), None);
    }
}
