//! A few rows of each table that a model reads, chosen so that they belong together.
//!
//! ```text
//!  a few rows of the model's own table ─► values of columns that it passes on from the largest table
//!                                                          │
//!  the largest table ─ a few of these rows, the latest ────┴► values of its join columns ─► rows of the tables joined to it ─► …
//! ```
//!
//! In: the model's SQL and a session over a snapshot. Out: rows of the columns that the plan reads. Which columns are passed on or
//! joined is read from the optimized plan, and so are the filters that each scan applies.

use std::collections::{BTreeMap, BTreeSet};

use arrow::{compute::cast, datatypes::DataType};
use datafusion::{
    common::{
        Column, ScalarValue, TableReference,
        tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    },
    error::Result,
    logical_expr::{
        Expr, JoinType, LogicalPlan, SortExpr, TableScan, lit,
        utils::{conjunction, disjunction},
    },
    prelude::{DataFrame, SessionContext},
};

use super::value::shown;
use crate::{
    engine::{Statement, table::is_closed, types},
    record::TableName,
};

/// So many rows of a joined table for each row of the first one.
const ROWS_EACH: usize = 8;

/// Rows of one table.
#[derive(Debug, Clone)]
pub struct Sampled {
    /// The table.
    pub table: TableName,
    /// The columns that are read.
    pub columns: Vec<(String, DataType)>,
    /// Their values as text; None is NULL.
    pub rows: Vec<Vec<Option<String>>>,
}

/// How many rows are wanted.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Rows of the model's own table to which the others must belong; 0 takes any.
    pub result_rows: usize,
    /// Rows of the largest table of which a column is passed on.
    pub first_rows: usize,
}

/// What a plan does with its tables.
#[derive(Debug, Default)]
struct Reading {
    /// Output columns that are a table's column.
    passed_on: Vec<(String, TableName, String)>,
    columns: BTreeMap<TableName, BTreeSet<String>>,
    /// The filters of each scan of a table.
    filters: BTreeMap<TableName, Vec<Vec<Expr>>>,
    /// Columns of tables that are joined by being equal.
    joined: Vec<[(TableName, String); 2]>,
}

/// Chooses rows of the tables of `sizes` (table → rows) that the model reads; its own table is known to the session too, unless it
/// has none yet.
///
/// # Errors
/// When the query cannot be planned or a table not be read.
pub async fn sample(
    statement: &Statement,
    sizes: &BTreeMap<TableName, u64>,
    session: &SessionContext,
    own: Option<&TableName>,
    size: Size,
) -> Result<Vec<Sampled>> {
    let plan = session.state().optimize(&statement.plan(session).await?)?;
    let reading = reading(&plan)?;
    let results = match own.filter(|_| size.result_rows > 0) {
        Some(own) => results(own, size.result_rows, session).await?,
        None => Values::new(),
    };
    let mut waiting: Vec<&TableName> = sizes.keys().collect();
    // What the result is made of comes first, not a calendar that is only looked up.
    let is_passed_on = |table: &TableName| reading.passed_on.iter().any(|(_, from, _)| from == table);
    waiting.sort_by_key(|table| (!is_passed_on(table), std::cmp::Reverse(sizes[*table])));
    let mut sampled: Vec<(Sampled, Values)> = Vec::new();
    while !waiting.is_empty() {
        let is_joined = |table: &&TableName| !reading.partners(table, &sampled).is_empty();
        let next = waiting.remove(waiting.iter().position(is_joined).unwrap_or(0));
        let found = match sampled.is_empty() {
            true => reading.first(next, &results, size.first_rows, session).await?,
            false => reading.rows(next, &sampled, size.first_rows * ROWS_EACH, session).await?,
        };
        sampled.push(found);
    }
    sampled.sort_by(|a, b| a.0.table.cmp(&b.0.table));
    Ok(sampled.into_iter().map(|(sampled, _)| sampled).collect())
}

/// The values of the columns of a table.
type Values = BTreeMap<String, Vec<ScalarValue>>;

/// Returns the values of a few rows of a table.
async fn results(table: &TableName, rows: usize, session: &SessionContext) -> Result<Values> {
    let frame = session.table(reference(table)).await?;
    let names: Vec<String> = frame.schema().fields().iter().map(|field| field.name().clone()).collect();
    let frame = frame.sort(latest(&names))?.limit(0, Some(rows))?;
    Ok(collected(table, frame).await?.1)
}

fn reference(table: &TableName) -> TableReference {
    TableReference::partial(table.schema.as_str(), table.table.as_str())
}

