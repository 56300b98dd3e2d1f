//! A SQL model file: its header as written → as validated. The SQL itself is left to the planner.
//!
//! In: the text of a `.sql` file and its path below the folder of models. Out: a [`Model`] and warnings, or everything
//! that is wrong with header and path. Places point into the `.sql` file.

use std::{
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    checks, file,
    findings::{Findings, Read},
    history, kind, names,
    project::{Dialect, Kind, Model, ModelColumn},
    spans::{At, Pairs},
    types,
    yaml::{self, Parsed},
};
use crate::record::{Diagnostic, Place, Placed, TableName, Text};

/// Schemas that the tool itself fills.
const RESERVED: [&str; 3] = ["staged", "quarantine", "ops"];

/// Returns whether the tool itself fills a schema.
pub fn is_reserved(schema: &str) -> bool {
    RESERVED.contains(&schema)
}

/// Reads and checks one model file; `dialect` is how its SQL is understood unless its header says otherwise.
///
/// # Errors
/// Everything that is wrong with its path and its header.
pub fn read(text: &Arc<Text>, relative: &Path, dialect: Dialect) -> Result<(Model, Vec<Diagnostic>), Vec<Diagnostic>> {
    read_loosely(text, relative, dialect).strictly()
}

/// Reads and checks one model file as [`read`] does; of one whose header is wrong the model comes back too, if its query means what it
/// will mean once the header is right.
pub fn read_loosely(text: &Arc<Text>, relative: &Path, dialect: Dialect) -> Read<TableName, Model> {
    let mut findings = Findings::of(Arc::clone(text));
    let name = table_name(text, relative, &mut findings);
    let is_named = findings.count() == 0;
    let Some(header) = header(text, &mut findings) else {
        return Read { name, value: None, findings: findings.sorted() };
    };
    let query = header.as_ref().map_or(0, |header| header.end);
    let mut findings = match header {
        Some(part) => findings.within(part.yaml),
        None => findings.within(0..0),
    };
    let blank = yaml::is_blank(findings.body());
    let Parsed { value: written, mended } = match blank {
        true => Parsed { value: Some(file::Model::default()), mended: Vec::new() },
        false => yaml::parse_mending(&mut findings),
    };
    let is_seed =
        written.as_ref().and_then(|written| written.kind.as_ref()).is_some_and(|kind| kind.value == Kind::Seed);
    let beside = if is_seed { with_query(text, query) } else { without_query(text, query) };
    let has_what_it_needs = is_seed || beside.is_none();
    if mended.is_empty() || written.as_ref().is_some_and(|written| written.kind.is_some()) {
        findings.extend(beside);
    }
    let follows_history = written.as_ref().is_some_and(|written| written.history.is_some());
    let decides = mended.iter().any(|mended| decides_the_query(&findings.body()[mended.range.clone()]));
    // What is said of a header of which a part is missing may follow from that.
    let told = findings.count();
    let model = written.and_then(|written| model(name.clone(), dialect, written, &mut findings));
    if !mended.is_empty() {
        findings.truncate(told);
    }
    let is_sound = |model: &Model| model.history.is_some() == follows_history;
    let value = model.filter(|model| is_named && has_what_it_needs && !decides && is_sound(model));
    Read { name, value, findings: findings.sorted() }
}

/// Returns whether a part of a header may say in which way the query is understood, or which columns it has at last.
fn decides_the_query(part: &str) -> bool {
    ["kind", "seed", "histor", "track", "dialect", "duckdb", "datafusion"].iter().any(|word| part.contains(word))
}

/// Makes a model of which nothing is told but its name and kind; None where the path names none.
#[must_use]
pub fn named(text: &Arc<Text>, relative: &Path, kind: Kind) -> Option<Model> {
    let mut findings = Findings::of(Arc::clone(text));
    let name = table_name(text, relative, &mut findings);
    let mut findings = findings.within(0..0);
    let model = model(name, Dialect::default(), file::Model::default(), &mut findings)?;
    Some(Model { kind, ..model })
}

/// Makes the model of a CSV file without a `.sql` file beside it: nothing is said of it but its rows.
///
/// # Errors
/// Everything that is wrong with its path.
pub fn bare_seed(rows: &Arc<Text>, relative: &Path) -> Result<(Model, Vec<Diagnostic>), Vec<Diagnostic>> {
    let mut findings = Findings::of(Arc::clone(rows));
    let name = table_name(rows, &relative.with_extension("sql"), &mut findings);
    let mut findings = findings.within(0..0);
    let model = model(name, Dialect::default(), file::Model::default(), &mut findings);
    findings.finish(model.map(|model| Model { kind: Kind::Seed, rows: Some(Arc::clone(rows)), ..model }))
}

fn model(name: Option<TableName>, dialect: Dialect, written: file::Model, findings: &mut Findings) -> Option<Model> {
    names::distinct("key", &written.key, findings);
    names::distinct("partition_by", &written.partition_by, findings);
    let kind = kind::kind(&written, findings);
    let columns = columns(written.columns, findings);
    let on_schema_change =
        history::on_schema_change(written.on_schema_change.as_ref(), written.history.as_ref(), findings);
    let history = written.history.and_then(|history| history::history(history, &written.key, findings));
    let dialect = written.dialect.unwrap_or(dialect);
    let checks = checks::checks(written.checks, dialect, findings);
    let ignored = written.rebuild.unwrap_or_default().ignore_changes;
    let ignore_changes = ignored.iter().filter_map(|table| checks::table(table, findings)).collect();
    Some(Model {
        text: Arc::clone(findings.text()),
        name: name?,
        path: PathBuf::from(&findings.text().path),
        kind,
        rows: None,
        description: written.description,
        owner: written.owner,
        key: match &history {
            Some(history) => history::version_key(history),
            None => findings.all_placed(written.key),
        },
        partition_by: findings.all_placed(written.partition_by),
        on_schema_change,
        history,
        ignore_changes,
        dialect,
        tags: written.tags,
        columns,
        checks,
    })
}

