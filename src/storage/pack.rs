//! A pack: batches of one schema in one file, each for one partition, with the files that the rows came from.
//!
//! In: batches on their way from reading to the staged table. Out: any of them again, whole or by columns, now or on a
//! later night. It is a plain Arrow IPC file whose footer names the partition of every batch and the extract files behind
//! the numbers in the rows. Deliberately knows neither keys nor winners.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufReader, BufWriter},
    path::{Path, PathBuf},
};

use arrow::{
    array::RecordBatch,
    datatypes::SchemaRef,
    error::ArrowError,
    ipc::{
        CompressionType,
        reader::FileReader,
        writer::{FileWriter, IpcWriteOptions},
    },
};
use serde::{Deserialize, Serialize};

use super::{hashing::HashingFile, local};
use crate::record::{PartitionValues, manifest::DataFile};

/// The key of the footer's metadata under which [`Footer`] stands.
const FOOTER: &str = "tallyhouse";
/// Characters of the hash in a pack's name.
const NAME_LENGTH: usize = 32;

/// What a pack says about its batches.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Footer {
    /// Ids of the extract files by their number.
    files: Vec<String>,
    /// Different values of the partition columns.
    partitions: Vec<PartitionValues>,
    /// For each batch its partition and rows.
    blocks: Vec<(usize, u64)>,
}

/// A pack that cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The disk refuses.
    #[error(transparent)]
    Disk(#[from] local::Error),
    /// The batches do not go in, or the file is damaged.
    #[error("cannot {verb} `{path}`: {source}")]
    Arrow {
        /// What was tried.
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// What Arrow said.
        source: ArrowError,
    },
}

/// Names the file in an error; what the disk says stays the disk's.
fn wrong(verb: &'static str, path: &Path, source: ArrowError) -> Error {
    match source {
        ArrowError::IoError(_, source) => local::Error::new(verb, path, source).into(),
        source => Error::Arrow { verb, path: path.to_owned(), source },
    }
}

/// A pack in the making.
pub struct PackWriter {
    folder: PathBuf,
    temporary: PathBuf,
    writer: Option<FileWriter<BufWriter<HashingFile>>>,
    footer: Footer,
    rows: u64,
    partitions: HashMap<PartitionValues, usize>,
}

impl PackWriter {
    /// Begins a pack in a folder, which is made if it is not there; `name` tells packs in the making apart.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn create(folder: &Path, name: &str, schema: &SchemaRef) -> Result<Self, Error> {
        let temporary = folder.join(format!(".{name}.new"));
        local::create_dir_all(folder, Some(local::PRIVATE_MODE))?;
        let file = local::create_data_file(&temporary)?;
        let hashing = HashingFile::new(file);
        let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::LZ4_FRAME));
        let writer = options.and_then(|options| {
            FileWriter::try_new_with_options(BufWriter::with_capacity(1 << 20, hashing), schema, options)
        });
        Ok(Self {
            folder: folder.to_owned(),
            writer: Some(writer.map_err(|source| wrong("write", &temporary, source))?),
            temporary,
            footer: Footer::default(),
            rows: 0,
            partitions: HashMap::new(),
        })
    }

    /// Gives an extract file its number in this pack.
    pub fn number(&mut self, file: &str) -> u32 {
        self.footer.files.push(file.to_owned());
        u32::try_from(self.footer.files.len() - 1).unwrap_or(u32::MAX)
    }

    /// Appends the rows of one partition.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write(&mut self, values: &PartitionValues, rows: &RecordBatch) -> Result<(), Error> {
        if rows.num_rows() == 0 {
            return Ok(());
        }
        let partition = self.partition(values);
        if let Some(writer) = &mut self.writer {
            writer.write(rows).map_err(|source| wrong("write", &self.temporary, source))?;
        }
        self.rows += rows.num_rows() as u64;
        self.footer.blocks.push((partition, rows.num_rows() as u64));
        Ok(())
    }

    fn partition(&mut self, values: &PartitionValues) -> usize {
        if let Some(known) = self.partitions.get(values) {
            return *known;
        }
        self.footer.partitions.push(values.clone());
        self.partitions.insert(values.clone(), self.footer.partitions.len() - 1);
        self.footer.partitions.len() - 1
    }

    /// Closes the pack and gives it the name of its content; None, and no file, if it has no rows. The disk need not hold
    /// it yet: whoever publishes it waits for that.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn finish(mut self) -> Result<Option<DataFile>, Error> {
        if self.rows == 0 {
            local::remove_file(&self.temporary)?;
            return Ok(None);
        }
        let path = self.temporary.clone();
        let (blake3, bytes) = self.close().map_err(|source| wrong("write", &path, source))?.finish();
        let name = format!("{}.arrow", &blake3[..NAME_LENGTH]);
        local::rename(&path, &self.folder.join(&name))?;
        Ok(Some(DataFile { path: name, rows: self.rows, bytes, blake3 }))
    }

    fn close(&mut self) -> Result<HashingFile, ArrowError> {
        let footer = serde_json::to_string(&self.footer).map_err(|error| ArrowError::IpcError(error.to_string()))?;
        let Some(mut writer) = self.writer.take() else { return Err(ArrowError::IpcError("it is closed".to_owned())) };
        writer.write_metadata(FOOTER, footer);
        writer.finish()?;
        Ok(writer.into_inner()?.into_inner().map_err(io::IntoInnerError::into_error)?)
    }
}

/// A finished pack.
#[derive(Debug)]
pub struct Pack {
    path: PathBuf,
    footer: Footer,
}

