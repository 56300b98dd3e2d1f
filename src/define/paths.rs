//! Paths in definitions: `${VARIABLE:-default}` expanded, then resolved against the file in which they stand.
//!
//! In: a text as written. Out: a path as a person would type it: relative stays relative to where the command runs.
//! Deliberately lexical: no file is looked at.

use std::path::{Component, Path, PathBuf};

use super::{Environment, findings::Findings, spans::At};
use crate::record::Placed;

/// Expands and resolves a path or address; URLs stay as they are.
pub fn resolved(written: &At<String>, environment: Environment<'_>, findings: &mut Findings) -> Option<Placed<String>> {
    let expanded = expanded(written, environment, findings)?;
    if expanded.trim().is_empty() {
        findings.error(&written.range, "the path is empty", "name a file or a folder");
        return None;
    }
    let path = if begins_with_variable(&written.value, environment) {
        here(&expanded)
    } else {
        resolve(&findings.text().path, &expanded)
    };
    Some(Placed::new(path, findings.place(&written.range)))
}

/// Returns whether a path begins with a variable that is set: its value is then what somebody typed where the command
/// runs, and not relative to the definition.
fn begins_with_variable(written: &str, environment: Environment<'_>) -> bool {
    let Some(inner) = written.trim_start().strip_prefix("${") else { return false };
    let name = inner.split([':', '}']).next().unwrap_or_default();
    environment(name).is_some_and(|value| !value.is_empty())
}

fn here(path: &str) -> String {
    if path.contains("://") { path.to_owned() } else { normal(Path::new(path)).to_string_lossy().into_owned() }
}

/// Joins a path to the folder of the file that names it and removes `.` and `..` where that is possible.
pub fn resolve(file: &str, path: &str) -> String {
    if path.contains("://") {
        return path.to_owned();
    }
    let folder = Path::new(file).parent().unwrap_or(Path::new(""));
    normal(&folder.join(path)).to_string_lossy().into_owned()
}

fn normal(path: &Path) -> PathBuf {
    let mut parts = PathBuf::new();
    for component in path.components() {
        match (component, parts.components().next_back()) {
            (Component::CurDir, _) | (Component::ParentDir, Some(Component::RootDir)) => {}
            (Component::ParentDir, Some(Component::Normal(_))) => {
                parts.pop();
            }
            (component, _) => parts.push(component),
        }
    }
    if parts.as_os_str().is_empty() { PathBuf::from(".") } else { parts }
}

/// Replaces every `${NAME}` and `${NAME:-default}`; as in a shell, an empty variable counts as unset.
fn expanded(written: &At<String>, environment: Environment<'_>, findings: &mut Findings) -> Option<String> {
    let (mut result, mut rest) = (String::new(), written.value.as_str());
    let mut failed = false;
    while let Some(start) = rest.find("${") {
        result.push_str(&rest[..start]);
        let Some(length) = rest[start..].find('}') else {
            let range = findings.narrow(&written.range, &rest[start..]);
            findings.error(&range, "`${` is never closed", "write `${NAME}` or `${NAME:-default}`");
            return None;
        };
        let reference = &rest[start..=start + length];
        match value_of(reference, environment) {
            Ok(value) => result.push_str(&value),
            Err((message, hint)) => {
                let range = findings.narrow(&written.range, reference);
                findings.error(&range, message, hint);
                failed = true;
            }
        }
        rest = &rest[start + length + 1..];
    }
    result.push_str(rest);
    (!failed).then_some(result)
}

/// Returns what `${NAME:-default}` stands for, or what is wrong and a hint.
fn value_of(reference: &str, environment: Environment<'_>) -> Result<String, (String, String)> {
    let inner = reference.trim_start_matches("${").trim_end_matches('}');
    let (name, default) = inner.split_once(":-").map_or((inner, None), |(name, default)| (name, Some(default)));
    let letters = |part: char| part.is_ascii_alphanumeric() || part == '_';
    if name.is_empty() || !name.chars().all(letters) || name.starts_with(|first: char| first.is_ascii_digit()) {
        let hint = "write `${NAME}` or `${NAME:-default}`, with letters, digits and `_`".to_owned();
        return Err((format!("`{reference}` names no environment variable"), hint));
    }
    let set = environment(name).filter(|value| !value.is_empty());
    set.or_else(|| default.map(str::to_owned)).ok_or_else(|| {
        (
            format!("environment variable `{name}` is not set"),
            format!("set it, or write a default: `${{{name}:-path}}`"),
        )
    })
}
