//! Merges sorted runs: the rows in memory with those in the spill file.
//!
//! In: a [`MemoryRun`] and [`SpilledRun`]s. Out: [`SortedRows`], from which exactly as many rows are taken as the files
//! need. Of each run only a piece is in memory. Deliberately absent: how rows in memory are sorted (`sort`).

use std::{cell::OnceCell, cmp::Ordering, io::BufReader, path::PathBuf};

use arrow::{
    array::{ArrayRef, RecordBatch},
    compute::interleave_record_batch,
    ipc::{
        CompressionType,
        reader::StreamReader,
        writer::{IpcWriteOptions, StreamWriter},
    },
    row::{RowConverter, Rows},
};

use super::{plan::Plan, portion::Portion, sort::MemoryRun};
use crate::{
    publish::Error,
    storage::local::spill::{Segment, SpillFile},
};

/// What is in memory of a run at once while it is merged.
const PIECE: Portion = Portion { rows: 2_048, bytes: 256 << 10 };
/// Runs that are merged at once.
const MOST_RUNS: usize = 64;

/// A position: slot and row.
type At = (usize, usize);

/// A sorted run in the spill file.
#[derive(Debug)]
pub(super) struct SpilledRun {
    segment: Segment,
    folder: PathBuf,
}

/// Appends sorted rows to the spill file.
pub(super) fn spill(rows: SortedRows, plan: &Plan, file: &mut SpillFile) -> Result<SpilledRun, Error> {
    let (start, folder) = (file.length(), file.folder().to_owned());
    let written = write_run(rows, plan, file);
    written.map_err(|error| match error {
        Error::Rows { source, .. } => plan.spill_error(&folder, source),
        other => other,
    })?;
    Ok(SpilledRun { segment: file.segment_from(start), folder })
}

fn write_run(mut rows: SortedRows, plan: &Plan, file: &mut SpillFile) -> Result<(), Error> {
    let failed = |source| plan.rows_error(source);
    let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::LZ4_FRAME)).map_err(failed)?;
    let buffered = std::io::BufWriter::with_capacity(1 << 18, file);
    let mut writer = StreamWriter::try_new_with_options(buffered, &plan.data_schema, options).map_err(failed)?;
    while let Some(piece) = rows.next(PIECE, plan)? {
        writer.write(&piece).map_err(failed)?;
    }
    writer.finish().map_err(failed)?;
    let mut buffered = writer.into_inner().map_err(failed)?;
    std::io::Write::flush(&mut buffered).map_err(|error| failed(error.into()))
}

/// Merges runs until so few are left that their pieces fit into memory together.
pub(super) fn merge_down(mut runs: Vec<SpilledRun>, plan: &Plan) -> Result<Vec<SpilledRun>, Error> {
    let Some(folder) = runs.first().map(|run| run.folder.clone()) else { return Ok(runs) };
    while runs.len() > MOST_RUNS {
        // A file of its own, so that the space of the runs before is given back as soon as they are read.
        let mut file = SpillFile::create(&folder)?;
        let mut merged = Vec::new();
        while !runs.is_empty() {
            let group: Vec<SpilledRun> = runs.drain(..runs.len().min(MOST_RUNS)).collect();
            merged.push(spill(SortedRows::new(None, group, plan)?, plan, &mut file)?);
        }
        runs = merged;
    }
    Ok(runs)
}

/// All rows of a partition in order.
pub(super) enum SortedRows {
    /// Nothing was spilled.
    Memory(MemoryRun),
    /// A merge of runs.
    Merged(Box<Merge>),
}

impl SortedRows {
    /// Merges the rows in memory with runs on disk.
    pub fn new(memory: Option<MemoryRun>, spilled: Vec<SpilledRun>, plan: &Plan) -> Result<Self, Error> {
        match memory {
            Some(memory) if spilled.is_empty() => Ok(Self::Memory(memory)),
            memory => {
                let memory = memory.map(|run| Ok(Run::Memory(run)));
                let spilled = spilled.into_iter().map(|run| Run::open(run, plan));
                Ok(Self::Merged(Box::new(Merge::new(memory.into_iter().chain(spilled), plan)?)))
            }
        }
    }

