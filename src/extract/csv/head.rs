//! The beginning of a file: what a dialect is detected in, and the lines above the records.
//!
//! In: a file and its encoding. Out: its first whole lines as text, and where the records begin and end. Deliberately
//! judges nothing.

use std::sync::Arc;

use bytes::Bytes;

use super::{detect::Detected, reader::Place};
use crate::{
    define::project::CsvOptions,
    extract::{
        Error,
        decode::{Coding, part},
        lines::{count_line_ends, line_end, next_line},
        row::is_blank,
        sieve::Sieve,
    },
    record::{SkippedLines, origin::line_starts},
    storage::content::Content,
};

/// Bytes of the beginning.
const BYTES: usize = 1024 * 1024;

/// Bytes among which the first line that shows anything must end.
const LONGEST: usize = 256 * 1024 * 1024;

/// The first lines of a file.
pub(super) struct Head {
    /// Whole lines, or everything.
    pub text: String,
    /// Whether that is the whole file.
    pub is_whole: bool,
    /// The bytes of the text, and their place in the file.
    bytes: Bytes,
    place: Place,
    unit: (usize, usize),
}

impl Head {
    /// Reads the beginning of a file: from its first line on, or from a far header that was declared.
    pub(super) fn read(
        path: &Arc<str>,
        content: &Content,
        coding: &Coding,
        options: &CsvOptions,
    ) -> Result<Self, Error> {
        let place = Place { offset: coding.mark as u64, line: 1 };
        let mut head = Self::at(path, content, coding, place)?;
        let wanted = options.header_row.unwrap_or(1);
        while !head.is_whole && wanted > head.place.line + count_line_ends(head.text.as_bytes()) {
            let line = head.place.line + count_line_ends(head.text.as_bytes());
            let offset = head.place.offset + head.bytes.len() as u64;
            head = Self::at(path, content, coding, Place { offset, line })?;
        }
        Ok(head)
    }

    fn at(path: &Arc<str>, content: &Content, coding: &Coding, place: Place) -> Result<Self, Error> {
        let left = content.len().saturating_sub(place.offset);
        let mut wanted = BYTES;
        loop {
            let bytes = part(path, content, place.offset, wanted)?;
            let is_whole = bytes.len() as u64 >= left;
            let (mut text, _) = coding.text(&bytes, is_whole);
            let end = if is_whole { text.len() } else { last_line_end(&text) };
            let shows = text[..end].lines().any(|line| !is_blank(line));
            if is_whole || shows || wanted >= LONGEST {
                text.truncate(end);
                let lines = count_line_ends(text.as_bytes());
                let starts = line_starts(&bytes, coding.unit());
                let kept = usize::try_from(lines).ok().and_then(|lines| starts.get(lines).copied()).unwrap_or(0);
                let bytes = if is_whole { bytes } else { bytes.slice(..kept) };
                return Ok(Self { text, is_whole, bytes, place, unit: coding.unit() });
            }
            wanted *= 2;
        }
    }

    /// Returns the number of its first line.
    pub(super) fn first_line(&self) -> u64 {
        self.place.line
    }

    /// Returns whether zeros are all that there is, as a crash leaves a file.
    pub(super) fn is_zeros(&self) -> bool {
        self.text.contains('\0') && is_blank(&self.text)
    }

    /// Counts what stands above the records, and returns where they begin.
    pub(super) fn count_above(&self, detected: &Detected, sieve: &mut Sieve) -> Place {
        let Some(header) = &detected.header else { return self.place };
        let first_table = detected.table.as_ref().map_or(u64::MAX, |table| table.first_line);
        // Lines before a far header were not looked at.
        sieve.skip(SkippedLines::Title, self.place.line - 1);
        let (mut at, mut line) = (0, self.place.line);
        while at < self.text.len() && line < header.lines.end {
            let kind = match (line >= header.lines.start, line >= first_table) {
                (true, _) => SkippedLines::Header,
                (_, true) => detected.kind_elsewhere(self.line_at(at), SkippedLines::OtherTable),
                _ => detected.kind_elsewhere(self.line_at(at), SkippedLines::Title),
            };
            sieve.skip(kind, 1);
            at = next_line(&self.text, at);
            line += 1;
        }
        Place { offset: self.offset_of(line), line }
    }

    /// Counts what stands behind the table if other tables do, and returns where it ends.
    pub(super) fn count_behind(&self, detected: &Detected, sieve: &mut Sieve, length: u64) -> u64 {
        let Some(end) = detected.table.as_ref().map(|table| table.lines.end) else { return length };
        let starts = line_starts(self.text.as_bytes(), (1, 0));
        let skipped = usize::try_from(end - self.place.line).unwrap_or(usize::MAX);
        let mut at = starts.get(skipped).copied().unwrap_or(self.text.len());
        while at < self.text.len() {
            sieve.skip(detected.kind_elsewhere(self.line_at(at), SkippedLines::OtherTable), 1);
            at = next_line(&self.text, at);
        }
        self.offset_of(end).min(length)
    }

    fn line_at(&self, at: usize) -> &str {
        &self.text[at..line_end(&self.text, at)]
    }

    /// Returns the offset in the file at which a line begins; that of the end beyond the last one.
    fn offset_of(&self, line: u64) -> u64 {
        let starts = line_starts(&self.bytes, self.unit);
        let index = usize::try_from(line - self.place.line).unwrap_or(usize::MAX);
        self.place.offset + starts.get(index).copied().unwrap_or(self.bytes.len()) as u64
    }
}

#[cfg(test)]
impl Head {
    /// Takes a text as a whole file.
    pub(super) fn of(text: &str) -> Self {
        let place = Place { offset: 0, line: 1 };
        Self {
            text: text.to_owned(),
            is_whole: true,
            bytes: Bytes::copy_from_slice(text.as_bytes()),
            place,
            unit: (1, 0),
        }
    }
}

fn last_line_end(text: &str) -> usize {
    let certain = text.strip_suffix('\r').unwrap_or(text);
    certain.rfind(['\n', '\r']).map_or(0, |end| end + 1)
}
