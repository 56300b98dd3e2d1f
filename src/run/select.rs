//! Selecting: the words behind `--select` and `--exclude` → tables of the project.
//!
//! In: a [`Selection`], the definitions, and where the words ask for it the served snapshot and the last run. Out: names.
//! What a run does with tables that are not selected is in [`super::partial`].

mod results;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use chrono::NaiveDate;

use super::{Definitions, Request, identity, load, outcome, prepare::Prepared, stage, validate};
use crate::{
    Error,
    define::{
        Project,
        entity::Entity,
        project::{Kind, Model, Source},
        select::{self, LastResult, Node, Nodes, State},
    },
    engine::{Engine, Parameters, Statement, catalog},
    normalize::Contract,
    publish::Warehouse,
    record::{Diagnostic, Manifest, TableName, Text, manifest::Table},
    transform::{Graph, PlannedModel, moved, plan::Purpose, views::PlannedView},
};

impl From<select::Error> for Error {
    fn from(error: select::Error) -> Self {
        Self::Usage { message: error.message, hint: error.hint }
    }
}

/// Tables that were selected, and the files that define them.
#[derive(Debug, Clone)]
pub struct Selected {
    /// Their names.
    pub tables: BTreeSet<TableName>,
    files: BTreeSet<String>,
}

impl Selected {
    /// Returns whether a finding is about one of the tables; one without a place is about all.
    #[must_use]
    pub fn concerns(&self, finding: &Diagnostic) -> bool {
        finding.place.as_ref().is_none_or(|place| self.files.contains(&place.text.path))
    }
}

/// The tables of a project, ready to be selected from.
struct Known<'a> {
    project: &'a Project,
    contracts: &'a BTreeMap<String, Contract>,
    parameters: &'a Parameters,
    /// What each model reads.
    reads: BTreeMap<TableName, Vec<TableName>>,
    /// The models, as far as they can be planned; None where nobody asks how they stand to what is served.
    graph: Option<&'a Graph>,
    /// Tables that the project may not define, each with its file if it has one: those of snapshots, such as rejected rows and what `ops`
    /// tells, and functions with examples.
    others: &'a BTreeMap<TableName, String>,
}

/// Returns the tables that a request selects; None if it asks for all.
///
/// # Errors
/// A word that no table fits, and a warehouse that cannot be read.
pub(super) async fn of(
    definitions: &Definitions,
    request: &Request,
    engine: &Engine,
) -> Result<Option<BTreeSet<TableName>>, Error> {
    let Definitions { project, contracts, parameters, graph, .. } = definitions;
    among(project, contracts, parameters, graph, request, engine).await
}

/// Returns the tables that a request selects of what was prepared and planned; None if it asks for all.
///
/// # Errors
/// As [`of`].
pub(super) async fn planned(
    prepared: &Prepared,
    graph: &Graph,
    request: &Request,
    engine: &Engine,
) -> Result<Option<BTreeSet<TableName>>, Error> {
    let Prepared { project, contracts, parameters } = prepared;
    among(project, contracts, parameters, graph, request, engine).await
}

async fn among(
    project: &Project,
    contracts: &BTreeMap<String, Contract>,
    parameters: &Parameters,
    graph: &Graph,
    request: &Request,
    engine: &Engine,
) -> Result<Option<BTreeSet<TableName>>, Error> {
    if request.selection.is_everything() {
        return Ok(None);
    }
    let models = graph.models.iter().map(|planned| (planned.model.name.clone(), planned.statement.named.clone()));
    // A view is a step on the way from what it reads to what reads it.
    let views = graph.views.iter().map(|view| (view.model.name.clone(), view.statement.named.clone()));
    let mut reads: BTreeMap<TableName, Vec<TableName>> = models.chain(views).collect();
    for model in &project.models {
        reads.entry(model.name.clone()).or_insert_with(|| read_by(model, parameters));
    }
    let known = Known { project, contracts, parameters, reads, graph: Some(graph), others: &BTreeMap::new() };
    known.select(request, engine).await
}

