//! Raw records: the text cells of an extract before any contract.
//!
//! A batch owns one block of decoded text; rows and cells are ranges in it, so that a reader can cut a file into
//! cells without copying them.

use std::{collections::BTreeMap, ops::Range};

/// The mark between the units and the decimals of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DecimalMark {
    /// `1,234.56`
    #[default]
    Point,
    /// `1.234,56`
    Comma,
}

/// What a reader found out about one table of one file, and how sure it is.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct FileShape {
    /// `csv`, `xlsx`, `jsonl`, `parquet`, `database`.
    pub format: &'static str,
    /// Name of the encoding, as the Encoding Standard spells it; None for binary formats.
    pub encoding: Option<String>,
    /// Cell delimiter of text formats.
    pub delimiter: Option<char>,
    /// Physical line (or sheet row) of the header, 1-based; 0 where the format names its columns elsewhere.
    pub header_line: u64,
    /// Column names as written, in order.
    pub header: Vec<String>,
    /// Decimal mark of the file's numbers.
    pub decimal_mark: DecimalMark,
    /// 0..1, how sure the reader is of what was not declared.
    pub confidence: f64,
    /// Choices worth a line in the report ("skipped 3 title lines").
    pub notes: Vec<String>,
}

/// Why a record could not be cut into cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RawFault {
    /// Another number of cells than the header has: found, expected.
    Shape(usize, usize),
    /// Bytes that the file's encoding does not know.
    Encoding,
    /// A last line that was cut off while being written.
    Truncated,
    /// A quote that is never closed or opens in the middle of a cell.
    Quote,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct RawRow {
    line: u64,
    raw: Range<usize>,
    cells: Range<usize>,
    fault: Option<RawFault>,
}

/// Rows of text cells.
///
/// A cell is `None` where the format itself has a NULL (JSON null or a missing field, an empty sheet cell, a database
/// NULL); an empty CSV cell is `Some("")`.
#[derive(Debug, Clone, Default)]
pub struct RawBatch {
    text: String,
    rows: Vec<RawRow>,
    cells: Vec<Option<Range<usize>>>,
}

impl RawBatch {
    /// Takes a block of decoded text in which rows and cells will be ranges.
    #[must_use]
    pub fn over(text: String) -> Self {
        Self { text, ..Self::default() }
    }

    /// Appends text that is no part of the block (an unescaped cell) and returns its range.
    pub fn append(&mut self, text: &str) -> Range<usize> {
        let start = self.text.len();
        self.text.push_str(text);
        start..self.text.len()
    }

    /// Adds a cell of the row that [`RawBatch::end_row`] will close.
    pub fn push_cell(&mut self, cell: Option<Range<usize>>) {
        self.cells.push(cell);
    }

    /// Appends a cell's text and adds the cell.
    pub fn push_text(&mut self, cell: Option<&str>) {
        let range = cell.map(|text| self.append(text));
        self.cells.push(range);
    }

    /// Closes a row: `line` is its first physical line (1-based), `raw` its original text.
    pub fn end_row(&mut self, line: u64, raw: Range<usize>, fault: Option<RawFault>) {
        let start = self.rows.last().map_or(0, |row| row.cells.end);
        self.rows.push(RawRow { line, raw, cells: start..self.cells.len(), fault });
    }

    /// Returns the number of rows, faulty ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Returns the bytes of text that the batch holds.
    #[must_use]
    pub fn text_bytes(&self) -> usize {
        self.text.len()
    }

    /// Returns row `index`'s first physical line, 1-based.
    #[must_use]
    pub fn line(&self, index: usize) -> u64 {
        self.rows[index].line
    }

    /// Returns where row `index` begins in the file's bytes, where that is known.
    #[must_use]
    pub const fn byte_offset(&self, _index: usize) -> Option<u64> {
        None
    }

    /// Returns row `index`'s original text.
    #[must_use]
    pub fn raw(&self, index: usize) -> &str {
        &self.text[self.rows[index].raw.clone()]
    }

    /// Returns why row `index` could not be cut into cells, if so.
    #[must_use]
    pub fn fault(&self, index: usize) -> Option<RawFault> {
        self.rows[index].fault
    }

    /// Returns the number of cells of row `index`.
    #[must_use]
    pub fn width(&self, index: usize) -> usize {
        self.rows[index].cells.len()
    }

    /// Returns a cell's text; `None` for NULL and beyond the row's end.
    #[must_use]
    pub fn cell(&self, row: usize, column: usize) -> Option<&str> {
        let cells = self.rows[row].cells.clone();
        let range = self.cells[cells].get(column)?.clone()?;
        Some(&self.text[range])
    }
}

/// A kind of line that is no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkippedLines {
    /// Lines above the header.
    Title,
    /// The header itself, every line of it.
    Header,
    /// Empty lines.
    Blank,
    /// Lines that begin with the comment mark.
    Comment,
    /// Total rows and notes below the records.
    Footer,
    /// The header once more in the middle.
    RepeatedHeader,
    /// Further physical lines of a record with line ends in quoted cells.
    Continuation,
}

/// The lines of one file, counted: `lines = rows + Σ skipped`.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LineCount {
    /// Physical lines (sheet rows, database rows, Parquet rows).
    pub lines: u64,
    /// Records, faulty ones included.
    pub rows: u64,
    /// Lines that are no records, by kind.
    pub skipped: BTreeMap<SkippedLines, u64>,
}

impl LineCount {
    /// Returns whether every line is a record or was skipped for a reason.
    #[must_use]
    pub fn is_balanced(&self) -> bool {
        self.lines == self.rows + self.skipped.values().sum::<u64>()
    }
}
