//! Functions in SQL: those that come along, those that a project writes, and what is said of both.

use std::fs;

use serde_json::Value;

use crate::project::{Project, Ran};

/// Orders of two months, and a model that calls a function of the project.
fn orders() -> Project {
    let project = Project::new();
    project.source("sale", "key: [id]\npartition_by: [month]\ncolumns:\n  id: { type: string }\n  month: { type: date }\n  revenue: { type: \"decimal(18,2)\" }\n  cost: { type: double }\n");
    project.extract("sale/1.csv", "id,month,revenue,cost\n1,2026-01-01,100,60\n2,2026-01-01,50,50\n3,2026-02-01,0,1\n");
    project.function("margin_rate", MARGIN_RATE);
    project.model("core.margin", MARGIN);
    project.model("core.plain", "SELECT id, revenue FROM staged.sale\n");
    project
}

const MARGIN_RATE: &str = "-- What is left of the revenue.\n\
                           CREATE FUNCTION margin_rate(revenue DOUBLE, cost DOUBLE) RETURNS DOUBLE\n\
                           RETURN (revenue - cost) / nullif(revenue, 0);\n";

const MARGIN: &str = "/* ---\npartition_by: [month]\n--- */\n\
                      SELECT id, month, margin_rate(revenue, cost) AS rate FROM staged.sale\n";

trait Functions {
    fn function(&self, name: &str, sql: &str) -> &Self;
}

impl Functions for Project {
    fn function(&self, name: &str, sql: &str) -> &Self {
        self.file(&format!("sql/functions/{name}.sql"), sql)
    }
}

fn rebuilt(report: &Value, table: &str) -> usize {
    let models = report["models"].as_array().unwrap().iter();
    models.filter(|model| model["table"] == table).map(|model| model["rebuilt"].as_array().unwrap().len()).sum()
}

#[track_caller]
fn error(project: &Project) -> String {
    project.tallyhouse(&["check"]).ends(2).error().to_owned()
}

#[test]
fn a_function_of_the_project_computes_what_its_body_says() {
    let project = orders();
    project.run();
    assert_eq!(project.rows("core.margin"), ["1|2026-01-01|0.4", "2|2026-01-01|0.0", "3|2026-02-01|NULL"]);
    assert_eq!(project.query("SELECT margin_rate(sum(revenue), sum(cost)) AS rate FROM staged.sale"), ["0.26"]);
}

const WITH_EXAMPLES: &str = "/* ---\n\
                             description: What is left of the revenue.\n\
                             examples:\n  \
                             margin_rate(100, 75): 0.25\n  \
                             \"margin_rate(CAST(0 AS DOUBLE), 75)\": null\n  \
                             margin_rate(3, 2): 0.333\n\
                             --- */\n\
                             CREATE FUNCTION margin_rate(revenue DOUBLE, cost DOUBLE) RETURNS DOUBLE\n\
                             RETURN (revenue - cost) / nullif(revenue, 0);\n";

