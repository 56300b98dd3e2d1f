//! The dialect of a delimited file: delimiter, header row, decimal mark.
//!
//! In: the beginning of the text, what is declared, the contract's names. Out: a dialect, the header, and how sure that
//! is. The delimiter that makes most of the contract's names appear wins, then the one that cuts most rows to the
//! header's width. Deliberately looks at a sample only.

use std::{ops::Range, sync::Arc};

use super::split::{Dialect, cut};
use crate::{
    define::project::CsvOptions,
    extract::{
        Error, Hints,
        header::{Choice, HEADER_LINES, Names, choose, common_width, confidence, names_of, share},
        lines::{line_end, next_line},
        row::Row,
    },
    record::DecimalMark,
};

const DELIMITERS: [char; 4] = [',', ';', '\t', '|'];

/// Rows and bytes that are looked at.
const SAMPLE_ROWS: usize = 1_000;
const SAMPLE_BYTES: usize = 1024 * 1024;

/// What a file looks like.
#[derive(Debug)]
pub(super) struct Detected {
    pub dialect: Dialect,
    /// None where the file has no row.
    pub header: Option<Header>,
    pub decimal_mark: DecimalMark,
    /// 0..1.
    pub confidence: f64,
}

/// The header row.
#[derive(Debug)]
pub(super) struct Header {
    /// Its physical lines.
    pub lines: Range<u64>,
    pub names: Vec<String>,
    /// Cells as written, unnamed ones at the end included.
    pub written: usize,
}

/// Finds out how a file is cut.
pub(super) fn detect(path: &Arc<str>, text: &str, options: &CsvOptions, hints: &Hints) -> Result<Detected, Error> {
    let names = Names::new(hints);
    let quote = options.quote.unwrap_or('"');
    let dialect = |delimiter| Dialect { delimiter, quote, comment: options.comment };
    let delimiters = match options.delimiter.or_else(|| announced(text)) {
        Some(delimiter) => vec![delimiter],
        None => DELIMITERS.to_vec(),
    };
    let is_given = delimiters.len() == 1;
    let mut trials: Vec<Trial> = delimiters
        .into_iter()
        .map(|delimiter| Trial::new(text, dialect(delimiter), options.header_row, &names))
        .collect();
    // The first of equals wins, so the order of DELIMITERS counts.
    trials.reverse();
    let best = trials.into_iter().max_by(|a, b| a.rank().partial_cmp(&b.rank()).unwrap_or(std::cmp::Ordering::Equal));
    let best = best.unwrap_or_else(|| Trial::new(text, dialect(','), None, &names));
    if let (Some(row), None, false) = (options.header_row, best.choice, text.is_empty()) {
        let hint = "correct `header_row` in the source's contract, or remove it";
        return Err(Error::unreadable(path, format!("no row begins on line {row}, where the header should be"), hint));
    }
    Ok(best.into_detected(is_given, options))
}

/// Returns the delimiter that a first line `sep=;` announces to Excel.
fn announced(text: &str) -> Option<char> {
    let line = &text[..line_end(text, 0)];
    let mut rest = line.trim_matches('"').strip_prefix("sep=")?.chars();
    let delimiter = rest.next()?;
    rest.next().is_none().then_some(delimiter)
}

/// One delimiter, tried on the sample.
struct Trial {
    dialect: Dialect,
    rows: Vec<Row>,
    choice: Option<Choice>,
    /// Share of the rows below the header that are as wide as it.
    agreement: f64,
}

impl Trial {
    fn new(text: &str, dialect: Dialect, header_row: Option<u64>, names: &Names) -> Self {
        let rows = sample(text, &dialect, header_row.unwrap_or(1));
        let choice = match header_row {
            Some(line) => rows
                .iter()
                .position(|row| row.line == line)
                .map(|index| Choice { index, matches: names.matches(&rows[index]) }),
            None => choose(&rows, names),
        };
        let agreement = choice.map_or(0.0, |choice| agreement(&rows, choice));
        Self { dialect, rows, choice, agreement }
    }

