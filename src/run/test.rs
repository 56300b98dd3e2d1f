//! Unit tests of models: the files beside the models → typed tests → what each found. No warehouse is opened.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use datafusion::prelude::SessionContext;

use super::{Definitions, Request, load, outcome, validate};
use crate::{
    Error,
    check::unit::{self, Around, HistoryPlan, Prepared, Readable, Subject},
    define::{
        project::{Column, History, Source},
        suggestion,
        unit_test::{self, TestFile},
    },
    engine::{Catalog, CatalogTable, Engine, Parameters, catalog},
    record::{Diagnostic, TableName, TestResult},
    transform::{
        PlannedModel, history,
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

/// Reads the unit tests of a project and types all of their values.
///
/// # Errors
/// Everything that is wrong with them.
pub async fn unit_tests(definitions: &Definitions, request: &Request, engine: &Engine) -> Result<UnitTests, Error> {
    let (files, mut findings) = files(definitions, request)?;
    match prepared(&files, definitions, engine) {
        Ok(tests) if findings.is_empty() => Ok(tests),
        Ok(_) => Err(Error::Definition(findings)),
        Err(Error::Definition(found)) => {
            findings.extend(found);
            Err(Error::Definition(findings))
        }
        Err(other) => Err(other),
    }
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
    /// Returns how many tests there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.tests.len()
    }

    /// Keeps the tests that are asked for: all of a model (`core.sales`, or `sales`) or of a schema (`core`), or one
    /// (`core.sales:name of the test`). Without words all are.
    ///
    /// # Errors
    /// When a word selects nothing.
    pub fn select(mut self, words: &[String]) -> Result<Self, Error> {
        let mut is_wanted = vec![words.is_empty(); self.tests.len()];
        for word in words {
            let mut is_found = false;
            for (test, wanted) in self.tests.iter().zip(&mut is_wanted) {
                let TableName { schema, table } = &test.model;
                let names = [spelled(test), test.model.to_string(), schema.clone(), table.clone()];
                let is_asked = names.contains(word);
                *wanted |= is_asked;
                is_found |= is_asked;
            }
            if !is_found {
                return Err(self.unknown(word));
            }
        }
        let mut wanted = is_wanted.into_iter();
        self.tests.retain(|_| wanted.next().unwrap_or(false));
        Ok(self)
    }

    fn unknown(&self, word: &str) -> Error {
        let known: Vec<String> = match word.contains(':') {
            true => self.tests.iter().map(spelled).collect(),
            false => {
                self.tests.iter().map(|test| test.model.to_string()).collect::<BTreeSet<_>>().into_iter().collect()
            }
        };
        Error::Usage {
            message: format!("`{word}` selects no unit test"),
            hint: Some(suggestion(word, known.iter().map(String::as_str))),
        }
    }

    /// Keeps the tests of models among these tables.
    ///
    /// # Errors
    /// When none of them has a test.
    pub fn of_tables(mut self, tables: &BTreeSet<TableName>) -> Result<Self, Error> {
        self.tests.retain(|test| tables.contains(&test.model));
        if self.tests.is_empty() {
            return Err(Error::Usage {
                message: "no selected table has a unit test".to_owned(),
                hint: Some("`tallyhouse test` without a selector runs all that there are".to_owned()),
            });
        }
        Ok(self)
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
