//! The tables in which a snapshot tells about itself: `ops.file`, `ops.column`, and those of its checks, `ops.check_failure` and
//! `ops.check_measure`.
//!
//! In: what was staged, what the gate found, the manifest and the parent snapshot. Out: tables of the new snapshot. Nothing in
//! them names a run or a clock, so that the same rows give the same bytes; and what they hold follows from the other tables and
//! the parent, so that they alone are no reason to publish.

pub(super) mod columns;
pub(super) mod files;

use std::{collections::BTreeMap, path::Path, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, AsArray, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray},
    compute::cast,
    datatypes::{DataType, Date32Type, Field, Float64Type, Int64Type, Schema, SchemaRef},
};
use chrono::NaiveDate;
use chrono_tz::Tz;
use datafusion::error::Result;

use super::{Definitions, gate::Gate, nightly::snapshot_catalog};
use crate::{
    Error,
    check::measure_key,
    define::project::{CheckKind, CheckSeverity},
    engine::{Catalog, Engine, Parameters, catalog},
    publish::{TableSpec, TableWriter, Warehouse, WriterOptions, labelled},
    record::{
        CheckFailure, Manifest, MeasurePoint, TableName,
        manifest::{Label, Table, Told},
    },
};

/// The columns of `ops.check_failure`.
const FAILURE: &[Told] = &[
    ("table_name", "表名", "Table", "Table whose rows fail, with its schema."),
    ("check_name", "检查名", "Check", "Name of the check."),
    ("severity", "严重程度", "Severity", "warn or error."),
    ("failed_rows", "不合格行数", "Failed rows", "All rows that fail the check, kept here or not."),
    ("row_number", "序号", "Number", "Number of the row among those that are kept, from 1."),
    ("key", "主键", "Key", "Key of the row, as JSON."),
    ("row", "整行", "Row", "The row without personal data, as JSON."),
];
/// The columns of `ops.check_measure`.
const MEASURE: &[Told] = &[
    ("table_name", "表名", "Table", "Table that was measured, with its schema."),
    ("measure", "度量", "Measure", "What was measured: rows, a null share, a sum, a distinct count."),
    ("run_date", "运行日期", "Run date", "Day as of which the table answered."),
    ("value", "数值", "Value", "What the measure was."),
];
/// Run dates of which a measure is remembered.
const MOST_POINTS: usize = 400;

/// Writes the tables: failing rows once a check is written anywhere, measures once one is compared with its history.
///
/// # Errors
/// When the disk refuses.
pub(super) fn write(
    definitions: &Definitions,
    gate: &Gate,
    writing: Writing<'_>,
) -> Result<Vec<(TableName, Table)>, Error> {
    let mut tables = Vec::new();
    if definitions.checks.iter().any(|table| table.written > 0) {
        let key = ["table_name", "check_name", "row_number"];
        let text = "Rows that fail a check which did not stop the publication, without personal data.";
        tables.push(writing.table(TableName::check_failure(), &key, text, FAILURE, &failure_batch(&gate.failures)?)?);
    }
    let asked = remembered_measures(definitions);
    if !asked.is_empty() {
        let points = merged(&gate.history, &gate.points, &asked);
        let key = ["table_name", "measure", "run_date"];
        let text = "What the measures of checks with a history were, by run date.";
        tables.push(writing.table(TableName::check_measure(), &key, text, MEASURE, &measure_batch(&points)?)?);
    }
    Ok(tables)
}

/// Where and how the tables are written.
#[derive(Clone, Copy)]
pub(super) struct Writing<'a> {
    /// Folder for everything that is written.
    pub folder: &'a Path,
    pub timezone: Tz,
}

