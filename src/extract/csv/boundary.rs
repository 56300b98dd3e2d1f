//! Where a block of a file can be parted: behind the last row that is whole in it.
//!
//! In: bytes that begin with a row. Out: how many of them are whole rows. Runs under the reader's lock, so it looks at
//! line ends and quotes only, at the speed of memory. A row that spans lines or whose quotes are odd is cut exactly; the
//! result is always that of cutting every row exactly.
//!
//! ```text
//!  no quote ─────────────────────────► behind the last line end
//!  quotes ─► its line: all closed? yes ► go on behind it
//!                 └── no ─► cut_row ───► go on behind the row
//! ```

use memchr::{memchr, memchr2, memchr3, memrchr2};

use super::{cut::cut_row, dialect::Dialect};
use crate::{
    extract::{
        decode::{Coding, Marks},
        lines::count_line_ends,
        row::Row,
        sieve::Rules,
    },
    record::origin::line_starts,
};

/// A block that was parted.
pub(super) struct Parted {
    /// Bytes of whole rows; 0 if there is none.
    pub length: usize,
    /// Text and undecodable places of those bytes, if they had to be decoded.
    pub text: Option<(String, Marks)>,
}

/// A line with a quote, looked at from its beginning.
enum Line {
    /// Every quote is closed, and the next line begins here.
    Whole(usize),
    /// It reaches beyond the block.
    Open,
    /// Only an exact cut can say where the row ends.
    Odd,
}

/// Finds where blocks can be parted.
pub(super) struct Finder<'a> {
    pub dialect: &'a Dialect,
    pub rules: &'a Rules,
    pub coding: &'a Coding,
}

impl Finder<'_> {
    /// Parts a block. `is_last` says that nothing comes behind it: then its last row is whole.
    pub(super) fn part(&self, block: &[u8], is_last: bool) -> Parted {
        let is_safe = |sign: char| u8::try_from(sign).is_ok_and(|sign| self.coding.is_safe(sign));
        if !self.coding.is_utf_8() && !self.dialect.signs().all(is_safe) {
            return self.part_decoded(block, is_last);
        }
        let at = match self.whole_rows(block, 0, None, is_last) {
            Ok(length) => return Parted { length, text: None },
            Err(at) => at,
        };
        let characters = if self.coding.is_utf_8() { &block[..whole_characters(block, is_last)] } else { &[] };
        match simdutf8::basic::from_utf8(characters) {
            Ok(text) if !characters.is_empty() => {
                let length = self.whole_rows(characters, at, Some(text), is_last).unwrap_or(0);
                Parted { length, text: None }
            }
            _ => self.part_decoded(block, is_last),
        }
    }

    /// Parts off the first row of a block however the rest may change it; 0 if the block is no whole line.
    pub(super) fn part_first(&self, block: &[u8]) -> Parted {
        let (text, marks) = self.coding.text(block, false);
        let length = self.exact(&text, 0, true).unwrap_or(0);
        if length == text.len() { Parted { length: 0, text: None } } else { self.parted(block, length, text, marks) }
    }

    /// Parts a block by its text, in which line ends are the same.
    fn part_decoded(&self, block: &[u8], is_last: bool) -> Parted {
        let (text, marks) = self.coding.text(block, is_last);
        let length = self.whole_rows(text.as_bytes(), 0, Some(&text), is_last).unwrap_or(0);
        if length == text.len() && is_last {
            return Parted { length: block.len(), text: Some((text, marks)) };
        }
        self.parted(block, length, text, marks)
    }

    fn parted(&self, block: &[u8], length: usize, mut text: String, mut marks: Marks) -> Parted {
        let lines = count_line_ends(&text.as_bytes()[..length]);
        text.truncate(length);
        marks.truncate(length);
        let starts = line_starts(block, self.coding.unit());
        let length = usize::try_from(lines).ok().and_then(|lines| starts.get(lines).copied()).unwrap_or(0);
        Parted { length, text: Some((text, marks)) }
    }

    /// Returns how many bytes are whole rows, of which those before `at` are known to be; as an error, the row that must
    /// be cut exactly where there is no text.
    fn whole_rows(&self, bytes: &[u8], mut at: usize, text: Option<&str>, is_last: bool) -> Result<usize, usize> {
        while at < bytes.len() {
            let quote = self.dialect.quote.map(first_byte);
            let Some(found) = quote.and_then(|quote| memchr(quote, &bytes[at..])) else {
                return Ok(if is_last { bytes.len() } else { at + last_line_end(&bytes[at..]) });
            };
            let line = memrchr2(b'\n', b'\r', &bytes[at..at + found]).map_or(at, |end| at + end + 1);
            at = match self.line(bytes, line) {
                Line::Whole(next) => next,
                Line::Open if !is_last => return Ok(line),
                Line::Open | Line::Odd => match self.exact(text.ok_or(line)?, line, is_last) {
                    Some(next) => next,
                    None => return Ok(line),
                },
            };
        }
        Ok(at)
    }

    /// Returns where the row behind the one that begins at `at` begins, if the text shows it.
    fn exact(&self, text: &str, at: usize, is_last: bool) -> Option<usize> {
        let mut row = Row::default();
        row.start(0);
        let next = cut_row(text, at, self.dialect, self.rules, &mut row);
        (next.is_settled || is_last).then_some(next.at)
    }

    fn line(&self, bytes: &[u8], start: usize) -> Line {
        if self.dialect.comment.is_some_and(|comment| begins_with(&bytes[start..], comment)) {
            return end_of_line(bytes, start);
        }
        let (Some(delimiter), Some(quote), None) =
            (self.dialect.delimiter_byte(), self.dialect.quote_byte(), self.dialect.escape)
        else {
            return Line::Odd;
        };
        let (mut at, mut is_inside) = (start, false);
        while let Some(found) = memchr3(quote, b'\n', b'\r', &bytes[at..]) {
            let place = at + found;
            at = place + 1;
            if bytes[place] != quote {
                return if is_inside { Line::Odd } else { end_of_line(bytes, place) };
            }
            if !is_inside {
                // A byte order mark may stand before the first quote.
                if ends_in_mark(&bytes[start..place]) {
                    return Line::Odd;
                }
                is_inside = place == start || bytes[place - 1] == delimiter;
                if !is_inside && is_behind_blanks(&bytes[start..place], delimiter) {
                    return Line::Odd;
                }
                continue;
            }
            match bytes.get(at) {
                None => return Line::Open,
                Some(next) if *next == quote => at += 1,
                Some(next) if *next == delimiter || matches!(next, b'\n' | b'\r') => is_inside = false,
                Some(_) => return Line::Odd,
            }
        }
        Line::Open
    }
}

