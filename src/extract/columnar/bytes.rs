//! A [`Content`] as the libraries of columnar formats want to read it.
//!
//! In: bytes by offset. Out: a Parquet [`ChunkReader`] and a [`Read`]. Deliberately reads only what is asked for, and
//! believes no length that goes beyond the file's end.

use std::io::{self, BufReader, Read};

use ::bytes::Bytes;
use parquet::{
    errors::ParquetError,
    file::{
        FOOTER_SIZE,
        reader::{ChunkReader, Length},
    },
};

use super::thrift;
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

    /// The library reads headers of pages here, and the length of the footer.
    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        let sequence = || Sequence { content: self.0.clone(), at: start };
        let is_header = start.saturating_add(FOOTER_SIZE as u64) < self.0.len();
        if is_header && thrift::is_endless(BufReader::new(sequence())) {
            return Err(ParquetError::General(format!(
                "the header at byte {start} has more conditions than any can have"
            )));
        }
        Ok(BufReader::with_capacity(READ_BYTES, sequence()))
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

/// A file from an offset on, as headers are read, behind which more of it must follow: its end is an error. Where a header asks for
/// two thousand million numbers, its reader (parquet 59.3) would skip as many that are not there.
pub(super) struct Sequence {
    content: Content,
    at: u64,
}

impl Read for Sequence {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.content.read_at(self.at, buffer)?;
        if count == 0 && !buffer.is_empty() {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file ends within a header"));
        }
        self.at += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_goes_beyond_the_file_is_an_error_however_it_is_read() {
        let content = Content::from(Bytes::from_static(b"abc"));
        let mut buffer = [0; 8];
        let mut headers = Chunks(content).get_read(1).unwrap();
        assert_eq!(headers.read(&mut buffer).unwrap(), 2);
        assert_eq!(headers.read(&mut buffer).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        let skipped = io::copy(&mut headers.take(3), &mut io::sink());
        assert_eq!(skipped.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
