//! Where a run collects files before they are part of a snapshot.
//!
//! In: a locked warehouse. Out: a folder that nobody reads but the run itself, removed when the run ends; what a killed run
//! left behind is removed by the next one here.

use std::path::{Path, PathBuf};

use super::{
    Error, Lock, Warehouse,
    commit::write_pointer,
    layout::{self, MANIFEST, SNAPSHOTS},
    warehouse::{Pointer, served_by},
};
use crate::{
    record::{Manifest, TableName, manifest::DataFile},
    storage::local::{self, PRIVATE_MODE},
};

/// The folder of one run's new files, and the snapshot on which the run is based.
#[derive(Debug)]
pub struct Staging {
    pub(super) warehouse: Warehouse,
    /// Held as long as something may still be published.
    _lock: Lock,
    path: PathBuf,
    /// The snapshot that the link served at the beginning.
    pub(super) base: Option<String>,
    /// The manifest from which unchanged files are linked.
    pub(super) parent: Option<Manifest>,
}

impl Warehouse {
    /// Begins a run: removes what killed runs left behind and creates an empty staging folder.
    ///
    /// # Errors
    /// When the disk refuses, or the run's id cannot be a file name.
    pub fn begin(&self, lock: &Lock, run: &str) -> Result<Staging, Error> {
        self.check_name("a run", run)?;
        // Before the link may be: one that names a folder which a power cut took away would serve nothing.
        local::create_dir(&self.path().join(SNAPSHOTS))?;
        self.clear_litter()?;
        self.repair_pointers()?;
        let path = self.path().join("staging").join(run);
        local::create_dir_all(&path, Some(PRIVATE_MODE))?;
        let (base, parent) = (self.served()?, self.current()?);
        Ok(Staging { warehouse: self.clone(), _lock: lock.clone(), path, base, parent })
    }

    /// Removes staging folders and snapshots that were never published. Whoever holds the lock is alone, so none of them
    /// is still being made.
    fn clear_litter(&self) -> Result<(), Error> {
        let staging = self.path().join("staging");
        for run in local::list(&staging)? {
            local::remove_dir_all(&staging.join(run))?;
        }
        for folder in [self.path().to_owned(), self.path().join("env"), self.path().join("runs")] {
            local::remove_half_written(&folder)?;
        }
        let (published, served) = (self.published()?, self.all_served()?);
        let unpublished: Vec<String> = local::list(&self.path().join(SNAPSHOTS))?
            .into_iter()
            .filter(|id| layout::sequence(id).is_some() && !published.contains(id) && !served.contains(id))
            .collect();
        self.refuse_lost_links(&unpublished)?;
        unpublished.iter().try_for_each(|id| self.remove_snapshot(id))
    }

    /// Refuses to take a warehouse for new whose links were lost: killed first runs leave no more than one whole
    /// snapshot.
    fn refuse_lost_links(&self, unpublished: &[String]) -> Result<(), Error> {
        let whole = |id: &&String| local::exists(&self.snapshot_path(id).join(MANIFEST));
        match unpublished.iter().filter(whole).collect::<Vec<_>>()[..] {
            [] | [_] => Ok(()),
            [.., newest] => Err(Error::LostLinks { link: self.target.link.clone(), newest: newest.clone() }),
        }
    }

    /// Removes a snapshot, its manifest first and for good: a half-removed one is litter then, not a snapshot with holes.
    pub(super) fn remove_snapshot(&self, id: &str) -> Result<(), Error> {
        let path = self.snapshot_path(id);
        local::remove_for_good(&path.join(MANIFEST))?;
        Ok(local::remove_dir_all(&path)?)
    }

    /// Lets `current.json` and its like name what the links serve: a run may have been killed between the two.
    fn repair_pointers(&self) -> Result<(), Error> {
        for target in self.targets()? {
            let Some(served) = served_by(&target)? else { continue };
            let named = local::read(&target.pointer)?
                .and_then(|bytes| serde_json::from_slice::<Pointer>(&bytes).ok())
                .map(|pointer| pointer.snapshot);
            if named.as_ref() != Some(&served) {
                write_pointer(&target, &served)?;
            }
        }
        Ok(())
    }
}

impl Staging {
    /// Returns the folder that [`super::TableWriter::create`] takes.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the manifest from which unchanged partitions can be taken over.
    #[must_use]
    pub const fn parent(&self) -> Option<&Manifest> {
        self.parent.as_ref()
    }

    /// Returns a table's folder, which holds `data/`.
    #[must_use]
    pub fn table_dir(&self, table: &TableName) -> PathBuf {
        self.path.join(layout::table_path(table))
    }

    /// Returns the path of a new data file.
    #[must_use]
    pub fn file(&self, table: &TableName, file: &DataFile) -> PathBuf {
        self.path.join(layout::data_path(table)).join(&file.path)
    }

    /// Returns the path of a data file that the manifest of this run may name: new, or of the parent snapshot.
    #[must_use]
    pub fn readable(&self, table: &TableName, file: &DataFile) -> PathBuf {
        let staged = self.file(table, file);
        match &self.parent {
            Some(parent) if !local::exists(&staged) => self.warehouse.file(&parent.snapshot, table, file),
            _ => staged,
        }
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next run.
        if let Err(error) = local::remove_dir_all(&self.path) {
            tracing::warn!("{error}");
        }
    }
}
