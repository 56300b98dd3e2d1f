//! A logical plan → what flows out of it, node by node from the tables up.
//!
//! ```text
//!  Projection a + b AS c        c ◄─ computed ─ a, b
//!    Filter d > 0               rows ◄─ filter ─ d
//!      Join x.k = y.k           rows ◄─ join ─ x.k, y.k
//!        TableScan x, y         each column ◄─ copy ─ itself
//! ```
//!
//! In: a plan before the optimizer, which leaves out what changes no row. Out: a [`Flow`]. A node that is not known here lets
//! everything flow into everything.

use std::collections::HashMap;

use datafusion::{
    catalog::cte_worktable::CteWorkTable,
    common::{Column, DFSchema, JoinType},
    datasource::source_as_provider,
    error::Result,
    logical_expr::{
        Aggregate, Distinct, Expr, Join, Limit, LogicalPlan, RecursiveQuery, Sort, SortExpr, Subquery, TableScan,
        Unnest, Window, utils::grouping_set_to_exprlist,
    },
};

use super::{
    flow::{Flow, Sources},
    uses::Use,
};
use crate::record::TableName;

/// One walk over one plan.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// The columns that were met, by number.
    pub met: Vec<(TableName, String)>,
    numbers: HashMap<(TableName, String), usize>,
    /// The queries around the one in work, the innermost last.
    around: Vec<(DFSchema, Flow)>,
    /// What the rows of recursive queries are made of, as far as that is known.
    recursive: Vec<(String, Flow)>,
}

impl Walk {
    /// Returns what flows out of a plan.
    pub fn plan(&mut self, plan: &LogicalPlan) -> Result<Flow> {
        match plan {
            LogicalPlan::TableScan(node) => self.scan(node),
            LogicalPlan::Projection(node) => {
                let input = self.plan(&node.input)?;
                let columns = self.exprs(&node.expr, node.input.schema(), &input)?;
                Ok(Flow { columns, ..input })
            }
            LogicalPlan::Filter(node) => {
                let mut flow = self.plan(&node.input)?;
                let predicate = self.expr(&node.predicate, node.input.schema(), &flow)?;
                flow.rows.add(&predicate.used_for(Use::Filter));
                Ok(flow)
            }
            LogicalPlan::Aggregate(node) => self.aggregate(node),
            LogicalPlan::Window(node) => self.window(node),
            LogicalPlan::Sort(node) => self.sort(node),
            LogicalPlan::Limit(node) => self.limit(node),
            LogicalPlan::Join(node) => self.join(node),
            LogicalPlan::Distinct(node) => self.distinct(node),
            LogicalPlan::Union(node) => {
                let mut all = Flow::default();
                for input in &node.inputs {
                    all.unite(&self.plan(input)?);
                }
                Ok(all)
            }
            LogicalPlan::Unnest(node) => self.unnest(node),
            LogicalPlan::RecursiveQuery(node) => self.recursive_query(node),
            LogicalPlan::SubqueryAlias(node) => self.plan(&node.input),
            LogicalPlan::Repartition(node) => self.plan(&node.input),
            LogicalPlan::Subquery(node) => self.plan(&node.subquery),
            LogicalPlan::EmptyRelation(node) => Ok(without_sources(node.schema.fields().len())),
            LogicalPlan::Values(node) => {
                let mut flow = without_sources(node.schema.fields().len());
                for row in &node.values {
                    let cells = self.exprs(row, &DFSchema::empty(), &Flow::default())?;
                    flow.columns.iter_mut().zip(&cells).for_each(|(column, cell)| column.add(cell));
                }
                Ok(flow)
            }
            other => self.unknown(other),
        }
    }

