//! What can go wrong between a batch and a published snapshot, folded at the end into the few behaviours of
//! [`crate::Error`]. Deliberately absent: faults of rows, which are data and never come here.

use std::path::PathBuf;

use arrow::{datatypes::DataType, error::ArrowError};
use parquet::errors::ParquetError;

use crate::{
    record::TableName,
    storage::{local, read, vault},
};

/// A failure to write, prepare, commit or read a snapshot.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The disk refused.
    #[error(transparent)]
    Storage(#[from] local::Error),
    /// The object store refused.
    #[error(transparent)]
    Store(#[from] read::Error),
    /// Rows could not be arranged.
    #[error("cannot arrange the rows of `{table}`: {source}")]
    Rows {
        /// The table.
        table: TableName,
        /// Why.
        source: ArrowError,
    },
    /// Rows could not be encoded.
    #[error("cannot write `{}`: {source}", .path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ParquetError,
    },
    /// A Delta log could not be made, or the one before could not be read.
    #[error("cannot continue the Delta log of `{table}`: {source}")]
    Delta {
        /// The table.
        table: TableName,
        /// Why.
        source: ArrowError,
    },
    /// A named column is not in the table.
    #[error("table `{table}` has no column `{column}`, which its {role} names")]
    UnknownColumn {
        /// The table.
        table: TableName,
        /// The name.
        column: String,
        /// `partition_by`, `key` or `dates`.
        role: &'static str,
    },
    /// A column's type cannot stand in a path.
    #[error("table `{table}`: column `{column}` of type `{data_type}` cannot be in `partition_by`")]
    PartitionType {
        /// The table.
        table: TableName,
        /// The column.
        column: String,
        /// Its type.
        data_type: DataType,
    },
    /// A value cannot stand in a path, because readers would take it for NULL.
    #[error("table `{table}`: partition column `{column}` holds {shown}, which readers take for NULL")]
    PartitionValue {
        /// The table.
        table: TableName,
        /// The column.
        column: String,
        /// The value, as it is called.
        shown: String,
    },
    /// Nothing is left for the files.
    #[error("table `{table}` has no column besides those in `partition_by`")]
    OnlyPartitionColumns {
        /// The table.
        table: TableName,
    },
    /// A type cannot be sorted or hashed.
    #[error("table `{table}`: column `{column}` of type `{data_type}` cannot be stored")]
    ColumnType {
        /// The table.
        table: TableName,
        /// The column.
        column: String,
        /// Its type.
        data_type: DataType,
    },
    /// A batch is not of the table's shape.
    #[error("a batch of `{table}` has the columns `{found}` instead of `{expected}`")]
    Shape {
        /// The table.
        table: TableName,
        /// Its columns.
        expected: String,
        /// The batch's columns.
        found: String,
    },
    /// Another run holds the warehouse.
    #[error("{holder} holds the warehouse `{}`", .warehouse.display())]
    Busy {
        /// The warehouse.
        warehouse: PathBuf,
        /// Who, as the start of a sentence.
        holder: String,
    },
    /// A name cannot be a folder of the warehouse.
    #[error("`{name}` cannot name {what} in the warehouse `{}`", .warehouse.display())]
    Name {
        /// The warehouse.
        warehouse: PathBuf,
        /// `an environment`, `a run` or `a schema`.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// A newer tool wrote the manifest.
    #[error("`{}` has manifest version {found}, this tool reads up to {known}", .path.display())]
    ManifestVersion {
        /// The manifest.
        path: PathBuf,
        /// Its version.
        found: u64,
        /// The version of this tool.
        known: u32,
    },
    /// A file of the warehouse is not what it should be.
    #[error("`{}` is damaged: {reason}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// No such snapshot.
    #[error("the warehouse `{}` has no snapshot `{id}`", .warehouse.display())]
    UnknownSnapshot {
        /// The warehouse.
        warehouse: PathBuf,
        /// What was asked for.
        id: String,
        /// The newest that there are.
        known: Vec<String>,
    },
    /// The snapshot is what readers see already.
    #[error("snapshot `{id}` is what `{}` serves already", .warehouse.display())]
    AlreadyServed {
        /// The warehouse.
        warehouse: PathBuf,
        /// The snapshot.
        id: String,
    },
    /// A rollback holds the warehouse.
    #[error("the warehouse `{}` is held at snapshot `{snapshot}` ({reason})", .warehouse.display())]
    Held {
        /// The warehouse.
        warehouse: PathBuf,
        /// The snapshot.
        snapshot: String,
        /// Why.
        reason: String,
    },
    /// Another snapshot was published in between.
    #[error("`{}` points at {found} instead of {expected}, on which this run is based", .link.display())]
    Moved {
        /// The link.
        link: PathBuf,
        /// The base.
        expected: String,
        /// What it points at now.
        found: String,
    },
    /// There are snapshots, but nothing says which one is served.
    #[error("`{}` is gone, though there are snapshots", .link.display())]
    LostLinks {
        /// The link.
        link: PathBuf,
        /// The newest snapshot.
        newest: String,
    },
    /// A manifest names a file that nobody wrote.
    #[error("the manifest names `{path}` of `{table}`, which is neither staged nor in the snapshot before")]
    MissingFile {
        /// The table.
        table: TableName,
        /// Path below its `data/`.
        path: String,
    },
}

impl From<vault::Error> for Error {
    fn from(error: vault::Error) -> Self {
        match error {
            vault::Error::Store(error) => Self::Store(error),
            vault::Error::Disk(error) => Self::Storage(error),
        }
    }
}

impl Error {
    /// Says that another snapshot is served than the one that was seen.
    pub(super) fn moved(link: PathBuf, expected: Option<&str>, found: Option<&str>) -> Self {
        let shown = |id: Option<&str>| id.map_or_else(|| "no snapshot".to_owned(), |id| format!("`{id}`"));
        Self::Moved { link, expected: shown(expected), found: shown(found) }
    }

    /// Returns what to do about it, where that is known.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Storage(error) => return error.hint().map(str::to_owned),
            Self::Store(error) => return error.hint().map(str::to_owned),
            Self::UnknownSnapshot { known, .. } if !known.is_empty() => {
                return Some(format!("there are {}; `tallyhouse snapshots ls` shows all", quoted(known)));
            }
            Self::Delta { .. } => {
                "publish once with `publish: { formats: [parquet] }`: with `delta` again, the log begins anew"
            }
            Self::PartitionType { .. } => {
                "partition by a date, an integer, a string or a boolean: for a timestamp, `local_date(t, $timezone)`"
            }
            Self::PartitionValue { .. } => {
                "turn it into NULL with `nullif(column, '')`, or into a word such as `unknown`"
            }
            Self::OnlyPartitionColumns { .. } => "leave one of them out of `partition_by`, or add a column",
            Self::ManifestVersion { .. } => "use a tallyhouse at least as new as the one that published the snapshot",
            Self::LostLinks { newest, .. } => {
                return Some(format!(
                    "let it point at one of them: `ln -s snapshots/{newest} current` in the warehouse, or, in an object \
                     store, write `current.json`: {{\"snapshot\": \"{newest}\"}}"
                ));
            }
            Self::Damaged { .. } => "serve an older snapshot with `tallyhouse snapshots rollback`, or restore a backup",
            Self::Held { .. } => "publish again after `tallyhouse snapshots release`",
            Self::Moved { .. } => "run again: it will start from what is served now",
            Self::Name { .. } => "use letters, digits, `-`, `_` and `.`",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

impl From<Error> for crate::Error {
    fn from(error: Error) -> Self {
        let (message, hint) = (error.to_string(), error.hint());
        match error {
            Error::Busy { .. } => Self::Busy { message },
            Error::Storage(_)
            | Error::Store(_)
            | Error::Parquet { .. }
            | Error::Delta { .. }
            | Error::Moved { .. }
            | Error::LostLinks { .. }
            | Error::Damaged { .. }
            | Error::ManifestVersion { .. } => Self::Environment { message, hint },
            Error::UnknownSnapshot { .. }
            | Error::AlreadyServed { .. }
            | Error::Name { .. }
            | Error::PartitionType { .. }
            | Error::OnlyPartitionColumns { .. }
            | Error::ColumnType { .. } => Self::Usage { message, hint },
            Error::PartitionValue { .. } | Error::Held { .. } | Error::Rows { .. } => Self::Data { message, hint },
            Error::UnknownColumn { .. } | Error::Shape { .. } | Error::MissingFile { .. } => Self::Bug { message },
        }
    }
}
