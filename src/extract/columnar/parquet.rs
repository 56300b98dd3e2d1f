//! Parquet: pages → record batches, row group after row group.
//!
//! In: a file by offset. Out: its schema, which says what bytes mean, then batches of the columns asked for. INT96 timestamps are
//! read as microseconds, since nanoseconds would not reach beyond the years 1677 to 2262, and intervals as their bytes, since
//! the library (parquet 59.3) would drop the months. Deliberately decodes no column that nobody asked for.

use std::{slice::Iter, sync::Arc};

use ::bytes::Bytes;
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef, TimeUnit};
use parquet::{
    arrow::{
        ProjectionMask,
        arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder},
    },
    basic::{ConvertedType, LogicalType, Type as Physical},
    errors::ParquetError,
    file::{
        FOOTER_SIZE,
        metadata::{FileMetaData, FooterTail, ParquetMetaData},
    },
    schema::types::{ColumnDescPtr, ColumnDescriptor, SchemaDescriptor, Type, TypePtr},
};

use super::{
    Batches, Fault, Source,
    bytes::{self, Chunks},
    cell::{INTERVAL, MEANING, SIGNED_INTERVAL, UUID},
    thrift,
};
use crate::{extract::BATCH_ROWS, storage::content::Content};

struct File {
    content: Content,
    metadata: ArrowReaderMetadata,
    schema: SchemaRef,
}

/// Opens a Parquet file.
pub(super) fn open(content: &Content) -> Result<Box<dyn Source>, Fault> {
    if footer(content).is_some_and(|footer| thrift::is_endless(&footer[..])) {
        return Err("the footer has more conditions than any can have".into());
    }
    let failed = |error: ParquetError| error.to_string();
    let written = ArrowReaderMetadata::load(&Chunks(content.clone()), ArrowReaderOptions::new()).map_err(failed)?;
    let mended = mended(written.metadata()).map_err(failed)?;
    let read = |options| ArrowReaderMetadata::try_new(Arc::clone(&mended), options).map_err(failed);
    let mut metadata = read(ArrowReaderOptions::new())?;
    let columns = written.parquet_schema().columns();
    if columns.iter().any(|column| column.physical_type() == Physical::INT96) {
        let schema = with_leaves(metadata.schema(), columns, &in_microseconds);
        metadata = read(ArrowReaderOptions::new().with_schema(schema))?;
    }
    // The format has no signs in intervals, and arrow-rs writes them all the same.
    let writer = written.metadata().file_metadata().created_by();
    let interval = if writer.is_some_and(|name| name.starts_with("parquet-rs")) { SIGNED_INTERVAL } else { INTERVAL };
    let schema = with_leaves(metadata.schema(), columns, &|field, column| described(field, column, interval));
    Ok(Box::new(File { content: content.clone(), metadata, schema }))
}

/// Returns the footer without its length; None where the library will find none either.
fn footer(content: &Content) -> Option<Bytes> {
    let end = content.len().checked_sub(FOOTER_SIZE as u64)?;
    let tail = bytes::exactly(content, end, FOOTER_SIZE).ok()?;
    let length = FooterTail::try_new(tail.first_chunk()?).ok()?.metadata_length();
    bytes::exactly(content, end.checked_sub(length as u64)?, length).ok()
}

/// Returns the metadata by which the file is read: with the rows that its row groups have, since they are what is read
/// whatever the footer says, and without the annotation of intervals.
fn mended(written: &Arc<ParquetMetaData>) -> Result<Arc<ParquetMetaData>, ParquetError> {
    let file = written.file_metadata();
    let rows = written.row_groups().iter().fold(0_i64, |rows, group| rows.saturating_add(group.num_rows()));
    let columns = file.schema_descr();
    if rows == file.num_rows() && !columns.columns().iter().any(|column| is_interval(column.self_type())) {
        return Ok(Arc::clone(written));
    }
    let root = without_intervals(&columns.root_schema_ptr())?;
    let file = FileMetaData::new(
        file.version(),
        rows,
        file.created_by().map(str::to_owned),
        file.key_value_metadata().cloned(),
        Arc::new(SchemaDescriptor::new(root)),
        file.column_orders().cloned(),
    );
    Ok(Arc::new(ParquetMetaData::new(file, written.row_groups().to_vec())))
}

fn is_interval(leaf: &Type) -> bool {
    let info = leaf.get_basic_info();
    info.converted_type() == ConvertedType::INTERVAL && info.logical_type_ref().is_none()
}

