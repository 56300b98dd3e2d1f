//! Parquet: pages → record batches, row group after row group.
//!
//! In: a file by offset. Out: its schema, then batches of the columns asked for. INT96 timestamps are read as
//! microseconds, since nanoseconds would not reach beyond the years 1677 to 2262. Deliberately decodes no column that
//! nobody asked for.

use std::sync::Arc;

use ::bytes::Bytes;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use parquet::{
    arrow::{
        ProjectionMask,
        arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder},
    },
    basic::Type,
    file::{FOOTER_SIZE, metadata::FooterTail},
};

use super::{
    Batches, Source,
    bytes::{self, Chunks},
    thrift,
};
use crate::{extract::BATCH_ROWS, storage::content::Content};

struct File {
    content: Content,
    metadata: ArrowReaderMetadata,
}

/// Opens a Parquet file.
pub(super) fn open(content: &Content) -> Result<Box<dyn Source>, String> {
    if footer(content).is_some_and(|footer| thrift::is_endless(&footer[..])) {
        return Err("the footer has more conditions than any can have".to_owned());
    }
    let load =
        |options| ArrowReaderMetadata::load(&Chunks(content.clone()), options).map_err(|error| error.to_string());
    let mut metadata = load(ArrowReaderOptions::new())?;
    if let Some(schema) = with_far_years(&metadata) {
        metadata = ArrowReaderMetadata::try_new(
            Arc::clone(metadata.metadata()),
            ArrowReaderOptions::new().with_schema(schema),
        )
        .map_err(|error| error.to_string())?;
    }
    Ok(Box::new(File { content: content.clone(), metadata }))
}

/// Returns the footer without its length; None where the library will find none either.
fn footer(content: &Content) -> Option<Bytes> {
    let end = content.len().checked_sub(FOOTER_SIZE as u64)?;
    let tail = bytes::exactly(content, end, FOOTER_SIZE).ok()?;
    let length = FooterTail::try_new(tail.first_chunk()?).ok()?.metadata_length();
    bytes::exactly(content, end.checked_sub(length as u64)?, length).ok()
}

/// Returns the schema with microseconds for the INT96 timestamps among its columns; None where there is none.
fn with_far_years(metadata: &ArrowReaderMetadata) -> Option<SchemaRef> {
    let roots = metadata.parquet_schema().root_schema().get_fields();
    let is_int96 = |index: usize| {
        roots.get(index).is_some_and(|root| root.is_primitive() && root.get_physical_type() == Type::INT96)
    };
    let fields = metadata.schema().fields();
    (0..fields.len()).find(|index| is_int96(*index))?;
    let field = |(index, field): (usize, &Arc<Field>)| {
        let micros = DataType::Timestamp(TimeUnit::Microsecond, None);
        if is_int96(index) { Arc::new(field.as_ref().clone().with_data_type(micros)) } else { Arc::clone(field) }
    };
    let fields: Vec<Arc<Field>> = fields.iter().enumerate().map(field).collect();
    Some(Arc::new(Schema::new_with_metadata(fields, metadata.schema().metadata().clone())))
}

impl Source for File {
    fn schema(&self) -> SchemaRef {
        Arc::clone(self.metadata.schema())
    }

    fn read(self: Box<Self>, columns: &[usize]) -> Result<Batches, String> {
        let mask = ProjectionMask::roots(self.metadata.parquet_schema(), columns.iter().copied());
        let batches = ParquetRecordBatchReaderBuilder::new_with_metadata(Chunks(self.content), self.metadata)
            .with_projection(mask)
            .with_batch_size(BATCH_ROWS)
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Box::new(batches.map(|batch| batch.map_err(|error| error.to_string()))))
    }
}
