//! `format:` of a source: as written → as validated.
//!
//! In: a name or a map of options. Out: the [`Format`] with the options that belong to it; one that does not belong is
//! a finding, not ignored.

use std::ops::Range;

use super::{
    file::{self, FormatName, FormatOptions},
    findings::Findings,
    names::character,
    project::{CsvOptions, DatabaseOptions, Format, XlsxOptions},
    spans::{At, TextOr},
};

/// Checks what a source says about its format.
pub fn format(written: Option<At<file::Format>>, findings: &mut Findings) -> Option<Format> {
    let Some(written) = written else { return Some(Format::Auto) };
    match written.value {
        TextOr::Text(word) => named(known(&word.0, &written.range, findings)?, &written.range, findings),
        TextOr::Map(options) => with_options(options, &written.range, findings),
    }
}

/// Returns the format of a name.
fn known(word: &str, range: &Range<usize>, findings: &mut Findings) -> Option<FormatName> {
    let name = FormatName::ALL.into_iter().find(|name| label(*name) == word);
    if name.is_none() {
        findings.unknown(range, format!("unknown format `{word}`"), word, FormatName::ALL.map(label));
    }
    name
}

fn named(name: FormatName, range: &Range<usize>, findings: &mut Findings) -> Option<Format> {
    Some(match name {
        FormatName::Auto => Format::Auto,
        FormatName::Csv => Format::Csv(CsvOptions::default()),
        FormatName::Xlsx => Format::Xlsx(XlsxOptions::default()),
        FormatName::Jsonl => Format::JsonLines,
        FormatName::Parquet => Format::Parquet,
        FormatName::Database => {
            findings.error(range, "format `database` names no table", DATABASE_EXAMPLE);
            return None;
        }
    })
}

fn with_options(options: FormatOptions, range: &Range<usize>, findings: &mut Findings) -> Option<Format> {
    let name = options.name.as_ref().map(|name| name.value);
    refuse_foreign(&options, findings);
    match name {
        None => {
            findings.error(range, "`type` of the format is missing", "add `type: csv`");
            None
        }
        Some(FormatName::Csv) => csv(&options, findings).map(Format::Csv),
        Some(FormatName::Xlsx) => {
            let header_row = header_row(options.header_row.as_ref(), findings);
            Some(Format::Xlsx(XlsxOptions { sheet: options.sheet.map(|sheet| sheet.value), header_row }))
        }
        Some(FormatName::Database) => database(options, range, findings).map(Format::Database),
        Some(plain) => named(plain, range, findings),
    }
}

/// What a database format looks like.
const DATABASE_EXAMPLE: &str = "write `{ type: database, table: crm_visit }`";

fn database(options: FormatOptions, range: &Range<usize>, findings: &mut Findings) -> Option<DatabaseOptions> {
    for (name, text) in [("table", &options.table), ("query", &options.query), ("where", &options.filter)] {
        if let Some(blank) = text.as_ref().filter(|text| text.value.trim().is_empty()) {
            findings.error(&blank.range, format!("`{name}` is empty"), "write it, or leave the key out");
        }
    }
    match (&options.table, &options.query) {
        (None, None) => {
            findings.error(range, "format `database` names no table", DATABASE_EXAMPLE);
            return None;
        }
        (Some(_), Some(query)) => {
            findings.error(&query.range, "`query` beside `table`", "keep one of the two");
            return None;
        }
        _ => {}
    }
    let text = |written: Option<At<String>>| written.map(|written| written.value);
    Some(DatabaseOptions {
        table: text(options.table),
        query: text(options.query).map(|query| query.trim().trim_end_matches(';').to_owned()),
        filter: text(options.filter).map(|filter| filter.trim().trim_end_matches(';').to_owned()),
        watermark: text(options.watermark),
    })
}

/// An option, where it is written if it is, and the formats that have it.
type WrittenOption<'a> = (&'a str, Option<&'a Range<usize>>, &'a [FormatName]);

/// Reports every option that the format does not have.
fn refuse_foreign(options: &FormatOptions, findings: &mut Findings) {
    use FormatName::{Csv, Database, Xlsx};
    let Some(name) = &options.name else { return };
    let written: [WrittenOption<'_>; 11] = [
        ("encoding", options.encoding.as_ref().map(|at| &at.range), &[Csv]),
        ("delimiter", options.delimiter.as_ref().map(|at| &at.range), &[Csv]),
        ("quote", options.quote.as_ref().map(|at| &at.range), &[Csv]),
        ("comment", options.comment.as_ref().map(|at| &at.range), &[Csv]),
        ("decimal_mark", options.decimal_mark.as_ref().map(|at| &at.range), &[Csv]),
        ("header_row", options.header_row.as_ref().map(|at| &at.range), &[Csv, Xlsx]),
        ("sheet", options.sheet.as_ref().map(|at| &at.range), &[Xlsx]),
        ("table", options.table.as_ref().map(|at| &at.range), &[Database]),
        ("query", options.query.as_ref().map(|at| &at.range), &[Database]),
        ("where", options.filter.as_ref().map(|at| &at.range), &[Database]),
        ("watermark", options.watermark.as_ref().map(|at| &at.range), &[Database]),
    ];
    for (option, range, formats) in written {
        if let Some(range) = range.filter(|_| !formats.contains(&name.value)) {
            let owners: Vec<&str> = formats.iter().map(|format| label(*format)).collect();
            findings.error(
                range,
                format!("`{option}` is no option of format `{}`", label(name.value)),
                format!("it belongs to `type: {}`", owners.join("` or `type: ")),
            );
        }
    }
}

/// Returns the name of a format as contracts write it.
const fn label(name: FormatName) -> &'static str {
    match name {
        FormatName::Auto => "auto",
        FormatName::Csv => "csv",
        FormatName::Xlsx => "xlsx",
        FormatName::Jsonl => "jsonl",
        FormatName::Parquet => "parquet",
        FormatName::Database => "database",
    }
}

fn csv(options: &FormatOptions, findings: &mut Findings) -> Option<CsvOptions> {
    let csv = CsvOptions {
        encoding: encoding(options.encoding.as_ref(), findings),
        delimiter: character("delimiter", options.delimiter.as_ref(), findings),
        quote: character("quote", options.quote.as_ref(), findings),
        header_row: header_row(options.header_row.as_ref(), findings),
        comment: character("comment mark", options.comment.as_ref(), findings),
        decimal_mark: options.decimal_mark.as_ref().map(|mark| mark.value),
    };
    let quote = csv.quote.unwrap_or('"');
    if let Some(delimiter) = options.delimiter.as_ref().filter(|_| csv.delimiter == Some(quote)) {
        findings.error(&delimiter.range, "delimiter and quote are the same character", "declare another `quote`");
        return None;
    }
    Some(csv)
}

fn header_row(written: Option<&At<u64>>, findings: &mut Findings) -> Option<u64> {
    let written = written?;
    if written.value == 0 {
        findings.error(&written.range, "`header_row` is 0", "lines are counted from 1");
    }
    Some(written.value)
}

/// Checks that an encoding has a name in the Encoding Standard.
fn encoding(written: Option<&At<String>>, findings: &mut Findings) -> Option<String> {
    const COMMON: [&str; 9] =
        ["utf-8", "gb18030", "gbk", "big5", "shift_jis", "euc-kr", "windows-1252", "utf-16le", "iso-8859-1"];
    let written = written?;
    if encoding_rs::Encoding::for_label(written.value.as_bytes()).is_none() {
        findings.unknown(&written.range, format!("unknown encoding `{}`", written.value), &written.value, COMMON);
    }
    Some(written.value.clone())
}
