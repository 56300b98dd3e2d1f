//! Extracts: where the bytes are and how they become raw records.
//!
//! In: a source's location and format. Out: its files, and for each a reader of [`RawBatch`]es. Deliberately knows no
//! contract beyond the [`Hints`] that tell a header from a title line.
//!
//! ```text
//!  files ──► detect ──► csv ─────────┐ decode → split ┐
//!  listed    by magic   json_lines ──┘                ├─► row ──► sieve ──► RawBatch
//!  bytes     and name   xlsx ─────────────────────────┘           records from titles, totals, notes
//!                       parquet, database ──────────────► row ──────────────► RawBatch
//! ```

use std::sync::Arc;

use bytes::Bytes;

use crate::{
    define::project::{CsvOptions, Format},
    record::{FileShape, LineCount, RawBatch},
    storage,
};

mod files;
pub use files::{ExtractFile, list, read};

mod detect;

mod csv;

mod xlsx;

mod json_lines;

mod parquet;

mod database;

mod decode;

mod lines;

mod header;

mod row;

mod sieve;

/// The most rows that a batch holds.
const BATCH_ROWS: usize = 8_192;

/// What a contract tells a reader so that it can recognise header and total rows.
#[derive(Debug, Clone, Default)]
pub struct Hints {
    /// Every name that a column may have in a header.
    pub names: Vec<String>,
    /// The names of each required column: a row in which one of them is empty may be a total row.
    pub required: Vec<Vec<String>>,
}

/// Reads one file as raw records. Synchronous: the engine decides where it runs.
pub trait RecordReader: Send {
    /// Returns what was found out about the file.
    fn shape(&self) -> &FileShape;

    /// Returns the next rows, or None at the end. A batch holds at most 8,192 rows.
    ///
    /// # Errors
    /// When the file cannot be read any further.
    fn next_batch(&mut self) -> Result<Option<RawBatch>, Error>;

    /// Returns the lines seen so far; balanced once [`RecordReader::next_batch`] has returned None.
    fn lines(&self) -> LineCount;
}

/// Opens a file's bytes.
///
/// # Errors
/// When the bytes are not what `format` says, naming the file and what to do.
pub fn open(path: &Arc<str>, bytes: Bytes, format: &Format, hints: &Hints) -> Result<Box<dyn RecordReader>, Error> {
    let detected;
    let format = match format {
        Format::Auto => {
            detected = detect::format(path, &bytes)?;
            &detected
        }
        declared => declared,
    };
    match format {
        Format::Auto => csv::open(path, bytes, &CsvOptions::default(), hints),
        Format::Csv(options) => csv::open(path, bytes, options, hints),
        Format::Xlsx(options) => xlsx::open(path, &bytes, options, hints),
        Format::JsonLines => json_lines::open(path, bytes),
        Format::Parquet => parquet::open(path, bytes),
        Format::Database { table } => {
            database::open(path, &bytes, Some(table.as_str()).filter(|name| !name.is_empty()))
        }
    }
}

/// A file that cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are not what the format says.
    #[error("cannot read `{path}`: {reason}")]
    Unreadable {
        /// The file.
        path: Arc<str>,
        /// Why.
        reason: String,
        /// What to do.
        hint: Option<String>,
    },
    /// The location cannot be listed, or a file cannot be fetched.
    #[error(transparent)]
    Storage(#[from] storage::read::Error),
}

impl Error {
    /// Returns what to do about it, where that is known.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Unreadable { hint, .. } => hint.as_deref(),
            Self::Storage(error) => error.hint(),
        }
    }

    fn unreadable(path: &Arc<str>, reason: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Unreadable { path: Arc::clone(path), reason: reason.into(), hint: Some(hint.into()) }
    }
}

/// Returns the shortest text from which the same number is read again; whole numbers have no decimals.
fn number_text(value: f64) -> String {
    if value == 0.0 { "0".to_owned() } else { value.to_string() }
}

#[cfg(test)]
mod testing;
