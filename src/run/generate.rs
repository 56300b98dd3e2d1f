//! A first unit test of a model, from a few rows of the served snapshot.
//!
//! ```text
//!  snapshot ─ sample ─ mask ─► given rows ─ run the model ─► expected rows ─► text ─ run once more ─► it passes
//! ```
//!
//! In: the name of a model or a view. Out: the text of its file of tests, and where it belongs; whoever asked writes it. A file that is
//! there is never touched. What comes out says what the model does: whether that is right, a person must read.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{Definitions, Request, Snapshot, build, load, outcome, test};
use crate::{
    Error,
    check::unit::{self, Sampled, Size},
    define::{
        project::Variable,
        suggestion,
        unit_test::{self, ENDING, TestFile, WrittenRows, WrittenTest},
    },
    engine::{Catalog, CatalogTable, Engine, Statement, catalog},
    record::{
        TableName, TestResult, Text,
        test_result::{Found, RowDiff},
    },
    storage::local,
};

/// How much is sampled: the first that gives a result is taken.
const SIZES: [Size; 6] = [
    Size { result_rows: 2, first_rows: 4 },
    Size { result_rows: 0, first_rows: 4 },
    Size { result_rows: 1, first_rows: 20 },
    Size { result_rows: 2, first_rows: 60 },
    Size { result_rows: 5, first_rows: 200 },
    Size { result_rows: 0, first_rows: 200 },
];

/// What stands above the tests.
const HEAD: &str =
    "# Sampled from a snapshot: it says what the model does. Keep it once you have read that it is right.\n\n";

/// A file of tests to be written.
#[derive(Debug)]
pub struct Generated {
    /// Where it belongs.
    pub path: PathBuf,
    /// What it holds.
    pub text: String,
    /// Tables of which rows are given.
    pub tables: usize,
    /// Their rows.
    pub given_rows: usize,
    /// Rows that the model makes of them.
    pub expected_rows: usize,
}

/// Makes a test of a model.
///
/// # Errors
/// When there is no such model, it has tests already, nothing is published, or no small sample gives a row.
pub async fn generate_test(
    model: &str,
    definitions: &Definitions,
    request: &Request,
    engine: &Engine,
) -> Result<Generated, Error> {
    let subject = &subject(model, definitions)?;
    let path = path(subject, request)?;
    let snapshot = Snapshot::open(request, None)?;
    let tables = snapshot.tables(engine)?;
    let inputs = inputs(subject, tables)?;
    let own = tables.get(subject.name).cloned();
    let mut given = 0;
    for size in SIZES {
        let mut sampled = sampled(subject, &inputs, own.clone(), engine, size).await?;
        unit::mask(&mut sampled, &definitions.project.sources);
        let mut written = written(subject, definitions, &snapshot, sampled);
        given = written.given.iter().map(|(_, rows)| rows.rows.len()).sum();
        if let Some(expect) = result(&written, subject, definitions, engine).await? {
            let expected_rows = expect.rows.len();
            written.expect = expect;
            confirm(&written, subject, definitions, engine).await?;
            let tables = written.given.len();
            return Ok(Generated { path, text: format!("{HEAD}{written}"), tables, given_rows: given, expected_rows });
        }
    }
    Err(Error::Usage {
        message: format!("{given} rows that were sampled for `{}` give no result", subject.name),
        hint: Some("write the test by hand: docs/testing.md shows how".to_owned()),
    })
}

/// What is tested: a model or a view.
struct Subject<'a> {
    name: &'a TableName,
    statement: &'a Statement,
}

fn subject<'a>(name: &str, definitions: &'a Definitions) -> Result<Subject<'a>, Error> {
    let graph = &definitions.graph;
    let models = graph.models.iter().map(|model| Subject { name: &model.model.name, statement: &model.statement });
    let views = graph.views.iter().map(|view| Subject { name: &view.model.name, statement: &view.statement });
    let all: Vec<Subject<'_>> = models.chain(views).collect();
    let names: Vec<String> = all.iter().map(|subject| subject.name.to_string()).collect();
    all.into_iter().zip(&names).find(|(_, known)| *known == name).map(|(subject, _)| subject).ok_or_else(|| {
        Error::Usage {
            message: format!("there is no model `{name}`"),
            hint: Some(suggestion(name, names.iter().map(String::as_str))),
        }
    })
}

/// Returns where the tests of a model belong, unless it has some.
fn path(subject: &Subject<'_>, request: &Request) -> Result<PathBuf, Error> {
    let name = subject.name;
    let path = load::models_folder(request)?.join(&name.schema).join(format!("{}{ENDING}", name.table));
    match local::exists(&path) {
        true => Err(Error::Usage {
            message: format!("`{}` exists: nothing was written", path.display()),
            hint: Some("rename it, generate, and put the two together".to_owned()),
        }),
        false => Ok(path),
    }
}

