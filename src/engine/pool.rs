//! The memory of all queries together: half of it for the operator that needs it, and a little for everybody.
//!
//! DataFusion's fair pool gives each operator that may spill the same part of the memory, whether the others need theirs or not: where
//! thirty may spill, one that groups ten million rows writes them to disk beside gigabytes that nobody uses. Here one operator may
//! have half of the memory with its threads, since the one that it feeds needs as much, as long as a little is left for each of the others
//! and for those that cannot spill. These leave as much as one needs to begin, so that whoever comes late finds his part. In: what
//! operators ask for. Out: leave, or an error at which they spill. Deliberately does not know who they are.

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use datafusion::{
    common::resources_datafusion_err,
    error::Result,
    execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation, human_readable_size},
};

/// Of the memory for operators that may spill all of them together are sure of one part in so many.
const SURE_PART: usize = 4;
/// And each of so many bytes, with which a sort begins and a merge ends, where an even share is that much.
const SURE_BYTES: usize = 16 << 20;
/// So many bytes of it are not taken by those who cannot spill either, such as the merges of sorts that began before: the first rows of a
/// sort must find room, or it has nothing to spill.
const FIRST_BYTES: usize = 4 << 20;
/// Of all memory one part in so many is left by those who may spill to those who cannot, such as the merge of a sort.
const FREE_PART: usize = 8;

/// A pool of so many bytes.
#[derive(Debug)]
pub(super) struct SharedPool {
    bytes: usize,
    threads: usize,
    held: Mutex<Held>,
}

/// What is held, in bytes.
#[derive(Debug, Default)]
struct Held {
    /// By each operator that may spill, under the number of its registration.
    spillers: HashMap<usize, usize>,
    /// By all others.
    unspillable: usize,
}

impl SharedPool {
    /// Begins with all memory free, for queries whose operators work on so many threads.
    pub fn new(bytes: usize, threads: usize) -> Self {
        // Of more threads some wait, and a query that is run again has two.
        Self { bytes, threads: threads.clamp(1, 2), held: Mutex::default() }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns how many more bytes a reservation may have.
    fn room(&self, held: &Held, reservation: &MemoryReservation) -> usize {
        let for_spillers = self.bytes.saturating_sub(held.unspillable);
        let Some(holds) = held.spillers.get(&reservation.consumer().id()) else {
            let first = (self.bytes / held.spillers.len().max(1) / SURE_PART).min(FIRST_BYTES);
            return for_spillers.saturating_sub(held.spillers.values().map(|bytes| first.max(*bytes)).sum());
        };
        let even = for_spillers / held.spillers.len();
        let sure = (even / SURE_PART).max(even.min(SURE_BYTES));
        let kept: usize = held.spillers.values().map(|bytes| sure.max(*bytes)).sum();
        let free = (self.bytes / FREE_PART).saturating_sub(held.unspillable);
        // What is kept for itself is its own.
        let left = (for_spillers.saturating_sub(kept + free) + sure.max(*holds)).min(for_spillers / (2 * self.threads));
        // An aggregate merges what it spilled in one reservation and groups it in another, which both must begin.
        left.saturating_sub(*holds).max(sure.saturating_sub(reservation.size()))
    }
}

impl Held {
    fn of(&mut self, consumer: &MemoryConsumer) -> &mut usize {
        self.spillers.get_mut(&consumer.id()).unwrap_or(&mut self.unspillable)
    }
}

impl fmt::Display for SharedPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.name(), human_readable_size(self.bytes))
    }
}

impl MemoryPool for SharedPool {
    fn name(&self) -> &'static str {
        "shared"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        if consumer.can_spill() {
            self.held().spillers.insert(consumer.id(), 0);
        }
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.held().spillers.remove(&consumer.id());
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        *self.held().of(reservation.consumer()) += additional;
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        let mut held = self.held();
        let bytes = held.of(reservation.consumer());
        *bytes = bytes.saturating_sub(shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let consumer = reservation.consumer();
        let mut held = self.held();
        let room = self.room(&held, reservation);
        if additional > room {
            return Err(resources_datafusion_err!(
                "{} more for `{}`, which holds {}, but there is room for {}",
                human_readable_size(additional),
                consumer.name(),
                human_readable_size(reservation.size()),
                human_readable_size(room)
            ));
        }
        *held.of(consumer) += additional;
        Ok(())
    }

