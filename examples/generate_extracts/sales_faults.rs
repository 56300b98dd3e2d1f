//! Sales faults: what goes wrong in an order line, and which rule must say so.
//!
//! Each plant is such that its faults follow from the agreement alone: a cell that does not fit its column, a line
//! that breaks one rule of the contract, cells that slid to the right.

use crate::file::{Cell, Fault, Row, text_of};
use crate::orders::OrderLine;
use crate::sales::whole;
use crate::table::{Column, Plant, Planter, plant};

/// Cells that do not fit.
pub const PLANTS: &[Plant] = &[
    plant("order_date", "required", "NULL"),
    plant("order_date", "type", "2024-13-05"),
    plant("quantity", "type", "三台"),
    plant("quantity", "required", ""),
    plant("quantity", "overflow", "30000000000"),
    plant("unit_price", "type", "面议"),
    plant("unit_price", "precision", "1234.567"),
    plant("unit_price", "overflow", "99999999999999999999"),
    plant("line_kind", "code", "其它"),
    plant("payment_terms", "code", "以物易物"),
    plant("shipped_date", "type", "月底前"),
    plant("product_code", "required", "-"),
    plant("currency", "required", "N/A"),
    plant("line_no", "type", "第2行"),
    plant("promised_date", "type", "2024/2/30"),
    plant("order_no", "required", "无"),
];

/// Every fourth fault, and that of any return, breaks a rule of the contract by values that fit their columns.
pub fn break_rule(planter: &mut Planter, line: &mut OrderLine) -> Vec<Fault> {
    if line.kind == "return" {
        line.quantity = -line.quantity;
        return whole("negative_return");
    }
    if !planter.turn.is_multiple_of(4) {
        return Vec::new();
    }
    planter.turn += 1;
    if planter.turn % 8 < 4 {
        line.slip = 10_000;
        return whole("amount_matches");
    }
    line.quantity = -line.quantity;
    line.discount = None;
    whole("positive_quantity")
}

/// Slides product, serial number, quantity, price, discount and amount one to the right, as a slip of the hand does.
///
/// Does so in every fifth turn, for lines whose cells make the faults certain, and says whether it did.
pub fn shift(planter: &mut Planter, columns: &[Column], row: &mut Row) -> bool {
    let first = columns.iter().position(|column| column.0 == "product_code").unwrap();
    let window = first..first + 6;
    let is_certain = row.cells[window.clone()].iter().all(|cell| !text_of(cell).trim().is_empty());
    let has_digit = |cell: &Cell| text_of(cell).chars().any(|c| c.is_ascii_digit());
    let serial = text_of(&row.cells[first + 1]);
    let is_machine = serial.chars().any(|c| c.is_ascii_alphabetic());
    let has_numbers = row.cells[first + 1..first + 6].iter().all(has_digit);
    if !planter.turn.is_multiple_of(5) || !is_certain || !is_machine || !has_numbers {
        return false;
    }
    planter.turn += 1;
    row.cells[window.clone()].rotate_right(1);
    row.cells[first] = Cell::Empty;
    row.faults = vec![
        Fault { column: "product_code", rule: "required", text: String::new() },
        Fault { column: "quantity", rule: "type", text: serial.trim().to_owned() },
    ];
    true
}
