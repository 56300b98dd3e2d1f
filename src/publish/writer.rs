//! Writes one table: any batches in, sorted Parquet partitions with content hashes out.
//!
//! ```text
//!  TableWriter                                                  PartitionWriter
//!  write(batch) ─► conform ─► route by partition ─► buckets ──► finish: per partition, in parallel
//!                  stored     equal neighbours      rows by     sort or merge ─► hash ─► files by size
//!                  types      looked up once        partition
//!                                                   │ over the budget:
//!                                                   └─► sorted runs in one nameless spill file
//! ```
//!
//! The files and hashes are a function of the set of rows alone: not of their order, of how they were cut into batches,
//! of the memory budget or of the number of threads. Deliberately absent: duplicates (a check's matter) and whatever
//! makes files visible (`commit`).

mod bucket;
mod content;
mod encoding;
mod file;
mod latest;
mod memory;
mod merge;
mod partition;
mod plan;
mod portion;
mod prefix;
mod restate;
mod route;
mod sort;

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use arrow::{array::RecordBatch, compute::interleave_record_batch, datatypes::SchemaRef};
use chrono_tz::Tz;

use self::{
    bucket::{Bucket, Manner},
    memory::Held,
};
pub use self::{
    memory::WriterMemory,
    partition::PartitionWriter,
    restate::restated,
    route::{PartitionRouter, Routes},
};
use super::Error;
use crate::{
    record::{PartitionValues, TableName, manifest::Partition},
    storage::local::spill::SpillFile,
};

/// Bytes that are routed at once, at most, so that the pieces of batches with many partitions are not tiny.
const ROUTED_BYTES: usize = 32 << 20;
/// The share of the budget that they may have.
const ROUTED_SHARE: usize = 8;

/// What a table is, as far as writing it goes.
#[derive(Debug, Clone)]
pub struct TableSpec {
    /// Name, which decides the folder.
    pub name: TableName,
    /// All columns, partition columns included; stored as [`super::stored_schema`] says.
    pub schema: SchemaRef,
    /// Partition columns in order of the path: dates, integers, strings or booleans.
    pub partition_by: Vec<String>,
    /// Key columns, by which files are sorted.
    pub key: Vec<String>,
    /// Date and timestamp columns whose latest local date the manifest keeps.
    pub dates: Vec<String>,
    /// Zone in which a timestamp's local date is taken.
    pub timezone: Tz,
}

/// How a table is written. Only `file_bytes` and `zstd_level` change the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriterOptions {
    /// Bytes that the writer may hold before it spills.
    pub memory_bytes: usize,
    /// Partitions that are finished at once; of fewer than half as many, each is written while the next rows are taken.
    pub threads: usize,
    /// Compressed bytes with which a file is full; it is closed with the portion of rows that reaches them.
    pub file_bytes: usize,
    /// Level of compression, 1 to 22.
    pub zstd_level: i32,
}

impl Default for WriterOptions {
    fn default() -> Self {
        Self { memory_bytes: 512 << 20, threads: 1, file_bytes: 128 << 20, zstd_level: 3 }
    }
}

/// Collects the rows of one table and writes its partitions.
#[derive(Debug)]
pub struct TableWriter {
    writer: PartitionWriter,
    router: PartitionRouter,
    waiting: Vec<RecordBatch>,
    waiting_bytes: usize,
    buckets: Vec<Bucket>,
    positions: HashMap<Arc<PartitionValues>, usize>,
    held: Held,
    spill: Option<SpillFile>,
}

impl TableWriter {
    /// Prepares to write a table below a staging folder.
    ///
    /// # Errors
    /// When the spec names a column that is not there or a type that cannot be stored, or the disk refuses.
    pub fn create(spec: TableSpec, staging: &Path, options: WriterOptions) -> Result<Self, Error> {
        let memory = WriterMemory::new(options.memory_bytes, 1, options.threads);
        Self::sharing(spec, staging, options, Arc::new(memory))
    }

