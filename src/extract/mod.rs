//! Extracts: where the bytes are and how they become raw records.
//!
//! In: a source's location and format. Out: its files, and for each a reader of [`RawBatch`]es. Deliberately knows no
//! contract beyond the [`Hints`] that tell a header from a title line.
//!
//! ```text
//!  files ──► unpack ──► detect ──► csv, fixed_width ── decode → split ┐
//!  listed    gzip, zip  by magic   xlsx ──────────────────────────────┴─► row ──► sieve ──► RawBatch
//!  bytes     members    and name                                  records from titles, totals, notes
//!                                  json ─────────────── text → scan ────► columns ─────────► RawBatch
//!                                  columnar, avro ────── row by row ────► columns ─────────► RawBatch
//!                                  database ────────────────────────────► row ─────────────► RawBatch
//! ```

use std::sync::Arc;

use crate::{
    define::project::{CsvOptions, Format},
    record::{FileShape, LineCount, RawBatch},
    storage::{self, content::Content},
};

mod files;
pub use files::{ExtractFile, Pull, list, list_since};

mod limits;
pub use limits::Limits;

mod guarded;

mod unpack;

mod detect;

mod csv;
#[cfg(fuzzing)]
pub use csv::open_in_any_blocks;

mod xlsx;

mod json;

mod columnar;

mod avro;

mod fixed_width;

mod database;

mod decode;

mod text;

mod moment;

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

/// Reads one table of a file as raw records. Synchronous: the caller decides where it runs.
///
/// Two ways lead through it. [`RecordReader::next_batch`] does everything in turn. For many threads,
/// [`RecordReader::next_piece`] is called under a lock and cheap, [`Piece::cut`] does the work without it, and
/// [`RecordReader::take_back`] settles what the piece left, in any order; [`RecordReader::finish`] comes last.
pub trait RecordReader: Send {
    /// Returns what was found out about the file.
    fn shape(&self) -> &FileShape;

    /// Returns the next rows, or None at the end.
    ///
    /// # Errors
    /// When the file cannot be read any further.
    fn next_batch(&mut self) -> Result<Option<RawBatch>, Error>;

    /// Returns the next piece of the file, or None after the last one.
    ///
    /// # Errors
    /// When the file cannot be read any further.
    fn next_piece(&mut self) -> Result<Option<Piece>, Error> {
        Ok(self.next_batch()?.map(Piece::from))
    }

    /// Takes back what a piece left over.
    fn take_back(&mut self, rest: Rest) {
        let _ = rest;
    }

    /// Ends the file once every piece was cut and taken back, and returns the rows that only its end has shown to be
    /// records.
    ///
    /// # Errors
    /// When the file cannot be read any further.
    fn finish(&mut self) -> Result<Option<RawBatch>, Error> {
        Ok(None)
    }

    /// Returns the lines seen so far; balanced at the end.
    fn lines(&self) -> LineCount;
}

/// A part of a file that any thread can turn into rows.
pub enum Piece {
    /// Rows.
    Batch(Box<RawBatch>),
    /// Text to be cut.
    Uncut(Box<dyn FnOnce() -> (RawBatch, Rest) + Send>),
}

impl Piece {
    /// Returns the piece's rows, and what its reader wants back.
    #[must_use]
    pub fn cut(self) -> (RawBatch, Option<Rest>) {
        match self {
            Self::Batch(batch) => (*batch, None),
            Self::Uncut(cut) => {
                let (batch, rest) = cut();
                (batch, Some(rest))
            }
        }
    }
}

impl From<RawBatch> for Piece {
    fn from(batch: RawBatch) -> Self {
        Self::Batch(Box::new(batch))
    }
}

/// What a piece leaves over: its lines counted, and rows of which only later pieces show what they are.
#[derive(Debug, Default)]
pub struct Rest {
    /// The piece's place in the order of pieces.
    number: u64,
    /// Places whose bytes are no characters.
    bad: u64,
    /// The lines that are settled, and the rows that are not.
    open: sieve::Open,
}

/// One table of a file: the file itself, a member of an archive, a sheet.
pub struct Part {
    /// Path of the file, with `!member` or `#sheet` behind it where it has several.
    pub name: Arc<str>,
    /// Its records.
    pub reader: Box<dyn RecordReader>,
}

/// Opens a file: every table in it, in the file's order, once it is unpacked. An empty file has one table without columns.
///
/// # Errors
/// When the bytes are not what `format` says or unpack to more than the limits allow, naming the file and what to do.
pub fn open(
    path: &Arc<str>,
    content: &Content,
    format: &Format,
    hints: &Hints,
    limits: &Limits,
) -> Result<Vec<Part>, Error> {
    unpack::open(path, content, format, hints, limits)
}

/// Opens what is no archive and not compressed; `name` is how it would be called if it lay alone.
fn open_plain(
    path: &Arc<str>,
    name: &str,
    content: &Content,
    format: &Format,
    hints: &Hints,
    limits: &Limits,
) -> Result<Vec<Part>, Error> {
    let detected;
    let format = match format {
        Format::Auto => {
            let head = content.part(0, unpack::HEAD_BYTES).map_err(|error| disk(path, &error))?;
            detected = detect::format(path, name, &head)?;
            &detected
        }
        declared => declared,
    };
    if let Format::Xlsx(options) = format {
        return xlsx::open(path, content, options, hints, limits);
    }
    let reader = open_one(path, content, format, hints)?;
    Ok(vec![Part { name: Arc::clone(path), reader }])
}

/// Opens the one table of a file.
fn open_one(
    path: &Arc<str>,
    content: &Content,
    format: &Format,
    hints: &Hints,
) -> Result<Box<dyn RecordReader>, Error> {
    match format {
        Format::Csv(options) => csv::open(path, content, options, hints),
        Format::Json(options) => json::open(path, content, options, hints),
        Format::Parquet => columnar::open(path, content, columnar::Kind::Parquet, hints),
        Format::Arrow => columnar::open(path, content, columnar::Kind::Arrow, hints),
        Format::Avro => avro::open(path, content, hints),
        Format::FixedWidth(options) => fixed_width::open(path, content, options, hints),
        Format::Database(options) => database::open(path, content, options, hints),
        // The three that are resolved before.
        Format::Auto | Format::Xlsx(_) | Format::Member { .. } => {
            csv::open(path, content, &CsvOptions::default(), hints)
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
    /// A database server cannot be reached, or says no.
    #[error("cannot read `{path}`: {reason}")]
    Unreachable {
        /// The pull.
        path: Arc<str>,
        /// What happened.
        reason: String,
        /// What to do.
        hint: String,
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
            Self::Unreachable { hint, .. } => Some(hint),
            Self::Storage(error) => error.hint(),
        }
    }

    fn unreadable(path: &Arc<str>, reason: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Unreadable { path: Arc::clone(path), reason: reason.into(), hint: Some(hint.into()) }
    }
}

/// Says that the disk failed under a file.
fn disk(path: &Arc<str>, error: &std::io::Error) -> Error {
    Error::unreadable(path, error.to_string(), "check the disk and the permissions of the file")
}

/// Returns a number of things as people write it: `1 line`, `2 lines`.
fn counted(count: u64, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}

/// Returns the shortest text from which the same number is read again; whole numbers have no decimals.
fn number_text(value: f64) -> String {
    if value == 0.0 { "0".to_owned() } else { value.to_string() }
}

/// Returns the shortest text from which the same single-precision number is read again.
fn single_text(value: f32) -> String {
    if value == 0.0 { "0".to_owned() } else { value.to_string() }
}

#[cfg(test)]
mod testing;

#[cfg(test)]
mod tests;
