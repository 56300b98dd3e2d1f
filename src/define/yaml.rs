//! YAML → structs as written, and what the parser says about a mistake → a diagnostic with its place.
//!
//! In: a text. Out: the struct, or one finding: a parser cannot go on after its first. Deliberately knows no key.

use std::ops::Range;

use serde::de::DeserializeOwned;
use serde_saphyr::{Error, Location};

use super::{
    findings::{Findings, suggestion},
    spans::bytes,
};
use crate::record::Diagnostic;

/// Parses the text under examination; a mistake goes to the findings.
pub fn parse<T: DeserializeOwned>(findings: &mut Findings) -> Option<T> {
    if is_blank(findings.body()) {
        let place = findings.place(&(0..0));
        findings.push(Diagnostic::error("the file is empty", place));
        return None;
    }
    let options = serde_saphyr::options! { with_snippet: false };
    match serde_saphyr::from_str_with_options(findings.body(), options) {
        Ok(value) => Some(value),
        Err(error) => {
            let range = range(error.location(), findings.body());
            let (message, hint) = explain(error.without_snippet(), &findings.body()[range.clone()]);
            let hint =
                hint.or_else(|| goes_on(&error, findings.body()).then(|| "is a bracket never closed?".to_owned()));
            let finding = Diagnostic::error(message, findings.place(&range));
            findings.push(match hint {
                Some(hint) => finding.hint(hint),
                None => finding,
            });
            None
        }
    }
}

/// Returns whether a text holds nothing but blanks and comments.
pub fn is_blank(body: &str) -> bool {
    let mut lines = body.trim_start_matches('\u{feff}').lines().map(str::trim);
    lines.all(|line| line.is_empty() || line.starts_with('#'))
}

/// Returns the bytes that an error is about, on one line; syntax errors know a line and a column only.
fn range(location: Option<Location>, body: &str) -> Range<usize> {
    let Some(location) = location.filter(|location| location.line() > 0) else { return 0..0 };
    let range = bytes(location).unwrap_or_else(|| character_at(location, body));
    let clipped = range.start.min(body.len())..range.end.min(body.len());
    match body.get(clipped.clone()) {
        Some(raw) => clipped.start..clipped.start + raw.lines().next().map_or(0, |line| line.trim_end().len()),
        None => 0..0,
    }
}

/// Returns whether the value in question goes on in the next line, as after a missing bracket.
fn goes_on(error: &Error, body: &str) -> bool {
    let range = error.location().and_then(bytes).unwrap_or_default();
    matches!(error, Error::InvalidScalar { .. }) && body.get(range).is_some_and(|raw| raw.contains('\n'))
}

/// Returns the bytes of the character at a location, empty at the end of a line.
fn character_at(location: Location, body: &str) -> Range<usize> {
    let skipped = usize::try_from(location.line()).map_or(0, |line| line.saturating_sub(1));
    let start: usize = body.split_inclusive('\n').take(skipped).map(str::len).sum();
    let line = body[start..].split('\n').next().unwrap_or_default();
    let mark = usize::from(skipped == 0 && line.starts_with('\u{feff}'));
    let column = usize::try_from(location.column()).map_or(0, |column| column.saturating_sub(1) + mark);
    match line.char_indices().nth(column) {
        Some((at, character)) => start + at..start + at + character.len_utf8(),
        None => start + line.len()..start + line.len(),
    }
}

/// Returns the message and the hint of a parser's error about `raw`.
fn explain(error: &Error, raw: &str) -> (String, Option<String>) {
    match error {
        Error::SerdeUnknownField { field, expected, .. } => {
            (format!("unknown key `{field}`"), Some(suggestion(field, expected.iter().copied())))
        }
        Error::SerdeUnknownVariant { variant, expected, .. } => {
            (format!("unknown value `{variant}`"), Some(suggestion(variant, expected.iter().copied())))
        }
        Error::SerdeMissingField { field, .. } => (format!("`{field}` is missing"), None),
        Error::DuplicateMappingKey { key, .. } => {
            (format!("key `{}` occurs twice", key.as_deref().unwrap_or(raw)), Some("keep one of the two".to_owned()))
        }
        Error::Unexpected { expected, .. } => (format!("expected {}", wanted(expected)), shape_hint(expected)),
        Error::InvalidScalar { ty, .. } => (format!("`{raw}` is not {}", wanted(ty)), None),
        Error::SerdeInvalidType { unexpected, expected, .. } => {
            (format!("expected {expected}, found {unexpected}"), quoting_hint(unexpected))
        }
        Error::NullIntoString { .. } => nothing(raw),
        Error::Eof { .. } => ("the text ends too early".to_owned(), None),
        Error::MultipleDocuments { .. } => {
            ("more than one YAML document".to_owned(), Some("keep one and remove the line `---`".to_owned()))
        }
        Error::UnknownAnchor { .. } => (
            "invalid YAML: the alias names no anchor".to_owned(),
            Some("put a text that begins with `*` in quotes".to_owned()),
        ),
        other => syntax(other),
    }
}

/// Returns the message about a text that is NULL to YAML.
fn nothing(raw: &str) -> (String, Option<String>) {
    if raw.trim().is_empty() || raw == ":" {
        return ("a value is missing".to_owned(), Some("write one, or remove the key".to_owned()));
    }
    (format!("`{raw}` is no text but nothing to YAML"), Some("put it in quotes".to_owned()))
}

/// Returns the words for what the parser calls by its own names.
fn wanted(expected: &str) -> &str {
    match expected {
        "string scalar" => "a text",
        "mapping start" => "a map of keys and values",
        "sequence start" => "a list",
        "boolean" => "`true` or `false`",
        "floating point" => "a number",
        "u64" | "u32" | "usize" => "a whole number from 0",
        "i64" | "i32" => "a whole number",
        other => other,
    }
}

fn shape_hint(expected: &str) -> Option<String> {
    let example = match expected {
        "sequence start" => "write `[…]` around it",
        "mapping start" => "write `{ key: value }`",
        _ => return None,
    };
    Some(example.to_owned())
}

fn quoting_hint(unexpected: &str) -> Option<String> {
    let scalar = ["boolean", "integer", "floating point", "unit"].iter().any(|kind| unexpected.starts_with(kind));
    scalar.then(|| "put it in quotes".to_owned())
}

/// Returns the message of an error of the YAML grammar itself.
fn syntax(error: &Error) -> (String, Option<String>) {
    let text = match error {
        Error::Message { msg, .. } | Error::ExternalMessage { msg, .. } => msg.clone(),
        other => without_place(&other.to_string()),
    };
    let hint = [
        ("mapping values are not allowed", "put a text that contains `: ` in quotes, and check the indentation"),
        ("plain scalar cannot start", "put the text in quotes"),
        ("unexpected character", "put the text in quotes"),
        ("escape", "write `\\\\` for a backslash, or use single quotes"),
        ("tab", "indent with blanks, not with tabs"),
        ("quoted scalar", "is a quote before this place never closed?"),
        ("flow", "is a bracket before this place never closed?"),
    ];
    let hint = hint.iter().find(|(part, _)| text.contains(part)).map(|(_, hint)| (*hint).to_owned());
    (format!("invalid YAML: {text}"), hint)
}

/// Returns a message without the place that the parser appends to it.
fn without_place(message: &str) -> String {
    message.rsplit_once(" at line ").map_or(message, |(text, _)| text).to_owned()
}
