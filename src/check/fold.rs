//! Many checks of one table in one scan.
//!
//! ```text
//!  SELECT count(*), count(*) FILTER (WHERE f0), …          one count for each check, one for each different filter
//!  FROM (SELECT CASE WHEN (filter) THEN … END AS f0, … FROM table)
//! ```
//!
//! In: the checks of a table. Out: queries, and for each check where in their one row its counts stand. A text that holds a
//! query of its own cannot be part of a projection, so such a check is counted alone. Deliberately runs nothing.

use std::collections::BTreeMap;

use arrow::datatypes::Schema;

use super::query;
use crate::{
    define::project::Check,
    record::{Diagnostic, TableName},
};

/// Conditions in one query, so that a plan stays small.
const MOST_CONDITIONS: usize = 128;

/// A query with one row of counts.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// Conditions, each with its position in the row.
    conditions: Vec<String>,
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

/// Folds the checks of a table; None stands for one that is not counted by a scan.
///
/// # Errors
/// A bound that is no value of its column.
pub(super) fn fold(checks: &[&Check], schema: &Schema) -> Result<(Vec<Scan>, Vec<Option<Counted>>), Box<Diagnostic>> {
    let mut scans = vec![Scan::default()];
    let mut counted = Vec::with_capacity(checks.len());
    for check in checks {
        let texts = check.filter.iter().map(|filter| &filter.value);
        if texts.into_iter().any(|text| query::has_subquery(text)) {
            counted.push(None);
            continue;
        }
        let condition = query::condition(check, schema)?.filter(|condition| !query::has_subquery(condition));
        if scans.last().is_none_or(|scan| scan.conditions.len() >= MOST_CONDITIONS) {
            scans.push(Scan::default());
        }
        let last = scans.len() - 1;
        let scan = &mut scans[last];
        let looked_at = check.filter.as_ref().map(|filter| scan.filter(&filter.value));
        let failed = condition.map(|condition| scan.condition(query::filtered(check, &condition)));
        counted.push(Some(Counted { scan: last, looked_at, failed }));
    }
    Ok((scans, counted))
}

impl Scan {
    /// Adds a condition and returns the position of its count.
    fn condition(&mut self, condition: String) -> usize {
        self.conditions.push(condition);
        self.conditions.len()
    }

    fn filter(&mut self, filter: &str) -> usize {
        if let Some(&position) = self.filters.get(filter) {
            return position;
        }
        let position = self.condition(format!("({filter}\n)"));
        self.filters.insert(filter.to_owned(), position);
        position
    }

    /// Returns the query; the number of all rows stands first in its row.
    pub(super) fn sql(&self, table: &TableName) -> String {
        let column = |position: usize| format!("\"count {position}\"");
        let numbered = || (1..).zip(&self.conditions);
        let inner: Vec<String> =
            numbered().map(|(position, condition)| format!("{condition} AS {}", column(position))).collect();
        let counts = numbered().map(|(position, _)| format!("count(*) FILTER (WHERE {})", column(position)));
        let counts: Vec<String> = std::iter::once("count(*)".to_owned()).chain(counts).collect();
        // Without a condition there is no column to select.
        let inner = if inner.is_empty() { "1".to_owned() } else { inner.join(", ") };
        format!("SELECT {} FROM (SELECT {inner} FROM {}) AS looked", counts.join(", "), query::quoted_table(table))
    }
}