impl Writing<'_> {
    /// Writes one table without partitions.
    fn table(
        self,
        name: TableName,
        key: &[&str],
        description: &str,
        told: &[Told],
        rows: &RecordBatch,
    ) -> Result<(TableName, Table), Error> {
        let key: Vec<String> = key.iter().map(|column| (*column).to_owned()).collect();
        let labels = Label::of_columns(told);
        let spec = TableSpec {
            name: name.clone(),
            schema: labelled(&rows.schema(), &labels),
            partition_by: Vec::new(),
            key: key.clone(),
            dates: Vec::new(),
            timezone: self.timezone,
        };
        let mut writer = TableWriter::create(spec, self.folder, WriterOptions::default())?;
        writer.write(rows)?;
        let partitions = writer.finish()?;
        let declared = catalog::declared(&rows.schema(), Vec::new(), key);
        Ok((name, Table { partitions, description: Some(description.to_owned()), labels, ..declared }))
    }
}

/// Returns a count as it is stored.
fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Returns the measures, by table, that some check compares with their history.
fn remembered_measures(definitions: &Definitions) -> Vec<(TableName, String)> {
    let of_table = |table: &crate::check::TableChecks| {
        let name = table.table.clone();
        let asked = table.checks.iter().filter_map(|check| match &check.kind {
            CheckKind::ZScore(score) if score.over.is_none() => Some(measure_key(check, &score.measure)),
            _ => None,
        });
        asked.map(move |measure| (name.clone(), measure)).collect::<Vec<_>>()
    };
    definitions.checks.iter().flat_map(of_table).collect()
}

/// Joins earlier and new points: one for each date, the last dates, of the measures that are asked for.
fn merged(history: &[MeasurePoint], new: &[MeasurePoint], asked: &[(TableName, String)]) -> Vec<MeasurePoint> {
    let mut by_measure: BTreeMap<(TableName, String), BTreeMap<NaiveDate, MeasurePoint>> = BTreeMap::new();
    for point in history.iter().chain(new).cloned() {
        let measure = (point.table.clone(), point.measure.clone());
        if asked.contains(&measure) {
            by_measure.entry(measure).or_default().insert(point.run_date, point);
        }
    }
    let last = |points: BTreeMap<NaiveDate, MeasurePoint>| points.into_values().rev().take(MOST_POINTS);
    by_measure.into_values().flat_map(last).collect()
}

/// Returns the earlier points of all measures.
///
/// # Errors
/// When the table cannot be read.
pub(super) async fn measures(parent: &Manifest, warehouse: &Warehouse, engine: &Engine) -> Result<Vec<MeasurePoint>> {
    let batches = rows(&TableName::check_measure(), parent, warehouse, engine).await?;
    let mut points = Vec::new();
    for batch in &batches {
        let (tables, measures) = (text(batch, 0)?, text(batch, 1)?);
        let (dates, values) =
            (batch.column(2).as_primitive::<Date32Type>(), batch.column(3).as_primitive::<Float64Type>());
        for row in 0..batch.num_rows() {
            let (Ok(table), Some(run_date)) = (
                TableName::try_from(tables.as_string::<i32>().value(row).to_owned()),
                NaiveDate::from_epoch_days(dates.value(row)),
            ) else {
                continue;
            };
            let measure = measures.as_string::<i32>().value(row).to_owned();
            points.push(MeasurePoint { table, measure, run_date, value: values.value(row) });
        }
    }
    Ok(points)
}

/// Returns the rows that fail checks of a snapshot.
///
/// # Errors
/// When the table cannot be read.
pub(super) async fn failures(parent: &Manifest, warehouse: &Warehouse, engine: &Engine) -> Result<Vec<CheckFailure>> {
    let batches = rows(&TableName::check_failure(), parent, warehouse, engine).await?;
    let mut failures = Vec::new();
    for batch in &batches {
        let texts = [0, 1, 2, 5, 6].map(|column| text(batch, column));
        let [tables, checks, severities, keys, rows] = texts;
        let (tables, checks, severities, keys, rows) = (tables?, checks?, severities?, keys?, rows?);
        let (failed, numbers) =
            (batch.column(3).as_primitive::<Int64Type>(), batch.column(4).as_primitive::<Int64Type>());
        let count = |number: i64| u64::try_from(number).unwrap_or(0);
        for row in 0..batch.num_rows() {
            let value = |column: &ArrayRef| column.as_string::<i32>().value(row).to_owned();
            let Ok(table) = TableName::try_from(value(&tables)) else { continue };
            failures.push(CheckFailure {
                table,
                check: value(&checks),
                severity: if value(&severities) == "error" { CheckSeverity::Error } else { CheckSeverity::Warn },
                failed_rows: count(failed.value(row)),
                row_number: count(numbers.value(row)),
                key: value(&keys),
                row: value(&rows),
            });
        }
    }
    Ok(failures)
}

