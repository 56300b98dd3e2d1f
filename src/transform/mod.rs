//! Transforming: SQL models → a graph in order, what must be rebuilt and why, and the rows of what must.
//!
//! In: models, and a catalog of the tables they may read. Out: planned models, decisions, and streams of batches.
//! Deliberately writes nothing: where the rows go is the conductor's business.

mod changes;
pub mod decide;
pub mod depend;
pub mod diagnose;
pub mod evolve;
pub mod execute;
pub mod explain;
mod failed;
pub mod functions;
pub mod graph;
mod header;
pub mod history;
pub mod keyed;
pub mod lineage;
pub mod lint;
pub mod meaning;
pub mod moved;
mod narrow;
mod normal;
pub mod plan;
pub mod prove;
pub mod schema_change;
pub mod seed;
pub mod shares;
pub mod survey;
pub mod views;

pub use decide::{Decision, Reason};
pub use graph::Graph;
pub use plan::PlannedModel;
pub use prove::Prover;
pub use schema_change::{SchemaChange, schema_changes};
pub use shares::Share;

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
mod tests;
