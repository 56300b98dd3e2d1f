//! Building models: each as soon as what it reads is built, several at once (see `queue`), only what must be rebuilt.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
    time::Instant,
};

use arrow::array::RecordBatch;
use chrono_tz::Tz;
use datafusion::{catalog::TableProvider, error::DataFusionError, prelude::SessionContext};
use futures::{Stream, StreamExt, future::BoxFuture, stream::FuturesUnordered};

use super::{
    Event, Observer, backfill::Backfill, measured, outcome, outcome::Failure, partial::Scope, queue::Queue, verify,
};
use crate::{
    Error,
    define::project::History,
    engine::{
        AsOf, Catalog, CatalogTable, Engine, SnapshotTable, Statement, catalog, meter::Meter, operators,
        scarcity::Attempts,
    },
    publish::{self, Staging, TableSpec, TableWriter, WriterMemory, WriterOptions},
    record::{
        Cost, Manifest, PartitionValues, QueryPlan, TableName,
        manifest::{DataFile, Partition, Table},
    },
    report::{ModelReport, RebuiltPartition},
    transform::{
        Decision, Graph, PlannedModel, Prover, Reason, Share,
        decide::{self, Base},
        depend::{self, Inputs},
        execute::{self, Execution},
        keyed::{self, Deltas},
        shares,
    },
};

/// What building needs besides the models.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    pub engine: &'a Engine,
    pub staging: &'a Staging,
    pub parent: Option<&'a Manifest>,
    pub timezone: Tz,
    /// What rows that wait to be written may have.
    pub memory: &'a Arc<WriterMemory>,
    /// Compressed bytes of a full data file.
    pub file_bytes: usize,
    pub full: bool,
    /// Whether every model is also computed whole, to be compared.
    pub verify: bool,
    /// In which rows tables differ from what they were.
    pub deltas: &'a Deltas,
    pub backfill: &'a Backfill,
    pub scope: &'a Scope,
    /// Whether nothing else is built meanwhile, as the queue has it.
    pub is_alone: bool,
    pub observer: &'a dyn Observer,
}

/// Returns what the engine leaves to the writers of all models.
pub(super) fn writer_memory(engine: &Engine) -> WriterMemory {
    let settings = engine.settings();
    WriterMemory::new(settings.memory_limit_bytes / 4, settings.threads, settings.threads)
}

/// A built model.
struct Built {
    name: TableName,
    table: CatalogTable,
    report: ModelReport,
    /// How it was computed, if it was.
    query: Option<QueryPlan>,
}

/// Everything that was built.
#[derive(Default)]
pub(super) struct AllBuilt {
    /// The reports, in the order in which the models are built.
    pub models: Vec<ModelReport>,
    /// How the models were computed that were.
    pub operators: BTreeMap<TableName, QueryPlan>,
}

/// The rows of a model in files, and how they came there.
#[derive(Default)]
pub(super) struct Written {
    pub partitions: Vec<Partition>,
    query: Option<QueryPlan>,
    /// How often the query was begun, of all shares that which was begun most often.
    attempts: usize,
    /// In how many shares the rows were computed.
    shares: usize,
}

impl Written {
    /// Adds another share.
    fn add(&mut self, share: Self) {
        let Self { partitions, query, attempts, shares } = share;
        self.partitions.extend(partitions);
        match (&mut self.query, query) {
            (Some(all), Some(query)) => all.add(&query),
            (all, query) => *all = all.take().or(query),
        }
        self.attempts = self.attempts.max(attempts);
        self.shares += shares;
    }

    /// Returns what the rows cost; None where there was nothing to compute.
    fn cost(&self, started: Instant, meter: &Meter) -> Option<Cost> {
        let cost = self.query.as_ref()?.cost();
        let (attempts, shares, peak_memory_bytes) = (self.attempts, self.shares, meter.peak_bytes());
        Some(Cost { seconds: started.elapsed().as_secs_f64(), peak_memory_bytes, attempts, shares, ..cost })
    }
}

