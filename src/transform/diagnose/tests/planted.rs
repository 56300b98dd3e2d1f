//! One mistake planted into a model that is right, class by class; `«…»` marks what must be underlined.

use super::world::{World, mended, on_a_deep_stack, read};

/// A model that is right.
const GROUPED: &str = "\
/* ---
description: The units of a region, amount and day that nobody means.
key: [region, month]
partition_by: [month]
columns:
  region: { type: string }
  month: { type: date }
  units: { type: bigint }
  amount: { type: \"decimal(18,2)\" }
checks:
  - not_null: [region]
--- */
-- 注释里的 amount 和 units 不算
WITH sold AS (
    SELECT s.region, s.customer, CAST(date_trunc('month', s.day) AS DATE) AS month, s.units, s.amount, '金额(万元)' AS kind
    FROM core.sale AS s
    WHERE s.day <= $run_date AND s.amount > 0 AND NOT s.is_return
),

summed AS (
    SELECT region, month, sum(units) AS units, CAST(sum(amount) AS DECIMAL(18, 2)) AS amount
    FROM sold
    WHERE kind <> '中文' AND length(customer) > 2
    GROUP BY region, month
    HAVING sum(units) > 1
)

SELECT region, month, units, amount, rank() OVER (PARTITION BY month ORDER BY amount DESC, region) AS place
FROM summed
QUALIFY rank() OVER (PARTITION BY month ORDER BY amount DESC, region) < 100
";

const JOINED: &str = "\
SELECT
    s.order_no,
    c.name,
    c.region AS home,
    CASE WHEN s.units > 10 THEN 'many' WHEN s.units > 1 THEN 'few' ELSE 'one' END AS size,
    CASE c.level WHEN 1 THEN s.amount WHEN 2 THEN s.amount * 2 ELSE 0 END AS weighted,
    coalesce(s.region, c.region, 'unknown') AS region,
    round(s.price * s.units, 2) AS value,
    s.day - c.since AS age,
    concat(s.order_no, '/', c.\"客户等级\") AS label,
    s.day BETWEEN DATE '2020-01-01' AND $run_date AS is_recent,
    s.region IN ('华东', '华北') AS is_near,
    c.name LIKE '李%' AS is_li,
    first_value(s.amount) OVER w AS first_amount
FROM core.sale AS s
LEFT JOIN core.customer AS c ON c.customer = s.customer
WHERE s.units > 0 AND s.sold_at < TIMESTAMP '2026-01-01'
WINDOW w AS (PARTITION BY s.customer ORDER BY s.day, s.order_no)
ORDER BY s.order_no, age
";

const UNITED: &str = "\
SELECT region AS place, day AS since, units AS rank, is_return AS flag FROM core.sale
UNION ALL
SELECT name, since, CAST(level AS BIGINT), level > 3 FROM core.customer
UNION ALL
SELECT product_code, DATE '2020-01-01', 1, weight > 2.5 FROM core.product
";

const NESTED: &str = "\
SELECT t.customer, t.total, (SELECT max(c.level) FROM core.customer AS c WHERE c.customer = t.customer) AS level
FROM (
    SELECT customer, sum(units) AS total
    FROM core.sale
    WHERE customer IN (SELECT customer FROM core.customer WHERE level > 2)
    GROUP BY customer
) AS t
JOIN core.customer AS c USING (customer)
WHERE EXISTS (SELECT 1 FROM core.sale AS s WHERE s.customer = t.customer AND s.units > 3)
  AND t.total > (SELECT avg(units) FROM core.sale)
";

/// What is written instead, what must be underlined in it, what is said, and whether the hint mends it.
struct Planted {
    model: &'static str,
    right: &'static str,
    wrong: &'static str,
    said: &'static str,
    is_mended: bool,
}

const fn planted(model: &'static str, right: &'static str, wrong: &'static str, said: &'static str) -> Planted {
    Planted { model, right, wrong, said, is_mended: false }
}

const fn mendable(model: &'static str, right: &'static str, wrong: &'static str, said: &'static str) -> Planted {
    Planted { model, right, wrong, said, is_mended: true }
}

const PLANTED: &[Planted] = &[
    // a column that is not there
    mendable(GROUPED, "s.customer, CAST", "s.«custmer», CAST", "`s` has no column `custmer`"),
    mendable(GROUPED, "sum(units) AS", "sum(«unit») AS", "unknown column `unit`"),
    mendable(GROUPED, "GROUP BY region, month", "GROUP BY region, «mnth»", "unknown column `mnth`"),
    mendable(GROUPED, "HAVING sum(units)", "HAVING sum(«unts»)", "unknown column `unts`"),
    mendable(
        GROUPED,
        "QUALIFY rank() OVER (PARTITION BY month",
        "QUALIFY rank() OVER (PARTITION BY «moth»",
        "unknown column `moth`",
    ),
    mendable(GROUPED, "kind <> '中文'", "«kin» <> '中文'", "unknown column `kin`"),
    mendable(JOINED, "c.\"客户等级\"", "c.«\"客户等缘\"»", "`c` has no column `客户等缘`"),
    mendable(JOINED, "ON c.customer = s.customer", "ON c.customer = s.«customr»", "`s` has no column `customr`"),
    mendable(JOINED, "s.day, s.order_no)", "s.day, s.«ordr_no»)", "`s` has no column `ordr_no`"),
    mendable(JOINED, "ORDER BY s.order_no, age", "ORDER BY s.order_no, «aeg»", "unknown column `aeg`"),
    mendable(JOINED, "    c.name,", "    s.«name»,", "`s` has no column `name`"),
    planted(JOINED, "    c.name,", "    c.«weight»,", "`c` has no column `weight`"),
    planted(JOINED, "WHERE s.units > 0", "WHERE «size» = 'few' AND s.units > 0", "unknown column `size`"),
    mendable(UNITED, "SELECT name, since", "SELECT «nam», since", "unknown column `nam`"),
    mendable(NESTED, "WHERE level > 2", "WHERE «levle» > 2", "unknown column `levle`"),
    mendable(NESTED, "max(c.level)", "max(c.«lvel»)", "`c` has no column `lvel`"),
    mendable(NESTED, "s.units > 3", "s.«unis» > 3", "`s` has no column `unis`"),
    mendable(NESTED, "USING (customer)", "USING («custoner»)", "USING needs `custoner` on both sides"),
    // a table that is not there
    mendable(GROUPED, "FROM core.sale AS s", "FROM «core.sales» AS s", "unknown table `core.sales`"),
    mendable(GROUPED, "FROM core.sale AS s", "FROM «sale» AS s", "unknown table `sale`"),
    mendable(GROUPED, "FROM sold\n", "FROM «sodl»\n", "unknown table `sodl`"),
    mendable(JOINED, "LEFT JOIN core.customer AS", "LEFT JOIN «cor.customer» AS", "unknown table `cor.customer`"),
    mendable(UNITED, "FROM core.product", "FROM «core.prodct»", "unknown table `core.prodct`"),
    mendable(
        NESTED,
        "(SELECT avg(units) FROM core.sale)",
        "(SELECT avg(units) FROM «core.slae»)",
        "unknown table `core.slae`",
    ),
    // an alias that is not there, or is missing
    mendable(JOINED, "    c.name,", "    «cust».name,", "no table of this SELECT is called `cust`"),
    mendable(JOINED, "s.day - c.since", "s.day - «d».since", "no table of this SELECT is called `d`"),
    mendable(
        NESTED,
        "WHERE c.customer = t.customer)",
        "WHERE c.customer = «u».customer)",
        "no table of this SELECT is called `u`",
    ),
    mendable(GROUPED, "s.units, s.amount,", "s.units, «sale».amount,", "no table of this SELECT is called `sale`"),
    planted(JOINED, "core.customer AS c ON", "core.customer AS «s» ON", "two tables of this FROM are called `s`"),
    planted(JOINED, "OVER w AS", "OVER «ww» AS", "unknown window `ww`"),
    // a name of two tables
    planted(
        JOINED,
        "coalesce(s.region,",
        "coalesce(«region»,",
        "the column `region` is ambiguous: `s` and `c` have it",
    ),
    planted(JOINED, "PARTITION BY s.customer", "PARTITION BY «customer»", "the column `customer` is ambiguous"),
    planted(JOINED, "ON c.customer = s.customer", "ON «customer» = s.customer", "the column `customer` is ambiguous"),
    // a function that is not there
    mendable(GROUPED, "sum(units) AS", "«sun»(units) AS", "unknown function `sun`"),
    mendable(GROUPED, "length(customer)", "«lenght»(customer)", "unknown function `lenght`"),
    mendable(GROUPED, "units, amount, rank()", "units, amount, «rnk»()", "unknown function `rnk`"),
    mendable(JOINED, "coalesce(s", "«coalesc»(s", "unknown function `coalesc`"),
    mendable(NESTED, "SELECT avg(units)", "SELECT «avgg»(units)", "unknown function `avgg`"),
    // too many or too few arguments
    planted(GROUPED, "date_trunc('month', s.day)", "«date_trunc('month')»", "`date_trunc` does not take 1 argument"),
    planted(GROUPED, "length(customer)", "«length()»", "`length` does not take no argument"),
    planted(JOINED, "round(s.price * s.units, 2)", "«round(s.price, s.units, 2)»", "`round` does not take 3 arguments"),
    planted(GROUPED, "HAVING sum(units)", "HAVING «sum(units, 2)»", "`sum` does not take 2 arguments"),
    // arguments of another type
    mendable(GROUPED, "sum(amount)", "«sum(kind)»", "`sum` does not take (VARCHAR)"),
    mendable(
        JOINED,
        "round(s.price * s.units, 2)",
        "«round(s.is_return, 2)»",
        "`round` does not take (BOOLEAN, BIGINT)",
    ),
    mendable(
        GROUPED,
        "date_trunc('month', s.day)",
        "«date_trunc('month', s.units)»",
        "`date_trunc` does not take (VARCHAR, BIGINT)",
    ),
    // types that do not go together
    planted(GROUPED, "s.amount > 0", "«s.amount > s.day»", "cannot compare DECIMAL(18, 2) with DATE"),
    planted(JOINED, "WHERE s.units > 0", "WHERE «s.is_return > s.day»", "cannot compare BOOLEAN with DATE"),
    mendable(JOINED, "round(s.price * s.units, 2)", "round(«s.price * s.day», 2)", "cannot multiply DOUBLE by DATE"),
    mendable(JOINED, "s.day - c.since", "«s.day * c.level» = 1", "cannot multiply DATE by INT"),
    planted(JOINED, "s.day - c.since", "«s.is_return + s.day»", "cannot add DATE to BOOLEAN"),
    mendable(
        JOINED,
        "WHEN s.units > 1 THEN 'few'",
        "WHEN s.units > 1 THEN «s.is_return»",
        "this branch of CASE is BOOLEAN",
    ),
    planted(JOINED, "ELSE 0 END AS weighted", "ELSE «s.day» END AS weighted", "this branch of CASE is DATE"),
    planted(
        JOINED,
        "s.day BETWEEN DATE '2020-01-01' AND $run_date",
        "s.day BETWEEN «s.amount» AND $run_date",
        "cannot compare DATE with DECIMAL(18, 2)",
    ),
    planted(GROUPED, "AND NOT s.is_return", "AND «NOT s.day»", "`NOT` does not take DATE"),
    planted(GROUPED, "AND length(customer) > 2", "AND «length(customer) + 2»", "this side of AND is "),
    planted(
        JOINED,
        "WHERE s.units > 0 AND s.sold_at < TIMESTAMP '2026-01-01'",
        "WHERE «s.units»",
        "the condition of WHERE is BIGINT, not BOOLEAN",
    ),
    planted(
        GROUPED,
        "CAST(sum(amount) AS DECIMAL(18, 2))",
        "sum(«CAST(month AS DECIMAL(18, 2))»)",
        "DATE cannot be cast to DECIMAL(18,2)",
    ),
    planted(UNITED, "level > 3", "«since»", "column 4 of this branch is DATE, that of another is BOOLEAN"),
    planted(UNITED, "DATE '2020-01-01', 1", "«weight», 1", "column 2 of this branch is DOUBLE"),
    planted(UNITED, "is_return AS flag", "«day» AS flag", "column 4 of this branch is DATE"),
    planted(
        UNITED,
        "SELECT product_code, DATE '2020-01-01', 1, weight > 2.5",
        "SELECT «product_code, DATE '2020-01-01', 1»",
        "this branch gives 3 columns and the first one 4",
    ),
    planted(
        NESTED,
        "(SELECT avg(units) FROM core.sale)",
        "«(SELECT avg(units), 1 FROM core.sale)»",
        "the subquery gives 2 columns where one is needed",
    ),
    planted(
        NESTED,
        "customer IN (SELECT customer FROM core.customer WHERE level > 2)",
        "«is_return IN (SELECT since FROM core.customer)» AND is_return IS NOT NULL",
        "cannot compare BOOLEAN with DATE",
    ),
    // groups
    mendable(GROUPED, "GROUP BY region, month", "GROUP BY region", "`month` is neither grouped nor aggregated"),
    mendable(GROUPED, "GROUP BY region, month", "GROUP BY month", "`region` is neither grouped nor aggregated"),
    mendable(NESTED, "    GROUP BY customer\n", "", "`customer` stands beside an aggregate and is not grouped"),
    mendable(GROUPED, "sum(units) AS units,", "«units» AS units,", "`units` is neither grouped nor aggregated"),
    planted(GROUPED, "AND length(customer) > 2", "AND «sum(units)» > 2", "the aggregate `sum` cannot stand in WHERE"),
    planted(
        JOINED,
        "WHERE s.units > 0",
        "WHERE «rank() OVER (ORDER BY s.day)» > 0",
        "the window function `rank` cannot stand in WHERE",
    ),
    // what is no SQL
    mendable(
        GROUPED,
        "SELECT region, month, sum(units) AS units, CAST",
        "SELECT region, month, sum(units) AS units «CAST»",
        "syntax error: ",
    ),
    mendable(JOINED, "END AS size,", "END AS size", "syntax error: "),
    mendable(JOINED, "round(s.price * s.units, 2) AS value", "round(s.price * s.units, 2 «AS» value", "syntax error: "),
    mendable(GROUPED, "HAVING sum(units) > 1\n)", "HAVING sum(units) > 1\n", "syntax error: "),
    mendable(NESTED, "    FROM core.sale\n    WHERE", "    «FORM» core.sale\n    WHERE", "syntax error: "),
    mendable(JOINED, "'one' END AS size", "'one' «EDN» AS size", "syntax error: "),
    mendable(JOINED, "WHERE s.units", "«WHER» s.units", "syntax error: "),
    mendable(UNITED, "SELECT name, since, CAST", "SELECT name, since«,», CAST", "syntax error: "),
    mendable(JOINED, "c.name LIKE '李%' AS", "c.name LIKE '李%'«)» AS", "syntax error: "),
    planted(UNITED, "FROM core.product\n", "FROM core.product;\n«SELECT» 1\n", "expected one query"),
    // parameters
    mendable(GROUPED, "s.day <= $run_date", "s.day <= «$run_dat»", "unknown parameter `$run_dat`"),
    mendable(JOINED, "WHERE s.units > 0", "WHERE s.units > «$churn_day»", "unknown parameter `$churn_day`"),
    // the clock
    planted(GROUPED, "s.day <= $run_date", "s.day <= «now»()", "`now` does not give the same value on every run"),
    // the header
    mendable(GROUPED, "key: [region, month]", "key: [«regio», month]", "the result has no column `regio`"),
    mendable(GROUPED, "partition_by: [month]", "partition_by: [«mont»]", "the result has no column `mont`"),
    mendable(GROUPED, "  units: { type: bigint }", "  «unit»: { type: bigint }", "the result has no column `unit`"),
    mendable(
        GROUPED,
        "units: { type: bigint }",
        "units: { type: «double» }",
        "the column `units` is declared as DOUBLE and the query gives BIGINT",
    ),
    mendable(
        GROUPED,
        "month: { type: date }",
        "month: { type: «string» }",
        "the column `month` is declared as VARCHAR and the query gives DATE",
    ),
    mendable(GROUPED, "\"decimal(18,2)\"", "\"«decimal(18,3)»\"", "the column `amount` is declared as DECIMAL(18, 3)"),
    planted(
        GROUPED,
        "partition_by: [month]",
        "partition_by: [«amount»]",
        "the partition column `amount` is DECIMAL(18, 2)",
    ),
    // names that are given twice within a query
    planted(GROUPED, "summed AS (", "«sold» AS (", "two common table expressions are called `sold`"),
    planted(
        GROUPED,
        "s.region, s.customer,",
        "s.region, «s.customer AS region»,",
        "two columns of the result are named `region`",
    ),
    // types and intervals that are none
    mendable(GROUPED, "s.day) AS DATE)", "s.day) AS «DAET»)", "unknown type `DAET`"),
    planted(
        GROUPED,
        "CAST(sum(amount) AS DECIMAL(18, 2))",
        "CAST(sum(amount) AS «DECIMAL(2, 18)»)",
        "a DECIMAL of 2 digits cannot have 18 decimal places",
    ),
    mendable(JOINED, "s.day - c.since AS age", "s.day - INTERVAL «'3 monhts'» AS age", "`3 monhts` is no interval"),
    planted(JOINED, "s.day - c.since AS age", "s.day - INTERVAL «'soon'» AS age", "`soon` is no interval"),
    // parts of a date that there are not
    mendable(GROUPED, "date_trunc('month', s.day)", "date_trunc(«'monht'», s.day)", "`date_trunc` knows no `monht`"),
    planted(JOINED, "round(s.price * s.units, 2)", "date_part(«'x'», s.day)", "`date_part` knows no `x`"),
    // windows
    planted(
        JOINED,
        "s.day, s.order_no)",
        "s.day ROWS BETWEEN CURRENT ROW AND 3 PRECEDING)",
        "the frame of this window begins behind its end",
    ),
    planted(
        JOINED,
        "s.day, s.order_no)",
        "s.day ROWS BETWEEN 2 PRECEDING AND 3 PRECEDING)",
        "the frame of this window begins behind its end",
    ),
    planted(JOINED, "s.day - c.since AS age", "«lag(s.day)» AS age", "the window function `lag` stands without `OVER`"),
    // a text in the quotes of a name, and none
    mendable(GROUPED, "kind <> '中文'", "kind <> «\"中文\"»", "unknown column `中文`"),
    planted(GROUPED, "kind <> '中文'", "kind <> «far_away»", "unknown column `far_away`"),
    // members of an IN
    planted(JOINED, "IN ('华东', '华北')", "IN ('华东', «s.day»)", "cannot compare VARCHAR with DATE"),
    // HAVING where WHERE was meant
    mendable(
        UNITED,
        "FROM core.product\n",
        "FROM core.product «HAVING» weight > 2\n",
        "HAVING is a condition on groups",
    ),
    mendable(JOINED, "WHERE s.units > 0 AND", "«HAVING» s.units > 0 AND", "HAVING is a condition on groups"),
    // more that is no SQL
    mendable(GROUPED, "AND NOT s.is_return", "AND s.is_return IS «NUL»", "syntax error: `NUL` is no keyword"),
    mendable(
        GROUPED,
        "ORDER BY amount DESC, region) AS place",
        "ORDER «BT» amount DESC, region) AS place",
        "syntax error: `BT`",
    ),
    mendable(JOINED, "AS c ON c.customer", "AS c «OM» c.customer", "syntax error: `OM` is no keyword"),
    mendable(
        JOINED,
        "s.day BETWEEN DATE '2020-01-01' AND $run_date",
        "s.day BETWEEN DATE '2020-01-01' «$run_date»",
        "syntax error: expected `AND`",
    ),
    mendable(
        GROUPED,
        "units, amount, rank() OVER",
        "units, amount «rank»() OVER",
        "syntax error: a `,` is missing before `rank`",
    ),
    mendable(GROUPED, "sum(units) AS units,", "sum(units)«,» AS units,", "syntax error: nothing goes with this `,`"),
    mendable(
        GROUPED,
        "(PARTITION BY month ORDER BY amount DESC, region) AS place",
        "(PARTITION BY month«,» ORDER BY amount DESC, region) AS place",
        "syntax error: nothing goes with this `,`",
    ),
    mendable(
        JOINED,
        "CASE c.level WHEN 1 THEN s.amount WHEN 2 THEN s.amount * 2 ELSE 0 END",
        "«CASE» c.level WHEN 1 THEN s.amount WHEN 2 THEN CASE WHEN s.units > 1 THEN s.amount END ELSE 0",
        "syntax error: this CASE has no END",
    ),
    planted(GROUPED, "kind <> '中文' AND", "kind <> «'»中文 AND", "syntax error: this text does not end on its line"),
    // what no table can hold
    planted(
        JOINED,
        "s.day - c.since AS age",
        "«INTERVAL '1 month' AS age»",
        "the column `age` is INTERVAL, which no table can hold",
    ),
    planted(JOINED, "c.region AS home", "«c.region AS order_no»", "two columns of the result are named `order_no`"),
];

#[test]
fn the_models_are_right_before_a_mistake_is_planted() {
    on_a_deep_stack(|| async {
        let world = World::small();
        for model in [GROUPED, JOINED, UNITED, NESTED] {
            let findings = world.findings("core.it", model).await;
            assert!(findings.is_empty(), "{model}\n{findings:#?}");
        }
    });
}

#[test]
fn a_planted_mistake_gives_one_error_at_its_place_which_its_hint_mends() {
    on_a_deep_stack(|| async {
        let world = World::small();
        let mut wrong = Vec::new();
        for planted in PLANTED {
            if let Err(what) = planted.try_on(&world).await {
                wrong.push(format!("{} → {}\n  {what}", planted.right.trim(), planted.wrong.trim()));
            }
        }
        assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), PLANTED.len(), wrong.join("\n"));
    });
}

