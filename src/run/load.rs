//! Loading: definition files → one checked project.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use chrono::NaiveDate;

use super::Request;
use crate::{
    Error,
    define::{
        self, Known, PipelineFile, Project,
        project::{Dialect, Function, Pipeline, Variable},
        unit_test::ENDING,
    },
    publish::{self, Warehouse},
    record::{Diagnostic, Placed, TableName, Text, diagnostic::nearest},
    storage::{
        definitions, read,
        vault::{self, Vault},
    },
};

/// Reads the pipeline file and everything that it names.
///
/// # Errors
/// Missing files and everything that is wrong in them.
pub(super) fn load(request: &Request) -> Result<(Project, Vec<Diagnostic>), Error> {
    strictly(load_loosely(request)?)
}

/// Reads the pipeline file and everything that it names, as far as it can be read; what is wrong is among the findings.
///
/// # Errors
/// Missing files, and everything that is wrong where nothing else can be looked at.
pub(super) fn load_loosely(request: &Request) -> Result<(Project, Vec<Diagnostic>), Error> {
    Ok(Files::read(request)?.assembled(&|_, _| None, request))
}

/// Refuses a project with something wrong.
fn strictly((project, findings): (Project, Vec<Diagnostic>)) -> Result<(Project, Vec<Diagnostic>), Error> {
    match findings.iter().any(Diagnostic::is_error) {
        true => Err(Error::Definition(findings)),
        false => Ok((project, findings)),
    }
}

/// All files that define a pipeline, read once.
pub(super) struct Files {
    pub pipeline: PipelineFile,
    /// What is wrong with the pipeline file, which says rightly where the others are.
    wrong: Vec<Diagnostic>,
    pub sources: Vec<Arc<Text>>,
    pub entities: Vec<Arc<Text>>,
    /// Models, rows of seeds and functions, each with its path below the folder of models.
    pub models: Vec<(Arc<Text>, PathBuf)>,
    /// Where unit tests lie, unread.
    pub tests: Vec<PathBuf>,
    pub reports: Vec<Arc<Text>>,
}

impl Files {
    /// Reads the pipeline file and everything that it names.
    ///
    /// # Errors
    /// Missing files, and everything that is wrong in the pipeline file where it says nothing of the others.
    pub fn read(request: &Request) -> Result<Self, Error> {
        let (pipeline, wrong) = pipeline_file_loosely(request)?;
        let sources = matching(pipeline.sources.as_ref())?;
        let entities = matching(pipeline.entities.as_ref())?;
        let below = definitions::below(&pipeline.models_dir).map_err(|error| in_models(&error, &pipeline))?;
        let (tests, others): (Vec<PathBuf>, Vec<PathBuf>) = below.into_iter().partition(|path| is_tests(path));
        let models: Vec<PathBuf> = others.into_iter().filter(|path| is_model(path)).collect();
        let models = read_below(&models, &pipeline, request.settings.threads)?;
        let reports = reports(&pipeline)?;
        Ok(Self { pipeline, wrong, sources, entities, models, tests, reports })
    }

    /// Reads the unit tests.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn read_tests(&self, request: &Request) -> Result<Vec<(Arc<Text>, PathBuf)>, Error> {
        read_below(&self.tests, &self.pipeline, request.settings.threads)
    }

    /// Returns every file and these tests in order of their paths, each once.
    pub fn texts(&self, unit_tests: &[(Arc<Text>, PathBuf)]) -> Vec<Arc<Text>> {
        let below = self.models.iter().chain(unit_tests).map(|(text, _)| text);
        let named = self.sources.iter().chain(&self.entities).chain(&self.reports).chain(below);
        let mut texts: Vec<Arc<Text>> = [&self.pipeline.models_place.text].into_iter().chain(named).cloned().collect();
        texts.sort_by(|one, other| one.path.cmp(&other.path));
        texts.dedup_by(|one, other| one.path == other.path);
        texts
    }

    /// Joins the files as far as they can be read; models that are `known` are not read. What is wrong is among the findings.
    pub fn assembled(self, known: Known<'_>, request: &Request) -> (Project, Vec<Diagnostic>) {
        let environment = |name: &str| request.process_environment.get(name).cloned();
        let Self { pipeline, wrong, sources, entities, models, reports, .. } = self;
        let (project, found) = define::assemble_loosely(known, pipeline, sources, entities, models, &environment);
        (Project { reports, ..project }, wrong.into_iter().chain(found).collect())
    }
}

/// Returns the day as of which a pipeline answers.
pub(super) fn run_date(pipeline: &Pipeline, request: &Request) -> NaiveDate {
    let today = request.now.with_timezone(&pipeline.timezone).date_naive();
    request.run_date.or(pipeline.run_date).unwrap_or(today)
}

