//! DataFusion, once: sessions, parameters, SQL functions, expressions, tables.
//!
//! In → out: settings become sessions in which SQL is planned and run over the files of a snapshot. Nobody else builds a
//! session, so memory, threads, functions and the spelling of types are decided here and only here.

mod begin_again;
pub mod catalog;
pub mod clash;
mod dialect;
pub mod expression;
mod files;
pub mod functions;
mod guards;
pub mod ignored;
pub mod meter;
pub mod once;
pub mod operators;
pub mod parallel;
pub mod parameters;
pub mod partition_set;
pub mod plain;
mod pool;
pub mod probe;
pub mod problem;
pub mod scarcity;
pub mod session;
mod small_sides;
pub mod statement;
pub mod table;
pub mod types;
pub mod units;
pub mod user_function;
pub mod value_set;
mod windows;

pub use catalog::{Catalog, CatalogTable};
pub use parameters::Parameters;
pub use partition_set::PartitionSet;
pub use problem::Problem;
pub use session::{Engine, Settings};
pub use statement::Statement;
pub use table::{AsOf, SnapshotTable, TablePartition};
