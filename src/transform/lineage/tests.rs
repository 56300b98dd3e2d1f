//! What goes into a column, written down for every kind of node and of use.

use std::{collections::BTreeMap, sync::Arc};

use arrow::datatypes::{DataType, Field, Schema};
use chrono::NaiveDate;

use super::{ColumnLineage, Direction, Element, Lineage, Links, TableLineage, Use, Uses, flow::Sources, walk::Walk};
use crate::{
    engine::{Catalog, CatalogTable, Engine, Parameters, Settings, Statement, catalog},
    record::TableName,
};

fn name(table: &str) -> TableName {
    TableName::try_from(table.to_owned()).unwrap()
}

/// `s.a` and `s.b` of the columns `id`, `k`, `v`, `w` and one with a strange name.
fn tables() -> Catalog {
    let field = |name: &str, data_type: DataType| Field::new(name, data_type, true);
    let fields = vec![
        field("id", DataType::Int64),
        field("k", DataType::Utf8),
        field("v", DataType::Int64),
        field("w", DataType::Int64),
        field("金 \"额\"", DataType::Int64),
    ];
    let table = CatalogTable::empty(&Arc::new(Schema::new(fields)), Vec::new(), None);
    [name("s.a"), name("s.b")].into_iter().map(|name| (name, table.clone())).collect()
}

/// Returns a line for each column of a query, and one for its rows: `v: a.v copy; b.k group, order`.
async fn lines_of(sql: &str) -> Vec<String> {
    let settings = Settings { threads: 1, memory_limit_bytes: 64 << 20, spill_folder: None };
    let engine = Engine::new(settings).unwrap();
    let session = engine.session(catalog::providers(&tables()).unwrap()).unwrap();
    let parameters = Parameters {
        run_date: NaiveDate::from_ymd_opt(2026, 6, 30).unwrap(),
        timezone: chrono_tz::Asia::Shanghai,
        variables: BTreeMap::new(),
    };
    let plan = Statement::parse(sql, &parameters).unwrap().plan(&session).await.unwrap();
    let mut walk = Walk::default();
    let flow = walk.plan(&plan).unwrap();
    assert_eq!(flow.columns.len(), plan.schema().fields().len(), "{sql}");
    let shown = |sources: &Sources| {
        let mut parts: Vec<String> = sources
            .iter()
            .map(|(number, uses)| {
                let (table, column) = &walk.met[number];
                format!("{}.{column} {uses}", table.table)
            })
            .collect();
        parts.sort();
        parts.join("; ")
    };
    let fields = plan.schema().fields().iter();
    let mut lines: Vec<String> =
        fields.zip(&flow.columns).map(|(field, sources)| format!("{}: {}", field.name(), shown(sources))).collect();
    lines.push(format!("rows: {}", shown(&flow.rows)));
    lines.into_iter().map(|line| line.trim_end().to_owned()).collect()
}

