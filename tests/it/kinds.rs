//! What a model's file makes: views, seeds, histories and tables, through the binary.

use std::fs;

use serde_json::{Value, json};

use crate::project::Project;

/// Sales of two dealers in two months, a view over them, a view over that, and two tables that read it.
fn sales() -> Project {
    let project = Project::new();
    project.source("sale", "key: [id]\npartition_by: [month]\nevent_date: day\ncolumns:\n  id: { type: string }\n  day: { type: date }\n  month: { type: date, derive: \"date_trunc('month', day)\" }\n  dealer: { type: string }\n  amount: { type: bigint }\n");
    project.extract(
        "sale/1.csv",
        "id,day,dealer,amount\n1,2026-01-05,A,10\n2,2026-01-06,B,20\n3,2026-02-05,A,-5\n4,2027-01-01,A,7\n",
    );
    project.model("core.good_sale", GOOD_SALE);
    project.model("core.big_sale", "/* ---\nkind: view\n--- */\nSELECT * FROM core.good_sale WHERE amount >= 10\n");
    project.model("core.total", TOTAL);
    project.model("core.dealer", "SELECT dealer, count(*) AS sales FROM core.big_sale GROUP BY dealer\n");
    project
}

const GOOD_SALE: &str = "/* ---\nkind: view\ndescription: Sales that were not taken back.\n--- */\n\
                         WITH sale AS (SELECT * FROM staged.sale) SELECT id, month, dealer, amount FROM sale WHERE amount > 0\n";
const TOTAL: &str = "/* ---\npartition_by: [month]\n--- */\n\
                     WITH sale AS (SELECT 1 AS amount) SELECT core.good_sale.month, sum(core.good_sale.amount) AS amount FROM core.good_sale GROUP BY core.good_sale.month\n";

fn rebuilt(report: &Value, table: &str) -> Vec<Value> {
    let model = report["models"].as_array().unwrap().iter().find(|model| model["table"] == table);
    let model = model.unwrap_or_else(|| panic!("{table} in {report:#}"));
    model["rebuilt"].as_array().unwrap().iter().map(|partition| partition["values"].clone()).collect()
}

#[track_caller]
fn error(project: &Project) -> String {
    project.tallyhouse(&["check"]).ends(2).error().to_owned()
}

#[test]
fn a_view_is_read_like_a_table_and_never_published() {
    let project = sales();
    let report = project.run();
    assert_eq!(report["models"].as_array().unwrap().len(), 2);
    assert_eq!(project.rows("core.total"), ["2026-01-01|30"]);
    assert_eq!(project.rows("core.dealer"), ["A|1", "B|1"]);
    let served = fs::read_dir(project.path("warehouse/current/core")).unwrap();
    let mut served: Vec<String> = served.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    served.sort();
    assert_eq!(served, ["dealer", "total"]);
}

#[test]
fn filters_on_partitions_reach_through_views() {
    let project = sales();
    project.run();
    project.extract(
        "sale/1.csv",
        "id,day,dealer,amount\n1,2026-01-05,A,10\n2,2026-01-06,B,20\n3,2026-02-05,A,5\n4,2027-01-01,A,7\n",
    );
    let report = project.run();
    assert_eq!(rebuilt(&report, "core.total"), [json!(["2026-02-01"])]);
    let why = project
        .tallyhouse(&["why", "core.total", "--partition", "month=2026-01-01", "--output", "json"])
        .succeeds()
        .json();
    let read = &why["partitions"][0]["reads"][0];
    assert_eq!((&read["table"], &read["partitions"]), (&json!("staged.sale"), &json!([["2026-01-01"]])));
}

#[test]
fn a_fact_after_the_run_date_is_not_in_a_view() {
    let project = sales();
    project.run();
    assert_eq!(project.query("SELECT count(*) AS n FROM core.good_sale"), ["2"]);
    let later = project.tallyhouse(&[
        "query",
        "SELECT count(*) AS n FROM core.good_sale",
        "--run-date",
        "2027-01-01",
        "--output",
        "json",
    ]);
    assert_eq!(later.succeeds().json(), json!([{ "n": 3 }]));
    project.run_with(&["--run-date", "2027-01-01"]);
    assert_eq!(project.rows("core.total"), ["2026-01-01|30", "2027-01-01|7"]);
}

