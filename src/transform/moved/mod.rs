//! A moved run date: a partition is kept when no row that it depends on lies between the two days.
//!
//! ```text
//!  statement of the earlier day ─► optimized plan ─┐                        ┌─► nothing that a table decides: all is rebuilt
//!                                                  ├─ alike but for what? ──┤
//!  statement of today ───────────► optimized plan ─┘                        └─► `due < 2026-06-30` and `due < 2026-07-01`
//!                                                                                          │
//!       partitions of the table that have a row for which these differ ◄── asked of the rows
//!                                                                                          │
//!       output partitions that depend on such a one, or on one that changed ◄──────────────┘─► are rebuilt
//! ```
//!
//! Where plans differ in what no single table decides, `still.rs` asks whether any row notices, and if one does, whether one of a
//! partition does; where none does, it is as if the day had not moved. Where a model computes with the run date itself, as with the days since an order, every day makes other
//! rows, and all of it is rebuilt. A history is, too: its versions follow from each other.

mod alike;
mod before;
mod rows;
mod still;
mod trace;

use arrow::array::RecordBatch;
use datafusion::{error::Result, logical_expr::LogicalPlan, prelude::SessionContext};

pub use before::{Before, remember};

use self::{alike::Alike, rows::Crossed};
use super::{
    Decision, PlannedModel, Prover, Reason,
    changes::Changes,
    decide::{self, Base},
    depend::{self, Scan},
    prove::Group,
};
use crate::record::{
    PartitionValues,
    manifest::{Partition, Table},
};

/// Decides what must be rebuilt of a table of which nothing but the run date is another than when it was made; None where
/// more is, or where every partition may have other rows on another day.
///
/// # Errors
/// When a plan cannot be made or optimized.
pub(super) async fn decide(
    model: &PlannedModel,
    base: Base<'_>,
    table: &Table,
    session: &SessionContext,
) -> Result<Option<Decision>> {
    let is_of_that_day = |before: &&Before| table.definition.as_ref() == Some(&before.definition);
    let Some(before) = model.before.as_deref().filter(is_of_that_day) else { return Ok(None) };
    if model.model.history.is_some() || table.is_behind {
        return Ok(None);
    }
    let mut changes = Changes::new(base);
    let (statement, definition) = (before.statement.clone(), before.definition.clone());
    let earlier = PlannedModel { statement, definition, before: None, ..model.clone() };
    let earlier = Prover::new(&earlier, changes.inputs(&model.statement.tables), session).await?;
    let prover = Prover::new(model, earlier.inputs().clone(), session).await?;
    let days = Days { prover: &prover, earlier: &earlier, crossed: Crossed::default(), session };
    match Box::pin(days.told_apart(model, table, &mut changes)).await? {
        Some(decision) => Ok(Some(decision)),
        None => Box::pin(unnoticed(model, table, &earlier, &prover, &mut changes, session)).await,
    }
}

/// Decides as on the earlier day, but for the partitions of which a row notices that the day moved; None where that cannot be
/// told, or nothing would be kept.
async fn unnoticed(
    model: &PlannedModel,
    table: &Table,
    earlier: &Prover<'_>,
    prover: &Prover<'_>,
    changes: &mut Changes<'_>,
    session: &SessionContext,
) -> Result<Option<Decision>> {
    let values: Vec<&PartitionValues> = table.partitions.iter().map(|partition| &partition.values).collect();
    let proofs = earlier.prove(&values)?;
    let reasons = proofs.iter().map(|proof| decide::reasons(&proof.reads, prover.inputs(), changes)).collect();
    let open = decide::reasons(&earlier.whole()?, prover.inputs(), changes);
    let decision = decided(model, table, reasons, open, prover)?;
    if decision.clean.is_empty() {
        return Ok(None);
    }
    let (was, is) = (earlier.optimized(None)?, prover.optimized(None)?);
    let Some(places) = still::places(&was, &is, prover.inputs().catalog) else { return Ok(None) };
    if Box::pin(places.are_still(session)).await {
        return Ok(Some(decision));
    }
    if model.model.partition_by.is_empty() {
        return Ok(None);
    }
    let noticed = noticed(earlier, prover, &decision, session).await?;
    Ok(Some(without(decision, &noticed)).filter(|decision| !decision.clean.is_empty()))
}

