//! Three nights of the shipped pipeline: the first publishes, the second has nothing to do, the third finds one
//! corrected line and rewrites one month.

use std::{collections::BTreeMap, fs, process::Command};

use crate::{
    project::{Project, repository},
    shipped,
    snapshot::{Snapshot, copy, files_below},
};

/// The model that a corrected order line reaches first.
const SALES: &str = "core.sales";
/// The month of the corrected line.
const MONTH: &str = "order_month=2024-04-01/";

#[test]
fn the_first_night_publishes_every_table() {
    let shipped = shipped::published();
    assert_eq!(shipped.report["outcome"], "published");
    assert_eq!(shipped.report["run_date"], "2026-06-30");
    let current = shipped.current();
    assert_eq!(current.id(), shipped.report["snapshot"].as_str().unwrap());
    current.verify();
    let mut expected: Vec<String> = models();
    for source in sources() {
        expected.extend([format!("quarantine.{source}"), format!("staged.{source}")]);
    }
    expected.extend(["identity", "xref", "event", "evidence"].map(|table| format!("core.customer_{table}")));
    expected.extend(["ops.check_failure", "ops.column", "ops.file"].map(str::to_owned));
    expected.sort();
    assert_eq!(current.tables(), expected);
    let empty: Vec<&str> = current.tables().into_iter().filter(|table| current.rows(table).is_empty()).collect();
    let only_clean_sources = |table: &&str| table.strip_prefix("quarantine.").is_some_and(is_clean);
    assert_eq!(empty, empty.iter().copied().filter(only_clean_sources).collect::<Vec<_>>(), "tables without rows");
}

#[test]
fn no_check_of_the_shipped_models_fails() {
    let report = &shipped::published().report;
    let is_error = |check: &&serde_json::Value| check["severity"] == "error";
    let errors: Vec<_> = report["failed_checks"].as_array().unwrap().iter().filter(is_error).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    assert!(report["checks"].as_u64().unwrap() > 100, "{} checks ran", report["checks"]);
}

