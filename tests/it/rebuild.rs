//! What is rebuilt, why, and on whose word: `plan`, `why`, backfills, ignored changes and verified runs.

use std::fs;

use serde_json::{Value, json};

use crate::project::Project;

/// Sales of two dealers in three months, joined with the dealers, and two tables on top.
fn sales() -> Project {
    let project = Project::new();
    project.source("sale", "key: [id]\npartition_by: [month]\nversion: { from_path: \"_(?<version>[0-9]+)\" }\ncolumns:\n  id: { type: string }\n  month: { type: date }\n  dealer: { type: string }\n  amount: { type: bigint }\n  note: { type: string }\n");
    project.source("dealer", "key: [dealer]\ncolumns:\n  dealer: { type: string }\n  region: { type: string }\n");
    project.extract("dealer/dealer.csv", "dealer,region\nA,north\nB,south\n");
    project.extract(
        "sale/sale_1.csv",
        "id,month,dealer,amount,note\n1,2024-01-01,A,10,\n2,2024-01-01,B,20,\n3,2024-02-01,A,30,\n4,2024-03-01,B,40,\n",
    );
    project.model("core.sale", SALE);
    project.model(
        "core.total",
        "/* ---\npartition_by: [month]\n--- */\nSELECT month, sum(amount) > 25 AS is_good, count(*) AS sales FROM core.sale GROUP BY month\n",
    );
    project.model("core.best", "SELECT max(month) AS month FROM core.total WHERE is_good\n");
    project
}

const SALE: &str = "/* ---\nkey: [id]\npartition_by: [month]\n--- */\n\
                    SELECT sale.id, sale.month, dealer.region, sale.amount FROM staged.sale \
                    LEFT JOIN staged.dealer ON dealer.dealer = sale.dealer\n";

/// Returns the partitions that a run rebuilt of a table.
fn rebuilt(report: &Value, table: &str) -> Vec<String> {
    let values = |partition: &Value| -> String {
        let values = partition["values"].as_array().unwrap().iter();
        values.map(|value| value.as_str().unwrap_or("NULL")).collect::<Vec<_>>().join(" ")
    };
    model(report, table)["rebuilt"].as_array().unwrap().iter().map(values).collect()
}

fn model<'a>(report: &'a Value, table: &str) -> &'a Value {
    report["models"].as_array().unwrap().iter().find(|model| model["table"] == table).unwrap()
}

#[test]
fn another_way_of_writing_a_model_rebuilds_nothing() {
    let project = sales();
    project.run();
    project.model(
        "core.sale",
        "/* ---\ndescription: Sales.\nkey: [id]\npartition_by: [month]\n--- */\n-- all of them, whoever sold\n\
         SELECT s.id, s.month, d.region, s.amount\nFROM staged.sale AS s\nLEFT JOIN staged.dealer AS d\n  ON d.dealer = s.dealer\n",
    );
    let report = project.run();
    for table in ["core.sale", "core.total", "core.best"] {
        assert_eq!(rebuilt(&report, table), [""; 0], "{table}");
    }
    project.model("core.sale", &SALE.replace("sale.amount", "sale.amount + 1 AS amount"));
    assert_eq!(rebuilt(&project.run(), "core.sale"), ["2024-01-01", "2024-02-01", "2024-03-01"]);
}

#[test]
fn a_column_that_nobody_reads_may_come_and_change() {
    let project = sales();
    project.run();
    project.extract("sale/sale_2.csv", "id,month,dealer,amount,note\n3,2024-02-01,A,30,seen\n");
    let report = project.run();
    assert_eq!(report["sources"][1]["changed_partitions"], json!([["2024-02-01"]]));
    assert_eq!(rebuilt(&report, "core.sale"), [""; 0]);
    let source = fs::read_to_string(project.path("pipelines/sources/sale.yaml")).unwrap();
    let wider = source.replace("  note:", "  shop: { type: string }\n  note:");
    project.file("pipelines/sources/sale.yaml", wider);
    assert_eq!(rebuilt(&project.run(), "core.sale"), [""; 0]);
}

