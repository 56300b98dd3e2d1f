//! Which sheet of a workbook, and which of its rows is the header.
//!
//! In: an opened workbook, what is declared, the contract's names. Out: one sheet with its header's row. Sheets are tried
//! in order: the first whose header holds a name of the contract wins, then the first that holds anything. Deliberately
//! one sheet a file; the others are named in the report.

use std::{io::Cursor, sync::Arc};

use bytes::Bytes;
use calamine::{Data, Range, Reader as _, SheetType, SheetVisible, Sheets};
use globset::Glob;

use super::split::cut;
use crate::{
    define::project::XlsxOptions,
    extract::{
        Error,
        header::{Choice, HEADER_LINES, Names, choose},
        row::Row,
    },
};

/// A chosen sheet.
pub(super) struct Sheet {
    pub name: String,
    pub range: Range<Data>,
    /// Header row and how many of its names are the contract's; None where the sheet is empty.
    pub header: Option<(Row, Choice)>,
    /// Sheets left unread.
    pub others: Vec<String>,
}

impl Sheet {
    /// Returns the sheet row, 1-based, of the range's first row.
    pub(super) fn first_line(range: &Range<Data>) -> u64 {
        u64::from(range.start().map_or(0, |(row, _)| row)) + 1
    }

    fn matches(&self) -> usize {
        self.header.as_ref().map_or(0, |(_, choice)| choice.matches)
    }
}

/// Chooses sheet and header.
pub(super) fn detect(
    path: &Arc<str>,
    book: &mut Sheets<Cursor<Bytes>>,
    options: &XlsxOptions,
    names: &Names,
) -> Result<Sheet, Error> {
    let sheets = candidates(path, book, options)?;
    let mut chosen: Option<Sheet> = None;
    for name in &sheets {
        let range = book.worksheet_range(name).map_err(|error| super::unreadable(path, &error))?;
        let header = header(path, &range, options, names)?;
        let sheet = Sheet { name: name.clone(), range, header, others: Vec::new() };
        let is_better = |best: &Sheet| {
            best.header.is_none() && sheet.header.is_some() || best.matches() == 0 && sheet.matches() > 0
        };
        if chosen.as_ref().is_none_or(is_better) {
            chosen = Some(sheet);
        }
        if chosen.as_ref().is_some_and(|best| best.matches() > 0) {
            break;
        }
    }
    let mut sheet = chosen.ok_or_else(|| Error::unreadable(path, "it has no worksheet", "ask for the file again"))?;
    sheet.others = sheets.into_iter().filter(|name| *name != sheet.name).collect();
    if let (Some(row), None, false) = (options.header_row, &sheet.header, sheet.range.is_empty()) {
        let reason = format!("sheet `{}` has nothing in row {row}, where the header should be", sheet.name);
        return Err(Error::unreadable(path, reason, "correct `header_row` in the source's contract, or remove it"));
    }
    Ok(sheet)
}

/// Returns the sheets to try: those that the contract's glob names, or all that a person sees.
fn candidates(path: &Arc<str>, book: &Sheets<Cursor<Bytes>>, options: &XlsxOptions) -> Result<Vec<String>, Error> {
    let all: Vec<&calamine::Sheet> =
        book.sheets_metadata().iter().filter(|sheet| sheet.typ == SheetType::WorkSheet).collect();
    let Some(pattern) = &options.sheet else {
        let visible: Vec<String> =
            all.iter().filter(|sheet| sheet.visible == SheetVisible::Visible).map(|sheet| sheet.name.clone()).collect();
        return Ok(if visible.is_empty() { all.iter().map(|sheet| sheet.name.clone()).collect() } else { visible });
    };
    let hint =
        || format!("its sheets are: {}", all.iter().map(|sheet| sheet.name.as_str()).collect::<Vec<_>>().join(", "));
    let glob = Glob::new(pattern)
        .map_err(|error| Error::unreadable(path, error.to_string(), "correct `sheet` in the source's contract"))?;
    let matcher = glob.compile_matcher();
    let named = |sheet: &&&calamine::Sheet| sheet.name == *pattern || matcher.is_match(&sheet.name);
    let found: Vec<String> = all.iter().filter(named).map(|sheet| sheet.name.clone()).collect();
    if found.is_empty() {
        Err(Error::unreadable(path, format!("no sheet is named `{pattern}`"), hint()))
    } else {
        Ok(found)
    }
}

fn header(
    path: &Arc<str>,
    range: &Range<Data>,
    options: &XlsxOptions,
    names: &Names,
) -> Result<Option<(Row, Choice)>, Error> {
    let first = Sheet::first_line(range);
    let last = options.header_row.unwrap_or(HEADER_LINES);
    let count = usize::try_from((last + 1).saturating_sub(first))
        .map_err(|_| Error::unreadable(path, "`header_row` is too large", "correct it in the source's contract"))?;
    let mut rows: Vec<Row> = range.rows().zip(first..).take(count).map(|(cells, line)| started(cells, line)).collect();
    let choice = match options.header_row {
        None => choose(&rows, names),
        Some(line) => {
            let found = rows.iter().position(|row| row.line == line && row.filled() > 0);
            found.map(|index| Choice { index, matches: names.matches(&rows[index]) })
        }
    };
    Ok(choice.map(|choice| (rows.swap_remove(choice.index), choice)))
}

fn started(cells: &[Data], line: u64) -> Row {
    let mut row = Row::default();
    row.start(line);
    cut(cells, &mut row);
    row
}
