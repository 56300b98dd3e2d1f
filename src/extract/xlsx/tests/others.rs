//! The other kinds of workbooks: .xls and .xlsb from files that Python's `xlwt` and `pyxlsbwriter` wrote, .ods, XML and
//! HTML made by hand.

use crate::{
    define::project::Format,
    extract::testing::{fail, fail_within, read, zipped},
};

const NAMES: [&str; 3] = ["单号!", "日期", "金额"];

#[test]
fn xls_is_read_in_both_epochs_with_merged_cells() {
    for bytes in [
        &include_bytes!("../../../../tests/files/sales_1900.xls")[..],
        include_bytes!("../../../../tests/files/sales_1904.xls"),
    ] {
        let found = read("a.xls", bytes.to_vec(), &Format::Auto, &NAMES);
        assert_eq!(found.shape.header, ["门店", "单号", "日期", "金额", "备注"]);
        let expected = [
            "3: 广州|0001|2024-02-29|12.5|true",
            "4: 广州|0002|2024-02-29 07:12:00|2|36:00:00",
            "6: 深圳|0003|1999-12-31|-1234567890|∅",
        ];
        assert_eq!(found.rows, expected);
        assert_eq!(found.shape.notes[0], "sheet `明细`");
        assert_eq!(found.count(), "6 = 3 rows + 1 Title + 1 Header + 1 Blank");
    }
}

#[test]
fn an_xls_says_by_its_own_formats_what_is_a_date() {
    let mut bytes = include_bytes!("../../../../tests/files/sales_1900.xls").to_vec();
    // Dates get the format 60 and numbers 50, which calamine takes for a number's and a date's, whatever they say.
    for (before, after) in [
        ([0x1E, 0x04, 0x0F, 0, 165, 0], [0x1E, 0x04, 0x0F, 0, 60, 0]),
        ([8, 0, 165, 0, 1, 0], [8, 0, 60, 0, 1, 0]),
        ([0x1E, 0x04, 0x0C, 0, 164, 0], [0x1E, 0x04, 0x0C, 0, 50, 0]),
        ([7, 0, 164, 0, 1, 0], [7, 0, 50, 0, 1, 0]),
    ] {
        let place = memchr::memmem::find(&bytes, &before).unwrap_or(usize::MAX);
        bytes[place..place + before.len()].copy_from_slice(&after);
    }
    let expected = [
        "3: 广州|0001|2024-02-29|12.5|true",
        "4: 广州|0002|2024-02-29 07:12:00|2|36:00:00",
        "6: 深圳|0003|1999-12-31|-1234567890|∅",
    ];
    assert_eq!(read("a.xls", bytes, &Format::Auto, &NAMES).rows, expected);
}

#[test]
fn an_encrypted_xls_says_so() {
    let mut bytes = include_bytes!("../../../../tests/files/sales_1900.xls").to_vec();
    // The record of the code page becomes one that says how the others are encrypted.
    let place = memchr::memmem::find(&bytes, &[0x42, 0, 2, 0, 0xB0, 4]).unwrap_or(usize::MAX);
    bytes[place] = 0x2F;
    let expected = "cannot read `a.xls`: the workbook is protected by a password; save it without one";
    assert_eq!(fail("a.xls", bytes, &Format::Auto), expected);
}

#[test]
fn a_stray_quote_in_a_page_is_a_letter() {
    let page = "<html><table><tr><th>k<th>v</tr><tr><td width=\"10\"\">1<td>a</tr><tr><td>2<td title='x>y'>b</tr></table></html>";
    assert_eq!(read("a.xls", page, &Format::Auto, &["k", "v"]).rows, ["2: 1|a", "3: 2|b"]);
}

#[test]
fn xlsb_is_read() {
    let bytes = include_bytes!("../../../../tests/files/sales.xlsb").to_vec();
    let found = read("a.xlsb", bytes, &Format::Auto, &NAMES);
    assert_eq!(found.rows, ["2: 0001|2024-02-29|12.5|true", "3: 0002|2024-02-29 07:12:00|-1234567890|∅"]);
    assert_eq!(found.shape.notes[0], "sheet `明细`");
}

