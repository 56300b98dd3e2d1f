//! Rows of text as CSV: NULL is nothing at all, an empty text is `""`. Several tables follow each other, each below a line
//! `# name`. And the rows that could not be read.

use std::{
    io::{self, Write},
    path::Path,
};

use super::document::{Document, Output};
use crate::{
    Error,
    record::{RawBatch, csv},
    run::{Head, Unread},
};

/// A CSV document.
pub(super) struct Csv {
    output: Output,
    width: usize,
    tables: usize,
}

impl Csv {
    pub fn new(output: Output) -> Self {
        Self { output, width: 0, tables: 0 }
    }
}

impl Document for Csv {
    fn begin(&mut self, head: Head<'_>) -> io::Result<()> {
        self.tables += 1;
        self.width = head.columns.len();
        if !head.is_only {
            let above = if self.tables > 1 { "\n" } else { "" };
            writeln!(self.output, "{above}# {}", head.part.replace(['\n', '\r'], " "))?;
        }
        if self.width == 0 {
            return Ok(());
        }
        write_row(&mut self.output, head.columns.iter().map(|name| Some(name.as_str())))
    }

    fn row(&mut self, batch: &RawBatch, row: usize) -> io::Result<()> {
        write_row(&mut self.output, (0..self.width).map(|column| batch.cell(row, column)))
    }

    fn end(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn finish(self: Box<Self>) -> io::Result<Output> {
        Ok(self.output)
    }
}

/// The rows that could not be read: `file,line,byte_offset,rule,reason,text`.
pub(super) struct RejectsCsv(Output);

impl RejectsCsv {
    /// Begins the file, or standard output for `-`. It holds raw rows: the file is for its owner alone.
    pub fn create(path: &Path) -> Result<Self, Error> {
        let mut output = Output::begin(Some(path), true)?;
        let names = ["file", "line", "byte_offset", "rule", "reason", "text"];
        write_row(&mut output, names.into_iter().map(Some)).map_err(|error| super::output_failed(&error))?;
        Ok(Self(output))
    }

    pub fn row(&mut self, row: Unread<'_>) -> io::Result<()> {
        let offset = row.byte_offset.map(|offset| offset.to_string());
        let line = row.line.to_string();
        let cells = [Some(row.part), Some(&line), offset.as_deref(), Some(row.rule), Some(row.reason), Some(row.text)];
        write_row(&mut self.0, cells.into_iter())
    }

    pub fn finish(self) -> Result<(), Error> {
        self.0.commit()
    }
}

/// Writes one row.
pub(in crate::cli) fn write_row<'a>(
    output: &mut impl Write,
    cells: impl Iterator<Item = Option<&'a str>>,
) -> io::Result<()> {
    for (index, cell) in cells.enumerate() {
        if index > 0 {
            output.write_all(b",")?;
        }
        match cell {
            // Nothing is NULL.
            Some("") => output.write_all(b"\"\"")?,
            Some(text) => output.write_all(csv::cell(text, ",").as_bytes())?,
            None => {}
        }
    }
    output.write_all(b"\n")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn row(cells: &[Option<&str>]) -> String {
        let mut output = Vec::new();
        write_row(&mut output, cells.iter().copied()).unwrap();
        String::from_utf8(output).unwrap()
    }

    #[test]
    fn null_is_nothing_and_an_empty_text_is_quoted() {
        assert_eq!(row(&[None, Some(""), Some("a")]), ",\"\",a\n");
    }

    #[test]
    fn what_would_be_misread_is_quoted() {
        assert_eq!(row(&[Some("a,b"), Some("say \"x\""), Some("1\n2")]), "\"a,b\",\"say \"\"x\"\"\",\"1\n2\"\n");
        assert_eq!(row(&[Some(" a"), Some("a\t"), Some("#1"), Some("单;价")]), "\" a\",\"a\t\",\"#1\",单;价\n");
    }
}
