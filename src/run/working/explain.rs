//! How the engine computes a model: its operators, and what a run of them costs.
//!
//! In: a [`Working`] model. Out: the tree of operators, measured if asked; what runs measured is [`super::super::measured`]'s. Deliberately absent: logical plans.

use std::{sync::Arc, time::Instant};

use datafusion::{
    error::Result as EngineResult,
    physical_plan::{ExecutionPlan, execute_stream},
    prelude::SessionContext,
};
use futures::StreamExt;
use serde::Serialize;

use super::{
    super::{measured::LastRun, outcome},
    Working,
};
use crate::{
    Error,
    engine::{
        Engine, once,
        once::{Once, Part},
        operators,
        scarcity::with_spilling_joins,
    },
    record::{QueryPlan, TableName},
};

/// How a model is computed.
#[derive(Debug, Serialize)]
pub struct Explanation {
    /// The model.
    pub table: TableName,
    /// The snapshot that it is computed from.
    pub snapshot: String,
    /// Models that are computed too, since they are other ones than in the snapshot.
    pub recomputed: Vec<TableName>,
    /// Seconds of the whole, if it was run.
    pub seconds: Option<f64>,
    /// Rows of the result, if it was run.
    pub rows: Option<u64>,
    /// Its operators.
    #[serde(flatten)]
    pub query: QueryPlan,
    /// What the last run measured that built it, if one is recorded.
    pub last_run: Option<LastRun>,
}

impl Working {
    /// Returns the operators that compute the model.
    ///
    /// # Errors
    /// When the engine finds no way to compute it.
    pub async fn explain(&self, engine: &Engine) -> Result<Explanation, Error> {
        let failed = |error| outcome::engine_failure(&self.name, &error);
        let session = engine.session(self.tables.clone()).map_err(failed)?;
        let once = once::foresee(self.plan.clone(), &session).await.map_err(failed)?;
        let plan = session.state().create_physical_plan(&once.plan).await.map_err(failed)?;
        Ok(self.explanation(&once.parts, &plan, None))
    }

    /// Computes the model, drops the rows, and returns the operators with what they cost.
    ///
    /// # Errors
    /// When the model cannot be computed.
    pub async fn analyze(&self, engine: &Engine) -> Result<Explanation, Error> {
        let failed = |error| outcome::engine_failure(&self.name, &error);
        let session = engine.session(self.tables.clone()).map_err(failed)?;
        let run = async |session: &SessionContext| self.run(session).await;
        let (parts, plan, cost) = with_spilling_joins(&session, run).await.map_err(failed)?;
        Ok(self.explanation(&parts, &plan, Some(cost)))
    }

    async fn run(&self, session: &SessionContext) -> EngineResult<(Vec<Part>, Arc<dyn ExecutionPlan>, Whole)> {
        let started = Instant::now();
        let Once { plan, parts } = once::run(self.plan.clone(), session).await?;
        let plan = session.state().create_physical_plan(&plan).await?;
        let mut batches = execute_stream(Arc::clone(&plan), session.task_ctx())?;
        let mut rows = 0;
        while let Some(batch) = batches.next().await {
            rows += batch?.num_rows() as u64;
        }
        Ok((parts, plan, Whole { seconds: started.elapsed().as_secs_f64(), rows }))
    }

    fn explanation(&self, parts: &[Part], plan: &Arc<dyn ExecutionPlan>, cost: Option<Whole>) -> Explanation {
        let tables: Vec<&TableName> = self.snapshot.manifest.tables.keys().collect();
        Explanation {
            table: self.name.clone(),
            snapshot: self.snapshot.manifest.snapshot.clone(),
            recomputed: self.recomputed.clone(),
            seconds: cost.map(|cost| cost.seconds),
            rows: cost.map(|cost| cost.rows),
            query: operators::query_plan(parts, plan.as_ref(), &tables, cost.is_some()),
            last_run: None,
        }
    }
}

/// What the whole cost.
#[derive(Clone, Copy)]
struct Whole {
    seconds: f64,
    rows: u64,
}
