//! Delimited text: decode, detect the dialect, cut, sieve.
//!
//! In: a file and what is declared. Out: its records and every line counted. One row that cannot be cut costs itself.
//! Deliberately knows no types: `1.234,56` stays text, with the decimal mark beside it.
//!
//! ```text
//!  head ──► detect: encoding, dialect, header, tables
//!  rest ──► reader (in turn): read a block, find its last whole row ──► piece (any thread): decode, cut, sieve ─► batch
//!                 ▲────────────────── what the block leaves open ◄────────┘
//! ```

mod boundary;
mod cut;
mod detect;
mod dialect;
mod head;
mod headless;
mod piece;
mod preamble;
mod reader;
mod row_names;
mod tables;
mod trial;

use std::sync::Arc;

use self::{
    detect::{Detected, detect},
    head::Head,
    piece::Plan,
    reader::{BLOCK, Reader, Settling},
};
use super::{
    Error, Hints, RecordReader, counted,
    decode::{Coding, choose},
    header::Names,
    sieve::{Rules, Sieve},
};
use crate::{
    define::project::CsvOptions,
    record::{DecimalMark, FileShape},
    storage::content::Content,
};

/// Opens delimited text.
pub(super) fn open(
    path: &Arc<str>,
    content: &Content,
    options: &CsvOptions,
    hints: &Hints,
) -> Result<Box<dyn RecordReader>, Error> {
    Ok(Box::new(open_in_blocks(path, content, options, hints, BLOCK)?))
}

/// Opens delimited text to be read in blocks of a size that must change nothing.
#[cfg(fuzzing)]
pub fn open_in_any_blocks(
    path: &Arc<str>,
    content: &Content,
    options: &CsvOptions,
    hints: &Hints,
    block_bytes: usize,
) -> Result<Box<dyn RecordReader>, Error> {
    Ok(Box::new(open_in_blocks(path, content, options, hints, block_bytes)?))
}

/// Opens delimited text to be read in blocks of this size.
fn open_in_blocks(
    path: &Arc<str>,
    content: &Content,
    options: &CsvOptions,
    hints: &Hints,
    block_bytes: usize,
) -> Result<Reader, Error> {
    let coding = choose(path, content, options.encoding.as_deref(), &Names::new(hints))?;
    let head = Head::read(path, content, &coding, options)?;
    if head.is_zeros() {
        return Err(Error::unreadable(path, "it holds nothing but zero bytes", "ask for the file again"));
    }
    let detected = detect(path, &head, options, hints)?;
    let header = detected.header.as_ref();
    let (names, written) = header.map_or((&[][..], 0), |header| (&header.names[..], header.written));
    let rules = Arc::new(Rules::new(names, written, hints));
    let mut sieve = Sieve::part(Arc::clone(&rules));
    let at = head.count_above(&detected, &mut sieve);
    let end = head.count_behind(&detected, &mut sieve, content.len());
    let shape = shape(&coding, &detected);
    let plan = Arc::new(Plan { dialect: detected.dialect, rules, coding });
    let settling = Settling::default();
    Ok(Reader { path: Arc::clone(path), content: content.clone(), shape, plan, block_bytes, at, end, sieve, settling })
}

fn shape(coding: &Coding, detected: &Detected) -> FileShape {
    let mut notes: Vec<String> = coding.note.iter().cloned().collect();
    let line = detected.header_line();
    if line > 1 && detected.table.is_none() {
        notes.push(format!("skipped {} above the header", counted(line - 1, "line")));
    }
    if detected.decimal_mark == DecimalMark::Comma {
        notes.push("numbers have a decimal comma".to_owned());
    }
    notes.extend(detected.notes.iter().cloned());
    FileShape {
        encoding: Some(coding.name().to_owned()),
        delimiter: Some(detected.dialect.delimiter.clone()),
        quote: detected.dialect.quote,
        escape: detected.dialect.escape,
        header_line: line,
        header: detected.header.as_ref().map(|header| header.names.clone()).unwrap_or_default(),
        decimal_mark: detected.decimal_mark,
        mark_from: detected.mark_from,
        confidence: coding.confidence * detected.confidence,
        notes,
        ..FileShape::binary("csv")
    }
}

#[cfg(test)]
mod tests;
