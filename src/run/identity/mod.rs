//! Identification of one entity between the reading and the writing of its sources.
//!
//! ```text
//!  surveyed sources ─► gather ─► match ─► settle ─► tables: identity, xref, event, evidence
//!                      records   clusters  ids  └──► ids on the rows of each partition
//!                                           ▲
//!                      overrides, model     └ xref of the last snapshot
//! ```
//!
//! In: surveyed sources and the last snapshot. Out: [`Identified`]. Where the state of everything that decides the answer is that
//! of the last snapshot, its tables and ids stand, and no row is read.

pub mod ask;
mod evidence;
mod gather;
mod link;
mod model;
mod overrides;
mod past;
mod reasons;
mod schema;
mod tables;
mod titles;

use std::collections::HashMap;

use chrono::{Datelike, NaiveDate};

pub(super) use self::schema::{id_columns, schemas, tables};
use self::{
    gather::Gathered,
    model::Pinned,
    overrides::Overrides,
    past::PastRecords,
    reasons::Reasons,
    tables::{Place, Tonight},
};
use super::{
    Definitions,
    stage::{SourceIds, Surroundings, Surveyed},
};
use crate::{
    Error,
    define::entity::Entity,
    engine::{CatalogTable, Engine, SnapshotTable},
    identify::{
        ledger::{self, Event, Ledger},
        matched::Forest,
    },
    publish::WriterOptions,
    record::{Manifest, PartitionValues, TableName, manifest::Table},
    report::EntityReport,
};

/// The version of everything but definitions that decides ids: a change identifies anew.
const IDENTIFY_VERSION: &str = "2";

/// What identification found out about one entity.
pub(super) struct Identified {
    /// Its tables.
    pub tables: Vec<(TableName, CatalogTable)>,
    /// What happened.
    pub report: EntityReport,
    /// Tonight's ids; None where those of the last snapshot stand.
    found: Option<Found>,
}

struct Found {
    gathered: Gathered,
    ledger: Ledger,
}

impl Identified {
    /// Returns the ids of the rows of a source of the entity; None where those of the last snapshot stand.
    pub fn ids<'a>(&'a self, entity: &'a Entity, surveyed: &Surveyed<'_>) -> Option<SourceIds<'a>> {
        let found = self.found.as_ref()?;
        let (rank, records) = entity.records_of(&surveyed.source().name.value)?;
        let source = &found.gathered.sources[rank];
        let lookup = Box::new(|key: &str| Some(found.id(source.find(key)?)));
        Some(SourceIds {
            column: &entity.id_column.value,
            key: records.key.iter().map(|column| column.value.as_str()).collect(),
            partition_by: surveyed.partition_fields(),
            lookup,
            fingerprints: found.fingerprints(rank),
        })
    }
}

impl Found {
    fn id(&self, record: u32) -> &str {
        self.ledger.ids.texts().get(self.ledger.standings[record as usize].id as usize)
    }

    /// Returns a hash of all keys and ids in each partition.
    fn fingerprints(&self, rank: usize) -> HashMap<PartitionValues, String> {
        let source = &self.gathered.sources[rank];
        let of = |records: &Vec<u32>| {
            let mut hasher = blake3::Hasher::new();
            for local in records {
                let (key, number) = source.record(*local);
                let id = number.map_or("", |number| self.id(number));
                for text in [key, id] {
                    hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
                }
            }
            hasher.finalize().to_hex().as_str()[..32].to_owned()
        };
        source.partitions.iter().map(|(values, records)| (values.clone(), of(records))).collect()
    }
}

/// How thoroughly a run identifies, and whether the next one may build on it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Manner {
    /// Whether all is found out anew.
    pub full: bool,
    /// Whether what is found from what the last run knew is compared with what all records say.
    pub verify: bool,
    /// Whether what is found is kept.
    pub remember: bool,
}

