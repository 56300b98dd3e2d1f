//! The nightly run, from locked warehouse to flipped snapshot.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use chrono::{DateTime, Utc};
use encoding_rs::Encoding;

use super::{
    Definitions, Event, Observer, Request,
    accepted::Accepted,
    backfill::Backfill,
    build::{self, AllBuilt},
    definitions, failures, forecast,
    gate::{self, Gate},
    identity::Manner,
    inherit,
    listings::listings,
    load, measured, ops, outcome,
    outcome::Failure,
    partial::Scope,
    rejects::is_correction_column,
    select,
    sources::{Night, stage_all},
    stage::{self, StagedSource, Workplace},
    validate::remember,
};
use crate::{
    Error,
    engine::{AsOf, Catalog, CatalogTable, Engine, Parameters, SnapshotTable},
    publish::{FinishedSource, Staging, Warehouse},
    record::{
        Diagnostic, Manifest, TableName,
        manifest::{MANIFEST_VERSION, Table},
    },
    report::{EntityReport, ModelReport, Outcome, RunReport, SourceReport},
    transform::keyed::Deltas,
};

/// Runs a pipeline: stages what changed, rebuilds what depends on it, checks it and serves it.
///
/// # Errors
/// Everything that keeps the run from reaching its checks; a failed check is an outcome of the report.
pub async fn nightly(request: &Request, engine: &Engine, observer: &dyn Observer) -> Result<RunReport, Error> {
    let mut definitions = definitions(request, engine).await?;
    let selected = select::models(&definitions, request, engine).await?;
    let warehouse = load::warehouse(&definitions.project.pipeline, request)?;
    let run = run_id(request);
    reach(&warehouse, engine)?;
    let lock = warehouse.lock(&run)?;
    refuse_if_held(&warehouse)?;
    let staging = warehouse.begin(&lock, &run)?;
    Box::pin(remember(&mut definitions, staging.parent(), engine)).await?;
    let is_first = warehouse.served()?.is_none();
    let scope = Scope::new(selected, &request.rebuild, &definitions.graph, staging.parent())?;
    let carried_out = carry_out(request, &definitions, &scope, engine, &warehouse, staging, &run, is_first, observer);
    let result = Box::pin(carried_out).await;
    let recorded = match &result {
        Ok(report) => measured::keep(&warehouse, &run, &report.operators)
            .and_then(|()| Ok(warehouse.record_run(&run, report).map(drop)?)),
        Err(failed) => warehouse.record_run(&run, &failure(request, &run, failed)).map(drop).map_err(Error::from),
    };
    // The outcome stands, whether or not there is room to write it down.
    if let Err(error) = recorded {
        tracing::warn!("the run is not recorded: {error}");
    }
    Ok(result?)
}

/// Returns the run's id: when it began, and the process, so that two never share one.
pub(super) fn run_id(request: &Request) -> String {
    format!("{}-{}", request.now.format("%Y%m%dT%H%M%S%3fZ"), std::process::id())
}

/// Returns whether somebody can mend a failure in the definitions or settings and run again. A disk gets its room back.
const fn is_of_a_model(error: &Error) -> bool {
    matches!(error, Error::Data { .. } | Error::Usage { .. } | Error::Memory { .. } | Error::Bug { .. })
}

fn failure(request: &Request, run: &str, Failure { table, error }: &Failure) -> serde_json::Value {
    serde_json::json!({
        "run": run,
        "environment": request.environment,
        "started_at": request.now.to_rfc3339(),
        "outcome": "failed",
        "failed_table": table,
        "exit_code": error.exit_code(),
        "error": error.to_string(),
        "hint": error.hint(),
    })
}

/// Lets the engine read what lies in a warehouse's object store.
pub(super) fn reach(warehouse: &Warehouse, engine: &Engine) -> Result<(), Error> {
    let Some(store) = warehouse.store() else { return Ok(()) };
    engine.reach(store).map_err(|error| outcome::bug(&error))
}

fn refuse_if_held(warehouse: &Warehouse) -> Result<(), Error> {
    match warehouse.hold()? {
        None => Ok(()),
        Some(hold) => Err(Error::Data {
            message: format!("snapshot {} is held ({}), so nothing is published", hold.snapshot, hold.reason),
            hint: Some("`tallyhouse snapshots release` lets the next run publish again".to_owned()),
        }),
    }
}

