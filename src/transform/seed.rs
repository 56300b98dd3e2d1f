//! Seeds: the rows of a small CSV file → the query that gives them.
//!
//! ```text
//!  text ─ records, cells ─► types: declared, else guessed from all cells ─► SELECT … FROM (VALUES …)
//! ```
//!
//! So a seed is a model like any other: planned, fingerprinted by its values, checked, published. The file is as its authors
//! keep it: UTF-8, comma, double quotes, a header. An empty cell is NULL, a quoted empty one is an empty text. Deliberately
//! small and strict; what arrives from outside, or is large, is a source with a contract.

use std::{fmt::Write as _, ops::Range, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, StringArray},
    compute::{CastOptions, cast_with_options},
    datatypes::{DataType, TimeUnit},
};

use crate::{
    define::{project::Model, type_name},
    record::{
        Diagnostic, Place, Text,
        sql::{literal, quoted},
    },
};

/// Bytes above which rows are no seed.
const MOST_BYTES: usize = 1 << 20;
/// Wrong cells of one file that are told.
const MOST_FINDINGS: usize = 10;

/// Tells whether a text is a value of a type.
type IsKind = fn(&str) -> bool;

/// A cell, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// None for one that is empty and not quoted.
    pub value: Option<String>,
    /// Its bytes, quotes included.
    pub range: Range<usize>,
}

/// Returns the query that gives a seed's rows.
///
/// # Errors
/// What is wrong with its rows, each at its place.
pub(super) fn query(model: &Model) -> Result<String, Vec<Diagnostic>> {
    let Some(text) = &model.rows else {
        let place = Place::start_of(Arc::clone(&model.text));
        return Err(vec![Diagnostic::error("a seed without rows", place)]);
    };
    if text.body.len() > MOST_BYTES {
        let message = format!("the seed `{}` has {} bytes, more than {MOST_BYTES}", model.name, text.body.len());
        let hint = "make it a source with a contract: seeds are planned anew on every run";
        return Err(vec![Diagnostic::error(message, Place::start_of(Arc::clone(text))).hint(hint)]);
    }
    let mut records = records(text).map_err(|finding| vec![finding])?.into_iter();
    let header = header(text, records.next())?;
    let rows: Vec<Vec<Cell>> = records.collect();
    let findings: Vec<Diagnostic> = rows.iter().filter_map(|row| uneven(text, row, header.len())).collect();
    if !findings.is_empty() {
        return Err(findings);
    }
    let columns: Vec<Vec<&Cell>> =
        (0..header.len()).map(|index| rows.iter().map(|row| &row[index]).collect()).collect();
    let types: Vec<DataType> = header
        .iter()
        .zip(&columns)
        .map(|(name, cells)| declared(model, name).unwrap_or_else(|| guessed(cells)))
        .collect();
    let wrong = header.iter().zip(&types).zip(&columns);
    let mut wrong: Vec<Diagnostic> =
        wrong.flat_map(|((name, data_type), cells)| misfits(text, name, data_type, cells)).collect();
    wrong.truncate(MOST_FINDINGS);
    if wrong.is_empty() { Ok(spelled(&header, &types, &rows)) } else { Err(wrong) }
}

fn declared(model: &Model, name: &str) -> Option<DataType> {
    let column = model.columns.iter().find(|column| column.name.value == name)?;
    column.data_type.as_ref().map(|data_type| data_type.value.clone())
}

fn header(text: &Arc<Text>, cells: Option<Vec<Cell>>) -> Result<Vec<String>, Vec<Diagnostic>> {
    let Some(cells) = cells else {
        let place = Place::start_of(Arc::clone(text));
        return Err(vec![
            Diagnostic::error("the file has no header", place).hint("begin it with the names of the columns"),
        ]);
    };
    let nameless = |cell: &&Cell| cell.value.as_ref().is_none_or(|name| name.trim().is_empty());
    if let Some(cell) = cells.iter().find(nameless) {
        let place = Place { text: Arc::clone(text), range: cell.range.clone() };
        return Err(vec![Diagnostic::error("a column has no name", place).hint("name every column in the first line")]);
    }
    let is_earlier = |index: usize| cells[..index].iter().any(|other| other.value == cells[index].value);
    if let Some(index) = (0..cells.len()).find(|&index| is_earlier(index)) {
        let message = format!("two columns are named `{}`", cells[index].value.as_deref().unwrap_or_default());
        let place = Place { text: Arc::clone(text), range: cells[index].range.clone() };
        return Err(vec![Diagnostic::error(message, place).hint("give one of them another name")]);
    }
    Ok(cells.into_iter().filter_map(|cell| cell.value).collect())
}

