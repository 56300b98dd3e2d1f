//! What every reader must do, whatever the format: one suite for all of them.
//!
//! One table of awkward values is written in every format that can hold it, by libraries that share no code with the
//! readers, and read back equal. Then the laws: lines balance, the shape is filled, reading twice gives the same, pieces
//! give what batches give, and a file that was cut or damaged anywhere gives rows or an error, never a panic or a hang.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::{sync::Arc, time::Instant};

use ::parquet::arrow::ArrowWriter;
use arrow::{
    array::{ArrayRef, RecordBatch, StringArray},
    datatypes::{DataType, Field, Schema},
    ipc::writer::{FileWriter, StreamWriter},
};
use arrow_avro::writer::{WriterBuilder, format::AvroOcfFormat};
use bytes::Bytes;
use proptest::prelude::*;

use super::{BATCH_ROWS, Hints, Limits, RecordReader, open};
use crate::{
    define::project::{CsvOptions, FixedColumn, FixedWidthOptions, Format, JsonOptions, WidthUnit, XlsxOptions},
    record::{LineCount, RawFault},
};

/// A table: names, then rows of cells.
#[derive(Debug, Clone, PartialEq)]
struct Table {
    names: Vec<String>,
    rows: Vec<Vec<Option<String>>>,
}

/// A table in a format.
struct File {
    kind: &'static str,
    format: Format,
    bytes: Vec<u8>,
    /// What the format cannot tell apart or hold, done to the table that is expected back.
    expected: Table,
}

fn table(names: &[&str], rows: &[&[Option<&str>]]) -> Table {
    Table {
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        rows: rows.iter().map(|row| row.iter().map(|cell| cell.map(str::to_owned)).collect()).collect(),
    }
}

/// Values that readers get wrong.
fn awkward() -> Table {
    let long = "长".repeat(9_000);
    table(
        &["id", "名 称", "a,b", "quote\"d", "amount", "date"],
        &[
            &[
                Some("1"),
                Some("plain"),
                None,
                Some("say \"hi\", twice"),
                Some("12345678901234567890123456789012345678"),
                Some("0001-01-01"),
            ],
            &[
                Some("2"),
                Some("广州,重工"),
                Some(""),
                Some("two\nlines"),
                Some("-0.00000000000000000000000000000000000001"),
                Some("9999-12-31"),
            ],
            &[
                Some("3"),
                Some("😀\u{200D}👩"),
                Some("a;b\tc|d"),
                Some("\\n is no line end"),
                Some("-1e400"),
                Some("1900-02-29"),
            ],
            &[Some("004"), Some("null"), Some("{\"a\": [1]}"), Some("it's"), Some("+5"), Some("31.12.1999")],
            &[
                Some("5"),
                Some(&long),
                Some("#N/A"),
                Some("<a>&amp;</a>"),
                Some("1.234,50"),
                Some("2024-02-29T23:59:60Z"),
            ],
            &[Some("6"), Some("e\u{301} \u{FEFF}x"), Some("=1+1"), Some("C:\\temp\\"), Some("0"), None],
        ],
    )
}

