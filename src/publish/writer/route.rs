//! Sends each row to the bucket of its partition.
//!
//! In: a batch of all columns. Out: for each partition in it, its rows without the partition columns. The values are row
//! encoded and looked up as bytes, so a row costs no string; NULL is a value like any other.

use std::{collections::HashMap, sync::Arc};

use arrow::{
    array::{ArrayRef, AsArray, RecordBatch, UInt32Array},
    compute::take,
    datatypes::DataType,
    row::{RowConverter, Rows, SortField},
};
use xxhash_rust::xxh3::Xxh3DefaultBuilder;

use super::{bucket::Bucket, plan::Plan};
use crate::{
    publish::Error,
    record::{PartitionValues, table::HIVE_NULL},
};

/// Finds the bucket of each row.
pub(super) struct Router {
    converter: RowConverter,
    groups: HashMap<Vec<u8>, usize, Xxh3DefaultBuilder>,
}

impl std::fmt::Debug for Router {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Router").field("groups", &self.groups.len()).finish_non_exhaustive()
    }
}

impl Router {
    pub fn new(plan: &Plan) -> Result<Self, Error> {
        let field = |&column: &usize| SortField::new(plan.schema.field(column).data_type().clone());
        let fields = plan.partition_columns.iter().map(field).collect();
        let converter = RowConverter::new(fields).map_err(|source| plan.rows_error(source))?;
        Ok(Self { converter, groups: HashMap::default() })
    }

    /// Splits a batch; partitions seen for the first time get a bucket.
    pub fn route(
        &mut self,
        batch: &RecordBatch,
        plan: &Plan,
        buckets: &mut Vec<Bucket>,
    ) -> Result<Vec<(usize, RecordBatch)>, Error> {
        let values: Vec<ArrayRef> = plan.partition_columns.iter().map(|&column| batch.column(column).clone()).collect();
        let encoded = self.converter.convert_columns(&values).map_err(|source| plan.rows_error(source))?;
        let rows_by_group = self.group(&encoded, &values, plan, buckets)?;
        let split = |(group, rows): (usize, Vec<u32>)| Ok((group, gather(batch, rows, plan)?));
        rows_by_group.into_iter().map(split).collect()
    }

    /// Lists the rows of each group, in order of their first row.
    fn group(
        &mut self,
        encoded: &Rows,
        values: &[ArrayRef],
        plan: &Plan,
        buckets: &mut Vec<Bucket>,
    ) -> Result<Vec<(usize, Vec<u32>)>, Error> {
        let mut found: Vec<(usize, Vec<u32>)> = Vec::new();
        let mut list_of_group: HashMap<usize, usize, Xxh3DefaultBuilder> = HashMap::default();
        let mut last: Option<(&[u8], usize)> = None;
        for (row, position) in encoded.iter().zip(0_u32..) {
            let bytes = row.data();
            let target = match last {
                Some((before, same)) if before == bytes => same,
                _ => {
                    let group = self.find(bytes, values, position as usize, plan, buckets)?;
                    *list_of_group.entry(group).or_insert_with(|| {
                        found.push((group, Vec::new()));
                        found.len() - 1
                    })
                }
            };
            last = Some((bytes, target));
            found[target].1.push(position);
        }
        Ok(found)
    }

    fn find(
        &mut self,
        bytes: &[u8],
        values: &[ArrayRef],
        row: usize,
        plan: &Plan,
        buckets: &mut Vec<Bucket>,
    ) -> Result<usize, Error> {
        if let Some(&group) = self.groups.get(bytes) {
            return Ok(group);
        }
        check_values(values, row, plan)?;
        let values = PartitionValues::from_row(values, row).map_err(|source| plan.rows_error(source.into()))?;
        buckets.push(Bucket::new(values, plan));
        self.groups.insert(bytes.to_vec(), buckets.len() - 1);
        Ok(buckets.len() - 1)
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

/// Copies rows of the columns that go into files.
fn gather(batch: &RecordBatch, rows: Vec<u32>, plan: &Plan) -> Result<RecordBatch, Error> {
    let rows = UInt32Array::from(rows);
    let gathered = |&column: &usize| take(batch.column(column), &rows, None);
    let columns: Result<Vec<ArrayRef>, _> = plan.data_columns.iter().map(gathered).collect();
    let columns = columns.map_err(|source| plan.rows_error(source))?;
    plan.batch(Arc::clone(&plan.data_schema), columns, rows.len())
}
