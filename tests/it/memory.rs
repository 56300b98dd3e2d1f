//! What does not fit: joins of `query`, `show` and checks beyond the memory limit, and files beyond their size.

use serde_json::Value;

use crate::project::Project;

/// Two tables of 48 MB, of which a join by hash would hold one whole.
fn wide_tables() -> Project {
    let texts = |letter: &str| -> String {
        let line =
            |row: u32| format!("{row},{letter}{}\n", format!("{:08x}", row.wrapping_mul(2_654_435_761)).repeat(50));
        std::iter::once("id,text\n".to_owned()).chain((0..120_000).map(line)).collect()
    };
    let project = Project::new();
    let contract = "key: [id]\ncolumns:\n  id: { type: int }\n  text: { type: string }\n";
    let related = "checks:\n  - relationships: { column: text, to: staged.right, field: text }\n";
    project.source("left", &format!("{contract}{related}"));
    project.source("right", contract);
    for name in ["left", "right"] {
        project.extract(&format!("{name}/a.csv"), texts("same"));
    }
    project.run_with(&["--memory-limit", "64M"]);
    project
}

#[test]
fn queries_and_checks_join_more_than_the_memory_limit_and_what_cannot_is_told() {
    let project = wide_tables();
    let query = |sql: &str| project.tallyhouse(&["query", sql, "--output", "json", "--memory-limit", "64M"]);
    let joined =
        "SELECT count(*) AS n FROM staged.\"left\" l JOIN staged.\"right\" r ON l.id = r.id WHERE l.text <= r.text";
    assert_eq!(query(joined).succeeds().json(), serde_json::json!([{ "n": 120_000 }]));
    let shown = project.tallyhouse(&[
        "show",
        "staged.left",
        "--limit",
        "1",
        "--where",
        "text IN (SELECT text FROM staged.\"right\" WHERE id >= 7)",
        "--memory-limit",
        "64M",
        "--output",
        "json",
    ]);
    assert_eq!(shown.succeeds().json()[0]["id"], Value::from(7));
    let both = "(SELECT text FROM staged.\"left\" UNION ALL SELECT text FROM staged.\"right\")";
    let gathered = &format!("SELECT array_agg(text) FROM {both}");
    let told = project.tallyhouse(&["query", gathered, "--memory-limit", "64M"]).ends(3).error().to_owned();
    let operator = "the query needs more memory than the limit: an aggregation (`";
    assert!(told.contains(operator) && told.contains("raise `--memory-limit` (`TALLYHOUSE_MEMORY_LIMIT`)"), "{told}");
}

#[test]
fn what_building_a_model_spilled_is_kept_with_its_run() {
    let project = wide_tables();
    project.model(
        "core.wide",
        "SELECT l.id, l.text, r.text AS other FROM staged.\"left\" AS l JOIN staged.\"right\" AS r ON l.text = r.text",
    );
    project.run_with(&["--memory-limit", "64M", "--threads", "2"]);
    let explained = project.tallyhouse(&["explain", "core.wide", "--output", "json"]).succeeds().json();
    let cost = &explained["last_run"]["cost"];
    let figure = |name: &str| cost[name].as_u64().unwrap();
    assert!(figure("attempts") > 1 && figure("spills") > 0 && figure("spilled_bytes") > 1_000_000, "{cost}");
    // Five eighths of the limit are for operators, of which each is sure of a part even where others have it.
    assert!((1_000_000..=48 << 20).contains(&figure("peak_memory_bytes")), "{cost}");
    assert_eq!(explained["last_run"]["rows"], Value::from(120_000));
}

fn sizes(project: &Project, table: &str) -> Vec<u64> {
    let manifest = project.current().manifest;
    let partitions = manifest["tables"][table]["partitions"].as_array().unwrap().clone();
    let files = partitions.iter().flat_map(|partition| partition["files"].as_array().unwrap().clone());
    files.map(|file| file["bytes"].as_u64().unwrap()).collect()
}

#[test]
fn a_pipeline_sets_the_size_of_files_and_kept_partitions_keep_theirs() {
    let text = |row: u64| format!("{:016x}", row.wrapping_mul(0x9E37_79B9_7F4A_7C15)).repeat(2);
    let lines = |month: u32| -> String {
        let line = |row: u64| format!("{month}{row:06},2024-0{month}-01,{}{}\n", text(row), text(row * row + 1));
        (0..60_000).map(line).collect()
    };
    let project = Project::new();
    let columns = "columns:\n  id: { type: int }\n  day: { type: date }\n  text: { type: string }\n";
    project.source("sale", &format!("key: [id]\npartition_by: [day]\n{columns}"));
    for month in [1, 2] {
        project.extract(&format!("sale/{month}.csv"), format!("id,day,text\n{}", lines(month)));
    }
    project.run();
    let default = sizes(&project, "staged.sale");
    assert_eq!(default.len(), 2);
    let pipeline = std::fs::read_to_string(project.path("pipelines/nightly.yaml")).unwrap();
    project.file("pipelines/nightly.yaml", format!("{pipeline}publish: {{ file_bytes: 1048576 }}\n"));
    assert_eq!(project.run()["outcome"], "unchanged");
    assert_eq!(sizes(&project, "staged.sale"), default);
    project.extract("sale/2.csv", format!("id,day,text\n{}2999999,2024-02-01,late\n", lines(2)));
    project.run();
    let found = sizes(&project, "staged.sale");
    assert_eq!(found[0], default[0]);
    let rebuilt = &found[1..];
    assert!(rebuilt.len() > 2 && rebuilt.iter().all(|bytes| *bytes < 1_200_000), "{found:?}");
    assert!(rebuilt[..rebuilt.len() - 1].iter().all(|bytes| *bytes > 500_000), "{found:?}");
}
