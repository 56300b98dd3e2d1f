//! How the engine computes a model: its operators, and what a run of them costs.
//!
//! In: a [`Working`] model. Out: the tree of operators, measured if asked. Deliberately absent: logical plans.

use std::{any::Any, fmt, sync::Arc, time::Instant};

use datafusion::{
    datasource::{
        physical_plan::{FileGroup, FileScanConfig},
        source::DataSourceExec,
    },
    error::Result as EngineResult,
    physical_plan::{DisplayFormatType, ExecutionPlan, execute_stream},
    prelude::SessionContext,
};
use futures::StreamExt;
use serde::Serialize;

use super::{super::outcome, Working};
use crate::{
    Error,
    engine::{
        Engine, once,
        once::{Once, Part},
        scarcity::with_spilling_joins,
    },
    record::TableName,
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
    /// What the query names more than once and a run computes once, each after those that it stands on.
    pub parts: Vec<PartPlan>,
    /// The operator that gives the result.
    pub plan: Operator,
}

/// A part of a query that is computed once.
#[derive(Debug, Serialize)]
pub struct PartPlan {
    /// Its name in the query.
    pub name: String,
    /// The operator that gives its rows.
    pub plan: Operator,
}

/// One operator, and what it reads.
#[derive(Debug, Serialize)]
pub struct Operator {
    /// Its name in the engine.
    pub operator: String,
    /// The table whose files it reads, if any.
    pub table: Option<TableName>,
    /// What it does, in the engine's words.
    pub details: String,
    /// What it cost, if it was run.
    pub measured: Option<Measured>,
    /// What it reads.
    pub inputs: Vec<Operator>,
}

/// What an operator cost, over all threads.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Measured {
    /// Rows that it gave; None where the engine does not count.
    pub rows: Option<usize>,
    /// Seconds of work, its inputs' not included; None where the engine does not measure.
    pub seconds: Option<f64>,
    /// How often it spilled to the disk.
    pub spills: usize,
    /// Bytes that it spilled.
    pub spilled_bytes: usize,
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

    async fn run(&self, session: &SessionContext) -> EngineResult<(Vec<Part>, Arc<dyn ExecutionPlan>, Cost)> {
        let started = Instant::now();
        let Once { plan, parts } = once::run(self.plan.clone(), session).await?;
        let plan = session.state().create_physical_plan(&plan).await?;
        let mut batches = execute_stream(Arc::clone(&plan), session.task_ctx())?;
        let mut rows = 0;
        while let Some(batch) = batches.next().await {
            rows += batch?.num_rows() as u64;
        }
        Ok((parts, plan, Cost { seconds: started.elapsed().as_secs_f64(), rows }))
    }

    fn explanation(&self, parts: &[Part], plan: &Arc<dyn ExecutionPlan>, cost: Option<Cost>) -> Explanation {
        let part =
            |part: &Part| PartPlan { name: part.name.clone(), plan: self.operator(part.plan.as_ref(), cost.is_some()) };
        Explanation {
            table: self.name.clone(),
            snapshot: self.snapshot.manifest.snapshot.clone(),
            recomputed: self.recomputed.clone(),
            seconds: cost.map(|cost| cost.seconds),
            rows: cost.map(|cost| cost.rows),
            parts: parts.iter().map(part).collect(),
            plan: self.operator(plan.as_ref(), cost.is_some()),
        }
    }

    fn operator(&self, plan: &dyn ExecutionPlan, is_measured: bool) -> Operator {
        let lines = Details(plan).to_string();
        let lines: Vec<&str> = lines.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let inputs = plan.children().into_iter();
        Operator {
            operator: plan.name().to_owned(),
            table: self.scanned(plan).cloned(),
            details: lines.join(", "),
            measured: is_measured.then(|| Measured::of(plan)),
            inputs: inputs.map(|input| self.operator(input.as_ref(), is_measured)).collect(),
        }
    }

    /// Returns the table in whose folder the files lie that an operator reads.
    fn scanned(&self, plan: &dyn ExecutionPlan) -> Option<&TableName> {
        let source = plan.downcast_ref::<DataSourceExec>()?.data_source();
        let files = (source.as_ref() as &dyn Any).downcast_ref::<FileScanConfig>()?;
        let file = files.file_groups.iter().flat_map(FileGroup::iter).next()?;
        let path = format!("/{}", file.object_meta.location);
        let is_its = |name: &&TableName| path.contains(&format!("/{}/{}/data/", name.schema, name.table));
        self.snapshot.manifest.tables.keys().find(is_its)
    }
}

/// What the whole cost.
#[derive(Clone, Copy)]
struct Cost {
    seconds: f64,
    rows: u64,
}

impl Measured {
    fn of(plan: &dyn ExecutionPlan) -> Self {
        let metrics = plan.metrics().unwrap_or_default();
        // The engine counts nanoseconds; what they lose as a double is far below what it measures.
        let seconds =
            metrics.elapsed_compute().map(|nanos| std::time::Duration::from_nanos(nanos as u64).as_secs_f64());
        Self {
            rows: metrics.output_rows(),
            seconds,
            spills: metrics.spill_count().unwrap_or(0),
            spilled_bytes: metrics.spilled_bytes().unwrap_or(0),
        }
    }
}

/// What an operator says of itself, a line for each thing.
struct Details<'a>(&'a dyn ExecutionPlan);

impl fmt::Display for Details<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt_as(DisplayFormatType::TreeRender, f)
    }
}
