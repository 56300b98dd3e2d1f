//! Shares: a model whose query would hold more than the memory at once, or whose rows would fill that of its writers, computed some
//! of its partitions at a time.
//!
//! ```text
//!  partitions to make    2026-01 … 2026-12
//!                        ├── month IN (2026-01 … 2026-04) ──► scans of these months alone ──► rows
//!                        ├── month IN (2026-05 … 2026-08) ──► …
//!                        └── in none of the above ──────────► the rest, and partitions that nobody foresaw
//! ```
//!
//! What each share reads is what reaches the scans of its filter, as for proofs. So joins, groups and sorts of a share hold a part of
//! what those of the whole would, and tables that every share reads are read again: where that is much, there are no shares.
//! The rows are the same, since the shares part the partitions: the last takes whatever the others leave.

use std::{collections::BTreeSet, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, BooleanArray, RecordBatch, StringArray},
    compute::{and, cast, filter_record_batch, not},
    datatypes::DataType,
};
use datafusion::{
    common::{ScalarValue, tree_node::TreeNodeRecursion},
    error::Result,
    logical_expr::{Expr, LogicalPlan, lit},
    prelude::SessionContext,
};

use super::{
    Decision, PlannedModel, Prover, decide,
    depend::{self, Inputs, Scan},
    narrow,
};
use crate::{
    engine::{Catalog, PartitionSet, once},
    record::PartitionValues,
};

/// Bytes that a value takes in a hash table or a sort, roughly: most are short texts and numbers.
const CELL_BYTES: usize = 16;
/// The part of the memory that a query may hold before it is computed in shares: others run beside it, and operators wait for
/// each other with full hands.
const MEMORY_PARTS: usize = 8;
/// The part of the memory that its rows may take on their way into files: that of the writers, who write them down and read them
/// again where it is more.
const WRITER_PARTS: usize = 4;
/// Rows that become one where they are grouped, roughly.
const ROWS_OF_GROUP: usize = 10;
/// Shares of one model at most: each plans the query again and reads what all need.
const MOST: usize = 16;
/// So many times the values that the whole query reads may be read by all shares together, in tenths.
const MOST_READ_TENTHS: usize = 13;

/// Some of the partitions that a decision asks for.
#[derive(Debug, Clone, Default)]
pub struct Share {
    /// By the values of the first partition column: those of the share, all by default.
    of: Option<Values>,
    /// Those of other shares.
    others: Option<Values>,
    /// Partitions that stay as they are.
    kept: Option<PartitionSet>,
}

/// Values of a column, none of them NULL, as a predicate and as a set.
#[derive(Debug, Clone)]
struct Values {
    list: Vec<ScalarValue>,
    set: PartitionSet,
}

impl Values {
    fn new<'a>(values: impl IntoIterator<Item = &'a String>, data_type: &DataType) -> Result<Self> {
        let values: Vec<_> = values.into_iter().map(|value| PartitionValues(vec![Some(value.clone())])).collect();
        let types = [data_type.clone()];
        let list = values.iter().map(|value| value.to_scalars(&types)).collect::<Result<Vec<_>>>()?;
        Ok(Self { list: list.into_iter().flatten().collect(), set: PartitionSet::new(&values, &types)? })
    }
}

impl Share {
    /// Everything that a decision asks for.
    ///
    /// # Errors
    /// When a manifest's partition value is no value of its column's type.
    pub fn whole(model: &PlannedModel, decision: &Decision) -> Result<Self> {
        Ok(Self { kept: decide::kept(model, decision)?, ..Self::default() })
    }

    /// Returns the predicate of its rows; None where it is all rows.
    pub(super) fn filter(&self, model: &PlannedModel) -> Option<Expr> {
        let columns =
            || model.model.partition_by.iter().map(|column| decide::output(&column.value)).collect::<Vec<_>>();
        let first = || columns().into_iter().take(1).collect::<Vec<_>>();
        // The optimizer knows what a list means, and what follows for columns that equal the listed one.
        let of =
            self.of.as_ref().map(|of| first()[0].clone().in_list(of.list.iter().cloned().map(lit).collect(), false));
        let others = self.others.as_ref().map(|others| others.set.is_other(first()));
        let kept = self.kept.as_ref().map(|kept| kept.is_other(columns()));
        [of, others, kept].into_iter().flatten().reduce(Expr::and)
    }

