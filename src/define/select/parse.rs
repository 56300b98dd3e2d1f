//! The grammar: words → unions of intersections of terms.
//!
//! ```text
//!  union         blanks between, or the option again     core.* tag:finance
//!  intersection  commas between, no blank                core.*,tag:finance
//!  term          [@ | N+ | +] [method:]pattern [+ | +N]  2+core.sales+1
//! ```

use globset::{GlobBuilder, GlobMatcher};

use super::Error;
use crate::record::diagnostic::nearest;

/// The methods of terms, in the order of the documentation.
pub(super) const METHODS: [&str; 7] = ["tag", "path", "source", "owner", "state", "result", "name"];

/// Intersections, of which each adds its tables.
#[derive(Debug)]
pub(super) struct Union(pub Vec<Intersection>);

/// Terms, all of which a table must fit.
#[derive(Debug)]
pub(super) struct Intersection {
    /// As typed.
    pub text: String,
    pub terms: Vec<Term>,
}

/// Tables that fit a pattern, and some of those around them.
#[derive(Debug)]
pub(super) struct Term {
    /// As typed.
    pub text: String,
    pub fits: Fits,
    /// How many steps up what the tables read are taken too.
    pub ancestors: usize,
    /// How many steps down what reads the tables is taken too.
    pub descendants: usize,
    /// Whether, besides, everything is taken that the descendants read.
    pub is_complete: bool,
}

/// What a table must be.
#[derive(Debug)]
pub(super) enum Fits {
    /// A table or schema of this name.
    Name(Pattern),
    /// A table of such a schema and such a name.
    FullName(Pattern, Pattern),
    /// One with such a word among its tags.
    Tag(Pattern),
    /// One whose file is this one, or lies below it.
    Path(Pattern),
    /// The staged table of a source.
    Source(Pattern),
    /// One for which such a person answers.
    Owner(Pattern),
    /// Not as in the served snapshot.
    Modified,
    /// Not in the served snapshot.
    New,
    /// Neither built in the last run, nor passed its checks.
    Error,
    /// Did not pass its checks in the last run.
    Fail,
    /// Got a warning from its checks in the last run.
    Warn,
    /// Did well in the last run.
    Success,
}

/// A name with wildcards.
#[derive(Debug)]
pub(super) struct Pattern {
    pub text: String,
    glob: GlobMatcher,
}

impl Pattern {
    fn new(text: &str) -> Result<Self, Error> {
        let glob = GlobBuilder::new(text).literal_separator(false).backslash_escape(false).build();
        let glob = glob.map_err(|error| Error::new(format!("`{text}`: {}", error.kind()), "`*`, `?` and `[a-z]` work"));
        Ok(Self { text: text.to_owned(), glob: glob?.compile_matcher() })
    }

    pub fn fits(&self, name: &str) -> bool {
        self.glob.is_match(name)
    }
}

impl Union {
    pub fn parse(words: &[String]) -> Result<Self, Error> {
        let parts: Vec<&str> = words.iter().flat_map(|words| words.split_whitespace()).collect();
        if parts.is_empty() && !words.is_empty() {
            return Err(Error::new("a selector is empty", "name a table, such as `core.sales`, or `tag:finance`"));
        }
        parts.into_iter().map(Intersection::parse).collect::<Result<_, _>>().map(Self)
    }
}

impl Intersection {
    fn parse(text: &str) -> Result<Self, Error> {
        let terms = text.split(',').map(|term| Term::parse(term, text)).collect::<Result<_, _>>()?;
        Ok(Self { text: text.to_owned(), terms })
    }
}

impl Term {
    fn parse(text: &str, around: &str) -> Result<Self, Error> {
        let (is_complete, rest) = match text.strip_prefix('@') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (ancestors, rest) = ancestors(rest)?;
        let (rest, descendants) = descendants(rest)?;
        if rest.is_empty() {
            let message = format!("`{around}` names no table between its signs");
            return Err(Error::new(message, "blanks join selectors, commas intersect them without blanks"));
        }
        if is_complete && (ancestors > 0 || descendants > 0) {
            let message = format!("`{text}` has both `@` and `+`");
            return Err(Error::new(
                message,
                "`@` takes what stands on the table and all that this needs: leave out `+`",
            ));
        }
        let descendants = if is_complete { usize::MAX } else { descendants };
        Ok(Self { text: text.to_owned(), fits: Fits::parse(rest)?, ancestors, descendants, is_complete })
    }
}

/// Takes `+` or `2+` off the front.
fn ancestors(text: &str) -> Result<(usize, &str), Error> {
    let digits = text.len() - text.trim_start_matches(|digit: char| digit.is_ascii_digit()).len();
    match text[digits..].strip_prefix('+') {
        Some(rest) => Ok((steps(&text[..digits])?, rest)),
        None => Ok((0, text)),
    }
}

/// Takes `+` or `+2` off the end.
fn descendants(text: &str) -> Result<(&str, usize), Error> {
    let rest = text.trim_end_matches(|digit: char| digit.is_ascii_digit());
    match rest.strip_suffix('+') {
        Some(name) => Ok((name, steps(&text[rest.len()..])?)),
        None => Ok((text, 0)),
    }
}

fn steps(digits: &str) -> Result<usize, Error> {
    if digits.is_empty() {
        return Ok(usize::MAX);
    }
    digits.parse().map_err(|_| Error::new(format!("`{digits}` steps are too many"), "leave the number out for all"))
}

impl Fits {
    fn parse(text: &str) -> Result<Self, Error> {
        let Some((method, value)) = text.split_once(':') else { return Self::name(text) };
        if value.is_empty() {
            return Err(Error::new(format!("`{text}` has nothing behind its colon"), format!("write `{method}:…`")));
        }
        Ok(match method {
            "tag" => Self::Tag(Pattern::new(value)?),
            "path" => Self::Path(path(value)?),
            "source" => Self::Source(Pattern::new(value.strip_prefix("staged.").unwrap_or(value))?),
            "owner" => Self::Owner(Pattern::new(value)?),
            "name" => Self::name(value)?,
            "state" => state(value)?,
            "result" => result(value)?,
            other => return Err(unknown("method", other, &METHODS)),
        })
    }

    fn name(text: &str) -> Result<Self, Error> {
        if text.contains('/') {
            return Ok(Self::Path(path(text)?));
        }
        Ok(match text.split_once('.') {
            Some((schema, table)) => Self::FullName(Pattern::new(schema)?, Pattern::new(table)?),
            None => Self::Name(Pattern::new(text)?),
        })
    }
}

fn path(text: &str) -> Result<Pattern, Error> {
    Pattern::new(text.strip_prefix("./").unwrap_or(text).trim_end_matches('/'))
}

fn state(value: &str) -> Result<Fits, Error> {
    match value {
        "modified" => Ok(Fits::Modified),
        "new" => Ok(Fits::New),
        other => Err(unknown("state", other, &["modified", "new"])),
    }
}

fn result(value: &str) -> Result<Fits, Error> {
    match value {
        "error" => Ok(Fits::Error),
        "fail" => Ok(Fits::Fail),
        "warn" => Ok(Fits::Warn),
        "success" => Ok(Fits::Success),
        other => Err(unknown("result", other, &["error", "fail", "warn", "success"])),
    }
}

fn unknown(what: &str, written: &str, known: &[&str]) -> Error {
    let hint = nearest(written, known.iter().copied())
        .map_or_else(|| format!("there are {}", known.join(", ")), |name| format!("did you mean `{name}`?"));
    Error::new(format!("selectors know no {what} `{written}`"), hint)
}
