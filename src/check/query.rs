//! A check of single rows as SQL: the condition that is true for a failing row, and the query of the rows that fail.
//!
//! In: a check, and the columns of its table. Out: SQL, or what is wrong with a bound. Deliberately absent: checks of a number
//! (`measure`), which no single row fails.

use std::collections::BTreeMap;

use arrow::datatypes::Schema;
use chrono::NaiveDate;
use datafusion::{
    common::plan_err, error::Result as EngineResult, execution::SessionState, logical_expr::LogicalPlan,
    prelude::SessionContext, sql::parser::Statement as Parsed,
};

use super::bounds;
use crate::{
    define::project::{Check, CheckKind, Dialect},
    engine::{Parameters, Statement, ignored},
    record::{
        Diagnostic, Placed, TableName,
        manifest::Table,
        sql::{literal, quoted, quoted_table},
    },
};

/// Returns what is true for a row that fails the check, its filter aside; None where it takes more than the row to tell.
///
/// # Errors
/// A bound that is no value of its column.
pub(super) fn condition(check: &Check, schema: &Schema) -> Result<Option<String>, Box<Diagnostic>> {
    Ok(Some(match &check.kind {
        CheckKind::NotNull(columns) => {
            let null: Vec<String> = columns.iter().map(|column| format!("{} IS NULL", quoted(&column.value))).collect();
            null.join(" OR ")
        }
        CheckKind::AcceptedValues { column, values } => {
            let list = values.iter().map(|value| literal(value)).collect::<Vec<_>>().join(", ");
            format!("CAST({} AS VARCHAR) NOT IN ({list})", quoted(&column.value))
        }
        CheckKind::Expr(expr) => format!("({}\n) IS FALSE", expr.value),
        CheckKind::Range { column, low, high } => {
            let name = quoted(&column.value);
            match schema.field_with_name(&column.value) {
                Ok(field) => bounds::outside(&name, low.as_ref(), high.as_ref(), field.data_type())
                    .map_err(|(bound, fault)| Box::new(Diagnostic::error(fault, bound.value.place.clone())))?,
                // The planner says that there is no such column.
                Err(_) => format!("{name} IS NULL"),
            }
        }
        _ => return Ok(None),
    }))
}

/// Returns an expression that is 1 for a failing row of the filter, else NULL. The condition is evaluated only for rows of the
/// filter, so that `where: hours > 0` protects a division by `hours`; a CASE of booleans would be optimized into an AND, which
/// keeps no order.
pub(super) fn mark(check: &Check, condition: &str) -> String {
    let mark = format!("CASE WHEN {condition} THEN 1 END");
    match &check.filter {
        Some(filter) => format!("CASE WHEN ({}\n) THEN {mark} END", filter.value),
        None => mark,
    }
}

/// Returns the query of a check's failing rows (keys, for `unique`); None for a check of a number.
///
/// # Errors
/// A bound that is no value of its column.
pub(super) fn failing(table: &TableName, check: &Check, schema: &Schema) -> Result<Option<String>, Box<Diagnostic>> {
    let from = format!("FROM {}", quoted_table(table));
    Ok(Some(match &check.kind {
        CheckKind::Unique(columns) => {
            let list = columns.iter().map(|column| quoted(&column.value)).collect::<Vec<_>>().join(", ");
            let looked_at = looked_at(check);
            format!("SELECT {list}, count(*) AS rows {from} WHERE {looked_at} GROUP BY {list} HAVING count(*) > 1")
        }
        CheckKind::Relationships { column, to, field } => unrelated(table, &looked_at(check), column, &to.value, field),
        _ => match condition(check, schema)? {
            Some(condition) if check.filter.is_none() => format!("SELECT * {from} WHERE {condition}"),
            Some(condition) => format!("SELECT * {from} WHERE {} IS NOT NULL", mark(check, &condition)),
            None => return Ok(None),
        },
    }))
}

/// Returns the predicate of the rows that a check looks at.
pub(super) fn looked_at(check: &Check) -> String {
    check.filter.as_ref().map_or_else(|| "TRUE".to_owned(), |filter| format!("({}\n)", filter.value))
}

/// Returns the query of a few failing rows, of which only `columns` are shown.
pub(super) fn sample(failing: &str, columns: &[String], rows: usize) -> String {
    let list: Vec<String> = columns.iter().map(|column| quoted(column)).collect();
    // Samples are the same on every run.
    let order: Vec<String> = (1..=columns.len()).map(|position| position.to_string()).collect();
    format!("SELECT {} FROM ({failing}) AS failing ORDER BY {} LIMIT {rows}", list.join(", "), order.join(", "))
}

/// What the column is called to which another refers.
pub(super) const PARENT: &str = "`parent field`";

fn unrelated(
    table: &TableName,
    looked_at: &str,
    column: &Placed<String>,
    to: &TableName,
    field: &Placed<String>,
) -> String {
    let column = quoted(&column.value);
    format!(
        "SELECT * FROM (SELECT * FROM {} WHERE {looked_at} AND {column} IS NOT NULL) AS child \
         LEFT ANTI JOIN (SELECT {field} AS \"parent field\" FROM {}) AS parent ON child.{column} = parent.\"parent field\"",
        quoted_table(table),
        quoted_table(to),
        field = quoted(&field.value),
    )
}

/// Plans a query of a check as its texts are to be read.
///
/// # Errors
/// What is wrong with it; a parameter is.
pub(super) async fn planned(
    dialect: Dialect,
    sql: &str,
    session: &SessionContext,
    state: &SessionState,
) -> EngineResult<LogicalPlan> {
    if dialect == Dialect::Datafusion {
        let statement = state.sql_to_statement(sql, &state.config_options().sql_parser.dialect)?;
        if let Parsed::Statement(tree) = &statement {
            ignored::refuse(tree.as_ref(), state)?;
        }
        return state.statement_to_plan(statement).await;
    }
    let statement = Statement::parse_as(dialect, sql, &no_parameters())?;
    if let Some(name) = statement.parameters.first() {
        return plan_err!("`${name}` has no value in a check, which asks about rows alone");
    }
    statement.plan_with(session, state).await
}

fn no_parameters() -> Parameters {
    Parameters { run_date: NaiveDate::default(), timezone: chrono_tz::UTC, variables: BTreeMap::new() }
}

/// Returns whether an expression may hold a query of its own.
pub(super) fn has_subquery(expr: &str) -> bool {
    expr.to_lowercase().split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|word| word == "select")
}

/// Returns the columns of a table whose names occur in an expression, wherever that is; None where a query may read others.
pub(super) fn named(expr: &str, table: &Table) -> Option<Vec<String>> {
    let is_plain = !has_subquery(expr) && table.columns.iter().all(|column| !column.name.contains('"'));
    let expr = expr.to_lowercase();
    let occurs = |name: &&String| expr.contains(&name.to_lowercase());
    is_plain.then(|| table.columns.iter().map(|column| &column.name).filter(occurs).cloned().collect())
}

/// Returns the tables that queries within an expression read; None where that cannot be told. No parameter may stand in a check.
pub(super) fn queried(expr: &str, dialect: Dialect) -> Option<Vec<TableName>> {
    if !has_subquery(expr) {
        return Some(Vec::new());
    }
    let statement = Statement::parse_as(dialect, &format!("SELECT ({expr}\n)"), &no_parameters()).ok()?;
    let is_told = statement.unqualified.is_empty() && statement.parameters.is_empty();
    is_told.then_some(statement.tables)
}
