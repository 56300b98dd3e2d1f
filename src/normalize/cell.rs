//! From a cell to the text of a value: trim → fold → codes → null words → clean → default.
//!
//! Codes come before null words, so that a contract can give `-` a meaning. A default is taken as written: neither the
//! file's decimal mark nor an alias's factor applies to it.

use std::borrow::Cow;

use super::{
    clean,
    codes::{CodeBook, Lookup},
    fault::Fault,
    number::Style,
    text,
};
use crate::{
    define::project::{Clean, Column, Numerals, Scale},
    record::DecimalMark,
};

/// What a contract says about the texts of one column.
#[derive(Debug, Clone)]
pub(super) struct CellRule {
    null_words: Vec<String>,
    /// A bit for every length below 63 that a null word has; bit 63 for all longer ones.
    null_lengths: u64,
    /// Whether an empty text is NULL although the contract does not list it: always, but for strings.
    is_empty_null: bool,
    trim: bool,
    /// The codes, if any.
    pub codes: Option<CodeBook>,
    clean: Vec<Clean>,
    default: Option<String>,
    /// Where its text stands, if there must be one.
    required: Option<Place>,
}

/// Where the text of a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Cell,
    /// The path of the file.
    Path,
}

/// How a text is to be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reading {
    /// How numbers are written.
    pub style: Style,
    /// Factor of the alias.
    pub scale: Scale,
    /// How certain its decimal mark is.
    pub certainty: Certainty,
}

/// How certain the decimal mark of a column's numbers is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Certainty {
    /// The contract says so of this column.
    Declared,
    /// The contract says a comma, and the format has numbers of its own, which are written with a point.
    BesideNumbers,
    /// Declared or found out of the file.
    Found,
    /// A point is assumed.
    Assumed,
}

impl Reading {
    /// Returns how texts of the contract itself are read.
    pub const fn literal(numerals: Numerals) -> Self {
        let style = Style { mark: DecimalMark::Point, numerals };
        Self { style, scale: Scale::ONE, certainty: Certainty::Declared }
    }

    /// The same for the contract's own texts in the column of this cell.
    const fn as_literal(self) -> Self {
        Self::literal(self.style.numerals)
    }
}

impl CellRule {
    /// Takes what the contract says.
    pub fn new(column: &Column, is_string: bool) -> Self {
        let trimmed = |word| if column.trim { text::trim(word) } else { word };
        let null_words: Vec<String> =
            column.null_words.iter().map(|word| text::fold(trimmed(word)).into_owned()).collect();
        Self {
            null_lengths: null_words.iter().fold(0, |bits, word| bits | length_bit(word)),
            null_words,
            is_empty_null: !is_string,
            trim: column.trim,
            codes: column.codes.as_ref().map(CodeBook::new),
            clean: column.clean.clone(),
            default: column.default.clone(),
            required: column.required.then_some(if column.from_path.is_some() { Place::Path } else { Place::Cell }),
        }
    }

    /// Returns whether a canonical text is the value, whatever else the contract says: it is no code, and no null word
    /// is canonical.
    pub fn takes_exact(&self, is_exact: impl Fn(&str) -> bool) -> bool {
        self.codes.is_none() && self.clean.is_empty() && !self.null_words.iter().any(|word| is_exact(word))
    }

    /// Returns a cell that is its value as it stands, as nearly every text is.
    pub fn as_it_stands<'a>(&self, cell: &'a str) -> Option<&'a str> {
        if self.codes.is_some() || self.clean.iter().any(|how| *how != Clean::Name) {
            return None;
        }
        let bytes = cell.as_bytes();
        let is_bare = || bytes[0].is_ascii_graphic() && bytes[bytes.len() - 1].is_ascii_graphic() && cell.is_ascii();
        let is_settled = !bytes.is_empty() && ((self.clean.is_empty() && is_bare()) || text::is_tidy(bytes));
        (is_settled && !self.is_null(cell)).then_some(cell)
    }

    /// Returns the text of the cell's value and how to read it; None is NULL.
    pub fn value<'a>(&'a self, cell: Option<&'a str>, file: Reading) -> Result<Option<(Cow<'a, str>, Reading)>, Fault> {
        if let Some(meaning) = cell.and_then(|cell| self.direct_meaning(cell)) {
            return Ok(Some((Cow::Borrowed(meaning), file)));
        }
        let found = match cell {
            Some(cell) if self.trim => self.meaning(text::fold(text::trim(cell)))?,
            Some(cell) => self.meaning(text::fold(cell))?,
            None => None,
        };
        if let Some(text) = found {
            return Ok(Some((text, file)));
        }
        match (&self.default, self.required) {
            (Some(default), _) => Ok(Some((Cow::Borrowed(default.as_str()), file.as_literal()))),
            (None, Some(Place::Path)) if cell.is_none() => Err(Fault::not_in_path()),
            (None, Some(_)) => Err(Fault::required(cell)),
            (None, None) => Ok(None),
        }
    }

    /// Returns the meaning of a cell that is a code as it stands: codes are kept trimmed and folded.
    fn direct_meaning(&self, cell: &str) -> Option<&str> {
        let codes = self.codes.as_ref().filter(|_| self.clean.is_empty())?;
        codes.direct(cell).filter(|meaning| !self.is_null(meaning))
    }

    fn meaning<'a>(&'a self, text: Cow<'a, str>) -> Result<Option<Cow<'a, str>>, Fault> {
        let text = match self.decode(text)? {
            Some(text) if !self.is_null(&text) => text,
            _ => return Ok(None),
        };
        if self.clean.is_empty() {
            return Ok(Some(text));
        }
        Ok(Some(clean::clean(text, &self.clean)).filter(|cleaned| !cleaned.is_empty()))
    }

    fn decode<'a>(&'a self, text: Cow<'a, str>) -> Result<Option<Cow<'a, str>>, Fault> {
        let Some(codes) = &self.codes else { return Ok(Some(text)) };
        match codes.lookup(&text) {
            Lookup::Meaning(meaning) => Ok(Some(Cow::Borrowed(meaning))),
            Lookup::Unknown if self.is_null(&text) => Ok(None),
            Lookup::Unknown => {
                let shown = text.clone();
                codes.judge(&shown, text)
            }
        }
    }

    fn is_null(&self, text: &str) -> bool {
        (self.is_empty_null && text.is_empty())
            || (self.null_lengths & length_bit(text) != 0 && self.null_words.iter().any(|word| word == text))
    }
}

