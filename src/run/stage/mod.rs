//! Staging one source: its files → `staged.<source>` and `quarantine.<source>`, or those of the last snapshot when
//! neither contract nor files changed.
//!
//! ```text
//!  list ─► read: what changed ─► packs (all accepted rows of all live files, by partition; rejections)
//!            │ nothing changed     │ + the packs of earlier nights
//!            ▼                     ▼
//!        take all over          survey: which rows are live, and which won their key
//!                                  │
//!                                  ▼
//!                               write: the partitions whose rows are other ones ─► staged, quarantine
//! ```
//!
//! Where identification puts ids on the rows, it stands between the two: it reads a few columns of the surveyed rows, and
//! what is written depends on the ids of its rows too.
//!
//! A row is read once in its life. What a night costs follows what changed: files that stayed are neither opened nor
//! hashed, partitions whose rows stayed are not written.

mod compact;
mod drift;
mod ids;
mod live;
mod narrow;
mod packs;
mod parallel;
mod read;
mod sink;
mod whereabouts;
mod write;

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap, HashSet},
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

pub(super) use self::{
    ids::{Lookup, SourceIds},
    narrow::{LiveRows, Piece},
};
use self::{
    live::LiveFiles,
    packs::{LivePacks, Survey},
    read::Reading,
    sink::{PackLayout, Sink},
    whereabouts::Whereabouts,
};
use super::{Definitions, Event, Observer, Request, listings::Listings};
use crate::{
    Error,
    define::project::Source,
    engine::{Engine, catalog},
    extract,
    normalize::{Contract, quarantine},
    publish::{Finder, FinishedSource, PartitionWriter, Salvage, TableSpec, WriterOptions},
    record::{
        Manifest, PartitionValues, Placed, TableName,
        manifest::{DataFile, Input, InputFile, Partition, RowBalance, Table},
    },
    report::SourceReport,
};

/// The version of everything but contracts that decides staged rows: a change stages all sources anew.
const STAGE_VERSION: &str = "3";
/// Bytes of rows that one thread lets wait for more of their partition.
const WAITING_BYTES: usize = 48 << 20;

/// A staged source.
#[derive(Debug)]
pub(super) struct StagedSource {
    pub input: Input,
    pub staged: Table,
    pub quarantine: Table,
    pub report: SourceReport,
}

/// Where a night works, and what earlier ones have left.
#[derive(Clone, Copy)]
pub(super) struct Workplace<'a> {
    /// Folder for everything that is written.
    pub folder: &'a Path,
    pub parent: Option<&'a Manifest>,
    /// What a killed run had finished.
    pub salvage: Option<&'a Salvage>,
    /// Finds the files of this run and of the parent.
    pub files: &'a Finder,
    /// What lies in the places of the sources, as far as it is known.
    pub listings: &'a Listings,
}

/// What staging needs besides the source.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    pub place: Workplace<'a>,
    pub timezone: Tz,
    pub threads: usize,
    pub memory_bytes: usize,
    /// Compressed bytes of a full data file.
    pub file_bytes: usize,
    pub now: DateTime<Utc>,
    /// Whether every file is hashed, whatever the storage says about it.
    pub rehash: bool,
    /// Whether every file is read, whether or not it changed.
    pub reread: bool,
    pub observer: &'a dyn Observer,
}

impl<'a> Surroundings<'a> {
    /// Returns what staging needs to do what a request asks for.
    pub fn new(
        place: Workplace<'a>,
        definitions: &Definitions,
        request: &Request,
        engine: &Engine,
        observer: &'a dyn Observer,
    ) -> Self {
        Self {
            place,
            timezone: definitions.parameters.timezone,
            threads: engine.settings().threads,
            memory_bytes: engine.settings().memory_limit_bytes / 4,
            file_bytes: definitions.project.pipeline.publish.file_bytes,
            now: request.now,
            rehash: request.rehash,
            reread: request.rehash && request.full,
            observer,
        }
    }
}

