//! Where one thread puts normalized rows: a pack of accepted rows and one of rejections, each of its own.
//!
//! In: normalized batches of any file. Out: finished packs. Rows wait by partition, so that a pack holds few large batches
//! instead of many small ones; beyond a budget all that waits is written. Deliberately shares nothing between threads.

use std::{collections::HashMap, path::PathBuf, sync::Arc};

use arrow::{
    array::{ArrayRef, FixedSizeBinaryArray, Int64Array, RecordBatch, RecordBatchOptions, UInt32Array, UInt64Array},
    compute::{concat_batches, take},
    datatypes::{DataType, Field, Schema, SchemaRef},
};

use crate::{
    Error,
    normalize::{Contract, Normalized, quarantine, reduce},
    publish::PartitionRouter,
    record::{PartitionValues, Rejection, manifest::DataFile},
    storage::pack::{self, PackWriter},
};

/// Rows of a partition that are written without waiting for more.
const BLOCK_ROWS: usize = 32_768;
/// Rejections that are written at once.
const REJECTIONS: usize = 8_192;
/// Bits of an order that count lines; the others count the tables of a file.
const LINE_BITS: u32 = 48;

/// Position in a pack of the column of file numbers; those of order, key and version follow.
pub(super) const FILE_COLUMN: usize = 0;
/// Number of the extract file within its pack.
pub(super) const FILE: &str = "extract file";
/// Table within the file and line, in one number.
pub(super) const ORDER: &str = "extract order";
/// Hash of the key.
pub(super) const KEY: &str = "key hash";
/// Version by the contract's column.
pub(super) const VERSION: &str = "row version";

/// Joins the number of a table in its file and a line.
pub(super) const fn order(part: u64, line: u64) -> u64 {
    (part << LINE_BITS) | line
}

/// Splits what [`order`] has joined.
pub(super) const fn part_and_line(order: u64) -> (u64, u64) {
    (order >> LINE_BITS, order & ((1 << LINE_BITS) - 1))
}

/// The columns of a source's packs.
#[derive(Debug, Clone)]
pub(super) struct PackLayout {
    /// Positions in the contract of the columns that are no partition columns.
    pub data: Vec<usize>,
    /// The columns that say where a row comes from, which are read without the others, then those.
    pub schema: SchemaRef,
    /// The same for rejections.
    pub rejects: SchemaRef,
}

impl PackLayout {
    pub fn new(contract: &Contract, partition_by: &[String]) -> Self {
        let all = contract.schema();
        let data: Vec<usize> =
            (0..all.fields().len()).filter(|index| !partition_by.contains(all.field(*index).name())).collect();
        let mut fields = vec![Arc::new(Field::new(FILE, DataType::UInt32, false))];
        fields.push(Arc::new(Field::new(ORDER, DataType::UInt64, false)));
        if !contract.key().is_empty() {
            fields.push(Arc::new(Field::new(KEY, DataType::FixedSizeBinary(reduce::KEY_BYTES), false)));
            if contract.version().is_some() {
                fields.push(Arc::new(Field::new(VERSION, DataType::Int64, false)));
            }
        }
        fields.extend(data.iter().map(|index| all.fields()[*index].clone()));
        let mut rejects: Vec<Arc<Field>> = quarantine::schema().fields().iter().cloned().collect();
        rejects.push(Arc::new(Field::new(FILE, DataType::UInt32, false)));
        Self { data, schema: Arc::new(Schema::new(fields)), rejects: Arc::new(Schema::new(rejects)) }
    }

    /// Returns the positions of the data.
    pub fn data_columns(&self) -> Vec<usize> {
        let columns = self.schema.fields().len();
        (columns - self.data.len()..columns).collect()
    }

    /// Puts the columns beside a batch that say where its rows come from.
    fn extended(
        &self,
        contract: &Contract,
        number: u32,
        part: u64,
        rows: &RecordBatch,
        lines: &[u64],
    ) -> Result<RecordBatch, Error> {
        let mut columns: Vec<ArrayRef> = vec![Arc::new(UInt32Array::from_value(number, rows.num_rows()))];
        columns.push(Arc::new(lines.iter().map(|line| order(part, *line)).collect::<UInt64Array>()));
        if !contract.key().is_empty() {
            let keys: FixedSizeBinaryArray = reduce::key_hashes(rows, contract.key())?;
            columns.push(Arc::new(keys));
            if let Some(version) = contract.version() {
                columns.push(Arc::new(Int64Array::from(reduce::versions(rows.column(version.index))?)));
            }
        }
        columns.extend(self.data.iter().map(|index| rows.column(*index).clone()));
        batch(&self.schema, columns, rows.num_rows())
    }
}

