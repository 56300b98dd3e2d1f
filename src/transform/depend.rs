//! Dependencies by proof: what the rows of one output partition can depend on.
//!
//! ```text
//!  model's plan ── put `partition = p` on top ──► optimizer ──► table scans with the filters that reached them
//!                                                                    │
//!            a filter over nothing but the scan's partition columns ─┤─► only the partitions that satisfy it
//!                                                      no such filter ─► the whole table
//! ```
//!
//! The optimized plan gives exactly the rows of *p*, and a scan returns nothing but rows of the partitions that its
//! pushed filters admit: so nothing else can change *p*. Of those partitions only the columns that the scan reads count.

use std::collections::BTreeSet;

use datafusion::{
    catalog::cte_worktable::CteWorkTable,
    common::tree_node::TreeNodeRecursion,
    datasource::source_as_provider,
    error::Result,
    logical_expr::{LogicalPlan, TableScan},
};

use crate::{
    engine::{AsOf, Catalog, SnapshotTable},
    record::{Manifest, TableName, manifest::Partition},
};

/// What one scan of an optimized plan reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// The table.
    pub table: TableName,
    /// Indices of the partitions in the catalog's table.
    pub partitions: Vec<usize>,
    /// Columns that are read, partition columns left out.
    pub columns: BTreeSet<String>,
    /// Whether a filter told partitions apart.
    pub is_proved: bool,
}

/// Returns what an optimized plan reads, subqueries included, in a fixed order.
///
/// # Errors
/// When a pushed filter cannot be evaluated or a table is unknown.
pub fn dependencies(plan: &LogicalPlan, catalog: &Catalog) -> Result<Vec<Dependency>> {
    let mut found = Vec::new();
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node
            && !is_recursion(scan)?
        {
            found.push(dependency(scan, catalog)?);
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    found.sort_by(|a, b| (&a.table, &a.partitions, &a.columns).cmp(&(&b.table, &b.partitions, &b.columns)));
    found.dedup();
    Ok(found)
}

/// Returns whether a scan reads the rows that a recursive query has made so far, and no table.
fn is_recursion(scan: &TableScan) -> Result<bool> {
    Ok(source_as_provider(&scan.source)?.is::<CteWorkTable>())
}

fn dependency(scan: &TableScan, catalog: &Catalog) -> Result<Dependency> {
    let name = TableName::new(scan.table_name.schema().unwrap_or_default(), scan.table_name.table());
    let provider = source_as_provider(&scan.source)?;
    let (Some(files), Some(table)) = (provider.downcast_ref::<SnapshotTable>(), catalog.get(&name)) else {
        return datafusion::common::internal_err!("`{name}` is read but stands in no catalog");
    };
    let (partitions, is_proved) = files.matching(&scan.filters)?;
    let projected = scan.projected_schema.fields().iter().map(|field| field.name().clone());
    let filtered =
        scan.filters.iter().flat_map(|filter| filter.column_refs().into_iter().map(|column| column.name.clone()));
    let columns = projected.chain(filtered).filter(|column| !table.table.partition_by.contains(column)).collect();
    Ok(Dependency { table: name, partitions, columns, is_proved })
}

/// Returns the hash of everything that a plan's rows depend on besides its definition.
#[must_use]
pub fn content(dependencies: &[Dependency], catalog: &Catalog) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    for dependency in dependencies {
        let Some(table) = catalog.get(&dependency.table) else { continue };
        hasher.update(dependency.table.to_string().as_bytes());
        hasher.update(&(dependency.partitions.len() as u64).to_le_bytes());
        for &index in &dependency.partitions {
            if let Some(partition) = table.table.partitions.get(index) {
                let state = partition_content(partition, Some(&dependency.columns), table.as_of.as_ref());
                hasher.update(state.as_bytes());
            }
        }
    }
    hasher.finalize()
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

fn cut_bites(partition: &Partition, run_date: chrono::NaiveDate) -> bool {
    partition.latest_date.is_some_and(|latest| latest > run_date)
}
