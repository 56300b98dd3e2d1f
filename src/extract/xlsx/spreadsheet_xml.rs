//! XML Spreadsheet 2003, which many systems export under the name .xls.
//!
//! In: the file itself. Out: its worksheets, row by row. Deliberately reads values, not what their styles show.

use std::{borrow::Cow, sync::Arc};

use super::{
    cell::{Kind, push_iso, push_stored},
    elements::{Elements, as_utf8},
    grid::{Book, Cells, Label, MOST_COLUMNS, Merge, Rows},
    markup::{Event, Scanner, attribute, unescape},
};
use crate::{
    extract::{Error, Limits},
    record::RawFault,
    storage::content::Content,
};

/// Returns whether a file begins as such a spreadsheet.
pub(in crate::extract) fn is_spreadsheet(head: &[u8]) -> bool {
    let has = |word: &[u8]| memchr::memmem::find(head, word).is_some();
    has(b"urn:schemas-microsoft-com:office:spreadsheet") && has(b"Workbook") && !has(b"<html") && !has(b"<HTML")
}

/// An opened workbook.
pub(super) struct Workbook {
    path: Arc<str>,
    content: Content,
    labels: Vec<Label>,
    most_rows: u64,
}

impl Workbook {
    /// Reads the names of its worksheets.
    pub(super) fn open(path: &Arc<str>, content: &Content, limits: &Limits) -> Result<Self, Error> {
        let content = as_utf8(content.clone()).map_err(|error| crate::extract::disk(path, &error))?;
        let label = |(number, tag): (usize, &String)| {
            let name = attribute(tag, "Name").map_or_else(|| format!("sheet {}", number + 1), Cow::into_owned);
            Label { name, is_visible: true }
        };
        let labels = Elements::containers(path, &content, "Worksheet")?.iter().enumerate().map(label).collect();
        Ok(Self { path: Arc::clone(path), content, labels, most_rows: limits.most_sheet_rows })
    }
}

impl Book for Workbook {
    fn labels(&self) -> &[Label] {
        &self.labels
    }

    fn open(&mut self, index: usize) -> Result<Box<dyn Rows>, Error> {
        let elements = Elements::new(&self.path, &self.content, "Worksheet", index, "Row")?;
        Ok(Box::new(Sheet {
            path: Arc::clone(&self.path),
            elements,
            line: 0,
            taken: Vec::new(),
            most_rows: self.most_rows,
        }))
    }
}

struct Sheet {
    path: Arc<str>,
    elements: Option<Elements>,
    line: u64,
    /// By column, the last row down to which a cell from above reaches.
    taken: Vec<u64>,
    most_rows: u64,
}

impl Rows for Sheet {
    fn next(&mut self, cells: &mut Cells) -> Result<bool, Error> {
        let Some(elements) = &mut self.elements else { return Ok(false) };
        let Some((row, is_utf8)) = elements.next()? else { return Ok(false) };
        let mut scanner = Scanner::new(&row);
        let Some(Event::Open { attributes, .. }) = scanner.next() else { return Ok(false) };
        let index = number(attributes, "Index").filter(|index| *index > self.line);
        cells.start(index.unwrap_or(self.line + 1));
        cells.fault = (!is_utf8).then_some(RawFault::Encoding);
        self.line = cells.line.saturating_add(number(attributes, "Span").unwrap_or(0));
        if self.line > self.most_rows {
            let reason = format!("a sheet has more than {} rows", self.most_rows);
            return Err(Error::unreadable(&self.path, reason, "ask for it again, or have it exported as .xlsx"));
        }
        cut(scanner, cells, &mut self.taken);
        Ok(true)
    }
}

fn number(attributes: &str, name: &str) -> Option<u64> {
    attribute(attributes, name)?.trim().parse().ok()
}

/// Puts the cells of a row where they stand: behind each other, behind those from above, or where they say.
fn cut(mut scanner: Scanner<'_>, cells: &mut Cells, taken: &mut Vec<u64>) {
    let mut next = 0;
    while let Some(event) = scanner.next() {
        let Event::Open { name: "Cell", attributes, is_empty } = event else { continue };
        while taken.get(next).is_some_and(|last| *last >= cells.line) {
            next += 1;
        }
        let index = number(attributes, "Index").and_then(|index| usize::try_from(index.checked_sub(1)?).ok());
        let column = index.unwrap_or(next).min(MOST_COLUMNS);
        let across = number(attributes, "MergeAcross").and_then(|count| usize::try_from(count).ok()).unwrap_or(0);
        let last = column.saturating_add(across).min(MOST_COLUMNS);
        let down = number(attributes, "MergeDown").unwrap_or(0);
        if last > column || down > 0 {
            let last_line = cells.line.saturating_add(down);
            cells.merges.push(Merge { line: cells.line, last_line, first: column, last });
            if down > 0 {
                taken.resize(taken.len().max(last + 1), 0);
                taken[column..=last].fill(last_line);
            }
        }
        if !is_empty {
            put_data(&mut scanner, column, cells);
        }
        next = last + 1;
    }
}

/// Puts what stands in `<Data>`; a comment beside it is none.
fn put_data(scanner: &mut Scanner<'_>, column: usize, cells: &mut Cells) {
    let (mut kind, mut text, mut is_data) = (None, String::new(), false);
    for event in scanner.by_ref() {
        match event {
            Event::Close { name: "Cell" } => break,
            Event::Open { name: "Data", attributes, is_empty } if kind.is_none() => {
                kind = Some(attribute(attributes, "Type").unwrap_or_default());
                is_data = !is_empty;
            }
            Event::Close { name: "Data" } => is_data = false,
            Event::Text(found) if is_data => text.push_str(&unescape(found)),
            Event::Data(found) if is_data => text.push_str(found),
            _ => {}
        }
    }
    match kind.as_deref() {
        Some("Number") => cells.put_with(column, |all| push_stored(&text, Kind::Number, false, all)),
        Some("DateTime") => cells.put_with(column, |all| push_iso(text.trim_ascii(), all)),
        Some("Boolean") => cells.put(column, if text.trim() == "1" { "true" } else { "false" }),
        _ => cells.put(column, &text),
    }
}
