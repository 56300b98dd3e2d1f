//! What of a model's inputs is not as it was in the last snapshot.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    decide::Base,
    depend::{self, Dependency, Inputs},
};
use crate::{
    engine::{AsOf, CatalogTable},
    record::{
        PartitionValues, TableName,
        manifest::{Partition, Table},
    },
};

/// Compares inputs with the last snapshot, each combination of table and columns once.
#[derive(Debug)]
pub(super) struct Changes<'a> {
    base: Base<'a>,
    /// By table and columns: which of [`Inputs::partitions`] are others than before.
    known: HashMap<(TableName, Vec<String>), Vec<bool>>,
}

impl<'a> Changes<'a> {
    pub fn new(base: Base<'a>) -> Self {
        Self { base, known: HashMap::new() }
    }

    /// Returns whether a table has the rows that it had, as models see them.
    pub fn is_same(&self, table: &TableName) -> bool {
        let (Some(now), Some(before)) = (self.base.catalog.get(table), self.base.parent.tables.get(table)) else {
            return false;
        };
        if is_repartitioned(&now.table, before) {
            return false;
        }
        let cut = |partition: &Partition, day| now.as_of.is_some() && depend::cut_bites(partition, day);
        let day = now.as_of.as_ref().map(|as_of| as_of.run_date).unwrap_or_default();
        let is_as_before = day == self.base.parent.run_date;
        let same = |(one, other): (&Partition, &Partition)| {
            one.values == other.values
                && one.content == other.content
                && one.rows == other.rows
                && (is_as_before || (!cut(one, day) && !cut(other, self.base.parent.run_date)))
        };
        now.table.partitions.len() == before.partitions.len()
            && now.table.partitions.iter().zip(&before.partitions).all(same)
    }

    /// Returns the inputs with the partitions that they have lost since; those of a table that has others altogether are no
    /// values of its partition columns.
    pub fn inputs(&self, tables: &[TableName]) -> Inputs<'a> {
        let lost = |name: &TableName| {
            let now = &self.base.catalog.get(name)?.table;
            let before = self.base.parent.tables.get(name).filter(|before| !is_repartitioned(now, before))?;
            let now: BTreeSet<_> = now.partitions.iter().map(|partition| &partition.values).collect();
            let gone = before.partitions.iter().map(|partition| &partition.values);
            Some((name.clone(), gone.filter(|values| !now.contains(values)).cloned().collect()))
        };
        Inputs { catalog: self.base.catalog, vanished: tables.iter().filter_map(lost).collect() }
    }

    /// Returns the partitions of a dependency that are others than before, new and vanished ones included. Of a table in
    /// other partitions than before, everything that it was is gone: a partition without values stands for that.
    pub fn of(&mut self, read: &Dependency, inputs: &Inputs<'_>) -> Vec<PartitionValues> {
        let partitions = inputs.partitions(&read.table);
        let key = (read.table.clone(), read.columns.iter().cloned().collect());
        let base = self.base;
        let changed = self.known.entry(key).or_insert_with(|| changed(read, partitions.len(), base));
        let found = read.partitions.iter().filter(|&&index| changed.get(index).copied().unwrap_or(true));
        let mut found: Vec<PartitionValues> =
            found.filter_map(|&index| partitions.get(index)).map(|&values| values.clone()).collect();
        if self.is_repartitioned(&read.table) {
            found.push(PartitionValues::default());
        }
        found.sort();
        found.dedup();
        found
    }

    fn is_repartitioned(&self, table: &TableName) -> bool {
        let (now, before) = (self.base.catalog.get(table), self.base.parent.tables.get(table));
        now.zip(before).is_some_and(|(now, before)| is_repartitioned(&now.table, before))
    }
}

/// Returns whether a table is cut into partitions by other columns than before, or by other types of them.
fn is_repartitioned(now: &Table, before: &Table) -> bool {
    let data_type = |table: &Table, name: &String| {
        table.columns.iter().find(|column| column.name == *name).map(|column| column.data_type.clone())
    };
    now.partition_by != before.partition_by
        || now.partition_by.iter().any(|column| data_type(now, column) != data_type(before, column))
}

/// Returns which of a table's partitions changed within some columns; those beyond the catalog's are gone.
fn changed(read: &Dependency, count: usize, base: Base<'_>) -> Vec<bool> {
    let Some(now) = base.catalog.get(&read.table) else { return vec![true; count] };
    let before = before(base.parent.tables.get(&read.table).filter(|before| !is_repartitioned(&now.table, before)));
    let cut_before = now.as_of.clone().map(|as_of| AsOf { run_date: base.parent.run_date, ..as_of });
    let differs = |partition: &Partition| {
        let state = depend::partition_content(partition, Some(&read.columns), now.as_of.as_ref());
        before
            .get(&partition.values)
            .is_none_or(|old| depend::partition_content(old, Some(&read.columns), cut_before.as_ref()) != state)
    };
    let mut changed: Vec<bool> = partitions(now).map(differs).collect();
    changed.resize(count, true);
    changed
}

fn partitions(table: &CatalogTable) -> impl Iterator<Item = &Partition> {
    table.table.partitions.iter()
}

fn before(table: Option<&Table>) -> BTreeMap<&PartitionValues, &Partition> {
    let all = table.into_iter().flat_map(|table| &table.partitions);
    all.map(|partition| (&partition.values, partition)).collect()
}
