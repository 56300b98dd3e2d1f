//! The columns that identification makes: ids on staged rows, and the three tables of an entity.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use crate::{
    define::{
        Project,
        entity::{Attribute, Entity, PreparationKind},
        project::Source,
    },
    engine::{Catalog, CatalogTable},
    record::TableName,
};

/// The column by whose values a ledger is cut into partitions.
pub(super) const EVENT_MONTH: &str = "run_month";

/// Returns the columns of ids that the staged table of a source gets, in the order of the entities' names.
pub(in crate::run) fn id_columns(entities: &[Entity], source: &str) -> Vec<String> {
    let of = |entity: &Entity| entity.records_of(source).map(|_| entity.id_column.value.clone());
    entities.iter().filter_map(of).collect()
}

/// Returns the tables of all entities, without data.
pub(in crate::run) fn tables(project: &Project) -> Catalog {
    let mut catalog = Catalog::new();
    for entity in &project.entities {
        for (name, schema, partition_by) in of_entity(entity, &project.sources) {
            catalog.insert(name, CatalogTable::empty(&schema, partition_by, None));
        }
    }
    catalog
}

/// Returns names and columns of an entity's tables.
pub(in crate::run) fn schemas(entity: &Entity, sources: &[Source]) -> Vec<(TableName, SchemaRef)> {
    of_entity(entity, sources).into_iter().map(|(name, schema, _)| (name, schema)).collect()
}

/// Returns name, columns and partition columns of an entity's tables.
fn of_entity(entity: &Entity, sources: &[Source]) -> [(TableName, SchemaRef, Vec<String>); 3] {
    [
        (entity.identity_table(), identity(entity, sources), Vec::new()),
        (entity.xref_table(), xref(entity), vec!["source".to_owned()]),
        (entity.event_table(), event(entity), vec![EVENT_MONTH.to_owned()]),
    ]
}

/// Returns the columns of the table with one row for each thing.
pub(super) fn identity(entity: &Entity, sources: &[Source]) -> SchemaRef {
    let mut fields = vec![Field::new(&entity.id_column.value, DataType::Utf8, false)];
    for (number, attribute) in entity.attributes.iter().enumerate() {
        let name = &attribute.name.value;
        fields.push(Field::new(name, type_of(entity, number, sources), true));
        if has_key(attribute) {
            fields.push(Field::new(format!("{name}_key"), DataType::Utf8, true));
        }
    }
    for attribute in &entity.attributes {
        fields.push(Field::new(format!("{}_source", attribute.name.value), DataType::Utf8, true));
    }
    fields.push(Field::new("first_seen_date", DataType::Date32, true));
    fields.push(Field::new("record_count", DataType::Int64, false));
    fields.push(Field::new("source_count", DataType::Int64, false));
    Arc::new(Schema::new(fields))
}

/// Returns whether an attribute has its key beside it, by which SQL can join names that are written differently.
pub(super) fn has_key(attribute: &Attribute) -> bool {
    attribute.preparation.as_ref().is_some_and(|prepared| prepared.kind == PreparationKind::Company)
}

/// Returns the type of an attribute: that of its columns where they have one type, else text.
fn type_of(entity: &Entity, attribute: usize, sources: &[Source]) -> DataType {
    let of = |records: &crate::define::entity::RecordSource| {
        let (_, column) = records.columns.iter().find(|(number, _)| *number == attribute)?;
        let source = sources.iter().find(|source| source.name.value == records.source.value)?;
        Some(source.column(&column.value)?.data_type.clone())
    };
    let mut types = entity.records.iter().filter_map(of);
    let first = types.next().unwrap_or(DataType::Utf8);
    if types.all(|other| other == first) { first } else { DataType::Utf8 }
}

/// Returns the columns of the table with one row for each record.
pub(super) fn xref(entity: &Entity) -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("source", DataType::Utf8, false),
        Field::new("source_key", DataType::Utf8, false),
        Field::new(&entity.id_column.value, DataType::Utf8, false),
        Field::new("rule", DataType::Utf8, true),
        Field::new("score", DataType::Float64, true),
        Field::new("linked_source", DataType::Utf8, true),
        Field::new("linked_key", DataType::Utf8, true),
        Field::new("since", DataType::Date32, false),
        Field::new("own_id", DataType::Utf8, false),
        Field::new("seniority", DataType::Int64, false),
    ]))
}

/// Returns the columns of the table of what happened.
pub(super) fn event(entity: &Entity) -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new(EVENT_MONTH, DataType::Date32, false),
        Field::new("number", DataType::Int64, false),
        Field::new("run_date", DataType::Date32, false),
        Field::new("event", DataType::Utf8, false),
        Field::new(&entity.id_column.value, DataType::Utf8, false),
        Field::new("other_id", DataType::Utf8, true),
        Field::new("source", DataType::Utf8, true),
        Field::new("source_key", DataType::Utf8, true),
        Field::new("record_count", DataType::Int64, false),
        Field::new("rule", DataType::Utf8, true),
        Field::new("score", DataType::Float64, true),
        Field::new("reason", DataType::Utf8, false),
    ]))
}
