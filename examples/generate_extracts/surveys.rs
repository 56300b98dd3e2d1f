//! Surveys: answers in long form, one workbook per half-year, title rows above; and the plans of the surveys.
//!
//! A respondent rates the factors of one or two brands; overall columns repeat on each factor's row. Plans tell how many
//! were asked, one file a year; the last one holds a survey that has just begun.

use std::path::Path;

use chrono::{Datelike, NaiveDate};

use crate::file::{Dialect, Encoding, Layout, PLAIN};
use crate::months;
use crate::places::{self, BRANDS, INDUSTRIES, PRODUCT_TYPES, mark};
use crate::random::Dice;
use crate::style::{self, Dates, OFFICE, Style, Value};
use crate::table::{Plant, Planter, Record, Table, headers, plant};
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

const PLAN: [(&str, &str); 6] = [
    ("survey_id", "调查编号"),
    ("respondent_type", "对象"),
    ("method", "方式"),
    ("period_from", "起始日"),
    ("period_to", "截止日"),
    ("sent_count", "发放数"),
];

const PLAN_PLANTS: &[Plant] =
    &[plant("sent_count", "type", "约200"), plant("method", "code", "占卜"), plant("period_to", "required", "")];

/// Groups with the word for it and the ways in which they are asked: code, word, share in percent.
const GROUPS: [(&str, &str, &[Way]); 3] = [
    ("dealer", "经销商", &[("questionnaire", "问卷", 70), ("interview", "专访", 30)]),
    ("end_customer", "最终客户", &[("questionnaire", "问卷", 65), ("interview", "专访", 35)]),
    ("complainant", "投诉客户", &[("complaint_follow_up", "投诉追踪", 100)]),
];

type Way = (&'static str, &'static str, i64);

const FACTORS: [(&str, [&str; 3]); 3] = [
    ("dealer", ["产品交付", "配送服务", "服务态度"]),
    ("end_customer", ["产品质量", "性价比", "售后技术服务"]),
    ("complainant", ["处理速度", "解决方案", "处理态度"]),
];

const BOOK: Style = Style { nulls: &["", "无"], untidy: 0.005, ..style::BOOK };

/// Who answers, and when.
struct Respondent {
    survey: String,
    number: i64,
    group: usize,
    way: usize,
    customer: usize,
    answered_on: NaiveDate,
}

const CHINESE_PLAN: Style = Style {
    layout: Layout::Csv(Dialect { encoding: Encoding::Gb18030, ..PLAIN }),
    is_chinese: true,
    dates: Dates::Slashes,
    ..OFFICE
};

/// Sends the plans and the workbooks.
pub fn send(world: &World, folder: &Path, truth: &mut Truth) {
    send_plans(world, folder, truth);
    send_answers(world, folder, truth);
}

/// A year's plan, and in the next year's the counts of its last survey once more, as they were in the end.
fn send_plans(world: &World, folder: &Path, truth: &mut Truth) {
    let planter = Planter::new(world.plan.dirt * 2.0, PLAN_PLANTS);
    let mut table = Table::new(folder, world.dice("survey plans"), "survey_plan", &PLAN, planter);
    let mut begins: Vec<_> = world.months.iter().step_by(6).copied().collect();
    begins.push(months::add(begins[begins.len() - 1], 6));
    for year in begins[0].year()..=begins[begins.len() - 1].year() {
        let is_chinese = year % 2 == 1;
        let style = if is_chinese { CHINESE_PLAN } else { OFFICE };
        let captured = months::date(year, 1, 8).max(months::add_days(world.months[0], 3));
        let told = begins.iter().filter(|begin| begin.year() == year || begin.year() == year - 1 && begin.month() > 6);
        let records: Vec<_> = told.flat_map(|begin| plans(world, *begin, (captured, is_chinese))).collect();
        let version = months::stamp(captured);
        table.columns = headers(&PLAN, is_chinese);
        table.send(truth, &format!("survey_plan/survey_plan_{version}.csv"), &version, &style, &records);
    }
    table.settle(truth);
}

/// How many are asked of each group in each way: as many as answer and some more.
fn plans(world: &World, begin: NaiveDate, (captured, is_chinese): (NaiveDate, bool)) -> Vec<Record> {
    let survey = survey_id(begin);
    let dice = &mut world.dice(&format!("plan of {survey}"));
    let respondents = respondents(world, begin);
    let mut records = Vec::new();
    for (number, (group, word, ways)) in GROUPS.into_iter().enumerate() {
        for (index, way) in ways.iter().enumerate() {
            let answered = respondents.iter().filter(|one| one.group == number && one.way == index).count();
            let asked = i64::try_from(answered).unwrap() * dice.between(105, 320) / 100 + dice.between(0, 6);
            let sent = asked - if captured > months::add(begin, 6) { 0 } else { dice.between(0, 3).min(asked) };
            let words = if is_chinese { (word, way.1) } else { (group, way.0) };
            records.push(plan(&survey, (group, way.0), words, (begin, sent)));
        }
    }
    records
}

fn plan(survey: &str, codes: (&str, &str), words: (&str, &str), what: (NaiveDate, i64)) -> Record {
    let (begin, sent) = what;
    let values = vec![
        ("survey_id", Value::text(survey)),
        ("respondent_type", Value::text(words.0)),
        ("method", Value::text(words.1)),
        ("period_from", Value::Date(begin)),
        ("period_to", Value::Date(months::add_days(months::add(begin, 6), -1))),
        ("sent_count", Value::Number(sent, 0)),
    ];
    Record::new(format!("{survey}|{}|{}", codes.0, codes.1), values)
}

fn survey_id(begin: NaiveDate) -> String {
    format!("S{}", begin.format("%Y%m"))
}

