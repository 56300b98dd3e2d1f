//! Rows that a change of the inputs reaches, by their key: the others are copied, not computed.
//!
//! ```text
//!  inputs as they were ─┐
//!                       ├─ rows that differ ─► their keys ─┬─► old rows without these keys ───────────────────┐
//!  inputs as they are ──┘                                  │                                                  ├─► the partition
//!                                                          └─► the query, of these keys alone ─► their rows ──┘
//!                                                                                │
//!                    partitions that have, or had, none of these keys ◄──────────┘─► are kept
//! ```
//!
//! In: a decision of what is to be rebuilt since inputs changed. Out: a smaller one, and the rows of the changed keys. The proof is that of
//! partitions ([`super::depend`]), asked of the columns of a key ([`key`]): a filter on them that the optimizer takes down to every scan
//! of a changed table leaves, of the tables, only rows of that key; where these are the rows of before, so are the rows of the output.
//! None where there is no such key, where so many rows changed that computing all of them is no more work, and for a history, whose versions
//! follow from each other.

mod delta;
mod key;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use arrow::{
    array::{ArrayRef, AsArray, RecordBatch},
    datatypes::Int64Type,
};
use datafusion::{
    catalog::TableProvider,
    error::Result,
    functions_aggregate::expr_fn::count,
    logical_expr::{Expr, LogicalPlanBuilder, lit},
    physical_plan::{ExecutionPlan, execute_stream},
    prelude::SessionContext,
};
use futures::{Stream, StreamExt, stream};

pub use self::{delta::Deltas, key::Key};
use super::{
    Decision, PlannedModel, Prover, Reason,
    changes::Changes,
    decide::{self, Base},
    depend::Inputs,
};
use crate::{
    engine::{
        CatalogTable, types,
        value_set::{Asks, ValueSet},
    },
    record::{
        PartitionValues, TableName,
        manifest::{Partition, Table},
    },
};

/// Keys that are asked for one by one.
const MOST_KEYS: usize = 100_000;

/// Rows that are written anew without asking whether fewer would do.
const FEW_ROWS: u64 = 10_000;

/// Bytes of computed rows that wait for the old ones to be written before them.
const MOST_BYTES: usize = 32 << 20;

/// What a run knows of the time before it.
pub struct Past<'a> {
    /// The inputs as they were.
    pub before: &'a (dyn Fn(&TableName) -> Result<Option<CatalogTable>> + Sync),
    /// The model's own rows as they were, all of them.
    pub rows: Arc<dyn TableProvider>,
    /// What is known of differences of tables.
    pub deltas: &'a Deltas,
}

/// What is to be written of a model: old rows, and those of the changed keys.
pub struct Reckoned {
    /// What is rebuilt, and what is kept after all.
    pub decision: Decision,
    /// How the rows of the changed keys were computed; None where there are no such keys.
    pub plan: Option<Arc<dyn ExecutionPlan>>,
    /// Those rows, in the published schema.
    computed: Vec<RecordBatch>,
    /// Where they differ from the old ones: columns and keys.
    columns: Vec<String>,
    keys: ValueSet,
    old: Arc<dyn TableProvider>,
}

/// Finds the key that every change of the inputs bears, where a decision rebuilds partitions for nothing but such changes.
///
/// # Errors
/// When something cannot be planned or read.
pub async fn key(
    model: &PlannedModel,
    decision: &Decision,
    base: Base<'_>,
    deltas: &Deltas,
    session: &SessionContext,
) -> Result<Option<Key>> {
    if !base.parent.tables.get(&model.model.name).is_some_and(|table| is_comparable(model, decision, table)) {
        return Ok(None);
    }
    let mut changes = Changes::new(base);
    let prover = Prover::new(model, changes.inputs(&model.statement.tables), session).await?;
    Box::pin(key::find(model, &prover, &mut changes, deltas, session)).await
}

/// Computes the rows of changed keys; None where that is no less work than to compute all rows.
///
/// # Errors
/// When something cannot be planned or read; then all that the decision names can still be rebuilt.
pub async fn reckon(
    model: &PlannedModel,
    decision: &Decision,
    key: Key,
    base: Base<'_>,
    past: Past<'_>,
    session: &SessionContext,
) -> Result<Option<Reckoned>> {
    let known = base.parent.partitions(&model.model.name);
    let mut keys = ValueSet::new(Asks::IsChangedKey, &key.types);
    for scan in &key.scans {
        let (Some(before), Some(now)) = ((past.before)(&scan.table)?, base.catalog.get(&scan.table)) else {
            return Ok(None);
        };
        let Some(delta) = past.deltas.of(&scan.table, &before, now, session).await? else { return Ok(None) };
        scan.add(&delta, &key.types, &mut keys)?;
        if keys.len() > MOST_KEYS {
            return Ok(None);
        }
    }
    let mut reckoned = Reckoned {
        decision: decision.clone(),
        plan: None,
        computed: Vec::new(),
        columns: key.columns,
        keys,
        old: past.rows,
    };
    let had = reckoned.had(model, session).await?;
    let dirty: u64 =
        decision.dirty.iter().filter_map(|(values, _)| known.get(values)).map(|partition| partition.rows).sum();
    let is_most = dirty > FEW_ROWS && had.values().sum::<u64>() > dirty / 2;
    if is_most || !reckoned.compute(model, session).await? {
        return Ok(None);
    }
    reckoned.settle(model, &known, &had, base, session).await?;
    Ok(Some(reckoned))
}

