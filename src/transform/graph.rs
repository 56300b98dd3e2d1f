//! The order of models: each after the tables that it reads.

use std::collections::{BTreeMap, BTreeSet};

use super::PlannedModel;
use crate::{
    define::project::Model,
    engine::{Parameters, Problem, Statement},
    record::{Diagnostic, Place, TableName, diagnostic::nearest},
};

/// Every model, planned, each after those that it reads.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    /// Models in an order in which they can be built.
    pub models: Vec<PlannedModel>,
}

impl Graph {
    /// Returns a model by name.
    #[must_use]
    pub fn get(&self, name: &TableName) -> Option<&PlannedModel> {
        self.models.iter().find(|model| model.model.name == *name)
    }
}

/// A model that was parsed.
#[derive(Debug, Clone)]
pub(super) struct ParsedModel {
    pub model: Model,
    pub statement: Statement,
}

/// Parses every model; one that cannot be parsed is a finding and is left out.
pub(super) fn parse(models: &[Model], parameters: &Parameters) -> (Vec<ParsedModel>, Vec<Diagnostic>) {
    let (mut parsed, mut findings) = (Vec::new(), Vec::new());
    for model in models {
        match Statement::parse_as(model.dialect, &model.text.body, parameters) {
            Ok(statement) => parsed.push(ParsedModel { model: model.clone(), statement }),
            Err(error) => {
                let problem = Problem::new(&error, &model.text.body);
                findings.push(diagnostic(model, problem, parameters.names()));
            }
        }
    }
    (parsed, findings)
}

/// Turns what the engine says about a model into a finding in its file.
pub(super) fn diagnostic<'a>(model: &Model, problem: Problem, names: impl Iterator<Item = &'a str>) -> Diagnostic {
    let hint = problem.message.strip_prefix("unknown parameter `$").and_then(|rest| {
        let written = rest.trim_end_matches('`');
        nearest(written, names).map(|name| format!("did you mean `${name}`?"))
    });
    let mut finding = Diagnostic::error(problem.message, place(model, problem.range));
    finding.hint = hint.or(problem.hint);
    finding
}

/// Returns a place in a model's file: the range, else the first line of its SQL.
pub(super) fn place(model: &Model, range: Option<std::ops::Range<usize>>) -> Place {
    let text = &model.text;
    let sql = match text.body.trim_start().starts_with("/*") {
        true => text.body.find("*/").map_or(0, |end| end + 2),
        false => 0,
    };
    let rest = text.body.get(sql..).unwrap_or_default();
    let start = sql + (rest.len() - rest.trim_start().len());
    let end = text.body[start..].find('\n').map_or(text.body.len(), |length| start + length);
    Place { text: text.clone(), range: range.unwrap_or(start..end) }
}

/// Finds tables that nobody makes, and table names without a schema.
pub(super) fn unknown_tables(parsed: &[ParsedModel], sources: &BTreeSet<TableName>, all: &[Model]) -> Vec<Diagnostic> {
    let known: BTreeSet<TableName> =
        sources.iter().cloned().chain(all.iter().map(|model| model.name.clone())).collect();
    let names: Vec<String> = known.iter().map(ToString::to_string).collect();
    let mut findings = Vec::new();
    for ParsedModel { model, statement } in parsed {
        let unknown = statement.tables.iter().filter(|table| !known.contains(table)).map(ToString::to_string);
        for table in unknown.chain(statement.unqualified.iter().cloned()) {
            let range = find(&model.text.body, &table);
            let finding = Diagnostic::error(format!("unknown table `{table}`"), place(model, range));
            findings.push(with_table_hint(finding, &table, &names));
        }
    }
    findings
}

fn with_table_hint(finding: Diagnostic, table: &str, names: &[String]) -> Diagnostic {
    let same_table = |name: &&String| name.rsplit('.').next() == table.rsplit('.').next();
    match names.iter().find(same_table) {
        Some(name) => finding.hint(format!("did you mean `{name}`?")),
        None => finding.did_you_mean(table, names.iter().map(String::as_str)),
    }
}

/// Finds a table's name as a whole word in a model's SQL, its header left out.
fn find(text: &str, table: &str) -> Option<std::ops::Range<usize>> {
    crate::engine::problem::find_word(text, table)
}

/// Orders models after what they read; a cycle is a finding that names its way round.
pub(super) fn order(parsed: Vec<ParsedModel>) -> (Vec<ParsedModel>, Vec<Diagnostic>) {
    let mut waiting: BTreeMap<TableName, ParsedModel> =
        parsed.into_iter().map(|parsed| (parsed.model.name.clone(), parsed)).collect();
    let mut ordered = Vec::with_capacity(waiting.len());
    loop {
        let ready: Vec<TableName> = waiting
            .iter()
            .filter(|(_, parsed)| !parsed.statement.tables.iter().any(|table| waiting.contains_key(table)))
            .map(|(name, _)| name.clone())
            .collect();
        if ready.is_empty() {
            break;
        }
        ordered.extend(ready.iter().filter_map(|name| waiting.remove(name)));
    }
    (ordered, cycle(&waiting).into_iter().collect())
}

/// Follows one cycle among models of which each waits for another.
fn cycle(waiting: &BTreeMap<TableName, ParsedModel>) -> Option<Diagnostic> {
    let mut way: Vec<&TableName> = vec![waiting.keys().next()?];
    loop {
        let here = waiting.get(*way.last()?)?;
        let next = here.statement.tables.iter().find(|table| waiting.contains_key(table))?;
        if let Some(start) = way.iter().position(|name| *name == next) {
            let names: Vec<String> = way[start..].iter().chain([&next]).map(ToString::to_string).collect();
            let model = &waiting.get(next)?.model;
            let read = waiting.get(next)?.statement.tables.iter().find(|table| way[start..].contains(table));
            let range = read.and_then(|table| find(&model.text.body, &table.to_string()));
            let message = format!("models read each other in a circle: {}", names.join(" → "));
            return Some(
                Diagnostic::error(message, place(model, range))
                    .hint("take one of these reads out, or move the shared part into a model of its own"),
            );
        }
        way.push(next);
    }
}
