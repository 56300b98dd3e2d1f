//! Rows of text as one JSON document: `[{ "part", "columns", "rows": [[…], …] }, …]`, NULL as `null`.

use std::io::{self, Write};

use super::document::{Document, Output};
use crate::{record::RawBatch, run::Head};

/// A JSON document in the making. Rows are arrays: a header may name two columns alike.
pub(super) struct Json {
    output: Output,
    width: usize,
    tables: usize,
    rows: u64,
}

impl Json {
    pub fn new(output: Output) -> Self {
        Self { output, width: 0, tables: 0, rows: 0 }
    }
}

impl Document for Json {
    fn begin(&mut self, head: Head<'_>) -> io::Result<()> {
        (self.width, self.rows) = (head.columns.len(), 0);
        self.output.write_all(if self.tables == 0 { b"[" } else { b",\n" })?;
        self.tables += 1;
        let (part, columns) = (serde_json::to_string(head.part)?, serde_json::to_string(head.columns)?);
        write!(self.output, "{{\"part\":{part},\"columns\":{columns},\"rows\":[")
    }

    fn row(&mut self, batch: &RawBatch, row: usize) -> io::Result<()> {
        self.output.write_all(if self.rows == 0 { b"\n[" } else { b",\n[" })?;
        self.rows += 1;
        for column in 0..self.width {
            if column > 0 {
                self.output.write_all(b",")?;
            }
            serde_json::to_writer(&mut self.output, &batch.cell(row, column))?;
        }
        self.output.write_all(b"]")
    }

    fn end(&mut self) -> io::Result<()> {
        self.output.write_all(b"]}")
    }

    fn finish(mut self: Box<Self>) -> io::Result<Output> {
        self.output.write_all(if self.tables == 0 { b"[]\n" } else { b"]\n" })?;
        Ok(self.output)
    }
}
