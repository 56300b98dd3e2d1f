//! Exact sums and means of many groups at once.
//!
//! In: values and the group of each. Out: what [`super::moments`] gives for each group. Most values are neither tiny nor huge, so
//! the sum of a group is one integer in units of 2^−80; what does not fit into it goes to an [`ExactSum`], which the
//! others do without.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Float64Array},
    datatypes::Float64Type,
};
use datafusion::{
    common::exec_datafusion_err,
    error::Result,
    logical_expr::{EmitTo, GroupsAccumulator},
};
use num_bigint::BigInt;

use super::{
    moments::{Question, note_odd, of_odd},
    ratio::{nearest, nearest_of_integers},
    sum::{ExactSum, Scaled, parts},
};

/// The exponent of the unit.
const UNIT_EXPONENT: i32 = -80;
/// How far a value of 53 bits may be moved, so that a hundred of the largest fit.
const MOST_SHIFT: u32 = 67;
/// Bytes of a sum that is no integer: its pieces, mostly a few.
const FAR_BYTES: usize = size_of::<ExactSum>() + 64;

/// The sum of one group.
#[derive(Debug, Default)]
struct Group {
    count: i64,
    /// Rows with a NaN, with an infinite, with a negative infinite value.
    odd: [i64; 3],
    near: i128,
    /// What does not fit into `near`.
    far: Option<Box<ExactSum>>,
}

impl Group {
    fn add(&mut self, value: f64) {
        self.count += 1;
        if !value.is_finite() {
            return note_odd(&mut self.odd, value, false);
        }
        let (is_negative, mantissa, exponent) = parts(value);
        match u32::try_from(exponent - UNIT_EXPONENT) {
            Ok(shift @ 0..=MOST_SHIFT) => {
                let units = i128::from(mantissa) << shift;
                self.add_units(if is_negative { -units } else { units });
            }
            _ => self.far.get_or_insert_default().add(value, false),
        }
    }

    fn add_units(&mut self, units: i128) {
        self.near = self.near.checked_add(units).unwrap_or_else(|| {
            self.far.get_or_insert_default().add_integer(self.near, UNIT_EXPONENT);
            units
        });
    }

    fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.odd.iter_mut().zip(other.odd).for_each(|(odd, other)| *odd += other);
        self.add_units(other.near);
        if let Some(far) = &other.far {
            self.far.get_or_insert_default().merge(far);
        }
    }

    fn result(&self, question: Question) -> Option<f64> {
        if self.count < 1 {
            return None;
        }
        let divisor = if question == Question::Mean { self.count.unsigned_abs() } else { 1 };
        of_odd(self.odd, true).or_else(|| {
            Some(match &self.far {
                None => nearest_of_integers(self.near, divisor, UNIT_EXPONENT),
                Some(far) => {
                    let near = Scaled { value: BigInt::from(self.near), exponent: UNIT_EXPONENT };
                    let sum = far.scaled().plus(&near);
                    nearest(&sum.value, &BigInt::from(divisor), sum.exponent)
                }
            })
        })
    }

    fn write(&mut self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(size_of::<Self>());
        for number in [self.count].into_iter().chain(self.odd) {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&self.near.to_le_bytes());
        if let Some(far) = &mut self.far {
            far.write(&mut bytes);
        }
        bytes
    }

    fn read(mut bytes: &[u8]) -> Option<Self> {
        let mut numbers = [0; 4];
        for number in &mut numbers {
            let (first, rest) = bytes.split_first_chunk()?;
            (*number, bytes) = (i64::from_le_bytes(*first), rest);
        }
        let [count, odd @ ..] = numbers;
        let (near, mut rest) = bytes.split_first_chunk()?;
        let far = if rest.is_empty() { None } else { Some(Box::new(ExactSum::read(&mut rest)?)) };
        Some(Self { count, odd, near: i128::from_le_bytes(*near), far })
    }
}

/// The sums of many groups.
pub(super) struct Groups {
    question: Question,
    sums: Vec<Group>,
    /// Groups with an [`ExactSum`], those that were given included.
    far: usize,
}

impl Groups {
    /// Returns what answers for sums or means.
    pub const fn new(question: Question) -> Self {
        Self { question, sums: Vec::new(), far: 0 }
    }

    fn change(&mut self, group: usize, change: impl FnOnce(&mut Group)) {
        let group = &mut self.sums[group];
        let was_far = group.far.is_some();
        change(group);
        self.far += usize::from(!was_far && group.far.is_some());
    }
}

