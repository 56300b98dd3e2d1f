//! Text in columns of fixed width: decode, cut at the declared places, sieve.
//!
//! In: a file's bytes by offset and its declared columns. Out: its records and every line counted. Cells lose the blanks
//! around them, which fill their width; a cell beyond a short line's end is empty, because editors drop blanks at line
//! ends. Deliberately detects no columns.

mod cut;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use encoding_rs::{Encoding, UTF_8};

use self::cut::Cutter;
use super::{
    Error, Hints, RecordReader,
    header::Names,
    lines::{line_end, line_end_length},
    row::{Row, is_blank},
    sieve::Sieve,
    text::{Text, Window},
};
use crate::{
    define::project::FixedWidthOptions,
    record::{FileShape, LineCount, MarkFrom, RawBatch, SkippedLines},
    storage::content::Content,
};

/// The most bytes of one line.
const LINE_BYTES: usize = 64 << 20;

/// Opens text in columns of fixed width.
pub(super) fn open(
    path: &Arc<str>,
    content: &Content,
    options: &FixedWidthOptions,
    hints: &Hints,
) -> Result<Box<dyn RecordReader>, Error> {
    let text = Text::open(path, content, options.encoding.as_deref(), &Names::new(hints))?;
    let encoding = Encoding::for_label(text.name.as_bytes()).unwrap_or(UTF_8);
    let header: Vec<String> = options.columns.iter().map(|column| column.name.clone()).collect();
    let sieve = Sieve::new(&header, header.len(), hints);
    let shape = shape(&text, header, options);
    let reader = Reader {
        path: Arc::clone(path),
        window: text.window(),
        cutter: Cutter::new(options, encoding),
        above: options.header_row.unwrap_or(0),
        line: 1,
        sieve,
        row: Row::default(),
        shape,
    };
    Ok(Box::new(reader))
}

fn shape(text: &Text, header: Vec<String>, options: &FixedWidthOptions) -> FileShape {
    FileShape {
        encoding: Some(text.name.to_owned()),
        header_line: options.header_row.unwrap_or(0),
        header,
        mark_from: MarkFrom::File,
        confidence: text.confidence,
        notes: text.note.iter().cloned().collect(),
        ..FileShape::binary("fixed_width")
    }
}

struct Reader {
    path: Arc<str>,
    window: Window,
    cutter: Cutter,
    /// The last line that is no record: the header's.
    above: u64,
    line: u64,
    sieve: Sieve,
    row: Row,
    shape: FileShape,
}

impl RecordReader for Reader {
    fn shape(&self) -> &FileShape {
        &self.shape
    }

    fn next_batch(&mut self) -> Result<Option<RawBatch>, Error> {
        let mut batch = RawBatch::default();
        while !Sieve::is_full(&batch) {
            if !self.take_line(&mut batch)? {
                self.sieve.finish();
                debug_assert!(self.sieve.count().is_balanced(), "lost lines of {:?}", self.shape);
                break;
            }
            self.window.release();
        }
        Ok((!batch.is_empty()).then_some(batch))
    }

    fn lines(&self) -> LineCount {
        self.sieve.count().clone()
    }
}

impl Reader {
    /// Takes the next line; false at the end of the file.
    fn take_line(&mut self, batch: &mut RawBatch) -> Result<bool, Error> {
        let start = self.window.at();
        let end = self.line_end()?;
        let next = end + line_end_length(self.window.text(), end);
        if next == start {
            return Ok(false);
        }
        let line = &self.window.text()[start..end];
        if self.line <= self.above {
            let kind = match (self.line == self.above, is_blank(line)) {
                (true, _) => SkippedLines::Header,
                (false, true) => SkippedLines::Blank,
                (false, false) => SkippedLines::Title,
            };
            self.sieve.skip(kind, 1);
        } else {
            self.row.start(self.line);
            self.row.unended = next == end;
            let fault = self.cutter.cut(line, &mut self.row);
            self.row.fault = self.window.fault(start, next).or(fault);
            self.sieve.take(&mut self.row, batch);
        }
        self.line += 1;
        self.window.pass_to(next);
        Ok(true)
    }

    /// Returns where the line ends, its line end excluded, with the line end in the window.
    fn line_end(&mut self) -> Result<usize, Error> {
        let mut from = self.window.at();
        loop {
            let end = line_end(self.window.text(), from);
            // A line feed may follow a carriage return in the next block.
            if end + 1 < self.window.text().len() || !self.window.grow()? {
                return Ok(end);
            }
            if end - self.window.at() > LINE_BYTES {
                let reason = format!("line {} is longer than {LINE_BYTES} bytes", self.line);
                return Err(Error::unreadable(&self.path, reason, "declare the file's `format` and `encoding`"));
            }
            from = end;
        }
    }
}
