//! The definition of a model: the same for whatever computes the same, another for whatever might not.

use super::{incremental::planned, world::World};
use crate::engine::{Engine, Settings};

fn engine(threads: usize) -> Engine {
    Engine::new(Settings { threads, memory_limit_bytes: 256 << 20, spill_folder: None }).unwrap()
}

async fn definition(sql: &str) -> String {
    let world = World::new(1);
    planned(sql, world.catalog(), &engine(2)).await.definition
}

/// A query that most of these tests vary.
const QUERY: &str = "SELECT sale.id, sale.month, dealer.region, sale.amount FROM staged.sale \
                     JOIN core.dealer ON dealer.dealer = sale.dealer WHERE sale.amount > 3 AND dealer.grade = 1";

#[tokio::test]
async fn how_a_query_is_written_does_not_count() {
    let same = [
        "-- which sales?\nselect  sale.id,\n sale.month, dealer.region, sale.amount from staged.sale\n \
         /* who? */ join core.dealer on dealer.dealer = sale.dealer where sale.amount > 3 and dealer.grade = 1",
        "SELECT s.id, s.month, d.region, s.amount FROM staged.sale AS s JOIN core.dealer AS d ON d.dealer = s.dealer \
         WHERE s.amount > 3 AND d.grade = 1",
        "SELECT s.id, s.month, d.region, s.amount FROM staged.sale AS s JOIN core.dealer AS d ON d.dealer = s.dealer \
         WHERE d.grade = 1 AND s.amount > 1 + 2",
        "WITH good AS (SELECT * FROM core.dealer WHERE grade = 1), large AS (SELECT * FROM staged.sale WHERE amount > 3) \
         SELECT large.id, large.month, good.region, large.amount FROM large JOIN good ON good.dealer = large.dealer",
    ];
    let definition_of_query = definition(QUERY).await;
    for sql in same {
        assert_eq!(definition(sql).await, definition_of_query, "{sql}");
    }
}

