//! The rows of one partition: collected, spilled as sorted runs, and in the end written.
//!
//! In: batches of the files' columns. Out: the parts of a [`Partition`]. What a bucket does not decide is when to spill:
//! whoever holds it does, and knows the other buckets.

use std::{
    path::Path,
    sync::{Arc, mpsc::sync_channel},
    thread,
};

use arrow::{array::RecordBatch, compute::concat_batches};

use super::{
    WriterOptions,
    content::Contents,
    file::PartitionFiles,
    latest::LatestDate,
    merge::{self, SortedRows, SpilledRun},
    plan::Plan,
    sort::{MOST_BATCHES, MemoryRun, SORTED_ROW_BYTES},
};
use crate::{
    publish::Error,
    record::{PartitionValues, manifest::Partition},
    storage::local::spill::SpillFile,
};

/// Rows below which pieces are put together, so that a partition is not a heap of tiny arrays.
const PIECE_ROWS: usize = 4_096;
/// The same for the number of pieces.
const MOST_PIECES: usize = 16;
/// Bytes that a column of a batch costs besides its values.
const ARRAY_BYTES: usize = 192;

/// How a partition is written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Manner {
    /// On one thread, since other partitions have the others.
    Alternating,
    /// On two.
    AtOnce,
}

/// The rows of one partition.
#[derive(Debug)]
pub(super) struct Bucket {
    /// The partition's values.
    pub values: Arc<PartitionValues>,
    pieces: Vec<RecordBatch>,
    piece_rows: usize,
    batches: Vec<RecordBatch>,
    bytes: usize,
    rows: u64,
    runs: Vec<SpilledRun>,
    latest: LatestDate,
}

impl Bucket {
    pub fn new(values: Arc<PartitionValues>, plan: &Plan) -> Self {
        let latest = LatestDate::new(&values, plan);
        let (pieces, batches, runs) = (Vec::new(), Vec::new(), Vec::new());
        Self { values, pieces, piece_rows: 0, batches, bytes: 0, rows: 0, runs, latest }
    }

    /// Returns the bytes that the rows in memory need, sorting them included.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns whether no more rows can be sorted at once.
    pub const fn is_full(&self) -> bool {
        self.batches.len() > MOST_BATCHES / 4
    }

    pub fn push(&mut self, rows: RecordBatch, plan: &Plan) -> Result<(), Error> {
        self.latest.see(&rows, plan);
        let row_bytes = bytes(&rows);
        self.bytes += row_bytes + rows.num_rows() * SORTED_ROW_BYTES + rows.num_columns() * ARRAY_BYTES;
        self.rows += rows.num_rows() as u64;
        // A slice would keep the whole of a larger array in memory.
        let is_slice = rows.get_array_memory_size() > row_bytes.saturating_mul(2).saturating_add(PIECE_ROWS);
        if rows.num_rows() >= PIECE_ROWS && !is_slice {
            self.batches.push(rows);
            return Ok(());
        }
        self.piece_rows += rows.num_rows();
        self.pieces.push(rows);
        if self.piece_rows >= PIECE_ROWS || self.pieces.len() >= MOST_PIECES { self.join(plan) } else { Ok(()) }
    }

    /// Puts the pieces together to one, which is a batch when it is large enough.
    fn join(&mut self, plan: &Plan) -> Result<(), Error> {
        let pieces = std::mem::take(&mut self.pieces);
        let Some(spared) = pieces.len().checked_sub(1) else { return Ok(()) };
        let joined = concat_batches(&plan.data_schema, &pieces).map_err(|source| plan.rows_error(source))?;
        self.bytes -= spared * joined.num_columns() * ARRAY_BYTES;
        if self.piece_rows >= PIECE_ROWS {
            self.batches.push(joined);
            self.piece_rows = 0;
        } else {
            self.pieces.push(joined);
        }
        Ok(())
    }

    /// Sorts what is in memory.
    fn sort(&mut self, plan: &Plan) -> Result<MemoryRun, Error> {
        self.join(plan)?;
        let mut batches = std::mem::take(&mut self.batches);
        batches.append(&mut self.pieces);
        (self.bytes, self.piece_rows) = (0, 0);
        MemoryRun::new(batches, plan)
    }

    /// Moves what is in memory to the spill file.
    pub fn spill(&mut self, plan: &Plan, file: &mut SpillFile) -> Result<(), Error> {
        let rows = SortedRows::Memory(self.sort(plan)?);
        self.runs.push(merge::spill(rows, plan, file)?);
        Ok(())
    }

    /// Writes the partition's files below the table's folder; `manner` changes nothing but the time.
    pub fn finish(
        mut self,
        plan: &Plan,
        folder: &Path,
        options: &WriterOptions,
        manner: Manner,
    ) -> Result<Partition, Error> {
        let memory = self.sort(plan)?;
        let runs = merge::merge_down(std::mem::take(&mut self.runs), plan)?;
        let mut rows = SortedRows::new(Some(memory), runs, plan)?;
        let mut contents = Contents::new(plan)?;
        let mut files = PartitionFiles::new(plan, folder, &self.values, self.rows, options)?;
        let portion = files.portion();
        let next = || {
            let chunk = rows.next(portion, plan)?;
            chunk.as_ref().map_or(Ok(()), |chunk| contents.add(chunk, plan))?;
            Ok(chunk)
        };
        match manner {
            Manner::Alternating => write(next, &mut files)?,
            Manner::AtOnce => write_at_once(next, &mut files)?,
        }
        let files = files.finish()?;
        let column_contents = contents.of_columns(plan);
        Ok(Partition {
            fingerprint: String::new(),
            content: super::content::of_partition(plan, &self.values, self.rows, &column_contents),
            column_contents,
            file_columns: Vec::new(),
            rows: self.rows,
            latest_date: self.latest.date(plan),
            files,
            values: Arc::unwrap_or_clone(self.values),
        })
    }
}

/// Writes chunk after chunk.
fn write(
    mut next: impl FnMut() -> Result<Option<RecordBatch>, Error>,
    files: &mut PartitionFiles<'_>,
) -> Result<(), Error> {
    while let Some(chunk) = next()? {
        files.write(&chunk)?;
    }
    Ok(())
}

/// Writes chunk after chunk while the next one is taken and hashed.
fn write_at_once(
    mut next: impl FnMut() -> Result<Option<RecordBatch>, Error>,
    files: &mut PartitionFiles<'_>,
) -> Result<(), Error> {
    let (give, take) = sync_channel::<RecordBatch>(1);
    thread::scope(|scope| {
        let writing = scope.spawn(move || take.into_iter().try_for_each(|chunk| files.write(&chunk)));
        let taken = loop {
            match next() {
                Ok(Some(chunk)) => {
                    // Whoever writes has failed, and says why.
                    if give.send(chunk).is_err() {
                        break Ok(());
                    }
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        drop(give);
        let written = writing.join().unwrap_or_else(|payload| std::panic::resume_unwind(payload));
        taken.and(written)
    })
}

/// Returns the bytes of a batch's rows, even where it is a slice of larger arrays.
pub(super) fn bytes(batch: &RecordBatch) -> usize {
    let of = |column: &arrow::array::ArrayRef| column.to_data().get_slice_memory_size();
    batch.columns().iter().map(|column| of(column).unwrap_or_else(|_| column.get_array_memory_size())).sum()
}
