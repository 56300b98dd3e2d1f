//! Registrations: five years of the market by month, place, product type, industry and brand, restated now and then.
//!
//! The third month was never published. Brands grow and shrink by province, so that shares move; a few rows carry a
//! province, a brand or an industry that no reference table knows. In one country nobody tells the prices of compressors.

use std::path::Path;

use chrono::{Datelike, NaiveDate};

use crate::months;
use crate::places::{BRANDS, Brand, INDUSTRIES, PLACES, PRODUCT_TYPES, Place, SEASON, mark, product_word};
use crate::random::Dice;
use crate::style::{OFFICE, Value};
use crate::table::{Plant, Planter, Record, Table, plant};
use crate::truth::Truth;
use crate::world::World;

const COLUMNS: [(&str, &str); 8] = [
    ("month", "月份"),
    ("province", "省份"),
    ("country", "国家"),
    ("product_type", "产品类型"),
    ("industry", "行业"),
    ("brand", "品牌"),
    ("units", "销量"),
    ("average_price", "均价"),
];

const PLANTS: &[Plant] = &[
    plant("units", "type", "约20"),
    plant("month", "type", "2024-13-01"),
    plant("brand", "required", "-"),
    plant("average_price", "type", "未公布"),
    plant("units", "required", "NULL"),
    plant("units", "overflow", "9999999999999999999999"),
    plant("product_type", "code", "时光机"),
];

/// What the product of the weights is divided by to get units.
const SCALE: i64 = 2_000_000_000;

/// Sends the half-years one after the other, then two restatements.
pub fn send(world: &World, folder: &Path, truth: &mut Truth) {
    let dice = world.dice("registration");
    let planter = Planter::new(world.plan.dirt / 4.0, PLANTS);
    let mut table = Table::new(folder, dice, "market_registration", &COLUMNS, planter);
    let months = months::ending(world.plan.run_date, 60);
    for half in months.chunks(6) {
        let published = months::add_days(months::add(half[half.len() - 1], 1), 12);
        let told: Vec<_> = half.iter().copied().filter(|month| *month != months[2]).collect();
        file(world, &mut table, truth, &told, published);
    }
    for (from, to) in [(30, 34), (44, 47)] {
        let published = months::add_days(months::add(months[to], 2), 20);
        file(world, &mut table, truth, &months[from..to], published);
    }
    table.settle(truth);
}

/// Writes one file; whatever is published after a half-year's own file restates its units.
fn file(world: &World, table: &mut Table, truth: &mut Truth, months: &[NaiveDate], published: NaiveDate) {
    let version = months::stamp(published);
    let is_restated = months.len() < 5;
    let name = if is_restated { "restated" } else { "registration" };
    let path = format!("market_registration/{name}_{}_{version}.csv", months[0].format("%Y%m"));
    let mut records = Vec::new();
    for month in months {
        for place in &PLACES {
            for (product_type, price) in PRODUCT_TYPES {
                records.extend(cell(world, (*month, place, product_type, price), is_restated));
            }
        }
    }
    table.send(truth, &path, &version, &OFFICE, &records);
}

type Market = (NaiveDate, &'static Place, &'static str, i64);

/// The rows of a month, place and product type: one or two industries, the brands that are there.
fn cell(world: &World, market: Market, is_restated: bool) -> Vec<Record> {
    let (month, place, product_type, _) = market;
    let dice = &mut world.dice(&format!("registration {month} {} {product_type} {is_restated}", place.province));
    let first = mark(&[place.province, product_type]);
    let count = if place.weight > 8 { 2 } else { 1 };
    let mut records = Vec::new();
    for step in 0..count {
        let industry = usize::try_from((first + step * 3) % 8).unwrap();
        for brand in &BRANDS {
            records.extend(row(dice, market, industry, brand));
        }
    }
    records
}

fn row(dice: &mut Dice, market: Market, industry: usize, brand: &Brand) -> Option<Record> {
    let (month, place, product_type, price) = market;
    let taste = mark(&[place.province, product_type, brand.code]) % 100;
    if taste < 30 && brand.role != "own" {
        return None;
    }
    let age = months::between(months::date(2021, 7, 1), month);
    let season = SEASON[usize::try_from(month.month0()).unwrap()];
    let growth = 1200 + age * (INDUSTRIES[industry].growth + brand.momentum + (taste % 9 - 4) * 3);
    let strength = if brand.role == "own" && product_type == "excavator" { brand.weight / 2 } else { brand.weight };
    let size = place.weight * strength * (60 + taste) * season * growth.max(100);
    let units = (size / 100 * dice.between(80, 120) + dice.between(0, SCALE - 1)) / SCALE;
    (units > 0 || brand.role == "own").then(|| record(dice, market, industry, (brand, units, price)))
}

fn record(dice: &mut Dice, market: Market, industry: usize, offer: (&Brand, i64, i64)) -> Record {
    let (month, place, product_type, _) = market;
    let (brand, units, price) = offer;
    let age = months::between(months::date(2021, 7, 1), month);
    let average = price * brand.price / 100 * (990 + age + dice.between(-15, 15)) / 1000 / 100 * 100;
    let (province, industry, name) = words(dice, place, industry, brand);
    let key = format!("{month}|{province}|{}|{product_type}|{industry}|{name}", place.country);
    let is_secret = place.province == "KZ" && product_type == "compressor";
    let price = if dice.chance(0.005) || units == 0 || is_secret { Value::Null } else { Value::Number(average, 0) };
    let values = vec![
        ("month", Value::Date(month)),
        ("province", Value::Text(province)),
        ("country", Value::text(place.country)),
        ("product_type", Value::text(product_word(product_type))),
        ("industry", Value::Text(industry)),
        ("brand", Value::Text(name)),
        ("units", Value::Number(units, 0)),
        ("average_price", price),
    ];
    Record::new(key, values)
}

/// One row in a thousand names a place, an industry or a brand that nobody knows.
fn words(dice: &mut Dice, place: &Place, industry: usize, brand: &Brand) -> (String, String, String) {
    let mut words = (place.province.to_owned(), INDUSTRIES[industry].code.to_owned(), brand.code.to_owned());
    match dice.index(1500) {
        0 if place.country == "CN" => "未知省".clone_into(&mut words.0),
        1 => "hobby".clone_into(&mut words.1),
        2 => "NONAME".clone_into(&mut words.2),
        _ => {}
    }
    words
}
