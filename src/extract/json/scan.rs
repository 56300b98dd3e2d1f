//! A JSON text → the places of its records, in whatever layout they come.
//!
//! In: a window over the text and a [`Layout`]. Out: one record after the other, not yet checked, each with its line. A
//! record that cannot be delimited costs its line where lines delimit, and the file where only brackets do. The window
//! holds one record and what the caller has not let go. Deliberately looks into no record.

mod array;

use std::sync::Arc;

use super::{
    tally::Tally,
    value::{Frame, Framed, is_object, string},
};
use crate::{
    extract::{
        Error,
        lines::{line_end, line_end_length},
        text::Window,
    },
    record::{LineCount, RawFault},
};

/// The most bytes of one record.
const RECORD_BYTES: usize = 256 << 20;

/// How records stand in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Layout {
    /// Each on a line.
    Lines,
    /// One after the other, over as many lines as they like.
    Values,
    /// In an array: the text itself, or what stands in its object under these names.
    Array(Vec<String>),
}

/// A record in the window.
#[derive(Debug)]
pub(super) struct Record {
    pub start: usize,
    pub end: usize,
    pub line: u64,
    /// What is known to be wrong with it.
    pub fault: Option<Wrong>,
}

/// Why a record is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    /// What it holds says so.
    Raw(RawFault),
    /// It is no JSON.
    Syntax,
}

/// Where in an array's file the scanner stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Between the values of the file.
    Outside,
    /// Behind the array's bracket or an element; whether a comma came.
    Within { comma: bool, first: bool },
    /// Behind the array, in as many objects as it lies in.
    Behind,
    /// At the end, behind everything.
    Done,
}

/// Finds the records of a text.
pub(super) struct Scanner {
    path: Arc<str>,
    pub window: Window,
    layout: Layout,
    place: Place,
    pub tally: Tally,
    /// Ends of the records that the current line holds besides the one returned, in bytes of the whole text, last first.
    on_line: Vec<u64>,
    /// Bytes of the comma that ends that line.
    comma: usize,
    /// Whether lines of several records are cut.
    shared: bool,
    ended: bool,
    /// Whether the array that was declared was seen.
    pub found_array: bool,
}

impl Scanner {
    /// Begins at the start of a text; `shared` says that lines may hold several records.
    pub(super) fn new(path: &Arc<str>, window: Window, layout: Layout, shared: Option<bool>) -> Self {
        Self {
            path: Arc::clone(path),
            window,
            layout,
            place: Place::Outside,
            tally: Tally::new(shared == Some(true)),
            on_line: Vec::new(),
            comma: 0,
            shared: shared != Some(false),
            ended: false,
            found_array: false,
        }
    }

    /// Returns the lines passed so far.
    pub(super) fn lines(&self) -> LineCount {
        self.tally.count()
    }

    /// Returns the next record; None at the end of the text. Where records before it are still held in the window, None also before
    /// what may be too long to stand beside them: values behind an array may be of any length.
    ///
    /// # Errors
    /// When the file cannot be read, or its brackets contradict each other where nothing else delimits records.
    pub(super) fn next(&mut self, is_held: bool) -> Result<Option<Record>, Error> {
        let record = match self.layout {
            Layout::Lines => self.next_line()?,
            Layout::Values => self.next_value()?,
            Layout::Array(_) => self.next_element(is_held)?,
        };
        if record.is_none() && !is_held {
            self.tally.finish();
        }
        Ok(record)
    }

    fn next_line(&mut self) -> Result<Option<Record>, Error> {
        if let Some(end) = self.on_line.pop() {
            let end = end - self.window.text_offset(0);
            return Ok(Some(self.record(usize::try_from(end).unwrap_or(usize::MAX), None)));
        }
        let comma = std::mem::take(&mut self.comma);
        if comma > 0 {
            self.pass_to(self.window.at() + comma);
        }
        loop {
            self.skip_blanks(&[])?;
            if self.sign()?.is_none() {
                return Ok(None);
            }
            let (start, end) = (self.window.at(), self.line_end()?);
            let line = &self.window.text()[start..end];
            let filled = line.trim_end_matches([' ', '\t', '\0', '\u{1A}']);
            let written = without_comma(filled);
            let end = start + written.len();
            if end == start {
                self.pass_to(start + line.len());
                continue;
            }
            self.comma = filled.len() - written.len();
            if self.shared {
                let ends = records_of(written);
                self.on_line = ends.iter().map(|at| self.window.text_offset(start + at)).collect();
                if self.on_line.pop().is_some() {
                    let first = start + ends.last().copied().unwrap_or_default();
                    return Ok(Some(self.record(first, None)));
                }
            }
            return Ok(Some(self.record(end, None)));
        }
    }

