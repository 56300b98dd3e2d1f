//! Sorts a partition's rows: in memory where they fit, else by merging sorted runs from the spill file.
//!
//! In: batches of the files' columns. Out: [`SortedRows`], from which exactly as many rows are taken as the files need.
//! The order is by the key, then by all other columns, so that equal sets of rows give equal bytes. Rows that compare
//! equal are equal, so which of them comes first does not matter.

use std::{cmp::Ordering, io::BufReader};

use arrow::{
    array::{ArrayRef, RecordBatch},
    compute::interleave_record_batch,
    ipc::{
        CompressionType,
        reader::StreamReader,
        writer::{IpcWriteOptions, StreamWriter},
    },
    row::{Row, RowConverter, Rows},
};

use super::{content::sum_rows, plan::Plan};
use crate::{
    publish::Error,
    storage::local::spill::{Segment, SpillFile},
};

/// Rows of a run that are in memory at once while it is merged.
const SPILLED_CHUNK_ROWS: usize = 2_048;

/// A position: batch and row.
type At = (usize, usize);

/// Rows in memory with the order in which they are taken.
pub(super) struct MemoryRun {
    batches: Vec<RecordBatch>,
    encoded: Vec<Rows>,
    order: Vec<At>,
}

impl MemoryRun {
    /// Sorts batches.
    pub fn new(batches: Vec<RecordBatch>, plan: &Plan) -> Result<Self, Error> {
        let converter = plan.converter(&plan.sort_columns)?;
        let encoded: Vec<Rows> =
            batches.iter().map(|batch| encode(batch, &converter, plan)).collect::<Result<_, _>>()?;
        let positions = |(batch, rows): (usize, &Rows)| (0..rows.num_rows()).map(move |row| (batch, row));
        let mut order: Vec<At> = encoded.iter().enumerate().flat_map(positions).collect();
        order.sort_unstable_by(|one, other| encoded[one.0].row(one.1).cmp(&encoded[other.0].row(other.1)));
        Ok(Self { batches, encoded, order })
    }

    /// Returns the sum of the rows' hashes.
    pub fn row_sum(&self) -> u128 {
        self.encoded.iter().map(sum_rows).fold(0, u128::wrapping_add)
    }
}

/// A sorted run in the spill file.
#[derive(Debug)]
pub(super) struct SpilledRun {
    segment: Segment,
    folder: std::path::PathBuf,
}

/// Appends a sorted run to the spill file.
pub(super) fn spill(run: MemoryRun, plan: &Plan, file: &mut SpillFile) -> Result<SpilledRun, Error> {
    let (start, folder) = (file.length(), file.folder().to_owned());
    let written = write_run(run, plan, file);
    written.map_err(|error| match error {
        Error::Rows { source, .. } => plan.spill_error(&folder, source),
        other => other,
    })?;
    Ok(SpilledRun { segment: file.segment_from(start), folder })
}

fn write_run(run: MemoryRun, plan: &Plan, file: &mut SpillFile) -> Result<(), Error> {
    let failed = |source| plan.rows_error(source);
    let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::LZ4_FRAME)).map_err(failed)?;
    let buffered = std::io::BufWriter::with_capacity(1 << 18, file);
    let mut writer = StreamWriter::try_new_with_options(buffered, &plan.data_schema, options).map_err(failed)?;
    let mut rows = SortedRows::new(run, Vec::new(), plan)?;
    while let Some(chunk) = rows.next(SPILLED_CHUNK_ROWS, plan)? {
        writer.write(&chunk).map_err(failed)?;
    }
    writer.finish().map_err(failed)?;
    let mut buffered = writer.into_inner().map_err(failed)?;
    std::io::Write::flush(&mut buffered).map_err(|error| failed(error.into()))
}

/// All rows of a partition in order, as a merge of runs.
pub(super) struct SortedRows {
    /// Batches from which rows are taken: those in memory first, then the present chunk of each spilled run and, until
    /// the next output is built, the chunks before it.
    slots: Vec<RecordBatch>,
    /// How many of the slots are in memory for good.
    memory_slots: usize,
    cursors: Vec<Cursor>,
    /// Positions in `cursors` that have rows left, the smallest row first: a binary heap.
    heap: Vec<usize>,
}

/// The next row of one run.
enum Cursor {
    Memory { encoded: Vec<Rows>, order: std::vec::IntoIter<At>, at: At },
    Spilled { run: Box<RunReader>, at: At },
}

struct RunReader {
    reader: StreamReader<BufReader<Segment>>,
    folder: std::path::PathBuf,
    converter: RowConverter,
    encoded: Rows,
}

impl Cursor {
    /// Stands for a run of which every row was taken, and holds no memory.
    fn spent() -> Self {
        Self::Memory { encoded: Vec::new(), order: Vec::new().into_iter(), at: (0, 0) }
    }

