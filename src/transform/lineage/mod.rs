//! Lineage: which columns of which tables go into a column, and how, from the plan of the engine that runs the model.
//!
//! ```text
//!  SQL ─► logical plan, not optimized ── walk ──► links of each column and of the rows of one table ─┐
//!  contract ─► columns of a source, and their names in its files ────────────────────────────────────┴─► Lineage
//! ```
//!
//! In: planned models and views, and the tables of sources. Out: a graph of [`Element`]s, columns and rows of tables, whose edges
//! say how one uses the other. What decides which rows a table has counts for all of its columns, and stands as one element
//! of its own. A view stands between its readers and what it reads, as a table does, though only its readers compute it. Needs
//! no data. Deliberately absent: how it is shown.

mod change;
mod expressions;
mod flow;
mod graph;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
mod uses;
mod walk;

use std::collections::BTreeMap;

use arrow::datatypes::{FieldRef, SchemaRef};
use datafusion::{error::Result, logical_expr::LogicalPlan};

pub use change::{Change, ColumnChange, TableState, changes, states};
pub use graph::Direction;
pub use uses::{Element, Links, Use, Uses};

use super::{Graph, PlannedModel, views::PlannedView};
use crate::{
    define::project::{History, Kind, Model},
    engine::{Catalog, CatalogTable, Engine, Statement, catalog, parallel},
    record::TableName,
};
use flow::Sources;
use walk::Walk;

/// The lineage of all tables of a project.
#[derive(Debug, Clone, Default)]
pub struct Lineage {
    tables: BTreeMap<TableName, TableLineage>,
    /// What uses each element directly.
    uses: BTreeMap<Element, Links>,
    /// What reads each table.
    readers: BTreeMap<TableName, Vec<TableName>>,
}

/// The lineage of one table.
#[derive(Debug, Clone, Default)]
pub struct TableLineage {
    /// Whether it is a view, which is never stored.
    pub is_view: bool,
    /// The tables that it reads.
    pub reads: Vec<TableName>,
    /// Its columns in order.
    pub columns: Vec<ColumnLineage>,
    /// What decides which rows it has.
    pub rows: Links,
}

/// The lineage of one column.
#[derive(Debug, Clone, Default)]
pub struct ColumnLineage {
    /// Its name.
    pub name: String,
    /// What goes into its value.
    pub from: Links,
    /// Its names in the header of extracts, or `path: …` with the pattern that finds it in their paths, if it comes from there.
    pub headers: Vec<String>,
}

/// Finds the lineage of all models and views, and joins it with that of the sources.
///
/// # Errors
/// When a model cannot be planned again, which is a fault of the program.
pub fn lineage(
    graph: &Graph,
    staged: &Catalog,
    sources: BTreeMap<TableName, TableLineage>,
    engine: &Engine,
) -> Result<Lineage> {
    let written: Vec<Written<'_>> =
        graph.models.iter().map(Written::of_model).chain(graph.views.iter().map(Written::of_view)).collect();
    // A view that the session has as a table is not put into the plans of its readers.
    let made = written.iter().map(|one| (one.model.name.clone(), CatalogTable::empty(one.schema, Vec::new(), None)));
    let bare = super::plan::bare(staged).into_iter().chain(made).collect();
    let session = engine.session(catalog::providers(&bare)?)?;
    let state = session.state();
    let of_one = |one: &Written<'_>| -> Result<(TableName, TableLineage)> {
        let plan = parallel::wait(Box::pin(one.statement.plan_with(&session, &state)))?;
        Ok((one.model.name.clone(), one.lineage(&plan)?))
    };
    let mut tables = sources;
    for found in parallel::each(engine.settings().threads, &written, of_one) {
        let (name, lineage) = found?;
        tables.insert(name, lineage);
    }
    Ok(Lineage::new(tables))
}

/// Returns what goes into each column of a plan, in order, and what decides which rows it gives.
///
/// # Errors
/// When the plan names a column that its input does not have, which no plan of the engine does.
pub fn plan_lineage(plan: &LogicalPlan) -> Result<(Vec<Links>, Links)> {
    let mut walk = Walk::default();
    let flow = walk.plan(plan)?;
    let links = |sources: &Sources| -> Links {
        let link = |(number, uses): (usize, Uses)| Some((walk.met.get(number)?, uses));
        sources.iter().filter_map(link).map(|((table, column), uses)| (Element::column(table, column), uses)).collect()
    };
    Ok((flow.columns.iter().map(links).collect(), links(&flow.rows)))
}

/// A model or a view, as it was planned.
struct Written<'a> {
    model: &'a Model,
    statement: &'a Statement,
    schema: &'a SchemaRef,
}

impl<'a> Written<'a> {
    fn of_model(planned: &'a PlannedModel) -> Self {
        Self { model: &planned.model, statement: &planned.statement, schema: &planned.schema }
    }

    fn of_view(view: &'a PlannedView) -> Self {
        Self { model: &view.model, statement: &view.statement, schema: &view.schema }
    }

    /// Returns the lineage of its table, from its plan.
    fn lineage(&self, plan: &LogicalPlan) -> Result<TableLineage> {
        let (columns, mut rows) = plan_lineage(plan)?;
        let names = plan.schema().fields().iter().map(|field| field.name().as_str());
        let mut columns: BTreeMap<&str, Links> = names.zip(columns).collect();
        // The rows of a table depend on those of what it reads, whatever columns are used.
        let reads = &self.statement.named;
        rows.extend(reads.iter().map(|table| (Element::rows(table), Use::Filter.into())));
        if let Some(history) = &self.model.history {
            add_versions(history, &columns, &mut rows);
        }
        let column = |field: &FieldRef| ColumnLineage {
            name: field.name().clone(),
            from: columns.remove(field.name().as_str()).unwrap_or_default(),
            headers: Vec::new(),
        };
        Ok(TableLineage {
            is_view: self.model.kind == Kind::View,
            reads: reads.clone(),
            columns: self.schema.fields().iter().map(column).collect(),
            rows,
        })
    }
}

/// Which versions of a row there are is decided by its key and by what is tracked.
fn add_versions(history: &History, columns: &BTreeMap<&str, Links>, rows: &mut Links) {
    let is_key = |name: &str| history.key.iter().any(|key| key.value == name);
    for (name, links) in columns {
        let purpose = match (is_key(name), history.is_tracked(name)) {
            (true, _) => Use::Group,
            (false, true) => Use::Filter,
            (false, false) => continue,
        };
        for (element, &uses) in links {
            let known = rows.entry(element.clone()).or_default();
            *known = known.and(Uses::from(purpose).after(uses));
        }
    }
}
