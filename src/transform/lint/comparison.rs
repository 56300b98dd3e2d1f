//! `comparison-never-true` and `self-comparison`: conditions that say nothing, or something that cannot be.

use arrow::datatypes::DataType;
use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, UnaryOperator, Value};

use super::{Finding, Found, Subject, outline::Origin, types::is_comparison, walk};

/// Digits that a double holds exactly.
const EXACT_DIGITS: usize = 15;

/// A literal that can be compared with others.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub(super) enum Constant {
    Number(f64),
    /// A text, or a date as `2026-06-30`.
    Text(String),
}

/// What one term of an AND leaves of the values of an expression.
#[derive(Debug, Clone, PartialEq)]
enum Left {
    OneOf(Vec<Constant>),
    Not(Constant),
    /// From a value and to a value, each with whether it belongs to the range.
    Range(Option<(Constant, bool)>, Option<(Constant, bool)>),
}

/// Finds comparisons with NULL, and terms of an AND that contradict each other.
pub(super) fn find_never_true(subject: &Subject<'_, '_>, found: &mut Found) {
    each_root(subject, &mut |select, root| {
        walk::walk(root, &mut |expr| {
            found.extend(with_null(subject, expr).or_else(|| never_null(subject, select, expr)));
        });
        conjunctions(root, &mut |terms| found.extend(contradiction(subject, select, terms)));
    });
}

fn each_root(subject: &Subject<'_, '_>, visit: &mut dyn FnMut(usize, &Expr)) {
    for (select, part) in subject.outline.selects.iter().enumerate() {
        part.roots.iter().for_each(|(_, root)| visit(select, root));
    }
}

fn with_null(subject: &Subject<'_, '_>, expr: &Expr) -> Option<Finding> {
    let (side, is_null) = match expr {
        Expr::BinaryOp { left, op, right } if is_comparison(op) && walk::is_null(right) => (left, op),
        Expr::BinaryOp { left, op, right } if is_comparison(op) && walk::is_null(left) => (right, op),
        Expr::InList { expr: left, list, negated: false } if list.iter().all(walk::is_null) => {
            (left, &BinaryOperator::Eq)
        }
        _ => return None,
    };
    let test = if *is_null == BinaryOperator::Eq { "IS NULL" } else { "IS NOT NULL" };
    let hint = format!("write `{} {test}`", subject.written(side));
    Some(Finding::new(subject.range_of(expr), "a comparison with NULL is never true", hint))
}

/// Finds `IS NULL` on a column of a table that never holds NULL and that no outer join fills up.
fn never_null(subject: &Subject<'_, '_>, select: usize, expr: &Expr) -> Option<Finding> {
    let Expr::IsNull(inner) = expr else { return None };
    let column = subject.outline.column(select, inner, subject.tables)?;
    let relation = subject.outline.relation(&column);
    // ROLLUP and its like put NULLs into what they group by.
    let is_as_read = !relation.may_be_null && relation.columns.is_empty();
    let groups_once = [select, column.select].iter().all(|at| subject.outline.selects[*at].groups().is_some());
    let Origin::Table(table) = &relation.source else { return None };
    let (_, may_be_null) = subject.tables.get(table)?.column(&column.name)?;
    if may_be_null || !is_as_read || !groups_once {
        return None;
    }
    let message = format!("`{}` of `{table}` is never NULL", column.name);
    let hint = "take it out, or test a column that a missing row leaves NULL";
    // The parser's span ends before the IS.
    let range = subject.range_of(expr)?;
    let behind = subject.model.text.body[range.end..].to_ascii_lowercase();
    let end = behind.find("null").map_or(range.end, |at| range.end + at + "null".len());
    Some(Finding::new(Some(range.start..end), message, hint))
}

/// Visits every AND as the list of its terms, and every other condition as a list of one.
fn conjunctions<'e>(expr: &'e Expr, visit: &mut dyn FnMut(&[&'e Expr])) {
    let terms = walk::conjuncts(expr);
    visit(&terms);
    for term in terms {
        for child in walk::children(term) {
            conjunctions(child, visit);
        }
    }
}

fn contradiction(subject: &Subject<'_, '_>, select: usize, terms: &[&Expr]) -> Option<Finding> {
    let left: Vec<(&Expr, &Expr, Left)> = terms
        .iter()
        .filter_map(|term| left_by(subject, select, term).map(|(expr, left)| (*term, expr, left)))
        .collect();
    for (index, (term, expr, values)) in left.iter().enumerate() {
        if is_empty(values) {
            let message = "no value lies in this range, so that it is never true";
            return Some(Finding::new(subject.range_of(term), message, "write the smaller value first"));
        }
        let earlier = left[..index]
            .iter()
            .find(|(_, other, known)| is_same(subject, select, expr, other) && is_disjoint(values, known));
        if let Some((other, ..)) = earlier {
            let message = format!("together with `{}` this is never true", subject.written(other));
            return Some(Finding::new(subject.range_of(term), message, "change one of the two, or join them by OR"));
        }
    }
    None
}

fn is_same(subject: &Subject<'_, '_>, select: usize, one: &Expr, other: &Expr) -> bool {
    let column = |expr| subject.outline.column(select, expr, subject.tables);
    match (column(one), column(other)) {
        (Some(one), Some(other)) => one == other,
        _ => walk::bare(one) == walk::bare(other),
    }
}

/// Returns what a term leaves of the values of the expression that it compares with constants.
fn left_by<'e>(subject: &Subject<'_, '_>, select: usize, term: &'e Expr) -> Option<(&'e Expr, Left)> {
    let (expr, left) = match term {
        Expr::BinaryOp { left, op, right } => match (constant(left), constant(right)) {
            (None, Some(value)) => (left.as_ref(), compared(op, value)?),
            (Some(value), None) => (right.as_ref(), compared(&flipped(op), value)?),
            _ => return None,
        },
        Expr::Between { expr, negated: false, low, high } => {
            (expr.as_ref(), Left::Range(constant(low).map(|low| (low, true)), constant(high).map(|high| (high, true))))
        }
        Expr::InList { expr, list, negated: false } => {
            (expr.as_ref(), Left::OneOf(list.iter().map(constant).collect::<Option<_>>()?))
        }
        _ => return None,
    };
    let data_type = subject.types.of(select, expr)?.data_type;
    let is_comparable = constants(&left).all(|value| is_comparable(&data_type, value));
    is_comparable.then_some((expr, left))
}

