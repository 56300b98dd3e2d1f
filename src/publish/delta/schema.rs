//! A table's columns in the words of Delta.
//!
//! In: a table of the manifest. Out: its schema string, and the protocol that a reader of these types must know. Delta has
//! no unsigned numbers: each becomes the next larger type that holds all of them, as Spark reads such files too.
//! Deliberately absent: types that Delta cannot say (times of day, intervals); a table with one of them has no log.

use std::str::FromStr;

use arrow::datatypes::{DataType, Field, TimeUnit};
use serde_json::{Value, json};

use super::actions::Protocol;
use crate::record::manifest::{Column, Table};

/// Digits of the largest decimal.
const MOST_DIGITS: u8 = 38;
/// The feature of timestamps without a zone.
const LOCAL_TIMES: &str = "timestampNtz";

/// Returns the first column whose type Delta cannot say.
pub fn unknown_column(table: &Table) -> Option<&Column> {
    table.columns.iter().find(|column| arrow_type(column).and_then(|data_type| delta_type(&data_type)).is_none())
}

/// Returns the columns as Delta's JSON. A column for which [`unknown_column`] answers is left out.
pub fn schema_string(table: &Table) -> String {
    let field = |column: &Column| Some(field(&column.name, &delta_type(&arrow_type(column)?)?, column.nullable));
    let fields: Vec<Value> = table.columns.iter().filter_map(field).collect();
    json!({ "type": "struct", "fields": fields }).to_string()
}

/// Returns the lowest protocol in which the columns can be read.
pub fn protocol(table: &Table) -> Protocol {
    if table.columns.iter().filter_map(arrow_type).any(|data_type| holds_local_time(&data_type)) {
        let features = Some(vec![LOCAL_TIMES]);
        let (reader_features, writer_features) = (features.clone(), features);
        return Protocol { min_reader_version: 3, min_writer_version: 7, reader_features, writer_features };
    }
    Protocol { min_reader_version: 1, min_writer_version: 2, reader_features: None, writer_features: None }
}

/// Returns a column's type; None when only a newer tool can read it.
pub fn arrow_type(column: &Column) -> Option<DataType> {
    DataType::from_str(&column.data_type).ok()
}

fn field(name: &str, delta_type: &Value, nullable: bool) -> Value {
    json!({ "name": name, "type": delta_type, "nullable": nullable, "metadata": {} })
}

fn delta_type(data_type: &DataType) -> Option<Value> {
    let name = match data_type {
        DataType::Boolean => "boolean",
        DataType::Int8 => "byte",
        DataType::Int16 | DataType::UInt8 => "short",
        DataType::Int32 | DataType::UInt16 => "integer",
        DataType::Int64 | DataType::UInt32 => "long",
        DataType::UInt64 => "decimal(20,0)",
        DataType::Float32 => "float",
        DataType::Float64 => "double",
        DataType::Date32 => "date",
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => "timestamp",
        DataType::Timestamp(TimeUnit::Microsecond, None) => "timestamp_ntz",
        DataType::Utf8 => "string",
        DataType::Binary | DataType::FixedSizeBinary(_) => "binary",
        DataType::Decimal128(digits @ ..=MOST_DIGITS, scale @ 0..) => {
            return Some(format!("decimal({digits},{scale})").into());
        }
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            let element = delta_type(item.data_type())?;
            return Some(json!({ "type": "array", "elementType": element, "containsNull": item.is_nullable() }));
        }
        DataType::Struct(fields) => {
            let field = |inner: &std::sync::Arc<Field>| {
                Some(field(inner.name(), &delta_type(inner.data_type())?, inner.is_nullable()))
            };
            let fields = fields.iter().map(field).collect::<Option<Vec<_>>>()?;
            return Some(json!({ "type": "struct", "fields": fields }));
        }
        _ => return None,
    };
    Some(name.into())
}

fn holds_local_time(data_type: &DataType) -> bool {
    match data_type {
        DataType::Timestamp(_, None) => true,
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            holds_local_time(item.data_type())
        }
        DataType::Struct(fields) => fields.iter().any(|field| holds_local_time(field.data_type())),
        _ => false,
    }
}
