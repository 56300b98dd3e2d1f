//! The verdict: all that can be said of a pipeline's definitions without data, which is what `check` answers.
//!
//! ```text
//!  definition files ─► key ─► kept answer? ─────────────────────────► Verdict
//!                       │        no                                     ▲
//!                       └─────► validate ─► served snapshot ─► tests ───┘ and kept under the key
//! ```
//!
//! In: a request, and perhaps a folder in which answers are kept. Out: a [`Verdict`], or what is wrong. A kept answer is the one that
//! would be found out again: its key is a hash of everything that decides it. Deliberately selects nothing and renders nothing.

mod answer;
mod sight;

use std::path::Path;

use super::{
    Definitions, Request,
    inherit::{self, Against},
    test, validate,
};
use crate::{
    Error,
    engine::Engine,
    record::Diagnostic,
    storage::memo::{self, Memo},
};
use answer::Answer;
use sight::Sight;

/// What is said of definitions that have no error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What is worth a word but stops nothing.
    pub warnings: Vec<Diagnostic>,
    /// How many sources there are.
    pub sources: usize,
    /// How many models, views left aside.
    pub models: usize,
    /// How many data checks.
    pub checks: usize,
    /// How many unit tests, or what is wrong with them.
    pub tests: Result<usize, Vec<Diagnostic>>,
}

/// Judges all definitions of a pipeline. With a folder, an answer that was found out before over the same definitions is taken from
/// there, and a new one is kept.
///
/// # Errors
/// Everything that is wrong with the definitions, at once where one mistake does not hide another.
pub async fn verdict(request: &Request, kept: Option<&Path>, engine: &Engine) -> Result<Verdict, Error> {
    // Where the files cannot even be read, finding out why is quick.
    let seen = kept.zip(memo::program()).and_then(|(folder, program)| Some((folder, Sight::of(request, &program)?)));
    let Some((folder, sight)) = seen else { return afresh(request, engine).await.result };
    let memo = Memo::new(&folder.join("check"));
    let known = memo.recall(&sight.key).and_then(|bytes| Answer::read(&bytes, &sight));
    if let Some(known) = known.filter(|known| known.against.is_current(request)) {
        return known.result.map_err(Error::Definition);
    }
    let found = afresh(request, engine).await;
    if let Some(bytes) = found.answer().and_then(|answer| answer.write(&sight)) {
        // A file that was saved meanwhile may have been read before or after.
        if sight.is_still(request) {
            memo.keep(&sight.key, &bytes);
        }
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
}

/// Finds everything out.
async fn afresh(request: &Request, engine: &Engine) -> Found {
    let definitions = match validate::checked(request, engine).await {
        Ok(definitions) => definitions,
        Err(error) => return Found { result: Err(error), against: Some(Against::Nothing) },
    };
    let against = match inherit::refuse_over_served(&definitions, request) {
        Ok(against) => against,
        Err(error) => return Found { result: Err(error), against: None },
    };
    let result = match test::unit_tests(&definitions, request, engine).await {
        Ok(tests) => Ok(judged(definitions, Ok(tests.count()))),
        Err(Error::Definition(findings)) => Ok(judged(definitions, Err(findings))),
        Err(error) => Err(error),
    };
    Found { result, against: Some(against) }
}

fn judged(definitions: Definitions, tests: Result<usize, Vec<Diagnostic>>) -> Verdict {
    Verdict {
        sources: definitions.project.sources.len(),
        models: definitions.graph.models.len(),
        checks: definitions.checks.iter().map(|table| table.checks.len()).sum(),
        warnings: definitions.warnings,
        tests,
    }
}
