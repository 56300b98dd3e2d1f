//! Texts that are no SQL: where they break, and what is said about it.
//!
//! In: a text and what the parser says of it. Out: a finding. What the parser cannot know is looked for in the text itself: a quote
//! that is not closed, a CASE without its END. A change with which the text parses is the business of [`super::repair`].

use std::ops::Range;

use datafusion::{
    error::DataFusionError,
    sql::sqlparser::{
        parser::ParserError,
        tokenizer::{Location, Token},
    },
};

use super::{
    repair::{self, LOOK_AHEAD, attempt},
    source::Source,
};
use crate::{
    engine::parameters,
    record::{Diagnostic, diagnostic::nearest},
};

/// Returns what is wrong with a text that does not parse.
pub(super) fn finding(source: &Source, error: &ParserError) -> Diagnostic {
    let (ParserError::ParserError(words) | ParserError::TokenizerError(words)) = error else {
        return source.error(0..0, "the statement nests too deeply");
    };
    let (words, location) = split_place(words);
    if words.starts_with("Unterminated string literal")
        && let Some(quote) = unclosed_quote(source.body())
    {
        let finding = source.error(quote, "syntax error: this text does not end on its line");
        return finding.hint("put `'` behind its last letter; a `'` within a text is written `''`");
    }
    let range = place(source, location, words);
    let message = format!("syntax error: {}", message(words, source, &range));
    if let Some((case, end)) = open_case(source) {
        let hint = format!("put `END` before `{}`", source.slice(&following(source, end)));
        let finding = source.error(case, "syntax error: this CASE has no END");
        return finding.hint(hint).fix(source.place(end..end), " END");
    }
    match repair::found(source, &range, wanted(words)) {
        Some(repair) => repair.finding(source, range, message),
        None => source.error(range, message),
    }
}

/// Returns a finding for each parameter that does not exist.
pub(super) fn unknown_parameters(source: &Source, known: &[&str]) -> Vec<Diagnostic> {
    let parameter = |(token, range): &(Token, Range<usize>)| match token {
        Token::Placeholder(name) => Some((name.trim_start_matches('$').to_owned(), range.clone())),
        _ => None,
    };
    let unknown = source.tokens().iter().filter_map(parameter).filter(|(name, _)| !known.contains(&name.as_str()));
    let finding = |(name, range): (String, Range<usize>)| {
        let finding = source.error(range.clone(), parameters::unknown(&name));
        match nearest(&name, known.iter().copied()) {
            Some(near) => finding.hint(format!("did you mean `${near}`?")).fix(source.place(range), format!("${near}")),
            None => finding.hint("parameters are `$run_date`, `$timezone` and the `variables` of the pipeline file"),
        }
    };
    unknown.map(finding).collect()
}