const ODS: &str = r#"<office:document-content><office:automatic-styles>
    <style:style style:name="ta2" style:family="table"><style:table-properties table:display="false"/></style:style></office:automatic-styles>
    <office:body><office:spreadsheet>
    <table:table table:name="隐藏" table:style-name="ta2"><table:table-row><table:table-cell office:value-type="string"><text:p>单号</text:p></table:table-cell></table:table-row></table:table>
    <table:table table:name="明细"><table:table-column table:number-columns-repeated="3"/>
    <table:table-header-rows><table:table-row><table:table-cell office:value-type="string"><text:p>单号</text:p></table:table-cell>
      <table:table-cell><text:p>日期</text:p></table:table-cell><table:table-cell><text:p>金额</text:p></table:table-cell></table:table-row></table:table-header-rows>
    <table:table-row><table:table-cell table:number-rows-spanned="2" office:value-type="string"><office:annotation><text:p>note</text:p></office:annotation><text:p>0<text:s text:c="2"/>1</text:p><text:p>b</text:p></table:table-cell>
      <table:table-cell office:value-type="date" office:date-value="2024-02-29T10:00:00"><text:p>29.02.24</text:p></table:table-cell>
      <table:table-cell office:value-type="float" office:value="12.50"><text:p>13</text:p></table:table-cell></table:table-row>
    <table:table-row><table:covered-table-cell/><table:table-cell office:value-type="time" office:time-value="PT36H00M00S"/>
      <table:table-cell office:value-type="boolean" office:boolean-value="true"/></table:table-row>
    <table:table-row table:number-rows-repeated="4"><table:table-cell table:number-columns-repeated="1024"/></table:table-row>
    <table:table-row table:number-rows-repeated="2"><table:table-cell table:number-columns-repeated="2"><text:p>x</text:p></table:table-cell></table:table-row>
    <table:table-row table:number-rows-repeated="1048570"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>
    </table:table></office:spreadsheet></office:body></office:document-content>"#;

#[test]
fn ods_is_read_with_repeated_rows_and_spans() {
    let bytes =
        zipped(&[("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"), ("content.xml", ODS.as_bytes())]);
    let found = read("a.ods", bytes, &Format::Auto, &NAMES);
    let expected = ["2: 0  1\nb|2024-02-29 10:00:00|12.5", "3: 0  1\nb|36:00:00|true", "8: x|x|∅", "9: x|x|∅"];
    assert_eq!(found.rows, expected);
    assert_eq!(found.count(), "9 = 4 rows + 1 Header + 4 Blank");
    assert_eq!(found.shape.notes[0], "sheet `明细`");
    let manifest = b"<manifest><encryption-data/></manifest>";
    let locked = zipped(&[("mimetype", b"x"), ("META-INF/manifest.xml", manifest), ("content.xml", b"")]);
    assert!(fail("a.ods", locked, &Format::Auto).contains("protected by a password"));
}

#[test]
fn xml_spreadsheets_named_xls_are_read() {
    let page = r#"<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?>
      <Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet">
      <Worksheet ss:Name="S1"><Table ss:ExpandedRowCount="99"><Row><Cell><Data ss:Type="String">单号</Data></Cell><Cell ss:Index="3"><Data ss:Type="String">金额</Data></Cell></Row>
      <Row ss:Index="3"><Cell ss:MergeDown="1"><Data ss:Type="String">0001</Data><Comment><Data>no</Data></Comment></Cell><Cell><Data ss:Type="DateTime">2024-02-29T00:00:00.000</Data></Cell><Cell><Data ss:Type="Number">1.5E1</Data></Cell></Row>
      <Row><Cell><Data ss:Type="Boolean">1</Data></Cell><Cell><Data ss:Type="Error">#N/A</Data></Cell></Row></Table></Worksheet></Workbook>"#;
    let found = read("a.xls", page, &Format::Auto, &NAMES);
    assert_eq!(found.shape.header, ["单号", "", "金额"]);
    assert_eq!(found.rows, ["3: 0001|2024-02-29|15", "4: 0001|true|#N/A"]);
    assert_eq!(found.count(), "4 = 2 rows + 1 Header + 1 Blank");
}

