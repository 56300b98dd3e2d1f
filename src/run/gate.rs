//! The gate before publishing: which checks run, and what they found.
//!
//! ```text
//!  something changed:  all checks, but those that passed over the same rows ─► ops tables, or the run stops
//!  nothing changed:    only those that ask how old a table is on this run date
//!  checks are others:  those that have not passed, also where nothing is published (a run of some tables)
//! ```
//!
//! In: all tables as they would be published, and the parent snapshot. Out: a [`Gate`]. Deliberately publishes and stops
//! nothing.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::{error::DataFusionError, prelude::SessionContext};

use super::{
    Definitions, Event, Observer,
    accepted::{Accepted, how_to_accept},
    nightly::snapshot_catalog,
    ops, outcome,
};
use crate::{
    Error,
    check::{self, Around, Before, TableChecks},
    define::project::{Check, CheckKind},
    engine::{Catalog, Engine, Parameters, catalog},
    publish::Warehouse,
    record::{
        CheckFailure, CheckResult, Manifest, MeasurePoint, TableName,
        manifest::{Partition, Table},
    },
    transform,
};

/// What the checks found.
#[derive(Debug, Default)]
pub(super) struct Gate {
    /// Checks that rows fail, tolerated ones included.
    pub failed: Vec<CheckResult>,
    /// The rows.
    pub failures: Vec<CheckFailure>,
    /// What checks could not compare, or had no rows for.
    pub notes: Vec<String>,
    /// Checks that look at nothing.
    pub warnings: Vec<String>,
    /// What was measured and has to be remembered.
    pub points: Vec<MeasurePoint>,
    /// What measures were before.
    pub history: Vec<MeasurePoint>,
    /// Hashes of the checks that no row fails.
    pub passed: BTreeMap<TableName, BTreeSet<String>>,
    /// Checks that ran.
    pub ran: usize,
    /// Checks that were not run again.
    pub unchanged: usize,
}

/// What the gate stands between.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    pub definitions: &'a Definitions,
    /// The checks that this run can answer for.
    pub checks: &'a [TableChecks],
    /// Those that may fail.
    pub accepted: &'a Accepted,
    pub engine: &'a Engine,
    pub catalog: &'a Catalog,
    pub parent: Option<&'a Manifest>,
    pub warehouse: &'a Warehouse,
    /// Whether there is anything to publish.
    pub is_new: bool,
    pub observer: &'a dyn Observer,
}

/// Runs the checks that can say something else than they did.
///
/// # Errors
/// When a check cannot be carried out.
pub(super) async fn check_all(around: Surroundings<'_>) -> Result<Gate, Error> {
    let Surroundings { definitions, .. } = around;
    let mut gate = Gate::default();
    // A run of some tables publishes nothing because checks are others now, and still has to run those of its own.
    let are_others = around.parent.is_some_and(|parent| parent.checks != definitions.checks_fingerprint());
    let chosen: Vec<(&TableChecks, Vec<&Check>)> =
        around.checks.iter().map(|table| (table, around.choose(table, are_others, &mut gate))).collect();
    gate.ran = chosen.iter().map(|(_, checks)| checks.len()).sum();
    if gate.ran == 0 && !around.is_new {
        return Ok(gate);
    }
    around.observer.notice(&Event::Checking { checks: gate.ran });
    let all = TableName::new("query", "checks");
    let session = session(around.engine, around.catalog).map_err(failed(&all))?;
    transform::views::define(&definitions.graph.views, &session).await.map_err(failed(&all))?;
    let before =
        match around.parent.filter(|_| chosen.iter().any(|(_, checks)| checks.iter().any(|check| is_change(check)))) {
            Some(parent) => Some((parent, around.previous(parent).map_err(failed(&all))?)),
            None => None,
        };
    let history = match around.parent {
        Some(parent) => ops::measures(parent, around.warehouse, around.engine).await.map_err(failed(&all))?,
        None => Vec::new(),
    };
    let parameters = &definitions.parameters;
    let checking = Around {
        session: &session,
        before: before.as_ref().map(|(parent, session)| Before { session, snapshot: &parent.snapshot }),
        history: &history,
        run_date: parameters.run_date,
        timezone: parameters.timezone,
        kept_rows: definitions.project.pipeline.kept_rows,
    };
    for (table, checks) in chosen.iter().filter(|(_, checks)| !checks.is_empty()) {
        let found = check::run(table, checks, checking).await.map_err(failed(&table.table))?;
        gate.take(table, checks, found, around);
    }
    gate.notes.extend(around.accepted.needless(&gate.failed));
    gate.history = history;
    Ok(gate)
}

/// Returns what a failure of the engine means to the user.
fn failed(table: &TableName) -> impl Fn(DataFusionError) -> Error {
    move |error| outcome::engine_failure(table, &error)
}

fn session(engine: &Engine, catalog: &Catalog) -> Result<SessionContext, DataFusionError> {
    engine.session(catalog::providers(catalog)?)
}

/// Returns the one column that a check reads of another table; None where it may read more of it.
fn field(check: &Check, table: &TableName) -> Option<BTreeSet<String>> {
    let CheckKind::Relationships { to, field, .. } = &check.kind else { return None };
    let is_alone = check.filter.is_none() && to.value == *table;
    is_alone.then(|| BTreeSet::from([field.value.clone()]))
}

const fn is_change(check: &Check) -> bool {
    matches!(check.kind, CheckKind::Change(_))
}

