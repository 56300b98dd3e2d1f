//! The bytes of one value → its text.
//!
//! In: a type and bytes. Out: the value as columnar formats write it as well: numbers with all digits, dates and times in
//! ISO form, bytes in hexadecimal, lists, maps and records as compact JSON. What claims to be longer than its bytes, or to
//! have more parts than a row may have, is an error. Deliberately keeps nothing between rows.

use std::fmt::Write as _;

use num_bigint::BigInt;

use super::{
    block::number,
    schema::{Meaning, Schema, Type},
};
use crate::extract::{
    moment::{date, time, timestamp},
    number_text, single_text,
};

/// Values nested deeper than this are refused.
const DEPTH: usize = 128;

/// The most parts of lists and maps in one row.
const PARTS: u64 = 1 << 24;

/// The most bytes of a decimal; 38 digits have 16.
const DECIMAL_BYTES: usize = 256;

/// Says what is wrong with bytes.
pub(super) type Broken = &'static str;

/// A place in the bytes of a block.
pub(super) struct Cursor<'a> {
    pub bytes: &'a [u8],
    pub at: usize,
    /// Parts of lists and maps of this row so far.
    pub parts: u64,
    /// Whether a text of this row is no UTF-8.
    pub bad_text: bool,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Broken> {
        let end = self.at.checked_add(count).filter(|end| *end <= self.bytes.len()).ok_or("a value ends too late")?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Broken> {
        self.take(N)?.first_chunk().copied().ok_or("a value ends too late")
    }

    pub(super) fn number(&mut self) -> Result<i64, Broken> {
        let (number, length) = number(&self.bytes[self.at..]).ok_or("a number without an end")?;
        self.at += length;
        Ok(number)
    }

    fn counted(&mut self) -> Result<&'a [u8], Broken> {
        let count = usize::try_from(self.number()?).map_err(|_| "a negative length")?;
        self.take(count)
    }

    /// Returns how many parts of a list or map come next; 0 at its end.
    fn next_parts(&mut self) -> Result<u64, Broken> {
        let count = self.number()?;
        if count < 0 {
            self.number()?;
        }
        self.parts = self.parts.saturating_add(count.unsigned_abs());
        if self.parts > PARTS { Err("a row with too many parts") } else { Ok(count.unsigned_abs()) }
    }

    /// Returns the branch of a union.
    pub(super) fn branch(&mut self, branches: &[usize]) -> Result<usize, Broken> {
        let index = usize::try_from(self.number()?).ok();
        index.and_then(|index| branches.get(index)).copied().ok_or("a union without such a branch")
    }
}

impl Schema {
    /// Writes a value and returns whether it is one, not NULL.
    pub(super) fn write(&self, kind: usize, cursor: &mut Cursor<'_>, text: &mut String) -> Result<bool, Broken> {
        match &self.types[kind] {
            Type::Null => return Ok(false),
            Type::Boolean => text.push_str(if cursor.array::<1>()? == [0] { "false" } else { "true" }),
            Type::Integer(meaning) => integer(cursor.number()?, *meaning, text),
            Type::Float => text.push_str(&single_text(f32::from_le_bytes(cursor.array()?))),
            Type::Double => text.push_str(&number_text(f64::from_le_bytes(cursor.array()?))),
            Type::Bytes(size, meaning) => {
                let bytes = match size {
                    Some(size) => cursor.take(*size)?,
                    None => cursor.counted()?,
                };
                bytes_text(bytes, *meaning, text)?;
            }
            Type::Text => {
                let bytes = cursor.counted()?;
                let written = String::from_utf8_lossy(bytes);
                cursor.bad_text |= matches!(written, std::borrow::Cow::Owned(_));
                text.push_str(&written);
            }
            Type::Enum(symbols) => {
                let index = usize::try_from(cursor.number()?).ok();
                text.push_str(index.and_then(|index| symbols.get(index)).ok_or("an enum without such a symbol")?);
            }
            Type::Union(branches) => {
                let branch = cursor.branch(branches)?;
                return self.write(branch, cursor, text);
            }
            Type::List(_) | Type::Map(_) | Type::Record(_) => self.write_json(kind, cursor, text, 0)?,
        }
        Ok(true)
    }

