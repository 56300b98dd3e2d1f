//! Running a model: the rows of what must be rebuilt, as a stream of published batches.

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use datafusion::{
    error::{DataFusionError, Result},
    execution::SendableRecordBatchStream,
    logical_expr::LogicalPlanBuilder,
    prelude::SessionContext,
};
use futures::{Stream, StreamExt};

use super::{Decision, PlannedModel, decide};
use crate::engine::types;

/// Starts a model's query and returns the rows that the decision asks for, in the published schema.
///
/// # Errors
/// When the query cannot be planned or started; later failures are items of the stream.
pub async fn rows(
    model: &PlannedModel,
    decision: &Decision,
    session: &SessionContext,
) -> Result<impl Stream<Item = Result<RecordBatch>> + use<>> {
    let plan = model.statement.plan(session).await?;
    let plan = match decide::rebuilt(model, decision)? {
        Some(filter) => LogicalPlanBuilder::from(plan).filter(filter)?.build()?,
        None => plan,
    };
    let stream: SendableRecordBatchStream = session.execute_logical_plan(plan).await?.execute_stream().await?;
    let schema: SchemaRef = model.schema.clone();
    Ok(stream.map(move |batch| types::cast_batch(&batch?, &schema).map_err(DataFusionError::from)))
}
