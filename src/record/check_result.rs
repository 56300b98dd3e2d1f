//! What a data check found.

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
    /// Rows (for `unique`: keys) that fail; for `row_count` 1 when the number is out of range.
    pub failed_rows: u64,
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
        !self.is_passed() && self.severity == CheckSeverity::Error
    }
}
