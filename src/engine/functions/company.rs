//! Names of companies as keys: what two spellings of one name have in common.
//!
//! ```text
//!  （山東）重工  Co.,Ltd ─ NFKC, case, simplified, punctuation ─► words: 山东 重工 co ltd ─► 山东重工coltd   name_key
//!                                                               └─ endings off ─► 山东 重工  ─► 山东重工        company_stem
//! ```
//!
//! Deliberately without dictionaries of places and trades: whether a place in a name tells companies apart is for whoever
//! compares them.

use std::sync::Arc;

use super::{
    Description, Example, Kind,
    folding::{endings, fold, strip_endings},
};
use arrow::{
    array::{Array, ArrayRef, AsArray, StringBuilder},
    compute::cast,
    datatypes::DataType,
};
use datafusion::{
    common::ScalarValue,
    error::Result,
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility},
};

/// What is said of the functions.
pub(super) const DESCRIPTIONS: [Description; 2] = [
    Description {
        name: "name_key",
        kind: Kind::Scalar,
        signature: "name_key(name VARCHAR) → VARCHAR",
        text: "A name as a key under which its spellings agree: compatibility forms and full width folded (NFKC), lower case, traditional characters simplified, and nothing but letters, digits and ideographs left.",
        nulls: "NULL for NULL, and for a name of which nothing is left, so that two empty names do not agree.",
        examples: &[
            Example {
                sql: "SELECT name_key('山東重工　機械（集團）有限公司')", answer: "山东重工机械集团有限公司"
            },
            Example { sql: "SELECT name_key('ＡＣＭＥ Trading Co., Ltd.')", answer: "acmetradingcoltd" },
        ],
    },
    Description {
        name: "company_stem",
        kind: Kind::Scalar,
        signature: "company_stem(name VARCHAR) → VARCHAR",
        text: "The key of a name without the endings that say what kind of company it is (有限公司, 集团, Co., Ltd., GmbH, …; the list is `src/engine/functions/company_suffixes.txt`). Endings go one after the other; a name that is nothing but endings stays whole.",
        nulls: "NULL for NULL, and for a name of which nothing is left.",
        examples: &[
            Example {
                sql: "SELECT company_stem('山東重工機械（集團）股份有限公司')", answer: "山东重工机械"
            },
            Example { sql: "SELECT company_stem('Costco Co., Ltd.')", answer: "costco" },
            Example { sql: "SELECT company_stem('有限公司')", answer: "有限公司" },
        ],
    },
];

/// Returns the functions.
pub(super) fn functions() -> [ScalarUDF; 2] {
    [false, true].map(|is_stem| {
        let signature = Signature::string(1, Volatility::Immutable);
        ScalarUDF::new_from_impl(NameFunction { is_stem, signature })
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct NameFunction {
    is_stem: bool,
    signature: Signature,
}

impl ScalarUDFImpl for NameFunction {
    fn name(&self) -> &'static str {
        if self.is_stem { "company_stem" } else { "name_key" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match &args.args[0] {
            ColumnarValue::Scalar(name) => {
                let keys = self.keys(&name.to_array()?)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&keys, 0)?))
            }
            ColumnarValue::Array(names) => Ok(ColumnarValue::Array(self.keys(names)?)),
        }
    }
}

impl NameFunction {
    fn keys(&self, names: &ArrayRef) -> Result<ArrayRef> {
        let names = cast(names, &DataType::Utf8)?;
        let names = names.as_string::<i32>();
        let mut keys = StringBuilder::with_capacity(names.len(), names.value_data().len());
        let mut folded = String::new();
        for name in names {
            let Some(name) = name else {
                keys.append_null();
                continue;
            };
            fold(name, &mut folded);
            let mut words: Vec<&str> = folded.split_ascii_whitespace().collect();
            if self.is_stem {
                strip_endings(&mut words, endings());
            }
            keys.append_option((!words.is_empty()).then(|| words.concat()));
        }
        Ok(Arc::new(keys.finish()))
    }
}

#[cfg(test)]
mod tests {
    use super::{super::folding::SUFFIXES, *};
    use proptest::prelude::*;

    fn key(name: &str, is_stem: bool) -> String {
        let mut folded = String::new();
        fold(name, &mut folded);
        let mut words: Vec<&str> = folded.split_ascii_whitespace().collect();
        if is_stem {
            strip_endings(&mut words, endings());
        }
        words.concat()
    }

    #[test]
    fn spellings_of_one_name_have_one_key() {
        for name in
            ["山东重工集团有限公司", "山東重工集團有限公司", " 山东重工（集团）有限公司 ", "山东重工·集团 有限公司"]
        {
            assert_eq!(key(name, false), "山东重工集团有限公司", "{name}");
        }
        assert_eq!(key("Müller & Söhne GmbH", false), key("MÜLLER & SÖHNE G.M.B.H.", false));
        assert_eq!(key("STRASSE", false), key("straße", false));
    }

    #[test]
    fn endings_go_and_names_stay() {
        for (name, stem) in [
            ("山东重工集团股份有限公司", "山东重工"),
            ("山东重工Co.,Ltd", "山东重工"),
            ("山东重工机械有限公司济南分公司", "山东重工机械有限公司济南"),
            ("㈱コマツ", "株コマツ"),
            ("コマツ㈱", "コマツ"),
            ("Acme Holdings Pty. Ltd.", "acme"),
            ("Budmat Sp. z o.o.", "budmat"),
            ("Costco", "costco"),
            ("Ltd", "ltd"),
            ("集团有限公司", "集团有限公司"),
            ("Co. Ltd.", "coltd"),
        ] {
            assert_eq!(key(name, true), stem, "{name}");
        }
    }

    #[test]
    fn every_ending_is_written_as_a_folded_name_has_it() {
        for line in SUFFIXES.lines().filter(|line| !line.starts_with('#')) {
            assert_eq!(key(line, false), line.replace(' ', ""), "{line}");
        }
    }

    proptest! {
        #[test]
        fn a_key_is_its_own_key(name in "[a-zA-Zａ-ｚ0-9 .,&()（）山东東重工集團团限公司有ßéÉ㈱①-]{0,20}") {
            let once = key(&name, false);
            prop_assert_eq!(key(&once, false), once);
        }

        #[test]
        fn a_stem_begins_its_key_and_is_empty_only_where_the_key_is(name in "\\PC{0,20}") {
            let (key, stem) = (key(&name, false), key(&name, true));
            prop_assert!(key.starts_with(&stem));
            prop_assert_eq!(key.is_empty(), stem.is_empty());
        }
    }
}
