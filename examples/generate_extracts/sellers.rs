//! Sellers: diaries of their weeks by activity, and assessments of their skills; workbooks with titles above.
//!
//! A diary is kept in one week of four. Sellers are good or ordinary with their time, and of one of six kinds by what
//! they can and want.

use std::path::Path;

use chrono::{Datelike, NaiveDate};

use crate::months;
use crate::places::mark;
use crate::random::Dice;
use crate::style::{self, Style, Value};
use crate::table::{Plant, Planter, Record, Table, plant};
use crate::truth::Truth;
use crate::world::{Dealer, World};

const TIME: [(&str, &str); 4] = [("seller", "销售员"), ("week", "周"), ("activity", "活动"), ("minutes", "分钟")];
const ASSESSMENT: [(&str, &str); 8] = [
    ("seller", "销售员"),
    ("skill", "技能"),
    ("assessed_on", "评估日期"),
    ("score_now", "现有水平"),
    ("score_needed", "所需水平"),
    ("weight", "权重"),
    ("ability", "能力"),
    ("is_willing", "是否愿意"),
];

const TIME_PLANTS: &[Plant] = &[
    plant("minutes", "type", "半天"),
    plant("activity", "code", "午睡"),
    plant("week", "type", "第8周"),
    plant("seller", "required", ""),
    plant("minutes", "required", "-"),
];
const ASSESSMENT_PLANTS: &[Plant] = &[
    plant("score_now", "type", "优秀"),
    plant("ability", "code", "天才"),
    plant("assessed_on", "type", "2025-11-31"),
    plant("is_willing", "type", "看心情"),
];

/// Activities with the parts of the time that ordinary and good sellers give them, in per mille.
const ACTIVITIES: [(&str, i64, i64); 10] = [
    ("客户规划", 20, 55),
    ("面谈", 140, 370),
    ("报价", 30, 35),
    ("项目规划", 30, 40),
    ("跟进", 60, 40),
    ("解决问题", 130, 60),
    ("差旅", 260, 200),
    ("个人事务", 120, 90),
    ("报告", 110, 55),
    ("会议", 100, 55),
];

/// Skills with their weight in percent.
const SKILLS: [(&str, i64); 8] = [
    ("产品知识", 20),
    ("需求分析", 15),
    ("商务谈判", 15),
    ("成交技巧", 12),
    ("大客户规划", 13),
    ("售后协调", 10),
    ("报告撰写", 5),
    ("数字工具", 10),
];

const BOOK: Style = Style { nulls: &["", "-"], untidy: 0.002, ..style::BOOK };

/// Sends diaries by quarter and assessments by year.
pub fn send(world: &World, folder: &Path, truth: &mut Truth) {
    send_diaries(world, folder, truth);
    send_assessments(world, folder, truth);
}

/// Lists the sellers with their dealers.
fn sellers(world: &World) -> impl Iterator<Item = (&Dealer, &String)> {
    world.dealers.iter().flat_map(|dealer| dealer.sellers.iter().map(move |seller| (dealer, seller)))
}

fn works(dealer: &Dealer, day: NaiveDate) -> bool {
    dealer.joined_on <= day && dealer.left_on.is_none_or(|left| left >= day)
}

/// The files of a quarter; in the third one, some sellers send their diaries again.
fn send_diaries(world: &World, folder: &Path, truth: &mut Truth) {
    let planter = Planter::new(world.plan.dirt / 4.0, TIME_PLANTS);
    let mut table = Table::new(folder, world.dice("diaries"), "seller_time", &TIME, planter);
    table.sheet = "工时";
    for (number, month) in world.months.iter().step_by(3).enumerate() {
        let captured = months::add_days(months::add(*month, 3), 7);
        let mut send = |captured, is_again: bool| {
            let version = months::stamp(captured);
            let records = diaries(world, *month, is_again);
            let name = format!("seller_time/工时_{}", months::quarter(*month));
            table.send_books(truth, (&name, &version), &BOOK, records.into_iter());
        };
        send(captured, false);
        if number == 2 {
            send(months::add_days(captured, 20), true);
        }
    }
    table.settle(truth);
}

fn diaries(world: &World, quarter: NaiveDate, is_again: bool) -> Vec<Record> {
    let end = months::add(quarter, 3);
    let mut records = Vec::new();
    for (number, (dealer, seller)) in sellers(world).enumerate().filter(|(number, _)| !is_again || number % 11 == 0) {
        let mut monday = months::add_days(quarter, (7 - i64::from(quarter.weekday().num_days_from_monday())) % 7);
        monday = months::add_days(monday, i64::try_from(number % 4).unwrap() * 7);
        while monday < end {
            if works(dealer, monday) {
                let dice = &mut world.dice(&format!("diary {seller} {monday} {is_again}"));
                records.extend(week(dice, seller, monday, world.plan.dirt / 20.0));
            }
            monday = months::add_days(monday, 28);
        }
    }
    records
}

