//! Staging one source: its files → `staged.<source>` and `quarantine.<source>`, or those of the last snapshot when
//! neither contract nor files changed.
//!
//! ```text
//!  list ─► hash every file ─► same fingerprint as the last snapshot? ── yes ─► take its partitions over
//!                                   │ no
//!                                   ▼
//!  files in parallel: open ─► bind ─► normalize ─► spool ─► (after the last file) keep the winners of each key ─► writer
//!                                          └─► rejections ─► quarantine writer
//! ```

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use arrow::{
    array::{ArrayRef, AsArray, RecordBatch, UInt32Array, UInt64Array},
    compute::filter_record_batch,
    datatypes::{DataType, Field, Schema, UInt32Type, UInt64Type},
};
use chrono_tz::Tz;
use futures::{StreamExt, TryStreamExt, stream};
use tokio::sync::mpsc;

use super::{Event, Observer, outcome};
use crate::{
    Error,
    define::project::Source,
    engine::catalog,
    extract::{self, ExtractFile, Hints},
    normalize::{Contract, Normalized, quarantine},
    publish::{TableSpec, TableWriter, WriterOptions},
    record::{
        LineCount, Manifest, TableName,
        manifest::{Input, InputFile, Partition, RowBalance, Table},
    },
    report::{FileReport, SourceReport},
    storage::spool::Spool,
};

/// The version of everything but contracts that decides staged rows: a change stages all sources anew.
const STAGE_VERSION: &str = "1";
/// Normalized batches that wait between the readers and the collector.
const WAITING_BATCHES: usize = 8;
/// Rejections that a run shows which stops because of too many.
const EXAMPLES: usize = 5;
/// Rejections after which a batch of them is written.
const REJECTIONS_PER_BATCH: usize = 8_192;

/// A staged source.
#[derive(Debug)]
pub(super) struct StagedSource {
    pub input: Input,
    pub staged: Table,
    pub quarantine: Table,
    pub report: SourceReport,
}

/// What staging needs besides the source.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    /// Folder for everything that is written.
    pub folder: &'a Path,
    pub parent: Option<&'a Manifest>,
    pub timezone: Tz,
    pub threads: usize,
    pub memory_bytes: usize,
    pub observer: &'a dyn Observer,
}

/// A file, its content's hash and its place in the order of versions.
#[derive(Debug, Clone)]
struct HashedFile {
    file: ExtractFile,
    content: String,
}

/// Stages one source whose code tables are set.
///
/// # Errors
/// An unreadable file, a header without a required column, too many rejected rows, a disk that refuses.
pub(super) async fn stage(
    source: &Source,
    contract: &Contract,
    around: Surroundings<'_>,
) -> Result<StagedSource, Error> {
    let files = hashed_files(source, around.threads).await.map_err(|error| of_source(source, error))?;
    refuse_vanished(source, &files, around.parent)?;
    let fingerprint = fingerprint(source, contract, &files, around.timezone);
    if let Some(kept) = kept(source, &fingerprint, around.parent) {
        refuse_too_many_rejects(source, &kept)?;
        let event =
            Event::Staged { source: source.name.value.clone(), rows: kept.input.rows.staged, is_unchanged: true };
        around.observer.notice(&event);
        return Ok(kept);
    }
    around.observer.notice(&Event::Staging { source: source.name.value.clone(), files: files.len() });
    let staged =
        read_all(source, contract, files, fingerprint, around).await.map_err(|error| of_source(source, error))?;
    refuse_too_many_rejects(source, &staged)?;
    let event =
        Event::Staged { source: source.name.value.clone(), rows: staged.input.rows.staged, is_unchanged: false };
    around.observer.notice(&event);
    Ok(staged)
}

