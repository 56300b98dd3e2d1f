//! Comments that silence findings: `-- allow CODE: reason`, on the line where the finding begins or alone on the line
//! above it.
//!
//! In: findings of one model. Out: those that no comment silences, and findings about the comments themselves. A comment
//! without a reason is an error: whoever reads the model later must not have to guess.

use datafusion::sql::sqlparser::{
    dialect::GenericDialect,
    tokenizer::{Token, Tokenizer, Whitespace},
};

use super::{LINTS, place};
use crate::{
    define::project::Model,
    record::{Diagnostic, Place},
};

/// A comment that silences.
struct Allow {
    place: Place,
    codes: Vec<String>,
    /// Lines for which it speaks.
    lines: Vec<usize>,
    has_reason: bool,
}

/// Leaves out the findings that a comment silences, and adds those about the comments.
pub(super) fn silence(model: &Model, findings: Vec<Diagnostic>) -> Vec<Diagnostic> {
    // Most models have no such comment, and are not cut into tokens a second time.
    let allows = if model.text.body.contains("allow ") { allows(model) } else { Vec::new() };
    let mut used = vec![Vec::new(); allows.len()];
    let mut kept = Vec::new();
    for finding in findings {
        let line = finding.place.as_ref().map(|place| place.line_column().0);
        let speaks = |allow: &Allow| {
            allow.has_reason
                && line.is_some_and(|line| allow.lines.contains(&line))
                && allow.codes.iter().any(|code| Some(code.as_str()) == finding.code)
        };
        match allows.iter().position(speaks) {
            Some(index) => used[index].extend(finding.code),
            None => kept.push(finding),
        }
    }
    kept.extend(allows.iter().zip(&used).flat_map(|(allow, used)| faults(allow, used)));
    kept
}

/// Returns what is wrong with a comment.
fn faults(allow: &Allow, used: &[&str]) -> Vec<Diagnostic> {
    let known = || LINTS.iter().map(|lint| lint.code);
    let unknown = allow.codes.iter().filter(|code| !known().any(|known| known == code.as_str()));
    let mut faults: Vec<Diagnostic> = unknown
        .map(|code| {
            let finding = Diagnostic::error(format!("there is no warning `{code}`"), allow.place.clone());
            finding.hint("docs/checks.md lists the codes").did_you_mean(code, known()).code("unknown-allow")
        })
        .collect();
    if !allow.has_reason {
        let finding = Diagnostic::error("a warning is silenced without a reason", allow.place.clone());
        let hint = format!("say why: `-- allow {}: …`", allow.codes.join(", "));
        faults.push(finding.hint(hint).code("allow-without-reason"));
        return faults;
    }
    let is_idle = |code: &&String| known().any(|known| known == code.as_str()) && !used.contains(&code.as_str());
    faults.extend(allow.codes.iter().filter(is_idle).map(|code| {
        let finding = Diagnostic::error(format!("nothing here is a `{code}`"), allow.place.clone());
        finding.hint("remove the comment, or put it on the line of the warning").code("unused-allow").into_warning()
    }));
    faults
}

/// Returns the comments of a model that silence something.
fn allows(model: &Model) -> Vec<Allow> {
    let text = &model.text.body;
    let Ok(tokens) = Tokenizer::new(&GenericDialect {}, text).tokenize_with_location() else { return Vec::new() };
    let mut allows = Vec::new();
    for token in tokens {
        let Token::Whitespace(Whitespace::SingleLineComment { comment, .. }) = &token.token else { continue };
        let Some((codes, has_reason)) = parse(comment) else { continue };
        let Some(range) = place::range(text, token.span) else { continue };
        let end = range.start + text[range.start..].find('\n').unwrap_or(text.len() - range.start);
        let place = Place { text: model.text.clone(), range: range.start..end };
        let lines = lines(text, &place);
        allows.push(Allow { place, codes, lines, has_reason });
    }
    allows
}

/// Reads ` allow CODE, CODE: reason`; None for any other comment.
fn parse(comment: &str) -> Option<(Vec<String>, bool)> {
    let words = comment.trim().strip_prefix("allow ")?;
    let (codes, reason) = words.split_once(':').unwrap_or((words.split_whitespace().next()?, ""));
    let codes: Vec<String> = codes.split(',').map(|code| code.trim().to_owned()).collect();
    let is_code = |code: &String| {
        code.contains('-') && code.chars().all(|character| character.is_ascii_lowercase() || character == '-')
    };
    codes.iter().all(is_code).then(|| (codes, !reason.trim().is_empty()))
}

/// Returns the lines for which a comment speaks: its own, or the next with code if it stands alone.
fn lines(text: &str, comment: &Place) -> Vec<usize> {
    let own = comment.line_column().0;
    let before = text[..comment.range.start].rsplit('\n').next().unwrap_or_default();
    if !before.trim().is_empty() {
        return vec![own];
    }
    let below = text.lines().enumerate().skip(own);
    let is_code = |(_, line): &(usize, &str)| !line.trim().is_empty() && !line.trim_start().starts_with("--");
    below.into_iter().find(is_code).map(|(index, _)| index + 1).into_iter().collect()
}
