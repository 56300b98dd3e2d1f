//! Corrective actions: what departments, dealers and suppliers were made to set right, by year, in two forms of file.
//!
//! Complaints, surveys, intelligence, lost orders and benchmarks give rise to them. Some defects come back soon after
//! the proof that they were gone. A later file tells how the open ones of the year before went on.

use std::path::Path;

use chrono::{Datelike, NaiveDate};

use crate::complaints::{Complaint, DEPARTMENTS, SUPPLIERS};
use crate::file::{Dialect, Encoding, Layout, PLAIN};
use crate::months;
use crate::random::Dice;
use crate::style::{Dates, OFFICE, Style, Value};
use crate::table::{Plant, Planter, Record, Table, headers, plant};
use crate::truth::Truth;
use crate::world::World;

const COLUMNS: [(&str, &str); 10] = [
    ("action_no", "整改编号"),
    ("origin", "来源"),
    ("complaint_id", "投诉编号"),
    ("defect", "故障现象"),
    ("party_kind", "责任方类别"),
    ("party", "责任方"),
    ("opened_on", "立项日期"),
    ("due_on", "应完成日期"),
    ("done_on", "完成日期"),
    ("verified_on", "验证日期"),
];

const PLANTS: &[Plant] = &[
    plant("origin", "code", "梦境"),
    plant("party_kind", "code", "路人"),
    plant("due_on", "type", "2025/2/30"),
    plant("opened_on", "required", "-"),
    plant("verified_on", "type", "待验证"),
];

const ORIGINS: [(&str, &str); 5] = [
    ("complaint", "投诉"),
    ("survey", "满意度调查"),
    ("intelligence", "竞争情报"),
    ("loss_report", "丢单报告"),
    ("benchmark_gap", "标杆差距"),
];
const PARTIES: [(&str, &str); 3] = [("dealer", "经销商"), ("supplier", "供应商"), ("department", "部门")];
/// What is wrong where nobody complained.
const GAPS: [&str; 5] = ["交货延误", "报价缓慢", "备件缺货", "价格偏高", "态度差"];

const CHINESE: Style = Style {
    layout: Layout::Csv(Dialect { encoding: Encoding::Gb18030, ..PLAIN }),
    is_chinese: true,
    dates: Dates::Slashes,
    nulls: &["", "", "-", "无"],
    ..OFFICE
};

struct Action {
    number: String,
    origin: usize,
    complaint: Option<String>,
    defect: &'static str,
    party_kind: usize,
    party: String,
    opened_on: NaiveDate,
    due_on: NaiveDate,
    done_on: Option<NaiveDate>,
    verified_on: Option<NaiveDate>,
}

/// Sends a file a year, in Chinese or as codes.
pub fn send(world: &World, complaints: &[Vec<Complaint>], folder: &Path, truth: &mut Truth) {
    let actions = actions(world, complaints);
    let planter = Planter::new(world.plan.dirt * 1.5, PLANTS);
    let mut table = Table::new(folder, world.dice("corrective"), "corrective_action", &COLUMNS, planter);
    for year in world.months[0].year()..=world.plan.run_date.year() {
        let is_chinese = year % 2 == 1;
        let style = if is_chinese { CHINESE } else { OFFICE };
        let seen = months::date(year + 1, 1, 8).min(months::add_days(world.plan.run_date, 6));
        let version = months::stamp(seen);
        let told = actions.iter().filter(|one| is_told(one, year) && one.opened_on <= seen);
        let records: Vec<_> = told.map(|one| record(world, one, seen, is_chinese)).collect();
        table.columns = headers(&COLUMNS, is_chinese);
        table.send(truth, &format!("corrective_action/corrective_action_{version}.csv"), &version, &style, &records);
    }
    table.settle(truth);
}

/// Those of the year, and those of the year before that were not proved by its end.
fn is_told(action: &Action, year: i32) -> bool {
    let opened = action.opened_on.year();
    let is_late = opened == year - 1 && action.verified_on.is_none_or(|day| day.year() >= year);
    opened == year || is_late
}

