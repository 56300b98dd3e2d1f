//! Parsed selectors over the graph of tables → the tables that fit.

use std::collections::BTreeSet;

use super::{
    Error, LastResult, Node, Nodes, State,
    parse::{Fits, Intersection, Pattern, Term, Union},
};
use crate::record::diagnostic::nearest;

/// Returns the tables of a union.
pub(super) fn union(union: &Union, nodes: &Nodes) -> Result<BTreeSet<usize>, Error> {
    let mut all = BTreeSet::new();
    for part in &union.0 {
        all.extend(intersection(part, nodes)?);
    }
    Ok(all)
}

fn intersection(part: &Intersection, nodes: &Nodes) -> Result<BTreeSet<usize>, Error> {
    let mut all = nodes.all();
    for term in &part.terms {
        let fitting = self::term(term, nodes)?;
        all.retain(|node| fitting.contains(node));
    }
    match all.is_empty() {
        true => Err(Error::new(
            format!("no table fits all of `{}`", part.text),
            "a comma asks for tables that fit both sides; a blank joins them",
        )),
        false => Ok(all),
    }
}

fn term(term: &Term, nodes: &Nodes) -> Result<BTreeSet<usize>, Error> {
    let fitting = nodes.iter().enumerate().filter(|(_, node)| fits(&term.fits, node));
    let fitting: BTreeSet<usize> = fitting.map(|(place, _)| place).collect();
    if fitting.is_empty() {
        return Err(nothing(term, nodes));
    }
    let below = nodes.with_descendants(fitting.clone(), term.descendants);
    if term.is_complete {
        return Ok(nodes.with_ancestors(below, usize::MAX));
    }
    Ok(&nodes.with_ancestors(fitting, term.ancestors) | &below)
}

fn fits(wanted: &Fits, node: &Node) -> bool {
    match wanted {
        Fits::Name(pattern) => pattern.fits(&node.name.table) || pattern.fits(&node.name.schema),
        Fits::FullName(schema, table) => schema.fits(&node.name.schema) && table.fits(&node.name.table),
        Fits::Tag(pattern) => node.tags.iter().any(|tag| pattern.fits(tag)),
        Fits::Path(pattern) => lies_at(&node.path, pattern),
        Fits::Source(pattern) => node.is_source && pattern.fits(&node.name.table),
        Fits::Owner(pattern) => node.owner.as_deref().is_some_and(|owner| pattern.fits(owner)),
        Fits::Modified => node.state != State::Same,
        Fits::New => node.state == State::New,
        Fits::Error => node.last >= Some(LastResult::CheckFailed),
        Fits::Fail => node.last == Some(LastResult::CheckFailed),
        Fits::Warn => node.last == Some(LastResult::Warned),
        Fits::Success => node.last == Some(LastResult::Succeeded),
    }
}

/// Returns whether a file is at a path, or in a folder of that path at any depth.
fn lies_at(file: &str, pattern: &Pattern) -> bool {
    let file = file.strip_prefix("./").unwrap_or(file);
    let folders = file.match_indices('/').map(|(end, _)| &file[..end]);
    folders.filter(|folder| !folder.is_empty()).chain([file]).any(|path| pattern.fits(path))
}

/// Says that no table fits a term, with the name that may have been meant.
fn nothing(term: &Term, nodes: &Nodes) -> Error {
    let near = meant(&term.fits, nodes).map(|name| format!("did you mean `{name}`?"));
    let hint = near.unwrap_or_else(|| otherwise(&term.fits).to_owned());
    Error::new(format!("no table fits `{}`", term.text), hint)
}

/// Returns the known name that is like the one that was typed.
fn meant(wanted: &Fits, nodes: &Nodes) -> Option<String> {
    let (written, known): (String, Vec<String>) = match wanted {
        Fits::Name(pattern) => (pattern.text.clone(), nodes.iter().map(|node| node.name.table.clone()).collect()),
        Fits::FullName(schema, table) => {
            (format!("{}.{}", schema.text, table.text), nodes.iter().map(|node| node.name.to_string()).collect())
        }
        Fits::Tag(pattern) => (pattern.text.clone(), nodes.iter().flat_map(|node| node.tags.clone()).collect()),
        Fits::Owner(pattern) => (pattern.text.clone(), nodes.iter().filter_map(|node| node.owner.clone()).collect()),
        Fits::Path(pattern) => (pattern.text.clone(), nodes.iter().map(|node| node.path.clone()).collect()),
        Fits::Source(pattern) => {
            let sources = nodes.iter().filter(|node| node.is_source);
            (pattern.text.clone(), sources.map(|node| node.name.table.clone()).collect())
        }
        _ => return None,
    };
    nearest(&written, known.iter().map(String::as_str)).map(str::to_owned)
}

/// Returns what to do where no name is near.
const fn otherwise(wanted: &Fits) -> &'static str {
    match wanted {
        Fits::Name(_) | Fits::FullName(..) => {
            "`tallyhouse show` lists the tables that are served, `tallyhouse lineage` all"
        }
        Fits::Tag(_) => "tags stand in the headers of models",
        Fits::Owner(_) => "owners stand in the headers of models",
        Fits::Source(_) => "a source has the name that stands in its file",
        Fits::Path(_) => "a path is written as messages show it, from the folder in which the command runs",
        Fits::Modified | Fits::New => "every definition is as in the served snapshot",
        Fits::Error | Fits::Fail | Fits::Warn | Fits::Success => {
            "the last run that built something or tried to has no such result"
        }
    }
}
