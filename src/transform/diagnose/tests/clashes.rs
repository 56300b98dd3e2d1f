//! Texts that would be taken for numbers, dates and conditions, and dates for numbers: one error for each, and what is none.

use super::world::{Case, World, assert_told, on_a_deep_stack};

const FIRES: &[Case] = &[
    ("SELECT units FROM core.sale WHERE «amount > region»", "cannot compare", "CAST(region AS DECIMAL(18, 2))"),
    ("SELECT units FROM core.sale WHERE «day = region»", "cannot compare DATE with VARCHAR", "CAST(region AS DATE)"),
    ("SELECT units FROM core.sale WHERE «region = 5»", "cannot compare VARCHAR with BIGINT", "CAST(region AS BIGINT)"),
    ("SELECT units FROM core.sale WHERE «region = is_return»", "cannot compare", "CAST(region AS BOOLEAN)"),
    (
        "SELECT units FROM core.sale WHERE «lower(region) < sold_at»",
        "cannot compare",
        "CAST(lower(region) AS TIMESTAMP)",
    ),
    (
        "SELECT s.units FROM core.sale AS s JOIN core.customer AS c ON «c.name = s.units»",
        "cannot compare",
        "CAST(c.name",
    ),
    (
        "SELECT s.units FROM core.sale AS s LEFT JOIN core.customer AS c ON c.customer = s.customer AND «c.name = s.units»",
        "cannot compare",
        "CAST(c.name",
    ),
    (
        "SELECT a.x FROM (SELECT region AS x FROM core.sale) AS a JOIN (SELECT level AS x FROM core.customer) AS b USING («x»)",
        "`x` is VARCHAR on one side and INT on the other",
        "cast",
    ),
    ("SELECT units FROM core.sale WHERE «region»", "the condition of WHERE is VARCHAR", "IS NOT NULL"),
    ("SELECT units FROM core.sale WHERE «region» AND units > 1", "this side of AND is VARCHAR", "IS NOT NULL"),
    (
        "SELECT count(*) FILTER (WHERE «region») AS n FROM core.sale",
        "the condition of FILTER is VARCHAR",
        "IS NOT NULL",
    ),
    (
        "SELECT region, max(day) AS day FROM core.sale GROUP BY region HAVING «max(region)»",
        "the condition of HAVING",
        "IS NOT NULL",
    ),
    (
        "SELECT CASE WHEN «region» THEN 1 END AS n FROM core.sale",
        "this WHEN is VARCHAR where BOOLEAN is needed",
        "CAST(region AS BOOLEAN)",
    ),
    (
        "SELECT CASE units WHEN «region» THEN 1 END AS n FROM core.sale",
        "this WHEN is VARCHAR",
        "CAST(region AS BIGINT)",
    ),
    (
        "SELECT CASE WHEN is_return THEN units ELSE «region» END AS n FROM core.sale",
        "this branch of CASE is VARCHAR",
        "CAST(region AS BIGINT)",
    ),
    (
        "SELECT «coalesce(region, 0)» AS n FROM core.sale",
        "`coalesce` does not take (VARCHAR, BIGINT)",
        "CAST(region AS BIGINT)",
    ),
    ("SELECT «nullif(units, region)» AS n FROM core.sale", "`nullif` does not take", "CAST(region AS BIGINT)"),
    ("SELECT «date_trunc('month', region)» AS m FROM core.sale", "`date_trunc` does not take", "CAST(region AS"),
    (
        "SELECT units FROM core.sale WHERE units IN (1, «region»)",
        "cannot compare BIGINT with VARCHAR",
        "CAST(region AS BIGINT)",
    ),
    (
        "SELECT units FROM core.sale WHERE day BETWEEN '2026-01-01' AND «region»",
        "cannot compare DATE with VARCHAR",
        "CAST(region AS DATE)",
    ),
    (
        "SELECT units FROM core.sale WHERE «units IN (SELECT name FROM core.customer)»",
        "cannot compare",
        "CAST(units AS VARCHAR)",
    ),
    ("SELECT units FROM core.sale WHERE «units > (SELECT max(name) FROM core.customer)»", "cannot compare", ""),
    ("SELECT «region + 1» AS n FROM core.sale", "cannot add BIGINT to VARCHAR", "CAST(region AS BIGINT)"),
    (
        "SELECT day AS x FROM core.sale UNION ALL SELECT «name» FROM core.customer",
        "column 1 of this branch is VARCHAR",
        "CAST(name AS DATE)",
    ),
    (
        "SELECT name AS x FROM core.customer UNION SELECT «units» FROM core.sale",
        "column 1 of this branch is BIGINT",
        "CAST(units AS VARCHAR)",
    ),
    (
        "SELECT units AS x FROM core.sale EXCEPT SELECT «name» FROM core.customer",
        "column 1 of this branch is VARCHAR",
        "CAST(name AS BIGINT)",
    ),
    (
        "WITH d AS (SELECT CASE WHEN is_return THEN 'a' ELSE 'b' END AS t, day FROM core.sale) SELECT t FROM d WHERE «t < day»",
        "cannot compare",
        "CAST(t AS DATE)",
    ),
    // calls that fail whatever the row
    (
        "SELECT region, «count(DISTINCT name, customer)» AS n FROM core.customer GROUP BY region",
        "`count` fails whatever the row",
        "",
    ),
    (
        "SELECT region, «approx_percentile_cont(units, amount)» AS p FROM core.sale GROUP BY region",
        "`approx_percentile_cont`",
        "",
    ),
    (
        "SELECT region, array_to_string(«array_agg(DISTINCT order_no ORDER BY day)», ',') AS p FROM core.sale GROUP BY region",
        "`array_agg` fails whatever the row",
        "",
    ),
    (
        "SELECT units FROM core.sale WHERE «regexp_like(region, '(')»",
        "the regular expression of `regexp_like` fails whatever the row: unclosed group",
        "",
    ),
    ("SELECT units FROM core.sale WHERE «region ~ '['»", "the regular expression fails whatever the row", ""),
    ("SELECT «to_char(day, '%Q')» AS t FROM core.sale", "the format of `to_char` fails whatever the row", ""),
    // names behind a *
    ("SELECT * REPLACE (units + 1 AS «unit») FROM core.sale", "unknown column `unit`", "did you mean `units`?"),
    ("SELECT * EXCLUDE («nosuch») FROM core.customer", "unknown column `nosuch`", "the `*` stands for"),
    ("SELECT s.* EXCEPT («regin») FROM core.sale AS s", "unknown column `regin`", "did you mean `region`?"),
    (
        "SELECT x.region FROM (SELECT * EXCLUDE («prise») FROM core.sale) AS x",
        "unknown column `prise`",
        "did you mean `price`?",
    ),
    // dates and numbers
    (
        "SELECT units FROM core.sale WHERE «day > 2026-01-01»",
        "cannot compare DATE with BIGINT",
        "quote it: `DATE '2026-01-01'`",
    ),
    (
        "SELECT units FROM core.sale WHERE «day > 20260101»",
        "cannot compare DATE with BIGINT",
        "quote it: `DATE '2026-01-01'`",
    ),
    (
        "SELECT units FROM core.sale WHERE day BETWEEN «2026-01-01» AND '2026-02-01'",
        "cannot compare DATE with BIGINT",
        "quote it: `DATE '2026-01-01'`",
    ),
    ("SELECT units FROM core.sale WHERE «day > 5»", "cannot compare DATE with BIGINT", "a date is written so"),
    (
        "SELECT units FROM core.sale WHERE «units = day»",
        "cannot compare BIGINT with DATE",
        "dates compare with dates alone",
    ),
    (
        "SELECT CASE WHEN is_return THEN day ELSE «0» END AS d FROM core.sale",
        "this branch of CASE is BIGINT, another is DATE",
        "NULL",
    ),
    (
        "SELECT «coalesce(day, 0)» AS d FROM core.sale",
        "`coalesce` does not take (DATE, BIGINT)",
        "a date is written so",
    ),
    (
        "SELECT day AS x FROM core.sale UNION ALL SELECT «level» FROM core.customer",
        "column 1 of this branch is INT",
        "dates or numbers",
    ),
];