impl Planted {
    async fn try_on(&self, world: &World) -> Result<(), String> {
        if self.model.matches(self.right).count() != 1 {
            return Err("must stand once in its model".to_owned());
        }
        let sql = self.model.replace(self.right, &self.wrong.replace(['«', '»'], ""));
        let findings = world.findings("core.it", &sql).await;
        let [only] = findings.as_slice() else { return Err(format!("{} findings: {findings:#?}", findings.len())) };
        if !only.message.starts_with(self.said) {
            return Err(format!("says: {}", only.message));
        }
        if let Some(marked) = self.wrong.split(['«', '»']).nth(1) {
            let start = self.model.find(self.right).unwrap() + self.wrong.find('«').unwrap();
            let range = only.place.as_ref().unwrap().range.clone();
            if range != (start..start + marked.len()) {
                return Err(format!("underlines `{}`", sql.get(range).unwrap_or("?")));
            }
        }
        let Some(mended) = mended(&sql, only) else {
            return if self.is_mended { Err(format!("no fix: {only:#?}")) } else { Ok(()) };
        };
        match world.findings("core.it", &mended).await.as_slice() {
            [] => Ok(()),
            left => Err(format!("{:?} leaves {left:#?}", only.fix.as_ref().unwrap().text)),
        }
    }
}

