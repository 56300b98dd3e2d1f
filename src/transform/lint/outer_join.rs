//! `left-join-filtered`: a WHERE that no row without a match passes, so that the LEFT JOIN is an inner one.

use datafusion::sql::sqlparser::ast::Expr;

use super::{
    Finding, Found, Subject,
    outline::{Clause, Join},
    types::is_comparison,
    walk,
};

/// Finds terms of a WHERE that are NULL or false for every row that the outer join has filled up.
pub(super) fn find(subject: &Subject<'_, '_>, found: &mut Found) {
    for (select, part) in subject.outline.selects.iter().enumerate() {
        let wheres = part.roots.iter().filter(|(clause, _)| *clause == Clause::Where);
        for term in wheres.flat_map(|(_, root)| walk::conjuncts(root)) {
            let strict = compared(term).into_iter().find_map(|side| strict_column(subject, select, side));
            let Some(relation) = strict else { continue };
            let alias = &part.relations[relation].alias;
            let message =
                format!("rows without a match in `{alias}` never pass this, so its LEFT JOIN is an inner join");
            let hint = "put the condition into the ON of the join, or write an inner JOIN";
            found.push(Finding::new(subject.range_of(term), message, hint));
        }
    }
}

/// Returns the sides of a comparison; `IS NOT NULL` is none, as it says what it does.
fn compared(term: &Expr) -> Vec<&Expr> {
    match term {
        Expr::BinaryOp { left, op, right } if is_comparison(op) => vec![left, right],
        Expr::Between { expr, .. }
        | Expr::InList { expr, .. }
        | Expr::InSubquery { expr, .. }
        | Expr::Like { expr, .. }
        | Expr::ILike { expr, .. } => vec![expr],
        _ => Vec::new(),
    }
}

/// Returns the left-joined relation of a column that makes the whole side NULL where it is NULL.
fn strict_column(subject: &Subject<'_, '_>, select: usize, side: &Expr) -> Option<usize> {
    match walk::bare(side) {
        Expr::Cast { expr, .. } | Expr::UnaryOp { expr, .. } | Expr::Extract { expr, .. } => {
            strict_column(subject, select, expr)
        }
        Expr::BinaryOp { left, right, op } if !is_logical(op) => {
            strict_column(subject, select, left).or_else(|| strict_column(subject, select, right))
        }
        column => {
            let column = subject.outline.column(select, column, subject.tables)?;
            let relation = subject.outline.relation(&column);
            (column.select == select && relation.join == Join::Left).then_some(column.relation)
        }
    }
}

fn is_logical(op: &datafusion::sql::sqlparser::ast::BinaryOperator) -> bool {
    use datafusion::sql::sqlparser::ast::BinaryOperator::{And, Or};
    matches!(op, And | Or)
}
