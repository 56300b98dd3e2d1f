//! Random models: relations of the columns `id`, `month`, `dealer` and `amount`, put together from each other.
//!
//! Every step gives rows that do not depend on the order in which ties come, so that two runs must agree.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// What all models are made of; `note` is a column that none of them uses.
const SALE: &str = "SELECT id, month, dealer, amount FROM staged.sale";
const REFUND: &str = "SELECT id, month, dealer, amount FROM staged.refund";

/// Rows that are others on another run date. The first ones say so by comparing it with columns of one table, which can be
/// proved of the rows that they do not touch; the last ones compute with it.
const DATED: [&str; 15] = [
    "SELECT id, month, dealer, amount FROM staged.refund WHERE booked <= $run_date",
    "SELECT id, month, dealer, amount FROM staged.sale WHERE $run_date > booked OR amount < 10",
    "SELECT id, month, dealer, amount FROM staged.refund WHERE booked BETWEEN $run_date - INTERVAL '2 days' AND $run_date",
    "SELECT id, month, dealer, amount FROM staged.refund WHERE NOT (month <= $run_date)",
    "SELECT id, month, dealer, CASE WHEN booked < $run_date THEN amount ELSE 0 END AS amount FROM staged.refund",
    "SELECT id, month, dealer, amount FROM staged.refund WHERE $run_date - booked < 3",
    "SELECT min(id) AS id, month, dealer, count(CASE WHEN booked < $run_date THEN 1 END) AS amount FROM staged.refund GROUP BY month, dealer",
    "SELECT id, month, dealer, CASE WHEN booked < $run_date THEN amount END AS amount FROM \
     (SELECT min(id) AS id, month, dealer, booked, CAST(sum(amount) AS BIGINT) AS amount FROM staged.refund GROUP BY month, dealer, booked) AS g",
    "SELECT s.id, s.month, s.dealer, CASE WHEN r.booked < $run_date THEN 1 ELSE s.amount END AS amount \
     FROM staged.sale AS s LEFT JOIN staged.refund AS r ON r.month = s.month",
    "SELECT s.id, s.month, s.dealer, CASE WHEN coalesce(r.booked, DATE '2024-05-03') < $run_date THEN 1 ELSE s.amount END AS amount \
     FROM staged.sale AS s LEFT JOIN staged.refund AS r ON r.month = s.month",
    "SELECT s.id, s.month, s.dealer, CASE WHEN r.booked < $run_date THEN 1 ELSE s.amount END AS amount FROM staged.sale AS s \
     LEFT JOIN (SELECT month, coalesce(booked, DATE '2024-05-03') AS booked FROM staged.refund) AS r ON r.month = s.month",
    "SELECT s.id, s.month, s.dealer, s.amount FROM staged.sale AS s LEFT JOIN staged.refund AS r \
     ON r.dealer = s.dealer AND r.booked > $run_date WHERE r.id IS NULL",
    "SELECT min(id) AS id, month, dealer, max(amount) AS amount FROM staged.refund GROUP BY month, dealer HAVING max(booked) < $run_date",
    "SELECT id, month, dealer, CAST($run_date - booked AS BIGINT) AS amount FROM staged.refund",
    "SELECT id, CAST(date_trunc('month', $run_date) AS DATE) AS month, dealer, amount FROM staged.refund",
];

