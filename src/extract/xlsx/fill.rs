//! Merged cells in data: what is shown once for several rows stands in each of them.
//!
//! In: the rows below a header. Out: the same with the cells below a merged one filled. Deliberately leaves alone what
//! spans one row only, and what covers most of the table: a note below it, not a value.

use super::grid::Cells;

/// What merged cells still have to say, by column.
#[derive(Debug)]
pub(super) struct Fill {
    columns: std::ops::Range<usize>,
    active: Vec<Option<(u64, String)>>,
}

impl Fill {
    /// Begins below the header of a table in these columns.
    pub(super) const fn new(columns: std::ops::Range<usize>) -> Self {
        Self { columns, active: Vec::new() }
    }

    /// Fills a row that holds something of its own, until it is too long.
    pub(super) fn apply(&mut self, cells: &mut Cells) {
        if self.active.is_empty() && cells.merges.is_empty() {
            return;
        }
        for (column, active) in self.active.iter_mut().enumerate() {
            let Some((last_line, text)) = active else { continue };
            if *last_line < cells.line {
                *active = None;
            } else if cells.get(column).is_none() && !cells.is_too_long() {
                cells.put(column, text);
            }
        }
        for merge in std::mem::take(&mut cells.merges) {
            let columns = merge.first.max(self.columns.start)..(merge.last + 1).min(self.columns.end);
            let is_note = self.columns.len() > 2 && columns.len() * 2 > self.columns.len();
            if merge.last_line == merge.line || columns.is_empty() || is_note {
                continue;
            }
            let Some(text) = cells.get(merge.first).map(str::to_owned) else { continue };
            self.active.resize(self.active.len().max(columns.end), None);
            for column in columns {
                if cells.is_too_long() {
                    return;
                }
                cells.put(column, &text);
                self.active[column] = Some((merge.last_line, text.clone()));
            }
        }
    }
}
