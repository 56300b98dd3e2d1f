//! What differs between two snapshots, table by table.
//!
//! In: two manifests. Out: tables, columns, keys and partitions that differ, from the manifests alone, since the content of a
//! partition is hashed there; rows are counted by `rows` where hashes say that they differ. Deliberately absent: inputs and
//! packs, and the rows themselves of private tables.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{
    super::{Request, inspect, nightly, select},
    nothing_served,
    rows::{self, RowChanges, Sample, Side},
};
use crate::{
    Error,
    engine::Engine,
    publish::Warehouse,
    record::{
        Manifest, PartitionValues, TableName,
        diagnostic::nearest,
        manifest::{Column, Partition, Table},
    },
};

/// What to compare.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The snapshot before; the parent of the other by default.
    pub from: Option<String>,
    /// The snapshot after; the served one by default.
    pub to: Option<String>,
    /// Only this table.
    pub table: Option<TableName>,
    /// Differing rows of each public table that are shown.
    pub sample_rows: usize,
}

/// What differs.
#[derive(Debug)]
pub struct Diff {
    /// Id of the snapshot before.
    pub from: String,
    /// Id of the snapshot after.
    pub to: String,
    /// Tables that differ.
    pub tables: Vec<TableChange>,
    /// Tables that do not.
    pub unchanged: usize,
}

/// What differs in one table.
#[derive(Debug, Serialize)]
pub struct TableChange {
    /// The table.
    pub table: TableName,
    /// `added`, `removed` or `changed`.
    pub change: &'static str,
    /// Columns that differ.
    pub columns: Vec<ColumnChange>,
    /// The key before and after, if it differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<[Vec<String>; 2]>,
    /// The partition columns before and after, if they differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition_by: Option<[Vec<String>; 2]>,
    /// Partitions that differ.
    pub partitions: PartitionChanges,
    /// Rows that differ.
    pub rows: RowChanges,
    /// Some of them.
    #[serde(skip)]
    pub sample: Option<Sample>,
}

/// What differs in one column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum ColumnChange {
    /// It is new.
    Added {
        /// Its name.
        name: String,
        /// Its type.
        data_type: String,
    },
    /// It is gone.
    Removed {
        /// Its name.
        name: String,
        /// Its type.
        data_type: String,
    },
    /// It has another type.
    Retyped {
        /// Its name.
        name: String,
        /// Its type before.
        from: String,
        /// Its type after.
        to: String,
    },
    /// It may hold NULL now, or may not any more.
    Nullable {
        /// Its name.
        name: String,
        /// Whether it may.
        nullable: bool,
    },
    /// The columns that both have stand in another order.
    Reordered {
        /// The order after.
        names: Vec<String>,
    },
}

/// Partitions that differ; those of private tables are counted and not named.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct PartitionChanges {
    /// How many are new.
    pub added: usize,
    /// How many are gone.
    pub removed: usize,
    /// How many have other rows.
    pub changed: usize,
    /// How many have the same.
    pub unchanged: usize,
    /// New ones.
    pub added_values: Vec<PartitionValues>,
    /// Those that are gone.
    pub removed_values: Vec<PartitionValues>,
    /// Those with other rows.
    pub changed_values: Vec<PartitionValues>,
}