/// Forty hours or so; what took no time is not always written down. `slips` of the minutes are negative.
fn week(dice: &mut Dice, seller: &str, monday: NaiveDate, slips: f64) -> Vec<Record> {
    let is_good = mark(&[seller, "time"]) % 3 == 0;
    let minutes = dice.between(2100, 2800);
    let mut records = Vec::new();
    for (activity, ordinary, good) in ACTIVITIES {
        let part = if is_good { good } else { ordinary };
        let spent = minutes * part / 1000 * dice.between(50, 150) / 100 / 5 * 5;
        let values = vec![
            ("seller", Value::text(seller)),
            ("week", Value::Date(monday)),
            ("activity", Value::text(activity)),
            ("minutes", Value::Number(spent, 0)),
        ];
        let mut record = Record::new(format!("{seller}|{monday}|{activity}"), values);
        if dice.chance(slips) {
            record.set("minutes", &Value::Number(-spent - 30, 0));
            record.breaks("minutes_within_week");
        }
        if spent > 0 || dice.chance(0.5) {
            records.push(record);
        }
    }
    records
}

/// Each autumn, and this spring those who were weak.
fn send_assessments(world: &World, folder: &Path, truth: &mut Truth) {
    let planter = Planter::new(world.plan.dirt, ASSESSMENT_PLANTS);
    let mut table = Table::new(folder, world.dice("assessments"), "seller_assessment", &ASSESSMENT, planter);
    table.sheet = "评估";
    let run_date = world.plan.run_date;
    let autumns = (world.months[0].year()..run_date.year()).map(|year| months::date(year, 11, 3));
    for begin in autumns.chain([months::add_days(run_date, -50)]) {
        let is_spring = begin.month() < 7;
        let some = sellers(world).enumerate().filter(|(number, _)| !is_spring || number % 3 == 0);
        let there = some.filter(|(_, (dealer, _))| works(dealer, begin));
        let records: Vec<_> =
            there.flat_map(|(number, (_, seller))| assessment(world, seller, number, begin)).collect();
        let version = months::stamp(months::add_days(begin, 30));
        table.send(truth, &format!("seller_assessment/评估_{version}.xlsx"), &version, &BOOK, &records);
    }
    table.settle(truth);
}

fn assessment(world: &World, seller: &str, number: usize, begin: NaiveDate) -> Vec<Record> {
    let dice = &mut world.dice(&format!("assessment {seller} {begin}"));
    let assessed_on = months::add_days(begin, dice.between(0, 24));
    let mut records = Vec::new();
    for (skill, weight) in SKILLS.into_iter().filter(|(skill, _)| is_asked(skill, number, begin)) {
        let (ability, is_willing) = kind(dice, number);
        let needed = 6 + mark(&[skill]) % 4;
        let now = (needed + dice.between(-5, 2)).clamp(1, 10) * 10 + dice.between(0, 1) * 5;
        let values = vec![
            ("seller", Value::text(seller)),
            ("skill", Value::text(skill)),
            ("assessed_on", Value::Date(assessed_on)),
            ("score_now", if dice.chance(0.01) { Value::Null } else { Value::Number(now.min(100), 1) }),
            ("score_needed", Value::Number(needed, 0)),
            ("weight", Value::Number(weight, 2)),
            ("ability", Value::text(ability)),
            ("is_willing", Value::Flag(is_willing)),
        ];
        records.push(Record::new(format!("{seller}|{skill}|{assessed_on}"), values));
    }
    records
}

/// How reports are written was asked of two in three and is asked no more; digital tools are asked of late.
fn is_asked(skill: &str, number: usize, begin: NaiveDate) -> bool {
    match skill {
        "报告撰写" => !number.is_multiple_of(3) && begin.year() < 2025,
        "数字工具" => begin.year() >= 2024,
        _ => true,
    }
}

/// Sellers are of one of six kinds, with a word that differs now and then.
fn kind(dice: &mut Dice, number: usize) -> (&'static str, bool) {
    let own = [0, 0, 1, 1, 2, 3, 4, 5][number % 8];
    let kind = if dice.chance(0.2) { dice.index(6) } else { own };
    (["能做", "可培养", "不能学会"][kind % 3], kind < 3)
}
