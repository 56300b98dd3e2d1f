//! Given rows → a table as the model's scan sees it.
//!
//! A column that a row leaves out takes the test's default, else the contract's, else it is NULL, or, where NULL cannot be, the
//! blank of its type (`''`, 0, false, 1970-01-01). A derived column that the test does not name at all is computed as the
//! contract says.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, RecordBatch, RecordBatchOptions, new_null_array},
    compute::cast,
    datatypes::{DataType, Field, Schema, SchemaRef},
};
use chrono::NaiveDate;
use datafusion::{catalog::TableProvider, common::ScalarValue, datasource::MemTable, error::Result};

use super::{Readable, value};
use crate::{
    define::{
        suggestion,
        unit_test::{Cell, Given},
    },
    engine::{AsOf, Parameters, expression},
    record::{Diagnostic, Placed, TableName},
};

/// Returns what the model scans; without `given` the table is empty.
///
/// # Errors
/// Every column that is not there and every value that is none of its type.
pub(super) fn provider(
    name: &TableName,
    readable: &Readable,
    given: Option<&Given>,
    parameters: &Parameters,
) -> std::result::Result<Arc<dyn TableProvider>, Vec<Diagnostic>> {
    let batch = match given {
        Some(given) => batch(readable, given, parameters)?,
        None => RecordBatch::new_empty(Arc::clone(&readable.schema)),
    };
    cut(name, readable, batch, parameters.run_date).map_err(|error| vec![unfit(name, given, &error.strip_backtrace())])
}

/// Applies the cut of the table's scan, as a run does.
fn cut(
    name: &TableName,
    readable: &Readable,
    batch: RecordBatch,
    run_date: NaiveDate,
) -> Result<Arc<dyn TableProvider>> {
    let table = Arc::new(MemTable::try_new(Arc::clone(&readable.schema), vec![vec![batch]])?);
    match &readable.as_of {
        Some(as_of) => AsOf { run_date, ..as_of.clone() }.cut(table, &name.to_string()),
        None => Ok(table),
    }
}

fn unfit(name: &TableName, given: Option<&Given>, words: &str) -> Diagnostic {
    let message = format!("the rows of `{name}` make no table: {words}");
    match given {
        Some(given) => Diagnostic::error(message, given.table.place.clone()),
        None => Diagnostic::error_without_place(message),
    }
}

fn batch(
    readable: &Readable,
    given: &Given,
    parameters: &Parameters,
) -> std::result::Result<RecordBatch, Vec<Diagnostic>> {
    let mut findings = unknown(readable, given);
    let mut columns = Vec::with_capacity(readable.schema.fields().len());
    for field in readable.schema.fields() {
        columns.push(column(field, readable, given, &mut findings));
    }
    if !findings.is_empty() {
        return Err(findings);
    }
    let columns = columns.into_iter().flatten().collect();
    let options = RecordBatchOptions::new().with_row_count(Some(given.rows.len()));
    let made = derived(readable, given, columns, parameters)
        .and_then(|columns| Ok(RecordBatch::try_new_with_options(Arc::clone(&readable.schema), columns, &options)?));
    made.map_err(|error| vec![unfit(&given.table.value, Some(given), &error.strip_backtrace())])
}

fn cells(given: &Given) -> impl Iterator<Item = &Cell> {
    given.defaults.iter().chain(given.rows.iter().flat_map(|row| &row.cells))
}

/// Finds columns that the table does not have, each once.
fn unknown(readable: &Readable, given: &Given) -> Vec<Diagnostic> {
    let mut findings: Vec<Diagnostic> = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for column in cells(given).map(|cell| &cell.column) {
        if readable.schema.field_with_name(&column.value).is_err() && !seen.contains(&column.value.as_str()) {
            seen.push(&column.value);
            let names = readable.schema.fields().iter().map(|field| field.name().as_str());
            let message = format!("`{}` has no column `{}`", given.table.value, column.value);
            findings.push(Diagnostic::error(message, column.place.clone()).hint(suggestion(&column.value, names)));
        }
    }
    findings
}

