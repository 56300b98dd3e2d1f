//! Dependencies by proof: what the rows of output partitions can depend on.
//!
//! ```text
//!  model's plan ── put `partition = $p` on top ──► optimizer ──► table scans with the filters that reached them
//!                                                                    │
//!            a filter over nothing but the scan's partition columns ─┤─► only the partitions that satisfy it
//!                                                      no such filter ─► the whole table
//! ```
//!
//! The optimized plan gives exactly the rows of *p*, and a scan returns nothing but rows of the partitions that its
//! pushed filters admit: so nothing else can change *p*. Of those partitions only the columns that the scan reads count.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use arrow::array::{ArrayRef, RecordBatch};
use datafusion::{
    catalog::cte_worktable::CteWorkTable,
    common::{JoinType, tree_node::TreeNodeRecursion},
    datasource::source_as_provider,
    error::Result,
    logical_expr::{Expr, LogicalPlan, TableScan, utils::split_conjunction},
};

use super::{
    decide::no_partition,
    narrow::{self, Narrowing, Selection},
};
use crate::{
    engine::{AsOf, Catalog, SnapshotTable, table::evaluate},
    record::{Manifest, PartitionValues, TableName, manifest::Partition},
};

/// What one scan of an optimized plan reads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dependency {
    /// The table.
    pub table: TableName,
    /// Columns that are read, partition columns left out.
    pub columns: Arc<BTreeSet<String>>,
    /// Indices of partitions in [`Inputs::partitions`].
    pub partitions: Arc<Vec<usize>>,
    /// Whether a filter told partitions apart.
    pub is_proved: bool,
}

/// The tables that a model reads: as they are now, and partitions that they no longer have.
#[derive(Debug, Clone)]
pub struct Inputs<'a> {
    /// As they are now.
    pub catalog: &'a Catalog,
    /// Partitions of the last snapshot that are gone.
    pub vanished: BTreeMap<TableName, Vec<PartitionValues>>,
}

impl<'a> Inputs<'a> {
    /// Takes the tables as they are, without a past.
    #[must_use]
    pub const fn now(catalog: &'a Catalog) -> Self {
        Self { catalog, vanished: BTreeMap::new() }
    }

    /// Returns the partitions of a table: those that it has, in the catalog's order, then those that are gone.
    #[must_use]
    pub fn partitions(&self, table: &TableName) -> Vec<&PartitionValues> {
        let now = self.catalog.get(table).into_iter().flat_map(|table| &table.table.partitions);
        now.map(|partition| &partition.values).chain(self.vanished.get(table).into_iter().flatten()).collect()
    }
}

/// One scan of an optimized plan.
#[derive(Debug)]
pub(super) struct Scan {
    pub table: TableName,
    pub columns: Arc<BTreeSet<String>>,
    /// What reached it of the filters above, which may be applied above it once more.
    pub filters: Vec<Expr>,
    narrowing: Narrowing,
    /// The values of [`Inputs::partitions`].
    partitions: RecordBatch,
}

impl Scan {
    /// Lets columns count that the plan does not show.
    pub fn read_too(&mut self, columns: impl IntoIterator<Item = String>) {
        Arc::make_mut(&mut self.columns).extend(columns);
    }

