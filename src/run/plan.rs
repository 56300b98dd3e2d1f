//! The plan: what a run would rebuild, and why, without rebuilding it.
//!
//! Changed sources are really staged, into a folder that is thrown away, so that the plan knows which partitions changed.
//! Models are not run: a partition that would be rebuilt counts as changed for what stands on it.

use std::collections::BTreeSet;

use super::{
    Definitions, Forecast, Observer, Request,
    away::Away,
    backfill::{self, Backfill},
    build, definitions, forecast,
    identity::Manner,
    inherit, outcome,
    partial::Scope,
    select,
    sources::{Night, stage_all},
    stage::StagedSource,
    validate::remember,
};
use crate::{
    Error,
    engine::{Catalog, CatalogTable, Engine, catalog},
    publish::Finder,
    record::{Manifest, PartitionValues, TableName, manifest::RowBalance},
    transform::{
        Decision, Graph, PlannedModel, Reason, SchemaChange,
        decide::{self, Base},
        explain::{Explained, explain},
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
    /// How its columns are other ones than those of the served snapshot.
    pub schema_changes: Vec<SchemaChange>,
    /// Whether the kept partitions would keep the old columns in their files.
    pub is_evolved: bool,
    /// Changes for which nothing would be rebuilt, because the model's header says so.
    pub ignored: Vec<Reason>,
}

/// Why the partitions of one model are kept or rebuilt.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Why {
    /// The table.
    pub table: TableName,
    /// Its partition columns.
    pub partition_by: Vec<String>,
    /// What would happen to it.
    #[serde(skip)]
    pub plan: ModelPlan,
    /// The partitions that were asked for.
    pub partitions: Vec<Explained>,
}

/// A model, and values of its partition columns; without any, all of its partitions.
#[derive(Debug)]
struct Question<'a> {
    model: &'a PlannedModel,
    values: Vec<(String, Option<String>)>,
}

/// What a plan is made of.
#[derive(Debug, Clone, Copy)]
struct Around<'a> {
    definitions: &'a Definitions,
    scope: &'a Scope,
    parent: Option<&'a Manifest>,
    files: &'a Finder,
    request: &'a Request,
    engine: &'a Engine,
}

/// What a run would do.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Plan {
    /// To each source.
    pub sources: Vec<SourcePlan>,
    /// To each model, in the order in which they would be built.
    pub models: Vec<ModelPlan>,
    /// The room that it would need.
    pub space: Forecast,
    /// What would be lost.
    pub warnings: Vec<String>,
}

/// Plans a run.
///
/// # Errors
/// As the stages that it runs through.
pub async fn plan(request: &Request, engine: &Engine, observer: &dyn Observer) -> Result<Plan, Error> {
    let mut definitions = definitions(request, engine).await?;
    let away = Away::new(&definitions, request, engine).await?;
    Box::pin(remember(&mut definitions, away.parent.as_ref(), engine)).await?;
    let selected = select::models(&definitions, request, engine).await?;
    let foreseen = foresee(&definitions, selected, &[], &away, request, engine, observer);
    let (sources, models, _, space) = foreseen.await?;
    Ok(Plan { sources, models, space, warnings: inherit::warnings(&definitions, away.parent.as_ref()) })
}

/// Explains why partitions of the selected tables would be kept or rebuilt by a run of everything; `values` choose some by
/// their partition columns, None being NULL.
///
/// # Errors
/// When no model is selected or one has no such partition column, and as the stages that a run goes through.
pub async fn why(
    values: &[(String, Option<String>)],
    request: &Request,
    engine: &Engine,
    observer: &dyn Observer,
) -> Result<Vec<Why>, Error> {
    let mut definitions = definitions(request, engine).await?;
    let away = Away::new(&definitions, request, engine).await?;
    Box::pin(remember(&mut definitions, away.parent.as_ref(), engine)).await?;
    let selected = select::models(&definitions, request, engine).await?;
    let is_asked = |model: &&PlannedModel| selected.as_ref().is_none_or(|names| names.contains(&model.model.name));
    let models = definitions.graph.models.iter().filter(is_asked);
    let questions = models.map(|model| question(model, values)).collect::<Result<Vec<_>, _>>()?;
    let (_, _, answers, _) = foresee(&definitions, None, &questions, &away, request, engine, observer).await?;
    Ok(answers)
}

/// Reads the values of partition columns as those of a model.
fn question<'a>(model: &'a PlannedModel, values: &[(String, Option<String>)]) -> Result<Question<'a>, Error> {
    let table = &model.model.name;
    let unknown = values.iter().find(|(column, _)| !model.partition_by().contains(column));
    if let Some((column, _)) = unknown {
        let known = model.partition_by();
        return Err(Error::Usage {
            message: format!("`{table}` is not partitioned by `{column}`"),
            hint: Some(match known.is_empty() {
                true => "it has no partitions: leave out `--partition`".to_owned(),
                false => format!("it is partitioned by {}", known.join(", ")),
            }),
        });
    }
    let value = |(column, text): &(String, Option<String>)| -> Result<_, Error> {
        let written = |text: &String| format!("--partition {column}={text}");
        let value = text.as_ref().map(|text| backfill::value(model, column, &written(text), text)).transpose()?;
        Ok((column.clone(), value.map(|value| value.to_string())))
    };
    Ok(Question { model, values: values.iter().map(value).collect::<Result<Vec<_>, _>>()? })
}

