//! The packs of a source with its live files: which rows count, and which of them lost their key.
//!
//! In: packs and the live files in the order of their versions. Out: for every block the rows that the staged table holds.
//! A row is dead when its file is not live any more, and lost when a later row has its key. Both are found from three
//! narrow columns; the others are not decoded.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use arrow::{
    array::{AsArray, BooleanArray, RecordBatch},
    buffer::BooleanBuffer,
    compute::filter_record_batch,
    datatypes::{Int64Type, UInt32Type, UInt64Type},
};

use super::{
    parallel,
    sink::{FILE_COLUMN, part_and_line},
};
use crate::{
    Error,
    normalize::{Contract, reduce},
    record::{
        PartitionValues,
        manifest::{DataFile, InputFile},
    },
    storage::pack::{Pack, PackReader},
};

/// A pack with what its file numbers mean now.
pub(super) struct LivePack {
    pub file: DataFile,
    pub pack: Pack,
    /// For each file number the position among the live files; None for dead ones.
    pub live: Vec<Option<u32>>,
}

/// All packs of a source.
pub(super) struct LivePacks {
    pub packs: Vec<LivePack>,
    contract: Arc<Contract>,
    /// Place before the first line of each table of each live file.
    bases: Vec<Vec<u64>>,
    places: u64,
    threads: usize,
}

/// A set of places.
struct Places(Vec<u64>);

impl Places {
    fn contains(&self, place: u64) -> bool {
        let word = usize::try_from(place / 64).ok().and_then(|word| self.0.get(word));
        word.is_some_and(|word| word >> (place % 64) & 1 == 1)
    }

    fn insert(&mut self, place: u64) {
        if let Some(word) = usize::try_from(place / 64).ok().and_then(|word| self.0.get_mut(word)) {
            *word |= 1 << (place % 64);
        }
    }
}

/// A block and those of its rows that the staged table holds.
#[derive(Debug, Clone)]
pub(super) struct LiveBlock {
    pub pack: usize,
    pub block: usize,
    /// None: all of them.
    pub kept: Option<BooleanBuffer>,
    pub rows: u64,
}

/// Which rows of every block the staged table holds.
#[derive(Debug, Default)]
pub(super) struct Survey {
    pub partitions: HashMap<PartitionValues, Vec<LiveBlock>>,
    /// Rows of live files that lost their key.
    pub superseded: u64,
    /// Rows whose file is not live any more.
    pub dead: u64,
}

/// Opens packs and finds out which files are live.
pub(super) fn open(
    files: &[DataFile],
    live: &[InputFile],
    locate: &dyn Fn(&DataFile) -> Result<PathBuf, Error>,
) -> Result<Vec<LivePack>, Error> {
    let positions: HashMap<String, u32> =
        (0..).zip(live).map(|(position, file)| (file.rows.clone(), position)).collect();
    let open = |file: &DataFile| {
        let pack = Pack::open(&locate(file)?)?;
        let live = pack.files().iter().map(|id| positions.get(id).copied()).collect();
        Ok(LivePack { file: file.clone(), pack, live })
    };
    files.iter().map(open).collect()
}

impl LivePacks {
    pub fn new(packs: Vec<LivePack>, live: &[InputFile], contract: &Arc<Contract>, threads: usize) -> Self {
        let mut places = 0;
        let mut base = |lines: &u64| {
            let before = places;
            // Lines are counted from 1, and a reader without lines counts rows.
            places += lines + 1;
            before
        };
        let bases = live.iter().map(|file| file.parts.iter().map(&mut base).collect()).collect();
        Self { packs, contract: Arc::clone(contract), bases, places, threads }
    }

