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
      = help: cast it so: `CAST(amount AS VARCHAR)`

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
    });
    assert_eq!(told["findings"][0], expected);
    assert_eq!(told["findings"][1]["severity"], "note");
    assert_eq!(told["findings"][1]["message"], "`core.month` is not checked: it waits for `core.sale`");
    assert_eq!(told["findings"][1]["file"], Value::Null);
    assert_eq!(told["error"], "1 problem(s) in the definitions");
}
