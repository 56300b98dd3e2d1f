//! `order-not-total` and `limit-without-total-order`: which of two equal rows comes first is decided by nobody, so a second
//! run may give another answer.

use datafusion::sql::sqlparser::ast::{
    Distinct, Expr, Function, LimitClause, OrderByKind, Query, SelectItem, SetExpr, Spanned, Value, WindowType,
};

use super::{Finding, Found, Subject, outline::Role, walk};
use crate::engine::statement::known_as;

/// Window functions that give two equal rows different values.
const RANKED: [&str; 7] = ["row_number", "ntile", "lag", "lead", "first_value", "last_value", "nth_value"];

/// Finds window functions whose ORDER BY leaves ties, where keys prove that there can be some.
pub(super) fn find_windows(subject: &Subject<'_, '_>, found: &mut Found) {
    for (select, part) in subject.outline.selects.iter().enumerate() {
        for (_, root) in &part.roots {
            walk::walk(root, &mut |expr| {
                if let Expr::Function(function) = expr {
                    found.extend(window(subject, select, function));
                }
            });
        }
    }
    for (id, part) in subject.outline.queries.iter().enumerate() {
        if let SetExpr::Select(select) = part.query.body.as_ref()
            && let Some(Distinct::On(list)) = &select.distinct
        {
            found.extend(first_of_equals(subject, id, list));
        }
    }
}

/// Finds a DISTINCT ON whose ORDER BY does not say which of several rows is kept.
fn first_of_equals(subject: &Subject<'_, '_>, query: usize, list: &[Expr]) -> Option<Finding> {
    let part = &subject.outline.queries[query];
    let order = match part.query.order_by.as_ref().map(|order| &order.kind) {
        Some(OrderByKind::Expressions(exprs)) => exprs.iter().map(|order| &order.expr).collect(),
        Some(OrderByKind::All(_)) => return None,
        None => Vec::new(),
    };
    // The rows that are parted agree in what parts them.
    let columns: Vec<&Expr> = list.iter().chain(order.iter().copied()).collect();
    if part.role == Role::Exists || is_total(subject, query, &columns) {
        return None;
    }
    let message = match order.is_empty() {
        true => "DISTINCT ON without ORDER BY keeps the row that happens to come first",
        false => "DISTINCT ON keeps one of equal rows by chance: its ORDER BY holds no key",
    };
    let (start, end) = (subject.range_of(list.first()?)?.start, subject.range_of(list.last()?)?.end);
    let hint = "end the ORDER BY with columns that, with those of the DISTINCT ON, name one row";
    Some(Finding::new(Some(start..end), message, hint))
}

fn window(subject: &Subject<'_, '_>, select: usize, function: &Function) -> Option<Finding> {
    let name = walk::function_name(function);
    let Some(WindowType::WindowSpec(window)) = &function.over else { return None };
    if !RANKED.contains(&name.as_str()) || window.window_name.is_some() {
        return None;
    }
    let is_unordered = window.order_by.is_empty();
    if is_unordered && !["row_number", "ntile", "lag", "lead"].contains(&name.as_str()) {
        // That is `unordered-aggregate`.
        return None;
    }
    let columns: Vec<&Expr> =
        window.partition_by.iter().chain(window.order_by.iter().map(|order| &order.expr)).collect();
    match subject.keys.decide_row(select, &columns) {
        Some(true) => return None,
        None if !is_unordered => return None,
        _ => {}
    }
    let message = match is_unordered {
        true => format!("`{name}` without ORDER BY numbers rows in the order in which they happen to come"),
        false => format!("`{name}` decides between equal rows by chance: its ORDER BY and PARTITION BY hold no key"),
    };
    let hint = "end the ORDER BY with columns that, with those of the PARTITION BY, name one row";
    let range = super::place::call(&subject.model.text.body, function.name.span());
    Some(Finding::new(range, message, hint))
}

/// Finds LIMIT without an order, or with one that leaves ties.
pub(super) fn find_limits(subject: &Subject<'_, '_>, found: &mut Found) {
    for (id, part) in subject.outline.queries.iter().enumerate() {
        let Some(limit) = limit(part.query) else { continue };
        if part.role == Role::Exists || is_zero(limit) {
            continue;
        }
        let order = match part.query.order_by.as_ref().map(|order| &order.kind) {
            Some(OrderByKind::Expressions(exprs)) => exprs.iter().map(|order| &order.expr).collect(),
            Some(OrderByKind::All(_)) => continue,
            None => Vec::new(),
        };
        if is_total(subject, id, &order) {
            continue;
        }
        let message = match order.is_empty() {
            true => "LIMIT without ORDER BY keeps rows that happen to come first",
            false => "LIMIT cuts between equal rows by chance: its ORDER BY holds no key",
        };
        let hint = "end the ORDER BY with columns that name one row";
        found.push(Finding::new(subject.range_of(limit), message, hint));
    }
}

fn limit(query: &Query) -> Option<&Expr> {
    match query.limit_clause.as_ref()? {
        LimitClause::LimitOffset { limit, .. } => limit.as_ref(),
        LimitClause::OffsetCommaLimit { limit, .. } => Some(limit),
    }
}

fn is_zero(limit: &Expr) -> bool {
    limit.to_string() == "0"
}

/// Returns whether an order leaves no ties that can be told apart, or that cannot be known.
fn is_total(subject: &Subject<'_, '_>, query: usize, order: &[&Expr]) -> bool {
    let part = &subject.outline.queries[query];
    let outputs = part.outputs.as_deref().unwrap_or_default();
    let ordered: Vec<usize> = order.iter().filter_map(|expr| output(subject, query, expr)).collect();
    if !outputs.is_empty() && (0..outputs.len()).all(|index| ordered.contains(&index)) {
        return true;
    }
    let Some(select) = subject.outline.only_select(query) else { return !order.is_empty() };
    let projection = &subject.outline.selects[select].select.projection;
    let behind =
        |expr: &'_ &'_ Expr| output(subject, query, expr).and_then(|index| projection.get(index).and_then(written));
    let exprs: Vec<&Expr> = order.iter().map(|expr| behind(expr).unwrap_or(*expr)).collect();
    subject.keys.decide_row(select, &exprs).unwrap_or(!order.is_empty())
}

fn written(item: &SelectItem) -> Option<&Expr> {
    match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => Some(expr),
        _ => None,
    }
}

/// Returns the place of the output that an ORDER BY means by name or number.
fn output(subject: &Subject<'_, '_>, query: usize, expr: &Expr) -> Option<usize> {
    match walk::bare(expr) {
        Expr::Identifier(ident) => subject.outline.output(query, &known_as(ident)),
        Expr::Value(value) => match &value.value {
            Value::Number(number, _) => number.parse::<usize>().ok()?.checked_sub(1),
            _ => None,
        },
        other => match subject.outline.queries[query].query.body.as_ref() {
            SetExpr::Select(select) => {
                select.projection.iter().position(|item| written(item).map(walk::bare) == Some(other))
            }
            _ => None,
        },
    }
}
