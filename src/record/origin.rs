//! Where the rows of a batch stand in the bytes of their file.
//!
//! In: what a reader knows of the block it cut. Out: the offset of a row, worked out only when somebody asks, which is
//! for rejected rows. Deliberately knows no encoding: line ends are the same in text and bytes, so they are counted.

use std::sync::OnceLock;

use bytes::Bytes;
use memchr::memchr2_iter;

/// The byte order marks of UTF-8, GB18030 and UTF-16.
const MARKS: [&[u8]; 4] = [b"\xEF\xBB\xBF", b"\x84\x31\x95\x33", b"\xFF\xFE", b"\xFE\xFF"];

/// The place of a batch's text in its file.
#[derive(Debug, Clone)]
pub enum Origin {
    /// The text's bytes are the file's, from this offset on.
    Same(u64),
    /// The text was decoded from other bytes, line by line.
    Decoded(DecodedFrom),
    /// Offset of each row.
    Rows(Vec<Option<u64>>),
}

/// The bytes from which a text was decoded.
#[derive(Debug, Clone)]
pub struct DecodedFrom {
    /// Offset of the bytes in their file.
    pub offset: u64,
    /// Number of the physical line with which they begin.
    pub line: u64,
    /// The bytes themselves.
    pub bytes: Bytes,
    /// Bytes of the code unit and place of its low byte: (1, 0), or (2, 0) and (2, 1) of UTF-16.
    pub unit: (usize, usize),
    /// Where each line begins, once it was asked for.
    starts: OnceLock<Vec<usize>>,
}

impl DecodedFrom {
    /// Remembers bytes that begin with the physical line `line`.
    #[must_use]
    pub const fn new(offset: u64, line: u64, bytes: Bytes, unit: (usize, usize)) -> Self {
        Self { offset, line, bytes, unit, starts: OnceLock::new() }
    }

    fn offset_of(&self, line: u64) -> Option<u64> {
        let starts = self.starts.get_or_init(|| line_starts(&self.bytes, self.unit));
        let index = usize::try_from(line.checked_sub(self.line)?).ok()?;
        let start = *starts.get(index)?;
        // Where files were joined, a byte order mark stands before the row.
        let mark = MARKS.iter().find(|mark| self.bytes[start..].starts_with(mark)).map_or(0, |mark| mark.len());
        Some(self.offset + (start + mark) as u64)
    }
}

impl Origin {
    /// Returns the offset of the `index`-th row, which begins at `start` of the text and on the physical line `line`.
    #[must_use]
    pub fn offset(&self, index: usize, start: usize, line: u64) -> Option<u64> {
        match self {
            Self::Same(offset) => Some(offset + start as u64),
            Self::Decoded(from) => from.offset_of(line),
            Self::Rows(rows) => rows.get(index).copied().flatten(),
        }
    }
}

/// Returns where physical lines begin: the first at 0, the others behind CR LF, LF or CR.
#[must_use]
pub fn line_starts(bytes: &[u8], (unit, low): (usize, usize)) -> Vec<usize> {
    let sign = |at: usize| {
        let signs = bytes.get(at..at + unit)?;
        (unit == 1 || signs[1 - low] == 0).then_some(signs[low])
    };
    let mut starts = vec![0];
    for found in memchr2_iter(b'\n', b'\r', bytes) {
        let at = found - found % unit;
        let is_end = found % unit == low && matches!(sign(at), Some(b'\n' | b'\r'));
        let is_half = sign(at) == Some(b'\r') && sign(at + unit) == Some(b'\n');
        if is_end && !is_half {
            starts.push(at + unit);
        }
    }
    starts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_begin_behind_line_ends_of_all_kinds() {
        let text = "a\r\n\n中\rb\r\r\n";
        assert_eq!(line_starts(text.as_bytes(), (1, 0)), [0, 3, 4, 8, 10, 12]);
        // U+0A0D and U+0D0A are letters, not line ends.
        let text = "a\r\n\u{A0D}\n\u{D0A}\r";
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(line_starts(&little, (2, 0)), [0, 6, 10, 14]);
        assert_eq!(line_starts(&big, (2, 1)), [0, 6, 10, 14]);
    }

    #[test]
    fn the_offset_of_a_decoded_row_is_that_of_its_line() {
        let from = DecodedFrom::new(100, 7, Bytes::from_static(b"\xD6\xD0,1\r\n\xCE\xC4,2\r\n"), (1, 0));
        let origin = Origin::Decoded(from);
        assert_eq!(
            (origin.offset(0, 0, 7), origin.offset(1, 9, 8), origin.offset(1, 9, 6)),
            (Some(100), Some(106), None)
        );
    }
}
