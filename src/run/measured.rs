//! What runs measured while they built a table.
//!
//! ```text
//!  runs/<run>.json            of each model: rows, partitions, seconds, and what its query cost
//!  runs/<run>.operators.json  of each model that was computed: its operators, each with what it cost
//! ```
//!
//! In: the records of runs, the newest first. Out: the last one that built each table that is asked for. Runs of older versions of
//! the tool kept less, which is then None.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Request, failures::runs, inspect::warehouse};
use crate::{
    Error,
    publish::Warehouse,
    record::{Cost, QueryPlan, TableName},
};

/// What follows a run's name in the name of the record of its operators.
const RECORD: &str = ".operators";
/// Runs that are looked at.
const MOST_RUNS: usize = 400;
/// Characters of what an operator says of itself that are kept: a filter may list thousands of values.
const MOST_DETAILS: usize = 160;

/// What the last run measured that built a table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LastRun {
    /// Its id.
    pub run: String,
    /// When it began: RFC 3339, UTC.
    pub started_at: String,
    /// The day as of which it answered.
    pub run_date: String,
    /// `published`, `unchanged` or `stopped`.
    pub outcome: String,
    /// Seconds that it spent on the table, proofs included.
    pub seconds: f64,
    /// Rows of the table.
    pub rows: u64,
    /// Rows of the partitions that it rebuilt.
    pub rebuilt_rows: u64,
    /// Partitions that it rebuilt.
    pub rebuilt_partitions: usize,
    /// Partitions that it kept.
    pub kept_partitions: usize,
    /// What computing and writing the rebuilt ones cost; None where it was not kept, or they were taken over from a stopped run.
    pub cost: Option<Cost>,
    /// The operators that computed them; None where they were not kept.
    #[serde(flatten)]
    pub query: Option<QueryPlan>,
}

/// A run's record, as far as it says what was built.
#[derive(Deserialize)]
struct Record {
    run: String,
    #[serde(default)]
    environment: Option<String>,
    #[serde(default)]
    started_at: String,
    #[serde(default)]
    run_date: String,
    #[serde(default)]
    outcome: String,
    #[serde(default)]
    models: Vec<Model>,
}

#[derive(Deserialize)]
struct Model {
    table: TableName,
    #[serde(default)]
    rebuilt: Vec<Rebuilt>,
    #[serde(default)]
    kept_partitions: usize,
    #[serde(default)]
    rows: u64,
    #[serde(default)]
    seconds: f64,
    #[serde(default)]
    cost: Option<Cost>,
}

#[derive(Deserialize)]
struct Rebuilt {
    #[serde(default)]
    rows: u64,
}

/// Keeps the operators of a run.
///
/// # Errors
/// When the disk or the store refuses.
pub(super) fn keep(warehouse: &Warehouse, run: &str, operators: &BTreeMap<TableName, QueryPlan>) -> Result<(), Error> {
    if !operators.is_empty() {
        warehouse.record_run(&format!("{run}{RECORD}"), operators)?;
    }
    Ok(())
}

/// Cuts what operators say of themselves to a length at which it can be kept every night.
pub(super) fn shortened(mut query: QueryPlan) -> QueryPlan {
    fn shorten(operator: &mut crate::record::Operator) {
        if let Some((end, _)) = operator.details.char_indices().nth(MOST_DETAILS) {
            operator.details.truncate(end);
            operator.details.push('…');
        }
        operator.inputs.iter_mut().for_each(shorten);
    }
    query.parts.iter_mut().for_each(|part| shorten(&mut part.plan));
    shorten(&mut query.plan);
    query
}

/// Returns what the last run measured that built each of some tables: of the request's environment, else of production, with which an
/// environment begins; with `until`, of none after that run. A table that no recorded run built is not among them.
///
/// # Errors
/// When the records cannot be read.
pub fn last_runs(
    tables: &BTreeSet<TableName>,
    until: Option<&str>,
    request: &Request,
) -> Result<BTreeMap<TableName, LastRun>, Error> {
    let (warehouse, _) = warehouse(request)?;
    let mut found = BTreeMap::new();
    built_in(request.environment.as_deref(), tables, until, &warehouse, &mut found)?;
    if request.environment.is_some() {
        built_in(None, tables, until, &warehouse, &mut found)?;
    }
    Ok(found)
}

fn built_in(
    environment: Option<&str>,
    tables: &BTreeSet<TableName>,
    until: Option<&str>,
    warehouse: &Warehouse,
    found: &mut BTreeMap<TableName, LastRun>,
) -> Result<(), Error> {
    // A run's name begins with its time.
    let is_meant = |run: &String| until.is_none_or(|until| run.as_str() <= until);
    for run in runs(warehouse)?.filter(is_meant).take(MOST_RUNS) {
        if tables.iter().all(|table| found.contains_key(table)) {
            break;
        }
        let Some(record) = warehouse.recorded::<Record>(&run)? else { continue };
        if record.environment.as_deref() == environment {
            take(record, tables, warehouse, found)?;
        }
    }
    Ok(())
}

fn take(
    mut record: Record,
    tables: &BTreeSet<TableName>,
    warehouse: &Warehouse,
    found: &mut BTreeMap<TableName, LastRun>,
) -> Result<(), Error> {
    let is_new =
        |model: &Model| !model.rebuilt.is_empty() && tables.contains(&model.table) && !found.contains_key(&model.table);
    let built: Vec<Model> = std::mem::take(&mut record.models).into_iter().filter(is_new).collect();
    if built.is_empty() {
        return Ok(());
    }
    let kept = warehouse.recorded::<BTreeMap<TableName, QueryPlan>>(&format!("{}{RECORD}", record.run))?;
    let mut kept = kept.unwrap_or_default();
    for model in built {
        let query = kept.remove(&model.table);
        found.insert(model.table.clone(), last_run(&record, &model, query));
    }
    Ok(())
}

fn last_run(record: &Record, model: &Model, query: Option<QueryPlan>) -> LastRun {
    LastRun {
        run: record.run.clone(),
        started_at: record.started_at.clone(),
        run_date: record.run_date.clone(),
        outcome: record.outcome.clone(),
        seconds: model.seconds,
        rows: model.rows,
        rebuilt_rows: model.rebuilt.iter().map(|rebuilt| rebuilt.rows).sum(),
        rebuilt_partitions: model.rebuilt.len(),
        kept_partitions: model.kept_partitions,
        cost: model.cost,
        query,
    }
}
