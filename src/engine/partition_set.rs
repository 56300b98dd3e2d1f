//! A set of partitions as a predicate over rows: NULL equals NULL, any number of columns, one lookup a row.

use std::{
    collections::HashSet,
    hash::{Hash, Hasher},
    sync::Arc,
};

use arrow::{
    array::{ArrayRef, BooleanArray},
    compute::cast,
    datatypes::DataType,
    row::{RowConverter, SortField},
};
use datafusion::{
    common::ScalarValue,
    error::Result,
    logical_expr::{ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility},
};

use crate::record::PartitionValues;

/// Partitions of one table, for asking which rows lie in none of them.
#[derive(Debug, Clone)]
pub struct PartitionSet {
    types: Arc<[DataType]>,
    /// Each partition's values in Arrow's row encoding.
    members: Arc<HashSet<Vec<u8>>>,
    signature: Signature,
}

impl PartitionSet {
    /// Collects partitions whose columns have these types.
    ///
    /// # Errors
    /// When a value is none of its type.
    pub fn new<'a>(partitions: impl IntoIterator<Item = &'a PartitionValues>, types: &[DataType]) -> Result<Self> {
        let converter = converter(types)?;
        let mut members = HashSet::new();
        for values in partitions {
            let columns = values.to_scalars(types)?.iter().map(ScalarValue::to_array).collect::<Result<Vec<_>>>()?;
            let rows = converter.convert_columns(&columns)?;
            members.extend(rows.iter().map(|row| row.as_ref().to_vec()));
        }
        let signature = Signature::any(types.len(), Volatility::Immutable);
        Ok(Self { types: types.into(), members: Arc::new(members), signature })
    }

    /// Returns which rows lie in none of the partitions, given the partition columns.
    ///
    /// # Errors
    /// When a column has another type than the set and cannot be cast to it.
    pub fn others(&self, columns: &[ArrayRef]) -> Result<BooleanArray> {
        let typed = columns.iter().zip(self.types.iter()).map(|(column, to)| cast(column, to));
        let rows = converter(&self.types)?.convert_columns(&typed.collect::<std::result::Result<Vec<_>, _>>()?)?;
        Ok(rows.iter().map(|row| Some(!self.members.contains(row.as_ref()))).collect())
    }

    /// Returns the predicate `(columns) lie in none of the partitions`.
    #[must_use]
    pub fn is_other(&self, columns: Vec<Expr>) -> Expr {
        ScalarUDF::new_from_impl(self.clone()).call(columns)
    }
}

fn converter(types: &[DataType]) -> Result<RowConverter> {
    Ok(RowConverter::new(types.iter().cloned().map(SortField::new).collect())?)
}

impl PartialEq for PartitionSet {
    fn eq(&self, other: &Self) -> bool {
        self.types == other.types && self.members == other.members
    }
}

impl Eq for PartitionSet {}

impl Hash for PartitionSet {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.types.hash(state);
        self.members.len().hash(state);
    }
}

impl ScalarUDFImpl for PartitionSet {
    fn name(&self) -> &'static str {
        "is_other_partition"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let columns = ColumnarValue::values_to_arrays(&args.args)?;
        let others = self.others(&columns)?;
        let is_scalar = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        if is_scalar && others.len() == 1 {
            return Ok(ColumnarValue::Scalar(ScalarValue::Boolean(Some(others.value(0)))));
        }
        Ok(ColumnarValue::Array(Arc::new(others)))
    }
}
