//! Which pairs of records are compared.
//!
//! In: the codes of records, the blocks of the definition. Out: [`Blocking`]: parts of blocks, and every pair within them
//! once, in chunks that threads can share. Memory is one number per record and key; pairs are never stored.
//! Deliberately knows nothing of how pairs are compared.

pub mod bigrams;
pub(crate) mod keys;
pub(crate) mod split;

#[cfg(test)]
mod tests;

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use keys::BlockKeys;
use split::{ALL, ORDER, Part, Splitter};

use super::{
    codes::{Codes, NOTHING, mixed},
    records::Records,
};
use crate::{define::entity::Entity, engine::parallel};

/// The part of a record that has no key, or is alone with it.
const NONE: u32 = u32::MAX;
/// The keys of about so many records are sorted at once, as a power of two.
const PASS_BITS: u32 = 19;
/// Members of a part that one thread takes at a time.
const CHUNK: usize = 512;

/// A block that was larger than the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SplitBlock {
    /// Which block of the definition.
    pub block: usize,
    /// The hash of its key.
    pub key: u64,
    /// Its first record.
    pub example: u32,
    /// Its records.
    pub records: usize,
    /// How many forms of `split_by` were used.
    pub forms: usize,
    /// Into how many parts.
    pub parts: usize,
    /// Records in parts that no form split, where only near ones are compared.
    pub near_only: usize,
}

/// The parts of all blocks.
#[derive(Debug)]
pub struct Blocking {
    /// The first slot of each block, and behind the last.
    slots: Vec<usize>,
    /// Per record and slot its part.
    parts_of: Vec<u32>,
    /// Per slot the place of each record in its part, where a part compares near records only.
    places: Vec<Vec<u32>>,
    parts: Vec<Located>,
    members: Vec<u32>,
    /// The blocks that were split, in order.
    pub split: Vec<SplitBlock>,
}

/// A part, and the block that it is of.
#[derive(Clone, Copy, Debug)]
struct Located {
    block: usize,
    part: Part,
}

/// The parts of one block of the definition.
#[derive(Debug, Default, PartialEq, Eq)]
struct Built {
    parts: Vec<Part>,
    members: Vec<u32>,
    slots: Vec<u8>,
    split: Vec<SplitBlock>,
}

impl Blocking {
    /// Builds the blocks of all records.
    #[must_use]
    pub fn new(entity: &Entity, records: &Records, codes: &Codes, threads: usize) -> Self {
        let keys = BlockKeys::of(entity, records, codes);
        let splitter = Splitter::new(entity, records, codes);
        let of_one = |block: usize| build(block, &keys[block], &splitter, records.len());
        let built = on_each(threads, keys.len(), &of_one);
        let widths: Vec<usize> = keys.iter().map(BlockKeys::slots).collect();
        Self::gathered(built, &widths, records.len())
    }

    fn gathered(built: Vec<Built>, widths: &[usize], records: usize) -> Self {
        let mut slots = vec![0];
        for width in widths {
            slots.push(slots.last().unwrap_or(&0) + width);
        }
        let width = slots.last().copied().unwrap_or(0);
        let mut all = Self {
            parts_of: vec![NONE; records * width],
            places: vec![Vec::new(); width],
            parts: Vec::new(),
            members: Vec::new(),
            split: Vec::new(),
            slots,
        };
        all.members.reserve_exact(built.iter().map(|built| built.members.len()).sum());
        for (block, built) in built.into_iter().enumerate() {
            all.add(block, built, records);
        }
        all
    }

    fn add(&mut self, block: usize, built: Built, records: usize) {
        let (offset, width) = (self.members.len(), self.width());
        for part in &built.parts {
            let number = u32::try_from(self.parts.len()).unwrap_or(NONE);
            for position in part.start..part.end {
                let record = built.members[position] as usize;
                let slot = self.slots[block] + usize::from(built.slots.get(position).copied().unwrap_or(0));
                self.parts_of[record * width + slot] = number;
                if part.window != ALL {
                    let places = &mut self.places[slot];
                    places.resize(records, 0);
                    places[record] = u32::try_from(position - part.start).unwrap_or(u32::MAX);
                }
            }
            let part = Part { start: part.start + offset, end: part.end + offset, ..*part };
            self.parts.push(Located { block, part });
        }
        self.members.extend(built.members);
        self.split.extend(built.split);
    }

    /// Returns what the next night needs: per `neighbours` block the records in order, and the blocks that were split.
    #[must_use]
    pub fn into_remembered(self) -> (Vec<Vec<u32>>, Vec<SplitBlock>) {
        let orders = self.parts.iter().filter(|located| located.part.is_order());
        (orders.map(|located| self.members[located.part.start..located.part.end].to_vec()).collect(), self.split)
    }

    fn width(&self) -> usize {
        self.slots.last().copied().unwrap_or(0)
    }

