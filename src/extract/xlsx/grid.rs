//! Sheets as all kinds of workbooks give them: rows that hold something, cell by cell.
//!
//! In: what a format's reader puts. Out: one row at a time, its cells by column. Deliberately knows neither header nor
//! table: a cell stands where it stands in the sheet.

use std::ops::Range;

use crate::{extract::Error, record::RawFault};

/// Columns that a sheet can have.
pub(super) const MOST_COLUMNS: usize = 16_384;

/// Text that one row can have: a long text that all cells of a row share fits into a file of any size.
const MOST_ROW_BYTES: usize = 64 << 20;

/// One row of a sheet.
#[derive(Debug, Clone, Default)]
pub(super) struct Cells {
    /// Sheet row, 1-based.
    pub line: u64,
    /// What is wrong with the whole row.
    pub fault: Option<RawFault>,
    /// Merged cells that begin in this row.
    pub merges: Vec<Merge>,
    text: String,
    spans: Vec<Option<Range<usize>>>,
}

impl Cells {
    /// Empties the row.
    pub(super) fn start(&mut self, line: u64) {
        self.line = line;
        self.fault = None;
        self.merges.clear();
        self.text.clear();
        self.spans.clear();
    }

    /// Puts a text into a column; an empty one is no cell.
    pub(super) fn put(&mut self, column: usize, text: &str) {
        self.put_with(column, |all| all.push_str(text));
    }

    /// Puts into a column what is written behind the texts so far.
    pub(super) fn put_with(&mut self, column: usize, write: impl FnOnce(&mut String)) {
        self.put_repeated(column, 1, write);
    }

    /// Puts the same into several columns.
    pub(super) fn put_repeated(&mut self, column: usize, count: usize, write: impl FnOnce(&mut String)) {
        let start = self.text.len();
        write(&mut self.text);
        let end = self.text.len();
        let columns = column..column.saturating_add(count).min(MOST_COLUMNS);
        if start == end || columns.is_empty() {
            return;
        }
        if columns.end > self.spans.len() {
            self.spans.resize(columns.end, None);
        }
        self.spans[columns].fill(Some(start..end));
    }

    /// Returns whether the row has more text than rows have; nothing should be put any more.
    pub(super) fn is_too_long(&self) -> bool {
        self.text.len() > MOST_ROW_BYTES
    }

    /// Returns a cell's text.
    pub(super) fn get(&self, column: usize) -> Option<&str> {
        let span = self.spans.get(column)?.clone()?;
        Some(&self.text[span])
    }

    /// Returns one column more than the last that holds a cell.
    pub(super) fn width(&self) -> usize {
        self.spans.len()
    }

    /// Returns the columns that hold more than blanks.
    pub(super) fn filled(&self) -> impl Iterator<Item = usize> {
        (0..self.width()).filter(|column| self.get(*column).is_some_and(|text| !crate::extract::row::is_blank(text)))
    }

    /// Returns whether no column does.
    pub(super) fn is_blank(&self) -> bool {
        self.filled().next().is_none()
    }
}

/// The rows of a sheet, from top to bottom.
pub(super) trait Rows: Send {
    /// Fills in the next row that may hold something; its line is larger than the one before. False at the end.
    fn next(&mut self, cells: &mut Cells) -> Result<bool, Error>;
}

/// A rectangle of cells that are shown as one, by the row in which it begins; columns from 0, ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Merge {
    /// First row, 1-based.
    pub line: u64,
    /// Last row.
    pub last_line: u64,
    pub first: usize,
    pub last: usize,
}

/// A sheet's name, and whether a person sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Label {
    pub name: String,
    pub is_visible: bool,
}

/// A workbook of any kind.
pub(super) trait Book {
    /// Returns its worksheets in order.
    fn labels(&self) -> &[Label];

    /// Opens a sheet by its place in [`Book::labels`].
    fn open(&mut self, index: usize) -> Result<Box<dyn Rows>, Error>;

    /// Returns whether numbers are cells of their own kind, and not texts that people have written.
    fn has_numbers(&self) -> bool {
        true
    }
}

/// Rows that are already cut: for formats that give a sheet only as a whole.
#[derive(Debug, Default)]
pub(super) struct Stored {
    text: String,
    /// Row from 1, column, end of the text.
    cells: Vec<(u64, u16, usize)>,
    /// In the order of their first rows.
    merges: Vec<Merge>,
    at: usize,
    merges_at: usize,
}

impl Stored {
    /// Adds a cell in any order.
    pub(super) fn push(&mut self, line: u64, column: usize, text: &str) {
        let Ok(column) = u16::try_from(column) else { return };
        if !text.is_empty() {
            self.text.push_str(text);
            self.cells.push((line, column, self.text.len()));
        }
    }

    /// Adds merged cells in any order.
    pub(super) fn push_merge(&mut self, merge: Merge) {
        self.merges.push(merge);
    }

    /// Brings cells and merged cells into the sheet's order; of two cells in one place the later counts.
    pub(super) fn sorted(mut self) -> Self {
        self.merges.sort_by_key(|merge| (merge.line, merge.first));
        if self.cells.is_sorted_by_key(|(line, column, _)| (*line, *column)) {
            return self;
        }
        let begins = std::iter::once(0).chain(self.cells.iter().map(|cell| cell.2));
        let mut cells: Vec<_> = begins.zip(&self.cells).map(|(begin, cell)| (cell.0, cell.1, begin..cell.2)).collect();
        cells.sort_by_key(|(line, column, _)| (*line, *column));
        let mut sorted = Self { merges: self.merges, ..Self::default() };
        for (line, column, span) in cells {
            sorted.push(line, column.into(), &self.text[span]);
        }
        sorted
    }
}

impl Rows for Stored {
    fn next(&mut self, cells: &mut Cells) -> Result<bool, Error> {
        let Some(&(line, ..)) = self.cells.get(self.at) else { return Ok(false) };
        cells.start(line);
        let mut begin = self.at.checked_sub(1).map_or(0, |before| self.cells[before].2);
        while let Some(&(_, column, end)) = self.cells.get(self.at).filter(|cell| cell.0 == line) {
            cells.put(column.into(), &self.text[begin..end]);
            begin = end;
            self.at += 1;
        }
        give_merges(&self.merges, &mut self.merges_at, cells);
        Ok(true)
    }
}

/// Gives a row the merged cells that begin in it, or above it in rows that are not there.
pub(super) fn give_merges(merges: &[Merge], at: &mut usize, cells: &mut Cells) {
    while let Some(merge) = merges.get(*at).filter(|merge| merge.line <= cells.line) {
        if merge.line == cells.line {
            cells.merges.push(*merge);
        }
        *at += 1;
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn cells_may_come_in_any_order() {
        let mut stored = Stored::default();
        for (line, column, text) in [(3, 1, "d"), (1, 0, "a"), (3, 0, "c"), (1, 5, "b"), (3, 1, "e"), (4, 70_000, "f")]
        {
            stored.push(line, column, text);
        }
        let mut rows = stored.sorted();
        let mut cells = Cells::default();
        let mut seen = Vec::new();
        while rows.next(&mut cells).unwrap() {
            seen.push((
                cells.line,
                cells.filled().map(|column| cells.get(column).unwrap().to_owned()).collect::<String>(),
            ));
        }
        assert_eq!(seen, [(1, "ab".to_owned()), (3, "ce".to_owned())]);
    }
}
