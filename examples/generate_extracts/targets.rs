//! Targets: what managers, dealers and regions are to sell, by quarter (regions: by year) in money and in machines.
//!
//! A file in December sets the next year, one in July changes some targets of its second half. Targets follow from
//! what is expected of the dealers, so that some are met and some are not.

use std::path::Path;

use chrono::{Datelike, NaiveDate};

use crate::crm::MANAGERS;
use crate::file::{Dialect, Encoding, Layout, PLAIN};
use crate::months;
use crate::orders::{self, Period};
use crate::places;
use crate::style::{Dates, OFFICE, Style, Value};
use crate::table::{Plant, Planter, Record, Table, headers, plant};
use crate::truth::Truth;
use crate::world::World;

const COLUMNS: [(&str, &str); 6] = [
    ("period_from", "起始日"),
    ("period_to", "截止日"),
    ("owner_kind", "对象类别"),
    ("owner_id", "对象"),
    ("measure", "指标"),
    ("target", "目标"),
];

const PLANTS: &[Plant] = &[
    plant("target", "type", "待定"),
    plant("owner_kind", "code", "朋友"),
    plant("period_from", "type", "2025-13-01"),
    plant("owner_id", "required", ""),
    plant("measure", "code", "心情"),
    plant("target", "required", "-"),
];

/// Means of an order: yuan, and machines per ten orders.
const ORDER: (i64, i64) = (660_000, 14);

const DECEMBER: Style = Style {
    layout: Layout::Csv(Dialect { encoding: Encoding::Utf8Bom, line_end: "\r\n", ..PLAIN }),
    is_chinese: true,
    thousands: true,
    ..OFFICE
};
const JULY: Style = Style {
    layout: Layout::Csv(Dialect { encoding: Encoding::Gb18030, ..PLAIN }),
    is_chinese: true,
    dates: Dates::Slashes,
    nulls: &["", "-"],
    ..OFFICE
};

/// Whose target it is, and for which months.
struct Owner {
    kind: (&'static str, &'static str),
    name: String,
    from: NaiveDate,
    months: i64,
    /// Expected orders in hundredths.
    orders: i64,
}

/// Sends two files for each year that the plan touches.
pub fn send(world: &World, folder: &Path, truth: &mut Truth) {
    let planter = Planter::new(world.plan.dirt, PLANTS);
    let mut table = Table::new(folder, world.dice("targets"), "crm_target", &COLUMNS, planter);
    let years = world.months[0].year()..=world.plan.run_date.year();
    for year in years {
        let owners = owners(world, year);
        let set: Vec<_> = owners.iter().flat_map(|owner| records(world, owner, None)).collect();
        send_file(&mut table, truth, (year, months::date(year - 1, 12, 15)), &DECEMBER, &set);
        let late = owners.iter().filter(|owner| owner.from.month() > 6 && places::mark(&[&owner.name]) % 5 == 0);
        let changed: Vec<_> = late.flat_map(|owner| records(world, owner, Some("July"))).collect();
        send_file(&mut table, truth, (year, months::date(year, 7, 10)), &JULY, &changed);
    }
    table.settle(truth);
}

fn send_file(table: &mut Table, truth: &mut Truth, at: (i32, NaiveDate), style: &Style, records: &[Record]) {
    let version = months::stamp(at.1);
    table.columns = headers(&COLUMNS, style.dates == Dates::Iso);
    table.send(truth, &format!("crm_target/crm_target_{}_{version}.csv", at.0), &version, style, records);
}

fn owners(world: &World, year: i32) -> Vec<Owner> {
    let mut owners = Vec::new();
    for quarter in 0..4 {
        let from = months::date(year, quarter * 3 + 1, 1);
        owners.extend(dealers(world, from));
        owners.extend(managers(world, from));
    }
    owners.extend(regions(world, months::date(year, 1, 1)));
    owners
}

/// Expected orders of a dealer's quarter in hundredths; none before it joined or after it left.
pub fn expected(world: &World, dealer: usize, month: NaiveDate) -> i64 {
    let one = &world.dealers[dealer];
    let is_away = one.joined_on > month || one.left_on.is_some_and(|left| left < month);
    if is_away { 0 } else { orders::order_count(world, &Period { dealer, month, months: 3 }) * 100 }
}

fn dealers(world: &World, from: NaiveDate) -> Vec<Owner> {
    let owner = |dealer: usize| Owner {
        kind: ("dealer", "经销商"),
        name: world.dealers[dealer].code.clone(),
        from,
        months: 3,
        orders: expected(world, dealer, from),
    };
    (0..world.dealers.len()).map(owner).filter(|owner| owner.orders > 0).collect()
}

/// About half of the orders come from accounts, and each manager has as many of them as another.
fn managers(world: &World, from: NaiveDate) -> Vec<Owner> {
    let all: i64 = (0..world.dealers.len()).map(|dealer| expected(world, dealer, from)).sum();
    let share = all * 55 / 100 / i64::try_from(MANAGERS.len()).unwrap();
    let owner =
        |name: &&str| Owner { kind: ("manager", "经理"), name: (*name).to_owned(), from, months: 3, orders: share };
    MANAGERS.iter().map(owner).collect()
}

fn regions(world: &World, from: NaiveDate) -> Vec<Owner> {
    let year =
        |dealer: usize| (0..4).map(|quarter| expected(world, dealer, months::add(from, quarter * 3))).sum::<i64>();
    let owner = |region: &'static str| {
        let inside =
            (0..world.dealers.len()).filter(|dealer| places::region(world.dealers[*dealer].province) == region);
        Owner { kind: ("region", "大区"), name: region.to_owned(), from, months: 12, orders: inside.map(year).sum() }
    };
    places::regions().into_iter().map(owner).filter(|owner| owner.orders > 0).collect()
}

/// A target in money and one in machines. Now and then the period ends before it begins.
fn records(world: &World, owner: &Owner, change: Option<&str>) -> [Record; 2] {
    let label = format!("target {} {} {}", owner.name, owner.from, change.unwrap_or_default());
    let dice = &mut world.dice(&label);
    let percent = dice.between(80, 125);
    let yuan = owner.orders * ORDER.0 / 100 * percent / 100 / 10_000 * 10_000;
    let units = (owner.orders * ORDER.1 * percent / 100_000).max(1);
    [("revenue", "销售收入", yuan), ("units", "销量", units)].map(|target| {
        let mut record = record(owner, target, change.is_some());
        if dice.chance(world.plan.dirt / 2.0) {
            record.set("period_to", &Value::Date(months::add_days(owner.from, -30)));
            record.breaks("period_in_order");
        }
        record
    })
}

/// In December kinds and measures are codes, in July words.
fn record(owner: &Owner, target: (&str, &str, i64), is_word: bool) -> Record {
    let until = months::add_days(months::add(owner.from, owner.months), -1);
    let word = |code, word| Value::text(if is_word { word } else { code });
    let values = vec![
        ("period_from", Value::Date(owner.from)),
        ("period_to", Value::Date(until)),
        ("owner_kind", word(owner.kind.0, owner.kind.1)),
        ("owner_id", Value::text(&owner.name)),
        ("measure", word(target.0, target.1)),
        ("target", Value::Number(target.2, 0)),
    ];
    Record::new(format!("{}|{until}|{}|{}|{}", owner.from, owner.kind.0, owner.name, target.0), values)
}
