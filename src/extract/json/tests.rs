//! JSON in every layout, well-formed and not.

use crate::{
    define::project::{Format, JsonOptions},
    extract::testing::{fail, read},
};

fn lines() -> Format {
    Format::Json(JsonOptions { lines: true, ..JsonOptions::default() })
}

fn under(records: &str) -> Format {
    Format::Json(JsonOptions { records: Some(records.to_owned()), ..JsonOptions::default() })
}

#[test]
fn columns_are_the_union_in_order_of_first_occurrence() {
    let text = concat!(
        "{\"id\": 1, \"name\": \"a \\\"b\\\"\", \"n\": 12345678901234567.890}\n",
        "\r\n",
        "{\"tags\": [1, {\"k\": null}], \"id\": 2, \"name\": null, \"ok\": true}\r\n",
        "{\"id\": \"广州\", \"id\": -1e400}\n",
    );
    let found = read("a.jsonl", text, &Format::Auto, &[]);
    assert_eq!(found.shape.header, ["id", "name", "n", "tags", "ok"]);
    let expected = ["1: 1|a \"b\"|12345678901234567.890|∅|∅", "3: 2|∅|∅|[1,{\"k\":null}]|true", "4: -1e400|∅|∅|∅|∅"];
    assert_eq!(found.rows, expected);
    assert_eq!(found.count(), "4 = 3 rows + 1 Blank");
    assert_eq!(found.raw[1], "{\"tags\": [1, {\"k\": null}], \"id\": 2, \"name\": null, \"ok\": true}");
}

#[test]
fn lines_that_are_no_objects_are_faults() {
    let found = read("a.jsonl", "{\"a\":1}\n{\"a\":\n[1]\n{\"a\":\"\\ud800\"}\n{\"a\":2}\n{\"a\":3", &lines(), &[]);
    let expected = [
        "1: 1",
        "2: Shape(0, 1) {\"a\":",
        "3: Shape(0, 1) [1]",
        "4: Encoding {\"a\":\"\\ud800\"}",
        "5: 2",
        "6: Truncated {\"a\":3",
    ];
    assert_eq!(found.rows, expected);
}

#[test]
fn a_comma_at_the_end_of_a_line_parts_it_from_the_next_one() {
    let found = read("a.jsonl", "{\"a\":1},\r\n{\"a\":2}, \n\n{\"a\":3}{\"a\":4},\n{\"a\":5}\n", &Format::Auto, &[]);
    assert_eq!(found.rows, ["1: 1", "2: 2", "3: 3", "4: 4", "5: 5"]);
    let found = read("a.json", "{\"a\":1},\n{\"a\":2},\n", &Format::Auto, &[]);
    assert_eq!((found.count().as_str(), &found.raw[1][..]), ("2 = 2 rows", "{\"a\":2}"));
    let found = read("a.jsonl", "{\"a\":1},\n,\n{\"a\":2},,\n{\"a\":3\n", &lines(), &[]);
    assert_eq!(found.rows, ["1: 1", "2: Shape(0, 1) ,", "3: Shape(0, 1) {\"a\":2},,", "4: Shape(0, 1) {\"a\":3"]);
    // Brackets around the lines make them an array, whatever the file is called.
    let found = read("a.jsonl", "[\n{\"a\":1},\n{\"a\":2}\n]\n", &Format::Auto, &[]);
    assert_eq!((found.rows, found.lines.lines), (vec!["2: 1".to_owned(), "3: 2".to_owned()], 4));
}

#[test]
fn an_empty_file_has_no_columns() {
    let found = read("a.jsonl", "", &Format::Auto, &[]);
    assert_eq!((found.count(), found.shape.header.len()), ("0 = 0 rows".to_owned(), 0));
}

#[test]
fn arrays_are_read_whether_on_one_line_or_on_many() {
    let pretty = "[\n  {\n    \"a\": 1,\n    \"b\": \"x\"\n  },\n\n  {\"a\": 2}\n]\n";
    let found = read("a.json", pretty, &Format::Auto, &[]);
    assert_eq!((found.shape.format, found.shape.header.as_slice()), ("json", &["a".to_owned(), "b".to_owned()][..]));
    assert_eq!(found.rows, ["2: 1|x", "7: 2|∅"]);
    assert_eq!(found.count(), "8 = 2 rows + 1 Title + 1 Blank + 1 Footer + 3 Continuation");
    let found = read("a.txt", "[{\"a\":1},{\"a\":2,\"b\":3}] ", &Format::Auto, &[]);
    assert_eq!(found.rows, ["1: 1|∅", "2: 2|3"]);
    assert_eq!(found.count(), "2 = 2 rows");
    assert_eq!(found.shape.notes, ["records share lines: what counts as a line is a record"]);
    assert_eq!(read("a.json", "[]", &Format::Auto, &[]).count(), "1 = 0 rows + 1 Title");
}

