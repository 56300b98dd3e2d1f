//! Sessions with bounded memory and a fixed number of threads.

use std::{
    collections::BTreeSet,
    num::NonZeroUsize,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
};

use datafusion::{
    catalog::{CatalogProvider, MemoryCatalogProviderList, MemorySchemaProvider, SchemaProvider, TableProvider},
    common::internal_datafusion_err,
    error::Result,
    execution::{
        SessionStateBuilder,
        memory_pool::{MemoryLimit, TrackConsumersPool},
        runtime_env::{RuntimeEnv, RuntimeEnvBuilder},
    },
    optimizer::Analyzer,
    physical_optimizer::{PhysicalOptimizerRule, optimizer::PhysicalOptimizer},
    prelude::{SessionConfig, SessionContext},
};

use object_store::ObjectStore;

use super::{
    begin_again, files, functions, guards,
    meter::{Meter, MeteredPool},
    pool::SharedPool,
    small_sides,
    user_function::{Inline, UserFunction},
    windows,
};
use crate::record::TableName;

/// Consumers named in the message when memory runs out.
const NAMED_CONSUMERS: NonZeroUsize = NonZeroUsize::new(5).expect("five is not zero");

/// Rows of all tables of a query up to which one thread works on it: fewer are not worth exchanging between threads, nor grouping
/// twice.
const FEW_ROWS: u64 = 250_000;

/// What bounds the engine.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Threads that work on data; the result never depends on it.
    pub threads: usize,
    /// Bytes that sorts, joins and aggregates of all models in flight may hold before they spill.
    pub memory_limit_bytes: usize,
    /// Folder for spilled data; the system's by default.
    pub spill_folder: Option<PathBuf>,
}

/// Builds sessions that share one memory pool.
#[derive(Debug)]
pub struct Engine {
    runtime: Arc<RuntimeEnv>,
    settings: Settings,
    /// The project's own functions, once its definitions are read.
    functions: RwLock<Arc<[UserFunction]>>,
    /// Names of those that are wrong, which nothing can call.
    wrong_functions: RwLock<Arc<BTreeSet<String>>>,
}

impl Engine {
    /// Prepares the runtime.
    ///
    /// # Errors
    /// When the spill folder cannot be used.
    pub fn new(settings: Settings) -> Result<Self> {
        // Of the rest the partition writers have a quarter; what is on its way between operators counts nowhere.
        let pool = TrackConsumersPool::new(
            SharedPool::new(settings.memory_limit_bytes / 8 * 5, settings.threads),
            NAMED_CONSUMERS,
        );
        let mut builder = RuntimeEnvBuilder::new().with_memory_pool(Arc::new(pool));
        if let Some(folder) = &settings.spill_folder {
            builder = builder.with_temp_file_path(folder);
        }
        let wrong_functions = RwLock::default();
        Ok(Self { runtime: builder.build_arc()?, settings, functions: RwLock::new(Arc::new([])), wrong_functions })
    }

    /// Returns what bounds the engine.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Lets all sessions from now on call a project's own functions, and no others that were defined before; `wrong` names those
    /// that are there and cannot be called.
    pub fn define(&self, functions: Vec<UserFunction>, wrong: BTreeSet<String>) {
        *self.functions.write().unwrap_or_else(PoisonError::into_inner) = functions.into();
        *self.wrong_functions.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(wrong);
    }

