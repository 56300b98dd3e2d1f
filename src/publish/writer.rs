//! Writes one table: any batches in, sorted Parquet partitions with content hashes out.
//!
//! ```text
//!  write(batch) ─► conform ─► route by partition ─► buckets ──────────────► finish: per partition, in parallel
//!                  stored      row-encoded values    rows by partition      sort or merge ─► hash ─► files by row count
//!                  types       → group ids           │ over the budget:
//!                                                    └─► sorted runs in one nameless spill file
//! ```
//!
//! The files and hashes are a function of the set of rows alone: not of their order, of how they were cut into batches,
//! of the memory budget or of the number of threads. Deliberately absent: duplicates (a check's matter) and whatever
//! makes files visible (`commit`).

mod bucket;
mod content;
mod file;
mod latest;
mod plan;
mod route;
mod sort;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use arrow::{array::RecordBatch, compute::concat_batches, datatypes::SchemaRef};
use chrono_tz::Tz;

use self::{bucket::Bucket, plan::Plan, route::Router};
use super::{Error, layout};
use crate::{
    record::{TableName, manifest::Partition},
    storage::local::{self, PRIVATE_MODE, spill::SpillFile},
};

/// Rows that are routed at once, so that the pieces of a batch with many partitions are not tiny.
const ROUTED_ROWS: usize = 65_536;
/// Bytes that are routed at once, where rows are wide.
const ROUTED_BYTES: usize = 32 << 20;
/// Sorting and encoding need up to four times the bytes of the rows themselves.
const BUDGET_SHARE: usize = 4;

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

/// How a table is written. Only `rows_per_file` and `zstd_level` change the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriterOptions {
    /// Bytes that the writer may hold before it spills.
    pub memory_bytes: usize,
    /// Partitions that are finished at once.
    pub threads: usize,
    /// Rows of a full file.
    pub rows_per_file: usize,
    /// Level of compression, 1 to 22.
    pub zstd_level: i32,
}

impl Default for WriterOptions {
    fn default() -> Self {
        Self { memory_bytes: 512 << 20, threads: 1, rows_per_file: 2_097_152, zstd_level: 3 }
    }
}

/// Collects the rows of one table and writes its partitions.
#[derive(Debug)]
pub struct TableWriter {
    plan: Arc<Plan>,
    options: WriterOptions,
    /// `<staging>/<schema>/<table>/data`.
    folder: PathBuf,
    waiting: Vec<RecordBatch>,
    waiting_rows: usize,
    waiting_bytes: usize,
    router: Router,
    buckets: Vec<Bucket>,
    held_bytes: usize,
    spill: Option<SpillFile>,
}

impl TableWriter {
    /// Prepares to write a table below a staging folder.
    ///
    /// # Errors
    /// When the spec names a column that is not there or a type that cannot be stored, or the disk refuses.
    pub fn create(spec: TableSpec, staging: &Path, options: WriterOptions) -> Result<Self, Error> {
        let folder = staging.join(layout::data_path(&spec.name));
        let mode = spec.name.is_private().then_some(PRIVATE_MODE);
        let plan = Arc::new(Plan::new(spec)?);
        local::create_dir_all(&folder, mode)?;
        let router = Router::new(&plan)?;
        let waiting = Vec::new();
        let (buckets, held_bytes, spill) = (plan.unpartitioned_bucket(), 0, None);
        Ok(Self {
            plan,
            options,
            folder,
            waiting,
            waiting_rows: 0,
            waiting_bytes: 0,
            router,
            buckets,
            held_bytes,
            spill,
        })
    }

    /// Returns all columns of the table as they are stored, partition columns included.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.plan.schema
    }

    /// Takes the rows of a batch, whose columns are those of the spec in name and order.
    ///
    /// # Errors
    /// When the batch has another shape, a partition value cannot stand in a path, or spilling fails.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let batch = self.plan.conform(batch)?;
        if batch.num_rows() == 0 {
            return Ok(());
        }
        self.waiting_rows += batch.num_rows();
        self.waiting_bytes += bucket::bytes(&batch);
        self.waiting.push(batch);
        let most_bytes = ROUTED_BYTES.min(self.limit() / 2);
        if self.waiting_rows >= ROUTED_ROWS || self.waiting_bytes >= most_bytes { self.route() } else { Ok(()) }
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
        buckets.sort_by(|one, other| one.values.cmp(&other.values));
        let count = buckets.len();
        let queue = Mutex::new(buckets.into_iter().enumerate());
        let done = Mutex::new(Vec::with_capacity(count));
        std::thread::scope(|scope| {
            for _ in 0..self.options.threads.clamp(1, count.max(1)) {
                scope.spawn(|| self.finish_from(&queue, &done));
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
    ) {
        while let Some((position, bucket)) = { queue.lock().unwrap_or_else(PoisonError::into_inner).next() } {
            let partition = bucket.finish(&self.plan, &self.folder, &self.options);
            let failed = partition.is_err();
            done.lock().unwrap_or_else(PoisonError::into_inner).push((position, partition));
            if failed {
                // Whoever asks next finds the queue empty.
                queue.lock().unwrap_or_else(PoisonError::into_inner).by_ref().for_each(drop);
            }
        }
    }

    /// Returns how many bytes of rows may be held.
    fn limit(&self) -> usize {
        self.options.memory_bytes / BUDGET_SHARE
    }

    /// Puts the waiting rows into their buckets.
    fn route(&mut self) -> Result<(), Error> {
        let waiting = std::mem::take(&mut self.waiting);
        (self.waiting_rows, self.waiting_bytes) = (0, 0);
        if self.plan.partition_columns.is_empty() {
            for batch in waiting {
                self.put(0, batch)?;
            }
            return Ok(());
        }
        if waiting.is_empty() {
            return Ok(());
        }
        let batch = concat_batches(&self.plan.schema, &waiting).map_err(|error| self.plan.rows_error(error))?;
        drop(waiting);
        for (group, rows) in self.router.route(&batch, &self.plan, &mut self.buckets)? {
            self.put(group, rows)?;
        }
        Ok(())
    }

    fn put(&mut self, group: usize, rows: RecordBatch) -> Result<(), Error> {
        let bucket = &mut self.buckets[group];
        let before = bucket.bytes();
        bucket.push(rows, &self.plan)?;
        self.held_bytes += bucket.bytes() - before;
        if self.held_bytes > self.limit() { self.spill() } else { Ok(()) }
    }

    /// Spills the largest buckets until half of the budget is free.
    fn spill(&mut self) -> Result<(), Error> {
        let mut largest: Vec<usize> = (0..self.buckets.len()).collect();
        largest.sort_by_key(|&group| std::cmp::Reverse(self.buckets[group].bytes()));
        let mut file = match self.spill.take() {
            Some(file) => file,
            None => SpillFile::create(&self.folder)?,
        };
        for group in largest {
            if self.held_bytes <= self.limit() / 2 {
                break;
            }
            self.held_bytes -= self.buckets[group].bytes();
            self.buckets[group].spill(&self.plan, &mut file)?;
        }
        self.spill = Some(file);
        Ok(())
    }
}