/// Builds the models of a graph that are in scope on top of the staged tables, and returns the catalog of everything.
///
/// # Errors
/// The first model that cannot be computed, or a disk that refuses.
pub(super) async fn build_all(
    graph: &Graph,
    mut catalog: Catalog,
    around: Surroundings<'_>,
) -> Result<(Catalog, AllBuilt), Failure> {
    let scope = around.scope;
    scope.carry_over(graph, around.parent, around.staging.finder(), &mut catalog)?;
    let waiting = graph.models.iter().filter(|model| scope.builds(&model.model.name)).collect();
    let mut queue: Queue<&PlannedModel> = Queue::new(waiting, around.engine.settings().threads);
    let mut in_flight: FuturesUnordered<BoxFuture<'_, (&PlannedModel, Result<Built, Error>)>> = FuturesUnordered::new();
    let (mut reports, mut operators) = (BTreeMap::new(), BTreeMap::new());
    loop {
        let is_ready = |model: &&PlannedModel| model.statement.tables.iter().all(|table| catalog.contains_key(table));
        while let Some(model) = queue.begin(is_ready) {
            let inputs = inputs(&model.statement, &catalog);
            let around = Surroundings { is_alone: queue.is_alone(), ..around };
            in_flight.push(Box::pin(async move { (model, build(model, inputs, around).await) }));
        }
        let Some((model, built)) = in_flight.next().await else { break };
        let Built { name, table, report, query } = match built {
            Err(Error::Memory { .. }) if queue.starve(model) => {
                tracing::info!("`{}` found too little memory beside others, and is built alone", model.model.name);
                continue;
            }
            built => built.map_err(|error| Failure::of(&model.model.name, error))?,
        };
        queue.end();
        catalog.insert(name.clone(), table);
        operators.extend(query.map(|query| (name.clone(), measured::shortened(query))));
        reports.insert(name, report);
    }
    scope.note_left_behind(graph, around.parent, &mut catalog);
    let models = graph.models.iter().filter_map(|model| reports.remove(&model.model.name)).collect();
    Ok((catalog, AllBuilt { models, operators }))
}

/// Returns the part of the catalog that a statement reads.
pub(super) fn inputs(statement: &Statement, catalog: &Catalog) -> Catalog {
    let known = |name: &TableName| Some((name.clone(), catalog.get(name)?.clone()));
    statement.tables.iter().filter_map(known).collect()
}

async fn build(model: &PlannedModel, inputs: Catalog, around: Surroundings<'_>) -> Result<Built, Error> {
    let started = Instant::now();
    let name = model.model.name.clone();
    around.observer.notice(&Event::Building { table: name.clone() });
    let failed = |error: datafusion::error::DataFusionError| outcome::engine_failure(&model.model.name, &error);
    let state = || depend::state(&model.definition, &inputs, around.parent);
    if !around.full
        && !around.verify
        && around.backfill.is_empty()
        // The versions of a history begin on the day of the run that made them.
        && model.model.history.is_none()
        && let Some(table) = around.staging.salvage().model(&name, &state)
    {
        return Ok(salvaged(model, table, around, started));
    }
    let inside = catalog::providers(&inputs).map_err(failed)?;
    let rows = inputs.values().map(|input| input.table.rows()).sum();
    let (session, meter) = around.engine.metered_session(inside, rows).map_err(failed)?;
    let base = around.parent.map(|parent| Base { parent, catalog: &inputs });
    let mut decision = match base.and_then(|base| base.parent.tables.get(&name)).filter(|_| around.full) {
        Some(table) => decide::everything(table, Reason::Asked),
        None => decide::decide(model, base, &session).await.map_err(failed)?,
    };
    around.backfill.apply(&name, &mut decision);
    meter.restart();
    let begun = Instant::now();
    let (mut written, decision) = rebuild(model, decision, (&inputs, base), &session, around).await?;
    let cost = written.cost(begun, &meter);
    let decision = restated(model, decision, around.parent, around.timezone)?;
    fingerprint_all(model, &mut written.partitions, &inputs, &session).await.map_err(failed)?;
    let Written { partitions: written, query, .. } = written;
    let report = ModelReport { cost, ..report(model, &decision, &written, around.parent, started) };
    let partitions =
        merged(&decision, written, &around.parent.map(|parent| parent.partitions(&name)).unwrap_or_default());
    let table = Table { partitions, ..model.declared() };
    let rows = table.rows();
    around.observer.notice(&Event::Built { table: name.clone(), rows, rebuilt: report.rebuilt.len() });
    if !decision.is_idle() {
        around.staging.note_model(&name, &state(), &table)?;
    }
    let built = built(model, table, ModelReport { rows, ..report }, around);
    let differences = match around.verify {
        true => verify::differences(model, &built.table, &session, around).await?,
        false => Vec::new(),
    };
    Ok(Built { report: ModelReport { differences, ..built.report }, query, ..built })
}

