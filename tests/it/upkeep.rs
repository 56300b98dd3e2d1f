//! Looking after snapshots: what differs between two, whether one is whole, which can go.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

use serde_json::{Value, json};

use crate::project::Project;

/// Makes a project with a keyed table by month, one without a key, and a table of one row.
fn project() -> Project {
    let project = Project::new();
    project.source(
        "sale",
        "key: [id]\npartition_by: [month]\ncolumns:\n  id: { type: int }\n  month: { type: string }\n  \
         amount: { type: int }\n",
    );
    project.model(
        "core.sale",
        "/* ---\nkey: [id]\npartition_by: [month]\n--- */\nSELECT id, amount, month FROM staged.sale",
    );
    project.model("core.size", "SELECT CASE WHEN amount > 100 THEN '大' ELSE 'small' END AS size FROM staged.sale");
    project.model("core.total", "SELECT sum(amount) AS amount FROM core.sale");
    project
}

/// Publishes rows of id, month and amount.
fn publish(project: &Project, rows: &[(u32, &str, u32)]) -> String {
    let line = |(id, month, amount): &(u32, &str, u32)| format!("{id},{month},{amount}\n");
    let lines: String = rows.iter().map(line).collect();
    project.extract("sale/a.csv", format!("id,month,amount\n{lines}"));
    project.run();
    project.current().id().to_owned()
}

fn diff(project: &Project, arguments: &[&str]) -> Value {
    let arguments = [&["snapshots", "diff", "--output", "json"], arguments].concat();
    project.tallyhouse(&arguments).succeeds().json()
}

fn table<'a>(diff: &'a Value, name: &str) -> &'a Value {
    let tables = diff["tables"].as_array().unwrap();
    tables.iter().find(|table| table["table"] == name).unwrap_or_else(|| panic!("{name} is not in {diff}"))
}

#[test]
fn rows_are_added_removed_and_changed_by_key() {
    let project = project();
    let first = publish(&project, &[(1, "a", 1), (2, "a", 2), (3, "b", 3), (4, "c", 4)]);
    let second = publish(&project, &[(1, "a", 1), (2, "a", 22), (3, "c", 3), (5, "c", 5), (6, "d", 6)]);
    let diff = diff(&project, &[]);
    assert_eq!([&diff["from"], &diff["to"]], [&json!(first), &json!(second)]);
    let sale = table(&diff, "core.sale");
    // Row 3 moved to another month: one row that changed, not one that went and one that came.
    assert_eq!(sale["rows"], json!({ "before": 4, "after": 5, "added": 2, "removed": 1, "changed": 2 }));
    assert_eq!(
        sale["partitions"],
        json!({
            "added": 1, "removed": 1, "changed": 2, "unchanged": 0,
            "added_values": [["d"]], "removed_values": [["b"]], "changed_values": [["a"], ["c"]],
        })
    );
    assert_eq!(table(&diff, "core.size")["rows"]["changed"], Value::Null, "there is no key to tell changes by");
    assert_eq!(table(&diff, "core.size")["rows"]["added"], 1);
    assert_eq!(
        table(&diff, "core.total")["rows"],
        json!({ "before": 1, "after": 1, "added": 1, "removed": 1, "changed": null })
    );
    let staged = table(&diff, "staged.sale");
    assert_eq!(staged["rows"]["changed"], 2);
    assert_eq!([&staged["partitions"]["changed"], &staged["partitions"]["changed_values"]], [&json!(2), &json!([])]);
    assert_eq!(diff["unchanged"], 2, "nothing is in quarantine, and no column is another");
}

#[test]
fn the_same_snapshot_differs_in_nothing_and_backwards_everything_is_the_other_way_round() {
    let project = project();
    publish(&project, &[(1, "a", 1)]);
    publish(&project, &[(1, "a", 1), (2, "a", 2)]);
    let same = diff(&project, &["2", "2"]);
    assert_eq!([&same["tables"], &same["unchanged"]], [&json!([]), &json!(7)]);
    let back = diff(&project, &["2", "1", "--table", "core.sale"]);
    assert_eq!(back["tables"][0]["rows"], json!({ "before": 2, "after": 1, "added": 0, "removed": 1, "changed": 0 }));
}

