//! Plans of which the engine is known to be able to run every part.
//!
//! In: an analyzed plan. Out: whether it is made of nothing but constructs whose physical plan always succeeds once the analyzer
//! has agreed. `check` asks the physical planner, which costs more than everything before it, only about the rest: subqueries,
//! unnest, recursion, rarer aggregates and window functions, casts that no kernel has, and literals that are none of their type.
//! Deliberately a list of what is plain: what nobody thought of is planned to the end.

use std::sync::Arc;

use arrow::{
    array::{RecordBatch, RecordBatchOptions},
    compute::can_cast_types,
    datatypes::Schema,
};
use datafusion::{
    common::{
        DFSchema, ScalarValue,
        tree_node::{TreeNode, TreeNodeRecursion},
    },
    error::Result,
    logical_expr::{
        Distinct, Expr, ExprSchemable, LogicalPlan, WindowFrameBound, WindowFrameUnits, WindowFunctionDefinition,
        expr::{AggregateFunction, Cast, WindowFunction},
    },
};

use super::table;

/// Aggregates that take what the analyzer lets them take.
pub(super) const AGGREGATES: [&str; 5] = ["avg", "count", "max", "min", "sum"];
/// Likewise, as window functions.
const WINDOW_FUNCTIONS: [&str; 7] =
    ["cume_dist", "dense_rank", "first_value", "last_value", "percent_rank", "rank", "row_number"];