    /// Returns the terms of its filters, spelled out.
    pub fn conjuncts(&self) -> impl Iterator<Item = Expr> + '_ {
        self.filters.iter().flat_map(split_conjunction).filter_map(narrow::spelled_out)
    }

    /// Returns the values that its partitions have of what equals a placeholder.
    pub fn told(&self) -> Vec<ArrayRef> {
        let equal = self.conjuncts().filter_map(|filter| narrow::equality(&filter));
        equal.filter_map(|(_, value)| evaluate(&value, &self.partitions).ok()).collect()
    }

    /// Returns which partitions count for each of `outputs`, a batch of values of the plan's placeholders.
    ///
    /// # Errors
    /// As [`Narrowing::select`].
    pub fn select(&self, outputs: &RecordBatch) -> Result<Selection> {
        self.narrowing.select(&self.partitions, outputs)
    }

    /// Returns what one of the outputs of a selection depends on; None where the scan gives it no rows.
    pub fn read(&self, selection: &Selection, output: usize) -> Option<Dependency> {
        match &selection.each {
            None => Some(self.dependency(None, false)),
            Some(each) => {
                each[output].as_ref().map(|partitions| self.dependency(Some(partitions), selection.is_proved))
            }
        }
    }

    /// Returns the dependency on these partitions, on all by default.
    pub fn dependency(&self, partitions: Option<&Arc<Vec<usize>>>, is_proved: bool) -> Dependency {
        let all = || Arc::new((0..self.partitions.num_rows()).collect());
        Dependency {
            table: self.table.clone(),
            columns: Arc::clone(&self.columns),
            partitions: partitions.map_or_else(all, Arc::clone),
            is_proved,
        }
    }
}

/// Returns the scans of an optimized plan, those of its subqueries included.
///
/// # Errors
/// When a table is unknown.
pub(super) fn scans(plan: &LogicalPlan, inputs: &Inputs<'_>) -> Result<Vec<Scan>> {
    let mut found = Vec::new();
    walk(plan, &[], inputs, &mut found)?;
    Ok(found)
}

/// Collects the scans below a node; `gates` are the terms above it without which it gives no row.
fn walk(node: &LogicalPlan, gates: &[Expr], inputs: &Inputs<'_>, found: &mut Vec<Scan>) -> Result<()> {
    if let LogicalPlan::TableScan(read) = node
        && is_table(read)?
    {
        found.push(scan(read, gates, inputs)?);
    }
    node.apply_subqueries(|subquery| {
        walk(subquery, gates, inputs, found)?;
        Ok(TreeNodeRecursion::Continue)
    })?;
    let below: Vec<Expr> = gates.iter().cloned().chain(closers(node)).collect();
    node.inputs().into_iter().try_for_each(|input| walk(input, &below, inputs, found))
}

