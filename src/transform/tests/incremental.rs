//! What is kept and what is rebuilt together equal the full result: random models over tables that change at random.
//!
//! The test is itself tested: with each rule of [`Fault`] in place of the truth it finds a difference.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    path::Path,
    sync::Arc,
};

use arrow::{array::RecordBatch, compute::filter_record_batch, util::display::ArrayFormatter};
use chrono::NaiveDate;
use datafusion::{
    datasource::MemTable,
    logical_expr::{LogicalPlanBuilder, lit},
    prelude::SessionContext,
};
use futures::StreamExt;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{
    faults::{self, Fault},
    models,
    world::World,
};
use crate::{
    define,
    engine::{Catalog, CatalogTable, Engine, Parameters, Settings, catalog, table::values_batch},
    record::{
        Manifest, PartitionValues, TableName, Text,
        manifest::{MANIFEST_VERSION, Partition, Table},
    },
    transform::{
        Decision, Graph, PlannedModel, Prover, Reason,
        decide::{self, Base, decide},
        depend::{self, Inputs},
        execute,
        keyed::{self, Deltas, Past, Reckoned},
        moved, plan, shares,
        shares::Share,
    },
};

/// Rows by partition, each as text.
type Rows = BTreeMap<PartitionValues, Vec<String>>;

/// Edits of a case.
const EDITS: usize = 4;

#[test]
fn what_is_kept_and_what_is_rebuilt_equal_the_full_result() {
    on_a_deep_stack(all_cases);
}

async fn all_cases() {
    let all = played(40, async |seed| Case::new(seed, None).await).await;
    assert!(all.kept > 50 && all.rebuilt > 50, "too little was kept or rebuilt: {all:?}");
    assert!(all.in_shares > 20, "too few models are computed in shares: {all:?}");
    assert!(all.worse * 100 <= all.proved, "a proof with the value unknown must be about as good: {all:?}");
}

#[test]
fn every_unsound_rule_is_caught() {
    on_a_deep_stack(all_rules);
}

async fn all_rules() {
    all_caught(Fault::ALL, async |seed, fault| Case::new(seed, Some(fault)).await).await;
}

#[test]
fn what_a_moved_run_date_keeps_and_rebuilds_equals_the_full_result() {
    on_a_deep_stack(all_dated_cases);
}

async fn all_dated_cases() {
    let all = played(40, async |seed| Case::dated(seed, models::dated_model, false).await).await;
    assert!(all.kept_on_another_day > 10 && all.rebuilt > 50, "too little was kept or rebuilt: {all:?}");
}

#[test]
fn what_is_kept_where_no_row_notices_another_day_equals_the_full_result() {
    on_a_deep_stack(all_jointly_dated_cases);
}

async fn all_jointly_dated_cases() {
    let all = played(40, async |seed| Case::dated(seed, models::jointly_dated_model, false).await).await;
    assert!(all.kept_on_another_day > 5 && all.rebuilt > 50, "too little was kept or rebuilt: {all:?}");
}

/// The test is itself tested: where rows are asked in tables without any, none notices a day, and differences are found.
#[test]
fn rows_that_are_not_asked_are_caught() {
    on_a_deep_stack(|| async {
        let case = async |seed| Case::dated(seed, models::jointly_dated_model, false).await;
        let caught = first_caught(0..40, async |seed| Case { asks_empty_tables: true, ..case(seed).await }).await;
        assert!(caught.is_some(), "none of the cases finds that no row is asked");
    });
}

#[test]
fn what_is_kept_of_partitions_of_which_no_row_notices_another_day_equals_the_full_result() {
    on_a_deep_stack(all_partly_dated_cases);
}

async fn all_partly_dated_cases() {
    let all = played(40, async |seed| Case::dated(seed, models::partly_dated_model, false).await).await;
    assert!(all.kept_on_another_day > 20 && all.rebuilt_for_the_day > 10, "too little was told apart: {all:?}");
}

/// The test is itself tested: where the rows of single partitions are not asked, none of them notices a day.
#[test]
fn rows_of_partitions_that_are_not_asked_are_caught() {
    on_a_deep_stack(|| async {
        let case = async |seed| Case::dated(seed, models::partly_dated_model, false).await;
        let caught = first_caught(0..40, async |seed| Case { asks_no_partition: true, ..case(seed).await }).await;
        assert!(caught.is_some(), "none of the cases finds that no row of a partition is asked");
    });
}

