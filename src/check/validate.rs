//! What is wrong with checks, found without data.
//!
//! In: the checks of all tables, and a session that knows their columns. Out: a finding for each mistake, at the word that is
//! wrong. A check that cannot be planned is never taken for one that passes.

use std::{collections::BTreeSet, sync::Arc};

use arrow::datatypes::{DataType, Schema};
use datafusion::{
    common::{ScalarValue, plan_err},
    error::Result,
    execution::SessionState,
    prelude::SessionContext,
};

use super::{TableChecks, carry_out, idle::idle, measure, query};
use crate::{
    define::{
        project::{Age, Check, CheckKind, Dialect, Measure},
        type_name,
    },
    engine::{Parameters, Problem, Statement, clash, parallel, plain},
    record::{
        Diagnostic, Place, Placed, TableName,
        diagnostic::nearest,
        sql::{quoted, quoted_table},
    },
};

/// What a project makes, whether it is right or wrong.
#[derive(Debug, Clone)]
pub struct Made {
    /// All tables.
    pub tables: BTreeSet<TableName>,
    /// Functions that are wrong.
    pub wrong_functions: Arc<BTreeSet<String>>,
}

impl Made {
    /// Returns whether a message is about what is there and is wrong, which is told where it is made.
    fn is_told(&self, message: &str) -> bool {
        let named = |what: &str| message.strip_prefix(what)?.strip_suffix('`');
        let table = named("unknown table `").and_then(|name| TableName::try_from(name.to_owned()).ok());
        let function = named("unknown function `");
        table.is_some_and(|table| self.tables.contains(&table))
            || function.is_some_and(|function| self.wrong_functions.contains(function))
    }

    /// Returns what a table that nobody makes was probably meant to be.
    fn meant(&self, message: &str) -> Option<String> {
        let name = message.strip_prefix("unknown table `")?.strip_suffix('`')?;
        let names: Vec<String> = self.tables.iter().map(ToString::to_string).collect();
        nearest(name, names.iter().map(String::as_str)).map(|near| format!("did you mean `{near}`?"))
    }
}

/// Plans every check without data, on so many threads, and returns what is wrong with them. What reads a table that is made and that
/// the session does not have is not judged: something is wrong with that table.
#[must_use]
pub fn validate(tables: &[TableChecks], session: &SessionContext, made: &Made, threads: usize) -> Vec<Diagnostic> {
    validate_each(tables, session, made, threads).into_iter().flatten().collect()
}

/// Plans checks as [`validate`] does, and returns what is wrong with those of each table.
#[must_use]
pub fn validate_each(
    tables: &[TableChecks],
    session: &SessionContext,
    made: &Made,
    threads: usize,
) -> Vec<Vec<Diagnostic>> {
    let state = session.state();
    let of_table = |table: &TableChecks| parallel::wait(Box::pin(all(table, session, &state, made)));
    parallel::each(threads, tables, of_table)
}

/// Returns the tables besides their own on which it depends whether checks are right; None where that cannot be told.
#[must_use]
pub fn validity_reads(table: &TableChecks, schema: &Schema, parameters: &Parameters) -> Option<BTreeSet<TableName>> {
    let mut reads = BTreeSet::new();
    for check in &table.checks {
        let statement = Statement::parse_as(check.dialect, &sql(table, check, schema).ok()?, parameters).ok()?;
        reads.extend(statement.named);
    }
    reads.remove(&table.table);
    Some(reads)
}

async fn all(table: &TableChecks, session: &SessionContext, state: &SessionState, made: &Made) -> Vec<Diagnostic> {
    let Ok(schema) = carry_out::schema(&table.table, session).await else { return Vec::new() };
    let mut findings = Vec::new();
    for check in &table.checks {
        findings.extend(one(table, check, &schema, session, state, made).await);
    }
    findings
}

async fn one(
    table: &TableChecks,
    check: &Check,
    schema: &Schema,
    session: &SessionContext,
    state: &SessionState,
    made: &Made,
) -> Vec<Diagnostic> {
    let idle = idle(&table.table, check, schema, session, state).await;
    if !idle.is_empty() {
        return idle.into_iter().map(|finding| in_check(finding, check)).collect();
    }
    let sql = match sql(table, check, schema) {
        Ok(sql) => sql,
        Err(fault) => return vec![in_check(*fault, check)],
    };
    if let Err(error) = plan(check.dialect, &sql, session, state).await {
        let mut problem = Problem::new(&error, &sql);
        problem.hint = problem.hint.or_else(|| made.meant(&problem.message));
        let found = finding(check, &problem);
        return if made.is_told(&problem.message) { Vec::new() } else { vec![found] };
    }
    typed(table, check, schema).map(|finding| in_check(finding, check)).into_iter().collect()
}

/// Returns a query that holds every text and every column of a check.
fn sql(table: &TableChecks, check: &Check, schema: &Schema) -> Result<String, Box<Diagnostic>> {
    let (name, filter) = (quoted_table(&table.table), query::looked_at(check));
    let columns: Vec<String> = check.columns().iter().map(|column| quoted(&column.value)).collect();
    let columns = if columns.is_empty() { "1".to_owned() } else { columns.join(", ") };
    let failing = query::failing(&table.table, check, schema)?;
    Ok(failing.unwrap_or_else(|| format!("SELECT {columns} FROM {name} WHERE {filter}")))
}

