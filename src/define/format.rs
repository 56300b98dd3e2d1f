//! `format:` of a source: as written → as validated.
//!
//! In: a name or a map of options. Out: the [`Format`] with the options that belong to it; one that does not belong is
//! a finding, not ignored.

use std::ops::Range;

use super::{
    file::{self, FormatName, FormatOptions},
    findings::Findings,
    fixed_width::fixed_width,
    names::character,
    project::{CsvOptions, DatabaseOptions, Format, JsonOptions, XlsxOptions},
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
        FormatName::Json => Format::Json(JsonOptions::default()),
        FormatName::Jsonl => Format::Json(JsonOptions { lines: true, ..JsonOptions::default() }),
        FormatName::Parquet => Format::Parquet,
        FormatName::Avro => Format::Avro,
        FormatName::Arrow => Format::Arrow,
        FormatName::FixedWidth => {
            let hint = "write `{ type: fixed_width, columns: [{ name: dealer, start: 1, width: 8 }] }`";
            findings.error(range, "format `fixed_width` names no columns", hint);
            return None;
        }
        FormatName::Database => {
            findings.error(range, "format `database` names no table", DATABASE_EXAMPLE);
            return None;
        }
    })
}

fn with_options(mut options: FormatOptions, range: &Range<usize>, findings: &mut Findings) -> Option<Format> {
    let member = options.member.take();
    let format = of_file(options, range, findings)?;
    Some(match member {
        Some(member) => Format::Member { pattern: glob("member", member, findings), format: Box::new(format) },
        None => format,
    })
}

/// Returns the format of a file, or of each member of an archive.
fn of_file(options: FormatOptions, range: &Range<usize>, findings: &mut Findings) -> Option<Format> {
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
            let header_rows = header_rows(options.header_rows.as_ref(), findings);
            let sheet = options.sheet.map(|sheet| glob("sheet", sheet, findings));
            Some(Format::Xlsx(XlsxOptions { sheet, header_row, header_rows }))
        }
        Some(FormatName::Json) => Some(Format::Json(json(options, false, findings))),
        Some(FormatName::Jsonl) => Some(Format::Json(json(options, true, findings))),
        Some(FormatName::FixedWidth) => fixed_width(options, range, findings).map(Format::FixedWidth),
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
    use FormatName::{Csv, Database, FixedWidth, Json, Jsonl, Xlsx};
    let Some(name) = &options.name else { return };
    let written: [WrittenOption<'_>; 17] = [
        ("encoding", options.encoding.as_ref().map(|at| &at.range), &[Csv, Json, Jsonl, FixedWidth]),
        ("delimiter", options.delimiter.as_ref().map(|at| &at.range), &[Csv]),
        ("quote", options.quote.as_ref().map(|at| &at.range), &[Csv]),
        ("escape", options.escape.as_ref().map(|at| &at.range), &[Csv]),
        ("header", options.header.as_ref().map(|at| &at.range), &[Csv]),
        ("comment", options.comment.as_ref().map(|at| &at.range), &[Csv]),
        ("decimal_mark", options.decimal_mark.as_ref().map(|at| &at.range), &[Csv]),
        ("header_row", options.header_row.as_ref().map(|at| &at.range), &[Csv, Xlsx, FixedWidth]),
        ("header_rows", options.header_rows.as_ref().map(|at| &at.range), &[Xlsx]),
        ("sheet", options.sheet.as_ref().map(|at| &at.range), &[Xlsx]),
        ("table", options.table.as_ref().map(|at| &at.range), &[Database]),
        ("records", options.records.as_ref().map(|at| &at.range), &[Json]),
        ("by", options.by.as_ref().map(|at| &at.range), &[FixedWidth]),
        ("columns", options.columns.as_ref().map(|at| &at.range), &[FixedWidth]),
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
        FormatName::Json => "json",
        FormatName::Jsonl => "jsonl",
        FormatName::Parquet => "parquet",
        FormatName::Avro => "avro",
        FormatName::Arrow => "arrow",
        FormatName::FixedWidth => "fixed_width",
        FormatName::Database => "database",
    }
}