/// The same where rows of several tables decide together, or a window or an aggregate: such a model is kept only where no row
/// notices another day.
const JOINTLY_DATED: [&str; 11] = [
    "SELECT s.id, s.month, s.dealer, CASE WHEN least(s.booked, d.booked) < $run_date THEN 1 ELSE s.amount END AS amount \
     FROM staged.refund AS s LEFT JOIN (SELECT dealer, max(booked) AS booked FROM staged.refund GROUP BY dealer) AS d ON d.dealer = s.dealer",
    "SELECT id, month, dealer, amount FROM (SELECT *, max(booked) OVER (PARTITION BY dealer) AS last FROM staged.refund) AS w WHERE last < $run_date",
    "SELECT min(id) AS id, month, dealer, max(amount) AS amount FROM staged.refund GROUP BY month, dealer HAVING max(booked) < $run_date",
    "SELECT s.id, s.month, coalesce(s.dealer, CAST(least($run_date, coalesce(s.booked, $run_date), d.booked) AS VARCHAR)) AS dealer, s.amount \
     FROM staged.refund AS s CROSS JOIN (SELECT min(booked) AS booked FROM staged.sale) AS d",
    "SELECT s.id, s.month, s.dealer, count(CASE WHEN s.booked + d.grade < $run_date THEN 1 END) OVER (PARTITION BY s.month) AS amount \
     FROM staged.refund AS s JOIN core.dealer AS d ON d.dealer = s.dealer",
    "SELECT s.id, s.month, s.dealer, sum(CASE WHEN s.booked > $run_date - d.grade THEN s.amount ELSE 0 END) OVER (PARTITION BY s.dealer) AS amount \
     FROM staged.refund AS s JOIN core.dealer AS d ON d.dealer = s.dealer WHERE s.booked < $run_date",
    "SELECT id, least(month, CAST(date_trunc('month', $run_date) AS DATE)) AS month, dealer, amount FROM staged.refund",
    "SELECT s.id, s.month, coalesce(d.region, s.dealer) AS dealer, s.amount \
     FROM staged.refund AS s LEFT JOIN core.dealer AS d ON d.dealer = s.dealer AND s.booked + d.grade < $run_date",
    "SELECT s.id, s.month, s.dealer, s.amount FROM staged.refund AS s LEFT JOIN core.dealer AS d \
     ON d.dealer = s.dealer AND s.booked + d.grade < $run_date WHERE d.dealer IS NULL",
    "SELECT s.id, s.month, s.dealer, s.amount FROM staged.refund AS s \
     WHERE NOT EXISTS (SELECT 1 FROM core.dealer AS d WHERE d.dealer = s.dealer AND s.booked + d.grade < $run_date)",
    "SELECT s.id, s.month, s.dealer, s.amount FROM staged.refund AS s \
     CROSS JOIN (SELECT max(grade) AS grade FROM core.dealer) AS d WHERE s.booked + d.grade < $run_date",
];

/// The same where the day counts for some months only, as the last day of a period that has not ended: other partitions are kept.
const PARTLY_DATED: [&str; 7] = [
    "SELECT id, month, dealer, CAST(least(CAST(month + INTERVAL '14 months' AS DATE), $run_date) - month AS BIGINT) AS amount \
     FROM staged.refund",
    "SELECT r.id, r.month, r.dealer, r.amount FROM (SELECT month, least(CAST(month + INTERVAL '14 months' AS DATE), $run_date) AS last_date \
     FROM staged.sale GROUP BY month) AS ended JOIN staged.refund AS r ON r.month = ended.month AND r.booked <= ended.last_date",
    "SELECT s.id, s.month, s.dealer, count(r.id) AS amount FROM (SELECT id, month, dealer, \
     greatest(month, CAST($run_date - INTERVAL '130 days' AS DATE)) AS first_date FROM staged.sale) AS s \
     LEFT JOIN staged.refund AS r ON r.dealer = s.dealer AND r.month >= s.first_date GROUP BY s.id, s.month, s.dealer",
    "SELECT id, least(month, CAST(date_trunc('month', $run_date) AS DATE)) AS month, dealer, amount FROM staged.refund",
    "SELECT id, greatest(month, CAST(date_trunc('year', $run_date - 120) AS DATE)) AS month, dealer, amount FROM staged.refund",
    "SELECT id, month, dealer, CAST(sum(CASE WHEN coalesce(last_booked, $run_date) < least($run_date, month + 400) THEN 1 ELSE amount END) \
     OVER (PARTITION BY month) AS BIGINT) AS amount \
     FROM (SELECT *, max(booked) OVER (PARTITION BY month) AS last_booked FROM staged.refund) AS w",
    "SELECT min(r.id) AS id, r.month, r.dealer, CAST(max(least(r.booked, d.booked, $run_date) - r.booked) AS BIGINT) AS amount \
     FROM staged.refund AS r LEFT JOIN staged.sale AS d ON d.month = r.month GROUP BY r.month, r.dealer",
];

/// One random model: the text of its file.
pub fn model(random: &mut ChaCha8Rng) -> String {
    let depth = random.random_range(1..4);
    let relation = relation(random, depth);
    published(random, &relation)
}

/// One random model that asks for the run date.
pub fn dated_model(random: &mut ChaCha8Rng) -> String {
    dated_by(random, &DATED)
}

