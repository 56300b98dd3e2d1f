//! Checking: the data tests of contracts and models, each one SQL query over the tables that are about to be published;
//! and, in [`unit`], the unit tests of models.
//!
//! In: tables with their checks, and a session over them. Out: what each check found. A model's declared key is checked to
//! be unique without being asked. Deliberately decides nothing: the conductor stops the publication.

mod query;
pub mod unit;

use arrow::{
    array::{AsArray, RecordBatch},
    datatypes::Int64Type,
};
use datafusion::{common::DFSchema, error::Result, prelude::SessionContext};
use serde_json::value::RawValue;

use crate::{
    define::project::{Check, CheckKind, CheckSeverity, History, Model, Source},
    engine::{Problem, scarcity::with_spilling_joins},
    record::{CheckResult, Diagnostic, Place, Placed, TableName},
};

/// Failing rows that a result shows.
const SAMPLE_ROWS: usize = 5;

/// The checks of one table.
#[derive(Debug, Clone)]
pub struct TableChecks {
    /// The table.
    pub table: TableName,
    /// Key columns, by which failing rows are named.
    pub key: Vec<String>,
    /// Columns that hold personal data, which no report shows.
    pub personal: Vec<String>,
    /// What is checked, the key's uniqueness first.
    pub checks: Vec<Check>,
}

/// Collects the checks of a source's staged table. Its key needs none: of two rows with one key the staging keeps one.
#[must_use]
pub fn of_source(source: &Source) -> TableChecks {
    TableChecks {
        table: source.table(),
        key: names(&source.key),
        personal: personal(source),
        checks: source.checks.clone(),
    }
}

/// Collects the checks of a model's table. A column named as a personal one of any source is taken for personal.
#[must_use]
pub fn of_model(model: &Model, sources: &[Source]) -> TableChecks {
    TableChecks {
        table: model.name.clone(),
        key: names(&model.key),
        personal: sources.iter().flat_map(personal).collect(),
        checks: with_history(model, with_key(&model.key, &model.checks)),
    }
}

fn personal(source: &Source) -> Vec<String> {
    let marked = source.columns.iter().filter(|column| column.pii.is_some());
    marked.map(|column| column.name.value.clone()).collect()
}

fn names(columns: &[Placed<String>]) -> Vec<String> {
    columns.iter().map(|column| column.value.clone()).collect()
}

fn with_key(key: &[Placed<String>], checks: &[Check]) -> Vec<Check> {
    let names: Vec<&str> = key.iter().map(|column| column.value.as_str()).collect();
    let is_key = |check: &Check| match &check.kind {
        CheckKind::Unique(columns) if check.filter.is_none() => {
            columns.iter().map(|column| column.value.as_str()).eq(names.iter().copied())
        }
        _ => false,
    };
    let implied = key.first().filter(|_| !checks.iter().any(is_key)).map(|first| Check {
        place: first.place.clone(),
        name: format!("unique({})", names.join(", ")),
        kind: CheckKind::Unique(key.to_vec()),
        severity: CheckSeverity::Error,
        filter: None,
    });
    implied.into_iter().chain(checks.iter().cloned()).collect()
}

/// Adds what a history needs: on one day its key names one row, and it is not NULL.
fn with_history(model: &Model, checks: Vec<Check>) -> Vec<Check> {
    let Some((history, first)) = model.history.as_ref().and_then(|history| Some((history, history.key.first()?)))
    else {
        return checks;
    };
    let key = names(&history.key).join(", ");
    let check = |name: String, kind, filter| Check {
        place: first.place.clone(),
        name,
        kind,
        severity: CheckSeverity::Error,
        filter,
    };
    let current = Placed::new(History::IS_CURRENT.to_owned(), first.place.clone());
    let implied = [
        check(format!("not_null({key})"), CheckKind::NotNull(history.key.clone()), None),
        check(format!("one current version for each {key}"), CheckKind::Unique(history.key.clone()), Some(current)),
    ];
    implied.into_iter().chain(checks).collect()
}

/// Plans every check without data and returns what is wrong with them.
pub async fn validate(tables: &[TableChecks], session: &SessionContext) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    for table in tables {
        for check in &table.checks {
            let sql = query::failing(&table.table, check);
            if let Err(error) = plan(&sql, session).await {
                findings.push(finding(check, &Problem::new(&error, &sql)));
            }
        }
    }
    findings
}