#[test]
fn what_stands_beside_an_array_may_be_longer_than_what_is_held() {
    let junk = "\"字\",".repeat(1 << 19);
    let junk = junk.trim_end_matches(',');
    let objects = |first: u32| {
        let objects: Vec<String> = (first..first + 500).map(|number| format!("{{\"名\":\"字{number}\"}}")).collect();
        objects.join(",")
    };
    let text = format!(
        "{{\"data\":[{}],\"junk\":[{junk}]}} {{\"junk\":[{junk}],\"data\":[{}]}}\n{{\"data\":{{\"名\":\"字1000\"}},\"junk\":[{junk}]}}",
        objects(0),
        objects(500),
    );
    let found = read("a.json", text, &under("data"), &[]);
    let expected: Vec<String> = (0..1001).map(|number| format!("{}: 字{number}", number + 1)).collect();
    assert_eq!(found.rows, expected);
    assert_eq!(found.count(), "1001 = 1001 rows");
}

#[test]
fn records_may_lie_within_an_object() {
    let text = r#"{"code": 0, "page": {"n": [{"x": 1}]}, "data": {"total": 2, "items": [
        {"id": 1},
        {"id": 2}
    ]}, "more": false}"#;
    let found = read("a.json", text, &Format::Auto, &[]);
    assert_eq!(found.rows, ["2: 1", "3: 2"]);
    assert_eq!(found.shape.notes, ["records are under `data.items`"]);
    assert_eq!(read("a.json", text, &under("page.n"), &[]).rows, ["1: 1"]);
    assert_eq!(read("a.json", text, &under("page"), &[]).rows, ["1: [{\"x\":1}]"]);
    let hint = "correct `records` in the source's contract";
    assert_eq!(
        fail("a.json", text, &under("data.rows")),
        format!("cannot read `a.json`: it holds nothing under `data.rows`; {hint}")
    );
    let several = "{\"d\":[{\"a\":1}]}\n{\"d\":[{\"a\":2},{\"a\":3}]}\n";
    assert_eq!(read("a.json", several, &under("d"), &[]).rows, ["1: 1", "2: 2", "3: 3"]);
}

#[test]
fn objects_may_follow_each_other_without_line_ends_or_over_many_lines() {
    let found = read("a.jsonl", "{\"a\":1}{\"a\":2} {\"a\":3}\n{\"a\":4}\n", &Format::Auto, &[]);
    assert_eq!(found.rows, ["1: 1", "2: 2", "3: 3", "4: 4"]);
    let found = read("a.json", "{\n \"a\": 1\n}\n{\n \"a\": 2\n}\n", &Format::Auto, &[]);
    assert_eq!(found.rows, ["1: 1", "4: 2"]);
    assert_eq!(found.count(), "6 = 2 rows + 4 Continuation");
    let found = read("a.json", "{\n \"a\": 1\n}\n{\n \"a\": [2\n}\n{\n \"a\": 3\n}\n", &Format::Auto, &[]);
    assert_eq!(found.rows, ["1: 1", "4: Shape(0, 1) {\n \"a\": [2\n}", "7: 3"]);
}

#[test]
fn a_sign_between_objects_costs_itself() {
    let found = read("a.json", "{\"a\":1}{\"a\":2},{\"a\":3}]{\"a\":4}", &Format::Auto, &[]);
    assert_eq!(found.rows, ["1: 1", "2: 2", "3: Shape(0, 1) ,", "4: 3", "5: Shape(0, 1) ]", "6: 4"]);
}

#[test]
fn a_bad_element_costs_itself() {
    let text = "[\n{\"a\":1},\n{\"a\":tru},\n7,\n{\"a\":\"x},\n{\"a\":2}\n]";
    let found = read("a.json", text, &Format::Auto, &[]);
    let expected = ["2: 1", "3: Shape(0, 1) {\"a\":tru}", "4: Shape(0, 1) 7", "5: Shape(0, 1) {\"a\":\"x},", "6: 2"];
    assert_eq!(found.rows, expected);
    let text = "[\n{\"a\":1},\n,{\"a\":2},\n]";
    let found = read("a.json", text, &Format::Auto, &[]);
    assert_eq!(found.rows, ["1: 1", "2: Shape(0, 1) ,", "3: 2", "4: Shape(0, 1) "]);
    let message = fail("a.json", "[{\"a\":1},{\"a\":[1}},{\"a\":2}]", &Format::Auto);
    assert!(message.contains("`}` at line 1, byte 16 of the text is not where JSON has it"), "{message}");
}

#[test]
fn an_array_without_its_end_was_cut() {
    let found = read("a.json", "[{\"a\":1},\n{\"a\":2}", &Format::Auto, &[]);
    assert_eq!(found.rows, ["1: 1", "2: 2", "3: Truncated "]);
    let found = read("a.json", "[{\"a\":1},\n{\"a\":2,\"b", &Format::Auto, &[]);
    assert_eq!(found.rows, ["1: 1", "2: Truncated {\"a\":2,\"b"]);
    let found = read("a.json", "{\"d\":[{\"a\":1},\n{\"a\":2", &Format::Auto, &[]);
    assert_eq!(found.rows, ["1: 1", "2: Truncated {\"a\":2"]);
}

