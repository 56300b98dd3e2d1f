//! Counts the rows in which two states of a table differ.
//!
//! ```text
//!  partitions that differ, before ──► every column, −1 ─┐                          by key: rows of
//!                                                        ├─► sum by row, not 0 ──► one key on both sides
//!  the same, after                ──► every column, +1 ─┘    (EXCEPT ALL both ways)  are changed ones
//! ```
//!
//! Two aggregations, which spill to the disk when memory ends: no join holds one side. Rows are compared over the columns
//! that both states have; numbers and times of another type by value, anything else by its text. Where only one side has
//! partitions that differ, or no row can be on both sides, the manifest's numbers are enough and nothing is read.

use std::{collections::BTreeSet, sync::Arc};

use arrow::{
    array::{AsArray, RecordBatch},
    datatypes::{DataType, Int64Type, SchemaRef},
};
use datafusion::{
    catalog::TableProvider,
    common::{Column as ColumnName, TableReference},
    error::Result as EngineResult,
    functions_aggregate::expr_fn::sum,
    logical_expr::{Expr, cast, lit, type_coercion::binary::comparison_coercion, when},
    prelude::{DataFrame, SessionContext},
};
use serde::Serialize;

use super::super::outcome;
use crate::{
    Error,
    engine::{CatalogTable, Engine, SnapshotTable},
    publish::Warehouse,
    record::{
        Manifest, PartitionValues, TableName,
        manifest::{Column, Table},
    },
};

/// How often a row is there more often after than before.
const TIMES: &str = "times";
/// The schemas in which the two states lie.
pub(in crate::run) const BEFORE: &str = "before";
pub(in crate::run) const AFTER: &str = "after";

/// Rows that differ.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RowChanges {
    /// All rows before.
    pub before: u64,
    /// All rows after.
    pub after: u64,
    /// Rows that are only there after; with a key, rows whose key is.
    pub added: u64,
    /// Rows that were only there before; with a key, rows whose key was.
    pub removed: u64,
    /// Rows of one key that are other ones; None without a key.
    pub changed: Option<u64>,
    /// Columns by which rows were compared, where it is not all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compared_by: Option<Vec<String>>,
}

/// Some rows that differ, those of one key together.
#[derive(Debug)]
pub struct Sample {
    /// `change` (`-` before, `+` after), then the table's columns.
    pub schema: SchemaRef,
    /// The rows.
    pub batches: Vec<RecordBatch>,
}

/// One state of a table.
pub(super) struct Side<'a> {
    warehouse: &'a Warehouse,
    snapshot: &'a str,
    pub table: Option<&'a Table>,
    /// The table with nothing but the partitions that differ.
    differing: Option<Table>,
}

impl<'a> Side<'a> {
    pub(super) fn new(warehouse: &'a Warehouse, manifest: &'a Manifest, name: &TableName) -> Self {
        Self { warehouse, snapshot: &manifest.snapshot, table: manifest.tables.get(name), differing: None }
    }

    /// Leaves out the partitions that both sides have.
    pub(super) fn with(self, table: &Table, shared: &BTreeSet<&PartitionValues>) -> Self {
        let partitions = table.partitions.iter().filter(|part| !shared.contains(&part.values)).cloned().collect();
        Self { differing: Some(Table { partitions, ..table.clone() }), ..self }
    }

    fn rows(&self) -> u64 {
        self.table.map_or(0, Table::rows)
    }

    fn differing_rows(&self) -> u64 {
        self.differing.as_ref().map_or(0, Table::rows)
    }

    fn columns(&self) -> &[Column] {
        self.differing.as_ref().map_or(&[], |table| &table.columns)
    }

    fn key(&self) -> &[String] {
        self.differing.as_ref().map_or(&[], |table| &table.key)
    }

    fn provider(&self, name: &TableName) -> EngineResult<Arc<dyn TableProvider>> {
        let table = self.differing.clone().unwrap_or_else(super::diff::empty);
        let schema = SnapshotTable::declared_schema(&table)?;
        let locate = |file: &_| self.warehouse.file(self.snapshot, name, file);
        CatalogTable::new(table, schema, None, &locate).provider(name)
    }
}

