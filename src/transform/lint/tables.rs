//! What is known of the tables that a model reads, before any row of them: columns, keys, partitions, accepted values.
//!
//! In: contracts, model headers and planned schemas. Out: answers by table. Deliberately believes only what stops a run
//! when it is broken: a check that merely warns proves nothing.

use std::collections::{BTreeMap, BTreeSet};

use arrow::datatypes::{DataType, SchemaRef};

use crate::{
    define::project::{Check, CheckKind, CheckSeverity, CodeTable, Column, History, Model, Source, UnknownCode},
    engine::Catalog,
    record::{Placed, TableName},
    transform::Graph,
};

/// Tables by name.
#[derive(Debug, Default)]
pub struct Tables {
    tables: BTreeMap<TableName, Known>,
}

/// What is known of one table.
#[derive(Debug)]
pub(super) struct Known {
    /// Its columns.
    pub schema: SchemaRef,
    /// Columns that name a row; empty where nobody said.
    pub key: Vec<String>,
    /// Partition columns.
    pub partition_by: Vec<String>,
    /// Columns that are never NULL.
    pub never_null: BTreeSet<String>,
    /// The only values of a column, as text.
    pub values: BTreeMap<String, BTreeSet<String>>,
}

impl Known {
    /// Returns the type of a column and whether it may be NULL.
    pub(super) fn column(&self, name: &str) -> Option<(DataType, bool)> {
        let field = self.schema.field_with_name(name).ok()?;
        Some((field.data_type().clone(), field.is_nullable() && !self.never_null.contains(name)))
    }
}

impl Tables {
    /// Collects the staged tables and the planned models, views among them.
    #[must_use]
    pub fn new(sources: &[Source], staged: &Catalog, graph: &Graph) -> Self {
        let mut tables = Self::staged(sources, staged);
        let models = graph.models.iter().map(|planned| (&planned.model, &planned.schema));
        for (model, schema) in models.chain(graph.views.iter().map(|view| (&view.model, &view.schema))) {
            tables.insert(model, schema);
        }
        tables
    }

    /// Collects the staged tables.
    #[must_use]
    pub fn staged(sources: &[Source], staged: &Catalog) -> Self {
        let mut tables = Self::default();
        for source in sources {
            if let Some(table) = staged.get(&source.table()) {
                tables.tables.insert(source.table(), of_source(source, table.schema()));
            }
        }
        // What neither a contract nor SQL makes: the tables of entities.
        for (name, table) in staged {
            tables.tables.entry(name.clone()).or_insert_with(|| Known {
                schema: table.schema(),
                key: Vec::new(),
                partition_by: table.table.partition_by.clone(),
                never_null: BTreeSet::new(),
                values: BTreeMap::new(),
            });
        }
        tables
    }

    /// Adds a planned model or view.
    pub fn insert(&mut self, model: &Model, schema: &SchemaRef) {
        self.tables.insert(model.name.clone(), of_model(model, schema));
    }

    /// Returns everything but its columns that is known of a table, as text that is another one if anything else is known.
    #[must_use]
    pub fn promises(&self, name: &TableName) -> Option<String> {
        let Known { schema: _, key, partition_by, never_null, values } = self.tables.get(name)?;
        Some(format!("{key:?} {partition_by:?} {never_null:?} {values:?}"))
    }

    /// Returns what is known of a table.
    pub(super) fn get(&self, name: &TableName) -> Option<&Known> {
        self.tables.get(name)
    }
}

fn of_source(source: &Source, schema: SchemaRef) -> Known {
    let mut values = accepted(&source.checks);
    for column in &source.columns {
        if let Some(codes) = meanings(column) {
            values.insert(column.name.value.clone(), codes);
        }
    }
    Known {
        schema,
        key: names(&source.key),
        partition_by: names(&source.partition_by),
        never_null: never_null(&source.checks),
        values,
    }
}

fn of_model(model: &Model, schema: &SchemaRef) -> Known {
    let key = match &model.history {
        Some(history) => names(&history.key).into_iter().chain([History::VALID_FROM.to_owned()]).collect(),
        None => key(model),
    };
    Known {
        schema: schema.clone(),
        key,
        partition_by: names(&model.partition_by),
        never_null: never_null(&model.checks),
        values: accepted(&model.checks),
    }
}

/// Returns a model's key, or else the columns of a check that they are unique.
fn key(model: &Model) -> Vec<String> {
    let checked = || {
        binding(&model.checks).find_map(|check| match &check.kind {
            CheckKind::Unique(columns) => Some(names(columns)),
            _ => None,
        })
    };
    match model.key.is_empty() {
        true => checked().unwrap_or_default(),
        false => names(&model.key),
    }
}

fn names(columns: &[Placed<String>]) -> Vec<String> {
    columns.iter().map(|column| column.value.clone()).collect()
}

/// Returns the checks that hold for every published row.
fn binding(checks: &[Check]) -> impl Iterator<Item = &Check> {
    checks.iter().filter(|check| check.severity == CheckSeverity::Error && check.filter.is_none())
}

fn never_null(checks: &[Check]) -> BTreeSet<String> {
    let columns = binding(checks).filter_map(|check| match &check.kind {
        CheckKind::NotNull(columns) => Some(columns),
        _ => None,
    });
    columns.flatten().map(|column| column.value.clone()).collect()
}

fn accepted(checks: &[Check]) -> BTreeMap<String, BTreeSet<String>> {
    let values = binding(checks).filter_map(|check| match &check.kind {
        CheckKind::AcceptedValues { column, values } => Some((column.value.clone(), values.iter().cloned().collect())),
        _ => None,
    });
    values.collect()
}

/// Returns what a column of codes can hold, where the contract lists it and rejects everything else.
fn meanings(column: &Column) -> Option<BTreeSet<String>> {
    let codes = column.codes.as_ref().filter(|codes| codes.unknown != UnknownCode::Keep && column.clean.is_empty())?;
    let CodeTable::Inline(table) = &codes.table else { return None };
    Some(table.values().cloned().chain(column.default.clone()).collect())
}
