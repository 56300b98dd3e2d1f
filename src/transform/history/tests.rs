//! Any sequence of states, recorded night by night, gives the versions that follow from the list of states.

use std::{collections::BTreeMap, path::PathBuf};

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Float64Array, Int32Array, RecordBatch, StringArray,
};
use arrow::datatypes::{Date32Type, Float64Type, Int32Type};
use datafusion::datasource::MemTable;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::{
    define::project::OnSchemaChange,
    engine::{Engine, Parameters, Settings, Statement},
    record::{Place, Placed, TableName, Text},
};

/// What names a thing, with a quote and a capital in a column's name.
type Key = (String, i32);
/// A tracked and an untracked value.
type Values = (Option<f64>, Option<String>);
type State = BTreeMap<Key, Values>;
/// Key, values, first and last day.
type Version = (Key, Values, i32, Option<i32>);

const COLUMNS: [&str; 4] = ["Ke\"y", "no", "tracked.value", "note"];

fn history() -> History {
    let text = Arc::new(Text { path: "core/h.sql".to_owned(), body: String::new() });
    let placed = |name: &str| Placed::new(name.to_owned(), Place::start_of(Arc::clone(&text)));
    History { key: vec![placed(COLUMNS[0]), placed(COLUMNS[1])], track: Some(vec![placed(COLUMNS[2])]) }
}

fn columns_of_query() -> SchemaRef {
    let types = [DataType::Utf8, DataType::Int32, DataType::Float64, DataType::Utf8];
    Arc::new(Schema::new(COLUMNS.iter().zip(types).map(|(name, of)| Field::new(*name, of, true)).collect::<Vec<_>>()))
}

fn model(statement: Statement, day: NaiveDate) -> PlannedModel {
    let text = Arc::new(Text { path: "core/h.sql".to_owned(), body: String::new() });
    let model = Model {
        kind: crate::define::project::Kind::History,
        rows: None,
        name: TableName::new("core", "h"),
        path: PathBuf::new(),
        description: None,
        owner: None,
        key: Vec::new(),
        partition_by: Vec::new(),
        on_schema_change: Placed::new(OnSchemaChange::Fail, Place::start_of(Arc::clone(&text))),
        history: Some(history()),
        ignore_changes: Vec::new(),
        dialect: crate::define::project::Dialect::default(),
        tags: Vec::new(),
        columns: Vec::new(),
        checks: Vec::new(),
        text,
    };
    let schema = schema(&model, &history(), &columns_of_query()).unwrap();
    let (definition, meanings) = (String::new(), BTreeMap::new());
    PlannedModel { model, statement, schema, definition, meanings, run_date: day, before: None }
}

fn day(number: i32) -> NaiveDate {
    NaiveDate::from_num_days_from_ce_opt(719_163 + number).unwrap()
}

fn batch(state: &State) -> RecordBatch {
    let columns: [ArrayRef; 4] = [
        Arc::new(StringArray::from_iter_values(state.keys().map(|key| &key.0))),
        Arc::new(Int32Array::from_iter_values(state.keys().map(|key| key.1))),
        Arc::new(state.values().map(|values| values.0).collect::<Float64Array>()),
        Arc::new(state.values().map(|values| values.1.as_deref()).collect::<StringArray>()),
    ];
    RecordBatch::try_new(columns_of_query(), columns.to_vec()).unwrap()
}

/// Runs one night over the past and returns the table.
async fn night(engine: &Engine, state: &State, past: Option<Vec<RecordBatch>>, number: i32) -> Vec<RecordBatch> {
    let parameters = Parameters { run_date: day(number), timezone: chrono_tz::UTC, variables: BTreeMap::new() };
    let statement = Statement::parse("SELECT * FROM core.state", &parameters).unwrap();
    let model = model(statement, day(number));
    let table = MemTable::try_new(columns_of_query(), vec![vec![batch(state)]]).unwrap();
    let session =
        engine.session([(TableName::new("core", "state"), Arc::new(table) as Arc<dyn TableProvider>)]).unwrap();
    let past = past.map(|past| {
        Arc::new(MemTable::try_new(Arc::clone(&model.schema), vec![past]).unwrap()) as Arc<dyn TableProvider>
    });
    let query = model.statement.plan(&session).await.unwrap();
    let plan = plan(&model, &history(), query, past).unwrap();
    let batches = session.execute_logical_plan(plan).await.unwrap().collect().await.unwrap();
    batches.iter().map(|batch| crate::engine::types::cast_batch(batch, &model.schema).unwrap()).collect()
}

