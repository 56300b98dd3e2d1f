//! Lineage of a project's tables: that of the models from their plans, that of the sources from their contracts.
//!
//! In: definitions. Out: a [`Lineage`]. No warehouse is opened and no data is read.

use std::collections::BTreeMap;

use super::{Definitions, Request, definitions, identity, outcome, validate};
use crate::{
    Error,
    define::{
        Project,
        entity::{Entity, RecordSource},
        project::{CodeTable, Column, Source},
    },
    engine::{Engine, Parameters},
    normalize::Contract,
    record::{TableName, diagnostic::nearest},
    transform::{
        Graph,
        lineage::{self, ColumnLineage, Element, Lineage, Links, TableLineage, Use, Uses},
    },
};

/// What somebody asks about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A whole table.
    Table(TableName),
    /// One of its columns.
    Column(Element),
}

/// Finds the lineage of all tables of a request's pipeline.
///
/// # Errors
/// Everything that is wrong with the definitions.
pub async fn lineage(request: &Request, engine: &Engine) -> Result<Lineage, Error> {
    of(&definitions(request, engine).await?, engine)
}

/// Finds the lineage of all tables.
///
/// # Errors
/// When a model that was planned cannot be planned again.
pub(super) fn of(definitions: &Definitions, engine: &Engine) -> Result<Lineage, Error> {
    let Definitions { project, contracts, graph, parameters, .. } = definitions;
    of_parts(project, contracts, graph, parameters, engine)
}

/// Finds the lineage of all tables while definitions are still being validated.
///
/// # Errors
/// As [`of`].
pub(super) fn of_parts(
    project: &Project,
    contracts: &BTreeMap<String, Contract>,
    graph: &Graph,
    parameters: &Parameters,
    engine: &Engine,
) -> Result<Lineage, Error> {
    let compiled = |source: &'_ Source| Some((source.table(), of_source(source, contracts.get(&source.name.value)?)));
    let mut sources: BTreeMap<TableName, TableLineage> = project.sources.iter().filter_map(compiled).collect();
    for entity in &project.entities {
        identified(entity, &staged_columns(entity), &mut sources, project);
    }
    let staged = validate::staged_catalog(project, contracts, parameters);
    lineage::lineage(graph, &staged, sources, engine).map_err(|error| outcome::bug(&error))
}

/// Returns what a contract says of the columns of its staged table.
fn of_source(source: &Source, contract: &Contract) -> TableLineage {
    let table = source.table();
    let made: BTreeMap<&str, Vec<&str>> = contract.derivations().collect();
    let column = |column: &Column| {
        let parts = made.get(column.name.value.as_str()).into_iter().flatten();
        let mut from: Links = parts.map(|part| (Element::column(&table, part), Use::Computed.into())).collect();
        if let Some(CodeTable::Source { source, from: code, to }) = column.codes.as_ref().map(|codes| &codes.table) {
            let codes = TableName::staged(&source.value);
            from.insert(Element::column(&codes, &code.value), Use::Join.into());
            from.insert(Element::column(&codes, &to.value), Uses::COPY);
        }
        let headers = column.from.iter().map(|alias| alias.name.clone());
        let in_path = column.from_path.iter().map(|pattern| format!("path: {}", pattern.as_str()));
        ColumnLineage { name: column.name.value.clone(), from, headers: headers.chain(in_path).collect() }
    };
    let ruled = contract.ruled_by().into_iter().map(|name| (Element::column(&table, name), Use::Filter.into()));
    let mut rows: Links = ruled.collect();
    for key in &source.key {
        let known = rows.entry(Element::column(&table, &key.value)).or_default();
        *known = known.and(Use::Group.into());
    }
    TableLineage {
        is_view: false,
        reads: source.code_sources().map(|code| TableName::staged(&code.value)).collect(),
        columns: source.columns.iter().map(column).collect(),
        rows,
    }
}

