//! Compares what lies on the disk with what the manifests say.
//!
//! ```text
//!  manifest ──► its files ──► there? as many bytes? ──► once for each inode, on several threads:
//!                                                        BLAKE3 of the bytes, rows in the Parquet footer
//!  snapshot's folder ──► files that nothing names: litter
//! ```
//!
//! In: ids of snapshots. Out: every finding. Nothing is changed and nothing is locked: a snapshot that a run removes
//! meanwhile is left out of the findings. Deliberately absent: repair.

use std::{
    collections::{BTreeSet, HashMap},
    panic::resume_unwind,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

use parquet::file::metadata::ParquetMetaDataReader;
use serde::Serialize;

use super::{
    Error, Warehouse,
    depot::Depot,
    layout::{self, MANIFEST, VIEWS},
};
use crate::{
    record::{
        Manifest, StoredAt, TableName,
        manifest::{DataFile, Partition, Table},
    },
    storage::local::{self, inventory},
};

/// What was compared, and what is wrong.
#[derive(Debug, Default, Serialize)]
pub struct Verified {
    /// The snapshots.
    pub snapshots: Vec<String>,
    /// Files that their manifests name.
    pub files: usize,
    /// Their bytes, as the manifests say.
    pub bytes: u64,
    /// Bytes that were read: files that several snapshots share count once.
    pub hashed_bytes: u64,
    /// What is wrong, by snapshot and path.
    pub findings: Vec<Finding>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// In which snapshot.
    pub snapshot: String,
    /// Path below the snapshot's folder.
    pub path: String,
    /// What.
    #[serde(flatten)]
    pub problem: Problem,
}

/// What can be wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, thiserror::Error)]
#[serde(tag = "problem", rename_all = "snake_case")]
pub enum Problem {
    /// It is not there.
    #[error("is missing")]
    Missing,
    /// It has another length.
    #[error("has {found} bytes instead of {expected}")]
    Bytes {
        /// As the manifest says.
        expected: u64,
        /// As the disk says.
        found: u64,
    },
    /// It has other bytes.
    #[error("has other bytes than were published: BLAKE3 {found} instead of {expected}")]
    Hash {
        /// As the manifest says.
        expected: String,
        /// Of its bytes.
        found: String,
    },
    /// It has another number of rows.
    #[error("has {found} rows instead of {expected}")]
    Rows {
        /// As the manifest says.
        expected: u64,
        /// As the footer says.
        found: u64,
    },
    /// It cannot be read.
    #[error("cannot be read: {reason}")]
    Unreadable {
        /// Why.
        reason: String,
    },
    /// Nothing names it.
    #[error("is named by nothing")]
    Litter,
}

/// A file to be read once, for whoever names it.
struct Job {
    place: StoredAt,
    is_parquet: bool,
    bytes: u64,
    named: Vec<Named>,
}

/// Who names a file, and what it should be.
struct Named {
    snapshot: String,
    path: String,
    file: DataFile,
}

impl Warehouse {
    /// Compares snapshots with the disk, reading files on so many threads.
    ///
    /// # Errors
    /// When the disk refuses to list a folder. What is wrong with a snapshot is a finding.
    pub fn verify(&self, snapshots: &[String], threads: usize) -> Result<Verified, Error> {
        let mut verified = Verified { snapshots: snapshots.to_vec(), ..Verified::default() };
        let mut jobs = HashMap::new();
        for id in snapshots {
            match self.manifest(id) {
                Ok(manifest) => self.compare(&manifest, &mut jobs, &mut verified)?,
                Err(error) => verified.findings.push(unreadable(id, MANIFEST, error.to_string())),
            }
        }
        let mut jobs: Vec<Job> = jobs.into_values().collect();
        // Large files first: the threads then end at about the same time.
        jobs.sort_by(|one, other| other.bytes.cmp(&one.bytes).then_with(|| one.place.cmp(&other.place)));
        verified.hashed_bytes = jobs.iter().map(|job| job.bytes).sum();
        verified.findings.extend(read_all(&jobs, &*self.depot, threads));
        verified.findings.extend(self.unnamed()?);
        let still_there: BTreeSet<String> = self.published()?.into_iter().collect();
        verified.findings.retain(|finding| still_there.contains(&finding.snapshot));
        verified.findings.sort();
        Ok(verified)
    }

    /// Compares names and lengths; what has to be read becomes a job.
    fn compare(
        &self,
        manifest: &Manifest,
        jobs: &mut HashMap<(u64, u64), Job>,
        verified: &mut Verified,
    ) -> Result<(), Error> {
        let id = &manifest.snapshot;
        let folder = self.depot.folder(id);
        let root = folder.clone().unwrap_or_default();
        let mut known: BTreeSet<PathBuf> = [MANIFEST, VIEWS].map(|name| root.join(name)).into();
        for (table, file) in manifest.files() {
            (verified.files, verified.bytes) = (verified.files + 1, verified.bytes + file.bytes);
            let place = self.file(id, &table, file);
            let path = match &place {
                StoredAt::Disk(path) => below(path, &root),
                StoredAt::Store(key) => key.clone(),
            };
            let finding = |problem| Finding { snapshot: id.clone(), path: path.clone(), problem };
            let found = match &place {
                StoredAt::Disk(path) => inventory::find(path)?.map(|found| (found.identity, found.bytes)),
                // What is missing or too short is found when it is fetched.
                StoredAt::Store(key) => Some((identity(key), file.bytes)),
            };
            match found {
                None => verified.findings.push(finding(Problem::Missing)),
                Some((_, bytes)) if bytes != file.bytes => {
                    verified.findings.push(finding(Problem::Bytes { expected: file.bytes, found: bytes }));
                }
                Some((identity, bytes)) => {
                    let is_parquet = table.schema != crate::record::table::NORMALIZED;
                    let new = || Job { place: place.clone(), is_parquet, bytes, named: Vec::new() };
                    let job = jobs.entry(identity).or_insert_with(new);
                    job.named.push(Named { snapshot: id.clone(), path: path.clone(), file: file.clone() });
                }
            }
            if let StoredAt::Disk(path) = place {
                known.insert(path);
            }
        }
        verified.findings.extend(wrong_sums(manifest));
        if folder.is_some() {
            if inventory::find(&root.join(VIEWS))?.is_none() {
                let path = VIEWS.to_owned();
                verified.findings.push(Finding { snapshot: id.clone(), path, problem: Problem::Missing });
            }
            verified.findings.extend(litter(manifest, &root, &known)?);
        }
        Ok(())
    }

    /// Returns the files that no snapshot has, where all share one place.
    fn unnamed(&self) -> Result<Vec<Finding>, Error> {
        let Some(snapshot) = self.served()?.filter(|id| self.depot.folder(id).is_none()) else { return Ok(Vec::new()) };
        // What a manifest names that cannot be read, nobody can tell from litter.
        let Ok(published) = self.snapshots() else { return Ok(Vec::new()) };
        let unnamed = self.depot.unnamed(&published)?.into_iter();
        Ok(unnamed.map(|path| Finding { snapshot: snapshot.clone(), path, problem: Problem::Litter }).collect())
    }
}

/// Returns what tells an object from others, as device and inode tell files apart.
fn identity(key: &str) -> (u64, u64) {
    let hash = blake3::hash(key.as_bytes());
    let (one, other) = hash.as_bytes().split_at(8);
    let number = |bytes: &[u8]| bytes.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte));
    (number(one), number(other))
}