fn constants(left: &Left) -> impl Iterator<Item = &Constant> {
    let (list, bounds) = match left {
        Left::OneOf(values) => (values.as_slice(), [None, None]),
        Left::Not(value) => (std::slice::from_ref(value), [None, None]),
        Left::Range(low, high) => (&[][..], [low.as_ref(), high.as_ref()]),
    };
    list.iter().chain(bounds.into_iter().flatten().map(|(value, _)| value))
}

/// Returns whether a literal is compared with values of a type just as it is written.
fn is_comparable(data_type: &DataType, value: &Constant) -> bool {
    match value {
        Constant::Number(_) => data_type.is_numeric(),
        Constant::Text(text) => match data_type {
            DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 => true,
            DataType::Date32 => text.parse::<chrono::NaiveDate>().is_ok_and(|date| date.to_string() == *text),
            _ => false,
        },
    }
}

fn compared(op: &BinaryOperator, value: Constant) -> Option<Left> {
    Some(match op {
        BinaryOperator::Eq => Left::OneOf(vec![value]),
        BinaryOperator::NotEq => Left::Not(value),
        BinaryOperator::Lt => Left::Range(None, Some((value, false))),
        BinaryOperator::LtEq => Left::Range(None, Some((value, true))),
        BinaryOperator::Gt => Left::Range(Some((value, false)), None),
        BinaryOperator::GtEq => Left::Range(Some((value, true)), None),
        _ => return None,
    })
}

/// Returns the operator that says the same with its sides exchanged.
pub(super) fn flipped(op: &BinaryOperator) -> BinaryOperator {
    match op {
        BinaryOperator::Lt => BinaryOperator::Gt,
        BinaryOperator::LtEq => BinaryOperator::GtEq,
        BinaryOperator::Gt => BinaryOperator::Lt,
        BinaryOperator::GtEq => BinaryOperator::LtEq,
        other => other.clone(),
    }
}

fn is_empty(left: &Left) -> bool {
    match left {
        Left::Range(Some((low, with_low)), Some((high, with_high))) => {
            low > high || low == high && !(*with_low && *with_high)
        }
        _ => false,
    }
}

fn is_disjoint(one: &Left, other: &Left) -> bool {
    match (one, other) {
        (Left::OneOf(values), rest) | (rest, Left::OneOf(values)) => values.iter().all(|value| !admits(rest, value)),
        (Left::Range(low, high), Left::Range(other_low, other_high)) => {
            is_empty(&Left::Range(low.clone(), other_high.clone()))
                || is_empty(&Left::Range(other_low.clone(), high.clone()))
        }
        _ => false,
    }
}

fn admits(left: &Left, value: &Constant) -> bool {
    match left {
        Left::OneOf(values) => values.contains(value),
        Left::Not(other) => value != other,
        Left::Range(low, high) => {
            low.as_ref().is_none_or(|(low, with)| value > low || *with && value == low)
                && high.as_ref().is_none_or(|(high, with)| value < high || *with && value == high)
        }
    }
}

/// Returns a literal's value, if it is one that compares like its text or number.
pub(super) fn constant(expr: &Expr) -> Option<Constant> {
    match walk::bare(expr) {
        Expr::Value(value) => match &value.value {
            Value::Number(number, _) => {
                let is_exact = number.chars().filter(char::is_ascii_digit).count() <= EXACT_DIGITS;
                number.parse().ok().filter(|_| is_exact).map(Constant::Number)
            }
            Value::SingleQuotedString(text) => Some(Constant::Text(text.clone())),
            _ => None,
        },
        Expr::TypedString(typed) => match (&typed.data_type, &typed.value.value) {
            (datafusion::sql::sqlparser::ast::DataType::Date, Value::SingleQuotedString(text)) => {
                Some(Constant::Text(text.clone()))
            }
            _ => None,
        },
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => match constant(expr)? {
            Constant::Number(number) => Some(Constant::Number(-number)),
            Constant::Text(_) => None,
        },
        _ => None,
    }
}

/// Finds columns that are compared with themselves.
pub(super) fn find_self(subject: &Subject<'_, '_>, found: &mut Found) {
    each_root(subject, &mut |select, root| {
        walk::walk(root, &mut |expr| {
            let Expr::BinaryOp { left, op, right } = expr else { return };
            let column = subject.outline.column(select, left, subject.tables);
            if !is_comparison(op) || column.is_none() || column != subject.outline.column(select, right, subject.tables)
            {
                return;
            }
            let name = subject.written(left);
            let message = format!("`{name}` is compared with itself");
            let hint = "name the other table's column; for rows in which it is not NULL, write `IS NOT NULL`";
            found.push(Finding::new(subject.range_of(expr), message, hint));
        });
    });
}
