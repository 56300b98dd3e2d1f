//! Unit tests of models: the files beside the models → typed tests → what each found. No warehouse is opened.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use datafusion::{error::DataFusionError, prelude::SessionContext};

use super::{Definitions, Request, load, outcome, validate};
use crate::{
    Error,
    check::unit::{self, Around, HistoryPlan, Prepared, Readable, Subject},
    define::{
        project::{Column, Dialect, Function, History, Source},
        suggestion,
        unit_test::{self, TestFile},
    },
    engine::{Catalog, CatalogTable, Engine, Parameters, catalog},
    record::{Diagnostic, TableName, TestResult, Text},
    transform::{
        PlannedModel, diagnose, history,
        views::{self, PlannedView, Views},
    },
};

/// Unit tests that can be run.
pub struct UnitTests {
    tests: Vec<Prepared>,
    session: SessionContext,
}

impl fmt::Debug for UnitTests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnitTests").field("tests", &self.tests).finish_non_exhaustive()
    }
}

/// Reads the unit tests of a project's models, and the examples of its functions, and types all of their values.
///
/// # Errors
/// Everything that is wrong with them.
pub async fn unit_tests(definitions: &Definitions, request: &Request, engine: &Engine) -> Result<UnitTests, Error> {
    let (files, mut findings) = files(definitions, request)?;
    let mut tests = match prepared(&files, definitions, engine) {
        Ok(tests) => tests,
        Err(Error::Definition(found)) => {
            findings.extend(found);
            return Err(Error::Definition(findings));
        }
        Err(other) => return Err(other),
    };
    match examples(&definitions.project.functions, &definitions.parameters, &tests.session).await {
        Ok(examples) => tests.tests.extend(examples),
        Err(found) => findings.extend(found),
    }
    if findings.is_empty() { Ok(tests) } else { Err(Error::Definition(findings)) }
}

/// Turns the examples of functions into tests, in a session that knows the functions.
///
/// # Errors
/// Everything that is wrong with them.
pub(super) async fn examples(
    functions: impl IntoIterator<Item = &Function>,
    parameters: &Parameters,
    session: &SessionContext,
) -> Result<Vec<Prepared>, Vec<Diagnostic>> {
    let told = |text: &Arc<Text>, error: &DataFusionError| {
        diagnose::alone(text, Dialect::default(), error, parameters, &diagnose::Tables::default(), &session.state())
    };
    unit::examples(functions, parameters, session, &told).await
}

/// Types all values of the tests of some files.
///
/// # Errors
/// Everything that is wrong with them.
pub(super) fn prepared(files: &[TestFile], definitions: &Definitions, engine: &Engine) -> Result<UnitTests, Error> {
    let tables = if files.is_empty() { Catalog::new() } else { validate::catalog(definitions) };
    let session =
        catalog::providers(&tables).and_then(|tables| engine.session(tables)).map_err(|error| outcome::bug(&error))?;
    let graph = &definitions.graph;
    let subjects = graph.models.iter().map(subject).chain(graph.views.iter().map(view));
    let around = Around {
        subjects: subjects.map(|subject| (subject.model.name.clone(), subject)).collect(),
        tables: readable(definitions, &tables),
        parameters: &definitions.parameters,
        session: &session,
        views: &views_of(definitions),
    };
    let tests = unit::prepare(files, &around, engine.settings().threads).map_err(Error::Definition)?;
    Ok(UnitTests { tests, session })
}

/// Returns what makes the views of a project with parameters, once for all tests that have the same ones.
fn views_of(definitions: &Definitions) -> impl Fn(&Parameters) -> Views + Sync {
    let known: Mutex<Vec<(Parameters, Views)>> = Mutex::default();
    move |parameters| {
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, views)) = known.iter().find(|(made_with, _)| made_with == parameters) {
            return views.clone();
        }
        let views = views::of(&definitions.project.models, parameters);
        known.push((parameters.clone(), views.clone()));
        views
    }
}

/// Reads all files of tests, and finds those beside which no model lies.
fn files(definitions: &Definitions, request: &Request) -> Result<(Vec<TestFile>, Vec<Diagnostic>), Error> {
    let (mut files, mut findings) = (Vec::new(), Vec::new());
    for (text, relative) in load::unit_tests(request)? {
        let (file, found) = unit_test::read_loosely(&text, &relative);
        files.extend(file);
        findings.extend(found);
    }
    findings.extend(unit_test::without_model(&files, definitions.project.models.iter().map(|model| &model.name)));
    Ok((files, findings))
}

fn subject(planned: &PlannedModel) -> Subject<'_> {
    Subject {
        model: &planned.model,
        statement: &planned.statement,
        schema: Arc::clone(&planned.schema),
        history: planned.model.history.as_ref().map(|kept| history_plan(planned, kept.clone())),
    }
}

