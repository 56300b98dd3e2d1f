//! Removes old snapshots when somebody asks for it, and says beforehand what that frees.
//!
//! In: what is to be kept. Out: the snapshots that go, and the files that go with them: those that no snapshot names which
//! stays. What goes is decided by `retention`, as after every publication. Deliberately absent: files that no manifest
//! names; the next run removes what killed ones left.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{Error, Lock, Retention, Warehouse};
use crate::record::Manifest;

/// What goes, or went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Vacuum {
    /// The snapshots that go, the oldest first.
    pub snapshots: Vec<Expired>,
    /// Snapshots that stay.
    pub kept: usize,
    /// Files that no remaining snapshot has.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
}

/// A snapshot that goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Expired {
    /// Its id.
    pub snapshot: String,
    /// When it was made: RFC 3339, UTC.
    pub created_at: String,
    /// Files that it has, shared ones included.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
}

impl Warehouse {
    /// Returns what [`Self::vacuum`] would remove.
    ///
    /// # Errors
    /// When a manifest cannot be read.
    pub fn to_vacuum(&self, retention: Retention) -> Result<Vacuum, Error> {
        let expired = self.expired(retention)?;
        let manifests = self.snapshots()?;
        let (mut going, staying): (Vec<&Manifest>, Vec<&Manifest>) =
            manifests.iter().partition(|manifest| expired.contains(&manifest.snapshot));
        going.sort_by_key(|manifest| expired.iter().position(|id| *id == manifest.snapshot));
        let stays: BTreeSet<&str> = staying.iter().flat_map(|manifest| files(manifest)).map(|(hash, _)| hash).collect();
        let freed: BTreeSet<(&str, u64)> =
            going.iter().flat_map(|manifest| files(manifest)).filter(|(hash, _)| !stays.contains(hash)).collect();
        let gone = |manifest: &&Manifest| Expired {
            snapshot: manifest.snapshot.clone(),
            created_at: manifest.created_at.clone(),
            files: files(manifest).count(),
            bytes: files(manifest).map(|(_, bytes)| bytes).sum(),
        };
        Ok(Vacuum {
            snapshots: going.iter().map(gone).collect(),
            kept: staying.len(),
            files: freed.len(),
            bytes: freed.iter().map(|(_, bytes)| bytes).sum(),
        })
    }

    /// Removes the snapshots that need not stay and returns what went.
    ///
    /// # Errors
    /// When a manifest cannot be read or the disk refuses; what was removed until then is gone.
    pub fn vacuum(&self, _lock: &Lock, retention: Retention) -> Result<Vacuum, Error> {
        let vacuum = self.to_vacuum(retention)?;
        let gone: Vec<String> = vacuum.snapshots.iter().map(|expired| expired.snapshot.clone()).collect();
        self.remove_snapshots(&gone)?;
        self.forget()?;
        Ok(vacuum)
    }
}

/// Returns hash and bytes of every data file and pack of a snapshot.
fn files(manifest: &Manifest) -> impl Iterator<Item = (&str, u64)> {
    manifest.files().map(|(_, file)| (file.blake3.as_str(), file.bytes))
}