/// Returns where a pipeline's sources, entities, models and reports lie, as far as that is known without looking.
///
/// # Errors
/// When the pipeline file is missing, and everything that is wrong in it where it does not say.
pub(super) fn folders(request: &Request) -> Result<Folders, Error> {
    let (file, _) = pipeline_file_loosely(request)?;
    let globs = [file.sources, file.entities, file.reports];
    let [sources, entities, reports] = globs.map(|glob| glob.map(|glob| glob.value));
    Ok(Folders { sources, entities, models: file.models_dir, reports })
}

impl Folders {
    /// Returns the places of what decides what a run publishes.
    pub(super) fn read_by_runs(self) -> Vec<PathBuf> {
        self.sources.into_iter().chain(self.entities).map(PathBuf::from).chain([self.models]).collect()
    }
}

/// Where definition files lie.
pub(super) struct Folders {
    /// Glob of the sources, if there are any.
    pub sources: Option<String>,
    /// Glob of the entities, if there are any.
    pub entities: Option<String>,
    /// Folder of the models.
    pub models: PathBuf,
    /// Glob of the reports, if there are any.
    pub reports: Option<String>,
}

/// Reads nothing but the pipeline file.
///
/// # Errors
/// When it is missing, and everything that is wrong in it.
pub(super) fn pipeline(request: &Request) -> Result<Pipeline, Error> {
    Ok(pipeline_file(request)?.pipeline)
}

pub(super) fn pipeline_file(request: &Request) -> Result<PipelineFile, Error> {
    let (file, findings) = pipeline_file_loosely(request)?;
    if findings.is_empty() { Ok(file) } else { Err(Error::Definition(findings)) }
}

/// Reads the pipeline file, and what is wrong with it beside what it says of other files.
fn pipeline_file_loosely(request: &Request) -> Result<(PipelineFile, Vec<Diagnostic>), Error> {
    let text = definitions::read(&request.pipeline).map_err(|error| Error::Usage {
        message: error.to_string(),
        hint: Some("name the pipeline file with `--pipeline path/to/pipeline.yaml`".to_owned()),
    })?;
    let environment = |name: &str| request.process_environment.get(name).cloned();
    let read = define::read_pipeline_loosely(text, &environment);
    match read.value {
        Some(file) => Ok((file, read.findings)),
        None => Err(Error::Definition(read.findings)),
    }
}

/// Reads the files of reports; none where the pipeline names none.
///
/// # Errors
/// When no file is there, or one cannot be read.
pub(super) fn reports(file: &PipelineFile) -> Result<Vec<Arc<Text>>, Error> {
    matching(file.reports.as_ref())
}

/// Reads the files that a glob of the pipeline file names, if there is one. That no file matches it is a slip of the hand.
fn matching(glob: Option<&Placed<String>>) -> Result<Vec<Arc<Text>>, Error> {
    let Some(Placed { value: glob, place }) = glob else { return Ok(Vec::new()) };
    let failed =
        |error: definitions::Error| Error::Definition(vec![Diagnostic::error(error.to_string(), place.clone())]);
    let nothing = |message: String| {
        let finding = Diagnostic::error(message, place.clone());
        Error::Definition(vec![finding.hint("paths are relative to the pipeline file")])
    };
    let paths = definitions::glob(glob).map_err(|error| nothing(error.to_string()))?;
    if paths.is_empty() {
        return Err(nothing(format!("no file matches `{glob}`")));
    }
    paths.iter().map(|path| definitions::read(path).map_err(failed)).collect()
}

fn models(file: &PipelineFile) -> Result<Vec<(Arc<Text>, PathBuf)>, Error> {
    let below = definitions::below(&file.models_dir).map_err(|error| in_models(&error, file))?;
    let models: Vec<PathBuf> = below.into_iter().filter(|path| is_model(path)).collect();
    read_below(&models, file, 1)
}

fn is_model(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "sql" || extension == "csv")
}

fn is_tests(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().ends_with(ENDING.as_bytes())
}

/// Reads files below the folder of models on so many threads.
fn read_below(paths: &[PathBuf], file: &PipelineFile, threads: usize) -> Result<Vec<(Arc<Text>, PathBuf)>, Error> {
    let texts = definitions::read_all(paths, threads).map_err(|error| in_models(&error, file))?;
    Ok(texts.into_iter().zip(paths).map(|(text, path)| (text, below(path, &file.models_dir))).collect())
}

fn in_models(error: &definitions::Error, file: &PipelineFile) -> Error {
    let finding = Diagnostic::error(error.to_string(), file.models_place.clone());
    Error::Definition(vec![finding.hint("paths are relative to the pipeline file")])
}

/// Reads nothing but the functions that a pipeline's models may call.
///
/// # Errors
/// Missing files, and names that are none.
pub(super) fn functions(request: &Request) -> Result<Vec<Function>, Error> {
    let file = pipeline_file(request)?;
    let (mut functions, mut findings) = (Vec::new(), Vec::new());
    for (text, relative) in models(&file)?.iter().filter(|(_, relative)| define::is_function(relative)) {
        match define::read_function(text, relative) {
            Ok((function, _)) => functions.push(function),
            Err(found) => findings.extend(found),
        }
    }
    if findings.is_empty() { Ok(functions) } else { Err(Error::Definition(findings)) }
}

