//! `--select` and `--exclude`, which every verb about tables takes; where a verb names tables as its arguments, these are the same
//! words without `--select`.

use clap::Args;

use super::arguments::Common;
use crate::{
    Error,
    define::select::Selection,
    engine::Engine,
    run::{Request, Working},
};

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

    /// Returns what was typed, with the words that stand without `--select`.
    pub(super) fn asked_with<'a>(&self, words: impl IntoIterator<Item = &'a String>) -> Selection {
        self.asked().and(words.into_iter().cloned())
    }

    /// Returns whether nothing was typed.
    pub(super) const fn is_empty(&self) -> bool {
        self.select.is_empty() && self.exclude.is_empty()
    }
}

/// The models that a verb computes as they are written now.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct WorkingArguments {
    /// The model, such as core.sales, or selectors such as `tag:finance` or `state:modified+`
    #[arg(value_name = "MODEL")]
    models: Vec<String>,
    #[command(flatten)]
    tables: SelectionArguments,
}

impl WorkingArguments {
    /// Returns whether anything was typed.
    pub(super) const fn is_empty(&self) -> bool {
        self.models.is_empty() && self.tables.is_empty()
    }

    /// Plans the models from the served snapshot or another, and views beside models if so wanted.
    pub(super) async fn open(
        &self,
        common: &Common,
        snapshot: Option<&str>,
        with_views: bool,
        engine: &Engine,
    ) -> Result<Vec<Working>, Error> {
        let request = common.request(false);
        match &self.models[..] {
            // The full name of one, of which more can be said if there is none.
            [model] if self.tables.is_empty() && Selection::is_full_name(model) => {
                Ok(vec![Working::open(&request, model, snapshot, engine).await?])
            }
            models => {
                let request = Request { selection: self.tables.asked_with(models), ..request };
                Working::selected(&request, snapshot, with_views, engine).await
            }
        }
    }
}

/// Returns one answer as it is, several as a list.
pub(super) fn one_or_all(mut answers: Vec<serde_json::Value>) -> serde_json::Value {
    match answers.len() {
        1 => answers.remove(0),
        _ => serde_json::Value::Array(answers),
    }
}
