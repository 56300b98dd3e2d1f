//! Writes whole partitions, one after the other or from several threads.
//!
//! In: the values of a partition and batches of its rows in any order. Out: its files and its [`Partition`] of the
//! manifest. Deliberately absent: bringing the rows of a partition together, which [`PartitionRouter`] helps with.

use std::{path::Path, path::PathBuf, sync::Arc};

use arrow::{array::RecordBatch, datatypes::SchemaRef};

use super::{
    TableSpec, WriterOptions,
    bucket::{Bucket, Manner},
    plan::Plan,
    route::PartitionRouter,
};
use crate::{
    publish::{Error, layout},
    record::{PartitionValues, manifest::Partition},
    storage::local::{self, PRIVATE_MODE, spill::SpillFile},
};

/// Sorting and encoding need about as much again as the rows and their order.
pub(super) const BUDGET_SHARE: usize = 2;

/// Writes the partitions of one table; threads share it.
#[derive(Debug)]
pub struct PartitionWriter {
    pub(super) plan: Arc<Plan>,
    pub(super) options: WriterOptions,
    /// `<staging>/<schema>/<table>/data`.
    pub(super) folder: PathBuf,
    router: PartitionRouter,
}

impl PartitionWriter {
    /// Prepares to write a table below a staging folder.
    ///
    /// # Errors
    /// When the spec names a column that is not there or a type that cannot be stored, or the disk refuses.
    pub fn create(spec: TableSpec, staging: &Path, options: WriterOptions) -> Result<Self, Error> {
        let folder = staging.join(layout::data_path(&spec.name));
        let mode = spec.name.is_private().then_some(PRIVATE_MODE);
        let plan = Arc::new(Plan::new(spec)?);
        local::create_dir_all(&folder, mode)?;
        let router = PartitionRouter::new(&plan)?;
        Ok(Self { plan, options, folder, router })
    }

    /// Returns all columns of the table as they are stored, partition columns included.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.plan.schema
    }

    /// Returns the columns of the files: all but the partition columns.
    #[must_use]
    pub fn data_schema(&self) -> &SchemaRef {
        &self.plan.data_schema
    }

    /// Returns a batch of all columns in the types in which they are stored.
    ///
    /// # Errors
    /// When its columns are not those of the table in name and order, or a value does not fit its stored type.
    pub fn conform(&self, batch: &RecordBatch) -> Result<RecordBatch, Error> {
        self.plan.conform(batch)
    }

    /// Returns what splits batches by partition; each thread takes its own.
    #[must_use]
    pub fn router(&self) -> PartitionRouter {
        self.router.fresh()
    }

    /// Writes one partition: batches of the columns of the files, in any order. Beyond `memory_bytes` sorted runs are
    /// spilled beside the files. The fingerprint stays empty.
    ///
    /// # Errors
    /// When `rows` gives an error, has other columns, or files cannot be written.
    pub fn write<E: From<Error>>(
        &self,
        values: &PartitionValues,
        rows: impl Iterator<Item = Result<RecordBatch, E>>,
        memory_bytes: usize,
    ) -> Result<Partition, E> {
        let mut bucket = Bucket::new(Arc::new(values.clone()), &self.plan);
        let mut file = None;
        for batch in rows {
            bucket.push(self.plan.conform_data(batch?)?, &self.plan)?;
            if bucket.bytes() > memory_bytes / BUDGET_SHARE || bucket.is_full() {
                self.spill(&mut bucket, &mut file)?;
            }
        }
        Ok(self.finish(bucket, Manner::Alternating)?)
    }

    /// Returns the partitions of a table without rows: one with a file that shows its columns, or none where the table is
    /// partitioned.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn empty(&self) -> Result<Vec<Partition>, Error> {
        if !self.plan.partition_columns.is_empty() {
            return Ok(Vec::new());
        }
        Ok(vec![self.finish(Bucket::new(Arc::default(), &self.plan), Manner::Alternating)?])
    }

    /// Moves what a bucket holds in memory to a spill file, which is created when it is needed.
    pub(super) fn spill(&self, bucket: &mut Bucket, file: &mut Option<SpillFile>) -> Result<(), Error> {
        if file.is_none() {
            *file = Some(SpillFile::create(&self.folder)?);
        }
        file.as_mut().map_or(Ok(()), |file| bucket.spill(&self.plan, file))
    }

    pub(super) fn finish(&self, bucket: Bucket, manner: Manner) -> Result<Partition, Error> {
        bucket.finish(&self.plan, &self.folder, &self.options, manner)
    }
}