    /// Writes a value as JSON: numbers and truth values bare, everything else that is no container as a string.
    fn write_json(&self, kind: usize, cursor: &mut Cursor<'_>, text: &mut String, depth: usize) -> Result<(), Broken> {
        if depth > DEPTH {
            return Err("a value nested too deeply");
        }
        match &self.types[kind] {
            Type::Null => text.push_str("null"),
            Type::Union(branches) => {
                let branch = cursor.branch(branches)?;
                self.write_json(branch, cursor, text, depth + 1)?;
            }
            Type::List(items) => {
                text.push('[');
                self.each_part(cursor, text, |schema, cursor, text| {
                    schema.write_json(*items, cursor, text, depth + 1)
                })?;
                text.push(']');
            }
            Type::Map(values) => {
                text.push('{');
                self.each_part(cursor, text, |schema, cursor, text| {
                    text.push_str(&quoted(&String::from_utf8_lossy(cursor.counted()?)));
                    text.push(':');
                    schema.write_json(*values, cursor, text, depth + 1)
                })?;
                text.push('}');
            }
            Type::Record(fields) => {
                text.push('{');
                for (index, (name, kind)) in fields.iter().enumerate() {
                    text.push_str(if index > 0 { "," } else { "" });
                    text.push_str(&quoted(name));
                    text.push(':');
                    self.write_json(*kind, cursor, text, depth + 1)?;
                }
                text.push('}');
            }
            Type::Boolean | Type::Integer(Meaning::Plain) | Type::Bytes(_, Meaning::Decimal { .. }) => {
                self.write(kind, cursor, text)?;
            }
            Type::Float | Type::Double => {
                let start = text.len();
                self.write(kind, cursor, text)?;
                if !text.ends_with(|sign: char| sign.is_ascii_digit()) {
                    let word = quoted(&text.split_off(start));
                    text.push_str(&word);
                }
            }
            _ => {
                let start = text.len();
                self.write(kind, cursor, text)?;
                let word = quoted(&text.split_off(start));
                text.push_str(&word);
            }
        }
        Ok(())
    }

    fn each_part(
        &self,
        cursor: &mut Cursor<'_>,
        text: &mut String,
        mut part: impl FnMut(&Self, &mut Cursor<'_>, &mut String) -> Result<(), Broken>,
    ) -> Result<(), Broken> {
        let mut first = true;
        loop {
            let count = cursor.next_parts()?;
            if count == 0 {
                return Ok(());
            }
            for _ in 0..count {
                text.push_str(if std::mem::take(&mut first) { "" } else { "," });
                part(self, cursor, text)?;
            }
        }
    }

    /// Passes over a value.
    pub(super) fn skip(&self, kind: usize, cursor: &mut Cursor<'_>, depth: usize) -> Result<(), Broken> {
        if depth > DEPTH {
            return Err("a value nested too deeply");
        }
        match &self.types[kind] {
            Type::Null => Ok(()),
            Type::Boolean => cursor.take(1).map(drop),
            Type::Integer(_) | Type::Enum(_) => cursor.number().map(drop),
            Type::Float => cursor.take(4).map(drop),
            Type::Double => cursor.take(8).map(drop),
            Type::Bytes(Some(size), _) => cursor.take(*size).map(drop),
            Type::Bytes(None, _) | Type::Text => cursor.counted().map(drop),
            Type::Union(branches) => {
                let branch = cursor.branch(branches)?;
                self.skip(branch, cursor, depth + 1)
            }
            Type::Record(fields) => fields.iter().try_for_each(|(_, kind)| self.skip(*kind, cursor, depth + 1)),
            Type::List(items) => self.each_part(cursor, &mut String::new(), |schema, cursor, text| {
                text.clear();
                schema.skip(*items, cursor, depth + 1)
            }),
            Type::Map(values) => self.each_part(cursor, &mut String::new(), |schema, cursor, text| {
                text.clear();
                cursor.counted()?;
                schema.skip(*values, cursor, depth + 1)
            }),
        }
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn integer(value: i64, meaning: Meaning, text: &mut String) {
    match meaning {
        Meaning::Date => date(value, text),
        Meaning::Time(per_second) => time(value, per_second, text),
        Meaning::Timestamp { per_second, has_zone } => {
            timestamp(value, per_second, if has_zone { "Z" } else { "" }, text);
        }
        _ => {
            let _ = write!(text, "{value}");
        }
    }
}

fn bytes_text(bytes: &[u8], meaning: Meaning, text: &mut String) -> Result<(), Broken> {
    match (meaning, bytes.as_chunks::<4>()) {
        (Meaning::Decimal { scale }, _) => {
            if bytes.len() > DECIMAL_BYTES {
                return Err("a decimal with too many digits");
            }
            decimal(&BigInt::from_signed_bytes_be(bytes), scale as usize, text);
        }
        (Meaning::Duration, (&[months, days, millis], [])) => {
            let [months, days, millis] = [months, days, millis].map(u32::from_le_bytes);
            let _ = write!(text, "P{months}M{days}DT{}.{:03}S", millis / 1_000, millis % 1_000);
        }
        (meaning, _) => {
            for (index, byte) in bytes.iter().enumerate() {
                let dash = meaning == Meaning::Uuid && matches!(index, 4 | 6 | 8 | 10);
                let _ = write!(text, "{}{byte:02x}", if dash { "-" } else { "" });
            }
        }
    }
    Ok(())
}

fn decimal(value: &BigInt, scale: usize, text: &mut String) {
    let digits = value.magnitude().to_string();
    let digits = format!("{digits:0>width$}", width = scale + 1);
    let (whole, part) = digits.split_at(digits.len() - scale);
    text.push_str(if value.sign() == num_bigint::Sign::Minus { "-" } else { "" });
    text.push_str(whole);
    if scale > 0 {
        text.push('.');
        text.push_str(part);
    }
}
