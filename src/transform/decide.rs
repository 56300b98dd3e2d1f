//! What must be rebuilt, and why.
//!
//! A partition is clean when its fingerprint — the model's definition and the content of what the partition depends on —
//! is the one in the last manifest. Everything that is not a clean partition is rebuilt in one query, `partition NOT IN
//! (clean ones)`: so partitions that did not exist before appear without anybody listing them.

use std::{collections::BTreeSet, fmt};

use arrow::datatypes::DataType;
use datafusion::{
    common::ScalarValue,
    error::Result,
    logical_expr::{Expr, lit},
    prelude::SessionContext,
};

use super::{
    PlannedModel, depend, evolve,
    prove::Prover,
    schema_change::{SchemaChange, schema_changes},
};
use crate::{
    engine::{AsOf, Catalog, PartitionSet},
    record::{
        Manifest, PartitionValues, Placed, TableName,
        manifest::{Partition, Table},
    },
};

/// What a run must do about one model.
#[derive(Debug, Clone, Default)]
pub struct Decision {
    /// Partitions of the last snapshot that are still true.
    pub clean: Vec<Partition>,
    /// Partitions of the last snapshot that must be rebuilt, each with why.
    pub dirty: Vec<(PartitionValues, Vec<Reason>)>,
    /// Why partitions that do not exist yet may appear; empty when nothing has to run for that.
    pub open: Vec<Reason>,
    /// How its columns are other ones than in the last snapshot.
    pub schema_changes: Vec<SchemaChange>,
    /// Whether the clean partitions have the old columns in their files.
    pub is_evolved: bool,
}

impl Decision {
    /// Returns whether the model's query has to run at all.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        self.dirty.is_empty() && self.open.is_empty()
    }
}

/// Why a partition must be rebuilt.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Reason {
    /// The last snapshot does not have the table.
    NewModel,
    /// SQL, parameters, partitioning, or the schema of an input changed.
    DefinitionChanged,
    /// Everything is rebuilt because somebody asked for it.
    Asked,
    /// A run that was killed had built it.
    Salvaged,
    /// Rows of an input changed.
    InputChanged {
        /// The input.
        table: TableName,
        /// Its changed, new or vanished partitions on which the rebuilt one depends.
        partitions: Vec<PartitionValues>,
        /// Whether the whole input counts because no filter on its partitions could be proved.
        whole: bool,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NewModel => f.write_str("new model"),
            Self::DefinitionChanged => f.write_str("its SQL, its parameters or the schema of an input changed"),
            Self::Asked => f.write_str("a full rebuild was asked for"),
            Self::Salvaged => f.write_str("built by a run that was killed"),
            Self::InputChanged { table, partitions, whole } => {
                write!(f, "{table}")?;
                let named: Vec<String> =
                    partitions.iter().filter(|p| !p.0.is_empty()).take(3).map(ToString::to_string).collect();
                if !named.is_empty() {
                    let more = if partitions.len() > named.len() { ", …" } else { "" };
                    write!(f, " [{}{more}]", named.join(" | "))?;
                }
                f.write_str(if *whole { " changed (the whole table counts)" } else { " changed" })
            }
        }
    }
}

/// The state that a decision compares with.
#[derive(Debug, Clone, Copy)]
pub struct Base<'a> {
    /// The last snapshot.
    pub parent: &'a Manifest,
    /// The catalog of all tables as they are now.
    pub catalog: &'a Catalog,
}

/// Decides what must be rebuilt of a model whose inputs stand in the catalog as they will be published.
///
/// # Errors
/// When the plan cannot be optimized.
pub async fn decide(
    model: &PlannedModel,
    base: Option<Base<'_>>,
    catalog: &Catalog,
    session: &SessionContext,
) -> Result<Decision> {
    let Some((base, table)) = base.and_then(|base| Some((base, base.parent.tables.get(&model.model.name)?))) else {
        return Ok(Decision { open: vec![Reason::NewModel], ..Decision::default() });
    };
    if table.definition.as_ref() != Some(&model.definition) {
        return match evolve::decide(model, base, table, catalog, session).await? {
            Some(decision) => Ok(decision),
            None => Ok(Decision {
                schema_changes: schema_changes(table, model),
                ..everything(table, Reason::DefinitionChanged)
            }),
        };
    }
    let changed = changed_inputs(model, base);
    if changed.is_empty() {
        return Ok(Decision { clean: table.partitions.clone(), ..Decision::default() });
    }
    let values: Vec<&PartitionValues> = table.partitions.iter().map(|partition| &partition.values).collect();
    let proofs = Prover::new(model, catalog, session).await?.prove(&values)?;
    let mut decision = Decision::default();
    for (partition, proof) in table.partitions.iter().zip(proofs) {
        if proof.fingerprint == partition.fingerprint {
            decision.clean.push(partition.clone());
        } else {
            decision.dirty.push((partition.values.clone(), reasons(&proof.reads, base)));
        }
    }
    // An unpartitioned table is one partition: it cannot gain another. A history is built whole or not at all.
    let is_whole = model.model.history.is_some() && !decision.clean.is_empty();
    if !model.model.partition_by.is_empty() && !is_whole {
        decision.open = changed;
    }
    Ok(decision)
}

