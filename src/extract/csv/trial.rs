//! One dialect, tried on the beginning of a file.
//!
//! In: text and a dialect. Out: the rows it cuts, the header among them, and how well they fit together. Deliberately
//! compares nothing.

use super::{
    cut::{cut, unwrap},
    dialect::Dialect,
    preamble::header_below,
    row_names::header_above,
};
use crate::extract::{
    header::{Choice, Names, choose, common_width, names_of, share},
    lines::{line_end, next_line},
    row::Row,
};

/// Rows that are looked at.
pub(super) const SAMPLE_ROWS: usize = 400;

/// Bytes that are looked at.
const SAMPLE_BYTES: usize = 512 * 1024;

/// Share of rows that agree where a dialect makes one table of a file.
const WHOLE: f64 = 0.9;

/// Where the header is declared to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HeaderPlace {
    /// Not declared.
    Anywhere,
    /// On this physical line.
    Line(u64),
    /// Nowhere.
    Nowhere,
}

/// What a dialect is worth: names of the contract that it finds, whether it makes one table of the file, and how well.
pub(super) type Rank = (usize, bool, f64);

/// A dialect and what it makes of the sample.
pub(super) struct Trial {
    pub dialect: Dialect,
    pub rows: Vec<Row>,
    pub choice: Option<Choice>,
    /// Whether the records begin with names of their own, for which the header as written has no name.
    pub has_row_names: bool,
    /// Share of the rows below the header that are as wide as it; faulty rows left out.
    pub agreement: f64,
}

impl Trial {
    /// Cuts the beginning of a text whose first line has this number.
    pub(super) fn new(text: &str, first_line: u64, dialect: Dialect, place: HeaderPlace, names: &Names) -> Self {
        let start = match place {
            HeaderPlace::Line(line) => line,
            HeaderPlace::Anywhere | HeaderPlace::Nowhere => first_line + u64::from(announced(text).is_some()),
        };
        let mut rows = sample(text, first_line, &dialect, start, SAMPLE_ROWS, SAMPLE_BYTES);
        unwrap_all(&mut rows, &dialect);
        let choice = match place {
            HeaderPlace::Line(line) => rows
                .iter()
                .position(|row| row.line == line)
                .map(|index| Choice { index, matches: names.matches(&rows[index]) }),
            HeaderPlace::Anywhere => choose(&rows, names).map(|choice| header_below(&rows, choice).unwrap_or(choice)),
            HeaderPlace::Nowhere => None,
        };
        let above = choice.filter(|_| place == HeaderPlace::Anywhere).and_then(|choice| header_above(&rows, choice));
        if let Some(above) = above {
            rows[above.index].indent();
        }
        let (choice, has_row_names) = (above.or(choice), above.is_some());
        let agreement = choice.map_or_else(|| agreement_without_header(&rows), |choice| agreement(&rows, choice).0);
        Self { dialect, rows, choice, has_row_names, agreement }
    }

    /// Orders trials: names found, whether all of the file is one table, then rows that agree, weighted by how much the delimiter
    /// cuts and by how many names the header has; quotes around cells speak for themselves.
    pub(super) fn rank(&self) -> Rank {
        let header = self.choice.map(|choice| &self.rows[choice.index]);
        let width = header.map_or_else(|| common_width(&self.rows).unwrap_or(0), Row::width);
        let cuts = header.map_or(width, |header| names_of(header).len()) > 1;
        let weight = if width > 1 { 1.0 - 1.0 / f64::from(u32::try_from(width).unwrap_or(u32::MAX)) } else { 0.01 };
        let named = header.map_or(1.0, |header| share(names_in(header), names_of(header).len()));
        let agreement = self.choice.map_or(self.agreement, |choice| agreement(&self.rows, choice).1);
        let matches = self.choice.map_or(0, |choice| choice.matches);
        (matches, cuts && self.is_whole(agreement), agreement * weight * named + self.quoted() * 0.05)
    }

    /// Returns whether the first row that shows anything is the header and nearly all others agree with it.
    fn is_whole(&self, agreement: f64) -> bool {
        let first = self.rows.iter().position(|row| row.fault.is_some() || row.shows());
        agreement >= WHOLE && self.choice.map(|choice| choice.index) == first
    }

    /// Returns the share of cells that are quoted, in rows that could be cut.
    fn quoted(&self) -> f64 {
        let whole = self.rows.iter().filter(|row| row.fault.is_none());
        share(self.quoted_cells(), whole.map(Row::width).sum())
    }

    /// Returns how many cells are quoted, in rows that could be cut.
    pub(super) fn quoted_cells(&self) -> usize {
        self.rows.iter().filter(|row| row.fault.is_none()).map(|row| row.quoted).sum()
    }

    /// Returns how many rows could not be cut.
    pub(super) fn faults(&self) -> usize {
        self.rows.iter().filter(|row| row.fault.is_some()).count()
    }