    /// Prepares to write a table as [`Self::create`] does, in memory that writers of other tables have too.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub fn sharing(
        spec: TableSpec,
        staging: &Path,
        options: WriterOptions,
        memory: Arc<WriterMemory>,
    ) -> Result<Self, Error> {
        let writer = PartitionWriter::create(spec, staging, options)?;
        Ok(Self {
            router: writer.router(),
            writer,
            waiting: Vec::new(),
            waiting_bytes: 0,
            buckets: Vec::new(),
            positions: HashMap::new(),
            held: Held::nothing(memory),
            spill: None,
        })
    }

    /// Returns all columns of the table as they are stored, partition columns included.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        self.writer.schema()
    }

    /// Takes the rows of a batch, whose columns are those of the spec in name and order.
    ///
    /// # Errors
    /// When the batch has another shape, a partition value cannot stand in a path, or spilling fails.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let batch = self.writer.conform(batch)?;
        if batch.num_rows() == 0 {
            return Ok(());
        }
        self.waiting_bytes += bucket::bytes(&batch);
        self.waiting.push(batch);
        let most_bytes = ROUTED_BYTES.min(self.writer.options.memory_bytes / ROUTED_SHARE);
        if self.waiting_bytes >= most_bytes { self.route() } else { Ok(()) }
    }

    /// Sorts, hashes and writes what was taken. The partitions come ordered by their values, their fingerprints empty.
    ///
    /// An unpartitioned table without rows has one partition with one file of no rows, so that readers see its columns;
    /// a partitioned one has no partitions.
    ///
    /// # Errors
    /// When rows cannot be sorted or files cannot be written.
    pub fn finish(mut self) -> Result<Vec<Partition>, Error> {
        self.route()?;
        let mut buckets = std::mem::take(&mut self.buckets);
        if buckets.is_empty() {
            return self.writer.empty();
        }
        buckets.sort_by(|one, other| one.values.cmp(&other.values));
        let count = buckets.len();
        let manner = if count * 2 <= self.writer.options.threads { Manner::AtOnce } else { Manner::Alternating };
        let queue = Mutex::new(buckets.into_iter().enumerate());
        let done = Mutex::new(Vec::with_capacity(count));
        std::thread::scope(|scope| {
            for _ in 0..self.writer.options.threads.clamp(1, count) {
                scope.spawn(|| self.finish_from(&queue, &done, manner));
            }
        });
        let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        done.sort_by_key(|(position, _)| *position);
        done.into_iter().map(|(_, partition)| partition).collect()
    }

    /// Finishes partition after partition until none is left or one has failed.
    fn finish_from(
        &self,
        queue: &Mutex<impl Iterator<Item = (usize, Bucket)>>,
        done: &Mutex<Vec<(usize, Result<Partition, Error>)>>,
        manner: Manner,
    ) {
        while let Some((position, bucket)) = { queue.lock().unwrap_or_else(PoisonError::into_inner).next() } {
            let partition = self.writer.finish(bucket, manner);
            let failed = partition.is_err();
            done.lock().unwrap_or_else(PoisonError::into_inner).push((position, partition));
            if failed {
                // Whoever asks next finds the queue empty.
                queue.lock().unwrap_or_else(PoisonError::into_inner).by_ref().for_each(drop);
            }
        }
    }

    /// Puts the waiting rows into their buckets. Batches of one partition go as they are; of the others, the rows of each
    /// partition are copied together.
    fn route(&mut self) -> Result<(), Error> {
        let waiting = std::mem::take(&mut self.waiting);
        self.waiting_bytes = 0;
        let mut mixed: Vec<RecordBatch> = Vec::new();
        let mut rows_of: Vec<(usize, Vec<(usize, usize)>)> = Vec::new();
        let mut list_of: HashMap<usize, usize> = HashMap::new();
        for batch in waiting {
            let routes = self.router.route(&batch)?;
            let batch = self.router.gather(&batch, None)?;
            for (values, rows) in routes {
                let position = self.position(&values);
                let Some(rows) = rows else {
                    self.put(position, batch.clone())?;
                    continue;
                };
                let list = *list_of.entry(position).or_insert_with(|| {
                    rows_of.push((position, Vec::new()));
                    rows_of.len() - 1
                });
                rows_of[list].1.extend(rows.values().iter().map(|&row| (mixed.len(), row as usize)));
            }
            mixed.push(batch);
        }
        let mixed: Vec<&RecordBatch> = mixed.iter().collect();
        for (position, rows) in rows_of {
            let rows = interleave_record_batch(&mixed, &rows);
            self.put(position, rows.map_err(|source| self.writer.plan.rows_error(source))?)?;
        }
        Ok(())
    }

    /// Returns the position of a partition's bucket, which is created when it is seen for the first time.
    fn position(&mut self, values: &Arc<PartitionValues>) -> usize {
        if let Some(&position) = self.positions.get(values) {
            return position;
        }
        self.buckets.push(Bucket::new(values.clone(), &self.writer.plan));
        self.positions.insert(values.clone(), self.buckets.len() - 1);
        self.buckets.len() - 1
    }

    fn put(&mut self, position: usize, rows: RecordBatch) -> Result<(), Error> {
        let bucket = &mut self.buckets[position];
        let before = bucket.bytes();
        bucket.push(rows, &self.writer.plan)?;
        self.held.change(before, bucket.bytes());
        if bucket.is_full() {
            self.spill_bucket(position)?;
        }
        if self.held.is_too_much() { self.spill() } else { Ok(()) }
    }

    /// Spills the largest buckets until half of the writer's share is free.
    fn spill(&mut self) -> Result<(), Error> {
        let mut largest: Vec<usize> = (0..self.buckets.len()).collect();
        largest.sort_by_key(|&position| std::cmp::Reverse(self.buckets[position].bytes()));
        for position in largest {
            if self.held.is_little() {
                break;
            }
            self.spill_bucket(position)?;
        }
        Ok(())
    }

    fn spill_bucket(&mut self, position: usize) -> Result<(), Error> {
        let bucket = &mut self.buckets[position];
        self.held.change(bucket.bytes(), 0);
        self.writer.spill(bucket, &mut self.spill)
    }
}