/// Returns every column that an entity reads: it decides over ids.
fn staged_columns(entity: &Entity) -> Vec<Element> {
    let of = |records: &RecordSource| {
        let table = TableName::staged(&records.source.value);
        let references = records.belongs_to.iter().flat_map(|named| &named.key);
        let dates = records.date.iter().chain(&records.recent_by);
        let read =
            records.key.iter().chain(references).chain(dates).chain(records.columns.iter().map(|(_, name)| name));
        read.map(|column| Element::column(&table, &column.value)).collect::<Vec<_>>()
    };
    let mut all: Vec<Element> = entity.records.iter().flat_map(of).collect();
    all.sort();
    all.dedup();
    all
}

/// Adds what an entity makes: the ids on staged rows, and its tables.
fn identified(entity: &Entity, read: &[Element], tables: &mut BTreeMap<TableName, TableLineage>, project: &Project) {
    // An id holds none of the values: records are compared by them.
    let compared: Links = read.iter().map(|element| (element.clone(), Use::Join.into())).collect();
    let column =
        |name: &str, from: &Links| ColumnLineage { name: name.to_owned(), from: from.clone(), headers: Vec::new() };
    let staged: Vec<TableName> =
        entity.records.iter().map(|records| TableName::staged(&records.source.value)).collect();
    for table in &staged {
        if let Some(known) = tables.get_mut(table) {
            known.columns.push(column(&entity.id_column.value, &compared));
        }
    }
    for (name, schema) in identity::schemas(entity, &project.sources) {
        let columns = schema.fields().iter().map(|field| {
            let attribute = entity.attributes.iter().position(|attribute| attribute.name.value == *field.name());
            let Some(attribute) = attribute.filter(|_| name == entity.identity_table()) else {
                return column(field.name(), &compared);
            };
            let of = entity.records.iter().filter_map(|records| {
                let (_, name) = records.columns.iter().find(|(number, _)| *number == attribute)?;
                Some((Element::column(&TableName::staged(&records.source.value), &name.value), Uses::COPY))
            });
            column(field.name(), &of.collect())
        });
        let columns = columns.collect();
        let rows = compared.clone();
        tables.insert(name, TableLineage { is_view: false, reads: staged.clone(), columns, rows });
    }
}

/// Understands `schema.table` or `schema.table.column`.
///
/// # Errors
/// When there is no such table or column.
pub fn subject(written: &str, lineage: &Lineage) -> Result<Subject, Error> {
    let unknown = |message: String, meant: Option<&str>, otherwise: &str| Error::Usage {
        message,
        hint: Some(meant.map_or_else(|| otherwise.to_owned(), |name| format!("did you mean `{name}`?"))),
    };
    // Only a column may have a dot in its name.
    let (table, column) = match written.match_indices('.').nth(1) {
        Some((dot, _)) => (&written[..dot], Some(&written[dot + 1..])),
        None => (written, None),
    };
    let name = TableName::try_from(table.to_owned()).ok();
    let Some((name, known)) = name.and_then(|name| lineage.table(&name).map(|known| (name, known))) else {
        let names: Vec<String> = lineage.tables().map(|(name, _)| name.to_string()).collect();
        let meant = nearest(table, names.iter().map(String::as_str));
        return Err(unknown(format!("there is no table `{table}`"), meant, "`tallyhouse lineage` lists all tables"));
    };
    let Some(column) = column else { return Ok(Subject::Table(name)) };
    if known.columns.iter().any(|known| known.name == column) {
        return Ok(Subject::Column(Element::column(&name, column)));
    }
    let meant = nearest(column, known.columns.iter().map(|column| column.name.as_str()));
    let columns: Vec<&str> = known.columns.iter().map(|column| column.name.as_str()).collect();
    let otherwise = format!("it has {}", columns.join(", "));
    Err(unknown(format!("`{name}` has no column `{column}`"), meant, &otherwise))
}
