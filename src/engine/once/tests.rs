//! Tests: the rows are those of the plan as it was, repeated parts are run once, others are left alone.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use arrow::{
    array::{Int64Array, RecordBatch, StringArray},
    datatypes::{DataType, Field, Schema},
    util::pretty::pretty_format_batches,
};
use datafusion::{
    catalog::MemTable, common::tree_node::TreeNodeRecursion, logical_expr::LogicalPlan, physical_plan::displayable,
    prelude::SessionContext,
};
use proptest::prelude::*;

use super::{foresee, run};
use crate::{
    engine::{Engine, Settings},
    record::TableName,
};

/// Sales of five shops; every seventh shop is NULL.
fn session(rows: i64, memory_limit_bytes: usize) -> SessionContext {
    let schema =
        Schema::new(vec![Field::new("shop", DataType::Utf8, true), Field::new("units", DataType::Int64, true)]);
    let shop = |row: i64| (row % 7 != 0).then(|| format!("shop '{}'", row % 5));
    let shops: StringArray = (0..rows).map(shop).collect();
    let units: Int64Array = (0..rows).map(|row| (row % 11 != 0).then_some(row)).collect();
    let batch = RecordBatch::try_new(Arc::new(schema), vec![Arc::new(shops), Arc::new(units)]).unwrap();
    let table = MemTable::try_new(batch.schema(), vec![vec![batch]]).unwrap();
    let engine = Engine::new(Settings { threads: 2, memory_limit_bytes, spill_folder: None }).unwrap();
    engine.session([(TableName::new("core", "sale"), Arc::new(table) as _)]).unwrap()
}

async fn plan(session: &SessionContext, sql: &str) -> LogicalPlan {
    session.state().create_logical_plan(sql).await.unwrap()
}

/// Returns rows as text, in order of their text.
async fn rows(session: &SessionContext, plan: LogicalPlan) -> Vec<String> {
    let batches = session.execute_logical_plan(plan).await.unwrap().collect().await.unwrap();
    let text = pretty_format_batches(&batches).unwrap().to_string();
    let mut lines: Vec<String> = text.lines().filter(|line| line.starts_with('|')).map(str::to_owned).collect();
    lines.sort();
    lines
}

/// Returns how often a plan scans a table.
fn scans(plan: &LogicalPlan, table: &str) -> usize {
    let mut count = 0;
    plan.apply_with_subqueries(|node| {
        count += usize::from(matches!(node, LogicalPlan::TableScan(scan) if scan.table_name.table() == table));
        Ok(TreeNodeRecursion::Continue)
    })
    .unwrap();
    count
}

/// Returns the names of the parts of a query, once it was shown that it gives its rows with them.
async fn parts(session: &SessionContext, sql: &str) -> Vec<String> {
    let plan = plan(session, sql).await;
    let expected = rows(session, plan.clone()).await;
    let once = run(plan, session).await.unwrap();
    assert_eq!(rows(session, once.plan).await, expected, "{sql}");
    once.parts.into_iter().map(|part| part.name).collect()
}

