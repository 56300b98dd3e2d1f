//! Blocks with keys: which pairs stand together tonight and did not yesterday, and the other way round.
//!
//! In: the keys of one block, what was touched. Out: [`Changed`]. Only blocks that a touched record is or was in are looked
//! at. Where such a block is no larger than the limit on both nights, only pairs of its touched records are new; else its
//! parts are made for both nights, and those that differ are compared pair by pair.

use std::collections::{HashMap, HashSet};

use super::touched::Touched;
use crate::identify::{
    block::{
        SplitBlock,
        keys::BlockKeys,
        reach,
        split::{ALL, Part, Splitter},
    },
    codes::NOTHING,
    key_set::KeySet,
};

/// What changed in the blocks of one definition.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changed {
    /// Pairs to compare, the smaller record first.
    pub(crate) fresh: Vec<(u32, u32)>,
    /// Pairs that no longer stand together in this block.
    pub(crate) ended: Vec<(u32, u32)>,
    /// Blocks that are split tonight, of those that were looked at.
    pub(crate) split: Vec<SplitBlock>,
    /// The keys of the blocks that were looked at.
    pub(crate) keys: Option<KeySet>,
}

/// Keys of blocks, each with a member.
type Members = Vec<(u64, u32)>;

/// A block on two nights.
pub(crate) struct Nights<'a> {
    /// Which block of the definition.
    pub(crate) block: usize,
    /// Yesterday's keys, by yesterday's numbers.
    pub(crate) before: &'a BlockKeys<'a>,
    /// Tonight's.
    pub(crate) after: &'a BlockKeys<'a>,
    /// How blocks were split yesterday, by yesterday's numbers.
    pub(crate) split_before: &'a Splitter<'a>,
    /// How they are split tonight.
    pub(crate) split_after: &'a Splitter<'a>,
    /// What was touched.
    pub(crate) touched: &'a Touched,
}

/// The parts of one block on one night, with tonight's numbers.
#[derive(Default)]
struct Parts {
    members: Vec<Option<u32>>,
    parts: Vec<Part>,
}

impl Nights<'_> {
    /// Compares the two nights.
    pub(crate) fn changed(&self) -> Changed {
        let keys: KeySet =
            keys_of(self.before, &self.touched.left).chain(keys_of(self.after, &self.touched.came)).collect();
        let (before, after) = self.members(&keys);
        let mut changed = Changed { keys: Some(keys), ..Changed::default() };
        let (mut old, mut new) = (before.as_slice(), after.as_slice());
        while let Some(key) = [old.first(), new.first()].into_iter().flatten().map(|(key, _)| *key).min() {
            let was = taken(&mut old, key);
            let is = taken(&mut new, key);
            self.compare(key, was, is, &mut changed);
        }
        changed
    }

    /// Returns the members of the blocks with these keys, sorted: yesterday's and tonight's.
    fn members(&self, keys: &KeySet) -> (Members, Members) {
        let (mut before, mut after) = (Vec::new(), Vec::new());
        let left = self.touched.left.iter().map(|record| self.before.first(*record));
        let first = left.chain(self.touched.came.iter().map(|record| self.after.first(*record))).collect();
        for yesterday in self.before.candidates(keys, &first) {
            let tonight = self.touched.tonight(yesterday);
            for slot in 0..self.before.slots() {
                let key = self.before.get(yesterday, slot);
                if keys.contains(key) {
                    before.push((key, yesterday));
                    after.extend(tonight.map(|tonight| (key, tonight)));
                }
            }
        }
        for slot in 0..self.after.slots() {
            after.extend(self.touched.came.iter().map(|record| (self.after.get(*record, slot), *record)));
        }
        after.retain(|(key, _)| *key != NOTHING);
        before.sort_unstable();
        after.sort_unstable();
        (before, after)
    }

    fn compare(&self, key: u64, was: &[(u64, u32)], is: &[(u64, u32)], changed: &mut Changed) {
        let were_split = self.split_before.splits(was.len());
        let are_split = self.split_after.splits(is.len());
        if !were_split && !are_split {
            let members: Vec<Option<u32>> = is.iter().map(|(_, record)| Some(*record)).collect();
            self.touching(&members, &mut changed.fresh);
            return;
        }
        let tonight = |record: u32| Some(record);
        let before = Parts::new(self.split_before, key, was, |record| self.touched.tonight(record));
        let after = Parts::new(self.split_after, key, is, tonight);
        if are_split {
            let members: Vec<u32> = is.iter().map(|(_, record)| *record).collect();
            changed.split.push(SplitBlock::new(self.block, key, &after.parts, &members));
        }
        self.compare_parts(&before, &after, changed);
    }

    fn compare_parts(&self, before: &Parts, after: &Parts, changed: &mut Changed) {
        let of = |parts: &Parts| -> HashSet<u64> {
            parts.parts.iter().filter(|part| part.window == ALL).map(|part| part.path).collect()
        };
        let (known, still) = (of(before), of(after));
        let mut began = HashSet::new();
        for part in &after.parts {
            match known.contains(&part.path) {
                true => self.touching(&after.members[part.start..part.end], &mut changed.fresh),
                false => began.extend(after.pairs(part)),
            }
        }
        let ended = before.parts.iter().filter(|part| !still.contains(&part.path)).flat_map(|part| before.pairs(part));
        let ended: HashSet<(u32, u32)> = ended.collect();
        let is_touched =
            |pair: &(u32, u32)| self.touched.is_new[pair.0 as usize] || self.touched.is_new[pair.1 as usize];
        changed.fresh.extend(began.iter().filter(|pair| is_touched(pair) || !ended.contains(pair)));
        changed.ended.extend(ended.into_iter().filter(|pair| !began.contains(pair)));
    }

    /// Adds the pairs of touched members with all others.
    fn touching(&self, members: &[Option<u32>], fresh: &mut Vec<(u32, u32)>) {
        let members = || members.iter().copied().flatten();
        for record in members().filter(|&record| self.touched.is_new[record as usize]) {
            let others = members().filter(|&other| other < record || !self.touched.is_new[other as usize]);
            fresh.extend(others.map(|other| (record.min(other), record.max(other))));
        }
    }
}