/// Refuses a source of which every file is gone: an unmounted disk must not empty its tables.
fn refuse_vanished(source: &Source, files: &[HashedFile], parent: Option<&Manifest>) -> Result<(), Error> {
    let before = parent.and_then(|parent| parent.inputs.get(&source.name.value)).map_or(0, |input| input.files.len());
    if before == 0 || !files.is_empty() {
        return Ok(());
    }
    Err(Error::Data {
        message: format!(
            "source `{}`: no file matches `{}`, where the last snapshot read {before}",
            source.name.value, source.location.value
        ),
        hint: Some("bring the files back; to go on without the source, remove its contract".to_owned()),
    })
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

/// Lists and hashes a source's files, in the order of versions: (version, path).
async fn hashed_files(source: &Source, threads: usize) -> Result<Vec<HashedFile>, Error> {
    let listed = extract::list(source).await?;
    let hash = |file: ExtractFile| async move {
        let bytes = extract::fetch(&file).await?.bytes().map_err(|error| unreadable(&file, &error))?;
        let content = tokio::task::spawn_blocking(move || blake3::hash(&bytes).to_hex().to_string());
        let content = content.await.map_err(|error| outcome::lost_thread(&error))?;
        Ok::<_, Error>(HashedFile { file, content })
    };
    let mut files: Vec<HashedFile> = stream::iter(listed).map(hash).buffered(threads).try_collect().await?;
    files.sort_by(|a, b| (&a.file.version, &a.file.path).cmp(&(&b.file.version, &b.file.path)));
    Ok(files)
}

fn unreadable(file: &ExtractFile, error: &std::io::Error) -> Error {
    Error::Environment { message: format!("cannot read `{}`: {error}", file.path), hint: None }
}

/// Returns the hash of all that decides the staged rows.
fn fingerprint(source: &Source, contract: &Contract, files: &[HashedFile], timezone: Tz) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut part = |text: &str| {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    part(STAGE_VERSION);
    part(&contract.fingerprint());
    // The latest date of a partition is a local one of these columns.
    part(timezone.name());
    part(source.event_date.as_ref().map_or("", |column| &column.value));
    part(&source.as_of.len().to_string());
    for column in &source.as_of {
        part(&column.value);
    }
    for file in files {
        part(&file.file.path);
        part(file.file.version.as_deref().unwrap_or_default());
        part(&file.content);
    }
    hasher.finalize().to_hex().to_string()
}

/// Takes a source over from the last snapshot if nothing about it changed.
fn kept(source: &Source, fingerprint: &str, parent: Option<&Manifest>) -> Option<StagedSource> {
    let parent = parent?;
    let input = parent.inputs.get(&source.name.value).filter(|input| input.fingerprint == fingerprint)?;
    let report = SourceReport {
        source: source.name.value.clone(),
        is_unchanged: true,
        rows: input.rows,
        faults: BTreeMap::new(),
        examples: Vec::new(),
        files: Vec::new(),
        changed_partitions: Vec::new(),
    };
    Some(StagedSource {
        input: input.clone(),
        staged: parent.tables.get(&source.table())?.clone(),
        quarantine: parent.tables.get(&TableName::quarantine(&source.name.value))?.clone(),
        report,
    })
}

/// What one file had to say.
struct ReadFile {
    report: FileReport,
}

/// Rows of one batch, on their way to the collector.
struct Message {
    rank: u32,
    normalized: Normalized,
}

async fn read_all(
    source: &Source,
    contract: &Contract,
    files: Vec<HashedFile>,
    fingerprint: String,
    around: Surroundings<'_>,
) -> Result<StagedSource, Error> {
    let (sender, receiver) = mpsc::channel::<Message>(WAITING_BATCHES);
    let reading = read_files(source, contract, &files, sender, around);
    let collecting = Collector::new(source, contract, around)?.collect(receiver);
    let (collected, reports) = tokio::try_join!(collecting, reading)?;
    let rows = RowBalance {
        rows: reports.iter().map(|read| read.report.lines.rows).sum(),
        staged: collected.staged.rows(),
        rejected: reports.iter().map(|read| read.report.rejected).sum(),
        superseded: collected.superseded,
    };
    balanced(source, &reports, rows)?;
    let inputs = files.iter().zip(&reports).map(|(file, read)| InputFile {
        path: file.file.path.to_string(),
        size: file.file.size,
        content: file.content.clone(),
        version: file.file.version.clone(),
        lines: read.report.lines.clone(),
        rejected: read.report.rejected,
    });
    let input = Input { fingerprint, files: inputs.collect(), rows };
    let report = SourceReport {
        source: source.name.value.clone(),
        is_unchanged: false,
        rows,
        faults: collected.faults,
        examples: collected.examples.iter().map(|rejection| example(rejection, source)).collect(),
        files: reports.into_iter().map(|read| read.report).collect(),
        changed_partitions: changed_partitions(source, &collected.staged, around.parent),
    };
    Ok(StagedSource { input, staged: collected.staged, quarantine: collected.quarantine, report })
}

/// Returns a rejection as one line, without the row's text, and without a reason that would quote personal data.
fn example(rejection: &crate::record::Rejection, source: &Source) -> String {
    let column = rejection.column.as_deref();
    let is_personal = column.and_then(|column| source.column(column)).is_some_and(|column| column.pii.is_some());
    let shown = column.map(|column| format!(", `{column}`")).unwrap_or_default();
    let reason = if is_personal { String::new() } else { format!(": {}", rejection.reason) };
    format!("{}:{}{shown}: {}{reason}", rejection.file, rejection.line, rejection.rule)
}

/// Returns the partitions whose rows are other than in the last snapshot, vanished ones included.
fn changed_partitions(
    source: &Source,
    staged: &Table,
    parent: Option<&Manifest>,
) -> Vec<crate::record::PartitionValues> {
    let before = parent.map(|parent| parent.partitions(&source.table())).unwrap_or_default();
    let now: BTreeSet<_> = staged.partitions.iter().map(|partition| &partition.values).collect();
    let is_changed =
        |partition: &&Partition| before.get(&partition.values).is_none_or(|old| old.content != partition.content);
    let changed = staged.partitions.iter().filter(is_changed).map(|partition| &partition.values);
    let vanished = before.keys().copied().filter(|values| !now.contains(values));
    changed.chain(vanished).cloned().collect()
}

/// Refuses to go on when a line or a row was lost or doubled.
fn balanced(source: &Source, reports: &[ReadFile], rows: RowBalance) -> Result<(), Error> {
    let name = &source.name.value;
    if let Some(read) = reports.iter().find(|read| !read.report.lines.is_balanced()) {
        let message =
            format!("the lines of `{}` in source `{name}` do not add up: {:?}", read.report.path, read.report.lines);
        return Err(Error::Bug { message });
    }
    if !rows.is_balanced() {
        return Err(Error::Bug { message: format!("the rows of source `{name}` do not add up: {rows:?}") });
    }
    Ok(())
}

async fn read_files(
    source: &Source,
    contract: &Contract,
    files: &[HashedFile],
    sender: mpsc::Sender<Message>,
    around: Surroundings<'_>,
) -> Result<Vec<ReadFile>, Error> {
    let (names, required) = contract.hints();
    let hints = Arc::new(Hints { names, required });
    let format = Arc::new(source.format.clone());
    let contract = Arc::new(contract.clone());
    let read = |(rank, file): (usize, &HashedFile)| {
        let (hints, format, contract, sender) = (hints.clone(), format.clone(), contract.clone(), sender.clone());
        let (file, observer) = (file.clone(), around.observer);
        async move {
            let bytes = extract::fetch(&file.file).await?.bytes().map_err(|error| unreadable(&file.file, &error))?;
            if blake3::hash(&bytes).to_hex().as_str() != file.content {
                return Err(changed_while_read(&file));
            }
            let rank = u32::try_from(rank).map_err(|_| Error::Bug { message: "too many files".to_owned() })?;
            let path = file.file.path.clone();
            let task =
                tokio::task::spawn_blocking(move || read_file(&path, rank, bytes, &format, &hints, &contract, &sender));
            let read = task.await.map_err(|error| outcome::lost_thread(&error))??;
            observer.notice(&Event::FileRead { file: file.file.path.to_string() });
            Ok(read)
        }
    };
    stream::iter(files.iter().enumerate()).map(read).buffered(around.threads).try_collect().await
}

fn changed_while_read(file: &HashedFile) -> Error {
    Error::Data {
        message: format!("`{}` changed while it was read", file.file.path),
        hint: Some("run again once it is complete".to_owned()),
    }
}

/// Reads one file to its end, sending what becomes of its rows.
fn read_file(
    path: &Arc<str>,
    rank: u32,
    bytes: bytes::Bytes,
    format: &crate::define::project::Format,
    hints: &Hints,
    contract: &Contract,
    sender: &mpsc::Sender<Message>,
) -> Result<ReadFile, Error> {
    let mut reader = extract::open(path, &bytes.into(), format, hints)?.remove(0).reader;
    let binding = contract.bind(reader.shape()).map_err(|unbound| Error::Data {
        message: format!("cannot read `{path}`: {unbound}"),
        hint: Some(unbound.hint()),
    })?;
    let mut rejected = 0;
    while let Some(batch) = reader.next_batch()? {
        let normalized = contract.normalize(&binding, path, &batch)?;
        rejected += normalized.rejected_rows;
        if sender.blocking_send(Message { rank, normalized }).is_err() {
            // The collector is gone only when it failed, and its error is the one that is told.
            return Err(Error::Bug { message: "the collector of rows ended early".to_owned() });
        }
    }
    let lines: LineCount = reader.lines();
    let report = FileReport {
        path: path.to_string(),
        shape: reader.shape().clone(),
        lines,
        rejected,
        extra_columns: binding.extra.clone(),
        missing_columns: binding.missing.clone(),
    };
    Ok(ReadFile { report })
}

/// Collects normalized rows until all files are read, then writes the winners.
struct Collector<'a> {
    source: &'a Source,
    contract: &'a Contract,
    around: Surroundings<'a>,
    reduction: crate::normalize::Reduction,
    spool: Spool,
    rejections: Vec<crate::record::Rejection>,
    quarantine: TableWriter,
    faults: BTreeMap<String, u64>,
    /// The first rejections by file and line, for the message when there are too many.
    examples: BTreeSet<crate::record::Rejection>,
}

