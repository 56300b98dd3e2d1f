//! Exact quantiles of many groups at once.
//!
//! In: values and the group of each. Out: what [`super::quantile`] gives for each group. Values lie one behind the other with the
//! numbers of their groups, and are brought together by group when they are asked for.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BinaryArray, BooleanArray, Float64Array};
use datafusion::{
    common::exec_datafusion_err,
    error::Result,
    logical_expr::{EmitTo, GroupsAccumulator},
};

use super::{
    groups::{counted, states_of_rows},
    quantile::{Share, quantile},
};

/// The values of many groups.
pub(super) struct Gathered {
    share: Share,
    values: Vec<f64>,
    group_of: Vec<usize>,
    /// How many groups there are.
    count: usize,
}

impl Gathered {
    /// Returns what answers for the quantiles of a share.
    pub const fn new(share: Share) -> Self {
        Self { share, values: Vec::new(), group_of: Vec::new(), count: 0 }
    }

    fn push(&mut self, group: usize, value: f64) {
        self.group_of.push(group);
        self.values.push(value);
    }

    /// Takes the first groups, or all, and returns their values one behind the other, and where those of each end.
    fn take(&mut self, emit: EmitTo) -> (Vec<f64>, Vec<usize>) {
        let taken = match emit {
            EmitTo::All => self.count,
            EmitTo::First(groups) => groups,
        };
        let rest = Self { count: self.count - taken, ..Self::new(self.share) };
        let all = std::mem::replace(self, rest);
        let mut ends = vec![0; taken];
        all.group_of.iter().filter(|group| **group < taken).for_each(|group| ends[*group] += 1);
        let mut next = Vec::with_capacity(taken);
        let mut total = 0;
        for end in &mut ends {
            next.push(total);
            total += *end;
            *end = total;
        }
        let mut values = vec![0.0; total];
        for (group, value) in all.group_of.into_iter().zip(all.values) {
            match next.get_mut(group) {
                Some(place) => {
                    values[*place] = value;
                    *place += 1;
                }
                None => self.push(group - taken, value),
            }
        }
        (values, ends)
    }
}

/// Calls `tell` with the values of each group.
fn each<T>(values: &mut [f64], ends: &[usize], mut tell: impl FnMut(&mut [f64]) -> T) -> Vec<T> {
    let mut start = 0;
    let mut tell_of = |end: &usize| {
        let told = tell(&mut values[start..*end]);
        start = *end;
        told
    };
    ends.iter().map(&mut tell_of).collect()
}

fn bytes(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

impl GroupsAccumulator for Gathered {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        filter: Option<&BooleanArray>,
        groups: usize,
    ) -> Result<()> {
        self.count = groups;
        counted(values, filter).for_each(|(row, value)| self.push(group_indices[row], value));
        Ok(())
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        let (mut values, ends) = self.take(emit);
        Ok(Arc::new(Float64Array::from(each(&mut values, &ends, |values| quantile(values, self.share)))))
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        let (mut values, ends) = self.take(emit);
        let states = each(&mut values, &ends, |values| bytes(values));
        Ok(vec![Arc::new(BinaryArray::from_iter_values(states))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef], group_indices: &[usize], groups: usize) -> Result<()> {
        self.count = groups;
        for (bytes, group) in states[0].as_binary::<i32>().iter().zip(group_indices) {
            let (values, rest) = bytes.unwrap_or_default().as_chunks();
            if !rest.is_empty() {
                return Err(exec_datafusion_err!("the state of an exact quantile is cut short"));
            }
            for value in values {
                self.push(*group, f64::from_le_bytes(*value));
            }
        }
        Ok(())
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        states_of_rows(Self::new(self.share), values, filter)
    }

    fn size(&self) -> usize {
        self.values.capacity() * size_of::<f64>() + self.group_of.capacity() * size_of::<usize>()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use arrow::datatypes::Float64Type;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_group_has_what_it_would_have_alone(
            rows in prop::collection::vec((0..4_usize, prop::option::weighted(0.9, -50..50_i32)), 1..60),
            cut in 0..60_usize,
            share in prop::sample::select(vec![0.0, 0.5, 0.9, 1.0]),
        ) {
            let share = Share::of(share);
            let (first, second) = rows.split_at(cut.min(rows.len()));
            let mut whole = Gathered::new(share);
            for (part, is_converted) in [(first, false), (second, true)] {
                let values: ArrayRef = Arc::new(part.iter().map(|row| row.1.map(f64::from)).collect::<Float64Array>());
                let groups: Vec<usize> = part.iter().map(|row| row.0).collect();
                let mut shared = Gathered::new(share);
                if is_converted {
                    let states = shared.convert_to_state(&[values], None).unwrap();
                    shared.merge_batch(&states, &groups, 4).unwrap();
                } else {
                    shared.update_batch(&[values], &groups, None, 4).unwrap();
                }
                whole.merge_batch(&shared.state(EmitTo::First(3)).unwrap(), &[0, 1, 2], 4).unwrap();
                whole.merge_batch(&shared.state(EmitTo::All).unwrap(), &[3], 4).unwrap();
            }
            let alone = |group| {
                let of_group = rows.iter().filter(|row| row.0 == group);
                quantile(&mut of_group.filter_map(|row| row.1.map(f64::from)).collect::<Vec<_>>(), share)
            };
            let expected: Vec<Option<f64>> = (0..4).map(alone).collect();
            let answers: Vec<ArrayRef> = [EmitTo::First(1), EmitTo::All].map(|emit| whole.evaluate(emit).unwrap()).into();
            let found = answers.iter().flat_map(|answer| answer.as_primitive::<Float64Type>().iter());
            prop_assert_eq!(found.collect::<Vec<_>>(), expected);
        }
    }
}
