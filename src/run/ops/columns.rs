//! `ops.column`: every column of every table of a snapshot, with its titles, so that a BI tool can label what it shows.
//!
//! In: the tables of a manifest. Out: one row per column, in the order of the table.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray},
    datatypes::{Field, Schema},
};

use super::Writing;
use crate::{
    Error,
    record::{
        Manifest, TableName,
        manifest::{Column, Label, Table, Told},
    },
};

const KEY: [&str; 2] = ["table_name", "column_name"];
const DESCRIPTION: &str = "Columns of all tables, with their titles in Chinese and English.";
const TOLD: &[Told] = &[
    ("table_name", "表名", "Table", "Table, with its schema."),
    ("column_name", "列名", "Column", "Name of the column."),
    ("column_number", "列序号", "Column number", "Place of the column in its table, from 1."),
    ("data_type", "数据类型", "Data type", "Type of the values, as Arrow spells it."),
    ("unit", "单位", "Unit", "Unit of the values, as the model or the contract says."),
    ("title_zh", "中文标题", "Title in Chinese", "What to call the column in Chinese."),
    ("title_en", "英文标题", "Title in English", "What to call the column in English."),
    ("description", "说明", "Description", "What a value says."),
    ("is_key", "是否主键", "Key", "Whether the column is one of the table's key."),
    ("is_partition", "是否分区列", "Partition", "Whether files of the table are parted by the column."),
    (
        "is_private",
        "是否非公开",
        "Private",
        "Whether the table lies under private/, away from readers of the warehouse.",
    ),
];

/// Writes the table.
///
/// # Errors
/// When the disk refuses.
pub(in crate::run) fn write(manifest: &Manifest, writing: Writing<'_>) -> Result<(TableName, Table), Error> {
    writing.table(TableName::column(), &KEY, DESCRIPTION, TOLD, &rows(manifest)?)
}

/// One column in its table.
struct Listed<'a> {
    table: String,
    number: i64,
    column: &'a Column,
    label: Option<&'a Label>,
    is_key: bool,
    is_partition: bool,
    is_private: bool,
}

fn rows(manifest: &Manifest) -> Result<RecordBatch, Error> {
    let listed: Vec<Listed<'_>> = manifest.tables.iter().flat_map(|(name, table)| listed(name, table)).collect();
    let said = |of: fn(&Label) -> Option<&String>| -> ArrayRef {
        Arc::new(listed.iter().map(|row| row.label.and_then(of)).collect::<StringArray>())
    };
    let flag = |of: fn(&Listed<'_>) -> bool| -> ArrayRef {
        Arc::new(listed.iter().map(|row| Some(of(row))).collect::<BooleanArray>())
    };
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("table_name", Arc::new(StringArray::from_iter_values(listed.iter().map(|row| &row.table)))),
        ("column_name", Arc::new(StringArray::from_iter_values(listed.iter().map(|row| &row.column.name)))),
        ("column_number", Arc::new(Int64Array::from_iter_values(listed.iter().map(|row| row.number)))),
        ("data_type", Arc::new(StringArray::from_iter_values(listed.iter().map(|row| &row.column.data_type)))),
        ("unit", said(|label| label.unit.as_ref())),
        ("title_zh", said(|label| label.title_zh.as_ref())),
        ("title_en", said(|label| label.title_en.as_ref())),
        ("description", said(|label| label.description.as_ref())),
        ("is_key", flag(|row| row.is_key)),
        ("is_partition", flag(|row| row.is_partition)),
        ("is_private", flag(|row| row.is_private)),
    ];
    let field = |(name, values): &(&str, ArrayRef)| Field::new(*name, values.data_type().clone(), true);
    let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
    let values = columns.into_iter().map(|(_, values)| values).collect();
    RecordBatch::try_new(schema, values).map_err(|error| Error::Bug { message: error.to_string() })
}

fn listed<'a>(name: &TableName, table: &'a Table) -> impl Iterator<Item = Listed<'a>> {
    let (is_private, name) = (name.is_private(), name.to_string());
    (1..).zip(&table.columns).map(move |(number, column)| Listed {
        table: name.clone(),
        number,
        column,
        label: table.labels.get(&column.name),
        is_key: table.key.contains(&column.name),
        is_partition: table.partition_by.contains(&column.name),
        is_private,
    })
}
