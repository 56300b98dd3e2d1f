//! Market intelligence: what dealers see of competitors, by half-year in GB18030; a later file tells what was done.

use std::path::Path;

use chrono::NaiveDate;

use crate::file::{Dialect, Encoding, Layout, PLAIN};
use crate::months;
use crate::places::{BRANDS, PLACES, PRODUCT_TYPES, product_word};
use crate::random::Dice;
use crate::style::{Dates, OFFICE, Style, Value};
use crate::table::{Plant, Planter, Record, Table, plant};
use crate::truth::Truth;
use crate::world::World;

const COLUMNS: [(&str, &str); 11] = [
    ("report_no", "情报编号"),
    ("observed_on", "观察日期"),
    ("reported_on", "上报日期"),
    ("dealer_code", "经销商编码"),
    ("brand", "品牌"),
    ("kind", "情报类别"),
    ("product_type", "产品类型"),
    ("province", "省份"),
    ("observed_price", "观察价格(万元)"),
    ("counter_measure", "应对措施"),
    ("countered_on", "应对日期"),
];

const PLANTS: &[Plant] = &[
    plant("kind", "code", "传闻"),
    plant("reported_on", "type", "上周"),
    plant("observed_price", "type", "很便宜"),
    plant("brand", "required", "无"),
    plant("reported_on", "required", ""),
];

const STYLE: Style = Style {
    layout: Layout::Csv(Dialect { encoding: Encoding::Gb18030, line_end: "\r\n", ..PLAIN }),
    is_chinese: true,
    dates: Dates::Chinese,
    nulls: &["", "", "无", "-"],
    untidy: 0.01,
    ..OFFICE
};

const KINDS: [&str; 4] = ["价格", "促销", "新产品", "需求"];
const MEASURES: [&str; 5] = ["跟进降价", "延长保修", "赠送配件", "加强拜访", "组织试用"];

/// Sends a file each half-year; each also repeats the reports of the half before that have been countered since.
pub fn send(world: &World, folder: &Path, truth: &mut Truth) {
    let planter = Planter::new(world.plan.dirt * 1.5, PLANTS);
    let mut table = Table::new(folder, world.dice("intelligence"), "market_intelligence", &COLUMNS, planter);
    let mut before = Vec::new();
    for half in world.months.chunks(6) {
        let captured = months::add_days(months::add(half[half.len() - 1], 1), 6);
        let reports = reports(world, half[0], i64::try_from(half.len()).unwrap());
        let open = before.iter().filter(|report: &&Report| report.is_open(half[0]) && !report.is_open(captured));
        let records: Vec<_> = open.chain(&reports).map(|report| record(world, report, captured)).collect();
        let version = months::stamp(captured);
        let path = format!("market_intelligence/竞争情报_{version}.csv");
        table.send(truth, &path, &version, &STYLE, &records);
        before = reports;
    }
    table.settle(truth);
}

struct Report {
    id: String,
    dealer: usize,
    reported_on: NaiveDate,
    countered_on: Option<NaiveDate>,
}

impl Report {
    fn is_open(&self, day: NaiveDate) -> bool {
        self.countered_on.is_some_and(|countered| countered > day)
    }
}

/// Each dealer reports in about every third month; two in three reports are answered.
fn reports(world: &World, from: NaiveDate, months: i64) -> Vec<Report> {
    let dice = &mut world.dice(&format!("reports {from}"));
    let mut reports = Vec::new();
    for (dealer, one) in world.dealers.iter().enumerate() {
        for _ in 0..dice.between(1, months * 2 / 3 + 1) {
            let reported_on = months::day_within(dice, from, months);
            let countered_on = dice.chance(0.66).then(|| months::add_days(reported_on, dice.between(2, 150)));
            let id = format!("QB{}-{:04}", from.format("%y%m"), reports.len() + 1);
            if one.joined_on <= reported_on && one.left_on.is_none_or(|left| left >= reported_on) {
                reports.push(Report { id, dealer, reported_on, countered_on });
            }
        }
    }
    reports
}

fn record(world: &World, report: &Report, captured: NaiveDate) -> Record {
    let dice = &mut world.dice(&report.id);
    let observed_on = months::add_days(report.reported_on, -dice.between(0, 28));
    let kind = KINDS[dice.weighted(&[5, 3, 2, 2])];
    let brand = &BRANDS[1 + dice.weighted(&[5, 4, 3, 2, 1])];
    let (product_type, price) = PRODUCT_TYPES[dice.index(4)];
    let countered_on = report.countered_on.filter(|day| *day <= captured);
    let measure = countered_on.map(|_| dice.pick(&MEASURES));
    let yuan = price * brand.price / 100 * dice.between(84, 112) / 100;
    let is_priced = matches!(kind, "价格" | "促销") || dice.chance(0.3);
    let is_known = !dice.chance(0.01);
    let values = vec![
        ("report_no", Value::text(&report.id)),
        ("observed_on", if dice.chance(0.04) { Value::Null } else { Value::Date(observed_on) }),
        ("reported_on", Value::Date(report.reported_on)),
        ("dealer_code", Value::text(&world.dealers[report.dealer].code)),
        ("brand", Value::text(if is_known { brand.code } else { "NONAME" })),
        ("kind", Value::text(kind)),
        ("product_type", if dice.chance(0.05) { Value::Null } else { Value::text(product_word(product_type)) }),
        ("province", province(world, dice, report.dealer)),
        ("observed_price", if is_priced { Value::Number(yuan * 100, 6) } else { Value::Null }),
        ("counter_measure", Value::maybe(measure)),
        ("countered_on", Value::date(countered_on)),
    ];
    let mut record = Record::new(report.id.clone(), values);
    if dice.chance(world.plan.dirt) {
        record.set("observed_on", &Value::Date(months::add_days(report.reported_on, 9)));
        record.breaks("reported_after_observed");
    }
    record
}

/// Mostly the dealer's own, at times another one at home, now and then none.
fn province(world: &World, dice: &mut Dice, dealer: usize) -> Value {
    match dice.index(20) {
        0 => Value::Null,
        1..=4 => Value::text(PLACES[dice.index(14)].province),
        _ => Value::text(world.dealers[dealer].province),
    }
}
