//! The Parquet files of one partition.
//!
//! In: its rows in sorted order. Out: files named by the hash of their bytes, each closed with the portion of rows that
//! fills it. Its fullness is what was written of it and what is encoded and waits, both functions of its rows; nothing
//! that differs from run to run goes in, and portions end at the same rows, so equal rows give equal bytes. Deliberately
//! absent: the partition columns, which stand in the path only, and waiting for the disk: `commit` does that for all files
//! at once, before anybody reads them.

use std::{
    io,
    path::{Path, PathBuf},
};

use arrow::array::RecordBatch;
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, ZstdLevel},
    errors::ParquetError,
    file::{
        metadata::SortingColumn,
        properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder},
    },
    schema::types::ColumnPath,
};

use super::{WriterOptions, encoding, plan::Plan, portion::Portion};
use crate::{
    publish::Error,
    record::{PartitionValues, manifest::DataFile},
    storage::{
        hashing::HashingFile,
        local::{self, PRIVATE_MODE},
    },
};

/// Rows of a row group: the unit that readers skip and decode in parallel.
const ROW_GROUP_ROWS: usize = 131_072;
/// Encoded bytes after which a row group is closed before it has them: until then it lies in memory.
const ROW_GROUP_BYTES: usize = 64 << 20;
/// Rows that are sorted, hashed and encoded at once.
const PORTION_ROWS: usize = 8_192;
/// Bytes of the same: at most this share of a file, so that none is much too large, and not too many for the memory.
const PORTION_SHARE: usize = 32;
const MOST_PORTION_BYTES: usize = 4 << 20;
/// Rows from which finding one key pays for a bloom filter.
const BLOOM_ROWS: u64 = 10_000;
/// Characters of the hash in a file's name.
const NAME_LENGTH: usize = 32;

/// The files of one partition, in progress.
pub(super) struct PartitionFiles<'a> {
    plan: &'a Plan,
    folder: PathBuf,
    /// `month=2026-06-01`, or nothing.
    path: String,
    /// Rows of the partition.
    rows: u64,
    /// Decided by the first rows.
    properties: Option<WriterProperties>,
    zstd_level: i32,
    file_bytes: usize,
    open: Option<OpenFile>,
    files: Vec<DataFile>,
}

struct OpenFile {
    temporary: PathBuf,
    writer: ArrowWriter<HashingFile>,
    rows: usize,
}

impl<'a> PartitionFiles<'a> {
    /// Prepares to write `rows` rows; a partition without rows gets one file that shows its columns.
    pub fn new(
        plan: &'a Plan,
        folder: &Path,
        values: &PartitionValues,
        rows: u64,
        options: &WriterOptions,
    ) -> Result<Self, Error> {
        let path = values.to_path(&plan.partition_by);
        let folder = if path.is_empty() { folder.to_owned() } else { folder.join(&path) };
        local::create_dir_all(&folder, plan.name.is_private().then_some(PRIVATE_MODE))?;
        let (file_bytes, zstd_level) = (options.file_bytes, options.zstd_level);
        let (properties, open, files) = (None, None, Vec::new());
        let mut files = Self { plan, folder, path, rows, properties, zstd_level, file_bytes, open, files };
        if rows == 0 {
            files.open = Some(files.create(&RecordBatch::new_empty(plan.data_schema.clone()))?);
        }
        Ok(files)
    }

    /// Returns how many rows are to be written at once.
    pub fn portion(&self) -> Portion {
        Portion { rows: PORTION_ROWS, bytes: MOST_PORTION_BYTES.min(self.file_bytes / PORTION_SHARE) }
    }

