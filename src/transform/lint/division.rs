//! `integer-division`: whole numbers divide to whole numbers, and what is left over is gone.

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr};

use super::{Finding, Found, Subject, walk};
use crate::define::project::Dialect;

/// Finds divisions of two integers.
pub(super) fn find(subject: &Subject<'_, '_>, found: &mut Found) {
    if subject.model.dialect == Dialect::Duckdb {
        // There `/` keeps its fraction.
        return;
    }
    for (select, part) in subject.outline.selects.iter().enumerate() {
        for (_, root) in &part.roots {
            look(subject, select, root, found);
        }
    }
}

fn look(subject: &Subject<'_, '_>, select: usize, expr: &Expr, found: &mut Found) {
    if let Some((quotient, factor)) = rounded_down(expr) {
        // `x / 10 * 10` wants the remainder gone.
        for child in [quotient, factor].into_iter().flat_map(walk::children) {
            look(subject, select, child, found);
        }
        return;
    }
    if let Expr::BinaryOp { left, op: BinaryOperator::Divide, right } = expr
        && is_whole(subject, select, left)
        && is_whole(subject, select, right)
        && !is_one(right)
    {
        let message = "a whole number divided by a whole number: what is left over is cut off";
        let hint = format!("cast one side: `CAST({} AS DOUBLE) / …`", subject.written(left));
        found.push(Finding::new(subject.range_of(expr), message, hint));
    }
    for child in walk::children(expr) {
        look(subject, select, child, found);
    }
}

/// Returns quotient and factor of `x / n * n`.
fn rounded_down(expr: &Expr) -> Option<(&Expr, &Expr)> {
    let Expr::BinaryOp { left, op: BinaryOperator::Multiply, right } = expr else { return None };
    [(left, right), (right, left)].into_iter().find_map(|(quotient, factor)| {
        let Expr::BinaryOp { op: BinaryOperator::Divide, right: divisor, .. } = walk::bare(quotient) else {
            return None;
        };
        (walk::bare(divisor) == walk::bare(factor)).then_some((walk::bare(quotient), factor.as_ref()))
    })
}

fn is_whole(subject: &Subject<'_, '_>, select: usize, expr: &Expr) -> bool {
    subject.types.of(select, expr).is_some_and(|typed| typed.data_type.is_integer())
}

fn is_one(expr: &Expr) -> bool {
    walk::bare(expr).to_string() == "1"
}
