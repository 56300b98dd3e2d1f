//! A set of values of some columns as a predicate over rows: any number of columns, one lookup a row.

use std::{
    collections::HashSet,
    hash::{Hash, Hasher},
    sync::Arc,
};

use arrow::{
    array::{Array, ArrayRef, BooleanArray},
    compute::cast,
    datatypes::DataType,
    row::{RowConverter, SortField},
};
use datafusion::{
    common::ScalarValue,
    error::Result,
    logical_expr::{ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility},
};

/// What is asked of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Asks {
    /// Whether it lies in none of some partitions; NULL equals NULL.
    IsOtherPartition,
    /// Whether it bears one of some keys, none of which has a NULL; NULL where one of its values is.
    IsChangedKey,
}

/// Values of some columns, and what is asked about them.
#[derive(Debug, Clone)]
pub struct ValueSet {
    asks: Asks,
    types: Arc<[DataType]>,
    /// Each member in Arrow's row encoding.
    members: Arc<HashSet<Box<[u8]>>>,
    signature: Signature,
}

impl ValueSet {
    /// Begins a set of values of these types.
    #[must_use]
    pub fn new(asks: Asks, types: &[DataType]) -> Self {
        let signature = Signature::any(types.len(), Volatility::Immutable);
        Self { asks, types: types.into(), members: Arc::default(), signature }
    }

    /// Adds the values of some rows, given their columns; a row with a NULL has no key.
    ///
    /// # Errors
    /// When a column has another type than the set.
    pub fn extend(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let rows = self.converter()?.convert_columns(columns)?;
        let is_key = self.asks == Asks::IsChangedKey;
        let members = Arc::make_mut(&mut self.members);
        let taken = rows.iter().enumerate().filter(|(row, _)| !is_key || is_whole(columns, *row));
        members.extend(taken.map(|(_, row)| row.as_ref().into()));
        Ok(())
    }

    /// Returns how many members there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Returns whether there is no member.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Returns what is asked, for each row, given its columns.
    ///
    /// # Errors
    /// When a column has another type than the set and cannot be cast to it.
    pub fn answers(&self, columns: &[ArrayRef]) -> Result<BooleanArray> {
        let typed = columns.iter().zip(self.types.iter()).map(|(column, to)| cast(column, to));
        let typed = typed.collect::<std::result::Result<Vec<_>, _>>()?;
        let rows = self.converter()?.convert_columns(&typed)?;
        let answer = |(index, row): (usize, &[u8])| match self.asks {
            Asks::IsOtherPartition => Some(!self.members.contains(row)),
            Asks::IsChangedKey => is_whole(&typed, index).then(|| self.members.contains(row)),
        };
        Ok((0..rows.num_rows()).map(|index| answer((index, rows.row(index).as_ref()))).collect())
    }

    /// Returns the predicate over columns.
    #[must_use]
    pub fn call(&self, columns: Vec<Expr>) -> Expr {
        ScalarUDF::new_from_impl(self.clone()).call(columns)
    }

    fn converter(&self) -> Result<RowConverter> {
        Ok(RowConverter::new(self.types.iter().cloned().map(SortField::new).collect())?)
    }
}

/// Returns whether no value of a row is NULL.
fn is_whole(columns: &[ArrayRef], row: usize) -> bool {
    columns.iter().all(|column| column.is_valid(row))
}

impl PartialEq for ValueSet {
    fn eq(&self, other: &Self) -> bool {
        let is_same = Arc::ptr_eq(&self.members, &other.members) || self.members == other.members;
        self.asks == other.asks && self.types == other.types && is_same
    }
}

impl Eq for ValueSet {}

impl Hash for ValueSet {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.asks.hash(state);
        self.types.hash(state);
        self.members.len().hash(state);
    }
}

impl ScalarUDFImpl for ValueSet {
    fn name(&self) -> &'static str {
        match self.asks {
            Asks::IsOtherPartition => "is_other_partition",
            Asks::IsChangedKey => "is_changed_key",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let answers = self.answers(&ColumnarValue::values_to_arrays(&args.args)?)?;
        let is_scalar = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        if is_scalar && answers.len() == 1 {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&answers, 0)?));
        }
        Ok(ColumnarValue::Array(Arc::new(answers)))
    }
}