/// Returns what is wrong with a text that is SQL and not one query.
pub(super) fn not_one_query(source: &Source) -> Diagnostic {
    let tokens = source.tokens();
    let end = tokens.iter().position(|(token, _)| *token == Token::SemiColon);
    if let Some((_, range)) = end.and_then(|end| tokens.get(end + 1)) {
        return source
            .error(range.clone(), "expected one query, and here another statement begins")
            .hint("put it into a file of its own");
    }
    let first = tokens.first().map_or(0..0, |(_, range)| range.clone());
    source.error(first, "expected a query").hint("begin with `SELECT` or `WITH`")
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

/// Returns the token at which a text breaks, or its last one.
fn place(source: &Source, location: Option<Location>, words: &str) -> Range<usize> {
    let tokens = source.tokens();
    let last = tokens.last().map_or(0..0, |(_, range)| range.clone());
    match location {
        Some(location) if !words.ends_with("found: EOF") => {
            let start = source.offset(location);
            let token = tokens.get(source.behind(start)).filter(|(_, range)| range.start == start);
            let rest = source.body().get(start..).unwrap_or_default();
            let line = rest.lines().next().map_or(0, str::len);
            token.map_or(start..start + line, |(_, range)| range.clone())
        }
        _ => last,
    }
}

/// Returns what the parser says, as one sentence of the house.
fn message(words: &str, source: &Source, range: &Range<usize>) -> String {
    let words = words.trim();
    let found = source.slice(range);
    match words.strip_prefix("Expected: ").and_then(|rest| rest.split_once(", found: ")) {
        Some((expected, "EOF")) => format!("the text ends where {} is expected", named(expected)),
        Some(("end of statement", _)) => format!("`{found}` cannot follow what stands before it"),
        Some((expected, _)) => format!("expected {}, found `{found}`", named(expected)),
        None => words.chars().take(1).flat_map(char::to_lowercase).chain(words.chars().skip(1)).collect(),
    }
}

/// Returns an expected token in backticks, and a description as it is.
fn named(expected: &str) -> String {
    let is_token = expected.chars().all(|c| c.is_uppercase() || !c.is_alphabetic());
    if is_token { format!("`{expected}`") } else { expected.to_owned() }
}

/// Returns the one keyword that the parser wants, if it says so.
fn wanted(words: &str) -> Option<&str> {
    let (wanted, _) = words.trim().strip_prefix("Expected: ")?.split_once(", found: ")?;
    wanted.chars().all(char::is_uppercase).then_some(wanted)
}

/// Finds a CASE without its END, and where an END makes the text parse.
fn open_case(source: &Source) -> Option<(Range<usize>, usize)> {
    let is_word = |token: &Token, word: &str| matches!(token, Token::Word(found) if found.quote_style.is_none() && found.value.eq_ignore_ascii_case(word));
    let tokens = source.tokens();
    let mut open: Vec<usize> = Vec::new();
    for (at, (token, _)) in tokens.iter().enumerate() {
        if is_word(token, "CASE") {
            open.push(at);
        } else if is_word(token, "END") {
            open.pop();
        }
    }
    let case = *open.last()?;
    let may_follow = |token: &Token| {
        matches!(token, Token::Comma | Token::RParen) || ["AS", "FROM"].iter().any(|word| is_word(token, word))
    };
    let ends = (case + 1..tokens.len()).take(LOOK_AHEAD).filter(|at| may_follow(&tokens[*at].0));
    let mut ends = ends.map(|at| tokens[at - 1].1.end);
    let end = ends.find(|end| attempt(source, *end..*end, " END"))?;
    Some((tokens[case].1.clone(), end))
}

/// Returns the last quote of the first line whose quotes do not go together, comments left aside.
fn unclosed_quote(body: &str) -> Option<Range<usize>> {
    let mut is_comment = false;
    let mut start = 0;
    for line in body.split_inclusive('\n') {
        let (mut quotes, mut is_name, mut at) = (Vec::new(), false, 0);
        while let Some(rest) = line.get(at..).filter(|rest| !rest.is_empty()) {
            let is_text = quotes.len() % 2 == 1;
            let step = match rest {
                _ if is_comment && rest.starts_with("*/") => 2,
                _ if !is_comment && !is_text && !is_name && rest.starts_with("/*") => 2,
                _ => rest.chars().next().map_or(1, char::len_utf8),
            };
            if step == 2 && (rest.starts_with("*/") || rest.starts_with("/*")) {
                is_comment = rest.starts_with("/*");
            } else if !is_comment && !is_text && !is_name && rest.starts_with("--") {
                break;
            } else if !is_comment && !is_text && rest.starts_with('"') {
                is_name = !is_name;
            } else if !is_comment && !is_name && rest.starts_with('\'') {
                quotes.push(start + at);
            }
            at += step;
        }
        if let (1, Some(last)) = (quotes.len() % 2, quotes.last()) {
            return Some(*last..last + 1);
        }
        start += line.len();
    }
    None
}

/// Returns the token that begins behind an offset.
fn following(source: &Source, offset: usize) -> Range<usize> {
    source.tokens().get(source.behind(offset)).map_or(offset..offset, |(_, range)| range.clone())
}

/// Returns what a parser says, if an error is one.
pub(super) fn parser_error(error: &DataFusionError) -> Option<&ParserError> {
    match error.find_root() {
        DataFusionError::SQL(error, _) => Some(error),
        _ => None,
    }
}