    /// Returns the next portion of rows, a smaller one at the end, None after it.
    pub fn next(&mut self, portion: Portion, plan: &Plan) -> Result<Option<RecordBatch>, Error> {
        match self {
            Self::Memory(run) => run.next(portion, plan),
            Self::Merged(merge) => merge.next(portion, plan),
        }
    }
}

/// Where the pieces of a run come from.
enum Run {
    Memory(MemoryRun),
    Spilled { reader: Box<StreamReader<BufReader<Segment>>>, folder: PathBuf },
}

impl Run {
    fn open(run: SpilledRun, plan: &Plan) -> Result<Self, Error> {
        let buffered = BufReader::with_capacity(1 << 16, run.segment);
        let reader = StreamReader::try_new(buffered, None).map_err(|source| plan.spill_error(&run.folder, source))?;
        Ok(Self::Spilled { reader: Box::new(reader), folder: run.folder })
    }

    fn next(&mut self, plan: &Plan) -> Result<Option<RecordBatch>, Error> {
        match self {
            Self::Memory(run) => run.next(PIECE, plan),
            Self::Spilled { reader, folder } => {
                reader.next().transpose().map_err(|source| plan.spill_error(folder, source))
            }
        }
    }
}

/// How rows are made comparable.
struct Encoders {
    key: RowConverter,
    key_columns: Vec<usize>,
    whole: RowConverter,
}

impl Encoders {
    fn new(plan: &Plan) -> Result<Self, Error> {
        let key_columns = if plan.key_columns.is_empty() { &plan.sort_columns } else { &plan.key_columns }.clone();
        Ok(Self { key: plan.converter(&key_columns)?, key_columns, whole: plan.converter(&plan.sort_columns)? })
    }
}

/// Rows of a run that are in memory.
struct Piece {
    rows: RecordBatch,
    /// Bytes of each row.
    bytes: Vec<u32>,
}

/// A run, the slot of its present piece, and its next row.
struct Cursor {
    run: Run,
    at: At,
    /// The piece's key, encoded for comparing; no rows at the end of the run.
    key: Rows,
    /// All columns of the piece, encoded once two keys are equal.
    whole: OnceCell<Rows>,
}

impl Cursor {
    /// Steps to the row after; false at the end of the run.
    fn advance(&mut self, slots: &mut Vec<Piece>, encoders: &Encoders, plan: &Plan) -> Result<bool, Error> {
        self.at.1 += 1;
        if self.at.1 < self.key.num_rows() {
            return Ok(true);
        }
        self.whole = OnceCell::new();
        let Some(piece) = self.run.next(plan)? else {
            self.key = encoders.key.empty_rows(0, 0);
            return Ok(false);
        };
        self.key = encode(&piece, &encoders.key_columns, &encoders.key, plan)?;
        self.at = (slots.len(), 0);
        slots.push(Piece { bytes: plan.row_bytes.of(&piece), rows: piece });
        Ok(true)
    }

    /// Returns all columns of the present piece, encoded.
    fn whole(&self, slots: &[Piece], encoders: &Encoders, plan: &Plan) -> Result<&Rows, Error> {
        if let Some(encoded) = self.whole.get() {
            return Ok(encoded);
        }
        let encoded = encode(&slots[self.at.0].rows, &plan.sort_columns, &encoders.whole, plan)?;
        Ok(self.whole.get_or_init(|| encoded))
    }
}

/// A merge of runs in progress.
pub(super) struct Merge {
    encoders: Encoders,
    /// The present piece of each run and, until the next output is built, the pieces before it.
    slots: Vec<Piece>,
    cursors: Vec<Cursor>,
    /// Positions in `cursors` that have rows left, the smallest row first: a binary heap.
    heap: Vec<usize>,
}

