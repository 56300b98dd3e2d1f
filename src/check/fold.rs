//! Many checks of one table in one scan.
//!
//! ```text
//!  SELECT count(*), count(c1), …              one count for each check, one for each different filter
//!  FROM (SELECT CASE WHEN … THEN 1 END AS c1, … FROM table)
//! ```
//!
//! In: the checks of a table. Out: queries, and for each check where in their one row its counts stand. A text that holds a
//! query of its own cannot be part of a projection, so such a check is counted alone. Deliberately runs nothing.

use std::collections::BTreeMap;

use arrow::datatypes::Schema;

use super::query;
use crate::{
    define::project::{Check, Dialect},
    record::{Diagnostic, TableName, sql::quoted_table},
};

/// Counts of one query, so that a plan stays small.
const MOST_MARKS: usize = 128;

/// A query with one row of counts.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// How its texts are read.
    pub dialect: Dialect,
    /// Expressions that are 1 for a row that counts, else NULL; each with its position in the row.
    marks: Vec<String>,
    /// Positions of filters by their text.
    filters: BTreeMap<String, usize>,
}

/// Where in which row the counts of a check stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counted {
    /// Which scan.
    pub scan: usize,
    /// Rows that are looked at; None counts all rows.
    pub looked_at: Option<usize>,
    /// Failing rows; None where the scan cannot count them.
    pub failed: Option<usize>,
}

/// Position of the number of all rows.
pub(super) const ALL_ROWS: usize = 0;

/// The scans of a table, and where the counts of each check stand; None for one that no scan counts.
pub(super) type Folded = (Vec<Scan>, Vec<Option<Counted>>);

/// Folds the checks of a table.
///
/// # Errors
/// A bound that is no value of its column.
pub(super) fn fold(checks: &[&Check], schema: &Schema) -> Result<Folded, Box<Diagnostic>> {
    let mut scans = vec![Scan::default()];
    let mut counted = Vec::with_capacity(checks.len());
    for check in checks {
        let texts = check.filter.iter().map(|filter| &filter.value);
        if texts.into_iter().any(|text| query::has_subquery(text)) {
            counted.push(None);
            continue;
        }
        let condition = query::condition(check, schema)?.filter(|condition| !query::has_subquery(condition));
        let has_room = |scan: &Scan| scan.dialect == check.dialect && scan.marks.len() < MOST_MARKS;
        let last = scans.iter().rposition(has_room).unwrap_or_else(|| {
            scans.push(Scan { dialect: check.dialect, ..Scan::default() });
            scans.len() - 1
        });
        let scan = &mut scans[last];
        let looked_at = check.filter.as_ref().map(|filter| scan.filter(&filter.value));
        let failed = condition.map(|condition| scan.mark(query::mark(check, &condition)));
        counted.push(Some(Counted { scan: last, looked_at, failed }));
    }
    Ok((scans, counted))
}

impl Scan {
    /// Adds what is counted and returns the position of its count.
    fn mark(&mut self, mark: String) -> usize {
        self.marks.push(mark);
        self.marks.len()
    }

    fn filter(&mut self, filter: &str) -> usize {
        if let Some(&position) = self.filters.get(filter) {
            return position;
        }
        let position = self.mark(format!("CASE WHEN ({filter}\n) THEN 1 END"));
        self.filters.insert(filter.to_owned(), position);
        position
    }

    /// Returns the query; the number of all rows stands first in its row.
    pub(super) fn sql(&self, table: &TableName) -> String {
        let numbered = || (1..).zip(&self.marks);
        let inner: Vec<String> = numbered().map(|(position, mark)| format!("{mark} AS c{position}")).collect();
        let counts = numbered().map(|(position, _)| format!("count(c{position}) AS n{position}"));
        let counts: Vec<String> = std::iter::once("count(*) AS n0".to_owned()).chain(counts).collect();
        let table = quoted_table(table);
        if inner.is_empty() {
            return format!("SELECT count(*) AS n0 FROM {table}");
        }
        format!("SELECT {} FROM (SELECT {} FROM {table}) AS looked", counts.join(", "), inner.join(", "))
    }
}
