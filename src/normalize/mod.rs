//! Normalizing: text cells under a contract become typed rows, or rejections that say why not.
//!
//! In: a validated [`Source`], the file's header and batches of raw records. Out: record batches of accepted rows in
//! file order, and every fault of every other row. Pure: no I/O, no async, no clock. Deliberately does not read files,
//! count lines, or cut rows as of a day; which of two rows with one key wins is decided by [`reduce`], which sees all files
//! of a source.
//!
//! ```text
//!  Source ── compile ──► Contract ── bind(header) ──► Binding
//!                            │                           │
//!  RawBatch ──────────── normalize ◄─────────────────────┘
//!                            │
//!      cells: trim · fold · codes · null words · clean · default · parse
//!      then derived columns, then row rules
//!                            ├──► rows, lines ──► reduce: key hashes → losers ──► staged.<source>
//!                            └──► rejections ───► quarantine::to_batch ──────► quarantine.<source>
//! ```
//!
//! [`Source`]: crate::define::project::Source

mod bind;
mod calendar;
mod cell;
mod clean;
mod codes;
mod column;
mod contract;
mod describe;
mod exact;
mod expression;
mod fault;
mod figure;
mod fingerprint;
mod format;
mod kind;
mod number;
pub mod quarantine;
pub mod reduce;
mod rows;
mod text;
mod zone;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;

use arrow::array::RecordBatch;

use crate::record::Rejection;

pub use bind::{Binding, BoundCell, Unbound};
pub use contract::{CodeTableRef, Contract};
pub use format::MONTHS;
pub use reduce::VersionColumn;

/// What became of one batch of raw records.
#[derive(Debug, Clone)]
pub struct Normalized {
    /// The accepted rows in file order, with the contract's schema.
    pub rows: RecordBatch,
    /// First physical line of each accepted row, 1-based.
    pub lines: Vec<u64>,
    /// All faults, by line, then in the order of the contract's columns and rules.
    pub rejections: Vec<Rejection>,
    /// Rows with at least one fault.
    pub rejected_rows: u64,
}

/// A failure that is not the data's: a caller's mistake or a broken invariant.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A column takes its codes from another source, and [`Contract::set_codes`] was not called for it.
    #[error("the codes of `{source_name}.{column}` were not loaded from `staged.{table}`")]
    CodesMissing {
        /// The source that is being normalized.
        source_name: String,
        /// Its column.
        column: String,
        /// The source that holds the codes.
        table: String,
    },
    /// A version column is neither date, timestamp nor integer.
    #[error("a version cannot be read from a column of type {data_type}")]
    VersionType {
        /// Its type.
        data_type: String,
    },
    /// Arrow refused a batch.
    #[error("cannot build a batch of rows: {0}")]
    Arrow(#[from] arrow::error::ArrowError),
}