#[expect(clippy::too_many_arguments, reason = "the whole run passes through here")]
async fn carry_out(
    request: &Request,
    definitions: &Definitions,
    scope: &Scope,
    engine: &Engine,
    warehouse: &Warehouse,
    mut staging: Staging,
    run: &str,
    is_first: bool,
    observer: &dyn Observer,
) -> Result<RunReport, Failure> {
    let started = Instant::now();
    let accepted = Accepted::new(&request.accepted, &definitions.checks)?;
    let left_out: Vec<TableName> = scope.left_out(&definitions.graph).map(|model| model.model.name.clone()).collect();
    let (sources, models) = (definitions.project.sources.len(), definitions.graph.models.len() - left_out.len());
    observer.notice(&Event::Begun { sources, models });
    let parent = staging.parent().cloned();
    inherit::refuse(&definitions.graph, scope, parent.as_ref(), request.full)?;
    let listings = listings(&definitions.project.sources).await;
    let forecast = forecast::forecast(request, definitions, &listings, parent.as_ref(), staging.path())?;
    let low_space = forecast.admit(&definitions.project.pipeline)?;
    let place = Workplace {
        folder: staging.path(),
        parent: parent.as_ref(),
        salvage: Some(staging.salvage()),
        files: staging.finder(),
        listings: &listings,
    };
    let around = stage::Surroundings::new(place, definitions, request, engine, observer);
    let finished = |source: &StagedSource| note(&staging, source);
    let manner = Manner { full: request.full && scope.is_whole(), verify: request.verify, remember: true };
    let night = stage_all(definitions, engine, around, manner, &finished);
    let Night { sources: staged, entities, catalog } = Box::pin(night).await?;
    let backfill = Backfill::new(&request.rebuild, &definitions.graph, parent.as_ref())?;
    let memory = Arc::new(build::writer_memory(engine));
    let around = build::Surroundings {
        engine,
        staging: &staging,
        parent: parent.as_ref(),
        timezone: definitions.parameters.timezone,
        memory: &memory,
        file_bytes: definitions.project.pipeline.publish.file_bytes,
        full: request.full,
        verify: request.verify,
        deltas: &Deltas::default(),
        backfill: &backfill,
        scope,
        is_alone: false,
        observer,
    };
    let built = build::build_all(&definitions.graph, catalog, around).await;
    if built.as_ref().is_err_and(|failure| is_of_a_model(&failure.error)) {
        staging.leave();
    }
    let (catalog, AllBuilt { models, operators }) = built?;
    let mut manifest = manifest(request, definitions, run, &staged, &catalog);
    // A development environment starts from production's snapshot and still gets a link of its own.
    let is_new = scope.is_new(&mut manifest, parent.as_ref()) || is_first;
    scope.note_days(&definitions.graph, parent.as_ref(), &mut manifest);
    let checks = scope.checks(definitions, &catalog);
    let around = gate::Surroundings {
        definitions,
        checks: &checks,
        accepted: &accepted,
        engine,
        catalog: &catalog,
        parent: parent.as_ref(),
        warehouse,
        is_new,
        observer,
    };
    let gate = gate::check_all(around).await?;
    let lost = inherit::warnings(definitions, parent.as_ref());
    let (unproved, refusal) = (unproved(&models, &entities), gate.refusal());
    if unproved.is_none() && refusal.is_some() {
        staging.leave();
    }
    let outcome = match unproved.or(refusal) {
        Some(reason) => Outcome::Stopped { reason, snapshot: parent.map(|parent| parent.snapshot) },
        None if !is_new => Outcome::Unchanged { snapshot: parent.map(|parent| parent.snapshot).unwrap_or_default() },
        None => {
            let writing = ops::Writing { folder: staging.path(), timezone: definitions.parameters.timezone };
            manifest.tables.extend(ops::write(definitions, &gate, writing)?);
            let columns = ops::columns::write(&manifest, writing)?;
            manifest.tables.extend([columns]);
            manifest.passed_checks.clone_from(&gate.passed);
            settle(definitions, staging, manifest, request.now, observer)?
        }
    };
    if !matches!(outcome, Outcome::Published { .. }) {
        failures::keep(warehouse, run, &gate.failures)?;
    }
    let mut report = report(request, definitions, run, started, outcome, staged, models, gate);
    report.warnings.extend(entities.iter().flat_map(told));
    report.entities = entities;
    report.operators = operators;
    report.left_out = left_out;
    report.warnings.splice(0..0, low_space);
    report.warnings.extend(lost);
    Ok(report)
}

