//! The Delta log of a table: the next version of it, from one snapshot to the next. Pure: no disk, no clock.
//!
//! ```text
//!  <table>/_delta_log/00000000000000000041.json     commitInfo, then what changed: metaData, remove, add
//!                     00000000000000000042.json
//!                     00000000000000000040.checkpoint.parquet   all files of version 40
//!                     _last_checkpoint                          that there is one
//!          data/month=2026-06-01/3f9a….parquet                  what `add` names
//! ```
//!
//! In: the table as it is and as it was, the log as the last snapshot left it, statistics of the new files. Out: the log as
//! it is now and the bytes of its new files. A table that did not change gets no version. Versions only go forward: after a
//! rollback the old files are added again. Log files written before the last checkpoint but one are not needed any more.
//!
//! Deliberately absent: putting the files anywhere, and reading tables through a log.

mod actions;
mod checkpoint;
mod file;
mod schema;
mod statistics;

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;

use std::collections::BTreeMap;

use arrow::error::ArrowError;
use bytes::Bytes;
use chrono::DateTime;
use parquet::file::metadata::ParquetMetaData;

use self::{
    actions::{Action, Add, CommitInfo, EarlierAdd, Format, MetaData, Protocol, Remove},
    checkpoint::Known,
    file::File,
};
use crate::record::{
    Manifest, TableName,
    manifest::{DataFile, DeltaLog, Table},
};

/// Versions from one checkpoint to the next.
const CHECKPOINT_VERSIONS: u64 = 10;
/// The file that names the last checkpoint.
const LAST_CHECKPOINT: &str = "_last_checkpoint";
/// How the name of a version's file ends.
const VERSION_END: &str = ".json";
/// The tool, as a log names it.
const ENGINE: &str = concat!("tallyhouse/", env!("CARGO_PKG_VERSION"));

/// A table in the snapshot that is continued, with its log.
#[derive(Debug, Clone, Copy)]
pub(super) struct Before<'a> {
    /// The table as it was.
    pub table: &'a Table,
    /// Its log.
    pub log: &'a DeltaLog,
}

/// What a snapshot changes about a table.
#[derive(Debug)]
pub(super) struct Change<'a> {
    table: &'a Table,
    before: Option<Before<'a>>,
    /// The log with the new version.
    log: DeltaLog,
    /// `schema.table`.
    name: String,
    schema_string: String,
    /// Whether columns, partition columns or the description are others, or there was no log.
    is_other_table: bool,
    added: Vec<File<'a>>,
    removed: Vec<File<'a>>,
    commit: CommitInfo<'a>,
}

/// A log file: its name and its bytes.
pub(super) type LogFile = (String, Vec<u8>);

/// Returns the names of all files of a log.
pub(super) fn files(log: &DeltaLog) -> Vec<String> {
    let versions = (log.oldest..=log.version).map(version_name);
    let checkpoint = log.checkpoint.map(|version| [checkpoint_name(version), LAST_CHECKPOINT.to_owned()]);
    versions.chain(checkpoint.into_iter().flatten()).collect()
}

impl<'a> Change<'a> {
    /// Compares a table of a snapshot with what it was; None when its log stays as it is.
    ///
    /// # Errors
    /// When Delta has no type for a column, or the manifest does not say when it was made.
    pub fn find(
        manifest: &'a Manifest,
        (name, table): (&'a TableName, &'a Table),
        before: Option<Before<'a>>,
    ) -> Result<Option<Self>, ArrowError> {
        let old = before.map_or_else(BTreeMap::new, |before| file::by_path(before.table));
        let new = file::by_path(table);
        let change = Self {
            table,
            before,
            log: next_version(manifest, name, before.map(|before| before.log)),
            name: name.to_string(),
            schema_string: schema::schema_string(table)?,
            is_other_table: before.is_none_or(|before| !is_same_table(before.table, table)),
            added: file::missing_in(&old, &new),
            removed: file::missing_in(&new, &old),
            commit: commit_info(manifest)?,
        };
        let is_change = change.is_other_table || !change.added.is_empty() || !change.removed.is_empty();
        Ok(is_change.then_some(change))
    }

