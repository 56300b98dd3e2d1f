//! Workbooks as other programs write them, made by hand, and damaged ones.

use std::fmt::Write;

use crate::{
    define::project::Format,
    extract::testing::{Found, fail, fail_within, read, zipped},
};

const WORKBOOK: &str = r#"<workbook xmlns:r="r"><workbookPr date1904="1"/><sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>"#;
const RELATIONS: &str = r#"<Relationships>
    <Relationship Id="rId1" Type="http://x/worksheet" Target="/xl/worksheets/sheet1.xml"/>
    <Relationship Id="rId2" Type="http://x/styles" Target="styles.xml"/>
    <Relationship Id="rId3" Type="http://x/sharedStrings" Target="sharedStrings.xml"/></Relationships>"#;
const STYLES: &str = r#"<styleSheet><numFmts><numFmt numFmtId="164" formatCode="[h]:mm"/></numFmts>
    <cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="9"/></cellXfs></styleSheet>"#;
const STRINGS: &str = r#"<sst><si><t>001</t></si><si><r><t>东</t></r><r><t>京</t></r><rPh><t>x</t></rPh></si><si/><si><t xml:space="preserve"> a&#10;b </t></si></sst>"#;

fn book(sheet: &str) -> Vec<u8> {
    zipped(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("xl/workbook.xml", WORKBOOK.as_bytes()),
        ("xl/_rels/workbook.xml.rels", RELATIONS.as_bytes()),
        ("xl/styles.xml", STYLES.as_bytes()),
        ("xl/sharedStrings.xml", STRINGS.as_bytes()),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
    ])
}

fn rows(sheet: &str) -> Found {
    read("a.xlsx", book(sheet), &Format::Auto, &["k", "v"])
}

#[test]
fn every_kind_of_cell_becomes_text() {
    let sheet = r#"<worksheet><dimension ref="A1:ZZ999999"/><sheetData>
        <row r="1"><c r="A1" t="inlineStr"><is><t>k</t></is></c><c r="B1" t="str"><v>v</v></c></row>
        <row r="2"><c r="A2" t="s"><v>0</v></c><c r="B2"><v>1234567890123456789</v></c></row>
        <row r="3"><c r="A3" t="s"><v>1</v></c><c r="B3" s="1"><v>43889</v></c></row>
        <row r="4"><c r="A4" t="s"><v>3</v></c><c r="B4" s="2"><v>1.5</v></c></row>
        <row r="5"><c r="A5" t="b"><v>1</v></c><c r="B5" t="e"><f>NA()</f><v>#SPILL!</v></c></row>
        <row r="6"><c r="A6" t="str"><f>"a"&amp;"b"</f><v>a&amp;b_x000D_</v></c><c r="B6" s="3"><v>0.125</v></c></row>
        <row r="7"><c r="A7" t="d"><v>2024-02-29T00:00:00</v></c><c r="B7" t="s"><v>2</v></c></row>
        <row r="8"><c r="A8" t="n"><v>7</v></c><c r="B8"><f>1+1</f></c></row>
        </sheetData></worksheet>"#;
    let expected = [
        "2: 001|1234567890123456800",
        "3: 东京|2024-02-29",
        "4:  a\nb |36:00:00",
        "5: true|#SPILL!",
        "6: a&b\r|0.125",
        "7: 2024-02-29|∅",
        "8: 7|∅",
    ];
    assert_eq!(rows(sheet).rows, expected);
}

#[test]
fn places_and_namespaces_may_be_left_out_or_added() {
    let sheet = r#"<x:worksheet xmlns:x="y"><x:sheetData><x:row><x:c t="str"><x:v>k</x:v></x:c><x:c t="str"><x:v>v</x:v></x:c></x:row>
        <x:row/><x:row spans="1:2"><x:c/><x:c><x:v>2</x:v></x:c></x:row><!-- <x:row> --></x:sheetData></x:worksheet>"#;
    let found = rows(sheet);
    assert_eq!(found.rows, ["3: ∅|2"]);
    assert_eq!(found.count(), "3 = 1 rows + 1 Header + 1 Blank");
}

#[test]
fn rows_go_on_behind_formulas_and_inline_texts_in_a_namespace() {
    let sheet = r#"<x:worksheet xmlns:x="y"><x:sheetData>
        <x:row><x:c t="inlineStr"><x:is><x:t>k</x:t></x:is></x:c><x:c t="inlineStr"><x:is><x:t>v</x:t></x:is></x:c></x:row>
        <x:row><x:c><x:f>1+1</x:f><x:v>2</x:v></x:c><x:c t="str"><x:f>"a"</x:f><x:v>a</x:v></x:c></x:row>
        </x:sheetData><x:mergeCells><x:mergeCell ref="A2:A3"/></x:mergeCells></x:worksheet>"#;
    assert_eq!(rows(sheet).rows, ["2: 2|a"]);
}

#[test]
fn the_epoch_of_an_extension_is_not_the_workbooks() {
    let workbook =
        WORKBOOK.replace("</workbook>", "<extLst><x15:workbookPr chartTrackingRefBase=\"1\"/></extLst></workbook>");
    let sheet = r#"<worksheet><sheetData><row><c t="str"><v>k</v></c></row><row><c s="1"><v>43889</v></c></row></sheetData></worksheet>"#;
    let bytes = zipped(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("xl/workbook.xml", workbook.as_bytes()),
        ("xl/_rels/workbook.xml.rels", RELATIONS.as_bytes()),
        ("xl/styles.xml", STYLES.as_bytes()),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
    ]);
    assert_eq!(read("a.xlsx", bytes, &Format::Auto, &["k"]).rows, ["2: 2024-02-29"]);
}

