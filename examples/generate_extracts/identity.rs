//! Identity records: nothing but who is who, for benches of identification, with the truth about each record.
//!
//! World → flat files of at most 100,000 records. Seven in ten customers have one record; the others stand in several
//! sources, twice to six times, each time as that source's clerk wrote them. Record keys say nothing of the customer.

use std::path::Path;

use crate::months;
use crate::spelling::{self, Mention};
use crate::style::{OFFICE, Value};
use crate::table::{Planter, Record, Table};
use crate::truth::Truth;
use crate::world::{World, industry_word};

const COLUMNS: [(&str, &str); 11] = [
    ("record_key", "record_key"),
    ("source", "source"),
    ("name", "name"),
    ("tax_id", "tax_id"),
    ("phone", "phone"),
    ("country", "country"),
    ("province", "province"),
    ("city", "city"),
    ("address", "address"),
    ("industry", "industry"),
    ("seen_on", "seen_on"),
];

/// Sources with how often they ask for the tax id, and whether they know the place and more.
const SOURCES: [(&str, f64, bool); 5] = [
    ("dealer_sales", 0.75, true),
    ("crm_account", 0.9, true),
    ("complaint", 0.3, true),
    ("contact_log", 0.0, false),
    ("dealer_sales", 0.75, true),
];

/// Records of a file.
const PORTION: usize = 100_000;

/// Sends the records, first one of each customer, then the second of those that have two, and so on.
pub fn send(world: &World, folder: &Path, truth: &mut Truth) {
    let planter = Planter::new(0.0, &[]);
    let mut table = Table::new(folder, world.dice("identity"), "customer_record", &COLUMNS, planter);
    let counts: Vec<_> = (0..world.customers.len()).map(|customer| count(world, customer)).collect();
    let (mut number, mut records) = (0, Vec::new());
    for round in 0..6 {
        for (customer, _) in counts.iter().enumerate().filter(|(_, count)| **count > round) {
            records.push(record(world, truth, (customer, round), number));
            number += 1;
            if records.len() == PORTION {
                send_file(&mut table, truth, number, &mut records);
            }
        }
    }
    send_file(&mut table, truth, number, &mut records);
    table.settle(truth);
}

fn send_file(table: &mut Table, truth: &mut Truth, number: usize, records: &mut Vec<Record>) {
    let path = format!("customer_record/customer_record_{:03}.csv", number.div_ceil(PORTION));
    if !records.is_empty() {
        table.send(truth, &path, "", &OFFICE, records);
    }
    records.clear();
}

fn count(world: &World, customer: usize) -> usize {
    let dice = &mut world.dice(&format!("records of {customer}"));
    if dice.chance(0.3) { 2 + dice.weighted(&[40, 30, 18, 8, 4]) } else { 1 }
}

fn record(world: &World, truth: &mut Truth, (index, round): (usize, usize), number: usize) -> Record {
    let dice = &mut world.dice(&format!("record {index} {round}"));
    let customer = &world.customers[index];
    let (source, tax_share, knows_more) = SOURCES[(index + round) % SOURCES.len()];
    let key = format!("R{:08x}", number.wrapping_mul(2_654_435_761) % (1 << 32));
    truth.customer("customer_record", &key, &customer.id);
    let Mention { name, tax_id, phone } = spelling::mention(world, dice, customer, tax_share);
    let address = spelling::address(world, dice, index);
    let industry = industry_word(dice, customer.industry, customer.country == "CN");
    let seen_on = months::day_within(dice, world.months[0], world.plan.months);
    let mut more = |text: String| {
        if knows_more && !dice.chance(0.1) { Value::Text(text) } else { Value::Null }
    };
    let values = vec![
        ("record_key", Value::text(&key)),
        ("source", Value::text(source)),
        ("name", Value::Text(name)),
        ("tax_id", Value::maybe(tax_id.as_deref())),
        ("phone", Value::maybe(phone.as_deref())),
        ("country", Value::text(customer.country)),
        ("province", more(customer.province.to_owned())),
        ("city", more(customer.city.to_owned())),
        ("address", more(address)),
        ("industry", more(industry)),
        ("seen_on", Value::Date(seen_on)),
    ];
    Record::new(key, values)
}
