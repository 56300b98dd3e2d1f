//! Types as SQL writes them, so that a message can be copied into a cast.

use arrow::datatypes::DataType;

pub(crate) use crate::engine::types::spelled;

/// Returns a type as a header writes it, if a table may hold it.
pub(crate) fn declared(data_type: &DataType) -> Option<String> {
    Some(match data_type {
        DataType::Utf8 => "string".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Int32 => "int".to_owned(),
        DataType::Int64 => "bigint".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Decimal128(precision, scale) => format!("decimal({precision},{scale})"),
        DataType::Date32 => "date".to_owned(),
        DataType::Timestamp(_, _) => "timestamp".to_owned(),
        _ => return None,
    })
}
