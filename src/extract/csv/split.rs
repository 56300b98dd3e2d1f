//! Text → one row of cells at a time, in order, with quotes understood.
//!
//! In: decoded text, a place in it and a dialect. Out: the row that begins there and the place of the next one. Cells are
//! ranges of the text; only those with doubled quotes are copied. Sequential on purpose: chunking by the parity of quotes
//! is unsafe on dirty files. An unbalanced quote costs its own physical line and nothing else. Deliberately knows no
//! header.

use std::ops::Range;

use memchr::memchr3;

use crate::{
    extract::{
        lines::{line_end, line_end_length},
        row::Row,
    },
    record::RawFault,
};

/// Lines after which an open quote counts as never closed.
const QUOTED_LINES: u64 = 100;

/// How a file is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialect {
    /// Between cells.
    pub delimiter: char,
    /// Around cells.
    pub quote: char,
    /// At the start of lines that are no rows.
    pub comment: Option<char>,
}

/// Why a line cannot be cut.
enum Unbalanced {
    /// No closing quote within reach.
    Open,
    /// Text after the closing quote.
    Closed,
}

/// Cuts the row that begins at `at`, which must lie before the text's end, and returns where the next one begins.
///
/// The caller has started the row with its line.
pub(super) fn cut(text: &str, at: usize, dialect: &Dialect, row: &mut Row) -> usize {
    let mut cutter = Cutter { text, start: at, at, dialect, lines: 1, doubled: Vec::new() };
    match cutter.cells(row) {
        Ok(()) => {
            let end = cutter.at;
            row.lines = cutter.lines;
            row.set_raw(&text[at..end]);
            let doubled = std::mem::take(&mut cutter.doubled);
            undouble(row, &doubled, dialect.quote);
            row.unended = end == text.len();
            end + line_end_length(text, end)
        }
        Err(reason) => cut_unbalanced(text, at, &reason, row),
    }
}

/// Takes one physical line as a row without cells.
pub(super) fn cut_line(text: &str, at: usize, row: &mut Row) -> usize {
    let end = line_end(text, at);
    row.start(row.line);
    row.set_raw(&text[at..end]);
    row.unended = end == text.len();
    end + line_end_length(text, end)
}

fn cut_unbalanced(text: &str, at: usize, reason: &Unbalanced, row: &mut Row) -> usize {
    let next = cut_line(text, at, row);
    let half_written = row.unended && matches!(reason, Unbalanced::Open);
    row.fault = Some(if half_written { RawFault::Truncated } else { RawFault::Quote });
    next
}

fn undouble(row: &mut Row, doubled: &[usize], quote: char) {
    let (twice, once) = (format!("{quote}{quote}"), quote.to_string());
    for &column in doubled {
        let plain = row.cell(column).replace(&twice, &once);
        row.set_text(column, Some(&plain));
    }
}

struct Cutter<'a> {
    text: &'a str,
    start: usize,
    at: usize,
    dialect: &'a Dialect,
    lines: u64,
    /// Columns of cells with doubled quotes.
    doubled: Vec<usize>,
}

impl Cutter<'_> {
    fn cells(&mut self, row: &mut Row) -> Result<(), Unbalanced> {
        loop {
            let cell = if self.sees(self.dialect.quote) { self.quoted(row.width())? } else { self.plain() };
            row.push_range(cell.start - self.start..cell.end - self.start);
            if !self.sees(self.dialect.delimiter) {
                return Ok(());
            }
            self.at += self.dialect.delimiter.len_utf8();
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

    /// Takes an unquoted cell; a quote in the middle of it is a letter.
    fn plain(&mut self) -> Range<usize> {
        let start = self.at;
        let first = first_byte(self.dialect.delimiter);
        while let Some(found) = memchr3(first, b'\n', b'\r', &self.text.as_bytes()[self.at..]) {
            self.at += found;
            if self.ends_cell() {
                return start..self.at;
            }
            // The first byte of a wide delimiter may begin other characters too.
            self.at += self.text[self.at..].chars().next().map_or(1, char::len_utf8);
        }
        self.at = self.text.len();
        start..self.at
    }

    fn ends_cell(&self) -> bool {
        self.at == self.text.len() || line_end_length(self.text, self.at) > 0 || self.sees(self.dialect.delimiter)
    }

    fn quoted(&mut self, column: usize) -> Result<Range<usize>, Unbalanced> {
        let quote = self.dialect.quote;
        self.at += quote.len_utf8();
        let start = self.at;
        let mut is_doubled = false;
        loop {
            self.find_quote()?;
            let end = self.at;
            self.at += quote.len_utf8();
            if !self.sees(quote) {
                if is_doubled {
                    self.doubled.push(column);
                }
                return self.after_quote().map(|()| start..end);
            }
            is_doubled = true;
            self.at += quote.len_utf8();
        }
    }

    /// Goes to the next quote, over at most [`QUOTED_LINES`] lines of the row.
    fn find_quote(&mut self) -> Result<(), Unbalanced> {
        let first = first_byte(self.dialect.quote);
        while let Some(found) = memchr3(first, b'\n', b'\r', &self.text.as_bytes()[self.at..]) {
            self.at += found;
            let line_end = line_end_length(self.text, self.at);
            if line_end > 0 {
                self.lines += 1;
                self.at += line_end;
            } else if self.sees(self.dialect.quote) {
                return Ok(());
            } else {
                self.at += self.text[self.at..].chars().next().map_or(1, char::len_utf8);
            }
            if self.lines > QUOTED_LINES {
                return Err(Unbalanced::Open);
            }
        }
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
        Ok(())
    }
}

fn first_byte(sign: char) -> u8 {
    sign.encode_utf8(&mut [0; 4]).as_bytes()[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cuts everything and writes each row as `line+lines fault cells`.
    fn check(text: &str, expected: &[&str]) {
        let dialect = Dialect { delimiter: ',', quote: '"', comment: None };
        let (mut at, mut line, mut found) = (0, 1, Vec::new());
        let mut row = Row::default();
        while at < text.len() {
            row.start(line);
            at = cut(text, at, &dialect, &mut row);
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
        let long = format!("1,\"a\n{}2,\"\n", "x,y\n".repeat(200));
        let mut row = Row::default();
        row.start(1);
        let next = cut(&long, 0, &Dialect { delimiter: ',', quote: '"', comment: None }, &mut row);
        assert_eq!((next, row.fault, row.lines), (5, Some(RawFault::Quote), 1));
    }

    #[test]
    fn a_quote_open_at_the_end_of_the_file_is_half_a_line() {
        check("1,a\n2,\"b", &["1+1 1|a", "2+1 Truncated "]);
        check("1,a\n2,\"b\n", &["1+1 1|a", "2+1 Quote "]);
    }

    #[test]
    fn nul_bytes_and_wide_delimiters_are_cut() {
        check("a\0,b\n", &["1+1 a\0|b"]);
        let dialect = Dialect { delimiter: '，', quote: '“', comment: None };
        let mut row = Row::default();
        row.start(1);
        cut("中，“文，”“，。\n", 0, &dialect, &mut row);
        assert_eq!(row.cells().collect::<Vec<_>>(), ["中", "文，”", "。"]);
    }
}
