//! Running a model: the rows of what must be rebuilt, as a stream of published batches.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use arrow::array::RecordBatch;
use datafusion::{
    catalog::TableProvider,
    error::Result,
    execution::SendableRecordBatchStream,
    logical_expr::{LogicalPlan, LogicalPlanBuilder},
    physical_plan::{ExecutionPlan, execute_stream},
    prelude::SessionContext,
};
use futures::{Stream, StreamExt};

use super::{PlannedModel, Share, history};
use crate::engine::{
    once::{self, Once, Part},
    types,
};

/// A query that is running.
pub struct Execution<S> {
    /// Its rows.
    pub rows: S,
    /// The operator that gives them.
    pub plan: Arc<dyn ExecutionPlan>,
    /// The parts of the query that were computed before.
    pub parts: Vec<Part>,
}

/// Starts a model's query and returns the rows of a share, in the published schema. `past` is the table as last published,
/// which a history continues.
///
/// # Errors
/// When the query cannot be planned or started; later failures are items of the stream.
pub async fn rows(
    model: &PlannedModel,
    share: Share,
    past: Option<Arc<dyn TableProvider>>,
    session: &SessionContext,
) -> Result<Execution<impl Stream<Item = Result<RecordBatch>> + use<>>> {
    let plan = model.statement.plan(session).await?;
    let plan = match &model.model.history {
        Some(history) => history::plan(model, history, plan, past)?,
        None => plan,
    };
    let Once { plan, parts } = match share.filter(model) {
        Some(filter) => Once { plan: LogicalPlanBuilder::from(plan).filter(filter)?.build()?, parts: Vec::new() },
        // With a filter on partitions each place of a part needs less than the part.
        None => once::run(plan, session).await?,
    };
    let operators = session.state().create_physical_plan(&plan).await?;
    let stream = Held { rows: execute_stream(Arc::clone(&operators), session.task_ctx())?, _plan: plan };
    let (schema, partition_by) = (model.schema.clone(), model.partition_by());
    let rows = stream.map(move |batch| share.rows(types::cast_batch(&batch?, &schema)?, &partition_by));
    Ok(Execution { rows, plan: operators, parts })
}

/// The rows of a plan, and the plan: parts of it lie in memory and files that are gone with it, while operators only know where
/// they are.
struct Held {
    rows: SendableRecordBatchStream,
    _plan: LogicalPlan,
}

impl Stream for Held {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.rows.poll_next_unpin(context)
    }
}
