//! One worksheet: its rows, and the cells that are merged.
//!
//! In: the part that holds a sheet. Out: rows of text. Deliberately trusts no declared dimension: a sheet is as large as
//! the rows that are written in it.

use std::sync::Arc;

use super::parts::{Strings, Styles, push_escaped, push_rich};
use crate::{
    extract::{
        Error,
        xlsx::{
            cell::{push_iso, push_stored},
            elements::{Elements, tail},
            grid::{Cells, MOST_COLUMNS, Merge, Rows, give_merges},
            markup::{Attributes, Event, Scanner, attribute, unescape},
            too_long,
        },
    },
    record::RawFault,
    storage::content::Content,
};

/// What a sheet needs of its workbook.
pub(super) struct Around {
    pub path: Arc<str>,
    pub strings: Arc<Strings>,
    pub styles: Arc<Styles>,
    pub is_1904: bool,
    pub most_rows: u64,
}

/// Opens a sheet.
pub(super) fn open(content: &Content, around: Around) -> Result<Box<dyn Rows>, Error> {
    let merges = merges(&tail(content, "sheetData").map_err(|error| crate::extract::disk(&around.path, &error))?);
    let elements = Elements::new(&around.path, content, "sheetData", 0, "row")?;
    Ok(Box::new(SheetRows { elements, around, line: 0, merges, merges_at: 0 }))
}

fn merges(tail: &str) -> Vec<Merge> {
    let merge = |event| {
        let Event::Open { name: "mergeCell", attributes, .. } = event else { return None };
        let area = attribute(attributes, "ref")?;
        let (first, last) = area.split_once(':')?;
        let ((first, line), (last, last_line)) = (place(first)?, place(last)?);
        let merge = Merge { line: line?, last_line: last_line?, first, last };
        (merge.line <= merge.last_line && first <= last).then_some(merge)
    };
    let mut merges: Vec<Merge> = Scanner::new(tail).filter_map(merge).collect();
    merges.sort_by_key(|merge| (merge.line, merge.first));
    merges
}

struct SheetRows {
    /// None in a sheet without data.
    elements: Option<Elements>,
    around: Around,
    line: u64,
    merges: Vec<Merge>,
    merges_at: usize,
}

impl Rows for SheetRows {
    fn next(&mut self, cells: &mut Cells) -> Result<bool, Error> {
        let Some(elements) = &mut self.elements else { return Ok(false) };
        let Some((row, is_utf8)) = elements.next()? else { return Ok(false) };
        let mut scanner = Scanner::new(&row);
        let Some(Event::Open { attributes, .. }) = scanner.next() else { return Ok(false) };
        // A row without a number, or with one that was there before, follows the one before.
        let number = attribute(attributes, "r").and_then(|number| number.trim().parse::<u64>().ok());
        let line = number.filter(|number| *number > self.line).unwrap_or(self.line + 1);
        if line > self.around.most_rows {
            let reason = format!("a sheet has more than {} rows", self.around.most_rows);
            return Err(Error::unreadable(
                &self.around.path,
                reason,
                "the workbook is damaged: open it in Excel and save it again",
            ));
        }
        self.line = line;
        cells.start(line);
        cells.fault = (!is_utf8).then_some(RawFault::Encoding);
        self.around.cut(scanner, cells)?;
        if cells.is_too_long() {
            return Err(too_long(&self.around.path, line));
        }
        give_merges(&self.merges, &mut self.merges_at, cells);
        Ok(true)
    }
}

/// The cell that is being read.
#[derive(Default)]
struct Cell<'a> {
    column: usize,
    style: usize,
    kind: &'a str,
}

impl Around {
    /// Puts the cells of a row where they stand.
    fn cut(&self, mut scanner: Scanner<'_>, cells: &mut Cells) -> Result<(), Error> {
        let mut cell = Cell::default();
        let mut next_column = 0;
        while let Some(event) = scanner.next().filter(|_| !cells.is_too_long()) {
            match event {
                Event::Open { name: "c", attributes, .. } => {
                    cell = Cell { column: next_column, style: 0, kind: "" };
                    self.read_attributes(attributes, &mut cell)?;
                    next_column = cell.column + 1;
                }
                Event::Open { name: "v", is_empty: false, .. } => self.put_value(&mut scanner, &cell, cells)?,
                Event::Open { name: "is", is_empty: false, .. } => {
                    let mut rest = scanner.clone();
                    rest.skip_to_close("is");
                    let inside = scanner.up_to(&rest);
                    cells.put_with(cell.column, |text| push_rich(inside, text));
                    scanner = rest;
                }
                Event::Open { name: "f", is_empty: false, .. } => scanner.skip_to_close("f"),
                _ => {}
            }
        }
        Ok(())
    }

