//! Hints of readers, told for the command line: what a contract declares is an option here.
//!
//! In: an error whose hint names what to declare in the source's contract. Out: the same with the options of `extract`.
//! Deliberately leaves a hint alone that names anything for which there is no option.

use clap::{Args as _, Command};

use crate::{Error, cli::arguments::ExtractArguments};

/// Where hints say that something is declared.
const PLACE: &str = " in the source's contract";

/// Names the options of `extract` in an error's hint.
pub(super) fn with_options(error: Error) -> Error {
    let told = |hint: Option<String>| hint.map(|hint| by_options(&hint).unwrap_or(hint));
    match error {
        Error::Data { message, hint } => Error::Data { message, hint: told(hint) },
        Error::Usage { message, hint } => Error::Usage { message, hint: told(hint) },
        Error::Environment { message, hint } => Error::Environment { message, hint: told(hint) },
        other => other,
    }
}

/// Returns a hint with options for the names in backticks; None where it is about something else.
fn by_options(hint: &str) -> Option<String> {
    let (before, behind) = hint.split_once(PLACE)?;
    let known = ExtractArguments::augment_args(Command::new("extract"));
    let hint = format!("{before}{behind}");
    let part = |(index, part): (usize, &str)| if index % 2 == 0 { Some(part.to_owned()) } else { option(&known, part) };
    let parts: Option<Vec<String>> = hint.split('`').enumerate().map(part).collect();
    Some(parts?.join("`"))
}

/// Returns the option that stands for what a contract declares under a name.
fn option(known: &Command, name: &str) -> Option<String> {
    let long = name.replace('_', "-");
    if name == "location" {
        return Some("FILE".to_owned());
    }
    if !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') {
        return None;
    }
    let has_own = known.get_arguments().any(|argument| argument.get_long() == Some(long.as_str()));
    Some(if has_own { format!("--{long}") } else { format!("--option {name}=…") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_name_options_where_there_are_some() {
        for (hint, told) in [
            ("correct `header_row` in the source's contract, or remove it", "correct `--header-row`, or remove it"),
            ("correct or remove `encoding` in the source's contract", "correct or remove `--encoding`"),
            ("correct `records` in the source's contract", "correct `--option records=…`"),
            ("check `location` in the source's contract", "check `FILE`"),
            (
                "declare `format` in the source's contract, or `records`, the path of its records",
                "declare `--format`, or `--option records=…`, the path of its records",
            ),
        ] {
            assert_eq!(by_options(hint).as_deref(), Some(told));
        }
    }

    #[test]
    fn other_hints_stay_as_they_are() {
        let limits = "if you trust it, raise `limits: { decompressed_bytes: … }` in the source's contract";
        for hint in [limits, "ask for the file again"] {
            assert_eq!(by_options(hint), None);
        }
    }
}
