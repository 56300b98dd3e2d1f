//! Tells which rows of a batch belong to which partition.
//!
//! In: a batch of all columns as stored. Out: for each partition in it, its row numbers; then the columns that go into
//! files. Equal neighbours are looked up once, by their row-encoded values, so a row costs no string; NULL is a value like
//! any other. A batch of one partition is not copied.

use std::{collections::HashMap, ops::Range, sync::Arc};

use arrow::{
    array::{ArrayRef, AsArray, RecordBatch, UInt32Array},
    compute::{partition, take},
    datatypes::DataType,
    row::{RowConverter, Rows},
};
use xxhash_rust::xxh3::Xxh3DefaultBuilder;

use super::plan::Plan;
use crate::{
    publish::Error,
    record::{PartitionValues, table::HIVE_NULL},
};

/// The partitions in a batch, each with its row numbers; None stands for all rows.
pub type Routes = Vec<(Arc<PartitionValues>, Option<UInt32Array>)>;

/// Splits batches by partition; each thread has its own.
pub struct PartitionRouter {
    plan: Arc<Plan>,
    /// Shared: it holds no rows.
    converter: Arc<RowConverter>,
    known: HashMap<Box<[u8]>, Arc<PartitionValues>, Xxh3DefaultBuilder>,
}

impl std::fmt::Debug for PartitionRouter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PartitionRouter").field("known", &self.known.len()).finish_non_exhaustive()
    }
}

impl PartitionRouter {
    pub(super) fn new(plan: &Arc<Plan>) -> Result<Self, Error> {
        Ok(Self { plan: plan.clone(), converter: Arc::new(plan.partition_converter()?), known: HashMap::default() })
    }

    /// Returns a router that has seen no rows.
    pub(super) fn fresh(&self) -> Self {
        Self { plan: self.plan.clone(), converter: self.converter.clone(), known: HashMap::default() }
    }

    /// Splits a batch of all columns as stored ([`super::PartitionWriter::conform`]): for each partition in it, in order
    /// of its first row, its row numbers, ascending. Equal values are one `Arc` as long as the router lives.
    ///
    /// # Errors
    /// When a value cannot stand in a path, or the batch has other columns.
    pub fn route(&mut self, batch: &RecordBatch) -> Result<Routes, Error> {
        if batch.num_rows() == 0 {
            return Ok(Vec::new());
        }
        if self.plan.partition_columns.is_empty() {
            return Ok(vec![(self.find(&[], &[], 0)?, None)]);
        }
        let plan = self.plan.clone();
        let values: Vec<ArrayRef> = plan.partition_columns.iter().map(|&column| batch.column(column).clone()).collect();
        let ranges = partition(&values).map_err(|source| plan.rows_error(source))?.ranges();
        let encoded = self.encode_first_rows(&values, &ranges)?;
        self.collect(&values, &ranges, &encoded)
    }

    /// Encodes one row of each range of equal ones.
    fn encode_first_rows(&self, values: &[ArrayRef], ranges: &[Range<usize>]) -> Result<Rows, Error> {
        let failed = |source| self.plan.rows_error(source);
        let firsts: UInt32Array = ranges.iter().map(|range| u32::try_from(range.start).ok()).collect();
        let firsts = values.iter().map(|column| take(column, &firsts, None)).collect::<Result<Vec<_>, _>>();
        self.converter.convert_columns(&firsts.map_err(failed)?).map_err(failed)
    }

    fn collect(&mut self, values: &[ArrayRef], ranges: &[Range<usize>], encoded: &Rows) -> Result<Routes, Error> {
        let mut found: Vec<(Arc<PartitionValues>, Vec<u32>)> = Vec::new();
        let mut list_of: HashMap<&[u8], usize, Xxh3DefaultBuilder> = HashMap::default();
        for (range, number) in ranges.iter().zip(0..) {
            let bytes = encoded.row(number).data();
            let list = if let Some(&list) = list_of.get(bytes) {
                list
            } else {
                found.push((self.find(bytes, values, range.start)?, Vec::new()));
                list_of.insert(bytes, found.len() - 1);
                found.len() - 1
            };
            if ranges.len() > 1 {
                found[list].1.extend(range.clone().filter_map(|row| u32::try_from(row).ok()));
            }
        }
        let is_whole = found.len() == 1;
        let rows = |rows| if is_whole { None } else { Some(UInt32Array::from(rows)) };
        Ok(found.into_iter().map(|(values, list)| (values, rows(list))).collect())
    }

    fn find(&mut self, bytes: &[u8], values: &[ArrayRef], row: usize) -> Result<Arc<PartitionValues>, Error> {
        if let Some(known) = self.known.get(bytes) {
            return Ok(known.clone());
        }
        check_values(values, row, &self.plan)?;
        let found = PartitionValues::from_row(values, row).map_err(|source| self.plan.rows_error(source.into()))?;
        let found = Arc::new(found);
        self.known.insert(bytes.into(), found.clone());
        Ok(found)
    }

    /// Returns the columns that go into files, of some rows or of all.
    ///
    /// # Errors
    /// When a row number is not in the batch, or the batch has other columns.
    pub fn gather(&self, batch: &RecordBatch, rows: Option<&UInt32Array>) -> Result<RecordBatch, Error> {
        let column = |&column: &usize| match rows {
            Some(rows) => take(batch.column(column), rows, None),
            None => Ok(batch.column(column).clone()),
        };
        let columns: Result<Vec<ArrayRef>, _> = self.plan.data_columns.iter().map(column).collect();
        let columns = columns.map_err(|source| self.plan.rows_error(source))?;
        let count = rows.map_or(batch.num_rows(), UInt32Array::len);
        self.plan.batch(self.plan.data_schema.clone(), columns, count)
    }
}

/// Refuses the texts that readers of a Hive path take for NULL.
fn check_values(values: &[ArrayRef], row: usize, plan: &Plan) -> Result<(), Error> {
    for (column, name) in values.iter().zip(&plan.partition_by) {
        if column.data_type() != &DataType::Utf8 || column.is_null(row) {
            continue;
        }
        let shown = match column.as_string::<i32>().value(row) {
            "" => "an empty string".to_owned(),
            HIVE_NULL => format!("`{HIVE_NULL}`"),
            _ => continue,
        };
        return Err(Error::PartitionValue { table: plan.name.clone(), column: name.clone(), shown });
    }
    Ok(())
}
