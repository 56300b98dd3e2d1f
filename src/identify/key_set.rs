//! A few keys that are looked for among very many.
//!
//! In: hashes. Out: whether a hash is among them. Nearly all that are asked for are not: one bit says so.

use std::{collections::HashSet, hash::BuildHasherDefault};

use super::{codes::NOTHING, texts::AsIs};

/// Bits that are looked at first; 32 KiB stay in the nearest cache.
const BITS: u64 = 1 << 18;

/// Some hashes.
#[derive(Clone, Debug)]
pub struct KeySet {
    bits: Vec<u64>,
    keys: HashSet<u64, BuildHasherDefault<AsIs>>,
}

impl FromIterator<u64> for KeySet {
    fn from_iter<I: IntoIterator<Item = u64>>(keys: I) -> Self {
        let mut set = Self { bits: vec![0; place(BITS - 1).0 + 1], keys: HashSet::default() };
        for key in keys.into_iter().filter(|key| *key != NOTHING) {
            let (word, bit) = place(key);
            set.bits[word] |= bit;
            set.keys.insert(key);
        }
        set
    }
}

impl KeySet {
    /// Returns whether a hash is among them; [`NOTHING`] never is.
    #[must_use]
    pub fn contains(&self, key: u64) -> bool {
        let (word, bit) = place(key);
        self.bits[word] & bit != 0 && self.keys.contains(&key)
    }

    /// Returns for each hash of a list whether it is among them.
    #[must_use]
    pub fn marks(&self, hashes: &[u64]) -> Vec<bool> {
        hashes.iter().map(|hash| self.contains(*hash)).collect()
    }

    /// Returns whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

fn place(key: u64) -> (usize, u64) {
    let bit = key % BITS;
    (usize::try_from(bit / 64).unwrap_or(0), 1 << (bit % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_put_in_is_in() {
        let set: KeySet = [3, BITS + 3, NOTHING].into_iter().collect();
        assert!(set.contains(3) && set.contains(BITS + 3));
        assert!(!set.contains(2 * BITS + 3) && !set.contains(NOTHING) && !set.is_empty());
    }
}
