//! Histories: versions of rows, recorded night by night, through corrections, deletions, rollbacks and other definitions.

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::project::{Project, Ran, is_night};

const MODEL: &str =
    "/* ---\nhistory: { key: [dealer], track: all }\n--- */\nSELECT dealer, region, level FROM staged.dealer\n";

/// Makes a project that keeps a history of dealers.
fn project(model: &str) -> Project {
    let project = Project::new();
    project.source(
        "dealer",
        "key: [dealer]\ncolumns:\n  dealer: { type: string }\n  region: { type: string }\n  level: { type: int }\n",
    );
    project.model("core.dealer", model);
    project
}

/// Sends the dealers as they are now.
fn dealers<'a>(project: &'a Project, lines: &[&str]) -> &'a Project {
    project.extract("dealer/dealer.csv", format!("dealer,region,level\n{}\n", lines.join("\n")))
}

fn run(project: &Project, day: &str) {
    project.run_with(&["--run-date", day]);
}

fn versions(project: &Project) -> Vec<String> {
    project.query("SELECT * FROM core.dealer ORDER BY dealer, valid_from, region")
}

#[test]
fn versions_begin_change_end_and_return() {
    let project = project(MODEL);
    dealers(&project, &["A,north,1", "B,south,2"]);
    run(&project, "2026-06-01");
    assert_eq!(versions(&project), ["A|north|1|2026-06-01|NULL|true", "B|south|2|2026-06-01|NULL|true"]);

    dealers(&project, &["A,north,1", "B,,2", "C,east,3"]);
    run(&project, "2026-06-02");
    let second = [
        "A|north|1|2026-06-01|NULL|true",
        "B|south|2|2026-06-01|2026-06-02|false",
        "B|NULL|2|2026-06-02|NULL|true",
        "C|east|3|2026-06-02|NULL|true",
    ];
    assert_eq!(versions(&project), second);

    // B's NULL region is as it was, A is gone for a day.
    dealers(&project, &["B,,2", "C,east,3"]);
    run(&project, "2026-06-05");
    dealers(&project, &["A,north,1", "B,,2", "C,east,3"]);
    run(&project, "2026-06-07");
    assert_eq!(
        versions(&project),
        ["A|north|1|2026-06-01|2026-06-05|false", "A|north|1|2026-06-07|NULL|true", second[1], second[2], second[3]]
    );
    project.current().verify();
}

#[test]
fn the_same_date_again_is_the_same_table_and_a_correction_replaces_it() {
    let project = project(MODEL);
    dealers(&project, &["A,north,1", "B,south,2"]);
    run(&project, "2026-06-01");
    dealers(&project, &["A,east,1", "C,west,3"]);
    run(&project, "2026-06-02");
    let (snapshot, before) = (project.current().id().to_owned(), versions(&project));
    run(&project, "2026-06-02");
    assert_eq!(project.current().id(), snapshot, "nothing was published");
    project.run_with(&["--run-date", "2026-06-02", "--full"]);
    assert_eq!(versions(&project), before, "a full run keeps the past");

    // What was taken for changes on that day was none.
    dealers(&project, &["A,north,1", "B,south,4"]);
    run(&project, "2026-06-02");
    assert_eq!(
        versions(&project),
        ["A|north|1|2026-06-01|NULL|true", "B|south|2|2026-06-01|2026-06-02|false", "B|south|4|2026-06-02|NULL|true"]
    );
}

#[test]
fn an_idle_night_keeps_the_files_whatever_the_date() {
    let project = project(MODEL);
    dealers(&project, &["A,north,1"]);
    run(&project, "2026-06-01");
    let snapshot = project.current().id().to_owned();
    let report = project.run_with(&["--run-date", "2026-06-20"]);
    assert_eq!((report["outcome"].as_str(), project.current().id()), (Some("unchanged"), snapshot.as_str()));
    // Nothing was recorded after the first of June, so nothing is lost before the twentieth.
    dealers(&project, &["A,south,1"]);
    run(&project, "2026-06-10");
    assert_eq!(versions(&project), ["A|north|1|2026-06-01|2026-06-10|false", "A|south|1|2026-06-10|NULL|true"]);
}

