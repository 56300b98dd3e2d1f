//! Visits to accounts: regular ones to the big, those after a lost opportunity or a delivery, and any others.

use chrono::NaiveDate;

use crate::crm::{MANAGERS, Opportunity};
use crate::months;
use crate::random::Dice;
use crate::sales::Acceptance;
use crate::style::Value;
use crate::table::Record;
use crate::world::World;

/// Columns of the database's table.
pub const COLUMNS: &[(&str, &str)] = &[
    ("visit_id", "TEXT"),
    ("account_id", "TEXT"),
    ("visited_on", "TEXT"),
    ("minutes", "INTEGER"),
    ("visitor", "TEXT"),
    ("visitor_role", "TEXT"),
    ("contact_id", "TEXT"),
    ("opportunity_id", "TEXT"),
    ("report_filed_on", "TEXT"),
    ("purpose", "TEXT"),
];

const ROLES: [&str; 5] = ["key_account_manager", "regional_manager", "seller", "service", "executive"];
const KEY_ACCOUNT_MANAGER: usize = 0;
const REGIONAL_MANAGER: usize = 1;
const SELLER: usize = 2;
const SERVICE: usize = 3;
const EXECUTIVE: usize = 4;

/// A visit before it has its number.
struct Visit<'a> {
    account: usize,
    day: NaiveDate,
    role: usize,
    opportunity: Option<&'a str>,
    purpose: &'static str,
}

/// Lists all visits in order of their days.
pub fn records(
    world: &World,
    opportunities: &[Opportunity],
    acceptances: &[Acceptance],
) -> impl Iterator<Item = Record> {
    let mut dice = world.dice("visits");
    let mut visits = scattered(world, &mut dice, opportunities);
    visits.extend(after_losses(&mut dice, opportunities));
    visits.extend(regular(world, &mut dice));
    visits.extend(after_deliveries(world, &mut dice, acceptances));
    visits.sort_by_key(|visit| visit.day);
    (1..).zip(visits).map(move |(number, visit)| record(world, &mut dice, number, &visit))
}

fn scattered<'a>(world: &World, dice: &mut Dice, opportunities: &'a [Opportunity]) -> Vec<Visit<'a>> {
    let accounts = world.accounts();
    let count = world.plan.customers * world.plan.months / 14;
    let mut visits = Vec::new();
    for _ in 0..count {
        let opportunity = &opportunities[dice.index(opportunities.len())];
        let is_bound = dice.chance(0.4);
        let account = if is_bound { opportunity.account } else { accounts[dice.index(accounts.len())] };
        let from = if is_bound { opportunity.opened_on } else { world.months[0] };
        let span = if is_bound { 200 } else { world.plan.months * 30 };
        visits.push(Visit {
            account,
            day: months::add_days(from, dice.between(0, span)),
            role: dice.weighted(&[5, 2, 8, 4, 1]),
            opportunity: is_bound.then_some(opportunity.id.as_str()),
            purpose: dice.pick(&["offer", "care", "complaint", "training", "negotiation"]),
        });
    }
    visits
}

/// Somebody calls on two in five lost customers, most of them within a month.
fn after_losses<'a>(dice: &mut Dice, opportunities: &'a [Opportunity]) -> Vec<Visit<'a>> {
    let lost = opportunities.iter().filter(|one| one.is_lost());
    let lost: Vec<_> = lost.filter_map(|one| Some((one, one.closed_on?))).filter(|_| dice.chance(0.4)).collect();
    let visit = |(one, closed_on): (&'a Opportunity, NaiveDate)| Visit {
        account: one.account,
        day: months::add_days(closed_on, dice.between(0, 40)),
        role: SELLER,
        opportunity: Some(&one.id),
        purpose: "loss",
    };
    lost.into_iter().map(visit).collect()
}

/// Big accounts see their manager most months, the regional manager by half-year and an executive once a year.
fn regular<'a>(world: &World, dice: &mut Dice) -> Vec<Visit<'a>> {
    let mut visits = Vec::new();
    for account in world.accounts().into_iter().filter(|account| world.is_big(*account)) {
        let care = [0.95, 0.7, 0.4][account % 3];
        for (role, every) in [(KEY_ACCOUNT_MANAGER, 1), (REGIONAL_MANAGER, 6), (EXECUTIVE, 12)] {
            for months in world.months.chunks(every) {
                let day = months::day_within(dice, months[0], i64::try_from(months.len()).unwrap());
                if dice.chance(care) {
                    visits.push(Visit { account, day, role, opportunity: None, purpose: "care" });
                }
            }
        }
    }
    visits
}

/// Service looks in soon after some of the deliveries.
fn after_deliveries<'a>(world: &World, dice: &mut Dice, acceptances: &[Acceptance]) -> Vec<Visit<'a>> {
    let known = acceptances.iter().filter(|(customer, _)| world.customers[*customer].has_account);
    let some: Vec<_> = known.filter(|_| dice.chance(0.3)).collect();
    let visit = |(account, accepted_on): &Acceptance| Visit {
        account: *account,
        day: months::add_days(*accepted_on, dice.between(0, 12)),
        role: SERVICE,
        opportunity: None,
        purpose: "delivery",
    };
    some.into_iter().map(visit).collect()
}

/// Mostly the first contact person is met, who need not be the one that decides.
fn record(world: &World, dice: &mut Dice, number: i64, visit: &Visit) -> Record {
    let id = format!("V{number:06}");
    let filed = dice.chance(0.8).then(|| months::add_days(visit.day, dice.between(0, 6)));
    let person = if dice.chance(0.6) { 0 } else { dice.index(world.person_count(visit.account)) };
    let dealer = &world.dealers[world.customers[visit.account].dealers[0]];
    let visitor = if visit.role == SELLER { &dealer.sellers[dice.index(4)] } else { dice.pick(&MANAGERS) };
    let is_met = !dice.chance(0.1);
    let values = vec![
        ("visit_id", Value::text(&id)),
        ("account_id", Value::Text(World::account_id(visit.account))),
        ("visited_on", Value::Date(visit.day)),
        ("minutes", Value::Number(dice.between(2, 24) * 10, 0)),
        ("visitor", Value::text(visitor)),
        ("visitor_role", Value::text(ROLES[visit.role])),
        ("contact_id", if is_met { Value::Text(World::person_id(visit.account, person)) } else { Value::Null }),
        ("opportunity_id", Value::maybe(visit.opportunity)),
        ("report_filed_on", Value::date(filed)),
        ("purpose", Value::text(visit.purpose)),
    ];
    Record::new(id, values)
}
