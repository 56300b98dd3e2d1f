//! Unit tests of models as validated: what is given, what must come out, each value with its place.
//!
//! In: the text of a `<table>.test.yaml` and its path below the folder of models. Out: a [`TestFile`], or everything that is
//! wrong with it. Deliberately knows no column and no type: which tables, columns and values there are, only a planned model
//! can say.

mod read;
mod table;
mod write;

use std::{collections::BTreeMap, sync::Arc};

use chrono::NaiveDate;

use super::findings::suggestion;
use crate::record::{Diagnostic, Place, Placed, TableName, Text};

pub use read::{read, read_loosely};
pub use write::{WrittenRows, WrittenTest};

/// What the name of a file of unit tests ends in.
pub const ENDING: &str = ".test.yaml";

/// The unit tests of one model.
#[derive(Debug, Clone)]
pub struct TestFile {
    /// The file.
    pub text: Arc<Text>,
    /// The table of the model beside which it lies.
    pub model: TableName,
    /// The tests in the order of the file.
    pub tests: Vec<UnitTest>,
}

/// One unit test.
#[derive(Debug, Clone)]
pub struct UnitTest {
    /// What holds.
    pub name: Placed<String>,
    /// Why, or how the numbers were worked out.
    pub description: Option<String>,
    /// The day as of which the model answers.
    pub run_date: Option<NaiveDate>,
    /// Variables with another value than the pipeline's, as text.
    pub variables: Vec<(Placed<String>, Placed<String>)>,
    /// Rows of tables that the model reads.
    pub given: Vec<Given>,
    /// What the query gives.
    pub expect: Option<Expected>,
    /// What its common table expressions give.
    pub expect_ctes: Vec<(Placed<String>, Expected)>,
    /// What the table of a history holds.
    pub expect_history: Option<Expected>,
}

/// The rows of one table.
#[derive(Debug, Clone)]
pub struct Given {
    /// The table.
    pub table: Placed<TableName>,
    /// Values of columns that a row leaves out.
    pub defaults: Vec<Cell>,
    /// The rows.
    pub rows: Vec<Row>,
}

/// What must come out.
#[derive(Debug, Clone)]
pub struct Expected {
    /// Where it is written.
    pub place: Place,
    /// The rows.
    pub rows: Vec<Row>,
    /// Whether they must come in this order.
    pub is_ordered: bool,
    /// Whether columns that no row names are compared too, as NULL.
    pub is_complete: bool,
    /// By how much a DOUBLE may differ, absolutely; None is the relative default.
    pub tolerance: Option<f64>,
}

/// One row.
#[derive(Debug, Clone)]
pub struct Row {
    /// Where it is written.
    pub place: Place,
    /// Its values by column, in the order as written.
    pub cells: Vec<Cell>,
}

/// One value of a row.
#[derive(Debug, Clone)]
pub struct Cell {
    /// The column.
    pub column: Placed<String>,
    /// The value as text; None is NULL.
    pub value: Placed<Option<String>>,
}

/// Finds files of tests beside which no model lies.
#[must_use]
pub fn without_model<'a>(files: &[TestFile], models: impl Iterator<Item = &'a TableName>) -> Vec<Diagnostic> {
    if files.is_empty() {
        return Vec::new();
    }
    let models: BTreeMap<&TableName, String> = models.map(|name| (name, name.to_string())).collect();
    let strays = files.iter().filter(|file| !models.contains_key(&file.model));
    let finding = |file: &TestFile| {
        let (name, place) = (file.model.to_string(), Place::start_of(Arc::clone(&file.text)));
        Diagnostic::error(format!("there is no model `{name}` to be tested"), place)
            .hint(suggestion(&name, models.values().map(String::as_str)))
    };
    strays.map(finding).collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
mod tests;
