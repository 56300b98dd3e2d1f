//! The dialect of a delimited file: delimiter, quote, escape, header row, decimal mark, tables.
//!
//! In: the beginning of the text, what is declared, the contract's names. Out: a dialect, the header, and how sure that
//! is. The dialect that makes most of the contract's names appear wins, then the one that cuts most rows to the header's
//! width. Deliberately looks at a sample only.

use std::{cmp::Ordering, ops::Range, sync::Arc};

use super::{
    dialect::Dialect,
    head::Head,
    headless::is_record,
    tables::{Table, choose_table},
    trial::{HeaderPlace, SAMPLE_ROWS, Trial, announced, written},
};
use crate::{
    define::project::CsvOptions,
    extract::{
        Error, Hints,
        header::{Choice, HEADER_LINES, Names, common_width, confidence, names_of},
        row::{Row, is_blank},
    },
    record::{DecimalMark, SkippedLines},
};

/// Delimiters that are tried, the likelier first; blanks and colons only count when they are declared.
const DELIMITERS: [&str; 9] = [",", ";", "\t", "|", "，", "；", "\u{1}", "~", "^"];

/// Longer delimiters, tried before their parts.
const LONG_DELIMITERS: [&str; 10] = ["\t|\t", "|~|", "~|~", "^|^", "^~^", "||", ";;", "~~", "^^", "@@"];

/// Faulty rows after which quotes count as letters, if no row has a cell in quotes.
const STRAY_QUOTES: usize = 3;

/// What a file looks like.
#[derive(Debug)]
pub(super) struct Detected {
    pub dialect: Dialect,
    /// None where the file has no row.
    pub header: Option<Header>,
    pub decimal_mark: DecimalMark,
    /// 0..1.
    pub confidence: f64,
    /// The lines of this table, where the file has several.
    pub table: Option<Table>,
    /// What a person should know of the choice.
    pub notes: Vec<String>,
}

/// The header row.
#[derive(Debug)]
pub(super) struct Header {
    /// Its physical lines; none of them where the columns have no names.
    pub lines: Range<u64>,
    pub names: Vec<String>,
    /// Cells as written, unnamed ones at the end included.
    pub written: usize,
}

impl Detected {
    /// Returns the line of the header; 0 where there is none.
    pub(super) fn header_line(&self) -> u64 {
        self.header.as_ref().map_or(0, |header| if header.lines.is_empty() { 0 } else { header.lines.start })
    }

    /// Returns the kind of a line that is no record for the place where it stands.
    pub(super) fn kind_elsewhere(&self, line: &str, kind: SkippedLines) -> SkippedLines {
        let dialect = &self.dialect;
        let is_sign = |letter: char| dialect.delimiter.contains(letter) || dialect.quote == Some(letter);
        if dialect.comment.is_some_and(|comment| line.starts_with(comment)) {
            SkippedLines::Comment
        } else if is_blank(line.trim_matches(is_sign)) {
            SkippedLines::Blank
        } else {
            kind
        }
    }
}

/// Finds out how a file is cut.
pub(super) fn detect(path: &Arc<str>, head: &Head, options: &CsvOptions, hints: &Hints) -> Result<Detected, Error> {
    let names = Names::new(hints);
    let place = match options.header_row {
        _ if options.no_header => HeaderPlace::Nowhere,
        Some(line) => HeaderPlace::Line(line),
        None => HeaderPlace::Anywhere,
    };
    let attempts = Attempts { head, options, names: &names, place };
    let is_given = options.delimiter.is_some() || announced(&head.text).is_some();
    let best = attempts.best();
    if let (HeaderPlace::Line(row), None, false) = (place, best.choice, head.text.is_empty()) {
        let hint = "correct `header_row` in the source's contract, or remove it";
        return Err(Error::unreadable(path, format!("no row begins on line {row}, where the header should be"), hint));
    }
    Ok(detected(best, is_given, &attempts))
}

/// The dialects to try on a file.
struct Attempts<'a> {
    head: &'a Head,
    options: &'a CsvOptions,
    names: &'a Names,
    place: HeaderPlace,
}

