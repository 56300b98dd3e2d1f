//! What a source remembers of its files from night to night: which are read, which stay, which wait, which are refused.

use std::{
    fs,
    time::{Duration, SystemTime},
};

use crate::project::Project;

const SALE: &str = "\
version: { from_path: \"_(?<version>[0-9]{8})\" }
key: [id]
partition_by: [month]
columns:
  id: { type: int }
  day: { type: date, from: [day, 日期] }
  kind: { type: string, codes: { 整机: machine, 配件: part } }
  amount: { type: \"decimal(18,2)\" }
  month: { type: date, derive: \"date_trunc('month', day)\" }
";

fn sales(extra: &str) -> Project {
    let project = Project::new();
    project.source("sale", &format!("{extra}{SALE}"));
    project.extract("sale/a_20240101.csv", "id,day,kind,amount\n1,2024-01-05,整机,10\n2,2024-02-05,配件,20\n");
    project.extract("sale/b_20240201.csv", "id,day,kind,amount\n2,2024-02-06,配件,21\n3,2024-03-05,整机,30\n");
    project
}

const ALL: [&str; 3] = [
    "1|2024-01-05|machine|10.00|2024-01-01",
    "2|2024-02-06|part|21.00|2024-02-01",
    "3|2024-03-05|machine|30.00|2024-03-01",
];

/// Returns the files that a run has read.
fn read(report: &serde_json::Value) -> Vec<String> {
    let files = report["sources"][0]["files"].as_array().unwrap();
    files.iter().map(|file| file["path"].as_str().unwrap().to_owned()).collect()
}

fn warnings(report: &serde_json::Value) -> Vec<String> {
    report["warnings"].as_array().unwrap().iter().map(|warning| warning.as_str().unwrap().to_owned()).collect()
}

fn changed(report: &serde_json::Value) -> serde_json::Value {
    report["sources"][0]["changed_partitions"].clone()
}

#[test]
fn only_a_new_file_is_read_and_only_its_partitions_are_written() {
    let project = sales("");
    assert_eq!(read(&project.run()), ["a_20240101.csv", "b_20240201.csv"]);
    assert_eq!(project.rows("staged.sale"), ALL);
    let before = project.current().inodes("staged.sale");
    project.extract("sale/c_20240301.csv", "id,day,kind,amount\n3,2024-03-05,整机,31\n");
    let report = project.run();
    assert_eq!(read(&report), ["c_20240301.csv"]);
    assert_eq!(changed(&report), serde_json::json!([["2024-03-01"]]));
    assert_eq!(project.rows("staged.sale"), [ALL[0], ALL[1], "3|2024-03-05|machine|31.00|2024-03-01"]);
    let after = project.current().inodes("staged.sale");
    let kept = before.iter().filter(|(path, inode)| after.get(*path) == Some(inode)).count();
    assert_eq!((kept, after.len()), (2, 3));
}

#[test]
fn a_dealers_code_comes_from_the_path_and_tells_equal_order_numbers_apart() {
    let contract = |pattern: &str| {
        format!(
            "location: ../../extracts/sale/**/*.csv\nkey: [dealer, order_no]\ncolumns:\n  \
             dealer: {{ type: string, from_path: \"{pattern}\", clean: upper }}\n  \
             order_no: {{ type: string }}\n  amount: {{ type: \"decimal(18,2)\" }}\n"
        )
    };
    let project = Project::new();
    project.source("sale", &contract("(?i)(?<value>d[0-9]+)_"));
    project.extract("sale/south/d17_march.csv", "order_no,amount\n1,10\n2,20\n");
    project.extract("sale/north/D18_march.csv", "amount,order_no\n11,1\n");
    project.extract("sale/stray.csv", "order_no,amount\n1,99\n");
    let report = project.run();
    assert_eq!(project.rows("staged.sale"), ["D17|1|10.00", "D17|2|20.00", "D18|1|11.00"]);
    let rows = serde_json::json!({ "rows": 4, "staged": 3, "rejected": 1, "superseded": 0 });
    assert_eq!(report["sources"][0]["rows"], rows);
    let columns = ["file", "column", "rule", "reason"];
    let fault = "stray.csv|dealer|required|a value is required, the file's path does not match `from_path`";
    assert_eq!(project.current().select("quarantine.sale", &columns), [fault]);
    // A later file of one dealer replaces only his own row.
    project.extract("sale/south/d17_may.csv", "order_no,amount\n1,12\n");
    assert_eq!(read(&project.run()), ["south/d17_may.csv"]);
    assert_eq!(project.rows("staged.sale"), ["D17|1|12.00", "D17|2|20.00", "D18|1|11.00"]);
    // Another pattern reads every file again.
    project.source("sale", &contract("^(?<value>[a-z]+)/"));
    assert_eq!(read(&project.run()).len(), 4);
    assert_eq!(project.rows("staged.sale"), ["NORTH|1|11.00", "SOUTH|1|12.00", "SOUTH|2|20.00"]);
    let lineage = project.tallyhouse(&["lineage", "staged.sale.dealer"]).succeeds();
    assert!(lineage.out.contains("staged.sale.dealer [path: ^(?<value>[a-z]+)/]"), "{}", lineage.out);
}

#[test]
fn a_key_that_moves_to_another_partition_changes_both() {
    let project = sales("");
    project.run();
    project.extract("sale/c_20240301.csv", "id,day,kind,amount\n1,2024-03-07,整机,10\n");
    assert_eq!(changed(&project.run()), serde_json::json!([["2024-03-01"], ["2024-01-01"]]));
    assert_eq!(project.rows("staged.sale"), ["1|2024-03-07|machine|10.00|2024-03-01", ALL[1], ALL[2]]);
}

#[test]
fn a_file_sent_again_replaces_its_own_rows() {
    let project = sales("");
    project.run();
    project.extract("sale/b_20240201.csv", "id,day,kind,amount\n3,2024-03-05,整机,30\n");
    let report = project.run();
    assert_eq!(read(&report), ["b_20240201.csv"]);
    assert_eq!(project.rows("staged.sale"), [ALL[0], "2|2024-02-05|part|20.00|2024-02-01", ALL[2]]);
    assert_eq!(
        report["sources"][0]["rows"],
        serde_json::json!({ "rows": 3, "staged": 3, "rejected": 0, "superseded": 0 })
    );
}

#[test]
fn a_file_that_comes_back_counts_once() {
    let project = sales("");
    project.run();
    let (path, text) = ("sale/b_20240201.csv", "id,day,kind,amount\n2,2024-02-06,配件,21\n3,2024-03-05,整机,30\n");
    project.withdraw(path);
    project.run();
    assert_eq!(project.rows("staged.sale").len(), 2);
    project.extract(path, text);
    project.run();
    assert_eq!(project.rows("staged.sale"), ALL);
    for text in ["id,day,kind,amount\n9,2024-02-06,配件,21\n", text] {
        project.extract(path, text);
        project.run();
    }
    assert_eq!(project.rows("staged.sale"), ALL);
}

#[test]
fn a_file_that_is_gone_keeps_its_rows_unless_the_contract_says_otherwise() {
    let project = sales("on_missing: keep\n");
    project.run();
    project.withdraw("sale/b_20240201.csv");
    project.extract("sale/c_20240301.csv", "id,day,kind,amount\n4,2024-03-05,整机,40\n");
    let report = project.run();
    assert_eq!(warnings(&report), ["source `sale`: `b_20240201.csv` is gone, its rows stay"]);
    assert_eq!(project.rows("staged.sale"), [&ALL[..], &["4|2024-03-05|machine|40.00|2024-03-01"]].concat());
    // Known to be gone, it is not told again.
    project.extract("sale/d_20240401.csv", "id,day,kind,amount\n4,2024-03-05,整机,41\n");
    assert_eq!(warnings(&project.run()), Vec::<String>::new());
    project.source("sale", &format!("on_missing: drop\n{SALE}"));
    project.run();
    assert_eq!(project.rows("staged.sale").len(), 3);
}

#[test]
fn a_file_that_no_snapshot_holds_leaves_nothing_when_it_is_taken_away() {
    let project = sales("on_missing: keep\n");
    project.model(
        "core.sale",
        "/* ---\nkey: [id]\nchecks:\n  - expr: amount < 1000\n--- */\nSELECT id, amount FROM staged.sale",
    );
    project.run();
    project.extract("sale/c_20240301.csv", "id,day,kind,amount\n4,2024-03-05,整机,5000\n");
    project.extract("sale/b_20240201.csv", "id,day,kind,amount\n2,2024-02-06,配件,2000\n");
    project.tallyhouse(&["run"]).ends(1);
    project.withdraw("sale/c_20240301.csv");
    project.withdraw("sale/b_20240201.csv");
    let report = project.run();
    // Of the file that was served, the rows that were.
    assert_eq!(warnings(&report), ["source `sale`: `b_20240201.csv` is gone, its rows stay"]);
    assert_eq!(project.rows("staged.sale"), ALL);
}

#[test]
fn rows_of_a_file_that_is_gone_do_not_survive_a_changed_contract() {
    let project = sales("on_missing: keep\n");
    project.run();
    project.withdraw("sale/b_20240201.csv");
    project.source("sale", &format!("on_missing: keep\n{}", SALE.replace("18,2", "18,3")));
    let ran = project.tallyhouse(&["run"]).ends(1);
    assert!(ran.error().contains("the contract changed, but `b_20240201.csv` cannot be read again"), "{}", ran.err);
    assert!(ran.error().contains("`on_missing: drop`"), "{}", ran.err);
    assert_eq!(project.rows("staged.sale"), ALL);
}

/// A source without a key, whose rows count as often as they are read.
fn lines(location: &str) -> String {
    format!(
        "location: ../../extracts/sale/{location}\non_missing: keep\ncolumns: {{ id: {{ type: string }}, v: {{ type: int }} }}\n"
    )
}

#[test]
fn a_file_that_another_location_names_otherwise_counts_once() {
    let project = Project::new();
    project.source("sale", &lines("**/*.csv")).extract("sale/x/a.csv", "id,v\n1,10\n2,20\n");
    project.run();
    project.source("sale", &lines("x/*.csv"));
    assert_eq!(warnings(&project.run()), ["source `sale`: moved: `x/a.csv` → `a.csv`"]);
    assert_eq!(project.rows("staged.sale"), ["1|10", "2|20"]);
    project.source("sale", &lines("**/*.csv"));
    assert_eq!(warnings(&project.run()), ["source `sale`: moved: `a.csv` → `x/a.csv`"]);
    assert_eq!(project.rows("staged.sale"), ["1|10", "2|20"]);
    // A file of its own that says the same is no move, whether the other one is there or not.
    project.extract("sale/x/b.csv", "id,v\n1,10\n2,20\n");
    assert_eq!(warnings(&project.run()), Vec::<String>::new());
    assert_eq!(project.rows("staged.sale"), ["1|10", "1|10", "2|20", "2|20"]);
    project.withdraw("sale/x/b.csv").extract("sale/x/c.csv", "id,v\n1,10\n2,20\n");
    assert_eq!(warnings(&project.run()), ["source `sale`: `x/b.csv` is gone, its rows stay"]);
    assert_eq!(project.rows("staged.sale").len(), 6);
}

#[test]
fn a_file_that_the_location_leaves_out_keeps_its_rows_and_is_not_called_gone() {
    let project = Project::new();
    project.source("sale", &lines("**/*.csv"));
    project.extract("sale/x/a.csv", "id,v\n1,10\n").extract("sale/y/a.csv", "id,v\n1,10\n");
    project.run();
    project.source("sale", &lines("x/*.csv"));
    let told = [
        "source `sale`: moved: `x/a.csv` → `a.csv`",
        "source `sale`: `y/a.csv` no longer matches `location`; its rows stay; `on_missing: drop` removes them",
    ];
    assert_eq!(warnings(&project.run()), told);
    assert_eq!(project.rows("staged.sale"), ["1|10", "1|10"]);
    let changed = lines("x/*.csv").replace("int", "bigint");
    project.source("sale", &changed);
    let ran = project.tallyhouse(&["run"]).ends(1);
    assert!(ran.error().contains("the contract changed, but `y/a.csv` no longer matches `location`"), "{}", ran.err);
    assert!(ran.error().contains("`on_missing: drop`") && ran.error().contains("widen `location`"), "{}", ran.err);
    project.source("sale", &changed.replace("keep", "drop"));
    project.run();
    assert_eq!(project.rows("staged.sale"), ["1|10"]);
}

#[test]
fn a_file_that_has_become_empty_is_told() {
    let project = sales("");
    project.run();
    project.extract("sale/a_20240101.csv", "").extract("sale/b_20240201.csv", "id,day,kind,amount\n");
    let told = ["a_20240101.csv", "b_20240201.csv"]
        .map(|file| format!("source `sale`: `{file}` is empty now; it had 2 rows, which are gone with it"));
    assert_eq!(warnings(&project.run()), told);
    assert_eq!(warnings(&project.run()), Vec::<String>::new());
}

#[test]
fn a_version_that_no_path_has_is_told() {
    let project = sales("");
    project.source("sale", &SALE.replace("{8}", "{9}"));
    let told =
        "source `sale`: 0 of 2 files have a version by `_(?<version>[0-9]{9})`, so the later path is the later file";
    assert_eq!(warnings(&project.run()), [told]);
}

#[test]
fn a_guessed_encoding_is_told_where_any_file_could_be_read_so() {
    let project = Project::new();
    project.source("sale", "columns: { id: { type: string }, name: { type: string } }\n");
    project.extract("sale/a.csv", b"id,name\n1,Caf\xe9 M\xfcller\n2,Fran\xe7ois d\xe9j\xe0 vu\n");
    let told = "source `sale`: `a.csv`: guessed to be windows-1252; say `encoding` in `format`";
    assert_eq!(warnings(&project.run()), [told]);
}

#[test]
fn values_that_mostly_do_not_fit_are_told_once_for_all_files_with_an_example() {
    let project = sales("");
    project.extract("sale/c_20240301.csv", "id,day,kind,amount\n4,5 Mar,整机,40\n5,6 Mar,整机,50\n");
    project.extract("sale/d_20240401.csv", "id,day,kind,amount\n6,5 Apr,整机,40\n7,2024-04-06,整机,50\n8,x,整机,1\n");
    let told = "source `sale`: `c_20240301.csv` and 1 more: 4 of 5 values of `day` do not fit its type: `5 Mar` is not a date \
                like `2024-01-31`; `formats` names other forms";
    assert_eq!(warnings(&project.run()), [told]);
}

#[test]
fn a_young_file_waits_until_it_has_settled() {
    let project = sales("settle_seconds: 3600\n");
    let told = warnings(&project.run());
    let waits = |warning: &String| warning.ends_with("seconds ago and waits for the next run");
    assert!(told.len() == 2 && told.iter().all(waits), "no file is missed that waits: {told:?}");

    let project = sales("settle_seconds: 3600\n");
    for name in ["a_20240101", "b_20240201"] {
        age(&project, name, 7200);
    }
    project.run();
    assert_eq!(project.rows("staged.sale"), ALL);
    project.extract("sale/b_20240201.csv", "id,day,kind,amount\n2,2024-02-06,配件,22\n");
    let report = project.run();
    let [warning] = &warnings(&report)[..] else { panic!("{report}") };
    assert!(warning.starts_with("source `sale`: `b_20240201.csv` was changed "), "{warning}");
    assert_eq!(project.rows("staged.sale"), ALL);
    age(&project, "b_20240201", 7200);
    project.run();
    assert_eq!(project.rows("staged.sale"), [ALL[0], "2|2024-02-06|part|22.00|2024-02-01"]);
}

#[test]
fn a_file_from_the_future_does_not_wait_for_ever() {
    let project = sales("settle_seconds: 60\n");
    age(&project, "b_20240201", 7200);
    project.extract("sale/c_20240301.csv", "id,day,kind,amount\n4,2024-03-05,整机,40\n");
    for (name, seconds) in [("a_20240101", 3600), ("c_20240301", 30)] {
        date(&project, name, SystemTime::now() + Duration::from_secs(seconds));
    }
    let told = [
        "source `sale`: `c_20240301.csv` was changed 0 seconds ago and waits for the next run",
        "source `sale`: `a_20240101.csv`: its time lies in the future, so it is read without waiting",
    ];
    assert_eq!(warnings(&project.run()), told);
    assert_eq!(project.rows("staged.sale"), ALL);
}

/// Makes an extract look as if it had been written some seconds ago.
fn age(project: &Project, name: &str, seconds: u64) {
    date(project, name, SystemTime::now() - Duration::from_secs(seconds));
}

fn date(project: &Project, name: &str, time: SystemTime) {
    let file = fs::File::options().append(true).open(project.path(&format!("extracts/sale/{name}.csv"))).unwrap();
    file.set_modified(time).unwrap();
}

#[test]
fn all_unreadable_files_of_a_source_are_named_at_once() {
    let project = sales("");
    for name in ["c_20240301.csv", "d_20240401.csv"] {
        project.extract(&format!("sale/{name}"), "number,date\n1,2\n");
    }
    let ran = project.tallyhouse(&["run"]).ends(1);
    let [first, second, hint, ..] = ran.error().lines().collect::<Vec<_>>()[..] else { panic!("{}", ran.err) };
    assert!(first.starts_with("error: source `sale`: cannot read `c_20240301.csv`: the header lacks "), "{first}");
    assert!(second.starts_with("    cannot read `d_20240401.csv`: the header lacks "), "{second}");
    assert!(hint.ends_with("; or say `on_unreadable: keep_previous`, or narrow `location`"), "{hint}");
}

#[test]
fn an_unreadable_file_fails_the_run_or_leaves_what_was_last_read() {
    let project = sales("");
    project.run();
    project.extract("sale/b_20240201.csv", "number,date\n1,2\n");
    let ran = project.tallyhouse(&["run"]).ends(1);
    assert!(
        ran.error().contains("cannot read `b_20240201.csv`: the header lacks the required column `id`"),
        "{}",
        ran.err
    );
    project.extract("sale/b_20240201.csv", "id,day,kind,amount\n2,2024-02-06,配件,21\n3,2024-03-05,整机,30\n");
    project.source("sale", &format!("on_unreadable: keep_previous\n{SALE}"));
    project.run();
    project.extract("sale/b_20240201.csv", "number,date\n1,2\n");
    project.extract("sale/c_20240301.csv", "id,day,kind,amount\n4,2024-03-05,整机,40\n");
    let report = project.run();
    let [warning] = &warnings(&report)[..] else { panic!("{report}") };
    assert!(warning.contains("what was last read of it stays"), "{warning}");
    assert_eq!(project.rows("staged.sale"), [&ALL[..], &["4|2024-03-05|machine|40.00|2024-03-01"]].concat());
}

#[test]
fn a_touched_file_is_not_read_and_rehash_finds_what_the_storage_hides() {
    let project = sales("");
    for name in ["a_20240101", "b_20240201"] {
        age(&project, name, 7200);
    }
    project.run();
    age(&project, "a_20240101", 3600);
    assert_eq!(project.run()["outcome"], "unchanged");
    // The same size and time, another content.
    let path = project.path("extracts/sale/b_20240201.csv");
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    let text = fs::read_to_string(&path).unwrap().replace(",30\n", ",33\n");
    fs::write(&path, text).unwrap();
    fs::File::options().append(true).open(&path).unwrap().set_modified(modified).unwrap();
    project.run();
    project.run_with(&["--rehash"]);
    assert_eq!(project.rows("staged.sale")[2], "3|2024-03-05|machine|33.00|2024-03-01");
}

#[test]
fn a_mended_contract_replays_what_it_rejected() {
    let project = sales("");
    project.extract("sale/c_20240301.csv", "id,day,kind,amount\n4,2024-03-05,整车,40\n5,5 Mar,整机,50\n");
    let report = project.run();
    assert_eq!(report["sources"][0]["faults"], serde_json::json!({ "code": 1, "type": 1 }));
    project.source("sale", &SALE.replace("配件: part", "配件: part, 整车: machine"));
    let report = project.run();
    assert_eq!(report["sources"][0]["faults"], serde_json::json!({ "type": 1 }));
    assert_eq!(changed(&report), serde_json::json!([["2024-03-01"]]));
    assert_eq!(project.rows("staged.sale")[3], "4|2024-03-05|machine|40.00|2024-03-01");
    assert_eq!(project.current().select("quarantine.sale", &["file", "line", "rule"]), ["c_20240301.csv|3|type"]);
}

#[test]
fn drift_is_told_quarantined_or_fatal_as_the_contract_says() {
    let drifted = "id,日期,kind,amount,note\n4,2024-03-05,整机,40,x\n";
    let project = sales("");
    project.run();
    project.extract("sale/c_20240301.csv", drifted);
    let told = warnings(&project.run());
    let new = "source `sale`: `c_20240301.csv`: column `note` is new and not in the contract";
    assert!(told.contains(&new.to_owned()), "{told:?}");
    assert!(!told.iter().any(|line| line.contains("called")), "{told:?}");

    let project = sales("drift: { renamed: fail }\n");
    project.run();
    project.extract("sale/c_20240301.csv", drifted);
    let ran = project.tallyhouse(&["run"]).ends(1);
    assert!(ran.error().contains("`c_20240301.csv`: column `day` is called `日期`, it was `day`"), "{}", ran.err);
    assert!(ran.error().contains("`drift.renamed`"), "{}", ran.err);

    let project = sales("drift: { column_added: quarantine }\nreject_limit: { share: 0.9 }\n");
    project.run();
    project.extract("sale/c_20240301.csv", drifted);
    project.run();
    assert_eq!(project.rows("staged.sale"), ALL);
    assert_eq!(project.current().select("quarantine.sale", &["file", "line", "rule"]), ["c_20240301.csv|2|drift"]);
}

#[test]
fn a_file_beyond_a_limit_is_refused_with_the_limit() {
    let project = sales("limits: { rows: 1 }\n");
    let ran = project.tallyhouse(&["run"]).ends(1);
    assert!(ran.error().contains("it has more rows than `limits.rows` 1"), "{}", ran.err);
    project.source("sale", &format!("limits: {{ file_bytes: 10 }}\n{SALE}"));
    let ran = project.tallyhouse(&["run"]).ends(1);
    assert!(ran.error().contains("more than `limits.file_bytes` 10"), "{}", ran.err);
}

#[test]
fn many_nights_leave_few_packs_and_the_same_rows() {
    let project = sales("");
    let mut expected: Vec<String> = ALL.iter().map(|row| (*row).to_owned()).collect();
    for night in 0..60 {
        let id = 100 + night;
        project.extract(
            &format!("sale/n_{}.csv", 20_250_000 + night),
            format!("id,day,kind,amount\n{id},2024-01-05,整机,1\n"),
        );
        project.run();
        expected.push(format!("{id}|2024-01-05|machine|1.00|2024-01-01"));
    }
    expected.sort();
    assert_eq!(project.rows("staged.sale"), expected);
    let packs = fs::read_dir(project.path("warehouse/current/private/normalized/sale/data")).unwrap().count();
    assert!(packs <= 50, "{packs} packs");
    // A withdrawn file revives what it had replaced, after its rows were copied together too.
    project.withdraw("sale/b_20240201.csv");
    project.run();
    assert!(project.rows("staged.sale").contains(&"2|2024-02-05|part|20.00|2024-02-01".to_owned()));
}