/// What the collector wrote.
struct Collected {
    staged: Table,
    quarantine: Table,
    superseded: u64,
    faults: BTreeMap<String, u64>,
    examples: BTreeSet<crate::record::Rejection>,
}

impl<'a> Collector<'a> {
    fn new(source: &'a Source, contract: &'a Contract, around: Surroundings<'a>) -> Result<Self, Error> {
        let spool_path = around.folder.join(format!("{}.spool", source.name.value));
        Ok(Self {
            source,
            contract,
            around,
            reduction: contract.reduction(),
            spool: Spool::new(spooled_schema(contract), spool_path, around.memory_bytes),
            rejections: Vec::new(),
            quarantine: TableWriter::create(quarantine_spec(source, around.timezone), around.folder, options(around))?,
            faults: BTreeMap::new(),
            examples: BTreeSet::new(),
        })
    }

    async fn collect(mut self, mut receiver: mpsc::Receiver<Message>) -> Result<Collected, Error> {
        while let Some(message) = receiver.recv().await {
            tokio::task::block_in_place(|| self.take(message))?;
        }
        tokio::task::block_in_place(|| self.finish())
    }

    fn take(&mut self, message: Message) -> Result<(), Error> {
        let Message { rank, normalized } = message;
        for rejection in normalized.rejections {
            *self.faults.entry(rejection.rule.clone()).or_default() += 1;
            self.examples.insert(rejection.clone());
            if self.examples.len() > EXAMPLES {
                self.examples.pop_last();
            }
            self.rejections.push(rejection);
        }
        if self.rejections.len() >= REJECTIONS_PER_BATCH {
            self.write_rejections()?;
        }
        if normalized.rows.num_rows() > 0 {
            self.reduction.observe(&normalized.rows, rank, &normalized.lines)?;
            let spooled = spooled(&normalized.rows, rank, normalized.lines, self.contract)?;
            self.spool.push(spooled).map_err(|error| self.spool_failure(&error))?;
        }
        Ok(())
    }

