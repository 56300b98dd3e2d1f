//! Where a run collects files before they are part of a snapshot.
//!
//! In: a locked warehouse. Out: a folder that nobody reads but the run itself, removed when the run ends, unless it leaves it
//! behind; the next run takes over what such a one or a killed one had finished, and removes the rest here.

use std::path::{Path, PathBuf};

use super::{
    Error, Lock, Warehouse,
    depot::Served,
    layout::{self, SNAPSHOTS},
    salvage::Salvage,
};
use crate::{
    record::{Manifest, StoredAt, TableName, manifest::DataFile},
    storage::local::{self, PRIVATE_MODE},
};

/// The folder of one run's new files, and the snapshot on which the run is based.
#[derive(Debug)]
pub struct Staging {
    pub(super) warehouse: Warehouse,
    /// Held as long as something may still be published.
    pub(super) lock: Lock,
    finder: Finder,
    /// What the link served at the beginning.
    pub(super) base: Served,
    /// The manifest from which unchanged files are linked.
    pub(super) parent: Option<Manifest>,
    /// What a run had finished that published nothing.
    pub(super) salvage: Salvage,
    /// Whether the next run finds it.
    is_left: bool,
}

impl Warehouse {
    /// Begins a run: removes what killed runs left behind and creates an empty staging folder.
    ///
    /// # Errors
    /// When the disk refuses, or the run's id cannot be a file name.
    pub fn begin(&self, lock: &Lock, run: &str) -> Result<Staging, Error> {
        self.check_name("a run", run)?;
        self.depot.clear(&|| self.snapshots(), &*lock.hold)?;
        self.clear_unpublished()?;
        self.targets()?.iter().try_for_each(|target| self.depot.repair(target))?;
        let root = self.depot.staging();
        let path = root.join(run);
        Staging::adopt(&root, &path)?;
        let (base, parent) = (self.depot.served(&self.target)?, self.current()?);
        let finder = Finder::new(self, path, parent.as_ref());
        let salvage = Salvage::read(&finder.folder, &finder, parent.as_ref())?;
        Ok(Staging { warehouse: self.clone(), lock: lock.clone(), finder, base, parent, salvage, is_left: false })
    }

    /// Removes snapshots that were never published. Whoever holds the lock is alone, so none of them is still being made.
    fn clear_unpublished(&self) -> Result<(), Error> {
        let (published, served) = (self.published()?, self.all_served()?);
        let unpublished: Vec<String> = self
            .depot
            .names(SNAPSHOTS)?
            .into_iter()
            .filter(|id| layout::sequence(id).is_some() && !published.contains(id) && !served.contains(id))
            .collect();
        self.refuse_lost_links(&unpublished)?;
        self.depot.remove_snapshots(&unpublished, &published)
    }

    /// Refuses to take a warehouse for new whose links were lost: killed first runs leave no more than one whole
    /// snapshot.
    fn refuse_lost_links(&self, unpublished: &[String]) -> Result<(), Error> {
        let mut whole = Vec::new();
        for id in unpublished {
            if self.is_whole(id)? {
                whole.push(id);
            }
        }
        match whole[..] {
            [] | [_] => Ok(()),
            [.., newest] => Err(Error::LostLinks { link: self.path().join(&self.target.link), newest: newest.clone() }),
        }
    }
}

impl Staging {
    /// Leaves what is finished to the next run, as a killed run does.
    pub const fn leave(&mut self) {
        self.is_left = true;
    }

    /// Returns the folder that [`super::TableWriter::create`] takes.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.finder.folder
    }

    /// Returns the manifest from which unchanged partitions can be taken over.
    #[must_use]
    pub const fn parent(&self) -> Option<&Manifest> {
        self.parent.as_ref()
    }

    /// Returns a table's folder, which holds `data/`.
    #[must_use]
    pub fn table_dir(&self, table: &TableName) -> PathBuf {
        self.path().join(layout::table_path(table))
    }

    /// Returns the path of a new data file.
    #[must_use]
    pub fn file(&self, table: &TableName, file: &DataFile) -> PathBuf {
        self.finder.staged(table, file)
    }

    /// Returns what finds the files that the manifest of this run may name.
    #[must_use]
    pub const fn finder(&self) -> &Finder {
        &self.finder
    }
}

/// Finds data files that are new, or of the parent snapshot.
#[derive(Debug, Clone)]
pub struct Finder {
    warehouse: Warehouse,
    /// Where new ones lie, and fetched ones go.
    folder: PathBuf,
    parent: Option<String>,
}

impl Finder {
    /// Looks into a folder first, laid out as a staging folder is.
    #[must_use]
    pub fn new(warehouse: &Warehouse, folder: PathBuf, parent: Option<&Manifest>) -> Self {
        Self { warehouse: warehouse.clone(), folder, parent: parent.map(|parent| parent.snapshot.clone()) }
    }

    pub(super) const fn warehouse(&self) -> &Warehouse {
        &self.warehouse
    }

    pub(super) fn staged(&self, table: &TableName, file: &DataFile) -> PathBuf {
        self.folder.join(layout::data_path(table)).join(&file.path)
    }

    /// Returns where a file lies.
    #[must_use]
    pub fn find(&self, table: &TableName, file: &DataFile) -> StoredAt {
        let staged = self.staged(table, file);
        match &self.parent {
            Some(parent) if !local::exists(&staged) => self.warehouse.file(parent, table, file),
            _ => StoredAt::Disk(staged),
        }
    }

    /// Returns the path of a file on this machine, fetched if it is not here.
    ///
    /// # Errors
    /// When it cannot be fetched, or is not what the manifest says.
    pub fn fetch(&self, table: &TableName, file: &DataFile) -> Result<PathBuf, Error> {
        let key = match self.find(table, file) {
            StoredAt::Disk(path) => return Ok(path),
            StoredAt::Store(key) => key,
        };
        let folder = self.folder.join("fetched");
        // Two files may have the same bytes, and be fetched at the same time.
        let name = blake3::hash(key.as_bytes()).to_hex();
        let path = folder.join(name.as_str());
        if !local::exists(&path) {
            local::create_dir_all(&folder, Some(PRIVATE_MODE))?;
            let partial = folder.join(format!(".{name}.new"));
            self.warehouse.depot.fetch(&key, &partial)?;
            local::rename(&partial, &path)?;
        }
        Ok(path)
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next run.
        if !self.is_left
            && let Err(error) = local::remove_dir_all(self.path())
        {
            tracing::warn!("{error}");
        }
    }
}
