//! Which numbers of an .xls are dates, by its number formats.
//!
//! In: the stream of a workbook. Out: for each sheet the cells whose number is a date or a duration. Calamine takes the
//! formats 27 to 36 and 50 to 62 as every workbook is said to have them, whatever this one says, and reads the others in
//! its own way; an .xls should read as the same workbook saved as .xlsx does. Deliberately reads no values.

use std::collections::HashMap;

use super::{
    cell::Kind,
    compound::{BEGIN, END, NUMBERS_OF_A_ROW, Record, SHEET, globals, long, records, short},
};

/// A cell's number format by its number, and a cell's style, which has the number of one.
const FORMAT: u16 = 0x041E;
const STYLE: u16 = 0x00E0;

/// A formula, a number, a short number.
const NUMBERS: [u16; 3] = [0x0006, 0x0203, 0x027E];

/// Workbooks of Excel 5 and 95, whose texts have one byte for each letter.
const EXCEL_5: u16 = 0x0500;

/// The cells of one sheet that hold dates: row and column from 0, in this order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Dates(Vec<(u16, u16, Kind)>);

impl Dates {
    /// Reads those of every sheet, in the order in which the workbook lists them.
    pub(super) fn of_sheets(stream: &[u8]) -> Vec<Self> {
        let kinds = kinds(stream);
        let read = |sheet: Record<'_>| {
            let begin = long(sheet.data, 0).and_then(|begin| usize::try_from(begin).ok());
            let stream = begin.and_then(|begin| stream.get(begin..)).unwrap_or_default();
            Self::read(stream, &kinds)
        };
        globals(stream).filter(|record| record.kind == SHEET).map(read).collect()
    }

    fn read(stream: &[u8], kinds: &[Kind]) -> Self {
        let mut dates = Self::default();
        // Charts within a sheet have their own beginning and end, and cells of their own.
        let mut depth = 0_usize;
        for record in records(stream) {
            match record.kind {
                BEGIN => depth += 1,
                END if depth <= 1 => break,
                END => depth -= 1,
                _ if depth <= 1 => dates.take(&record, kinds),
                _ => {}
            }
        }
        dates.0.sort_by_key(|(row, column, _)| (*row, *column));
        dates
    }

    fn take(&mut self, record: &Record<'_>, kinds: &[Kind]) {
        let data = record.data;
        let styles = match record.kind {
            NUMBERS_OF_A_ROW => data.get(4..data.len().saturating_sub(2)),
            kind if NUMBERS.contains(&kind) => data.get(4..6),
            _ => None,
        };
        let (Some(row), Some(first), Some(styles)) = (short(data, 0), short(data, 2), styles) else { return };
        // In a row of numbers, each style has its number behind it.
        for (column, style) in (first..=u16::MAX).zip(styles.chunks(6)) {
            let kind = short(style, 0).and_then(|style| kinds.get(usize::from(style)).copied()).unwrap_or_default();
            if kind != Kind::Number {
                self.0.push((row, column, kind));
            }
        }
    }

    /// Returns what a cell's number means; row and column from 0.
    pub(super) fn kind(&self, row: u64, column: usize) -> Kind {
        let place = |(row, column, _): &(u16, u16, Kind)| (u64::from(*row), usize::from(*column));
        self.0.binary_search_by_key(&(row, column), place).map_or(Kind::Number, |at| self.0[at].2)
    }
}

/// Returns the kinds of all cell styles.
fn kinds(stream: &[u8]) -> Vec<Kind> {
    let mut formats = HashMap::new();
    let mut styles = Vec::new();
    let mut is_excel_5 = false;
    for record in globals(stream) {
        match record.kind {
            BEGIN => is_excel_5 = short(record.data, 0) == Some(EXCEL_5),
            FORMAT => {
                let code = if is_excel_5 { short_text(record.data) } else { text(record.data) };
                formats.extend(short(record.data, 0).zip(code).map(|(id, code)| (id, Kind::of_format(&code))));
            }
            STYLE => styles.push(short(record.data, 2).unwrap_or_default()),
            _ => {}
        }
    }
    let kind = |id: u16| formats.get(&id).copied().unwrap_or_else(|| Kind::of_builtin(u32::from(id)));
    styles.into_iter().map(kind).collect()
}

