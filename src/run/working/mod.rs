//! A model as it is written now, over the tables of a snapshot: what a run would make of it, without a run.
//!
//! ```text
//!  working tree ─ plan ─► the model, and what it stands on
//!                           │ defined as in the snapshot, of tables that are → read as published
//!                           │ else: unsaved changes                          → computed too, as a view
//!  snapshot ──── tables ────┴──► one logical plan ──► shown, compared with what is published, or explained
//! ```
//!
//! In: a [`Request`] and the name of a model, or what it selects. Out: rows, differences, plans. Deliberately absent: reading extracts, so that the
//! tables of sources are those of the snapshot; and models that nobody asked for, which may be broken meanwhile.

mod diff;
mod explain;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use datafusion::{
    catalog::TableProvider,
    datasource::ViewTable,
    error::{DataFusionError, Result as EngineResult},
    logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast},
    prelude::SessionContext,
};

pub use self::{
    diff::{ChangedColumn, ModelDiff},
    explain::Explanation,
};

use super::{Request, Snapshot, outcome, prepare::Prepared, select};
use crate::{
    Error,
    define::{project::Dialect, suggestion},
    engine::{Engine, Statement, catalog, scarcity::with_spilling_joins},
    record::{
        Manifest, Severity, TableName,
        sql::{quoted, quoted_table},
    },
    transform::{
        Graph, PlannedModel, history,
        plan::{Planned, Purpose},
    },
};

type Providers = BTreeMap<TableName, Arc<dyn TableProvider>>;

/// A model as it is written now, ready to be computed from a snapshot.
#[derive(Debug)]
pub struct Working {
    /// The snapshot.
    pub snapshot: Snapshot,
    /// The model.
    pub name: TableName,
    /// Models that it stands on and that are computed too, since they are other ones than in the snapshot.
    pub recomputed: Vec<TableName>,
    /// None for a view, of which nothing is published.
    model: Option<PlannedModel>,
    plan: LogicalPlan,
    /// The tables that the plan reads.
    tables: Providers,
}

impl Working {
    /// Plans a model over the served snapshot, or another by its id, as of that one's day unless the request names one.
    ///
    /// # Errors
    /// When there is no such model or snapshot, the model or what it stands on is wrong, or it does not fit the snapshot.
    pub async fn open(request: &Request, model: &str, id: Option<&str>, engine: &Engine) -> Result<Self, Error> {
        let snapshot = Snapshot::open(request, id)?;
        let request = as_of(&snapshot, request);
        let (name, graph) = planned(&request, model, engine).await?;
        Self::over(snapshot, &graph, name, engine).await
    }

    /// Plans what a request selects, each as [`Self::open`] does: models in the order in which a run builds them, then views if they
    /// are asked for too, or nothing else is selected.
    ///
    /// # Errors
    /// When a word fits no table, only sources are selected, or as [`Self::open`].
    pub async fn selected(
        request: &Request,
        id: Option<&str>,
        with_views: bool,
        engine: &Engine,
    ) -> Result<Vec<Self>, Error> {
        let snapshot = Snapshot::open(request, id)?;
        let request = as_of(&snapshot, request);
        // All of one snapshot, even if another is published meanwhile.
        let id = snapshot.manifest.snapshot.clone();
        let (prepared, mut findings) = Prepared::new(&request)?;
        let Planned { graph, findings: found, .. } = prepared.plan(Purpose::Build, &prepared.staged(), engine).await?;
        let tables = select::planned(&prepared, &graph, &request, engine).await?;
        let is_selected = |name: &TableName| tables.as_ref().is_none_or(|tables| tables.contains(name));
        let models = graph.models.iter().map(|model| &model.model.name);
        let views = graph.views.iter().map(|view| &view.model.name);
        let mut wanted: Vec<TableName> = models.filter(|name| is_selected(name)).cloned().collect();
        if with_views || wanted.is_empty() {
            wanted.extend(views.clone().filter(|name| is_selected(name)).cloned());
        }
        let is_planned = |name: &TableName| wanted.contains(name) || views.clone().any(|view| view == name);
        let is_left_out = |name: &TableName| is_selected(name) && !is_planned(name);
        if prepared.project.models.iter().any(|model| is_left_out(&model.name)) {
            findings.extend(found);
            findings.retain(|finding| finding.severity != Severity::Warning);
            return Err(Error::Definition(findings));
        }
        if wanted.is_empty() {
            return Err(select::only_sources());
        }
        let mut all = Vec::with_capacity(wanted.len());
        for name in wanted {
            all.push(Self::over(Snapshot::open(&request, Some(&id))?, &graph, name, engine).await?);
        }
        Ok(all)
    }

