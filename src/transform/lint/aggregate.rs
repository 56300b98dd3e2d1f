//! `unordered-aggregate` and `float-sum`: values that depend on the order in which rows come, which more threads change.

use arrow::datatypes::DataType;
use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArgumentClause, FunctionArguments, Spanned, Value, WindowType,
};

use super::{Finding, Found, Subject, walk};

/// Aggregates that show the order of their rows.
const ORDERED: [&str; 6] = ["array_agg", "string_agg", "listagg", "first_value", "last_value", "nth_value"];

/// Aggregates that add up in doubles whatever they are given.
const SPREADS: [&str; 12] = [
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "var",
    "var_pop",
    "var_samp",
    "var_population",
    "var_sample",
    "covar_pop",
    "covar_samp",
    "covar",
    "corr",
];

fn each_call(subject: &Subject<'_, '_>, visit: &mut dyn FnMut(usize, &Function)) {
    for (select, part) in subject.outline.selects.iter().enumerate() {
        for (_, root) in &part.roots {
            walk::walk(root, &mut |expr| {
                if let Expr::Function(function) = expr {
                    visit(select, function);
                }
            });
        }
    }
}

/// Finds aggregates that show the order of their rows and are given none.
pub(super) fn find_unordered(subject: &Subject<'_, '_>, found: &mut Found) {
    each_call(subject, &mut |_, function| {
        let name = walk::function_name(function);
        if !ORDERED.contains(&name.as_str()) || is_ordered(function) {
            return;
        }
        let message = format!("what `{name}` gives depends on the order in which rows happen to come");
        let hint = match function.over {
            None => format!("order them: `{name}(… ORDER BY …)`"),
            Some(_) => "order them with ORDER BY in the window".to_owned(),
        };
        found.push(Finding::new(super::place::call(&subject.model.text.body, function.name.span()), message, hint));
    });
}

fn is_ordered(function: &Function) -> bool {
    let within = !function.within_group.is_empty();
    let among = match &function.args {
        FunctionArguments::List(list) => {
            list.clauses.iter().any(|clause| matches!(clause, FunctionArgumentClause::OrderBy(_)))
        }
        _ => false,
    };
    let window = match &function.over {
        Some(WindowType::WindowSpec(window)) => !window.order_by.is_empty() || window.window_name.is_some(),
        Some(WindowType::NamedWindow(_)) => true,
        None => false,
    };
    within || among || window
}

/// Finds sums and means of doubles.
pub(super) fn find_float_sums(subject: &Subject<'_, '_>, found: &mut Found) {
    each_call(subject, &mut |select, function| {
        let name = walk::function_name(function);
        let Some(argument) = walk::arguments(function).into_iter().next() else { return };
        let is_sum = ["sum", "avg", "mean"].contains(&name.as_str()) && !is_exact(subject, select, argument);
        let is_spread = SPREADS.contains(&name.as_str()) || name.starts_with("regr_");
        if is_decided_by_order(function) || !(is_sum || is_spread) {
            return;
        }
        let message =
            format!("the last digits of `{name}` over doubles depend on the order in which rows happen to come");
        let hint = match is_sum {
            true => format!("add up decimals: `{name}(CAST({} AS DECIMAL(18, 4)))`", subject.written(argument)),
            false => "round what it gives to the digits that count, and silence this with the reason".to_owned(),
        };
        found.push(Finding::new(super::place::call(&subject.model.text.body, function.name.span()), message, hint));
    });
}

/// Returns whether an ordered window tells in which order is added up.
fn is_decided_by_order(function: &Function) -> bool {
    matches!(&function.over, Some(WindowType::WindowSpec(window)) if !window.order_by.is_empty())
}

/// Returns whether an argument adds up without rounding: it is no double, or one of whole numbers.
fn is_exact(subject: &Subject<'_, '_>, select: usize, argument: &Expr) -> bool {
    let is_double = |expr: &Expr| {
        subject
            .types
            .of(select, expr)
            .is_some_and(|typed| matches!(typed.data_type, DataType::Float32 | DataType::Float64))
    };
    !is_double(argument) || values(argument).into_iter().all(|value| is_whole(subject, select, value))
}

/// Returns the expressions that an expression may have as its value.
fn values(expr: &Expr) -> Vec<&Expr> {
    match walk::bare(expr) {
        Expr::Case { conditions, else_result, .. } => {
            let results = conditions.iter().map(|branch| &branch.result).chain(else_result.as_deref());
            results.flat_map(values).collect()
        }
        other => vec![other],
    }
}

fn is_whole(subject: &Subject<'_, '_>, select: usize, value: &Expr) -> bool {
    match value {
        Expr::Cast { expr, .. } => {
            let typed = subject.types.of(select, expr);
            typed.is_some_and(|typed| typed.data_type.is_integer() || typed.data_type == DataType::Boolean)
                || is_whole(subject, select, walk::bare(expr))
        }
        Expr::Value(value) => match &value.value {
            Value::Number(number, _) => number.parse::<f64>().is_ok_and(|number| number.fract() == 0.0),
            Value::Null => true,
            _ => false,
        },
        _ => false,
    }
}