/// Returns a format's code: its length, a byte that says how wide its letters are, its letters.
fn text(format: &[u8]) -> Option<String> {
    let length = usize::from(short(format, 2)?);
    let letters = format.get(5..)?;
    if format[4] & 1 == 0 {
        return Some(letters.iter().take(length).map(|byte| char::from(*byte)).collect());
    }
    let letters = letters.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    Some(char::decode_utf16(letters.take(length)).flatten().collect())
}

/// Returns a format's code in Excel 5: its length in one byte, its letters. What is not ASCII is lost: it says nothing
/// about dates.
fn short_text(format: &[u8]) -> Option<String> {
    let length = usize::from(*format.get(2)?);
    let letters = format.get(3..)?;
    Some(String::from_utf8_lossy(&letters[..length.min(letters.len())]).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u16, data: &[u8]) -> Vec<u8> {
        let length = u16::try_from(data.len()).unwrap_or_default();
        [&kind.to_le_bytes()[..], &length.to_le_bytes(), data].concat()
    }

    /// Returns a workbook of one sheet.
    fn book(begin: &[u8], formats: &[Vec<u8>], styles: &[u8], cells: &[Vec<u8>]) -> Vec<u8> {
        let mut globals = record(BEGIN, begin);
        globals.extend(formats.iter().flat_map(|format| record(FORMAT, format)));
        globals.extend(styles.iter().flat_map(|id| record(STYLE, &[0, 0, *id, 0])));
        let length = u8::try_from(globals.len() + 12).unwrap_or_default();
        globals.extend(record(SHEET, &[length, 0, 0, 0]));
        globals.extend(record(END, &[]));
        [globals, record(BEGIN, begin), cells.concat(), record(END, &[])].concat()
    }

    #[test]
    fn formats_of_the_workbook_go_before_built_in_ones() {
        let wide: Vec<u8> = "ggge\"年\"".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let formats = [
            [&[50_u8, 0, 3, 0, 0][..], b"0.0"].concat(),
            [&[60_u8, 0, 4, 0, 0][..], b"yyyyXX"].concat(),
            [&[61_u8, 0, 7, 0, 1][..], &wide].concat(),
        ];
        let cells = [
            record(0x0203, &[1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
            record(0x00BD, &[0, 0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 5, 0]),
            record(BEGIN, &[0, 6]),
            record(0x027E, &[9, 0, 9, 0, 1, 0, 0, 0, 0, 0]),
            record(END, &[]),
            record(0x0006, &[0, 0, 0, 0, 4, 0, 0]),
            record(0x027E, &[2, 0, 255, 255, 2, 0, 0, 0, 0, 0]),
            record(0x00FD, &[3, 0, 0, 0, 1, 0, 0, 0, 0, 0]),
        ];
        let dates = Dates::of_sheets(&book(&[0, 6], &formats, &[50, 60, 61, 51, 46], &cells));
        let expected = [
            (0, 0, Kind::Duration),
            (0, 2, Kind::Date),
            (0, 4, Kind::Date),
            (1, 0, Kind::Date),
            (2, u16::MAX, Kind::Date),
        ];
        assert_eq!(dates, [Dates(expected.to_vec())]);
        let kinds = [(0, 0), (0, 3), (2, 65_535), (70_000, 0)].map(|(row, column)| dates[0].kind(row, column));
        assert_eq!(kinds, [Kind::Duration, Kind::Number, Kind::Date, Kind::Number]);
    }

    #[test]
    fn excel_5_has_short_texts() {
        let formats = [[&[164_u8, 0, 9][..], b"yyyy\xC4\xEAm\xD4\xC2"].concat(), vec![165, 0, 99, b'0'], vec![166, 0]];
        let cells = [0, 1, 2].map(|style| record(0x0203, &[style, 0, 0, 0, style, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
        let dates = Dates::of_sheets(&book(&[0, 5], &formats, &[164, 165, 166], &cells));
        assert_eq!(dates, [Dates(vec![(0, 0, Kind::Date)])]);
    }

    #[test]
    fn a_workbook_cut_anywhere_has_no_more_dates() {
        let cells = [record(0x00BD, &[0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 2, 0])];
        let whole = book(&[0, 6], &[], &[14], &cells);
        for end in 0..whole.len() {
            assert!(Dates::of_sheets(&whole[..end]).iter().all(|dates| dates.0.len() <= 1), "{end}");
        }
        assert_eq!(Dates::of_sheets(&whole), [Dates(vec![(0, 2, Kind::Date)])]);
    }
}
