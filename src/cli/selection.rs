//! `--select` and `--exclude`, which every verb about tables takes.

use clap::Args;

use crate::define::select::Selection;

/// The tables that a verb is about.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct SelectionArguments {
    /// Only these tables: `core.sales`, `+core.sales`, `core.*+1`, `tag:finance,path:sql/core`, `state:modified+`, …
    ///
    /// Several selectors join, commas intersect. A selector that matches nothing is an error.
    #[arg(long, value_name = "SELECTOR", num_args = 1..)]
    select: Vec<String>,
    /// Not these, by the same selectors
    #[arg(long, value_name = "SELECTOR", num_args = 1..)]
    exclude: Vec<String>,
}

impl SelectionArguments {
    /// Returns what was typed.
    pub(super) fn asked(&self) -> Selection {
        Selection { select: self.select.clone(), exclude: self.exclude.clone() }
    }
}