#[test]
fn examples_of_a_function_are_tested_and_listed() {
    let project = orders();
    project.run();
    project.function("margin_rate", WITH_EXAMPLES);
    project.function(
        "plain",
        "-- Nothing is said of it by examples.\nCREATE FUNCTION plain(a INT) RETURNS INT\nRETURN a;\n",
    );
    // What a header says is no change of what models compute.
    assert_eq!(project.run()["outcome"], "unchanged");
    let ran = project.tallyhouse(&["test"]).ends(1);
    assert!(
        ran.out.starts_with(
            "FAILED functions.margin_rate: margin_rate(3, 2)\n  --> sql/functions/margin_rate.sql:6:3\n  \
             the result: 1 row expected, 1 there: 1 different\n"
        ),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("\n3 tests of 1 function: 2 passed, 1 failed, in "), "{}", ran.out);
    project.function("margin_rate", &WITH_EXAMPLES.replace("0.333", "0.3333333333"));
    for words in [&["functions"][..], &["functions.margin_rate"], &["--exclude", "core"]] {
        let ran = project.tallyhouse(&[&["test"], words].concat()).succeeds();
        assert!(ran.out.starts_with("3 tests of 1 function: 3 passed, 0 failed, in "), "{words:?}: {}", ran.out);
    }
    let ran = project.tallyhouse(&["test", "functions.margin_rate:margin_rate(100, 75)"]).succeeds();
    assert!(ran.out.starts_with("1 test of 1 function: 1 passed"), "{}", ran.out);
    project.file("sql/core/plain.test.yaml", "- name: none\n  expect: []\n");
    let ran = project.tallyhouse(&["test"]).succeeds();
    assert!(ran.out.starts_with("4 tests of 1 model and 1 function: 4 passed"), "{}", ran.out);
    let ran = project.tallyhouse(&["test", "--select", "core"]).succeeds();
    assert!(ran.out.starts_with("1 test of 1 model: 1 passed"), "{}", ran.out);
    for (words, tests) in [
        (&["--select", "functions"][..], "3 tests of 1 function"),
        (&["--select", "functions.margin_rate"], "3 tests of 1 function"),
        (&["--select", "functions.margin*"], "3 tests of 1 function"),
        (&["--select", "path:sql/functions"], "3 tests of 1 function"),
        (&["--exclude", "functions"], "1 test of 1 model"),
        (&["--exclude", "functions.margin_rate"], "1 test of 1 model"),
        (&["--exclude", "functions.margin_rate:margin_rate(100, 75)"], "3 tests of 1 model and 1 function"),
        (&["--select", "core.plain:none"], "1 test of 1 model"),
        (&["core", "functions.margin_rate:margin_rate(100, 75)"], "2 tests of 1 model and 1 function"),
    ] {
        let ran = project.tallyhouse(&[&["test"], words].concat()).succeeds();
        assert!(ran.out.starts_with(&format!("{tests}: ")), "{words:?}: {}", ran.out);
    }
    let told = |words: &[&str]| project.tallyhouse(&[&["test"], words].concat()).ends(2).error().to_owned();
    assert_eq!(
        told(&["--select", "core.plain:non"]),
        "error: `core.plain:non` selects no unit test\n  hint: did you mean `core.plain:none`?\n"
    );
    assert_eq!(
        told(&["core.plane:none"]),
        "error: `core.plane:none` selects no unit test\n  hint: did you mean `core.plain`?\n"
    );
    assert_eq!(
        told(&["core.plain", "--exclude", "core"]),
        "error: no unit test is left: `--exclude` takes all away\n  hint: `tallyhouse test` without a selector runs all that there are\n"
    );
    let ran = project.tallyhouse(&["test", "functions.margin"]).ends(2);
    assert_eq!(
        ran.error(),
        "error: `functions.margin` selects no unit test\n  hint: did you mean `functions.margin_rate`?\n"
    );
    let shown = functions(&project, &["margin_rate", "--output", "json"]).json();
    assert_eq!(shown[0]["description"], "What is left of the revenue.");
    assert_eq!(shown[0]["examples"][0], "SELECT margin_rate(100, 75)\n-- 0.25");
    assert_eq!(shown[0]["examples"][1], "SELECT margin_rate(CAST(0 AS DOUBLE), 75)\n-- NULL");
}

#[test]
fn an_example_that_cannot_be_is_an_error_at_its_place() {
    let project = orders();
    let told = |example: &str| {
        let header = format!("/* ---\nexamples:\n  {example}\n--- */\n");
        project.function("margin_rate", &(header + MARGIN_RATE));
        let ran = project.tallyhouse(&["test", "--output", "json"]).ends(2).json();
        let finding = &ran["findings"][0];
        let place = format!("{}:{}", finding["line"], finding["column"]);
        format!("{place} {} ({})", finding["message"].as_str().unwrap(), finding["hint"].as_str().unwrap_or_default())
    };
    assert_eq!(told("margin_rate(1, 2): many"), "3:22 `many` is no DOUBLE (write a number such as `0.25` or `1e-3`)");
    assert_eq!(
        told("upper('a'): A"),
        "3:3 `upper('a')` is no call of `margin_rate` alone (write an expression that calls it with values, and behind the \
         colon what it returns)"
    );
    let usage = "it is called so: `margin_rate(revenue DOUBLE, cost DOUBLE) → DOUBLE`";
    assert_eq!(told("margin_rate('a', 2): 1"), format!("3:3 `margin_rate` does not take (VARCHAR, BIGINT) ({usage})"));
    assert_eq!(told("margin_rate(1): 1"), format!("3:3 `margin_rate` does not take (BIGINT) ({usage})"));
    assert_eq!(told("margin_rate(units, 2): 1"), "3:15 unknown column `units` (there is no FROM with columns)");
    assert_eq!(
        told("margin_rate(1, 2: 1"),
        "3:18 syntax error: the text ends where `)` is expected (put `)` at the end)"
    );
    assert_eq!(told("margin_rate(1, 2) +: 1"), "3:21 syntax error: the text ends where an expression is expected ()");
    assert_eq!(
        told("margin_rate(1, 2): [1]\n  margin_rate(1, 3): many"),
        "3:22 expected one value (write a text, a number or `true`, not a list or a map)"
    );
    // Whoever only checks hears it too, with everything else that is wrong.
    project.function("margin_rate", &format!("/* ---\nexamples: {{ margin_rate(1): 1 }}\n--- */\n{MARGIN_RATE}"));
    project.model("core.plain", "SELECT idd FROM staged.sale\n");
    let told = error(&project);
    assert!(told.contains("`margin_rate` does not take (BIGINT)") && told.contains("unknown column `idd`"), "{told}");
    project.model("core.plain", "SELECT id FROM staged.sale\n");
    // A key that is none is told by every verb.
    project.function("margin_rate", &format!("/* ---\nexample: {{}}\n--- */\n{MARGIN_RATE}"));
    assert!(error(&project).contains("unknown key `example`") && error(&project).contains("did you mean `examples`?"));
}