/// Writes down that a source is finished, should this run be killed; what did not change is there anyway.
fn note(staging: &Staging, source: &StagedSource) -> Result<(), Error> {
    if source.report.is_unchanged {
        return Ok(());
    }
    Ok(staging.note_source(FinishedSource {
        tool_version: String::new(),
        source: source.report.source.clone(),
        input: source.input.clone(),
        staged: source.staged.clone(),
        quarantine: source.quarantine.clone(),
        warnings: source.report.warnings.clone(),
    })?)
}

/// Returns the manifest of what was built; `prepare` fills in its id, parent and Delta logs.
fn manifest(
    request: &Request,
    definitions: &Definitions,
    run: &str,
    staged: &[StagedSource],
    catalog: &Catalog,
) -> Manifest {
    let mut tables: BTreeMap<TableName, Table> =
        catalog.iter().map(|(name, table)| (name.clone(), table.table.clone())).collect();
    for source in staged {
        tables.insert(TableName::quarantine(&source.report.source), source.quarantine.clone());
    }
    for source in &definitions.project.sources {
        if let Some(table) = tables.get_mut(&source.table()) {
            table.labels = source.labels();
        }
    }
    Manifest {
        manifest_version: MANIFEST_VERSION,
        snapshot: String::new(),
        parent: None,
        run: run.to_owned(),
        created_at: request.now.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        run_date: definitions.parameters.run_date,
        pipeline: definitions.project.pipeline.name.clone(),
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        reason: None,
        held: false,
        checks: definitions.checks_fingerprint(),
        passed_checks: BTreeMap::new(),
        formats: definitions.project.pipeline.publish.formats.clone(),
        delta: BTreeMap::new(),
        inputs: staged.iter().map(|source| (source.report.source.clone(), source.input.clone())).collect(),
        tables,
    }
}

/// Returns why a verified run must not publish: identities or tables are not what doing all of it makes of them.
fn unproved(models: &[ModelReport], entities: &[EntityReport]) -> Option<String> {
    let is_disproved =
        |entity: &&EntityReport| entity.linking.as_ref().is_some_and(|linking| linking.is_proved == Some(false));
    if let Some(entity) = entities.iter().find(is_disproved) {
        return Some(format!("linking all records finds another `{}`", entity.entity));
    }
    let is_wrong = |model: &&ModelReport| model.differences.iter().any(|difference| !difference.is_expected);
    let tables: Vec<String> = models.iter().filter(is_wrong).map(|model| model.table.to_string()).collect();
    (!tables.is_empty()).then(|| format!("a full rebuild gives other rows of {}", tables.join(", ")))
}

/// Serves the snapshot.
fn settle(
    definitions: &Definitions,
    staging: Staging,
    manifest: Manifest,
    now: DateTime<Utc>,
    observer: &dyn Observer,
) -> Result<Outcome, Error> {
    observer.notice(&Event::Publishing);
    let retention = super::snapshots::retention(&definitions.project.pipeline, now);
    let published = staging.prepare(manifest)?.commit(retention)?;
    Ok(Outcome::Published { snapshot: published.snapshot })
}

#[expect(clippy::too_many_arguments, reason = "a report is made of all that a run did")]
fn report(
    request: &Request,
    definitions: &Definitions,
    run: &str,
    started: Instant,
    outcome: Outcome,
    staged: Vec<StagedSource>,
    models: Vec<ModelReport>,
    gate: Gate,
) -> RunReport {
    RunReport {
        run: run.to_owned(),
        pipeline: definitions.project.pipeline.name.clone(),
        environment: request.environment.clone(),
        run_date: definitions.parameters.run_date.to_string(),
        started_at: request.now.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        seconds: started.elapsed().as_secs_f64(),
        checks: gate.ran,
        left_out: Vec::new(),
        unchanged_checks: gate.unchanged,
        check_notes: gate.notes,
        is_verified: request.verify,
        outcome,
        warnings: warnings(definitions, &staged).into_iter().chain(gate.warnings).collect(),
        sources: staged.into_iter().map(|source| source.report).collect(),
        entities: Vec::new(),
        models,
        failed_checks: gate.failed,
        operators: BTreeMap::new(),
    }
}

