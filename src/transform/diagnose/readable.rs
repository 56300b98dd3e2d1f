//! Texts in quotes that are no value of the type for which they stand.
//!
//! In: a literal and the type of what it is compared with, cast to, or stands beside in one column. Out: one finding at the literal,
//! with the value that was probably meant.

use arrow::datatypes::DataType;
use chrono::NaiveDate;
use datafusion::sql::sqlparser::ast::{Expr, Value, ValueWithSpan};

use super::{Walk, tree, types::spelled};
use crate::engine::clash;

/// Where a literal stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Beside {
    /// It is compared with a value, or cast.
    Value,
    /// It is one of several values that become one column.
    Column,
    /// It is what one branch of a UNION gives, where NULL alone has no type.
    Branch,
}

impl Walk<'_> {
    /// Tells of a text literal that cannot be read as a type, if it cannot.
    pub(super) fn unreadable(&mut self, literal: &Expr, expected: &DataType, beside: Beside) -> bool {
        let Some(value) = literal_of(literal) else { return false };
        self.unreadable_value(value, expected, beside)
    }

    /// As [`Self::unreadable`], of a value that is known to be a literal.
    pub(super) fn unreadable_value(&mut self, value: &ValueWithSpan, expected: &DataType, beside: Beside) -> bool {
        let Value::SingleQuotedString(text) = &value.value else { return false };
        if clash::is_readable(text, expected) {
            return false;
        }
        let range = self.source.range(value.span);
        let named = spelled(expected);
        let finding = self.source.error(range.clone(), format!("`'{text}'` is no {named}"));
        let place = self.source.place(range);
        self.findings.push(match (meant(text, expected), beside) {
            (Some(meant), _) => finding.hint(format!("did you mean `{meant}`?")).fix(place, meant),
            (None, Beside::Column | Beside::Branch) => {
                let null = match beside {
                    Beside::Branch => format!("CAST(NULL AS {named})"),
                    _ => "NULL".to_owned(),
                };
                finding.hint(format!("write `{null}`, or cast what stands beside it to VARCHAR")).fix(place, null)
            }
            (None, Beside::Value) => finding.hint(written(expected)),
        });
        true
    }
}

fn literal_of(expr: &Expr) -> Option<&ValueWithSpan> {
    match expr {
        Expr::Nested(inner) => literal_of(inner),
        Expr::Value(value) if tree::is_text_literal(expr) => Some(value),
        _ => None,
    }
}

/// Returns the literal that was probably meant.
fn meant(text: &str, expected: &DataType) -> Option<String> {
    if *expected == DataType::Date32 {
        return Some(format!("'{}'", real_day(text)?));
    }
    let plain = text.replace([',', ' ', '_'], "");
    let is_number = expected.is_numeric() && clash::is_readable(&plain, expected) && plain.parse::<f64>().is_ok();
    is_number.then_some(plain)
}

/// Returns the day that is meant by a year, a month and a day that are not one, or not written as one.
fn real_day(text: &str) -> Option<NaiveDate> {
    let parts: Vec<&str> = text.split(['-', '/', '.']).collect();
    let [year, month, day] = parts.as_slice() else { return None };
    if year.len() != 4 {
        return None;
    }
    let (year, month, day): (i32, u32, u32) = (year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
    let written = NaiveDate::from_ymd_opt(year, month, day);
    // The day of the month may stand where the month belongs.
    written.or_else(|| NaiveDate::from_ymd_opt(year, day, month)).or_else(|| {
        let first = NaiveDate::from_ymd_opt(year, month, 1)?;
        let last = first.checked_add_months(chrono::Months::new(1))?.pred_opt()?;
        (day <= 31).then_some(last)
    })
}

/// Says how a value of a type is written.
fn written(expected: &DataType) -> &'static str {
    match expected {
        DataType::Date32 | DataType::Date64 => clash::A_DATE,
        DataType::Timestamp(..) => "a timestamp is written so: `TIMESTAMP '2026-01-31 23:59:59'`",
        DataType::Time32(_) | DataType::Time64(_) => "a time is written so: `TIME '23:59:59'`",
        DataType::Interval(_) | DataType::Duration(_) => "an interval is written so: `INTERVAL '3 months'`",
        DataType::Boolean => "write `true` or `false`",
        _ => "a number is written without quotes",
    }
}
