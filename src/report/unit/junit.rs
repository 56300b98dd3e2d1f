//! Results as XML in the form of `JUnit`, which CI servers show: a suite for each model.

use std::collections::BTreeMap;

use crate::record::{TableName, TestResult};

/// Returns the results as one XML document.
#[must_use]
pub fn junit(results: &[TestResult]) -> String {
    let mut suites: BTreeMap<&TableName, Vec<&TestResult>> = BTreeMap::new();
    for result in results {
        suites.entry(&result.model).or_default().push(result);
    }
    let suites: String = suites.iter().map(|(model, results)| suite(model, results)).collect();
    let counts = counts(&results.iter().collect::<Vec<_>>());
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"tallyhouse\" {counts}>\n{suites}</testsuites>\n"
    )
}

fn suite(model: &TableName, results: &[&TestResult]) -> String {
    let cases: String = results.iter().map(|result| case(result)).collect();
    format!("  <testsuite name=\"{}\" {}>\n{cases}  </testsuite>\n", escaped(&model.to_string()), counts(results))
}

fn counts(results: &[&TestResult]) -> String {
    let failed = results.iter().filter(|result| !result.is_passed()).count();
    let seconds: f64 = results.iter().map(|result| result.seconds).sum();
    format!("tests=\"{}\" failures=\"{failed}\" time=\"{seconds:.3}\"", results.len())
}

fn case(result: &TestResult) -> String {
    let (file, line) = place(&result.written_at);
    let head = format!(
        "    <testcase classname=\"{}\" name=\"{}\" file=\"{}\" line=\"{line}\" time=\"{:.3}\"",
        escaped(&result.model.to_string()),
        escaped(&result.test),
        escaped(file),
        result.seconds
    );
    if result.is_passed() {
        return head + "/>\n";
    }
    let words = super::failures(result);
    let first = words.lines().next().unwrap_or_default().trim();
    format!("{head}>\n      <failure message=\"{}\">{}</failure>\n    </testcase>\n", escaped(first), escaped(&words))
}

/// Splits `file:line:column`.
fn place(written_at: &str) -> (&str, &str) {
    let line = written_at.rsplit_once(':').map_or(written_at, |(line, _)| line);
    line.rsplit_once(':').unwrap_or((line, "1"))
}

/// Escapes what has a meaning in XML; characters that XML cannot hold become `\u{…}`.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\n' | '\t' => out.push(character),
            control if control.is_control() || matches!(control, '\u{fffe}' | '\u{ffff}') => {
                out.extend(control.escape_unicode());
            }
            other => out.push(other),
        }
    }
    out
}
