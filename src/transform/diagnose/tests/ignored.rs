//! What the engine would read over, or tell without a place: each is an error where it stands.

use super::world::{Case, World, assert_told, on_a_deep_stack};

const FIRES: &[Case] = &[
    // clauses of other dialects, without which the rows are others
    (
        "SELECT units FROM core.sale «TABLESAMPLE» BERNOULLI (1)",
        "TABLESAMPLE is not supported",
        "by a condition on their key",
    ),
    (
        "SELECT units FROM (SELECT units FROM core.sale) «TABLESAMPLE» (1 PERCENT)",
        "TABLESAMPLE is not supported",
        "leave it out",
    ),
    ("SELECT units FROM core.sale «PREWHERE» units > 1", "PREWHERE is not supported", "behind WHERE"),
    ("SELECT units FROM core.sale «CONNECT BY» PRIOR units = price", "CONNECT BY is not supported", "RECURSIVE"),
    ("SELECT units FROM core.sale «PARTITION» (p0)", "PARTITION is not supported", "as a condition behind WHERE"),
    ("SELECT units FROM core.sale «WITH» (NOLOCK)", "the hint behind `core.sale` is not supported", "leave it out"),
    (
        "SELECT region FROM core.sale GROUP BY region «WITH ROLLUP»",
        "WITH ROLLUP is not supported",
        "`GROUP BY ROLLUP (…)`",
    ),
    ("SELECT region FROM core.sale GROUP BY region «WITH CUBE»", "WITH CUBE is not supported", "`GROUP BY CUBE (…)`"),
    ("SELECT region FROM core.sale GROUP BY region «WITH TOTALS»", "WITH TOTALS is not supported", "GROUPING SETS"),
    ("SELECT units FROM core.sale ORDER BY units LIMIT 1 «FOR UPDATE»", "FOR UPDATE is not supported", "leave it out"),
    (
        "WITH a AS (SELECT units FROM core.sale «FOR SHARE») SELECT units FROM a",
        "FOR SHARE is not supported",
        "leave it out",
    ),
    (
        "SELECT substring(region FROM 1 FOR 2) AS a FROM core.sale «FOR UPDATE»",
        "FOR UPDATE is not supported",
        "leave it out",
    ),
    ("SELECT units FROM core.sale «SETTINGS» max_threads = 1", "SETTINGS is not supported", "leave it out"),
    ("SELECT units FROM core.sale «FORMAT» CSV", "FORMAT is not supported", "as Parquet"),
    ("SELECT units FROM core.sale «FOR» JSON AUTO", "FOR is not supported", "as Parquet"),
    // what belongs to an aggregate, at a function that is none
    ("SELECT upper(«DISTINCT» region) AS a FROM core.sale", "`upper` does not take DISTINCT", "leave it out"),
    ("SELECT upper(region «ORDER BY» units) AS a FROM core.sale", "`upper` does not take ORDER BY", "leave it out"),
    (
        "SELECT upper(region) «FILTER» (WHERE units > 1) AS a FROM core.sale",
        "`upper` does not take FILTER",
        "leave it out",
    ),
    ("SELECT upper(region) «IGNORE NULLS» AS a FROM core.sale", "`upper` does not take IGNORE NULLS", "leave it out"),
    ("SELECT upper(region) «OVER» (ORDER BY units) AS a FROM core.sale", "`upper` does not take OVER", "leave it out"),
    (
        "SELECT lag(«DISTINCT» region) OVER (ORDER BY units) AS a FROM core.sale",
        "`lag` does not take DISTINCT",
        "leave it out",
    ),
    (
        "SELECT «abs»(units)(price) AS a FROM core.sale",
        "`abs` takes its arguments once, in one list",
        "leave the other list out",
    ),
    // words of the engine without a place
    (
        "SELECT DISTINCT region FROM core.sale «QUALIFY» units > 1",
        "QUALIFY asks about a window function, and there is none",
        "behind WHERE",
    ),
    (
        "SELECT row_number() «FILTER (WHERE units > 1)» OVER (ORDER BY order_no) AS a FROM core.sale",
        "FILTER belongs to an aggregate",
        "behind its WHERE",
    ),
    ("SELECT units FROM core.sale ORDER BY units «WITH FILL»", "WITH FILL is not supported", "LEFT JOIN"),
    (
        "SELECT g.value FROM «generate_series('a', 5)» AS g",
        "`generate_series` does not take these",
        "generate_series(1, 12)",
    ),
    // what has no value, whatever the row
    (
        "SELECT to_date(«'2026-02-31'») AS a FROM core.sale",
        "`'2026-02-31'` is no DATE",
        "!did you mean `'2026-02-28'`?",
    ),
    (
        "SELECT to_timestamp(«'2026-13-01'») AS a FROM core.sale",
        "`'2026-13-01'` is no TIMESTAMP",
        "a timestamp is written so",
    ),
    (
        "SELECT «chr(-1)» AS a FROM core.sale",
        "`chr` fails whatever the row: invalid Unicode scalar value: -1",
        "or write `NULL`",
    ),
    (
        "SELECT «units / 0» AS a FROM core.sale",
        "the division fails whatever the row: Divide by zero error",
        "or write `NULL`",
    ),
    (
        "SELECT «units % 0» AS a FROM core.sale",
        "the division fails whatever the row: Divide by zero error",
        "or write `NULL`",
    ),
    (
        "SELECT sum(«amount / 0») AS a FROM core.sale",
        "the division fails whatever the row: Divide by zero error",
        "or write `NULL`",
    ),
    // names that lie behind another common table expression
    (
        "WITH a AS (SELECT order_no, amount AS total FROM core.sale), b AS (SELECT total FROM a) SELECT «amount» FROM b",
        "unknown column `amount`",
        "!did you mean `total`, which is made of `amount`?",
    ),
    (
        "WITH a AS (SELECT region, sum(amount) AS total FROM core.sale GROUP BY region), b AS (SELECT * FROM a) SELECT «amount» FROM b",
        "unknown column `amount`",
        "!did you mean `total`, which is made of `amount`?",
    ),
    // functions of other engines
    (
        "SELECT «dateadd»(month, 1, day) AS a FROM core.sale",
        "unknown function `dateadd`",
        "write `day + INTERVAL '1 day'`",
    ),
    ("SELECT «LEN»(region) AS a FROM core.sale", "unknown function `len`", "write `length(text)`"),
];