impl Attempts<'_> {
    /// Returns the trial that ranks highest; of equals the one tried first.
    fn best(&self) -> Trial {
        let quote = self.options.quote.unwrap_or('"');
        let delimiters = self.delimiters();
        let mut best = self.try_one(delimiters[0], Some(quote), self.options.escape);
        for delimiter in &delimiters[1..] {
            best = better(best, self.try_one(delimiter, Some(quote), self.options.escape));
        }
        if !best.is_perfect() && !self.is_given() {
            best = better(best, self.try_one(self.absent(), Some(quote), self.options.escape));
        }
        for (quote, escape) in self.other_quotes(quote) {
            for delimiter in &delimiters {
                best = better(best, self.try_one(delimiter, Some(quote), escape));
            }
        }
        let is_stray = best.faults() > STRAY_QUOTES && best.faults() * 10 >= best.rows.len() && !best.has_quotes();
        if is_stray && self.options.quote.is_none() {
            let delimiter = best.dialect.delimiter.clone();
            best = better(best, self.try_one(&delimiter, None, self.options.escape));
        }
        best
    }

    fn try_one(&self, delimiter: &str, quote: Option<char>, escape: Option<char>) -> Trial {
        let delimiter = delimiter.to_owned();
        let dialect = Dialect { delimiter, quote, escape, comment: self.options.comment, remark: None };
        Trial::new(&self.head.text, self.head.first_line(), dialect, self.place, self.names)
    }

    fn is_given(&self) -> bool {
        self.options.delimiter.is_some() || announced(&self.head.text).is_some()
    }

    /// Returns the delimiters that the text holds; the first of all if it holds none.
    fn delimiters(&self) -> Vec<&str> {
        if let Some(declared) = &self.options.delimiter {
            return vec![declared];
        }
        let text = &self.head.text;
        if let Some(delimiter) = announced(text) {
            return vec![delimiter];
        }
        let all = LONG_DELIMITERS.into_iter().chain(DELIMITERS);
        let present: Vec<&str> = all.filter(|delimiter| text.contains(delimiter)).collect();
        if present.is_empty() { vec![DELIMITERS[0]] } else { present }
    }

    /// Returns a delimiter that the text does not hold: then every line is one cell.
    fn absent(&self) -> &'static str {
        DELIMITERS.into_iter().find(|delimiter| !self.head.text.contains(delimiter)).unwrap_or(DELIMITERS[0])
    }

    /// Returns further quotes and escapes for which the text has a sign.
    fn other_quotes(&self, quote: char) -> Vec<(char, Option<char>)> {
        let text = &self.head.text;
        let mut others = Vec::new();
        let quotes = if self.options.quote.is_none() { vec![quote, '\''] } else { vec![quote] };
        for other in quotes {
            if other != quote && !opens_cells(text, other) {
                continue;
            }
            if other != quote {
                others.push((other, self.options.escape));
            }
            if self.options.escape.is_none() && text.contains(&format!("\\{other}")) {
                others.push((other, Some('\\')));
            }
        }
        others
    }
}

/// Returns whether some line begins or ends with a quote, which words with an apostrophe do not.
fn opens_cells(text: &str, quote: char) -> bool {
    let starts = text.match_indices(quote);
    starts.take(64).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let behind = text[at + quote.len_utf8()..].chars().next();
        before.is_none_or(|sign| !sign.is_alphanumeric()) && behind.is_some_and(|sign| !sign.is_whitespace())
    })
}

fn better(best: Trial, other: Trial) -> Trial {
    if other.rank().partial_cmp(&best.rank()) == Some(Ordering::Greater) { other } else { best }
}

fn detected(mut best: Trial, is_given: bool, attempts: &Attempts<'_>) -> Detected {
    let (options, names) = (attempts.options, attempts.names);
    let table = match (attempts.place, best.choice) {
        (HeaderPlace::Anywhere, Some(_)) if attempts.head.is_whole => choose_table(attempts.head, &best.dialect, names),
        _ => None,
    };
    let mut notes = Vec::new();
    if let Some((rows, choice, note)) =
        table.as_ref().map(|table| (table.rows.clone(), table.choice, table.note.clone()))
    {
        notes.push(note);
        (best.rows, best.choice) = (rows, Some(choice));
    }
    best.dialect.remark = remark(&best);
    let header = match attempts.place {
        HeaderPlace::Nowhere => unnamed(&best.rows, attempts.head.first_line()),
        HeaderPlace::Anywhere if best.choice.is_some_and(|choice| is_record(&best.rows, choice)) => {
            notes.push("it has no header: its first row looks like all others".to_owned());
            best.choice.and_then(|choice| unnamed(&best.rows, best.rows[choice.index].line))
        }
        _ => best.choice.map(|choice| header(&best.rows, choice)),
    };
    let below = best.choice.map_or(0, |choice| choice.index + 1);
    notes.extend(header.as_ref().and_then(|header| nameless(header, &best.rows[below..])));
    let decimal_mark =
        options.decimal_mark.unwrap_or_else(|| decimal_mark(&best.rows[below..], &best.dialect.delimiter));
    let cutting = if is_given || below == best.rows.len() { 1.0 } else { best.agreement };
    let heading = match (best.choice, &header) {
        (Some(choice), Some(header)) if options.header_row.is_none() => confidence(choice, header.names.len()),
        _ => 1.0,
    };
    Detected { dialect: best.dialect, header, decimal_mark, confidence: cutting * heading, table, notes }
}

