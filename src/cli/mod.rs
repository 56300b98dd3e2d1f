//! The only mouth: arguments, terminal, environment and exit codes. One file per verb; everything below returns values.

mod arguments;
mod check;
pub mod diagnostics;
mod diff;
mod explain;
mod extract;
mod functions;
mod identity;
mod infer;
mod lineage;
mod plan;
mod progress;
mod query;
mod rejects;
mod report;
mod rows;
mod run;
mod sarif;
mod schema;
mod selection;
mod snapshots;
mod table;
mod tables;
mod test;
mod why;

use std::{io::Write, process::ExitCode};

use clap::{CommandFactory, Parser};
use tracing_subscriber::EnvFilter;

use crate::{
    Error,
    engine::{Engine, Settings},
};
use arguments::{Arguments, OutputFormat, Verb};

/// Runs the command line: arguments in, exit code out.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are no errors; clap knows which stream and code each wants.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let output = arguments.verb.output();
    log_to_standard_error(output);
    match carry_out(arguments) {
        Ok(code) => code,
        Err(error) => {
            tell(&error, output);
            ExitCode::from(error.exit_code())
        }
    }
}

/// Shows what the stages log, warnings by default: plain lines, or JSON lines beside JSON output.
fn log_to_standard_error(output: OutputFormat) {
    let filter = EnvFilter::try_from_env("TALLYHOUSE_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    let colour = diagnostics::wants_colour(&std::io::stderr());
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colour);
    match output {
        OutputFormat::Text => log.without_time().with_target(false).init(),
        OutputFormat::Json => log.json().init(),
    }
}

fn carry_out(arguments: Arguments) -> Result<ExitCode, Error> {
    match arguments.verb {
        Verb::Schema(arguments) => schema::schema(&arguments),
        Verb::Extract(arguments) => extract::extract(&arguments),
        Verb::Completions { shell } => {
            clap_complete::generate(shell, &mut Arguments::command(), "tallyhouse", &mut std::io::stdout());
            Ok(ExitCode::SUCCESS)
        }
        verb => match verb.settings() {
            Some(settings) => runtime(&settings)?.block_on(with_engine(verb, &settings)),
            None => Ok(ExitCode::SUCCESS),
        },
    }
}

async fn with_engine(verb: Verb, settings: &Settings) -> Result<ExitCode, Error> {
    if verb.is_sarif() && !matches!(verb, Verb::Check(_)) {
        return Err(Error::Usage {
            message: "only `check` prints SARIF".to_owned(),
            hint: Some("use `--output json`".to_owned()),
        });
    }
    let engine = engine(settings)?;
    match verb {
        Verb::Run(arguments) => run::run(&arguments, &engine).await,
        Verb::Check(arguments) => Box::pin(check::check(&arguments, &engine)).await,
        Verb::Infer(arguments) => infer::infer(&arguments).await,
        Verb::Functions(arguments) => functions::functions(&arguments, &engine),
        Verb::Tables(arguments) => tables::tables(&arguments, &engine).await,
        Verb::Test(arguments) => test::test(&arguments, &engine).await,
        Verb::Identity(arguments) => Box::pin(identity::identity(&arguments, &engine)).await,
        Verb::Plan(arguments) => plan::plan(&arguments, &engine).await,
        Verb::Why(arguments) => why::why(&arguments, &engine).await,
        Verb::Lineage(arguments) => lineage::lineage(&arguments, &engine).await,
        Verb::Diff(arguments) => Box::pin(diff::diff(&arguments, &engine)).await,
        Verb::Explain(arguments) => Box::pin(explain::explain(&arguments, &engine)).await,
        Verb::Show(arguments) => Box::pin(query::show(&arguments, &engine)).await,
        Verb::Query(arguments) => query::query(&arguments, &engine).await,
        Verb::Rejects(arguments) => rejects::rejects(&arguments, &engine).await,
        Verb::Report(arguments) => Box::pin(report::report(&arguments, &engine)).await,
        Verb::Snapshots(arguments) => snapshots::snapshots(&arguments, &engine).await,
        Verb::Schema(_) | Verb::Completions { .. } | Verb::Extract(_) => Ok(ExitCode::SUCCESS),
    }
}

fn runtime(settings: &Settings) -> Result<tokio::runtime::Runtime, Error> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(settings.threads.max(1))
        // Planning nests as deeply as the SQL does.
        .thread_stack_size(16 << 20)
        .enable_all()
        .build()
        .map_err(|error| Error::Environment { message: format!("cannot start threads: {error}"), hint: None })
}

fn engine(settings: &Settings) -> Result<Engine, Error> {
    Engine::new(settings.clone()).map_err(|error| Error::Environment { message: error.strip_backtrace(), hint: None })
}

/// Says what went wrong: for people on standard error, for programs as one JSON object on standard output.
fn tell(error: &Error, output: OutputFormat) {
    if output == OutputFormat::Json {
        print(&format!("{}\n", error_json(error)));
        return;
    }
    let colour = diagnostics::wants_colour(&std::io::stderr());
    let text = match error {
        Error::Definition(findings) => diagnostics::render(findings, colour),
        other => {
            let hint = other.hint().map(|hint| format!("  hint: {hint}\n")).unwrap_or_default();
            let report = if other.exit_code() == 70 { "  this is a bug in tallyhouse: please report it\n" } else { "" };
            format!("error: {other}\n{hint}{report}")
        }
    };
    note(&text);
}

fn error_json(error: &Error) -> serde_json::Value {
    let findings: Vec<serde_json::Value> = match error {
        Error::Definition(findings) => findings.iter().map(diagnostics::to_json).collect(),
        _ => Vec::new(),
    };
    serde_json::json!({
        "error": error.to_string(),
        "hint": error.hint(),
        "exit_code": error.exit_code(),
        "findings": findings,
    })
}

/// Says something beside the output.
fn note(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Prints to standard output; a reader that went away is no error.
fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}
