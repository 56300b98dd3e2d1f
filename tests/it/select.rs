//! Selecting tables on every verb, and runs of a part that leave the rest true.

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use crate::project::{Project, is_night};

/// ```text
///  staged.sale ─► core.sale ─► mart.month ─► mart.year
///  staged.dealer ─► core.dealer ─► mart.year
/// ```
fn shop() -> Project {
    let project = Project::new();
    project.source(
        "sale",
        "key: [id]\npartition_by: [month]\ncolumns:\n  id: { type: int }\n  month: { type: date }\n  amount: { type: int }\n",
    );
    project.source("dealer", "key: [code]\ncolumns:\n  code: { type: int }\n  name: { type: string }\n");
    project.model(
        "core.sale",
        "/* ---\ntags: [core, finance]\nowner: sales\nkey: [id]\npartition_by: [month]\n--- */\nSELECT id, month, amount FROM staged.sale",
    );
    project.model("core.dealer", "/* ---\ntags: [core]\nkey: [code]\n--- */\nSELECT code, name FROM staged.dealer");
    project.model(
        "mart.month",
        "/* ---\ntags: [finance]\npartition_by: [month]\n--- */\nSELECT month, sum(amount) AS amount FROM core.sale GROUP BY month",
    );
    project.model(
        "mart.year",
        "SELECT sum(amount) AS amount, (SELECT count(*) FROM core.dealer) AS dealer_count FROM mart.month",
    );
    project.extract("sale/a.csv", "id,month,amount\n1,2026-01-01,10\n2,2026-02-01,20\n");
    project.extract("dealer/a.csv", "code,name\n1,a\n");
    project
}

/// The models that a report names, and those that were rebuilt among them.
fn built(report: &Value) -> (Vec<String>, Vec<String>) {
    let models = report["models"].as_array().unwrap();
    let name = |model: &Value| model["table"].as_str().unwrap().to_owned();
    let is_rebuilt = |model: &&Value| !model["rebuilt"].as_array().unwrap().is_empty();
    (models.iter().map(name).collect(), models.iter().filter(is_rebuilt).map(name).collect())
}

#[test]
fn a_run_of_a_part_builds_that_part_and_the_next_run_what_was_left_out() {
    let project = shop();
    project.run();
    project.extract("sale/b.csv", "id,month,amount\n3,2026-02-01,5\n4,2026-03-01,7\n");
    let report = project.run_with(&["--select", "core.sale"]);
    assert_eq!(report["outcome"], "published");
    assert_eq!(built(&report), (vec!["core.sale".to_owned()], vec!["core.sale".to_owned()]));
    assert_eq!(report["left_out"], json!(["core.dealer", "mart.month", "mart.year"]));
    assert_eq!(project.rows("core.sale").len(), 4);
    assert_eq!(project.rows("mart.month"), ["2026-01-01|10", "2026-02-01|20"]);
    assert_eq!(project.rows("mart.year"), ["30|1"]);
    // The same part once more finds nothing to do.
    assert_eq!(project.run_with(&["--select", "core.sale"])["outcome"], "unchanged");
    // The whole finds what was left out: the partition that had changed and the new one, and not the one that had not.
    let report = project.run();
    let month = &report["models"].as_array().unwrap().iter().find(|model| model["table"] == "mart.month").unwrap();
    assert_eq!((&month["kept_partitions"], month["rebuilt"].as_array().unwrap().len()), (&json!(1), 2));
    assert_eq!(month["rebuilt"][0]["reasons"], json!(["left out of a run in which its inputs changed"]));
    assert_eq!(project.rows("mart.month"), ["2026-01-01|10", "2026-02-01|25", "2026-03-01|7"]);
    assert_eq!(project.rows("mart.year"), ["42|1"]);
    assert_eq!(project.run()["outcome"], "unchanged");
}

