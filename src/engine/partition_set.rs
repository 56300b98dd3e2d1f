//! A set of partitions as a predicate over rows: NULL equals NULL.

use arrow::{
    array::{ArrayRef, BooleanArray},
    datatypes::DataType,
};
use datafusion::{common::ScalarValue, error::Result, logical_expr::Expr};

use super::value_set::{Asks, ValueSet};
use crate::record::PartitionValues;

/// Partitions of one table, for asking which rows lie in none of them.
#[derive(Debug, Clone)]
pub struct PartitionSet(ValueSet);

impl PartitionSet {
    /// Collects partitions whose columns have these types.
    ///
    /// # Errors
    /// When a value is none of its type.
    pub fn new<'a>(partitions: impl IntoIterator<Item = &'a PartitionValues>, types: &[DataType]) -> Result<Self> {
        let mut set = ValueSet::new(Asks::IsOtherPartition, types);
        for values in partitions {
            set.extend(&values.to_scalars(types)?.iter().map(ScalarValue::to_array).collect::<Result<Vec<_>>>()?)?;
        }
        Ok(Self(set))
    }

    /// Returns which rows lie in none of the partitions, given the partition columns.
    ///
    /// # Errors
    /// When a column has another type than the set and cannot be cast to it.
    pub fn others(&self, columns: &[ArrayRef]) -> Result<BooleanArray> {
        self.0.answers(columns)
    }

    /// Returns the predicate `(columns) lie in none of the partitions`.
    #[must_use]
    pub fn is_other(&self, columns: Vec<Expr>) -> Expr {
        self.0.call(columns)
    }
}
