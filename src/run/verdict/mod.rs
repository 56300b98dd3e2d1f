//! The verdict: all that can be said of a pipeline's definitions without data, which is what `check` answers.
//!
//! ```text
//!  definition files ─► key ─► kept answer? ──────────────────────────────────────────────────► Verdict
//!                       │        no                                                              ▲
//!                       └─────► models, each known or planned ─► checks, reports ─► tests ───────┘ and kept under the key
//!                                  ▲        │ what was found out of each
//!                                  └ ledger ◄
//! ```
//!
//! In: a request, and perhaps a folder in which answers are kept. Out: a [`Verdict`], or what is wrong. A kept answer is the one that
//! would be found out again: its key is a hash of everything that decides it, be it the whole answer or what is said of one model.
//! Without a folder everything is found out in the same way. Deliberately selects nothing and renders nothing.

mod answer;
mod beside;
mod finding;
mod kept;
mod ledger;
mod models;
mod packed;
mod sight;

use std::path::Path;

use super::{
    Request,
    inherit::{self, Against},
    load, outcome,
    prepare::Prepared,
};
use crate::{
    Error,
    engine::{Engine, parameters::said_unknown},
    record::{Diagnostic, Severity},
    storage::memo::{self, Memo},
    transform::{self, Graph},
};
use answer::Answer;
use ledger::Ledger;
use models::{Models, Outlines};
use sight::Sight;

/// What is said of definitions that have no error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What is worth a word but stops nothing.
    pub warnings: Vec<Diagnostic>,
    /// How many sources there are.
    pub sources: usize,
    /// How many models, views among them.
    pub models: usize,
    /// How many data checks.
    pub checks: usize,
    /// How many unit tests, or what is wrong with them.
    pub tests: Result<usize, Vec<Diagnostic>>,
}

/// Judges all definitions of a pipeline. With a folder, what was found out before over the same definitions is taken from there, and
/// what is new is kept.
///
/// # Errors
/// Everything that is wrong with the definitions, at once where one mistake does not hide another.
pub async fn verdict(request: &Request, kept: Option<&Path>, engine: &Engine) -> Result<Verdict, Error> {
    let program = memo::program();
    let kept = kept.filter(|_| program.is_some());
    let (sight, files) = Sight::of(request, &program.unwrap_or_else(|| blake3::hash(&[])))?;
    // An address may ask for more of the environment than it names.
    let is_plain = load::warehouse_address(&files.pipeline.pipeline).is_ok();
    let memo = kept.filter(|_| is_plain).map(|folder| Memo::new(&folder.join("check")));
    let known = memo.as_ref().and_then(|memo| Answer::read(&memo.recall(&sight.key)?, &sight.texts));
    if let Some(known) = known.filter(|known| known.against.is_current(request)) {
        return known.result.map_err(Error::Definition);
    }
    let mut ledger = Ledger::open(kept, &sight.whose);
    let found = afresh(&sight, files, request, &mut ledger, engine).await;
    ledger.keep();
    let answer = || found.answer()?.write(&sight.texts);
    if let Some((memo, bytes)) = memo.and_then(|memo| Some((memo, answer()?))) {
        memo.keep(&sight.key, &bytes);
    }
    found.result
}

/// What was found out, and against which snapshot that holds; None where it holds for nothing else.
struct Found {
    result: Result<Verdict, Error>,
    against: Option<Against>,
}

impl Found {
    /// Returns what can be kept of it.
    fn answer(&self) -> Option<Answer> {
        let result = match &self.result {
            Ok(verdict) => Ok(verdict.clone()),
            Err(Error::Definition(findings)) => Err(findings.clone()),
            Err(_) => return None,
        };
        Some(Answer { result, against: self.against.clone()? })
    }

    /// Returns what is wrong, whatever snapshot is served.
    const fn wrong(error: Error) -> Self {
        Self { result: Err(error), against: Some(Against::Nothing) }
    }
}

/// Finds everything out but what the ledger knows.
async fn afresh(sight: &Sight, files: load::Files, request: &Request, ledger: &mut Ledger, engine: &Engine) -> Found {
    let outlines = Outlines::recall(sight, &files, ledger, engine.settings().threads);
    let (project, found) = files.assembled(&|text, relative| outlines.model(text, relative), request);
    let warnings = found.iter().filter(|finding| finding.severity == Severity::Warning).cloned().collect();
    let (prepared, findings) = match Prepared::of(project, found, request) {
        Ok(prepared) => prepared,
        Err(error) => return Found::wrong(error),
    };
    match Box::pin(judged(sight, &outlines, &prepared, (warnings, findings), request, ledger, engine)).await {
        Ok(found) => found,
        Err(error) => Found::wrong(error),
    }
}

/// Judges a project as far as it could be read; `warnings` are those about its files, `findings` all that is known to be said of it.
async fn judged(
    sight: &Sight,
    outlines: &Outlines<'_>,
    prepared: &Prepared,
    (warnings, mut findings): (Vec<Diagnostic>, Vec<Diagnostic>),
    request: &Request,
    ledger: &mut Ledger,
    engine: &Engine,
) -> Result<Found, Error> {
    let project = &prepared.project;
    load::warehouse_address(&project.pipeline)?;
    let staged = prepared.staged();
    let wrong_functions = transform::functions::define(&project.functions, &project.wrong.functions, engine)
        .map_err(|error| outcome::bug(&error))?;
    let mut models = Models::new(outlines, prepared, &warnings, &staged, ledger, engine)?;
    models.judge(ledger).await?;
    let planned: Vec<Diagnostic> = wrong_functions.into_iter().chain(models.findings.drain(..)).collect();
    findings.extend(planned);
    let has_failed = findings.iter().any(Diagnostic::is_error);
    findings.extend(models.warnings());
    let (checks, found) = models.checks(has_failed, sight, ledger, engine).await?;
    findings.extend(found);
    findings.extend(models.reports(sight, ledger, engine).await?);
    // What nobody names may be what somebody has misspelt.
    if !findings.iter().any(|finding| said_unknown(&finding.message).is_some()) {
        findings.extend(models.unused_variables());
    }
    let (warnings, findings): (Vec<Diagnostic>, Vec<Diagnostic>) =
        findings.into_iter().partition(|finding| finding.severity == Severity::Warning);
    if !findings.is_empty() {
        let unit_tests = models.tests(sight, ledger, engine).await?.err();
        return Err(Error::Definition(
            findings.into_iter().chain(unit_tests.into_iter().flatten()).chain(warnings).collect(),
        ));
    }
    let compared = Graph { models: std::mem::take(&mut models.compared), views: Vec::new() };
    let against = match inherit::refuse_over_served(&compared, &project.pipeline, request) {
        Ok(against) => against,
        Err(error) => return Ok(Found { result: Err(error), against: None }),
    };
    let result = models.tests(sight, ledger, engine).await.map(|tests| Verdict {
        warnings,
        sources: project.sources.len(),
        models: models.right(|_| true).len(),
        checks,
        tests,
    });
    Ok(Found { result, against: Some(against) })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
