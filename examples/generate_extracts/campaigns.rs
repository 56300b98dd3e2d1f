//! Campaigns: exhibitions, advertising, seminars and promotions, one file a year; some cost more than they bring.
//!
//! Contacts and opportunities that fall into a campaign may name it.

use std::path::Path;

use chrono::{Datelike, NaiveDate};

use crate::file::{Dialect, Encoding, Layout, PLAIN};
use crate::months;
use crate::places::{self, PRODUCT_TYPES, product_word};
use crate::random::Dice;
use crate::style::{Dates, OFFICE, Style, Value};
use crate::table::{Plant, Planter, Record, Table, headers, plant};
use crate::truth::Truth;
use crate::world::World;

const COLUMNS: [(&str, &str); 7] = [
    ("campaign_id", "活动号"),
    ("kind", "类别"),
    ("from", "开始日期"),
    ("to", "结束日期"),
    ("region", "大区"),
    ("product_type", "产品类型"),
    ("cost_amount", "费用(万元)"),
];

const PLANTS: &[Plant] = &[
    plant("kind", "code", "抽奖"),
    plant("from", "type", "国庆前后"),
    plant("cost_amount", "type", "未结算"),
    plant("campaign_id", "required", ""),
];

const KINDS: [(&str, &str); 4] =
    [("exhibition", "展会"), ("advertising", "广告"), ("seminar", "研讨会"), ("promotion", "促销")];

/// Chinese years are written in 万元.
const CHINESE: Style = Style {
    layout: Layout::Csv(Dialect { encoding: Encoding::Gb18030, ..PLAIN }),
    is_chinese: true,
    dates: Dates::Chinese,
    nulls: &["", "-"],
    ..OFFICE
};

/// A campaign.
pub struct Campaign {
    pub id: String,
    kind: (&'static str, &'static str),
    pub from: NaiveDate,
    pub to: NaiveDate,
    region: &'static str,
    product_type: &'static str,
    cost: i64,
}

/// Invents the campaigns, two a quarter or more; the last ones lie ahead.
pub fn all(world: &World) -> Vec<Campaign> {
    let a_quarter = 2 + world.plan.customers / 500;
    let quarters =
        world.months.iter().step_by(3).copied().chain([months::add(world.months[world.months.len() - 1], 1)]);
    quarters.flat_map(|quarter| (0..a_quarter).map(move |number| campaign(world, quarter, number))).collect()
}

fn campaign(world: &World, quarter: NaiveDate, number: i64) -> Campaign {
    let id = format!("CP{}{:02}", months::quarter(quarter), number + 1);
    let dice = &mut world.dice(&format!("campaign {id}"));
    let from = months::day_within(dice, quarter, 3);
    Campaign {
        kind: KINDS[dice.index(4)],
        from,
        to: months::add_days(from, dice.between(2, 75)),
        region: dice.pick(&places::regions()),
        product_type: PRODUCT_TYPES[dice.index(4)].0,
        cost: dice.between(4, 160) * 5_000,
        id,
    }
}

/// Finds a campaign that runs on a day or ended within the last 40 days; now and then one that nobody knows.
pub fn behind(campaigns: &[Campaign], dice: &mut Dice, day: NaiveDate) -> Option<String> {
    let live = |one: &&Campaign| one.from <= day && day <= months::add_days(one.to, 40);
    let live: Vec<_> = campaigns.iter().filter(live).collect();
    if dice.chance(0.02) {
        return Some("CP-OLD".to_owned());
    }
    (!live.is_empty()).then(|| live[dice.index(live.len())].id.clone())
}

/// Sends a file each year; what was sent before the end of a campaign is sent again with its cost.
pub fn send(world: &World, campaigns: &[Campaign], folder: &Path, truth: &mut Truth) {
    let planter = Planter::new(world.plan.dirt * 2.0, PLANTS);
    let mut table = Table::new(folder, world.dice("campaigns"), "campaign", &COLUMNS, planter);
    for year in world.months[0].year()..=world.plan.run_date.year() {
        let is_chinese = year % 2 == 0;
        let style = if is_chinese { CHINESE } else { OFFICE };
        let version = months::stamp(months::date(year + 1, 1, 15).min(months::add_days(world.plan.run_date, 5)));
        let told = campaigns.iter().filter(|one| one.from.year() == year || one.to.year() == year);
        let records: Vec<_> = told.map(|one| record(world, one, is_chinese)).collect();
        table.columns = headers(&COLUMNS, is_chinese);
        table.send(truth, &format!("campaign/campaign_{version}.csv"), &version, &style, &records);
    }
    table.settle(truth);
}

fn record(world: &World, one: &Campaign, is_chinese: bool) -> Record {
    let dice = &mut world.dice(&format!("campaign of {} {is_chinese}", one.id));
    let kind = if is_chinese { one.kind.1 } else { one.kind.0 };
    let product_type = if is_chinese { product_word(one.product_type) } else { one.product_type };
    let values = vec![
        ("campaign_id", Value::text(&one.id)),
        ("kind", Value::text(kind)),
        ("from", Value::Date(one.from)),
        ("to", if dice.chance(0.08) { Value::Null } else { Value::Date(one.to) }),
        ("region", Value::text(one.region)),
        ("product_type", Value::text(product_type)),
        ("cost_amount", Value::Number(one.cost * 100, if is_chinese { 6 } else { 2 })),
    ];
    let mut record = Record::new(one.id.clone(), values);
    if dice.chance(world.plan.dirt * 2.0) {
        record.set("to", &Value::Date(months::add_days(one.from, -3)));
        record.breaks("dates_in_order");
    }
    record
}
