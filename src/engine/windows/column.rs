//! One window as a column.
//!
//! | function | over what |
//! |---|---|
//! | `row_number`, `rank`, `dense_rank` | |
//! | `lag`, `lead` of a fixed number of rows, without a default | |
//! | `count`, `sum`, `min`, `max` | the partition; from its beginning to the row or to its peers |
//! | `count`, `sum` | the rows of an interval of days or months before a date in ascending order, to its peers |
//!
//! Sums are those of whole numbers and decimals, which do not depend on the order of rows; the least and the greatest those of numbers,
//! dates and times. Deliberately absent: `DISTINCT`, `FILTER`, `IGNORE NULLS`, and floats, whose sums and NaN the engine should decide about.

use std::{ops::Range, sync::Arc};

use arrow::{
    array::{
        Array, ArrayRef, ArrowNativeTypeOp, ArrowPrimitiveType, AsArray, Datum, Int64Array, PrimitiveArray,
        RecordBatch, UInt32Array, UInt64Array,
    },
    compute::{kernels::numeric::sub, partition, take},
    datatypes::{
        DataType, Date32Type, Decimal128Type, Int32Type, Int64Type, Schema, TimeUnit, TimestampMicrosecondType,
    },
};
use datafusion::{
    common::{ScalarValue, internal_datafusion_err},
    error::Result,
    logical_expr::{WindowFrame, WindowFrameBound, WindowFrameUnits},
    physical_expr::{
        PhysicalExpr, PhysicalSortExpr,
        aggregate::AggregateFunctionExpr,
        window::{PlainAggregateWindowExpr, SlidingAggregateWindowExpr, StandardWindowExpr},
    },
    physical_plan::{WindowExpr, windows::WindowUDFExpr},
};

/// How the debug form of an aggregate over a window ends that has no FILTER; nothing else tells.
const NO_FILTER: &str = "filter: None }";
/// The row, of so many, that a function is asked about.
const PROBED_ROW: usize = 50;
const PROBED_ROWS: usize = 101;

/// A window that can be computed for many partitions at once.
#[derive(Debug)]
pub(super) struct WindowColumn {
    window: Arc<dyn WindowExpr>,
    function: Function,
    data_type: DataType,
}

#[derive(Debug)]
enum Function {
    RowNumber,
    Rank,
    DenseRank,
    /// The value of a row so many rows before, or after where negative.
    Shift(i64),
    Aggregate(Aggregate, Frame),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Aggregate {
    Count,
    Sum,
    Min,
    Max,
}

/// Which rows of its partition a row sees.
#[derive(Debug)]
enum Frame {
    All,
    /// From the first to the row itself.
    ToRow,
    /// From the first to the last that is equal in order.
    ToPeers,
    /// From the first that is not further back than an interval to the last that is equal in order.
    Since(ScalarValue),
}

impl WindowColumn {
    /// Returns a window over such rows as a column, unless it is none of those of this module.
    pub fn new(window: &Arc<dyn WindowExpr>, rows: &Schema) -> Option<Self> {
        let data_type = window.field().ok()?.data_type().clone();
        let any = window.as_any();
        let function = if let Some(standard) = any.downcast_ref::<StandardWindowExpr>() {
            standard_function(standard, &data_type)?
        } else if let Some(plain) = any.downcast_ref::<PlainAggregateWindowExpr>() {
            aggregate(plain.get_aggregate_expr(), window, rows)?
        } else {
            let sliding = any.downcast_ref::<SlidingAggregateWindowExpr>()?;
            aggregate(sliding.get_aggregate_expr(), window, rows)?
        };
        Some(Self { window: Arc::clone(window), function, data_type })
    }

    pub fn partition_by(&self) -> &[Arc<dyn PhysicalExpr>] {
        self.window.partition_by()
    }

    pub fn order_by(&self) -> &[PhysicalSortExpr] {
        self.window.order_by()
    }

    /// Returns the values of the window in rows of whole partitions.
    pub fn evaluate(&self, rows: &RecordBatch, partitions: &Partitions) -> Result<ArrayRef> {
        let argument = || {
            let arguments = self.window.evaluate_args(rows)?;
            arguments.into_iter().next().ok_or_else(|| internal_datafusion_err!("a window function without arguments"))
        };
        match &self.function {
            Function::RowNumber => Ok(partitions.row_numbers()),
            Function::Rank => Ok(partitions.ranks(|place, _| place)),
            Function::DenseRank => Ok(partitions.ranks(|_, number| number)),
            Function::Shift(by) => Ok(take(&argument()?, &partitions.shifted(*by), None)?),
            Function::Aggregate(aggregate, frame) => {
                self.aggregated(*aggregate, &argument()?, &partitions.steps(frame)?)
            }
        }
    }

