//! Bounds of a range in the type of its column.
//!
//! In: bounds as text, a type. Out: the SQL that is true for a value outside. Whole numbers, decimals, dates and timestamps
//! are counted in units (1, 0.01, days, microseconds), so that every bound becomes the first or last unit inside: exact,
//! whether it is exclusive or has more decimals than the column.

use arrow::datatypes::DataType;
use chrono::NaiveDate;
use datafusion::common::ScalarValue;

use crate::{
    define::project::Bound,
    record::{Quantity, sql::literal},
};

/// Which end of a range a bound is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Low,
    High,
}

/// Returns the SQL that is true where a value of `column`, which is quoted, lies outside.
///
/// # Errors
/// The bound that is at fault, and what is wrong with it.
pub(super) fn outside<'a>(
    column: &str,
    low: Option<&'a Bound>,
    high: Option<&'a Bound>,
    data_type: &DataType,
) -> Result<String, (&'a Bound, String)> {
    let read = |bound: Option<&'a Bound>, end| {
        bound.map(|bound| limit(bound, end, data_type).map_err(|fault| (bound, fault))).transpose()
    };
    let (first, last) = (read(low, End::Low)?, read(high, End::High)?);
    if let (Some(Limit::Units(first)), Some(Limit::Units(last)), Some(bound)) = (&first, &last, high)
        && first > last
    {
        return Err((bound, "no value lies between the bounds".to_owned()));
    }
    let mut outside = Vec::new();
    outside.extend(first.map(|limit| limit.beyond(column, End::Low, data_type)));
    outside.extend(last.map(|limit| limit.beyond(column, End::High, data_type)));
    if *data_type == DataType::Float64 {
        outside.push(format!("isnan({column})"));
    }
    Ok(outside.join(" OR "))
}

/// A bound that was understood.
enum Limit {
    /// The first or last unit inside.
    Units(i128),
    /// A literal, and whether it lies outside itself.
    Value(String, bool),
}

impl Limit {
    fn beyond(&self, column: &str, end: End, data_type: &DataType) -> String {
        let less = if end == End::Low { "<" } else { ">" };
        match self {
            Self::Units(unit) => format!("{column} {less} {}", spelled(*unit, data_type)),
            Self::Value(value, true) => format!("{column} {less}= {value}"),
            Self::Value(value, false) => format!("{column} {less} {value}"),
        }
    }
}

fn limit(bound: &Bound, end: End, data_type: &DataType) -> Result<Limit, String> {
    let text = bound.value.value.trim();
    let fault = |what: &str| format!("`{text}` is not {what}, as the column is");
    match data_type {
        DataType::Int32 | DataType::Int64 => units(text, 0, end, bound.is_exclusive).ok_or_else(|| fault("a number")),
        DataType::Decimal128(_, scale) => {
            let scale = u32::try_from(*scale).map_err(|_| fault("a number"))?;
            units(text, scale, end, bound.is_exclusive).ok_or_else(|| fault("a number"))
        }
        DataType::Date32 => {
            let date = text.parse::<NaiveDate>().map_err(|_| fault("a date such as 2026-06-30"))?;
            Ok(inside(i128::from(date.to_epoch_days()), end, bound.is_exclusive))
        }
        DataType::Timestamp(..) => match ScalarValue::try_from_string(text.to_owned(), data_type) {
            Ok(ScalarValue::TimestampMicrosecond(Some(micros), _)) => {
                Ok(inside(i128::from(micros), end, bound.is_exclusive))
            }
            _ => Err(fault("a timestamp such as 2026-06-30T12:00:00")),
        },
        DataType::Float64 => match text.parse::<f64>() {
            Ok(value) if value.is_finite() => {
                Ok(Limit::Value(format!("CAST({} AS DOUBLE)", literal(text)), bound.is_exclusive))
            }
            _ => Err(fault("a number")),
        },
        DataType::Utf8 => Ok(Limit::Value(literal(&bound.value.value), bound.is_exclusive)),
        _ => Err("the column is neither a number nor a date, a timestamp or a text, so it has no range".to_owned()),
    }
}

/// Returns the first or last unit of `10^-scale` inside a bound.
fn units(text: &str, scale: u32, end: End, is_exclusive: bool) -> Option<Limit> {
    let Quantity::Exact { numerator, denominator } = Quantity::parse(text)? else { return None };
    let scaled = numerator.checked_mul(10_i128.checked_pow(scale)?)?;
    let (floor, is_whole) = (scaled.div_euclid(denominator), scaled.rem_euclid(denominator) == 0);
    Some(match (end, is_whole) {
        (_, true) => inside(floor, end, is_exclusive),
        // Between two units no unit is the bound itself.
        (End::Low, false) => Limit::Units(floor + 1),
        (End::High, false) => Limit::Units(floor),
    })
}

const fn inside(unit: i128, end: End, is_exclusive: bool) -> Limit {
    Limit::Units(match (end, is_exclusive) {
        (_, false) => unit,
        (End::Low, true) => unit + 1,
        (End::High, true) => unit - 1,
    })
}

/// Returns a unit as a literal of the type.
fn spelled(unit: i128, data_type: &DataType) -> String {
    let scale = match data_type {
        DataType::Date32 => return format!("arrow_cast(arrow_cast({unit}, 'Int32'), 'Date32')"),
        DataType::Timestamp(..) => return format!("arrow_cast({unit}, {})", literal(&data_type.to_string())),
        DataType::Decimal128(_, scale) => u32::try_from(*scale).unwrap_or(0),
        _ => 0,
    };
    let digits = format!("{:0>width$}", unit.unsigned_abs(), width = scale as usize + 1);
    let (whole, decimals) = digits.split_at(digits.len() - scale as usize);
    let sign = if unit < 0 { "-" } else { "" };
    let point = if scale == 0 { "" } else { "." };
    format!("arrow_cast('{sign}{whole}{point}{decimals}', 'Decimal128(38, {scale})')")
}