/// Compares the rows of two states, and returns so many of those that differ.
///
/// # Errors
/// When a file cannot be read.
pub(super) async fn compare(
    name: &TableName,
    before: &Side<'_>,
    after: &Side<'_>,
    sample_rows: usize,
    engine: &Engine,
) -> Result<(RowChanges, Option<Sample>), Error> {
    let key = if before.key() == after.key() { after.key() } else { &[] };
    let comparison = Comparison::of(before.columns(), after.columns(), key);
    let mut rows = RowChanges {
        before: before.rows(),
        after: after.rows(),
        changed: (!comparison.key.is_empty()).then_some(0),
        compared_by: comparison.is_partial.then(|| comparison.names()),
        ..RowChanges::default()
    };
    let (removed, added) = (before.differing_rows(), after.differing_rows());
    let is_read = removed > 0 && added > 0 && !comparison.columns.is_empty();
    if !is_read {
        (rows.removed, rows.added) = (removed, added);
    }
    if !is_read && (sample_rows == 0 || removed + added == 0 || comparison.columns.is_empty()) {
        return Ok((rows, None));
    }
    let failed = |error: datafusion::error::DataFusionError| outcome::engine_failure(name, &error);
    let tables = [(BEFORE, before), (AFTER, after)]
        .map(|(schema, side)| Ok((TableName::new(schema, &name.table), side.provider(name)?)));
    let tables = tables.into_iter().collect::<EngineResult<Vec<_>>>().map_err(failed)?;
    let session = engine.session(tables).map_err(failed)?;
    if is_read {
        comparison.count(&session, name, &mut rows).await.map_err(failed)?;
    }
    if sample_rows == 0 {
        return Ok((rows, None));
    }
    let sample = comparison.sample(&session, name, sample_rows).await.map_err(failed)?;
    Ok((rows, Some(sample)))
}

/// By which columns rows are compared. Within the queries they are called `c0`, `c1`, …, so that no name of a table's own
/// can be in the way.
pub(in crate::run) struct Comparison {
    pub columns: Vec<Compared>,
    /// Positions of the key in `columns`; empty where there is none on both sides.
    pub key: Vec<usize>,
    /// Whether one side has columns that the other has not.
    pub is_partial: bool,
}

/// A column that both states have.
pub(in crate::run) struct Compared {
    pub name: String,
    /// As which type it is compared, where both have another one.
    cast: Option<DataType>,
}

impl Comparison {
    pub fn of(before: &[Column], after: &[Column], key: &[String]) -> Self {
        let in_both = |column: &Column| {
            let other = before.iter().find(|other| other.name == column.name)?;
            let is_retyped = other.data_type != column.data_type;
            Some(Compared { name: column.name.clone(), cast: is_retyped.then(|| common_type(other, column)) })
        };
        let columns: Vec<Compared> = after.iter().filter_map(in_both).collect();
        let position = |name: &String| columns.iter().position(|column| column.name == *name);
        let key = key.iter().map(position).collect::<Option<Vec<_>>>().unwrap_or_default();
        let is_partial = columns.len() < before.len().max(after.len());
        Self { columns, key, is_partial }
    }

    pub fn names(&self) -> Vec<String> {
        self.columns.iter().map(|column| column.name.clone()).collect()
    }

    fn inner(position: usize) -> String {
        format!("c{position}")
    }

    fn inner_columns(&self) -> Vec<Expr> {
        (0..self.columns.len()).map(|position| named(&Self::inner(position))).collect()
    }

    /// Returns the rows that one side has more often, with how often, negative for the side before.
    pub async fn differing(&self, session: &SessionContext, name: &TableName) -> EngineResult<DataFrame> {
        let rows = self.signed(session, name, BEFORE, -1).await?;
        let rows = rows.union(self.signed(session, name, AFTER, 1).await?)?;
        let rows = rows.aggregate(self.inner_columns(), vec![sum(named(TIMES)).alias(TIMES)])?;
        rows.filter(named(TIMES).not_eq(lit(0_i64)))
    }

