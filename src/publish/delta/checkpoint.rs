//! A checkpoint: the whole state of a table at one version, as one Parquet file, so that earlier log files can go.
//!
//! In: the actions of that state; earlier log files, for what only they know of a file. Out: the checkpoint's bytes, and
//! what `_last_checkpoint` says. Deliberately absent: removed files, which lie in no snapshot that has this log.

use std::{collections::HashMap, sync::Arc};

use arrow::{
    array::{Array, AsArray, RecordBatch},
    datatypes::{DataType, Field, Fields, Int64Type, Schema, SchemaRef},
    error::ArrowError,
    json::ReaderBuilder,
};
use bytes::Bytes;
use parquet::{
    arrow::{ArrowWriter, arrow_reader::ParquetRecordBatchReaderBuilder},
    basic::{Compression, ZstdLevel},
    file::properties::WriterProperties,
};

use super::actions::{Action, EarlierAdd, EarlierLine};

/// Actions that are encoded at once.
const BATCH_ACTIONS: usize = 8_192;

/// Returns the checkpoint of a state.
///
/// # Errors
/// When the encoder refuses, which only a bug can cause.
pub fn write(state: &[Action<'_>]) -> Result<Vec<u8>, ArrowError> {
    let schema = schema();
    let compression = Compression::ZSTD(ZstdLevel::try_new(1)?);
    let properties = WriterProperties::builder().set_compression(compression).build();
    let mut writer = ArrowWriter::try_new(Vec::new(), schema.clone(), Some(properties))?;
    let mut decoder = ReaderBuilder::new(schema).with_batch_size(BATCH_ACTIONS).build_decoder()?;
    for actions in state.chunks(BATCH_ACTIONS) {
        decoder.serialize(actions)?;
        if let Some(batch) = decoder.flush()? {
            writer.write(&batch)?;
        }
    }
    Ok(writer.into_inner()?)
}

/// What only the log knows of the files of a table, by their encoded paths.
#[derive(Debug, Default)]
pub struct Known(HashMap<String, EarlierAdd>);

impl Known {
    /// Returns what is known of a file.
    pub fn of(&self, path: &str) -> Option<&EarlierAdd> {
        self.0.get(path)
    }

    /// Takes in a version's file.
    ///
    /// # Errors
    /// When a line is no action.
    pub fn read_version(&mut self, bytes: &[u8]) -> Result<(), ArrowError> {
        for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let line: EarlierLine =
                serde_json::from_slice(line).map_err(|error| ArrowError::JsonError(error.to_string()))?;
            self.0.extend(line.add.map(|add| (add.path.clone(), add)));
        }
        Ok(())
    }

    /// Takes in a checkpoint.
    ///
    /// # Errors
    /// When it is none of ours.
    pub fn read_checkpoint(&mut self, bytes: Bytes) -> Result<(), ArrowError> {
        for batch in ParquetRecordBatchReaderBuilder::try_new(bytes)?.build()? {
            self.read_batch(&batch?).ok_or_else(|| ArrowError::ParseError("a checkpoint without `add`".to_owned()))?;
        }
        Ok(())
    }

    fn read_batch(&mut self, batch: &RecordBatch) -> Option<()> {
        let adds = batch.column_by_name("add")?.as_struct_opt()?;
        let paths = adds.column_by_name("path")?.as_string_opt::<i32>()?;
        let times = adds.column_by_name("modificationTime")?.as_primitive_opt::<Int64Type>()?;
        let stats = adds.column_by_name("stats")?.as_string_opt::<i32>()?;
        for row in (0..adds.len()).filter(|row| adds.is_valid(*row)) {
            let (path, modification_time) = (paths.value(row).to_owned(), times.value(row));
            let stats = stats.is_valid(row).then(|| stats.value(row).to_owned());
            self.0.insert(path.clone(), EarlierAdd { path, modification_time, stats });
        }
        Some(())
    }
}

/// Returns the columns of a checkpoint: one for every kind of action, of which each row fills one.
fn schema() -> SchemaRef {
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    let texts = |name: &str| Field::new_list(name, Field::new("element", DataType::Utf8, true), true);
    let number = |name: &str| Field::new(name, DataType::Int64, true);
    let version = |name: &str| Field::new(name, DataType::Int32, true);
    let map = |name: &str| {
        let (key, value) = (Field::new("key", DataType::Utf8, false), text("value"));
        Field::new_map(name, "key_value", key, value, false, true)
    };
    let action = |name: &str, fields: Vec<Field>| Field::new_struct(name, Fields::from(fields), true);
    let versions = vec![version("minReaderVersion"), version("minWriterVersion")];
    let format = Field::new_struct("format", Fields::from(vec![text("provider"), map("options")]), true);
    let table = vec![
        text("id"),
        text("name"),
        text("description"),
        format,
        text("schemaString"),
        texts("partitionColumns"),
        map("configuration"),
    ];
    let file = vec![
        text("path"),
        map("partitionValues"),
        number("size"),
        number("modificationTime"),
        Field::new("dataChange", DataType::Boolean, true),
        text("stats"),
    ];
    Arc::new(Schema::new(vec![action("protocol", versions), action("metaData", table), action("add", file)]))
}
