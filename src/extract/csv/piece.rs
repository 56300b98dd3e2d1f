//! A block of whole rows → a batch: decode, cut, sieve. Runs in any thread, without a lock.
//!
//! In: the block's bytes and where they stand. Out: its records, and what only later blocks can decide. An ordinary row,
//! without odd quotes, as wide as the header and its keys filled, is cut straight into the batch; every other row takes
//! the exact way. Deliberately keeps nothing between blocks.

use std::sync::Arc;

use bytes::Bytes;
use memchr::memchr3;

use super::{cut::cut_row, dialect::Dialect};
use crate::{
    extract::{
        Rest,
        decode::{Coding, Marks},
        lines::next_line,
        row::{Extra, Row},
        sieve::{Rules, Sieve},
    },
    record::{Origin, RawBatch, SkippedLines, origin::DecodedFrom},
};

/// What all pieces of a file share.
#[derive(Debug)]
pub(super) struct Plan {
    pub dialect: Dialect,
    pub rules: Arc<Rules>,
    pub coding: Coding,
}

/// A block to be cut.
pub(super) struct Block {
    pub plan: Arc<Plan>,
    /// Its place in the order of blocks.
    pub number: u64,
    pub bytes: Bytes,
    /// Its text, if it had to be decoded to find its end.
    pub text: Option<(String, Marks)>,
    /// Offset in the file.
    pub offset: u64,
    /// First physical line.
    pub line: u64,
    pub lines: u64,
    /// Whether the file ends with it.
    pub is_last: bool,
}

impl Block {
    /// Cuts the block.
    pub(super) fn cut(self) -> (RawBatch, Rest) {
        let Self { plan, number, bytes, text, offset, line, lines, is_last } = self;
        let (text, marks) = text.unwrap_or_else(|| plan.coding.text(&bytes, is_last));
        let bad = marks.bad_letters();
        let is_same = plan.coding.is_utf_8() && text.len() == bytes.len() && marks.is_empty();
        let origin = if is_same {
            Origin::Same(offset)
        } else {
            Origin::Decoded(DecodedFrom::new(offset, line, bytes, plan.coding.unit()))
        };
        let rows = usize::try_from(lines).unwrap_or(0) + 1;
        // A cell needs a delimiter or a line end.
        let cells = rows.saturating_mul(plan.rules.width()).min(text.len() + 1);
        let mut cutting = Cutting {
            text: &text,
            at: 0,
            line,
            marks,
            sieve: Sieve::part(Arc::clone(&plan.rules)),
            batch: RawBatch::with_room(rows, cells),
            extra: Extra { base: text.len(), text: String::new() },
            cells: Vec::with_capacity(plan.rules.width() + 1),
            row: Row::default(),
            plan: &plan,
        };
        cutting.cut();
        let Cutting { sieve, mut batch, extra, .. } = cutting;
        let mut open = sieve.into_open();
        for row in &mut open.held {
            row.offset = origin.offset(0, row.place, row.line);
        }
        let mut text = text;
        text.push_str(&extra.text);
        batch.set_text(text);
        batch.set_origin(origin);
        (batch, Rest { number, bad, open })
    }
}

struct Cutting<'a> {
    text: &'a str,
    at: usize,
    line: u64,
    marks: Marks,
    sieve: Sieve,
    batch: RawBatch,
    extra: Extra,
    /// Cells of the row that is being cut: start and length.
    cells: Vec<(u32, u32)>,
    row: Row,
    plan: &'a Plan,
}