/// Returns the models that a request selects, in the order in which they are built.
///
/// # Errors
/// As [`of`], and when nothing but sources is selected.
pub(super) async fn models(
    definitions: &Definitions,
    request: &Request,
    engine: &Engine,
) -> Result<Option<BTreeSet<TableName>>, Error> {
    let Some(selected) = of(definitions, request, engine).await? else { return Ok(None) };
    if definitions.graph.models.iter().any(|planned| selected.contains(&planned.model.name)) {
        return Ok(Some(selected));
    }
    let is_selected = |view: &&PlannedView| selected.contains(&view.model.name);
    if let Some(view) = definitions.graph.views.iter().find(is_selected) {
        let name = &view.model.name;
        return Err(Error::Usage {
            message: format!("`{name}` is a view, of which nothing is stored"),
            hint: Some(format!("`{name}+` selects what reads it")),
        });
    }
    Err(only_sources())
}

/// Says that a selection names nothing that SQL makes.
pub(super) fn only_sources() -> Error {
    Error::Usage {
        message: "no model is selected, only sources".to_owned(),
        hint: Some("`source:NAME+` selects what is made of a source".to_owned()),
    }
}

/// Returns the tables that a request selects, of a project whose models need not be right; None if it asks for all.
///
/// # Errors
/// Files that cannot be read as a project, and as [`of`].
pub async fn selected(request: &Request, engine: &Engine) -> Result<Option<Selected>, Error> {
    selected_among(&BTreeMap::new(), request, engine).await
}

/// The same among the tables of the project and others, such as those of snapshots, which have a name and perhaps a file to be selected by
/// where the project does not define them.
///
/// # Errors
/// As [`selected`].
pub async fn selected_among(
    others: &BTreeMap<TableName, String>,
    request: &Request,
    engine: &Engine,
) -> Result<Option<Selected>, Error> {
    if request.selection.is_everything() {
        return Ok(None);
    }
    // What is wrong is told by whoever validates.
    let (prepared, _) = Prepared::loosely(request)?;
    let graph = match request.selection.asks_for_state() {
        true => Some(prepared.plan(Purpose::Build, &prepared.staged(), engine).await?.graph),
        false => None,
    };
    let Prepared { project, parameters, contracts } = &prepared;
    let reads = project.models.iter().map(|model| (model.name.clone(), read_by(model, parameters))).collect();
    let known = Known { project, contracts, parameters, reads, graph: graph.as_ref(), others };
    let Some(tables) = known.select(request, engine).await? else { return Ok(None) };
    let files = known.nodes().filter(|node| tables.contains(&node.name)).map(|node| node.path).collect();
    Ok(Some(Selected { tables, files }))
}

/// Returns what a model names; one that cannot be parsed names nothing.
fn read_by(model: &Model, parameters: &Parameters) -> Vec<TableName> {
    let parsed = Statement::parse_as(model.dialect, &model.text.body, parameters);
    parsed.map_or_else(|_| Vec::new(), |statement| statement.named)
}

/// What the definitions of now say on the days on which what is served was built, so that another run date is no change of one.
struct Then {
    contracts: BTreeMap<String, Contract>,
    /// The hash of what each model computes.
    models: BTreeMap<TableName, String>,
}

