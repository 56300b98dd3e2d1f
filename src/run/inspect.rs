//! Looking at what is served: tables, queries, rejected rows.

use std::{collections::BTreeSet, sync::Arc};

use arrow::{
    array::{AsArray, RecordBatch},
    datatypes::{Int64Type, SchemaRef},
};
use datafusion::{catalog::TableProvider, error::DataFusionError, logical_expr::LogicalPlan, prelude::SessionContext};

use super::{
    Request, load,
    nightly::{reach, snapshot_catalog},
    outcome, select,
};
use crate::{
    Error,
    define::project::{Dialect, Kind},
    engine::{Catalog, Engine, Parameters, Statement, catalog, clash, scarcity::with_spilling_joins},
    publish::Warehouse,
    record::{
        Manifest, TableName, Text,
        diagnostic::nearest,
        sql::{quoted, quoted_table},
        table::QUARANTINE,
    },
    transform::{self, diagnose},
};

/// One served snapshot, open for reading.
#[derive(Debug)]
pub struct Snapshot {
    /// What it is.
    pub manifest: Manifest,
    warehouse: Warehouse,
    catalog: Catalog,
    pub(super) parameters: Parameters,
    request: Request,
}

/// Rejected rows of one source, counted.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Rejects {
    /// The source.
    pub source: String,
    /// The rule that they break.
    pub rule: String,
    /// The column, if one is at fault.
    pub column: Option<String>,
    /// Faults.
    pub faults: i64,
    /// Files with such faults.
    pub files: i64,
}

/// Opens the warehouse of a request's pipeline.
///
/// # Errors
/// When the pipeline file is wrong or the warehouse cannot be opened.
pub(super) fn warehouse(request: &Request) -> Result<(Warehouse, crate::define::project::Pipeline), Error> {
    let pipeline = load::pipeline(request)?;
    let warehouse = load::warehouse(&pipeline, request)?;
    Ok((warehouse, pipeline))
}

/// Refuses an environment that nobody has published: production's tables under its name would mislead.
pub(super) fn refuse_unknown_environment(warehouse: &Warehouse, request: &Request) -> Result<(), Error> {
    match &request.environment {
        Some(name) if warehouse.served()?.is_none() => Err(Error::Usage {
            message: format!("the environment `{name}` serves no snapshot"),
            hint: Some(format!("`tallyhouse run --env {name}` makes it")),
        }),
        _ => Ok(()),
    }
}

impl Snapshot {
    /// Opens the served snapshot, or another by its id.
    ///
    /// # Errors
    /// When nothing is published yet, or there is no such snapshot.
    pub fn open(request: &Request, id: Option<&str>) -> Result<Self, Error> {
        let (warehouse, pipeline) = warehouse(request)?;
        refuse_unknown_environment(&warehouse, request)?;
        let manifest = match id {
            Some(id) => warehouse.manifest(&warehouse.resolve(id)?)?,
            None => warehouse.current()?.ok_or_else(|| Error::Usage {
                message: format!("`{}` serves no snapshot yet", pipeline.warehouse.value),
                hint: Some("`tallyhouse run` publishes the first".to_owned()),
            })?,
        };
        let parameters = Parameters {
            run_date: request.run_date.unwrap_or(manifest.run_date),
            timezone: pipeline.timezone,
            variables: load::variables(&pipeline, request)?,
        };
        let catalog = snapshot_catalog(&warehouse, &manifest, &parameters)
            .map_err(|error| Error::Environment { message: error.strip_backtrace(), hint: None })?;
        Ok(Self { manifest, warehouse, catalog, parameters, request: request.clone() })
    }

    /// Returns the tables, and lets the engine read them.
    ///
    /// # Errors
    /// When the address of the warehouse is none.
    pub(super) fn tables(&self, engine: &Engine) -> Result<&Catalog, Error> {
        reach(&self.warehouse, engine)?;
        Ok(&self.catalog)
    }

    /// Returns which tables a request selects among those of the snapshot and of the project; None if it asks for all.
    ///
    /// # Errors
    /// As [`super::selected`].
    pub async fn selected(&self, request: &Request, engine: &Engine) -> Result<Option<BTreeSet<TableName>>, Error> {
        let stored = self.manifest.tables.keys().map(|name| (name.clone(), String::new())).collect();
        Ok(select::selected_among(&stored, request, engine).await?.map(|selected| selected.tables))
    }

    /// Runs a query over all tables of the snapshot, written as the project's models are.
    ///
    /// # Errors
    /// What is wrong with the query, at its place.
    pub async fn query(&self, sql: &str, engine: &Engine) -> Result<(SchemaRef, Vec<RecordBatch>), Error> {
        self.query_as(load::dialect(&self.request, None), sql, engine).await
    }

    async fn query_as(
        &self,
        dialect: Dialect,
        sql: &str,
        engine: &Engine,
    ) -> Result<(SchemaRef, Vec<RecordBatch>), Error> {
        let told = |error: &DataFusionError| self.told(error, (sql, dialect), &[], engine);
        let statement = Statement::parse_as(dialect, sql, &self.parameters).map_err(|error| told(&error))?;
        let (_, session, plan) = self.planned(statement, &told, engine).await?;
        Self::rows(&session, plan).await
    }