    fn write_rejections(&mut self) -> Result<(), Error> {
        let batch = quarantine::to_batch(std::mem::take(&mut self.rejections), &self.contract.fingerprint())?;
        Ok(self.quarantine.write(&batch)?)
    }

    fn finish(mut self) -> Result<Collected, Error> {
        self.write_rejections()?;
        let name = &self.source.name.value;
        let spec = staged_spec(self.source, self.contract, self.around.timezone);
        let mut writer = TableWriter::create(spec.clone(), self.around.folder, options(self.around))?;
        for batch in self.spool.drain().map_err(|error| spool_failure(name, &error))? {
            let batch = batch.map_err(|error| spool_failure(name, &error))?;
            writer.write(&winners(&batch, self.contract, &self.reduction)?)?;
        }
        Ok(Collected {
            staged: Table {
                event_date: self.source.event_date.as_ref().map(|column| column.value.clone()),
                as_of: self.source.as_of.iter().map(|column| column.value.clone()).collect(),
                ..described(self.source, &spec, writer.finish()?)
            },
            quarantine: described(
                self.source,
                &quarantine_spec(self.source, self.around.timezone),
                self.quarantine.finish()?,
            ),
            superseded: self.reduction.superseded(),
            faults: self.faults,
            examples: self.examples,
        })
    }

