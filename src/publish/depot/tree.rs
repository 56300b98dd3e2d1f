//! A warehouse on the local disk: every snapshot is a tree of its own, of hard links to what did not change.
//!
//! In: a folder. Out: documents that are replaced by renaming, a lock that the operating system keeps. Deliberately
//! absent: object stores.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write as _,
    path::{Path, PathBuf},
};

use bytes::Bytes;

use super::{Attempt, Depot, Hold, Served};
use crate::{
    publish::{
        Error, Staging, delta,
        layout::{self, MANIFEST, PRIVATE, SNAPSHOTS, Target, VIEWS},
        logs, views,
        warehouse::{Pointer, from_json, to_json},
    },
    record::{
        Manifest, StoredAt, TableName,
        manifest::{DataFile, DeltaLog, Input, Table},
    },
    storage::{
        local::{
            self, PRIVATE_MODE,
            lock::{self, Holder, LockFile, now},
        },
        output::OutputFile,
    },
};

/// A folder.
#[derive(Debug)]
pub(in crate::publish) struct Tree {
    root: PathBuf,
}

impl Hold for LockFile {}

impl Tree {
    /// Opens a folder, which need not exist yet.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let root = if local::exists(path) { local::canonical(path)? } else { path.to_owned() };
        if local::exists(&root) && !local::is_dir(&root) {
            let source = std::io::Error::from(std::io::ErrorKind::NotADirectory);
            return Err(local::Error::new("open the warehouse", path, source).into());
        }
        Ok(Self { root })
    }

    fn snapshot_path(&self, id: &str) -> PathBuf {
        self.root.join(SNAPSHOTS).join(id)
    }

    fn file(&self, snapshot: &str, table: &TableName, file: &DataFile) -> PathBuf {
        self.snapshot_path(snapshot).join(layout::data_path(table)).join(&file.path)
    }

    /// Names the served snapshot for readers without symbolic links.
    fn write_pointer(&self, target: &Target, snapshot: &str) -> Result<(), Error> {
        let path = self.root.join(&target.pointer);
        let pointer = Pointer::to(snapshot, now());
        Ok(local::replace_file(&path, &to_json(&path, &pointer)?)?)
    }

    fn write_table(
        &self,
        staging: &Staging,
        (name, table): (&TableName, &Table),
        root: &Path,
        folders: &mut Folders,
    ) -> Result<(), Error> {
        let data = root.join(layout::data_path(name));
        folders.create(&data)?;
        for file in table.files() {
            let to = data.join(&file.path);
            folders.create(to.parent().unwrap_or(&data))?;
            self.place(staging, name, file, to, folders)?;
        }
        Ok(())
    }

    fn write_packs(
        &self,
        staging: &Staging,
        (name, input): (&TableName, &Input),
        root: &Path,
        folders: &mut Folders,
    ) -> Result<(), Error> {
        let data = root.join(layout::data_path(name));
        for file in input.all_packs() {
            folders.create(&data)?;
            self.place(staging, name, file, data.join(&file.path), folders)?;
        }
        Ok(())
    }

    /// Writes the Delta logs of a snapshot whose data files are in place. Each snapshot has its logs whole: what the
    /// snapshot before had is linked, and a log goes on from there, whatever others hold.
    fn write_logs(
        &self,
        staging: &Staging,
        manifest: &Manifest,
        root: &Path,
        folders: &mut Folders,
    ) -> Result<BTreeMap<TableName, DeltaLog>, Error> {
        let replaced = staging.replaced(manifest)?;
        let mut logs = BTreeMap::new();
        for step in logs::steps(manifest, replaced.as_deref())? {
            let folder = root.join(layout::log_path(step.name));
            let earlier = replaced.as_ref().map(|replaced| self.snapshot_path(&replaced.snapshot));
            let earlier = earlier.map(|snapshot| snapshot.join(layout::log_path(step.name))).unwrap_or_default();
            let read = |name: &str| {
                let path = earlier.join(name);
                local::read(&path)?.map(Bytes::from).ok_or_else(|| logs::lost(path))
            };
            let data = root.join(layout::data_path(step.name));
            let new = step.new_files(&read, &|file| Ok(local::open(&data.join(&file.path))?))?;
            folders.create(&folder)?;
            for (name, bytes) in &new {
                let path = folder.join(name);
                local::write_data_file(&path, bytes)?;
                folders.moved.push(path);
            }
            let is_new = |name: &String| new.iter().any(|(written, _)| written == name);
            for name in delta::files(step.log()).iter().filter(|name| !is_new(name)) {
                local::link_or_copy(&earlier.join(name), &folder.join(name))?;
            }
            logs.insert(step.name.clone(), step.log().clone());
        }
        Ok(logs)
    }

    /// Links a file from the parent snapshot, or moves it here from staging. The parent comes first: a file that was
    /// built again with the same content stays the one file that it was.
    fn place(
        &self,
        staging: &Staging,
        table: &TableName,
        file: &DataFile,
        to: PathBuf,
        folders: &mut Folders,
    ) -> Result<(), Error> {
        let inherited = staging.parent.as_ref().map(|parent| self.file(&parent.snapshot, table, file));
        if let Some(inherited) = inherited.filter(|path| local::exists(path)) {
            local::link_or_copy(&inherited, &to)?;
            return Ok(());
        }
        let staged = staging.file(table, file);
        if !local::exists(&staged) {
            return Err(Error::MissingFile { table: table.clone(), path: file.path.clone() });
        }
        local::rename(&staged, &to)?;
        folders.moved.push(to);
        Ok(())
    }
}