#[test]
fn a_sheet_may_have_as_many_columns_as_there_are() {
    let row = |text: &str| {
        let cells: Vec<String> = (0..16_384).map(|column| format!("<c><v>{text}{column}</v></c>")).collect();
        format!("<row>{}</row>", cells.concat())
    };
    let found = rows(&format!("<worksheet><sheetData>{}{}</sheetData></worksheet>", row("9"), row("8")));
    assert_eq!((found.shape.header.len(), found.cells[0].len()), (16_384, 16_384));
    assert_eq!((found.shape.header[16_383].as_str(), found.cells[0][16_383].as_deref()), ("916383", Some("816383")));
    assert_eq!(found.shape.notes, ["sheet `S`"]);
}

#[test]
fn a_long_sheet_is_read_through_a_window() {
    let mut sheet =
        String::from("<worksheet><sheetData><row r=\"1\"><c t=\"str\"><v>k</v></c><c t=\"str\"><v>v</v></c></row>");
    let long = "长".repeat(10_000);
    for row in 2..=60 {
        let _ = write!(
            sheet,
            "<row r=\"{row}\"><c t=\"inlineStr\"><is><t>{row}</t></is></c><c t=\"str\"><v>{long}</v></c></row>"
        );
    }
    sheet.push_str("</sheetData></worksheet>");
    let found = rows(&sheet);
    assert_eq!(found.rows.len(), 59);
    assert!(found.cells.iter().all(|cells| cells[1].as_deref() == Some(long.as_str())));
}

#[test]
fn damaged_sheets_are_errors() {
    let data = |inside: &str| {
        format!(
            "<worksheet><sheetData><row r=\"1\"><c r=\"A1\" t=\"str\"><v>k</v></c></row>{inside}</sheetData></worksheet>"
        )
    };
    for (sheet, expected) in [
        (data("<row r=\"2\"><c r=\"XFE2\"><v>1</v></c></row>"), "no sheet has a cell `XFE2`"),
        (data("<row r=\"2\"><c r=\"A2\" t=\"s\"><v>9</v></c></row>"), "shared text 9 is missing"),
        (data("<row r=\"99999999999\"><c><v>1</v></c></row>"), "a sheet has more than 16777216 rows"),
        (data("<row r=\"2\"><c><v>1</v></c>"), "in the middle"),
        ("<worksheet><sheetData><row r=\"1\"".to_owned(), "in the middle"),
    ] {
        let message = fail("a.xlsx", book(&sheet), &Format::Auto);
        assert!(message.contains(expected), "{message}");
    }
    let message =
        fail("a.docx", zipped(&[("[Content_Types].xml", b"<Types/>"), ("word/document.xml", b"<w/>")]), &Format::Auto);
    assert!(message.starts_with("cannot read `a.docx`: it is a zip archive with no workbook in it"), "{message}");
}

#[test]
fn a_workbook_cut_or_changed_anywhere_gives_rows_or_an_error() {
    use crate::extract::{Hints, Limits, open};
    let whole = book(
        "<worksheet><sheetData><row r=\"1\"><c r=\"A1\" t=\"str\"><v>k</v></c></row><row><c><v>1</v></c></row></sheetData><mergeCells><mergeCell ref=\"A1:A2\"/></mergeCells></worksheet>",
    );
    let drain = |bytes: Vec<u8>| {
        let parts = open(
            &"a.xlsx".into(),
            &bytes::Bytes::from(bytes).into(),
            &Format::Auto,
            &Hints::default(),
            &Limits::default(),
        );
        for mut part in parts.unwrap_or_default() {
            while let Ok(Some(_)) = part.reader.next_batch() {}
        }
    };
    for end in 0..whole.len() {
        drain(whole[..end].to_vec());
        let mut changed = whole.clone();
        changed[end] ^= 0x15;
        drain(changed);
    }
}

/// One row whose cells all share a text, and a row below that is merged over most columns of it.
#[test]
fn a_text_that_a_row_repeats_too_often_is_an_error() {
    let long = "x".repeat(1 << 20);
    let strings = format!("<sst><si><t>k</t></si><si><t>{long}</t></si></sst>");
    let workbook = |sheet: &str| {
        zipped(&[
            ("[Content_Types].xml", b"<Types/>"),
            ("xl/workbook.xml", WORKBOOK.as_bytes()),
            ("xl/_rels/workbook.xml.rels", RELATIONS.as_bytes()),
            ("xl/sharedStrings.xml", strings.as_bytes()),
            ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
        ])
    };
    let row =
        |cells: usize, text: usize| format!("<row>{}</row>", format!("<c t=\"s\"><v>{text}</v></c>").repeat(cells));
    let shared = format!("<worksheet><sheetData>{}{}</sheetData></worksheet>", row(200, 0), row(200, 1));
    let merged = format!(
        "<worksheet><sheetData>{}{}{}</sheetData><mergeCells><mergeCell ref=\"A2:CV9\"/></mergeCells></worksheet>",
        row(300, 0),
        row(1, 1),
        row(1, 0)
    );
    for sheet in [shared, merged] {
        let message = fail_within("a.xlsx", workbook(&sheet), &Format::Auto);
        assert!(message.ends_with("of a sheet has more text than rows have"), "{message}");
    }
}
