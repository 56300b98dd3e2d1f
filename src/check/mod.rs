//! Checking: the data tests of contracts and models, as queries over the tables that are about to be published; and, in
//! [`unit`], the unit tests of models.
//!
//! ```text
//!  TableChecks ─► fold: one scan counts rows, rows looked at and failing rows of all checks of single rows
//!                 query: unique, relationships          one query each
//!                 measure: freshness, change, z_score   one or two aggregates each
//!                    │ whatever fails
//!                    └► its rows, without personal data
//! ```
//!
//! In: tables with their checks, a session over them, and one over the previous snapshot. Out: what each check [found](Found).
//! A model's declared key is checked to be unique without being asked. Deliberately decides nothing: the conductor chooses
//! what runs again and stops the publication.

mod bounds;
mod carry_out;
mod failing;
mod fold;
mod idle;
mod implied;
mod measure;
mod query;
pub mod unit;
mod validate;

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;

use std::collections::BTreeSet;

pub use carry_out::{Around, Before, Found, run};
pub use measure::key as measure_key;
pub use validate::{Made, validate, validate_each, validity_reads};

use crate::{
    define::project::{Check, CheckKind, Model, Source},
    record::{Placed, TableName, manifest::Table},
};

/// The checks of one table.
#[derive(Debug, Clone)]
pub struct TableChecks {
    /// The table.
    pub table: TableName,
    /// Key columns, by which failing rows are named.
    pub key: Vec<String>,
    /// Partition columns.
    pub partition_by: Vec<String>,
    /// Columns that hold personal data, which no report shows.
    pub personal: BTreeSet<String>,
    /// What is checked; what nobody had to write stands first.
    pub checks: Vec<Check>,
    /// How many of them a person wrote.
    pub written: usize,
}

/// Collects the checks of a source's staged table. Its key needs none: of two rows with one key the staging keeps one.
#[must_use]
pub fn of_source(source: &Source) -> TableChecks {
    TableChecks {
        table: source.table(),
        key: names(&source.key),
        partition_by: names(&source.partition_by),
        personal: personal(source).collect(),
        checks: source.checks.clone(),
        written: source.checks.len(),
    }
}

/// Collects the checks of a model's table. A column named as a personal one of any source is taken for personal.
#[must_use]
pub fn of_model(model: &Model, sources: &[Source]) -> TableChecks {
    TableChecks {
        table: model.name.clone(),
        key: names(&model.key),
        partition_by: names(&model.partition_by),
        personal: sources.iter().flat_map(personal).collect(),
        checks: implied::with_history(model, implied::with_key(&model.key, &model.checks)),
        written: model.checks.len(),
    }
}

fn personal(source: &Source) -> impl Iterator<Item = String> {
    source.columns.iter().filter(|column| column.pii.is_some()).map(|column| column.name.value.clone())
}

fn names(columns: &[Placed<String>]) -> Vec<String> {
    columns.iter().map(|column| column.value.clone()).collect()
}

/// Returns whether a check can find something else though no table has changed: it asks for the run date or for the past.
#[must_use]
pub const fn depends_on_time(check: &Check) -> bool {
    matches!(check.kind, CheckKind::Freshness { .. } | CheckKind::Change(_) | CheckKind::ZScore(_))
}

/// Returns the columns of its table by whose values a check is decided, more rather than fewer; None where any may count.
#[must_use]
pub fn columns(check: &Check, table: &Table) -> Option<BTreeSet<String>> {
    let texts = match &check.kind {
        CheckKind::Expr(expr) => Some(expr),
        _ => None,
    };
    let mut columns = match &check.kind {
        CheckKind::NotNull(columns) | CheckKind::Unique(columns) => names(columns).into_iter().collect(),
        CheckKind::AcceptedValues { column, .. }
        | CheckKind::Relationships { column, .. }
        | CheckKind::Range { column, .. } => BTreeSet::from([column.value.clone()]),
        CheckKind::Expr(_) => BTreeSet::new(),
        CheckKind::RowCount { .. } | CheckKind::Freshness { .. } | CheckKind::Change(_) | CheckKind::ZScore(_) => {
            return None;
        }
    };
    for text in texts.into_iter().chain(&check.filter) {
        columns.extend(query::named(&text.value, table)?);
    }
    Some(columns)
}

/// Returns the other tables that a check reads; None when that cannot be told from its texts.
#[must_use]
pub fn reads(check: &Check) -> Option<BTreeSet<TableName>> {
    let (expr, to) = match &check.kind {
        CheckKind::Expr(expr) => (Some(expr), None),
        CheckKind::Relationships { to, .. } => (None, Some(&to.value)),
        _ => (None, None),
    };
    let texts = expr.into_iter().chain(&check.filter);
    let queried = texts.map(|text| query::queried(&text.value, check.dialect)).collect::<Option<Vec<_>>>()?;
    Some(queried.into_iter().flatten().chain(to.cloned()).collect())
}
