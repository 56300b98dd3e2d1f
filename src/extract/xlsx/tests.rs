//! What the workbook reader promises, on workbooks written by another library.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use rust_xlsxwriter::{ExcelDateTime, Format as CellFormat, Workbook, Worksheet};

use crate::{
    define::project::{Format, XlsxOptions},
    extract::testing::{fail, read},
};

const NAMES: [&str; 4] = ["问卷编号!", "品牌!", "得分", "日期"];

fn saved(fill: impl FnOnce(&mut Workbook)) -> Vec<u8> {
    let mut book = Workbook::new();
    fill(&mut book);
    book.save_to_buffer().unwrap()
}

fn write(sheet: &mut Worksheet, first_row: u32, rows: &[&[&str]]) {
    for (row, cells) in (first_row..).zip(rows) {
        for (column, cell) in (0..).zip(*cells) {
            if !cell.is_empty() {
                sheet.write_string(row, column, *cell).unwrap();
            }
        }
    }
}

#[test]
fn a_survey_with_titles_and_totals_is_read() {
    let bytes = saved(|book| {
        write(book.add_worksheet().set_name("说明").unwrap(), 0, &[&["填写说明"], &["请勿修改"]]);
        let sheet = book.add_worksheet().set_name("满意度2024").unwrap();
        write(sheet, 1, &[&["2024年满意度调查"], &[], &["问卷编号", "品牌", "得分", "日期"], &["S1", "合计"]]);
        let day = CellFormat::new().set_num_format("yyyy/m/d");
        sheet.write_number(4, 2, 9.0).unwrap();
        sheet.write_datetime_with_format(4, 3, ExcelDateTime::from_ymd(2024, 2, 29).unwrap(), &day).unwrap();
        write(sheet, 6, &[&["S2", "乙"], &["合计"], &["制表人：张三"]]);
        sheet.write_number(6, 2, 7.5).unwrap();
        sheet.write_boolean(6, 3, true).unwrap();
        sheet.write_number(7, 2, 16.5).unwrap();
    });
    let found = read("survey.xlsx", bytes, &Format::Auto, &NAMES);
    assert_eq!(found.rows, ["5: S1|合计|9|2024-02-29", "7: S2|乙|7.5|true"]);
    assert_eq!(found.count(), "9 = 2 rows + 1 Title + 1 Header + 3 Blank + 2 Footer");
    assert_eq!(found.shape.notes, ["sheet `满意度2024`", "left unread: 说明", "skipped 3 rows above the header"]);
    assert_eq!(found.raw[0], "S1\t合计\t9\t2024-02-29");
}

#[test]
fn cells_may_be_missing_and_the_table_may_stand_anywhere() {
    let bytes = saved(|book| {
        let sheet = book.add_worksheet();
        for (row, column, text) in [(2, 3, "a"), (2, 4, "b"), (3, 4, "1"), (4, 3, "2"), (4, 6, "beside")] {
            sheet.write_string(row, column, text).unwrap();
        }
    });
    let found = read("a.xlsx", bytes, &Format::Auto, &["a", "b"]);
    assert_eq!(found.shape.header, ["a", "b"]);
    assert_eq!(found.rows, ["4: ∅|1", "5: 2|∅"]);
    assert_eq!(found.count(), "5 = 2 rows + 1 Header + 2 Blank");
}

#[test]
fn sheet_and_header_row_may_be_declared() {
    let bytes = saved(|book| {
        write(book.add_worksheet().set_name("x").unwrap(), 0, &[&["a"], &["1"]]);
        write(book.add_worksheet().set_name("满意度 1").unwrap(), 0, &[&["a", "b"], &["k", "v"], &["1", "2"]]);
    });
    let options = |sheet: &str, header_row| {
        Format::Xlsx(XlsxOptions { sheet: Some(sheet.to_owned()), header_row, header_rows: None })
    };
    let found = read("a.xlsx", bytes.clone(), &options("满意度*", Some(2)), &["a"]);
    assert_eq!((found.shape.header, found.rows), (vec!["k".to_owned(), "v".to_owned()], vec!["3: 1|2".to_owned()]));
    assert_eq!(
        fail("a.xlsx", bytes.clone(), &options("y", None)),
        "cannot read `a.xlsx`: no sheet is named `y`; its sheets are: x, 满意度 1"
    );
    let message = fail("a.xlsx", bytes, &options("x", Some(9)));
    assert!(
        message.starts_with("cannot read `a.xlsx`: sheet `x` has nothing in row 9, where the header should be"),
        "{message}"
    );
}

#[test]
fn empty_sheets_and_lone_headers_have_no_rows() {
    let empty = saved(|book| {
        book.add_worksheet();
    });
    let found = read("a.xlsx", empty, &Format::Auto, &NAMES);
    assert_eq!((found.count(), found.shape.header.len()), ("0 = 0 rows".to_owned(), 0));
    let header = saved(|book| write(book.add_worksheet(), 0, &[&["问卷编号", "品牌"]]));
    assert_eq!(read("a.xlsx", header, &Format::Auto, &NAMES).count(), "1 = 0 rows + 1 Header");
}

#[test]
fn damaged_and_locked_workbooks_are_errors() {
    let whole = saved(|book| write(book.add_worksheet(), 0, &[&["a"], &["1"]]));
    let message = fail("a.xlsx", whole[..whole.len() / 2].to_vec(), &Format::Xlsx(XlsxOptions::default()));
    assert!(message.starts_with("cannot read `a.xlsx`: the zip archive has no whole directory: "), "{message}");
    let mut locked = vec![0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1];
    locked.extend("EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes));
    let expected = "cannot read `a.xlsx`: the workbook is protected by a password; save it without one";
    assert_eq!(fail("a.xlsx", locked, &Format::Auto), expected);
    let garbage = fail("a.xls", vec![0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1, 1, 2, 3], &Format::Auto);
    assert!(garbage.starts_with("cannot read `a.xls`: "), "{garbage}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn what_was_written_is_read(table in prop::collection::vec(prop::collection::vec("[a-z0-9中 ,\"]{0,6}", 3), 0..12)) {
        let header = ["key", "b", "c", "d"];
        let rows: Vec<Vec<String>> = table.iter().map(|row| [vec!["k1".to_owned()], row.clone()].concat()).collect();
        let bytes = saved(|book| {
            let sheet = book.add_worksheet();
            write(sheet, 0, &[&header]);
            for (line, row) in (1..).zip(&rows) {
                write(sheet, line, &[&row.iter().map(String::as_str).collect::<Vec<_>>()]);
            }
        });
        let found = read("a.xlsx", bytes, &Format::Auto, &["key!", "b", "c", "d"]);
        let null_if_empty = |text: String| Some(text).filter(|text| !text.is_empty());
        let expected: Vec<Vec<Option<String>>> = rows.into_iter().map(|row| row.into_iter().map(null_if_empty).collect()).collect();
        prop_assert_eq!(found.cells, expected);
    }
}