/// Reads what changed in a source whose code tables are set; `id_columns` will be put on its rows.
///
/// # Errors
/// An unreadable file, a header without a required column, a disk that refuses.
pub(super) async fn survey<'a>(
    source: &'a Source,
    contract: Arc<Contract>,
    id_columns: Vec<String>,
    around: Surroundings<'a>,
) -> Result<Surveyed<'a>, Error> {
    let staging = Staging::new(source, contract, id_columns, around)?;
    let listed = match around.place.listings.get(&source.name.value) {
        Some(listed) => Cow::Borrowed(listed),
        None => Cow::Owned(list(source, &staging.pull()).await?),
    };
    let staging = staging.without_strays(&listed);
    let runtime = tokio::runtime::Handle::current();
    let night = tokio::task::block_in_place(|| staging.read(&listed, runtime));
    let night = night.map_err(|error| of_source(source, error))?;
    Ok(Surveyed { staging, night, rows: OnceLock::new() })
}

/// A source whose files are read.
pub(super) struct Surveyed<'a> {
    staging: Staging<'a>,
    night: Night,
    /// Its rows, once somebody asked for them.
    rows: OnceLock<LiveRows>,
}

/// What a night finds.
enum Night {
    /// The rows of the last one.
    Same(Box<StagedSource>),
    /// Other rows.
    Other(Box<Other>),
}

/// Other rows than the last night's.
struct Other {
    live: LiveFiles,
    fingerprint: String,
    rows: Vec<DataFile>,
    rejects: Vec<DataFile>,
}

impl<'a> Surveyed<'a> {
    /// Returns the source.
    pub const fn source(&self) -> &'a Source {
        self.staging.source
    }

    /// Returns the hash of all that decides its rows, ids aside.
    pub fn fingerprint(&self) -> &str {
        match &self.night {
            Night::Same(kept) => &kept.input.fingerprint,
            Night::Other(other) => &other.fingerprint,
        }
    }

    /// Returns the hash of everything but rows and ids that decides how its table is written.
    pub fn shape(&self) -> String {
        self.staging.shape()
    }

    /// Returns the columns of its staged table.
    pub fn schema(&self) -> SchemaRef {
        staged_schema(&self.staging.contract, &self.staging.id_columns)
    }

    /// Returns the columns that stand in the names of partitions.
    pub fn partition_fields(&self) -> Vec<FieldRef> {
        self.staging.partition_fields()
    }

    /// Returns whether its rows, ids aside, are those of the served snapshot.
    pub fn is_as_served(&self) -> bool {
        matches!(&self.night, Night::Same(kept) if kept.report.is_unchanged)
    }

    /// Returns the rows that its staged table will hold, to be read by columns.
    ///
    /// # Errors
    /// When a pack cannot be read.
    pub fn rows(&self) -> Result<&LiveRows, Error> {
        if let Some(rows) = self.rows.get() {
            return Ok(rows);
        }
        let (files, packs) = match &self.night {
            Night::Same(kept) => (&kept.input.files, &kept.input.packs),
            Night::Other(other) => (&other.live.files, &other.rows),
        };
        let rows = self.staging.rows(files, packs)?;
        Ok(self.rows.get_or_init(|| rows))
    }

    /// Writes both tables; without ids it is taken for granted that those of the last night stand.
    ///
    /// # Errors
    /// Too many rejected rows, a disk that refuses.
    pub fn finish(self, ids: Option<&[SourceIds<'_>]>) -> Result<StagedSource, Error> {
        let Self { staging, night, rows } = self;
        let rows = rows.into_inner();
        let source = staging.source;
        let staged = tokio::task::block_in_place(|| match (night, ids) {
            (Night::Same(kept), None) => Ok(staging.as_served(*kept)),
            (Night::Same(kept), Some(ids)) => staging.with_ids(*kept, rows, ids),
            (Night::Other(other), ids) => staging.build(*other, rows, ids.unwrap_or_default()),
        });
        let staged = staged.map_err(|error| of_source(source, error))?;
        refuse_too_many_rejects(source, &staged)?;
        staging.around.observer.notice(&Event::Staged {
            source: source.name.value.clone(),
            rows: staged.input.rows.staged,
            is_unchanged: staged.report.is_unchanged,
        });
        Ok(staged)
    }
}

