//! One batch: which rows are accepted, and every fault of the others.
//!
//! ```text
//!  rows that could not be cut ──────────────────────────────► one rejection each, read no further
//!  the others: every cell → derived columns → row rules ────► accepted, or one rejection per fault
//! ```
//!
//! A faulty cell makes its column unknown in that row. A derived column over an unknown one is unknown too, without a
//! fault of its own; a rule is asked only where all of its columns are known. So one cause is reported once, and rules
//! over the sound columns of a faulty row are still reported.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, RecordBatchOptions},
    compute::filter_record_batch,
};

use super::{
    Binding, Contract, Error, Normalized,
    cell::{Certainty, Reading},
    contract::{DerivedColumn, PlainColumn, RowRule},
    fault::Fault,
    number::Style,
};
use crate::{
    define::project::Scale,
    record::{DecimalMark, MarkFrom, RawBatch, RawFault, Rejection},
};

/// A fault of one row, before it is a [`Rejection`].
struct Found {
    /// Index in the raw batch.
    row: usize,
    /// Place among the faults of the row: columns in the order of the contract, then rules.
    order: usize,
    column: Option<String>,
    rule: String,
    reason: String,
}

/// The readable rows of a batch while they become typed.
struct Working<'a> {
    contract: &'a Contract,
    raw: &'a RawBatch,
    /// Index in the raw batch of each readable row.
    rows: Vec<usize>,
    /// Plain columns, then derived ones.
    columns: Vec<ArrayRef>,
    /// For each column the rows in which it is unknown; empty where it is known in all.
    unknown: Vec<Vec<bool>>,
    found: Vec<Found>,
}

/// Types a batch.
pub(super) fn normalize(
    contract: &Contract,
    binding: &Binding,
    file: &Arc<str>,
    batch: &RawBatch,
) -> Result<Normalized, Error> {
    codes_are_loaded(contract)?;
    let mut working = Working::over(contract, binding, batch);
    working.read_cells(binding);
    for column in &contract.derived {
        working.derive(column)?;
    }
    for (position, rule) in contract.rules.iter().enumerate() {
        working.judge(position, rule)?;
    }
    working.finish(file)
}

fn codes_are_loaded(contract: &Contract) -> Result<(), Error> {
    for column in &contract.plain {
        let Some(book) = column.rule.codes.as_ref().filter(|book| !book.is_loaded()) else { continue };
        return Err(Error::CodesMissing {
            source_name: contract.name.clone(),
            column: column.name.clone(),
            table: book.table.as_ref().map(|table| table.source.clone()).unwrap_or_default(),
        });
    }
    Ok(())
}

impl<'a> Working<'a> {
    /// Sets rows aside that could not be cut into cells.
    fn over(contract: &'a Contract, binding: &Binding, raw: &'a RawBatch) -> Self {
        let mut rows = Vec::with_capacity(raw.len());
        let mut found = Vec::new();
        for row in 0..raw.len() {
            match raw.fault(row) {
                None => rows.push(row),
                Some(fault) => {
                    let (rule, reason) = row_fault(fault, binding, raw.raw(row));
                    found.push(Found { row, order: 0, column: None, rule: rule.to_owned(), reason });
                }
            }
        }
        Self { contract, raw, rows, columns: Vec::new(), unknown: Vec::new(), found }
    }

    fn read_cells(&mut self, binding: &Binding) {
        for column in &self.contract.plain {
            let cell = binding.columns.get(column.index).copied().flatten();
            let mark = column.numerals.decimal_mark.unwrap_or(binding.decimal_mark);
            let style = Style { mark, numerals: column.numerals };
            let certainty = match (column.numerals.decimal_mark, binding.mark_from) {
                (Some(DecimalMark::Comma), MarkFrom::Format) => Certainty::BesideNumbers,
                (Some(_), _) => Certainty::Declared,
                (None, MarkFrom::Nothing) => Certainty::Assumed,
                (None, MarkFrom::Format | MarkFrom::File) => Certainty::Found,
            };
            let reading = Reading { style, scale: cell.map_or(Scale::ONE, |cell| cell.scale), certainty };
            let raw = self.raw;
            let in_path = binding.path_texts.get(&column.index).map(String::as_str);
            let cells = self.rows.iter().map(|row| cell.map_or(in_path, |cell| raw.cell(*row, cell.index)));
            let (values, faults) = column.kind.read(&column.rule, reading, cells);
            self.columns.push(values);
            self.unknown.push(Vec::new());
            for (row, fault) in faults {
                self.cell_fault(column, row, fault);
            }
        }
    }

