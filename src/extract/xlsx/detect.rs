//! Which sheets of a workbook hold the table, and where on them it begins.
//!
//! In: an opened workbook, what is declared, the contract's names. Out: the chosen sheets, each stopped behind its first
//! rows. Undeclared, the sheet whose header has most of the contract's names wins, and with it every sheet with the same
//! header, because a table of twelve months may lie on twelve sheets. Deliberately guesses no further: what is left unread
//! is named in the report.

use std::{collections::VecDeque, sync::Arc};

use globset::Glob;

use super::{
    grid::{Book, Cells, Label, Rows},
    header::{HEAD_ROWS, Header, choose},
};
use crate::{
    define::project::XlsxOptions,
    extract::{Error, counted, header::Names},
};

/// A chosen sheet.
pub(super) struct Found {
    pub name: String,
    /// Its rows behind those of `head`.
    pub rows: Box<dyn Rows>,
    /// The first rows that hold anything, from the declared header on.
    pub head: VecDeque<Cells>,
    /// Rows that hold something above `head`.
    pub titles: u64,
    /// None where the sheet is empty.
    pub header: Option<Header>,
}

impl Found {
    fn matches(&self) -> usize {
        self.header.as_ref().map_or(0, |header| header.matches)
    }

    fn columns(&self) -> Option<Vec<String>> {
        self.header.as_ref().map(Header::folded)
    }
}

/// Chooses the sheets, and returns the names of those left unread.
pub(super) fn detect(
    path: &Arc<str>,
    book: &mut dyn Book,
    options: &XlsxOptions,
    names: &Names,
) -> Result<(Vec<Found>, Vec<String>), Error> {
    let tried = candidates(path, book.labels(), options)?;
    let mut found: Vec<(usize, Found)> = Vec::new();
    for index in &tried {
        let sheet = look(path, book, *index, options, names)?;
        let best = found.iter().map(|(_, found)| found.matches()).max().unwrap_or(0);
        let is_filled = found.first().is_some_and(|(_, found)| found.header.is_some());
        if options.sheet.is_some() || found.is_empty() || sheet.matches() >= best && best > 0 {
            found.push((*index, sheet));
        } else if sheet.matches() > best || sheet.header.is_some() && !is_filled {
            found = vec![(*index, sheet)];
        }
    }
    settle(&mut found, options.sheet.is_some());
    if found.is_empty() {
        return Err(Error::unreadable(path, "it has no worksheet", "ask for the file again"));
    }
    let is_unread = |index: &usize| !found.iter().any(|(read, _)| read == index);
    let unread = tried.into_iter().filter(is_unread).map(|index| book.labels()[index].name.clone()).collect();
    Ok((found.into_iter().map(|(_, found)| found).collect(), unread))
}

/// Leaves the sheets that are tables of the contract; one at least.
fn settle(found: &mut Vec<(usize, Found)>, is_declared: bool) {
    let best = found.iter().map(|(_, sheet)| sheet.matches()).max().unwrap_or(0);
    if is_declared {
        let is_table = |sheet: &Found| if best > 0 { sheet.matches() > 0 } else { sheet.header.is_some() };
        if found.iter().any(|(_, sheet)| is_table(sheet)) {
            found.retain(|(_, sheet)| is_table(sheet));
        } else {
            found.truncate(1);
        }
        return;
    }
    found.retain(|(_, sheet)| sheet.matches() == best);
    let columns = found.first().and_then(|(_, sheet)| sheet.columns());
    let mut is_first = true;
    // Without any name of the contract, the first sheet is as good as another.
    found.retain(|(_, sheet)| std::mem::take(&mut is_first) || best > 0 && sheet.columns() == columns);
}

/// Returns the sheets to try: those that the contract's glob names, or all that a person sees.
fn candidates(path: &Arc<str>, labels: &[Label], options: &XlsxOptions) -> Result<Vec<usize>, Error> {
    let of = |is_wanted: &dyn Fn(&Label) -> bool| -> Vec<usize> {
        (0..labels.len()).filter(|index| is_wanted(&labels[*index])).collect()
    };
    let Some(pattern) = &options.sheet else {
        let visible = of(&|label| label.is_visible);
        return Ok(if visible.is_empty() { of(&|_| true) } else { visible });
    };
    let glob = Glob::new(pattern)
        .map_err(|error| Error::unreadable(path, error.to_string(), "correct `sheet` in the source's contract"))?;
    let matcher = glob.compile_matcher();
    let exact = of(&|label| label.name == *pattern);
    let visible = of(&|label| label.is_visible && matcher.is_match(&label.name));
    let found = if exact.is_empty() { visible } else { exact };
    let found = if found.is_empty() { of(&|label| matcher.is_match(&label.name)) } else { found };
    if found.is_empty() {
        let all: Vec<&str> = labels.iter().map(|label| label.name.as_str()).collect();
        let hint = format!("its sheets are: {}", all.join(", "));
        return Err(Error::unreadable(path, format!("no sheet is named `{pattern}`"), hint));
    }
    Ok(found)
}

/// Looks at the first rows of a sheet.
fn look(
    path: &Arc<str>,
    book: &mut dyn Book,
    index: usize,
    options: &XlsxOptions,
    names: &Names,
) -> Result<Found, Error> {
    let name = book.labels()[index].name.clone();
    let mut rows = book.open(index)?;
    let (mut head, mut titles) = (VecDeque::new(), 0);
    let mut cells = Cells::default();
    let first_line = options.header_row.unwrap_or(0);
    while head.len() < HEAD_ROWS && rows.next(&mut cells)? {
        if cells.is_blank() {
            continue;
        }
        if cells.line < first_line {
            titles += 1;
        } else {
            head.push_back(cells.clone());
        }
    }
    let is_there = |row: &Cells| row.line == first_line || options.header_row.is_none();
    if head.front().map_or(titles > 0, |row| !is_there(row)) {
        let reason = format!("sheet `{name}` has nothing in row {first_line}, where the header should be");
        return Err(Error::unreadable(path, reason, "correct `header_row` in the source's contract, or remove it"));
    }
    let header = choose(head.make_contiguous(), options, names);
    if let (None, Some(rows), false) = (&header, options.header_rows, head.is_empty()) {
        let reason = format!("sheet `{name}` has no header of {} under each other", counted(rows, "row"));
        return Err(Error::unreadable(path, reason, "correct `header_rows` in the source's contract, or remove it"));
    }
    Ok(Found { name, rows, head, titles, header })
}
