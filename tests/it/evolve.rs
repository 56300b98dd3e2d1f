//! Tables whose columns change: kept, rebuilt or refused, as their header says.

use serde_json::Value;

use crate::project::{Project, Ran};

/// The first definition of the table that changes.
const FIRST: &str = "SELECT id, month, units, amount FROM staged.sale";

/// Makes a project with three months of sales and a table that `header` lets change.
fn project(header: &str) -> Project {
    let project = Project::new();
    project.source(
        "sale",
        "key: [id]\npartition_by: [month]\nversion: { from_path: \"_(?<version>[0-9]+)\" }\ncolumns:\n  \
         id: { type: string }\n  day: { type: date }\n  units: { type: int }\n  amount: { type: \"decimal(10,2)\" }\n  \
         note: { type: string }\n  month: { type: date, derive: \"date_trunc('month', day)\" }\n",
    );
    project.source("dealer", "key: [name]\ncolumns:\n  name: { type: string }\n");
    project.extract("dealer/dealer_1.csv", "name\nx\n");
    project.extract(
        "sale/sale_1.csv",
        "id,day,units,amount,note\na,2026-01-05,1,1.50,x\nb,2026-02-05,2,2.50,\nc,2026-03-05,3,3.50,z\n",
    );
    define(&project, header, FIRST);
    project
}

/// Writes the table's definition.
fn define(project: &Project, header: &str, sql: &str) {
    project.model("core.sale", &format!("/* ---\nkey: [id]\npartition_by: [month]\n{header}\n--- */\n{sql}\n"));
}

/// Corrects a line of February.
fn correct(project: &Project, version: u32, line: &str) {
    project.extract(&format!("sale/sale_{version}.csv"), format!("id,day,units,amount,note\n{line}\n"));
}

/// Returns what a report says of a model: months rebuilt, partitions kept, changes of columns, whether it evolved.
fn told(report: &Value, table: &str) -> (Vec<String>, u64, Vec<String>, bool) {
    let model = report["models"].as_array().unwrap().iter().find(|model| model["table"] == table).unwrap();
    let month = |partition: &Value| partition["values"][0].as_str().unwrap_or("all").to_owned();
    let changes = model["schema_changes"].as_array().cloned().unwrap_or_default();
    (
        model["rebuilt"].as_array().unwrap().iter().map(month).collect(),
        model["kept_partitions"].as_u64().unwrap(),
        changes.iter().map(|change| change.as_str().unwrap().to_owned()).collect(),
        model["is_evolved"].as_bool().unwrap_or_default(),
    )
}

fn all(project: &Project) -> Vec<String> {
    project.query("SELECT * FROM core.sale ORDER BY id")
}

const EVOLVE: &str = "on_schema_change: evolve";

