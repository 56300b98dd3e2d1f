//! SQL written for DuckDB gives here what it gives there: every construct that is understood, and errors for the rest.

use crate::{outside, project::Project};

/// A project whose models are understood as DuckDB's, with one table of every type: `main.event`.
pub fn project() -> Project {
    let project = Project::new();
    let pipeline = std::fs::read_to_string(project.path("pipelines/nightly.yaml")).unwrap();
    project.file("pipelines/nightly.yaml", pipeline + "dialect: duckdb\n");
    project.source(
        "event",
        "key: [id]\ncolumns:\n  id: { type: int }\n  customer: { type: string }\n  day: { type: date }\n  moment: { type: timestamp, timezone: UTC }\n  \
         units: { type: int }\n  amount: { type: \"decimal(18,2)\" }\n  score: { type: double }\n  is_paid: { type: boolean }\n",
    );
    project.extract("event/a.csv", EVENTS);
    project.model(
        "main.event",
        "SELECT id, customer, day, CAST(moment AS TIMESTAMP) AS moment, units, amount, score, is_paid FROM staged.event",
    );
    project
}

const EVENTS: &str = "\
id,customer,day,moment,units,amount,score,is_paid
1,Ann,2024-01-31,2024-01-31 10:00:00,3,10.50,1.5,true
2,ann,2024-02-29,2024-02-29 23:59:59.250000,4,-2.25,2.5,false
3,Bob,2024-12-31,2024-12-31 00:00:01,,0.00,,true
4,,2023-03-01,2023-03-01 05:06:07,7,99.99,1e20,
5,Zoë,1999-12-31,1999-12-31 12:00:00,-7,1.00,-0.00001,false
";

