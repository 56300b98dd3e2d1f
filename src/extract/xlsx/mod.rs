//! Workbooks: .xlsx, .xlsb, .xls and .ods through calamine.
//!
//! In: a file's bytes and what is declared. Out: the records of one sheet and every row of it counted. Formulas count by
//! the values that were saved with them. Deliberately does not merge sheets, and does not read merged cells as more than
//! their first one.

mod detect;
mod split;

use std::{
    io::Cursor,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use bytes::Bytes;
use calamine::{Data, Ods, Range, Reader as _, Sheets, Xls, Xlsb, Xlsx};
use memchr::memmem;

use self::detect::{Sheet, detect};
use super::{
    Error, Hints, RecordReader,
    detect::COMPOUND,
    header::{Names, confidence, names_of},
    row::Row,
    sieve::Sieve,
};
use crate::{
    define::project::XlsxOptions,
    record::{FileShape, LineCount, RawBatch, SkippedLines},
};

/// Opens a workbook.
pub(super) fn open(
    path: &Arc<str>,
    bytes: &Bytes,
    options: &XlsxOptions,
    hints: &Hints,
) -> Result<Box<dyn RecordReader>, Error> {
    let names = Names::new(hints);
    let load = || detect(path, &mut workbook(path, bytes)?, options, &names);
    // A damaged workbook is a bad file; where calamine takes it for a bug of its own, it panics.
    let sheet = catch_unwind(AssertUnwindSafe(load)).unwrap_or_else(|_| {
        Err(Error::unreadable(path, "the workbook is damaged", "open it in Excel and save it again"))
    })?;
    Ok(Box::new(Reader::new(sheet, hints)))
}

fn workbook(path: &Arc<str>, bytes: &Bytes) -> Result<Sheets<Cursor<Bytes>>, Error> {
    let has = |word: &[u8]| memmem::find(bytes, word).is_some();
    let encrypted: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
    if bytes.starts_with(COMPOUND) && has(&encrypted) {
        return Err(locked(path));
    }
    let (is_binary, is_open_document) =
        (has(b"xl/workbook.bin"), has(b"application/vnd.oasis.opendocument.spreadsheet"));
    let cursor = Cursor::new(bytes.clone());
    let book = if bytes.starts_with(COMPOUND) {
        Xls::new(cursor).map(Sheets::Xls).map_err(calamine::Error::from)
    } else if is_binary {
        Xlsb::new(cursor).map(Sheets::Xlsb).map_err(calamine::Error::from)
    } else if is_open_document {
        Ods::new(cursor).map(Sheets::Ods).map_err(calamine::Error::from)
    } else {
        Xlsx::new(cursor).map(Sheets::Xlsx).map_err(calamine::Error::from)
    };
    book.map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Arc<str>, error: &calamine::Error) -> Error {
    let text = error.to_string();
    if text.contains("password") {
        return locked(path);
    }
    Error::unreadable(
        path,
        format!("not a whole workbook: {text}"),
        "open it in Excel and save it again, or ask for it again",
    )
}

fn locked(path: &Arc<str>) -> Error {
    Error::unreadable(path, "the workbook is protected by a password", "save it without one")
}

struct Reader {
    range: Range<Data>,
    /// Index in the range of the next row.
    next: usize,
    first_line: u64,
    shape: FileShape,
    sieve: Sieve,
    row: Row,
}

impl Reader {
    fn new(sheet: Sheet, hints: &Hints) -> Self {
        let shape = shape(&sheet);
        let sieve = Sieve::new(&shape.header, sheet.range.width(), hints);
        let first_line = Sheet::first_line(&sheet.range);
        let mut reader = Self { range: sheet.range, next: 0, first_line, shape, sieve, row: Row::default() };
        reader.skip_to_records();
        reader
    }

    /// Counts what stands above the records; in a sheet without header that is all.
    fn skip_to_records(&mut self) {
        if self.range.is_empty() {
            return;
        }
        if self.first_line > 1 {
            self.sieve.skip(SkippedLines::Blank, self.first_line - 1);
        }
        let header = if self.shape.header_line == 0 { u64::MAX } else { self.shape.header_line };
        while self.cut_row() && self.row.line <= header {
            let kind = match (self.row.line == header, self.row.filled()) {
                (true, _) => SkippedLines::Header,
                (false, 0) => SkippedLines::Blank,
                (false, _) => SkippedLines::Title,
            };
            self.next += 1;
            self.sieve.skip(kind, 1);
        }
    }

    /// Cuts the next row and stays there; false at the end.
    fn cut_row(&mut self) -> bool {
        let Some(cells) = self.range.rows().nth(self.next) else { return false };
        self.row.start(self.first_line + self.next as u64);
        split::cut(cells, &mut self.row);
        true
    }
}

impl RecordReader for Reader {
    fn shape(&self) -> &FileShape {
        &self.shape
    }

    fn next_batch(&mut self) -> Result<Option<RawBatch>, Error> {
        let mut batch = RawBatch::default();
        while !Sieve::is_full(&batch) && self.cut_row() {
            self.next += 1;
            self.sieve.take(&mut self.row, &mut batch);
        }
        if self.next >= self.range.height() {
            self.sieve.finish();
            debug_assert!(self.sieve.count().is_balanced(), "lost rows of {:?}", self.shape);
        }
        Ok((!batch.is_empty()).then_some(batch))
    }

    fn lines(&self) -> LineCount {
        self.sieve.count().clone()
    }
}

fn shape(sheet: &Sheet) -> FileShape {
    let mut notes = vec![format!("sheet `{}`", sheet.name)];
    if !sheet.others.is_empty() {
        notes.push(format!("left unread: {}", sheet.others.join(", ")));
    }
    let (header_line, header) = sheet.header.as_ref().map_or((0, Vec::new()), |(row, _)| (row.line, names_of(row)));
    if header_line > 1 {
        notes.push(format!("skipped {} rows above the header", header_line - 1));
    }
    FileShape {
        header_line,
        confidence: sheet.header.as_ref().map_or(1.0, |(_, choice)| confidence(*choice, header.len())),
        header,
        notes,
        ..FileShape::binary("xlsx")
    }
}

#[cfg(test)]
mod tests;
