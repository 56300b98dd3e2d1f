//! Rows that failed the checks of the last run, published or not.
//!
//! ```text
//!  the run stopped          runs/<run>.check_failures.json   (its snapshot was never served)
//!  it published             ops.check_failure of the served snapshot
//!  nothing had changed      the same, but for what that run checked again
//! ```
//!
//! In: a request. Out: the rows. Deliberately changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use serde::{Deserialize, Serialize};

use super::{Request, inspect::warehouse, nightly::reach, ops, outcome};
use crate::{
    Error,
    define::project::CheckSeverity,
    engine::Engine,
    publish::Warehouse,
    record::{CheckFailure, TableName, diagnostic::nearest},
};

/// What follows a run's name in the name of the record of its failing rows.
const RECORD: &str = ".check_failures";

/// Failing rows, and whose they are.
#[derive(Debug)]
pub struct CheckFailures {
    /// The run that stopped, if they are not those of the served snapshot.
    pub stopped: Option<String>,
    /// The rows by table, check and number.
    pub rows: Vec<CheckFailure>,
}

/// A check with failing rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailedCheck {
    /// The table.
    pub table: TableName,
    /// The check's name.
    pub check: String,
    /// Whether it stops the publication.
    pub severity: CheckSeverity,
    /// Rows that fail it.
    pub failed_rows: u64,
    /// Those of them that are kept.
    pub kept_rows: usize,
}

/// The record of a run, as far as it says whose failing rows are the last ones.
#[derive(Deserialize)]
struct Ended {
    #[serde(default)]
    outcome: String,
    #[serde(default)]
    environment: Option<String>,
}

/// Keeps the failing rows of a run that publishes nothing.
///
/// # Errors
/// When the disk or the store refuses.
pub(super) fn keep(warehouse: &Warehouse, run: &str, failures: &[CheckFailure]) -> Result<(), Error> {
    if !failures.is_empty() {
        warehouse.record_run(&format!("{run}{RECORD}"), &failures)?;
    }
    Ok(())
}

/// Returns the rows that failed the checks of the last run which got as far as checking.
///
/// # Errors
/// When the warehouse cannot be read.
pub async fn check_failures(request: &Request, engine: &Engine) -> Result<CheckFailures, Error> {
    let (warehouse, _) = warehouse(request)?;
    reach(&warehouse, engine)?;
    let last = last_run(&warehouse, request)?;
    let (run, outcome) = last.unwrap_or_default();
    let kept = warehouse.recorded::<Vec<CheckFailure>>(&format!("{run}{RECORD}"));
    let mut rows = if run.is_empty() { Vec::new() } else { kept?.unwrap_or_default() };
    if outcome == "stopped" && !rows.is_empty() {
        return Ok(CheckFailures { stopped: Some(run), rows });
    }
    if let Some(served) = warehouse.served()?.map(|id| warehouse.manifest(&id)).transpose()? {
        let again: BTreeSet<(TableName, String)> =
            rows.iter().map(|failure| (failure.table.clone(), failure.check.clone())).collect();
        let published = ops::failures(&served, &warehouse, engine)
            .await
            .map_err(|error| outcome::engine_failure(&TableName::check_failure(), &error))?;
        let is_other = |failure: &CheckFailure| !again.contains(&(failure.table.clone(), failure.check.clone()));
        rows.extend(published.into_iter().filter(is_other));
    }
    rows.sort_by(|one, other| {
        (&one.table, &one.check, one.row_number).cmp(&(&other.table, &other.check, other.row_number))
    });
    Ok(CheckFailures { stopped: None, rows })
}

/// Returns the names of the recorded runs, the newest first.
///
/// # Errors
/// When the disk or the store refuses.
pub(super) fn runs(warehouse: &Warehouse) -> Result<impl Iterator<Item = String> + use<>, Error> {
    // What a run leaves besides its report has a dot in its name.
    Ok(warehouse.recorded_runs()?.into_iter().filter(|run| !run.contains('.')))
}