/// Reads the files of unit tests that lie beside the models.
///
/// # Errors
/// When a file cannot be read.
pub(super) fn unit_tests(request: &Request) -> Result<Vec<(Arc<Text>, PathBuf)>, Error> {
    tests(&pipeline_file(request)?)
}

fn tests(file: &PipelineFile) -> Result<Vec<(Arc<Text>, PathBuf)>, Error> {
    let below = definitions::below(&file.models_dir).map_err(|error| in_models(&error, file))?;
    let tests: Vec<PathBuf> = below.into_iter().filter(|path| is_tests(path)).collect();
    read_below(&tests, file, 1)
}

/// Returns how SQL about a table is understood: as its model says, else as the pipeline file says. What is wrong in either is told by
/// others.
pub(super) fn dialect(request: &Request, table: Option<&TableName>) -> Dialect {
    let Ok(file) = pipeline_file(request) else { return Dialect::default() };
    let own = |table: &TableName| {
        let relative = PathBuf::from(&table.schema).join(format!("{}.sql", table.table));
        let text = definitions::read(&file.models_dir.join(&relative)).ok()?;
        Some(define::read_model(&text, &relative, file.dialect).ok()?.0.dialect)
    };
    table.and_then(own).unwrap_or(file.dialect)
}

/// Returns the folder of models.
///
/// # Errors
/// When the pipeline file is wrong.
pub(super) fn models_folder(request: &Request) -> Result<PathBuf, Error> {
    Ok(pipeline_file(request)?.models_dir)
}

fn below(path: &Path, folder: &Path) -> PathBuf {
    path.strip_prefix(folder).unwrap_or(path).to_owned()
}

/// Returns the variables of a pipeline with those of the command line put over them.
///
/// # Errors
/// A variable that the pipeline does not declare, or a value of another type.
pub(super) fn variables(pipeline: &Pipeline, request: &Request) -> Result<BTreeMap<String, Variable>, Error> {
    let mut variables = pipeline.variables.clone();
    for (name, text) in &request.variables {
        let Some(declared) = variables.get_mut(name) else { return Err(undeclared(name, pipeline)) };
        *declared = declared.like(text).ok_or_else(|| Error::Usage {
            message: format!("`--var {name}={text}` is no {}", declared.type_name()),
            hint: Some("a variable keeps the type of its value in the pipeline file".to_owned()),
        })?;
    }
    Ok(variables)
}

fn undeclared(name: &str, pipeline: &Pipeline) -> Error {
    let known: Vec<&str> = pipeline.variables.keys().map(String::as_str).collect();
    let near = nearest(name, known.iter().copied()).map(|name| format!("did you mean `{name}`?"));
    let hint = near.or_else(|| (!known.is_empty()).then(|| format!("it declares {}", known.join(", "))));
    Error::Usage { message: format!("the pipeline declares no variable `{name}`"), hint }
}

/// Opens the warehouse that a pipeline names.
///
/// # Errors
/// When it is no folder, or its address none of an object store.
pub(super) fn warehouse(pipeline: &Pipeline, request: &Request) -> Result<Warehouse, Error> {
    let environment = request.environment.as_deref();
    match warehouse_address(pipeline)? {
        Address::Folder(path) => Ok(Warehouse::open(&path, environment)?),
        Address::Store(vault) => Ok(Warehouse::in_store(vault, environment)?),
    }
}

/// Where a warehouse is.
pub(super) enum Address {
    /// An absolute path.
    Folder(PathBuf),
    /// A prefix of an object store.
    Store(Vault),
}

/// Returns where a pipeline's warehouse is; nothing is asked yet.
///
/// # Errors
/// When its address is none.
pub(super) fn warehouse_address(pipeline: &Pipeline) -> Result<Address, Error> {
    let written = &pipeline.warehouse;
    if written.value.contains("://") && !written.value.starts_with("file://") {
        return Vault::open(&written.value).map(Address::Store).map_err(|error| match error {
            // The line itself must not be shown.
            vault::Error::Store(error @ read::Error::Secret { .. }) => Error::Usage {
                message: format!("`warehouse` in `{}`: {error}", written.place.text.path),
                hint: error.hint().map(str::to_owned),
            },
            vault::Error::Store(error) => {
                let finding = Diagnostic::error(error.to_string(), written.place.clone());
                let hint = error.hint().unwrap_or("write a folder, or an address such as `s3://bucket/warehouse`");
                Error::Definition(vec![finding.hint(hint)])
            }
            vault::Error::Disk(error) => publish::Error::from(error).into(),
        });
    }
    let path = written.value.strip_prefix("file://").unwrap_or(&written.value);
    let path = std::path::absolute(path).map_err(|error| Error::Environment {
        message: format!("cannot find `{}`: {error}", written.value),
        hint: None,
    })?;
    Ok(Address::Folder(path))
}
