//! Columns of an output whose values each change of the inputs bears: `order_no` of an order is `order_no` of its lines.
//!
//! ```text
//!  model's plan ── `order_no = $key` on top ──► optimizer ──► scans, with what reached them of that filter
//!                                                                │
//!        `order_no = $key` at every scan of a changed table ─────┴─► rows of an order follow from the lines of that order
//! ```

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use arrow::{
    array::{ArrayRef, AsArray, RecordBatch},
    compute::{cast, filter_record_batch},
    datatypes::{DataType, Field, Schema},
};
use datafusion::{
    error::Result,
    logical_expr::{Expr, LogicalPlanBuilder},
    prelude::SessionContext,
};

use super::{
    Inputs,
    delta::{Delta, Deltas},
};
use crate::{
    engine::{
        CatalogTable,
        session::over_few_rows,
        table::{evaluate, is_closed},
        value_set::ValueSet,
    },
    record::TableName,
    transform::{
        PlannedModel, Prover,
        changes::Changes,
        decide,
        depend::{self, Scan},
        narrow,
    },
};

/// A column of the output and its type.
type Column = (String, DataType);

/// The key of an output by which its rows follow from the rows of every changed input.
#[derive(Debug)]
pub struct Key {
    /// Columns of the output.
    pub(super) columns: Vec<String>,
    pub(super) types: Vec<DataType>,
    /// How the scans of changed tables say them.
    pub(super) scans: Vec<Keyed>,
}

/// A scan of a changed table.
#[derive(Debug)]
pub(super) struct Keyed {
    pub table: TableName,
    /// Columns that count, those of the partitions included.
    pub columns: BTreeSet<String>,
    /// One expression over them for each column of the key.
    pub values: Vec<Expr>,
    /// What lets rows through whatever the key is.
    filters: Vec<Expr>,
}

impl Keyed {
    /// Returns the keys of the rows of a difference that this scan reads.
    ///
    /// # Errors
    /// When an expression fails on a row.
    pub fn add(&self, delta: &Delta, types: &[DataType], keys: &mut ValueSet) -> Result<()> {
        let columns = self.columns.iter().map(String::as_str).collect();
        for batch in delta.within(&columns)? {
            let batch = self.filters.iter().try_fold(batch, |batch, filter| kept(&batch, filter))?;
            let value =
                |(value, to): (&Expr, &DataType)| -> Result<ArrayRef> { Ok(cast(&evaluate(value, &batch)?, to)?) };
            let values: Vec<ArrayRef> = self.values.iter().zip(types).map(value).collect::<Result<_>>()?;
            keys.extend(&values)?;
        }
        Ok(())
    }
}

/// Returns the rows of a batch for which a filter holds; all of them where it cannot be asked of single rows.
fn kept(batch: &RecordBatch, filter: &Expr) -> Result<RecordBatch> {
    let Ok(holds) = evaluate(filter, batch) else { return Ok(batch.clone()) };
    match holds.as_boolean_opt() {
        Some(holds) => Ok(filter_record_batch(batch, holds)?),
        None => Ok(batch.clone()),
    }
}

/// Finds such a key; None where there is none.
///
/// # Errors
/// When the plan cannot be optimized.
pub(super) async fn find(
    model: &PlannedModel,
    prover: &Prover<'_>,
    changes: &mut Changes<'_>,
    deltas: &Deltas,
    session: &SessionContext,
) -> Result<Option<Key>> {
    let is_exact = |data_type: &DataType| !data_type.is_floating() && !data_type.is_nested();
    let column = |field: &Arc<Field>| (field.name().clone(), field.data_type().clone());
    let all: Vec<Column> = model.schema.fields().iter().map(column).filter(|(_, kind)| is_exact(kind)).collect();
    let declared = model.key();
    let of_key: Vec<Column> = all.iter().filter(|(name, _)| declared.contains(name)).cloned().collect();
    match Box::pin(reaching(model, of_key, prover, changes, deltas, session)).await? {
        Some(key) => Ok(Some(key)),
        None => Box::pin(reaching(model, all, prover, changes, deltas, session)).await,
    }
}

/// Finds the largest part of some columns that is such a key; None where there is none.
///
/// A filter on one column may be what lets that on another one through, so that what is left has to be asked again.
async fn reaching(
    model: &PlannedModel,
    mut columns: Vec<Column>,
    prover: &Prover<'_>,
    changes: &mut Changes<'_>,
    deltas: &Deltas,
    session: &SessionContext,
) -> Result<Option<Key>> {
    let inputs = prover.inputs();
    loop {
        let asked = columns.iter().enumerate();
        let asked = asked.map(|(index, (name, kind))| narrow::is_partition(decide::output(name), index, kind));
        let Some(filter) = asked.reduce(Expr::and) else { return Ok(None) };
        let scans = depend::scans(&prover.optimized(Some(filter))?, inputs)?;
        let told: Vec<BTreeMap<usize, Expr>> = scans.iter().map(|scan| equalities(scan, inputs)).collect();
        let mut is_changed = |scan: &Scan| !changes.of(&scan.dependency(None, false), inputs).is_empty();
        let touched: Vec<(&Scan, &BTreeMap<usize, Expr>)> =
            scans.iter().zip(&told).filter(|(scan, _)| is_changed(scan)).collect();
        let reached = |index: usize| touched.iter().all(|(_, equal)| equal.contains_key(&index));
        let kept: Vec<Column> =
            columns.iter().enumerate().filter(|(index, _)| reached(*index)).map(|(_, column)| column.clone()).collect();
        if kept.len() < columns.len() {
            columns = kept;
            continue;
        }
        let full = without_nulls(&scans, &told, inputs, deltas, session).await?;
        let kept = never_null(model, &columns, &full, inputs, session).await?;
        if kept.len() < columns.len() {
            columns = kept;
            continue;
        }
        let scans = touched.into_iter().filter_map(|(scan, equal)| keyed(scan, equal, inputs)).collect();
        let (columns, types) = columns.into_iter().unzip();
        return Ok(Some(Key { columns, types, scans }));
    }
}