    async fn over(snapshot: Snapshot, graph: &Graph, name: TableName, engine: &Engine) -> Result<Self, Error> {
        let unfit = |table: &TableName, error: &DataFusionError| unfit(table, error, &snapshot.manifest);
        let mut tables: Providers = catalog::providers(snapshot.tables(engine)?)
            .map_err(|error| outcome::engine_failure(&name, &error))?
            .into_iter()
            .collect();
        let target = Target::of(graph, &name)?;
        let mut recomputed = Vec::new();
        for other in others(graph, target.statement, &snapshot.manifest) {
            let table = &other.model.name;
            let plan = compute(Target::model(other), &tables, engine).await.map_err(|error| unfit(table, &error))?;
            tables.insert(table.clone(), Arc::new(ViewTable::new(plan, None)));
            recomputed.push(table.clone());
        }
        let plan = compute(target, &tables, engine).await.map_err(|error| unfit(&name, &error))?;
        let model = target.model.cloned();
        Ok(Self { snapshot, name, recomputed, model, plan, tables })
    }

    /// Returns a few rows that the model gives, ordered by partition and key, else by all columns.
    ///
    /// # Errors
    /// When the filter is wrong, or the model cannot be computed.
    pub async fn show(
        &self,
        limit: usize,
        filter: Option<&str>,
        engine: &Engine,
    ) -> Result<(SchemaRef, Vec<RecordBatch>), Error> {
        let order = self.model.as_ref().map(|model| [model.partition_by(), model.key()].concat()).unwrap_or_default();
        let order = match order.is_empty() {
            true => self.plan.schema().fields().iter().map(|field| quoted(field.name())).collect(),
            false => order.iter().map(|name| quoted(name)).collect::<Vec<_>>(),
        };
        let from = quoted_table(&self.name);
        let dialect = filter.map_or_else(Dialect::default, |_| self.snapshot.dialect_of(&self.name));
        let filter = filter.map_or_else(String::new, |filter| format!(" WHERE {filter}"));
        let sql = format!("SELECT * FROM {from}{filter} ORDER BY {} LIMIT {limit}", order.join(", "));
        let own: SchemaRef = Arc::new(self.plan.schema().as_arrow().clone());
        let told = |error: DataFusionError| {
            self.snapshot.told(&error, (&sql, dialect), &[(&self.name, Arc::clone(&own))], engine)
        };
        let statement = Statement::parse_as(dialect, &sql, &self.snapshot.parameters).map_err(told)?;
        let mut tables = self.tables.clone();
        tables.insert(self.name.clone(), self.view());
        let session = engine.session(tables).map_err(told)?;
        let plan = statement.plan(&session).await.map_err(told)?;
        let schema = Arc::new(plan.schema().as_arrow().clone());
        let rows = async |session: &SessionContext| session.execute_logical_plan(plan.clone()).await?.collect().await;
        let failed = |error| outcome::engine_failure(&self.name, &error);
        Ok((schema, with_spilling_joins(&session, rows).await.map_err(failed)?))
    }

    fn view(&self) -> Arc<dyn TableProvider> {
        Arc::new(ViewTable::new(self.plan.clone(), None))
    }
}

/// What is to be computed: a model, or a view.
#[derive(Clone, Copy)]
struct Target<'a> {
    name: &'a TableName,
    statement: &'a Statement,
    model: Option<&'a PlannedModel>,
}

impl<'a> Target<'a> {
    fn model(model: &'a PlannedModel) -> Self {
        Self { name: &model.model.name, statement: &model.statement, model: Some(model) }
    }

