//! What the CSV reader promises, by example and by random tables.

mod blocks;
mod dirty;
mod encodings;
mod oracle;

use proptest::prelude::*;

use crate::{
    define::project::{CsvOptions, Format},
    extract::testing::{Found, fail, read},
    record::DecimalMark,
};

const NAMES: [&str; 5] = ["经销商编码!", "订单号!", "客户名称", "数量", "金额"];
const HEADER: &str = "经销商编码,订单号,客户名称,数量,金额\n";

fn csv(text: &str) -> Found {
    read("a.csv", text.as_bytes().to_vec(), &Format::Auto, &NAMES)
}

fn below_header(text: &str) -> Found {
    csv(&format!("{HEADER}{text}"))
}

#[test]
fn titles_totals_and_notes_are_no_records() {
    let found = csv(concat!(
        "2024年1月销售报表\n",
        "\n",
        "单位：,元,,,\n",
        "经销商编码,订单号,客户名称,数量,金额\n",
        "D1,1,合计,1,10\n",
        "小计,,,1,10\n",
        "D1,2,甲,2,20\n",
        ",,,,\n",
        "经销商编码,订单号,客户名称,数量,金额\n",
        "合计,3,合计,3,30\n",
        "合 计：,,,6,60\n",
        "制表人：张三,,,审核：李四,\n",
        "共 3 条\n",
        "\n",
    ));
    assert_eq!(found.rows, ["5: D1|1|合计|1|10", "7: D1|2|甲|2|20", "10: 合计|3|合计|3|30"]);
    assert_eq!(found.count(), "14 = 3 rows + 2 Title + 1 Header + 3 Blank + 4 Footer + 1 RepeatedHeader");
    assert_eq!(found.shape.header_line, 4);
    assert_eq!(found.shape.notes, ["skipped 3 lines above the header"]);
}

#[test]
fn a_single_cell_above_further_records_is_a_fault() {
    let found = below_header("D1,1,a,1,1\n本页\nD1,2,b,1,1\n");
    assert_eq!(found.rows, ["2: D1|1|a|1|1", "3: Shape(1, 5) 本页", "4: D1|2|b|1|1"]);
}

#[test]
fn a_row_without_most_of_its_keys_is_a_footer_only_at_the_end() {
    let found = below_header("D1,1,a,1,1\n,,,1,5\nD1,2,b,1,1\n,,,2,6\n");
    assert_eq!(found.rows, ["2: D1|1|a|1|1", "3: |||1|5", "4: D1|2|b|1|1"]);
    assert_eq!(found.count(), "5 = 3 rows + 1 Header + 1 Footer");
}

#[test]
fn a_last_row_that_misses_one_key_stays_a_record() {
    let found = below_header("D1,1,a,1,1\nD1,,a,,\n");
    assert_eq!(found.rows, ["2: D1|1|a|1|1", "3: D1||a||"]);
}

#[test]
fn empty_cells_that_most_rows_end_in_are_no_fault() {
    let found = below_header("D1,1,a,1,1,\nD1,2,b,1,1,\nD1,3,c,1,1,\n");
    assert_eq!(found.rows, ["2: D1|1|a|1|1", "3: D1|2|b|1|1", "4: D1|3|c|1|1"]);
}

#[test]
fn rows_of_another_width_are_faults() {
    let found = below_header("D1,1,a,1,1,,\nD1,1,a,1\nD1,1,a,b,1,1\nD1,1,a,1,1\n");
    assert_eq!(
        found.rows,
        ["2: Shape(7, 5) D1,1,a,1,1,,", "3: Shape(4, 5) D1,1,a,1", "4: Shape(6, 5) D1,1,a,b,1,1", "5: D1|1|a|1|1"]
    );
}

#[test]
fn a_half_written_last_line_is_truncated() {
    assert_eq!(below_header("D1,1,a,1,1\nD1,2,").rows[1], "3: Truncated D1,2,");
    assert_eq!(below_header("D1,1,a,1,1\nD").rows[1], "3: Truncated D");
    assert_eq!(below_header("D1,1,a,1,1\nD1,2,\"a").rows[1], "3: Truncated D1,2,\"a");
    assert_eq!(below_header("D1,1,a,1,1\nD1,2,b,1,1").rows[1], "3: D1|2|b|1|1");
    assert_eq!(below_header("D1,1,a,1,1\n制表人：张三").count(), "3 = 1 rows + 1 Header + 1 Footer");
    let text = format!("{HEADER}D1,1,广州,1,1\nD1,2,上");
    let found = read("a.csv", text.as_bytes()[..text.len() - 1].to_vec(), &Format::Auto, &NAMES);
    assert_eq!(found.rows[1], "3: Truncated D1,2,\u{FFFD}");
}

