//! A source file: as written → as validated, as far as one file can be judged alone.
//!
//! In: the text of a source file. Out: a [`Source`] and warnings, or everything that is wrong with it. What concerns
//! other sources (`map`) is judged when all are there.

use std::{collections::BTreeMap, sync::Arc};

use arrow::datatypes::DataType;
use unicode_normalization::UnicodeNormalization;

use super::{
    Environment, checks,
    column::column,
    file, files,
    findings::{Findings, Read, suggestion},
    format::format,
    names, paths,
    project::{Check, Column, Dialect, Format, RejectLimit, Rule, Source, Version},
    spans::{At, Pairs},
    types, values,
    yaml::{self, Mended, Parsed},
};
use crate::record::{Diagnostic, Placed, Text};

/// Rules of the normalizer itself.
const BUILT_IN_RULES: [&str; 14] = [
    "required",
    "type",
    "overflow",
    "precision",
    "code",
    "max_length",
    "pattern",
    "check_digit",
    "validate",
    "row_shape",
    "encoding",
    "truncated",
    "quote",
    "drift",
];

/// Reads and checks one source file.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read(text: Arc<Text>, environment: Environment<'_>) -> Result<(Source, Vec<Diagnostic>), Vec<Diagnostic>> {
    read_loosely(text, environment).strictly()
}

/// Reads and checks one source file as [`read`] does; of a contract that is wrong the source comes back too, if its columns are what
/// they will be once the contract is right.
pub fn read_loosely(text: Arc<Text>, environment: Environment<'_>) -> Read<String, Source> {
    let mut findings = Findings::of(text);
    let mut name = None;
    let Parsed { value: source, mended } = yaml::check_mending(&mut findings, |written: At<file::Source>, findings| {
        name = written.value.name.as_ref().map(|name| name.value.clone());
        checked(written, environment, findings)
    });
    let is_column = |mended: &Mended| !mended.is_unknown_key || findings.body()[mended.range.clone()].contains("type");
    let decides = mended.iter().any(is_column);
    let name = name.or_else(|| names::spelled(findings.body(), "name"));
    // The file is called after its source.
    let name = name.or_else(|| names::stem(&findings.text().path));
    Read { name, value: source.filter(|_| !decides), findings: findings.sorted() }
}

fn checked(written: At<file::Source>, environment: Environment<'_>, findings: &mut Findings) -> Option<Source> {
    let (written, start) = (written.value, written.range);
    let name = findings.required(written.name, &start, "name", "dealer_sales");
    let location = findings.required(written.location, &start, "location", "../extracts/dealer_sales/**/*");
    let columns = findings.required(written.columns, &start, "columns", "{ order_no: { type: string } }");
    if let Some(name) = &name {
        names::identifier("source name", name, findings);
    }
    names::distinct("key", &written.key, findings);
    names::distinct("partition_by", &written.partition_by, findings);
    names::distinct("as_of", &written.as_of, findings);
    let location = location.and_then(|path| paths::location(&path, environment, findings));
    let format = format(written.format, findings);
    let version = version(written.version, findings);
    let rules = rules(written.rules, findings);
    let columns = columns.and_then(|columns| self::columns(columns, &written.key, &start, findings));
    let keys = file::FileKeys {
        settle_seconds: written.settle_seconds,
        on_missing: written.on_missing,
        on_unreadable: written.on_unreadable,
        drift: written.drift,
        limits: written.limits,
    };
    let source = Source {
        text: Arc::clone(findings.text()),
        files: files::policy(keys, findings),
        description: written.description,
        format: format?,
        version: version?,
        key: findings.all_placed(written.key),
        partition_by: findings.all_placed(written.partition_by),
        event_date: written.event_date.map(|column| findings.placed(column)),
        as_of: findings.all_placed(written.as_of),
        reject_limit: reject_limit(written.reject_limit, findings),
        columns: columns?,
        rules,
        checks: checks::checks(written.checks, Dialect::default(), findings),
        name: findings.placed(name?),
        location: location?,
    };
    database_fits_location(&source, findings);
    refers_to_own_columns(&source, findings);
    one_column_per_header(&source, findings);
    Some(source)
}

