//! Lists of numbers as one row of an Arrow IPC stream.
//!
//! In: lists, in an order that the reader knows. Out: bytes, and from bytes the same lists in the same order. Deliberately knows
//! nothing of what the numbers mean.

use std::sync::Arc;

use arrow::{
    array::{
        Array, ArrayRef, ArrowPrimitiveType, AsArray, LargeBinaryArray, LargeListArray, PrimitiveArray, RecordBatch,
    },
    buffer::{Buffer, OffsetBuffer},
    datatypes::{DataType, Field, Schema, UInt64Type},
    error::ArrowError,
    ipc::{reader::StreamDecoder, writer::StreamWriter},
};

use super::GROUP;
use crate::identify::texts::Texts;

/// Lists on their way into bytes.
#[derive(Debug, Default)]
pub(super) struct Columns(Vec<ArrayRef>);

impl Columns {
    /// Adds a list of numbers.
    pub fn push<T: ArrowPrimitiveType>(&mut self, numbers: impl Iterator<Item = T::Native>) {
        let values = PrimitiveArray::<T>::from_iter_values(numbers);
        let field = Arc::new(Field::new_list_field(T::DATA_TYPE, false));
        let ends = OffsetBuffer::from_lengths([values.len()]);
        self.0.push(Arc::new(LargeListArray::new(field, ends, Arc::new(values), None)));
    }

    /// Adds texts: where each ends, and all of them.
    pub fn texts(&mut self, texts: &Texts) {
        self.push::<UInt64Type>(texts.ends().iter().map(|end| *end as u64));
        self.0.push(Arc::new(LargeBinaryArray::from_vec(vec![texts.all().as_bytes()])));
    }

    /// Appends all lists to some bytes.
    ///
    /// # Errors
    /// When Arrow cannot write them.
    pub fn into_bytes(self, into: Vec<u8>) -> Result<Vec<u8>, ArrowError> {
        let field =
            |(number, list): (usize, &ArrayRef)| Field::new(number.to_string(), list.data_type().clone(), false);
        let schema = Arc::new(Schema::new(self.0.iter().enumerate().map(field).collect::<Vec<_>>()));
        let mut writer = StreamWriter::try_new(into, &schema)?;
        writer.write(&RecordBatch::try_new(schema, self.0)?)?;
        writer.into_inner()
    }
}

/// Lists that are read back, one after the other. None is said of everything that is not what was written.
#[derive(Debug)]
pub(super) struct Read {
    row: RecordBatch,
    next: usize,
}

impl Read {
    /// Opens what [`Columns::into_bytes`] wrote behind the first bytes.
    pub fn new(bytes: Vec<u8>, start: usize) -> Option<Self> {
        let mut buffer = Buffer::from_vec(bytes);
        buffer.advance(start.min(buffer.len()));
        let mut decoder = StreamDecoder::new();
        let row = decoder.decode(&mut buffer).ok()??;
        (row.num_rows() == 1).then_some(Self { row, next: 0 })
    }

    fn column(&mut self) -> Option<&ArrayRef> {
        self.next += 1;
        self.row.columns().get(self.next - 1)
    }

    /// Returns the next list.
    pub fn numbers<T: ArrowPrimitiveType>(&mut self) -> Option<Vec<T::Native>> {
        let list = self.column()?.as_list_opt::<i64>()?.value(0);
        (*list.data_type() == T::DATA_TYPE).then(|| list.as_primitive::<T>().values().to_vec())
    }

    /// Returns the next texts.
    pub fn texts(&mut self) -> Option<Texts> {
        let ends = self.numbers::<UInt64Type>()?;
        let column = self.column()?;
        let all =
            (*column.data_type() == DataType::LargeBinary).then(|| column.as_binary::<i64>().value(0).to_vec())?;
        let ends = ends.into_iter().map(|end| usize::try_from(end).ok()).collect::<Option<Vec<_>>>()?;
        Texts::of_parts(String::from_utf8(all).ok()?, ends)
    }

    /// Returns the next list in groups of a few numbers.
    pub fn groups(&mut self) -> Option<impl Iterator<Item = [u64; GROUP]> + use<>> {
        let numbers = self.numbers::<UInt64Type>()?;
        let groups = numbers.as_chunks::<GROUP>().0.to_vec();
        Some(groups.into_iter())
    }

    /// Returns whether every list was read.
    pub fn is_at_end(&self) -> bool {
        self.next == self.row.num_columns()
    }
}