#[test]
fn an_unchanged_result_stops_the_wave() {
    let project = sales();
    project.run();
    project.extract("sale/sale_2.csv", "id,month,dealer,amount,note\n3,2024-02-01,A,31,\n");
    let report = project.run();
    assert_eq!(rebuilt(&report, "core.sale"), ["2024-02-01"]);
    assert_eq!(rebuilt(&report, "core.total"), ["2024-02-01"]);
    assert_eq!(model(&report, "core.total")["rebuilt"][0]["is_changed"], false);
    assert_eq!(rebuilt(&report, "core.best"), [""; 0], "its input has the rows that it had");
}

#[test]
fn rows_that_move_and_vanish_take_their_partitions_along() {
    let project = sales();
    project.run();
    project.extract("sale/sale_2.csv", "id,month,dealer,amount,note\n4,2024-02-01,B,40,\n");
    let report = project.run();
    assert_eq!(rebuilt(&report, "core.sale"), ["2024-02-01"]);
    assert_eq!(model(&report, "core.sale")["dropped"], json!([["2024-03-01"]]));
    assert_eq!(
        project.query("SELECT month, count(*) AS n FROM core.sale GROUP BY month ORDER BY month"),
        ["2024-01-01|2", "2024-02-01|2"]
    );
    project.extract("sale/sale_3.csv", "id,month,dealer,amount,note\n5,,A,50,\n");
    assert_eq!(rebuilt(&project.run(), "core.sale"), ["NULL"]);
}

#[test]
fn plan_says_what_would_be_rebuilt_and_why() {
    let project = sales();
    project.run();
    assert_eq!(
        project.tallyhouse(&["plan"]).succeeds().out,
        "sources: 0 changed, 2 unchanged\nmodels: 0 to rebuild, 3 unchanged\n"
    );
    project.extract("sale/sale_2.csv", "id,month,dealer,amount,note\n3,2024-02-01,A,31,\n");
    // What is free on this disk is another number on every machine.
    let planned = project.tallyhouse(&["plan"]).succeeds().out;
    let (planned, space) = planned.split_at(planned.find("space: ").unwrap());
    assert!(space.starts_with("space: about 0.0 MB needed, "), "{space}");
    assert_eq!(
        planned,
        "sources: 1 changed, 1 unchanged\n  sale                     1 changed partitions, 5 rows\n\
         models: 3 to rebuild, 0 unchanged\n  core.sale                1 of 3 known partitions\n    \
         2024-02-01: staged.sale [2024-02-01] changed\n  core.total               1 of 3 known partitions\n    \
         2024-02-01: core.sale [2024-02-01] changed\n  core.best                1 of 1 known partitions\n    \
         whole table: core.total [2024-02-01] changed (the whole table counts)\n"
    );
    let planned = project.tallyhouse(&["plan", "--output", "json"]).succeeds().json();
    assert_eq!(
        model(&planned, "core.sale")["rebuilt"],
        json!([[["2024-02-01"], [{"reason": "input_changed", "table": "staged.sale", "partitions": [["2024-02-01"]], "whole": false}]]])
    );
}

