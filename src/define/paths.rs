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

/// Schemes of addresses that a source may have.
const SCHEMES: [&str; 14] = [
    "file",
    "s3",
    "s3a",
    "gs",
    "az",
    "azure",
    "abfs",
    "abfss",
    "http",
    "https",
    "postgres",
    "postgresql",
    "mysql",
    "mariadb",
];

/// Returns whether an address is that of a database server.
#[must_use]
pub fn is_database(location: &str) -> bool {
    let scheme = location.split_once("://").map_or("", |(scheme, _)| scheme);
    ["postgres", "postgresql", "mysql", "mariadb"].contains(&scheme)
}

/// Expands and resolves a source's location. What may be secret in an address, its user and password and what follows
/// `?`, keeps its `${NAME}` until somebody connects: the location stands in reports.
pub fn location(written: &At<String>, environment: Environment<'_>, findings: &mut Findings) -> Option<Placed<String>> {
    let address = Address::of(&written.value);
    let Some(address) = address else {
        let resolved = resolved(written, environment, findings)?;
        return (is_harmless(&resolved.value, findings)).then_some(resolved);
    };
    if !may_keep(&address, findings) {
        return None;
    }
    let open = At { value: address.open.clone(), range: written.range.clone() };
    let open = resolved(&open, environment, findings)?;
    if !is_harmless(&open.value, findings) {
        return None;
    }
    let (scheme, rest) = open.value.split_once("://").unwrap_or(("", &open.value));
    if !SCHEMES.contains(&scheme) {
        let message = format!("`{scheme}://` locations are not read");
        findings.unknown(&written.range, message, scheme, SCHEMES);
        return None;
    }
    let user = address.user.map_or_else(String::new, |user| format!("{user}@"));
    let query = address.query.map_or_else(String::new, |query| format!("?{query}"));
    Some(Placed::new(format!("{scheme}://{user}{rest}{query}"), open.place))
}

/// The parts of an address as written.
struct Address<'a> {
    /// `${USER}:${PASSWORD}`
    user: Option<&'a str>,
    /// The address without user and query.
    open: String,
    /// What follows `?` where that begins a query.
    query: Option<&'a str>,
}

impl<'a> Address<'a> {
    fn of(written: &'a str) -> Option<Self> {
        let (scheme, rest) = written.split_once("://").filter(|(scheme, _)| !scheme.contains("${"))?;
        let has_query = scheme.starts_with("http") || is_database(written);
        let query = position(rest, '?').filter(|_| has_query);
        let (rest, query) = query.map_or((rest, None), |at| (&rest[..at], Some(&rest[at + 1..])));
        let authority = &rest[..position(rest, '/').unwrap_or(rest.len())];
        let at = authority.rfind('@').filter(|_| has_query);
        let (user, rest) = at.map_or((None, rest), |at| (Some(&rest[..at]), &rest[at + 1..]));
        Some(Self { user, open: format!("{scheme}://{rest}"), query })
    }
}

/// Returns where a letter first stands outside of `${…}`.
fn position(text: &str, letter: char) -> Option<usize> {
    let mut depth = 0;
    text.char_indices().find_map(|(at, found)| {
        match found {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        (depth <= 0 && found == letter).then_some(at)
    })
}

/// Says that a location holds a secret, at the file's beginning: its own line must not be shown.
fn refuse_secret(findings: &mut Findings) {
    let hint = "leave it out and set PGUSER and PGPASSWORD, MYSQL_USER and MYSQL_PASSWORD or what the store's own tools \
                take; or write `postgres://${CRM_USER}:${CRM_PASSWORD}@host/db`";
    findings.error(&(0..1), "`location` holds a password", hint);
}

/// Checks that a password is a variable and that only databases have one.
fn may_keep(address: &Address<'_>, findings: &mut Findings) -> bool {
    let is_variable = |text: &str| text.starts_with("${") && text.ends_with('}') && !text.contains(":-");
    let password = address.user.and_then(|user| position(user, ':').map(|at| &user[at + 1..]));
    let is_kept = match (address.user, password) {
        (None, _) => true,
        (Some(_), password) => is_database(&address.open) && password.is_none_or(is_variable),
    };
    if !is_kept {
        refuse_secret(findings);
    }
    is_kept
}

/// Checks that no variable has brought a password along.
fn is_harmless(location: &str, findings: &mut Findings) -> bool {
    let Some((scheme, rest)) = location.split_once("://") else { return true };
    let authority = rest.split('/').next().unwrap_or_default();
    let holds = authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':') || scheme.starts_with("http"));
    if holds {
        refuse_secret(findings);
    }
    !holds
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