fn warnings(definitions: &Definitions, staged: &[StagedSource]) -> Vec<String> {
    let (about_models, others): (Vec<&Diagnostic>, Vec<&Diagnostic>) =
        definitions.warnings.iter().partition(|finding| finding.code.is_some());
    let counted = match about_models.len() {
        0 => None,
        count => Some(format!("{count} warnings about models, which `tallyhouse check` shows")),
    };
    let written = others.into_iter().map(|finding| match &finding.place {
        Some(place) => format!("{place}: {}", finding.message),
        None => finding.message.clone(),
    });
    let extra = staged.iter().flat_map(|source| extra_columns(&source.report));
    let guessed = staged.iter().flat_map(|source| guessed_encodings(&source.report));
    let files = staged.iter().flat_map(|source| source.report.warnings.clone());
    written.chain(counted).chain(extra).chain(guessed).chain(files).collect()
}

/// Returns what identification has to say about an entity.
fn told(entity: &EntityReport) -> impl Iterator<Item = String> {
    entity.warnings.iter().map(|warning| format!("entity `{}`: {warning}", entity.entity))
}

/// Returns one warning for each column that no contract names, and for each whose name stands twice, of which the first is read.
fn extra_columns(source: &SourceReport) -> Vec<String> {
    let mut files: BTreeMap<(&str, bool), Vec<&str>> = BTreeMap::new();
    for file in &source.files {
        for column in file.extra_columns.iter().filter(|column| !is_correction_column(column)) {
            let count = |names: &[String]| names.iter().filter(|name| *name == column).count();
            let is_read_once = count(&file.shape.header) > count(&file.extra_columns);
            files.entry((column.as_str(), is_read_once)).or_default().push(&file.path);
        }
    }
    let warning = |((column, is_read_once), mut files): ((&str, bool), Vec<&str>)| {
        files.dedup();
        let more = if files.len() > 1 { format!(" and {} more", files.len() - 1) } else { String::new() };
        let of_file = format!("of `{}`{more}", files[0]);
        match is_read_once {
            true => format!(
                "source `{}`: `{column}` stands twice in the header {of_file}, the first one is read",
                source.source
            ),
            false => format!("source `{}`: no column is fed by `{column}` {of_file}", source.source),
        }
    };
    files.into_iter().map(warning).collect()
}

/// Returns one warning for each encoding that nothing but a guess speaks for. In one of which every byte is a letter, any file
/// can be read, and nothing would show that it was another one.
fn guessed_encodings(source: &SourceReport) -> Vec<String> {
    let mut files: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for file in &source.files {
        let is_guess = file.shape.notes.iter().any(|note| note.starts_with("the encoding was guessed"));
        let encoding = file.shape.encoding.as_deref().filter(|_| is_guess);
        let is_open = |name: &&str| Encoding::for_label(name.as_bytes()).is_some_and(Encoding::is_single_byte);
        if let Some(encoding) = encoding.filter(is_open) {
            files.entry(encoding).or_default().push(&file.path);
        }
    }
    let warning = |(encoding, files): (&str, Vec<&str>)| {
        let more = if files.len() > 1 { format!(" and {} more", files.len() - 1) } else { String::new() };
        let file = files[0];
        format!("source `{}`: `{file}`{more}: guessed to be {encoding}; say `encoding` in `format`", source.source)
    };
    files.into_iter().map(warning).collect()
}

/// Returns every table of a snapshot as a catalog, quarantine included; staged tables are cut after the parameters' run
/// date, as models see them.
///
/// # Errors
/// When the manifest declares a type that is none.
pub(super) fn snapshot_catalog(
    warehouse: &Warehouse,
    manifest: &Manifest,
    parameters: &Parameters,
) -> datafusion::error::Result<Catalog> {
    let locate = |table: &TableName, file: &_| warehouse.file(&manifest.snapshot, table, file);
    let table = |(name, table): (&TableName, &Table)| {
        let as_of = AsOf::of(table, parameters.run_date, parameters.timezone);
        let schema = SnapshotTable::declared_schema(table)?;
        Ok((name.clone(), CatalogTable::new(table.clone(), schema, Some(as_of), &|file| locate(name, file))))
    };
    manifest.tables.iter().map(table).collect()
}