    /// Drops rows that are not of the share. The filter in the plan lets none through unless the optimizer errs; no partition must
    /// get a second copy of its rows even then.
    ///
    /// # Errors
    /// When a partition column has another type than the model says.
    pub(super) fn rows(&self, batch: RecordBatch, partition_by: &[String]) -> Result<RecordBatch> {
        let columns: Vec<ArrayRef> =
            partition_by.iter().filter_map(|name| batch.column_by_name(name).cloned()).collect();
        let first = columns.get(..1).unwrap_or_default();
        let of = self.of.as_ref().map(|of| Ok(not(&of.set.others(first)?)?));
        let others = self.others.as_ref().map(|others| others.set.others(first));
        let kept = self.kept.as_ref().map(|kept| kept.others(&columns));
        let masks = [of, others, kept].into_iter().flatten().collect::<Result<Vec<BooleanArray>>>()?;
        let Some((first, others)) = masks.split_first() else { return Ok(batch) };
        let mut mask = first.clone();
        for other in others {
            mask = and(&mask, other)?;
        }
        Ok(filter_record_batch(&batch, &mask)?)
    }
}

/// Returns the shares in which a decision is to be carried out: one, unless query or writers would hold more than their part of the
/// memory, and less by shares.
///
/// # Errors
/// When the query cannot be planned.
pub async fn shares(
    model: &PlannedModel,
    decision: &Decision,
    inputs: &Catalog,
    session: &SessionContext,
    memory_bytes: usize,
) -> Result<Vec<Share>> {
    let whole = Share::whole(model, decision)?;
    let all: usize = inputs.values().map(|input| rows(input.table.rows()) * input.table.columns.len()).sum();
    // A history follows from all rows of its query.
    let is_one = model.model.partition_by.is_empty() || model.model.history.is_some();
    if is_one || all * CELL_BYTES <= memory_bytes / MEMORY_PARTS {
        return Ok(vec![whole]);
    }
    let prover = Prover::new(model, Inputs::now(inputs), session).await?;
    tokio::task::block_in_place(|| parted(model, decision, &prover, whole, memory_bytes))
}

fn parted(
    model: &PlannedModel,
    decision: &Decision,
    prover: &Prover<'_>,
    whole: Share,
    memory_bytes: usize,
) -> Result<Vec<Share>> {
    let of_whole = size(prover, whole.filter(model))?;
    let width = model.schema.fields().len();
    let held = |size: &Size| size.held * CELL_BYTES * MEMORY_PARTS;
    let written = |size: &Size| size.given * width * CELL_BYTES * WRITER_PARTS;
    let count = held(&of_whole).max(written(&of_whole)).div_ceil(memory_bytes.max(1)).min(MOST);
    // What an unfiltered query names more than once is computed once, and would be for each share.
    let is_once = whole.kept.is_none() && once::repeats(prover.plan())?;
    if count < 2 || is_once {
        return Ok(vec![whole]);
    }
    let shares = cut(model, decision, prover, count)?;
    let sizes = shares.iter().map(|share| size(prover, share.filter(model))).collect::<Result<Vec<_>>>()?;
    let read: usize = sizes.iter().map(|size| size.read).sum();
    // What was too much must be less in each of them.
    let is_less = |of: &dyn Fn(&Size) -> usize| {
        let most = sizes.iter().map(of).max().unwrap_or_default();
        of(&of_whole) > memory_bytes && most <= of(&of_whole) / 4 * 3
    };
    let is_worth_it = read * 10 <= of_whole.read * MOST_READ_TENTHS && (is_less(&held) || is_less(&written));
    tracing::debug!("`{}`: {of_whole:?} in {} shares that read {read}: {sizes:?}", model.model.name, shares.len());
    Ok(if is_worth_it { shares } else { vec![whole] })
}

/// Cuts what a decision asks for into so many shares, or fewer where fewer partitions are foreseen.
pub(super) fn cut(model: &PlannedModel, decision: &Decision, prover: &Prover<'_>, count: usize) -> Result<Vec<Share>> {
    let whole = Share::whole(model, decision)?;
    let foreseen: Vec<String> = foreseen(model, decision, prover)?.into_iter().collect();
    let count = count.min(foreseen.len());
    if count < 2 {
        return Ok(vec![whole]);
    }
    let first = &decide::types(model)?[0];
    let place = |number: usize| number * foreseen.len() / count;
    let share = |number: usize| {
        let whole = whole.clone();
        Ok(match number + 1 == count {
            true => Share { others: Some(Values::new(&foreseen[..place(number)], first)?), ..whole },
            false => Share { of: Some(Values::new(&foreseen[place(number)..place(number + 1)], first)?), ..whole },
        })
    };
    (0..count).map(share).collect()
}

