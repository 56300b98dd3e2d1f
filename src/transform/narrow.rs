//! Which partitions of an input each partition of an output can depend on, for all of them at once.
//!
//! ```text
//!  model's plan ── `month = $month` on top ──► optimizer ──► scans, with what reached them of that filter
//!                                                               │
//!  date_trunc('year', day) = $month ── both sides evaluated ────┤─► pairs of input and output partitions: one lookup each
//!  day < $month + 31 ── evaluated for each output partition ────┤─► the same, one evaluation each
//!  'a' = $kind, no column of the input ── per output partition ─┴─► nothing of this branch, or no restriction
//! ```
//!
//! The value stays unknown while the plan is optimized, so that one plan serves all partitions: what holds for any value
//! holds for each. A filter that cannot be evaluated restricts nothing.
//!
//! The filter is written twice, as `month = $partition_0` and as a function `is_partition_0(month)` that means the same.
//! From the first the optimizer learns what it concludes from an equality; the second it can ask what becomes of NULL, on
//! which depends whether a filter passes an outer join, and which a placeholder does not answer.

use std::{collections::HashMap, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch},
    compute::prep_null_mask_filter,
    datatypes::{DataType, Field},
    row::{RowConverter, SortField},
};
use datafusion::{
    common::{
        Column, ScalarValue, exec_err,
        tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    },
    error::Result,
    logical_expr::{
        BinaryExpr, ColumnarValue, Expr, LogicalPlan, Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
        Signature, Volatility, cast, expr::Placeholder, utils::split_conjunction,
    },
};

use crate::engine::table::{evaluate, is_closed};

/// What the names of placeholders begin with.
const PLACEHOLDER: &str = "$partition_";

/// The filters of one scan that tell partitions apart.
#[derive(Debug, Default)]
pub(super) struct Narrowing {
    /// Without placeholders: true for a partition or not.
    fixed: Vec<Expr>,
    /// `of the input = of the output`.
    equal: Vec<(Expr, Expr)>,
    /// Both in one expression.
    mixed: Vec<Expr>,
    /// Without a column of the input: whether the branch gives any rows at all.
    gates: Vec<Expr>,
}

/// For each output partition the input partitions that count, in order.
#[derive(Debug)]
pub(super) struct Selection {
    /// What counts; None where the branch gives no rows whatever the input holds. Without a list, all of the input counts
    /// for every output partition.
    pub each: Option<Vec<Option<Arc<Vec<usize>>>>>,
    /// Whether a filter told the input's partitions apart.
    pub is_proved: bool,
}

impl Narrowing {
    /// Sorts the filters of a scan, of which `decides` says that it is over nothing but partition columns, and those
    /// above it.
    pub fn new(filters: &[Expr], decides: impl Fn(&Expr) -> bool, above: &[Expr]) -> Self {
        let mut narrowing = Self { gates: above.to_vec(), ..Self::default() };
        for filter in filters.iter().flat_map(split_conjunction) {
            let Some(meant) = spelled_out(filter) else { continue };
            if is_gate(&meant) {
                narrowing.gates.push(meant);
            } else if decides(&meant) {
                narrowing.take(&meant);
            }
        }
        narrowing.equal.dedup();
        narrowing
    }

    fn take(&mut self, filter: &Expr) {
        match filter {
            _ if !holds_placeholder(filter) => self.fixed.push(filter.clone()),
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => match (side(left), side(right)) {
                (Side::Input, Side::Output) => self.equal.push((left.as_ref().clone(), right.as_ref().clone())),
                (Side::Output, Side::Input) => self.equal.push((right.as_ref().clone(), left.as_ref().clone())),
                _ => self.mixed.push(filter.clone()),
            },
            _ => self.mixed.push(filter.clone()),
        }
    }

    /// Returns which of `inputs` count for each of `outputs`, whose columns are named as the placeholders.
    ///
    /// # Errors
    /// When the rows of a column cannot be compared, which no type of a partition column causes.
    pub fn select(&self, inputs: &RecordBatch, outputs: &RecordBatch) -> Result<Selection> {
        let masks: Vec<Vec<bool>> = self.fixed.iter().filter_map(|filter| truths(filter, inputs)).collect();
        let gates: Vec<Vec<bool>> = self.gates.iter().filter_map(|gate| truths(&as_columns(gate)?, outputs)).collect();
        let all: Vec<usize> = (0..inputs.num_rows()).filter(|&index| masks.iter().all(|mask| mask[index])).collect();
        let (lookup, left) = Lookup::new(&self.equal, inputs, outputs, &all)?;
        let mixed: Vec<&Expr> = self.mixed.iter().chain(&left).collect();
        let (all, mut is_proved) = (Arc::new(all), !masks.is_empty() || !lookup.is_empty());
        let mut each = Vec::with_capacity(outputs.num_rows());
        for output in 0..outputs.num_rows() {
            if gates.iter().any(|gate| !gate[output]) {
                each.push(None);
                continue;
            }
            let mut found = lookup.find(output).unwrap_or_else(|| Arc::clone(&all));
            for mask in mixed.iter().filter_map(|filter| truths(&with_values(filter, outputs, output)?, inputs)) {
                is_proved = true;
                found = Arc::new(found.iter().copied().filter(|&index| mask[index]).collect());
            }
            each.push(Some(found));
        }
        let is_whole = !is_proved && each.iter().all(Option::is_some);
        Ok(Selection { each: (!is_whole).then_some(each), is_proved })
    }
}

