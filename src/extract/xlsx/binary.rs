//! .xls and .xlsb, through calamine.
//!
//! In: the file's bytes. Out: its worksheets, cut. Calamine gives these formats only as a whole, so that a sheet lies in
//! memory; where a damaged file makes it panic, that is an error of the file. What it leaves out is read beside it: number
//! formats of .xls, merged cells of .xlsb. Deliberately no formulas and no styles.

use std::{io::Cursor, sync::Arc};

use bytes::Bytes;
use calamine::{Data, Reader as _, SheetType, SheetVisible, Xls, Xlsb};
use memchr::memmem;

use super::{
    cell::{push, push_data},
    compound::{self, Refusal},
    dates::Dates,
    grid::{Book, Label, Merge, Rows, Stored},
    merges::Parts,
};
use crate::extract::{Error, Limits};

enum Inner {
    /// With the dates of each of its labels.
    Xls(Box<Xls<Cursor<Bytes>>>, Vec<Dates>),
    Xlsb(Box<Xlsb<Cursor<Bytes>>>, Box<Parts>),
}

/// An opened workbook.
pub(super) struct Workbook {
    path: Arc<str>,
    inner: Inner,
    labels: Vec<Label>,
    most_rows: u64,
}

impl Workbook {
    /// Opens a compound file.
    pub(super) fn open_xls(path: &Arc<str>, bytes: Bytes, limits: &Limits) -> Result<Self, Error> {
        let encrypted: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
        if memmem::find(&bytes, &encrypted).is_some() {
            return Err(super::locked(path));
        }
        let refused = |refusal: Refusal| match refusal {
            Refusal::Locked => super::locked(path),
            Refusal::Damaged(why) => {
                let hint = "open it in Excel and save it as .xlsx";
                Error::unreadable(path, format!("the workbook is damaged: {why}"), hint)
            }
        };
        let streams = compound::workbooks(&bytes).map_err(refused)?;
        let dates = streams.first().map(|stream| Dates::of_sheets(stream)).unwrap_or_default();
        drop(streams);
        let book = guarded(path, || Xls::new(Cursor::new(bytes)).map_err(calamine::Error::from))?;
        let sheets = book.sheets_metadata().to_vec();
        let dates = sheets.iter().zip(dates).filter(|(sheet, _)| is_table(sheet)).map(|(_, dates)| dates).collect();
        Ok(Self::new(path, sheets, Inner::Xls(Box::new(book), dates), limits))
    }

    /// Opens a binary workbook in a zip archive.
    pub(super) fn open_xlsb(path: &Arc<str>, bytes: Bytes, parts: Parts, limits: &Limits) -> Result<Self, Error> {
        let book = guarded(path, || Xlsb::new(Cursor::new(bytes)).map_err(calamine::Error::from))?;
        let sheets = book.sheets_metadata().to_vec();
        Ok(Self::new(path, sheets, Inner::Xlsb(Box::new(book), Box::new(parts)), limits))
    }

    fn new(path: &Arc<str>, sheets: Vec<calamine::Sheet>, inner: Inner, limits: &Limits) -> Self {
        let sheets = sheets.into_iter().filter(is_table);
        let labels = sheets.map(|sheet| Label { name: sheet.name, is_visible: sheet.visible == SheetVisible::Visible });
        Self { path: Arc::clone(path), inner, labels: labels.collect(), most_rows: limits.most_sheet_rows }
    }
}

/// Returns whether a sheet has cells.
fn is_table(sheet: &calamine::Sheet) -> bool {
    sheet.typ == SheetType::WorkSheet
}

impl Book for Workbook {
    fn labels(&self) -> &[Label] {
        &self.labels
    }

    fn open(&mut self, index: usize) -> Result<Box<dyn Rows>, Error> {
        let name = &self.labels[index].name;
        let most_rows = self.most_rows;
        let stored = match &mut self.inner {
            Inner::Xls(book, dates) => guarded(&self.path, || read_xls(book, name, dates.get(index)))?,
            Inner::Xlsb(book, parts) => {
                let mut stored = guarded(&self.path, || read_xlsb(book, name, most_rows))?;
                for merge in parts.merges(&self.path, name)? {
                    stored.push_merge(merge);
                }
                stored
            }
        };
        Ok(Box::new(stored.sorted()))
    }
}

fn read_xls(book: &mut Xls<Cursor<Bytes>>, name: &str, dates: Option<&Dates>) -> Result<Stored, calamine::Error> {
    let range = book.worksheet_range(name)?;
    let is_1904 = book.has_1904_epoch();
    let mut stored = Stored::default();
    let (first_row, first_column) = range.start().unwrap_or_default();
    let mut text = String::new();
    for (row, column, cell) in range.used_cells() {
        let (row, column) = (u64::from(first_row) + row as u64, first_column as usize + column);
        text.clear();
        match number(cell).zip(dates) {
            Some((value, dates)) => push(value, dates.kind(row, column), is_1904, &mut text),
            None => push_data(cell, &mut text),
        }
        stored.push(row + 1, column, &text);
    }
    for area in book.merge_cells_by_sheet_name(name).unwrap_or_default() {
        stored.push_merge(Merge {
            line: u64::from(area.start.0) + 1,
            last_line: u64::from(area.end.0) + 1,
            first: area.start.1 as usize,
            last: area.end.1 as usize,
        });
    }
    Ok(stored)
}

/// Returns the number of a cell of an .xls, whether calamine takes it for a date or not.
fn number(cell: &Data) -> Option<f64> {
    match cell {
        Data::DateTime(serial) => Some(serial.as_f64()),
        Data::Float(value) => Some(*value),
        // Those of an .xls have 30 bits.
        Data::Int(value) => i32::try_from(*value).ok().map(f64::from),
        _ => None,
    }
}

/// Reads cell by cell, because a range would have room for all cells between the first and the last.
fn read_xlsb(book: &mut Xlsb<Cursor<Bytes>>, name: &str, most_rows: u64) -> Result<Stored, calamine::Error> {
    let mut cells = book.worksheet_cells_reader(name)?;
    let mut stored = Stored::default();
    let mut text = String::new();
    while let Some(cell) = cells.next_cell()? {
        let (row, column) = cell.get_position();
        let line = u64::from(row) + 1;
        if line > most_rows {
            return Err(calamine::Error::Msg("a cell stands below the last row that a sheet may have"));
        }
        text.clear();
        push_data(&Data::from(cell.get_value().clone()), &mut text);
        stored.push(line, column as usize, &text);
    }
    Ok(stored)
}

/// Runs what calamine does, and turns its errors and panics into errors of the file.
fn guarded<T>(path: &Arc<str>, work: impl FnOnce() -> Result<T, calamine::Error>) -> Result<T, Error> {
    // A damaged workbook is a bad file; where calamine takes it for a bug of its own, it panics.
    match crate::extract::guarded::guarded(work) {
        Some(result) => result.map_err(|error| unreadable(path, &error)),
        None => Err(Error::unreadable(path, "the workbook is damaged", "open it in Excel and save it again")),
    }
}

fn unreadable(path: &Arc<str>, error: &calamine::Error) -> Error {
    let text = error.to_string();
    if text.contains("password") {
        return super::locked(path);
    }
    let hint = "open it in Excel and save it again, or ask for it again";
    Error::unreadable(path, format!("not a whole workbook: {text}"), hint)
}