    /// Visits every pair once, the smaller record first, on several threads; returns what each thread gathered, in no
    /// order: what is made of it must not depend on that.
    pub fn visit<S: Send>(
        &self,
        threads: usize,
        begin: &(dyn Fn() -> S + Sync),
        each: &(dyn Fn(&mut S, u32, u32) + Sync),
    ) -> Vec<S> {
        let chunks = self.chunks(|_, _| true);
        self.visit_chunks(&chunks, threads, begin, &|state, located, left, right| {
            if !self.meet_before(located, left, right) {
                each(state, left, right);
            }
        })
    }

    /// Visits the pairs of one block of the definition, at most about `limit` of them: every so many parts.
    pub fn visit_block<S: Send>(
        &self,
        block: usize,
        limit: u64,
        threads: usize,
        begin: &(dyn Fn() -> S + Sync),
        each: &(dyn Fn(&mut S, u32, u32) + Sync),
    ) -> Vec<S> {
        let step = self.pairs_of(block).div_ceil(limit.max(1)).max(1);
        let chunks = self.chunks(|located, start| located.block == block && is_drawn(&located.part, start, step));
        self.visit_chunks(&chunks, threads, begin, &|state, _, left, right| each(state, left, right))
    }

    /// Visits at most about `limit` of all pairs, each once; also returns how many pairs each stands for.
    pub fn visit_some<S: Send>(
        &self,
        limit: u64,
        threads: usize,
        begin: &(dyn Fn() -> S + Sync),
        each: &(dyn Fn(&mut S, u32, u32) + Sync),
    ) -> (Vec<S>, f64) {
        let blocks = self.slots.len() - 1;
        let all: u64 = (0..blocks).map(|block| self.pairs_of(block)).sum();
        let step = all.div_ceil(limit.max(1)).max(1);
        let chunks = self.chunks(|located, start| is_drawn(&located.part, start, step));
        let drawn: u64 = chunks.iter().map(|&(number, start)| pairs_from(&self.parts[number].part, start)).sum();
        let states = self.visit_chunks(&chunks, threads, begin, &|state, located, left, right| {
            if !self.meet_before(located, left, right) {
                each(state, left, right);
            }
        });
        (states, real(all) / real(drawn.max(1)))
    }

    /// Returns how many pairs the parts of one block of the definition have, counting a pair in each part.
    #[must_use]
    pub fn pairs_of(&self, block: usize) -> u64 {
        self.parts.iter().filter(|located| located.block == block).map(|located| pairs(&located.part)).sum()
    }

    fn chunks(&self, is_wanted: impl Fn(&Located, usize) -> bool) -> Vec<(usize, usize)> {
        let mut chunks = Vec::new();
        for (number, located) in self.parts.iter().enumerate() {
            let starts = (located.part.start..located.part.end).step_by(CHUNK);
            chunks.extend(starts.filter(|&start| is_wanted(located, start)).map(|start| (number, start)));
        }
        chunks
    }

    fn visit_chunks<S: Send>(
        &self,
        chunks: &[(usize, usize)],
        threads: usize,
        begin: &(dyn Fn() -> S + Sync),
        each: &(dyn Fn(&mut S, usize, u32, u32) + Sync),
    ) -> Vec<S> {
        let next = AtomicUsize::new(0);
        let work = || {
            let mut state = begin();
            while let Some(&(number, start)) = chunks.get(take(&next)) {
                let part = &self.parts[number].part;
                for position in start..part.end.min(start + CHUNK) {
                    let record = self.members[position];
                    for &other in &self.members[position + 1..reach(part, position)] {
                        each(&mut state, number, record.min(other), record.max(other));
                    }
                }
            }
            state
        };
        on_threads(threads, &work)
    }

    /// Returns whether a pair stands together in a part before the given one.
    fn meet_before(&self, part: usize, left: u32, right: u32) -> bool {
        let width = self.width();
        let of = |record: u32| &self.parts_of[record as usize * width..(record as usize + 1) * width];
        let (left_parts, right_parts) = (of(left), of(right));
        for slots in self.slots.windows(2).take(self.parts[part].block + 1) {
            for (slot, &common) in left_parts.iter().enumerate().take(slots[1]).skip(slots[0]) {
                if common as usize >= part {
                    continue;
                }
                let other = right_parts[slots[0]..slots[1]].iter().position(|&other| other == common);
                if other.is_some_and(|other| self.are_near(common, (left, slot), (right, slots[0] + other))) {
                    return true;
                }
            }
        }
        false
    }

    fn are_near(&self, part: u32, left: (u32, usize), right: (u32, usize)) -> bool {
        let window = self.parts[part as usize].part.window;
        let place = |(record, slot): (u32, usize)| self.places[slot][record as usize];
        window == ALL || place(left).abs_diff(place(right)) <= window
    }
}

/// Returns behind which member the partners of a member end.
pub(crate) fn reach(part: &Part, position: usize) -> usize {
    if part.window == ALL { part.end } else { part.end.min(position + part.window as usize + 1) }
}

/// Returns how many pairs a part has.
fn pairs(part: &Part) -> u64 {
    let members = (part.end - part.start) as u64;
    let window = u64::from(part.window).min(members.saturating_sub(1));
    window * members - window * (window + 1) / 2
}