    /// Returns where the line ends, its line end excluded.
    fn line_end(&mut self) -> Result<usize, Error> {
        let mut from = self.window.at();
        loop {
            let end = line_end(self.window.text(), from);
            if end < self.window.text().len() || !self.grow()? {
                return Ok(end);
            }
            from = end;
        }
    }

    fn next_value(&mut self) -> Result<Option<Record>, Error> {
        self.skip_blanks(&[])?;
        if self.sign()?.is_none() {
            return Ok(None);
        }
        let at = self.window.at();
        match self.frame()? {
            Framed::At(end) if end > at => Ok(Some(self.record(end, None))),
            // A comma or a closing bracket that belongs to nothing costs only itself.
            Framed::At(_) => Ok(Some(self.record(at + 1, Some(Wrong::Syntax)))),
            Framed::Broken(broken) if broken == at => Ok(Some(self.record(at + 1, Some(Wrong::Syntax)))),
            Framed::Broken(_) => self.resume(Wrong::Syntax).map(Some),
            Framed::Open => self.resume(Wrong::Raw(RawFault::Truncated)).map(Some),
        }
    }

    /// Gives up a value: it ends before the next line that begins with a brace.
    fn resume(&mut self, wrong: Wrong) -> Result<Record, Error> {
        if let Some(end) = self.next_at_indent(self.window.at())? {
            return Ok(self.record(end, Some(Wrong::Syntax)));
        }
        let end = self.window.text().trim_end().len().max(self.window.at());
        Ok(self.record(end, Some(wrong)))
    }

    /// Returns where a broken element ends if the next one begins on a line of its own, with an object indented as the
    /// broken one is.
    fn next_at_indent(&mut self, at: usize) -> Result<Option<usize>, Error> {
        let before = self.window.text()[..at].rfind(['\n', '\r']).map_or(0, |found| found + 1);
        let indent = self.window.text()[before..at].to_owned();
        if !indent.trim_start_matches([' ', '\t']).is_empty() {
            return Ok(None);
        }
        let mut line = at;
        loop {
            let end = line_end(self.window.text(), line);
            let next = end + line_end_length(self.window.text(), end);
            let begin = next + indent.len() + 1;
            if begin >= self.window.text().len() && self.grow()? {
                continue;
            }
            let rest = &self.window.text()[next..];
            if rest.strip_prefix(indent.as_str()).is_some_and(|rest| rest.starts_with('{')) {
                return Ok(Some(end));
            }
            if rest.is_empty() {
                return Ok(None);
            }
            line = next;
        }
    }

    /// Takes a member's name and the colon behind it.
    pub(super) fn name(&mut self) -> Result<String, Error> {
        let start = self.window.at();
        let end = self.whole_value()?;
        let name = string(&self.window.text()[start..end]).unwrap_or_default().into_owned();
        self.pass_to(end);
        self.skip_blanks(&[])?;
        if self.sign()? != Some(b':') {
            return Err(self.broken(self.window.at()));
        }
        self.pass_to(self.window.at() + 1);
        self.skip_blanks(&[])?;
        Ok(name)
    }

    /// Passes a value without holding all of it.
    ///
    /// # Errors
    /// When the file cannot be read, or no value is there.
    pub(super) fn skip_value(&mut self) -> Result<(), Error> {
        let mut frame = Frame::new(self.window.at());
        loop {
            let ended = self.ended;
            match frame.search(self.window.text(), ended) {
                Framed::At(end) if end > self.window.at() => {
                    self.pass_to(end);
                    return Ok(());
                }
                Framed::At(at) | Framed::Broken(at) => return Err(self.broken(at)),
                Framed::Open if ended => {
                    self.pass_to(self.window.text().len());
                    return Ok(());
                }
                Framed::Open => {
                    let before = self.window.text_offset(0);
                    self.pass_to(frame.at().min(self.window.text().len()));
                    self.window.release();
                    let released = usize::try_from(self.window.text_offset(0) - before).unwrap_or(0);
                    frame.moved_back(released);
                    self.grow()?;
                }
            }
        }
    }