    fn read_attributes<'a>(&self, attributes: &'a str, cell: &mut Cell<'a>) -> Result<(), Error> {
        for (name, value) in Attributes(attributes) {
            match name {
                "r" => {
                    let place = place(value).filter(|(column, _)| *column < MOST_COLUMNS);
                    let Some((column, _)) = place else {
                        let reason = format!("not a whole workbook: no sheet has a cell `{value}`");
                        return Err(Error::unreadable(&self.path, reason, "open it in Excel and save it again"));
                    };
                    cell.column = column;
                }
                "s" => cell.style = value.parse().unwrap_or_default(),
                "t" => cell.kind = value,
                _ => {}
            }
        }
        Ok(())
    }

    /// Puts what stands in `<v>`.
    fn put_value(&self, scanner: &mut Scanner<'_>, cell: &Cell<'_>, cells: &mut Cells) -> Result<(), Error> {
        let stored = match scanner.next() {
            Some(Event::Text(text)) => unescape(text),
            Some(Event::Data(text)) => text.into(),
            _ => return Ok(()),
        };
        match cell.kind {
            "" | "n" => {
                let kind = self.styles.kind(cell.style);
                cells.put_with(cell.column, |text| push_stored(&stored, kind, self.is_1904, text));
            }
            "s" => {
                let shared = stored.trim_ascii().parse().ok().and_then(|index| self.strings.get(index));
                let Some(shared) = shared else {
                    let reason = format!("not a whole workbook: shared text {stored} is missing");
                    return Err(Error::unreadable(
                        &self.path,
                        reason,
                        "open it in Excel and save it again, or ask for it again",
                    ));
                };
                cells.put(cell.column, shared);
            }
            "b" => cells.put(
                cell.column,
                match stored.trim_ascii() {
                    "1" => "true",
                    "0" => "false",
                    other => other,
                },
            ),
            "d" => cells.put_with(cell.column, |text| push_iso(stored.trim_ascii(), text)),
            // The text of an inline string stands in `<is>`.
            "inlineStr" => {}
            "e" => cells.put(cell.column, &stored),
            _ => cells.put_with(cell.column, |text| push_escaped(&stored, text)),
        }
        Ok(())
    }
}

/// Returns the column from 0 and the row from 1 that a reference such as `$C$12` names.
fn place(reference: &str) -> Option<(usize, Option<u64>)> {
    let (mut column, mut line, mut has_line) = (0usize, 0u64, false);
    for byte in reference.trim_ascii().bytes().filter(|byte| *byte != b'$') {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' if !has_line => {
                column = column * 26 + usize::from(byte.to_ascii_uppercase() - b'A') + 1;
                if column > MOST_COLUMNS {
                    return None;
                }
            }
            b'0'..=b'9' => {
                has_line = true;
                line = line.checked_mul(10)?.checked_add(u64::from(byte - b'0'))?;
            }
            _ => return None,
        }
    }
    Some((column.checked_sub(1)?, has_line.then_some(line)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_name_places() {
        assert_eq!(place("A1"), Some((0, Some(1))));
        assert_eq!(place("$XFD$1048576"), Some((16_383, Some(1_048_576))));
        assert_eq!(place("C"), Some((2, None)));
        for wrong in ["", "1", "XFE1", "A1B", "AAAAAAAAAAAAAAAAAA1", "A99999999999999999999999", "中1"] {
            assert_eq!(place(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn merges_are_in_the_order_of_their_rows() {
        let found = merges(
            "<mergeCells><mergeCell ref=\"B3:B4\"/><mergeCell ref=\"A1:C1\"/><mergeCell ref=\"C2:A1\"/></mergeCells>",
        );
        let expected =
            [Merge { line: 1, last_line: 1, first: 0, last: 2 }, Merge { line: 3, last_line: 4, first: 1, last: 1 }];
        assert_eq!(found, expected);
    }
}