/// Returns how many pairs begin in the chunk of a part that begins at a member.
fn pairs_from(part: &Part, start: usize) -> u64 {
    (start..part.end.min(start + CHUNK)).map(|position| (reach(part, position) - position - 1) as u64).sum()
}

/// Draws chunks by a hash of where they are, so that the choice is fair and does not depend on other blocks.
fn is_drawn(part: &Part, start: usize, step: u64) -> bool {
    step == 1 || mixed(part.path, (start - part.start) as u64).is_multiple_of(step)
}

#[expect(clippy::cast_precision_loss, reason = "counts of pairs beyond 2^53 need no last digit")]
fn real(count: u64) -> f64 {
    count as f64
}

fn take(next: &AtomicUsize) -> usize {
    next.fetch_add(1, Ordering::Relaxed)
}

/// Does the same work on several threads.
pub(crate) fn on_threads<T: Send>(threads: usize, work: &(dyn Fn() -> T + Sync)) -> Vec<T> {
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads.max(1)).map(|_| scope.spawn(work)).collect();
        let mut done = vec![work()];
        for other in others {
            done.push(other.join().unwrap_or_else(|payload| std::panic::resume_unwind(payload)));
        }
        done
    })
}

/// Does some work for each number below a count, on several threads; returns what came of it in order.
pub(crate) fn on_each<T: Send>(threads: usize, count: usize, each: &(dyn Fn(usize) -> T + Sync)) -> Vec<T> {
    let numbers: Vec<usize> = (0..count).collect();
    parallel::each(threads, &numbers, |&number| each(number))
}

fn build(block: usize, keys: &BlockKeys<'_>, splitter: &Splitter<'_>, records: usize) -> Built {
    let count = u32::try_from(records).unwrap_or(NONE);
    if let BlockKeys::Neighbours(order, window) = keys {
        let mut members: Vec<_> =
            (0..count).filter(|&record| keys.get(record, 0) != NOTHING).map(|record| order.place(record)).collect();
        members.sort_unstable();
        let members: Vec<u32> = members.into_iter().map(|(_, _, record)| record).collect();
        let part = Part { path: ORDER, start: 0, end: members.len(), window: *window, depth: 0 };
        return Built { parts: vec![part], members, ..Built::default() };
    }
    build_keyed(block, keys, splitter, records, (records >> PASS_BITS).next_power_of_two())
}

/// Builds the parts of equal keys. `passes`, a power of two, is into how many shares the keys are cut, so that only the postings of one
/// are in memory; it changes nothing else.
fn build_keyed(block: usize, keys: &BlockKeys<'_>, splitter: &Splitter<'_>, records: usize, passes: usize) -> Built {
    let count = u32::try_from(records).unwrap_or(NONE);
    let pass_of = |key: u64| key.checked_shr(u64::BITS - passes.trailing_zeros()).unwrap_or(0);
    let (mut built, mut postings) = (Built::default(), Vec::new());
    for pass in 0..passes as u64 {
        postings.clear();
        for slot in 0..keys.slots() {
            let posting = |record| (keys.get(record, slot), record, u8::try_from(slot).unwrap_or(u8::MAX));
            let is_next = |(key, ..): &(u64, u32, u8)| *key != NOTHING && pass_of(*key) == pass;
            postings.extend((0..count).map(posting).filter(is_next));
        }
        postings.sort_unstable();
        for group in postings.chunk_by(|left, right| left.0 == right.0).filter(|group| group.len() > 1) {
            built.add_group(block, group, splitter);
        }
    }
    built
}

impl Built {
    fn add_group(&mut self, block: usize, group: &[(u64, u32, u8)], splitter: &Splitter<'_>) {
        let (offset, known) = (self.members.len(), self.parts.len());
        self.members.extend(group.iter().map(|(_, record, _)| *record));
        splitter.split(&mut self.members[offset..], group[0].0, offset, &mut self.parts);
        if self.parts.len() == known + 1 && self.parts[known].depth == 0 && self.parts[known].window == ALL {
            self.slots.extend(group.iter().map(|(.., slot)| *slot));
            return;
        }
        // Members stand in the order of the parts now; postings are in the order of records.
        let slot = |record: &u32| group[group.partition_point(|(_, other, _)| other < record)].2;
        let slots: Vec<u8> = self.members[offset..].iter().map(slot).collect();
        self.slots.extend(slots);
        let parts = self.parts.split_off(known);
        self.split.push(SplitBlock::new(block, group[0].0, &parts, &self.members[offset..]));
        self.parts.extend(parts.into_iter().filter(|part| part.end - part.start > 1));
    }
}

impl SplitBlock {
    pub(crate) fn new(block: usize, key: u64, parts: &[Part], members: &[u32]) -> Self {
        Self {
            block,
            key,
            example: members.iter().min().copied().unwrap_or(NONE),
            records: members.len(),
            forms: parts.iter().map(|part| part.depth).max().unwrap_or(0),
            parts: parts.len(),
            near_only: parts.iter().filter(|part| part.window != ALL).map(|part| part.end - part.start).sum(),
        }
    }
}
