//! A pull: rows of a database as text, in a file of their own.
//!
//! In: rows, cell by cell or as PostgreSQL copies them out. Out: bytes whose hash is that of what was pulled, and records
//! read from them. The first line says in JSON which columns there are and which were asked for; every further line is a
//! row in PostgreSQL's COPY text format: tabs between cells, `\N` for NULL, a backslash before what would be mistaken.
//! Deliberately keeps bytes that are no UTF-8: they cost their row when it is read.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::super::{BATCH_ROWS, Error, RecordReader, row::Row};
use crate::{
    record::{FileShape, LineCount, RawBatch, RawFault},
    storage::{
        content::Content,
        read::{self, Growing},
    },
};

/// With this a pull begins.
const MAGIC: &[u8] = b"{\"tallyhouse_pull\":1,";
/// Bytes that are read at once.
const BLOCK_BYTES: usize = 1 << 20;
/// Bytes of text after which a batch is handed on, however few rows it has.
const BATCH_BYTES: usize = 4 << 20;
/// Bytes of a pull that stay in memory.
const IN_MEMORY_BYTES: u64 = 8 << 20;

/// The first line of a pull.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Header {
    tallyhouse_pull: u8,
    /// All columns of the table or query.
    columns: Vec<String>,
    /// Those of which the rows hold values, by position.
    pulled: Vec<usize>,
    /// What was read, for the report.
    notes: Vec<String>,
}

/// A pull in the making.
#[derive(Debug)]
pub(super) struct Writer {
    content: Growing,
    line: Vec<u8>,
    is_first: bool,
}

impl Writer {
    /// Begins a pull of some columns of a table or query.
    pub(super) fn new(columns: Vec<String>, pulled: Vec<usize>, mut notes: Vec<String>) -> Result<Self, read::Error> {
        if pulled.len() < columns.len() {
            notes.push(format!("{} of {} columns asked for", pulled.len(), columns.len()));
        }
        let header = Header { tallyhouse_pull: 1, columns, pulled, notes };
        let mut line = serde_json::to_vec(&header).unwrap_or_default();
        line.push(b'\n');
        let mut content = Growing::new(IN_MEMORY_BYTES);
        content.push(&line)?;
        line.clear();
        Ok(Self { content, line, is_first: true })
    }

    /// Adds bytes that already are rows of this format.
    #[cfg(feature = "postgres")]
    pub(super) fn rows(&mut self, bytes: &[u8]) -> Result<(), read::Error> {
        self.content.push(bytes)
    }

    /// Adds a cell to the row that [`Writer::end_row`] will close.
    pub(super) fn cell(&mut self, cell: Option<&[u8]>) {
        if !std::mem::take(&mut self.is_first) {
            self.line.push(b'\t');
        }
        let Some(bytes) = cell else { return self.line.extend_from_slice(b"\\N") };
        for byte in bytes {
            match byte {
                b'\\' => self.line.extend_from_slice(b"\\\\"),
                b'\t' => self.line.extend_from_slice(b"\\t"),
                b'\n' => self.line.extend_from_slice(b"\\n"),
                b'\r' => self.line.extend_from_slice(b"\\r"),
                other => self.line.push(*other),
            }
        }
    }

    /// Closes a row.
    pub(super) fn end_row(&mut self) -> Result<(), read::Error> {
        self.line.push(b'\n');
        self.is_first = true;
        self.content.push(&self.line)?;
        self.line.clear();
        Ok(())
    }

    /// Returns the pull.
    pub(super) fn finish(self) -> Result<Content, read::Error> {
        self.content.finish()
    }
}

/// Returns whether bytes are a pull.
pub(super) fn is_pull(content: &Content) -> bool {
    content.part(0, MAGIC.len()).is_ok_and(|start| start == MAGIC)
}

