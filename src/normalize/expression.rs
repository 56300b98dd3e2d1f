//! Derived columns and row rules: planned by the engine, explained where they are wrong, evaluated row-safe.
//!
//! One row on which an expression fails (a division by zero, a text that is no number) must not take its batch down:
//! the batch is then halved until the row stands alone, and that row is rejected.

use std::{collections::HashMap, ops::Range, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch, UInt32Array, new_empty_array, new_null_array},
    compute::{CastOptions, cast_with_options, concat, take},
    datatypes::{DataType, Date32Type, Decimal128Type, Float64Type, SchemaRef},
};
use datafusion::{error::DataFusionError, sql::parser::DFParserBuilder};

use super::fault::quoted;
use crate::{
    define::type_name,
    engine::{Parameters, Problem, expression, expression::Expression},
    record::{Diagnostic, Place, Placed, diagnostic::nearest},
};

/// A planned expression and the type that its values are cast to.
#[derive(Debug, Clone)]
pub(super) struct Compiled {
    expression: Expression,
    data_type: DataType,
    /// The columns that it reads, as indexes of the schema it was planned over.
    pub inputs: Vec<usize>,
    /// The expression as written, on one line.
    pub text: String,
    /// The expression re-printed from its syntax tree with parameters put in: blanks and comments do not count.
    pub canonical: String,
}

/// A row on which an expression failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// Index of the row.
    pub row: usize,
    /// `type`, `overflow` where the value does not fit its type, `precision` where the type would cut it.
    pub rule: &'static str,
    /// Why.
    pub reason: String,
}

/// Plans a derived column.
pub(super) fn derived(
    text: &Placed<String>,
    data_type: &DataType,
    schema: &SchemaRef,
    parameters: &Parameters,
    later: &[&str],
) -> Result<Compiled, Diagnostic> {
    let compiled = compile(text, data_type, schema, parameters, later)?;
    let actual = result_type(&compiled.expression, schema, text, parameters)?;
    if actual == DataType::Null || arrow::compute::can_cast_types(&actual, data_type) {
        return Ok(compiled);
    }
    let message = format!("the expression is {}, which cannot become {}", type_name(&actual), type_name(data_type));
    Err(Diagnostic::error(message, text.place.clone()).hint("change the column's `type` or cast within the expression"))
}

/// Plans a row rule.
pub(super) fn rule(text: &Placed<String>, schema: &SchemaRef, parameters: &Parameters) -> Result<Compiled, Diagnostic> {
    let compiled = compile(text, &DataType::Boolean, schema, parameters, &[])?;
    match result_type(&compiled.expression, schema, text, parameters)? {
        DataType::Boolean => Ok(compiled),
        actual => {
            Err(Diagnostic::error(format!("a row rule must be true or false, this is {actual}"), text.place.clone())
                .hint("compare the value with something, for example `quantity > 0`"))
        }
    }
}

fn compile(
    text: &Placed<String>,
    data_type: &DataType,
    schema: &SchemaRef,
    parameters: &Parameters,
    later: &[&str],
) -> Result<Compiled, Diagnostic> {
    let expression = expression::compile(&text.value, schema, parameters)
        .map_err(|error| explain(&error, text, parameters, later))?;
    let inputs = expression.columns.iter().filter_map(|name| schema.index_of(name).ok()).collect();
    Ok(Compiled {
        expression,
        data_type: data_type.clone(),
        inputs,
        text: text.value.split_whitespace().collect::<Vec<_>>().join(" "),
        canonical: canonical(&text.value, parameters).unwrap_or_else(|| text.value.clone()),
    })
}

fn canonical(text: &str, parameters: &Parameters) -> Option<String> {
    let mut tree = DFParserBuilder::new(text).build().ok()?.parse_expr().ok()?;
    parameters.substitute(&mut tree.expr).ok()?;
    Some(tree.expr.to_string())
}

fn result_type(
    expression: &Expression,
    schema: &SchemaRef,
    text: &Placed<String>,
    parameters: &Parameters,
) -> Result<DataType, Diagnostic> {
    let data_type = expression.physical.data_type(schema);
    data_type.map_err(|error| explain(&error, text, parameters, &[]))
}

