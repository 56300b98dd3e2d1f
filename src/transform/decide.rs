//! What must be rebuilt, and why.
//!
//! A partition is clean when its fingerprint — the model's definition and the content of what the partition depends on —
//! is the one in the last manifest. Everything that is not a clean partition is rebuilt in one query, `partition NOT IN
//! (clean ones)`: so partitions that did not exist before appear without anybody listing them.

use std::fmt;

use arrow::{array::RecordBatch, datatypes::DataType};
use datafusion::{error::Result, logical_expr::Expr, prelude::SessionContext};

use super::{
    PlannedModel,
    changes::Changes,
    depend::{Dependency, Inputs},
    evolve, moved,
    prove::Prover,
    schema_change::{SchemaChange, schema_changes},
};
use crate::{
    engine::{Catalog, PartitionSet, table::values_batch},
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
    /// Changes for which the model rebuilds nothing, because its header says so.
    pub ignored: Vec<Reason>,
}

impl Decision {
    /// Returns whether the model's query has to run at all.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        self.dirty.is_empty() && self.open.is_empty()
    }

    /// Lets partitions be rebuilt that nothing else makes anybody rebuild.
    pub fn ask_for(&mut self, is_asked: impl Fn(&PartitionValues) -> bool) {
        let (asked, clean): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.clean).into_iter().partition(|partition| is_asked(&partition.values));
        self.clean = clean;
        self.dirty.extend(asked.into_iter().map(|partition| (partition.values, vec![Reason::Asked])));
        self.dirty.sort_by(|one, other| one.0.cmp(&other.0));
    }
}

/// Why a partition must be rebuilt.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Reason {
    /// The last snapshot does not have the table.
    NewModel,
    /// What the model computes changed: its SQL, parameters, partitioning or columns, or the version of the tool.
    DefinitionChanged,
    /// Somebody asked for it.
    Asked,
    /// A run that published nothing had built it.
    Salvaged,
    /// Runs that did not select it kept it while what it reads changed.
    LeftBehind,
    /// Rows of an input changed.
    InputChanged {
        /// The input.
        table: TableName,
        /// Its changed, new or vanished partitions on which the rebuilt one depends.
        partitions: Vec<PartitionValues>,
        /// Whether the whole input counts because no filter on its partitions could be proved.
        whole: bool,
    },
    /// The run date moved past rows of an input: a comparison with it is another one for them.
    DayMoved {
        /// The input.
        table: TableName,
        /// Its partitions that hold such rows.
        partitions: Vec<PartitionValues>,
    },
    /// The run date moved, by which its rows are computed.
    DayNoticed,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NewModel => f.write_str("new model"),
            Self::DefinitionChanged => f.write_str("what the model computes changed"),
            Self::Asked => f.write_str("a rebuild was asked for"),
            Self::Salvaged => f.write_str("built by a run that published nothing"),
            Self::LeftBehind => f.write_str("left out of a run in which its inputs changed"),
            Self::InputChanged { table, partitions, whole } => {
                write_input(f, table, partitions)?;
                f.write_str(if *whole { " changed (the whole table counts)" } else { " changed" })
            }
            Self::DayMoved { table, partitions } => {
                f.write_str("the run date moved past rows of ")?;
                write_input(f, table, partitions)
            }
            Self::DayNoticed => f.write_str("the run date moved, by which its rows are computed"),
        }
    }
}