    /// Returns whether every row agrees and the delimiter cuts.
    pub(super) fn is_perfect(&self) -> bool {
        let cuts = self.choice.is_some_and(|choice| self.rows[choice.index].width() > 1);
        cuts && self.faults() == 0 && self.agreement >= 1.0
    }

    /// Returns whether any row has a cell in quotes.
    pub(super) fn has_quotes(&self) -> bool {
        self.rows.iter().any(|row| row.fault.is_none() && row.quoted > 0)
    }
}

/// Returns how many cells of a header are names and not leftovers of a longer delimiter.
fn names_in(header: &Row) -> usize {
    header.cells().filter(|name| name.contains(char::is_alphanumeric)).count()
}

/// Returns the delimiter that a first line `sep=;` announces to Excel.
pub(super) fn announced(text: &str) -> Option<&str> {
    let line = &text[..line_end(text, 0)];
    let delimiter = line.trim_matches('"').strip_prefix("sep=")?;
    (delimiter.chars().count() == 1).then_some(delimiter)
}

/// Cuts rows from the physical line `start` on, comments left out.
pub(super) fn sample(
    text: &str,
    first_line: u64,
    dialect: &Dialect,
    start: u64,
    most_rows: usize,
    most_bytes: usize,
) -> Vec<Row> {
    let (mut at, mut line) = skip_lines(text, first_line, start);
    let end = at.saturating_add(most_bytes);
    let mut rows = Vec::new();
    while at < text.len().min(end) && rows.len() < most_rows {
        if dialect.comment.is_some_and(|comment| text[at..].starts_with(comment)) {
            at = next_line(text, at);
            line += 1;
            continue;
        }
        let mut row = Row::like(rows.last());
        row.start(line);
        at = cut(text, at, dialect, &mut row).at;
        line += row.lines;
        rows.push(row);
    }
    rows
}

/// Returns the place and number of the physical line `line`, or those of the text's end.
fn skip_lines(text: &str, first_line: u64, line: u64) -> (usize, u64) {
    let (mut at, mut current) = (0, first_line);
    while current < line && at < text.len() {
        at = next_line(text, at);
        current += 1;
    }
    (at, current)
}

/// Cuts rows once more that are quoted as a whole, if most are.
fn unwrap_all(rows: &mut [Row], dialect: &Dialect) {
    let is_wrapped = |row: &&mut Row| {
        row.width() == 1 && row.quoted == 1 && row.fault.is_none() && row.cell(0).contains(&dialect.delimiter)
    };
    let filled = rows.iter().filter(|row| row.shows()).count();
    let wrapped = rows.iter_mut().filter(is_wrapped).count();
    // One column of texts in quotes is no table: its name would be a row without quotes, and nothing is quoted twice.
    let is_column = rows.iter().all(|row| row.width() <= 1)
        && rows.iter().find(|row| row.shows()).is_some_and(|row| row.quoted == 0)
        && !rows.iter().any(|row| dialect.quote.is_some_and(|quote| row.cell(0).contains(quote)));
    if wrapped == 0 || wrapped * 2 < filled || is_column {
        return;
    }
    for row in rows.iter_mut().filter(is_wrapped) {
        unwrap(row, dialect, |width| width > 1);
    }
}

/// Returns the number of cells of a header as written. Where the rows below it end in the same number of empty surplus
/// cells, they belong to it.
pub(super) fn written(rows: &[Row], choice: Choice) -> usize {
    let width = rows[choice.index].width();
    let below = &rows[choice.index + 1..];
    let is_padded = |row: &Row| (width..row.width()).all(|column| row.cell(column).trim().is_empty());
    match common_width(below) {
        Some(wider) if wider > width && below.iter().all(is_padded) => wider,
        _ => width,
    }
}

/// Returns the share of rows below the header that are as wide as it: of those that could be cut, and of all.
fn agreement(rows: &[Row], choice: Choice) -> (f64, f64) {
    let below = &rows[choice.index + 1..];
    let filled = || below.iter().filter(|row| row.fault.is_some() || row.shows());
    let named = names_of(&rows[choice.index]).len();
    let written = written(rows, choice);
    let whole = filled().filter(|row| row.fault.is_none()).count();
    if whole == 0 {
        // Nothing below the header: a weaker witness than rows that agree with theirs.
        let weak = if common_width(rows) == Some(rows[choice.index].width()) { 0.5 } else { 0.0 };
        return (weak, weak);
    }
    let agree = filled().filter(|row| row.fault.is_none() && (named..=written).contains(&row.width())).count();
    (share(agree, whole), share(agree, filled().count()))
}

fn agreement_without_header(rows: &[Row]) -> f64 {
    let Some(width) = common_width(rows) else { return 0.0 };
    let filled = rows.iter().filter(|row| row.fault.is_some() || row.shows()).count();
    share(rows.iter().filter(|row| row.fault.is_none() && row.width() == width).count(), filled)
}
