//! Identification of one entity between the reading and the writing of its sources.
//!
//! ```text
//!  surveyed sources ─► digests ─► gather ─► match ─► settle ─► tables: identity, xref, event, evidence
//!                      │          records   clusters  ids  └──► ids on the rows of each partition
//!                      │                     ▲                    ▲
//!                      │                     overrides, model     └ xref of the last snapshot
//!                      └ nobody says anything new: tables and ids are those of the last snapshot
//! ```
//!
//! In: surveyed sources and the last snapshot. Out: [`Identified`]. Where the state of everything that decides the answer is that
//! of the last snapshot, its tables and ids stand, and no row is read; where only rows are others, those of the partitions in
//! which they are.

pub mod ask;
mod digests;
mod evidence;
mod gather;
mod link;
mod memory;
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
    digests::{Digests, SourceDigests},
    gather::{Gathered, GatheredSource},
    memory::Memory,
    model::Pinned,
    overrides::Overrides,
    past::{PastIds, PastRecords},
    reasons::Reasons,
    tables::{Place, Tonight},
};
use super::{
    Definitions,
    stage::{Lookup, SourceIds, Surroundings, Surveyed},
};
use crate::{
    Error,
    define::entity::Entity,
    engine::{CatalogTable, Engine, SnapshotTable},
    identify::{
        ledger::{self, Event, Ledger},
        matched::Forest,
    },
    publish::{Remembered, WriterOptions},
    record::{Manifest, PartitionValues, TableName, manifest::Table},
    report::EntityReport,
};

/// The version of everything but definitions that decides ids: a change identifies anew.
const IDENTIFY_VERSION: &str = "4";

/// What identification found out about one entity.
pub(super) struct Identified {
    /// Its tables.
    pub tables: Vec<(TableName, CatalogTable)>,
    /// What happened.
    pub report: EntityReport,
    found: Found,
}

/// The ids that rows of the sources bear.
enum Found {
    /// Those of the last snapshot, on rows of the last snapshot.
    Served,
    /// Those of the last snapshot, on rows of which some are new: by rank, where they are.
    Known { ids: Vec<Option<PastIds>>, digests: Digests },
    /// Tonight's.
    Tonight(Box<News>),
}

/// What a night found out.
struct News {
    gathered: Gathered,
    ledger: Ledger,
    digests: Digests,
}

impl Identified {
    /// Returns whether what was found tonight is what was claimed without asking the records.
    fn bears_out(&self, entity: &Entity, claim: &Claim) -> bool {
        let Found::Tonight(news) = &self.found else { return false };
        contents(entity, self.tables.iter().map(|(name, known)| (name, &known.table)))
            == contents(entity, claim.tables.iter().map(|(name, table)| (name, table)))
            && news.digests.said() == claim.digests.said()
    }

    /// Returns whether rows of a source of the entity are written with ids, tonight's or those of the last snapshot.
    pub fn gives(&self, entity: &Entity, surveyed: &Surveyed<'_>) -> bool {
        let Some((rank, _)) = entity.records_of(&surveyed.source().name.value) else { return false };
        match &self.found {
            Found::Served => false,
            Found::Known { ids, .. } => ids.get(rank).is_some_and(Option::is_some),
            Found::Tonight(_) => true,
        }
    }

    /// Returns the ids of the rows of a source of the entity; None where those of the last snapshot stand on the rows of the last
    /// snapshot.
    pub fn ids<'a>(&'a self, entity: &'a Entity, surveyed: &Surveyed<'_>) -> Option<SourceIds<'a>> {
        let (rank, records) = entity.records_of(&surveyed.source().name.value)?;
        let (lookup, digests): (Lookup<'a>, &Digests) = match &self.found {
            Found::Served => return None,
            Found::Known { ids, digests } => {
                let ids = ids.get(rank)?.as_ref()?;
                (Box::new(|key: &str| ids.find(key)), digests)
            }
            Found::Tonight(news) => {
                let News { gathered, ledger, digests } = &**news;
                let source = &gathered.sources[rank];
                (Box::new(|key: &str| Some(id(ledger, source.find(key)?))), digests)
            }
        };
        Some(SourceIds {
            column: &entity.id_column.value,
            key: records.key.iter().map(|column| column.value.as_str()).collect(),
            partition_by: surveyed.partition_fields(),
            lookup,
            fingerprints: digests.sources[rank].ids(),
        })
    }
}

