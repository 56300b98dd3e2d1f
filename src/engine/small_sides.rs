//! Joins of which one side is known to be small: that side is what is held in memory, whatever the engine can guess of the other one.
//!
//! A join holds its left side. DataFusion 55.2 puts the smaller side there where the sizes of both are known, and leaves the sides as they
//! are written where one is not, as behind a list or a join without equal columns. In: a physical plan. Out: the same plan, in
//! which the left side of a join is the one of which no more than a few thousand rows can come; it is held once for all threads, so
//! that the other side's rows need not be exchanged between them. Only the most and the likely number of rows are looked at;
//! what the rows are never depends on the sides.

use std::sync::Arc;

use datafusion::{
    common::{
        JoinType,
        config::ConfigOptions,
        tree_node::{Transformed, TransformedResult, TreeNode},
    },
    error::Result,
    physical_expr::{PhysicalExpr, ScalarFunctionExpr, expressions::Literal},
    physical_optimizer::PhysicalOptimizerRule,
    physical_plan::{
        ExecutionPlan,
        aggregates::{AggregateExec, AggregateMode},
        execution_plan::CardinalityEffect,
        filter::FilterExec,
        joins::{CrossJoinExec, HashJoinExec, NestedLoopJoinExec, PartitionMode},
        limit::GlobalLimitExec,
        projection::ProjectionExec,
        statistics::{StatisticsArgs, StatisticsContext},
        union::UnionExec,
        unnest::UnnestExec,
    },
};

/// The engine's rule that puts the smaller side of a join on its left; those behind it rely on the sides.
const SIDES: &str = "join_selection";
/// Rows that every thread may look up in one table that all of them share.
const FEW_ROWS: u64 = 8_192;
/// A side is larger than another one if it likely has so many times the rows that the other one can have.
const LARGER: u64 = 4;
/// Elements that a series rarely exceeds, such as the months of some years.
const LIST: u64 = 128;
/// Of so many rows one passes a filter, or begins a group.
const ONE_OF: u64 = 10;

/// Puts the rule of this module among those of the engine.
pub(super) fn add_to(rules: &mut Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>>) {
    let place = rules.iter().position(|rule| rule.name() == SIDES).map_or(0, |at| at + 1);
    rules.insert(place, Arc::new(SmallSideFirst));
}

/// Puts the side that is small on the left.
#[derive(Debug)]
struct SmallSideFirst;

impl PhysicalOptimizerRule for SmallSideFirst {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            let put = match (node.downcast_ref::<CrossJoinExec>(), node.downcast_ref::<HashJoinExec>()) {
                (Some(join), _) => crossed(join)?,
                (_, Some(join)) => hashed(join)?,
                _ => None,
            };
            Ok(put.map_or_else(|| Transformed::no(node), Transformed::yes))
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "small_side_first"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Returns what stands for a cross join. That operator gives a batch for each row of its left side: of one row each, where the
/// right side has one. So one row is held, and where many are, an operator that fills its batches takes its place.
fn crossed(join: &CrossJoinExec) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let [left, right] = [join.left(), join.right()].map(|side| at_most(side.as_ref()));
    if right.is_some_and(|rows| rows <= 1) && left != Some(1) {
        return join.swap_inputs().map(Some);
    }
    if left.is_some_and(|rows| rows <= FEW_ROWS) {
        return Ok(None);
    }
    let (left, right) = (Arc::clone(join.left()), Arc::clone(join.right()));
    Ok(Some(Arc::new(NestedLoopJoinExec::try_new(left, right, None, &JoinType::Inner, None)?)))
}

/// Returns what stands for a join by hash, if one of its sides has few rows.
fn hashed(join: &HashJoinExec) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    // Which side of `NOT IN` is held decides what a NULL means. What the engine holds once for all threads it knows to be small.
    if join.null_aware || *join.partition_mode() == PartitionMode::CollectLeft {
        return Ok(None);
    }
    let few = |side: &Arc<dyn ExecutionPlan>| at_most(side.as_ref()).filter(|rows| *rows <= FEW_ROWS);
    let is_larger = |rows: u64| {
        likely(join.left().as_ref()).is_some_and(|left| left > FEW_ROWS && left >= rows.saturating_mul(LARGER))
    };
    if join.join_type().supports_swap() && few(join.right()).is_some_and(is_larger) {
        return join.swap_inputs(PartitionMode::CollectLeft).map(Some);
    }
    if few(join.left()).is_none() {
        return Ok(None);
    }
    Ok(Some(Arc::new(join.builder().with_partition_mode(PartitionMode::CollectLeft).build()?)))
}

/// Returns how many rows a plan can give, as far as that can be told without its data; series count as ones of a usual length.
fn at_most(plan: &dyn ExecutionPlan) -> Option<u64> {
    let of = |child: &Arc<dyn ExecutionPlan>| at_most(child.as_ref());
    if let Some(aggregate) = plan.downcast_ref::<AggregateExec>() {
        // Several sets of groups give each row several times.
        let sets = aggregate.group_expr().groups().len().max(1) as u64;
        return if aggregate.group_expr().is_empty() {
            Some(1)
        } else {
            Some(of(aggregate.input())?.saturating_mul(sets))
        };
    }
    if let Some((join, [left, right])) = sides(plan) {
        return Some(joined(join, of(left)?, of(right)?));
    }
    if let Some(lists) = plan.downcast_ref::<UnnestExec>() {
        return if are_series(lists) { Some(of(lists.input())?.saturating_mul(LIST)) } else { None };
    }
    general(plan, at_most)
}

