//! What a run did, as data, and as text for people; and the page of a report.
//!
//! In: counts and decisions that the conductor collected. Out: [`RunReport`], which serializes to JSON, and its text. [`page`]
//! makes one HTML file of the rows of charts. Deliberately prints nothing.

pub mod page;
mod text;
pub mod unit;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::record::{
    CheckResult, Cost, FileShape, LineCount, PartitionValues, QueryPlan, TableName, manifest::RowBalance,
};

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// A new snapshot is served.
    Published {
        /// Its id.
        snapshot: String,
    },
    /// Nothing changed, so nothing was published.
    Unchanged {
        /// The snapshot that is still served.
        snapshot: String,
    },
    /// The data said no; the old snapshot, if any, is still served.
    Stopped {
        /// Why.
        reason: String,
        /// What is still served.
        snapshot: Option<String>,
    },
}

/// What one run did.
#[derive(Debug, Clone, Serialize)]
pub struct RunReport {
    /// Id of the run.
    pub run: String,
    /// Name of the pipeline.
    pub pipeline: String,
    /// The development environment for which it ran; None for production.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// The day as of which it answers.
    pub run_date: String,
    /// When it began: RFC 3339, UTC.
    pub started_at: String,
    /// How long it took.
    pub seconds: f64,
    /// How it ended.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Sources in the order in which they were staged.
    pub sources: Vec<SourceReport>,
    /// Entities, in order of their names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub entities: Vec<EntityReport>,
    /// Models in the order in which they were built.
    pub models: Vec<ModelReport>,
    /// Models that were not selected.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<TableName>,
    /// Checks that failed, warnings and tolerated failures included.
    pub failed_checks: Vec<CheckResult>,
    /// Number of checks that ran.
    pub checks: usize,
    /// Number of checks that were not run again, since nothing that they look at has changed since they passed.
    pub unchanged_checks: usize,
    /// What checks could not compare, or had no rows for.
    pub check_notes: Vec<String>,
    /// Whether every model was also computed whole and compared.
    pub is_verified: bool,
    /// Warnings about definitions and inputs.
    pub warnings: Vec<String>,
    /// How the models were computed that were; kept beside the report.
    #[serde(skip)]
    pub operators: BTreeMap<TableName, QueryPlan>,
}

/// What happened to one source.
#[derive(Debug, Clone, Serialize)]
pub struct SourceReport {
    /// Its name.
    pub source: String,
    /// Whether contract and files are those of the last snapshot, so that nothing was read.
    pub is_unchanged: bool,
    /// Rows in, staged, rejected and superseded.
    pub rows: RowBalance,
    /// Faults by rule.
    pub faults: BTreeMap<String, u64>,
    /// The first few faults: file, line, column, rule and reason.
    pub examples: Vec<String>,
    /// What was found out about each file that was read.
    pub files: Vec<FileReport>,
    /// Files that wait, are gone, or look other than before.
    pub warnings: Vec<String>,
    /// Partitions of the staged table whose rows changed.
    pub changed_partitions: Vec<PartitionValues>,
}

/// What happened to the ids of one entity.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct EntityReport {
    /// Its name.
    pub entity: String,
    /// Whether records and definition are those of the last snapshot, so that nothing was read.
    pub is_unchanged: bool,
    /// Records of all sources.
    pub records: u64,
    /// Things that they are records of.
    pub things: u64,
    /// Ids that were given to new records.
    pub assigned: u64,
    /// Ids that lead to another one now.
    pub merged: u64,
    /// Ids some of whose records bear another one now.
    pub split: u64,
    /// Ids that have no records any more.
    pub retired: u64,
    /// How its records were linked; None where nothing was read.
    pub linking: Option<Linking>,
    /// What is worth a word.
    pub warnings: Vec<String>,
}

/// How the records of an entity were linked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Linking {
    /// Why all of them were; None where only those were that changed since the last run.
    pub all_because: Option<String>,
    /// Records that are new, or say or are dated something else, where only the changed ones were linked.
    pub came: u64,
    /// Records that are gone, likewise.
    pub gone: u64,
    /// Pairs that were compared.
    pub compared: u64,
    /// Whether linking all records finds the same, where that was asked for.
    pub is_proved: Option<bool>,
}

impl EntityReport {
    /// Begins with nothing.
    #[must_use]
    pub fn new(entity: &str) -> Self {
        Self { entity: entity.to_owned(), ..Self::default() }
    }
}

/// What the reader found out about one file.
#[derive(Debug, Clone, Serialize)]
pub struct FileReport {
    /// The file.
    pub path: String,
    /// Encoding, dialect, header, and how sure the reader is.
    #[serde(flatten)]
    pub shape: FileShape,
    /// Its lines by kind.
    pub lines: LineCount,
    /// Rows that were rejected.
    pub rejected: u64,
    /// Columns that the contract does not know.
    pub extra_columns: Vec<String>,
    /// Optional columns that the file does not have.
    pub missing_columns: Vec<String>,
}

/// What happened to one model.
#[derive(Debug, Clone, Serialize)]
pub struct ModelReport {
    /// The table.
    pub table: TableName,
    /// Rebuilt partitions and why.
    pub rebuilt: Vec<RebuiltPartition>,
    /// Partitions kept from the last snapshot.
    pub kept_partitions: usize,
    /// How its columns are other ones than in the last snapshot.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub schema_changes: Vec<String>,
    /// Whether the kept partitions have the old columns in their files.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_evolved: bool,
    /// Partitions that the last snapshot had and this one does not.
    pub dropped: Vec<PartitionValues>,
    /// Changes for which nothing was rebuilt, because the model's header says so.
    pub ignored: Vec<String>,
    /// Partitions that a full rebuild makes otherwise; only looked for when asked to.
    pub differences: Vec<Difference>,
    /// Rows in all partitions.
    pub rows: u64,
    /// Seconds spent on it.
    pub seconds: f64,
    /// What computing the rebuilt partitions cost; None where nothing was computed.
    pub cost: Option<Cost>,
}

/// One partition that is not what a full rebuild makes of it.
#[derive(Debug, Clone, Serialize)]
pub struct Difference {
    /// Its values.
    pub values: PartitionValues,
    /// Rows that it has and should not have.
    pub wrong_rows: u64,
    /// Rows that it should have.
    pub missing_rows: u64,
    /// Whether the model ignores changes, so that it may differ.
    pub is_expected: bool,
}

/// One rebuilt partition.
#[derive(Debug, Clone, Serialize)]
pub struct RebuiltPartition {
    /// Its values.
    pub values: PartitionValues,
    /// Why it was rebuilt.
    pub reasons: Vec<String>,
    /// Whether its rows are other than before.
    pub is_changed: bool,
    /// Its rows.
    pub rows: u64,
    /// Its files, below the table's `data/`.
    pub files: Vec<String>,
}

impl RunReport {
    /// Returns the report as text for a person.
    #[must_use]
    pub fn to_text(&self) -> String {
        text::render(self)
    }
}
