//! Unsound rules, each a lie about the inputs or the plan that is told to the proof and to nobody else.
//!
//! The code that ships knows nothing of them: a fault gives `decide` another catalog, or a session that rewrites plans
//! before they are optimized, and then lets the same code decide.

use std::sync::Arc;

use datafusion::{
    common::{
        Result, ScalarValue,
        config::ConfigOptions,
        tree_node::{Transformed, TransformedResult, TreeNode},
    },
    logical_expr::{
        Expr, Filter, JoinType, LogicalPlan, LogicalPlanBuilder, Operator, Union, cast, lit,
        utils::{conjunction, split_conjunction},
    },
    optimizer::AnalyzerRule,
    prelude::SessionContext,
};

use crate::{
    engine::{Catalog, Engine, catalog},
    record::manifest::Partition,
};

/// One unsound rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A filter passes every window, whatever it is partitioned by.
    WindowKeysDropped,
    /// A filter passes a limit.
    LimitPassed,
    /// What the right side of a left join holds restricts the left one.
    LeftJoinTakenForInner,
    /// The same on both sides.
    FullJoinTakenForInner,
    /// Only the first branch of a union counts.
    UnionFirstBranch,
    /// The tables of subqueries do not count.
    SubqueryForgotten,
    /// Columns that only filters read do not count.
    FilterColumnsForgotten,
    /// A function of the partition column is taken for the column.
    FunctionsTakenForMonotone,
    /// A table without partitions is taken never to change.
    DimensionForgotten,
    /// A partition that lost rows is taken for unchanged.
    DeletesForgotten,
    /// A partition that is not the latest and gained rows is taken for unchanged.
    LateRowsForgotten,
    /// A partition counts as changed when the number of its rows is another.
    RowsCountedOnly,
    /// NULL partitions are taken never to change.
    NullPartitionForgotten,
    /// The cut does not depend on the day.
    RunDateForgotten,
    /// Only partitions that exist already are built.
    NewPartitionsForgotten,
}

impl Fault {
    /// Every rule, with the seed of a case that catches it.
    pub const ALL: [(Self, u64); 15] = [
        (Self::WindowKeysDropped, 5),
        (Self::LimitPassed, 410),
        (Self::LeftJoinTakenForInner, 6),
        (Self::FullJoinTakenForInner, 50),
        (Self::UnionFirstBranch, 15),
        (Self::SubqueryForgotten, 27),
        (Self::FilterColumnsForgotten, 6),
        (Self::FunctionsTakenForMonotone, 17),
        (Self::DimensionForgotten, 33),
        (Self::DeletesForgotten, 1),
        (Self::LateRowsForgotten, 2),
        (Self::RowsCountedOnly, 5),
        (Self::NullPartitionForgotten, 26),
        (Self::RunDateForgotten, 5),
        (Self::NewPartitionsForgotten, 4),
    ];

    /// Rules by which a key is found where there is none, likewise.
    pub const OF_KEYS: [(Self, u64); 5] = [
        (Self::WindowKeysDropped, 5),
        (Self::LimitPassed, 54),
        (Self::LeftJoinTakenForInner, 230),
        (Self::UnionFirstBranch, 15),
        (Self::SubqueryForgotten, 31),
    ];

    /// Returns the session in which the proof plans.
    pub fn session(self, engine: &Engine, tables: &Catalog) -> SessionContext {
        let session = engine.session(catalog::providers(tables).unwrap()).unwrap();
        session.add_analyzer_rule(Arc::new(Lie(self)));
        session
    }

