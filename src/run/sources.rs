//! Staging all sources, those that hold codes before those that use them, with the ids of entities on their rows.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use arrow::{
    array::{AsArray, RecordBatch},
    compute::cast,
    datatypes::{DataType, Schema, SchemaRef},
};
use datafusion::{catalog::TableProvider, common::TableReference, datasource::MemTable, error::DataFusionError};

use super::{
    Definitions,
    identity::{self, Identified},
    ops, outcome,
    outcome::Failure,
    stage::{self, SourceIds, StagedSource, Surroundings, Surveyed},
    validate,
};
use crate::{
    Error,
    define::{
        entity::{Entity, RecordSource},
        project::Source,
    },
    engine::{Catalog, CatalogTable, Engine},
    normalize::{CodeTableRef, Contract},
    publish::Finder,
    record::{TableName, manifest::Table, table::STAGED},
    report::EntityReport,
};

/// All sources and entities of a night.
pub(super) struct Night {
    /// Sources in the order in which they were staged.
    pub sources: Vec<StagedSource>,
    /// What happened to the ids of each entity.
    pub entities: Vec<EntityReport>,
    /// `staged.*` and the tables of entities.
    pub catalog: Catalog,
}

/// Stages every source and identifies every entity. Each source is shown to `finished` as soon as it is; those that get
/// ids are read first, and written when the ids of all of their rows are known.
///
/// # Errors
/// As [`survey_all`], [`identity::identify`] and [`Surveyed::finish`].
pub(super) async fn stage_all(
    definitions: &Definitions,
    engine: &Engine,
    around: Surroundings<'_>,
    manner: identity::Manner,
    finished: &dyn Fn(&StagedSource) -> Result<(), Error>,
) -> Result<Night, Failure> {
    let (mut night, waiting) = survey_all(definitions, engine, around, finished).await?;
    let identified = identify_all(definitions, engine, around, manner, &waiting).await?;
    for (_, found) in &identified {
        night.catalog.extend(found.tables.iter().cloned());
        night.entities.push(found.report.clone());
    }
    for surveyed in waiting {
        let of = identified.iter().filter(|(entity, _)| entity.records_of(&surveyed.source().name.value).is_some());
        let ids: Option<Vec<SourceIds<'_>>> = of.map(|(entity, found)| found.ids(entity, &surveyed)).collect();
        night.finish(surveyed, ids.as_deref(), definitions, around, finished)?;
    }
    let place = ops::Writing { folder: around.place.folder, timezone: around.timezone };
    night.catalog.insert(TableName::file(), ops::files::write(&night.sources, place, around.place.files)?);
    Ok(night)
}

/// Identifies every entity. One whose ids stand gives them all the same where another one puts new ids on the same rows.
async fn identify_all<'a>(
    definitions: &'a Definitions,
    engine: &Engine,
    around: Surroundings<'_>,
    manner: identity::Manner,
    surveyed: &[Surveyed<'_>],
) -> Result<Vec<(&'a Entity, Identified)>, Failure> {
    let entities = &definitions.project.entities;
    let around = identity::Around { definitions, engine, stage: around, manner, gives_all: false };
    let mut identified: Vec<(&Entity, Identified)> = Vec::with_capacity(entities.len());
    for entity in entities {
        identified.push((entity, identify_one(entity, around, surveyed).await?));
    }
    while let Some(at) = standing_beside_new(&identified, surveyed) {
        let (entity, found) = &mut identified[at];
        *found = identify_one(entity, identity::Around { gives_all: true, ..around }, surveyed).await?;
    }
    Ok(identified)
}

