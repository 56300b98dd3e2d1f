//! What a model's header says about time: which versions a history keeps, and what a change of columns means.
//!
//! In: both keys as written. Out: [`History`] and [`OnSchemaChange`]. Whether the columns exist is the planner's matter.

use std::ops::Range;

use super::{
    file,
    findings::Findings,
    names,
    project::{History, OnSchemaChange},
    spans::{At, WordOrMany},
};
use crate::record::{Place, Placed};

/// Checks what a history follows.
pub fn history(written: At<file::History>, key: &[At<String>], findings: &mut Findings) -> Option<History> {
    let At { value, range } = written;
    if let Some(first) = key.first() {
        let hint = "leave `key` out: a version is named by the key of `history` and `valid_from`";
        findings.error(&first.range, "a history has its key in `history`", hint);
    }
    let named = findings.required(value.key, &range, "key", "[dealer_code]");
    let track = findings.required(value.track, &range, "track", "all");
    let key = named.and_then(|list| columns("key", list, findings))?;
    let track = match track? {
        At { value: WordOrMany::Word(_), .. } => None,
        At { value: WordOrMany::Many(list), range } => Some(columns("track", At { value: list, range }, findings)?),
    };
    let is_key = |column: &&Placed<String>| key.iter().any(|key| key.value == column.value);
    if let Some(tracked) = track.iter().flatten().find(is_key) {
        let message = format!("`{}` is part of the key, which never changes", tracked.value);
        findings.push(crate::record::Diagnostic::error(message, tracked.place.clone()).hint("take it out of `track`"));
    }
    Some(History { key, track })
}

fn columns(what: &str, list: At<Vec<At<String>>>, findings: &mut Findings) -> Option<Vec<Placed<String>>> {
    names::distinct(what, &list.value, findings);
    if list.value.is_empty() {
        findings.error(&list.range, format!("`{what}` names no column"), "list at least one column");
        return None;
    }
    Some(findings.all_placed(list.value))
}

/// Returns the key of a history's table: a row is a version.
pub fn version_key(history: &History) -> Vec<Placed<String>> {
    let place = history.key.first().map(|first| first.place.clone());
    let from = place.map(|place| Placed::new(History::VALID_FROM.to_owned(), place));
    history.key.iter().cloned().chain(from).collect()
}

/// Returns what a change of columns means, and where that is written.
pub fn on_schema_change(
    written: Option<&At<OnSchemaChange>>,
    history: Option<&At<file::History>>,
    findings: &mut Findings,
) -> Placed<OnSchemaChange> {
    let default_at = |range: Option<&Range<usize>>| match range {
        Some(range) => findings.place(range),
        None => Place::start_of(findings.text().clone()),
    };
    let (value, place) = match (written, history) {
        (Some(written), _) => (written.value, findings.place(&written.range)),
        (None, Some(history)) => (OnSchemaChange::Fail, default_at(Some(&history.range))),
        (None, None) => (OnSchemaChange::default(), default_at(None)),
    };
    if let (Some(written), Some(_), OnSchemaChange::Rebuild) = (written, history, value) {
        let hint = "write `evolve`, or `fail`, which is the default of a history";
        findings.error(&written.range, "a history cannot be rebuilt: its past is nowhere else", hint);
    }
    Placed::new(value, place)
}
