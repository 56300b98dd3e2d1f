//! Building models: each as soon as what it reads is built, several at once, only what must be rebuilt.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::Instant,
};

use chrono_tz::Tz;
use futures::{StreamExt, future::BoxFuture, stream::FuturesUnordered};

use super::{Event, Observer, backfill::Backfill, outcome, verify};
use crate::{
    Error,
    engine::{Catalog, CatalogTable, Engine, catalog},
    publish::{Staging, TableSpec, TableWriter, WriterOptions},
    record::{
        Manifest, PartitionValues, TableName,
        manifest::{Partition, Table},
    },
    report::{ModelReport, RebuiltPartition},
    transform::{
        Decision, Graph, PlannedModel, Prover, Reason,
        decide::{self, Base},
        depend::Inputs,
        execute,
    },
};

/// What building needs besides the models.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    pub engine: &'a Engine,
    pub staging: &'a Staging,
    pub parent: Option<&'a Manifest>,
    pub timezone: Tz,
    pub full: bool,
    /// Whether every model is also computed whole, to be compared.
    pub verify: bool,
    pub backfill: &'a Backfill,
    pub observer: &'a dyn Observer,
}

/// A built model.
struct Built {
    name: TableName,
    table: CatalogTable,
    report: ModelReport,
}

/// Builds all models of a graph on top of the staged tables and returns the catalog of everything.
///
/// # Errors
/// The first model that cannot be computed, or a disk that refuses.
pub(super) async fn build_all(
    graph: &Graph,
    mut catalog: Catalog,
    around: Surroundings<'_>,
) -> Result<(Catalog, Vec<ModelReport>), Error> {
    let mut waiting: Vec<&PlannedModel> = graph.models.iter().collect();
    let mut in_flight: FuturesUnordered<BoxFuture<'_, Result<Built, Error>>> = FuturesUnordered::new();
    let mut reports = BTreeMap::new();
    loop {
        let most = around.engine.settings().threads.max(1);
        while in_flight.len() < most {
            let ready = |model: &&PlannedModel| model.statement.tables.iter().all(|table| catalog.contains_key(table));
            let Some(index) = waiting.iter().position(ready) else { break };
            let model = waiting.remove(index);
            in_flight.push(Box::pin(build(model, inputs(model, &catalog), around)));
        }
        let Some(built) = in_flight.next().await else { break };
        let Built { name, table, report } = built?;
        catalog.insert(name.clone(), table);
        reports.insert(name, report);
    }
    let in_order = graph.models.iter().filter_map(|model| reports.remove(&model.model.name)).collect();
    Ok((catalog, in_order))
}

/// Returns the part of the catalog that a model reads.
pub(super) fn inputs(model: &PlannedModel, catalog: &Catalog) -> Catalog {
    let known = |name: &TableName| Some((name.clone(), catalog.get(name)?.clone()));
    model.statement.tables.iter().filter_map(known).collect()
}

async fn build(model: &PlannedModel, inputs: Catalog, around: Surroundings<'_>) -> Result<Built, Error> {
    let started = Instant::now();
    let name = model.model.name.clone();
    around.observer.notice(&Event::Building { table: name.clone() });
    let failed = |error: datafusion::error::DataFusionError| outcome::engine_failure(&model.model.name, &error);
    let session = around.engine.session(catalog::providers(&inputs).map_err(failed)?).map_err(failed)?;
    let base = around.parent.map(|parent| Base { parent, catalog: &inputs });
    let mut decision = match base.and_then(|base| base.parent.tables.get(&name)).filter(|_| around.full) {
        Some(table) => decide::everything(table, Reason::Asked),
        None => decide::decide(model, base, &session).await.map_err(failed)?,
    };
    around.backfill.apply(&name, &mut decision);
    let mut written = match decision.is_idle() {
        true => Vec::new(),
        false => write(model, &decision, &session, around).await?,
    };
    fingerprint_all(model, &mut written, &inputs, &session).await.map_err(failed)?;
    let report = report(model, &decision, &written, around.parent, started);
    let partitions =
        merged(&decision, written, &around.parent.map(|parent| parent.partitions(&name)).unwrap_or_default());
    let table = Table { partitions, ..model.declared() };
    let rows = table.rows();
    around.observer.notice(&Event::Built { table: name.clone(), rows, rebuilt: report.rebuilt.len() });
    let locate = |file: &crate::record::manifest::DataFile| around.staging.readable(&name, file);
    let table = CatalogTable::new(table, model.schema.clone(), None, &locate);
    let differences = match around.verify {
        true => verify::differences(model, &table, &session, around).await?,
        false => Vec::new(),
    };
    Ok(Built { name, table, report: ModelReport { differences, rows, ..report } })
}

/// Runs a model's query into the partition writer.
async fn write(
    model: &PlannedModel,
    decision: &Decision,
    session: &datafusion::prelude::SessionContext,
    around: Surroundings<'_>,
) -> Result<Vec<Partition>, Error> {
    write_into(around.staging.path(), model, decision, session, around).await
}

/// The same into any folder.
///
/// # Errors
/// When the query fails or the disk refuses.
pub(super) async fn write_into(
    folder: &Path,
    model: &PlannedModel,
    decision: &Decision,
    session: &datafusion::prelude::SessionContext,
    around: Surroundings<'_>,
) -> Result<Vec<Partition>, Error> {
    let failed = |error: datafusion::error::DataFusionError| outcome::engine_failure(&model.model.name, &error);
    let spec = TableSpec {
        name: model.model.name.clone(),
        schema: model.schema.clone(),
        partition_by: model.partition_by(),
        key: model.key(),
        dates: Vec::new(),
        timezone: around.timezone,
    };
    let settings = around.engine.settings();
    let options = WriterOptions {
        memory_bytes: settings.memory_limit_bytes / (4 * settings.threads.max(1)),
        threads: settings.threads,
        ..WriterOptions::default()
    };
    let mut writer = TableWriter::create(spec, folder, options)?;
    let mut rows = Box::pin(execute::rows(model, decision, session).await.map_err(failed)?);
    while let Some(batch) = rows.next().await {
        let batch = batch.map_err(failed)?;
        tokio::task::block_in_place(|| writer.write(&batch))?;
    }
    Ok(tokio::task::block_in_place(|| writer.finish())?)
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
        Some(old) if old.content == partition.content => {
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
        dropped: dropped.cloned().collect(),
        ignored: decision.ignored.iter().map(Reason::to_string).collect(),
        differences: Vec::new(),
        rows: 0,
        seconds: started.elapsed().as_secs_f64(),
    }
}
