//! What all fuzz targets share: any bytes are opened in a format and read to their end, both ways.
//!
//! In: bytes. Out: nothing; a panic, a hang or too much memory is a finding. The row bound keeps a file that says
//! «a million times the same» from being one.

#![allow(missing_docs, dead_code)]

#[path = "../../src/define/mod.rs"]
pub mod define;
#[path = "../../src/extract/mod.rs"]
pub mod extract;
#[path = "../../src/record/mod.rs"]
pub mod record;
#[path = "../../src/storage/mod.rs"]
pub mod storage;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Once},
};

use bytes::Bytes;

use define::project::Format;
use extract::{Hints, RecordReader};

/// Rows after which a file is long enough.
const ROWS: u64 = 50_000;

static HOOK: Once = Once::new();

/// Reads bytes as a format.
pub fn read(path: &str, bytes: &[u8], format: &Format) {
    // The fuzzer's own hook would abort on panics of libraries that a reader catches and turns into errors.
    HOOK.call_once(|| std::panic::set_hook(Box::new(|_| {})));
    let names = ["id", "名称", "amount", "a.b", "items.0.sku"].map(str::to_owned).to_vec();
    for hints in [Hints::default(), Hints { required: vec![names[..1].to_vec()], names }] {
        let read = || {
            for by_pieces in [false, true] {
                let content = Bytes::copy_from_slice(bytes).into();
                let Ok(parts) = extract::open(&Arc::from(path), &content, format, &hints) else { continue };
                for mut part in parts {
                    drain(part.reader.as_mut(), by_pieces);
                }
            }
        };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(read)) {
            let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
            eprintln!("panicked: {}", text.unwrap_or("?"));
            std::process::abort();
        }
    }
}

fn drain(reader: &mut dyn RecordReader, by_pieces: bool) {
    let mut rows = 0;
    while rows < ROWS {
        let batch = if by_pieces {
            match reader.next_piece() {
                Ok(Some(piece)) => {
                    let (batch, rest) = piece.cut();
                    rest.into_iter().for_each(|rest| reader.take_back(rest));
                    batch
                }
                Ok(None) => {
                    drop(reader.finish());
                    break;
                }
                Err(_) => return,
            }
        } else {
            match reader.next_batch() {
                Ok(Some(batch)) => batch,
                Ok(None) => break,
                Err(_) => return,
            }
        };
        for row in 0..batch.len() {
            assert!(batch.fault(row).is_some() || batch.line(row) > 0);
            (0..batch.width(row)).for_each(|column| drop(batch.cell(row, column).map(str::len)));
            let _ = batch.raw(row);
        }
        rows += batch.len() as u64;
    }
    if rows < ROWS {
        assert!(reader.lines().is_balanced(), "{:?}", reader.lines());
    }
}
