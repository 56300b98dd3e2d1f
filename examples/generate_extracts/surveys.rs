//! Surveys: answers in long form, one workbook per half-year, title rows above.
//!
//! A respondent rates the factors of one or two brands; overall columns repeat on each factor's row.

use std::path::Path;

use chrono::NaiveDate;

use crate::file::Layout;
use crate::months;
use crate::places::{BRANDS, INDUSTRIES, PRODUCT_TYPES};
use crate::random::Dice;
use crate::style::{Dates, OFFICE, Style, Value};
use crate::table::{Plant, Planter, Record, Table, plant};
use crate::truth::Truth;
use crate::world::World;

const COLUMNS: [(&str, &str); 20] = [
    ("survey_id", "调查编号"),
    ("respondent_id", "答卷编号"),
    ("brand", "品牌"),
    ("factor", "因素"),
    ("answered_on", "答卷日期"),
    ("method", "方式"),
    ("respondent_type", "对象"),
    ("account_id", "客户号"),
    ("dealer_code", "经销商编码"),
    ("province", "省份"),
    ("product_type", "产品类型"),
    ("industry", "行业"),
    ("score", "评分"),
    ("importance", "重要度"),
    ("overall_score", "总体评分"),
    ("recommend_score", "推荐意愿"),
    ("would_buy_again", "再次购买"),
    ("knows_brand", "知道该品牌"),
    ("considers_brand", "考虑该品牌"),
    ("prefers_brand", "首选该品牌"),
];

const PLANTS: &[Plant] = &[
    plant("score", "type", "很好"),
    plant("method", "code", "猜测"),
    plant("answered_on", "type", "2024年13月2日"),
    plant("brand", "required", "无"),
    plant("would_buy_again", "type", "看情况"),
    plant("respondent_type", "code", "路人"),
];

const FACTORS: [(&str, [&str; 3]); 3] = [
    ("dealer", ["产品交付", "配送服务", "服务态度"]),
    ("end_customer", ["产品质量", "性价比", "售后技术服务"]),
    ("complainant", ["处理速度", "解决方案", "处理态度"]),
];

const BOOK: Style = Style {
    layout: Layout::Workbook,
    is_chinese: true,
    dates: Dates::Cells,
    nulls: &["", "无"],
    untidy: 0.005,
    ..OFFICE
};

/// Who answers, and when.
struct Respondent {
    survey: String,
    number: i64,
    group: usize,
    customer: usize,
    answered_on: NaiveDate,
}

/// Sends the workbooks.
pub fn send(world: &World, folder: &Path, truth: &mut Truth) {
    let planter = Planter::new(world.plan.dirt, PLANTS);
    let mut table = Table::new(folder, world.dice("surveys"), "survey_answer", &COLUMNS, planter);
    for half in world.months.chunks(6) {
        let last = half[half.len() - 1];
        let version = months::stamp(months::add_days(months::add(last, 1), 9));
        let survey = format!("S{}", half[0].format("%Y%m"));
        let path = format!("survey_answer/满意度_{survey}_{version}.xlsx");
        let records = records(world, &survey, half[0]);
        table.send(truth, &path, &version, &BOOK, &records);
    }
    table.settle(truth);
}

fn records(world: &World, survey: &str, from: NaiveDate) -> Vec<Record> {
    let dice = &mut world.dice(&format!("survey {survey}"));
    let accounts = world.accounts();
    let count = 30 + world.plan.customers / 10;
    let mut records = Vec::new();
    for number in 0..count {
        let respondent = Respondent {
            survey: survey.to_owned(),
            number,
            group: dice.weighted(&[2, 6, 2]),
            customer: accounts[dice.index(accounts.len())],
            answered_on: months::day_within(dice, from, 6),
        };
        records.extend(answers(world, dice, &respondent));
    }
    records
}

/// End customers rate a rival beside the own brand in most cases; others the own brand alone.
fn answers(world: &World, dice: &mut Dice, respondent: &Respondent) -> Vec<Record> {
    let product_type = PRODUCT_TYPES[dice.index(4)].0;
    let mut brands = vec![0];
    if respondent.group == 1 && dice.chance(0.7) {
        brands.push(1 + dice.weighted(&[5, 4, 3, 2, 1]));
    }
    let rate = |brand| ratings(world, dice, respondent, (brand, product_type));
    brands.into_iter().flat_map(rate).collect()
}

fn ratings(world: &World, dice: &mut Dice, respondent: &Respondent, subject: (usize, &'static str)) -> Vec<Record> {
    let (group, factors) = FACTORS[respondent.group];
    let level = [76, 79, 71, 77, 64, 70][subject.0] + dice.between(-18, 18);
    let overall = overall(dice, level, subject.0);
    let mut records = Vec::new();
    for (index, factor) in factors.into_iter().enumerate() {
        let mut values = who(world, dice, respondent, group);
        values.push(("brand", Value::text(BRANDS[subject.0].code)));
        values.push(("factor", Value::text(factor)));
        values.push(("product_type", Value::text(subject.1)));
        let lean = [4, -6, 1][index];
        values.push(("score", whole(dice, level + lean)));
        values.push(("importance", whole(dice, 80 - 12 * i64::try_from(index).unwrap())));
        values.extend(overall.clone());
        let id = format!("{}|{}|{}|{factor}", respondent.survey, respondent.number, BRANDS[subject.0].code);
        records.push(Record::new(id, values));
    }
    records
}

fn who(world: &World, dice: &mut Dice, respondent: &Respondent, group: &str) -> Vec<(&'static str, Value)> {
    let customer = &world.customers[respondent.customer];
    let is_dealer = group == "dealer";
    let dealer = if is_dealer { Value::text(&world.dealers[customer.dealers[0]].code) } else { Value::Null };
    let account = if is_dealer { Value::Null } else { Value::Text(World::account_id(respondent.customer)) };
    let method = dice.pick(&["问卷", "问卷", "专访"]);
    vec![
        ("survey_id", Value::text(&respondent.survey)),
        ("respondent_id", Value::Text(format!("R{:04}", respondent.number))),
        ("answered_on", Value::Date(respondent.answered_on)),
        ("method", Value::text(if group == "complainant" { "投诉追踪" } else { method })),
        ("respondent_type", Value::text(group)),
        ("account_id", account),
        ("dealer_code", dealer),
        ("province", Value::text(customer.province)),
        ("industry", Value::text(INDUSTRIES[customer.industry].code)),
    ]
}

/// What stands on every row of one respondent and brand.
fn overall(dice: &mut Dice, level: i64, brand: usize) -> Vec<(&'static str, Value)> {
    let is_known = brand == 0 || dice.chance(0.8);
    let considers = is_known && dice.chance(0.6);
    vec![
        ("overall_score", whole(dice, level)),
        ("recommend_score", whole(dice, level + 3)),
        ("would_buy_again", Value::Flag(level > 68)),
        ("knows_brand", if dice.chance(0.1) { Value::Null } else { Value::Flag(is_known) }),
        ("considers_brand", Value::Flag(considers)),
        ("prefers_brand", Value::Flag(considers && level > 76)),
    ]
}

/// Turns a level in tenths of a point into a whole score from 1 to 10.
fn whole(dice: &mut Dice, level: i64) -> Value {
    Value::Number(((level + dice.between(-8, 12)) / 10).clamp(1, 10), 0)
}
