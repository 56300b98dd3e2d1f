//! A real SIGKILL at moments all over a run: readers see the old snapshot or the new one, whole, and the next run needs
//! nobody's help.

use std::{
    collections::BTreeSet,
    fs,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{
    project::{Project, is_night, is_outside_required, repository},
    snapshot::Snapshot,
};

/// Order lines in each extract: enough that a run takes long enough to be hit anywhere.
const LINES: usize = 4_000;

/// Kills in one project, one in each stretch of the run.
const KILLS: u32 = 12;

#[test]
fn a_run_that_is_killed_at_any_moment_leaves_a_whole_snapshot_and_no_work_for_anybody() {
    let mut random = ChaCha8Rng::seed_from_u64(20_260_630);
    let (mut served_new, mut reads) = (0, 0);
    let projects = if is_night() { 30 } else { 1 };
    for _ in 0..projects {
        let project = sales();
        send(&project, 0);
        let watcher = Watcher::start(&project);
        let mut duration = run_timed(&project);
        for kill in 0..KILLS {
            let stretch = (f64::from(kill) + random.random_range(0.0..1.0)) / f64::from(KILLS);
            send(&project, kill + 1);
            served_new += u32::from(kill_one(&project, kill + 1, duration.mul_f64(stretch * 1.4)));
            duration = run_timed(&project);
            project.current().verify();
            assert_eq!(nights(&project.current()), kill + 2);
            assert_clean(&project);
            assert_whole(&project);
        }
        reads += watcher.map_or(0, Watcher::stop);
    }
    eprintln!("{} runs were killed; {served_new} had published before; DuckDB read {reads} times", projects * KILLS);
    assert!(served_new < projects * KILLS, "no run was hit before its end");
}

/// DuckDB, which reads what is served all the while.
struct Watcher(Child);

impl Watcher {
    /// Starts to read; None without DuckDB, unless that is forbidden.
    fn start(project: &Project) -> Option<Self> {
        let has_it = Command::new("python3").args(["-c", "import duckdb"]).output();
        if !has_it.is_ok_and(|output| output.status.success()) {
            assert!(!is_outside_required(), "python3 with duckdb is needed to read while runs are killed");
            eprintln!("no DuckDB reads meanwhile: python3 with duckdb is needed");
            return None;
        }
        let mut python = Command::new("python3");
        python.arg(repository("tests/outside/watch.py")).arg(project.path("warehouse")).arg(LINES.to_string());
        python.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Some(Self(python.spawn().unwrap()))
    }

    /// Stops to read and returns how often that was done; none of it was torn.
    fn stop(self) -> u64 {
        // Waiting closes its standard input.
        let output = self.0.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "watch.py says: {said}");
        let read: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        read["reads"].as_u64().filter(|reads| *reads > 0).unwrap_or_else(|| panic!("nothing was read: {read} {said}"))
    }
}

/// Asserts that all snapshots that are left are whole, and that none has a file too many.
fn assert_whole(project: &Project) {
    let verified = project.tallyhouse(&["snapshots", "verify", "--all", "--output", "json"]).succeeds().json();
    assert_eq!(verified["findings"], serde_json::json!([]));
}

/// Kills the run of a night after so much time; returns whether it had published.
fn kill_one(project: &Project, night: u32, delay: Duration) -> bool {
    let before = project.current().id().to_owned();
    kill_after(project, delay, night);
    let served = project.current();
    served.verify();
    let has_published = served.id() != before;
    assert_eq!(nights(&served), night + u32::from(has_published));
    has_published
}

/// Runs the pipeline and returns how long it took.
fn run_timed(project: &Project) -> Duration {
    let started = Instant::now();
    project.run();
    started.elapsed()
}

