//! Types and intervals that are written wrong.
//!
//! In: a cast or an interval that the engine does not take. Out: one finding at the word that is wrong, with the word that was
//! probably meant.

use std::ops::Range;

use arrow::datatypes::DataType;
use datafusion::sql::sqlparser::ast::{DataType as SqlType, ExactNumberInfo, Expr, Interval, Spanned, Value};

use super::{Walk, expression::Leaves, readable::Beside, tree, types::spelled};
use crate::record::diagnostic::nearest;

/// Types that SQL calls by one word.
const TYPES: [&str; 17] = [
    "BIGINT",
    "BOOLEAN",
    "BYTEA",
    "DATE",
    "DECIMAL",
    "DOUBLE",
    "FLOAT",
    "INT",
    "INTEGER",
    "INTERVAL",
    "NUMERIC",
    "REAL",
    "SMALLINT",
    "STRING",
    "TIMESTAMP",
    "TINYINT",
    "VARCHAR",
];

/// Units of which an interval is made.
const UNITS: [&str; 18] = [
    "year",
    "years",
    "quarter",
    "quarters",
    "month",
    "months",
    "week",
    "weeks",
    "day",
    "days",
    "hour",
    "hours",
    "minute",
    "minutes",
    "second",
    "seconds",
    "millisecond",
    "milliseconds",
];

impl Walk<'_> {
    /// Tells why a cast is none.
    pub(super) fn cast(&mut self, sql: &Expr, to: &SqlType, from: &DataType, leaves: &Leaves) {
        let range = self.source.exact(sql);
        // The type stands behind what is cast.
        let at = self.source.slice(&range).to_lowercase().rfind(&to.to_string().to_lowercase());
        let at = at.map_or_else(|| range.clone(), |at| range.start + at..range.start + at + to.to_string().len());
        if let SqlType::Decimal(ExactNumberInfo::PrecisionAndScale(digits, places))
        | SqlType::Numeric(ExactNumberInfo::PrecisionAndScale(digits, places)) = to
            && i64::try_from(*digits).is_ok_and(|digits| digits < *places)
        {
            let message = format!("a DECIMAL of {digits} digits cannot have {places} decimal places");
            let meant = format!("DECIMAL({places}, {digits})");
            let finding = self.source.error(self.decimal(&range).unwrap_or(at), message);
            return self.findings.push(finding.hint(format!("the number of all digits stands first: `{meant}`?")));
        }
        if let SqlType::Custom(name, _) = to
            && !self.casts_null(to, leaves)
        {
            let written = name.to_string();
            let at = self.source.name(name);
            let finding = self.source.error(at.clone(), format!("unknown type `{written}`"));
            return self.findings.push(match nearest(&written, TYPES) {
                Some(near) => finding.hint(format!("did you mean `{near}`?")).fix(self.source.place(at), near),
                None => finding.hint("such as BIGINT, DOUBLE, DECIMAL(18, 2), VARCHAR, DATE, TIMESTAMP or BOOLEAN"),
            });
        }
        if let Expr::Cast { expr: value, .. } = sql {
            let null = Expr::Value(Value::Null.with_empty_span());
            let cast = tree::cast(&null, &to.to_string()).and_then(|cast| self.plan(&cast, leaves).ok());
            if cast.is_some_and(|(_, meant)| self.unreadable(value, &meant, Beside::Value)) {
                return;
            }
        }
        self.findings.push(self.source.error(range, format!("{} cannot be cast to {to}", spelled(from))));
    }

    /// Returns whether a type is one at all.
    fn casts_null(&self, to: &SqlType, leaves: &Leaves) -> bool {
        let null = Expr::Value(Value::Null.with_empty_span());
        tree::cast(&null, &to.to_string()).is_some_and(|cast| self.plan(&cast, leaves).is_ok())
    }

    /// Returns the last word of a cast that begins a type with digits.
    fn decimal(&self, range: &Range<usize>) -> Option<Range<usize>> {
        let text = self.source.slice(range).to_lowercase();
        let start = text.rfind("decimal").into_iter().chain(text.rfind("numeric")).max()?;
        let end = start + text.get(start..)?.find(')')? + 1;
        Some(range.start + start..range.start + end)
    }

    /// Tells why an interval is none.
    pub(super) fn interval(&mut self, sql: &Expr, interval: &Interval) {
        let text = match interval.value.as_ref() {
            Expr::Value(value) => match &value.value {
                Value::SingleQuotedString(text) => Some(text.as_str()),
                _ => None,
            },
            _ => None,
        };
        let Some(text) = text else {
            let finding = self.source.error(self.source.exact(sql), "this is no interval");
            return self.findings.push(finding.hint("an interval is written so: `INTERVAL '3 months'`"));
        };
        let range = self.source.range(interval.value.span());
        let finding = self.source.error(range.clone(), format!("`{text}` is no interval"));
        let meant: Vec<&str> = text.split(' ').map(meant).collect();
        let meant = meant.join(" ");
        self.findings.push(if meant == text {
            finding.hint("an interval is written so: `INTERVAL '3 months'`")
        } else {
            let literal = format!("'{}'", meant.replace('\'', "''"));
            finding.hint(format!("did you mean `{literal}`?")).fix(self.source.place(range), literal)
        });
    }
}

/// Returns the unit that a word of an interval is meant to be, or the word.
fn meant(word: &str) -> &str {
    let is_unit = UNITS.iter().any(|unit| unit.eq_ignore_ascii_case(word));
    let is_number = word.starts_with(|first: char| !first.is_alphabetic());
    if is_unit || is_number { word } else { nearest(word, UNITS).unwrap_or(word) }
}