fn length_bit(text: &str) -> u64 {
    1 << text.len().min(63)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalize::fixture;

    fn value(yaml: &fixture::ColumnFixture, cell: Option<&str>) -> Result<Option<String>, Fault> {
        let rule = CellRule::new(&yaml.column(), true);
        Ok(rule.value(cell, Reading::literal(Numerals::default()))?.map(|(text, _)| text.into_owned()))
    }

    #[expect(clippy::unnecessary_wraps, reason = "it stands beside results")]
    fn some(text: &str) -> Result<Option<String>, Fault> {
        Ok(Some(text.to_owned()))
    }

    #[test]
    fn null_words_are_found_after_trimming_and_folding() {
        let column = fixture::string("name");
        for word in ["", " ", "NULL", "null", "N/A", "n/a", "-", "—", "无", "\u{3000}无\u{a0}", "－", "ＮＵＬＬ"]
        {
            assert_eq!(value(&column, Some(word)), Ok(None), "{word:?}");
        }
        assert_eq!(value(&column, None), Ok(None));
        assert_eq!(value(&column, Some("无锡")), some("无锡"));
        assert_eq!(value(&column, Some("合计")), some("合计"));
    }

    #[test]
    fn declared_null_words_replace_the_others() {
        let column = fixture::string("name").null_words(&["?"]);
        assert_eq!(value(&column, Some("?")), Ok(None));
        assert_eq!(value(&column, Some("无")), some("无"));
        assert_eq!(value(&column, Some("")), some(""));
    }

    #[test]
    fn codes_become_meanings_and_meanings_pass() {
        let column = fixture::string("line_kind").codes(&[("整机", "machine"), ("配件", "part"), ("-", "none")]);
        assert_eq!(value(&column, Some(" 整机 ")), some("machine"));
        assert_eq!(value(&column, Some("machine")), some("machine"));
        assert_eq!(value(&column, Some("ｐａｒｔ")), some("part"));
        assert_eq!(value(&column, Some("－")), some("none"));
        assert_eq!(value(&column, Some("无")), Ok(None));
        let reason = "`整车` is no known code, known are `-`, `整机`, `配件`";
        assert_eq!(value(&column, Some("整车")), Err(Fault::code(reason)));
    }

    #[test]
    fn unknown_codes_follow_the_policy() {
        use crate::define::project::UnknownCode;
        let column = fixture::string("kind").codes(&[("a", "x")]);
        assert_eq!(value(&column.clone().unknown(UnknownCode::Keep), Some("b")), some("b"));
        assert_eq!(value(&column.clone().unknown(UnknownCode::Null), Some("b")), Ok(None));
        let required = column.unknown(UnknownCode::Null).required();
        assert_eq!(value(&required, Some("b")).map_err(|fault| fault.rule), Err("required"));
    }

    #[test]
    fn a_default_stands_in_for_null() {
        let column = fixture::string("country").default("CN").required();
        assert_eq!(value(&column, Some("-")), some("CN"));
        assert_eq!(value(&column, None), some("CN"));
        assert_eq!(value(&column, Some("DE")), some("DE"));
    }

    #[test]
    fn blanks_stay_where_the_contract_says_so() {
        let column = fixture::string("code").untrimmed().null_words(&["", " ?"]);
        assert_eq!(value(&column, Some(" a ")), some(" a "));
        assert_eq!(value(&column, Some(" ")), some(" "));
        assert_eq!(value(&column, Some("")), Ok(None));
        assert_eq!(value(&column, Some(" ?")), Ok(None));
        assert_eq!(value(&column, Some("?")), some("?"));
        assert_eq!(value(&column, Some("　Ａ")), some(" A"));
    }

    #[test]
    fn a_long_null_word_is_found_too() {
        let word = "x".repeat(70);
        let column = fixture::string("code").null_words(&[Box::leak(word.clone().into_boxed_str())]);
        assert_eq!(value(&column, Some(&word)), Ok(None));
        assert_eq!(value(&column, Some(&"x".repeat(71))), some(&"x".repeat(71)));
    }

    #[test]
    fn nothing_left_after_cleaning_is_null() {
        let column = fixture::string("phone").clean(Clean::Phone);
        assert_eq!(value(&column, Some("１３８ 0000")), some("1380000"));
        assert_eq!(value(&column, Some("见备注")), Ok(None));
    }
}
