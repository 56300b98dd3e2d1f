//! Counts of folded checks against those of single queries, and what decides a check of a number.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, Date32Array, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray},
    datatypes::{Field, Schema, SchemaRef},
};
use datafusion::{datasource::MemTable, prelude::SessionContext};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{bounds, carry_out, fold, measure, query};
use crate::{
    define::{
        project::{Check, Dialect},
        read_model,
    },
    engine::{Engine, Settings},
    record::{TableName, Text, sql},
};

fn table() -> TableName {
    TableName::new("core", "odd \"table\"")
}

/// Reads checks as a model's header has them.
fn checks(written: &[&str]) -> Vec<Check> {
    let list = written.join("\n  - ");
    let body = format!("/* ---\nchecks:\n  - {list}\n--- */\nSELECT 1 AS a\n");
    let text = Arc::new(Text { path: "sql/core/t.sql".to_owned(), body });
    let (model, _) =
        read_model(&text, std::path::Path::new("core/t.sql"), crate::define::project::Dialect::default()).unwrap();
    model.checks
}

fn engine(memory_limit_bytes: usize) -> Engine {
    Engine::new(Settings { threads: 2, memory_limit_bytes, spill_folder: None }).unwrap()
}

fn session(engine: &Engine, columns: Vec<(&str, ArrayRef)>) -> (SessionContext, SchemaRef) {
    let field = |(name, column): &(&str, ArrayRef)| Field::new(*name, column.data_type().clone(), true);
    let schema: SchemaRef = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns.into_iter().map(|(_, column)| column).collect());
    let provider = MemTable::try_new(Arc::clone(&schema), vec![vec![batch.unwrap()]]).unwrap();
    (engine.session([(table(), Arc::new(provider) as _)]).unwrap(), schema)
}

/// Makes rows of few values, so that every check fails for some and passes for others.
fn rows(random: &mut ChaCha8Rng, count: usize) -> Vec<(&'static str, ArrayRef)> {
    let mut some = |most: i32| -> Vec<Option<i32>> {
        (0..count).map(|_| random.random_bool(0.8).then(|| random.random_range(-most..=most))).collect()
    };
    let texts = ["a", "张三", "it's", ""];
    let text = |index: Option<i32>| index.map(|index| texts[index.unsigned_abs() as usize % texts.len()]);
    vec![
        ("a\"b", Arc::new(some(3).into_iter().map(|n| n.map(i64::from)).collect::<Int64Array>())),
        ("名", Arc::new(some(9).into_iter().map(text).collect::<StringArray>())),
        ("day", Arc::new(some(3).into_iter().collect::<Date32Array>())),
        (
            "amount",
            Arc::new(
                some(20)
                    .into_iter()
                    .map(|n| n.map(i128::from))
                    .collect::<Decimal128Array>()
                    .with_precision_and_scale(18, 2)
                    .unwrap(),
            ),
        ),
        ("ratio", Arc::new(some(4).into_iter().map(|n| n.map(|n| f64::from(n) / 4.0)).collect::<Float64Array>())),
    ]
}

const POOL: [&str; 14] = [
    "not_null: ['a\"b']",
    "{ not_null: [名, day], where: \"amount > 0 -- only those\" }",
    "accepted_values: { column: 名, values: [a, \"it's\"] }",
    "{ accepted_values: { column: ratio, values: [0.5] }, where: day is not null }",
    "expr: \"\\\"a\\\"\\\"b\\\" > 0 or amount > 0.05\"",
    "{ expr: \"10 / \\\"a\\\"\\\"b\\\" > 2\", where: \"\\\"a\\\"\\\"b\\\" <> 0\" }",
    "{ expr: amount <> (select max(amount) from core.\"odd \"\"table\"\"\") }",
    "range: { column: amount, above: -0.1, max: 0.055 }",
    "{ range: { column: ratio, min: -0.5, below: 0.75 }, where: 名 <> '' }",
    "range: { column: day, min: 1969-12-31, below: 1970-01-03 }",
    "range: { column: 'a\"b', min: -1.5, max: 2 }",
    "range: { column: 名, min: a, max: b }",
    "{ not_null: [amount], where: \"false\" }",
    "row_count: { min: 1 }",
];

#[tokio::test]
async fn folded_checks_count_what_single_queries_count() {
    let engine = engine(1 << 30);
    for seed in 0..12 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let count = if seed == 0 { 0 } else { random.random_range(1..200) };
        let (session, schema) = session(&engine, rows(&mut random, count));
        // More checks than one scan takes.
        let written: Vec<&str> = (0..300).map(|_| POOL[random.random_range(0..POOL.len())]).collect();
        let checks = checks(&written);
        let (scans, counted) = fold::fold(&checks.iter().collect::<Vec<_>>(), &schema).unwrap();
        assert!(scans.len() > 1);
        let mut counts = Vec::new();
        for scan in &scans {
            counts.push(
                carry_out::numbers(&carry_out::collect(&session, scan.dialect, &scan.sql(&table())).await.unwrap())
                    .unwrap(),
            );
        }
        for (check, counted) in checks.iter().zip(counted) {
            let counted = counted.unwrap();
            let looked_at = format!("SELECT 1 FROM {} WHERE {}", sql::quoted_table(&table()), query::looked_at(check));
            let rows = counts[counted.scan][counted.looked_at.unwrap_or(fold::ALL_ROWS)];
            assert_eq!(rows, count_of(&session, &looked_at).await, "{} of seed {seed}", check.name);
            let failing = query::failing(&table(), check, &schema).unwrap();
            if let (Some(position), Some(failing)) = (counted.failed, failing) {
                let failed = count_of(&session, &failing).await;
                assert_eq!(counts[counted.scan][position], failed, "{} of seed {seed}", check.name);
            }
        }
    }
}

