//! The header of a SQL model as written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Check, Title};
use crate::define::{
    project::{Dialect, Kind, OnSchemaChange},
    spans::{At, Pairs, WordOrMany},
};

/// The YAML header of a SQL model, between `/* ---` and `--- */` at the start of the file. Every key is optional.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// What the file makes: a `table` (the default), a `view`, which is computed wherever it is read and never stored, a
    /// `history`, which needs the key of that name, or a `seed`, whose rows stand in the CSV file beside it.
    pub kind: Option<At<Kind>>,
    /// What the table holds: one row for each …
    pub description: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Columns that no two rows share; files are sorted by them.
    #[serde(default)]
    pub key: Vec<At<String>>,
    /// Columns whose values make the folders of the table: dates, whole numbers, texts or booleans.
    #[serde(default)]
    pub partition_by: Vec<At<String>>,
    /// What happens when the table's columns are other ones than those of the served snapshot: `rebuild` (the default)
    /// builds all partitions anew, `evolve` keeps those whose inputs did not change, `fail` stops the run. A `history`
    /// cannot be built anew, so for it `fail` is the default.
    pub on_schema_change: Option<At<OnSchemaChange>>,
    /// Keeps a version of every row for each time that it changed: the query gives the rows as they are on the run date,
    /// and the table gets the columns `valid_from`, `valid_to` and `is_current`.
    pub history: Option<At<History>>,
    /// What makes partitions be built again, where it is not every change of what they read.
    #[serde(default)]
    pub rebuild: Option<Rebuild>,
    /// How the SQL is understood: `datafusion`, or `duckdb` for SQL that was written for DuckDB. Left out: what the
    /// pipeline says.
    pub dialect: Option<Dialect>,
    /// Words by which commands select models.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Columns by name, as far as there is something to say about them.
    #[serde(default)]
    pub columns: Pairs<Option<Column>>,
    /// Data checks on the table, before it is published.
    #[serde(default)]
    pub checks: Vec<At<Check>>,
}

/// What a history follows.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct History {
    /// Columns that name one thing through all of its versions: never NULL, and unique in the rows of one run date.
    #[schemars(required, extend("minItems" = 1))]
    pub key: Option<At<Vec<At<String>>>>,
    /// Columns of which a change begins a new version: a list, or `all`. Other columns show what they were when the version
    /// began.
    #[schemars(required)]
    pub track: Option<At<WordOrMany<All, At<String>>>>,
}

/// Every column but the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum All {
    /// Every column but the key.
    All,
}

/// What makes partitions be built again.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rebuild {
    /// Tables that the model reads, and whose changes alone build no partition again. A partition that is built for another
    /// reason is built from them as they are then; new partitions appear as ever.
    #[serde(default)]
    pub ignore_changes: Vec<At<String>>,
}

/// A column of a model.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ModelColumn")]
pub struct Column {
    /// Type that the model must produce: `string`, `boolean`, `int`, `bigint`, `double`, `decimal(18,2)`, `date` or
    /// `timestamp`. Left out: whatever it produces.
    #[serde(rename = "type")]
    pub data_type: Option<At<String>>,
    /// What the column holds.
    pub description: Option<String>,
    /// Title for reports.
    pub title: Option<Title>,
    /// Unit of the values.
    pub unit: Option<String>,
}