/// Writes a table and the first of some of its partitions.
fn write_input(f: &mut fmt::Formatter<'_>, table: &TableName, partitions: &[PartitionValues]) -> fmt::Result {
    write!(f, "{table}")?;
    let named: Vec<String> = partitions.iter().filter(|p| !p.0.is_empty()).take(3).map(ToString::to_string).collect();
    if named.is_empty() {
        return Ok(());
    }
    let more = if partitions.len() > named.len() { ", …" } else { "" };
    write!(f, " [{}{more}]", named.join(" | "))
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
pub async fn decide(model: &PlannedModel, base: Option<Base<'_>>, session: &SessionContext) -> Result<Decision> {
    let Some((base, table)) = base.and_then(|base| Some((base, base.parent.tables.get(&model.model.name)?))) else {
        return Ok(Decision { open: vec![Reason::NewModel], ..Decision::default() });
    };
    if table.definition.as_ref() != Some(&model.definition) {
        if let Some(decision) = Box::pin(moved::decide(model, base, table, session)).await? {
            return Ok(decision);
        }
        // What a table that was left behind was built from is not known any more.
        let evolved = if table.is_behind { None } else { evolve::decide(model, base, table, session).await? };
        let of_that_day = model.before.as_ref().map(|before| &before.definition);
        let is_of_that_day = of_that_day.is_some() && of_that_day == table.definition.as_ref();
        let reason = if is_of_that_day { Reason::DayNoticed } else { Reason::DefinitionChanged };
        return match evolved {
            Some(decision) => Ok(decision),
            None => Ok(Decision { schema_changes: schema_changes(table, model), ..everything(table, reason) }),
        };
    }
    let tables = &model.statement.tables;
    let mut changes = Changes::new(base);
    if !table.is_behind && tables.iter().all(|table| changes.is_same(table)) {
        return Ok(Decision { clean: table.partitions.clone(), ..Decision::default() });
    }
    let prover = Prover::new(model, changes.inputs(tables), session).await?;
    compare(model, table, &prover, &mut changes)
}

/// Returns whether something that a model reads is not as it was in the last snapshot.
#[must_use]
pub fn has_moved(model: &PlannedModel, base: Base<'_>) -> bool {
    let changes = Changes::new(base);
    !model.statement.tables.iter().all(|table| changes.is_same(table))
}

/// Compares the fingerprints of a table's partitions with what they would be now.
fn compare(model: &PlannedModel, table: &Table, prover: &Prover<'_>, changes: &mut Changes<'_>) -> Result<Decision> {
    let inputs = prover.inputs();
    let mut open = reasons(&prover.whole()?, inputs, changes);
    if table.is_behind {
        open.push(Reason::LeftBehind);
    }
    if open.is_empty() {
        return Ok(Decision { clean: table.partitions.clone(), ..Decision::default() });
    }
    let is_ignored = |reason: &Reason| model.ignores_reason(reason);
    let mut decision =
        Decision { ignored: open.iter().filter(|reason| is_ignored(reason)).cloned().collect(), ..Decision::default() };
    let values: Vec<&PartitionValues> = table.partitions.iter().map(|partition| &partition.values).collect();
    for (partition, proof) in table.partitions.iter().zip(prover.prove(&values)?) {
        if proof.fingerprint == partition.fingerprint {
            decision.clean.push(partition.clone());
            continue;
        }
        let mut reasons = reasons(&proof.reads, inputs, changes);
        reasons.retain(|reason| !is_ignored(reason));
        if reasons.is_empty() {
            reasons.push(if table.is_behind { Reason::LeftBehind } else { Reason::DefinitionChanged });
        }
        decision.dirty.push((partition.values.clone(), reasons));
    }
    // A history is built whole or not at all.
    let is_whole = model.model.history.is_some() && !decision.clean.is_empty();
    if may_grow(model, table) && !is_whole {
        decision.open = open;
    }
    Ok(decision)
}

/// Returns whether a table can gain a partition: an unpartitioned one is one partition, and gains none once it has it.
pub(super) const fn may_grow(model: &PlannedModel, table: &Table) -> bool {
    !model.model.partition_by.is_empty() || table.partitions.is_empty()
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

/// Returns the values of no partition columns, as a batch of one row.
pub(super) fn no_partition() -> Result<RecordBatch> {
    values_batch(Vec::new(), &[&PartitionValues::default()])
}

/// Returns the types of the partition columns.
pub(super) fn types(model: &PlannedModel) -> Result<Vec<DataType>> {
    let data_type = |column: &Placed<String>| Ok(model.schema.field_with_name(&column.value)?.data_type().clone());
    model.model.partition_by.iter().map(data_type).collect()
}

pub(super) fn output(column: &str) -> Expr {
    Expr::Column(datafusion::common::Column::from_name(column))
}

/// Returns a reason for each dependency that is not as it was.
pub(super) fn reasons(reads: &[Dependency], inputs: &Inputs<'_>, changes: &mut Changes<'_>) -> Vec<Reason> {
    let mut reasons = Vec::new();
    for read in reads {
        let partitions = changes.of(read, inputs);
        if !partitions.is_empty() {
            reasons.push(Reason::InputChanged { table: read.table.clone(), partitions, whole: !read.is_proved });
        }
    }
    reasons.sort();
    reasons.dedup();
    reasons
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