fn uneven(text: &Arc<Text>, row: &[Cell], columns: usize) -> Option<Diagnostic> {
    if row.len() == columns {
        return None;
    }
    let range = row.first()?.range.start..row.last()?.range.end;
    let message = format!("the line has {} cells and the header {columns}", row.len());
    let place = Place { text: Arc::clone(text), range };
    Some(Diagnostic::error(message, place).hint("put a cell with a comma into double quotes"))
}

/// Cuts a text into records; empty lines are none.
///
/// # Errors
/// A quote that is never closed, or text behind one.
pub fn records(text: &Arc<Text>) -> Result<Vec<Vec<Cell>>, Diagnostic> {
    let body = text.body.as_bytes();
    let (mut records, mut record, mut at) = (Vec::new(), Vec::new(), 0);
    while at < body.len() {
        if record.is_empty() && matches!(body[at], b'\r' | b'\n') {
            at += 1;
            continue;
        }
        let (cell, end) = cell(text, at)?;
        record.push(cell);
        at = end;
        match body.get(at) {
            Some(b',') => {
                at += 1;
                // A comma at the very end leaves one more empty cell.
                if at == body.len() {
                    record.push(Cell { value: None, range: at..at });
                }
            }
            _ => records.push(std::mem::take(&mut record)),
        }
    }
    if !record.is_empty() {
        records.push(record);
    }
    Ok(records)
}

/// Cuts the cell that begins at an offset, and returns where it ends.
fn cell(text: &Arc<Text>, start: usize) -> Result<(Cell, usize), Diagnostic> {
    let body = &text.body;
    if !body[start..].starts_with('"') {
        let length = body[start..].find([',', '\r', '\n']).unwrap_or(body.len() - start);
        let range = start..start + length;
        let value = body[range.clone()].trim();
        return Ok((Cell { value: (!value.is_empty()).then(|| value.to_owned()), range: range.clone() }, range.end));
    }
    let mut value = String::new();
    let mut at = start + 1;
    loop {
        let Some(length) = body[at..].find('"') else {
            let place = Place { text: Arc::clone(text), range: start..start + 1 };
            return Err(Diagnostic::error("a quoted cell is never closed", place).hint("close it with `\"`"));
        };
        value.push_str(&body[at..at + length]);
        at += length + 1;
        if !body[at..].starts_with('"') {
            break;
        }
        value.push('"');
        at += 1;
    }
    let rest = body[at..].find([',', '\r', '\n']).unwrap_or(body.len() - at);
    if !body[at..at + rest].trim().is_empty() {
        let place = Place { text: Arc::clone(text), range: at..at + rest };
        return Err(Diagnostic::error("text behind a quoted cell", place).hint("write a quote within quotes as `\"\"`"));
    }
    Ok((Cell { value: Some(value), range: start..at + rest }, at + rest))
}

/// Returns the narrowest type that all cells have; a text without any.
fn guessed(cells: &[&Cell]) -> DataType {
    let values = || cells.iter().filter_map(|cell| cell.value.as_deref());
    let kinds: [(IsKind, DataType); 5] = [
        (is_boolean, DataType::Boolean),
        (is_integer, DataType::Int64),
        (is_number, DataType::Float64),
        (is_date, DataType::Date32),
        (is_instant, instant_type()),
    ];
    if values().next().is_none() {
        return DataType::Utf8;
    }
    kinds.into_iter().find(|(is_kind, _)| values().all(is_kind)).map_or(DataType::Utf8, |(_, data_type)| data_type)
}

fn is_boolean(text: &str) -> bool {
    text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false")
}

/// Returns whether a text is a whole number as one writes it: `007` is a code.
fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_code = digits.len() > 1 && digits.starts_with('0');
    !is_code && !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit()) && text.parse::<i64>().is_ok()
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_code = digits.starts_with('0') && digits[1..].starts_with(|second: char| second.is_ascii_digit());
    let is_plain = digits.starts_with(|first: char| first.is_ascii_digit());
    !is_code && is_plain && text.parse::<f64>().is_ok_and(f64::is_finite)
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok()
}

fn is_instant(text: &str) -> bool {
    let (date, time) = (text.get(..10), text.get(11..).unwrap_or_default());
    date.is_some_and(is_date) && text[10..].starts_with(['T', ' ']) && time.contains(':') && fits(text, &instant_type())
}

fn instant_type() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

fn fits(text: &str, data_type: &DataType) -> bool {
    let array: ArrayRef = Arc::new(StringArray::from(vec![text]));
    cast_with_options(&array, data_type, &CastOptions::default()).is_ok_and(|array| array.is_valid(0))
}

