//! Pairs that are uncertain, for people to look at, and what they decide of them.
//!
//! In: the records as they are now; a reviewed file. Out: pairs with both records side by side; lines of the overrides file,
//! which is checked as a whole before it is replaced.

use std::{collections::HashSet, path::PathBuf};

use serde::Serialize;

use super::{Looked, RecordShown, chosen, load_definitions, look_at};
use crate::{
    Error,
    engine::Engine,
    identify::{cluster::links::Link, doubtful::open, weigh::probability},
    record::csv,
    run::{
        Observer, Request,
        identity::overrides::{self, Overrides},
        output::write_output,
    },
    storage::definitions,
    transform::seed::{self, Cell},
};

/// A pair that is neither linked nor surely not.
#[derive(Debug, Clone, Serialize)]
pub struct UncertainPair {
    /// Probability that it is one thing.
    pub probability: f64,
    /// One record.
    pub left: RecordShown,
    /// The other record.
    pub right: RecordShown,
}

/// The pairs that a person should look at.
#[derive(Debug, Clone)]
pub struct Uncertain {
    /// The most probable ones, in order.
    pub pairs: Vec<UncertainPair>,
    /// How many there are.
    pub all: usize,
}

/// Returns the pairs that a person should look at: at most `most`, the most probable first.
///
/// # Errors
/// When there is no such entity; as a run as far as it reads.
pub async fn review(
    name: Option<&str>,
    most: usize,
    request: &Request,
    engine: &Engine,
    observer: &dyn Observer,
) -> Result<Uncertain, Error> {
    let definitions = load_definitions(request, engine).await?;
    let entity = chosen(name, &definitions)?;
    let look = |looked: &Looked<'_>| looked.uncertain(most);
    look_at(entity, &definitions, request, engine, observer, look).await
}

/// Takes decisions into the overrides file of an entity, and returns how many were new. `rows` are texts as the file has
/// them; a row without a verdict decides nothing.
///
/// # Errors
/// When there is no such entity, it names no file, or a row is wrong.
pub async fn decide(
    name: Option<&str>,
    rows: &[[String; 6]],
    request: &Request,
    engine: &Engine,
) -> Result<(PathBuf, usize), Error> {
    let definitions = load_definitions(request, engine).await?;
    let entity = chosen(name, &definitions)?;
    let Some(path) = &entity.overrides else {
        return Err(Error::Usage {
            message: format!("entity `{}` names no file of overrides", entity.name.value),
            hint: Some(format!("add `overrides: {}.overrides.csv` to it", entity.name.value)),
        });
    };
    let before = Overrides::read(entity)?;
    let said: HashSet<_> = before.said().collect();
    let is_new = |row: &&[String; 6]| {
        let [left_source, left_key, right_source, right_key, verdict, _] = row.each_ref().map(String::as_str);
        let pair = overrides::ordered([left_source, left_key], [right_source, right_key]);
        !verdict.is_empty() && !said.contains(&(pair, verdict == "same"))
    };
    let decided: Vec<&[String; 6]> = rows.iter().filter(is_new).collect();
    let mut text = before.body().to_owned();
    if text.is_empty() {
        text = overrides::COLUMNS.join(",") + "\n";
    } else if !text.ends_with('\n') {
        text.push('\n');
    }
    for row in &decided {
        text.push_str(&csv::row(row.iter().map(String::as_str)));
    }
    overrides::check(&path.value, &text, entity)?;
    if !decided.is_empty() {
        write_output(&path.value, text.as_bytes(), false)?;
    }
    Ok((path.value.clone(), decided.len()))
}

/// Reads the decisions of a reviewed file: the columns of an overrides file, by their names.
///
/// # Errors
/// When the file cannot be read or lacks a column.
pub fn reviewed(file: &std::path::Path) -> Result<Vec<[String; 6]>, Error> {
    let wrong = |message: String| Error::Usage {
        message,
        hint: Some("`tallyhouse identity review` writes a file that can be taken back".to_owned()),
    };
    let text = definitions::read(file).map_err(|error| wrong(error.to_string()))?;
    let rows = seed::records(&text).map_err(|finding| Error::Definition(vec![finding]))?;
    let cell = |row: &[Cell], at: usize| row.get(at).and_then(|cell| cell.value.clone()).unwrap_or_default();
    let (header, rows) = rows.split_first().ok_or_else(|| wrong(format!("`{}` is empty", file.display())))?;
    let mut positions = [0; 6];
    for (position, name) in positions.iter_mut().zip(overrides::COLUMNS) {
        let found = header.iter().position(|cell| cell.value.as_deref() == Some(name));
        *position = found.ok_or_else(|| wrong(format!("`{}` has no column `{name}`", file.display())))?;
    }
    Ok(rows.iter().map(|row| positions.map(|at| cell(row, at).trim().to_owned())).collect())
}

impl Looked<'_> {
    fn uncertain(&self, most: usize) -> Result<Uncertain, Error> {
        self.linked(|seen| {
            let shown = |link: Link| UncertainPair {
                probability: probability(link.score),
                left: self.shown(link.left),
                right: self.shown(link.right),
            };
            let (links, all) = open(self.entity, seen.found, most);
            Uncertain { pairs: links.into_iter().map(shown).collect(), all }
        })
    }
}