#[test]
fn what_is_kept_of_a_table_in_other_partitions_equals_the_full_result() {
    on_a_deep_stack(all_repartitioned_cases);
}

async fn all_repartitioned_cases() {
    let all = played(40, async |seed| Case { repartitions: true, ..Case::new(seed, None).await }).await;
    assert!(all.kept > 50 && all.rebuilt > 50, "too little was kept or rebuilt: {all:?}");
}

/// The test is itself tested: where nothing seems to differ between two days, it finds a difference.
#[test]
fn a_day_taken_for_another_is_caught() {
    on_a_deep_stack(|| async {
        let caught = first_caught(0..40, async |seed| Case::dated(seed, models::dated_model, true).await).await;
        assert!(caught.is_some(), "none of the cases finds that every day is taken for the last one");
    });
}

#[test]
fn what_is_computed_of_changed_keys_equals_the_full_result() {
    on_a_deep_stack(all_keyed_cases);
}

async fn all_keyed_cases() {
    let all = played(60, async |seed| Case { by_keys: true, ..Case::new(seed, None).await }).await;
    assert!(all.reckoned > 20 && all.kept_by_keys > 10, "too little was told by keys: {all:?}");
}

/// The test is itself tested: a key that is found where plans are misread is caught.
#[test]
fn every_unsound_key_is_caught() {
    on_a_deep_stack(all_rules_of_keys);
}

async fn all_rules_of_keys() {
    let misread = async |seed, fault| Case { by_keys: true, key_fault: Some(fault), ..Case::new(seed, None).await };
    all_caught(Fault::OF_KEYS, misread).await;
}

/// Plays so many cases, or all of a night, of which each must equal the full result; returns what became of their partitions.
async fn played(cases: u64, case: impl AsyncFn(u64) -> Case) -> Tally {
    let mut all = Tally::default();
    for seed in 0..if is_night() { 4_000 } else { cases } {
        let mut case = case(seed).await;
        if let Some(difference) = case.play().await {
            panic!("seed {seed}: {difference}\n{}\n{}", case.sql, case.told.join("\n"));
        }
        all.add(&case.tally);
    }
    all
}

/// Returns the first case that differs from the full result.
async fn first_caught(mut seeds: Range<u64>, case: impl AsyncFn(u64) -> Case) -> Option<u64> {
    loop {
        let seed = seeds.next()?;
        if case(seed).await.play().await.is_some() {
            return Some(seed);
        }
    }
}

/// Replays for each rule the case that is known to catch it; at night looks for one from the first on.
async fn all_caught(rules: impl IntoIterator<Item = (Fault, u64)>, case: impl AsyncFn(u64, Fault) -> Case) {
    let mut missed = Vec::new();
    for (fault, known) in rules {
        let seeds = if is_night() { 0..4_000 } else { known..known + 1 };
        let caught = first_caught(seeds, async |seed| case(seed, fault).await).await;
        if caught.is_none() || (is_night() && caught != Some(known)) {
            missed.push(format!("{fault:?}, known to be caught by case {known}, is caught by {caught:?}"));
        }
    }
    assert_eq!(missed, [""; 0], "where the cases were changed, the night's run finds the new ones");
}

/// One model over a world of its own.
#[expect(clippy::struct_excessive_bools, reason = "each is a way to play a case of its own")]
struct Case {
    world: World,
    engine: Engine,
    model: PlannedModel,
    sql: String,
    fault: Option<Fault>,
    /// Whether the run date is the model's business.
    is_dated: bool,
    /// Whether an input comes in other partitions now and then.
    repartitions: bool,
    /// Whether the proof asks tables without rows.
    asks_empty_tables: bool,
    /// Whether the proof finds no rows of single partitions.
    asks_no_partition: bool,
    /// Whether the proof is told that the model was the same on the other day.
    takes_days_for_one: bool,
    /// Whether rows are computed by key where that can be.
    by_keys: bool,
    /// How the search for a key misreads plans.
    key_fault: Option<Fault>,
    /// All rows of the last run, as its readers see them.
    output: Vec<RecordBatch>,
    /// What the last run kept and wrote, as the proof and the readers know it.
    parent: Option<Manifest>,
    rows: Rows,
    /// What the proof was told of the inputs.
    inputs: Option<Catalog>,
    told: Vec<String>,
    tally: Tally,
}

