//! SQL expressions over one table's columns: row rules and derived columns.

use std::{collections::HashMap, sync::Arc};

use arrow::datatypes::{DataType, FieldRef, SchemaRef};
use datafusion::{
    common::{
        DFSchema, ScalarValue, TableReference,
        tree_node::{TreeNode, TreeNodeRecursion},
    },
    error::DataFusionError,
    execution::{SessionState, SessionStateBuilder, context::ExecutionProps},
    logical_expr::{
        Expr, ExprSchemable, Volatility, physical_planning_context::PhysicalPlanningContext, simplify::SimplifyContext,
    },
    optimizer::simplify_expressions::ExprSimplifier,
    physical_expr::PhysicalExpr,
    physical_planner::create_window_expr,
    prelude::SessionConfig,
    sql::{
        parser::DFParserBuilder,
        sqlparser::ast::{Expr as SqlExpr, ExprWithAlias},
    },
};

use super::{Parameters, clash, functions, guards, ignored};

/// An expression that was planned over a schema.
#[derive(Debug, Clone)]
pub struct Expression {
    /// What DataFusion evaluates; every column is at the schema's index.
    pub physical: Arc<dyn PhysicalExpr>,
    /// The columns that it reads.
    pub columns: Vec<String>,
}

/// Plans a SQL expression over `schema`, with parameters.
///
/// # Errors
/// What DataFusion says about an unknown name, a wrong type or a syntax error, and an unknown parameter as a plan error.
pub fn compile(text: &str, schema: &SchemaRef, parameters: &Parameters) -> Result<Expression, DataFusionError> {
    let state = state()?;
    let mut tree = DFParserBuilder::new(text).build()?.parse_expr()?;
    parameters.substitute(&mut tree.expr)?;
    let columns = DFSchema::try_from(Arc::clone(schema))?;
    ignored::refuse(&tree.expr, &state)?;
    let logical: Expr = state.create_logical_expr_from_sql_expr(tree, &columns)?;
    let mut names: Vec<String> = logical.column_refs().iter().map(|column| column.name.clone()).collect();
    names.sort();
    refuse_clocks(&logical)?;
    clash::refuse_in(&logical, &columns)?;
    let physical = state.create_physical_expr(simplified(logical, &columns, &state)?, &columns)?;
    Ok(Expression { physical, columns: names })
}

/// Plans a parsed expression, in which names are columns of `columns`, and returns it as planned with its type.
///
/// # Errors
/// What DataFusion says about functions, arguments and types, be it while planning or while preparing to run.
pub fn typed(tree: SqlExpr, columns: &DFSchema, state: &SessionState) -> Result<(Expr, DataType), DataFusionError> {
    let logical = state.create_logical_expr_from_sql_expr(ExprWithAlias { expr: tree, alias: None }, columns)?;
    let simplifier = simplifier(columns, state);
    let coerced = simplifier.coerce(logical.clone(), columns)?;
    clash::refuse_in(&logical, columns)?;
    let data_type = coerced.get_type(columns)?;
    // These run in nodes of their own, not as expressions.
    let is_part_of_a_node = coerced.exists(|inner| {
        Ok(matches!(
            inner,
            Expr::AggregateFunction(_) | Expr::WindowFunction(_) | Expr::Unnest(_) | Expr::GroupingSet(_)
        ))
    })?;
    for window in windows(&coerced)? {
        create_window_expr(&window, columns, &ExecutionProps::new(), &PhysicalPlanningContext::default())?;
    }
    if !is_part_of_a_node {
        state.create_physical_expr(simplifier.simplify(coerced)?, columns)?;
    }
    Ok((logical, data_type))
}

