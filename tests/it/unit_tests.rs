//! Unit tests of models: what `tallyhouse test` runs, what it shows, and what it refuses.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::project::{Project, repository};

const SALE: &str = "\
key: [id]
event_date: day
as_of: [paid_at]
columns:
  id: { type: int, required: true }
  day: { type: date }
  month: { type: date, derive: \"date_trunc('month', day)\" }
  amount: { type: \"decimal(18,2)\" }
  paid_at: { type: timestamp }
  buyer: { type: string, required: true, pii: name }
  channel: { type: string, default: shop }
";

/// A project with a source, two models and no warehouse.
fn project() -> Project {
    let project = Project::new();
    project.source("sale", SALE);
    project.file("pipelines/nightly.yaml", format!("{}variables: {{ least: 10 }}\n", pipeline(&project)));
    project.model(
        "core.sale",
        "/* ---\nkey: [id]\n--- */\nWITH paid AS (SELECT id, amount FROM staged.sale WHERE paid_at IS NOT NULL)\n\
         SELECT s.id, s.month, s.amount, p.id IS NOT NULL AS is_paid, s.buyer, s.channel FROM staged.sale AS s LEFT JOIN paid \
         AS p ON p.id = s.id",
    );
    project.model(
        "core.month",
        "/* ---\nkey: [month]\n--- */\nSELECT month, CAST(sum(amount) AS DOUBLE) / nullif(count(*), 0) AS mean, count(*) AS \
         sales FROM core.sale WHERE amount >= $least GROUP BY month",
    );
    project
}

fn pipeline(project: &Project) -> String {
    fs::read_to_string(project.path("pipelines/nightly.yaml")).unwrap()
}

const MONTH_TEST: &str = "\
- name: the mean leaves small sales out
  given:
    core.sale: |
      | month      | amount |
      | 2024-01-01 | 10     |
      | 2024-01-01 | 20.5   |
      | 2024-01-01 | 9.99   |
  expect:
    - { month: 2024-01-01, mean: 15.25, sales: 2 }
";

#[test]
fn a_test_runs_without_warehouse_and_data() {
    let project = project();
    project.file("sql/core/month.test.yaml", MONTH_TEST);
    let ran = project.tallyhouse(&["test"]).succeeds();
    assert!(ran.out.starts_with("1 test of 1 model: 1 passed, 0 failed, in "), "{}", ran.out);
    assert!(!project.path("warehouse").exists());
    let checked = project.tallyhouse(&["check"]).succeeds().out;
    assert_eq!(checked, "1 sources, 2 models, 2 checks, 1 unit tests: no errors\n");
}

#[test]
fn the_shipped_models_pass_their_tests() {
    let project = Project::shipped();
    let json = project.tallyhouse(&["test", "--output", "json"]).succeeds().json();
    let models = json["results"].as_array().unwrap().iter().map(|result| result["model"].as_str().unwrap());
    let models: std::collections::BTreeSet<&str> = models.collect();
    assert_eq!(json["failed"], 0);
    assert!(models.len() >= 6, "{models:?}");
}

#[test]
fn a_failing_test_shows_what_is_missing_surplus_and_different() {
    let project = project();
    project.file(
        "sql/core/month.test.yaml",
        "- name: wrong\n  given:\n    core.sale: |\n      | month      | amount |\n      | 2024-01-01 | 10     |\n      | \
         2024-02-01 | 20     |\n      | 2024-03-01 | 30     |\n  expect: |\n    | month      | mean | sales |\n    | 2024-01-01 | \
         10   | 1     |\n    | 2024-02-01 | 20   | 2     |\n    | 2024-04-01 | 1    | 1     |\n",
    );
    let ran = project.tallyhouse(&["test"]).ends(1);
    let expected = "\
FAILED core.month: wrong
  --> sql/core/month.test.yaml:1:9
  the result: 3 rows expected, 3 there: 1 as expected, 1 different, 1 missing, 1 surplus
      | month      | mean | sales   |
    ~ | 2024-02-01 | 20   | [2 → 1] |
    - | 2024-04-01 | 1    | 1       |
    + | 2024-03-01 | 30   | 1       |

1 test of 1 model: 0 passed, 1 failed, in ";
    let shown = ran.out.replace("pipelines/../sql", "sql");
    assert!(shown.starts_with(expected), "{shown}");
    let json = project.tallyhouse(&["test", "--output", "json"]).ends(1).json();
    let failure = &json["results"][0]["failures"][0];
    assert_eq!(json["exit_code"], 1);
    assert_eq!(
        failure["differences"],
        json!([
            { "kind": "different", "expected": { "month": "2024-02-01", "mean": "20", "sales": "2" },
              "actual": { "month": "2024-02-01", "mean": "20", "sales": "1" }, "changed": ["sales"] },
            { "kind": "missing", "expected": { "month": "2024-04-01", "mean": "1", "sales": "1" } },
            { "kind": "surplus", "actual": { "month": "2024-03-01", "mean": "30", "sales": "1" } },
        ])
    );
    project.tallyhouse(&["test", "--junit", "junit.xml"]).ends(1);
    let xml = fs::read_to_string(project.path("junit.xml")).unwrap();
    assert!(xml.contains("<testsuite name=\"core.month\" tests=\"1\" failures=\"1\""), "{xml}");
    assert!(xml.contains("~ | 2024-02-01 | 20   | [2 → 1] |"), "{xml}");
}

#[test]
fn staged_rows_are_cut_derived_and_filled_as_in_a_run() {
    let project = project();
    project.file(
        "sql/core/sale.test.yaml",
        "- name: cut\n  run_date: 2024-01-31\n  given:\n    staged.sale: |\n      | id | day        | paid_at              | \
         channel |\n      | 1  | 2024-01-31 | 2024-01-31T15:59:59Z |         |\n      | 2  | 2024-01-30 | 2024-01-31T16:00:00Z | \
         null    |\n      | 3  | 2024-02-01 |                      |         |\n  expect:\n    rows: |\n      | id | month      | \
         is_paid | buyer | channel |\n      | 1  | 2024-01-01 | true    | \"\"    | shop    |\n      | 2  | 2024-01-01 | false   | \
         \"\"    | null    |\n    columns: all\n  expect_ctes:\n    paid:\n      - { id: 1 }\n",
    );
    project.tallyhouse(&["test"]).succeeds();
}

#[test]
fn variables_and_tolerance_are_set_by_the_test() {
    let project = project();
    let test = |rest: &str| {
        format!(
            "- name: a\n  given:\n    core.sale: [{{ month: 2024-01-01, amount: 1 }}, {{ amount: 2, month: 2024-01-01 }}, {{ amount: 2, month: 2024-01-01 }}]\n{rest}"
        )
    };
    let file = |rest: &str| project.file("sql/core/month.test.yaml", test(rest));
    file("  expect: []\n");
    project.tallyhouse(&["test"]).succeeds();
    file("  variables: { least: 1 }\n  expect: [{ mean: 1.6666666667 }]\n");
    project.tallyhouse(&["test"]).succeeds();
    file("  variables: { least: 1 }\n  expect: [{ mean: 1.67 }]\n");
    project.tallyhouse(&["test"]).ends(1);
    file("  variables: { least: 1 }\n  tolerance: 0.01\n  expect: [{ mean: 1.67 }]\n");
    project.tallyhouse(&["test"]).succeeds();
    file("  variables: { leest: 1 }\n  expect: [{ mean: 1.67 }]\n");
    let ran = project.tallyhouse(&["test"]).ends(2);
    assert!(ran.err.contains("the pipeline declares no variable `leest`"), "{}", ran.err);
    assert!(ran.err.contains("did you mean `least`?"), "{}", ran.err);
}

/// Returns the findings as `line:column message (hint)`.
fn findings(project: &Project, verb: &str) -> Vec<String> {
    let json = project.tallyhouse(&[verb, "--output", "json"]).ends(2).json();
    let shown = |finding: &Value| {
        let text = |key: &str| finding[key].as_str().unwrap_or_default().to_owned();
        format!("{}:{} {} ({})", finding["line"], finding["column"], text("message"), text("hint"))
    };
    json["findings"].as_array().unwrap().iter().map(shown).collect()
}

#[test]
fn mistakes_in_tests_are_found_at_their_places_by_check_and_test() {
    let project = project();
    project.file(
        "sql/core/month.test.yaml",
        "\
- name: a
  given:
    core.sales: []
    core.sale:
      - { month: 2024-01, amuont: 1, amount: 1.005 }
  expect:
    - { mean: many, salse: 1 }
  expect_ctes:
    paid: []
- name: b
  expect: { rows: [], order: true }
  expect_history: []
",
    );
    let found = [
        "5:18 `2024-01` is no date (write it as `2026-06-30`)",
        "5:27 `core.sale` has no column `amuont` (did you mean `amount`?)",
        "5:46 `1.005` is no decimal(18,2) (write at most 18 digits, 2 of them behind the point: nothing is rounded)",
        "3:5 `core.month` does not read `core.sales` (did you mean `core.sale`?)",
        "7:21 the result has no column `salse` (did you mean `sales`?)",
        "7:15 `many` is no double (write a number such as `0.25` or `1e-3`)",
        "9:5 the query has no common table expression `paid` (there is none)",
        "11:11 the rows are expected in an order that the query does not promise (take `order: true` out, or end the query \
         with ORDER BY)",
        "12:19 `core.month` keeps no history (use `expect`)",
    ];
    let mut expected: Vec<String> = found.iter().map(|text| (*text).to_owned()).collect();
    expected.sort();
    for verb in ["check", "test"] {
        let mut found = findings(&project, verb);
        found.sort();
        assert_eq!(found, expected);
    }
}

#[test]
fn a_file_without_a_model_a_day_or_a_test_is_an_error() {
    let project = project();
    project.file("sql/core/mont.test.yaml", MONTH_TEST);
    assert_eq!(
        findings(&project, "test"),
        ["1:1 there is no model `core.mont` to be tested (did you mean `core.month`?)"]
    );
    fs::remove_file(project.path("sql/core/mont.test.yaml")).unwrap();
    project.file(
        "sql/core/sale.test.yaml",
        "- name: a\n  given: { staged.sale: [{ id: 1, buyer: null }] }\n  expect: []\n",
    );
    assert_eq!(
        findings(&project, "test"),
        [
            "1:9 the test does not say as of which day: `staged.sale` is cut as of the run date (add `run_date: 2026-06-30`)",
            "2:42 `buyer` is required by the contract and never NULL (write a value, or leave it out)",
        ]
    );
    fs::remove_file(project.path("sql/core/sale.test.yaml")).unwrap();
    let ran = project.tallyhouse(&["test"]).ends(2);
    assert!(ran.err.starts_with("error: there is no unit test\n"), "{}", ran.err);
}

#[test]
fn models_and_tests_are_selected_by_name() {
    let project = project();
    project.file("sql/core/month.test.yaml", format!("{MONTH_TEST}- name: none\n  expect: []\n"));
    project.file("sql/core/sale.test.yaml", "- name: none\n  expect: []\n");
    let count = |words: &[&str]| {
        let arguments = [&["test", "--output", "json"], words].concat();
        project.tallyhouse(&arguments).succeeds().json()["tests"].as_u64().unwrap()
    };
    assert_eq!(count(&[]), 3);
    assert_eq!(count(&["core.month"]), 2);
    assert_eq!(count(&["core.month:none", "core.sale"]), 2);
    assert_eq!(count(&["month"]), 2);
    assert_eq!(count(&["core"]), 3);
    let ran = project.tallyhouse(&["test", "core.month:non"]).ends(2);
    assert_eq!(ran.err, "error: `core.month:non` selects no unit test\n  hint: did you mean `core.month:none`?\n");
}

#[test]
fn a_view_is_tested_as_any_model() {
    let project = project();
    project.model("core.dear", "/* ---\nkind: view\n--- */\nSELECT id, amount FROM core.sale WHERE amount >= $least");
    let test = |amount: &str| {
        let given = "{ core.sale: [{ id: 1, amount: 9.99 }, { id: 2, amount: 20 }] }";
        format!("- name: large ones\n  given: {given}\n  expect: [{{ id: 2, amount: {amount} }}]\n")
    };
    project.file("sql/core/dear.test.yaml", test("20"));
    let ran = project.tallyhouse(&["test", "core.dear"]).succeeds();
    assert!(ran.out.starts_with("1 test of 1 model: 1 passed, 0 failed"), "{}", ran.out);
    project.file("sql/core/dear.test.yaml", test("21"));
    let ran = project.tallyhouse(&["test"]).ends(1);
    assert!(ran.out.contains("1 test of 1 model: 0 passed, 1 failed"), "{}", ran.out);
}

#[test]
fn a_row_that_cannot_be_computed_fails_its_test_and_no_other() {
    let project = project();
    project.model("core.cast", "SELECT CAST(channel AS INT) AS number FROM core.sale");
    project.file(
        "sql/core/cast.test.yaml",
        "- name: no number\n  given: { core.sale: [{ channel: x }] }\n  expect: []\n- name: a number\n  given: { core.sale: \
         [{ channel: 7 }] }\n  expect: [{ number: 7 }]\n",
    );
    let ran = project.tallyhouse(&["test"]).ends(1);
    assert!(ran.out.contains("the result cannot be computed from these rows: "), "{}", ran.out);
    assert!(ran.out.contains("2 tests of 1 model: 1 passed, 1 failed"), "{}", ran.out);
}

#[test]
fn a_history_is_expected_as_rows_of_the_day_and_as_versions() {
    let project = project();
    project
        .model("core.buyer", "/* ---\nhistory: { key: [id], track: all }\n--- */\nSELECT id, channel FROM core.sale");
    project.file(
        "sql/core/buyer.test.yaml",
        "- name: a change ends a version and begins another\n  run_date: 2024-03-01\n  given:\n    core.sale: [{ id: 1, channel: \
         web }]\n    core.buyer: [{ id: 1, channel: shop, valid_from: 2024-01-01, is_current: true }]\n  expect: [{ id: 1, channel: \
         web }]\n  expect_history: |\n    | id | channel | valid_from | valid_to   | is_current |\n    | 1  | shop    | 2024-01-01 | \
         2024-03-01 | false      |\n    | 1  | web     | 2024-03-01 | null       | true       |\n",
    );
    project.tallyhouse(&["test"]).succeeds();
}

#[test]
fn an_order_counts_where_the_query_promises_one() {
    let project = project();
    project.model("core.list", "SELECT id FROM core.sale ORDER BY id DESC");
    let test = |rows: &str| {
        let text = "- name: a\n  given: { core.sale: [{ id: 1 }, { id: 3 }, { id: 2 }] }\n  expect:\n    order: true\n    rows: ";
        project.file("sql/core/list.test.yaml", format!("{text}{rows}\n"));
    };
    test("[{ id: 3 }, { id: 2 }, { id: 1 }]");
    project.tallyhouse(&["test"]).succeeds();
    test("[{ id: 1 }, { id: 2 }, { id: 3 }]");
    project.tallyhouse(&["test"]).ends(1);
}

#[test]
fn a_generated_test_passes_and_holds_no_personal_data() {
    let project = project();
    project.extract(
        "sale/a.csv",
        "id,day,amount,paid_at,buyer,channel\n1,2024-01-05,10.50,2024-01-06T00:00:00Z,Bob,web\n2,2024-01-06,20,,王小明,\n3,\
         2024-02-01,30,,王小明,\"a|b\"\n",
    );
    project.run();
    let ran = project.tallyhouse(&["test", "--generate", "core.sale"]).succeeds();
    assert!(ran.out.contains("sql/core/sale.test.yaml`: 2 rows of 1 tables give 2 rows\n"), "{}", ran.out);
    let text = fs::read_to_string(project.path("sql/core/sale.test.yaml")).unwrap();
    assert!(!text.contains("王小明") && text.matches("masked-1").count() == 4, "{text}");
    project.tallyhouse(&["test", "--generate", "core.month"]).succeeds();
    let ran = project.tallyhouse(&["test"]).succeeds();
    assert!(ran.out.starts_with("2 tests of 2 models: 2 passed"), "{}", ran.out);
    let ran = project.tallyhouse(&["test", "--generate", "core.sale"]).ends(2);
    assert!(ran.err.contains("exists: nothing was written"), "{}", ran.err);
    assert_eq!(fs::read_to_string(project.path("sql/core/sale.test.yaml")).unwrap(), text);
}

#[test]
fn tests_of_the_shipped_models_are_generated_and_pass() {
    let project = Project::shipped_and_published();
    for model in [
        "core.sales",
        "core.month",
        "segment.market",
        "competitor.weak_market",
        "core.registration",
        "complaint.sla",
        "core.decision_maker",
    ] {
        let written_by_hand = project.path(&format!("sql/{}.test.yaml", model.replace('.', "/")));
        if written_by_hand.exists() {
            fs::remove_file(written_by_hand).unwrap();
        }
        let ran = project.tallyhouse(&["test", "--generate", model]).succeeds();
        assert!(ran.out.starts_with("wrote `"), "{}", ran.out);
        project.tallyhouse(&["test", model]).succeeds();
    }
}

/// Every block of YAML or SQL in the manual that begins with its path belongs to one project, whose tests pass.
#[test]
fn the_examples_of_the_manual_pass() {
    let manual = fs::read_to_string(repository("docs/testing.md")).unwrap();
    let project = Project::new();
    let mut files = 0;
    for block in manual.split("```").skip(1).step_by(2) {
        let (mark, body) = block.split_once('\n').unwrap().1.split_once('\n').unwrap_or_default();
        let path = mark.trim_start_matches("# ").trim_start_matches("-- ").trim();
        if !Path::new(path).extension().is_some_and(|extension| extension == "yaml" || extension == "sql") {
            continue;
        }
        let is_more = path.ends_with(".test.yaml");
        let before = fs::read_to_string(project.path(path)).ok().filter(|_| is_more).unwrap_or_default();
        project.file(path, format!("{before}{body}\n"));
        files += 1;
    }
    assert!(files >= 5, "only {files} examples");
    let json = project.tallyhouse(&["test", "--output", "json"]).succeeds().json();
    assert!(json["tests"].as_u64().unwrap() >= 5, "{json}");
}

#[test]
fn tests_are_chosen_by_the_selectors_of_all_verbs() {
    let project = project();
    project.file("sql/core/month.test.yaml", MONTH_TEST);
    let ran = |words: &[&str]| {
        let results = project.tallyhouse(&[&["test", "--output", "json"], words].concat()).succeeds().json();
        results["tests"].as_u64().unwrap()
    };
    assert_eq!(ran(&["core.sale+"]), 1);
    assert_eq!(ran(&["--select", "path:sql/core", "--exclude", "core.sale"]), 1);
    assert_eq!(ran(&["core.month:the mean leaves small sales out", "core.m*"]), 1);
    let none = project.tallyhouse(&["test", "+core.sale"]).ends(2);
    assert_eq!(
        none.error(),
        "error: no selected table has a unit test\n  hint: `tallyhouse test` without a selector runs all that there are\n"
    );
}
