//! What a unit test of a model found.

use super::TableName;

/// What a test found.
#[derive(Debug, Clone, PartialEq)]
pub struct TestResult {
    /// The model.
    pub model: TableName,
    /// The test's name.
    pub test: String,
    /// Where it is written: file, line and column.
    pub written_at: String,
    /// How long it took.
    pub seconds: f64,
    /// What is not as expected; nothing where the test passed.
    pub failures: Vec<TestFailure>,
}

impl TestResult {
    /// Returns whether everything is as expected.
    #[must_use]
    pub fn is_passed(&self) -> bool {
        self.failures.is_empty()
    }
}

/// One thing that is not as expected.
#[derive(Debug, Clone, PartialEq)]
pub struct TestFailure {
    /// What was looked at.
    pub asked: Asked,
    /// What is wrong with it.
    pub found: Found,
}

/// What a test looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// What the query gives.
    Result,
    /// What a common table expression gives.
    Cte(String),
    /// What the table of a history holds.
    History,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// The query cannot be computed from the given rows.
    Failed(String),
    /// It gives other rows.
    Rows(RowsDiff),
}

/// How the rows differ.
#[derive(Debug, Clone, PartialEq)]
pub struct RowsDiff {
    /// The columns that were compared.
    pub columns: Vec<String>,
    /// Rows that are as expected.
    pub equal_rows: usize,
    /// The others: those that were expected in the order of the test, then those that were not.
    pub rows: Vec<RowDiff>,
}

impl RowsDiff {
    /// Returns how many rows were expected.
    #[must_use]
    pub fn expected_rows(&self) -> usize {
        self.equal_rows + self.rows.iter().filter(|row| !matches!(row, RowDiff::Surplus(_))).count()
    }

    /// Returns how many rows there are.
    #[must_use]
    pub fn actual_rows(&self) -> usize {
        self.equal_rows + self.rows.iter().filter(|row| !matches!(row, RowDiff::Missing(_))).count()
    }
}

/// A value as text, None where it is NULL.
pub type Shown = Option<String>;

/// A row that is not as expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowDiff {
    /// It is expected and not there.
    Missing(Vec<Shown>),
    /// It is there and not expected.
    Surplus(Vec<Shown>),
    /// It is there with other values.
    Different(Vec<CellDiff>),
}

/// One value of a row that is there with other values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CellDiff {
    /// It is as expected.
    Same(Shown),
    /// It is not.
    Changed {
        /// What was expected.
        expected: Shown,
        /// What is there.
        actual: Shown,
    },
}
