//! No thin tables: on the fixtures every column of every public table says something, or the list says why it cannot.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use crate::{project::repository, shipped, snapshot::Snapshot};

/// `schema.table.column: reason`, one a line.
const LIST: &str = "tests/thin_columns.txt";

#[test]
fn no_column_is_all_null_or_constant_unless_the_list_says_why() {
    let current = shipped::published().current();
    let is_public =
        |table: &&str| !["ops", "staged", "quarantine", "identity"].contains(&table.split('.').next().unwrap());
    let tables: Vec<&str> = current.tables().into_iter().filter(is_public).collect();
    let empty: Vec<&&str> = tables.iter().filter(|table| current.rows(table).is_empty()).collect();
    assert!(empty.is_empty(), "tables without rows: {empty:?}");
    let found: BTreeMap<String, &str> = tables.iter().flat_map(|table| thin(&current, table)).collect();
    let listed = listed();
    let unexplained: Vec<String> = found
        .iter()
        .filter(|(column, _)| !listed.contains(*column))
        .map(|(column, what)| format!("{column}: {what}"))
        .collect();
    assert!(unexplained.is_empty(), "thin, and not in {LIST}:\n  {}", unexplained.join("\n  "));
    let stale: Vec<&String> = listed.iter().filter(|column| !found.contains_key(*column)).collect();
    assert!(stale.is_empty(), "in {LIST}, and not thin: {stale:?}");
}

/// Returns the columns of a table of which all rows say the same, with what they say.
fn thin<'a>(current: &Snapshot, table: &'a str) -> impl Iterator<Item = (String, &'static str)> + use<'a> {
    let columns = current.columns(table);
    let names: Vec<&str> = columns.iter().map(String::as_str).collect();
    let rows = current.cells(table, &names);
    let mut found = Vec::new();
    for (index, column) in columns.iter().enumerate() {
        let mut values: Vec<&str> = rows.iter().map(|row| row[index].as_str()).collect();
        values.sort_unstable();
        values.dedup();
        match values[..] {
            ["NULL"] => found.push((format!("{table}.{column}"), "NULL in every row")),
            // One row cannot differ from another.
            [_] if rows.len() > 1 => found.push((format!("{table}.{column}"), "the same in every row")),
            _ => {}
        }
    }
    found.into_iter()
}

fn listed() -> BTreeSet<String> {
    let text = fs::read_to_string(repository(LIST)).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .map(|line| match line.split_once(": ") {
            Some((column, reason)) if !reason.trim().is_empty() => column.to_owned(),
            _ => panic!("`{line}` gives no reason"),
        })
        .collect()
}