/// Opens a pull.
pub(super) fn open(path: &Arc<str>, content: Content) -> Result<Box<dyn RecordReader>, Error> {
    let mut lines = Lines { path: Arc::clone(path), content, next: 0, block: Vec::new(), at: 0 };
    let first = lines.next()?.map(|range| lines.block[range].to_vec()).unwrap_or_default();
    let header: Header =
        serde_json::from_slice(&first).map_err(|error| Error::unreadable(path, error.to_string(), "pull it again"))?;
    let width = header.columns.len();
    let mut positions = vec![None; width];
    for (position, column) in header.pulled.iter().enumerate() {
        match positions.get_mut(*column) {
            Some(slot) => *slot = Some(position),
            None => return Err(Error::unreadable(path, "its first line names no such column", "pull it again")),
        }
    }
    let pulled = header.pulled.len();
    let shape = shape(header);
    Ok(Box::new(Reader { lines, positions, pulled, shape, count: LineCount::default(), cells: Vec::new() }))
}

fn shape(header: Header) -> FileShape {
    FileShape { header: header.columns, notes: header.notes, ..FileShape::binary("database") }
}

/// The lines of a content, one block in memory at a time.
struct Lines {
    path: Arc<str>,
    content: Content,
    /// Offset of the next block.
    next: u64,
    block: Vec<u8>,
    /// Where the next line begins in the block.
    at: usize,
}

impl Lines {
    /// Returns where in the block the next line is, without its end.
    fn next(&mut self) -> Result<Option<std::ops::Range<usize>>, Error> {
        let mut searched = self.at;
        loop {
            if let Some(found) = memchr::memchr(b'\n', &self.block[searched..]) {
                let line = self.at..searched + found;
                self.at = line.end + 1;
                return Ok(Some(line));
            }
            searched = self.block.len() - self.at;
            self.block.drain(..self.at);
            self.at = 0;
            if !self.read()? {
                return if self.block.is_empty() { Ok(None) } else { Err(self.failed("it ends within a row")) };
            }
        }
    }

    /// Adds the next bytes to the block.
    fn read(&mut self) -> Result<bool, Error> {
        let start = self.block.len();
        self.block.resize(start + BLOCK_BYTES, 0);
        let read = self.content.read_at(self.next, &mut self.block[start..]);
        let read = read.map_err(|error| self.failed(&error.to_string()))?;
        self.block.truncate(start + read);
        self.next += read as u64;
        Ok(read > 0)
    }

    fn failed(&self, reason: &str) -> Error {
        Error::unreadable(&self.path, reason, "pull it again")
    }
}

struct Reader {
    lines: Lines,
    /// Where in a row each column's value is, if it was asked for.
    positions: Vec<Option<usize>>,
    pulled: usize,
    shape: FileShape,
    count: LineCount,
    cells: Vec<Option<Vec<u8>>>,
}

impl RecordReader for Reader {
    fn shape(&self) -> &FileShape {
        &self.shape
    }

    fn next_batch(&mut self) -> Result<Option<RawBatch>, Error> {
        let (mut batch, mut row) = (RawBatch::default(), Row::default());
        while batch.len() < BATCH_ROWS && batch.text_bytes() < BATCH_BYTES {
            let Some(line) = self.lines.next()? else { break };
            split(&self.lines.block[line], self.pulled, &mut self.cells);
            self.count.lines += 1;
            self.count.rows += 1;
            row.start(self.count.lines);
            self.fill(&mut row);
            row.write(&mut batch, self.positions.len());
        }
        Ok((!batch.is_empty()).then_some(batch))
    }

    fn lines(&self) -> LineCount {
        self.count.clone()
    }
}

impl Reader {
    fn fill(&self, row: &mut Row) {
        if self.cells.len() != self.pulled {
            row.fault = Some(RawFault::Shape(self.cells.len(), self.pulled));
        }
        for position in &self.positions {
            let cell = position.and_then(|position| self.cells.get(position)).and_then(Option::as_deref);
            let text = cell.map(String::from_utf8_lossy);
            if matches!(text, Some(std::borrow::Cow::Owned(_))) {
                row.fault = Some(RawFault::Encoding);
            }
            row.push_joined(text.as_deref());
        }
    }
}

