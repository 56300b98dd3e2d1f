//! Words that have a closed or regular vocabulary: identifiers, time zones, dates.
//!
//! In: a word with its range. Out: the word as meant, or a finding.

use std::{ops::Range, path::Path};

use chrono::NaiveDate;
use chrono_tz::{TZ_VARIANTS, Tz};

use super::{findings::Findings, spans::At};

/// Returns whether a name is `snake_case`: lower-case ASCII letters, digits and `_`, a letter first.
pub fn is_snake_case(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|part| part.is_ascii_lowercase() || part.is_ascii_digit() || part == '_')
}

/// Returns the name behind an outermost key of a text that cannot be read as YAML.
pub fn spelled(body: &str, key: &str) -> Option<String> {
    let written = body.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    let name = written.split('#').next().unwrap_or_default().trim().trim_matches(['"', '\'']);
    is_snake_case(name).then(|| name.to_owned())
}

/// Returns the name that a file has without its folders and its ending.
pub fn stem(path: &str) -> Option<String> {
    let stem = Path::new(path).file_stem()?.to_str()?;
    is_snake_case(stem).then(|| stem.to_owned())
}

/// Checks that a name can be an identifier of SQL and part of a path without quoting, and returns whether it can.
pub fn identifier(what: &str, name: &At<String>, findings: &mut Findings) -> bool {
    if is_snake_case(&name.value) {
        return true;
    }
    findings.error(&name.range, format!("{what} `{}` is not snake_case", name.value), snake_hint(&name.value));
    false
}

/// Returns the nearest name that would do.
pub fn snake_hint(name: &str) -> String {
    let mut snake = String::new();
    for character in name.chars() {
        let joins = !snake.is_empty() && !snake.ends_with('_');
        match character {
            'a'..='z' | '0'..='9' => snake.push(character),
            'A'..='Z' if joins && name.chars().any(|other| other.is_ascii_lowercase()) => {
                snake.push('_');
                snake.push(character.to_ascii_lowercase());
            }
            'A'..='Z' => snake.push(character.to_ascii_lowercase()),
            _ if joins => snake.push('_'),
            _ => {}
        }
    }
    let snake = snake.trim_end_matches('_');
    if is_snake_case(snake) {
        return format!("write `{snake}`");
    }
    "use lower-case letters a-z, digits and `_`, a letter first".to_owned()
}

/// Reads the name of a time zone.
pub fn timezone(name: &At<String>, findings: &mut Findings) -> Option<Tz> {
    let zone = name.value.parse().ok();
    if zone.is_none() {
        let known = TZ_VARIANTS.iter().map(|zone| zone.name()).filter(|zone| zone.contains('/'));
        findings.unknown(&name.range, format!("unknown time zone `{}`", name.value), &name.value, known);
    }
    zone
}

/// Reads a date.
pub fn date(text: &At<String>, findings: &mut Findings) -> Option<NaiveDate> {
    let date = iso_date(&text.value);
    if date.is_none() {
        findings.error(&text.range, format!("`{}` is not a date", text.value), "write it as `2026-06-30`");
    }
    date
}

/// Reads `2026-06-30` and nothing else.
pub fn iso_date(text: &str) -> Option<NaiveDate> {
    let shaped = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    shaped.then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()).flatten()
}

/// Reads exactly one character.
pub fn character(what: &str, text: Option<&At<String>>, findings: &mut Findings) -> Option<char> {
    let text = text?;
    let mut characters = text.value.chars();
    match (characters.next(), characters.next()) {
        (Some(one), None) if !matches!(one, '\n' | '\r' | '\0') => Some(one),
        _ => {
            findings.error(
                &text.range,
                format!("{what} `{}` is not one character", text.value.escape_debug()),
                "write one character in quotes, a tab as \"\\t\"",
            );
            None
        }
    }
}

/// Reports every name that occurs in a list for the second time.
pub fn distinct(what: &str, names: &[At<String>], findings: &mut Findings) {
    let repeated: Vec<(Range<usize>, String)> = names
        .iter()
        .enumerate()
        .filter(|(index, name)| names[..*index].iter().any(|earlier| earlier.value == name.value))
        .map(|(_, name)| (name.range.clone(), name.value.clone()))
        .collect();
    for (range, name) in repeated {
        findings.error(&range, format!("`{name}` occurs twice in `{what}`"), "keep one of the two");
    }
}
