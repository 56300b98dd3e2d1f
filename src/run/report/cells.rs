//! Cells of a chart's rows: Arrow → JSON that a page reads.
//!
//! Numbers are numbers, dates and everything else text, NULL is null. A number that JSON does not have (an infinite one) is
//! null too. Timestamps are UTC.

use arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch},
    compute::cast,
    datatypes::{DataType, Float64Type, Int64Type, SchemaRef},
    error::ArrowError,
    util::display::{ArrayFormatter, FormatOptions},
};
use serde_json::Value;

use crate::define::project::report::Format;

/// The largest whole number of which a page does not lose digits.
const EXACT: u64 = 1 << 53;

/// Returns the rows of batches, cell by cell.
pub(super) fn rows(batches: &[RecordBatch]) -> Result<Vec<Vec<Value>>, ArrowError> {
    let mut rows = Vec::new();
    for batch in batches {
        let columns = batch.columns().iter().map(column).collect::<Result<Vec<_>, _>>()?;
        rows.extend((0..batch.num_rows()).map(|row| columns.iter().map(|column| column[row].clone()).collect()));
    }
    Ok(rows)
}

fn column(array: &ArrayRef) -> Result<Vec<Value>, ArrowError> {
    let values: Box<dyn Fn(usize) -> Value> = match array.data_type() {
        DataType::Boolean => {
            let array = array.as_boolean().clone();
            Box::new(move |row| Value::from(array.value(row)))
        }
        whole if whole.is_integer() => {
            let array = cast(array, &DataType::Int64)?.as_primitive::<Int64Type>().clone();
            Box::new(move |row| whole_number(array.value(row)))
        }
        number if number.is_numeric() => {
            let array = cast(array, &DataType::Float64)?.as_primitive::<Float64Type>().clone();
            Box::new(move |row| Value::from(array.value(row)))
        }
        _ => return texts(array),
    };
    Ok((0..array.len()).map(|row| if array.is_valid(row) { values(row) } else { Value::Null }).collect())
}

/// Returns a number, or its digits where a page would lose some.
fn whole_number(value: i64) -> Value {
    if value.unsigned_abs() <= EXACT { Value::from(value) } else { Value::from(value.to_string()) }
}

fn texts(array: &ArrayRef) -> Result<Vec<Value>, ArrowError> {
    let options = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(array, &options)?;
    let text = |row: usize| match array.is_valid(row) {
        true => formatter.value(row).try_to_string().map(Value::from),
        false => Ok(Value::Null),
    };
    (0..array.len()).map(text).collect()
}

/// Returns how the values of a column are written when the report does not say.
pub(super) fn format_of(schema: &SchemaRef, column: &str, is_dimension: bool) -> Format {
    let data_type = schema.field_with_name(column).map_or(&DataType::Null, |field| field.data_type());
    match data_type {
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => Format::Date,
        DataType::Boolean => Format::YesNo,
        number if is_dimension && number.is_integer() => Format::Text,
        number if number.is_integer() => Format::Number,
        number if number.is_numeric() => Format::Decimal,
        _ => Format::Text,
    }
}