/// Returns the terms of a filter that decide about a whole branch: they read no column.
pub(super) fn gates(predicate: &Expr) -> impl Iterator<Item = Expr> {
    split_conjunction(predicate).into_iter().filter_map(spelled_out).filter(is_gate)
}

fn is_gate(filter: &Expr) -> bool {
    filter.column_refs().is_empty() && is_closed(filter)
}

/// Returns the predicate that a column of the output has the value of its placeholder, in both ways of writing it.
pub(super) fn is_partition(column: Expr, index: usize, data_type: &DataType) -> Expr {
    let is_value =
        IsPartition { index, data_type: data_type.clone(), signature: Signature::any(1, Volatility::Immutable) };
    let same = ScalarUDF::new_from_impl(is_value.clone()).call(vec![column.clone()]);
    column.eq(is_value.placeholder()).and(same)
}

/// Returns the name of a placeholder.
pub(super) fn placeholder_name(index: usize) -> String {
    format!("{PLACEHOLDER}{index}")
}

/// The function `is_partition(column)`, of which nothing is known but that NULL gives NULL.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct IsPartition {
    index: usize,
    data_type: DataType,
    signature: Signature,
}

impl IsPartition {
    fn placeholder(&self) -> Expr {
        let field = Field::new(placeholder_name(self.index), self.data_type.clone(), false);
        Expr::Placeholder(Placeholder::new_with_field(field.name().clone(), Some(Arc::new(field))))
    }
}

impl ScalarUDFImpl for IsPartition {
    fn name(&self) -> &'static str {
        "is_partition"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let values = ColumnarValue::values_to_arrays(&args.args)?;
        if values.iter().all(|column| column.logical_null_count() == column.len()) {
            return Ok(ColumnarValue::Scalar(ScalarValue::Boolean(None)));
        }
        exec_err!("the partition is not known yet")
    }
}

/// Returns which placeholder a filter says to be equal to what of the input.
pub(super) fn equality(filter: &Expr) -> Option<(usize, Expr)> {
    let Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) = filter else { return None };
    let (of_input, of_output) = match (side(left), side(right)) {
        (Side::Input, Side::Output) => (left, right),
        (Side::Output, Side::Input) => (right, left),
        _ => return None,
    };
    let Expr::Placeholder(placeholder) = of_output.as_ref() else { return None };
    let index = placeholder.id.strip_prefix(PLACEHOLDER)?.parse().ok()?;
    Some((index, of_input.as_ref().clone()))
}

/// Returns a predicate with equalities in place of the function; None where it cannot be told which.
pub(super) fn spelled_out(predicate: &Expr) -> Option<Expr> {
    let spell = |inner: Expr| match &inner {
        Expr::ScalarFunction(call) => match call.func.inner().downcast_ref::<IsPartition>() {
            // A row lies in the partition of its value in the published type.
            Some(is_value) => {
                let published = cast(call.args[0].clone(), is_value.data_type.clone());
                Ok(Transformed::yes(published.eq(is_value.placeholder())))
            }
            None => Ok(Transformed::no(inner)),
        },
        _ => Ok(Transformed::no(inner)),
    };
    predicate.clone().transform_up(spell).ok().map(|spelled| spelled.data)
}

/// Returns whether a plan holds the filter of a partition whose value is not known.
pub(super) fn is_narrowed(plan: &LogicalPlan) -> bool {
    let mut is_narrowed = false;
    let look = |node: &LogicalPlan| {
        is_narrowed |= node.expressions().iter().any(|expr| holds_placeholder(expr) || asks(expr));
        Ok(TreeNodeRecursion::Continue)
    };
    plan.apply_with_subqueries(look).is_err() || is_narrowed
}

/// Returns a plan over the rows of one output partition, its values in place of the placeholders; None where one is not known.
pub(super) fn of_partition(plan: &LogicalPlan, outputs: &RecordBatch, row: usize) -> Option<LogicalPlan> {
    let bind = |expr: Expr| {
        if !holds_placeholder(&expr) && !asks(&expr) {
            return Ok(Transformed::no(expr));
        }
        let Some(bound) = spelled_out(&expr).and_then(|expr| with_values(&expr, outputs, row)) else {
            return exec_err!("`{expr}` is not known of one partition");
        };
        Ok(Transformed::yes(bound))
    };
    plan.clone().transform_down_with_subqueries(|node| node.map_expressions(bind)).ok().map(|bound| bound.data)
}

fn asks(expr: &Expr) -> bool {
    let asks = |inner: &Expr| matches!(inner, Expr::ScalarFunction(call) if call.func.inner().is::<IsPartition>());
    expr.exists(|inner| Ok(asks(inner))).unwrap_or(true)
}

enum Side {
    Input,
    Output,
    Other,
}