/// Says what is wrong with an expression, underlined within it where the engine knows the place.
fn explain(error: &DataFusionError, text: &Placed<String>, parameters: &Parameters, later: &[&str]) -> Diagnostic {
    let problem = Problem::new(error, &text.value);
    let message = problem.message;
    let quoted = message.split('`').nth(1).unwrap_or_default();
    let hint = match problem.hint {
        _ if later.contains(&quoted) => {
            Some(format!("`{quoted}` is derived too: declare it above the column that reads it"))
        }
        None if message.starts_with("unknown parameter") => {
            let name = quoted.trim_start_matches('$');
            nearest(name, parameters.names()).map(|known| format!("did you mean `${known}`?"))
        }
        hint => hint,
    };
    let place = within(&text.place, &text.value, problem.range);
    Diagnostic { hint, ..Diagnostic::error(message, place) }
}

/// Returns the place of a part of an expression; of the whole where YAML writes it in another way (quotes, folding).
fn within(place: &Place, expression: &str, part: Option<Range<usize>>) -> Place {
    let written = place.text.body.get(place.range.clone()).unwrap_or_default();
    match (written.find(expression), part) {
        (Some(at), Some(part)) if !part.is_empty() && part.end <= expression.len() => {
            let start = place.range.start + at;
            Place { text: Arc::clone(&place.text), range: start + part.start..start + part.end }
        }
        _ => place.clone(),
    }
}

/// Returns what the engine says about a row on which an expression fails.
fn reason(error: &DataFusionError) -> String {
    let message = Problem::new(error, "").message;
    let prefixes = ["arrow error: ", "Cast error: ", "Parser error: "];
    let words = prefixes.iter().fold(&*message, |words, prefix| words.strip_prefix(prefix).unwrap_or(words));
    no_value(words).unwrap_or_else(|| words.to_owned())
}

/// Returns what is said of a text that is no value of a type, in the words of contracts.
fn no_value(words: &str) -> Option<String> {
    if let Some(moment) = words.strip_prefix("Error parsing timestamp from '") {
        let (text, why) = moment.split_once("': ")?;
        return Some(format!("{} is no timestamp: {why}", quoted(text)));
    }
    let (_, cast) = words.strip_prefix("Cannot cast ")?.split_once('\'')?;
    let (text, data_type) = cast.strip_suffix(" type")?.rsplit_once("' to value of ")?;
    let data_type: DataType = data_type.parse().ok()?;
    // The engine names its widest decimal, whichever was asked for.
    let name = if data_type.is_decimal() { "decimal".to_owned() } else { type_name(&data_type) };
    Some(format!("{} is no {name}", quoted(text)))
}

impl Compiled {
    /// Evaluates over a batch whose first columns are those of the planned schema.
    ///
    /// Rows on which it fails are NULL and listed.
    pub fn evaluate(&self, batch: &RecordBatch) -> Result<(ArrayRef, Vec<Failure>), super::Error> {
        let mut failures = Vec::new();
        if batch.num_rows() == 0 {
            return Ok((new_empty_array(&self.data_type), failures));
        }
        if let Some(distinct) = self.distinct(batch) {
            return self.evaluate_distinct(batch, &distinct);
        }
        let values = self.halve(batch, 0, &mut failures)?;
        Ok((values, failures))
    }

    /// Returns the distinct values of the only input, where they are few: `date_trunc` of a day costs more than finding
    /// out that the day has been asked before.
    fn distinct(&self, batch: &RecordBatch) -> Option<Distinct> {
        match *self.inputs {
            [input] => Distinct::of(batch.column(input)),
            _ => None,
        }
    }

    fn evaluate_distinct(
        &self,
        batch: &RecordBatch,
        distinct: &Distinct,
    ) -> Result<(ArrayRef, Vec<Failure>), super::Error> {
        let input = self.inputs.first().copied().unwrap_or_default();
        let count = distinct.firsts.len();
        let mut columns: Vec<ArrayRef> = batch.columns().iter().map(|column| column.slice(0, count)).collect();
        columns[input] = take(batch.column(input), &distinct.firsts, None)?;
        let few = RecordBatch::try_new(batch.schema(), columns)?;
        let mut failures = Vec::new();
        let values = self.halve(&few, 0, &mut failures)?;
        let mut spread = Vec::new();
        if !failures.is_empty() {
            let failed: HashMap<usize, &Failure> = failures.iter().map(|failure| (failure.row, failure)).collect();
            let places = distinct.places.values().iter().enumerate();
            let of_row = |(row, place): (usize, &u32)| Some((row, *failed.get(&usize::try_from(*place).ok()?)?));
            spread.extend(places.filter_map(of_row).map(|(row, failure)| Failure { row, ..failure.clone() }));
        }
        Ok((take(&values, &distinct.places, None)?, spread))
    }

