//! Delta: every public table of every snapshot can be read through its log, value by value, whatever it holds and
//! whatever happened to it. The reading is done by `tests/outside/delta.py`.

use std::fs;

use serde_json::{Value, json};

use crate::{
    outside,
    project::Project,
    snapshot::{Snapshot, files_below},
};

/// One value of each awkward sort a line; `kind` and others are partition columns of models.
const ODD: &str = "\
id,kind,day,flag,number,amount,small,at,share,note
1,plain,2024-01-31,true,1,12.30,0.0000000001,2024-01-31 23:59:59.123456,0.5,a
2,it's \"50%\" of a/b\\c,2024-02-29,false,-1,-0.05,-99999999999999999999.9999999999,1969-12-31 23:59:59.999999,-0.0,\"x,\"\"y\"\"\"
3,中文 客户=1?#&+:*,1900-01-01,,2147483647,9999999999999999.99,1,2024-02-29 00:00:00,1e300,中文中文中文中文中文中文中文中文中文中文中文中文中文中文中文中文中文中文中文中文
4,,,true,,,,,,
5,ünï %2F~;@!$()[]{}|^`<>,2099-12-31,false,0,0.00,0,2099-12-31 23:59:59,1e-300,🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀
6,plain,2024-01-31,,1,1.00,2.5,2024-01-31 08:00:00,3,zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz
";

fn with_odd_values() -> Project {
    let project = Project::new();
    project.source(
        "odd",
        "key: [id]\nformat: csv\ncolumns:\n  id: { type: int }\n  kind: { type: string }\n  day: { type: date }\n  \
         flag: { type: boolean }\n  number: { type: int }\n  amount: { type: \"decimal(18,2)\" }\n  \
         small: { type: \"decimal(38,10)\" }\n  at: { type: timestamp }\n  share: { type: double }\n  \
         note: { type: string }\n",
    );
    project.extract("odd/a.csv", ODD);
    project
}

fn model(project: &Project, table: &str, partition_by: &str, sql: &str) {
    project.model(table, &format!("/* ---\npartition_by: [{partition_by}]\n--- */\n{sql}"));
}

/// Makes a project whose extract holds one line for each id, in the partition of its remainder by three.
fn with_lines(amounts: &[i64]) -> Project {
    let project = Project::new();
    project.source("sale", "key: [id]\ncolumns:\n  id: { type: int }\n  amount: { type: int }\n");
    model(&project, "core.sale", "part", "SELECT id, amount, id % 3 AS part FROM staged.sale");
    project.model("core.few", "SELECT id FROM staged.sale WHERE id < 2");
    set_lines(&project, amounts);
    project
}

fn set_lines(project: &Project, amounts: &[i64]) {
    let lines: Vec<String> = (0..).zip(amounts).map(|(id, amount): (usize, _)| format!("{id},{amount}\n")).collect();
    project.extract("sale/a.csv", format!("id,amount\n{}", lines.concat()));
}

/// Reads every public table of the served snapshot through its log.
fn read_current(project: &Project, further: &[&str]) {
    read(&project.current(), further);
}

fn read(snapshot: &Snapshot, further: &[&str]) {
    outside::python("delta.py", &[&[snapshot.path.to_str().unwrap()], further].concat());
}

/// Returns the names of the files of a table's log.
fn log(snapshot: &Snapshot, table: &str) -> Vec<String> {
    let folder = snapshot.data(table).with_file_name("_delta_log");
    files_below(&folder).iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect()
}

/// Returns the actions of one version of a table's log.
fn version(snapshot: &Snapshot, table: &str, version: u64) -> Vec<Value> {
    let path = snapshot.data(table).with_file_name("_delta_log").join(format!("{version:020}.json"));
    fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Returns the kinds of the actions of a version, in their order.
fn kinds(snapshot: &Snapshot, table: &str, number: u64) -> Vec<String> {
    let kind = |action: Value| action.as_object().unwrap().keys().next().unwrap().clone();
    version(snapshot, table, number).into_iter().map(kind).collect()
}

fn version_of(snapshot: &Snapshot, table: &str) -> u64 {
    snapshot.manifest["delta"][table]["version"].as_u64().unwrap()
}

fn id_of(snapshot: &Snapshot, table: &str) -> String {
    snapshot.manifest["delta"][table]["id"].as_str().unwrap().to_owned()
}

#[test]
fn odd_values_are_the_same_in_partitions_and_columns() {
    let project = with_odd_values();
    model(&project, "core.by_kind", "kind", "SELECT * FROM staged.odd");
    model(&project, "core.by_day", "day", "SELECT * FROM staged.odd");
    model(&project, "core.by_all", "flag, number, day, kind", "SELECT * FROM staged.odd");
    project.model("core.whole", "SELECT * FROM staged.odd");
    project.run();
    assert_eq!(project.current().files("core.by_all").len(), 6);
    read_current(&project, &[]);
}

#[test]
fn values_that_only_sql_makes_are_read_too() {
    let project = with_odd_values();
    project.model(
        "core.made",
        "SELECT id, rank() OVER (ORDER BY id) AS place, CAST(at AS TIMESTAMP) AS local_at, CAST(NULL AS INT) AS nothing, \
         CASE WHEN id = 1 THEN CAST('NaN' AS DOUBLE) WHEN id = 2 THEN CAST('-Infinity' AS DOUBLE) ELSE share END AS share, \
         number * 9007199254740993 AS large, CAST(number AS DECIMAL(12, 0)) AS whole, CAST('9999-12-31' AS DATE) AS far, true AS yes, '' AS empty \
         FROM staged.odd",
    );
    model(&project, "core.by_place", "place", "SELECT id, rank() OVER (ORDER BY id) AS place FROM staged.odd");
    project.run();
    read_current(&project, &[]);
}

#[test]
fn tables_without_rows_are_tables() {
    let project = with_odd_values();
    project.model("core.whole", "SELECT * FROM staged.odd WHERE id > 100");
    model(&project, "core.by_kind", "kind, day", "SELECT * FROM staged.odd WHERE id > 100");
    project.run();
    assert_eq!(kinds(&project.current(), "core.by_kind", 0), ["commitInfo", "protocol", "metaData"]);
    read_current(&project, &[]);
}

#[test]
fn a_night_adds_one_version_to_the_tables_that_it_changed() {
    let project = with_lines(&[1, 2, 3, 4]);
    project.run();
    let first = project.current();
    assert_eq!(kinds(&first, "core.sale", 0), ["commitInfo", "protocol", "metaData", "add", "add", "add"]);

    set_lines(&project, &[1, 2, 30, 4]);
    project.run();
    let second = project.current();
    assert_eq!(kinds(&second, "core.sale", 1), ["commitInfo", "remove", "add"], "a corrected line");
    assert_eq!(version_of(&second, "core.few"), 0, "its rows are the same");
    assert_eq!(version(&second, "core.sale", 1)[0]["commitInfo"]["operationParameters"]["snapshot"], second.id());
    assert_eq!(id_of(&first, "core.sale"), id_of(&second, "core.sale"));
    assert_ne!(id_of(&first, "core.sale"), id_of(&first, "core.few"));

    set_lines(&project, &[1, 2]);
    project.run();
    let third = project.current();
    assert_eq!(kinds(&third, "core.sale", 2), ["commitInfo", "remove", "remove", "add"], "withdrawn lines");

    assert_eq!(project.run()["outcome"], "unchanged");
    read(&first, &["--version", "core.sale=0"]);
    read(&second, &["--version", "core.sale=1", "--version", "core.few=0"]);
    read(&third, &["--version", "core.sale=2", "--version", "core.few=0"]);
}

#[test]
fn columns_and_partitions_change_in_one_version() {
    let project = with_lines(&[1, 2, 3, 4]);
    project.run();
    model(&project, "core.sale", "part", "SELECT id, amount, id % 3 AS part, amount * 2 AS \"两倍\" FROM staged.sale");
    project.run();
    let wider = project.current();
    assert!(kinds(&wider, "core.sale", 1).contains(&"metaData".to_owned()));
    read(&wider, &["--version", "core.sale=1"]);

    model(
        &project,
        "core.sale",
        "half",
        "SELECT id, CAST(amount AS DOUBLE) AS amount, id % 2 AS half FROM staged.sale",
    );
    project.run();
    let other = project.current();
    assert_eq!(
        kinds(&other, "core.sale", 2),
        ["commitInfo", "metaData", "remove", "remove", "remove", "add", "add"],
        "no file of the other partitions is left"
    );
    read(&other, &["--version", "core.sale=2"]);
}

#[test]
fn a_rollback_is_one_more_version_with_the_old_rows() {
    let project = with_lines(&[1, 2, 3]);
    project.run();
    set_lines(&project, &[1, 20, 3]);
    project.run();
    project.tallyhouse(&["snapshots", "rollback", "1"]).succeeds();
    let back = project.current();
    assert_eq!(kinds(&back, "core.sale", 2), ["commitInfo", "remove", "add"]);
    assert_eq!(version(&back, "core.sale", 2)[0]["commitInfo"]["operation"], "RESTORE");
    assert_eq!(version_of(&back, "core.few"), 0);
    read(&back, &["--version", "core.sale=2", "--version", "core.few=0"]);

    project.tallyhouse(&["snapshots", "release"]).succeeds();
    project.run();
    read_current(&project, &["--version", "core.sale=3"]);
}

#[test]
fn a_long_log_begins_with_a_checkpoint() {
    let project = with_lines(&[0, 0, 0, 0]);
    project.file(
        "pipelines/nightly.yaml",
        fs::read_to_string(project.path("pipelines/nightly.yaml")).unwrap() + "publish: { keep_snapshots: 3 }\n",
    );
    for night in 0..=23 {
        // A partition that stays since the first night, one that stays since the tenth version's, one of every night.
        set_lines(&project, &[0, if night < 5 { night } else { 5 }, night, 0]);
        project.run();
        if [9, 10, 11].contains(&night) {
            read_current(&project, &["--version", &format!("core.sale={night}")]);
        }
    }
    let current = project.current();
    let versions = (10..=23).map(|version| format!("{version:020}.json"));
    let mut expected: Vec<String> = versions.chain([format!("{:020}.checkpoint.parquet", 20)]).collect();
    expected.push("_last_checkpoint".to_owned());
    expected.sort();
    assert_eq!(log(&current, "core.sale"), expected);
    assert_eq!(log(&current, "core.few"), [format!("{:020}.json", 0)]);
    assert_eq!(current.manifest["delta"]["core.sale"]["checkpoint"], 20);
    for kept in files_below(&project.path("warehouse/snapshots")) {
        if kept.file_name().is_some_and(|name| name == "manifest.json") {
            read(&Snapshot::open(kept.parent().unwrap()), &[]);
        }
    }
}

#[test]
fn an_environment_goes_on_from_productions_log() {
    let project = with_lines(&[1, 2, 3]);
    project.run();
    model(&project, "core.sale", "part", "SELECT id, amount + 1 AS amount, id % 3 AS part FROM staged.sale");
    project.run_with(&["--env", "dev"]);
    let dev = Snapshot::open(&project.path("warehouse/env/dev"));
    read(&dev, &["--version", "core.sale=1", "--version", "core.few=0"]);
    set_lines(&project, &[1, 2, 3, 4]);
    project.run();
    read_current(&project, &["--version", "core.sale=1"]);
    assert_eq!(id_of(&dev, "core.sale"), id_of(&project.current(), "core.sale"));
    read(&dev, &["--version", "core.sale=1"]);
}

#[test]
fn without_the_format_there_is_no_log_and_with_it_again_it_begins_anew() {
    let project = with_lines(&[1, 2, 3]);
    let pipeline = fs::read_to_string(project.path("pipelines/nightly.yaml")).unwrap();
    project.run();
    let first = project.current();
    project.file("pipelines/nightly.yaml", format!("{pipeline}publish: {{ formats: [parquet] }}\n"));
    assert_eq!(project.run()["outcome"], "published");
    let plain = project.current();
    assert_eq!((log(&plain, "core.sale"), &plain.manifest["delta"]), (Vec::new(), &Value::Null));
    assert_eq!(plain.manifest["formats"], json!(["parquet"]));
    assert_eq!(project.run()["outcome"], "unchanged");

    project.file("pipelines/nightly.yaml", pipeline);
    assert_eq!(project.run()["outcome"], "published");
    let again = project.current();
    assert_ne!(id_of(&first, "core.sale"), id_of(&again, "core.sale"));
    read(&again, &["--version", "core.sale=0"]);
}

#[test]
fn a_lost_log_is_named() {
    let project = with_lines(&[1, 2, 3]);
    project.run();
    let lost = project.current().data("core.few").with_file_name("_delta_log").join(format!("{:020}.json", 0));
    fs::remove_file(lost).unwrap();
    set_lines(&project, &[1, 2, 4]);
    let ran = project.tallyhouse(&["run"]).ends(3);
    assert!(ran.error().contains("core/few/_delta_log/00000000000000000000.json"), "{}", ran.err);
    assert_eq!(project.rows("core.sale").len(), 3, "the old snapshot is served");
}

#[test]
fn a_table_that_evolved_is_read_through_its_log() {
    let project = Project::new();
    project.source(
        "sale",
        "key: [id]\npartition_by: [month]\ncolumns:\n  id: { type: string }\n  month: { type: string }\n  units: { type: int }\n",
    );
    project.extract("sale/a.csv", "id,month,units\na,1,1\nb,2,2\n");
    let define = |sql: &str| {
        let header = "/* ---\nkey: [id]\npartition_by: [month]\non_schema_change: evolve\n--- */\n";
        project.model("core.sale", &format!("{header}{sql}"));
    };
    define("SELECT id, month, units, CAST(units AS INT) AS small FROM staged.sale");
    project.run();
    define("SELECT id, month, units, CAST(units AS INT) AS small, upper(id) AS big FROM staged.sale");
    project.run();
    read(&project.current(), &[]);
    project.extract("sale/b.csv", "id,month,units\nc,3,3\n");
    define("SELECT id, month, units, CAST(units AS BIGINT) AS small, upper(id) AS big FROM staged.sale");
    let report = project.run();
    let model = &report["models"][0];
    assert_eq!((&model["is_evolved"], &model["kept_partitions"]), (&json!(true), &json!(2)), "{model}");
    read(&project.current(), &[]);
}
