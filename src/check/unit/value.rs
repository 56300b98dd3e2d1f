//! Values of unit tests: text ↔ typed, without loss in either direction.
//!
//! In: what a person wrote, or what a query gave. Out: the value as a column holds it, or its text, which may be pasted into
//! a test. Strict: nothing is rounded, trimmed or guessed. The types are those that tables are published with.

use arrow::datatypes::{DataType, TimeUnit};
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Timelike};
use datafusion::common::ScalarValue;

/// Days from 0001-01-01 to 1970-01-01.
const EPOCH_DAYS: i32 = 719_163;

/// Reads a text as a value of a type.
///
/// # Errors
/// How a value of the type is written.
pub(super) fn read(text: &str, data_type: &DataType) -> Result<ScalarValue, String> {
    let value = match data_type {
        DataType::Utf8 => Some(ScalarValue::Utf8(Some(text.to_owned()))),
        DataType::Boolean => text.parse().ok().map(|value| ScalarValue::Boolean(Some(value))),
        DataType::Int32 => text.parse().ok().map(|value| ScalarValue::Int32(Some(value))),
        DataType::Int64 => text.parse().ok().map(|value| ScalarValue::Int64(Some(value))),
        DataType::Float64 => double(text).map(|value| ScalarValue::Float64(Some(value))),
        DataType::Date32 => date(text).map(|value| ScalarValue::Date32(Some(value))),
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            microseconds(text).map(|value| ScalarValue::TimestampMicrosecond(Some(value), zone.clone()))
        }
        DataType::Decimal128(precision, scale) => {
            decimal(text, *precision, *scale).map(|value| ScalarValue::Decimal128(Some(value), *precision, *scale))
        }
        _ => None,
    };
    value.ok_or_else(|| spelling(data_type))
}

/// Returns the value that a column has which must not be NULL and about which nothing is said.
pub(super) fn blank(data_type: &DataType) -> Option<ScalarValue> {
    let text = match data_type {
        DataType::Utf8 => "",
        DataType::Boolean => "false",
        DataType::Date32 => "1970-01-01",
        DataType::Timestamp(_, _) => "1970-01-01T00:00:00Z",
        _ => "0",
    };
    read(text, data_type).ok()
}

/// Returns how a value is written; None where it is NULL.
pub(super) fn shown(value: &ScalarValue) -> Option<String> {
    if value.is_null() {
        return None;
    }
    Some(match value {
        ScalarValue::Date32(Some(days)) => NaiveDate::from_num_days_from_ce_opt(days.saturating_add(EPOCH_DAYS))
            .map_or_else(|| value.to_string(), |day| day.to_string()),
        ScalarValue::TimestampMicrosecond(Some(micros), _) => {
            DateTime::from_timestamp_micros(*micros).map_or_else(|| value.to_string(), |at| moment(at.naive_utc()))
        }
        ScalarValue::Decimal128(Some(digits), _, scale) => decimal_text(*digits, *scale),
        ScalarValue::Float64(Some(number)) => number.to_string(),
        other => other.to_string(),
    })
}

fn moment(at: NaiveDateTime) -> String {
    let pattern = if at.nanosecond() == 0 { "%Y-%m-%dT%H:%M:%SZ" } else { "%Y-%m-%dT%H:%M:%S%.6fZ" };
    at.format(pattern).to_string()
}

fn decimal_text(digits: i128, scale: i8) -> String {
    let Ok(scale) = usize::try_from(scale) else { return digits.to_string() };
    let sign = if digits < 0 { "-" } else { "" };
    let text = format!("{:0width$}", digits.unsigned_abs(), width = scale + 1);
    let (whole, decimals) = text.split_at(text.len() - scale);
    if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{decimals}") }
}

fn spelling(data_type: &DataType) -> String {
    match data_type {
        DataType::Boolean => "write `true` or `false`".to_owned(),
        DataType::Int32 | DataType::Int64 => "write a whole number that fits the type, without separators".to_owned(),
        DataType::Float64 => "write a number such as `0.25` or `1e-3`".to_owned(),
        DataType::Date32 => "write it as `2026-06-30`".to_owned(),
        DataType::Timestamp(_, _) => "write it as `2026-06-30T12:00:00Z`; without a zone it is UTC".to_owned(),
        DataType::Decimal128(precision, scale) => {
            format!("write at most {precision} digits, {scale} of them behind the point: nothing is rounded")
        }
        other => format!("a value of type {other} cannot be written"),
    }
}