fn send_answers(world: &World, folder: &Path, truth: &mut Truth) {
    let planter = Planter::new(world.plan.dirt, PLANTS);
    let mut table = Table::new(folder, world.dice("surveys"), "survey_answer", &COLUMNS, planter);
    for half in world.months.chunks(6) {
        let last = half[half.len() - 1];
        let version = months::stamp(months::add_days(months::add(last, 1), 9));
        let survey = survey_id(half[0]);
        let name = format!("survey_answer/满意度_{survey}");
        let respondents = respondents(world, half[0]);
        let dice = &mut world.dice(&format!("answers {survey}"));
        let records = respondents.iter().flat_map(|respondent| answers(world, dice, respondent));
        table.send_books(truth, (&name, &version), &BOOK, records);
    }
    table.settle(truth);
}

/// Who answers a survey: accounts, again and again.
fn respondents(world: &World, begin: NaiveDate) -> Vec<Respondent> {
    let survey = survey_id(begin);
    let dice = &mut world.dice(&format!("survey {survey}"));
    let accounts = world.accounts();
    let respondent = |number| {
        let group = dice.weighted(&[2, 7, 2]);
        let shares: Vec<_> = GROUPS[group].2.iter().map(|way| way.2).collect();
        Respondent {
            survey: survey.clone(),
            number,
            group,
            way: dice.weighted(&shares),
            customer: accounts[dice.index(accounts.len())],
            answered_on: months::day_within(dice, begin, 6),
        }
    };
    (0..60 + world.plan.customers / 2).map(respondent).collect()
}

/// End customers rate a rival beside the own brand in most cases, or alone; others the own brand.
fn answers(world: &World, dice: &mut Dice, respondent: &Respondent) -> Vec<Record> {
    let favourite = usize::try_from(mark(&[&world.customers[respondent.customer].id])).unwrap() % PRODUCT_TYPES.len();
    let product_type = PRODUCT_TYPES[if dice.chance(0.7) { favourite } else { dice.index(4) }].0;
    let mut brands = vec![0];
    if respondent.group == 1 && dice.chance(0.75) {
        brands.push(1 + dice.weighted(&[5, 4, 3, 2, 1]));
    }
    if brands.len() == 2 && dice.chance(0.1) {
        brands.remove(0);
    }
    let rate = |brand| ratings(world, dice, respondent, (brand, product_type));
    brands.into_iter().flat_map(rate).collect()
}

/// Levels in tenths of a point: the brand's, better or worse from survey to survey; lower after a complaint.
fn level(dice: &mut Dice, respondent: &Respondent, brand: usize) -> i64 {
    let trend = mark(&[&respondent.survey, BRANDS[brand].code]) % 9 - 4;
    let anger = if respondent.group == 2 { 9 } else { 0 };
    [78, 80, 72, 78, 65, 71][brand] + trend - anger + dice.between(-18, 18)
}

/// Now and then a factor was forgotten when the form was printed.
fn is_asked(survey: &str, factor: &str) -> bool {
    !(factor == "处理速度" && survey.ends_with("07") && mark(&[survey]) % 2 == 0)
}

fn ratings(world: &World, dice: &mut Dice, respondent: &Respondent, subject: (usize, &'static str)) -> Vec<Record> {
    let (group, factors) = FACTORS[respondent.group];
    let level = level(dice, respondent, subject.0);
    let overall = overall(dice, level, subject.0);
    let region = places::region(world.customers[respondent.customer].province);
    let mut records = Vec::new();
    for (index, factor) in factors.into_iter().enumerate() {
        let taste = mark(&[region, subject.1, factor]);
        let mut values = who(world, dice, respondent, group);
        values.push(("brand", Value::text(BRANDS[subject.0].code)));
        values.push(("factor", Value::text(factor)));
        values.push(("product_type", Value::text(subject.1)));
        let lean = [4, -7, 1][index] + [4, -3, 0, 6, -5, 1][(subject.0 + index) % 6];
        let own = dice.between(-6 - taste % 25, 6 + taste % 25);
        let is_asked = is_asked(&respondent.survey, factor);
        values.push((
            "score",
            if !is_asked || dice.chance(0.02) { Value::Null } else { whole(dice, level + lean + own) },
        ));
        values.push(("importance", whole(dice, 62 + taste % 31)));
        values.extend(overall.clone());
        let id = format!("{}|{}|{}|{factor}", respondent.survey, respondent.number, BRANDS[subject.0].code);
        records.push(Record::new(id, values));
    }
    records
}

fn who(world: &World, dice: &mut Dice, respondent: &Respondent, group: &str) -> Vec<(&'static str, Value)> {
    let customer = &world.customers[respondent.customer];
    let is_dealer = group == "dealer";
    let is_dealer_known = is_dealer || respondent.number % 7 > 0;
    let code = &world.dealers[customer.dealers[0]].code;
    let dealer = Value::maybe(Some(code.as_str()).filter(|_| is_dealer_known));
    let account = if is_dealer { Value::Null } else { Value::Text(World::account_id(respondent.customer)) };
    let method = GROUPS[respondent.group].2[respondent.way].1;
    vec![
        ("survey_id", Value::text(&respondent.survey)),
        ("respondent_id", Value::Text(format!("R{:04}", respondent.number))),
        ("answered_on", Value::Date(respondent.answered_on)),
        ("method", Value::text(method)),
        ("respondent_type", Value::text(group)),
        ("account_id", account),
        ("dealer_code", dealer),
        ("province", Value::text(customer.province)),
        ("industry", if dice.chance(0.03) { Value::Null } else { Value::text(INDUSTRIES[customer.industry].code) }),
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
