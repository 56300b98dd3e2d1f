//! The functions that a project defines in SQL, for whoever asks about them alone.

use std::collections::BTreeSet;

use super::{Request, load, outcome, output};
use crate::{
    Error,
    engine::{Engine, functions::catalogue::Listed},
    transform,
};

/// Returns a project's own functions; none where there is no pipeline file.
///
/// # Errors
/// Everything that is wrong with the pipeline file and with the functions.
pub fn functions(request: &Request, engine: &Engine) -> Result<Vec<Listed>, Error> {
    if !output::exists(&request.pipeline) {
        return Ok(Vec::new());
    }
    let functions = load::functions(request)?;
    let findings =
        transform::functions::define(&functions, &BTreeSet::new(), engine).map_err(|error| outcome::bug(&error))?;
    if findings.is_empty() {
        Ok(transform::functions::listed(&functions, engine))
    } else {
        Err(Error::Definition(findings))
    }
}
