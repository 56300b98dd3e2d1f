//! The dialect of a delimited file: delimiter, quote, escape, header row, decimal mark, tables.
//!
//! In: the beginning of the text, what is declared, the contract's names. Out: a dialect, the header, and how sure that
//! is. The dialect that makes most of the contract's names appear wins, then the one that cuts most rows to the header's
//! width. Deliberately looks at a sample only.

use std::{cmp::Ordering, ops::Range, sync::Arc};

use super::{
    dialect::Dialect,
    head::Head,
    headless::{is_header, is_record},
    tables::{Table, choose_table},
    trial::{HeaderPlace, Rank, SAMPLE_ROWS, Trial, announced, written},
};
use crate::{
    define::project::CsvOptions,
    extract::{
        Error, Hints, counted,
        header::{Choice, HEADER_LINES, Names, common_width, confidence, names_of},
        row::{Row, is_blank},
    },
    record::{DecimalMark, MarkFrom, SkippedLines},
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
    pub mark_from: MarkFrom,
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
    let (best, clarity) = attempts.best();
    if let (HeaderPlace::Line(row), None, false) = (place, best.choice, head.text.is_empty()) {
        let hint = "correct `header_row` in the source's contract, or remove it";
        return Err(Error::unreadable(path, format!("no row begins on line {row}, where the header should be"), hint));
    }
    Ok(detected(best, clarity, &attempts))
}

/// The dialects to try on a file.
struct Attempts<'a> {
    head: &'a Head,
    options: &'a CsvOptions,
    names: &'a Names,
    place: HeaderPlace,
}