/// Partitions of all runs of a case.
#[derive(Debug, Default)]
struct Tally {
    kept: usize,
    /// Of these, on another day than the last run's.
    kept_on_another_day: usize,
    rebuilt: usize,
    /// Of these, because one of their rows notices another day.
    rebuilt_for_the_day: usize,
    /// Models of which rows of some keys were computed.
    reckoned: usize,
    /// Partitions that were kept since none of their keys changed.
    kept_by_keys: usize,
    /// Models that were computed in shares.
    in_shares: usize,
    /// Proved with the value unknown and with it known.
    proved: usize,
    /// Of these, proved less well with it unknown.
    worse: usize,
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.kept += other.kept;
        self.kept_on_another_day += other.kept_on_another_day;
        self.rebuilt += other.rebuilt;
        self.rebuilt_for_the_day += other.rebuilt_for_the_day;
        self.reckoned += other.reckoned;
        self.kept_by_keys += other.kept_by_keys;
        self.in_shares += other.in_shares;
        self.proved += other.proved;
        self.worse += other.worse;
    }
}

impl Case {
    async fn new(seed: u64, fault: Option<Fault>) -> Self {
        let mut world = World::new(seed);
        let settings = Settings { threads: 2, memory_limit_bytes: 256 << 20, spill_folder: None };
        let engine = Engine::new(settings).unwrap();
        let sql = models::model(&mut world.random);
        let model = planned(&sql, world.catalog(), &engine).await;
        Self {
            world,
            engine,
            model,
            sql,
            fault,
            is_dated: false,
            repartitions: false,
            asks_empty_tables: false,
            asks_no_partition: false,
            takes_days_for_one: false,
            by_keys: false,
            key_fault: None,
            output: Vec::new(),
            parent: None,
            rows: Rows::new(),
            inputs: None,
            told: Vec::new(),
            tally: Tally::default(),
        }
    }

    async fn dated(seed: u64, model: fn(&mut ChaCha8Rng) -> String, takes_days_for_one: bool) -> Self {
        let case = Self::new(seed, None).await;
        let sql = model(&mut ChaCha8Rng::seed_from_u64(seed));
        let model = planned(&sql, case.world.catalog(), &case.engine).await;
        Self { model, sql, is_dated: true, takes_days_for_one, ..case }
    }

    /// Plans the model for the world's run date, and for that of the last run.
    async fn plan_for_the_day(&mut self) {
        let day = self.world.run_date();
        self.model = planned_on(day, &self.sql, self.world.catalog(), &self.engine).await;
        let Some(served) = self.parent.as_ref().filter(|served| served.run_date != day) else { return };
        let mut graph = Graph { models: vec![self.model.clone()], views: Vec::new() };
        let staged = declared(self.world.catalog());
        moved::remember(&mut graph, served.run_date, served, &staged, &parameters(day), &self.engine).await.unwrap();
        self.model = graph.models.remove(0);
        if let Some(before) = self.model.before.as_mut().filter(|_| self.takes_days_for_one) {
            before.statement = self.model.statement.clone();
        }
    }

    /// Runs after each edit and returns the first difference from the full result.
    async fn play(&mut self) -> Option<String> {
        for edit in 0..=EDITS {
            if let Some(difference) = self.run().await {
                return Some(difference);
            }
            if edit < EDITS {
                let told = match edit % 2 == 0 {
                    true if self.is_dated => self.world.change_run_date(),
                    true if self.repartitions => self.world.repartition(),
                    _ => self.world.edit(),
                };
                self.told.push(told);
            }
        }
        None
    }