type Foreseen = (Vec<SourcePlan>, Vec<ModelPlan>, Vec<Why>, Forecast);

/// Stages sources and decides about models; where there are questions, up to the last one that is asked about.
async fn foresee(
    definitions: &Definitions,
    selected: Option<BTreeSet<TableName>>,
    questions: &[Question<'_>],
    away: &Away,
    request: &Request,
    engine: &Engine,
    observer: &dyn Observer,
) -> Result<Foreseen, Error> {
    let parent = away.parent.as_ref();
    let scope = Scope::new(selected, &request.rebuild, &definitions.graph, parent)?;
    inherit::refuse(&definitions.graph, &scope, parent, request.full)?;
    let forecast = forecast::forecast(request, definitions, &away.listings, parent, away.path())?;
    let around = away.surroundings(definitions, request, engine, observer);
    let manner = Manner { full: request.full && scope.is_whole(), ..Manner::default() };
    let Night { sources: staged, mut catalog, .. } =
        Box::pin(stage_all(definitions, engine, around, manner, &|_| Ok(()))).await?;
    scope.carry_over(&definitions.graph, parent, &away.files, &mut catalog)?;
    let around = Around { definitions, scope: &scope, parent, files: &away.files, request, engine };
    let (models, answers) = plan_models(questions, catalog, around).await?;
    Ok((staged.iter().map(source_plan).collect(), models, answers, forecast))
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
    questions: &[Question<'_>],
    mut catalog: Catalog,
    around: Around<'_>,
) -> Result<(Vec<ModelPlan>, Vec<Why>), Error> {
    let Around { definitions, scope, parent, files, request, engine } = around;
    let (mut plans, mut answers, mut growing) = (Vec::new(), Vec::new(), BTreeSet::new());
    let graph: &Graph = &definitions.graph;
    let backfill = Backfill::new(&request.rebuild, graph, parent)?;
    for model in graph.models.iter().filter(|model| scope.builds(&model.model.name)) {
        let name = &model.model.name;
        let failed = |error: datafusion::error::DataFusionError| outcome::engine_failure(name, &error);
        let inputs = build::inputs(&model.statement, &catalog);
        let session = engine.session(catalog::providers(&inputs).map_err(failed)?).map_err(failed)?;
        let base = parent.map(|parent| Base { parent, catalog: &inputs });
        let mut decision: Decision = match parent.and_then(|parent| parent.tables.get(name)).filter(|_| request.full) {
            Some(table) => decide::everything(table, Reason::Asked),
            None => decide::decide(model, base, &session).await.map_err(failed)?,
        };
        backfill.apply(name, &mut decision);
        // Partitions that an input may gain are not in its assumed table.
        for table in model.statement.tables.iter().filter(|table| growing.contains(*table)) {
            decision.open.push(Reason::InputChanged { table: table.clone(), partitions: Vec::new(), whole: false });
        }
        if !decision.open.is_empty() {
            growing.insert(name.clone());
        }
        let decision = build::restated(model, decision, parent, definitions.parameters.timezone)?;
        let assumed = decide::assumed(model.declared(), &decision);
        // What is kept has its files, of which a moved run date may ask; what would be rebuilt has none yet.
        let table = CatalogTable::new(assumed, model.schema.clone(), None, &|file| files.find(name, file));
        catalog.insert(name.clone(), table);
        let plan = ModelPlan {
            table: name.clone(),
            kept_partitions: decision.clean.len(),
            rebuilt: decision.dirty.clone(),
            open: decision.open.clone(),
            ignored: decision.ignored.clone(),
            schema_changes: decision.schema_changes.clone(),
            is_evolved: decision.is_evolved,
        };
        if let Some(question) = questions.iter().find(|question| question.model.model.name == *name) {
            let partitions = wanted(question, &decision);
            let explained = explain(question.model, &inputs, &decision, &partitions, &session).await.map_err(failed)?;
            let partition_by = model.partition_by();
            answers.push(Why { table: name.clone(), partition_by, plan: plan.clone(), partitions: explained });
            if answers.len() == questions.len() {
                break;
            }
        }
        plans.push(plan);
    }
    Ok((plans, answers))
}

/// Returns the partitions that a question is about: known ones, or the one that it names in full.
fn wanted(question: &Question<'_>, decision: &Decision) -> Vec<PartitionValues> {
    let columns = question.model.partition_by();
    let value =
        |column: &String| question.values.iter().find(|(name, _)| name == column).map(|(_, value)| value.clone());
    let named: Vec<Option<Option<String>>> = columns.iter().map(value).collect();
    let fits = |values: &PartitionValues| {
        named.iter().zip(&values.0).all(|(named, value)| named.as_ref().is_none_or(|named| named == value))
    };
    let known = decision.clean.iter().map(|partition| &partition.values);
    let known = known.chain(decision.dirty.iter().map(|(values, _)| values));
    let mut found: Vec<PartitionValues> = known.filter(|values| fits(values)).cloned().collect();
    found.sort();
    match (found.is_empty(), named.into_iter().collect::<Option<Vec<_>>>()) {
        (true, Some(values)) => vec![PartitionValues(values)],
        _ => found,
    }
}