    /// Gives the rows of a statement, always in the same order; what is wrong with it is told by `told`.
    ///
    /// # Errors
    /// When it names a table that the snapshot does not have, or cannot be planned or carried out.
    pub(super) async fn query_in_order(
        &self,
        statement: Statement,
        told: &dyn Fn(&DataFusionError) -> Error,
        engine: &Engine,
    ) -> Result<(SchemaRef, Vec<RecordBatch>), Error> {
        let (statement, session, plan) = self.planned(statement, told, engine).await?;
        let ordered = statement.ordered_throughout(plan.schema().fields().len());
        let plan = ordered.plan(&session).await.map_err(|error| told(&error))?;
        Self::rows(&session, plan).await
    }

    async fn planned(
        &self,
        mut statement: Statement,
        told: &dyn Fn(&DataFusionError) -> Error,
        engine: &Engine,
    ) -> Result<(Statement, SessionContext, LogicalPlan), Error> {
        reach(&self.warehouse, engine)?;
        let told = |error: DataFusionError| told(&error);
        self.take_definitions(&mut statement, engine).map_err(told)?;
        if let Some(name) = statement.unqualified.first() {
            return Err(self.unknown_table(&TableName::new("", name)));
        }
        if let Some(table) = statement.tables.iter().find(|table| !self.catalog.contains_key(table)) {
            return Err(self.unknown_table(table));
        }
        let session = engine.session(catalog::providers(&self.catalog).map_err(told)?).map_err(told)?;
        let plan = statement.plan(&session).await.map_err(told)?;
        clash::refuse(&plan).map_err(told)?;
        Ok((statement, session, plan))
    }

    async fn rows(session: &SessionContext, plan: LogicalPlan) -> Result<(SchemaRef, Vec<RecordBatch>), Error> {
        let schema: SchemaRef = std::sync::Arc::new(plan.schema().as_arrow().clone());
        let rows = async |session: &SessionContext| session.execute_logical_plan(plan.clone()).await?.collect().await;
        let batches = with_spilling_joins(session, rows).await;
        let failed = |error| outcome::engine_failure(&TableName::new("query", "result"), &error);
        Ok((schema, batches.map_err(failed)?))
    }

    /// Lets a query read the project's views and call its functions as they are written now, where it names any that the
    /// snapshot and the engine do not have. Definitions that are wrong are left to `tallyhouse check`.
    fn take_definitions(&self, statement: &mut Statement, engine: &Engine) -> datafusion::error::Result<()> {
        let stock = engine.session([])?.state();
        let is_known = |name: &String| {
            stock.scalar_functions().contains_key(name)
                || stock.aggregate_functions().contains_key(name)
                || stock.window_functions().contains_key(name)
        };
        let is_here = |table: &TableName| self.catalog.contains_key(table);
        if statement.named.iter().all(is_here) && statement.functions.iter().all(is_known) {
            return Ok(());
        }
        let Ok((project, _)) = load::load(&self.request) else { return Ok(()) };
        transform::functions::define(&project.functions, &project.wrong.functions, engine)?;
        let mut views = transform::views::of(&project.models, &self.parameters);
        views.retain(|name, _| !is_here(name));
        statement.expand(&views);
        Ok(())
    }

    /// Says what is wrong with a query, at its places; `beside` are tables that it can read besides those of the snapshot and the
    /// project's views.
    pub(super) fn told(
        &self,
        error: &DataFusionError,
        (sql, dialect): (&str, Dialect),
        beside: &[(&TableName, SchemaRef)],
        engine: &Engine,
    ) -> Error {
        let text = Arc::new(Text { path: "query".to_owned(), body: sql.to_owned() });
        let session = match engine.session([]) {
            Ok(session) => session,
            Err(error) => return outcome::bug(&error),
        };
        let mut tables = diagnose::Tables::default();
        let views = load::load(&self.request).map(|(project, _)| project.models).unwrap_or_default();
        for view in views.iter().filter(|model| model.kind == Kind::View) {
            tables.announce(&view.name, Some(&view.text.path));
        }
        for (name, table) in &self.catalog {
            tables.describe(name, table.files.schema());
        }
        for (name, schema) in beside {
            tables.describe(name, Arc::clone(schema));
        }
        Error::Definition(diagnose::alone(&text, dialect, error, &self.parameters, &tables, &session.state()))
    }

