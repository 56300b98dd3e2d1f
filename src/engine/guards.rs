//! Rewrites that keep the optimizer from two mistakes of DataFusion 55, both silent wrong results.
//!
//! | mistake | example | what is put in its way |
//! |---|---|---|
//! | a filter without columns is pushed below an aggregate without groups, which then counts nothing instead of vanishing | `select * from (select 1 as x, count(*) from t) where x = 2` gives a row | `LIMIT 1` above the aggregate, which has one row anyway |
//! | a cast that drops decimals is moved from the column to the literal it is compared with | `cast(1.50 as int) = 1` looks for `1.00` | the cast becomes a function that no rule knows |
//!
//! Both rewrites change no result; `tests/it/incremental.rs` and the tests below fail once one of them is missing.

use std::sync::Arc;

use arrow::{
    compute::{CastOptions, cast_with_options},
    datatypes::DataType,
};
use datafusion::{
    common::{
        DFSchema, Result, ScalarValue,
        config::ConfigOptions,
        tree_node::{Transformed, TransformedResult, TreeNode},
    },
    execution::SessionState,
    logical_expr::{
        Cast, ColumnarValue, Expr, ExprSchemable, Limit, LogicalPlan, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
        Signature, Volatility, expr_rewriter::NamePreserver, lit, utils::merge_schema,
    },
    optimizer::AnalyzerRule,
};

/// Adds the rewrites to a session.
pub(super) fn register(state: &mut SessionState) {
    state.add_analyzer_rule(Arc::new(OneRowAggregates));
    state.add_analyzer_rule(Arc::new(NarrowingCasts));
}

/// Puts `LIMIT 1` above every aggregate without groups.
#[derive(Debug)]
struct OneRowAggregates;

impl AnalyzerRule for OneRowAggregates {
    fn name(&self) -> &'static str {
        "one_row_aggregates"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up(|node| {
            let is_ungrouped = matches!(&node, LogicalPlan::Aggregate(aggregate) if aggregate.group_expr.is_empty());
            // A correlated subquery could not be decorrelated through a limit.
            if !is_ungrouped || is_correlated(&node)? {
                return Ok(Transformed::no(node));
            }
            let limit = Limit { skip: None, fetch: Some(Box::new(lit(1_i64))), input: Arc::new(node) };
            Ok(Transformed::yes(LogicalPlan::Limit(limit)))
        })
        .data()
    }
}

/// Returns whether a plan, or anything below it, reads a column of the query around it.
fn is_correlated(plan: &LogicalPlan) -> Result<bool> {
    plan.exists(|node| Ok(node.contains_outer_reference()))
}

/// Turns casts of a decimal to fewer decimals into a function.
#[derive(Debug)]
struct NarrowingCasts;

impl AnalyzerRule for NarrowingCasts {
    fn name(&self) -> &'static str {
        "narrowing_casts"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|node| {
            let schema = schema_of_inputs(&node);
            let names = NamePreserver::new(&node);
            node.map_expressions(|expr| {
                let name = names.save(&expr);
                Ok(opaque_casts(expr, &schema)?.update_data(|expr| name.restore(expr)))
            })
        })
        .data()
    }
}

/// Returns the columns that a node's expressions can name.
pub(super) fn schema_of_inputs(node: &LogicalPlan) -> DFSchema {
    let mut schema = merge_schema(&node.inputs());
    if let LogicalPlan::TableScan(scan) = node {
        schema.merge(&scan.projected_schema);
    }
    schema
}

/// Replaces the narrowing casts of an expression, for plans and for expressions without one.
///
/// # Errors
/// When the type of a part cannot be found.
pub(super) fn opaque_casts(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    expr.transform_up(|expr| {
        let Expr::Cast(Cast { expr: inner, field }) = &expr else { return Ok(Transformed::no(expr)) };
        // An outer column is not in the schema; such a cast stays as it is.
        let Ok(from) = inner.get_type(schema) else { return Ok(Transformed::no(expr)) };
        if !drops_decimals(&from, field.data_type()) {
            return Ok(Transformed::no(expr));
        }
        let function = ScalarUDF::new_from_impl(NarrowingCast::new(field.data_type().clone()));
        Ok(Transformed::yes(function.call(vec![inner.as_ref().clone()])))
    })
}