/// What compares, or was cast by its author.
const MISSES: &[&str] = &[
    "SELECT units FROM core.sale WHERE day > '2026-01-01' AND '5' < units AND sold_at < '2026-01-01 10:00:00'",
    "SELECT units FROM core.sale WHERE day BETWEEN '2026-01-01' AND '2026-02-01' AND day IN ('2026-01-05', '2026-01-06')",
    "SELECT units FROM core.sale WHERE amount > CAST(region AS DECIMAL(18, 2)) AND units = TRY_CAST(region AS BIGINT)",
    "SELECT units FROM core.sale WHERE region::date = day AND CAST(units AS VARCHAR) = region",
    "SELECT units FROM core.sale WHERE CAST(20000 AS DATE) < day AND day < sold_at AND units < price",
    "SELECT concat(region, units, day) AS a, region || units AS b, day + INTERVAL '1 day' AS c, day - day AS d, day + 1 AS e FROM core.sale",
    "SELECT CASE WHEN is_return THEN day ELSE '2026-01-01' END AS a, coalesce(units, '0') AS b, coalesce(day, NULL) AS c FROM core.sale",
    "SELECT CASE WHEN is_return THEN '2026-01-01' ELSE day END AS a FROM core.sale",
    "SELECT x FROM (SELECT CASE WHEN is_return THEN '2026-01-01' ELSE day END AS x FROM core.sale) AS t WHERE x > DATE '2026-01-01'",
    "SELECT x FROM (SELECT '2026-01-01' AS x UNION ALL SELECT day FROM core.sale) AS t WHERE x > DATE '2026-01-01'",
    "SELECT day AS x FROM core.sale UNION ALL SELECT '2026-01-01' UNION ALL SELECT NULL",
    "SELECT day AS x FROM core.sale EXCEPT SELECT '2026-01-01'",
    "SELECT region AS x, units AS y FROM core.sale UNION ALL SELECT name, level FROM core.customer",
    "SELECT count(*) FILTER (WHERE is_return) AS n, max(region) AS r, lag(region) OVER (ORDER BY order_no) AS l FROM core.sale GROUP BY region, order_no",
    "SELECT count(*) AS n FROM core.sale WHERE is_return AND NOT is_return AND region LIKE 'a%' AND length(region) > 2",
    "SELECT units FROM core.sale WHERE region IN (SELECT name FROM core.customer) AND units > (SELECT avg(level) FROM core.customer)",
    "SELECT region, count(DISTINCT name) AS n, array_to_string(array_agg(DISTINCT customer ORDER BY customer), ',') AS c FROM core.customer GROUP BY region",
    "SELECT region, approx_percentile_cont(units, 0.5) AS p, median(units) AS m, string_agg(order_no, ',' ORDER BY day) AS o, corr(units, price) AS c FROM core.sale GROUP BY region",
    "SELECT to_char(day, '%Y-%m') AS t FROM core.sale WHERE regexp_like(region, '^a(b)?$', 'i') AND region ~ '[a-z]' AND regexp_like(region, order_no)",
    "SELECT regexp_replace(region, '(a)', '\\1', 'g') AS a, regexp_match(region, 'a')[1] AS b, replace(region, 'x', 'y') AS c FROM core.sale",
    "SELECT * REPLACE (units + 1 AS units) FROM core.sale",
    "SELECT s.* EXCLUDE (region, day) FROM core.sale AS s JOIN core.customer AS c USING (customer)",
    "SELECT * EXCEPT (level) FROM core.customer EXCEPT SELECT * EXCLUDE level FROM core.customer",
    "SELECT date_trunc('month', day) AS m, to_timestamp(region) AS t, date_part('year', '2026-01-01') AS y FROM core.sale",
    "SELECT substr(region, 1, 2) AS a, lpad(region, 5, '0') AS b, repeat(region, units) AS c, round(price, 1) AS d FROM core.sale",
];

#[test]
fn a_text_is_never_taken_for_something_else_nor_a_number_for_a_day() {
    on_a_deep_stack(|| assert_told(FIRES));
}

#[test]
fn what_compares_or_was_cast_is_left_alone() {
    on_a_deep_stack(|| async {
        let world = World::small();
        for sql in MISSES {
            let findings = world.findings("core.it", sql).await;
            assert!(findings.is_empty(), "{sql}\n  {findings:#?}");
        }
    });
}