    async fn run(&mut self) -> Option<String> {
        if self.is_dated {
            self.plan_for_the_day().await;
        }
        let now = self.world.catalog().clone();
        let told = self.fault.map_or_else(|| now.clone(), |fault| fault.told(&now, self.inputs.as_ref()));
        let session = self.engine.session(catalog::providers(&now).unwrap()).unwrap();
        let proving = match self.fault {
            Some(fault) => fault.session(&self.engine, &told),
            None if self.asks_empty_tables => {
                self.engine.session(catalog::providers(&declared(&now)).unwrap()).unwrap()
            }
            None if self.asks_no_partition => faults::without_rows_of_partitions(&self.engine, &now),
            None => session.clone(),
        };
        let base = self.parent.as_ref().map(|parent| Base { parent, catalog: &told });
        let mut decision = decide(&self.model, base, &proving).await.unwrap();
        let full = texts(&self.model, &rows(&self.model, &session).await);
        let by_keys = self.reckoned(&decision, &now, &session).await;
        let mut now_rows: Rows = decision.clean.iter().map(|part| self.kept_rows(&part.values)).collect();
        let known: BTreeSet<PartitionValues> = self.rows.keys().cloned().collect();
        if !decision.is_idle() {
            let batches = match &by_keys {
                Some(reckoned) => {
                    self.tally.reckoned += 1;
                    self.tally.kept_by_keys += reckoned.decision.clean.len() - decision.clean.len();
                    reckoned.rows(&self.model, &session).await.unwrap().map(Result::unwrap).collect().await
                }
                None => self.in_shares(&decision, &now, &session).await,
            };
            if let Some(reckoned) = by_keys {
                decision = reckoned.decision;
                now_rows = decision.clean.iter().map(|part| self.kept_rows(&part.values)).collect();
            }
            let mut built = texts(&self.model, &batches);
            self.output = self.kept_output(&decision).into_iter().chain(batches).collect();
            if self.fault == Some(Fault::NewPartitionsForgotten) && self.parent.is_some() {
                built.retain(|values, _| known.contains(values));
            }
            now_rows.extend(built);
        }
        self.tally.kept += decision.clean.len();
        if self.model.before.is_some() {
            self.tally.kept_on_another_day += decision.clean.len();
        }
        self.tally.rebuilt += decision.dirty.len();
        let notices = |(_, reasons): &&(PartitionValues, Vec<Reason>)| reasons.contains(&Reason::DayNoticed);
        self.tally.rebuilt_for_the_day += decision.dirty.iter().filter(notices).count();
        let partitions = self.fingerprints(&decision, &now_rows, &told, &proving).await;
        if self.fault.is_none() && !self.asks_empty_tables && !self.asks_no_partition {
            self.compare_proofs(&now, &session, &now_rows).await;
        }
        self.parent = Some(self.manifest(&told, partitions));
        (self.rows, self.inputs) = (now_rows, Some(told));
        difference(&self.rows, &full)
    }

    /// Computes the rows of changed keys, where the case is about that and there is such a key.
    async fn reckoned(&self, decision: &Decision, now: &Catalog, session: &SessionContext) -> Option<Reckoned> {
        let (parent, before) = self.parent.as_ref().zip(self.inputs.as_ref()).filter(|_| self.by_keys)?;
        let base = Base { parent, catalog: now };
        let proving = self.key_fault.map_or_else(|| session.clone(), |fault| fault.session(&self.engine, now));
        let key = keyed::key(&self.model, decision, base, &Deltas::default(), &proving).await.unwrap()?;
        let rows = MemTable::try_new(self.model.schema.clone(), vec![self.output.clone()]).unwrap();
        let past =
            Past { before: &|table| Ok(before.get(table).cloned()), rows: Arc::new(rows), deltas: &Deltas::default() };
        keyed::reckon(&self.model, decision, key, base, past, session).await.unwrap()
    }

    /// Returns the rows of the last run that a decision keeps.
    fn kept_output(&self, decision: &Decision) -> Vec<RecordBatch> {
        let Some(kept) = decide::kept(&self.model, decision).unwrap() else { return Vec::new() };
        let columns = self.model.partition_by();
        let kept = |batch: &RecordBatch| {
            let columns: Vec<_> = columns.iter().map(|column| batch.column_by_name(column).unwrap().clone()).collect();
            filter_record_batch(batch, &arrow::compute::not(&kept.others(&columns).unwrap()).unwrap()).unwrap()
        };
        self.output.iter().map(kept).collect()
    }

    /// Returns the rows that a decision asks for, computed in as many shares as there can be up to three.
    async fn in_shares(&mut self, decision: &Decision, now: &Catalog, session: &SessionContext) -> Vec<RecordBatch> {
        let prover = Prover::new(&self.model, Inputs::now(now), session).await.unwrap();
        let mut batches = Vec::new();
        // As the last snapshot tells of a table that was partitioned by something else: no values, or others with the same meaning.
        let mut decision = decision.clone();
        let others = decision.dirty.iter().filter_map(|(values, _)| values.0.first()?.as_ref());
        let others: Vec<String> = others.map(|value| format!("0{value}")).chain(["north".to_owned()]).collect();
        decision.dirty.extend(others.into_iter().map(|value| (PartitionValues(vec![Some(value)]), Vec::new())));
        let shares = shares::cut(&self.model, &decision, &prover, 3).unwrap();
        self.tally.in_shares += usize::from(shares.len() > 1);
        for share in shares {
            let stream = execute::rows(&self.model, share, None, session).await.unwrap().rows;
            batches.extend(stream.map(Result::unwrap).collect::<Vec<_>>().await);
        }
        batches
    }

