//! Workbooks: .xlsx, .xlsm, .xlsb, .xls and .ods, and the HTML and XML files that go by the name .xls.
//!
//! In: a file's content and what is declared. Out: the records of its chosen sheets and every row of them counted.
//! Formulas count by the values that were saved with them, merged cells for every row that they span. Deliberately reads
//! cells, not what is drawn around them: charts, comments, colours, hidden rows and filters say nothing here.
//!
//! ```text
//!  office (.xlsx) ───────┐
//!  binary (.xls, .xlsb) ─┤
//!  open_document (.ods) ─┼─► grid: rows of cells ─► detect: sheets, header ─► fill ─► sieve ─► RawBatch
//!  spreadsheet_xml ──────┤
//!  html ─────────────────┘
//! ```

mod binary;
mod cell;
mod compound;
mod dates;
mod detect;
mod elements;
mod fill;
mod grid;
mod header;
mod html;
mod markup;
mod merges;
mod office;
mod open_document;
mod spreadsheet_xml;

use std::{collections::VecDeque, sync::Arc};

use self::{
    detect::{Found, detect},
    fill::Fill,
    grid::{Book, Cells, Rows},
};
pub(super) use self::{html::is_page, spreadsheet_xml::is_spreadsheet as is_spreadsheet_xml};
use super::{
    Error, Hints, Limits, Part, RecordReader, counted,
    detect::COMPOUND,
    header::{Names, share},
    row::Row,
    sieve::Sieve,
    unpack::{self, zip},
};
use crate::{
    define::project::XlsxOptions,
    record::{FileShape, LineCount, MarkFrom, RawBatch, SkippedLines},
    storage::content::Content,
};

/// Opens the chosen sheets of a workbook.
pub(super) fn open(
    path: &Arc<str>,
    content: &Content,
    options: &XlsxOptions,
    hints: &Hints,
    limits: &Limits,
) -> Result<Vec<Part>, Error> {
    let mut book = open_book(path, content, limits)?;
    let (found, unread) = detect(path, &mut *book, options, &Names::new(hints))?;
    let is_alone = found.len() == 1;
    let mark_from = if book.has_numbers() { MarkFrom::Format } else { MarkFrom::File };
    let part = |found: Found| {
        let name = if is_alone { Arc::clone(path) } else { Arc::from(format!("{path}#{}", found.name)) };
        let mut reader = Reader::new(path, found, &unread, hints);
        reader.shape.mark_from = mark_from;
        Part { name, reader: Box::new(reader) }
    };
    Ok(found.into_iter().map(part).collect())
}

fn open_book(path: &Arc<str>, content: &Content, limits: &Limits) -> Result<Box<dyn Book>, Error> {
    let failed = |error: std::io::Error| super::disk(path, &error);
    let head = content.part(0, unpack::HEAD_BYTES).map_err(failed)?;
    if head.starts_with(COMPOUND) {
        return Ok(Box::new(binary::Workbook::open_xls(path, content.bytes().map_err(failed)?, limits)?));
    }
    if is_spreadsheet_xml(&head) {
        return Ok(Box::new(spreadsheet_xml::Workbook::open(path, content, limits)?));
    }
    if is_page(&head) {
        return Ok(Box::new(html::Page::open(path, &content.bytes().map_err(failed)?)?));
    }
    if !zip::is_zip(&head) {
        let hint = "save it again as a workbook, or correct `format` in the source's contract";
        return Err(Error::unreadable(path, "its bytes are no workbook's", hint));
    }
    open_zip(path, content, limits)
}

fn open_zip(path: &Arc<str>, content: &Content, limits: &Limits) -> Result<Box<dyn Book>, Error> {
    let mut archive = zip::Archive::open(path, content)?;
    if archive.find("content.xml").is_some() && archive.find("[Content_Types].xml").is_none() {
        return Ok(Box::new(open_document::Document::open(path, content, archive, limits)?));
    }
    if archive.find("xl/workbook.bin").is_some() {
        // Calamine unpacks by itself, without a limit.
        archive.weigh(path, content, limits)?;
        let bytes = content.bytes().map_err(|error| super::disk(path, &error))?;
        let parts = merges::Parts::open(path, content, archive, limits)?;
        return Ok(Box::new(binary::Workbook::open_xlsb(path, bytes, parts, limits)?));
    }
    Ok(Box::new(office::Workbook::open(path, content, archive, limits)?))
}

fn too_long(path: &Arc<str>, line: u64) -> Error {
    let reason = format!("row {line} of a sheet has more text than rows have");
    Error::unreadable(path, reason, "open it in Excel and look at that row")
}

fn locked(path: &Arc<str>) -> Error {
    Error::unreadable(path, "the workbook is protected by a password", "save it without one")
}

/// The records of one sheet.
struct Reader {
    path: Arc<str>,
    rows: Box<dyn Rows>,
    /// Rows that were looked at and not yet given.
    head: VecDeque<Cells>,
    /// Columns of the table in the sheet.
    columns: std::ops::Range<usize>,
    /// The last row that was counted.
    line: u64,
    /// Cells beside the table.
    outside: u64,
    fill: Fill,
    shape: FileShape,
    sieve: Sieve,
    cells: Cells,
    row: Row,
    is_at_end: bool,
}