/// Returns whether all lists whose elements become rows are written out, or made one number or day after the other. Those of tables and
/// aggregates may have any length.
fn are_series(lists: &UnnestExec) -> bool {
    let Some(made) = lists.input().downcast_ref::<ProjectionExec>() else { return false };
    let is_series = |expr: &Arc<dyn PhysicalExpr>| {
        let function = expr.downcast_ref::<ScalarFunctionExpr>();
        function.is_some_and(|function| matches!(function.name(), "generate_series" | "range"))
    };
    lists.list_column_indices().iter().all(|list| {
        let made = made.expr().get(list.index_in_input_schema);
        let is_made = |expr: &Arc<dyn PhysicalExpr>| {
            expr.is::<Literal>() || expr.exists(|part| Ok(is_series(part))).unwrap_or(false)
        };
        made.is_some_and(|made| is_made(&made.expr))
    })
}

/// Returns the kind of a join and its sides.
fn sides(plan: &dyn ExecutionPlan) -> Option<(JoinType, [&Arc<dyn ExecutionPlan>; 2])> {
    let cross = plan.downcast_ref::<CrossJoinExec>().map(|join| (JoinType::Inner, [join.left(), join.right()]));
    let looped =
        || plan.downcast_ref::<NestedLoopJoinExec>().map(|join| (*join.join_type(), [join.left(), join.right()]));
    let hashed = || plan.downcast_ref::<HashJoinExec>().map(|join| (*join.join_type(), [join.left(), join.right()]));
    cross.or_else(looped).or_else(hashed)
}

/// Returns how many rows a join of so many rows can give.
fn joined(join: JoinType, left: u64, right: u64) -> u64 {
    let pairs = left.saturating_mul(right);
    match join {
        JoinType::Inner => pairs,
        JoinType::Left => pairs.max(left),
        JoinType::Right => pairs.max(right),
        JoinType::Full => pairs.max(left.saturating_add(right)),
        JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => left,
        JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => right,
    }
}

/// Returns how many rows a plan likely gives.
fn likely(plan: &dyn ExecutionPlan) -> Option<u64> {
    let of = |child: &Arc<dyn ExecutionPlan>| likely(child.as_ref());
    if let Some(filter) = plan.downcast_ref::<FilterExec>() {
        return Some(of(filter.input())? / ONE_OF);
    }
    if let Some(aggregate) = plan.downcast_ref::<AggregateExec>() {
        // What begins to group says nothing of how many groups come out at the end.
        return match aggregate.mode() {
            _ if aggregate.group_expr().is_empty() => Some(1),
            AggregateMode::Partial => of(aggregate.input()),
            _ => Some(of(aggregate.input())? / ONE_OF),
        };
    }
    if plan.is::<CrossJoinExec>() || plan.is::<NestedLoopJoinExec>() {
        return plan.children().into_iter().map(of).try_fold(0, |most, rows| Some(most.max(rows?)));
    }
    if let Some(join) = plan.downcast_ref::<HashJoinExec>() {
        // Mostly one side has the key of the other.
        return match join.join_type() {
            JoinType::Inner | JoinType::Full => Some(of(join.left())?.max(of(join.right())?)),
            JoinType::Left => of(join.left()),
            JoinType::Right => of(join.right()),
            JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => Some(of(join.left())? / ONE_OF),
            JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => Some(of(join.right())? / ONE_OF),
        };
    }
    if let Some(lists) = plan.downcast_ref::<UnnestExec>() {
        return of(lists.input());
    }
    general(plan, likely)
}