    fn scan(&mut self, node: &TableScan) -> Result<Flow> {
        if source_as_provider(&node.source)?.is::<CteWorkTable>() {
            let name = node.table_name.table();
            let known = self.recursive.iter().rev().find(|(recursive, _)| recursive == name);
            return Ok(known.map(|(_, flow)| flow.clone()).unwrap_or_default());
        }
        let table = TableName::new(node.table_name.schema().unwrap_or_default(), node.table_name.table());
        let fields = node.projected_schema.fields();
        let columns: Vec<Sources> =
            fields.iter().map(|field| Sources::copy_of(self.number(&table, field.name()))).collect();
        let mut flow = Flow { columns, ..Flow::default() };
        for filter in &node.filters {
            for column in filter.column_refs() {
                let read = Sources::copy_of(self.number(&table, &column.name));
                flow.rows.add(&read.used_for(Use::Filter));
            }
        }
        Ok(flow)
    }

    fn number(&mut self, table: &TableName, column: &str) -> usize {
        let key = (table.clone(), column.to_owned());
        if let Some(&number) = self.numbers.get(&key) {
            return number;
        }
        self.met.push(key.clone());
        self.numbers.insert(key, self.met.len() - 1);
        self.met.len() - 1
    }

    fn aggregate(&mut self, node: &Aggregate) -> Result<Flow> {
        let (schema, input) = (node.input.schema(), self.plan(&node.input)?);
        let groups: Vec<Expr> = grouping_set_to_exprlist(&node.group_expr)?.into_iter().cloned().collect();
        let mut columns = self.exprs(&groups, schema, &input)?;
        let mut rows = input.rows.clone();
        for group in &columns {
            rows.add(&group.used_for(Use::Group));
        }
        // Grouping sets have a column of their own, which says to which set a row belongs.
        columns.resize(node.schema.fields().len().saturating_sub(node.aggr_expr.len()), Sources::default());
        columns.extend(self.exprs(&node.aggr_expr, schema, &input)?);
        Ok(Flow { columns, rows, order: Sources::default() })
    }

    fn window(&mut self, node: &Window) -> Result<Flow> {
        let mut flow = self.plan(&node.input)?;
        let computed = self.exprs(&node.window_expr, node.input.schema(), &flow)?;
        flow.columns.extend(computed);
        Ok(flow)
    }

    fn sort(&mut self, node: &Sort) -> Result<Flow> {
        let mut flow = self.plan(&node.input)?;
        flow.order = self.sort_keys(&node.expr, node.input.schema(), &flow)?;
        if node.fetch.is_some() {
            flow.rows.add(&flow.order);
        }
        Ok(flow)
    }

    fn limit(&mut self, node: &Limit) -> Result<Flow> {
        let mut flow = self.plan(&node.input)?;
        flow.rows.add(&flow.order);
        for count in [&node.skip, &node.fetch].into_iter().flatten() {
            let count = self.expr(count, node.input.schema(), &flow)?;
            flow.rows.add(&count.used_for(Use::Filter));
        }
        Ok(flow)
    }

    fn join(&mut self, node: &Join) -> Result<Flow> {
        let left = self.plan(&node.left)?;
        // What stands to the right of LATERAL sees the rows to the left.
        let right = self.within(node.left.schema(), &left, |walk| walk.plan(&node.right))?;
        let mut rows: Sources = [left.rows.clone(), right.rows.clone()].into_iter().collect();
        for (one, other) in &node.on {
            rows.add(&self.expr(one, node.left.schema(), &left)?.used_for(Use::Join));
            rows.add(&self.expr(other, node.right.schema(), &right)?.used_for(Use::Join));
        }
        let both = Flow { columns: [left.columns.clone(), right.columns.clone()].concat(), ..Flow::default() };
        if let Some(filter) = &node.filter {
            let schema = node.left.schema().join(node.right.schema())?;
            rows.add(&self.expr(filter, &schema, &both)?.used_for(Use::Join));
        }
        let columns = match node.join_type {
            JoinType::LeftSemi | JoinType::LeftAnti => left.columns,
            JoinType::RightSemi | JoinType::RightAnti => right.columns,
            JoinType::LeftMark => [left.columns, vec![rows.clone()]].concat(),
            JoinType::RightMark => [right.columns, vec![rows.clone()]].concat(),
            JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full => both.columns,
        };
        Ok(Flow { columns, rows, order: Sources::default() })
    }