fn unreadable(snapshot: &str, path: &str, reason: String) -> Finding {
    Finding { snapshot: snapshot.to_owned(), path: path.to_owned(), problem: Problem::Unreadable { reason } }
}

fn below(path: &Path, root: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned()
}

/// Returns the partitions whose rows are not those of their files.
fn wrong_sums(manifest: &Manifest) -> Vec<Finding> {
    let sum = |partition: &Partition| partition.files.iter().map(|file| file.rows).sum::<u64>();
    let wrong = |(name, table): (&TableName, &Table)| -> Vec<Finding> {
        let wrong = table.partitions.iter().filter(|partition| sum(partition) != partition.rows);
        let finding = |partition: &Partition| Finding {
            snapshot: manifest.snapshot.clone(),
            path: layout::data_path(name).join(partition.values.to_path(&table.partition_by)).display().to_string(),
            problem: Problem::Rows { expected: partition.rows, found: sum(partition) },
        };
        wrong.map(finding).collect()
    };
    manifest.tables.iter().flat_map(wrong).collect()
}

/// Returns the files in a snapshot's folder that neither the manifest nor a Delta log explains.
fn litter(manifest: &Manifest, root: &Path, known: &BTreeSet<PathBuf>) -> Result<Vec<Finding>, Error> {
    let logs: Vec<PathBuf> = manifest.tables.keys().map(|name| root.join(layout::log_path(name))).collect();
    let is_litter = |path: &PathBuf| !known.contains(path) && !logs.iter().any(|log| path.starts_with(log));
    let finding = |path: PathBuf| Finding {
        snapshot: manifest.snapshot.clone(),
        path: below(&path, root),
        problem: Problem::Litter,
    };
    Ok(inventory::files_below(root)?.into_iter().filter(is_litter).map(finding).collect())
}