fn versions(batches: &[RecordBatch]) -> Vec<Version> {
    let mut versions = Vec::new();
    for batch in batches {
        let text = |column: usize| batch.column(column).as_string::<i32>();
        let from = batch.column(4).as_primitive::<Date32Type>();
        let to: &Date32Array = batch.column(5).as_primitive();
        let current: &BooleanArray = batch.column(6).as_boolean();
        for row in 0..batch.num_rows() {
            let numbers = batch.column(2).as_primitive::<Float64Type>();
            let key = (text(0).value(row).to_owned(), batch.column(1).as_primitive::<Int32Type>().value(row));
            let values = (
                numbers.is_valid(row).then(|| numbers.value(row)),
                text(3).is_valid(row).then(|| text(3).value(row).to_owned()),
            );
            let end = to.is_valid(row).then(|| to.value(row));
            assert_eq!(current.value(row), end.is_none());
            versions.push((key, values, from.value(row), end));
        }
    }
    versions.sort_by(|a, b| a.partial_cmp(b).unwrap());
    versions
}

/// Computes the versions from all states at once.
fn expected(states: &BTreeMap<i32, State>) -> Vec<Version> {
    let mut open: BTreeMap<Key, (Values, i32)> = BTreeMap::new();
    let mut all = Vec::new();
    for (&day, state) in states {
        open.retain(|key, (values, from)| {
            let stays = state.get(key).is_some_and(|now| now.0 == values.0);
            if !stays {
                all.push((key.clone(), values.clone(), *from, Some(day)));
            }
            stays
        });
        for (key, values) in state {
            open.entry(key.clone()).or_insert_with(|| (values.clone(), day));
        }
    }
    all.extend(open.into_iter().map(|(key, (values, from))| (key, values, from, None)));
    all.sort_by(|a, b| a.partial_cmp(b).unwrap());
    all
}

fn random_state(random: &mut ChaCha8Rng) -> State {
    let mut state = State::new();
    for _ in 0..random.random_range(0..6) {
        let key = (["a", "", "é"][random.random_range(0..3)].to_owned(), random.random_range(0..2));
        let tracked = [None, Some(0.5), Some(-1.0), Some(1e300)][random.random_range(0..4)];
        let note = [None, Some("x".to_owned()), Some("y".to_owned())][random.random_range(0..3)].clone();
        state.insert(key, (tracked, note));
    }
    state
}

#[tokio::test]
async fn nights_one_by_one_give_what_all_states_at_once_give() {
    let engine = Engine::new(Settings { threads: 2, memory_limit_bytes: 64 << 20, spill_folder: None }).unwrap();
    for seed in 0..60 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let (mut states, mut past, mut number) = (BTreeMap::new(), None, 20_000);
        for _ in 0..7 {
            // The same day again, the next, or one after a gap.
            number += random.random_range(0..3);
            let state = random_state(&mut random);
            let table = night(&engine, &state, past.take(), number).await;
            states.insert(number, state);
            assert_eq!(versions(&table), expected(&states), "seed {seed}, {states:?}");
            past = Some(table);
        }
    }
}

#[tokio::test]
async fn two_rows_of_one_key_leave_two_current_versions_for_the_check_to_find() {
    let engine = Engine::new(Settings { threads: 2, memory_limit_bytes: 64 << 20, spill_folder: None }).unwrap();
    let state = State::from([(("a".to_owned(), 1), (Some(1.0), None))]);
    let first = night(&engine, &state, None, 20_000).await;
    let parameters = Parameters { run_date: day(20_001), timezone: chrono_tz::UTC, variables: BTreeMap::new() };
    for second in ["SELECT * FROM core.state", "SELECT \"Ke\"\"y\", no, 2.0, note FROM core.state"] {
        let sql = format!("SELECT * FROM core.state UNION ALL {second}");
        let model = model(Statement::parse(&sql, &parameters).unwrap(), day(20_001));
        let table = MemTable::try_new(columns_of_query(), vec![vec![batch(&state)]]).unwrap();
        let tables = [(TableName::new("core", "state"), Arc::new(table) as Arc<dyn TableProvider>)];
        let session = engine.session(tables).unwrap();
        let past = MemTable::try_new(Arc::clone(&model.schema), vec![first.clone()]).unwrap();
        let query = model.statement.plan(&session).await.unwrap();
        let plan = plan(&model, &history(), query, Some(Arc::new(past))).unwrap();
        let batches = session.execute_logical_plan(plan).await.unwrap().collect().await.unwrap();
        let current: usize = batches.iter().map(|batch| batch.column(6).as_boolean().true_count()).sum();
        assert_eq!(current, 2, "{sql}");
    }
}
