//! Models and the CSV files beside them: `core/size_class.csv` holds the rows of the seed `core.size_class`.
//!
//! In: all files below the folder of models but functions. Out: the models, each seed with its rows. What the rows say is the
//! planner's matter.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

use super::{
    assemble::{File, Known, read_all},
    model,
    project::{Dialect, Kind, Model},
};
use crate::record::{Diagnostic, Place};

/// Reads models, but those that are known already, and gives seeds their rows.
pub fn models(files: Vec<File>, dialect: Dialect, known: Known<'_>, findings: &mut Vec<Diagnostic>) -> Vec<Model> {
    let is_csv = |(_, relative): &File| relative.extension().is_some_and(|extension| extension == "csv");
    let (mut rows, written): (Vec<File>, Vec<File>) = files.into_iter().partition(is_csv);
    let headers: BTreeSet<PathBuf> = written.iter().map(|(_, relative)| relative.clone()).collect();
    let beside = |rows: &mut Vec<File>, relative: &PathBuf| {
        let index = rows.iter().position(|(_, other)| *other == relative.with_extension("csv"))?;
        Some(rows.swap_remove(index))
    };
    let read = |(text, relative): File| {
        let known = known(&text, &relative).map(Ok);
        let (model, warnings) = known.unwrap_or_else(|| model::read(&text, &relative, dialect))?;
        let (model, wrong) = joined(model, beside(&mut rows, &relative));
        if wrong.is_empty() { Ok((model, warnings)) } else { Err(warnings.into_iter().chain(wrong).collect()) }
    };
    let mut models = read_all(written, read, findings);
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