#[test]
fn a_changed_view_rebuilds_its_readers_and_only_if_they_compute_something_else() {
    let project = sales();
    project.run();
    project.model("core.good_sale", "/* ---\nkind: view\n--- */\n-- the same\nSELECT s.id, s.month, s.dealer, s.amount FROM staged.sale AS s WHERE s.amount > 0\n");
    let report = project.run();
    assert_eq!((rebuilt(&report, "core.total").len(), rebuilt(&report, "core.dealer").len()), (0, 0));
    // Both read the first view, one of them only through the second, whose filter is the stricter.
    project.model("core.big_sale", "/* ---\nkind: view\n--- */\nSELECT * FROM core.good_sale WHERE amount >= 15\n");
    let report = project.run();
    assert_eq!((rebuilt(&report, "core.total").len(), rebuilt(&report, "core.dealer").len()), (0, 1));
    assert_eq!(project.rows("core.dealer"), ["B|1"]);
    project.model("core.good_sale", &GOOD_SALE.replace("amount FROM sale", "amount + 1 AS amount FROM sale"));
    let report = project.run();
    assert_eq!((rebuilt(&report, "core.total").len(), rebuilt(&report, "core.dealer").len()), (1, 1));
}

#[test]
fn a_view_may_become_a_table_and_a_table_a_view() {
    let project = sales();
    project.run();
    project.model("core.good_sale", &GOOD_SALE.replace("kind: view", "kind: table"));
    project.run();
    assert_eq!(project.rows("core.good_sale").len(), 2);
    project.model("core.good_sale", GOOD_SALE);
    project.run();
    assert!(!project.path("warehouse/current/core/good_sale").exists());
    assert_eq!(project.rows("core.total"), ["2026-01-01|30"]);
}

#[test]
fn show_computes_a_view() {
    let project = sales();
    project.run();
    let rows = project.tallyhouse(&["show", "core.big_sale", "--output", "json"]).succeeds().json();
    assert_eq!(
        rows,
        json!([
            { "id": "1", "month": "2026-01-01", "dealer": "A", "amount": 10 },
            { "id": "2", "month": "2026-01-01", "dealer": "B", "amount": 20 },
        ])
    );
    let told = project.tallyhouse(&["why", "core.big_sale"]).ends(2).err;
    assert!(told.contains("`core.big_sale` is a view, of which nothing is stored"), "{told}");
}

#[test]
fn checks_of_a_view_are_run_over_its_rows() {
    let project = sales();
    let checked = |most: u32| {
        GOOD_SALE.replace(
            "description",
            &format!("key: [id]\nchecks:\n  - expr: amount < {most}\n    name: is_small\ndescription"),
        )
    };
    project.model("core.good_sale", &checked(100));
    project.run();
    project.model("core.good_sale", &checked(15));
    let report = project.tallyhouse(&["run", "--output", "json"]).ends(1).json();
    assert_eq!(
        (&report["failed_checks"][0]["table"], &report["failed_checks"][0]["check"]),
        (&json!("core.good_sale"), &json!("is_small"))
    );
    // A view that no table reads is checked again when it changes, though no table does.
    project.model("core.good_sale", GOOD_SALE);
    project.model("core.idle", "/* ---\nkind: view\nkey: [x]\n--- */\nSELECT 1 AS x\n");
    project.run();
    project.model("core.idle", "/* ---\nkind: view\nkey: [x]\n--- */\nSELECT 1 AS x UNION ALL SELECT 1\n");
    let report = project.tallyhouse(&["run", "--output", "json"]).ends(1).json();
    assert_eq!(report["failed_checks"][0]["check"], "unique(x)");
}

#[test]
fn what_a_view_cannot_have_is_told_where_it_stands() {
    let project = sales();
    for (line, expected) in [
        ("partition_by: [month]", "a view has no `partition_by`"),
        ("on_schema_change: fail", "a view has no `on_schema_change`"),
        ("rebuild: { ignore_changes: [staged.sale] }", "a view has no `rebuild`"),
        ("history: { key: [id], track: all }", "`history` makes this a history, not a view"),
        ("key: [idd]", "the result has no column `idd`"),
    ] {
        project.model("core.good_sale", &GOOD_SALE.replace("kind: view", &format!("kind: view\n{line}")));
        let told = error(&project);
        assert!(told.contains(expected) && told.contains("sql/core/good_sale.sql:3:"), "{line}\n{told}");
    }
    project.model("core.good_sale", &GOOD_SALE.replace("kind: view", "kind: history"));
    assert!(error(&project).contains("a history does not say what it follows"));
    project.model("core.good_sale", &GOOD_SALE.replace("kind: view", "kind: vue"));
    assert!(error(&project).contains("vue"));
}

#[test]
fn views_in_a_circle_and_wrong_views_are_told_once() {
    let project = sales();
    project.model("core.good_sale", "/* ---\nkind: view\n--- */\nSELECT * FROM core.big_sale\n");
    let told = error(&project);
    assert!(
        told.contains("models read each other in a circle: core.big_sale → core.good_sale → core.big_sale"),
        "{told}"
    );
    project.model("core.good_sale", &GOOD_SALE.replace("amount > 0", "amuont > 0"));
    let told = error(&project);
    assert!(told.contains("unknown column `amuont`") && told.matches("error").count() == 1, "{told}");
    assert!(told.contains("sql/core/good_sale.sql:5:"), "{told}");
}

