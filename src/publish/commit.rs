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

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use super::{
    Error, Retention, Staging, Warehouse,
    layout::{self, MANIFEST, PRIVATE, SNAPSHOTS, Target, VIEWS},
    views,
    warehouse::{Pointer, to_json},
};
use crate::{
    record::{
        Manifest, TableName,
        manifest::{DataFile, Input, Table},
    },
    storage::local::{self, PRIVATE_MODE, lock::now},
};

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
    /// `views.sql` and, last of all, the manifest are written. Fills in the manifest's `snapshot` and `parent`.
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
        let prepared = Prepared { manifest: Manifest { snapshot, parent, ..manifest }, staging: self, settled: false };
        // From here on dropping `prepared` removes what is half made.
        prepared.write()?;
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
        self.staging.warehouse.remove_snapshot(&self.manifest.snapshot)
    }

    pub(super) fn flip(mut self, retention: Retention) -> Result<Manifest, Error> {
        self.check_base()?;
        let warehouse = self.staging.warehouse.clone();
        let served = serve(&warehouse.target, &self.manifest.snapshot);
        self.settled = self.is_served();
        if !self.settled {
            served?;
        }
        let pointed = write_pointer(&warehouse.target, &self.manifest.snapshot);
        if let Err(error) = pointed.and_then(|()| warehouse.retain(retention)) {
            tracing::warn!("snapshot `{}` is served, but: {error}", self.manifest.snapshot);
        }
        Ok(self.manifest.clone())
    }

    /// Returns whether readers see this snapshot; when that cannot be told, they might.
    fn is_served(&self) -> bool {
        self.staging.warehouse.served().map_or(true, |served| served.as_ref() == Some(&self.manifest.snapshot))
    }

    /// Refuses to publish over a snapshot that this run has not seen.
    fn check_base(&self) -> Result<(), Error> {
        let (warehouse, expected) = (&self.staging.warehouse, &self.staging.base);
        let found = warehouse.served()?;
        if found == *expected {
            return Ok(());
        }
        let shown = |id: Option<&String>| id.map_or_else(|| "no snapshot".to_owned(), |id| format!("`{id}`"));
        let link = warehouse.target.link.clone();
        Err(Error::Moved { link, expected: shown(expected.as_ref()), found: shown(found.as_ref()) })
    }

    fn write(&self) -> Result<(), Error> {
        let root = self.staging.warehouse.snapshot_path(&self.manifest.snapshot);
        let mut folders = Folders::new(&root)?;
        for (name, table) in &self.manifest.tables {
            self.write_table(name, table, &root, &mut folders)?;
        }
        for (source, input) in &self.manifest.inputs {
            self.write_packs(&TableName::normalized(source), input, &root, &mut folders)?;
        }
        let views = views::render(&self.manifest, &local::canonical(&root)?);
        local::write_new(&root.join(VIEWS), views.as_bytes())?;
        folders.sync()?;
        // Written last: a snapshot with a manifest is whole.
        let path = root.join(MANIFEST);
        local::write_new(&path, &to_json(&path, &self.manifest)?)?;
        local::sync_dir(&root)?;
        Ok(local::sync_dir(&self.staging.warehouse.path().join(SNAPSHOTS))?)
    }

    fn write_table(&self, name: &TableName, table: &Table, root: &Path, folders: &mut Folders) -> Result<(), Error> {
        let warehouse = &self.staging.warehouse;
        for part in [&name.schema, &name.table] {
            warehouse.check_name("a table", part)?;
        }
        if name.schema == PRIVATE {
            return Err(Error::Name {
                warehouse: warehouse.path().to_owned(),
                what: "a schema",
                name: name.to_string(),
            });
        }
        let data = root.join(layout::data_path(name));
        folders.create(&data)?;
        for file in table.partitions.iter().flat_map(|partition| &partition.files) {
            let to = data.join(&file.path);
            folders.create(to.parent().unwrap_or(&data))?;
            self.place(name, file, to, folders)?;
        }
        Ok(())
    }

    fn write_packs(&self, name: &TableName, input: &Input, root: &Path, folders: &mut Folders) -> Result<(), Error> {
        let data = root.join(layout::data_path(name));
        for file in input.packs.iter().chain(&input.reject_packs) {
            folders.create(&data)?;
            self.place(name, file, data.join(&file.path), folders)?;
        }
        Ok(())
    }

    /// Links a file from the parent snapshot, or moves it here from staging. The parent comes first: a file that was
    /// built again with the same content stays the one file that it was.
    fn place(&self, table: &TableName, file: &DataFile, to: PathBuf, folders: &mut Folders) -> Result<(), Error> {
        let parent = self.staging.parent.as_ref();
        let inherited = parent.map(|parent| self.staging.warehouse.file(&parent.snapshot, table, file));
        if let Some(inherited) = inherited.filter(|path| local::exists(path)) {
            local::link_or_copy(&inherited, &to)?;
            return Ok(());
        }
        let staged = self.staging.file(table, file);
        if !local::exists(&staged) {
            return Err(Error::MissingFile { table: table.clone(), path: file.path.clone() });
        }
        local::rename(&staged, &to)?;
        folders.moved.push(to);
        Ok(())
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        if !self.settled
            && !self.is_served()
            && let Err(error) = self.staging.warehouse.remove_snapshot(&self.manifest.snapshot)
        {
            tracing::warn!("{error}");
        }
    }
}

