//! What `check` has said before: told again as it was found out, and only about the same definitions.

use std::{collections::BTreeMap, fs, os::unix::fs::MetadataExt, path::PathBuf};

use crate::project::{Project, Ran};

const SALE: &str = "key: [id]
columns:
  id: { type: bigint }
  dealer: { type: string }
  units: { type: bigint }
  phone: { type: string, pii: phone }
";

/// A project with a bit of everything that `check` looks at.
fn project() -> Project {
    let mut project = Project::new();
    project.set("XDG_CACHE_HOME", project.path("cache").display().to_string());
    project.source("sale", SALE);
    project.model(
        "core.sale",
        "/* ---\nkey: [id]\nchecks:\n  - not_null: [dealer]\n--- */\nSELECT id, dealer, units FROM staged.sale",
    );
    project.file("sql/core/line.sql", "/* ---\nkind: view\n--- */\nSELECT id, units * 2 AS units FROM core.sale");
    project
        .model("core.pair", "SELECT a.id, a.units / 2 AS half FROM core.sale AS a JOIN core.line AS b ON a.id = b.id");
    project.file(
        "sql/core/pair.test.yaml",
        "- name: halves\n  given:\n    core.sale: [{ id: 1, units: 7 }]\n  expect: [{ id: 1, half: 3 }]\n",
    );
    project
}

/// Returns the files of kept answers with what tells whether they were written again.
fn kept(project: &Project) -> BTreeMap<PathBuf, (u64, u64)> {
    let Ok(entries) = fs::read_dir(project.path("cache/tallyhouse/check")) else { return BTreeMap::new() };
    let file = |entry: fs::DirEntry| {
        let metadata = entry.metadata().unwrap();
        (entry.path(), (metadata.ino(), metadata.len()))
    };
    entries.map(|entry| file(entry.unwrap())).collect()
}

fn told(ran: &Ran) -> (i32, &str, &str) {
    (ran.code, &ran.out, &ran.err)
}

/// Checks with and without what was kept, in every format, and returns what `check` says for people.
fn same_as_afresh(project: &Project, words: &[&str]) -> Ran {
    let check = |more: &[&str]| project.tallyhouse(&[&["check"], words, more].concat());
    let first = check(&[]);
    let before = kept(project);
    for format in ["text", "json", "sarif"] {
        let told_again = check(&["--output", format]);
        let afresh = check(&["--output", format, "--no-cache"]);
        assert_eq!(told(&told_again), told(&afresh), "{words:?} as {format}");
    }
    assert_eq!(told(&check(&[])), told(&first), "{words:?}");
    assert_eq!(kept(project), before, "{words:?}: nothing was found out again");
    first
}

#[test]
fn an_answer_is_told_again_as_it_was_found_out() {
    let project = project();
    let first = same_as_afresh(&project, &[]);
    assert!(first.out.contains("integer-division") && first.out.contains("1 unit tests"), "{first:?}");
    assert_eq!(kept(&project).len(), 1);
    same_as_afresh(&project, &["--deny-warnings"]);
    same_as_afresh(&project, &["--select", "core.pair"]);
    same_as_afresh(&project, &["--select", "core.sale"]);
    assert_eq!(kept(&project).len(), 1, "one answer serves all of them");
}

#[test]
fn everything_that_decides_the_answer_asks_for_another_one() {
    let mut project = project();
    same_as_afresh(&project, &[]);
    let mut known = kept(&project).len();
    let mut is_another = |project: &Project, what: &str, words: &[&str]| {
        let ran = same_as_afresh(project, words);
        known += 1;
        assert_eq!(kept(project).len(), known, "{what}");
        ran
    };
    is_another(&project, "the day", &["--run-date", "2026-01-01"]);
    project.model("core.more", "SELECT id FROM core.sale");
    is_another(&project, "a new model", &[]);
    project.source("sale", &SALE.replace("units: { type: bigint }", "units: { type: string }"));
    assert_eq!(is_another(&project, "a contract", &[]).code, 2);
    project.source("sale", SALE);
    project.file(
        "sql/core/pair.test.yaml",
        "- name: halves\n  given:\n    core.sale: [{ idd: 1 }]\n  expect: [{ id: 1 }]\n",
    );
    assert_eq!(is_another(&project, "a unit test", &[]).code, 2);
    fs::remove_file(project.path("sql/core/pair.test.yaml")).unwrap();
    is_another(&project, "a file that is gone", &[]);
    project.set("TALLYHOUSE_WAREHOUSE", "elsewhere");
    is_another(&project, "a variable of the environment that is used", &[]);
    project.set("SOMETHING_ELSE", "1");
    let before = kept(&project);
    same_as_afresh(&project, &[]);
    assert_eq!(kept(&project), before, "a variable of the environment that nothing uses");
}

