//! `report`: what `check` says of a definition, and that a page holds the rows of its queries and nothing that could run.

use std::{fs, process::Command};

use serde_json::{Value, json};

use crate::{
    outside,
    project::{Project, is_outside_required},
    shipped,
};

const REPORT: &str = "\
name: sales
title: { zh: 销售, en: Sales }
filters:
  - { column: dealer, title: { zh: 经销商, en: Dealer } }
sections:
  - title: { zh: 概况, en: Overview }
    charts:
      - name: months
        title: { zh: 按月, en: By month }
        kind: line
        sql: |
          SELECT month, dealer,
              sum(units) AS units
          FROM core.sale
          WHERE month <= $run_date
          GROUP BY 1, 2
          ORDER BY 1, 2
        by: [{ column: month, format: month }]
        show: [{ sum: units }]
";

const MODEL: &str = "\
/* ---
columns:
  units: { type: bigint, title: { zh: 台数, en: Machines } }
--- */
SELECT order_no, dealer, CAST(date_trunc('month', day) AS DATE) AS month, units, amount, phone FROM staged.sale
";

const SALES: &str = "\
order_no,dealer,day,units,amount,phone
1,A,2026-01-05,2,10.50,555
2,A,2026-02-05,3,20.25,556
3,\"</script><script>alert('O''Brien & \"\"Söhne\"\"')</script>\",2026-02-06,,1.00,557
";

/// Makes a project with a report in which a part is written otherwise.
fn project(part: &str, otherwise: &str) -> Project {
    assert!(REPORT.contains(part), "{part}");
    let project = Project::new();
    let pipeline = fs::read_to_string(project.path("pipelines/nightly.yaml")).unwrap();
    project.file("pipelines/nightly.yaml", format!("{pipeline}reports: reports/*.yaml\n"));
    project.file("pipelines/reports/sales.yaml", REPORT.replacen(part, otherwise, 1));
    project.source(
        "sale",
        "key: [order_no]\ncolumns:\n  order_no: { type: string }\n  dealer: { type: string }\n  day: { type: date }\n  units: { type: bigint }\n  \
         amount: { type: \"decimal(18,2)\" }\n  phone: { type: string, pii: phone }\n",
    );
    project.model("core.sale", MODEL).extract("sale/1.csv", SALES);
    project
}

fn published() -> Project {
    let project = project("", "");
    project.run();
    project
}

fn said(part: &str, otherwise: &str) -> String {
    project(part, otherwise).tallyhouse(&["check"]).ends(2).err
}

fn page(project: &Project) -> String {
    project.tallyhouse(&["report"]).succeeds();
    fs::read_to_string(project.path("report.html")).unwrap()
}

