//! Any table, written in a clean dialect: its rows are those that `csv-core` reads, at every size of blocks.
//!
//! In the input 0x1F ends a cell and 0x1E a row; the first three bytes choose the dialect. What makes a file unclean by
//! this project's own rules is left out: rows of other widths, blank or total-like rows, a hundred lines in one row.

#![no_main]

use std::sync::Arc;

use bytes::Bytes;
use csv_core::{ReadRecordResult, ReaderBuilder, Terminator};
use libfuzzer_sys::fuzz_target;
use tallyhouse_fuzz::{
    Way,
    define::project::CsvOptions,
    drain,
    extract::{Hints, open_in_any_blocks},
};

/// Line ends in a row, above which a quote counts as never closed.
const MOST_LINES: usize = 90;

fuzz_target!(|bytes: &[u8]| {
    let [delimiter, line_end, quoting, body @ ..] = bytes else { return };
    let delimiter = b",;\t|"[usize::from(delimiter % 4)];
    let line_end = ["\n", "\r\n", "\r"][usize::from(line_end % 3)];
    let Some(rows) = rows(body) else { return };
    let text = written(&rows, char::from(delimiter), line_end, *quoting);
    let expected = oracle(&text, delimiter);
    let options = CsvOptions {
        delimiter: Some(char::from(delimiter).to_string()),
        quote: Some('"'),
        encoding: Some("utf-8".to_owned()),
        no_header: true,
        ..CsvOptions::default()
    };
    for (block_bytes, way) in [(1 << 20, Way::InTurn), (1, Way::LastFirst), (13, Way::ByPieces), (64, Way::InTurn)] {
        let content = Bytes::copy_from_slice(text.as_bytes()).into();
        let reader = open_in_any_blocks(&Arc::from("a.csv"), &content, &options, &Hints::default(), block_bytes);
        let mut reader = reader.unwrap_or_else(|error| panic!("{error}: {text:?}"));
        let found = drain(reader.as_mut(), way).expect("a short table");
        let found: Vec<Vec<String>> =
            found.into_iter().map(|row| row.4.into_iter().map(Option::unwrap_or_default).collect()).collect();
        assert_eq!(found, expected, "{block_bytes} {way:?} {text:?}");
    }
});

/// Makes a clean table of the input: as wide as its first row, every first cell filled, and a full row at the end.
fn rows(body: &[u8]) -> Option<Vec<Vec<String>>> {
    let cells = |row: &[u8]| -> Vec<String> {
        row.split(|byte| *byte == 0x1F).map(|cell| String::from_utf8_lossy(cell).into_owned()).collect()
    };
    let mut rows: Vec<Vec<String>> = body.split(|byte| *byte == 0x1E).map(cells).collect();
    let width = rows.first()?.len().max(2);
    for (number, row) in rows.iter_mut().enumerate() {
        row.resize(width, String::new());
        row[0] = format!("row{number}{}", row[0]);
        let lines: usize = row.iter().map(|cell| cell.matches(['\n', '\r']).count()).sum();
        if lines > MOST_LINES {
            return None;
        }
    }
    rows.push(vec!["end".to_owned(); width]);
    Some(rows)
}

/// Writes a table; cells are quoted where they must be, and where the bits of `quoting` say so.
fn written(rows: &[Vec<String>], delimiter: char, line_end: &str, quoting: u8) -> String {
    let mut bits = (0..7).map(|bit| quoting >> bit & 1 == 1).cycle();
    let mut cell = |cell: &String| {
        let must = cell.contains([delimiter, '"', '\n', '\r'])
            || cell.starts_with(char::is_whitespace)
            || cell.starts_with(['\u{feff}', '\u{200b}']);
        if bits.next() == Some(true) || must { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.clone() }
    };
    let line = |row: &Vec<String>| row.iter().map(&mut cell).collect::<Vec<_>>().join(&delimiter.to_string());
    let ends = if quoting >> 7 == 1 { line_end } else { "" };
    rows.iter().map(line).collect::<Vec<_>>().join(line_end) + ends
}

/// Reads a text with `csv-core`.
fn oracle(text: &str, delimiter: u8) -> Vec<Vec<String>> {
    let mut reader = ReaderBuilder::new().delimiter(delimiter).quote(b'"').terminator(Terminator::CRLF).build();
    let (mut rows, mut input) = (Vec::new(), text.as_bytes());
    let (mut output, mut ends) = (vec![0; text.len() + 16], vec![0; text.len() + 16]);
    loop {
        let (mut written, mut cells) = (0, 0);
        loop {
            let (result, taken, wrote, ended) = reader.read_record(input, &mut output[written..], &mut ends[cells..]);
            input = &input[taken..];
            written += wrote;
            cells += ended;
            match result {
                ReadRecordResult::End => return rows,
                ReadRecordResult::Record => break,
                _ => {}
            }
        }
        let begins = [0].into_iter().chain(ends[..cells].iter().copied());
        let cell = |(begin, end): (usize, &usize)| String::from_utf8_lossy(&output[begin..*end]).into_owned();
        rows.push(begins.zip(&ends[..cells]).map(cell).collect());
    }
}
