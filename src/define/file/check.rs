//! A data check as written in contracts and model headers.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::define::{
    project::CheckSeverity,
    spans::{At, Scalar},
};

/// A data check: exactly one of `not_null`, `unique`, `accepted_values`, `relationships`, `expr` and `row_count`,
/// with `severity`, `where` and `name` beside it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [
    { "required": ["not_null"] }, { "required": ["unique"] }, { "required": ["accepted_values"] },
    { "required": ["relationships"] }, { "required": ["expr"] }, { "required": ["row_count"] }
]))]
pub struct Check {
    /// None of these columns is NULL.
    pub not_null: Option<At<Vec<At<String>>>>,
    /// No two rows agree on all of these columns.
    pub unique: Option<At<Vec<At<String>>>>,
    /// A column holds nothing but these values, or NULL.
    pub accepted_values: Option<At<AcceptedValues>>,
    /// Every value of a column, but NULL, stands in another table.
    pub relationships: Option<At<Relationships>>,
    /// This SQL expression is not false in any row.
    pub expr: Option<At<String>>,
    /// The table has so many rows.
    pub row_count: Option<At<RowCount>>,
    /// `error` (the default) stops the publication, `warn` is reported.
    pub severity: Option<CheckSeverity>,
    /// SQL predicate: only the rows for which it is true are looked at.
    #[serde(rename = "where")]
    pub filter: Option<At<String>>,
    /// Name in reports.
    pub name: Option<At<String>>,
}

/// A column and the values it may hold.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptedValues {
    /// The column.
    #[schemars(required)]
    pub column: Option<At<String>>,
    /// The values.
    #[schemars(required, extend("minItems" = 1))]
    pub values: Option<At<Vec<Scalar>>>,
}

/// A column and the column of another table in which its values stand.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Relationships {
    /// The column.
    #[schemars(required)]
    pub column: Option<At<String>>,
    /// The other table, `schema.table`.
    #[schemars(required)]
    pub to: Option<At<String>>,
    /// The other table's column.
    #[schemars(required)]
    pub field: Option<At<String>>,
}

/// Bounds of the number of rows.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub struct RowCount {
    /// At least so many.
    pub min: Option<u64>,
    /// At most so many.
    pub max: Option<u64>,
}