#[test]
fn changes_of_a_view_cannot_be_ignored_but_those_of_its_tables_can() {
    let project = sales();
    project.model(
        "core.dealer",
        "/* ---\nrebuild: { ignore_changes: [core.big_sale] }\n--- */\nSELECT dealer FROM core.big_sale\n",
    );
    let told = error(&project);
    assert!(
        told.contains("`core.big_sale` is a view, of which nothing is stored") && told.contains("staged.sale"),
        "{told}"
    );
    project.model(
        "core.dealer",
        "/* ---\nrebuild: { ignore_changes: [staged.sale] }\n--- */\nSELECT dealer FROM core.big_sale\n",
    );
    project.run();
    project.extract("sale/1.csv", "id,day,dealer,amount\n1,2026-01-05,C,10\n");
    assert_eq!(rebuilt(&project.run(), "core.dealer").len(), 0);
}

#[test]
fn a_kind_that_says_what_the_header_says_changes_nothing() {
    let project = Project::new();
    project.source("state", "key: [id]\ncolumns:\n  id: { type: string }\n  level: { type: string }\n");
    project.extract("state/1.csv", "id,level\n1,A\n");
    let history = "/* ---\nhistory: { key: [id], track: all }\n--- */\nSELECT id, level FROM staged.state\n";
    project.model("core.state", history);
    project.run();
    project.model("core.state", &history.replace("history:", "kind: history\nhistory:"));
    assert_eq!(rebuilt(&project.run(), "core.state").len(), 0);
    assert_eq!(project.rows("core.state").len(), 1);
    project.model("core.state", &history.replace("history:", "kind: table\nhistory:"));
    assert!(error(&project).contains("`history` makes this a history, not a table"));
}

/// A seed without a header, read by a model.
fn seed() -> Project {
    let project = sales();
    project.file("sql/core/size.csv", "size,from_amount,share,begins,note\nsmall,0,0.5,2026-01-01,\n\"me, dium\",10,1,2026-02-01,\"say \"\"so\"\"\"\n大,100,,2026-03-01,''\n");
    project.model("core.sized", "SELECT sale.id, max(size.size) AS size FROM core.good_sale AS sale JOIN core.size AS size ON sale.amount >= size.from_amount GROUP BY sale.id\n");
    project
}

#[test]
fn a_csv_file_beside_the_models_is_a_table() {
    let project = seed();
    project.run();
    let query = "SELECT * FROM core.size ORDER BY begins";
    let rows = project.tallyhouse(&["query", query, "--output", "json"]).succeeds().json();
    let expected = json!([
        { "size": "small", "from_amount": 0, "share": 0.5, "begins": "2026-01-01", "note": null },
        { "size": "me, dium", "from_amount": 10, "share": 1.0, "begins": "2026-02-01", "note": "say \"so\"" },
        { "size": "大", "from_amount": 100, "share": null, "begins": "2026-03-01", "note": "''" },
    ]);
    assert_eq!(rows, expected);
    assert_eq!(project.rows("core.sized"), ["1|small", "2|small"]);
}

#[test]
fn changed_rows_of_a_seed_rebuild_what_reads_them() {
    let project = seed();
    project.run();
    let rows = fs::read_to_string(project.path("sql/core/size.csv")).unwrap();
    project.file("sql/core/size.csv", rows.replace('\n', "\r\n"));
    let report = project.run();
    assert_eq!((rebuilt(&report, "core.size").len(), rebuilt(&report, "core.sized").len()), (0, 0));
    project.file("sql/core/size.csv", rows.replace("small,0", "small,11"));
    let report = project.run();
    assert_eq!((rebuilt(&report, "core.size").len(), rebuilt(&report, "core.sized").len()), (1, 1));
    assert_eq!(rebuilt(&report, "core.total").len(), 0);
}

#[test]
fn the_header_of_a_seed_declares_types_keys_and_checks() {
    let project = seed();
    project.model("core.size", "/* ---\nkind: seed\ndescription: Sizes.\nkey: [size]\npartition_by: [begins]\ncolumns:\n  from_amount: { type: \"decimal(18,2)\" }\n  share: { type: string }\nchecks:\n  - not_null: [begins]\n--- */\n");
    project.run();
    let rows = project.query("SELECT size, arrow_typeof(from_amount) AS type, share FROM core.size ORDER BY begins");
    assert_eq!(rows, ["small|Decimal128(18, 2)|0.5", "me, dium|Decimal128(18, 2)|1", "大|Decimal128(18, 2)|NULL"]);
    project.file(
        "sql/core/size.csv",
        "size,from_amount,share,begins,note\nsmall,0,0,2026-01-01,\nsmall,0,0,2026-01-01,\n",
    );
    let report = project.tallyhouse(&["run", "--output", "json"]).ends(1).json();
    assert_eq!(report["failed_checks"][0]["check"], "unique(size)");
}

