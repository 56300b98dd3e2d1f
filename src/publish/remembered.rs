//! What a run knows already when the next one begins: bytes about a table, beside all snapshots.
//!
//! ```text
//!  remembered/core.customer_xref        what production's last run found out about the table
//!             core.customer_identity    and about another one
//!             dev@core.customer_xref    the same of an environment
//! ```
//!
//! In: a table and bytes. Out: the bytes, whole, or nothing. They save time and nothing else: what is damaged, half written or
//! gone counts as not there, and a disk that refuses is no error of the run. They belong to no snapshot, so whoever
//! keeps some must be able to tell from the bytes, or from the key, what they are true of. Deliberately knows nothing of what they
//! mean.

use std::sync::Arc;

use super::{
    Error, Finder, Warehouse,
    depot::Depot,
    layout::{self, REMEMBERED, Target},
};
use crate::{
    record::TableName,
    storage::seal::{SEAL_BYTES, is_sealed, seal},
};

/// What runs into one link of a warehouse remember.
#[derive(Debug, Clone)]
pub struct Remembered {
    depot: Arc<dyn Depot>,
    target: Target,
}

impl Finder {
    /// Returns what runs into the same link remember.
    #[must_use]
    pub fn remembered(&self) -> Remembered {
        let warehouse = self.warehouse();
        Remembered { depot: Arc::clone(&warehouse.depot), target: warehouse.target.clone() }
    }
}

impl Remembered {
    /// Returns the place of a seal, behind which bytes that are to be kept begin.
    #[must_use]
    pub fn begin() -> Vec<u8> {
        vec![0; SEAL_BYTES]
    }

    /// Returns what was kept about a table under a key: a seal, and behind it the bytes.
    #[must_use]
    pub fn recall(&self, table: &TableName, key: &blake3::Hash) -> Option<Vec<u8>> {
        let kept = self.depot.read(&self.name(table)?).ok()??;
        is_sealed(key, &kept).then_some(kept)
    }

    /// Keeps bytes about a table under a key instead of what was kept about it; they begin with what [`Self::begin`] gave.
    pub fn keep(&self, table: &TableName, key: &blake3::Hash, mut bytes: Vec<u8>) {
        let Some(name) = self.name(table) else { return };
        let Some((place, behind)) = bytes.split_first_chunk_mut::<SEAL_BYTES>() else { return };
        *place = *seal(key, behind).as_bytes();
        if let Err(error) = self.depot.keep(&name, bytes) {
            tracing::warn!("what is known of `{table}` is not kept: {error}");
        }
    }

    fn name(&self, table: &TableName) -> Option<String> {
        let name = table.to_string();
        layout::is_file_name(&name).then(|| format!("{REMEMBERED}/{}{name}", self.target.prefix()))
    }
}

impl Warehouse {
    /// Removes what is remembered about tables that the link does not serve any more.
    pub(super) fn forget(&self) -> Result<(), Error> {
        let kept = self.depot.names(REMEMBERED)?;
        if kept.is_empty() {
            return Ok(());
        }
        let mut needed = Vec::new();
        for target in self.targets()? {
            let Some(served) = self.depot.served(&target)?.snapshot else { continue };
            let tables = self.outline(&served)?.tables;
            needed.extend(tables.keys().map(|table| format!("{}{table}", target.prefix())));
        }
        let gone = kept.iter().filter(|name| !needed.contains(name));
        gone.map(|name| format!("{REMEMBERED}/{name}")).try_for_each(|name| self.depot.remove(&name))
    }
}
