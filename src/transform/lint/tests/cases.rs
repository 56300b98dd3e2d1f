//! Every code: SQL in which it is found, the words that are underlined, and near misses, three at least.

/// What one code finds and what it leaves alone.
pub struct Case {
    pub code: &'static str,
    /// SQL, and what is underlined.
    pub fires: &'static [(&'static str, &'static str)],
    /// SQL about which nothing at all is said.
    pub misses: &'static [&'static str],
}

pub const CASES: &[Case] = &[
    Case {
        code: "select-star",
        fires: &[
            ("SELECT * FROM staged.sale", "*"),
            ("SELECT 1 AS one, line.* FROM staged.sale AS line", "line.*"),
            ("WITH line AS (SELECT * FROM staged.sale) SELECT * FROM line", "*"),
        ],
        misses: &[
            "WITH line AS (SELECT id, units FROM staged.sale) SELECT * FROM line",
            "SELECT count(*) AS lines FROM staged.sale",
            "WITH line AS (SELECT * FROM staged.sale) SELECT id FROM line",
        ],
    },
    Case {
        code: "unnamed-column",
        fires: &[
            ("SELECT id, units + 1 FROM staged.sale", "units + 1"),
            ("SELECT dealer, sum(units) FROM staged.sale GROUP BY dealer", "sum(units)"),
            ("SELECT 1 FROM staged.sale UNION ALL SELECT id FROM staged.sale", "1"),
        ],
        misses: &[
            "SELECT id, (sale.units), units + 1 AS more FROM staged.sale",
            "SELECT id, 1 AS one FROM staged.sale UNION ALL SELECT id, units + 1 FROM staged.sale",
            "SELECT id FROM staged.sale WHERE units > (SELECT avg(units) FROM staged.sale) AND EXISTS (SELECT 1 FROM core.dealer WHERE dealer = sale.dealer)",
        ],
    },
    Case {
        code: "join-without-equality",
        fires: &[
            ("SELECT sale.id, dealer.region FROM staged.sale CROSS JOIN core.dealer", "core.dealer"),
            ("SELECT sale.id, d.region FROM staged.sale, core.dealer AS d WHERE sale.units > 1", "core.dealer AS d"),
            ("SELECT a.id FROM staged.sale AS a JOIN staged.sale AS b ON a.month < b.month", "staged.sale AS b"),
        ],
        misses: &[
            "SELECT id FROM staged.sale CROSS JOIN (SELECT max(month) AS month FROM staged.sale) AS latest WHERE sale.month < latest.month",
            "SELECT id, region FROM staged.sale, core.dealer WHERE dealer.dealer = sale.dealer",
            "SELECT id FROM staged.sale JOIN core.dealer ON (dealer.dealer = sale.dealer AND units > 1) OR (units < 0 AND sale.dealer = dealer.dealer)",
        ],
    },
    Case {
        code: "left-join-filtered",
        fires: &[(
            "SELECT id FROM staged.sale LEFT JOIN core.dealer ON dealer.dealer = sale.dealer WHERE units > 1 AND dealer.region = 'north'",
            "dealer.region = 'north'",
        )],
        misses: &[
            "SELECT id FROM staged.sale LEFT JOIN core.dealer ON dealer.dealer = sale.dealer WHERE coalesce(dealer.region, 'north') = 'north'",
            "SELECT id FROM staged.sale LEFT JOIN core.dealer ON dealer.dealer = sale.dealer WHERE dealer.region = 'north' OR dealer.dealer IS NULL",
            "SELECT id FROM staged.sale LEFT JOIN core.dealer ON dealer.dealer = sale.dealer AND dealer.region = 'north' WHERE units > 1",
        ],
    },
    Case {
        code: "comparison-never-true",
        fires: &[
            ("SELECT id FROM staged.sale WHERE dealer = NULL", "dealer = NULL"),
            ("SELECT id, CASE WHEN NULL <> dealer THEN 1 END AS one FROM staged.sale", "NULL <> dealer"),
            ("SELECT id FROM staged.sale WHERE units > 5 AND (amount > 1 AND units < 3)", "units < 3"),
            ("SELECT id FROM staged.sale WHERE units BETWEEN 10 AND 1", "units BETWEEN 10 AND 1"),
            ("SELECT id FROM staged.sale WHERE month = '2024-01-01' AND '2024-02-01' = month", "'2024-02-01' = month"),
            ("SELECT id FROM staged.sale WHERE dealer IN ('A', 'B') AND sale.dealer = 'C'", "sale.dealer = 'C'"),
            ("SELECT id FROM staged.sale WHERE dealer IN (NULL)", "dealer IN (NULL)"),
            ("SELECT id FROM staged.sale WHERE units IS NULL OR price > 1", "units IS NULL"),
            (
                "SELECT sale.id FROM core.dealer LEFT JOIN staged.sale ON dealer.dealer = sale.dealer WHERE dealer.dealer IS NULL",
                "dealer.dealer IS NULL",
            ),
            (
                "SELECT id FROM staged.sale WHERE month > $run_date AND month < DATE '2024-01-01'",
                "month < DATE '2024-01-01'",
            ),
        ],
        misses: &[
            "SELECT id FROM staged.sale WHERE dealer IS NULL OR units < 3 OR units > 5",
            "SELECT dealer.dealer, units FROM core.dealer LEFT JOIN staged.sale ON dealer.dealer = sale.dealer WHERE sale.id IS NULL",
            "SELECT units, CASE WHEN units IS NULL THEN 'all' ELSE 'one' END AS kind, count(*) AS n FROM staged.sale GROUP BY ROLLUP (units)",
            "SELECT t.units FROM (SELECT units, count(*) AS n FROM staged.sale GROUP BY ROLLUP (units)) AS t WHERE t.units IS NULL",
            "SELECT dealer.dealer FROM staged.sale RIGHT JOIN core.dealer ON dealer.dealer = sale.dealer AND units IS NOT NULL WHERE sale.units IS NULL",
            "SELECT id FROM staged.sale WHERE units >= 5 AND units <= 5 AND month >= '2024-01-01' AND month < '2024-01-02'",
            "SELECT a.id FROM staged.sale AS a JOIN staged.sale AS b ON a.id = b.id WHERE a.dealer = 'A' AND b.dealer = 'B'",
        ],
    },
    Case {
        code: "value-not-accepted",
        fires: &[
            ("SELECT id FROM staged.sale WHERE kind = 'machin'", "'machin'"),
            (
                "WITH line AS (SELECT id, kind AS k FROM staged.sale) SELECT id FROM line WHERE k IN ('part', '零件')",
                "'零件'",
            ),
            ("SELECT CASE status WHEN 'open' THEN 1 WHEN 'O' THEN 2 END AS n FROM staged.sale", "'O'"),
            ("SELECT id FROM staged.sale WHERE units = 3000000000", "3000000000"),
            ("SELECT id FROM staged.sale WHERE units < -3000000000", "-3000000000"),
            ("SELECT id FROM staged.sale WHERE amount = 0.125", "0.125"),
        ],
        misses: &[
            "SELECT id FROM staged.sale WHERE kind = 'machine' AND status = 'open'",
            "SELECT id FROM staged.sale WHERE dealer = 'machin' AND upper(kind) = 'MACHINE'",
            "SELECT id FROM staged.sale WHERE units > -3000000000 AND amount = 0.120",
        ],
    },
    Case {
        code: "self-comparison",
        fires: &[(
            "SELECT a.id FROM staged.sale AS a JOIN staged.sale AS b ON a.id = b.id AND a.month = a.month",
            "a.month = a.month",
        )],
        misses: &[
            "SELECT a.id FROM staged.sale AS a JOIN staged.sale AS b ON a.id = b.id AND a.month = b.month",
            "SELECT id FROM staged.sale WHERE units = -units",
            "SELECT id FROM staged.sale WHERE EXISTS (SELECT 1 FROM core.dealer WHERE dealer.dealer = sale.dealer)",
        ],
    },
    Case {
        code: "integer-division",
        fires: &[
            ("SELECT id, units / 3 AS third FROM staged.sale", "units / 3"),
            ("SELECT sum(units) / count(*) AS mean FROM staged.sale", "sum(units) / count(*)"),
            (
                "WITH day AS (SELECT id, month - DATE '2024-01-01' AS days FROM staged.sale) SELECT id, (days) / 7 AS weeks FROM day",
                "(days) / 7",
            ),
        ],
        misses: &[
            "SELECT id, CAST(units AS DOUBLE) / 3 AS third FROM staged.sale",
            "SELECT id, units / 10 * 10 AS tens FROM staged.sale",
            "SELECT id, amount / 3 AS third, units / 1.5 AS part FROM staged.sale",
        ],
    },
    Case {
        code: "not-in-nullable",
        fires: &[
            (
                "SELECT id FROM staged.sale WHERE dealer NOT IN (SELECT region FROM core.dealer)",
                "dealer NOT IN (SELECT region FROM core.dealer)",
            ),
            ("SELECT id FROM staged.sale WHERE dealer NOT IN ('A', NULL)", "NULL"),
        ],
        misses: &[
            "SELECT id FROM staged.sale WHERE dealer NOT IN (SELECT dealer FROM core.dealer)",
            "SELECT id FROM staged.sale WHERE dealer NOT IN (SELECT region FROM core.dealer WHERE region IS NOT NULL)",
            "SELECT id FROM staged.sale WHERE dealer IN (SELECT region FROM core.dealer) AND dealer NOT IN ('A', 'B')",
        ],
    },
    Case {
        code: "partition-column-unused",
        fires: &[(
            "/* ---\npartition_by: [dealer]\n--- */\nSELECT dealer, sum(units) AS units FROM staged.sale GROUP BY dealer",
            "staged.sale",
        )],
        misses: &[
            "SELECT dealer, sum(units) AS units FROM staged.sale GROUP BY dealer",
            "/* ---\npartition_by: [month]\n--- */\nSELECT month, dealer FROM staged.sale",
            "/* ---\npartition_by: [dealer]\n--- */\nSELECT dealer, sum(units) AS units FROM staged.sale WHERE month > '2024-01-01' GROUP BY dealer",
        ],
    },
    Case {
        code: "order-not-total",
        fires: &[
            (
                "SELECT id, row_number() OVER (PARTITION BY dealer ORDER BY month) AS n FROM staged.sale",
                "row_number() OVER (PARTITION BY dealer ORDER BY month)",
            ),
            ("SELECT id, row_number() OVER () AS n FROM staged.sale", "row_number() OVER ()"),
            (
                "SELECT id, lag(units, 1) IGNORE NULLS OVER (ORDER BY month) AS before FROM staged.sale",
                "lag(units, 1) IGNORE NULLS OVER (ORDER BY month)",
            ),
            (
                "SELECT DISTINCT ON (dealer, kind) dealer, kind, id FROM staged.sale ORDER BY dealer, kind, month",
                "dealer, kind",
            ),
            ("SELECT DISTINCT ON (dealer) dealer, id FROM staged.sale", "dealer"),
        ],
        misses: &[
            "SELECT DISTINCT ON (dealer) dealer, id FROM staged.sale ORDER BY dealer, month DESC, id",
            "SELECT DISTINCT ON (dealer) dealer, month FROM staged.sale ORDER BY dealer, month",
            "SELECT DISTINCT ON (id) dealer, id FROM staged.sale ORDER BY id",
            "SELECT id, row_number() OVER (PARTITION BY dealer ORDER BY month, id) AS n, rank() OVER (ORDER BY month) AS r FROM staged.sale",
            "SELECT month, row_number() OVER (PARTITION BY dealer ORDER BY month) AS n FROM staged.sale GROUP BY dealer, month",
            "WITH line AS (SELECT sale.id AS line, month, region FROM staged.sale LEFT JOIN core.dealer ON dealer.dealer = sale.dealer) \
             SELECT line, row_number() OVER (PARTITION BY region ORDER BY month, line) AS n FROM line",
        ],
    },
    Case {
        code: "limit-without-total-order",
        fires: &[
            ("SELECT id FROM staged.sale LIMIT 3", "3"),
            ("SELECT id FROM staged.sale ORDER BY month LIMIT 3", "3"),
            ("SELECT dealer, sum(units) AS units FROM staged.sale GROUP BY dealer ORDER BY units DESC LIMIT 5", "5"),
        ],
        misses: &[
            "SELECT id FROM staged.sale ORDER BY month, id LIMIT 3",
            "SELECT dealer, sum(units) AS units FROM staged.sale GROUP BY dealer ORDER BY 2 DESC, 1 LIMIT 3",
            "SELECT id FROM staged.sale WHERE EXISTS (SELECT 1 FROM core.dealer WHERE dealer.dealer = sale.dealer LIMIT 1)",
        ],
    },
    Case {
        code: "unordered-aggregate",
        fires: &[
            ("SELECT dealer, string_agg(kind, ',') AS kinds FROM staged.sale GROUP BY dealer", "string_agg(kind, ',')"),
            (
                "SELECT id, first_value(kind) OVER (PARTITION BY dealer) AS kind FROM staged.sale",
                "first_value(kind) OVER (PARTITION BY dealer)",
            ),
        ],
        misses: &[
            "SELECT dealer, string_agg(kind, ',' ORDER BY id) AS kinds FROM staged.sale GROUP BY dealer",
            "SELECT dealer, min(kind) AS kind FROM staged.sale GROUP BY dealer",
            "SELECT id, first_value(kind) OVER (PARTITION BY dealer ORDER BY id) AS kind FROM staged.sale",
        ],
    },
    Case {
        code: "float-sum",
        fires: &[
            ("SELECT dealer, sum(price) AS price FROM staged.sale GROUP BY dealer", "sum(price)"),
            (
                "WITH line AS (SELECT '(中' AS c, price AS \"单价 (\"\"x\" FROM staged.sale)\nSELECT avg(\"单价 (\"\"x\" * 2) AS price FROM line",
                "avg(\"单价 (\"\"x\" * 2)",
            ),
            ("SELECT stddev(units) AS spread FROM staged.sale", "stddev(units)"),
        ],
        misses: &[
            "SELECT dealer, sum(amount) AS amount, max(price) AS price FROM staged.sale GROUP BY dealer",
            "SELECT sum(CAST(units AS DOUBLE)) AS units, avg(units) AS mean FROM staged.sale",
            "SELECT sum(CASE WHEN units > 1 THEN 1.0 ELSE 0 END) AS large, sum(CAST(price AS DECIMAL(18, 2))) AS price FROM staged.sale",
        ],
    },
    Case {
        code: "group-by-constant",
        fires: &[("SELECT count(*) AS lines FROM staged.sale GROUP BY 'dealer'", "'dealer'")],
        misses: &[
            "SELECT count(*) AS lines FROM staged.sale GROUP BY \"dealer\"",
            "SELECT dealer, count(*) AS lines FROM staged.sale GROUP BY 1",
            "SELECT upper('dealer') || dealer AS d, count(*) AS lines FROM staged.sale GROUP BY upper('dealer') || dealer",
        ],
    },
    Case {
        code: "unused-cte",
        fires: &[(
            "WITH line AS (SELECT id FROM staged.sale), other AS (SELECT id FROM line) SELECT id FROM line",
            "other",
        )],
        misses: &[
            "WITH line AS (SELECT id FROM staged.sale), other AS (SELECT id FROM line) SELECT id FROM other",
            "WITH line AS (SELECT id FROM staged.sale) SELECT dealer FROM core.dealer WHERE EXISTS (SELECT 1 FROM line)",
            "WITH RECURSIVE step AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM step WHERE n < 5) SELECT n FROM step",
        ],
    },
];