/// Returns for each partition that would be kept whether one of its rows may notice that the day moved.
async fn noticed(
    earlier: &Prover<'_>,
    prover: &Prover<'_>,
    decision: &Decision,
    session: &SessionContext,
) -> Result<Vec<bool>> {
    let values: Vec<&PartitionValues> = decision.clean.iter().map(|partition| &partition.values).collect();
    let mut noticed = vec![true; values.len()];
    for Group { indices, values, filter } in prover.groups(&values)? {
        let was = earlier.optimized(filter.clone())?;
        let is = prover.optimized(filter)?;
        let Some(places) = still::places(&was, &is, prover.inputs().catalog) else { continue };
        let of_group = Box::pin(places.noticed(&values, session)).await;
        for (index, is_noticed) in indices.into_iter().zip(of_group) {
            noticed[index] = is_noticed;
        }
    }
    Ok(noticed)
}

/// Lets those be rebuilt of a decision's clean partitions that notice the day, and new ones appear.
fn without(decision: Decision, noticed: &[bool]) -> Decision {
    let Decision { clean, mut dirty, mut open, .. } = decision;
    let (noticing, clean): (Vec<_>, Vec<_>) = clean.into_iter().zip(noticed).partition(|(_, noticed)| **noticed);
    dirty.extend(noticing.into_iter().map(|(partition, _)| (partition.values, vec![Reason::DayNoticed])));
    dirty.sort_by(|one, other| one.0.cmp(&other.0));
    open.push(Reason::DayNoticed);
    Decision { clean: clean.into_iter().map(|(partition, _)| partition).collect(), dirty, open, ..decision }
}

/// Returns the decision that follows from why each partition may have other rows.
fn decided(
    model: &PlannedModel,
    table: &Table,
    reasons: Vec<Vec<Reason>>,
    open: Vec<Reason>,
    prover: &Prover<'_>,
) -> Result<Decision> {
    let values: Vec<&PartitionValues> = table.partitions.iter().map(|partition| &partition.values).collect();
    let mut decision = Decision::default();
    for ((partition, reasons), now) in table.partitions.iter().zip(reasons).zip(prover.prove(&values)?) {
        let (ignored, told): (Vec<_>, Vec<_>) = reasons.into_iter().partition(|reason| model.ignores_reason(reason));
        decision.ignored.extend(ignored);
        if told.is_empty() {
            decision.clean.push(Partition { fingerprint: now.fingerprint, ..partition.clone() });
        } else {
            decision.dirty.push((partition.values.clone(), told));
        }
    }
    decision.ignored.sort();
    decision.ignored.dedup();
    if decide::may_grow(model, table) {
        decision.open = open;
    }
    Ok(decision)
}

/// The plans of a model on two days.
struct Days<'a> {
    prover: &'a Prover<'a>,
    earlier: &'a Prover<'a>,
    crossed: Crossed,
    session: &'a SessionContext,
}

