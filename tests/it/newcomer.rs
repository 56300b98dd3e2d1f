//! Someone who has never seen the project adds a source and a model by following `docs/`, and looks around.

use std::fs;

use serde_json::json;

use crate::{
    nightly,
    project::{Project, repository},
};

/// Returns the first block of code of a language in a page of the docs, with the indentation of its list removed.
fn from_docs(page: &str, language: &str) -> String {
    let text = fs::read_to_string(repository("docs").join(page)).unwrap();
    let fence = format!("```{language}");
    let mut lines = text.lines().skip_while(|line| line.trim() != fence);
    let indent = lines.next().unwrap_or_else(|| panic!("no {fence} in {page}")).find('`').unwrap();
    let body = lines.take_while(|line| line.trim() != "```").map(|line| line.get(indent..).unwrap_or_default());
    body.collect::<Vec<_>>().join("\n") + "\n"
}

#[test]
fn a_model_is_one_file_as_the_docs_show_it() {
    let project = Project::shipped_and_published();
    project.model("sales.channel_month", &from_docs("models.md", "sql"));
    let plan = project.tallyhouse(&["plan"]).succeeds().out;
    let (sources, models) = (nightly::sources().len(), nightly::models().len());
    let idle = format!("sources: 0 changed, {sources} unchanged\nmodels: 1 to rebuild, {models} unchanged\n");
    assert!(plan.starts_with(&idle), "{plan}");
    assert!(
        plan.contains("sales.channel_month      0 of 0 known partitions\n    new partitions may appear: new model\n"),
        "{plan}"
    );

    let report = project.run();
    let is_built = |model: &&serde_json::Value| model["rebuilt"].as_array().is_some_and(|rebuilt| !rebuilt.is_empty());
    let built: Vec<_> =
        report["models"].as_array().unwrap().iter().filter(is_built).map(|model| &model["table"]).collect();
    assert_eq!(built, ["sales.channel_month"]);
    let sums = "SELECT sum(units), sum(revenue) FROM";
    assert_eq!(project.query(&format!("{sums} sales.channel_month")), project.query(&format!("{sums} core.sales")));
}

#[test]
fn many_senders_come_to_one_warehouse_as_the_docs_show_it() {
    let project = Project::new();
    project.file("pipelines/nightly.yaml", from_docs("senders.md", "yaml pipeline"));
    project.file("pipelines/sources/sale_de.yaml", from_docs("senders.md", "yaml source"));
    project.file("pipelines/entities/customer.yaml", from_docs("senders.md", "yaml entity"));
    project.model("sales.customer_year", &from_docs("senders.md", "sql"));
    project.extract(
        "de/D17_20260401.csv",
        "Auftrag;Datum;Kundennr.;Kunde;USt-IdNr.;Ort;Menge;Betrag\n\
         1;05.01.2026;K1;Bauer GmbH;DE123456789;Köln;2;1.250,00\n2;06.02.2026;K2;Huber KG;;Ulm;1;99,50 €\n",
    );
    project.extract(
        "de/D18_20260401.csv",
        "Belegnummer,Belegdatum,Debitor,Name,Stadt,Stück,Nettowert,USt-ID\n\
         1,07.01.26,77,Bauer GmbH,Köln,1.000,\"3.000,00\",DE 123456789\n",
    );
    project.extract("de/_draft.csv", "x\n1\n");
    project.tallyhouse(&["check"]).succeeds();
    project.run();
    let sales = project.current().select("staged.sale_de", &["dealer", "order_no", "units", "amount"]);
    assert_eq!(sales, ["D17|1|2|1250.00", "D17|2|1|99.50", "D18|1|1000|3000.00"]);
    let years = project.current().select("sales.customer_year", &["year", "dealers", "units", "amount"]);
    assert_eq!(years, ["2026|1|1|99.50", "2026|2|1002|4250.00"]);
}

