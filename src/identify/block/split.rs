//! Blocks that are too large: they are split by further forms, and what no form splits is compared by neighbourhood.
//!
//! In: the records of one block. Out: parts within which pairs are compared. Every record of the block is in exactly one
//! part: nothing is dropped. Deliberately a function of the block's members alone.
//!
//! ```text
//!  phone 0516-8888  5,000 records        limit 300
//!    ├─ province 江苏  4,200 ─┬─ name A    20   all pairs
//!    │                        └─ name B 4,180   no further form: each with its nearest 20
//!    └─ province 上海    800 ─── …
//! ```

use super::keys::Order;
use crate::{
    define::entity::Entity,
    identify::{
        codes::{Codes, Keys, NOTHING, mixed},
        records::Records,
    },
};

/// How far apart records are compared in a block that no form splits.
const NEAREST: u32 = 20;
/// A part in which all pairs are compared.
pub(crate) const ALL: u32 = u32::MAX;
/// The path of a whole order, whose records are compared with their neighbours: no key has this hash.
pub(crate) const ORDER: u64 = NOTHING;

/// Splits blocks.
#[derive(Clone, Debug)]
pub(crate) struct Splitter<'a> {
    limit: usize,
    by: Vec<Keys<'a>>,
    order: Option<Order<'a>>,
}

/// Records of a block that are compared with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// Which part it is: the same from night to night.
    pub(crate) path: u64,
    /// Its first member.
    pub(crate) start: usize,
    /// Behind its last member.
    pub(crate) end: usize,
    /// How far apart records are compared.
    pub(crate) window: u32,
    /// How many forms it was split by.
    pub(crate) depth: usize,
}

impl Part {
    /// Returns whether it is a whole order.
    pub(crate) const fn is_order(&self) -> bool {
        self.path == ORDER
    }
}

impl<'a> Splitter<'a> {
    /// Prepares the forms by which blocks are split.
    pub(crate) fn new(entity: &Entity, records: &'a Records, codes: &'a Codes) -> Self {
        Self {
            limit: entity.block_limit.max(2),
            by: entity.split_by.iter().map(|form| Keys::new(records, codes, &[*form])).collect(),
            order: Order::of_comparisons(entity, records, codes),
        }
    }

    /// Returns whether a block of so many records is split.
    pub(crate) const fn splits(&self, records: usize) -> bool {
        records > self.limit
    }

    /// Puts the members of a block into the order of its parts, and adds the parts; `offset` is where members begin.
    pub(crate) fn split(&self, members: &mut [u32], path: u64, offset: usize, parts: &mut Vec<Part>) {
        self.further(members, path, offset, 0, parts);
    }

    fn further(&self, members: &mut [u32], path: u64, offset: usize, depth: usize, parts: &mut Vec<Part>) {
        let mut part = Part { path, start: offset, end: offset + members.len(), window: ALL, depth };
        if members.len() <= self.limit {
            members.sort_unstable();
            parts.push(part);
            return;
        }
        let Some(keys) = self.by.get(depth) else {
            members
                .sort_by_cached_key(|&record| self.order.as_ref().map_or((0, 0, record), |order| order.place(record)));
            part.window = NEAREST;
            // A path of its own: the same members, differently compared, are not the same part.
            part.path = mixed(path, u64::from(NEAREST));
            parts.push(part);
            return;
        };
        members.sort_by_cached_key(|&record| (keys.get(record), record));
        let mut start = 0;
        while start < members.len() {
            let key = keys.get(members[start]);
            let length = members[start..].partition_point(|&record| keys.get(record) == key);
            let below = &mut members[start..start + length];
            self.further(below, mixed(path, key), offset + start, depth + 1, parts);
            start += length;
        }
    }
}
