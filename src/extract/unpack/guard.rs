//! Guards: every unpacked byte is counted, so that a small file cannot become an endless one.
//!
//! In: any decoder. Out: the same bytes, until a limit is passed. Deliberately ignorant of formats.

use std::{
    io::{self, BufReader, Read, Seek, SeekFrom},
    sync::Arc,
};

use super::{Error, IN_MEMORY_BYTES, Limits};
use crate::{extract::counted, storage::content::Content};

/// A content as decoders read it: from front to back, with seeking.
pub(in crate::extract) struct Packed {
    content: Content,
    at: u64,
}

impl Packed {
    /// Begins at the front.
    pub(in crate::extract) fn new(content: &Content) -> BufReader<Self> {
        BufReader::with_capacity(64 << 10, Self { content: content.clone(), at: 0 })
    }
}

impl Read for Packed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.content.read_at(self.at, buffer)?;
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Packed {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::Current(offset) => self.at.checked_add_signed(offset),
            SeekFrom::End(offset) => self.content.len().checked_add_signed(offset),
        };
        self.at = target.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "it points before the file"))?;
        Ok(self.at)
    }
}

/// What may still be unpacked from one file.
#[derive(Debug)]
pub(in crate::extract) struct Budget {
    limits: Limits,
    given: u64,
}

impl Budget {
    /// Begins with nothing unpacked.
    pub(in crate::extract) const fn new(limits: &Limits) -> Self {
        Self { limits: *limits, given: 0 }
    }
}

/// One packed thing: its length, and how much came out of it.
#[derive(Debug)]
pub(in crate::extract) struct Container {
    packed: u64,
    given: u64,
}

impl Container {
    /// Begins with nothing unpacked.
    pub(in crate::extract) const fn new(packed: u64) -> Self {
        Self { packed, given: 0 }
    }
}

/// A limit that was passed.
#[derive(Debug, Clone, Copy, thiserror::Error)]
pub(in crate::extract) enum Passed {
    /// All bytes together.
    #[error("it unpacks to more than {0} bytes")]
    Bytes(u64),
    /// Bytes for each packed one.
    #[error("it unpacks to more than {0} times its size, as only a bomb does")]
    Ratio(u64),
}

/// A decoder whose bytes are counted.
pub(in crate::extract) struct Guard<'a, R> {
    inner: R,
    budget: &'a mut Budget,
    container: &'a mut Container,
    /// Bytes that came out so far.
    pub good: u64,
}

impl<'a, R> Guard<'a, R> {
    /// Counts what `inner` gives against the file's budget and its container's size.
    pub(in crate::extract) const fn new(inner: R, budget: &'a mut Budget, container: &'a mut Container) -> Self {
        Self { inner, budget, container, good: 0 }
    }

    fn passed(&self) -> Option<Passed> {
        let limits = &self.budget.limits;
        if self.budget.given > limits.most_bytes {
            return Some(Passed::Bytes(limits.most_bytes));
        }
        let most = self.container.packed.saturating_mul(limits.most_ratio).max(IN_MEMORY_BYTES as u64);
        (self.container.given > most).then_some(Passed::Ratio(limits.most_ratio))
    }
}

impl<R: Read> Read for Guard<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.good += count as u64;
        self.budget.given += count as u64;
        self.container.given += count as u64;
        self.passed().map_or(Ok(count), |passed| Err(io::Error::other(passed)))
    }
}

/// Says why a stretch could not be unpacked, and how far it was good.
pub(in crate::extract) fn unpacked(path: &Arc<str>, kind: &str, good: u64, error: &io::Error) -> Error {
    let passed = error.get_ref().and_then(|inner| inner.downcast_ref::<Passed>());
    if let Some(passed) = passed {
        let key = match passed {
            Passed::Bytes(_) => "decompressed_bytes",
            Passed::Ratio(_) => "decompressed_ratio",
        };
        let hint = format!("if you trust it, raise `limits: {{ {key}: … }}` in the source's contract");
        return Error::unreadable(path, passed.to_string(), hint);
    }
    let hint = "it was damaged or cut on its way: ask for it again";
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return Error::unreadable(
            path,
            format!("the {kind} data ends too early: its first {good} bytes are good"),
            hint,
        );
    }
    Error::unreadable(path, format!("the {kind} data is damaged after {}: {error}", counted(good, "good byte")), hint)
}
