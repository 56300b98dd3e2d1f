//! Makes staged files a snapshot and shows it to readers in one step.
//!
//! ```text
//!  staged ──prepare──► prepared ──commit──► flipped ─────────────► cleaned
//!                      every file linked    `current` renamed,     staging removed,
//!                      and durable,         then `current.json`    old snapshots removed
//!                      manifest written
//!                         │ abort, drop
//!                         ▼
//!                      removed
//!
//!  killed in:  staged, prepared → the old snapshot is served; the next run removes the rest
//!              flipped          → the new snapshot is served; the next run repairs `current.json` and cleans
//! ```
//!
//! Whoever stages files does not wait for the disk. `prepare` does, once and for all of them, several at once: first for the
//! bytes of every file that it moved here (linked ones are durable since they were published), then for the folders with
//! their names, last for the manifest. Nothing is flipped before all that is done.
//!
//! In: a [`Staging`] and the manifest of what belongs together. Out: a [`Prepared`] snapshot, then the manifest as
//! published. Deliberately absent: any choice of what is in the manifest.

use super::{
    Error, Retention, Staging, Warehouse,
    layout::{self, SNAPSHOTS},
};
use crate::record::Manifest;

/// A snapshot that is complete and durable, but not served yet.
#[derive(Debug)]
pub struct Prepared {
    staging: Staging,
    manifest: Manifest,
    /// Whether it was served or removed.
    settled: bool,
}

impl Staging {
    /// Puts a snapshot together: files that the parent has are linked, new ones moved here from staging; then
    /// the Delta logs, `views.sql` and, last of all, the manifest are written. Fills in the manifest's `snapshot`, `parent`
    /// and `delta`.
    ///
    /// # Errors
    /// When a file is in neither place, a schema is called `private`, or the disk refuses.
    pub fn prepare(self, manifest: Manifest) -> Result<Prepared, Error> {
        let parent = self.parent.as_ref().map(|parent| parent.snapshot.clone());
        self.prepare_over(manifest, parent)
    }

    /// The same, with files linked from another snapshot than the one that is replaced.
    pub(super) fn prepare_over(self, manifest: Manifest, parent: Option<String>) -> Result<Prepared, Error> {
        let sequence = self.warehouse.next_sequence()?;
        let snapshot = format!("{sequence:06}-{}", &contents_hash(&manifest)[..8]);
        let mut prepared =
            Prepared { manifest: Manifest { snapshot, parent, ..manifest }, staging: self, settled: false };
        prepared.check_names()?;
        // From here on dropping `prepared` removes what is half made.
        prepared.staging.warehouse.depot.put_together(&prepared.staging, &mut prepared.manifest)?;
        Ok(prepared)
    }
}

impl Prepared {
    /// Returns the manifest with its snapshot's id.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Serves the snapshot and removes old ones that need not stay.
    ///
    /// # Errors
    /// When the warehouse is held or serves something else than at the run's beginning, or the disk refuses; the old
    /// snapshot is then still served. A failure to clean up is no error: the next run does it.
    pub fn commit(self, retention: impl Into<Retention>) -> Result<Manifest, Error> {
        if let Some(hold) = self.staging.warehouse.hold()? {
            let warehouse = self.staging.warehouse.path().to_owned();
            return Err(Error::Held { warehouse, snapshot: hold.snapshot, reason: hold.reason });
        }
        self.flip(retention.into())
    }

    /// Removes the snapshot and all that was staged.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn abort(mut self) -> Result<(), Error> {
        self.settled = true;
        self.remove()
    }

    pub(super) fn flip(mut self, retention: Retention) -> Result<Manifest, Error> {
        let warehouse = self.staging.warehouse.clone();
        self.staging.lock.hold.check()?;
        let served = warehouse.depot.serve(&warehouse.target, &self.manifest.snapshot, &self.staging.base);
        self.settled = self.is_served();
        if !self.settled {
            served?;
        }
        if let Err(error) = warehouse.depot.complete(&self.staging, &self.manifest) {
            tracing::warn!("snapshot `{}` is served, but: {error}", self.manifest.snapshot);
        }
        if let Err(error) = warehouse.retain(retention) {
            tracing::warn!("snapshot `{}` is served, but: {error}", self.manifest.snapshot);
        }
        Ok(self.manifest.clone())
    }

    /// Returns whether readers see this snapshot; when that cannot be told, they might.
    fn is_served(&self) -> bool {
        self.staging.warehouse.served().map_or(true, |served| served.as_ref() == Some(&self.manifest.snapshot))
    }

    fn check_names(&self) -> Result<(), Error> {
        let warehouse = &self.staging.warehouse;
        for name in self.manifest.tables.keys() {
            for part in [&name.schema, &name.table] {
                warehouse.check_name("a table", part)?;
            }
            if layout::is_taken(&name.schema) {
                let (warehouse, name) = (warehouse.path().to_owned(), name.to_string());
                return Err(Error::Name { warehouse, what: "a schema", name });
            }
        }
        Ok(())
    }

    fn remove(&self) -> Result<(), Error> {
        let warehouse = &self.staging.warehouse;
        warehouse.depot.remove_snapshots(std::slice::from_ref(&self.manifest.snapshot), &warehouse.published()?)
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        if !self.settled
            && !self.is_served()
            && let Err(error) = self.remove()
        {
            tracing::warn!("{error}");
        }
    }
}

impl Warehouse {
    /// Returns a number larger than that of every snapshot folder.
    fn next_sequence(&self) -> Result<u64, Error> {
        let names = self.depot.names(SNAPSHOTS)?;
        let served = self.all_served()?;
        let newest = names.iter().chain(&served).filter_map(|id| layout::sequence(id)).max();
        Ok(newest.unwrap_or(0) + 1)
    }
}

/// Hashes which rows the tables hold.
fn contents_hash(manifest: &Manifest) -> String {
    let mut hasher = blake3::Hasher::new();
    for (name, table) in &manifest.tables {
        hasher.update(name.to_string().as_bytes()).update(&[0]);
        for partition in &table.partitions {
            hasher.update(partition.content.as_bytes()).update(&[0]);
        }
        hasher.update(&[1]);
    }
    hasher.finalize().to_hex().to_string()
}