#[test]
fn random_edits_are_answered_as_if_nothing_were_kept() {
    let project = project();
    let files = [
        "sql/core/sale.sql",
        "sql/core/line.sql",
        "sql/core/pair.sql",
        "pipelines/sources/sale.yaml",
        "sql/core/pair.test.yaml",
    ];
    let whole: Vec<String> = files.iter().map(|file| fs::read_to_string(project.path(file)).unwrap()).collect();
    let mut random = 20_261_122_u64;
    let mut below = |bound: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(random >> 33).unwrap() % bound
    };
    let mut codes = BTreeMap::new();
    for _ in 0..12 {
        let at = below(files.len());
        let mut body: Vec<char> = whole[at].chars().collect();
        let place = below(body.len());
        match below(3) {
            0 => drop(body.remove(place)),
            1 => body.insert(place, ['x', ' ', ',', '\n', '\'', '日'][below(6)]),
            _ => body.truncate(place),
        }
        project.file(files[at], body.into_iter().collect::<String>());
        *codes.entry(same_as_afresh(&project, &[]).code).or_insert(0) += 1;
        // Half of the edits stay for the next one.
        if below(2) == 0 {
            project.file(files[at], &whole[at]);
        }
    }
    assert!(codes.contains_key(&2), "{codes:?}");
}

#[test]
fn a_damaged_answer_is_found_out_again_and_no_cache_keeps_nothing() {
    let project = project();
    let first = project.tallyhouse(&["check", "--no-cache"]);
    assert!(kept(&project).is_empty());
    same_as_afresh(&project, &[]);
    let (path, before) = kept(&project).into_iter().next().unwrap();
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    assert_eq!(told(&project.tallyhouse(&["check"])), told(&first));
    assert_ne!(kept(&project)[&path], before);
    assert_eq!(fs::read(&path).unwrap(), whole, "it is written anew");
}

#[test]
fn what_the_served_snapshot_forbids_is_not_forgotten() {
    let project = project();
    project.file("extracts/sale/one.csv", "id,dealer,units,phone\n1,a,2,3\n");
    let header = |kind: &str| format!("/* ---\non_schema_change: {kind}\n--- */\n");
    project.model("core.more", &format!("{}SELECT id FROM core.sale", header("fail")));
    assert_eq!(same_as_afresh(&project, &[]).code, 0);
    project.run();
    assert_eq!(same_as_afresh_though_not_kept(&project).code, 0);
    project.model("core.more", &format!("{}SELECT id, units FROM core.sale", header("fail")));
    assert_eq!(same_as_afresh_though_not_kept(&project).code, 2);
    project.model("core.more", &format!("{}SELECT id FROM core.sale", header("fail")));
    assert_eq!(same_as_afresh_though_not_kept(&project).code, 0);
}

/// As [`same_as_afresh`], where the answer holds for one snapshot or is not kept.
fn same_as_afresh_though_not_kept(project: &Project) -> Ran {
    let first = project.tallyhouse(&["check"]);
    let again = project.tallyhouse(&["check"]);
    let afresh = project.tallyhouse(&["check", "--no-cache"]);
    assert_eq!(told(&first), told(&afresh));
    assert_eq!(told(&again), told(&afresh));
    first
}

#[test]
fn one_changed_file_among_others_is_told_as_if_nothing_were_kept() {
    let project = project();
    same_as_afresh(&project, &[]);
    // Its columns stay what they were; then they do not, and a view and a model behind it are told so.
    let sale = fs::read_to_string(project.path("sql/core/sale.sql")).unwrap();
    project.file("sql/core/sale.sql", sale.replace("FROM staged.sale", "FROM staged.sale WHERE units > 0"));
    assert_eq!(same_as_afresh(&project, &[]).code, 0);
    project.file("sql/core/sale.sql", sale.replace("dealer, units FROM", "dealer FROM"));
    let told = same_as_afresh(&project, &[]);
    assert_eq!(told.code, 2);
    assert!(told.err.contains("sql/core/line.sql") && told.err.contains("is not checked"), "{told:?}");
    project.file("sql/core/sale.sql", sale.replace("units FROM", "CAST(units AS DOUBLE) AS units FROM"));
    let told = same_as_afresh(&project, &[]);
    assert_eq!(told.code, 0, "{told:?}");
    assert!(!told.out.contains("integer-division"), "a model two steps away: {told:?}");
}

#[test]
fn several_checks_at_once_share_one_folder() {
    let project = project();
    let day = |day: usize| format!("2026-01-{:02}", day + 1);
    let check = |number: usize| project.tallyhouse(&["check", "--run-date", &day(number)]);
    let afresh = project.tallyhouse(&["check", "--no-cache"]);
    std::thread::scope(|scope| {
        let checks: Vec<_> =
            (0..6).map(|number| scope.spawn(move || (0..3).map(|_| check(number)).collect::<Vec<_>>())).collect();
        for ran in checks.into_iter().flat_map(|checks| checks.join().unwrap()) {
            assert_eq!(told(&ran), told(&afresh));
        }
    });
}