impl Parts {
    fn new(splitter: &Splitter<'_>, key: u64, members: &[(u64, u32)], tonight: impl Fn(u32) -> Option<u32>) -> Self {
        let mut members: Vec<u32> = members.iter().map(|(_, record)| *record).collect();
        let mut parts = Vec::new();
        splitter.split(&mut members, key, 0, &mut parts);
        Self { members: members.into_iter().map(tonight).collect(), parts }
    }

    /// Returns the pairs of a part, of records that are there on both nights or came.
    fn pairs(&self, part: &Part) -> Vec<(u32, u32)> {
        let mut pairs = Vec::new();
        for position in part.start..part.end {
            let Some(record) = self.members[position] else { continue };
            let others = self.members[position + 1..reach(part, position)].iter().copied().flatten();
            pairs.extend(others.map(|other| (record.min(other), record.max(other))));
        }
        pairs
    }
}

fn keys_of<'a>(keys: &'a BlockKeys<'_>, records: &'a [u32]) -> impl Iterator<Item = u64> {
    (0..keys.slots()).flat_map(move |slot| records.iter().map(move |record| keys.get(*record, slot)))
}

fn taken<'a>(members: &mut &'a [(u64, u32)], key: u64) -> &'a [(u64, u32)] {
    let (taken, rest) = members.split_at(members.partition_point(|(other, _)| *other == key));
    *members = rest;
    taken
}

/// Returns whether two records stand together in a block that is split tonight.
pub(crate) fn stand_together(splitter: &Splitter<'_>, key: u64, members: &[u32], pair: (u32, u32)) -> bool {
    let mut members = members.to_vec();
    let mut parts = Vec::new();
    splitter.split(&mut members, key, 0, &mut parts);
    let places: HashMap<u32, usize> = members.iter().enumerate().map(|(place, record)| (*record, place)).collect();
    let (Some(&left), Some(&right)) = (places.get(&pair.0), places.get(&pair.1)) else { return false };
    let (first, last) = (left.min(right), left.max(right));
    parts.iter().any(|part| (part.start..part.end).contains(&first) && last < reach(part, first))
}