/// What identification needs besides the entity.
#[derive(Clone, Copy)]
pub(super) struct Around<'a> {
    pub definitions: &'a Definitions,
    pub engine: &'a Engine,
    pub stage: Surroundings<'a>,
    pub manner: Manner,
}

/// Identifies an entity; `surveyed` has its sources in order of their ranks.
///
/// # Errors
/// Wrong overrides, packs that cannot be read, a disk that refuses.
pub(super) async fn identify(
    entity: &Entity,
    surveyed: &[&Surveyed<'_>],
    around: Around<'_>,
) -> Result<Identified, Error> {
    let overrides = Overrides::read(entity)?;
    let pinned = Pinned::read(entity)?;
    let state = state(entity, surveyed, &overrides, &pinned);
    if !around.manner.full
        && !around.manner.verify
        && let Some(parent) = around.stage.place.parent
        && let Some(kept) = kept(entity, surveyed, &state, parent, around)?
    {
        return Ok(kept);
    }
    let parent = around.stage.place.parent;
    let past = PastRecords::read(entity, parent, around.stage.place.files, around.engine).await?;
    let run_date = around.definitions.parameters.run_date;
    let earlier = past::rows(
        &entity.event_table(),
        &schema::event(entity).fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>(),
        &format!("WHERE \"{}\" = DATE '{}' ORDER BY number", schema::EVENT_MONTH, month(run_date)),
        parent,
        around.stage.place.files,
        around.engine,
    )
    .await?;
    tokio::task::block_in_place(|| found(entity, surveyed, &Said { overrides, pinned, state }, &past, &earlier, around))
}

fn month(day: NaiveDate) -> NaiveDate {
    day.with_day(1).unwrap_or(day)
}

/// Returns a hash of all that decides who is who over the same rows: the definition, the pinned model, what people have decided.
///
/// # Errors
/// When the model or the overrides are wrong.
pub(super) fn meaning(entity: &Entity) -> Result<String, Error> {
    Ok(state(entity, &[], &Overrides::read(entity)?, &Pinned::read(entity)?))
}

/// Returns the hash of all that decides ids, but for the run date.
fn state(entity: &Entity, surveyed: &[&Surveyed<'_>], overrides: &Overrides, pinned: &Pinned) -> String {
    let mut hasher = blake3::Hasher::new();
    let texts = [IDENTIFY_VERSION, &entity.fingerprint(), overrides.body(), pinned.body()];
    for text in texts.into_iter().chain(surveyed.iter().map(|surveyed| surveyed.fingerprint())) {
        hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

/// Writes down a state and the run dates for which it stands.
fn stated(state: &str, (from, until): (NaiveDate, NaiveDate)) -> String {
    format!("{state} {from} {until}")
}

/// Returns whether a state that was written down stands on a run date.
fn stands(written: &str, state: &str, run_date: NaiveDate) -> bool {
    let mut words = written.split(' ');
    let is_same = words.next() == Some(state);
    let mut date = || words.next().and_then(|word| word.parse::<NaiveDate>().ok());
    let (from, until) = (date(), date());
    is_same && from.is_some_and(|from| from <= run_date) && until.is_some_and(|until| run_date < until)
}

/// Takes the tables over from the last snapshot, if nothing that decides them changed.
fn kept(
    entity: &Entity,
    surveyed: &[&Surveyed<'_>],
    state: &str,
    parent: &Manifest,
    around: Around<'_>,
) -> Result<Option<Identified>, Error> {
    let written = parent.tables.get(&entity.xref_table()).and_then(|table| table.definition.as_ref());
    let run_date = around.definitions.parameters.run_date;
    let is_same = written.is_some_and(|written| stands(written, state, run_date));
    if !is_same || !surveyed.iter().all(|surveyed| surveyed.is_as_served()) {
        return Ok(None);
    }
    let mut tables = Vec::new();
    for name in entity.tables() {
        let Some(table) = parent.tables.get(&name) else { return Ok(None) };
        tables.push(known(name, table.clone(), around)?);
    }
    let [things, records] = [0, 1].map(|at| tables[at].1.table.rows());
    let report = EntityReport { is_unchanged: true, things, records, ..EntityReport::new(&entity.name.value) };
    Ok(Some(Identified { tables, report, found: None }))
}

fn known(name: TableName, table: Table, around: Around<'_>) -> Result<(TableName, CatalogTable), Error> {
    let schema = SnapshotTable::declared_schema(&table)
        .map_err(|error| Error::Environment { message: error.strip_backtrace(), hint: None })?;
    let known = CatalogTable::new(table, schema, None, &|file| around.stage.place.files.find(&name, file));
    Ok((name, known))
}

/// What people wrote down of an entity besides its definition, and the hash of all that decides ids.
struct Said {
    overrides: Overrides,
    pinned: Pinned,
    state: String,
}

fn found(
    entity: &Entity,
    surveyed: &[&Surveyed<'_>],
    said: &Said,
    past: &PastRecords,
    earlier: &[arrow::array::RecordBatch],
    around: Around<'_>,
) -> Result<Identified, Error> {
    let parameters = &around.definitions.parameters;
    let gathered = gather::gather(entity, surveyed, parameters)?;
    let records = &gathered.records;
    let link::Linked { matched, doubtful, report: linking, warnings } = link::link(entity, records, said, around)?;
    let names: Vec<&str> = entity.records.iter().map(|records| records.source.value.as_str()).collect();
    let tonight = parameters.run_date.to_epoch_days();
    let past = past.all(entity);
    let ledger = ledger::settle(records, &matched.clusters, &past, &names, &entity.id_prefix, tonight);
    let forest = Forest::new(&matched, leaders(&ledger));
    let reasons = Reasons::new(entity, records, &matched, &forest, &ledger);
    let options = WriterOptions {
        memory_bytes: around.stage.memory_bytes,
        threads: around.stage.threads,
        file_bytes: around.stage.file_bytes,
        ..WriterOptions::default()
    };
    let place = Place {
        folder: around.stage.place.folder,
        parent: around.stage.place.parent,
        timezone: parameters.timezone,
        options: &options,
    };
    let night = Tonight {
        entity,
        sources: &around.definitions.project.sources,
        records,
        latest: &gathered.latest,
        matched: &matched,
        doubtful: &doubtful,
        forest: &forest,
        ledger: &ledger,
        run_date: parameters.run_date,
    };
    let identity = night.identity(place)?;
    let definition = Some(stated(&said.state, gathered.valid));
    let xref = Table { definition, ..night.xref(place)? };
    let events = night.events(&reasons, earlier, place)?;
    let evidence = night.evidence(place)?;
    let report =
        EntityReport { linking: Some(linking), ..report(entity, &ledger, identity.rows(), xref.rows(), warnings) };
    let tables = vec![
        known(entity.identity_table(), identity, around)?,
        known(entity.xref_table(), xref, around)?,
        known(entity.event_table(), events, around)?,
        known(entity.evidence_table(), evidence, around)?,
    ];
    Ok(Identified { tables, report, found: Some(Found { gathered, ledger }) })
}

/// Returns the records whose own ids their clusters bear.
fn leaders(ledger: &Ledger) -> impl Iterator<Item = u32> {
    let leads = (0..).zip(&ledger.standings).filter(|(_, standing)| standing.id == standing.own_id);
    leads.map(|(record, _)| record)
}

fn report(entity: &Entity, ledger: &Ledger, things: u64, records: u64, warnings: Vec<String>) -> EntityReport {
    let count = |event: Event| ledger.changes.iter().filter(|change| change.event == event).count() as u64;
    EntityReport {
        things,
        records,
        assigned: count(Event::Assign),
        merged: count(Event::Merge),
        split: count(Event::Split),
        retired: count(Event::Retire),
        warnings,
        ..EntityReport::new(&entity.name.value)
    }
}
