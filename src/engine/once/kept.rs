//! The rows of a part as a table, in memory or in temporary files.
//!
//! ```text
//!  streams of the part ─► whole batches ─► memory of the session, up to a share of its limit ─► a table in memory
//!                                                  │ too little: all of them
//!                                                  ▼
//!                                          one Parquet file per stream ──────────────────────► a table of files
//! ```
//!
//! In: operators. Out: a table that knows how many rows it has and gives back memory and files when it is dropped.

use std::{path::Path, sync::Arc};

use arrow::{array::RecordBatch, compute::BatchCoalescer, datatypes::SchemaRef};
use async_trait::async_trait;
use datafusion::{
    catalog::{MemTable, Session, TableProvider},
    common::{internal_datafusion_err, runtime::SpawnedTask},
    error::{DataFusionError, Result},
    execution::{
        SendableRecordBatchStream, SpillFile, SpillWriter,
        disk_manager::DiskManager,
        memory_pool::{MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation},
    },
    logical_expr::{Expr, TableProviderFilterPushDown, TableType},
    physical_plan::{ExecutionPlan, execute_stream_partitioned},
    prelude::SessionContext,
};
use futures::StreamExt;
use parquet::{
    arrow::ArrowWriter,
    basic::Compression,
    file::properties::{EnabledStatistics, WriterProperties},
};

use crate::{
    engine::{SnapshotTable, TablePartition},
    record::{PartitionValues, StoredAt},
};

/// One stream of a part holds at most this part of the session's memory.
const SHARE_OF_MEMORY: usize = 16;
/// Rows of a kept batch.
const BATCH_ROWS: usize = 8192;

/// Returns a table without rows: for those who only look at plans.
pub(super) fn nothing(schema: SchemaRef) -> Result<Arc<dyn TableProvider>> {
    Ok(Arc::new(MemTable::try_new(schema, vec![Vec::new()])?))
}

/// Runs operators and keeps their rows.
///
/// # Errors
/// Those of the operators, and of a disk that refuses.
pub(super) async fn rows_of(
    plan: Arc<dyn ExecutionPlan>,
    schema: SchemaRef,
    session: &SessionContext,
) -> Result<Arc<dyn TableProvider>> {
    let place = Place::new(schema, session);
    let streams = execute_stream_partitioned(plan, session.task_ctx())?;
    let running: Vec<_> =
        streams.into_iter().map(|stream| SpawnedTask::spawn(Kept::new(place.clone()).filled(stream))).collect();
    // In the order of the streams, whichever ends first.
    let mut kept = Vec::with_capacity(running.len());
    for stream in running {
        kept.push(stream.join().await.map_err(|stopped| DataFusionError::ExecutionJoin(Box::new(stopped)))??);
    }
    match kept.iter().any(|kept| kept.file.is_some()) {
        true => place.table_of_files(kept),
        false => place.table_in_memory(kept),
    }
}

/// Where rows are kept.
#[derive(Clone)]
struct Place {
    schema: SchemaRef,
    memory: Arc<dyn MemoryPool>,
    disk: Arc<DiskManager>,
    /// Bytes of one stream.
    limit: usize,
}

impl Place {
    fn new(schema: SchemaRef, session: &SessionContext) -> Self {
        let runtime = session.runtime_env();
        let memory = Arc::clone(&runtime.memory_pool);
        let limit = match memory.memory_limit() {
            MemoryLimit::Finite(bytes) => bytes / SHARE_OF_MEMORY,
            MemoryLimit::Infinite | MemoryLimit::Unknown => usize::MAX,
        };
        Self { schema, memory, disk: Arc::clone(&runtime.disk_manager), limit }
    }

    fn table_in_memory(&self, kept: Vec<Kept>) -> Result<Arc<dyn TableProvider>> {
        let (mut partitions, mut held) = (Vec::new(), Vec::new());
        for kept in kept {
            partitions.push(kept.batches);
            held.push(kept.reservation);
        }
        let rows = Box::new(MemTable::try_new(Arc::clone(&self.schema), partitions)?);
        Ok(Arc::new(KeptTable { rows, _memory: held, _files: Vec::new() }))
    }

