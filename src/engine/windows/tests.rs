//! Tests: over random rows, windows give what the engine's own nodes give.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use arrow::{
    array::{Date32Array, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray},
    util::pretty::pretty_format_batches,
};
use datafusion::{
    catalog::MemTable,
    execution::{SessionStateBuilder, runtime_env::RuntimeEnvBuilder},
    physical_optimizer::optimizer::PhysicalOptimizer,
    physical_plan::{ExecutionPlan, collect},
    prelude::{SessionConfig, SessionContext, col},
};
use proptest::prelude::*;

use super::{ManyAtOnce, PartitionWindows};

/// Group, day, whole number, cents and text of a row.
type Row = (Option<u8>, Option<i32>, Option<i64>, Option<i128>, Option<u8>);

/// Windows that are computed here, each alone and all of them beside each other.
const WINDOWS: &[&str] = &[
    "row_number() OVER (PARTITION BY shop ORDER BY day, number, cents, text)",
    "rank() OVER (PARTITION BY shop ORDER BY day)",
    "dense_rank() OVER (PARTITION BY shop ORDER BY day DESC NULLS LAST)",
    "lag(text) OVER (PARTITION BY shop ORDER BY day, number, cents, text)",
    "lead(number) OVER (PARTITION BY shop ORDER BY day DESC, number, cents, text)",
    "lead(day, 2) OVER (PARTITION BY shop ORDER BY day, number, cents, text)",
    "lag(cents, -1) OVER (PARTITION BY shop ORDER BY day, number, cents, text)",
    "count(*) OVER (PARTITION BY shop)",
    "count(number) OVER (PARTITION BY shop ORDER BY day)",
    "sum(number) OVER (PARTITION BY shop, text)",
    "sum(number) OVER (PARTITION BY shop ORDER BY day, number, cents, text ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)",
    "sum(cents) OVER (PARTITION BY shop ORDER BY day DESC)",
    "sum(cents) OVER (PARTITION BY shop ORDER BY day RANGE BETWEEN INTERVAL '11 months' PRECEDING AND CURRENT ROW)",
    "sum(number) OVER (PARTITION BY shop ORDER BY day NULLS FIRST RANGE BETWEEN INTERVAL '40 days' PRECEDING AND CURRENT ROW)",
    "count(text) OVER (PARTITION BY shop ORDER BY day RANGE BETWEEN INTERVAL '1 month' PRECEDING AND CURRENT ROW)",
    "min(day) OVER (PARTITION BY shop)",
    "max(cents) OVER (PARTITION BY shop ORDER BY number)",
];

/// Windows that are left to the engine.
const OTHERS: &[&str] = &[
    "sum(number) FILTER (WHERE day IS NOT NULL) OVER (PARTITION BY shop)",
    "sum(weight) OVER (PARTITION BY shop)",
    "lag(number, 1, 7) OVER (PARTITION BY shop ORDER BY day, number, cents, text)",
    "lag(number) IGNORE NULLS OVER (PARTITION BY shop ORDER BY day, number, cents, text)",
    "lag(number, 0) OVER (PARTITION BY shop ORDER BY day, number, cents, text)",
    "min(text) OVER (PARTITION BY shop)",
    "sum(number) OVER ()",
    "max(day) OVER (PARTITION BY shop ORDER BY day RANGE BETWEEN INTERVAL '1 month' PRECEDING AND CURRENT ROW)",
    "sum(number) OVER (PARTITION BY shop ORDER BY day DESC RANGE BETWEEN INTERVAL '1 month' PRECEDING AND CURRENT ROW)",
    "sum(number) OVER (PARTITION BY shop ORDER BY day RANGE BETWEEN INTERVAL '1 month' PRECEDING AND INTERVAL '1 month' FOLLOWING)",
    "ntile(3) OVER (PARTITION BY shop ORDER BY day, number, cents, text)",
];

fn batch(rows: &[Row]) -> RecordBatch {
    let cents: Decimal128Array = rows.iter().map(|row| row.3).collect();
    let text = |row: &Row| row.4.map(|text| format!("t{text}"));
    RecordBatch::try_from_iter_with_nullable([
        ("shop", Arc::new(rows.iter().map(|row| row.0.map(i64::from)).collect::<Int64Array>()) as _, true),
        ("day", Arc::new(rows.iter().map(|row| row.1).collect::<Date32Array>()) as _, true),
        ("number", Arc::new(rows.iter().map(|row| row.2).collect::<Int64Array>()) as _, true),
        ("cents", Arc::new(cents.with_precision_and_scale(12, 2).unwrap()) as _, true),
        ("text", Arc::new(rows.iter().map(text).collect::<StringArray>()) as _, true),
        ("weight", Arc::new(Float64Array::from_iter_values(rows.iter().map(|_| 0.5))) as _, true),
    ])
    .unwrap()
}

