//! Snapshots: committed whole or not at all.

use std::{
    collections::{BTreeMap, BTreeSet},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow::array::{ArrayRef, Int64Array, StringArray};
use chrono::NaiveDate;

use super::tables::{batch, spec, write};
use crate::{
    publish::{Error, Prepared, Staging, Warehouse, WriterOptions, columns, same_content, same_facts},
    record::{
        Manifest, StoredAt, TableName,
        manifest::{MANIFEST_VERSION, Table, TableFormat},
    },
};

/// Stages `core.sales` and `staged.sales` with one row per value, partitioned by value.
pub fn stage(staging: &Staging, values: &[&str]) -> Manifest {
    let numbers: Vec<i64> = (0..).take(values.len()).collect();
    let rows = batch(vec![
        ("k", Arc::new(Int64Array::from(numbers)) as ArrayRef),
        ("kind", Arc::new(StringArray::from(values.to_vec()))),
    ]);
    let mut tables = BTreeMap::new();
    for name in [TableName::new("core", "sales"), TableName::staged("sales")] {
        let mut spec = spec(rows.schema(), &["kind"], &["k"]);
        spec.name = name.clone();
        let partitions = write(staging.path(), spec, std::slice::from_ref(&rows), WriterOptions::default()).unwrap();
        let (partition_by, key) = (vec!["kind".to_owned()], vec!["k".to_owned()]);
        let description = Some("客户's sales".to_owned());
        tables.insert(
            name,
            Table {
                definition: None,
                defined_on: None,
                meanings: BTreeMap::new(),
                is_history: false,
                is_behind: false,
                event_date: None,
                as_of: Vec::new(),
                labels: BTreeMap::new(),
                columns: columns(&rows.schema()),
                partition_by,
                key,
                description,
                partitions,
            },
        );
    }
    Manifest {
        checks: String::new(),
        passed_checks: BTreeMap::new(),
        manifest_version: MANIFEST_VERSION,
        snapshot: String::new(),
        parent: None,
        run: "run".to_owned(),
        created_at: "2026-06-30T00:00:00Z".to_owned(),
        run_date: NaiveDate::from_ymd_opt(2026, 6, 30).unwrap(),
        pipeline: "nightly".to_owned(),
        tool_version: "0.1.0".to_owned(),
        reason: None,
        held: false,
        formats: BTreeSet::from([TableFormat::Parquet, TableFormat::Delta]),
        delta: BTreeMap::new(),
        inputs: BTreeMap::new(),
        tables,
    }
}

fn prepare(warehouse: &Warehouse, run: &str, values: &[&str]) -> Prepared {
    let lock = warehouse.lock(run).unwrap();
    let staging = warehouse.begin(&lock, run).unwrap();
    let manifest = stage(&staging, values);
    staging.prepare(manifest).unwrap()
}

pub fn publish(warehouse: &Warehouse, run: &str, values: &[&str]) -> Manifest {
    prepare(warehouse, run, values).commit(3).unwrap()
}

/// Leaves on the disk what a process killed before the flip leaves; its lock is released, as the system does it.
fn kill(warehouse: &Warehouse, prepared: Prepared) {
    let aside = |name: &str| (warehouse.path().join(name), warehouse.path().join(format!("{name}.aside")));
    let folders = ["snapshots", "staging"].map(aside);
    for (folder, aside) in &folders {
        std::fs::rename(folder, aside).unwrap();
    }
    drop(prepared);
    for (folder, aside) in &folders {
        let _ = std::fs::remove_dir_all(folder);
        std::fs::rename(aside, folder).unwrap();
    }
}

fn house() -> (tempfile::TempDir, Warehouse) {
    let folder = tempfile::tempdir().unwrap();
    let warehouse = Warehouse::open(&folder.path().join("仓库"), None).unwrap();
    (folder, warehouse)
}

fn path_of(warehouse: &Warehouse, manifest: &Manifest, position: usize) -> PathBuf {
    let table = TableName::new("core", "sales");
    match warehouse.file(&manifest.snapshot, &table, &manifest.tables[&table].partitions[position].files[0]) {
        StoredAt::Disk(path) => path,
        StoredAt::Store(key) => unreachable!("{key} lies in no folder"),
    }
}

fn names(folder: &Path) -> Vec<String> {
    crate::storage::local::list(folder).unwrap()
}

#[test]
fn opening_and_reading_create_nothing() {
    let (folder, warehouse) = house();
    assert_eq!(warehouse.current().unwrap(), None);
    assert_eq!(warehouse.snapshots().unwrap(), []);
    assert!(!warehouse.is_held().unwrap());
    assert!(names(folder.path()).is_empty());
}

#[test]
fn a_publication_is_served_and_leaves_no_litter() {
    let (_folder, warehouse) = house();
    let manifest = publish(&warehouse, "run-1", &["a", "b/c"]);
    let root = warehouse.path();
    assert!(manifest.snapshot.starts_with("000001-") && manifest.snapshot.len() == 15, "{}", manifest.snapshot);
    assert_eq!(std::fs::read_link(root.join("current")).unwrap(), Path::new("snapshots").join(&manifest.snapshot));
    assert_eq!(warehouse.current().unwrap(), Some(manifest.clone()));
    assert_eq!(names(root), ["current", "current.json", "lock", "snapshots", "staging"]);
    assert_eq!(names(&root.join("staging")), Vec::<String>::new());
    assert_eq!(names(&root.join("current/core/sales/data")), ["kind=a", "kind=b%2Fc"]);
    assert_eq!(names(&root.join("current")), ["core", "manifest.json", "private", "views.sql"]);
    let mode = std::fs::metadata(root.join("current/private")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    assert!(path_of(&warehouse, &manifest, 1).is_file());
    let pointer: serde_json::Value =
        serde_json::from_slice(&std::fs::read(root.join("current.json")).unwrap()).unwrap();
    assert_eq!(pointer["snapshot"], manifest.snapshot.as_str());
    assert!(root.join(pointer["manifest"].as_str().unwrap()).is_file());
}

#[test]
fn unchanged_files_are_linked_even_when_they_were_built_again() {
    let (_folder, warehouse) = house();
    let first = publish(&warehouse, "run-1", &["a", "b"]);
    let inode =
        |manifest: &Manifest, position| std::fs::metadata(path_of(&warehouse, manifest, position)).unwrap().ino();
    let old = inode(&first, 0);
    let second = publish(&warehouse, "run-2", &["a", "c"]);
    assert_eq!(second.parent.as_ref(), Some(&first.snapshot));
    assert!(second.snapshot.starts_with("000002-"));
    assert_eq!(inode(&second, 0), old);
    assert!(!same_content(&first, &second));
    assert_eq!(names(&warehouse.path().join("current/core/sales/data")), ["kind=a", "kind=c"]);
}

#[test]
fn partitions_can_be_taken_over_without_staging_them() {
    let (_folder, warehouse) = house();
    let first = publish(&warehouse, "run-1", &["a"]);
    let lock = warehouse.lock("run-2").unwrap();
    let staging = warehouse.begin(&lock, "run-2").unwrap();
    let again = Manifest { run: "run-2".to_owned(), ..staging.parent().unwrap().clone() };
    assert!(same_content(&first, &again) && same_facts(&first, &again));
    let second = staging.prepare(again).unwrap().commit(3).unwrap();
    assert_eq!(second.snapshot[7..], first.snapshot[7..]);
    let lost = {
        let staging = warehouse.begin(&lock, "run-3").unwrap();
        let mut manifest = second.clone();
        let table = manifest.tables.get_mut(&TableName::new("core", "sales")).unwrap();
        table.partitions[0].files[0].path = "kind=a/none.parquet".to_owned();
        staging.prepare(manifest).unwrap_err()
    };
    assert!(matches!(lost, Error::MissingFile { path, .. } if path == "kind=a/none.parquet"));
    assert_eq!(names(&warehouse.path().join("snapshots")).len(), 2);
    assert_eq!(warehouse.served().unwrap(), Some(second.snapshot));
}

#[test]
fn the_second_run_is_told_who_holds_the_warehouse() {
    let (_folder, warehouse) = house();
    let lock = warehouse.lock("run-1").unwrap();
    let error = warehouse.lock("run-2").unwrap_err();
    let shown = error.to_string();
    assert!(shown.starts_with(&format!("run `run-1` (process {} on `", std::process::id())), "{shown}");
    assert!(shown.ends_with(&format!("holds the warehouse `{}`", warehouse.path().display())), "{shown}");
    assert_eq!(crate::Error::from(error).exit_code(), 4);
    drop(lock);
    warehouse.lock("run-2").unwrap();
}

#[test]
fn killed_at_any_moment_the_old_snapshot_is_served_and_the_next_run_cleans_up() {
    let (_folder, warehouse) = house();
    let first = publish(&warehouse, "run-1", &["a"]);
    let killed = prepare(&warehouse, "run-2", &["b"]);
    let half = warehouse.path().join("snapshots/000009-half/core");
    std::fs::create_dir_all(&half).unwrap();
    std::fs::write(warehouse.path().join("staging/run-2/half"), "x").unwrap();
    let unpublished = killed.manifest().snapshot.clone();
    kill(&warehouse, killed);
    assert_eq!(warehouse.current().unwrap(), Some(first.clone()));
    assert_eq!(warehouse.snapshots().unwrap().len(), 1);
    assert!(warehouse.manifest(&unpublished).is_ok());
    let lock = warehouse.lock("run-3").unwrap();
    let staging = warehouse.begin(&lock, "run-3").unwrap();
    assert_eq!(names(&warehouse.path().join("staging")), ["run-3"]);
    assert_eq!(names(&warehouse.path().join("snapshots")), [first.snapshot.as_str()]);
    drop(staging);
    assert_eq!(names(&warehouse.path().join("staging")), Vec::<String>::new());
}

#[test]
fn killed_right_after_the_flip_the_pointer_is_repaired() {
    let (_folder, warehouse) = house();
    let first = publish(&warehouse, "run-1", &["a"]);
    let pointer = std::fs::read(warehouse.path().join("current.json")).unwrap();
    let second = publish(&warehouse, "run-2", &["b"]);
    std::fs::write(warehouse.path().join("current.json"), &pointer).unwrap();
    assert_eq!(warehouse.served().unwrap(), Some(second.snapshot.clone()));
    let lock = warehouse.lock("run-3").unwrap();
    drop(warehouse.begin(&lock, "run-3").unwrap());
    let repaired = std::fs::read_to_string(warehouse.path().join("current.json")).unwrap();
    assert!(repaired.contains(&second.snapshot) && !repaired.contains(&first.snapshot));
}

#[test]
fn a_first_run_that_was_killed_leaves_nothing_and_lost_links_are_not_taken_for_that() {
    let (_folder, warehouse) = house();
    kill(&warehouse, prepare(&warehouse, "run-1", &["a"]));
    assert_eq!(names(&warehouse.path().join("snapshots")).len(), 1);
    assert_eq!(publish(&warehouse, "run-2", &["a"]).parent, None);
    assert_eq!(names(&warehouse.path().join("snapshots")).len(), 1);
    let newest = publish(&warehouse, "run-3", &["b"]);
    std::fs::remove_file(warehouse.path().join("current")).unwrap();
    assert_eq!(warehouse.served().unwrap(), Some(newest.snapshot.clone()));
    std::fs::remove_file(warehouse.path().join("current.json")).unwrap();
    let lock = warehouse.lock("run-4").unwrap();
    let error = warehouse.begin(&lock, "run-4").unwrap_err();
    assert!(error.hint().unwrap().contains(&format!("ln -s snapshots/{} current", newest.snapshot)));
    assert_eq!(names(&warehouse.path().join("snapshots")).len(), 2);
}

#[test]
fn aborting_removes_what_was_prepared() {
    let (_folder, warehouse) = house();
    let first = publish(&warehouse, "run-1", &["a"]);
    prepare(&warehouse, "run-2", &["b"]).abort().unwrap();
    drop(prepare(&warehouse, "run-3", &["b"]));
    assert_eq!(names(&warehouse.path().join("snapshots")), [first.snapshot.as_str()]);
    assert_eq!(warehouse.current().unwrap(), Some(first));
}

#[test]
fn a_snapshot_published_in_between_is_not_overwritten() {
    let (_folder, warehouse) = house();
    let first = publish(&warehouse, "run-1", &["a"]);
    let prepared = prepare(&warehouse, "run-2", &["b"]);
    std::fs::remove_file(warehouse.path().join("current")).unwrap();
    std::os::unix::fs::symlink("snapshots/000007-other", warehouse.path().join("current")).unwrap();
    let error = prepared.commit(3).unwrap_err().to_string();
    assert!(error.contains(&format!("points at `000007-other` instead of `{}`", first.snapshot)), "{error}");
}

#[test]
fn the_newest_snapshots_stay() {
    let (_folder, warehouse) = house();
    let all: Vec<String> = ["a", "b", "c", "d", "e"].map(|value| publish(&warehouse, value, &[value]).snapshot).into();
    let kept: Vec<String> = warehouse.snapshots().unwrap().into_iter().map(|manifest| manifest.snapshot).collect();
    assert_eq!(kept, [all[4].as_str(), &all[3], &all[2]]);
    assert_eq!(names(&warehouse.path().join("snapshots")), all[2..]);
}

#[test]
fn an_environment_starts_from_production_and_leaves_it_alone() {
    let (_folder, warehouse) = house();
    let first = publish(&warehouse, "run-1", &["a"]);
    let dev = Warehouse::open(warehouse.path(), Some("dev")).unwrap();
    assert_eq!((dev.served().unwrap(), dev.current().unwrap()), (None, Some(first.clone())));
    for (run, value) in [("d1", "b"), ("d2", "c"), ("d3", "d"), ("d4", "e"), ("d5", "f")] {
        publish(&dev, run, &["a", value]);
    }
    let latest = dev.current().unwrap().unwrap();
    assert_eq!(
        std::fs::read_link(dev.path().join("env/dev")).unwrap(),
        Path::new("../snapshots").join(&latest.snapshot)
    );
    assert!(dev.path().join("env/dev/manifest.json").is_file() && dev.path().join("env/dev.json").is_file());
    assert_eq!(warehouse.current().unwrap(), Some(first.clone()));
    let inode = |manifest: &Manifest| std::fs::metadata(path_of(&warehouse, manifest, 0)).unwrap().ino();
    assert_eq!(inode(&first), inode(&latest));
    let second = publish(&warehouse, "run-2", &["z"]);
    assert_eq!(second.parent, Some(first.snapshot));
    assert_eq!(dev.served().unwrap(), Some(latest.snapshot));
    assert!(matches!(Warehouse::open(warehouse.path(), Some("../x")), Err(Error::Name { .. })));
}

#[test]
fn a_rollback_is_held_until_it_is_released() {
    let (_folder, warehouse) = house();
    let first = publish(&warehouse, "run-1", &["a"]);
    let second = publish(&warehouse, "run-2", &["b"]);
    let lock = warehouse.lock("rollback").unwrap();
    let served = warehouse.rollback(&lock, &second.snapshot, "rollback", 3).unwrap_err();
    assert!(matches!(served, Error::AlreadyServed { id, .. } if id == second.snapshot));
    let unknown = warehouse.rollback(&lock, "99", "rollback", 3).unwrap_err();
    assert!(unknown.hint().unwrap().contains(&first.snapshot));
    let back = warehouse.rollback(&lock, "1", "rollback", 3).unwrap();
    assert!(same_content(&back, &first));
    assert_eq!((back.parent.as_ref(), back.held), (Some(&second.snapshot), true));
    assert_eq!(back.reason, Some(format!("rollback to {}", first.snapshot)));
    assert!(back.snapshot.starts_with("000003-"));
    let inode = |manifest: &Manifest| std::fs::metadata(path_of(&warehouse, manifest, 0)).unwrap().ino();
    assert_eq!(inode(&back), inode(&first));
    assert_eq!(warehouse.hold().unwrap().unwrap().snapshot, back.snapshot);
    drop(lock);
    let refused = prepare(&warehouse, "run-3", &["c"]).commit(3).unwrap_err();
    assert!(matches!(&refused, Error::Held { .. }) && refused.hint().unwrap().contains("snapshots release"));
    assert_eq!(warehouse.served().unwrap(), Some(back.snapshot.clone()));
    let lock = warehouse.lock("release").unwrap();
    assert_eq!(warehouse.release(&lock).unwrap().unwrap().snapshot, back.snapshot);
    assert_eq!(warehouse.release(&lock).unwrap(), None);
    drop(lock);
    assert_eq!(publish(&warehouse, "run-4", &["c"]).parent, Some(back.snapshot));
}

#[test]
fn manifests_of_newer_tools_and_damaged_ones_are_refused() {
    let (_folder, warehouse) = house();
    let manifest = publish(&warehouse, "run-1", &["a"]);
    let path = warehouse.path().join("current/manifest.json");
    std::fs::write(&path, r#"{"manifest_version": 99, "surprise": true}"#).unwrap();
    let error = warehouse.current().unwrap_err();
    assert!(error.to_string().ends_with("has manifest version 99, this tool reads up to 1"), "{error}");
    std::fs::write(&path, "{").unwrap();
    assert!(matches!(warehouse.manifest(&manifest.snapshot), Err(Error::Damaged { .. })));
    assert!(matches!(warehouse.manifest("../lock"), Err(Error::UnknownSnapshot { .. })));
}

#[test]
fn a_folder_that_cannot_be_made_is_named_with_advice() {
    let folder = tempfile::tempdir().unwrap();
    let error = Warehouse::open(&folder.path().join("none/warehouse"), None).unwrap().lock("run").unwrap_err();
    assert!(error.to_string().ends_with("none/warehouse`: no such file or directory"), "{error}");
    assert!(error.hint().unwrap().starts_with("create the folder above it"));
    assert_eq!(crate::Error::from(error).exit_code(), 3);
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    assert!(Warehouse::open(&file, None).unwrap_err().to_string().starts_with("cannot open the warehouse"));
}

#[test]
fn runs_are_recorded_under_their_names() {
    let (_folder, warehouse) = house();
    drop(warehouse.lock("run-1").unwrap());
    let path = warehouse.record_run("run-1", &BTreeMap::from([("rows", 7)])).unwrap();
    assert_eq!(std::fs::read_to_string(path).unwrap(), "{\n  \"rows\": 7\n}\n");
    assert!(matches!(warehouse.record_run("a/b", &1), Err(Error::Name { .. })));
}
