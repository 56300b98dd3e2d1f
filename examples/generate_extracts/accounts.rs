//! Accounts: the CRM's customers and their contact persons as JSON Lines, a first delivery and a later one.
//!
//! The later delivery re-sends some accounts with a newer `updated_at`, which decides which of the two counts.

use std::fs;
use std::path::Path;

use chrono::{NaiveDate, NaiveDateTime, TimeDelta};
use serde_json::{Map, Value as Json};

use crate::file::{Cell, Form, Line, Row, text_of};
use crate::months;
use crate::names;
use crate::random::Dice;
use crate::spelling::{self, Mention};
use crate::style::{OFFICE, Value};
use crate::table::{Plant, Planter, Record, Table, plant, spoil_shape};
use crate::truth::{FileCounts, Truth};
use crate::world::{World, industry_word};

const ACCOUNT: [&str; 20] = [
    "account_id",
    "name",
    "tax_id",
    "phone",
    "country",
    "province",
    "city",
    "address",
    "industry",
    "kind",
    "size_revenue_amount",
    "employee_count",
    "credit_grade",
    "relationship_level",
    "parent_account_id",
    "referred_by_account_id",
    "bargaining_power",
    "focus",
    "agreement_from",
    "verified_on",
];

const CONTACT: [&str; 9] =
    ["contact_id", "account_id", "name", "sex", "birth_date", "phone", "email", "address", "buying_role"];

const ACCOUNT_PLANTS: &[Plant] = &[
    plant("size_revenue_amount", "type", "很多"),
    plant("credit_grade", "code", "E"),
    plant("verified_on", "type", "去年"),
    plant("name", "required", ""),
    plant("employee_count", "type", "about 50"),
];

const CONTACT_PLANTS: &[Plant] = &[
    plant("birth_date", "type", "1980-02-31"),
    plant("buying_role", "code", "friend"),
    plant("account_id", "required", ""),
];

/// Sends accounts and contacts.
pub fn send(world: &World, folder: &Path, truth: &mut Truth) {
    send_accounts(world, folder, truth);
    send_contacts(world, folder, truth);
}

fn send_accounts(world: &World, folder: &Path, truth: &mut Truth) {
    let columns: Vec<_> = ACCOUNT.iter().chain(&["updated_at"]).map(|name| (*name, *name)).collect();
    let planter = Planter::new(world.plan.dirt * 2.0, ACCOUNT_PLANTS);
    let mut table = Table::new(folder, world.dice("accounts"), "crm_account", &columns, planter);
    let first = months::date(2025, 6, 30);
    let accounts = world.accounts();
    for account in &accounts {
        truth.customer("crm_account", &World::account_id(*account), &world.customers[*account].id);
    }
    deliver(&mut table, folder, truth, "crm_account/crm_account_20250701.jsonl", |dice| {
        accounts.iter().map(|account| self::account(world, dice, *account, first)).collect()
    });
    let later: Vec<_> = accounts.iter().filter(|account| *account % 6 == 0).collect();
    deliver(&mut table, folder, truth, "crm_account/crm_account_20260630.jsonl", |dice| {
        later.iter().map(|account| self::account(world, dice, **account, world.plan.run_date)).collect()
    });
    table.settle(truth);
}

fn send_contacts(world: &World, folder: &Path, truth: &mut Truth) {
    let columns: Vec<_> = CONTACT.iter().map(|name| (*name, *name)).collect();
    let planter = Planter::new(world.plan.dirt * 2.0, CONTACT_PLANTS);
    let mut table = Table::new(folder, world.dice("contact persons"), "crm_contact", &columns, planter);
    deliver(&mut table, folder, truth, "crm_contact/crm_contact_20260630.jsonl", |dice| {
        world.accounts().into_iter().flat_map(|account| contacts(world, dice, account)).collect()
    });
    table.settle(truth);
}

/// Writes one file of JSON objects; the very last of all breaks off.
fn deliver(
    table: &mut Table,
    folder: &Path,
    truth: &mut Truth,
    path: &str,
    records: impl FnOnce(&mut Dice) -> Vec<(String, Record)>,
) {
    let records = records(&mut table.dice);
    let (versions, records): (Vec<_>, Vec<_>) = records.into_iter().unzip();
    let style = crate::style::Style { layout: crate::file::Layout::Workbook, ..OFFICE };
    let mut rows = table.rows(&style, &records);
    if path.starts_with("crm_contact") && table.planter.turn > 0 {
        rows.last_mut().into_iter().for_each(|row| spoil_shape(row, Form::Cut(1)));
    }
    write(table, folder, truth, path, &rows);
    for (index, version) in versions.iter().enumerate() {
        table.serve(path, version, &records[index..=index], &rows[index..=index], &[index + 1]);
    }
}

fn write(table: &Table, folder: &Path, truth: &mut Truth, path: &str, rows: &[Row]) {
    let mut text = String::new();
    let mut counts = FileCounts::new(rows.len());
    for (index, row) in rows.iter().enumerate() {
        let line = object(table, row);
        let cut = row.form != Form::Plain;
        text.push_str(if cut { &line[..40] } else { &line });
        text.push_str(if cut { "" } else { "\n" });
        counts.add(&Line::Data(row.clone()), 0);
        truth.faults(table.source, path, index + 1, &row.faults);
    }
    truth.file(table.source, path, &counts);
    fs::create_dir_all(folder.join(path).parent().unwrap()).unwrap();
    fs::write(folder.join(path), text).unwrap();
}

