//! What is asked of several models at once: data checks, reports, unit tests, variables that nobody uses.
//!
//! In: models that were judged, and the ledger. Out: findings and counts. What was right before among the same tables is not asked again;
//! only what is right is kept, so that every mistake is told with the tables that are there now.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use datafusion::prelude::SessionContext;

use super::{
    kept::mentions,
    ledger::Ledger,
    models::Models,
    sight::{Key, Sight},
};
use crate::{
    Error, check,
    define::{
        Project,
        project::{Function, Kind, Wrong},
        unit_test::{self, ENDING, TestFile},
    },
    engine::{CatalogTable, Engine, catalog},
    record::{Diagnostic, Place, TableName},
    run::{Definitions, outcome, report, test, validate},
};

/// Tables whose names are asked for; None for all that there are.
type Reads<'a> = Option<&'a BTreeSet<TableName>>;

impl Models<'_> {
    /// Finds what is wrong with data checks, and counts them. Where a model has failed, nothing is known of its columns.
    ///
    /// # Errors
    /// A fault of the program.
    pub async fn checks(
        &mut self,
        has_failed: bool,
        sight: &Sight,
        ledger: &mut Ledger,
        engine: &Engine,
    ) -> Result<(usize, Vec<Diagnostic>), Error> {
        let (mut count, mut asked, mut keys, mut names) = (0, Vec::new(), Vec::new(), BTreeSet::new());
        let prepared = self.prepared;
        let staged = prepared.staged();
        let mut ask = |key: Option<blake3::Hash>, checks: check::TableChecks, reads: Reads<'_>| {
            names.insert(checks.table.clone());
            match reads {
                Some(reads) => names.extend(reads.iter().cloned()),
                None => names.extend(prepared.project.models.iter().map(|model| model.name.clone())),
            }
            asked.push(checks);
            keys.push(key);
        };
        for source in &prepared.project.sources {
            let table = source.table();
            let Some(schema) = staged.get(&table).map(CatalogTable::schema) else { continue };
            let checks = check::of_source(source);
            count += checks.checks.len();
            let reads = check::validity_reads(&checks, &schema, &prepared.parameters);
            let own = Key::new("source").text(&source.text.path).hash(sight.hash(&source.text.path));
            let own = own.hash(self.present(&table)).hash(Some(&self.context)).finish();
            let (is_right, key) = self.checked(&own, reads.as_ref(), ledger);
            if !is_right && !checks.checks.is_empty() {
                ask(key, checks, reads.as_ref());
            }
        }
        for at in self.right(|kind| kind != Kind::View).into_iter().chain(self.right(|kind| kind == Kind::View)) {
            let Some((own, judged)) = self.judged(at) else { continue };
            count += judged.checks;
            let (is_right, key) = self.checked(own, judged.checks_read.as_ref(), ledger);
            if !is_right && judged.checks > 0 {
                ask(key, check::of_model(&self.model(at)?, &prepared.project.sources), judged.checks_read.as_ref());
            }
        }
        self.admit(&names, ledger).await?;
        let session = match has_failed {
            true => self.session_of_right(&names, ledger, engine).await?,
            false => self.session().clone(),
        };
        let made = validate::made(&prepared.project, engine);
        let found = check::validate_each(&asked, &session, &made, engine.settings().threads);
        for (key, _) in keys.into_iter().zip(&found).filter(|(_, found)| found.is_empty()) {
            if let Some(key) = key {
                ledger.learn(key, Vec::new());
            }
        }
        Ok((count, found.into_iter().flatten().collect()))
    }

    /// Returns whether checks are known to be right among the tables that are there, and the key under which that is kept; None
    /// where it is not, as something that they read is wrong, so that they are not judged.
    fn checked(&self, own: &blake3::Hash, reads: Reads<'_>, ledger: &Ledger) -> (bool, Option<blake3::Hash>) {
        let is_known = |name: &TableName| self.is_made(name) || self.prepared.project.wrong.tables.contains_key(name);
        let is_wrong = |name: &TableName| is_known(name) && self.present(name).is_none();
        let Some(reads) = reads.filter(|reads| !reads.iter().any(is_wrong)) else { return (false, None) };
        let named = |key: Key, name: &TableName| key.text(&name.to_string()).hash(self.present(name));
        let key = reads.iter().fold(Key::new("checks").hash(Some(own)), named).finish();
        (ledger.recall(&key).is_some(), Some(key))
    }

    /// Returns a session over the right ones among these tables alone.
    async fn session_of_right(
        &mut self,
        names: &BTreeSet<TableName>,
        ledger: &Ledger,
        engine: &Engine,
    ) -> Result<SessionContext, Error> {
        let graph = self.graph(names, ledger)?;
        let mut tables = self.prepared.staged();
        for model in &graph.models {
            tables.insert(model.model.name.clone(), CatalogTable::empty(&model.schema, model.partition_by(), None));
        }
        let providers = catalog::providers(&tables).map_err(|error| outcome::bug(&error))?;
        let session = engine.session(providers).map_err(|error| outcome::bug(&error))?;
        // A view may stand on a model that is wrong, of which the session knows nothing.
        for view in &graph.views {
            let _ = view.statement.define_as(&view.model.name, &session).await;
        }
        Ok(session)
    }

    /// Finds what is wrong with reports. A model that is wrong is told once, not with every chart that reads it.
    ///
    /// # Errors
    /// When lineage cannot be found, which is a fault of the program.
    pub async fn reports(
        &mut self,
        sight: &Sight,
        ledger: &mut Ledger,
        engine: &Engine,
    ) -> Result<Vec<Diagnostic>, Error> {
        let prepared = self.prepared;
        if prepared.project.reports.is_empty() {
            return Ok(Vec::new());
        }
        let mut shown = report::reads(&prepared.project.reports, &prepared.parameters);
        let waiting: BTreeSet<TableName> = shown.extract_if(.., |name| self.waits(name)).collect();
        // Personal data may come from far away.
        let names = self.upstream(&shown);
        let key = Key::new("reports").hash(Some(&sight.ground)).hash(Some(&self.context));
        let key = key.text(&format!("{:?}", prepared.parameters));
        let key = names.iter().fold(key, |key, name| key.text(&name.to_string()).hash(self.known_key(name))).finish();
        if ledger.recall(&key).is_some() {
            return Ok(Vec::new());
        }
        self.admit(&names, ledger).await?;
        let graph = self.graph(&names, ledger)?;
        let (project, contracts) = (&prepared.project, &prepared.contracts);
        let (graph, parameters, session) = (&graph, &prepared.parameters, self.session());
        let around = report::Around { project, contracts, graph, parameters, session, engine, waiting: &waiting };
        let found = Box::pin(report::validate(around)).await?;
        if found.is_empty() && waiting.is_empty() {
            ledger.learn(key, Vec::new());
        }
        Ok(found)
    }

    /// Returns whether a table, or something on the way to it, is there and wrong.
    fn waits(&self, name: &TableName) -> bool {
        let is_wrong = |name: &TableName| self.is_known(name) && self.present(name).is_none();
        self.upstream(&BTreeSet::from([name.clone()])).iter().any(is_wrong)
    }

    /// Returns whether a table is made, rightly or wrongly.
    fn is_known(&self, name: &TableName) -> bool {
        self.is_made(name) || self.prepared.project.wrong.names().any(|wrong| wrong == *name)
    }

    /// Counts unit tests and examples of functions, or finds what is wrong with them; those of a model that is wrong, or that reads what is, are not asked about.
    ///
    /// # Errors
    /// A fault of the program.
    pub async fn tests(
        &mut self,
        sight: &Sight,
        ledger: &mut Ledger,
        engine: &Engine,
    ) -> Result<Result<usize, Vec<Diagnostic>>, Error> {
        let (mut count, mut files, mut keys, mut findings) = (0, Vec::new(), Vec::new(), Vec::new());
        for (text, relative) in &sight.tests {
            let key = subject(relative).and_then(|name| {
                let key = Key::new("tests").hash(Some(&sight.ground)).hash(Some(self.known_key(&name)?));
                let key = key.text(&format!("{:?}", self.prepared.parameters));
                Some(key.text(&text.path).hash(sight.hash(&text.path)).finish())
            });
            if let Some(known) = key.and_then(|key| known_count(ledger.recall(&key)?)) {
                count += known;
                continue;
            }
            let (file, found) = unit_test::read_loosely(text, relative);
            findings.extend(found);
            if let Some(file) = file {
                files.push(file);
                keys.push(key);
            }
        }
        let Project { models, wrong, .. } = &self.prepared.project;
        let models = models.iter().map(|model| &model.name).chain(wrong.tables.keys());
        findings.extend(unit_test::without_model(&files, models));
        let can_be_asked = |file: &&TestFile| self.can_be_tested(&file.model);
        let asked: Vec<TestFile> = files.iter().filter(can_be_asked).cloned().collect();
        if let Err(found) = self.prepare(&asked, ledger, engine).await? {
            findings.extend(found);
        }
        match self.examples(engine).await? {
            Ok(examples) => count += examples,
            Err(found) => findings.extend(found),
        }
        if !findings.is_empty() {
            return Ok(Err(findings));
        }
        for (key, file) in keys.into_iter().zip(&files) {
            count += file.tests.len();
            if let Some(key) = key {
                ledger.learn(key, file.tests.len().to_string().into_bytes());
            }
        }
        Ok(Ok(count))
    }

    /// Counts the examples of functions that are right, or finds what is wrong with them.
    async fn examples(&self, engine: &Engine) -> Result<Result<usize, Vec<Diagnostic>>, Error> {
        let wrong = engine.wrong_functions();
        let functions = &self.prepared.project.functions;
        let can_be_asked = |function: &&Function| !function.examples.is_empty() && !wrong.contains(&function.name);
        let functions: Vec<&Function> = functions.iter().filter(can_be_asked).collect();
        if functions.is_empty() {
            return Ok(Ok(0));
        }
        let session = engine.session([]).map_err(|error| outcome::bug(&error))?;
        let examples = test::examples(functions, &self.prepared.parameters, &session).await;
        Ok(examples.map(|examples| examples.len()))
    }

    /// Returns whether all is right that decides what a test of a model says.
    fn can_be_tested(&self, model: &TableName) -> bool {
        let names = self.with_reads(&BTreeSet::from([model.clone()]));
        let is_wrong = |name: &TableName| self.prepared.project.wrong.names().any(|wrong| wrong == *name);
        names.iter().all(|name| self.present(name).is_some() && !is_wrong(name))
    }

    /// Types the values of tests.
    async fn prepare(
        &mut self,
        files: &[TestFile],
        ledger: &mut Ledger,
        engine: &Engine,
    ) -> Result<Result<(), Vec<Diagnostic>>, Error> {
        if files.is_empty() {
            return Ok(Ok(()));
        }
        let subjects: BTreeSet<TableName> = files.iter().map(|file| file.model.clone()).collect();
        let names = self.with_reads(&subjects);
        self.admit(&names, ledger).await?;
        let graph = self.graph(&names, ledger)?;
        let prepared = self.prepared;
        let Project { pipeline, sources, entities, functions, .. } = &prepared.project;
        let models =
            graph.models.iter().map(|planned| &planned.model).chain(graph.views.iter().map(|view| &view.model));
        let project = Project {
            pipeline: pipeline.clone(),
            sources: sources.clone(),
            entities: entities.clone(),
            models: models.cloned().collect(),
            functions: functions.clone(),
            reports: Vec::new(),
            wrong: Wrong::default(),
        };
        let definitions = Definitions {
            project,
            contracts: prepared.contracts.clone(),
            graph,
            checks: Vec::new(),
            parameters: prepared.parameters.clone(),
            warnings: Vec::new(),
        };
        match test::prepared(files, &definitions, engine) {
            Ok(_) => Ok(Ok(())),
            Err(Error::Definition(found)) => Ok(Err(found)),
            Err(other) => Err(other),
        }
    }

    /// Finds variables that nothing names: whoever sets one expects it to change something.
    pub fn unused_variables(&self) -> Vec<Diagnostic> {
        let project = &self.prepared.project;
        let others = project.sources.iter().map(|source| &source.text).chain(&project.reports);
        let others = others.chain(project.wrong.texts());
        let mut used: BTreeSet<String> = others.flat_map(|text| mentions(&text.body)).collect();
        used.extend(self.mentions());
        let variables: BTreeMap<&String, &Place> = project.pipeline.variable_places.iter().collect();
        let unused = variables.into_iter().filter(|(name, _)| !used.contains(*name));
        unused.map(|(name, place)| validate::unused_variable(name, place)).collect()
    }
}

/// Returns the model that a file of unit tests is about.
fn subject(relative: &Path) -> Option<TableName> {
    let (schema, file) = relative.to_str()?.split_once('/')?;
    Some(TableName::new(schema, file.strip_suffix(ENDING)?))
}

fn known_count(bytes: &[u8]) -> Option<usize> {
    str::from_utf8(bytes).ok()?.parse().ok()
}