#[test]
fn why_says_what_a_partition_reads() {
    let project = sales();
    project.run();
    project.extract("sale/sale_2.csv", "id,month,dealer,amount,note\n3,2024-02-01,A,31,\n");
    assert_eq!(
        project.tallyhouse(&["why", "core.sale"]).succeeds().out,
        "core.sale: 1 of 3 known partitions to rebuild\n\n\
         month=2024-02-01: rebuilt: staged.sale [2024-02-01] changed\n  \
         reads staged.dealer whole table: dealer, region\n  \
         reads staged.sale [2024-02-01], 1 of 3 partitions: amount, dealer, id\n\n\
         month=2024-01-01: kept, nothing that it reads has changed\n  \
         reads staged.dealer whole table: dealer, region\n  \
         reads staged.sale [2024-01-01], 1 of 3 partitions: amount, dealer, id\n\n\
         month=2024-03-01: kept, nothing that it reads has changed\n  \
         reads staged.dealer whole table: dealer, region\n  \
         reads staged.sale [2024-03-01], 1 of 3 partitions: amount, dealer, id\n"
    );
    assert_eq!(
        project.tallyhouse(&["why", "core.sale", "--partition", "month=2025-01-01"]).succeeds().out,
        "core.sale: 1 of 3 known partitions to rebuild\n\n\
         month=2025-01-01: not there yet; it may appear: staged.sale [2024-02-01] changed (the whole table counts)\n  \
         reads staged.dealer whole table: dealer, region\n  \
         reads staged.sale no partition of 3: amount, dealer, id\n"
    );
    let answer = project.tallyhouse(&["why", "core.best", "--output", "json"]).succeeds().json();
    assert_eq!(
        answer["partitions"][0]["reads"],
        json!([{
            "table": "core.total",
            "partitions": null,
            "known_partitions": 3,
            "columns": ["is_good"],
            "follows_run_date": false,
            "is_ignored": false
        }])
    );
    let wrong = |arguments: &[&str]| project.tallyhouse(arguments).ends(2).err;
    assert!(wrong(&["why", "core.sales"]).contains("no table fits `core.sales`\n  hint: did you mean `core.sale`?"));
    assert!(
        wrong(&["why", "core.sale", "--partition", "day=1"])
            .contains("`core.sale` is not partitioned by `day`\n  hint: it is partitioned by month")
    );
    assert!(
        wrong(&["why", "core.sale", "--partition", "month=May"])
            .contains("`--partition month=May` is no value of `month`")
    );
}

#[test]
fn a_backfill_rebuilds_a_range_though_nothing_changed() {
    let project = sales();
    project.run();
    let range = ["--rebuild", "core.sale", "--from", "2024-02-01", "--to", "2024-02-29"];
    let planned = project.tallyhouse(&[&["plan"], &range[..]].concat()).succeeds().out;
    assert!(planned.contains("    2024-02-01: a rebuild was asked for\n"), "{planned}");
    let report = project.run_with(&range);
    assert_eq!(rebuilt(&report, "core.sale"), ["2024-02-01"]);
    assert_eq!(rebuilt(&report, "core.total"), [""; 0]);
    assert_eq!(report["outcome"], "unchanged");
    assert_eq!(rebuilt(&project.run_with(&["--rebuild", "core.best"]), "core.best"), [""]);
    let wrong = |arguments: &[&str]| project.tallyhouse(&[&["run", "--rebuild"], arguments].concat()).ends(2).err;
    assert!(wrong(&["core.sale", "--from", "2025-01-01"]).contains("no partition of `core.sale` lies in the range"));
    assert!(wrong(&["core.sale", "--from", "spring"]).contains("`--from spring` is no value of `month`"));
    assert!(wrong(&["core.best", "--to", "2025-01-01"]).contains("`core.best` has no partitions"));
    assert!(wrong(&["staged.sale"]).contains("`staged.sale` is no model of this pipeline"));
}

#[test]
fn changes_that_a_header_ignores_rebuild_nothing_until_something_else_does() {
    let project = sales();
    project.model("core.sale", &SALE.replace("--- */", "rebuild: { ignore_changes: [staged.dealer] }\n--- */"));
    project.run();
    project.extract("dealer/dealer.csv", "dealer,region\nA,west\nB,east\n");
    let planned = project.tallyhouse(&["plan"]).succeeds().out;
    assert!(
        planned.contains("core.sale                ignores, as its header says: staged.dealer changed"),
        "{planned}"
    );
    let ran = project.tallyhouse(&["run"]).succeeds().out;
    assert!(
        ran.contains(
            "core.sale                  ignores, as its header says: staged.dealer changed (the whole table counts)"
        ),
        "{ran}"
    );
    let regions = || project.query("SELECT DISTINCT month, region FROM core.sale ORDER BY 1, 2");
    assert_eq!(regions(), ["2024-01-01|north", "2024-01-01|south", "2024-02-01|north", "2024-03-01|south"]);
    project.extract("sale/sale_2.csv", "id,month,dealer,amount,note\n3,2024-02-01,A,31,\n5,2024-04-01,A,5,\n");
    project.run();
    assert_eq!(
        regions(),
        ["2024-01-01|north", "2024-01-01|south", "2024-02-01|west", "2024-03-01|south", "2024-04-01|west"]
    );
    let verified = project.run_with(&["--verify-incremental"]);
    assert_eq!(model(&verified, "core.sale")["differences"].as_array().unwrap().len(), 2);
    assert_eq!(model(&verified, "core.sale")["differences"][0]["is_expected"], true);
    project.run_with(&["--rebuild", "core.sale", "--from", "2024-03-01"]);
    assert_eq!(regions()[3..], ["2024-03-01|east", "2024-04-01|west"]);
}

