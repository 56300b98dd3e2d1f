//! Validating: a project → contracts, a planned graph and checks, all without data.

use std::collections::BTreeMap;

use super::{Request, load};
use crate::{
    Error, check,
    check::TableChecks,
    define::{Project, project::Source},
    engine::{AsOf, Catalog, CatalogTable, Engine, Parameters, catalog},
    normalize::Contract,
    record::{Diagnostic, Severity},
    transform::{self, Graph},
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
    /// Returns a hash of all checks and reject limits: a snapshot that has passed others has to be checked again.
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
        hasher.finalize().to_hex().to_string()
    }
}

/// Loads and validates all definitions of a pipeline, offline and without data.
///
/// # Errors
/// Everything that is wrong with them, at once where one mistake does not hide another.
pub async fn definitions(request: &Request, engine: &Engine) -> Result<Definitions, Error> {
    let (project, mut warnings) = load::load(request)?;
    load::warehouse_address(&project.pipeline)?;
    let parameters = parameters(&project, request)?;
    let (contracts, mut findings) = contracts(&project, &parameters);
    let staged = staged_catalog(&project, &contracts, &parameters);
    let sources = project.sources.iter().map(Source::table).collect();
    let bug = |error: datafusion::error::DataFusionError| Error::Bug { message: error.strip_backtrace() };
    let (graph, found) =
        transform::plan::plan(&project.models, &staged, &sources, &parameters, engine).await.map_err(bug)?;
    findings.extend(found);
    let checks: Vec<TableChecks> = checks(&project, &contracts, &graph);
    let session = engine.session(catalog::providers(&with_models(staged, &graph)).map_err(bug)?).map_err(bug)?;
    findings.extend(check::validate(&checks, &session).await);
    warnings.extend(findings.iter().filter(|finding| finding.severity == Severity::Warning).cloned());
    findings.retain(|finding| finding.severity == Severity::Error);
    if findings.is_empty() {
        return Ok(Definitions { project, contracts, graph, checks, parameters, warnings });
    }
    Err(Error::Definition(findings))
}

fn parameters(project: &Project, request: &Request) -> Result<Parameters, Error> {
    let timezone = project.pipeline.timezone;
    let today = request.now.with_timezone(&timezone).date_naive();
    Ok(Parameters {
        run_date: request.run_date.or(project.pipeline.run_date).unwrap_or(today),
        timezone,
        variables: load::variables(&project.pipeline, request)?,
    })
}

fn contracts(project: &Project, parameters: &Parameters) -> (BTreeMap<String, Contract>, Vec<Diagnostic>) {
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

/// Returns the staged tables without data. A source whose contract failed is left out, so that what stands on it is not
/// reported a second time.
fn staged_catalog(project: &Project, contracts: &BTreeMap<String, Contract>, parameters: &Parameters) -> Catalog {
    let table = |source: &Source| {
        let schema = contracts.get(&source.name.value)?.schema();
        let partition_by = source.partition_by.iter().map(|column| column.value.clone()).collect();
        Some((source.table(), CatalogTable::empty(&schema, partition_by, Some(as_of(source, parameters)))))
    };
    project.sources.iter().filter_map(table).collect()
}

fn with_models(mut staged: Catalog, graph: &Graph) -> Catalog {
    for model in &graph.models {
        staged.insert(model.model.name.clone(), CatalogTable::empty(&model.schema, model.partition_by(), None));
    }
    staged
}

fn checks(project: &Project, contracts: &BTreeMap<String, Contract>, graph: &Graph) -> Vec<TableChecks> {
    let compiled = project.sources.iter().filter(|source| contracts.contains_key(&source.name.value));
    let planned = graph.models.iter().map(|planned| check::of_model(&planned.model, &project.sources));
    compiled.map(check::of_source).chain(planned).collect()
}
