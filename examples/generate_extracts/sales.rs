//! Sales: the order lines of a period → the dealer's file, and the corrected file that comes weeks later.
//!
//! Also sends the stages of the same orders (`stages.rs`) and adds what is served to the truth. One period of one
//! dealer is held at a time, so ten million lines need little memory.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use chrono::NaiveDate;

use crate::file::{Extract, Fault, Line, Row};
use crate::months;
use crate::orders::{self, Order, OrderLine, Period};
use crate::random::Dice;
use crate::sales_columns::{columns, values};
use crate::sales_draft::{Draft, Sold};
use crate::sales_faults::{self, PLANTS};
use crate::style::{self, Style};
use crate::table::{Column, Planter, Record, spelled};
use crate::truth::Truth;
use crate::world::{World, habit};

const SOURCE: &str = "dealer_sales";

/// A line as it was sent, with what the truth needs of it.
struct Sent {
    key: (String, i64),
    place: (String, String, usize),
    is_served: bool,
    day: NaiveDate,
    currency: &'static str,
    line: (i64, i64),
}

/// Sends the files of all dealers.
pub struct Sales<'a> {
    pub world: &'a World,
    pub folder: &'a Path,
    pub truth: &'a mut Truth,
    planter: Planter,
    people: BTreeSet<String>,
}

impl<'a> Sales<'a> {
    /// Begins with the first dealer.
    pub fn new(world: &'a World, folder: &'a Path, truth: &'a mut Truth) -> Self {
        let planter = Planter::new(world.plan.dirt, PLANTS);
        Self { world, folder, truth, planter, people: BTreeSet::new() }
    }

    /// Sends the files of one period; a dealer that has left or not yet joined sends none.
    pub fn send(&mut self, period: &Period, orders: &[Order]) {
        let dealer = &self.world.dealers[period.dealer];
        let mut dice = self.world.dice(&format!("sales {} {}", dealer.code, period.month));
        let due = months::add(period.month, period.months);
        let captured = months::add_days(due, dice.between(1, 12));
        let mut sent = self.first_file(period, orders, &mut dice, captured);
        if dice.chance(0.2) || period.dealer == 2 {
            sent.extend(self.corrected_file(period, orders, &mut dice, captured));
        }
        self.count(&dealer.code, sent);
    }

    fn first_file(&mut self, period: &Period, orders: &[Order], dice: &mut Dice, captured: NaiveDate) -> Vec<Sent> {
        let style = style::of(habit(period.dealer));
        let path = self.path(period, &style, "", captured);
        match self.oddity(period) {
            Some("empty") => {
                self.write(&style, path, Vec::new());
                let path = self.path(period, &style, "", months::add_days(captured, 6));
                self.file(period, &style, &path, dice, orders)
            }
            Some(_) => {
                let header = columns(period.dealer).into_iter().map(|column| column.1).collect();
                self.write(&style, path, vec![Line::Header(header)]);
                Vec::new()
            }
            None => self.file(period, &style, &path, dice, orders),
        }
    }

