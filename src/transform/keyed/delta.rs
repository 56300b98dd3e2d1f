//! The rows in which a table is another one than in the last snapshot.
//!
//! Only partitions whose content is another one are read, as they were and as they are, and rows that both have cancel out.
//! Rows are compared by 128 bits of a hash over all their cells. Asked once for each table of a run, whoever asks.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use arrow::{
    array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch},
    compute::filter_record_batch,
    datatypes::{DataType, Int64Type},
    row::{RowConverter, SortField},
};
use datafusion::{
    catalog::TableProvider, error::Result, execution::memory_pool::MemoryConsumer, functions_aggregate::expr_fn::count,
    prelude::SessionContext,
};
use futures::StreamExt;
use tokio::sync::OnceCell;

use crate::{
    engine::{AsOf, CatalogTable},
    record::{PartitionValues, TableName, manifest::Partition},
    transform::{decide, depend},
};

/// Bytes of rows that a table had alone, or has, in memory: with more of them it is taken for another one altogether.
const MOST_BYTES: usize = 32 << 20;

/// What a row takes that is compared, with what a hash map leaves free.
const BYTES_OF_A_ROW: usize = 48;

/// Rows of several partitions that are compared at once.
const ROWS_AT_ONCE: u64 = 500_000;

/// What the rows of a run's tables say, each found out when first asked for.
#[derive(Debug, Default)]
pub struct Deltas {
    deltas: Mutex<HashMap<TableName, Arc<Answer>>>,
    /// Columns, by table, that were looked through: whether no row has NULL there.
    full: Mutex<BTreeMap<TableName, BTreeMap<String, bool>>>,
}

/// None where a table is taken for another one altogether.
type Answer = OnceCell<Option<Arc<Delta>>>;

impl Deltas {
    /// Returns in which rows a table differs from what it was; None where they are too many, or no rows of the same columns.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub(super) async fn of(
        &self,
        name: &TableName,
        before: &CatalogTable,
        now: &CatalogTable,
        session: &SessionContext,
    ) -> Result<Option<Arc<Delta>>> {
        let cell =
            Arc::clone(self.deltas.lock().unwrap_or_else(PoisonError::into_inner).entry(name.clone()).or_default());
        let delta = cell.get_or_try_init(|| async { Ok(delta(name, before, now, session).await?.map(Arc::new)) }).await;
        delta.cloned()
    }

    /// Returns those of a table's columns, as it is now, that no row has NULL in.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub(super) async fn full(
        &self,
        name: &TableName,
        table: &CatalogTable,
        columns: &BTreeSet<String>,
        session: &SessionContext,
    ) -> Result<BTreeSet<String>> {
        let known = || self.full.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found = known().get(name).cloned().unwrap_or_default();
        let open: Vec<&String> = columns.iter().filter(|column| !found.contains_key(*column)).collect();
        if !open.is_empty() {
            found.extend(without_null(table, open, session).await?);
            known().entry(name.clone()).or_default().extend(found.clone());
        }
        Ok(columns.iter().filter(|column| found.get(*column) == Some(&true)).cloned().collect())
    }
}

/// Returns of columns whether no row has NULL there; what is declared so is not read.
async fn without_null(
    table: &CatalogTable,
    columns: Vec<&String>,
    session: &SessionContext,
) -> Result<BTreeMap<String, bool>> {
    let schema = table.schema();
    let is_declared = |column: &&String| schema.field_with_name(column).is_ok_and(|field| !field.is_nullable());
    let (declared, open): (Vec<&String>, Vec<&String>) = columns.into_iter().partition(is_declared);
    let mut found: BTreeMap<String, bool> = declared.into_iter().map(|column| (column.clone(), true)).collect();
    if open.is_empty() {
        return Ok(found);
    }
    let counts = open.iter().map(|name| count(decide::output(name))).collect();
    let rows = session.read_table(Arc::new(table.files.clone()))?.aggregate(Vec::new(), counts)?;
    for batch in rows.collect().await? {
        for (name, counted) in open.iter().zip(batch.columns()) {
            let counted = counted.as_primitive::<Int64Type>();
            let is_full = !counted.is_empty() && u64::try_from(counted.value(0)) == Ok(table.table.rows());
            found.insert((*name).clone(), is_full);
        }
    }
    Ok(found)
}

