//! What a person and a program see, exactly; and what the definitions say about the usual slips of the hand.

use std::{ops::Range, sync::Arc};

use super::*;
use crate::{define, record::Text};

fn place(body: &str, range: Range<usize>) -> Place {
    let text = Text { path: "pipelines/sources/a.yaml".to_owned(), body: body.to_owned() };
    Place { text: Arc::new(text), range }
}

#[test]
fn a_finding_shows_file_line_column_span_label_and_hint() {
    let finding = Diagnostic::error("unknown key `requird`", place("name: 客户\ntype: requird\n", 19..26))
        .label("here")
        .hint("did you mean `required`?");
    let expected = "\
error: unknown key `requird`
 --> pipelines/sources/a.yaml:2:7
  |
2 | type: requird
  |       ^^^^^^^ here
  |
  = help: did you mean `required`?
";
    assert_eq!(render(&[finding], false), expected);
}

#[test]
fn wide_characters_are_underlined_at_their_full_width() {
    let finding = Diagnostic::error("unknown column `金额`", place("列: 金额 x\n", 5..11));
    let expected = "\
error: unknown column `金额`
 --> pipelines/sources/a.yaml:1:4
  |
1 | 列: 金额 x
  |     ^^^^
";
    assert_eq!(render(&[finding], false), expected);
}

#[test]
fn findings_without_place_and_in_empty_files_are_shown() {
    let whole = Diagnostic::error_without_place("no source file").hint("add one").into_warning();
    let empty = Diagnostic::error("the file is empty", place("", 0..0));
    let expected = "\
warning: no source file
 |
 = help: add one

error: the file is empty
 --> pipelines/sources/a.yaml:1:1
  |
1 |
  | ^
";
    assert_eq!(render(&[whole, empty], false), expected);
}

#[test]
fn colour_is_only_there_when_asked_for() {
    let finding = Diagnostic::error("m", place("name: a\n", 0..4));
    assert!(!render(std::slice::from_ref(&finding), false).contains('\u{1b}'));
    assert!(render(&[finding], true).contains('\u{1b}'));
}

#[test]
fn json_carries_the_same_facts() {
    let finding = Diagnostic::error("m", place("a\n金额: 1\n2", 2..13)).hint("h");
    let expected = json!({
        "code": null, "severity": "error", "message": "m", "file": "pipelines/sources/a.yaml",
        "line": 2, "column": 1, "end_line": 3, "end_column": 2, "start_byte": 2, "end_byte": 13, "label": null, "hint": "h",
        "fix": null, "also": [],
    });
    assert_eq!(to_json(&finding), expected);
}

/// Renders what reading the pipeline file of `body` says.
fn pipeline_says(body: &str) -> String {
    let text = Text { path: "pipelines/nightly.yaml".to_owned(), body: body.to_owned() };
    define::read_pipeline(Arc::new(text), &|_| None).map_or_else(|found| render(&found, false), |_| String::new())
}

/// Renders what reading a project with this one source says.
fn source_says(body: &str) -> String {
    let pipeline = "name: n\nwarehouse: w\ntimezone: UTC\nsources: s/*.yaml\nmodels: m\n";
    let pipeline = Arc::new(Text { path: "p.yaml".to_owned(), body: pipeline.to_owned() });
    let source = Arc::new(Text { path: "pipelines/sources/a.yaml".to_owned(), body: body.to_owned() });
    let read = define::read_pipeline(pipeline, &|_| None);
    let project = read.and_then(|file| define::assemble(file, vec![source], Vec::new(), Vec::new(), &|_| None));
    project.map_or_else(|found| render(&found, false), |(_, warnings)| render(&warnings, false))
}