#[test]
fn a_new_column_is_null_where_nothing_else_changed() {
    let project = project(EVOLVE);
    project.model(
        "core.total",
        "/* ---\npartition_by: [month]\n--- */\nSELECT month, count(*) AS sales, sum(units) AS units FROM core.sale GROUP BY month\n",
    );
    project.model("core.copy", &format!("/* ---\n{EVOLVE}\npartition_by: [month]\n--- */\nSELECT * FROM core.sale\n"));
    project.run();
    let before = project.current().inodes("core.sale");
    define(&project, EVOLVE, "SELECT id, month, note, units, amount FROM staged.sale");
    let plan = project.tallyhouse(&["plan"]).succeeds().out;
    assert!(plan.contains("columns evolve: new column `note` (Utf8); kept partitions keep their files"), "{plan}");
    let report = project.run();
    let change = vec!["new column `note` (Utf8)".to_owned()];
    assert_eq!(told(&report, "core.sale"), (vec![], 3, change.clone(), true));
    assert_eq!(told(&report, "core.copy"), (vec![], 3, change, true), "it evolves with what it reads");
    assert_eq!(project.query("SELECT count(*), count(note) FROM core.copy"), ["3|0"]);
    let noted = "SELECT month, count(note) AS notes FROM core.sale GROUP BY month\n";
    project.model("core.noted", &format!("/* ---\npartition_by: [month]\n--- */\n{noted}"));
    project.run();
    assert_eq!(project.current().inodes("core.sale"), before, "no file was written");
    assert_eq!(all(&project), ["a|2026-01-01|NULL|1|1.5", "b|2026-02-01|NULL|2|2.5", "c|2026-03-01|NULL|3|3.5",]);
    assert_eq!(project.query("SELECT count(*) FROM core.sale WHERE note IS NULL AND units > 1"), ["2"]);
    assert_eq!(project.query("SELECT count(*) FROM core.sale WHERE note = 'x'"), ["0"]);

    // The new definition builds what changes from now on.
    correct(&project, 2, "b,2026-02-05,20,2.50,y");
    let report = project.run();
    assert_eq!(told(&report, "core.sale"), (vec!["2026-02-01".to_owned()], 2, vec![], false));
    assert_eq!(told(&report, "core.total"), (vec!["2026-02-01".to_owned()], 2, vec![], false));
    assert_eq!(all(&project), ["a|2026-01-01|NULL|1|1.5", "b|2026-02-01|y|20|2.5", "c|2026-03-01|NULL|3|3.5",]);
    // A correction of nothing but the new column counts too.
    correct(&project, 3, "a,2026-01-05,1,1.50,w");
    let report = project.run();
    assert_eq!(told(&report, "core.sale"), (vec!["2026-01-01".to_owned()], 2, vec![], false));
    assert_eq!(told(&report, "core.copy"), (vec!["2026-01-01".to_owned()], 2, vec![], false));
    assert_eq!(told(&report, "core.noted"), (vec!["2026-01-01".to_owned()], 2, vec![], false));
    assert_eq!(project.query("SELECT notes FROM core.noted ORDER BY month"), ["1", "1", "0"]);
    assert_eq!(told(&report, "core.total"), (vec![], 3, vec![], false), "its columns are as they were");
    assert_eq!(project.run()["outcome"], "unchanged");
    project.current().verify();
    // The rest is built when somebody asks for it.
    project.run_with(&["--full"]);
    assert_eq!(project.query("SELECT note FROM core.sale ORDER BY id"), ["w", "y", "z"]);
    let manifest = project.current().manifest;
    let kept = manifest["tables"]["core.sale"]["partitions"].as_array().unwrap();
    assert!(kept.iter().all(|partition| partition.get("file_columns").is_none()), "{kept:#?}");
}

#[test]
fn a_change_of_rows_in_the_same_night_is_built_by_the_new_definition() {
    let project = project(EVOLVE);
    project.run();
    define(&project, EVOLVE, "SELECT id, month, units, amount, note FROM staged.sale");
    correct(&project, 2, "c,2026-03-05,3,9.00,y\nd,2026-04-05,4,4.00,v");
    let report = project.run();
    let (rebuilt, kept, _, evolved) = told(&report, "core.sale");
    assert_eq!((rebuilt, kept, evolved), (vec!["2026-03-01".to_owned(), "2026-04-01".to_owned()], 2, true));
    assert_eq!(
        project.query("SELECT id, amount, note FROM core.sale ORDER BY id"),
        ["a|1.5|NULL", "b|2.5|NULL", "c|9.0|y", "d|4.0|v"]
    );
}

