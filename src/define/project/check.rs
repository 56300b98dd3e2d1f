//! Data checks as validated.
//!
//! In: what `define::checks` has understood. Out: one [`Check`] for each, of exactly one kind. Deliberately absent: the types
//! of columns, by which `check` reads bounds.

use super::Dialect;
use crate::record::{Place, Placed, Quantity, TableName};

/// A data check on a table.
#[derive(Debug, Clone)]
pub struct Check {
    /// Where it is written.
    pub place: Place,
    /// Its name in reports: the given one, else `not_null(month, brand)`.
    pub name: String,
    /// What is checked.
    pub kind: CheckKind,
    /// Whether a failure stops the publication.
    pub severity: CheckSeverity,
    /// How many failing rows are no failure.
    pub tolerance: Tolerance,
    /// SQL predicate: only these rows are looked at.
    pub filter: Option<Placed<String>>,
    /// How its SQL is understood; DataFusion's where none is written.
    pub dialect: Dialect,
    /// Words for selecting checks.
    pub tags: Vec<String>,
}

/// How many failing rows are no failure; where both bounds are given, both must hold.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Tolerance {
    /// Rows.
    pub rows: Option<u64>,
    /// Share of the rows that are looked at, 0..1.
    pub share: Option<Quantity>,
}

/// What a check looks at.
#[derive(Debug, Clone)]
pub enum CheckKind {
    /// None of the columns is NULL.
    NotNull(Vec<Placed<String>>),
    /// No two rows agree on all of the columns.
    Unique(Vec<Placed<String>>),
    /// The column holds nothing but these values (or NULL).
    AcceptedValues {
        /// The column.
        column: Placed<String>,
        /// The values, as text.
        values: Vec<String>,
    },
    /// Every value of the column (but NULL) stands in another table.
    Relationships {
        /// The column.
        column: Placed<String>,
        /// The other table.
        to: Placed<TableName>,
        /// Its column.
        field: Placed<String>,
    },
    /// The SQL expression is not false in any row.
    Expr(Placed<String>),
    /// Every value of the column (but NULL) lies between the bounds.
    Range {
        /// The column.
        column: Placed<String>,
        /// The smallest value.
        low: Option<Bound>,
        /// The largest.
        high: Option<Bound>,
    },
    /// The table has so many rows.
    RowCount {
        /// At least.
        min: Option<u64>,
        /// At most.
        max: Option<u64>,
    },
    /// The newest value of the column, of those up to the run date, is not older than this.
    Freshness {
        /// The column.
        column: Placed<String>,
        /// The age on the run date.
        max_age: Age,
    },
    /// A measure is not far from what it was in the previous snapshot.
    Change(Change),
    /// A measure is not far from what it used to be.
    ZScore(ZScore),
}

/// One end of a range.
#[derive(Debug, Clone)]
pub struct Bound {
    /// The value as it is written.
    pub value: Placed<String>,
    /// Whether the value itself lies outside.
    pub is_exclusive: bool,
}

/// How old something may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// Calendar days before the run date.
    Days(u32),
    /// Hours before the end of the run date.
    Hours(u32),
}

/// A number that tells something about all rows of a table, or of a partition.
#[derive(Debug, Clone)]
pub enum Measure {
    /// Rows.
    Rows,
    /// The share of rows in which the column is NULL.
    NullShare(Placed<String>),
    /// The sum of the column, 0 without values.
    Sum(Placed<String>),
    /// Different values of the column, without NULL.
    DistinctCount(Placed<String>),
}

/// How far a measure may go from the previous snapshot to this one.
#[derive(Debug, Clone)]
pub struct Change {
    /// What is measured.
    pub measure: Measure,
    /// The partition column for each value of which it is measured; None for the whole table.
    pub by: Option<Placed<String>>,
    /// How far up.
    pub max_increase: Option<Limit>,
    /// How far down.
    pub max_decrease: Option<Limit>,
}

/// A limit of a change; where both are given, both must hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    /// As a share of the previous value.
    pub share: Option<Quantity>,
    /// As a number.
    pub absolute: Option<Quantity>,
}

/// How far a measure may be from the mean of what it used to be.
#[derive(Debug, Clone)]
pub struct ZScore {
    /// What is measured.
    pub measure: Measure,
    /// The partition column whose last value is compared with those before it; None compares with earlier snapshots.
    pub over: Option<Placed<String>>,
    /// In standard deviations.
    pub max: f64,
    /// Earlier values without which nothing is compared, at least 2.
    pub min_history: usize,
    /// Earlier values that are looked at, at most.
    pub history: usize,
}