#[test]
fn an_empty_seed_is_an_empty_table() {
    let project = seed();
    project.model("core.size", "/* ---\nkind: seed\ncolumns:\n  from_amount: { type: bigint }\n--- */\n");
    project.file("sql/core/size.csv", "size,from_amount\n");
    project.run();
    assert_eq!(project.query("SELECT count(*) AS n FROM core.size"), ["0"]);
}

#[test]
fn what_is_wrong_with_a_seed_is_told_at_its_cell() {
    let project = seed();
    let header = |columns: &str| format!("/* ---\nkind: seed\ncolumns:\n{columns}--- */\n");
    for (columns, rows, place, expected) in [
        ("  a: { type: bigint }\n", "a,b\n1,x\nx,y\n", "size.csv:3:1", "`x` is no bigint, which the column `a` is"),
        ("  a: { type: \"decimal(18,2)\" }\n", "a,b\n1.005,x\n", "size.csv:2:1", "`1.005` is no decimal(18,2)"),
        ("  c: { type: bigint }\n", "a,b\n1,x\n", "size.sql:4:3", "the result has no column `c`"),
        ("  a: { type: bigint }\n", "a,b\n1\n", "size.csv:2:1", "the line has 1 cells and the header 2"),
        ("  a: { type: bigint }\n", "a,b\n1,\"x\n", "size.csv:2:3", "a quoted cell is never closed"),
        ("  a: { type: bigint }\n", "a,,b\n1,2,3\n", "size.csv:1:3", "a column has no name"),
        ("  a: { type: bigint }\n", "a,b,a\n1,2,3\n", "size.csv:1:5", "two columns are named `a`"),
        ("  a: { type: bigint }\n", "", "size.csv:1:1", "the file has no header"),
    ] {
        project.model("core.size", &header(columns));
        project.file("sql/core/size.csv", rows);
        let told = error(&project);
        assert!(told.contains(expected) && told.contains(place), "{rows}\n{told}");
    }
    fs::remove_file(project.path("sql/core/size.csv")).unwrap();
    assert!(error(&project).contains("the seed `core.size` has no rows"));
    project.file("sql/core/size.csv", "a,b\n1,2\n");
    project.model("core.size", &format!("{}SELECT 1 AS a\n", header("  a: { type: bigint }\n")));
    assert!(error(&project).contains("a seed has no query"));
    project.model("core.size", "SELECT 1 AS a\n");
    assert!(error(&project).contains("`core.size` has a query, so these rows are nobody's"));
    project.model("core.size", &header("  a: { type: bigint }\n"));
    project.file("sql/core/size.csv", format!("a\n{}", "1\n".repeat(600_000)));
    assert!(error(&project).contains("make it a source with a contract"));
}

#[test]
fn a_project_may_stand_on_seeds_alone() {
    let project = Project::new();
    let pipeline = std::fs::read_to_string(project.path("pipelines/nightly.yaml")).unwrap();
    project.file("pipelines/nightly.yaml", pipeline.replace("sources: sources/*.yaml\n", ""));
    project.file("sql/raw/region.csv", "code,name\nN,North\nS,South\n");
    project.model("core.region", "/* ---\nkey: [code]\n--- */\nSELECT code, upper(name) AS name FROM raw.region\n");
    project.tallyhouse(&["check"]).succeeds();
    project.tallyhouse(&["run"]).succeeds();
    let rows = project.tallyhouse(&["query", "SELECT * FROM core.region ORDER BY code", "--format", "csv"]).succeeds();
    assert_eq!(rows.out, "code,name\nN,NORTH\nS,SOUTH\n");
    assert!(project.tallyhouse(&["run"]).succeeds().out.contains("nothing"));
    project.tallyhouse(&["plan"]).succeeds();
    project.tallyhouse(&["snapshots", "verify"]).succeeds();
    // Without its rows it would publish nothing.
    for file in ["raw/region.csv", "core/region.sql"] {
        std::fs::remove_file(project.path(&format!("sql/{file}"))).unwrap();
    }
    let told = error(&project);
    assert!(told.contains("the project has no source, no model and no seed, so there is nothing to publish"), "{told}");
    project.tallyhouse(&["run"]).ends(2);
}