#[test]
fn quoted_cells_may_hold_line_ends() {
    let found = below_header("D1,1,\"a\r\nb\"\"c\",1,1\r\nD1,2,x,1,1\r\n");
    assert_eq!(found.rows, ["2: D1|1|a\r\nb\"c|1|1", "4: D1|2|x|1|1"]);
    assert_eq!(found.raw[0], "D1,1,\"a\r\nb\"\"c\",1,1");
    assert_eq!(found.count(), "4 = 2 rows + 1 Header + 1 Continuation");
}

#[test]
fn a_stray_quote_costs_one_line() {
    let found = below_header("D1,1,\"a,1,1\nD1,2,b,1,1\nD1,3,\"c,d\",1,1\nD1,4,\"e,1,1\nD1,5,f,1,1\n");
    assert_eq!(
        found.rows,
        ["2: Quote D1,1,\"a,1,1", "3: D1|2|b|1|1", "4: D1|3|c,d|1|1", "5: Quote D1,4,\"e,1,1", "6: D1|5|f|1|1"]
    );
}

#[test]
fn a_stray_quote_that_another_one_closes_does_not_join_rows() {
    let found = below_header("D1,1,\"a,1,1\nD1,2,b,1,1\"\nD1,3,c,1,1\n");
    assert_eq!(found.rows, ["2: Quote D1,1,\"a,1,1", "3: D1|2|b|1|1\"", "4: D1|3|c|1|1"]);
}

#[test]
fn undecodable_bytes_cost_their_row() {
    let mut bytes = format!("{HEADER}D1,1,广州机械,1,1\nD1,2,X上海建筑,1,1\nD1,3,北京,1,1\n").into_bytes();
    let at = bytes.iter().position(|byte| *byte == b'X').unwrap_or_default();
    bytes[at] = 0xFF;
    let found = read("a.csv", bytes, &Format::Auto, &NAMES);
    assert_eq!(found.rows, ["2: D1|1|广州机械|1|1", "3: Encoding D1,2,\u{FFFD}上海建筑,1,1", "4: D1|3|北京|1|1"]);
}

#[test]
fn gb18030_with_a_bad_byte_costs_that_row_only() {
    let (gb, ..) = encoding_rs::GB18030
        .encode("经销商编码,订单号,客户名称,数量,金额\nD1,1,广州机械有限公司,1,1\nD1,2,X,1,1\nD1,3,上海建筑,1,1\n");
    let mut bytes = gb.into_owned();
    let at = bytes.iter().position(|byte| *byte == b'X').unwrap_or_default();
    bytes[at] = 0xFF;
    let found = read("a.csv", bytes, &Format::Auto, &NAMES);
    assert_eq!(found.shape.encoding.as_deref(), Some("gb18030"));
    assert_eq!(found.rows, ["2: D1|1|广州机械有限公司|1|1", "3: Encoding D1,2,\u{FFFD},1,1", "4: D1|3|上海建筑|1|1"]);
}

#[test]
fn comments_are_counted_when_declared_or_seen_above_the_header() {
    let options = CsvOptions { comment: Some('#'), ..CsvOptions::default() };
    let text = "# made by x\n经销商编码,订单号\n# half\nD1,1\n";
    let found = read("a.csv", text, &Format::Csv(options), &NAMES);
    assert_eq!(found.count(), "4 = 1 rows + 1 Header + 2 Comment");
    let found = read("a.csv", text, &Format::Auto, &NAMES);
    assert_eq!(found.count(), "4 = 1 rows + 1 Title + 1 Header + 1 Comment");
    // What fits the header is a record, whatever it begins with; without a remark above the header nothing is one.
    let found = read("a.csv", format!("{text}#2,x\n"), &Format::Auto, &NAMES);
    assert_eq!(found.rows, ["4: D1|1", "5: #2|x"]);
    let found = read("a.csv", "经销商编码,订单号\n# half\nD1,1\n", &Format::Auto, &NAMES);
    assert_eq!(found.rows, ["2: Shape(1, 2) # half", "3: D1|1"]);
}

#[test]
fn overseas_files_have_semicolons_and_decimal_commas() {
    let found = read("a.csv", "Dealer;Order;Amount\nD1;1;1.234,50\nD1;2;7,5\n", &Format::Auto, &["dealer", "amount"]);
    assert_eq!((found.shape.delimiter.as_deref(), found.shape.decimal_mark), (Some(";"), DecimalMark::Comma));
    assert_eq!(found.rows, ["2: D1|1|1.234,50", "3: D1|2|7,5"]);
    assert!((found.shape.confidence - 1.0).abs() < 1e-9);
}

#[test]
fn what_is_declared_is_not_guessed() {
    let options = CsvOptions {
        delimiter: Some("~".to_owned()),
        quote: Some('\''),
        header_row: Some(3),
        decimal_mark: Some(DecimalMark::Comma),
        ..CsvOptions::default()
    };
    let found = read("a.txt", "\"x\na~b\nk~v\n1~'2~3'\n", &Format::Csv(options.clone()), &["a", "b"]);
    assert_eq!((found.shape.header, found.rows), (vec!["k".to_owned(), "v".to_owned()], vec!["4: 1|2~3".to_owned()]));
    assert_eq!(
        fail("a.txt", "a~b\n", &Format::Csv(options)),
        "cannot read `a.txt`: no row begins on line 3, where the header should be; correct `header_row` in the source's contract, or remove it"
    );
}

