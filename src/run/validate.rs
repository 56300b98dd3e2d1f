//! Validating: a project → contracts, a planned graph and checks, all without data.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use arrow::datatypes::{DataType, Field, Schema};

use super::{Request, identity, load, ops, outcome, prepare::Prepared, report, stage};
use crate::{
    Error, check,
    check::TableChecks,
    define::{Project, entity::Entity, project::Source},
    engine::{AsOf, Catalog, CatalogTable, Engine, Parameters, catalog, parameters::said_unknown},
    normalize::Contract,
    record::{Diagnostic, Manifest, Place, Severity, TableName},
    transform::{
        self, Graph, lint,
        plan::{Planned, Purpose},
    },
};

/// Everything that was written, ready to run.
#[derive(Debug)]
pub struct Definitions {
    /// What was written.
    pub project: Project,
    /// Compiled contracts by source.
    pub contracts: BTreeMap<String, Contract>,
    /// Models in order.
    pub graph: Graph,
    /// Checks of sources and models.
    pub checks: Vec<TableChecks>,
    /// `$run_date` and the other SQL parameters.
    pub parameters: Parameters,
    /// What is worth a word but stops nothing.
    pub warnings: Vec<Diagnostic>,
}

impl Definitions {
    /// Returns a hash of all checks, reject limits and views (which no snapshot holds): a snapshot that has passed others has
    /// to be checked again.
    #[must_use]
    pub fn checks_fingerprint(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for table in &self.checks {
            for check in &table.checks {
                let text = format!("{} {}\n", table.table, check.spelled());
                hasher.update(text.as_bytes());
            }
        }
        for source in &self.project.sources {
            hasher.update(format!("{} {:?}\n", source.name.value, source.reject_limit).as_bytes());
        }
        for view in &self.graph.views {
            hasher.update(format!("{} {}\n", view.model.name, view.definition).as_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }
}

/// Loads and validates all definitions of a pipeline, offline and without data.
///
/// # Errors
/// Everything that is wrong with them, at once where one mistake does not hide another.
pub async fn definitions(request: &Request, engine: &Engine) -> Result<Definitions, Error> {
    Box::pin(validated(Purpose::Build, request, engine)).await
}

/// Loads and validates all definitions as [`definitions`] does, to say whether they are right: nothing can be built of the answer.
///
/// # Errors
/// As [`definitions`].
pub(super) async fn checked(request: &Request, engine: &Engine) -> Result<Definitions, Error> {
    Box::pin(validated(Purpose::Check, request, engine)).await
}

/// Lets each model know what it was on the day of the served snapshot, where that is another one.
///
/// # Errors
/// A fault of the program.
pub(super) async fn remember(
    definitions: &mut Definitions,
    parent: Option<&Manifest>,
    engine: &Engine,
) -> Result<(), Error> {
    let Definitions { project, contracts, graph, parameters, .. } = definitions;
    let Some(parent) = parent.filter(|parent| parent.run_date != parameters.run_date) else { return Ok(()) };
    let staged = staged_catalog(project, contracts, parameters);
    let remembered = transform::moved::remember(graph, parent.run_date, parent, &staged, parameters, engine).await;
    remembered.map_err(|error| outcome::bug(&error))
}

async fn validated(purpose: Purpose, request: &Request, engine: &Engine) -> Result<Definitions, Error> {
    let (prepared, mut findings) = Prepared::new(request)?;
    load::warehouse_address(&prepared.project.pipeline)?;
    let staged = prepared.staged();
    let Planned { graph, findings: found, session } = prepared.plan(purpose, &staged, engine).await?;
    let has_failed = found.iter().any(Diagnostic::is_error);
    findings.extend(found);
    let Prepared { project, parameters, contracts } = prepared;
    let checks: Vec<TableChecks> = checks(&project, &contracts, &graph);
    let tables = lint::Tables::new(&project.sources, &staged, &graph);
    // Nothing else is said of a model that failed, whatever is known of its columns.
    let session = match has_failed {
        true => catalog::providers(&with_models(staged, &graph))
            .and_then(|tables| engine.session(tables))
            .map_err(|error| outcome::bug(&error))?,
        false => session,
    };
    let defined = transform::views::define(&graph.views, &session).await;
    // A view may stand on a model that is wrong, of which the session knows nothing.
    if let (Err(error), false) = (defined, findings.iter().any(Diagnostic::is_error)) {
        return Err(outcome::bug(&error));
    }
    let threads = engine.settings().threads;
    findings.extend(lint::lint_all(&graph, &tables, &session.state(), threads));
    findings.extend(check::validate(&checks, &session, &made(&project, engine), threads));
    // A model that is wrong is told once, not with every chart that reads it.
    if purpose == Purpose::Check && !findings.iter().any(Diagnostic::is_error) {
        let (project, contracts, graph, parameters) = (&project, &contracts, &graph, &parameters);
        let around = report::Around {
            project,
            contracts,
            graph,
            parameters,
            session: &session,
            engine,
            waiting: &BTreeSet::new(),
        };
        findings.extend(Box::pin(report::validate(around)).await?);
    }
    // What nobody names may be what somebody has misspelt.
    if !findings.iter().any(|finding| said_unknown(&finding.message).is_some()) {
        findings.extend(unused_variables(&project));
    }
    let (warnings, findings): (Vec<Diagnostic>, Vec<Diagnostic>) =
        findings.into_iter().partition(|finding| finding.severity == Severity::Warning);
    if findings.is_empty() {
        return Ok(Definitions { project, contracts, graph, checks, parameters, warnings });
    }
    Err(Error::Definition(findings))
}

/// Finds variables that nothing names: whoever sets one expects it to change something.
fn unused_variables(project: &Project) -> Vec<Diagnostic> {
    let models = || project.models.iter().map(|model| &model.text);
    let texts = || models().chain(project.sources.iter().map(|source| &source.text)).chain(&project.reports);
    let is_unused = |name: &str| !texts().any(|text| names_parameter(&text.body, name));
    let unused = project.pipeline.variable_places.iter().filter(|(name, _)| is_unused(name));
    unused.map(|(name, place)| unused_variable(name, place)).collect()
}

/// Says that nothing names a variable.
pub(super) fn unused_variable(name: &str, place: &Place) -> Diagnostic {
    Diagnostic::error(format!("no model, no contract and no report uses the variable `{name}`"), place.clone())
        .hint(format!("write `${name}` where it should count, or remove it"))
}

/// Returns whether a text has `$name` as a whole word.
fn names_parameter(text: &str, name: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut parts = text.split('$').skip(1);
    parts.any(|part| part.strip_prefix(name).is_some_and(|rest| !rest.starts_with(is_word)))
}

pub(super) fn parameters(project: &Project, request: &Request) -> Result<Parameters, Error> {
    Ok(Parameters {
        run_date: load::run_date(&project.pipeline, request),
        timezone: project.pipeline.timezone,
        variables: load::variables(&project.pipeline, request)?,
    })
}

pub(super) fn contracts(project: &Project, parameters: &Parameters) -> (BTreeMap<String, Contract>, Vec<Diagnostic>) {
    let (mut contracts, mut findings) = (BTreeMap::new(), Vec::new());
    for source in &project.sources {
        match Contract::compile(source, parameters) {
            Ok(contract) => {
                contracts.insert(source.name.value.clone(), contract);
            }
            Err(found) => findings.extend(found),
        }
    }
    (contracts, findings)
}

/// Returns the as-of cut of a source's staged table.
pub(super) fn as_of(source: &Source, parameters: &Parameters) -> AsOf {
    AsOf {
        event_date: source.event_date.as_ref().map(|column| column.value.clone()),
        stages: source.as_of.iter().map(|column| column.value.clone()).collect(),
        run_date: parameters.run_date,
        timezone: parameters.timezone,
    }
}

/// Returns the staged tables, that of their files and those of entities, without data. A source whose contract failed is left
/// out, so that what stands on it is not reported a second time.
pub(super) fn staged_catalog(
    project: &Project,
    contracts: &BTreeMap<String, Contract>,
    parameters: &Parameters,
) -> Catalog {
    let table = |source: &Source| {
        let id_columns = identity::id_columns(&project.entities, &source.name.value);
        let schema = stage::staged_schema(contracts.get(&source.name.value)?, &id_columns);
        let partition_by = source.partition_by.iter().map(|column| column.value.clone()).collect();
        Some((source.table(), CatalogTable::empty(&schema, partition_by, Some(as_of(source, parameters)))))
    };
    let files = (TableName::file(), CatalogTable::empty(&ops::files::schema(), Vec::new(), None));
    let is_known = |source: &&Source| !project.wrong.tables.contains_key(&source.table());
    let wrong = project.wrong.sources.iter().filter(is_known).map(|source| declared(source, project));
    let right = project.sources.iter().filter(is_known).filter_map(table);
    let mut catalog: Catalog = right.chain(wrong).chain([files]).collect();
    catalog.extend(identity::tables(project));
    catalog
}

/// Returns the staged table of a source whose contract is wrong, as far as that goes: its columns, of which nothing is promised.
fn declared(source: &Source, project: &Project) -> (TableName, CatalogTable) {
    let columns = source.columns.iter().map(|column| (&column.name.value, column.data_type.clone()));
    let ids = identity::id_columns(&project.entities, &source.name.value);
    let columns = columns.chain(ids.iter().map(|name| (name, DataType::Utf8)));
    let fields: Vec<Field> = columns.map(|(name, data_type)| Field::new(name, data_type, true)).collect();
    (source.table(), CatalogTable::empty(&Arc::new(Schema::new(fields)), Vec::new(), None))
}

/// Returns the names of all tables that sources and entities make, and of those that are made of something wrong.
pub(super) fn made_tables(project: &Project) -> BTreeSet<TableName> {
    let of_entities = project.entities.iter().flat_map(Entity::tables);
    project.sources.iter().map(Source::table).chain(of_entities).chain(project.wrong.names()).collect()
}

/// Returns what a project makes, whether it is right or wrong.
pub(super) fn made(project: &Project, engine: &Engine) -> check::Made {
    let models = project.models.iter().map(|model| model.name.clone());
    check::Made { tables: models.chain(made_tables(project)).collect(), wrong_functions: engine.wrong_functions() }
}

/// Returns all tables that models can read, without data.
pub(crate) fn catalog(definitions: &Definitions) -> Catalog {
    let Definitions { project, contracts, graph, parameters, .. } = definitions;
    with_models(staged_catalog(project, contracts, parameters), graph)
}

fn with_models(mut staged: Catalog, graph: &Graph) -> Catalog {
    for model in &graph.models {
        staged.insert(model.model.name.clone(), CatalogTable::empty(&model.schema, model.partition_by(), None));
    }
    staged
}

fn checks(project: &Project, contracts: &BTreeMap<String, Contract>, graph: &Graph) -> Vec<TableChecks> {
    let compiled = project.sources.iter().filter(|source| contracts.contains_key(&source.name.value));
    let models = graph.models.iter().map(|planned| &planned.model).chain(graph.views.iter().map(|view| &view.model));
    let planned = models.map(|model| check::of_model(model, &project.sources));
    compiled.map(check::of_source).chain(planned).collect()
}
