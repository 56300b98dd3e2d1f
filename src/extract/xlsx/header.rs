//! Where a sheet's header stands, and what its columns are called.
//!
//! In: the first rows of a sheet, what is declared, the contract's names. Out: the header's rows, and a name for each
//! column. A header may have up to three rows: an upper cell that is merged over several columns, or is followed by empty
//! ones, counts for all of them. Deliberately looks at no row below the first fifty.

use super::grid::Cells;
use crate::{
    define::project::XlsxOptions,
    extract::header::{Names, fold},
};

/// Rows that are looked at.
pub(super) const HEAD_ROWS: usize = 50;

/// The most rows of a header that is not declared.
const MOST_LEVELS: usize = 3;

/// A chosen header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    /// Index of its first row among the rows that were looked at.
    pub index: usize,
    /// Its rows.
    pub levels: usize,
    /// Column of the sheet in which the table begins.
    pub left: usize,
    /// Column names as written; empty where a column has none.
    pub names: Vec<String>,
    /// Different names of the contract among them.
    pub matches: usize,
}

impl Header {
    /// Returns the names as they are compared.
    pub(super) fn folded(&self) -> Vec<String> {
        self.names.iter().map(|name| fold(name)).collect()
    }
}

/// Chooses the header: most names of the contract, then fewest rows, then first. Without any name, the first row that is
/// half as full as the fullest.
pub(super) fn choose(head: &[Cells], options: &XlsxOptions, names: &Names) -> Option<Header> {
    let declared = options.header_rows.and_then(|rows| usize::try_from(rows).ok());
    let levels = declared.map_or(1..=MOST_LEVELS, |levels| levels..=levels);
    let rows = if options.header_row.is_some() { head.len().min(1) } else { head.len() };
    let mut best: Option<Header> = None;
    for levels in levels.clone() {
        for index in 0..rows {
            let Some(header) = header(head, index, levels, names) else { continue };
            let is_better = |best: &Header| header.matches > best.matches;
            if header.matches > 0 && best.as_ref().is_none_or(is_better) {
                best = Some(header);
            }
        }
    }
    if best.is_some() {
        return best;
    }
    let fullest = head[..rows].iter().map(|row| row.filled().count()).max()?;
    let index = head[..rows].iter().position(|row| row.filled().count() * 2 >= fullest)?;
    let levels = declared.unwrap_or_else(|| merged_levels(head, index));
    header(head, index, levels, names)
}

/// Returns how many rows a header has by its merged cells: one that spans columns has names below it.
fn merged_levels(head: &[Cells], index: usize) -> usize {
    let row = &head[index];
    let is_wide = row.merges.iter().any(|merge| merge.last > merge.first && merge.last_line == merge.line);
    let tallest = row.merges.iter().filter(|merge| merge.first == merge.last).map(|merge| merge.last_line).max();
    let levels =
        tallest.map_or(1, |last| usize::try_from(last.saturating_sub(row.line)).unwrap_or(0).saturating_add(1));
    if is_wide && levels <= MOST_LEVELS { levels } else { 1 }
}

/// Makes a header of the rows from `index` on; None where they do not stand under each other.
fn header(head: &[Cells], index: usize, levels: usize, names: &Names) -> Option<Header> {
    let rows = head.get(index..index + levels)?;
    let is_dense = rows.windows(2).all(|pair| pair[0].line + 1 == pair[1].line);
    let first = rows.iter().filter_map(|row| row.filled().next()).min()?;
    if !is_dense {
        return None;
    }
    // A column without a name at the left counts if the first record has something there.
    let below = head.get(index + levels).and_then(|row| row.filled().next());
    let left = below.filter(|below| *below < first).unwrap_or(first);
    let width = rows.iter().map(Cells::width).max()?;
    let spread: Vec<Vec<&str>> = rows.iter().map(|row| spread(row, width)).collect();
    let mut written: Vec<String> = (left..width).map(|column| name(rows, &spread, column, names)).collect();
    while written.last().is_some_and(|name| name.trim().is_empty()) {
        written.pop();
    }
    let mut matched: Vec<String> = written.iter().filter(|name| names.has(name)).map(|name| fold(name)).collect();
    matched.sort_unstable();
    matched.dedup();
    Some(Header { index, levels, left, names: written, matches: matched.len() })
}