#[test]
fn a_date_before_the_last_recorded_change_is_refused() {
    let project = project(MODEL);
    dealers(&project, &["A,north,1"]);
    run(&project, "2026-06-01");
    let first = project.current().id().to_owned();
    dealers(&project, &["A,south,1"]);
    run(&project, "2026-06-10");
    dealers(&project, &["A,east,1"]);
    for verb in ["run", "plan"] {
        let ran = project.tallyhouse(&[verb, "--run-date", "2026-06-05"]).ends(2);
        assert_eq!(
            ran.error(),
            "error: `core.dealer` has recorded changes up to 2026-06-10, which a run as of 2026-06-05 would lose\n  hint: run as of 2026-06-10 or later, or go back with `tallyhouse snapshots rollback` to a snapshot of that day\n"
        );
    }
    // After a rollback the history goes on from what is served.
    project.tallyhouse(&["snapshots", "rollback", &first]).succeeds();
    project.tallyhouse(&["snapshots", "release"]).succeeds();
    run(&project, "2026-06-05");
    assert_eq!(versions(&project), ["A|north|1|2026-06-01|2026-06-05|false", "A|east|1|2026-06-05|NULL|true"]);
}

#[test]
fn columns_that_are_not_tracked_show_the_day_on_which_the_version_began() {
    let model = "/* ---\nhistory: { key: [dealer], track: [region] }\npartition_by: [is_current]\n--- */\n\
                 SELECT dealer, region, level FROM staged.dealer\n";
    let project = project(model);
    dealers(&project, &["A,north,1"]);
    run(&project, "2026-06-01");
    dealers(&project, &["A,north,2"]);
    run(&project, "2026-06-02");
    dealers(&project, &["A,south,3"]);
    run(&project, "2026-06-03");
    assert_eq!(versions(&project), ["A|north|1|2026-06-01|2026-06-03|false", "A|south|3|2026-06-03|NULL|true"]);
    let folders: Vec<String> =
        project.current().files("core.dealer").iter().map(|file| file.split('/').next().unwrap().to_owned()).collect();
    assert_eq!(folders, ["is_current=false", "is_current=true"]);
}

/// Runs the pipeline, which must end so and leave the served snapshot alone.
fn run_in_vain(project: &Project, day: &str, code: i32) -> Ran {
    let before = project.current().id().to_owned();
    let ran = project.tallyhouse(&["run", "--run-date", day]).ends(code);
    assert_eq!(project.current().id(), before);
    ran
}

#[test]
fn two_rows_of_one_key_and_a_key_that_is_null_stop_the_publication() {
    // A source's own key would not let them through.
    let project = project(&MODEL.replace("SELECT dealer, region", "SELECT region AS dealer, dealer AS region"));
    dealers(&project, &["A,north,1"]);
    run(&project, "2026-06-01");
    for (lines, check) in [
        (["A,north,1", "B,north,1"], "core.dealer one current version for each dealer fails for 1 row"),
        (["A,north,1", "B,,1"], "core.dealer not_null(dealer) fails for 1 row"),
    ] {
        dealers(&project, &lines);
        let ran = run_in_vain(&project, "2026-06-02", 1);
        assert!(ran.out.contains(check), "{}", ran.out);
    }
}

#[test]
fn mistakes_in_the_header_of_a_history() {
    let project = project(MODEL);
    dealers(&project, &["A,north,1"]);
    let cases = [
        ("history: { key: [dealer], track: everything }", "unknown"),
        ("history: { key: [dealer] }", "`track` is missing"),
        ("history: { track: all }", "`key` is missing"),
        ("history: { key: [], track: all }", "`key` names no column"),
        ("history: { key: [dealer], track: [] }", "`track` names no column"),
        ("history: { key: [dealer], track: [dealer] }", "`dealer` is part of the key, which never changes"),
        ("history: { key: [dealr], track: all }", "did you mean `dealer`?"),
        ("history: { key: [dealer], track: [levle] }", "did you mean `level`?"),
        ("key: [dealer]\nhistory: { key: [dealer], track: all }", "a history has its key in `history`"),
        ("on_schema_change: rebuild\nhistory: { key: [dealer], track: all }", "a history cannot be rebuilt"),
        ("on_schema_change: sometimes", "unknown"),
    ];
    for (header, expected) in cases {
        project.model(
            "core.dealer",
            &format!("/* ---\n{header}\n--- */\nSELECT dealer, region, level FROM staged.dealer\n"),
        );
        let ran = project.tallyhouse(&["check"]).ends(2);
        assert!(ran.err.contains(expected), "{header}:\n{}", ran.err);
    }
    project.model("core.dealer", &MODEL.replace("level", "level AS is_current"));
    let ran = project.tallyhouse(&["check"]).ends(2);
    assert!(ran.err.contains("the query gives a column `is_current`, which a history adds itself"), "{}", ran.err);
}

