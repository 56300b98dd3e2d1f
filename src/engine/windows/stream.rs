//! Whole partitions out of sorted batches, and their windows.
//!
//! In: batches whose rows are sorted by partition. Out: the same rows with a column for each window. Rows of the last partition wait
//! for the batch in which another one begins.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use arrow::{
    array::{ArrayRef, RecordBatch},
    compute::{concat_batches, partition},
    datatypes::SchemaRef,
};
use datafusion::{
    error::Result,
    execution::{RecordBatchStream, SendableRecordBatchStream},
    physical_expr::PhysicalExpr,
    physical_plan::metrics::{BaselineMetrics, RecordOutput},
};
use futures::{Stream, StreamExt};

use super::column::{Partitions, WindowColumn};

/// A stream of rows with their windows.
pub(super) struct Windows {
    rows: SendableRecordBatchStream,
    schema: SchemaRef,
    columns: Arc<[WindowColumn]>,
    metrics: BaselineMetrics,
    waiting: Vec<RecordBatch>,
    waiting_rows: usize,
    /// Rows that are to wait before partitions are looked for again: twice as many as had no end, so that rows of a long
    /// partition are not copied with every batch.
    enough_rows: usize,
    is_done: bool,
}

impl Windows {
    pub fn new(
        rows: SendableRecordBatchStream,
        schema: SchemaRef,
        columns: Arc<[WindowColumn]>,
        metrics: BaselineMetrics,
    ) -> Self {
        let (waiting, waiting_rows, enough_rows, is_done) = (Vec::new(), 0, 0, false);
        Self { rows, schema, columns, metrics, waiting, waiting_rows, enough_rows, is_done }
    }

    fn hold(&mut self, rows: RecordBatch) -> Result<Option<RecordBatch>> {
        self.waiting_rows += rows.num_rows();
        self.waiting.push(rows);
        if self.waiting_rows < self.enough_rows { Ok(None) } else { self.give() }
    }

    /// Returns the partitions that are whole, with their windows; at the end all that wait.
    fn give(&mut self) -> Result<Option<RecordBatch>> {
        let waiting = std::mem::take(&mut self.waiting);
        let Some(first) = waiting.first() else { return Ok(None) };
        let rows = if waiting.len() == 1 { first.clone() } else { concat_batches(first.schema_ref(), &waiting)? };
        let keys = values(self.columns[0].partition_by(), &rows)?;
        let mut partitions = partition(&keys)?.ranges();
        let whole = match partitions.last() {
            Some(last) if !self.is_done => last.start,
            _ => rows.num_rows(),
        };
        self.waiting_rows = rows.num_rows() - whole;
        self.enough_rows = 2 * self.waiting_rows;
        if self.waiting_rows > 0 {
            partitions.pop();
            self.waiting.push(rows.slice(whole, self.waiting_rows));
        }
        if whole == 0 { Ok(None) } else { self.with_windows(&rows.slice(0, whole), Partitions::new(partitions)) }
    }

    fn with_windows(&self, rows: &RecordBatch, partitions: Partitions) -> Result<Option<RecordBatch>> {
        let order = self.columns[0].order_by().iter().map(|sort| Arc::clone(&sort.expr)).collect::<Vec<_>>();
        let partitions = partitions.ordered_by(values(&order, rows)?)?;
        let mut columns = rows.columns().to_vec();
        for column in self.columns.iter() {
            columns.push(column.evaluate(rows, &partitions)?);
        }
        Ok(Some(RecordBatch::try_new(Arc::clone(&self.schema), columns)?))
    }
}

/// Evaluates expressions over rows.
fn values(expressions: &[Arc<dyn PhysicalExpr>], rows: &RecordBatch) -> Result<Vec<ArrayRef>> {
    expressions.iter().map(|expression| expression.evaluate(rows)?.into_array(rows.num_rows())).collect()
}

impl Stream for Windows {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        while !self.is_done {
            let next = ready!(self.rows.poll_next_unpin(context));
            let timer = self.metrics.elapsed_compute().clone();
            let _time = timer.timer();
            let given = match next {
                Some(Ok(rows)) if rows.num_rows() == 0 => continue,
                Some(Ok(rows)) => self.hold(rows),
                Some(Err(error)) => Err(error),
                None => {
                    self.is_done = true;
                    self.give()
                }
            };
            if let Some(given) = given.transpose() {
                self.is_done |= given.is_err();
                return Poll::Ready(Some(given.record_output(&self.metrics)));
            }
        }
        Poll::Ready(None)
    }
}

impl RecordBatchStream for Windows {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}
