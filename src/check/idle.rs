//! Texts of checks that are no condition on a row, or one that decides nothing.
//!
//! In: the `expr` or the `where` of a check, and a session that knows its table. Out: what is wrong with it, in the words of whoever
//! writes checks. Deliberately silent about a text that cannot be planned: that is told with the whole check.

use arrow::datatypes::{DataType, Schema};
use datafusion::{
    common::ScalarValue,
    execution::SessionState,
    logical_expr::{Expr, LogicalPlan},
    prelude::SessionContext,
};

use super::query;
use crate::{
    define::{
        project::{Check, CheckKind},
        type_name,
    },
    engine::{expression, types},
    record::{
        Diagnostic, Placed, TableName,
        sql::{quoted, quoted_table},
    },
};

/// Which of a check's texts one is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Expr,
    Where,
}

/// Finds the texts of a check that look at no row, at more than one, or that are no condition.
pub(super) async fn idle(
    table: &TableName,
    check: &Check,
    schema: &Schema,
    session: &SessionContext,
    state: &SessionState,
) -> Vec<Diagnostic> {
    let expr = match &check.kind {
        CheckKind::Expr(expr) => Some((Role::Expr, expr)),
        _ => None,
    };
    let texts = expr.into_iter().chain(check.filter.as_ref().map(|filter| (Role::Where, filter)));
    let mut findings = Vec::new();
    for (role, text) in texts {
        let select = format!("SELECT ({}\n) AS \"condition\" FROM {}", text.value, quoted_table(table));
        let found = if let Ok(plan) = query::planned(check.dialect, &select, session, state).await {
            fault(role, text, &plan, table, state)
        } else {
            // An aggregate beside columns is planned where these are grouped by.
            let columns: Vec<String> = schema.fields().iter().map(|field| quoted(field.name())).collect();
            let grouped = format!("{select} GROUP BY {}", columns.join(", "));
            let planned = query::planned(check.dialect, &grouped, session, state).await;
            planned.is_ok().then(|| aggregate(text, table))
        };
        findings.extend(found);
    }
    findings
}

fn fault(
    role: Role,
    text: &Placed<String>,
    plan: &LogicalPlan,
    table: &TableName,
    state: &SessionState,
) -> Option<Diagnostic> {
    let LogicalPlan::Projection(projection) = plan else { return None };
    match projection.input.as_ref() {
        LogicalPlan::Aggregate(_) => return Some(aggregate(text, table)),
        LogicalPlan::Window(_) => {
            let message = "a window function looks at several rows, and a check at one".to_owned();
            let hint = "compute it in a column of the model, and compare the column";
            return Some(Diagnostic::error(message, text.place.clone()).hint(hint));
        }
        _ => {}
    }
    let data_type = plan.schema().field(0).data_type();
    if !matches!(data_type, DataType::Boolean | DataType::Null) {
        return Some(no_condition(text, data_type));
    }
    let expr = projection.expr.first()?.clone().unalias();
    let constant = expression::constant(&expr, projection.input.schema(), state);
    match (role, constant) {
        (Role::Expr, Some(value)) => whatever(text, &value),
        (Role::Where, Some(ScalarValue::Boolean(Some(true)))) => None,
        (Role::Where, Some(value)) => Some(never(text, &value)),
        (Role::Expr, None) if names_nothing(&expr) => {
            let message = "the condition names no column, so it says the same of every row".to_owned();
            Some(Diagnostic::error(message, text.place.clone()).hint("name the column that it is about"))
        }
        _ => None,
    }
}

fn aggregate(text: &Placed<String>, table: &TableName) -> Diagnostic {
    let message = "an aggregate looks at all rows, and a check at one".to_owned();
    let hint = format!(
        "compare with a query: `(SELECT max(…) FROM {table}) > 3`; of the number of rows there is `row_count`, of what a sum was \
         before `change`"
    );
    Diagnostic::error(message, text.place.clone()).hint(hint)
}

fn no_condition(text: &Placed<String>, data_type: &DataType) -> Diagnostic {
    let spelled = types::published(data_type).map_or_else(|| data_type.to_string(), |known| type_name(&known));
    let message = format!("this is a value of type `{spelled}`, and no condition that is true or false");
    let value = text.value.trim();
    let compared = match data_type {
        DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 => format!("{value} <> ''"),
        data_type if data_type.is_numeric() => format!("{value} > 0"),
        _ => format!("{value} IS NOT NULL"),
    };
    Diagnostic::error(message, text.place.clone()).hint(format!("compare it, as in `{compared}`"))
}

/// Says that a condition fails no row; one that fails every row does look at them.
fn whatever(text: &Placed<String>, value: &ScalarValue) -> Option<Diagnostic> {
    let (message, hint) = match value {
        ScalarValue::Boolean(Some(true)) => {
            ("the condition is true whatever a row holds, so no row can fail", "name the column that it is about")
        }
        ScalarValue::Boolean(Some(false)) => return None,
        _ => (
            "the condition is NULL whatever a row holds, so no row can fail",
            "a comparison with NULL is NULL: write `IS NULL` or `IS NOT NULL`",
        ),
    };
    Some(Diagnostic::error(message, text.place.clone()).hint(hint))
}

/// Says that a `where` selects no row.
fn never(text: &Placed<String>, value: &ScalarValue) -> Diagnostic {
    let (message, hint) = match value {
        ScalarValue::Boolean(Some(_)) => (
            "the `where` is false whatever a row holds, so the check looks at none",
            "remove it, or name the rows that count",
        ),
        _ => (
            "the `where` is NULL whatever a row holds, so the check looks at none",
            "a comparison with NULL is NULL: write `IS NULL` or `IS NOT NULL`",
        ),
    };
    Diagnostic::error(message, text.place.clone()).hint(hint)
}

/// Returns whether an expression asks neither for a column nor for another table.
fn names_nothing(expr: &Expr) -> bool {
    expr.column_refs().is_empty() && !expression::has_query(expr)
}
