//! Calls that fail whatever the row, which no logical plan shows: they are tried.
//!
//! In: a call before its types are coerced. Out: what the engine says when it is called with its literals and some row: a
//! pattern that is no regular expression, a format that is none, a call of literals that has no value, a division by 0, an aggregate that
//! nothing computes. Everything else would cost
//! a physical plan of each model to find nothing. Deliberately silent about what cannot be tried here; planning tells that.

use std::sync::Arc;

use arrow::{
    array::{RecordBatch, RecordBatchOptions},
    datatypes::Schema,
};
use datafusion::{
    common::{DFSchema, ScalarValue},
    error::DataFusionError,
    execution::context::ExecutionProps,
    logical_expr::{
        BinaryExpr, Expr, ExprSchemable, Operator, Volatility,
        expr::{AggregateFunction, ScalarFunction},
        physical_planning_context::PhysicalPlanningContext,
        simplify::SimplifyContext,
    },
    optimizer::simplify_expressions::ExprSimplifier,
    physical_expr::aggregate::LoweredAggregateBuilder,
};

use super::{plain, table};

/// Functions whose literals are read when they are called, and what those are.
const READING: [(&str, &str); 7] = [
    ("regexp_like", "regular expression"),
    ("regexp_match", "regular expression"),
    ("regexp_replace", "regular expression"),
    ("regexp_count", "regular expression"),
    ("regexp_instr", "regular expression"),
    ("to_char", "format"),
    ("date_format", "format"),
];

/// What every message ends with before the engine's own words.
const WHATEVER: &str = "whatever the row: ";

/// Returns whether an error was found by trying a call.
#[must_use]
pub fn is_told(error: &DataFusionError) -> bool {
    error.strip_backtrace().contains(WHATEVER)
}

/// Returns why a call fails for every row.
pub(super) fn failure(expr: &Expr, schema: &DFSchema) -> Option<DataFusionError> {
    let (what, why) = match expr {
        Expr::ScalarFunction(call) => match READING.iter().find(|(name, _)| *name == call.func.name()) {
            Some((_, what)) => (format!("the {what} of `{}` fails", call.func.name()), tried(call, schema)?),
            None => (format!("`{}` fails", call.func.name()), of_literals(call)?),
        },
        Expr::BinaryExpr(binary) if is_division(binary.op) => {
            ("the division fails".to_owned(), divided(binary, schema)?)
        }
        Expr::BinaryExpr(binary) if is_match(binary.op) => {
            ("the regular expression fails".to_owned(), matched(binary, schema)?)
        }
        Expr::AggregateFunction(call) if is_tried(call) => {
            (format!("`{}` fails", call.func.name()), accumulated(expr, schema)?)
        }
        _ => return None,
    };
    Some(DataFusionError::Plan(format!("{what} {WHATEVER}{}", shortened(&why))))
}

const fn is_division(operator: Operator) -> bool {
    matches!(operator, Operator::Divide | Operator::Modulo)
}

const fn is_match(operator: Operator) -> bool {
    matches!(
        operator,
        Operator::RegexMatch | Operator::RegexIMatch | Operator::RegexNotMatch | Operator::RegexNotIMatch
    )
}

/// Returns what fails when a call is given its literals and otherwise any value.
fn tried(call: &ScalarFunction, schema: &DFSchema) -> Option<DataFusionError> {
    let is_literal = |argument: &Expr| matches!(argument, Expr::Literal(..));
    if !call.args.iter().skip(1).any(is_literal) {
        return None;
    }
    let given = |argument: &Expr| if is_literal(argument) { Some(argument.clone()) } else { any(argument, schema) };
    let args = call.args.iter().map(given).collect::<Option<Vec<_>>>()?;
    computed(Expr::ScalarFunction(ScalarFunction::new_udf(Arc::clone(&call.func), args)))
}

/// Returns what fails when a call is made of which every argument is a literal.
fn of_literals(call: &ScalarFunction) -> Option<DataFusionError> {
    let is_value = |argument: &Expr| matches!(argument, Expr::Literal(value, _) if !value.is_null());
    let is_constant = call.func.signature().volatility == Volatility::Immutable;
    if !is_constant || call.args.is_empty() || !call.args.iter().all(is_value) {
        return None;
    }
    // Some are only there to be replaced before they run, functions of the project among them.
    computed(Expr::ScalarFunction(call.clone())).filter(|why| !matches!(why.find_root(), DataFusionError::Internal(_)))
}

/// Returns what fails when something is divided by a literal.
fn divided(binary: &BinaryExpr, schema: &DFSchema) -> Option<DataFusionError> {
    let Expr::Literal(divisor, _) = binary.right.as_ref() else { return None };
    if !divisor.data_type().is_numeric() || ScalarValue::new_zero(&divisor.data_type()).ok()? != *divisor {
        return None;
    }
    let left = Box::new(any(&binary.left, schema)?);
    computed(Expr::BinaryExpr(BinaryExpr::new(left, binary.op, binary.right.clone())))
}

fn matched(binary: &BinaryExpr, schema: &DFSchema) -> Option<DataFusionError> {
    if !matches!(binary.right.as_ref(), Expr::Literal(..)) {
        return None;
    }
    let left = Box::new(any(&binary.left, schema)?);
    computed(Expr::BinaryExpr(BinaryExpr::new(left, binary.op, binary.right.clone())))
}

/// Returns some value of an expression's type.
fn any(expr: &Expr, schema: &DFSchema) -> Option<Expr> {
    let value = ScalarValue::new_default(&expr.get_type(schema).ok()?).ok()?;
    Some(Expr::Literal(value, None))
}

/// Returns why an expression of literals has no value; None where only its types are wrong, which is told elsewhere.
fn computed(expr: Expr) -> Option<DataFusionError> {
    let empty = DFSchema::empty();
    let coerced = simplifier(&empty).coerce(expr, &empty).ok()?;
    let one_row = RecordBatchOptions::new().with_row_count(Some(1));
    let row = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &one_row).ok()?;
    table::evaluate(&coerced, &row).err()
}

/// Returns whether an aggregate is one of those that planning does not know to run.
fn is_tried(call: &AggregateFunction) -> bool {
    let params = &call.params;
    !plain::AGGREGATES.contains(&call.func.name()) || params.distinct && params.args.len() > 1
}

/// Returns why nothing adds an aggregate up.
fn accumulated(expr: &Expr, schema: &DFSchema) -> Option<DataFusionError> {
    let coerced = simplifier(schema).coerce(expr.clone(), schema).ok()?;
    let properties = ExecutionProps::new();
    let context = PhysicalPlanningContext::default();
    let builder = LoweredAggregateBuilder::new(&coerced, schema, schema.as_arrow(), &properties, &context);
    let planned = builder.build().ok()?;
    planned.aggregate.create_accumulator().err()
}

fn simplifier(schema: &DFSchema) -> ExprSimplifier {
    ExprSimplifier::new(SimplifyContext::builder().with_schema(Arc::new(schema.clone())).build())
}

/// Returns the line of an error that says why: of a drawing of a pattern, the last.
fn shortened(error: &DataFusionError) -> String {
    let words = error.find_root().strip_backtrace();
    let why = words.lines().find_map(|line| line.trim().strip_prefix("error: "));
    let first = || words.lines().next().unwrap_or_default();
    let mut why = why.unwrap_or_else(first).trim();
    for prefix in ["Error during planning: ", "Execution error: ", "Arrow error: ", "This feature is not implemented: "]
    {
        why = why.strip_prefix(prefix).unwrap_or(why);
    }
    why.to_owned()
}
