//! Planning: every model against the contracts and the models before it, without data.

use std::collections::{BTreeMap, BTreeSet};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use chrono::NaiveDate;
use datafusion::{
    catalog::TableProvider, common::tree_node::TreeNode, error::Result as EngineResult, logical_expr::LogicalPlan,
    prelude::SessionContext,
};

use super::{
    Graph, Reason,
    graph::{self, ParsedModel},
    history,
    meaning::{self, Meaning},
    normal,
};
use crate::{
    define::project::{Model, OnSchemaChange},
    engine::{Catalog, CatalogTable, Engine, Parameters, Problem, Statement, catalog, functions, types},
    record::{Diagnostic, Placed, TableName},
};

/// The version of everything but SQL and the engine that decides a model's rows: a change rebuilds all models.
const TRANSFORM_VERSION: &str = "2";

/// A model that can be built.
#[derive(Debug, Clone)]
pub struct PlannedModel {
    /// What was written.
    pub model: Model,
    /// Its SQL, parsed.
    pub statement: Statement,
    /// The published schema.
    pub schema: SchemaRef,
    /// Hash of what it computes: its optimized plan, parameters in it, partitioning and output schema.
    pub definition: String,
    /// What each column means, where the model lets its columns evolve.
    pub meanings: BTreeMap<String, Meaning>,
    /// The day as of which it answers.
    pub run_date: NaiveDate,
}

impl PlannedModel {
    /// Returns the partition columns.
    #[must_use]
    pub fn partition_by(&self) -> Vec<String> {
        self.model.partition_by.iter().map(|column| column.value.clone()).collect()
    }

    /// Returns the key columns.
    #[must_use]
    pub fn key(&self) -> Vec<String> {
        self.model.key.iter().map(|column| column.value.clone()).collect()
    }

    /// Returns whether a reason to rebuild something is none, because the header says so.
    #[must_use]
    pub fn ignores_reason(&self, reason: &Reason) -> bool {
        matches!(reason, Reason::InputChanged { table, .. } if self.ignores(table))
    }

    /// Returns whether changes of a table that the model reads rebuild nothing.
    #[must_use]
    pub fn ignores(&self, table: &TableName) -> bool {
        self.model.ignore_changes.iter().any(|ignored| ignored.value == *table)
    }

    /// Returns the model as a manifest's table without partitions.
    #[must_use]
    pub fn declared(&self) -> crate::record::manifest::Table {
        let mut table = catalog::declared(&self.schema, self.partition_by(), self.key());
        table.description.clone_from(&self.model.description);
        table.definition = Some(self.definition.clone());
        table.is_history = self.model.history.is_some();
        table.meanings = self.meanings.iter().map(|(column, meaning)| (column.clone(), meaning.hash.clone())).collect();
        table
    }
}

/// Plans all models; `staged` holds the tables that sources make (without data is enough), `sources` names them all, those
/// whose contract is wrong included.
///
/// Returns the models that can be built and every finding; a model that stands on a failed one is left out silently.
///
/// # Errors
/// When no session can be made, which is a fault of the program.
pub async fn plan(
    models: &[Model],
    staged: &Catalog,
    sources: &BTreeSet<TableName>,
    parameters: &Parameters,
    engine: &Engine,
) -> EngineResult<(Graph, Vec<Diagnostic>)> {
    let (parsed, mut findings) = graph::parse(models, parameters);
    findings.extend(graph::unknown_tables(&parsed, sources, models));
    let (ordered, cycles) = graph::order(parsed);
    findings.extend(cycles);
    let sessions = Sessions::new(models, staged, engine)?;
    let mut inputs: BTreeMap<TableName, String> =
        staged.iter().map(|(name, table)| (name.clone(), spelled_input(table))).collect();
    let mut graph = Graph::default();
    for parsed in ordered {
        let is_known = |table: &TableName| inputs.contains_key(table);
        if !parsed.statement.unqualified.is_empty() || !parsed.statement.tables.iter().all(is_known) {
            continue;
        }
        let around = Around { sessions: &sessions, staged, inputs: &inputs, parameters };
        match plan_model(parsed, around).await {
            Ok(planned) => {
                sessions.register(&planned)?;
                inputs.insert(planned.model.name.clone(), spelled(&planned.schema));
                graph.models.push(planned);
            }
            Err(found) => findings.extend(found),
        }
    }
    Ok((graph, findings))
}