/// Makes what a decision asks for, and returns what of it was left where fewer partitions turned out to be others.
async fn rebuild(
    model: &PlannedModel,
    decision: Decision,
    (inputs, base): (&Catalog, Option<Base<'_>>),
    session: &SessionContext,
    around: Surroundings<'_>,
) -> Result<(Written, Decision), Error> {
    if decision.is_idle() {
        return Ok((Written::default(), decision));
    }
    let base = base.filter(|_| !around.full && around.backfill.is_empty());
    match Box::pin(by_keys(model, &decision, base, session, around)).await {
        Ok(Some(made)) => return Ok(made),
        Ok(None) => {}
        Err(error @ Error::Environment { .. }) => return Err(error),
        // With little memory the whole query has other ways, and of what is wrong with it, it tells more.
        Err(error) => tracing::info!("`{}` is computed whole: {error}", model.model.name),
    }
    let failed = |error: DataFusionError| outcome::engine_failure(&model.model.name, &error);
    let memory_bytes = around.engine.settings().memory_limit_bytes;
    let shares = match shares::shares(model, &decision, inputs, session, memory_bytes).await {
        Ok(shares) => shares,
        Err(error) => {
            tracing::info!("`{}` is computed in one: {error}", model.model.name);
            vec![Share::whole(model, &decision).map_err(failed)?]
        }
    };
    let mut written = Written::default();
    for share in &shares {
        written.add(write_into(around.staging.path(), model, share, session, around).await?);
    }
    Ok((written, decision))
}

/// Makes what a decision asks for of old rows and those of changed keys; None where these cannot be told apart.
async fn by_keys(
    model: &PlannedModel,
    decision: &Decision,
    base: Option<Base<'_>>,
    session: &SessionContext,
    around: Surroundings<'_>,
) -> Result<Option<(Written, Decision)>, Error> {
    let failed = |error: DataFusionError| outcome::engine_failure(&model.model.name, &error);
    let Some((base, published)) = base.zip(published(&model.model.name, around).map_err(failed)?) else {
        return Ok(None);
    };
    let Some(key) = keyed::key(model, decision, base, around.deltas, session).await.map_err(failed)? else {
        return Ok(None);
    };
    let past = keyed::Past {
        before: &|table| published_before(table, base, around),
        rows: Arc::new(published.files),
        deltas: around.deltas,
    };
    let Some(reckoned) = keyed::reckon(model, decision, key, base, past, session).await.map_err(failed)? else {
        return Ok(None);
    };
    tracing::debug!("`{}` is computed of changed keys", model.model.name);
    let tables: Vec<&TableName> = model.statement.tables.iter().chain([&model.model.name]).collect();
    let mut written = Written { attempts: 1, shares: 1, ..Written::default() };
    if !reckoned.decision.is_idle() {
        let rows = reckoned.rows(model, session).await.map_err(failed)?;
        let writer = writer(around.staging.path(), model, around)?;
        written.partitions = drained(rows, writer).await?.map_err(failed)?;
    }
    written.query = reckoned.plan.as_ref().map(|plan| operators::query_plan(&[], plan.as_ref(), &tables, true));
    Ok(Some((written, reckoned.decision)))
}

/// Returns a table as the last snapshot has it.
fn published(name: &TableName, around: Surroundings<'_>) -> datafusion::error::Result<Option<CatalogTable>> {
    let Some(table) = around.parent.and_then(|parent| parent.tables.get(name)) else { return Ok(None) };
    let locate = |file: &DataFile| around.staging.finder().find(name, file);
    Ok(Some(CatalogTable::new(table.clone(), SnapshotTable::declared_schema(table)?, None, &locate)))
}

/// Returns an input as it was for the models of the last snapshot.
fn published_before(
    name: &TableName,
    base: Base<'_>,
    around: Surroundings<'_>,
) -> datafusion::error::Result<Option<CatalogTable>> {
    let Some(published) = published(name, around)? else { return Ok(None) };
    let cut = base.catalog.get(name).and_then(|now| now.as_of.clone());
    let as_of = cut.map(|cut| AsOf::of(&published.table, base.parent.run_date, cut.timezone));
    Ok(Some(CatalogTable { as_of, ..published }))
}

fn built(model: &PlannedModel, table: Table, report: ModelReport, around: Surroundings<'_>) -> Built {
    let name = model.model.name.clone();
    let locate = |file: &DataFile| around.staging.finder().find(&name, file);
    let table = CatalogTable::new(table, model.schema.clone(), None, &locate);
    Built { name, table, report, query: None }
}

/// Takes over what a killed run had built of the same inputs.
fn salvaged(model: &PlannedModel, table: &Table, around: Surroundings<'_>, started: Instant) -> Built {
    let before = around.parent.map(|parent| parent.partitions(&model.model.name)).unwrap_or_default();
    let is_kept = |partition: &Partition| before.get(&partition.values).is_some_and(|old| *old == partition);
    let (clean, built_before): (Vec<Partition>, Vec<Partition>) = table.partitions.iter().cloned().partition(is_kept);
    let gone = before.keys().filter(|values| table.partitions.iter().all(|partition| partition.values != ***values));
    let dirty = gone.map(|values| ((*values).clone(), vec![Reason::Salvaged])).collect();
    let decision = Decision { clean, dirty, open: vec![Reason::Salvaged], ..Decision::default() };
    let report = report(model, &decision, &built_before, around.parent, started);
    let rows = table.rows();
    around.observer.notice(&Event::Built { table: model.model.name.clone(), rows, rebuilt: built_before.len() });
    built(
        model,
        Table { partitions: table.partitions.clone(), ..model.declared() },
        ModelReport { rows, ..report },
        around,
    )
}

/// Returns a decision whose kept partitions are described in the columns that the table has now.
pub(super) fn restated(
    model: &PlannedModel,
    decision: Decision,
    parent: Option<&Manifest>,
    timezone: Tz,
) -> Result<Decision, Error> {
    match parent.and_then(|parent| parent.tables.get(&model.model.name)) {
        Some(before) if decision.is_evolved => {
            let clean = publish::restated(&decision.clean, before, spec(model, timezone))?;
            Ok(Decision { clean, ..decision })
        }
        _ => Ok(decision),
    }
}

fn spec(model: &PlannedModel, timezone: Tz) -> TableSpec {
    let versions = [History::VALID_FROM, History::VALID_TO].map(str::to_owned).to_vec();
    TableSpec {
        name: model.model.name.clone(),
        schema: publish::labelled(&model.schema, &model.model.labels()),
        partition_by: model.partition_by(),
        key: model.key(),
        dates: model.model.history.as_ref().map_or_else(Vec::new, |_| versions),
        timezone,
    }
}

/// Returns the table as last published, which a history continues.
fn past(model: &PlannedModel, around: Surroundings<'_>) -> datafusion::error::Result<Option<Arc<dyn TableProvider>>> {
    if model.model.history.is_none() {
        return Ok(None);
    }
    let table = published(&model.model.name, around)?;
    Ok(table.map(|table| Arc::new(table.files) as Arc<dyn TableProvider>))
}

/// Runs a share of a model's query into a partition writer. Where joins by hash need more memory than there is, the query starts again
/// with joins that sort, which spill. That can take many times as long, so beside other models it rather fails: alone it may fit.
///
/// # Errors
/// When the query fails or the disk refuses.
pub(super) async fn write_into(
    folder: &Path,
    model: &PlannedModel,
    share: &Share,
    session: &datafusion::prelude::SessionContext,
    around: Surroundings<'_>,
) -> Result<Written, Error> {
    let name = &model.model.name;
    let what = format!("`{name}`");
    let mut attempts = Attempts::new(session, &what);
    loop {
        let written = attempt(folder, model, share, attempts.session(), around).await?;
        if !(around.is_alone && attempts.is_repeated(&written)) {
            let written = written.map_err(|error| outcome::engine_failure(name, &error));
            return written.map(|(partitions, query)| Written {
                partitions,
                query: Some(query),
                attempts: attempts.count(),
                shares: 1,
            });
        }
    }
}

/// Runs a query once; a failure of the engine is the inner result.
async fn attempt(
    folder: &Path,
    model: &PlannedModel,
    share: &Share,
    session: &datafusion::prelude::SessionContext,
    around: Surroundings<'_>,
) -> Result<datafusion::error::Result<(Vec<Partition>, QueryPlan)>, Error> {
    let writer = writer(folder, model, around)?;
    let past = match past(model, around) {
        Ok(past) => past,
        Err(error) => return Ok(Err(error)),
    };
    let (rows, plan, parts) = match execute::rows(model, share.clone(), past, session).await {
        Ok(Execution { rows, plan, parts }) => (rows, plan, parts),
        Err(error) => return Ok(Err(error)),
    };
    let partitions = match drained(rows, writer).await? {
        Ok(partitions) => partitions,
        Err(error) => return Ok(Err(error)),
    };
    let tables: Vec<&TableName> = model.statement.tables.iter().chain([&model.model.name]).collect();
    Ok(Ok((partitions, operators::query_plan(&parts, plan.as_ref(), &tables, true))))
}

fn writer(folder: &Path, model: &PlannedModel, around: Surroundings<'_>) -> Result<TableWriter, Error> {
    let settings = around.engine.settings();
    let options = WriterOptions {
        memory_bytes: settings.memory_limit_bytes / (4 * settings.threads.max(1)),
        threads: settings.threads,
        file_bytes: around.file_bytes,
        ..WriterOptions::default()
    };
    Ok(TableWriter::sharing(spec(model, around.timezone), folder, options, Arc::clone(around.memory))?)
}

/// Writes rows until there are no more; a failure of the engine is the inner result.
async fn drained(
    rows: impl Stream<Item = datafusion::error::Result<RecordBatch>>,
    mut writer: TableWriter,
) -> Result<datafusion::error::Result<Vec<Partition>>, Error> {
    let mut rows = std::pin::pin!(rows);
    while let Some(batch) = rows.next().await {
        match batch {
            Ok(batch) => tokio::task::block_in_place(|| writer.write(&batch))?,
            Err(error) => return Ok(Err(error)),
        }
    }
    Ok(Ok(tokio::task::block_in_place(|| writer.finish())?))
}

/// Puts on every written partition the fingerprint by which the next run knows that it is still true.
async fn fingerprint_all(
    model: &PlannedModel,
    written: &mut [Partition],
    inputs: &Catalog,
    session: &datafusion::prelude::SessionContext,
) -> datafusion::error::Result<()> {
    if written.is_empty() {
        return Ok(());
    }
    let prover = Prover::new(model, Inputs::now(inputs), session).await?;
    let values: Vec<&PartitionValues> = written.iter().map(|partition| &partition.values).collect();
    let proofs = tokio::task::block_in_place(|| prover.prove(&values))?;
    for (partition, proof) in written.iter_mut().zip(proofs) {
        partition.fingerprint = proof.fingerprint;
    }
    Ok(())
}

/// Joins kept and written partitions. One with the rows of the last snapshot keeps that one's files: another version of
/// the tool may write the same rows as other bytes.
fn merged(
    decision: &Decision,
    written: Vec<Partition>,
    before: &BTreeMap<&PartitionValues, &Partition>,
) -> Vec<Partition> {
    let settle = |partition: Partition| match before.get(&partition.values) {
        // Of files with other columns the new ones are better.
        Some(old) if old.content == partition.content && old.file_columns.is_empty() => {
            Partition { fingerprint: partition.fingerprint, ..(*old).clone() }
        }
        _ => partition,
    };
    let mut partitions = decision.clean.clone();
    partitions.extend(written.into_iter().map(settle));
    partitions.sort_by(|a, b| a.values.cmp(&b.values));
    partitions
}

fn report(
    model: &PlannedModel,
    decision: &Decision,
    written: &[Partition],
    parent: Option<&Manifest>,
    started: Instant,
) -> ModelReport {
    let before = parent.map(|parent| parent.partitions(&model.model.name)).unwrap_or_default();
    let dirty: BTreeMap<_, _> = decision.dirty.iter().map(|(values, reasons)| (values, reasons)).collect();
    let rebuilt = |partition: &Partition| RebuiltPartition {
        values: partition.values.clone(),
        reasons: dirty
            .get(&partition.values)
            .map_or(&decision.open, |reasons| reasons)
            .iter()
            .map(Reason::to_string)
            .collect(),
        is_changed: before.get(&partition.values).is_none_or(|old| old.content != partition.content),
        rows: partition.rows,
        files: partition.files.iter().map(|file| file.path.clone()).collect(),
    };
    let present: BTreeSet<_> = written.iter().map(|partition| &partition.values).collect();
    let dropped = decision.dirty.iter().map(|(values, _)| values).filter(|values| !present.contains(values));
    ModelReport {
        table: model.model.name.clone(),
        rebuilt: written.iter().map(rebuilt).collect(),
        kept_partitions: decision.clean.len(),
        schema_changes: decision.schema_changes.iter().map(ToString::to_string).collect(),
        is_evolved: decision.is_evolved,
        dropped: dropped.cloned().collect(),
        ignored: decision.ignored.iter().map(Reason::to_string).collect(),
        differences: Vec::new(),
        rows: 0,
        seconds: started.elapsed().as_secs_f64(),
        cost: None,
    }
}
