//! A moved run date that no row notices: wherever the plans of two days differ, each row that comes there gives the same.
//!
//! In: the optimized plans of both days of a whole model, over its inputs as they are now. Out: whether both give the same
//! table. It is asked of the very rows that come to a place, whatever tables they are joined from, so it costs a part of what
//! building the model costs, and is asked last. Deliberately tells no partitions apart.

use std::sync::Arc;

use datafusion::{
    arrow::datatypes::DataType,
    common::{ScalarValue, tree_node::TreeNode},
    error::Result,
    logical_expr::{Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, Operator, binary_expr, lit},
    prelude::SessionContext,
};

use super::{
    alike::{self, Both, Marks},
    trace::{column, defined},
};
use crate::{
    engine::{
        Catalog,
        table::{self, is_closed},
    },
    record::PartitionValues,
    transform::narrow::holds_placeholder,
};

/// Returns whether two plans give the same rows over the tables of a session.
pub(super) async fn is_still(
    before: &LogicalPlan,
    now: &LogicalPlan,
    catalog: &Catalog,
    session: &SessionContext,
) -> bool {
    let mut places = Places(Vec::new());
    if alike::masked(before, now, catalog, &mut places).is_none() || places.0.iter().any(Place::differs_for_any) {
        return false;
    }
    for place in &places.0 {
        // What cannot be answered may be a difference.
        if Box::pin(place.holds_a_difference(session)).await.unwrap_or(true) {
            return false;
        }
    }
    true
}

/// An expression that is another one on another day, and the rows over which it is evaluated.
struct Place {
    rows: LogicalPlan,
    before: Expr,
    now: Expr,
}

/// All of them, those of inputs before those of what reads them.
struct Places(Vec<Place>);

impl Marks for Places {
    const LARGEST: bool = true;

    fn mark(&mut self, before: &Expr, now: &Expr, at: Both<'_>) -> Option<DataType> {
        if !is_of_a_row(before) || !is_of_a_row(now) {
            return None;
        }
        let (rows_before, rows) = (rows(at.0)?, rows(at.1)?);
        let before = defined(before.clone(), rows_before.schema(), |index| column(&rows, index))?;
        let data_type = now.get_type(rows.schema()).ok()?;
        if before.get_type(rows.schema()).ok()? != data_type {
            return None;
        }
        self.0.push(Place { rows, before, now: now.clone() });
        Some(data_type)
    }

    fn noted(&self) -> usize {
        self.0.len()
    }

    fn forget_after(&mut self, first: usize) {
        self.0.truncate(first);
    }
}

/// Returns the rows over which a node evaluates its expressions, where each is evaluated alone.
fn rows(node: &LogicalPlan) -> Option<LogicalPlan> {
    match node {
        LogicalPlan::TableScan(scan) => {
            LogicalPlanBuilder::scan(scan.table_name.clone(), Arc::clone(&scan.source), None).ok()?.build().ok()
        }
        LogicalPlan::Projection(_)
        | LogicalPlan::Filter(_)
        | LogicalPlan::Aggregate(_)
        | LogicalPlan::Window(_)
        | LogicalPlan::Sort(_) => node.inputs().first().map(|input| (*input).clone()),
        _ => None,
    }
}

/// Returns whether an expression has a value for each single row.
fn is_of_a_row(expr: &Expr) -> bool {
    let is_of_many = |inner: &Expr| {
        matches!(inner, Expr::AggregateFunction(_) | Expr::WindowFunction(_) | Expr::GroupingSet(_) | Expr::Unnest(_))
    };
    is_closed(expr) && !holds_placeholder(expr) && !expr.exists(|inner| Ok(is_of_many(inner))).unwrap_or(true)
}

impl Place {
    /// Returns whether even a row of zeros differs, as with days counted up to the run date: then others do, and to ask
    /// them all would be lost time.
    fn differs_for_any(&self) -> bool {
        let value = |expr: &Expr| {
            let schema = self.rows.schema();
            let zero = |index: usize| ScalarValue::new_default(schema.field(index).data_type()).ok().map(lit_of);
            let row = table::values_batch(Vec::new(), &[&PartitionValues::default()]).ok()?;
            table::evaluate(&defined(expr.clone(), schema, zero)?, &row).ok()
        };
        value(&self.before).zip(value(&self.now)).is_some_and(|(before, now)| before != now)
    }

    /// Asks for a row for which the expression is another one.
    async fn holds_a_difference(&self, session: &SessionContext) -> Result<bool> {
        let differs = binary_expr(self.before.clone(), Operator::IsDistinctFrom, self.now.clone());
        let found =
            LogicalPlanBuilder::from(self.rows.clone()).filter(differs)?.project([lit(true)])?.limit(0, Some(1))?;
        let batches = session.execute_logical_plan(found.build()?).await?.collect().await?;
        Ok(batches.iter().any(|batch| batch.num_rows() > 0))
    }
}

const fn lit_of(value: ScalarValue) -> Expr {
    Expr::Literal(value, None)
}
