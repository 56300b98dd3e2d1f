//! Two plans of one statement, for two run dates: alike but for predicates that rows of single tables decide.
//!
//! Both are walked in step. Where expressions differ, the smallest predicates around the difference are traced to the table
//! that decides them, and a placeholder takes their place. What is left must have the same normal form.

use std::sync::Arc;

use datafusion::{
    arrow::datatypes::{DataType, Field},
    common::tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    error::{DataFusionError, Result},
    logical_expr::{Expr, LogicalPlan, Operator, Subquery, TableScan, expr::Placeholder},
};

use super::trace::{Traced, trace};
use crate::{
    engine::{Catalog, table},
    record::PartitionValues,
    transform::{depend, normal},
};

/// A predicate that is another one on another run date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Crossing {
    /// The scan whose rows decide it: its index in [`depend::scans`].
    pub scan: usize,
    /// The predicate on the earlier run, over the table's columns.
    pub before: Expr,
    /// The predicate now.
    pub now: Expr,
}

/// What two plans have in common, and what not.
#[derive(Debug)]
pub(super) struct Alike {
    /// The plan of now, with a placeholder in place of each crossing: a filter made of one restricts nothing.
    pub plan: LogicalPlan,
    /// Where they differ.
    pub crossings: Vec<Crossing>,
}

/// Compares two optimized plans; None where something differs that no table's rows decide.
///
/// # Errors
/// When a plan reads what is no table of a snapshot.
pub(super) fn alike(before: &LogicalPlan, now: &LogicalPlan, catalog: &Catalog) -> Result<Option<Alike>> {
    let places = |plan| Ok::<_, DataFusionError>(scans(plan)?.into_iter().map(|(place, _)| place).collect());
    let mut traces = Traces { scans: [places(before)?, places(now)?], crossings: Vec::new() };
    let Some(plan) = masked(before, now, catalog, &mut traces) else { return Ok(None) };
    let mut crossings = traces.crossings;
    // A filter stands above its scan and in it.
    crossings.dedup();
    Ok(Some(Alike { plan, crossings }))
}

/// Returns the plan of now with placeholders where it differs from the one before; None where `marks` cannot tell what a
/// difference makes.
pub(super) fn masked(
    before: &LogicalPlan,
    now: &LogicalPlan,
    catalog: &Catalog,
    marks: &mut impl Marks,
) -> Option<LogicalPlan> {
    let (masked_before, masked_now) = Pairing { marks }.nodes(before, now)?;
    let hashes = [&masked_before, &masked_now].map(|plan| normal::hash(plan, catalog));
    (hashes[0].is_some() && hashes[0] == hashes[1]).then_some(masked_now)
}

/// Who says for which differing expressions a placeholder may stand.
pub(super) trait Marks {
    /// Whether the largest expression around a difference is asked about first; else the smallest.
    const LARGEST: bool;

    /// Notes two expressions that differ, of nodes that are otherwise alike, and returns their type; None where nothing can
    /// be told of them.
    fn mark(&mut self, before: &Expr, now: &Expr, at: Both<'_>) -> Option<DataType>;

    /// Returns how many were noted.
    fn noted(&self) -> usize;

    /// Forgets those after the first ones.
    fn forget_after(&mut self, first: usize);
}

/// The address of a scan: plans share their parts, so that it is the same one however one comes to it.
pub(super) type Identity = usize;

fn identity(scan: &TableScan) -> Identity {
    std::ptr::from_ref(scan).addr()
}

/// Returns the scans of a plan as [`depend::scans`] orders them.
pub(super) fn scans(plan: &LogicalPlan) -> Result<Vec<(Identity, TableScan)>> {
    let mut found = Vec::new();
    if let LogicalPlan::TableScan(scan) = plan
        && depend::is_table(scan)?
    {
        found.push((identity(scan), scan.clone()));
    }
    plan.apply_subqueries(|subquery| {
        found.extend(scans(subquery)?);
        Ok(TreeNodeRecursion::Continue)
    })?;
    for input in plan.inputs() {
        found.extend(scans(input)?);
    }
    Ok(found)
}

/// The plans before and now.
pub(super) type Both<'a> = (&'a LogicalPlan, &'a LogicalPlan);

struct Pairing<'m, M> {
    marks: &'m mut M,
}