/// Returns the decision to rebuild all of a table for one reason.
#[must_use]
pub fn everything(table: &Table, reason: Reason) -> Decision {
    let dirty = table.partitions.iter().map(|partition| (partition.values.clone(), vec![reason.clone()])).collect();
    Decision { dirty, open: vec![reason], ..Decision::default() }
}

/// Returns the partitions that a rebuild must leave alone; None when it leaves none.
///
/// # Errors
/// When a manifest's partition value is no value of its column's type.
pub fn kept(model: &PlannedModel, decision: &Decision) -> Result<Option<PartitionSet>> {
    if decision.clean.is_empty() || model.model.partition_by.is_empty() {
        return Ok(None);
    }
    PartitionSet::new(decision.clean.iter().map(|partition| &partition.values), &types(model)?).map(Some)
}

/// Returns `partition columns = values`, NULL equal to NULL; None for an unpartitioned model.
pub(super) fn equals(model: &PlannedModel, values: &PartitionValues) -> Result<Option<Expr>> {
    let columns = model.model.partition_by.iter().map(|column| output(&column.value));
    let compare = |(column, value): (Expr, ScalarValue)| match value.is_null() {
        true => column.is_null(),
        false => column.eq(lit(value)),
    };
    Ok(columns.zip(scalars(model, values)?).map(compare).reduce(Expr::and))
}

fn scalars(model: &PlannedModel, values: &PartitionValues) -> Result<Vec<ScalarValue>> {
    values.to_scalars(&types(model)?)
}

/// Returns the types of the partition columns.
fn types(model: &PlannedModel) -> Result<Vec<DataType>> {
    let data_type = |column: &Placed<String>| Ok(model.schema.field_with_name(&column.value)?.data_type().clone());
    model.model.partition_by.iter().map(data_type).collect()
}

pub(super) fn output(column: &str) -> Expr {
    Expr::Column(datafusion::common::Column::from_name(column))
}

/// Returns a reason for each input whose rows, as scans see them, are not those of the last snapshot.
pub(super) fn changed_inputs(model: &PlannedModel, base: Base<'_>) -> Vec<Reason> {
    let reads = model.statement.tables.iter();
    let changed = reads.filter_map(|name| {
        let partitions = changed_partitions(name, None, base);
        (!partitions.is_empty()).then(|| Reason::InputChanged { table: name.clone(), partitions, whole: false })
    });
    changed.collect()
}

/// Returns why a partition with these dependencies is dirty.
pub(super) fn reasons(reads: &[depend::Dependency], base: Base<'_>) -> Vec<Reason> {
    let mut reasons = Vec::new();
    for read in reads {
        let partitions = changed_partitions(&read.table, Some(read), base);
        if !partitions.is_empty() {
            reasons.push(Reason::InputChanged { table: read.table.clone(), partitions, whole: !read.is_proved });
        }
    }
    reasons.sort();
    reasons.dedup();
    reasons
}

/// Returns the partitions of an input that are not as they were, vanished ones included, within what is read of it.
fn changed_partitions(name: &TableName, read: Option<&depend::Dependency>, base: Base<'_>) -> Vec<PartitionValues> {
    let Some(now) = base.catalog.get(name) else { return Vec::new() };
    let before = base.parent.partitions(name);
    let columns = read.map(|read| &read.columns);
    let cut_before = now.as_of.clone().map(|as_of| AsOf { run_date: base.parent.run_date, ..as_of });
    let indices = read.map_or_else(|| (0..now.table.partitions.len()).collect(), |read| read.partitions.clone());
    let mut changed = BTreeSet::new();
    for partition in indices.iter().filter_map(|&index| now.table.partitions.get(index)) {
        let state = depend::partition_content(partition, columns, now.as_of.as_ref());
        let same = before
            .get(&partition.values)
            .is_some_and(|old| depend::partition_content(old, columns, cut_before.as_ref()) == state);
        if !same {
            changed.insert(partition.values.clone());
        }
    }
    let all: BTreeSet<&PartitionValues> = now.table.partitions.iter().map(|partition| &partition.values).collect();
    changed.extend(before.keys().filter(|values| !all.contains(*values)).map(|values| (*values).clone()));
    changed.into_iter().collect()
}

/// Returns a table as it is assumed to be after a decision, for planning without running: rebuilt partitions have a
/// content that equals no other.
#[must_use]
pub fn assumed(declared: Table, decision: &Decision) -> Table {
    let assume = |values: &PartitionValues| Partition {
        values: values.clone(),
        fingerprint: "assumed".to_owned(),
        content: "assumed to change".to_owned(),
        column_contents: declared
            .columns
            .iter()
            .map(|column| (column.name.clone(), "assumed to change".to_owned()))
            .collect(),
        file_columns: Vec::new(),
        rows: 0,
        latest_date: None,
        files: Vec::new(),
    };
    let mut partitions = decision.clean.clone();
    partitions.extend(decision.dirty.iter().map(|(values, _)| assume(values)));
    partitions.sort_by(|a, b| a.values.cmp(&b.values));
    Table { partitions, ..declared }
}
