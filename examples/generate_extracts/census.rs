//! Fleet census: which machines of which brand the accounts have, counted once a year.

use std::path::Path;

use chrono::{Datelike, NaiveDate};

use crate::file::{Dialect, Encoding, Layout, PLAIN};
use crate::months;
use crate::places::{BRANDS, PRODUCT_TYPES};
use crate::random::Dice;
use crate::style::{OFFICE, Style, Value};
use crate::table::{Plant, Planter, Record, Table, plant};
use crate::truth::Truth;
use crate::world::World;

const COLUMNS: [(&str, &str); 10] = [
    ("census_on", "盘点日期"),
    ("account_id", "客户号"),
    ("brand", "品牌"),
    ("product_type", "产品类型"),
    ("series", "系列"),
    ("model_year", "年款"),
    ("units", "台数"),
    ("purchase_date", "购入日期"),
    ("purchase_channel", "购入渠道"),
    ("rating", "评价"),
];

const PLANTS: &[Plant] = &[
    plant("units", "type", "若干"),
    plant("units", "required", ""),
    plant("model_year", "type", "二〇一九"),
    plant("census_on", "type", "2025-06-31"),
    plant("account_id", "required", "NULL"),
];

const CENSUS: Style = Style {
    layout: Layout::Csv(Dialect { encoding: Encoding::Gb18030, ..PLAIN }),
    is_chinese: true,
    nulls: &["", "-"],
    ..OFFICE
};

/// Sends one census at the end of each year of the plan, and half a year before its end.
pub fn send(world: &World, folder: &Path, truth: &mut Truth) {
    let planter = Planter::new(world.plan.dirt, PLANTS);
    let mut table = Table::new(folder, world.dice("census"), "fleet_census", &COLUMNS, planter);
    for year in world.months.chunks(12) {
        let census_on = months::add_days(months::add(year[0], 11), 14);
        let version = months::stamp(months::add_days(census_on, 10));
        let accounts = world.accounts();
        let records: Vec<_> = accounts.iter().flat_map(|account| fleet(world, census_on, *account)).collect();
        table.send(truth, &format!("fleet_census/fleet_census_{version}.csv"), &version, &CENSUS, &records);
    }
    table.settle(truth);
}

/// The fleet of an account; the same from census to census but for what was bought since.
fn fleet(world: &World, census_on: NaiveDate, account: usize) -> Vec<Record> {
    let dice = &mut world.dice(&format!("fleet {account}"));
    let count = dice.weighted(&[2, 3, 3, 2, 1]);
    let lots: Vec<_> = (0..count).map(|_| lot(dice)).collect();
    let owned = lots.into_iter().filter(|lot| lot.2 <= i64::from(census_on.year()));
    owned.enumerate().map(|(index, lot)| record(dice, census_on, (account, index), lot)).collect()
}

/// Brand, product type, year bought and number of machines.
type Lot = (usize, usize, i64, i64);

fn lot(dice: &mut Dice) -> Lot {
    let brand = dice.weighted(&[9, 7, 5, 3, 2, 1]);
    (brand, dice.index(4), dice.between(2010, 2026), dice.between(1, 14))
}

fn record(dice: &mut Dice, census_on: NaiveDate, at: (usize, usize), lot: Lot) -> Record {
    let account = World::account_id(at.0);
    let (brand, product_type, year, units) = (BRANDS[lot.0].code, PRODUCT_TYPES[lot.1].0, lot.2, lot.3);
    let series = format!("{}{}", &brand[..2], at.1 + 1);
    let bought = months::date(i32::try_from(year).unwrap(), 2, 1);
    let bought = months::day_within(dice, bought, 4).min(census_on);
    let key = format!("{census_on}|{account}|{brand}|{product_type}|{series}|{year}");
    let values = vec![
        ("census_on", Value::Date(census_on)),
        ("account_id", Value::Text(account)),
        ("brand", Value::text(brand)),
        ("product_type", Value::text(product_type)),
        ("series", Value::Text(series)),
        ("model_year", Value::Number(year, 0)),
        ("units", Value::Number(units, 0)),
        ("purchase_date", if dice.chance(0.2) { Value::Null } else { Value::Date(bought) }),
        ("purchase_channel", Value::text(dice.pick(&["dealer", "direct", "online", "second_hand"]))),
        ("rating", if dice.chance(0.1) { Value::Null } else { Value::Number(dice.between(5, 10), 0) }),
    ];
    Record::new(key, values)
}