/// Returns a type within which intervals are no more than the twelve bytes that they are.
fn without_intervals(whole: &TypePtr) -> Result<TypePtr, ParquetError> {
    let info = whole.get_basic_info();
    let id = info.has_id().then(|| info.id());
    match whole.as_ref() {
        Type::PrimitiveType { physical_type, type_length, .. } if is_interval(whole) => {
            let bytes = Type::primitive_type_builder(info.name(), *physical_type).with_length(*type_length);
            Ok(Arc::new(bytes.with_repetition(info.repetition()).with_id(id).build()?))
        }
        Type::PrimitiveType { .. } => Ok(Arc::clone(whole)),
        Type::GroupType { fields, .. } => {
            let fields = fields.iter().map(without_intervals).collect::<Result<_, _>>()?;
            let mut group = Type::group_type_builder(info.name()).with_fields(fields).with_id(id);
            group = group.with_converted_type(info.converted_type());
            group = group.with_logical_type(info.logical_type_ref().cloned());
            if info.has_repetition() {
                group = group.with_repetition(info.repetition());
            }
            Ok(Arc::new(group.build()?))
        }
    }
}

/// Returns a field with microseconds for INT96.
fn in_microseconds(field: &Field, column: &ColumnDescriptor) -> Option<Field> {
    let DataType::Timestamp(_, zone) = field.data_type() else { return None };
    let micros = DataType::Timestamp(TimeUnit::Microsecond, zone.clone());
    (column.physical_type() == Physical::INT96).then(|| field.clone().with_data_type(micros))
}

/// Returns a field whose metadata say that it is a UUID or an interval.
fn described(field: &Field, column: &ColumnDescriptor, interval: &str) -> Option<Field> {
    let meaning = match column.logical_type_ref() {
        Some(LogicalType::Uuid) => UUID,
        _ if is_interval(column.self_type()) => interval,
        _ => return None,
    };
    let mut metadata = field.metadata().clone();
    metadata.insert(MEANING.to_owned(), meaning.to_owned());
    Some(field.clone().with_metadata(metadata))
}

/// What becomes of the field of a leaf; None leaves it.
type Change<'a> = &'a dyn Fn(&Field, &ColumnDescriptor) -> Option<Field>;

/// Returns the schema with other fields for its leaves, at any depth.
fn with_leaves(schema: &SchemaRef, columns: &[ColumnDescPtr], change: Change<'_>) -> SchemaRef {
    let fields = Leaves { columns: columns.iter(), change }.fields(schema.fields());
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

/// The leaves of a file, which come depth first in its own schema as in Arrow's.
struct Leaves<'a> {
    columns: Iter<'a, ColumnDescPtr>,
    change: Change<'a>,
}

impl Leaves<'_> {
    fn fields(&mut self, fields: &Fields) -> Fields {
        fields.iter().map(|field| self.field(field)).collect()
    }

    fn field(&mut self, field: &FieldRef) -> FieldRef {
        let data_type = match field.data_type() {
            DataType::Struct(fields) => DataType::Struct(self.fields(fields)),
            DataType::List(item) => DataType::List(self.field(item)),
            DataType::LargeList(item) => DataType::LargeList(self.field(item)),
            DataType::ListView(item) => DataType::ListView(self.field(item)),
            DataType::LargeListView(item) => DataType::LargeListView(self.field(item)),
            DataType::FixedSizeList(item, length) => DataType::FixedSizeList(self.field(item), *length),
            DataType::Map(entries, is_sorted) => DataType::Map(self.field(entries), *is_sorted),
            _ => {
                let changed = self.columns.next().and_then(|column| (self.change)(field, column));
                return changed.map_or_else(|| Arc::clone(field), Arc::new);
            }
        };
        Arc::new(field.as_ref().clone().with_data_type(data_type))
    }
}

impl Source for File {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn read(self: Box<Self>, columns: &[usize]) -> Result<Batches, Fault> {
        let mask = ProjectionMask::roots(self.metadata.parquet_schema(), columns.iter().copied());
        let batches = ParquetRecordBatchReaderBuilder::new_with_metadata(Chunks(self.content), self.metadata)
            .with_projection(mask)
            .with_batch_size(BATCH_ROWS)
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Box::new(batches.map(|batch| batch.map_err(|error| Fault::from(error.to_string())))))
    }
}