#[test]
fn nested_members_are_columns_by_path() {
    let text = concat!(
        r#"{"id":1,"customer":{"name":"A","address":{"city":"广州"}},"items":[{"sku":"x","n":1},{"sku":"y"}],"e":{}}"#,
        "\n",
        r#"{"id":2,"customer":null,"items":[],"a.b":5}"#,
        "\n",
        r#"{"id":3,"customer":"none","a":{"b":6}}"#,
    );
    let found = read("a.jsonl", text, &lines(), &[]);
    let header = ["id", "customer", "customer.name", "customer.address.city", "items", "e", "a\\.b", "a.b"];
    assert_eq!(found.shape.header, header);
    let found = read("a.jsonl", text, &lines(), &["id", "Customer.Address", "items.1.sku", "items.9.sku"]);
    assert_eq!(
        found.shape.header[..7],
        ["id", "customer", "customer.name", "customer.address", "customer.address.city", "items", "items.1.sku"]
    );
    assert!(found.rows[0].starts_with("1: 1|{\"name\":\"A\",\"address\":{\"city\":\"广州\"}}|A|{\"city\":\"广州\"}|广州|[{\"sku\":\"x\",\"n\":1},{\"sku\":\"y\"}]|y|{}"), "{}", found.rows[0]);
    assert!(found.rows[1].starts_with("2: 2|∅|∅|∅|∅|[]|∅"), "{}", found.rows[1]);
    assert!(found.rows[2].starts_with("3: 3|none|∅"), "{}", found.rows[2]);
}

#[test]
fn a_name_given_twice_counts_once_and_is_noted() {
    let found = read("a.jsonl", "{\"a\":{\"x\":1},\"a\":{\"y\":2}}\n", &lines(), &[]);
    assert_eq!(found.rows, ["1: ∅|2"]);
    assert_eq!(found.shape.notes, ["a name stands twice in 1 record: the later one counts"]);
}

#[test]
fn objects_with_endless_names_stay_whole() {
    let members: Vec<String> = (0..1_500).map(|index| format!("\"k{index}\":{index}")).collect();
    let found = read(
        "a.jsonl",
        format!("{{\"id\":1,\"by_id\":{{{}}}}}\n{{\"by_id\":{{\"k\":0}}}}\n", members.join(",")),
        &lines(),
        &[],
    );
    assert_eq!(found.shape.header, ["id", "by_id"]);
    assert_eq!(found.rows[1], "2: ∅|{\"k\":0}");
    let members: Vec<String> = (0..10_500).map(|index| format!("\"k{index}\":{index}")).collect();
    assert!(
        fail("a.jsonl", format!("{{{}}}", members.join(",")), &lines()).contains("more than 10000 different names")
    );
}

#[test]
fn deep_nesting_is_a_fault_and_not_a_crash() {
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let found = read("a.jsonl", format!("{{\"a\":1}}\n{deep}\n{{\"a\":2}}\n"), &Format::Auto, &[]);
    assert_eq!((found.rows.len(), found.rows[0].as_str(), found.rows[2].as_str()), (3, "1: 1", "3: 2"));
}

#[test]
fn other_encodings_and_bad_bytes_are_seen() {
    let text = "{\"城市\":\"广州\"}\r\n{\"城市\":\"上海\"}\r\n";
    let utf_16: Vec<u8> = format!("\u{FEFF}{text}").encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_eq!(read("a.jsonl", utf_16, &Format::Auto, &[]).rows, ["1: 广州", "2: 上海"]);
    let mut bytes = text.repeat(20).into_bytes();
    let at = bytes.len() - 20;
    bytes[at] = 0xFF;
    let found = read("a.jsonl", bytes, &Format::Auto, &[]);
    assert_eq!(found.rows.len(), 40);
    assert!(found.rows[39].starts_with("40: Encoding"), "{}", found.rows[39]);
}

#[test]
fn long_files_are_read_in_parts() {
    let row = |index: usize| format!("{{\"id\":{index},\"text\":\"{}\"}}", "x".repeat(300));
    let text = format!(
        "{{\"meta\":\"{}\",\"rows\":[{}]}}",
        "m".repeat(2_000_000),
        (0..30_000).map(row).collect::<Vec<_>>().join(",")
    );
    let found = read("a.json", text, &Format::Auto, &[]);
    assert_eq!((found.rows.len(), found.cells[29_999][0].as_deref()), (30_000, Some("29999")));
    let text = (0..30_000).map(row).collect::<Vec<_>>().join("\n");
    let found = read("a.json", text, &Format::Auto, &[]);
    assert_eq!((found.count().as_str(), found.cells[29_999][0].as_deref()), ("30000 = 30000 rows", Some("29999")));
}

#[test]
fn a_text_without_an_object_is_an_error() {
    assert!(fail("a.json", "[1,2]", &Format::Auto).contains("none of its records is a JSON object"));
    assert!(fail("a.json", "hello\nworld\n", &Format::Auto).contains("none of its records is a JSON object"));
}
