//! Texts that are no SQL: where they break, and the one small change with which they would parse.
//!
//! In: a text and what the parser says of it. Out: a finding. What people leave out is tried at the place: a comma, a
//! parenthesis, a keyword with two letters swapped. A hint is given only if the whole text parses with it.

use std::ops::Range;

use datafusion::{
    error::DataFusionError,
    sql::{
        parser::DFParserBuilder,
        sqlparser::{
            parser::ParserError,
            tokenizer::{Location, Token},
        },
    },
};

use super::source::Source;
use crate::{
    engine::parameters,
    record::{Diagnostic, diagnostic::nearest},
};

/// The keywords that a query may be made of.
const KEYWORDS: [&str; 62] = [
    "SELECT",
    "FROM",
    "WHERE",
    "GROUP",
    "ORDER",
    "BY",
    "HAVING",
    "QUALIFY",
    "LIMIT",
    "OFFSET",
    "WITH",
    "RECURSIVE",
    "AS",
    "JOIN",
    "LEFT",
    "RIGHT",
    "FULL",
    "INNER",
    "OUTER",
    "CROSS",
    "ON",
    "USING",
    "UNION",
    "ALL",
    "EXCEPT",
    "INTERSECT",
    "DISTINCT",
    "CASE",
    "WHEN",
    "THEN",
    "ELSE",
    "END",
    "AND",
    "OR",
    "NOT",
    "BETWEEN",
    "OVER",
    "PARTITION",
    "INTERVAL",
    "CAST",
    "IS",
    "NULL",
    "TRUE",
    "FALSE",
    "IN",
    "LIKE",
    "EXISTS",
    "ASC",
    "DESC",
    "NULLS",
    "FIRST",
    "LAST",
    "ROWS",
    "RANGE",
    "PRECEDING",
    "FOLLOWING",
    "UNBOUNDED",
    "CURRENT",
    "ROW",
    "FILTER",
    "VALUES",
    "LATERAL",
];

/// Keywords that begin nothing, so that no comma is missing before them.
const BEHIND: [&str; 26] = [
    "AND",
    "AS",
    "ASC",
    "BETWEEN",
    "BY",
    "DESC",
    "ELSE",
    "END",
    "EXCEPT",
    "FROM",
    "GROUP",
    "HAVING",
    "IN",
    "INTERSECT",
    "IS",
    "JOIN",
    "LIKE",
    "LIMIT",
    "ON",
    "OR",
    "ORDER",
    "OVER",
    "QUALIFY",
    "THEN",
    "UNION",
    "WHERE",
];

/// Keywords that want something behind them, so that no comma is missing there.
const BEFORE: [&str; 12] =
    ["AND", "AS", "BETWEEN", "BY", "FROM", "IN", "ON", "OR", "OVER", "PARTITION", "SELECT", "WHERE"];

/// Units of time behind the number of an interval.
const UNITS: [&str; 8] = ["YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND"];

/// Tokens before the place at which a text breaks that are looked at, too.
const LOOK_BACK: usize = 3;

/// Tokens behind it in which a misspelt keyword is looked for.
const LOOK_AHEAD: usize = 100;

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
    match repair(source, &range, wanted(words)) {
        Some(Repair::Keyword { at, near }) => source
            .error(at.clone(), format!("syntax error: `{}` is no keyword", source.slice(&at)))
            .hint(format!("did you mean `{near}`?"))
            .fix(source.place(at), near),
        Some(Repair::Surplus { at }) => source
            .error(at.clone(), format!("syntax error: nothing goes with this `{}`", source.slice(&at)))
            .hint("remove it")
            .fix(source.place(at), ""),
        Some(Repair::Missing { at, sign, hint }) => {
            source.error(range, message).hint(hint).fix(source.place(at..at), sign)
        }
        Some(Repair::MissingAtEnd { behind, sign }) => {
            let word = source.slice(&behind).to_owned();
            source
                .error(behind.clone(), format!("syntax error: a `{sign}` is missing behind `{word}`"))
                .hint(format!("put `{sign}` behind `{word}`"))
                .fix(source.place(behind.end..behind.end), sign)
        }
        Some(Repair::Instead { at, sign }) => {
            source.error(range, message).hint(format!("write `{sign}`")).fix(source.place(at), format!(" {sign}"))
        }
        Some(Repair::Uncalled { at, call, over }) => {
            let word = source.slice(&at).to_owned();
            source
                .error(at.clone(), format!("syntax error: `{word}` is no call of a function, so it has no window"))
                .hint(format!("write one, such as `{call} {over}`"))
                .fix(source.place(at), call)
        }
        Some(Repair::Unit { at, near }) => source
            .error(at.clone(), format!("syntax error: `{}` is no unit of time", source.slice(&at)))
            .hint(format!("did you mean `{near}`?"))
            .fix(source.place(at), near),
        Some(Repair::Earlier { at, before }) => source
            .error(before.clone(), format!("syntax error: a `,` is missing before `{}`", source.slice(&before)))
            .hint(format!("put `,` before `{}`", source.slice(&before)))
            .fix(source.place(at..at), ","),
        None => source.error(range, message),
    }
}