/// Returns whether all that speaks for rebuilding a table is that inputs changed since it was made of them.
fn is_comparable(model: &PlannedModel, decision: &Decision, table: &Table) -> bool {
    let is_input = |reason: &Reason| matches!(reason, Reason::InputChanged { .. });
    let reasons = decision.dirty.iter().flat_map(|(_, reasons)| reasons).chain(&decision.open);
    model.model.history.is_none()
        && table.definition.as_ref() == Some(&model.definition)
        && !table.is_behind
        && !decision.is_idle()
        && !decision.is_evolved
        && decision.ignored.is_empty()
        && !table.partitions.is_empty()
        && reasons.into_iter().all(is_input)
}

impl Reckoned {
    /// Returns how many of the old rows bear a changed key, by partition.
    async fn had(&self, model: &PlannedModel, session: &SessionContext) -> Result<BTreeMap<PartitionValues, u64>> {
        let partition_by: Vec<Expr> = columns(&model.partition_by());
        let rows = session.read_table(Arc::clone(&self.old))?.filter(self.is_changed().is_not_false())?;
        let rows = match decide::kept(model, &self.decision)? {
            Some(kept) => rows.filter(kept.is_other(partition_by.clone()))?,
            None => rows,
        };
        let mut found = BTreeMap::new();
        for batch in rows.aggregate(partition_by, vec![count(lit(1))])?.collect().await? {
            let Some((counts, values)) = batch.columns().split_last() else { continue };
            let counts = counts.as_primitive::<Int64Type>();
            for row in 0..batch.num_rows() {
                let count = u64::try_from(counts.value(row)).unwrap_or(0);
                if count > 0 {
                    found.insert(PartitionValues::from_row(values, row)?, count);
                }
            }
        }
        Ok(found)
    }

    /// Computes the rows of the changed keys; false when they become too many.
    async fn compute(&mut self, model: &PlannedModel, session: &SessionContext) -> Result<bool> {
        if self.keys.is_empty() {
            return Ok(true);
        }
        let plan = model.statement.plan(session).await?;
        let mut plan = LogicalPlanBuilder::from(plan).filter(self.is_changed())?;
        let kept = decide::kept(model, &self.decision)?;
        if let Some(kept) = &kept {
            plan = plan.filter(kept.is_other(columns(&model.partition_by())))?;
        }
        let plan = plan.build()?;
        let operators = session.state().create_physical_plan(&plan).await?;
        let mut rows = execute_stream(Arc::clone(&operators), session.task_ctx())?;
        let mut bytes = 0;
        while let Some(batch) = rows.next().await {
            let batch = types::cast_batch(&batch?, &model.schema)?;
            bytes += batch.get_array_memory_size();
            if bytes > MOST_BYTES {
                return Ok(false);
            }
            self.computed.push(batch);
        }
        self.plan = Some(operators);
        Ok(true)
    }

    /// Keeps the partitions that neither had nor have a row with a changed key.
    async fn settle(
        &mut self,
        model: &PlannedModel,
        known: &BTreeMap<&PartitionValues, &Partition>,
        had: &BTreeMap<PartitionValues, u64>,
        base: Base<'_>,
        session: &SessionContext,
    ) -> Result<()> {
        let mut touched: BTreeSet<PartitionValues> = had.keys().cloned().collect();
        for batch in &self.computed {
            let columns: Vec<ArrayRef> =
                model.partition_by().iter().filter_map(|column| batch.column_by_name(column).cloned()).collect();
            for row in 0..batch.num_rows() {
                touched.insert(PartitionValues::from_row(&columns, row)?);
            }
        }
        let decision = &mut self.decision;
        let (dirty, same) =
            std::mem::take(&mut decision.dirty).into_iter().partition(|(values, _)| touched.contains(values));
        decision.dirty = dirty;
        let same: Vec<(PartitionValues, Vec<Reason>)> = same;
        if !same.is_empty() {
            let values: Vec<&PartitionValues> = same.iter().map(|(values, _)| values).collect();
            let proofs = Prover::new(model, Inputs::now(base.catalog), session).await?.prove(&values)?;
            for (values, proof) in values.into_iter().zip(proofs) {
                if let Some(partition) = known.get(values) {
                    decision.clean.push(Partition { fingerprint: proof.fingerprint, ..(*partition).clone() });
                }
            }
            decision.clean.sort_by(|one, other| one.values.cmp(&other.values));
        }
        if touched.iter().all(|values| known.contains_key(values)) {
            decision.open.clear();
        }
        Ok(())
    }

    /// Returns the predicate that a row of the model bears a changed key.
    fn is_changed(&self) -> Expr {
        self.keys.call(columns(&self.columns))
    }

    /// Returns the rows of what is rebuilt: the old ones that stay, then those that were computed.
    ///
    /// # Errors
    /// When the old rows cannot be read; later failures are items of the stream.
    pub async fn rows(
        &self,
        model: &PlannedModel,
        session: &SessionContext,
    ) -> Result<impl Stream<Item = Result<RecordBatch>> + use<>> {
        let mut old = session.read_table(Arc::clone(&self.old))?.filter(self.is_changed().is_false())?;
        if let Some(kept) = decide::kept(model, &self.decision)? {
            old = old.filter(kept.is_other(columns(&model.partition_by())))?;
        }
        let schema = model.schema.clone();
        let old = old.execute_stream().await?.map(move |batch| Ok(types::cast_batch(&batch?, &schema)?));
        Ok(old.chain(stream::iter(self.computed.clone()).map(Ok)))
    }
}

fn columns(names: &[String]) -> Vec<Expr> {
    names.iter().map(|name| decide::output(name)).collect()
}