    fn reserved(&self) -> usize {
        let held = self.held();
        held.spillers.values().sum::<usize>() + held.unspillable
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.bytes)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::sync::Arc;

    use super::*;

    const MIB: usize = 1 << 20;

    fn pool(bytes: usize, threads: usize) -> Arc<dyn MemoryPool> {
        Arc::new(SharedPool::new(bytes, threads))
    }

    fn of(pool: &Arc<dyn MemoryPool>, name: &str, can_spill: bool) -> MemoryReservation {
        MemoryConsumer::new(name).with_can_spill(can_spill).register(pool)
    }

    /// Takes one MiB after the other, and returns how many it has.
    fn all(reservation: &MemoryReservation) -> usize {
        while reservation.try_grow(MIB).is_ok() {}
        reservation.size() / MIB
    }

    #[test]
    fn an_operator_may_have_half_with_its_threads_and_whoever_comes_late_finds_his_part() {
        let pool = pool(1_600 * MIB, 2);
        let groups = ["group 1", "group 2"].map(|name| of(&pool, name, true));
        let sorts = ["sort 1", "sort 2"].map(|name| of(&pool, name, true));
        let idle: Vec<_> = (0..6).map(|_| of(&pool, "exchange", true)).collect();
        assert_eq!(groups.each_ref().map(all), [400, 400]);
        // The ten are sure of a quarter, 40 each: 240 are kept for the idle ones, 40 for the other sort, 200 for who cannot spill.
        assert_eq!(sorts.each_ref().map(all), [320, 40]);
        assert_eq!(idle.iter().map(all).collect::<Vec<_>>(), [40; 6]);
        let merge = of(&pool, "merge", false);
        assert_eq!(all(&merge), 200);
        // What is given back is there for the next one.
        groups[0].shrink(300 * MIB);
        merge.free();
        assert_eq!(all(&sorts[1]), 340);
        drop((groups, sorts, idle, merge));
        assert_eq!(pool.reserved(), 0);
    }

    #[test]
    fn each_of_few_bytes_and_each_reservation_of_one_operator_is_sure_of_its_part() {
        let pool = pool(100 * MIB, 2);
        let operators: Vec<_> = (0..5).map(|_| of(&pool, "group", true)).collect();
        // A fifth would be 20, and 16 are sure.
        assert_eq!(operators.iter().map(all).collect::<Vec<_>>(), [23, 16, 16, 16, 16]);
        let replay = operators[0].new_empty();
        assert_eq!(all(&replay), 16);
        drop((replay, operators));
        assert_eq!(pool.reserved(), 0);
    }

    #[test]
    fn who_cannot_spill_leaves_room_for_the_first_rows_of_a_sort() {
        for (bytes, sorts, expected) in [(800, 1, 796), (40, 5, 30)] {
            let pool = pool(bytes * MIB, 2);
            let late: Vec<_> = (0..sorts).map(|_| of(&pool, "sort", true)).collect();
            let merge = of(&pool, "merge", false);
            assert_eq!(all(&merge), expected);
            let first = (bytes - expected) / sorts;
            assert_eq!(late.iter().map(all).collect::<Vec<_>>(), vec![first; sorts]);
        }
    }

    #[test]
    fn who_cannot_spill_may_have_all_that_is_free_and_leaves_the_rest_to_be_shared() {
        let pool = pool(800 * MIB, 1);
        let (sort, join) = (of(&pool, "sort", true), of(&pool, "join", false));
        sort.try_grow(200 * MIB).unwrap();
        join.try_grow(600 * MIB).unwrap();
        let refused = join.try_grow(1).unwrap_err().to_string();
        assert!(refused.contains("`join`, which holds 600.0 MB, but there is room for 0.0 B"), "{refused}");
        join.shrink(200 * MIB);
        // It is alone, and sure of a quarter of the 400 that are not the join's; half of them it has.
        sort.try_grow(1).unwrap_err();
        join.free();
        assert_eq!(all(&sort), 400);
        // What must be had is had, and counts.
        sort.grow(500 * MIB);
        assert_eq!(pool.reserved(), 900 * MIB);
        join.try_grow(1).unwrap_err();
        drop((sort, join));
        assert_eq!(pool.reserved(), 0);
    }
}
