//! Checks of a number: how new a table is, and how a measure stands to what it was.
//!
//! In: a check. Out: the query that measures, and what its numbers mean. Deliberately absent: running it.

use std::collections::BTreeMap;

use arrow::{
    array::{Array, AsArray, RecordBatch},
    compute::cast,
    datatypes::{DataType, Schema},
};
use chrono::{DateTime, NaiveDate};
use chrono_tz::Tz;
use datafusion::{common::ScalarValue, error::Result};
use serde_json::{Map, Value, json};

use super::query::looked_at;
use crate::{
    define::project::{Age, Change, Check, Limit, Measure},
    engine::table::end_micros,
    record::{
        Quantity, TableName,
        sql::{literal, quoted, quoted_table},
    },
};

/// Values of a measure by group; one without a value for a whole table.
pub(super) type Values = BTreeMap<Option<String>, Quantity>;

/// A number that is out of bounds.
pub(super) struct Failure {
    /// Why, in a few words.
    pub reason: String,
    /// The numbers.
    pub row: Map<String, Value>,
}

/// Returns the query of a measure: group, value, and what the value is divided by.
///
/// With `last`, only the last groups in order, NULL left out.
pub(super) fn values(
    table: &TableName,
    check: &Check,
    measure: &Measure,
    by: Option<&str>,
    last: Option<usize>,
    schema: &Schema,
) -> String {
    let group = by.map_or_else(|| "CAST(NULL AS VARCHAR)".to_owned(), quoted);
    let (from, filter) = (quoted_table(table), looked_at(check));
    let filter = match (by, last) {
        (Some(_), Some(_)) => format!("{filter} AND {group} IS NOT NULL"),
        _ => filter,
    };
    let is_whole = |name: &str| {
        let field = schema.field_with_name(name);
        field.is_ok_and(|field| matches!(field.data_type(), DataType::Int32 | DataType::Int64))
    };
    let rows = format!("{from} WHERE {filter}");
    let (value, of, rows) = match measure {
        Measure::Rows => ("count(*)".to_owned(), "1".to_owned(), rows),
        Measure::NullShare(column) => {
            (format!("count(*) - count({})", quoted(&column.value)), "count(*)".to_owned(), rows)
        }
        // A sum of whole numbers may be more than 64 bits hold.
        Measure::Sum(column) if is_whole(&column.value) => {
            (format!("sum(CAST({} AS DECIMAL(28, 0)))", quoted(&column.value)), "1".to_owned(), rows)
        }
        Measure::Sum(column) => (format!("sum({})", quoted(&column.value)), "1".to_owned(), rows),
        Measure::DistinctCount(column) => {
            let columns: Vec<String> = by.into_iter().chain([column.value.as_str()]).map(quoted).collect();
            let distinct = format!("SELECT DISTINCT {} FROM {rows}", columns.join(", "));
            (format!("count({})", quoted(&column.value)), "1".to_owned(), format!("({distinct}) AS different"))
        }
    };
    let grouped = by.map_or_else(String::new, |_| format!(" GROUP BY {group}"));
    let limited = last.map_or_else(String::new, |last| format!(" ORDER BY 1 DESC LIMIT {last}"));
    format!("SELECT {group} AS \"group\", {value} AS \"value\", {of} AS \"of\" FROM {rows}{grouped}{limited}")
}

/// Reads the rows of [`values`], in their order.
pub(super) fn read(batches: &[RecordBatch]) -> Result<Vec<(Option<String>, Quantity)>> {
    let mut found = Vec::new();
    for batch in batches {
        let groups = cast(batch.column(0), &DataType::Utf8)?;
        let groups = groups.as_string::<i32>();
        for row in 0..batch.num_rows() {
            let group = groups.is_valid(row).then(|| groups.value(row).to_owned());
            let number = |column: usize| {
                Ok::<_, datafusion::error::DataFusionError>(quantity(&ScalarValue::try_from_array(
                    batch.column(column),
                    row,
                )?))
            };
            found.push((group, divided(number(1)?, number(2)?)));
        }
    }
    Ok(found)
}

