//! What a change of definitions touches: the working tree against a revision, column by column.
//!
//! ```text
//!  definitions at REV ──┐                                          ┌─ lineage of the side that has it ─► published columns
//!                       ├─► columns that came, went or changed ────┤
//!  definitions now ─────┘                                          └─ …
//! ```
//!
//! Deliberately reads no data: that a column means something else does not say that its values are other ones.

mod entities;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use super::{Definitions, Request, definitions, lineage, load, outcome, validate};
use crate::{
    Error,
    define::project::Source,
    engine::{Engine, Parameters},
    normalize::Contract,
    record::TableName,
    storage::revision::{self, Revision},
    transform::{
        Graph,
        lineage::{Change, ColumnChange, Direction, Element, Lineage, Links, TableState, changes, states},
    },
};

/// Extensions of the files of which definitions are made.
const DEFINITION_FILES: [&str; 3] = ["sql", "yaml", "yml"];

/// What a change of definitions touches.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Touched {
    /// The commit with which the working tree was compared.
    pub commit: String,
    /// The columns that changed, by table and column.
    pub changes: Vec<TouchedColumn>,
    /// Tables that are views on the side that has them, which are never published.
    #[serde(skip)]
    views: BTreeSet<TableName>,
}

/// A column that changed, and what follows.
#[derive(Debug, Clone)]
pub struct TouchedColumn {
    /// The column, or the rows of a source.
    pub changed: ColumnChange,
    /// The columns and rows of published tables into which it goes, and how.
    pub reaches: Links,
}

impl Touched {
    /// Returns the published columns that are touched, those that changed themselves included. What a view touches has changed itself,
    /// as its readers compute it.
    #[must_use]
    pub fn published(&self) -> BTreeSet<Element> {
        let of_tables = || self.changes.iter().filter(|touched| !self.views.contains(&touched.changed.element.table));
        let changed = of_tables().map(|touched| &touched.changed.element);
        let reached = of_tables().flat_map(|touched| touched.reaches.keys());
        let is_published = |element: &&Element| {
            element.column.is_some() && !element.table.is_private() && !self.views.contains(&element.table)
        };
        changed.chain(reached).filter(is_published).cloned().collect()
    }
}

impl serde::Serialize for TouchedColumn {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let reaches: Vec<serde_json::Value> = self
            .reaches
            .iter()
            .map(
                |(element, uses)| serde_json::json!({ "table": element.table, "column": element.column, "uses": uses }),
            )
            .collect();
        let mut object = serializer.serialize_struct("TouchedColumn", 4)?;
        object.serialize_field("table", &self.changed.element.table)?;
        object.serialize_field("column", &self.changed.element.column)?;
        object.serialize_field("change", &self.changed.change)?;
        object.serialize_field("reaches", &reaches)?;
        object.end()
    }
}

/// Compares the definitions of the working tree with those of a revision.
///
/// # Errors
/// When the project is in no git checkout, the revision is unknown, or definitions of one side are wrong.
pub async fn touched(request: &Request, revision: &str, engine: &Engine) -> Result<Touched, Error> {
    let now = Side::new(definitions(request, engine).await?, engine)?;
    let pipeline = request.pipeline.clone();
    let before = tokio::task::block_in_place(|| Revision::read(&pipeline, revision, &DEFINITION_FILES))?;
    let then = Request { pipeline: before.file.clone(), ..request.clone() };
    refuse_outside(&then, before.folder())?;
    fetch_seeds(&then, &before)?;
    let old = definitions(&then, engine).await.map_err(|error| of_revision(revision, error))?;
    fetch_said(&old, &before)?;
    let old = Side::new(old, engine)?;
    let was = old.states(&now, engine).await.map_err(|error| of_revision(revision, error))?;
    let is = now.states(&old, engine).await?;
    let touched = |changed: ColumnChange| {
        let side = if changed.change == Change::Removed { &old } else { &now };
        TouchedColumn { reaches: published(&side.lineage, &changed.element), changed }
    };
    let changes = changes(&was, &is).into_iter().map(touched).collect();
    // What has become a view, or is none any more, was published on one side.
    let is_table = |lineage: &Lineage, name: &TableName| lineage.table(name).is_some_and(|table| !table.is_view);
    let views = [&old.lineage, &now.lineage].into_iter().flat_map(Lineage::tables).filter(|(_, table)| table.is_view);
    let views = views.map(|(name, _)| name.clone());
    let views = views.filter(|name| !is_table(&old.lineage, name) && !is_table(&now.lineage, name)).collect();
    Ok(Touched { commit: before.commit.clone(), changes, views })
}

/// Fetches the rows of seeds, which lie below the models; other CSV files of a checkout may be large.
fn fetch_seeds(then: &Request, before: &Revision) -> Result<(), Error> {
    let models = load::models_folder(then)?;
    let is_seed =
        |path: &Path| path.starts_with(&models) && path.extension().is_some_and(|extension| extension == "csv");
    Ok(tokio::task::block_in_place(|| before.fetch(is_seed))?)
}

