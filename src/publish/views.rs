//! `views.sql`: the public tables of one snapshot as `DuckDB` views.
//!
//! In: a manifest and where its tables' files are. Out: SQL that a reader runs once; from then on it sees exactly this snapshot,
//! whatever is published meanwhile. Paths are absolute, since `DuckDB` resolves relative ones against the reader's folder.
//! Where kept files have other columns than the table, columns are matched by name, cast, and NULL where no file has them.
//! Deliberately absent: private tables.

use std::{fmt::Write, path::Path, str::FromStr};

use arrow::datatypes::{DataType, Field, TimeUnit};

use super::layout;
use crate::record::{
    Manifest, TableName,
    manifest::{Column, Label, Partition, Table},
    sql::{literal, quoted, quoted_table},
};

/// Where the files of a table are, as `DuckDB` is told.
pub(super) enum Files {
    /// Everything that a pattern matches: the folder holds nothing else.
    Below(String),
    /// Just these, since others lie beside them.
    Named(Vec<String>),
}

/// Returns the pattern that matches a table's files in the tree of a snapshot.
pub(super) fn glob(snapshot: &Path, name: &TableName, table: &Table) -> String {
    let data = snapshot.join(layout::data_path(name));
    let depth = if table.partition_by.is_empty() { "" } else { "**/" };
    format!("{}/{depth}*.parquet", escape_glob(&data.to_string_lossy()))
}

/// Renders the views of a snapshot, given where each table's files are.
pub(super) fn render(manifest: &Manifest, files: &dyn Fn(&TableName, &Table) -> Files) -> String {
    let public = || manifest.tables.iter().filter(|(name, _)| !name.is_private());
    let mut sql = format!(
        "-- Snapshot {} of pipeline {}, as of {}. In DuckDB: .read views.sql\n\
         -- The views read the snapshot's own files, so they never see two snapshots at once.\n\n",
        manifest.snapshot,
        one_line(&manifest.pipeline),
        manifest.run_date
    );
    let mut schemas: Vec<&str> = public().map(|(name, _)| name.schema.as_str()).collect();
    schemas.dedup();
    for schema in schemas {
        let _ = writeln!(sql, "CREATE SCHEMA IF NOT EXISTS {};", quoted(schema));
    }
    for (name, table) in public() {
        sql.push('\n');
        sql.push_str(&view(name, table, files));
    }
    sql
}

fn view(name: &TableName, table: &Table, files: &dyn Fn(&TableName, &Table) -> Files) -> String {
    let view = quoted_table(name);
    let has_files = table.partitions.iter().any(|partition| !partition.files.is_empty());
    let select = if has_files { read(table, &files(name, table)) } else { nothing(table) };
    let mut sql = format!("CREATE OR REPLACE VIEW {view} AS\n{select};\n");
    if let Some(description) = &table.description {
        let _ = writeln!(sql, "COMMENT ON VIEW {view} IS {};", literal(description));
    }
    for column in &table.columns {
        if let Some(text) = table.labels.get(&column.name).and_then(spoken) {
            let _ = writeln!(sql, "COMMENT ON COLUMN {view}.{} IS {};", quoted(&column.name), literal(&text));
        }
    }
    sql
}

/// Returns what is said of a column in one line: `月份 / Month: First day of the month. (unit)`.
fn spoken(label: &Label) -> Option<String> {
    let titles: Vec<&str> = label.title_zh.iter().chain(&label.title_en).map(String::as_str).collect();
    let unit = label.unit.as_ref().map(|unit| format!("({unit})"));
    let told = label.description.iter().cloned().chain(unit).collect::<Vec<_>>().join(" ");
    match (titles.is_empty(), told.is_empty()) {
        (true, true) => None,
        (true, false) => Some(told),
        (false, true) => Some(titles.join(" / ")),
        (false, false) => Some(format!("{}: {told}", titles.join(" / "))),
    }
}

