//! Text → one row of cells, exactly, with quotes and escapes understood.
//!
//! In: decoded text, a place in it and a dialect. Out: the row that begins there and the place of the next one. Cells are
//! ranges of the text; only those with doubled quotes or escapes are copied. Sequential on purpose: chunking by the parity
//! of quotes is unsafe on dirty files. An unbalanced quote costs its own physical line and nothing else. What quicker ways
//! give must be the same as this one's.

use std::ops::Range;

use memchr::memchr3;

use super::dialect::Dialect;
use crate::{
    extract::{
        lines::{line_end, line_end_length, next_line},
        row::{Row, is_blank},
        sieve::Rules,
    },
    record::RawFault,
};

/// Lines of a quoted cell beyond which none of them may look like a row.
const QUOTED_LINES: u64 = 100;

/// Lines after which an open quote counts as never closed.
const MOST_QUOTED_LINES: u64 = 10_000;

/// Stands at the beginning of files; in the middle where files were joined.
const BYTE_ORDER_MARK: char = '\u{FEFF}';

/// Why a line cannot be cut.
enum Unbalanced {
    /// No closing quote within reach.
    Open,
    /// Text after the closing quote.
    Closed,
}

/// Where the next row begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Next {
    /// Byte of the text.
    pub at: usize,
    /// Whether more text behind the end could not change the row.
    pub is_settled: bool,
}

/// Cuts the row that begins at `at` as [`cut`] does; a row of several lines that a stray quote has joined is only its first
/// line, and a row that is quoted as a whole is cut once more.
pub(super) fn cut_row(text: &str, at: usize, dialect: &Dialect, rules: &Rules, row: &mut Row) -> Next {
    let mut next = cut(text, at, dialect, row);
    if row.lines > 1 && swallowed_a_row(&text[..next.at], at, dialect, rules, row) {
        next = Next { is_settled: next.is_settled, ..cut_line(text, row.place, row) };
        row.fault = Some(RawFault::Quote);
    }
    if row.width() == 1 && row.quoted == 1 && rules.width() > 1 {
        unwrap(row, dialect, |width| rules.fits(width));
    }
    next
}

/// Returns whether a stray quote joined the lines of a row: it does not fit the header and one of its lines does, or it has very
/// many lines and most of them do. A cell may well hold a long text in which some line has as many commas as the header.
fn swallowed_a_row(text: &str, start: usize, dialect: &Dialect, rules: &Rules, row: &Row) -> bool {
    let is_fit = rules.fits(row.width());
    if is_fit && row.lines <= QUOTED_LINES {
        return false;
    }
    let mut inner = Row::default();
    let (mut lines, mut fitting) = (0_usize, 0_usize);
    let mut at = next_line(text, start);
    while at < text.len() {
        inner.start(0);
        cut(text, at, dialect, &mut inner);
        lines += usize::from(!is_blank(inner.raw()));
        fitting += usize::from(inner.fault.is_none() && rules.fits(inner.width()));
        if !is_fit && fitting > 0 {
            return true;
        }
        at = next_line(text, at);
    }
    fitting * 2 > lines
}

/// Cuts the text of the only cell of a row, which is quoted as a whole, if the cells in it fit.
pub(super) fn unwrap(row: &mut Row, dialect: &Dialect, fits: impl Fn(usize) -> bool) {
    let inside = row.cell(0).to_owned();
    let mut inner = Row::default();
    inner.start(row.line);
    let next = cut(&inside, 0, dialect, &mut inner);
    if next.at == inside.len() && inner.fault.is_none() && fits(inner.width()) {
        row.clear_cells();
        for cell in inner.cells() {
            row.push_text(Some(cell));
        }
    }
}