impl Merge {
    fn new(runs: impl Iterator<Item = Result<Run, Error>>, plan: &Plan) -> Result<Self, Error> {
        let encoders = Encoders::new(plan)?;
        let mut merge = Self { encoders, slots: Vec::new(), cursors: Vec::new(), heap: Vec::new() };
        for run in runs {
            let key = merge.encoders.key.empty_rows(0, 0);
            let mut cursor = Cursor { run: run?, at: (0, 0), key, whole: OnceCell::new() };
            if cursor.advance(&mut merge.slots, &merge.encoders, plan)? {
                merge.heap.push(merge.cursors.len());
                merge.cursors.push(cursor);
            }
        }
        for root in (0..merge.heap.len() / 2).rev() {
            merge.sift_down(root, plan)?;
        }
        Ok(merge)
    }

    fn next(&mut self, portion: Portion, plan: &Plan) -> Result<Option<RecordBatch>, Error> {
        let mut filling = portion.begin();
        let mut taken: Vec<At> = Vec::new();
        while let Some(&smallest) = self.heap.first() {
            let cursor = &mut self.cursors[smallest];
            if !filling.takes(self.slots[cursor.at.0].bytes[cursor.at.1]) {
                break;
            }
            taken.push(cursor.at);
            if !cursor.advance(&mut self.slots, &self.encoders, plan)? {
                self.heap.swap_remove(0);
            }
            self.sift_down(0, plan)?;
        }
        if taken.is_empty() {
            return Ok(None);
        }
        let slots: Vec<&RecordBatch> = self.slots.iter().map(|piece| &piece.rows).collect();
        let rows = interleave_record_batch(&slots, &taken).map_err(|source| plan.rows_error(source))?;
        self.forget_read_pieces();
        Ok(Some(rows))
    }

    /// Drops the pieces of which every row was taken.
    fn forget_read_pieces(&mut self) {
        let has_rows = |cursor: &&mut Cursor| cursor.key.num_rows() > 0;
        let mut present: Vec<&mut At> = self.cursors.iter_mut().filter(has_rows).map(|cursor| &mut cursor.at).collect();
        // In order of their slots, so that a piece never takes the place of one that is still to be moved.
        present.sort();
        let count = present.len();
        for (next, at) in present.into_iter().enumerate() {
            self.slots.swap(next, at.0);
            at.0 = next;
        }
        self.slots.truncate(count);
    }

    /// Restores the heap below `root`.
    fn sift_down(&mut self, mut root: usize, plan: &Plan) -> Result<(), Error> {
        loop {
            let mut smallest = root;
            for child in [2 * root + 1, 2 * root + 2] {
                if child < self.heap.len() && self.compare(child, smallest, plan)? == Ordering::Less {
                    smallest = child;
                }
            }
            if smallest == root {
                return Ok(());
            }
            self.heap.swap(root, smallest);
            root = smallest;
        }
    }

    fn compare(&self, one: usize, other: usize, plan: &Plan) -> Result<Ordering, Error> {
        let [one, other] = [one, other].map(|place| &self.cursors[self.heap[place]]);
        let by_key = one.key.row(one.at.1).cmp(&other.key.row(other.at.1));
        if by_key != Ordering::Equal {
            return Ok(by_key);
        }
        let one_rows = one.whole(&self.slots, &self.encoders, plan)?;
        let other_rows = other.whole(&self.slots, &self.encoders, plan)?;
        Ok(one_rows.row(one.at.1).cmp(&other_rows.row(other.at.1)))
    }
}

fn encode(batch: &RecordBatch, columns: &[usize], converter: &RowConverter, plan: &Plan) -> Result<Rows, Error> {
    let columns: Vec<ArrayRef> = columns.iter().map(|&column| batch.column(column).clone()).collect();
    converter.convert_columns(&columns).map_err(|source| plan.rows_error(source))
}
