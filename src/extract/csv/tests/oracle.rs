//! On clean dialects the rows are those of `csv-core`, cell for cell.

use csv_core::{ReadRecordResult, ReaderBuilder, Terminator};
use proptest::prelude::*;

use crate::{
    define::project::{CsvOptions, Format},
    extract::testing::read,
};

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
        let bounds = [0].into_iter().chain(ends[..cells].iter().copied()).collect::<Vec<usize>>();
        let cell = |pair: &[usize]| String::from_utf8_lossy(&output[pair[0]..pair[1]]).into_owned();
        rows.push(bounds.windows(2).map(cell).collect());
    }
}

/// A cell, quoted where it must be or where it happens to be.
fn written(cell: &str, delimiter: char, is_quoted: bool) -> String {
    let must = cell.contains([delimiter, '"', '\n', '\r']) || cell.starts_with([' ', '\t']);
    if must || is_quoted { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.to_owned() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn clean_files_are_read_as_csv_core_reads_them(
        rows in (2_usize..8).prop_flat_map(|width| {
            let cell = ("[a-z0-9 ,;|\t\"\r\n.中文é']{0,9}", any::<bool>());
            // The first cell is filled, so that no row is blank, a note or a total.
            let row = ("[a-z]{3}[0-9]{1,9}", any::<bool>(), prop::collection::vec(cell, width - 1));
            prop::collection::vec(row.prop_map(|(first, quoted, rest)| [vec![(first, quoted)], rest].concat()), 1..40)
        }),
        delimiter in prop::sample::select(vec![',', ';', '\t', '|']),
        line_end in prop::sample::select(vec!["\n", "\r\n", "\r"]),
        ends in any::<bool>(),
    ) {
        let line = |row: &Vec<(String, bool)>| -> String {
            row.iter().map(|(cell, quoted)| written(cell, delimiter, *quoted)).collect::<Vec<_>>().join(&delimiter.to_string())
        };
        // A full last row, so that the ones above it are no footer.
        let last = vec![("end".to_owned(), false); rows[0].len()];
        let rows = [rows, vec![last]].concat();
        let text = rows.iter().map(line).collect::<Vec<_>>().join(line_end) + if ends { line_end } else { "" };
        let options = CsvOptions {
            delimiter: Some(delimiter.to_string()), quote: Some('"'), no_header: true, ..CsvOptions::default()
        };
        let expected = oracle(&text, u8::try_from(delimiter).unwrap_or(b','));
        let found = read("a.csv", text, &Format::Csv(options), &[]);
        let cells: Vec<Vec<String>> =
            found.cells.into_iter().map(|row| row.into_iter().map(Option::unwrap_or_default).collect()).collect();
        prop_assert_eq!(cells, expected);
    }
}
