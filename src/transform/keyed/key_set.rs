//! A set of keys as a predicate over rows: which rows bear one of them.

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

/// Keys of some columns, none of them with a NULL.
#[derive(Debug, Clone)]
pub(super) struct KeySet {
    types: Arc<[DataType]>,
    /// Each key in Arrow's row encoding.
    members: Arc<HashSet<Box<[u8]>>>,
    signature: Signature,
}

impl KeySet {
    /// Begins a set of keys of these types.
    pub fn new(types: &[DataType]) -> Self {
        let signature = Signature::any(types.len(), Volatility::Immutable);
        Self { types: types.into(), members: Arc::default(), signature }
    }

    /// Adds the keys of some rows, given their columns; a row with a NULL has none.
    pub fn extend(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let rows = self.converter()?.convert_columns(columns)?;
        let members = Arc::make_mut(&mut self.members);
        for (index, row) in rows.iter().enumerate() {
            if columns.iter().all(|column| column.is_valid(index)) {
                members.insert(row.as_ref().into());
            }
        }
        Ok(())
    }

    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Returns the predicate `(columns) is one of the keys`; NULL where one of them is.
    pub fn holds(&self, columns: Vec<Expr>) -> Expr {
        ScalarUDF::new_from_impl(self.clone()).call(columns)
    }

    fn converter(&self) -> Result<RowConverter> {
        Ok(RowConverter::new(self.types.iter().cloned().map(SortField::new).collect())?)
    }

    fn of(&self, columns: &[ArrayRef]) -> Result<BooleanArray> {
        let typed = columns.iter().zip(self.types.iter()).map(|(column, to)| cast(column, to));
        let typed = typed.collect::<std::result::Result<Vec<_>, _>>()?;
        let rows = self.converter()?.convert_columns(&typed)?;
        let is_whole = |index: usize| typed.iter().all(|column| column.is_valid(index));
        let held =
            rows.iter().enumerate().map(|(index, row)| is_whole(index).then(|| self.members.contains(row.as_ref())));
        Ok(held.collect())
    }
}

impl PartialEq for KeySet {
    fn eq(&self, other: &Self) -> bool {
        self.types == other.types && (Arc::ptr_eq(&self.members, &other.members) || self.members == other.members)
    }
}

impl Eq for KeySet {}

impl Hash for KeySet {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.types.hash(state);
        self.members.len().hash(state);
    }
}

impl ScalarUDFImpl for KeySet {
    fn name(&self) -> &'static str {
        "is_changed_key"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let columns = ColumnarValue::values_to_arrays(&args.args)?;
        let held = self.of(&columns)?;
        let is_scalar = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        if is_scalar && held.len() == 1 {
            return Ok(ColumnarValue::Scalar(ScalarValue::Boolean(held.is_valid(0).then(|| held.value(0)))));
        }
        Ok(ColumnarValue::Array(Arc::new(held)))
    }
}
