//! What runs of one program remember about a table of an entity, under a hash of all that it is true of.
//!
//! In: an entity and what the bytes are true of. Out: the pieces that an earlier run kept, or none. Deliberately knows nothing of what
//! they mean.

use super::{Around, IDENTIFY_VERSION, hash_text};
use crate::{
    define::entity::Entity,
    publish::{Keeping, Recalled, Remembered},
    record::TableName,
    storage::memo,
};

/// A place for bytes about a table.
pub(super) struct Memory {
    kept: Remembered,
    table: TableName,
    key: blake3::Hash,
}

impl Memory {
    /// Looks for it; `true_of` is all that decides the bytes besides the program and the definition. None where nobody can tell which
    /// program this is.
    pub fn new<T: AsRef<str>>(
        table: TableName,
        entity: &Entity,
        true_of: impl IntoIterator<Item = T>,
        around: Around<'_>,
    ) -> Option<Self> {
        let mut hasher = blake3::Hasher::new();
        hasher.update(memo::program()?.as_bytes());
        for text in [IDENTIFY_VERSION, &entity.fingerprint()] {
            hash_text(&mut hasher, text);
        }
        for text in true_of {
            hash_text(&mut hasher, text.as_ref());
        }
        Some(Self { kept: around.stage.place.files.remembered(), table, key: hasher.finalize() })
    }

    /// Returns what was kept, piece by piece, each behind [`Remembered::begin`].
    pub fn recall(&self) -> Recalled {
        self.kept.recall(&self.table, &self.key)
    }

    /// Begins to keep pieces that stand behind [`Remembered::begin`].
    pub fn keep(&self) -> Keeping {
        self.kept.keep(&self.table, &self.key)
    }
}
