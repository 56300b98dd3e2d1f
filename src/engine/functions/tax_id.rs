//! Tax ids: whether a text can be a 统一社会信用代码.
//!
//! In: a text in upper case without blanks. Out: a [`Verdict`]. Contracts ask the same question while they type rows, so
//! there is one answer.

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

use super::{Description, Example, Kind};

/// The signs in the order of their values (GB 32100-2015): no I, O, S, V and Z.
const SIGNS: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
/// Signs of a 统一社会信用代码, the last of which checks the others.
const LENGTH: usize = 18;
/// Signs of an older registration, which has no check.
const OLD_LENGTH: usize = 15;

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

/// What a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// A tax id, as far as it shows.
    Possible,
    /// It has so many signs, not 18 or 15.
    Length(usize),
    /// It has a sign that no tax id has.
    Sign,
    /// Its check digit should be this one.
    CheckDigit(char),
}

/// Judges a text of upper-case letters and digits.
#[must_use]
pub fn judge(text: &str) -> Verdict {
    let signs = text.as_bytes();
    match signs.len() {
        OLD_LENGTH => Verdict::Possible,
        LENGTH => match check_sign(&signs[..LENGTH - 1]) {
            None => Verdict::Sign,
            Some(expected) if expected == signs[LENGTH - 1] => Verdict::Possible,
            Some(expected) => Verdict::CheckDigit(char::from(expected)),
        },
        length => Verdict::Length(length),
    }
}

/// Returns the last sign: 31 − Σ value × 3^place mod 31, modulo 31.
fn check_sign(signs: &[u8]) -> Option<u8> {
    let (mut sum, mut weight) = (0, 1);
    for sign in signs {
        sum += SIGNS.iter().position(|known| known == sign)? * weight;
        weight = weight * 3 % 31;
    }
    SIGNS.get((31 - sum % 31) % 31).copied()
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tax_id_is_judged_by_its_length_its_signs_and_its_check_digit() {
        assert_eq!(judge("91350100M000100Y43"), Verdict::Possible);
        assert_eq!(judge("91350100M000100Y42"), Verdict::CheckDigit('3'));
        assert_eq!(judge("91350100M000100I43"), Verdict::Sign);
        assert_eq!(judge("370102123456789"), Verdict::Possible);
        assert_eq!(judge("9135"), Verdict::Length(4));
        assert_eq!(judge(""), Verdict::Length(0));
    }

    #[test]
    fn one_wrong_sign_is_always_found() {
        let valid = b"91350100M000100Y43";
        for place in 0..valid.len() {
            for sign in SIGNS.iter().filter(|sign| **sign != valid[place]) {
                let mut wrong = *valid;
                wrong[place] = *sign;
                assert_ne!(judge(&String::from_utf8_lossy(&wrong)), Verdict::Possible, "{place}");
            }
        }
    }
}