/// Returns a share; of nothing, it is 0.
fn divided(value: Quantity, of: Quantity) -> Quantity {
    match (value, of) {
        (Quantity::Exact { numerator, denominator: 1 }, Quantity::Exact { numerator: of, denominator: 1 })
            if of != 1 =>
        {
            Quantity::fraction(numerator, of).unwrap_or(Quantity::ZERO)
        }
        _ => value,
    }
}

fn quantity(value: &ScalarValue) -> Quantity {
    let exact = match value {
        ScalarValue::Int64(Some(number)) => Some(Quantity::whole(i128::from(*number))),
        ScalarValue::UInt64(Some(number)) => Some(Quantity::whole(i128::from(*number))),
        ScalarValue::Decimal128(Some(unscaled), _, scale) => {
            u32::try_from(*scale).ok().and_then(|scale| Quantity::decimal(*unscaled, scale))
        }
        ScalarValue::Float64(Some(number)) => Some(Quantity::Approximate(*number)),
        _ => None,
    };
    exact.unwrap_or(Quantity::ZERO)
}

/// Returns the name under which the values of a measure are remembered.
#[must_use]
pub fn key(check: &Check, measure: &Measure) -> String {
    match &check.filter {
        Some(filter) => format!("{measure} where {}", filter.value.trim()),
        None => measure.to_string(),
    }
}

/// Returns every value that went too far from one snapshot to the next. A group that is new has nothing to be compared with;
/// one that is gone has come down to 0.
pub(super) fn changes(change: &Change, before: &Values, now: &Values) -> Vec<Failure> {
    let mut failures = Vec::new();
    for (group, &old) in before {
        let new = match (now.get(group), &change.measure) {
            (Some(new), _) => *new,
            // Of no rows there is no share.
            (None, Measure::NullShare(_)) => continue,
            (None, _) => Quantity::ZERO,
        };
        let (increase, decrease) = (new.minus(old), old.minus(new));
        let up = change.max_increase.and_then(|limit| passed(&limit, increase, old));
        let down = change.max_decrease.and_then(|limit| passed(&limit, decrease, old));
        if let Some((words, step)) = up.map(|limit| (limit, "increase")).or(down.map(|limit| (limit, "decrease"))) {
            let of = match (&change.by, group) {
                (Some(by), value) => format!(" of {} {}", by.value, value.as_deref().unwrap_or("NULL")),
                (None, _) => String::new(),
            };
            let reason = format!("{}{of} was {old} and is {new}, a larger {step} than {words}", change.measure);
            let mut row = Map::new();
            if let Some(by) = &change.by {
                row.insert(by.value.clone(), json!(group));
            }
            row.insert("before".to_owned(), number(old));
            row.insert("now".to_owned(), number(new));
            failures.push(Failure { reason, row });
        }
    }
    failures
}

/// Returns the limit that a step passes.
fn passed(limit: &Limit, step: Quantity, before: Quantity) -> Option<String> {
    let share = limit.share.filter(|share| step.exceeds(share.times(before.magnitude())));
    let share = share.map(|share| format!("{} %", share.times(PERCENT)));
    share.or_else(|| limit.absolute.filter(|most| step.exceeds(*most)).map(|most| most.to_string()))
}

const PERCENT: Quantity = Quantity::whole(100);

fn number(quantity: Quantity) -> Value {
    match quantity {
        Quantity::Exact { numerator, denominator: 1 } => {
            i64::try_from(numerator).map_or_else(|_| json!(numerator.to_string()), Value::from)
        }
        other => json!(other.to_f64()),
    }
}

/// Where a value stands among earlier ones.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Standing {
    pub mean: f64,
    pub deviation: f64,
    /// The difference from the mean, in deviations.
    pub z: f64,
}