#[test]
fn wider_types_are_read_through_a_cast() {
    let project = project(EVOLVE);
    define(
        &project,
        EVOLVE,
        &format!("{FIRST} -- no day yet")
            .replace("amount FROM", "amount, day AS at, units AS pieces, units AS share FROM"),
    );
    project.run();
    let before = project.current().inodes("core.sale");
    let wider = "SELECT id, month, CAST(units AS BIGINT) AS units, CAST(amount AS DECIMAL(18, 2)) AS amount, \
                 CAST(day AS TIMESTAMP) AS at, CAST(units AS DOUBLE) AS pieces, CAST(units AS DECIMAL(12, 2)) AS share FROM staged.sale";
    define(&project, EVOLVE, wider);
    project.model("core.sum", "SELECT sum(units) AS units, sum(amount) AS amount, max(at) AS last FROM core.sale WHERE units >= 2 AND amount > 2.00 AND pieces < 3.5\n");
    let report = project.run();
    let (rebuilt, kept, changes, evolved) = told(&report, "core.sale");
    assert_eq!((rebuilt.len(), kept, evolved), (0, 3, true), "{changes:?}");
    assert_eq!(changes[0], "column `units` from Int32 to Int64");
    assert_eq!(project.current().inodes("core.sale"), before);
    let expected = "b|2026-02-01|2|2.5|2026-02-05T00:00:00Z|2.0|2.0";
    assert_eq!(all(&project)[1], expected);
    assert_eq!(project.query("SELECT * FROM core.sum"), ["5|6.0|2026-03-05T00:00:00Z"]);
    let filters = [
        ("at < TIMESTAMP '2026-02-05T10:00:00Z'", "a,b"),
        ("at = TIMESTAMP '2026-02-05T10:00:00Z'", ""),
        ("at >= TIMESTAMP '2026-02-05T00:00:01Z'", "c"),
        ("pieces > 1.5 AND pieces <= 2.5", "b"),
        ("share < 2.5", "a,b"),
        ("share = 2.5 OR share = 3.00", "c"),
        ("units > 2147483648", ""),
        ("amount < 123456789012.34", "a,b,c"),
        ("amount = 2.505", ""),
    ];
    for (filter, expected) in filters {
        let found = project.query(&format!("SELECT id FROM core.sale WHERE {filter} ORDER BY id")).join(",");
        assert_eq!(found, expected, "{filter}");
    }
    correct(&project, 2, "b,2026-02-05,2,99999999.00,");
    project.run();
    assert_eq!(project.query("SELECT * FROM core.sum"), ["5|100000002.5|2026-03-05T00:00:00Z"]);
    let grown = all(&project);
    project.run_with(&["--full"]);
    assert_eq!(all(&project), grown, "a cast gives what the query would");
}

#[test]
fn a_dropped_column_is_no_longer_read_and_cannot_come_back_from_old_files() {
    let project = project(EVOLVE);
    project.run();
    define(&project, EVOLVE, "SELECT id, month, amount FROM staged.sale");
    let report = project.run();
    assert_eq!(told(&report, "core.sale"), (vec![], 3, vec!["dropped column `units` (Int32)".to_owned()], true));
    assert_eq!(all(&project)[0], "a|2026-01-01|1.5");
    assert_eq!(project.tallyhouse(&["query", "SELECT units FROM core.sale"]).code, 2);
    define(&project, EVOLVE, "SELECT id, month, amount, units + 0 AS units FROM staged.sale");
    let ran = project.tallyhouse(&["run"]).ends(2);
    assert!(
        ran.err.contains("files from before `units` was dropped still hold it, with what it meant then"),
        "{}",
        ran.err
    );
    project.run_with(&["--full"]);
    assert_eq!(all(&project)[0], "a|2026-01-01|1.5|1");
}

