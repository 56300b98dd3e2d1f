//! A calendar as one value: for each day whether it is worked, is off, or is not known.
//!
//! The value is four bytes for its first day (days since 1970-01-01, little endian) and two bits for each day: ten years take
//! less than a kilobyte. In rows of days, out that value.

use std::{collections::BTreeMap, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, AsArray},
    datatypes::{DataType, Date32Type, Field, FieldRef},
};
use datafusion::{
    common::{ScalarValue, exec_datafusion_err, exec_err},
    error::Result,
    logical_expr::{
        Accumulator, AggregateUDFImpl, Signature, Volatility,
        function::{AccumulatorArgs, StateFieldsArgs},
        utils::{AggregateOrderSensitivity, format_state_name},
    },
};

const DAYS_IN_BYTE: usize = 4;
/// Ten thousand years.
const MOST_DAYS: usize = 3_660_000;

/// A calendar, taken from its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Calendar<'a> {
    first: i32,
    days: &'a [u8],
}

impl<'a> Calendar<'a> {
    /// Reads a value of [`WorkingCalendar`].
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let (first, days) = bytes.split_first_chunk()?;
        Some(Self { first: i32::from_le_bytes(*first), days })
    }

    /// Returns every day from the first known one to the last, and whether it is worked, if that is known.
    pub fn days(self) -> impl Iterator<Item = (i32, Option<bool>)> + 'a {
        let states = self.days.iter().flat_map(|byte| (0..DAYS_IN_BYTE).map(move |day| (byte >> (2 * day)) & 3));
        let end = self.days.last().map_or(0, |last| (8 - last.leading_zeros() as usize).div_ceil(2));
        let length = self.days.len().saturating_sub(1) * DAYS_IN_BYTE + end;
        let is_worked = |state| if state == 0 { None } else { Some(state == 2) };
        (self.first..).zip(states.map(is_worked)).take(length)
    }
}

/// Writes known days as a value.
fn written(days: &BTreeMap<i32, bool>) -> Result<Option<Vec<u8>>> {
    let (Some((first, _)), Some((last, _))) = (days.first_key_value(), days.last_key_value()) else { return Ok(None) };
    let length = usize::try_from(i64::from(*last) - i64::from(*first) + 1).unwrap_or(usize::MAX);
    if length > MOST_DAYS {
        return exec_err!("working_calendar takes days of at most 10000 years, not {length} days");
    }
    let mut bytes = first.to_le_bytes().to_vec();
    bytes.resize(4 + length.div_ceil(DAYS_IN_BYTE), 0);
    for (day, is_worked) in days {
        let index = usize::try_from(day - first).unwrap_or(0);
        bytes[4 + index / DAYS_IN_BYTE] |= (1 + u8::from(*is_worked)) << (2 * (index % DAYS_IN_BYTE));
    }
    Ok(Some(bytes))
}

/// The aggregate.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct WorkingCalendar {
    signature: Signature,
}

impl WorkingCalendar {
    pub fn new() -> Self {
        Self { signature: Signature::exact(vec![DataType::Date32, DataType::Boolean], Volatility::Immutable) }
    }
}

impl AggregateUDFImpl for WorkingCalendar {
    fn name(&self) -> &'static str {
        "working_calendar"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Binary)
    }

    fn accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Days::default()))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        Ok(vec![Arc::new(Field::new(format_state_name(args.name, "days"), DataType::Binary, true))])
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }
}

#[derive(Debug, Default)]
struct Days(BTreeMap<i32, bool>);

impl Days {
    fn add(&mut self, day: i32, is_worked: bool) -> Result<()> {
        match self.0.insert(day, is_worked) {
            Some(other) if other != is_worked => {
                let shown = ScalarValue::Date32(Some(day));
                exec_err!("working_calendar has {shown} both as a working day and as a day off")
            }
            _ => Ok(()),
        }
    }
}

impl Accumulator for Days {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let (days, worked) = (values[0].as_primitive::<Date32Type>(), values[1].as_boolean());
        (0..days.len())
            .filter(|&row| days.is_valid(row) && worked.is_valid(row))
            .try_for_each(|row| self.add(days.value(row), worked.value(row)))
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Binary(written(&self.0)?))
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.0.len() * 16
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.evaluate()?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        for bytes in states[0].as_binary::<i32>().iter().flatten() {
            let calendar = Calendar::read(bytes).ok_or_else(|| exec_datafusion_err!("a calendar is cut short"))?;
            for (day, is_worked) in calendar.days() {
                is_worked.map_or(Ok(()), |is_worked| self.add(day, is_worked))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Returns the value of a calendar.
    pub fn value(days: impl IntoIterator<Item = (i32, bool)>) -> Vec<u8> {
        written(&days.into_iter().collect()).unwrap().unwrap()
    }

    #[test]
    fn a_day_that_is_both_is_refused() {
        let mut days = Days::default();
        days.add(20_454, true).unwrap();
        let error = days.add(20_454, false).unwrap_err().strip_backtrace();
        assert!(error.ends_with("working_calendar has 2026-01-01 both as a working day and as a day off"), "{error}");
    }

    proptest! {
        #[test]
        fn a_value_holds_the_days_that_were_put_in(days in prop::collection::btree_map(-400_i32..400, any::<bool>(), 1..60)) {
            let bytes = value(days.clone());
            let read = Calendar::read(&bytes).unwrap();
            let known: BTreeMap<i32, bool> = read.days().filter_map(|(day, worked)| Some((day, worked?))).collect();
            prop_assert_eq!(&known, &days);
            prop_assert_eq!(read.days().last().map(|(day, _)| day), days.keys().last().copied());
        }
    }
}