/// Says that rows fill columns which the header does not name: they are left out.
fn nameless(header: &Header, below: &[Row]) -> Option<String> {
    let unnamed = header.names.len()..header.written;
    let is_filled = |row: &&Row| unnamed.clone().any(|column| !is_blank(row.cell(column)));
    let rows = below.iter().filter(is_filled).count();
    (rows > 0).then(|| {
        format!("its last {} columns have no name and are left out; {rows} of the first rows fill them", unnamed.len())
    })
}

/// Returns the header.
fn header(rows: &[Row], choice: Choice) -> Header {
    let row = &rows[choice.index];
    Header { lines: row.line..row.line + row.lines, names: names_of(row), written: written(rows, choice) }
}

/// Returns names for columns that have none.
fn unnamed(rows: &[Row], first_line: u64) -> Option<Header> {
    let width = common_width(rows)?;
    let names = (1..=width).map(|column| format!("column_{column}")).collect();
    Some(Header { lines: first_line..first_line, names, written: width })
}

/// Returns the mark of remarks where one stands above the header and the header has none.
fn remark(trial: &Trial) -> Option<char> {
    let choice = trial.choice?;
    let is_remark = |row: &Row| row.raw().starts_with('#');
    let (above, header) = (&trial.rows[..choice.index], &trial.rows[choice.index]);
    (above.iter().any(is_remark) && !is_remark(header)).then_some('#')
}

/// Returns the comma where cells can only be read with it; a file cut by commas has points.
fn decimal_mark(rows: &[Row], delimiter: &str) -> DecimalMark {
    if delimiter.starts_with([',', '，']) {
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

    fn found(text: &str, names: &[&str]) -> (String, u64, Vec<String>) {
        let hints = Hints { names: names.iter().map(|&name| name.to_owned()).collect(), required: Vec::new() };
        let detected = detect(&Arc::from("a.csv"), &Head::of(text), &CsvOptions::default(), &hints).unwrap();
        let header = detected.header.unwrap();
        (detected.dialect.delimiter, header.lines.start, header.names)
    }

    #[test]
    fn the_delimiter_that_shows_the_contracts_names_wins() {
        let text = "Bericht, Stand 1, 2, 3\n\nDealer;Order, no;Amount\nD1;1;2,5\nD2;2;3,5\n";
        assert_eq!(
            found(text, &["dealer", "ＡＭＯＵＮＴ "]),
            (";".into(), 3, vec!["Dealer".into(), "Order, no".into(), "Amount".into()])
        );
    }

    #[test]
    fn without_names_the_rows_that_agree_decide() {
        for delimiter in DELIMITERS.into_iter().chain(LONG_DELIMITERS) {
            let text = format!(
                "title\nx{delimiter}y{delimiter}z\n1,2{delimiter}\"a{delimiter}b\"{delimiter}3\n4{delimiter}5{delimiter}6\n"
            );
            let text = if delimiter == "," { text.replace("1,2", "12") } else { text };
            assert_eq!(
                found(&text, &[]),
                (delimiter.to_owned(), 2, vec!["x".into(), "y".into(), "z".into()]),
                "{delimiter:?}"
            );
        }
    }

    #[test]
    fn one_column_is_a_table_too() {
        assert_eq!(found("name\na,b\nc,d\n", &["name"]), (";".into(), 1, vec!["name".into()]));
        assert_eq!(found("name\na\nc\n", &[]), (",".into(), 1, vec!["name".into()]));
    }

    #[test]
    fn excels_announcement_counts() {
        assert_eq!(found("sep=|\na|b\n1,1|2\n", &[]).0, "|");
    }

    #[test]
    fn the_decimal_comma_needs_a_witness_and_no_counter_witness() {
        let mark = |cells: &str| {
            let text = format!("a;b\n{cells}\n");
            detect(&Arc::from("a.csv"), &Head::of(&text), &CsvOptions::default(), &Hints::default())
                .unwrap()
                .decimal_mark
        };
        assert_eq!(mark("1.234,56;28.02.2008"), DecimalMark::Comma);
        assert_eq!(mark("12,5;x"), DecimalMark::Comma);
        assert_eq!(mark("1,234;1.234"), DecimalMark::Point);
        assert_eq!(mark("12,5;12.34"), DecimalMark::Point);
        assert_eq!(mark("-1.234.567;x"), DecimalMark::Comma);
    }
}
