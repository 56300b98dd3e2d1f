//! The quarantine table: rejections as a record batch.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, Int64Array, RecordBatch, StringArray},
    datatypes::{DataType, Field, Schema, SchemaRef},
};

use super::Error;
use crate::record::Rejection;

/// Returns the columns of every `quarantine.<source>`.
#[must_use]
pub fn schema() -> SchemaRef {
    let text = |name, nullable| Field::new(name, DataType::Utf8, nullable);
    Arc::new(Schema::new(vec![
        text("file", false),
        Field::new("line", DataType::Int64, false),
        Field::new("byte_offset", DataType::Int64, true),
        text("column", true),
        text("rule", false),
        text("reason", false),
        text("text", false),
        text("contract", false),
    ]))
}

/// Hexadecimal digits of a contract's fingerprint that the table shows.
const CONTRACT_DIGITS: usize = 16;

/// Builds the rows of the quarantine table, in the given order; `contract` is the fingerprint of the contract that
/// rejected them.
///
/// # Errors
/// When Arrow refuses the columns, which would be a bug here.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the texts of rejected rows are large: they are gone when this returns"
)]
pub fn to_batch(rejections: Vec<Rejection>, contract: &str) -> Result<RecordBatch, Error> {
    let text =
        |of: fn(&Rejection) -> &str| -> ArrayRef { Arc::new(StringArray::from_iter_values(rejections.iter().map(of))) };
    let lines = rejections.iter().map(|rejection| i64::try_from(rejection.line).unwrap_or(i64::MAX));
    let offsets = rejections.iter().map(|rejection| rejection.byte_offset.and_then(|at| i64::try_from(at).ok()));
    let contract = contract.get(..CONTRACT_DIGITS).unwrap_or(contract);
    let contracts = StringArray::from_iter_values(rejections.iter().map(|_| contract));
    let columns: StringArray = rejections.iter().map(|rejection| rejection.column.as_deref()).collect();
    let arrays: Vec<ArrayRef> = vec![
        text(|rejection| &rejection.file),
        Arc::new(Int64Array::from_iter_values(lines)),
        Arc::new(offsets.collect::<Int64Array>()),
        Arc::new(columns),
        text(|rejection| &rejection.rule),
        text(|rejection| &rejection.reason),
        text(|rejection| &rejection.text),
        Arc::new(contracts),
    ];
    Ok(RecordBatch::try_new(schema(), arrays)?)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use arrow::util::pretty::pretty_format_batches;

    use super::*;

    #[test]
    fn rejections_become_rows_in_their_order() {
        let rejection = |line, byte_offset, column: Option<&str>, rule: &str| Rejection {
            file: "extracts/d07.csv".into(),
            line,
            byte_offset,
            column: column.map(str::to_owned),
            rule: rule.to_owned(),
            reason: "r".to_owned(),
            text: "a,b".to_owned(),
        };
        let rejections = vec![rejection(9, Some(120), Some("amount"), "type"), rejection(3, None, None, "row_shape")];
        let batch = to_batch(rejections, "0123456789abcdef0123").unwrap();
        let expected = "\
+------------------+------+-------------+--------+-----------+--------+------+------------------+
| file             | line | byte_offset | column | rule      | reason | text | contract         |
+------------------+------+-------------+--------+-----------+--------+------+------------------+
| extracts/d07.csv | 9    | 120         | amount | type      | r      | a,b  | 0123456789abcdef |
| extracts/d07.csv | 3    |             |        | row_shape | r      | a,b  | 0123456789abcdef |
+------------------+------+-------------+--------+-----------+--------+------+------------------+";
        assert_eq!(pretty_format_batches(&[batch]).unwrap().to_string(), expected);
        assert_eq!(to_batch(Vec::new(), "").unwrap().num_rows(), 0);
    }
}