#[test]
fn every_clause_and_every_common_table_expression_is_told_at_once() {
    on_a_deep_stack(|| async {
        let world = World::small();
        let sql = "\
WITH a AS (SELECT «one» FROM core.sale),
b AS (SELECT region, «two»(day) AS day FROM core.sale WHERE «amount > day» GROUP BY «three»),
c AS (SELECT a.whatever AS whatever, b.day FROM a JOIN b ON a.x = b.region AND «four».y = 1)
SELECT c.day, c.whatever, s.«five», sum(s.units) OVER (PARTITION BY s.«six») AS u
FROM c JOIN core.sale AS s ON «s.day = s.amount»
WHERE s.units > (SELECT max(«seven») FROM core.customer)
ORDER BY s.«eight»
";
        let findings = world.findings("core.it", &sql.replace(['«', '»'], "")).await;
        let found: Vec<&str> = findings
            .iter()
            .map(|finding| finding.place.as_ref())
            .map(|place| &place.unwrap().text.body[place.unwrap().range.clone()])
            .collect();
        let expected: Vec<&str> = sql.split(['«', '»']).skip(1).step_by(2).collect();
        assert_eq!(found, expected, "{findings:#?}");
    });
}

#[test]
fn a_result_that_lost_the_name_by_which_the_header_knows_it_is_told_once() {
    on_a_deep_stack(|| async {
        let world = World::small();
        let header = "/* ---\nkey: [region]\ncolumns:\n  region: { type: string }\n  units: { type: bigint }\nchecks:\n  \
                      - not_null: [region, units]\n--- */\n";
        let wrong = format!("{header}SELECT region AS regoin, sum(units) AS units FROM core.sale GROUP BY region");
        let typed = format!("{header}SELECT region, sum(price) AS units FROM core.sale GROUP BY region");
        for (sql, said, underlined) in [
            (wrong, "the result has no column `region`, which the header names", "regoin"),
            (typed, "the column `units` is declared as BIGINT and the query gives DOUBLE", "bigint"),
        ] {
            let models = [read("core.a", &sql), read("core.b", "SELECT region, units % 2 AS odd FROM core.a")];
            let findings = world.findings_of(&models).await;
            let [only] = findings.as_slice() else { panic!("{findings:#?}") };
            let place = only.place.as_ref().unwrap();
            assert_eq!((only.message.as_str(), &place.text.body[place.range.clone()]), (said, underlined));
            let mended = mended(&sql, only).unwrap();
            let left = world.findings_of(&[read("core.a", &mended), models[1].clone()]).await;
            assert!(left.is_empty(), "{left:#?}");
        }
    });
}

