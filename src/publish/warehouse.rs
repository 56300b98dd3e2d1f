//! A warehouse: which snapshots it has, which one it serves, and who may change that.
//!
//! In: its address and, optionally, an environment. Out: manifests, places of data files, a [`Lock`]. Opening and reading
//! create nothing. Deliberately absent: writing a snapshot (`staging`, `commit`), taking one back (`rollback`), and how a
//! folder or an object store does it (`depot`).

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use object_store::ObjectStore;
use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::{
    Error,
    depot::{Attempt, Depot, Hold, Pool, Timing, Tree},
    layout::{self, MANIFEST, SNAPSHOTS, Target},
};
use crate::{
    record::{
        Manifest, StoredAt, TableName,
        manifest::{DataFile, MANIFEST_VERSION, Partition, Table},
        table::OPS,
    },
    storage::{
        local::{self, lock::Holder},
        vault::Vault,
    },
};

/// A warehouse, seen from production or from an environment.
#[derive(Debug, Clone)]
pub struct Warehouse {
    pub(super) depot: Arc<dyn Depot>,
    pub(super) target: Target,
    /// What scans read its files from, if that is not the disk.
    store: Option<Arc<dyn ObjectStore>>,
}

/// The right to change a warehouse; it ends when the last clone is dropped.
#[derive(Debug, Clone)]
pub struct Lock {
    pub(super) hold: Arc<dyn Hold>,
}

/// What `current.json` says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Pointer {
    /// The snapshot; null before the first.
    pub snapshot: Option<String>,
    /// When it became visible: RFC 3339, UTC.
    #[serde(default)]
    pub published_at: String,
    /// Its manifest, from the warehouse's root.
    #[serde(default)]
    pub manifest: Option<String>,
    /// In an object store, how often a run lost the warehouse to another one.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub epoch: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Pointer {
    pub fn to(snapshot: &str, now: String) -> Self {
        Self::of(Some(snapshot), now)
    }

    pub fn of(snapshot: Option<&str>, now: String) -> Self {
        let manifest = snapshot.map(|snapshot| format!("{SNAPSHOTS}/{snapshot}/{MANIFEST}"));
        Self { snapshot: snapshot.map(str::to_owned), published_at: now, manifest, epoch: 0 }
    }
}

impl Warehouse {
    /// Opens a folder, which need not exist yet; with `env`, that environment's snapshots are served and replaced.
    ///
    /// # Errors
    /// When the path is a file or `env` cannot be a file name.
    pub fn open(path: &Path, env: Option<&str>) -> Result<Self, Error> {
        Self::over(Arc::new(Tree::open(path)?), None, env)
    }

    /// Opens a prefix of an object store, where nothing need be yet.
    ///
    /// # Errors
    /// When `env` cannot be a file name.
    pub fn in_store(vault: Vault, env: Option<&str>) -> Result<Self, Error> {
        let store = vault.client();
        Self::over(Arc::new(Pool::new(vault, Timing::default())), Some(store), env)
    }

    pub(super) fn over(
        depot: Arc<dyn Depot>,
        store: Option<Arc<dyn ObjectStore>>,
        env: Option<&str>,
    ) -> Result<Self, Error> {
        let target = match env {
            Some(name) if !layout::is_file_name(name) || Path::new(name).extension().is_some() => {
                let warehouse = depot.root().to_owned();
                return Err(Error::Name { warehouse, what: "an environment", name: name.to_owned() });
            }
            Some(name) => Target::environment(name),
            None => Target::production(),
        };
        Ok(Self { depot, target, store })
    }