/// Returns the name and the outcome of the environment's last run that got as far as checking.
fn last_run(warehouse: &Warehouse, request: &Request) -> Result<Option<(String, String)>, Error> {
    for run in runs(warehouse)? {
        let ended = warehouse.recorded::<Ended>(&run)?;
        if let Some(ended) = ended.filter(|ended| ended.outcome != "failed" && ended.environment == request.environment)
        {
            return Ok(Some((run, ended.outcome)));
        }
    }
    Ok(None)
}

impl CheckFailures {
    /// Counts the rows by check.
    #[must_use]
    pub fn by_check(&self) -> Vec<FailedCheck> {
        let mut checks: BTreeMap<(&TableName, &String), FailedCheck> = BTreeMap::new();
        for failure in &self.rows {
            let CheckFailure { table, check, severity, failed_rows, .. } = failure;
            let counted = checks.entry((table, check)).or_insert_with(|| FailedCheck {
                table: table.clone(),
                check: check.clone(),
                severity: *severity,
                failed_rows: *failed_rows,
                kept_rows: 0,
            });
            counted.kept_rows += 1;
        }
        checks.into_values().collect()
    }

    /// Leaves only the rows of these tables.
    pub fn keep_tables(&mut self, tables: &BTreeSet<TableName>) {
        self.rows.retain(|failure| tables.contains(&failure.table));
    }

    /// Leaves only the rows of one check.
    ///
    /// # Errors
    /// When there are none.
    pub fn keep_check(&mut self, check: &str) -> Result<(), Error> {
        let known: Vec<String> = self.by_check().into_iter().map(|failed| failed.check).collect();
        self.rows.retain(|failure| failure.check == check);
        if !self.rows.is_empty() {
            return Ok(());
        }
        let near = nearest(check, known.iter().map(String::as_str));
        Err(Error::Usage {
            message: format!("no row fails a check `{check}`"),
            hint: Some(near.map_or_else(
                || "`tallyhouse rejects` lists the checks with failing rows".to_owned(),
                |near| format!("did you mean `{near}`?"),
            )),
        })
    }

    /// Returns the first rows as a table, that which they are of in front.
    ///
    /// # Errors
    /// Never, unless a column is missing here.
    pub fn batch(&self, limit: usize) -> Result<RecordBatch, Error> {
        ops::failure_batch(&self.rows[..self.rows.len().min(limit)])
    }

    /// Returns the rows of one table, or of one of its checks, as a table.
    ///
    /// # Errors
    /// When nothing of that name has failing rows.
    pub fn of(
        &self,
        table: &TableName,
        check: Option<&str>,
        limit: usize,
    ) -> Result<(SchemaRef, Vec<RecordBatch>), Error> {
        let is_meant =
            |failure: &&CheckFailure| failure.table == *table && check.is_none_or(|check| failure.check == check);
        let rows: Vec<CheckFailure> = self.rows.iter().filter(is_meant).take(limit).cloned().collect();
        if rows.is_empty() && limit > 0 {
            return Err(self.nothing_of(table, check));
        }
        let batch = ops::failure_batch(&rows)?;
        // The table was asked for by name.
        let columns: Vec<usize> = (1..batch.num_columns()).collect();
        let batch = batch.project(&columns).map_err(|error| Error::Bug { message: error.to_string() })?;
        Ok((batch.schema(), vec![batch]))
    }

    fn nothing_of(&self, table: &TableName, check: Option<&str>) -> Error {
        let checks = self.by_check();
        let by = check.map_or_else(String::new, |check| format!(" `{check}`"));
        let of_table: Vec<&str> =
            checks.iter().filter(|failed| failed.table == *table).map(|failed| failed.check.as_str()).collect();
        let tables: Vec<String> = checks.iter().map(|failed| failed.table.to_string()).collect();
        let near = match (of_table.is_empty(), check) {
            (false, Some(check)) => nearest(check, of_table),
            _ => nearest(&table.to_string(), tables.iter().map(String::as_str)),
        };
        Error::Usage {
            message: format!("no row of `{table}` fails a check{by}"),
            hint: Some(near.map_or_else(
                || "`tallyhouse rejects` lists the checks with failing rows".to_owned(),
                |near| format!("did you mean `{near}`?"),
            )),
        }
    }
}
