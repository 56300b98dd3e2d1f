//! Left sides of joins without equal columns, as plans that can be begun a second time.
//!
//! ```text
//!  NestedLoopJoin ──► BeginAgain ──first time──► the left side
//!                          └────────second time──► the left side as new, without what scans were told in the meantime
//! ```
//!
//! Such a join holds its left side in memory. Where that does not fit, DataFusion 55.2 begins it again and spills it; but an
//! exchange between threads panics when it is begun twice, and threads that wait for the rows may wait for ever (issues 24661
//! and 24676, mended later). In: a physical plan. Out: the same plan, with a node of this module as the left side of each such
//! join. The tests below fail without it, and pass without it once the engine is mended.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use datafusion::{
    common::{
        config::ConfigOptions,
        internal_datafusion_err,
        tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion},
    },
    error::Result,
    execution::TaskContext,
    physical_expr::PhysicalExpr,
    physical_optimizer::PhysicalOptimizerRule,
    physical_plan::{
        DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, SendableRecordBatchStream,
        execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions, reset_plan_states},
        joins::NestedLoopJoinExec,
    },
};

/// The rule in which joins and sorts promise their scans to tell what they find, which would be wrong for a second begin.
const PROMISES: &str = "FilterPushdown(Post)";

const ANEW: ReplaceChildrenOptions = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);

/// Puts the rule of this module among those of the engine, before promises are made.
pub(super) fn add_to(rules: &mut Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>>) {
    let place = rules.iter().rposition(|rule| rule.name() == PROMISES).unwrap_or(rules.len());
    rules.insert(place, Arc::new(BeginAgainRule));
}

/// Puts a [`BeginAgain`] above the left side of each join without equal columns.
#[derive(Debug)]
struct BeginAgainRule;

impl PhysicalOptimizerRule for BeginAgainRule {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            let Some(join) = node.downcast_ref::<NestedLoopJoinExec>() else { return Ok(Transformed::no(node)) };
            let left: Arc<dyn ExecutionPlan> = Arc::new(BeginAgain::new(Arc::clone(join.left())));
            let right = Arc::clone(join.right());
            Ok(Transformed::yes(node.replace_children(vec![left, right], ANEW)?))
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "begin_again"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// A plan of one partition that gives its rows as often as they are asked for.
#[derive(Debug)]
struct BeginAgain {
    /// What is run the first time, and shown.
    plan: Arc<dyn ExecutionPlan>,
    /// What every later time starts from.
    untouched: Arc<dyn ExecutionPlan>,
    is_begun: AtomicBool,
}

impl BeginAgain {
    fn new(plan: Arc<dyn ExecutionPlan>) -> Self {
        Self { untouched: Arc::clone(&plan), plan, is_begun: AtomicBool::new(false) }
    }
}

impl DisplayAs for BeginAgain {
    fn fmt_as(&self, form: DisplayFormatType, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match form {
            // Beside the name, of which there is nothing to be said.
            DisplayFormatType::TreeRender => Ok(()),
            DisplayFormatType::Default | DisplayFormatType::Verbose => formatter.write_str(self.name()),
        }
    }
}

impl ExecutionPlan for BeginAgain {
    fn name(&self) -> &'static str {
        "BeginAgainExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.plan.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.plan]
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let [plan] = <[_; 1]>::try_from(children).map_err(|_| internal_datafusion_err!("one plan is begun again"))?;
        Ok(Arc::new(Self { plan, untouched: Arc::clone(&self.untouched), is_begun: AtomicBool::new(false) }))
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ANEW)
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        match self.is_begun.swap(true, Ordering::Relaxed) {
            false => self.plan.execute(partition, context),
            true => reset_plan_states(Arc::clone(&self.untouched))?.execute(partition, context),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use arrow::{array::AsArray, datatypes::Int64Type};
    use datafusion::physical_plan::displayable;

    use crate::engine::scarcity::tests::narrow_session;

    /// Joins 140,000 rows, which do not fit, with 50.
    const JOIN: &str = "SELECT count(*) AS pairs
        FROM (SELECT * FROM (SELECT * FROM a.one LIMIT 140000) AS first WHERE text < 'z') AS one
        JOIN (SELECT * FROM a.other WHERE text < 'y000050') AS other
            ON one.k > other.k + 139000 AND one.text < other.text";

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_left_side_behind_exchanges_that_does_not_fit_is_begun_again() {
        let session = narrow_session();
        let plan = session.sql(JOIN).await.unwrap().create_physical_plan().await.unwrap();
        let shown = displayable(plan.as_ref()).indent(false).to_string();
        let (_, left) = shown.split_once("BeginAgainExec").unwrap();
        assert!(left.contains("RepartitionExec"), "{shown}");
        let rows = datafusion::physical_plan::collect(plan, session.task_ctx()).await.unwrap();
        // Of each of the 50, those with a key greater by 139,001 or more: 999, 998 …
        assert_eq!(rows[0].column(0).as_primitive::<Int64Type>().value(0), 50 * 999 - 49 * 50 / 2);
    }
}