#[test]
fn a_call_is_what_its_body_would_be_if_it_were_written_there() {
    let project = orders();
    project.run();
    project.model(
        "core.margin",
        &MARGIN.replace(
            "margin_rate(revenue, cost)",
            "(CAST(revenue AS DOUBLE) - cost) / nullif(CAST(revenue AS DOUBLE), 0)",
        ),
    );
    assert_eq!(rebuilt(&project.run(), "core.margin"), 0);
}

#[test]
fn a_model_is_modified_by_another_body_and_not_by_calling_a_function() {
    let project = orders();
    project.run();
    let modified = ["check", "--select", "state:modified", "--output", "json"];
    project.tallyhouse(&modified).ends(2);
    project.function("margin_rate", &MARGIN_RATE.replace("revenue - cost", "cost - revenue"));
    let told = project.tallyhouse(&modified).succeeds().json();
    assert_eq!(told["selected"], serde_json::json!(["core.margin"]));
}

#[test]
fn a_changed_body_rebuilds_the_models_that_call_it_and_no_others() {
    let project = orders();
    project.function("half", "CREATE FUNCTION half(x DOUBLE) RETURNS DOUBLE RETURN x / 2;\n");
    project.function(
        "half_margin",
        "CREATE FUNCTION half_margin(r DOUBLE, c DOUBLE) RETURNS DOUBLE RETURN half(margin_rate(r, c));\n",
    );
    project.model("core.half", "SELECT id, half_margin(revenue, cost) AS rate FROM staged.sale\n");
    project.run();
    project.function("half", "-- The same.\nCREATE FUNCTION half(y DOUBLE) RETURNS DOUBLE RETURN (y / 2);\n");
    let report = project.run();
    assert_eq!(["core.margin", "core.plain", "core.half"].map(|table| rebuilt(&report, table)), [0, 0, 0]);
    project.function("half", "CREATE FUNCTION half(x DOUBLE) RETURNS DOUBLE RETURN x * 0.5 + 0;\n");
    let report = project.run();
    assert_eq!(["core.margin", "core.plain", "core.half"].map(|table| rebuilt(&report, table)), [0, 0, 1]);
    project.function("margin_rate", &MARGIN_RATE.replace("nullif(revenue, 0)", "nullif(revenue, 1)"));
    let report = project.run();
    assert_eq!(["core.margin", "core.plain", "core.half"].map(|table| rebuilt(&report, table)), [2, 0, 1]);
}

#[test]
fn a_model_whose_plan_has_no_normal_form_is_rebuilt_with_its_function_too() {
    let project = orders();
    project.model(
        "core.step",
        "WITH RECURSIVE step AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM step WHERE n < 3) SELECT n, margin_rate(10, n) AS rate FROM step\n",
    );
    project.run();
    assert_eq!(rebuilt(&project.run(), "core.step"), 0);
    project.function("margin_rate", &MARGIN_RATE.replace("revenue - cost", "revenue - cost + 1"));
    assert_eq!(rebuilt(&project.run(), "core.step"), 1);
    assert_eq!(project.rows("core.step"), ["1|1.0", "2|0.9", "3|0.8"]);
}

#[test]
fn filters_on_partitions_reach_through_a_function() {
    let project = orders();
    project.function("month_of", "CREATE FUNCTION month_of(day DATE) RETURNS DATE RETURN date_trunc('month', day);\n");
    project.model(
        "core.margin",
        "/* ---\npartition_by: [month]\n--- */\nSELECT id, month_of(month) AS month FROM staged.sale\n",
    );
    project.run();
    project.extract("sale/1.csv", "id,month,revenue,cost\n1,2026-01-01,100,60\n2,2026-01-01,50,50\n4,2026-02-01,0,1\n");
    assert_eq!(rebuilt(&project.run(), "core.margin"), 1);
}

