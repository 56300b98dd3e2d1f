//! `not-in-nullable`: one NULL among the values, and NOT IN is true for no row at all.

use datafusion::sql::sqlparser::ast::{Expr, Query};

use super::{Finding, Found, Subject, walk};

/// Finds NOT IN over a subquery or a list that may hold NULL.
pub(super) fn find(subject: &Subject<'_, '_>, found: &mut Found) {
    for (select, part) in subject.outline.selects.iter().enumerate() {
        for (_, root) in &part.roots {
            walk::walk(root, &mut |expr| found.extend(finding(subject, select, expr)));
        }
    }
}

fn finding(subject: &Subject<'_, '_>, select: usize, expr: &Expr) -> Option<Finding> {
    match expr {
        Expr::InSubquery { subquery, negated: true, .. } => {
            let query =
                subject.outline.queries.iter().position(|part| std::ptr::eq::<Query>(part.query, subquery.as_ref()))?;
            if !subject.types.output(query, 0)?.may_be_null {
                return None;
            }
            let message = "if one value of this subquery is NULL, NOT IN is true for no row";
            let hint = "use NOT EXISTS, or leave the NULLs out with `IS NOT NULL` in the subquery";
            Some(Finding::new(subject.range_of(expr), message, hint))
        }
        Expr::InList { list, negated: true, .. } => {
            let may_be_null = |item: &&Expr| {
                walk::is_null(item)
                    || subject.outline.column(select, item, subject.tables).is_some()
                        && subject.types.of(select, item).is_some_and(|typed| typed.may_be_null)
            };
            let item = list.iter().find(may_be_null)?;
            let message = format!("where `{}` is NULL, NOT IN is not true", subject.written(item));
            Some(Finding::new(subject.range_of(item), message, "take it out of the list, or use `IS DISTINCT FROM`"))
        }
        _ => None,
    }
}
