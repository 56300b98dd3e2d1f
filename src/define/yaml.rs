//! YAML → structs as written, and what the parser says about a mistake → a diagnostic with its place.
//!
//! In: a text. Out: the struct, or a finding. A parser cannot go on after its first; where that is asked for it begins again without the
//! entry that is at fault. Deliberately knows no key, but how some maps look.

use std::ops::Range;

use serde::de::DeserializeOwned;
use serde_saphyr::{Error, Location};

use super::{
    findings::{Findings, suggestion},
    mend,
    spans::bytes,
};
use crate::record::Diagnostic;

/// Mistakes of one file after which nobody looks for more.
const MOST_MISTAKES: usize = 50;

/// How the map of a key may look, where one value is often written instead.
const MAPS: [(&str, &str); 4] = [
    ("reject_limit", "{ share: 0.02 }"),
    ("version", "{ from_column: updated_at }"),
    ("drift", "{ column_added: accept }"),
    ("limits", "{ rows: 5000000 }"),
];

/// What was read of a text.
#[derive(Debug)]
pub struct Parsed<T> {
    /// None where nothing can be read.
    pub value: Option<T>,
    /// Entries that were left out, since there is a mistake in them.
    pub mended: Vec<Mended>,
}

/// An entry with a mistake, which was left out.
#[derive(Debug)]
pub struct Mended {
    /// Where it stood.
    pub range: Range<usize>,
    /// Whether it was nothing but a key that nobody knows.
    pub is_unknown_key: bool,
}

/// Parses the text under examination; every mistake goes to the findings, as far as the text can be read without the entry in which
/// one stands.
pub fn parse_mending<T: DeserializeOwned>(findings: &mut Findings) -> Parsed<T> {
    let mut parsed = Parsed { value: None, mended: Vec::new() };
    let Some(mut body) = begun(findings) else { return parsed };
    for _ in 0..MOST_MISTAKES {
        let error = match read(&body) {
            Ok(value) => return Parsed { value: Some(value), ..parsed },
            Err(error) => error,
        };
        let place = range(error.location(), &body);
        let is_own =
            !parsed.mended.iter().any(|mended| mended.range.start <= place.end && place.start <= mended.range.end);
        let is_certain = is_word(&error) || (is_mistake(&error) && is_as_written(findings.body(), &body, &place));
        let entry = if parsed.mended.is_empty() || (is_own && is_certain) {
            findings.push(finding(&error, &body, findings));
            let can_be_mended = is_mistake(&error) && !goes_on(&error, &body);
            mend::entry(&body, place.start).filter(|_| can_be_mended).map(|range| {
                let is_unknown_key = matches!(error.without_snippet(), Error::SerdeUnknownField { .. });
                Mended { range, is_unknown_key }
            })
        } else {
            // What is left without its entry is none: it goes too.
            parsed.mended.pop().and_then(|last| mend::around(findings.body(), &last.range)).map(|range| {
                parsed.mended.retain(|mended| !range.contains(&mended.range.start));
                Mended { range, is_unknown_key: false }
            })
        };
        let Some(entry) = entry else { return parsed };
        mend::blank(&mut body, &entry.range);
        parsed.mended.push(entry);
    }
    parsed
}

/// Parses the text under examination as [`parse_mending`] does, and checks what was read. What is said then of a file of which a part is
/// missing may follow from that, and is left out.
pub fn check_mending<W: DeserializeOwned, T>(
    findings: &mut Findings,
    check: impl FnOnce(W, &mut Findings) -> Option<T>,
) -> Parsed<T> {
    let Parsed { value: written, mended } = parse_mending::<W>(findings);
    let told = findings.count();
    let value = written.and_then(|written| check(written, findings));
    if !mended.is_empty() {
        findings.truncate(told);
    }
    Parsed { value, mended }
}

/// Returns the key of the outermost map under which a place lies.
pub fn outermost_key<'b>(body: &'b str, place: &Range<usize>) -> &'b str {
    let end = body[place.start..].find('\n').map_or(body.len(), |at| place.start + at);
    let is_outermost = |line: &&str| line.starts_with(|first: char| !first.is_whitespace() && !"#-".contains(first));
    let line = body[..end].lines().rev().find(is_outermost).unwrap_or_default();
    line.split(':').next().unwrap_or_default().trim()
}

/// Returns the text under examination; that there is none goes to the findings.
fn begun(findings: &mut Findings) -> Option<String> {
    if is_blank(findings.body()) {
        let place = findings.place(&(0..0));
        findings.push(Diagnostic::error("the file is empty", place));
        return None;
    }
    Some(findings.body().to_owned())
}

fn read<T: DeserializeOwned>(body: &str) -> Result<T, Error> {
    serde_saphyr::from_str_with_options(body, serde_saphyr::options! { with_snippet: false })
}

