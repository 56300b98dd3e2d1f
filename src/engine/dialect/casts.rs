//! Casts as DuckDB makes them: to a whole number rounds, to a text spells timestamps and floats its way.
//!
//! In: a plan as the planner left it. Out: the same plan, with these casts as functions. Casts that the analyzer adds later
//! stay Arrow's; where they would differ (`||`), [`super::operators`] has written the cast before.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, AsArray, Int64Array},
    compute::{CastOptions, cast, cast_with_options},
    datatypes::{DataType, Float64Type},
};
use datafusion::{
    common::{
        exec_err,
        tree_node::{Transformed, TransformedResult, TreeNode},
    },
    error::Result,
    logical_expr::{Cast, Expr, ExprSchemable, LogicalPlan, TryCast, expr_rewriter::NamePreserver},
};

use super::{dates::texts, scalar::Scalar, text};
use crate::engine::guards::schema_of_inputs;

/// Replaces the casts of a plan that DuckDB makes in another way.
pub(super) fn rewrite(plan: LogicalPlan) -> Result<LogicalPlan> {
    plan.transform_up_with_subqueries(|node| {
        let schema = schema_of_inputs(&node);
        let names = NamePreserver::new(&node);
        node.map_expressions(|expr| {
            let name = names.save(&expr);
            let replaced = expr.transform_up(|expr| {
                let (inner, to, is_strict) = match &expr {
                    Expr::Cast(Cast { expr, field }) => (expr, field.data_type().clone(), true),
                    Expr::TryCast(TryCast { expr, field }) => (expr, field.data_type().clone(), false),
                    _ => return Ok(Transformed::no(expr)),
                };
                // An outer column is not in the schema; such a cast stays as it is.
                let Ok(from) = inner.get_type(&schema) else { return Ok(Transformed::no(expr)) };
                match replacement(inner.as_ref(), &from, &to, is_strict) {
                    Some(replacement) => Ok(Transformed::yes(replacement)),
                    None => Ok(Transformed::no(expr)),
                }
            })?;
            Ok(replaced.update_data(|expr| name.restore(expr)))
        })
    })
    .data()
}

fn replacement(inner: &Expr, from: &DataType, to: &DataType, is_strict: bool) -> Option<Expr> {
    let is_text = |data_type: &DataType| matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    if is_text(to) && text::is_spelled(from) {
        return Some(as_text(inner.clone(), to));
    }
    let is_rounded = from.is_floating() || from.is_decimal() || is_text(from);
    if !to.is_integer() || !is_rounded {
        return None;
    }
    let strict = |columns: &[ArrayRef], to: &DataType| rounded(&columns[0], to, true);
    let lenient = |columns: &[ArrayRef], to: &DataType| rounded(&columns[0], to, false);
    // The type is part of the name: fingerprints of plans know functions by it.
    let named = |prefix: &str| format!("{prefix}_{to}").to_lowercase();
    let function = match is_strict {
        true => Scalar::function(named("round_to"), 1, to.clone(), strict),
        false => Scalar::function(named("try_round_to"), 1, to.clone(), lenient),
    };
    Some(function.call(vec![inner.clone()]))
}

/// Returns the cast of a value to a text.
pub(super) fn as_text(inner: Expr, to: &DataType) -> Expr {
    Scalar::function(format!("spelled_{to}").to_lowercase(), 1, to.clone(), text::spelled).call(vec![inner])
}

/// Rounds to whole numbers: floats half to even, decimals and texts half away from zero.
fn rounded(column: &ArrayRef, to: &DataType, is_strict: bool) -> Result<ArrayRef> {
    let options = CastOptions { safe: !is_strict, ..CastOptions::default() };
    let whole: ArrayRef = match column.data_type() {
        DataType::Float32 | DataType::Float64 => {
            let values = cast(column, &DataType::Float64)?;
            let round = |value: Option<f64>| value.map(f64::round_ties_even);
            Arc::new(values.as_primitive::<Float64Type>().iter().map(round).collect::<arrow::array::Float64Array>())
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            let texts = texts(column)?;
            let read = |text: Option<&str>| match (text, text.and_then(integer), is_strict) {
                (Some(text), None, true) => exec_err!("`{text}` is not a whole number"),
                (_, number, _) => Ok(number),
            };
            Arc::new(texts.iter().map(read).collect::<Result<Int64Array>>()?)
        }
        // Arrow rounds decimals half away from zero, but drops digits on the way to an integer.
        _ => cast_with_options(column, &DataType::Decimal128(38, 0), &options)?,
    };
    Ok(cast_with_options(&whole, to, &options)?)
}

/// Reads `12`, ` 12 `, `1.7` and `1e3`.
fn integer(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let value = text.parse::<f64>().ok().filter(|value| value.is_finite())?.round();
    // Beyond 2^53 a float is no longer what was written.
    (value.abs() <= 9_007_199_254_740_992.0).then(|| format!("{value:.0}").parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_become_whole_numbers_as_in_duckdb() {
        let read: Vec<Option<i64>> = ["12", " 12 ", "1.7", "-1.5", "1e3", "", "x", "nan"].map(integer).to_vec();
        assert_eq!(read, [Some(12), Some(12), Some(2), Some(-2), Some(1000), None, None, None]);
    }
}
