//! Which parts of a plan stand in it more than once.
//!
//! A part is what a name of the query stands for: a CTE or a view. Two places have the same part if their plans are equal,
//! whatever they call it. In: an analyzed plan. Out: its innermost repeated part, or the plan with a table in its places.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::{
    common::{
        TableReference,
        tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    },
    error::Result,
    logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, SubqueryAlias, TableSource},
};

/// A part that stands in a plan more than once.
pub(super) struct Repeated {
    /// What the query calls it where it stands first.
    pub name: String,
    /// What it stands for.
    pub part: Arc<LogicalPlan>,
}

/// Returns the smallest of the repeated parts, which has no other one within. What stands within a part counts once, however
/// often the part does.
pub(super) fn innermost(plan: &LogicalPlan) -> Result<Option<Repeated>> {
    let mut places: Vec<(Repeated, usize)> = Vec::new();
    plan.apply_with_subqueries(|node| {
        let Some(alias) = named(node).filter(|alias| is_worth_keeping(&alias.input)) else {
            return Ok(TreeNodeRecursion::Continue);
        };
        if let Some((_, count)) = places.iter_mut().find(|(known, _)| known.part == alias.input) {
            *count += 1;
            return Ok(TreeNodeRecursion::Jump);
        }
        places.push((Repeated { name: alias.alias.table().to_owned(), part: Arc::clone(&alias.input) }, 1));
        Ok(TreeNodeRecursion::Continue)
    })?;
    let repeated = places.into_iter().filter(|(_, count)| *count > 1).map(|(repeated, _)| repeated);
    Ok(repeated.min_by_key(|repeated| size(&repeated.part)))
}

/// Returns the plan with a table in every place of a part.
pub(super) fn replaced(
    plan: LogicalPlan,
    part: &Arc<LogicalPlan>,
    name: &str,
    table: &Arc<dyn TableSource>,
) -> Result<LogicalPlan> {
    let scan = LogicalPlanBuilder::scan(TableReference::bare(name), Arc::clone(table), None)?.build()?;
    let plan = plan.transform_down_with_subqueries(|node| match named(&node) {
        Some(alias) if alias.input == *part => {
            let alias = SubqueryAlias::try_new(Arc::new(scan.clone()), alias.alias.clone())?;
            Ok(Transformed::new(LogicalPlan::SubqueryAlias(alias), true, TreeNodeRecursion::Jump))
        }
        _ => Ok(Transformed::no(node)),
    })?;
    Ok(plan.data)
}

/// Returns a name with what it stands for; where a name stands for a name, only the innermost counts.
fn named(node: &LogicalPlan) -> Option<&SubqueryAlias> {
    match node {
        LogicalPlan::SubqueryAlias(alias) if !matches!(*alias.input, LogicalPlan::SubqueryAlias(_)) => Some(alias),
        _ => None,
    }
}

/// Returns whether a part costs enough to be kept, gives the same rows in every place, and has columns that a file can hold.
fn is_worth_keeping(part: &LogicalPlan) -> bool {
    let is_costly = |node: &LogicalPlan| {
        matches!(node, LogicalPlan::Aggregate(_) | LogicalPlan::Window(_) | LogicalPlan::Distinct(_))
    };
    let depends_on_its_place = |node: &LogicalPlan| node.expressions().iter().any(Expr::is_volatile);
    let fits = |data_type: &DataType| !matches!(data_type, DataType::Interval(_) | DataType::Null);
    part.schema().fields().iter().all(|field| fits(field.data_type()))
        && part.exists(|node| Ok(is_costly(node))).unwrap_or(false)
        && !part.exists(|node| Ok(depends_on_its_place(node))).unwrap_or(true)
        && part.all_out_ref_exprs().is_empty()
}

/// Returns the operators of a plan, those of subqueries included.
fn size(plan: &LogicalPlan) -> usize {
    let mut count = 0;
    // Counting cannot fail.
    let _ = plan.apply_with_subqueries(|_| {
        count += 1;
        Ok(TreeNodeRecursion::Continue)
    });
    count
}
