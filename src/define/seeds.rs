//! Models and the CSV files beside them: `core/size_class.csv` holds the rows of the seed `core.size_class`.
//!
//! In: all files below the folder of models but functions. Out: the models, each seed with its rows. What the rows say is the
//! planner's matter.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

use super::{
    assemble::{File, Known, read_all},
    findings::Read,
    model,
    project::{Dialect, Kind, Model, Wrong},
};
use crate::record::{Diagnostic, Place};

/// Reads models, but those that are known already, and gives seeds their rows; models that are wrong are noted.
pub fn models(
    files: Vec<File>,
    dialect: Dialect,
    known: Known<'_>,
    wrong: &mut Wrong,
    findings: &mut Vec<Diagnostic>,
) -> Vec<Model> {
    let is_csv = |(_, relative): &File| relative.extension().is_some_and(|extension| extension == "csv");
    let (mut rows, written): (Vec<File>, Vec<File>) = files.into_iter().partition(is_csv);
    let headers: BTreeSet<PathBuf> = written.iter().map(|(_, relative)| relative.clone()).collect();
    let beside = |rows: &mut Vec<File>, relative: &PathBuf| {
        let index = rows.iter().position(|(_, other)| *other == relative.with_extension("csv"))?;
        Some(rows.swap_remove(index))
    };
    let mut models = Vec::with_capacity(written.len());
    for (text, relative) in written {
        let known = known(&text, &relative).map(|(model, findings)| Read { name: None, value: Some(model), findings });
        let mut read = known.unwrap_or_else(|| model::read_loosely(&text, &relative, dialect));
        let is_right = read.is_right();
        findings.append(&mut read.findings);
        let Some(model) = read.value else {
            wrong.tables.extend(read.name.filter(|name| !model::is_reserved(&name.schema)).map(|name| (name, text)));
            continue;
        };
        let rows = beside(&mut rows, &relative);
        let is_seed_without_rows = model.kind == Kind::Seed && rows.is_none();
        let (model, found) = joined(model, rows);
        findings.extend(found);
        if is_seed_without_rows {
            wrong.tables.insert(model.name, text);
            continue;
        }
        if !is_right {
            wrong.models.insert(model.name.clone());
        }
        models.push(model);
    }
    // A header that could not be read has said what is wrong; its rows say nothing more.
    rows.retain(|(_, relative)| !headers.contains(&relative.with_extension("sql")));
    models.extend(read_all(rows, |(text, relative): File| model::bare_seed(&text, &relative), findings));
    models
}

/// Gives a model the rows that lie beside it.
fn joined(model: Model, rows: Option<File>) -> (Model, Vec<Diagnostic>) {
    match (model.kind, rows) {
        (Kind::Seed, Some((rows, _))) => (Model { rows: Some(rows), ..model }, Vec::new()),
        (Kind::Seed, None) => {
            let file = model.path.with_extension("csv");
            let message = format!("the seed `{}` has no rows", model.name);
            let finding = Diagnostic::error(message, Place::start_of(Arc::clone(&model.text)));
            let finding = finding.hint(format!("write them into `{}`", file.display()));
            (model, vec![finding])
        }
        (_, Some((rows, _))) => {
            let message = format!("`{}` has a query, so these rows are nobody's", model.name);
            let finding = Diagnostic::error(message, Place::start_of(rows));
            (
                model,
                vec![finding.hint("give the file another name, or make the model one of `kind: seed` without a query")],
            )
        }
        (_, None) => (model, Vec::new()),
    }
}