/// Selects the columns from the table's files, the partition columns from their paths.
fn read(table: &Table, files: &Files) -> String {
    let is_mixed = table.partitions.iter().any(|partition| !partition.file_columns.is_empty());
    let columns: Vec<String> = match is_mixed {
        true => table.columns.iter().map(|column| adapted(column, table)).collect(),
        false => table.columns.iter().map(|column| quoted(&column.name)).collect(),
    };
    let by_name = if is_mixed { ", union_by_name = true" } else { "" };
    let files = match files {
        Files::Below(pattern) => literal(pattern),
        Files::Named(names) => {
            let names: Vec<String> = names.iter().map(|name| literal(&escape_glob(name))).collect();
            format!("[{}]", names.join(", "))
        }
    };
    format!("SELECT {}\nFROM read_parquet({files}, {}{by_name})", columns.join(", "), hive(table))
}

/// Selects a column from files of which some are older than it, or have it in a narrower type.
fn adapted(column: &Column, table: &Table) -> String {
    let name = quoted(&column.name);
    if table.partition_by.contains(&column.name) {
        return name;
    }
    let has = |partition: &Partition| {
        let held = partition.file_columns.iter().any(|held| held.name == column.name);
        !partition.files.is_empty() && (partition.file_columns.is_empty() || held)
    };
    let value = if table.partitions.iter().any(has) { name.as_str() } else { "NULL" };
    format!("CAST({value} AS {}) AS {name}", column_type(column))
}

/// Returns the options that make `DuckDB` read the partition columns with their types.
fn hive(table: &Table) -> String {
    let typed = |name: &String| {
        let column = table.columns.iter().find(|column| column.name == *name);
        format!("{}: {}", literal(name), column.map_or_else(|| "VARCHAR".to_owned(), column_type))
    };
    if table.partition_by.is_empty() {
        return "hive_partitioning = false".to_owned();
    }
    let all: Vec<String> = table.partition_by.iter().map(typed).collect();
    format!("hive_partitioning = true, hive_types = {{{}}}", all.join(", "))
}

/// Selects no rows with the table's columns, where there is no file that could show them.
fn nothing(table: &Table) -> String {
    let column = |column: &Column| format!("CAST(NULL AS {}) AS {}", column_type(column), quoted(&column.name));
    let columns: Vec<String> = table.columns.iter().map(column).collect();
    format!("SELECT {}\nWHERE false", columns.join(", "))
}

fn column_type(column: &Column) -> String {
    DataType::from_str(&column.data_type).map_or_else(|_| "VARCHAR".to_owned(), |data_type| duckdb_type(&data_type))
}

fn duckdb_type(data_type: &DataType) -> String {
    let name = match data_type {
        DataType::Boolean => "BOOLEAN",
        DataType::Int8 => "TINYINT",
        DataType::Int16 => "SMALLINT",
        DataType::Int32 => "INTEGER",
        DataType::Int64 => "BIGINT",
        DataType::UInt8 => "UTINYINT",
        DataType::UInt16 => "USMALLINT",
        DataType::UInt32 => "UINTEGER",
        DataType::UInt64 => "UBIGINT",
        DataType::Float32 => "FLOAT",
        DataType::Float64 | DataType::Decimal256(..) => "DOUBLE",
        DataType::Date32 => "DATE",
        DataType::Time64(_) => "TIME",
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => "TIMESTAMPTZ",
        DataType::Timestamp(..) => "TIMESTAMP",
        DataType::Binary | DataType::FixedSizeBinary(_) => "BLOB",
        DataType::Decimal128(precision, scale) => return format!("DECIMAL({precision}, {scale})"),
        DataType::List(item) | DataType::LargeList(item) => return format!("{}[]", duckdb_type(item.data_type())),
        DataType::Struct(fields) => {
            let field =
                |field: &std::sync::Arc<Field>| format!("{} {}", quoted(field.name()), duckdb_type(field.data_type()));
            return format!("STRUCT({})", fields.iter().map(field).collect::<Vec<_>>().join(", "));
        }
        _ => "VARCHAR",
    };
    name.to_owned()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Takes from a path's characters the meaning that they have in a glob.
fn escape_glob(path: &str) -> String {
    let mut escaped = String::with_capacity(path.len());
    for character in path.chars() {
        match character {
            '*' | '?' | '[' => {
                let _ = write!(escaped, "[{character}]");
            }
            other => escaped.push(other),
        }
    }
    escaped
}