async fn list(source: &Source, pull: &extract::Pull) -> Result<Vec<extract::ExtractFile>, Error> {
    extract::list_since(source, pull).await.map_err(|error| of_source(source, error.into()))
}

/// One source on its way.
struct Staging<'a> {
    source: &'a Source,
    contract: Arc<Contract>,
    /// Columns of ids that the staged table has behind those of the contract.
    id_columns: Vec<String>,
    around: Surroundings<'a>,
    /// The last night: what a killed run had finished, else the last snapshot.
    parent: Option<&'a Input>,
    salvaged: Option<&'a FinishedSource>,
    /// Hash of everything but the files that decides what their rows are.
    reads_as: String,
    layout: PackLayout,
    rows: PartitionWriter,
    rejects: PartitionWriter,
}

impl<'a> Staging<'a> {
    fn new(
        source: &'a Source,
        contract: Arc<Contract>,
        id_columns: Vec<String>,
        around: Surroundings<'a>,
    ) -> Result<Self, Error> {
        let partition_by: Vec<String> = source.partition_by.iter().map(|column| column.value.clone()).collect();
        let options = WriterOptions {
            memory_bytes: around.memory_bytes,
            threads: around.threads,
            file_bytes: around.file_bytes,
            ..WriterOptions::default()
        };
        let salvaged =
            around.place.salvage.filter(|_| !around.reread).and_then(|salvage| salvage.source(&source.name.value));
        Ok(Self {
            salvaged,
            parent: match salvaged {
                Some(salvaged) => Some(&salvaged.input),
                None => around.place.parent.and_then(|parent| parent.inputs.get(&source.name.value)),
            },
            reads_as: reads_as(source, &contract),
            layout: PackLayout::new(&contract, &partition_by),
            rows: PartitionWriter::create(
                staged_spec(source, &contract, &id_columns, around.timezone),
                around.place.folder,
                options.clone(),
            )?,
            rejects: PartitionWriter::create(quarantine_spec(source, around.timezone), around.place.folder, options)?,
            source,
            contract,
            id_columns,
            around,
        })
    }

