//! Agreeing in a rare value counts for more: 王伟 is many people, 欧阳锋 is one.
//!
//! In: which values records have. Out: what to add for agreeing in a value, in thousandths of a bit. A value is as frequent
//! as the power of two below its count says, so that a night's new records change the weight of few old pairs.

use std::collections::{HashMap, HashSet};

use super::{Millibits, millibits};
use crate::{
    define::entity::{Entity, Form, Measure},
    identify::{
        codes::{Codes, NOTHING},
        records::{ABSENT, Records},
    },
};

/// How often values occur, by form.
#[derive(Clone, Debug, Default)]
pub struct Frequencies {
    of_form: HashMap<Form, HashMap<u64, u32>>,
}

/// Returns the forms whose frequency counts.
#[must_use]
pub fn forms(entity: &Entity) -> Vec<Form> {
    let adjusted = entity.comparisons.iter().filter(|comparison| comparison.term_frequency);
    adjusted
        .flat_map(|comparison| {
            let exact = comparison.levels.iter().filter(|level| level.measure == Measure::Exact);
            exact.map(|level| Form { attribute: comparison.attribute, form: level.form })
        })
        .collect()
}

impl Frequencies {
    /// Counts the values of all records.
    #[must_use]
    pub fn of_all(entity: &Entity, records: &Records, codes: &Codes) -> Self {
        Self::counted(entity, records, codes, |_, _| true)
    }

    /// Counts only the given hashes of each form, which is faster when they are few.
    #[must_use]
    pub fn of_some(entity: &Entity, records: &Records, codes: &Codes, wanted: &HashMap<Form, HashSet<u64>>) -> Self {
        Self::counted(entity, records, codes, |form, hash| {
            wanted.get(&form).is_some_and(|hashes| hashes.contains(&hash))
        })
    }

    fn counted(entity: &Entity, records: &Records, codes: &Codes, is_wanted: impl Fn(Form, u64) -> bool) -> Self {
        let mut of_form = HashMap::new();
        for form in forms(entity) {
            let mut counts: HashMap<u64, u32> = HashMap::new();
            let of_values = records.attributes[form.attribute].counts();
            for (hash, count) in codes.of(form).iter().zip(of_values) {
                if *hash != NOTHING && count > 0 && is_wanted(form, *hash) {
                    *counts.entry(*hash).or_default() += count;
                }
            }
            of_form.insert(form, counts);
        }
        Self { of_form }
    }

    /// Returns the power of two below a value's count, or None where it was not counted.
    #[must_use]
    pub fn power(&self, form: Form, hash: u64) -> Option<u32> {
        self.of_form.get(&form)?.get(&hash).map(|count| count.ilog2())
    }
}

/// What agreeing in each value of one form adds.
#[derive(Clone, Debug)]
pub struct Adjustment<'a> {
    hashes: &'a [u64],
    counts: Option<&'a HashMap<u64, u32>>,
    /// log2 of how many records have the value of average frequency.
    average: Millibits,
}

impl<'a> Adjustment<'a> {
    /// Adjusts around the average: `u` is how often any two records agree, `records` how many the model knew.
    #[must_use]
    pub fn new(frequencies: &'a Frequencies, codes: &'a Codes, form: Form, u: f64, records: u64) -> Self {
        let average = millibits(u * super::random::real(records.max(1)));
        Self { hashes: codes.of(form), counts: frequencies.of_form.get(&form), average }
    }

    /// Returns what agreeing in the rarest value adds.
    #[must_use]
    pub fn most(&self) -> Millibits {
        (self.average - 1500).max(0)
    }

    /// Returns what agreeing in a value adds; negative for a frequent one.
    #[must_use]
    pub fn of(&self, value: u32) -> Millibits {
        if value == ABSENT {
            return 0;
        }
        let count = self.counts.and_then(|counts| counts.get(&self.hashes[value as usize]));
        // Half a power more: the middle of all counts with this power of two. Two records share it, so it occurs twice.
        let power = count.map(|count| count.max(&2).ilog2());
        power.map_or(0, |power| self.average - i32::try_from(power * 1000).unwrap_or(0) - 500)
    }
}