fn drops_decimals(from: &DataType, to: &DataType) -> bool {
    let scale = |data_type: &DataType| match data_type {
        DataType::Decimal32(_, scale)
        | DataType::Decimal64(_, scale)
        | DataType::Decimal128(_, scale)
        | DataType::Decimal256(_, scale) => Some(*scale),
        integer if integer.is_integer() => Some(0),
        _ => None,
    };
    from.is_decimal() && matches!((scale(from), scale(to)), (Some(from), Some(to)) if to < from)
}

/// `CAST(… AS type)` that no optimizer rule looks into.
#[derive(Debug, PartialEq, Eq, Hash)]
struct NarrowingCast {
    to: DataType,
    signature: Signature,
}

impl NarrowingCast {
    fn new(to: DataType) -> Self {
        Self { to, signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for NarrowingCast {
    fn name(&self) -> &'static str {
        "narrowing_cast"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.to.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let options = CastOptions { safe: false, ..CastOptions::default() };
        match &args.args[0] {
            ColumnarValue::Array(values) => Ok(ColumnarValue::Array(cast_with_options(values, &self.to, &options)?)),
            ColumnarValue::Scalar(value) => {
                let cast = cast_with_options(&value.to_array()?, &self.to, &options)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&cast, 0)?))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow::util::pretty::pretty_format_batches;

    use crate::engine::{Engine, Settings};

    async fn answer(sql: &str) -> datafusion::error::Result<String> {
        let engine = Engine::new(Settings { threads: 2, memory_limit_bytes: 64 << 20, spill_folder: None })?;
        let session = engine.session([])?;
        session
            .sql("CREATE TABLE t AS SELECT CAST(v AS DECIMAL(18,2)) AS v FROM (VALUES (1.50), (1.00), (2.49)) AS x(v)")
            .await?;
        let batches = session.sql(sql).await?.collect().await?;
        let rows: usize = batches.iter().map(arrow::array::RecordBatch::num_rows).sum();
        Ok(format!("{rows} rows\n{}", pretty_format_batches(&batches)?))
    }

    #[tokio::test]
    async fn a_filter_on_a_constant_does_not_empty_an_aggregate() -> datafusion::error::Result<()> {
        let none = answer("SELECT * FROM (SELECT 1 AS x, count(*) AS c FROM t) WHERE x = 2").await?;
        assert!(none.starts_with("0 rows"), "{none}");
        let union = "SELECT * FROM (SELECT 'a' AS k, sum(v) AS s FROM t UNION ALL SELECT 'b' AS k, count(*) FROM t) WHERE k = 'b'";
        let one = answer(union).await?;
        assert!(one.starts_with("1 rows") && one.contains("3.00"), "{one}");
        Ok(())
    }

    #[tokio::test]
    async fn a_lateral_aggregate_is_left_to_be_decorrelated() -> datafusion::error::Result<()> {
        let counts = "SELECT o.v, c.n FROM t AS o, LATERAL (SELECT count(*) AS n FROM t AS i WHERE i.v = o.v) AS c";
        let three = answer(counts).await?;
        assert!(three.starts_with("3 rows"), "{three}");
        Ok(())
    }

    #[tokio::test]
    async fn a_narrowing_cast_is_compared_after_it_rounded() -> datafusion::error::Result<()> {
        let two = answer("SELECT v FROM t WHERE CAST(v AS INT) = 2 ORDER BY v").await?;
        assert!(two.starts_with("1 rows") && two.contains("2.49"), "{two}");
        let same = answer("SELECT v FROM (SELECT v, CAST(v AS INT) AS i FROM t) WHERE i + 0 = 2 ORDER BY v").await?;
        assert_eq!(two, same);
        let tenth = answer("SELECT v FROM t WHERE CAST(v AS DECIMAL(18,1)) = 2.5").await?;
        assert!(tenth.starts_with("1 rows") && tenth.contains("2.49"), "{tenth}");
        Ok(())
    }
}