#[test]
fn what_stands_on_a_failed_model_is_a_note_unless_its_columns_are_known() {
    on_a_deep_stack(|| async {
        let world = World::small();
        let models = [
            read("core.a", "SELECT * FROM core.nothing"),
            read("core.b", "SELECT x FROM core.a"),
            read("core.c", "SELECT y FROM core.b"),
            read("core.d", "SELECT day, units FROM core.sale WHERE unit > 1"),
            read("core.e", "SELECT day, unitz FROM core.d"),
        ];
        let findings = world.findings_of(&models).await;
        let said: Vec<&str> = findings.iter().map(|finding| finding.message.as_str()).collect();
        let expected = [
            "unknown table `core.nothing`",
            "unknown column `unit`",
            "unknown column `unitz`",
            "`core.b` is not checked: it waits for `core.a`",
            "`core.c` is not checked: it waits for `core.a`",
        ];
        assert_eq!(said, expected);
    });
}

#[test]
fn every_circle_is_told_and_what_stands_on_it_waits() {
    on_a_deep_stack(|| async {
        let world = World::small();
        let models = [
            read("core.a", "SELECT x FROM core.b"),
            read("core.b", "SELECT x FROM core.a"),
            read("core.c", "SELECT x FROM core.c"),
            read("core.d", "SELECT x FROM core.a"),
            read("core.e", "SELECT unts FROM core.sale"),
        ];
        let said: Vec<String> = world.findings_of(&models).await.into_iter().map(|finding| finding.message).collect();
        let expected = [
            "models read each other in a circle: core.a → core.b → core.a",
            "models read each other in a circle: core.c → core.c",
            "unknown column `unts`",
            "`core.d` is not checked: it waits for `core.a`",
        ];
        assert_eq!(said, expected);
    });
}
