//! `tallyhouse run`

use std::process::ExitCode;

use super::{
    arguments::{OutputFormat, RunArguments},
    print,
    progress::Progress,
};
use crate::{Error, engine::Engine, report::Outcome, run};

/// Runs the pipeline and says what it did.
pub(super) async fn run(arguments: &RunArguments, engine: &Engine) -> Result<ExitCode, Error> {
    let progress = Progress::new(arguments.common.output());
    let report = run::nightly(&arguments.request(), engine, &progress).await;
    progress.finish();
    let report = report?;
    match arguments.common.output() {
        OutputFormat::Text => print(&report.to_text()),
        OutputFormat::Json => print(&format!("{}\n", serde_json::json!(report))),
    }
    Ok(match report.outcome {
        Outcome::Stopped { .. } => ExitCode::from(1),
        Outcome::Published { .. } | Outcome::Unchanged { .. } => ExitCode::SUCCESS,
    })
}
