//! Cross joins with one row: that row is what is held, whatever the engine can guess of the other side.
//!
//! A cross join holds its left side in memory and gives a batch for each of its rows: with the many rows there, a batch of one
//! row each. DataFusion 55.2 puts the smaller side there where both sizes are known, and leaves the sides as they are written
//! where one is not. In: a physical plan. Out: the same plan, in which no cross join has many rows on the left and one on the right.

use std::sync::Arc;

use datafusion::{
    common::{
        config::ConfigOptions,
        tree_node::{Transformed, TransformedResult, TreeNode},
    },
    error::Result,
    physical_optimizer::PhysicalOptimizerRule,
    physical_plan::{
        ExecutionPlan,
        aggregates::AggregateExec,
        coalesce_partitions::CoalescePartitionsExec,
        joins::CrossJoinExec,
        projection::ProjectionExec,
        statistics::{StatisticsArgs, StatisticsContext},
    },
};

/// The engine's rule that puts the smaller side of a join on its left; those behind it rely on the sides.
const SIDES: &str = "join_selection";

/// Puts the rule of this module among those of the engine.
pub(super) fn add_to(rules: &mut Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>>) {
    let place = rules.iter().position(|rule| rule.name() == SIDES).map_or(0, |at| at + 1);
    rules.insert(place, Arc::new(OneRowFirst));
}

/// Puts the side that has one row on the left.
#[derive(Debug)]
struct OneRowFirst;

impl PhysicalOptimizerRule for OneRowFirst {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| match node.downcast_ref::<CrossJoinExec>() {
            Some(join) if is_one_row(join.right().as_ref()) && !is_one_row(join.left().as_ref()) => {
                Ok(Transformed::yes(join.swap_inputs()?))
            }
            _ => Ok(Transformed::no(node)),
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "one_row_first"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Returns whether a plan gives at most one row, as far as that can be told without its data.
fn is_one_row(plan: &dyn ExecutionPlan) -> bool {
    if let Some(aggregate) = plan.downcast_ref::<AggregateExec>() {
        return aggregate.group_expr().is_empty();
    }
    if let Some(join) = plan.downcast_ref::<CrossJoinExec>() {
        return is_one_row(join.left().as_ref()) && is_one_row(join.right().as_ref());
    }
    if plan.is::<ProjectionExec>() || plan.is::<CoalescePartitionsExec>() {
        return plan.children().into_iter().all(|input| is_one_row(input.as_ref()));
    }
    let known = StatisticsContext::new().compute(plan, &StatisticsArgs::new());
    known.is_ok_and(|known| known.num_rows.is_exact() == Some(true) && known.num_rows.get_value() <= Some(&1))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use arrow::{array::AsArray, datatypes::Int64Type};
    use datafusion::common::tree_node::TreeNodeRecursion;

    use super::*;
    use crate::engine::scarcity::tests::narrow_session;

    /// Returns whether the plan of a query holds an aggregate on the left of its cross joins, and its only value.
    async fn planned(sql: &str) -> (Vec<bool>, i64) {
        let session = narrow_session();
        let plan = session.sql(sql).await.unwrap().create_physical_plan().await.unwrap();
        let mut sides = Vec::new();
        let _ = plan.apply(|node| {
            let join = node.downcast_ref::<CrossJoinExec>();
            sides.extend(join.map(|join| is_one_row(join.left().as_ref())));
            Ok(TreeNodeRecursion::Continue)
        });
        let rows = datafusion::physical_plan::collect(plan, session.task_ctx()).await.unwrap();
        (sides, rows[0].column(0).as_primitive::<Int64Type>().value(0))
    }

    #[tokio::test]
    async fn the_one_row_is_held_wherever_it_is_written() {
        // Nobody guesses how many rows lists become.
        let many = "(SELECT unnest([k, k]) AS k FROM a.one WHERE starts_with(text, 'x00'))";
        let one = "(SELECT max(k) AS k FROM a.other)";
        for from in [format!("{many} AS m CROSS JOIN {one} AS o"), format!("{one} AS o CROSS JOIN {many} AS m")] {
            let (sides, value) = planned(&format!("SELECT sum(o.k - m.k) FROM {from}")).await;
            assert_eq!(sides, [true], "{from}");
            assert_eq!(value, 2 * (10_000 * 139_999 - 9_999 * 10_000 / 2), "{from}");
        }
    }

    #[tokio::test]
    async fn two_sides_of_many_rows_stay_as_they_are() {
        let few =
            |table: &str, letter: &str| format!("(SELECT * FROM {table} WHERE starts_with(text, '{letter}0000'))");
        let from = format!("{} AS m CROSS JOIN {} AS o", few("a.one", "x"), few("a.other", "y"));
        assert_eq!(planned(&format!("SELECT count(*) FROM {from}")).await, (vec![false], 10_000));
    }
}
