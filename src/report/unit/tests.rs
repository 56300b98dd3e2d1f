//! Results read as they should, whatever stands in the rows.

use super::*;
use crate::record::TableName;

fn failed() -> TestResult {
    let text = |text: &str| Some(text.to_owned());
    let diff = RowsDiff {
        columns: vec!["region".to_owned(), "units".to_owned()],
        equal_rows: 1,
        rows: vec![
            RowDiff::Different(vec![
                CellDiff::Same(text("华东")),
                CellDiff::Changed { expected: text("3"), actual: None },
            ]),
            RowDiff::Missing(vec![text(""), text("7")]),
            RowDiff::Surplus(vec![text("a|<b>\u{1}"), text("1")]),
        ],
    };
    TestResult {
        model: TableName::new("core", "sales"),
        test: "a & b".to_owned(),
        written_at: "sql/core/sales.test.yaml:3:9".to_owned(),
        seconds: 0.0125,
        failures: vec![TestFailure { asked: Asked::Cte("line".to_owned()), found: Found::Rows(diff) }],
    }
}

#[test]
fn a_failed_test_shows_its_rows_side_by_side() {
    let shown = text(&[failed(), TestResult { failures: Vec::new(), ..failed() }], 0.5);
    let expected = "\
FAILED core.sales: a & b
  --> sql/core/sales.test.yaml:3:9
  `line`: 3 rows expected, 3 there: 1 as expected, 1 different, 1 missing, 1 surplus
      | region       | units      |
    ~ | 华东         | [3 → NULL] |
    - | \"\"           | 7          |
    + | \"a|<b>\\u{1}\" | 1          |

2 tests of 1 model: 1 passed, 1 failed, in 0.50 s
";
    assert_eq!(shown, expected);
}

#[test]
fn a_program_reads_both_sides_of_every_row() {
    let value = json(&[failed()], 0.5);
    let failure = &value["results"][0]["failures"][0];
    assert_eq!(value["exit_code"], 1);
    assert_eq!(failure["differences"][0]["changed"], json!(["units"]));
    assert_eq!(failure["differences"][0]["expected"], json!({ "region": "华东", "units": "3" }));
    assert_eq!(failure["differences"][0]["actual"], json!({ "region": "华东", "units": null }));
    assert_eq!(
        failure["differences"][2],
        json!({ "kind": "surplus", "actual": { "region": "a|<b>\u{1}", "units": "1" } })
    );
}

#[test]
fn xml_holds_any_text() {
    let document = junit(&[failed()]);
    assert!(
        document.contains("<testsuite name=\"core.sales\" tests=\"1\" failures=\"1\" time=\"0.013\">"),
        "{document}"
    );
    assert!(document.contains("name=\"a &amp; b\" file=\"sql/core/sales.test.yaml\" line=\"3\""), "{document}");
    assert!(document.contains("a|&lt;b&gt;\\u{1}"), "{document}");
    assert!(!document.contains('\u{1}'));
}

#[test]
fn a_long_difference_is_cut() {
    let mut result = failed();
    let rows = (0..100).map(|index| RowDiff::Surplus(vec![Some(index.to_string()), None])).collect();
    let diff = RowsDiff { columns: vec!["a".to_owned(), "b".to_owned()], equal_rows: 0, rows };
    result.failures = vec![TestFailure { asked: Asked::Result, found: Found::Rows(diff) }];
    assert!(text(&[result], 0.1).contains("    + | 39 | NULL |\n      … and 60 more\n"));
}