/// Compares two snapshots, in the tables that the request selects among theirs.
///
/// # Errors
/// When there is no such snapshot or table, a word selects none, or its files cannot be read.
pub async fn diff(request: &Request, wanted: &Wanted, engine: &Engine) -> Result<Diff, Error> {
    let (warehouse, _) = inspect::warehouse(request)?;
    inspect::refuse_unknown_environment(&warehouse, request)?;
    nightly::reach(&warehouse, engine)?;
    let (from, to) = both(&warehouse, wanted)?;
    if let Some(table) = &wanted.table {
        refuse_unknown_table(table, &from, &to)?;
    }
    let stored = from.tables.keys().chain(to.tables.keys()).map(|name| (name.clone(), String::new()));
    let stored: BTreeMap<TableName, String> = stored.collect();
    let selected = select::selected_among(&stored, request, engine).await?.map(|selected| selected.tables);
    let is_wanted = |name: &&TableName| {
        wanted.table.as_ref().is_none_or(|table| table == *name)
            && selected.as_ref().is_none_or(|selected| selected.contains(*name))
    };
    let (mut tables, mut unchanged) = (Vec::new(), 0);
    let names: Vec<&TableName> = stored.keys().filter(is_wanted).collect();
    if let (Some(first), true) = (selected.as_ref().and_then(BTreeSet::first), names.is_empty()) {
        return Err(Error::Usage {
            message: format!("neither snapshot has any of the tables that are selected, such as `{first}`"),
            hint: Some("`tallyhouse show` lists those that are stored".to_owned()),
        });
    }
    for name in names {
        let (before, after) = (Side::new(&warehouse, &from, name), Side::new(&warehouse, &to, name));
        match compare(name, before, after, wanted.sample_rows, engine).await? {
            Some(change) => tables.push(change),
            None => unchanged += 1,
        }
    }
    Ok(Diff { from: from.snapshot, to: to.snapshot, tables, unchanged })
}

fn both(warehouse: &Warehouse, wanted: &Wanted) -> Result<(Manifest, Manifest), Error> {
    let to = match &wanted.to {
        Some(id) => warehouse.resolve(id)?,
        None => warehouse.served()?.ok_or_else(|| nothing_served(warehouse))?,
    };
    let to = warehouse.manifest(&to)?;
    let from = match (&wanted.from, &to.parent) {
        (Some(id), _) => warehouse.resolve(id)?,
        (None, Some(parent)) => parent.clone(),
        (None, None) => {
            return Err(Error::Usage {
                message: format!("snapshot {} is the first: there is none before it", to.snapshot),
                hint: Some("name two: `tallyhouse snapshots diff A B`".to_owned()),
            });
        }
    };
    Ok((warehouse.manifest(&from)?, to))
}

fn refuse_unknown_table(table: &TableName, from: &Manifest, to: &Manifest) -> Result<(), Error> {
    if from.tables.contains_key(table) || to.tables.contains_key(table) {
        return Ok(());
    }
    let names: Vec<String> = from.tables.keys().chain(to.tables.keys()).map(ToString::to_string).collect();
    let near =
        nearest(&table.to_string(), names.iter().map(String::as_str)).map(|near| format!("did you mean `{near}`?"));
    Err(Error::Usage {
        message: format!("neither {} nor {} has a table `{table}`", from.snapshot, to.snapshot),
        hint: near.or_else(|| Some("`tallyhouse show` lists all tables".to_owned())),
    })
}

/// Compares one table; None when nothing differs.
async fn compare(
    name: &TableName,
    before: Side<'_>,
    after: Side<'_>,
    sample_rows: usize,
    engine: &Engine,
) -> Result<Option<TableChange>, Error> {
    let change = match (before.table, after.table) {
        (None, _) => "added",
        (_, None) => "removed",
        _ => "changed",
    };
    let none = Table { partitions: Vec::new(), ..before.table.or(after.table).cloned().unwrap_or_else(empty) };
    let (old, new) = (before.table.unwrap_or(&none), after.table.unwrap_or(&none));
    let differ = |one: &[String], other: &[String]| (one != other).then(|| [one.to_vec(), other.to_vec()]);
    let (columns, key) = (columns(&old.columns, &new.columns), differ(&old.key, &new.key));
    let partition_by = differ(&old.partition_by, &new.partition_by);
    let shared = shared(old, new);
    let mut partitions = PartitionChanges::between(old, new, &shared);
    if change == "changed" && columns.is_empty() && key.is_none() && partition_by.is_none() && partitions.is_empty() {
        return Ok(None);
    }
    let sample_rows = if name.is_private() { 0 } else { sample_rows };
    let (before, after) = (before.with(old, &shared), after.with(new, &shared));
    let (rows, sample) = rows::compare(name, &before, &after, sample_rows, engine).await?;
    if name.is_private() {
        partitions.forget_values();
    }
    Ok(Some(TableChange { table: name.clone(), change, columns, key, partition_by, partitions, rows, sample }))
}

