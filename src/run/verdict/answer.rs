//! A whole answer as it is kept.
//!
//! In: what was said of definitions, and the texts over which it was said. Out: bytes, and from bytes the same again. Where a finding
//! could not be told again exactly so, the answer is not kept.

use serde::{Deserialize, Serialize};

use super::{
    super::inherit::Against,
    Verdict,
    finding::{Finding, Texts, diagnostics, findings},
};
use crate::record::Diagnostic;

/// What was said of definitions, or what is wrong with them, and the snapshot against which they were held.
pub(super) struct Answer {
    pub result: Result<Verdict, Vec<Diagnostic>>,
    pub against: Against,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    against: Against,
    result: Result<KeptVerdict, Vec<Finding>>,
}

#[derive(Serialize, Deserialize)]
struct KeptVerdict {
    warnings: Vec<Finding>,
    sources: usize,
    models: usize,
    checks: usize,
    tests: Result<usize, Vec<Finding>>,
}

impl Answer {
    /// Writes the answer; None where it could not be read again.
    pub fn write(&self, texts: Texts<'_>) -> Option<Vec<u8>> {
        let result = match &self.result {
            Err(found) => Err(findings(found, texts)?),
            Ok(verdict) => Ok(KeptVerdict {
                warnings: findings(&verdict.warnings, texts)?,
                sources: verdict.sources,
                models: verdict.models,
                checks: verdict.checks,
                tests: match &verdict.tests {
                    Ok(count) => Ok(*count),
                    Err(found) => Err(findings(found, texts)?),
                },
            }),
        };
        serde_json::to_vec(&Kept { against: self.against.clone(), result }).ok()
    }

    /// Reads an answer that was given over the same texts.
    pub fn read(bytes: &[u8], texts: Texts<'_>) -> Option<Self> {
        let Kept { against, result } = serde_json::from_slice(bytes).ok()?;
        let result = match result {
            Err(found) => Err(diagnostics(&found, texts)?),
            Ok(verdict) => Ok(Verdict {
                warnings: diagnostics(&verdict.warnings, texts)?,
                sources: verdict.sources,
                models: verdict.models,
                checks: verdict.checks,
                tests: match verdict.tests {
                    Ok(count) => Ok(count),
                    Err(found) => Err(diagnostics(&found, texts)?),
                },
            }),
        };
        Some(Self { result, against })
    }
}
