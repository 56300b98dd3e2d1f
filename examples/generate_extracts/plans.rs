//! Account plans: what is to be sold to an account in a year, with the actions and reviews that are to bring it about.
//!
//! World → two workbooks a year of each source: plans in January and what July changed; actions in January, all open,
//! and again a year later (this year: now) with the days on which they were done.

use std::collections::BTreeSet;
use std::path::Path;

use chrono::{Datelike, NaiveDate};

use crate::crm;
use crate::months;
use crate::places::{self, PRODUCT_TYPES, mark, product_word};
use crate::random::Dice;
use crate::style::{self, Style, Value};
use crate::table::{Plant, Planter, Record, Table, headers, plant};
use crate::targets;
use crate::truth::Truth;
use crate::world::World;

const PLAN: [(&str, &str); 8] = [
    ("account_id", "客户号"),
    ("year", "年度"),
    ("product_type", "产品类型"),
    ("region", "大区"),
    ("planned_revenue", "计划收入(万元)"),
    ("planned_contribution_rate", "计划贡献率"),
    ("planned_account_cost", "计划客户费用"),
    ("planned_wallet_share", "计划份额"),
];
const ACTION: [(&str, &str); 7] = [
    ("account_id", "客户号"),
    ("year", "年度"),
    ("kind", "类别"),
    ("owner", "负责人"),
    ("department", "部门"),
    ("due_on", "应完成日期"),
    ("done_on", "完成日期"),
];

const PLAN_PLANTS: &[Plant] = &[
    plant("planned_revenue", "type", "尽量多"),
    plant("year", "type", "明年"),
    plant("account_id", "required", "无"),
    plant("planned_wallet_share", "type", "一半"),
];
const ACTION_PLANTS: &[Plant] =
    &[plant("kind", "code", "聚餐"), plant("due_on", "type", "2025-06-31"), plant("due_on", "required", "")];

const BOOK: Style = Style { nulls: &["", "-"], untidy: 0.005, ..style::BOOK };

/// Sends the workbooks of each year that the plan of the world touches.
pub fn send(world: &World, folder: &Path, truth: &mut Truth) {
    let planter = |plants| Planter::new(world.plan.dirt, plants);
    let mut plans = Table::new(folder, world.dice("plans"), "account_plan", &PLAN, planter(PLAN_PLANTS));
    let mut actions = Table::new(folder, world.dice("actions"), "plan_action", &ACTION, planter(ACTION_PLANTS));
    plans.sheet = "计划";
    actions.sheet = "行动";
    let accounts: Vec<_> = world.accounts().into_iter().filter(|account| is_planned(world, *account)).collect();
    for year in world.months[0].year()..=world.plan.run_date.year() {
        send_plans(world, &mut plans, truth, (year, &accounts));
        send_actions(world, &mut actions, truth, (year, &accounts));
    }
    plans.settle(truth);
    actions.settle(truth);
}

fn is_planned(world: &World, account: usize) -> bool {
    world.is_big(account) || mark(&[&world.customers[account].id, "plan"]) % 4 == 0
}

/// January's workbook counts in 万元, July's in yuan.
fn send_plans(world: &World, table: &mut Table, truth: &mut Truth, (year, accounts): (i32, &[usize])) {
    for (captured, is_change) in [(months::date(year, 1, 10), false), (months::date(year, 7, 8), true)] {
        let version = months::stamp(captured);
        let mut columns = PLAN;
        columns[4].1 = if is_change { "计划收入" } else { PLAN[4].1 };
        table.columns = headers(&columns, true);
        let some = accounts.iter().filter(|account| !is_change || **account % 5 == 0);
        let records = some.flat_map(|account| plans(world, (*account, year), is_change));
        table.send_books(truth, (&format!("account_plan/客户计划_{year}"), &version), &BOOK, records);
    }
}

/// One or two product types at home, and a second region of some groups.
fn plans(world: &World, which: (usize, i32), is_change: bool) -> Vec<Record> {
    let (account, year) = which;
    let dice = &mut world.dice(&format!("plan {account} {year} {is_change}"));
    let customer = &world.customers[account];
    let home = places::region(customer.province);
    let first = usize::try_from(mark(&[&customer.id])).unwrap() % PRODUCT_TYPES.len();
    let mut plans = vec![plan(world, dice, which, (first, home, 75), is_change)];
    if account % 3 == 0 {
        plans.push(plan(world, dice, which, ((first + 1) % PRODUCT_TYPES.len(), home, 10), is_change));
    }
    if account.is_multiple_of(7) && home != "华东" {
        plans.push(plan(world, dice, which, (first, "华东", 8), is_change));
    }
    plans
}