    /// Returns the names of the project's functions that are wrong.
    #[must_use]
    pub fn wrong_functions(&self) -> Arc<BTreeSet<String>> {
        Arc::clone(&self.wrong_functions.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the project's own functions.
    #[must_use]
    pub fn defined(&self) -> Arc<[UserFunction]> {
        Arc::clone(&self.functions.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Lets scans read files that lie in a warehouse's object store.
    ///
    /// # Errors
    /// When its address is none.
    pub fn reach(&self, store: Arc<dyn ObjectStore>) -> Result<()> {
        let (url, everywhere) = files::everywhere(store)?;
        self.runtime.register_object_store(url.as_ref(), everywhere);
        Ok(())
    }

    /// Returns a session over `tables`, with the functions of [`functions`].
    ///
    /// # Errors
    /// When two tables have one name.
    pub fn session(
        &self,
        tables: impl IntoIterator<Item = (TableName, Arc<dyn TableProvider>)>,
    ) -> Result<SessionContext> {
        self.session_in(Arc::clone(&self.runtime), self.settings.threads, tables)
    }

    /// Returns a session as [`Self::session`] does for queries over tables of so many rows together, and what counts the memory that
    /// it holds.
    ///
    /// # Errors
    /// As [`Self::session`].
    pub fn metered_session(
        &self,
        tables: impl IntoIterator<Item = (TableName, Arc<dyn TableProvider>)>,
        rows: u64,
    ) -> Result<(SessionContext, Arc<Meter>)> {
        let meter = Arc::new(Meter::default());
        let pool = MeteredPool::new(Arc::clone(&self.runtime.memory_pool), Arc::clone(&meter));
        let runtime = RuntimeEnvBuilder::from_runtime_env(&self.runtime).with_memory_pool(Arc::new(pool));
        let threads = if rows <= FEW_ROWS { 1 } else { self.settings.threads };
        Ok((self.session_in(runtime.build_arc()?, threads, tables)?, meter))
    }

    fn session_in(
        &self,
        runtime: Arc<RuntimeEnv>,
        threads: usize,
        tables: impl IntoIterator<Item = (TableName, Arc<dyn TableProvider>)>,
    ) -> Result<SessionContext> {
        // What a call stands for must be there before any other rule looks at the plan.
        let mut rules = Analyzer::new().rules;
        rules.insert(0, Arc::new(Inline));
        let mut state = SessionStateBuilder::new()
            .with_config(config(&self.settings).with_target_partitions(threads))
            .with_runtime_env(runtime)
            .with_default_features()
            .with_analyzer_rules(rules)
            .with_physical_optimizer_rules(physical_rules())
            .build();
        functions::register(&mut state)?;
        self.defined().iter().try_for_each(|function| function.register(&mut state))?;
        guards::register(&mut state);
        with_tables(SessionContext::new_with_state(state), tables)
    }
}

/// Returns a session with everything of another but its tables, for queries over a handful of rows: it works on one thread,
/// and takes a fraction of the time that a session takes that is made from nothing.
///
/// # Errors
/// When two tables have one name.
pub fn over_few_rows(
    session: &SessionContext,
    tables: impl IntoIterator<Item = (TableName, Arc<dyn TableProvider>)>,
) -> Result<SessionContext> {
    let config = session.copied_config().with_target_partitions(1);
    let state = SessionStateBuilder::new_from_existing(session.state())
        .with_config(config)
        .with_catalog_list(Arc::new(MemoryCatalogProviderList::new()))
        .build();
    with_tables(SessionContext::new_with_state(state), tables)
}

fn with_tables(
    context: SessionContext,
    tables: impl IntoIterator<Item = (TableName, Arc<dyn TableProvider>)>,
) -> Result<SessionContext> {
    for (name, provider) in tables {
        schema(&context, &name.schema)?.register_table(name.table, provider)?;
    }
    Ok(context)
}

/// Returns the same session for a query that found too little memory: joins sort both sides, which spills, instead of
/// holding one of them whole; and it works on two threads (on one it would join by hash) with short batches, so that few
/// operators share the memory, of which every sort sets one part of `merge_parts` aside for its merge.
#[must_use]
pub fn sorting_joins(session: &SessionContext, merge_parts: usize) -> SessionContext {
    let merge_bytes = match session.runtime_env().memory_pool.memory_limit() {
        MemoryLimit::Finite(bytes) => bytes / merge_parts,
        MemoryLimit::Infinite | MemoryLimit::Unknown => 10 << 20,
    };
    let config = session
        .copied_config()
        .with_target_partitions(2)
        .with_batch_size(512)
        .with_sort_spill_reservation_bytes(merge_bytes)
        .set_bool("datafusion.optimizer.prefer_hash_join", false)
        // The tables stay: a default catalog would take the place of the one that has them.
        .set_bool("datafusion.catalog.create_default_catalog_and_schema", false);
    let state = SessionStateBuilder::new_from_existing(session.state()).with_config(config).build();
    SessionContext::new_with_state(state)
}

/// Returns the engine's rules for physical plans, and our own.
fn physical_rules() -> Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>> {
    let mut rules = PhysicalOptimizer::default().rules;
    small_sides::add_to(&mut rules);
    begin_again::add_to(&mut rules);
    windows::add_to(&mut rules);
    rules
}

/// Returns the session options that decide results and plans.
fn config(settings: &Settings) -> SessionConfig {
    // Every sort sets this aside for its merge: with little memory the stock 10 MB would take all of it.
    let merge_bytes = (settings.memory_limit_bytes / (64 * settings.threads.max(1))).min(10 << 20);
    SessionConfig::new()
        .with_sort_spill_reservation_bytes(merge_bytes)
        .with_information_schema(false)
        .set_bool("datafusion.sql_parser.collect_spans", true)
}

/// Returns a schema of a session's catalog, which is made if it is not there.
pub(super) fn schema(context: &SessionContext, name: &str) -> Result<Arc<dyn SchemaProvider>> {
    let options = context.copied_config();
    let catalog_name = &options.options().catalog.default_catalog;
    let catalog: Arc<dyn CatalogProvider> =
        context.catalog(catalog_name).ok_or_else(|| internal_datafusion_err!("no catalog `{catalog_name}`"))?;
    if let Some(schema) = catalog.schema(name) {
        return Ok(schema);
    }
    let schema = Arc::new(MemorySchemaProvider::new());
    catalog.register_schema(name, Arc::<MemorySchemaProvider>::clone(&schema))?;
    Ok(schema)
}