    /// Orders trials: names found, then rows that agree, weighted by how much the delimiter cuts.
    fn rank(&self) -> (usize, f64) {
        let width = self.choice.map_or(0, |choice| self.rows[choice.index].width());
        let weight = if width > 1 { 1.0 - 1.0 / f64::from(u32::try_from(width).unwrap_or(u32::MAX)) } else { 0.01 };
        (self.choice.map_or(0, |choice| choice.matches), self.agreement * weight)
    }

    fn into_detected(self, is_given: bool, options: &CsvOptions) -> Detected {
        let header = self.choice.map(|choice| header(&self.rows, choice));
        let below = self.choice.map_or(0, |choice| choice.index + 1);
        let decimal_mark =
            options.decimal_mark.unwrap_or_else(|| decimal_mark(&self.rows[below..], self.dialect.delimiter));
        let cutting = if is_given || below == self.rows.len() { 1.0 } else { self.agreement };
        let heading = match (self.choice, &header) {
            (Some(choice), Some(header)) if options.header_row.is_none() => confidence(choice, header.names.len()),
            _ => 1.0,
        };
        Detected { dialect: self.dialect, header, decimal_mark, confidence: cutting * heading }
    }
}

/// Returns the header. Where most rows below it end in the same number of empty surplus cells, they belong to it.
fn header(rows: &[Row], choice: Choice) -> Header {
    let row = &rows[choice.index];
    let below = &rows[choice.index + 1..];
    let written = match common_width(below) {
        Some(width) if width > row.width() && below.iter().all(|below| is_padded(below, row.width())) => width,
        _ => row.width(),
    };
    Header { lines: row.line..row.line + row.lines, names: names_of(row), written }
}

/// Returns whether a row holds nothing beyond `width` cells.
fn is_padded(row: &Row, width: usize) -> bool {
    (width..row.width()).all(|column| row.cell(column).trim().is_empty())
}

/// Cuts the first rows, comments left out; no row begins within a declared header's title lines.
fn sample(text: &str, dialect: &Dialect, first_line: u64) -> Vec<Row> {
    let (mut at, mut line) = skip_lines(text, first_line);
    let mut rows = Vec::new();
    while at < text.len().min(SAMPLE_BYTES) && rows.len() < SAMPLE_ROWS {
        let mut row = Row::default();
        row.start(line);
        if dialect.comment.is_some_and(|comment| text[at..].starts_with(comment)) {
            at = next_line(text, at);
            line += 1;
            continue;
        }
        at = cut(text, at, dialect, &mut row);
        line += row.lines;
        rows.push(row);
    }
    rows
}

/// Returns the place and number of the physical line `line`, or those of the text's end.
pub(super) fn skip_lines(text: &str, line: u64) -> (usize, u64) {
    let (mut at, mut current) = (0, 1);
    while current < line && at < text.len() {
        at = next_line(text, at);
        current += 1;
    }
    (at, current)
}

fn agreement(rows: &[Row], choice: Choice) -> f64 {
    let below = &rows[choice.index + 1..];
    let counted: Vec<usize> =
        below.iter().filter(|row| row.filled() > 0 && row.fault.is_none()).map(Row::width).collect();
    let named = names_of(&rows[choice.index]).len();
    let written = rows[choice.index].width();
    if counted.is_empty() {
        // Nothing below the header: a weaker witness than rows that agree with theirs.
        return if common_width(rows) == Some(written) { 0.5 } else { 0.0 };
    }
    share(counted.iter().filter(|width| (named..=written).contains(*width)).count(), counted.len())
}

/// Returns the comma where cells can only be read with it; a file cut by commas has points.
fn decimal_mark(rows: &[Row], delimiter: char) -> DecimalMark {
    if !matches!(delimiter, ';' | '\t') {
        return DecimalMark::Point;
    }
    let (mut commas, mut points) = (0_usize, 0_usize);
    for mark in rows.iter().flat_map(Row::cells).filter_map(mark_of) {
        match mark {
            DecimalMark::Comma => commas += 1,
            DecimalMark::Point => points += 1,
        }
    }
    if commas > 0 && points == 0 { DecimalMark::Comma } else { DecimalMark::Point }
}

