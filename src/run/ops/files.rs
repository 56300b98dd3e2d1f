//! `ops.file`: the extract files behind the staged tables, as a table that models may read.
//!
//! In: the staged sources. Out: one row per live file. Nothing in it names a run or a clock, so that the same files give the
//! same bytes. Deliberately absent: what the storage says of a file, which differs from machine to machine.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray},
    datatypes::{DataType, Field, Schema, SchemaRef},
};

use super::{Writing, whole};
use crate::{
    Error,
    engine::CatalogTable,
    publish::Finder,
    record::{
        TableName,
        manifest::{InputFile, Told},
    },
    run::stage::StagedSource,
};

const KEY: [&str; 2] = ["source", "path"];
const DESCRIPTION: &str = "Extract files of which rows count, with what was read of each.";
const TOLD: &[Told] = &[
    ("source", "来源", "Source", "Source whose extract the file is."),
    ("path", "文件路径", "Path", "Path of the file below the folder of the source."),
    ("version", "版本", "Version", "By which a later file is told from an earlier one."),
    ("byte_count", "字节数", "Bytes", "Size of the file as it lies there."),
    ("line_count", "行数", "Lines", "Physical lines of the file, headers and blanks too."),
    ("row_count", "数据行数", "Rows", "Rows of data in the file, whatever became of them."),
    ("rejected_count", "拒收行数", "Rejected rows", "Rows of the file that are in quarantine."),
    ("is_missing", "是否缺失", "Missing", "Whether the file has gone while its rows still count."),
];

/// Returns the columns of the table.
pub(in crate::run) fn schema() -> SchemaRef {
    let text = |name: &str, nullable: bool| Field::new(name, DataType::Utf8, nullable);
    let count = |name: &str| Field::new(name, DataType::Int64, true);
    Arc::new(Schema::new(vec![
        text("source", true),
        text("path", true),
        text("version", true),
        count("byte_count"),
        count("line_count"),
        count("row_count"),
        count("rejected_count"),
        Field::new("is_missing", DataType::Boolean, true),
    ]))
}

/// Writes the table and returns it as models read it.
///
/// # Errors
/// When the disk refuses.
pub(in crate::run) fn write(
    staged: &[StagedSource],
    writing: Writing<'_>,
    files: &Finder,
) -> Result<CatalogTable, Error> {
    let name = TableName::file();
    let (_, table) = writing.table(name.clone(), &KEY, DESCRIPTION, TOLD, &rows(staged)?)?;
    Ok(CatalogTable::new(table, schema(), None, &|file| files.find(&name, file)))
}

fn rows(staged: &[StagedSource]) -> Result<RecordBatch, Error> {
    let listed: Vec<(&str, &InputFile)> = staged
        .iter()
        .flat_map(|source| source.input.files.iter().map(|file| (source.report.source.as_str(), file)))
        .collect();
    let count = |of: fn(&InputFile) -> u64| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(listed.iter().map(|(_, file)| whole(of(file)))))
    };
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(listed.iter().map(|(source, _)| source))),
        Arc::new(StringArray::from_iter_values(listed.iter().map(|(_, file)| &file.path))),
        Arc::new(listed.iter().map(|(_, file)| file.version.as_deref()).collect::<StringArray>()),
        count(|file| file.size),
        count(|file| file.lines.lines),
        count(|file| file.lines.rows),
        count(|file| file.rejected),
        Arc::new(listed.iter().map(|(_, file)| Some(file.is_missing)).collect::<BooleanArray>()),
    ];
    RecordBatch::try_new(schema(), columns).map_err(|error| Error::Bug { message: error.to_string() })
}