#[test]
fn names_of_an_argument_do_not_meet_names_of_the_body() {
    let project = orders();
    project.function("less", "CREATE FUNCTION less(a DOUBLE, b DOUBLE) RETURNS DOUBLE RETURN a - b;\n");
    project.run();
    let sql = "SELECT less(b, a) AS one, less(less(b, 1), less(a, b)) AS two FROM (SELECT 1.0 AS a, 5.0 AS b) AS t";
    assert_eq!(project.query(sql), ["4.0|8.0"]);
}

#[test]
fn arguments_that_would_lose_digits_are_refused_where_they_stand() {
    let project = orders();
    project.function("whole", "CREATE FUNCTION whole(x BIGINT) RETURNS BIGINT RETURN x + 1;\n");
    project.model("core.margin", "SELECT whole(cost) AS x FROM staged.sale\n");
    let told = error(&project);
    assert!(told.contains("`whole` does not take (DOUBLE)\n --> sql/core/margin.sql:1:8"), "{told}");
    assert!(told.contains("help: cast it so: `CAST(cost AS BIGINT)`"), "{told}");
    project.model("core.margin", "SELECT whole(1, 2) AS x FROM staged.sale\n");
    let told = error(&project);
    assert!(told.contains("`whole` does not take (BIGINT, BIGINT)"), "{told}");
}

/// Each wrong function with what is said about it; all lie in `sql/functions/wrong.sql`.
const WRONG: &[(&str, &str)] = &[
    ("CREATE FUNCTION wrong(a DOUBLE) RETURNS DOUBLE RETURN a + amuont;", "`amuont` is no parameter of `wrong`"),
    ("CREATE FUNCTION wrong(a DOUBLE) RETURNS DOUBLE RETURN sqtr(a);", "unknown function `sqtr`"),
    ("CREATE FUNCTION wrong(a DATE) RETURNS DOUBLE RETURN sqrt(a);", "sqrt"),
    ("CREATE FUNCTION wrong(a DOUBLE) RETURNS DOUBLE RETURN sum(a);", "`sum` needs a group of rows"),
    ("CREATE FUNCTION wrong(a DOUBLE) RETURNS DOUBLE RETURN row_number() OVER (ORDER BY a);", "needs the rows around"),
    ("CREATE FUNCTION wrong(a DOUBLE) RETURNS DOUBLE RETURN a * random();", "`random` does not give the same value"),
    (
        "CREATE FUNCTION wrong(a DOUBLE) RETURNS DOUBLE RETURN (SELECT max(revenue) FROM staged.sale);",
        "a query within a function",
    ),
    ("CREATE FUNCTION wrong(a DATE) RETURNS DOUBLE RETURN a - $run_date;", "`$run_date` within a function"),
    ("CREATE FUNCTION wrong(a DOUBLE) RETURNS DOUBLE RETURN wrong(a - 1);", "in a circle: wrong → wrong"),
    ("CREATE FUNCTION wrong(a DOUBLE, a DATE) RETURNS DOUBLE RETURN 1;", "the name of another, `a`"),
    ("CREATE FUNCTION wrong(a STRUCT<x INT>) RETURNS DOUBLE RETURN 1;", "no parameter or result can be"),
    ("CREATE FUNCTION wrong(DOUBLE) RETURNS DOUBLE RETURN 1;", "has no name"),
    ("CREATE FUNCTION wrong(a DOUBLE) RETURN 1;", "does not say what it returns"),
    ("CREATE FUNCTION wrong(a DOUBLE) RETURNS DOUBLE LANGUAGE python RETURN 1;", "`LANGUAGE` means nothing"),
    ("CREATE FUNCTION right(a DOUBLE) RETURNS DOUBLE RETURN a;", "stands in the file of `wrong`"),
    ("CREATE FUNCTION wrong(a VARCHAR) RETURNS DATE RETURN a || 'a';", "returns DATE and its expression gives VARCHAR"),
    ("CREATE FUNCTION wrong(a VARCHAR, b INT) RETURNS BOOLEAN RETURN a > b;", "cannot compare `a` (VARCHAR)"),
    ("SELECT 1", "the file defines no function"),
    ("CREATE FUNCTION wrong() RETURNS INT RETURN 1; SELECT 1", "more than one statement"),
    ("CREATE FUNCTION wrong(a DOUBLE RETURNS", "syntax error"),
];

