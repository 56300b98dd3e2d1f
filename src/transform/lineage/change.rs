//! What a change of definitions changes of tables: columns that come, go, have another type or are computed otherwise.
//!
//! In: for both sides what each column of each table means, as a hash. Out: changes, by table and column. Two columns with one
//! hash give the same values from the same inputs; how they are written does not count.

use std::collections::BTreeMap;

use arrow::datatypes::{DataType, FieldRef};
use datafusion::{
    common::Column,
    error::Result,
    logical_expr::{Expr, LogicalPlanBuilder},
    prelude::SessionContext,
};
use serde::Serialize;

use super::Element;
use crate::{
    engine::{Catalog, CatalogTable, Engine, Statement, catalog},
    record::TableName,
    transform::{Graph, meaning, normal},
};

/// How a column changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It has another type.
    Retyped,
    /// It is computed otherwise, or over other rows.
    Changed,
}

/// A column that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ColumnChange {
    /// The column.
    #[serde(flatten)]
    pub element: Element,
    /// How.
    pub change: Change,
}

/// What the columns of a table are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableState {
    /// A hash of all that decides its rows; where it is equal, nobody looks at the columns.
    pub definition: String,
    /// A hash of what decides which rows there are, where that is told apart from the columns.
    pub rows: String,
    /// Type and meaning by column.
    pub columns: BTreeMap<String, (DataType, String)>,
}

/// Returns what the tables and views of a graph are. Their columns have a meaning only where `definition` is not the one in `known`,
/// as finding it out takes a while.
///
/// # Errors
/// When the plan of a column cannot be optimized.
pub async fn states(
    graph: &Graph,
    staged: &Catalog,
    known: &BTreeMap<TableName, String>,
    engine: &Engine,
) -> Result<BTreeMap<TableName, TableState>> {
    let models = graph
        .models
        .iter()
        .map(|model| (model.model.name.clone(), CatalogTable::empty(&model.schema, Vec::new(), None)));
    let bare: Catalog = crate::transform::plan::bare(staged).into_iter().chain(models).collect();
    let session = engine.session(catalog::providers(&bare)?)?;
    let models =
        graph.models.iter().map(|model| (&model.model.name, &model.statement, &model.schema, &model.definition));
    let views =
        graph.views.iter().map(|view| (&view.model.name, view.statement.as_ref(), &view.schema, &view.definition));
    let mut states = BTreeMap::new();
    for (name, statement, schema, definition) in models.chain(views) {
        let is_known = known.get(name) == Some(definition);
        let meanings = if is_known { BTreeMap::new() } else { meanings(statement, staged, &session).await? };
        let column = |field: &FieldRef| {
            let meaning = meanings.get(field.name()).cloned().unwrap_or_default();
            (field.name().clone(), (field.data_type().clone(), meaning))
        };
        let columns = schema.fields().iter().map(column).collect();
        let (definition, rows) = (definition.clone(), String::new());
        states.insert(name.clone(), TableState { definition, rows, columns });
    }
    Ok(states)
}

/// Returns a hash of how each column of a statement is computed, by the tables behind its views.
async fn meanings(
    statement: &Statement,
    staged: &Catalog,
    session: &SessionContext,
) -> Result<BTreeMap<String, String>> {
    let (plan, state) = (statement.plan(session).await?, session.state());
    let meaning = |column: &Column| {
        let narrowed = LogicalPlanBuilder::from(plan.clone()).project([Expr::Column(column.clone())])?.build()?;
        let hash = match normal::hash(&state.optimize(&narrowed)?, staged) {
            Some(normal) => normal.to_hex().to_string(),
            None => meaning::of_column(state.optimize(&narrowed)?, "")?.hash,
        };
        Ok((column.name.clone(), hash))
    };
    plan.schema().columns().iter().map(meaning).collect()
}

/// Returns what changed from one side to the other, by table and column.
#[must_use]
pub fn changes(before: &BTreeMap<TableName, TableState>, after: &BTreeMap<TableName, TableState>) -> Vec<ColumnChange> {
    let none = TableState::default();
    let mut names: Vec<&TableName> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    let of_table = |name: &&TableName| {
        let (before, after) = (before.get(name).unwrap_or(&none), after.get(name).unwrap_or(&none));
        let found = if before.definition == after.definition { Vec::new() } else { of_columns(before, after) };
        let columns = found.into_iter().map(|(column, change)| (Element::column(name, column), change));
        let is_there = !before.rows.is_empty() && !after.rows.is_empty();
        let rows = (is_there && before.rows != after.rows).then(|| (Element::rows(name), Change::Changed));
        rows.into_iter().chain(columns).map(|(element, change)| ColumnChange { element, change }).collect::<Vec<_>>()
    };
    names.iter().flat_map(of_table).collect()
}

fn of_columns<'a>(before: &'a TableState, after: &'a TableState) -> Vec<(&'a str, Change)> {
    let mut found: Vec<(&str, Change)> = Vec::new();
    for (name, (old_type, old)) in &before.columns {
        match after.columns.get(name) {
            None => found.push((name, Change::Removed)),
            Some((new_type, _)) if new_type != old_type => found.push((name, Change::Retyped)),
            Some((_, new)) if new != old => found.push((name, Change::Changed)),
            Some(_) => {}
        }
    }
    let added = after.columns.keys().filter(|name| !before.columns.contains_key(*name));
    found.extend(added.map(|name| (name.as_str(), Change::Added)));
    found.sort();
    found
}
