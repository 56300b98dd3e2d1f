//! One column of a contract: as written → as validated.
//!
//! In: its name, its keys, and whether it belongs to the key. Out: a [`Column`] with every default filled in.
//! Deliberately does not parse SQL: `derive` is planned when the contract is used.

use std::collections::BTreeMap;

use arrow::datatypes::DataType;

use super::{
    checks::not_blank,
    file::{self, CodeMap},
    findings::Findings,
    names,
    project::{Alias, CodeTable, Codes, Column, Scale},
    spans::{At, Pairs, Scalar, TextOr},
    types, values,
};
use crate::record::Placed;

/// Words that mean NULL where a contract names none.
const NULL_WORDS: [&str; 8] = ["", "NULL", "null", "N/A", "n/a", "-", "—", "无"];

/// Checks one column.
pub fn column(name: At<String>, written: file::Column, in_key: bool, findings: &mut Findings) -> Option<Column> {
    let named = names::identifier("column", &name, findings);
    let missing = "string # or boolean, int, bigint, double, decimal(18,2), date, timestamp";
    let data_type = findings.required(written.data_type.as_ref(), &name.range, "type", missing);
    let data_type = data_type.and_then(|text| types::read(text, findings));
    derived_stands_alone(&written, findings);
    if let Some(data_type) = &data_type {
        suits_type(&written, data_type, findings);
    }
    let from_path = from_path(&written, findings);
    let null_words = null_words(written.null_words.as_ref());
    let kind = data_type.as_ref();
    let year_pivot = values::year_pivot(&written, findings);
    let words = values::boolean_words(&written, &null_words, kind, findings);
    let numerals = values::numerals(&written, kind, findings);
    let trim = values::trim(written.trim.as_ref(), kind, findings);
    let max_length = values::max_length(written.max_length.as_ref(), kind, findings);
    let pattern = values::pattern(written.pattern, kind, findings);
    let clean = values::cleaners(written.clean, written.validate.as_ref(), findings);
    let is_in_no_header = written.derive.is_some() || written.from_path.is_some();
    let from = aliases(&name, written.from, is_in_no_header, findings);
    let codes = codes(written.codes, written.map, written.unknown_code, findings);
    let derive = written.derive.filter(|expression| not_blank(expression, findings));
    if !named {
        return None;
    }
    Some(Column {
        data_type: data_type?,
        required: written.required.unwrap_or(in_key),
        from,
        from_path,
        formats: written.formats.into_iter().map(|format| format.value).collect(),
        year_pivot,
        null_words,
        words,
        numerals,
        trim,
        clean,
        validate: written.validate.is_some_and(|validate| validate.value),
        max_length,
        pattern,
        pii: written.pii,
        derive: derive.map(|expression| findings.placed(expression)),
        codes,
        default: written.default.map(|default| default.value.0),
        timezone: written.timezone.and_then(|zone| names::timezone(&zone, findings)),
        title: written.title.into(),
        description: written.description,
        unit: written.unit,
        name: findings.placed(name),
    })
}

fn null_words(written: Option<&At<Vec<Scalar>>>) -> Vec<String> {
    match written {
        Some(words) => words.value.iter().map(|word| word.0.clone()).collect(),
        None => NULL_WORDS.map(str::to_owned).to_vec(),
    }
}

/// Reports every key that says how a cell is read, on a column that is in no file.
fn derived_stands_alone(written: &file::Column, findings: &mut Findings) {
    if written.derive.is_none() {
        return;
    }
    let keys = [
        ("from", written.from.as_ref().and_then(|list| list.first()).map(|at| &at.range)),
        ("from_path", written.from_path.as_ref().map(|at| &at.range)),
        ("formats", written.formats.first().map(|at| &at.range)),
        ("year_pivot", written.year_pivot.as_ref().map(|at| &at.range)),
        ("null_words", written.null_words.as_ref().map(|at| &at.range)),
        ("true_words", written.true_words.as_ref().map(|at| &at.range)),
        ("false_words", written.false_words.as_ref().map(|at| &at.range)),
        ("decimal_mark", written.decimal_mark.as_ref().map(|at| &at.range)),
        ("percent", written.percent.as_ref().map(|at| &at.range)),
        ("currency", written.currency.as_ref().map(|at| &at.range)),
        ("accounting", written.accounting.as_ref().map(|at| &at.range)),
        ("chinese_units", written.chinese_units.as_ref().map(|at| &at.range)),
        ("trim", written.trim.as_ref().map(|at| &at.range)),
        ("validate", written.validate.as_ref().map(|at| &at.range)),
        ("max_length", written.max_length.as_ref().map(|at| &at.range)),
        ("pattern", written.pattern.as_ref().map(|at| &at.range)),
        ("clean", written.clean.as_ref().map(|at| &at.range)),
        ("codes", written.codes.as_ref().map(|at| &at.range)),
        ("map", written.map.as_ref().map(|at| &at.range)),
        ("default", written.default.as_ref().map(|at| &at.range)),
        ("timezone", written.timezone.as_ref().map(|at| &at.range)),
    ];
    for (key, range) in keys {
        if let Some(range) = range {
            let message = format!("`{key}` beside `derive`: a derived column is read from no file");
            findings.error(range, message, format!("remove `{key}` or `derive`"));
        }
    }
}