    fn distinct(&mut self, node: &Distinct) -> Result<Flow> {
        match node {
            Distinct::All(input) => Ok(distinct(self.plan(input)?)),
            Distinct::On(on) => {
                let (schema, input) = (on.input.schema(), self.plan(&on.input)?);
                let columns = self.exprs(&on.select_expr, schema, &input)?;
                let mut rows = input.rows.clone();
                for group in self.exprs(&on.on_expr, schema, &input)? {
                    rows.add(&group.used_for(Use::Group));
                }
                rows.add(&self.sort_keys(on.sort_expr.as_deref().unwrap_or_default(), schema, &input)?);
                Ok(Flow { columns, rows, order: Sources::default() })
            }
        }
    }

    /// A list makes as many rows as it has values.
    fn unnest(&mut self, node: &Unnest) -> Result<Flow> {
        let input = self.plan(&node.input)?;
        let mut rows = input.rows.clone();
        let taken_apart = |index: &usize| {
            node.struct_type_columns.contains(index) || node.list_type_columns.iter().any(|(list, _)| list == index)
        };
        let column = |index: &usize| {
            let sources = input.columns.get(*index).cloned().unwrap_or_default();
            if taken_apart(index) { sources.used_for(Use::Computed) } else { sources }
        };
        for (list, _) in &node.list_type_columns {
            rows.add(&column(list).used_for(Use::Filter));
        }
        Ok(Flow { columns: node.dependency_indices.iter().map(column).collect(), rows, order: Sources::default() })
    }

    /// Follows a recursive query until another turn adds nothing.
    fn recursive_query(&mut self, node: &RecursiveQuery) -> Result<Flow> {
        let mut flow = self.plan(&node.static_term)?;
        loop {
            self.recursive.push((node.name.clone(), flow.clone()));
            let turn = self.plan(&node.recursive_term);
            self.recursive.pop();
            let mut more = flow.clone();
            more.unite(&turn?);
            if node.is_distinct {
                more = distinct(more);
            }
            if more == flow {
                return Ok(flow);
            }
            flow = more;
        }
    }

    fn unknown(&mut self, plan: &LogicalPlan) -> Result<Flow> {
        let mut all = Sources::default();
        for input in plan.inputs() {
            all.add(&self.plan(input)?.everything());
        }
        let value = all.used_for(Use::Computed);
        Ok(Flow {
            columns: vec![value; plan.schema().fields().len()],
            rows: all.used_for(Use::Filter),
            ..Flow::default()
        })
    }

    /// Does something with a query put around those that are walked meanwhile.
    fn within<T>(&mut self, schema: &DFSchema, flow: &Flow, walk: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.around.push((schema.clone(), flow.clone()));
        let result = walk(self);
        self.around.pop();
        result
    }

    /// Returns what flows out of a subquery that stands in an expression over some input.
    pub(super) fn subquery(&mut self, query: &Subquery, schema: &DFSchema, input: &Flow) -> Result<Flow> {
        self.within(schema, input, |walk| walk.plan(&query.subquery))
    }

    /// Returns what a column of a query around this one is made of.
    pub(super) fn outer(&self, column: &Column) -> Sources {
        let found = self.around.iter().rev().find_map(|(schema, flow)| {
            let index = schema.maybe_index_of_column(column)?;
            flow.columns.get(index).cloned()
        });
        found.unwrap_or_default()
    }

    fn exprs(&mut self, exprs: &[Expr], schema: &DFSchema, input: &Flow) -> Result<Vec<Sources>> {
        exprs.iter().map(|expr| self.expr(expr, schema, input)).collect()
    }

    pub(super) fn sort_keys(&mut self, keys: &[SortExpr], schema: &DFSchema, input: &Flow) -> Result<Sources> {
        keys.iter().map(|key| Ok(self.expr(&key.expr, schema, input)?.used_for(Use::Order))).collect()
    }
}

fn without_sources(columns: usize) -> Flow {
    Flow { columns: vec![Sources::default(); columns], ..Flow::default() }
}

fn distinct(mut flow: Flow) -> Flow {
    let groups: Vec<Sources> = flow.columns.iter().map(|column| column.used_for(Use::Group)).collect();
    for group in &groups {
        flow.rows.add(group);
    }
    flow.order = Sources::default();
    flow
}
