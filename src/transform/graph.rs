//! The order of models: each after the tables that it reads.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::{PlannedModel, diagnose, seed, views::PlannedView};
use crate::{
    define::project::{Dialect, Kind, Model},
    engine::{Parameters, Problem, Statement, parallel},
    record::{Diagnostic, Place, TableName, Text},
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
    Ok(ParsedModel { statement: statement(model, parameters)?, model: model.clone() })
}

/// Parses one model; that of a seed is made of its rows.
///
/// # Errors
/// Everything that is wrong with its syntax, or with its rows.
pub fn statement(model: &Model, parameters: &Parameters) -> Result<Statement, Vec<Diagnostic>> {
    let rows = (model.kind == Kind::Seed).then(|| seed::query(model)).transpose()?;
    let text = rows.as_ref().unwrap_or(&model.text.body);
    Statement::parse_as(model.dialect, text, parameters).map_err(|error| match model.dialect {
        _ if rows.is_none() && template(&model.text).is_some() => template(&model.text).into_iter().collect(),
        // Taking a text apart asks for the engine's own grammar.
        Dialect::Duckdb => vec![diagnostic(model, Problem::new(&error, &model.text.body))],
        Dialect::Datafusion => diagnose::unparsed(&model.text, &error, parameters),
    })
}

/// Finds the first mark of a template language in a text that is no SQL.
fn template(text: &Arc<Text>) -> Option<Diagnostic> {
    let (start, close) =
        ["{{", "{%"].iter().zip(["}}", "%}"]).filter_map(|(open, close)| Some((text.body.find(open)?, close))).min()?;
    let line = text.body[start..].lines().next().unwrap_or_default();
    let end = line.find(close).map_or(line.len(), |end| end + close.len());
    let place = Place { text: Arc::clone(text), range: start..start + end };
    let hint = "write the name of the table, `schema.table`; what stands for `ref`, `source` and `var` is in docs/coming-from-dbt.md";
    Some(Diagnostic::error("this is a template, and models are plain SQL", place).hint(hint))
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
    let reads: Vec<(&TableName, &[TableName])> =
        waiting.iter().map(|(name, parsed)| (name, parsed.statement.named.as_slice())).collect();
    let Layers { layers, circles } = layers(&reads);
    let name = |at: &usize| reads[*at].0.clone();
    let ordered: Vec<TableName> = layers.iter().flatten().map(name).collect();
    let circles: Vec<Vec<TableName>> = circles.iter().map(|way| way.iter().map(name).collect()).collect();
    let told = |way: &Vec<TableName>| {
        let ParsedModel { model, statement } = waiting.get(way.first()?)?;
        Some(circle(way, model, statement))
    };
    let cycles = circles.iter().filter_map(told).collect();
    (ordered.iter().filter_map(|name| waiting.remove(name)).collect(), cycles)
}

/// Models in layers, each after those that it reads.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Layers {
    /// Models by their number, of which none reads another one of its layer; those of one layer in order of their numbers.
    pub layers: Vec<Vec<usize>>,
    /// Ways round among models that wait for each other, which are in no layer.
    pub circles: Vec<Vec<usize>>,
}

/// Finds the layers of models, which stand in order of their names, by the tables that they read.
#[must_use]
pub fn layers(models: &[(&TableName, &[TableName])]) -> Layers {
    let numbers: HashMap<&TableName, usize> = models.iter().enumerate().map(|(at, (name, _))| (*name, at)).collect();
    let inputs: Vec<Vec<usize>> =
        models.iter().map(|(_, named)| named.iter().filter_map(|name| numbers.get(name).copied()).collect()).collect();
    let mut readers = vec![Vec::new(); models.len()];
    for (at, read) in inputs.iter().enumerate() {
        for read in read {
            readers[*read].push(at);
        }
    }
    // What each still waits for; None for those that wait no more.
    let mut waits: Vec<Option<usize>> = inputs.iter().map(|read| Some(read.len())).collect();
    let mut found = Layers::default();
    let mut ready: Vec<usize> = (0..models.len()).filter(|at| waits[*at] == Some(0)).collect();
    loop {
        let gone = if ready.is_empty() {
            let Some(way) = way_round(&inputs, &waits) else { return found };
            found.circles.push(way.clone());
            way
        } else {
            found.layers.push(ready.clone());
            ready
        };
        for at in &gone {
            waits[*at] = None;
        }
        for reader in gone.iter().flat_map(|at| &readers[*at]) {
            waits[*reader] = waits[*reader].map(|count| count - 1);
        }
        let mut next: Vec<usize> = gone.iter().flat_map(|at| &readers[*at]).copied().collect();
        next.sort_unstable();
        next.dedup();
        next.retain(|at| waits[*at] == Some(0));
        ready = next;
    }
}

/// Follows one circle among models of which each waits for another.
fn way_round(reads: &[Vec<usize>], waits: &[Option<usize>]) -> Option<Vec<usize>> {
    let mut way = vec![waits.iter().position(Option::is_some)?];
    loop {
        let next = *reads[*way.last()?].iter().find(|read| waits[**read].is_some())?;
        if let Some(start) = way.iter().position(|at| *at == next) {
            return Some(way.split_off(start));
        }
        way.push(next);
    }
}

/// Tells of models that read each other; `model` is the first of them.
#[must_use]
pub fn circle(way: &[TableName], model: &Model, statement: &Statement) -> Diagnostic {
    let names: Vec<String> = way.iter().chain(way.first()).map(ToString::to_string).collect();
    let read = way.get(1).unwrap_or(&model.name);
    let range = statement.query().and_then(|query| diagnose::read_place(&model.text, query, read));
    let message = format!("models read each other in a circle: {}", names.join(" → "));
    Diagnostic::error(message, place(model, range))
        .hint("take one of these reads out, or move the shared part into a model of its own")
}
