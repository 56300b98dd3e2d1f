//! Evolving: a table whose columns changed keeps the partitions whose inputs did not.
//!
//! The new definition computes the columns that stay as the old one did ([`super::schema_change::obstacles`] says where that
//! cannot be proved). So a partition is still true, in these columns, when what they depend on is as it was. It is kept, and
//! gets the fingerprint that it would have had it been built now: from the next run on it is treated as such, and a
//! change of any input, those of the new columns included, builds it by the new definition.

use std::collections::BTreeSet;

use datafusion::{error::Result, prelude::SessionContext};

use super::{
    Decision, PlannedModel, Prover,
    changes::Changes,
    decide::{self, Base},
    schema_change::{SchemaChange, obstacles, schema_changes},
};
use crate::{
    define::project::OnSchemaChange,
    record::{
        PartitionValues,
        manifest::{Partition, Table},
    },
};

/// Decides what must be rebuilt of a table whose definition changed, if its columns changed and can evolve.
///
/// # Errors
/// When the plan cannot be optimized.
pub async fn decide(
    model: &PlannedModel,
    base: Base<'_>,
    table: &Table,
    session: &SessionContext,
) -> Result<Option<Decision>> {
    let changes = schema_changes(table, model);
    if !can_evolve(model, base, table, &changes) {
        return Ok(None);
    }
    let staying: BTreeSet<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    let values: Vec<&PartitionValues> = table.partitions.iter().map(|partition| &partition.values).collect();
    let mut inputs = Changes::new(base);
    let prover = Prover::new(model, inputs.inputs(&model.statement.tables), session).await?;
    let before = prover.narrowed(&staying)?.prove(&values)?;
    let after = prover.prove(&values)?;
    let mut decision = Decision { schema_changes: changes, is_evolved: true, ..Decision::default() };
    for ((partition, before), after) in table.partitions.iter().zip(before).zip(after) {
        let mut reasons = decide::reasons(&before.reads, prover.inputs(), &mut inputs);
        reasons.retain(|reason| !model.ignores_reason(reason));
        if reasons.is_empty() {
            decision.clean.push(Partition { fingerprint: after.fingerprint, ..partition.clone() });
        } else {
            decision.dirty.push((partition.values.clone(), reasons));
        }
    }
    if !model.model.partition_by.is_empty() {
        decision.open = decide::reasons(&prover.whole()?, prover.inputs(), &mut inputs);
    }
    Ok(Some(decision))
}

/// Returns whether old files can be read as the new columns, and whether that would spare anything: what depends on the
/// run date is built anew on another one whatever its columns are.
#[must_use]
pub fn can_evolve(model: &PlannedModel, base: Base<'_>, table: &Table, changes: &[SchemaChange]) -> bool {
    model.model.on_schema_change.value == OnSchemaChange::Evolve
        && !changes.is_empty()
        && !is_of_another_day(model, base.parent)
        && obstacles(table, model, changes).is_empty()
}

/// Returns whether a model uses the run date, and the served snapshot was made on another one.
#[must_use]
pub fn is_of_another_day(model: &PlannedModel, parent: &crate::record::Manifest) -> bool {
    model.statement.parameters.contains("run_date") && parent.run_date != model.run_date
}