    fn kept_rows(&self, values: &PartitionValues) -> (PartitionValues, Vec<String>) {
        (values.clone(), self.rows.get(values).cloned().unwrap_or_default())
    }

    /// Returns the partitions with the fingerprints that the next run compares with.
    async fn fingerprints(
        &self,
        decision: &Decision,
        rows: &Rows,
        told: &Catalog,
        session: &SessionContext,
    ) -> Vec<Partition> {
        let kept: BTreeSet<&PartitionValues> = decision.clean.iter().map(|part| &part.values).collect();
        let written: Vec<&PartitionValues> = rows.keys().filter(|values| !kept.contains(values)).collect();
        let prover = Prover::new(&self.model, Inputs::now(told), session).await.unwrap();
        let proofs = prover.prove(&written).unwrap();
        let new =
            written.iter().zip(proofs).map(|(&values, proof)| partition(values, rows[values].len(), proof.fingerprint));
        let mut partitions: Vec<Partition> = decision.clean.iter().cloned().chain(new).collect();
        partitions.sort_by(|one, other| one.values.cmp(&other.values));
        partitions
    }

    /// Compares the proof for all partitions at once with one for each, its value in the plan.
    async fn compare_proofs(&mut self, now: &Catalog, session: &SessionContext, rows: &Rows) {
        let partitions: Vec<&PartitionValues> = rows.keys().collect();
        let prover = Prover::new(&self.model, Inputs::now(now), session).await.unwrap();
        for (values, proof) in partitions.iter().zip(prover.prove(&partitions).unwrap()) {
            let mut at_once: BTreeMap<TableName, BTreeSet<usize>> = BTreeMap::new();
            for read in proof.reads {
                at_once.entry(read.table).or_default().extend(read.partitions.iter());
            }
            let alone = self.proved_alone(now, session, values).await;
            for (table, partitions) in &alone {
                let read = at_once.get(table).is_some_and(|read| read.is_superset(partitions));
                assert!(read, "{values}: not all that is read of {table} counts\n{}", self.sql);
            }
            self.tally.proved += 1;
            self.tally.worse += usize::from(at_once != alone);
        }
    }

    async fn proved_alone(
        &self,
        now: &Catalog,
        session: &SessionContext,
        values: &PartitionValues,
    ) -> BTreeMap<TableName, BTreeSet<usize>> {
        let scalars = values.to_scalars(&decide::types(&self.model).unwrap()).unwrap();
        let columns = self.model.partition_by();
        let filter = columns.iter().zip(scalars).map(|(column, value)| match value.is_null() {
            true => decide::output(column).is_null(),
            false => decide::output(column).eq(lit(value)),
        });
        let mut plan = LogicalPlanBuilder::from(self.model.statement.plan(session).await.unwrap());
        if let Some(filter) = filter.reduce(datafusion::logical_expr::Expr::and) {
            plan = plan.filter(filter).unwrap();
        }
        let plan = session.state().optimize(&plan.build().unwrap()).unwrap();
        let one = values_batch(Vec::new(), &[&PartitionValues::default()]).unwrap();
        let inputs = Inputs::now(now);
        let mut found: BTreeMap<TableName, BTreeSet<usize>> = BTreeMap::new();
        for scan in depend::scans(&plan, &inputs).unwrap() {
            let partitions = match scan.select(&one).unwrap().each {
                None => (0..inputs.partitions(&scan.table).len()).collect(),
                Some(each) => each[0].iter().flat_map(|each| each.iter().copied()).collect::<BTreeSet<usize>>(),
            };
            found.entry(scan.table.clone()).or_default().extend(partitions);
        }
        found
    }