/// Reports keys that have no meaning for the column's type.
fn suits_type(written: &file::Column, data_type: &DataType, findings: &mut Findings) {
    let name = types::name(data_type);
    if let Some(clean) = written.clean.as_ref().filter(|_| *data_type != DataType::Utf8) {
        findings.error(&clean.range, format!("`clean` on a column of type `{name}`"), "only a `string` is tidied up");
    }
    let counts_seconds = written.formats.iter().any(|format| format.value.starts_with("unix_"));
    let has_zone = matches!(data_type, DataType::Timestamp(..)) || (types::is_temporal(data_type) && counts_seconds);
    if let Some(zone) = written.timezone.as_ref().filter(|_| !has_zone) {
        findings.error(&zone.range, format!("`timezone` on a column of type `{name}`"), "only a `timestamp` has one");
    }
    for format in &written.formats {
        if types::is_temporal(data_type) {
            values::date_format(format, findings);
        } else {
            let message = format!("`formats` on a column of type `{name}`");
            findings.error(&format.range, message, "only a `date` or a `timestamp` has formats");
        }
    }
    values::formats_agree(&written.formats, findings);
    if !types::is_number(data_type) {
        scaled_text(written, &name, findings);
    }
    if let Some(default) = written.default.as_ref().filter(|default| !reads_as(&default.value.0, data_type)) {
        let message = format!("default `{}` is no {name}", default.value.0);
        findings.error(&default.range, message, format!("write a value of type `{name}`"));
    }
}

fn scaled_text(written: &file::Column, type_name: &str, findings: &mut Findings) {
    for alias in written.from.iter().flatten() {
        let TextOr::Map(scaled) = &alias.value else { continue };
        for (key, scale) in [("scale_by", &scaled.scale_by), ("divide_by", &scaled.divide_by)] {
            if let Some(scale) = scale {
                let message = format!("`{key}` on a column of type `{type_name}`");
                findings.error(&scale.range, message, "only numbers have a scale");
            }
        }
    }
}

/// Returns whether a default can be a value of the type; where codes or formats decide, normalization does.
fn reads_as(text: &str, data_type: &DataType) -> bool {
    let text = text.trim();
    match data_type {
        DataType::Int32 => text.parse::<i32>().is_ok(),
        DataType::Int64 => text.parse::<i64>().is_ok(),
        DataType::Float64 | DataType::Decimal128(..) => text.parse::<f64>().is_ok_and(f64::is_finite),
        _ => !text.is_empty(),
    }
}

/// Returns the pattern that finds the column's text in the path of a file; a header name beside it is reported.
fn from_path(written: &file::Column, findings: &mut Findings) -> Option<regex::Regex> {
    let pattern = written.from_path.as_ref()?;
    if let Some(alias) = written.from.iter().flatten().next() {
        findings.error(&alias.range, "`from` beside `from_path`", "keep one of the two");
    }
    values::path_pattern(pattern, "value", "D[0-9]+", findings)
}

/// Returns the names in extracts; the column's own where none is given, and none for a column that is in no header.
fn aliases(
    column: &At<String>,
    written: Option<Vec<At<file::Alias>>>,
    is_in_no_header: bool,
    findings: &mut Findings,
) -> Vec<Alias> {
    match written {
        _ if is_in_no_header => Vec::new(),
        None => vec![Alias { name: column.value.clone(), scale: Scale::ONE }],
        Some(list) if list.is_empty() => {
            let message = format!("`from` of `{}` is empty", column.value);
            findings.error(&column.range, message, "name the headers, or leave the key out");
            Vec::new()
        }
        Some(list) => list.into_iter().filter_map(|written| alias(written, findings)).collect(),
    }
}

fn alias(written: At<file::Alias>, findings: &mut Findings) -> Option<Alias> {
    let (name, scale) = match written.value {
        TextOr::Text(name) => (At { value: name, range: written.range }, Scale::ONE),
        TextOr::Map(scaled) => {
            let scale = values::scale(scaled.scale_by.as_ref(), scaled.divide_by.as_ref(), findings);
            (findings.required(scaled.name, &written.range, "name", "\"金额(万元)\"")?, scale)
        }
    };
    not_blank(&name, findings);
    Some(Alias { name: name.value, scale })
}

fn codes(
    inline: Option<At<Pairs<Scalar>>>,
    map: Option<At<CodeMap>>,
    unknown: Option<At<super::project::UnknownCode>>,
    findings: &mut Findings,
) -> Option<Codes> {
    let table = match (inline, map) {
        (None, None) => {
            if let Some(unknown) = unknown {
                findings.error(&unknown.range, "`unknown_code` without `codes` or `map`", "say which codes there are");
            }
            return None;
        }
        (Some(_), Some(map)) => {
            findings.error(&map.range, "`map` beside `codes`", "keep one of the two");
            return None;
        }
        (Some(codes), None) => inline_codes(codes, findings),
        (None, Some(map)) => code_source(map, findings)?,
    };
    Some(Codes { table, unknown: unknown.map_or_else(Default::default, |unknown| unknown.value) })
}

fn inline_codes(written: At<Pairs<Scalar>>, findings: &mut Findings) -> CodeTable {
    if written.value.0.is_empty() {
        findings.error(&written.range, "`codes` is empty", "write `{ 整机: machine }`, or leave the key out");
    }
    let meanings: BTreeMap<_, _> = written.value.0.into_iter().map(|(code, meaning)| (code.value, meaning.0)).collect();
    CodeTable::Inline(meanings)
}

fn code_source(written: At<CodeMap>, findings: &mut Findings) -> Option<CodeTable> {
    let At { value, range } = written;
    let source = findings.required(value.table, &range, "table", "industry_alias");
    let from = findings.required(value.from, &range, "from", "alias");
    let to = findings.required(value.to, &range, "to", "industry");
    let placed = |at: Option<At<String>>, findings: &Findings| -> Option<Placed<String>> { Some(findings.placed(at?)) };
    Some(CodeTable::Source {
        source: placed(source, findings)?,
        from: placed(from, findings)?,
        to: placed(to, findings)?,
    })
}
