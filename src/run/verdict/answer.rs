//! A whole answer as it is kept.
//!
//! In: what was said of definitions, and the texts over which it was said. Out: bytes, and from bytes the same again. Where a finding
//! could not be told again exactly so, the answer is not kept.

use super::{
    super::inherit::Against,
    Verdict,
    finding::{Finding, Texts, diagnostics, findings},
    packed::{packed, unpacked},
};
use crate::record::Diagnostic;

/// What was said of definitions, or what is wrong with them, and the snapshot against which they were held.
pub(super) struct Answer {
    pub result: Result<Verdict, Vec<Diagnostic>>,
    pub against: Against,
}

/// What is kept of a verdict: sources, models, checks, then tests.
type Counts = ((usize, usize), (usize, Result<usize, Vec<Finding>>));

/// An answer as it is kept: against what, as JSON, and what was said.
type Kept = (String, Result<(Vec<Finding>, Counts), Vec<Finding>>);

impl Answer {
    /// Writes the answer; None where it could not be read again.
    pub fn write(&self, texts: Texts<'_>) -> Option<Vec<u8>> {
        let result = match &self.result {
            Err(found) => Err(findings(found, texts)?),
            Ok(Verdict { warnings, sources, models, checks, tests: unit_tests }) => {
                let unit_tests = match unit_tests {
                    Ok(count) => Ok(*count),
                    Err(found) => Err(findings(found, texts)?),
                };
                Ok((findings(warnings, texts)?, ((*sources, *models), (*checks, unit_tests))))
            }
        };
        let kept: Kept = (serde_json::to_string(&self.against).ok()?, result);
        Some(packed(&kept))
    }

    /// Reads an answer that was given over the same texts.
    pub fn read(bytes: &[u8], texts: Texts<'_>) -> Option<Self> {
        let (against, result): Kept = unpacked(bytes)?;
        let result = match result {
            Err(found) => Err(diagnostics(&found, texts)?),
            Ok((warnings, ((sources, models), (checks, unit_tests)))) => {
                let unit_tests = match unit_tests {
                    Ok(count) => Ok(count),
                    Err(found) => Err(diagnostics(&found, texts)?),
                };
                Ok(Verdict { warnings: diagnostics(&warnings, texts)?, sources, models, checks, tests: unit_tests })
            }
        };
        Some(Self { result, against: serde_json::from_str(&against).ok()? })
    }
}