const SILENT: &[&str] = &[
    "SELECT count(DISTINCT region) AS a, string_agg(region, ',' ORDER BY units) AS b FROM core.sale",
    "SELECT sum(units) FILTER (WHERE units > 1) AS a FROM core.sale",
    "SELECT order_no, sum(units) FILTER (WHERE units > 1) OVER (PARTITION BY region) AS a FROM core.sale",
    "SELECT order_no, first_value(units) IGNORE NULLS OVER (ORDER BY order_no) AS a FROM core.sale",
    "SELECT region, count(*) AS a FROM core.sale GROUP BY ROLLUP (region)",
    "SELECT region, count(*) AS a FROM core.sale GROUP BY ALL",
    "SELECT substring(region FROM 1 FOR 2) AS a FROM core.sale",
    "SELECT to_date('2026-02-28') AS a, CAST(units AS DOUBLE) / 0 AS b, units / nullif(units, 0) AS c FROM core.sale",
    "SELECT arrow_cast(1, 'Float64') AS a, coalesce(NULL, 1) AS b, nvl(NULL, 'x') AS c, make_date(2026, 2, 28) AS d FROM core.sale",
    "SELECT g.value FROM generate_series(1, 5) AS g",
];

#[test]
fn what_would_be_ignored_is_told_where_it_stands() {
    on_a_deep_stack(|| assert_told(FIRES));
}

#[test]
fn what_the_engine_computes_is_not_refused() {
    on_a_deep_stack(|| async {
        let world = World::small();
        for sql in SILENT {
            assert_eq!(world.findings("core.it", sql).await, [], "{sql}");
        }
    });
}
