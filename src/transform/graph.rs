//! The order of models: each after the tables that it reads.

use std::collections::BTreeMap;

use super::{PlannedModel, diagnose, seed, views::PlannedView};
use crate::{
    define::project::{Dialect, Kind, Model},
    engine::{Parameters, Problem, Statement, parallel},
    record::{Diagnostic, Place, TableName},
};

/// Every model, planned, each after those that it reads.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    /// Models in an order in which they can be built.
    pub models: Vec<PlannedModel>,
    /// Views, each after those that it reads. They are computed where they are read, and never built.
    pub views: Vec<PlannedView>,
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

/// Parses every model on so many threads; one that cannot be parsed is a finding and is left out.
pub(super) fn parse(models: &[Model], parameters: &Parameters, threads: usize) -> (Vec<ParsedModel>, Vec<Diagnostic>) {
    let (mut parsed, mut findings) = (Vec::new(), Vec::new());
    for answer in parallel::each(threads, models, |model| parse_model(model, parameters)) {
        match answer {
            Ok(model) => parsed.push(model),
            Err(found) => findings.extend(found),
        }
    }
    (parsed, findings)
}

fn parse_model(model: &Model, parameters: &Parameters) -> Result<ParsedModel, Vec<Diagnostic>> {
    let rows = (model.kind == Kind::Seed).then(|| seed::query(model)).transpose()?;
    let text = rows.as_ref().unwrap_or(&model.text.body);
    match Statement::parse_as(model.dialect, text, parameters) {
        Ok(statement) => Ok(ParsedModel { model: model.clone(), statement }),
        // Taking a text apart asks for the engine's own grammar.
        Err(error) if model.dialect == Dialect::Duckdb => {
            Err(vec![diagnostic(model, Problem::new(&error, &model.text.body))])
        }
        Err(error) => Err(diagnose::unparsed(&model.text, &error, parameters)),
    }
}

/// Turns what the engine says about a model into a finding in its file.
pub(super) fn diagnostic(model: &Model, problem: Problem) -> Diagnostic {
    let mut finding = Diagnostic::error(problem.message, place(model, problem.range));
    finding.hint = problem.hint;
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

/// Orders models after what they read; every cycle is a finding that names its way round, and its models are left out.
pub(super) fn order(parsed: Vec<ParsedModel>) -> (Vec<ParsedModel>, Vec<Diagnostic>) {
    let mut waiting: BTreeMap<TableName, ParsedModel> =
        parsed.into_iter().map(|parsed| (parsed.model.name.clone(), parsed)).collect();
    let (mut ordered, mut cycles) = (Vec::with_capacity(waiting.len()), Vec::new());
    loop {
        let ready: Vec<TableName> = waiting
            .iter()
            .filter(|(_, parsed)| !parsed.statement.named.iter().any(|table| waiting.contains_key(table)))
            .map(|(name, _)| name.clone())
            .collect();
        ordered.extend(ready.iter().filter_map(|name| waiting.remove(name)));
        if ready.is_empty() {
            let Some(way) = cycle(&waiting) else { break };
            cycles.extend(cycle_finding(&way, &waiting));
            waiting.retain(|name, _| !way.contains(name));
        }
    }
    (ordered, cycles)
}

/// Follows one cycle among models of which each waits for another.
fn cycle(waiting: &BTreeMap<TableName, ParsedModel>) -> Option<Vec<TableName>> {
    let mut way: Vec<&TableName> = vec![waiting.keys().next()?];
    loop {
        let here = waiting.get(*way.last()?)?;
        let next = here.statement.named.iter().find(|table| waiting.contains_key(table))?;
        if let Some(start) = way.iter().position(|name| *name == next) {
            return Some(way[start..].iter().map(|name| (*name).clone()).collect());
        }
        way.push(next);
    }
}

fn cycle_finding(way: &[TableName], waiting: &BTreeMap<TableName, ParsedModel>) -> Option<Diagnostic> {
    let first = way.first()?;
    let ParsedModel { model, statement } = waiting.get(first)?;
    let names: Vec<String> = way.iter().chain([first]).map(ToString::to_string).collect();
    let read = way.get(1).unwrap_or(first);
    let range = statement.query().and_then(|query| diagnose::read_place(&model.text, query, read));
    let message = format!("models read each other in a circle: {}", names.join(" → "));
    Some(
        Diagnostic::error(message, place(model, range))
            .hint("take one of these reads out, or move the shared part into a model of its own"),
    )
}
