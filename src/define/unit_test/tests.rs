//! What is written is read as it was meant, and every mistake is found at its place.

use std::{path::Path, sync::Arc};

use super::{
    TestFile, read,
    write::{WrittenRows, WrittenTest},
};
use crate::record::{Diagnostic, TableName, Text};

fn file(body: &str) -> Result<TestFile, Vec<Diagnostic>> {
    let text = Text { path: "sql/core/sales.test.yaml".to_owned(), body: body.to_owned() };
    read(&Arc::new(text), Path::new("core/sales.test.yaml"))
}

/// Returns the findings as `line:column underlined: message (hint)`.
fn findings(body: &str) -> Vec<String> {
    let shown = |finding: Diagnostic| {
        let place = finding.place.unwrap();
        let (line, column) = place.line_column();
        let under = &place.text.body[place.range.clone()];
        format!("{line}:{column} {under:?}: {} ({})", finding.message, finding.hint.unwrap_or_default())
    };
    file(body).unwrap_err().into_iter().map(shown).collect()
}

fn cells(row: &super::Row) -> Vec<String> {
    let cell = |cell: &super::Cell| format!("{}={}", cell.column.value, cell.value.value.as_deref().unwrap_or("NULL"));
    row.cells.iter().map(cell).collect()
}

#[test]
fn a_list_and_a_table_say_the_same() {
    let file = file(
        "- name: a\n  given:\n    core.a:\n      - { x: 1, y: null, z: \"null\" }\n      - { x: ~, y: 2026-01-02, z: true }\n    \
         core.b: |\n      | x | y          | z      |\n      |---|------------|--------|\n      | 1 | null       | \"null\" |\n\n      \
         | ~ | 2026-01-02 | true   |\n  expect: []\n",
    );
    let test = &file.unwrap().tests[0];
    let [list, table] = test.given.as_slice() else { panic!("two tables") };
    let rows = |given: &super::Given| given.rows.iter().map(cells).collect::<Vec<_>>();
    assert_eq!(rows(list), [["x=1", "y=NULL", "z=null"], ["x=NULL", "y=2026-01-02", "z=true"]]);
    assert_eq!(rows(list), rows(table));
    assert!(test.expect.as_ref().unwrap().rows.is_empty());
}

#[test]
fn the_cells_of_a_table_know_where_they_stand() {
    let body = "- name: a\n  expect: |  # rows\n    | a  | b |\n    | 1  | 2 |\n    | 1  | 2 |\n";
    let file = file(body).unwrap();
    let rows = &file.tests[0].expect.as_ref().unwrap().rows;
    let places: Vec<(usize, usize)> =
        rows.iter().flat_map(|row| &row.cells).map(|cell| cell.value.place.line_column()).collect();
    assert_eq!(places, [(4, 7), (4, 12), (5, 7), (5, 12)]);
    assert_eq!(rows[0].cells[1].column.place.line_column(), (3, 12));
}

#[test]
fn an_empty_cell_leaves_its_column_out_and_quotes_keep_a_text_as_it_is() {
    let file = file("- name: a\n  expect: |\n    | a | b | \"c|d\" |\n    |   | \"\" | \" x|\"\"y \" |\n").unwrap();
    assert_eq!(cells(&file.tests[0].expect.as_ref().unwrap().rows[0]), ["b=", "c|d= x|\"y "]);
}

#[test]
fn mistakes_are_found_at_their_places() {
    let body = "\
- name: a
- name: a
  expct: []
";
    let nothing = "1:9 \"a\": the test expects nothing (add `expect:` with the rows, `[]` for none)";
    assert_eq!(findings(body), [nothing, "3:3 \"expct\": unknown key `expct` (did you mean `expect`?)"]);
    let body = "\
- name: a
- name: a
  run_date: 30.6.2026
  tolerance: -1
  given:
    sales: []
  expect: |
    | a | b | a |
    | 1 | 2 |
- expect:
    - {}
";
    assert_eq!(
        findings(body),
        [
            "1:9 \"a\": the test expects nothing (add `expect:` with the rows, `[]` for none)",
            "2:9 \"a\": `a` occurs twice in `the names of the tests` (keep one of the two)",
            "3:13 \"30.6.2026\": `30.6.2026` is not a date (write it as `2026-06-30`)",
            "4:14 \"-1\": `tolerance` is no distance (write a number from 0, such as 0.001)",
            "6:5 \"sales\": `sales` is not `schema.table` (name the schema too, such as `core.sales`)",
            "8:15 \"a\": the column `a` occurs twice (keep one of the two)",
            "9:5 \"| 1 | 2 |\": the row has 2 cells and the header 3 (separate cells by `|`; a text with `|` stands in double \
             quotes)",
            "10:3 \"expect:\": `name` is missing (add `name: what holds, as a sentence`)",
            "11:5 \"- {}\": the expected rows name no column (name the columns that matter, or say `columns: all`)",
        ]
    );
    assert_eq!(findings("[]\n"), ["1:1 \"[]\": the file has no test (write one, or remove the file)"]);
}

#[test]
fn what_is_written_is_read_back() {
    let some = |value: &str| Some(value.to_owned());
    let rows = |rows: Vec<Vec<Option<String>>>| WrittenRows { columns: vec!["a b".to_owned(), "行".to_owned()], rows };
    let odd = ["", " x", "null", "~", "a|b", "\"q\"", "挖掘机", "- x: y #z", "1"];
    let given = rows(odd.iter().map(|value| vec![some(value), None]).collect());
    let long = rows(vec![vec![some("two\nlines"), some("tab\t\u{1}\u{2028}")], vec![None, some("'{[")]]);
    let test = WrittenTest {
        name: "a \"b\": c".to_owned(),
        description: "- d".to_owned(),
        run_date: chrono::NaiveDate::from_ymd_opt(2026, 6, 30).unwrap(),
        variables: vec![("days".to_owned(), "7".to_owned()), ("word".to_owned(), "x: y".to_owned())],
        given: vec![(TableName::new("core", "a"), given.clone()), (TableName::new("core", "b"), long.clone())],
        expect: rows(Vec::new()),
    };
    let file = file(&test.to_string()).unwrap_or_else(|found| panic!("{found:?}\n{test}"));
    let read = &file.tests[0];
    let values = |given: &super::Given| {
        let row = |row: &super::Row| row.cells.iter().map(|cell| cell.value.value.clone()).collect::<Vec<_>>();
        given.rows.iter().map(row).collect::<Vec<_>>()
    };
    assert_eq!((read.name.value.as_str(), read.run_date), ("a \"b\": c", Some(test.run_date)));
    assert_eq!((values(&read.given[0]), values(&read.given[1])), (given.rows, long.rows));
    assert_eq!(read.variables[1].1.value, "x: y");
    assert!(read.expect.as_ref().unwrap().rows.is_empty());
}