/// Finds cells that are no value of their column's type.
fn misfits(text: &Arc<Text>, name: &str, data_type: &DataType, cells: &[&Cell]) -> Vec<Diagnostic> {
    let given: ArrayRef = Arc::new(cells.iter().map(|cell| cell.value.as_deref()).collect::<StringArray>());
    let typed = cast_with_options(&given, data_type, &CastOptions::default()).ok();
    let is_wrong = |index: usize| {
        let Some(value) = &cells[index].value else { return false };
        typed.as_ref().is_none_or(|typed| typed.is_null(index)) || has_more_digits(value, data_type)
    };
    let finding = |cell: &&Cell| {
        let value = cell.value.as_deref().unwrap_or_default();
        let message = format!("`{value}` is no {}, which the column `{name}` is", type_name(data_type));
        let place = Place { text: Arc::clone(text), range: cell.range.clone() };
        Diagnostic::error(message, place)
            .hint("correct the cell, or the type in the header of the `.sql` file beside it")
    };
    (0..cells.len()).filter(|&index| is_wrong(index)).map(|index| finding(&cells[index])).collect()
}

/// Returns whether a number has more decimals than its type: none is rounded away.
fn has_more_digits(value: &str, data_type: &DataType) -> bool {
    let DataType::Decimal128(_, scale) = data_type else { return false };
    let decimals = value.split_once('.').map_or("", |(_, decimals)| decimals.trim_end_matches('0'));
    i64::try_from(decimals.len()).unwrap_or(i64::MAX) > i64::from(*scale)
}

fn spelled(header: &[String], types: &[DataType], rows: &[Vec<Cell>]) -> String {
    let mut sql = String::from("SELECT ");
    for (index, (name, data_type)) in header.iter().zip(types).enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        let (name, data_type) = (quoted(name), literal(&data_type.to_string()));
        let _ = write!(sql, "{comma}arrow_cast(column{}, {data_type}) AS {name}", index + 1);
    }
    let spelled = |cell: &Cell| cell.value.as_deref().map_or_else(|| "NULL".to_owned(), literal);
    let row = |row: &Vec<Cell>| format!("({})", row.iter().map(spelled).collect::<Vec<_>>().join(", "));
    let without_rows = rows.is_empty().then(|| format!("({})", vec!["NULL"; header.len()].join(", ")));
    let values: Vec<String> = rows.iter().map(row).chain(without_rows.clone()).collect();
    let _ = write!(sql, " FROM (VALUES {}) AS seed", values.join(", "));
    if without_rows.is_some() {
        sql.push_str(" WHERE false");
    }
    sql
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn text(body: &str) -> Arc<Text> {
        Arc::new(Text { path: "core/x.csv".to_owned(), body: body.to_owned() })
    }

    fn values(body: &str) -> Vec<Vec<Option<String>>> {
        let records = records(&text(body)).unwrap();
        records.into_iter().map(|record| record.into_iter().map(|cell| cell.value).collect()).collect()
    }

    #[test]
    fn cells_are_cut_at_commas_outside_of_quotes() {
        let one = |text: &str| Some(text.to_owned());
        assert_eq!(
            values("a,b\n1,\"x, \"\"y\"\"\nz\"\r\n\n,\"\"\n"),
            [vec![one("a"), one("b")], vec![one("1"), one("x, \"y\"\nz")], vec![None, one("")],]
        );
        assert_eq!(values("a,b\n1,"), [vec![one("a"), one("b")], vec![one("1"), None]]);
        assert!(records(&text("a\n\"open\n")).is_err());
        assert!(records(&text("a\n\"shut\" x\n")).is_err());
    }

    #[test]
    fn types_are_guessed_from_all_cells() {
        let guess = |values: &[&str]| {
            let cell = |value: &&str| Cell { value: (!value.is_empty()).then(|| (*value).to_owned()), range: 0..0 };
            let cells: Vec<Cell> = values.iter().map(cell).collect();
            guessed(&cells.iter().collect::<Vec<_>>()).to_string()
        };
        assert_eq!(guess(&["1", "-20", ""]), "Int64");
        assert_eq!(guess(&["1", "2.5", "1e3"]), "Float64");
        assert_eq!(guess(&["007", "12"]), "Utf8");
        assert_eq!(guess(&["99999999999999999999", "1"]), "Float64");
        assert_eq!(guess(&["true", "FALSE"]), "Boolean");
        assert_eq!(guess(&["2026-02-28"]), "Date32");
        assert_eq!(guess(&["2026-02-28", "2026-02-30"]), "Utf8");
        assert_eq!(guess(&["2026-02-28 10:00:00", "2026-02-28T10:00:00Z"]), "Timestamp(µs, \"UTC\")");
        assert_eq!(guess(&["", ""]), "Utf8");
        assert_eq!(guess(&["NaN"]), "Utf8");
    }
}