    /// Returns the log with the new version.
    pub const fn log(&self) -> &DeltaLog {
        &self.log
    }

    /// Returns the files that are new, of which the version tells the statistics.
    pub fn added(&self) -> Vec<&'a DataFile> {
        self.added.iter().map(|added| added.file).collect()
    }

    /// Returns the names of the log files that [`Self::write`] wants to see: none but for a checkpoint.
    pub fn earlier(&self) -> Vec<String> {
        let Some(log) = self.before.map(|before| before.log).filter(|_| self.is_checkpoint()) else {
            return Vec::new();
        };
        let first = log.checkpoint.map_or(log.oldest, |checkpoint| checkpoint + 1);
        let versions = (first..=log.version).map(version_name);
        log.checkpoint.map(checkpoint_name).into_iter().chain(versions).collect()
    }

    /// Returns what the version says about a new file.
    ///
    /// # Errors
    /// When the file has not the table's columns.
    pub fn statistics(&self, file: &DataFile, footer: &ParquetMetaData) -> Result<String, ArrowError> {
        statistics::of_footer(footer, &schema::of_files(self.table)?, file.rows)
    }

    /// Returns the new log files: the version and, every ten versions, a checkpoint. `statistics` are those of
    /// [`Self::added`], `earlier` the bytes of [`Self::earlier`], both in that order.
    ///
    /// # Errors
    /// When an earlier file is damaged.
    pub fn write(&self, statistics: Vec<String>, earlier: Vec<Bytes>) -> Result<Vec<LogFile>, ArrowError> {
        let version = lines(&self.version(statistics))?;
        let mut files = Vec::new();
        if self.is_checkpoint() {
            let mut known = Known::default();
            for (name, bytes) in self.earlier().iter().zip(earlier) {
                match name.ends_with(VERSION_END) {
                    true => known.read_version(&bytes)?,
                    false => known.read_checkpoint(bytes)?,
                }
            }
            known.read_version(&version)?;
            let state = self.state(&known);
            let last = format!("{{\"version\":{},\"size\":{}}}\n", self.log.version, state.len());
            files.push((checkpoint_name(self.log.version), checkpoint::write(&state)?));
            files.push((LAST_CHECKPOINT.to_owned(), last.into_bytes()));
        }
        files.push((version_name(self.log.version), version));
        Ok(files)
    }

    /// Returns what changes, in the order in which it is told.
    fn version(&self, statistics: Vec<String>) -> Vec<Action<'_>> {
        let mut actions = vec![Action::CommitInfo(self.commit.clone())];
        actions.extend(self.before.is_none().then_some(Action::Protocol(Protocol::PLAIN)));
        actions.extend(self.is_other_table.then(|| Action::MetaData(self.meta_data())));
        actions.extend(self.removed.iter().map(|removed| Action::Remove(self.remove(removed))));
        let added = self.added.iter().zip(statistics);
        actions.extend(added.map(|(file, stats)| Action::Add(self.add(file, stats))));
        actions
    }

    /// Returns all that a reader of the new version must know.
    fn state(&self, known: &Known) -> Vec<Action<'_>> {
        let add = |file: &File<'a>| {
            let added = self.add(file, statistics::of_rows(file.file.rows));
            Action::Add(match known.of(&added.path) {
                Some(EarlierAdd { modification_time, stats, .. }) => Add {
                    modification_time: *modification_time,
                    stats: stats.clone().unwrap_or(added.stats),
                    data_change: false,
                    ..added
                },
                None => Add { data_change: false, ..added },
            })
        };
        let table = [Action::Protocol(Protocol::PLAIN), Action::MetaData(self.meta_data())];
        table.into_iter().chain(file::by_path(self.table).values().map(add)).collect()
    }

    const fn is_checkpoint(&self) -> bool {
        matches!(self.log.checkpoint, Some(checkpoint) if checkpoint == self.log.version)
    }

    fn meta_data(&self) -> MetaData<'_> {
        MetaData {
            id: &self.log.id,
            name: &self.name,
            description: self.table.description.as_deref(),
            format: Format::parquet(),
            schema_string: &self.schema_string,
            partition_columns: &self.table.partition_by,
            configuration: BTreeMap::new(),
        }
    }

    fn remove(&self, file: &File<'a>) -> Remove<'a> {
        Remove {
            path: file.encoded_path(),
            deletion_timestamp: self.commit.timestamp,
            data_change: true,
            extended_file_metadata: true,
            partition_values: file.values(self.before.map_or(self.table, |before| before.table)),
            size: file.file.bytes,
        }
    }

    fn add(&self, file: &File<'a>, stats: String) -> Add<'a> {
        Add {
            path: file.encoded_path(),
            partition_values: file.values(self.table),
            size: file.file.bytes,
            modification_time: self.commit.timestamp,
            data_change: true,
            stats,
        }
    }
}

/// Returns whether a log says the same about both but for their files.
fn is_same_table(one: &Table, other: &Table) -> bool {
    one.columns == other.columns && one.partition_by == other.partition_by && one.description == other.description
}

/// Returns the log with one more version. A checkpoint lets go of what the one before it did not need.
fn next_version(manifest: &Manifest, name: &TableName, before: Option<&DeltaLog>) -> DeltaLog {
    let Some(before) = before else {
        return DeltaLog { id: new_id(manifest, name), version: 0, checkpoint: None, oldest: 0 };
    };
    let (id, version) = (before.id.clone(), before.version + 1);
    match version.is_multiple_of(CHECKPOINT_VERSIONS) {
        true => DeltaLog { id, version, checkpoint: Some(version), oldest: before.checkpoint.unwrap_or(before.oldest) },
        false => DeltaLog { id, version, ..before.clone() },
    }
}

/// Returns the id of a table whose log begins: a UUID of the free form, from what no other first publication has.
fn new_id(manifest: &Manifest, name: &TableName) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in [&manifest.pipeline, &manifest.snapshot, &manifest.run, &manifest.created_at, &name.to_string()] {
        hasher.update(part.as_bytes()).update(&[0]);
    }
    let hex = hasher.finalize().to_hex();
    format!("{}-{}-8{}-8{}-{}", &hex[..8], &hex[8..12], &hex[12..15], &hex[15..18], &hex[18..30])
}

fn commit_info(manifest: &Manifest) -> Result<CommitInfo<'_>, ArrowError> {
    let made = DateTime::parse_from_rfc3339(&manifest.created_at);
    let timestamp = made.map_err(|error| ArrowError::from_external_error(error.into()))?.timestamp_millis();
    let reason = manifest.reason.as_deref().map(|reason| ("reason", reason));
    let operation = if reason.is_some() { "RESTORE" } else { "WRITE" };
    let parameters = [("snapshot", manifest.snapshot.as_str()), ("run", manifest.run.as_str())];
    let operation_parameters = parameters.into_iter().chain(reason).collect();
    Ok(CommitInfo { timestamp, operation, operation_parameters, engine_info: ENGINE })
}

fn version_name(version: u64) -> String {
    format!("{version:020}{VERSION_END}")
}

fn checkpoint_name(version: u64) -> String {
    format!("{version:020}.checkpoint.parquet")
}

fn lines(actions: &[Action<'_>]) -> Result<Vec<u8>, ArrowError> {
    let mut lines = Vec::new();
    for action in actions {
        serde_json::to_writer(&mut lines, action).map_err(|error| ArrowError::JsonError(error.to_string()))?;
        lines.push(b'\n');
    }
    Ok(lines)
}
