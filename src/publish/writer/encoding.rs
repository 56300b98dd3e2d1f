//! How the values of each column are laid down in the files of a partition.
//!
//! In: its first rows in sorted order. Out: an encoding for every column, chosen from those rows alone, so that equal
//! partitions get equal files. A dictionary pays as long as values repeat; where most of them differ it is built only to
//! be given up, and the forms for distinct values are smaller:
//!
//! ```text
//!  values repeat ──────────────────────────► dictionary
//!  most differ:  integers, dates, times,
//!                decimals of ≤ 18 digits ──► DELTA_BINARY_PACKED      differences, in as few bits as they need
//!                texts of the key ─────────► DELTA_BYTE_ARRAY         sorted, so neighbours share their beginnings
//!                other texts ──────────────► DELTA_LENGTH_BYTE_ARRAY  lengths apart from the bytes
//!                floats and all others ────► PLAIN
//! ```
//!
//! Texts of the key stand sorted, so that theirs is the smaller form already where a value repeats a few times; numbers
//! stand between.
//!
//! Deliberately absent: nested columns, which keep what Parquet does by itself, and compression, which comes after.

use arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch},
    datatypes::DataType,
};
use parquet::{basic::Encoding, file::properties::WriterPropertiesBuilder, schema::types::ColumnPath};
use xxhash_rust::xxh3::xxh3_64;

use super::plan::Plan;

/// Digits of a decimal that Parquet stores as an integer.
const INTEGER_DIGITS: u8 = 18;
/// How often values occur on average where a dictionary begins to pay.
const REPEATS: usize = 2;
/// The same for numbers: their differences need hardly more bits than the place in a dictionary and its entry.
const NUMBER_REPEATS: usize = 3;
/// The same for sorted texts, of which only the ends of the different ones are written.
const SORTED_REPEATS: usize = 16;
/// Bits in which the hashes of a sample's values are marked: eight for each of a chunk's rows.
const MARKS: usize = 1 << 16;

/// Returns the columns that are better off without a dictionary, by their values in the sample.
pub(super) fn without_dictionary(sample: &RecordBatch, plan: &Plan) -> Vec<usize> {
    let is_better = |(position, column): &(usize, &ArrayRef)| {
        let repeats = match of_distinct(column.data_type(), plan.key_columns.contains(position)) {
            Encoding::DELTA_BYTE_ARRAY => SORTED_REPEATS,
            Encoding::DELTA_BINARY_PACKED => NUMBER_REPEATS,
            _ => REPEATS,
        };
        seldom_repeat(column, repeats)
    };
    sample.columns().iter().enumerate().filter(is_better).map(|(position, _)| position).collect()
}

/// Gives columns the encoding that they have instead of a dictionary.
pub(super) fn encode(builder: WriterPropertiesBuilder, columns: &[usize], plan: &Plan) -> WriterPropertiesBuilder {
    columns.iter().fold(builder, |builder, position| {
        let field = plan.data_schema.field(*position);
        let path = ColumnPath::from(vec![field.name().clone()]);
        let encoding = of_distinct(field.data_type(), plan.key_columns.contains(position));
        builder.set_column_dictionary_enabled(path.clone(), false).set_column_encoding(path, encoding)
    })
}

/// Returns the encoding of a column in which few values repeat.
fn of_distinct(data_type: &DataType, is_key: bool) -> Encoding {
    match data_type {
        DataType::Int32
        | DataType::Int64
        | DataType::Date32
        | DataType::Time64(_)
        | DataType::Timestamp(..)
        | DataType::Decimal128(..=INTEGER_DIGITS, _) => Encoding::DELTA_BINARY_PACKED,
        DataType::Utf8 | DataType::Binary if is_key => Encoding::DELTA_BYTE_ARRAY,
        DataType::Utf8 | DataType::Binary => Encoding::DELTA_LENGTH_BYTE_ARRAY,
        _ => Encoding::PLAIN,
    }
}

/// Returns whether a column's values occur less than `repeats` times on average; NULLs do not count. Nested types and
/// booleans say no.
fn seldom_repeat(column: &ArrayRef, repeats: usize) -> bool {
    let mut seen = Seen::default();
    match column.data_type() {
        DataType::Utf8 => column.as_string::<i32>().iter().flatten().for_each(|text| seen.mark(text.as_bytes())),
        DataType::Binary => column.as_binary::<i32>().iter().flatten().for_each(|bytes| seen.mark(bytes)),
        other => match other.primitive_width() {
            Some(width) => mark_fixed(column, width, &mut seen),
            None => return false,
        },
    }
    seen.different * repeats > seen.values
}

fn mark_fixed(column: &ArrayRef, width: usize, seen: &mut Seen) {
    let data = column.to_data();
    let values = data.buffers()[0][data.offset() * width..].chunks_exact(width).take(data.len());
    values.enumerate().filter(|(row, _)| column.is_valid(*row)).for_each(|(_, value)| seen.mark(value));
}

/// Counts different values by the marks that their hashes leave. Two may share one, a few in a hundred do.
struct Seen {
    marks: Vec<u64>,
    different: usize,
    values: usize,
}

impl Default for Seen {
    fn default() -> Self {
        Self { marks: vec![0; MARKS / 64], different: 0, values: 0 }
    }
}

impl Seen {
    #[expect(clippy::cast_possible_truncation, reason = "the lowest bits of a hash are as good as all")]
    fn mark(&mut self, value: &[u8]) {
        let place = xxh3_64(value) as usize % MARKS;
        let (word, bit) = (place / 64, 1 << (place % 64));
        self.different += usize::from(self.marks[word] & bit == 0);
        self.marks[word] |= bit;
        self.values += 1;
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::sync::Arc;

    use arrow::array::{BooleanArray, Decimal128Array, Float64Array, Int64Array, StringArray};

    use super::*;

    fn numbers(count: i64, different: i64) -> ArrayRef {
        Arc::new((0..count).map(|row| (row % 3 > 0).then_some(row % different)).collect::<Int64Array>())
    }

    #[test]
    fn a_dictionary_is_kept_while_values_repeat() {
        assert!(seldom_repeat(&numbers(8_192, 8_192), REPEATS));
        assert!(!seldom_repeat(&numbers(8_192, 2_000), REPEATS));
        assert!(seldom_repeat(&numbers(8_192, 2_000), SORTED_REPEATS));
        assert!(!seldom_repeat(&numbers(8_192, 100), SORTED_REPEATS));
        let slice = numbers(9_000, 9_000).slice(4_000, 100);
        assert!(seldom_repeat(&slice, REPEATS));
        assert!(seldom_repeat(&(Arc::new(Float64Array::from(vec![0.0, -0.0, 1.0])) as ArrayRef), REPEATS));
        assert!(!seldom_repeat(
            &(Arc::new(StringArray::from(vec![None, Some("a"), Some("a"), None])) as ArrayRef),
            REPEATS
        ));
        assert!(!seldom_repeat(&(Arc::new(BooleanArray::from(vec![true])) as ArrayRef), REPEATS));
        assert!(!seldom_repeat(&arrow::array::new_null_array(&DataType::Utf8, 9), REPEATS));
    }

    #[test]
    fn long_decimals_are_no_integers() {
        let digits = |digits| {
            let column = Decimal128Array::from(vec![1]).with_precision_and_scale(digits, 2).unwrap();
            of_distinct(column.data_type(), false)
        };
        assert_eq!((digits(18), digits(19)), (Encoding::DELTA_BINARY_PACKED, Encoding::PLAIN));
    }
}
