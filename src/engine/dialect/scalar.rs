//! The frame of a function of the dialect: a name, how many arguments, what type comes out, and what is computed of columns.

use std::{
    fmt,
    hash::{Hash, Hasher},
};

use arrow::{array::ArrayRef, datatypes::DataType};
use datafusion::{
    common::ScalarValue,
    error::Result,
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility},
};

/// A function that is decided by its arguments, row by row.
pub(super) struct Scalar {
    name: String,
    signature: Signature,
    to: DataType,
    compute: fn(&[ArrayRef], &DataType) -> Result<ArrayRef>,
}

/// Fingerprints of plans are taken of this: without the function's address, which is another one in every run.
impl fmt::Debug for Scalar {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, signature, to, compute: _ } = self;
        formatter.debug_struct("Scalar").field("name", name).field("signature", signature).field("to", to).finish()
    }
}

impl Scalar {
    /// Makes a function of `arguments` columns of any types; `compute` gets them equally long, and the type to return.
    pub(super) fn function(
        name: impl Into<String>,
        arguments: usize,
        to: DataType,
        compute: fn(&[ArrayRef], &DataType) -> Result<ArrayRef>,
    ) -> ScalarUDF {
        Self::with_signature(name, Signature::any(arguments, Volatility::Immutable), to, compute)
    }

    /// Makes a function of other numbers of arguments.
    pub(super) fn with_signature(
        name: impl Into<String>,
        signature: Signature,
        to: DataType,
        compute: fn(&[ArrayRef], &DataType) -> Result<ArrayRef>,
    ) -> ScalarUDF {
        ScalarUDF::new_from_impl(Self { name: name.into(), signature, to, compute })
    }
}

impl PartialEq for Scalar {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, &self.signature, &self.to) == (&other.name, &other.signature, &other.to)
    }
}

impl Eq for Scalar {}

impl Hash for Scalar {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.name, &self.signature, &self.to).hash(state);
    }
}

impl ScalarUDFImpl for Scalar {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.to.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_scalar = args.args.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
        let columns = ColumnarValue::values_to_arrays(&args.args)?;
        let computed = (self.compute)(&columns, &self.to)?;
        if is_scalar {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&computed, 0)?));
        }
        Ok(ColumnarValue::Array(computed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fingerprints_are_taken_of_names_no_address() {
        let first = Scalar::function("day_name", 1, DataType::Utf8, |columns, _| Ok(columns[0].clone()));
        let other = Scalar::function("day_name", 1, DataType::Utf8, |_, to| Ok(arrow::array::new_null_array(to, 1)));
        assert_eq!(format!("{first:?}"), format!("{other:?}"));
    }
}