    fn aggregated(&self, aggregate: Aggregate, values: &ArrayRef, steps: &[Step]) -> Result<ArrayRef> {
        match (aggregate, values.data_type()) {
            (Aggregate::Count, _) => Ok(Arc::new(counts(values, steps))),
            (Aggregate::Sum, DataType::Int64) => Ok(self.typed(sums::<Int64Type>(values, steps))),
            (Aggregate::Sum, DataType::Decimal128(..)) => Ok(self.typed(sums::<Decimal128Type>(values, steps))),
            (_, DataType::Int32) => extremes::<Int32Type>(aggregate, values, steps),
            (_, DataType::Int64) => extremes::<Int64Type>(aggregate, values, steps),
            (_, DataType::Date32) => extremes::<Date32Type>(aggregate, values, steps),
            (_, DataType::Timestamp(..)) => extremes::<TimestampMicrosecondType>(aggregate, values, steps),
            (_, DataType::Decimal128(..)) => extremes::<Decimal128Type>(aggregate, values, steps),
            (_, other) => Err(internal_datafusion_err!("a window over {other} is the engine's")),
        }
    }

    fn typed<T: ArrowPrimitiveType>(&self, values: PrimitiveArray<T>) -> ArrayRef {
        Arc::new(values.with_data_type(self.data_type.clone()))
    }
}

fn standard_function(window: &StandardWindowExpr, data_type: &DataType) -> Option<Function> {
    let function: &WindowUDFExpr = window.get_standard_func_expr().as_any().downcast_ref()?;
    match function.fun().name() {
        "row_number" => Some(Function::RowNumber),
        "rank" => Some(Function::Rank),
        "dense_rank" => Some(Function::DenseRank),
        "lag" | "lead" => shift(window, data_type).map(Function::Shift),
        _ => None,
    }
}

/// Returns by how many rows a function moves values, learnt from the rows that it asks for and from what it gives where there is
/// none: whether it is turned round, leaves out NULLs, has a default or moves nothing is not told otherwise.
fn shift(window: &StandardWindowExpr, data_type: &DataType) -> Option<i64> {
    let mut evaluator = window.get_standard_func_expr().create_evaluator().ok()?;
    let asked = evaluator.get_range(PROBED_ROW, PROBED_ROWS).ok()?;
    let leaves_out_nulls = asked.start == 0 || asked.end == PROBED_ROWS;
    let only_row = ScalarValue::new_default(data_type).ok()?.to_array().ok()?;
    let given = evaluator.evaluate_all(&[only_row], 1).ok()?;
    let (before, after) = (PROBED_ROW.checked_sub(asked.start)?, asked.end.checked_sub(PROBED_ROW)?);
    let by = if before > 0 { i64::try_from(before).ok()? } else { -i64::try_from(after).ok()? };
    (by != 0 && !leaves_out_nulls && given.is_null(0)).then_some(by)
}

fn aggregate(function: &AggregateFunctionExpr, window: &Arc<dyn WindowExpr>, rows: &Schema) -> Option<Function> {
    let aggregate = match function.fun().name() {
        "count" => Aggregate::Count,
        "sum" => Aggregate::Sum,
        "min" => Aggregate::Min,
        "max" => Aggregate::Max,
        _ => return None,
    };
    let is_usual = !function.is_distinct() && !function.ignore_nulls() && function.order_bys().is_empty();
    let [argument] = <[_; 1]>::try_from(function.expressions()).ok()?;
    let is_alone = format!("{window:?}").ends_with(NO_FILTER);
    let is_typed = match aggregate {
        Aggregate::Count => true,
        Aggregate::Sum => matches!(argument.data_type(rows).ok()?, DataType::Int64 | DataType::Decimal128(..)),
        Aggregate::Min | Aggregate::Max => matches!(
            argument.data_type(rows).ok()?,
            DataType::Int32
                | DataType::Int64
                | DataType::Date32
                | DataType::Timestamp(TimeUnit::Microsecond, _)
                | DataType::Decimal128(..)
        ),
    };
    let frame = frame(window.get_window_frame(), window.order_by())?;
    let is_moving = matches!(frame, Frame::Since(_)) && !matches!(aggregate, Aggregate::Count | Aggregate::Sum);
    (is_usual && is_alone && is_typed && !is_moving).then_some(Function::Aggregate(aggregate, frame))
}

fn frame(frame: &WindowFrame, order_by: &[PhysicalSortExpr]) -> Option<Frame> {
    let ends_at_row = matches!(frame.end_bound, WindowFrameBound::CurrentRow);
    match (&frame.units, &frame.start_bound) {
        (_, start) if start.is_unbounded() && frame.end_bound.is_unbounded() => Some(Frame::All),
        (WindowFrameUnits::Rows, start) if start.is_unbounded() && ends_at_row => Some(Frame::ToRow),
        (WindowFrameUnits::Range, start) if start.is_unbounded() && ends_at_row => {
            Some(if order_by.is_empty() { Frame::All } else { Frame::ToPeers })
        }
        (WindowFrameUnits::Range, WindowFrameBound::Preceding(by)) if ends_at_row => {
            let is_interval = matches!(by, ScalarValue::IntervalMonthDayNano(Some(_)));
            let is_ascending = matches!(order_by, [only] if !only.options.descending);
            (is_interval && is_ascending).then(|| Frame::Since(by.clone()))
        }
        _ => None,
    }
}

/// Rows with one value of a window: those that it sees and those that have it.
struct Step {
    sees: Range<usize>,
    has: Range<usize>,
    /// Whether what the step before saw is all but the beginning of what this one sees.
    goes_on: bool,
}

/// The partitions of some rows.
pub(super) struct Partitions {
    all: Vec<Range<usize>>,
    order: Vec<ArrayRef>,
    /// Of each partition, the rows that are equal in order.
    peers: Vec<Range<usize>>,
}

impl Partitions {
    pub const fn new(all: Vec<Range<usize>>) -> Self {
        Self { all, order: Vec::new(), peers: Vec::new() }
    }