impl<M: Marks> Pairing<'_, M> {
    /// Returns both plans with placeholders in place of crossings.
    fn nodes(&mut self, before: &LogicalPlan, now: &LogicalPlan) -> Option<(LogicalPlan, LogicalPlan)> {
        let (below_before, below_now) = (before.inputs(), now.inputs());
        let (own_before, own_now) = (before.expressions(), now.expressions());
        if below_before.len() != below_now.len() || own_before.len() != own_now.len() {
            return None;
        }
        let below = below_before.into_iter().zip(below_now).map(|(one, other)| self.nodes(one, other));
        let (below_before, below_now): (Vec<_>, Vec<_>) = below.collect::<Option<Vec<_>>>()?.into_iter().unzip();
        let own = own_before.iter().zip(&own_now).map(|(one, other)| self.pair(one, other, (before, now)));
        let (own_before, own_now): (Vec<_>, Vec<_>) = own.collect::<Option<Vec<_>>>()?.into_iter().unzip();
        Some((with(before, own_before, below_before)?, with(now, own_now, below_now)?))
    }

    /// Returns two expressions with placeholders in place of what differs.
    fn pair(&mut self, before: &Expr, now: &Expr, at: Both<'_>) -> Option<(Expr, Expr)> {
        if is_same(before, now, at) {
            return Some((before.clone(), now.clone()));
        }
        if M::LARGEST {
            return self.mark(before, now, at).or_else(|| self.parts(before, now, at));
        }
        let known = self.marks.noted();
        self.parts(before, now, at).or_else(|| {
            self.marks.forget_after(known);
            self.mark(before, now, at)
        })
    }

    fn mark(&mut self, before: &Expr, now: &Expr, at: Both<'_>) -> Option<(Expr, Expr)> {
        let data_type = self.marks.mark(before, now, at)?;
        let field = Field::new(format!("$crossing_{}", self.marks.noted()), data_type, true);
        let mark = Expr::Placeholder(Placeholder::new_with_field(field.name().clone(), Some(field.into())));
        Some((mark.clone(), mark))
    }

    fn parts(&mut self, before: &Expr, now: &Expr, at: Both<'_>) -> Option<(Expr, Expr)> {
        if let (Expr::ScalarSubquery(one), Expr::ScalarSubquery(other)) = (before, now) {
            let (one, other) = self.subqueries(one, other)?;
            return Some((Expr::ScalarSubquery(one), Expr::ScalarSubquery(other)));
        }
        let (parts_before, parts_now) = (parts(before), parts(now));
        if parts_before.len() != parts_now.len() || parts_before.is_empty() {
            return None;
        }
        let pairs = parts_before.iter().zip(&parts_now).map(|(one, other)| self.pair(one, other, at));
        let (parts_before, parts_now): (Vec<_>, Vec<_>) = pairs.collect::<Option<Vec<_>>>()?.into_iter().unzip();
        Some((with_parts(before, parts_before)?, with_parts(now, parts_now)?))
    }

    fn subqueries(&mut self, before: &Subquery, now: &Subquery) -> Option<(Subquery, Subquery)> {
        let (plan_before, plan_now) = self.nodes(&before.subquery, &now.subquery)?;
        Some((before.with_plan(Arc::new(plan_before)), now.with_plan(Arc::new(plan_now))))
    }
}

/// Marks the smallest predicates that a single table decides.
struct Traces {
    scans: [Vec<Identity>; 2],
    crossings: Vec<Crossing>,
}

impl Marks for Traces {
    const LARGEST: bool = false;

    fn mark(&mut self, before: &Expr, now: &Expr, at: Both<'_>) -> Option<DataType> {
        if !is_predicate(before) || !is_predicate(now) {
            return None;
        }
        let (one, other) = (trace(before, at.0)?, trace(now, at.1)?);
        let scan = place(&self.scans[0], &one)?;
        if place(&self.scans[1], &other)? != scan || !is_same_of_nulls(&one, &other) {
            return None;
        }
        self.crossings.push(Crossing { scan, before: one.expr, now: other.expr });
        Some(DataType::Boolean)
    }

    fn noted(&self) -> usize {
        self.crossings.len()
    }

    fn forget_after(&mut self, first: usize) {
        self.crossings.truncate(first);
    }
}

/// Returns whether two expressions are the same; columns are their positions, since names tell what they are made of.
fn is_same(before: &Expr, now: &Expr, at: Both<'_>) -> bool {
    let (Expr::Column(one), Expr::Column(other)) = (before, now) else { return before == now };
    let position = |plan: &LogicalPlan, column| {
        let inputs = plan.inputs();
        let mut found = inputs.iter().enumerate();
        found.find_map(|(nth, input)| Some((nth, input.schema().maybe_index_of_column(column)?)))
    };
    match (position(at.0, one), position(at.1, other)) {
        (None, None) => one == other,
        (one, other) => one == other,
    }
}

fn is_predicate(expr: &Expr) -> bool {
    match expr {
        Expr::BinaryExpr(binary) => {
            binary.op.supports_propagation() || matches!(binary.op, Operator::And | Operator::Or | Operator::NotEq)
        }
        Expr::Not(_) | Expr::Between(_) | Expr::InList(_) | Expr::IsTrue(_) | Expr::IsNotTrue(_) => true,
        _ => false,
    }
}

/// Returns the index of the traced scan.
fn place(scans: &[Identity], traced: &Traced<'_>) -> Option<usize> {
    scans.iter().position(|scan| *scan == identity(traced.scan))
}

/// Returns whether both are the same where an outer join has no row to put in place of the table's.
fn is_same_of_nulls(before: &Traced<'_>, now: &Traced<'_>) -> bool {
    let value = |expr: &Expr| {
        let row = table::values_batch(Vec::new(), &[&PartitionValues::default()]).ok()?;
        table::evaluate(expr, &row).ok()
    };
    let same = |(one, other): (&Expr, &Expr)| value(one).is_some_and(|one| Some(one) == value(other));
    before.of_nulls.len() == now.of_nulls.len() && before.of_nulls.iter().zip(&now.of_nulls).all(same)
}

fn parts(expr: &Expr) -> Vec<Expr> {
    let mut parts = Vec::new();
    let _ = expr.apply_children(|part| {
        parts.push(part.clone());
        Ok(TreeNodeRecursion::Continue)
    });
    parts
}

fn with_parts(expr: &Expr, parts: Vec<Expr>) -> Option<Expr> {
    let mut parts = parts.into_iter();
    let next = |part: Expr| Ok(parts.next().map_or_else(|| Transformed::no(part), Transformed::yes));
    expr.clone().map_children(next).ok().map(|whole| whole.data)
}

fn with(node: &LogicalPlan, own: Vec<Expr>, below: Vec<LogicalPlan>) -> Option<LogicalPlan> {
    let (mut own, mut below) = (own.into_iter(), below.into_iter());
    let next = |expr: Expr| Ok(own.next().map_or_else(|| Transformed::no(expr), Transformed::yes));
    let node = node.clone().map_expressions(next).ok()?.data;
    let next = |input: LogicalPlan| Ok(below.next().map_or_else(|| Transformed::no(input), Transformed::yes));
    node.map_children(next).ok().map(|node| node.data)
}