fn view(planned: &PlannedView) -> Subject<'_> {
    let schema = Arc::clone(&planned.schema);
    Subject { model: &planned.model, statement: &planned.statement, schema, history: None }
}

fn history_plan(planned: &PlannedModel, kept: History) -> HistoryPlan {
    let planned = planned.clone();
    Arc::new(move |run_date, plan, past| {
        history::plan(&PlannedModel { run_date, ..planned.clone() }, &kept, plan, past)
    })
}

fn readable(definitions: &Definitions, tables: &Catalog) -> BTreeMap<TableName, Readable> {
    let sources: BTreeMap<TableName, &Source> =
        definitions.project.sources.iter().map(|source| (source.table(), source)).collect();
    let readable = |(name, table): (&TableName, &CatalogTable)| {
        let columns = sources.get(name).map(|source| source.columns.as_slice()).unwrap_or_default();
        let default = |column: &Column| Some((column.name.value.clone(), column.default.clone()?));
        let derived = |column: &Column| Some((column.name.value.clone(), column.derive.clone()?));
        let readable = Readable {
            schema: datafusion::catalog::TableProvider::schema(&table.files),
            as_of: table.as_of.clone(),
            defaults: columns.iter().filter_map(default).collect(),
            derived: columns.iter().filter_map(derived).collect(),
        };
        (name.clone(), readable)
    };
    tables.iter().map(readable).collect()
}

impl UnitTests {
    /// Returns what examples of functions count as, tests of tables that nothing else knows, with the file of each.
    #[must_use]
    pub fn functions(&self) -> BTreeMap<TableName, String> {
        let functions = self.tests.iter().filter(|test| test.model.schema == unit::FUNCTIONS);
        functions.map(|test| (test.model.clone(), test.name.place.text.path.clone())).collect()
    }

    /// Returns how many tests there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.tests.len()
    }

    /// Keeps the tests that are asked for: all of a model (`core.sales`) or function (`functions.name`), one (`core.sales:name of the
    /// test`), and all of the models and functions among some tables.
    ///
    /// # Errors
    /// When a word selects nothing, or none of the tables has a test.
    pub fn only(mut self, words: &[String], tables: &BTreeSet<TableName>) -> Result<Self, Error> {
        let mut is_asked = self.asked(words, tables)?.into_iter();
        self.tests.retain(|_| is_asked.next().unwrap_or(false));
        self.left("no selected table has a unit test")
    }

    /// Leaves out the tests of which [`Self::only`] would keep nothing else.
    ///
    /// # Errors
    /// When a word selects nothing, or no test is left.
    pub fn without(mut self, words: &[String], tables: &BTreeSet<TableName>) -> Result<Self, Error> {
        let mut is_asked = self.asked(words, tables)?.into_iter();
        self.tests.retain(|_| !is_asked.next().unwrap_or(false));
        self.left("no unit test is left: `--exclude` takes all away")
    }

    fn left(self, otherwise: &str) -> Result<Self, Error> {
        match self.tests.is_empty() {
            true => Err(Error::Usage {
                message: otherwise.to_owned(),
                hint: Some("`tallyhouse test` without a selector runs all that there are".to_owned()),
            }),
            false => Ok(self),
        }
    }

    /// Returns of each test whether it is asked for.
    fn asked(&self, words: &[String], tables: &BTreeSet<TableName>) -> Result<Vec<bool>, Error> {
        let mut is_asked: Vec<bool> = self.tests.iter().map(|test| tables.contains(&test.model)).collect();
        for word in words {
            let is_named: Vec<bool> =
                self.tests.iter().map(|test| spelled(test) == *word || test.model.to_string() == *word).collect();
            if !is_named.contains(&true) {
                return Err(self.unknown(word));
            }
            is_asked.iter_mut().zip(is_named).for_each(|(asked, named)| *asked |= named);
        }
        Ok(is_asked)
    }

    fn unknown(&self, word: &str) -> Error {
        let model = word.split(':').next().unwrap_or_default();
        let of_model = self.tests.iter().filter(|test| test.model.to_string() == model).map(spelled);
        let of_model: Vec<String> = of_model.collect();
        let models: BTreeSet<String> = self.tests.iter().map(|test| test.model.to_string()).collect();
        let hint = match of_model.is_empty() {
            true => suggestion(model, models.iter().map(String::as_str)),
            false => suggestion(word, of_model.iter().map(String::as_str)),
        };
        Error::Usage { message: format!("`{word}` selects no unit test"), hint: Some(hint) }
    }

    /// Runs them and returns what each found, in the order of their files.
    ///
    /// # Errors
    /// Never because of what a test finds.
    pub async fn run(self, engine: &Engine) -> Result<Vec<TestResult>, Error> {
        unit::run(self.tests, &self.session, engine.settings().threads).await.map_err(|error| outcome::bug(&error))
    }
}

fn spelled(test: &Prepared) -> String {
    format!("{}:{}", test.model, test.name.value)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
