//! Definitions: YAML, contracts and SQL headers → one checked [`Project`] with source spans.
//!
//! ```text
//!  text ─ yaml ─► file (as written, with ranges) ─ pipeline, source, model ─► project (as validated, with places)
//!                                                  │
//!                                                  └► every finding a Diagnostic: file, line, column, span, hint
//! ```
//!
//! In: texts, paths and a way to ask for environment variables. Out: [`PipelineFile`], then [`Project`], or every
//! problem found. Deliberately absent: reading files, and planning SQL; names of columns in models are the planner's.

pub mod entity;
pub mod project;

mod assemble;
mod checks;
mod column;
mod file;
mod files;
mod findings;
mod fixed_width;
mod format;
mod function;
mod history;
mod kind;
mod labels;
mod mend;
mod model;
mod names;
mod paths;
pub use paths::is_database;
mod pipeline;
mod report;
pub mod schema;
mod seeds;
pub mod select;
mod source;
mod spans;
mod types;
pub mod unit_test;
mod values;
mod yaml;

#[cfg(test)]
mod tests;

pub use assemble::{Known, assemble, assemble_loosely};
pub use findings::suggestion;
pub use function::{is_function, read as read_function};
pub use model::{named as named_model, read as read_model};
pub use pipeline::{PipelineFile, read_pipeline, read_pipeline_loosely};
pub use project::Project;
pub use report::read as read_report;
pub use source::read as read_source;
pub use types::name as type_name;
pub use values::reads_like;

/// Answers what an environment variable holds; only the command line knows.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;