impl Known<'_> {
    async fn select(&self, request: &Request, engine: &Engine) -> Result<Option<BTreeSet<TableName>>, Error> {
        let selection = &request.selection;
        if selection.is_everything() {
            return Ok(None);
        }
        let (is_state, is_result) = (selection.asks_for_state(), selection.asks_for_results());
        let warehouse = match is_state || is_result {
            true => Some(load::warehouse(&self.project.pipeline, request)?),
            false => None,
        };
        let served = warehouse.as_ref().filter(|_| is_state).map(Warehouse::current).transpose()?.flatten();
        let states = match is_state {
            true => self.states(served.as_ref(), engine).await?,
            false => BTreeMap::new(),
        };
        let results = match warehouse.filter(|_| is_result) {
            Some(warehouse) => results::last(&warehouse, request)?,
            None => BTreeMap::new(),
        };
        let nodes = self.nodes().map(|node| Node {
            state: states.get(&node.name).copied().unwrap_or_default(),
            last: results.get(&node.name).copied(),
            ..node
        });
        Ok(Some(selection.resolve(&Nodes::new(nodes.collect()))?))
    }

    fn nodes(&self) -> impl Iterator<Item = Node> {
        let source = |source: &Source| Node {
            is_source: true,
            reads: source.code_sources().map(|code| TableName::staged(&code.value)).collect(),
            ..node(source.table(), &source.text.path)
        };
        let model = |model: &Model| Node {
            tags: model.tags.clone(),
            owner: model.owner.clone(),
            reads: self.reads.get(&model.name).cloned().unwrap_or_default(),
            ..node(model.name.clone(), &model.text.path)
        };
        let unread = |(name, text): (&TableName, &Arc<Text>)| node(name.clone(), &text.path);
        let Project { sources, entities, models, wrong, .. } = self.project;
        let sources = sources.iter().chain(&wrong.sources);
        let defined = sources.map(source).chain(entities.iter().flat_map(identified));
        let defined = defined.chain(models.iter().map(model)).chain(wrong.tables.iter().map(unread));
        let defined: Vec<Node> = defined.collect();
        let names: BTreeSet<TableName> = defined.iter().map(|node| node.name.clone()).collect();
        let others = self.others.iter().filter(|(name, _)| !names.contains(name));
        let others = others.map(|(name, path)| node(name.clone(), path));
        defined.into_iter().chain(others.collect::<Vec<_>>())
    }

    /// Returns what the definitions say as of the days of what is served.
    async fn then(&self, served: Option<&Manifest>, engine: &Engine) -> Result<Then, Error> {
        let Self { project, contracts, parameters, .. } = self;
        let graph = self.graph.into_iter().flat_map(|graph| &graph.models);
        let definition = |planned: &PlannedModel| (planned.model.name.clone(), planned.definition.clone());
        let mut then = Then { contracts: (*contracts).clone(), models: graph.map(definition).collect() };
        let (Some(served), Some(graph)) = (served, self.graph) else { return Ok(then) };
        if served.run_date != parameters.run_date {
            let parameters = Parameters { run_date: served.run_date, ..(*parameters).clone() };
            then.contracts = validate::contracts(project, &parameters).0;
        }
        let day = |name: &TableName| served.tables.get(name).map(|table| table.defined_on.unwrap_or(served.run_date));
        let days: BTreeSet<NaiveDate> = then.models.keys().filter_map(day).collect();
        for other in days.into_iter().filter(|day| *day != parameters.run_date) {
            let mut graph = graph.clone();
            let staged = validate::staged_catalog(project, contracts, parameters);
            let remembered = Box::pin(moved::remember(&mut graph, other, served, &staged, parameters, engine)).await;
            remembered.map_err(|error| outcome::bug(&error))?;
            for model in graph.models.into_iter().filter(|model| day(&model.model.name) == Some(other)) {
                if let Some(before) = model.before {
                    then.models.insert(model.model.name, before.definition);
                }
            }
        }
        Ok(then)
    }

    /// Returns how every definition stands to the served snapshot. A model that cannot be planned is not the one that was
    /// published.
    async fn states(&self, served: Option<&Manifest>, engine: &Engine) -> Result<BTreeMap<TableName, State>, Error> {
        let then = self.then(served, engine).await?;
        let table = |name: &TableName| served.and_then(|served| served.tables.get(name));
        let model = |model: &Model| {
            let is_same =
                |table: &Table| table.definition.is_some() && table.definition.as_ref() == then.models.get(&model.name);
            (model.name.clone(), state(table(&model.name).map(is_same)))
        };
        let source = |source: &Source| {
            let input = served.and_then(|served| served.inputs.get(&source.name.value));
            let contract = then.contracts.get(&source.name.value);
            let is_same = table(&source.table()).map(|table| {
                contract.is_some_and(|contract| {
                    if contract.code_tables().is_empty() {
                        input.is_some_and(|input| input.contract == stage::reads_as(source, contract))
                    } else {
                        // What codes mean is data, which nobody reads here.
                        let ids = identity::id_columns(&self.project.entities, &source.name.value);
                        let schema = stage::staged_schema(contract, &ids);
                        columns(&catalog::declared(&schema, Vec::new(), Vec::new())) == columns(table)
                    }
                })
            });
            (source.table(), state(is_same))
        };
        let mut states: BTreeMap<TableName, State> =
            self.project.models.iter().map(model).chain(self.project.sources.iter().map(source)).collect();
        self.judge_views(&mut states);
        Ok(states)
    }

    /// Judges views by those who read them, since no snapshot holds a view: one whose readers all compute something else is taken to
    /// compute something else itself.
    fn judge_views(&self, states: &mut BTreeMap<TableName, State>) {
        let mut readers: BTreeMap<&TableName, Vec<&TableName>> = BTreeMap::new();
        for (name, reads) in &self.reads {
            for read in reads {
                readers.entry(read).or_default().push(name);
            }
        }
        let views = self.project.models.iter().filter(|model| model.kind == Kind::View).map(|model| &model.name);
        let views: BTreeSet<&TableName> = views.collect();
        // One that is read by views comes after these; in a circle nothing is known of any.
        let mut unjudged: BTreeMap<&TableName, usize> = views.iter().map(|view| (*view, 0)).collect();
        for (view, count) in &mut unjudged {
            *count = readers.get(view).into_iter().flatten().filter(|reader| views.contains(*reader)).count();
        }
        let mut ready: Vec<&TableName> =
            unjudged.iter().filter(|(_, count)| **count == 0).map(|(view, _)| *view).collect();
        while let Some(view) = ready.pop() {
            let own = readers.get(view).map(Vec::as_slice).unwrap_or_default();
            let is_other = |reader: &&TableName| states.get(*reader).is_some_and(|state| *state != State::Same);
            let is_modified = !own.is_empty() && own.iter().all(is_other);
            states.insert(view.clone(), if is_modified { State::Modified } else { State::Same });
            for read in self.reads.get(view).into_iter().flatten() {
                let Some(count) = unjudged.get_mut(read) else { continue };
                *count -= 1;
                if *count == 0 {
                    ready.push(read);
                }
            }
        }
    }
}

/// Returns the tables of an entity, which are made of the sources that hold its records.
fn identified(entity: &Entity) -> impl Iterator<Item = Node> {
    let reads: Vec<TableName> = entity.records.iter().map(|records| TableName::staged(&records.source.value)).collect();
    let path = entity.text.path.clone();
    entity.tables().into_iter().map(move |name| Node { reads: reads.clone(), ..node(name, &path) })
}

/// Returns a table of which nothing is known but its name and file.
fn node(name: TableName, path: &str) -> Node {
    Node {
        is_source: TableName::staged(&name.table) == name,
        name,
        path: path.to_owned(),
        tags: Vec::new(),
        owner: None,
        reads: Vec::new(),
        state: State::default(),
        last: None,
    }
}

const fn state(is_same: Option<bool>) -> State {
    match is_same {
        None => State::New,
        Some(true) => State::Same,
        Some(false) => State::Modified,
    }
}

/// Returns names and types of a table's columns.
pub(super) fn columns(table: &Table) -> BTreeSet<(&str, &str)> {
    table.columns.iter().map(|column| (column.name.as_str(), column.data_type.as_str())).collect()
}