/// Returns the only decimal mark with which a cell is a number; None for `1,234`, which is a number with both.
fn mark_of(cell: &str) -> Option<DecimalMark> {
    let digits = cell.trim().trim_start_matches(['-', '+']);
    if !digits.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b',' | b'.')) {
        return None;
    }
    match (is_number(digits, '.', ','), is_number(digits, ',', '.')) {
        (true, false) => Some(DecimalMark::Point),
        (false, true) => Some(DecimalMark::Comma),
        _ => None,
    }
}

/// Returns whether digits with `mark` before the decimals and `group` between thousands are a number.
fn is_number(digits: &str, mark: char, group: char) -> bool {
    let (whole, decimals) = digits.split_once(mark).map_or((digits, None), |(whole, decimals)| (whole, Some(decimals)));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let mut groups = whole.split(group);
    let first = groups.next().unwrap_or_default();
    let rest: Vec<&str> = groups.collect();
    decimals.is_none_or(is_digits)
        && is_digits(first)
        && (rest.is_empty() || first.len() <= 3)
        && rest.iter().all(|group| group.len() == 3 && is_digits(group))
}

/// The header must be found within this many lines, which the sample covers.
const _: () = assert!(HEADER_LINES < SAMPLE_ROWS as u64);

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn found(text: &str, names: &[&str]) -> (char, u64, Vec<String>) {
        let hints = Hints { names: names.iter().map(|&name| name.to_owned()).collect(), required: Vec::new() };
        let detected = detect(&Arc::from("a.csv"), text, &CsvOptions::default(), &hints).unwrap();
        let header = detected.header.unwrap();
        (detected.dialect.delimiter, header.lines.start, header.names)
    }

    #[test]
    fn the_delimiter_that_shows_the_contracts_names_wins() {
        let text = "Bericht, Stand 1, 2, 3\n\nDealer;Order, no;Amount\nD1;1;2,5\nD2;2;3,5\n";
        assert_eq!(
            found(text, &["dealer", "ＡＭＯＵＮＴ "]),
            (';', 3, vec!["Dealer".into(), "Order, no".into(), "Amount".into()])
        );
    }

    #[test]
    fn without_names_the_rows_that_agree_decide() {
        for delimiter in DELIMITERS {
            let text = format!(
                "title\nx{delimiter}y{delimiter}z\n1,2{delimiter}\"a{delimiter}b\"{delimiter}3\n4{delimiter}5{delimiter}6\n"
            );
            let text = if delimiter == ',' { text.replace("1,2", "12") } else { text };
            assert_eq!(found(&text, &[]), (delimiter, 2, vec!["x".into(), "y".into(), "z".into()]), "{delimiter:?}");
        }
    }

    #[test]
    fn one_column_is_a_table_too() {
        assert_eq!(found("name\na,b\nc,d\n", &["name"]), (';', 1, vec!["name".into()]));
        assert_eq!(found("name\na\nc\n", &[]), (',', 1, vec!["name".into()]));
    }

    #[test]
    fn excels_announcement_counts() {
        assert_eq!(found("sep=|\na|b\n1,1|2\n", &[]).0, '|');
    }

    #[test]
    fn the_decimal_comma_needs_a_witness_and_no_counter_witness() {
        let mark = |cells: &str| {
            let text = format!("a;b\n{cells}\n");
            detect(&Arc::from("a.csv"), &text, &CsvOptions::default(), &Hints::default()).unwrap().decimal_mark
        };
        assert_eq!(mark("1.234,56;28.02.2008"), DecimalMark::Comma);
        assert_eq!(mark("12,5;x"), DecimalMark::Comma);
        assert_eq!(mark("1,234;1.234"), DecimalMark::Point);
        assert_eq!(mark("12,5;12.34"), DecimalMark::Point);
        assert_eq!(mark("-1.234.567;x"), DecimalMark::Comma);
    }
}