/// A session over the rows in batches of a few, with the rule of this module or without.
fn session(rows: &[Row], cut: usize, is_ours: bool) -> SessionContext {
    let mut rules = PhysicalOptimizer::default().rules;
    if is_ours {
        rules.push(Arc::new(ManyAtOnce));
    }
    let state = SessionStateBuilder::new()
        .with_default_features()
        .with_config(SessionConfig::new().with_target_partitions(2).with_batch_size(cut))
        .with_physical_optimizer_rules(rules)
        .build();
    let session = SessionContext::new_with_state(state);
    let batches: Vec<RecordBatch> = rows.chunks(cut).map(batch).collect();
    let table = MemTable::try_new(batch(&[]).schema(), vec![batches]).unwrap();
    session.register_table("sale", Arc::new(table)).unwrap();
    session
}

/// Returns the sorted lines of an answer, and `ours` for each node of this module.
async fn answer(session: &SessionContext, sql: &str) -> (Vec<String>, String) {
    let plan = session.sql(sql).await.unwrap().create_physical_plan().await.unwrap();
    let names = names(plan.as_ref());
    let rows = collect(plan, session.task_ctx()).await.unwrap();
    let mut lines: Vec<String> = pretty_format_batches(&rows).unwrap().to_string().lines().map(str::to_owned).collect();
    lines.sort();
    (lines, names)
}

fn names(plan: &dyn ExecutionPlan) -> String {
    let below: String = plan.children().into_iter().map(|child| names(child.as_ref())).collect();
    let is_ours = plan.downcast_ref::<PartitionWindows>().is_some();
    if is_ours { format!("ours {below}") } else { below }
}

fn same(rows: &[Row], cut: usize, windows: &str) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let sql = format!("SELECT *, {windows} FROM sale");
    runtime.block_on(async {
        let (expected, _) = answer(&session(rows, cut, false), &sql).await;
        let (found, names) = answer(&session(rows, cut, true), &sql).await;
        assert_eq!(found, expected, "{windows}");
        names
    })
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let day = prop_oneof![3 => 0..40, 2 => 18_000..18_800];
    let row = (
        prop::option::weighted(0.9, 0..6_u8),
        prop::option::weighted(0.9, day),
        prop::option::weighted(0.8, -5..5_i64),
        prop::option::weighted(0.8, -500..500_i128),
        prop::option::weighted(0.8, 0..4_u8),
    );
    prop::collection::vec(row, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn windows_give_what_the_engines_give(rows in rows(), cut in 1_usize..20) {
        prop_assert_eq!(same(&rows, cut, &WINDOWS.join(", ")).matches("ours").count() > 0, true);
    }
}

/// Returns the lines of an answer over rows that come sorted, from a session with so much memory.
fn answer_of_sorted(rows: &[Row], sql: &str, bytes: usize) -> Vec<String> {
    let order = ["shop", "day", "number"].map(|name| col(name).sort(true, false));
    let runtime = RuntimeEnvBuilder::new().with_memory_limit(bytes, 1.0).build_arc().unwrap();
    let mut rules = PhysicalOptimizer::default().rules;
    rules.push(Arc::new(ManyAtOnce));
    let state = SessionStateBuilder::new()
        .with_default_features()
        .with_config(SessionConfig::new().with_target_partitions(1))
        .with_physical_optimizer_rules(rules)
        .with_runtime_env(runtime)
        .build();
    let session = SessionContext::new_with_state(state);
    let batches: Vec<RecordBatch> = rows.chunks(8).map(batch).collect();
    let table = MemTable::try_new(batch(&[]).schema(), vec![batches]).unwrap().with_sort_order(vec![order.to_vec()]);
    session.register_table("sale", Arc::new(table)).unwrap();
    let (lines, names) = tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(answer(&session, sql));
    assert_eq!(names, "ours ");
    lines
}

#[test]
fn a_partition_for_which_there_is_no_memory_is_left_to_the_engine() {
    let shops =
        [3_u8, 1, 70, 2, 1, 5].iter().zip(0_u8..).flat_map(|(rows, shop)| (0..*rows).map(move |row| (shop, row)));
    let row = |(shop, row)| (Some(shop), Some(i32::from(row)), Some(i64::from(shop)), Some(7), Some(row % 3));
    let rows: Vec<Row> = shops.map(row).collect();
    for function in ["row_number()", "lag(text)", "sum(cents)", "lead(number)"] {
        let sql = format!("SELECT *, {function} OVER (PARTITION BY shop ORDER BY day, number) FROM sale");
        let expected = answer_of_sorted(&rows, &sql, 1 << 20);
        for bytes in [0, 2_000, 4_000, 8_000, 16_000] {
            assert_eq!(answer_of_sorted(&rows, &sql, bytes), expected, "{function} with {bytes} bytes");
        }
    }
}

#[test]
fn each_window_is_computed_here_or_left_to_the_engine() {
    let row = |row: u8| (Some(row % 5), Some(i32::from(row) * 9), Some(i64::from(row % 7)), Some(7), Some(row % 3));
    let rows: Vec<Row> = (0..50).map(row).collect();
    for window in WINDOWS {
        assert_eq!(same(&rows, 8, window), "ours ", "{window}");
    }
    for window in OTHERS {
        assert_eq!(same(&rows, 8, window), "", "{window}");
    }
}
