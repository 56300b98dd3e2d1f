//! One row between the cutting of a file and the batch: reused, so that a row costs no allocation.
//!
//! In: cells as ranges or texts. Out: one row of a [`RawBatch`]. Deliberately knows no format.

use std::ops::Range;

use crate::record::{RawBatch, RawFault};

/// A row that was cut.
#[derive(Debug, Clone, Default)]
pub(super) struct Row {
    /// First physical line, 1-based.
    pub line: u64,
    /// Physical lines.
    pub lines: u64,
    /// What the splitter or decoder found wrong.
    pub fault: Option<RawFault>,
    /// Whether the file ends within this row's last line, without a line end.
    pub unended: bool,
    /// Cells that stand in quotes.
    pub quoted: usize,
    /// Where its original text begins in the text that is being cut.
    pub place: usize,
    /// Where it begins in the file's bytes, if that is known.
    pub offset: Option<u64>,
    /// The original text, then the texts of cells that differ from it.
    text: String,
    /// Bytes of `text` that are the original.
    raw: usize,
    cells: Vec<Option<Range<usize>>>,
}

impl Row {
    /// Makes a row with room for as many cells as another one has.
    pub(super) fn like(other: Option<&Self>) -> Self {
        Self { cells: Vec::with_capacity(other.map_or(0, Self::width)), ..Self::default() }
    }

    /// Empties the row for the record at `line`.
    pub(super) fn start(&mut self, line: u64) {
        self.line = line;
        self.lines = 1;
        self.fault = None;
        self.unended = false;
        self.quoted = 0;
        self.place = 0;
        self.offset = None;
        self.text.clear();
        self.raw = 0;
        self.cells.clear();
    }

    /// Takes the original text. The ranges of cells pushed by [`Row::push_range`] are ranges in it.
    pub(super) fn set_raw(&mut self, raw: &str) {
        self.text.push_str(raw);
        self.raw = self.text.len();
    }

    /// Adds a cell that is a part of the original text.
    pub(super) fn push_range(&mut self, cell: Range<usize>) {
        self.cells.push(Some(cell));
    }

    /// Adds a cell whose text is not in the original.
    pub(super) fn push_text(&mut self, cell: Option<&str>) {
        let range = cell.map(|text| self.append(text));
        self.cells.push(range);
    }

    /// Puts a cell without text before all others.
    pub(super) fn indent(&mut self) {
        self.cells.insert(0, None);
    }

    /// Replaces a cell by text that is not in the original.
    pub(super) fn set_text(&mut self, column: usize, cell: Option<&str>) {
        self.cells[column] = cell.map(|text| self.append(text));
    }

    /// Adds a cell to an original text that is nothing but the cells with tabs between them.
    pub(super) fn push_joined(&mut self, cell: Option<&str>) {
        if !self.cells.is_empty() {
            self.text.push('\t');
        }
        self.push_text(cell);
        self.raw = self.text.len();
    }

    /// Returns the number of cells.
    pub(super) fn width(&self) -> usize {
        self.cells.len()
    }

    /// Returns a cell's text; empty for NULL and beyond the end.
    pub(super) fn cell(&self, column: usize) -> &str {
        self.cells.get(column).and_then(Option::as_ref).map_or("", |range| &self.text[range.clone()])
    }

    /// Returns the texts of all cells.
    pub(super) fn cells(&self) -> impl Iterator<Item = &str> {
        (0..self.width()).map(|column| self.cell(column))
    }

    /// Returns the number of cells that hold more than blanks.
    pub(super) fn filled(&self) -> usize {
        self.cells().filter(|cell| !is_blank(cell)).count()
    }

    /// Returns whether any cell holds more than blanks.
    pub(super) fn shows(&self) -> bool {
        self.cells().any(|cell| !is_blank(cell))
    }

    /// Returns the original text.
    pub(super) fn raw(&self) -> &str {
        &self.text[..self.raw]
    }

    /// Forgets all cells, to cut the original text anew.
    pub(super) fn clear_cells(&mut self) {
        self.text.truncate(self.raw);
        self.cells.clear();
        self.quoted = 0;
    }

    /// Writes a row whose original text stands at its place in the batch's text, with at most `width` cells. Texts that
    /// differ from it go into `extra`, which the caller will put behind it.
    pub(super) fn write_in_place(&self, batch: &mut RawBatch, width: usize, extra: &mut Extra) {
        let base = self.place;
        for cell in self.cells.iter().take(width) {
            batch.push_cell(cell.as_ref().map(|range| {
                if range.end <= self.raw {
                    base + range.start..base + range.end
                } else {
                    extra.add(&self.text[range.clone()])
                }
            }));
        }
        batch.end_row(self.line, base..base + self.raw, self.fault);
    }

    /// Writes the row into a batch, with at most `width` cells.
    pub(super) fn write(&self, batch: &mut RawBatch, width: usize) {
        let base = batch.append(&self.text).start;
        for cell in self.cells.iter().take(width) {
            batch.push_cell(cell.as_ref().map(|range| base + range.start..base + range.end));
        }
        batch.end_row(self.line, base..base + self.raw, self.fault);
    }

    fn append(&mut self, text: &str) -> Range<usize> {
        let start = self.text.len();
        self.text.push_str(text);
        start..self.text.len()
    }
}

/// Texts of cells that differ from the original, to stand behind a batch's block.
#[derive(Debug, Default)]
pub(super) struct Extra {
    /// Length of the block.
    pub base: usize,
    /// What comes behind it.
    pub text: String,
}

impl Extra {
    fn add(&mut self, text: &str) -> Range<usize> {
        let start = self.base + self.text.len();
        self.text.push_str(text);
        start..start + text.len()
    }
}

/// Returns whether a text shows nothing: blanks of all kinds, and the NUL and end-of-file marks that programs leave.
pub(super) fn is_blank(text: &str) -> bool {
    match text.as_bytes().first() {
        None => true,
        Some(byte) if byte.is_ascii_graphic() => false,
        Some(_) => text.chars().all(|letter| letter.is_whitespace() || matches!(letter, '\0' | '\u{1A}' | '\u{FEFF}')),
    }
}
