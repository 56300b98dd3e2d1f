//! `check`: every mistake of a project at once, each at its place, and what could not be checked for it.

use serde_json::{Value, json};

use crate::project::Project;

/// A model whose header is wrong in two places.
const SALE: &str = "\
/* ---
key: [order_no]
columns:
  order_no: { type: string }
  amount: { type: double }
checks:
  - not_null: [dayy]
--- */
SELECT order_no, day, amount FROM staged.sale
";

/// A model with six mistakes in its clauses.
const MONTH: &str = "\
-- 金额 of a month; amuont is a word of this comment
WITH 月 AS (
    SELECT date_trunc('month', day) AS month, amuont, '中文' AS kind FROM staged.sale
),
dealer AS (
    SELECT s.dealer, d.provnce, count(*) AS sales
    FROM staged.sale AS s JOIN staged.dealer AS d ON s.dealer = d.dealer
    WHERE day > amount
    GROUP BY dealer
)
SELECT m.month, sun(m.kind) AS kinds, e.sales
FROM 月 AS m JOIN dealer AS d ON d.sales > 1
";

/// Makes a project with a source of sales and one of dealers, and models over them.
fn project(models: &[(&str, &str)]) -> Project {
    let project = Project::new();
    project.source(
        "sale",
        "key: [order_no]\ncolumns:\n  order_no: { type: string }\n  day: { type: date }\n  dealer: { type: string }\n  amount: { type: \"decimal(18,2)\" }\n",
    );
    project.source("dealer", "key: [dealer]\ncolumns:\n  dealer: { type: string }\n  province: { type: string }\n");
    for (table, sql) in models {
        project.model(table, sql);
    }
    project
}

fn said(models: &[(&str, &str)]) -> String {
    project(models).tallyhouse(&["check"]).ends(2).err
}