    fn spool_failure(&self, error: &arrow::error::ArrowError) -> Error {
        spool_failure(&self.source.name.value, error)
    }
}

fn spool_failure(source: &str, error: &arrow::error::ArrowError) -> Error {
    Error::Environment {
        message: format!("cannot spool the rows of source `{source}` in the warehouse's staging folder: {error}"),
        hint: Some("free some space on the warehouse's disk, or raise `--memory-limit`".to_owned()),
    }
}

/// Returns the contract's schema with the order of versions beside it.
fn spooled_schema(contract: &Contract) -> Arc<Schema> {
    let mut fields: Vec<Arc<Field>> = contract.schema().fields().iter().cloned().collect();
    fields.push(Arc::new(Field::new("file rank", DataType::UInt32, false)));
    fields.push(Arc::new(Field::new("file line", DataType::UInt64, false)));
    Arc::new(Schema::new(fields))
}

fn spooled(rows: &RecordBatch, rank: u32, lines: Vec<u64>, contract: &Contract) -> Result<RecordBatch, Error> {
    let mut columns: Vec<ArrayRef> = rows.columns().to_vec();
    columns.push(Arc::new(UInt32Array::from_value(rank, rows.num_rows())));
    columns.push(Arc::new(UInt64Array::from(lines)));
    RecordBatch::try_new(spooled_schema(contract), columns).map_err(|error| broken(&error))
}

/// Returns the rows of a spooled batch that win their key. A batch holds rows of one file.
fn winners(
    batch: &RecordBatch,
    contract: &Contract,
    reduction: &crate::normalize::Reduction,
) -> Result<RecordBatch, Error> {
    let width = contract.schema().fields().len();
    let rows = batch.project(&(0..width).collect::<Vec<_>>()).map_err(|error| broken(&error))?;
    let rank = batch.column(width).as_primitive::<UInt32Type>().value(0);
    let lines = batch.column(width + 1).as_primitive::<UInt64Type>().values();
    let keep = reduction.keep(&rows, rank, lines)?;
    filter_record_batch(&rows, &keep).map_err(|error| broken(&error))
}

fn broken(error: &arrow::error::ArrowError) -> Error {
    Error::Bug { message: format!("spooled rows do not fit their schema: {error}") }
}

fn staged_spec(source: &Source, contract: &Contract, timezone: Tz) -> TableSpec {
    let names = |columns: &[crate::record::Placed<String>]| columns.iter().map(|column| column.value.clone()).collect();
    TableSpec {
        name: source.table(),
        schema: contract.schema(),
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

fn options(around: Surroundings<'_>) -> WriterOptions {
    WriterOptions { memory_bytes: around.memory_bytes, threads: around.threads, ..WriterOptions::default() }
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
