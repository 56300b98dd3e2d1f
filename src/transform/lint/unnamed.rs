//! `unnamed-column`: a published column that is called after its expression.

use datafusion::sql::sqlparser::ast::{Expr, SelectItem};

use super::{Finding, Found, Subject, outline::Branch, walk};

/// Bytes of an expression that a hint repeats at most.
const REPEATED_BYTES: usize = 60;

/// Finds expressions without a name in the SELECT whose names are published.
pub(super) fn find(subject: &Subject<'_, '_>, found: &mut Found) {
    let Some(select) = naming(subject, 0) else { return };
    for item in &subject.outline.selects[select].select.projection {
        let SelectItem::UnnamedExpr(expr) = item else { continue };
        if has_name(expr) {
            continue;
        }
        let range = subject.range_of(expr);
        let written = match subject.written(expr) {
            short if short.len() <= REPEATED_BYTES && !short.contains('\n') => short,
            _ => "…",
        };
        let message = "the column has no name but that of its expression, which readers would have to quote";
        found.push(Finding::new(range, message, format!("name it: `{written} AS name`")));
    }
}

/// Returns the SELECT whose names a query gives: the first of several.
fn naming(subject: &Subject<'_, '_>, query: usize) -> Option<usize> {
    match subject.outline.queries.get(query)?.branches.first()? {
        Branch::Select(select) => Some(*select),
        Branch::Query(inner) => naming(subject, *inner),
        Branch::Values | Branch::Unknown => None,
    }
}

fn has_name(expr: &Expr) -> bool {
    matches!(walk::bare(expr), Expr::Identifier(_) | Expr::CompoundIdentifier(_))
}