/// Returns the terms without which a node gives no row, whatever its tables hold.
fn closers(node: &LogicalPlan) -> Vec<Expr> {
    match node {
        LogicalPlan::Filter(filter) => narrow::gates(&filter.predicate).chain(closers(&filter.input)).collect(),
        LogicalPlan::TableScan(scan) => scan.filters.iter().flat_map(narrow::gates).collect(),
        LogicalPlan::Projection(projection) => closers(&projection.input),
        LogicalPlan::SubqueryAlias(alias) => closers(&alias.input),
        LogicalPlan::Window(window) => closers(&window.input),
        LogicalPlan::Sort(sort) => closers(&sort.input),
        LogicalPlan::Limit(limit) => closers(&limit.input),
        LogicalPlan::Aggregate(aggregate) if !aggregate.group_expr.is_empty() => closers(&aggregate.input),
        LogicalPlan::Join(join) => match join.join_type {
            JoinType::Inner => closers(&join.left).into_iter().chain(closers(&join.right)).collect(),
            JoinType::Left | JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => closers(&join.left),
            JoinType::Right | JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => closers(&join.right),
            JoinType::Full => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// Returns the table of a scan.
pub(super) fn table_name(scan: &TableScan) -> TableName {
    TableName::new(scan.table_name.schema().unwrap_or_default(), scan.table_name.table())
}

/// Returns whether a scan reads a table.
pub(super) fn is_table(scan: &TableScan) -> Result<bool> {
    Ok(!is_recursion(scan)? && !is_function(scan))
}

/// Returns how many rows a scan reads: those of all partitions that its filters do not leave out.
///
/// # Errors
/// When the table is unknown.
pub(super) fn rows(read: &TableScan, inputs: &Inputs<'_>) -> Result<usize> {
    let scan = scan(read, &[], inputs)?;
    let Some(read) = scan.read(&scan.select(&no_partition()?)?, 0) else { return Ok(0) };
    let partitions = inputs.catalog.get(&scan.table).map_or(&[][..], |table| &table.table.partitions);
    let rows: u64 = read.partitions.iter().filter_map(|&index| partitions.get(index)).map(|one| one.rows).sum();
    Ok(usize::try_from(rows).unwrap_or(usize::MAX))
}

/// Returns whether a plan reads no table.
pub(super) fn reads_nothing(plan: &LogicalPlan) -> bool {
    let mut reads = false;
    let look = |node: &LogicalPlan| {
        if let LogicalPlan::TableScan(scan) = node {
            reads |= is_table(scan)?;
        }
        Ok(TreeNodeRecursion::Continue)
    };
    plan.apply_with_subqueries(look).is_ok() && !reads
}

/// Returns whether a scan reads the rows that a recursive query has made so far, and no table.
fn is_recursion(scan: &TableScan) -> Result<bool> {
    Ok(source_as_provider(&scan.source)?.is::<CteWorkTable>())
}

/// Returns whether a scan reads what a function makes of its literals, as `range(1, 5)`, which the planner names `range()`.
fn is_function(scan: &TableScan) -> bool {
    scan.table_name.schema().is_none() && scan.table_name.table().ends_with("()")
}

fn scan(scan: &TableScan, gates: &[Expr], inputs: &Inputs<'_>) -> Result<Scan> {
    let name = table_name(scan);
    let provider = source_as_provider(&scan.source)?;
    let (Some(files), Some(table)) = (provider.downcast_ref::<SnapshotTable>(), inputs.catalog.get(&name)) else {
        return datafusion::common::internal_err!("`{name}` is read but stands in no catalog");
    };
    let projected = scan.projected_schema.fields().iter().map(|field| field.name().clone());
    let filtered =
        scan.filters.iter().flat_map(|filter| filter.column_refs().into_iter().map(|column| column.name.clone()));
    let columns: BTreeSet<String> =
        projected.chain(filtered).filter(|column| !table.table.partition_by.contains(column)).collect();
    Ok(Scan {
        partitions: files.batch_of(&inputs.partitions(&name))?,
        narrowing: Narrowing::new(&scan.filters, |filter| files.decides(filter), gates),
        columns: Arc::new(columns),
        filters: scan.filters.clone(),
        table: name,
    })
}

/// Returns the hash of everything that the rows of a whole table can depend on: its definition, and every input with all
/// its partitions and columns, and the snapshot whose partitions may stay or whose history goes on.
#[must_use]
pub fn state(definition: &str, inputs: &Catalog, parent: Option<&Manifest>) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(definition.as_bytes());
    hasher.update(parent.map_or("", |parent| &parent.snapshot).as_bytes());
    for (name, table) in inputs {
        hasher.update(name.to_string().as_bytes()).update(&(table.table.partitions.len() as u64).to_le_bytes());
        for partition in &table.table.partitions {
            hasher.update(partition_content(partition, None, table.as_of.as_ref()).as_bytes());
        }
    }
    hasher.finalize().to_hex().to_string()
}

/// Returns the hash of one input partition as a scan sees it: its values, rows, the given columns (all by default) and,
/// where the as-of cut bites, the run date.
#[must_use]
pub fn partition_content(
    partition: &Partition,
    columns: Option<&BTreeSet<String>>,
    as_of: Option<&AsOf>,
) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(format!("{:?}", partition.values.0).as_bytes());
    hasher.update(&partition.rows.to_le_bytes());
    for (column, content) in &partition.column_contents {
        if columns.is_none_or(|columns| columns.contains(column)) {
            hasher.update(column.as_bytes());
            hasher.update(content.as_bytes());
        }
    }
    if let Some(run_date) = as_of.map(|as_of| as_of.run_date).filter(|date| cut_bites(partition, *date)) {
        hasher.update(run_date.to_string().as_bytes());
    }
    hasher.finalize()
}

/// Returns whether a partition has rows or stages after the run date, so that it looks another on another day.
#[must_use]
pub fn cut_bites(partition: &Partition, run_date: chrono::NaiveDate) -> bool {
    partition.latest_date.is_some_and(|latest| latest > run_date)
}
