//! Selecting: the words behind `--select` and `--exclude` → tables of the project.
//!
//! In: a [`Selection`], the definitions, and where the words ask for it the served snapshot and the last run. Out: names.
//! What a run does with tables that are not selected is in [`super::partial`].

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{Definitions, Request, failures, identity, load, prepare::Prepared, stage};
use crate::{
    Error,
    define::{
        Project,
        project::{Kind, Model, Source},
        select::{self, LastResult, Node, Nodes, Selection, State},
    },
    engine::{Engine, Parameters, Statement, catalog},
    normalize::Contract,
    publish::Warehouse,
    record::{Diagnostic, Manifest, TableName, Text, manifest::Table},
    transform::{
        plan::{Planned, Purpose},
        views::PlannedView,
    },
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
    /// What each model reads.
    reads: BTreeMap<TableName, Vec<TableName>>,
    /// The hash of what each model computes, as far as it can be planned.
    definitions: BTreeMap<TableName, String>,
}

/// Returns the tables that a request selects; None if it asks for all.
///
/// # Errors
/// A word that no table fits, and a warehouse that cannot be read.
pub(super) fn of(definitions: &Definitions, request: &Request) -> Result<Option<BTreeSet<TableName>>, Error> {
    if request.selection.is_everything() {
        return Ok(None);
    }
    let planned = || definitions.graph.models.iter().map(|planned| (planned.model.name.clone(), planned));
    // A view is a step on the way from what it reads to what reads it.
    let views = definitions.graph.views.iter().map(|view| (view.model.name.clone(), view.statement.named.clone()));
    let known = Known {
        project: &definitions.project,
        contracts: &definitions.contracts,
        reads: planned().map(|(name, planned)| (name, planned.statement.named.clone())).chain(views).collect(),
        definitions: planned().map(|(name, planned)| (name, planned.definition.clone())).collect(),
    };
    known.select(&request.selection, request)
}

/// Returns the models that a request selects, in the order in which they are built.
///
/// # Errors
/// As [`of`], and when nothing but sources is selected.
pub(super) fn models(definitions: &Definitions, request: &Request) -> Result<Option<BTreeSet<TableName>>, Error> {
    let Some(selected) = of(definitions, request)? else { return Ok(None) };
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
    Err(Error::Usage {
        message: "no model is selected, only sources".to_owned(),
        hint: Some("`source:NAME+` selects what is made of a source".to_owned()),
    })
}

/// Returns the tables that a request selects, of a project whose models need not be right; None if it asks for all.
///
/// # Errors
/// Files that cannot be read as a project, and as [`of`].
pub async fn selected(request: &Request, engine: &Engine) -> Result<Option<Selected>, Error> {
    if request.selection.is_everything() {
        return Ok(None);
    }
    // What is wrong is told by whoever validates.
    let (prepared, _) = Prepared::loosely(request)?;
    let definitions = match request.selection.asks_for_state() {
        true => planned(&prepared, engine).await?,
        false => BTreeMap::new(),
    };
    let Prepared { project, parameters, contracts } = &prepared;
    let reads = project.models.iter().map(|model| (model.name.clone(), read_by(model, parameters))).collect();
    let known = Known { project, contracts, reads, definitions };
    let Some(tables) = known.select(&request.selection, request)? else { return Ok(None) };
    let files = known.nodes().filter(|node| tables.contains(&node.name)).map(|node| node.path).collect();
    Ok(Some(Selected { tables, files }))
}

/// Returns the hashes of what models compute, of those that can be planned.
async fn planned(prepared: &Prepared, engine: &Engine) -> Result<BTreeMap<TableName, String>, Error> {
    let Planned { graph, .. } = prepared.plan(Purpose::Build, &prepared.staged(), engine).await?;
    Ok(graph.models.into_iter().map(|planned| (planned.model.name, planned.definition)).collect())
}

/// Returns what a model names; one that cannot be parsed names nothing.
fn read_by(model: &Model, parameters: &Parameters) -> Vec<TableName> {
    let parsed = Statement::parse_as(model.dialect, &model.text.body, parameters);
    parsed.map_or_else(|_| Vec::new(), |statement| statement.named)
}

