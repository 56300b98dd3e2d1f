//! How much a file may grow while it is opened.
//!
//! In: what a contract or the program sets. Out: the limits that unpacking and workbooks keep. Deliberately no limits of
//! rows or of the packed file itself: those are the run's affair.

/// Limits against files that are small outside and endless inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes that all that is packed in one file may have unpacked.
    pub most_bytes: u64,
    /// Unpacked bytes for each packed one, counted beyond the first 16 MiB.
    pub most_ratio: u64,
    /// Members of an archive.
    pub most_members: usize,
    /// Rows of a sheet, blank ones included.
    pub most_sheet_rows: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { most_bytes: 64 << 30, most_ratio: 1_000, most_members: 10_000, most_sheet_rows: 1 << 24 }
    }
}
