//! A name that means nothing at several places: one mistake, told once.
//!
//! In: findings about names, each with what was looked for among which tables. Out: one finding for each name, at its first place,
//! with the others beside it. Where nobody reads the name that a query of this text gives, and several places read one like it,
//! the mistake is the name that is given, and it is told there.

use std::{collections::BTreeSet, ops::Range};

use super::source::Source;
use crate::record::{Diagnostic, Place};

/// Lines that a hint names at most.
const NAMED: usize = 5;

/// A finding about a name that means nothing.
pub(super) struct Slip {
    /// Which of the findings of the walk.
    pub(super) nth: usize,
    pub(super) kind: Kind,
    /// What was looked for.
    pub(super) name: String,
    /// The tables among which it is not, by where they come from.
    pub(super) among: Vec<String>,
    /// The name that this text gives and that may be meant.
    pub(super) meant: Option<Given>,
}

/// What a name was to mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Column,
    Table,
    /// One of several columns.
    Ambiguous,
}

/// A name that a query gives to a result or a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Given {
    pub(super) at: Range<usize>,
    pub(super) name: String,
    /// The name of the column that it renames.
    pub(super) renames: Option<String>,
}

/// Returns findings in which each mistake is told once; `read` holds where the names are given that somebody reads.
pub(super) fn once(
    source: &Source,
    findings: Vec<Diagnostic>,
    mut slips: Vec<Slip>,
    read: &BTreeSet<usize>,
) -> Vec<Diagnostic> {
    let start = |slip: &Slip| findings[slip.nth].place.as_ref().map(|place| place.range.start);
    slips.sort_by_key(start);
    let mut groups: Vec<Vec<Slip>> = Vec::new();
    for slip in slips {
        match groups.iter_mut().find(|group| group.iter().any(|other| other.is_same_as(&slip))) {
            Some(group) => group.push(slip),
            None => groups.push(vec![slip]),
        }
    }
    let slipped: BTreeSet<usize> = groups.iter().flatten().map(|slip| slip.nth).collect();
    let told: Vec<Diagnostic> = groups.iter().map(|group| one(source, group, &findings, read)).collect();
    let others = findings.into_iter().enumerate().filter(|(nth, _)| !slipped.contains(nth));
    others.map(|(_, finding)| finding).chain(told).collect()
}

impl Slip {
    fn is_same_as(&self, other: &Self) -> bool {
        self.kind == other.kind && self.name == other.name && self.among.iter().any(|one| other.among.contains(one))
    }
}

/// Returns the one finding of slips that are the same mistake.
fn one(source: &Source, group: &[Slip], findings: &[Diagnostic], read: &BTreeSet<usize>) -> Diagnostic {
    let mut places: Vec<Place> = group.iter().filter_map(|slip| findings[slip.nth].place.clone()).collect();
    places.dedup();
    let [first, ..] = group else { return Diagnostic::note("") };
    let meant = group.iter().find_map(|slip| slip.meant.as_ref());
    if let Some(given) = meant.filter(|given| is_misspelt(given, group, read)) {
        let Given { at, name, .. } = given;
        let message = format!("nobody reads `{name}`, and `{}`, which is read, does not exist", first.name);
        let text = super::names::quoted(&first.name);
        let hint = format!("did you mean `{text}`? it is read on {}", lines(&places));
        return source.error(at.clone(), message).hint(hint).fix(source.place(at.clone()), text).also_at(places);
    }
    let mut finding = findings[first.nth].clone();
    let further = places.split_off(1);
    if !further.is_empty() {
        let times = if further.len() == 1 { "once".to_owned() } else { format!("{} times", further.len()) };
        let more = format!("the same name stands here {times} more, on {}", lines(&further));
        let joined = |hint: String| match hint.ends_with('?') {
            true => format!("{hint} {more}"),
            false => format!("{hint}; {more}"),
        };
        finding.hint = Some(finding.hint.map_or_else(|| more.clone(), joined));
    }
    finding.also_at(further)
}

/// Returns whether a name is misspelt where it is given, not where it is read.
fn is_misspelt(given: &Given, group: &[Slip], read: &BTreeSet<usize>) -> bool {
    let name = &group[0].name;
    let is_agreed = group.iter().filter_map(|slip| slip.meant.as_ref()).all(|meant| meant == given);
    let is_near = crate::record::diagnostic::nearest(name, [given.name.as_str()]).is_some();
    let is_renamed = given.renames.as_ref() == Some(name);
    is_agreed && !read.contains(&given.at.start) && (group.len() > 1 || is_near && is_renamed)
}

/// Names the lines of places.
fn lines(places: &[Place]) -> String {
    let mut lines: Vec<usize> = places.iter().map(|place| place.line_column().0).collect();
    lines.dedup();
    match lines.as_slice() {
        [only] => format!("line {only}"),
        all if all.len() > NAMED => {
            let few: Vec<String> = all.iter().take(NAMED).map(ToString::to_string).collect();
            format!("lines {} and {} more", few.join(", "), all.len() - NAMED)
        }
        [head @ .., last] => {
            let head: Vec<String> = head.iter().map(ToString::to_string).collect();
            format!("lines {} and {last}", head.join(", "))
        }
        [] => String::new(),
    }
}
