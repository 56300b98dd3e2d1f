//! Data checks of contracts and model headers: as written → as validated.
//!
//! In: a check with its range. Out: a [`Check`] of exactly one kind. Deliberately does not know which columns a table
//! has: a contract asks for that itself, a model's columns are the planner's.

mod bounds;
mod measure;

use std::ops::Range;

use super::{
    file::{self, AcceptedValues, Relationships, RowCount},
    findings::{Findings, suggestion},
    names,
    project::{Change, Check, CheckKind, Dialect, ZScore},
    spans::At,
};
use crate::record::{Placed, TableName};

/// The keys of which a check has exactly one.
const KINDS: [&str; 10] = [
    "not_null",
    "unique",
    "accepted_values",
    "relationships",
    "expr",
    "range",
    "row_count",
    "freshness",
    "change",
    "z_score",
];

/// Checks a list of checks, in which SQL is written in a dialect.
pub fn checks(written: Vec<At<file::Check>>, dialect: Dialect, findings: &mut Findings) -> Vec<Check> {
    written.into_iter().filter_map(|check| one(check, dialect, findings)).collect()
}

fn one(written: At<file::Check>, dialect: Dialect, findings: &mut Findings) -> Option<Check> {
    let At { value: check, range } = written;
    single_kind(&check, &range, findings)?;
    let (severity, filter, name) = (check.severity.unwrap_or_default(), check.filter.clone(), check.name.clone());
    for text in [&filter, &name].into_iter().flatten() {
        not_blank(text, findings);
    }
    let tolerance = bounds::tolerance(check.max_rows.as_ref(), check.max_share.as_ref(), findings);
    let written = check.max_rows.as_ref().map(|at| &at.range).or(check.max_share.as_ref().map(|at| &at.range)).cloned();
    let tags = check.tags.iter().map(|tag| tag.value.clone()).collect();
    for tag in &check.tags {
        not_blank(tag, findings);
    }
    let kind = kind(check, findings)?;
    if let (false, Some(range)) = (kind.is_about_rows(), written) {
        let message = "the check looks at a number, so there are no failing rows to tolerate";
        findings.error(&range, message, "widen the bounds of the check instead");
    }
    // What has no SQL of its own means the same in each of them.
    let has_sql = filter.is_some() || matches!(kind, CheckKind::Expr(_));
    Some(Check {
        dialect: if has_sql { dialect } else { Dialect::default() },
        place: findings.place(&range),
        name: name.map_or_else(|| title(&kind), |name| name.value),
        kind,
        severity,
        tolerance,
        filter: filter.map(|filter| findings.placed(filter)),
        tags,
    })
}

fn single_kind(check: &file::Check, range: &Range<usize>, findings: &mut Findings) -> Option<()> {
    let present = [
        check.not_null.is_some(),
        check.unique.is_some(),
        check.accepted_values.is_some(),
        check.relationships.is_some(),
        check.expr.is_some(),
        check.range.is_some(),
        check.row_count.is_some(),
        check.freshness.is_some(),
        check.change.is_some(),
        check.z_score.is_some(),
    ];
    let given: Vec<&str> = KINDS.iter().zip(present).filter(|(_, present)| *present).map(|(kind, _)| *kind).collect();
    match given.as_slice() {
        [_] => return Some(()),
        [] => findings.error(range, "the check does not say what it checks", suggestion("", KINDS)),
        several => {
            let message = format!("one check has several kinds: `{}`", several.join("`, `"));
            findings.error(range, message, "make each of them a list item of its own");
        }
    }
    None
}

fn kind(check: file::Check, findings: &mut Findings) -> Option<CheckKind> {
    if let Some(list) = check.not_null {
        return Some(CheckKind::NotNull(columns("not_null", list, findings)?));
    }
    if let Some(list) = check.unique {
        return Some(CheckKind::Unique(columns("unique", list, findings)?));
    }
    if let Some(written) = check.accepted_values {
        return accepted_values(written, findings);
    }
    if let Some(written) = check.relationships {
        return relationships(written, findings);
    }
    if let Some(expr) = check.expr {
        return not_blank(&expr, findings).then(|| CheckKind::Expr(findings.placed(expr)));
    }
    if let Some(written) = check.range {
        return bounds::range(written, findings);
    }
    if let Some(written) = check.row_count {
        return row_count(&written, findings);
    }
    if let Some(written) = check.freshness {
        return bounds::freshness(written, findings);
    }
    if let Some(written) = check.change {
        return measure::change(written, findings);
    }
    measure::z_score(check.z_score?, findings)
}

