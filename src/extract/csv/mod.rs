//! Delimited text: decode, detect the dialect, cut, sieve.
//!
//! In: a file's bytes and what is declared. Out: its records and every line counted. One row that cannot be cut costs
//! itself. Deliberately knows no types: `1.234,56` stays text, with the decimal mark beside it.

mod detect;
mod split;

use std::sync::Arc;

use bytes::Bytes;

use self::{
    detect::{Detected, Header, detect},
    split::{Dialect, cut, cut_line},
};
use super::{
    Error, Hints, RecordReader,
    decode::{Decoded, Marks, decode},
    header::Names,
    lines::{line_end, next_line},
    row::{Row, is_blank},
    sieve::Sieve,
};
use crate::{
    define::project::CsvOptions,
    record::{DecimalMark, FileShape, LineCount, RawBatch, RawFault, SkippedLines},
};

/// Opens delimited text.
pub(super) fn open(
    path: &Arc<str>,
    bytes: Bytes,
    options: &CsvOptions,
    hints: &Hints,
) -> Result<Box<dyn RecordReader>, Error> {
    let decoded = decode(path, bytes, options.encoding.as_deref(), &Names::new(hints))?;
    let detected = detect(path, &decoded.text, options, hints)?;
    let shape = shape(&decoded, &detected);
    let (names, written) = detected.header.as_ref().map_or((&[][..], 0), |header| (&header.names[..], header.written));
    let sieve = Sieve::new(names, written, hints);
    let Decoded { text, marks, .. } = decoded;
    let mut reader = Reader {
        text,
        marks,
        at: 0,
        line: 1,
        dialect: detected.dialect,
        shape,
        sieve,
        row: Row::default(),
        batch_bytes: 0,
    };
    reader.skip_to_records(detected.header.as_ref());
    Ok(Box::new(reader))
}

fn shape(decoded: &Decoded, detected: &Detected) -> FileShape {
    let mut notes: Vec<String> = decoded.note.iter().cloned().collect();
    let line = detected.header.as_ref().map_or(0, |header| header.lines.start);
    if line > 1 {
        notes.push(format!("skipped {} lines above the header", line - 1));
    }
    if detected.decimal_mark == DecimalMark::Comma {
        notes.push("numbers have a decimal comma".to_owned());
    }
    FileShape {
        format: "csv",
        encoding: Some(decoded.encoding.to_owned()),
        delimiter: Some(detected.dialect.delimiter),
        header_line: line,
        header: detected.header.as_ref().map(|header| header.names.clone()).unwrap_or_default(),
        decimal_mark: detected.decimal_mark,
        confidence: decoded.confidence * detected.confidence,
        notes,
    }
}

struct Reader {
    text: String,
    marks: Marks,
    at: usize,
    line: u64,
    dialect: Dialect,
    shape: FileShape,
    sieve: Sieve,
    row: Row,
    /// Room for a batch's text, by the batch before.
    batch_bytes: usize,
}

impl RecordReader for Reader {
    fn shape(&self) -> &FileShape {
        &self.shape
    }

    fn next_batch(&mut self) -> Result<Option<RawBatch>, Error> {
        let mut batch = RawBatch::over(String::with_capacity(self.batch_bytes));
        while self.at < self.text.len() && !Sieve::is_full(&batch) {
            if !self.skip_comment() {
                self.cut_row();
                self.sieve.take(&mut self.row, &mut batch);
            }
        }
        if self.at == self.text.len() {
            self.sieve.finish();
            debug_assert!(self.sieve.count().is_balanced(), "lost lines of {:?}", self.shape);
        }
        self.batch_bytes = batch.text_bytes() + batch.text_bytes() / 16;
        Ok((!batch.is_empty()).then_some(batch))
    }

    fn lines(&self) -> LineCount {
        self.sieve.count().clone()
    }
}

impl Reader {
    /// Counts what stands above the records; without a header that is all.
    fn skip_to_records(&mut self, header: Option<&Header>) {
        let (begin, end) = header.map_or((u64::MAX, u64::MAX), |header| (header.lines.start, header.lines.end));
        while self.at < self.text.len() && self.line < end {
            if self.line < begin && self.skip_comment() {
                continue;
            }
            let line = &self.text[self.at..line_end(&self.text, self.at)];
            let shown = line.trim_matches([self.dialect.delimiter, self.dialect.quote]);
            let kind = match (self.line >= begin, is_blank(shown)) {
                (true, _) => SkippedLines::Header,
                (false, true) => SkippedLines::Blank,
                (false, false) => SkippedLines::Title,
            };
            self.at = next_line(&self.text, self.at);
            self.line += 1;
            self.sieve.skip(kind, 1);
        }
    }

    fn skip_comment(&mut self) -> bool {
        let is_comment = self.dialect.comment.is_some_and(|comment| self.text[self.at..].starts_with(comment));
        if is_comment {
            self.at = next_line(&self.text, self.at);
            self.line += 1;
            self.sieve.skip(SkippedLines::Comment, 1);
        }
        is_comment
    }

    fn cut_row(&mut self) {
        let start = self.at;
        self.row.start(self.line);
        self.at = cut(&self.text, start, &self.dialect, &mut self.row);
        if self.row.lines > 1 && self.swallowed_a_row(start) {
            self.at = cut_line(&self.text, start, &mut self.row);
            self.row.fault = Some(RawFault::Quote);
        }
        self.line += self.row.lines;
        if let Some(fault) = self.marks.fault_before(self.at) {
            self.row.fault = Some(fault);
        }
    }

    /// Returns whether a row of several lines, which does not fit the header, holds a line that does: then a stray quote
    /// joined them.
    fn swallowed_a_row(&self, start: usize) -> bool {
        if self.sieve.fits(self.row.width()) {
            return false;
        }
        let second = next_line(&self.text, start);
        if second == self.text.len() {
            return false;
        }
        let mut row = Row::default();
        cut(&self.text, second, &self.dialect, &mut row);
        row.fault.is_none() && self.sieve.fits(row.width())
    }
}

#[cfg(test)]
mod tests;