/// Returns whether a line's beginning ends in a cell of nothing but blanks, perhaps with a byte order mark before them.
fn is_behind_blanks(line: &[u8], delimiter: u8) -> bool {
    let is_blank = |byte: &&u8| matches!(byte, b' ' | b'\t') && **byte != delimiter;
    let blanks = line.iter().rev().take_while(is_blank).count();
    let before = &line[..line.len() - blanks];
    blanks > 0 && (before.last().is_none_or(|byte| *byte == delimiter) || ends_in_mark(before))
}

/// Returns whether bytes may end in a byte order mark of UTF-8 or GB18030.
fn ends_in_mark(bytes: &[u8]) -> bool {
    bytes.ends_with(&[0xBF]) || bytes.ends_with(&[0x84, 0x31, 0x95, 0x33])
}

fn begins_with(bytes: &[u8], sign: char) -> bool {
    bytes.starts_with(sign.encode_utf8(&mut [0; 4]).as_bytes())
}

fn first_byte(sign: char) -> u8 {
    sign.encode_utf8(&mut [0; 4]).as_bytes()[0]
}

/// Returns what a line is of which only its end counts.
fn end_of_line(bytes: &[u8], at: usize) -> Line {
    let Some(end) = memchr2(b'\n', b'\r', &bytes[at..]).map(|found| at + found) else { return Line::Open };
    match (bytes[end], bytes.get(end + 1)) {
        (b'\r', None) => Line::Open,
        (b'\r', Some(b'\n')) => Line::Whole(end + 2),
        _ => Line::Whole(end + 1),
    }
}

/// Returns where the last line ends for certain: a CR at the very end may be half of a CR LF.
fn last_line_end(bytes: &[u8]) -> usize {
    let certain = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    memrchr2(b'\n', b'\r', certain).map_or(0, |end| end + 1)
}

/// Returns how many bytes are whole characters of UTF-8, if the others are the beginning of one.
fn whole_characters(block: &[u8], is_last: bool) -> usize {
    let lead = block.iter().rev().take(4).position(|byte| *byte >= 0xC0 || byte.is_ascii());
    match lead {
        Some(back) if !is_last => {
            let start = block.len() - back - 1;
            let width = match block[start] {
                0xF0.. => 4,
                0xE0.. => 3,
                0xC0.. => 2,
                _ => 1,
            };
            if back + 1 < width { start } else { block.len() }
        }
        _ => block.len(),
    }
}
