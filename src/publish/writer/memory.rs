//! The memory that the writers of several tables have together.
//!
//! In: how many bytes of rows each holds. Out: whether one has to spill. Each may hold its own share at any time, and beyond it
//! what the others leave. Where one comes to its share later, another that has more than its own spills with its next rows; until
//! then both have more than all should. Deliberately absent: what is spilled.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Bytes that a thread needs to write sorted rows: a row group, and a portion of rows as taken and as encoded.
const WRITING_BYTES: usize = 96 << 20;
/// With little memory, the share of it that is left for writing.
const WRITING_SHARE: usize = 2;

/// Memory for rows that wait to be written.
#[derive(Debug)]
pub struct WriterMemory {
    /// Bytes of rows of all writers.
    bytes: usize,
    /// Of each, at least.
    share: usize,
    held: AtomicUsize,
}

impl WriterMemory {
    /// Returns memory of so many bytes for so many writers at once, which work on so many threads together.
    #[must_use]
    pub fn new(bytes: usize, writers: usize, threads: usize) -> Self {
        let bytes = (bytes / WRITING_SHARE).max(bytes.saturating_sub(threads * WRITING_BYTES));
        Self { bytes, share: bytes / writers.max(1), held: AtomicUsize::new(0) }
    }
}

/// What one writer holds.
#[derive(Debug)]
pub(super) struct Held {
    memory: Arc<WriterMemory>,
    bytes: usize,
}

impl Held {
    pub const fn nothing(memory: Arc<WriterMemory>) -> Self {
        Self { memory, bytes: 0 }
    }

    /// Notes that the writer holds more, or less.
    pub fn change(&mut self, before: usize, after: usize) {
        self.bytes = self.bytes + after - before;
        self.memory.held.fetch_add(after, Ordering::Relaxed);
        self.memory.held.fetch_sub(before, Ordering::Relaxed);
    }

    /// Returns whether the writer has to spill.
    pub fn is_too_much(&self) -> bool {
        let all = self.memory.held.load(Ordering::Relaxed);
        self.bytes > self.memory.share && all > self.memory.bytes
    }

    /// Returns whether a writer that spills may stop.
    pub fn is_little(&self) -> bool {
        self.bytes <= self.memory.share / 2
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.memory.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_writer_has_what_the_others_leave_and_its_own_share() {
        let memory = Arc::new(WriterMemory::new(400, 2, 1));
        let [mut one, mut other] = [(); 2].map(|()| Held::nothing(Arc::clone(&memory)));
        one.change(0, 200);
        assert!(!one.is_too_much(), "alone it has all");
        one.change(200, 190);
        other.change(0, 100);
        assert_eq!((one.is_too_much(), other.is_too_much()), (true, false), "the other one has its share");
        one.change(190, 50);
        assert!(one.is_little());
        drop(one);
        other.change(100, 201);
        assert!(other.is_too_much());
    }

    #[test]
    fn writing_needs_half_of_little_memory_and_less_of_much() {
        let rows = |bytes| WriterMemory::new(bytes, 2, 2).bytes;
        assert_eq!((rows(64 << 20), rows(1 << 30)), (32 << 20, (1 << 30) - (192 << 20)));
    }
}