/// Whether a failing check stops the publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckSeverity {
    /// It is reported.
    Warn,
    /// Nothing is published.
    #[default]
    Error,
}

impl Check {
    /// Returns everything by which a check says yes or no, as text without places.
    #[must_use]
    pub fn spelled(&self) -> String {
        let Self { name, kind, severity, tolerance, filter, dialect, .. } = self;
        let filter = filter.as_ref().map(|filter| &filter.value);
        let dialect = if *dialect == Dialect::default() { String::new() } else { format!(" {dialect:?}") };
        format!("{name} {severity:?} {tolerance:?} {filter:?} {}{dialect}", kind.spelled())
    }

    /// Returns the columns of its own table that it names; those in an SQL text are not among them.
    #[must_use]
    pub fn columns(&self) -> Vec<&Placed<String>> {
        match &self.kind {
            CheckKind::NotNull(columns) | CheckKind::Unique(columns) => columns.iter().collect(),
            CheckKind::AcceptedValues { column, .. }
            | CheckKind::Relationships { column, .. }
            | CheckKind::Range { column, .. }
            | CheckKind::Freshness { column, .. } => vec![column],
            CheckKind::Change(Change { measure, by, .. }) => measure.column().into_iter().chain(by).collect(),
            CheckKind::ZScore(ZScore { measure, over, .. }) => measure.column().into_iter().chain(over).collect(),
            CheckKind::Expr(_) | CheckKind::RowCount { .. } => Vec::new(),
        }
    }
}

impl CheckKind {
    /// Returns the table, besides the checked one, that the check reads.
    #[must_use]
    pub const fn other_table(&self) -> Option<&TableName> {
        match self {
            Self::Relationships { to, .. } => Some(&to.value),
            _ => None,
        }
    }

    /// Returns what is checked as text, without places.
    #[must_use]
    pub fn spelled(&self) -> String {
        match self {
            Self::NotNull(columns) => format!("not_null {}", names(columns)),
            Self::Unique(columns) => format!("unique {}", names(columns)),
            Self::AcceptedValues { column, values } => format!("accepted_values {} {values:?}", column.value),
            Self::Relationships { column, to, field } => {
                format!("relationships {} {} {}", column.value, to.value, field.value)
            }
            Self::Expr(expr) => format!("expr {}", expr.value),
            Self::Range { column, low, high } => {
                let spelled = |bound: &Option<Bound>| bound.as_ref().map(|b| (b.value.value.clone(), b.is_exclusive));
                format!("range {} {:?} {:?}", column.value, spelled(low), spelled(high))
            }
            Self::RowCount { min, max } => format!("row_count {min:?} {max:?}"),
            Self::Freshness { column, max_age } => format!("freshness {} {max_age:?}", column.value),
            Self::Change(Change { measure, by, max_increase, max_decrease }) => {
                let by = by.as_ref().map(|by| &by.value);
                format!("change {measure} {by:?} {max_increase:?} {max_decrease:?}")
            }
            Self::ZScore(ZScore { measure, over, max, min_history, history }) => {
                let over = over.as_ref().map(|over| &over.value);
                format!("z_score {measure} {over:?} {max} {min_history} {history}")
            }
        }
    }

    /// Returns whether it is about single rows, of which some may be tolerated.
    #[must_use]
    pub const fn is_about_rows(&self) -> bool {
        !matches!(self, Self::RowCount { .. } | Self::Freshness { .. } | Self::Change(_) | Self::ZScore(_))
    }
}

impl Measure {
    /// Returns the column that is measured.
    #[must_use]
    pub const fn column(&self) -> Option<&Placed<String>> {
        match self {
            Self::Rows => None,
            Self::NullShare(column) | Self::Sum(column) | Self::DistinctCount(column) => Some(column),
        }
    }
}

impl std::fmt::Display for Measure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rows => f.write_str("rows"),
            Self::NullShare(column) => write!(f, "null_share({})", column.value),
            Self::Sum(column) => write!(f, "sum({})", column.value),
            Self::DistinctCount(column) => write!(f, "distinct_count({})", column.value),
        }
    }
}

fn names(columns: &[Placed<String>]) -> String {
    columns.iter().map(|column| column.value.as_str()).collect::<Vec<_>>().join(", ")
}
