//! Whole partitions out of sorted batches, and their windows.
//!
//! ```text
//!  batches ──► wait, until another partition begins ──► windows over all that are whole
//!                └── no memory for so long a partition ──► the engine's node, for these rows and all behind
//! ```
//!
//! In: batches whose rows are sorted by partition. Out: the same rows with a column for each window. What waits is reserved, twice,
//! since it is copied once it is whole.

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
    execution::{
        RecordBatchStream, SendableRecordBatchStream,
        memory_pool::{MemoryConsumer, MemoryPool, MemoryReservation},
    },
    physical_expr::PhysicalExpr,
    physical_plan::{
        metrics::{BaselineMetrics, RecordOutput},
        spill::get_record_batch_memory_size,
        stream::RecordBatchStreamAdapter,
    },
};
use futures::{Stream, StreamExt, stream};

use super::column::{Partitions, WindowColumn};

/// What the engine makes of rows that cannot be held.
pub(super) type Engines = Box<dyn FnOnce(SendableRecordBatchStream) -> Result<SendableRecordBatchStream> + Send>;

/// A stream of rows with their windows.
pub(super) struct Windows {
    rows: SendableRecordBatchStream,
    schema: SchemaRef,
    columns: Arc<[WindowColumn]>,
    metrics: BaselineMetrics,
    waiting: Waiting,
    /// Rows that are to wait before partitions are looked for again: twice as many as had no end, so that rows of a long
    /// partition are not copied with every batch.
    enough_rows: usize,
    /// What takes over once, and then is `rows` itself.
    engines: Option<Engines>,
    is_done: bool,
}

/// Rows whose partitions are not known to be whole.
struct Waiting {
    batches: Vec<RecordBatch>,
    rows: usize,
    reservation: MemoryReservation,
}

impl Waiting {
    fn take(&mut self) -> Vec<RecordBatch> {
        self.rows = 0;
        std::mem::take(&mut self.batches)
    }

    fn push(&mut self, batch: RecordBatch) {
        self.rows += batch.num_rows();
        self.batches.push(batch);
    }
}

impl Windows {
    pub fn new(
        rows: SendableRecordBatchStream,
        schema: SchemaRef,
        columns: Arc<[WindowColumn]>,
        metrics: BaselineMetrics,
        memory: &Arc<dyn MemoryPool>,
        engines: Engines,
    ) -> Self {
        let reservation = MemoryConsumer::new("PartitionWindowsExec").register(memory);
        let waiting = Waiting { batches: Vec::new(), rows: 0, reservation };
        Self { rows, schema, columns, metrics, waiting, enough_rows: 0, engines: Some(engines), is_done: false }
    }

    /// Takes rows, and returns those that have their windows; nothing as long as none have.
    fn advance(&mut self, rows: Option<RecordBatch>) -> Result<Option<RecordBatch>> {
        let Some(rows) = rows else {
            self.is_done = true;
            return self.give();
        };
        let has_room = self.waiting.reservation.try_grow(2 * get_record_batch_memory_size(&rows)).is_ok();
        self.waiting.push(rows);
        if !has_room {
            self.hand_over()?;
        } else if self.waiting.rows >= self.enough_rows {
            return self.give();
        }
        Ok(None)
    }

    /// Leaves what waits and all that is to come to the engine.
    fn hand_over(&mut self) -> Result<()> {
        if let Some(engines) = self.engines.take() {
            let none: SendableRecordBatchStream =
                Box::pin(RecordBatchStreamAdapter::new(self.rows.schema(), stream::empty()));
            let (schema, behind) = (self.rows.schema(), std::mem::replace(&mut self.rows, none));
            let rest = stream::iter(self.waiting.take().into_iter().map(Ok)).chain(behind);
            self.waiting.reservation.free();
            self.rows = engines(Box::pin(RecordBatchStreamAdapter::new(schema, rest)))?;
        }
        Ok(())
    }

    /// Returns the partitions that are whole, with their windows; at the end all that wait.
    fn give(&mut self) -> Result<Option<RecordBatch>> {
        let waiting = self.waiting.take();
        let Some(first) = waiting.first() else { return Ok(None) };
        let rows = if waiting.len() == 1 { first.clone() } else { concat_batches(first.schema_ref(), &waiting)? };
        drop(waiting);
        let keys = values(self.columns[0].partition_by(), &rows)?;
        let mut partitions = partition(&keys)?.ranges();
        let whole = match partitions.last() {
            Some(last) if !self.is_done => last.start,
            _ => rows.num_rows(),
        };
        let rest = rows.num_rows() - whole;
        self.enough_rows = 2 * rest;
        if rest == 0 {
            self.waiting.reservation.free();
        } else {
            partitions.pop();
            self.waiting.push(rows.slice(whole, rest));
            // A part of a batch holds the whole batch.
            let bytes = 2 * get_record_batch_memory_size(&rows);
            self.waiting.reservation.shrink(self.waiting.reservation.size().saturating_sub(bytes));
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
            if self.engines.is_none() {
                self.is_done = next.is_none();
                return Poll::Ready(next.map(|given| given.record_output(&self.metrics)));
            }
            let timer = self.metrics.elapsed_compute().clone();
            let _time = timer.timer();
            let given = match next.transpose() {
                Ok(Some(rows)) if rows.num_rows() == 0 => continue,
                Ok(next) => self.advance(next),
                Err(error) => Err(error),
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