fn csv(options: &FormatOptions, findings: &mut Findings) -> Option<CsvOptions> {
    let csv = CsvOptions {
        encoding: encoding(options.encoding.as_ref(), findings),
        delimiter: delimiter(options.delimiter.as_ref(), findings),
        quote: character("quote", options.quote.as_ref(), findings),
        escape: character("escape", options.escape.as_ref(), findings),
        no_header: options.header.is_some(),
        header_row: header_row(options.header_row.as_ref(), findings),
        comment: character("comment mark", options.comment.as_ref(), findings),
        decimal_mark: options.decimal_mark.as_ref().map(|mark| mark.value),
    };
    let quote = csv.quote.unwrap_or('"');
    let is_quote = csv.delimiter.as_ref().is_some_and(|delimiter| delimiter.starts_with(quote));
    if let Some(delimiter) = options.delimiter.as_ref().filter(|_| is_quote) {
        findings.error(&delimiter.range, "delimiter and quote are the same character", "declare another `quote`");
        return None;
    }
    if let (Some(header), Some(_)) = (&options.header, csv.header_row) {
        findings.error(&header.range, "`header: none` and `header_row` contradict each other", "keep one of the two");
    }
    Some(csv)
}

/// Checks that a delimiter is text without line ends.
fn delimiter(written: Option<&At<String>>, findings: &mut Findings) -> Option<String> {
    let written = written?;
    if written.value.is_empty() || written.value.contains(['\n', '\r', '\0']) {
        findings.error(
            &written.range,
            format!("delimiter `{}` cannot stand between cells", written.value.escape_debug()),
            "write the characters in quotes, a tab as \"\\t\"",
        );
        return None;
    }
    Some(written.value.clone())
}

fn json(options: FormatOptions, lines: bool, findings: &mut Findings) -> JsonOptions {
    if let Some(records) = options.records.as_ref().filter(|path| path.value.split('.').any(str::is_empty)) {
        let message = format!("`{}` is no path of names", records.value);
        findings.error(&records.range, message, "write `data.items`, the names on the way to the array");
    }
    JsonOptions {
        encoding: encoding(options.encoding.as_ref(), findings),
        records: options.records.map(|path| path.value),
        lines,
    }
}

pub(super) fn header_row(written: Option<&At<u64>>, findings: &mut Findings) -> Option<u64> {
    let written = written?;
    if written.value == 0 {
        findings.error(&written.range, "`header_row` is 0", "lines are counted from 1");
    }
    Some(written.value)
}

fn header_rows(written: Option<&At<u64>>, findings: &mut Findings) -> Option<u64> {
    let written = written?;
    if !(1..=3).contains(&written.value) {
        findings.error(&written.range, "a header has one, two or three rows", "write `header_rows: 2`");
    }
    Some(written.value)
}

/// Checks that a glob is one.
fn glob(option: &str, written: At<String>, findings: &mut Findings) -> String {
    if let Err(error) = globset::Glob::new(&written.value) {
        let hint = "write `*` for any letters, and `[*]` for a star itself";
        findings.error(&written.range, format!("`{option}` is no glob: {}", error.kind()), hint);
    }
    written.value
}

/// Checks that an encoding has a name in the Encoding Standard.
pub(super) fn encoding(written: Option<&At<String>>, findings: &mut Findings) -> Option<String> {
    const COMMON: [&str; 9] =
        ["utf-8", "gb18030", "gbk", "big5", "shift_jis", "euc-kr", "windows-1252", "utf-16le", "iso-8859-1"];
    let written = written?;
    if encoding_rs::Encoding::for_label(written.value.as_bytes()).is_none() {
        findings.unknown(&written.range, format!("unknown encoding `{}`", written.value), &written.value, COMMON);
    }
    Some(written.value.clone())
}