#[test]
fn what_was_left_behind_stays_so_through_several_runs_of_parts() {
    let project = shop();
    project.run();
    project.extract("sale/b.csv", "id,month,amount\n3,2026-02-01,5\n");
    project.run_with(&["--select", "core.sale"]);
    // Only the dealers change now: the months are behind since the run before.
    project.extract("dealer/b.csv", "code,name\n2,b\n");
    project.run_with(&["--select", "+core.dealer"]);
    let plan = project.tallyhouse(&["plan", "--output", "json"]).succeeds().json();
    let rebuilt: Vec<&str> = plan["models"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|model| !model["rebuilt"].as_array().unwrap().is_empty())
        .map(|model| model["table"].as_str().unwrap())
        .collect();
    assert_eq!(rebuilt, ["mart.month", "mart.year"]);
    project.run_with(&["--select", "mart.month"]);
    assert_eq!(project.rows("mart.year"), ["30|1"]);
    project.run_with(&["--verify-incremental"]);
    assert_eq!(project.rows("mart.year"), ["35|2"]);
}

#[test]
fn a_run_of_a_part_reads_the_rest_as_the_snapshot_has_it() {
    let project = shop();
    project.run();
    project.extract("sale/b.csv", "id,month,amount\n3,2026-02-01,5\n");
    project.model("mart.year", "SELECT sum(amount) + 1000 AS amount FROM mart.month");
    project.run_with(&["--select", "state:modified"]);
    assert_eq!(project.rows("mart.year"), ["1030"]);
    project.run();
    assert_eq!(project.rows("mart.year"), ["1035"]);
    assert_eq!(project.run()["outcome"], "unchanged");
}

#[test]
fn a_definition_that_was_left_out_is_built_by_the_next_whole_run() {
    let project = shop();
    project.run();
    project.model(
        "mart.month",
        "/* ---\npartition_by: [month]\n--- */\nSELECT month, sum(amount) * 2 AS amount FROM core.sale GROUP BY month",
    );
    let report = project.run_with(&["--exclude", "mart.month"]);
    assert_eq!(report["outcome"], "unchanged");
    assert_eq!(project.rows("mart.month"), ["2026-01-01|10", "2026-02-01|20"]);
    project.run();
    assert_eq!(project.rows("mart.month"), ["2026-01-01|20", "2026-02-01|40"]);
}

#[test]
fn what_a_part_cannot_be_built_from_is_refused_before_anything_is_read() {
    let project = shop();
    let ran = project.tallyhouse(&["run", "--select", "mart.month"]).ends(2);
    assert_eq!(
        ran.error(),
        "error: `mart.month` reads `core.sale`, which is neither selected nor in a served snapshot\n  \
         hint: select it too: `core.sale` beside `mart.month`, or `+mart.month`\n"
    );
    project.run_with(&["--select", "+mart.month"]);
    assert_eq!(project.rows("mart.month"), ["2026-01-01|10", "2026-02-01|20"]);
    assert!(!project.path("warehouse/current/mart/year").exists());
    project.model(
        "core.sale",
        "/* ---\npartition_by: [month]\n--- */\nSELECT id, month, amount, 'x' AS kind FROM staged.sale",
    );
    project.model("mart.month", "/* ---\npartition_by: [month]\n--- */\nSELECT month, sum(amount) AS amount, max(kind) AS kind FROM core.sale GROUP BY month");
    let ran = project.tallyhouse(&["run", "--select", "mart.month"]).ends(2);
    assert!(
        ran.error().contains("`core.sale`, which is not selected and has other columns in snapshot 000001-"),
        "{}",
        ran.err
    );
    let ran = project.tallyhouse(&["run", "--select", "mart.month", "--rebuild", "core.sale"]).ends(2);
    assert!(ran.error().starts_with("error: `core.sale` is to be rebuilt and is not selected\n"), "{}", ran.err);
}

#[test]
fn a_part_passes_its_own_checks_and_the_whole_passes_all() {
    let project = shop();
    project.run();
    project.model(
        "mart.year",
        "/* ---\nchecks:\n  - expr: amount < 30\n--- */\nSELECT sum(amount) AS amount FROM mart.month",
    );
    project.extract("sale/b.csv", "id,month,amount\n3,2026-02-01,5\n");
    let report = project.run_with(&["--select", "core.sale"]);
    assert_eq!((&report["outcome"], &report["checks"]), (&json!("published"), &json!(1)));
    project.tallyhouse(&["run", "--select", "mart.year"]).ends(1);
    project.tallyhouse(&["run"]).ends(1);
    // The failed table, of the last run, and what it reads.
    let listed = project.tallyhouse(&["plan", "--select", "1+result:error", "--output", "json"]).succeeds().json();
    let tables: Vec<&Value> = listed["models"].as_array().unwrap().iter().map(|model| &model["table"]).collect();
    assert_eq!(tables, ["mart.month", "mart.year"]);
}