fn side(expr: &Expr) -> Side {
    match (expr.column_refs().is_empty(), holds_placeholder(expr)) {
        (false, false) => Side::Input,
        (true, true) => Side::Output,
        _ => Side::Other,
    }
}

pub(super) fn holds_placeholder(expr: &Expr) -> bool {
    expr.exists(|inner| Ok(matches!(inner, Expr::Placeholder(_)))).unwrap_or(true)
}

/// Returns for which rows a predicate holds; None if it cannot be evaluated.
fn truths(predicate: &Expr, batch: &RecordBatch) -> Option<Vec<bool>> {
    let values = evaluate(predicate, batch).ok()?;
    let values = values.as_boolean_opt()?;
    let holds = if values.null_count() > 0 { prep_null_mask_filter(values) } else { values.clone() };
    Some(holds.values().iter().collect())
}

/// Returns an expression whose placeholders are columns of their name.
fn as_columns(expr: &Expr) -> Option<Expr> {
    replaced(expr, |id| Some(Expr::Column(Column::from_name(id))))
}

/// Returns an expression with the values of one output partition.
fn with_values(expr: &Expr, outputs: &RecordBatch, row: usize) -> Option<Expr> {
    replaced(expr, |id| {
        let value = ScalarValue::try_from_array(outputs.column_by_name(id)?, row).ok()?;
        Some(Expr::Literal(value, None))
    })
}

fn replaced(expr: &Expr, value: impl Fn(&str) -> Option<Expr>) -> Option<Expr> {
    let replace = |inner: Expr| match inner {
        Expr::Placeholder(placeholder) => {
            let Some(value) = value(&placeholder.id) else { return exec_err!("no value for `{}`", placeholder.id) };
            Ok(Transformed::yes(value))
        }
        other => Ok(Transformed::no(other)),
    };
    expr.clone().transform_up(replace).ok().map(|replaced| replaced.data)
}

/// Input partitions by what they are compared by, for each output partition.
struct Lookup {
    /// The row of each output partition; None where one of its values is NULL, which equals nothing.
    keys: Vec<Option<Vec<u8>>>,
    found: HashMap<Vec<u8>, Arc<Vec<usize>>>,
    none: Arc<Vec<usize>>,
    columns: usize,
}

impl Lookup {
    /// Joins inputs, of which only `kept` count, with outputs; returns besides what cannot be compared by bytes.
    fn new(
        equal: &[(Expr, Expr)],
        inputs: &RecordBatch,
        outputs: &RecordBatch,
        kept: &[usize],
    ) -> Result<(Self, Vec<Expr>)> {
        let (mut left, mut right, mut rest) = (Vec::new(), Vec::new(), Vec::new());
        for (of_input, of_output) in equal {
            match evaluate_pair(of_input, of_output, inputs, outputs) {
                Some((one, other)) => {
                    left.push(one);
                    right.push(other);
                }
                None => rest.push(of_input.clone().eq(of_output.clone())),
            }
        }
        let types = left.iter().map(|column: &ArrayRef| SortField::new(column.data_type().clone())).collect();
        let converter = RowConverter::new(types)?;
        let mut found: HashMap<Vec<u8>, Vec<usize>> = HashMap::new();
        let mut of_inputs = keys(&converter, &left)?;
        for &index in kept {
            if let Some(key) = of_inputs.get_mut(index).and_then(Option::take) {
                found.entry(key).or_default().push(index);
            }
        }
        let found = found.into_iter().map(|(key, indices)| (key, Arc::new(indices))).collect();
        let keys = keys(&converter, &right)?;
        Ok((Self { keys, found, none: Arc::default(), columns: left.len() }, rest))
    }

    const fn is_empty(&self) -> bool {
        self.columns == 0
    }

    /// Returns what equals an output partition; None where nothing is compared.
    fn find(&self, output: usize) -> Option<Arc<Vec<usize>>> {
        if self.is_empty() {
            return None;
        }
        let key = self.keys.get(output)?.as_ref();
        Some(Arc::clone(key.and_then(|key| self.found.get(key)).unwrap_or(&self.none)))
    }
}

/// Evaluates both sides of an equality; None where that fails, or where equal values may have unequal bytes.
fn evaluate_pair(
    of_input: &Expr,
    of_output: &Expr,
    inputs: &RecordBatch,
    outputs: &RecordBatch,
) -> Option<(ArrayRef, ArrayRef)> {
    let one = evaluate(of_input, inputs).ok()?;
    let other = evaluate(&as_columns(of_output)?, outputs).ok()?;
    let is_inexact = one.data_type().is_floating() || one.data_type().is_nested();
    (one.data_type() == other.data_type() && !is_inexact).then_some((one, other))
}

fn keys(converter: &RowConverter, columns: &[ArrayRef]) -> Result<Vec<Option<Vec<u8>>>> {
    if columns.is_empty() {
        return Ok(Vec::new());
    }
    let rows = converter.convert_columns(columns)?;
    let is_whole = |row: usize| columns.iter().all(|column| column.is_valid(row));
    Ok(rows.iter().enumerate().map(|(index, row)| is_whole(index).then(|| row.as_ref().to_vec())).collect())
}
