//! What reading takes from the environment: credentials of the moment, and how patient it is.
//!
//! In: names of variables. Out: their values, handed to whoever connects and kept nowhere. Credentials of object stores
//! are read by `object_store` itself. Deliberately no defaults that depend on the machine.

use std::{env, time::Duration};

use super::Error;

/// Returns a variable's value; as in a shell, an empty one counts as unset.
#[must_use]
pub fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// Replaces every `${NAME}` that a definition left for the moment of use.
///
/// # Errors
/// [`Error::Variable`] when one is not set and has no default.
pub fn filled(text: &str) -> Result<String, Error> {
    let (mut result, mut rest) = (String::new(), text);
    while let Some((before, reference)) = rest.split_once("${") {
        let Some((inner, behind)) = reference.split_once('}') else { break };
        let (name, default) = inner.split_once(":-").map_or((inner, None), |(name, default)| (name, Some(default)));
        let value = variable(name).or_else(|| default.map(str::to_owned));
        result.push_str(before);
        result.push_str(&value.ok_or_else(|| Error::Variable { name: name.to_owned() })?);
        rest = behind;
    }
    Ok(result + rest)
}

/// How often and how long a place is asked before it counts as out of reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Further attempts after the first: `TALLYHOUSE_RETRIES`, 8.
    pub retries: usize,
    /// After so long nothing is tried again: `TALLYHOUSE_RETRY_SECONDS`, 180.
    pub total: Duration,
    /// The longest time for one answer: `TALLYHOUSE_REQUEST_SECONDS`, 60.
    pub request: Duration,
    /// The longest time for one database statement: `TALLYHOUSE_STATEMENT_SECONDS`, 3600.
    pub statement: Duration,
}

impl Patience {
    /// Reads the environment; what is no number is as good as unset.
    #[must_use]
    pub fn from_environment() -> Self {
        let number = |name: &str, default: u64| variable(name).and_then(|text| text.parse().ok()).unwrap_or(default);
        Self {
            retries: usize::try_from(number("TALLYHOUSE_RETRIES", 8)).unwrap_or(8),
            total: Duration::from_secs(number("TALLYHOUSE_RETRY_SECONDS", 180)),
            request: Duration::from_secs(number("TALLYHOUSE_REQUEST_SECONDS", 60).max(1)),
            statement: Duration::from_secs(number("TALLYHOUSE_STATEMENT_SECONDS", 3_600).max(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_set_is_named_and_defaults_count() {
        assert_eq!(filled("a?b=${TALLYHOUSE_NOBODY_SETS:-c}&${").ok().as_deref(), Some("a?b=c&${"));
        let error = filled("x${TALLYHOUSE_NOBODY_SETS}").err().map(|error| error.to_string());
        assert!(error.is_some_and(|error| error.contains("`TALLYHOUSE_NOBODY_SETS`")));
    }
}
