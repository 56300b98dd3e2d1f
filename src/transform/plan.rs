//! Planning: every model against the contracts and the models before it, without data.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt,
    sync::Arc,
};

use arrow::datatypes::{Field, FieldRef, Schema, SchemaRef};
use chrono::NaiveDate;
use datafusion::{
    catalog::TableProvider, error::Result as EngineResult, execution::SessionState, logical_expr::LogicalPlan,
    prelude::SessionContext,
};

use super::{
    Graph, Reason,
    diagnose::{self, Tables},
    failed::{Failed, Waiting},
    graph::{self, ParsedModel},
    header::{call_findings, header_findings, idle_ignores},
    history,
    meaning::{self, Meaning},
    moved::Before,
    normal,
    views::{PlannedView, Views},
};
use crate::{
    define::project::{Dialect, Kind, Model, OnSchemaChange},
    engine::{
        Catalog, CatalogTable, Engine, Parameters, Statement, catalog, clash, functions, parallel, plain, types,
        user_function::UserFunction,
    },
    record::{Diagnostic, TableName},
};

/// The version of everything but SQL and the engine that decides a model's rows: a change rebuilds all models.
const TRANSFORM_VERSION: &str = "2";

/// What models are planned for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To be built, or compared with what was built.
    Build,
    /// To be told whether they are right: what a model computes has no hash then, unless its columns are compared with those
    /// of the served snapshot.
    Check,
    /// To know what they computed on another run date: they can run, since they did.
    Remember,
}

/// A model that can be built.
#[derive(Debug, Clone)]
pub struct PlannedModel {
    /// What was written.
    pub model: Model,
    /// Its SQL, parsed.
    pub statement: Statement,
    /// The published schema.
    pub schema: SchemaRef,
    /// Hash of what it computes: its optimized plan, parameters in it, partitioning and output schema. Empty where it was
    /// planned to be checked only.
    pub definition: String,
    /// What each column means, where the model lets its columns evolve.
    pub meanings: BTreeMap<String, Meaning>,
    /// The day as of which it answers.
    pub run_date: NaiveDate,
    /// What it was on the day of the served snapshot, where that is another one and counts.
    pub before: Option<Box<Before>>,
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
        table.labels = self.model.labels();
        table.definition = Some(self.definition.clone());
        table.is_history = self.model.history.is_some();
        table.meanings = self.meanings.iter().map(|(column, meaning)| (column.clone(), meaning.hash.clone())).collect();
        table
    }
}

/// Plans all models; `staged` holds the tables that sources make (without data is enough), `sources` names them all, those
/// whose contract is wrong included.
///
/// Returns the models that can be built and every finding; a model that stands on a failed one is a note, unless the columns
/// of the failed one are known nevertheless.
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
    let Planned { graph, findings, .. } = plan_for(Purpose::Build, models, staged, sources, parameters, engine).await?;
    Ok((graph, findings))
}

/// Models that were planned, and what was found.
pub struct Planned {
    /// The models that can be built.
    pub graph: Graph,
    /// Every finding.
    pub findings: Vec<Diagnostic>,
    /// A session over all tables without rows, the views and the columns of failed models among them.
    pub session: SessionContext,
}

impl fmt::Debug for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Planned").field("graph", &self.graph).field("findings", &self.findings).finish_non_exhaustive()
    }
}

/// A model of which planning is asked.
pub struct Asked {
    /// What was written.
    pub model: Model,
    /// Its SQL, parsed.
    pub statement: Statement,
    /// Whether it reads what nobody makes.
    pub names_nobody: bool,
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asked").field("model", &self.model.name).finish_non_exhaustive()
    }
}

