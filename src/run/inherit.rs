//! What the definitions inherit from the served snapshot: refused before anything is built, where it cannot be.
//!
//! In: definitions and the snapshot on which a run would be based. Out: one finding for each model whose columns may not
//! change as they do, or whose history would lose what it has recorded. Deliberately reads no data.

use serde::{Deserialize, Serialize};

use super::{Definitions, Request, load, partial::Scope};
use crate::{
    Error,
    define::project::{OnSchemaChange, Pipeline},
    record::{Diagnostic, Manifest, manifest::Table},
    transform::{Graph, PlannedModel, SchemaChange, evolve, history, schema_change, schema_changes},
};

/// What definitions were held against.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Against {
    /// Nothing: no model says anything about the past.
    Nothing,
    /// The snapshot of this id, or its absence.
    Snapshot(Option<String>),
}

impl Against {
    /// Returns whether definitions would be held against the same now.
    pub(super) fn is_current(&self, request: &Request) -> bool {
        let Self::Snapshot(id) = self else { return true };
        let served = || -> Result<_, Error> { Ok(load::warehouse(&load::pipeline(request)?, request)?.current_id()?) };
        served().is_ok_and(|served| served == *id)
    }
}

/// Refuses definitions that the served snapshot, if there is one, does not allow. Where no model says anything about the
/// past, no warehouse is needed for that.
///
/// # Errors
/// As [`refuse`], or when the warehouse cannot be read.
pub(super) fn refuse_over_served(graph: &Graph, pipeline: &Pipeline, request: &Request) -> Result<Against, Error> {
    let asks = |model: &PlannedModel| model.model.on_schema_change.value != OnSchemaChange::Rebuild;
    if !graph.models.iter().any(asks) {
        return Ok(Against::Nothing);
    }
    let served = load::warehouse(pipeline, request)?.current()?;
    refuse(graph, &Scope::default(), served.as_ref(), false)?;
    Ok(Against::Snapshot(served.map(|manifest| manifest.snapshot)))
}

/// Refuses definitions that a run over `parent` may not publish. A full run builds what could not evolve.
///
/// # Errors
/// Every model whose columns may not change as they do, or else a history with changes recorded after the run date.
pub(super) fn refuse(graph: &Graph, scope: &Scope, parent: Option<&Manifest>, is_full: bool) -> Result<(), Error> {
    let Some(parent) = parent else { return Ok(()) };
    let inherited: Vec<(&PlannedModel, &Table)> = graph
        .models
        .iter()
        .filter(|model| scope.builds(&model.model.name))
        .filter_map(|model| Some((model, parent.tables.get(&model.model.name)?)))
        .collect();
    let findings: Vec<Diagnostic> =
        inherited.iter().filter_map(|(model, table)| finding(model, table, parent, is_full)).collect();
    if !findings.is_empty() {
        return Err(Error::Definition(findings));
    }
    inherited.iter().try_for_each(|(model, table)| refuse_lost_versions(model, table))
}

fn finding(model: &PlannedModel, table: &Table, parent: &Manifest, is_full: bool) -> Option<Diagnostic> {
    let name = &model.model.name;
    let place = &model.model.on_schema_change.place;
    let is_history = model.model.history.is_some();
    if table.is_history && !is_history {
        let message = format!("`{name}` is a history in snapshot {}, whose past would be lost", parent.snapshot);
        let hint = "bring `history` back into its header, or give the table another name";
        return Some(Diagnostic::error(message, place.clone()).hint(hint));
    }
    let changes = schema_changes(table, model);
    if changes.is_empty() {
        return None;
    }
    let obstacles = match model.model.on_schema_change.value {
        OnSchemaChange::Rebuild => return None,
        OnSchemaChange::Fail => {
            let message = format!("`{name}` is not as in snapshot {}: {}", parent.snapshot, joined(&changes));
            let choice = if is_history { "`evolve`" } else { "`evolve` or `rebuild`" };
            let hint = format!("take the change back, or let it happen: `on_schema_change:` {choice}");
            return Some(Diagnostic::error(message, place.clone()).hint(hint));
        }
        OnSchemaChange::Evolve if is_history => schema_change::obstacles_to_history(table, &changes),
        OnSchemaChange::Evolve if is_full || evolve::is_of_another_day(model, parent) => return None,
        OnSchemaChange::Evolve => schema_change::obstacles(table, model, &changes),
    };
    let first = obstacles.first()?;
    let more = if obstacles.len() > 1 { format!(" (and {} more)", obstacles.len() - 1) } else { String::new() };
    let message = format!("`{name}` cannot evolve from snapshot {}: {first}{more}", parent.snapshot);
    let hint = match is_history {
        true => "a history cannot be rebuilt: take the change back, or begin another table under another name",
        false => "build it anew: `on_schema_change: rebuild`, or once with `run --full`",
    };
    Some(Diagnostic::error(message, place.clone()).hint(hint))
}

fn joined(changes: &[SchemaChange]) -> String {
    changes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Refuses a run for a day before the last change that a history has recorded.
fn refuse_lost_versions(model: &PlannedModel, table: &Table) -> Result<(), Error> {
    let last = model.model.history.as_ref().and_then(|_| history::last_change(table));
    match last.filter(|last| *last > model.run_date) {
        None => Ok(()),
        Some(last) => Err(Error::Usage {
            message: format!(
                "`{}` has recorded changes up to {last}, which a run as of {} would lose",
                model.model.name, model.run_date
            ),
            hint: Some(format!(
                "run as of {last} or later, or go back with `tallyhouse snapshots rollback` to a snapshot of that day"
            )),
        }),
    }
}

/// Warns about histories of the last snapshot that no model continues.
pub(super) fn warnings(definitions: &Definitions, parent: Option<&Manifest>) -> Vec<String> {
    let tables = parent.into_iter().flat_map(|parent| &parent.tables);
    let left = tables.filter(|(name, table)| table.is_history && definitions.graph.get(name).is_none());
    let warning = |(name, _)| {
        format!("the history `{name}` has no model any more: its past goes with the last snapshot that holds it")
    };
    left.map(warning).collect()
}
