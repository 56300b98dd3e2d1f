//! What a data check found.

use chrono::NaiveDate;
use serde_json::value::RawValue;

use super::TableName;
use crate::define::project::CheckSeverity;

/// What a check found.
#[derive(Debug, Clone, serde::Serialize)]
pub struct CheckResult {
    /// The table.
    pub table: TableName,
    /// The check's name.
    pub check: String,
    /// Whether a failure stops the publication.
    pub severity: CheckSeverity,
    /// Rows (for `unique`: keys) that fail. Of a check of a number: 1 when it is out of bounds; with `by`, the partition
    /// values for which it is.
    pub failed_rows: u64,
    /// Rows that were looked at, where they were counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub looked_at_rows: Option<u64>,
    /// Whether so many failing rows are no failure.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_tolerated: bool,
    /// Whether a person let the failure pass in this run.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_accepted: bool,
    /// How many failing rows are no failure, or why a number is out of bounds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Words for selecting checks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Where the check is written.
    pub written_at: String,
    /// A few failing rows, as JSON that keeps every digit.
    pub samples: Vec<Box<RawValue>>,
}

impl CheckResult {
    /// Returns whether nothing failed.
    #[must_use]
    pub const fn is_passed(&self) -> bool {
        self.failed_rows == 0
    }

    /// Returns whether the publication must stop.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        !self.is_passed() && !self.is_tolerated && !self.is_accepted && self.severity == CheckSeverity::Error
    }
}

/// A row that fails a check.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CheckFailure {
    /// The table.
    pub table: TableName,
    /// The check's name.
    pub check: String,
    /// Whether it stops the publication.
    pub severity: CheckSeverity,
    /// Rows that fail it, kept or not.
    pub failed_rows: u64,
    /// Its place among the kept rows of the check, from 1.
    pub row_number: u64,
    /// Its key columns as a JSON object, without those that hold personal data.
    pub key: String,
    /// All of it, likewise.
    pub row: String,
}

/// A measure of a table on one run date.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasurePoint {
    /// The table.
    pub table: TableName,
    /// What was measured: `sum(amount) where kind = 'a'`.
    pub measure: String,
    /// The run date; a later snapshot of the same date replaces the point.
    pub run_date: NaiveDate,
    /// The value.
    pub value: f64,
}