fn columns(written: Pairs<Option<file::ModelColumn>>, findings: &mut Findings) -> Vec<ModelColumn> {
    let read = |(name, column): (At<String>, Option<file::ModelColumn>)| {
        let column = column.unwrap_or_default();
        let data_type = column.data_type.and_then(|text| {
            let data_type = types::read(&text, findings)?;
            Some(Placed::new(data_type, findings.place(&text.range)))
        });
        ModelColumn {
            name: findings.placed(name),
            data_type,
            description: column.description,
            title: column.title.into(),
            unit: column.unit,
        }
    };
    written.0.into_iter().map(read).collect()
}

/// Returns `schema.table` of `schema/table.sql`.
fn table_name(text: &Arc<Text>, relative: &Path, findings: &mut Findings) -> Option<TableName> {
    let place = Place::start_of(Arc::clone(text));
    let parts: Vec<String> = relative.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    let [schema, file] = parts.as_slice() else {
        let message = format!("model `{}` does not lie in a folder of its schema", relative.display());
        findings.push(Diagnostic::error(message, place).hint("put it at `<schema>/<table>.sql` below the models"));
        return None;
    };
    let table = file.strip_suffix(".sql").unwrap_or(file);
    for (what, name) in [("schema", schema.as_str()), ("table", table)] {
        if !names::is_snake_case(name) {
            let message = format!("{what} `{name}` is not snake_case");
            findings.push(Diagnostic::error(message, place.clone()).hint(names::snake_hint(name)));
        }
    }
    if is_reserved(schema) {
        let message = format!("schema `{schema}` is filled by tallyhouse itself");
        findings.push(Diagnostic::error(message, place).hint("put the model into another folder"));
    }
    Some(TableName::new(schema.as_str(), table))
}

/// The parts of a file with a header.
pub(super) struct Header {
    /// The YAML between the two marks.
    pub yaml: Range<usize>,
    /// Where the query begins.
    pub end: usize,
}

/// Finds the header: `Some(None)` when there is none, `None` when it is broken.
#[expect(clippy::option_option, reason = "no header and a broken one are different answers")]
pub(super) fn header(text: &Arc<Text>, findings: &mut Findings) -> Option<Option<Header>> {
    let body = text.body.as_str();
    let start = body.len() - body.trim_start_matches(|part: char| part.is_whitespace() || part == '\u{feff}').len();
    let opening = body[start..].lines().next().unwrap_or_default();
    let opens = opening.strip_prefix("/*").is_some_and(|rest| rest.trim() == "---");
    if !opens {
        return Some(None);
    }
    let first = (start + opening.len() + 1).min(body.len());
    let mut at = first;
    for line in body[first..].split_inclusive('\n') {
        let mark = line.trim();
        if mark.strip_suffix("*/").is_some_and(|rest| rest.trim() == "---") {
            return Some(Some(Header { yaml: first..at, end: at + line.len() }));
        }
        if let Some(found) = line.find("*/").or_else(|| line.find("/*")) {
            findings.push(comment_mark(text, at + found));
            return None;
        }
        at += line.len();
    }
    let place = Place { text: Arc::clone(text), range: start..start + opening.trim_end().len() };
    findings.push(Diagnostic::error("the header is never closed", place).hint("close it with a line `--- */`"));
    None
}

/// Returns the finding about a comment mark within the header, which would end the SQL comment or nest another.
fn comment_mark(text: &Arc<Text>, at: usize) -> Diagnostic {
    let mark = &text.body[at..at + 2];
    let place = Place { text: Arc::clone(text), range: at..at + 2 };
    let message = format!("`{mark}` within the header, which is a SQL comment");
    Diagnostic::error(message, place)
        .hint("close the header with a line `--- */`, and use `*/` and `/*` nowhere else in it")
}

/// Returns a finding when nothing but blanks and comments follows the header.
fn without_query(text: &Arc<Text>, start: usize) -> Option<Diagnostic> {
    let end = text.body.trim_end().len();
    let place = Place { text: Arc::clone(text), range: end..end };
    (!has_query(text, start)).then(|| Diagnostic::error("the model has no query", place).hint("write a SELECT"))
}

/// Returns a finding when more than blanks and comments follows the header of a seed.
fn with_query(text: &Arc<Text>, start: usize) -> Option<Diagnostic> {
    let end = text.body.trim_end().len();
    let place = Place { text: Arc::clone(text), range: start.min(end)..end };
    let hint = "take the query out, or `kind: seed`: the rows of a seed stand in the CSV file beside it";
    has_query(text, start).then(|| Diagnostic::error("a seed has no query", place).hint(hint))
}

fn has_query(text: &Text, start: usize) -> bool {
    let query = text.body.get(start..).unwrap_or_default().trim_start_matches('\u{feff}');
    !query.lines().all(|line| line.trim().is_empty() || line.trim().starts_with("--"))
}