/// Plans all models as [`plan`] does, for a purpose. Models of which none reads another are planned at the same time.
///
/// # Errors
/// As [`plan`].
pub async fn plan_for(
    purpose: Purpose,
    models: &[Model],
    staged: &Catalog,
    sources: &BTreeSet<TableName>,
    parameters: &Parameters,
    engine: &Engine,
) -> EngineResult<Planned> {
    let threads = engine.settings().threads;
    let (parsed, mut findings) = graph::parse(models, parameters, threads);
    let (ordered, cycles) = graph::order(parsed);
    findings.extend(cycles);
    let sessions = Sessions::new(purpose, models, staged, engine)?;
    let mut inputs: BTreeMap<TableName, String> =
        staged.iter().map(|(name, table)| (name.clone(), spelled_input(table))).collect();
    let mut tables = known_tables(models, staged, sources);
    let mut graph = Graph::default();
    let mut views = Views::new();
    let (own_functions, wrong_functions) = (engine.defined(), engine.wrong_functions());
    let mut waiting = Waiting::default();
    let mut ordered = VecDeque::from(ordered);
    while !ordered.is_empty() {
        let mut asked = Vec::new();
        for ParsedModel { model, mut statement } in next_wave(&mut ordered) {
            let named = &statement.named;
            let names_nobody = !statement.unqualified.is_empty() || named.iter().any(|table| !tables.holds(table));
            let is_known = |table: &TableName| inputs.contains_key(table) || views.contains_key(table);
            let waits_for = named.iter().find(|table| tables.holds(table) && !is_known(table));
            if let (false, Some(failed)) = (names_nobody, waits_for) {
                waiting.note(&model.name, failed);
                continue;
            }
            statement.expand(&views);
            asked.push(Asked { model, statement, names_nobody });
        }
        let around = Around {
            purpose,
            sessions: &sessions,
            staged,
            inputs: &inputs,
            tables: &tables,
            functions: &own_functions,
        };
        let answers = parallel::each(threads, &asked, |asked| match asked.names_nobody {
            true => Err(Failed::Engine(None)),
            false => parallel::wait(Box::pin(plan_model(&asked.model, &asked.statement, around))),
        });
        for (Asked { model, statement, .. }, answer) in asked.into_iter().zip(answers) {
            match answer {
                Ok(Answer { schema, definition, .. }) if model.kind == Kind::View => {
                    let statement = Arc::new(statement);
                    sessions.define(&model.name, &statement).await;
                    views.insert(model.name.clone(), Arc::clone(&statement));
                    tables.describe(&model.name, Arc::clone(&schema));
                    graph.views.push(PlannedView { model, schema, statement, definition });
                }
                Ok(Answer { schema, definition, meanings }) => {
                    let run_date = parameters.run_date;
                    let planned =
                        PlannedModel { model, statement, schema, definition, meanings, run_date, before: None };
                    sessions.register(&planned.model, &planned.schema)?;
                    inputs.insert(planned.model.name.clone(), sessions.spelled(&planned.schema));
                    tables.describe(&planned.model.name, Arc::clone(&planned.schema));
                    graph.models.push(planned);
                }
                Err(_) if waiting.note_calls(&model.name, &statement, &wrong_functions) => {}
                Err(failed) => {
                    let told = failed.told(&model, &statement, &tables, &sessions.state);
                    findings.extend(told.findings);
                    if let Some(schema) = told.schema {
                        sessions.stand_in(&model, &schema)?;
                        inputs.insert(model.name.clone(), sessions.spelled(&schema));
                        tables.describe(&model.name, schema);
                    }
                }
            }
        }
    }
    findings.extend(waiting.notes);
    Ok(Planned { graph, findings, session: sessions.cut })
}

/// Takes models from the front, of which none reads another.
fn next_wave(ordered: &mut VecDeque<ParsedModel>) -> Vec<ParsedModel> {
    let mut wave: Vec<ParsedModel> = Vec::new();
    let mut names = BTreeSet::new();
    let mut reads_none = |next: &ParsedModel| {
        let reads_none = !next.statement.named.iter().any(|table| names.contains(table));
        names.insert(next.model.name.clone());
        reads_none
    };
    while ordered.front().is_some_and(&mut reads_none) {
        wave.extend(ordered.pop_front());
    }
    wave
}

/// Returns all tables that a model may name, with the columns of those that are there without planning.
pub(super) fn known_tables(models: &[Model], staged: &Catalog, sources: &BTreeSet<TableName>) -> Tables {
    let mut tables = Tables::default();
    for source in sources {
        tables.announce(source, None);
    }
    for model in models {
        tables.announce(&model.name, Some(&model.text.path));
    }
    for (name, table) in staged {
        tables.describe(name, TableProvider::schema(&table.files));
    }
    tables
}

/// What a model is planned against.
#[derive(Clone, Copy)]
pub(super) struct Around<'a> {
    pub(super) purpose: Purpose,
    pub(super) sessions: &'a Sessions,
    pub(super) staged: &'a Catalog,
    /// What is said of each table by its columns.
    pub(super) inputs: &'a BTreeMap<TableName, String>,
    /// The columns of each table, as far as they are known.
    pub(super) tables: &'a Tables,
    /// The project's own functions.
    pub(super) functions: &'a [UserFunction],
}

/// The sessions over tables without rows in which models are planned.
pub(super) struct Sessions {
    /// Every table as a model reads it.
    pub(super) cut: SessionContext,
    /// A state of that session.
    pub(super) state: SessionState,
    /// The same tables as nothing but named columns, where somebody asks what a model computes.
    bare: Option<SessionContext>,
    /// Tables without the as-of cut, where somebody asks what columns mean; with the hash of what is cut.
    uncut: Option<(SessionContext, BTreeMap<TableName, String>)>,
}

