//! `group-by-constant`: a literal in GROUP BY parts nothing; mostly a column in the wrong quotes.

use datafusion::sql::sqlparser::ast::{Expr, Value};

use super::{Finding, Found, Subject, walk};

/// Finds literals in GROUP BY, ordinals left out.
pub(super) fn find(subject: &Subject<'_, '_>, found: &mut Found) {
    for part in &subject.outline.selects {
        for group in part.groups().unwrap_or_default() {
            if !walk::is_literal(group) || is_ordinal(group) {
                continue;
            }
            let message = format!("grouping by the constant {group} parts nothing");
            let hint = match constant_text(group) {
                Some(text) => format!("a column is written without quotes: `{text}`"),
                None => "take it out of the GROUP BY".to_owned(),
            };
            found.push(Finding::new(subject.range_of(group), message, hint));
        }
    }
}

fn is_ordinal(group: &Expr) -> bool {
    matches!(group, Expr::Value(value) if matches!(value.value, Value::Number(..)))
}

fn constant_text(group: &Expr) -> Option<&str> {
    match walk::bare(group) {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => Some(text),
            _ => None,
        },
        _ => None,
    }
}