/// Fetches what is said of entities besides their definitions: models and overrides.
fn fetch_said(old: &Definitions, before: &Revision) -> Result<(), Error> {
    let entities = old.project.entities.iter();
    let said: Vec<&Path> = entities
        .flat_map(|entity| [&entity.model, &entity.overrides])
        .flatten()
        .map(|path| path.value.as_path())
        .collect();
    Ok(tokio::task::block_in_place(|| before.fetch(|path| said.contains(&path)))?)
}

/// Returns the columns and rows of published tables that an element goes into.
fn published(lineage: &Lineage, element: &Element) -> Links {
    let mut reached = lineage.reach(&BTreeSet::from([element.clone()]), Direction::Downstream, usize::MAX);
    let is_view = |name: &TableName| lineage.table(name).is_some_and(|table| table.is_view);
    reached.retain(|element, _| !element.table.is_private() && !is_view(&element.table));
    reached
}

/// Refuses definitions that do not lie in the checkout: those of the working tree would be taken for those of the revision.
fn refuse_outside(request: &Request, folder: &Path) -> Result<(), Error> {
    let outside = load::folders(request)?.read_by_runs().into_iter().find(|path| !path.starts_with(folder));
    match outside {
        None => Ok(()),
        Some(path) => Err(Error::Usage {
            message: format!("`{}` lies outside of the git checkout of the pipeline file", path.display()),
            hint: Some("a revision is compared only where all definitions lie in one checkout".to_owned()),
        }),
    }
}

/// Says that the definitions of a revision are wrong. Its files are gone when the message is read.
fn of_revision(revision: &str, error: Error) -> Error {
    match error {
        Error::Definition(findings) => {
            let first = findings.first().map(|finding| finding.message.clone()).unwrap_or_default();
            Error::Usage {
                message: format!("the definitions at `{revision}` are wrong: {first}"),
                hint: Some("compare with a revision at which `tallyhouse check` finds nothing".to_owned()),
            }
        }
        other => other,
    }
}

/// The definitions of one side.
struct Side {
    definitions: Definitions,
    lineage: Lineage,
}

impl Side {
    fn new(definitions: Definitions, engine: &Engine) -> Result<Self, Error> {
        let lineage = lineage::of(&definitions, engine)?;
        Ok(Self { definitions, lineage })
    }

    /// Returns what the tables are, as far as the other side has other ones.
    async fn states(&self, other: &Self, engine: &Engine) -> Result<BTreeMap<TableName, TableState>, Error> {
        let Definitions { project, contracts, graph, parameters, .. } = &self.definitions;
        let Graph { models, views } = &other.definitions.graph;
        let models = models.iter().map(|model| (model.model.name.clone(), model.definition.clone()));
        let views = views.iter().map(|view| (view.model.name.clone(), view.definition.clone()));
        let known = models.chain(views).collect();
        let staged = validate::staged_catalog(project, contracts, parameters);
        let mut all = states(graph, &staged, &known, engine).await.map_err(|error| outcome::bug(&error))?;
        let compiled = |source: &'_ Source| {
            Some((source.table(), of_source(source, contracts.get(&source.name.value)?, parameters)))
        };
        all.extend(project.sources.iter().filter_map(compiled));
        for entity in &project.entities {
            entities::add(entity, project, &mut all)?;
        }
        Ok(all)
    }
}

fn of_source(source: &Source, contract: &Contract, parameters: &Parameters) -> TableState {
    let types = |column: &crate::define::project::Column| (column.name.value.clone(), column.data_type.clone());
    let types: BTreeMap<_, _> = source.columns.iter().map(types).collect();
    let column = |(name, meaning): (String, String)| Some((name.clone(), (types.get(&name)?.clone(), meaning)));
    TableState {
        definition: contract.fingerprint(),
        rows: contract.row_meaning(source),
        columns: contract.column_meanings(source, parameters).into_iter().filter_map(column).collect(),
    }
}

impl From<revision::Error> for Error {
    fn from(error: revision::Error) -> Self {
        let message = error.to_string();
        let usage = |hint: &str| Self::Usage { message: message.clone(), hint: Some(hint.to_owned()) };
        match error {
            revision::Error::NoCheckout(_) => {
                usage("`diff --lineage` compares with a revision of the project's git repository")
            }
            revision::Error::Unknown(_) => usage("name a commit, a branch or a tag, such as `main` or `HEAD~1`"),
            revision::Error::NoFile { .. } => usage("compare with a revision that has the pipeline file at that path"),
            revision::Error::Missing(_) => Self::Environment { message, hint: Some("install git".to_owned()) },
            revision::Error::Git(_) | revision::Error::Disk(_) => Self::Environment { message, hint: None },
        }
    }
}
