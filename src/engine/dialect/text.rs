//! Texts as DuckDB cuts and writes them.
//!
//! | function | returns |
//! |---|---|
//! | `regexp_extract(text, pattern)`, `(text, pattern, group)` | the first match, or its group; the empty text without one |
//!
//! [`spelled`] writes values as a cast to VARCHAR does there: timestamps with a blank, floats with `e+20`.

use std::{collections::HashMap, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, AsArray, StringArray},
    compute::cast,
    datatypes::{DataType, Float32Type, Float64Type, TimeUnit, TimestampMicrosecondType},
};
use chrono::DateTime;
use datafusion::{
    common::{DataFusionError, exec_err},
    error::Result,
    logical_expr::{ScalarUDF, Signature, TypeSignature, Volatility},
};
use regex::Regex;

use super::{
    dates::{TIMESTAMP, texts},
    scalar::Scalar,
};

/// Returns the functions of this module.
pub(super) fn functions() -> Vec<ScalarUDF> {
    let arguments = Signature::one_of(vec![TypeSignature::Any(2), TypeSignature::Any(3)], Volatility::Immutable);
    vec![Scalar::with_signature("regexp_extract", arguments, DataType::Utf8, regexp_extract)]
}

fn regexp_extract(columns: &[ArrayRef], _: &DataType) -> Result<ArrayRef> {
    let (texts, patterns) = (texts(&columns[0])?, texts(&columns[1])?);
    let groups = columns.get(2).map(|groups| cast(groups, &DataType::UInt64)).transpose()?;
    let mut known = HashMap::new();
    let mut row = |row: usize| {
        if texts.is_null(row) || patterns.is_null(row) {
            return Ok(None);
        }
        let group =
            groups.as_ref().map_or(0, |groups| groups.as_primitive::<arrow::datatypes::UInt64Type>().value(row));
        let pattern = compiled(&mut known, patterns.value(row))?;
        let group = usize::try_from(group).unwrap_or(usize::MAX);
        if group >= pattern.captures_len() {
            return exec_err!("the pattern `{}` has no group {group}", patterns.value(row));
        }
        let found = pattern.captures(texts.value(row)).and_then(|captures| captures.get(group));
        Ok(Some(found.map_or(String::new(), |found| found.as_str().to_owned())))
    };
    Ok(Arc::new((0..texts.len()).map(&mut row).collect::<Result<StringArray>>()?))
}

fn compiled<'a>(known: &'a mut HashMap<String, Regex>, pattern: &str) -> Result<&'a Regex> {
    if !known.contains_key(pattern) {
        let regex = Regex::new(pattern).map_err(|error| DataFusionError::Execution(error.to_string()))?;
        known.insert(pattern.to_owned(), regex);
    }
    known.get(pattern).ok_or_else(|| DataFusionError::Internal("the pattern was put there".to_owned()))
}

/// Returns whether DuckDB spells values of a type in another way than Arrow.
pub(super) const fn is_spelled(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Timestamp(_, _) | DataType::Float32 | DataType::Float64)
}

/// Writes timestamps (without a zone: tables hold all of them in UTC) and floats as DuckDB does, other values as Arrow does.
pub(super) fn spelled(columns: &[ArrayRef], to: &DataType) -> Result<ArrayRef> {
    let column = &columns[0];
    let text: ArrayRef = match column.data_type() {
        DataType::Timestamp(_, zone) => {
            let stored = DataType::Timestamp(TimeUnit::Microsecond, zone.clone());
            let micros = cast(&cast(column, &stored)?, &DataType::Int64)?;
            let micros = cast(&micros, &TIMESTAMP)?;
            let write = |micros: Option<i64>| micros.and_then(timestamp);
            Arc::new(micros.as_primitive::<TimestampMicrosecondType>().iter().map(write).collect::<StringArray>())
        }
        DataType::Float64 => {
            let write = |value: Option<f64>| Some(float(&format!("{:e}", value?), value?));
            Arc::new(column.as_primitive::<Float64Type>().iter().map(write).collect::<StringArray>())
        }
        DataType::Float32 => {
            let write = |value: Option<f32>| Some(float(&format!("{:e}", value?), f64::from(value?)));
            Arc::new(column.as_primitive::<Float32Type>().iter().map(write).collect::<StringArray>())
        }
        _ => Arc::clone(column),
    };
    Ok(cast(&text, to)?)
}

fn timestamp(micros: i64) -> Option<String> {
    let moment = DateTime::from_timestamp_micros(micros)?.naive_utc();
    let fraction = match micros.rem_euclid(1_000_000) {
        0 => String::new(),
        fraction => format!(".{fraction:06}").trim_end_matches('0').to_owned(),
    };
    Some(format!("{}{fraction}", moment.format("%Y-%m-%d %H:%M:%S")))
}

/// Writes a float from its shortest digits, `1.25e2`: plain from 1e-4 up to 1e16, else with a signed exponent of two digits.
fn float(scientific: &str, value: f64) -> String {
    let Some((digits, exponent)) = scientific.split_once('e') else {
        return if value.is_nan() { "nan".to_owned() } else { scientific.to_owned() };
    };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if value == 0.0 || (-4..16).contains(&exponent) {
        return plain(digits, exponent);
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

/// Writes `1.25` and 2 as `125.0`.
fn plain(digits: &str, exponent: i32) -> String {
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |rest| ("-", rest));
    let digits: String = digits.chars().filter(char::is_ascii_digit).collect();
    let before = usize::try_from(exponent + 1).unwrap_or(0);
    let zeros = usize::try_from(-exponent - 1).unwrap_or(0);
    if before == 0 {
        return format!("{sign}0.{}{digits}", "0".repeat(zeros));
    }
    let padded = format!("{digits:0<before$}");
    let (whole, part) = padded.split_at(before);
    format!("{sign}{whole}.{}", if part.is_empty() { "0" } else { part })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_written_as_duckdb_writes_them() {
        for (value, text) in [
            (1e20, "1e+20"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (123_456_789.125, "123456789.125"),
            (0.000_01, "1e-05"),
            (0.0001, "0.0001"),
            (-2.5, "-2.5"),
            (0.0, "0.0"),
            (1.5e300, "1.5e+300"),
        ] {
            assert_eq!(float(&format!("{value:e}"), value), text);
        }
    }
}