#[test]
fn a_rollback_that_is_killed_leaves_a_whole_snapshot_too() {
    let project = sales();
    for night in 0..2 {
        send(&project, night);
        project.run();
    }
    let mut random = ChaCha8Rng::seed_from_u64(7);
    for _ in 0..if is_night() { 200 } else { 8 } {
        let mut rollback = project.start(&["snapshots", "rollback", &first(&project)]);
        thread::sleep(Duration::from_micros(random.random_range(0..40_000)));
        rollback.kill().unwrap();
        rollback.wait().unwrap();
        project.current().verify();
        project.tallyhouse(&["snapshots", "release"]).succeeds();
        project.run();
        assert_eq!(nights(&project.current()), 2);
        assert_clean(&project);
    }
}

/// Returns the oldest snapshot of one night.
fn first(project: &Project) -> String {
    let listed = project.tallyhouse(&["snapshots", "--output", "json"]).succeeds().json();
    let mut snapshots = listed.as_array().unwrap().iter().map(|snapshot| snapshot["snapshot"].as_str().unwrap());
    let is_one_night = |id: &&str| nights(&Snapshot::open(&project.path("warehouse/snapshots").join(id))) == 1;
    snapshots.rfind(is_one_night).unwrap().to_owned()
}

/// Starts a run and kills it, reading all the while what is served.
fn kill_after(project: &Project, delay: Duration, night: u32) {
    let started = Instant::now();
    let mut run = project.start(&["run"]);
    while started.elapsed() < delay {
        let served = Snapshot::open(&project.path("warehouse/current"));
        served.verify();
        assert!([night, night + 1].contains(&nights(&served)), "half a publication was seen");
    }
    run.kill().unwrap();
    run.wait().unwrap();
}

