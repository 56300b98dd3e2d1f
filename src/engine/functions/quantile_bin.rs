//! Bins of equal size in which equal values share a bin.
//!
//! `ntile` cuts between equal values wherever a bin is full, so which of them lies on which side depends on the order of
//! rows. Here all rows with one value of the ORDER BY get the bin that `ntile` gives to the first of them.

use std::{ops::Range, sync::Arc};

use arrow::{
    array::{ArrayRef, Int64Array},
    datatypes::{DataType, Field, FieldRef},
};
use datafusion::{
    common::{ScalarValue, exec_datafusion_err},
    error::Result,
    logical_expr::{
        LimitEffect, PartitionEvaluator, Signature, Volatility, WindowUDF, WindowUDFImpl,
        function::{PartitionEvaluatorArgs, WindowUDFFieldArgs},
    },
    physical_expr::expressions::Literal,
    physical_plan::PhysicalExpr,
};

use super::{Description, Example, Kind};

/// What is said of the function.
pub(super) const DESCRIPTION: Description = Description {
    name: "quantile_bin",
    kind: Kind::Window,
    signature: "quantile_bin(bins BIGINT) OVER ([PARTITION BY …] ORDER BY …) → BIGINT",
    text: "The number of the bin, from 1, when rows in their order are cut into as many bins of equal size. Rows with equal values of the ORDER BY are in one bin: the one that `ntile` gives to the first of them. Without equal values it is `ntile`. The number of bins is a literal. A bin may stay empty.",
    nulls: "NULL is a value of the ORDER BY like any other: first or last, as its NULLS FIRST or NULLS LAST says.",
    examples: &[
        Example {
            sql: "SELECT string_agg(CAST(bin AS VARCHAR), ' ' ORDER BY x) FROM (SELECT x, quantile_bin(2) OVER (ORDER BY x) AS bin FROM (VALUES (10), (20), (20), (20)) AS t(x))",
            answer: "1 1 1 1",
        },
        Example {
            sql: "SELECT string_agg(CAST(bin AS VARCHAR), ' ' ORDER BY x) FROM (SELECT x, quantile_bin(3) OVER (ORDER BY x) AS bin FROM (VALUES (10), (20), (30), (40)) AS t(x))",
            answer: "1 1 2 3",
        },
    ],
};

/// Returns the function.
pub(super) fn function() -> WindowUDF {
    let signature = Signature::exact(vec![DataType::Int64], Volatility::Immutable);
    WindowUDF::new_from_impl(QuantileBin { signature })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct QuantileBin {
    signature: Signature,
}

impl WindowUDFImpl for QuantileBin {
    fn name(&self) -> &'static str {
        DESCRIPTION.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn partition_evaluator(&self, args: PartitionEvaluatorArgs) -> Result<Box<dyn PartitionEvaluator>> {
        let literal = args.input_exprs().first().and_then(|expr| expr.downcast_ref::<Literal>()).map(Literal::value);
        let bins = match literal {
            Some(ScalarValue::Int64(Some(bins))) => usize::try_from(*bins).ok().filter(|bins| *bins > 0),
            _ => None,
        };
        let bins =
            bins.ok_or_else(|| exec_datafusion_err!("quantile_bin takes a literal number of bins, 1 or more"))?;
        Ok(Box::new(Bins { bins }))
    }

    fn field(&self, args: WindowUDFFieldArgs) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(args.name(), DataType::Int64, false)))
    }

    fn limit_effect(&self, _: &[Arc<dyn PhysicalExpr>]) -> LimitEffect {
        LimitEffect::Unknown
    }
}

#[derive(Debug)]
struct Bins {
    bins: usize,
}

impl PartitionEvaluator for Bins {
    fn include_rank(&self) -> bool {
        true
    }

    fn evaluate_all_with_rank(&self, num_rows: usize, ranks_in_partition: &[Range<usize>]) -> Result<ArrayRef> {
        let mut numbers = Vec::with_capacity(num_rows);
        for equals in ranks_in_partition {
            let bin = i64::try_from(bin(equals.start, num_rows, self.bins)).unwrap_or(i64::MAX);
            numbers.extend(std::iter::repeat_n(bin, equals.len()));
        }
        Ok(Arc::new(Int64Array::from(numbers)))
    }
}

/// Returns the bin of the row at an index: the first bins have one row more where rows are left over.
fn bin(index: usize, rows: usize, bins: usize) -> usize {
    let (size, larger) = (rows / bins, rows % bins);
    let in_larger = larger * (size + 1);
    if index < in_larger { index / (size + 1) + 1 } else { larger + (index - in_larger) / size.max(1) + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_are_as_equal_as_they_can_be_and_the_first_are_the_larger() {
        let all = |rows: usize, bins: usize| (0..rows).map(|index| bin(index, rows, bins)).collect::<Vec<_>>();
        assert_eq!(all(10, 4), [1, 1, 1, 2, 2, 2, 3, 3, 4, 4]);
        assert_eq!(all(3, 5), [1, 2, 3]);
        assert_eq!(all(4, 1), [1, 1, 1, 1]);
    }
}
