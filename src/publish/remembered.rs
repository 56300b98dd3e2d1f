//! What a run knows already when the next one begins: bytes about a table, beside all snapshots.
//!
//! ```text
//!  remembered/core.customer_xref        what production's last run found out about the table
//!             core.customer_xref~1      and its further pieces
//!             core.customer_identity    and about another one
//!             dev@core.customer_xref    the same of an environment
//! ```
//!
//! In: a table and bytes, in pieces, so that they need not all be in memory. Out: the pieces; each is whole and of the run that kept the
//! first, or it and those behind it are not there, since its seal is made with that of the one before. They save time and nothing else:
//! what is damaged, half written or gone counts as not there, and a disk that refuses is no error of the run. They belong to no
//! snapshot, so whoever keeps some must be able to tell from the bytes, or from the key, what they are true of. Deliberately knows
//! nothing of what they mean.

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

    /// Returns what was kept about a table under a key, piece by piece: a seal, and behind it the bytes.
    #[must_use]
    pub fn recall(&self, table: &TableName, key: &blake3::Hash) -> Recalled {
        Recalled { pieces: self.pieces(table, key), depot: Arc::clone(&self.depot) }
    }

    /// Begins to keep bytes about a table under a key instead of what was kept about it.
    #[must_use]
    pub fn keep(&self, table: &TableName, key: &blake3::Hash) -> Keeping {
        Keeping { pieces: self.pieces(table, key), depot: Arc::clone(&self.depot) }
    }

    fn pieces(&self, table: &TableName, key: &blake3::Hash) -> Pieces {
        Pieces { name: self.name(table), key: *key, number: 0 }
    }

    fn name(&self, table: &TableName) -> Option<String> {
        let name = table.to_string();
        layout::is_file_name(&name).then(|| format!("{REMEMBERED}/{}{name}", self.target.prefix()))
    }
}

/// The names and keys of pieces, one after the other.
#[derive(Debug)]
struct Pieces {
    /// None where the table has no name that a file can have.
    name: Option<String>,
    key: blake3::Hash,
    number: usize,
}

impl Pieces {
    fn name(&self) -> Option<String> {
        let name = self.name.as_ref()?;
        Some(if self.number == 0 { name.clone() } else { format!("{name}{PIECE}{}", self.number) })
    }

    /// Goes on to the piece behind one with a seal.
    fn advance(&mut self, sealed: &[u8]) {
        self.key = seal(&self.key, sealed);
        self.number += 1;
    }
}

/// Pieces that were kept.
#[derive(Debug)]
pub struct Recalled {
    depot: Arc<dyn Depot>,
    pieces: Pieces,
}

impl Iterator for Recalled {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Self::Item> {
        let kept = self.depot.read(&self.pieces.name()?).ok()??;
        let is_whole = is_sealed(&self.pieces.key, &kept);
        is_whole.then(|| {
            self.pieces.advance(&kept[..SEAL_BYTES]);
            kept
        })
    }
}

/// Pieces that are being kept.
#[derive(Debug)]
pub struct Keeping {
    depot: Arc<dyn Depot>,
    pieces: Pieces,
}

impl Keeping {
    /// Keeps the next piece, which begins with what [`Remembered::begin`] gave.
    pub fn piece(&mut self, mut bytes: Vec<u8>) {
        let Some(name) = self.pieces.name() else { return };
        let Some((place, behind)) = bytes.split_first_chunk_mut::<SEAL_BYTES>() else { return };
        *place = *seal(&self.pieces.key, behind).as_bytes();
        let sealed = *place;
        if let Err(error) = self.depot.keep(&name, bytes) {
            tracing::warn!("what is known is not kept as `{name}`: {error}");
            // Nobody finds pieces behind one that is not there.
            self.pieces.name = None;
        }
        self.pieces.advance(&sealed);
    }

    /// Removes further pieces of what was kept before, the last one first: so what a kill leaves of them is removed the next time.
    pub fn finish(mut self) {
        let mut further = Vec::new();
        while let Some(name) = self.pieces.name()
            && let Ok(true) = self.depot.exists(&name)
        {
            further.push(name);
            self.pieces.number += 1;
        }
        for name in further.iter().rev() {
            if let Err(error) = self.depot.remove(name) {
                tracing::warn!("`{name}` is left behind: {error}");
                return;
            }
        }
    }
}

/// What stands between the name of a table and the number of a piece.
const PIECE: char = '~';

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
        let of = |name: &String| name.split_once(PIECE).map_or(name.as_str(), |(table, _)| table).to_owned();
        let gone = kept.iter().filter(|name| !needed.contains(&of(name)));
        gone.map(|name| format!("{REMEMBERED}/{name}")).try_for_each(|name| self.depot.remove(&name))
    }
}