    /// Finds the rows that the staged table holds.
    ///
    /// # Errors
    /// When a pack cannot be read.
    pub fn survey(&self, memory_bytes: usize) -> Result<Survey, Error> {
        let lost = self.lost(memory_bytes)?;
        let survey = Mutex::new(Survey::default());
        self.each_block(2, |pack, number, batch| {
            let (kept, dead, superseded) = self.kept(pack, batch, lost.as_ref());
            let Some(values) = self.packs[pack].pack.values(number) else { return Ok(()) };
            let rows = kept.as_ref().map_or(batch.num_rows(), BooleanBuffer::count_set_bits) as u64;
            let mut survey = survey.lock().unwrap_or_else(PoisonError::into_inner);
            survey.dead += dead;
            survey.superseded += superseded;
            if rows > 0 {
                let live = LiveBlock { pack, block: number, kept, rows };
                survey.partitions.entry(values.clone()).or_default().push(live);
            }
            Ok(())
        })?;
        let mut survey = survey.into_inner().unwrap_or_else(PoisonError::into_inner);
        survey.partitions.values_mut().for_each(|blocks| blocks.sort_by_key(|block| (block.pack, block.block)));
        Ok(survey)
    }

    /// Tells kept rows from dead and lost ones; None keeps all.
    fn kept(&self, pack: usize, batch: &RecordBatch, lost: Option<&Places>) -> (Option<BooleanBuffer>, u64, u64) {
        let (mut dead, mut superseded) = (0, 0);
        let files = batch.column(0).as_primitive::<UInt32Type>().values();
        let orders = batch.column(1).as_primitive::<UInt64Type>().values();
        let live = &self.packs[pack].live;
        if lost.is_none() && live.iter().all(Option::is_some) {
            return (None, 0, 0);
        }
        let kept = BooleanBuffer::collect_bool(batch.num_rows(), |row| {
            let Some(place) = self.place(live, files[row], orders[row]) else {
                dead += 1;
                return false;
            };
            let is_lost = lost.is_some_and(|lost| lost.contains(place));
            superseded += u64::from(is_lost);
            !is_lost
        });
        ((dead + superseded > 0).then_some(kept), dead, superseded)
    }

    /// Returns the place of a row among all rows of live files, in the order of their versions.
    pub fn place(&self, live: &[Option<u32>], file: u32, order: u64) -> Option<u64> {
        let position = (*live.get(file as usize)?)?;
        let (part, row_line) = part_and_line(order);
        let bases = self.bases.get(position as usize)?;
        Some(bases.get(usize::try_from(part).ok()?)? + row_line)
    }

    /// Returns the places of all rows that lost their key; None where no row did.
    fn lost(&self, memory_bytes: usize) -> Result<Option<Places>, Error> {
        if self.contract.key().is_empty() {
            return Ok(None);
        }
        if self.places >= reduce::MOST_PLACES {
            return Err(Error::Data {
                message: format!("source `{}` has more than {} lines", self.contract.name(), reduce::MOST_PLACES),
                hint: Some("part it into several sources".to_owned()),
            });
        }
        let rows: u64 = self.packs.iter().map(|pack| pack.file.rows).sum();
        let passes = (rows * reduce::RECORD_BYTES).div_ceil((memory_bytes as u64).max(1 << 20)).max(1);
        let mut places: Option<Places> = None;
        for pass in 0..passes {
            for place in self.pass(pass, passes)? {
                let empty = || Places(vec![0; usize::try_from(self.places / 64 + 1).unwrap_or(0)]);
                places.get_or_insert_with(empty).insert(place);
            }
        }
        Ok(places)
    }