/// Returns the values of a column, or nothing where one of them is a finding.
fn column(field: &Field, readable: &Readable, given: &Given, findings: &mut Vec<Diagnostic>) -> Option<ArrayRef> {
    let known = findings.len();
    let left_out = left_out(field, readable, given, findings);
    let is_named = given.rows.iter().any(|row| row.cells.iter().any(|cell| cell.column.value == *field.name()));
    if (!is_named && left_out.is_null()) || given.rows.is_empty() {
        return Some(new_null_array(field.data_type(), given.rows.len()));
    }
    let mut values = Vec::with_capacity(given.rows.len());
    for row in &given.rows {
        values.push(match row.cells.iter().find(|cell| cell.column.value == *field.name()) {
            Some(cell) => read(cell, field, findings).unwrap_or_else(|| left_out.clone()),
            None => left_out.clone(),
        });
    }
    (findings.len() == known).then(|| ScalarValue::iter_to_array(values).ok()).flatten()
}

/// Returns the value where a row says nothing.
fn left_out(field: &Field, readable: &Readable, given: &Given, findings: &mut Vec<Diagnostic>) -> ScalarValue {
    let of_test = given.defaults.iter().find(|cell| cell.column.value == *field.name());
    let of_test = of_test.and_then(|cell| read(cell, field, findings));
    let of_contract = || value::read(readable.defaults.get(field.name())?, field.data_type()).ok();
    let blank = || value::blank(field.data_type()).filter(|_| !field.is_nullable());
    let null = || ScalarValue::try_from(field.data_type()).unwrap_or(ScalarValue::Null);
    of_test.or_else(of_contract).or_else(blank).unwrap_or_else(null)
}

fn read(cell: &Cell, field: &Field, findings: &mut Vec<Diagnostic>) -> Option<ScalarValue> {
    let value = typed(&cell.value, field.data_type(), findings)?;
    if value.is_null() && !field.is_nullable() {
        let message = format!("`{}` is required by the contract and never NULL", field.name());
        findings.push(Diagnostic::error(message, cell.value.place.clone()).hint("write a value, or leave it out"));
        return None;
    }
    Some(value)
}

/// Reads a placed value; one that cannot be is a finding.
pub(super) fn typed(
    written: &Placed<Option<String>>,
    data_type: &DataType,
    findings: &mut Vec<Diagnostic>,
) -> Option<ScalarValue> {
    let Some(text) = &written.value else { return ScalarValue::try_from(data_type).ok() };
    match value::read(text, data_type) {
        Ok(value) => Some(value),
        Err(hint) => {
            let message = format!("`{text}` is no {}", crate::define::type_name(data_type));
            findings.push(Diagnostic::error(message, written.place.clone()).hint(hint));
            None
        }
    }
}

/// Computes the derived columns that the test does not name.
fn derived(
    readable: &Readable,
    given: &Given,
    mut columns: Vec<ArrayRef>,
    parameters: &Parameters,
) -> Result<Vec<ArrayRef>> {
    let is_named = |name: &String| cells(given).any(|cell| cell.column.value == *name);
    for (name, text) in readable.derived.iter().filter(|(name, _)| !is_named(name)) {
        let Some((index, field)) = readable.schema.column_with_name(name) else { continue };
        let over = nullable(&readable.schema);
        let computed = expression::compile(&text.value, &over, parameters)?.physical;
        let batch = RecordBatch::try_new(over, columns.clone())?;
        let values = cast(&computed.evaluate(&batch)?.into_array(batch.num_rows())?, field.data_type())?;
        columns[index] = if field.is_nullable() { values } else { without_null(&values, field)? };
    }
    Ok(columns)
}

fn nullable(schema: &SchemaRef) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// Puts the blank of the type in the place of NULL: what the column is derived from was left out.
fn without_null(values: &ArrayRef, field: &Field) -> Result<ArrayRef> {
    let Some(blank) = value::blank(field.data_type()).filter(|_| values.null_count() > 0) else {
        return Ok(Arc::clone(values));
    };
    let blank = blank.to_scalar()?;
    Ok(arrow::compute::kernels::zip::zip(&arrow::compute::is_not_null(values)?, values, &blank)?)
}