/// Returns the tables that are read.
fn inputs(subject: &Subject<'_>, tables: &Catalog) -> Result<Catalog, Error> {
    match subject.statement.tables.iter().find(|table| !tables.contains_key(table)) {
        Some(missing) => Err(Error::Usage {
            message: format!("the served snapshot has no table `{missing}`"),
            hint: Some("`tallyhouse run` makes it".to_owned()),
        }),
        None => Ok(build::inputs(subject.statement, tables)),
    }
}

async fn sampled(
    subject: &Subject<'_>,
    inputs: &Catalog,
    own: Option<CatalogTable>,
    engine: &Engine,
    size: Size,
) -> Result<Vec<Sampled>, Error> {
    let failed = |error: datafusion::error::DataFusionError| outcome::engine_failure(subject.name, &error);
    let name = subject.name;
    let is_new = own.is_none();
    let tables: Catalog = inputs.clone().into_iter().chain(own.map(|own| (name.clone(), own))).collect();
    let session = catalog::providers(&tables).and_then(|tables| engine.session(tables)).map_err(failed)?;
    let sizes: BTreeMap<TableName, u64> =
        inputs.iter().map(|(name, table)| (name.clone(), table.table.rows())).collect();
    unit::sample(subject.statement, &sizes, &session, (!is_new).then_some(name), size).await.map_err(failed)
}

/// Returns the test without what it expects.
fn written(
    subject: &Subject<'_>,
    definitions: &Definitions,
    snapshot: &Snapshot,
    sampled: Vec<Sampled>,
) -> WrittenTest {
    let variables = &definitions.parameters.variables;
    let used = subject.statement.parameters.iter().filter_map(|name| Some((name.clone(), text(variables.get(name)?))));
    let rows = |table: Sampled| {
        let columns = table.columns.into_iter().map(|(name, _)| name).collect();
        (table.table, WrittenRows { columns, rows: table.rows })
    };
    WrittenTest {
        name: format!("{} of a few rows", subject.name),
        description: format!("Sampled from snapshot {}.", snapshot.manifest.snapshot),
        run_date: snapshot.manifest.run_date,
        variables: used.collect(),
        given: sampled.into_iter().map(rows).collect(),
        expect: WrittenRows { columns: Vec::new(), rows: Vec::new() },
    }
}

fn text(variable: &Variable) -> String {
    match variable {
        Variable::Boolean(value) => value.to_string(),
        Variable::Integer(value) => value.to_string(),
        Variable::Double(value) => value.to_string(),
        Variable::Date(value) => value.to_string(),
        Variable::Text(value) => value.clone(),
    }
}

/// Runs a test that expects no row, and returns the rows that are there nevertheless.
async fn result(
    test: &WrittenTest,
    subject: &Subject<'_>,
    definitions: &Definitions,
    engine: &Engine,
) -> Result<Option<WrittenRows>, Error> {
    let found = run(test, subject, definitions, engine).await?;
    match found.failures.into_iter().next().map(|failure| failure.found) {
        None => Ok(None),
        Some(Found::Failed(words)) => Err(Error::Data {
            message: format!("`{}` cannot be computed from the sampled rows: {words}", subject.name),
            hint: Some("write the test by hand: docs/testing.md shows how".to_owned()),
        }),
        Some(Found::Rows(diff)) => {
            let surplus = |row: RowDiff| match row {
                RowDiff::Surplus(values) => Some(values),
                _ => None,
            };
            let rows = diff.rows.into_iter().filter_map(surplus).collect();
            Ok(Some(WrittenRows { columns: diff.columns, rows }))
        }
    }
}

/// Runs the complete test, which must pass.
async fn confirm(
    test: &WrittenTest,
    subject: &Subject<'_>,
    definitions: &Definitions,
    engine: &Engine,
) -> Result<(), Error> {
    let found = run(test, subject, definitions, engine).await?;
    match found.failures.first() {
        None => Ok(()),
        Some(_) => Err(Error::Data {
            message: format!("`{}` gives other rows when it is computed again", subject.name),
            hint: Some("its result is not decided by its rows: look for an order that is not total".to_owned()),
        }),
    }
}

async fn run(
    test: &WrittenTest,
    subject: &Subject<'_>,
    definitions: &Definitions,
    engine: &Engine,
) -> Result<TestResult, Error> {
    let file = read(test, subject)?;
    let found = test::prepared(&[file], definitions, engine)?.run(engine).await?;
    found.into_iter().next().ok_or_else(|| Error::Bug { message: "a generated test is none".to_owned() })
}

fn read(test: &WrittenTest, subject: &Subject<'_>) -> Result<TestFile, Error> {
    let name = subject.name;
    let relative = format!("{}/{}{ENDING}", name.schema, name.table);
    let file = Arc::new(Text { path: relative.clone(), body: test.to_string() });
    unit_test::read(&file, Path::new(&relative)).map_err(Error::Definition)
}