    fn of(graph: &'a Graph, name: &TableName) -> Result<Self, Error> {
        let view = || graph.views.iter().find(|view| view.model.name == *name);
        let view = || view().map(|view| Self { name: &view.model.name, statement: &view.statement, model: None });
        let found = graph.get(name).map(Self::model).or_else(view);
        found.ok_or_else(|| Error::Bug { message: format!("`{name}` was planned and is gone") })
    }
}

/// Returns the request with the day of a snapshot, unless it names one itself.
fn as_of(snapshot: &Snapshot, request: &Request) -> Request {
    Request { run_date: request.run_date.or(Some(snapshot.manifest.run_date)), ..request.clone() }
}

/// Plans the working tree. Mistakes in models that do not concern this one are left to `tallyhouse check`.
async fn planned(request: &Request, model: &str, engine: &Engine) -> Result<(TableName, Graph), Error> {
    let (prepared, mut findings) = Prepared::new(request)?;
    let models = &prepared.project.models;
    let Some(wanted) = models.iter().find(|known| known.name.to_string() == model) else {
        let names: Vec<String> = models.iter().map(|model| model.name.to_string()).collect();
        let hint = Some(suggestion(model, names.iter().map(String::as_str)));
        return Err(Error::Usage { message: format!("there is no model `{model}`"), hint });
    };
    let Planned { graph, findings: found, .. } = prepared.plan(Purpose::Build, &prepared.staged(), engine).await?;
    if Target::of(&graph, &wanted.name).is_ok() {
        return Ok((wanted.name.clone(), graph));
    }
    findings.extend(found);
    findings.retain(|finding| finding.severity != Severity::Warning);
    Err(Error::Definition(findings))
}

/// Returns the models that a statement stands on and that are not what the snapshot has, in the order in which they are built.
fn others<'a>(graph: &'a Graph, statement: &Statement, manifest: &Manifest) -> Vec<&'a PlannedModel> {
    let mut needed: BTreeSet<&TableName> = statement.tables.iter().collect();
    let mut upstream: Vec<&PlannedModel> = Vec::new();
    for model in graph.models.iter().rev() {
        if needed.contains(&model.model.name) {
            needed.extend(&model.statement.tables);
            upstream.push(model);
        }
    }
    let mut others: Vec<&PlannedModel> = Vec::new();
    let mut is_other: BTreeSet<&TableName> = BTreeSet::new();
    for model in upstream.into_iter().rev() {
        let published = manifest.tables.get(&model.model.name).and_then(|table| table.definition.as_ref());
        if published != Some(&model.definition) || model.statement.tables.iter().any(|table| is_other.contains(table)) {
            is_other.insert(&model.model.name);
            others.push(model);
        }
    }
    others
}

/// Plans what a target gives, in the columns and types in which it would be published.
async fn compute(target: Target<'_>, tables: &Providers, engine: &Engine) -> EngineResult<LogicalPlan> {
    let read = target.statement.tables.iter().filter_map(|name| Some((name.clone(), Arc::clone(tables.get(name)?))));
    let plan = target.statement.plan(&engine.session(read)?).await?;
    let Some(model) = target.model else { return Ok(plan) };
    let plan = match &model.model.history {
        Some(kept) => history::plan(model, kept, plan, tables.get(target.name).cloned())?,
        None => plan,
    };
    let columns = plan.schema().columns().into_iter().zip(model.schema.fields());
    let columns: Vec<Expr> = columns
        .map(|(column, field)| cast(Expr::Column(column), field.data_type().clone()).alias(field.name()))
        .collect();
    LogicalPlanBuilder::from(plan).project(columns)?.build()
}

fn unfit(table: &TableName, error: &DataFusionError, manifest: &Manifest) -> Error {
    Error::Usage {
        message: format!(
            "`{table}` cannot be computed from snapshot {}: {}",
            manifest.snapshot,
            error.strip_backtrace().lines().next().unwrap_or_default()
        ),
        hint: Some("tables of sources are as published: where a contract has changed, run first".to_owned()),
    }
}
