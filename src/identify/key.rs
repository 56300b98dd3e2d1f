//! The key of a record as one text.
//!
//! In: the key columns of some rows. Out: one text per row. Parts are joined by `/`; a `/` within a part is written `\/`,
//! so that no two keys become one text. A row without one of its parts names no record.

use std::borrow::Cow;

use arrow::{
    array::{Array, ArrayRef, AsArray, StringArray, StringBuilder},
    compute::cast,
    datatypes::DataType,
    error::ArrowError,
};

/// Returns the keys of rows; NULL where a part is.
///
/// # Errors
/// When a column has a type that cannot be written as text.
pub fn joined(parts: &[ArrayRef]) -> Result<StringArray, ArrowError> {
    let texts: Vec<StringArray> = parts.iter().map(text).collect::<Result<_, _>>()?;
    if let [only] = &texts[..] {
        return Ok(only.clone());
    }
    let rows = texts.first().map_or(0, Array::len);
    let mut keys = StringBuilder::with_capacity(rows, rows * 16);
    let mut key = String::new();
    for row in 0..rows {
        if texts.iter().any(|text| text.is_null(row)) {
            keys.append_null();
            continue;
        }
        key.clear();
        for (index, text) in texts.iter().enumerate() {
            if index > 0 {
                key.push('/');
            }
            key.push_str(&escaped(text.value(row)));
        }
        keys.append_value(&key);
    }
    Ok(keys.finish())
}

/// Returns a column as text.
///
/// # Errors
/// When its type cannot be written as text.
pub fn text(column: &ArrayRef) -> Result<StringArray, ArrowError> {
    match column.data_type() {
        DataType::Utf8 => Ok(column.as_string::<i32>().clone()),
        _ => Ok(cast(column, &DataType::Utf8)?.as_string::<i32>().clone()),
    }
}

fn escaped(part: &str) -> Cow<'_, str> {
    match part.contains(['/', '\\']) {
        true => Cow::Owned(part.replace('\\', "\\\\").replace('/', "\\/")),
        false => Cow::Borrowed(part),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Date32Array, Int32Array};

    use super::*;

    fn texts(values: &[Option<&str>]) -> ArrayRef {
        Arc::new(StringArray::from(values.to_vec()))
    }

    #[test]
    fn keys_of_several_parts_stay_different() {
        let keys = joined(&[
            texts(&[Some("a/b"), Some("a"), Some("a\\"), None]),
            texts(&[Some("c"), Some("b/c"), Some("/c"), Some("d")]),
        ]);
        let expected = StringArray::from(vec![Some("a\\/b/c"), Some("a/b\\/c"), Some("a\\\\/\\/c"), None]);
        assert_eq!(keys.unwrap(), expected);
    }

    #[test]
    fn a_single_part_is_the_key_as_it_stands() {
        assert_eq!(joined(&[texts(&[Some("a/b"), None])]).unwrap(), StringArray::from(vec![Some("a/b"), None]));
    }

    #[test]
    fn numbers_and_dates_are_written_as_people_write_them() {
        let keys = joined(&[Arc::new(Int32Array::from(vec![7])), Arc::new(Date32Array::from(vec![19_000]))]);
        assert_eq!(keys.unwrap(), StringArray::from(vec!["7/2022-01-08"]));
    }
}