    fn whole_value(&mut self) -> Result<usize, Error> {
        let at = self.window.at();
        match self.frame()? {
            Framed::At(end) if end > at => Ok(end),
            Framed::At(at) | Framed::Broken(at) => Err(self.broken(at)),
            Framed::Open => Err(self.broken(self.window.text().len())),
        }
    }

    /// Finds the end of the value that begins here.
    fn frame(&mut self) -> Result<Framed, Error> {
        let mut frame = Frame::new(self.window.at());
        loop {
            let ended = self.ended;
            let framed = frame.search(self.window.text(), ended);
            if framed != Framed::Open || ended {
                return Ok(framed);
            }
            self.grow()?;
        }
    }

    /// Returns the next sign; None at the end of the text.
    pub(super) fn sign(&mut self) -> Result<Option<u8>, Error> {
        while self.window.at() == self.window.text().len() {
            if !self.grow()? {
                return Ok(None);
            }
        }
        Ok(self.window.text().as_bytes().get(self.window.at()).copied())
    }

    /// Passes blanks, and these signs.
    pub(super) fn skip_blanks(&mut self, signs: &[u8]) -> Result<(), Error> {
        loop {
            let is_skipped = |byte: &u8| byte.is_ascii_whitespace() || signs.contains(byte);
            let rest = &self.window.text().as_bytes()[self.window.at()..];
            let length = rest.iter().position(|byte| !is_skipped(byte));
            let end = self.window.at() + length.unwrap_or(rest.len());
            self.pass_to(end);
            if length.is_some() || !self.grow()? {
                return Ok(());
            }
        }
    }

    fn grow(&mut self) -> Result<bool, Error> {
        if self.window.text().len() - self.window.at() > RECORD_BYTES {
            let reason = format!("the record at line {} is longer than {RECORD_BYTES} bytes", self.tally.line());
            return Err(Error::unreadable(&self.path, reason, "declare where its records are: `records: data.items`"));
        }
        let grown = self.window.grow()?;
        self.ended = !grown;
        Ok(grown)
    }

    fn pass_to(&mut self, at: usize) {
        self.tally.pass(&self.window.text()[self.window.at()..at]);
        self.window.pass_to(at);
    }

    /// Passes the record that ends at a place.
    fn record(&mut self, end: usize, wrong: Option<Wrong>) -> Record {
        let start = self.window.at();
        // Records behind another one on their line may have blanks before them.
        let blanks = self.window.text()[start..end].len() - self.window.text()[start..end].trim_start().len();
        let start = if blanks < end - start { start + blanks } else { start };
        self.pass_to(start);
        let line = self.tally.pass_record(&self.window.text()[start..end]);
        self.window.pass_to(end);
        let fault = self.window.fault(start, end).map(Wrong::Raw).or(wrong);
        Record { start, end, line, fault }
    }

    /// Says where the brackets contradict each other.
    fn broken(&self, at: usize) -> Error {
        let text = &self.window.text()[self.window.at().min(at)..at];
        let lines = text.bytes().filter(|byte| *byte == b'\n').count() as u64;
        let found = self.window.text()[at..].chars().next();
        let found =
            found.map_or_else(|| "the end of the file".to_owned(), |sign| format!("`{}`", sign.escape_default()));
        let reason = format!(
            "{found} at line {}, byte {} of the text is not where JSON has it",
            self.tally.line() + lines,
            self.window.text_offset(at)
        );
        Error::unreadable(&self.path, reason, "correct the file there, or ask for it again")
    }
}

/// Returns a line without the comma that parts its object from the next one, as in an array.
fn without_comma(line: &str) -> &str {
    let object = line.strip_suffix(',').filter(|object| object.starts_with('{') && object.ends_with('}'));
    object.unwrap_or(line)
}

/// Returns the ends of the objects on a line from the last to the first; none unless it is several objects and no more.
fn records_of(line: &str) -> Vec<usize> {
    if !line.starts_with('{') {
        return Vec::new();
    }
    let mut ends = Vec::new();
    let mut at = 0;
    while at < line.len() {
        let Framed::At(end) = Frame::new(at).search(line, true) else { return Vec::new() };
        if end == line.len() && ends.is_empty() || !is_object(&line[at..end]) {
            return Vec::new();
        }
        ends.push(end);
        at = end + (line[end..].len() - line[end..].trim_start().len());
    }
    ends.reverse();
    ends
}