pub(super) fn empty() -> Table {
    crate::engine::catalog::declared(&std::sync::Arc::new(arrow::datatypes::Schema::empty()), Vec::new(), Vec::new())
}

/// Returns the partitions that have the same rows in both, by their values.
fn shared<'a>(old: &'a Table, new: &Table) -> BTreeSet<&'a PartitionValues> {
    let shape = |table: &Table| -> Vec<(String, String)> {
        table.columns.iter().map(|column| (column.name.clone(), column.data_type.clone())).collect()
    };
    if old.partition_by != new.partition_by || shape(old) != shape(new) {
        return BTreeSet::new();
    }
    let after: BTreeMap<&PartitionValues, &Partition> = by_values(new);
    let is_same = |part: &&Partition| after.get(&part.values).is_some_and(|other| other.content == part.content);
    old.partitions.iter().filter(is_same).map(|part| &part.values).collect()
}

fn by_values(table: &Table) -> BTreeMap<&PartitionValues, &Partition> {
    table.partitions.iter().map(|part| (&part.values, part)).collect()
}

impl PartitionChanges {
    fn between(old: &Table, new: &Table, shared: &BTreeSet<&PartitionValues>) -> Self {
        let (before, after) = (by_values(old), by_values(new));
        let (added_values, changed_values, removed_values) = if old.partition_by == new.partition_by {
            let values = |one: &Table, is_wanted: &dyn Fn(&PartitionValues) -> bool| -> Vec<PartitionValues> {
                one.partitions.iter().map(|part| &part.values).filter(|values| is_wanted(values)).cloned().collect()
            };
            let changed = |values: &PartitionValues| before.contains_key(values) && !shared.contains(values);
            (
                values(new, &|values| !before.contains_key(values)),
                values(new, &changed),
                values(old, &|values| !after.contains_key(values)),
            )
        } else {
            // Values of other columns mean other partitions.
            let all = |table: &Table| table.partitions.iter().map(|part| part.values.clone()).collect();
            (all(new), Vec::new(), all(old))
        };
        Self {
            added: added_values.len(),
            removed: removed_values.len(),
            changed: changed_values.len(),
            unchanged: shared.len(),
            added_values,
            removed_values,
            changed_values,
        }
    }

    const fn is_empty(&self) -> bool {
        self.added == 0 && self.removed == 0 && self.changed == 0
    }

    fn forget_values(&mut self) {
        self.added_values.clear();
        self.removed_values.clear();
        self.changed_values.clear();
    }
}

/// Returns how the columns of two states differ.
pub(in crate::run) fn columns(old: &[Column], new: &[Column]) -> Vec<ColumnChange> {
    let find = |columns: &'_ [Column], name: &str| columns.iter().find(|column| column.name == name).cloned();
    let added = new.iter().filter(|column| find(old, &column.name).is_none());
    let added =
        added.map(|column| ColumnChange::Added { name: column.name.clone(), data_type: column.data_type.clone() });
    let kept = old.iter().flat_map(|before| {
        let name = before.name.clone();
        let Some(after) = find(new, &name) else {
            return vec![ColumnChange::Removed { name, data_type: before.data_type.clone() }];
        };
        let (from, to) = (before.data_type.clone(), after.data_type);
        let retyped = (from != to).then(|| ColumnChange::Retyped { name: name.clone(), from, to });
        let is_other = before.nullable != after.nullable;
        let nullable = is_other.then_some(ColumnChange::Nullable { name, nullable: after.nullable });
        retyped.into_iter().chain(nullable).collect()
    });
    added.chain(kept).chain(reordered(old, new)).collect()
}

fn reordered(old: &[Column], new: &[Column]) -> Option<ColumnChange> {
    let common = |one: &[Column], other: &[Column]| -> Vec<String> {
        let is_common = |column: &&Column| other.iter().any(|other| other.name == column.name);
        one.iter().filter(is_common).map(|column| column.name.clone()).collect()
    };
    let names = common(new, old);
    (common(old, new) != names).then_some(ColumnChange::Reordered { names })
}