impl Cutting<'_> {
    fn cut(&mut self) {
        let signs = Signs::of(self.text, &self.plan.dialect);
        while self.at < self.text.len() {
            if self.skip_comment() {
                continue;
            }
            let plain =
                signs.as_ref().and_then(|signs| signs.cut_plain(self.text.as_bytes(), self.at, &mut self.cells));
            if !plain.is_some_and(|end| self.take_plain(end)) {
                self.take_row();
            }
        }
    }

    /// Takes a row that was cut the quick way, if it is a record beyond doubt.
    fn take_plain(&mut self, end: usize) -> bool {
        let (rules, bytes) = (&self.plan.rules, self.text.as_bytes());
        let is_record =
            rules.fits(self.cells.len()) && rules.is_plainly_record(bytes, &self.cells) && !self.marks.lie_before(end);
        if !is_record {
            return false;
        }
        self.release();
        self.sieve.saw_record();
        self.sieve.count_plain(1);
        self.batch.push_cells(&self.cells[..rules.width()]);
        self.batch.end_row(self.line, self.at..end, None);
        self.line += 1;
        self.at = end
            + match (bytes.get(end), bytes.get(end + 1)) {
                (Some(b'\r'), Some(b'\n')) => 2,
                (Some(_), _) => 1,
                (None, _) => 0,
            };
        true
    }

    /// Takes the next row the exact way.
    fn take_row(&mut self) {
        let Plan { dialect, rules, .. } = self.plan;
        let start = self.at;
        self.row.start(self.line);
        self.at = cut_row(self.text, start, dialect, rules, &mut self.row).at;
        self.line += self.row.lines;
        if let Some(fault) = self.marks.fault_before(self.at) {
            self.row.fault = Some(fault);
        }
        if self.is_remark(start) {
            return self.sieve.skip(SkippedLines::Comment, 1);
        }
        if self.sieve.is_record(&self.row) {
            self.release();
            self.sieve.record(&mut self.row);
            self.row.write_in_place(&mut self.batch, rules.width(), &mut self.extra);
        }
    }

    /// Returns whether the row that was cut is a remark: it begins like one and does not fit.
    fn is_remark(&self, start: usize) -> bool {
        let begins = self.plan.dialect.remark.is_some_and(|mark| self.text[start..].starts_with(mark));
        begins && self.row.lines == 1 && !self.plan.rules.fits(self.row.width())
    }

    /// Writes the rows held back that turned out to be records.
    fn release(&mut self) {
        if self.sieve.holds() {
            for row in self.sieve.released() {
                row.write_in_place(&mut self.batch, self.plan.rules.width(), &mut self.extra);
            }
        }
    }

    fn skip_comment(&mut self) -> bool {
        let is_comment = self.plan.dialect.comment.is_some_and(|comment| self.text[self.at..].starts_with(comment));
        if is_comment {
            self.at = next_line(self.text, self.at);
            self.line += 1;
            // Bytes that are no characters cost a comment nothing, and the row below it neither.
            self.marks.fault_before(self.at);
            self.sieve.skip(SkippedLines::Comment, 1);
        }
        is_comment
    }
}

/// The signs of a dialect simple enough for the quick way.
struct Signs {
    delimiter: u8,
    /// A byte that no text holds where nothing is quoted.
    quote: u8,
}

impl Signs {
    /// Takes the signs of a dialect whose signs are single bytes, over a text whose places fit into 32 bits.
    fn of(text: &str, dialect: &Dialect) -> Option<Self> {
        let is_short = u32::try_from(text.len()).is_ok();
        let quote = if dialect.quote.is_none() { Some(0xFF) } else { dialect.quote_byte() };
        match (dialect.delimiter_byte().filter(u8::is_ascii), quote, dialect.escape) {
            (Some(delimiter), Some(quote), None) if is_short => Some(Self { delimiter, quote }),
            _ => None,
        }
    }

    /// Returns whether a quote follows blanks.
    fn is_quoted_behind_blanks(&self, bytes: &[u8]) -> bool {
        let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t') && *byte != self.delimiter;
        bytes.iter().find(|byte| !is_blank(byte)) == Some(&self.quote)
    }

    /// Cuts the row at `start` into cells and returns its end; None if its quotes want the exact way.
    #[expect(clippy::cast_possible_truncation, reason = "the text is shorter than 4 GiB")]
    fn cut_plain(&self, bytes: &[u8], mut start: usize, cells: &mut Vec<(u32, u32)>) -> Option<usize> {
        cells.clear();
        loop {
            let (from, end, next) = match bytes.get(start) {
                Some(byte) if *byte == self.quote => {
                    let end = start + 1 + memchr3(self.quote, b'\n', b'\r', &bytes[start + 1..])?;
                    if bytes[end] != self.quote {
                        return None;
                    }
                    (start + 1, end, end + 1)
                }
                Some(b' ' | b'\t') if self.is_quoted_behind_blanks(&bytes[start..]) => return None,
                _ => {
                    let found = memchr3(self.delimiter, b'\n', b'\r', &bytes[start..]);
                    let end = found.map_or(bytes.len(), |found| start + found);
                    (start, end, end)
                }
            };
            cells.push((from as u32, (end - from) as u32));
            match bytes.get(next) {
                Some(byte) if *byte == self.delimiter => start = next + 1,
                None | Some(b'\n' | b'\r') => return Some(next),
                Some(_) => return None,
            }
        }
    }
}