#[test]
fn empty_files_and_lone_headers_have_no_rows() {
    assert_eq!((csv("").count(), csv("").shape.header), ("0 = 0 rows".to_owned(), Vec::new()));
    assert_eq!(csv("\u{FEFF}").count(), "0 = 0 rows");
    assert_eq!(csv("\n\r\n \n").count(), "3 = 0 rows + 3 Blank");
    assert_eq!(csv(HEADER).count(), "1 = 0 rows + 1 Header");
    assert_eq!(csv(HEADER.trim_end()).shape.header.len(), 5);
}

#[test]
fn a_header_may_span_lines_and_end_in_unnamed_columns() {
    let found = read("a.csv", "订单号,\"金额\n(元)\",备注,,\n1,2,x,,\n1,2,x\n1,2,x,,y\n", &Format::Auto, &["订单号"]);
    assert_eq!(found.shape.header, ["订单号", "金额\n(元)", "备注"]);
    assert_eq!(found.rows, ["3: 1|2|x", "4: 1|2|x", "5: 1|2|x"]);
    assert_eq!(found.count(), "5 = 3 rows + 2 Header");
}

#[test]
fn batches_are_bounded_and_in_order() {
    let body = (0..20_000).map(|row| format!("D1,{row},x,1,1\n")).collect::<Vec<_>>().concat();
    let found = below_header(&body);
    assert_eq!((found.rows.len(), found.rows[19_999].as_str()), (20_000, "20001: D1|19999|x|1|1"));
}

/// A table's text in a dialect, cells quoted where they must be.
fn written(rows: &[Vec<String>], delimiter: char, line_end: &str, ends: bool) -> String {
    let cell = |text: &String| {
        let must = text.contains([delimiter, '"', '\n', '\r']) || text.starts_with([' ', '\t']);
        if must { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.clone() }
    };
    let lines: Vec<String> =
        rows.iter().map(|row| row.iter().map(cell).collect::<Vec<_>>().join(&delimiter.to_string())).collect();
    lines.join(line_end) + if ends { line_end } else { "" }
}

fn tables() -> impl Strategy<Value = Vec<Vec<String>>> {
    (2_usize..6).prop_flat_map(|width| {
        let cell = "[a-z0-9 ,;|\t\"\r\n.中文，\u{0}]{0,8}";
        // The first cell is filled, so that no row is blank, a note or a total.
        let row = ("[a-z]{3}[0-9]", prop::collection::vec(cell, width - 1));
        prop::collection::vec(row.prop_map(|(first, rest)| [vec![first], rest].concat()), 0..30)
    })
}

proptest! {
    #[test]
    fn what_was_written_is_read(
        table in tables(),
        delimiter in prop::sample::select(vec![',', ';', '\t', '|']),
        line_end in prop::sample::select(vec!["\n", "\r\n", "\r"]),
        ends in any::<bool>(),
        declared in any::<bool>(),
    ) {
        let width = table.first().map_or(2, Vec::len);
        let header: Vec<String> = (0..width).map(|column| format!("column {column}")).collect();
        let names: Vec<String> = header.iter().enumerate().map(|(index, name)| if index == 0 { format!("{name}!") } else { name.clone() }).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let all = [vec![header.clone()], table.clone()].concat();
        let options = CsvOptions { delimiter: declared.then(|| delimiter.to_string()), ..CsvOptions::default() };
        let found = read("a.csv", written(&all, delimiter, line_end, ends), &Format::Csv(options), &names);
        prop_assert_eq!(&found.shape.header, &header);
        prop_assert_eq!(found.shape.delimiter, Some(delimiter.to_string()));
        let expected: Vec<Vec<Option<String>>> = table.into_iter().map(|row| row.into_iter().map(Some).collect()).collect();
        prop_assert_eq!(found.cells, expected);
    }

    #[test]
    fn every_line_of_any_text_is_counted(text in "[ab,;\"\r\n合计总D1 :#]{1,300}", tail in prop::collection::vec(any::<u8>(), 0..40)) {
        let physical = |text: &str| {
            let ends = text.replace("\r\n", "\n").matches(['\n', '\r']).count();
            ends as u64 + u64::from(!text.is_empty() && !text.ends_with(['\n', '\r']))
        };
        prop_assert_eq!(csv(&text).lines.lines, physical(&text));
        let bytes = [text.as_bytes(), &tail].concat();
        let options = CsvOptions { encoding: Some("windows-1252".to_owned()), ..CsvOptions::default() };
        let _ = read("a.csv", bytes, &Format::Csv(options), &NAMES);
    }
}
