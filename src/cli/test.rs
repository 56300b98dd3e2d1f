//! `tallyhouse test`

use std::{collections::BTreeSet, path::PathBuf, process::ExitCode, time::Instant};

use clap::Args;

use super::{
    arguments::{Common, OutputFormat},
    print,
    selection::SelectionArguments,
};
use crate::{
    Error,
    define::select::Selection,
    engine::Engine,
    record::{TableName, TestResult},
    report::unit,
    run::{self, Generated, Request, UnitTests},
};

/// `test`
#[derive(Debug, Args)]
pub(super) struct TestArguments {
    /// Models, such as core.sales, tests, such as "core.sales:a return is negative", or selectors, such as core.sales+ or
    /// tag:finance; all without one
    pub selection: Vec<String>,
    #[command(flatten)]
    pub common: Common,
    /// Write a first test of this model from a few rows of the served snapshot, personal data masked
    #[arg(long, value_name = "MODEL", conflicts_with_all = ["selection", "junit"])]
    pub generate: Option<String>,
    /// Write the results as XML in the form of `JUnit` to this file too
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    #[command(flatten)]
    tables: SelectionArguments,
}

impl TestArguments {
    /// Returns the words that name models and tests, and those that select tables: `core` alone is no full name, and selects a schema.
    fn asked(&self) -> (Vec<String>, Vec<String>) {
        let is_of_test = |word: &str| word.contains([':', ' ']) || word == run::FUNCTIONS;
        let is_name =
            |word: &&String| Selection::is_full_name(word) || is_of_test(word) && !Selection::is_selector(word);
        let (names, selectors): (Vec<&String>, Vec<&String>) = self.selection.iter().partition(is_name);
        (names.into_iter().cloned().collect(), selectors.into_iter().cloned().collect())
    }
}

/// Runs unit tests.
pub(super) async fn test(arguments: &TestArguments, engine: &Engine) -> Result<ExitCode, Error> {
    let request = arguments.common.request(false);
    let definitions = run::definitions(&request, engine).await?;
    if let Some(model) = &arguments.generate {
        let generated = Box::pin(run::generate_test(model, &definitions, &request, engine)).await?;
        return tell_generated(&generated, arguments.common.output());
    }
    let tests = asked_for(run::unit_tests(&definitions, &request, engine).await?, arguments, &request, engine).await?;
    if tests.count() == 0 {
        return Err(Error::Usage {
            message: "there is no unit test".to_owned(),
            hint: Some("write one beside a model: `sql/core/sales.test.yaml` for `sql/core/sales.sql`".to_owned()),
        });
    }
    let started = Instant::now();
    let results = tests.run(engine).await?;
    show(&results, started.elapsed().as_secs_f64(), arguments)?;
    Ok(ExitCode::from(u8::from(results.iter().any(|result| !result.is_passed()))))
}

/// Keeps the tests that are named or whose models are selected, and not excluded.
async fn asked_for(
    tests: UnitTests,
    arguments: &TestArguments,
    request: &Request,
    engine: &Engine,
) -> Result<UnitTests, Error> {
    let (names, selectors) = arguments.asked();
    let Selection { select, exclude } = arguments.tables.asked_with(&selectors);
    let selected = async |select: Vec<String>, exclude: Vec<String>| -> Result<Option<BTreeSet<TableName>>, Error> {
        let request = Request { selection: Selection { select, exclude }, ..request.clone() };
        Ok(run::selected(&request, engine).await?.map(|selected| selected.tables))
    };
    if names.is_empty() && !select.is_empty() {
        return tests.select(&[], selected(select, exclude).await?.as_ref());
    }
    let joined = selected(select, Vec::new()).await?;
    let tests = match names.is_empty() {
        true => tests,
        false => tests.select(&names, Some(&joined.unwrap_or_default()))?,
    };
    // No selector names a function, so none takes one away.
    let functions: BTreeSet<TableName> = tests.functions().cloned().collect();
    let left = selected(Vec::new(), exclude).await?.map(|tables| &tables | &functions);
    tests.select(&[], left.as_ref())
}

fn tell_generated(generated: &Generated, output: OutputFormat) -> Result<ExitCode, Error> {
    run::write_output(&generated.path, generated.text.as_bytes(), false)?;
    match output {
        OutputFormat::Text => print(&format!(
            "wrote `{}`: {} rows of {} tables give {} rows\nread it before you keep it: it says what the model does, not \
             what it should do\n",
            generated.path.display(),
            generated.given_rows,
            generated.tables,
            generated.expected_rows
        )),
        OutputFormat::Json => print(&format!(
            "{}\n",
            serde_json::json!({
                "file": generated.path, "tables": generated.tables, "given_rows": generated.given_rows,
                "expected_rows": generated.expected_rows, "exit_code": 0,
            })
        )),
    }
    Ok(ExitCode::SUCCESS)
}

fn show(results: &[TestResult], seconds: f64, arguments: &TestArguments) -> Result<(), Error> {
    if let Some(path) = &arguments.junit {
        run::write_output(path, unit::junit(results).as_bytes(), false)?;
    }
    match arguments.common.output() {
        OutputFormat::Text => print(&unit::text(results, seconds)),
        OutputFormat::Json => print(&format!("{}\n", unit::json(results, seconds))),
    }
    Ok(())
}