/// Returns the data that a page carries, as its script reads it.
fn data(page: &str) -> Value {
    let (_, rest) = page.split_once("<script type=\"application/json\" id=\"data\">").unwrap();
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

#[test]
fn a_page_holds_the_rows_of_its_queries() {
    let project = published();
    let ran = project.tallyhouse(&["report"]).succeeds();
    assert!(ran.out.starts_with("report.html: report `sales` of snapshot 000001-"), "{}", ran.out);
    let data = data(&fs::read_to_string(project.path("report.html")).unwrap());
    let chart = &data["sections"][0]["charts"][0];
    assert_eq!(chart["columns"], json!(["month", "dealer", "units"]));
    let dealer = "</script><script>alert('O''Brien & \"Söhne\"')</script>";
    assert_eq!(chart["rows"], json!([["2026-01-01", "A", 2], ["2026-02-01", dealer, null], ["2026-02-01", "A", 3]]));
    assert_eq!(chart["by"][0]["format"], "month");
    assert_eq!(chart["show"][0]["title"], json!({ "zh": "台数", "en": "Machines" }));
    assert_eq!(data["run_date"], "2026-06-30");
}

#[test]
fn a_name_that_is_markup_stays_text() {
    let page = page(&published());
    assert!(!page.contains("</script><script>alert"), "the name must not stand in the page as it is");
    assert!(page.contains(r"\u003c/script\u003e\u003cscript\u003ealert('O''Brien \u0026"));
}

#[test]
fn the_same_snapshot_gives_the_same_bytes() {
    let project = project("          ORDER BY 1, 2\n", "");
    let line = |order: i32| format!("{order},D{},2026-0{}-01,1,1.00,5\n", order % 97, order % 6 + 1);
    let many = (10..3000).map(line).collect::<Vec<_>>().concat();
    project.extract("sale/1.csv", format!("{SALES}{many}")).run();
    let first = page(&project);
    for threads in ["1", "2", "3"] {
        project.tallyhouse(&["report", "--threads", threads]).succeeds();
        assert!(fs::read_to_string(project.path("report.html")).unwrap() == first, "{threads} threads");
    }
}

#[test]
fn json_prints_the_rows_and_writes_no_page() {
    let project = published();
    let printed = project.tallyhouse(&["report", "sales", "--output", "json"]).succeeds().json();
    assert!(!project.path("report.html").exists());
    assert_eq!(printed, data(&page(&project)));
}

#[test]
fn an_older_snapshot_gives_the_report_of_its_day() {
    let project = published();
    project.extract("sale/2.csv", "order_no,dealer,day,units,amount,phone\n9,A,2026-03-05,7,1.00,1\n").run();
    let rows = |arguments: &[&str]| {
        let ran = project.tallyhouse(&[&["report", "--output", "json"], arguments].concat()).succeeds();
        ran.json()["sections"][0]["charts"][0]["rows"].as_array().unwrap().len()
    };
    assert_eq!((rows(&[]), rows(&["--snapshot", "000001"])), (4, 3));
    assert_eq!(rows(&["--run-date", "2026-01-31"]), 1);
}

#[test]
fn an_empty_table_makes_an_empty_chart() {
    let project = project("", "");
    project.extract("sale/1.csv", "order_no,dealer,day,units,amount,phone\n").run();
    let data = data(&page(&project));
    assert_eq!(data["sections"][0]["charts"][0]["rows"], json!([]));
    assert_eq!(data["sections"][0]["charts"][0]["columns"], json!(["month", "dealer", "units"]));
}

#[test]
fn a_mistake_in_a_query_is_shown_at_its_place_in_the_report() {
    insta::assert_snapshot!(said("sum(units) AS units", "sum(unit) AS units"), @r"
    error: unknown column `unit` in the chart `months`
      --> pipelines/reports/sales.yaml:13:19
       |
    13 |               sum(unit) AS units
       |                   ^^^^
       |
       = help: did you mean `units`?
    ");
    insta::assert_snapshot!(said("FROM core.sale\n", "FORM core.sale\n"), @r"
    error: syntax error: `FORM` is no keyword in the chart `months`
      --> pipelines/reports/sales.yaml:14:11
       |
    14 |           FORM core.sale
       |           ^^^^
       |
       = help: did you mean `FROM`?
    ");
}

#[test]
fn a_chart_is_told_everything_that_a_model_would_be() {
    let told = said(
        "sum(units) AS units\n          FROM core.sale\n          WHERE month",
        "sum(units) AS units, lenn(dealer), summ(unit)\n          FROM core.sal\n          WHERE month",
    );
    let lines: Vec<&str> = told.lines().filter(|line| line.contains("error:") || line.contains("help:")).collect();
    assert_eq!(
        lines,
        [
            "error: unknown function `lenn` in the chart `months`",
            "   = help: no function has a name like it",
            "error: unknown function `summ` in the chart `months`",
            "   = help: did you mean `sum`?",
            "error: unknown table `core.sal` in the chart `months`",
            "   = help: did you mean `core.sale`? it is produced by sql/core/sale.sql",
        ],
        "{told}"
    );
    let told = said("WHERE month <= $run_date", "WHERE month <= 20260101");
    assert!(
        told.contains("cannot compare DATE with BIGINT in the chart `months`") && told.contains(".yaml:15:17"),
        "{told}"
    );
    let told = said("WHERE month <= $run_date", "WHERE month <= to_date('2026-02-30')");
    assert!(
        told.contains("`'2026-02-30'` is no DATE in the chart `months`") && told.contains("'2026-02-28'"),
        "{told}"
    );
}

#[test]
fn columns_that_the_query_does_not_give_are_told() {
    insta::assert_snapshot!(said("show: [{ sum: units }]", "show: [{ sum: unts }]"), @r"
    error: the query of the chart `months` gives no column `unts`
      --> pipelines/reports/sales.yaml:19:23
       |
    19 |         show: [{ sum: unts }]
       |                       ^^^^
       |
       = help: did you mean `units`?
    ");
    insta::assert_snapshot!(said("show: [{ sum: units }]", "show: [{ sum: dealer }]"), @r"
    error: `dealer` is no number, so the chart `months` cannot add it
      --> pipelines/reports/sales.yaml:19:23
       |
    19 |         show: [{ sum: dealer }]
       |                       ^^^^^^
       |
       = help: put it into `by`, or use `count: rows`
    ");
}

#[test]
fn a_filter_that_no_chart_obeys_is_told() {
    insta::assert_snapshot!(said("column: dealer", "column: dealr"), @r"
    error: no chart has a column `dealr` to be filtered by
     --> pipelines/reports/sales.yaml:4:15
      |
    4 |   - { column: dealr, title: { zh: 经销商, en: Dealer } }
      |               ^^^^^
      |
      = help: did you mean `dealer`?
    ");
}

#[test]
fn what_is_not_for_everyone_is_refused() {
    insta::assert_snapshot!(said("FROM core.sale\n", "FROM staged.sale\n"), @r"
    error: the chart `months` reads `staged.sale`, which is not for everyone
      --> pipelines/reports/sales.yaml:14:16
       |
    14 |           FROM staged.sale
       |                ^^^^^^^^^^^
       |
       = help: read a table that a model publishes
    ");
    insta::assert_snapshot!(said("month, dealer,", "month, coalesce(phone, '') AS dealer,"), @r"
    error: `dealer` holds personal data of `staged.sale.phone`
     --> pipelines/reports/sales.yaml:8:15
      |
    8 |       - name: months
      |               ^^^^^^
      |
      = help: a report is read by everyone: leave it out of the chart `months`
    ");
}

#[test]
fn a_private_table_is_refused_without_a_check_too() {
    let project = project("FROM core.sale\n", "FROM staged.sale\n");
    project.run();
    let ran = project.tallyhouse(&["report"]).ends(2);
    assert!(ran.err.contains("the chart `months` reads `staged.sale`, which is not for everyone"), "{}", ran.err);
    assert!(!project.path("report.html").exists());
}

#[test]
fn a_wrong_report_does_not_stop_the_night() {
    project("kind: line", "kind: lines").run();
}

#[test]
fn rows_of_which_only_one_could_be_shown_are_refused() {
    let project = project("show: [{ sum: units }]", "show: [{ value: units }]");
    project.run();
    insta::assert_snapshot!(project.tallyhouse(&["report"]).ends(2).err, @r#"
    error: the query of the chart `months` gives two rows for ("2026-02-01"), of which `value` could show only one
     --> pipelines/reports/sales.yaml:8:15
      |
    8 |       - name: months
      |               ^^^^^^
      |
      = help: add the column in which they differ to `by`, or show a `sum` or a `ratio`
    "#);
}

#[test]
fn more_rows_than_a_page_takes_are_refused() {
    let project = project("FROM core.sale\n", "FROM core.sale CROSS JOIN range(0, 20001) AS many\n");
    let report = fs::read_to_string(project.path("pipelines/reports/sales.yaml")).unwrap();
    project.file("pipelines/reports/sales.yaml", report.replace("GROUP BY 1, 2", "GROUP BY 1, 2, many.value"));
    project.run();
    let ran = project.tallyhouse(&["report"]).ends(2);
    let message = "the query of the chart `months` gives 60003 rows; a page takes 20000";
    assert!(ran.err.contains(message), "{}", ran.err);
}

#[test]
fn a_report_is_found_by_its_name() {
    let project = published();
    project.file("pipelines/reports/other.yaml", REPORT.replace("name: sales\n", "name: other\n"));
    let hint = |arguments: &[&str]| project.tallyhouse(arguments).ends(2).err;
    assert_eq!(hint(&["report"]), "error: the pipeline has several reports\n  hint: name one of `other`, `sales`\n");
    assert_eq!(hint(&["report", "sale"]), "error: there is no report `sale`\n  hint: did you mean `sales`?\n");
    project.tallyhouse(&["report", "other", "--out", "other.html"]).succeeds();
    assert!(project.path("other.html").exists());
    project.file("pipelines/reports/twice.yaml", REPORT);
    insta::assert_snapshot!(hint(&["report", "sales"]), @r"
    error: report `sales` is defined twice
     --> pipelines/reports/twice.yaml:1:7
      |
    1 | name: sales
      |       ^^^^^
      |
      = help: the other one is pipelines/reports/sales.yaml:1:7
    ");
}

#[test]
fn a_pipeline_without_reports_says_how_to_have_one() {
    let project = Project::new();
    assert_eq!(
        project.tallyhouse(&["report"]).ends(2).err,
        "error: the pipeline has no report\n  hint: add `reports: reports/*.yaml` to the pipeline file\n"
    );
}

#[test]
fn what_a_browser_draws_equals_the_rows() {
    let Some(browser) = browser() else { return };
    let mut project = Project::shipped();
    project.set("TALLYHOUSE_WAREHOUSE", shipped::published().warehouse.display().to_string());
    project.tallyhouse(&["report"]).succeeds();
    outside::python("report.py", &[project.path("report.html").to_str().unwrap(), &browser]);
}

/// Returns the browser; where there is none the test is skipped, unless that is forbidden.
pub fn browser() -> Option<String> {
    let named = std::env::var("TALLYHOUSE_CHROMIUM").ok().filter(|path| !path.is_empty());
    let browser = named.unwrap_or_else(|| "chromium".to_owned());
    let version = Command::new(&browser).arg("--version").output();
    let found = version.is_ok_and(|output| output.status.success()).then_some(browser);
    if found.is_none() {
        assert!(!is_outside_required(), "Chromium is needed to open the page; TALLYHOUSE_CHROMIUM names it");
        eprintln!("skipped: no Chromium; `.ci/run` finds or installs it");
    }
    found
}