/// Rows that a table had or has alone.
#[derive(Debug)]
pub(super) struct Delta {
    removed: Vec<RecordBatch>,
    added: Vec<RecordBatch>,
}

impl Delta {
    /// Returns the rows, of both kinds, that differ in some of the columns too.
    ///
    /// # Errors
    /// When a column is none of the table's.
    pub fn within(&self, columns: &BTreeSet<&str>) -> Result<Vec<RecordBatch>> {
        let mut counts: HashMap<u128, i64> = HashMap::new();
        let mut all = Vec::new();
        for (batches, sign) in [(&self.removed, -1), (&self.added, 1)] {
            for batch in batches {
                let positions = (0..batch.num_columns())
                    .filter(|&at| columns.contains(batch.schema_ref().field(at).name().as_str()));
                let hashes = hashes(&batch.project(&positions.collect::<Vec<_>>())?)?;
                for hash in &hashes {
                    *counts.entry(*hash).or_default() += sign;
                }
                all.push((batch, hashes));
            }
        }
        let differs = |hash: u128| counts.get(&hash).is_some_and(|count| *count != 0);
        all.into_iter().map(|(batch, hashes)| Ok(filter_record_batch(batch, &mask(&hashes, differs))?)).collect()
    }
}

async fn delta(
    name: &TableName,
    before: &CatalogTable,
    now: &CatalogTable,
    session: &SessionContext,
) -> Result<Option<Delta>> {
    let is_alike = columns(before) == columns(now)
        && before.table.partition_by == now.table.partition_by
        && before.as_of.as_ref().map(cut) == now.as_of.as_ref().map(cut);
    if !is_alike {
        return Ok(None);
    }
    let mut delta = Delta { removed: Vec::new(), added: Vec::new() };
    let memory = MemoryConsumer::new("rows that differ").register(&session.runtime_env().memory_pool);
    for (partitions, rows) in portions(changed(before, now)) {
        let bytes = usize::try_from(rows).unwrap_or(usize::MAX).saturating_mul(BYTES_OF_A_ROW);
        if memory.try_resize(bytes).is_err() {
            return Ok(None);
        }
        let (was, is) = (before.provider_of(name, &partitions)?, now.provider_of(name, &partitions)?);
        if !delta.compare(&was, &is, session).await? {
            return Ok(None);
        }
    }
    Ok(Some(delta))
}