#[test]
fn what_cannot_evolve_is_refused_before_anything_is_built() {
    let project = project(EVOLVE);
    project.run();
    let cases: [(&str, &str, &str); 12] = [
        (
            "",
            "SELECT id, month, CAST(units AS SMALLINT) AS units, CAST(amount AS DECIMAL(8, 2)) AS amount FROM staged.sale",
            "`amount` changes from Decimal128(10, 2) to Decimal128(8, 2), which cannot hold every old value",
        ),
        (
            "",
            "SELECT id, month, CAST(units AS VARCHAR) AS units, amount FROM staged.sale",
            "`units` changes from Int32 to Utf8",
        ),
        (
            "",
            "SELECT id, month, units * 2 AS units, amount, note FROM staged.sale",
            "`units`, or the rows that it belongs to, cannot be proved",
        ),
        ("", "SELECT id, month, units, amount, note FROM staged.sale WHERE units > 1", "(and 3 more)"),
        (
            "",
            "SELECT DISTINCT id, month, units, amount, note FROM staged.sale",
            "cannot be proved to be computed as before",
        ),
        (
            "",
            "SELECT id, month, units, amount, name FROM staged.sale LEFT JOIN staged.dealer ON name = note",
            "cannot be proved to be computed as before",
        ),
        ("", "SELECT id, month, units, amount AS price FROM staged.sale", "`price` is `amount` under a new name"),
        (
            "checks: [{ not_null: [note] }]",
            "SELECT id, month, units, amount, note FROM staged.sale",
            "the new column `note` must not be NULL",
        ),
        (
            "partition_by: [note]",
            "SELECT id, month, units, amount, note FROM staged.sale",
            "its files are partitioned by [month], not by [note]",
        ),
        (
            "key: [id, note]",
            "SELECT id, month, units, amount, note FROM staged.sale",
            "the new column `note` must not be NULL",
        ),
        (
            "",
            "SELECT id, CAST(date_trunc('year', month) AS DATE) AS month, units, amount, note FROM staged.sale",
            "`month`, or the rows that it belongs to",
        ),
        (
            "",
            "SELECT id, month, units, CAST(amount / 3 AS DECIMAL(18, 2)) AS amount FROM staged.sale",
            "`amount`, or the rows",
        ),
    ];
    let before = project.current().id().to_owned();
    for (header, sql, expected) in cases {
        let is_own =
            |line: &&str| !header.split(':').next().is_some_and(|key| !key.is_empty() && line.starts_with(key));
        let lines: Vec<&str> =
            ["key: [id]", "partition_by: [month]", EVOLVE].into_iter().filter(is_own).chain([header]).collect();
        project.model("core.sale", &format!("/* ---\n{}\n--- */\n{sql}\n", lines.join("\n")));
        for verb in ["check", "plan", "run"] {
            let ran = project.tallyhouse(&[verb]).ends(2);
            assert!(ran.err.contains(expected), "{verb} {sql}:\n{}", ran.err);
            assert!(ran.err.contains("`on_schema_change: rebuild`, or once with `run --full`"), "{}", ran.err);
        }
        assert_eq!(project.current().id(), before);
    }
    // `rebuild` does what the advice says.
    define(&project, "on_schema_change: rebuild", "SELECT id, month, units * 2 AS units, note FROM staged.sale");
    project.tallyhouse(&["check"]).succeeds();
    let report = project.run();
    let (rebuilt, _, changes, evolved) = told(&report, "core.sale");
    assert_eq!((rebuilt.len(), evolved), (3, false));
    assert_eq!(
        changes,
        [
            "new column `note` (Utf8)",
            "column `units` from Int32 to Int64",
            "dropped column `amount` (Decimal128(10, 2))"
        ]
    );
}