    /// Takes the columns by which the rows are ordered within their partitions.
    pub fn ordered_by(mut self, order: Vec<ArrayRef>) -> Result<Self> {
        self.peers = match order.is_empty() {
            true => self.all.clone(),
            false => cut(&self.all, &partition(&order)?.ranges()),
        };
        self.order = order;
        Ok(self)
    }

    fn rows(&self) -> usize {
        self.all.last().map_or(0, |last| last.end)
    }

    /// Calls `visit` with each partition and its peers.
    fn each(&self, mut visit: impl FnMut(&Range<usize>, &[Range<usize>])) {
        let mut rest = self.peers.as_slice();
        for range in &self.all {
            let (peers, behind) = rest.split_at(rest.partition_point(|peers| peers.start < range.end));
            rest = behind;
            visit(range, peers);
        }
    }

    fn row_numbers(&self) -> ArrayRef {
        let numbers: Vec<u64> = self.all.iter().flat_map(|range| 1..=count(range)).collect();
        Arc::new(UInt64Array::from(numbers))
    }

    /// Returns a number for each row, given its peers' place in the partition and which of its peers they are.
    fn ranks(&self, number: impl Fn(u64, u64) -> u64) -> ArrayRef {
        let mut numbers = Vec::with_capacity(self.rows());
        self.each(|range, peers| {
            for (peers, nth) in peers.iter().zip(1..) {
                let place = count(&(range.start..peers.start)) + 1;
                numbers.extend(std::iter::repeat_n(number(place, nth), peers.len()));
            }
        });
        Arc::new(UInt64Array::from(numbers))
    }

    /// Returns for each row the number of the row so many before it in its partition.
    fn shifted(&self, by: i64) -> UInt32Array {
        let distance = usize::try_from(by.unsigned_abs()).unwrap_or(usize::MAX);
        let row = |row: Option<usize>| row.and_then(|row| u32::try_from(row).ok());
        let of = |range: &Range<usize>| {
            let range = range.clone();
            range.clone().map(move |at| match by > 0 {
                true => row(at.checked_sub(distance).filter(|other| *other >= range.start)),
                false => row(at.checked_add(distance).filter(|other| *other < range.end)),
            })
        };
        self.all.iter().flat_map(of).collect()
    }

    /// Returns the steps of a frame, in order of rows.
    fn steps(&self, frame: &Frame) -> Result<Vec<Step>> {
        let whole = |range: &Range<usize>| Step { sees: range.clone(), has: range.clone(), goes_on: false };
        match frame {
            Frame::All => Ok(self.all.iter().map(whole).collect()),
            Frame::ToRow => {
                let rows = |range: &Range<usize>| running(range.start, range.clone().map(|row| row..row + 1));
                Ok(self.all.iter().flat_map(rows).collect())
            }
            Frame::ToPeers => {
                let mut steps = Vec::with_capacity(self.peers.len());
                self.each(|range, peers| steps.extend(running(range.start, peers.iter().cloned())));
                Ok(steps)
            }
            Frame::Since(interval) => self.since(interval),
        }
    }

