//! Data checks: every kind firing and not firing, tolerances at their edge, what is compared with the past, and the rows that
//! are kept.

use std::fs;

use serde_json::{Value, json};

use crate::project::{Project, repository};

/// Rows with everything that may be odd about them.
const ODD: &str = "\
SELECT * FROM (VALUES
    (1, 'a', CAST(10.00 AS DECIMAL(18, 2)), DATE '2026-06-01', CAST(0.5 AS DOUBLE)),
    (2, CAST(NULL AS VARCHAR), CAST(0.01 AS DECIMAL(18, 2)), DATE '2026-06-30', CAST(1.5 AS DOUBLE)),
    (3, '张三', CAST(NULL AS DECIMAL(18, 2)), CAST(NULL AS DATE), CAST(NULL AS DOUBLE)),
    (3, '张三', CAST(5.00 AS DECIMAL(18, 2)), DATE '2026-06-02', CAST(0.5 AS DOUBLE))
) AS odd(id, \"大\"\"小\", amount, day, ratio)
";

/// Makes a project with a source that no model reads.
fn bare() -> Project {
    let project = Project::new();
    project.source("unread", "columns:\n  id: { type: int }\n").extract("unread/a.csv", "id\n1\n");
    project
}

/// Writes a model with checks.
fn checked(project: &Project, table: &str, head: &str, checks: &[&str], sql: &str) {
    let list = checks.join("\n  - ");
    project.model(table, &format!("/* ---\n{head}checks:\n  - {list}\n--- */\n{sql}"));
}

/// Returns name and number of failing rows of every check that a run did not find passed.
fn failed(report: &Value) -> Vec<String> {
    let line = |check: &Value| format!("{} {}", check["check"].as_str().unwrap(), check["failed_rows"]);
    report["failed_checks"].as_array().unwrap().iter().map(line).collect()
}

/// Returns the text of a run from its checks on, without ids and times.
fn from_checks(text: &str) -> String {
    let text = &text[text.find("\nchecks:").unwrap() + 1..];
    let ids = regex::Regex::new(r"\d{6}-[0-9a-f]{8}| in [\d.]+ s| \([\d.]+ s\)|\d{8}T\d{9}Z-\d+").unwrap();
    ids.replace_all(text, "<…>").into_owned()
}

#[test]
fn every_kind_of_check_of_rows_finds_the_rows_that_fail_and_no_others() {
    let passing = [
        "not_null: [id]",
        "unique: [id, amount]",
        "accepted_values: { column: '大\"小', values: [a, 张三] }",
        "relationships: { column: '大\"小', to: core.odd, field: '大\"小' }",
        "expr: amount > 0",
        "{ expr: 10 / (id - 1) > 0, where: id <> 1 }",
        "range: { column: amount, min: 0.01, max: 10 }",
        "range: { column: amount, above: 0.009, below: 10.001 }",
        "range: { column: day, min: 2026-06-01, max: 2026-06-30 }",
        "range: { column: id, above: 0.5, below: 3.5 }",
        "range: { column: ratio, min: 0.5, max: 1.5 }",
        "row_count: { min: 4, max: 4 }",
        "{ row_count: { max: 2 }, where: id = 3 }",
    ];
    let failing = [
        ("not_null: ['大\"小', amount]", "not_null(大\"小, amount) 2"),
        ("unique: [id]", "unique(id) 1"),
        ("unique: [ratio]", "unique(ratio) 1"),
        ("accepted_values: { column: '大\"小', values: [a] }", "accepted_values(大\"小) 2"),
        ("relationships: { column: id, to: core.few, field: id }", "relationships(id, core.few.id) 3"),
        ("expr: amount <> (SELECT max(amount) FROM core.odd)", "expr(amount <> (SELECT max(amount) FROM core.odd)) 1"),
        ("range: { column: amount, min: 0.011 }", "range(amount) 1"),
        ("range: { column: amount, above: 0.01 }", "range(amount) 1"),
        ("range: { column: amount, below: 10.00 }", "range(amount) 1"),
        ("range: { column: day, min: 2026-06-02 }", "range(day) 1"),
        ("range: { column: day, above: 2026-06-01, below: 2026-06-30 }", "range(day) 2"),
        ("range: { column: id, min: 1.5 }", "range(id) 1"),
        ("range: { column: ratio, below: 1.5 }", "range(ratio) 1"),
        ("range: { column: '大\"小', max: b }", "range(大\"小) 2"),
        ("{ row_count: { min: 5 }, name: 'at least \"five\"' }", "at least \"five\" 1"),
        ("{ row_count: { min: 3 }, where: id = 3 }", "row_count 1"),
    ];
    let project = bare();
    project.model("core.few", "SELECT 1 AS id\n");
    checked(&project, "core.odd", "", &passing, ODD);
    assert_eq!(failed(&project.run()), [""; 0]);
    let warn = |(check, _): &(&str, &str)| match check.strip_prefix("{ ") {
        Some(check) => format!("{{ severity: warn, {check}"),
        None => format!("{check}\n    severity: warn"),
    };
    let written: Vec<String> = failing.iter().map(warn).collect();
    checked(&project, "core.odd", "", &written.iter().map(String::as_str).collect::<Vec<_>>(), ODD);
    assert_eq!(failed(&project.run()), failing.map(|(_, found)| found));
}

#[test]
fn as_many_failing_rows_as_are_tolerated_are_no_failure() {
    let sql = "SELECT id, CASE WHEN id > 3 THEN id END AS a FROM (VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10)) AS t(id)\n";
    let outcome = |tolerance: &str| {
        let project = bare();
        checked(&project, "core.t", "", &[&format!("{{ not_null: [a], {tolerance} }}")], sql);
        let ran = project.tallyhouse(&["run"]);
        (ran.code, from_checks(&ran.out))
    };
    for tolerated in ["max_rows: 3", "max_share: 0.3", "max_rows: 3, max_share: 0.3", "max_share: 0.6, where: id < 6"] {
        assert_eq!(outcome(tolerated).0, 0, "{tolerated}");
    }
    for stopped in
        ["max_rows: 2", "max_share: 0.29999", "max_rows: 2, max_share: 0.5", "max_share: 0.59, where: id < 6"]
    {
        assert_eq!(outcome(stopped).0, 1, "{stopped}");
    }
    insta::assert_snapshot!(outcome("max_rows: 5, max_share: 0.3").1, @r"
    checks: 1 run, 0 failed, 0 warnings, 1 tolerated
      tolerated: core.t not_null(a) fails for 3 rows of 10, 5 and 30 % tolerated (sql/core/t.sql:3:5)
        {}
        {}

    published snapshot <…><…>
    ");
    insta::assert_snapshot!(outcome("max_rows: 2, severity: warn").1, @r"
    checks: 1 run, 0 failed, 1 warning
      warning: core.t not_null(a) fails for 3 rows of 10, 2 tolerated (sql/core/t.sql:3:5)
        {}
        {}

    published snapshot <…><…>
    ");
}

#[test]
fn a_check_that_looks_at_nothing_says_so() {
    let project = bare();
    checked(&project, "core.empty", "", &["not_null: [a]", "unique: [a]"], "SELECT 1 AS a WHERE false\n");
    let checks =
        ["{ not_null: [a], where: a > 7 }", "{ unique: [a], where: a > 7 }", "{ row_count: { max: 3 }, where: a > 7 }"];
    checked(&project, "core.some", "", &checks, "SELECT 1 AS a\n");
    let ran = project.tallyhouse(&["run"]).succeeds();
    insta::assert_snapshot!(from_checks(&ran.out), @r"
    checks: 5 run, 0 failed, 0 warnings
      note: core.empty is empty, so its checks of rows pass without looking at any
      warning: sql/core/some.sql:3:5: core.some not_null(a) looks at nothing: its `where` selects no row of 1
      warning: sql/core/some.sql:4:5: core.some unique(a) looks at nothing: its `where` selects no row of 1

    published snapshot <…><…>
    ");
}

#[test]
fn freshness_knows_no_clock_but_the_run_date_in_the_pipelines_zone() {
    let project = Project::new();
    project.source(
        "visit",
        "columns:\n  day: { type: date }\n  seen_at: { type: timestamp, timezone: UTC }\nchecks:\n\
         \x20 - { freshness: { column: day, max_age_days: 3 }, name: days }\n\
         \x20 - { freshness: { column: seen_at, max_age_days: 3 }, name: local_days }\n\
         \x20 - { freshness: { column: seen_at, max_age_hours: 84 }, name: hours }\n",
    );
    // 2026-06-27T12:00 in Shanghai is four in the morning in UTC; the last row is garbage from the future.
    project.extract("visit/a.csv", "day,seen_at\n2026-06-27,2026-06-27 04:00:00\n2026-06-01,2030-01-01 00:00:00\n");
    let outcome = |day: &str| {
        let ran = project.tallyhouse(&["run", "--output", "json", "--run-date", day]);
        let report = ran.json();
        let reason =
            |check: &Value| format!("{}: {}", check["check"].as_str().unwrap(), check["reason"].as_str().unwrap());
        let reasons: Vec<String> = report["failed_checks"].as_array().unwrap().iter().map(reason).collect();
        (ran.code, report["outcome"].as_str().unwrap().to_owned(), reasons)
    };
    assert_eq!(outcome("2026-06-30"), (0, "published".to_owned(), vec![]));
    let served = project.current().id().to_owned();
    // Nothing has changed but the day, and that is what the check is for.
    let (code, ended, reasons) = outcome("2026-07-01");
    assert_eq!((code, ended.as_str()), (1, "stopped"));
    assert_eq!(
        reasons,
        [
            "days: the newest value 2026-06-27 is 4 days before the run date, more than 3",
            "local_days: the newest value 2026-06-27T04:00:00+00:00 is 4 days before the run date, more than 3",
            "hours: the newest value 2026-06-27T04:00:00+00:00 is 108 hours before the end of the run date, more than 84",
        ]
    );
    assert_eq!(project.current().id(), served);
    assert_eq!(outcome("2026-06-30"), (0, "unchanged".to_owned(), vec![]));
    // A day without any value is no fresh one.
    let (_, _, reasons) = outcome("2026-05-01");
    assert_eq!(reasons[0], "days: there is no value up to the run date");
}

/// Makes a project with a partitioned table of sales.
fn sales(checks: &[&str]) -> Project {
    let project = Project::new();
    project.source(
        "sale",
        "columns:\n  month: { type: date }\n  amount: { type: \"decimal(18,2)\" }\n  buyer: { type: string }\n",
    );
    checked(&project, "core.sale", "partition_by: [month]\n", checks, "SELECT month, amount, buyer FROM staged.sale\n");
    project
}

fn send<'a>(project: &'a Project, rows: &[&str]) -> &'a Project {
    project.extract("sale/a.csv", format!("month,amount,buyer\n{}\n", rows.join("\n")))
}

#[test]
fn a_change_is_measured_against_the_previous_snapshot() {
    let project = sales(&[
        "{ severity: warn, change: { measure: rows, max_decrease: { share: 0.25 } } }",
        "{ severity: warn, change: { measure: rows, by: month, max_decrease: { absolute: 0 } } }",
        "{ severity: warn, change: { measure: sum, column: amount, max_increase: { share: 0.1 } } }",
        "{ severity: warn, change: { measure: null_share, column: buyer, max_increase: { absolute: 0.25 } } }",
        "{ severity: warn, change: { measure: distinct_count, column: buyer, max_decrease: { absolute: 1 } } }",
    ]);
    send(&project, &["2026-01-01,0.70,a", "2026-01-01,0.10,b", "2026-02-01,0.10,c", "2026-02-01,0.10,c"]);
    let report = project.run();
    assert_eq!(failed(&report), [""; 0]);
    let first = "core.sale change(rows): passes, since nothing is compared: there is no previous snapshot";
    assert_eq!((report["check_notes"].as_array().unwrap().len(), &report["check_notes"][0]), (5, &first.into()));
    // Every step is as large as is allowed: from 4 rows to 3, from 1.00 to 1.10, from no NULL to a quarter, and from 3 buyers
    // to 2; February alone has come down. March is new.
    send(&project, &["2026-01-01,0.70,a", "2026-01-01,0.10,b", "2026-03-01,0.30,b"]);
    assert_eq!(failed(&project.run()), ["change(rows by month) 1"]);
    assert_eq!(
        project.query("SELECT check_name, row FROM ops.check_failure"),
        [r#"change(rows by month)|{"month":"2026-02-01","before":2,"now":0}"#]
    );
    send(&project, &["2026-01-01,1.11,a", "2026-01-01,0.10,", "2026-03-01,0.01,", "2026-03-01,0.01,"]);
    let report = project.run();
    assert_eq!(failed(&report), ["change(sum(amount)) 1", "change(null_share(buyer)) 1"]);
    assert_eq!(report["failed_checks"][0]["reason"], "sum(amount) was 1.1 and is 1.23, a larger increase than 10 %");
    // The same night again: nothing has changed, so nothing is checked and nothing published.
    assert_eq!(project.run()["outcome"], "unchanged");
}

#[test]
fn a_step_that_a_person_accepts_is_published_once() {
    let project = sales(&["{ change: { measure: rows, max_decrease: { share: 0.1 } } }", "not_null: [buyer]"]);
    send(&project, &["2026-01-01,1.00,a", "2026-01-01,2.00,b", "2026-02-01,3.00,c"]).run();
    send(&project, &["2026-01-01,1.00,a"]);
    let report = project.tallyhouse(&["run", "--output", "json"]).ends(1).json();
    assert_eq!(
        report["check_notes"],
        json!(["core.sale change(rows): if the step is true, `run --accept 'core.sale:change(rows)'` publishes it"])
    );
    let stopped = project.tallyhouse(&["run"]).ends(1);
    assert!(
        stopped.out.contains("stopped before publishing: a check failed: core.sale change(rows)"),
        "{}",
        stopped.out
    );

    let unknown = project.tallyhouse(&["run", "--accept", "core.sale:change(row)"]).ends(2);
    assert!(unknown.err.contains("there is no check `core.sale:change(row)` to accept"), "{}", unknown.err);
    assert!(unknown.err.contains("did you mean `core.sale:change(rows)`?"), "{}", unknown.err);
    let other = project.tallyhouse(&["run", "--accept", "core.sale:not_null(buyer)"]).ends(1);
    assert!(
        other.out.contains("core.sale not_null(buyer): is accepted, and did not fail in this run"),
        "{}",
        other.out
    );

    let report = project.run_with(&["--accept", "core.sale:change(rows)"]);
    assert_eq!((&report["outcome"], failed(&report).len()), (&"published".into(), 1));
    assert_eq!((&report["failed_checks"][0]["is_accepted"], &report["check_notes"]), (&true.into(), &json!([])));
    assert_eq!(project.query("SELECT amount FROM core.sale"), ["1.0"]);
    assert_eq!(project.query("SELECT check_name, severity FROM ops.check_failure"), ["change(rows)|error"]);
    // From now on one row is what it was.
    send(&project, &["2026-01-01,4.00,a"]);
    assert_eq!(failed(&project.run()), [""; 0]);

    send(&project, &["2026-01-01,4.00,"]);
    let accepted = project.tallyhouse(&["run", "--accept", "core.sale:not_null(buyer)"]).succeeds();
    assert!(accepted.out.contains("0 failed, 0 warnings, 1 accepted"), "{}", accepted.out);
    assert!(accepted.out.contains("accepted: core.sale not_null(buyer) fails for 1 row ("), "{}", accepted.out);
    // What goes on failing is not remembered as accepted.
    send(&project, &["2026-01-01,5.00,"]);
    project.tallyhouse(&["run"]).ends(1);
}

#[test]
fn what_was_not_there_before_is_not_compared() {
    let check = "{ change: { measure: sum, column: tax, max_increase: { share: 0 } } }";
    let project = sales(&["row_count: { min: 1 }"]);
    send(&project, &["2026-01-01,1.00,a"]).run();
    let sql = "SELECT month, amount, buyer, CAST(amount AS DOUBLE) AS tax FROM staged.sale\n";
    checked(&project, "core.sale", "partition_by: [month]\n", &[check], sql);
    let report = project.run();
    assert_eq!(failed(&report), [""; 0]);
    let note = report["check_notes"][0].as_str().unwrap();
    assert!(
        note.starts_with("core.sale change(sum(tax)): passes, since nothing is compared: the table of snapshot "),
        "{note}"
    );
    send(&project, &["2026-01-01,1.00,a", "2026-02-01,1.00,a"]);
    project.tallyhouse(&["run"]).ends(1);
    // A rollback serves the rows of before, so they are what counts.
    send(&project, &["2026-01-01,0.50,a"]);
    project.run();
    let first = project.tallyhouse(&["snapshots", "ls", "--output", "json"]).succeeds().json();
    assert!(first.as_array().is_some() || first.is_object());
    project.tallyhouse(&["snapshots", "rollback", "2"]).succeeds();
    project.tallyhouse(&["snapshots", "release"]).succeeds();
    send(&project, &["2026-01-01,0.90,a"]);
    assert_eq!(failed(&project.run()), [""; 0]);
}

#[test]
fn a_z_score_stands_on_the_run_dates_that_were_published() {
    let check = "{ severity: warn, z_score: { measure: sum, column: amount, max: 3, min_history: 3, history: 4 } }";
    let project = sales(&[check]);
    let night = |day: u32, amount: &str| {
        send(&project, &[&format!("2026-01-01,{amount},a")]);
        project.run_with(&["--run-date", &format!("2026-06-{day:02}")])
    };
    for (day, amount) in [(1, "10"), (2, "12"), (3, "14")] {
        let report = night(day, amount);
        let note = format!("there are {} earlier values, fewer than 3", day - 1);
        assert!(report["check_notes"][0].as_str().unwrap().ends_with(&note), "{report}");
    }
    // Mean 12, deviation 2: 18 is at three deviations, 18.01 beyond.
    assert_eq!(failed(&night(4, "18.01")), ["z_score(sum(amount)) 1"]);
    let points = "SELECT run_date, value FROM ops.check_measure ORDER BY run_date";
    assert_eq!(project.query(points)[3], "2026-06-04|18.01");
    // A second run of the same day replaces its point, and is compared with the days before.
    assert_eq!(failed(&night(4, "18.00")), [""; 0]);
    assert_eq!(project.query(points), ["2026-06-01|10.0", "2026-06-02|12.0", "2026-06-03|14.0", "2026-06-04|18.0"]);
    // Old snapshots go, what was measured stays.
    project.tallyhouse(&["snapshots", "vacuum", "--keep", "1", "--apply"]).succeeds();
    assert_eq!(failed(&night(5, "100")), ["z_score(sum(amount)) 1"]);
    assert_eq!(project.query(points).len(), 5);
}

#[test]
fn a_z_score_over_partitions_needs_no_history() {
    let check = "{ z_score: { measure: sum, column: amount, over: month, max: 3, min_history: 3 }, where: \"month < '2026-05-01'\" }";
    let project = sales(&[check]);
    let months = ["2026-01-01,10,a", "2026-02-01,10,a", "2026-03-01,10,a", "2026-05-01,999,a", ",7,a"];
    // Equal values have a hundredth of their mean as deviation: 10.30 is at three of them.
    send(&project, &[&months[..], &["2026-04-01,10.30,a"]].concat());
    project.run();
    send(&project, &[&months[..], &["2026-04-01,10.31,a"]].concat());
    let report = project.tallyhouse(&["run", "--output", "json"]).ends(1).json();
    assert_eq!(failed(&report), ["z_score(sum(amount) over month) 1"]);
    let sample = &report["failed_checks"][0]["samples"][0];
    assert_eq!((&sample["month"], &sample["value"]), (&"2026-04-01".into(), &10.31.into()));
}

/// Makes a project whose rows fail checks that only warn.
fn with_failures(severity: &str) -> Project {
    let project = Project::new();
    project.source(
        "member",
        &format!(
            "key: [id]\ncolumns:\n  id: {{ type: int }}\n  phone: {{ type: string, pii: phone }}\n  city: {{ type: string }}\n\
             checks:\n  - {{ not_null: [phone, city], severity: {severity}, tags: [contact] }}\n"
        ),
    );
    project.extract("member/a.csv", "id,phone,city\n1,139,\n2,138,上海\n3,,北京\n4,137,\n");
    checked(
        &project,
        "core.city",
        "key: [city]\n",
        &["{ expr: members < 2, severity: warn, name: \"it's small\" }"],
        "SELECT coalesce(city, '\"') AS city, count(*) AS members FROM staged.member GROUP BY city\n",
    );
    project
}

#[test]
fn failing_rows_are_kept_in_the_snapshot_without_personal_data() {
    let project = with_failures("warn");
    let nightly = fs::read_to_string(project.path("pipelines/nightly.yaml")).unwrap();
    project.file("pipelines/nightly.yaml", nightly.clone() + "checks: { kept_rows: 2 }\n");
    let report = project.run();
    assert_eq!(report["failed_checks"][0]["tags"], serde_json::json!(["contact"]));
    assert_eq!(
        project.query("SELECT * FROM ops.check_failure ORDER BY table_name, check_name, row_number"),
        [
            r#"core.city|it's small|warn|1|1|{"city":"\""}|{"city":"\"","members":2}"#,
            r#"staged.member|not_null(phone, city)|warn|3|1|{"id":1}|{"id":1,"city":null}"#,
            r#"staged.member|not_null(phone, city)|warn|3|2|{"id":3}|{"id":3,"city":"北京"}"#,
        ]
    );
    // Rows of staged tables are for those who may read these.
    assert!(project.path("warehouse/current/private/ops/check_failure/data").is_dir());
    assert!(!fs::read_to_string(project.path("warehouse/current/views.sql")).unwrap().contains("check_failure"));
    insta::assert_snapshot!(project.tallyhouse(&["rejects"]).succeeds().out, @r"
    checks of the served snapshot:
    core.city                it's small                                       1 row fails, 1 kept (warning)
    staged.member            not_null(phone, city)                            3 rows fail, 2 kept (warning)

    `tallyhouse rejects show SCHEMA.TABLE` shows the rows
    ");
    let shown = project.tallyhouse(&["rejects", "show", "staged.member", "--output", "json"]).succeeds().json();
    assert_eq!((shown.as_array().unwrap().len(), &shown[1]["row"]), (2, &r#"{"id":3,"city":"北京"}"#.into()));
    let mistyped = project.tallyhouse(&["rejects", "show", "core.city", "--check", "its small"]).ends(2);
    assert_eq!(
        mistyped.error(),
        "error: no row of `core.city` fails a check `its small`\n  hint: did you mean `it's small`?\n"
    );

    // Nothing changed: nothing is published, and what fails stays known.
    assert_eq!(project.run()["outcome"], "unchanged");
    project.file("pipelines/nightly.yaml", nightly);
    project.current().verify();
    let again = with_failures("warn");
    again.file(
        "pipelines/nightly.yaml",
        fs::read_to_string(project.path("pipelines/nightly.yaml")).unwrap() + "checks: { kept_rows: 2 }\n",
    );
    again.run();
    assert_eq!(again.current().id(), project.current().id(), "the same rows give the same snapshot");
}

#[test]
fn failing_rows_of_a_run_that_stopped_are_kept_beside_its_record() {
    let project = with_failures("error");
    let ran = project.tallyhouse(&["run"]).ends(1);
    assert!(
        ran.out.contains("stopped before publishing: a check failed: staged.member not_null(phone, city)"),
        "{}",
        ran.out
    );
    let listed = project.tallyhouse(&["rejects"]).succeeds().out;
    assert!(listed.contains(", which published nothing:\n"), "{listed}");
    let failing = |project: &Project| {
        let shown = project.tallyhouse(&["rejects", "show", "staged.member", "--output", "json"]).succeeds().json();
        shown.as_array().unwrap().iter().map(|row| row["key"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(failing(&project), [r#"{"id":1}"#, r#"{"id":3}"#, r#"{"id":4}"#]);
    // The next run publishes, and only what it lets pass is left.
    project.extract("member/a.csv", "id,phone,city\n2,138,上海\n3,139,上海\n");
    project.run();
    project.tallyhouse(&["rejects", "show", "staged.member"]).ends(2);
    let listed = project.tallyhouse(&["rejects", "--output", "json"]).succeeds().json();
    assert_eq!(
        listed,
        serde_json::json!([
            { "table": "core.city", "check": "it's small", "severity": "warn", "failed_rows": 1, "kept_rows": 1 }
        ])
    );
}

#[test]
fn checks_over_the_same_rows_are_not_run_again() {
    let project = Project::new();
    for name in ["one", "two"] {
        project.source(name, "key: [id]\ncolumns:\n  id: { type: int }\n");
        project.extract(&format!("{name}/a.csv"), "id\n1\n2\n");
        project.model(&format!("core.{name}"), &format!("/* ---\nkey: [id]\n--- */\nSELECT id FROM staged.{name}\n"));
    }
    let checks = [
        "not_null: [id]",
        "relationships: { column: id, to: core.two, field: id }",
        "expr: id <= (SELECT max(id) FROM core.two)",
        "change: { measure: rows, max_increase: { share: 1 } }",
    ];
    checked(&project, "core.one", "key: [id]\n", &checks, "SELECT id FROM staged.one\n");
    let report = project.run();
    assert_eq!((&report["checks"], &report["unchanged_checks"]), (&6.into(), &0.into()));
    // The other table loses a row: what looks at it runs again, and finds it.
    project.extract("two/a.csv", "id\n1\n");
    let report = project.tallyhouse(&["run", "--output", "json"]).ends(1).json();
    assert_eq!(failed(&report), ["relationships(id, core.two.id) 1", "expr(id <= (SELECT max(id) FROM core.two)) 1"]);
    assert_eq!((&report["checks"], &report["unchanged_checks"]), (&4.into(), &2.into()));
    // Another tolerance is another check.
    checked(&project, "core.one", "key: [id]\n", &["{ not_null: [id], max_rows: 1 }"], "SELECT id FROM staged.one\n");
    let report = project.run();
    assert_eq!((&report["checks"], &report["unchanged_checks"]), (&2.into(), &1.into()));
}

#[test]
fn checks_of_columns_that_have_not_changed_are_not_run_again() {
    let project = Project::new();
    project.source("one", "key: [id]\ncolumns:\n  id: { type: int }\n  note: { type: string }\n");
    project.extract("one/a.csv", "id,note\n1,a\n2,b\n");
    project.model("core.two", "/* ---\nkey: [id]\n--- */\nSELECT id, note FROM staged.one\n");
    let of_id = [
        "not_null: [id]",
        "range: { column: id, min: 1 }",
        "expr: id > 0",
        "relationships: { column: id, to: core.two, field: id }",
    ];
    let of_note = [
        "accepted_values: { column: note, values: [a, b, c] }",
        "expr: Note <> 'd' or note is null",
        "expr: id < 2\n    where: note = 'a'\n    name: first",
        "expr: (select count(*) from core.two where note = 'd') = 0",
    ];
    let checks: Vec<&str> = of_id.into_iter().chain(of_note).collect();
    checked(&project, "core.one", "key: [id]\n", &checks, "SELECT id, note FROM staged.one\n");
    let report = project.run();
    assert_eq!((&report["checks"], &report["unchanged_checks"]), (&10.into(), &0.into()));
    // Another value of one column: the keys of both tables, and what asks for `id` alone, have passed already.
    project.extract("one/b.csv", "id,note\n2,c\n");
    let report = project.run();
    assert_eq!((&report["checks"], &report["unchanged_checks"]), (&4.into(), &6.into()));
    // What failed because of it is found.
    project.extract("one/c.csv", "id,note\n2,a\n");
    let report = project.tallyhouse(&["run", "--output", "json"]).ends(1).json();
    assert_eq!(failed(&report), ["first 1"]);
}

#[test]
fn mistakes_in_checks_are_found_without_data() {
    let findings = |check: &str| {
        let project = bare();
        checked(&project, "core.odd", "", &[check], ODD);
        let said = project.tallyhouse(&["check"]).ends(2).err;
        let line = |start: &str| said.lines().find_map(|line| line.trim().strip_prefix(start)).unwrap_or("").to_owned();
        format!("{} | {} | {}", line("error: "), line("--> sql/core/odd.sql:"), line("= help: "))
    };
    for (check, expected) in [
        ("freshnes: { column: day }", "unknown key `freshnes` | 3:5 | did you mean `freshness`?"),
        ("range: { column: dya, min: 1 }", "the result has no column `dya` | 3:22 | did you mean `day`?"),
        (
            "range: { column: day, min: 30.6.2026 }",
            "`30.6.2026` is not a date such as 2026-06-30, as the column is in the check `range(day)` | 3:32 | ",
        ),
        (
            "range: { column: id, above: 1, below: 2 }",
            "no value lies between the bounds in the check `range(id)` | 3:43 | ",
        ),
        ("range: { column: id }", "`range` has no bound | 3:12 | write `min`, `max`, `above` or `below`"),
        (
            "freshness: { column: day, max_age_hours: 3 }",
            "`day` is a date, which has no hours in the check `freshness(day)` | 3:26 | write `max_age_days`",
        ),
        (
            "freshness: { column: id, max_age_days: 3 }",
            "`id` is neither a date nor a timestamp in the check `freshness(id)` | 3:26 | name the column that says when a row came to be",
        ),
        (
            "change: { measure: sum, column: day, max_increase: { share: 1 } }",
            "`day` is not a number, so it has no sum in the check `change(sum(day))` | 3:37 | `null_share` and `distinct_count` take any column",
        ),
        (
            "change: { measure: rows, by: day, max_increase: { share: 1 } }",
            "`day` is no partition column of core.odd in the check `change(rows by day)` | 3:34 | the table has no partitions; leave the key out",
        ),
        (
            "change: { measure: rows }",
            "`change` has no bound | 3:13 | write `max_decrease: { share: 0.1 }` or `max_increase`",
        ),
        ("change: { measure: row, max_increase: { share: 1 } }", "unknown value `row` | 3:24 | did you mean `rows`?"),
        ("z_score: { measure: rows, max: 0 }", "`max: 0` is not more than 0 | 3:36 | write `max: 3`"),
        (
            "{ row_count: { min: 1 }, max_rows: 3 }",
            "the check looks at a number, so there are no failing rows to tolerate | 3:40 | widen the bounds of the check instead",
        ),
        ("{ not_null: [id], max_share: 3 }", "share `3` is not between 0 and 1 | 3:34 | write 0.02 for 2 %"),
        (
            "{ not_null: [id], where: dya is null }",
            "unknown column `dya` in the check `not_null(id)` | 3:30 | did you mean `day`?",
        ),
        (
            "expr: id > CAST(day AS VARCHAR)",
            "cannot compare `id` (BIGINT) with VARCHAR in the check `expr(id > CAST(day AS VARCHAR))` | 3:11 | cast it to say what is meant",
        ),
        (
            "expr: day > 2026-01-01",
            "cannot compare `day` (DATE) with BIGINT in the check `expr(day > 2026-01-01)` | 3:11 | a date is written so: `DATE '2026-01-31'`",
        ),
        (
            "relationships: { column: day, to: core.odd, field: id }",
            "cannot compare `day` (DATE) with `id` of core.odd (BIGINT) in the check `relationships(day, core.odd.id)` | 3:30 | name columns of one type",
        ),
    ] {
        assert_eq!(findings(check), expected, "{check}");
    }
}

/// Returns what is wrong with one check of the odd table: message, place and hint.
fn told(check: &str) -> [String; 3] {
    let project = bare();
    checked(&project, "core.odd", "", &[check], ODD);
    let said = project.tallyhouse(&["check"]).ends(2).err;
    assert_eq!(said.matches("error:").count(), 1, "{said}");
    let line = |start: &str| said.lines().find_map(|line| line.trim().strip_prefix(start)).unwrap_or("").to_owned();
    let message = line("error: ");
    let message = message.split(" in the check ").next().unwrap();
    [message.to_owned(), line("--> sql/core/odd.sql:"), line("= help: ")]
}

#[test]
fn a_check_that_looks_at_nothing_is_an_error() {
    let (is_true, name) =
        ("the condition is true whatever a row holds, so no row can fail", "name the column that it is about");
    let is_false = "the `where` is false whatever a row holds, so the check looks at none";
    let (remove, null) =
        ("remove it, or name the rows that count", "a comparison with NULL is NULL: write `IS NULL` or `IS NOT NULL`");
    for (check, expected) in [
        ("expr: 1 = 1", [is_true, "3:11", name]),
        ("expr: \"true\"", [is_true, "3:12", name]),
        ("expr: day = NULL", ["the condition is NULL whatever a row holds, so no row can fail", "3:11", null]),
        ("{ not_null: [id], where: \"1 = 0\" }", [is_false, "3:31", remove]),
        ("{ not_null: [id], where: \"false\" }", [is_false, "3:31", remove]),
        ("{ row_count: { min: 1 }, where: \"id > 1 AND 1 = 0\" }", [is_false, "3:38", remove]),
        (
            "{ not_null: [id], where: day = NULL }",
            ["the `where` is NULL whatever a row holds, so the check looks at none", "3:30", null],
        ),
        (
            "accepted_values: { column: amount, values: [1, abc] }",
            [
                "`abc` is no value of `amount`, which is a decimal(18,2)",
                "3:52",
                "write a value of that type, or leave it out",
            ],
        ),
    ] {
        assert_eq!(told(check), expected, "{check}");
    }
}

#[test]
fn a_text_that_is_no_condition_on_a_row_is_told_in_plain_words() {
    let aggregate = "an aggregate looks at all rows, and a check at one";
    let query = "compare with a query: `(SELECT max(…) FROM core.odd) > 3`; of the number of rows there is `row_count`, of what a \
                 sum was before `change`";
    let value =
        |data_type: &str| format!("this is a value of type `{data_type}`, and no condition that is true or false");
    for (check, expected) in [
        ("expr: amount", [value("decimal(18,2)").as_str(), "3:11", "compare it, as in `amount > 0`"]),
        ("expr: day", [value("date").as_str(), "3:11", "compare it, as in `day IS NOT NULL`"]),
        ("{ not_null: [id], where: id }", [value("bigint").as_str(), "3:30", "compare it, as in `id > 0`"]),
        (
            "expr: >-\n      amount\n    name: odd",
            [value("decimal(18,2)").as_str(), "4:7", "compare it, as in `amount > 0`"],
        ),
        ("expr: sum(amount) > 3", [aggregate, "3:11", query]),
        ("expr: amount > avg(amount)", [aggregate, "3:11", query]),
        (
            "expr: row_number() OVER (ORDER BY id) < 5",
            [
                "a window function looks at several rows, and a check at one",
                "3:11",
                "compute it in a column of the model, and compare the column",
            ],
        ),
    ] {
        assert_eq!(told(check), expected, "{check}");
    }
}

#[test]
fn a_condition_that_the_rows_decide_is_none_of_these() {
    let project = bare();
    let fine = [
        "expr: id IS NOT NULL",
        "expr: amount IS NULL OR amount > 0",
        "expr: (SELECT count(*) FROM core.odd) > 3",
        "expr: amount <= (SELECT max(amount) FROM core.odd)",
        "{ expr: \"false\", where: id > 100 }",
        "{ not_null: [id], where: \"true\" }",
        "accepted_values: { column: amount, values: [10.00, 0.01, 5.00] }",
        "accepted_values: { column: day, values: [2026-06-01, 2026-06-30, 2026-06-02] }",
    ];
    checked(&project, "core.odd", "", &fine, ODD);
    project.tallyhouse(&["check"]).succeeds();
}

#[test]
fn the_examples_of_the_docs_are_definitions() {
    let text = fs::read_to_string(repository("docs/data-checks.md")).unwrap();
    let project = bare();
    project.model("core.product", "SELECT 'p' AS product_code\n");
    let columns = "SELECT DATE '2026-06-01' AS order_month, 'N1' AS order_no, 'machine' AS line_kind, 'p' AS product_code, \
                   1 AS quantity, CAST(1 AS DECIMAL(18, 2)) AS amount, 0.5 AS unit_share, 'CN' AS country, 'N' AS region, \
                   DATE '2026-06-30' AS order_date, CAST(TIMESTAMP '2026-06-30T10:00:00' AS TIMESTAMP) AS loaded_at\n";
    let blocks: Vec<&str> = text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    let of_checks: Vec<&&str> = blocks.iter().filter(|block| block.starts_with("checks:\n")).collect();
    assert!(of_checks.len() >= 3, "{}", of_checks.len());
    for block in of_checks {
        project.model("core.sales", &format!("/* ---\npartition_by: [order_month]\n{block}--- */\n{columns}"));
        project.tallyhouse(&["run", "--run-date", "2026-06-30"]).succeeds();
    }
}
