//! A data check as written in contracts and model headers.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::define::{
    project::CheckSeverity,
    spans::{At, Scalar},
};

/// A data check: exactly one of `not_null`, `unique`, `accepted_values`, `relationships`, `expr`, `range`, `row_count`,
/// `freshness`, `change` and `z_score`, with `name`, `severity`, `where`, `tags` and a tolerance beside it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [
    { "required": ["not_null"] }, { "required": ["unique"] }, { "required": ["accepted_values"] },
    { "required": ["relationships"] }, { "required": ["expr"] }, { "required": ["range"] },
    { "required": ["row_count"] }, { "required": ["freshness"] }, { "required": ["change"] }, { "required": ["z_score"] }
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
    /// Every value of a column, but NULL, lies between bounds.
    pub range: Option<At<Range>>,
    /// The table has so many rows.
    pub row_count: Option<At<RowCount>>,
    /// The newest value of a column, of those up to the run date, is not older than this.
    pub freshness: Option<At<Freshness>>,
    /// A measure is not far from what it was in the previous snapshot.
    pub change: Option<At<Change>>,
    /// A measure is not many standard deviations from what it used to be.
    pub z_score: Option<At<ZScore>>,
    /// `error` (the default) stops the publication, `warn` is reported.
    pub severity: Option<CheckSeverity>,
    /// SQL predicate: only the rows for which it is true are looked at.
    #[serde(rename = "where")]
    pub filter: Option<At<String>>,
    /// Name in reports.
    pub name: Option<At<String>>,
    /// So many failing rows are no failure; for `unique`, so many keys.
    pub max_rows: Option<At<u64>>,
    /// Failing rows up to this share of the rows that are looked at, 0 to 1, are no failure.
    pub max_share: Option<At<Scalar>>,
    /// Words for selecting checks.
    #[serde(default)]
    pub tags: Vec<At<String>>,
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

/// A column and the bounds of its values, read as the column's type: a number, a date, a timestamp (UTC) or a text.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 2))]
pub struct Range {
    /// The column.
    #[schemars(required)]
    pub column: Option<At<String>>,
    /// No value is less.
    pub min: Option<At<Scalar>>,
    /// No value is more.
    pub max: Option<At<Scalar>>,
    /// All values are more.
    pub above: Option<At<Scalar>>,
    /// All values are less.
    pub below: Option<At<Scalar>>,
}

/// A date or timestamp column and how old its newest value may be; exactly one of the two ages.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [{ "required": ["max_age_days"] }, { "required": ["max_age_hours"] }]))]
pub struct Freshness {
    /// The column.
    #[schemars(required)]
    pub column: Option<At<String>>,
    /// Calendar days before the run date, in the pipeline's zone.
    pub max_age_days: Option<u32>,
    /// Hours before the end of the run date; only for a timestamp.
    pub max_age_hours: Option<u32>,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// The number of rows.
    Rows,
    /// The share of rows in which `column` is NULL.
    NullShare,
    /// The sum of `column`.
    Sum,
    /// The number of different values of `column`, without NULL.
    DistinctCount,
}

/// How far a measure may go from the previous snapshot to this one.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("anyOf" = [{ "required": ["max_increase"] }, { "required": ["max_decrease"] }]))]
pub struct Change {
    /// What is measured.
    #[schemars(required)]
    pub measure: Option<At<Measure>>,
    /// The column that is measured; `rows` has none.
    pub column: Option<At<String>>,
    /// Partition column: each of its values is compared for itself.
    pub by: Option<At<String>>,
    /// How far up.
    pub max_increase: Option<At<Limit>>,
    /// How far down.
    pub max_decrease: Option<At<Limit>>,
}

/// A limit of a change; where both are given, both must hold.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub struct Limit {
    /// As a share of the previous value: 0.1 for 10 %.
    pub share: Option<At<Scalar>>,
    /// As a number.
    pub absolute: Option<At<Scalar>>,
}

/// How far a measure may be from the mean of what it used to be, in standard deviations.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ZScore {
    /// What is measured.
    #[schemars(required)]
    pub measure: Option<At<Measure>>,
    /// The column that is measured; `rows` has none.
    pub column: Option<At<String>>,
    /// Partition column: its last value is compared with those before it. Left out: this snapshot with earlier ones.
    pub over: Option<At<String>>,
    /// Standard deviations, more than 0.
    #[schemars(required, extend("exclusiveMinimum" = 0))]
    pub max: Option<At<f64>>,
    /// Earlier values without which nothing is compared; at least 2, 7 when left out.
    #[schemars(extend("minimum" = 2))]
    pub min_history: Option<At<usize>>,
    /// Earlier values that are looked at, at most; 30 when left out, 400 at most.
    #[schemars(extend("maximum" = 400))]
    pub history: Option<At<usize>>,
}
