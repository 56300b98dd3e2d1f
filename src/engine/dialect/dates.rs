//! Functions of dates and timestamps that DuckDB has and DataFusion lacks, or has otherwise.
//!
//! | function | returns |
//! |---|---|
//! | `date_diff(unit, a, b)` | how many boundaries of the unit lie between; whole weeks for `week` |
//! | `last_day(a)` | the last DATE of the month |
//! | `dayname(a)`, `monthname(a)` | English names |
//! | `strftime(a, format)` | text |
//! | `strptime(text, format)`, `try_strptime` | TIMESTAMP; an error, or NULL, for a text of another form |

use std::sync::Arc;

use arrow::{
    array::{
        Array, ArrayRef, AsArray, Date32Array, Int64Array, IntervalMonthDayNanoArray, StringArray,
        TimestampMicrosecondArray,
    },
    compute::cast,
    datatypes::{
        DataType, Int64Type, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit, TimeUnit,
        TimestampMicrosecondType,
    },
};
use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveDateTime};
use datafusion::{
    common::exec_err,
    error::Result,
    logical_expr::{Expr, ScalarUDF, cast as logical_cast},
};

use super::scalar::Scalar;

/// Days from 0001-01-01 to 1970-01-01.
const EPOCH_DAYS: i32 = 719_163;

/// Microseconds of a second and of a day.
const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// TIMESTAMP as DuckDB has it.
pub(super) const TIMESTAMP: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);

/// INTERVAL as plans have it.
const INTERVAL: DataType = DataType::Interval(IntervalUnit::MonthDayNano);

/// Returns the functions of this module.
pub(super) fn functions() -> Vec<ScalarUDF> {
    vec![
        Scalar::function("date_diff", 3, DataType::Int64, date_diff),
        Scalar::function("last_day", 1, DataType::Date32, last_day),
        Scalar::function("dayname", 1, DataType::Utf8, |columns, _| formatted(&columns[0], |_| Ok("%A".to_owned()))),
        Scalar::function("monthname", 1, DataType::Utf8, |columns, _| formatted(&columns[0], |_| Ok("%B".to_owned()))),
        Scalar::function("strftime", 2, DataType::Utf8, strftime),
        Scalar::function("strptime", 2, TIMESTAMP, |columns, _| parsed(columns, true)),
        Scalar::function("try_strptime", 2, TIMESTAMP, |columns, _| parsed(columns, false)),
    ]
}

/// Returns microseconds since 1970, for whatever is a date or a time.
fn micros(column: &ArrayRef) -> Result<Vec<Option<i64>>> {
    let column = cast(column, &TIMESTAMP)?;
    Ok(column.as_primitive::<TimestampMicrosecondType>().iter().collect())
}

fn moment(micros: i64) -> Option<NaiveDateTime> {
    Some(DateTime::from_timestamp_micros(micros)?.naive_utc())
}

/// Returns the texts of a column, whatever text type it has.
pub(super) fn texts(column: &ArrayRef) -> Result<StringArray> {
    Ok(cast(column, &DataType::Utf8)?.as_string::<i32>().clone())
}

fn date_diff(columns: &[ArrayRef], _: &DataType) -> Result<ArrayRef> {
    let (units, from, to) = (texts(&columns[0])?, micros(&columns[1])?, micros(&columns[2])?);
    let row = |(unit, (from, to)): (Option<&str>, (Option<i64>, Option<i64>))| match (unit, from, to) {
        (Some(unit), Some(from), Some(to)) => boundaries(unit, from, to).transpose(),
        _ => None,
    };
    let rows = units.iter().zip(from.into_iter().zip(to)).map(|row_of| row(row_of).transpose());
    Ok(Arc::new(rows.collect::<Result<Int64Array>>()?))
}

/// Counts the boundaries of a unit between two moments.
fn boundaries(unit: &str, from: i64, to: i64) -> Result<Option<i64>> {
    let every = |length: i64| Some(to.div_euclid(length) - from.div_euclid(length));
    let months = |length: i64| Some(month(to)?.div_euclid(length) - month(from)?.div_euclid(length));
    let unit = unit.to_ascii_lowercase();
    Ok(match unit.strip_suffix('s').filter(|singular| singular.len() > 1).unwrap_or(&unit) {
        "year" | "yr" | "y" => months(12),
        "quarter" => months(3),
        "month" | "mon" => months(1),
        "week" | "w" => Some((to.div_euclid(DAY) - from.div_euclid(DAY)) / 7),
        "day" | "d" | "dayofmonth" => every(DAY),
        "hour" | "hr" | "h" => every(3600 * SECOND),
        "minute" | "min" | "m" => every(60 * SECOND),
        "second" | "sec" | "s" => every(SECOND),
        "millisecond" | "ms" => every(1000),
        "microsecond" | "us" => Some(to - from),
        other => return exec_err!("date_diff counts no `{other}`"),
    })
}

/// Returns the months from year 0 to a moment.
fn month(micros: i64) -> Option<i64> {
    let day = moment(micros)?;
    Some(i64::from(day.year()) * 12 + i64::from(day.month0()))
}

