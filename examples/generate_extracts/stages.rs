//! Order stages: the way of each order through eight stages → one file per dealer and period, in the dealer's style.
//!
//! The times agree with the dates of the order lines. A failed check is entered a second time as attempt 2.

use std::path::Path;

use chrono::{NaiveDateTime, TimeDelta};

use crate::months;
use crate::orders::{Order, Period};
use crate::random::Dice;
use crate::style::{self, Style, Value};
use crate::table::{Column, Plant, Planter, Record, Table, plant};
use crate::truth::Truth;
use crate::world::{World, habit};

const HEADERS: [(&str, &str, &str); 6] = [
    ("dealer_code", "经销商编码", "Dealer"),
    ("order_no", "订单号", "Order No"),
    ("stage", "环节", "Stage"),
    ("attempt", "次数", "Attempt"),
    ("entered_at", "进入时间", "Entered At"),
    ("result", "结果", "Result"),
];

const PLANTS: &[Plant] = &[
    plant("stage", "code", "未知环节"),
    plant("attempt", "type", "第一次"),
    plant("entered_at", "type", "2024-02-30 10:00:00"),
    plant("entered_at", "required", "NULL"),
    plant("order_no", "required", ""),
    plant("result", "type", "也许"),
];

/// Sends the stages of all dealers.
pub struct Stages<'a> {
    world: &'a World,
    table: Table<'a>,
}

impl<'a> Stages<'a> {
    /// Begins with the first dealer.
    pub fn new(world: &'a World, folder: &'a Path) -> Self {
        let planter = Planter::new(world.plan.dirt / 4.0, PLANTS);
        let table = Table::new(folder, world.dice("stages"), "order_stage", &[], planter);
        Self { world, table }
    }

    /// Sends the stages of a period's orders.
    pub fn send(&mut self, period: &Period, orders: &[Order], truth: &mut Truth) {
        let style = style::of(habit(period.dealer));
        let code = &self.world.dealers[period.dealer].code;
        self.table.columns = columns(&style);
        self.table.dice = self.world.dice(&format!("stages {code} {}", period.month));
        let captured = months::add_days(months::add(period.month, period.months), 14);
        let ending = if style.is_book() { "xlsx" } else { "csv" };
        let stamp = months::stamp(captured);
        let path = format!("order_stage/{code}/{code}_{}_{stamp}.{ending}", months::quarter(period.month));
        let dice = &mut self.table.dice;
        let records: Vec<_> = orders.iter().flat_map(|order| order_records(dice, code, order)).collect();
        self.table.send(truth, &path, &stamp, &style, &records);
        self.table.settle(truth);
    }
}

fn columns(style: &Style) -> Vec<Column> {
    let header = |chinese: &str, english: &str| if style.is_chinese { chinese.to_owned() } else { english.to_owned() };
    HEADERS.iter().map(|(name, chinese, english)| (*name, header(chinese, english))).collect()
}

fn order_records(dice: &mut Dice, dealer: &str, order: &Order) -> Vec<Record> {
    let mut entries = Vec::new();
    for (stage, at) in way(dice, order) {
        let is_check = matches!(stage, "checked" | "confirmed");
        let fails = is_check && dice.chance(0.12);
        if fails {
            entries.push((stage, 1, at, Value::Flag(false)));
        }
        let later = at + TimeDelta::minutes(if fails { 95 } else { 0 });
        let result = if is_check { Value::Flag(true) } else { Value::Null };
        entries.push((stage, 1 + i64::from(fails), later, result));
    }
    entries.into_iter().map(|entry| record(dealer, &order.number, entry)).collect()
}

/// The stages with their times; every twentieth order skips the picking.
fn way(dice: &mut Dice, order: &Order) -> Vec<(&'static str, NaiveDateTime)> {
    let at = |day: chrono::NaiveDate, minutes: i64| day.and_hms_opt(8, 0, 0).unwrap() + TimeDelta::minutes(minutes);
    let checked = at(order.checked_date, 200 + dice.between(0, 60));
    let shipped = at(order.shipped_date, 300 + dice.between(0, 120));
    let mut way = vec![
        ("received", at(order.ordered_on, dice.between(0, 90))),
        ("checked", checked),
        ("entered", checked + TimeDelta::minutes(dice.between(100, 180))),
        ("confirmed", checked + TimeDelta::minutes(dice.between(190, 1200))),
        ("posted", shipped - TimeDelta::minutes(dice.between(1500, 2800))),
        ("picked", shipped - TimeDelta::minutes(dice.between(120, 1400))),
        ("shipped", shipped),
        ("accepted", at(order.accepted_date, dice.between(60, 540))),
    ];
    if dice.chance(0.05) {
        way.remove(5);
    }
    way
}

fn record(dealer: &str, order: &str, entry: (&'static str, i64, NaiveDateTime, Value)) -> Record {
    let (stage, attempt, at, result) = entry;
    let values = vec![
        ("dealer_code", Value::text(dealer)),
        ("order_no", Value::text(order)),
        ("stage", Value::Code(stage)),
        ("attempt", Value::Number(attempt, 0)),
        ("entered_at", Value::Time(at)),
        ("result", result),
    ];
    Record::new(format!("{dealer}|{order}|{stage}|{attempt}"), values)
}
