//! The bytes of one extract file, wherever they lie: in memory or in a file of the local disk.
//!
//! In: bytes or an open file. Out: any part of them, or all. Synchronous, and shared between threads without a lock.
//! Deliberately knows neither paths nor formats; what lies far away was fetched before.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::FileExt,
    sync::Arc,
};

use bytes::Bytes;

/// Bytes that are hashed at once: they stay in a processor's cache.
const HASHED_AT_ONCE: usize = 256 << 10;

/// Bytes that readers take by offset. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Content {
    place: Place,
    /// Where in its place it begins.
    from: u64,
    length: u64,
}

#[derive(Debug, Clone)]
enum Place {
    Memory(Bytes),
    Disk(Arc<File>),
}

impl Content {
    /// Takes an open file as it is now; a temporary one may have no name any more.
    ///
    /// # Errors
    /// When its length cannot be read.
    pub fn of_file(file: File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        Ok(Self { length, from: 0, place: Place::Disk(Arc::new(file)) })
    }

    /// Copies everything that a reader gives: into memory while it is short, into a nameless temporary file else.
    ///
    /// # Errors
    /// When the reader fails, gives more than `most_bytes`, or the disk of temporary files is full.
    pub fn copied_from(reader: &mut dyn Read, in_memory_bytes: u64, most_bytes: u64) -> io::Result<Self> {
        let mut head = Vec::new();
        reader.take(in_memory_bytes.min(most_bytes) + 1).read_to_end(&mut head)?;
        if head.len() as u64 > most_bytes {
            return Err(too_long(most_bytes));
        }
        if head.len() as u64 <= in_memory_bytes {
            return Ok(Self::from(Bytes::from(head)));
        }
        let mut file = tempfile::tempfile()?;
        file.write_all(&head)?;
        let room = most_bytes - head.len() as u64;
        drop(head);
        if io::copy(&mut reader.take(room + 1), &mut file)? > room {
            return Err(too_long(most_bytes));
        }
        file.seek(SeekFrom::Start(0))?;
        Self::of_file(file)
    }

    /// Returns a stretch of it as a content of its own, without copying; what lies beyond the end is left out.
    #[must_use]
    pub fn slice(&self, offset: u64, length: u64) -> Self {
        let offset = offset.min(self.length);
        let length = length.min(self.length - offset);
        Self { place: self.place.clone(), from: self.from + offset, length }
    }

    /// Returns the number of bytes.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.length
    }

    /// Returns whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Returns the BLAKE3 hash of all bytes, hexadecimal.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn hash(&self) -> io::Result<String> {
        let mut hasher = blake3::Hasher::new();
        // No longer than a small file: of those there may be very many.
        let length = usize::try_from(self.length).unwrap_or(usize::MAX).min(HASHED_AT_ONCE);
        let (mut at, mut buffer) = (0, vec![0; length]);
        loop {
            match self.read_at(at, &mut buffer)? {
                0 => return Ok(hasher.finalize().to_hex().to_string()),
                count => {
                    hasher.update(&buffer[..count]);
                    at += count as u64;
                }
            }
        }
    }

    /// Fills a buffer from an offset on as far as there are bytes, and returns how many there were.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.length.saturating_sub(offset)).unwrap_or(usize::MAX);
        let room = buffer.len().min(left);
        let (buffer, offset) = (&mut buffer[..room], self.from.saturating_add(offset));
        match &self.place {
            Place::Memory(bytes) => {
                let from = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
                let count = buffer.len().min(bytes.len() - from);
                buffer[..count].copy_from_slice(&bytes[from..from + count]);
                Ok(count)
            }
            Place::Disk(file) => {
                let mut read = 0;
                while read < buffer.len() {
                    match file.read_at(&mut buffer[read..], offset + read as u64) {
                        Ok(0) => break,
                        Ok(count) => read += count,
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        Err(error) => return Err(error),
                    }
                }
                Ok(read)
            }
        }
    }

    /// Returns at most `count` bytes from an offset on.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn part(&self, offset: u64, count: usize) -> io::Result<Bytes> {
        let left = usize::try_from(self.length.saturating_sub(offset)).unwrap_or(usize::MAX);
        let count = count.min(left);
        if let Place::Memory(bytes) = &self.place {
            let from = usize::try_from(self.from.saturating_add(offset)).unwrap_or(usize::MAX).min(bytes.len());
            return Ok(bytes.slice(from..bytes.len().min(from.saturating_add(count))));
        }
        let mut buffer = vec![0; count];
        let read = self.read_at(offset, &mut buffer)?;
        buffer.truncate(read);
        Ok(Bytes::from(buffer))
    }

    /// Returns all bytes.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn bytes(&self) -> io::Result<Bytes> {
        self.part(0, usize::MAX)
    }
}

