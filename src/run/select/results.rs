//! What became of tables, by the record of the last run that built something or tried to: the words behind `result:`.
//!
//! In: the records of runs, the newest first. Out: a result for each table that the run names. A night on which nothing was to be
//! done, and a run that was refused before it came to any table, say nothing of any: the run before them is still the last.

use std::collections::BTreeMap;

use super::{
    super::{Request, failures},
    LastResult,
};
use crate::{Error, define::project::CheckSeverity, publish::Warehouse, record::TableName};

/// What a run's record says of tables.
#[derive(serde::Deserialize)]
struct Record {
    #[serde(default)]
    outcome: String,
    #[serde(default)]
    environment: Option<String>,
    #[serde(default)]
    failed_table: Option<TableName>,
    #[serde(default)]
    models: Vec<Made>,
    #[serde(default)]
    sources: Vec<Staged>,
    #[serde(default)]
    failed_checks: Vec<FailedCheck>,
}

#[derive(serde::Deserialize)]
struct Made {
    table: TableName,
    #[serde(default)]
    rebuilt: Vec<serde::de::IgnoredAny>,
}

#[derive(serde::Deserialize)]
struct Staged {
    source: String,
}

#[derive(serde::Deserialize)]
struct FailedCheck {
    table: TableName,
    severity: CheckSeverity,
    #[serde(default)]
    is_tolerated: bool,
    #[serde(default)]
    is_accepted: bool,
}

impl Record {
    /// Returns whether the run built a table or came to one that it could not build or let pass.
    fn has_tried(&self) -> bool {
        match self.outcome.as_str() {
            // A table that was built anew may hold the same rows.
            "unchanged" => self.models.iter().any(|made| !made.rebuilt.is_empty()),
            "failed" => self.failed_table.is_some(),
            _ => true,
        }
    }

    fn results(self) -> BTreeMap<TableName, LastResult> {
        let models = self.models.into_iter().map(|made| made.table);
        let staged = self.sources.into_iter().map(|staged| TableName::staged(staged.source));
        let mut results: BTreeMap<TableName, LastResult> =
            models.chain(staged).map(|table| (table, LastResult::Succeeded)).collect();
        let failed = self.failed_checks.into_iter().map(|check| match check.severity {
            CheckSeverity::Error if !check.is_tolerated && !check.is_accepted => (check.table, LastResult::CheckFailed),
            CheckSeverity::Error | CheckSeverity::Warn => (check.table, LastResult::Warned),
        });
        for (table, result) in failed.chain(self.failed_table.map(|table| (table, LastResult::Failed))) {
            let known = results.entry(table).or_insert(result);
            *known = (*known).max(result);
        }
        results
    }
}

/// Returns what became of tables in the environment's last run that built something or tried to.
///
/// # Errors
/// When there was none, or the records cannot be read.
pub(super) fn last(warehouse: &Warehouse, request: &Request) -> Result<BTreeMap<TableName, LastResult>, Error> {
    for run in failures::runs(warehouse)? {
        let record = warehouse.recorded::<Record>(&run)?;
        let is_its = |record: &Record| record.environment == request.environment && record.has_tried();
        if let Some(record) = record.filter(is_its) {
            return Ok(record.results());
        }
    }
    Err(Error::Usage {
        message: "no run is recorded, so none has a result".to_owned(),
        hint: Some("`result:` asks about the last `tallyhouse run` that built something or tried to".to_owned()),
    })
}