    /// One dealer once sends an empty file, and the full one six days later; another sends a header and no row.
    fn oddity(&self, period: &Period) -> Option<&'static str> {
        let age = months::between(self.world.months[0], period.month);
        match (period.dealer, age) {
            (7, 3) => Some("empty"),
            (5, 6) => Some("header"),
            _ => None,
        }
    }

    /// Sends a fifth of the lines again, with other amounts, some in another month; named by day, or as `final`.
    fn corrected_file(&mut self, period: &Period, orders: &[Order], dice: &mut Dice, captured: NaiveDate) -> Vec<Sent> {
        let style = style::of(habit(period.dealer));
        let changed: Vec<_> = orders.iter().filter_map(|order| corrected(dice, order)).collect();
        if changed.is_empty() || self.oddity(period).is_some() {
            return Vec::new();
        }
        let path = if period.dealer == 4 {
            self.path(period, &style, "_final", captured)
        } else {
            let again = months::add_days(captured, dice.between(18, 55));
            self.path(period, &style, "", again)
        };
        self.file(period, &style, &path, dice, &changed)
    }

    fn path(&self, period: &Period, style: &Style, suffix: &str, captured: NaiveDate) -> String {
        let code = &self.world.dealers[period.dealer].code;
        let ending = if style.is_book() { "xlsx" } else { "csv" };
        let quarter = months::quarter(period.month);
        format!("{SOURCE}/{code}/{code}_{quarter}{suffix}_{}.{ending}", months::stamp(captured))
    }

    fn file(&mut self, period: &Period, style: &Style, path: &str, dice: &mut Dice, orders: &[Order]) -> Vec<Sent> {
        let mut draft = Draft::new(columns(period.dealer), self.titles(period, style));
        for order in orders {
            self.introduce(period, order);
            for line in &order.lines {
                let (row, line) = self.row(period, style, dice, &draft.columns, (order, line));
                draft.interrupt(dice, style);
                draft.push(order, line, row);
            }
        }
        draft.finish(dice, style, self.world.plan.dirt > 0.0);
        let version: String = path[path.len() - 13..].chars().filter(char::is_ascii_digit).collect();
        let (lines, sold) = draft.into_parts();
        let places = self.write(style, path.to_owned(), lines);
        let place = |line| (version.clone(), path.to_owned(), line);
        sold.into_iter().zip(places).map(|(sold, line)| sent(&sold, place(line))).collect()
    }

    /// What stands above the header: two titles and a blank row in a workbook.
    fn titles(&self, period: &Period, style: &Style) -> Vec<Line> {
        if !style.is_book() {
            return Vec::new();
        }
        let dealer = &self.world.dealers[period.dealer];
        let title = Line::Title(format!("{} 销售明细表", dealer.name));
        vec![title, Line::Title(format!("统计期间：{}", months::quarter(period.month))), Line::Blank]
    }

    fn row(
        &mut self,
        period: &Period,
        style: &Style,
        dice: &mut Dice,
        columns: &[Column],
        (order, line): (&Order, &OrderLine),
    ) -> (Row, OrderLine) {
        let mut line = line.clone();
        let factor = if line.kind == "return" { 4.0 } else { 1.0 };
        let strikes = self.planter.strikes(dice, factor);
        let faults = if strikes { sales_faults::break_rule(&mut self.planter, &mut line) } else { Vec::new() };
        let is_broken = !faults.is_empty();
        let record = Record { faults, ..Record::new(String::new(), values(self.world, period, dice, (order, &line))) };
        let mut row = spelled(style, dice, columns, &record);
        if strikes && !is_broken && !sales_faults::shift(&mut self.planter, columns, &mut row) {
            self.planter.spoil(columns, &mut row, style);
        }
        (row, line)
    }

    fn introduce(&mut self, period: &Period, order: &Order) {
        let key = format!("{}/{}", self.world.dealers[period.dealer].code, order.customer_code);
        if !self.people.contains(&key) {
            self.truth.customer(SOURCE, &key, &self.world.customers[order.customer].id);
            self.people.insert(key);
        }
    }

    fn write(&mut self, style: &Style, path: String, lines: Vec<Line>) -> Vec<usize> {
        let extract = Extract { source: SOURCE, path, sheet: "销售明细", layout: style.layout, lines };
        extract.write(self.folder, self.truth)
    }

    /// Keeps the row that counts of each key and adds it to the truth.
    fn count(&mut self, dealer: &str, mut sent: Vec<Sent>) {
        sent.retain(|row| row.is_served);
        sent.sort_by(|a, b| a.place.cmp(&b.place));
        let served: BTreeMap<_, _> = sent.into_iter().map(|row| (row.key.clone(), row)).collect();
        self.truth.staged(SOURCE, served.len());
        for row in served.values() {
            self.truth.order_line(dealer, row.day, row.currency, row.line);
        }
    }
}

fn sent(sold: &Sold, place: (String, String, usize)) -> Sent {
    let Sold { order, line, is_served } = sold;
    Sent {
        key: (order.number.clone(), line.line_no),
        place,
        is_served: *is_served,
        day: order.ordered_on,
        currency: order.currency,
        line: (line.quantity, line.amount()),
    }
}

/// An order as the dealer corrects it: other quantities and discounts, now and then another date.
fn corrected(dice: &mut Dice, order: &Order) -> Option<Order> {
    if !dice.chance(0.2) {
        return None;
    }
    let mut order = order.clone();
    if dice.chance(0.15) {
        order.ordered_on = months::add_days(order.ordered_on, -dice.between(20, 35));
    }
    let line = dice.index(order.lines.len());
    let line = &mut order.lines[line];
    if line.quantity > 0 {
        line.quantity += dice.between(0, 2);
        line.discount = Some(line.quantity * line.unit_price * dice.between(0, 120) / 1000);
    }
    Some(order)
}

/// A customer that accepted goods on a day.
pub type Acceptance = (usize, NaiveDate);

/// Invents and sends everything that dealers send; gives some of the acceptances.
pub fn all(world: &World, folder: &Path, truth: &mut Truth, with_stages: bool) -> Vec<Acceptance> {
    let mut acceptances = Vec::new();
    let mut stages = crate::stages::Stages::new(world, folder);
    let mut sales = Sales::new(world, folder, truth);
    for dealer in 0..world.dealers.len() {
        for month in world.months.iter().step_by(3) {
            let period = Period { dealer, month: *month, months: 3 };
            if is_silent(world, &period) {
                continue;
            }
            let orders = orders::of(world, &period);
            sales.send(&period, &orders);
            if with_stages {
                stages.send(&period, &orders, sales.truth);
                acceptances.extend(noticed(world, &period, &orders));
            }
        }
    }
    acceptances
}

/// The acceptances after which somebody looks in, never more than the contact log has rows.
fn noticed(world: &World, period: &Period, orders: &[Order]) -> Vec<Acceptance> {
    let dice = &mut world.dice(&format!("acceptances {} {}", period.dealer, period.month));
    let share = (world.plan.customers * world.plan.months / 12 * 100 / (world.plan.lines / 2)).clamp(1, 35);
    let some = orders.iter().filter(|_| dice.between(1, 100) <= share);
    some.map(|order| (order.customer, order.accepted_date)).collect()
}

/// A dealer that has left winds up what is open for another quarter.
fn is_silent(world: &World, period: &Period) -> bool {
    let dealer = &world.dealers[period.dealer];
    let last = dealer.left_on.map(|left| months::add(months::first_of(left), 3));
    dealer.joined_on > period.month || last.is_some_and(|last| last < period.month)
}

/// A fault of a whole row.
pub fn whole(rule: &'static str) -> Vec<Fault> {
    vec![Fault { column: "", rule, text: String::new() }]
}