/// Puts columns together that fit by construction.
pub(super) fn batch(schema: &SchemaRef, columns: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch, Error> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(schema.clone(), columns, &options).map_err(|error| broken(&error))
}

/// Says that rows of a pack do not have its shape.
pub(super) fn broken(error: &arrow::error::ArrowError) -> Error {
    Error::Bug { message: format!("packed rows do not fit their schema: {error}") }
}

/// Rows of one partition that wait.
#[derive(Default)]
struct Waiting {
    pieces: Vec<RecordBatch>,
    rows: usize,
}

/// A pack, made with its first file, and the numbers of the files in it.
#[derive(Default)]
struct Numbered {
    pack: Option<PackWriter>,
    numbers: HashMap<String, u32>,
}

impl Numbered {
    fn number(
        &mut self,
        file: &str,
        create: impl FnOnce() -> Result<PackWriter, pack::Error>,
    ) -> Result<u32, pack::Error> {
        if let Some(number) = self.numbers.get(file) {
            return Ok(*number);
        }
        let pack = match &mut self.pack {
            Some(pack) => pack,
            empty => empty.insert(create()?),
        };
        let number = pack.number(file);
        self.numbers.insert(file.to_owned(), number);
        Ok(number)
    }
}

/// The packs of one thread.
pub(super) struct Sink<'a> {
    contract: &'a Contract,
    layout: &'a PackLayout,
    router: PartitionRouter,
    folder: PathBuf,
    name: String,
    budget_bytes: usize,
    rows: Numbered,
    rejects: Numbered,
    waiting: HashMap<Arc<PartitionValues>, Waiting>,
    waiting_bytes: usize,
    rejections: Vec<(u32, Rejection)>,
}

/// What a sink wrote.
#[derive(Debug, Default)]
pub(super) struct Packs {
    pub rows: Vec<DataFile>,
    pub rejects: Vec<DataFile>,
}

impl<'a> Sink<'a> {
    /// Begins without any file; `name` tells the sinks of a folder apart.
    pub fn new(
        contract: &'a Contract,
        layout: &'a PackLayout,
        router: PartitionRouter,
        folder: PathBuf,
        name: String,
        budget_bytes: usize,
    ) -> Self {
        Self {
            contract,
            layout,
            router,
            folder,
            name,
            budget_bytes,
            rows: Numbered::default(),
            rejects: Numbered::default(),
            waiting: HashMap::new(),
            waiting_bytes: 0,
            rejections: Vec::new(),
        }
    }

    /// Takes what became of one batch of table `part` of a file.
    pub fn take(&mut self, file: &str, part: u64, normalized: Normalized) -> Result<(), Error> {
        if !normalized.rejections.is_empty() {
            let number = self.reject_number(file)?;
            self.rejections.extend(normalized.rejections.into_iter().map(|rejection| (number, rejection)));
            if self.rejections.len() >= REJECTIONS {
                self.write_rejections()?;
            }
        }
        if normalized.rows.num_rows() == 0 {
            return Ok(());
        }
        let number = self.number(file)?;
        let rows = self.layout.extended(self.contract, number, part, &normalized.rows, &normalized.lines)?;
        for (values, positions) in self.router.route(&normalized.rows)? {
            let piece = match positions {
                None => rows.clone(),
                Some(positions) => taken(&rows, &positions)?,
            };
            self.wait(&values, piece)?;
        }
        Ok(())
    }

    /// Takes rows of an older pack over, whose file numbers are `files`' positions.
    pub fn carry(&mut self, values: &PartitionValues, rows: &RecordBatch, files: &[String]) -> Result<(), Error> {
        let renumbered = self.renumbered(rows, FILE_COLUMN, files, false)?;
        self.wait(&Arc::new(values.clone()), renumbered)
    }

