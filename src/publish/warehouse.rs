//! A warehouse on a local disk: which snapshots it has, which one it serves, and who may change that.
//!
//! In: the folder and, optionally, an environment. Out: manifests, paths of data files, a [`Lock`]. Opening and reading
//! create nothing. Deliberately absent: writing a snapshot (`staging`, `commit`) and taking one back (`rollback`).

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::{
    Error,
    layout::{self, MANIFEST, SNAPSHOTS, Target},
};
use crate::{
    record::{
        Manifest, TableName,
        manifest::{DataFile, MANIFEST_VERSION, Partition, Table},
    },
    storage::local::{
        self,
        lock::{Attempt, Holder, LockFile},
    },
};

/// A warehouse, seen from production or from an environment.
#[derive(Debug, Clone)]
pub struct Warehouse {
    root: PathBuf,
    pub(super) target: Target,
}

/// The right to change a warehouse; it ends when the last clone is dropped.
#[derive(Debug, Clone)]
pub struct Lock {
    _file: Arc<LockFile>,
}

/// What `current.json` says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Pointer {
    /// The snapshot.
    pub snapshot: String,
    /// When it became visible: RFC 3339, UTC.
    pub published_at: String,
    /// Its manifest, from the warehouse's folder.
    pub manifest: String,
}

impl Warehouse {
    /// Opens a folder, which need not exist yet; with `env`, that environment's snapshots are served and replaced.
    ///
    /// # Errors
    /// When the path is a file or `env` cannot be a file name.
    pub fn open(path: &Path, env: Option<&str>) -> Result<Self, Error> {
        let root = if local::exists(path) { local::canonical(path)? } else { path.to_owned() };
        if local::exists(&root) && !local::is_dir(&root) {
            let source = std::io::Error::from(std::io::ErrorKind::NotADirectory);
            return Err(local::Error::new("open the warehouse", path, source).into());
        }
        let target = match env {
            Some(name) if !layout::is_file_name(name) || Path::new(name).extension().is_some() => {
                return Err(Error::Name { warehouse: root, what: "an environment", name: name.to_owned() });
            }
            Some(name) => Target::environment(&root, name),
            None => Target::production(&root),
        };
        Ok(Self { root, target })
    }

    /// Returns the warehouse's folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Returns the id of the snapshot that readers see; None before the first publication. An environment does not fall
    /// back to production here.
    ///
    /// # Errors
    /// When the link cannot be read.
    pub fn served(&self) -> Result<Option<String>, Error> {
        served_by(&self.target)
    }

    /// Returns the manifest on which a run is based: of the snapshot that readers see, or, in an environment that has
    /// published nothing yet, of production's.
    ///
    /// # Errors
    /// When the link or the manifest cannot be read, or a newer tool wrote it.
    pub fn current(&self) -> Result<Option<Manifest>, Error> {
        let served = match self.served()? {
            None => served_by(&Target::production(&self.root))?,
            served => served,
        };
        served.map(|id| self.manifest(&id)).transpose()
    }

    /// Reads the manifest of a snapshot.
    ///
    /// # Errors
    /// When there is no such snapshot, the manifest is damaged, or a newer tool wrote it.
    pub fn manifest(&self, id: &str) -> Result<Manifest, Error> {
        let path = self.snapshot_path(id).join(MANIFEST);
        let known = layout::sequence(id).is_some() && layout::is_file_name(id);
        match if known { local::read(&path)? } else { None } {
            Some(bytes) => parse_manifest(&path, &bytes),
            None => Err(self.unknown(id)?),
        }
    }

