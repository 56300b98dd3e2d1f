//! From an expression somewhere in a plan back to the table whose rows decide it.
//!
//! In: an expression over what a node reads. Out: the scan that alone decides it, and the same expression over the columns of
//! that table. None where two tables, an aggregate or a window have a say.

use datafusion::{
    common::{
        DFSchema, JoinSide, JoinType, ScalarValue, exec_err,
        tree_node::{Transformed, TreeNode},
    },
    logical_expr::{Distinct, Expr, Join, LogicalPlan, TableScan, Unnest},
};

use crate::{engine::table::is_closed, transform::narrow::holds_placeholder};

/// An expression over the columns of one table.
#[derive(Debug)]
pub(super) struct Traced<'a> {
    /// The scan of the table.
    pub scan: &'a TableScan,
    /// The expression over its columns.
    pub expr: Expr,
    /// What the expression was at each join on the way, with NULL for its columns: an outer join may put that in its place.
    pub of_nulls: Vec<Expr>,
}

/// Traces an expression of a node.
pub(super) fn trace<'a>(expr: &Expr, node: &'a LogicalPlan) -> Option<Traced<'a>> {
    if let LogicalPlan::TableScan(scan) = node {
        return found(expr.clone(), scan, Vec::new());
    }
    let columns = expr.column_refs();
    let has_all = |input: &&LogicalPlan| columns.iter().all(|column| input.schema().has_column(column));
    let input = node.inputs().into_iter().find(has_all)?;
    below(expr.clone(), input, Vec::new())
}

/// Traces an expression over the output of a plan.
fn below(expr: Expr, plan: &LogicalPlan, mut of_nulls: Vec<Expr>) -> Option<Traced<'_>> {
    match plan {
        LogicalPlan::TableScan(scan) => found(expr, scan, of_nulls),
        LogicalPlan::Filter(filter) => below(expr, &filter.input, of_nulls),
        LogicalPlan::Sort(sort) => below(expr, &sort.input, of_nulls),
        LogicalPlan::Limit(limit) => below(expr, &limit.input, of_nulls),
        LogicalPlan::Distinct(Distinct::All(input)) => below(expr, input, of_nulls),
        LogicalPlan::SubqueryAlias(alias) => {
            let expr = defined(expr, &alias.schema, |index| column(&alias.input, index))?;
            below(expr, &alias.input, of_nulls)
        }
        LogicalPlan::Projection(projection) => {
            let expr = defined(expr, &projection.schema, |index| projection.expr.get(index).cloned())?;
            below(expr, &projection.input, of_nulls)
        }
        LogicalPlan::Aggregate(aggregate) => {
            let is_set = |expr: &Expr| matches!(expr, Expr::GroupingSet(_));
            let groups = (!aggregate.group_expr.iter().any(is_set)).then_some(&aggregate.group_expr)?;
            let expr = defined(expr, &aggregate.schema, |index| groups.get(index).cloned())?;
            below(expr, &aggregate.input, of_nulls)
        }
        LogicalPlan::Window(window) => {
            let expr = defined(expr, &window.schema, |index| column(&window.input, index))?;
            below(expr, &window.input, of_nulls)
        }
        LogicalPlan::Unnest(unnest) => {
            let expr = defined(expr, &unnest.schema, |index| untouched(unnest, index))?;
            below(expr, &unnest.input, of_nulls)
        }
        LogicalPlan::Join(join) => {
            of_nulls.push(with_nulls(expr.clone(), &join.schema)?);
            let (side, expr) = one_side(expr, join)?;
            below(expr, if side == JoinSide::Left { &join.left } else { &join.right }, of_nulls)
        }
        _ => None,
    }
}

fn found(expr: Expr, scan: &TableScan, of_nulls: Vec<Expr>) -> Option<Traced<'_>> {
    let is_decided = is_closed(&expr) && !expr.column_refs().is_empty() && !holds_placeholder(&expr);
    is_decided.then_some(Traced { scan, expr, of_nulls })
}

/// Puts what defines them in the place of an expression's columns; None where one has no definition that a row decides.
pub(super) fn defined(expr: Expr, schema: &DFSchema, definition: impl Fn(usize) -> Option<Expr>) -> Option<Expr> {
    let replace = |inner: Expr| {
        let Expr::Column(column) = &inner else { return Ok(Transformed::no(inner)) };
        let definition = schema.maybe_index_of_column(column).and_then(&definition);
        let Some(definition) = definition.filter(is_closed) else { return exec_err!("no row decides `{column}`") };
        Ok(Transformed::yes(definition.unalias_nested().data))
    };
    // From the leaves up: what was put in is not looked at again.
    expr.transform_up(replace).ok().map(|replaced| replaced.data)
}

pub(super) fn column(plan: &LogicalPlan, index: usize) -> Option<Expr> {
    let schema = plan.schema();
    (index < schema.fields().len()).then(|| Expr::Column(schema.columns()[index].clone()))
}

/// Returns the column that an unnested row has as it was.
fn untouched(unnest: &Unnest, index: usize) -> Option<Expr> {
    let &input = unnest.dependency_indices.get(index)?;
    let is_list = unnest.list_type_columns.iter().any(|(list, _)| *list == input);
    if is_list || unnest.struct_type_columns.contains(&input) { None } else { column(&unnest.input, input) }
}

fn with_nulls(expr: Expr, schema: &DFSchema) -> Option<Expr> {
    let null = |index: usize| Some(Expr::Literal(ScalarValue::try_from(schema.field(index).data_type()).ok()?, None));
    defined(expr, schema, null)
}

/// Returns the side of a join of which all columns of an expression are, and the expression over that side.
fn one_side(expr: Expr, join: &Join) -> Option<(JoinSide, Expr)> {
    let left = join.left.schema().fields().len();
    let side = |index: usize| match join.join_type {
        JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full if index < left => (JoinSide::Left, index),
        JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full => (JoinSide::Right, index - left),
        JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => (JoinSide::Left, index),
        JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => (JoinSide::Right, index),
    };
    let indices = expr.column_refs().into_iter().map(|column| join.schema.maybe_index_of_column(column));
    let mut sides = indices.map(|index| index.map(|index| side(index).0)).collect::<Option<Vec<_>>>()?;
    sides.dedup();
    let [one] = sides[..] else { return None };
    let input = if one == JoinSide::Left { &join.left } else { &join.right };
    // The mark of a mark join lies behind the columns of its side, where `column` finds nothing.
    let expr = defined(expr, &join.schema, |index| column(input, side(index).1))?;
    Some((one, expr))
}