    fn cell_fault(&mut self, column: &PlainColumn, row: usize, fault: Fault) {
        self.mark_last_unknown(row);
        self.found.push(Found {
            row: self.rows[row],
            order: column.index,
            column: Some(column.name.clone()),
            rule: fault.rule.to_owned(),
            reason: fault.reason,
        });
    }

    fn mark_last_unknown(&mut self, row: usize) {
        let rows = self.rows.len();
        if let Some(unknown) = self.unknown.last_mut() {
            unknown.resize(rows, false);
            unknown[row] = true;
        }
    }

    /// Computes a derived column and appends it.
    fn derive(&mut self, column: &DerivedColumn) -> Result<(), Error> {
        let (values, failures) = column.expression.evaluate(&self.batch()?)?;
        let blocked = self.blocked(&column.expression.inputs);
        let mut refused: Vec<(usize, Fault)> = failures
            .into_iter()
            .map(|failure| (failure.row, Fault { rule: failure.rule, reason: failure.reason }))
            .collect();
        if column.required {
            // Failures come in order of the rows, and are NULL too.
            let failed: Vec<usize> = refused.iter().map(|(row, _)| *row).collect();
            let empty = (0..values.len()).filter(|row| values.is_null(*row) && failed.binary_search(row).is_err());
            refused.extend(empty.map(|row| (row, derived_null(column))));
        }
        self.columns.push(values);
        self.unknown.push(blocked.clone());
        for (row, Fault { rule, reason }) in refused {
            if blocked.get(row).copied().unwrap_or(false) {
                continue;
            }
            self.mark_last_unknown(row);
            let name = Some(column.name.clone());
            self.found.push(Found {
                row: self.rows[row],
                order: column.index,
                column: name,
                rule: rule.to_owned(),
                reason,
            });
        }
        Ok(())
    }

    /// Asks a row rule; only false rejects.
    fn judge(&mut self, position: usize, rule: &RowRule) -> Result<(), Error> {
        let (values, failures) = rule.expression.evaluate(&self.batch()?)?;
        let blocked = self.blocked(&rule.expression.inputs);
        let is_known = |row: &usize| !blocked.get(*row).copied().unwrap_or(false);
        let verdicts = values.as_boolean();
        let broken = (0..verdicts.len())
            .filter(|row| verdicts.is_valid(*row) && !verdicts.value(*row))
            .map(|row| (row, format!("`{}` is false", rule.expression.text)));
        let failed = failures.into_iter().map(|failure| (failure.row, format!("the rule fails: {}", failure.reason)));
        let order = self.contract.schema.fields().len() + position;
        for (row, reason) in broken.chain(failed).filter(|(row, _)| is_known(row)) {
            self.found.push(Found { row: self.rows[row], order, column: None, rule: rule.name.clone(), reason });
        }
        Ok(())
    }

    /// Returns the rows in which one of the columns is unknown; empty where none is.
    fn blocked(&self, inputs: &[usize]) -> Vec<bool> {
        let mut blocked: Vec<bool> = Vec::new();
        for unknown in inputs.iter().map(|index| &self.unknown[*index]).filter(|unknown| !unknown.is_empty()) {
            blocked.resize(self.rows.len(), false);
            blocked.iter_mut().zip(unknown).for_each(|(blocked, unknown)| *blocked |= *unknown);
        }
        blocked
    }

