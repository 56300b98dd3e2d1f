//! Checks that nobody has to write: a key names one row, and that of a history one current version.
//!
//! In: a model and its written checks. Out: those, with the implied ones before them.

use super::names;
use crate::{
    define::project::{Check, CheckKind, CheckSeverity, Dialect, History, Model, Tolerance},
    record::{Place, Placed},
};

/// Adds that the key is unique, unless a check says so.
pub(super) fn with_key(key: &[Placed<String>], checks: &[Check]) -> Vec<Check> {
    let is_key = |check: &Check| match &check.kind {
        CheckKind::Unique(columns) if check.filter.is_none() => names(columns) == names(key),
        _ => false,
    };
    let implied = key.first().filter(|_| !checks.iter().any(is_key)).map(|first| {
        let name = format!("unique({})", names(key).join(", "));
        implied(&first.place, name, CheckKind::Unique(key.to_vec()), None)
    });
    implied.into_iter().chain(checks.iter().cloned()).collect()
}

/// Adds what a history needs: on one day its key names one row, and it is not NULL.
pub(super) fn with_history(model: &Model, checks: Vec<Check>) -> Vec<Check> {
    let Some((history, first)) = model.history.as_ref().and_then(|history| Some((history, history.key.first()?)))
    else {
        return checks;
    };
    let key = names(&history.key).join(", ");
    let current = Placed::new(History::IS_CURRENT.to_owned(), first.place.clone());
    let not_null = implied(&first.place, format!("not_null({key})"), CheckKind::NotNull(history.key.clone()), None);
    let name = format!("one current version for each {key}");
    let once = implied(&first.place, name, CheckKind::Unique(history.key.clone()), Some(current));
    [not_null, once].into_iter().chain(checks).collect()
}

fn implied(place: &Place, name: String, kind: CheckKind, filter: Option<Placed<String>>) -> Check {
    Check {
        place: place.clone(),
        name,
        kind,
        severity: CheckSeverity::Error,
        tolerance: Tolerance::default(),
        filter,
        dialect: Dialect::default(),
        tags: Vec::new(),
    }
}