    /// Returns what the proof is told about the inputs, given what it was told before.
    pub fn told(self, now: &Catalog, before: Option<&Catalog>) -> Catalog {
        let mut told = now.clone();
        for (table, told) in &mut told {
            let known = before.and_then(|before| before.get(table));
            let known = known.map_or(&[][..], |known| &known.table.partitions);
            let is_dimension = told.table.partition_by.is_empty();
            match self {
                Self::DimensionForgotten if is_dimension => {
                    told.table.partitions.iter_mut().for_each(forget);
                }
                Self::NullPartitionForgotten => {
                    let is_null = |partition: &&mut Partition| partition.values.0.contains(&None);
                    told.table.partitions.iter_mut().filter(is_null).for_each(forget);
                }
                Self::RowsCountedOnly => told.table.partitions.iter_mut().for_each(|partition| {
                    let rows = partition.rows;
                    forget(partition);
                    partition.rows = rows;
                }),
                Self::RunDateForgotten => told.as_of = None,
                Self::DeletesForgotten if !is_dimension => {
                    let lost = |old: &&Partition, now: &[Partition]| {
                        now.iter().find(|now| now.values == old.values).is_none_or(|now| now.rows < old.rows)
                    };
                    let partitions = &mut told.table.partitions;
                    let kept: Vec<Partition> = known.iter().filter(|old| lost(old, partitions)).cloned().collect();
                    partitions.retain(|now| kept.iter().all(|old| old.values != now.values));
                    partitions.extend(kept);
                    partitions.sort_by(|one, other| one.values.cmp(&other.values));
                }
                Self::LateRowsForgotten if !is_dimension => {
                    let latest = told.table.partitions.iter().map(|partition| partition.values.clone()).max();
                    for partition in &mut told.table.partitions {
                        let old = known.iter().find(|old| old.values == partition.values);
                        if let Some(old) = old.filter(|old| old.rows < partition.rows)
                            && Some(&partition.values) != latest.as_ref()
                        {
                            *partition = old.clone();
                        }
                    }
                }
                _ => {}
            }
            let files = told.table.partitions.iter().map(|partition| crate::engine::TablePartition {
                values: partition.values.clone(),
                files: Vec::new(),
                rows: partition.rows,
            });
            let schema = datafusion::catalog::TableProvider::schema(&told.files);
            told.files = crate::engine::SnapshotTable::new(schema, told.table.partition_by.clone(), files.collect());
        }
        told
    }
}

/// Returns a session in which no row of a single partition is found when a proof asks whether one notices another day.
pub fn without_rows_of_partitions(engine: &Engine, tables: &Catalog) -> SessionContext {
    let session = engine.session(catalog::providers(tables).unwrap()).unwrap();
    session.add_analyzer_rule(Arc::new(NoRowsOfPartitions));
    session
}

/// Answers the question for a row of a partition with none.
#[derive(Debug)]
struct NoRowsOfPartitions;

impl AnalyzerRule for NoRowsOfPartitions {
    fn name(&self) -> &'static str {
        "no_rows_of_partitions"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        if !is_question(&plan) {
            return Ok(plan);
        }
        let nobody = |term: Expr| Ok(of_nobody(&term).map_or_else(|| Transformed::no(term), Transformed::yes));
        let rewrite = |node: LogicalPlan| match &node {
            LogicalPlan::Filter(_) | LogicalPlan::TableScan(_) => {
                node.map_expressions(|expr| expr.transform_up(nobody))
            }
            _ => Ok(Transformed::no(node)),
        };
        plan.transform_up_with_subqueries(rewrite).data()
    }
}

/// Returns whether a plan asks whether there is a row.
fn is_question(plan: &LogicalPlan) -> bool {
    let LogicalPlan::Limit(limit) = plan else { return false };
    matches!(limit.input.as_ref(), LogicalPlan::Projection(asked) if asked.expr == [lit(true)])
}

/// Returns what keeps no row, for a term that says that a row is of a partition, as the proof spells it. It names the column, as
/// what is known to be false of any row is no filter of a scan.
fn of_nobody(term: &Expr) -> Option<Expr> {
    let Expr::BinaryExpr(binary) = term else { return None };
    let is_partition = matches!((&*binary.left, &*binary.right), (Expr::Cast(_), Expr::Literal(..)));
    let text = || cast((*binary.left).clone(), arrow::datatypes::DataType::Utf8);
    (binary.op == Operator::Eq && is_partition).then(|| text().eq(lit("nobody")))
}

/// Makes a partition look as it always does.
fn forget(partition: &mut Partition) {
    partition.rows = 0;
    partition.content = "as ever".to_owned();
    partition.latest_date = None;
    partition.column_contents.values_mut().for_each(|content| "as ever".clone_into(content));
}

/// Rewrites plans before they are optimized.
#[derive(Debug)]
struct Lie(Fault);

impl AnalyzerRule for Lie {
    fn name(&self) -> &'static str {
        "lie"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|node| self.rewrite(node)).data()
    }
}

