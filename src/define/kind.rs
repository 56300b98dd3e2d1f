//! What a model's file makes, and which keys of its header then mean something.
//!
//! In: the header as written. Out: its [`Kind`], and a finding for each key that a model of the kind cannot have.

use std::ops::Range;

use super::{file, findings::Findings, project::Kind};

/// Returns what a header says that the file makes.
pub fn kind(written: &file::Model, findings: &mut Findings) -> Kind {
    let Some(kind) = &written.kind else {
        return if written.history.is_some() { Kind::History } else { Kind::Table };
    };
    match (kind.value, &written.history) {
        (Kind::History, None) => {
            let hint = "add `history: { key: [...], track: all }`, or leave the kind out";
            findings.error(&kind.range, "a history does not say what it follows", hint);
        }
        (Kind::Table | Kind::View | Kind::Seed, Some(history)) => {
            let message = format!("`history` makes this a history, not a {}", name(kind.value));
            findings.error(&history.range, message, "write `kind: history`, or leave `history` out");
        }
        _ => {}
    }
    for (key, range) in meaningless(kind.value, written) {
        let message = format!("a {} has no `{key}`", name(kind.value));
        findings.error(&range, message, why(kind.value, key));
    }
    kind.value
}

/// Returns the keys that mean nothing to a model of a kind.
fn meaningless(kind: Kind, written: &file::Model) -> Vec<(&'static str, Range<usize>)> {
    let ignored = written.rebuild.iter().filter_map(|rebuild| rebuild.ignore_changes.first());
    let ignored = ignored.map(|first| ("rebuild", first.range.clone()));
    let partitions = written.partition_by.first().map(|first| ("partition_by", first.range.clone()));
    let changes = written.on_schema_change.as_ref().map(|written| ("on_schema_change", written.range.clone()));
    match kind {
        Kind::View => partitions.into_iter().chain(changes).chain(ignored).collect(),
        Kind::Seed => ignored.collect(),
        Kind::Table | Kind::History => Vec::new(),
    }
}

fn why(kind: Kind, key: &str) -> &'static str {
    match (kind, key) {
        (Kind::Seed, _) => "it reads no table, so there is nothing to ignore",
        (_, "rebuild") => {
            "nothing of it is stored; the models that read it can ignore changes of the tables that it reads"
        }
        _ => "nothing of it is stored: it is computed wherever it is read",
    }
}

const fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Table => "table",
        Kind::View => "view",
        Kind::History => "history",
        Kind::Seed => "seed",
    }
}
