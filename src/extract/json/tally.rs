//! The lines of a JSON text, counted while it is passed.
//!
//! In: the text in order, cut into records and what stands between them. Out: the line of every record, and a
//! [`LineCount`] that balances. Where two records share a line, lines say nothing: then every record counts as one.

use memchr::memchr2;

use crate::{
    extract::row::is_blank,
    record::{LineCount, SkippedLines},
};

/// What was seen on a line.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Seen {
    #[default]
    Nothing,
    Blank,
    Structure,
    Continuation,
    Record,
}

/// Lines and records up to a place in the text.
#[derive(Debug, Default)]
pub(super) struct Tally {
    count: LineCount,
    seen: Seen,
    /// Whether the text so far ends in a carriage return, whose line feed may follow.
    after_return: bool,
    /// Whether two records were seen on one line.
    pub shared: bool,
    /// Whether records count instead of lines.
    by_record: bool,
}

impl Tally {
    /// Begins at a text's start.
    pub(super) fn new(by_record: bool) -> Self {
        Self { by_record, ..Self::default() }
    }

    /// Returns the lines passed so far.
    pub(super) fn count(&self) -> LineCount {
        match self.by_record {
            true => LineCount { lines: self.count.rows, rows: self.count.rows, ..LineCount::default() },
            false => self.count.clone(),
        }
    }

    /// Returns the physical line at which the text goes on.
    pub(super) const fn line(&self) -> u64 {
        self.count.lines + 1
    }

    /// Passes what stands between records.
    pub(super) fn pass(&mut self, text: &str) {
        self.lines(text, |line| if is_blank(line) { Seen::Blank } else { Seen::Structure });
    }

    /// Passes a record, and returns its line.
    pub(super) fn pass_record(&mut self, text: &str) -> u64 {
        self.shared |= self.seen == Seen::Record;
        self.count.rows += 1;
        let line = if self.by_record { self.count.rows } else { self.line() };
        self.seen = Seen::Record;
        self.after_return = false;
        self.lines(text, |_| Seen::Continuation);
        line
    }

    /// Counts what is missing at the end as a faulty record on a line of its own, and returns that.
    pub(super) fn pass_missing(&mut self) -> u64 {
        self.finish();
        self.count.lines += 1;
        self.count.rows += 1;
        if self.by_record { self.count.rows } else { self.count.lines }
    }

    /// Ends the text: an unended last line counts.
    pub(super) fn finish(&mut self) {
        if self.seen != Seen::Nothing {
            self.end_line();
        }
    }

    fn lines(&mut self, text: &str, what: impl Fn(&str) -> Seen) {
        let mut rest = text;
        if std::mem::take(&mut self.after_return) {
            rest = rest.strip_prefix('\n').unwrap_or(rest);
        }
        while let Some(end) = memchr2(b'\n', b'\r', rest.as_bytes()) {
            if end > 0 {
                self.seen = self.seen.max(what(&rest[..end]));
            }
            self.end_line();
            let is_return = rest.as_bytes()[end] == b'\r';
            rest = &rest[end + 1..];
            self.after_return = is_return && rest.is_empty();
            if is_return {
                rest = rest.strip_prefix('\n').unwrap_or(rest);
            }
        }
        if !rest.is_empty() {
            self.seen = self.seen.max(what(rest));
        }
    }

    fn end_line(&mut self) {
        self.count.lines += 1;
        let kind = match std::mem::take(&mut self.seen) {
            Seen::Record => return,
            Seen::Continuation => SkippedLines::Continuation,
            Seen::Structure if self.count.rows == 0 => SkippedLines::Title,
            Seen::Structure => SkippedLines::Footer,
            Seen::Blank | Seen::Nothing => SkippedLines::Blank,
        };
        *self.count.skipped.entry(kind).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_a_record_or_skipped_for_a_reason() {
        let mut tally = Tally::new(false);
        tally.pass("[\r");
        tally.pass("\n\n  ");
        assert_eq!(tally.pass_record("{\n\"a\":1\n}"), 3);
        tally.pass(",\n");
        assert_eq!(tally.pass_record("{}"), 6);
        tally.pass("\n]");
        tally.finish();
        let count = tally.count();
        assert!(count.is_balanced() && !tally.shared, "{count:?}");
        assert_eq!((count.lines, count.rows, count.skipped[&SkippedLines::Continuation]), (7, 2, 2));
    }

    #[test]
    fn records_on_one_line_are_noticed() {
        let mut tally = Tally::new(true);
        assert_eq!((tally.pass_record("{}"), tally.pass_record("{}")), (1, 2));
        assert!(tally.shared && tally.count().is_balanced());
        assert_eq!(tally.pass_missing(), 3);
    }
}
