//! Drift: how a file's form differs from that of the files before it, and what the contract wants done about it.
//!
//! In: a header and the headers of the last snapshot's files. Out: events, each with its action. Files of one source may
//! have several forms (every dealer has his own), so a header that any file had before is no event, and a new one is
//! compared with the most similar.

use std::collections::{BTreeSet, HashMap};

use crate::{
    Error,
    define::project::{Drift, DriftAction},
    normalize::{Binding, Contract},
    record::FileShape,
};

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DriftEvent {
    kind: Kind,
    /// What a person should know.
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Added,
    Removed,
    Renamed,
    Reordered,
    Retyped,
    NewCode,
}

/// The headers of the last snapshot's files.
pub(super) struct Known<'a> {
    pub contract: &'a Contract,
    pub headers: &'a [Vec<String>],
}

impl Known<'_> {
    /// Compares a file's header with those known. Without any nothing can have drifted.
    pub fn events(&self, file: &str, header: &[String], binding: &Binding) -> Vec<DriftEvent> {
        if header.is_empty() || self.headers.is_empty() || self.headers.iter().any(|known| known == header) {
            return Vec::new();
        }
        let names: BTreeSet<&String> = header.iter().collect();
        let common = |known: &&Vec<String>| known.iter().filter(|name| names.contains(name)).count();
        // Of equally similar ones the last, which is the latest.
        let Some(before) = self.headers.iter().max_by_key(common) else { return Vec::new() };
        let shape = FileShape { header: before.clone(), ..FileShape::binary("csv") };
        let Ok(earlier) = self.contract.bind(&shape) else { return Vec::new() };
        compare(file, (before, &earlier), (header, binding), self.contract)
    }
}

fn compare(
    file: &str,
    before: (&[String], &Binding),
    now: (&[String], &Binding),
    contract: &Contract,
) -> Vec<DriftEvent> {
    let mut events = Vec::new();
    let mut event = |kind, text: String| events.push(DriftEvent { kind, text: format!("`{file}`: {text}") });
    for added in now.1.extra.iter().filter(|name| !before.0.contains(name)) {
        event(Kind::Added, format!("column `{added}` is new and not in the contract"));
    }
    let schema = contract.schema();
    for (index, (old, new)) in before.1.columns.iter().zip(&now.1.columns).enumerate() {
        let column = schema.field(index).name();
        match (old, new) {
            (Some(_), None) => event(Kind::Removed, format!("column `{column}` is not there any more")),
            (Some(old), Some(new)) if before.0.get(old.index) != now.0.get(new.index) => {
                let name = |header: &[String], index: usize| header.get(index).cloned().unwrap_or_default();
                let (was, is) = (name(before.0, old.index), name(now.0, new.index));
                event(Kind::Renamed, format!("column `{column}` is called `{is}`, it was `{was}`"));
            }
            _ => {}
        }
    }
    let (was, is): (BTreeSet<_>, BTreeSet<_>) = (before.0.iter().collect(), now.0.iter().collect());
    if was == is {
        event(Kind::Reordered, "the columns stand in another order".to_owned());
    }
    events
}

/// Returns what the values of a table say: columns that mostly do not fit their type, and unknown codes.
pub(super) fn of_values(file: &str, misfits: &HashMap<String, u64>, rows: u64) -> Vec<DriftEvent> {
    let mut found: Vec<_> = misfits.iter().collect();
    found.sort();
    let event = |(what, count): (&String, &u64)| match what.split_once(' ') {
        Some(("type", column)) if count * 2 > rows => Some(DriftEvent {
            kind: Kind::Retyped,
            text: format!("`{file}`: {count} of {rows} values of `{column}` do not fit its type"),
        }),
        Some(("code", column)) => Some(DriftEvent {
            kind: Kind::NewCode,
            text: format!("`{file}`: {count} values of `{column}` are unknown codes"),
        }),
        _ => None,
    };
    found.into_iter().filter_map(event).collect()
}

/// Does what the contract wants: collects warnings, returns why rows must go to quarantine, or fails.
///
/// # Errors
/// When one of the events is fatal.
pub(super) fn settle(
    events: Vec<DriftEvent>,
    drift: Drift,
    warnings: &mut Vec<String>,
) -> Result<Option<String>, Error> {
    let mut refused = Vec::new();
    for DriftEvent { kind, text } in events {
        let (key, action) = kind.policy(drift);
        match action {
            DriftAction::Accept => {}
            DriftAction::Warn => warnings.push(text),
            // The rows that do not fit are in quarantine anyway.
            DriftAction::Quarantine if matches!(kind, Kind::Retyped | Kind::NewCode) => warnings.push(text),
            DriftAction::Quarantine => {
                warnings.push(format!("{text}; its rows are in quarantine"));
                refused.push(text);
            }
            DriftAction::Fail => {
                return Err(Error::Data {
                    message: text,
                    hint: Some(format!("mend the file or the contract, or let `drift.{key}` be `warn`")),
                });
            }
        }
    }
    Ok((!refused.is_empty()).then(|| refused.join("; ")))
}

impl Kind {
    /// Returns the key in the contract and what it says.
    const fn policy(self, drift: Drift) -> (&'static str, DriftAction) {
        match self {
            Self::Added => ("column_added", drift.column_added),
            Self::Removed => ("column_removed", drift.column_removed),
            Self::Renamed => ("renamed", drift.renamed),
            Self::Reordered => ("reordered", drift.reordered),
            Self::Retyped => ("retyped", drift.retyped),
            Self::NewCode => ("new_code", drift.new_code),
        }
    }
}