    /// Returns a few rows of a table in the order of its files.
    ///
    /// # Errors
    /// When there is no such table, or the filter is wrong.
    pub async fn show(
        &self,
        table: &TableName,
        limit: usize,
        filter: Option<&str>,
        engine: &Engine,
    ) -> Result<(SchemaRef, Vec<RecordBatch>), Error> {
        let from = quoted_table(table);
        let order: Vec<String> = if let Some(known) = self.catalog.get(table).map(|known| &known.table) {
            known.partition_by.iter().chain(&known.key).map(|name| quoted(name)).collect()
        } else {
            // A view has no files in whose order it could be shown.
            let all = format!("SELECT * FROM {from} LIMIT 0");
            let (schema, _) = self.query_as(Dialect::default(), &all, engine).await?;
            schema.fields().iter().map(|field| quoted(field.name())).collect()
        };
        let dialect = filter.map_or_else(Dialect::default, |_| self.dialect_of(table));
        let filter = filter.map_or_else(String::new, |filter| format!(" WHERE {filter}"));
        let order = if order.is_empty() { String::new() } else { format!(" ORDER BY {}", order.join(", ")) };
        self.query_as(dialect, &format!("SELECT * FROM {from}{filter}{order} LIMIT {limit}"), engine).await
    }

    /// Returns how a condition on the rows of a table is understood.
    pub(super) fn dialect_of(&self, table: &TableName) -> Dialect {
        load::dialect(&self.request, Some(table))
    }

    fn unknown_table(&self, table: &TableName) -> Error {
        let names: Vec<String> = self.catalog.keys().map(ToString::to_string).collect();
        let written = table.to_string();
        let written = written.trim_start_matches('.');
        let same_table = self.catalog.keys().find(|known| known.table == table.table).map(ToString::to_string);
        let near = same_table.or_else(|| nearest(written, names.iter().map(String::as_str)).map(str::to_owned));
        let hint =
            near.map_or("`tallyhouse show` lists all tables".to_owned(), |name| format!("did you mean `{name}`?"));
        Error::Usage {
            message: format!("snapshot {} has no table `{written}`", self.manifest.snapshot),
            hint: Some(hint),
        }
    }

    /// Counts rejected rows by source, rule and column.
    ///
    /// # Errors
    /// When a quarantine table cannot be read.
    pub async fn rejects(&self, engine: &Engine) -> Result<Vec<Rejects>, Error> {
        let mut all = Vec::new();
        for name in self.catalog.keys().filter(|name| name.schema == QUARANTINE) {
            let sql = format!(
                "SELECT rule, \"column\", count(*) AS faults, count(DISTINCT file) AS files \
                 FROM {QUARANTINE}.\"{}\" GROUP BY rule, \"column\" ORDER BY faults DESC, rule, \"column\"",
                name.table
            );
            for batch in self.query(&sql, engine).await?.1 {
                all.extend(rejects_of(&name.table, &batch)?);
            }
        }
        Ok(all)
    }
}

fn rejects_of(source: &str, batch: &RecordBatch) -> Result<Vec<Rejects>, Error> {
    use arrow::{array::Array, compute::cast, datatypes::DataType};
    let bug = |error: arrow::error::ArrowError| Error::Bug { message: error.to_string() };
    let text = |index: usize| cast(batch.column(index), &DataType::Utf8).map_err(bug);
    let (rules, columns) = (text(0)?, text(1)?);
    let (rules, columns) = (rules.as_string::<i32>(), columns.as_string::<i32>());
    let (faults, files) = (batch.column(2).as_primitive::<Int64Type>(), batch.column(3).as_primitive::<Int64Type>());
    let row = |row: usize| Rejects {
        source: source.to_owned(),
        rule: rules.value(row).to_owned(),
        column: columns.is_valid(row).then(|| columns.value(row).to_owned()),
        faults: faults.value(row),
        files: files.value(row),
    };
    Ok((0..batch.num_rows()).map(row).collect())
}

/// The snapshots of a warehouse.
#[derive(Debug)]
pub struct Snapshots {
    /// Id of the served one.
    pub served: Option<String>,
    /// Id of the one that is held after a rollback.
    pub held: Option<String>,
    /// All manifests, newest first.
    pub manifests: Vec<Manifest>,
}

/// Returns what a warehouse has.
///
/// # Errors
/// When the warehouse cannot be read.
pub fn snapshots(request: &Request) -> Result<Snapshots, Error> {
    let (warehouse, _) = warehouse(request)?;
    refuse_unknown_environment(&warehouse, request)?;
    let held = warehouse.hold()?.map(|hold| hold.snapshot);
    Ok(Snapshots { served: warehouse.served()?, held, manifests: warehouse.snapshots()? })
}

/// Serves the content of an older snapshot as a new one, and holds it.
///
/// # Errors
/// When there is no such snapshot, another run holds the warehouse, or the disk refuses.
pub fn rollback(request: &Request, id: &str) -> Result<Manifest, Error> {
    let (warehouse, pipeline) = warehouse(request)?;
    let run = super::nightly::run_id(request);
    let lock = warehouse.lock(&run)?;
    let id = warehouse.resolve(id)?;
    Ok(warehouse.rollback(&lock, &id, &run, super::snapshots::retention(&pipeline, request.now))?)
}

/// Lets the next run publish again; returns whether anything was held.
///
/// # Errors
/// When another run holds the warehouse, or the disk refuses.
pub fn release(request: &Request) -> Result<bool, Error> {
    let (warehouse, _) = warehouse(request)?;
    let lock = warehouse.lock(&super::nightly::run_id(request))?;
    Ok(warehouse.release(&lock)?.is_some())
}