#[test]
fn the_text_names_columns_partitions_and_a_few_rows() {
    let project = project();
    let first = publish(&project, &[(1, "a", 1), (2, "b", 2)]);
    project.model(
        "core.sale",
        "/* ---\nkey: [id]\npartition_by: [month]\n--- */\nSELECT id, CAST(amount AS DECIMAL(18,2)) AS amount, 'x' AS note, month FROM staged.sale",
    );
    let second = publish(&project, &[(1, "a", 1), (2, "b", 22)]);
    let said = project.tallyhouse(&["snapshots", "diff", "--table", "core.sale", "--rows"]).succeeds().out;
    assert_eq!(
        said,
        format!(
            "{first} → {second}: 1 tables differ, 0 do not\n\n\
             core.sale changed: 2 → 2 rows, 0 added, 0 removed, 1 changed, compared by id, amount, month\n  \
             column note: added, Utf8\n  \
             column amount: Int32 → Decimal128(18, 2)\n  \
             partitions: 0 added, 0 removed, 2 changed, 0 the same\n    \
             ~ a\n    \
             ~ b\n\
             +--------+----+--------+-------+\n\
             | change | id | amount | month |\n\
             +--------+----+--------+-------+\n\
             | -      | 2  | 2.00   | b     |\n\
             | +      | 2  | 22.00  | b     |\n\
             +--------+----+--------+-------+\n\
             2 rows\n"
        )
    );
}

#[test]
fn another_key_and_other_partitions_are_told() {
    let project = project();
    publish(&project, &[(1, "a", 1), (2, "b", 2)]);
    project.model("core.sale", "SELECT id, amount, month FROM staged.sale");
    project.run();
    let diff = diff(&project, &["--table", "core.sale"]);
    let sale = table(&diff, "core.sale");
    assert_eq!([&sale["key"], &sale["partition_by"]], [&json!([["id"], []]), &json!([["month"], []])]);
    assert_eq!([&sale["partitions"]["added"], &sale["partitions"]["removed"]], [&json!(1), &json!(2)]);
    assert_eq!(sale["rows"], json!({ "before": 2, "after": 2, "added": 0, "removed": 0, "changed": null }));
}

#[test]
fn tables_come_and_go() {
    let project = project();
    publish(&project, &[(1, "a", 1)]);
    project.model("core.more", "SELECT id FROM core.sale");
    fs::remove_file(project.path("sql/core/size.sql")).unwrap();
    project.run();
    let diff = diff(&project, &["--rows", "5"]);
    let more = table(&diff, "core.more");
    assert_eq!([&more["change"], &more["rows"]["added"]], [&json!("added"), &json!(1)]);
    assert_eq!(more["sample"], json!([{ "change": "+", "id": 1 }]));
    let size = table(&diff, "core.size");
    assert_eq!([&size["change"], &size["rows"]["removed"]], [&json!("removed"), &json!(1)]);
}

#[test]
fn null_keys_and_equal_rows_without_a_key_are_counted_one_by_one() {
    let project = Project::new();
    project.source("sale", "columns:\n  id: { type: int }\n  note: { type: string }\n");
    project.model("core.note", "SELECT note FROM staged.sale");
    project.extract("sale/a.csv", "id,note\n1,\n2,\n3,it's\n4,客户\n");
    project.run();
    project.extract("sale/a.csv", "id,note\n1,\n3,it's\n4,客户\n5,客户\n6,客户\n");
    project.run();
    let diff = diff(&project, &["--table", "core.note", "--rows", "9"]);
    let rows = &diff["tables"][0]["rows"];
    assert_eq!(rows, &json!({ "before": 4, "after": 5, "added": 2, "removed": 1, "changed": null }));
    assert_eq!(
        diff["tables"][0]["sample"],
        json!([{ "change": "-", "note": null }, { "change": "+", "note": "客户" }])
    );
}

#[test]
fn rows_of_private_tables_are_counted_and_not_shown() {
    let project = project();
    publish(&project, &[(1, "a", 1)]);
    publish(&project, &[(1, "a", 2)]);
    let diff = diff(&project, &["--rows"]);
    assert_eq!(table(&diff, "staged.sale")["sample"], Value::Null);
    assert_ne!(table(&diff, "core.sale")["sample"], Value::Null);
    let refused = project.tallyhouse(&["snapshots", "diff", "--table", "staged.sale", "--rows"]).ends(2).err;
    assert_eq!(
        refused,
        "error: `staged.sale` may hold personal data, so its rows are only counted\n  \
         hint: leave out `--rows`; `tallyhouse show staged.sale --snapshot ID` shows rows of one snapshot\n"
    );
}