/// What a model is planned against.
#[derive(Clone, Copy)]
struct Around<'a> {
    sessions: &'a Sessions,
    staged: &'a Catalog,
    /// What is said of each table by its columns.
    inputs: &'a BTreeMap<TableName, String>,
    parameters: &'a Parameters,
}

/// The sessions over tables without rows in which models are planned.
struct Sessions {
    /// Every table as a model reads it.
    cut: SessionContext,
    /// The same tables as nothing but named columns.
    bare: SessionContext,
    /// Tables without the as-of cut, where somebody asks what columns mean; with the hash of what is cut.
    uncut: Option<(SessionContext, BTreeMap<TableName, String>)>,
}

impl Sessions {
    fn new(models: &[Model], staged: &Catalog, engine: &Engine) -> EngineResult<Self> {
        let cut = engine.session(catalog::providers(staged)?)?;
        let bare = engine.session(catalog::providers(&bare(staged))?)?;
        let evolves = |model: &Model| model.on_schema_change.value == OnSchemaChange::Evolve;
        if !models.iter().any(evolves) {
            return Ok(Self { cut, bare, uncut: None });
        }
        let files = |(name, table): (&TableName, &CatalogTable)| {
            (name.clone(), std::sync::Arc::new(table.files.clone()) as std::sync::Arc<dyn TableProvider>)
        };
        let cuts = staged.iter().map(|(name, table)| (name.clone(), spelled_cut(table))).collect();
        Ok(Self { cut, bare, uncut: Some((engine.session(staged.iter().map(files))?, cuts)) })
    }

    /// Makes a planned model known to those that read it.
    fn register(&self, planned: &PlannedModel) -> EngineResult<()> {
        let name = &planned.model.name;
        let table = CatalogTable::empty(&planned.schema, planned.partition_by(), None);
        let uncut = self.uncut.iter().map(|(session, _)| session);
        [&self.cut].into_iter().chain(uncut).try_for_each(|session| register(session, name, &table))?;
        register(&self.bare, name, &CatalogTable::empty(&planned.schema, Vec::new(), None))
    }

    /// Returns what the columns of a model mean, if it lets them evolve.
    async fn meanings(&self, model: &Model, statement: &Statement) -> EngineResult<BTreeMap<String, Meaning>> {
        let is_asked = model.on_schema_change.value == OnSchemaChange::Evolve && model.history.is_none();
        let Some((session, cuts)) = self.uncut.as_ref().filter(|_| is_asked) else { return Ok(BTreeMap::new()) };
        let cuts: Vec<&str> = statement.tables.iter().filter_map(|table| cuts.get(table)).map(String::as_str).collect();
        let context = format!("{TRANSFORM_VERSION} {}", cuts.join(";"));
        meaning::meanings(&statement.plan(session).await?, &context, &session.state())
    }
}

/// Returns the staged tables without cut and partitions, every column nullable: the optimizer finds nothing there that it
/// could use but the SQL itself.
fn bare(staged: &Catalog) -> Catalog {
    let nullable = |field: &std::sync::Arc<Field>| field.as_ref().clone().with_nullable(true);
    let bare = |(name, table): (&TableName, &CatalogTable)| {
        let schema = datafusion::catalog::TableProvider::schema(&table.files);
        let schema = std::sync::Arc::new(Schema::new(schema.fields().iter().map(nullable).collect::<Vec<_>>()));
        (name.clone(), CatalogTable::empty(&schema, Vec::new(), None))
    };
    staged.iter().map(bare).collect()
}

fn register(session: &SessionContext, name: &TableName, table: &CatalogTable) -> EngineResult<()> {
    let catalog = session.catalog("datafusion");
    let schema = catalog.as_ref().and_then(|catalog| catalog.schema(&name.schema));
    let schema = match (schema, catalog) {
        (Some(schema), _) => schema,
        (None, Some(catalog)) => {
            let schema = std::sync::Arc::new(datafusion::catalog::MemorySchemaProvider::new());
            catalog.register_schema(&name.schema, schema.clone())?;
            schema
        }
        (None, None) => return datafusion::common::internal_err!("the session has no catalog"),
    };
    schema.register_table(name.table.clone(), table.provider(name)?)?;
    Ok(())
}

