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
mod schema;
mod statistics;

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write,
};

use arrow::{
    datatypes::{Field, Schema},
    error::ArrowError,
};
use bytes::Bytes;
use chrono::DateTime;
use parquet::file::metadata::ParquetMetaData;

use self::{
    actions::{Action, Add, CommitInfo, Format, MetaData, Remove, Values},
    checkpoint::Known,
};
use crate::record::{
    Manifest, TableName,
    manifest::{Column, DataFile, DeltaLog, Partition, Table},
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
    name: &'a TableName,
    table: &'a Table,
    before: Option<Before<'a>>,
    /// The log with the new version.
    log: DeltaLog,
    added: Vec<File<'a>>,
    removed: Vec<File<'a>>,
    commit: CommitInfo<'a>,
}

/// One data file of a table.
#[derive(Debug, Clone, Copy)]
struct File<'a> {
    partition: &'a Partition,
    file: &'a DataFile,
}

/// A log file: its name and its bytes.
pub(super) type LogFile = (String, Vec<u8>);

/// Returns the first column whose type Delta cannot say; a table with one has no log.
pub(super) fn unknown_column(table: &Table) -> Option<&Column> {
    schema::unknown_column(table)
}

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
    /// When the manifest does not say when it was made.
    pub fn find(
        manifest: &'a Manifest,
        (name, table): (&'a TableName, &'a Table),
        before: Option<Before<'a>>,
    ) -> Result<Option<Self>, ArrowError> {
        let old = before.map_or_else(BTreeMap::new, |before| files_by_path(before.table));
        let new = files_by_path(table);
        let not_in = |these: &BTreeMap<&str, File<'a>>, others: &BTreeMap<&str, File<'a>>| -> Vec<File<'a>> {
            these.iter().filter(|(path, _)| !others.contains_key(*path)).map(|(_, file)| *file).collect()
        };
        let change = Self {
            name,
            table,
            before,
            log: next_version(manifest, name, before.map(|before| before.log)),
            added: not_in(&new, &old),
            removed: not_in(&old, &new),
            commit: commit_info(manifest)?,
        };
        let is_change = !change.added.is_empty() || !change.removed.is_empty() || change.is_other_table();
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
        let is_in_file = |column: &&Column| !self.table.partition_by.contains(&column.name);
        let field = |column: &Column| Some(Field::new(&column.name, schema::arrow_type(column)?, column.nullable));
        let fields: Vec<Field> = self.table.columns.iter().filter(is_in_file).filter_map(field).collect();
        statistics::of_footer(footer, &Schema::new(fields), file.rows)
    }

    /// Returns the new log files: the version and, every ten versions, a checkpoint. `statistics` are those of
    /// [`Self::added`], `earlier` the bytes of [`Self::earlier`], both in that order.
    ///
    /// # Errors
    /// When an earlier file is damaged.
    pub fn write(&self, statistics: &[String], earlier: Vec<Bytes>) -> Result<Vec<LogFile>, ArrowError> {
        let mut files = vec![(version_name(self.log.version), lines(&self.version(statistics))?)];
        if self.is_checkpoint() {
            let state = self.state(statistics, &self.known(earlier)?);
            let last = format!("{{\"version\":{},\"size\":{}}}\n", self.log.version, state.len());
            files.push((checkpoint_name(self.log.version), checkpoint::write(&state)?));
            files.push((LAST_CHECKPOINT.to_owned(), last.into_bytes()));
        }
        Ok(files)
    }

    /// Returns what changes, in the order in which it is told.
    fn version(&self, statistics: &[String]) -> Vec<Action<'_>> {
        let before = self.before.map(|before| before.table);
        let protocol = schema::protocol(self.table);
        let is_same_protocol = before.is_some_and(|before| schema::protocol(before) == protocol);
        let mut actions = vec![Action::CommitInfo(self.commit.clone())];
        actions.extend((!is_same_protocol).then_some(Action::Protocol(protocol)));
        actions.extend(self.is_other_table().then(|| Action::MetaData(self.meta_data(self.table))));
        actions.extend(self.removed.iter().map(|removed| Action::Remove(self.remove(removed))));
        let added = self.added.iter().zip(statistics);
        actions.extend(added.map(|(file, stats)| Action::Add(self.add(file, stats.clone()))));
        actions
    }

    /// Returns all that a reader of the new version must know.
    fn state(&self, statistics: &[String], known: &Known) -> Vec<Action<'_>> {
        let new: HashMap<&str, &String> = self.added.iter().map(|added| added.path()).zip(statistics).collect();
        let add = |file: &File<'a>| {
            let added = self.add(file, String::new());
            let earlier = known.of(&added.path);
            let stats = new.get(file.path()).copied().or_else(|| earlier.and_then(|add| add.stats.as_ref())).cloned();
            Action::Add(Add {
                data_change: false,
                modification_time: earlier.map_or(added.modification_time, |add| add.modification_time),
                stats: stats.unwrap_or_else(|| statistics::of_rows(file.file.rows)),
                ..added
            })
        };
        let table = [Action::Protocol(schema::protocol(self.table)), Action::MetaData(self.meta_data(self.table))];
        table.into_iter().chain(files_by_path(self.table).values().map(add)).collect()
    }

    fn known(&self, earlier: Vec<Bytes>) -> Result<Known, ArrowError> {
        let mut known = Known::default();
        for (name, bytes) in self.earlier().iter().zip(earlier) {
            match name.ends_with(VERSION_END) {
                true => known.read_version(&bytes)?,
                false => known.read_checkpoint(bytes)?,
            }
        }
        Ok(known)
    }

    const fn is_checkpoint(&self) -> bool {
        self.log.version > 0 && self.log.version.is_multiple_of(CHECKPOINT_VERSIONS)
    }

    /// Returns whether columns, partition columns or the description are others, or there was no log.
    fn is_other_table(&self) -> bool {
        self.before.is_none_or(|before| self.meta_data(before.table) != self.meta_data(self.table))
    }

    fn meta_data<'b>(&'b self, table: &'b Table) -> MetaData<'b> {
        MetaData {
            id: &self.log.id,
            name: self.name.to_string(),
            description: table.description.as_deref(),
            format: Format::parquet(),
            schema_string: schema::schema_string(table),
            partition_columns: &table.partition_by,
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

impl<'a> File<'a> {
    /// Returns the path below `data/`.
    fn path(&self) -> &'a str {
        &self.file.path
    }

    /// Returns the path from the table's folder, encoded as in a URI. What Hive escaped is escaped once more.
    fn encoded_path(&self) -> String {
        let mut encoded = String::from("data/");
        for byte in self.file.path.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' | b'=' => {
                    encoded.push(char::from(byte));
                }
                other => {
                    let _ = write!(encoded, "%{other:02X}");
                }
            }
        }
        encoded
    }

    fn values(&self, table: &'a Table) -> Values<'a> {
        let values = self.partition.values.0.iter().map(Option::as_deref);
        table.partition_by.iter().map(String::as_str).zip(values).collect()
    }
}

fn files_by_path(table: &Table) -> BTreeMap<&str, File<'_>> {
    let mut files = BTreeMap::new();
    for partition in &table.partitions {
        files.extend(partition.files.iter().map(|file| (file.path.as_str(), File { partition, file })));
    }
    files
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
