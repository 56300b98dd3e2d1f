//! What a warehouse stands on: a folder of the local disk, or a prefix of an object store.
//!
//! ```text
//!  Warehouse, Staging, Prepared        what a snapshot is, which one is served, what comes after what
//!        │
//!      Depot ──► Tree   a folder: snapshots are trees of hard links, `current` is a symbolic link
//!           └──► Pool   an object store: snapshots share one pool of files, `current.json` is replaced conditionally
//! ```
//!
//! In: names below the warehouse. Out: documents, files, a lock. One conformance suite holds for both. Deliberately
//! absent: any decision about snapshots.

use std::{
    fmt::Debug,
    path::{Path, PathBuf},
};

use super::{Error, Staging, layout::Target};
use crate::{
    record::{Manifest, StoredAt, TableName, manifest::DataFile},
    storage::{local::lock::Holder, vault::Mark},
};

mod lease;
mod pool;
mod tree;

pub(super) use lease::Timing;
pub(super) use pool::Pool;
pub(super) use tree::Tree;

/// What a link serves, as it was seen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Served {
    /// The snapshot; None before the first publication.
    pub snapshot: Option<String>,
    /// Which state of the pointer was seen, where pointers are objects.
    pub mark: Option<Mark>,
    /// How often runs that had stopped answering lost the warehouse to another one.
    pub epoch: u64,
}

/// The lock of a warehouse; dropping it releases it.
pub(super) trait Hold: Debug + Send + Sync {
    /// Returns whether it was taken from a run that had stopped answering, whose objects may lie about.
    fn is_inherited(&self) -> bool {
        false
    }

    /// Lets the next run clean up as after a kill, since this one cannot finish what it began.
    fn abandon(&self) {}

    /// # Errors
    /// When another run has taken the warehouse over meanwhile.
    fn check(&self) -> Result<(), Error> {
        Ok(())
    }
}

/// What became of an attempt to lock.
#[derive(Debug)]
pub(super) enum Attempt {
    Locked(Box<dyn Hold>),
    /// Another run has it; None when it has not written its name yet.
    Busy(Option<Holder>),
}

/// The ground of a warehouse.
pub(super) trait Depot: Debug + Send + Sync {
    /// Returns its address, as people write it.
    fn root(&self) -> &Path;

    /// Reads a document; None when there is none.
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Error>;

    /// Returns whether a document is there.
    fn exists(&self, name: &str) -> Result<bool, Error>;

    /// Returns the names in a folder, sorted; a folder that is not there has none.
    fn names(&self, folder: &str) -> Result<Vec<String>, Error>;

    /// Writes a document, whatever was there; readers see the old or the new one, whole.
    fn write(&self, name: &str, bytes: Vec<u8>) -> Result<(), Error>;

    /// Writes a document as [`Self::write`] does, for its owner alone and without waiting for the disk: after a power cut it may
    /// be damaged.
    fn keep(&self, name: &str, bytes: Vec<u8>) -> Result<(), Error>;

    /// Removes a document; one that is gone is fine.
    fn remove(&self, name: &str) -> Result<(), Error>;

    /// Tries to take the warehouse for a run, without waiting.
    fn lock(&self, holder: &Holder) -> Result<Attempt, Error>;

    /// Returns what a target serves.
    fn served(&self, target: &Target) -> Result<Served, Error>;

    /// Lets a target serve a snapshot instead of what it was seen to serve.
    fn serve(&self, target: &Target, snapshot: &str, instead_of: &Served) -> Result<(), Error>;

    /// Mends what a run that was killed in the middle of [`Self::serve`] left.
    fn repair(&self, target: &Target) -> Result<(), Error>;

    /// Returns the local folder in which runs collect their files, each in a folder of its own. Whoever holds the lock is
    /// alone.
    fn staging(&self) -> PathBuf;

    /// Removes what earlier runs left half made, but for snapshots.
    fn clear(&self, published: &dyn Fn() -> Result<Vec<Manifest>, Error>, hold: &dyn Hold) -> Result<(), Error>;

    /// Puts the files and documents of a snapshot where they belong, the manifest last of all; fills in the manifest's
    /// Delta logs.
    fn put_together(&self, staging: &Staging, manifest: &mut Manifest) -> Result<(), Error>;

    /// Does what can only be done once a snapshot is served.
    fn complete(&self, _: &Staging, _: &Manifest) -> Result<(), Error> {
        Ok(())
    }

    /// Returns where a snapshot's file lies.
    fn stored_at(&self, snapshot: &str, table: &TableName, file: &DataFile) -> StoredAt;

    /// Returns the folder that has all of a snapshot and nothing else, where there is one.
    fn folder(&self, _snapshot: &str) -> Option<PathBuf> {
        None
    }

    /// Returns the names of files that none of all published snapshots has, where they share one place.
    fn unnamed(&self, _published: &[Manifest]) -> Result<Vec<String>, Error> {
        Ok(Vec::new())
    }

    /// Copies a file of the store into a file of the disk, which is not there yet.
    fn fetch(&self, key: &str, to: &Path) -> Result<(), Error>;

    /// Removes snapshots and every file that none of the `others` has.
    fn remove_snapshots(&self, gone: &[String], others: &[String]) -> Result<(), Error>;
}