async fn plan_model(parsed: ParsedModel, around: Around<'_>) -> Result<PlannedModel, Vec<Diagnostic>> {
    let ParsedModel { model, statement } = parsed;
    let Sessions { cut, bare, .. } = around.sessions;
    let told = |error| graph::diagnostic(&model, Problem::new(&error, &model.text.body), around.parameters.names());
    let plan = statement.plan(cut).await.map_err(|error| vec![told(error)])?;
    // Clashes of types show in the analyzer, and what the engine cannot run only in the physical plan.
    cut.state().create_physical_plan(&plan).await.map_err(|error| vec![told(error)])?;
    let mut schema = published_schema(&model, &plan)?;
    if let Some(history) = &model.history {
        schema = history::schema(&model, history, &schema)?;
    }
    let mut findings = header_findings(&model, &schema);
    findings.extend(idle_ignores(&model, &statement));
    findings.extend(clock_findings(&model, &plan));
    if !findings.is_empty() {
        return Err(findings);
    }
    let bare = statement.plan(bare).await.and_then(|plan| bare.state().optimize(&plan));
    let normal = normal::hash(&bare.map_err(|error| vec![told(error)])?, around.staged);
    let definition = definition(&model, &statement, &schema, normal, around.inputs);
    let meanings = around.sessions.meanings(&model, &statement).await.map_err(|error| vec![told(error)])?;
    Ok(PlannedModel { model, statement, schema, definition, meanings, run_date: around.parameters.run_date })
}

fn published_schema(model: &Model, plan: &LogicalPlan) -> Result<SchemaRef, Vec<Diagnostic>> {
    let output = plan.schema().as_arrow();
    let mut seen = BTreeSet::new();
    let twice = output.fields().iter().find(|field| !seen.insert(field.name().clone()));
    if let Some(field) = twice {
        let message = format!("two columns of the result are named `{}`", field.name());
        return Err(vec![Diagnostic::error(message, graph::place(model, None)).hint("give one of them another alias")]);
    }
    types::published_schema(output).map_err(|(name, data_type)| {
        let message = format!("the column `{name}` has the type {data_type}, which no table can hold");
        vec![Diagnostic::error(message, graph::place(model, None)).hint(format!("cast it: `CAST({name} AS …)`"))]
    })
}

/// Finds names in the header that the result does not have, and declared types that it does not produce.
fn header_findings(model: &Model, schema: &SchemaRef) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    let described = model.columns.iter().map(|column| &column.name);
    for column in model.key.iter().chain(&model.partition_by).chain(described) {
        if schema.field_with_name(&column.value).is_err() {
            findings.push(unknown_output(column, schema));
        }
    }
    for column in &model.partition_by {
        if let Some(finding) =
            schema.field_with_name(&column.value).ok().and_then(|field| unfit(column, field.data_type()))
        {
            findings.push(finding);
        }
    }
    for column in &model.columns {
        let (Some(declared), Ok(field)) = (&column.data_type, schema.field_with_name(&column.name.value)) else {
            continue;
        };
        if declared.value != *field.data_type() {
            let message = format!(
                "the column `{}` is declared as {} and the query gives {}",
                column.name.value,
                declared.value,
                field.data_type()
            );
            findings.push(
                Diagnostic::error(message, declared.place.clone())
                    .hint("cast it in the query, or change the declaration"),
            );
        }
    }
    findings
}

/// Finds tables whose changes the header ignores, and which the model does not read.
fn idle_ignores(model: &Model, statement: &Statement) -> Vec<Diagnostic> {
    let names: Vec<String> = statement.tables.iter().map(ToString::to_string).collect();
    let idle = model.ignore_changes.iter().filter(|ignored| !statement.tables.contains(&ignored.value));
    let finding = |ignored: &Placed<TableName>| {
        Diagnostic::error(format!("the model does not read `{}`", ignored.value), ignored.place.clone())
            .did_you_mean(&ignored.value.to_string(), names.iter().map(String::as_str))
    };
    idle.map(finding).collect()
}

