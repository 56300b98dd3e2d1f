//! Windows over partitions of few rows, computed for many partitions at once.
//!
//! ```text
//!  sorted rows ──► whole partitions, many together ──► keys and arguments as columns, once ──► one pass for each window
//!        └── a partition for which there is no memory, and all behind it ──► the engine's node
//! ```
//!
//! DataFusion 55.2 keeps a state for each partition, looks it up by its values and makes arrays of its few rows: a window over the
//! stages of an order costs many times what sorting them does. In: a physical plan. Out: the same plan, in which windows of the
//! usual functions over sorted partitions are nodes of this module ([`column`] says which); all others stay. The rows, their order
//! and their values are the same.

mod column;
mod rest;
mod stream;

use std::{fmt, sync::Arc};

use datafusion::{
    common::{
        config::ConfigOptions,
        internal_datafusion_err,
        tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion},
    },
    error::Result,
    execution::TaskContext,
    physical_expr::OrderingRequirements,
    physical_expr::PhysicalExpr,
    physical_optimizer::PhysicalOptimizerRule,
    physical_plan::{
        DisplayAs, DisplayFormatType, Distribution, ExecutionPlan, InputDistributionRequirements, InputOrderMode,
        PlanProperties, SendableRecordBatchStream, WindowExpr,
        execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions},
        metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet},
        statistics::StatisticsArgs,
        windows::{BoundedWindowAggExec, WindowAggExec},
    },
};

use self::{
    column::WindowColumn,
    rest::Rest,
    stream::{Engines, Windows},
};

const ANEW: ReplaceChildrenOptions = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
const ALIKE: ReplaceChildrenOptions = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Keep);

/// Puts the rule of this module behind those of the engine.
pub(super) fn add_to(rules: &mut Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>>) {
    rules.push(Arc::new(ManyAtOnce));
}

/// Replaces the engine's nodes by those of this module.
#[derive(Debug)]
struct ManyAtOnce;

impl PhysicalOptimizerRule for ManyAtOnce {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| match PartitionWindows::instead_of(&node) {
            Some(windows) => Ok(Transformed::yes(Arc::new(windows) as Arc<dyn ExecutionPlan>)),
            None => Ok(Transformed::no(node)),
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "windows_over_many_partitions_at_once"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Returns the windows of a node whose rows come sorted by partition.
fn windows_of(node: &dyn ExecutionPlan) -> Option<&[Arc<dyn WindowExpr>]> {
    if let Some(bounded) = node.downcast_ref::<BoundedWindowAggExec>() {
        return (bounded.input_order_mode == InputOrderMode::Sorted).then(|| bounded.window_expr());
    }
    node.downcast_ref::<WindowAggExec>().map(WindowAggExec::window_expr)
}

/// Windows over sorted partitions.
#[derive(Debug)]
struct PartitionWindows {
    /// The engine's node, which knows everything but how to do it fast.
    plan: Arc<dyn ExecutionPlan>,
    columns: Arc<[WindowColumn]>,
    metrics: ExecutionPlanMetricsSet,
}

impl PartitionWindows {
    /// Returns what takes the place of a node, if all of its windows can be computed here.
    fn instead_of(node: &Arc<dyn ExecutionPlan>) -> Option<Self> {
        let windows = windows_of(node.as_ref())?;
        let first = windows.first()?;
        let is_alike = |window: &Arc<dyn WindowExpr>| {
            window.partition_by() == first.partition_by() && window.order_by() == first.order_by()
        };
        // Without partitions all rows would have to be held.
        if first.partition_by().is_empty() || !windows.iter().all(is_alike) {
            return None;
        }
        let rows = (*node.children().first()?).schema();
        let columns = windows.iter().map(|window| WindowColumn::new(window, &rows)).collect::<Option<_>>()?;
        Some(Self { plan: Arc::clone(node), columns, metrics: ExecutionPlanMetricsSet::new() })
    }
}

impl DisplayAs for PartitionWindows {
    fn fmt_as(&self, form: DisplayFormatType, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let windows = windows_of(self.plan.as_ref()).unwrap_or_default();
        let names: Vec<&str> = windows.iter().map(|window| window.name()).collect();
        match form {
            DisplayFormatType::TreeRender => writeln!(formatter, "select_list={}", names.join(", ")),
            DisplayFormatType::Default | DisplayFormatType::Verbose => {
                write!(formatter, "{}: wdw=[{}]", self.name(), names.join(", "))
            }
        }
    }
}

impl ExecutionPlan for PartitionWindows {
    fn name(&self) -> &'static str {
        "PartitionWindowsExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.plan.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.plan.children()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn required_input_ordering(&self) -> Vec<Option<OrderingRequirements>> {
        self.plan.required_input_ordering()
    }

    fn required_input_distribution(&self) -> Vec<Distribution> {
        self.input_distribution_requirements().into_per_child()
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        self.plan.input_distribution_requirements()
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let plan = Arc::clone(&self.plan).replace_children(children, options)?;
        let columns = Arc::clone(&self.columns);
        Ok(Arc::new(Self { plan, columns, metrics: ExecutionPlanMetricsSet::new() }))
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ANEW)
    }

    fn apply_expressions(
        &self,
        visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.plan.apply_expressions(visit)
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let input = self.plan.children().into_iter().next();
        let input = input.ok_or_else(|| internal_datafusion_err!("windows have an input"))?;
        let rows = input.execute(partition, Arc::clone(&context))?;
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let (plan, input, memory) = (Arc::clone(&self.plan), Arc::clone(input), Arc::clone(context.memory_pool()));
        let engines: Engines = Box::new(move |rows| {
            let rest: Arc<dyn ExecutionPlan> = Arc::new(Rest::new(&input, rows));
            plan.replace_children(vec![rest], ALIKE)?.execute(partition, context)
        });
        Ok(Box::pin(Windows::new(rows, self.plan.schema(), Arc::clone(&self.columns), metrics, &memory, engines)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn statistics_from_inputs(
        &self,
        inputs: &[Arc<datafusion::common::Statistics>],
        arguments: &StatisticsArgs,
    ) -> Result<Arc<datafusion::common::Statistics>> {
        self.plan.statistics_from_inputs(inputs, arguments)
    }
}

#[cfg(test)]
mod tests;