fn plan(
    world: &World,
    dice: &mut Dice,
    (account, year): (usize, i32),
    (product_type, region, percent): (usize, &str, i64),
    is_change: bool,
) -> Record {
    let account_id = World::account_id(account);
    let kind = PRODUCT_TYPES[product_type].0;
    let yuan = expected_yuan(world, account, year) * percent / 100 * dice.between(70, 140) / 100;
    let share = |percent: i64, is_text: bool| {
        if is_text { Value::Text(format!("{percent}%")) } else { Value::Number(percent, 2) }
    };
    let (contribution, wallet, is_text) = (dice.between(12, 34), dice.between(20, 95), dice.chance(0.4));
    let values = vec![
        ("account_id", Value::text(&account_id)),
        ("year", Value::Number(i64::from(year), 0)),
        ("product_type", Value::text(if is_change { kind } else { product_word(kind) })),
        ("region", Value::text(region)),
        ("planned_revenue", Value::Number(yuan.max(20_000) * 100, if is_change { 2 } else { 6 })),
        ("planned_contribution_rate", share(contribution, is_text)),
        ("planned_account_cost", Value::Number(dice.between(5, 90) * 1000, 0)),
        ("planned_wallet_share", share(wallet, is_text)),
    ];
    let mut record = Record::new(format!("{account_id}|{year}|{kind}|{region}"), values);
    if dice.chance(world.plan.dirt) {
        record.set("planned_wallet_share", &Value::Number(135, 2));
        record.breaks("wallet_share_within_one");
    }
    record
}

/// The part of the expected revenue of its dealer that the customer's weight stands for.
fn expected_yuan(world: &World, account: usize, year: i32) -> i64 {
    let customer = &world.customers[account];
    let dealer = customer.dealers[0];
    let all: i64 = world.clients[dealer].iter().map(|client| world.customers[*client].weight).sum();
    let quarter = |quarter: i64| targets::expected(world, dealer, months::add(months::date(year, 1, 1), quarter * 3));
    let orders: i64 = (0..4).map(quarter).sum();
    orders * 6_600 * customer.weight / all.max(1)
}

fn send_actions(world: &World, table: &mut Table, truth: &mut Truth, (year, accounts): (i32, &[usize])) {
    let last = world.plan.run_date;
    let seen = months::date(year + 1, 1, 6).min(months::add_days(last, 4));
    for captured in [months::date(year, 1, 12), seen] {
        let version = months::stamp(captured);
        let records = accounts.iter().flat_map(|account| actions(world, (*account, year), captured));
        table.send_books(truth, (&format!("plan_action/客户行动_{year}"), &version), &BOOK, records);
    }
}

/// Two to five actions and a review each quarter, or one a year; the same ones whenever they are seen.
fn actions(world: &World, (account, year): (usize, i32), seen: NaiveDate) -> Vec<Record> {
    let dice = &mut world.dice(&format!("actions {account} {year}"));
    let reviews = if world.is_big(account) { 4 } else { 1 };
    let mut taken = BTreeSet::new();
    let mut records = Vec::new();
    for number in 0..reviews + dice.between(2, 5) {
        let is_review = number < reviews;
        let due_on = if is_review {
            months::add_days(months::add(months::date(year, 1, 1), 12 / reviews * (number + 1)), -1)
        } else {
            months::add_days(months::date(year, 1, 20), dice.between(0, 330))
        };
        let record = action(dice, (account, year), (is_review, due_on), seen);
        if taken.insert(record.key.clone()) {
            records.push(record);
        }
    }
    records
}

fn action(dice: &mut Dice, which: (usize, i32), what: (bool, NaiveDate), seen: NaiveDate) -> Record {
    let account_id = World::account_id(which.0);
    let (is_review, due_on) = what;
    let kind = if is_review { "评审" } else { "行动" };
    let owner = dice.pick(&crm::MANAGERS);
    let department = dice.pick(&["销售部", "服务部", "市场部", "技术部"]);
    let done_on = match dice.weighted(&[60, 22, 18]) {
        0 => Some(months::add_days(due_on, -dice.between(0, 20))),
        1 => Some(months::add_days(due_on, dice.between(1, 60))),
        _ => None,
    };
    let values = vec![
        ("account_id", Value::text(&account_id)),
        ("year", Value::Number(i64::from(which.1), 0)),
        ("kind", Value::text(kind)),
        ("owner", Value::text(owner)),
        ("department", Value::text(department)),
        ("due_on", Value::Date(due_on)),
        ("done_on", Value::date(done_on.filter(|day| *day <= seen))),
    ];
    Record::new(format!("{account_id}|{}|{kind}|{owner}|{department}|{due_on}", which.1), values)
}
