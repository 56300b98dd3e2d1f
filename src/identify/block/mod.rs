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
    collections::HashMap,
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
    known: Known,
    blocks: Vec<Placed>,
}

/// What the next night needs of blocks.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Remembered {
    /// Per `neighbours` block the records in its order.
    pub orders: Vec<Vec<u32>>,
    /// The blocks that were split, in order.
    pub split: Vec<SplitBlock>,
}

/// In which parts records stand, of all blocks so far.
#[derive(Debug)]
struct Known {
    /// The first slot of each block, and behind the last.
    slots: Vec<usize>,
    /// Per record and slot its part.
    parts_of: Vec<u32>,
    /// Per slot the place of each record in its part, where a part compares near records only.
    places: Vec<Vec<u32>>,
    /// How far apart records are compared, of the parts in which only near ones are.
    windows: HashMap<u32, u32>,
    /// How many parts there are.
    parts: u32,
}

/// The parts of one block, and the number of the first of them.
#[derive(Debug)]
struct Placed {
    block: usize,
    first: u32,
    parts: Vec<Part>,
    members: Vec<u32>,
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
        let of_one = |block: usize| build(block, &keys[block], &splitter, records.len(), 1);
        let built = on_each(threads, keys.len(), &of_one);
        let mut known = Known::new(&keys, records.len());
        let placed = |(block, built)| known.add(block, built, records.len()).0;
        let blocks = built.into_iter().enumerate().map(placed).collect();
        Self { known, blocks }
    }

    /// Visits at most about `limit` of the pairs of one block of the definition: every so many parts.
    pub fn visit_block<S: Send>(
        &self,
        block: usize,
        limit: u64,
        threads: usize,
        begin: &(dyn Fn() -> S + Sync),
        each: &(dyn Fn(&mut S, u32, u32) + Sync),
    ) -> Vec<S> {
        let step = self.pairs_of(block).div_ceil(limit.max(1)).max(1);
        let chunks = self.blocks[block].chunks(|part, start| is_drawn(part, start, step));
        self.blocks[block].visit(&chunks, threads, begin, &|state, _, left, right| each(state, left, right))
    }

    /// Visits at most about `limit` of all pairs, each once; also returns how many pairs each stands for.
    pub fn visit_some<S: Send>(
        &self,
        limit: u64,
        threads: usize,
        begin: &(dyn Fn() -> S + Sync),
        each: &(dyn Fn(&mut S, u32, u32) + Sync),
    ) -> (Vec<S>, f64) {
        let all: u64 = (0..self.blocks.len()).map(|block| self.pairs_of(block)).sum();
        let step = all.div_ceil(limit.max(1)).max(1);
        let (mut drawn, mut states) = (0, Vec::new());
        for placed in &self.blocks {
            let chunks = placed.chunks(|part, start| is_drawn(part, start, step));
            drawn += chunks.iter().map(|&(number, start)| pairs_from(&placed.parts[number], start)).sum::<u64>();
            states.extend(placed.visit_first_met(&self.known, &chunks, threads, begin, each));
        }
        (states, real(all) / real(drawn.max(1)))
    }

    /// Returns how many pairs the parts of one block of the definition have, counting a pair in each part.
    #[must_use]
    pub fn pairs_of(&self, block: usize) -> u64 {
        self.blocks[block].parts.iter().map(pairs).sum()
    }
}

/// Visits every pair that stands together in a block once, the smaller record first, on several threads. Returns what each thread
/// gathered of each block, in no order (what is made of it must not depend on that), and what the next night needs. Of one block after
/// the other the members are in memory.
pub fn visit<S: Send>(
    (entity, records, codes): (&Entity, &Records, &Codes),
    threads: usize,
    begin: &(dyn Fn() -> S + Sync),
    each: &(dyn Fn(&mut S, u32, u32) + Sync),
) -> (Vec<S>, Remembered) {
    let keys = BlockKeys::of(entity, records, codes);
    let splitter = Splitter::new(entity, records, codes);
    let mut known = Known::new(&keys, records.len());
    let (mut states, mut remembered) = (Vec::new(), Remembered::default());
    for (block, keys) in keys.iter().enumerate() {
        let built = build(block, keys, &splitter, records.len(), threads);
        let (placed, split) = known.add(block, built, records.len());
        states.extend(placed.visit_first_met(&known, &placed.chunks(|_, _| true), threads, begin, each));
        remembered.split.extend(split);
        let orders = placed.parts.iter().filter(|part| part.is_order());
        remembered.orders.extend(orders.map(|part| placed.members[part.start..part.end].to_vec()));
    }
    (states, remembered)
}

