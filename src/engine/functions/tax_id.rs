//! Tax ids: whether a text can be a 统一社会信用代码.
//!
//! In: a text in upper case without blanks. Out: a [`Verdict`]. Contracts ask the same question while they type rows, so
//! there is one answer.

mod verdict;

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, AsArray, BooleanArray},
    compute::cast,
    datatypes::DataType,
};
use datafusion::{
    common::ScalarValue,
    error::Result,
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility},
};

pub use self::verdict::{Verdict, judge};
use super::{Description, Example, Kind};

/// What is said of the function.
pub(super) const DESCRIPTION: Description = Description {
    name: "is_tax_id",
    kind: Kind::Scalar,
    signature: "is_tax_id(text VARCHAR) → BOOLEAN",
    text: "Whether a text can be a Chinese tax id (统一社会信用代码): 18 signs whose last one checks the others (GB 32100-2015), or the 15 of an older registration. Lower case, blanks and hyphens do not matter, as in a contract's `clean: tax_id`.",
    nulls: "NULL for NULL.",
    examples: &[
        Example { sql: "SELECT is_tax_id('91350100M000100Y43')", answer: "true" },
        Example { sql: "SELECT is_tax_id('91350100-m000 100y42')", answer: "false" },
    ],
};

/// Returns the function.
pub(super) fn function() -> ScalarUDF {
    ScalarUDF::new_from_impl(IsTaxId { signature: Signature::string(1, Volatility::Immutable) })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct IsTaxId {
    signature: Signature,
}

impl ScalarUDFImpl for IsTaxId {
    fn name(&self) -> &'static str {
        DESCRIPTION.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match &args.args[0] {
            ColumnarValue::Scalar(text) => {
                let judged = are_tax_ids(&text.to_array()?)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&judged, 0)?))
            }
            ColumnarValue::Array(texts) => Ok(ColumnarValue::Array(Arc::new(are_tax_ids(texts)?))),
        }
    }
}

fn are_tax_ids(texts: &ArrayRef) -> Result<BooleanArray> {
    let texts = cast(texts, &DataType::Utf8)?;
    let mut cleaned = String::new();
    let mut is_tax_id = |text: &str| {
        cleaned.clear();
        cleaned.extend(text.chars().filter(char::is_ascii_alphanumeric).map(|sign| sign.to_ascii_uppercase()));
        judge(&cleaned) == Verdict::Possible
    };
    Ok(texts.as_string::<i32>().iter().map(|text| text.map(&mut is_tax_id)).collect())
}