/// Returns the values of the rows that count, with the numbers of the rows.
pub(super) fn counted<'a>(
    values: &'a [ArrayRef],
    filter: Option<&'a BooleanArray>,
) -> impl Iterator<Item = (usize, f64)> + use<'a> {
    let values = values[0].as_primitive::<Float64Type>();
    let is_counted = move |row: usize| filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row));
    (0..values.len()).filter(move |&row| values.is_valid(row) && is_counted(row)).map(|row| (row, values.value(row)))
}

/// Returns the state of each row as that of a group of its own, by what has no groups yet.
pub(super) fn states_of_rows(
    mut rows: impl GroupsAccumulator,
    values: &[ArrayRef],
    filter: Option<&BooleanArray>,
) -> Result<Vec<ArrayRef>> {
    let every: Vec<usize> = (0..values[0].len()).collect();
    rows.update_batch(values, &every, filter, every.len())?;
    rows.state(EmitTo::All)
}

impl GroupsAccumulator for Groups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        filter: Option<&BooleanArray>,
        groups: usize,
    ) -> Result<()> {
        self.sums.resize_with(groups, Group::default);
        counted(values, filter).for_each(|(row, value)| self.change(group_indices[row], |group| group.add(value)));
        Ok(())
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        let groups = emit.take_needed(&mut self.sums);
        Ok(Arc::new(groups.iter().map(|group| group.result(self.question)).collect::<Float64Array>()))
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        let mut groups = emit.take_needed(&mut self.sums);
        Ok(vec![Arc::new(BinaryArray::from_iter_values(groups.iter_mut().map(Group::write)))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef], group_indices: &[usize], groups: usize) -> Result<()> {
        self.sums.resize_with(groups, Group::default);
        for (bytes, group) in states[0].as_binary::<i32>().iter().zip(group_indices) {
            let Some(bytes) = bytes else { continue };
            let other = Group::read(bytes);
            let other = other.ok_or_else(|| exec_datafusion_err!("the state of an exact sum is cut short"))?;
            self.change(*group, |group| group.merge(&other));
        }
        Ok(())
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        states_of_rows(Self::new(self.question), values, filter)
    }

    fn size(&self) -> usize {
        self.sums.capacity() * size_of::<Group>() + self.far * FAR_BYTES
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::super::moments::tests::of;
    use super::*;

    fn value() -> impl Strategy<Value = f64> {
        prop_oneof![
            8 => (-1000_i32..1000).prop_map(|cents| f64::from(cents) / 100.0),
            2 => -1e12..1e12_f64,
            1 => any::<f64>(),
            1 => prop::sample::select(vec![0.0, -0.0, f64::MAX, f64::MIN_POSITIVE, 1.0995e12, 1e-25, f64::INFINITY, f64::NAN]),
        ]
    }

    fn bits(values: &ArrayRef) -> Vec<Option<u64>> {
        // Which of all NaN comes out does not count.
        let bits = |value: f64| if value.is_nan() { 0 } else { value.to_bits() };
        values.as_primitive::<Float64Type>().iter().map(|value| value.map(bits)).collect()
    }

    proptest! {
        #[test]
        fn each_group_has_what_it_would_have_alone(
            rows in prop::collection::vec((0..4_usize, prop::option::weighted(0.9, value()), any::<Option<bool>>()), 1..60),
            cut in 0..60_usize,
            is_filtered in any::<bool>(),
        ) {
            let (first, second) = rows.split_at(cut.min(rows.len()));
            for question in [Question::Sum, Question::Mean] {
                let mut whole = Groups::new(question);
                for (part, is_converted) in [(first, false), (second, true)] {
                    let values: ArrayRef = Arc::new(part.iter().map(|row| row.1).collect::<Float64Array>());
                    let filter: BooleanArray = part.iter().map(|row| row.2).collect();
                    let groups: Vec<usize> = part.iter().map(|row| row.0).collect();
                    let filter = is_filtered.then_some(&filter);
                    let mut share = Groups::new(question);
                    if is_converted {
                        let states = share.convert_to_state(&[values], filter).unwrap();
                        share.merge_batch(&states, &groups, 4).unwrap();
                    } else {
                        share.update_batch(&[values], &groups, filter, 4).unwrap();
                    }
                    whole.merge_batch(&share.state(EmitTo::First(4)).unwrap(), &[0, 1, 2, 3], 4).unwrap();
                }
                let expected = (0..4).map(|group| {
                    let counts = |row: &&(usize, Option<f64>, Option<bool>)| row.0 == group && (!is_filtered || row.2 == Some(true));
                    let values: Vec<(f64, f64)> =
                        rows.iter().filter(counts).filter_map(|row| row.1).map(|value| (0.0, value)).collect();
                    of(question, &values)
                });
                let expected: ArrayRef = Arc::new(expected.collect::<Float64Array>());
                prop_assert_eq!(bits(&whole.evaluate(EmitTo::All).unwrap()), bits(&expected));
            }
        }
    }
}
