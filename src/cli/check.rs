//! `tallyhouse check`

use std::process::ExitCode;

use super::{
    arguments::{CheckArguments, OutputFormat},
    diagnostics, print,
};
use crate::{
    Error,
    engine::Engine,
    record::Diagnostic,
    run::{self, Request, Selected},
};

/// Checks all definitions.
pub(super) async fn check(arguments: &CheckArguments, engine: &Engine) -> Result<ExitCode, Error> {
    let request = Request { selection: arguments.selection.asked(), ..arguments.common.request(false) };
    if let Some(selected) = run::selected(&request, engine).await? {
        return check_selected(&selected, &request, arguments.common.output, engine).await;
    }
    let definitions = run::definitions(&request, engine).await?;
    run::refuse_over_served(&definitions, &request)?;
    let (sources, models) = (definitions.project.sources.len(), definitions.graph.models.len());
    let checks: usize = definitions.checks.iter().map(|table| table.checks.len()).sum();
    match arguments.common.output {
        OutputFormat::Text => {
            print(&diagnostics::render(&definitions.warnings, diagnostics::wants_colour(&std::io::stdout())));
            print(&format!("{sources} sources, {models} models, {checks} checks: no errors\n"));
        }
        OutputFormat::Json => {
            let findings: Vec<_> = definitions.warnings.iter().map(diagnostics::to_json).collect();
            let value = serde_json::json!({
                "sources": sources, "models": models, "checks": checks, "findings": findings, "exit_code": 0,
            });
            print(&format!("{value}\n"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Checks all definitions and tells what concerns the selected ones.
async fn check_selected(
    selected: &Selected,
    request: &Request,
    output: OutputFormat,
    engine: &Engine,
) -> Result<ExitCode, Error> {
    let checked = match run::definitions(request, engine).await {
        Ok(definitions) => run::refuse_over_served(&definitions, request).map(|()| definitions.warnings),
        Err(error) => Err(error),
    };
    let warnings = match checked {
        Ok(warnings) => warnings,
        Err(Error::Definition(findings)) => {
            let findings: Vec<Diagnostic> = findings.into_iter().filter(|finding| selected.concerns(finding)).collect();
            if !findings.is_empty() {
                return Err(Error::Definition(findings));
            }
            Vec::new()
        }
        Err(other) => return Err(other),
    };
    let warnings: Vec<Diagnostic> = warnings.into_iter().filter(|finding| selected.concerns(finding)).collect();
    let tables = selected.tables.len();
    match output {
        OutputFormat::Text => {
            print(&diagnostics::render(&warnings, diagnostics::wants_colour(&std::io::stdout())));
            print(&format!("{tables} selected: no errors\n"));
        }
        OutputFormat::Json => {
            let findings: Vec<_> = warnings.iter().map(diagnostics::to_json).collect();
            let value = serde_json::json!({ "selected": selected.tables, "findings": findings, "exit_code": 0 });
            print(&format!("{value}\n"));
        }
    }
    Ok(ExitCode::SUCCESS)
}
