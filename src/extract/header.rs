//! Where the header stands: the row that holds most of the contract's names.
//!
//! In: the first rows of a file and the hints. Out: one of the rows. Deliberately shared by all formats with title lines
//! and ignorant of each.

use std::collections::{HashMap, HashSet};

use unicode_normalization::UnicodeNormalization as _;

use super::{
    Hints,
    row::{Row, is_blank},
};

/// Lines among which the header is looked for.
pub(super) const HEADER_LINES: u64 = 50;

/// Folds a name as contracts compare them: full-width letters, case and surrounding blanks do not count.
pub(super) fn fold(name: &str) -> String {
    if name.is_ascii() {
        return name.trim().to_ascii_lowercase();
    }
    name.nfkc().collect::<String>().trim().to_lowercase()
}

/// The folded names that a header may hold.
#[derive(Debug, Default)]
pub(super) struct Names(HashSet<String>);

impl Names {
    /// Folds the hints' names.
    pub(super) fn new(hints: &Hints) -> Self {
        Self(hints.names.iter().map(|name| fold(name)).filter(|name| !name.is_empty()).collect())
    }

    /// Returns how many different names a row holds.
    pub(super) fn matches(&self, row: &Row) -> usize {
        if self.0.is_empty() {
            return 0;
        }
        row.cells().map(fold).filter(|name| self.0.contains(name)).collect::<HashSet<_>>().len()
    }

    /// Returns whether a name is one of them.
    pub(super) fn has(&self, name: &str) -> bool {
        !self.0.is_empty() && self.0.contains(&fold(name))
    }

    /// Returns whether a text holds a name that ASCII cannot write: a witness for the text's encoding.
    pub(super) fn prove(&self, text: &str) -> bool {
        self.0.iter().any(|name| !name.is_ascii() && text.contains(name.as_str()))
    }
}

/// A chosen header row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Choice {
    /// Index among the rows that were looked at.
    pub index: usize,
    /// Names of the contract that it holds.
    pub matches: usize,
}

/// Chooses the header among the first rows of a file: most names, then first; without any name, the first row of the
/// commonest width that is at least half as full as the fullest.
pub(super) fn choose(rows: &[Row], names: &Names) -> Option<Choice> {
    let mut best: Option<Choice> = None;
    for (index, row) in rows.iter().enumerate().take_while(|(_, row)| row.line <= HEADER_LINES) {
        // No row holds more names than cells, and folding them all costs more than to cut them.
        if best.is_some_and(|choice| row.width() <= choice.matches) {
            continue;
        }
        let matches = names.matches(row);
        if matches > best.map_or(0, |choice| choice.matches) {
            best = Some(Choice { index, matches });
        }
    }
    let index = || commonest(rows).map(|index| padded_otherwise(rows, index).unwrap_or(index));
    best.or_else(|| index().map(|index| Choice { index, matches: 0 }))
}

/// Returns the row above a chosen one if both differ only in empty cells at their ends: then that is the header.
fn padded_otherwise(rows: &[Row], index: usize) -> Option<usize> {
    let above = index.checked_sub(1)?;
    let (header, width) = (&rows[above], rows[index].width());
    let names = names_of(header);
    let is_padded = |row: &Row| (names.len()..row.width()).all(|column| is_blank(row.cell(column)));
    let is_other = header.fault.is_none() && header.width() != width && names.len() > 1;
    let is_whole = names.len() <= width && names.iter().all(|name| !is_blank(name));
    (is_other && is_whole && rows[index..].iter().filter(|row| row.width() == width).all(is_padded)).then_some(above)
}

fn commonest(rows: &[Row]) -> Option<usize> {
    let width = common_width(rows)?;
    let fullest = rows.iter().filter(|row| row.width() == width).map(Row::filled).max()?;
    rows.iter().position(|row| row.width() == width && row.filled() * 2 >= fullest)
}

/// How many rows of one cell count as much as one of several: notes stand in single cells.
const SINGLE_CELLS: usize = 3;

/// Returns the width that most rows have, the larger one of two; blank rows do not count, and rows of one cell little.
pub(super) fn common_width(rows: &[Row]) -> Option<usize> {
    let mut widths: HashMap<usize, usize> = HashMap::new();
    for row in rows.iter().filter(|row| row.shows()) {
        *widths.entry(row.width()).or_default() += if row.width() > 1 { SINGLE_CELLS } else { 1 };
    }
    widths.into_iter().max_by_key(|&(width, count)| (count, width)).map(|(width, _)| width)
}

/// Returns the names of a header row, without unnamed columns at its end.
pub(super) fn names_of(row: &Row) -> Vec<String> {
    let mut names: Vec<String> = row.cells().map(str::to_owned).collect();
    while names.last().is_some_and(|name| is_blank(name)) {
        names.pop();
    }
    names
}

/// Returns how sure a choice of header is: 1 when half of its names are the contract's; without any of them it depends on
/// whether the values below show what it is.
pub(super) fn confidence(choice: Choice, width: usize, is_shown: bool) -> f64 {
    match (choice.matches, is_shown) {
        (0, false) => 0.5,
        (0, true) => 0.9,
        (matches, _) => (share(matches, width) * 2.0).min(1.0),
    }
}

/// Returns `part / whole`; 0 for nothing of nothing.
pub(super) fn share(part: usize, whole: usize) -> f64 {
    let number = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    if whole == 0 { 0.0 } else { number(part) / number(whole) }
}