fn id(ledger: &Ledger, record: u32) -> &str {
    ledger.ids.texts().get(ledger.standings[record as usize].id as usize)
}

/// Returns a hash of all keys and ids in each partition of a source.
fn fingerprints(source: &GatheredSource, ledger: &Ledger) -> HashMap<PartitionValues, String> {
    let of = |records: &Vec<u32>| {
        let mut hasher = blake3::Hasher::new();
        for local in records {
            let (key, number) = source.record(*local);
            let id = number.map_or("", |number| id(ledger, number));
            for text in [key, id] {
                hash_text(&mut hasher, text);
            }
        }
        hasher.finalize().to_hex().as_str()[..32].to_owned()
    };
    source.partitions.iter().map(|(values, records)| (values.clone(), of(records))).collect()
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
    /// Whether ids are given to all rows, even where they stand: another entity puts new ones on the same rows.
    pub gives_all: bool,
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
    let said = Said { overrides, pinned, state };
    let (Manner { full, verify, .. }, gives_all) = (around.manner, around.gives_all);
    let parent = around.stage.place.parent;
    let mut claim = None;
    if let Some(parent) = parent.filter(|_| !full) {
        let night = Unchanged { entity, surveyed, said: &said, parent, around };
        if !verify
            && !gives_all
            && let Some(kept) = night.as_served()?
        {
            return Ok(kept);
        }
        claim = night.claim()?;
        if let Some(claim) = claim.take_if(|_| !verify) {
            return night.as_said(claim).await;
        }
    }
    let (gathered, linked) = tokio::task::block_in_place(|| {
        let mut gathered = gather::gather(entity, surveyed, &around.definitions.parameters)?;
        let linked = link::link(entity, &mut gathered.records, &said, around)?;
        Ok::<_, Error>((gathered, linked))
    })?;
    // Read now, since linking needs the room.
    let before = Before::read(entity, around).await?;
    let mut whole =
        tokio::task::block_in_place(|| settled(entity, surveyed, &said, (gathered, linked), before, around))?;
    if let Some(claim) = claim
        && !whole.bears_out(entity, &claim)
        && let Some(linking) = &mut whole.report.linking
    {
        linking.is_proved = Some(false);
    }
    Ok(whole)
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
        hash_text(&mut hasher, text);
    }
    hasher.finalize().to_hex().to_string()
}

/// Hashes a text so that it cannot run into the next one.
fn hash_text(hasher: &mut blake3::Hasher, text: &str) {
    hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
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

/// A night on which ids may be those of the last snapshot.
struct Unchanged<'a> {
    entity: &'a Entity,
    surveyed: &'a [&'a Surveyed<'a>],
    said: &'a Said,
    parent: &'a Manifest,
    around: Around<'a>,
}