#[test]
fn a_history_keeps_its_past_when_its_columns_change() {
    let project = project(MODEL);
    dealers(&project, &["A,north,1", "B,south,2"]);
    run(&project, "2026-06-01");
    let wider = "SELECT dealer, region, CAST(level AS BIGINT) AS level, region || '!' AS call FROM staged.dealer\n";
    project.model(
        "core.dealer",
        &format!("/* ---\nhistory: {{ key: [dealer], track: [region, level] }}\n--- */\n{wider}"),
    );
    let ran = run_in_vain(&project, "2026-06-02", 2);
    assert!(
        ran.err.contains("new column `call` (Utf8), column `level` from Int32 to Int64"),
        "a history does not change by itself: {}",
        ran.err
    );
    project.model(
        "core.dealer",
        &format!(
            "/* ---\non_schema_change: evolve\nhistory: {{ key: [dealer], track: [region, level] }}\n--- */\n{wider}"
        ),
    );
    dealers(&project, &["A,north,1", "B,east,2"]);
    run(&project, "2026-06-02");
    assert_eq!(
        versions(&project),
        [
            "A|north|1|NULL|2026-06-01|NULL|true",
            "B|south|2|NULL|2026-06-01|2026-06-02|false",
            "B|east|2|east!|2026-06-02|NULL|true"
        ]
    );
    project.model("core.dealer", &MODEL.replace("history:", "on_schema_change: evolve\nhistory:"));
    let ran = run_in_vain(&project, "2026-06-03", 2);
    assert!(ran.err.contains("`level` changes from Int64 to Int32, which cannot hold every old value"), "{}", ran.err);
    project.model("core.dealer", "/* ---\non_schema_change: evolve\nhistory: { key: [region], track: all }\n--- */\nSELECT dealer, region, CAST(level AS BIGINT) AS level, '' AS call FROM staged.dealer\n");
    let ran = run_in_vain(&project, "2026-06-03", 2);
    assert!(
        ran.err.contains("its versions are told apart by [dealer, valid_from], not by [region, valid_from]"),
        "{}",
        ran.err
    );
}

#[test]
fn a_table_that_was_none_becomes_no_history_by_itself() {
    let project = project("SELECT dealer, region, level FROM staged.dealer\n");
    dealers(&project, &["A,north,1"]);
    run(&project, "2026-06-01");
    project.model("core.dealer", &MODEL.replace("history:", "on_schema_change: evolve\nhistory:"));
    let ran = run_in_vain(&project, "2026-06-02", 2);
    assert!(ran.err.contains("the table as served is no history"), "{}", ran.err);
    // Under another name it begins today.
    project.model("core.dealer", "SELECT dealer, region, level FROM staged.dealer\n");
    project.model("core.dealer_history", &MODEL.replace("staged.dealer", "core.dealer"));
    // What reads a history is rebuilt with it, and nobody sees a circle.
    project.model("core.moves", "SELECT dealer, count(*) AS versions FROM core.dealer_history GROUP BY dealer\n");
    project.tallyhouse(&["check"]).succeeds();
    run(&project, "2026-06-02");
    dealers(&project, &["A,south,1"]);
    let plan = project.tallyhouse(&["plan", "--run-date", "2026-06-03"]).succeeds();
    assert!(plan.out.contains("models: 3 to rebuild, 0 unchanged"), "{}", plan.out);
    run(&project, "2026-06-03");
    assert_eq!(project.query("SELECT * FROM core.moves"), ["A|2"]);
}