async fn plan(sql: &str, session: &SessionContext) -> Result<()> {
    let plan = session.state().create_logical_plan(sql).await?;
    session.state().optimize(&plan)?;
    Ok(())
}

fn finding(check: &Check, problem: &Problem) -> Diagnostic {
    let mut finding =
        Diagnostic::error(format!("{} in the check `{}`", problem.message, check.name), place(check, problem));
    finding.hint.clone_from(&problem.hint);
    finding
}

/// Returns the place of the name that a problem is about, else that of the check.
fn place(check: &Check, problem: &Problem) -> Place {
    let named = problem.message.split('`').nth(1).unwrap_or_default();
    let written: Vec<&Placed<String>> = match &check.kind {
        CheckKind::NotNull(columns) | CheckKind::Unique(columns) => columns.iter().collect(),
        CheckKind::AcceptedValues { column, .. } => vec![column],
        CheckKind::Relationships { column, field, .. } => vec![column, field],
        CheckKind::Expr(expr) => vec![expr],
        CheckKind::RowCount { .. } => Vec::new(),
    };
    let exact = written.iter().find(|column| column.value == named);
    let holding = written.iter().find(|column| !named.is_empty() && column.value.contains(named));
    exact.or(holding).map_or_else(|| check.place.clone(), |column| column.place.clone())
}

/// Runs every check and returns what it found, in the order of the tables.
///
/// # Errors
/// When a query fails for another reason than the data.
pub async fn run(tables: &[TableChecks], session: &SessionContext) -> Result<Vec<CheckResult>> {
    let mut results = Vec::new();
    for table in tables {
        for check in &table.checks {
            results.push(with_spilling_joins(session, async |session| run_one(table, check, session).await).await?);
        }
    }
    Ok(results)
}

async fn run_one(checked: &TableChecks, check: &Check, session: &SessionContext) -> Result<CheckResult> {
    let table = &checked.table;
    let counted = session.sql(&query::count(table, check)).await?.collect().await?;
    let failed_rows = first_count(&counted);
    let samples = if failed_rows == 0 { Vec::new() } else { samples(checked, check, session).await? };
    Ok(CheckResult {
        table: table.clone(),
        check: check.name.clone(),
        severity: check.severity,
        failed_rows,
        written_at: check.place.to_string(),
        samples,
    })
}

async fn samples(checked: &TableChecks, check: &Check, session: &SessionContext) -> Result<Vec<Box<RawValue>>> {
    let failing = session.sql(&query::failing(&checked.table, check)).await?;
    let columns = shown(checked, check, failing.schema());
    if columns.is_empty() {
        return Ok(Vec::new());
    }
    json_rows(&session.sql(&query::sample(&checked.table, check, &columns, SAMPLE_ROWS)).await?.collect().await?)
}

/// Returns the columns of a failing row that say which row it is and why it fails: its key, and what the check names.
/// The rest stays unseen, since a report is read by more people than the row may be.
fn shown(checked: &TableChecks, check: &Check, schema: &DFSchema) -> Vec<String> {
    let named = |name: &str| match &check.kind {
        CheckKind::NotNull(columns) | CheckKind::Unique(columns) => columns.iter().any(|column| column.value == name),
        CheckKind::AcceptedValues { column, .. } | CheckKind::Relationships { column, .. } => column.value == name,
        CheckKind::Expr(expr) => {
            expr.value.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|word| word == name)
        }
        CheckKind::RowCount { .. } => true,
    };
    let is_shown = |name: &&String| {
        !checked.personal.contains(name) && (checked.key.contains(name) || named(name) || *name == "rows")
    };
    schema.fields().iter().map(|field| field.name()).filter(is_shown).cloned().collect()
}

fn first_count(batches: &[RecordBatch]) -> u64 {
    let batch = batches.iter().find(|batch| batch.num_rows() > 0);
    let count =
        batch.and_then(|batch| batch.column(0).as_primitive_opt::<Int64Type>()).map_or(0, |counts| counts.value(0));
    u64::try_from(count).unwrap_or(0)
}

fn json_rows(batches: &[RecordBatch]) -> Result<Vec<Box<RawValue>>> {
    let mut writer = arrow::json::ArrayWriter::new(Vec::new());
    for batch in batches {
        writer.write(batch)?;
    }
    writer.finish()?;
    let bytes = writer.into_inner();
    Ok(if bytes.is_empty() { Vec::new() } else { serde_json::from_slice(&bytes).unwrap_or_default() })
}