async fn plan(dialect: Dialect, sql: &str, session: &SessionContext, state: &SessionState) -> Result<()> {
    let plan = query::planned(dialect, sql, session, state).await?;
    if let Some(name) = plan.get_parameter_names()?.into_iter().min() {
        return plan_err!("`{name}` has no value in a check, which asks about rows alone");
    }
    clash::refuse(&plan)?;
    let analyzed = state.analyzer().execute_and_check(plan.clone(), state.config_options(), |_, _| {})?;
    if plain::is_plain(&analyzed) { Ok(()) } else { state.optimize(&plan).map(drop) }
}

/// Returns what is wrong with the type or the place of a column that is there.
fn typed(table: &TableChecks, check: &Check, schema: &Schema) -> Option<Diagnostic> {
    match &check.kind {
        CheckKind::Freshness { column, max_age } => fresh(column, *max_age, schema),
        CheckKind::Change(change) => partitions(change.by.as_ref(), table).or_else(|| summed(&change.measure, schema)),
        CheckKind::ZScore(score) => partitions(score.over.as_ref(), table).or_else(|| summed(&score.measure, schema)),
        CheckKind::AcceptedValues { column, values } => accepted(check, column, values, schema),
        _ => None,
    }
}

/// Returns the first value that a column of its type can never hold.
fn accepted(check: &Check, column: &Placed<String>, values: &[String], schema: &Schema) -> Option<Diagnostic> {
    let data_type = type_of(column, schema)?;
    let is_possible = |value: &&String| {
        let is_word = *data_type != DataType::Boolean || ["true", "false"].contains(&value.as_str());
        is_word && ScalarValue::try_from_string((*value).clone(), data_type).is_ok()
    };
    let value = values.iter().find(|value| !is_possible(value))?;
    let message = format!("`{value}` is no value of `{}`, which is a {}", column.value, type_name(data_type));
    Some(Diagnostic::error(message, value_place(check, value)).hint("write a value of that type, or leave it out"))
}

/// Returns the place of a value in the list of a check, else that of the check.
fn value_place(check: &Check, value: &str) -> Place {
    let Place { text, range } = &check.place;
    let found = text.body.get(range.start..).and_then(|rest| {
        let list = rest.match_indices("values:").find(|(at, _)| !rest[..*at].ends_with('_'))?.0 + "values:".len();
        Some(range.start + list + rest[list..].find(value)?)
    });
    found.map_or_else(
        || check.place.clone(),
        |start| Place { text: Arc::clone(text), range: start..start + value.len() },
    )
}

fn fresh(column: &Placed<String>, max_age: Age, schema: &Schema) -> Option<Diagnostic> {
    let place = column.place.clone();
    match (type_of(column, schema)?, max_age) {
        (DataType::Timestamp(..), _) | (DataType::Date32, Age::Days(_)) => None,
        (DataType::Date32, Age::Hours(_)) => {
            let message = format!("`{}` is a date, which has no hours", column.value);
            Some(Diagnostic::error(message, place).hint("write `max_age_days`"))
        }
        _ => {
            let message = format!("`{}` is neither a date nor a timestamp", column.value);
            Some(Diagnostic::error(message, place).hint("name the column that says when a row came to be"))
        }
    }
}

fn summed(measure: &Measure, schema: &Schema) -> Option<Diagnostic> {
    let column = measure.column().filter(|_| !measure::is_measurable(measure, schema))?;
    let message = format!("`{}` is not a number, so it has no sum", column.value);
    Some(Diagnostic::error(message, column.place.clone()).hint("`null_share` and `distinct_count` take any column"))
}

fn partitions(column: Option<&Placed<String>>, table: &TableChecks) -> Option<Diagnostic> {
    let column = column.filter(|column| !table.partition_by.contains(&column.value))?;
    let message = format!("`{}` is no partition column of {}", column.value, table.table);
    let hint = match (nearest(&column.value, table.partition_by.iter().map(String::as_str)), &table.partition_by[..]) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, []) => "the table has no partitions; leave the key out".to_owned(),
        (None, all) => format!("it is partitioned by `{}`", all.join("`, `")),
    };
    Some(Diagnostic::error(message, column.place.clone()).hint(hint))
}

fn type_of<'a>(column: &Placed<String>, schema: &'a Schema) -> Option<&'a DataType> {
    schema.field_with_name(&column.value).ok().map(arrow::datatypes::Field::data_type)
}

fn in_check(finding: Diagnostic, check: &Check) -> Diagnostic {
    Diagnostic { message: format!("{} in the check `{}`", finding.message, check.name), ..finding }
}

fn finding(check: &Check, problem: &Problem) -> Diagnostic {
    let mut finding = in_check(Diagnostic::error(&problem.message, place(check, problem)), check);
    finding.hint.clone_from(&problem.hint);
    if let CheckKind::Relationships { to, field, .. } = &check.kind
        && problem.message.contains(query::PARENT)
    {
        finding.message = finding.message.replace(query::PARENT, &format!("`{}` of {}", field.value, to.value));
        finding.hint = Some("name columns of one type".to_owned());
    }
    finding
}

/// Returns the place of the name that a problem is about, else that of the check.
fn place(check: &Check, problem: &Problem) -> Place {
    let named = problem.message.split('`').nth(1).unwrap_or_default();
    let mut written = check.columns();
    written.extend(match &check.kind {
        CheckKind::Relationships { field, .. } => Some(field),
        CheckKind::Expr(expr) => Some(expr),
        _ => None,
    });
    written.extend(&check.filter);
    let exact = written.iter().find(|column| column.value == named);
    let holding = written.iter().find(|column| !named.is_empty() && column.value.contains(named));
    exact.or(holding).map_or_else(|| check.place.clone(), |column| column.place.clone())
}