impl Days<'_> {
    /// Decides by the rows that lie between the two days; None where that cannot be told.
    async fn told_apart(
        mut self,
        model: &PlannedModel,
        table: &Table,
        changes: &mut Changes<'_>,
    ) -> Result<Option<Decision>> {
        let Some(open) = self.whole(changes).await? else { return Ok(None) };
        let values: Vec<&PartitionValues> = table.partitions.iter().map(|partition| &partition.values).collect();
        let Some(reasons) = self.each(&values, changes).await? else { return Ok(None) };
        decided(model, table, reasons, open, self.prover).map(Some)
    }

    /// Returns why the model as a whole may have other rows; None where that cannot be told.
    async fn whole(&mut self, changes: &mut Changes<'_>) -> Result<Option<Vec<Reason>>> {
        let now = self.prover.optimized(None)?;
        let before = self.earlier.optimized(None)?;
        let reasons = self.reasons(&before, &now, &decide::no_partition()?, changes).await?;
        Ok(reasons.map(|mut reasons| reasons.pop().unwrap_or_default()))
    }

    /// Returns for each partition why it may have other rows; None where that cannot be told.
    async fn each(
        &mut self,
        partitions: &[&PartitionValues],
        changes: &mut Changes<'_>,
    ) -> Result<Option<Vec<Vec<Reason>>>> {
        let mut found = vec![Vec::new(); partitions.len()];
        for alike in self.prover.groups(partitions)? {
            let now = self.prover.optimized(alike.filter.clone())?;
            let before = self.earlier.optimized(alike.filter)?;
            let Some(reasons) = self.reasons(&before, &now, &alike.values, changes).await? else { return Ok(None) };
            for (index, reasons) in alike.indices.into_iter().zip(reasons) {
                found[index] = reasons;
            }
        }
        Ok(Some(found))
    }

    /// Returns the reasons for each of the values of the plans' placeholders.
    async fn reasons(
        &mut self,
        before: &LogicalPlan,
        now: &LogicalPlan,
        outputs: &RecordBatch,
        changes: &mut Changes<'_>,
    ) -> Result<Option<Vec<Vec<Reason>>>> {
        let inputs = self.prover.inputs();
        let Some(Alike { plan, crossings }) = alike::alike(before, now, inputs.catalog)? else { return Ok(None) };
        let nodes = alike::scans(now)?;
        let mut reasons = vec![Vec::new(); outputs.num_rows()];
        for (index, mut scan) in depend::scans(&plan, inputs)?.into_iter().enumerate() {
            let Some((_, node)) = nodes.get(index) else { return Ok(None) };
            let mut crossed = Vec::new();
            for crossing in crossings.iter().filter(|crossing| crossing.scan == index) {
                let columns = [&crossing.before, &crossing.now].into_iter().flat_map(|expr| expr.column_refs());
                scan.read_too(columns.map(|column| column.name.clone()));
                crossed.push(self.crossed.by(crossing, node, self.session).await);
            }
            self.add(&scan, &crossed, outputs, changes, &mut reasons)?;
        }
        for reasons in &mut reasons {
            reasons.sort();
            reasons.dedup();
        }
        Ok(Some(reasons))
    }

    /// Adds what one scan makes of the outputs.
    fn add(
        &self,
        scan: &Scan,
        crossed: &[Option<std::sync::Arc<Vec<PartitionValues>>>],
        outputs: &RecordBatch,
        changes: &mut Changes<'_>,
        reasons: &mut [Vec<Reason>],
    ) -> Result<()> {
        let inputs = self.prover.inputs();
        let known = inputs.partitions(&scan.table);
        let is_crossed = |index: &&usize| {
            let values = known.get(**index);
            crossed.iter().any(|crossed| match (crossed, values) {
                (Some(crossed), Some(values)) => crossed.contains(values),
                _ => true,
            })
        };
        let selection = scan.select(outputs)?;
        for (output, reasons) in reasons.iter_mut().enumerate() {
            let Some(read) = scan.read(&selection, output) else { continue };
            reasons.extend(decide::reasons(std::slice::from_ref(&read), inputs, changes));
            let partitions: Vec<PartitionValues> = read
                .partitions
                .iter()
                .filter(is_crossed)
                .filter_map(|&index| Some((*known.get(index)?).clone()))
                .collect();
            if !partitions.is_empty() {
                reasons.push(Reason::DayMoved { table: read.table, partitions });
            }
        }
        Ok(())
    }
}
