//! A pack: batches of one schema in one file, each for one partition, with the files that the rows came from.
//!
//! In: batches on their way from reading to the staged table. Out: any of them again, whole or by columns, now or on a
//! later night. It is a plain Arrow IPC file whose footer names the partition of every batch and the extract files behind
//! the numbers in the rows. Whoever wants a batch's first columns only reads only their bytes. Deliberately knows neither
//! keys nor winners.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufWriter},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow::{
    array::RecordBatch,
    buffer::Buffer,
    datatypes::{DataType, FieldRef, SchemaRef},
    error::ArrowError,
    ipc::{
        Block, CompressionType, MetadataVersion,
        convert::fb_to_schema,
        reader::{FileDecoder, read_footer_length},
        root_as_footer, root_as_message,
        writer::{FileWriter, IpcWriteOptions},
    },
};
use serde::{Deserialize, Serialize};

use super::{hashing::HashingFile, local};
use crate::record::{PartitionValues, manifest::DataFile};

/// The key of the footer's metadata under which [`Footer`] stands.
const FOOTER: &str = "tallyhouse";
/// Bytes before a message of Arrow's format: four that mark it, and its length.
const MESSAGE_START: usize = 8;
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
    file: File,
    schema: SchemaRef,
    version: MetadataVersion,
    /// Where its batches stand.
    blocks: Vec<Block>,
    footer: Footer,
}

impl Pack {
    /// Reads what a pack says about itself.
    ///
    /// # Errors
    /// When the file is gone or damaged.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Self::opened(path).map_err(|source| wrong("read", path, source))
    }

    fn opened(path: &Path) -> Result<Self, ArrowError> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        let bytes = footer_bytes(&file, length)?;
        let found = root_as_footer(&bytes).map_err(|error| damaged(&error.to_string()))?;
        let schema = Arc::new(fb_to_schema(found.schema().ok_or_else(|| damaged("it has no schema"))?));
        let blocks: Vec<Block> = found.recordBatches().into_iter().flatten().copied().collect();
        let metadata = found.custom_metadata().into_iter().flatten();
        let text = metadata.filter(|entry| entry.key() == Some(FOOTER)).find_map(|entry| entry.value());
        let text = text.ok_or_else(|| damaged("it is no pack"))?;
        let footer: Footer = serde_json::from_str(text).map_err(|error| damaged(&error.to_string()))?;
        let is_known = |block: &(usize, u64)| block.0 < footer.partitions.len();
        let is_there = |block: &Block| end(block).is_some_and(|end| end <= length);
        let fits = footer.blocks.len() == blocks.len() && footer.blocks.iter().all(is_known);
        if !fits || !blocks.iter().all(is_there) {
            return Err(damaged("its footer does not fit its batches"));
        }
        Ok(Self { path: path.to_owned(), file, schema, version: found.version(), blocks, footer })
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

    /// Returns a reader of all columns or some. Of a batch's bytes it reads those up to the last of its columns.
    #[must_use]
    pub fn read(&self, columns: Option<Vec<usize>>) -> PackReader<'_> {
        let decoder = FileDecoder::new(self.schema.clone(), self.version);
        let last = columns.as_ref().and_then(|columns| columns.iter().max().copied());
        let decoder = match columns {
            Some(columns) => decoder.with_projection(columns),
            None => decoder,
        };
        let first_buffers = last.and_then(|last| buffers(self.schema.fields().get(..=last)?));
        PackReader { pack: self, decoder, first_buffers }
    }
}

/// Returns the bytes of the footer of Arrow's format: they end before their length and six letters.
fn footer_bytes(file: &File, length: u64) -> Result<Vec<u8>, ArrowError> {
    let mut end = [0; 10];
    let at = length.checked_sub(end.len() as u64).ok_or_else(|| damaged("it is too short"))?;
    file.read_exact_at(&mut end, at)?;
    let size = read_footer_length(end)?;
    let start = at.checked_sub(size as u64).ok_or_else(|| damaged("it is too short"))?;
    let mut bytes = vec![0; size];
    file.read_exact_at(&mut bytes, start)?;
    Ok(bytes)
}

fn damaged(reason: &str) -> ArrowError {
    ArrowError::IpcError(reason.to_owned())
}