/// Checks that a server is read as a database, that a watermark belongs to one database only, and that no column of a database asks
/// for a path.
fn database_fits_location(source: &Source, findings: &mut Findings) {
    let is_server = paths::is_database(&source.location.value);
    let location = &source.location.value;
    match &source.format {
        Format::Database(options)
            if options.watermark.is_some() && !is_server && location.contains(['*', '?', '[', '{']) =>
        {
            let hint = "name one file: each database would have a largest value of its own";
            push(findings, "`watermark` beside a glob".to_owned(), &source.location, hint);
        }
        Format::Database(_) => {
            for column in source.columns.iter().filter(|column| column.from_path.is_some()) {
                let message = format!("`from_path` of `{}` in a source that reads a database", column.name.value);
                let hint = "a table has no path: use `from`, `default`, or a `query` that has the column";
                push(findings, message, &column.name, hint);
            }
        }
        _ if is_server => {
            let hint = "write `format: { type: database, table: crm.visit }`";
            push(findings, "the location is a database, but the format is not".to_owned(), &source.location, hint);
        }
        _ => {}
    }
}

/// Checks all columns; None when any of them has no usable type, so that nothing false is said about references to it.
fn columns(
    written: Pairs<file::Column>,
    key: &[At<String>],
    start: &std::ops::Range<usize>,
    findings: &mut Findings,
) -> Option<Vec<Column>> {
    if written.0.is_empty() {
        findings.error(start, "`columns` is empty", "a contract names at least one column");
    }
    let in_key = |name: &At<String>| key.iter().any(|part| part.value == name.value);
    let checked: Vec<Option<Column>> = written
        .0
        .into_iter()
        .map(|(name, written)| {
            let in_key = in_key(&name);
            column(name, written, in_key, findings)
        })
        .collect();
    checked.into_iter().collect()
}

fn version(written: Option<At<file::Version>>, findings: &mut Findings) -> Option<Version> {
    let Some(At { value, range }) = written else { return Some(Version::Path) };
    match (value.from_path, value.from_column) {
        (Some(pattern), None) => values::path_pattern(&pattern, "version", "[0-9]{8}", findings).map(Version::FromPath),
        (None, Some(column)) => Some(Version::FromColumn(findings.placed(column))),
        (None, None) => {
            findings.error(&range, "`version` says nothing", "give `from_path` or `from_column`, or leave the key out");
            None
        }
        (Some(_), Some(column)) => {
            findings.error(&column.range, "`from_column` beside `from_path`", "keep one of the two");
            None
        }
    }
}

fn reject_limit(written: Option<At<file::RejectLimit>>, findings: &mut Findings) -> RejectLimit {
    let Some(At { value, range }) = written else { return RejectLimit::default() };
    if value.share.is_none() && value.rows.is_none() {
        findings.error(&range, "`reject_limit` has no bound", "write `{ share: 0.02 }` or `{ rows: 100 }`");
    }
    if let Some(share) = value.share.as_ref().filter(|share| !(0.0..=1.0).contains(&share.value)) {
        let percent = (1.0..=100.0).contains(&share.value).then(|| format!("{}", share.value / 100.0));
        let hint = percent.map_or_else(|| "write 0.02 for 2 %".to_owned(), |share| format!("did you mean `{share}`?"));
        findings.error(&share.range, format!("share `{}` is not between 0 and 1", share.value), hint);
    }
    RejectLimit { share: value.share.map(|share| share.value), rows: value.rows }
}

fn rules(written: Vec<At<file::Rule>>, findings: &mut Findings) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    for At { value, range } in written {
        let name = findings.required(value.name, &range, "name", "positive_quantity");
        let expr = findings.required(value.expr, &range, "expr", "quantity > 0");
        let expr = expr.filter(|expr| checks::not_blank(expr, findings));
        if let Some(name) = &name {
            rule_name(name, &rules, findings);
        }
        if let (Some(name), Some(expr)) = (name, expr) {
            rules.push(Rule { name: findings.placed(name), expr: findings.placed(expr) });
        }
    }
    rules
}