#[test]
fn html_tables_named_xls_are_read() {
    let page = "<html><head><meta charset=\"gb2312\"><style>td { a: '<' }</style></head><body><table><tr><td>查询结果</table>\
        <TABLE border=1><caption>x</caption><thead><tr><th>单号<th>日期</th><th colspan=2>金额</th></tr></thead>\
        <tr><td rowspan=2>0001</td><td>2024<br>02</td><td> 1,5&nbsp;\n </td><td>x</td></tr>\
        <tr><td>&lt;b&gt;<td><b>2</b></tr></table></body></html>";
    let (bytes, _, _) = encoding_rs::GB18030.encode(page);
    let found = read("a.xls", bytes.into_owned(), &Format::Auto, &NAMES);
    assert_eq!(found.shape.header, ["单号", "日期", "金额"]);
    assert_eq!(found.rows, ["2: 0001|2024\n02|1,5", "3: 0001|<b>|2"]);
    let message = fail("a.xls", "<html><body>please log in</body></html>", &Format::Auto);
    assert!(message.starts_with("cannot read `a.xls`: it is an HTML page without a table"), "{message}");
}

#[test]
fn rows_that_an_ods_repeats_beyond_measure_are_an_error() {
    let row = |row: &str, cell: &str, text: &str| {
        format!("<t:table-row {row}><t:table-cell {cell}><x:p>{text}</x:p></t:table-cell></t:table-row>")
    };
    let document = |header: &str, records: &str| {
        let rows = row(header, "t:number-columns-repeated=\"2\"", "k") + records;
        let text = format!("<o:document-content><t:table t:name=\"S\">{rows}</t:table></o:document-content>");
        zipped(&[("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"), ("content.xml", text.as_bytes())])
    };
    let few = row("t:number-rows-repeated=\"3000\"", "", "x");
    assert_eq!(read("a.ods", document("", &few), &Format::Auto, &[]).rows.len(), 3_000);
    let many = row("t:number-rows-repeated=\"1000000\"", "t:number-columns-repeated=\"16384\"", "x");
    let message = fail_within("a.ods", document("", &many), &Format::Auto);
    assert!(message.ends_with("its repeated rows hold more cells than its size explains"), "{message}");
}

#[test]
fn a_header_that_spans_more_rows_than_there_are_is_one_row() {
    let cell = |span: u64, text: &str| {
        format!(
            "<t:table-row><t:table-cell t:number-rows-spanned=\"{span}\"><x:p>{text}</x:p></t:table-cell></t:table-row>"
        )
    };
    let text =
        format!("<o:document-content><t:table>{}{}</t:table></o:document-content>", cell(u64::MAX, "k"), cell(1, "x"));
    let bytes =
        zipped(&[("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"), ("content.xml", text.as_bytes())]);
    assert_eq!(read("a.ods", bytes, &Format::Auto, &[]).rows, ["2: x"]);
}

#[test]
fn a_workbook_of_thousands_of_sheets_is_an_error() {
    let sheet = "<Worksheet ss:Name=\"S\"><Table/></Worksheet>".repeat(5_000);
    let book = format!("<Workbook xmlns=\"urn:schemas-microsoft-com:office:spreadsheet\">{sheet}</Workbook>");
    let message = fail("a.xls", book, &Format::Auto);
    assert!(message.contains("it has more than 4096 sheets"), "{message}");
}

#[test]
fn tables_that_lie_in_each_other_without_end_are_read() {
    let page =
        format!("<html><table><tr><td>k<td>v<tr><td>1<td>{}2", "<table><td rowspan=9 colspan=99999>".repeat(20_000));
    assert_eq!(read("a.xls", page, &Format::Auto, &["k", "v"]).rows, ["2: 1|∅"]);
}