/// The change with which a text parses.
enum Repair {
    /// A word is meant to be a keyword.
    Keyword { at: Range<usize>, near: &'static str },
    /// A sign goes with nothing.
    Surplus { at: Range<usize> },
    /// A sign was left out.
    Missing { at: usize, sign: String, hint: String },
    /// A sign was left out behind the last token of a line.
    MissingAtEnd { behind: Range<usize>, sign: String },
    /// A keyword is wanted where a sign stands.
    Instead { at: Range<usize>, sign: String },
    /// A window stands behind what is no call.
    Uncalled { at: Range<usize>, call: String, over: String },
    /// A word is meant to be a unit of time.
    Unit { at: Range<usize>, near: &'static str },
    /// A comma was left out in front of an earlier token, which was taken for a name.
    Earlier { at: usize, before: Range<usize> },
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
            .error(range.clone(), "a model is one query, and here another statement begins")
            .hint("put it into a file of its own");
    }
    let first = tokens.first().map_or(0..0, |(_, range)| range.clone());
    source.error(first, "a model is a query").hint("begin with `SELECT` or `WITH`")
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

/// Finds the change with which the text parses.
fn repair(source: &Source, range: &Range<usize>, wanted: Option<&str>) -> Option<Repair> {
    let at = source.behind(range.start);
    let end = source.tokens().last().map_or(0, |(_, range)| range.end);
    let unclosed = || {
        let hint = "put `)` at the end".to_owned();
        attempt(source, end..end, ")").then(|| Repair::Missing { at: end, sign: ")".to_owned(), hint })
    };
    uncalled(source, at)
        .or_else(|| near_unit(source, at))
        .or_else(|| near_keyword(source, at))
        .or_else(|| (at.saturating_sub(1)..=at).rev().find_map(|at| surplus_word(source, at)))
        .or_else(|| (1..=LOOK_BACK).find_map(|back| surplus(source, at.checked_sub(back)?, &Token::Comma)))
        .or_else(|| missing(source, at, ","))
        .or_else(|| missing(source, at, ")"))
        .or_else(unclosed)
        .or_else(|| surplus(source, at, &Token::RParen))
        .or_else(|| missing(source, at, wanted?))
        .or_else(|| instead(source, at, wanted?))
        .or_else(|| earlier(source, at))
        .or_else(|| any_keyword(source, at))
}

/// Tries the keywords that the token, or one right before it, may be meant to be.
fn near_keyword(source: &Source, at: usize) -> Option<Repair> {
    (at.saturating_sub(LOOK_BACK)..=at).rev().find_map(|index| keyword(source, index))
}

/// Tries the same behind the place: a CASE without its END breaks where it begins.
fn any_keyword(source: &Source, at: usize) -> Option<Repair> {
    (at..source.tokens().len()).take(LOOK_AHEAD).find_map(|index| keyword(source, index))
}

fn keyword(source: &Source, index: usize) -> Option<Repair> {
    let (Token::Word(word), at) = source.tokens().get(index)? else { return None };
    let is_meant = |near: &&&str| {
        let is_other = word.quote_style.is_none() && !word.value.eq_ignore_ascii_case(near);
        is_other && attempt(source, at.clone(), near)
    };
    let near = nearest(&word.value, KEYWORDS).and_then(|near| KEYWORDS.iter().find(|keyword| **keyword == near));
    let near = near.filter(is_meant).or_else(|| short(&word.value).find(is_meant))?;
    Some(Repair::Keyword { at: at.clone(), near })
}

/// Returns the keywords of two letters that share one of them with a word of two.
fn short(word: &str) -> impl Iterator<Item = &'static &'static str> {
    let word = word.to_ascii_uppercase();
    let shares = move |keyword: &&&'static str| {
        let pairs = keyword.bytes().zip(word.bytes());
        keyword.len() == 2 && word.len() == 2 && pairs.filter(|(one, other)| one == other).count() == 1
    };
    KEYWORDS.iter().filter(shares)
}

/// Tries without a token, if it is such a sign.
fn surplus(source: &Source, index: usize, sign: &Token) -> Option<Repair> {
    let (token, at) = source.tokens().get(index)?;
    (token == sign && attempt(source, at.clone(), "")).then(|| Repair::Surplus { at: at.clone() })
}

/// Tries a sign at the end of the token before.
fn missing(source: &Source, index: usize, sign: &str) -> Option<Repair> {
    let (_, before) = source.tokens().get(index.checked_sub(1)?)?;
    let (_, this) = source.tokens().get(index)?;
    let is_word = sign.starts_with(char::is_alphabetic);
    if sign == "," && !may_part(source, index) {
        return None;
    }
    let text = if is_word { format!(" {sign}") } else { sign.to_owned() };
    if !attempt(source, before.end..before.end, &text) {
        return None;
    }
    let is_at_end = source.body().get(before.end..this.start).is_some_and(|gap| gap.contains('\n'));
    Some(match is_at_end && !is_word {
        true => Repair::MissingAtEnd { behind: before.clone(), sign: text },
        false => {
            let hint = format!("put `{sign}` before `{}`", source.slice(this));
            Repair::Missing { at: before.end, sign: text, hint }
        }
    })
}

/// Returns whether a comma may stand before a token: not between keywords and what belongs to them.
fn may_part(source: &Source, index: usize) -> bool {
    let is_one = |index: usize, words: &[&str]| match source.tokens().get(index) {
        Some((Token::Word(word), _)) => {
            word.quote_style.is_none() && words.iter().any(|one| word.value.eq_ignore_ascii_case(one))
        }
        _ => false,
    };
    !is_one(index, &BEHIND) && !index.checked_sub(1).is_some_and(|before| is_one(before, &BEFORE))
}

/// Tries a keyword in place of a sign.
fn instead(source: &Source, index: usize, wanted: &str) -> Option<Repair> {
    let (token, at) = source.tokens().get(index)?;
    let sign = format!(" {wanted}");
    let is_sign = !matches!(token, Token::Word(_));
    (is_sign && attempt(source, at.clone(), &sign)).then(|| Repair::Instead { at: at.clone(), sign: wanted.to_owned() })
}

/// Tries without an AND or OR that joins nothing.
fn surplus_word(source: &Source, index: usize) -> Option<Repair> {
    let (Token::Word(word), at) = source.tokens().get(index)? else { return None };
    let is_joining = ["AND", "OR"].iter().any(|one| word.value.eq_ignore_ascii_case(one));
    (is_joining && attempt(source, at.clone(), "")).then(|| Repair::Surplus { at: at.clone() })
}

/// Tries a call where a window stands behind a plain name.
fn uncalled(source: &Source, index: usize) -> Option<Repair> {
    (index.saturating_sub(LOOK_BACK)..=index).find_map(|over| {
        let (Token::Word(word), at) = source.tokens().get(over)? else { return None };
        let (Token::Word(_), name) = source.tokens().get(over.checked_sub(1)?)? else { return None };
        let call = format!("sum({})", source.slice(name));
        let is_over = word.quote_style.is_none() && word.value.eq_ignore_ascii_case("over");
        let window = || source.slice(&source.closed(at.clone())).to_owned();
        (is_over && attempt(source, name.clone(), &call)).then(|| Repair::Uncalled {
            at: name.clone(),
            call,
            over: window(),
        })
    })
}

/// Tries a unit of time behind a number of an INTERVAL.
fn near_unit(source: &Source, index: usize) -> Option<Repair> {
    (index.saturating_sub(1)..=index).find_map(|index| {
        let (Token::Word(word), at) = source.tokens().get(index)? else { return None };
        let (Token::Word(interval), _) = source.tokens().get(index.checked_sub(2)?)? else { return None };
        let near = nearest(&word.value, UNITS).and_then(|near| UNITS.iter().find(|unit| **unit == near))?;
        let is_meant = interval.value.eq_ignore_ascii_case("interval") && attempt(source, at.clone(), near);
        is_meant.then(|| Repair::Unit { at: at.clone(), near })
    })
}

/// Tries a comma in front of the tokens before: behind a result without one the next one is taken for its name.
fn earlier(source: &Source, index: usize) -> Option<Repair> {
    (index.saturating_sub(LOOK_BACK)..index).rev().find_map(|index| {
        let (_, before) = source.tokens().get(index.checked_sub(1)?)?;
        let (_, this) = source.tokens().get(index)?;
        (may_part(source, index) && attempt(source, before.end..before.end, ","))
            .then(|| Repair::Earlier { at: before.end, before: this.clone() })
    })
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

/// Returns whether the text parses with another part.
pub(super) fn attempt(source: &Source, range: Range<usize>, text: &str) -> bool {
    let body = source.body();
    let (Some(head), Some(tail)) = (body.get(..range.start), body.get(range.end..)) else { return false };
    let changed = format!("{head}{text}{tail}");
    let parsed = DFParserBuilder::new(changed.as_str()).build().and_then(|mut parser| parser.parse_statements());
    parsed.is_ok_and(|statements| statements.len() == 1)
}

/// Returns what a parser says, if an error is one.
pub(super) fn parser_error(error: &DataFusionError) -> Option<&ParserError> {
    match error.find_root() {
        DataFusionError::SQL(error, _) => Some(error),
        _ => None,
    }
}
