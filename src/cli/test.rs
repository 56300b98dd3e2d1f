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
    /// Models and functions, such as core.sales or functions.margin, tests, such as "core.sales:a return is negative", or selectors,
    /// such as core.sales+, functions or tag:finance; all without one
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
    /// Returns what is asked for, and what is left out.
    fn asked(&self) -> (Words, Words) {
        let Selection { select, exclude } = self.tables.asked();
        let (full, others): (Vec<String>, _) =
            self.selection.iter().cloned().partition(|word| Selection::is_full_name(word));
        let mut wanted = Words::of(others.into_iter().chain(select));
        wanted.names.extend(full);
        (wanted, Words::of(exclude))
    }
}

/// Words that choose among tests.
struct Words {
    /// Those that name tests, or models and functions of which there must be some.
    names: Vec<String>,
    /// Those that select tables.
    selectors: Vec<String>,
}

impl Words {
    fn of(words: impl IntoIterator<Item = String>) -> Self {
        let is_test = |word: &String| word.contains([':', ' ']) && !Selection::is_selector(word);
        let (names, selectors) = words.into_iter().partition(is_test);
        Self { names, selectors }
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

/// Keeps the tests that are named or whose models and functions are selected, and not excluded.
async fn asked_for(
    mut tests: UnitTests,
    arguments: &TestArguments,
    request: &Request,
    engine: &Engine,
) -> Result<UnitTests, Error> {
    let (wanted, unwanted) = arguments.asked();
    let functions = tests.functions();
    let selected = async |select: Vec<String>| -> Result<BTreeSet<TableName>, Error> {
        let request = Request { selection: Selection { select, exclude: Vec::new() }, ..request.clone() };
        let selected = match request.selection.is_everything() {
            true => None,
            false => run::selected_among(&functions, &request, engine).await?,
        };
        Ok(selected.map(|selected| selected.tables).unwrap_or_default())
    };
    if !wanted.names.is_empty() || !wanted.selectors.is_empty() {
        tests = tests.only(&wanted.names, &selected(wanted.selectors).await?)?;
    }
    if !unwanted.names.is_empty() || !unwanted.selectors.is_empty() {
        tests = tests.without(&unwanted.names, &selected(unwanted.selectors).await?)?;
    }
    Ok(tests)
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
