//! What readers see: files → every row as text, before any contract.
//!
//! In: inputs and how to read them. Out: each part's rows, one batch after the other, to a [`Sink`], and a report of what
//! was found out. Deliberately types nothing and keeps nothing: a file of any size passes through.

use std::io::{self, Read};

use super::inputs::{Input, Reading};
use crate::{
    Error,
    extract::Part,
    record::{FileShape, LineCount, RawBatch, RawFault},
};

/// One table of one file, before its rows.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    /// The file, with `!member` or `#sheet` behind it where it has several tables.
    pub part: &'a str,
    /// Column names as written.
    pub columns: &'a [String],
    /// Whether it is the only table of the command.
    pub is_only: bool,
}

/// A row that could not be cut into cells.
#[derive(Debug, Clone, Copy)]
pub struct Unread<'a> {
    /// Its part.
    pub part: &'a str,
    /// First physical line, 1-based.
    pub line: u64,
    /// Offset in the file's bytes, where the format has one.
    pub byte_offset: Option<u64>,
    /// `row_shape`, `encoding`, `truncated` or `quote`.
    pub rule: &'static str,
    /// One sentence for a person.
    pub reason: &'a str,
    /// The row as it stands in the file.
    pub text: &'a str,
}

/// Takes what readers see.
pub trait Sink {
    /// Begins a part.
    ///
    /// # Errors
    /// When its output fails.
    fn begin(&mut self, head: Head<'_>) -> io::Result<()>;

    /// Takes a row and returns whether it wants more of the part.
    ///
    /// # Errors
    /// When its output fails.
    fn row(&mut self, batch: &RawBatch, row: usize) -> io::Result<bool>;

    /// Takes a row that could not be read.
    ///
    /// # Errors
    /// When its output fails.
    fn unread(&mut self, row: Unread<'_>) -> io::Result<()>;

    /// Ends a part.
    ///
    /// # Errors
    /// When its output fails.
    fn end(&mut self) -> io::Result<()>;
}

/// What was found out about one part.
#[derive(Debug, Clone, serde::Serialize)]
pub struct PartReport {
    /// The file, with `!member` or `#sheet` behind it where it has several tables.
    pub part: String,
    /// Format, encoding, dialect and header.
    #[serde(flatten)]
    pub shape: FileShape,
    /// Lines by kind.
    pub lines: LineCount,
    /// Rows that were read.
    pub rows: u64,
    /// Rows that were not.
    pub rejected: u64,
    /// Whether reading ended before the part did, because no more rows were asked for.
    pub is_cut_short: bool,
}

/// A failure that stands between the parts: a file that cannot be read at all.
#[derive(Debug)]
pub struct Failed {
    /// The file.
    pub file: String,
    /// Why.
    pub error: Error,
}

/// Why an extraction ended early.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// The sink cannot take any more.
    #[error("cannot write: {0}")]
    Output(#[from] io::Error),
}

/// What became of all files.
#[derive(Debug, Default)]
pub struct Extracted {
    /// Parts that were read, in order.
    pub parts: Vec<PartReport>,
    /// Files that were not.
    pub failed: Vec<Failed>,
}

/// Shows every part of every input to a sink. A file that cannot be read does not hide the others.
///
/// # Errors
/// When the sink's output fails.
pub async fn extract(
    inputs: &[Input],
    how: &Reading,
    reads_all: bool,
    standard_input: &mut dyn Read,
    sink: &mut dyn Sink,
) -> Result<Extracted, Stopped> {
    let mut extracted = Extracted::default();
    for input in inputs {
        let parts = match input.open(how, standard_input).await {
            Ok(parts) => parts,
            Err(error) => {
                extracted.failed.push(Failed { file: input.name.to_string(), error });
                continue;
            }
        };
        let is_only = inputs.len() == 1 && parts.len() == 1;
        for part in parts {
            let file = part.name.to_string();
            match show(part, is_only, reads_all, sink)? {
                (report, None) => extracted.parts.push(report),
                (_, Some(error)) => extracted.failed.push(Failed { file, error }),
            }
        }
    }
    Ok(extracted)
}

/// Shows one part, as far as it can be read.
fn show(
    mut part: Part,
    is_only: bool,
    reads_all: bool,
    sink: &mut dyn Sink,
) -> Result<(PartReport, Option<Error>), Stopped> {
    let shape = part.reader.shape().clone();
    sink.begin(Head { part: &part.name, columns: &shape.header, is_only })?;
    let (mut rows, mut rejected, mut wants_more) = (0, 0, true);
    let failure = loop {
        if !wants_more && !reads_all {
            break None;
        }
        let batch = match part.reader.next_batch() {
            Ok(Some(batch)) => batch,
            Ok(None) => break None,
            Err(error) => break Some(error.into()),
        };
        for row in 0..batch.len() {
            if let Some(fault) = batch.fault(row) {
                rejected += 1;
                unread(&part.name, &shape, &batch, row, fault, sink)?;
            } else {
                rows += 1;
                wants_more = wants_more && sink.row(&batch, row)?;
            }
        }
    };
    sink.end()?;
    let shape = part.reader.shape().clone();
    let lines = part.reader.lines();
    let is_cut_short = !wants_more && !reads_all;
    let part = part.name.to_string();
    Ok((PartReport { part, shape, lines, rows, rejected, is_cut_short }, failure))
}

fn unread(
    part: &str,
    shape: &FileShape,
    batch: &RawBatch,
    row: usize,
    fault: RawFault,
    sink: &mut dyn Sink,
) -> io::Result<()> {
    let (rule, reason) = why(fault, shape);
    let text = batch.raw(row);
    sink.unread(Unread {
        part,
        line: batch.line(row),
        byte_offset: batch.byte_offset(row),
        rule,
        reason: &reason,
        text,
    })
}

/// Says why a row could not be cut into cells.
fn why(fault: RawFault, shape: &FileShape) -> (&'static str, String) {
    match fault {
        RawFault::Shape(found, expected) => {
            ("row_shape", format!("{found} {}, expected {expected}", if found == 1 { "cell" } else { "cells" }))
        }
        RawFault::Encoding => {
            let encoding = shape.encoding.as_deref().unwrap_or("the file's encoding");
            ("encoding", format!("the row holds bytes that are not {encoding}"))
        }
        RawFault::Truncated => ("truncated", "the last line was cut off while it was written".to_owned()),
        RawFault::Quote => ("quote", "a quote is never closed, or opens in the middle of a cell".to_owned()),
    }
}