#[test]
fn a_history_is_not_lost_by_a_slip_of_the_hand() {
    let project = project(MODEL);
    dealers(&project, &["A,north,1"]);
    run(&project, "2026-06-01");
    project.model("core.dealer", "SELECT dealer, region, level FROM staged.dealer\n");
    let ran = run_in_vain(&project, "2026-06-02", 2);
    assert!(ran.err.contains("`core.dealer` is a history in snapshot"), "{}", ran.err);
    assert!(ran.err.contains("bring `history` back into its header, or give the table another name"), "{}", ran.err);
    std::fs::remove_file(project.path("sql/core/dealer.sql")).unwrap();
    project.model("core.other", "SELECT dealer FROM staged.dealer\n");
    let plan = project.tallyhouse(&["plan", "--run-date", "2026-06-02"]).succeeds();
    assert!(plan.out.ends_with("goes with the last snapshot that holds it\n"), "{}", plan.out);
    let report = project.run_with(&["--run-date", "2026-06-02"]);
    assert_eq!(
        report["warnings"][0],
        "the history `core.dealer` has no model any more: its past goes with the last snapshot that holds it"
    );
}

/// Dealers by name: region and level as text.
type State = BTreeMap<String, (String, String)>;

#[test]
fn nights_in_any_order_give_the_versions_of_their_states() {
    for seed in 0..if is_night() { 40 } else { 3 } {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let header = ["", "partition_by: [is_current]\n", "partition_by: [valid_from]\n"][random.random_range(0..3)];
        let project = project(&MODEL.replace("/* ---\n", &format!("/* ---\n{header}")));
        let (mut states, mut day) = (BTreeMap::new(), 1);
        let mut published: Vec<(String, BTreeMap<u32, State>)> = Vec::new();
        for _ in 0..7 {
            if published.len() > 1 && random.random_range(0..4) == 0 {
                let (snapshot, then) = published[random.random_range(0..published.len() - 1)].clone();
                project.tallyhouse(&["snapshots", "rollback", &snapshot]).succeeds();
                project.tallyhouse(&["snapshots", "release"]).succeeds();
                day = *then.keys().max().unwrap();
                states = then;
            }
            day += random.random_range(0..3);
            let state = random_state(&mut random);
            let lines: Vec<String> =
                state.iter().map(|(dealer, (region, level))| format!("{dealer},{region},{level}")).collect();
            dealers(&project, &lines.iter().map(String::as_str).collect::<Vec<_>>());
            run(&project, &format!("2026-06-{day:02}"));
            states.insert(day, state);
            let mut found = versions(&project);
            found.sort();
            assert_eq!(found, expected(&states), "seed {seed} {header}{states:?}");
            let snapshot = project.current().id().to_owned();
            if published.last().is_none_or(|(last, _)| *last != snapshot) {
                published.push((snapshot, states.clone()));
            }
        }
        project.current().verify();
    }
}

fn random_state(random: &mut ChaCha8Rng) -> State {
    let mut state = State::new();
    for dealer in 0..5 {
        if random.random_range(0..3) > 0 {
            let region = ["north", "south", ""][random.random_range(0..3)].to_owned();
            state.insert(format!("D{dealer}"), (region, random.random_range(1..3).to_string()));
        }
    }
    state
}

/// Computes the versions from all states at once.
fn expected(states: &BTreeMap<u32, State>) -> Vec<String> {
    let mut open: BTreeMap<String, ((String, String), u32)> = BTreeMap::new();
    let mut all = Vec::new();
    let line = |dealer: &str, (region, level): &(String, String), from: u32, to: Option<u32>| {
        let region = if region.is_empty() { "NULL" } else { region };
        let end = to.map_or_else(|| "NULL|true".to_owned(), |day| format!("2026-06-{day:02}|false"));
        format!("{dealer}|{region}|{level}|2026-06-{from:02}|{end}")
    };
    for (&day, state) in states {
        open.retain(|dealer, (values, from)| {
            let stays = state.get(dealer) == Some(values);
            if !stays {
                all.push(line(dealer, values, *from, Some(day)));
            }
            stays
        });
        for (dealer, values) in state {
            open.entry(dealer.clone()).or_insert_with(|| (values.clone(), day));
        }
    }
    all.extend(open.iter().map(|(dealer, (values, from))| line(dealer, values, *from, None)));
    all.sort();
    all
}
