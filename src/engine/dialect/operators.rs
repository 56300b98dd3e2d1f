//! Operators that DuckDB decides by the types of both sides.
//!
//! | operator | here |
//! |---|---|
//! | `a / b` of numbers | the quotient of two DOUBLEs; by zero it is infinite |
//! | `a // b` | the whole quotient of whole numbers, else as `/` |
//! | DATE `+`, `-` a whole number | that many days on |
//! | DATE `-` DATE | whole days |
//! | DATE `+`, `-` INTERVAL | a TIMESTAMP |
//! | INTERVAL `*` a whole number | an interval so many times as long |
//! | `a \|\| b` | texts of both sides, lists excepted |

use arrow::datatypes::DataType;
use datafusion::{
    common::DFSchema,
    error::Result,
    logical_expr::{
        BinaryExpr, Expr, ExprSchemable, Operator, cast,
        planner::{ExprPlanner, PlannerResult, RawBinaryExpr},
    },
    sql::sqlparser::ast::BinaryOperator,
};

use super::{
    casts,
    dates::{self, TIMESTAMP},
    text,
};

/// Plans the operators of the table above.
#[derive(Debug)]
pub(super) struct Operators;

impl ExprPlanner for Operators {
    fn plan_binary_op(&self, raw: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        if !is_other(&raw.op) {
            return Ok(PlannerResult::Original(raw));
        }
        let types = (raw.left.get_type(schema)?, raw.right.get_type(schema)?);
        let RawBinaryExpr { op, left, right } = raw;
        Ok(match planned(&op, &left, &right, (&types.0, &types.1)) {
            Some(expr) => PlannerResult::Planned(expr),
            None => PlannerResult::Original(RawBinaryExpr { op, left, right }),
        })
    }
}

const fn is_other(op: &BinaryOperator) -> bool {
    matches!(
        op,
        BinaryOperator::Divide
            | BinaryOperator::DuckIntegerDivide
            | BinaryOperator::Plus
            | BinaryOperator::Minus
            | BinaryOperator::Multiply
            | BinaryOperator::StringConcat
    )
}

fn planned(op: &BinaryOperator, left: &Expr, right: &Expr, types: (&DataType, &DataType)) -> Option<Expr> {
    let (left, right) = (left.clone(), right.clone());
    match op {
        BinaryOperator::DuckIntegerDivide if is_whole(types.0) && is_whole(types.1) => {
            Some(binary(left, Operator::Divide, right))
        }
        BinaryOperator::Divide | BinaryOperator::DuckIntegerDivide if is_number(types.0) && is_number(types.1) => {
            Some(binary(cast(left, DataType::Float64), Operator::Divide, cast(right, DataType::Float64)))
        }
        BinaryOperator::Plus => moved(left, Operator::Plus, right, types),
        BinaryOperator::Minus => moved(left, Operator::Minus, right, types),
        BinaryOperator::Multiply => match types {
            (DataType::Interval(_), number) if is_whole(number) => Some(dates::times(left, right)),
            (number, DataType::Interval(_)) if is_whole(number) => Some(dates::times(right, left)),
            _ => None,
        },
        BinaryOperator::StringConcat if is_joined(types.0) && is_joined(types.1) => {
            Some(binary(spelled(left, types.0), Operator::StringConcat, spelled(right, types.1)))
        }
        _ => None,
    }
}

/// Plans `+` and `-` of dates.
fn moved(left: Expr, op: Operator, right: Expr, types: (&DataType, &DataType)) -> Option<Expr> {
    let days = |date: Expr| cast(date, DataType::Int32);
    match types {
        (DataType::Date32, DataType::Date32) if op == Operator::Minus => {
            Some(cast(binary(days(left), op, days(right)), DataType::Int64))
        }
        (DataType::Date32, number) if number.is_integer() => {
            Some(cast(binary(days(left), op, days(right)), DataType::Date32))
        }
        (number, DataType::Date32) if number.is_integer() && op == Operator::Plus => {
            Some(cast(binary(days(left), op, days(right)), DataType::Date32))
        }
        (DataType::Date32, DataType::Interval(_)) => Some(binary(cast(left, TIMESTAMP), op, right)),
        (DataType::Interval(_), DataType::Date32) => Some(binary(left, op, cast(right, TIMESTAMP))),
        _ => None,
    }
}

fn binary(left: Expr, op: Operator, right: Expr) -> Expr {
    Expr::BinaryExpr(BinaryExpr::new(Box::new(left), op, Box::new(right)))
}

/// Writes a value as the text that `||` joins.
fn spelled(value: Expr, data_type: &DataType) -> Expr {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => value,
        spelled if text::is_spelled(spelled) => casts::as_text(value, &DataType::Utf8),
        _ => cast(value, DataType::Utf8),
    }
}

fn is_number(data_type: &DataType) -> bool {
    data_type.is_numeric() || data_type.is_null()
}

fn is_whole(data_type: &DataType) -> bool {
    data_type.is_integer() || data_type.is_null()
}

fn is_joined(data_type: &DataType) -> bool {
    !data_type.is_nested()
}