/// Returns the number of rows of a table, of what stands for its input row by row, or of several inputs.
fn general(plan: &dyn ExecutionPlan, of: fn(&dyn ExecutionPlan) -> Option<u64>) -> Option<u64> {
    let children = plan.children();
    if plan.is::<UnionExec>() {
        return children.into_iter().try_fold(0_u64, |sum, child| Some(sum.saturating_add(of(child.as_ref())?)));
    }
    let is_row_by_row = matches!(plan.cardinality_effect(), CardinalityEffect::Equal | CardinalityEffect::LowerEqual);
    let rows = match children.as_slice() {
        [] => {
            let known = StatisticsContext::new().compute(plan, &StatisticsArgs::new()).ok()?;
            known.num_rows.get_value().and_then(|rows| u64::try_from(*rows).ok())
        }
        [child] if is_row_by_row || plan.is::<GlobalLimitExec>() => of(child.as_ref()),
        _ => None,
    };
    let fetched = plan.fetch().and_then(|rows| u64::try_from(rows).ok());
    rows.into_iter().chain(fetched).min()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use arrow::{array::AsArray, datatypes::Int64Type};
    use datafusion::common::tree_node::TreeNodeRecursion;

    use super::*;
    use crate::engine::scarcity::tests::narrow_session;

    /// Returns the joins of the plan of a query, from above, and its only value.
    async fn planned(sql: &str) -> (Vec<String>, i64) {
        let session = narrow_session();
        let plan = session.sql(sql).await.unwrap().create_physical_plan().await.unwrap();
        let mut joins = Vec::new();
        let _ = plan.apply(|node| {
            let of =
                |side: &Arc<dyn ExecutionPlan>| at_most(side.as_ref()).map_or("?".to_owned(), |rows| rows.to_string());
            if let Some(join) = node.downcast_ref::<CrossJoinExec>() {
                joins.push(format!("cross of {}", of(join.left())));
            }
            if let Some(join) = node.downcast_ref::<NestedLoopJoinExec>() {
                joins.push(format!("loop of {}", of(join.children()[0])));
            }
            if let Some(join) = node.downcast_ref::<HashJoinExec>() {
                joins.push(format!("{:?} {} of {}", join.partition_mode(), join.join_type(), of(join.left())));
            }
            Ok(TreeNodeRecursion::Continue)
        });
        let rows = datafusion::physical_plan::collect(plan, session.task_ctx()).await.unwrap();
        (joins, rows[0].column(0).as_primitive::<Int64Type>().value(0))
    }

    /// Of as many rows as there are in a list of a list, which nobody guesses.
    const MANY: &str = "(SELECT unnest([k, k]) AS k FROM a.one WHERE starts_with(text, 'x00'))";

    #[tokio::test]
    async fn the_one_row_is_held_wherever_it_is_written() {
        let one = "(SELECT max(k) AS k FROM a.other)";
        for from in [format!("{MANY} AS m CROSS JOIN {one} AS o"), format!("{one} AS o CROSS JOIN {MANY} AS m")] {
            let (joins, value) = planned(&format!("SELECT sum(o.k - m.k) FROM {from}")).await;
            assert_eq!(joins, ["cross of 1"], "{from}");
            assert_eq!(value, 2 * (10_000 * 139_999 - 9_999 * 10_000 / 2), "{from}");
        }
    }

    #[tokio::test]
    async fn two_sides_of_many_rows_are_crossed_in_full_batches_and_a_few_rows_are_held() {
        let some =
            |table: &str, letter: &str| format!("(SELECT * FROM {table} WHERE starts_with(text, '{letter}0000'))");
        let few = "(SELECT unnest(generate_series(1, 50)) AS k)";
        let some = [some("a.one", "x"), some("a.other", "y")];
        for (left, right, join, expected) in
            [(some[0].as_str(), some[1].as_str(), "loop of ?", 10_000), (few, some[1].as_str(), "cross of 128", 5_000)]
        {
            let (joins, value) = planned(&format!("SELECT count(*) FROM {left} AS m CROSS JOIN {right} AS o")).await;
            assert_eq!(joins, [join], "{left}");
            assert_eq!(value, expected, "{left}");
        }
    }

    #[tokio::test]
    async fn a_few_rows_are_held_once_whichever_side_they_are_on() {
        let few = "(SELECT unnest(generate_series(o.first, o.first + 4)) AS k FROM (SELECT min(k) AS first FROM a.other) AS o)";
        // The list begins at 0: of each of its five numbers there are two.
        let cases = [
            (format!("{MANY} AS m JOIN {few} AS f ON f.k = m.k"), "Inner", 2 * 10),
            (format!("{few} AS f JOIN {MANY} AS m ON f.k = m.k"), "Inner", 2 * 10),
            (format!("{MANY} AS m LEFT JOIN {few} AS f ON f.k = m.k"), "Right", 9_999 * 10_000),
            (format!("{few} AS f RIGHT JOIN {MANY} AS m ON f.k = m.k"), "Right", 9_999 * 10_000),
            (format!("(SELECT k FROM a.one GROUP BY k) AS m JOIN {few} AS f ON f.k = m.k"), "Inner", 10),
        ];
        for (from, join, expected) in cases {
            let (joins, value) = planned(&format!("SELECT sum(m.k) FROM {from}")).await;
            assert_eq!(joins, [format!("CollectLeft {join} of {LIST}")], "{from}");
            assert_eq!(value, expected, "{from}");
        }
    }

    #[tokio::test]
    async fn a_side_that_may_be_large_stays_where_it_is() {
        // One row, of which nobody knows how long its list is.
        let gathered = "(SELECT unnest(ks) AS k FROM (SELECT array_agg(k) AS ks FROM a.other) AS o)";
        for (many, expected) in [(MANY, 4 * 10_000), (gathered, 2 * 10_000)] {
            let from = format!("{MANY} AS m JOIN {many} AS n ON n.k = m.k");
            let (joins, value) = planned(&format!("SELECT sum(m.k - n.k) + count(*) FROM {from}")).await;
            assert_eq!(joins, ["Partitioned Inner of ?"], "{from}");
            assert_eq!(value, expected, "{from}");
        }
    }
}
