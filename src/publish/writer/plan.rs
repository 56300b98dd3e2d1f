//! A table's spec, checked and turned into column positions.
//!
//! In: a [`TableSpec`]. Out: a [`Plan`] on which the other parts of the writer rely without checking again.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, RecordBatch, RecordBatchOptions},
    compute::{CastOptions, cast_with_options},
    datatypes::{DataType, Schema, SchemaRef},
    error::ArrowError,
    row::{RowConverter, SortField},
};
use chrono_tz::Tz;

use super::{TableSpec, portion::RowBytes};
use crate::{
    publish::{Error, schema::stored_schema},
    record::TableName,
    storage::local,
};

/// A checked spec.
#[derive(Debug)]
pub(super) struct Plan {
    /// Name of the table.
    pub name: TableName,
    /// All columns as stored.
    pub schema: SchemaRef,
    /// Names of the partition columns.
    pub partition_by: Vec<String>,
    /// Positions of the partition columns in `schema`.
    pub partition_columns: Vec<usize>,
    /// Positions of all others in `schema`, in its order.
    pub data_columns: Vec<usize>,
    /// The columns of the files.
    pub data_schema: SchemaRef,
    /// Positions of the key in `data_schema`.
    pub key_columns: Vec<usize>,
    /// Positions in `data_schema` in order of sorting: the key, then all others.
    pub sort_columns: Vec<usize>,
    /// How the bytes of its rows are counted.
    pub row_bytes: RowBytes,
    /// Positions of the dates in `data_schema`.
    pub date_columns: Vec<usize>,
    /// Positions of dates among the partition columns.
    pub partition_dates: Vec<usize>,
    /// Zone of local dates.
    pub timezone: Tz,
}

impl Plan {
    pub fn new(spec: TableSpec) -> Result<Self, Error> {
        let schema = stored_schema(&spec.schema);
        let partition_columns = positions(&spec, &schema, &spec.partition_by, "partition_by")?;
        let data_columns: Vec<usize> =
            (0..schema.fields().len()).filter(|column| !partition_columns.contains(column)).collect();
        let within_data = |all: Vec<usize>| -> Vec<usize> {
            all.iter().filter_map(|column| data_columns.iter().position(|data| data == column)).collect()
        };
        let dates = positions(&spec, &schema, &spec.dates, "dates")?;
        let partition_dates =
            dates.iter().filter_map(|date| partition_columns.iter().position(|column| column == date)).collect();
        let key_columns = within_data(positions(&spec, &schema, &spec.key, "key")?);
        let others = (0..data_columns.len()).filter(|column| !key_columns.contains(column));
        let sort_columns = key_columns.iter().copied().chain(others).collect();
        let data_schema = Arc::new(schema.project(&data_columns).map_err(|source| rows_error(&spec.name, source))?);
        let plan = Self {
            date_columns: within_data(dates),
            name: spec.name,
            partition_by: spec.partition_by,
            timezone: spec.timezone,
            schema,
            partition_columns,
            data_columns,
            row_bytes: RowBytes::new(&data_schema),
            data_schema,
            key_columns,
            sort_columns,
            partition_dates,
        };
        plan.check_types()?;
        Ok(plan)
    }

    fn check_types(&self) -> Result<(), Error> {
        let place = |column: usize| {
            let field = self.schema.field(column);
            (self.name.clone(), field.name().clone(), field.data_type().clone())
        };
        if let Some(&column) = self.partition_columns.iter().find(|&&column| !can_partition(&place(column).2)) {
            let (table, column, data_type) = place(column);
            return Err(Error::PartitionType { table, column, data_type });
        }
        let sortable = |column: usize| RowConverter::supports_fields(&[SortField::new(place(column).2)]);
        if let Some(&column) = self.data_columns.iter().find(|&&column| !sortable(column)) {
            let (table, column, data_type) = place(column);
            return Err(Error::ColumnType { table, column, data_type });
        }
        if self.data_columns.is_empty() {
            return Err(Error::OnlyPartitionColumns { table: self.name.clone() });
        }
        Ok(())
    }

