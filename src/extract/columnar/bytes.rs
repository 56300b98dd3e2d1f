//! A [`Content`] as the libraries of columnar formats want to read it.
//!
//! In: bytes by offset. Out: a Parquet [`ChunkReader`] and a [`Read`]. Deliberately reads only what is asked for, and
//! believes no length that goes beyond the file's end.

use std::io::{self, BufReader, Read};

use ::bytes::Bytes;
use parquet::{
    errors::ParquetError,
    file::reader::{ChunkReader, Length},
};

use crate::storage::content::Content;

/// What a sequential reader takes at once.
const READ_BYTES: usize = 256 * 1024;

/// A file that is read in any order.
pub(super) struct Chunks(pub Content);

impl Length for Chunks {
    fn len(&self) -> u64 {
        self.0.len()
    }
}

impl ChunkReader for Chunks {
    type T = BufReader<Sequence>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(buffered(&self.0, start))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        exactly(&self.0, start, length).map_err(|error| ParquetError::External(Box::new(error)))
    }
}

/// Returns `length` bytes from an offset on; an error if the file ends before.
pub(super) fn exactly(content: &Content, start: u64, length: usize) -> io::Result<Bytes> {
    if start.checked_add(length as u64).is_none_or(|end| end > content.len()) {
        let reason = format!("the file ends before byte {}", start.saturating_add(length as u64));
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, reason));
    }
    content.part(start, length)
}

/// Reads a file from an offset on.
pub(super) fn buffered(content: &Content, start: u64) -> BufReader<Sequence> {
    BufReader::with_capacity(READ_BYTES, Sequence { content: content.clone(), at: start })
}

/// A file that is read from its start to its end.
pub(super) struct Sequence {
    content: Content,
    at: u64,
}

impl Read for Sequence {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.content.read_at(self.at, buffer)?;
        self.at += count as u64;
        Ok(count)
    }
}