fn columns(kind: &str, list: At<Vec<At<String>>>, findings: &mut Findings) -> Option<Vec<Placed<String>>> {
    names::distinct(kind, &list.value, findings);
    if list.value.is_empty() {
        findings.error(&list.range, format!("`{kind}` names no column"), "list at least one column");
        return None;
    }
    Some(findings.all_placed(list.value))
}

fn accepted_values(written: At<AcceptedValues>, findings: &mut Findings) -> Option<CheckKind> {
    let column = findings.required(written.value.column, &written.range, "column", "kind");
    let values = findings.required(written.value.values, &written.range, "values", "[a, b]");
    if let Some(empty) = values.as_ref().filter(|values| values.value.is_empty()) {
        findings.error(&empty.range, "`values` is empty, so no row could pass", "list the values that are accepted");
    }
    let values = values?.value.into_iter().map(|value| value.0).collect();
    Some(CheckKind::AcceptedValues { column: findings.placed(column?), values })
}

fn relationships(written: At<Relationships>, findings: &mut Findings) -> Option<CheckKind> {
    let At { value, range } = written;
    let column = findings.required(value.column, &range, "column", "product_code");
    let to = findings.required(value.to, &range, "to", "core.product");
    let field = findings.required(value.field, &range, "field", "product_code");
    let to = to.and_then(|to| table(&to, findings));
    Some(CheckKind::Relationships { column: findings.placed(column?), to: to?, field: findings.placed(field?) })
}

/// Reads `schema.table`.
pub fn table(written: &At<String>, findings: &mut Findings) -> Option<Placed<TableName>> {
    let name = TableName::try_from(written.value.clone()).ok().filter(|name| !name.table.contains('.'));
    if name.is_none() {
        let message = format!("`{}` is not the name of a table", written.value);
        findings.error(&written.range, message, "write `schema.table`, such as `core.product`");
    }
    Some(Placed::new(name?, findings.place(&written.range)))
}

fn row_count(written: &At<RowCount>, findings: &mut Findings) -> Option<CheckKind> {
    let RowCount { min, max } = written.value;
    match (min, max) {
        (None, None) => findings.error(&written.range, "`row_count` has no bound", "write `{ min: 1 }`"),
        (Some(min), Some(max)) if min > max => {
            findings.error(&written.range, format!("`min: {min}` is more than `max: {max}`"), "swap the two");
        }
        _ => return Some(CheckKind::RowCount { min, max }),
    }
    None
}

/// Says so when a text that must hold something is blank, and returns whether it holds something.
pub fn not_blank(text: &At<String>, findings: &mut Findings) -> bool {
    let blank = text.value.trim().is_empty();
    if blank {
        findings.error(&text.range, "the text is empty", "write something, or remove the key");
    }
    !blank
}

/// Returns the name of a check that has none of its own.
fn title(kind: &CheckKind) -> String {
    let list =
        |columns: &[Placed<String>]| columns.iter().map(|column| column.value.as_str()).collect::<Vec<_>>().join(", ");
    match kind {
        CheckKind::NotNull(columns) => format!("not_null({})", list(columns)),
        CheckKind::Unique(columns) => format!("unique({})", list(columns)),
        CheckKind::AcceptedValues { column, .. } => format!("accepted_values({})", column.value),
        CheckKind::Relationships { column, to, field } => {
            format!("relationships({}, {}.{})", column.value, to.value, field.value)
        }
        CheckKind::Expr(expr) => format!("expr({})", expr.value.trim()),
        CheckKind::Range { column, .. } => format!("range({})", column.value),
        CheckKind::RowCount { .. } => "row_count".to_owned(),
        CheckKind::Freshness { column, .. } => format!("freshness({})", column.value),
        CheckKind::Change(Change { measure, by: Some(by), .. }) => format!("change({measure} by {})", by.value),
        CheckKind::Change(Change { measure, .. }) => format!("change({measure})"),
        CheckKind::ZScore(ZScore { measure, over: Some(over), .. }) => {
            format!("z_score({measure} over {})", over.value)
        }
        CheckKind::ZScore(ZScore { measure, .. }) => format!("z_score({measure})"),
    }
}