#[test]
fn a_table_that_cannot_be_made_is_the_error_of_the_last_run() {
    let project = shop();
    let ran = project.tallyhouse(&["plan", "--select", "result:error"]).ends(2);
    assert_eq!(
        ran.error(),
        "error: no run is recorded, so none has a result\n  hint: `result:` asks about the last `tallyhouse run` that built something or tried to\n"
    );
    project.model("mart.month", "/* ---\npartition_by: [month]\n--- */\nSELECT month, CAST(concat('x', amount) AS INT) AS amount FROM core.sale");
    project.tallyhouse(&["run"]).ends(1);
    let ran = project.tallyhouse(&["check", "--select", "result:error", "--output", "json"]).succeeds().json();
    assert_eq!(ran["selected"], json!(["mart.month"]));
}

#[test]
fn every_verb_takes_the_same_selector() {
    let project = shop();
    project.run();
    let listed = |arguments: &[&str]| -> Vec<String> {
        let value = project.tallyhouse(&[arguments, &["--output", "json"]].concat()).succeeds().json();
        let rows = if value.is_array() { value } else { value["models"].clone() };
        rows.as_array().unwrap().iter().map(|row| row["table"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(listed(&["plan", "--select", "tag:finance"]), ["core.sale", "mart.month"]);
    assert_eq!(listed(&["plan", "--select", "tag:finance,tag:core"]), ["core.sale"]);
    assert_eq!(listed(&["plan", "--select", "core", "mart.month", "--exclude", "dealer"]), ["core.sale", "mart.month"]);
    assert_eq!(listed(&["plan", "--select", "source:sale+1"]), ["core.sale"]);
    assert_eq!(listed(&["plan", "--select", "sql/mart"]), ["mart.month", "mart.year"]);
    assert_eq!(listed(&["plan", "--select", "owner:sales+"]), ["core.sale", "mart.month", "mart.year"]);
    assert_eq!(
        listed(&["show", "--select", "@core.dealer", "--exclude", "core.*"]),
        ["mart.month", "mart.year", "staged.dealer", "staged.sale"]
    );
    assert_eq!(listed(&["why", "+mart.month", "--exclude", "source:*"]), ["core.sale", "mart.month"]);
    let one = project.tallyhouse(&["why", "month", "--output", "json"]).succeeds().json();
    assert_eq!(one["table"], "mart.month");
    let ran = project.tallyhouse(&["run", "--select", "source:sale"]).ends(2);
    assert_eq!(
        ran.error(),
        "error: no model is selected, only sources\n  hint: `source:NAME+` selects what is made of a source\n"
    );
    for verb in
        [&["run", "--select"][..], &["plan", "--select"], &["check", "--select"], &["show", "--select"], &["why"]]
    {
        let ran = project.tallyhouse(&[verb, &["mart.mnth"]].concat()).ends(2);
        assert_eq!(ran.error(), "error: no table fits `mart.mnth`\n  hint: did you mean `mart.month`?\n", "{verb:?}");
        let ran = project.tallyhouse(&[verb, &["state:modified"]].concat()).ends(2);
        assert!(ran.error().starts_with("error: no table fits `state:modified`"), "{verb:?}: {}", ran.err);
    }
}

/// The tables that rows of an answer name, each once.
fn tables_of(answer: &Value, key: &str) -> Vec<String> {
    let rows = answer.as_array().cloned().unwrap_or_else(|| vec![answer.clone()]);
    let mut names: Vec<String> = rows.iter().filter_map(|row| row[key].as_str().map(str::to_owned)).collect();
    names.dedup();
    names
}

#[test]
fn words_and_options_select_the_same_on_verbs_that_name_models() {
    let project = shop();
    project.run();
    let answer =
        |arguments: &[&str]| project.tallyhouse(&[arguments, &["--output", "json"]].concat()).succeeds().json();
    for (verb, key) in [("explain", "table"), ("diff", "table"), ("why", "table"), ("tables", "name")] {
        let sorted = |arguments: &[&str]| {
            let mut names = tables_of(&answer(&[&[verb], arguments].concat()), key);
            names.sort();
            names
        };
        assert_eq!(sorted(&["core"]), ["core.dealer", "core.sale"], "{verb}");
        assert_eq!(sorted(&["--select", "core"]), ["core.dealer", "core.sale"], "{verb}");
        assert_eq!(sorted(&["core.sale", "--select", "mart.year"]), ["core.sale", "mart.year"], "{verb}");
        assert_eq!(sorted(&["--select", "tag:core", "--exclude", "dealer"]), ["core.sale"], "{verb}");
        assert_eq!(sorted(&["--exclude", "core"]), ["mart.month", "mart.year"], "{verb}");
        assert_eq!(sorted(&["mart.year"]), ["mart.year"], "{verb}");
        let ran = project.tallyhouse(&[verb, "--select", "mart.mnth"]).ends(2);
        assert_eq!(ran.error(), "error: no table fits `mart.mnth`\n  hint: did you mean `mart.month`?\n", "{verb}");
        let ran = project.tallyhouse(&[verb, "cor"]).ends(2);
        assert_eq!(
            ran.error(),
            "error: no table fits `cor`\n  hint: `tallyhouse show` lists the tables that are served, `tallyhouse lineage` all\n",
            "{verb}"
        );
    }
    let ran = project.tallyhouse(&["tables", "source:sale"]).ends(2);
    assert!(ran.error().starts_with("error: no model is selected, only sources\n"), "{}", ran.err);
    // One table that a word means alone is shown as by its full name; several are listed.
    assert_eq!(answer(&["show", "year"]), answer(&["show", "mart.year"]));
    assert_eq!(tables_of(&answer(&["show", "dealer"]), "table"), ["core.dealer", "quarantine.dealer", "staged.dealer"]);
    assert_eq!(tables_of(&answer(&["show", "--select", "ops"]), "table"), ["ops.column", "ops.file"]);
    let ran = project.tallyhouse(&["show", "core", "--where", "id = 1"]).ends(2);
    assert_eq!(
        ran.error(),
        "error: `--where` and `--working` are about the rows of one table\n  hint: name one of them: core.dealer, core.sale\n"
    );
    let lineage = |arguments: &[&str]| project.tallyhouse(&[&["lineage"], arguments].concat()).succeeds().out;
    assert_eq!(lineage(&["year"]), lineage(&["mart.year"]));
    assert_eq!(lineage(&["+mart.month"]), lineage(&["--select", "+mart.month"]));
    let ran = project.tallyhouse(&["lineage", "core", "--depth", "1"]).ends(2);
    assert!(ran.error().starts_with("error: `--depth` counts from one table or column"), "{}", ran.err);
}

#[test]
fn unit_tests_are_selected_by_schema_model_or_name_and_the_words_join() {
    let project = shop();
    project.file("sql/core/dealer.test.yaml", "- name: none\n  expect: []\n");
    project.file("sql/mart/month.test.yaml", "- name: none\n  expect: []\n");
    let tested = |arguments: &[&str]| -> Vec<String> {
        project.tallyhouse(&[&["test", "--junit", "junit.xml"], arguments].concat()).succeeds();
        let xml = std::fs::read_to_string(project.path("junit.xml")).unwrap();
        let named = |table: &&&str| xml.contains(&format!("\"{table}\""));
        ["core.dealer", "mart.month"].iter().filter(named).map(|table| (*table).to_owned()).collect()
    };
    assert_eq!(tested(&["core"]), ["core.dealer"]);
    assert_eq!(tested(&["dealer"]), ["core.dealer"]);
    assert_eq!(tested(&["mart", "core.dealer"]), ["core.dealer", "mart.month"]);
    assert_eq!(tested(&["core.dealer:none", "mart.*"]), ["core.dealer", "mart.month"]);
    assert_eq!(tested(&["core.dealer", "mart.month", "--exclude", "core"]), ["mart.month"]);
    let ran = project.tallyhouse(&["test", "delaer"]).ends(2);
    assert_eq!(ran.error(), "error: no table fits `delaer`\n  hint: did you mean `dealer`?\n");
    let ran = project.tallyhouse(&["test", "sale"]).ends(2);
    assert!(ran.error().starts_with("error: no selected table has a unit test\n"), "{}", ran.err);
}

#[test]
fn rejected_and_failing_rows_are_selected_together() {
    let project = shop();
    project.model(
        "core.dealer",
        "/* ---\nkey: [code]\nchecks:\n  - { expr: name <> 'b', severity: warn }\n--- */\nSELECT code, name FROM staged.dealer",
    );
    project.extract("sale/b.csv", "id,month,amount\nx,2026-02-01,5\n");
    project.extract("dealer/b.csv", "code,name\n2,b\ny,c\n");
    project.run();
    let answer = |arguments: &[&str]| {
        project.tallyhouse(&[&["rejects"], arguments, &["--output", "json"]].concat()).succeeds().json()
    };
    // Of each row: its source, or the table whose check it fails.
    let named = |answer: &Value| -> Vec<String> {
        let name = |row: &Value| {
            let keys = ["source", "table", "table_name"];
            keys.iter().find_map(|key| row[*key].as_str()).unwrap().to_owned()
        };
        answer.as_array().unwrap().iter().map(name).collect()
    };
    assert_eq!(named(&answer(&[])), ["dealer", "sale", "core.dealer"]);
    assert_eq!(named(&answer(&["--select", "+core.dealer"])), ["dealer", "core.dealer"]);
    assert_eq!(named(&answer(&["ls", "--select", "source:*", "--exclude", "staged.dealer"])), ["sale"]);
    // A source is left out with its staged or its rejected rows, whatever else is selected.
    for away in ["source:dealer", "staged.dealer", "quarantine.dealer"] {
        assert_eq!(named(&answer(&["ls", "--exclude", away])), ["sale", "core.dealer"], "{away}");
        assert_eq!(named(&answer(&["show", "--exclude", away])), ["sale", "core.dealer"], "{away}");
        let ran = project.tallyhouse(&["rejects", "export", "dealer", "--exclude", away]).ends(2);
        assert!(ran.error().starts_with("error: no "), "{}", ran.err);
    }
    assert_eq!(named(&answer(&["--select", "mart.*"])), Vec::<String>::new());
    assert_eq!(named(&answer(&["--select", "+core.dealer", "show"])), ["dealer", "core.dealer"]);
    assert_eq!(named(&answer(&["show", "--select", "+core.dealer"])), ["dealer", "core.dealer"]);
    assert_eq!(named(&answer(&["show", "+core.dealer"])), ["dealer", "core.dealer"]);
    assert_eq!(named(&answer(&["show", "core"])), ["core.dealer"]);
    assert_eq!(named(&answer(&["show", "+core.dealer", "--rule", "type"])), ["dealer"]);
    let check = answer(&[])[2]["check"].as_str().unwrap().to_owned();
    assert_eq!(named(&answer(&["show", "--check", &check])), ["core.dealer"]);
    let ran = project.tallyhouse(&["rejects", "show", "core.*", "--check", &check[1..]]).ends(2);
    assert!(ran.error().ends_with(&format!("  hint: did you mean `{check}`?\n")), "{}", ran.err);
    assert_eq!(
        project.tallyhouse(&["rejects", "show", "mart.*"]).succeeds().out,
        "no row was rejected, and none fails a check\n"
    );
    for arguments in [&["rejects", "--select", "core.daeler"][..], &["rejects", "show", "--select", "core.daeler"]] {
        let ran = project.tallyhouse(arguments).ends(2);
        assert_eq!(ran.error(), "error: no table fits `core.daeler`\n  hint: did you mean `core.dealer`?\n");
    }
    project.tallyhouse(&["rejects", "export", "--select", "source:*", "--out", "fix/"]).succeeds();
    for source in ["sale", "dealer"] {
        let text = std::fs::read_to_string(project.path(&format!("fix/{source}_rejects_1.csv"))).unwrap();
        assert_eq!(text.lines().count(), 2, "{text}");
    }
    let ran = project.tallyhouse(&["rejects", "export", "--select", "core.*"]).ends(2);
    assert!(ran.error().starts_with("error: no source is selected\n"), "{}", ran.err);
}

#[test]
fn a_part_runs_its_checks_that_are_others_now_though_no_row_changed() {
    let project = shop();
    project.run();
    let checked = |checks: &str| {
        let year = "SELECT sum(amount) AS amount, (SELECT count(*) FROM core.dealer) AS dealer_count FROM mart.month";
        project.model("mart.year", &format!("/* ---\nchecks:\n{checks}--- */\n{year}"));
    };
    checked("  - { expr: amount < 30, severity: warn }\n");
    let report = project.run_with(&["--select", "mart.year"]);
    assert_eq!((&report["outcome"], &report["checks"]), (&json!("unchanged"), &json!(1)));
    assert_eq!(report["failed_checks"].as_array().unwrap().len(), 1);
    checked("  - { expr: amount < 30 }\n");
    for _ in 0..2 {
        project.tallyhouse(&["run", "--select", "mart.year"]).ends(1);
    }
    // Nobody asked about it.
    assert_eq!(project.run_with(&["--select", "core.sale"])["outcome"], "unchanged");
    checked("  - { expr: amount < 31 }\n");
    assert_eq!(project.run_with(&["--select", "mart.year"])["checks"], json!(1));
    assert_eq!(project.run()["outcome"], "published");
    assert_eq!(project.run_with(&["--select", "mart.year"])["checks"], json!(0));
}

#[test]
fn snapshots_are_compared_in_the_selected_tables() {
    let project = shop();
    project.run();
    project.extract("sale/b.csv", "id,month,amount\n3,2026-02-01,5\n");
    project.model("mart.year", "SELECT 1 AS one");
    project.run();
    let compared = |arguments: &[&str]| -> (Vec<String>, Value) {
        let arguments = [&["snapshots", "diff", "--output", "json"], arguments].concat();
        let answer = project.tallyhouse(&arguments).succeeds().json();
        (tables_of(&answer["tables"], "table"), answer["unchanged"].clone())
    };
    assert_eq!(compared(&["--select", "core"]), (vec!["core.sale".to_owned()], json!(1)));
    assert_eq!(
        compared(&["1", "2", "--select", "mart.*", "--exclude", "year"]),
        (vec!["mart.month".to_owned()], json!(0))
    );
    assert_eq!(compared(&["--select", "quarantine.*"]), (Vec::new(), json!(2)));
    project.model("mart.wide", "/* ---\nkind: view\n--- */\nSELECT amount FROM mart.month");
    let listed = project.tallyhouse(&["show", "--select", "mart"]).succeeds().out;
    assert!(listed.contains("mart.month") && listed.contains("\nnot stored in it: mart.wide\n"), "{listed}");
    for (verb, told) in [("why", "error: `why` needs a table\n"), ("diff", "error: `diff` needs a model\n")] {
        let ran = project.tallyhouse(&[verb]).ends(2);
        assert!(ran.error().starts_with(told) && ran.error().contains("--select"), "{}", ran.err);
    }
    for verb in [&["show"][..], &["snapshots", "diff"]] {
        let ran = project.tallyhouse(&[verb, &["--select", "mart.wide"]].concat()).ends(2);
        assert!(ran.error().contains("the tables that are selected, such as `mart.wide`"), "{}", ran.err);
    }
    let ran = project.tallyhouse(&["snapshots", "diff", "--select", "core.sole"]).ends(2);
    assert_eq!(ran.error(), "error: no table fits `core.sole`\n  hint: did you mean `core.sale`?\n");
}

#[test]
fn what_reads_the_tables_of_an_entity_is_made_of_its_sources() {
    let project = Project::shipped();
    let selected = |selector: &str| -> Vec<String> {
        let ran = project.tallyhouse(&["check", "--select", selector, "--output", "json"]).succeeds().json();
        ran["selected"].as_array().unwrap().iter().map(|table| table.as_str().unwrap().to_owned()).collect()
    };
    let has = |selector: &str, table: &str| selected(selector).iter().any(|name| name == table);
    assert_eq!(selected("core.customer_xref"), ["core.customer_xref"]);
    assert!(has("source:crm_account+1", "core.customer_xref"));
    assert!(has("1+core.customer_xref", "staged.crm_account"));
}

#[test]
fn an_idle_run_leaves_what_result_refers_to() {
    let project = shop();
    project.model(
        "core.dealer",
        "/* ---\nkey: [code]\nchecks:\n  - { expr: name <> 'a', severity: warn }\n--- */\nSELECT code, name FROM staged.dealer",
    );
    project.run();
    assert_eq!(project.run()["outcome"], "unchanged");
    let selected = |selector: &str| {
        project.tallyhouse(&["check", "--select", selector, "--output", "json"]).succeeds().json()["selected"].clone()
    };
    assert_eq!(selected("result:warn"), json!(["core.dealer"]));
    // Built anew, though no row is another.
    assert_eq!(project.run_with(&["--full", "--select", "mart"])["outcome"], "unchanged");
    let built = ["mart.month", "mart.year", "staged.dealer", "staged.sale"];
    assert_eq!(selected("result:success"), json!(built));
    project.extract("dealer/b.csv", "code,name\n1,a\n1,b\n");
    project.model(
        "mart.year",
        "/* ---\nchecks:\n  - expr: amount < 0\n--- */\nSELECT sum(amount) AS amount FROM mart.month",
    );
    project.tallyhouse(&["run"]).ends(1);
    // Refused before it comes to any table; and in an environment that has built nothing yet.
    project.tallyhouse(&["run", "--select", "mart.nowhere"]).ends(2);
    assert_eq!(selected("result:error"), json!(["mart.year"]));
    let ran = project.tallyhouse(&["check", "--select", "result:error", "--env", "dev"]).ends(2);
    assert_eq!(
        ran.error(),
        "error: no run is recorded, so none has a result\n  \
         hint: `result:` asks about the last `tallyhouse run` that built something or tried to\n"
    );
}

#[test]
fn another_run_date_changes_no_definition() {
    let project = shop();
    let day = |plus: u32| {
        let sql =
            format!("SELECT $run_date AS day, count(*) + {plus} AS row_count FROM core.sale WHERE month <= $run_date");
        project.model("mart.day", &sql);
    };
    day(0);
    project.model("core.recent", "/* ---\nkind: view\n--- */\nSELECT id FROM core.sale WHERE month <= $run_date");
    project.model("mart.recent", "SELECT count(*) AS row_count FROM core.recent");
    let modified = |date: &str| {
        let arguments = ["check", "--select", "state:modified", "--run-date", date, "--output", "json"];
        let ran = project.tallyhouse(&arguments);
        if ran.code == 0 { ran.json()["selected"].clone() } else { json!(ran.json()["error"]) }
    };
    let none = json!("no table fits `state:modified`");
    project.run_with(&["--run-date", "2026-06-29"]);
    assert_eq!(modified("2026-06-29"), none);
    assert_eq!(modified("2026-06-30"), none);
    // A run of a part on another day leaves the others of the day before.
    project.extract("sale/b.csv", "id,month,amount\n3,2026-02-01,5\n");
    project.run_with(&["--run-date", "2026-06-30", "--select", "core.sale"]);
    assert_eq!(modified("2026-06-30"), none);
    project.run_with(&["--run-date", "2026-07-01", "--select", "mart.recent"]);
    assert_eq!(modified("2026-07-02"), none);
    day(1);
    assert_eq!(modified("2026-07-02"), json!(["mart.day"]));
    project.run_with(&["--run-date", "2026-07-02"]);
    assert_eq!(modified("2026-07-03"), none);
}

#[test]
fn a_view_is_a_step_on_the_way_and_is_modified_where_its_readers_are() {
    let project = shop();
    let view = |least: u32| {
        let sql = format!("/* ---\nkind: view\n--- */\nSELECT id, month, amount FROM core.sale WHERE amount > {least}");
        project.model("core.great", &sql);
    };
    view(1);
    project.model("core.greatest", "/* ---\nkind: view\n--- */\nSELECT max(amount) AS amount FROM core.great");
    project.model("mart.top", "SELECT amount FROM core.greatest");
    project.model("mart.great", "SELECT count(*) AS row_count FROM core.great");
    let models = |verb: &str, selector: &str| -> Vec<String> {
        let ran = project.tallyhouse(&[verb, "--select", selector, "--output", "json"]).succeeds().json();
        let named = |of: &Value| of["table"].as_str().map_or_else(|| of.as_str().unwrap().to_owned(), str::to_owned);
        let list = if verb == "plan" { &ran["models"] } else { &ran["selected"] };
        list.as_array().unwrap().iter().map(named).collect()
    };
    let report = project.run_with(&["--select", "+core.greatest+"]);
    assert_eq!(built(&report).1, ["core.sale", "mart.top"]);
    project.run();
    assert_eq!(models("plan", "core.great+"), ["mart.great", "mart.top"]);
    assert_eq!(models("plan", "+mart.top"), ["core.sale", "mart.top"]);
    assert_eq!(models("check", "core.great+"), ["core.great", "core.greatest", "mart.great", "mart.top"]);
    let ran = project.tallyhouse(&["check", "--select", "state:modified"]).ends(2).err;
    assert!(ran.starts_with("error: no table fits `state:modified`"), "{ran}");
    view(2);
    assert_eq!(models("check", "state:modified"), ["core.great", "core.greatest", "mart.great", "mart.top"]);
    assert_eq!(models("plan", "state:modified+"), ["mart.great", "mart.top"]);
    view(1);
    project.model("mart.great", "SELECT count(*) + 1 AS row_count FROM core.great");
    assert_eq!(models("check", "state:modified"), ["mart.great"]);
}

#[test]
fn a_check_of_a_part_tells_what_is_wrong_there() {
    let project = shop();
    project.model("mart.year", "SELECT sum(amonut) AS amount FROM mart.month");
    let ran = project.tallyhouse(&["check", "--select", "core.*", "+mart.month"]).succeeds();
    assert_eq!(ran.out, "4 selected: no errors\n");
    let ran = project.tallyhouse(&["check", "--select", "mart.month+"]).ends(2);
    assert!(ran.error().starts_with("error: unknown column `amonut`"), "{}", ran.err);
    // Of a project with mistakes, too, it is known what is not as it was.
    let ran =
        project.tallyhouse(&["check", "--select", "state:new", "--exclude", "year", "--output", "json"]).succeeds();
    assert_eq!(ran.json()["selected"].as_array().unwrap().len(), 5);
}

/// A walk over changes of data, of definitions and of the day, with runs of random parts between: whatever was left out,
/// a whole run then gives what a full rebuild gives.
#[test]
fn after_any_runs_of_parts_a_whole_run_gives_what_a_full_rebuild_gives() {
    let walks = if is_night() { 40 } else { 3 };
    for seed in 0..walks {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let project = shop();
        project.model(
            "mart.day",
            "SELECT $run_date AS day, count(*) AS row_count, max(amount) AS amount FROM core.sale WHERE month <= $run_date",
        );
        project.run();
        for step in 0..6 {
            for _ in 0..random.random_range(1..3) {
                change(&project, step, &mut random);
            }
            let selectors = [
                "core.sale",
                "core.*",
                "+mart.month",
                "mart.*",
                "mart.year",
                "mart.day",
                "1+mart.month",
                "@core.dealer",
            ];
            let selector = selectors[random.random_range(0..selectors.len())];
            let day = ["2026-06-29", "2026-06-30"][random.random_range(0..2)];
            let ran = project.tallyhouse(&["run", "--select", selector, "--run-date", day]);
            assert!([0, 2].contains(&ran.code), "seed {seed}: {selector}: {}", ran.err);
        }
        project.run_with(&["--verify-incremental"]);
        assert_eq!(project.run()["outcome"], "unchanged", "seed {seed}");
    }
}

/// Changes rows of one source, or what a model computes.
fn change(project: &Project, step: usize, random: &mut ChaCha8Rng) {
    let (id, month, amount) = (random.random_range(1..9), random.random_range(1..5), random.random_range(0..9));
    match random.random_range(0..4) {
        0 | 1 => project.extract(
            &format!("sale/{step}-{id}.csv"),
            format!("id,month,amount\n{id},2026-{month:02}-01,{amount}\n"),
        ),
        2 => project.extract(&format!("dealer/{step}-{id}.csv"), format!("code,name\n{id},{amount}\n")),
        _ => project.model(
            "mart.month",
            &format!(
                "/* ---\npartition_by: [month]\n--- */\nSELECT month, sum(amount) + {amount} AS amount FROM core.sale GROUP BY month"
            ),
        ),
    };
}
