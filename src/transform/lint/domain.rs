//! `value-not-accepted`: a column compared with a value that no row of it can hold, by its type, by a check or by the codes
//! of its contract.

use arrow::datatypes::DataType;
use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, UnaryOperator, Value};

use super::{Finding, Found, Subject, comparison::flipped, walk};
use crate::record::diagnostic::nearest;

/// Finds equalities, IN lists and CASE branches with such a value, and ranges beyond a type's end.
pub(super) fn find(subject: &Subject<'_, '_>, found: &mut Found) {
    for (select, part) in subject.outline.selects.iter().enumerate() {
        for (_, root) in &part.roots {
            walk::walk(root, &mut |expr| {
                for (column, op, value) in compared(expr) {
                    let by_type = || outside_of_type(subject, select, column, &op, value);
                    found.extend(outside_of_list(subject, select, column, &op, value).or_else(by_type));
                }
            });
        }
    }
}

/// Returns what is compared with what, the literal on the right.
fn compared(expr: &Expr) -> Vec<(&Expr, BinaryOperator, &Expr)> {
    let equal = |column, value| (column, BinaryOperator::Eq, value);
    match expr {
        Expr::BinaryOp { left, op, right } if walk::is_literal(right) => {
            vec![(left.as_ref(), op.clone(), right.as_ref())]
        }
        Expr::BinaryOp { left, op, right } if walk::is_literal(left) => {
            vec![(right.as_ref(), flipped(op), left.as_ref())]
        }
        Expr::InList { expr, list, negated: false } => list.iter().map(|item| equal(expr.as_ref(), item)).collect(),
        Expr::Case { operand: Some(operand), conditions, .. } => {
            conditions.iter().map(|branch| equal(operand.as_ref(), &branch.condition)).collect()
        }
        _ => Vec::new(),
    }
}

fn outside_of_list(
    subject: &Subject<'_, '_>,
    select: usize,
    column: &Expr,
    op: &BinaryOperator,
    value: &Expr,
) -> Option<Finding> {
    if *op != BinaryOperator::Eq {
        return None;
    }
    let text = match walk::bare(value) {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) | Value::Number(text, _) => text.as_str(),
            _ => return None,
        },
        _ => return None,
    };
    let column = subject.outline.column(select, column, subject.tables)?;
    let (table, name) = subject.types.origin(&column)?;
    let known = subject.tables.get(&table)?;
    let is_text = matches!(known.column(&name)?.0, DataType::Utf8 | DataType::Utf8View);
    let values = known.values.get(&name).filter(|values| is_text && !values.contains(text))?;
    let hint = match nearest(text, values.iter().map(String::as_str)) {
        Some(near) => format!("did you mean '{near}'?"),
        None => format!("it holds {}", shown(values.iter())),
    };
    let message = format!("`{name}` of `{table}` is never '{text}'");
    Some(Finding::new(subject.range_of(value), message, hint))
}

fn shown<'v>(values: impl Iterator<Item = &'v String>) -> String {
    let values: Vec<String> = values.map(|value| format!("'{value}'")).collect();
    match values.len() {
        0..=8 => values.join(", "),
        more => format!("{} and {} more", values[..8].join(", "), more - 8),
    }
}

/// Returns a finding where a number lies beyond what the column's type holds, or between two of its values.
fn outside_of_type(
    subject: &Subject<'_, '_>,
    select: usize,
    column: &Expr,
    op: &BinaryOperator,
    value: &Expr,
) -> Option<Finding> {
    let number = number(value)?;
    subject.outline.column(select, column, subject.tables)?;
    let data_type = subject.types.of(select, column)?.data_type;
    let (smallest, largest, scale) = limits(&data_type)?;
    let is_never = match op {
        BinaryOperator::Eq => {
            number.value < smallest || number.value > largest || number.decimals > usize::try_from(scale).ok()?
        }
        BinaryOperator::Gt | BinaryOperator::GtEq => number.value > largest,
        BinaryOperator::Lt | BinaryOperator::LtEq => number.value < smallest,
        _ => false,
    };
    let name = subject.written(column);
    let message = format!("`{name}` is {data_type} and never {} {}", spelled(op), subject.written(value));
    is_never.then(|| Finding::new(subject.range_of(value), message, "compare with a value that the type can hold"))
}

const fn spelled(op: &BinaryOperator) -> &'static str {
    match op {
        BinaryOperator::Gt | BinaryOperator::GtEq => "more than",
        BinaryOperator::Lt | BinaryOperator::LtEq => "less than",
        _ => "equal to",
    }
}

/// A number as written.
struct Number {
    value: f64,
    /// Digits behind the point that are not zeros at the end.
    decimals: usize,
}

fn number(expr: &Expr) -> Option<Number> {
    match walk::bare(expr) {
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => {
            number(expr).map(|number| Number { value: -number.value, ..number })
        }
        Expr::Value(value) => match &value.value {
            Value::Number(text, _) if !text.contains(['e', 'E']) => {
                let decimals = text.split_once('.').map_or("", |(_, decimals)| decimals.trim_end_matches('0'));
                Some(Number { value: text.parse().ok()?, decimals: decimals.len() })
            }
            _ => None,
        },
        _ => None,
    }
}

/// Returns the smallest and the largest value of a type of exact numbers, and the digits behind its point.
fn limits(data_type: &DataType) -> Option<(f64, f64, i8)> {
    let bits = |bits: i32| (-(2_f64.powi(bits - 1)), 2_f64.powi(bits - 1), 0);
    Some(match data_type {
        DataType::Int8 => bits(8),
        DataType::Int16 => bits(16),
        DataType::Int32 => bits(32),
        DataType::Int64 => bits(64),
        DataType::UInt8 => (0.0, 2_f64.powi(8), 0),
        DataType::UInt16 => (0.0, 2_f64.powi(16), 0),
        DataType::UInt32 => (0.0, 2_f64.powi(32), 0),
        DataType::UInt64 => (0.0, 2_f64.powi(64), 0),
        DataType::Decimal128(precision, scale) => {
            let largest = 10_f64.powi(i32::from(*precision) - i32::from(*scale));
            (-largest, largest, *scale)
        }
        _ => return None,
    })
}
