//! Publish: typed batches become files, files become a snapshot, and one rename shows it to every reader.
//!
//! ```text
//!  RecordBatch ──► TableWriter ──► staging/<run>/…  ──► prepare ──► snapshots/<id>/… ──► commit ──► current
//!                  routed, sorted,  named by content     links,       manifest.json,      one rename
//!                  spilled, hashed                       fsync        views.sql
//! ```
//!
//! In: batches of a table with its [`TableSpec`], and a manifest of what belongs together. Out: Parquet partitions with
//! content hashes, and a [`Warehouse`] whose `current` is always one whole snapshot. Deliberately absent: deciding what
//! must be rebuilt or whether a run may publish (the conductor does).

mod commit;
mod delta;
mod depot;
mod error;
mod layout;
mod logs;
mod remembered;
mod retention;
mod rollback;
mod salvage;
mod schema;
mod staging;
mod vacuum;
mod verify;
mod views;
mod warehouse;
mod writer;

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;

pub use commit::Prepared;
pub use error::Error;
pub use remembered::{Keeping, Recalled, Remembered};
pub use retention::Retention;
pub use rollback::Hold;
pub use salvage::{FinishedSource, Salvage};
pub use schema::{columns, labelled, stored_schema};
pub use staging::{Finder, Staging};
pub use vacuum::{Expired, Vacuum};
pub use verify::{Finding, Problem, Verified};
pub use warehouse::{Lock, Warehouse, same_content, same_facts};
pub use writer::{
    PartitionRouter, PartitionWriter, Routes, TableSpec, TableWriter, WriterMemory, WriterOptions, restated,
};
