//! The levels that a pair reaches in all comparisons, and how often each combination of them occurs.
//!
//! In: pairs. Out: per pair a level for each comparison, and tables that count equal combinations: sums over pairs become
//! sums over some thousand combinations, exact whole numbers whatever the order.

use std::{
    collections::{BTreeMap, HashMap},
    hash::BuildHasherDefault,
};

use crate::{
    define::entity::Entity,
    identify::{
        codes::Prepared,
        records::{ABSENT, Records},
        texts::AsIs,
    },
};

/// The level of a comparison that is evidence of nothing.
pub const SILENT: u8 = u8::MAX;

/// Compares pairs of records.
#[derive(Clone)]
pub struct Levels<'a> {
    attributes: Vec<&'a [u32]>,
    counts: Vec<usize>,
    prepared: &'a dyn Prepared,
}

impl<'a> Levels<'a> {
    /// Compares as the definition says.
    #[must_use]
    pub fn new(entity: &Entity, records: &'a Records, prepared: &'a dyn Prepared) -> Self {
        let numbers = |attribute: usize| records.attributes[attribute].numbers.as_slice();
        Self {
            attributes: entity.comparisons.iter().map(|comparison| numbers(comparison.attribute)).collect(),
            counts: entity.comparisons.iter().map(|comparison| comparison.levels.len() + 1).collect(),
            prepared,
        }
    }

    /// Returns how many levels each comparison has, the implied last one included.
    #[must_use]
    pub fn counts(&self) -> &[usize] {
        &self.counts
    }

    /// Returns the value of a record in a comparison.
    #[must_use]
    pub fn value(&self, comparison: usize, record: u32) -> u32 {
        self.attributes[comparison][record as usize]
    }

    /// Returns the level of one comparison, or [`SILENT`].
    #[must_use]
    pub fn one(&self, comparison: usize, left: u32, right: u32) -> u8 {
        let (left, right) = (self.value(comparison, left), self.value(comparison, right));
        if left == ABSENT || right == ABSENT {
            return SILENT;
        }
        self.prepared.level(comparison, left, right).unwrap_or(SILENT)
    }

    /// Puts the levels of all comparisons into `levels`.
    pub fn all(&self, left: u32, right: u32, levels: &mut Vec<u8>) {
        levels.clear();
        levels.extend((0..self.attributes.len()).map(|comparison| self.one(comparison, left, right)));
    }
}

/// Counts combinations of levels.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    counts: HashMap<Vec<u8>, u64, BuildHasherDefault<AsIs>>,
    levels: Vec<u8>,
}

impl Tally {
    /// Counts the combination of a pair.
    pub fn count(&mut self, levels: &Levels<'_>, left: u32, right: u32) {
        levels.all(left, right, &mut self.levels);
        match self.counts.get_mut(&self.levels) {
            Some(count) => *count += 1,
            None => drop(self.counts.insert(self.levels.clone(), 1)),
        }
    }

    /// Adds up the tallies of several threads, in the order of the combinations.
    #[must_use]
    pub fn sum(tallies: Vec<Self>) -> Vec<(Vec<u8>, u64)> {
        let mut sum: BTreeMap<Vec<u8>, u64> = BTreeMap::new();
        for (combination, count) in tallies.into_iter().flat_map(|tally| tally.counts) {
            *sum.entry(combination).or_default() += count;
        }
        sum.into_iter().collect()
    }
}
