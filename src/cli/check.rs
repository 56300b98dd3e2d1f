//! `tallyhouse check`

use std::process::ExitCode;

use super::{
    arguments::{CheckArguments, OutputFormat},
    diagnostics, print, sarif,
};
use crate::{
    Error,
    engine::Engine,
    run::{self, Definitions},
};

/// Checks all definitions.
pub(super) async fn check(arguments: &CheckArguments, engine: &Engine) -> Result<ExitCode, Error> {
    let is_sarif = arguments.common.is_sarif();
    let (definitions, tests) = match checked(arguments, engine).await {
        Err(Error::Definition(findings)) if is_sarif => {
            print(&format!("{}\n", sarif::log(&findings)));
            return Ok(ExitCode::from(Error::Definition(findings).exit_code()));
        }
        other => other?,
    };
    let is_denied = arguments.deny_warnings && !definitions.warnings.is_empty();
    let code = if is_denied { Error::Definition(Vec::new()).exit_code() } else { 0 };
    match arguments.common.output() {
        _ if is_sarif => print(&format!("{}\n", sarif::log(&definitions.warnings))),
        OutputFormat::Text => print(&text(&definitions, tests)),
        OutputFormat::Json => print(&format!("{}\n", json(&definitions, tests, code))),
    }
    Ok(ExitCode::from(code))
}

async fn checked(arguments: &CheckArguments, engine: &Engine) -> Result<(Definitions, usize), Error> {
    let request = arguments.common.request(false);
    let definitions = run::definitions(&request, engine).await?;
    run::refuse_over_served(&definitions, &request)?;
    let tests = run::unit_tests(&definitions, &request, engine).await?.count();
    Ok((definitions, tests))
}

/// Returns how many sources, models and checks there are.
fn counts(definitions: &Definitions) -> (usize, usize, usize) {
    let checks = definitions.checks.iter().map(|table| table.checks.len()).sum();
    (definitions.project.sources.len(), definitions.graph.models.len(), checks)
}

fn text(definitions: &Definitions, tests: usize) -> String {
    let (sources, models, checks) = counts(definitions);
    let shown = diagnostics::render(&definitions.warnings, diagnostics::wants_colour(&std::io::stdout()));
    let outcome = match definitions.warnings.len() {
        0 => "no errors".to_owned(),
        1 => "no errors, 1 warning".to_owned(),
        count => format!("no errors, {count} warnings"),
    };
    let gap = if shown.is_empty() { "" } else { "\n" };
    let tests = if tests == 0 { String::new() } else { format!(", {tests} unit tests") };
    format!("{shown}{gap}{sources} sources, {models} models, {checks} checks{tests}: {outcome}\n")
}

fn json(definitions: &Definitions, tests: usize, exit_code: u8) -> serde_json::Value {
    let (sources, models, checks) = counts(definitions);
    let findings: Vec<_> = definitions.warnings.iter().map(diagnostics::to_json).collect();
    serde_json::json!({
        "sources": sources, "models": models, "checks": checks, "tests": tests, "findings": findings, "exit_code": exit_code,
    })
}
