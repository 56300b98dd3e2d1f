//! `tallyhouse check`

use std::process::ExitCode;

use super::{
    arguments::{CheckArguments, OutputFormat},
    diagnostics, print,
};
use crate::{Error, engine::Engine, run};

/// Checks all definitions.
pub(super) async fn check(arguments: &CheckArguments, engine: &Engine) -> Result<ExitCode, Error> {
    let request = arguments.common.request(false);
    let definitions = run::definitions(&request, engine).await?;
    run::refuse_over_served(&definitions, &request)?;
    let tests = run::unit_tests(&definitions, &request, engine).await?.count();
    let (sources, models) = (definitions.project.sources.len(), definitions.graph.models.len());
    let checks: usize = definitions.checks.iter().map(|table| table.checks.len()).sum();
    match arguments.common.output {
        OutputFormat::Text => {
            print(&diagnostics::render(&definitions.warnings, diagnostics::wants_colour(&std::io::stdout())));
            let tests = if tests == 0 { String::new() } else { format!(", {tests} unit tests") };
            print(&format!("{sources} sources, {models} models, {checks} checks{tests}: no errors\n"));
        }
        OutputFormat::Json => {
            let findings: Vec<_> = definitions.warnings.iter().map(diagnostics::to_json).collect();
            let value = serde_json::json!({
                "sources": sources, "models": models, "checks": checks, "tests": tests, "findings": findings, "exit_code": 0,
            });
            print(&format!("{value}\n"));
        }
    }
    Ok(ExitCode::SUCCESS)
}
