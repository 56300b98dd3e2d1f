//! A nameless temporary file for rows that do not fit into memory.
//!
//! In: bytes, appended segment by segment. Out: each [`Segment`] as a reader; any number of them can be read at once
//! through the one open file. The file has no name, so the operating system removes it however the process ends.

use std::{
    fs::File,
    io::{self, Read, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{At, Error};

/// A growing file of segments.
#[derive(Debug)]
pub struct SpillFile {
    file: Arc<File>,
    folder: PathBuf,
    length: u64,
}

impl SpillFile {
    /// Creates an empty file in a folder.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn create(folder: &Path) -> Result<Self, Error> {
        let file = tempfile::tempfile_in(folder).at("create a spill file in", folder)?;
        Ok(Self { file: Arc::new(file), folder: folder.to_owned(), length: 0 })
    }

    /// Returns the folder in which the file lies, for messages.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the bytes written so far.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// Returns the bytes from `start` to the end as a segment.
    #[must_use]
    pub fn segment_from(&self, start: u64) -> Segment {
        Segment { file: self.file.clone(), at: start, end: self.length }
    }
}

impl Write for SpillFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write_at(bytes, self.length)?;
        self.length += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A part of a spill file, read from its start to its end.
#[derive(Debug, Clone)]
pub struct Segment {
    file: Arc<File>,
    at: u64,
    end: u64,
}

impl Read for Segment {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        let read = self.file.read_at(&mut buffer[..wanted], self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn segments_are_read_side_by_side_and_leave_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let mut spill = SpillFile::create(folder.path()).unwrap();
        let mut segments = Vec::new();
        for text in ["one", "", "three"] {
            let start = spill.length();
            spill.write_all(text.as_bytes()).unwrap();
            segments.push(spill.segment_from(start));
        }
        let texts: Vec<String> = segments.into_iter().map(|segment| io::read_to_string(segment).unwrap()).collect();
        assert_eq!(texts, ["one", "", "three"]);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