fn rule_name(name: &At<String>, earlier: &[Rule], findings: &mut Findings) {
    names::identifier("rule", name, findings);
    if BUILT_IN_RULES.contains(&name.value.as_str()) {
        findings.error(&name.range, format!("rule `{}` is built in", name.value), "choose another name");
    }
    if earlier.iter().any(|rule| rule.name.value == name.value) {
        findings.error(&name.range, format!("rule `{}` occurs twice", name.value), "choose another name");
    }
}

/// Checks every mention of a column of this contract.
fn refers_to_own_columns(source: &Source, findings: &mut Findings) {
    for name in &source.key {
        declared(source, "key", name, findings);
    }
    for name in &source.partition_by {
        if let Some(column) = declared(source, "partition_by", name, findings) {
            partitions(name, &column.data_type, findings);
        }
    }
    for name in source.event_date.iter().chain(&source.as_of) {
        if let Some(column) = declared(source, "event_date and as_of", name, findings)
            && !types::is_temporal(&column.data_type)
        {
            let message = format!("`{}` is of type `{}`", name.value, types::name(&column.data_type));
            push(findings, message, name, "the as-of cut needs a `date` or a `timestamp`");
        }
    }
    if let Version::FromColumn(name) = &source.version
        && let Some(column) = declared(source, "version", name, findings)
        && !orders(&column.data_type)
    {
        let message = format!("`{}` is of type `{}`", name.value, types::name(&column.data_type));
        push(findings, message, name, "a version is a `date`, a `timestamp`, an `int` or a `bigint`");
    }
    for name in source.checks.iter().flat_map(Check::columns) {
        declared(source, "checks", name, findings);
    }
}

const fn orders(data_type: &DataType) -> bool {
    types::is_temporal(data_type) || matches!(data_type, DataType::Int32 | DataType::Int64)
}

/// Returns the declared column of a name, or says that there is none.
fn declared<'a>(source: &'a Source, key: &str, name: &Placed<String>, findings: &mut Findings) -> Option<&'a Column> {
    let column = source.column(&name.value);
    if column.is_none() {
        let known = source.columns.iter().map(|column| column.name.value.as_str());
        let hint = suggestion(&name.value, known);
        push(findings, format!("`{}` in `{key}` is no column of this contract", name.value), name, &hint);
    }
    column
}

fn push(findings: &mut Findings, message: String, name: &Placed<String>, hint: &str) {
    findings.push(Diagnostic::error(message, name.place.clone()).hint(hint));
}

/// Reports a partition column whose values make no good folders.
fn partitions(name: &Placed<String>, data_type: &DataType, findings: &mut Findings) {
    let advice = match data_type {
        DataType::Date32 | DataType::Int32 | DataType::Int64 | DataType::Utf8 | DataType::Boolean => return,
        DataType::Timestamp(..) => format!(
            "derive a date or a month from it: `{{ type: date, derive: \"date_trunc('month', {})\" }}`",
            name.value
        ),
        _ => "partition by a date, a whole number, a text or a boolean; derive one from it".to_owned(),
    };
    let message = format!("`{}` of type `{}` cannot partition a table", name.value, types::name(data_type));
    push(findings, message, name, &advice);
}

/// Warns when two columns claim one header, and refuses one that a column claims twice.
fn one_column_per_header(source: &Source, findings: &mut Findings) {
    let mut owners: BTreeMap<String, &Placed<String>> = BTreeMap::new();
    for column in &source.columns {
        for alias in &column.from {
            let folded = alias.name.nfkc().collect::<String>().trim().to_lowercase();
            match owners.insert(folded, &column.name) {
                Some(owner) if owner.value == column.name.value => {
                    let message = format!("`from` of `{}` names the header `{}` twice", owner.value, alias.name);
                    push(findings, message, &column.name, "case, width and surrounding blanks make no difference");
                }
                Some(owner) => {
                    let message =
                        format!("the header `{}` feeds both `{}` and `{}`", alias.name, owner.value, column.name.value);
                    let finding = Diagnostic::error(message, column.name.place.clone())
                        .hint("use `derive` when one column follows from the other");
                    findings.push(finding.into_warning());
                }
                None => {}
            }
        }
    }
}