impl Attempts<'_> {
    /// Returns the trial that ranks highest, of equals the one tried first; and how clearly its delimiter does so, 0.5..1.
    fn best(&self) -> (Trial, f64) {
        let quote = self.options.quote.unwrap_or('"');
        let delimiters = self.delimiters();
        let mut best = self.try_one(delimiters[0], Some(quote), self.options.escape);
        let mut ranks = vec![best.rank()];
        for delimiter in &delimiters[1..] {
            let trial = self.try_one(delimiter, Some(quote), self.options.escape);
            ranks.push(trial.rank());
            best = better(best, trial);
        }
        if !best.is_perfect() && !self.is_given() {
            best = better(best, self.try_one(self.absent(), Some(quote), self.options.escape));
        }
        let quoted = best.quoted_cells();
        for (other, escape) in self.other_quotes(quote) {
            for delimiter in &delimiters {
                let trial = self.try_one(delimiter, Some(other), escape);
                // A sign that closes no more cells than the usual quote is an apostrophe.
                if other == quote || trial.quoted_cells() > quoted {
                    best = better(best, trial);
                }
            }
        }
        let is_stray = best.faults() > STRAY_QUOTES && best.faults() * 10 >= best.rows.len() && !best.has_quotes();
        if is_stray && self.options.quote.is_none() {
            let delimiter = best.dialect.delimiter.clone();
            best = better(best, self.try_one(&delimiter, None, self.options.escape));
        }
        let others = delimiters.iter().zip(ranks).filter(|(other, _)| **other != best.dialect.delimiter);
        let clarity = clarity(best.rank(), others.map(|(_, rank)| rank));
        (best, clarity)
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

/// Returns 1 where no other delimiter comes near the best one, 0.5 where another does as well.
fn clarity((matches, is_whole, score): Rank, others: impl Iterator<Item = Rank>) -> f64 {
    let rivals = others.filter(|other| (other.0, other.1) == (matches, is_whole)).map(|other| other.2);
    let rival = rivals.fold(0.0, f64::max);
    if rival < score { 1.0 - rival / score / 2.0 } else { 0.5 }
}

fn detected(mut best: Trial, clarity: f64, attempts: &Attempts<'_>) -> Detected {
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
        (best.rows, best.choice, best.has_row_names) = (rows, Some(choice), false);
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
    if best.has_row_names {
        notes.push("its rows have one cell more than its header: the first column has no name".to_owned());
    }
    let below = best.choice.map_or(0, |choice| choice.index + 1);
    notes.extend(header.as_ref().and_then(|header| nameless(header, &best.rows[below..])));
    let shown = || decimal_mark(&best.rows[below..], &best.dialect.delimiter);
    let shown = options.decimal_mark.or_else(shown);
    let mark_from = if shown.is_some() { MarkFrom::File } else { MarkFrom::Nothing };
    let decimal_mark = shown.unwrap_or_default();
    let cutting = if attempts.is_given() || below == best.rows.len() { 1.0 } else { best.agreement * clarity };
    let heading = match (best.choice, &header) {
        (Some(choice), Some(header)) if options.header_row.is_none() => {
            let is_shown = header.lines.is_empty() || is_header(&best.rows, choice);
            confidence(choice, header.names.len(), is_shown)
        }
        _ => 1.0,
    };
    let confidence = cutting * heading;
    Detected { dialect: best.dialect, header, decimal_mark, mark_from, confidence, table, notes }
}

/// Says that rows fill columns which the header does not name: they are left out.
fn nameless(header: &Header, below: &[Row]) -> Option<String> {
    let unnamed = header.names.len()..header.written;
    let is_filled = |row: &&Row| unnamed.clone().any(|column| !is_blank(row.cell(column)));
    let rows = below.iter().filter(is_filled).count();
    (rows > 0).then(|| {
        let columns = counted(unnamed.len() as u64, "column");
        format!("left out {columns} without a name at the end, filled in {rows} of the first rows")
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

/// Returns the mark with which alone some cells can be read, if they agree; a file cut by commas has points.
fn decimal_mark(rows: &[Row], delimiter: &str) -> Option<DecimalMark> {
    if delimiter.starts_with([',', '，']) {
        return Some(DecimalMark::Point);
    }
    let (mut commas, mut points) = (0_usize, 0_usize);
    for mark in rows.iter().flat_map(Row::cells).filter_map(mark_of) {
        match mark {
            DecimalMark::Comma => commas += 1,
            DecimalMark::Point => points += 1,
        }
    }
    match (commas, points) {
        (1.., 0) => Some(DecimalMark::Comma),
        (0, 1..) => Some(DecimalMark::Point),
        _ => None,
    }
}

/// Returns the only decimal mark with which a cell is a number; None for `1,234`, which is a number with both.
fn mark_of(cell: &str) -> Option<DecimalMark> {
    let digits = bare(cell);
    if !digits.chars().all(|sign| sign.is_ascii_digit() || matches!(sign, ',' | '.') || is_thin(sign)) {
        return None;
    }
    match (is_number(digits, '.', ','), is_number(digits, ',', '.')) {
        (true, false) => Some(DecimalMark::Point),
        (false, true) => Some(DecimalMark::Comma),
        _ => None,
    }
}

/// Returns a cell without what may stand beside a number: signs, brackets, and a currency's sign or its three letters.
fn bare(cell: &str) -> &str {
    let is_beside = |sign: char| {
        let is_currency = matches!(sign, '$' | '£' | '¥' | '￥' | '฿' | '元' | '\u{20A0}'..='\u{20CF}');
        sign.is_whitespace() || is_currency || "+-\u{2212}()%‰".contains(sign)
    };
    let is_letter = |sign: char| sign.is_ascii_uppercase();
    let cell = cell.trim_matches(is_beside);
    let rest = cell.trim_start_matches(is_letter);
    let is_name = cell.len() - rest.len() == 3 || rest.starts_with('$');
    let cell = if is_name { rest.trim_start_matches(is_beside) } else { cell };
    let rest = cell.trim_end_matches(is_letter);
    if cell.len() - rest.len() == 3 { rest.trim_end_matches(is_beside) } else { cell }
}

/// Returns whether digits with `mark` before the decimals, and `group`, a blank or an apostrophe between thousands, are a
/// number. `0.123` has no thousands.
fn is_number(digits: &str, mark: char, group: char) -> bool {
    let (whole, decimals) = digits.split_once(mark).map_or((digits, None), |(whole, decimals)| (whole, Some(decimals)));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let separator = whole.chars().find(|sign| !sign.is_ascii_digit()).unwrap_or(group);
    let is_separator = separator == group || is_thin(separator);
    let mut groups = whole.split(separator);
    let first = groups.next().unwrap_or_default();
    let rest: Vec<&str> = groups.collect();
    decimals.is_none_or(is_digits)
        && is_digits(first)
        && is_separator
        && (rest.is_empty() || first.len() <= 3 && !first.starts_with('0'))
        && rest.iter().all(|group| group.len() == 3 && is_digits(group))
}

/// Returns whether a sign stands between thousands whatever the decimal mark is.
fn is_thin(sign: char) -> bool {
    matches!(sign, ' ' | '\'' | '\u{A0}' | '\u{2009}' | '\u{2019}' | '\u{202F}')
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
    fn it_is_surer_where_values_show_the_header_and_no_other_delimiter_fits() {
        let sure = |text: &str| {
            let detected = detect(&Arc::from("a.csv"), &Head::of(text), &CsvOptions::default(), &Hints::default());
            (detected.unwrap().confidence * 100.0).round()
        };
        for (text, expected) in [
            ("name,n\na,1\nb;c,2\n", 90.0),
            ("1,2024-01-05\n2,2024-01-06\n", 90.0),
            ("name,city\na,b\nc,d\n", 50.0),
            ("name,n;m\na,1;2\nb,2;3\n", 25.0),
            ("name,n\na,1\nb,2,3\n", 45.0),
            ("sep=,\nname,n;m\na,1;2\nb,2;3\n", 50.0),
        ] {
            assert!((sure(text) - expected).abs() < 0.1, "{text}: {}", sure(text));
        }
    }

    #[test]
    fn excels_announcement_counts() {
        assert_eq!(found("sep=|\na|b\n1,1|2\n", &[]).0, "|");
    }

    #[test]
    fn the_decimal_comma_needs_a_witness_and_no_counter_witness() {
        let mark = |cells: &str| {
            let text = format!("a;b\n{cells}\n");
            let found = detect(&Arc::from("a.csv"), &Head::of(&text), &CsvOptions::default(), &Hints::default());
            found.map(|found| (found.decimal_mark, found.mark_from)).unwrap()
        };
        let (comma, point, open) = (
            (DecimalMark::Comma, MarkFrom::File),
            (DecimalMark::Point, MarkFrom::File),
            (DecimalMark::Point, MarkFrom::Nothing),
        );
        for (cells, expected) in [
            ("1.234,56;28.02.2008", comma),
            ("12,5;x", comma),
            ("-1.234.567;x", comma),
            ("1.500;€ 1.234,56", comma),
            ("2.000;44.369,04 EUR", comma),
            ("2.000;R$ 12,50", comma),
            ("2.000;(12,50)", comma),
            ("2.000;12,50-", comma),
            ("2.000;1 234,50", comma),
            ("0,123;x", comma),
            ("2,000;£1,234.50", point),
            ("2,000;1'234.50", point),
            ("0.123;x", point),
            ("1,234;1.234", open),
            ("2.500;€ 12.000", open),
            ("12,5;12.34", open),
            ("1 234;x", open),
            ("M6,5;AB 1,5", open),
        ] {
            assert_eq!(mark(cells), expected, "{cells}");
        }
        let text = "a,b\n1.000,2\n";
        let found = detect(&Arc::from("a.csv"), &Head::of(text), &CsvOptions::default(), &Hints::default()).unwrap();
        assert_eq!((found.decimal_mark, found.mark_from), point);
        let options = CsvOptions { decimal_mark: Some(DecimalMark::Comma), ..CsvOptions::default() };
        let found = detect(&Arc::from("a.csv"), &Head::of("a;b\n1.000;2\n"), &options, &Hints::default()).unwrap();
        assert_eq!((found.decimal_mark, found.mark_from), comma);
    }

    #[test]
    fn an_apostrophe_that_closes_no_cell_is_a_letter() {
        let quote = |text: &str| {
            let found = detect(&Arc::from("a.csv"), &Head::of(text), &CsvOptions::default(), &Hints::default());
            found.unwrap().dialect.quote
        };
        let names = "1;\"Bakker \"\"De Kroon\"\"\";1,50\n2;\"Grote\" Slager;2,50\n3;'t Hof BV;3,50\n4;Klant;4,50\n";
        assert_eq!(quote(&format!("id;name;amount\n{names}")), Some('"'));
        assert_eq!(quote("id,name\n1,'a, b'\n2,'c, d'\n3,\"e\"\n"), Some('\''));
    }
}
