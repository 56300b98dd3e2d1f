//! Bytes that arrive piece by piece, of which nobody knows how many there will be.
//!
//! In: pieces in order. Out: a [`Content`], in memory while it is short and in a nameless temporary file beyond that.

use std::{
    fs::File,
    io::{self, Write},
};

use bytes::Bytes;

use super::{Error, temporary_failed};
use crate::storage::content::Content;

/// Bytes that are gathered before they are written to the disk.
const CHUNK_BYTES: usize = 1 << 20;

/// A content in the making.
#[derive(Debug)]
pub struct Growing {
    held: Vec<u8>,
    file: Option<File>,
    in_memory_bytes: usize,
}

impl Growing {
    /// Begins an empty content that goes to the disk beyond `in_memory_bytes`.
    #[must_use]
    pub fn new(in_memory_bytes: u64) -> Self {
        let in_memory_bytes = usize::try_from(in_memory_bytes).unwrap_or(usize::MAX);
        Self { held: Vec::new(), file: None, in_memory_bytes }
    }

    /// Adds a piece.
    ///
    /// # Errors
    /// [`Error::TemporaryFile`] when the disk does not take it.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), Error> {
        self.held.extend_from_slice(piece);
        let most = if self.file.is_some() { CHUNK_BYTES } else { self.in_memory_bytes };
        if self.held.len() > most { self.spill().map_err(temporary_failed) } else { Ok(()) }
    }

    fn spill(&mut self) -> io::Result<()> {
        let mut file = self.file.take().map_or_else(tempfile::tempfile, Ok)?;
        file.write_all(&self.held)?;
        self.held.clear();
        self.held.shrink_to(2 * CHUNK_BYTES);
        self.file = Some(file);
        Ok(())
    }

    /// Returns everything that was added.
    ///
    /// # Errors
    /// [`Error::TemporaryFile`] when the disk does not take it.
    pub fn finish(mut self) -> Result<Content, Error> {
        if self.file.is_none() {
            return Ok(Content::from(Bytes::from(self.held)));
        }
        self.spill().map_err(temporary_failed)?;
        match self.file {
            Some(file) => Content::of_file(file).map_err(temporary_failed),
            None => Ok(Content::from(Bytes::new())),
        }
    }
}

impl Write for Growing {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.push(piece).map_err(io::Error::other)?;
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_contents_hold_every_piece() {
        for in_memory_bytes in [0, 10, 1 << 30] {
            let mut growing = Growing::new(in_memory_bytes);
            let pieces: Vec<Vec<u8>> = (0..200_u8).map(|letter| vec![letter; 20_000]).collect();
            for piece in &pieces {
                growing.push(piece).unwrap();
            }
            assert_eq!(growing.finish().unwrap().bytes().unwrap(), pieces.concat());
        }
        assert!(Growing::new(0).finish().unwrap().is_empty());
    }
}
