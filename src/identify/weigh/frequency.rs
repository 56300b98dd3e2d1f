//! Agreeing in a rare value counts for more: 王伟 is many people, 欧阳锋 is one.
//!
//! In: which values records have. Out: what to add for agreeing in a value, in thousandths of a bit. A value is as frequent
//! as the power of two below the number of its records says, so that a night's new records change the weight of few old pairs.

use std::{collections::HashMap, hash::BuildHasherDefault};

use super::{Millibits, millibits};
use crate::{
    define::entity::{Entity, Form, Measure},
    identify::{
        codes::{Codes, Keys, NOTHING},
        key_set::KeySet,
        records::{ABSENT, Records},
        texts::AsIs,
    },
};

/// How often values occur, by form.
#[derive(Clone, Debug, Default)]
pub struct Frequencies {
    of_form: HashMap<Form, Counts>,
}

/// How many records have a value, by its hash; those that count as rarest ([`power`]) need not be there.
type Counts = HashMap<u64, u32, BuildHasherDefault<AsIs>>;

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
        let counted = |form: Form| {
            let mut counts = Counts::default();
            let of_values = records.attributes[form.attribute].counts();
            for (hash, count) in codes.of(form).iter().zip(of_values).filter(|(hash, _)| **hash != NOTHING) {
                *counts.entry(*hash).or_default() += count;
            }
            // Most values are those of one record or two, and millions of them.
            counts.retain(|_, count| power(*count) > 0);
            counts.shrink_to_fit();
            (form, counts)
        };
        Self { of_form: forms(entity).into_iter().map(counted).collect() }
    }

    /// Counts only the given hashes of each form, which is faster when they are few.
    #[must_use]
    pub fn of_some(records: &Records, codes: &Codes, wanted: &HashMap<Form, KeySet>) -> Self {
        let counted = |(form, wanted): (&Form, &KeySet)| {
            let keys = Keys::new(records, codes, &[*form]);
            let mut counts = Counts::default();
            keys.candidates(wanted).for_each(|record| *counts.entry(keys.get(record)).or_default() += 1);
            (*form, counts)
        };
        Self { of_form: wanted.iter().map(counted).collect() }
    }

    /// Counts only the values of some records.
    #[must_use]
    pub fn of_records(
        entity: &Entity,
        records: &Records,
        codes: &Codes,
        chosen: &(impl Iterator<Item = u32> + Clone),
    ) -> Self {
        let of = |form: Form| {
            let keys = Keys::new(records, codes, &[form]);
            (form, chosen.clone().map(|record| keys.get(record)).collect::<KeySet>())
        };
        let wanted: HashMap<Form, KeySet> = forms(entity).into_iter().map(of).collect();
        Self::of_some(records, codes, &wanted)
    }

    /// Returns how rare a value is: the power of two below the number of other records that have it. 0 when none has.
    #[must_use]
    pub fn power(&self, form: Form, hash: u64) -> u32 {
        power(self.of_form.get(&form).and_then(|counts| counts.get(&hash)).copied().unwrap_or(0))
    }
}

/// Returns the middle of all numbers with a power of two, as its logarithm.
fn middle(power: u32) -> Millibits {
    if power == 0 { 0 } else { i32::try_from(power * 1000 + 500).unwrap_or(Millibits::MAX) }
}

/// Of so many records with a value, one finds all others but itself.
fn power(count: u32) -> u32 {
    count.saturating_sub(1).max(1).ilog2()
}

/// What agreeing in each value of one form adds.
#[derive(Clone, Debug)]
pub struct Adjustment<'a> {
    hashes: &'a [u64],
    counts: Option<&'a Counts>,
    /// log2 of how many other records have the value of average frequency.
    average: Millibits,
}

impl<'a> Adjustment<'a> {
    /// Adjusts around the average: `agreeing` is how often any two records agree, matches among them, for these are counted
    /// too; `records` is how many the model knew. One other record is the least that a value can be found by.
    #[must_use]
    pub fn new(frequencies: &'a Frequencies, codes: &'a Codes, form: Form, agreeing: f64, records: u64) -> Self {
        let average = millibits((agreeing * super::random::real(records.max(1))).max(1.0));
        Self { hashes: codes.of(form), counts: frequencies.of_form.get(&form), average }
    }

    /// Returns what agreeing in the rarest value adds.
    #[must_use]
    pub fn most(&self) -> Millibits {
        self.average.max(0)
    }

    /// Returns what agreeing in a value adds; negative for a frequent one.
    #[must_use]
    pub fn of(&self, value: u32) -> Millibits {
        if value == ABSENT {
            return 0;
        }
        let hash = self.hashes[value as usize];
        let Some(counts) = self.counts.filter(|_| hash != NOTHING) else { return 0 };
        self.average - middle(counts.get(&hash).map_or(0, |count| power(*count)))
    }
}
