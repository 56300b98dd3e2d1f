//! Checks whose failure a person has looked at and accepts, in one run: `run --accept`.
//!
//! In: what was asked for, and all checks. Out: [`Accepted`]. Deliberately not remembered: what compares with the snapshot
//! before finds nothing from the next run on, and what goes on failing belongs into the check's own severity or tolerance.

use crate::{
    Error,
    check::TableChecks,
    define::project::{Check, CheckKind},
    record::{CheckResult, TableName, diagnostic::nearest},
};

/// The accepted checks, by table and name.
#[derive(Debug, Clone, Default)]
pub(super) struct Accepted(Vec<(TableName, String)>);

impl Accepted {
    /// Reads `schema.table:check` texts.
    ///
    /// # Errors
    /// When one names a check that there is not.
    pub fn new(asked: &[String], tables: &[TableChecks]) -> Result<Self, Error> {
        let found = asked.iter().map(|text| named(text, tables).ok_or_else(|| unknown(text, tables)));
        found.collect::<Result<_, _>>().map(Self)
    }

    /// Returns whether a check is accepted.
    pub fn covers(&self, table: &TableName, check: &str) -> bool {
        self.0.iter().any(|(of, name)| of == table && name == check)
    }

    /// Returns, in words, those that failed nowhere.
    pub fn needless<'a>(&'a self, failed: &'a [CheckResult]) -> impl Iterator<Item = String> + 'a {
        let failed =
            |table: &TableName, name: &str| failed.iter().any(|check| check.table == *table && check.check == name);
        let needless = self.0.iter().filter(move |(table, name)| !failed(table, name));
        needless.map(|(table, name)| format!("{table} {name}: is accepted, and did not fail in this run"))
    }
}

/// Returns, in words, how to publish a step that a check took for wrong, where it compares with what was before.
pub(super) fn how_to_accept(table: &TableName, check: &Check) -> Option<String> {
    let compares = matches!(check.kind, CheckKind::Change(_) | CheckKind::ZScore(_));
    let name = &check.name;
    compares.then(|| format!("{table} {name}: if the step is true, `run --accept '{table}:{name}'` publishes it"))
}

fn named(text: &str, tables: &[TableChecks]) -> Option<(TableName, String)> {
    let all = tables.iter().flat_map(|table| table.checks.iter().map(move |check| (&table.table, &check.name)));
    let is_asked = |(table, name): &(&TableName, &String)| text == format!("{table}:{name}");
    all.into_iter().find(is_asked).map(|(table, name)| (table.clone(), name.clone()))
}

fn unknown(text: &str, tables: &[TableChecks]) -> Error {
    let (wanted, _) = text.split_once(':').unwrap_or((text, ""));
    let table = tables.iter().find(|checks| checks.table.to_string() == wanted);
    let all = table.map_or(tables, std::slice::from_ref).iter();
    let names: Vec<String> =
        all.flat_map(|of| of.checks.iter().map(|check| format!("{}:{}", of.table, check.name))).collect();
    let hint = match (nearest(text, names.iter().map(String::as_str)), table) {
        (Some(name), _) => format!("did you mean `{name}`?"),
        (None, Some(_)) if !names.is_empty() => format!("its checks are {}", names.join(", ")),
        (None, Some(_)) => "it has no checks".to_owned(),
        (None, None) => {
            "checks are named as the report of a run names them: `--accept 'core.sales:change(rows)'`".to_owned()
        }
    };
    Error::Usage { message: format!("there is no check `{text}` to accept"), hint: Some(hint) }
}