/// Asserts that nothing is left of a run that was killed.
fn assert_clean(project: &Project) {
    let names = |path: &str| -> BTreeSet<String> {
        let entries = fs::read_dir(project.path(path)).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    let listed = project.tallyhouse(&["snapshots", "--output", "json"]).succeeds().json();
    let listed = listed.as_array().unwrap().iter().map(|snapshot| snapshot["snapshot"].as_str().unwrap().to_owned());
    assert_eq!(names("warehouse/snapshots"), listed.collect());
    assert_eq!(names("warehouse/staging"), BTreeSet::new());
    let expected = ["current", "current.json", "lock", "runs", "snapshots", "staging"];
    assert_eq!(names("warehouse"), expected.map(str::to_owned).into());
    let pointer: serde_json::Value =
        serde_json::from_slice(&fs::read(project.path("warehouse/current.json")).unwrap()).unwrap();
    assert_eq!(pointer["snapshot"], project.current().id());
}

/// Returns of how many nights the served snapshot knows; all its tables must say the same.
fn nights(snapshot: &Snapshot) -> u32 {
    let rows = |table: &str| -> u64 {
        let partitions = snapshot.manifest["tables"][table]["partitions"].as_array().unwrap();
        partitions.iter().map(|partition| partition["rows"].as_u64().unwrap()).sum()
    };
    let nights = rows("core.night");
    assert_eq!(rows("staged.sale"), nights * LINES as u64);
    assert_eq!(rows("core.sale"), nights * LINES as u64);
    u32::try_from(nights).unwrap()
}

/// Sends the order lines of one night.
fn send(project: &Project, night: u32) {
    let line = |line: usize| format!("{night}-{line},{night},{},{}\n", line % 31, line * 7 % 1_013);
    let lines: String = (0..LINES).map(line).collect();
    project.extract(&format!("sale/sale_{night:04}.csv"), format!("id,night,buyer,amount\n{lines}"));
}

fn sales() -> Project {
    let project = Project::new();
    project.source(
        "sale",
        "key: [id]\npartition_by: [night]\ncolumns:\n  id: { type: string }\n  night: { type: int }\n  buyer: { type: int }\n  \
         amount: { type: \"decimal(18,2)\" }\n",
    );
    project.model(
        "core.sale",
        "/* ---\nkey: [id]\npartition_by: [night]\n--- */\n\
         SELECT id, night, amount, rank() OVER (PARTITION BY night ORDER BY amount DESC) AS place FROM staged.sale",
    );
    project.model("core.night", "SELECT night, sum(amount) AS amount FROM core.sale GROUP BY night");
    project
}

/// A model that takes its time, so that a run can be killed after another one is built.
const SLOW: &str = "SELECT sum(a.amount * b.amount % 7) AS total FROM core.sale a CROSS JOIN core.sale b";

/// Kills a run as soon as `core.sale` is built; returns its model's reasons of the next run.
fn killed_after_a_model(project: &Project) {
    let mut run = project.start(&["run"]);
    let started = Instant::now();
    let is_noted = || {
        let runs = fs::read_dir(project.path("warehouse/staging")).into_iter().flatten();
        runs.flatten().any(|run| run.path().join("done/model-core.sale.json").exists())
    };
    while !is_noted() {
        assert!(started.elapsed() < Duration::from_mins(1) && run.try_wait().unwrap().is_none(), "nothing was noted");
        thread::sleep(Duration::from_millis(1));
    }
    run.kill().unwrap();
    run.wait().unwrap();
}

#[test]
fn the_next_run_takes_over_what_a_killed_one_had_finished() {
    let (project, twin) = (sales(), sales());
    for project in [&project, &twin] {
        project.model("core.slow", SLOW);
        send(project, 0);
    }
    killed_after_a_model(&project);
    let report = project.run();
    let sale = report["models"].as_array().unwrap().iter().find(|model| model["table"] == "core.sale").unwrap();
    for partition in sale["rebuilt"].as_array().unwrap() {
        assert_eq!(partition["reasons"][0], "built by a run that published nothing");
    }
    let source = &report["sources"][0];
    assert_eq!((&source["files"], &source["is_unchanged"]), (&serde_json::json!([]), &serde_json::json!(false)));
    twin.run();
    let equal = |what: &str| assert_eq!(project.current().bytes(), twin.current().bytes(), "{what}");
    equal("the first run was killed");
    assert_clean(&project);

    send(&project, 1);
    send(&twin, 1);
    killed_after_a_model(&project);
    for project in [&project, &twin] {
        send(project, 2);
        project.extract("sale/sale_0001.csv", "id,night,buyer,amount\n1-0,1,0,5\n");
        project.run();
    }
    equal("a file was sent again after the kill");
    assert_clean(&project);
}

#[test]
fn the_next_run_takes_over_what_one_had_finished_whose_model_or_check_failed() {
    let (project, twin) = (sales(), sales());
    for project in [&project, &twin] {
        send(project, 0);
    }
    project.model("core.late", "SELECT CAST(night || ' nights' AS INT) AS night FROM core.night");
    project.tallyhouse(&["run"]).ends(1);
    project.model("core.late", "/* ---\nchecks:\n  - row_count: { min: 1000 }\n--- */\nSELECT night FROM core.night");
    let stopped = project.tallyhouse(&["run", "--output", "json"]).ends(1).json();
    for table in ["core.sale", "core.night"] {
        assert_eq!(reasons(&stopped, table), ["built by a run that published nothing"], "{table}");
    }
    assert_eq!(stopped["sources"][0]["files"], serde_json::json!([]), "no file is read again");
    for project in [&project, &twin] {
        project.model("core.late", "SELECT night FROM core.night");
    }
    let report = project.run();
    assert_eq!(reasons(&report, "core.sale"), ["built by a run that published nothing"]);
    twin.run();
    assert_eq!(project.current().bytes(), twin.current().bytes());
    assert_clean(&project);
}

/// Returns why the first partition of a table was rebuilt.
fn reasons(report: &serde_json::Value, table: &str) -> Vec<String> {
    let model = report["models"].as_array().unwrap().iter().find(|model| model["table"] == table).unwrap();
    let reasons = model["rebuilt"][0]["reasons"].as_array().unwrap();
    reasons.iter().map(|reason| reason.as_str().unwrap().to_owned()).collect()
}