/// Returns whether the physical planner need not be asked about an analyzed plan.
#[must_use]
pub fn is_plain(plan: &LogicalPlan) -> bool {
    let mut is_plain = true;
    let walked = plan.apply(|node| {
        is_plain = is_plain_node(node) && expressions_are_plain(node)?;
        Ok(if is_plain { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
    });
    is_plain && walked.is_ok()
}

fn is_plain_node(node: &LogicalPlan) -> bool {
    match node {
        LogicalPlan::Projection(_)
        | LogicalPlan::Filter(_)
        | LogicalPlan::Window(_)
        | LogicalPlan::Aggregate(_)
        | LogicalPlan::Sort(_)
        | LogicalPlan::Join(_)
        | LogicalPlan::Union(_)
        | LogicalPlan::TableScan(_)
        | LogicalPlan::EmptyRelation(_)
        | LogicalPlan::SubqueryAlias(_)
        | LogicalPlan::Values(_) => true,
        LogicalPlan::Distinct(distinct) => matches!(distinct, Distinct::All(_)),
        _ => false,
    }
}

fn expressions_are_plain(node: &LogicalPlan) -> Result<bool> {
    let inputs = node.inputs();
    // Of two inputs neither alone has all columns.
    let mut schema =
        inputs.first().map_or_else(|| node.schema().as_ref().clone(), |input| input.schema().as_ref().clone());
    for input in inputs.iter().skip(1) {
        schema.merge(input.schema());
    }
    let mut is_plain = true;
    node.apply_expressions(|expr| {
        expr.apply(|part| {
            is_plain = stands_right(part, node) && is_plain_part(part, &schema);
            Ok(if is_plain { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
        })
    })?;
    Ok(is_plain)
}

/// Returns whether an expression stands in a node that can compute it: the analyzer lets a window function pass in a filter.
const fn stands_right(expr: &Expr, node: &LogicalPlan) -> bool {
    match expr {
        Expr::WindowFunction(_) => matches!(node, LogicalPlan::Window(_)),
        Expr::AggregateFunction(_) => matches!(node, LogicalPlan::Aggregate(_)),
        _ => true,
    }
}

/// Returns whether an expression is plain, what it is made of left aside.
fn is_plain_part(expr: &Expr, schema: &DFSchema) -> bool {
    match expr {
        Expr::Column(_)
        | Expr::Literal(..)
        | Expr::Alias(_)
        | Expr::Not(_)
        | Expr::IsNotNull(_)
        | Expr::IsNull(_)
        | Expr::IsTrue(_)
        | Expr::IsFalse(_)
        | Expr::IsUnknown(_)
        | Expr::IsNotTrue(_)
        | Expr::IsNotFalse(_)
        | Expr::IsNotUnknown(_)
        | Expr::Between(_)
        | Expr::InList(_)
        | Expr::Case(_) => true,
        Expr::Like(like) => like.escape_char.is_none(),
        // What is made of literals alone is computed while planning, and may fail there.
        Expr::BinaryExpr(binary) => !(is_constant(&binary.left) && is_constant(&binary.right)) || has_value(expr),
        Expr::ScalarFunction(call) => !call.args.iter().all(is_constant) || has_value(expr),
        Expr::Cast(cast) => is_plain_cast(cast, schema),
        Expr::AggregateFunction(call) => is_plain_aggregate(call),
        Expr::WindowFunction(call) => is_plain_window(call),
        _ => false,
    }
}

fn is_constant(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(..) => true,
        Expr::Cast(cast) => is_constant(&cast.expr),
        Expr::Negative(inner) => is_constant(inner),
        _ => false,
    }
}

/// Returns whether an expression of literals can be computed.
fn has_value(expr: &Expr) -> bool {
    let one_row = RecordBatchOptions::new().with_row_count(Some(1));
    let row = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &one_row);
    !expr.is_volatile() && row.is_ok_and(|row| table::evaluate(expr, &row).is_ok())
}

fn is_plain_cast(cast: &Cast, schema: &DFSchema) -> bool {
    if let Expr::Literal(value, _) = cast.expr.as_ref() {
        return fits(value, cast);
    }
    cast.expr.get_type(schema).is_ok_and(|from| can_cast_types(&from, cast.field.data_type()))
}

fn fits(value: &ScalarValue, cast: &Cast) -> bool {
    value.cast_to(cast.field.data_type()).is_ok_and(|cast| cast.is_null() == value.is_null())
}

fn is_plain_aggregate(call: &AggregateFunction) -> bool {
    AGGREGATES.contains(&call.func.name()) && call.params.order_by.is_empty() && call.params.null_treatment.is_none()
}

fn is_plain_window(call: &WindowFunction) -> bool {
    let name = match &call.fun {
        WindowFunctionDefinition::AggregateUDF(function) => function.name(),
        WindowFunctionDefinition::WindowUDF(function) => function.name(),
    };
    // How far they look must be a literal.
    let is_next = ["lag", "lead"].contains(&name) && call.params.args.len() == 1;
    is_plain_frame(call) && (is_next || AGGREGATES.contains(&name) || WINDOW_FUNCTIONS.contains(&name))
}

/// A frame with offsets in values of the order needs their type; one without an order may count rows.
fn is_plain_frame(call: &WindowFunction) -> bool {
    let frame = &call.params.window_frame;
    let is_offset = |bound: &WindowFrameBound| match bound {
        WindowFrameBound::Preceding(value) | WindowFrameBound::Following(value) => !value.is_null(),
        WindowFrameBound::CurrentRow => false,
    };
    let has_offset = is_offset(&frame.start_bound) || is_offset(&frame.end_bound);
    !call.params.distinct
        && call.params.filter.is_none()
        && call.params.null_treatment.is_none()
        && place(&frame.start_bound) <= place(&frame.end_bound)
        && match frame.units {
            // Which of two offsets of one kind is the larger is looked at by the planner.
            WindowFrameUnits::Rows => !has_offset || place(&frame.start_bound) < place(&frame.end_bound),
            WindowFrameUnits::Range => !has_offset,
            WindowFrameUnits::Groups => false,
        }
}

/// Returns where a bound of a frame lies among the kinds of bounds.
fn place(bound: &WindowFrameBound) -> u8 {
    match bound {
        WindowFrameBound::Preceding(value) if value.is_null() => 0,
        WindowFrameBound::Preceding(_) => 1,
        WindowFrameBound::CurrentRow => 2,
        WindowFrameBound::Following(value) if !value.is_null() => 3,
        WindowFrameBound::Following(_) => 4,
    }
}