/// Returns the offset behind a batch, if it can have one.
fn end(block: &Block) -> Option<u64> {
    let (offset, body) = (u64::try_from(block.offset()).ok()?, u64::try_from(block.bodyLength()).ok()?);
    let head = u64::try_from(block.metaDataLength()).ok().filter(|head| *head >= MESSAGE_START as u64)?;
    offset.checked_add(head)?.checked_add(body)
}

/// Returns how many buffers the first columns of a batch have, where that is plain.
fn buffers(fields: &[FieldRef]) -> Option<usize> {
    fields.iter().try_fold(0, |count, field| match field.data_type() {
        DataType::Utf8 | DataType::Binary => Some(count + 3),
        DataType::Boolean | DataType::FixedSizeBinary(_) => Some(count + 2),
        other => other.primitive_width().map(|_| count + 2),
    })
}

/// Batches of a pack, in any order.
pub struct PackReader<'a> {
    pack: &'a Pack,
    decoder: FileDecoder,
    /// Buffers of a batch behind which nothing is wanted; None: all of them.
    first_buffers: Option<usize>,
}

impl PackReader<'_> {
    /// Reads a batch.
    ///
    /// # Errors
    /// When the file is damaged.
    pub fn block(&self, number: usize) -> Result<RecordBatch, Error> {
        self.decoded(number).map_err(|source| wrong("read", &self.pack.path, source))
    }

    fn decoded(&self, number: usize) -> Result<RecordBatch, ArrowError> {
        let missing = || damaged(&format!("it has no batch {number}"));
        let block = self.pack.blocks.get(number).ok_or_else(missing)?;
        let (offset, head) = (length(block.offset())?, length(i64::from(block.metaDataLength()))?);
        let mut bytes = vec![0; head];
        self.pack.file.read_exact_at(&mut bytes, offset as u64)?;
        let body = self.wanted(&bytes, length(block.bodyLength())?)?;
        bytes.resize(head + body, 0);
        self.pack.file.read_exact_at(&mut bytes[head..], (offset + head) as u64)?;
        self.decoder.read_record_batch(block, &Buffer::from_vec(bytes))?.ok_or_else(missing)
    }

    /// Returns how many bytes of a batch's body hold the wanted columns.
    fn wanted(&self, head: &[u8], body: usize) -> Result<usize, ArrowError> {
        let Some(count) = self.first_buffers else { return Ok(body) };
        let message = root_as_message(&head[MESSAGE_START..]).map_err(|error| damaged(&error.to_string()))?;
        let buffers = message.header_as_record_batch().and_then(|batch| batch.buffers());
        let last = buffers.filter(|buffers| count > 0 && count <= buffers.len()).map(|buffers| *buffers.get(count - 1));
        let last = last.ok_or_else(|| damaged("a batch lacks columns"))?;
        Ok(length(last.offset().saturating_add(last.length()))?.min(body))
    }
}

fn length(number: i64) -> Result<usize, ArrowError> {
    usize::try_from(number).map_err(|_| damaged("a length is negative"))
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
        assert_eq!(pack.read(None).block(1).unwrap(), batch(&[3, 0]));
        let numbers = pack.read(Some(vec![0]));
        for (number, expected) in [(2, [4, 5]), (0, [1, 2])] {
            assert_eq!(numbers.block(number).unwrap().column(0).as_primitive::<Int64Type>().values()[..], expected);
        }
        assert!(numbers.block(3).is_err());
    }

    #[test]
    fn first_columns_are_read_without_the_bytes_of_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let rows = batch(&(0..5_000).collect::<Vec<_>>());
        let mut writer = PackWriter::create(folder.path(), "a", &rows.schema()).unwrap();
        writer.write(&values("x"), &rows).unwrap();
        let pack = Pack::open(&folder.path().join(writer.finish().unwrap().unwrap().path)).unwrap();
        let body = length(pack.blocks[0].bodyLength()).unwrap();
        let mut head = vec![0; length(pack.blocks[0].metaDataLength().into()).unwrap()];
        pack.file.read_exact_at(&mut head, pack.blocks[0].offset().try_into().unwrap()).unwrap();
        let wanted = |columns| pack.read(columns).wanted(&head, body).unwrap();
        assert!(wanted(Some(vec![0])) < wanted(Some(vec![1])));
        assert!(wanted(Some(vec![1])) <= body);
        assert_eq!(wanted(None), body);
        for columns in [vec![0], vec![1], vec![0, 1], Vec::new()] {
            let found = pack.read(Some(columns.clone())).block(0).unwrap();
            assert_eq!(found, rows.project(&columns).unwrap());
        }
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