/// Reads files on several threads.
fn read_all(jobs: &[Job], depot: &dyn Depot, threads: usize) -> Vec<Finding> {
    let next = AtomicUsize::new(0);
    let read_some = || {
        let mut findings = Vec::new();
        while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            findings.extend(job.read(depot));
        }
        findings
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads.min(jobs.len())).map(|_| scope.spawn(read_some)).collect();
        let mut findings = read_some();
        for other in others {
            findings.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        findings
    })
}

impl Job {
    fn read(&self, depot: &dyn Depot) -> Vec<Finding> {
        let (hash, rows) = match &self.place {
            StoredAt::Disk(path) => (inventory::hash(path).map_err(|error| error.to_string()), self.rows(path)),
            StoredAt::Store(key) => self.fetched(key, depot),
        };
        let wrong = |file: &DataFile| match (&hash, &rows) {
            (Ok(found), _) if *found != file.blake3 => {
                Some(Problem::Hash { expected: file.blake3.clone(), found: found.clone() })
            }
            (Err(reason), _) | (_, Err(reason)) => Some(Problem::Unreadable { reason: reason.clone() }),
            (_, Ok(Some(found))) if *found != file.rows => Some(Problem::Rows { expected: file.rows, found: *found }),
            _ => None,
        };
        let finding = |named: &Named| {
            let problem = wrong(&named.file)?;
            Some(Finding { snapshot: named.snapshot.clone(), path: named.path.clone(), problem })
        };
        self.named.iter().filter_map(finding).collect()
    }

    /// Reads a copy of an object, which is removed again.
    fn fetched(&self, key: &str, depot: &dyn Depot) -> (Result<String, String>, Result<Option<u64>, String>) {
        let name = format!("tallyhouse-verify-{}-{}", std::process::id(), blake3::hash(key.as_bytes()).to_hex());
        let copy = local::scratch(&name);
        let read = match depot.fetch(key, &copy) {
            Ok(()) => (inventory::hash(&copy).map_err(|error| error.to_string()), self.rows(&copy)),
            Err(error) => (Err(error.to_string()), Ok(None)),
        };
        if let Err(error) = local::remove_file(&copy) {
            tracing::warn!("{error}");
        }
        read
    }

    /// Returns the rows that a Parquet file's footer names; None for a pack, whose hash says it all.
    fn rows(&self, path: &Path) -> Result<Option<u64>, String> {
        if !self.is_parquet {
            return Ok(None);
        }
        let file = local::open(path).map_err(|error| error.to_string())?;
        let metadata = ParquetMetaDataReader::new().parse_and_finish(&file).map_err(|error| error.to_string())?;
        u64::try_from(metadata.file_metadata().num_rows()).map(Some).map_err(|error| error.to_string())
    }
}