#[test]
fn all_mistakes_of_a_project_are_told_at_once() {
    let models = [
        ("core.sale", SALE),
        ("core.month", MONTH),
        ("core.year", "SELECT year FROM core.mont"),
        ("core.decade", "SELECT year FROM core.year"),
        ("core.broken", "SELECT order_no FORM staged.sale"),
        ("core.fine", "SELECT order_no, amount FROM core.sale WHERE day IS NOT NULL"),
    ];
    insta::assert_snapshot!(said(&models), @r"
    error: syntax error: `FORM` is no keyword
     --> sql/core/broken.sql:1:17
      |
    1 | SELECT order_no FORM staged.sale
      |                 ^^^^
      |
      = help: did you mean `FROM`?

    error: unknown column `amuont`
     --> sql/core/month.sql:3:47
      |
    3 |     SELECT date_trunc('month', day) AS month, amuont, '中文' AS kind FROM staged.sale
      |                                               ^^^^^^
      |
      = help: did you mean `amount`?

    error: `d` has no column `provnce`
     --> sql/core/month.sql:6:24
      |
    6 |     SELECT s.dealer, d.provnce, count(*) AS sales
      |                        ^^^^^^^
      |
      = help: did you mean `province`?

    error: cannot compare DATE with DECIMAL(18, 2)
     --> sql/core/month.sql:8:11
      |
    8 |     WHERE day > amount
      |           ^^^^^^^^^^^^
      |
      = help: dates compare with dates alone: one of the two is probably another column

    error: the column `dealer` is ambiguous: `s` and `d` have it
     --> sql/core/month.sql:9:14
      |
    9 |     GROUP BY dealer
      |              ^^^^^^
      |
      = help: put the alias before it: `s.dealer` or `d.dealer`

    error: unknown function `sun`
      --> sql/core/month.sql:11:17
       |
    11 | SELECT m.month, sun(m.kind) AS kinds, e.sales
       |                 ^^^
       |
       = help: did you mean `sum`?

    error: no table of this SELECT is called `e`
      --> sql/core/month.sql:11:39
       |
    11 | SELECT m.month, sun(m.kind) AS kinds, e.sales
       |                                       ^
       |
       = help: `d` has `sales`: write `d.sales`

    error: the result has no column `dayy`
     --> sql/core/sale.sql:7:16
      |
    7 |   - not_null: [dayy]
      |                ^^^^
      |
      = help: did you mean `day`?

    error: the column `amount` is declared as DOUBLE and the query gives DECIMAL(18, 2)
     --> sql/core/sale.sql:5:19
      |
    5 |   amount: { type: double }
      |                   ^^^^^^
      |
      = help: cast it in the query, to DOUBLE, or declare `decimal(18,2)`

    error: unknown table `core.mont`
     --> sql/core/year.sql:1:18
      |
    1 | SELECT year FROM core.mont
      |                  ^^^^^^^^^
      |
      = help: did you mean `core.month`? it is produced by sql/core/month.sql

    note: `core.decade` is not checked: it waits for `core.year`
    ");
}

#[test]
fn an_unknown_column_of_a_check_is_told_at_its_place() {
    let sql =
        "/* ---\nchecks:\n  - not_null: [order_no, dayy]\n--- */\nSELECT order_no, day, amount FROM staged.sale\n";
    insta::assert_snapshot!(said(&[("core.sale", sql)]), @r"
    error: the result has no column `dayy`
     --> sql/core/sale.sql:3:26
      |
    3 |   - not_null: [order_no, dayy]
      |                          ^^^^
      |
      = help: did you mean `day`?
    ");
}

#[test]
fn a_check_that_reads_a_wrong_model_waits_for_it_and_one_that_reads_no_table_is_told() {
    let checked = "/* ---\nchecks:\n  - relationships: { column: order_no, to: core.sale, field: order_no }\n  \
                   - expr: day IN (SELECT day FROM core.sale)\n--- */\nSELECT order_no, day FROM staged.sale\n";
    let models = [("core.sale", "SELECT order_no, dayy FROM staged.sale\n"), ("core.day", checked)];
    let project = project(&models);
    let wrong = project.tallyhouse(&["check"]).ends(2).err;
    assert_eq!(wrong.matches("error:").count(), 1, "{wrong}");
    // What is kept of that is not taken for an answer about a table that is gone.
    std::fs::remove_file(project.path("sql/core/sale.sql")).unwrap();
    insta::assert_snapshot!(project.tallyhouse(&["check"]).ends(2).err, @r"
    error: unknown table `core.sale` in the check `relationships(order_no, core.sale.order_no)`
     --> sql/core/day.sql:3:5
      |
    3 |   - relationships: { column: order_no, to: core.sale, field: order_no }
      |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: did you mean `core.day`?

    error: unknown table `core.sale` in the check `expr(day IN (SELECT day FROM core.sale))`
     --> sql/core/day.sql:4:11
      |
    4 |   - expr: day IN (SELECT day FROM core.sale)
      |           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: did you mean `core.day`?
    ");
    project.model("core.sale", "SELECT order_no, day FROM staged.sale\n");
    project.tallyhouse(&["check"]).succeeds();
}

#[test]
fn what_calls_a_wrong_function_waits_for_it() {
    let models = [
        ("core.sale", "SELECT order_no, doubled(amount) AS amount FROM staged.sale\n"),
        ("core.large", "SELECT order_no FROM core.sale WHERE amount > 10\n"),
        (
            "core.day",
            "/* ---\nchecks:\n  - expr: doubled(n) > 1\n--- */\nSELECT day, count(*) AS n FROM staged.sale GROUP BY day\n",
        ),
    ];
    let project = project(&models);
    let define = |returns: &str| {
        let function = format!("CREATE FUNCTION doubled(x DOUBLE) RETURNS {returns} RETURN x * 2;\n");
        project.file("sql/functions/doubled.sql", function);
    };
    define("DATE");
    insta::assert_snapshot!(project.tallyhouse(&["check"]).ends(2).err, @r"
    error: `doubled` returns DATE and its expression gives DOUBLE
     --> sql/functions/doubled.sql:1:17
      |
    1 | CREATE FUNCTION doubled(x DOUBLE) RETURNS DATE RETURN x * 2;
      |                 ^^^^^^^
      |
      = help: write the type of the expression behind RETURNS, or cast the expression

    note: `core.sale` is not checked: it waits for `doubled`

    note: `core.large` is not checked: it waits for `doubled`
    ");
    define("DOUBLE");
    project.tallyhouse(&["check"]).succeeds();
}

#[test]
fn a_variable_that_nothing_uses_is_an_error_and_one_that_is_misspelt_is_told_once() {
    let project = project(&[("core.sale", "SELECT order_no FROM staged.sale WHERE day > $since\n")]);
    let pipeline = std::fs::read_to_string(project.path("pipelines/nightly.yaml")).unwrap();
    project.file("pipelines/nightly.yaml", format!("{pipeline}variables: {{ since: 2026-01-01, churn_days: 365 }}\n"));
    insta::assert_snapshot!(project.tallyhouse(&["check"]).ends(2).err, @r"
    error: no model, no contract and no report uses the variable `churn_days`
     --> pipelines/nightly.yaml:7:33
      |
    7 | variables: { since: 2026-01-01, churn_days: 365 }
      |                                 ^^^^^^^^^^
      |
      = help: write `$churn_days` where it should count, or remove it
    ");
    project.model("core.sale", "SELECT order_no FROM staged.sale WHERE day > $sinec\n");
    insta::assert_snapshot!(project.tallyhouse(&["check"]).ends(2).err, @r"
    error: unknown parameter `$sinec`
     --> sql/core/sale.sql:1:46
      |
    1 | SELECT order_no FROM staged.sale WHERE day > $sinec
      |                                              ^^^^^^
      |
      = help: did you mean `$since`?
    ");
}

#[test]
fn two_files_of_one_table_are_told_whatever_their_case() {
    let project = project(&[("core.sale", "SELECT order_no FROM staged.sale\n")]);
    project.file("sql/core/Sale.sql", "SELECT order_no FROM staged.sale\n");
    insta::assert_snapshot!(project.tallyhouse(&["check"]).ends(2).err, @r"
    error: model `core.sale` is defined twice
     --> sql/core/Sale.sql:1:1
      |
    1 | SELECT order_no FROM staged.sale
      | ^
      |
      = help: the other one is sql/core/sale.sql
    ");
}

#[test]
fn a_program_reads_the_same_with_the_change_that_mends_it() {
    let project = project(&[
        ("core.sale", "SELECT order_no, '金额' AS kind, amuont FROM staged.sale\n"),
        ("core.month", "SELECT amount FROM core.sale\n"),
    ]);
    let told = project.tallyhouse(&["check", "--output", "json"]).ends(2).json();
    let expected = json!({
        "code": null, "severity": "error", "message": "unknown column `amuont`", "file": "sql/core/sale.sql",
        "line": 1, "column": 32, "end_line": 1, "end_column": 38, "start_byte": 35, "end_byte": 41,
        "label": null, "hint": "did you mean `amount`?",
        "fix": {
            "line": 1, "column": 32, "end_line": 1, "end_column": 38, "start_byte": 35, "end_byte": 41, "text": "amount",
        },
        "also": [],
    });
    assert_eq!(told["findings"][0], expected);
    assert_eq!(told["findings"][1]["severity"], "note");
    assert_eq!(told["findings"][1]["message"], "`core.month` is not checked: it waits for `core.sale`");
    assert_eq!(told["findings"][1]["file"], Value::Null);
    assert_eq!(told["error"], "1 problem(s) in the definitions");
}

#[test]
fn a_template_is_told_to_be_one() {
    let sql = "SELECT id FROM {{ ref('sale') }} WHERE day > '{{ var(\"since\") }}'\n";
    insta::assert_snapshot!(said(&[("core.sale", sql)]), @r#"
    error: this is a template, and models are plain SQL
     --> sql/core/sale.sql:1:16
      |
    1 | SELECT id FROM {{ ref('sale') }} WHERE day > '{{ var("since") }}'
      |                ^^^^^^^^^^^^^^^^^
      |
      = help: write the name of the table, `schema.table`; what stands for `ref`, `source` and `var` is in docs/coming-from-dbt.md
    "#);
}
