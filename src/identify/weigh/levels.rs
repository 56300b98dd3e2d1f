//! The levels that a pair reaches in all comparisons, and how often each combination of them occurs.
//!
//! In: pairs. Out: per pair a level for each comparison, and tables that count equal combinations: sums over pairs become
//! sums over some thousand combinations, exact whole numbers whatever the order.

use std::{
    collections::{BTreeMap, HashMap},
    hash::BuildHasherDefault,
};

use crate::{
    define::entity::{Comparison, Entity, Form, FormName, Level, Measure},
    identify::{
        codes::{Codes, NOTHING, Prepared},
        records::{ABSENT, Records},
        texts::AsIs,
    },
};

/// The level of a comparison that is evidence of nothing.
pub const SILENT: u8 = u8::MAX;

/// Compares pairs of records.
#[derive(Clone)]
pub struct Levels<'a> {
    comparisons: Vec<Compared<'a>>,
    counts: Vec<usize>,
    prepared: &'a dyn Prepared,
}

/// One comparison: which values records have, and which of these are equal.
#[derive(Clone, Debug)]
struct Compared<'a> {
    numbers: &'a [u32],
    /// The codes of the leading levels that are equality of a whole value.
    equal: Vec<&'a [u64]>,
    /// Whether there is no other level.
    is_only_equality: bool,
}

/// What codes alone say of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Glance {
    /// The level that is reached, or [`SILENT`].
    Level(u8),
    /// None of so many leading levels: values are there, and differ.
    Beyond(usize),
    /// Nothing.
    Unknown,
}

impl<'a> Levels<'a> {
    /// Compares as the definition says.
    #[must_use]
    pub fn new(entity: &Entity, records: &'a Records, codes: &'a Codes, prepared: &'a dyn Prepared) -> Self {
        let compared = |comparison: &Comparison| {
            let is_whole = |form| matches!(form, FormName::Normal | FormName::Key);
            let is_equality =
                |level: &&Level| level.measure == Measure::Exact && is_whole(level.form) && level.agree.is_none();
            let leading = comparison.levels.iter().take_while(is_equality);
            let form = |level: &Level| Form { attribute: comparison.attribute, form: level.form };
            let equal: Vec<&[u64]> = leading.map(|level| codes.of(form(level))).collect();
            Compared {
                numbers: &records.attributes[comparison.attribute].numbers,
                is_only_equality: equal.len() == comparison.levels.len(),
                equal,
            }
        };
        Self {
            comparisons: entity.comparisons.iter().map(compared).collect(),
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
        self.comparisons[comparison].numbers[record as usize]
    }

    /// Returns what the codes of two values say, which costs next to nothing.
    pub(super) fn glance(&self, comparison: usize, left: u32, right: u32) -> Glance {
        let compared = &self.comparisons[comparison];
        let (left, right) = (compared.numbers[left as usize], compared.numbers[right as usize]);
        if left == ABSENT || right == ABSENT {
            return Glance::Level(SILENT);
        }
        for (level, hashes) in (0_u8..).zip(&compared.equal) {
            let (left, right) = (hashes[left as usize], hashes[right as usize]);
            if left == NOTHING || right == NOTHING {
                return Glance::Unknown;
            }
            if left == right {
                return Glance::Level(level);
            }
        }
        match compared.is_only_equality {
            true => Glance::Level(u8::try_from(compared.equal.len()).unwrap_or(SILENT)),
            false => Glance::Beyond(compared.equal.len()),
        }
    }

    /// Returns the level of one comparison, or [`SILENT`].
    #[must_use]
    pub fn one(&self, comparison: usize, left: u32, right: u32) -> u8 {
        match self.glance(comparison, left, right) {
            Glance::Level(level) => level,
            _ => self.look(comparison, left, right),
        }
    }

    /// Returns the level of a comparison of which a glance says too little.
    pub(super) fn look(&self, comparison: usize, left: u32, right: u32) -> u8 {
        let (left, right) = (self.value(comparison, left), self.value(comparison, right));
        self.prepared.level(comparison, left, right).unwrap_or(SILENT)
    }

    /// Puts the levels of all comparisons into `levels`.
    pub fn all(&self, left: u32, right: u32, levels: &mut Vec<u8>) {
        levels.clear();
        levels.extend((0..self.comparisons.len()).map(|comparison| self.one(comparison, left, right)));
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