impl Pack {
    /// Reads what a pack says about itself.
    ///
    /// # Errors
    /// When the file is gone or damaged.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let footer = footer(path).map_err(|source| wrong("read", path, source))?;
        Ok(Self { path: path.to_owned(), footer })
    }

    /// Returns the ids of its extract files by their number.
    #[must_use]
    pub fn files(&self) -> &[String] {
        &self.footer.files
    }

    /// Returns how many batches it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.footer.blocks.len()
    }

    /// Returns whether it has no batch.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.footer.blocks.is_empty()
    }

    /// Returns the partition of a batch.
    #[must_use]
    pub fn values(&self, number: usize) -> Option<&PartitionValues> {
        self.footer.partitions.get(self.footer.blocks.get(number)?.0)
    }

    /// Returns the rows of a batch.
    #[must_use]
    pub fn rows(&self, number: usize) -> u64 {
        self.footer.blocks.get(number).map_or(0, |block| block.1)
    }

    /// Opens the pack for reading, all columns or some.
    ///
    /// # Errors
    /// When the file is gone or damaged.
    pub fn read(&self, columns: Option<Vec<usize>>) -> Result<PackReader, Error> {
        let reader = reader(&self.path, columns);
        Ok(PackReader { path: self.path.clone(), reader: reader.map_err(|source| wrong("read", &self.path, source))? })
    }
}

fn footer(path: &Path) -> Result<Footer, ArrowError> {
    let reader = reader(path, None)?;
    let damaged = |reason: &str| ArrowError::IpcError(reason.to_owned());
    let text = reader.custom_metadata().get(FOOTER).ok_or_else(|| damaged("it is no pack"))?;
    let footer: Footer = serde_json::from_str(text).map_err(|error| damaged(&error.to_string()))?;
    let fits = |block: &(usize, u64)| block.0 < footer.partitions.len();
    match footer.blocks.len() == reader.num_batches() && footer.blocks.iter().all(fits) {
        true => Ok(footer),
        false => Err(damaged("its footer does not fit its batches")),
    }
}

/// Batches of a pack, in any order.
pub struct PackReader {
    path: PathBuf,
    reader: FileReader<BufReader<File>>,
}

impl PackReader {
    /// Reads a batch.
    ///
    /// # Errors
    /// When the file is damaged.
    pub fn block(&mut self, number: usize) -> Result<RecordBatch, Error> {
        let found = self.reader.set_index(number).and_then(|()| self.reader.next().transpose());
        let missing = || ArrowError::IpcError(format!("it has no batch {number}"));
        let batch = found.and_then(|batch| batch.ok_or_else(missing));
        batch.map_err(|source| wrong("read", &self.path, source))
    }
}

fn reader(path: &Path, columns: Option<Vec<usize>>) -> Result<FileReader<BufReader<File>>, ArrowError> {
    FileReader::try_new_buffered(File::open(path)?, columns)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::sync::Arc;

    use arrow::{
        array::{AsArray, Int64Array, StringArray},
        datatypes::{DataType, Field, Int64Type, Schema},
    };

    use super::*;

    fn batch(numbers: &[i64]) -> RecordBatch {
        let fields = vec![Field::new("number", DataType::Int64, false), Field::new("text", DataType::Utf8, true)];
        let texts: StringArray = numbers.iter().map(|number| (*number != 0).then(|| format!("t{number}"))).collect();
        let columns: Vec<arrow::array::ArrayRef> = vec![Arc::new(Int64Array::from(numbers.to_vec())), Arc::new(texts)];
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
    }

    fn values(text: &str) -> PartitionValues {
        PartitionValues(vec![Some(text.to_owned())])
    }

    #[test]
    fn batches_come_back_by_number_and_column() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = PackWriter::create(folder.path(), "a", &batch(&[]).schema()).unwrap();
        assert_eq!((writer.number("one"), writer.number("two")), (0, 1));
        for (partition, numbers) in [("x", [1, 2]), ("y", [3, 0]), ("x", [4, 5])] {
            writer.write(&values(partition), &batch(&numbers)).unwrap();
        }
        let file = writer.finish().unwrap().unwrap();
        assert_eq!(file.rows, 6);
        let pack = Pack::open(&folder.path().join(&file.path)).unwrap();
        assert_eq!(pack.files(), ["one", "two"]);
        let blocks: Vec<_> =
            (0..pack.len()).map(|number| (pack.values(number).unwrap().to_string(), pack.rows(number))).collect();
        assert_eq!(blocks, [("x".to_owned(), 2), ("y".to_owned(), 2), ("x".to_owned(), 2)]);
        assert_eq!(pack.read(None).unwrap().block(1).unwrap(), batch(&[3, 0]));
        let mut numbers = pack.read(Some(vec![0])).unwrap();
        for (number, expected) in [(2, [4, 5]), (0, [1, 2])] {
            assert_eq!(numbers.block(number).unwrap().column(0).as_primitive::<Int64Type>().values()[..], expected);
        }
        assert!(numbers.block(3).is_err());
    }

    #[test]
    fn a_pack_without_rows_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let writer = PackWriter::create(folder.path(), "a", &batch(&[]).schema()).unwrap();
        assert!(writer.finish().unwrap().is_none());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_damaged_pack_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = PackWriter::create(folder.path(), "a", &batch(&[]).schema()).unwrap();
        writer.write(&values("x"), &batch(&[1])).unwrap();
        let path = folder.path().join(writer.finish().unwrap().unwrap().path);
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        assert!(Pack::open(&path).unwrap_err().to_string().starts_with("cannot read"));
    }
}
