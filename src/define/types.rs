//! Type names of contracts and model headers → Arrow types.
//!
//! In: `decimal(18,2)`. Out: `Decimal128(18, 2)`, or what is wrong with it and the nearest name.

use std::sync::Arc;

use arrow::datatypes::{DataType, TimeUnit};

use super::{
    findings::{Findings, suggestion},
    spans::At,
};

/// The names as they are taught.
pub const NAMES: [&str; 8] = ["string", "boolean", "int", "bigint", "double", "decimal(18,2)", "date", "timestamp"];

/// What other systems call them.
const ELSEWHERE: [(&str, &str); 20] = [
    ("text", "string"),
    ("varchar", "string"),
    ("char", "string"),
    ("str", "string"),
    ("utf8", "string"),
    ("bool", "boolean"),
    ("integer", "int"),
    ("int32", "int"),
    ("smallint", "int"),
    ("long", "bigint"),
    ("int64", "bigint"),
    ("float", "double"),
    ("float64", "double"),
    ("real", "double"),
    ("number", "decimal(18,2)"),
    ("numeric", "decimal(18,2)"),
    ("money", "decimal(18,2)"),
    ("datetime", "timestamp"),
    ("time", "timestamp"),
    ("timestamptz", "timestamp"),
];

/// Reads a type; a mistake goes to the findings.
pub fn read(written: &At<String>, findings: &mut Findings) -> Option<DataType> {
    match parse(&written.value) {
        Ok(data_type) => Some(data_type),
        Err((message, hint)) => {
            findings.error(&written.range, message, hint);
            None
        }
    }
}

/// Reads a type.
///
/// # Errors
/// What is wrong, and a hint.
pub fn parse(text: &str) -> Result<DataType, (String, String)> {
    Ok(match text.trim() {
        "string" => DataType::Utf8,
        "boolean" => DataType::Boolean,
        "int" => DataType::Int32,
        "bigint" => DataType::Int64,
        "double" => DataType::Float64,
        "date" => DataType::Date32,
        "timestamp" => DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::from("UTC"))),
        other => match other.strip_prefix("decimal") {
            Some(digits) => decimal(other, digits)?,
            None => return Err((format!("unknown type `{other}`"), nearest_type(other))),
        },
    })
}

fn decimal(text: &str, digits: &str) -> Result<DataType, (String, String)> {
    let malformed = || {
        (
            format!("type `{text}` does not say its digits"),
            "write `decimal(18,2)`: 18 digits in all, 2 of them after the point".to_owned(),
        )
    };
    let inner = digits.trim().strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).ok_or_else(malformed)?;
    let (precision, scale) = inner.split_once(',').ok_or_else(malformed)?;
    let number = |part: &str| part.trim().parse::<u32>().map_err(|_| malformed());
    match (number(precision)?, number(scale)?) {
        (precision @ 1..=38, scale) if scale <= precision => {
            let narrow = |value| i8::try_from(value).map_err(|_| malformed());
            Ok(DataType::Decimal128(precision.try_into().map_err(|_| malformed())?, narrow(scale)?))
        }
        _ => Err((
            format!("type `{text}` is out of range"),
            "a decimal has 1 to 38 digits, and no more of them after the point than in all".to_owned(),
        )),
    }
}

fn nearest_type(text: &str) -> String {
    let lower = text.to_lowercase();
    let word = lower.split('(').next().unwrap_or_default().trim();
    match ELSEWHERE.iter().find(|(name, _)| *name == word) {
        Some((_, name)) => format!("did you mean `{name}`?"),
        None => suggestion(&lower, NAMES),
    }
}

/// Returns the name of a type as a contract writes it.
#[must_use]
pub fn name(data_type: &DataType) -> String {
    match data_type {
        DataType::Utf8 => "string".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Int32 => "int".to_owned(),
        DataType::Int64 => "bigint".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Date32 => "date".to_owned(),
        DataType::Timestamp(..) => "timestamp".to_owned(),
        DataType::Decimal128(precision, scale) => format!("decimal({precision},{scale})"),
        other => other.to_string(),
    }
}

/// Returns whether values are numbers.
pub fn is_number(data_type: &DataType) -> bool {
    data_type.is_numeric()
}

/// Returns whether values are days or moments.
pub const fn is_temporal(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Date32 | DataType::Timestamp(..))
}
