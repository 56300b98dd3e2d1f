//! Rows of text for people: aligned columns, wide characters counted as two, NULL as `∅`, the line in front.

use std::io::{self, Write};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::document::{Document, Output};
use crate::{record::RawBatch, run::Head};

/// What stands for NULL; an empty text is blank.
const NULL: &str = "∅";
/// Rows by which the widths of columns are measured; later rows follow as they are.
const MEASURED_ROWS: usize = 1_000;
/// Cells of a terminal that one cell of a row may take there.
const WIDEST_ON_TERMINAL: usize = 32;
/// Width to which cells are filled up at most; longer ones stand out.
const WIDEST_FILLED: usize = 60;

/// A table in the making.
pub(super) struct Table {
    output: Output,
    /// Width of the terminal; None where the output is none and nothing is cut.
    terminal: Option<usize>,
    tables: usize,
    part: String,
    columns: usize,
    /// Header and rows until their widths are measured.
    held: Vec<Vec<String>>,
    widths: Option<Vec<usize>>,
}

impl Table {
    pub fn new(output: Output, may_be_terminal: bool) -> Self {
        let terminal = terminal_size::terminal_size_of(io::stdout()).filter(|_| may_be_terminal);
        Self {
            output,
            terminal: terminal.map(|(width, _)| usize::from(width.0)),
            tables: 0,
            part: String::new(),
            columns: 0,
            held: Vec::new(),
            widths: None,
        }
    }

    fn cell(&self, text: &str) -> String {
        let text = flat(text);
        if self.terminal.is_some() { cut(&text, WIDEST_ON_TERMINAL) } else { text }
    }

    /// Measures what is held, and writes it.
    fn release(&mut self) -> io::Result<()> {
        let held = std::mem::take(&mut self.held);
        let Some(header) = held.first() else { return Ok(()) };
        let width = |column: usize| held.iter().map(|row| row[column].width()).max().unwrap_or(0).min(WIDEST_FILLED);
        let all: Vec<usize> = (0..header.len()).map(width).collect();
        let fitting = self.terminal.map_or(all.len(), |terminal| fitting(&all, terminal));
        let left_out = all.len() - fitting;
        let widths = all[..fitting].to_vec();
        for (index, row) in held.iter().enumerate() {
            self.line(row, &widths)?;
            if index == 0 {
                let rule: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
                writeln!(self.output, "{}", rule.join("─┼─"))?;
            }
        }
        if left_out > 0 {
            writeln!(self.output, "… and {left_out} more {}", if left_out == 1 { "column" } else { "columns" })?;
        }
        self.widths = Some(widths);
        Ok(())
    }

    fn line(&mut self, row: &[String], widths: &[usize]) -> io::Result<()> {
        let padded = |(cell, width): (&String, &usize)| {
            let blanks = width.saturating_sub(cell.width());
            format!("{cell}{}", " ".repeat(blanks))
        };
        let line = row.iter().zip(widths).map(padded).collect::<Vec<_>>().join(" │ ");
        writeln!(self.output, "{}", line.trim_end())
    }
}

impl Document for Table {
    fn begin(&mut self, head: Head<'_>) -> io::Result<()> {
        if self.tables > 0 {
            writeln!(self.output)?;
        }
        self.tables += 1;
        head.part.clone_into(&mut self.part);
        self.columns = head.columns.len();
        self.widths = None;
        writeln!(self.output, "{}", flat(head.part))?;
        let names = head.columns.iter().map(|name| self.cell(name));
        self.held = vec![std::iter::once("line".to_owned()).chain(names).collect()];
        Ok(())
    }

    fn row(&mut self, batch: &RawBatch, row: usize) -> io::Result<()> {
        let text = |column| batch.cell(row, column).map_or_else(|| NULL.to_owned(), |text| self.cell(text));
        let line = std::iter::once(batch.line(row).to_string());
        let cells: Vec<String> = line.chain((0..self.columns).map(text)).collect();
        if let Some(widths) = self.widths.clone() {
            return self.line(&cells, &widths);
        }
        self.held.push(cells);
        if self.held.len() > MEASURED_ROWS { self.release() } else { Ok(()) }
    }

    fn end(&mut self) -> io::Result<()> {
        if self.widths.is_none() { self.release() } else { Ok(()) }
    }

    fn finish(self: Box<Self>) -> io::Result<Output> {
        Ok(self.output)
    }
}

/// Returns how many columns fit into a width, at least the line and one more.
fn fitting(widths: &[usize], terminal: usize) -> usize {
    let mut taken = 0;
    let fits = |width: &&usize| {
        taken += **width + 3;
        taken <= terminal + 3
    };
    widths.iter().take_while(fits).count().max(2).min(widths.len())
}

/// Writes line ends and other control characters as they are escaped in code, so that a cell stays on its line.
fn flat(text: &str) -> String {
    let mut flat = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\r' | '\t' => flat.extend(character.escape_default()),
            control if control.is_control() || is_invisible(control) => flat.extend(control.escape_unicode()),
            other => flat.push(other),
        }
    }
    flat
}

/// Byte order marks, zero-width blanks and marks that turn the direction of text.
const fn is_invisible(character: char) -> bool {
    matches!(character, '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Cuts a text to a width.
fn cut(text: &str, most: usize) -> String {
    if text.width() <= most {
        return text.to_owned();
    }
    let mut width = 0;
    let fits = |character: &char| {
        width += character.width().unwrap_or(0);
        width < most
    };
    text.chars().take_while(fits).collect::<String>() + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_stays_on_its_line() {
        assert_eq!(flat("a\nb\u{0}\u{202e}山"), "a\\nb\\u{0}\\u{202e}山");
    }

    #[test]
    fn a_long_cell_is_cut_by_its_width() {
        assert_eq!(cut("山东重工", 8), "山东重工");
        assert_eq!(cut("山东重工", 7), "山东重…");
        assert_eq!(cut("山东重工", 6), "山东…");
    }

    #[test]
    fn columns_that_do_not_fit_are_left_out() {
        assert_eq!(fitting(&[4, 10, 10], 30), 3);
        assert_eq!(fitting(&[4, 10, 10], 29), 2);
        assert_eq!(fitting(&[4, 100], 20), 2);
    }
}
