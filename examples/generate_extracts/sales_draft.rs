//! Sales draft: the lines of one dealer's file while it is put together.
//!
//! Titles, header and rows in; a total row, blanks, repeated headers, duplicated and broken lines are added here.

use crate::file::{Cell, Encoding, Form, Layout, Line, Row, text_of};
use crate::orders::{Order, OrderLine};
use crate::random::Dice;
use crate::style::Style;
use crate::table::{Column, spoil_shape};
use crate::truth::decimal;

/// An order line as it stands in the file.
#[derive(Clone)]
pub struct Sold<'a> {
    pub order: &'a Order,
    pub line: OrderLine,
    pub is_served: bool,
}

/// A file in the making; data rows and `sold` go side by side.
pub struct Draft<'a> {
    pub columns: Vec<Column>,
    lines: Vec<Line>,
    sold: Vec<Sold<'a>>,
}

impl<'a> Draft<'a> {
    /// Begins with what stands above the header.
    pub fn new(columns: Vec<Column>, titles: Vec<Line>) -> Self {
        let mut draft = Self { columns, lines: titles, sold: Vec::new() };
        let header = Line::Header(draft.header());
        draft.lines.push(header);
        draft
    }

    /// Adds a row.
    pub fn push(&mut self, order: &'a Order, line: OrderLine, row: Row) {
        self.sold.push(Sold { order, line, is_served: row.faults.is_empty() });
        self.lines.push(Line::Data(row));
    }

    /// Adds, now and then, a blank line or the header once more; text files only.
    pub fn interrupt(&mut self, dice: &mut Dice, style: &Style) {
        if style.is_book() || self.sold.len() < 2 || !dice.chance(0.004) {
            return;
        }
        let line = if dice.chance(0.6) { Line::Blank } else { Line::RepeatedHeader(self.header()) };
        self.lines.push(line);
    }

    /// Ends the file: a line twice, a total row in workbooks, elsewhere now and then bytes that are lost.
    pub fn finish(&mut self, dice: &mut Dice, style: &Style, is_dirty: bool) {
        if dice.chance(0.15) {
            self.duplicate();
        }
        if style.is_book() {
            let total = Line::Footer(self.total());
            self.lines.push(total);
        }
        if !is_dirty || style.is_book() {
            return;
        }
        if dice.chance(0.05) {
            self.spoil(self.sold.len() - 1, Form::Cut(2));
        }
        let is_marked = matches!(style.layout, Layout::Csv(dialect) if dialect.encoding == Encoding::Utf8Bom);
        if is_marked && dice.chance(0.08) {
            let name = self.columns.iter().position(|column| column.0 == "customer_name").unwrap();
            self.spoil(0, Form::Undecodable(name));
        }
    }

    /// Gives the lines and the order lines among them.
    pub fn into_parts(self) -> (Vec<Line>, Vec<Sold<'a>>) {
        (self.lines, self.sold)
    }

    fn header(&self) -> Vec<String> {
        self.columns.iter().map(|column| column.1.clone()).collect()
    }

    /// Repeats the last row unless its shape is broken.
    fn duplicate(&mut self) {
        let Some(Line::Data(row)) = self.lines.last() else { return };
        if row.form == Form::Plain {
            let again = Line::Data(row.clone());
            self.lines.push(again);
            self.sold.extend_from_within(self.sold.len() - 1..);
        }
    }

    /// Breaks the shape of a row that has no fault yet.
    fn spoil(&mut self, number: usize, form: Form) {
        let mut rows =
            self.lines.iter_mut().filter_map(|line| if let Line::Data(row) = line { Some(row) } else { None });
        let Some(row) = rows.nth(number) else { return };
        if row.faults.is_empty() && !text_of(&row.cells[2]).is_empty() {
            spoil_shape(row, form);
            self.sold[number].is_served = false;
        }
    }

    /// The total row: 合计 in the first cell, the sums below their columns.
    fn total(&self) -> Vec<Cell> {
        let sum = |of: fn(&OrderLine) -> i64| self.sold.iter().map(|sold| of(&sold.line)).sum::<i64>();
        let cell = |(name, header): &Column| match *name {
            "dealer_code" => Cell::Text("合计".to_owned()),
            "quantity" => Cell::Number(sum(|line| line.quantity).to_string()),
            "amount" => Cell::Number(decimal(sum(OrderLine::amount), if header.contains('万') { 6 } else { 2 })),
            _ => Cell::Empty,
        };
        self.columns.iter().map(cell).collect()
    }
}
