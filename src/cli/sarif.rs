//! Findings as SARIF 2.1.0, the format in which code hosts take them and show them in a review.
//!
//! In: findings. Out: one JSON document; each code is a rule with a link to its section of `docs/checks.md`. Findings that
//! have no code come under the rule `definition`. (OASIS, Static Analysis Results Interchange Format 2.1.0.)

use serde_json::{Value, json};

use super::diagnostics;
use crate::{
    record::{Diagnostic, Place},
    run,
};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// The page that explains the rules, from the repository's root.
const PAGE: &str = "docs/checks.md";

/// The rule of findings that have no code of their own.
const DEFINITION: (&str, &str) = ("definition", "a definition that cannot be used");

/// Returns a SARIF log with one run.
pub(super) fn log(findings: &[Diagnostic]) -> Value {
    let rules: Vec<Value> = rules().map(rule).collect();
    let results: Vec<Value> = findings.iter().map(result).collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "tallyhouse",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rules() -> impl Iterator<Item = (&'static str, &'static str)> {
    std::iter::once(DEFINITION).chain(run::lint::codes())
}

fn rule((code, summary): (&str, &str)) -> Value {
    let page = if code == DEFINITION.0 { PAGE.to_owned() } else { format!("{PAGE}#{code}") };
    json!({
        "id": code,
        "shortDescription": { "text": summary },
        "fullDescription": { "text": summary },
        "help": { "text": format!("{summary}: see {page}") },
        "helpUri": page,
        "defaultConfiguration": { "level": if is_warning(code) { "warning" } else { "error" } },
    })
}

fn is_warning(code: &str) -> bool {
    code != DEFINITION.0 && !run::lint::is_error(code)
}

fn result(finding: &Diagnostic) -> Value {
    let code = finding.code.unwrap_or(DEFINITION.0);
    let text = match &finding.hint {
        Some(hint) => format!("{}. {hint}", finding.message),
        None => finding.message.clone(),
    };
    // A finding about the whole project has no place, and a code host wants one.
    let locations: Vec<Value> = finding.place.iter().map(location).collect();
    let mut result = json!({
        "ruleId": code,
        "ruleIndex": rules().position(|(known, _)| known == code),
        "level": diagnostics::level(finding.severity),
        "message": { "text": text },
        "locations": locations,
    });
    if !finding.also().is_empty() {
        result["relatedLocations"] = finding.also().iter().map(location).collect();
    }
    result
}

fn location(place: &Place) -> Value {
    let (line, column) = place.line_column();
    let (end_line, end_column) = diagnostics::end_of(place).line_column();
    json!({ "physicalLocation": {
        "artifactLocation": { "uri": uri(&place.text.path) },
        "region": {
            "startLine": line,
            "startColumn": column,
            "endLine": end_line,
            "endColumn": end_column,
        },
    } })
}

/// Returns a path as a URI: `/` between folders, other characters than those of a URI's path encoded.
fn uri(path: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    let path = path.replace('\\', "/");
    path.bytes()
        .map(|byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_becomes_a_uri() {
        assert_eq!(uri("sql/core/a b.sql"), "sql/core/a%20b.sql");
        assert_eq!(uri("模型\\a.sql"), "%E6%A8%A1%E5%9E%8B/a.sql");
    }
}