    /// Takes rejections of an older pack over.
    pub fn carry_rejects(&mut self, rows: &RecordBatch, files: &[String]) -> Result<(), Error> {
        let column = self.layout.rejects.fields().len() - 1;
        let renumbered = self.renumbered(rows, column, files, true)?;
        match &mut self.rejects.pack {
            Some(pack) => Ok(pack.write(&PartitionValues::default(), &renumbered)?),
            None => Ok(()),
        }
    }

    fn renumbered(
        &mut self,
        rows: &RecordBatch,
        column: usize,
        files: &[String],
        rejects: bool,
    ) -> Result<RecordBatch, Error> {
        use arrow::{array::AsArray, datatypes::UInt32Type};
        let old = rows.column(column).as_primitive::<UInt32Type>().clone();
        let mut numbers = Vec::with_capacity(old.len());
        for number in old.values() {
            let file = files.get(*number as usize).map(String::as_str).unwrap_or_default();
            numbers.push(if rejects { self.reject_number(file)? } else { self.number(file)? });
        }
        let mut columns = rows.columns().to_vec();
        columns[column] = Arc::new(UInt32Array::from(numbers));
        batch(&rows.schema(), columns, rows.num_rows())
    }

    fn wait(&mut self, values: &Arc<PartitionValues>, piece: RecordBatch) -> Result<(), Error> {
        let bytes = piece.get_array_memory_size();
        let waiting = self.waiting.entry(values.clone()).or_default();
        waiting.rows += piece.num_rows();
        waiting.pieces.push(piece);
        self.waiting_bytes += bytes;
        if waiting.rows >= BLOCK_ROWS
            && let Some(waiting) = self.waiting.remove(values)
        {
            self.waiting_bytes -=
                waiting.pieces.iter().map(RecordBatch::get_array_memory_size).sum::<usize>().min(self.waiting_bytes);
            self.write(values, &waiting)?;
        }
        if self.waiting_bytes > self.budget_bytes { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Error> {
        for (values, waiting) in std::mem::take(&mut self.waiting) {
            self.write(&values, &waiting)?;
        }
        self.waiting_bytes = 0;
        Ok(())
    }

    fn write(&mut self, values: &PartitionValues, waiting: &Waiting) -> Result<(), Error> {
        let joined = concat_batches(&self.layout.schema, &waiting.pieces).map_err(|error| broken(&error))?;
        if let Some(pack) = &mut self.rows.pack {
            pack.write(values, &joined)?;
        }
        Ok(())
    }

    fn number(&mut self, file: &str) -> Result<u32, Error> {
        let create = || PackWriter::create(&self.folder, &self.name, &self.layout.schema);
        Ok(self.rows.number(file, create)?)
    }

    fn reject_number(&mut self, file: &str) -> Result<u32, Error> {
        let create = || PackWriter::create(&self.folder, &format!("{}-rejects", self.name), &self.layout.rejects);
        Ok(self.rejects.number(file, create)?)
    }

    fn write_rejections(&mut self) -> Result<(), Error> {
        let (numbers, rejections): (Vec<u32>, Vec<Rejection>) =
            std::mem::take(&mut self.rejections).into_iter().unzip();
        if numbers.is_empty() {
            return Ok(());
        }
        let rows = quarantine::to_batch(rejections, &self.contract.fingerprint())?;
        let mut columns = rows.columns().to_vec();
        let count = numbers.len();
        columns.push(Arc::new(UInt32Array::from(numbers)));
        if let Some(pack) = &mut self.rejects.pack {
            pack.write(&PartitionValues::default(), &batch(&self.layout.rejects, columns, count)?)?;
        }
        Ok(())
    }

    /// Writes what waits and closes the packs.
    pub fn finish(mut self) -> Result<Packs, Error> {
        self.flush()?;
        self.write_rejections()?;
        let closed = |pack: Option<PackWriter>| match pack {
            Some(pack) => Ok::<_, Error>(pack.finish()?.into_iter().collect()),
            None => Ok(Vec::new()),
        };
        Ok(Packs { rows: closed(self.rows.pack)?, rejects: closed(self.rejects.pack)? })
    }
}

fn taken(rows: &RecordBatch, positions: &UInt32Array) -> Result<RecordBatch, Error> {
    let columns = rows.columns().iter().map(|column| take(column, positions, None));
    let columns = columns.collect::<Result<Vec<_>, _>>().map_err(|error| broken(&error))?;
    batch(&rows.schema(), columns, positions.len())
}