impl Sessions {
    pub(super) fn new(purpose: Purpose, models: &[Model], staged: &Catalog, engine: &Engine) -> EngineResult<Self> {
        let cut = engine.session(catalog::providers(staged)?)?;
        let state = cut.state();
        let bare = match models.iter().any(|model| is_compared(model, purpose)) {
            true => Some(engine.session(catalog::providers(&bare(staged))?)?),
            false => None,
        };
        let evolves = |model: &Model| model.on_schema_change.value == OnSchemaChange::Evolve;
        if !models.iter().any(evolves) {
            return Ok(Self { cut, state, bare, uncut: None });
        }
        let files = |(name, table): (&TableName, &CatalogTable)| {
            (name.clone(), std::sync::Arc::new(table.files.clone()) as std::sync::Arc<dyn TableProvider>)
        };
        let cuts = staged.iter().map(|(name, table)| (name.clone(), spelled_cut(table))).collect();
        Ok(Self { cut, state, bare, uncut: Some((engine.session(staged.iter().map(files))?, cuts)) })
    }

    fn all(&self) -> impl Iterator<Item = &SessionContext> {
        [&self.cut].into_iter().chain(&self.bare).chain(self.uncut.iter().map(|(session, _)| session))
    }

    /// Makes a planned model known to those that read it.
    pub(super) fn register(&self, model: &Model, schema: &SchemaRef) -> EngineResult<()> {
        let name = &model.name;
        let partition_by = model.partition_by.iter().map(|column| column.value.clone()).collect();
        let table = CatalogTable::empty(schema, partition_by, None);
        let uncut = self.uncut.iter().map(|(session, _)| session);
        [&self.cut].into_iter().chain(uncut).try_for_each(|session| register(session, name, &table))?;
        let bare = |session| register(session, name, &bare_table(schema));
        self.bare.as_ref().map_or(Ok(()), bare)
    }

    /// Makes a planned view known to those that read it, before several of them are planned at once.
    pub(super) async fn define(&self, name: &TableName, view: &Statement) {
        for session in self.all() {
            // Who reads it says what is wrong with it there.
            let _ = view.define_as(name, session).await;
        }
    }

    /// Makes the columns of a failed model known to those that read it.
    pub(super) fn stand_in(&self, model: &Model, schema: &SchemaRef) -> EngineResult<()> {
        let table = CatalogTable::empty(schema, Vec::new(), None);
        self.all().try_for_each(|session| register(session, &model.name, &table))
    }