/// Cuts a row into cells; `cells` keeps its buffers from row to row.
fn split(line: &[u8], width: usize, cells: &mut Vec<Option<Vec<u8>>>) {
    if width == 0 && line.is_empty() {
        return cells.clear();
    }
    let mut count = 0;
    for cell in line.split(|byte| *byte == b'\t') {
        if cells.len() == count {
            cells.push(None);
        }
        if cell == b"\\N" {
            cells[count] = None;
        } else {
            let text = cells[count].get_or_insert_default();
            text.clear();
            unescape(cell, text);
        }
        count += 1;
    }
    cells.truncate(count);
}

/// Undoes the backslashes of PostgreSQL's COPY text format.
fn unescape(cell: &[u8], text: &mut Vec<u8>) {
    let mut rest = cell;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        text.extend_from_slice(&rest[..at]);
        let Some(letter) = rest.get(at + 1) else { return text.push(b'\\') };
        text.push(match letter {
            b'b' => 0x08,
            b'f' => 0x0C,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 0x0B,
            other => *other,
        });
        rest = &rest[at + 2..];
    }
    text.extend_from_slice(rest);
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn drain(content: Content) -> Vec<Vec<Option<String>>> {
        let mut reader = open(&Arc::from("visit"), content).unwrap();
        let mut rows = Vec::new();
        while let Some(batch) = reader.next_batch().unwrap() {
            for row in 0..batch.len() {
                assert_eq!(batch.fault(row), None);
                rows.push((0..batch.width(row)).map(|column| batch.cell(row, column).map(str::to_owned)).collect());
            }
        }
        assert_eq!(reader.lines().rows, rows.len() as u64);
        rows
    }

    fn written(rows: &[Vec<Option<String>>], width: usize) -> Content {
        let columns = (0..width).map(|column| format!("c{column}")).collect();
        let mut writer = Writer::new(columns, (0..width).collect(), Vec::new()).unwrap();
        for row in rows {
            for cell in row {
                writer.cell(cell.as_deref().map(str::as_bytes));
            }
            writer.end_row().unwrap();
        }
        writer.finish().unwrap()
    }

    proptest! {
        #[test]
        fn every_row_comes_back(
            rows in prop::collection::vec(prop::collection::vec(prop::option::of("[\\x00-\\x7F销\\\\\t\n]{0,8}"), 3), 0..30)
        ) {
            let content = written(&rows, 3);
            prop_assert!(is_pull(&content));
            prop_assert_eq!(drain(content), rows);
        }

        #[test]
        fn damaged_pulls_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let whole = [b"{\"tallyhouse_pull\":1,\"columns\":[\"a\",\"b\"],\"pulled\":[1],\"notes\":[]}\n".as_slice(), &bytes].concat();
            let mut reader = open(&Arc::from("x"), Content::from(bytes::Bytes::from(whole))).unwrap();
            while let Ok(Some(_)) = reader.next_batch() {}
        }
    }

    #[test]
    fn rows_longer_than_a_block_are_whole() {
        let long = vec![vec![Some("长".repeat(1 << 20)), None, Some(String::new())]; 3];
        assert_eq!(drain(written(&long, 3)), long);
    }

    #[test]
    fn columns_that_were_not_asked_for_are_null() {
        let mut writer = Writer::new(vec!["a".into(), "b".into(), "c".into()], vec![2, 0], Vec::new()).unwrap();
        writer.cell(Some(b"C"));
        writer.cell(Some(b"A"));
        writer.end_row().unwrap();
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(drain(writer.finish().unwrap()), [[text("A"), None, text("C")]]);
    }
}
