//! Contact log: every call, mail and visit that reached the house, one file per year of the plan.
//!
//! Some follow a delivery, some belong to a campaign, some come from people whom nobody asked for their company.

use std::path::Path;

use chrono::{NaiveDate, TimeDelta};

use crate::campaigns::{self, Campaign};
use crate::months;
use crate::random::Dice;
use crate::sales::Acceptance;
use crate::spelling::{self, Mention};
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
pub fn send(world: &World, campaigns: &[Campaign], acceptances: &[Acceptance], folder: &Path, truth: &mut Truth) {
    let planter = Planter::new(world.plan.dirt * 1.5, PLANTS);
    let mut table = Table::new(folder, world.dice("contacts"), "contact_log", &COLUMNS, planter);
    for year in world.months.chunks(12) {
        let months = i64::try_from(year.len()).unwrap();
        let end = months::add(year[0], months);
        let version = months::stamp(months::add_days(end, 2));
        let days = days(world, acceptances, (year[0], end));
        let dice = &mut world.dice(&format!("contacts {}", year[0]));
        let records: Vec<_> =
            (0..).zip(days).map(|(number, at)| record(world, truth, dice, (number, at), campaigns)).collect();
        table.send(truth, &format!("contact_log/contact_log_{version}.csv"), &version, &OFFICE, &records);
    }
    table.settle(truth);
}

/// Who calls on which days of a year: anybody, and three in ten of those who were delivered to.
fn days(world: &World, acceptances: &[Acceptance], (from, end): (NaiveDate, NaiveDate)) -> Vec<Acceptance> {
    let dice = &mut world.dice(&format!("contact days {from}"));
    let months = months::between(from, end);
    let size = world.plan.customers * months / 12 + 60;
    let anybody = |dice: &mut Dice| (dice.index(world.customers.len()), months::day_within(dice, from, months));
    let mut days: Vec<_> = (0..size).map(|_| anybody(dice)).collect();
    for (customer, accepted_on) in acceptances {
        let day = months::add_days(*accepted_on, dice.between(0, 10));
        if dice.chance(0.3) && from <= day && day < end {
            days.push((*customer, day));
        }
    }
    days.sort_unstable_by_key(|(customer, day)| (*day, *customer));
    days
}

fn record(
    world: &World,
    truth: &mut Truth,
    dice: &mut Dice,
    (number, (index, day)): (i64, Acceptance),
    campaigns: &[Campaign],
) -> Record {
    let id = format!("CT{}-{number:05}", day.format("%y%m"));
    let customer = &world.customers[index];
    let contacted = months::time_on(dice, day);
    let waited = if dice.chance(0.7) { dice.between(1, 59) } else { dice.between(61, 4000) };
    let responded = (!dice.chance(0.05)).then(|| contacted + TimeDelta::minutes(waited));
    let is_named = !dice.chance(0.04);
    if is_named {
        truth.customer("contact_log", &id, &customer.id);
    }
    let Mention { name, phone, .. } = spelling::mention(world, dice, customer, 0.0);
    let channel = CHANNELS[dice.weighted(&[9, 4, 3, 5, 6, 1, 3, 2, 2, 1])];
    let share = if channel == "exhibition" { 0.9 } else { 0.12 };
    let campaign = dice.chance(share).then(|| campaigns::behind(campaigns, dice, day)).flatten();
    let is_domestic = if dice.chance(0.02) { Value::Null } else { Value::Flag(customer.country == "CN") };
    let values = vec![
        ("contact_no", Value::text(&id)),
        ("contacted_at", Value::Time(contacted)),
        ("responded_at", Value::time(responded)),
        ("channel", Value::text(channel)),
        ("kind", Value::text(["inquiry", "order", "complaint"][dice.weighted(&[6, 2, 3])])),
        ("topic", Value::text(dice.pick(&["price", "delivery", "spare parts", "operation", "warranty", "training"]))),
        ("customer_name", if is_named { Value::Text(name) } else { Value::Null }),
        ("phone", Value::maybe(phone.as_deref().filter(|_| is_named))),
        ("is_domestic", is_domestic),
        ("campaign_id", Value::maybe(campaign.as_deref())),
    ];
    Record::new(id, values)
}