fn keyed(scan: &Scan, equal: &BTreeMap<usize, Expr>, inputs: &Inputs<'_>) -> Option<Keyed> {
    let table = inputs.catalog.get(&scan.table)?;
    let columns = scan.columns.iter().chain(&table.table.partition_by).cloned().collect();
    // A cut on another day let other rows through.
    let filters = if table.as_of.is_some() { Vec::new() } else { fixed(scan) };
    Some(Keyed { table: scan.table.clone(), columns, values: equal.values().cloned().collect(), filters })
}

/// Returns what a scan says of the values of the placeholders: expressions over its columns that equal them, columns of later
/// stages left out, which the cut changes.
fn equalities(scan: &Scan, inputs: &Inputs<'_>) -> BTreeMap<usize, Expr> {
    let as_of = inputs.catalog.get(&scan.table).and_then(|table| table.as_of.as_ref());
    let is_cut = |name: &String| as_of.is_some_and(|as_of| as_of.stages.contains(name));
    let mut found = BTreeMap::new();
    for filter in scan.conjuncts() {
        let Some((index, value)) = narrow::equality(&filter) else { continue };
        if is_closed(&value) && !value.column_refs().iter().any(|column| is_cut(&column.name)) {
            found.entry(index).or_insert(value);
        }
    }
    found
}

/// Returns the filters of a scan that no placeholder has a part in.
fn fixed(scan: &Scan) -> Vec<Expr> {
    scan.conjuncts().filter(|filter| !narrow::holds_placeholder(filter) && is_closed(filter)).collect()
}

/// Returns for each table the columns, among those that say the key, that no row has NULL in.
async fn without_nulls(
    scans: &[Scan],
    told: &[BTreeMap<usize, Expr>],
    inputs: &Inputs<'_>,
    deltas: &Deltas,
    session: &SessionContext,
) -> Result<BTreeMap<TableName, BTreeSet<String>>> {
    let mut asked: BTreeMap<TableName, BTreeSet<String>> = BTreeMap::new();
    for (scan, equal) in scans.iter().zip(told) {
        let columns = equal.values().flat_map(Expr::column_refs).map(|column| column.name.clone());
        asked.entry(scan.table.clone()).or_default().extend(columns);
    }
    for (name, columns) in &mut asked {
        let Some(table) = inputs.catalog.get(name) else { continue };
        *columns = deltas.full(name, table, columns, session).await?;
    }
    Ok(asked)
}

/// Returns those of some columns of the output that are NULL in no row, given the columns of inputs in which there is none.
async fn never_null(
    model: &PlannedModel,
    columns: &[Column],
    full: &BTreeMap<TableName, BTreeSet<String>>,
    inputs: &Inputs<'_>,
    session: &SessionContext,
) -> Result<Vec<Column>> {
    let mut tables = Vec::new();
    for (name, table) in inputs.catalog {
        let is_full = |field: &Field| full.get(name).is_some_and(|columns| columns.contains(field.name()));
        let schema = table.schema();
        let fields = schema.fields().iter().map(|field| {
            let is_nullable = field.is_nullable() && !is_full(field);
            field.as_ref().clone().with_nullable(is_nullable)
        });
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let empty = CatalogTable::empty(&schema, table.table.partition_by.clone(), table.as_of.clone());
        tables.push((name.clone(), empty.provider(name)?));
    }
    let session = over_few_rows(session, tables)?;
    let (plan, state) = (model.statement.plan(&session).await?, session.state());
    let are_full = |columns: &[Column]| -> Result<bool> {
        let is_null = columns.iter().map(|(column, _)| decide::output(column).is_null()).reduce(Expr::or);
        let Some(is_null) = is_null else { return Ok(true) };
        let asked = LogicalPlanBuilder::from(plan.clone()).filter(is_null)?.build()?;
        Ok(depend::reads_nothing(&state.optimize(&asked)?))
    };
    if are_full(columns)? {
        return Ok(columns.to_vec());
    }
    let each = columns.iter().map(|column| Ok((column, are_full(std::slice::from_ref(column))?)));
    let each = each.collect::<Result<Vec<_>>>()?;
    Ok(each.into_iter().filter(|(_, is_full)| *is_full).map(|(column, _)| column.clone()).collect())
}