    fn since(&self, interval: &ScalarValue) -> Result<Vec<Step>> {
        let [order] = self.order.as_slice() else {
            return Err(internal_datafusion_err!("an interval is one of a single column"));
        };
        let earliest = sub(order, &interval.to_scalar()? as &dyn Datum)?;
        // Comparing at once is cheaper than it is to search.
        let compare = arrow::array::make_comparator(order, &earliest, arrow::compute::SortOptions::default())?;
        let mut steps = Vec::with_capacity(self.peers.len());
        self.each(|range, peers| {
            let mut start = range.start;
            for peers in peers {
                let is_null = order.is_null(peers.start);
                let is_before = |row: usize| order.is_null(row) || compare(row, peers.start).is_lt();
                while start < peers.start && (is_null || is_before(start)) {
                    start += 1;
                }
                let goes_on = peers.start > range.start;
                steps.push(Step { sees: start..peers.end, has: peers.clone(), goes_on });
            }
        });
        Ok(steps)
    }
}

/// Returns the steps of a partition that begins at a row, in which each sees all rows up to its own.
fn running(start: usize, parts: impl Iterator<Item = Range<usize>>) -> impl Iterator<Item = Step> {
    parts.map(move |part| Step { sees: start..part.end, goes_on: part.start > start, has: part })
}

/// Cuts ranges at the beginnings of others.
fn cut(all: &[Range<usize>], others: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut cuts: Vec<usize> = all.iter().chain(others).map(|range| range.start).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let ends = cuts.iter().skip(1).copied().chain(all.last().map(|last| last.end));
    cuts.iter().zip(ends).map(|(start, end)| *start..end).collect()
}

fn count(range: &Range<usize>) -> u64 {
    range.len() as u64
}

/// Calls `add` with each row that comes into sight and `drop` with each that goes out of it, and then `tell` for each row.
fn walk<S: Default>(
    steps: &[Step],
    mut add: impl FnMut(&mut S, usize),
    mut drop: impl FnMut(&mut S, usize),
    mut tell: impl FnMut(&S, usize),
) {
    let mut state = S::default();
    let mut seen = 0..0;
    for step in steps {
        if !step.goes_on {
            state = S::default();
            seen = step.sees.start..step.sees.start;
        }
        (seen.end..step.sees.end).for_each(|row| add(&mut state, row));
        (seen.start..step.sees.start).for_each(|row| drop(&mut state, row));
        seen = step.sees.clone();
        tell(&state, step.has.len());
    }
}

fn counts(values: &ArrayRef, steps: &[Step]) -> Int64Array {
    let valid = |row: usize| i64::from(values.is_valid(row));
    let mut counts = Vec::with_capacity(values.len());
    walk(
        steps,
        |count: &mut i64, row| *count += valid(row),
        |count, row| *count -= valid(row),
        |count, rows| counts.extend(std::iter::repeat_n(*count, rows)),
    );
    Int64Array::from(counts)
}

fn sums<T: ArrowPrimitiveType>(values: &ArrayRef, steps: &[Step]) -> PrimitiveArray<T> {
    let values = values.as_primitive::<T>();
    let mut sums: Vec<Option<T::Native>> = Vec::with_capacity(values.len());
    walk(
        steps,
        |(sum, count): &mut (T::Native, usize), row| {
            if values.is_valid(row) {
                (*sum, *count) = (sum.add_wrapping(values.value(row)), *count + 1);
            }
        },
        |(sum, count), row| {
            if values.is_valid(row) {
                (*sum, *count) = (sum.sub_wrapping(values.value(row)), *count - 1);
            }
        },
        |(sum, count), rows| sums.extend(std::iter::repeat_n((*count > 0).then_some(*sum), rows)),
    );
    sums.into_iter().collect()
}

/// Returns the least or the greatest values, which are rows of the column.
fn extremes<T: ArrowPrimitiveType>(aggregate: Aggregate, column: &ArrayRef, steps: &[Step]) -> Result<ArrayRef> {
    let values = column.as_primitive::<T>();
    let is_better = |row: usize, best: usize| match aggregate {
        Aggregate::Max => values.value(row).is_gt(values.value(best)),
        _ => values.value(row).is_lt(values.value(best)),
    };
    let mut found: Vec<Option<u32>> = Vec::with_capacity(values.len());
    walk(
        steps,
        |best: &mut Option<usize>, row| {
            if values.is_valid(row) && best.is_none_or(|best| is_better(row, best)) {
                *best = Some(row);
            }
        },
        |_, _| {},
        |best, rows| found.extend(std::iter::repeat_n(best.and_then(|row| u32::try_from(row).ok()), rows)),
    );
    Ok(take(column, &UInt32Array::from(found), None)?)
}
