//! The plan: what a run would rebuild, and why, without rebuilding it.
//!
//! Changed sources are really staged, into a folder that is thrown away, so that the plan knows which partitions changed.
//! Models are not run: a partition that would be rebuilt counts as changed for what stands on it.

use std::collections::BTreeSet;

use super::{
    Definitions, Observer, Request, build, definitions, load, outcome,
    sources::stage_all,
    stage::{self, StagedSource},
};
use crate::{
    Error,
    engine::{Catalog, CatalogTable, Engine, catalog},
    record::{Manifest, PartitionValues, TableName, manifest::RowBalance},
    transform::{
        Decision, Graph, Reason,
        decide::{self, Base},
    },
};

/// What would happen to one source.
#[derive(Debug, Clone, serde::Serialize)]
pub struct SourcePlan {
    /// Its name.
    pub source: String,
    /// Whether it would be read again.
    pub is_unchanged: bool,
    /// What its files hold.
    pub rows: RowBalance,
    /// Partitions whose rows would change.
    pub changed_partitions: Vec<PartitionValues>,
}

/// What would happen to one model.
#[derive(Debug, Clone, serde::Serialize)]
pub struct ModelPlan {
    /// The table.
    pub table: TableName,
    /// Partitions that would be rebuilt, and why.
    pub rebuilt: Vec<(PartitionValues, Vec<Reason>)>,
    /// Why partitions that do not exist yet could appear.
    pub open: Vec<Reason>,
    /// Partitions that would be kept.
    pub kept_partitions: usize,
}

/// Plans a run.
///
/// # Errors
/// As the stages that it runs through.
pub async fn plan(
    request: &Request,
    engine: &Engine,
    observer: &dyn Observer,
) -> Result<(Vec<SourcePlan>, Vec<ModelPlan>), Error> {
    let definitions = definitions(request, engine).await?;
    let warehouse = load::warehouse(&definitions.project.pipeline, request)?;
    let parent = warehouse.current()?;
    let folder = tempfile::tempdir().map_err(|error| Error::Environment {
        message: format!("cannot make a temporary folder: {error}"),
        hint: Some("point `TMPDIR` at a folder with free space".to_owned()),
    })?;
    let locate = |table: &TableName, file: &crate::record::manifest::DataFile| {
        let staged = folder.path().join(&table.schema).join(&table.table).join("data").join(&file.path);
        let private =
            folder.path().join("private").join(&table.schema).join(&table.table).join("data").join(&file.path);
        let new = if table.is_private() { private } else { staged };
        match &parent {
            Some(parent) if !new.exists() => warehouse.file(&parent.snapshot, table, file),
            _ => new,
        }
    };
    let around = stage::Surroundings {
        folder: folder.path(),
        parent: parent.as_ref(),
        locate: &locate,
        timezone: definitions.parameters.timezone,
        threads: engine.settings().threads,
        memory_bytes: engine.settings().memory_limit_bytes / 4,
        now: request.now,
        rehash: request.rehash,
        reread: request.rehash && request.full,
        observer,
    };
    let (staged, catalog) = stage_all(&definitions, engine, around, &locate).await?;
    let models = plan_models(&definitions, catalog, parent.as_ref(), request, engine).await?;
    Ok((staged.iter().map(source_plan).collect(), models))
}

fn source_plan(staged: &StagedSource) -> SourcePlan {
    SourcePlan {
        source: staged.report.source.clone(),
        is_unchanged: staged.report.is_unchanged,
        rows: staged.input.rows,
        changed_partitions: staged.report.changed_partitions.clone(),
    }
}

async fn plan_models(
    definitions: &Definitions,
    mut catalog: Catalog,
    parent: Option<&Manifest>,
    request: &Request,
    engine: &Engine,
) -> Result<Vec<ModelPlan>, Error> {
    let (mut plans, mut growing) = (Vec::new(), BTreeSet::new());
    let graph: &Graph = &definitions.graph;
    for model in &graph.models {
        let name = &model.model.name;
        let failed = |error: datafusion::error::DataFusionError| outcome::engine_failure(name, &error);
        let inputs = build::inputs(model, &catalog);
        let session = engine.session(catalog::providers(&inputs).map_err(failed)?).map_err(failed)?;
        let base = parent.map(|parent| Base { parent, catalog: &inputs });
        let mut decision: Decision = match parent.and_then(|parent| parent.tables.get(name)).filter(|_| request.full) {
            Some(table) => decide::everything(table, Reason::Asked),
            None => decide::decide(model, base, &session).await.map_err(failed)?,
        };
        // Partitions that an input may gain are not in its assumed table.
        for table in model.statement.tables.iter().filter(|table| growing.contains(*table)) {
            decision.open.push(Reason::InputChanged { table: table.clone(), partitions: Vec::new(), whole: false });
        }
        if !decision.open.is_empty() {
            growing.insert(name.clone());
        }
        let assumed = decide::assumed(model.declared(), &decision);
        let table = CatalogTable::new(assumed, model.schema.clone(), None, &|_| std::path::PathBuf::new());
        catalog.insert(name.clone(), table);
        plans.push(ModelPlan {
            table: name.clone(),
            kept_partitions: decision.clean.len(),
            rebuilt: decision.dirty,
            open: decision.open,
        });
    }
    Ok(plans)
}
