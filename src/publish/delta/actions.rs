//! The lines of a Delta log, as its protocol spells them.
//!
//! In: facts of a manifest. Out: types that serde writes as one line each, and the part of a line that is read back.
//! Source: the "Actions" chapter of the Delta transaction log protocol.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One line of a log.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Action<'a> {
    /// Who published the version, and why.
    CommitInfo(CommitInfo<'a>),
    /// What a reader must understand.
    Protocol(Protocol),
    /// What the table is.
    MetaData(MetaData<'a>),
    /// A file that is part of the table no more.
    Remove(Remove<'a>),
    /// A file that is part of the table.
    Add(Add<'a>),
}

/// Who published the version, and why.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CommitInfo<'a> {
    /// Milliseconds since 1970.
    pub timestamp: i64,
    /// `WRITE`, or `RESTORE` after a rollback.
    pub operation: &'static str,
    /// The snapshot, the run, and the reason if there is one.
    pub operation_parameters: BTreeMap<&'static str, &'a str>,
    /// The tool.
    pub engine_info: &'static str,
}

/// What a reader must understand.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Protocol {
    /// The version of the protocol that a reader must know.
    pub min_reader_version: i32,
    /// The version of the protocol that a writer must know.
    pub min_writer_version: i32,
}

impl Protocol {
    /// What every reader knows: plain columns, no deletion vectors, no renamed columns.
    pub const PLAIN: Self = Self { min_reader_version: 1, min_writer_version: 2 };
}

/// What the table is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MetaData<'a> {
    /// The table's id, in all of its versions.
    pub id: &'a str,
    /// `schema.table`.
    pub name: &'a str,
    /// What the table is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<&'a str>,
    /// That its files are Parquet.
    pub format: Format,
    /// The columns, as JSON in a text.
    pub schema_string: &'a str,
    /// Partition columns in order of the path.
    pub partition_columns: &'a [String],
    /// Table properties: none.
    pub configuration: BTreeMap<&'static str, &'static str>,
}

/// That the files are Parquet.
#[derive(Debug, Serialize)]
pub struct Format {
    provider: &'static str,
    options: BTreeMap<&'static str, &'static str>,
}

impl Format {
    /// Returns the only format that the protocol allows.
    pub const fn parquet() -> Self {
        Self { provider: "parquet", options: BTreeMap::new() }
    }
}

/// The values of the partition columns, typed as text; None is NULL.
pub type Values<'a> = BTreeMap<&'a str, Option<&'a str>>;

/// A file that is part of the table no more.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Remove<'a> {
    /// From the table's folder, URI-encoded.
    pub path: String,
    /// Milliseconds since 1970.
    pub deletion_timestamp: i64,
    /// Whether rows go with it.
    pub data_change: bool,
    /// Whether the following two are given.
    pub extended_file_metadata: bool,
    /// Values of the partition columns.
    pub partition_values: Values<'a>,
    /// Bytes.
    pub size: u64,
}

/// A file that is part of the table.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Add<'a> {
    /// From the table's folder, URI-encoded.
    pub path: String,
    /// Values of the partition columns.
    pub partition_values: Values<'a>,
    /// Bytes.
    pub size: u64,
    /// When it was published: milliseconds since 1970.
    pub modification_time: i64,
    /// Whether rows come with it.
    pub data_change: bool,
    /// What is known about its rows, as JSON in a text.
    pub stats: String,
}

/// What a checkpoint needs of a line of an earlier version.
#[derive(Debug, Deserialize)]
pub struct EarlierLine {
    /// The file that it adds, if it adds one.
    pub add: Option<EarlierAdd>,
}

/// What only the log knows of a file.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EarlierAdd {
    /// From the table's folder, URI-encoded.
    pub path: String,
    /// When it was published.
    pub modification_time: i64,
    /// What is known about its rows.
    #[serde(default)]
    pub stats: Option<String>,
}