/// One random model that asks for the run date where rows of several tables decide together.
pub fn jointly_dated_model(random: &mut ChaCha8Rng) -> String {
    dated_by(random, &JOINTLY_DATED)
}

/// One random model that asks for the run date, which counts for some of its months: what is done with its rows leaves the
/// filter of a partition where it can be told of them.
pub fn partly_dated_model(random: &mut ChaCha8Rng) -> String {
    let dated = pick(random, &PARTLY_DATED);
    let relation = match random.random_range(0..5) {
        0 => filtered(random, dated),
        1 => joined(random, dated),
        2 => windowed(random, dated),
        _ => dated.to_owned(),
    };
    published(random, &relation)
}

fn dated_by(random: &mut ChaCha8Rng, choices: &[&'static str]) -> String {
    let depth = random.random_range(1..3);
    let mut relation = relation(random, depth);
    let base = [SALE, REFUND].into_iter().find(|base| relation.contains(&format!("({base})")));
    let dated = pick(random, choices);
    relation = match base {
        Some(base) => relation.replacen(&format!("({base})"), &format!("({dated})"), 1),
        None => dated.to_owned(),
    };
    published(random, &relation)
}

fn published(random: &mut ChaCha8Rng, relation: &str) -> String {
    let (partition_by, columns) = pick(
        random,
        &[
            ("month", "month, dealer, amount"),
            ("month", "month, dealer, amount"),
            ("month", "month, dealer, amount"),
            ("month", "month, dealer, amount"),
            ("month", "month, dealer, amount"),
            ("month", "month, dealer, amount"),
            ("dealer", "month, dealer, amount"),
            ("dealer, month", "month, dealer, amount"),
            ("year", "date_part('year', month) AS year, month, dealer, amount"),
            ("quarter", "CAST(date_trunc('quarter', month) AS DATE) AS quarter, dealer, amount"),
            ("is_large", "amount > 40 AS is_large, month, dealer, amount"),
            ("size", "CASE WHEN amount > 40 THEN 'large' WHEN amount > 0 THEN 'small' END AS size, month, amount"),
            ("text", "CAST(month AS VARCHAR) AS text, month, dealer, amount"),
            ("next", "CAST(month + INTERVAL '1 month' AS DATE) AS next, dealer, amount"),
            ("", "month, dealer, amount"),
        ],
    );
    format!("/* ---\npartition_by: [{partition_by}]\n--- */\nSELECT id, {columns} FROM ({relation}) AS last\n")
}

fn relation(random: &mut ChaCha8Rng, depth: u32) -> String {
    if depth == 0 {
        let graded = "SELECT id, month, dealer, amount FROM staged.sale WHERE grade > 1";
        return pick(random, &[SALE, SALE, REFUND, graded]).to_owned();
    }
    let inner = relation(random, depth - 1);
    match random.random_range(0..8) {
        0 => filtered(random, &inner),
        1 => joined(random, &inner),
        2 => windowed(random, &inner),
        3 => aggregated(random, &inner),
        4 => narrowed(random, &inner),
        5 => combined(random, &inner),
        6 => counted(random, &inner),
        _ => moved(random, &inner),
    }
}

fn filtered(random: &mut ChaCha8Rng, inner: &str) -> String {
    let filter = pick(
        random,
        &[
            "amount > 30",
            "dealer = 'A' OR amount < 50",
            "month >= DATE '2023-06-01'",
            "month IS NULL OR amount % 2 = 0",
            "dealer IS NOT NULL",
            "date_part('year', month) = 2024",
            "month = (SELECT max(month) FROM staged.refund)",
            "amount > (SELECT avg(amount) FROM staged.refund)",
            "month BETWEEN DATE '2023-02-01' AND DATE '2024-03-01' AND dealer <> 'B'",
        ],
    );
    format!("SELECT * FROM ({inner}) AS f WHERE {filter}")
}

fn joined(random: &mut ChaCha8Rng, inner: &str) -> String {
    let join = pick(
        random,
        &[
            "JOIN core.dealer AS d ON d.dealer = r.dealer",
            "JOIN core.dealer AS d ON d.dealer = r.dealer AND d.grade > 1",
            "LEFT JOIN core.dealer AS d ON d.dealer = r.dealer",
            "LEFT JOIN core.dealer AS d ON d.dealer = r.dealer AND d.grade > 1",
            "LEFT JOIN core.dealer AS d ON d.dealer = r.dealer AND r.amount > 20",
            "CROSS JOIN (SELECT max(region) AS region FROM core.dealer) AS d",
            "LEFT JOIN (SELECT region, year FROM core.target WHERE quota > 5) AS d ON d.year = date_part('year', r.month)",
            "JOIN (SELECT region, year FROM core.target) AS d ON d.year = date_part('year', r.month)",
            "LEFT JOIN (SELECT dealer AS region, month FROM staged.refund) AS d ON d.month = r.month",
            "LEFT JOIN (SELECT dealer AS region, month, id FROM staged.refund) AS d ON d.id = r.id",
            "LEFT JOIN (SELECT DISTINCT 'x' AS region, month FROM staged.refund) AS d ON d.month = r.month WHERE d.month IS NULL",
            "LEFT JOIN (SELECT DISTINCT 'x' AS region, month FROM staged.refund) AS d ON d.month = r.month WHERE d.month IS NULL",
        ],
    );
    if join.contains("WHERE d.month") {
        return format!("SELECT r.id, r.month, r.dealer, r.amount FROM ({inner}) AS r {join}");
    }
    let kept = pick(random, &["", "", " WHERE d.region IS NULL", " WHERE coalesce(d.region, 'x') > 'b'"]);
    format!("SELECT r.id, r.month, coalesce(d.region, r.dealer) AS dealer, r.amount FROM ({inner}) AS r {join}{kept}")
}

fn windowed(random: &mut ChaCha8Rng, inner: &str) -> String {
    let order = "id, dealer, amount";
    let window = pick(
        random,
        &[
            "rank() OVER (PARTITION BY month ORDER BY amount, id)",
            "sum(amount) OVER (PARTITION BY month)",
            "count(*) OVER (PARTITION BY month, dealer)",
            "sum(amount) OVER (PARTITION BY dealer ORDER BY month, id)",
            "count(*) OVER (PARTITION BY dealer)",
            "max(amount) OVER (ORDER BY month)",
            "count(*) OVER ()",
            "lag(amount) OVER (ORDER BY month, {order})",
            "lag(amount) OVER (PARTITION BY dealer ORDER BY month, {order})",
            "lead(amount) OVER (PARTITION BY month ORDER BY {order})",
            "sum(amount) OVER (PARTITION BY date_trunc('year', month))",
        ],
    );
    let window = window.replace("{order}", order);
    format!("SELECT id, month, dealer, CAST({window} AS BIGINT) AS amount FROM ({inner}) AS w")
}

fn aggregated(random: &mut ChaCha8Rng, inner: &str) -> String {
    let sums = "CAST(sum(amount) AS BIGINT) AS amount";
    match random.random_range(0..7) {
        0 => format!("SELECT min(id) AS id, month, dealer, {sums} FROM ({inner}) AS a GROUP BY month, dealer"),
        1 => format!("SELECT min(id) AS id, month, max(dealer) AS dealer, {sums} FROM ({inner}) AS a GROUP BY month"),
        2 => format!("SELECT min(id) AS id, min(month) AS month, dealer, {sums} FROM ({inner}) AS a GROUP BY dealer"),
        3 => format!("SELECT min(id) AS id, max(month) AS month, max(dealer) AS dealer, {sums} FROM ({inner}) AS a"),
        4 => format!("SELECT DISTINCT 1 AS id, month, dealer, amount FROM ({inner}) AS a"),
        5 => format!(
            "SELECT min(id) AS id, month, dealer, {sums} FROM ({inner}) AS a GROUP BY month, dealer HAVING count(*) > 1"
        ),
        _ => format!(
            "SELECT min(id) AS id, CAST(date_trunc('year', month) AS DATE) AS month, dealer, {sums} \
             FROM ({inner}) AS a GROUP BY date_trunc('year', month), dealer"
        ),
    }
}

fn narrowed(random: &mut ChaCha8Rng, inner: &str) -> String {
    let term = pick(
        random,
        &[
            "n.dealer IN (SELECT dealer FROM core.dealer WHERE grade > 1)",
            "n.dealer IN (SELECT dealer FROM staged.refund)",
            "n.month IN (SELECT month FROM staged.refund)",
            "EXISTS (SELECT 1 FROM staged.refund AS x WHERE x.dealer = n.dealer AND x.month = n.month)",
            "NOT EXISTS (SELECT 1 FROM staged.refund AS x WHERE x.dealer = n.dealer AND x.month = n.month)",
            "NOT EXISTS (SELECT 1 FROM core.dealer AS x WHERE x.dealer = n.dealer)",
            "NOT EXISTS (SELECT 1 FROM staged.sale AS x WHERE x.month > n.month AND x.dealer = n.dealer)",
            "n.dealer NOT IN (SELECT dealer FROM core.dealer WHERE dealer IS NOT NULL)",
        ],
    );
    format!("SELECT * FROM ({inner}) AS n WHERE {term}")
}

fn combined(random: &mut ChaCha8Rng, inner: &str) -> String {
    let other = relation(random, 1);
    let total = |relation: &str| format!("SELECT month, sum(amount) AS amount FROM ({relation}) AS t GROUP BY month");
    let (one, two) = (total(inner), total(&other));
    match random.random_range(0..8) {
        7 => format!(
            "SELECT 1 AS id, a.month, 'A' AS dealer, CAST(coalesce(b.amount, a.amount) AS BIGINT) AS amount \
             FROM ({one}) AS a FULL JOIN ({two}) AS b ON b.month = a.month"
        ),
        0 | 1 => format!("SELECT * FROM ({inner}) AS u UNION ALL SELECT * FROM ({other}) AS v"),
        2 => format!("SELECT * FROM ({inner}) AS u UNION SELECT * FROM ({other}) AS v"),
        3 => format!(
            "SELECT 1 AS id, a.month, 'A' AS dealer, CAST(coalesce(b.amount, a.amount) AS BIGINT) AS amount \
             FROM ({one}) AS a LEFT JOIN ({two}) AS b ON b.month = a.month"
        ),
        4 => format!(
            "SELECT 1 AS id, coalesce(a.month, b.month) AS month, 'A' AS dealer, CAST(coalesce(b.amount, a.amount) AS BIGINT) AS amount \
             FROM ({one}) AS a FULL JOIN ({two}) AS b ON b.month = a.month"
        ),
        5 => format!(
            "SELECT 1 AS id, a.month, 'A' AS dealer, CAST(coalesce(b.amount, a.amount) AS BIGINT) AS amount \
             FROM ({one}) AS a LEFT JOIN ({two}) AS b ON b.month = CAST(a.month - INTERVAL '1 month' AS DATE)"
        ),
        _ => format!(
            "SELECT id, DATE '2024-01-01' AS month, dealer, amount FROM ({inner}) AS u \
             UNION ALL SELECT id, DATE '2024-02-01', dealer, amount FROM ({other}) AS v"
        ),
    }
}

fn counted(random: &mut ChaCha8Rng, inner: &str) -> String {
    let limit = "ORDER BY amount DESC, id, month, dealer LIMIT 5";
    match random.random_range(0..6) {
        0 | 4 | 5 => format!("SELECT * FROM (SELECT * FROM ({inner}) AS l {limit}) AS m"),
        1 => format!(
            "SELECT id, month, dealer, CAST(amount + (SELECT count(*) FROM staged.refund WHERE amount > 30) AS BIGINT) AS amount \
             FROM ({inner}) AS c"
        ),
        2 => format!(
            "SELECT id, month, (SELECT max(region) FROM core.dealer WHERE grade > 1) AS dealer, amount FROM ({inner}) AS c"
        ),
        _ => format!(
            "WITH it AS ({inner}) SELECT i.* FROM it AS i JOIN (SELECT max(amount) AS top FROM it) AS m ON i.amount < m.top"
        ),
    }
}

fn moved(random: &mut ChaCha8Rng, inner: &str) -> String {
    let month = pick(
        random,
        &[
            "CAST(month + INTERVAL '1 month' AS DATE)",
            "CAST(date_trunc('year', month) AS DATE)",
            "CAST(date_trunc('quarter', month) AS DATE)",
            "CASE WHEN amount > 40 THEN month ELSE DATE '2023-01-01' END",
            "coalesce(month, DATE '2023-03-01')",
        ],
    );
    format!("SELECT id, {month} AS month, dealer, amount FROM ({inner}) AS t")
}

fn pick<T: Copy>(random: &mut ChaCha8Rng, choices: &[T]) -> T {
    choices[random.random_range(0..choices.len())]
}