/// Says that a header names a column that the result does not have.
#[must_use]
pub fn unknown_output(column: &Placed<String>, schema: &SchemaRef) -> Diagnostic {
    let names = schema.fields().iter().map(|field| field.name().as_str());
    Diagnostic::error(format!("the result has no column `{}`", column.value), column.place.clone())
        .did_you_mean(&column.value, names)
}

fn unfit(column: &Placed<String>, data_type: &DataType) -> Option<Diagnostic> {
    let fits =
        matches!(data_type, DataType::Date32 | DataType::Int32 | DataType::Int64 | DataType::Utf8 | DataType::Boolean);
    (!fits).then(|| {
        Diagnostic::error(format!("the partition column `{}` is {data_type}", column.value), column.place.clone())
            .hint("partition by a date, an integer, a string or a boolean: derive a day or a month from it")
    })
}

/// Finds functions whose value is not decided by their arguments: a run must be a function of its inputs.
fn clock_findings(model: &Model, plan: &LogicalPlan) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    let walked = plan.apply_with_subqueries(|node| {
        for expr in node.expressions() {
            expr.apply(|inner| {
                if let datafusion::logical_expr::Expr::ScalarFunction(function) = inner {
                    let volatility = function.func.signature().volatility;
                    if volatility != datafusion::logical_expr::Volatility::Immutable {
                        findings.push(clock_finding(model, function.func.name()));
                    }
                }
                Ok(datafusion::common::tree_node::TreeNodeRecursion::Continue)
            })?;
        }
        Ok(datafusion::common::tree_node::TreeNodeRecursion::Continue)
    });
    if let Err(error) = walked {
        findings.push(graph::diagnostic(model, Problem::new(&error, &model.text.body), std::iter::empty()));
    }
    findings.dedup();
    findings
}

fn clock_finding(model: &Model, function: &str) -> Diagnostic {
    let range =
        model.text.body.to_ascii_lowercase().find(&format!("{function}(")).map(|start| start..start + function.len());
    Diagnostic::error(format!("`{function}` does not give the same value on every run"), graph::place(model, range))
        .hint("use `$run_date` for today; a model reads no clock and throws no dice")
}

/// Returns the hash of what a model computes: of the normal form of its plan, else of the text of its SQL.
fn definition(
    model: &Model,
    statement: &Statement,
    schema: &SchemaRef,
    normal: Option<blake3::Hash>,
    inputs: &BTreeMap<TableName, String>,
) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut part = |text: &str| {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    [TRANSFORM_VERSION, functions::VERSION, datafusion::DATAFUSION_VERSION].into_iter().for_each(&mut part);
    statement.semantics().into_iter().for_each(&mut part);
    for column in model.key.iter().chain(&model.partition_by) {
        part(&column.value);
    }
    part(&model.partition_by.len().to_string());
    if let Some(history) = &model.history {
        part("history");
        for field in schema.fields().iter().filter(|field| history.is_tracked(field.name())) {
            part(field.name());
        }
    }
    part(&spelled(schema));
    for ignored in &model.ignore_changes {
        part(&format!("ignores changes of {}", ignored.value));
    }
    if let Some(normal) = normal {
        part(normal.to_hex().as_str());
        return hasher.finalize().to_hex().to_string();
    }
    part(&statement.canonical());
    for table in &statement.tables {
        part(&table.to_string());
        part(inputs.get(table).map(String::as_str).unwrap_or_default());
    }
    hasher.finalize().to_hex().to_string()
}

/// Returns everything about an input that is not its rows: its columns and the cut that its scan applies.
fn spelled_input(table: &CatalogTable) -> String {
    format!("{}{}", spelled(&table.files.schema()), spelled_cut(table))
}

fn spelled_cut(table: &CatalogTable) -> String {
    match &table.as_of {
        Some(cut) => format!(" cut by {:?} {:?} in {}", cut.event_date, cut.stages, cut.timezone),
        None => String::new(),
    }
}

fn spelled(schema: &SchemaRef) -> String {
    let field = |field: &std::sync::Arc<arrow::datatypes::Field>| format!("{}:{}", field.name(), field.data_type());
    schema.fields().iter().map(field).collect::<Vec<_>>().join(",")
}
