//! What the workbook reader promises, on workbooks written by another library.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod crafted;
mod others;

use proptest::prelude::*;
use rust_xlsxwriter::{ExcelDateTime, Format as CellFormat, Workbook, Worksheet};

use crate::{
    define::project::{Format, XlsxOptions},
    extract::testing::{fail, read, read_all},
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

#[test]
fn sheets_with_the_same_header_are_one_table_and_hidden_ones_are_left_out() {
    let bytes = saved(|book| {
        for (name, row) in [("1月", "a1"), ("2月", "a2")] {
            write(book.add_worksheet().set_name(name).unwrap(), 0, &[&["单号", "品牌"], &[row, "x"]]);
        }
        write(book.add_worksheet().set_name("汇总").unwrap(), 0, &[&["单号", "合计"], &["all", "2"]]);
        write(book.add_worksheet().set_name("3月").unwrap().set_hidden(true), 0, &[&["单号", "品牌"], &["a3", "x"]]);
        book.add_worksheet();
    });
    let seen = |format: &Format, names: &[&str]| -> Vec<String> {
        let parts = read_all("a.xlsx", bytes.clone(), format, names);
        parts.into_iter().map(|(name, found)| format!("{name} {}", found.rows.join(";"))).collect()
    };
    let months = ["a.xlsx#1月 2: a1|x", "a.xlsx#2月 2: a2|x"];
    assert_eq!(seen(&Format::Auto, &["单号", "品牌"]), months);
    let sheet = |sheet: &str| Format::Xlsx(XlsxOptions { sheet: Some(sheet.to_owned()), ..XlsxOptions::default() });
    assert_eq!(seen(&sheet("*月"), &["单号"]), months);
    assert_eq!(seen(&sheet("3月"), &["单号"]), ["a.xlsx 2: a3|x"]);
    assert_eq!(seen(&Format::Auto, &[]), ["a.xlsx 2: a1|x"]);
}

#[test]
fn merged_cells_stand_in_every_row_and_a_header_may_have_two() {
    let bytes = saved(|book| {
        let sheet = book.add_worksheet();
        let plain = CellFormat::new();
        sheet.merge_range(0, 0, 0, 3, "销售报表", &plain).unwrap();
        sheet.merge_range(1, 0, 2, 0, "门店", &plain).unwrap();
        sheet.merge_range(1, 1, 1, 2, "金额", &plain).unwrap();
        sheet.merge_range(1, 3, 2, 3, "备注", &plain).unwrap();
        write(sheet, 2, &[&["", "本月", "累计"], &["", "1", "2", "x"], &["", "3", "4"], &["深圳", "5", "6"]]);
        sheet.merge_range(3, 0, 4, 0, "广州", &plain).unwrap();
    });
    for names in [&["门店!", "金额 本月", "金额 累计"][..], &[]] {
        let found = read("a.xlsx", bytes.clone(), &Format::Auto, names);
        assert_eq!(found.shape.header, ["门店", "金额 本月", "金额 累计", "备注"]);
        assert_eq!(found.rows, ["4: 广州|1|2|x", "5: 广州|3|4|∅", "6: 深圳|5|6|∅"]);
        assert_eq!(found.count(), "6 = 3 rows + 1 Title + 2 Header");
    }
    let options = XlsxOptions { header_row: Some(2), header_rows: Some(2), ..XlsxOptions::default() };
    assert_eq!(read("a.xlsx", bytes, &Format::Xlsx(options), &[]).rows.len(), 3);
}

#[test]
fn a_cell_far_away_costs_nothing() {
    let bytes = saved(|book| {
        let sheet = book.add_worksheet();
        write(sheet, 0, &[&["a", "b"], &["1", "2"]]);
        sheet.write_string(1_048_575, 0, "3").unwrap();
        sheet.write_string(1_048_575, 16_383, "beside").unwrap();
    });
    let found = read("a.xlsx", bytes, &Format::Auto, &["a", "b"]);
    assert_eq!(found.rows, ["2: 1|2", "1048576: 3|∅"]);
    assert_eq!(found.count(), "1048576 = 2 rows + 1 Header + 1048573 Blank");
    assert_eq!(found.shape.notes, ["sheet `Sheet1`", "left out 1 cell beside the table"]);
}

/// Run by hand: `cargo test --release -- --ignored --nocapture as_fast`.
#[test]
#[ignore = "a measurement"]
#[expect(clippy::print_stderr, reason = "it is what the measurement gives")]
fn reading_is_as_fast_as_calamine() {
    use calamine::Reader as _;
    let rows: u32 = std::env::var("ROWS").ok().and_then(|rows| rows.parse().ok()).unwrap_or(20_000);
    let bytes = bytes::Bytes::from(saved(|book| {
        let day = CellFormat::new().set_num_format("yyyy-mm-dd");
        let sheet = book.add_worksheet();
        for column in 0..13 {
            sheet.write_string(0, column, format!("c{column}")).unwrap();
        }
        for row in 1..=rows {
            for column in 0..13 {
                match column % 3 {
                    0 => sheet.write_string(row, column, format!("文本 {}", row % 5_000 + u32::from(column))),
                    1 => sheet.write_number(row, column, f64::from(row) * 1.25 + f64::from(column)),
                    _ => sheet.write_number_with_format(row, column, f64::from(40_000 + row % 5_000), &day),
                }
                .unwrap();
            }
        }
    }));
    for _ in 0..3 {
        let start = std::time::Instant::now();
        let mut book = calamine::Xlsx::new(std::io::Cursor::new(bytes.clone())).unwrap();
        let range = book.worksheet_range("Sheet1").unwrap();
        let theirs = start.elapsed();
        let start = std::time::Instant::now();
        let hints = crate::extract::testing::hints(&["c0!", "c1"]);
        let limits = crate::extract::Limits::default();
        let parts = crate::extract::open(&"a.xlsx".into(), &bytes.clone().into(), &Format::Auto, &hints, &limits);
        let mut reader = parts.unwrap().remove(0).reader;
        let mut read = 0;
        while let Some(batch) = reader.next_batch().unwrap() {
            read += batch.len();
        }
        eprintln!("{} rows: calamine {theirs:?}, ours {:?}", range.height(), start.elapsed());
        assert_eq!(read as u64, u64::from(rows));
    }
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