impl Known<'_> {
    fn select(&self, selection: &Selection, request: &Request) -> Result<Option<BTreeSet<TableName>>, Error> {
        if selection.is_everything() {
            return Ok(None);
        }
        let (is_state, is_result) = (selection.asks_for_state(), selection.asks_for_results());
        let warehouse = match is_state || is_result {
            true => Some(load::warehouse(&self.project.pipeline, request)?),
            false => None,
        };
        let served = warehouse.as_ref().filter(|_| is_state).map(Warehouse::current).transpose()?.flatten();
        let states = if is_state { self.states(served.as_ref()) } else { BTreeMap::new() };
        let results = match warehouse.filter(|_| is_result) {
            Some(warehouse) => last_results(&warehouse)?,
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
            name: source.table(),
            path: source.text.path.clone(),
            is_source: true,
            tags: Vec::new(),
            owner: None,
            reads: source.code_sources().map(|code| TableName::staged(&code.value)).collect(),
            state: State::default(),
            last: None,
        };
        let model = |model: &Model| Node {
            name: model.name.clone(),
            path: model.text.path.clone(),
            is_source: false,
            tags: model.tags.clone(),
            owner: model.owner.clone(),
            reads: self.reads.get(&model.name).cloned().unwrap_or_default(),
            state: State::default(),
            last: None,
        };
        let unread = |(name, text): (&TableName, &Arc<Text>)| Node {
            name: name.clone(),
            path: text.path.clone(),
            is_source: TableName::staged(&name.table) == *name,
            tags: Vec::new(),
            owner: None,
            reads: Vec::new(),
            state: State::default(),
            last: None,
        };
        let Project { sources, models, wrong, .. } = self.project;
        let sources = sources.iter().chain(&wrong.sources);
        sources.map(source).chain(models.iter().map(model)).chain(wrong.tables.iter().map(unread))
    }

    /// Returns how every definition stands to the served snapshot. A model that cannot be planned is not the one that was
    /// published.
    fn states(&self, served: Option<&Manifest>) -> BTreeMap<TableName, State> {
        let table = |name: &TableName| served.and_then(|served| served.tables.get(name));
        let model = |model: &Model| {
            let is_same = |table: &Table| {
                table.definition.is_some() && table.definition.as_ref() == self.definitions.get(&model.name)
            };
            (model.name.clone(), state(table(&model.name).map(is_same)))
        };
        let source = |source: &Source| {
            let input = served.and_then(|served| served.inputs.get(&source.name.value));
            let contract = self.contracts.get(&source.name.value);
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
        states
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
        let views = self.project.models.iter().filter(|model| model.kind == Kind::View);
        let mut waiting: BTreeSet<&TableName> = views.map(|model| &model.name).collect();
        // One that is read by views comes after these; in a circle nothing is known of any.
        while let Some(view) = waiting.iter().copied().find(|view| {
            let mut own = readers.get(view).into_iter().flatten();
            own.all(|reader| !waiting.contains(*reader))
        }) {
            waiting.remove(view);
            let own = readers.get(view).map(Vec::as_slice).unwrap_or_default();
            let is_other = |reader: &&TableName| states.get(*reader).is_some_and(|state| *state != State::Same);
            let is_modified = !own.is_empty() && own.iter().all(is_other);
            states.insert(view.clone(), if is_modified { State::Modified } else { State::Same });
        }
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

/// What a run's record says of tables.
#[derive(serde::Deserialize)]
struct Record {
    #[serde(default)]
    failed_table: Option<TableName>,
    #[serde(default)]
    models: Vec<Made>,
    #[serde(default)]
    sources: Vec<Staged>,
    #[serde(default)]
    failed_checks: Vec<FailedCheck>,
}

#[derive(serde::Deserialize)]
struct Made {
    table: TableName,
}

#[derive(serde::Deserialize)]
struct Staged {
    source: String,
}

#[derive(serde::Deserialize)]
struct FailedCheck {
    table: TableName,
    severity: crate::define::project::CheckSeverity,
    #[serde(default)]
    is_tolerated: bool,
}

/// Returns what became of tables in the last recorded run.
fn last_results(warehouse: &Warehouse) -> Result<BTreeMap<TableName, LastResult>, Error> {
    use crate::define::project::CheckSeverity;
    let last = failures::runs(warehouse)?.next();
    let Some(record) = last.map(|run| warehouse.recorded::<Record>(&run)).transpose()?.flatten() else {
        return Err(Error::Usage {
            message: "no run is recorded, so none has a result".to_owned(),
            hint: Some("`result:` asks about the last `tallyhouse run`".to_owned()),
        });
    };
    let models = record.models.into_iter().map(|made| made.table);
    let staged = record.sources.into_iter().map(|staged| TableName::staged(staged.source));
    let mut results: BTreeMap<TableName, LastResult> =
        models.chain(staged).map(|table| (table, LastResult::Succeeded)).collect();
    let failed = record.failed_checks.into_iter().map(|check| match check.severity {
        CheckSeverity::Error if !check.is_tolerated => (check.table, LastResult::CheckFailed),
        CheckSeverity::Error | CheckSeverity::Warn => (check.table, LastResult::Warned),
    });
    for (table, result) in failed.chain(record.failed_table.map(|table| (table, LastResult::Failed))) {
        let known = results.entry(table).or_insert(result);
        *known = (*known).max(result);
    }
    Ok(results)
}