#[test]
fn all_slips_of_a_pipeline_file_are_shown_in_order() {
    let body = "\
# 每晚
name: nightly
warehouse: ${TALLYHOUSE_WAREHOUSE}
timezone: Asia/Shangai
run_date: 2026-06-31
sources: sources/*.yaml
models: ../sql
publish: { keep_snapshots: 0, formats: [delta] }
";
    let expected = "\
error: environment variable `TALLYHOUSE_WAREHOUSE` is not set
 --> pipelines/nightly.yaml:3:12
  |
3 | warehouse: ${TALLYHOUSE_WAREHOUSE}
  |            ^^^^^^^^^^^^^^^^^^^^^^^
  |
  = help: set it, or write a default: `${TALLYHOUSE_WAREHOUSE:-path}`

error: unknown time zone `Asia/Shangai`
 --> pipelines/nightly.yaml:4:11
  |
4 | timezone: Asia/Shangai
  |           ^^^^^^^^^^^^
  |
  = help: did you mean `Asia/Shanghai`?

error: `2026-06-31` is not a date
 --> pipelines/nightly.yaml:5:11
  |
5 | run_date: 2026-06-31
  |           ^^^^^^^^^^
  |
  = help: write it as `2026-06-30`

error: `keep_snapshots` is 0
 --> pipelines/nightly.yaml:8:28
  |
8 | publish: { keep_snapshots: 0, formats: [delta] }
  |                            ^
  |
  = help: keep at least 1: the snapshot that is served

error: `formats` is without `parquet`
 --> pipelines/nightly.yaml:8:41
  |
8 | publish: { keep_snapshots: 0, formats: [delta] }
  |                                         ^^^^^
  |
  = help: write `formats: [parquet]` or `[parquet, delta]`: the files of a Delta table are Parquet too
";
    assert_eq!(pipeline_says(body), expected);
}

#[test]
fn a_text_that_is_no_yaml_is_shown_at_the_place_where_it_stops_being_so() {
    let expected = "\
error: invalid YAML: mapping values are not allowed in this context
 --> pipelines/nightly.yaml:2:16
  |
2 | description: 说明: b
  |                  ^
  |
  = help: put a text that contains `: ` in quotes, and check the indentation
";
    assert_eq!(pipeline_says("name: nightly\ndescription: 说明: b\n"), expected);
}

#[test]
fn all_slips_of_a_contract_are_shown_in_order() {
    let body = "\
name: dealer_sales
location: 数据/*.csv
key: [dealer_code, order_nr]
partition_by: [amount]
event_date: dealer_code
columns:
  dealer_code: { type: string, from: [经销商编码] }
  order_no: { type: string }
  amount: { type: \"decimal(18,2)\", from: [金额] }
";
    let expected = "\
error: `order_nr` in `key` is no column of this contract
 --> pipelines/sources/a.yaml:3:20
  |
3 | key: [dealer_code, order_nr]
  |                    ^^^^^^^^
  |
  = help: did you mean `order_no`?

error: `amount` of type `decimal(18,2)` cannot partition a table
 --> pipelines/sources/a.yaml:4:16
  |
4 | partition_by: [amount]
  |                ^^^^^^
  |
  = help: partition by a date, a whole number, a text or a boolean; derive one from it

error: `dealer_code` is of type `string`
 --> pipelines/sources/a.yaml:5:13
  |
5 | event_date: dealer_code
  |             ^^^^^^^^^^^
  |
  = help: the as-of cut needs a `date` or a `timestamp`
";
    assert_eq!(source_says(body), expected);
}

#[test]
fn a_wrong_type_behind_chinese_text_is_underlined_where_it_stands() {
    let body =
        "name: a\nlocation: a.csv\ncolumns:\n  金: { type: string }\n  b: { title: { zh: 数量 }, type: integer }\n";
    let expected = "\
error: column `金` is not snake_case
 --> pipelines/sources/a.yaml:4:3
  |
4 |   金: { type: string }
  |   ^^
  |
  = help: use lower-case letters a-z, digits and `_`, a letter first

error: unknown type `integer`
 --> pipelines/sources/a.yaml:5:33
  |
5 |   b: { title: { zh: 数量 }, type: integer }
  |                                   ^^^^^^^
  |
  = help: did you mean `int`?
";
    assert_eq!(source_says(body), expected);
}