/// Queries, and what is said of their columns and rows.
const CASES: &[(&str, &[&str])] = &[
    // Projections and expressions.
    ("SELECT id, v AS x FROM s.a", &["id: a.id copy", "x: a.v copy", "rows:"]),
    (
        "SELECT v + w AS x, CAST(v AS VARCHAR) AS y, 1 AS z FROM s.a",
        &["x: a.v computed; a.w computed", "y: a.v computed", "z:", "rows:"],
    ),
    ("SELECT CASE WHEN k = 'x' THEN v ELSE 0 END AS x FROM s.a", &["x: a.k computed; a.v computed", "rows:"]),
    (
        "SELECT * FROM s.a",
        &["id: a.id copy", "k: a.k copy", "v: a.v copy", "w: a.w copy", "金 \"额\": a.金 \"额\" copy", "rows:"],
    ),
    ("SELECT x FROM (SELECT v * 2 AS x, w FROM s.a) AS q WHERE w > 1", &["x: a.v computed", "rows: a.w filter"]),
    (
        "WITH q AS (SELECT id, v FROM s.a WHERE k = 'x') SELECT v FROM q WHERE id > 3",
        &["v: a.v copy", "rows: a.id filter; a.k filter"],
    ),
    // Aggregates.
    (
        "SELECT k, sum(v) AS x, count(*) AS n FROM s.a GROUP BY k",
        &["k: a.k copy", "x: a.v computed", "n:", "rows: a.k group"],
    ),
    ("SELECT max(v) FILTER (WHERE w > 1) AS x FROM s.a", &["x: a.v computed; a.w filter", "rows:"]),
    ("SELECT array_agg(v ORDER BY w) AS x FROM s.a", &["x: a.v computed; a.w order", "rows:"]),
    (
        "SELECT k, count(DISTINCT v) AS x FROM s.a GROUP BY k HAVING sum(w) > 1",
        &["k: a.k copy", "x: a.v computed", "rows: a.k group; a.w filter"],
    ),
    (
        "SELECT k, id, sum(v) AS x FROM s.a GROUP BY ROLLUP (k, id)",
        &["k: a.k copy", "id: a.id copy", "x: a.v computed", "rows: a.id group; a.k group"],
    ),
    ("SELECT DISTINCT k FROM s.a", &["k: a.k copy", "rows: a.k group"]),
    (
        "SELECT DISTINCT ON (k) k, v FROM s.a ORDER BY k, w",
        &["k: a.k copy", "v: a.v copy", "rows: a.k group, order; a.w order"],
    ),
    // Windows.
    (
        "SELECT id, sum(v) OVER (PARTITION BY k ORDER BY w) AS x, row_number() OVER (ORDER BY w) AS n FROM s.a",
        &["id: a.id copy", "x: a.k group; a.v computed; a.w order", "n: a.w order", "rows:"],
    ),
    (
        "SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY k ORDER BY w DESC) AS n FROM s.a) AS q WHERE n = 1",
        &["id: a.id copy", "rows: a.k group; a.w order"],
    ),
    // Order matters only below a limit.
    ("SELECT id FROM s.a ORDER BY v", &["id: a.id copy", "rows:"]),
    ("SELECT id FROM s.a ORDER BY v LIMIT 3", &["id: a.id copy", "rows: a.v order"]),
    // Joins.
    (
        "SELECT a.v, b.w FROM s.a JOIN s.b ON a.id = b.id AND a.k < b.k",
        &["v: a.v copy", "w: b.w copy", "rows: a.id join; a.k join; b.id join; b.k join"],
    ),
    ("SELECT a.v FROM s.a LEFT JOIN s.b USING (id)", &["v: a.v copy", "rows: a.id join; b.id join"]),
    ("SELECT x.v AS l, y.v AS r FROM s.a AS x CROSS JOIN s.a AS y", &["l: a.v copy", "r: a.v copy", "rows:"]),
    (
        "SELECT id FROM s.a FULL JOIN (SELECT w FROM s.b WHERE v > 0) AS q ON q.w = a.w",
        &["id: a.id copy", "rows: a.w join; b.v filter; b.w join"],
    ),
    // Sets.
    (
        "SELECT id, v FROM s.a UNION ALL SELECT id, w + 1 FROM s.b WHERE k = 'x'",
        &["id: a.id copy; b.id copy", "v: a.v copy; b.w computed", "rows: b.k filter"],
    ),
    ("SELECT id FROM s.a UNION SELECT v FROM s.b", &["id: a.id copy; b.v copy", "rows: a.id group; b.v group"]),
    ("SELECT id FROM s.a EXCEPT SELECT v FROM s.b", &["id: a.id copy", "rows: a.id join, group; b.v join"]),
    ("SELECT id FROM s.a INTERSECT SELECT v FROM s.b", &["id: a.id copy", "rows: a.id join, group; b.v join"]),
    ("SELECT x + 1 AS x FROM (VALUES (1), (2)) AS q(x)", &["x:", "rows:"]),
    // Subqueries.
    (
        "SELECT id FROM s.a WHERE v IN (SELECT w FROM s.b WHERE k = 'x')",
        &["id: a.id copy", "rows: a.v filter; b.k filter; b.w filter"],
    ),
    (
        "SELECT id FROM s.a WHERE NOT EXISTS (SELECT 1 FROM s.b WHERE b.id = a.v AND b.w > 0)",
        &["id: a.id copy", "rows: a.v filter; b.id filter; b.w filter"],
    ),
    (
        "SELECT id, (SELECT max(v) FROM s.b WHERE b.k = a.k) AS x FROM s.a",
        &["id: a.id copy", "x: a.k filter; b.k filter; b.v computed", "rows:"],
    ),
    ("SELECT id FROM s.a WHERE v > (SELECT avg(w) FROM s.b)", &["id: a.id copy", "rows: a.v filter; b.w filter"]),
    ("SELECT id, v IN (SELECT w FROM s.b) AS x FROM s.a", &["id: a.id copy", "x: a.v computed; b.w computed", "rows:"]),
    (
        "SELECT a.id, q.x FROM s.a CROSS JOIN LATERAL (SELECT max(b.v) AS x FROM s.b WHERE b.k = a.k) AS q",
        &["id: a.id copy", "x: b.v computed", "rows: a.k filter; b.k filter"],
    ),
    // Lists.
    (
        "SELECT id, unnest(make_array(v, w)) AS x FROM s.a",
        &["id: a.id copy", "x: a.v computed; a.w computed", "rows: a.v filter; a.w filter"],
    ),
    // Recursion, to the end of what flows round.
    (
        "WITH RECURSIVE q AS (SELECT id, v, w FROM s.a WHERE k = 'x' \
             UNION ALL SELECT b.id, q.w, b.v FROM s.b AS b JOIN q ON q.id = b.w) SELECT id, v FROM q",
        &[
            "id: a.id copy; b.id copy",
            "v: a.v copy; a.w copy; b.v copy",
            "rows: a.id join; a.k filter; b.id join; b.w join",
        ],
    ),
    // Names.
    ("SELECT \"金 \"\"额\"\"\" AS \"é.x\" FROM s.a", &["é.x: a.金 \"额\" copy", "rows:"]),
];