const TWICE: &str = "WITH shop AS (SELECT shop, sum(units) AS units FROM core.sale GROUP BY shop) \
                     SELECT shop.shop, shop.units, (SELECT max(units) FROM shop) AS most \
                     FROM shop JOIN shop AS other ON other.units > shop.units";

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_is_named_more_than_once_is_a_table() {
    let session = session(1_000, 1 << 30);
    let once = run(plan(&session, TWICE).await, &session).await.unwrap();
    assert_eq!((scans(&once.plan, "sale"), scans(&once.plan, "shop")), (0, 3));
    assert_eq!(parts(&session, TWICE).await, ["shop"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_within_a_part_is_run_once_for_all_of_its_places() {
    let session = session(1_000, 1 << 30);
    let sql = "WITH shop AS (SELECT shop, sum(units) AS units FROM core.sale GROUP BY shop), \
               ranked AS (SELECT shop, row_number() OVER (ORDER BY units, shop) AS place FROM shop), \
               both_ways AS (SELECT a.shop FROM ranked AS a JOIN ranked AS b ON a.place = b.place + 1) \
               SELECT shop FROM both_ways UNION ALL SELECT shop FROM ranked UNION ALL SELECT shop FROM shop";
    assert_eq!(parts(&session, sql).await, ["shop", "ranked"]);
    // What is within a part that repeats does not repeat by that.
    let sql = "WITH shop AS (SELECT shop, sum(units) AS units FROM core.sale GROUP BY shop), \
               ranked AS (SELECT shop, row_number() OVER (ORDER BY units, shop) AS place FROM shop) \
               SELECT a.shop FROM ranked AS a JOIN ranked AS b ON a.place = b.place + 1";
    assert_eq!(parts(&session, sql).await, ["ranked"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_cheap_volatile_or_named_once_is_left_alone() {
    let session = session(100, 1 << 30);
    for sql in [
        "WITH few AS (SELECT shop, units FROM core.sale WHERE units > 3) SELECT a.shop FROM few AS a JOIN few AS b ON a.units = b.units",
        "WITH shop AS (SELECT shop, sum(units) AS units FROM core.sale GROUP BY shop) SELECT * FROM shop",
        "SELECT a.n FROM (SELECT count(*) AS n FROM core.sale) AS a CROSS JOIN (SELECT count(units) AS n FROM core.sale) AS b",
    ] {
        assert_eq!(parts(&session, sql).await, [""; 0], "{sql}");
    }
    let chance = "WITH shop AS (SELECT shop, max(random()) AS luck FROM core.sale GROUP BY shop) \
                  SELECT a.shop FROM shop AS a JOIN shop AS b ON a.luck = b.luck";
    assert!(run(plan(&session, chance).await, &session).await.unwrap().parts.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_do_not_fit_lie_in_files_and_are_the_same() {
    let sql = "WITH numbered AS (SELECT shop, units, row_number() OVER (PARTITION BY shop ORDER BY units, shop) AS place FROM core.sale) \
               SELECT count(*), sum(a.units), count(b.shop) FROM numbered AS a LEFT JOIN numbered AS b ON a.place = b.place + 1 AND a.shop = b.shop";
    let (roomy, narrow) = (session(120_000, 1 << 30), session(120_000, 20 << 20));
    let expected = rows(&roomy, plan(&roomy, sql).await).await;
    let once = run(plan(&narrow, sql).await, &narrow).await.unwrap();
    let physical = narrow.state().create_physical_plan(&once.plan).await.unwrap();
    let shown = displayable(physical.as_ref()).indent(false).to_string();
    assert!(shown.contains("file_type=parquet"), "{shown}");
    assert_eq!(rows(&narrow, once.plan).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreseen_part_is_planned_and_not_run() {
    let session = session(1_000, 1 << 30);
    let once = foresee(plan(&session, TWICE).await, &session).await.unwrap();
    let part = displayable(once.parts[0].plan.as_ref()).indent(false).to_string();
    assert!(part.contains("AggregateExec"), "{part}");
    assert_eq!(rows(&session, once.plan).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_within_a_part_is_the_querys() {
    let session = session(10, 1 << 30);
    let sql = "WITH shop AS (SELECT shop, sum(units / (units - units)) AS units FROM core.sale GROUP BY shop) \
               SELECT a.shop FROM shop AS a JOIN shop AS b ON a.units = b.units";
    let error = run(plan(&session, sql).await, &session).await.unwrap_err().to_string();
    assert!(error.contains("Divide by zero"), "{error}");
}

/// One CTE over those before it; the pattern of the names decides what repeats.
fn query(shapes: &[(u8, usize, usize)]) -> String {
    let mut ctes = vec!["part_0 AS (SELECT shop, sum(units) AS units FROM core.sale GROUP BY shop)".to_owned()];
    for (index, (shape, left, right)) in shapes.iter().enumerate() {
        let (left, right) = (format!("part_{}", left % (index + 1)), format!("part_{}", right % (index + 1)));
        let body = match shape % 5 {
            0 => format!("SELECT shop, units + 1 AS units FROM {left} WHERE units > 10"),
            1 => format!(
                "SELECT a.shop, a.units - b.units AS units FROM {left} AS a LEFT JOIN {right} AS b ON a.shop = b.shop"
            ),
            2 => format!("SELECT shop, row_number() OVER (ORDER BY units, shop) AS units FROM {left}"),
            3 => format!("SELECT shop, units FROM {left} UNION ALL SELECT shop, units FROM {right}"),
            _ => format!("SELECT DISTINCT shop, units FROM {left} WHERE shop IN (SELECT shop FROM {right})"),
        };
        ctes.push(format!("part_{} AS ({body})", index + 1));
    }
    let all: Vec<String> =
        (0..ctes.len()).map(|index| format!("SELECT {index} AS part, shop, units FROM part_{index}")).collect();
    format!("WITH {} {}", ctes.join(", "), all.join(" UNION ALL "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_query_gives_the_rows_that_it_gives_without_tables(
        shapes in prop::collection::vec((any::<u8>(), any::<usize>(), any::<usize>()), 1..5),
    ) {
        let sql = query(&shapes);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        let kept = runtime.block_on(async { parts(&session(40, 1 << 30), &sql).await });
        prop_assert!(kept.contains(&"part_0".to_owned()), "{}", sql);
    }
}
