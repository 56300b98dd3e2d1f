//! Lists of numbers, each as one row of an Arrow IPC stream of its own: so only one of them is in memory beside the bytes.
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
#[derive(Debug)]
pub(super) struct Columns {
    bytes: Vec<u8>,
    written: Result<(), ArrowError>,
}

impl Columns {
    /// Begins behind some bytes.
    pub const fn behind(bytes: Vec<u8>) -> Self {
        Self { bytes, written: Ok(()) }
    }

    /// Adds a list of numbers.
    pub fn push<T: ArrowPrimitiveType>(&mut self, numbers: impl Iterator<Item = T::Native>) {
        let values = PrimitiveArray::<T>::from_iter_values(numbers);
        let field = Arc::new(Field::new_list_field(T::DATA_TYPE, false));
        let ends = OffsetBuffer::from_lengths([values.len()]);
        self.put(Arc::new(LargeListArray::new(field, ends, Arc::new(values), None)));
    }

    /// Adds texts: where each ends, and all of them.
    pub fn texts(&mut self, texts: &Texts) {
        self.push::<UInt64Type>(texts.ends().iter().map(|end| *end as u64));
        self.put(Arc::new(LargeBinaryArray::from_vec(vec![texts.all().as_bytes()])));
    }

    fn put(&mut self, list: ArrayRef) {
        if self.written.is_ok() {
            self.written = append(list, &mut self.bytes);
        }
    }

    /// Returns the bytes with all lists behind them.
    ///
    /// # Errors
    /// When Arrow could not write one.
    pub fn into_bytes(self) -> Result<Vec<u8>, ArrowError> {
        self.written.map(|()| self.bytes)
    }
}

fn append(list: ArrayRef, bytes: &mut Vec<u8>) -> Result<(), ArrowError> {
    let schema = Arc::new(Schema::new(vec![Field::new("list", list.data_type().clone(), false)]));
    // No end of the stream is written: the reader takes one row and goes on.
    StreamWriter::try_new(bytes, &schema)?.write(&RecordBatch::try_new(schema, vec![list])?)
}

/// Lists that are read back, one after the other. None is said of everything that is not what was written.
#[derive(Debug)]
pub(super) struct Read(Buffer);

impl Read {
    /// Opens what [`Columns::into_bytes`] wrote behind the first bytes.
    pub fn new(bytes: Vec<u8>, start: usize) -> Self {
        let mut buffer = Buffer::from_vec(bytes);
        buffer.advance(start.min(buffer.len()));
        Self(buffer)
    }

    fn column(&mut self) -> Option<ArrayRef> {
        let row = StreamDecoder::new().decode(&mut self.0).ok()??;
        (row.num_rows() == 1 && row.num_columns() == 1).then(|| Arc::clone(row.column(0)))
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
        self.0.is_empty()
    }
}
