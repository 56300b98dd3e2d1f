//! Snapshots: listing, taking one back, keeping some, and an environment of one's own.

use std::fs;

use serde_json::{Value, json};

use crate::project::Project;

/// Makes a project whose extract holds one amount.
fn with_amount(amount: u32) -> Project {
    let project = Project::new();
    project.source("sale", "key: [id]\ncolumns:\n  id: { type: int }\n  amount: { type: int }\n");
    project.model("core.sale", "SELECT id, amount FROM staged.sale");
    project.model("core.size", "SELECT CASE WHEN amount > 100 THEN 'large' ELSE 'small' END AS size FROM staged.sale");
    set_amount(&project, amount);
    project
}

fn set_amount(project: &Project, amount: u32) {
    project.extract("sale/a.csv", format!("id,amount\n1,{amount}\n"));
}

/// Publishes one snapshot for each amount.
fn published(amounts: &[u32]) -> Project {
    let project = with_amount(0);
    for &amount in amounts {
        set_amount(&project, amount);
        project.run();
    }
    project
}

fn ids(project: &Project) -> Vec<String> {
    let listed = project.tallyhouse(&["snapshots", "--output", "json"]).succeeds().json();
    listed.as_array().unwrap().iter().map(|snapshot| snapshot["snapshot"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_list_begins_with_the_newest_and_marks_what_is_served() {
    let project = published(&[1, 2]);
    let listed = project.tallyhouse(&["snapshots"]).succeeds().out;
    let lines: Vec<&str> = listed.lines().collect();
    assert_eq!(lines.len(), 2, "{listed}");
    assert!(lines[0].starts_with(&format!("* {}  ", project.current().id())), "{listed}");
    assert!(lines[1].starts_with("  000001-"), "{listed}");
    assert!(lines[0].ends_with("as of 2026-06-30  6 tables, 25 rows, 0.0 MB"), "{listed}");
}

#[test]
fn before_the_first_run_there_is_none() {
    let project = with_amount(1);
    let said = project.tallyhouse(&["snapshots", "ls"]).succeeds().out;
    assert_eq!(said, "no snapshot yet: `tallyhouse run` publishes the first\n");
    assert!(!project.path("warehouse").exists(), "looking makes nothing");
}

#[test]
fn every_snapshot_can_be_read_not_only_the_served_one() {
    let project = published(&[1, 2]);
    let first = ids(&project)[1].clone();
    let shown = project.tallyhouse(&["show", "core.sale", "--snapshot", &first, "--output", "json"]).succeeds();
    assert_eq!(shown.json(), json!([{ "id": 1, "amount": 1 }]));
    assert_eq!(project.query("SELECT amount FROM core.sale"), ["2"]);
}

#[test]
fn a_rollback_serves_the_old_rows_as_a_new_snapshot() {
    let project = published(&[1, 2]);
    let first = ids(&project)[1].clone();
    let said = project.tallyhouse(&["snapshots", "rollback", "1"]).succeeds().out;
    let current = project.current();
    assert_eq!(
        said,
        format!(
            "snapshot {} is served (rollback to {first}) and held\n`tallyhouse snapshots release` lets the next run publish again\n",
            current.id()
        )
    );
    current.verify();
    assert_eq!(project.rows("core.sale"), ["1|1"]);
    assert_eq!(ids(&project).len(), 3);
    let old = crate::snapshot::Snapshot::open(&project.path("warehouse/snapshots").join(&first));
    assert_eq!(current.inodes("core.sale"), old.inodes("core.sale"));
}

#[test]
fn after_a_rollback_nothing_is_published_until_the_release() {
    let project = published(&[1, 2]);
    project.tallyhouse(&["snapshots", "rollback", "1"]).succeeds();
    let held = project.current().id().to_owned();
    set_amount(&project, 3);
    let first = ids(&project)[2].clone();
    assert_eq!(
        project.tallyhouse(&["run"]).ends(1).err,
        format!(
            "error: snapshot {held} is held (rollback to {first}), so nothing is published\n  \
             hint: `tallyhouse snapshots release` lets the next run publish again\n"
        )
    );
    assert_eq!(project.rows("core.sale"), ["1|1"]);

    assert_eq!(
        project.tallyhouse(&["snapshots", "release"]).succeeds().out,
        "released: the next run publishes again\n"
    );
    assert_eq!(project.tallyhouse(&["snapshots", "release"]).succeeds().out, "nothing was held\n");
    assert_eq!(project.run()["outcome"], "published");
    assert_eq!(project.rows("core.sale"), ["1|3"]);
}

#[test]
fn a_run_after_the_release_brings_back_what_was_taken_back() {
    let project = published(&[1, 2]);
    project.tallyhouse(&["snapshots", "rollback", "1"]).succeeds();
    project.tallyhouse(&["snapshots", "release"]).succeeds();
    project.run();
    assert_eq!(project.rows("core.sale"), ["1|2"]);
    project.current().verify();
}

#[test]
fn a_rollback_to_what_is_served_or_never_was_is_refused() {
    let project = published(&[1]);
    let served = project.current().id().to_owned();
    let said = project.tallyhouse(&["snapshots", "rollback", "1"]).ends(2).err;
    assert_eq!(said, format!("error: snapshot `{served}` is what `<project>/warehouse` serves already\n"));
    let said = project.tallyhouse(&["snapshots", "rollback", "7"]).ends(2).err;
    let hint = format!("  hint: there are `{served}`; `tallyhouse snapshots ls` shows all\n");
    assert_eq!(said, format!("error: the warehouse `<project>/warehouse` has no snapshot `7`\n{hint}"));
}

#[test]
fn only_as_many_snapshots_stay_as_the_pipeline_says() {
    let project = with_amount(0);
    let pipeline = fs::read_to_string(project.path("pipelines/nightly.yaml")).unwrap();
    project.file("pipelines/nightly.yaml", pipeline + "publish: { keep_snapshots: 2 }\n");
    for amount in 1..=4 {
        set_amount(&project, amount);
        project.run();
    }
    let numbers: Vec<String> = ids(&project).iter().map(|id| id[..6].to_owned()).collect();
    assert_eq!(numbers, ["000004", "000003"]);
    let on_disk = fs::read_dir(project.path("warehouse/snapshots")).unwrap().count();
    assert_eq!(on_disk, 2);
    project.current().verify();
}

#[test]
fn current_json_says_what_the_link_says() {
    let project = published(&[1, 2]);
    let pointer: Value = serde_json::from_slice(&fs::read(project.path("warehouse/current.json")).unwrap()).unwrap();
    let id = project.current().id().to_owned();
    assert_eq!(
        [&pointer["snapshot"], &pointer["manifest"]],
        [&json!(id), &json!(format!("snapshots/{id}/manifest.json"))]
    );
    assert_eq!(fs::read_link(project.path("warehouse/current")).unwrap().to_str().unwrap(), format!("snapshots/{id}"));
}

#[test]
fn an_environment_shares_every_file_that_is_the_same_and_leaves_production_alone() {
    let project = published(&[1]);
    let production = project.current();
    project.model("core.size", "SELECT 'medium' AS size FROM staged.sale");
    project.run_with(&["--env", "dev"]);
    let dev = crate::snapshot::Snapshot::open(&project.path("warehouse/env/dev"));
    dev.verify();
    assert_eq!(project.current().path, production.path);
    assert_eq!(dev.rows("core.size"), ["medium"]);
    assert_eq!(project.rows("core.size"), ["small"]);
    for table in ["core.sale", "staged.sale", "quarantine.sale"] {
        assert_eq!(dev.inodes(table), production.inodes(table), "{table}");
    }
    assert_ne!(dev.inodes("core.size"), production.inodes("core.size"));
    let shown = project.tallyhouse(&["query", "SELECT size FROM core.size", "--env", "dev", "--output", "json"]);
    assert_eq!(shown.succeeds().json(), json!([{ "size": "medium" }]));
}

#[test]
fn production_does_not_see_what_an_environment_rolled_back() {
    let project = published(&[1, 2]);
    project.run_with(&["--env", "dev"]);
    project.tallyhouse(&["snapshots", "--env", "dev", "rollback", "1"]).succeeds();
    set_amount(&project, 3);
    assert_eq!(project.run()["outcome"], "published");
    project.tallyhouse(&["run", "--env", "dev"]).ends(1);
    assert_eq!(project.rows("core.sale"), ["1|3"]);
    assert_eq!(crate::snapshot::Snapshot::open(&project.path("warehouse/env/dev")).rows("core.sale"), ["1|1"]);
}

#[test]
fn every_run_is_recorded_also_one_that_fails() {
    let project = published(&[1]);
    project.run();
    project.extract("sale/b.xlsx", "no workbook");
    project.tallyhouse(&["run"]).ends(1);
    let mut files: Vec<_> =
        fs::read_dir(project.path("warehouse/runs")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    // How models were computed is kept beside the record of the run that computed them.
    files.retain(|path| !path.to_string_lossy().ends_with(".operators.json"));
    let outcome = |path: &std::path::PathBuf| -> Value {
        serde_json::from_slice::<Value>(&fs::read(path).unwrap()).unwrap()["outcome"].clone()
    };
    assert_eq!(files.iter().map(outcome).collect::<Vec<_>>(), ["published", "unchanged", "failed"]);
}