/// Renders a row; an empty cell is null or not there at all.
fn object(table: &Table, row: &Row) -> String {
    let mut object = Map::new();
    for (column, cell) in table.columns.iter().zip(&row.cells) {
        let value = match cell {
            Cell::Empty if column.0.len().is_multiple_of(2) => continue,
            Cell::Empty => Json::Null,
            Cell::Number(text) => serde_json::from_str(text).unwrap(),
            Cell::Text(_) | Cell::Day(_) | Cell::Moment(_) => Json::String(text_of(cell)),
        };
        object.insert(column.0.to_owned(), value);
    }
    Json::Object(object).to_string()
}

/// An account as it stood on a day, with the version that its `updated_at` gives it.
fn account(world: &World, dice: &mut Dice, index: usize, day: NaiveDate) -> (String, Record) {
    let customer = &world.customers[index];
    let updated = updated_at(dice, day);
    let mut values = who(world, dice, index);
    let kind = if index % 50 == 3 { "dealer" } else { customer.kind };
    values.extend([
        ("kind", Value::text(kind)),
        ("size_revenue_amount", Value::Number(customer.weight.pow(3) * 1700 + dice.between(1, 900_000), 2)),
        ("employee_count", Value::Number(dice.between(8, 4000), 0)),
        ("credit_grade", Value::text(["A", "B", "C", "D"][dice.weighted(&[4, 4, 2, 1])])),
        (
            "relationship_level",
            Value::text(["vendor", "preferred", "partner", "alliance"][dice.weighted(&[6, 4, 2, 1])]),
        ),
        ("bargaining_power", Value::text(dice.pick(&["high", "medium", "low"]))),
        ("focus", Value::text(dice.pick(&["price", "quality", "service", "delivery"]))),
        ("verified_on", Value::Date(months::add_days(day, -dice.between(0, 700)))),
        ("updated_at", Value::Text(format!("{}+08:00", updated.format("%Y-%m-%dT%H:%M:%S")))),
    ]);
    values.extend(ties(world, dice, index, day));
    (updated.to_string(), Record::new(World::account_id(index), values))
}

fn updated_at(dice: &mut Dice, day: NaiveDate) -> NaiveDateTime {
    months::add_days(day, -dice.between(1, 300)).and_hms_opt(9, 0, 0).unwrap()
        + TimeDelta::minutes(dice.between(0, 500))
}

fn who(world: &World, dice: &mut Dice, index: usize) -> Vec<(&'static str, Value)> {
    let customer = &world.customers[index];
    let Mention { name, tax_id, phone } = spelling::mention(world, dice, customer, 0.9);
    vec![
        ("account_id", Value::Text(World::account_id(index))),
        ("name", Value::Text(name)),
        ("tax_id", Value::maybe(tax_id.as_deref())),
        ("phone", Value::maybe(phone.as_deref())),
        ("country", Value::text(customer.country)),
        ("province", Value::text(customer.province)),
        ("city", Value::text(customer.city)),
        ("address", Value::Text(spelling::address(world, dice, index))),
        ("industry", Value::Text(industry_word(dice, customer.industry, customer.country == "CN"))),
    ]
}

/// Parents, as the world has them, and referrers are accounts of lower number, so that no circle arises.
fn ties(world: &World, dice: &mut Dice, index: usize, day: NaiveDate) -> Vec<(&'static str, Value)> {
    let mut earlier = |share: f64| {
        let other = dice.index(index.max(1));
        let is_tie = dice.chance(share) && index > 0 && world.customers[other].has_account;
        if is_tie { Value::Text(World::account_id(other)) } else { Value::Null }
    };
    let referrer = earlier(0.15);
    let parent = world.parent(index).map_or(Value::Null, |parent| Value::Text(World::account_id(parent)));
    let agreement = dice.chance(0.15).then(|| months::add_days(day, -dice.between(100, 3000)));
    vec![
        ("parent_account_id", parent),
        ("referred_by_account_id", referrer),
        ("agreement_from", Value::date(agreement)),
    ]
}

fn contacts(world: &World, dice: &mut Dice, account: usize) -> Vec<(String, Record)> {
    let customer = &world.customers[account];
    let mut out = Vec::new();
    for number in 0..world.person_count(account) {
        let id = World::person_id(account, number);
        let born = months::add_days(months::date(1962, 1, 1), dice.between(0, 14_000));
        let values = vec![
            ("contact_id", Value::text(&id)),
            ("account_id", Value::Text(World::account_id(account))),
            ("name", Value::Text(names::person(dice, customer.country == "CN"))),
            ("sex", Value::text(dice.pick(&["male", "female"]))),
            ("birth_date", if dice.chance(0.3) { Value::Null } else { Value::Date(born) }),
            ("phone", Value::Text(names::phone(dice, customer.country))),
            ("email", Value::Text(format!("p{account}.{number}@example.com"))),
            ("address", if dice.chance(0.5) { Value::Null } else { Value::text(customer.city) }),
            ("buying_role", Value::text(["decider", "influencer", "user", "buyer"][dice.index(4)])),
        ];
        out.push((String::new(), Record::new(id, values)));
    }
    out
}
