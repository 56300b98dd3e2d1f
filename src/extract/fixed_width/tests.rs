//! Text in columns of fixed width, counted in every unit.

use crate::{
    define::project::{FixedColumn, FixedWidthOptions, Format, WidthUnit},
    extract::testing::read,
};

fn format(columns: &[(&str, u64, Option<u64>)], by: WidthUnit, header_row: Option<u64>) -> Format {
    let column = |&(name, start, width): &(&str, u64, Option<u64>)| FixedColumn { name: name.to_owned(), start, width };
    Format::FixedWidth(FixedWidthOptions {
        columns: columns.iter().map(column).collect(),
        by,
        encoding: None,
        header_row,
    })
}

#[test]
fn cells_stand_at_their_places_and_lose_their_blanks() {
    let format =
        format(&[("code", 1, Some(4)), ("name", 5, Some(6)), ("amount", 11, None)], WidthUnit::Characters, Some(2));
    let text =
        "Sales of May\nCODENAME  AMOUNT\nD001Anna    12.50\nD002广州　　    3.00 \n\nD003\n   4  x y     7\nD005ab";
    let found = read("a.txt", text, &format, &[]);
    assert_eq!(found.shape.header, ["code", "name", "amount"]);
    let expected = ["3: D001|Anna|12.50", "4: D002|广州|3.00", "6: D003||", "7: 4|x y|7", "8: Truncated D005ab"];
    assert_eq!(found.rows, expected);
    assert_eq!(found.count(), "8 = 5 rows + 1 Title + 1 Header + 1 Blank");
}

#[test]
fn bytes_are_those_of_the_file_and_display_cells_those_of_a_terminal() {
    let text = "D001广州    12\nD002Anna    13\nD003上海市a 14\n";
    let columns = [("code", 1, Some(4)), ("name", 5, Some(8)), ("n", 13, Some(2))];
    let expected = ["1: D001|广州|12", "2: D002|Anna|13", "3: D003|上海市a|14"];
    let gb = encoding_rs::GB18030.encode(text).0.into_owned();
    let Format::FixedWidth(options) = format(&columns, WidthUnit::Bytes, None) else { return };
    let declared = Format::FixedWidth(FixedWidthOptions { encoding: Some("gbk".to_owned()), ..options });
    assert_eq!(read("a.txt", gb, &declared, &[]).rows, expected);
    assert_eq!(read("a.txt", text, &format(&columns, WidthUnit::Display, None), &[]).rows, expected);
}

#[test]
fn a_place_within_a_character_is_a_fault_of_its_line() {
    let columns = [("a", 1, Some(3)), ("b", 4, Some(3))];
    let found = read("a.txt", "abcdef\na广州x\nab \n", &format(&columns, WidthUnit::Display, None), &[]);
    assert_eq!(found.rows, ["1: abc|def", "2: a广|州x", "3: ab|"]);
    let found = read("a.txt", "abcdef\nab广州\nabcdef\n", &format(&columns, WidthUnit::Display, None), &[]);
    assert_eq!(found.rows, ["1: abc|def", "2: Shape(0, 2) ab广州", "3: abc|def"]);
}

#[test]
fn columns_may_overlap_and_leave_gaps() {
    let columns = [("number", 1, Some(6)), ("region", 1, Some(2)), ("last", 9, Some(1))];
    let found = read("a.txt", "GZ0001..x\r\nSH0002..y\r\n", &format(&columns, WidthUnit::Characters, None), &[]);
    assert_eq!(found.rows, ["1: GZ0001|GZ|x", "2: SH0002|SH|y"]);
}

#[test]
fn an_empty_file_has_the_declared_columns_and_no_rows() {
    let found = read("a.txt", "", &format(&[("a", 1, None)], WidthUnit::Characters, None), &[]);
    assert_eq!((found.count(), found.shape.header.len()), ("0 = 0 rows".to_owned(), 1));
}
