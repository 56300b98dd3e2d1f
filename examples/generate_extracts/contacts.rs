//! Contact log: every call, mail and visit that reached the house, one file per year of the plan.

use std::path::Path;

use chrono::{NaiveDate, TimeDelta};

use crate::months;
use crate::names;
use crate::random::Dice;
use crate::style::{OFFICE, Value};
use crate::table::{Plant, Planter, Record, Table, plant};
use crate::truth::Truth;
use crate::world::World;

const COLUMNS: [(&str, &str); 10] = [
    ("contact_no", "contact_no"),
    ("contacted_at", "contacted_at"),
    ("responded_at", "responded_at"),
    ("channel", "channel"),
    ("kind", "kind"),
    ("topic", "topic"),
    ("customer_name", "customer_name"),
    ("phone", "phone"),
    ("is_domestic", "is_domestic"),
    ("campaign_id", "campaign_id"),
];

const PLANTS: &[Plant] = &[
    plant("channel", "code", "pigeon"),
    plant("contacted_at", "type", "soon"),
    plant("is_domestic", "type", "perhaps"),
    plant("contact_no", "required", "NULL"),
    plant("kind", "code", "gossip"),
];

const CHANNELS: [&str; 10] = [
    "call_center",
    "service_site",
    "trade_site",
    "email",
    "phone",
    "president_hotline",
    "visit",
    "meeting",
    "exhibition",
    "fax",
];

/// Sends the log.
pub fn send(world: &World, folder: &Path, truth: &mut Truth) {
    let planter = Planter::new(world.plan.dirt * 1.5, PLANTS);
    let mut table = Table::new(folder, world.dice("contacts"), "contact_log", &COLUMNS, planter);
    for year in world.months.chunks(12) {
        let months = i64::try_from(year.len()).unwrap();
        let captured = months::add_days(months::add(year[0], months), 2);
        let version = months::stamp(captured);
        let records = records(world, truth, year[0], months);
        table.send(truth, &format!("contact_log/contact_log_{version}.csv"), &version, &OFFICE, &records);
    }
    table.settle(truth);
}

fn records(world: &World, truth: &mut Truth, from: NaiveDate, months: i64) -> Vec<Record> {
    let dice = &mut world.dice(&format!("contacts {from}"));
    let size = world.plan.customers * months / 12 + 60;
    let mut days: Vec<_> = (0..size).map(|_| months::day_within(dice, from, months)).collect();
    days.sort_unstable();
    (0..).zip(days).map(|(number, day)| record(world, truth, dice, (number, day))).collect()
}

fn record(world: &World, truth: &mut Truth, dice: &mut Dice, at: (i64, NaiveDate)) -> Record {
    let id = format!("CT{}-{:05}", at.1.format("%y%m"), at.0);
    let customer = &world.customers[dice.index(world.customers.len())];
    truth.customer("contact_log", &id, &customer.id);
    let contacted = months::time_on(dice, at.1);
    let waited = if dice.chance(0.7) { dice.between(1, 59) } else { dice.between(61, 4000) };
    let responded = (!dice.chance(0.05)).then(|| contacted + TimeDelta::minutes(waited));
    let name =
        if dice.chance(0.3) { names::variant(dice, &customer.name, customer.province) } else { customer.name.clone() };
    let values = vec![
        ("contact_no", Value::text(&id)),
        ("contacted_at", Value::Time(contacted)),
        ("responded_at", Value::time(responded)),
        ("channel", Value::text(CHANNELS[dice.weighted(&[9, 4, 3, 5, 6, 1, 3, 2, 2, 1])])),
        ("kind", Value::text(["inquiry", "order", "complaint"][dice.weighted(&[6, 2, 3])])),
        ("topic", Value::text(dice.pick(&["price", "delivery", "spare parts", "operation", "warranty", "training"]))),
        ("customer_name", Value::Text(name)),
        ("phone", Value::Text(names::phone_variant(dice, &customer.phone))),
        ("is_domestic", Value::Flag(customer.country == "CN")),
        ("campaign_id", Value::Null),
    ];
    Record::new(id, values)
}
