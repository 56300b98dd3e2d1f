//! The rows that fail a check, without personal data.
//!
//! In: the query of a check's failing rows. Out: their keys and columns as JSON that keeps every digit, and a few of them by
//! key and checked columns alone, for reports. Bounded: no more rows than are kept leave the engine.

use std::collections::BTreeSet;

use arrow::{array::RecordBatch, json::WriterBuilder, json::writer::JsonArray};
use datafusion::error::{DataFusionError, Result};
use serde_json::{Map, Value, value::RawValue};

use super::{
    TableChecks,
    carry_out::{Around, collect},
    query,
};
use crate::define::project::{Check, CheckKind};

/// Failing rows that a report shows.
const SAMPLE_ROWS: usize = 5;

/// Failing rows.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// Key and row of each that is kept.
    pub kept: Vec<(String, String)>,
    /// A few, for reports: key and checked columns.
    pub samples: Vec<Box<RawValue>>,
}

impl Rows {
    /// Takes numbers that are out of bounds for rows without a key.
    pub(super) fn of_numbers(rows: Vec<Map<String, Value>>) -> Self {
        let texts: Vec<String> = rows.into_iter().map(|row| Value::Object(row).to_string()).collect();
        let samples = texts.iter().take(SAMPLE_ROWS).filter_map(|text| RawValue::from_string(text.clone()).ok());
        Self { samples: samples.collect(), kept: texts.into_iter().map(|row| ("{}".to_owned(), row)).collect() }
    }
}

/// Fetches the rows of `failing` that are kept: in order of the columns that reports show, then of all others.
pub(super) async fn rows(table: &TableChecks, check: &Check, failing: &str, around: Around<'_>) -> Result<Rows> {
    let state = around.session.state();
    let schema = query::planned(check.dialect, failing, around.session, &state).await?.schema().clone();
    let is_public = |name: &&String| !table.personal.contains(*name);
    let names: Vec<&String> = schema.fields().iter().map(|field| field.name()).filter(is_public).collect();
    let (shown, others): (Vec<&String>, Vec<&String>) = names.iter().partition(|name| is_shown(table, check, name));
    let columns: Vec<String> = shown.iter().chain(&others).map(|name| (*name).clone()).collect();
    if columns.is_empty() {
        return Ok(Rows::default());
    }
    let rows = around.kept_rows.max(SAMPLE_ROWS);
    let batches = collect(around.session, check.dialect, &query::sample(failing, &columns, rows)).await?;
    let key: BTreeSet<&String> = table.key.iter().collect();
    let mut found = Rows::default();
    for batch in &batches {
        let position = |name: &&String| columns.iter().position(|column| column == *name);
        let keys: Vec<usize> = names.iter().filter(|name| key.contains(**name)).filter_map(position).collect();
        let all: Vec<usize> = names.iter().filter_map(position).collect();
        let samples: Vec<usize> = (0..shown.len()).collect();
        found.kept.extend(objects(batch, &keys, true)?.into_iter().zip(objects(batch, &all, true)?));
        for sample in objects(batch, &samples, false)?.into_iter().filter(|_| !shown.is_empty()) {
            found.samples.push(RawValue::from_string(sample).map_err(|error| DataFusionError::External(error.into()))?);
        }
    }
    found.kept.truncate(around.kept_rows);
    found.samples.truncate(SAMPLE_ROWS);
    Ok(found)
}

/// Returns whether a column says which row it is or why it fails. The rest stays out of reports, which are read by more people
/// than the row may be.
fn is_shown(table: &TableChecks, check: &Check, name: &str) -> bool {
    let in_text = |text: &str| text.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|word| word == name);
    let is_named = match &check.kind {
        CheckKind::Expr(expr) => in_text(&expr.value),
        _ => check.columns().iter().any(|column| column.value == name),
    };
    is_named || table.key.iter().any(|key| key == name) || name == "rows"
}

/// Returns some columns of every row as a JSON object.
fn objects(batch: &RecordBatch, columns: &[usize], with_nulls: bool) -> Result<Vec<String>> {
    let batch = batch.project(columns)?;
    let rows: Vec<Box<RawValue>> = {
        let mut writer = WriterBuilder::new().with_explicit_nulls(with_nulls).build::<_, JsonArray>(Vec::new());
        writer.write(&batch)?;
        writer.finish()?;
        let bytes = writer.into_inner();
        let read =
            |bytes: &[u8]| serde_json::from_slice(bytes).map_err(|error| DataFusionError::External(error.into()));
        if bytes.is_empty() { Vec::new() } else { read(&bytes)? }
    };
    Ok(rows.iter().map(|row| row.get().to_owned()).collect())
}
