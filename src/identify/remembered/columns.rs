//! Lists of numbers, in chunks that are each one row of an Arrow IPC stream of its own, and the streams in pieces: so only one chunk and
//! one piece are in memory beside the lists.
//!
//! In: lists, in an order that the reader knows. Out: pieces, and from pieces the same lists in the same order. Deliberately knows
//! nothing of what the numbers mean.

use std::{mem, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, LargeListArray, PrimitiveArray, RecordBatch},
    buffer::{Buffer, OffsetBuffer},
    datatypes::{Field, Schema, UInt8Type, UInt64Type},
    error::ArrowError,
    ipc::{reader::StreamDecoder, writer::StreamWriter},
};

use super::GROUP;
use crate::identify::texts::Texts;

/// Numbers of a chunk. Tuples of two, three or six numbers never lie in two chunks.
const CHUNK: usize = if cfg!(test) { 12 } else { 3 << 20 };
/// Bytes from which on a piece is full.
const PIECE: usize = if cfg!(test) { 4 << 10 } else { 64 << 20 };

/// Lists on their way into pieces.
pub(super) struct Columns<'a> {
    /// What every piece begins with.
    head: Vec<u8>,
    piece: Vec<u8>,
    keep: &'a mut dyn FnMut(Vec<u8>),
    written: Result<(), ArrowError>,
}

impl<'a> Columns<'a> {
    /// Begins; `keep` is given each piece, behind a copy of `head`.
    pub fn new(head: Vec<u8>, keep: &'a mut dyn FnMut(Vec<u8>)) -> Self {
        Self { piece: head.clone(), head, keep, written: Ok(()) }
    }

    /// Adds a list of numbers: how many there are, and chunks of them.
    pub fn push<T: ArrowPrimitiveType>(&mut self, numbers: impl IntoIterator<Item = T::Native>, count: usize) {
        self.put::<UInt64Type>(vec![count as u64]);
        let mut numbers = numbers.into_iter();
        for start in (0..count).step_by(CHUNK) {
            self.put::<T>(numbers.by_ref().take(CHUNK.min(count - start)).collect());
        }
    }

    /// Adds texts: where each ends, and all of them.
    pub fn texts(&mut self, texts: &Texts) {
        let ends = texts.ends();
        self.push::<UInt64Type>(ends.iter().map(|end| *end as u64), ends.len());
        self.push::<UInt8Type>(texts.all().bytes(), texts.all().len());
    }

    fn put<T: ArrowPrimitiveType>(&mut self, numbers: Vec<T::Native>) {
        if self.written.is_err() {
            return;
        }
        let values = PrimitiveArray::<T>::new(numbers.into(), None);
        let field = Arc::new(Field::new_list_field(T::DATA_TYPE, false));
        let ends = OffsetBuffer::from_lengths([values.len()]);
        self.written = append(Arc::new(LargeListArray::new(field, ends, Arc::new(values), None)), &mut self.piece);
        if self.piece.len() >= PIECE {
            (self.keep)(mem::replace(&mut self.piece, self.head.clone()));
        }
    }

    /// Ends the last piece.
    ///
    /// # Errors
    /// When Arrow could not write a list.
    pub fn finish(self) -> Result<(), ArrowError> {
        self.written.map(|()| (self.keep)(self.piece))
    }
}

fn append(list: ArrayRef, bytes: &mut Vec<u8>) -> Result<(), ArrowError> {
    let schema = Arc::new(Schema::new(vec![Field::new("list", list.data_type().clone(), false)]));
    // No end of the stream is written: the reader takes one row and goes on.
    StreamWriter::try_new(bytes, &schema)?.write(&RecordBatch::try_new(schema, vec![list])?)
}

/// Lists that are read back, one after the other. None is said of everything that is not what was written.
pub(super) struct Read<'a> {
    /// Bytes before the first list of each piece.
    start: usize,
    piece: Buffer,
    further: &'a mut dyn Iterator<Item = Vec<u8>>,
}

impl<'a> Read<'a> {
    /// Opens the pieces that [`Columns`] gave, each of which begins with so many other bytes.
    pub fn new(pieces: &'a mut dyn Iterator<Item = Vec<u8>>, start: usize) -> Self {
        Self { start, piece: Buffer::from_vec(Vec::<u8>::new()), further: pieces }
    }

    fn chunk<T: ArrowPrimitiveType>(&mut self) -> Option<PrimitiveArray<T>> {
        while self.piece.is_empty() {
            self.piece = Buffer::from_vec(self.further.next()?);
            self.piece.advance(self.start.min(self.piece.len()));
        }
        let row = StreamDecoder::new().decode(&mut self.piece).ok()??;
        let column = (row.num_rows() == 1 && row.num_columns() == 1).then(|| Arc::clone(row.column(0)))?;
        let list = column.as_list_opt::<i64>()?.value(0);
        (*list.data_type() == T::DATA_TYPE).then(|| list.as_primitive::<T>().clone())
    }

    /// Shows the next list chunk by chunk, in tuples of so many numbers, and returns what is made of each.
    pub fn tuples<T: ArrowPrimitiveType, const N: usize, R>(
        &mut self,
        mut each: impl FnMut([T::Native; N]) -> Option<R>,
    ) -> Option<Vec<R>> {
        const { assert!(CHUNK.is_multiple_of(N), "a tuple would lie in two chunks") };
        let count = usize::try_from(*self.chunk::<UInt64Type>()?.values().first()?).ok()?;
        let mut found = Vec::new();
        found.try_reserve_exact(count / N).ok()?;
        let mut left = count;
        while left > 0 {
            let chunk = self.chunk::<T>()?;
            let (tuples, rest) = chunk.values().as_chunks::<N>();
            if chunk.is_empty() || chunk.len() > left || !rest.is_empty() {
                return None;
            }
            for tuple in tuples {
                found.push(each(*tuple)?);
            }
            left -= chunk.len();
        }
        Some(found)
    }

    /// Returns the next list.
    pub fn numbers<T: ArrowPrimitiveType>(&mut self) -> Option<Vec<T::Native>> {
        self.tuples::<T, 1, _>(|[number]| Some(number))
    }

    /// Returns the next texts.
    pub fn texts(&mut self) -> Option<Texts> {
        let ends = self.tuples::<UInt64Type, 1, _>(|[end]| usize::try_from(end).ok())?;
        Texts::of_parts(String::from_utf8(self.numbers::<UInt8Type>()?).ok()?, ends)
    }

    /// Returns the next list in groups of a few numbers, of which there are few.
    pub fn groups(&mut self) -> Option<impl Iterator<Item = [u64; GROUP]> + use<>> {
        let numbers = self.numbers::<UInt64Type>()?;
        let groups = numbers.as_chunks::<GROUP>().0.to_vec();
        Some(groups.into_iter())
    }

    /// Returns whether every list of the last piece was read.
    pub fn is_at_end(&self) -> bool {
        self.piece.is_empty()
    }
}