/// Reads a number; `nan` and `inf` also as YAML has them, with a point.
fn double(text: &str) -> Option<f64> {
    text.strip_prefix('.')
        .filter(|word| word.parse::<f64>().is_ok_and(|value| !value.is_finite()))
        .unwrap_or(text)
        .parse()
        .ok()
}

fn date(text: &str) -> Option<i32> {
    let is_shaped = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| is_shaped)?;
    Some(day.num_days_from_ce() - EPOCH_DAYS)
}

fn microseconds(text: &str) -> Option<i64> {
    let local = |pattern| NaiveDateTime::parse_from_str(text, pattern).ok();
    let at = DateTime::parse_from_rfc3339(text).map(|at| at.naive_utc()).ok();
    let at = at.or_else(|| local("%Y-%m-%dT%H:%M:%S%.f")).or_else(|| local("%Y-%m-%d %H:%M:%S%.f"))?;
    (at.nanosecond() % 1000 == 0).then(|| at.and_utc().timestamp_micros())
}

/// Reads digits with at most one point; None if one of them would be lost.
fn decimal(text: &str, precision: u8, scale: i8) -> Option<i128> {
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
    let scale = usize::try_from(scale).ok()?;
    let kept = if decimals.len() > scale { decimals.trim_end_matches('0') } else { decimals };
    let is_number = !(whole.is_empty() && decimals.is_empty())
        && whole.bytes().chain(decimals.bytes()).all(|byte| byte.is_ascii_digit());
    if !is_number || kept.len() > scale {
        return None;
    }
    let all: i128 = format!("0{whole}{kept:0<scale$}").parse().ok()?;
    let limit = 10_i128.checked_pow(u32::from(precision))?;
    (all < limit).then_some(if is_negative { -all } else { all })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn timestamp() -> DataType {
        DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::from("UTC")))
    }

    #[test]
    fn what_is_shown_is_read_as_the_same_value() {
        let values = [
            ("", DataType::Utf8),
            ("挖掘机 \"a\"\n", DataType::Utf8),
            ("true", DataType::Boolean),
            ("-2147483648", DataType::Int32),
            ("9223372036854775807", DataType::Int64),
            ("0.1", DataType::Float64),
            ("NaN", DataType::Float64),
            ("0001-01-01", DataType::Date32),
            ("2026-06-30T12:00:00Z", timestamp()),
            ("2026-06-30T12:00:00.000001Z", timestamp()),
            ("-0.05", DataType::Decimal128(18, 2)),
            ("99999999999999999999999999999999999999", DataType::Decimal128(38, 0)),
        ];
        for (text, data_type) in values {
            assert_eq!(shown(&read(text, &data_type).unwrap()).as_deref(), Some(text), "{data_type}");
        }
    }

    #[test]
    fn nothing_is_rounded_or_guessed() {
        let wrong = [
            ("yes", DataType::Boolean),
            ("1.0", DataType::Int64),
            ("2147483648", DataType::Int32),
            ("1_000", DataType::Int64),
            ("0.005", DataType::Decimal128(18, 2)),
            ("1000", DataType::Decimal128(3, 0)),
            (".", DataType::Decimal128(3, 0)),
            ("1e3", DataType::Decimal128(18, 2)),
            ("2026-6-30", DataType::Date32),
            ("2026-02-30", DataType::Date32),
            ("2026-06-30", timestamp()),
            ("2026-06-30T12:00:00.0000001Z", timestamp()),
            ("", DataType::Int64),
        ];
        for (text, data_type) in wrong {
            assert!(read(text, &data_type).is_err(), "{text} as {data_type}");
        }
    }

    #[test]
    fn other_spellings_of_one_value_are_one_value() {
        let same = [
            ("2026-06-30T20:00:00+08:00", "2026-06-30 12:00:00", timestamp()),
            ("1.500", "1.5", DataType::Decimal128(18, 2)),
            (".inf", "inf", DataType::Float64),
            ("+7", "7", DataType::Int64),
        ];
        for (one, other, data_type) in same {
            assert_eq!(read(one, &data_type), read(other, &data_type));
        }
    }

    #[test]
    fn every_published_type_has_a_blank() {
        let types = [DataType::Utf8, DataType::Boolean, DataType::Int32, DataType::Int64, DataType::Float64];
        for data_type in types.into_iter().chain([DataType::Date32, timestamp(), DataType::Decimal128(18, 2)]) {
            assert_eq!(blank(&data_type).unwrap().data_type(), data_type);
        }
    }
}