#[test]
fn a_source_is_one_file_as_the_docs_show_it() {
    let mut project = Project::shipped_and_published();
    let extracts = project.path("extracts");
    crate::snapshot::copy(&repository("fixtures/extracts"), &extracts);
    project.read_extracts_from(&extracts);
    project.file("pipelines/sources/toll_report.yaml", from_docs("contracts.md", "yaml"));
    project.extract("toll_report/2026-06.csv", "行程号,日期,金额\nT1,2026/6/3,12.50\nT2,2026/6/4,many\n");
    project.run();
    assert_eq!(project.rows("staged.toll_report"), ["T1|2026-06-03|12.50"]);
    let mut rejected = project.tallyhouse(&["rejects", "--output", "json", "show", "toll_report"]).succeeds().json();
    let first = rejected[0].as_object_mut().unwrap();
    assert_eq!(first.remove("contract").unwrap().as_str().unwrap().len(), 16);
    first.remove("byte_offset").unwrap();
    assert_eq!(
        rejected,
        json!([{
            "file": "2026-06.csv", "line": 3, "column": "amount", "rule": "type",
            "reason": "`many` is not a number", "text": "T2,2026/6/4,many"
        }])
    );
}

/// Makes a project with one source and one model, published.
fn published() -> Project {
    let project = Project::new();
    project.source(
        "sale",
        "key: [id]\ncolumns:\n  id: { type: int }\n  day: { type: date }\n  amount: { type: \"decimal(18,2)\" }\n",
    );
    project.model("core.sale", "/* ---\nkey: [id]\n--- */\nSELECT id, day, amount FROM staged.sale");
    project.extract("sale/a.csv", "id,day,amount\n1,2024-01-05,1.50\n2,2024-01-06,2.50\nx,2024-13-01,\n");
    project.run();
    project
}

#[test]
fn check_needs_no_data() {
    let project = published();
    project.withdraw("sale/a.csv");
    assert_eq!(project.tallyhouse(&["check"]).succeeds().out, "1 sources, 1 models, 1 checks: no errors\n");
    let json = project.tallyhouse(&["check", "--output", "json"]).succeeds().json();
    assert_eq!(json, json!({ "sources": 1, "models": 1, "checks": 1, "tests": 0, "findings": [], "exit_code": 0 }));
}

