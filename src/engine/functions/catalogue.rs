//! What is said of functions: the list that `tallyhouse functions` shows, and the page `docs/functions.md`.
//!
//! In: the descriptions beside each function, and DataFusion's own documentation. Out: [`Listed`] and Markdown.

use std::{collections::BTreeMap, fmt::Write as _};

use datafusion::{
    execution::SessionStateBuilder,
    logical_expr::{AggregateUDF, Documentation, ScalarUDF, WindowUDF},
};

use super::{Description, Kind, descriptions};

/// A function as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Where it may stand.
    pub kind: Kind,
    /// Whose it is.
    pub origin: Origin,
    /// How it is called, with types as far as they are known.
    pub signature: String,
    /// What it returns.
    pub description: String,
    /// What NULL does to it, where that is told.
    pub nulls: Option<String>,
    /// Queries that call it, or text that shows some.
    pub examples: Vec<String>,
}

/// Who made a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A file of the project, `sql/functions/*.sql`.
    Project,
    /// This tool.
    Tallyhouse,
    /// The query engine.
    Datafusion,
}

impl Kind {
    /// Returns the word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Aggregate => "aggregate",
            Self::Window => "window",
        }
    }
}

impl Description {
    fn listed(&self) -> Listed {
        Listed {
            name: self.name.to_owned(),
            kind: self.kind,
            origin: Origin::Tallyhouse,
            signature: self.signature.to_owned(),
            description: self.text.to_owned(),
            nulls: Some(self.nulls.to_owned()),
            examples: self.examples.iter().map(|example| format!("{}\n-- {}", example.sql, example.answer)).collect(),
        }
    }
}

/// Returns the functions of this tool, by name.
#[must_use]
pub fn own() -> Vec<Listed> {
    let mut listed: Vec<Listed> = descriptions().map(|description| description.listed()).collect();
    listed.sort_by(|one, other| one.name.cmp(&other.name));
    listed
}

/// Returns the functions of the query engine, as it documents them, by kind and name.
#[must_use]
pub fn built_in() -> Vec<Listed> {
    let state = SessionStateBuilder::new().with_default_features().build();
    let mut listed = BTreeMap::new();
    let mut add = |kind: Kind, name: &str, documentation: Option<&Documentation>| {
        listed.insert((kind, name.to_owned()), documented(kind, name, documentation));
    };
    // An alias stands in the maps as a function of its own.
    let scalars = state.scalar_functions().values().map(AsRef::<ScalarUDF>::as_ref);
    scalars.for_each(|function| add(Kind::Scalar, function.name(), function.documentation()));
    let aggregates = state.aggregate_functions().values().map(AsRef::<AggregateUDF>::as_ref);
    aggregates.for_each(|function| add(Kind::Aggregate, function.name(), function.documentation()));
    let windows = state.window_functions().values().map(AsRef::<WindowUDF>::as_ref);
    windows.for_each(|function| add(Kind::Window, function.name(), function.documentation()));
    listed.into_values().collect()
}

fn documented(kind: Kind, name: &str, documentation: Option<&Documentation>) -> Listed {
    let signature = documentation.map(|known| known.syntax_example.clone()).filter(|syntax| !syntax.is_empty());
    Listed {
        name: name.to_owned(),
        kind,
        origin: Origin::Datafusion,
        signature: signature.unwrap_or_else(|| format!("{name}(…)")),
        description: documentation.map(|known| known.description.clone()).unwrap_or_default(),
        nulls: None,
        examples: documentation.and_then(|known| known.sql_example.clone()).into_iter().collect(),
    }
}

/// Returns the part of `docs/functions.md` that is made of the descriptions.
#[must_use]
pub fn page() -> String {
    let mut page = String::new();
    for listed in own() {
        let _ = write!(page, "### {}\n\n`{}`\n\n{}\n\n", listed.name, listed.signature, listed.description);
        if let Some(nulls) = &listed.nulls {
            let _ = write!(page, "NULL: {nulls}\n\n");
        }
        for example in &listed.examples {
            let _ = write!(page, "```sql\n{example}\n```\n\n");
        }
    }
    page
}

#[cfg(test)]
mod tests;
