//! Selecting tables by words, in dbt's grammar.
//!
//! ```text
//!  "2+core.sales,tag:finance @dealer" ── parse ──► a union of intersections of terms ── resolve ──► names of tables
//!                                                                       graph of tables ──┘
//! ```
//!
//! In: what was typed, and the tables with what each reads. Out: a set of names, or why there is none: a term that no table
//! fits is an error. Deliberately knows no plan and no snapshot: whoever asks says which tables are new or failed.

mod nodes;
mod parse;
mod resolve;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;

use std::collections::BTreeSet;

pub use nodes::{LastResult, Node, Nodes, State};

use crate::record::TableName;
use parse::Union;

/// What was typed behind `--select` and `--exclude`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Words, each of which adds tables; all tables without any.
    pub select: Vec<String>,
    /// Words, each of which takes tables away.
    pub exclude: Vec<String>,
}

/// Why a selection selects nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// What, in one sentence.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Error {
    fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: Some(hint.into()) }
    }
}

impl Selection {
    /// Returns whether a word can only be a selector, not a plain name: it has an operator, a wildcard or a method.
    #[must_use]
    pub fn is_selector(word: &str) -> bool {
        let is_by_method = |part: &str| {
            let method =
                part.split_once(':').map(|(method, _)| method.trim_start_matches(|sign| "@+0123456789".contains(sign)));
            method.is_some_and(|method| parse::METHODS.contains(&method))
        };
        // The name of a unit test may hold a colon too, and commas behind it.
        let has_method = word.split(',').any(is_by_method);
        has_method || word.contains(['+', '@', '*', '?', '[', ',', '/']) && !word.contains(':')
    }

    /// Returns whether a word is the name of one table with its schema, or of a column of it: what it means needs no project.
    #[must_use]
    pub fn is_full_name(word: &str) -> bool {
        word.contains('.') && !Self::is_selector(word)
    }

    /// Returns the same with more words that add tables.
    #[must_use]
    pub fn and(mut self, words: impl IntoIterator<Item = String>) -> Self {
        self.select.extend(words);
        self
    }

    /// Returns whether nothing was typed, so that every table is selected.
    #[must_use]
    pub const fn is_everything(&self) -> bool {
        self.select.is_empty() && self.exclude.is_empty()
    }

    /// Returns whether the answer depends on the state of tables, which somebody then has to find out.
    #[must_use]
    pub fn asks_for_state(&self) -> bool {
        self.mentions("state:")
    }

    /// Returns whether the answer depends on the last run.
    #[must_use]
    pub fn asks_for_results(&self) -> bool {
        self.mentions("result:")
    }

    fn mentions(&self, method: &str) -> bool {
        self.select.iter().chain(&self.exclude).any(|words| words.contains(method))
    }

    /// Returns the tables that are selected.
    ///
    /// # Errors
    /// A word that cannot be understood or that no table fits, and a selection of which nothing is left.
    pub fn resolve(&self, nodes: &Nodes) -> Result<BTreeSet<TableName>, Error> {
        let selected = match self.select.is_empty() {
            true => nodes.all(),
            false => resolve::union(&Union::parse(&self.select)?, nodes)?,
        };
        let excluded = resolve::union(&Union::parse(&self.exclude)?, nodes)?;
        let left: BTreeSet<TableName> = selected.difference(&excluded).map(|&node| nodes.name(node).clone()).collect();
        if left.is_empty() {
            return Err(Error::new(
                "nothing is selected: `--exclude` takes away all that `--select` names",
                "exclude less",
            ));
        }
        Ok(left)
    }
}