/// Returns the calls over a window, whose arguments are looked at only when they are prepared to run.
fn windows(expr: &Expr) -> Result<Vec<Expr>, DataFusionError> {
    let mut found = Vec::new();
    expr.apply(|part| {
        if matches!(part, Expr::WindowFunction(_)) {
            found.push(part.clone());
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(found)
}

fn simplifier(columns: &DFSchema, state: &SessionState) -> ExprSimplifier {
    let context = SimplifyContext::builder()
        .with_schema(Arc::new(columns.clone()))
        .with_config_options(Arc::clone(state.config_options()))
        .build();
    ExprSimplifier::new(context)
}

/// Coerces types and simplifies: functions such as `coalesce` exist only until they are simplified.
pub(super) fn simplified(expr: Expr, columns: &DFSchema, state: &SessionState) -> Result<Expr, DataFusionError> {
    let simplifier = simplifier(columns, state);
    let coerced = simplifier.coerce(expr, columns)?;
    simplifier.simplify(guards::opaque_casts(coerced, columns)?.data)
}

/// Returns the value that an expression has in every row, whatever its columns hold; None where they decide. That a column is never
/// NULL is not made use of.
#[must_use]
pub fn constant(expr: &Expr, columns: &DFSchema, state: &SessionState) -> Option<ScalarValue> {
    if has_query(expr) {
        return None;
    }
    let nullable = |(table, field): (Option<&TableReference>, &FieldRef)| {
        (table.cloned(), Arc::new(field.as_ref().clone().with_nullable(true)))
    };
    let columns = DFSchema::new_with_metadata(columns.iter().map(nullable).collect(), HashMap::new()).ok()?;
    match simplified(expr.clone(), &columns, state).ok()? {
        Expr::Literal(value, _) => Some(value),
        _ => None,
    }
}

/// Returns whether an expression has a query of its own.
#[must_use]
pub fn has_query(expr: &Expr) -> bool {
    let is_query = |inner: &Expr| {
        matches!(inner, Expr::ScalarSubquery(_) | Expr::InSubquery(_) | Expr::Exists(_) | Expr::SetComparison(_))
    };
    expr.exists(|inner| Ok(is_query(inner))).unwrap_or(true)
}

/// Refuses functions whose value is not decided by their arguments: a run must be a function of its inputs.
pub(super) fn refuse_clocks(expr: &Expr) -> Result<(), DataFusionError> {
    expr.apply(|inner| match inner {
        Expr::ScalarFunction(function) if function.func.signature().volatility != Volatility::Immutable => {
            let name = function.func.name();
            Err(DataFusionError::Plan(format!("`{name}` does not give the same value on every run")))
        }
        _ => Ok(TreeNodeRecursion::Continue),
    })?;
    Ok(())
}

/// Returns a session state that can plan expressions and nothing else.
fn state() -> Result<SessionState, DataFusionError> {
    let config = SessionConfig::new().set_bool("datafusion.sql_parser.collect_spans", true);
    let mut state = SessionStateBuilder::new().with_config(config).with_default_features().build();
    functions::register(&mut state)?;
    Ok(state)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use arrow::{
        array::{ArrayRef, AsArray, Decimal128Array, Int32Array, RecordBatch},
        datatypes::{DataType, Field, Schema},
    };

    use super::*;

    fn parameters() -> Parameters {
        let run_date = chrono::NaiveDate::from_ymd_opt(2026, 6, 30).unwrap_or_default();
        Parameters { run_date, timezone: chrono_tz::Tz::Asia__Shanghai, variables: BTreeMap::new() }
    }

    #[test]
    fn money_times_quantity_is_exact() -> Result<(), DataFusionError> {
        let money = |name: &str| Field::new(name, DataType::Decimal128(18, 2), true);
        let fields = vec![
            Field::new("quantity", DataType::Int32, true),
            money("unit_price"),
            money("discount"),
            money("amount"),
        ];
        let schema: SchemaRef = Arc::new(Schema::new(fields));
        let text = "amount = quantity * unit_price - coalesce(discount, 0)";
        let expression = compile(text, &schema, &parameters())?;
        let cents = |values: Vec<Option<i128>>| -> Result<ArrayRef, DataFusionError> {
            Ok(Arc::new(Decimal128Array::from(values).with_precision_and_scale(18, 2)?))
        };
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int32Array::from(vec![3, 2])),
            cents(vec![Some(1050), Some(500)])?,
            cents(vec![Some(50), None])?,
            cents(vec![Some(3100), Some(1001)])?,
        ];
        let batch = RecordBatch::try_new(schema, columns)?;
        let result = expression.physical.evaluate(&batch)?.into_array(2)?;
        let expected = arrow::array::BooleanArray::from(vec![true, false]);
        assert_eq!(result.as_boolean(), &expected, "{}", expression.physical);
        Ok(())
    }
}