    /// Appends a portion of rows, and closes the file that it fills.
    pub fn write(&mut self, rows: &RecordBatch) -> Result<(), Error> {
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.create(rows)?,
        };
        open.writer.write(rows).map_err(|source| parquet_error(&open.temporary, source))?;
        open.rows += rows.num_rows();
        let waiting = open.writer.in_progress_size();
        let is_full = open.writer.bytes_written() + waiting >= self.file_bytes;
        if waiting >= ROW_GROUP_BYTES && !is_full {
            open.writer.flush().map_err(|source| parquet_error(&open.temporary, source))?;
        }
        self.open = Some(open);
        if is_full { self.close() } else { Ok(()) }
    }

    /// Closes the last file and returns all, in key order.
    pub fn finish(mut self) -> Result<Vec<DataFile>, Error> {
        self.close()?;
        Ok(self.files)
    }

    /// Begins a file; the first rows of the partition decide about all of its files.
    fn create(&mut self, rows: &RecordBatch) -> Result<OpenFile, Error> {
        let temporary = self.folder.join(format!(".{}.new", self.files.len()));
        let wrong = |source| parquet_error(&temporary, source);
        let properties = match self.properties.take() {
            Some(properties) => properties,
            None => properties(self.plan, self.rows, rows, self.zstd_level).map_err(wrong)?,
        };
        self.properties = Some(properties.clone());
        let file = HashingFile::new(local::create_data_file(&temporary)?);
        let writer = ArrowWriter::try_new(file, self.plan.data_schema.clone(), Some(properties)).map_err(wrong)?;
        Ok(OpenFile { temporary, writer, rows: 0 })
    }

    /// Closes the open file and gives it its name.
    fn close(&mut self) -> Result<(), Error> {
        let Some(open) = self.open.take() else { return Ok(()) };
        let file = open.writer.into_inner().map_err(|source| parquet_error(&open.temporary, source))?;
        let (blake3, bytes) = file.finish();
        let path = self.unused_path(&blake3[..NAME_LENGTH]);
        let name = path.rsplit('/').next().unwrap_or(&path);
        local::rename(&open.temporary, &self.folder.join(name))?;
        self.files.push(DataFile { path, rows: open.rows as u64, bytes, blake3 });
        Ok(())
    }

    /// Returns the path below `data/`. Two files of equal rows, as in a table without a key, get names of their own.
    fn unused_path(&self, hash: &str) -> String {
        let prefix = if self.path.is_empty() { String::new() } else { format!("{}/", self.path) };
        let numbered = (1..).map(|number| format!("{prefix}{hash}-{number}.parquet"));
        let mut names = std::iter::once(format!("{prefix}{hash}.parquet")).chain(numbered);
        names.find(|name| self.files.iter().all(|file| file.path != *name)).unwrap_or_default()
    }
}

fn properties(plan: &Plan, rows: u64, first: &RecordBatch, zstd_level: i32) -> Result<WriterProperties, ParquetError> {
    let builder = WriterProperties::builder()
        // The form that readers know how to take apart; without a version they distrust the statistics of strings.
        .set_created_by(format!("tallyhouse version {}", env!("CARGO_PKG_VERSION")))
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(zstd_level)?))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_sorting_columns(sorting_columns(plan));
    let direct = encoding::without_dictionary(first, plan);
    Ok(bloom_filters(encoding::encode(builder, &direct, plan), &direct, plan, rows).build())
}

/// Adds filters to the key columns of many values. Where a dictionary pays, a row group has most of the values anyway.
fn bloom_filters(
    mut builder: WriterPropertiesBuilder,
    direct: &[usize],
    plan: &Plan,
    rows: u64,
) -> WriterPropertiesBuilder {
    if rows <= BLOOM_ROWS {
        return builder;
    }
    for column in plan.key_columns.iter().filter(|column| direct.contains(column)) {
        let path = ColumnPath::from(vec![plan.data_schema.field(*column).name().clone()]);
        let distinct = rows.min(ROW_GROUP_ROWS as u64);
        builder =
            builder.set_column_bloom_filter_enabled(path.clone(), true).set_column_bloom_filter_max_ndv(path, distinct);
    }
    builder
}

/// Declares the order of the key, where columns of the file and of Parquet correspond one to one.
fn sorting_columns(plan: &Plan) -> Option<Vec<SortingColumn>> {
    let flat = plan.data_schema.fields().iter().all(|field| !field.data_type().is_nested());
    let column = |&column: &usize| {
        Some(SortingColumn { column_idx: i32::try_from(column).ok()?, descending: false, nulls_first: true })
    };
    if flat && !plan.key_columns.is_empty() { plan.key_columns.iter().map(column).collect() } else { None }
}

/// Names the file in an error of Parquet; a full disk stays a full disk.
fn parquet_error(path: &Path, source: ParquetError) -> Error {
    match source {
        ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(source) => local::Error::new("write", path, *source).into(),
            Err(inner) => Error::Parquet { path: path.to_owned(), source: ParquetError::External(inner) },
        },
        // The writer folds a failed flush into words and loses the cause.
        ParquetError::General(words) if words.contains("(os error 28)") => {
            local::Error::new("write", path, io::ErrorKind::StorageFull.into()).into()
        }
        source => Error::Parquet { path: path.to_owned(), source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_below_parquet_stays_a_full_disk() {
        let error = parquet_error(Path::new("/w/a"), io::Error::from(io::ErrorKind::StorageFull).into());
        assert_eq!(error.to_string(), "cannot write `/w/a`: the disk is full");
        assert!(matches!(error, Error::Storage(error) if error.kind() == local::Kind::Full));
    }
}
