//! What unit tests found, as text, as JSON and as XML in the form of `JUnit`.
//!
//! In: results in the order of the tests. Out: texts and values; nothing is printed here.

mod diff;
mod junit;

use std::{collections::BTreeSet, fmt::Write};

use serde_json::{Map, Value, json};

use crate::record::{
    TestResult,
    test_result::{Asked, CellDiff, Found, RowDiff, RowsDiff, Shown, TestFailure},
};

pub use junit::junit;

/// The schema under which functions are tested.
const FUNCTIONS: &str = "functions";

/// Returns the results as a person reads them: what failed, then one line about all.
#[must_use]
pub fn text(results: &[TestResult], seconds: f64) -> String {
    let mut out = String::new();
    for result in results.iter().filter(|result| !result.is_passed()) {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "FAILED {}: {}\n  --> {}", result.model, result.test, result.written_at);
        out += &failures(result);
        out.push('\n');
    }
    let subjects: BTreeSet<_> = results.iter().map(|result| &result.model).collect();
    let (functions, models): (Vec<_>, Vec<_>) = subjects.into_iter().partition(|model| model.schema == FUNCTIONS);
    let counts = [(models.len(), "model"), (functions.len(), "function")];
    let counts = counts.iter().filter(|(count, _)| *count > 0).map(|(count, noun)| counted(*count, noun));
    let failed = results.iter().filter(|result| !result.is_passed()).count();
    let _ = writeln!(
        out,
        "{} of {}: {} passed, {failed} failed, in {seconds:.2} s",
        counted(results.len(), "test"),
        counts.collect::<Vec<_>>().join(" and "),
        results.len() - failed
    );
    out
}

/// Returns everything that a test found, indented.
fn failures(result: &TestResult) -> String {
    result.failures.iter().map(failure).collect()
}

fn failure(failure: &TestFailure) -> String {
    let asked = match &failure.asked {
        Asked::Result => "the result".to_owned(),
        Asked::Cte(name) => format!("`{name}`"),
        Asked::History => "the history".to_owned(),
    };
    match &failure.found {
        Found::Failed(words) => format!("  {asked} cannot be computed from these rows: {words}\n"),
        Found::Rows(diff) => format!("  {asked}: {}\n{}", summary(diff), diff::table(diff)),
    }
}

fn summary(diff: &RowsDiff) -> String {
    let count = |is_kind: fn(&&RowDiff) -> bool| diff.rows.iter().filter(is_kind).count();
    let kinds = [
        (diff.equal_rows, "as expected"),
        (count(|row| matches!(row, RowDiff::Different(_))), "different"),
        (count(|row| matches!(row, RowDiff::Missing(_))), "missing"),
        (count(|row| matches!(row, RowDiff::Surplus(_))), "surplus"),
    ];
    let kinds = kinds.iter().filter(|(count, _)| *count > 0).map(|(count, kind)| format!("{count} {kind}"));
    format!(
        "{} expected, {} there: {}",
        counted(diff.expected_rows(), "row"),
        diff.actual_rows(),
        kinds.collect::<Vec<_>>().join(", ")
    )
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// Returns the results as a program reads them.
#[must_use]
pub fn json(results: &[TestResult], seconds: f64) -> Value {
    let failed = results.iter().filter(|result| !result.is_passed()).count();
    json!({
        "tests": results.len(),
        "passed": results.len() - failed,
        "failed": failed,
        "seconds": seconds,
        "results": results.iter().map(result_json).collect::<Vec<_>>(),
        "exit_code": i32::from(failed > 0),
    })
}

fn result_json(result: &TestResult) -> Value {
    json!({
        "model": result.model,
        "test": result.test,
        "written_at": result.written_at,
        "status": if result.is_passed() { "passed" } else { "failed" },
        "seconds": result.seconds,
        "failures": result.failures.iter().map(failure_json).collect::<Vec<_>>(),
    })
}

fn failure_json(failure: &TestFailure) -> Value {
    let (asked, name) = match &failure.asked {
        Asked::Result => ("result", None),
        Asked::Cte(name) => ("cte", Some(name)),
        Asked::History => ("history", None),
    };
    match &failure.found {
        Found::Failed(words) => json!({ "asked": asked, "cte": name, "error": words }),
        Found::Rows(diff) => {
            let rows: Vec<Value> = diff.rows.iter().map(|row| row_json(&diff.columns, row)).collect();
            json!({
                "asked": asked, "cte": name, "columns": diff.columns, "expected_rows": diff.expected_rows(),
                "actual_rows": diff.actual_rows(), "equal_rows": diff.equal_rows, "differences": rows,
            })
        }
    }
}

fn row_json(columns: &[String], row: &RowDiff) -> Value {
    let object = |values: Vec<Value>| Value::Object(columns.iter().cloned().zip(values).collect::<Map<_, _>>());
    let plain = |values: &[Shown]| object(values.iter().map(|value| json!(value)).collect());
    match row {
        RowDiff::Missing(values) => json!({ "kind": "missing", "expected": plain(values) }),
        RowDiff::Surplus(values) => json!({ "kind": "surplus", "actual": plain(values) }),
        RowDiff::Different(cells) => {
            let side = |wanted: fn(&CellDiff) -> Value| object(cells.iter().map(wanted).collect());
            let changed = columns.iter().zip(cells).filter(|(_, cell)| matches!(cell, CellDiff::Changed { .. }));
            json!({
                "kind": "different",
                "expected": side(|cell| match cell {
                    CellDiff::Same(value) | CellDiff::Changed { expected: value, .. } => json!(value),
                }),
                "actual": side(|cell| match cell {
                    CellDiff::Same(value) | CellDiff::Changed { actual: value, .. } => json!(value),
                }),
                "changed": changed.map(|(name, _)| name).collect::<Vec<_>>(),
            })
        }
    }
}

#[cfg(test)]
mod tests;
