//! What a column's values are: its type, compiled with all that reading needs.
//!
//! In: the type of a contract's column and its keys. Out: a [`Kind`]. Reading itself is in `column.rs`.

use arrow::datatypes::{DataType, TimeUnit};
use chrono_tz::Tz;

use super::{clean, fault::Fault, format::Format};
use crate::define::project::{BooleanWords, Clean, Column, Pattern};

/// The type of a column with all that its parser needs.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    /// Text.
    Text(Limits),
    /// True and false words.
    Boolean(Words),
    /// 32-bit whole numbers.
    Int,
    /// 64-bit whole numbers.
    BigInt,
    /// Binary fractions.
    Double,
    /// Exact decimals.
    Decimal {
        /// Digits.
        precision: u8,
        /// Digits behind the mark.
        scale: i8,
    },
    /// Days.
    Date(Times),
    /// Instants.
    Timestamp(Times),
}

/// How dates and times are written.
#[derive(Debug, Clone)]
pub(super) struct Times {
    /// Declared formats, those as written for reasons.
    pub formats: Vec<(String, Format)>,
    /// Zone of texts without an offset.
    pub zone: Tz,
}

/// What a text must be.
#[derive(Debug, Clone)]
pub(super) struct Limits {
    max_length: Option<usize>,
    pattern: Option<Pattern>,
    /// Cleaners whose check it must pass.
    validated: Vec<Clean>,
}

/// True and false words in lower case.
#[derive(Debug, Clone)]
pub(super) struct Words(Vec<(String, bool)>);

impl Kind {
    /// Returns the kind of a column; None when contracts have no such type.
    pub fn of(column: &Column, formats: Vec<(String, Format)>, zone: Tz) -> Option<Self> {
        Some(match &column.data_type {
            DataType::Utf8 => Self::Text(Limits::of(column)),
            DataType::Boolean => Self::Boolean(Words::of(&column.words)),
            DataType::Int32 => Self::Int,
            DataType::Int64 => Self::BigInt,
            DataType::Float64 => Self::Double,
            DataType::Decimal128(precision, scale) => Self::Decimal { precision: *precision, scale: *scale },
            DataType::Date32 => Self::Date(Times { formats, zone }),
            DataType::Timestamp(TimeUnit::Microsecond, Some(utc)) if utc.as_ref() == "UTC" => {
                Self::Timestamp(Times { formats, zone })
            }
            _ => return None,
        })
    }
}

impl Limits {
    fn of(column: &Column) -> Self {
        Self {
            max_length: column.max_length,
            pattern: column.pattern.clone(),
            validated: if column.validate { column.clean.clone() } else { Vec::new() },
        }
    }

    /// Returns whether every text will do.
    pub fn are_none(&self) -> bool {
        self.max_length.is_none() && self.pattern.is_none() && self.validated.is_empty()
    }

    /// Says what is wrong with a text.
    pub fn check(&self, text: &str) -> Result<(), Fault> {
        // A text has no more characters than bytes.
        if let Some(most) = self.max_length.filter(|most| text.len() > *most && text.chars().count() > *most) {
            return Err(Fault::length(text, most));
        }
        if let Some(pattern) = self.pattern.as_ref().filter(|pattern| !pattern.expression.is_match(text)) {
            return Err(Fault::pattern(text, &pattern.text));
        }
        clean::validate(text, &self.validated)
    }
}

impl Words {
    fn of(words: &BooleanWords) -> Self {
        let lower = |list: &[String], value| {
            list.iter()
                .map(|word| (super::text::fold(super::text::trim(word)).to_lowercase(), value))
                .collect::<Vec<_>>()
        };
        Self([lower(&words.yes, true), lower(&words.no, false)].concat())
    }

    /// Returns what a trimmed and folded text means.
    pub fn meaning(&self, text: &str) -> Option<bool> {
        let find =
            |text: &str| self.0.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)).map(|(_, value)| *value);
        find(text).or_else(|| if text.is_ascii() { None } else { find(&text.to_lowercase()) })
    }
}