impl Reader {
    fn new(path: &Arc<str>, found: Found, unread: &[String], hints: &Hints) -> Self {
        let shape = shape(&found, unread);
        let sieve = Sieve::new(&shape.header, shape.header.len(), hints);
        let left = found.header.as_ref().map_or(0, |header| header.left);
        let columns = left..left + shape.header.len();
        let mut reader = Self {
            path: Arc::clone(path),
            rows: found.rows,
            head: found.head,
            fill: Fill::new(columns.clone()),
            columns,
            line: 0,
            outside: 0,
            shape,
            sieve,
            cells: Cells::default(),
            row: Row::default(),
            is_at_end: false,
        };
        reader.skip_to_records(found.titles, found.header.as_ref());
        reader
    }

    /// Counts what stands above the records.
    fn skip_to_records(&mut self, titles: u64, header: Option<&header::Header>) {
        let Some(header) = header else { return };
        let titles = titles + header.index as u64;
        let blank = self.shape.header_line.saturating_sub(titles + 1);
        for (kind, lines) in [(SkippedLines::Blank, blank), (SkippedLines::Title, titles)] {
            if lines > 0 {
                self.sieve.skip(kind, lines);
            }
        }
        self.sieve.skip(SkippedLines::Header, header.levels as u64);
        self.line = self.shape.header_line + header.levels as u64 - 1;
        self.head.drain(..header.index + header.levels);
    }

    /// Reads the next row that holds anything; false at the end.
    fn read_row(&mut self) -> Result<bool, Error> {
        loop {
            match self.head.pop_front() {
                Some(cells) => self.cells = cells,
                None if !self.rows.next(&mut self.cells)? => return Ok(false),
                None => {}
            }
            if !self.cells.is_blank() {
                return Ok(true);
            }
        }
    }

    /// Gives the row to the sieve, and counts the blank ones above it.
    fn take_row(&mut self, batch: &mut RawBatch) -> Result<(), Error> {
        let blank = self.cells.line.saturating_sub(self.line + 1);
        if blank > 0 {
            self.sieve.skip(SkippedLines::Blank, blank);
        }
        self.line = self.cells.line;
        if self.columns.start > 0 || self.cells.width() > self.columns.end {
            self.outside += self.cells.filled().filter(|column| !self.columns.contains(column)).count() as u64;
        }
        self.fill.apply(&mut self.cells);
        if self.cells.is_too_long() {
            return Err(too_long(&self.path, self.line));
        }
        self.row.start(self.line);
        self.row.fault = self.cells.fault;
        for column in self.columns.clone() {
            self.row.push_joined(self.cells.get(column));
        }
        self.sieve.take(&mut self.row, batch);
        Ok(())
    }

    fn finish(&mut self) {
        self.is_at_end = true;
        self.sieve.finish();
        if self.outside > 0 {
            self.shape.notes.push(format!("left out {} beside the table", counted(self.outside, "cell")));
        }
        debug_assert!(self.sieve.count().is_balanced(), "lost rows of {:?}", self.shape);
    }
}

impl RecordReader for Reader {
    fn shape(&self) -> &FileShape {
        &self.shape
    }

    fn next_batch(&mut self) -> Result<Option<RawBatch>, Error> {
        let mut batch = RawBatch::default();
        while !self.is_at_end && !Sieve::is_full(&batch) {
            match self.read_row()? {
                true => self.take_row(&mut batch)?,
                false => self.finish(),
            }
        }
        Ok((!batch.is_empty()).then_some(batch))
    }

    fn lines(&self) -> LineCount {
        self.sieve.count().clone()
    }
}

fn shape(found: &Found, unread: &[String]) -> FileShape {
    let mut notes = vec![format!("sheet `{}`", found.name)];
    if !unread.is_empty() {
        notes.push(format!("left unread: {}", unread.join(", ")));
    }
    let line = found.header.as_ref().map_or(0, |header| found.head[header.index].line);
    if line > 1 {
        notes.push(format!("skipped {} above the header", counted(line - 1, "row")));
    }
    if let Some(header) = found.header.as_ref().filter(|header| header.levels > 1) {
        notes.push(format!("the header has {} rows", header.levels));
    }
    let header = found.header.as_ref();
    FileShape {
        header_line: line,
        confidence: header.map_or(1.0, |header| confidence(header.matches, header.names.len())),
        header: header.map(|header| header.names.clone()).unwrap_or_default(),
        notes,
        ..FileShape::binary("xlsx")
    }
}

/// Returns how sure a choice of header is: 1 when half of its names are the contract's.
fn confidence(matches: usize, width: usize) -> f64 {
    if matches == 0 { 0.5 } else { (share(matches, width) * 2.0).min(1.0) }
}

#[cfg(test)]
mod tests;