/// Cuts the row that begins at `at`, which must lie before the text's end, and returns where the next one begins.
///
/// The caller has started the row with its line.
pub(super) fn cut(text: &str, at: usize, dialect: &Dialect, row: &mut Row) -> Next {
    let at = if text[at..].starts_with(BYTE_ORDER_MARK) { at + BYTE_ORDER_MARK.len_utf8() } else { at };
    let mut cutter = Cutter {
        text,
        start: at,
        at,
        dialect,
        lines: 1,
        most_lines: MOST_QUOTED_LINES,
        changed: Vec::new(),
        found_end: false,
    };
    match cutter.cells(row) {
        Ok(()) => {
            let end = cutter.at;
            row.lines = cutter.lines;
            row.place = at;
            row.set_raw(&text[at..end]);
            for (column, is_quoted) in std::mem::take(&mut cutter.changed) {
                let plain = unescaped(row.cell(column), dialect, is_quoted);
                row.set_text(column, Some(&plain));
            }
            row.unended = end == text.len();
            behind(text, end)
        }
        Err(reason) => {
            let next = cut_line(text, at, row);
            let half_written = row.unended && matches!(reason, Unbalanced::Open);
            row.fault = Some(if half_written { RawFault::Truncated } else { RawFault::Quote });
            Next { is_settled: next.is_settled && !cutter.found_end, ..next }
        }
    }
}

/// Takes one physical line as a row without cells.
fn cut_line(text: &str, at: usize, row: &mut Row) -> Next {
    let end = line_end(text, at);
    row.start(row.line);
    row.place = at;
    row.set_raw(&text[at..end]);
    row.unended = end == text.len();
    behind(text, end)
}

/// Returns the place behind the line end at `end`. A CR at the text's end may be half of a CR LF.
fn behind(text: &str, end: usize) -> Next {
    let at = end + line_end_length(text, end);
    let is_settled = at < text.len() || text.ends_with('\n') && at > end;
    Next { at, is_settled }
}

/// Returns a cell's text without escapes, and without doubled quotes in a quoted one.
fn unescaped(cell: &str, dialect: &Dialect, is_quoted: bool) -> String {
    let mut plain = String::with_capacity(cell.len());
    let mut rest = cell;
    while let Some(sign) = rest.chars().next() {
        rest = &rest[sign.len_utf8()..];
        let is_escape = Some(sign) == dialect.escape && escapes(rest, dialect);
        let is_double = is_quoted && Some(sign) == dialect.quote && rest.starts_with(sign);
        match rest.chars().next() {
            Some(meant) if is_escape || is_double => {
                plain.push(meant);
                rest = &rest[meant.len_utf8()..];
            }
            _ => plain.push(sign),
        }
    }
    plain
}

/// Returns whether an escape before this text has a meaning.
fn escapes(text: &str, dialect: &Dialect) -> bool {
    let begins = |sign: Option<char>| sign.is_some_and(|sign| text.starts_with(sign));
    begins(dialect.quote) || begins(dialect.escape) || text.starts_with(&dialect.delimiter)
}

struct Cutter<'a> {
    text: &'a str,
    start: usize,
    at: usize,
    dialect: &'a Dialect,
    lines: u64,
    /// Lines after which an open quote counts as never closed.
    most_lines: u64,
    /// Columns of cells with doubled quotes or escapes, and whether they are quoted.
    changed: Vec<(usize, bool)>,
    /// Whether a quote was still open at the text's end.
    found_end: bool,
}

