//! Several tables in one file: which of them is read.
//!
//! In: a whole, short file and its dialect. Out: the table whose header holds most of the contract's names, else the
//! largest that is no preamble, if the file has more than one. A table begins below a blank line, perhaps with a title, with a row of names
//! that is no row of the table above: of another width as its rows are, or names over columns of numbers. Deliberately blind to tables
//! without a blank line between them, and to files longer than what is looked at.

use std::{collections::HashSet, ops::Range};

use super::{
    dialect::Dialect,
    head::Head,
    preamble::is_preamble,
    trial::{SAMPLE_ROWS, sample},
};
use crate::extract::{
    header::{Choice, Names, choose, names_of},
    lines::next_line,
    row::{Row, is_blank},
};

/// Rows below a header that must agree with it.
const WITNESSES: usize = 5;

/// One of several tables.
#[derive(Debug)]
pub(super) struct Table {
    /// Its physical lines, header included.
    pub lines: Range<u64>,
    /// First line of the first table of the file.
    pub first_line: u64,
    /// Its first rows, and the header among them.
    pub rows: Vec<Row>,
    pub choice: Choice,
    /// What is said about the others.
    pub note: String,
}

/// Returns the table to be read, if the file has several.
pub(super) fn choose_table(head: &Head, dialect: &Dialect, names: &Names) -> Option<Table> {
    if !may_have_blank_row(&head.text, dialect) {
        return None;
    }
    let rows = sample(&head.text, head.first_line(), dialect, head.first_line(), usize::MAX, usize::MAX);
    let first = choose_first(&rows)?;
    let mut headers = vec![first];
    for index in first + 1..rows.len() {
        let above = *headers.last().unwrap_or(&first);
        if begins_table(&rows, index, above, names) {
            headers.push(index);
        }
    }
    if headers.len() < 2 {
        return None;
    }
    let ends: Vec<usize> =
        headers[1..].iter().map(|header| header - titles(&rows, *header)).chain([rows.len()]).collect();
    let rank = |place: usize| {
        let table = &rows[headers[place]..ends[place]];
        (names.matches(&table[0]), !is_preamble(table), table.len())
    };
    // The first of equals wins.
    let chosen = (0..headers.len()).rev().max_by_key(|&place| rank(place))?;
    let others = (0..headers.len()).filter(|place| *place != chosen).map(|place| title(&rows[headers[place]]));
    let note = format!("it holds {} tables; left unread: {}", headers.len(), others.collect::<Vec<_>>().join(", "));
    let (start, end) = (headers[chosen], ends[chosen]);
    let last_line = rows.last().map_or(0, |row| row.line + row.lines);
    Some(Table {
        lines: rows[start].line..rows.get(end).map_or(last_line, |row| row.line),
        first_line: rows[first].line,
        choice: Choice { index: 0, matches: names.matches(&rows[start]) },
        rows: rows[start..end.min(start + SAMPLE_ROWS)].to_vec(),
        note,
    })
}

/// Returns whether a row is blank; one that could not be cut is not.
fn shows_nothing(row: &Row) -> bool {
    row.fault.is_none() && !row.shows()
}

/// Returns whether some row may show nothing, as one above a second table does. No row that begins with a letter or a digit
/// is blank, so that most files need not be cut to know it.
fn may_have_blank_row(text: &str, dialect: &Dialect) -> bool {
    let is_sign = |letter: char| dialect.signs().any(|sign| sign == letter);
    let mut at = 0;
    while at < text.len() {
        let first = text[at..].chars().next();
        if !first.is_some_and(|letter| letter.is_alphanumeric() && !is_sign(letter)) {
            return true;
        }
        at = next_line(text, at);
    }
    false
}

/// Returns the header of the first table: that of the rows above the first blank line below it.
fn choose_first(rows: &[Row]) -> Option<usize> {
    let start = rows.iter().position(|row| row.filled() > 1)?;
    let end = rows[start..].iter().position(shows_nothing).map_or(rows.len(), |blank| start + blank);
    // No blank line with rows below it: no second table.
    rows[end..].iter().find(|row| row.filled() > 1)?;
    choose(&rows[start..end], &Names::default()).map(|choice| start + choice.index)
}

/// Returns whether a row is the header of a further table below the one whose header is `above`.
fn begins_table(rows: &[Row], index: usize, above: usize, names: &Names) -> bool {
    let row = &rows[index];
    let titles = titles(rows, index);
    let is_apart = index > titles && shows_nothing(&rows[index - titles - 1]);
    if !is_apart || index <= above + 1 || !is_header_like(row) || names_of(row) == names_of(&rows[above]) {
        return false;
    }
    let below: Vec<&Row> = rows[index + 1..].iter().take_while(|row| row.shows()).take(WITNESSES).collect();
    let width = names_of(row).len();
    let agree = !below.is_empty() && below.iter().all(|below| below.filled() > 1 && last_filled(below) <= width);
    let is_other_width = width != names_of(&rows[above]).len();
    let is_other_shape = row.width() != rows[above].width()
        && below.iter().all(|below| below.width() == row.width())
        && !row.cells().any(|name| name.contains([':', '：']));
    agree
        && (is_other_shape
            || names.matches(row) * 2 > width
            || is_other_width && contrasts(row, &below, 1)
            || contrasts(row, &below, 2))
}

/// Returns the number of titles above a row.
fn titles(rows: &[Row], index: usize) -> usize {
    rows[..index].iter().rev().take_while(|row| row.filled() == 1).count()
}

/// Returns whether a row consists of at least two different names.
pub(super) fn is_header_like(row: &Row) -> bool {
    let names = names_of(row);
    let is_name = |name: &String| {
        !is_blank(name) && !name.chars().next().is_some_and(|sign| sign.is_ascii_digit() || "-+.".contains(sign))
    };
    names.len() > 1
        && row.fault.is_none()
        && names.iter().all(is_name)
        && names.iter().collect::<HashSet<_>>().len() == names.len()
}

/// Returns whether at least this many names stand over columns of numbers or dates.
pub(super) fn contrasts(header: &Row, below: &[&Row], least: usize) -> bool {
    let is_number =
        |cell: &str| cell.trim().chars().next().is_some_and(|sign| sign.is_ascii_digit() || "-+.".contains(sign));
    let is_column = |column: &usize| below.iter().all(|row| is_number(row.cell(*column)));
    (0..header.width()).filter(is_column).count() >= least
}

fn last_filled(row: &Row) -> usize {
    (0..row.width()).rev().find(|column| !is_blank(row.cell(*column))).map_or(0, |column| column + 1)
}

/// Returns how a table is named in a note.
fn title(header: &Row) -> String {
    let names = names_of(header);
    format!("line {} (`{}`)", header.line, names.iter().take(3).cloned().collect::<Vec<_>>().join(", "))
}