    /// Returns the columns so far, which are the first of the working schema.
    fn batch(&self) -> Result<RecordBatch, Error> {
        let known: Vec<usize> = (0..self.columns.len()).collect();
        let schema = Arc::new(self.contract.working.project(&known)?);
        Ok(RecordBatch::try_new_with_options(schema, self.columns.clone(), &with_rows(self.rows.len()))?)
    }

    fn finish(mut self, file: &Arc<str>) -> Result<Normalized, Error> {
        self.found.sort_by_key(|found| (found.row, found.order));
        let mut is_rejected = vec![false; self.raw.len()];
        self.found.iter().for_each(|found| is_rejected[found.row] = true);
        let accepted: Vec<usize> = self.rows.iter().copied().filter(|row| !is_rejected[*row]).collect();
        let rows = self.accepted(&is_rejected, accepted.len())?;
        let rejection = |found: Found| Rejection {
            file: Arc::clone(file),
            line: self.raw.line(found.row),
            byte_offset: self.raw.byte_offset(found.row),
            column: found.column,
            rule: found.rule,
            reason: found.reason,
            text: self.raw.raw(found.row).to_owned(),
        };
        let rejected = is_rejected.iter().filter(|rejected| **rejected).count();
        Ok(Normalized {
            rows,
            lines: accepted.iter().map(|row| self.raw.line(*row)).collect(),
            rejections: self.found.into_iter().map(rejection).collect(),
            rejected_rows: u64::try_from(rejected).unwrap_or(u64::MAX),
        })
    }

    /// Returns the accepted rows with columns in declared order.
    fn accepted(&self, is_rejected: &[bool], count: usize) -> Result<RecordBatch, Error> {
        let mut all = self.batch()?;
        if count < self.rows.len() {
            let mask: BooleanArray = self.rows.iter().map(|row| Some(!is_rejected[*row])).collect();
            all = filter_record_batch(&all, &mask)?;
        }
        let plain = self.contract.plain.iter().map(|column| column.index);
        let indexes = plain.chain(self.contract.derived.iter().map(|column| column.index));
        let mut columns: Vec<(usize, ArrayRef)> = indexes.zip(all.columns().iter().cloned()).collect();
        columns.sort_by_key(|(index, _)| *index);
        let columns = columns.into_iter().map(|(_, column)| column).collect();
        Ok(RecordBatch::try_new_with_options(self.contract.schema(), columns, &with_rows(count))?)
    }
}

fn with_rows(count: usize) -> RecordBatchOptions {
    RecordBatchOptions::new().with_row_count(Some(count))
}

fn derived_null(column: &DerivedColumn) -> Fault {
    Fault { rule: "required", reason: format!("a value is required, `{}` gives NULL", column.expression.text) }
}

fn row_fault(fault: RawFault, binding: &Binding, text: &str) -> (&'static str, String) {
    match fault {
        RawFault::Shape(0, expected) => ("row_shape", no_record(text, expected)),
        RawFault::Shape(found, expected) => {
            let noun = if found == 1 { "cell" } else { "cells" };
            ("row_shape", format!("{found} {noun}, expected {expected}"))
        }
        RawFault::Encoding => {
            let encoding = binding.encoding.as_deref().unwrap_or("the file's encoding");
            ("encoding", format!("the row holds bytes that are not {encoding}"))
        }
        RawFault::Truncated => ("truncated", "the last line was cut off while it was written".to_owned()),
        RawFault::Quote => ("quote", "a quote is never closed, or opens in the middle of a cell".to_owned()),
    }
}

/// Says why a row has no cells at all.
fn no_record(text: &str, expected: usize) -> String {
    // Only JSON begins so, and its parser knows what is wrong.
    let is_json = text.trim_start().starts_with(['{', '[']);
    match serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text) {
        Err(error) if is_json => format!("no JSON object: {error}"),
        _ => format!("no record: the row cannot be cut into its {expected} cells"),
    }
}