#[test]
fn an_ignored_table_must_be_one_that_the_model_reads() {
    let project = sales();
    project.model("core.sale", &SALE.replace("--- */", "rebuild: { ignore_changes: [staged.dealers] }\n--- */"));
    let found = project.tallyhouse(&["check"]).ends(2).err;
    assert!(found.contains("the model does not read `staged.dealers`"), "{found}");
    assert!(found.contains("did you mean `staged.dealer`?"), "{found}");
}

#[test]
fn a_verified_run_publishes_nothing_that_a_full_rebuild_makes_otherwise() {
    let project = sales();
    project.run();
    let verified = project.run_with(&["--verify-incremental"]);
    assert_eq!((&verified["outcome"], &verified["is_verified"]), (&json!("unchanged"), &json!(true)));
    // A warehouse that takes the rows of one query for those of another: as an unsound proof would leave it behind.
    let other = SALE.replace("sale.amount", "CASE WHEN sale.id = '3' THEN 7 ELSE sale.amount END AS amount");
    project.model("core.sale", &other);
    let mut command = project.command(&["run"]);
    assert!(command.env("TALLYHOUSE_WAREHOUSE", project.path("other")).output().unwrap().status.success());
    let manifest = |warehouse: &str| project.path(&format!("{warehouse}/current/manifest.json"));
    let read = |warehouse| -> Value { serde_json::from_slice(&fs::read(manifest(warehouse)).unwrap()).unwrap() };
    let (mut wrong, right) = (read("warehouse"), read("other"));
    let (wrong_table, right_table) = (&mut wrong["tables"]["core.sale"], &right["tables"]["core.sale"]);
    wrong_table["definition"] = right_table["definition"].clone();
    for partition in 0..3 {
        wrong_table["partitions"][partition]["fingerprint"] =
            right_table["partitions"][partition]["fingerprint"].clone();
    }
    fs::write(manifest("warehouse"), wrong.to_string()).unwrap();
    let before = project.current().files("core.sale");
    assert_eq!(rebuilt(&project.run(), "core.sale"), [""; 0]);
    project.extract("sale/sale_2.csv", "id,month,dealer,amount,note\n1,2024-01-01,A,11,\n");
    let ran = project.tallyhouse(&["run", "--verify-incremental"]).ends(1).out;
    assert!(ran.contains("verified: 3 models computed whole, differing partitions: 1\n"), "{ran}");
    assert!(ran.contains("  core.sale                  2024-02-01: 1 rows too many, 1 missing\n"), "{ran}");
    assert!(ran.contains("stopped before publishing: a full rebuild gives other rows of core.sale; "), "{ran}");
    assert_eq!(project.current().files("core.sale"), before);
}

#[test]
fn an_unpartitioned_table_that_was_empty_fills() {
    let project = sales();
    project.model("core.large", "SELECT id FROM core.sale WHERE amount > 100\n");
    project.run();
    assert_eq!(project.query("SELECT count(*) AS n FROM core.large"), ["0"]);
    project.extract("sale/sale_2.csv", "id,month,dealer,amount,note\n9,2024-02-01,A,900,\n");
    project.run();
    assert_eq!(project.query("SELECT id FROM core.large"), ["9"]);
}

#[test]
fn a_partition_may_hang_on_the_newest_of_another_table() {
    let project = sales();
    project.model(
        "core.newest",
        "/* ---\npartition_by: [month]\n--- */\nSELECT id, month FROM core.sale WHERE month = (SELECT max(month) FROM staged.sale)\n",
    );
    project.run();
    assert_eq!(project.query("SELECT id FROM core.newest"), ["4"]);
    project.extract("sale/sale_2.csv", "id,month,dealer,amount,note\n6,2024-05-01,A,6,\n");
    project.run();
    assert_eq!(project.query("SELECT id FROM core.newest"), ["6"]);
}
