//! A fault of a row: what `quarantine.<source>` holds, one per (row, column, rule).

/// One fault of one row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rejection {
    /// The extract file, as listed.
    pub file: std::sync::Arc<str>,
    /// First physical line of the row, 1-based.
    pub line: u64,
    /// Where the row begins in the file's bytes; None where that has no meaning, such as in a workbook.
    pub byte_offset: Option<u64>,
    /// The contract's column, or None when the whole row is at fault.
    pub column: Option<String>,
    /// `required`, `type`, `overflow`, `precision`, `code`, `max_length`, `pattern`, `check_digit`, `validate`,
    /// `row_shape`, `encoding`, `truncated`, `quote`, or a contract rule.
    pub rule: String,
    /// One sentence for a person.
    pub reason: String,
    /// The row's original text.
    pub text: String,
}
