//! A finding as it is kept: its places name a text by its number.
//!
//! In: diagnostics, and the texts in which they lie. Out: what can be written, and from that the same again. A finding that could not be
//! told again exactly so is not kept.

use std::sync::Arc;

use super::packed::Packed;
use crate::{
    record::{
        Diagnostic, Place, Text,
        diagnostic::{Beside, Fix, Severity},
    },
    transform::lint,
};

/// Texts in order of their paths.
pub(super) type Texts<'a> = &'a [Arc<Text>];

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Finding {
    code: Option<String>,
    severity: Severity,
    message: String,
    place: Option<At>,
    label: Option<String>,
    also: Vec<At>,
    hint: Option<String>,
    fix: Option<(At, String)>,
}

/// A range of bytes in a text of that number.
#[derive(Debug, PartialEq, Eq)]
struct At {
    text: usize,
    start: usize,
    end: usize,
}

/// Returns diagnostics as they are kept; None where one could not be told again.
pub(super) fn findings(found: &[Diagnostic], texts: Texts<'_>) -> Option<Vec<Finding>> {
    found.iter().map(|diagnostic| Finding::of(diagnostic, texts)).collect()
}

/// Returns diagnostics as they were.
pub(super) fn diagnostics(found: &[Finding], texts: Texts<'_>) -> Option<Vec<Diagnostic>> {
    found.iter().map(|finding| finding.diagnostic(texts)).collect()
}

impl Finding {
    fn of(diagnostic: &Diagnostic, texts: Texts<'_>) -> Option<Self> {
        let Diagnostic { code, severity, message, place, beside, hint, fix } = diagnostic.clone();
        let Beside { label, also } = beside.map(|beside| *beside).unwrap_or_default();
        if code.is_some_and(|code| known(code).is_none()) {
            return None;
        }
        Some(Self {
            code: code.map(str::to_owned),
            severity,
            message,
            place: match place {
                Some(place) => Some(At::of(&place, texts)?),
                None => None,
            },
            label,
            also: also.iter().map(|place| At::of(place, texts)).collect::<Option<_>>()?,
            hint,
            fix: match fix {
                Some(fix) => Some((At::of(&fix.place, texts)?, fix.text)),
                None => None,
            },
        })
    }

    fn diagnostic(&self, texts: Texts<'_>) -> Option<Diagnostic> {
        Some(Diagnostic {
            code: match &self.code {
                Some(code) => Some(known(code)?),
                None => None,
            },
            severity: self.severity,
            message: self.message.clone(),
            place: match &self.place {
                Some(at) => Some(at.place(texts)?),
                None => None,
            },
            beside: {
                let also: Vec<Place> = self.also.iter().map(|at| at.place(texts)).collect::<Option<_>>()?;
                let is_plain = self.label.is_none() && also.is_empty();
                (!is_plain).then(|| Box::new(Beside { label: self.label.clone(), also }))
            },
            hint: self.hint.clone(),
            fix: match &self.fix {
                Some((at, text)) => Some(Box::new(Fix { place: at.place(texts)?, text: text.clone() })),
                None => None,
            },
        })
    }
}

impl Packed for Finding {
    fn pack(&self, bytes: &mut Vec<u8>) {
        let Self { code, severity, message, place, label, also, hint, fix } = self;
        code.pack(bytes);
        number(*severity).pack(bytes);
        message.pack(bytes);
        place.pack(bytes);
        label.pack(bytes);
        also.pack(bytes);
        hint.pack(bytes);
        fix.pack(bytes);
    }

    fn unpack(bytes: &mut &[u8]) -> Option<Self> {
        Some(Self {
            code: Option::unpack(bytes)?,
            severity: SEVERITIES.get(usize::from(u8::unpack(bytes)?)).copied()?,
            message: String::unpack(bytes)?,
            place: Option::unpack(bytes)?,
            label: Option::unpack(bytes)?,
            also: Vec::unpack(bytes)?,
            hint: Option::unpack(bytes)?,
            fix: Option::unpack(bytes)?,
        })
    }
}

/// Severities by their number in a record.
const SEVERITIES: [Severity; 3] = [Severity::Note, Severity::Warning, Severity::Error];

const fn number(severity: Severity) -> u8 {
    match severity {
        Severity::Note => 0,
        Severity::Warning => 1,
        Severity::Error => 2,
    }
}

impl Packed for At {
    fn pack(&self, bytes: &mut Vec<u8>) {
        let Self { text, start, end } = self;
        text.pack(bytes);
        start.pack(bytes);
        end.pack(bytes);
    }

    fn unpack(bytes: &mut &[u8]) -> Option<Self> {
        Some(Self { text: usize::unpack(bytes)?, start: usize::unpack(bytes)?, end: usize::unpack(bytes)? })
    }
}

/// Returns a code as the program knows it.
fn known(code: &str) -> Option<&'static str> {
    lint::codes().map(|(known, _)| known).find(|known| *known == code)
}

impl At {
    fn of(place: &Place, texts: Texts<'_>) -> Option<Self> {
        let text = texts.binary_search_by(|text| text.path.cmp(&place.text.path)).ok()?;
        let Place { text: found, range } = place;
        let is_same = Arc::ptr_eq(&texts[text], found) || texts[text].body == found.body;
        is_same.then_some(Self { text, start: range.start, end: range.end })
    }

    fn place(&self, texts: Texts<'_>) -> Option<Place> {
        Some(Place { text: Arc::clone(texts.get(self.text)?), range: self.start..self.end })
    }
}
