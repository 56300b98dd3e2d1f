//! What the tests of all formats share: a file read to its end, written as text.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::{
    io::{Cursor, Write as _},
    sync::Arc,
};

use bytes::Bytes;

use super::{Hints, Limits, RecordReader, open};
use crate::{define::project::Format, record::FileShape, record::LineCount};

/// A file read to its end.
pub(super) struct Found {
    pub shape: FileShape,
    /// `line: cells` of every row; NULL is `∅`, a faulty row shows fault and original text.
    pub rows: Vec<String>,
    pub lines: LineCount,
    /// Cells of every row without fault.
    pub cells: Vec<Vec<Option<String>>>,
    /// Original texts of all rows.
    pub raw: Vec<String>,
}

impl Found {
    /// Returns the counted lines as `lines = rows + kind…`.
    pub fn count(&self) -> String {
        let skipped: Vec<String> =
            self.lines.skipped.iter().map(|(kind, lines)| format!(" + {lines} {kind:?}")).collect();
        format!("{} = {} rows{}", self.lines.lines, self.lines.rows, skipped.concat())
    }
}

/// Makes hints of `name` and `name!` (required).
pub(super) fn hints(names: &[&str]) -> Hints {
    let plain = |name: &&str| name.trim_end_matches('!').to_owned();
    Hints {
        names: names.iter().map(plain).collect(),
        required: names.iter().filter(|name| name.ends_with('!')).map(|name| vec![plain(name)]).collect(),
    }
}

/// Reads a file that must be readable.
pub(super) fn read(path: &str, bytes: impl Into<Bytes>, format: &Format, names: &[&str]) -> Found {
    match open(&Arc::from(path), &bytes.into().into(), format, &hints(names), &Limits::default()) {
        Ok(mut parts) => drain(parts.remove(0).reader),
        Err(error) => panic!("{error}: {error:?}"),
    }
}

/// Reads every table of a file, with their names.
pub(super) fn read_all(path: &str, bytes: impl Into<Bytes>, format: &Format, names: &[&str]) -> Vec<(String, Found)> {
    match open(&Arc::from(path), &bytes.into().into(), format, &hints(names), &Limits::default()) {
        Ok(parts) => parts.into_iter().map(|part| (part.name.to_string(), drain(part.reader))).collect(),
        Err(error) => panic!("{error}: {error:?}"),
    }
}

/// Opens a file that cannot be read, and returns `message; hint`.
pub(super) fn fail(path: &str, bytes: impl Into<Bytes>, format: &Format) -> String {
    match open(&Arc::from(path), &bytes.into().into(), format, &Hints::default(), &Limits::default()) {
        Ok(parts) => panic!("opened: {:?}", parts[0].reader.shape()),
        Err(error) => format!("{error}; {}", error.hint().unwrap_or_default()),
    }
}

/// Reads a file that cannot be opened, or not be read to its end, and returns what is said about it.
pub(super) fn fail_within(path: &str, bytes: impl Into<Bytes>, format: &Format) -> String {
    let parts = match open(&Arc::from(path), &bytes.into().into(), format, &Hints::default(), &Limits::default()) {
        Ok(parts) => parts,
        Err(error) => return error.to_string(),
    };
    for mut part in parts {
        loop {
            match part.reader.next_batch() {
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(error) => return error.to_string(),
            }
        }
    }
    panic!("`{path}` was read to its end")
}

/// Packs members into a zip archive.
pub(super) fn zipped(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn drain(mut reader: Box<dyn RecordReader>) -> Found {
    let (mut rows, mut cells, mut raw) = (Vec::new(), Vec::new(), Vec::new());
    while let Some(batch) = reader.next_batch().unwrap() {
        assert!(!batch.is_empty() && batch.len() <= 2 * super::BATCH_ROWS);
        for row in 0..batch.len() {
            raw.push(batch.raw(row).to_owned());
            let line = batch.line(row);
            if let Some(fault) = batch.fault(row) {
                rows.push(format!("{line}: {fault:?} {}", batch.raw(row)));
                continue;
            }
            let texts: Vec<Option<String>> =
                (0..batch.width(row)).map(|column| batch.cell(row, column).map(str::to_owned)).collect();
            let shown: Vec<&str> = texts.iter().map(|text| text.as_deref().unwrap_or("∅")).collect();
            rows.push(format!("{line}: {}", shown.join("|")));
            cells.push(texts);
        }
    }
    let lines = reader.lines();
    assert!(lines.is_balanced(), "{lines:?}");
    assert_eq!(lines.rows, rows.len() as u64);
    Found { shape: reader.shape().clone(), rows, lines, cells, raw }
}
