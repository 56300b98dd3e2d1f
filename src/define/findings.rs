//! One text under examination: turns ranges into places and collects what is wrong.
//!
//! In: a definition file, or the part of it that is YAML. Out: its diagnostics, in order of the text. Deliberately
//! never stops at the first finding.

use std::{ops::Range, sync::Arc};

use super::spans::At;
use crate::record::{Diagnostic, Place, Placed, Severity, Text, diagnostic::nearest};

/// How many known names a hint lists before it says "…".
const LISTED: usize = 12;

/// What was found out about one text so far.
#[derive(Debug)]
pub struct Findings {
    text: Arc<Text>,
    part: Range<usize>,
    list: Vec<Diagnostic>,
}

impl Findings {
    /// Begins with a whole file.
    pub fn of(text: Arc<Text>) -> Self {
        let part = 0..text.body.len();
        Self { text, part, list: Vec::new() }
    }

    /// Narrows the part of the file to which ranges refer.
    pub fn within(mut self, part: Range<usize>) -> Self {
        self.part = part;
        self
    }

    /// Returns the part that is examined.
    pub fn body(&self) -> &str {
        &self.text.body[self.part.clone()]
    }

    /// Returns the file.
    pub fn text(&self) -> &Arc<Text> {
        &self.text
    }

    /// Returns the place of a range: a quoted text without its quotes, a collection with all of its first line.
    pub fn place(&self, range: &Range<usize>) -> Place {
        let range = visible(self.body(), range);
        let start = self.part.start;
        Place { text: Arc::clone(&self.text), range: start + range.start..start + range.end }
    }

    /// Turns a value with a range into one with a place.
    pub fn placed<T>(&self, at: At<T>) -> Placed<T> {
        Placed::new(at.value, self.place(&at.range))
    }

    /// The same for a list.
    pub fn all_placed<T>(&self, list: Vec<At<T>>) -> Vec<Placed<T>> {
        list.into_iter().map(|at| self.placed(at)).collect()
    }

    /// Returns the first occurrence of `needle` within a range, or the range itself.
    pub fn narrow(&self, range: &Range<usize>, needle: &str) -> Range<usize> {
        let found = self.body().get(range.clone()).and_then(|raw| raw.find(needle));
        found.map_or_else(|| range.clone(), |at| range.start + at..range.start + at + needle.len())
    }

    /// Adds a finding.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.list.push(diagnostic);
    }

    /// Adds findings.
    pub fn extend(&mut self, found: impl IntoIterator<Item = Diagnostic>) {
        self.list.extend(found);
    }

    /// Adds an error with a hint.
    pub fn error(&mut self, range: &Range<usize>, message: impl Into<String>, hint: impl Into<String>) {
        let place = self.place(range);
        self.push(Diagnostic::error(message, place).hint(hint));
    }

    /// Adds an error about a word that is none of `known`.
    pub fn unknown<'a>(
        &mut self,
        range: &Range<usize>,
        message: impl Into<String>,
        written: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) {
        let hint = suggestion(written, known);
        self.error(range, message, hint);
    }

    /// Takes a value that must be there, or says at `owner` that `key` is missing.
    pub fn required<T>(&mut self, value: Option<T>, owner: &Range<usize>, key: &str, example: &str) -> Option<T> {
        if value.is_none() {
            self.error(owner, format!("`{key}` is missing"), format!("add `{key}: {example}`"));
        }
        value
    }

    /// Returns how many findings there are.
    pub const fn count(&self) -> usize {
        self.list.len()
    }

    /// Forgets all findings but the first so many.
    pub fn truncate(&mut self, count: usize) {
        self.list.truncate(count);
    }

    /// Ends: the value and the warnings, or everything that is wrong.
    pub fn finish<T>(self, value: Option<T>) -> Result<(T, Vec<Diagnostic>), Vec<Diagnostic>> {
        let findings = self.sorted();
        match value {
            Some(value) if !any_error(&findings) => Ok((value, findings)),
            _ => Err(findings),
        }
    }

    /// Ends: all findings in order of the text.
    pub fn sorted(mut self) -> Vec<Diagnostic> {
        self.list.sort_by_key(|finding| finding.place.as_ref().map_or(0, |place| place.range.start));
        self.list
    }
}

/// What was read of one file, right or wrong.
#[derive(Debug)]
pub struct Read<N, T> {
    /// What it makes, where that can be told.
    pub name: Option<N>,
    /// What it says; beside errors only what can be trusted in spite of them.
    pub value: Option<T>,
    /// Everything that is wrong, and warnings.
    pub findings: Vec<Diagnostic>,
}

impl<N, T> Read<N, T> {
    /// Returns whether nothing is wrong.
    pub fn is_right(&self) -> bool {
        self.value.is_some() && !any_error(&self.findings)
    }

    /// Returns the value and the warnings, or everything that is wrong.
    pub fn strictly(self) -> Result<(T, Vec<Diagnostic>), Vec<Diagnostic>> {
        match self.value {
            Some(value) if !any_error(&self.findings) => Ok((value, self.findings)),
            _ => Err(self.findings),
        }
    }
}

/// Returns whether something is wrong.
pub fn any_error(findings: &[Diagnostic]) -> bool {
    findings.iter().any(|finding| finding.severity == Severity::Error)
}

/// Returns "did you mean …" when a known word is near, else the known words.
pub fn suggestion<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    if let Some(name) = nearest(written, known.iter().copied()) {
        return format!("did you mean `{name}`?");
    }
    let listed = known.iter().take(LISTED).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match known.len() {
        0 => "there is none".to_owned(),
        1 => format!("the only one is {listed}"),
        few if few <= LISTED => format!("one of {listed}"),
        _ => format!("one of {listed}, …"),
    }
}

/// Returns what of a range is worth underlining.
fn visible(body: &str, range: &Range<usize>) -> Range<usize> {
    let Some(raw) = body.get(range.clone()) else { return body.len()..body.len() };
    let quoted = |quote| raw.len() >= 2 && raw.starts_with(quote) && raw.ends_with(quote);
    if quoted('"') || quoted('\'') {
        return range.start + 1..range.end - 1;
    }
    if let Some(first) = block_text(raw) {
        return range.start + first.start..range.start + first.end;
    }
    let rest = body[range.start..].lines().next().unwrap_or_default();
    match raw {
        "{" | "[" => range.start..range.start + flow_length(rest),
        "" => range.start..range.start + rest.trim_end().len(),
        _ => range.clone(),
    }
}

/// Returns the first line of a text that begins behind `>` or `|`.
fn block_text(raw: &str) -> Option<Range<usize>> {
    let (mark, text) = raw.split_once('\n').filter(|(mark, _)| mark.starts_with(['>', '|']))?;
    let start = mark.len() + 1 + (text.len() - text.trim_start().len());
    let line = raw.get(start..)?.lines().next()?.trim_end();
    (!line.is_empty()).then(|| start..start + line.len())
}

/// Returns the length of the flow collection that a line begins with, as far as it is on that line.
fn flow_length(line: &str) -> usize {
    let (mut depth, mut quote) = (0_usize, None);
    for (at, character) in line.char_indices() {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (None, '"' | '\'') => quote = Some(character),
            (None, '{' | '[') => depth += 1,
            (None, '}' | ']') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at + character.len_utf8();
        }
    }
    line.trim_end().len()
}