/// Returns an order in which later days come first.
fn latest(columns: &[String]) -> Vec<SortExpr> {
    columns.iter().map(|name| named(name).sort(false, false)).collect()
}

fn is_one_of(column: &str, values: &[ScalarValue]) -> Expr {
    named(column).in_list(values.iter().cloned().map(lit).collect(), false)
}

impl Reading {
    /// Reads rows of the first table from which rows of the model's own table come.
    async fn first(
        &self,
        table: &TableName,
        results: &Values,
        limit: usize,
        session: &SessionContext,
    ) -> Result<(Sampled, Values)> {
        let of_results =
            self.passed_on.iter().filter(|(_, from, _)| from == table).filter_map(|(output, _, column)| {
                let values = results.get(output).filter(|values| !values.is_empty())?;
                Some(is_one_of(column, values))
            });
        self.read(table, conjunction(of_results.collect::<Vec<_>>()), limit, session).await
    }

    /// Returns the columns of a table that are joined to a table that has rows by now, with the values they must have.
    fn partners(&self, table: &TableName, sampled: &[(Sampled, Values)]) -> Vec<(String, Vec<ScalarValue>)> {
        let mut found = Vec::new();
        for pair in &self.joined {
            for ((own, column), (other, other_column)) in [(&pair[0], &pair[1]), (&pair[1], &pair[0])] {
                let partner = sampled.iter().find(|(sampled, _)| sampled.table == *other && own == table);
                if let Some(values) = partner.and_then(|(_, values)| values.get(other_column)) {
                    found.push((column.clone(), values.clone()));
                }
            }
        }
        found.retain(|(_, values)| !values.is_empty());
        found.dedup();
        found
    }

    /// Reads rows of a table that belong to those that were read before; any, where none does.
    async fn rows(
        &self,
        table: &TableName,
        sampled: &[(Sampled, Values)],
        limit: usize,
        session: &SessionContext,
    ) -> Result<(Sampled, Values)> {
        let partners = self.partners(table, sampled);
        let each: Vec<Expr> = partners.into_iter().map(|(column, values)| is_one_of(&column, &values)).collect();
        let mut found = self.read(table, conjunction(each.clone()), limit, session).await?;
        if found.0.rows.is_empty() && each.len() > 1 {
            found = self.read(table, disjunction(each.clone()), limit, session).await?;
        }
        if found.0.rows.is_empty() && !each.is_empty() {
            found = self.read(table, None, limit, session).await?;
        }
        Ok(found)
    }

    async fn read(
        &self,
        table: &TableName,
        wanted: Option<Expr>,
        limit: usize,
        session: &SessionContext,
    ) -> Result<(Sampled, Values)> {
        let frame = session.table(reference(table)).await?;
        let frame = self.filtered(table, frame, wanted)?;
        let read = self.columns.get(table);
        let names: Vec<String> = frame.schema().fields().iter().map(|field| field.name().clone()).collect();
        // Where only the rows count, as in `count(*)`, any column stands for them.
        let is_read = |name: &&String| match read.filter(|read| !read.is_empty()) {
            Some(read) => read.contains(*name),
            None => names.first() == Some(*name),
        };
        let names: Vec<String> = names.iter().filter(is_read).cloned().collect();
        let frame = frame.select(names.iter().map(|name| named(name)).collect::<Vec<_>>())?.sort(latest(&names))?;
        collected(table, frame.limit(0, Some(limit))?).await
    }

    fn filtered(&self, table: &TableName, frame: DataFrame, wanted: Option<Expr>) -> Result<DataFrame> {
        let scans = self.filters.get(table).map(Vec::as_slice).unwrap_or_default();
        let of_scans = match scans.iter().any(Vec::is_empty) {
            true => None,
            false => disjunction(scans.iter().cloned().filter_map(conjunction).collect::<Vec<_>>()),
        };
        let filters: Vec<Expr> = of_scans.into_iter().chain(wanted).collect();
        match conjunction(filters) {
            Some(filter) => frame.filter(filter),
            None => Ok(frame),
        }
    }
}