impl Lie {
    fn rewrite(&self, node: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
        Ok(Transformed::yes(match (self.0, node) {
            (Fault::WindowKeysDropped, LogicalPlan::Window(window)) => {
                let nulls = window.window_expr.iter().map(|expr| {
                    let (_, field) = datafusion::logical_expr::ExprSchemable::to_field(expr, window.input.schema())?;
                    let value = Expr::Literal(ScalarValue::try_from(field.data_type())?, None);
                    Ok(value.alias(expr.schema_name().to_string()))
                });
                let nulls = nulls.collect::<Result<Vec<_>>>()?;
                let input = window.input.schema().columns().into_iter().map(Expr::Column);
                LogicalPlanBuilder::from(window.input.as_ref().clone()).project(input.chain(nulls))?.build()?
            }
            (Fault::LimitPassed, LogicalPlan::Limit(limit)) => limit.input.as_ref().clone(),
            (Fault::LeftJoinTakenForInner, LogicalPlan::Join(mut join)) if join.join_type == JoinType::Left => {
                join.join_type = JoinType::Inner;
                LogicalPlan::Join(join)
            }
            (Fault::FullJoinTakenForInner, LogicalPlan::Join(mut join)) if join.join_type == JoinType::Full => {
                join.join_type = JoinType::Inner;
                LogicalPlan::Join(join)
            }
            (Fault::UnionFirstBranch, LogicalPlan::Union(union)) => {
                let first = union.inputs.into_iter().take(1).collect();
                LogicalPlan::Union(Union { inputs: first, schema: union.schema })
            }
            (Fault::SubqueryForgotten, LogicalPlan::Filter(filter)) => without(&filter, &holds_subquery)?,
            (Fault::SubqueryForgotten, LogicalPlan::Projection(projection)) => LogicalPlan::Projection(projection)
                .map_expressions(|expr| expr.transform_up(null_for_subquery))
                .data()?,
            (Fault::FilterColumnsForgotten, LogicalPlan::Filter(filter)) => {
                without(&filter, &|term| !holds_subquery(term) && !holds_placeholder(term))?
            }
            (Fault::FunctionsTakenForMonotone, LogicalPlan::Projection(projection)) => {
                LogicalPlan::Projection(projection).map_expressions(|expr| Ok(identity(expr))).data()?
            }
            (_, other) => return Ok(Transformed::no(other)),
        }))
    }
}

/// Drops terms of a filter.
fn without(filter: &Filter, is_dropped: &dyn Fn(&Expr) -> bool) -> Result<LogicalPlan> {
    let kept = split_conjunction(&filter.predicate).into_iter().filter(|term| !is_dropped(term)).cloned();
    match conjunction(kept.collect::<Vec<_>>()) {
        Some(kept) => LogicalPlanBuilder::from(filter.input.as_ref().clone()).filter(kept)?.build(),
        None => Ok(filter.input.as_ref().clone()),
    }
}

fn holds_subquery(expr: &Expr) -> bool {
    expr.exists(|inner| Ok(matches!(inner, Expr::ScalarSubquery(_) | Expr::Exists(_) | Expr::InSubquery(_)))).unwrap()
}

fn holds_placeholder(expr: &Expr) -> bool {
    expr.exists(|inner| Ok(matches!(inner, Expr::Placeholder(_)))).unwrap()
}

fn null_for_subquery(expr: Expr) -> Result<Transformed<Expr>> {
    let Expr::ScalarSubquery(subquery) = &expr else { return Ok(Transformed::no(expr)) };
    let data_type = subquery.subquery.schema().field(0).data_type();
    let null = Expr::Literal(ScalarValue::try_from(data_type)?, None);
    Ok(Transformed::yes(null.alias(expr.schema_name().to_string())))
}

/// Returns `month` for a function of it that gives a date.
fn identity(expr: Expr) -> Transformed<Expr> {
    let Expr::Alias(alias) = &expr else { return Transformed::no(expr) };
    let Expr::Cast(outer) = alias.expr.as_ref() else { return Transformed::no(expr) };
    if *outer.field.data_type() != arrow::datatypes::DataType::Date32 {
        return Transformed::no(expr);
    }
    let columns = alias.expr.column_refs();
    let Some(column) = columns.into_iter().find(|column| column.name == "month").cloned() else {
        return Transformed::no(expr);
    };
    let named = cast(Expr::Column(column), arrow::datatypes::DataType::Date32).alias(alias.name.clone());
    Transformed::yes(named)
}