impl Surroundings<'_> {
    /// Returns the checks of a table that run, and notes those that need not.
    fn choose<'a>(&self, table: &'a TableChecks, are_others: bool, gate: &mut Gate) -> Vec<&'a Check> {
        if !self.is_new && !are_others {
            let asks_age = |check: &&Check| matches!(check.kind, CheckKind::Freshness { .. });
            return table.checks.iter().filter(asks_age).collect();
        }
        let (known, chosen): (Vec<&Check>, Vec<&Check>) =
            table.checks.iter().partition(|check| self.has_passed(&table.table, check));
        gate.unchanged += known.len();
        if !known.is_empty() {
            gate.passed.entry(table.table.clone()).or_default().extend(known.into_iter().map(|check| self.hash(check)));
        }
        chosen
    }

    /// Returns whether the parent snapshot has passed the check with the same rows.
    fn has_passed(&self, table: &TableName, check: &Check) -> bool {
        let Some(parent) = self.parent.filter(|parent| parent.tool_version == env!("CARGO_PKG_VERSION")) else {
            return false;
        };
        let Some(others) = check::reads(check).filter(|_| !check::depends_on_time(check)) else { return false };
        parent.passed_checks.get(table).is_some_and(|passed| passed.contains(&self.hash(check)))
            && others.iter().all(|other| self.is_unchanged(other, field(check, other).as_ref(), parent))
            && self.is_unchanged(table, self.columns(table, check).as_ref(), parent)
    }

    /// Returns the columns of its table by which a check is decided; None where any may count.
    fn columns(&self, table: &TableName, check: &Check) -> Option<BTreeSet<String>> {
        check::columns(check, &self.catalog.get(table)?.table)
    }

    /// Returns whether readers of both snapshots see the same rows of a table, by some of its columns if they are given.
    fn is_unchanged(&self, table: &TableName, columns: Option<&BTreeSet<String>>, parent: &Manifest) -> bool {
        let (Some(now), Some(before)) = (self.catalog.get(table), parent.tables.get(table)) else { return false };
        let now = &now.table;
        let is_same_column = |one: &Partition, other: &Partition, column: &String| {
            let content = one.column_contents.get(column);
            now.partition_by.contains(column) || (content.is_some() && content == other.column_contents.get(column))
        };
        let same = |(one, other): (&Partition, &Partition)| {
            let same_columns = |columns: &BTreeSet<String>| {
                one.rows == other.rows && columns.iter().all(|column| is_same_column(one, other, column))
            };
            one.values == other.values && (one.content == other.content || columns.is_some_and(same_columns))
        };
        let is_cut = |table: &Table| {
            let first = self.definitions.parameters.run_date.min(parent.run_date);
            table.partitions.iter().any(|partition| partition.latest_date.is_some_and(|latest| latest > first))
        };
        now.columns == before.columns
            && now.partition_by == before.partition_by
            && (&now.event_date, &now.as_of) == (&before.event_date, &before.as_of)
            && now.partitions.len() == before.partitions.len()
            && now.partitions.iter().zip(&before.partitions).all(same)
            && (self.definitions.parameters.run_date == parent.run_date || !is_cut(now))
    }

    /// Returns the hash of what a check asks for: its words, and the project's functions where its words may call them.
    fn hash(&self, check: &Check) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(check.spelled().as_bytes());
        if check.filter.is_some() || matches!(check.kind, CheckKind::Expr(_)) {
            for function in &self.definitions.project.functions {
                hasher.update(function.text.body.as_bytes());
            }
        }
        hasher.finalize().to_hex()[..16].to_owned()
    }

    /// Returns a session over the tables of the parent snapshot, as they answered on its own run date.
    fn previous(&self, parent: &Manifest) -> Result<SessionContext, DataFusionError> {
        let parameters = Parameters { run_date: parent.run_date, ..self.definitions.parameters.clone() };
        session(self.engine, &snapshot_catalog(self.warehouse, parent, &parameters)?)
    }
}

impl Gate {
    fn take(&mut self, table: &TableChecks, checks: &[&Check], found: check::Found, around: Surroundings<'_>) {
        for (check, result) in checks.iter().zip(&found.results) {
            // What looked at nothing says so every night.
            if result.is_passed() && result.looked_at_rows != Some(0) && !check::depends_on_time(check) {
                self.passed.entry(table.table.clone()).or_default().insert(around.hash(check));
            }
        }
        for (check, mut result) in checks.iter().zip(found.results).filter(|(_, result)| !result.is_passed()) {
            if result.is_fatal() && around.accepted.covers(&table.table, &check.name) {
                result.is_accepted = true;
            } else if result.is_fatal() {
                self.notes.extend(how_to_accept(&table.table, check));
            }
            self.failed.push(result);
        }
        self.failures.extend(found.failures);
        self.notes.extend(found.notes);
        self.warnings.extend(found.warnings);
        self.points.extend(found.points);
    }

    /// Returns why nothing may be published.
    pub(super) fn refusal(&self) -> Option<String> {
        let fatal = self.failed.iter().filter(|check| check.is_fatal());
        let fatal: Vec<String> = fatal.map(|check| format!("{} {}", check.table, check.check)).collect();
        let noun = if fatal.len() == 1 { "a check" } else { "checks" };
        (!fatal.is_empty()).then(|| format!("{noun} failed: {}", fatal.join(", ")))
    }
}