    fn halve(&self, batch: &RecordBatch, first: usize, failures: &mut Vec<Failure>) -> Result<ArrayRef, super::Error> {
        let rows = batch.num_rows();
        match self.attempt(batch) {
            Ok(values) => Ok(values),
            Err((rule, reason)) if rows == 1 => {
                failures.push(Failure { row: first, rule, reason });
                Ok(new_null_array(&self.data_type, 1))
            }
            Err(_) => {
                let half = rows / 2;
                let left = self.halve(&batch.slice(0, half), first, failures)?;
                let right = self.halve(&batch.slice(half, rows - half), first + half, failures)?;
                Ok(concat(&[left.as_ref(), right.as_ref()])?)
            }
        }
    }

    fn attempt(&self, batch: &RecordBatch) -> Result<ArrayRef, (&'static str, String)> {
        let evaluated = self.expression.physical.evaluate(batch).and_then(|value| value.into_array(batch.num_rows()));
        let values = evaluated.map_err(|error| ("type", reason(&error)))?;
        if values.data_type() == &self.data_type {
            return Ok(values);
        }
        if is_lossy(&values, &self.data_type) {
            let reason = format!("the value is not a whole number, as {} is", type_name(&self.data_type));
            return Err(("precision", reason));
        }
        let strict = CastOptions { safe: false, ..CastOptions::default() };
        cast_with_options(&values, &self.data_type, &strict).map_err(|error| {
            let rule = if values.data_type().is_numeric() { "overflow" } else { "type" };
            (rule, reason(&DataFusionError::from(error)))
        })
    }
}

/// The distinct days of a column, by the rows that have them.
struct Distinct {
    /// The first row of each.
    firsts: UInt32Array,
    /// For every row its place among them.
    places: UInt32Array,
}

/// Days between the first and the last of a batch up to which a table of them is made: 89 years.
const MOST_DAYS: usize = 32_768;

/// A day that has not been met.
const UNMET: u32 = u32::MAX;

impl Distinct {
    /// Finds the distinct values of a column of days; None where they are not few or not days.
    fn of(column: &ArrayRef) -> Option<Self> {
        let days = column.as_primitive_opt::<Date32Type>()?;
        let (least, most) = (arrow::compute::min(days)?, arrow::compute::max(days)?);
        let span = usize::try_from(i64::from(most) - i64::from(least)).ok().filter(|span| *span < MOST_DAYS)?;
        // The last slot is for NULL.
        let mut slots = vec![UNMET; span + 2];
        let (mut firsts, mut places) = (Vec::new(), Vec::with_capacity(days.len()));
        for row in 0..days.len() {
            let slot = if days.is_null(row) { span + 1 } else { usize::try_from(days.value(row) - least).ok()? };
            if slots[slot] == UNMET {
                slots[slot] = u32::try_from(firsts.len()).ok()?;
                firsts.push(u32::try_from(row).ok()?);
            }
            places.push(slots[slot]);
        }
        let are_few = firsts.len() * 2 <= days.len();
        are_few.then(|| Self { firsts: firsts.into(), places: places.into() })
    }
}

/// Returns whether a cast to a whole number would cut decimals off without a word.
fn is_lossy(values: &ArrayRef, target: &DataType) -> bool {
    if !target.is_integer() {
        return false;
    }
    match values.data_type() {
        DataType::Float64 => values.as_primitive::<Float64Type>().iter().flatten().any(|value| value.fract() != 0.0),
        DataType::Decimal128(_, scale) => {
            let unit = u32::try_from(*scale).ok().and_then(|scale| 10_i128.checked_pow(scale)).unwrap_or(1);
            values.as_primitive::<Decimal128Type>().iter().flatten().any(|value| value % unit != 0)
        }
        _ => false,
    }
}
