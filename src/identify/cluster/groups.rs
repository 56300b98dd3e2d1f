//! Groups of records that grow by joining, and what each must be asked before it joins another.
//!
//! In: joins. Out: the group of each record, with a sample of its members, the values by which vetoes judge, and whom it
//! was said to differ from. Groups of one record cost nothing.

use std::collections::HashMap;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::identify::{
    codes::{Keys, NOTHING},
    records::Records,
    roots::Roots,
};

/// Members that stand for a group when it is asked how close it is to another.
const SAMPLE: usize = 8;

/// What is known of a group.
#[derive(Clone, Debug)]
pub(super) struct Group {
    /// Changes whenever the group does.
    pub(super) version: u64,
    /// Members that stand for it: those with the smallest hashes, so the choice depends on the members alone.
    pub(super) sample: Vec<(u64, u32)>,
    /// How many members there are.
    pub(super) members: usize,
    /// Per veto and attribute of it the different values, in order.
    values: Vec<Vec<Vec<u64>>>,
    /// Records that one of its members was said to differ from.
    others: Vec<u32>,
}

/// All groups.
pub(super) struct Groups<'a> {
    records: &'a Records,
    /// Per veto and attribute of it.
    vetoes: &'a [Vec<Keys<'a>>],
    others: HashMap<u32, Vec<u32>>,
    roots: Roots,
    /// Groups of several members, by the record that stands for them.
    of_several: HashMap<u32, Group>,
    versions: u64,
}

impl<'a> Groups<'a> {
    pub(super) fn new(records: &'a Records, vetoes: &'a [Vec<Keys<'a>>], others: HashMap<u32, Vec<u32>>) -> Self {
        Self {
            records,
            vetoes,
            others,
            roots: Roots::new(records.len()),
            of_several: HashMap::new(),
            versions: records.len() as u64,
        }
    }

    /// Returns the record that stands for a record's group: always its first member.
    pub(super) fn find(&mut self, record: u32) -> u32 {
        self.roots.find(record)
    }

    /// Returns what is known of the group that a record stands for.
    pub(super) fn take(&mut self, root: u32) -> Group {
        self.of_several.remove(&root).unwrap_or_else(|| self.alone(root))
    }

    /// Gives back what [`Groups::take`] returned.
    pub(super) fn give_back(&mut self, root: u32, group: Group) {
        if group.members > 1 {
            self.of_several.insert(root, group);
        }
    }

    /// Returns the values by which vetoes judge a record.
    pub(super) fn veto_values(&self, record: u32) -> Vec<u64> {
        self.vetoes.iter().flatten().map(|keys| keys.get(record)).collect()
    }

    fn alone(&self, record: u32) -> Group {
        let value = |keys: &Keys<'_>| Some(keys.get(record)).filter(|value| *value != NOTHING).into_iter().collect();
        let source = u64::from(self.records.sources[record as usize]);
        let hash = xxh3_64_with_seed(self.records.keys.get(record as usize).as_bytes(), source);
        Group {
            version: u64::from(record),
            sample: vec![(hash, record)],
            members: 1,
            values: self.vetoes.iter().map(|keys| keys.iter().map(value).collect()).collect(),
            others: self.others.get(&record).cloned().unwrap_or_default(),
        }
    }

    /// Makes one group of two.
    pub(super) fn join(&mut self, (left, first): (u32, Group), (right, second): (u32, Group)) {
        self.roots.join(left, right);
        self.versions += 1;
        let joined = first.joined(second, self.versions);
        self.of_several.insert(left.min(right), joined);
    }

    /// Returns whether somebody said that a member of one group differs from a member of the other.
    pub(super) fn are_said_to_differ(&mut self, (left, first): (u32, &Group), (right, second): (u32, &Group)) -> bool {
        let (others, root) =
            if first.others.len() <= second.others.len() { (&first.others, right) } else { (&second.others, left) };
        others.iter().any(|&other| self.find(other) == root)
    }
}

impl Group {
    fn joined(mut self, other: Self, version: u64) -> Self {
        self.version = version;
        self.members += other.members;
        self.sample.extend(other.sample);
        self.sample.sort_unstable();
        self.sample.truncate(SAMPLE);
        self.others.extend(other.others);
        for (values, others) in self.values.iter_mut().flatten().zip(other.values.into_iter().flatten()) {
            values.extend(others);
            values.sort_unstable();
            values.dedup();
        }
        self
    }

    /// Returns the first veto that forbids two groups to be one: of each of its attributes both have values, and neither has
    /// all of the other's. A group has several values only where people joined them, or where it differs in some attributes only.
    pub(super) fn vetoed(&self, other: &Self) -> Option<usize> {
        let has_all = |all: &[u64], some: &[u64]| some.iter().all(|value| all.contains(value));
        let conflicts = |(left, right): (&Vec<u64>, &Vec<u64>)| !has_all(left, right) && !has_all(right, left);
        let forbids = |(left, right): (&Vec<Vec<u64>>, &Vec<Vec<u64>>)| left.iter().zip(right).all(conflicts);
        self.values.iter().zip(&other.values).position(forbids)
    }
}