/// Queries over `main.event`, one for each group of constructs; what they give is asked of DuckDB itself.
const QUERIES: &[(&str, &str)] = &[
    ("names", r#"select e."ID", "Units" as "Units Sold" from "local"."main"."event" as e order by 1;"#),
    ("trailing_comma", "select id, units, from main.event -- no more\n;"),
    (
        "division",
        "select id, units / 2 as half, amount / 3 as third, units // 2 as whole, units / 0 as none, score / 2 as s, (units + 1) % 3 as rest from main.event",
    ),
    ("literals", "select id, 1.5 * amount as m, 0.1 + 0.2 as exact, 15e-1 as double from main.event"),
    (
        "casts",
        "select id, cast(score as varchar) as s, moment::text as moment, score / 4 as q, cast(amount as int) as i, 2.5::double::int as two, '1.7'::int as also_two, amount::varchar || '!' as t, is_paid::int as paid, 1::numeric as n, '2024-01-02'::date as d, try_cast(customer as int) as nothing from main.event where id <> 4",
    ),
    (
        "concatenation",
        "select id, customer || '-' || id || '-' || moment || '-' || score || '-' || is_paid as key, concat(customer, id, null) as c from main.event",
    ),
    (
        "surrogate_key",
        "select md5(cast(coalesce(cast(id as TEXT), '_dbt_utils_surrogate_key_null_') || '-' || coalesce(cast(moment as TEXT), '_dbt_utils_surrogate_key_null_') as TEXT)) as k from main.event",
    ),
    (
        "date_arithmetic",
        "select id, day + 3 as later, day - 1 as before, day - date '2024-01-01' as days, day + interval '1' month as next, day - interval 2 day as earlier, moment + to_days(2) as t from main.event",
    ),
    (
        "date_parts",
        "select id, year(day) as y, month(day) as m, day(day) as d, quarter(day) as q, week(day) as w, dayofweek(day) as dow, isodow(day) as isodow, dayofyear(day) as doy, hour(moment) as h, minute(moment) as mi, extract(year from moment) as ey, date_part('month', moment) as pm, epoch(moment) as e from main.event",
    ),
    (
        "date_diff",
        "select id, date_diff('day', day, date '2024-03-01') as d, datediff('month', day, date '2024-03-01') as m, date_diff('year', day, date '2024-03-01') as y, date_diff('quarter', day, date '2024-03-01') as q, date_diff('week', day, date '2024-03-01') as w, date_diff('hour', moment, timestamp '2024-03-01 00:30:00') as h, date_diff('second', moment, timestamp '2024-03-01 00:30:00') as s from main.event",
    ),
    (
        "date_text",
        "select id, strftime(moment, '%Y-%m-%d %H:%M:%S.%f %A %b %-d %j %y %p') as s, dayname(day) as n, monthname(day) as m, last_day(day) as l, strptime('2024/05/06', '%Y/%m/%d') as p, try_strptime(customer, '%Y') as np, make_date(2024, 2, 3) as md from main.event",
    ),
    (
        "date_trunc",
        "select id, date_trunc('month', day) as m, date_trunc('hour', moment) as h, date_trunc('week', day) as w from main.event",
    ),
    (
        "aggregates",
        "select count(*) as n, count_if(units > 3) as many, avg(amount) as a, avg(units) as au, median(units) as med, quantile_cont(units, 0.25) as q, any_value(42) as any, arg_max(customer, units) as most, max_by(id, amount) as top, min_by(id, amount) as low, string_agg(customer, ',' order by id) as all_of_them, listagg(customer, '/' order by id) as l, stddev(units) as sd, bool_or(is_paid) as b, sum(units) filter (where units > 0) as f, sum(amount) as s from main.event",
    ),
    (
        "grouping",
        "select lower(customer) as name, is_paid, sum(amount) as amount from main.event group by all having sum(amount) is not null order by 1",
    ),
    (
        "order_of_nulls",
        "select id, row_number() over (order by units desc, id) as r, row_number() over (order by units, id) as s from main.event",
    ),
    (
        "qualify",
        "select id, lower(customer) as c, row_number() over (partition by lower(customer) order by id) as nth from main.event qualify nth = 1",
    ),
    ("stars", "select * exclude (moment, score) replace (amount * 2 as amount) from main.event"),
    (
        "aliases",
        "select units * 2 as doubled, doubled + 1 as more, sum(case when more > 7 then 1 end) over () as s from main.event where doubled is not null",
    ),
    (
        "using",
        "select * from main.event as a left join (select id, 'x' as x from main.event where units > 3) as b using (id)",
    ),
    (
        "conditions",
        "select id, if(units > 3, 'many', 'few') as i, ifnull(units, 0) as n, coalesce(units, 1.5) as c, greatest(units, 1, null) as g, least(units, 1) as l, nullif(customer, 'Bob') as b, customer ilike 'ANN' as is_ann from main.event",
    ),
    (
        "texts",
        "select id, len(customer) as l, instr(customer, 'n') as i, left(customer, 2) as two, split_part('a-b', '-', 2) as p, regexp_matches(customer, '^[AB]') as r, regexp_full_match(customer, '[A-Z].*') as f, regexp_extract(customer, '[a-z]+') as e, regexp_extract('a1b22', '([a-z])([0-9]+)', 2) as g, regexp_replace(customer, 'n', 'm') as o, regexp_replace(customer, 'n', 'm', 'g') as a, upper(customer) as u, lpad(id::text, 3, '0') as z, sha256(customer) as h, trim('  x ') as t from main.event",
    ),
    (
        "numbers",
        "select id, round(amount, 1) as r, round(score, 2) as s, floor(amount) as f, ceil(amount) as c, abs(units) as a, mod(units, 3) as m, power(units, 2) as p from main.event where id <> 4",
    ),
    ("spine", "select cast(range as date) as day from range(date '2024-01-30', date '2024-02-03', interval '1' day)"),
    ("series", "select generate_series as n from generate_series(1, 5)"),
    ("far_dates", "select timestamp '9999-12-31 00:00:00' as never, date '9999-12-31' as last"),
];

/// Every construct that is understood gives what DuckDB gives, cell by cell.
#[test]
fn every_construct_gives_what_duckdb_gives() {
    let project = project();
    for (name, sql) in QUERIES {
        project.model(&format!("main.{name}"), sql);
    }
    project.run();
    let current = project.path("warehouse/current").display().to_string();
    outside::python("dialect.py", &[&current, project.path("sql/main").to_str().unwrap()]);
}

#[test]
fn a_header_says_how_one_model_is_understood() {
    let project = Project::new();
    project.source("one", "columns:\n  id: { type: int }\n").extract("one/a.csv", "id\n1\n");
    project.model("main.truncated", "SELECT 7 / 2 AS half");
    project.model("main.exact", "/* ---\ndialect: duckdb\n--- */\nSELECT 7 / 2 AS half");
    project.run();
    assert_eq!(
        (project.rows("main.truncated"), project.rows("main.exact")),
        (vec!["3".to_owned()], vec!["3.5".to_owned()])
    );
    project.model("main.exact", "SELECT 7 / 2 AS half");
    project.run();
    assert_eq!(project.rows("main.exact"), ["3"], "another dialect is another definition");
}

/// What cannot be had here is named, with what to write instead.
#[test]
fn a_construct_without_a_counterpart_is_named() {
    for (sql, said) in [
        (
            "select now() as moment",
            "`now` of DuckDB has no counterpart: write `$run_date`: a run must give the same twice",
        ),
        (
            "select hash(1) as h",
            "`hash` of DuckDB has no counterpart: write `md5(…)`: DuckDB's own hash exists nowhere else",
        ),
        ("select * from read_csv('a.csv')", "`read_csv` of DuckDB has no counterpart: declare the file as a source"),
        ("select list_transform([1], x -> x + 1) as l", "list_transform"),
    ] {
        let project = project();
        project.model("main.wrong", sql);
        let told = project.tallyhouse(&["check"]).ends(2);
        assert!(told.err.contains(said), "{sql}:\n{}", told.err);
    }
}

#[test]
fn the_day_of_a_run_is_its_run_date() {
    let project = project();
    project.model("main.today", "select current_date as day, today() - 1 as before");
    project.run();
    assert_eq!(project.rows("main.today"), ["2026-06-30|2026-06-29"]);
}

#[test]
fn checks_and_conditions_are_read_as_the_model_is() {
    let project = project();
    let model = |head: &str, checks: &[&str]| {
        let list = checks.join("\n  - ");
        let sql = "SELECT id, day, units, amount FROM main.event";
        project.model("main.checked", &format!("/* ---\n{head}checks:\n  - {list}\n--- */\n{sql}\n"));
    };
    model(
        "",
        &[
            "expr: \"units // 2 >= -4\"",
            "{ expr: \"units / 2 = 3.5\", where: \"units // 2 = 3\" }",
            "expr: \"len(day::text) = 10\"",
            "{ not_null: [amount], where: \"units / 2 = 3.5\" }",
            "{ unique: [id], where: \"units // 2 > 0\" }",
            "{ relationships: { column: id, to: main.event, field: id }, where: \"units // 2 > 0\" }",
            "{ range: { column: amount, min: -10, max: 99.99 }, where: \"units / 2 = 3.5\" }",
            "{ row_count: { min: 1, max: 1 }, where: \"units / 2 = 3.5\" }",
            "{ freshness: { column: day, max_age_days: 100000 }, where: \"units // 2 > 0\" }",
            "{ change: { measure: sum, column: amount, max_decrease: { share: 0.1 } }, where: \"units // 2 > 0\" }",
            "{ z_score: { measure: sum, column: units, max: 3 }, where: \"units // 2 > 0\" }",
        ],
    );
    project.tallyhouse(&["check"]).succeeds();
    project.run();
    model("", &["{ expr: \"units / 2 <> 3.5\", name: halves }"]);
    let report = project.tallyhouse(&["run", "--output", "json"]).ends(1).json();
    assert_eq!(
        (&report["failed_checks"][0]["check"], &report["failed_checks"][0]["failed_rows"]),
        (&"halves".into(), &1.into())
    );
    // Whole numbers divide as whole numbers where the model says so.
    model("dialect: datafusion\n", &["{ expr: \"units / 2 <> 3.5\", name: halves }"]);
    project.run();
    let wrong = project.tallyhouse(&["check"]).succeeds();
    assert!(wrong.err.is_empty(), "{wrong:?}");
    let shown = |table: &str, filter: &str| {
        let rows = project.tallyhouse(&["show", table, "--where", filter, "--output", "json"]).succeeds().json();
        rows.to_string().matches("\"id\"").count()
    };
    assert_eq!(shown("main.event", "units / 2 = 3.5"), 1);
    assert_eq!(shown("main.checked", "units / 2 = 3.5"), 0);
    assert_eq!(project.query("select units // 2 as half from main.event where units / 2 = 3.5"), ["3"]);
}

#[test]
fn checks_of_a_model_that_alone_is_duckdbs_are_read_so_and_queries_are_not() {
    let project = project();
    let pipeline = std::fs::read_to_string(project.path("pipelines/nightly.yaml")).unwrap();
    project.file("pipelines/nightly.yaml", pipeline.replace("dialect: duckdb\n", ""));
    let sql = "/* ---\ndialect: duckdb\nchecks:\n  - expr: \"units // 2 >= -4\"\n--- */\nSELECT id, units FROM staged.event\n";
    project.model("main.event", sql);
    project.run();
    assert_eq!(project.query("SELECT units / 2 AS half FROM main.event WHERE id = 4"), ["3"]);
    let rows = project.tallyhouse(&["show", "main.event", "--where", "units / 2 = 3.5", "--output", "json"]).succeeds();
    assert!(rows.out.contains("\"id\""), "{}", rows.out);
}
