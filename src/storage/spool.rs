//! A spool: batches kept in memory up to a budget and on disk beyond it, given back in the order in which they came.

use std::{
    fs::File,
    io::{BufReader, BufWriter},
    path::PathBuf,
};

use arrow::{
    array::RecordBatch,
    datatypes::SchemaRef,
    error::ArrowError,
    ipc::{CompressionType, reader::StreamReader, writer::IpcWriteOptions, writer::StreamWriter},
};

/// Batches of one schema on their way from one pass to the next.
pub struct Spool {
    schema: SchemaRef,
    path: PathBuf,
    budget_bytes: usize,
    held_bytes: usize,
    held: Vec<RecordBatch>,
    writer: Option<StreamWriter<BufWriter<File>>>,
}

impl Spool {
    /// Returns an empty spool that writes to `path` once it holds more than `budget_bytes`.
    #[must_use]
    pub const fn new(schema: SchemaRef, path: PathBuf, budget_bytes: usize) -> Self {
        Self { schema, path, budget_bytes, held_bytes: 0, held: Vec::new(), writer: None }
    }

    /// Adds a batch.
    ///
    /// # Errors
    /// When the disk cannot take it.
    pub fn push(&mut self, batch: RecordBatch) -> Result<(), ArrowError> {
        if let Some(writer) = &mut self.writer {
            return writer.write(&batch);
        }
        self.held_bytes += batch.get_array_memory_size();
        self.held.push(batch);
        if self.held_bytes > self.budget_bytes { self.spill() } else { Ok(()) }
    }

    fn spill(&mut self) -> Result<(), ArrowError> {
        let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::LZ4_FRAME))?;
        let file = BufWriter::new(File::create(&self.path)?);
        let mut writer = StreamWriter::try_new_with_options(file, &self.schema, options)?;
        for batch in self.held.drain(..) {
            writer.write(&batch)?;
        }
        self.writer = Some(writer);
        Ok(())
    }

    /// Returns all batches in the order in which they came.
    ///
    /// # Errors
    /// When the disk cannot give them back.
    pub fn drain(mut self) -> Result<Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>> + Send>, ArrowError> {
        let Some(mut writer) = self.writer.take() else { return Ok(Box::new(self.held.into_iter().map(Ok))) };
        writer.finish()?;
        drop(writer);
        let reader = StreamReader::try_new(BufReader::new(File::open(&self.path)?), None)?;
        std::fs::remove_file(&self.path)?;
        Ok(Box::new(reader))
    }
}
