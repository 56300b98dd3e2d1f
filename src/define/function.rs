//! A file of `sql/functions/`: its name, and its header or the comment above the function. The SQL itself is left to the planner.

use std::{path::Path, sync::Arc};

use super::{
    file::{self, Cell},
    findings::{Findings, Read},
    model, names,
    project::{Example, Function},
    spans::At,
    yaml,
};
use crate::record::{Diagnostic, Place, Text};

/// The folder below the models in which functions lie.
const FOLDER: &str = "functions";

/// Returns whether a file below the folder of models is one of functions.
#[must_use]
pub fn is_function(relative: &Path) -> bool {
    relative.starts_with(FOLDER)
}

/// Returns the name that a file gives its function, whether or not it can have it.
#[must_use]
pub fn called(relative: &Path) -> String {
    relative.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// Reads one file.
///
/// # Errors
/// When its name cannot be that of a function, and everything that is wrong with its header.
pub fn read(text: &Arc<Text>, relative: &Path) -> Result<(Function, Vec<Diagnostic>), Vec<Diagnostic>> {
    read_loosely(text, relative).strictly()
}

/// Reads one file as [`read`] does; one with a mistake in what its header says comes back too, since the header computes nothing.
pub fn read_loosely(text: &Arc<Text>, relative: &Path) -> Read<(), Function> {
    let unread = |findings| Read { name: None, value: None, findings };
    let place = || Place::start_of(Arc::clone(text));
    let parts: Vec<String> = relative.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    let [_, file] = parts.as_slice() else {
        let message = format!("function `{}` lies in a folder of its own", relative.display());
        return unread(vec![Diagnostic::error(message, place()).hint(format!("put it at `{FOLDER}/<function>.sql`"))]);
    };
    let name = file.strip_suffix(".sql").unwrap_or(file);
    if !names::is_snake_case(name) {
        let message = format!("function `{name}` is not snake_case");
        return unread(vec![Diagnostic::error(message, place()).hint(names::snake_hint(name))]);
    }
    let mut findings = Findings::of(Arc::clone(text));
    let Some(header) = model::header(text, &mut findings) else { return unread(findings.sorted()) };
    let (yaml, end) = header.map_or((0..0, 0), |header| (header.yaml, header.end));
    let mut findings = findings.within(yaml);
    let written = match yaml::is_blank(findings.body()) {
        true => None,
        false => yaml::parse_mending::<file::Function>(&mut findings).value,
    };
    let file::Function { description, examples } = written.unwrap_or_default();
    let function = Function {
        name: name.to_owned(),
        text: Arc::clone(text),
        description: description.or_else(|| comment(&text.body[end..])),
        examples: examples.0.into_iter().map(|example| self::example(example, &findings)).collect(),
    };
    Read { name: None, value: Some(function), findings: findings.sorted() }
}

fn example((call, value): (At<String>, At<Cell>), findings: &Findings) -> Example {
    let At { value: Cell(text), range } = value;
    Example { call: findings.placed(call), returns: findings.placed(At { value: text, range }) }
}

/// Returns the lines of comment with which a text begins.
fn comment(body: &str) -> Option<String> {
    let lines = body.lines().map(str::trim).skip_while(|line| line.is_empty());
    let comments = lines.map_while(|line| line.strip_prefix("--").map(str::trim));
    let text = comments.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    (!text.is_empty()).then_some(text)
}
