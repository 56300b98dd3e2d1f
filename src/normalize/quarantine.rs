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
        text("column", true),
        text("rule", false),
        text("reason", false),
        text("text", false),
    ]))
}

/// Builds the rows of the quarantine table, in the given order.
///
/// # Errors
/// When Arrow refuses the columns, which would be a bug here.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the texts of rejected rows are large: they are gone when this returns"
)]
pub fn to_batch(rejections: Vec<Rejection>) -> Result<RecordBatch, Error> {
    let text =
        |of: fn(&Rejection) -> &str| -> ArrayRef { Arc::new(StringArray::from_iter_values(rejections.iter().map(of))) };
    let lines = rejections.iter().map(|rejection| i64::try_from(rejection.line).unwrap_or(i64::MAX));
    let columns: StringArray = rejections.iter().map(|rejection| rejection.column.as_deref()).collect();
    let arrays: Vec<ArrayRef> = vec![
        text(|rejection| &rejection.file),
        Arc::new(Int64Array::from_iter_values(lines)),
        Arc::new(columns),
        text(|rejection| &rejection.rule),
        text(|rejection| &rejection.reason),
        text(|rejection| &rejection.text),
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
        let rejection = |line, column: Option<&str>, rule: &str| Rejection {
            file: "extracts/d07.csv".into(),
            line,
            byte_offset: None,
            column: column.map(str::to_owned),
            rule: rule.to_owned(),
            reason: "r".to_owned(),
            text: "a,b".to_owned(),
        };
        let batch = to_batch(vec![rejection(9, Some("amount"), "type"), rejection(3, None, "row_shape")]).unwrap();
        let expected = "\
+------------------+------+--------+-----------+--------+------+
| file             | line | column | rule      | reason | text |
+------------------+------+--------+-----------+--------+------+
| extracts/d07.csv | 9    | amount | type      | r      | a,b  |
| extracts/d07.csv | 3    |        | row_shape | r      | a,b  |
+------------------+------+--------+-----------+--------+------+";
        assert_eq!(pretty_format_batches(&[batch]).unwrap().to_string(), expected);
        assert_eq!(to_batch(Vec::new()).unwrap().num_rows(), 0);
    }
}