async fn collected(table: &TableName, frame: DataFrame) -> Result<(Sampled, Values)> {
    let fields: Vec<_> = frame.schema().fields().iter().cloned().collect();
    let batches = frame.collect().await?;
    let mut values = Values::new();
    let mut columns = Vec::new();
    for (index, field) in fields.iter().enumerate() {
        let data_type = types::published(field.data_type()).unwrap_or_else(|| field.data_type().clone());
        let mut all = Vec::new();
        for batch in &batches {
            let column = cast(batch.column(index), &data_type)?;
            for row in 0..column.len() {
                all.push(ScalarValue::try_from_array(&column, row)?);
            }
        }
        columns.push((field.name().clone(), data_type));
        values.insert(field.name().clone(), all);
    }
    let count: usize = batches.iter().map(arrow::array::RecordBatch::num_rows).sum();
    let row = |row: usize| columns.iter().map(|(name, _)| shown(&values[name][row])).collect();
    let rows = (0..count).map(row).collect();
    for column in values.values_mut() {
        column.retain(|value| !value.is_null());
        column.sort_by_key(ToString::to_string);
        column.dedup();
    }
    Ok((Sampled { table: table.clone(), columns, rows }, values))
}

fn reading(plan: &LogicalPlan) -> Result<Reading> {
    let outputs = plan.schema().fields().iter().enumerate();
    let passed_on = outputs.filter_map(|(index, field)| {
        let (table, column) = origin(plan, index)?;
        Some((field.name().clone(), table, column))
    });
    let mut reading = Reading { passed_on: passed_on.collect(), ..Reading::default() };
    plan.apply_with_subqueries(|node| {
        match node {
            LogicalPlan::TableScan(scan) => note_scan(scan, &mut reading)?,
            LogicalPlan::Join(join) => {
                for (left, right) in &join.on {
                    let pair = origin_of(left, &join.left).zip(origin_of(right, &join.right));
                    reading.joined.extend(pair.map(|(left, right)| [left, right]));
                }
            }
            _ => {}
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(reading)
}

fn note_scan(scan: &TableScan, reading: &mut Reading) -> Result<()> {
    let Some(table) = table_of(&scan.table_name) else { return Ok(()) };
    let filters: Vec<Expr> =
        scan.filters.iter().filter(|filter| is_closed(filter)).cloned().map(unqualified).collect::<Result<_>>()?;
    let columns = reading.columns.entry(table.clone()).or_default();
    columns.extend(scan.projected_schema.fields().iter().map(|field| field.name().clone()));
    columns.extend(filters.iter().flat_map(Expr::column_refs).map(|column| column.name.clone()));
    reading.filters.entry(table).or_default().push(filters);
    Ok(())
}

fn table_of(name: &TableReference) -> Option<TableName> {
    Some(TableName::new(name.schema()?, name.table()))
}

fn named(name: &str) -> Expr {
    Expr::Column(Column::from_name(name))
}

fn unqualified(filter: Expr) -> Result<Expr> {
    let strip = |expr: Expr| match expr {
        Expr::Column(column) => Ok(Transformed::yes(named(&column.name))),
        other => Ok(Transformed::no(other)),
    };
    Ok(filter.transform(strip)?.data)
}

/// Returns the table's column whose values an expression passes on.
fn origin_of(expr: &Expr, plan: &LogicalPlan) -> Option<(TableName, String)> {
    match expr {
        Expr::Column(column) => origin(plan, plan.schema().maybe_index_of_column(column)?),
        Expr::Alias(alias) => origin_of(&alias.expr, plan),
        _ => None,
    }
}

/// The same for the column at an index of a plan's output.
fn origin(plan: &LogicalPlan, index: usize) -> Option<(TableName, String)> {
    match plan {
        LogicalPlan::TableScan(scan) => {
            Some((table_of(&scan.table_name)?, scan.projected_schema.field(index).name().clone()))
        }
        LogicalPlan::Projection(projection) => origin_of(projection.expr.get(index)?, &projection.input),
        LogicalPlan::Aggregate(aggregate) => origin_of(aggregate.group_expr.get(index)?, &aggregate.input),
        LogicalPlan::SubqueryAlias(alias) => origin(&alias.input, index),
        LogicalPlan::Filter(filter) => origin(&filter.input, index),
        LogicalPlan::Sort(sort) => origin(&sort.input, index),
        LogicalPlan::Limit(limit) => origin(&limit.input, index),
        LogicalPlan::Union(union) => origin(union.inputs.first()?, index),
        LogicalPlan::Window(window) => {
            (index < window.input.schema().fields().len()).then(|| origin(&window.input, index))?
        }
        LogicalPlan::Join(join) => {
            let left = join.left.schema().fields().len();
            match join.join_type {
                JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => {
                    (index < left).then(|| origin(&join.left, index))?
                }
                JoinType::RightSemi | JoinType::RightAnti => origin(&join.right, index),
                _ if index < left => origin(&join.left, index),
                _ => origin(&join.right, index - left),
            }
        }
        _ => None,
    }
}