async fn identify_one(
    entity: &Entity,
    around: identity::Around<'_>,
    surveyed: &[Surveyed<'_>],
) -> Result<Identified, Failure> {
    let of =
        |records: &RecordSource| surveyed.iter().find(|surveyed| surveyed.source().name.value == records.source.value);
    let sources: Vec<&Surveyed<'_>> = entity.records.iter().filter_map(of).collect();
    let failed = |error| Failure::of(&entity.xref_table(), error);
    Box::pin(identity::identify(entity, &sources, around)).await.map_err(failed)
}

/// Returns an entity whose ids stand on the rows of a source on which those of another one do not.
fn standing_beside_new(identified: &[(&Entity, Identified)], surveyed: &[Surveyed<'_>]) -> Option<usize> {
    surveyed.iter().find_map(|surveyed| {
        let name = &surveyed.source().name.value;
        let on_its_rows = || (0..).zip(identified).filter(|(_, (entity, _))| entity.records_of(name).is_some());
        let is_new = |(entity, found): &(&Entity, Identified)| found.gives(entity, surveyed);
        let stands = on_its_rows().find(|(_, one)| !is_new(one)).map(|(at, _)| at);
        stands.filter(|_| on_its_rows().any(|(_, one)| is_new(one)))
    })
}

/// Stages the sources that get no ids, and reads the others, which are returned in the order in which they were read.
///
/// # Errors
/// As [`stage::survey`] and [`Surveyed::finish`].
pub(super) async fn survey_all<'a>(
    definitions: &'a Definitions,
    engine: &Engine,
    around: Surroundings<'a>,
    finished: &dyn Fn(&StagedSource) -> Result<(), Error>,
) -> Result<(Night, Vec<Surveyed<'a>>), Failure> {
    let project = &definitions.project;
    let mut night = Night { sources: Vec::new(), entities: Vec::new(), catalog: Catalog::new() };
    let mut waiting: Vec<Surveyed<'a>> = Vec::new();
    for source in in_order(&project.sources) {
        let Some(contract) = definitions.contracts.get(&source.name.value) else { continue };
        let failed = |error| Failure::of(&source.table(), error);
        let contract = with_codes(contract, definitions, engine, &night.catalog, &waiting).await.map_err(failed)?;
        let id_columns = identity::id_columns(&project.entities, &source.name.value);
        let has_ids = !id_columns.is_empty();
        let surveyed = stage::survey(source, Arc::new(contract), id_columns, around).await.map_err(failed)?;
        match has_ids {
            true => waiting.push(surveyed),
            false => night.finish(surveyed, None, definitions, around, finished)?,
        }
    }
    Ok((night, waiting))
}

impl Night {
    fn finish(
        &mut self,
        surveyed: Surveyed<'_>,
        ids: Option<&[SourceIds<'_>]>,
        definitions: &Definitions,
        around: Surroundings<'_>,
        finished: &dyn Fn(&StagedSource) -> Result<(), Error>,
    ) -> Result<(), Failure> {
        let source = surveyed.source();
        let schema = surveyed.schema();
        let staged = surveyed.finish(ids).map_err(|error| Failure::of(&source.table(), error))?;
        let table = catalog_table(source, schema, &staged.staged, definitions, around.place.files);
        self.catalog.insert(source.table(), table);
        finished(&staged)?;
        self.sources.push(staged);
        Ok(())
    }
}

/// Orders sources so that each comes after those that hold its codes; `define` has refused circles.
fn in_order(sources: &[Source]) -> Vec<&Source> {
    let mut waiting: Vec<&Source> = sources.iter().collect();
    let mut ordered: Vec<&Source> = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let is_waiting = |name: &str| waiting.iter().any(|source| source.name.value == name);
        let is_ready = |source: &&Source| !source.code_sources().any(|code| is_waiting(&code.value));
        let (ready, rest): (Vec<&Source>, Vec<&Source>) = waiting.iter().copied().partition(is_ready);
        if ready.is_empty() {
            ordered.extend(rest);
            break;
        }
        ordered.extend(ready);
        waiting = rest;
    }
    ordered
}

fn catalog_table(
    source: &Source,
    schema: SchemaRef,
    table: &Table,
    definitions: &Definitions,
    files: &Finder,
) -> CatalogTable {
    let name = source.table();
    let as_of = validate::as_of(source, &definitions.parameters);
    CatalogTable::new(table.clone(), schema, Some(as_of), &|file| files.find(&name, file))
}

/// Returns a contract that knows the codes of all its code tables, written or not yet.
async fn with_codes(
    contract: &Contract,
    definitions: &Definitions,
    engine: &Engine,
    catalog: &Catalog,
    waiting: &[Surveyed<'_>],
) -> Result<Contract, Error> {
    let mut contract = contract.clone();
    for reference in contract.code_tables() {
        let name = TableName::staged(&reference.source);
        let failed = |error: DataFusionError| outcome::engine_failure(&name, &error);
        let unwritten = waiting.iter().find(|surveyed| surveyed.source().name.value == reference.source);
        let table = match (catalog.get(&name), unwritten) {
            (Some(table), _) => table.provider(&name).map_err(failed)?,
            (None, Some(surveyed)) => unwritten_codes(&reference, surveyed, definitions)?,
            (None, None) => continue,
        };
        let codes = codes(&reference, engine, table).await?;
        contract.set_codes(&reference.source, &reference.from, &reference.to, codes);
    }
    Ok(contract)
}

/// Returns the codes of a source whose rows wait for their ids.
fn unwritten_codes(
    reference: &CodeTableRef,
    surveyed: &Surveyed<'_>,
    definitions: &Definitions,
) -> Result<Arc<dyn TableProvider>, Error> {
    let name = TableName::staged(&reference.source);
    let failed = |error: DataFusionError| outcome::engine_failure(&name, &error);
    let as_of = validate::as_of(surveyed.source(), &definitions.parameters);
    let mut columns = vec![reference.from.as_str(), reference.to.as_str()];
    columns.extend(as_of.event_date.iter().chain(&as_of.stages).map(String::as_str));
    columns.sort_unstable();
    columns.dedup();
    let schema = surveyed.schema();
    let fields = columns.iter().filter_map(|column| schema.field_with_name(column).ok().cloned());
    let schema: SchemaRef = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let batches = Mutex::new(Vec::new());
    let see = |piece: &stage::Piece, (): &mut ()| {
        let batch = RecordBatch::try_new(SchemaRef::clone(&schema), piece.columns.clone());
        batches.lock().unwrap_or_else(PoisonError::into_inner).push(batch.map_err(|error| failed(error.into()))?);
        Ok(())
    };
    surveyed.rows()?.each(&columns, &|_| true, see, |_, ()| Ok(()))?;
    let batches = batches.into_inner().unwrap_or_else(PoisonError::into_inner);
    let table = MemTable::try_new(Arc::clone(&schema), vec![batches]).map_err(failed)?;
    as_of.cut(Arc::new(table), &name.to_string()).map_err(failed)
}

fn two_meanings(reference: &CodeTableRef, code: &str, one: &str, other: &str) -> Error {
    Error::Data {
        message: format!("the code `{code}` of `staged.{}` has two meanings, `{one}` and `{other}`", reference.source),
        hint: Some(format!("let `{}` be the key of source `{}`", reference.from, reference.source)),
    }
}

async fn codes(
    reference: &CodeTableRef,
    engine: &Engine,
    table: Arc<dyn TableProvider>,
) -> Result<BTreeMap<String, String>, Error> {
    let name = TableName::staged(&reference.source);
    let failed = |error: DataFusionError| outcome::engine_failure(&name, &error);
    let session = engine.session([(name.clone(), table)]).map_err(failed)?;
    let table = session.table(TableReference::partial(STAGED, reference.source.as_str())).await.map_err(failed)?;
    let columns = table.select_columns(&[&reference.from, &reference.to]).map_err(failed)?;
    let mut codes = BTreeMap::new();
    for batch in columns.collect().await.map_err(failed)? {
        let text = |index: usize| cast(batch.column(index), &DataType::Utf8).map_err(|error| failed(error.into()));
        let (from, to) = (text(0)?, text(1)?);
        let pairs = from.as_string::<i32>().iter().zip(to.as_string::<i32>().iter());
        for (from, to) in pairs.filter_map(|(from, to)| Some((from?, to?))) {
            match codes.insert(from.to_owned(), to.to_owned()) {
                Some(other) if other != to => return Err(two_meanings(reference, from, &other, to)),
                _ => {}
            }
        }
    }
    Ok(codes)
}
