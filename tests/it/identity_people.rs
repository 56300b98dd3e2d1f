//! What people ask of identities and what they decide: explanations, the review of uncertain pairs, training.

use std::{collections::BTreeMap, fs};

use serde_json::{Value, json};

use crate::{
    identity::{OVERRIDES_HEADER, PIPELINE},
    outside,
    project::Project,
    report::browser,
};

const ACCOUNT: &str = "\
format: csv
key: [id]
columns:
  id: { type: string, required: true }
  name: { type: string }
  city: { type: string }
  phone: { type: string }
";

const ENTITY: &str = "\
name: customer
id: { column: customer_id, prefix: C }
records:
  - source: account
    key: [id]
    columns: { name: name, city: city, phone: phone }
attributes:
  name: { prepare: company }
  city: { prepare: text }
  phone: { prepare: text }
rules:
  - { name: same_phone_and_name, equal: [phone, name] }
vetoes:
  - { name: two_cities, differ: [city] }
blocks:
  - { neighbours: name, window: 9 }
  - equal: [phone]
comparisons:
  - attribute: name
    levels: [exact, { jaro_winkler: 0.8 }]
  - attribute: phone
    levels: [exact]
model: customer.model.json
overrides: customer.overrides.csv
";

/// Ten bits for a name, five for a similar one, eight for a telephone; the prior takes four.
const MODEL: &str = r#"{
  "entity": "customer", "records": 100, "random_pairs": 4950, "prior": 0.0588235, "prior_from": "the test",
  "comparisons": [
    { "attribute": "name", "trained_by": [], "levels": [
      { "level": "exact", "m": 0.512, "u": 0.0005 },
      { "level": "jaro_winkler 0.8", "m": 0.32, "u": 0.01 },
      { "level": "else", "m": 0.168, "u": 0.9895 } ] },
    { "attribute": "phone", "trained_by": [], "levels": [
      { "level": "exact", "m": 0.768, "u": 0.003 },
      { "level": "else", "m": 0.232, "u": 0.997 } ] } ]
}"#;

const HEADER: &str = "id,name,city,phone\n";
const MODEL_FILE: &str = "pipelines/entities/customer.model.json";
const OVERRIDES_FILE: &str = "pipelines/entities/customer.overrides.csv";

/// Two firms that are one by a rule, a third by evidence, and a fourth that may be one of them.
fn project() -> Project {
    let project = Project::new();
    project.file("pipelines/nightly.yaml", PIPELINE);
    project.file("pipelines/entities/customer.yaml", ENTITY);
    project.file(MODEL_FILE, MODEL);
    project.source("account", ACCOUNT);
    project.extract(
        "account/a.csv",
        format!(
            "{HEADER}A1,\"North, \"\"Works\"\"\",Riga,100\nA2,\"North, \"\"Works\"\"\",,100\nA3,North Worx,,100\n\
             A4,North Worcs,,\nA5,Zeal,Oslo,900\n"
        ),
    );
    project
}

fn ids(project: &Project) -> BTreeMap<String, String> {
    let cells = project.current().cells("core.customer_xref", &["source_key", "customer_id"]);
    cells.into_iter().map(|row| (row[0].clone(), row[1].clone())).collect()
}

#[test]
fn an_id_is_explained_by_its_records_its_ties_and_what_happened_to_it() {
    let project = project();
    project.run();
    let id = ids(&project)["A3"].clone();
    let text = project.tallyhouse(&["identity", "explain", &id]).succeeds().out;
    let expected = [
        format!("customer {id}: 3 records"),
        String::new(),
        "account A1, without a date".to_owned(),
        "  name: North, \"Works\" · city: Riga · phone: 100".to_owned(),
        "  the id is its own, or nothing explains it".to_owned(),
        String::new(),
        "account A2, without a date".to_owned(),
        "  name: North, \"Works\" · phone: 100".to_owned(),
        "  is account A1 by same_phone_and_name".to_owned(),
        String::new(),
        "account A3, without a date".to_owned(),
        "  name: North Worx · phone: 100".to_owned(),
        "  is account A1 by evidence 0.9981".to_owned(),
        format!("    {:<20} {:<24} {:>8} {:>8} {:>20}|", "prior", "", "-4.00", "-4.00", "----"),
        format!("    {:<20} {:<24} {:>8} {:>8} {:>20}|+++++", "name", "jaro_winkler 0.8", "+5.00", "+1.00", ""),
        format!("    {:<20} {:<24} {:>8} {:>8} {:>20}|++++++++", "phone", "exact", "+8.00", "+9.00", ""),
        String::new(),
        "what happened:".to_owned(),
        format!("  2026-06-30 assign {id}: new, founded by account A1"),
    ];
    assert_eq!(text.lines().collect::<Vec<_>>(), expected);
    let shown = project.tallyhouse(&["identity", "explain", &id, "--output", "json"]).succeeds().json();
    assert_eq!((&shown["id"], &shown["members"][1]["tie"]["rule"]), (&Value::from(id), &"same_phone_and_name".into()));
    assert_eq!(shown["members"][2]["tie"]["steps"][2], serde_json::json!(["phone", "exact", 8.0]));
}

