//! Shows diagnostics: for people with the line underlined, for programs as JSON.
//!
//! In: findings of any module. Out: text or JSON values; nothing is printed here, and nothing decided about exit codes.
//!
//! ```text
//! error: unknown key `requird`
//!   --> pipelines/sources/product.yaml:5:34
//!    |
//!  5 |   product_code: { type: string, requird: true }
//!    |                                 ^^^^^^^
//!    |
//!    = help: did you mean `required`?
//! ```

use std::io::IsTerminal;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde_json::{Value, json};

use crate::record::{Diagnostic, Place, Severity, diagnostic::Fix};

/// Returns whether a stream should be coloured: it is a terminal, and `NO_COLOR` is not set to anything.
#[must_use]
pub fn wants_colour(stream: &impl IsTerminal) -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !refused && stream.is_terminal()
}

/// Returns the findings as a person reads them, each followed by a line end, with a blank line between two.
#[must_use]
pub fn render(diagnostics: &[Diagnostic], colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let shown: Vec<String> = diagnostics.iter().map(|finding| one(finding, &renderer) + "\n").collect();
    shown.join("\n")
}

fn one(finding: &Diagnostic, renderer: &Renderer) -> String {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let title = level.primary_title(finding.message.as_str());
    let mut group = Group::with_title(match finding.code {
        Some(code) => title.id(code),
        None => title,
    });
    if let Some(place) = &finding.place {
        group = group.element(snippet(place, finding.words_below()));
    }
    if let Some(hint) = &finding.hint {
        group = group.element(Level::HELP.message(hint.as_str()));
    }
    renderer.render(&[group])
}

/// Returns the file with its path and the underlined span.
fn snippet<'a>(place: &'a Place, label: Option<&'a str>) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let annotation = AnnotationKind::Primary.span(place.range.clone());
    let annotation = match label {
        Some(label) => annotation.label(label),
        None => annotation,
    };
    Snippet::source(place.text.body.as_str()).path(place.text.path.as_str()).annotation(annotation)
}

/// Returns a finding as a program reads it; lines and columns (in characters) are counted from 1, the end is exclusive.
#[must_use]
pub fn to_json(finding: &Diagnostic) -> Value {
    let place = finding.place.as_ref();
    let start = place.map(Place::line_column);
    let end = place.map(|place| end_of(place).line_column());
    json!({
        "code": finding.code,
        "severity": level(finding.severity),
        "message": finding.message,
        "file": place.map(|place| &place.text.path),
        "line": start.map(|(line, _)| line),
        "column": start.map(|(_, column)| column),
        "end_line": end.map(|(line, _)| line),
        "end_column": end.map(|(_, column)| column),
        "start_byte": place.map(|place| place.range.start),
        "end_byte": place.map(|place| place.range.end),
        "label": finding.words_below(),
        "hint": finding.hint,
        "fix": finding.fix.as_deref().map(change),
        "also": finding.also().iter().map(span).collect::<Vec<_>>(),
    })
}

/// Returns a change as a program can make it.
fn change(fix: &Fix) -> Value {
    let mut change = span(&fix.place);
    change["text"] = json!(fix.text);
    change
}

/// Returns where something begins and ends, without its file.
fn span(place: &Place) -> Value {
    let ((line, column), (end_line, end_column)) = (place.line_column(), end_of(place).line_column());
    json!({
        "line": line, "column": column, "end_line": end_line, "end_column": end_column,
        "start_byte": place.range.start, "end_byte": place.range.end,
    })
}

/// Returns a severity as a program reads it.
pub(super) const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

pub(super) fn end_of(place: &Place) -> Place {
    Place { text: std::sync::Arc::clone(&place.text), range: place.range.end..place.range.end }
}

#[cfg(test)]
mod tests;