#[tokio::test]
async fn every_node_of_a_plan_says_what_it_uses_for_what() {
    for (sql, expected) in CASES {
        assert_eq!(lines_of(sql).await, *expected, "{sql}");
    }
}

#[test]
fn a_use_after_a_use_is_what_came_first_of_the_two_or_the_weaker_value() {
    let computed = Uses::from(Use::Computed);
    let filter = Uses::from(Use::Filter);
    assert_eq!(Uses::COPY.after(Uses::COPY), Uses::COPY);
    assert_eq!(Uses::COPY.after(computed), computed);
    assert_eq!(computed.after(Uses::COPY), computed);
    assert_eq!(filter.after(computed), filter);
    assert_eq!(computed.after(filter), filter);
    assert_eq!(Uses::from(Use::Join).after(filter), filter);
    assert_eq!(filter.after(Uses::COPY.and(Use::Group.into())), filter.and(Use::Group.into()));
}

fn links(from: &[(&str, &str, Use)]) -> Links {
    let link = |(table, column, one): &(&str, &str, Use)| {
        let table = name(table);
        let element = if *column == "*" { Element::rows(&table) } else { Element::column(&table, column) };
        (element, Uses::from(*one))
    };
    from.iter().map(link).collect()
}

/// ```text
///  s.raw.phone ─copy─► c.base.phone ─computed─► m.out.text
///  s.raw.kind ─filter─► rows of c.base
///  c.base.id ─join─► rows of m.out
/// ```
fn chain() -> Lineage {
    let column = |name: &str, from: &[(&str, &str, Use)]| ColumnLineage {
        name: name.to_owned(),
        from: links(from),
        headers: Vec::new(),
    };
    let raw = TableLineage {
        columns: vec![column("phone", &[]), column("kind", &[]), column("id", &[])],
        ..TableLineage::default()
    };
    let base = TableLineage {
        is_view: false,
        reads: vec![name("s.raw")],
        columns: vec![column("phone", &[("s.raw", "phone", Use::Copy)]), column("id", &[("s.raw", "id", Use::Copy)])],
        rows: links(&[("s.raw", "kind", Use::Filter), ("s.raw", "*", Use::Filter)]),
    };
    let out = TableLineage {
        is_view: false,
        reads: vec![name("c.base")],
        columns: vec![column("text", &[("c.base", "phone", Use::Computed)]), column("n", &[])],
        rows: links(&[("c.base", "id", Use::Join), ("c.base", "*", Use::Filter)]),
    };
    Lineage::new([(name("s.raw"), raw), (name("c.base"), base), (name("m.out"), out)].into())
}

#[test]
fn values_flow_through_models_and_what_decides_over_rows_is_told_apart() {
    let lineage = chain();
    let column = |table: &str, column: &str| Element::column(&name(table), column);
    let shown = |elements: std::collections::BTreeSet<Element>| -> Vec<String> {
        elements.iter().map(ToString::to_string).collect()
    };
    assert_eq!(shown(lineage.flows_into(&column("m.out", "text"))), ["c.base.phone", "s.raw.phone"]);
    assert_eq!(shown(lineage.flows_into(&column("m.out", "n"))), [""; 0]);
    let reach = |of: Element, direction, steps| -> Vec<String> {
        let links = lineage.reach(&[of].into(), direction, steps);
        links.iter().map(|(element, uses)| format!("{element} {uses}")).collect()
    };
    assert_eq!(
        reach(column("m.out", "n"), Direction::Upstream, usize::MAX),
        [
            "rows of c.base filter",
            "c.base.id join",
            "rows of m.out filter",
            "rows of s.raw filter",
            "s.raw.id join",
            "s.raw.kind filter",
        ]
    );
    assert_eq!(
        reach(column("s.raw", "kind"), Direction::Downstream, 2),
        ["rows of c.base filter", "c.base.id filter", "c.base.phone filter", "rows of m.out filter"]
    );
    assert_eq!(
        reach(column("s.raw", "id"), Direction::Downstream, usize::MAX),
        ["c.base.id copy", "rows of m.out join", "m.out.n join", "m.out.text join"]
    );
    assert_eq!(
        reach(column("s.raw", "phone"), Direction::Downstream, usize::MAX),
        ["c.base.phone copy", "m.out.text computed"]
    );
}
