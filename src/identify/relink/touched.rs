//! Which records must be looked at tonight.
//!
//! In: an update, the codes of all values. Out: [`Touched`]: records that left, that came, and those that have a value whose
//! rarity changed, so that their links weigh differently. A record that says something else left and came.

use std::collections::HashMap;

use super::update::Update;
use crate::{
    define::entity::{Entity, Form},
    identify::{
        codes::{Codes, Keys},
        key_set::KeySet,
        records::{ABSENT, Records},
        weigh::frequency::{self, Frequencies},
    },
};

/// The records that must be looked at.
#[derive(Clone, Debug)]
pub(crate) struct Touched {
    /// Yesterday's, in order.
    pub(crate) left: Vec<u32>,
    /// Tonight's, in order.
    pub(crate) came: Vec<u32>,
    /// Per record of yesterday its number tonight; [`ABSENT`] for those in `left`.
    pub(crate) unchanged: Vec<u32>,
    /// Per record of tonight whether it is in `came`.
    pub(crate) is_new: Vec<bool>,
}

impl Touched {
    /// Finds them.
    pub(crate) fn new(entity: &Entity, update: &Update, codes: &Codes) -> Self {
        let found = Self::of(update.unchanged.clone(), update.records.len());
        let reweighed = reweighed(entity, update, codes, &found);
        if reweighed.is_empty() {
            return found;
        }
        let mut is_reweighed = vec![false; update.records.len()];
        for (form, changed) in reweighed {
            let keys = Keys::new(&update.records, codes, &[form]);
            keys.candidates(&changed).for_each(|record| is_reweighed[record as usize] = true);
        }
        let mut unchanged = found.unchanged;
        for tonight in unchanged.iter_mut().filter(|tonight| **tonight != ABSENT) {
            if is_reweighed[*tonight as usize] {
                *tonight = ABSENT;
            }
        }
        Self::of(unchanged, update.records.len())
    }

    fn of(unchanged: Vec<u32>, tonight: usize) -> Self {
        let mut is_new = vec![true; tonight];
        unchanged.iter().filter(|record| **record != ABSENT).for_each(|&record| is_new[record as usize] = false);
        let yesterday = (0_u32..).zip(&unchanged).filter(|(_, tonight)| **tonight == ABSENT);
        Self {
            left: yesterday.map(|(record, _)| record).collect(),
            came: (0_u32..).zip(&is_new).filter(|(_, is_new)| **is_new).map(|(record, _)| record).collect(),
            unchanged,
            is_new,
        }
    }

    /// Returns tonight's number of one of yesterday's records that nothing has touched.
    pub(crate) fn tonight(&self, yesterday: u32) -> Option<u32> {
        Some(self.unchanged[yesterday as usize]).filter(|record| *record != ABSENT)
    }
}

/// Returns per form the values that are now of another rarity.
fn reweighed(entity: &Entity, update: &Update, codes: &Codes, touched: &Touched) -> Vec<(Form, KeySet)> {
    let hashes = |records: &Records, form: Form, of: &[u32]| {
        let keys = Keys::new(records, codes, &[form]);
        of.iter().map(|record| keys.get(*record)).collect::<Vec<u64>>()
    };
    let of_form = |form: Form| {
        let mut all = hashes(&update.before, form, &touched.left);
        all.extend(hashes(&update.records, form, &touched.came));
        (form, all)
    };
    let touched: Vec<(Form, Vec<u64>)> = frequency::forms(entity).into_iter().map(of_form).collect();
    let wanted: HashMap<Form, KeySet> =
        touched.iter().map(|(form, hashes)| (*form, hashes.iter().copied().collect())).collect();
    let before = Frequencies::of_some(&update.before, codes, &wanted);
    let after = Frequencies::of_some(&update.records, codes, &wanted);
    let changed = |form: Form, hashes: Vec<u64>| {
        hashes.into_iter().filter(|hash| before.power(form, *hash) != after.power(form, *hash)).collect::<KeySet>()
    };
    let changed = touched.into_iter().map(|(form, hashes)| (form, changed(form, hashes)));
    changed.filter(|(_, changed)| !changed.is_empty()).collect()
}
