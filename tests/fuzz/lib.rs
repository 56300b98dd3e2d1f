//! What all fuzz targets share: any bytes are opened in a format and read to their end, in turn and by pieces.
//!
//! In: bytes. Out: nothing; a panic, a hang, too much memory, a lost line, or rows that depend on the way they were read
//! are findings. The row bound keeps a file that says «a million times the same» from being one.

#![allow(missing_docs, dead_code)]

#[path = "../../src/define/mod.rs"]
pub mod define;
pub mod engine;
#[path = "../../src/extract/mod.rs"]
pub mod extract;
#[path = "../../src/normalize/mod.rs"]
pub mod normalize;
#[path = "../../src/record/mod.rs"]
pub mod record;
#[path = "../../src/storage/mod.rs"]
pub mod storage;
#[path = "../../src/engine/functions/tax_id/verdict.rs"]
pub mod verdict;
pub mod workbook;

use std::sync::Arc;

use bytes::Bytes;

use define::project::Format;
use extract::{Hints, Limits, RecordReader, Rest};
use record::RawBatch;

/// Rows after which a file is long enough.
const ROWS: usize = 50_000;

/// What all that is packed in a file may have unpacked.
const UNPACKED_BYTES: u64 = 64 << 20;

/// A row as far as it can be seen: line, byte, fault, original text, cells.
pub type Seen = (u64, Option<u64>, String, String, Vec<Option<String>>);

/// How the pieces of a file are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// By the reader itself.
    InTurn,
    /// One after the other, each taken back when it is cut.
    ByPieces,
    /// All handed out, then cut from the last to the first.
    LastFirst,
}

/// Reads bytes as a format.
pub fn read(path: &str, bytes: &[u8], format: &Format) {
    let bytes = Bytes::copy_from_slice(bytes);
    let names = ["id", "名称", "amount", "a.b", "items.0.sku"].map(str::to_owned).to_vec();
    for hints in [Hints::default(), Hints { required: vec![names[..1].to_vec()], names }] {
        let in_turn = read_parts(path, &bytes, format, &hints, Way::InTurn);
        let by_pieces = read_parts(path, &bytes, format, &hints, Way::ByPieces);
        assert!(in_turn == by_pieces, "rows depend on the way of reading");
    }
}

/// Returns the rows of all tables that could be read to their end and were not too long; None where one of them is not.
fn read_parts(path: &str, bytes: &Bytes, format: &Format, hints: &Hints, way: Way) -> Option<Vec<Vec<Seen>>> {
    let limits = Limits { most_bytes: UNPACKED_BYTES, ..Limits::default() };
    let parts = extract::open(&Arc::from(path), &bytes.clone().into(), format, hints, &limits).ok()?;
    let rows: Vec<_> = parts.into_iter().map(|mut part| drain(part.reader.as_mut(), way)).collect();
    rows.into_iter().collect()
}

/// Reads a table to its end and returns its rows in order; None where it cannot be read, or is too long.
pub fn drain(reader: &mut dyn RecordReader, way: Way) -> Option<Vec<Seen>> {
    let mut rows = Vec::new();
    let mut pieces = Vec::new();
    loop {
        let batch = if way == Way::InTurn { reader.next_batch().ok()? } else { None };
        let piece = if way == Way::InTurn { None } else { reader.next_piece().ok()? };
        match (batch, piece, way) {
            (Some(batch), ..) => rows.extend(seen(&batch)),
            (_, Some(piece), Way::ByPieces) => cut(reader, piece, &mut rows),
            (_, Some(piece), _) => pieces.push(piece),
            (None, None, _) => break,
        }
        if rows.len() > ROWS || pieces.len() > ROWS {
            return None;
        }
    }
    for piece in pieces.into_iter().rev() {
        cut(reader, piece, &mut rows);
    }
    if way != Way::InTurn {
        rows.extend(reader.finish().ok()?.iter().flat_map(seen));
        rows.sort();
    }
    let lines = reader.lines();
    assert!(lines.is_balanced() && lines.rows == rows.len() as u64, "{} rows of {lines:?}", rows.len());
    Some(rows)
}

fn cut(reader: &mut dyn RecordReader, piece: extract::Piece, rows: &mut Vec<Seen>) {
    let (batch, rest): (RawBatch, Option<Rest>) = piece.cut();
    rows.extend(seen(&batch));
    rest.into_iter().for_each(|rest| reader.take_back(rest));
}

fn seen(batch: &RawBatch) -> Vec<Seen> {
    let row = |row| {
        let cells = (0..batch.width(row)).map(|column| batch.cell(row, column).map(str::to_owned)).collect();
        let fault = batch.fault(row).map(|fault| format!("{fault:?}")).unwrap_or_default();
        (batch.line(row), batch.byte_offset(row), fault, batch.raw(row).to_owned(), cells)
    };
    (0..batch.len()).map(row).collect()
}