    /// Returns a batch of all columns in the types as stored.
    pub fn conform(&self, batch: &RecordBatch) -> Result<RecordBatch, Error> {
        self.conform_to(&self.schema, batch)
    }

    /// Returns a batch of the files' columns in the types as stored.
    pub fn conform_data(&self, batch: RecordBatch) -> Result<RecordBatch, Error> {
        if Arc::ptr_eq(batch.schema_ref(), &self.data_schema) {
            return Ok(batch);
        }
        self.conform_to(&self.data_schema, &batch)
    }

    fn conform_to(&self, schema: &SchemaRef, batch: &RecordBatch) -> Result<RecordBatch, Error> {
        let same_names = |(one, other): (&Arc<_>, &Arc<_>)| same_name(one, other);
        let found = batch.schema();
        let (expected, given) = (schema.fields(), found.fields());
        if expected.len() != given.len() || !expected.iter().zip(given.iter()).all(same_names) {
            let (expected, found) = (names(schema), names(&found));
            return Err(Error::Shape { table: self.name.clone(), expected, found });
        }
        let options = CastOptions { safe: false, ..CastOptions::default() };
        let cast = |(column, field): (&ArrayRef, &Arc<arrow::datatypes::Field>)| {
            if column.data_type() == field.data_type() {
                return Ok(column.clone());
            }
            cast_with_options(column, field.data_type(), &options)
        };
        let columns = batch.columns().iter().zip(expected).map(cast).collect::<Result<Vec<_>, _>>();
        let columns = columns.map_err(|source| self.rows_error(source))?;
        self.batch(schema.clone(), columns, batch.num_rows())
    }

    /// Puts columns together.
    pub fn batch(&self, schema: SchemaRef, columns: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch, Error> {
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(schema, columns, &options).map_err(|source| self.rows_error(source))
    }

    /// Returns an encoder of columns of the files.
    pub fn converter(&self, columns: &[usize]) -> Result<RowConverter, Error> {
        self.converter_of(&self.data_schema, columns)
    }

    /// Returns an encoder of the partition columns.
    pub fn partition_converter(&self) -> Result<RowConverter, Error> {
        self.converter_of(&self.schema, &self.partition_columns)
    }

    fn converter_of(&self, schema: &Schema, columns: &[usize]) -> Result<RowConverter, Error> {
        let field = |&column: &usize| SortField::new(schema.field(column).data_type().clone());
        RowConverter::new(columns.iter().map(field).collect()).map_err(|source| self.rows_error(source))
    }

    /// Names the table in an error of Arrow; a full disk stays a full disk.
    pub fn rows_error(&self, source: ArrowError) -> Error {
        rows_error(&self.name, source)
    }

    /// The same for an error while reading or writing spilled rows in a folder.
    pub fn spill_error(&self, folder: &std::path::Path, source: ArrowError) -> Error {
        match source {
            ArrowError::IoError(_, source) => local::Error::new("spill rows in", folder, source).into(),
            source => self.rows_error(source),
        }
    }
}

fn rows_error(table: &TableName, source: ArrowError) -> Error {
    Error::Rows { table: table.clone(), source }
}

fn same_name(one: &Arc<arrow::datatypes::Field>, other: &Arc<arrow::datatypes::Field>) -> bool {
    one.name() == other.name()
}

fn names(schema: &Schema) -> String {
    schema.fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>().join(", ")
}

fn positions(spec: &TableSpec, schema: &Schema, names: &[String], role: &'static str) -> Result<Vec<usize>, Error> {
    let unknown = |column: &String| Error::UnknownColumn { table: spec.name.clone(), column: column.clone(), role };
    names.iter().map(|name| schema.index_of(name).map_err(|_| unknown(name))).collect()
}

fn can_partition(data_type: &DataType) -> bool {
    data_type.is_integer() || matches!(data_type, DataType::Date32 | DataType::Utf8 | DataType::Boolean)
}