impl Delta {
    /// Adds in which rows some partitions differ; false when they become too many.
    async fn compare(
        &mut self,
        was: &Arc<dyn TableProvider>,
        is: &Arc<dyn TableProvider>,
        session: &SessionContext,
    ) -> Result<bool> {
        let mut left: HashMap<u128, u32> = HashMap::new();
        let mut rows = session.read_table(Arc::clone(was))?.execute_stream().await?;
        while let Some(batch) = rows.next().await {
            for hash in hashes(&batch?)? {
                *left.entry(hash).or_default() += 1;
            }
        }
        let mut rows = session.read_table(Arc::clone(is))?.execute_stream().await?;
        while let Some(batch) = rows.next().await {
            let batch = batch?;
            let is_new = mask(&hashes(&batch)?, |hash| !take(&mut left, hash));
            if !push(&mut self.added, &batch, &is_new)? {
                return Ok(false);
            }
        }
        left.retain(|_, count| *count > 0);
        if left.is_empty() {
            return Ok(true);
        }
        let mut rows = session.read_table(Arc::clone(was))?.execute_stream().await?;
        while let Some(batch) = rows.next().await {
            let batch = batch?;
            let is_gone = mask(&hashes(&batch)?, |hash| take(&mut left, hash));
            if !push(&mut self.removed, &batch, &is_gone)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Takes one of the rows with a hash; false when there is none left.
fn take(left: &mut HashMap<u128, u32>, hash: u128) -> bool {
    let Some(count) = left.get_mut(&hash).filter(|count| **count > 0) else { return false };
    *count -= 1;
    true
}

/// Keeps some rows of a batch; false when they take too much.
fn push(kept: &mut Vec<RecordBatch>, batch: &RecordBatch, mask: &BooleanArray) -> Result<bool> {
    if mask.true_count() > 0 {
        kept.push(filter_record_batch(batch, mask)?);
    }
    Ok(kept.iter().map(RecordBatch::get_array_memory_size).sum::<usize>() <= MOST_BYTES)
}

fn mask(hashes: &[u128], mut is_kept: impl FnMut(u128) -> bool) -> BooleanArray {
    hashes.iter().map(|&hash| Some(is_kept(hash))).collect()
}

/// Returns a hash of each row.
fn hashes(batch: &RecordBatch) -> Result<Vec<u128>> {
    let rows = encoded(batch.columns())?;
    let hash = |row: &[u8]| {
        let mut first = [0; 16];
        first.copy_from_slice(&blake3::hash(row).as_bytes()[..16]);
        u128::from_le_bytes(first)
    };
    Ok(rows.iter().map(|row| hash(row.as_ref())).collect())
}

/// Returns rows as bytes, equal where all their cells are.
fn encoded(columns: &[ArrayRef]) -> Result<arrow::row::Rows> {
    let fields = columns.iter().map(|column| SortField::new(column.data_type().clone())).collect();
    Ok(RowConverter::new(fields)?.convert_columns(columns)?)
}

/// Returns the names and types of a table's columns.
fn columns(table: &CatalogTable) -> Vec<(String, DataType)> {
    table.schema().fields().iter().map(|field| (field.name().clone(), field.data_type().clone())).collect()
}

/// Returns the columns by which a table is cut.
const fn cut(as_of: &AsOf) -> (Option<&String>, &[String]) {
    (as_of.event_date.as_ref(), as_of.stages.as_slice())
}

/// Returns the partitions that look another way than they did, those that came and went included, each with the most rows that it
/// has or had.
fn changed(before: &CatalogTable, now: &CatalogTable) -> Vec<(PartitionValues, u64)> {
    let content =
        |table: &CatalogTable, partition: &Partition| depend::partition_content(partition, None, table.as_of.as_ref());
    let states = |table: &CatalogTable| -> BTreeMap<PartitionValues, (blake3::Hash, u64)> {
        let each = table.table.partitions.iter();
        each.map(|partition| (partition.values.clone(), (content(table, partition), partition.rows))).collect()
    };
    let (was, is) = (states(before), states(now));
    let all: BTreeSet<&PartitionValues> = was.keys().chain(is.keys()).collect();
    let rows = |values| [&was, &is].into_iter().filter_map(|states| states.get(values)).map(|state| state.1).max();
    let differs =
        |values: &PartitionValues| was.get(values).map(|state| state.0) != is.get(values).map(|state| state.0);
    all.into_iter().filter(|values| differs(values)).map(|values| (values.clone(), rows(values).unwrap_or(0))).collect()
}

/// Puts partitions together that are compared at once, with how many rows they have: small ones are not worth a scan each.
fn portions(partitions: Vec<(PartitionValues, u64)>) -> Vec<(BTreeSet<PartitionValues>, u64)> {
    let mut portions: Vec<(BTreeSet<PartitionValues>, u64)> = Vec::new();
    for (values, rows) in partitions {
        match portions.last_mut() {
            Some((portion, all)) if *all + rows <= ROWS_AT_ONCE => {
                portion.insert(values);
                *all += rows;
            }
            _ => portions.push((BTreeSet::from([values]), rows)),
        }
    }
    portions
}