impl Unchanged<'_> {
    /// Takes the tables over from the last snapshot, if nothing that decides them changed.
    fn as_served(&self) -> Result<Option<Identified>, Error> {
        let written = self.parent.tables.get(&self.entity.xref_table()).and_then(|table| table.definition.as_ref());
        let run_date = self.around.definitions.parameters.run_date;
        let is_same = written.is_some_and(|written| stands(written, &self.said.state, run_date));
        if !is_same || !self.surveyed.iter().all(|surveyed| surveyed.is_as_served()) {
            return Ok(None);
        }
        Ok(match self.tables() {
            Some(tables) => Some(self.identified(tables, Found::Served)?),
            None => None,
        })
    }

    /// Returns the tables of the entity, if the last snapshot has them all.
    fn tables(&self) -> Option<Vec<(TableName, Table)>> {
        let table = |name: TableName| self.parent.tables.get(&name).cloned().map(|table| (name, table));
        self.entity.tables().into_iter().map(table).collect()
    }

    /// Claims that ids and tables are those of the last snapshot, if no partition of a source says anything else of records than it said.
    fn claim(&self) -> Result<Option<Claim>, Error> {
        let Self { entity, surveyed, said, around, .. } = *self;
        let Some(tables) = self.tables() else { return Ok(None) };
        let Some(memory) = memory(entity, surveyed, said, &tables, around) else { return Ok(None) };
        let Some(known) = recalled(&memory) else { return Ok(None) };
        let parameters = &around.definitions.parameters;
        let tonight = tokio::task::block_in_place(|| known.tonight(entity, surveyed, parameters))?;
        let Some(digests) = tonight else { return Ok(None) };
        let Manner { remember, verify, .. } = around.manner;
        if remember && !verify && digests != known {
            keep(&memory, &digests, entity);
        }
        Ok(Some(Claim { tables, digests }))
    }

    /// Takes over what is claimed, with the ids of rows that are not those of the last snapshot.
    async fn as_said(&self, Claim { mut tables, digests }: Claim) -> Result<Identified, Error> {
        let Self { entity, surveyed, said, parent, around } = *self;
        let mut ids = Vec::with_capacity(surveyed.len());
        for surveyed in surveyed {
            let source = &surveyed.source().name.value;
            ids.push(match surveyed.is_as_served() && !around.gives_all {
                true => None,
                false => {
                    Some(PastIds::read(entity, source, Some(parent), around.stage.place.files, around.engine).await?)
                }
            });
        }
        let definition = stated(&said.state, digests.window().dates());
        for (_, table) in tables.iter_mut().filter(|(name, _)| *name == entity.xref_table()) {
            table.definition = Some(definition.clone());
        }
        self.identified(tables, Found::Known { ids, digests })
    }

    fn identified(&self, tables: Vec<(TableName, Table)>, found: Found) -> Result<Identified, Error> {
        let known = |(name, table)| known(name, table, self.around);
        let tables = tables.into_iter().map(known).collect::<Result<Vec<_>, Error>>()?;
        let [things, records] = [0, 1].map(|at| tables[at].1.table.rows());
        let warnings = match &found {
            Found::Known { digests, .. } => digests.warnings.clone(),
            Found::Served | Found::Tonight(_) => Vec::new(),
        };
        let report = EntityReport {
            is_unchanged: true,
            things,
            records,
            warnings,
            ..EntityReport::new(&self.entity.name.value)
        };
        Ok(Identified { tables, report, found })
    }
}

/// What is found without asking the records.
struct Claim {
    tables: Vec<(TableName, Table)>,
    digests: Digests,
}

/// Returns what an earlier run heard from the sources.
fn recalled(memory: &Memory) -> Option<Digests> {
    serde_json::from_slice(memory.recall().next()?.get(Remembered::begin().len()..)?).ok()
}

/// Looks for what is remembered of what sources said: by all that decides the tables of an entity besides that, and by the tables.
fn memory(
    entity: &Entity,
    surveyed: &[&Surveyed<'_>],
    said: &Said,
    tables: &[(TableName, Table)],
    around: Around<'_>,
) -> Option<Memory> {
    let people = [said.overrides.body(), said.pinned.body()].map(str::to_owned);
    let shapes = surveyed.iter().map(|surveyed| surveyed.shape());
    let contents = contents(entity, tables.iter().map(|(name, table)| (name, table)));
    let contents = contents.into_iter().flat_map(|(name, partitions)| {
        let of = |(values, content): (PartitionValues, String)| [format!("{values:?}"), content];
        std::iter::once(name.to_string()).chain(partitions.into_iter().flat_map(of)).collect::<Vec<_>>()
    });
    Memory::new(entity.identity_table(), entity, people.into_iter().chain(shapes).chain(contents), around)
}

/// Values and content of each partition of the tables that ids decide. Events do not, and there are more of them every night.
fn contents<'a>(
    entity: &Entity,
    tables: impl Iterator<Item = (&'a TableName, &'a Table)>,
) -> Vec<(TableName, Vec<(PartitionValues, String)>)> {
    let of = |(name, table): (&TableName, &Table)| {
        let partitions = table.partitions.iter().map(|part| (part.values.clone(), part.content.clone()));
        (name.clone(), partitions.collect())
    };
    tables.filter(|(name, _)| **name != entity.event_table()).map(of).collect()
}

