//! Takes a publication back: old content becomes a new snapshot, which is held until it is released.
//!
//! In: the id of an old snapshot. Out: a manifest like the old one, under a new id. Nothing is rebuilt, only linked. The
//! hold stands in a file of its own, since manifests never change; it is written before the flip, so that no run can
//! publish over a rollback that was killed half-way.

use serde::{Deserialize, Serialize};

use super::{
    Error, Lock, Retention, Warehouse,
    warehouse::{from_json, to_json},
};
use crate::{record::Manifest, storage::local::lock::now};

/// Why and since when nothing is published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// The snapshot that is held.
    pub snapshot: String,
    /// Since when: RFC 3339, UTC.
    pub since: String,
    /// `rollback to 000041-…`.
    pub reason: String,
}

impl Warehouse {
    /// Publishes the content of an older snapshot again and holds it: runs publish nothing until [`Self::release`].
    ///
    /// # Errors
    /// When there is no such snapshot, it is the one served, or the disk refuses.
    pub fn rollback(
        &self,
        lock: &Lock,
        id: &str,
        run: &str,
        retention: impl Into<Retention>,
    ) -> Result<Manifest, Error> {
        let id = self.resolve(id)?;
        let old = self.manifest(&id)?;
        let mut staging = self.begin(lock, run)?;
        if staging.base.snapshot.as_ref() == Some(&id) {
            return Err(Error::AlreadyServed { warehouse: self.path().to_owned(), id });
        }
        let (reason, now) = (format!("rollback to {id}"), now());
        // Its files are linked from the old snapshot; the parent in the manifest is still the one that it replaces.
        let replaced = staging.parent.replace(old.clone());
        let manifest = Manifest {
            run: run.to_owned(),
            created_at: now.clone(),
            reason: Some(reason.clone()),
            held: true,
            // Readers of a format that was added since find it also in the old content.
            formats: replaced.as_ref().map_or_else(|| old.formats.clone(), |parent| parent.formats.clone()),
            ..old
        };
        let prepared = staging.prepare_over(manifest, replaced.map(|parent| parent.snapshot))?;
        let hold = Hold { snapshot: prepared.manifest().snapshot.clone(), since: now, reason };
        let name = &self.target.hold;
        self.depot.write(name, to_json(&self.path().join(name), &hold)?)?;
        let flipped = prepared.flip(retention.into());
        if flipped.is_err() {
            // Nothing was rolled back, so nothing is held.
            let _ = self.depot.remove(name);
        }
        flipped
    }

    /// Returns the hold after a rollback, if there is one.
    ///
    /// # Errors
    /// When its file cannot be read.
    pub fn hold(&self) -> Result<Option<Hold>, Error> {
        let name = &self.target.hold;
        self.depot.read(name)?.map(|bytes| from_json(&self.path().join(name), &bytes)).transpose()
    }

    /// Returns whether runs may not publish.
    ///
    /// # Errors
    /// When the hold's file cannot be read.
    pub fn is_held(&self) -> Result<bool, Error> {
        Ok(self.hold()?.is_some())
    }

    /// Ends a hold and returns it; None when there was none.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn release(&self, _lock: &Lock) -> Result<Option<Hold>, Error> {
        let hold = self.hold()?;
        self.depot.remove(&self.target.hold)?;
        Ok(hold)
    }
}
