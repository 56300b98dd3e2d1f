//! What a column means: a hash of how it is computed, by which two definitions of a model are compared column by column.
//!
//! ```text
//!  model's plan ── SELECT one column ──► optimizer ──► name and outermost cast off ──► text and types of what is left
//! ```
//!
//! The optimizer leaves what the column's values and the set of rows depend on: filters, joins, groups. So a column that is
//! added changes no other one's hash, while one more filter changes all of them. Types count, but how many digits a
//! number has does not: a column of a wider type computes the same values. Tables stand in the text by name and without
//! the as-of cut, whose day is not part of the meaning.

use std::{collections::BTreeMap, sync::Arc};

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::{
    common::{
        DFSchema,
        tree_node::{TreeNode, TreeNodeRecursion},
    },
    error::Result,
    execution::SessionState,
    logical_expr::{Cast, Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, utils::merge_schema},
};

use crate::engine::types;

/// What a column means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meaning {
    /// Hash of how it is computed, but for its name and the cast to its type.
    pub hash: String,
    /// The published type that it would have without that cast.
    pub data_type: DataType,
}

/// Returns what each column of a plan means. `context` is what else decides it.
///
/// # Errors
/// When the plan of a column cannot be optimized.
pub fn meanings(plan: &LogicalPlan, context: &str, state: &SessionState) -> Result<BTreeMap<String, Meaning>> {
    let columns = plan.schema().columns();
    let meaning = |column: &datafusion::common::Column| {
        let narrowed = LogicalPlanBuilder::from(plan.clone()).project([Expr::Column(column.clone())])?.build()?;
        Ok((column.name.clone(), of_column(state.optimize(&narrowed)?, context)?))
    };
    columns.iter().map(meaning).collect()
}

/// Returns what the only column of a plan means.
pub(super) fn of_column(plan: LogicalPlan, context: &str) -> Result<Meaning> {
    let (expr, input) = computed(plan);
    let data_type = expr.get_type(input.schema())?;
    let mut hasher = Hasher(blake3::Hasher::new());
    hasher.add(context);
    hasher.add(&expr.to_string());
    hasher.add_types(&expr, input.schema())?;
    hasher.add(&input.display_indent().to_string());
    input.apply_with_subqueries(|node| {
        let schema = schema_of_inputs(node)?;
        for expr in node.expressions() {
            hasher.add_types(&expr, &schema)?;
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(Meaning {
        hash: hasher.0.finalize().to_hex().as_str()[..32].to_owned(),
        data_type: types::published(&data_type).unwrap_or(data_type),
    })
}

/// Splits a plan of one column into the expression and the rows over which it is computed.
fn computed(plan: LogicalPlan) -> (Expr, Arc<LogicalPlan>) {
    match plan {
        LogicalPlan::Projection(projection) if projection.expr.len() == 1 => {
            (without_cast(projection.expr[0].clone().unalias()), projection.input)
        }
        // An order is no property of a table.
        LogicalPlan::Sort(sort) if sort.fetch.is_none() => computed(Arc::unwrap_or_clone(sort.input)),
        other => (Expr::Column(other.schema().columns().swap_remove(0)), Arc::new(other)),
    }
}

/// Takes off the outermost cast, if it does no more than publishing a value of that type does.
fn without_cast(expr: Expr) -> Expr {
    match expr {
        Expr::Cast(Cast { expr, field }) if is_plain(field.data_type()) => *expr,
        other => other,
    }
}

fn is_plain(data_type: &DataType) -> bool {
    match data_type {
        DataType::Timestamp(TimeUnit::Nanosecond | TimeUnit::Microsecond, zone) => {
            zone.as_deref().is_none_or(|zone| zone == "UTC")
        }
        DataType::Utf8View => true,
        other => types::published(other).as_ref() == Some(other),
    }
}

fn schema_of_inputs(node: &LogicalPlan) -> Result<DFSchema> {
    match node {
        LogicalPlan::TableScan(scan) => {
            DFSchema::try_from_qualified_schema(scan.table_name.clone(), &scan.source.schema())
        }
        other => Ok(merge_schema(&other.inputs())),
    }
}

struct Hasher(blake3::Hasher);

impl Hasher {
    fn add(&mut self, text: &str) {
        self.0.update(&(text.len() as u64).to_le_bytes());
        self.0.update(text.as_bytes());
    }

    /// Adds the types of an expression and of all within it: the scale of a quotient depends on the types of its parts,
    /// which the text does not show.
    fn add_types(&mut self, expr: &Expr, schema: &DFSchema) -> Result<()> {
        expr.apply(|inner| {
            let data_type = inner.get_type(schema).map(spelled).unwrap_or_default();
            self.add(&data_type);
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(())
    }
}

/// Returns a type without the digits that a wider one has more of.
fn spelled(data_type: DataType) -> String {
    match data_type {
        DataType::Int32 | DataType::Int64 => "integer".to_owned(),
        DataType::Decimal128(_, scale) => format!("decimal of scale {scale}"),
        other => other.to_string(),
    }
}
