//! A check as SQL: the rows that fail it.

use crate::{
    define::project::{Check, CheckKind},
    record::{Placed, TableName},
};

/// Returns the query of a check's failing rows (keys, for `unique`).
pub(super) fn failing(table: &TableName, check: &Check) -> String {
    let from = format!("FROM {}", quoted_table(table));
    let looked_at = check.filter.as_ref().map_or_else(|| "TRUE".to_owned(), |filter| format!("({}\n)", filter.value));
    match &check.kind {
        CheckKind::NotNull(columns) => {
            let null: Vec<String> = columns.iter().map(|column| format!("{} IS NULL", quoted(&column.value))).collect();
            format!("SELECT * {from} WHERE {looked_at} AND ({})", null.join(" OR "))
        }
        CheckKind::Unique(columns) => {
            let list = columns.iter().map(|column| quoted(&column.value)).collect::<Vec<_>>().join(", ");
            format!("SELECT {list}, count(*) AS rows {from} WHERE {looked_at} GROUP BY {list} HAVING count(*) > 1")
        }
        CheckKind::AcceptedValues { column, values } => {
            let list = values.iter().map(|value| literal(value)).collect::<Vec<_>>().join(", ");
            format!("SELECT * {from} WHERE {looked_at} AND CAST({} AS VARCHAR) NOT IN ({list})", quoted(&column.value))
        }
        CheckKind::Relationships { column, to, field } => unrelated(table, &looked_at, column, &to.value, field),
        CheckKind::Expr(expr) => format!("SELECT * {from} WHERE {looked_at} AND ({}\n) IS FALSE", expr.value),
        CheckKind::RowCount { min, max } => {
            let low = min.map(|min| format!("rows < {min}"));
            let high = max.map(|max| format!("rows > {max}"));
            let out = low.into_iter().chain(high).collect::<Vec<_>>().join(" OR ");
            format!("SELECT rows FROM (SELECT count(*) AS rows {from} WHERE {looked_at}) AS counted WHERE {out}")
        }
    }
}

/// Returns the query that counts a check's failing rows.
pub(super) fn count(table: &TableName, check: &Check) -> String {
    format!("SELECT count(*) AS failed FROM ({}) AS failing", failing(table, check))
}

/// Returns the query of a few failing rows, of which only `columns` are shown.
pub(super) fn sample(table: &TableName, check: &Check, columns: &[String], rows: usize) -> String {
    let list: Vec<String> = columns.iter().map(|column| quoted(column)).collect();
    let (failing, order) = (failing(table, check), order(columns.len()));
    format!("SELECT {} FROM ({failing}) AS failing ORDER BY {order} LIMIT {rows}", list.join(", "))
}

/// Returns `1, 2, …`: samples are the same on every run.
fn order(columns: usize) -> String {
    (1..=columns).map(|position| position.to_string()).collect::<Vec<_>>().join(", ")
}

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

fn quoted_table(table: &TableName) -> String {
    format!("{}.{}", quoted(&table.schema), quoted(&table.table))
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