#[test]
fn a_table_that_must_not_change_stops_the_run_and_says_what_changed() {
    let project = project("on_schema_change: fail");
    project.run();
    // Other rows and other SQL are no change of columns.
    define(
        &project,
        "on_schema_change: fail",
        "SELECT id, month, units, CAST(amount * 2 AS DECIMAL(10, 2)) AS amount FROM staged.sale",
    );
    project.run();
    define(
        &project,
        "on_schema_change: fail",
        "SELECT id, month, CAST(units AS BIGINT) AS units, note FROM staged.sale",
    );
    let stops = |verb: &str| -> Ran { project.tallyhouse(&[verb]).ends(2) };
    assert_eq!(stops("run").error(), stops("check").error());
    let snapshot = project.current().id().to_owned();
    let error = stops("plan").error().replace(&snapshot, "<snapshot>");
    insta::assert_snapshot!(error, @r"
    error: `core.sale` is not as in snapshot <snapshot>: new column `note` (Utf8), column `units` from Int32 to Int64, dropped column `amount` (Decimal128(10, 2))
     --> sql/core/sale.sql:4:19
      |
    4 | on_schema_change: fail
      |                   ^^^^
      |
      = help: take the change back, or let it happen: `on_schema_change:` `evolve` or `rebuild`
    ");
}

#[test]
fn a_source_with_another_column_is_staged_anew_and_models_of_all_columns_follow() {
    let project = project(EVOLVE);
    define(&project, EVOLVE, "SELECT * FROM staged.sale");
    project.model("core.copy", "/* ---\npartition_by: [month]\n--- */\nSELECT * FROM staged.sale\n");
    project.run();
    let contract = std::fs::read_to_string(project.path("pipelines/sources/sale.yaml")).unwrap();
    project.file(
        "pipelines/sources/sale.yaml",
        contract
            .replace("  note:", "  place: { type: string }\n  note:")
            .replace("amount: { type: \"decimal(10,2)\" }", "amount: { type: \"decimal(12,2)\" }"),
    );
    let report = project.run();
    let changes = vec![
        "new column `place` (Utf8)".to_owned(),
        "column `amount` from Decimal128(10, 2) to Decimal128(12, 2)".to_owned(),
    ];
    // The amounts are of another type in every file of the source: their content is another one.
    assert_eq!(told(&report, "core.sale").2, changes);
    assert_eq!(told(&report, "core.copy").0.len(), 3);
    assert_eq!(
        project.query("SELECT id, amount, place FROM core.copy ORDER BY id"),
        project.query("SELECT id, amount, place FROM core.sale ORDER BY id")
    );
    project.extract("sale/sale_2.csv", "id,day,units,amount,note,place\nb,2026-02-05,2,2.50,,here\n");
    let report = project.run();
    assert_eq!(told(&report, "core.sale").0, ["2026-02-01"]);
    assert_eq!(project.query("SELECT id, place FROM core.sale ORDER BY id"), ["a|NULL", "b|here", "c|NULL"]);
}

#[test]
fn a_table_without_partitions_and_a_model_of_the_run_date() {
    let project = project(EVOLVE);
    project.model("core.one", &format!("/* ---\n{EVOLVE}\n--- */\nSELECT id, units FROM staged.sale\n"));
    project.model("core.today", &format!("/* ---\n{EVOLVE}\n--- */\nSELECT id, $run_date AS today FROM staged.sale\n"));
    project.run_with(&["--run-date", "2026-06-29"]);
    project.model("core.one", &format!("/* ---\n{EVOLVE}\n--- */\nSELECT id, units, amount FROM staged.sale\n"));
    project.model(
        "core.today",
        &format!("/* ---\n{EVOLVE}\n--- */\nSELECT id, $run_date AS today, units FROM staged.sale\n"),
    );
    let report = project.run_with(&["--run-date", "2026-06-30"]);
    assert_eq!(told(&report, "core.one").1, 1);
    assert_eq!(project.query("SELECT * FROM core.one ORDER BY id")[0], "a|1|NULL");
    // It is another table every day, whatever its columns are.
    assert_eq!(told(&report, "core.today").0, ["all"]);
    assert_eq!(project.query("SELECT * FROM core.today ORDER BY id")[0], "a|2026-06-30|1");
}

/// Returns a project with a table that got a new column and wider ones; with `is_mixed` files of both definitions, else old
/// ones alone.
pub fn grown(is_mixed: bool) -> Project {
    let project = project(EVOLVE);
    define(&project, EVOLVE, "SELECT id, month, units, amount, day AS seen, units AS gone FROM staged.sale");
    project.run();
    let wider = "SELECT id, month, CAST(units AS BIGINT) AS units, CAST(amount AS DECIMAL(18, 2)) AS amount, \
                 CAST(day AS TIMESTAMP) AS seen, note FROM staged.sale";
    define(&project, EVOLVE, wider);
    if is_mixed {
        correct(&project, 2, "b,2026-02-05,20,99999999.00,y");
    }
    let report = project.run();
    let (rebuilt, _, _, evolved) = told(&report, "core.sale");
    assert_eq!((rebuilt.len(), evolved), (usize::from(is_mixed), true));
    project
}
