//! Clauses, literals and forms of other dialects, of which the engine says neither the place nor what to do.

use super::world::{Case, assert_told, on_a_deep_stack};

const FIRES: &[Case] = &[
    // joins
    (
        "SELECT s.order_no, p.weight FROM core.sale AS s LEFT JOIN «core.product AS p»",
        "this join does not say which rows belong together",
        "write `ON` behind it",
    ),
    (
        "SELECT s.order_no FROM core.sale AS s LEFT JOIN «core.customer AS c»",
        "this join does not say which rows belong together",
        "such as `s.customer = c.customer`, `s.region = c.region`",
    ),
    (
        "SELECT a.level FROM core.customer AS a FULL JOIN «(SELECT customer FROM core.sale) AS b»",
        "this join does not say which rows belong together",
        "!write `ON a.customer = b.customer` behind it",
    ),
    (
        "SELECT s.units FROM core.sale AS s «ASOF JOIN» core.customer AS c MATCH_CONDITION (s.day >= c.since) ON s.customer = c.customer",
        "ASOF JOIN is not supported",
        "row_number()",
    ),
    // literals that cannot be read
    (
        "SELECT units FROM core.sale WHERE day > DATE «'2026-02-30'»",
        "`'2026-02-30'` is no DATE",
        "!did you mean `'2026-02-28'`?",
    ),
    (
        "SELECT units FROM core.sale WHERE day > «'2026-02-30'»",
        "`'2026-02-30'` is no DATE",
        "!did you mean `'2026-02-28'`?",
    ),
    (
        "SELECT units FROM core.sale WHERE day > CAST(«'2026-13-01'» AS DATE)",
        "`'2026-13-01'` is no DATE",
        "!did you mean `'2026-01-13'`?",
    ),
    (
        "SELECT units FROM core.sale WHERE day > «'2026-02-30'»::date",
        "`'2026-02-30'` is no DATE",
        "!did you mean `'2026-02-28'`?",
    ),
    (
        "SELECT units FROM core.sale WHERE day = DATE «'01.02.2026'»",
        "`'01.02.2026'` is no DATE",
        "a date is written so",
    ),
    (
        "SELECT units FROM core.sale WHERE day IN ('2026-01-01', «'2026-04-31'»)",
        "`'2026-04-31'` is no DATE",
        "!did you mean `'2026-04-30'`?",
    ),
    (
        "SELECT units FROM core.sale WHERE day BETWEEN '2026-02-01' AND «'2026-02-30'»",
        "`'2026-02-30'` is no DATE",
        "!did you mean `'2026-02-28'`?",
    ),
    (
        "SELECT units FROM core.sale WHERE sold_at < TIMESTAMP «'2026-01-01 25:00:00'»",
        "`'2026-01-01 25:00:00'` is no TIMESTAMP",
        "a timestamp is written so",
    ),
    (
        "SELECT units FROM core.sale WHERE units > «'many'»",
        "`'many'` is no BIGINT",
        "a number is written without quotes",
    ),
    ("SELECT units FROM core.sale WHERE amount > «'1,000'»", "`'1,000'` is no DECIMAL(18, 2)", "!did you mean `1000`?"),
    (
        "SELECT CASE WHEN units > 1 THEN day ELSE «'unknown'» END AS d FROM core.sale",
        "`'unknown'` is no DATE",
        "!write `NULL`",
    ),
    ("SELECT coalesce(day, «'unknown'») AS d FROM core.sale", "`'unknown'` is no DATE", "!write `NULL`"),
    (
        "SELECT since AS x FROM core.customer UNION ALL SELECT «'unknown'» FROM core.sale",
        "`'unknown'` is no DATE",
        "!write `CAST(NULL AS DATE)`",
    ),
    (
        "SELECT «'未知'» AS x FROM core.sale UNION ALL SELECT since FROM core.customer",
        "`'未知'` is no DATE",
        "!write `CAST(NULL AS DATE)`",
    ),
    ("SELECT x FROM (VALUES (1, 'a'), («'z'», 'b')) AS t (x, y)", "`'z'` is no BIGINT", "!write `NULL`"),
    ("SELECT x FROM (VALUES (1, 'a'), «(2)») AS t (x, y)", "this row has 1 value and the first one 2", ""),
    // windows
    (
        "SELECT lag(units, «'x'») OVER (ORDER BY day) AS l FROM core.sale",
        "`lag` does not take `'x'` here",
        "it is called so: `lag(",
    ),
    (
        "SELECT lag(units, «units») OVER (ORDER BY day) AS l FROM core.sale",
        "`lag` does not take `units` here",
        "it is called so: `lag(",
    ),
    (
        "SELECT lag(units, 1, «'x'») OVER (ORDER BY day) AS l FROM core.sale",
        "`lag` does not take `'x'` here",
        "it is called so: `lag(",
    ),
    (
        "SELECT nth_value(units, «'x'») OVER (ORDER BY day) AS l FROM core.sale",
        "`nth_value` does not take `'x'` here",
        "it is called so: `nth_value(",
    ),
    (
        "SELECT ntile(«0») OVER (ORDER BY day) AS l FROM core.sale",
        "`ntile` does not take `0` here",
        "it is called so: `ntile(",
    ),
    (
        "SELECT «units» OVER () AS m FROM core.sale",
        "syntax error: `units` is no call of a function, so it has no window",
        "!such as `sum(units) OVER ()`",
    ),
    // another dialect
    (
        "SELECT region FROM core.sale «PIVOT (sum(units) FOR region IN ('a', 'b'))»",
        "PIVOT is not supported",
        "`sum(units) FILTER (WHERE region = 'a') AS a`",
    ),
    (
        "SELECT n, v FROM core.sale «UNPIVOT (v FOR n IN (units, price))»",
        "UNPIVOT is not supported",
        "`SELECT 'units' AS n, units AS v FROM core.sale`",
    ),
    ("SELECT «TOP 5» units FROM core.sale ORDER BY units", "TOP is not supported", "end the query with `LIMIT 5`"),
    ("SELECT units «INTO» x FROM core.sale", "INTO is not supported", "leave it out"),
    ("SELECT units FROM core.sale «LATERAL VIEW» explode(x) t AS y", "LATERAL VIEW is not supported", "unnest"),
    (
        "SELECT units FROM core.sale ORDER BY units «FETCH FIRST 5 ROWS ONLY»",
        "FETCH is not supported",
        "!write `LIMIT 5`",
    ),
    // limits and positions
    ("SELECT units FROM core.sale ORDER BY units LIMIT «-1»", "LIMIT cannot be less than 0", "!leave `LIMIT -1` out"),
    (
        "SELECT units FROM core.sale ORDER BY units OFFSET «-1»",
        "OFFSET cannot be less than 0",
        "!leave `OFFSET -1` out",
    ),
    ("SELECT units FROM core.sale LIMIT «'x'»", "LIMIT takes a whole number, not VARCHAR", "`LIMIT 10`"),
    ("SELECT units FROM core.sale LIMIT «1.5»", "LIMIT takes a whole number, not DOUBLE", "`LIMIT 10`"),
    ("SELECT units FROM core.sale LIMIT «units»", "`units` is no number, and LIMIT sees no columns", "`LIMIT 10`"),
    (
        "SELECT units, day FROM core.sale ORDER BY «7»",
        "`7` means no column of the result, which has 2 columns",
        "`1` is `units`, `2` is `day`",
    ),
    (
        "SELECT units FROM core.sale ORDER BY «0»",
        "`0` means no column of the result, which has 1 column",
        "`1` is `units`",
    ),
    (
        "SELECT units FROM core.sale UNION ALL SELECT level FROM core.customer ORDER BY «2»",
        "`2` means no column of the result, which has 1 column",
        "`1` is `units`",
    ),
    (
        "SELECT region, sum(units) AS u FROM core.sale GROUP BY «7»",
        "`7` means no column of the result",
        "`1` is `region`, `2` is `u`",
    ),
    (
        "SELECT region, sum(units) AS u FROM core.sale GROUP BY «2»",
        "`2` means `sum(units)`, which is an aggregate",
        "did you mean `1`?",
    ),
    // calls
    ("SELECT «substr(region)» AS r FROM core.sale", "`substr` does not take 1 argument", "it is called so: `substr("),
    (
        "SELECT «substring(region)» AS r FROM core.sale",
        "`substring` does not take 1 argument",
        "it is called so: `substr",
    ),
    ("SELECT extract(«yeer» FROM day) AS y FROM core.sale", "`extract` knows no `yeer`", "!did you mean `year`?"),
    ("SELECT extract(«'yeer'» FROM day) AS y FROM core.sale", "`extract` knows no `yeer`", "!did you mean `year`?"),
    ("SELECT «extract(month FROM units)» AS y FROM core.sale", "`extract` does not take BIGINT", "it takes a date"),
    (
        "SELECT «extract(month FROM region)» AS y FROM core.sale",
        "`extract` does not take VARCHAR",
        "!cast it so: `CAST(region AS",
    ),
    (
        "SELECT arrow_cast(units, «'Float6'») AS t FROM core.sale",
        "`arrow_cast` does not take `'Float6'` here",
        "!did you mean `'Float64'`?",
    ),
    (
        "SELECT «cast(region, bigint)» AS t FROM core.sale",
        "the type of a cast stands behind `AS`",
        "!write `CAST(region AS bigint)`",
    ),
    (
        "SELECT DISTINCT ON (region) region, units FROM core.sale ORDER BY «day»",
        "ORDER BY begins with something else than DISTINCT ON",
        "!put `region` first",
    ),
    (
        "SELECT value FROM «generate_serie»(1, 5)",
        "no function `generate_serie` gives a table",
        "!did you mean `generate_series`?",
    ),
    (
        "SELECT s.units, t.x FROM core.sale AS s «CROSS APPLY» (SELECT max(c.level) AS x FROM core.customer AS c WHERE c.customer = s.customer) AS t",
        "CROSS APPLY is not supported",
        "!write `CROSS JOIN LATERAL`",
    ),
    (
        "SELECT s.units, t.x FROM core.sale AS s, (SELECT max(c.level) AS x FROM core.customer AS c WHERE c.customer = «s».customer) AS t",
        "`s` stands beside this subquery, which does not see it",
        "!write `LATERAL` before the subquery",
    ),
    (
        "SELECT s.units, t.x FROM core.sale AS s RIGHT JOIN LATERAL «(SELECT c.level AS x FROM core.customer AS c WHERE c.customer = s.customer) AS t» ON true",
        "a RIGHT or FULL JOIN takes no LATERAL subquery",
        "write `LEFT JOIN LATERAL`",
    ),
    (
        "SELECT units FROM core.sale WHERE day > «'2026/01/31'»",
        "`'2026/01/31'` is no DATE",
        "!did you mean `'2026-01-31'`?",
    ),
    (
        "SELECT CASE units WHEN 1 THEN 'a' WHEN «'b'» THEN 'c' END AS x FROM core.sale",
        "`'b'` is no BIGINT",
        "a number is written",
    ),
    ("SELECT a.region, «b».units FROM core.sale AS a", "no table of this SELECT is called `b`", "`a` has `units`"),
    ("SELECT «max(*)» AS m FROM core.sale", "`max` does not take `*`", "name the column"),
    ("SELECT «max(units)» IGNORE NULLS AS m FROM core.sale", "`max` does not take IGNORE NULLS", "leave it out"),
    (
        "SELECT sum(«max(units)») AS m FROM core.sale",
        "an aggregate cannot stand in the aggregate `sum`",
        "compute `max(units)`",
    ),
    (
        "SELECT sum(«rank() OVER (ORDER BY day)») AS m FROM core.sale",
        "a window function cannot stand in the aggregate `sum`",
        "compute `rank() OVER (ORDER BY day)`",
    ),
    (
        "SELECT «count(DISTINCT region, customer)» AS n FROM core.sale",
        "`count` fails whatever the row",
        "!make one value of them: `struct(region, customer)`",
    ),
    (
        "SELECT «string_agg(DISTINCT order_no, ',' ORDER BY day)» AS n FROM core.sale",
        "`string_agg` fails whatever the row",
        "!distinct values have no order but their own: `ORDER BY order_no`",
    ),
    // names of columns behind an alias
    ("WITH a («x, y») AS (SELECT units FROM core.sale) SELECT x FROM a", "2 names for 1 column", "`units`"),
    ("SELECT t.x FROM (SELECT units FROM core.sale) AS t («x, y»)", "2 names for 1 column", "`units`"),
    // signs that are missing at the end of a line
    (
        "SELECT\n  units,\n  sum(units) OVER (PARTITION BY region ORDER BY «day»\nFROM core.sale\nWHERE units > 1",
        "syntax error: a `)` is missing behind `day`",
        "!put `)` behind `day`",
    ),
    (
        "SELECT\n  units AS «u»\n  lower(region) AS r\nFROM core.sale",
        "syntax error: a `,` is missing behind `u`",
        "!put `,` behind `u`",
    ),
    (
        "SELECT units FROM core.sale WHERE units BETWEEN 1«,» 2",
        "syntax error: expected `AND`, found `,`",
        "!write `AND`",
    ),
    ("SELECT units FROM core.sale WHERE units > 1 «AND»", "syntax error: nothing goes with this `AND`", "!remove it"),
    (
        "SELECT day + INTERVAL 1 «mnth» AS x FROM core.sale",
        "syntax error: `mnth` is no unit of time",
        "!did you mean `MONTH`?",
    ),
    // subqueries that the engine does not run
    (
        "SELECT units, «(SELECT c.level FROM core.customer AS c WHERE c.customer = s.customer)» AS l FROM core.sale AS s",
        "this subquery may give several rows",
        "!aggregate what it selects, such as `max(c.level)`",
    ),
    (
        "SELECT units, «(SELECT max(c.level) FROM core.customer AS c WHERE c.since < s.day)» AS l FROM core.sale AS s",
        "the engine does not run this subquery for each row",
        "join instead",
    ),
    (
        "SELECT units, EXISTS «(SELECT 1 FROM core.customer AS c WHERE c.customer = s.customer)» AS l FROM core.sale AS s",
        "the engine does not run this subquery for each row",
        "LEFT JOIN its distinct keys",
    ),
    (
        "SELECT units, s.customer IN «(SELECT c.customer FROM core.customer AS c)» AS l FROM core.sale AS s",
        "the engine does not run this subquery for each row",
        "LEFT JOIN its distinct keys",
    ),
    (
        "SELECT s.units, t.x FROM core.sale AS s CROSS JOIN LATERAL «(SELECT c.level AS x FROM core.customer AS c WHERE c.customer = s.customer LIMIT 1)» AS t",
        "the engine does not run this subquery for each row",
        "join",
    ),
];

#[test]
fn what_the_engine_says_without_a_place_has_one_and_a_hint() {
    on_a_deep_stack(|| assert_told(FIRES));
}
