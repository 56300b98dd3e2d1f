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
//! must be rebuilt or whether a run may publish (the conductor does), and object stores.

mod commit;
mod error;
mod layout;
mod retention;
mod rollback;
mod schema;
mod staging;
mod views;
mod warehouse;
mod writer;

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;

pub use commit::Prepared;
pub use error::Error;
pub use rollback::Hold;
pub use schema::{columns, stored_schema};
pub use staging::Staging;
pub use warehouse::{Lock, Warehouse, same_content, same_facts};
pub use writer::{PartitionRouter, PartitionWriter, Routes, TableSpec, TableWriter, WriterOptions, restated};
