//! An expression over the columns of a node → what flows into its value.

use datafusion::{
    common::{
        DFSchema,
        tree_node::{TreeNode, TreeNodeRecursion},
    },
    error::Result,
    logical_expr::{Expr, Subquery, expr},
};

use super::{
    flow::{Flow, Sources},
    uses::Use,
    walk::Walk,
};

impl Walk {
    /// Returns what flows into an expression over an input.
    pub(super) fn expr(&mut self, expr: &Expr, schema: &DFSchema, input: &Flow) -> Result<Sources> {
        match expr {
            Expr::Alias(alias) => self.expr(&alias.expr, schema, input),
            Expr::Column(column) => {
                let index = schema.index_of_column(column)?;
                Ok(input.columns.get(index).cloned().unwrap_or_default())
            }
            Expr::OuterReferenceColumn(_, column) => Ok(self.outer(column)),
            Expr::AggregateFunction(call) => self.aggregate_call(call, schema, input),
            Expr::WindowFunction(call) => self.window_call(call, schema, input),
            // It is one value: that of the one row.
            Expr::ScalarSubquery(query) => {
                let flow = self.subquery(query, schema, input)?;
                Ok(flow.columns.into_iter().take(1).chain([flow.rows]).collect())
            }
            // Only whether there are rows counts.
            Expr::Exists(exists) => Ok(self.subquery(&exists.subquery, schema, input)?.rows),
            Expr::InSubquery(within) => self.compared(&within.expr, &within.subquery, schema, input),
            Expr::SetComparison(within) => self.compared(&within.expr, &within.subquery, schema, input),
            #[expect(deprecated, reason = "an older plan may still hold one")]
            Expr::Wildcard { .. } => Ok(input.everything().used_for(Use::Computed)),
            other => self.computed(other, schema, input),
        }
    }

    /// Returns what flows into a value from all parts of its expression.
    fn computed(&mut self, expr: &Expr, schema: &DFSchema, input: &Flow) -> Result<Sources> {
        let mut sum = Sources::default();
        expr.apply_children(|part| {
            sum.add(&self.expr(part, schema, input)?.used_for(Use::Computed));
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(sum)
    }

    fn all(&mut self, exprs: &[Expr], purpose: Use, schema: &DFSchema, input: &Flow) -> Result<Sources> {
        exprs.iter().map(|expr| Ok(self.expr(expr, schema, input)?.used_for(purpose))).collect()
    }

    fn compared(&mut self, expr: &Expr, query: &Subquery, schema: &DFSchema, input: &Flow) -> Result<Sources> {
        let compared = self.expr(expr, schema, input)?;
        let flow = self.subquery(query, schema, input)?;
        let values: Sources = flow.columns.into_iter().chain([compared]).collect();
        Ok([values.used_for(Use::Computed), flow.rows].into_iter().collect())
    }

    fn aggregate_call(&mut self, call: &expr::AggregateFunction, schema: &DFSchema, input: &Flow) -> Result<Sources> {
        let params = &call.params;
        let mut sum = self.all(&params.args, Use::Computed, schema, input)?;
        if let Some(filter) = &params.filter {
            sum.add(&self.expr(filter, schema, input)?.used_for(Use::Filter));
        }
        sum.add(&self.sort_keys(&params.order_by, schema, input)?);
        Ok(sum)
    }

    fn window_call(&mut self, call: &expr::WindowFunction, schema: &DFSchema, input: &Flow) -> Result<Sources> {
        let params = &call.params;
        let mut sum = self.all(&params.args, Use::Computed, schema, input)?;
        sum.add(&self.all(&params.partition_by, Use::Group, schema, input)?);
        if let Some(filter) = &params.filter {
            sum.add(&self.expr(filter, schema, input)?.used_for(Use::Filter));
        }
        sum.add(&self.sort_keys(&params.order_by, schema, input)?);
        Ok(sum)
    }
}
