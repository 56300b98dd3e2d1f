//! Files that people and programs have spoilt, read as a person would read them.

use crate::{
    define::project::{CsvOptions, Format},
    extract::testing::{Found, fail, read},
};

fn auto(text: &str) -> Found {
    read("a.csv", text.as_bytes().to_vec(), &Format::Auto, &[])
}

fn with(text: &str, options: CsvOptions) -> Found {
    read("a.csv", text.as_bytes().to_vec(), &Format::Csv(options), &[])
}

/// Reads a text without any declaration, and expects header and rows.
fn check(text: &str, header: &str, rows: &[&str]) -> Found {
    let found = auto(text);
    assert_eq!(
        (found.shape.header.join("|").as_str(), &found.rows[..]),
        (header, &rows.iter().map(|row| (*row).to_owned()).collect::<Vec<_>>()[..]),
        "{text}"
    );
    found
}

#[test]
fn many_delimiters_are_found() {
    for delimiter in [",", ";", "\t", "|", "，", "；", "^", "~", "\u{1}", "||", ";;", "\t|\t", "|~|"] {
        let text = "id,客户,amount\n1,甲,2\n2,乙,3\n".replace(',', delimiter);
        let found = check(&text, "id|客户|amount", &["2: 1|甲|2", "3: 2|乙|3"]);
        assert_eq!(found.shape.delimiter.as_deref(), Some(delimiter));
    }
}

#[test]
fn delimiters_of_several_characters_may_be_declared() {
    for delimiter in ["::", "<>", "分", ": ", "ab"] {
        let text = "id,\"x,y\",z\n1,\"a\"\"b,c\",d:e\n".replace(',', delimiter);
        let found = with(&text, CsvOptions { delimiter: Some(delimiter.to_owned()), ..CsvOptions::default() });
        assert_eq!(found.rows, [format!("2: 1|a\"b{delimiter}c|d:e")], "{delimiter}");
    }
}

#[test]
fn backslashes_escape_where_that_fits_better() {
    let found = check(
        "id,name,n\n1,\"a \\\"big\\\" one, really\",2\n2,\"c:\\\\dir\",3\n3,plain,4\n",
        "id|name|n",
        &["2: 1|a \"big\" one, really|2", "3: 2|c:\\dir|3", "4: 3|plain|4"],
    );
    assert_eq!(found.shape.escape, Some('\\'));
    assert_eq!(auto("id,path\n1,\"c:\\dir\"\n2,\"d:\\x\"\n").shape.escape, None);
    check("id,path\n1,\"c:\\\"\n2,\"d:\\x\"\n", "id|path", &["2: 1|c:\\", "3: 2|d:\\x"]);
    let options = CsvOptions { escape: Some('\\'), ..CsvOptions::default() };
    assert_eq!(with("id,path\n1,a\\,b\n", options).rows, ["2: 1|a,b"]);
}

#[test]
fn single_quotes_are_found() {
    let found = check("'id','name'\n'1','a,b'\n'2','it''s'\n", "id|name", &["2: 1|a,b", "3: 2|it's"]);
    assert_eq!(found.shape.quote, Some('\''));
    let found = check(
        "id,name\n1,O'Neill\n2,'tis\n3,rock 'n' roll\n",
        "id|name",
        &["2: 1|O'Neill", "3: 2|'tis", "4: 3|rock 'n' roll"],
    );
    assert_eq!(found.shape.quote, Some('"'));
}

#[test]
fn quotes_that_never_quote_are_letters() {
    let rows: Vec<String> = (0..20).map(|row| format!("{row}\t\"Foo {row}\" pump\t5\n")).collect();
    let found = auto(&format!("id\tname\tn\n{}", rows.concat()));
    assert_eq!((found.shape.quote, found.rows[3].as_str()), (None, "5: 3|\"Foo 3\" pump|5"));
}

#[test]
fn rows_that_are_quoted_as_a_whole_are_cut() {
    check("\"id,name,n\"\n\"1,\"\"a, b\"\",2\"\n\"2,c,3\"\n", "id|name|n", &["2: 1|a, b|2", "3: 2|c|3"]);
    check("id,name,n\n\"1,\"\"a, b\"\",2\"\n2,c,3\n3,d,4\n", "id|name|n", &["2: 1|a, b|2", "3: 2|c|3", "4: 3|d|4"]);
}

#[test]
fn joined_files_have_marks_and_headers_in_the_middle() {
    let found = check(
        "\u{FEFF}id,name\n1,a\n\u{FEFF}id,name\n2,b\n\u{FEFF}\"3\",\"c\"\n",
        "id|name",
        &["2: 1|a", "4: 2|b", "5: 3|c"],
    );
    assert_eq!(found.count(), "5 = 3 rows + 1 Header + 1 RepeatedHeader");
}

#[test]
fn of_several_tables_the_one_of_the_contract_is_read() {
    let text = concat!(
        "汇总\n区域,台数\n华东,5\n华南,6\n\n",
        "明细\n订单号,客户,台数\nA1,甲,2\nA2,乙,3\nA3,丙,6\n合计,,11\n\n",
        "说明\n编码,含义\n1,整机\n",
    );
    let found = read("a.csv", text, &Format::Auto, &["订单号", "客户!", "台数"]);
    assert_eq!(found.rows, ["8: A1|甲|2", "9: A2|乙|3", "10: A3|丙|6"]);
    assert_eq!(found.count(), "15 = 3 rows + 1 Title + 1 Header + 2 Blank + 1 Footer + 7 OtherTable");
    assert_eq!(found.shape.header_line, 7);
    assert_eq!(found.shape.notes, ["it holds 3 tables; left unread: line 2 (`区域, 台数`), line 14 (`编码, 含义`)"]);
    let found = read("a.csv", text, &Format::Auto, &["编码", "含义"]);
    assert_eq!(found.rows, ["15: 1|整机"]);
    // Without a contract the largest.
    assert_eq!(auto(text).shape.header, ["订单号", "客户", "台数"]);
}

