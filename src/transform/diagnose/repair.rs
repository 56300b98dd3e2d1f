//! The one small change with which a text would parse.
//!
//! In: a text and the place at which it breaks. Out: a change, and what is said of it. What people leave out is tried there: a comma,
//! a parenthesis, a keyword with two letters swapped. A change is given only if the whole text parses with it.

use std::ops::Range;

use datafusion::sql::{parser::DFParserBuilder, sqlparser::tokenizer::Token};

use super::source::Source;
use crate::record::{Diagnostic, diagnostic::nearest};

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
pub(super) const LOOK_AHEAD: usize = 100;

/// The change with which a text parses.
pub(super) enum Repair {
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

impl Repair {
    /// Returns what is said of the place at which the text breaks.
    pub(super) fn finding(self, source: &Source, range: Range<usize>, message: String) -> Diagnostic {
        match self {
            Self::Keyword { at, near } => source
                .error(at.clone(), format!("syntax error: `{}` is no keyword", source.slice(&at)))
                .hint(format!("did you mean `{near}`?"))
                .fix(source.place(at), near),
            Self::Surplus { at } => source
                .error(at.clone(), format!("syntax error: nothing goes with this `{}`", source.slice(&at)))
                .hint("remove it")
                .fix(source.place(at), ""),
            Self::Missing { at, sign, hint } => source.error(range, message).hint(hint).fix(source.place(at..at), sign),
            Self::MissingAtEnd { behind, sign } => {
                let word = source.slice(&behind).to_owned();
                source
                    .error(behind.clone(), format!("syntax error: a `{sign}` is missing behind `{word}`"))
                    .hint(format!("put `{sign}` behind `{word}`"))
                    .fix(source.place(behind.end..behind.end), sign)
            }
            Self::Instead { at, sign } => {
                source.error(range, message).hint(format!("write `{sign}`")).fix(source.place(at), format!(" {sign}"))
            }
            Self::Uncalled { at, call, over } => {
                let word = source.slice(&at).to_owned();
                source
                    .error(at.clone(), format!("syntax error: `{word}` is no call of a function, so it has no window"))
                    .hint(format!("write one, such as `{call} {over}`"))
                    .fix(source.place(at), call)
            }
            Self::Unit { at, near } => source
                .error(at.clone(), format!("syntax error: `{}` is no unit of time", source.slice(&at)))
                .hint(format!("did you mean `{near}`?"))
                .fix(source.place(at), near),
            Self::Earlier { at, before } => source
                .error(before.clone(), format!("syntax error: a `,` is missing before `{}`", source.slice(&before)))
                .hint(format!("put `,` before `{}`", source.slice(&before)))
                .fix(source.place(at..at), ","),
        }
    }
}

/// Finds the change with which the text parses.
pub(super) fn found(source: &Source, range: &Range<usize>, wanted: Option<&str>) -> Option<Repair> {
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
    if is_at_end && !is_word {
        return Some(Repair::MissingAtEnd { behind: before.clone(), sign: text });
    }
    let hint = format!("put `{sign}` before `{}`", source.slice(this));
    Some(Repair::Missing { at: before.end, sign: text, hint })
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

/// Returns whether the text parses with another part.
pub(super) fn attempt(source: &Source, range: Range<usize>, text: &str) -> bool {
    let body = source.body();
    let (Some(head), Some(tail)) = (body.get(..range.start), body.get(range.end..)) else { return false };
    let changed = format!("{head}{text}{tail}");
    let parsed = DFParserBuilder::new(changed.as_str()).build().and_then(|mut parser| parser.parse_statements());
    parsed.is_ok_and(|statements| statements.len() == 1)
}