impl Known {
    fn new(keys: &[BlockKeys<'_>], records: usize) -> Self {
        let mut slots = vec![0];
        for keys in keys {
            slots.push(slots.last().unwrap_or(&0) + keys.slots());
        }
        let width = slots.last().copied().unwrap_or(0);
        let (parts_of, places) = (vec![NONE; records * width], vec![Vec::new(); width]);
        Self { slots, parts_of, places, windows: HashMap::new(), parts: 0 }
    }

    fn width(&self) -> usize {
        self.slots.last().copied().unwrap_or(0)
    }

    /// Takes note of the parts of the next block.
    fn add(&mut self, block: usize, built: Built, records: usize) -> (Placed, Vec<SplitBlock>) {
        let (first, width) = (self.parts, self.width());
        let Built { parts, members, slots, split } = built;
        for part in &parts {
            let number = self.parts;
            for (place, record) in (0..).zip(&members[part.start..part.end]) {
                let (position, record) = (part.start + place as usize, *record as usize);
                let slot = self.slots[block] + usize::from(slots.get(position).copied().unwrap_or(0));
                self.parts_of[record * width + slot] = number;
                if part.window != ALL {
                    let places = &mut self.places[slot];
                    places.resize(records, 0);
                    places[record] = place;
                }
            }
            if part.window != ALL {
                self.windows.insert(number, part.window);
            }
            self.parts += 1;
        }
        (Placed { block, first, parts, members }, split)
    }

    /// Returns whether a pair stands together in a part before the given one, which is of the given block.
    fn meet_before(&self, (block, part): (usize, u32), left: u32, right: u32) -> bool {
        let width = self.width();
        let of = |record: u32| &self.parts_of[record as usize * width..(record as usize + 1) * width];
        let (left_parts, right_parts) = (of(left), of(right));
        for slots in self.slots.windows(2).take(block + 1) {
            for (slot, &common) in left_parts.iter().enumerate().take(slots[1]).skip(slots[0]) {
                if common >= part {
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
        let place = |(record, slot): (u32, usize)| self.places[slot][record as usize];
        self.windows.get(&part).is_none_or(|window| place(left).abs_diff(place(right)) <= *window)
    }
}

impl Placed {
    /// Cuts the parts into chunks that one thread takes at a time: a part, and the first member.
    fn chunks(&self, is_wanted: impl Fn(&Part, usize) -> bool) -> Vec<(usize, usize)> {
        let mut chunks = Vec::new();
        for (number, part) in self.parts.iter().enumerate() {
            let starts = (part.start..part.end).step_by(CHUNK);
            chunks.extend(starts.filter(|&start| is_wanted(part, start)).map(|start| (number, start)));
        }
        chunks
    }

    /// Visits pairs that stand together in no part before.
    fn visit_first_met<S: Send>(
        &self,
        known: &Known,
        chunks: &[(usize, usize)],
        threads: usize,
        begin: &(dyn Fn() -> S + Sync),
        each: &(dyn Fn(&mut S, u32, u32) + Sync),
    ) -> Vec<S> {
        self.visit(chunks, threads, begin, &|state, part, left, right| {
            if !known.meet_before((self.block, part), left, right) {
                each(state, left, right);
            }
        })
    }

    fn visit<S: Send>(
        &self,
        chunks: &[(usize, usize)],
        threads: usize,
        begin: &(dyn Fn() -> S + Sync),
        each: &(dyn Fn(&mut S, u32, u32, u32) + Sync),
    ) -> Vec<S> {
        let next = AtomicUsize::new(0);
        let work = || {
            let mut state = begin();
            while let Some(&(number, start)) = chunks.get(take(&next)) {
                let part = &self.parts[number];
                let number = self.first + u32::try_from(number).unwrap_or(NONE);
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

fn build(block: usize, keys: &BlockKeys<'_>, splitter: &Splitter<'_>, records: usize, threads: usize) -> Built {
    let count = u32::try_from(records).unwrap_or(NONE);
    if let BlockKeys::Neighbours(order, window) = keys {
        let mut members: Vec<_> =
            (0..count).filter(|&record| keys.get(record, 0) != NOTHING).map(|record| order.place(record)).collect();
        members.sort_unstable();
        let members: Vec<u32> = members.into_iter().map(|(_, _, record)| record).collect();
        let part = Part { path: ORDER, start: 0, end: members.len(), window: *window, depth: 0 };
        return Built { parts: vec![part], members, ..Built::default() };
    }
    let passes = (records >> PASS_BITS).max(threads).next_power_of_two();
    build_keyed(block, keys, splitter, (records, passes), threads)
}

/// Builds the parts of equal keys. `passes`, a power of two, is into how many shares the keys are cut, so that only the postings of one
/// for each thread are in memory; it changes nothing else.
fn build_keyed(
    block: usize,
    keys: &BlockKeys<'_>,
    splitter: &Splitter<'_>,
    (records, passes): (usize, usize),
    threads: usize,
) -> Built {
    let count = u32::try_from(records).unwrap_or(NONE);
    let pass_of = |key: u64| key.checked_shr(u64::BITS - passes.trailing_zeros()).unwrap_or(0);
    let of_pass = |pass: usize| {
        let (mut built, mut postings) = (Built::default(), Vec::new());
        for slot in 0..keys.slots() {
            let posting = |record| (keys.get(record, slot), record, u8::try_from(slot).unwrap_or(u8::MAX));
            let is_next = |(key, ..): &(u64, u32, u8)| *key != NOTHING && pass_of(*key) == pass as u64;
            postings.extend((0..count).map(posting).filter(is_next));
        }
        postings.sort_unstable();
        for group in postings.chunk_by(|left, right| left.0 == right.0).filter(|group| group.len() > 1) {
            built.add_group(block, group, splitter);
        }
        built
    };
    let built = on_each(threads, passes, &of_pass);
    let mut all = Built::default();
    all.members.reserve_exact(built.iter().map(|built| built.members.len()).sum());
    for built in built {
        all.append(built);
    }
    all
}

impl Built {
    fn append(&mut self, other: Self) {
        let offset = self.members.len();
        let behind = |part: Part| Part { start: part.start + offset, end: part.end + offset, ..part };
        self.parts.extend(other.parts.into_iter().map(behind));
        self.members.extend(other.members);
        self.slots.extend(other.slots);
        self.split.extend(other.split);
    }

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