#[test]
fn personal_data_lies_apart_from_what_everyone_reads() {
    use std::os::unix::fs::PermissionsExt;
    let current = shipped::published().current();
    let mode = fs::metadata(current.path.join("private")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let mut public: Vec<_> = fs::read_dir(&current.path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    public.sort();
    let schemas = ["competitor", "complaint", "core", "customer", "dealer"];
    let others = ["manifest.json", "ops", "private", "sales", "satisfaction", "segment", "views.sql"];
    let expected = [&schemas[..], &others].concat();
    assert_eq!(public, expected);
}

#[test]
fn a_night_without_changes_says_so_and_publishes_nothing() {
    let project = Project::shipped_and_published();
    let before = project.current();
    let ran = project.tallyhouse(&["run"]).succeeds();
    let last = ran.out.lines().last().unwrap();
    let said = format!("nothing changed: snapshot {} stays, nothing was published (", before.id());
    assert!(last.starts_with(&said), "{last}");
    assert_eq!(project.current().path, before.path);
    assert_eq!(folders(&project, "warehouse/snapshots"), [before.id()]);
    assert_eq!(folders(&project, "warehouse/staging"), [""; 0]);
}

#[test]
fn where_extracts_and_warehouse_lie_changes_nothing() {
    let project = with_own_extracts(Project::shipped_and_published());
    assert_eq!(project.run()["outcome"], "unchanged");
}

#[test]
fn a_corrected_line_rewrites_one_partition_of_core_sales() {
    let project = Project::shipped_and_published();
    let project = with_a_corrected_line(project);
    let before = project.current();
    let report = project.run();
    let after = project.current();
    after.verify();
    assert_ne!(after.id(), before.id());

    assert_eq!(changed_files(&before, &after, SALES), [MONTH]);
    let model = report["models"].as_array().unwrap().iter().find(|model| model["table"] == SALES).unwrap();
    let [rebuilt] = model["rebuilt"].as_array().unwrap().as_slice() else { panic!("{:#}", model["rebuilt"]) };
    assert_eq!(rebuilt["values"], serde_json::json!(["2024-04-01"]));
    assert_eq!(rebuilt["reasons"], serde_json::json!(["staged.dealer_sales [2024-04-01] changed"]));
    assert_eq!(model["kept_partitions"], before.files(SALES).len() - 1);

    // the cent by which the discount was larger
    let line = ["dealer_code", "order_no", "line_no", "source_amount"];
    let (old, new) = (before.select(SALES, &line), after.select(SALES, &line));
    let gone: Vec<_> = old.iter().filter(|row| !new.contains(row)).collect();
    let come: Vec<_> = new.iter().filter(|row| !old.contains(row)).collect();
    assert_eq!(gone, ["D006|SO05-2024Q2-0002|1|42014.98"]);
    assert_eq!(come, ["D006|SO05-2024Q2-0002|1|42014.97"]);
}

#[test]
fn the_correction_in_the_readme_rebuilds_what_the_readme_shows() {
    let project = with_own_extracts(Project::shipped_and_published());
    let readme = fs::read_to_string(repository("README.md")).unwrap();
    let correction = readme.lines().find(|line| line.starts_with("{ head ")).unwrap();
    let dealer = project.path("extracts/dealer_sales/D008");
    assert!(Command::new("sh").args(["-ec", correction]).current_dir(dealer).status().unwrap().success());

    let shown: Vec<&str> = readme.lines().skip_while(|line| !line.starts_with("models: 10 rebuilt, ")).collect();
    assert!(!shown.is_empty());
    let shown: Vec<String> = shown.iter().take_while(|line| **line != "```").map(|line| words(line)).collect();
    let said: Vec<String> = project.tallyhouse(&["run"]).succeeds().out.lines().map(words).collect();
    let start = said.iter().position(|line| line.starts_with("models: ")).unwrap();
    assert_eq!(said[start..start + shown.len()], shown);
}

/// Returns the words of a line without the seconds at its end.
fn words(line: &str) -> String {
    let line = match line.rsplit_once(',') {
        Some((start, seconds)) if seconds.ends_with(" s") => start,
        _ => line,
    };
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_plan_names_what_the_run_then_rebuilds() {
    let project = Project::shipped_and_published();
    let project = with_a_corrected_line(project);
    let plan = project.tallyhouse(&["plan", "--output", "json"]).succeeds().json();
    let planned: BTreeMap<String, usize> = partitions_by_table(&plan["models"]);
    let report = project.run();
    let built = partitions_by_table(&report["models"]);
    assert_eq!(planned[SALES], 1);
    for (table, count) in &built {
        assert!(planned[table] >= *count, "{table}: {count} rebuilt, {} planned", planned[table]);
    }
}

#[test]
fn what_did_not_change_is_the_same_file() {
    let project = Project::shipped_and_published();
    let project = with_a_corrected_line(project);
    let before = project.current().inodes(SALES);
    project.run();
    let after = project.current().inodes(SALES);
    let kept = |inodes: &BTreeMap<String, u64>| -> BTreeMap<String, u64> {
        inodes.iter().filter(|(file, _)| !file.starts_with(MONTH)).map(|(file, inode)| (file.clone(), *inode)).collect()
    };
    assert_eq!(kept(&before), kept(&after));
}

/// Sends one order line of April 2024 again with a discount that is one cent larger.
fn with_a_corrected_line(project: Project) -> Project {
    let project = with_own_extracts(project);
    let sent = fs::read_to_string(project.path("extracts").join("dealer_sales/D006/D006_2024Q2_20240705.csv")).unwrap();
    let header = sent.lines().next().unwrap();
    let line = sent.lines().find(|line| line.starts_with("D006,SO05-2024Q2-0002,1,")).unwrap();
    let corrected = line.replace("\"1,254.82\",\"42,014.98\"", "\"1,254.83\",\"42,014.97\"");
    assert_ne!(line, corrected);
    project.extract("dealer_sales/D006/D006_2024Q2_20240915.csv", format!("{header}\r\n{corrected}\r\n"));
    project
}

/// Gives a project a copy of the fixtures that it may change.
fn with_own_extracts(mut project: Project) -> Project {
    let extracts = project.path("extracts");
    copy(&repository("fixtures/extracts"), &extracts);
    project.read_extracts_from(&extracts);
    project
}

/// Returns the partitions whose files are other ones.
fn changed_files(before: &Snapshot, after: &Snapshot, table: &str) -> Vec<String> {
    let (before, after) = (before.files(table), after.files(table));
    let changed =
        before.iter().filter(|file| !after.contains(file)).chain(after.iter().filter(|file| !before.contains(file)));
    let mut partitions: Vec<String> = changed.map(|file| file[..=file.rfind('/').unwrap()].to_owned()).collect();
    partitions.sort();
    partitions.dedup();
    partitions
}

fn partitions_by_table(models: &serde_json::Value) -> BTreeMap<String, usize> {
    let count = |model: &serde_json::Value| {
        (model["table"].as_str().unwrap().to_owned(), model["rebuilt"].as_array().unwrap().len())
    };
    models.as_array().unwrap().iter().map(count).collect()
}

/// Returns the names in a folder of the project.
fn folders(project: &Project, path: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(project.path(path)) else { return Vec::new() };
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Returns the tables of the shipped models.
pub fn models() -> Vec<String> {
    let root = repository("sql");
    let is_table = |path: &std::path::PathBuf| {
        let is_view = || fs::read_to_string(path).unwrap().contains("\nkind: view\n");
        path.extension().is_some_and(|extension| extension == "sql")
            && !path.starts_with(root.join("functions"))
            && !is_view()
    };
    let name = |path: std::path::PathBuf| {
        path.strip_prefix(&root).unwrap().with_extension("").to_str().unwrap().replace('/', ".")
    };
    files_below(&root).into_iter().filter(is_table).map(name).collect()
}

/// Returns the shipped sources.
pub fn sources() -> Vec<String> {
    let files = files_below(&repository("pipelines/sources")).into_iter();
    files.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

/// Returns whether the generator planted no fault in a source.
fn is_clean(source: &str) -> bool {
    let faults = fs::read_to_string(repository("fixtures/truth/faults.csv")).unwrap();
    !faults.lines().any(|line| line.starts_with(&format!("{source},")))
}
