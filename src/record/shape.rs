//! What a reader found out about a file besides its rows: its shape, its lines by kind, the faults of rows.
//!
//! In → out: plain data between the readers and the report. Deliberately holds no row.

use std::collections::BTreeMap;

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
    /// `csv`, `xlsx`, `json`, `jsonl`, `parquet`, `arrow`, `avro`, `fixed_width`, `database`.
    pub format: &'static str,
    /// Name of the encoding, as the Encoding Standard spells it; None for binary formats.
    pub encoding: Option<String>,
    /// What stands between the cells of text formats.
    pub delimiter: Option<String>,
    /// What stands around cells of text formats; None where nothing does.
    pub quote: Option<char>,
    /// What takes its meaning from the sign behind it, in text formats that have such a thing.
    pub escape: Option<char>,
    /// Physical line (or sheet row) of the header, 1-based; 0 where the format names its columns elsewhere.
    pub header_line: u64,
    /// Column names as written, in order.
    pub header: Vec<String>,
    /// Decimal mark of the file's numbers.
    pub decimal_mark: DecimalMark,
    /// What says so.
    #[serde(skip)]
    pub mark_from: MarkFrom,
    /// 0..1, how sure the reader is of what was not declared.
    pub confidence: f64,
    /// Choices worth a line in the report ("skipped 3 title lines").
    pub notes: Vec<String>,
}

/// What says which decimal mark the numbers of a file have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkFrom {
    /// The format, which has numbers of its own: they are written with a point. Its texts may be written otherwise.
    Format,
    /// What is declared of the file, or shown by its numbers.
    File,
    /// Nothing: a point is assumed.
    Nothing,
}

impl FileShape {
    /// Returns the shape of a file whose format says everything itself: nothing was guessed, and no column is known yet.
    #[must_use]
    pub const fn binary(format: &'static str) -> Self {
        Self {
            format,
            encoding: None,
            delimiter: None,
            quote: None,
            escape: None,
            header_line: 0,
            header: Vec::new(),
            decimal_mark: DecimalMark::Point,
            mark_from: MarkFrom::Format,
            confidence: 1.0,
            notes: Vec::new(),
        }
    }
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
    /// Lines of another table in the same file.
    OtherTable,
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