    fn manifest(&self, inputs: &Catalog, partitions: Vec<Partition>) -> Manifest {
        let mut tables: BTreeMap<TableName, Table> =
            inputs.iter().map(|(name, table)| (name.clone(), table.table.clone())).collect();
        tables.insert(self.model.model.name.clone(), Table { partitions, ..self.model.declared() });
        let sale = &inputs[&super::world::name("staged.sale")];
        Manifest {
            manifest_version: MANIFEST_VERSION,
            snapshot: String::new(),
            parent: None,
            run: String::new(),
            created_at: String::new(),
            run_date: sale.as_of.as_ref().map(|cut| cut.run_date).unwrap_or_default(),
            pipeline: String::new(),
            tool_version: String::new(),
            reason: None,
            held: false,
            checks: String::new(),
            passed_checks: BTreeMap::new(),
            formats: std::collections::BTreeSet::new(),
            delta: BTreeMap::new(),
            inputs: BTreeMap::new(),
            tables,
        }
    }
}

pub async fn planned(sql: &str, catalog: &Catalog, engine: &Engine) -> PlannedModel {
    planned_on(NaiveDate::from_ymd_opt(2024, 12, 31).unwrap(), sql, catalog, engine).await
}

async fn planned_on(day: NaiveDate, sql: &str, catalog: &Catalog, engine: &Engine) -> PlannedModel {
    let text = Arc::new(Text { path: "core/it.sql".to_owned(), body: sql.to_owned() });
    let (model, _) = define::read_model(&text, Path::new("core/it.sql"), define::project::Dialect::default()).unwrap();
    let staged = declared(catalog);
    let sources = staged.keys().cloned().collect();
    let (mut graph, findings) = plan::plan(&[model], &staged, &sources, &parameters(day), engine).await.unwrap();
    assert!(findings.is_empty(), "{findings:#?}\n{sql}");
    graph.models.remove(0)
}

fn parameters(run_date: NaiveDate) -> Parameters {
    Parameters { run_date, timezone: chrono_tz::Asia::Shanghai, variables: BTreeMap::new() }
}

/// Returns tables without their rows.
fn declared(catalog: &Catalog) -> Catalog {
    let empty = |(name, table): (&TableName, &CatalogTable)| {
        let schema = datafusion::catalog::TableProvider::schema(&table.files);
        let partition_by = table.table.partition_by.clone();
        (name.clone(), CatalogTable::empty(&schema, partition_by, table.as_of.clone()))
    };
    catalog.iter().map(empty).collect()
}

/// Returns all rows of a model.
async fn rows(model: &PlannedModel, session: &SessionContext) -> Vec<RecordBatch> {
    let stream = execute::rows(model, Share::default(), None, session).await.unwrap().rows;
    stream.map(Result::unwrap).collect().await
}

/// Returns rows by partition, those of each sorted.
fn texts(model: &PlannedModel, batches: &[RecordBatch]) -> Rows {
    let mut found = Rows::new();
    for batch in batches {
        let columns: Vec<_> =
            model.partition_by().iter().map(|column| batch.column_by_name(column).unwrap().clone()).collect();
        let options = arrow::util::display::FormatOptions::default().with_null("NULL");
        let cells: Vec<ArrayFormatter<'_>> =
            batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options).unwrap()).collect();
        for row in 0..batch.num_rows() {
            let text: Vec<String> = cells.iter().map(|cell| cell.value(row).to_string()).collect();
            found.entry(PartitionValues::from_row(&columns, row).unwrap()).or_default().push(text.join("|"));
        }
    }
    for rows in found.values_mut() {
        rows.sort();
    }
    found
}

fn partition(values: &PartitionValues, rows: usize, fingerprint: String) -> Partition {
    Partition {
        values: values.clone(),
        fingerprint,
        content: String::new(),
        column_contents: BTreeMap::new(),
        rows: rows as u64,
        latest_date: None,
        files: Vec::new(),
        file_columns: Vec::new(),
    }
}

fn difference(now: &Rows, full: &Rows) -> Option<String> {
    let values: BTreeSet<&PartitionValues> = now.keys().chain(full.keys()).collect();
    let differs = values.into_iter().find(|values| now.get(values) != full.get(values))?;
    Some(format!("[{differs}] is {:#?} and should be {:#?}", now.get(differs), full.get(differs)))
}

/// Runs a test where planning may nest as deeply as it does in the binary.
pub fn on_a_deep_stack<F: Future<Output = ()>>(test: impl FnOnce() -> F + Send + 'static) {
    let run = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test());
    std::thread::Builder::new().stack_size(32 << 20).spawn(run).unwrap().join().unwrap();
}

pub fn is_night() -> bool {
    std::env::var_os("TALLYHOUSE_NIGHT").is_some_and(|value| value == "1")
}
