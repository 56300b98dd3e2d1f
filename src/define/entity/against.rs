//! What an entity's file says of others: whether its sources, their columns and its tables are there to be had.

use std::collections::BTreeMap;

use arrow::datatypes::DataType;

use super::{Entity, RecordSource};
use crate::{
    define::{
        findings::suggestion,
        project::{Model, Source},
        types,
    },
    record::{Diagnostic, Placed, TableName},
};

/// Checks every mention of a source and of its columns, and that no two entities want one thing.
#[must_use]
pub fn against_sources(entities: &[Entity], sources: &[Source]) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    let mut names: BTreeMap<&str, &Entity> = BTreeMap::new();
    let mut columns: BTreeMap<(&str, &str), &Entity> = BTreeMap::new();
    for entity in entities {
        if let Some(other) = names.insert(&entity.name.value, entity) {
            let message = format!("entity `{}` is defined twice", entity.name.value);
            let hint = format!("the other one is {}", other.name.place);
            findings.push(Diagnostic::error(message, entity.name.place.clone()).hint(hint));
        }
        for records in &entity.records {
            let Some(source) = sources.iter().find(|source| source.name.value == records.source.value) else {
                let known = sources.iter().map(|source| source.name.value.as_str());
                let message = format!("`{}` in `records` is no source", records.source.value);
                let hint = suggestion(&records.source.value, known);
                findings.push(Diagnostic::error(message, records.source.place.clone()).hint(hint));
                continue;
            };
            if columns.insert((&records.source.value, &entity.id_column.value), entity).is_some() {
                let message = format!("another entity puts `{}` on `{}`", entity.id_column.value, source.name.value);
                findings.push(Diagnostic::error(message, entity.id_column.place.clone()).hint("give it another name"));
            }
            findings.extend(of_source(entity, records, source));
        }
    }
    findings
}

fn of_source(entity: &Entity, records: &RecordSource, source: &Source) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    if source.column(&entity.id_column.value).is_some() {
        let message = format!("source `{}` has a column `{}` of its own", source.name.value, entity.id_column.value);
        let hint = "identification puts that column on the staged table: rename or remove the source's";
        findings.push(Diagnostic::error(message, entity.id_column.place.clone()).hint(hint));
    }
    let references = records.belongs_to.iter().flat_map(|named| &named.key);
    for name in records.key.iter().chain(references) {
        findings.extend(unusable(source, name, is_name, "a key is made of texts, whole numbers and dates"));
    }
    for name in records.date.iter().chain(&records.recent_by) {
        findings.extend(unusable(source, name, types::is_temporal, "a `date` or a `timestamp` is needed"));
    }
    for (_, name) in &records.columns {
        findings.extend(unusable(source, name, is_value, "an attribute is a text, a number, a boolean or a date"));
    }
    findings
}

const fn is_name(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::Int32 | DataType::Int64 | DataType::Date32)
}

const fn is_value(data_type: &DataType) -> bool {
    is_name(data_type) || matches!(data_type, DataType::Boolean | DataType::Float64 | DataType::Decimal128(..))
}

fn unusable(
    source: &Source,
    name: &Placed<String>,
    is_usable: fn(&DataType) -> bool,
    advice: &str,
) -> Option<Diagnostic> {
    let Some(column) = source.column(&name.value) else {
        let known = source.columns.iter().map(|column| column.name.value.as_str());
        let message = format!("`{}` is no column of source `{}`", name.value, source.name.value);
        return Some(Diagnostic::error(message, name.place.clone()).hint(suggestion(&name.value, known)));
    };
    let message = format!("`{}` is of type `{}`", name.value, types::name(&column.data_type));
    (!is_usable(&column.data_type)).then(|| Diagnostic::error(message, name.place.clone()).hint(advice))
}

/// Checks that no model makes a table that an entity makes.
#[must_use]
pub fn against_models(entities: &[Entity], models: &[Model]) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    let mut tables: BTreeMap<TableName, &Entity> = BTreeMap::new();
    for entity in entities {
        for table in entity.tables() {
            if let Some(model) = models.iter().find(|model| model.name == table) {
                let message = format!("`{table}` is made by a model and by entity `{}`", entity.name.value);
                let hint = format!("remove {}: identification makes the table", model.path.display());
                findings.push(Diagnostic::error(message, entity.name.place.clone()).hint(hint));
            }
            tables.insert(table, entity);
        }
    }
    findings
}
