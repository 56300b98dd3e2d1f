//! Fingerprints of output partitions: the model's definition and the content of what each partition depends on.
//!
//! Where no filter on the output reaches any input's partitions, every partition depends on the same whole tables, and
//! one proof serves all. Otherwise each partition is proved on its own, on all threads.

use std::{collections::BTreeSet, sync::Arc};

use datafusion::{
    error::Result,
    execution::SessionState,
    logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder},
    prelude::SessionContext,
};

use super::{
    PlannedModel,
    decide::equals,
    depend::{self, Dependency},
};
use crate::{engine::Catalog, record::PartitionValues};

/// What is known of one output partition.
#[derive(Debug, Clone)]
pub struct Proof {
    /// Hash of the model's definition and of the content of what the partition depends on.
    pub fingerprint: String,
    /// What it depends on.
    pub reads: Arc<Vec<Dependency>>,
}

/// Proves what the partitions of one model depend on, given its inputs as they are now.
#[derive(Debug)]
pub struct Prover<'a> {
    model: &'a PlannedModel,
    catalog: &'a Catalog,
    plan: LogicalPlan,
    state: SessionState,
}

impl<'a> Prover<'a> {
    /// Plans the model over the catalog.
    ///
    /// # Errors
    /// When it cannot be planned.
    pub async fn new(model: &'a PlannedModel, catalog: &'a Catalog, session: &SessionContext) -> Result<Self> {
        let plan = model.statement.plan(session).await?;
        Ok(Self { model, catalog, plan, state: session.state() })
    }

    /// Returns the same of some of the model's columns alone.
    ///
    /// # Errors
    /// When the plan cannot be narrowed.
    pub fn narrowed(&self, columns: &BTreeSet<&str>) -> Result<Self> {
        let kept = self.plan.schema().columns().into_iter().filter(|column| columns.contains(column.name.as_str()));
        let plan = LogicalPlanBuilder::from(self.plan.clone()).project(kept.map(Expr::Column))?.build()?;
        Ok(Self { model: self.model, catalog: self.catalog, plan, state: self.state.clone() })
    }

    /// Returns a proof for each of the partitions.
    ///
    /// # Errors
    /// When a narrowed plan cannot be optimized.
    pub fn prove(&self, partitions: &[&PartitionValues]) -> Result<Vec<Proof>> {
        if self.model.model.history.is_some() {
            // All versions follow from all rows of the query, whatever the table is partitioned by.
            let proof = self.proof(depend::dependencies(&self.state.optimize(&self.plan)?, self.catalog)?);
            return Ok(vec![proof; partitions.len()]);
        }
        let Some(sample) = partitions.iter().find(|values| values.0.iter().all(Option::is_some)) else {
            return partitions.iter().map(|values| self.prove_one(values)).collect();
        };
        if !self.reads(sample)?.iter().any(|read| read.is_proved) {
            // What the unfiltered plan reads is never less than what one partition needs.
            let proof = self.proof(depend::dependencies(&self.state.optimize(&self.plan)?, self.catalog)?);
            return Ok(vec![proof; partitions.len()]);
        }
        self.prove_each(partitions)
    }

    fn prove_each(&self, partitions: &[&PartitionValues]) -> Result<Vec<Proof>> {
        let threads = self.state.config().target_partitions().max(1);
        let share = partitions.len().div_ceil(threads).max(1);
        let prove =
            |part: &[&PartitionValues]| part.iter().map(|values| self.prove_one(values)).collect::<Result<Vec<_>>>();
        let parts: Vec<Result<Vec<Proof>>> = std::thread::scope(|scope| {
            let workers: Vec<_> = partitions.chunks(share).map(|part| scope.spawn(move || prove(part))).collect();
            workers
                .into_iter()
                .map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        });
        Ok(parts.into_iter().collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
    }

    fn prove_one(&self, values: &PartitionValues) -> Result<Proof> {
        Ok(self.proof(self.reads(values)?))
    }

    /// Returns what the rows of one partition depend on.
    fn reads(&self, values: &PartitionValues) -> Result<Vec<Dependency>> {
        let narrowed = match equals(self.model, values)? {
            Some(filter) => LogicalPlanBuilder::from(self.plan.clone()).filter(filter)?.build()?,
            None => self.plan.clone(),
        };
        depend::dependencies(&self.state.optimize(&narrowed)?, self.catalog)
    }

    fn proof(&self, reads: Vec<Dependency>) -> Proof {
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.model.definition.as_bytes());
        hasher.update(depend::content(&reads, self.catalog).as_bytes());
        Proof { fingerprint: hasher.finalize().to_hex().to_string(), reads: Arc::new(reads) }
    }
}