/// Returns values of the first partition column that partitions to be made have: those of the last snapshot that are not kept, and those
/// that partitions of the inputs tell. Each is written as the published type writes it: one value has one text.
fn foreseen(model: &PlannedModel, decision: &Decision, prover: &Prover<'_>) -> Result<BTreeSet<String>> {
    let types = decide::types(model)?;
    let Some((column, data_type)) = model.model.partition_by.first().zip(types.first()) else {
        return Ok(BTreeSet::new());
    };
    let first = |values: &PartitionValues| values.0.first().cloned().flatten();
    // A table that was partitioned in another way says nothing of this one.
    let dirty: StringArray = decision.dirty.iter().map(|(values, _)| first(values)).collect();
    let mut told: Vec<ArrayRef> = vec![Arc::new(dirty)];
    if !decision.open.is_empty() {
        let of_one = narrow::is_partition(decide::output(&column.value), 0, data_type);
        let of_one = prover.optimized(Some(of_one))?;
        told.extend(depend::scans(&of_one, prover.inputs())?.iter().flat_map(Scan::told));
    }
    let mut found = BTreeSet::new();
    for values in told {
        // What is no value of the type comes out as NULL, and what cannot be one is passed over.
        let Ok(values) = cast(&values, data_type) else { continue };
        let rows = (0..values.len()).map(|row| PartitionValues::from_row(std::slice::from_ref(&values), row));
        found.extend(rows.collect::<Result<Vec<_>>>()?.iter().filter_map(first));
    }
    if model.model.partition_by.len() == 1 {
        for kept in decision.clean.iter().filter_map(|partition| first(&partition.values)) {
            found.remove(&kept);
        }
    }
    Ok(found)
}

/// How many values a plan reads, and how many of them it holds at a time at most, as far as tables tell.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    /// Rows below it, at most.
    rows: usize,
    /// Rows that it likely gives.
    given: usize,
    read: usize,
    held: usize,
}

fn size(prover: &Prover<'_>, filter: Option<Expr>) -> Result<Size> {
    size_of(&prover.optimized(filter)?, prover.inputs())
}

fn size_of(node: &LogicalPlan, inputs: &Inputs<'_>) -> Result<Size> {
    if let LogicalPlan::TableScan(read) = node
        && depend::is_table(read)?
    {
        let rows = depend::rows(read, inputs)?;
        return Ok(Size { rows, given: rows, read: rows * node.schema().fields().len(), held: 0 });
    }
    let below = node.inputs().into_iter().map(|input| Ok((size_of(input, inputs)?, input.schema().fields().len())));
    let below = below.collect::<Result<Vec<_>>>()?;
    let mut beside = Size::default();
    node.apply_subqueries(|subquery| {
        let size = size_of(subquery, inputs)?;
        beside = Size { read: beside.read + size.read, held: beside.held + size.held, ..beside };
        Ok(TreeNodeRecursion::Continue)
    })?;
    let most = below.iter().map(|(size, _)| size.rows).max().unwrap_or_default();
    let width = node.schema().fields().len();
    let (rows, held) = match node {
        LogicalPlan::Union(_) => (below.iter().map(|(size, _)| size.rows).sum(), 0),
        LogicalPlan::Aggregate(aggregate) if aggregate.group_expr.is_empty() => (1, 0),
        LogicalPlan::Aggregate(_) | LogicalPlan::Distinct(_) | LogicalPlan::Window(_) => (most, most * width),
        LogicalPlan::Sort(sort) if sort.fetch.is_none() => (most, most * width),
        LogicalPlan::Join(_) => (most, below.iter().map(|(size, width)| size.rows * width).min().unwrap_or_default()),
        _ => (most, 0),
    };
    let given = below.iter().map(|(size, _)| size.given);
    let given = match node {
        LogicalPlan::Union(_) => given.sum(),
        LogicalPlan::Aggregate(aggregate) if aggregate.group_expr.is_empty() => 1,
        LogicalPlan::Aggregate(_) | LogicalPlan::Distinct(_) => given.max().unwrap_or_default() / ROWS_OF_GROUP,
        _ => given.max().unwrap_or_default(),
    };
    Ok(Size {
        rows,
        given,
        read: beside.read + below.iter().map(|(size, _)| size.read).sum::<usize>(),
        held: held + beside.held + below.iter().map(|(size, _)| size.held).sum::<usize>(),
    })
}

fn rows(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
