//! How long unit tests take beside the bare execution of their queries.
//!
//! ```sh
//! cargo test --profile quick --lib run::test -- --ignored --nocapture
//! ```

#![expect(clippy::print_stderr, reason = "the figures are what is asked for")]

use std::{collections::BTreeMap, fmt::Write, fs, path::Path, sync::Arc};

use arrow::{
    array::{ArrayRef, Date32Array, Decimal128Array, Int64Array, RecordBatch, StringArray},
    datatypes::{DataType, Field, Schema},
};
use datafusion::{
    catalog::{MemorySchemaProvider, SchemaProvider},
    datasource::MemTable,
    prelude::{SessionConfig, SessionContext},
};

use crate::{
    engine::{Engine, Settings},
    run::{Rebuild, Request, definitions, unit_tests},
};

const MODELS: usize = 50;
const TESTS_EACH: usize = 6;

const SALE: &str = "name: sale\nlocation: x/*\nkey: [id]\ncolumns:\n  id: { type: bigint }\n  month: { type: date }\n  dealer: { \
                    type: string }\n  units: { type: bigint }\n  amount: { type: \"decimal(18,2)\" }\n";
const DEALER: &str =
    "name: dealer\nlocation: x/*\nkey: [dealer]\ncolumns:\n  dealer: { type: string }\n  region: { type: string }\n";

/// A join, an aggregate and a window, as models have them; no two are alike.
fn sql(model: usize) -> String {
    format!(
        "WITH line AS (SELECT s.month, coalesce(d.region, 'unknown') AS region, s.units, s.amount FROM staged.sale AS s LEFT \
         JOIN staged.dealer AS d ON d.dealer = s.dealer WHERE s.units > {model}), region_month AS (SELECT month, region, \
         sum(units) AS units, sum(amount) AS amount FROM line GROUP BY month, region) SELECT month, region, units, CAST(amount \
         AS DOUBLE) / nullif(units, 0) AS price, CAST(rank() OVER (PARTITION BY month ORDER BY units DESC) AS BIGINT) AS \
         place FROM region_month"
    )
}

fn tests(model: usize) -> String {
    let mut text = String::new();
    for test in 0..TESTS_EACH {
        let units = 100 + test;
        write!(
            text,
            "- name: test {test}\n  given:\n    staged.sale:\n      - {{ id: 1, month: 2026-05-01, dealer: A, units: {units}, \
             amount: {units}.50 }}\n      - {{ id: 2, month: 2026-05-01, dealer: B, units: {units}, amount: 1.00 }}\n      - {{ \
             id: 3, month: 2026-05-01, dealer: C, units: {model}, amount: 1.00 }}\n    staged.dealer: [{{ dealer: A, region: \
             north }}]\n  expect:\n    - {{ month: 2026-05-01, region: north, units: {units}, place: 1 }}\n    - {{ month: \
             2026-05-01, region: unknown, units: {units}, place: 1 }}\n"
        )
        .unwrap();
    }
    text
}

fn project(folder: &Path) {
    let file = |path: &str, body: String| {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, body).unwrap();
    };
    let pipeline = "name: nightly\nwarehouse: ../w\ntimezone: UTC\nsources: sources/*.yaml\nmodels: ../sql\n";
    file("pipelines/nightly.yaml", pipeline.to_owned());
    file("pipelines/sources/sale.yaml", SALE.to_owned());
    file("pipelines/sources/dealer.yaml", DEALER.to_owned());
    for model in 0..MODELS {
        file(&format!("sql/core/m{model}.sql"), sql(model));
        file(&format!("sql/core/m{model}.test.yaml"), tests(model));
    }
}

fn request(folder: &Path, settings: &Settings) -> Request {
    Request {
        pipeline: folder.join("pipelines/nightly.yaml"),
        run_date: None,
        variables: BTreeMap::new(),
        environment: None,
        full: false,
        rebuild: Rebuild::default(),
        verify: false,
        accepted: Vec::new(),
        rehash: false,
        selection: crate::define::select::Selection::default(),
        settings: settings.clone(),
        process_environment: BTreeMap::new(),
        now: chrono::DateTime::UNIX_EPOCH,
    }
}

