//! A file of `sql/functions/`: its name and the comment above the function. The SQL itself is left to the planner.

use std::{path::Path, sync::Arc};

use super::{names, project::Function};
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
/// When its name cannot be that of a function.
pub fn read(text: &Arc<Text>, relative: &Path) -> Result<(Function, Vec<Diagnostic>), Vec<Diagnostic>> {
    let place = || Place::start_of(Arc::clone(text));
    let parts: Vec<String> = relative.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    let [_, file] = parts.as_slice() else {
        let message = format!("function `{}` lies in a folder of its own", relative.display());
        return Err(vec![Diagnostic::error(message, place()).hint(format!("put it at `{FOLDER}/<function>.sql`"))]);
    };
    let name = file.strip_suffix(".sql").unwrap_or(file);
    if !names::is_snake_case(name) {
        let message = format!("function `{name}` is not snake_case");
        return Err(vec![Diagnostic::error(message, place()).hint(names::snake_hint(name))]);
    }
    let description = description(&text.body);
    Ok((Function { name: name.to_owned(), text: Arc::clone(text), description }, Vec::new()))
}

/// Returns the lines of comment with which a file begins.
fn description(body: &str) -> Option<String> {
    let lines = body.lines().map(str::trim).skip_while(|line| line.is_empty());
    let comments = lines.map_while(|line| line.strip_prefix("--").map(str::trim));
    let text = comments.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    (!text.is_empty()).then_some(text)
}