/// Returns the rows of a table of a snapshot, in order of its key; none if there is no such table.
async fn rows(name: &TableName, parent: &Manifest, warehouse: &Warehouse, engine: &Engine) -> Result<Vec<RecordBatch>> {
    let Some(table) = parent.tables.get(name) else { return Ok(Vec::new()) };
    let only = Manifest { tables: BTreeMap::from([(name.clone(), table.clone())]), ..parent.clone() };
    let parameters = Parameters { run_date: parent.run_date, timezone: chrono_tz::UTC, variables: BTreeMap::new() };
    let catalog: Catalog = snapshot_catalog(warehouse, &only, &parameters)?;
    let session = engine.session(catalog::providers(&catalog)?)?;
    let order = table.key.join(", ");
    session.sql(&format!("SELECT * FROM {name} ORDER BY {order}")).await?.collect().await
}

fn text(batch: &RecordBatch, column: usize) -> Result<ArrayRef> {
    Ok(cast(batch.column(column), &DataType::Utf8)?)
}

/// Returns failing rows as they are stored.
///
/// # Errors
/// Never, unless a column is missing here.
pub(super) fn failure_batch(failures: &[CheckFailure]) -> Result<RecordBatch, Error> {
    let texts = |text: fn(&CheckFailure) -> String| -> ArrayRef {
        Arc::new(failures.iter().map(|failure| Some(text(failure))).collect::<StringArray>())
    };
    let counts = |count: fn(&CheckFailure) -> u64| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(failures.iter().map(|failure| whole(count(failure)))))
    };
    batch(vec![
        ("table_name", texts(|failure| failure.table.to_string())),
        ("check_name", texts(|failure| failure.check.clone())),
        ("severity", texts(|failure| severity(failure.severity).to_owned())),
        ("failed_rows", counts(|failure| failure.failed_rows)),
        ("row_number", counts(|failure| failure.row_number)),
        ("key", texts(|failure| failure.key.clone())),
        ("row", texts(|failure| failure.row.clone())),
    ])
}

const fn severity(severity: CheckSeverity) -> &'static str {
    match severity {
        CheckSeverity::Warn => "warn",
        CheckSeverity::Error => "error",
    }
}

fn measure_batch(points: &[MeasurePoint]) -> Result<RecordBatch, Error> {
    let texts = |text: fn(&MeasurePoint) -> String| -> ArrayRef {
        Arc::new(points.iter().map(|point| Some(text(point))).collect::<StringArray>())
    };
    let dates = Date32Array::from_iter_values(points.iter().map(|point| point.run_date.to_epoch_days()));
    let values = Float64Array::from_iter_values(points.iter().map(|point| point.value));
    batch(vec![
        ("table_name", texts(|point| point.table.to_string())),
        ("measure", texts(|point| point.measure.clone())),
        ("run_date", Arc::new(dates) as ArrayRef),
        ("value", Arc::new(values) as ArrayRef),
    ])
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> Result<RecordBatch, Error> {
    let field = |(name, column): &(&str, ArrayRef)| Field::new(*name, column.data_type().clone(), true);
    let schema: SchemaRef = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
    let columns = columns.into_iter().map(|(_, column)| column).collect();
    RecordBatch::try_new(schema, columns).map_err(|error| Error::Bug { message: error.to_string() })
}