#[tokio::test]
async fn what_a_query_computes_does_count() {
    let others = [
        QUERY.to_owned(),
        QUERY.replace("> 3", "> 4"),
        QUERY.replace("> 3", ">= 3"),
        QUERY.replace(" AND dealer.grade = 1", ""),
        QUERY.replace(" AND dealer.grade = 1", "").replace("JOIN core", "LEFT JOIN core"),
        QUERY.replace("sale.amount FROM", "sale.amount + 1 AS amount FROM"),
        QUERY.replace("sale.amount FROM", "CAST(sale.amount AS INT) AS amount FROM"),
        QUERY.replace("sale.amount FROM", "sale.grade AS amount FROM"),
        QUERY.replace("sale.amount FROM", "sale.amount AS money FROM"),
        QUERY.replace("staged.sale", "staged.refund").replace("sale.", "refund."),
        QUERY.replace("dealer.region", "upper(dealer.region) AS region"),
        QUERY.replace("dealer.region", "lower(dealer.region) AS region"),
        QUERY.replace("dealer.grade = 1", "dealer.grade IN (1, 2)"),
        QUERY.replace("dealer.grade = 1", "dealer.region LIKE 'a%'"),
        QUERY.replace("dealer.grade = 1", "dealer.region ILIKE 'a%'"),
        QUERY.replace("dealer.grade = 1", "dealer.region NOT LIKE 'a%'"),
        format!("{QUERY} LIMIT 3"),
        format!("{QUERY} LIMIT 4"),
        format!("SELECT DISTINCT * FROM ({QUERY})"),
        format!("/* ---\nkey: [id]\n--- */\n{QUERY}"),
        format!("/* ---\npartition_by: [month]\n--- */\n{QUERY}"),
        format!("/* ---\npartition_by: [month]\nrebuild: {{ ignore_changes: [core.dealer] }}\n--- */\n{QUERY}"),
        "SELECT rank() OVER (PARTITION BY month ORDER BY id) AS r FROM staged.sale".to_owned(),
        "SELECT rank() OVER (PARTITION BY month ORDER BY id DESC) AS r FROM staged.sale".to_owned(),
        "SELECT rank() OVER (PARTITION BY dealer ORDER BY id) AS r FROM staged.sale".to_owned(),
        "SELECT dense_rank() OVER (PARTITION BY month ORDER BY id) AS r FROM staged.sale".to_owned(),
        "SELECT sum(id) OVER (ORDER BY id ROWS 2 PRECEDING) AS r FROM staged.sale".to_owned(),
        "SELECT sum(id) OVER (ORDER BY id ROWS 3 PRECEDING) AS r FROM staged.sale".to_owned(),
        "SELECT sum(id) OVER (ORDER BY id RANGE 3 PRECEDING) AS r FROM staged.sale".to_owned(),
        "SELECT sum(amount) AS r FROM staged.sale".to_owned(),
        "SELECT sum(DISTINCT amount) AS r FROM staged.sale".to_owned(),
        "SELECT sum(amount) FILTER (WHERE id > 1) AS r FROM staged.sale".to_owned(),
        "SELECT CAST(max(amount) AS BIGINT) AS r FROM staged.sale".to_owned(),
        "SELECT sum(amount) AS r FROM staged.sale HAVING count(*) > 1".to_owned(),
        "SELECT local_date(booked, 'Asia/Shanghai') AS r FROM staged.sale".to_owned(),
        "SELECT local_date(booked, 'Europe/Berlin') AS r FROM staged.sale".to_owned(),
        "SELECT CAST(CAST(amount AS DECIMAL(18,2)) AS DECIMAL(18,1)) AS r FROM staged.sale".to_owned(),
        "SELECT CAST(CAST(amount AS DECIMAL(18,2)) AS DECIMAL(18,0)) AS r FROM staged.sale".to_owned(),
    ];
    let mut seen = std::collections::BTreeMap::new();
    for sql in others {
        if let Some(twin) = seen.insert(definition(&sql).await, sql.clone()) {
            panic!("these are taken for the same:\n{twin}\n{sql}");
        }
    }
}

/// What a plan shows of itself is cut short in places: all of these show the same.
#[tokio::test]
async fn literals_count_to_the_last_byte() {
    let values = |last: u32| {
        let rows: Vec<String> = (0..40).chain([last]).map(|value| format!("({value})")).collect();
        format!("SELECT v.column1 AS v FROM (VALUES {}) AS v", rows.join(", "))
    };
    assert_ne!(definition(&values(100)).await, definition(&values(101)).await);
    let list = |last: u32| {
        let list: Vec<String> = (0..40).chain([last]).map(|value| value.to_string()).collect();
        format!("SELECT id FROM staged.sale WHERE id IN ({})", list.join(", "))
    };
    assert_ne!(definition(&list(100)).await, definition(&list(101)).await);
    let text = |last: &str| format!("SELECT '{}{last}' AS t", "long ".repeat(200));
    assert_ne!(definition(&text("a")).await, definition(&text("b")).await);
    let array = |parts: &str| format!("SELECT array_to_string(make_array({parts}), '-') AS t");
    assert_ne!(definition(&array("'a, b'")).await, definition(&array("'a', 'b'")).await);
    let stamp = |zone: &str| format!("SELECT id FROM staged.sale WHERE booked < TIMESTAMP '2024-05-01T00:00:00{zone}'");
    assert_ne!(definition(&stamp("Z")).await, definition(&stamp("+08:00")).await);
}

#[tokio::test]
async fn a_definition_depends_neither_on_threads_nor_on_chance() {
    let world = World::new(1);
    for seed in 0..40 {
        let sql = super::models::model(&mut World::new(seed).random);
        let one = planned(&sql, world.catalog(), &engine(1)).await.definition;
        for threads in [1, 8, 8, 8] {
            assert_eq!(planned(&sql, world.catalog(), &engine(threads)).await.definition, one, "{sql}");
        }
    }
}
