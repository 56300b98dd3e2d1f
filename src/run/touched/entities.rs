//! What an entity makes of tables, for comparing two sides: the ids on staged rows, and its own tables.
//!
//! In: an entity, its pinned model and what people have decided. Out: states of tables, in which a column has another meaning as
//! soon as anything is another that decides its values. Who is who is one question, so that all ids change at once; which
//! value of an attribute wins is asked for each attribute.

use std::collections::BTreeMap;

use arrow::datatypes::DataType;

use crate::{
    Error,
    define::{Project, entity::Entity},
    record::TableName,
    run::identity,
    transform::lineage::TableState,
};

/// Adds the ids to the staged tables of an entity's sources, and the entity's own tables.
///
/// # Errors
/// When its model or its overrides are wrong.
pub(super) fn add(
    entity: &Entity,
    project: &Project,
    tables: &mut BTreeMap<TableName, TableState>,
) -> Result<(), Error> {
    let ids = who_is_who(entity)?;
    for records in &entity.records {
        if let Some(staged) = tables.get_mut(&TableName::staged(&records.source.value)) {
            staged.definition.push_str(&ids);
            staged.columns.insert(entity.id_column.value.clone(), (DataType::Utf8, ids.clone()));
        }
    }
    for (name, schema) in identity::schemas(entity, &project.sources) {
        let is_identity = name == entity.identity_table();
        let mut state = TableState::default();
        for field in schema.fields() {
            let wins = if is_identity { wins(entity, field.name()) } else { String::new() };
            state.columns.insert(field.name().clone(), (field.data_type().clone(), format!("{ids} {wins}")));
        }
        state.definition = format!("{:?}", state.columns);
        tables.insert(name, state);
    }
    Ok(())
}

/// Returns a hash of all that decides ids, which value wins left aside.
fn who_is_who(entity: &Entity) -> Result<String, Error> {
    let mut bare = entity.clone();
    bare.attributes.iter_mut().for_each(|attribute| attribute.survivorship.clear());
    identity::meaning(&bare)
}

/// Returns how the value of a column of the identity table is chosen, where it is that of an attribute, its key or its source.
fn wins(entity: &Entity, column: &str) -> String {
    let of = |name: &str| entity.attributes.iter().find(|attribute| attribute.name.value == name);
    let parts = [Some(column), column.strip_suffix("_key"), column.strip_suffix("_source")];
    let attribute = parts.into_iter().flatten().find_map(of);
    attribute.map(|attribute| format!("{:?}", attribute.survivorship)).unwrap_or_default()
}
