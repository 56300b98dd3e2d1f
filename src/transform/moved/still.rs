//! A moved run date that no row notices: wherever the plans of two days differ, each row that comes there gives the same.
//!
//! In: the optimized plans of both days, over a model's inputs as they are now. Out: whether both give the same table; of plans
//! narrowed to a partition with a placeholder for its value, for which values they give the same partition. It is asked of the
//! very rows that come to a place, whatever tables they are joined from, so it costs a part of what building the model costs,
//! and is asked last.

use std::sync::Arc;

use datafusion::{
    arrow::{array::RecordBatch, datatypes::DataType},
    common::{ScalarValue, tree_node::TreeNode},
    error::Result,
    logical_expr::{
        Expr, ExprSchemable, Join, JoinType, LogicalPlan, LogicalPlanBuilder, Operator, binary_expr, lit,
        utils::{conjunction, split_conjunction},
    },
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
    transform::narrow::{self, holds_placeholder},
};

/// Returns where two plans give the same rows if no row notices; None where they differ in what rows do not tell, or in what
/// every row notices.
pub(super) fn places(before: &LogicalPlan, now: &LogicalPlan, catalog: &Catalog) -> Option<Places> {
    let mut places = Places(Vec::new());
    alike::masked(before, now, catalog, &mut places)?;
    (!places.0.iter().any(Place::differs_for_any)).then_some(places)
}

/// An expression that is another one on another day, and the rows over which it is evaluated.
#[derive(PartialEq)]
struct Place {
    rows: LogicalPlan,
    before: Expr,
    now: Expr,
}

/// All of them, those of inputs before those of what reads them.
pub(super) struct Places(Vec<Place>);

impl Places {
    /// Returns whether no row of a session's tables notices the other day.
    pub async fn are_still(&self, session: &SessionContext) -> bool {
        for place in &self.0 {
            if place.is_noticed(place.rows.clone(), session).await {
                return false;
            }
        }
        true
    }

    /// Returns for each of the values of the plans' placeholders whether a row of its partition notices.
    pub async fn noticed(&self, outputs: &RecordBatch, session: &SessionContext) -> Vec<bool> {
        let mut noticed = vec![false; outputs.num_rows()];
        for place in &self.0 {
            // Where no partition is told from another, one answer is that of all.
            let is_told_apart = narrow::is_narrowed(&place.rows);
            if !is_told_apart && place.is_noticed(place.rows.clone(), session).await {
                return vec![true; outputs.num_rows()];
            }
            for (output, noticed) in noticed.iter_mut().enumerate().filter(|(_, noticed)| is_told_apart && !**noticed) {
                *noticed = match narrow::of_partition(&place.rows, outputs, output) {
                    Some(rows) => place.is_noticed(rows, session).await,
                    None => true,
                };
            }
        }
        noticed
    }
}

impl Marks for Places {
    const LARGEST: bool = true;

    fn mark(&mut self, before: &Expr, now: &Expr, at: Both<'_>) -> Option<DataType> {
        if !is_of_a_row(before) || !is_of_a_row(now) {
            return None;
        }
        let (rows_before, rows) = (rows(at.0, at.1)?, rows(at.1, at.0)?);
        let before = defined(before.clone(), rows_before.schema(), |index| column(&rows, index))?;
        let data_type = now.get_type(rows.schema()).ok()?;
        if before.get_type(rows.schema()).ok()? != data_type {
            return None;
        }
        let place = Place { rows, before, now: now.clone() };
        // Names tell what columns are made of, so that those of a lower place differ where nothing else does. A common table
        // expression stands in the plan as often as it is named.
        if place.before != place.now && !self.0.contains(&place) {
            self.0.push(place);
        }
        Some(data_type)
    }

    fn noted(&self) -> usize {
        self.0.len()
    }

    fn forget_after(&mut self, first: usize) {
        self.0.truncate(first);
    }
}

/// Returns the rows over which a node evaluates its expressions, where each is evaluated alone: of a filter those that pass the
/// terms which it has on both days, as the others are dropped on both.
fn rows(node: &LogicalPlan, other: &LogicalPlan) -> Option<LogicalPlan> {
    match (node, other) {
        (LogicalPlan::TableScan(scan), LogicalPlan::TableScan(other)) => {
            let rows = LogicalPlanBuilder::scan(scan.table_name.clone(), Arc::clone(&scan.source), None).ok()?;
            let mut both = scan.filters.iter().filter(|term| other.filters.contains(term)).cloned();
            both.try_fold(rows, LogicalPlanBuilder::filter).and_then(LogicalPlanBuilder::build).ok()
        }
        (LogicalPlan::Filter(filter), LogicalPlan::Filter(other)) => {
            let rows = LogicalPlanBuilder::from(filter.input.as_ref().clone());
            let mut both = terms_of_both(&filter.predicate, &other.predicate);
            both.try_fold(rows, LogicalPlanBuilder::filter).and_then(LogicalPlanBuilder::build).ok()
        }
        (LogicalPlan::Join(join), LogicalPlan::Join(other)) => pairs(join, other),
        (LogicalPlan::Projection(_) | LogicalPlan::Aggregate(_) | LogicalPlan::Window(_) | LogicalPlan::Sort(_), _) => {
            node.inputs().first().map(|input| (*input).clone())
        }
        _ => None,
    }
}

/// Returns the pairs of rows of which a join asks its filter. Which of them match decides about a join of any type, but for one
/// that looks at NULL keys besides.
fn pairs(join: &Join, other: &Join) -> Option<LogicalPlan> {
    let (filter, of_other) = (join.filter.as_ref()?, other.filter.as_ref()?);
    if join.null_aware || join.on != other.on {
        return None;
    }
    let (left, right, on) = (Arc::clone(&join.left), Arc::clone(&join.right), join.on.clone());
    let both = conjunction(terms_of_both(filter, of_other).collect::<Vec<_>>());
    let (constraint, nulls) = (join.join_constraint, join.null_equality);
    Join::try_new(left, right, on, both, JoinType::Inner, constraint, nulls, false).ok().map(LogicalPlan::Join)
}

fn terms_of_both<'a>(own: &'a Expr, other: &Expr) -> impl Iterator<Item = Expr> + use<'a> {
    let others: Vec<Expr> = split_conjunction(other).into_iter().cloned().collect();
    split_conjunction(own).into_iter().filter(move |term| others.contains(term)).cloned()
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

    /// Returns whether the expression is another one for one of some rows; what cannot be answered may be a difference.
    async fn is_noticed(&self, rows: LogicalPlan, session: &SessionContext) -> bool {
        Box::pin(self.holds_a_difference(rows, session)).await.unwrap_or(true)
    }

    async fn holds_a_difference(&self, rows: LogicalPlan, session: &SessionContext) -> Result<bool> {
        let differs = binary_expr(self.before.clone(), Operator::IsDistinctFrom, self.now.clone());
        let found = LogicalPlanBuilder::from(rows).filter(differs)?.project([lit(true)])?.limit(0, Some(1))?;
        let batches = session.execute_logical_plan(found.build()?).await?.collect().await?;
        Ok(batches.iter().any(|batch| batch.num_rows() > 0))
    }
}

const fn lit_of(value: ScalarValue) -> Expr {
    Expr::Literal(value, None)
}
