//! The columns that identification makes: ids on staged rows, and the tables of an entity.

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
    let is_known = |name: &str| project.sources.iter().any(|source| source.name.value == name);
    // What a source whose contract is wrong would give to an entity is not known.
    let whole = |entity: &&Entity| entity.records.iter().all(|records| is_known(&records.source.value));
    for entity in project.entities.iter().filter(whole) {
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
fn of_entity(entity: &Entity, sources: &[Source]) -> [(TableName, SchemaRef, Vec<String>); 4] {
    [
        (entity.identity_table(), identity(entity, sources), Vec::new()),
        (entity.xref_table(), xref(entity), vec!["source".to_owned()]),
        (entity.event_table(), event(entity), vec![EVENT_MONTH.to_owned()]),
        (entity.evidence_table(), evidence(entity), Vec::new()),
    ]
}

/// Returns the columns of the table with one row for each thing.
pub(super) fn identity(entity: &Entity, sources: &[Source]) -> SchemaRef {
    let mut fields = vec![required(&entity.id_column.value, DataType::Utf8)];
    for (number, attribute) in entity.attributes.iter().enumerate() {
        let name = &attribute.name.value;
        fields.push(optional(name, type_of(entity, number, sources)));
        if has_key(attribute) {
            fields.push(optional(&format!("{name}_key"), DataType::Utf8));
        }
    }
    for attribute in &entity.attributes {
        fields.push(optional(&format!("{}_source", attribute.name.value), DataType::Utf8));
    }
    fields.push(optional("first_seen_date", DataType::Date32));
    fields.push(required("record_count", DataType::Int64));
    fields.push(required("source_count", DataType::Int64));
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
        required("source", DataType::Utf8),
        required("source_key", DataType::Utf8),
        required(&entity.id_column.value, DataType::Utf8),
        optional("rule", DataType::Utf8),
        optional("score", DataType::Float64),
        optional("linked_source", DataType::Utf8),
        optional("linked_key", DataType::Utf8),
        required("since", DataType::Date32),
        required("own_id", DataType::Utf8),
        required("seniority", DataType::Int64),
    ]))
}

/// Returns the columns of the table of what happened.
pub(super) fn event(entity: &Entity) -> SchemaRef {
    Arc::new(Schema::new(vec![
        required(EVENT_MONTH, DataType::Date32),
        required("number", DataType::Int64),
        required("run_date", DataType::Date32),
        required("event", DataType::Utf8),
        required(&entity.id_column.value, DataType::Utf8),
        optional("other_id", DataType::Utf8),
        optional("source", DataType::Utf8),
        optional("source_key", DataType::Utf8),
        required("record_count", DataType::Int64),
        optional("rule", DataType::Utf8),
        optional("score", DataType::Float64),
        required("reason", DataType::Utf8),
    ]))
}

/// Returns the columns of the table of links that a person should look at: one row for each step of the evidence.
pub(super) fn evidence(entity: &Entity) -> SchemaRef {
    Arc::new(Schema::new(vec![
        required("left_source", DataType::Utf8),
        required("left_key", DataType::Utf8),
        required("right_source", DataType::Utf8),
        required("right_key", DataType::Utf8),
        required("number", DataType::Int64),
        required("step", DataType::Utf8),
        optional("level", DataType::Utf8),
        required("bits", DataType::Float64),
        required("probability", DataType::Float64),
        required("is_linked", DataType::Boolean),
        required(&entity.id_column.value, DataType::Utf8),
        required("other_id", DataType::Utf8),
    ]))
}

fn required(name: &str, data_type: DataType) -> Field {
    Field::new(name, data_type, false)
}

fn optional(name: &str, data_type: DataType) -> Field {
    Field::new(name, data_type, true)
}
