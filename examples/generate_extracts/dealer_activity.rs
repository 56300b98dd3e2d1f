//! Dealer activity: training, meetings, visits, awards and support of each dealer by month; a file per half-year.

use std::path::Path;

use chrono::{Datelike, NaiveDate};

use crate::file::{Dialect, Encoding, Layout, PLAIN};
use crate::months;
use crate::random::Dice;
use crate::style::{Dates, OFFICE, Style, Value};
use crate::table::{Plant, Planter, Record, Table, headers, plant};
use crate::truth::Truth;
use crate::world::World;

const COLUMNS: [(&str, &str); 4] =
    [("dealer_code", "经销商编码"), ("month", "月份"), ("kind", "类别"), ("value", "数值")];

const PLANTS: &[Plant] = &[
    plant("value", "type", "若干"),
    plant("kind", "code", "聚餐"),
    plant("month", "type", "2025-00-01"),
    plant("dealer_code", "required", ""),
    plant("value", "required", "NULL"),
];

/// Kinds with the word for it, the share of months that have it, and the range of values in hundredths.
const KINDS: [(&str, &str, f64, (i64, i64)); 5] = [
    ("training_days", "培训天数", 0.4, (50, 600)),
    ("association_meeting", "协会会议", 0.15, (100, 200)),
    ("consulting_visit", "咨询走访", 0.45, (100, 400)),
    ("award", "奖励", 0.05, (100, 200)),
    ("support_amount", "支持金额", 0.3, (200_000, 9_000_000)),
];

const CHINESE: Style = Style {
    layout: Layout::Csv(Dialect { encoding: Encoding::Gb18030, ..PLAIN }),
    is_chinese: true,
    dates: Dates::Slashes,
    thousands: true,
    untidy: 0.01,
    ..OFFICE
};

/// Sends one file per half-year, first in Chinese, later as codes; each repeats a few values of the month before it.
pub fn send(world: &World, folder: &Path, truth: &mut Truth) {
    let planter = Planter::new(world.plan.dirt, PLANTS);
    let mut table = Table::new(folder, world.dice("dealer activity"), "dealer_activity", &COLUMNS, planter);
    for (number, half) in world.months.chunks(6).enumerate() {
        let is_chinese = number % 2 == 0;
        let style = if is_chinese { CHINESE } else { OFFICE };
        let version = months::stamp(months::add_days(months::add(half[half.len() - 1], 1), 8));
        let mut records = Vec::new();
        if number > 0 {
            let corrected = month_records(world, months::add(half[0], -1), is_chinese);
            records.extend(corrected.into_iter().step_by(6));
        }
        records.extend(half.iter().flat_map(|month| month_records(world, *month, is_chinese)));
        table.columns = headers(&COLUMNS, is_chinese);
        table.send(truth, &format!("dealer_activity/dealer_activity_{version}.csv"), &version, &style, &records);
    }
    table.settle(truth);
}

fn month_records(world: &World, month: NaiveDate, is_chinese: bool) -> Vec<Record> {
    let mut records = Vec::new();
    for dealer in &world.dealers {
        let dice = &mut world.dice(&format!("activity {} {month}", dealer.code));
        let is_there = dealer.joined_on <= month && dealer.left_on.is_none_or(|left| left >= month);
        for kind in KINDS {
            let share = if kind.0 == "award" && month.month() == 12 { 0.4 } else { kind.2 };
            if dice.chance(share) && is_there {
                let mut record = record(dice, (&dealer.code, month), kind, is_chinese);
                if dice.chance(world.plan.dirt / 3.0) {
                    record.set("value", &Value::Number(-100, 2));
                    record.breaks("no_negative_value");
                }
                records.push(record);
            }
        }
    }
    records
}

fn record(
    dice: &mut Dice,
    (dealer, month): (&str, NaiveDate),
    (kind, word, _, (low, high)): (&str, &str, f64, (i64, i64)),
    is_chinese: bool,
) -> Record {
    let value = dice.between(low / 50, high / 50) * 50;
    let value = if matches!(kind, "training_days" | "support_amount") { value } else { value / 100 * 100 };
    let values = vec![
        ("dealer_code", Value::text(dealer)),
        ("month", Value::Date(month)),
        ("kind", Value::text(if is_chinese { word } else { kind })),
        ("value", Value::Number(value, 2)),
    ];
    Record::new(format!("{dealer}|{month}|{kind}"), values)
}