    /// Returns the manifests of all published snapshots, of every environment, the newest first.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn snapshots(&self) -> Result<Vec<Manifest>, Error> {
        self.published()?.iter().map(|id| self.manifest(id)).collect()
    }

    /// Returns the snapshot that an id or the unique start of one (`000041`, `41`) means.
    ///
    /// # Errors
    /// When there is none, or more than one.
    pub fn resolve(&self, id: &str) -> Result<String, Error> {
        let published = self.published()?;
        let number: Option<u64> = id.parse().ok();
        let means = |known: &&String| known.as_str() == id || (number.is_some() && layout::sequence(known) == number);
        match published.iter().filter(means).collect::<Vec<_>>()[..] {
            [only] => Ok(only.clone()),
            _ => Err(self.unknown(id)?),
        }
    }

    /// Returns the path of a snapshot's data file.
    #[must_use]
    pub fn file(&self, snapshot: &str, table: &TableName, file: &DataFile) -> PathBuf {
        self.snapshot_path(snapshot).join(layout::data_path(table)).join(&file.path)
    }

    /// Takes the warehouse for a run, without waiting. The folder is created here; the one above it must exist.
    ///
    /// # Errors
    /// [`Error::Busy`] when another run holds it; else when the disk refuses.
    pub fn lock(&self, run: &str) -> Result<Lock, Error> {
        local::create_dir(&self.root)?;
        match LockFile::attempt(&self.root.join("lock"), &Holder::this_process(run))? {
            Attempt::Locked(file) => Ok(Lock { _file: Arc::new(file) }),
            Attempt::Busy(holder) => Err(Error::Busy { warehouse: self.root.clone(), holder: sentence(holder) }),
        }
    }

    /// Writes what a run did to `runs/<run>.json`, replacing what the run wrote before.
    ///
    /// # Errors
    /// When the disk refuses or the run's id cannot be a file name.
    pub fn record_run(&self, run: &str, record: &impl Serialize) -> Result<PathBuf, Error> {
        self.check_name("a run", run)?;
        let path = self.root.join("runs").join(format!("{run}.json"));
        // A run names files and keys that not everybody may see.
        local::create_dir_all(&self.root.join("runs"), Some(local::PRIVATE_MODE))?;
        local::replace_file(&path, &to_json(&path, record)?)?;
        Ok(path)
    }

    pub(super) fn check_name(&self, what: &'static str, name: &str) -> Result<(), Error> {
        if layout::is_file_name(name) {
            return Ok(());
        }
        Err(Error::Name { warehouse: self.root.clone(), what, name: name.to_owned() })
    }

    pub(super) fn snapshot_path(&self, id: &str) -> PathBuf {
        self.root.join(SNAPSHOTS).join(id)
    }

    /// Returns production's and every environment's files.
    pub(super) fn targets(&self) -> Result<Vec<Target>, Error> {
        let files = local::list(&self.root.join("env"))?;
        let names: BTreeSet<&str> =
            files.iter().filter_map(|file| file.split('.').next()).filter(|name| !name.is_empty()).collect();
        let environments = names.into_iter().map(|name| Target::environment(&self.root, name));
        Ok(std::iter::once(Target::production(&self.root)).chain(environments).collect())
    }

    /// Returns the snapshots that links point at.
    pub(super) fn all_served(&self) -> Result<Vec<String>, Error> {
        self.targets()?.iter().filter_map(|target| served_by(target).transpose()).collect()
    }

    /// Returns the snapshots that are or were served, the newest first. A link only ever moves to a newer snapshot, so
    /// one that is newer than what every link points at was prepared but never published.
    ///
    /// # Errors
    /// When the disk refuses to list them.
    pub fn published(&self) -> Result<Vec<String>, Error> {
        let newest = self.all_served()?.iter().filter_map(|id| layout::sequence(id)).max();
        let mut found: Vec<(u64, String)> = local::list(&self.root.join(SNAPSHOTS))?
            .into_iter()
            .filter_map(|id| layout::sequence(&id).map(|number| (number, id)))
            .filter(|(number, id)| Some(*number) <= newest && local::exists(&self.snapshot_path(id).join(MANIFEST)))
            .collect();
        found.sort_by(|one, other| other.cmp(one));
        Ok(found.into_iter().map(|(_, id)| id).collect())
    }

    fn unknown(&self, id: &str) -> Result<Error, Error> {
        let known = self.published()?.into_iter().take(3).collect();
        Ok(Error::UnknownSnapshot { warehouse: self.root.clone(), id: id.to_owned(), known })
    }
}

/// Returns what a link serves. A link lost in a backup is made up for by the file beside it.
pub(super) fn served_by(target: &Target) -> Result<Option<String>, Error> {
    if let Some(points_at) = local::read_link(&target.link)? {
        let id = points_at.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        return Ok(Some(id.to_owned()));
    }
    let Some(bytes) = local::read(&target.pointer)? else { return Ok(None) };
    let pointer: Pointer = from_json(&target.pointer, &bytes)?;
    Ok(Some(pointer.snapshot))
}

fn sentence(holder: Option<Holder>) -> String {
    holder.map_or_else(
        || "another run".to_owned(),
        |Holder { pid, host, run, started_at }| format!("run `{run}` (process {pid} on `{host}`, since {started_at})"),
    )
}

fn parse_manifest(path: &Path, bytes: &[u8]) -> Result<Manifest, Error> {
    #[derive(Deserialize)]
    struct Versioned {
        manifest_version: u64,
    }
    let Versioned { manifest_version: found } = from_json(path, bytes)?;
    if found > u64::from(MANIFEST_VERSION) {
        return Err(Error::ManifestVersion { path: path.to_owned(), found, known: MANIFEST_VERSION });
    }
    from_json(path, bytes)
}

pub(super) fn from_json<'a, T: Deserialize<'a>>(path: &Path, bytes: &'a [u8]) -> Result<T, Error> {
    serde_json::from_slice(bytes).map_err(|error| Error::Damaged { path: path.to_owned(), reason: error.to_string() })
}

pub(super) fn to_json(path: &Path, value: &impl Serialize) -> Result<Vec<u8>, Error> {
    let mut bytes = serde_json::to_vec_pretty(value)
        .map_err(|error| local::Error::new("encode", path, std::io::Error::from(error)))?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Returns whether readers of both snapshots see the same tables with the same rows.
#[must_use]
pub fn same_content(one: &Manifest, other: &Manifest) -> bool {
    let same = |((name, table), (other_name, other)): ((&TableName, &Table), (&TableName, &Table))| {
        name == other_name && same_table(table, other)
    };
    one.tables.len() == other.tables.len() && one.tables.iter().zip(&other.tables).all(same)
}

fn same_table(one: &Table, other: &Table) -> bool {
    let same = |(one, other): (&Partition, &Partition)| one.values == other.values && one.content == other.content;
    one.columns == other.columns
        && one.partition_by == other.partition_by
        && one.key == other.key
        && one.partitions.len() == other.partitions.len()
        && one.partitions.iter().zip(&other.partitions).all(same)
}

/// Returns whether a next run would decide the same from both: besides the same content, the same inputs, fingerprints
/// and descriptions. Where only this differs, publishing costs links and saves rebuilding every night.
#[must_use]
pub fn same_facts(one: &Manifest, other: &Manifest) -> bool {
    one.checks == other.checks && one.inputs == other.inputs && one.tables == other.tables
}