#[test]
fn what_is_wrong_with_a_function_is_told_in_its_file() {
    let project = orders();
    for (sql, expected) in WRONG {
        project.function("wrong", sql);
        let told = error(&project);
        assert!(told.contains(expected), "{sql}\n{told}");
        assert!(told.contains("sql/functions/wrong.sql:1:"), "{sql}\n{told}");
        assert_eq!(told.lines().filter(|line| line.starts_with("error")).count(), 1, "{sql}\n{told}");
    }
}

#[test]
fn functions_that_call_each_other_in_a_circle_are_refused_once() {
    let project = orders();
    project.function("one", "CREATE FUNCTION one(a DOUBLE) RETURNS DOUBLE RETURN two(a);\n");
    project.function("two", "CREATE FUNCTION two(a DOUBLE) RETURNS DOUBLE RETURN one(a);\n");
    let told = error(&project);
    assert!(told.contains("functions call each other in a circle: one → two → one"), "{told}");
}

#[test]
fn a_function_cannot_take_the_name_of_another() {
    let project = orders();
    for name in ["coalesce", "name_key", "exact_sum", "row_number"] {
        project.function(name, &format!("CREATE FUNCTION {name}(a DOUBLE) RETURNS DOUBLE RETURN a;\n"));
        let told = error(&project);
        assert!(told.contains(&format!("there is a function `{name}` already")), "{told}");
        fs::remove_file(project.path(&format!("sql/functions/{name}.sql"))).unwrap();
    }
}

#[test]
fn checks_may_call_the_functions_of_the_project() {
    let project = orders();
    project.model("core.plain", "/* ---\nchecks:\n  - expr: margin_rate(revenue, 0) = 1\n    name: all_is_margin\n--- */\nSELECT id, revenue FROM staged.sale WHERE revenue > 0\n");
    project.run();
    project.function("margin_rate", &MARGIN_RATE.replace("nullif(revenue, 0)", "2"));
    let report = project.tallyhouse(&["run", "--output", "json"]).ends(1).json();
    assert_eq!(report["failed_checks"][0]["check"], "all_is_margin");
}

fn functions(project: &Project, arguments: &[&str]) -> Ran {
    project.tallyhouse(&[&["functions"], arguments].concat())
}

#[test]
fn functions_are_listed_by_whose_they_are() {
    let project = orders();
    let text = functions(&project, &[]).succeeds().out;
    let heads: Vec<&str> = text.lines().filter(|line| !line.is_empty() && !line.starts_with(' ')).collect();
    assert_eq!(
        heads,
        [
            "scalar functions of this project",
            "scalar functions of tallyhouse",
            "aggregate functions of tallyhouse",
            "window functions of tallyhouse"
        ]
    );
    assert!(
        text.contains("  margin_rate(revenue DOUBLE, cost DOUBLE) → DOUBLE\n      What is left of the revenue.\n"),
        "{text}"
    );
    let all = functions(&project, &["--all", "--output", "json"]).succeeds().json();
    let of = |origin: &str| all.as_array().unwrap().iter().filter(|listed| listed["origin"] == origin).count();
    assert!(
        of("project") == 1 && of("tallyhouse") == 16 && of("datafusion") > 200,
        "{} {}",
        of("tallyhouse"),
        of("datafusion")
    );
}

#[test]
fn one_function_is_shown_with_its_examples() {
    let project = Project::new();
    let text = functions(&project, &["is_tax_id"]).succeeds().out;
    assert!(text.starts_with("is_tax_id(text VARCHAR) → BOOLEAN\nscalar function of tallyhouse\n\n"), "{text}");
    assert!(text.ends_with("\nSELECT is_tax_id('91350100-m000 100y42')\n-- false\n"), "{text}");
    let told = functions(&project, &["name_kye"]).ends(2).err;
    assert_eq!(told, "error: there is no function `name_kye`\n  hint: did you mean `name_key`?\n");
    let folder = Project::new();
    fs::remove_file(folder.path("pipelines/nightly.yaml")).unwrap();
    assert!(functions(&folder, &["nullif"]).succeeds().out.contains("function of DataFusion"));
}

#[test]
fn a_cast_is_to_the_type_of_the_parameter() {
    let project = orders();
    project
        .function("with_tax", "CREATE FUNCTION with_tax(amount DECIMAL(18,2)) RETURNS DECIMAL(18,2)\nRETURN amount;\n");
    project.model("core.taxed", "SELECT with_tax(cost) AS a FROM staged.sale\n");
    let told = error(&project);
    assert!(told.contains("`with_tax` does not take (DOUBLE)"), "{told}");
    assert!(told.contains("cast it so: `CAST(cost AS DECIMAL(18, 2))`"), "{told}");
}
