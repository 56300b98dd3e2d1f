//! Raw records: the text cells of an extract before any contract.
//!
//! In: decoded text and ranges of it. Out: rows and cells as slices. A batch owns one block of text, and a cell costs
//! eight bytes beside it, so that a reader can cut a file into cells without copying them. Deliberately knows no format.

use std::{collections::BTreeMap, ops::Range};

use super::{Origin, RawFault};

/// Marks a cell that is NULL.
const NULL: (u32, u32) = (u32::MAX, 0);

/// Marks a range beyond what 32 bits can say; it is kept aside.
const FAR: (u32, u32) = (u32::MAX, 1);

/// Ranges of the text, 8 bytes each.
#[derive(Debug, Clone, Default)]
struct Ranges {
    near: Vec<(u32, u32)>,
    far: BTreeMap<usize, Range<usize>>,
}

impl Ranges {
    fn push(&mut self, range: Option<Range<usize>>) {
        let Some(range) = range else { return self.near.push(NULL) };
        match (u32::try_from(range.start), u32::try_from(range.len())) {
            (Ok(start), Ok(length)) if start < u32::MAX => self.near.push((start, length)),
            _ => {
                self.far.insert(self.near.len(), range);
                self.near.push(FAR);
            }
        }
    }

    #[inline]
    fn get(&self, index: usize) -> Option<Range<usize>> {
        match self.near[index] {
            NULL => None,
            FAR => self.far.get(&index).cloned(),
            (start, length) => Some(start as usize..start as usize + length as usize),
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct RawRow {
    line: u64,
    /// Number of the cells of all rows up to this one.
    cells_end: usize,
}

/// Rows of text cells.
///
/// A cell is `None` where the format itself has a NULL (JSON null or a missing field, an empty sheet cell, a database
/// NULL); an empty CSV cell is `Some("")`.
#[derive(Debug, Clone, Default)]
pub struct RawBatch {
    text: String,
    rows: Vec<RawRow>,
    raw: Ranges,
    cells: Ranges,
    /// Cells of the first row.
    first_width: usize,
    /// Whether another row has more or fewer.
    is_ragged: bool,
    /// Faulty rows, ascending: they are few.
    faults: Vec<(usize, RawFault)>,
    origin: Option<Origin>,
}

impl RawBatch {
    /// Takes a block of decoded text in which rows and cells will be ranges.
    #[must_use]
    pub fn over(text: String) -> Self {
        Self { text, ..Self::default() }
    }

    /// Makes an empty batch with room for this many rows and cells, whose text [`RawBatch::set_text`] will bring.
    #[must_use]
    pub fn with_room(rows: usize, cells: usize) -> Self {
        let ranges = |count| Ranges { near: Vec::with_capacity(count), far: BTreeMap::new() };
        Self { rows: Vec::with_capacity(rows), raw: ranges(rows), cells: ranges(cells), ..Self::default() }
    }

    /// Puts the text under rows and cells that were pushed as ranges of it; nothing must have been appended before.
    pub fn set_text(&mut self, text: String) {
        self.text = text;
    }

    /// Says where in the file's bytes the rows stand.
    pub fn set_origin(&mut self, origin: Origin) {
        self.origin = Some(origin);
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

    /// Adds cells of the row that [`RawBatch::end_row`] will close: start and length of each, both below 2³².
    pub fn push_cells(&mut self, cells: &[(u32, u32)]) {
        self.cells.near.extend_from_slice(cells);
    }

    /// Appends a cell's text and adds the cell.
    pub fn push_text(&mut self, cell: Option<&str>) {
        let range = cell.map(|text| self.append(text));
        self.cells.push(range);
    }

    /// Closes a row: `line` is its first physical line (1-based), `raw` its original text.
    pub fn end_row(&mut self, line: u64, raw: Range<usize>, fault: Option<RawFault>) {
        if let Some(fault) = fault {
            self.faults.push((self.rows.len(), fault));
        }
        let cells_end = self.cells.near.len();
        match self.rows.last() {
            Some(last) => self.is_ragged |= cells_end - last.cells_end != self.first_width,
            None => self.first_width = cells_end,
        }
        self.raw.push(Some(raw));
        self.rows.push(RawRow { line, cells_end });
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

    /// Returns where row `index` begins in the file's bytes; None where that has no meaning, as in workbooks.
    #[must_use]
    pub fn byte_offset(&self, index: usize) -> Option<u64> {
        let start = self.raw.get(index)?.start;
        self.origin.as_ref()?.offset(index, start, self.line(index))
    }

    /// Returns row `index`'s original text.
    #[must_use]
    pub fn raw(&self, index: usize) -> &str {
        self.raw.get(index).map_or("", |range| &self.text[range])
    }

    /// Returns why row `index` could not be cut into cells, if so.
    #[must_use]
    pub fn fault(&self, index: usize) -> Option<RawFault> {
        if self.faults.is_empty() {
            return None;
        }
        let found = self.faults.binary_search_by_key(&index, |(row, _)| *row).ok()?;
        Some(self.faults[found].1)
    }

    /// Returns whether some row could not be cut into cells.
    #[must_use]
    pub fn has_faults(&self) -> bool {
        !self.faults.is_empty()
    }

    /// Returns the number of cells of row `index`.
    #[must_use]
    pub fn width(&self, index: usize) -> usize {
        let (start, end) = self.cells_of(index);
        end - start
    }

    /// Returns a cell's text; `None` for NULL and beyond the row's end.
    #[must_use]
    #[inline]
    pub fn cell(&self, row: usize, column: usize) -> Option<&str> {
        let (start, end) = self.cells_of(row);
        if column >= end - start {
            return None;
        }
        let range = self.cells.get(start + column)?;
        Some(&self.text[range])
    }

    #[inline]
    fn cells_of(&self, row: usize) -> (usize, usize) {
        if !self.is_ragged {
            // Nearly always: no row need be looked up.
            return (row * self.first_width, (row + 1) * self.first_width);
        }
        let start = if row == 0 { 0 } else { self.rows[row - 1].cells_end };
        (start, self.rows[row].cells_end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_is_not_the_empty_text() {
        let mut batch = RawBatch::over("a,,b".to_owned());
        batch.push_cell(Some(0..1));
        batch.push_cell(Some(2..2));
        batch.push_cell(None);
        batch.push_text(Some("\"b\""));
        batch.end_row(7, 0..4, None);
        batch.end_row(9, 4..4, Some(RawFault::Quote));
        let cells: Vec<Option<&str>> = (0..5).map(|column| batch.cell(0, column)).collect();
        assert_eq!(cells, [Some("a"), Some(""), None, Some("\"b\""), None]);
        assert_eq!((batch.raw(0), batch.line(1), batch.width(1)), ("a,,b", 9, 0));
        assert_eq!((batch.fault(0), batch.fault(1)), (None, Some(RawFault::Quote)));
    }

    #[test]
    fn rows_may_have_different_numbers_of_cells() {
        for widths in [[2, 2, 2], [2, 2, 1], [0, 0, 2], [3, 0, 0]] {
            let mut batch = RawBatch::default();
            for (row, width) in widths.into_iter().enumerate() {
                (0..width).for_each(|column| batch.push_text(Some(&format!("{row}{column}"))));
                batch.end_row(1, 0..0, None);
            }
            for (row, width) in widths.into_iter().enumerate() {
                let cells: Vec<Option<String>> =
                    (0..4).map(|column| batch.cell(row, column).map(str::to_owned)).collect();
                let expected: Vec<_> =
                    (0..4).map(|column| (column < width).then(|| format!("{row}{column}"))).collect();
                assert_eq!((batch.width(row), cells), (width, expected), "{widths:?}");
            }
        }
    }

    #[test]
    fn ranges_beyond_four_gigabytes_are_kept() {
        let far = 5 << 32..(5 << 32) + 3;
        let mut ranges = Ranges::default();
        for range in [Some(1..2), Some(far.clone()), None, Some(0..6 << 32)] {
            ranges.push(range);
        }
        let kept: Vec<_> = (0..4).map(|index| ranges.get(index)).collect();
        assert_eq!(kept, [Some(1..2), Some(far), None, Some(0..6 << 32)]);
    }
}
