//! Unit tests of models: given rows → the model's own SQL in the engine of a run → expected rows. No warehouse, no data.
//!
//! ```text
//!  TestFile ─ bind ─► Prepared ─ execute ─► rows ─ compare ─► TestResult
//!  texts      values typed as the           each test in a
//!             columns are                   session of its own
//! ```
//!
//! In: the tests of files, and what their models read and give. Out: findings at their places, then what each test found.
//! `staged.*` is cut as of the test's run date by the same scan as in a run. Deliberately builds no session and plans no
//! model: what a model is comes from whoever planned it.

mod bind;
mod compare;
mod example;
mod execute;
mod given;
mod mask;
mod sample;
mod value;

use std::{collections::BTreeMap, fmt, sync::Arc};

use arrow::datatypes::SchemaRef;
use chrono::NaiveDate;
use datafusion::{catalog::TableProvider, error::Result, logical_expr::LogicalPlan, prelude::SessionContext};

use crate::{
    define::{project::Model, unit_test::TestFile},
    engine::{AsOf, Parameters, Statement, parallel},
    record::{Diagnostic, Placed, TableName},
};

pub use example::{FUNCTIONS, examples};
pub use execute::run;
pub use mask::mask;
pub use sample::{Sampled, Size, sample};

/// Turns the plan of the rows as of a day, and the table as last published, into the plan of a history.
pub type HistoryPlan =
    Arc<dyn Fn(NaiveDate, LogicalPlan, Option<Arc<dyn TableProvider>>) -> Result<LogicalPlan> + Send + Sync>;

/// A model as its tests see it.
pub struct Subject<'a> {
    /// What was written.
    pub model: &'a Model,
    /// Its SQL with the pipeline's parameters.
    pub statement: &'a Statement,
    /// The published columns of its table.
    pub schema: SchemaRef,
    /// How its rows become versions, if it keeps a history.
    pub history: Option<HistoryPlan>,
}

impl fmt::Debug for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").field("model", &self.model.name).finish_non_exhaustive()
    }
}

/// A table that models read.
#[derive(Debug, Clone)]
pub struct Readable {
    /// Its columns.
    pub schema: SchemaRef,
    /// The cut that its scan applies; the run date is that of the test.
    pub as_of: Option<AsOf>,
    /// Values that its contract puts in the place of an empty cell, by column.
    pub defaults: BTreeMap<String, String>,
    /// Columns that its contract derives from others, each after those that it may use.
    pub derived: Vec<(String, Placed<String>)>,
}

/// What tests are checked against.
pub struct Around<'a> {
    /// Models by name.
    pub subjects: BTreeMap<TableName, Subject<'a>>,
    /// Tables by name.
    pub tables: BTreeMap<TableName, Readable>,
    /// The pipeline's parameters.
    pub parameters: &'a Parameters,
    /// A session over all tables without rows.
    pub session: &'a SessionContext,
    /// Makes the project's views with parameters.
    pub views: &'a (dyn Fn(&Parameters) -> BTreeMap<TableName, Arc<Statement>> + Sync),
}

impl fmt::Debug for Around<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Around").field("subjects", &self.subjects).finish_non_exhaustive()
    }
}

/// A test that can be run.
#[derive(Debug)]
pub struct Prepared {
    /// The model.
    pub model: TableName,
    /// The test's name, with its place.
    pub name: Placed<String>,
    tables: Vec<(TableName, Arc<dyn TableProvider>)>,
    questions: Vec<execute::Question>,
}

/// Types all values of all tests, on so many threads. A test of a model that is not known is left out silently: somebody else has said so.
///
/// # Errors
/// Every table, column, common table expression, variable and value that cannot be.
pub fn prepare(
    files: &[TestFile],
    around: &Around<'_>,
    threads: usize,
) -> std::result::Result<Vec<Prepared>, Vec<Diagnostic>> {
    let known = files.iter().filter_map(|file| Some((around.subjects.get(&file.model)?, &file.tests)));
    let tests: Vec<_> = known.flat_map(|(subject, tests)| tests.iter().map(move |test| (subject, test))).collect();
    let (mut prepared, mut findings) = (Vec::new(), Vec::new());
    for answer in parallel::each(threads, &tests, |(subject, test)| parallel::wait(bind::bind(test, subject, around))) {
        match answer {
            Ok(test) => prepared.push(test),
            Err(found) => findings.extend(found),
        }
    }
    if findings.is_empty() { Ok(prepared) } else { Err(findings) }
}
