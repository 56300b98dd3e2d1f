//! The memory of all queries together: half of it for the operator that needs it, and a little for everybody.
//!
//! DataFusion's fair pool gives each operator that may spill the same part of the memory, whether the others need theirs or not: where
//! thirty may spill, one that groups ten million rows writes them to disk beside gigabytes that nobody uses. Here one operator may
//! have half of the memory with all its threads, since the one that it feeds needs as much, as long as a little is left for each of
//! the others, so that whoever comes late never finds nothing. In: what operators ask for. Out: leave, or an error at which
//! they spill. Deliberately does not know who they are.

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
        Self { bytes, threads: threads.max(1), held: Mutex::default() }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns how many more bytes one may have.
    fn room(&self, held: &Held, consumer: &MemoryConsumer) -> usize {
        let for_spillers = self.bytes.saturating_sub(held.unspillable);
        let Some(holds) = held.spillers.get(&consumer.id()) else {
            return for_spillers.saturating_sub(held.spillers.values().sum());
        };
        let sure = for_spillers / SURE_PART / held.spillers.len();
        let kept: usize = held.spillers.values().map(|bytes| sure.max(*bytes)).sum();
        // What is kept for itself is its own.
        let left = (for_spillers.saturating_sub(kept) + sure.max(*holds)).min(for_spillers / (2 * self.threads));
        left.max(sure).saturating_sub(*holds)
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
        let room = self.room(&held, consumer);
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

    fn pool(bytes: usize, threads: usize) -> Arc<dyn MemoryPool> {
        Arc::new(SharedPool::new(bytes, threads))
    }

    fn of(pool: &Arc<dyn MemoryPool>, name: &str, can_spill: bool) -> MemoryReservation {
        MemoryConsumer::new(name).with_can_spill(can_spill).register(pool)
    }

    /// Takes ten bytes after ten bytes, and returns how many there were.
    fn all(reservation: &MemoryReservation) -> usize {
        while reservation.try_grow(10).is_ok() {}
        reservation.size()
    }

    #[test]
    fn an_operator_may_have_half_with_all_its_threads_and_nobody_finds_nothing() {
        let pool = pool(1_600, 2);
        let groups = ["group 1", "group 2"].map(|name| of(&pool, name, true));
        let sorts = ["sort 1", "sort 2"].map(|name| of(&pool, name, true));
        let idle: Vec<_> = (0..6).map(|_| of(&pool, "exchange", true)).collect();
        assert_eq!(groups.each_ref().map(all), [400, 400]);
        // The ten are sure of a quarter, 40 bytes each: 240 are kept for the idle ones, and 40 for the other sort.
        assert_eq!(sorts.each_ref().map(all), [400, 160]);
        assert_eq!(idle.iter().map(all).collect::<Vec<_>>(), [40; 6]);
        assert_eq!(pool.reserved(), 1_600);
        // What is given back is there for the next one.
        groups[0].shrink(300);
        assert_eq!(all(&sorts[1]), 400);
        drop((groups, sorts, idle));
        assert_eq!(pool.reserved(), 0);
    }

    #[test]
    fn who_cannot_spill_may_have_all_that_is_free_and_leaves_the_rest_to_be_shared() {
        let pool = pool(800, 1);
        let (sort, join) = (of(&pool, "sort", true), of(&pool, "join", false));
        sort.try_grow(200).unwrap();
        join.try_grow(600).unwrap();
        let refused = join.try_grow(1).unwrap_err().to_string();
        assert!(refused.contains("`join`, which holds 600.0 B, but there is room for 0.0 B"), "{refused}");
        join.shrink(200);
        // Half of the 400 that are not the join's.
        sort.try_grow(1).unwrap_err();
        join.free();
        assert_eq!(all(&sort), 400);
        // What must be had is had, and counts.
        sort.grow(500);
        assert_eq!(pool.reserved(), 900);
        join.try_grow(1).unwrap_err();
        drop((sort, join));
        assert_eq!(pool.reserved(), 0);
    }
}