impl From<Bytes> for Content {
    fn from(bytes: Bytes) -> Self {
        Self { length: bytes.len() as u64, from: 0, place: Place::Memory(bytes) }
    }
}

/// Gathers bytes into a content: in memory while they are few, in a nameless temporary file else.
#[derive(Debug)]
pub struct Gathering {
    head: Vec<u8>,
    file: Option<File>,
    in_memory_bytes: usize,
}

impl Gathering {
    /// Begins with nothing; at most `in_memory_bytes` stay in memory.
    #[must_use]
    pub const fn new(in_memory_bytes: usize) -> Self {
        Self { head: Vec::new(), file: None, in_memory_bytes }
    }

    /// Ends, and returns what was written.
    ///
    /// # Errors
    /// When the temporary file cannot be read back.
    pub fn finish(self) -> io::Result<Content> {
        match self.file {
            None => Ok(Content::from(Bytes::from(self.head))),
            Some(file) => Content::of_file(file),
        }
    }
}

impl Write for Gathering {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(file) = &mut self.file {
            return file.write(bytes);
        }
        if self.head.len() + bytes.len() <= self.in_memory_bytes {
            self.head.extend_from_slice(bytes);
            return Ok(bytes.len());
        }
        let mut file = tempfile::tempfile()?;
        file.write_all(&self.head)?;
        self.head = Vec::new();
        self.file.insert(file).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn too_long(most_bytes: u64) -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, format!("it holds more than {most_bytes} bytes"))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn memory_and_disk_give_the_same_parts() {
        let text = b"0123456789".to_vec();
        for in_memory_bytes in [0, 4, 100] {
            let content = Content::copied_from(&mut &text[..], in_memory_bytes, 10).unwrap();
            assert_eq!(content.len(), 10);
            assert_eq!(content.bytes().unwrap(), &text[..]);
            assert_eq!(content.part(3, 4).unwrap(), &b"3456"[..]);
            assert_eq!(content.part(8, 4).unwrap(), &b"89"[..]);
            assert_eq!(content.part(20, 4).unwrap(), &b""[..]);
            let mut buffer = [0; 4];
            assert_eq!(content.read_at(8, &mut buffer).unwrap(), 2);
        }
    }

    #[test]
    fn what_was_gathered_can_be_sliced() {
        for in_memory_bytes in [0, 4, 100] {
            let mut gathering = Gathering::new(in_memory_bytes);
            for part in [&b"012"[..], b"", b"3456", b"789"] {
                gathering.write_all(part).unwrap();
            }
            let slice = gathering.finish().unwrap().slice(2, 6);
            assert_eq!((slice.len(), slice.bytes().unwrap()), (6, Bytes::from_static(b"234567")));
            assert_eq!(slice.part(4, 9).unwrap(), &b"67"[..]);
            let mut buffer = [0; 4];
            assert_eq!(slice.read_at(4, &mut buffer).unwrap(), 2);
            assert_eq!(slice.slice(1, 2).bytes().unwrap(), &b"34"[..]);
            assert_eq!(slice.slice(7, 2).len(), 0);
        }
    }

    #[test]
    fn a_reader_without_end_is_stopped() {
        for in_memory_bytes in [0, 100, 10_000] {
            let error = Content::copied_from(&mut io::repeat(b'a'), in_memory_bytes, 1_000).unwrap_err();
            assert_eq!(error.to_string(), "it holds more than 1000 bytes");
        }
    }
}
