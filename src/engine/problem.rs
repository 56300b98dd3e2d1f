//! What DataFusion says about a statement, in one sentence, with its place and what to do.

use std::ops::Range;

use datafusion::{
    common::{Column, SchemaError, diagnostic::Diagnostic as EngineDiagnostic},
    error::DataFusionError,
    sql::sqlparser::{parser::ParserError, tokenizer::Location},
};

use super::parameters;
use crate::record::diagnostic::nearest;

/// A planning error, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// One lower-case sentence.
    pub message: String,
    /// Bytes of the statement's text, if the engine knows them.
    pub range: Option<Range<usize>>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Problem {
    /// Takes an error of planning `text` apart.
    #[must_use]
    pub fn new(error: &DataFusionError, text: &str) -> Self {
        let span = error.diagnostic().and_then(|diagnostic| diagnostic.span).map(|span| (span.start, span.end));
        let mut problem = Self::describe(error.find_root(), text);
        if let Some((start, end)) = span {
            problem.range = Some(
                offset(text, Location::new(start.line, start.column))
                    ..offset(text, Location::new(end.line, end.column)),
            );
        }
        if let (None, Some(diagnostic)) = (&problem.hint, error.diagnostic()) {
            problem.hint = notes(diagnostic);
        }
        problem
    }

    fn describe(error: &DataFusionError, text: &str) -> Self {
        match error {
            DataFusionError::SchemaError(error, _) => Self::of_schema(error, text),
            DataFusionError::SQL(error, _) => Self::of_syntax(error, text),
            other => Self::of_words(&other.strip_backtrace(), text),
        }
    }

    fn of_schema(error: &SchemaError, text: &str) -> Self {
        match error {
            SchemaError::FieldNotFound { field, valid_fields } => unknown_column(field, valid_fields, text),
            SchemaError::AmbiguousReference { field } => Self {
                message: format!("the column `{}` is ambiguous", field.name),
                range: find_word(text, &field.name),
                hint: Some("put the table's name or alias before it".to_owned()),
            },
            other => Self::of_words(&other.to_string(), text),
        }
    }

    fn of_syntax(error: &ParserError, text: &str) -> Self {
        let (ParserError::ParserError(words) | ParserError::TokenizerError(words)) = error else {
            return Self { message: "the statement nests too deeply".to_owned(), range: None, hint: None };
        };
        let (words, place) = split_place(words);
        let start = place.map(|place| offset(text, place));
        let range = start.map(|start| start..word_end(text, start));
        Self { message: format!("syntax error: {}", lower_first(words.trim())), range, hint: None }
    }

    fn of_words(words: &str, text: &str) -> Self {
        let words = words.lines().next().unwrap_or_default();
        let mut words = words.trim();
        for prefix in [
            "Error during planning: ",
            "Schema error: ",
            "Execution error: ",
            "External error: ",
            "Internal error: ",
            "Optimizer rule 'simplify_expressions' failed",
            "type_coercion",
        ] {
            words = words.strip_prefix(prefix).unwrap_or(words).trim();
        }
        if let Some(table) = words.strip_prefix("table '").and_then(|rest| rest.split_once("' not found")) {
            let name = table.0.trim_start_matches("datafusion.");
            return Self { message: format!("unknown table `{name}`"), range: find_word(text, name), hint: None };
        }
        if let Some(name) = parameters::said_unknown(words) {
            return Self { message: words.to_owned(), range: find_word(text, name), hint: None };
        }
        if let Some(rest) = words.strip_prefix("Invalid function '") {
            return unknown_function(rest, text);
        }
        Self { message: lower_first(words.trim_end_matches('.')), range: None, hint: None }
    }
}

fn unknown_column(field: &Column, valid_fields: &[Column], text: &str) -> Problem {
    let names = valid_fields.iter().map(|column| column.name.as_str());
    let hint = nearest(&field.name, names.clone()).map(|name| format!("did you mean `{name}`?")).or_else(|| {
        let mut known: Vec<&str> = names.collect();
        known.sort_unstable();
        known.dedup();
        (!known.is_empty()).then(|| format!("known here: {}", known.join(", ")))
    });
    Problem { message: format!("unknown column `{}`", field.name), range: find_word(text, &field.name), hint }
}

fn unknown_function(rest: &str, text: &str) -> Problem {
    let name = rest.split('\'').next().unwrap_or_default();
    let suggestion = rest.split("Did you mean '").nth(1).and_then(|tail| tail.split('\'').next());
    Problem {
        message: format!("unknown function `{name}`"),
        range: find_word(text, name),
        hint: suggestion.map(|suggestion| format!("did you mean `{suggestion}`?")),
    }
}

fn notes(diagnostic: &EngineDiagnostic) -> Option<String> {
    let helps = diagnostic.helps.iter().map(|help| help.message.as_str());
    let all: Vec<&str> = helps.chain(diagnostic.notes.iter().map(|note| note.message.as_str())).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

/// Splits `… at Line: 3, Column: 7` off a parser's message.
fn split_place(words: &str) -> (&str, Option<Location>) {
    let Some((head, tail)) = words.rsplit_once(" at Line: ") else { return (words, None) };
    let mut numbers = tail.split(", Column: ").map(|number| number.trim().parse::<u64>());
    match (numbers.next(), numbers.next()) {
        (Some(Ok(line)), Some(Ok(column))) => (head, Some(Location::new(line, column))),
        _ => (words, None),
    }
}

/// Returns the byte offset of a 1-based line and column (in characters).
fn offset(text: &str, place: Location) -> usize {
    let line = usize::try_from(place.line).unwrap_or(1).max(1);
    let column = usize::try_from(place.column).unwrap_or(1).max(1);
    let start: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let rest = text.get(start..).unwrap_or_default();
    start + rest.char_indices().nth(column - 1).map_or(rest.len(), |(index, _)| index)
}

/// Finds the first place where `word` stands as a whole word (case-insensitive), a model's header left out.
#[must_use]
pub fn find_word(text: &str, word: &str) -> Option<Range<usize>> {
    if word.is_empty() {
        return None;
    }
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    let lower = text.to_ascii_lowercase();
    let word = word.to_ascii_lowercase();
    let mut from = comment_end(text);
    while let Some(found) = lower.get(from..)?.find(&word) {
        let range = from + found..from + found + word.len();
        let before = lower[..range.start].chars().next_back().is_some_and(is_word);
        let after = lower[range.end..].chars().next().is_some_and(is_word);
        if !before && !after {
            return Some(range);
        }
        from = range.end;
    }
    None
}

/// Returns where the header comment at the start of a model ends, so that a name in it is not underlined.
fn comment_end(text: &str) -> usize {
    match text.trim_start().starts_with("/*") {
        true => text.find("*/").map_or(0, |end| end + 2),
        false => 0,
    }
}

fn word_end(text: &str, start: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    let length = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
    start + length.max(rest.chars().next().map_or(0, char::len_utf8))
}

fn lower_first(words: &str) -> String {
    let mut characters = words.chars();
    match characters.next() {
        Some(first) if !words.starts_with(|_: char| words.chars().nth(1).is_some_and(char::is_uppercase)) => {
            first.to_lowercase().chain(characters).collect()
        }
        _ => words.to_owned(),
    }
}