impl Warehouse {
    /// Returns a number larger than that of every snapshot folder.
    fn next_sequence(&self) -> Result<u64, Error> {
        let names = local::list(&self.path().join(SNAPSHOTS))?;
        let served = self.all_served()?;
        let newest = names.iter().chain(&served).filter_map(|id| layout::sequence(id)).max();
        Ok(newest.unwrap_or(0) + 1)
    }
}

/// Lets the link point at a snapshot.
fn serve(target: &Target, snapshot: &str) -> Result<(), Error> {
    if let Some(folder) = target.link.parent() {
        local::create_dir(folder)?;
    }
    Ok(local::replace_symlink(&target.points_at(snapshot), &target.link)?)
}

/// Names the served snapshot for readers without symbolic links.
pub(super) fn write_pointer(target: &Target, snapshot: &str) -> Result<(), Error> {
    let manifest = format!("{SNAPSHOTS}/{snapshot}/{MANIFEST}");
    let pointer = Pointer { snapshot: snapshot.to_owned(), published_at: now(), manifest };
    Ok(local::replace_file(&target.pointer, &to_json(&target.pointer, &pointer)?)?)
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

/// The folders of a snapshot in the making, and the files in them that the disk may not hold yet.
struct Folders {
    root: PathBuf,
    private: PathBuf,
    made: BTreeSet<PathBuf>,
    moved: Vec<PathBuf>,
}

impl Folders {
    fn new(root: &Path) -> Result<Self, Error> {
        let (root, private) = (root.to_owned(), root.join(PRIVATE));
        // What a killed run left under this very name would make linking fail.
        local::remove_dir_all(&root)?;
        local::create_dir_all(&root, None)?;
        Ok(Self { root, private, made: BTreeSet::new(), moved: Vec::new() })
    }

    fn create(&mut self, folder: &Path) -> Result<(), Error> {
        if self.made.contains(folder) {
            return Ok(());
        }
        local::create_dir_all(folder, folder.starts_with(&self.private).then_some(PRIVATE_MODE))?;
        let below_root = folder.ancestors().take_while(|ancestor| *ancestor != self.root);
        self.made.extend(below_root.map(Path::to_owned));
        Ok(())
    }

    /// Waits until the disk holds the bytes of every moved file and then every name, so that the flip never shows a tree
    /// that a power cut would thin out.
    fn sync(&self) -> Result<(), Error> {
        local::sync_all(&self.moved)?;
        let made: Vec<PathBuf> = self.made.iter().cloned().collect();
        local::sync_all(&made)?;
        Ok(local::sync_dir(&self.root)?)
    }
}