impl Cutter<'_> {
    fn cells(&mut self, row: &mut Row) -> Result<(), Unbalanced> {
        loop {
            let column = row.width();
            let cell = match self.dialect.quote {
                Some(quote) if self.sees(quote) => {
                    row.quoted += 1;
                    self.quoted(column, quote)?
                }
                Some(quote) => match self.quoted_behind_blanks(column, quote) {
                    Some(cell) => {
                        row.quoted += 1;
                        cell
                    }
                    None => self.plain(column),
                },
                None => self.plain(column),
            };
            row.push_range(cell.start - self.start..cell.end - self.start);
            if !self.sees_delimiter() {
                return Ok(());
            }
            self.at += self.dialect.delimiter.len();
        }
    }

    fn sees(&self, sign: char) -> bool {
        let rest = &self.text.as_bytes()[self.at..];
        if sign.is_ascii() {
            rest.first().is_some_and(|byte| char::from(*byte) == sign)
        } else {
            self.text[self.at..].starts_with(sign)
        }
    }

    fn sees_delimiter(&self) -> bool {
        self.text.as_bytes()[self.at..].starts_with(self.dialect.delimiter.as_bytes())
    }

    /// Takes a cell whose quotes stand between blanks, if they do so properly within its line; else they are letters.
    fn quoted_behind_blanks(&mut self, column: usize, quote: char) -> Option<Range<usize>> {
        if !matches!(self.text.as_bytes().get(self.at), Some(b' ' | b'\t')) {
            return None;
        }
        let (start, lines, changes, found_end) = (self.at, self.lines, self.changed.len(), self.found_end);
        while matches!(self.text.as_bytes().get(self.at), Some(b' ' | b'\t')) && !self.sees_delimiter() {
            self.at += 1;
        }
        if self.sees(quote) {
            self.most_lines = lines;
            let cell = self.quoted(column, quote);
            self.most_lines = MOST_QUOTED_LINES;
            if let Ok(cell) = cell {
                return Some(cell);
            }
        }
        (self.at, self.lines, self.found_end) = (start, lines, found_end);
        self.changed.truncate(changes);
        None
    }

    /// Takes an unquoted cell; a quote in the middle of it is a letter.
    fn plain(&mut self, column: usize) -> Range<usize> {
        let start = self.at;
        let first = self.dialect.delimiter.as_bytes()[0];
        while let Some(found) = self.find(first) {
            self.at += found;
            if self.ends_cell() {
                return start..self.at;
            }
            if self.skip_escape() {
                self.note_change(column, false);
            } else {
                // The first byte of a wide delimiter may begin other characters too.
                self.at += self.width_here();
            }
        }
        self.at = self.text.len();
        start..self.at
    }

    /// Returns how far the next sign, line end or escape is.
    fn find(&self, first: u8) -> Option<usize> {
        let rest = &self.text.as_bytes()[self.at..];
        let Some(escape) = self.dialect.escape.map(first_byte) else { return memchr3(first, b'\n', b'\r', rest) };
        rest.iter().position(|byte| *byte == first || *byte == escape || matches!(byte, b'\n' | b'\r'))
    }

    fn ends_cell(&self) -> bool {
        self.at == self.text.len() || line_end_length(self.text, self.at) > 0 || self.sees_delimiter()
    }

    fn width_here(&self) -> usize {
        self.text[self.at..].chars().next().map_or(1, char::len_utf8)
    }

    /// Passes over an escape and what it escapes, if one begins here.
    fn skip_escape(&mut self) -> bool {
        let Some(escape) = self.dialect.escape.filter(|escape| self.sees(*escape)) else { return false };
        let behind = self.at + escape.len_utf8();
        let is_escape = escapes(&self.text[behind..], self.dialect);
        if is_escape {
            self.at = behind;
            self.at += self.width_here();
        }
        is_escape
    }

    fn note_change(&mut self, column: usize, is_quoted: bool) {
        if self.changed.last() != Some(&(column, is_quoted)) {
            self.changed.push((column, is_quoted));
        }
    }

    fn quoted(&mut self, column: usize, quote: char) -> Result<Range<usize>, Unbalanced> {
        self.at += quote.len_utf8();
        let start = self.at;
        loop {
            self.find_quote(column, quote)?;
            let end = self.at;
            self.at += quote.len_utf8();
            if !self.sees(quote) {
                return self.after_quote().map(|()| start..end);
            }
            self.note_change(column, true);
            self.at += quote.len_utf8();
        }
    }

    /// Goes to the next quote, over no more lines of the row than are allowed.
    fn find_quote(&mut self, column: usize, quote: char) -> Result<(), Unbalanced> {
        let first = first_byte(quote);
        while let Some(found) = self.find(first) {
            self.at += found;
            let line_end = line_end_length(self.text, self.at);
            if line_end > 0 {
                self.lines += 1;
                self.at += line_end;
            } else if self.skip_escape() {
                self.note_change(column, true);
            } else if self.sees(quote) {
                return Ok(());
            } else {
                self.at += self.width_here();
            }
            if self.lines > self.most_lines {
                return Err(Unbalanced::Open);
            }
        }
        self.found_end = true;
        Err(Unbalanced::Open)
    }

    /// Skips blanks after a closing quote; anything else there means that the quotes are unbalanced.
    fn after_quote(&mut self) -> Result<(), Unbalanced> {
        while !self.ends_cell() {
            if !matches!(self.text.as_bytes()[self.at], b' ' | b'\t') {
                return Err(Unbalanced::Closed);
            }
            self.at += 1;
        }
        self.found_end = self.at == self.text.len();
        Ok(())
    }
}