#[test]
fn the_first_snapshot_has_none_before_it() {
    let project = project();
    let first = publish(&project, &[(1, "a", 1)]);
    let said = project.tallyhouse(&["snapshots", "diff"]).ends(2).err;
    let hint = "  hint: name two: `tallyhouse snapshots diff A B`\n";
    assert_eq!(said, format!("error: snapshot {first} is the first: there is none before it\n{hint}"));
    let said = project.tallyhouse(&["snapshots", "diff", "1", "--table", "core.sales"]).ends(2).err;
    assert!(said.ends_with("hint: did you mean `core.sale`?\n"), "{said}");
}

/// Returns the data files of a table of the served snapshot.
fn files(project: &Project, table: &str) -> Vec<PathBuf> {
    let current = project.current();
    current.files(table).into_iter().map(|file| current.data(table).join(file)).collect()
}

fn overwrite(path: &PathBuf, bytes: &[u8]) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_whole_snapshot_is_proved_and_shared_files_are_read_once() {
    let project = project();
    publish(&project, &[(1, "a", 1), (2, "b", 2)]);
    let second = publish(&project, &[(1, "a", 1), (2, "b", 3)]);
    let one = project.tallyhouse(&["snapshots", "verify", "--output", "json"]).succeeds().json();
    assert_eq!([&one["snapshots"], &one["findings"]], [&json!([second]), &json!([])]);
    assert_eq!(one["hashed_bytes"], one["bytes"]);
    let all = project.tallyhouse(&["snapshots", "verify", "--all", "--output", "json"]).succeeds().json();
    assert_eq!(all["snapshots"].as_array().unwrap().len(), 2);
    assert!(all["hashed_bytes"].as_u64() < all["bytes"].as_u64(), "{all}");
    let said = project.tallyhouse(&["snapshots", "verify", "1"]).succeeds().out;
    assert!(said.starts_with("000001-") && said.ends_with(" MB read: nothing is wrong\n"), "{said}");
}

#[test]
fn every_kind_of_damage_is_found() {
    let project = project();
    let id = publish(&project, &[(1, "a", 1), (2, "b", 2), (3, "c", 3), (4, "d", 4)]);
    let sales = files(&project, "core.sale");
    fs::remove_file(&sales[0]).unwrap();
    let mut bytes = fs::read(&sales[1]).unwrap();
    bytes[9] ^= 1;
    overwrite(&sales[1], &bytes);
    bytes.pop();
    overwrite(&sales[2], &bytes);
    project.file("warehouse/current/core/sale/data/month=a/.0.new", "x");
    project.file("warehouse/current/core/sale/_delta_log/00000000000000000000.json", "{}");
    let found = project.tallyhouse(&["snapshots", "verify", "--output", "json"]).ends(1).json();
    let problems: Vec<&str> =
        found["findings"].as_array().unwrap().iter().map(|finding| finding["problem"].as_str().unwrap()).collect();
    assert_eq!(problems, ["litter", "missing", "hash", "bytes"], "{found}");
    let said = project.tallyhouse(&["snapshots", "verify"]).ends(1).out;
    let first = format!("{id}/core/sale/data/month=a/.0.new is named by nothing\n");
    assert!(said.starts_with(&first) && said.ends_with(": 4 findings\n"), "{said}");
    project.tallyhouse(&["snapshots", "verify", "--all"]).ends(1);
}

