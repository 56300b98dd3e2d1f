//! The rows of one partition: collected, spilled as sorted runs, and in the end written.
//!
//! In: batches of the files' columns. Out: a [`Partition`] of the manifest. What a bucket does not decide is when to
//! spill: the writer does, which knows the other buckets.

use std::path::Path;

use arrow::{array::RecordBatch, compute::concat_batches};

use super::{
    WriterOptions,
    content::{self, Contents},
    file::PartitionFiles,
    latest::LatestDate,
    plan::Plan,
    sort::{self, SortedRows, SpilledRun},
};
use crate::{
    publish::Error,
    record::{PartitionValues, manifest::Partition},
    storage::local::spill::SpillFile,
};

/// Rows below which pieces are put together, so that a partition is not a heap of tiny arrays.
const PIECE_ROWS: usize = 8_192;
/// Rows that are sorted, hashed and encoded at once.
const CHUNK_ROWS: usize = 8_192;

/// The rows of one partition.
#[derive(Debug)]
pub(super) struct Bucket {
    /// The partition's values.
    pub values: PartitionValues,
    pieces: Vec<RecordBatch>,
    piece_rows: usize,
    batches: Vec<RecordBatch>,
    bytes: usize,
    rows: u64,
    row_sum: u128,
    runs: Vec<SpilledRun>,
    latest: LatestDate,
}

impl Bucket {
    pub fn new(values: PartitionValues, plan: &Plan) -> Self {
        let latest = LatestDate::new(&values, plan);
        let (pieces, batches, runs) = (Vec::new(), Vec::new(), Vec::new());
        Self { values, pieces, piece_rows: 0, batches, bytes: 0, rows: 0, row_sum: 0, runs, latest }
    }

    /// Returns the bytes of the rows held in memory.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn push(&mut self, rows: RecordBatch, plan: &Plan) -> Result<(), Error> {
        self.latest.see(&rows, plan);
        self.bytes += bytes(&rows);
        self.rows += rows.num_rows() as u64;
        self.piece_rows += rows.num_rows();
        self.pieces.push(rows);
        if self.piece_rows >= PIECE_ROWS { self.join(plan) } else { Ok(()) }
    }

    /// Puts the pieces together to one batch.
    fn join(&mut self, plan: &Plan) -> Result<(), Error> {
        let pieces = std::mem::take(&mut self.pieces);
        self.piece_rows = 0;
        if !pieces.is_empty() {
            let joined = concat_batches(&plan.data_schema, &pieces);
            self.batches.push(joined.map_err(|source| plan.rows_error(source))?);
        }
        Ok(())
    }

    /// Sorts what is in memory.
    fn sort(&mut self, plan: &Plan) -> Result<sort::MemoryRun, Error> {
        self.join(plan)?;
        let run = sort::MemoryRun::new(std::mem::take(&mut self.batches), plan)?;
        self.bytes = 0;
        self.row_sum = self.row_sum.wrapping_add(run.row_sum());
        Ok(run)
    }

    /// Moves what is in memory to the spill file.
    pub fn spill(&mut self, plan: &Plan, file: &mut SpillFile) -> Result<(), Error> {
        let run = self.sort(plan)?;
        self.runs.push(sort::spill(run, plan, file)?);
        Ok(())
    }

    /// Writes the partition's files below the table's folder.
    pub fn finish(mut self, plan: &Plan, folder: &Path, options: &WriterOptions) -> Result<Partition, Error> {
        let memory = self.sort(plan)?;
        let mut rows = SortedRows::new(memory, std::mem::take(&mut self.runs), plan)?;
        let mut contents = Contents::new(plan)?;
        let mut files = PartitionFiles::new(plan, folder, &self.values, self.rows, options)?;
        while let Some(chunk) = rows.next(files.room().min(CHUNK_ROWS), plan)? {
            contents.add(&chunk, plan)?;
            files.write(&chunk)?;
        }
        Ok(Partition {
            fingerprint: String::new(),
            content: content::of_partition(plan, &self.values, self.rows, self.row_sum),
            column_contents: contents.of_columns(plan),
            rows: self.rows,
            latest_date: self.latest.date(plan),
            files: files.finish()?,
            values: self.values,
        })
    }
}

/// Returns the bytes of a batch's rows, even where it is a slice of larger arrays.
pub(super) fn bytes(batch: &RecordBatch) -> usize {
    let of = |column: &arrow::array::ArrayRef| column.to_data().get_slice_memory_size();
    batch.columns().iter().map(|column| of(column).unwrap_or_else(|_| column.get_array_memory_size())).sum()
}