/// An eighth of the complaints lead to an action, and as many come from elsewhere.
fn actions(world: &World, complaints: &[Vec<Complaint>]) -> Vec<Action> {
    let dice = &mut world.dice("corrective actions");
    let mut actions = Vec::new();
    for complaint in complaints.iter().flatten() {
        match dice.index(16) {
            0 | 1 => actions.push(after_complaint(world, dice, complaint)),
            2 | 3 => actions.push(from_elsewhere(world, dice, complaint.received_at.date())),
            _ => continue,
        }
        let again = actions.last().and_then(|action| recurrence(dice, action));
        actions.extend(again);
    }
    actions.sort_by_key(|action| action.opened_on);
    for (number, action) in (1..).zip(&mut actions) {
        action.number = format!("ZG{}-{number:04}", action.opened_on.format("%y"));
    }
    actions
}

fn after_complaint(world: &World, dice: &mut Dice, complaint: &Complaint) -> Action {
    let opened_on = months::add_days(complaint.received_at.date(), dice.between(0, 12));
    let mut action = course(dice, opened_on, complaint.defect);
    action.complaint = Some(complaint.id.clone());
    action.party_kind = complaint.party_kind;
    complaint.party(world).clone_into(&mut action.party);
    action
}

fn from_elsewhere(world: &World, dice: &mut Dice, day: NaiveDate) -> Action {
    let defect = dice.pick(&GAPS);
    let mut action = course(dice, day, defect);
    action.origin = 1 + dice.index(4);
    action.party_kind = dice.weighted(&[4, 2, 4]);
    action.party = match action.party_kind {
        0 => world.dealers[dice.index(world.dealers.len())].code.clone(),
        1 => dice.pick(&SUPPLIERS).to_owned(),
        _ => dice.pick(&DEPARTMENTS).to_owned(),
    };
    action
}

/// Done in time, done late or never; proved some weeks later, if at all.
fn course(dice: &mut Dice, opened_on: NaiveDate, defect: &'static str) -> Action {
    let due_on = months::add_days(opened_on, [14, 30, 60][dice.index(3)]);
    let done_on = match dice.weighted(&[58, 24, 18]) {
        0 => Some(months::add_days(opened_on, (due_on - opened_on).num_days() * dice.between(20, 100) / 100)),
        1 => Some(months::add_days(due_on, dice.between(1, 45))),
        _ => None,
    };
    let verified_on = done_on.filter(|_| dice.chance(0.85)).map(|done| months::add_days(done, dice.between(0, 18)));
    Action {
        number: String::new(),
        origin: 0,
        complaint: None,
        defect,
        party_kind: 0,
        party: String::new(),
        opened_on,
        due_on,
        done_on,
        verified_on,
    }
}

/// One proved action in six is opened again within three months, at times just after them.
fn recurrence(dice: &mut Dice, action: &Action) -> Option<Action> {
    let verified_on = action.verified_on.filter(|_| dice.index(6) == 0)?;
    let opened_on = months::add_days(verified_on, dice.between(1, 100));
    let again = course(dice, opened_on, action.defect);
    Some(Action { origin: action.origin, party_kind: action.party_kind, party: action.party.clone(), ..again })
}

fn record(world: &World, action: &Action, seen: NaiveDate, is_chinese: bool) -> Record {
    let dice = &mut world.dice(&format!("action {} {seen}", action.number));
    let told = |pair: (&str, &str)| Value::text(if is_chinese { pair.1 } else { pair.0 });
    let by_now = |day: Option<NaiveDate>| Value::date(day.filter(|day| *day <= seen));
    let values = vec![
        ("action_no", Value::text(&action.number)),
        ("origin", told(ORIGINS[action.origin])),
        ("complaint_id", Value::maybe(action.complaint.as_deref())),
        ("defect", Value::text(action.defect)),
        ("party_kind", told(PARTIES[action.party_kind])),
        ("party", Value::text(&action.party)),
        ("opened_on", Value::Date(action.opened_on)),
        ("due_on", Value::Date(action.due_on)),
        ("done_on", by_now(action.done_on)),
        ("verified_on", by_now(action.verified_on)),
    ];
    let mut record = Record::new(action.number.clone(), values);
    if dice.chance(world.plan.dirt) {
        record.set("done_on", &Value::Date(months::add_days(action.opened_on, -2)));
        record.set("verified_on", &Value::Null);
        record.breaks("done_after_opening");
    }
    record
}
