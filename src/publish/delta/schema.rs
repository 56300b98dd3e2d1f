//! A table's columns in the words of Delta.
//!
//! In: a table of the manifest. Out: its schema string. The first versions of Delta's protocol know all of these types, so
//! every reader does. Deliberately absent: types that no published table has; a table with one would be an error here.

use std::str::FromStr;

use arrow::{
    datatypes::{DataType, Field, Schema, TimeUnit},
    error::ArrowError,
};
use serde_json::{Value, json};

use crate::record::manifest::{Column, Table};

/// Digits of the largest decimal.
const MOST_DIGITS: u8 = 38;

/// Returns the columns as Delta's JSON.
///
/// # Errors
/// When a column has a type that Delta cannot say.
pub fn schema_string(table: &Table) -> Result<String, ArrowError> {
    let fields = table.columns.iter().map(field).collect::<Result<Vec<_>, _>>()?;
    Ok(json!({ "type": "struct", "fields": fields }).to_string())
}

/// Returns the columns of a table's files, which are all but those of the partition.
///
/// # Errors
/// When a type is none of Arrow's.
pub fn of_files(table: &Table) -> Result<Schema, ArrowError> {
    let is_in_file = |column: &&Column| !table.partition_by.contains(&column.name);
    let field = |column: &Column| Ok(Field::new(&column.name, DataType::from_str(&column.data_type)?, column.nullable));
    let fields = table.columns.iter().filter(is_in_file).map(field).collect::<Result<Vec<_>, ArrowError>>()?;
    Ok(Schema::new(fields))
}

fn field(column: &Column) -> Result<Value, ArrowError> {
    let Column { name, data_type, nullable } = column;
    let unknown = || ArrowError::SchemaError(format!("Delta has no type for the column `{name}` of type {data_type}"));
    let delta_type = delta_type(&DataType::from_str(data_type)?).ok_or_else(unknown)?;
    Ok(json!({ "name": name, "type": delta_type, "nullable": nullable, "metadata": {} }))
}

fn delta_type(data_type: &DataType) -> Option<String> {
    let name = match data_type {
        DataType::Boolean => "boolean",
        DataType::Int8 => "byte",
        DataType::Int16 => "short",
        DataType::Int32 => "integer",
        DataType::Int64 => "long",
        DataType::Float32 => "float",
        DataType::Float64 => "double",
        DataType::Date32 => "date",
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => "timestamp",
        DataType::Utf8 => "string",
        DataType::Binary => "binary",
        DataType::Decimal128(digits @ ..=MOST_DIGITS, scale @ 0..) => {
            return Some(format!("decimal({digits},{scale})"));
        }
        _ => return None,
    };
    Some(name.to_owned())
}
