//! How many sorted rows are taken at once.
//!
//! In: a bound of rows and one of bytes. Out: where a portion ends. Its bytes are those of its values, counted from the
//! values alone, so that equal rows are cut at the same places however they came and wherever they lie; what files are
//! made of depends on it. Deliberately absent: values of nested types, which count for nothing here.

use arrow::{
    array::{Array, AsArray, GenericByteArray, RecordBatch},
    datatypes::{ByteArrayType, DataType, Schema},
};

/// How many bytes the values of a row have.
#[derive(Debug)]
pub(super) struct RowBytes {
    /// Of all columns of one width.
    fixed: u32,
    /// Positions of the columns of texts and of bytes.
    texts: Vec<usize>,
    binaries: Vec<usize>,
}

impl RowBytes {
    /// Returns how the rows of files with these columns are counted.
    pub fn new(schema: &Schema) -> Self {
        let fields = || schema.fields().iter().map(|field| field.data_type()).enumerate();
        let of_type = |wanted| fields().filter(|(_, found)| **found == wanted).map(|(position, _)| position).collect();
        Self {
            fixed: fields().map(|(_, data_type)| width(data_type)).sum(),
            texts: of_type(DataType::Utf8),
            binaries: of_type(DataType::Binary),
        }
    }

    /// Returns the bytes of each row.
    pub fn of(&self, batch: &RecordBatch) -> Vec<u32> {
        let mut bytes = vec![self.fixed; batch.num_rows()];
        for &column in &self.texts {
            add_lengths(&mut bytes, batch.column(column).as_string::<i32>());
        }
        for &column in &self.binaries {
            add_lengths(&mut bytes, batch.column(column).as_binary::<i32>());
        }
        bytes
    }
}

fn add_lengths<T: ByteArrayType<Offset = i32>>(bytes: &mut [u32], column: &GenericByteArray<T>) {
    let lengths = column.value_offsets().windows(2).map(|pair| pair[1].abs_diff(pair[0]));
    match column.nulls().filter(|nulls| nulls.null_count() > 0) {
        None => bytes.iter_mut().zip(lengths).for_each(|(bytes, length)| *bytes = bytes.saturating_add(length)),
        // Below a NULL may lie anything.
        Some(nulls) => bytes.iter_mut().zip(lengths).zip(nulls).for_each(|((bytes, length), is_valid)| {
            *bytes = bytes.saturating_add(if is_valid { length } else { 0 });
        }),
    }
}

fn width(data_type: &DataType) -> u32 {
    match data_type {
        DataType::Boolean => 1,
        DataType::FixedSizeBinary(width) => u32::try_from(*width).unwrap_or_default(),
        other => other.primitive_width().and_then(|width| u32::try_from(width).ok()).unwrap_or_default(),
    }
}

/// At most so many rows; none after the one that reaches the bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Portion {
    pub rows: usize,
    pub bytes: usize,
}

impl Portion {
    /// Begins to fill the portion.
    pub const fn begin(self) -> Filling {
        Filling { portion: self, rows: 0, bytes: 0 }
    }
}

/// A portion that takes row after row.
pub(super) struct Filling {
    portion: Portion,
    rows: usize,
    bytes: usize,
}

impl Filling {
    /// Takes the next row, which has so many bytes, or returns false where the portion has ended. The first row is always taken.
    pub const fn takes(&mut self, bytes: u32) -> bool {
        let has_ended = self.rows >= self.portion.rows || self.bytes >= self.portion.bytes;
        if self.rows > 0 && has_ended {
            return false;
        }
        self.rows += 1;
        self.bytes += bytes as usize;
        true
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::{
        array::{ArrayRef, BinaryArray, BooleanArray, Int64Array, StringArray},
        buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer},
    };

    use super::*;

    fn taken(portion: Portion, batch: &RecordBatch) -> usize {
        let mut filling = portion.begin();
        RowBytes::new(&batch.schema()).of(batch).into_iter().take_while(|&bytes| filling.takes(bytes)).count()
    }

    fn batch(columns: Vec<ArrayRef>) -> RecordBatch {
        let names = ["a", "b", "c", "d"];
        RecordBatch::try_from_iter_with_nullable(
            names.into_iter().zip(columns).map(|(name, column)| (name, column, true)),
        )
        .unwrap_or_else(|error| unreachable!("{error}"))
    }

    #[test]
    fn a_portion_ends_with_the_row_that_reaches_its_bytes() {
        let texts: StringArray = vec![Some("12345"), None, Some("1"), Some("123456")].into();
        let binaries: BinaryArray = vec![Some(b"12".as_slice()), None, None, Some(b"1")].into();
        let rows = batch(vec![
            Arc::new(Int64Array::from(vec![1, 2, 3, 4])),
            Arc::new(texts),
            Arc::new(binaries),
            Arc::new(BooleanArray::from(vec![None, Some(true), None, None])),
        ]);
        // 16, 9, 10 and 16 bytes.
        let of_bytes = |bytes| taken(Portion { rows: 100, bytes }, &rows);
        assert_eq!([0, 1, 16, 17, 25, 26, 35, 36, 1000].map(of_bytes), [1, 1, 1, 2, 2, 3, 3, 4, 4]);
        assert_eq!([0, 1, 3].map(|most| taken(Portion { rows: most, bytes: 1000 }, &rows)), [1, 1, 3]);
    }

    #[test]
    fn bytes_below_a_null_do_not_count() {
        let offsets = OffsetBuffer::new(ScalarBuffer::from(vec![0, 1, 900, 901]));
        let nulls = Some(NullBuffer::from(vec![true, false, true]));
        let texts = StringArray::new(offsets, Buffer::from("x".repeat(901).as_bytes()), nulls);
        assert_eq!(taken(Portion { rows: 100, bytes: 2 }, &batch(vec![Arc::new(texts)])), 3);
    }
}