    async fn signed(
        &self,
        session: &SessionContext,
        name: &TableName,
        side: &str,
        times: i64,
    ) -> EngineResult<DataFrame> {
        let table = session.table(TableReference::partial(side, name.table.as_str())).await?;
        let column = |(position, column): (usize, &Compared)| {
            let value = named(&column.name);
            let value = match &column.cast {
                Some(data_type) => cast(value, data_type.clone()),
                None => value,
            };
            value.alias(Self::inner(position))
        };
        let columns = self.columns.iter().enumerate().map(column);
        table.select(columns.chain([lit(times).alias(TIMES)]).collect::<Vec<_>>())
    }

    async fn count(&self, session: &SessionContext, name: &TableName, rows: &mut RowChanges) -> EngineResult<()> {
        let zero = || lit(0_i64);
        let times = || named(TIMES);
        let more = when(times().gt(zero()), times()).otherwise(zero())?;
        let fewer = when(times().lt(zero()), zero() - times()).otherwise(zero())?;
        let key: Vec<Expr> = self.key.iter().map(|&position| named(&Self::inner(position))).collect();
        let differing = self.differing(session, name).await?;
        let sums = vec![sum(more).alias("added"), sum(fewer).alias("removed")];
        let (added, removed) = (|| named("added"), || named("removed"));
        let changed = match key.is_empty() {
            true => zero(),
            false => when(added().lt(removed()), added()).otherwise(removed())?,
        };
        let by_key = differing.aggregate(key, sums)?.select(vec![added(), removed(), changed.alias("changed")])?;
        let totals = ["added", "removed", "changed"].map(|total| sum(named(total)).alias(total));
        for batch in by_key.aggregate(Vec::new(), totals.into())?.collect().await? {
            let total = |column: usize| -> u64 {
                let values = batch.column(column).as_primitive::<Int64Type>().iter().flatten();
                values.map(|value| u64::try_from(value).unwrap_or(0)).sum()
            };
            let changed = total(2);
            (rows.added, rows.removed) = (rows.added + total(0) - changed, rows.removed + total(1) - changed);
            rows.changed = rows.changed.map(|before| before + changed);
        }
        Ok(())
    }

    /// Returns a few rows that differ, ordered by key and then by all columns, what was before what is.
    async fn sample(&self, session: &SessionContext, name: &TableName, most: usize) -> EngineResult<Sample> {
        let inner = self.inner_columns();
        let key = self.key.iter().map(|&position| inner[position].clone());
        let side = || when(named(TIMES).gt(lit(0_i64)), lit("+")).otherwise(lit("-"));
        let order = key.map(|column| column.sort(true, true)).chain([named(TIMES).sort(true, true)]);
        let order = order.chain(inner.iter().map(|column| column.clone().sort(true, true)));
        let rows = self.differing(session, name).await?.sort(order.collect())?.limit(0, Some(most))?;
        let column = |(position, column): (usize, &Compared)| named(&Self::inner(position)).alias(&column.name);
        let columns = self.columns.iter().enumerate().map(column);
        let rows = rows.select([side()?.alias("change")].into_iter().chain(columns).collect::<Vec<_>>())?;
        let schema: SchemaRef = Arc::new(rows.schema().as_arrow().clone());
        Ok(Sample { schema, batches: rows.collect().await? })
    }
}

/// Returns the type in which numbers or times of two types are compared, so that a widened column differs in nothing;
/// anything else is compared by its text.
fn common_type(before: &Column, after: &Column) -> DataType {
    let types = [before, after].map(|column| column.data_type.parse::<DataType>());
    match types {
        [Ok(one), Ok(other)] if [&one, &other].iter().all(|each| each.is_numeric() || each.is_temporal()) => {
            comparison_coercion(&one, &other).unwrap_or(DataType::Utf8)
        }
        _ => DataType::Utf8,
    }
}

/// Returns a column by its exact name.
fn named(name: &str) -> Expr {
    Expr::Column(ColumnName::from_name(name))
}