/// Returns the names of one row of a header by column, each spread over the columns that it may stand for.
fn spread(row: &Cells, width: usize) -> Vec<&str> {
    let mut names: Vec<&str> = (0..width).map(|column| row.get(column).unwrap_or_default()).collect();
    if row.merges.is_empty() {
        for column in 1..width {
            if names[column].trim().is_empty() {
                names[column] = names[column - 1];
            }
        }
    }
    for merge in &row.merges {
        for column in merge.first + 1..(merge.last + 1).min(width) {
            names[column] = names[merge.first];
        }
    }
    names
}

/// Joins what the rows of a header say about a column: as the contract calls it, or else with blanks between. A name that
/// is spread over a column counts if a row below says more about it.
fn name(rows: &[Cells], spread: &[Vec<&str>], column: usize, names: &Names) -> String {
    let own = |level: usize| rows[level].get(column).is_some_and(|text| !text.trim().is_empty());
    let counts = |level: &usize| own(*level) || (level + 1..rows.len()).any(own);
    let mut parts: Vec<&str> = (0..rows.len()).filter(counts).map(|level| spread[level][column]).collect();
    parts.retain(|part| !part.trim().is_empty());
    parts.dedup();
    if let [only] = parts[..] {
        return only.to_owned();
    }
    let trimmed: Vec<&str> = parts.iter().map(|part| part.trim()).collect();
    let joined = [" ", "", "_", "-", "/"].map(|between| trimmed.join(between));
    let alone = trimmed.iter().rev().map(|part| (*part).to_owned());
    let known = joined.iter().cloned().chain(alone).find(|name| names.has(name));
    known.unwrap_or_else(|| trimmed.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::{testing::hints, xlsx::grid::Merge};

    fn rows(rows: &[&[&str]]) -> Vec<Cells> {
        let row = |(line, texts): (u64, &&[&str])| {
            let mut cells = Cells::default();
            cells.start(line);
            for (column, text) in texts.iter().enumerate() {
                cells.put(column, text);
            }
            cells
        };
        (1..).zip(rows).map(row).collect()
    }

    fn chosen(head: &[Cells], names: &[&str]) -> (usize, usize, usize, String) {
        let header = choose(head, &XlsxOptions::default(), &Names::new(&hints(names)));
        header.map(|header| (header.index, header.levels, header.left, header.names.join("|"))).unwrap_or_default()
    }

    #[test]
    fn a_header_over_two_rows_is_known_by_the_contracts_names() {
        let head = rows(&[&["销售报表"], &["门店", "金额", "", "备注"], &["", "本月", "累计"], &["a", "1", "2", "x"]]);
        let expected = (1, 2, 0, "门店|金额 本月|金额 累计|备注".to_owned());
        assert_eq!(chosen(&head, &["门店", "金额 本月", "金额 累计"]), expected);
        let expected = (1, 2, 0, "门店|金额本月|金额累计|备注".to_owned());
        assert_eq!(chosen(&head, &["门店", "金额本月", "金额累计"]), expected);
        assert_eq!(chosen(&head, &["门店", "本月", "累计"]), (1, 2, 0, "门店|本月|累计|备注".to_owned()));
        assert_eq!(chosen(&head, &["门店"]), (1, 1, 0, "门店|金额||备注".to_owned()));
    }

    #[test]
    fn merged_cells_show_a_header_over_two_rows() {
        let mut head = rows(&[&["门店", "金额", "", "备注"], &["", "本月", "累计"], &["a", "1", "2", "x"]]);
        head[0].merges = vec![
            Merge { line: 1, last_line: 2, first: 0, last: 0 },
            Merge { line: 1, last_line: 1, first: 1, last: 2 },
        ];
        assert_eq!(chosen(&head, &[]), (0, 2, 0, "门店|金额 本月|金额 累计|备注".to_owned()));
    }

    #[test]
    fn a_column_without_name_at_the_left_counts_if_it_holds_something() {
        let head = rows(&[&["", "", "a", "b"], &["", "0", "1", "2"]]);
        assert_eq!(chosen(&head, &["a", "b"]), (0, 1, 1, "|a|b".to_owned()));
        let head = rows(&[&["title"], &["", "", "a", "b"], &["", "", "1", "2"]]);
        assert_eq!(chosen(&head, &["a", "b"]), (1, 1, 2, "a|b".to_owned()));
    }
}
