//! The header of a SQL model as written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Check, Title};
use crate::define::spans::{At, Pairs};

/// The YAML header of a SQL model, between `/* ---` and `--- */` at the start of the file. Every key is optional.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Model {
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
    /// What makes partitions be built again, where it is not every change of what they read.
    #[serde(default)]
    pub rebuild: Option<Rebuild>,
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