    fn table_of_files(&self, kept: Vec<Kept>) -> Result<Arc<dyn TableProvider>> {
        let mut partition = TablePartition { values: PartitionValues::default(), files: Vec::new(), rows: 0 };
        let mut files = Vec::new();
        for mut kept in kept {
            kept.move_to_disk()?;
            let Some(file) = kept.file else { continue };
            let (file, rows, bytes) = file.finish()?;
            partition.rows += rows;
            partition.files.push((StoredAt::Disk(path_of(&file)?.to_owned()), bytes));
            files.push(file);
        }
        let rows = Box::new(SnapshotTable::new(Arc::clone(&self.schema), Vec::new(), vec![partition]));
        Ok(Arc::new(KeptTable { rows, _memory: Vec::new(), _files: files }))
    }
}

/// The rows of one stream.
struct Kept {
    place: Place,
    short: BatchCoalescer,
    batches: Vec<RecordBatch>,
    reservation: MemoryReservation,
    file: Option<RowFile>,
}

impl Kept {
    fn new(place: Place) -> Self {
        let short = BatchCoalescer::new(Arc::clone(&place.schema), BATCH_ROWS);
        let reservation = MemoryConsumer::new("PartOfQuery").register(&place.memory);
        Self { place, short, batches: Vec::new(), reservation, file: None }
    }

    async fn filled(mut self, mut stream: SendableRecordBatchStream) -> Result<Self> {
        while let Some(batch) = stream.next().await {
            let batch = batch?;
            // Metadata of fields may differ; columns of other types would be an error.
            let batch = RecordBatch::try_new(Arc::clone(&self.place.schema), batch.columns().to_vec())?;
            self.short.push_batch(batch)?;
            self.take_whole()?;
        }
        self.short.finish_buffered_batch()?;
        self.take_whole()?;
        Ok(self)
    }

    fn take_whole(&mut self) -> Result<()> {
        while let Some(batch) = self.short.next_completed_batch() {
            let bytes = batch.get_array_memory_size();
            let has_room = self.file.is_none()
                && self.reservation.size() + bytes <= self.place.limit
                && self.reservation.try_grow(bytes).is_ok();
            self.batches.push(batch);
            if !has_room {
                self.move_to_disk()?;
            }
        }
        Ok(())
    }

    /// Writes what is held to the file, which is made if there is none.
    fn move_to_disk(&mut self) -> Result<()> {
        if self.file.is_none() && !self.batches.is_empty() {
            self.file = Some(RowFile::create(&self.place)?);
        }
        if let Some(file) = &mut self.file {
            self.batches.drain(..).try_for_each(|batch| file.writer.write(&batch))?;
        }
        self.reservation.free();
        Ok(())
    }
}

/// A temporary file of rows; it is gone when nobody holds it any more.
struct RowFile {
    file: Arc<dyn SpillFile>,
    writer: ArrowWriter<Box<dyn SpillWriter>>,
}

impl RowFile {
    fn create(place: &Place) -> Result<Self> {
        let file = place.disk.create_tmp_file("part of a query")?;
        let options = WriterProperties::builder()
            .set_compression(Compression::LZ4_RAW)
            .set_statistics_enabled(EnabledStatistics::None)
            .build();
        let writer = ArrowWriter::try_new(file.open_writer()?, Arc::clone(&place.schema), Some(options))?;
        Ok(Self { file, writer })
    }

    /// Ends the file and returns it with its rows and bytes.
    fn finish(self) -> Result<(Arc<dyn SpillFile>, u64, u64)> {
        let mut writer = self.writer;
        let rows = writer.finish()?.file_metadata().num_rows();
        let bytes = u64::try_from(writer.bytes_written()).unwrap_or(u64::MAX);
        writer.inner_mut().finish()?;
        Ok((self.file, u64::try_from(rows).unwrap_or_default(), bytes))
    }
}

fn path_of(file: &Arc<dyn SpillFile>) -> Result<&Path> {
    file.path().ok_or_else(|| internal_datafusion_err!("a temporary file has no path"))
}

/// A table with what its rows lie in.
struct KeptTable {
    rows: Box<dyn TableProvider>,
    _memory: Vec<MemoryReservation>,
    _files: Vec<Arc<dyn SpillFile>>,
}

impl std::fmt::Debug for KeptTable {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.rows.fmt(formatter)
    }
}

#[async_trait]
impl TableProvider for KeptTable {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Temporary
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        self.rows.supports_filters_pushdown(filters)
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.rows.scan(state, projection, filters, limit).await
    }
}
