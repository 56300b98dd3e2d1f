//! How much of the shared memory one session holds at most.
//!
//! In: the pool that all sessions share. Out: the same pool, which besides counts what passes through it. Deliberately refuses
//! nothing itself.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use datafusion::{
    error::Result,
    execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation},
};

/// What the operators of one session hold, and held at most. The counts may lag behind each other between threads: they are shown
/// to people, and decide nothing.
#[derive(Debug, Default)]
pub struct Meter {
    held: AtomicUsize,
    most: AtomicUsize,
}

impl Meter {
    /// Forgets what was held before.
    pub fn restart(&self) {
        self.most.store(self.held.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// Returns the most bytes that were held at one time.
    #[must_use]
    pub fn peak_bytes(&self) -> usize {
        self.most.load(Ordering::Relaxed)
    }

    fn grow(&self, bytes: usize) {
        let held = self.held.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.most.fetch_max(held, Ordering::Relaxed);
    }

    fn shrink(&self, bytes: usize) {
        self.held.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// A pool with a meter.
#[derive(Debug)]
pub(super) struct MeteredPool {
    pool: Arc<dyn MemoryPool>,
    meter: Arc<Meter>,
}

impl MeteredPool {
    /// Puts a meter before a pool.
    pub fn new(pool: Arc<dyn MemoryPool>, meter: Arc<Meter>) -> Self {
        Self { pool, meter }
    }
}

impl fmt::Display for MeteredPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pool.fmt(f)
    }
}

impl MemoryPool for MeteredPool {
    fn name(&self) -> &str {
        self.pool.name()
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.pool.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.pool.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.pool.grow(reservation, additional);
        self.meter.grow(additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.pool.shrink(reservation, shrink);
        self.meter.shrink(shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        self.pool.try_grow(reservation, additional)?;
        self.meter.grow(additional);
        Ok(())
    }

    fn reserved(&self) -> usize {
        self.pool.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        self.pool.memory_limit()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use datafusion::execution::memory_pool::GreedyMemoryPool;

    use super::*;

    #[test]
    fn a_meter_remembers_the_most_that_was_held_since_it_was_restarted() {
        let meter = Arc::new(Meter::default());
        let inner: Arc<dyn MemoryPool> = Arc::new(GreedyMemoryPool::new(100));
        let pool: Arc<dyn MemoryPool> = Arc::new(MeteredPool::new(Arc::clone(&inner), Arc::clone(&meter)));
        let one = MemoryConsumer::new("one").register(&pool);
        let other = MemoryConsumer::new("other").register(&pool);
        one.try_grow(40).unwrap();
        other.try_grow(50).unwrap();
        other.try_grow(20).unwrap_err();
        assert_eq!((meter.peak_bytes(), inner.reserved()), (90, 90));
        one.free();
        meter.restart();
        assert_eq!(meter.peak_bytes(), 50);
        drop(other);
        one.try_grow(60).unwrap();
        assert_eq!((meter.peak_bytes(), inner.reserved()), (60, 60));
    }
}