fn finding(error: &Error, body: &str, findings: &Findings) -> Diagnostic {
    let range = range(error.location(), body);
    let (message, hint) = explain(error.without_snippet(), &body[range.clone()]);
    let range = if message.contains("found a tab") { tab(body, range) } else { range };
    let hint = seen(error.without_snippet(), &message, body, range.start, findings).or(hint);
    let hint = hint.or_else(|| goes_on(error, body).then(|| "is a bracket never closed?".to_owned()));
    let finding = Diagnostic::error(message, findings.place(&range));
    match hint {
        Some(hint) => finding.hint(hint),
        None => finding,
    }
}

/// Returns whether an error is about something that was written, and not about what is missing.
fn is_mistake(error: &Error) -> bool {
    matches!(
        error.without_snippet(),
        Error::SerdeUnknownField { .. }
            | Error::SerdeUnknownVariant { .. }
            | Error::DuplicateMappingKey { .. }
            | Error::InvalidScalar { .. }
            | Error::Unexpected { .. }
            | Error::NullIntoString { .. }
            | Error::SerdeInvalidType { .. }
    )
}

/// Returns whether an error is about a word that stands there, and cannot come of an entry that was left out.
fn is_word(error: &Error) -> bool {
    let is_shape = matches!(
        error.without_snippet(),
        Error::Unexpected { .. } | Error::NullIntoString { .. } | Error::SerdeInvalidType { .. }
    );
    is_mistake(error) && !is_shape
}

/// Returns whether a place is the value of an entry from which nothing was left out.
fn is_as_written(written: &str, body: &str, place: &Range<usize>) -> bool {
    let is_value = |entry: &Range<usize>| {
        entry.start < place.start && written[entry.start..place.start].trim_end().ends_with(':') && !place.is_empty()
    };
    let entry = mend::entry(written, place.start).filter(is_value);
    entry.is_some_and(|entry| written[entry.clone()] == body[entry])
}

/// Returns what to do about an error as the text around it shows, of which the parser says nothing.
fn seen(error: &Error, message: &str, body: &str, at: usize, findings: &Findings) -> Option<String> {
    match error {
        Error::SerdeUnknownField { .. } => {
            cut_text(body, at).map(|text| format!("put the text in quotes, for its comma ends it: `\"{text}\"`"))
        }
        Error::Unexpected { expected: "mapping start", .. } => {
            missing_colon(body, at).or_else(|| map_of(body, at).map(|map| format!("write `{map}`")))
        }
        _ if message.contains("simple key expected") => missing_colon(body, at),
        _ if message.contains("illegal placement of ':'") || message.contains("a flow ") => {
            let (bracket, character) = mend::open_bracket(body, at)?;
            let (line, _) = findings.place(&(bracket..bracket + character.len_utf8())).line_column();
            Some(format!("is the `{character}` on line {line} never closed?"))
        }
        _ => None,
    }
}

/// Returns the value that is cut at a place by a comma within its parentheses, as `decimal(18,2)` is between braces.
fn cut_text(body: &str, at: usize) -> Option<&str> {
    let line = body[..at].rfind('\n').map_or(0, |end| end + 1);
    let start = line + body[line..at].rfind(": ")? + 2;
    let text = body[start..].lines().next()?;
    let mut open = 0_usize;
    for (place, character) in text.char_indices() {
        match character {
            _ if start + place == at && open == 0 => return None,
            '(' => open += 1,
            ')' if open == 1 && start + place >= at => return Some(&text[..=place]),
            ')' => open = open.saturating_sub(1),
            '"' | '\'' if place == 0 => return None,
            _ => {}
        }
    }
    None
}

/// Returns what to say of a line whose first word is a key without its colon.
fn missing_colon(body: &str, at: usize) -> Option<String> {
    let start = body[..at].rfind('\n').map_or(0, |end| end + 1);
    let line = body[start..].lines().next()?.trim();
    let end = line.find(|character: char| !character.is_alphanumeric() && character != '_').unwrap_or(line.len());
    let (word, rest) = line.split_at(end);
    let is_key = !word.is_empty() && (rest.is_empty() || rest.starts_with(' ')) && !rest.trim_start().starts_with(':');
    is_key.then(|| format!("a colon is missing after `{word}`"))
}

/// Returns how the map may look that is the value at a place.
fn map_of(body: &str, at: usize) -> Option<&'static str> {
    let start = body[..at].rfind('\n').map_or(0, |end| end + 1);
    let key = body[start..at].trim_end().strip_suffix(':')?.rsplit([' ', '{', ',']).next()?;
    MAPS.iter().find(|(known, _)| *known == key).map(|(_, map)| *map)
}

/// Returns the tab that ended a text; the parser says where the text began.
fn tab(body: &str, text: Range<usize>) -> Range<usize> {
    match body[text.start..].find('\t') {
        Some(at) => text.start + at..text.start + at + '\t'.len_utf8(),
        None => text,
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
        "string scalar" => "one value",
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
        "string scalar" => "write a text, a number or `true`, not a list or a map",
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