async fn count_of(session: &SessionContext, sql: &str) -> u64 {
    let sql = format!("SELECT count(*) FROM ({sql}) AS single");
    carry_out::numbers(&carry_out::collect(session, Dialect::default(), &sql).await.unwrap()).unwrap()[0]
}

#[test]
fn a_text_with_a_query_of_its_own_is_not_folded() {
    let checks = checks(&[POOL[6], "{ not_null: [a], where: \"a in (SELECT b FROM core.x)\" }"]);
    let (_, counted) = fold::fold(&checks.iter().collect::<Vec<_>>(), &Schema::empty()).unwrap();
    assert!(counted[0].unwrap().failed.is_none());
    assert!(counted[1].is_none());
}

#[test]
fn a_check_says_which_tables_its_queries_read_or_that_nobody_can_tell() {
    let reads = |written: &str| {
        let names = super::reads(&checks(&[written])[0])?;
        Some(names.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
    };
    assert_eq!(reads("expr: a > 0").as_deref(), Some(""));
    assert_eq!(reads("relationships: { column: a, to: core.x, field: b }").as_deref(), Some("core.x"));
    let nested = r#"{ expr: '(SELECT count(*) FROM core.x WHERE b IN (SELECT b FROM "core"."Y")) = a', where: "a in (SELECT c FROM core.z)" }"#;
    assert_eq!(reads(nested).as_deref(), Some("core.Y core.x core.z"));
    let named = "expr: (WITH it AS (SELECT b FROM core.x) SELECT count(*) FROM it) > 0 -- all";
    assert_eq!(reads(named).as_deref(), Some("core.x"));
    for untold in
        ["expr: (SELECT count(*) FROM nobody) > 0", "expr: (SELECT count(*) FROM core.x WHERE a < $limit) > 0"]
    {
        assert_eq!(reads(untold), None, "{untold}");
    }
    assert_eq!(reads("expr: (SELECT this cannot be read").as_deref(), None);
}

#[tokio::test]
async fn keys_that_do_not_fit_the_memory_are_still_counted() {
    let engine = engine(24 << 20);
    // Every key once, but for the last ten.
    let keys = (0..400_000_i64).chain(399_990..400_000);
    let texts: StringArray = keys.map(|key| Some(format!("a key of some length, number {key}"))).collect();
    let (session, schema) = session(&engine, vec![("k", Arc::new(texts))]);
    let check = &checks(&["unique: [k]"])[0];
    let failing = query::failing(&table(), check, &schema).unwrap().unwrap();
    assert_eq!(count_of(&session, &failing).await, 10);
}

#[test]
fn bounds_are_the_first_and_last_values_inside() {
    use arrow::datatypes::DataType;
    let outside = |check: &str, data_type: DataType| {
        let check = &checks(&[check])[0];
        let crate::define::project::CheckKind::Range { low, high, .. } = &check.kind else { unreachable!() };
        bounds::outside("c", low.as_ref(), high.as_ref(), &data_type).map_err(|(_, fault)| fault)
    };
    let decimal = DataType::Decimal128(18, 2);
    let amount = outside("range: { column: c, min: 0.125, below: 10 }", decimal.clone()).unwrap();
    assert_eq!(amount, "c < arrow_cast('0.13', 'Decimal128(38, 2)') OR c > arrow_cast('9.99', 'Decimal128(38, 2)')");
    let below_zero = outside("range: { column: c, above: -0.005 }", decimal.clone()).unwrap();
    assert_eq!(below_zero, "c < arrow_cast('0.00', 'Decimal128(38, 2)')");
    assert_eq!(
        outside("range: { column: c, max: -0.5 }", DataType::Int64).unwrap(),
        "c > arrow_cast('-1', 'Decimal128(38, 0)')"
    );
    let nothing = "no value lies between the bounds";
    assert_eq!(outside("range: { column: c, above: 1, below: 2 }", DataType::Int32).unwrap_err(), nothing);
    assert_eq!(outside("range: { column: c, above: 1.01, max: 1.01 }", decimal).unwrap_err(), nothing);
    let fault = outside("range: { column: c, min: soon }", DataType::Date32).unwrap_err();
    assert_eq!(fault, "`soon` is not a date such as 2026-06-30, as the column is");
    assert!(outside("range: { column: c, min: 1 }", DataType::Boolean).unwrap_err().contains("has no range"));
}

#[test]
fn a_history_that_never_varied_has_a_hundredth_of_its_mean_as_deviation() {
    let close = |one: f64, other: f64| (one - other).abs() < 1e-9;
    let varied = measure::standing(16.0, &[10.0, 12.0, 14.0]);
    assert!(close(varied.mean, 12.0) && close(varied.deviation, 2.0) && close(varied.z, 2.0));
    let equal = measure::standing(103.0, &[100.0; 5]);
    assert!(close(equal.deviation, 1.0) && close(equal.z, 3.0));
    assert!(close(measure::standing(0.1, &[0.1; 3]).z, 0.0));
    assert!(measure::standing(1.0, &[0.0; 3]).z.is_infinite());
    assert!(close(measure::standing(0.0, &[0.0; 3]).z, 0.0));
}
