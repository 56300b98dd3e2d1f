//! Why a partition is kept or rebuilt: what it depends on, in words that a manifest knows.

use datafusion::{error::Result, prelude::SessionContext};

use super::{
    Decision, PlannedModel, Prover, Reason,
    depend::{self, Dependency, Inputs},
};
use crate::{
    engine::Catalog,
    record::{PartitionValues, TableName},
};

/// What would happen to one partition, and on what that depends.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Explained {
    /// Its values.
    pub values: PartitionValues,
    /// What the next run does with it.
    pub fate: Fate,
    /// Why, if it is rebuilt.
    pub reasons: Vec<Reason>,
    /// What it reads; its rows can change through nothing else.
    pub reads: Vec<Read>,
}

/// What a run does with a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It is taken over as it is.
    Kept,
    /// It is built again.
    Rebuilt,
    /// The last snapshot does not have it.
    Absent,
}

/// What a partition reads of one table.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Read {
    /// The table.
    pub table: TableName,
    /// Its partitions that count; null: all of them, because no filter on them could be proved.
    pub partitions: Option<Vec<PartitionValues>>,
    /// How many partitions the table has.
    pub known_partitions: usize,
    /// The columns that count, beside those in the path.
    pub columns: Vec<String>,
    /// Whether some of the rows lie after the run date, so that another day shows others.
    pub follows_run_date: bool,
    /// Whether the model's header says that its changes alone rebuild nothing.
    pub is_ignored: bool,
}

/// Explains partitions of a model: those that are known to the decision, and those that are not.
///
/// # Errors
/// When the plan cannot be optimized.
pub async fn explain(
    model: &PlannedModel,
    inputs: &Catalog,
    decision: &Decision,
    partitions: &[PartitionValues],
    session: &SessionContext,
) -> Result<Vec<Explained>> {
    let prover = Prover::new(model, Inputs::now(inputs), session).await?;
    let proofs = prover.prove(&partitions.iter().collect::<Vec<_>>())?;
    let explained = partitions.iter().zip(proofs).map(|(values, proof)| {
        let dirty = decision.dirty.iter().find(|(dirty, _)| dirty == values);
        let is_kept = || decision.clean.iter().any(|partition| partition.values == *values);
        let (fate, reasons) = match dirty {
            Some((_, reasons)) => (Fate::Rebuilt, reasons.clone()),
            None if is_kept() => (Fate::Kept, Vec::new()),
            None => (Fate::Absent, decision.open.clone()),
        };
        let reads = proof.reads.iter().map(|read| told(read, model, prover.inputs())).collect();
        Explained { values: values.clone(), fate, reasons, reads }
    });
    Ok(explained.collect())
}

fn told(read: &Dependency, model: &PlannedModel, inputs: &Inputs<'_>) -> Read {
    let table = inputs.catalog.get(&read.table);
    let known = table.map_or(&[][..], |table| &table.table.partitions);
    let counting = || read.partitions.iter().filter_map(|&index| known.get(index));
    let day = table.and_then(|table| table.as_of.as_ref()).map(|as_of| as_of.run_date);
    Read {
        table: read.table.clone(),
        partitions: read.is_proved.then(|| counting().map(|partition| partition.values.clone()).collect()),
        known_partitions: known.len(),
        columns: read.columns.iter().cloned().collect(),
        follows_run_date: day.is_some_and(|day| counting().any(|partition| depend::cut_bites(partition, day))),
        is_ignored: model.ignores(&read.table),
    }
}
