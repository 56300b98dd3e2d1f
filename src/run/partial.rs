//! Runs of a part: what stands unselected tables in good stead.
//!
//! ```text
//!  selected model      built from its inputs as they are: selected ones as this run made them, others as the snapshot has them
//!  unselected model    stays as the snapshot has it, with its definition and fingerprints; noted as left behind once
//!                      something that it reads has moved on
//!  source              staged by every run, so that the staged tables of a snapshot are always of one night
//! ```
//!
//! In: definitions, the parent snapshot and the selected tables. Out: tables that are carried over, refusals, and which
//! checks can be run.

use std::collections::BTreeSet;

use super::{Definitions, Rebuild, select};
use crate::{
    Error,
    check::TableChecks,
    engine::{Catalog, CatalogTable, SnapshotTable},
    publish::{self, Finder},
    record::{Manifest, TableName, table::STAGED},
    transform::{Graph, PlannedModel, decide, decide::Base},
};

/// The part of a pipeline that a run builds.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope {
    /// The selected tables; None for all.
    selected: Option<BTreeSet<TableName>>,
}

impl Scope {
    /// Understands what a run is asked for.
    ///
    /// # Errors
    /// When a table that must be rebuilt is not selected, or a selected model reads a table that this run can neither make
    /// nor take from the snapshot.
    pub fn new(
        selected: Option<BTreeSet<TableName>>,
        rebuild: &Rebuild,
        graph: &Graph,
        parent: Option<&Manifest>,
    ) -> Result<Self, Error> {
        let scope = Self { selected };
        let left = |table: &&String| TableName::try_from((*table).clone()).is_ok_and(|name| !scope.builds(&name));
        if let Some(table) = rebuild.tables.iter().find(left) {
            return Err(Error::Usage {
                message: format!("`{table}` is to be rebuilt and is not selected"),
                hint: Some(format!("add it: `--select {table}`")),
            });
        }
        for model in graph.models.iter().filter(|model| scope.builds(&model.model.name)) {
            scope.refuse_inputs(model, graph, parent)?;
        }
        Ok(scope)
    }

    /// Returns whether a model is built.
    pub fn builds(&self, table: &TableName) -> bool {
        self.selected.as_ref().is_none_or(|selected| selected.contains(table))
    }

    /// Returns whether nothing is left out. A full run of some tables leaves the identities as they are: nobody selects them.
    pub const fn is_whole(&self) -> bool {
        self.selected.is_none()
    }

    /// Returns the models that are not built.
    pub fn left_out<'a>(&self, graph: &'a Graph) -> impl Iterator<Item = &'a PlannedModel> + use<'a, '_> {
        graph.models.iter().filter(|model| !self.builds(&model.model.name))
    }

    fn refuse_inputs(&self, model: &PlannedModel, graph: &Graph, parent: Option<&Manifest>) -> Result<(), Error> {
        let name = &model.model.name;
        let hint = |read: &TableName| Some(format!("select it too: `{read}` beside `{name}`, or `+{name}`"));
        for read in model.statement.tables.iter().filter(|read| !self.builds(read)) {
            let Some(written) = graph.get(read) else { continue };
            let Some((parent, table)) = parent.and_then(|parent| Some((parent, parent.tables.get(read)?))) else {
                let message = format!("`{name}` reads `{read}`, which is neither selected nor in a served snapshot");
                return Err(Error::Usage { message, hint: hint(read) });
            };
            if select::columns(table) != select::columns(&written.declared()) {
                let snapshot = &parent.snapshot;
                let message = format!(
                    "`{name}` reads `{read}`, which is not selected and has other columns in snapshot {snapshot}"
                );
                return Err(Error::Usage { message, hint: hint(read) });
            }
        }
        Ok(())
    }

    /// Puts the tables that are not built into a catalog, as the snapshot has them.
    ///
    /// # Errors
    /// When the manifest declares a type that is none.
    pub fn carry_over(
        &self,
        graph: &Graph,
        parent: Option<&Manifest>,
        files: &Finder,
        catalog: &mut Catalog,
    ) -> Result<(), Error> {
        for name in self.left_out(graph).map(|model| &model.model.name) {
            let Some(table) = parent.and_then(|parent| parent.tables.get(name)) else { continue };
            let schema = SnapshotTable::declared_schema(table)
                .map_err(|error| Error::Environment { message: error.strip_backtrace(), hint: None })?;
            let locate = |file: &_| files.find(name, file);
            catalog.insert(name.clone(), CatalogTable::new(table.clone(), schema, None, &locate));
        }
        Ok(())
    }

    /// Notes which of the tables that were not built no longer follow from what they read, so that the next run that
    /// builds them compares them with it and does not take an unchanged input for an unchanged table.
    pub fn note_left_behind(&self, graph: &Graph, parent: Option<&Manifest>, catalog: &mut Catalog) {
        let Some(parent) = parent else { return };
        for model in self.left_out(graph) {
            let has_moved = decide::has_moved(model, Base { parent, catalog });
            if let Some(table) = catalog.get_mut(&model.model.name).filter(|_| has_moved) {
                table.table.is_behind = true;
            }
        }
    }

    /// Writes into a manifest of which day the definitions of tables are that were not built, where the run date counts in them.
    pub fn note_days(&self, graph: &Graph, parent: Option<&Manifest>, manifest: &mut Manifest) {
        let Some(parent) = parent else { return };
        let is_dated = |model: &&PlannedModel| model.statement.parameters.contains("run_date");
        for model in self.left_out(graph).filter(is_dated) {
            if let Some(table) = manifest.tables.get_mut(&model.model.name) {
                let day = table.defined_on.unwrap_or(parent.run_date);
                table.defined_on = (day != manifest.run_date).then_some(day);
            }
        }
    }

    /// Returns the checks that this run can answer for: those of sources and of the models that it builds, as far as the
    /// tables they name are there.
    pub fn checks(&self, definitions: &Definitions, catalog: &Catalog) -> Vec<TableChecks> {
        let is_source = |table: &TableName| table.schema == STAGED;
        let is_there = |table: &TableName| self.selected.is_none() || catalog.contains_key(table);
        let mine = definitions.checks.iter().filter(|checks| is_source(&checks.table) || self.builds(&checks.table));
        mine.map(|checks| {
            let mut checks = checks.clone();
            checks.checks.retain(|check| check.kind.other_table().is_none_or(is_there));
            checks
        })
        .collect()
    }

    /// Returns whether a manifest says something new, and writes into it which checks its tables have passed: none for
    /// sure after a run that left some out, so that the next whole run runs all of them.
    pub fn is_new(&self, manifest: &mut Manifest, parent: Option<&Manifest>) -> bool {
        let Some(parent) = parent else { return true };
        if self.selected.is_none() {
            return !publish::same_facts(parent, manifest);
        }
        manifest.checks.clone_from(&parent.checks);
        let is_new = !publish::same_facts(parent, manifest);
        if is_new {
            manifest.checks.clear();
        }
        is_new
    }
}
