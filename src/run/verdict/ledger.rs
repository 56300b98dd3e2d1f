//! The ledger: what was found out of each model, in one file that is read and replaced as a whole.
//!
//! ```text
//!  file = entry, entry, …      entry = key (32 bytes), idle (1 byte), length (4 bytes), bytes
//! ```
//!
//! In: a folder, and whose ledger it is. Out: bytes under a key that hashes all that decides them. Whoever writes last wins: what
//! another process has found out meanwhile is found out again. An entry that several checks have not asked for goes. Deliberately
//! knows nothing of what the bytes mean.

use std::{
    collections::HashMap,
    ops::Range,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use crate::storage::memo::Memo;

/// Checks that found out something new and did not ask for an entry, after which it goes.
const MOST_IDLE: u8 = 20;
/// Bytes of entries that nobody asked for, at most.
const MOST_IDLE_BYTES: usize = 64 << 20;
/// Bytes of a key.
const KEY: usize = blake3::OUT_LEN;
/// Bytes in front of those of an entry.
const HEAD: usize = KEY + 1 + 4;

/// What is known of models.
pub(super) struct Ledger {
    /// Where it is kept; None where it is not.
    place: Option<(Memo, blake3::Hash)>,
    read: Vec<u8>,
    known: HashMap<blake3::Hash, Known>,
    learnt: HashMap<blake3::Hash, Vec<u8>>,
}

/// An entry that was read.
struct Known {
    range: Range<usize>,
    idle: u8,
    is_asked: AtomicBool,
}

impl Ledger {
    /// Opens the ledger of a program for a pipeline, which is empty where none can be read. Without a folder nothing is kept.
    pub fn open(folder: Option<&Path>, whose: &blake3::Hash) -> Self {
        let place = folder.map(|folder| (Memo::new(&folder.join("models")), *whose));
        let read = place.as_ref().and_then(|(memo, key)| memo.recall(key)).unwrap_or_default();
        let known = entries(&read).unwrap_or_default();
        Self { place, read, known, learnt: HashMap::new() }
    }

    /// Returns what is known under a key.
    pub fn recall(&self, key: &blake3::Hash) -> Option<&[u8]> {
        if let Some(learnt) = self.learnt.get(key) {
            return Some(learnt);
        }
        let known = self.known.get(key)?;
        known.is_asked.store(true, Ordering::Relaxed);
        self.read.get(known.range.clone())
    }

    /// Learns what is to be known under a key from now on.
    pub fn learn(&mut self, key: blake3::Hash, bytes: Vec<u8>) {
        if self.place.is_some() && self.recall(&key) != Some(&bytes) {
            self.learnt.insert(key, bytes);
        }
    }

    /// Returns how much was learnt.
    #[cfg(test)]
    pub fn news(&self) -> usize {
        self.learnt.len()
    }

    /// Keeps what is known, if any of it is new.
    pub fn keep(&self) {
        let Some((memo, key)) = self.place.as_ref().filter(|_| !self.learnt.is_empty()) else { return };
        let mut bytes =
            Vec::with_capacity(self.read.len() + self.learnt.values().map(|new| new.len() + HEAD).sum::<usize>());
        let mut learnt: Vec<_> = self.learnt.iter().collect();
        // The same entries make the same file.
        learnt.sort_unstable_by(|(one, _), (other, _)| one.as_bytes().cmp(other.as_bytes()));
        for (key, entry) in learnt {
            push(&mut bytes, key, 0, entry);
        }
        for (key, (idle, range)) in self.staying() {
            push(&mut bytes, key, idle, self.read.get(range).unwrap_or_default());
        }
        memo.keep(key, &bytes);
    }

    /// Returns the entries that were read and stay, with the number of checks that did not ask for them.
    fn staying(&self) -> Vec<(&blake3::Hash, (u8, Range<usize>))> {
        let idle =
            |known: &Known| if known.is_asked.load(Ordering::Relaxed) { 0 } else { known.idle.saturating_add(1) };
        let mut staying: Vec<_> = self
            .known
            .iter()
            .filter(|(key, _)| !self.learnt.contains_key(key))
            .map(|(key, known)| (key, (idle(known), known.range.clone())))
            .filter(|(_, (idle, _))| *idle <= MOST_IDLE)
            .collect();
        staying.sort_unstable_by_key(|(_, (idle, range))| (*idle, range.start));
        let mut idle_bytes = 0;
        staying.retain(|(_, (idle, range))| {
            idle_bytes += if *idle > 0 { range.len() + HEAD } else { 0 };
            idle_bytes <= MOST_IDLE_BYTES
        });
        staying
    }
}

fn push(bytes: &mut Vec<u8>, key: &blake3::Hash, idle: u8, entry: &[u8]) {
    // What is longer than four bytes can say is not kept.
    let Ok(length) = u32::try_from(entry.len()) else { return };
    bytes.extend_from_slice(key.as_bytes());
    bytes.push(idle);
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(entry);
}

/// Finds the entries of a file; None where it is none.
fn entries(bytes: &[u8]) -> Option<HashMap<blake3::Hash, Known>> {
    let mut found = HashMap::new();
    let mut at = 0;
    while at < bytes.len() {
        let (key, rest) = bytes.get(at..)?.split_first_chunk::<KEY>()?;
        let (&[idle], rest) = rest.split_first_chunk::<1>()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        rest.get(..length)?;
        let range = at + HEAD..at + HEAD + length;
        at = range.end;
        found.insert(blake3::Hash::from_bytes(*key), Known { range, idle, is_asked: AtomicBool::new(false) });
    }
    Some(found)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn key(text: &str) -> blake3::Hash {
        blake3::hash(text.as_bytes())
    }

    fn open(folder: &Path) -> Ledger {
        Ledger::open(Some(folder), &key("a pipeline"))
    }

    #[test]
    fn what_was_learnt_is_known_the_next_time_and_to_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = open(folder.path());
        assert_eq!(ledger.recall(&key("a")), None);
        ledger.learn(key("a"), b"one".to_vec());
        ledger.learn(key("b"), Vec::new());
        assert_eq!(ledger.recall(&key("a")), Some(&b"one"[..]));
        ledger.keep();
        let mut again = open(folder.path());
        assert_eq!(again.recall(&key("a")), Some(&b"one"[..]));
        assert_eq!(again.recall(&key("b")), Some(&b""[..]));
        again.learn(key("c"), b"three".to_vec());
        again.keep();
        let last = open(folder.path());
        assert_eq!((last.known.len(), last.recall(&key("c"))), (3, Some(&b"three"[..])));
        assert_eq!(Ledger::open(Some(folder.path()), &key("another")).recall(&key("a")), None);
    }

    #[test]
    fn without_a_folder_nothing_is_learnt() {
        let mut ledger = Ledger::open(None, &key("a pipeline"));
        ledger.learn(key("a"), b"one".to_vec());
        ledger.keep();
        assert_eq!(ledger.recall(&key("a")), None);
    }

    #[test]
    fn an_entry_that_nobody_asks_for_goes_after_some_checks() {
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = open(folder.path());
        ledger.learn(key("asked"), b"one".to_vec());
        ledger.learn(key("idle"), b"two".to_vec());
        ledger.keep();
        for round in 0..=MOST_IDLE {
            let mut ledger = open(folder.path());
            assert!(ledger.known.contains_key(&key("idle")), "round {round}");
            assert!(ledger.recall(&key("asked")).is_some());
            ledger.learn(key(&format!("new {round}")), Vec::new());
            ledger.keep();
        }
        let last = open(folder.path());
        assert!(last.recall(&key("asked")).is_some() && last.recall(&key("idle")).is_none());
    }

    #[test]
    fn bytes_that_are_no_ledger_are_an_empty_one() {
        let mut whole = Vec::new();
        push(&mut whole, &key("a"), 0, b"one");
        assert_eq!(entries(&whole).unwrap().len(), 1);
        for end in 1..whole.len() {
            assert!(entries(&whole[..end]).is_none(), "{end} bytes");
        }
    }
}