    fn pass(&self, pass: u64, passes: u64) -> Result<Vec<u64>, Error> {
        let is_versioned = self.contract.version().is_some();
        let columns = 3 + usize::from(is_versioned);
        let pool: Mutex<Vec<reduce::KeyRecords>> = Mutex::new(Vec::new());
        let take = || pool.lock().unwrap_or_else(PoisonError::into_inner).pop();
        self.each_block(columns, |pack, _, batch| {
            let mut records = take().unwrap_or_else(|| reduce::KeyRecords::new(pass, passes));
            let files = batch.column(0).as_primitive::<UInt32Type>().values();
            let orders = batch.column(1).as_primitive::<UInt64Type>().values();
            let keys = batch.column(2).as_fixed_size_binary();
            let versions = is_versioned.then(|| batch.column(3).as_primitive::<Int64Type>().values());
            let live = &self.packs[pack].live;
            for row in 0..batch.num_rows() {
                if let Some(place) = self.place(live, files[row], orders[row]) {
                    records.observe(keys.value(row), versions.map_or(0, |versions| versions[row]), place);
                }
            }
            pool.lock().unwrap_or_else(PoisonError::into_inner).push(records);
            Ok(())
        })?;
        let parts = reduce::KeyRecords::joined(pool.into_inner().unwrap_or_else(PoisonError::into_inner));
        let lost = Mutex::new(Vec::new());
        let find = |part: Vec<_>, (): &mut ()| {
            let losers = reduce::losers(&part);
            lost.lock().unwrap_or_else(PoisonError::into_inner).extend(losers);
            Ok(())
        };
        parallel::each(parts, self.threads, || (), find)?;
        Ok(lost.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// Shows the first `columns` columns that say where rows come from, block by block, to several threads.
    fn each_block(
        &self,
        columns: usize,
        see: impl Fn(usize, usize, &RecordBatch) -> Result<(), Error> + Sync,
    ) -> Result<(), Error> {
        let columns: Vec<usize> = (FILE_COLUMN..FILE_COLUMN + columns).collect();
        let blocks: Vec<(usize, usize)> = (0..self.packs.len())
            .flat_map(|pack| (0..self.packs[pack].pack.len()).map(move |block| (pack, block)))
            .collect();
        let begin = || Readers::new(&self.packs, Some(columns.clone()));
        let look = |(pack, block), readers: &mut Readers<'_>| see(pack, block, &readers.block(pack, block)?);
        parallel::each(blocks, self.threads, begin, look)
    }
}

/// The open packs of one thread.
pub(super) struct Readers<'a> {
    packs: &'a [LivePack],
    columns: Option<Vec<usize>>,
    open: HashMap<usize, PackReader<'a>>,
}

impl<'a> Readers<'a> {
    /// Opens packs as they are needed.
    pub fn new(packs: &'a [LivePack], columns: Option<Vec<usize>>) -> Self {
        Self { packs, columns, open: HashMap::new() }
    }

    /// Reads a block.
    pub fn block(&mut self, pack: usize, block: usize) -> Result<RecordBatch, Error> {
        let (packs, columns) = (self.packs, &self.columns);
        let reader = self.open.entry(pack).or_insert_with(|| packs[pack].pack.read(columns.clone()));
        Ok(reader.block(block)?)
    }

    /// Reads the kept rows of a block.
    pub fn kept(&mut self, block: &LiveBlock) -> Result<RecordBatch, Error> {
        let batch = self.block(block.pack, block.block)?;
        match &block.kept {
            None => Ok(batch),
            Some(kept) => filter_record_batch(&batch, &BooleanArray::new(kept.clone(), None))
                .map_err(|error| super::sink::broken(&error)),
        }
    }
}

impl LivePack {
    /// Returns the rows of a batch that belong to live files; `column` holds the files' numbers.
    pub fn live_rows(&self, batch: &RecordBatch, column: usize) -> Result<RecordBatch, Error> {
        let files = batch.column(column).as_primitive::<UInt32Type>();
        let is_live = |row: usize| self.live.get(files.value(row) as usize).is_some_and(Option::is_some);
        let live = BooleanArray::new(BooleanBuffer::collect_bool(files.len(), is_live), None);
        filter_record_batch(batch, &live).map_err(|error| super::sink::broken(&error))
    }

    /// The same of rejections, whose files' numbers stand in the last column.
    pub fn live_rejects(&self, batch: &RecordBatch) -> Result<RecordBatch, Error> {
        self.live_rows(batch, batch.num_columns() - 1)
    }
}
