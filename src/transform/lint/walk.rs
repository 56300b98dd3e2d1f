//! Steps through expressions without stepping into the queries inside of them, which have scopes of their own.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArguments, Query,
    Value, WindowType,
};

/// Visits an expression and everything below it, from the outside in.
pub(super) fn walk<'a>(expr: &'a Expr, visit: &mut dyn FnMut(&'a Expr)) {
    visit(expr);
    for child in children(expr) {
        walk(child, visit);
    }
}

/// Returns the expressions directly inside another one.
pub(super) fn children(expr: &Expr) -> Vec<&Expr> {
    match expr {
        Expr::IsNull(inner)
        | Expr::IsNotNull(inner)
        | Expr::IsTrue(inner)
        | Expr::IsNotTrue(inner)
        | Expr::IsFalse(inner)
        | Expr::IsNotFalse(inner)
        | Expr::IsUnknown(inner)
        | Expr::IsNotUnknown(inner)
        | Expr::Nested(inner)
        | Expr::UnaryOp { expr: inner, .. }
        | Expr::Cast { expr: inner, .. }
        | Expr::Convert { expr: inner, .. }
        | Expr::Extract { expr: inner, .. }
        | Expr::Ceil { expr: inner, .. }
        | Expr::Floor { expr: inner, .. }
        | Expr::Collate { expr: inner, .. }
        | Expr::InSubquery { expr: inner, .. }
        | Expr::Named { expr: inner, .. }
        | Expr::CompoundFieldAccess { root: inner, .. } => vec![inner],
        Expr::BinaryOp { left, right, .. }
        | Expr::IsDistinctFrom(left, right)
        | Expr::IsNotDistinctFrom(left, right)
        | Expr::AnyOp { left, right, .. }
        | Expr::AllOp { left, right, .. }
        | Expr::Like { expr: left, pattern: right, .. }
        | Expr::ILike { expr: left, pattern: right, .. }
        | Expr::SimilarTo { expr: left, pattern: right, .. }
        | Expr::RLike { expr: left, pattern: right, .. }
        | Expr::InUnnest { expr: left, array_expr: right, .. }
        | Expr::Position { expr: left, r#in: right }
        | Expr::AtTimeZone { timestamp: left, time_zone: right } => vec![left, right],
        Expr::Between { expr, low, high, .. } => vec![expr, low, high],
        Expr::InList { expr, list, .. } => std::iter::once(expr.as_ref()).chain(list).collect(),
        Expr::Tuple(items) => items.iter().collect(),
        Expr::Array(array) => array.elem.iter().collect(),
        Expr::Interval(interval) => vec![&interval.value],
        Expr::Function(function) => of_function(function),
        other => of_phrases(other),
    }
}

/// Those with optional parts.
fn of_phrases(expr: &Expr) -> Vec<&Expr> {
    match expr {
        Expr::Case { operand, conditions, else_result, .. } => {
            let branches = conditions.iter().flat_map(|branch| [&branch.condition, &branch.result]);
            operand.as_deref().into_iter().chain(branches).chain(else_result.as_deref()).collect()
        }
        Expr::Substring { expr, substring_from, substring_for, .. } => {
            let parts = substring_from.as_deref().into_iter().chain(substring_for.as_deref());
            std::iter::once(expr.as_ref()).chain(parts).collect()
        }
        Expr::Trim { expr, trim_what, trim_characters, .. } => {
            let parts = trim_what.as_deref().into_iter().chain(trim_characters.iter().flatten());
            std::iter::once(expr.as_ref()).chain(parts).collect()
        }
        Expr::Overlay { expr, overlay_what, overlay_from, overlay_for } => {
            let parts = [expr.as_ref(), overlay_what, overlay_from].into_iter();
            parts.chain(overlay_for.as_deref()).collect()
        }
        Expr::GroupingSets(sets) | Expr::Cube(sets) | Expr::Rollup(sets) => sets.iter().flatten().collect(),
        _ => Vec::new(),
    }
}

fn of_function(function: &Function) -> Vec<&Expr> {
    let mut found: Vec<&Expr> = arguments(function);
    if let FunctionArguments::List(list) = &function.args {
        for clause in &list.clauses {
            if let FunctionArgumentClause::OrderBy(order) = clause {
                found.extend(order.iter().map(|order| &order.expr));
            }
        }
    }
    found.extend(function.filter.as_deref());
    found.extend(function.within_group.iter().map(|order| &order.expr));
    if let Some(WindowType::WindowSpec(window)) = &function.over {
        found.extend(window.partition_by.iter().chain(window.order_by.iter().map(|order| &order.expr)));
    }
    found
}

/// Returns the arguments of a call that are expressions.
pub(super) fn arguments(function: &Function) -> Vec<&Expr> {
    let FunctionArguments::List(list) = &function.args else { return Vec::new() };
    list.args.iter().filter_map(argument).collect()
}

fn argument(arg: &FunctionArg) -> Option<&Expr> {
    let (FunctionArg::Named { arg, .. } | FunctionArg::ExprNamed { arg, .. } | FunctionArg::Unnamed(arg)) = arg;
    match arg {
        FunctionArgExpr::Expr(expr) => Some(expr),
        _ => None,
    }
}

/// Returns the query that an expression holds directly.
pub(super) fn query(expr: &Expr) -> Option<&Query> {
    match expr {
        Expr::Subquery(query) | Expr::Exists { subquery: query, .. } | Expr::InSubquery { subquery: query, .. } => {
            Some(query)
        }
        Expr::Function(Function { args: FunctionArguments::Subquery(query), .. }) => Some(query),
        _ => None,
    }
}

/// Returns the expression without the parentheses around it.
pub(super) fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Nested(inner) => bare(inner),
        other => other,
    }
}

/// Returns the terms of an AND, parentheses removed; an expression that is none is its only term.
pub(super) fn conjuncts(expr: &Expr) -> Vec<&Expr> {
    terms(expr, &BinaryOperator::And)
}

/// Returns the terms of an OR, parentheses removed.
pub(super) fn alternatives(expr: &Expr) -> Vec<&Expr> {
    terms(expr, &BinaryOperator::Or)
}

fn terms<'a>(expr: &'a Expr, joined_by: &BinaryOperator) -> Vec<&'a Expr> {
    match bare(expr) {
        Expr::BinaryOp { left, op, right } if op == joined_by => {
            let mut found = terms(left, joined_by);
            found.extend(terms(right, joined_by));
            found
        }
        other => vec![other],
    }
}

/// Returns whether an expression is the literal NULL, cast or not.
pub(super) fn is_null(expr: &Expr) -> bool {
    match bare(expr) {
        Expr::Value(value) => value.value == Value::Null,
        Expr::Cast { expr, .. } => is_null(expr),
        _ => false,
    }
}

/// Returns whether an expression is a literal of any type, signed or cast literals included.
pub(super) fn is_literal(expr: &Expr) -> bool {
    match bare(expr) {
        Expr::Value(_) | Expr::TypedString(_) | Expr::Interval(_) => true,
        Expr::UnaryOp { expr, .. } | Expr::Cast { expr, .. } => is_literal(expr),
        _ => false,
    }
}

/// Returns the name of a called function in lower case.
pub(super) fn function_name(function: &Function) -> String {
    function.name.0.last().map(|part| part.to_string().to_lowercase()).unwrap_or_default()
}