    /// Returns the source as the last snapshot has it.
    fn served(&self) -> Option<&'a Input> {
        self.around.place.parent.and_then(|parent| parent.inputs.get(&self.source.name.value))
    }

    /// Leaves what a stopped run had finished if a file of it is gone that no snapshot holds: whoever took a bad file away, for
    /// which the run was stopped, must not find its rows published. Pulls of a database are never gone.
    fn without_strays(self, listed: &[extract::ExtractFile]) -> Self {
        let Some(salvaged) = self.salvaged else { return self };
        let served = self.served().map(|served| &served.files[..]).unwrap_or_default();
        let kept: HashSet<(&str, &str)> = served.iter().map(|file| (&*file.path, &*file.content)).collect();
        let listed: HashSet<&str> = listed.iter().map(|file| &*file.path).collect();
        let is_stray = |file: &InputFile| {
            file.watermark.is_none() && !listed.contains(&*file.path) && !kept.contains(&(&*file.path, &*file.content))
        };
        match salvaged.input.files.iter().any(is_stray) {
            true => Self { salvaged: None, parent: self.served(), ..self },
            false => self,
        }
    }

    /// Returns whether the last snapshot's rows were read as they would be now.
    fn reads_the_same(&self) -> bool {
        !self.around.reread && self.parent.is_some_and(|parent| parent.contract == self.reads_as)
    }

    /// Returns how far the pulls of a database have come: rows that must be typed anew are pulled anew.
    fn pull(&self) -> extract::Pull {
        let files = self.parent.filter(|_| self.reads_the_same()).map(|parent| &parent.files[..]).unwrap_or_default();
        extract::Pull { since: files.iter().rev().find_map(|file| file.watermark.clone()) }
    }

    fn read(&self, listed: &[extract::ExtractFile], runtime: tokio::runtime::Handle) -> Result<Night, Error> {
        let reads_the_same = self.reads_the_same();
        let (previous, known) = live::before(self.parent, reads_the_same);
        let headers = self.parent.map(|parent| &parent.headers[..]).unwrap_or_default();
        let whereabouts = Whereabouts::new(self.source, listed, runtime.clone());
        let reading = Reading {
            source: self.source,
            contract: &self.contract,
            files: listed,
            known,
            previous,
            headers: drift::Known { contract: &self.contract, headers },
            observer: self.around.observer,
            now: self.around.now,
            rehash: self.around.rehash,
            runtime,
        };
        let (outcomes, new) = reading.carry_out(self.sinks(listed.len()))?;
        let live = LiveFiles::gather(self.source, self.parent, reads_the_same, outcomes, &whereabouts)?;
        let fingerprint = self.fingerprint(&live);
        if let Some(kept) = self.kept(&fingerprint, &live) {
            return Ok(Night::Same(Box::new(kept)));
        }
        let mut rows = new.rows;
        let mut rejects = new.rejects;
        if let Some(parent) = self.parent.filter(|_| reads_the_same) {
            rows.splice(0..0, parent.packs.iter().cloned());
            rejects.splice(0..0, parent.reject_packs.iter().cloned());
        }
        Ok(Night::Other(Box::new(Other { live, fingerprint, rows, rejects })))
    }

    /// Returns one sink for each thread that has something to do.
    fn sinks(&self, files: usize) -> Vec<Sink<'_>> {
        // A few small files are read sooner by one thread than another one is started.
        let threads = if files == 0 { 1 } else { self.around.threads.max(1) };
        (0..threads).map(|thread| self.sink(&format!("pack-{thread}"))).collect()
    }

    fn sink(&self, name: &str) -> Sink<'_> {
        let budget = (self.around.memory_bytes / self.around.threads.max(1)).min(WAITING_BYTES);
        Sink::new(&self.contract, &self.layout, self.rows.router(), self.pack_folder(), name.to_owned(), budget)
    }

    fn pack_name(&self) -> TableName {
        TableName::normalized(&self.source.name.value)
    }

    fn pack_folder(&self) -> PathBuf {
        let name = self.pack_name();
        self.around.place.folder.join("private").join(name.schema).join(name.table).join("data")
    }

    /// Returns the path of a pack, which is fetched if it lies in an object store.
    fn pack(&self, file: &DataFile) -> Result<PathBuf, Error> {
        Ok(self.around.place.files.fetch(&self.pack_name(), file)?)
    }

    /// Opens packs and finds the rows that count.
    fn rows(&self, files: &[InputFile], packs: &[DataFile]) -> Result<LiveRows, Error> {
        let threads = self.around.threads.max(1);
        let packs = packs::open(packs, files, &|file| self.pack(file))?;
        let packs = LivePacks::new(packs, files, &self.contract, threads);
        let survey = packs.survey(self.around.memory_bytes)?;
        let schema = SchemaRef::clone(&self.layout.schema);
        Ok(LiveRows { packs, survey, schema, partition_by: self.partition_fields(), threads })
    }

    /// Returns the columns that stand in the names of partitions.
    fn partition_fields(&self) -> Vec<FieldRef> {
        let schema = self.contract.schema();
        let field = |column: &Placed<String>| schema.field_with_name(&column.value).ok().cloned().map(Arc::new);
        self.source.partition_by.iter().filter_map(field).collect()
    }

    /// Takes an unchanged source over as it is served: what a killed run left may have the ids of other records.
    fn as_served(&self, kept: StagedSource) -> StagedSource {
        let table = self.source.table();
        let served = self.around.place.parent.filter(|_| !self.id_columns.is_empty());
        match served.and_then(|parent| parent.tables.get(&table)) {
            Some(served) => StagedSource { staged: served.clone(), ..kept },
            None => kept,
        }
    }

    /// Puts ids on the rows of an unchanged source.
    fn with_ids(
        &self,
        kept: StagedSource,
        rows: Option<LiveRows>,
        ids: &[SourceIds<'_>],
    ) -> Result<StagedSource, Error> {
        let rows = rows.map_or_else(|| self.rows(&kept.input.files, &kept.input.packs), Ok)?;
        let staged = self.staged(&rows.packs, rows.survey, ids)?;
        let changed_partitions = changed_partitions(self.source, &staged, self.around.place.parent);
        let report = SourceReport { changed_partitions, ..kept.report };
        Ok(StagedSource { staged, report, ..kept })
    }

    /// Writes the staged table.
    fn staged(&self, packs: &LivePacks, survey: Survey, ids: &[SourceIds<'_>]) -> Result<Table, Error> {
        let (shape, before) = (self.shape(), self.before(&self.source.table()));
        let target = write::Target { writer: &self.rows, shape: &shape, before: &before, ids };
        let staged = write::staged(packs, survey, &self.layout, &target, self.around)?;
        let spec = staged_spec(self.source, &self.contract, &self.id_columns, self.around.timezone);
        Ok(Table {
            event_date: self.source.event_date.as_ref().map(|column| column.value.clone()),
            as_of: self.source.as_of.iter().map(|column| column.value.clone()).collect(),
            ..described(self.source, &spec, staged)
        })
    }

    /// Writes both tables from packs.
    fn build(&self, other: Other, surveyed: Option<LiveRows>, ids: &[SourceIds<'_>]) -> Result<StagedSource, Error> {
        let Other { live, fingerprint, rows, rejects } = other;
        let around = self.around;
        let locate = |file: &DataFile| self.pack(file);
        let LiveRows { packs, survey, .. } = surveyed.map_or_else(|| self.rows(&live.files, &rows), Ok)?;
        let (superseded, dead) = (survey.superseded, survey.dead);
        let staged = self.staged(&packs, survey, ids)?;
        let reject_packs = packs::open(&rejects, &live.files, &locate)?;
        let before = self.before(&TableName::quarantine(&self.source.name.value));
        let (quarantine, faults) = write::quarantine(&reject_packs, &self.rejects, &before, around)?;
        let balance = RowBalance {
            rows: live.files.iter().map(|file| file.lines.rows).sum(),
            staged: staged.rows(),
            rejected: live.files.iter().map(|file| file.rejected).sum(),
            superseded,
        };
        self.balanced(&live, balance)?;
        let (rows, rejects) =
            compact::compact(&packs, &reject_packs, dead, || self.sink("compact"))?.unwrap_or((rows, rejects));
        let input = Input {
            fingerprint,
            contract: self.reads_as.clone(),
            headers: live.headers,
            files: live.files,
            packs: rows,
            reject_packs: rejects,
            rows: balance,
        };
        let report = SourceReport {
            source: self.source.name.value.clone(),
            is_unchanged: false,
            rows: balance,
            faults: faults.by_rule,
            examples: faults.examples.iter().map(|example| shown(example, self.source)).collect(),
            files: live.reports,
            warnings: live.warnings,
            changed_partitions: changed_partitions(self.source, &staged, around.place.parent),
        };
        let quarantine = described(self.source, &quarantine_spec(self.source, around.timezone), quarantine);
        Ok(StagedSource { input, staged, quarantine, report })
    }

    /// Returns a table as the last night left it.
    fn last(&self, table: &TableName) -> Option<&'a Table> {
        match self.salvaged {
            Some(salvaged) if *table == self.source.table() => Some(&salvaged.staged),
            Some(salvaged) => Some(&salvaged.quarantine),
            None => self.around.place.parent.and_then(|parent| parent.tables.get(table)),
        }
    }

    fn before(&self, table: &TableName) -> HashMap<PartitionValues, Partition> {
        write::by_values(self.last(table).map(|table| &table.partitions[..]).unwrap_or_default())
    }

    /// Returns the hash of everything but rows that decides how a staged partition is written.
    fn shape(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.reads_as.as_bytes()).update(self.around.timezone.name().as_bytes());
        let Source { key, partition_by, event_date, as_of, .. } = self.source;
        for columns in [key, partition_by, event_date.as_slice(), as_of] {
            // What a column is for counts, not only that it is for something.
            hasher.update(&(columns.len() as u64).to_le_bytes());
            for column in columns {
                hasher.update(column.value.as_bytes()).update(&[0]);
            }
        }
        for column in &self.id_columns {
            hasher.update(&[1]).update(column.as_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }

    /// Returns the hash of all that decides the staged rows, but for their ids.
    fn fingerprint(&self, live: &LiveFiles) -> String {
        let mut hasher = blake3::Hasher::new();
        let mut part = |text: &str| {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        };
        part(&self.shape());
        for file in &live.files {
            part(&file.path);
            part(file.version.as_deref().unwrap_or_default());
            part(&file.content);
        }
        hasher.finalize().to_hex().to_string()
    }

    /// Takes a source over from the last snapshot if nothing about it changed.
    fn kept(&self, fingerprint: &str, live: &LiveFiles) -> Option<StagedSource> {
        let input = self.parent.filter(|input| input.fingerprint == fingerprint && !self.around.reread)?;
        let staged = self.last(&self.source.table())?.clone();
        let told = self.salvaged.map(|salvaged| &salvaged.warnings[..]).unwrap_or_default();
        let new = live.warnings.iter().filter(|warning| !told.contains(warning));
        let report = SourceReport {
            source: self.source.name.value.clone(),
            is_unchanged: self.served().is_some_and(|served| served.fingerprint == fingerprint),
            rows: input.rows,
            faults: std::collections::BTreeMap::new(),
            examples: Vec::new(),
            files: Vec::new(),
            warnings: told.iter().chain(new).cloned().collect(),
            changed_partitions: changed_partitions(self.source, &staged, self.around.place.parent),
        };
        let quarantine = self.last(&TableName::quarantine(&self.source.name.value))?.clone();
        Some(StagedSource { input: input.clone(), staged, quarantine, report })
    }

    /// Refuses to go on when a line or a row was lost or doubled.
    fn balanced(&self, live: &LiveFiles, rows: RowBalance) -> Result<(), Error> {
        let name = &self.source.name.value;
        if let Some(file) = live.files.iter().find(|file| !file.lines.is_balanced()) {
            let message = format!("the lines of `{}` in source `{name}` do not add up: {:?}", file.path, file.lines);
            return Err(Error::Bug { message });
        }
        if !rows.is_balanced() {
            return Err(Error::Bug { message: format!("the rows of source `{name}` do not add up: {rows:?}") });
        }
        Ok(())
    }
}

/// Returns the hash of all that decides what a file's rows are, wherever it lies.
pub(super) fn reads_as(source: &Source, contract: &Contract) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(STAGE_VERSION.as_bytes()).update(contract.fingerprint().as_bytes());
    // Where key and partitions are others, the columns of a pack are others too.
    for column in source.key.iter().chain(&source.partition_by) {
        hasher.update(column.value.as_bytes()).update(&[0]);
    }
    hasher.update(format!("{:?} {:?}", source.format, source.files.drift).as_bytes());
    hasher.finalize().to_hex().to_string()
}

/// Says to which source a failing file belongs.
fn of_source(source: &Source, error: Error) -> Error {
    let named = |message: String| format!("source `{}`: {message}", source.name.value);
    match error {
        Error::Data { message, hint } => Error::Data { message: named(message), hint },
        Error::Environment { message, hint } => Error::Environment { message: named(message), hint },
        other => other,
    }
}

/// Returns a rejection as one line, without the row's text, and without a reason that would quote personal data.
fn shown(example: &write::Example, source: &Source) -> String {
    let (file, line, column, rule, reason) = example;
    let column = column.as_deref();
    let is_personal = column.and_then(|column| source.column(column)).is_some_and(|column| column.pii.is_some());
    let shown = column.map(|column| format!(", `{column}`")).unwrap_or_default();
    let reason = if is_personal { String::new() } else { format!(": {reason}") };
    format!("{file}:{line}{shown}: {rule}{reason}")
}

/// Returns the partitions whose rows are other than in the last snapshot, vanished ones included.
fn changed_partitions(source: &Source, staged: &Table, parent: Option<&Manifest>) -> Vec<PartitionValues> {
    let before = parent.map(|parent| parent.partitions(&source.table())).unwrap_or_default();
    let now: BTreeSet<_> = staged.partitions.iter().map(|partition| &partition.values).collect();
    let is_changed =
        |partition: &&Partition| before.get(&partition.values).is_none_or(|old| old.content != partition.content);
    let changed = staged.partitions.iter().filter(is_changed).map(|partition| &partition.values);
    let vanished = before.keys().copied().filter(|values| !now.contains(values));
    changed.chain(vanished).cloned().collect()
}

/// Returns the columns of a staged table: those of the contract, and ids.
pub(super) fn staged_schema(contract: &Contract, id_columns: &[String]) -> SchemaRef {
    let schema = contract.schema();
    if id_columns.is_empty() {
        return schema;
    }
    let ids = id_columns.iter().map(|name| Arc::new(Field::new(name, DataType::Utf8, true)));
    Arc::new(Schema::new(schema.fields().iter().cloned().chain(ids).collect::<Vec<_>>()))
}

fn staged_spec(source: &Source, contract: &Contract, id_columns: &[String], timezone: Tz) -> TableSpec {
    let names = |columns: &[crate::record::Placed<String>]| columns.iter().map(|column| column.value.clone()).collect();
    TableSpec {
        name: source.table(),
        schema: staged_schema(contract, id_columns),
        partition_by: names(&source.partition_by),
        key: names(&source.key),
        dates: source.event_date.iter().chain(&source.as_of).map(|column| column.value.clone()).collect(),
        timezone,
    }
}

fn quarantine_spec(source: &Source, timezone: Tz) -> TableSpec {
    TableSpec {
        name: TableName::quarantine(&source.name.value),
        schema: quarantine::schema(),
        partition_by: Vec::new(),
        key: ["file", "line", "column", "rule"].map(str::to_owned).to_vec(),
        dates: Vec::new(),
        timezone,
    }
}

fn described(source: &Source, spec: &TableSpec, partitions: Vec<Partition>) -> Table {
    let mut table = catalog::declared(&spec.schema, spec.partition_by.clone(), spec.key.clone());
    table.description.clone_from(&source.description);
    table.partitions = partitions;
    table
}

/// Stops the run when a source has more rejected rows than its contract allows.
fn refuse_too_many_rejects(source: &Source, staged: &StagedSource) -> Result<(), Error> {
    let RowBalance { rows, rejected, .. } = staged.input.rows;
    let limit = source.reject_limit;
    #[expect(clippy::cast_precision_loss, reason = "a share needs no more than 52 bits")]
    let share = if rows == 0 { 0.0 } else { rejected as f64 / rows as f64 };
    let over_share = limit.share.is_some_and(|most| share > most);
    let over_rows = limit.rows.is_some_and(|most| rejected > most);
    if !over_share && !over_rows {
        return Ok(());
    }
    let faults: Vec<String> = staged.report.faults.iter().map(|(rule, count)| format!("{rule} {count}")).collect();
    let faults = if faults.is_empty() { String::new() } else { format!(": {}", faults.join(", ")) };
    let examples = staged.report.examples.iter().map(|example| format!("\n    {example}")).collect::<Vec<_>>().concat();
    Err(Error::Data {
        message: format!(
            "source `{}` has {rejected} rejected rows of {rows} ({:.1} %), more than its `reject_limit`{faults}{examples}",
            source.name.value,
            share * 100.0,
        ),
        hint: Some("ask for the files again, mend the contract, or raise `reject_limit`".to_owned()),
    })
}
