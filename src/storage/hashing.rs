//! A file that hashes what is written to it, so that it can be named by its content without being read again.
//!
//! In: an open, empty file and bytes. Out: their BLAKE3 and their number. Deliberately does not name or sync the file.

use std::{
    fs::File,
    io::{self, Write},
};

/// A file in the making.
#[derive(Debug)]
pub struct HashingFile {
    file: File,
    hasher: blake3::Hasher,
    bytes: u64,
}

impl HashingFile {
    /// Begins with an empty file.
    #[must_use]
    pub fn new(file: File) -> Self {
        Self { file, hasher: blake3::Hasher::new(), bytes: 0 }
    }

    /// Returns the BLAKE3 of what was written, hexadecimal, and how many bytes that were.
    #[must_use]
    pub fn finish(self) -> (String, u64) {
        (self.hasher.finalize().to_hex().to_string(), self.bytes)
    }
}

impl Write for HashingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