/// The share of the mean that is taken for the deviation of a history that never varied.
const LEAST_DEVIATION: f64 = 0.01;

/// Compares a value with at least two earlier ones, by their sample standard deviation.
#[expect(clippy::cast_precision_loss, reason = "a history has a few hundred values")]
pub(super) fn standing(value: f64, earlier: &[f64]) -> Standing {
    let count = earlier.len() as f64;
    let mean = earlier.iter().sum::<f64>() / count;
    let squares: f64 = earlier.iter().map(|old| (old - mean).powi(2)).sum();
    let spread = (squares / (count - 1.0)).sqrt();
    // Equal values have no deviation but that of rounding.
    let has_varied = earlier.iter().any(|old| old.total_cmp(&earlier[0]).is_ne());
    let deviation = if has_varied { spread } else { LEAST_DEVIATION * mean.abs() };
    let z = if value.total_cmp(&mean).is_eq() { 0.0 } else { (value - mean) / deviation };
    Standing { mean, deviation, z }
}

/// Returns the query of the newest value up to the end of the run date.
pub(super) fn newest(
    table: &TableName,
    check: &Check,
    column: &str,
    run_date: NaiveDate,
    timezone: Tz,
    schema: &Schema,
) -> String {
    let name = quoted(column);
    let until = match schema.field_with_name(column).map(arrow::datatypes::Field::data_type) {
        Ok(data_type @ DataType::Timestamp(..)) => {
            format!("{name} < arrow_cast({}, {})", end_micros(run_date, timezone), literal(&data_type.to_string()))
        }
        _ => format!("{name} <= DATE '{run_date}'"),
    };
    format!("SELECT max({name}) FROM {} WHERE {} AND {until}", quoted_table(table), looked_at(check))
}

/// Returns why the newest value is too old, if it is.
pub(super) fn age(newest: &ScalarValue, max_age: Age, run_date: NaiveDate, timezone: Tz) -> Option<Failure> {
    let instant = match newest {
        ScalarValue::TimestampMicrosecond(Some(micros), _) => DateTime::from_timestamp_micros(*micros),
        _ => None,
    };
    let date = match newest {
        ScalarValue::Date32(Some(days)) => NaiveDate::from_epoch_days(*days),
        _ => instant.map(|instant| instant.with_timezone(&timezone).date_naive()),
    };
    let Some(date) = date else {
        let reason = "there is no value up to the run date".to_owned();
        return Some(Failure { reason, row: Map::from_iter([("newest".to_owned(), Value::Null)]) });
    };
    let shown = instant.map_or_else(|| date.to_string(), |instant| instant.to_rfc3339());
    let (age, most, unit) = match (max_age, instant) {
        (Age::Hours(hours), Some(instant)) => {
            let micros = end_micros(run_date, timezone) - instant.timestamp_micros();
            let age = micros.div_euclid(MICROS_OF_HOUR) + i64::from(micros.rem_euclid(MICROS_OF_HOUR) != 0);
            (age, hours, "hours before the end of the run date")
        }
        (Age::Hours(most) | Age::Days(most), _) => ((run_date - date).num_days(), most, "days before the run date"),
    };
    (age > i64::from(most)).then(|| Failure {
        reason: format!("the newest value {shown} is {age} {unit}, more than {most}"),
        row: Map::from_iter([("newest".to_owned(), json!(shown)), ("age".to_owned(), json!(age))]),
    })
}

const MICROS_OF_HOUR: i64 = 3_600_000_000;

/// Returns whether a table has the column of a measure, of a type that can be measured so.
pub(super) fn is_measurable(measure: &Measure, schema: &Schema) -> bool {
    let Some(column) = measure.column() else { return true };
    let Ok(field) = schema.field_with_name(&column.value) else { return false };
    let is_number =
        matches!(field.data_type(), DataType::Int32 | DataType::Int64 | DataType::Float64 | DataType::Decimal128(..));
    is_number || !matches!(measure, Measure::Sum(_))
}