impl Depot for Tree {
    fn root(&self) -> &Path {
        &self.root
    }

    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(local::read(&self.root.join(name))?)
    }

    fn exists(&self, name: &str) -> Result<bool, Error> {
        Ok(local::exists(&self.root.join(name)))
    }

    fn names(&self, folder: &str) -> Result<Vec<String>, Error> {
        Ok(local::list(&self.root.join(folder))?)
    }

    fn write(&self, name: &str, bytes: Vec<u8>) -> Result<(), Error> {
        let path = self.root.join(name);
        match path.parent() {
            // A run names files and keys that not everybody may see.
            Some(folder) if folder.ends_with(layout::RUNS) => local::create_dir_all(folder, Some(PRIVATE_MODE))?,
            Some(folder) => local::create_dir(folder)?,
            None => {}
        }
        Ok(local::replace_file(&path, &bytes)?)
    }

    fn keep(&self, name: &str, bytes: Vec<u8>) -> Result<(), Error> {
        let path = self.root.join(name);
        if let Some(folder) = path.parent() {
            local::create_dir_all(folder, Some(PRIVATE_MODE))?;
        }
        let mut file = OutputFile::create(&path, true)?;
        file.write_all(&bytes).map_err(|source| local::Error::new("write", &path, source))?;
        Ok(file.commit()?)
    }

    fn remove(&self, name: &str) -> Result<(), Error> {
        Ok(local::remove_for_good(&self.root.join(name))?)
    }

    /// The folder is created here; the one above it must exist.
    fn lock(&self, holder: &Holder) -> Result<Attempt, Error> {
        local::create_dir(&self.root)?;
        Ok(match LockFile::attempt(&self.root.join("lock"), holder)? {
            lock::Attempt::Locked(file) => Attempt::Locked(Box::new(file)),
            lock::Attempt::Busy(holder) => Attempt::Busy(holder),
        })
    }

    /// A link lost in a backup is made up for by the file beside it.
    fn served(&self, target: &Target) -> Result<Served, Error> {
        let snapshot = if let Some(points_at) = local::read_link(&self.root.join(&target.link))? {
            Some(points_at.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned())
        } else {
            let path = self.root.join(&target.pointer);
            let pointer: Option<Pointer> = local::read(&path)?.map(|bytes| from_json(&path, &bytes)).transpose()?;
            pointer.and_then(|pointer| pointer.snapshot)
        };
        Ok(Served { snapshot, ..Served::default() })
    }

    /// The lock makes sure that nobody else publishes between the look and the flip.
    fn serve(&self, target: &Target, snapshot: &str, instead_of: &Served) -> Result<(), Error> {
        let (link, found) = (self.root.join(&target.link), self.served(target)?);
        if found != *instead_of {
            return Err(Error::moved(link, instead_of.snapshot.as_deref(), found.snapshot.as_deref()));
        }
        if let Some(folder) = link.parent() {
            local::create_dir(folder)?;
        }
        local::replace_symlink(&target.points_at(snapshot), &link)?;
        if let Err(error) = self.write_pointer(target, snapshot) {
            tracing::warn!("snapshot `{snapshot}` is served, but: {error}");
        }
        Ok(())
    }

    /// Lets `current.json` and its like name what the links serve: a run may have been killed between the two.
    fn repair(&self, target: &Target) -> Result<(), Error> {
        let Some(served) = self.served(target)?.snapshot else { return Ok(()) };
        let named = local::read(&self.root.join(&target.pointer))?
            .and_then(|bytes| serde_json::from_slice::<Pointer>(&bytes).ok())
            .and_then(|pointer| pointer.snapshot);
        if named.as_ref() == Some(&served) { Ok(()) } else { self.write_pointer(target, &served) }
    }

    fn staging(&self) -> PathBuf {
        self.root.join(layout::STAGING)
    }

    fn clear(&self, _: &dyn Fn() -> Result<Vec<Manifest>, Error>, _: &dyn Hold) -> Result<(), Error> {
        // Before the link may be: one that names a folder which a power cut took away would serve nothing.
        local::create_dir(&self.root.join(SNAPSHOTS))?;
        for folder in ["", layout::ENVIRONMENTS, layout::RUNS, layout::REMEMBERED] {
            local::remove_half_written(&self.root.join(folder))?;
        }
        Ok(())
    }

    fn put_together(&self, staging: &Staging, manifest: &mut Manifest) -> Result<(), Error> {
        let root = self.snapshot_path(&manifest.snapshot);
        let mut folders = Folders::new(&root)?;
        for table in &manifest.tables {
            self.write_table(staging, table, &root, &mut folders)?;
        }
        for (source, input) in &manifest.inputs {
            self.write_packs(staging, (&TableName::normalized(source), input), &root, &mut folders)?;
        }
        manifest.delta = self.write_logs(staging, manifest, &root, &mut folders)?;
        let folder = local::canonical(&root)?;
        let views = views::render(manifest, &|name, table| views::Files::Below(views::glob(&folder, name, table)));
        local::write_new(&root.join(VIEWS), views.as_bytes())?;
        folders.sync()?;
        // Written last: a snapshot with a manifest is whole.
        let path = root.join(MANIFEST);
        local::write_new(&path, &to_json(&path, manifest)?)?;
        local::sync_dir(&root)?;
        Ok(local::sync_dir(&self.root.join(SNAPSHOTS))?)
    }

    fn stored_at(&self, snapshot: &str, table: &TableName, file: &DataFile) -> StoredAt {
        StoredAt::Disk(self.file(snapshot, table, file))
    }

    fn folder(&self, snapshot: &str) -> Option<PathBuf> {
        Some(self.snapshot_path(snapshot))
    }

    fn fetch(&self, key: &str, _: &Path) -> Result<(), Error> {
        Err(Error::Damaged { path: self.root.join(key), reason: "it is named like an object of a store".to_owned() })
    }

    /// A snapshot's manifest goes first and for good: a half-removed one is litter then, not a snapshot with holes. Files that others
    /// have too are links, which stay.
    fn remove_snapshots(&self, gone: &[String], _: &[String]) -> Result<(), Error> {
        for id in gone {
            let path = self.snapshot_path(id);
            local::remove_for_good(&path.join(MANIFEST))?;
            local::remove_dir_all(&path)?;
        }
        Ok(())
    }
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
        local::sync_dirs(&made)?;
        Ok(local::sync_dir(&self.root)?)
    }
}