#[test]
fn plan_says_what_a_run_would_do_and_does_nothing() {
    let project = published();
    let nothing = "sources: 0 changed, 1 unchanged\nmodels: 0 to rebuild, 1 unchanged\n";
    assert_eq!(project.tallyhouse(&["plan"]).succeeds().out, nothing);
    project.extract("sale/b.csv", "id,day,amount\n3,2024-02-01,3\n");
    let before = project.current();
    let said = project.tallyhouse(&["plan"]).succeeds().out;
    let (plan, space) = said.trim_end().rsplit_once('\n').unwrap();
    assert!(space.starts_with("space: about 0.0 MB needed, ") && space.ends_with("B free"), "{space}");
    insta::assert_snapshot!(plan, @r"
    sources: 1 changed, 0 unchanged
      sale                     1 changed partitions, 4 rows
    models: 1 to rebuild, 0 unchanged
      core.sale                1 of 1 known partitions
        whole table: staged.sale changed (the whole table counts)
    ");
    assert_eq!(project.current().path, before.path);
}

#[test]
fn show_prints_a_table() {
    let project = published();
    insta::assert_snapshot!(project.tallyhouse(&["show", "core.sale"]).succeeds().out, @r"
    +----+------------+--------+
    | id | day        | amount |
    +----+------------+--------+
    | 1  | 2024-01-05 | 1.50   |
    | 2  | 2024-01-06 | 2.50   |
    +----+------------+--------+
    2 rows
    ");
    let limited =
        project.tallyhouse(&["show", "core.sale", "--where", "amount > 2", "--limit", "1", "--output", "json"]);
    assert_eq!(limited.succeeds().json(), json!([{ "id": 2, "day": "2024-01-06", "amount": 2.5 }]));
}

#[test]
fn query_answers_in_sql() {
    let project = published();
    let answer =
        project.tallyhouse(&["query", "SELECT count(*) AS rows, max(day) AS last FROM core.sale", "--output", "json"]);
    assert_eq!(answer.succeeds().json(), json!([{ "rows": 2, "last": "2024-01-06" }]));
    let nothing = project.tallyhouse(&["query", "SELECT id FROM core.sale WHERE id > 9", "--output", "json"]);
    assert_eq!(nothing.succeeds().json(), json!([]));
    let nulls = project.tallyhouse(&["query", "SELECT CAST(NULL AS INT) AS nothing", "--output", "json"]);
    assert_eq!(nulls.succeeds().json(), json!([{ "nothing": null }]));
}

#[test]
fn rejects_are_counted_and_shown() {
    let project = published();
    insta::assert_snapshot!(project.tallyhouse(&["rejects"]).succeeds().out, @r"
    sale                     type                 day                         1 faults in 1 files
    sale                     type                 id                          1 faults in 1 files

    `tallyhouse rejects show SOURCE` shows the rows
    ");
    let shown = project.tallyhouse(&["rejects", "show", "sale", "--file", "a.csv"]).succeeds().out;
    let contract = regex::Regex::new("[0-9a-f]{16}").unwrap();
    insta::assert_snapshot!(contract.replace_all(&shown, "0123456789abcdef"), @r"
    +-------+------+-------------+--------+------+------------------------------------------+---------------+------------------+
    | file  | line | byte_offset | column | rule | reason                                   | text          | contract         |
    +-------+------+-------------+--------+------+------------------------------------------+---------------+------------------+
    | a.csv | 4    | 50          | day    | type | `2024-13-01`: there is no day 2024-13-01 | x,2024-13-01, | 0123456789abcdef |
    | a.csv | 4    | 50          | id     | type | `x` is not a number                      | x,2024-13-01, | 0123456789abcdef |
    +-------+------+-------------+--------+------+------------------------------------------+---------------+------------------+
    2 rows
    ");
    let shown = project.tallyhouse(&["rejects", "show", "sale", "--rule", "key"]).succeeds().out;
    assert_eq!(shown, "no such row was rejected\n");
}

#[test]
fn options_may_stand_before_and_after_what_a_verb_does() {
    let project = published();
    for (one, other) in [
        (vec!["snapshots", "--output", "json", "ls"], vec!["snapshots", "ls", "--output", "json"]),
        (vec!["rejects", "--output", "json", "show", "sale"], vec!["rejects", "show", "sale", "--output", "json"]),
    ] {
        let (one, other) = (project.tallyhouse(&one).succeeds(), project.tallyhouse(&other).succeeds());
        assert_eq!(one.json(), other.json());
    }
}

#[test]
fn schemas_are_those_of_the_docs() {
    let project = Project::new();
    for kind in ["pipeline", "source", "model", "manifest"] {
        let stored = fs::read_to_string(repository(&format!("docs/schemas/{kind}.schema.json"))).unwrap();
        assert_eq!(project.tallyhouse(&["schema", kind]).succeeds().out, stored, "{kind}");
    }
}

#[test]
fn shells_complete_the_verbs() {
    let project = Project::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = project.tallyhouse(&["completions", shell]).succeeds().out;
        assert!(["run", "check", "plan", "rejects"].iter().all(|verb| script.contains(verb)), "{shell}");
    }
}

#[test]
fn every_verb_has_a_help_that_teaches() {
    let project = Project::new();
    let top = project.tallyhouse(&["--help"]).succeeds().out;
    for verb in
        ["run", "check", "plan", "show", "query", "rejects", "extract", "infer", "snapshots", "schema", "completions"]
    {
        assert!(top.contains(&format!("\n  {verb} ")), "{verb} in:\n{top}");
        let help = project.tallyhouse(&[verb, "--help"]).succeeds().out;
        assert!(help.contains(&format!("Usage: tallyhouse {verb}")), "{help}");
        let undescribed: Vec<&str> =
            help.lines().filter(|line| line.trim().starts_with("--") && !line.contains("  ")).collect();
        assert!(undescribed.is_empty(), "{undescribed:?}");
    }
    assert!(top.contains("Exit codes: 0 as asked"), "{top}");
}

#[test]
fn the_report_tells_a_program_what_it_tells_a_person() {
    let project = Project::new();
    project.source("sale", "columns:\n  id: { type: int }\n").extract("sale/a.csv", "id\n1\n");
    let ran = project.tallyhouse(&["run", "--output", "json"]).succeeds();
    let events: Vec<serde_json::Value> = ran.err.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events[0], json!({ "event": "begun", "sources": 1, "models": 0 }));
    assert_eq!(events.last().unwrap(), &json!({ "event": "publishing" }));
    let report = ran.json();
    assert_eq!(report["sources"][0]["rows"], json!({ "rows": 1, "staged": 1, "rejected": 0, "superseded": 0 }));
}

#[test]
fn no_colour_and_no_bar_reach_a_file() {
    let project = published();
    project.model("core.wrong", "SELECT nothing FROM core.sale");
    let ran = project.tallyhouse(&["check"]).ends(2);
    assert!(!ran.err.contains('\u{1b}') && !ran.out.contains('\u{1b}'));
}