fn batch(table: &Table) -> RecordBatch {
    let fields: Vec<Field> = table.names.iter().map(|name| Field::new(name, DataType::Utf8, true)).collect();
    let column = |index: usize| -> ArrayRef {
        Arc::new(table.rows.iter().map(|row| row[index].clone()).collect::<StringArray>())
    };
    let columns = (0..table.names.len()).map(column).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

fn parquet(table: &Table) -> Vec<u8> {
    let (batch, mut bytes) = (batch(table), Vec::new());
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

fn arrow_file(table: &Table) -> Vec<u8> {
    let (batch, mut bytes) = (batch(table), Vec::new());
    let mut writer = FileWriter::try_new(&mut bytes, &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    drop(writer);
    bytes
}

fn arrow_stream(table: &Table) -> Vec<u8> {
    let (batch, mut bytes) = (batch(table), Vec::new());
    let mut writer = StreamWriter::try_new(&mut bytes, &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    drop(writer);
    bytes
}

fn avro(table: &Table) -> Vec<u8> {
    // Names in Avro are identifiers.
    let plain = Table { names: avro_names(table), rows: table.rows.clone() };
    let (batch, mut bytes) = (batch(&plain), Vec::new());
    let mut writer = WriterBuilder::new(batch.schema().as_ref().clone()).build::<_, AvroOcfFormat>(&mut bytes).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    drop(writer);
    bytes
}

fn avro_names(table: &Table) -> Vec<String> {
    (0..table.names.len()).map(|index| format!("c{index}")).collect()
}

fn object(table: &Table, row: &[Option<String>], pretty: bool) -> String {
    let members = table.names.iter().zip(row).map(|(name, cell)| (name.clone(), serde_json::Value::from(cell.clone())));
    let object = serde_json::Value::Object(members.collect());
    if pretty { serde_json::to_string_pretty(&object).unwrap() } else { object.to_string() }
}

fn json(table: &Table, before: &str, between: &str, after: &str, pretty: bool) -> Vec<u8> {
    let objects: Vec<String> = table.rows.iter().map(|row| object(table, row, pretty)).collect();
    [before, &objects.join(between), after].concat().into_bytes()
}

fn csv(table: &Table, line_end: &str) -> Vec<u8> {
    let cell = |cell: &str| format!("\"{}\"", cell.replace('"', "\"\""));
    let line = |cells: Vec<String>| format!("{}{line_end}", cells.join(","));
    let rows = table.rows.iter().map(|row| line(row.iter().map(|text| cell(text.as_deref().unwrap_or(""))).collect()));
    let header = line(table.names.iter().map(|name| cell(name)).collect());
    std::iter::once(header).chain(rows).collect::<String>().into_bytes()
}

fn workbook(table: &Table) -> Vec<u8> {
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let sheet = workbook.add_worksheet();
    for (column, name) in (0..).zip(&table.names) {
        sheet.write_string(0, column, name).unwrap();
    }
    for (row, cells) in (1..).zip(&table.rows) {
        for (column, text) in (0..).zip(cells).filter_map(|(column, cell)| Some((column, cell.as_ref()?))) {
            sheet.write_string(row, column, text).unwrap();
        }
    }
    workbook.save_to_buffer().unwrap()
}

/// Text in columns of fixed width, which holds neither line ends nor blanks at a cell's ends.
fn fixed_width(table: &Table) -> File {
    let clean = |cell: &Option<String>| {
        Some(cell.as_deref().unwrap_or_default().replace(['\n', '\r', '\t', '\0'], " ").trim().to_owned())
    };
    let rows: Vec<Vec<Option<String>>> = table.rows.iter().map(|row| row.iter().map(clean).collect()).collect();
    let length = |row: &[Option<String>], column: usize| row[column].as_deref().unwrap_or_default().chars().count();
    let widths: Vec<usize> = (0..table.names.len())
        .map(|column| rows.iter().map(|row| length(row, column)).max().unwrap_or(0) + 1)
        .collect();
    let line = |row: &Vec<Option<String>>| -> String {
        let cells = (0..widths.len()).map(|column| {
            format!(
                "{}{}",
                row[column].as_deref().unwrap_or_default(),
                " ".repeat(widths[column] - length(row, column))
            )
        });
        format!("{}\n", cells.collect::<String>())
    };
    let mut start = 1;
    let columns = table.names.iter().zip(&widths).map(|(name, width)| {
        let column = FixedColumn { name: name.clone(), start, width: Some(*width as u64) };
        start += *width as u64;
        column
    });
    let options =
        FixedWidthOptions { columns: columns.collect(), by: WidthUnit::Characters, ..FixedWidthOptions::default() };
    File {
        kind: "fixed_width",
        format: Format::FixedWidth(options),
        bytes: rows.iter().map(line).collect::<String>().into_bytes(),
        expected: Table { names: table.names.clone(), rows },
    }
}

/// The table in every format.
fn files(table: &Table) -> Vec<File> {
    let lines = Format::Json(JsonOptions { lines: true, ..JsonOptions::default() });
    let any = || Format::Json(JsonOptions::default());
    let under = Format::Json(JsonOptions { records: Some("data.items".to_owned()), ..JsonOptions::default() });
    let file = |kind, format, bytes| File { kind, format, bytes, expected: table.clone() };
    let no_nulls =
        |cells: &Vec<Option<String>>| cells.iter().map(|cell| Some(cell.clone().unwrap_or_default())).collect();
    let no_blanks =
        |cells: &Vec<Option<String>>| cells.iter().map(|cell| cell.clone().filter(|text| !text.is_empty())).collect();
    let mut files = vec![
        file("parquet", Format::Parquet, parquet(table)),
        file("arrow file", Format::Arrow, arrow_file(table)),
        file("arrow stream", Format::Arrow, arrow_stream(table)),
        file("json lines", lines, json(table, "", "\n", "\n", false)),
        file("json lines without line ends", any(), json(table, "", "", "", false)),
        file("json array", any(), json(table, "[", ",", "]", false)),
        file("pretty json array", any(), json(table, "[\n", ",\n", "\n]\n", true)),
        file(
            "json below names",
            under,
            json(table, "{\"n\":[1],\"data\":{\"x\":{},\"items\":[", ",\r\n", "]},\"z\":0}", false),
        ),
    ];
    let mut avro = file("avro", Format::Avro, avro(table));
    avro.expected.names = avro_names(table);
    files.push(avro);
    files.push(fixed_width(table));
    for (kind, line_end) in [("csv", "\n"), ("csv with CR LF", "\r\n")] {
        let mut csv = file(kind, Format::Csv(CsvOptions::default()), csv(table, line_end));
        csv.expected.rows = table.rows.iter().map(no_nulls).collect();
        files.push(csv);
    }
    let mut workbook = file("xlsx", Format::Xlsx(XlsxOptions::default()), workbook(table));
    workbook.expected.rows = table.rows.iter().map(no_blanks).collect();
    files.push(workbook);
    files
}

/// What reading a file gave.
#[derive(Debug, PartialEq)]
struct Found {
    table: Table,
    lines: LineCount,
    faults: Vec<(u64, RawFault)>,
    /// Line and original text of every row.
    raw: Vec<(u64, String)>,
}

/// The most rows that a damaged file is read for.
const MOST_ROWS: usize = 100_000;

fn drain(reader: &mut dyn RecordReader, by_pieces: bool) -> Result<Found, String> {
    let shape = reader.shape().clone();
    assert!(!shape.format.is_empty() && (0.0..=1.0).contains(&shape.confidence), "{shape:?}");
    let mut found = Found {
        table: Table { names: shape.header, rows: Vec::new() },
        lines: LineCount::default(),
        faults: Vec::new(),
        raw: Vec::new(),
    };
    let mut is_finished = false;
    while !is_finished && found.raw.len() < MOST_ROWS {
        let batch = if by_pieces {
            if let Some(piece) = reader.next_piece().map_err(|error| error.to_string())? {
                let (batch, rest) = piece.cut();
                if let Some(rest) = rest {
                    reader.take_back(rest);
                }
                Some(batch)
            } else {
                is_finished = true;
                reader.finish().map_err(|error| error.to_string())?
            }
        } else {
            reader.next_batch().map_err(|error| error.to_string())?
        };
        let Some(batch) = batch else { break };
        assert!(batch.len() <= 2 * BATCH_ROWS, "{} rows in a batch", batch.len());
        for row in 0..batch.len() {
            found.raw.push((batch.line(row), batch.raw(row).to_owned()));
            if let Some(fault) = batch.fault(row) {
                found.faults.push((batch.line(row), fault));
            } else {
                let cells = (0..batch.width(row)).map(|column| batch.cell(row, column).map(str::to_owned));
                found.table.rows.push(cells.collect());
            }
        }
    }
    found.lines = reader.lines();
    if found.raw.len() < MOST_ROWS {
        assert!(found.lines.is_balanced(), "{:?}", found.lines);
        assert_eq!(found.lines.rows, found.raw.len() as u64, "{:?}", found.lines);
    }
    Ok(found)
}

/// Reads the first table of a file.
fn read(bytes: &[u8], format: &Format, by_pieces: bool) -> Result<Found, String> {
    let content = Bytes::copy_from_slice(bytes).into();
    let mut parts = open(&Arc::from("a.dat"), &content, format, &Hints::default(), &Limits::default())
        .map_err(|error| error.to_string())?;
    drain(parts[0].reader.as_mut(), by_pieces)
}

/// Reads a file in both ways, which must agree.
fn agreed(bytes: &[u8], format: &Format) -> Result<Found, String> {
    let started = Instant::now();
    let (by_batches, by_pieces) = (read(bytes, format, false), read(bytes, format, true));
    let sorted = |found: Result<Found, String>| {
        found.map(|mut found| {
            found.raw.sort();
            found.faults.sort_by_key(|(line, _)| *line);
            found
        })
    };
    match (sorted(by_batches), sorted(by_pieces)) {
        (Ok(batches), Ok(pieces)) => {
            assert_eq!((&batches.raw, &batches.faults, &batches.lines), (&pieces.raw, &pieces.faults, &pieces.lines));
            assert!(started.elapsed().as_secs() < 60, "it takes too long");
            Ok(batches)
        }
        (Err(_), Err(error)) => Err(error),
        (batches, pieces) => panic!("batches give {batches:?}, pieces {pieces:?}"),
    }
}

#[test]
fn awkward_values_are_read_back_equal_from_every_format() {
    for file in files(&awkward()) {
        let found = agreed(&file.bytes, &file.format).unwrap_or_else(|error| panic!("{}: {error}", file.kind));
        assert_eq!(found.table, file.expected, "{}", file.kind);
        assert_eq!(agreed(&file.bytes, &file.format).as_ref(), Ok(&found), "{}: reading twice", file.kind);
    }
}

#[test]
fn no_row_one_row_and_many_rows_are_read_from_every_format() {
    for rows in [0, 1, 10_000] {
        let cells = |row: usize| vec![Some(row.to_string()), Some(format!("客户 {}", row % 7)), None];
        let table = Table { names: ["a", "b", "c"].map(str::to_owned).to_vec(), rows: (0..rows).map(cells).collect() };
        for file in files(&table) {
            let found = agreed(&file.bytes, &file.format).unwrap_or_else(|error| panic!("{}: {error}", file.kind));
            assert_eq!(found.table.rows, file.expected.rows, "{}", file.kind);
            // JSON names its columns in its rows, and only there.
            if rows > 0 || !file.kind.contains("json") {
                assert_eq!(found.table.names, file.expected.names, "{}", file.kind);
            }
        }
    }
}

#[test]
fn columns_of_one_name_and_without_a_name_are_kept() {
    let table = table(&["a", "a", "", "b"], &[&[Some("1"), Some("2"), Some("3"), Some("4")]]);
    for file in files(&table).into_iter().filter(|file| !file.kind.contains("json")) {
        let found = agreed(&file.bytes, &file.format).unwrap_or_else(|error| panic!("{}: {error}", file.kind));
        assert_eq!(found.table, file.expected, "{}", file.kind);
    }
}

/// A small table for files that are damaged at every place.
fn small() -> Table {
    table(&["id", "名称", "n"], &[&[Some("1"), Some("广州,\"x\""), Some("-1.50")], &[Some("2"), None, Some("y z")]])
}

#[test]
fn a_file_cut_at_any_byte_gives_rows_or_an_error() {
    for file in files(&small()) {
        for end in 0..file.bytes.len() {
            let Ok(found) = agreed(&file.bytes[..end], &file.format) else { continue };
            assert!(found.raw.len() <= file.expected.rows.len() + 2, "{} cut at {end}: {found:?}", file.kind);
        }
    }
}

#[test]
fn any_bytes_under_any_format_give_rows_or_an_error() {
    for file in files(&small()) {
        for other in files(&small()) {
            drop(agreed(&file.bytes, &other.format));
        }
        for bytes in [&b""[..], b"\0", b"\xFF\xFE", b"\xEF\xBB\xBF", b"\n\n\r\r\n", &[0; 100], &[0xFF; 100]] {
            drop(agreed(bytes, &file.format));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if std::env::var_os("TALLYHOUSE_NIGHT").is_some() { 20_000 } else { 100 }, ..ProptestConfig::default() })]

    #[test]
    fn damaged_bytes_give_rows_or_an_error(
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 1..6)
    ) {
        for file in files(&small()) {
            let mut bytes = file.bytes.clone();
            for (place, byte, how) in &places {
                if bytes.is_empty() {
                    break;
                }
                let at = place.index(bytes.len());
                match how {
                    0 => bytes[at] = *byte,
                    1 => bytes.insert(at, *byte),
                    2 => drop(bytes.remove(at)),
                    _ => bytes[at] ^= 1 << (byte % 8),
                }
            }
            drop(agreed(&bytes, &file.format));
        }
    }

    #[test]
    fn random_tables_are_read_back_equal(
        rows in prop::collection::vec(prop::collection::vec(prop::option::of("[ -~\n广州😀é]{0,12}"), 3), 1..8)
    ) {
        let table = Table { names: ["id", "b", "c"].map(str::to_owned).to_vec(), rows };
        // What looks like a title, a blank line or a total is no record in text and sheets.
        let exact = |file: &File| !["csv", "csv with CR LF", "xlsx", "fixed_width"].contains(&file.kind);
        for file in files(&table).into_iter().filter(exact) {
            let found = agreed(&file.bytes, &file.format);
            prop_assert_eq!(found.map(|found| found.table.rows), Ok(file.expected.rows), "{}", file.kind);
        }
    }
}
