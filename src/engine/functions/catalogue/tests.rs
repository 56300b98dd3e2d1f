//! Every function is described, every example gives the answer that it names, and the page has both.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::{collections::BTreeSet, fs, path::Path};

use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::*;
use crate::engine::{Engine, Settings};

fn engine(threads: usize) -> Engine {
    Engine::new(Settings { threads, memory_limit_bytes: 1 << 28, spill_folder: None }).unwrap()
}

/// Returns the only value of a query's answer.
async fn answer(sql: &str, threads: usize) -> String {
    let session = engine(threads).session([]).unwrap();
    let batches = session.sql(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}")).collect().await.unwrap();
    let rows: Vec<_> = batches.iter().filter(|batch| batch.num_rows() > 0).collect();
    assert_eq!((rows.len(), rows[0].num_rows(), rows[0].num_columns()), (1, 1, 1), "{sql}");
    ArrayFormatter::try_new(rows[0].column(0), &FormatOptions::default()).unwrap().value(0).to_string()
}

#[tokio::test]
async fn every_example_gives_its_answer() {
    for description in descriptions() {
        assert!(!description.examples.is_empty(), "{}", description.name);
        for example in description.examples {
            assert_eq!(answer(example.sql, 2).await, example.answer, "{}", example.sql);
            assert!(example.sql.contains(&format!("{}(", description.name)), "{}", example.sql);
        }
    }
}

#[test]
fn every_function_is_described_and_none_is_shadowed() {
    let stock = SessionStateBuilder::new().with_default_features().build();
    let session = engine(1).session([]).unwrap();
    let state = session.state();
    let names = |state: &datafusion::execution::SessionState| -> BTreeSet<String> {
        let functions = state.scalar_functions().keys().chain(state.aggregate_functions().keys());
        functions.chain(state.window_functions().keys()).cloned().collect()
    };
    let added: BTreeSet<String> = names(&state).difference(&names(&stock)).cloned().collect();
    let described: BTreeSet<String> = own().into_iter().map(|listed| listed.name).collect();
    assert_eq!(added, described);
}

#[test]
fn the_page_has_what_is_said_of_each() {
    const BEGIN: &str = "<!-- made of the descriptions in src/engine/functions: TALLYHOUSE_BLESS=1 writes it -->\n\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/functions.md");
    let stored = fs::read_to_string(&path).unwrap();
    let head = stored.split(BEGIN).next().unwrap();
    let current = format!("{head}{BEGIN}{}\n", page().trim_end());
    if std::env::var_os("TALLYHOUSE_BLESS").is_some() {
        fs::write(&path, &current).unwrap();
    }
    let stored = fs::read_to_string(&path).unwrap();
    assert!(stored == current, "{} is not current; run the tests with TALLYHOUSE_BLESS=1", path.display());
}

#[test]
fn the_engines_own_functions_are_listed_by_kind_and_once() {
    let listed = built_in();
    let names: Vec<_> = listed.iter().map(|listed| (listed.kind, listed.name.clone())).collect();
    let mut distinct = names.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(names, distinct);
    let coalesce = listed.iter().find(|listed| listed.name == "coalesce").unwrap();
    assert!(coalesce.signature.starts_with("coalesce(") && !coalesce.description.is_empty());
}

/// The same rows in two orders, on one thread and on several.
#[tokio::test]
async fn exact_aggregates_depend_neither_on_the_order_of_rows_nor_on_threads() {
    let rows = "SELECT CAST(value AS DOUBLE) * 0.1 AS x, sin(CAST(value AS DOUBLE)) * 1e10 AS y, value FROM generate_series(1, 20000)";
    for call in [
        "exact_sum(y)",
        "exact_avg(y)",
        "exact_stddev(y)",
        "exact_corr(y, x)",
        "linear_slope(y, x)",
        "exact_quantile(y, 0.37)",
    ] {
        let query = |order: &str| format!("SELECT {call} FROM (SELECT * FROM ({rows}) ORDER BY {order} LIMIT 30000)");
        let expected = answer(&query("value"), 1).await;
        for order in ["value DESC", "y", "value % 7, x"] {
            assert_eq!(answer(&query(order), 1).await, expected, "{call} by {order}");
        }
        assert_eq!(answer(&format!("SELECT {call} FROM ({rows})"), 4).await, expected, "{call}");
    }
}

#[tokio::test]
async fn a_moving_window_forgets_exactly() {
    let sql = "SELECT string_agg(CAST(total AS VARCHAR), ' ' ORDER BY i) FROM (SELECT i, exact_sum(x) OVER (ORDER BY i ROWS 1 PRECEDING) AS total FROM (VALUES (1, 1e300), (2, 0.1), (3, 0.2)) AS t(i, x))";
    assert_eq!(answer(sql, 1).await, "1e300 1e300 0.30000000000000004");
}