/// Returns the data that a page carries, as its script reads it.
fn data(page: &str) -> Value {
    let (_, rest) = page.split_once("<script type=\"application/json\" id=\"data\">").unwrap();
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

/// Returns a chart of a page: its columns and its rows.
fn chart(data: &Value, name: &str) -> Option<(Value, Value)> {
    let charts = data["sections"].as_array().unwrap().iter().flat_map(|section| section["charts"].as_array().unwrap());
    let chart = charts.into_iter().find(|chart| chart["name"] == name)?;
    Some((chart["columns"].clone(), chart["rows"].clone()))
}

/// Adds what people decided, and a record that a veto keeps away: A6 has the telephone and nearly the name of A1, and another city.
fn decided(project: &Project) {
    let accounts = fs::read_to_string(project.path("extracts/account/a.csv")).unwrap();
    let markup = "</script><script>alert('O''Brien & Söhne')</script>";
    project.extract("account/a.csv", format!("{accounts}A6,\"North, \"\"Works\"\"\",Oslo,100\nA7,{markup},,\nA8,,,\n"));
    let lines = "account,A4,account,A3,same,\"seen, and \"\"read\"\"\"\naccount,A7,account,A4,same,<b>told</b>\n";
    let parted = "account,A1,account,A5,different,another trade\n";
    project.file(OVERRIDES_FILE, format!("{OVERRIDES_HEADER}{lines}{parted}"));
}

#[test]
fn the_picture_of_an_id_holds_its_records_its_links_and_a_waterfall_for_each_that_was_weighed() {
    let project = project();
    decided(&project);
    project.run();
    let id = ids(&project)["A1"].clone();
    let drawn = project.tallyhouse(&["identity", "explain", &id, "--out", "evidence.html"]).succeeds();
    assert_eq!(drawn.out, format!("evidence.html: customer {id}\n"));
    let page = fs::read_to_string(project.path("evidence.html")).unwrap();
    assert!(!page.contains("</script><script>alert"), "a name stays text");
    let data = data(&page);
    assert_eq!(data["title"]["en"], format!("{id}: why it is one customer"));
    let (columns, rows) = chart(&data, "members").unwrap();
    let expected = [
        "source",
        "key",
        "date",
        "value name",
        "value city",
        "value phone",
        "compared name",
        "compared city",
        "rule",
        "reason",
        "to",
        "score",
    ];
    assert_eq!(columns, json!(expected));
    let name = "North, \"Works\"";
    assert_eq!(
        rows[0],
        json!(["account", "A1", null, name, "Riga", "100", "northworks", "riga", null, null, null, null])
    );
    assert_eq!(rows[1][8], "same_phone_and_name");
    let (_, rows) = chart(&data, "ties").unwrap();
    let score = rows[2][3].as_f64().unwrap();
    assert!((score - 512.0 / 513.0).abs() < 1e-4, "nine bits: {score}");
    assert_eq!(
        rows,
        json!([
            ["account A1", null, null, null],
            ["account A2", "account A1", "same_phone_and_name", null],
            ["account A3", "account A1", "evidence", score],
            ["account A4", "account A3", "override", null],
            ["account A7", "account A4", "override", null],
        ])
    );
    let pair = "account A3 ~ account A1";
    assert_eq!(
        chart(&data, "evidence").unwrap(),
        (
            json!(["pair", "probability", "step", "bits"]),
            json!([
                [pair, score, "prior", -4.0],
                [pair, score, "name: jaro_winkler 0.8", 5.0],
                [pair, score, "phone: exact", 8.0],
            ])
        )
    );
    let (_, rows) = chart(&data, "apart").unwrap();
    let other = ids(&project)["A6"].clone();
    assert_eq!(rows[0], json!(["account A1", "account A6", other, "two_cities", null]));
    let text = project.tallyhouse(&["identity", "explain", &id]).succeeds().out;
    let told = format!("kept apart:\n  account A1 and account A6, which is {other}, by two_cities\n");
    assert!(text.contains(&told), "{text}");
}

#[test]
fn the_picture_of_a_record_that_stands_alone_has_no_links() {
    let project = project();
    project.run();
    let id = ids(&project)["A5"].clone();
    project.tallyhouse(&["identity", "explain", &id, "--out", "evidence.html"]).succeeds();
    let data = data(&fs::read_to_string(project.path("evidence.html")).unwrap());
    assert_eq!(chart(&data, "members").unwrap().1.as_array().unwrap().len(), 1);
    assert_eq!([chart(&data, "ties"), chart(&data, "evidence"), chart(&data, "apart")], [None, None, None]);
}

#[test]
fn a_browser_draws_the_evidence_as_it_is() {
    let Some(browser) = browser() else { return };
    let project = project();
    decided(&project);
    project.run();
    for key in ["A1", "A5"] {
        let id = ids(&project)[key].clone();
        project.tallyhouse(&["identity", "explain", &id, "--out", "evidence.html"]).succeeds();
        outside::python("report.py", &[project.path("evidence.html").to_str().unwrap(), &browser]);
    }
}

#[test]
fn what_a_person_should_look_at_is_a_table_without_values() {
    let project = project();
    project.run();
    let (held, open) = (ids(&project)["A1"].clone(), ids(&project)["A4"].clone());
    let columns = ["left_key", "right_key", "number", "step", "level", "bits", "is_linked", "customer_id", "other_id"];
    let mut rows = project.current().cells("core.customer_evidence", &columns);
    rows.sort();
    let row = |keys: [&str; 2], number: &str, said: [&str; 3], held: &str, ids: [&String; 2]| {
        let cells = [keys[0], keys[1], number, said[0], said[1], said[2], held, ids[0].as_str(), ids[1].as_str()];
        cells.map(str::to_owned).to_vec()
    };
    let mut expected = Vec::new();
    for (keys, is_linked, phone, ids) in [
        (["A1", "A3"], "true", ["exact", "8.0"], [&held, &held]),
        (["A1", "A4"], "false", ["NULL", "0.0"], [&held, &open]),
        (["A2", "A4"], "false", ["NULL", "0.0"], [&held, &open]),
        (["A3", "A4"], "false", ["NULL", "0.0"], [&held, &open]),
    ] {
        expected.push(row(keys, "0", ["prior", "NULL", "-4.0"], is_linked, ids));
        expected.push(row(keys, "1", ["name", "jaro_winkler 0.8", "5.0"], is_linked, ids));
        expected.push(row(keys, "2", ["phone", phone[0], phone[1]], is_linked, ids));
    }
    assert_eq!(rows, expected);
    // What is decided is asked no more, and what is not linked any more holds nothing.
    let pairs = [("A1", "A3"), ("A2", "A3"), ("A1", "A4"), ("A2", "A4"), ("A3", "A4")];
    let lines = pairs.map(|(left, right)| format!("account,{left},account,{right},different,seen\n")).concat();
    project.file(OVERRIDES_FILE, format!("{OVERRIDES_HEADER}{lines}"));
    project.run();
    assert_eq!(project.current().cells("core.customer_evidence", &["left_key"]), Vec::<Vec<String>>::new());
}

#[test]
fn an_id_that_nothing_bears_is_said_to_be_none() {
    let project = project();
    project.run();
    let ran = project.tallyhouse(&["identity", "explain", "C'; DROP TABLE x"]).ends(2);
    assert_eq!(
        ran.error(),
        "error: no record bears the id `C'; DROP TABLE x`\n  \
         hint: `tallyhouse query` over the `_event` table tells what became of it\n"
    );
}

#[test]
fn a_review_shows_what_is_uncertain_and_decisions_go_back_into_the_file_that_runs_obey() {
    let project = project();
    project.run();
    let before = ids(&project);
    assert_ne!(before["A4"], before["A1"]);
    let review = project.tallyhouse(&["identity", "review"]).succeeds().out;
    assert!(review.starts_with("left_source,left_key,right_source,right_key,verdict,reason,probability,"), "{review}");
    assert!(review.contains("\naccount,A3,account,A4,,,0.6667,"), "{review}");
    let all = review.lines().count() - 1;
    let some = project.tallyhouse(&["identity", "review", "--limit", "1"]).succeeds();
    assert_eq!(some.out.lines().collect::<Vec<_>>(), review.lines().take(2).collect::<Vec<_>>());
    assert_eq!(some.err.contains(&format!("the 1 most probable of {all} pairs")), all > 1, "{}", some.err);
    // The file is taken back as it came, with the two cells filled in.
    let decided = review.replace("account,A3,account,A4,,,", "account,A3,account,A4,same,\"seen, and \"\"read\"\"\",");
    project.file("decided.csv", &decided);
    let taken = project.tallyhouse(&["identity", "review", "--take", "decided.csv"]).succeeds();
    assert_eq!(taken.out, format!("1 decision went into {OVERRIDES_FILE}\n"));
    let written = std::fs::read_to_string(project.path(OVERRIDES_FILE)).unwrap();
    assert_eq!(written, format!("{OVERRIDES_HEADER}account,A3,account,A4,same,\"seen, and \"\"read\"\"\"\n"));
    let report = project.run();
    assert_eq!(report["entities"][0]["merged"], 1);
    let after = ids(&project);
    assert_eq!(after["A4"], before["A1"]);
    let text = project.tallyhouse(&["identity", "explain", &after["A4"]]).succeeds().out;
    assert!(text.contains("  is account A3 by override: seen, and \"read\"\n"), "{text}");
    let again = project.tallyhouse(&["identity", "review"]).succeeds().out;
    assert!(!again.contains("A4"), "what is decided is not asked again: {again}");
    // A second time it says nothing new.
    let taken = project.tallyhouse(&["identity", "review", "--take", "decided.csv"]).succeeds();
    assert_eq!(taken.out, format!("0 decisions went into {OVERRIDES_FILE}\n"));
    assert_eq!(std::fs::read_to_string(project.path(OVERRIDES_FILE)).unwrap(), written);
}

#[test]
fn decisions_that_make_no_sense_are_refused_before_they_are_written() {
    let project = project();
    project.run();
    project.file(OVERRIDES_FILE, format!("{OVERRIDES_HEADER}account,A3,account,A4,same,seen\n"));
    let header = format!("{},probability\n", OVERRIDES_HEADER.trim_end());
    for (rows, complaints) in [
        ("account,A1,account,A5,perhaps,who knows,0.5\n", ["`perhaps` is no verdict", "write `same` or `different`"]),
        ("account,A1,account,A5,same,,0.5\n", ["the line gives no reason", "say why"]),
        ("acount,A1,account,A5,same,x,0.5\n", ["`acount` is no source of `customer`", "did you mean `account`?"]),
        ("account,A1,account,A1,same,x,0.5\n", ["the line names one record twice", "name two records"]),
        (
            "account,A4,account,A3,different,x,0.5\n",
            ["line 3 says `different` of two records that line 2 says are `same`", "remove one of them"],
        ),
    ] {
        project.file("decided.csv", format!("{header}{rows}"));
        let ran = project.tallyhouse(&["identity", "review", "--take", "decided.csv"]).ends(2);
        for complaint in complaints {
            assert!(ran.err.contains(complaint), "{complaint} is not in:\n{}", ran.err);
        }
        let kept = std::fs::read_to_string(project.path(OVERRIDES_FILE)).unwrap();
        assert_eq!(kept, format!("{OVERRIDES_HEADER}account,A3,account,A4,same,seen\n"));
    }
    project.file("decided.csv", "left_source,left_key\na,b\n");
    let ran = project.tallyhouse(&["identity", "review", "--take", "decided.csv"]).ends(2);
    assert!(ran.err.contains("`decided.csv` has no column `right_source`"), "{}", ran.err);
    let ran = project.tallyhouse(&["identity", "review", "--take", "nowhere.csv"]).ends(2);
    assert!(ran.err.contains("nowhere.csv"), "{}", ran.err);
    let ran = project.tallyhouse(&["identity", "review", "--entity", "custmer"]).ends(2);
    assert!(
        ran.err.contains("there is no entity `custmer`") && ran.err.contains("did you mean `customer`?"),
        "{}",
        ran.err
    );
    project.file("pipelines/entities/customer.yaml", ENTITY.replace("overrides: customer.overrides.csv\n", ""));
    project.file("decided.csv", format!("{header}account,A1,account,A5,same,x,0.5\n"));
    let ran = project.tallyhouse(&["identity", "review", "--take", "decided.csv"]).ends(2);
    assert!(ran.err.contains("entity `customer` names no file of overrides"), "{}", ran.err);
}

#[test]
fn a_model_is_learnt_pinned_and_refused_when_it_is_of_another_definition() {
    let project = project();
    let row =
        |row: usize| format!("B{row},Firm {} {},,{}\n", row / 2 * 7919 % 1000, ["Ltd", ""][row % 2], 5000 + row / 2);
    let rows: String = (0..400).map(row).collect();
    project.extract("account/b.csv", format!("{HEADER}{rows}"));
    std::fs::remove_file(project.path(MODEL_FILE)).unwrap();
    let unpinned = project.run();
    let told = unpinned["entities"][0]["warnings"].to_string();
    assert!(told.contains("the model was learnt in this run from 405 records"), "{told}");
    let trained = project.tallyhouse(&["identity", "train"]).succeeds();
    assert_eq!(trained.out, format!("405 records, written to {MODEL_FILE}\n"));
    let model = std::fs::read_to_string(project.path(MODEL_FILE)).unwrap();
    assert!(model.contains("\"entity\": \"customer\"") && !model.contains("Firm"), "no value is in a model: {model}");
    let before = ids(&project);
    let pinned = project.run();
    assert_eq!(pinned["entities"][0]["warnings"], serde_json::json!([]));
    assert_eq!(ids(&project), before, "the pinned model is the one that the run learnt");
    project.tallyhouse(&["identity", "train"]).succeeds();
    assert_eq!(std::fs::read_to_string(project.path(MODEL_FILE)).unwrap(), model, "the same records, the same model");
    project.file("pipelines/entities/customer.yaml", ENTITY.replace("jaro_winkler: 0.8", "jaro_winkler: 0.9"));
    let ran = project.tallyhouse(&["run"]).ends(2);
    assert!(
        ran.err.contains("the levels of `name` are exact, jaro_winkler 0.9, else in the definition"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("`tallyhouse identity train` writes one that fits"), "{}", ran.err);
    project.tallyhouse(&["identity", "train"]).succeeds();
    project.run();
    project.file(MODEL_FILE, "{ not a model");
    let ran = project.tallyhouse(&["run"]).ends(2);
    assert!(ran.err.contains("the file is no model") && ran.err.contains("customer.model.json"), "{}", ran.err);
    project.file("pipelines/entities/customer.yaml", ENTITY.replace("model: customer.model.json\n", ""));
    let ran = project.tallyhouse(&["identity", "train"]).ends(2);
    assert!(ran.err.contains("entity `customer` names no file for its model"), "{}", ran.err);
}

#[test]
fn a_pipeline_without_entities_says_so() {
    let project = Project::new();
    project.source("account", ACCOUNT).extract("account/a.csv", HEADER);
    for verb in ["review", "train"] {
        let ran = project.tallyhouse(&["identity", verb]).ends(2);
        assert!(ran.err.contains("the pipeline has no entity"), "{}", ran.err);
    }
}

/// Ten bits for a name, seven for one within an edit, six for a city; the prior takes four, and another name nearly five.
const CHAIN_MODEL: &str = r#"{
  "entity": "customer", "records": 100, "random_pairs": 4950, "prior": 0.0588235, "prior_from": "the test",
  "comparisons": [
    { "attribute": "name", "trained_by": [], "levels": [
      { "level": "exact", "m": 0.64, "u": 0.000625 },
      { "level": "damerau_levenshtein 1", "m": 0.32, "u": 0.0025 },
      { "level": "else", "m": 0.04, "u": 0.996875 } ] },
    { "attribute": "city", "trained_by": [], "levels": [
      { "level": "exact", "m": 0.96, "u": 0.015 },
      { "level": "else", "m": 0.04, "u": 0.985 } ] } ]
}"#;

#[test]
fn a_chain_of_names_in_one_town_does_not_become_one_customer() {
    let project = project();
    let entity = ENTITY
        .replace("vetoes:\n  - { name: two_cities, differ: [city] }\n", "")
        .replace("{ jaro_winkler: 0.8 }", "{ damerau_levenshtein: 1 }")
        .replace("- attribute: phone", "- attribute: city")
        .replace("model:", "cohesion: 0.8\nmodel:");
    project.file("pipelines/entities/customer.yaml", entity).file(MODEL_FILE, CHAIN_MODEL);
    // Each name is its neighbour's but for a letter; the first and the last have none in common.
    let name = |link: usize| format!("{}{}", &"ABCDEFGHIJKLMNOP"[..link], &"abcdefghijklmnop"[link..]);
    let name = |link: usize| name(link).replace(char::is_lowercase, "x");
    let rows: Vec<String> = (0..=16).map(|link| format!("K{link:02},{},Riga,\n", name(link))).collect();
    let rows = rows.concat();
    project.extract("account/a.csv", format!("{HEADER}{rows}"));
    project.run();
    let ids = ids(&project);
    let mut groups: BTreeMap<&String, Vec<usize>> = BTreeMap::new();
    for (link, (_, id)) in ids.iter().enumerate() {
        groups.entry(id).or_default().push(link);
    }
    let spread = groups.values().map(|group| group.last().unwrap() - group[0]).max().unwrap();
    assert!(spread <= 2, "names that differ in more than two letters are one customer: {groups:?}");
    assert!(groups.len() < 17, "neighbours are linked: {groups:?}");
}

/// Numbers from a seed, so that a failure can be seen again.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

/// Returns overrides that do not contradict each other: `same` only within a team, `different` only between two.
fn random_overrides(dice: &mut Dice, records: usize) -> Vec<(usize, usize, bool)> {
    let team: Vec<usize> = (0..records).map(|_| dice.below(8)).collect();
    let mut pairs = Vec::new();
    while pairs.len() < 25 {
        let (left, right) = (dice.below(records), dice.below(records));
        if left != right {
            pairs.push((left, right, team[left] == team[right]));
        }
    }
    pairs
}

#[test]
fn random_overrides_always_win() {
    let project = project();
    let records = 40;
    // Names and telephones of few kinds: rules and evidence join most of them, and cities forbid much.
    let cities = ["Riga", "Oslo", "", "", "", ""];
    let row = |row: usize| {
        format!("R{row},Firm {},{},{}\n", ["Abcdefg", "Abcdefh", "Zyx"][row % 3], cities[row % 6], row % 4)
    };
    let rows: String = (0..records).map(row).collect();
    project.extract("account/a.csv", format!("{HEADER}{rows}"));
    project.run();
    let untouched = ids(&project);
    let mut dice = Dice(20_261_122);
    let (mut joined, mut parted) = (0, 0);
    for round in 0..6 {
        let overrides = random_overrides(&mut dice, records);
        let line = |(left, right, is_same): &(usize, usize, bool)| {
            let verdict = if *is_same { "same" } else { "different" };
            format!("account,R{left},account,R{right},{verdict},round {round}\n")
        };
        let lines: String = overrides.iter().map(line).collect();
        project.file(OVERRIDES_FILE, format!("{OVERRIDES_HEADER}{lines}"));
        project.run();
        let ids = ids(&project);
        for (left, right, is_same) in overrides {
            let (left, right) = (format!("R{left}"), format!("R{right}"));
            assert_eq!(ids[&left] == ids[&right], is_same, "{left} and {right} of round {round}:\n{lines}");
            let was_same = untouched[&left] == untouched[&right];
            joined += usize::from(is_same && !was_same);
            parted += usize::from(!is_same && was_same);
        }
    }
    assert!(joined > 5 && parted > 5, "nothing was decided against the evidence: {joined}, {parted}");
    std::fs::remove_file(project.path(OVERRIDES_FILE)).unwrap();
    project.run();
    let apart = |ids: &BTreeMap<String, String>| {
        let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (key, id) in ids {
            groups.entry(id.clone()).or_default().push(key.clone());
        }
        groups.into_values().collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(apart(&ids(&project)), apart(&untouched), "without overrides the groups are those of before");
}