/// The rows of one test as a stock session gets them.
fn tables(model: usize, test: usize) -> [(&'static str, RecordBatch); 2] {
    let (units, model) = (i64::try_from(100 + test).unwrap(), i64::try_from(model).unwrap());
    let money = |values: [i128; 3]| Decimal128Array::from(values.to_vec()).with_precision_and_scale(18, 2).unwrap();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(Int64Array::from(vec![1, 2, 3]))),
        ("month", Arc::new(Date32Array::from(vec![20_574; 3]))),
        ("dealer", Arc::new(StringArray::from(vec!["A", "B", "C"]))),
        ("units", Arc::new(Int64Array::from(vec![units, units, model]))),
        ("amount", Arc::new(money([i128::from(units) * 100 + 50, 100, 100]))),
    ];
    let field = |name| Field::new(name, DataType::Utf8, true);
    let dealer: Vec<ArrayRef> =
        vec![Arc::new(StringArray::from(vec!["A"])), Arc::new(StringArray::from(vec!["north"]))];
    let schema = Arc::new(Schema::new(["dealer", "region"].map(field).to_vec()));
    [("sale", RecordBatch::try_from_iter(columns).unwrap()), ("dealer", RecordBatch::try_new(schema, dealer).unwrap())]
}

/// The same queries over the same rows in one stock session.
async fn bare() -> usize {
    let session = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(1));
    let schema = Arc::new(MemorySchemaProvider::new());
    session.catalog("datafusion").unwrap().register_schema("staged", schema.clone()).unwrap();
    let mut rows = 0;
    for model in 0..MODELS {
        for test in 0..TESTS_EACH {
            for (name, batch) in tables(model, test) {
                let _ = schema.deregister_table(name).unwrap();
                let table = MemTable::try_new(batch.schema(), vec![vec![batch]]).unwrap();
                schema.register_table(name.to_owned(), Arc::new(table)).unwrap();
            }
            let batches = session.sql(&sql(model)).await.unwrap().collect().await.unwrap();
            rows += batches.iter().map(RecordBatch::num_rows).sum::<usize>();
        }
    }
    rows
}

/// Returns the CPU seconds that this process has used.
fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let ticks: Vec<f64> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(|ticks| ticks.parse().unwrap())
        .collect();
    (ticks[0] + ticks[1]) / 100.0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures: run it alone, as the head of this file says"]
async fn three_hundred_tests_take_little_more_than_their_queries() {
    let folder = tempfile::tempdir().unwrap();
    project(folder.path());
    let settings = Settings { threads: 2, memory_limit_bytes: 256 << 20, spill_folder: None };
    let engine = Engine::new(settings.clone()).unwrap();
    let request = request(folder.path(), &settings);
    let count = MODELS * TESTS_EACH;
    let mut ratios = Vec::new();
    for _ in 0..3 {
        let at = [cpu_seconds()];
        assert_eq!(bare().await, 2 * count);
        let at = [at[0], cpu_seconds()];
        let definitions = definitions(&request, &engine).await.unwrap();
        let at = [at[0], at[1], cpu_seconds()];
        let results = unit_tests(&definitions, &request, &engine).await.unwrap().run(&engine).await.unwrap();
        let took = cpu_seconds() - at[2];
        assert_eq!(results.iter().filter(|result| result.is_passed()).count(), count);
        let bare = at[1] - at[0];
        let planned = at[2] - at[1];
        eprintln!(
            "{count} tests: {took:.2} CPU s, {:.0} tests a CPU s; bare {bare:.2} CPU s; ratio {:.2}; planning {MODELS} models before \
             {planned:.2} CPU s, with it {:.2}",
            f64::from(u32::try_from(count).unwrap()) / took,
            took / bare,
            (took + planned) / bare
        );
        ratios.push(took / bare);
    }
    let best = ratios.into_iter().fold(f64::INFINITY, f64::min);
    assert!(best <= 1.5, "{best:.2} times the bare execution");
}