#[test]
fn a_blank_line_alone_begins_no_table() {
    check("id,name,n\n1,a,2\n\n2,b,3\n\n\n3,c,4\n", "id|name|n", &["2: 1|a|2", "4: 2|b|3", "7: 3|c|4"]);
    check("姓名,城市\n张三,北京\n\n李四,上海\n", "姓名|城市", &["2: 张三|北京", "4: 李四|上海"]);
}

#[test]
fn columns_without_a_header_are_numbered() {
    let options = CsvOptions { no_header: true, ..CsvOptions::default() };
    let found = with("1;a;2\n2;b;3\n3;c\n", options.clone());
    assert_eq!(found.shape.header, ["column_1", "column_2", "column_3"]);
    assert_eq!(
        (found.shape.header_line, found.rows),
        (0, vec!["1: 1|a|2".into(), "2: 2|b|3".into(), "3: Shape(2, 3) 3;c".into()])
    );
    assert_eq!(with("", options).count(), "0 = 0 rows");
}

#[test]
fn an_announced_delimiter_is_taken() {
    let found = check("sep=;\nid;n\n1;2,5\n", "id|n", &["3: 1|2,5"]);
    assert_eq!(found.count(), "3 = 1 rows + 1 Title + 1 Header");
}

#[test]
fn line_ends_of_all_kinds_may_be_mixed() {
    check("id,n\r1,2\r2,3", "id|n", &["2: 1|2", "3: 2|3"]);
    check("id,n\r\n1,2\n2,3\r3,\"4\r5\"\r\n", "id|n", &["2: 1|2", "3: 2|3", "4: 3|4\r5"]);
}

#[test]
fn zero_bytes_are_kept_in_their_row() {
    check("id,n\n1,a\0b\n\0\0\0\n2,c\n", "id|n", &["2: 1|a\0b", "4: 2|c"]);
}

#[test]
fn preambles_and_comments_are_left_out() {
    let found = check(
        "# exported 2024-01-31\n# by x\nid,name,n\n1,a,2\n# page 2\n2,b,3\n",
        "id|name|n",
        &["4: 1|a|2", "6: 2|b|3"],
    );
    assert_eq!(found.count(), "6 = 2 rows + 2 Title + 1 Header + 1 Comment");
}

#[test]
fn wide_rows_and_very_many_columns_are_read() {
    let header = (0..5_000).map(|column| format!("c{column}")).collect::<Vec<_>>().join(",");
    let row = (0..5_000).map(|column| column.to_string()).collect::<Vec<_>>().join(",");
    let found = auto(&format!("{header}\n{row}\n{row}\n"));
    assert_eq!((found.shape.header.len(), found.cells[1][4_999].as_deref()), (5_000, Some("4999")));
}

#[test]
fn undecodable_bytes_in_a_comment_cost_no_row() {
    let options = CsvOptions { comment: Some('#'), ..CsvOptions::default() };
    let bytes = b"id,n\n1,2\n# \xFF\n2,3\n3,\"4\"\n".to_vec();
    let found = read("a.csv", bytes, &Format::Csv(options), &[]);
    assert_eq!(found.rows, ["2: 1|2", "4: 2|3", "5: 3|4"]);
}

#[test]
fn the_first_record_of_a_file_without_a_header_is_read() {
    let text = "D1,2024-01-05,2.50\nD2,2024-01-06,3.00\n";
    let found = check(text, "column_1|column_2|column_3", &["1: D1|2024-01-05|2.50", "2: D2|2024-01-06|3.00"]);
    assert_eq!((found.shape.header_line, found.count().as_str()), (0, "2 = 2 rows"));
    let found = check(
        &format!("Sales\n\n{text}"),
        "column_1|column_2|column_3",
        &["3: D1|2024-01-05|2.50", "4: D2|2024-01-06|3.00"],
    );
    assert_eq!(found.count(), "4 = 2 rows + 1 Title + 1 Blank");
    // A name of the contract makes it a header whatever stands below it.
    let found = read("a.csv", text, &Format::Auto, &["D1"]);
    assert_eq!((found.shape.header_line, found.rows.len()), (1, 1));
}

#[test]
fn a_file_of_zeros_is_an_error_and_a_blank_one_is_not() {
    let format = Format::Csv(CsvOptions::default());
    assert_eq!(
        fail("a.csv", vec![0; 3 << 20], &format),
        "cannot read `a.csv`: it holds nothing but zero bytes; ask for the file again"
    );
    assert_eq!(auto(" \n\n").count(), "2 = 0 rows + 2 Blank");
}

#[test]
fn a_short_labelled_row_is_a_note_only_below_the_records() {
    let found = check(
        "id,name,n,m\n1,a,2,3\nsum:3,x\n2,b,3,4\npages:1,of 2\n",
        "id|name|n|m",
        &["2: 1|a|2|3", "3: Shape(2, 4) sum:3,x", "4: 2|b|3|4"],
    );
    assert_eq!(found.count(), "5 = 3 rows + 1 Header + 1 Footer");
}

#[test]
fn a_hostile_file_of_quotes_ends_soon() {
    for text in ["\"".repeat(300_000), "\"\n".repeat(100_000), "a,\"\n".repeat(50_000), "\",\"\n".repeat(50_000)] {
        let found = auto(&format!("id,n\n1,2\n{text}"));
        assert!(found.lines.is_balanced());
    }
}