    /// Returns the next row for comparing.
    fn row(&self) -> Row<'_> {
        match self {
            Self::Memory { encoded, at, .. } => encoded[at.0].row(at.1),
            Self::Spilled { run, at } => run.encoded.row(at.1),
        }
    }

    /// Returns where the next row lies in the slots.
    const fn at(&self) -> At {
        match self {
            Self::Memory { at, .. } | Self::Spilled { at, .. } => *at,
        }
    }

    /// Returns the slot of a spilled run's present chunk.
    const fn chunk(&mut self) -> Option<&mut At> {
        match self {
            Self::Memory { .. } => None,
            Self::Spilled { at, .. } => Some(at),
        }
    }

    /// Steps to the row after; false at the end of the run.
    fn advance(&mut self, slots: &mut Vec<RecordBatch>, plan: &Plan) -> Result<bool, Error> {
        match self {
            Self::Memory { order, at, .. } => Ok(order.next().map(|next| *at = next).is_some()),
            Self::Spilled { run, at } if at.1 + 1 < run.encoded.num_rows() => {
                at.1 += 1;
                Ok(true)
            }
            Self::Spilled { run, at } => {
                let Some(batch) = run.next(plan)? else { return Ok(false) };
                slots.push(batch);
                *at = (slots.len() - 1, 0);
                Ok(true)
            }
        }
    }
}

impl RunReader {
    fn open(run: SpilledRun, plan: &Plan) -> Result<Self, Error> {
        let buffered = BufReader::with_capacity(1 << 16, run.segment);
        let reader = StreamReader::try_new(buffered, None).map_err(|source| plan.spill_error(&run.folder, source))?;
        let converter = plan.converter(&plan.sort_columns)?;
        Ok(Self { reader, folder: run.folder, encoded: converter.empty_rows(0, 0), converter })
    }

    fn next(&mut self, plan: &Plan) -> Result<Option<RecordBatch>, Error> {
        let Some(batch) = self.reader.next() else { return Ok(None) };
        let batch = batch.map_err(|source| plan.spill_error(&self.folder, source))?;
        self.encoded = encode(&batch, &self.converter, plan)?;
        Ok(Some(batch))
    }
}

impl SortedRows {
    /// Merges the rows in memory with the runs on disk.
    pub fn new(memory: MemoryRun, spilled: Vec<SpilledRun>, plan: &Plan) -> Result<Self, Error> {
        let (memory_slots, slots) = (memory.batches.len(), memory.batches);
        let mut rows = Self { slots, memory_slots, cursors: Vec::new(), heap: Vec::new() };
        let mut order = memory.order.into_iter();
        if let Some(at) = order.next() {
            rows.push(Cursor::Memory { encoded: memory.encoded, order, at });
        }
        for run in spilled {
            let mut run = Box::new(RunReader::open(run, plan)?);
            if let Some(batch) = run.next(plan)? {
                rows.slots.push(batch);
                rows.push(Cursor::Spilled { run, at: (rows.slots.len() - 1, 0) });
            }
        }
        for root in (0..rows.heap.len() / 2).rev() {
            rows.sift_down(root);
        }
        Ok(rows)
    }

    fn push(&mut self, cursor: Cursor) {
        self.heap.push(self.cursors.len());
        self.cursors.push(cursor);
    }

    /// Returns the next `count` rows, fewer at the end, None after it.
    pub fn next(&mut self, count: usize, plan: &Plan) -> Result<Option<RecordBatch>, Error> {
        let mut taken: Vec<At> = Vec::with_capacity(count);
        while taken.len() < count
            && let Some(&smallest) = self.heap.first()
        {
            let cursor = &mut self.cursors[smallest];
            taken.push(cursor.at());
            if !cursor.advance(&mut self.slots, plan)? {
                *cursor = Cursor::spent();
                self.heap.swap_remove(0);
            }
            self.sift_down(0);
        }
        if taken.is_empty() {
            return Ok(None);
        }
        let slots: Vec<&RecordBatch> = self.slots.iter().collect();
        let rows = interleave_record_batch(&slots, &taken).map_err(|source| plan.rows_error(source))?;
        self.forget_read_chunks();
        Ok(Some(rows))
    }

    /// Drops the chunks of spilled runs of which every row was taken.
    fn forget_read_chunks(&mut self) {
        let mut present: Vec<&mut At> = self.cursors.iter_mut().filter_map(Cursor::chunk).collect();
        // In order of their slots, so that a chunk never takes the place of one that is still to be moved.
        present.sort();
        let mut next = self.memory_slots;
        for at in present {
            self.slots.swap(next, at.0);
            at.0 = next;
            next += 1;
        }
        self.slots.truncate(next);
    }

    /// Restores the heap below `root`.
    fn sift_down(&mut self, mut root: usize) {
        loop {
            let smallest = [2 * root + 1, 2 * root + 2].into_iter().fold(root, |smallest, child| {
                if child < self.heap.len() && self.compare(child, smallest) == Ordering::Less {
                    child
                } else {
                    smallest
                }
            });
            if smallest == root {
                return;
            }
            self.heap.swap(root, smallest);
            root = smallest;
        }
    }

    fn compare(&self, one: usize, other: usize) -> Ordering {
        self.cursors[self.heap[one]].row().cmp(&self.cursors[self.heap[other]].row())
    }
}

fn encode(batch: &RecordBatch, converter: &RowConverter, plan: &Plan) -> Result<Rows, Error> {
    let columns: Vec<ArrayRef> = plan.sort_columns.iter().map(|&column| batch.column(column).clone()).collect();
    converter.convert_columns(&columns).map_err(|source| plan.rows_error(source))
}