#[test]
fn rows_that_a_manifest_gets_wrong_and_a_damaged_manifest_are_found() {
    let project = project();
    publish(&project, &[(1, "a", 1), (2, "b", 2)]);
    let path = project.path("warehouse/current/manifest.json");
    let mut manifest: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    manifest["tables"]["core.sale"]["partitions"][0]["files"][0]["rows"] = json!(7);
    fs::write(&path, manifest.to_string()).unwrap();
    let found = project.tallyhouse(&["snapshots", "verify", "--output", "json"]).ends(1).json();
    let findings = found["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 2, "{found}");
    assert!(findings.iter().all(|finding| finding["problem"] == "rows"), "{found}");
    fs::write(&path, "{").unwrap();
    let found = project.tallyhouse(&["snapshots", "verify", "--output", "json"]).ends(1).json();
    assert_eq!(found["findings"][0]["problem"], "unreadable", "{found}");
}

fn ids(project: &Project) -> Vec<String> {
    let listed = project.tallyhouse(&["snapshots", "--output", "json"]).succeeds().json();
    listed.as_array().unwrap().iter().map(|snapshot| snapshot["snapshot"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn vacuum_first_says_what_goes_and_what_that_frees() {
    let project = project();
    let all: Vec<String> = (1..=4).map(|amount| publish(&project, &[(1, "a", amount), (2, "b", 2)])).collect();
    let said = project.tallyhouse(&["snapshots", "vacuum"]).succeeds().out;
    assert_eq!(said, "no snapshot goes: 4 stay\n");
    let told = project.tallyhouse(&["snapshots", "vacuum", "--keep", "2", "--output", "json"]).succeeds().json();
    let gone: Vec<&str> =
        told["snapshots"].as_array().unwrap().iter().map(|gone| gone["snapshot"].as_str().unwrap()).collect();
    assert_eq!(gone, all[..2], "the oldest first");
    assert_eq!([&told["kept"], &told["applied"]], [&json!(2), &json!(false)]);
    assert_eq!(ids(&project).len(), 4, "nothing went");
    let before = bytes_on_disk(&project);
    let said = project.tallyhouse(&["snapshots", "vacuum", "--keep", "2", "--apply"]).succeeds().out;
    assert!(said.contains("\nremoved 2 snapshots with "), "{said}");
    assert_eq!(ids(&project), [all[3].as_str(), &all[2]]);
    let manifests_and_views = before - bytes_on_disk(&project) - told["bytes"].as_u64().unwrap();
    assert!(manifests_and_views < 60_000, "{manifests_and_views} bytes more were freed than foretold");
    project.tallyhouse(&["snapshots", "verify", "--all"]).succeeds();
    assert_eq!(publish(&project, &[(1, "a", 9)])[..6], *"000005");
}

/// Returns the bytes of all inodes below the warehouse.
fn bytes_on_disk(project: &Project) -> u64 {
    use std::{collections::BTreeMap, os::unix::fs::MetadataExt};
    let files = crate::snapshot::files_below(&project.path("warehouse/snapshots"));
    let metadata = files.iter().map(|file| fs::metadata(file).unwrap());
    metadata.map(|found| (found.ino(), found.len())).collect::<BTreeMap<_, _>>().values().sum()
}

#[test]
fn vacuum_leaves_what_is_young_served_or_held() {
    let project = project();
    for amount in 1..=3 {
        publish(&project, &[(1, "a", amount)]);
    }
    project.run_with(&["--env", "dev"]);
    publish(&project, &[(1, "a", 4)]);
    let said = project.tallyhouse(&["snapshots", "vacuum", "--older-than", "1"]).succeeds().out;
    assert_eq!(said, "no snapshot goes: 5 stay\n", "all are of today");
    project.tallyhouse(&["snapshots", "rollback", "1"]).succeeds();
    project.tallyhouse(&["snapshots", "vacuum", "--older-than", "0", "--yes"]).succeeds();
    let numbers: Vec<String> = ids(&project).iter().map(|id| id[..6].to_owned()).collect();
    assert_eq!(numbers, ["000006", "000004"], "what production and dev serve");
    project.tallyhouse(&["snapshots", "verify", "--all"]).succeeds();
    assert_eq!(project.rows("core.total"), ["1"]);
    let holder = fs::File::open(project.path("warehouse/lock")).unwrap();
    holder.lock().unwrap();
    project.tallyhouse(&["snapshots", "vacuum", "--apply"]).ends(4);
    project.tallyhouse(&["snapshots", "vacuum"]).succeeds();
}

#[test]
fn young_snapshots_stay_after_a_publication_however_many_they_are() {
    let project = project();
    let pipeline = fs::read_to_string(project.path("pipelines/nightly.yaml")).unwrap();
    project.file("pipelines/nightly.yaml", pipeline + "publish: { keep_snapshots: 1, keep_days: 30 }\n");
    for amount in 1..=3 {
        publish(&project, &[(1, "a", amount)]);
    }
    assert_eq!(ids(&project).len(), 3);
    // The first was made long ago.
    let first = project.path("warehouse/snapshots").join(&ids(&project)[2]).join("manifest.json");
    let mut manifest: Value = serde_json::from_slice(&fs::read(&first).unwrap()).unwrap();
    manifest["created_at"] = json!("2020-01-01T00:00:00Z");
    fs::write(&first, manifest.to_string()).unwrap();
    publish(&project, &[(1, "a", 4)]);
    let numbers: Vec<String> = ids(&project).iter().map(|id| id[..6].to_owned()).collect();
    assert_eq!(numbers, ["000004", "000003", "000002"]);
}

/// Makes an extract that claims to be larger than any disk; false where the file system refuses.
fn send_too_much(project: &Project) -> bool {
    project.extract("sale/huge.csv", "id,month,amount\n");
    let file = fs::OpenOptions::new().write(true).open(project.path("extracts/sale/huge.csv")).unwrap();
    let is_made = file.set_len(8 << 40).is_ok();
    if !is_made {
        eprintln!("skipped: the file system has no file of 8 TiB, not even an empty one");
    }
    is_made
}

#[test]
fn a_run_that_the_disk_cannot_hold_is_refused_before_it_reads_anything() {
    let project = project();
    let served = publish(&project, &[(1, "a", 1)]);
    if !send_too_much(&project) {
        return;
    }
    let said = project.tallyhouse(&["run"]).ends(3).err;
    let (told, hint) = said.split_once('\n').unwrap();
    assert!(told.starts_with("error: the run needs about ") && told.contains(" TB for `normalized.sale`"), "{told}");
    assert!(told.contains("B are free: ") && hint.contains("`publish: { on_low_space: warn }`"), "{said}");
    let plan = project.tallyhouse(&["plan", "--output", "json"]);
    assert_ne!(plan.code, 0, "a plan reads what changed");
    assert_eq!(project.current().id(), served);
    assert!(crate::snapshot::files_below(&project.path("warehouse/staging")).is_empty());
    let runs = crate::snapshot::files_below(&project.path("warehouse/runs"));
    let last: Value = serde_json::from_slice(&fs::read(runs.last().unwrap()).unwrap()).unwrap();
    assert_eq!([&last["outcome"], &last["exit_code"]], [&json!("failed"), &json!(3)]);
}

#[test]
fn a_run_may_try_all_the_same() {
    let project = project();
    publish(&project, &[(1, "a", 1)]);
    let pipeline = fs::read_to_string(project.path("pipelines/nightly.yaml")).unwrap();
    project.file("pipelines/nightly.yaml", pipeline + "publish: { on_low_space: warn }\n");
    if send_too_much(&project) {
        // It goes on, and then the contract's own limit refuses the file.
        project.tallyhouse(&["run"]).ends(1);
    }
}

#[test]
fn a_forecast_counts_what_changed() {
    let project = project();
    let month = |month: &str, first: u32| -> String {
        let line = |id: u32| format!("{id},{month},{}\n", id % 977);
        (first..first + 20_000).map(line).collect()
    };
    for (number, name) in ["a", "b", "c", "d"].into_iter().enumerate() {
        let rows = month(name, u32::try_from(number).unwrap() * 100_000);
        project.extract(&format!("sale/{name}.csv"), format!("id,month,amount\n{rows}"));
    }
    let needed = |project: &Project| {
        let plan = project.tallyhouse(&["plan", "--output", "json"]).succeeds().json();
        plan["space"]["needed_bytes"].as_u64().unwrap()
    };
    let first = needed(&project);
    let bytes = bytes_of_first_run(&project);
    assert!((bytes..bytes * 8).contains(&first), "{first} bytes foretold, {bytes} written");
    assert_eq!(needed(&project), 0);
    let rows = month("d", 300_000).replace(",5\n", ",60\n");
    project.extract("sale/d.csv", format!("id,month,amount\n{rows}"));
    let second = needed(&project);
    let before = bytes_on_disk(&project);
    project.run();
    let written = bytes_on_disk(&project) - before;
    assert!((written / 2..written * 4).contains(&second), "{second} bytes foretold, {written} written");
}

fn bytes_of_first_run(project: &Project) -> u64 {
    project.run();
    bytes_on_disk(project)
}