    /// Returns the warehouse's address: its folder, or what people write for its prefix.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.depot.root()
    }

    /// Returns what scans read [`StoredAt::Store`] from; None if all files lie on the disk.
    #[must_use]
    pub fn store(&self) -> Option<Arc<dyn ObjectStore>> {
        self.store.clone()
    }

    /// Returns the id of the snapshot that readers see; None before the first publication. An environment does not fall
    /// back to production here.
    ///
    /// # Errors
    /// When the link cannot be read.
    pub fn served(&self) -> Result<Option<String>, Error> {
        Ok(self.depot.served(&self.target)?.snapshot)
    }

    /// Returns the manifest on which a run is based: of the snapshot that readers see, or, in an environment that has
    /// published nothing yet, of production's.
    ///
    /// # Errors
    /// When the link or the manifest cannot be read, or a newer tool wrote it.
    pub fn current(&self) -> Result<Option<Manifest>, Error> {
        self.current_id()?.map(|id| self.manifest(&id)).transpose()
    }

    /// Returns the id of the snapshot on which a run is based.
    ///
    /// # Errors
    /// When the link cannot be read.
    pub fn current_id(&self) -> Result<Option<String>, Error> {
        match self.served()? {
            None => Ok(self.depot.served(&Target::production())?.snapshot),
            served => Ok(served),
        }
    }

    /// Reads the manifest of a snapshot.
    ///
    /// # Errors
    /// When there is no such snapshot, the manifest is damaged, or a newer tool wrote it.
    pub fn manifest(&self, id: &str) -> Result<Manifest, Error> {
        let (path, bytes) = self.manifest_bytes(id)?;
        parse_manifest(&path, &bytes)
    }

    /// Returns what a manifest says before anything is made of its thousands of files.
    pub(super) fn outline(&self, id: &str) -> Result<Outline, Error> {
        let (path, bytes) = self.manifest_bytes(id)?;
        from_json(&path, &bytes)
    }

    fn manifest_bytes(&self, id: &str) -> Result<(PathBuf, Vec<u8>), Error> {
        let name = format!("{SNAPSHOTS}/{id}/{MANIFEST}");
        let known = layout::sequence(id).is_some() && layout::is_file_name(id);
        match if known { self.depot.read(&name)? } else { None } {
            Some(bytes) => Ok((self.path().join(name), bytes)),
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

    /// Returns where a snapshot's data file lies.
    #[must_use]
    pub fn file(&self, snapshot: &str, table: &TableName, file: &DataFile) -> StoredAt {
        self.depot.stored_at(snapshot, table, file)
    }

    /// Takes the warehouse for a run, without waiting. A folder is created here; the one above it must exist.
    ///
    /// # Errors
    /// [`Error::Busy`] when another run holds it; else when the disk or the store refuses.
    pub fn lock(&self, run: &str) -> Result<Lock, Error> {
        match self.depot.lock(&Holder::this_process(run))? {
            Attempt::Locked(hold) => Ok(Lock { hold: hold.into() }),
            Attempt::Busy(holder) => Err(Error::Busy { warehouse: self.path().to_owned(), holder: sentence(holder) }),
        }
    }

    /// Writes what a run did to `runs/<run>.json`, replacing what the run wrote before.
    ///
    /// # Errors
    /// When the disk or the store refuses, or the run's id cannot be a file name.
    pub fn record_run(&self, run: &str, record: &impl Serialize) -> Result<PathBuf, Error> {
        self.check_name("a run", run)?;
        let name = format!("{}/{run}.json", layout::RUNS);
        let path = self.path().join(&name);
        self.depot.write(&name, to_json(&path, record)?)?;
        Ok(path)
    }

    /// Returns the names of all records of runs, the newest first.
    ///
    /// # Errors
    /// When the disk or the store refuses to list them.
    pub fn recorded_runs(&self) -> Result<Vec<String>, Error> {
        let mut names = self.depot.names(layout::RUNS)?;
        names.sort_by(|one, other| other.cmp(one));
        Ok(names.iter().filter_map(|name| name.strip_suffix(".json")).map(str::to_owned).collect())
    }

    /// Reads what [`Self::record_run`] wrote under a name; None when there is none.
    ///
    /// # Errors
    /// When it cannot be read, or is damaged.
    pub fn recorded<T: for<'de> Deserialize<'de>>(&self, run: &str) -> Result<Option<T>, Error> {
        let name = format!("{}/{run}.json", layout::RUNS);
        let bytes = self.depot.read(&name)?;
        bytes.map(|bytes| from_json(&self.path().join(&name), &bytes)).transpose()
    }

    pub(super) fn check_name(&self, what: &'static str, name: &str) -> Result<(), Error> {
        if layout::is_file_name(name) {
            return Ok(());
        }
        Err(Error::Name { warehouse: self.path().to_owned(), what, name: name.to_owned() })
    }

    /// Returns production's and every environment's files.
    pub(super) fn targets(&self) -> Result<Vec<Target>, Error> {
        Ok(layout::targets(&self.depot.names(layout::ENVIRONMENTS)?))
    }

    /// Returns the snapshots that links point at.
    pub(super) fn all_served(&self) -> Result<Vec<String>, Error> {
        let served = |target| Ok(self.depot.served(target)?.snapshot);
        self.targets()?.iter().filter_map(|target| served(target).transpose()).collect()
    }

    pub(super) fn is_whole(&self, id: &str) -> Result<bool, Error> {
        self.depot.exists(&format!("{SNAPSHOTS}/{id}/{MANIFEST}"))
    }

    /// Returns the snapshots that are or were served, the newest first. A link only ever moves to a newer snapshot, so
    /// one that is newer than what every link points at was prepared but never published.
    ///
    /// # Errors
    /// When the disk refuses to list them.
    pub fn published(&self) -> Result<Vec<String>, Error> {
        let newest = self.all_served()?.iter().filter_map(|id| layout::sequence(id)).max();
        let mut found = Vec::new();
        for id in self.depot.names(SNAPSHOTS)? {
            if let Some(number) = layout::sequence(&id).filter(|number| Some(*number) <= newest)
                && self.is_whole(&id)?
            {
                found.push((number, id));
            }
        }
        found.sort_by(|one, other| other.cmp(one));
        Ok(found.into_iter().map(|(_, id)| id).collect())
    }

    fn unknown(&self, id: &str) -> Result<Error, Error> {
        let known = self.published()?.into_iter().take(3).collect();
        Ok(Error::UnknownSnapshot { warehouse: self.path().to_owned(), id: id.to_owned(), known })
    }
}

pub(super) fn sentence(holder: Option<Holder>) -> String {
    holder.map_or_else(
        || "another run".to_owned(),
        |Holder { pid, host, run, started_at }| format!("run `{run}` (process {pid} on `{host}`, since {started_at})"),
    )
}

pub(super) fn parse_manifest(path: &Path, bytes: &[u8]) -> Result<Manifest, Error> {
    #[derive(Deserialize)]
    struct Versioned {
        manifest_version: u64,
    }
    // Large manifests are gone through once, and a second time only if something is wrong.
    let manifest = from_json(path, bytes);
    if matches!(&manifest, Ok(Manifest { manifest_version: MANIFEST_VERSION, .. })) {
        return manifest;
    }
    let Versioned { manifest_version: found } = from_json(path, bytes)?;
    if found > u64::from(MANIFEST_VERSION) {
        return Err(Error::ManifestVersion { path: path.to_owned(), found, known: MANIFEST_VERSION });
    }
    manifest
}

/// A manifest as far as most questions about old snapshots go.
#[derive(Debug, Deserialize)]
#[expect(clippy::zero_sized_map_values, reason = "only the names are asked for")]
pub(super) struct Outline {
    pub parent: Option<String>,
    pub created_at: String,
    pub tables: BTreeMap<TableName, IgnoredAny>,
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

/// Returns whether a next run would decide the same from both: besides the same content, the same formats, inputs,
/// fingerprints and descriptions. Where only this differs, publishing costs links and saves rebuilding every night. What
/// runs tell about themselves (`ops`) follows from the rest.
#[must_use]
pub fn same_facts(one: &Manifest, other: &Manifest) -> bool {
    fn facts(manifest: &Manifest) -> impl Iterator<Item = (&TableName, &Table)> {
        manifest.tables.iter().filter(|(name, _)| name.schema != OPS)
    }
    one.formats == other.formats
        && one.checks == other.checks
        && one.inputs == other.inputs
        && facts(one).eq(facts(other))
}
