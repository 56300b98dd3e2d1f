//! Rows that are not as expected as an aligned table:
//!
//! ```text
//!       | month      | brand | units   |
//!     ~ | 2026-05-01 | A     | [3 → 4] |   there with other values: expected → actual
//!     - | 2026-05-01 | B     | 7       |   expected and not there
//!     + | 2026-06-01 | NULL  | 1       |   there and not expected
//! ```

use std::fmt::Write;

use unicode_width::UnicodeWidthStr;

use crate::record::test_result::{CellDiff, RowDiff, RowsDiff, Shown};

/// Rows that are shown before a line says how many more there are.
const MOST_ROWS: usize = 40;

/// Draws the table.
pub(super) fn table(diff: &RowsDiff) -> String {
    let rows: Vec<(char, Vec<String>)> = diff.rows.iter().take(MOST_ROWS).map(row).collect();
    let header = (' ', diff.columns.clone());
    let lines: Vec<&(char, Vec<String>)> = [&header].into_iter().chain(&rows).collect();
    let widths: Vec<usize> =
        (0..diff.columns.len()).map(|at| lines.iter().map(|(_, cells)| cells[at].width()).max().unwrap_or(0)).collect();
    let mut out = String::new();
    for (mark, cells) in lines {
        let cells: Vec<String> = cells.iter().zip(&widths).map(|(cell, width)| padded(cell, *width)).collect();
        // Writing to a String cannot fail.
        let _ = writeln!(out, "    {mark} | {} |", cells.join(" | "));
    }
    match diff.rows.len().checked_sub(MOST_ROWS) {
        Some(more @ 1..) => out + &format!("      … and {more} more\n"),
        _ => out,
    }
}

fn row(row: &RowDiff) -> (char, Vec<String>) {
    match row {
        RowDiff::Missing(values) => ('-', values.iter().map(value).collect()),
        RowDiff::Surplus(values) => ('+', values.iter().map(value).collect()),
        RowDiff::Different(cells) => ('~', cells.iter().map(cell).collect()),
    }
}

fn cell(cell: &CellDiff) -> String {
    match cell {
        CellDiff::Same(same) => value(same),
        CellDiff::Changed { expected, actual } => format!("[{} → {}]", value(expected), value(actual)),
    }
}

/// Returns a value on one line; a text that could be taken for something else stands in quotes.
fn value(value: &Shown) -> String {
    match value {
        None => "NULL".to_owned(),
        Some(text) if text.is_empty() || text.trim() != text || text == "NULL" || text.contains(['\n', '|', '"']) => {
            format!("{text:?}")
        }
        Some(text) => text
            .chars()
            .flat_map(|part| if part.is_control() { part.escape_default().collect::<Vec<_>>() } else { vec![part] })
            .collect(),
    }
}

fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}
