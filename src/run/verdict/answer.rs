//! An answer as it is kept: findings whose places name a text by its number.
//!
//! In: what was said of definitions, and the texts over which it was said. Out: bytes, and from bytes the same again. A finding that
//! could not be told again exactly so is not kept, and nor is its answer.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{super::inherit::Against, Verdict, sight::Sight};
use crate::{
    record::{
        Diagnostic, Place,
        diagnostic::{Fix, Severity},
    },
    transform::lint,
};

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

#[derive(Serialize, Deserialize)]
struct Finding {
    code: Option<String>,
    severity: Severity,
    message: String,
    place: Option<At>,
    label: Option<String>,
    hint: Option<String>,
    fix: Option<(At, String)>,
}

/// A range of bytes in a text of that number.
#[derive(Serialize, Deserialize)]
struct At {
    text: usize,
    start: usize,
    end: usize,
}

impl Answer {
    /// Writes the answer; None where it could not be read again.
    pub fn write(&self, sight: &Sight) -> Option<Vec<u8>> {
        let result = match &self.result {
            Err(found) => Err(findings(found, sight)?),
            Ok(verdict) => Ok(KeptVerdict {
                warnings: findings(&verdict.warnings, sight)?,
                sources: verdict.sources,
                models: verdict.models,
                checks: verdict.checks,
                tests: match &verdict.tests {
                    Ok(count) => Ok(*count),
                    Err(found) => Err(findings(found, sight)?),
                },
            }),
        };
        serde_json::to_vec(&Kept { against: self.against.clone(), result }).ok()
    }

    /// Reads an answer that was given over the same texts.
    pub fn read(bytes: &[u8], sight: &Sight) -> Option<Self> {
        let Kept { against, result } = serde_json::from_slice(bytes).ok()?;
        let result = match result {
            Err(found) => Err(diagnostics(found, sight)?),
            Ok(verdict) => Ok(Verdict {
                warnings: diagnostics(verdict.warnings, sight)?,
                sources: verdict.sources,
                models: verdict.models,
                checks: verdict.checks,
                tests: match verdict.tests {
                    Ok(count) => Ok(count),
                    Err(found) => Err(diagnostics(found, sight)?),
                },
            }),
        };
        Some(Self { result, against })
    }
}

fn findings(found: &[Diagnostic], sight: &Sight) -> Option<Vec<Finding>> {
    found.iter().map(|diagnostic| Finding::of(diagnostic, sight)).collect()
}

fn diagnostics(found: Vec<Finding>, sight: &Sight) -> Option<Vec<Diagnostic>> {
    found.into_iter().map(|finding| finding.diagnostic(sight)).collect()
}

impl Finding {
    fn of(diagnostic: &Diagnostic, sight: &Sight) -> Option<Self> {
        let Diagnostic { code, severity, message, place, label, hint, fix } = diagnostic.clone();
        if code.is_some_and(|code| known(code).is_none()) {
            return None;
        }
        Some(Self {
            code: code.map(str::to_owned),
            severity,
            message,
            place: match place {
                Some(place) => Some(At::of(&place, sight)?),
                None => None,
            },
            label: label.map(String::from),
            hint,
            fix: match fix {
                Some(fix) => Some((At::of(&fix.place, sight)?, fix.text)),
                None => None,
            },
        })
    }

    fn diagnostic(self, sight: &Sight) -> Option<Diagnostic> {
        Some(Diagnostic {
            code: match self.code {
                Some(code) => Some(known(&code)?),
                None => None,
            },
            severity: self.severity,
            message: self.message,
            place: match self.place {
                Some(at) => Some(at.place(sight)?),
                None => None,
            },
            label: self.label.map(String::into_boxed_str),
            hint: self.hint,
            fix: match self.fix {
                Some((at, text)) => Some(Box::new(Fix { place: at.place(sight)?, text })),
                None => None,
            },
        })
    }
}

/// Returns a code as the program knows it.
fn known(code: &str) -> Option<&'static str> {
    lint::codes().map(|(known, _)| known).find(|known| *known == code)
}

impl At {
    fn of(place: &Place, sight: &Sight) -> Option<Self> {
        let text = sight.texts.binary_search_by(|text| text.path.cmp(&place.text.path)).ok()?;
        let Place { text: found, range } = place;
        (sight.texts[text].body == found.body).then_some(Self { text, start: range.start, end: range.end })
    }

    fn place(&self, sight: &Sight) -> Option<Place> {
        Some(Place { text: Arc::clone(sight.texts.get(self.text)?), range: self.start..self.end })
    }
}
