//! Rows written as a table:
//!
//! ```text
//! | month      | brand | units |
//! |------------|-------|-------|
//! | 2026-05-01 | A     | 3     |
//! | 2026-05-01 | "B|C" | null  |
//! ```
//!
//! In: the text with its range. Out: rows of placed cells. An empty cell leaves its column out; `null` and `~` are NULL; in
//! double quotes stands a text as it is, `""` the empty one, with `""` for a quote.

use std::ops::Range;

use super::{Cell, Row};
use crate::{
    define::{findings::Findings, spans::At},
    record::Placed,
};

/// Reads a table; what is wrong with it goes to the findings.
pub(super) fn rows(text: &At<String>, findings: &mut Findings) -> Vec<Row> {
    let mut lines = lines(text, findings).into_iter();
    let Some(header) = lines.next() else {
        findings.error(
            &text.range,
            "the table has no line",
            "write the names of the columns between `|`, then the rows",
        );
        return Vec::new();
    };
    let names = header.cells(findings);
    for (index, name) in names.iter().enumerate() {
        if name.text.is_empty() {
            findings.error(&name.range, "a column of the table has no name", "write its name");
        } else if names[..index].iter().any(|earlier| earlier.text == name.text) {
            findings.error(&name.range, format!("the column `{}` occurs twice", name.text), "keep one of the two");
        }
    }
    let mut rows = Vec::new();
    for line in lines.filter(|line| !line.is_rule()) {
        let cells = line.cells(findings);
        if cells.len() == names.len() {
            rows.push(row(&line, &names, cells, findings));
        } else {
            let message = format!("the row has {} cells and the header {}", cells.len(), names.len());
            findings.error(&line.range, message, "separate cells by `|`; a text with `|` stands in double quotes");
        }
    }
    rows
}

/// One line of a table.
struct Line<'a> {
    text: &'a str,
    range: Range<usize>,
}

/// What stands between two bars.
struct Written {
    text: String,
    is_quoted: bool,
    range: Range<usize>,
}

impl Line<'_> {
    /// Returns whether the line only draws a rule.
    fn is_rule(&self) -> bool {
        self.text.chars().all(|part| matches!(part, '|' | '-' | ':' | '+' | ' '))
    }

    /// Cuts the line at its bars.
    fn cells(&self, findings: &mut Findings) -> Vec<Written> {
        let inner = self.text.strip_prefix('|').unwrap_or(self.text);
        let (mut cells, mut start, mut is_quoted) = (Vec::new(), self.text.len() - inner.len(), false);
        let (first, mut is_closed) = (start, false);
        for (at, character) in inner.char_indices() {
            is_closed = character == '|' && !is_quoted;
            match character {
                '"' => is_quoted = !is_quoted,
                '|' if !is_quoted => {
                    cells.push(self.cell(start..first + at));
                    start = first + at + 1;
                }
                _ => {}
            }
        }
        if is_quoted {
            findings.error(&self.range, "a quote is never closed", "write `\"\"` for a quote within quotes");
        }
        if !is_closed {
            cells.push(self.cell(start..self.text.len()));
        }
        cells
    }

    fn cell(&self, within: Range<usize>) -> Written {
        let raw = &self.text[within.clone()];
        let trimmed = raw.trim();
        let start = self.range.start + within.start + (raw.len() - raw.trim_start().len());
        let quoted = trimmed.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let text = quoted.map_or_else(|| trimmed.to_owned(), |inner| inner.replace("\"\"", "\""));
        Written { text, is_quoted: quoted.is_some(), range: start..start + trimmed.len() }
    }
}

fn row(line: &Line<'_>, names: &[Written], cells: Vec<Written>, findings: &Findings) -> Row {
    let is_given = |cell: &Written| cell.is_quoted || !cell.text.is_empty();
    let cell = |(name, cell): (&Written, Written)| Cell {
        column: Placed::new(name.text.clone(), findings.place(&name.range)),
        value: Placed::new(
            Some(cell.text).filter(|text| cell.is_quoted || !["null", "~"].contains(&text.as_str())),
            findings.place(&cell.range),
        ),
    };
    let cells = names.iter().zip(cells).filter(|(_, written)| is_given(written)).map(cell).collect();
    Row { place: findings.place(&line.range), cells }
}

/// Returns the lines that are not blank, each where it stands in the file: YAML gives a block without its indentation.
fn lines<'a>(text: &'a At<String>, findings: &Findings) -> Vec<Line<'a>> {
    let body = findings.body();
    // A block's indicator may be a bar too: its line is no line of the table.
    let raw = body.get(text.range.clone()).unwrap_or_default();
    let indicator = raw.lines().next().filter(|first| is_indicator(first)).map_or(0, str::len);
    let mut from = text.range.start + indicator;
    let mut lines = Vec::new();
    for line in text.value.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let found = body.get(from..).and_then(|rest| rest.find(line)).map(|at| from + at..from + at + line.len());
        if let Some(range) = &found {
            from = range.end;
        }
        lines.push(Line { text: line, range: found.unwrap_or_else(|| text.range.clone()) });
    }
    lines
}

fn is_indicator(line: &str) -> bool {
    let rest = line.trim().strip_prefix(['|', '>']);
    rest.is_some_and(|rest| {
        let mark = rest.split('#').next().unwrap_or_default().trim();
        mark.chars().all(|part| matches!(part, '+' | '-' | '0'..='9'))
    })
}
