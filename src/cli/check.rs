//! `tallyhouse check`

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    arguments::{CheckArguments, OutputFormat},
    diagnostics, print, sarif,
};
use crate::{
    Error,
    engine::Engine,
    record::{Diagnostic, Severity},
    run::{self, Look, Request, Selected, Verdict},
};

/// How often definition files are looked at.
const GLANCE: Duration = Duration::from_millis(150);
/// Files that are named after a save.
const MOST_NAMED: usize = 5;

/// Checks all definitions: once, or whenever one of them is saved.
pub(super) async fn check(arguments: &CheckArguments, engine: &Engine) -> Result<ExitCode, Error> {
    if arguments.watch { Box::pin(watch(arguments)).await } else { Box::pin(check_once(arguments, engine)).await }
}

/// Checks after every change, each time with an engine that knows nothing of the definitions before.
async fn watch(arguments: &CheckArguments) -> Result<ExitCode, Error> {
    let request = arguments.common.request(false);
    let mut seen = Look::at(&request);
    loop {
        let engine = super::engine(&arguments.common.settings())?;
        if let Err(error) = Box::pin(check_once(arguments, &engine)).await {
            super::tell(&error, arguments.common.output());
        }
        let changed = loop {
            tokio::time::sleep(GLANCE).await;
            let now = Look::at(&request);
            let changed = now.changed_since(&seen);
            seen = now;
            if !changed.is_empty() {
                break changed;
            }
        };
        if arguments.common.output() == OutputFormat::Text {
            print(&format!("\n── saved: {}\n", named(&changed)));
        }
    }
}

/// Names what was saved; with a wrong pipeline file no other one is looked at, and all of them seem changed.
fn named(files: &[PathBuf]) -> String {
    let names = files.iter().take(MOST_NAMED).map(|path| path.display().to_string());
    let more = files.len().saturating_sub(MOST_NAMED);
    names.chain((more > 0).then(|| format!("{more} more"))).collect::<Vec<String>>().join(", ")
}

async fn check_once(arguments: &CheckArguments, engine: &Engine) -> Result<ExitCode, Error> {
    let request = Request { selection: arguments.selection.asked(), ..arguments.common.request(false) };
    let is_sarif = arguments.common.is_sarif();
    let kept = arguments.kept();
    let checked = match checked(&request, kept.as_deref(), engine).await {
        Err(Error::Definition(findings)) if is_sarif => {
            print(&format!("{}\n", sarif::log(&findings)));
            return Ok(ExitCode::from(Error::Definition(findings).exit_code()));
        }
        other => other?,
    };
    let is_denied = arguments.deny_warnings && !checked.warnings.is_empty();
    let code = if is_denied { Error::Definition(Vec::new()).exit_code() } else { 0 };
    match arguments.common.output() {
        _ if is_sarif => print(&format!("{}\n", sarif::log(&checked.warnings))),
        OutputFormat::Text => print(&checked.text()),
        OutputFormat::Json => print(&format!("{}\n", checked.json(code))),
    }
    Ok(ExitCode::from(code))
}

/// Definitions without an error.
struct Checked {
    warnings: Vec<Diagnostic>,
    looked_at: LookedAt,
}

/// What the answer is about.
enum LookedAt {
    Everything { sources: usize, models: usize, checks: usize, tests: usize },
    Selected(Selected),
}

async fn checked(request: &Request, kept: Option<&Path>, engine: &Engine) -> Result<Checked, Error> {
    if let Some(selected) = run::selected(request, engine).await? {
        return checked_of(selected, request, kept, engine).await;
    }
    let Verdict { warnings, sources, models, checks, tests } = run::verdict(request, kept, engine).await?;
    let tests = match tests {
        Ok(tests) => tests,
        Err(found) => return Err(Error::Definition(found.into_iter().chain(warnings).collect())),
    };
    Ok(Checked { warnings, looked_at: LookedAt::Everything { sources, models, checks, tests } })
}

/// Checks all definitions and keeps what concerns the selected ones.
async fn checked_of(
    selected: Selected,
    request: &Request,
    kept: Option<&Path>,
    engine: &Engine,
) -> Result<Checked, Error> {
    let concerning = |findings: Vec<Diagnostic>| -> Vec<Diagnostic> {
        findings.into_iter().filter(|finding| selected.concerns(finding)).collect()
    };
    let warnings = match run::verdict(request, kept, engine).await {
        Ok(verdict) => concerning(verdict.warnings),
        Err(Error::Definition(findings)) => match concerning(findings) {
            findings if findings.iter().any(Diagnostic::is_error) => return Err(Error::Definition(findings)),
            findings => findings.into_iter().filter(|finding| finding.severity == Severity::Warning).collect(),
        },
        Err(other) => return Err(other),
    };
    Ok(Checked { warnings, looked_at: LookedAt::Selected(selected) })
}

impl Checked {
    fn text(&self) -> String {
        let shown = diagnostics::render(&self.warnings, diagnostics::wants_colour(&std::io::stdout()));
        let outcome = match self.warnings.len() {
            0 => "no errors".to_owned(),
            1 => "no errors, 1 warning".to_owned(),
            count => format!("no errors, {count} warnings"),
        };
        let gap = if shown.is_empty() { "" } else { "\n" };
        let what = match &self.looked_at {
            LookedAt::Selected(selected) => format!("{} selected", selected.tables.len()),
            LookedAt::Everything { sources, models, checks, tests } => {
                let tests = if *tests == 0 { String::new() } else { format!(", {tests} unit tests") };
                format!("{sources} sources, {models} models, {checks} checks{tests}")
            }
        };
        format!("{shown}{gap}{what}: {outcome}\n")
    }

    fn json(&self, exit_code: u8) -> Value {
        let findings: Vec<_> = self.warnings.iter().map(diagnostics::to_json).collect();
        match &self.looked_at {
            LookedAt::Selected(selected) => {
                json!({ "selected": selected.tables, "findings": findings, "exit_code": exit_code })
            }
            LookedAt::Everything { sources, models, checks, tests } => json!({
                "sources": sources, "models": models, "checks": checks, "tests": tests, "findings": findings,
                "exit_code": exit_code,
            }),
        }
    }
}