/// Multiplies an INTERVAL by a whole number.
pub(super) fn times(interval: Expr, number: Expr) -> Expr {
    Scalar::function("interval_times", 2, INTERVAL, multiplied)
        .call(vec![logical_cast(interval, INTERVAL), logical_cast(number, DataType::Int64)])
}

fn multiplied(columns: &[ArrayRef], _: &DataType) -> Result<ArrayRef> {
    let (intervals, numbers) =
        (columns[0].as_primitive::<IntervalMonthDayNanoType>(), columns[1].as_primitive::<Int64Type>());
    let row = |(interval, number): (Option<IntervalMonthDayNano>, Option<i64>)| {
        let (Some(interval), Some(number)) = (interval, number) else { return Ok(None) };
        let Some(product) = product(interval, number) else {
            return exec_err!("an interval times {number} is too long");
        };
        Ok(Some(product))
    };
    let rows = intervals.iter().zip(numbers.iter()).map(row);
    Ok(Arc::new(rows.collect::<Result<IntervalMonthDayNanoArray>>()?))
}

fn product(interval: IntervalMonthDayNano, number: i64) -> Option<IntervalMonthDayNano> {
    let times = |part: i32| i32::try_from(i64::from(part).checked_mul(number)?).ok();
    let nanoseconds = interval.nanoseconds.checked_mul(number)?;
    Some(IntervalMonthDayNano::new(times(interval.months)?, times(interval.days)?, nanoseconds))
}

fn last_day(columns: &[ArrayRef], _: &DataType) -> Result<ArrayRef> {
    let last = |micros: Option<i64>| {
        let first: NaiveDate = moment(micros?)?.date().with_day(1)?;
        Some(first.checked_add_months(Months::new(1))?.pred_opt()?.num_days_from_ce() - EPOCH_DAYS)
    };
    Ok(Arc::new(micros(&columns[0])?.into_iter().map(last).collect::<Date32Array>()))
}

fn strftime(columns: &[ArrayRef], _: &DataType) -> Result<ArrayRef> {
    let formats = texts(&columns[1])?;
    let format = |row: usize| match formats.is_null(row) {
        true => Ok(String::new()),
        false => chrono_format(formats.value(row)),
    };
    let text = formatted(&columns[0], format)?;
    // NULL where either is.
    let nulls = arrow::buffer::NullBuffer::union(text.nulls(), formats.nulls());
    let text = text.as_string::<i32>();
    Ok(Arc::new(StringArray::new(text.offsets().clone(), text.values().clone(), nulls)))
}

/// Writes every moment by the format of its row.
fn formatted(column: &ArrayRef, format: impl Fn(usize) -> Result<String>) -> Result<ArrayRef> {
    let write = |(row, micros): (usize, Option<i64>)| match micros.and_then(moment) {
        Some(moment) => Ok(Some(moment.format(&format(row)?).to_string())),
        None => Ok(None),
    };
    Ok(Arc::new(micros(column)?.into_iter().enumerate().map(write).collect::<Result<StringArray>>()?))
}

/// Returns DuckDB's format in chrono's words: `%f` are six digits of microseconds, `%g` three of milliseconds.
fn chrono_format(format: &str) -> Result<String> {
    let mut written = String::with_capacity(format.len());
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        written.push(letter);
        if letter != '%' {
            continue;
        }
        match letters.next() {
            Some('f') => written.push_str("6f"),
            Some('g') => written.push_str("3f"),
            Some('x') => written.push_str("Y-%m-%d"),
            Some('X') => written.push_str("H:%M:%S"),
            Some('c') => written.push_str("Y-%m-%d %H:%M:%S"),
            Some('-') => written.extend(['-'].into_iter().chain(letters.next())),
            Some(known) if "aAbBdGHIjmMpSuUVwWyYzZ%".contains(known) => written.push(known),
            Some(unknown) => return exec_err!("the format `%{unknown}` is not known in `{format}`"),
            None => return exec_err!("the format `{format}` ends in `%`"),
        }
    }
    Ok(written)
}

fn parsed(columns: &[ArrayRef], is_strict: bool) -> Result<ArrayRef> {
    let (texts, formats) = (texts(&columns[0])?, texts(&columns[1])?);
    let row = |(text, format): (Option<&str>, Option<&str>)| {
        let (Some(text), Some(format)) = (text, format) else { return Ok(None) };
        match (read(text, &chrono_format(format)?), is_strict) {
            (None, true) => exec_err!("`{text}` does not have the format `{format}`"),
            (moment, _) => Ok(moment.map(|moment| moment.and_utc().timestamp_micros())),
        }
    };
    let rows = texts.iter().zip(formats.iter()).map(row);
    Ok(Arc::new(rows.collect::<Result<TimestampMicrosecondArray>>()?))
}

fn read(text: &str, format: &str) -> Option<NaiveDateTime> {
    let format = format.replace("%6f", "%f");
    NaiveDateTime::parse_from_str(text, &format)
        .ok()
        .or_else(|| NaiveDate::parse_from_str(text, &format).ok()?.and_hms_opt(0, 0, 0))
}
