//! A test as text: what [`super::read`] reads back with the same values.
//!
//! In: rows as text. Out: one test of a file. Rows stand as a table, or as a list of maps where a text has more than one line.

use std::fmt::{self, Write};

use chrono::NaiveDate;

use crate::record::TableName;

/// Rows of a table as text; None is NULL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenRows {
    /// The columns.
    pub columns: Vec<String>,
    /// The values of each row, in the order of the columns.
    pub rows: Vec<Vec<Option<String>>>,
}

/// A test to be written.
#[derive(Debug, Clone)]
pub struct WrittenTest {
    /// What holds.
    pub name: String,
    /// Where the rows come from.
    pub description: String,
    /// The day as of which the model answers.
    pub run_date: NaiveDate,
    /// Values of variables.
    pub variables: Vec<(String, String)>,
    /// Rows of the tables that the model reads.
    pub given: Vec<(TableName, WrittenRows)>,
    /// Rows that it gives.
    pub expect: WrittenRows,
}

impl fmt::Display for WrittenTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "- name: {}\n  description: {}", quoted(&self.name), quoted(&self.description))?;
        writeln!(f, "  run_date: {}", self.run_date)?;
        for (index, (name, value)) in self.variables.iter().enumerate() {
            let key = if index == 0 { "  variables:\n" } else { "" };
            writeln!(f, "{key}    {name}: {}", quoted(value))?;
        }
        f.write_str("  given:\n")?;
        for (table, rows) in &self.given {
            write_rows(f, &table.to_string(), rows, "    ")?;
        }
        write_rows(f, "expect", &self.expect, "  ")
    }
}

fn write_rows(f: &mut fmt::Formatter<'_>, key: &str, rows: &WrittenRows, indent: &str) -> fmt::Result {
    if rows.rows.is_empty() || rows.columns.is_empty() {
        return writeln!(f, "{indent}{key}: []");
    }
    let lines =
        |text: &str| text.chars().any(|part| part.is_control() || matches!(part, '\u{2028}' | '\u{2029}' | '\u{feff}'));
    let is_long = rows.rows.iter().flatten().flatten().any(|text| lines(text));
    if is_long { write_list(f, key, rows, indent) } else { write_table(f, key, rows, indent) }
}

fn write_list(f: &mut fmt::Formatter<'_>, key: &str, rows: &WrittenRows, indent: &str) -> fmt::Result {
    writeln!(f, "{indent}{key}:")?;
    for row in &rows.rows {
        let cell = |(column, value): (&String, &Option<String>)| {
            format!("{}: {}", quoted(column), value.as_deref().map_or_else(|| "null".to_owned(), quoted))
        };
        let cells: Vec<String> = rows.columns.iter().zip(row).map(cell).collect();
        writeln!(f, "{indent}  - {{ {} }}", cells.join(", "))?;
    }
    Ok(())
}

fn write_table(f: &mut fmt::Formatter<'_>, key: &str, rows: &WrittenRows, indent: &str) -> fmt::Result {
    let cell = |value: &Option<String>| value.as_deref().map_or_else(|| "null".to_owned(), table_cell);
    let header: Vec<String> = rows.columns.iter().map(|name| table_cell(name)).collect();
    let lines: Vec<Vec<String>> =
        [header].into_iter().chain(rows.rows.iter().map(|row| row.iter().map(cell).collect())).collect();
    let width = |column: usize| lines.iter().map(|line| width_of(&line[column])).max().unwrap_or(0);
    let widths: Vec<usize> = (0..rows.columns.len()).map(width).collect();
    writeln!(f, "{indent}{key}: |")?;
    for line in &lines {
        let mut text = String::new();
        for (cell, width) in line.iter().zip(&widths) {
            let _ = write!(text, "| {cell}{} ", " ".repeat(width - width_of(cell)));
        }
        writeln!(f, "{indent}  {text}|")?;
    }
    Ok(())
}

fn width_of(text: &str) -> usize {
    unicode_width::UnicodeWidthStr::width(text)
}

/// Returns a text as a cell of a table.
fn table_cell(text: &str) -> String {
    let is_plain =
        !text.is_empty() && text.trim() == text && !text.contains(['|', '"']) && !["null", "~"].contains(&text);
    if is_plain { text.to_owned() } else { format!("\"{}\"", text.replace('"', "\"\"")) }
}

/// Returns a text in quotes, with the escapes that JSON and YAML share.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