    /// Returns what is said of a model's table by its columns, where somebody asks for it.
    pub(super) fn spelled(&self, schema: &SchemaRef) -> String {
        self.bare.as_ref().map(|_| spelled(schema)).unwrap_or_default()
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
pub(super) fn bare(staged: &Catalog) -> Catalog {
    let bare = |(name, table): (&TableName, &CatalogTable)| {
        (name.clone(), bare_table(&datafusion::catalog::TableProvider::schema(&table.files)))
    };
    staged.iter().map(bare).collect()
}

/// Returns a table as nothing but columns.
fn bare_table(schema: &Schema) -> CatalogTable {
    let nullable = |field: &std::sync::Arc<Field>| field.as_ref().clone().with_nullable(true);
    let schema = std::sync::Arc::new(Schema::new(schema.fields().iter().map(nullable).collect::<Vec<_>>()));
    CatalogTable::empty(&schema, Vec::new(), None)
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

/// What planning shows of a model.
pub(super) struct Answer {
    pub(super) schema: SchemaRef,
    pub(super) definition: String,
    pub(super) meanings: BTreeMap<String, Meaning>,
}

pub(super) async fn plan_model(model: &Model, statement: &Statement, around: Around<'_>) -> Result<Answer, Failed> {
    let Sessions { cut, state, bare, .. } = around.sessions;
    let engine = |error| Failed::Engine(Some(error));
    let plan = statement.plan_with(cut, state).await.map_err(engine)?;
    if around.purpose != Purpose::Remember {
        clash::refuse(&plan).map_err(engine)?;
    }
    can_run(&plan, state, around.purpose).await.map_err(engine)?;
    let header = |findings| Failed::Header(findings, None);
    let mut schema = published_schema(model, statement, &plan).map_err(header)?;
    if let Some(history) = &model.history {
        schema = history::schema(model, history, &schema).map_err(header)?;
    }
    let mut findings = header_findings(model, statement, &schema);
    findings.extend(idle_ignores(model, statement));
    findings.extend(call_findings(model, statement, &plan));
    findings.extend(ignored_names(model, statement, around));
    if !findings.is_empty() {
        return Err(Failed::Header(findings, Some(schema)));
    }
    let Some(bare) = bare.as_ref().filter(|_| is_compared(model, around.purpose)) else {
        return Ok(Answer { schema, definition: String::new(), meanings: BTreeMap::new() });
    };
    let bare = statement.plan(bare).await.and_then(|plan| bare.state().optimize(&plan));
    let normal = normal::hash(&bare.map_err(engine)?, around.staged);
    let definition = definition(model, statement, &schema, normal, around);
    let meanings = around.sessions.meanings(model, statement).await.map_err(engine)?;
    Ok(Answer { schema, definition, meanings })
}

/// Finds names behind a `*` that leave out or replace nothing.
fn ignored_names(model: &Model, statement: &Statement, around: Around<'_>) -> Vec<Diagnostic> {
    let query = statement.query().filter(|_| model.dialect == Dialect::Datafusion);
    match query.filter(|_| around.purpose != Purpose::Remember) {
        Some(query) => diagnose::ignored_names(&model.text, query, around.tables, &around.sessions.state),
        None => Vec::new(),
    }
}

/// Finds clashes of types, which show in the analyzer, and what the engine cannot run, which shows only in the physical plan.
async fn can_run(plan: &LogicalPlan, state: &SessionState, purpose: Purpose) -> EngineResult<()> {
    if purpose == Purpose::Remember {
        return Ok(());
    }
    if purpose == Purpose::Check {
        let analyzed = state.analyzer().execute_and_check(plan.clone(), state.config_options(), |_, _| {})?;
        if plain::is_plain(&analyzed) {
            return Ok(());
        }
    }
    state.create_physical_plan(plan).await.map(drop)
}

/// Returns whether what a model computes is compared with what was built.
pub(super) fn is_compared(model: &Model, purpose: Purpose) -> bool {
    let is_inherited = model.on_schema_change.value != OnSchemaChange::Rebuild || model.history.is_some();
    purpose != Purpose::Check || is_inherited
}

fn published_schema(model: &Model, statement: &Statement, plan: &LogicalPlan) -> Result<SchemaRef, Vec<Diagnostic>> {
    let output = plan.schema().as_arrow();
    let place = |name: &str, nth: usize| {
        let range = statement.query().and_then(|query| diagnose::output_place(&model.text, query, name, nth));
        graph::place(model, range)
    };
    let mut seen = BTreeSet::new();
    // Whoever reads Parquet by names does not tell case apart, and a Delta log may not have both.
    let twice = output.fields().iter().find(|field| !seen.insert(field.name().to_lowercase()));
    if let Some(field) = twice {
        let is_alike = |other: &&FieldRef| {
            other.name() != field.name() && other.name().to_lowercase() == field.name().to_lowercase()
        };
        let case = output
            .fields()
            .iter()
            .find(is_alike)
            .map(|other| format!(", and case does not tell it from `{}`", other.name()));
        let message = format!("two columns of the result are named `{}`{}", field.name(), case.unwrap_or_default());
        let place = place(field.name(), 1);
        return Err(vec![Diagnostic::error(message, place).hint("give one of them another alias")]);
    }
    types::published_schema(output).map_err(|(name, data_type)| {
        let spelled = diagnose::types::spelled(&data_type);
        let message = format!("the column `{name}` is {spelled}, which no table can hold");
        vec![
            Diagnostic::error(message, place(&name, 0))
                .hint("cast it so: `CAST(… AS VARCHAR)`, or to another type of a table"),
        ]
    })
}

/// Returns the hash of what a model computes: of the normal form of its plan, else of the text of its SQL.
fn definition(
    model: &Model,
    statement: &Statement,
    schema: &SchemaRef,
    normal: Option<blake3::Hash>,
    around: Around<'_>,
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
        part(around.inputs.get(table).map(String::as_str).unwrap_or_default());
    }
    for function in around.functions.iter().filter(|function| statement.functions.contains(function.name())) {
        part(&function.meaning());
    }
    hasher.finalize().to_hex().to_string()
}

/// Returns everything about an input that is not its rows: its columns and the cut that its scan applies.
pub(super) fn spelled_input(table: &CatalogTable) -> String {
    format!("{}{}", spelled(&table.files.schema()), spelled_cut(table))
}

pub(super) fn spelled_cut(table: &CatalogTable) -> String {
    match &table.as_of {
        Some(cut) => format!(" cut by {:?} {:?} in {}", cut.event_date, cut.stages, cut.timezone),
        None => String::new(),
    }
}

fn spelled(schema: &SchemaRef) -> String {
    let field = |field: &std::sync::Arc<arrow::datatypes::Field>| format!("{}:{}", field.name(), field.data_type());
    schema.fields().iter().map(field).collect::<Vec<_>>().join(",")
}