fn first_byte(sign: char) -> u8 {
    sign.encode_utf8(&mut [0; 4]).as_bytes()[0]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::Hints;

    /// Cuts everything and writes each row as `line+lines fault cells`.
    fn check(text: &str, expected: &[&str]) {
        let dialect = Dialect::default();
        let (mut at, mut line, mut found) = (0, 1, Vec::new());
        let mut row = Row::default();
        while at < text.len() {
            row.start(line);
            at = cut(text, at, &dialect, &mut row).at;
            line += row.lines;
            let fault = row.fault.map(|fault| format!(" {fault:?}")).unwrap_or_default();
            found.push(format!("{}+{}{fault} {}", row.line, row.lines, row.cells().collect::<Vec<_>>().join("|")));
        }
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn line_ends_of_all_kinds_end_rows() {
        check("a,b\r\nc,d\ne,f\rg,h", &["1+1 a|b", "2+1 c|d", "3+1 e|f", "4+1 g|h"]);
        check("a\n\r\n,\n", &["1+1 a", "2+1 ", "3+1 |"]);
    }

    #[test]
    fn quotes_hold_delimiters_line_ends_and_quotes() {
        check("\"a,b\",\"c\r\nd\",\"e\"\"f\"\nx,y\n", &["1+2 a,b|c\r\nd|e\"f", "3+1 x|y"]);
        check("\"\",\"\"\"\" ,x\n", &["1+1 |\"|x"]);
        check("\"\"\"a\"\"\",\"b\"\"\"\n", &["1+1 \"a\"|b\""]);
    }

    #[test]
    fn a_quote_inside_an_unquoted_cell_is_a_letter() {
        check("5\" pipe,a\"b\"\n", &["1+1 5\" pipe|a\"b\""]);
    }

    #[test]
    fn an_open_quote_costs_its_line_only() {
        check("1,\"a\n2,b\n3,c\n", &["1+1 Quote ", "2+1 2|b", "3+1 3|c"]);
        check("1,\"a\n2,\"b\"\n3,c\n", &["1+1 Quote ", "2+1 2|b", "3+1 3|c"]);
        check("1,\"a\"b\n2,c\n", &["1+1 Quote ", "2+1 2|c"]);
    }

    /// Cuts the first row of a table of two columns, and returns its end, fault and lines.
    fn first(text: &str) -> (usize, bool, Option<RawFault>, u64) {
        let rules = Rules::new(&["a".to_owned(), "b".to_owned()], 2, &Hints::default());
        let mut row = Row::default();
        row.start(1);
        let next = cut_row(text, 0, &Dialect::default(), &rules, &mut row);
        (next.at, next.is_settled, row.fault, row.lines)
    }

    #[test]
    fn a_long_cell_in_quotes_may_not_hold_rows() {
        let rows = format!("1,\"a\n{}2,\"\n", "x,y\n".repeat(200));
        assert_eq!(first(&rows), (5, true, Some(RawFault::Quote), 1));
        let lines = format!("1,\"a\n{}2\"\nx", "xy\n".repeat(200));
        assert_eq!(first(&lines), (lines.len() - 1, true, None, 202));
        let endless = format!("1,\"a\n{}2\"\nx", "xy\n".repeat(10_000));
        assert_eq!(first(&endless), (5, true, Some(RawFault::Quote), 1));
    }

    #[test]
    fn quotes_between_blanks_are_quotes_if_they_close_in_their_line() {
        check("1, \"x, y\" ,\t\"z\"\"\"\n", &["1+1 1|x, y|z\""]);
        check("1, \"x\" y, \"z\n2,\"a\"\n", &["1+1 1| \"x\" y| \"z", "2+1 2|a"]);
        check("1, ,  \"\"\n \"a\n\",b\n", &["1+1 1| |", "2+1  \"a", "3+1 Quote "]);
    }

    #[test]
    fn a_quote_open_at_the_end_of_the_file_is_half_a_line() {
        check("1,a\n2,\"b", &["1+1 1|a", "2+1 Truncated "]);
        check("1,a\n2,\"b\n", &["1+1 1|a", "2+1 Quote "]);
    }

    #[test]
    fn nul_bytes_and_wide_delimiters_are_cut() {
        check("a\0,b\n", &["1+1 a\0|b"]);
        let dialect = Dialect { delimiter: "，".to_owned(), quote: Some('“'), ..Dialect::default() };
        let mut row = Row::default();
        row.start(1);
        cut("中，“文，”“，。\n", 0, &dialect, &mut row);
        assert_eq!(row.cells().collect::<Vec<_>>(), ["中", "文，”", "。"]);
    }
}
