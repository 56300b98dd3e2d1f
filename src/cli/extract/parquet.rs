//! Rows of text as a Parquet file of nullable text columns. A file holds one table.

use std::{
    collections::HashSet,
    io::{self, Write},
    sync::Arc,
};

use arrow::{
    array::{ArrayRef, RecordBatch, StringBuilder},
    datatypes::{DataType, Field, Schema, SchemaRef},
};
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, ZstdLevel},
    errors::ParquetError,
    file::properties::WriterProperties,
};

use super::document::{Document, Output};
use crate::{record::RawBatch, run::Head};

/// Rows and bytes after which a batch is written.
const BATCH_ROWS: usize = 65_536;
const BATCH_BYTES: usize = 32 << 20;

/// A Parquet file in the making.
pub(super) struct Parquet {
    output: Option<Output>,
    writer: Option<ArrowWriter<Output>>,
    schema: SchemaRef,
    columns: Vec<StringBuilder>,
    rows: usize,
    bytes: usize,
}

impl Parquet {
    pub fn new(output: Output) -> Self {
        Self {
            output: Some(output),
            writer: None,
            schema: Arc::new(Schema::empty()),
            columns: Vec::new(),
            rows: 0,
            bytes: 0,
        }
    }

    fn write(&mut self) -> io::Result<()> {
        let arrays: Vec<ArrayRef> =
            self.columns.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef).collect();
        (self.rows, self.bytes) = (0, 0);
        let Some(writer) = &mut self.writer else { return Ok(()) };
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), arrays).map_err(io::Error::other)?;
        writer.write(&batch).map_err(io::Error::other)
    }
}

impl Document for Parquet {
    fn begin(&mut self, head: Head<'_>) -> io::Result<()> {
        let Some(output) = self.output.take() else {
            let message = format!("a Parquet file holds one table, and `{}` is another one", head.part);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        };
        let field = |name: String| Field::new(name, DataType::Utf8, true);
        self.schema = Arc::new(Schema::new(different(head.columns).into_iter().map(field).collect::<Vec<_>>()));
        self.columns = head.columns.iter().map(|_| StringBuilder::new()).collect();
        if head.columns.is_empty() {
            let message = format!("`{}` has no column, and a Parquet file needs one", head.part);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_created_by("tallyhouse extract".to_owned())
            .build();
        let writer = ArrowWriter::try_new(output, Arc::clone(&self.schema), Some(properties));
        self.writer = Some(writer.map_err(io::Error::other)?);
        Ok(())
    }

    fn row(&mut self, batch: &RawBatch, row: usize) -> io::Result<()> {
        for (index, column) in self.columns.iter_mut().enumerate() {
            let cell = batch.cell(row, index);
            self.bytes += cell.map_or(0, str::len);
            column.append_option(cell);
        }
        self.rows += 1;
        if self.rows >= BATCH_ROWS || self.bytes >= BATCH_BYTES { self.write() } else { Ok(()) }
    }

    fn end(&mut self) -> io::Result<()> {
        if self.rows > 0 { self.write() } else { Ok(()) }
    }

    fn finish(self: Box<Self>) -> io::Result<Output> {
        let failed = |error: ParquetError| io::Error::other(error);
        let mut output = match (self.writer, self.output) {
            (Some(writer), _) => writer.into_inner().map_err(failed)?,
            (None, Some(output)) => output,
            (None, None) => return Err(io::Error::other("a Parquet file without a place")),
        };
        output.flush()?;
        Ok(output)
    }
}

/// Returns names of which no two are the same whatever their case, as many readers need them; a column without a name
/// gets its number.
fn different(columns: &[String]) -> Vec<String> {
    let mut taken = HashSet::new();
    let mut names = Vec::new();
    for (index, column) in columns.iter().enumerate() {
        let base = if column.trim().is_empty() { format!("column_{}", index + 1) } else { column.clone() };
        let numbered = |number: usize| if number == 1 { base.clone() } else { format!("{base}_{number}") };
        // One name more than are taken, so that one of them is free.
        let mut all = (1..=taken.len() + 1).map(numbered);
        let name = all.find(|name| !taken.contains(&name.to_lowercase())).unwrap_or_default();
        taken.insert(name.to_lowercase());
        names.push(name);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_columns_have_the_same_name() {
        let names = ["a", "", "A", "a_2", "column_2"].map(str::to_owned);
        assert_eq!(different(&names), ["a", "column_2", "A_2", "a_2_2", "column_2_2"]);
    }
}