fn keep(memory: &Memory, digests: &Digests, entity: &Entity) {
    let mut bytes = Remembered::begin();
    match serde_json::to_writer(&mut bytes, digests) {
        Ok(()) => {
            let mut keeping = memory.keep();
            keeping.piece(bytes);
            keeping.finish();
        }
        Err(error) => tracing::warn!("what sources say of `{}` is not kept: {error}", entity.name.value),
    }
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

/// What the last snapshot says of ids.
struct Before {
    records: PastRecords,
    /// The events of the running month.
    events: Vec<arrow::array::RecordBatch>,
}

impl Before {
    async fn read(entity: &Entity, around: Around<'_>) -> Result<Self, Error> {
        let (parent, files) = (around.stage.place.parent, around.stage.place.files);
        let records = PastRecords::read(entity, parent, files, around.engine).await?;
        let (table, schema) = (entity.event_table(), schema::event(entity));
        let columns: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        let month = month(around.definitions.parameters.run_date);
        let only = format!("WHERE \"{}\" = DATE '{month}' ORDER BY number", schema::EVENT_MONTH);
        let events = past::rows(&table, &columns, &only, parent, files, around.engine).await?;
        Ok(Self { records, events })
    }
}

/// Gives ids to what was linked, and writes the tables.
fn settled(
    entity: &Entity,
    surveyed: &[&Surveyed<'_>],
    said: &Said,
    (mut gathered, linked): (Gathered, link::Linked),
    Before { records: before, events: earlier }: Before,
    around: Around<'_>,
) -> Result<Identified, Error> {
    let parameters = &around.definitions.parameters;
    let link::Linked { matched, doubtful, report: linking, warnings } = linked;
    let records = &gathered.records;
    let names: Vec<&str> = entity.records.iter().map(|records| records.source.value.as_str()).collect();
    let tonight = parameters.run_date.to_epoch_days();
    let past = before.all(entity);
    let ledger = ledger::settle(records, &matched.clusters, &past, &names, &entity.id_prefix, tonight);
    drop(past);
    drop(before);
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
    let sources = surveyed.iter().zip(&mut gathered.sources);
    let digests = sources.map(|(surveyed, source)| {
        let said = std::mem::take(&mut source.said);
        SourceDigests::new(surveyed, said, fingerprints(source, &ledger))
    });
    let digests = Digests { sources: digests.collect::<Result<_, Error>>()?, warnings: warnings.clone() };
    let definition = Some(stated(&said.state, digests.window().dates()));
    let xref = Table { definition, ..night.xref(place)? };
    let events = night.events(&reasons, &earlier, place)?;
    let evidence = night.evidence(place)?;
    let report =
        EntityReport { linking: Some(linking), ..report(entity, &ledger, identity.rows(), xref.rows(), warnings) };
    let tables = vec![
        (entity.identity_table(), identity),
        (entity.xref_table(), xref),
        (entity.event_table(), events),
        (entity.evidence_table(), evidence),
    ];
    if around.manner.remember
        && let Some(memory) = memory(entity, surveyed, said, &tables, around)
    {
        keep(&memory, &digests, entity);
    }
    let tables = tables.into_iter().map(|(name, table)| known(name, table, around)).collect::<Result<_, Error>>()?;
    Ok(Identified { tables, report, found: Found::Tonight(Box::new(News { gathered, ledger, digests })) })
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
