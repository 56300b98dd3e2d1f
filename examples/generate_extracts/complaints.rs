//! Complaints: the call centre's files, one per half-year, and the nine stages of each complaint.

use std::path::Path;

use chrono::{NaiveDate, NaiveDateTime, TimeDelta};

use crate::file::{Fault, Layout, PLAIN};
use crate::holidays;
use crate::months;
use crate::random::Dice;
use crate::spelling;
use crate::style::{Dates, OFFICE, Style, Value};
use crate::table::{Plant, Planter, Record, Table, plant};
use crate::truth::Truth;
use crate::world::{Customer, World};

const COLUMNS: [(&str, &str); 24] = [
    ("complaint_id", "投诉编号"),
    ("received_at", "受理时间"),
    ("channel", "渠道"),
    ("customer_name", "客户名称"),
    ("tax_id", "统一社会信用代码"),
    ("phone", "联系电话"),
    ("account_id", "客户号"),
    ("dealer_code", "经销商编码"),
    ("country", "国家"),
    ("province", "省份"),
    ("product_code", "产品编码"),
    ("serial_no", "出厂编号"),
    ("kind", "投诉类别"),
    ("defect", "故障现象"),
    ("priority", "等级"),
    ("is_domestic", "是否国内"),
    ("first_response_at", "首次响应时间"),
    ("resolution_mode", "处理方式"),
    ("on_site_at", "到场时间"),
    ("closed_at", "关闭时间"),
    ("customer_confirmed", "顾客确认"),
    ("department", "责任部门"),
    ("cause", "原因"),
    ("responsible_party", "责任方"),
];

const STAGES: [(&str, &str); 9] = [
    ("received", "信息源流入"),
    ("registered", "台帐建立"),
    ("analysed", "信息分析"),
    ("dispatched", "传递相关部门"),
    ("handled", "信息处理"),
    ("answered", "反馈给顾客"),
    ("followed_up", "跟踪检查"),
    ("evaluated", "处理评价"),
    ("summarised", "汇总分析"),
];

const PLANTS: &[Plant] = &[
    plant("kind", "code", "表扬"),
    plant("priority", "code", "Z"),
    plant("received_at", "type", "昨天下午"),
    plant("received_at", "required", "无"),
    plant("customer_confirmed", "type", "再说吧"),
    plant("resolution_mode", "code", "电话骂人"),
    plant("closed_at", "type", "2025/2/31 10:00"),
    plant("complaint_id", "required", ""),
];

const STAGE_PLANTS: &[Plant] =
    &[plant("stage", "code", "无此环节"), plant("entered_at", "type", "25:61"), plant("entered_at", "required", "-")];

const DEFECTS: [&str; 9] =
    ["漏油", "异响", "启动困难", "功率不足", "过热", "仪表故障", "液压失灵", "交货延误", "态度差"];

/// The call centre's programme writes dates with slashes and words in Chinese.
const CENTRE: Style =
    Style { layout: Layout::Csv(PLAIN), is_chinese: true, dates: Dates::Slashes, nulls: &["", "", "无"], ..OFFICE };

/// Those who can be made to answer.
pub const DEPARTMENTS: [&str; 4] = ["质量部", "服务部", "物流部", "生产部"];
pub const SUPPLIERS: [&str; 5] = ["宏泰密封件厂", "瑞捷液压件厂", "远图仪表厂", "鼎铄铸造厂", "联峻物流"];

/// A complaint with the times of its course.
pub struct Complaint {
    pub id: String,
    pub customer: usize,
    product: usize,
    is_service: bool,
    pub defect: &'static str,
    department: &'static str,
    /// Who answers for it: dealer, supplier or department.
    pub party_kind: usize,
    pub received_at: NaiveDateTime,
    responded_at: Option<NaiveDateTime>,
    on_site_at: Option<NaiveDateTime>,
    closed_at: Option<NaiveDateTime>,
    handled_at: NaiveDateTime,
}

impl Complaint {
    /// Names the dealer, supplier or department that answers for it.
    pub fn party<'a>(&self, world: &'a World) -> &'a str {
        match self.party_kind {
            0 => &world.dealers[world.customers[self.customer].dealers[0]].code,
            1 => SUPPLIERS[self.defect.len() % SUPPLIERS.len()],
            _ => self.department,
        }
    }
}

/// Invents the complaints of each half-year.
pub fn all(world: &World) -> Vec<Vec<Complaint>> {
    world.months.chunks(6).map(|half| half_year(world, half[0], i64::try_from(half.len()).unwrap())).collect()
}

/// Sends complaints and their stages by half-year.
pub fn send(world: &World, halves: &[Vec<Complaint>], folder: &Path, truth: &mut Truth) {
    let rate = world.plan.dirt;
    let mut table =
        Table::new(folder, world.dice("complaints"), "complaint", &COLUMNS, Planter::new(rate * 2.0, PLANTS));
    let columns = [("complaint_id", "投诉编号"), ("stage", "环节"), ("entered_at", "进入时间")];
    let planter = Planter::new(rate / 2.0, STAGE_PLANTS);
    let mut stages = Table::new(folder, world.dice("complaint stages"), "complaint_stage", &columns, planter);
    for (half, complaints) in world.months.chunks(6).zip(halves) {
        let captured = months::add_days(months::add(half[half.len() - 1], 1), 4);
        let version = months::stamp(captured);
        let records: Vec<_> = complaints.iter().map(|complaint| record(world, complaint, truth)).collect();
        table.send(truth, &format!("complaint/complaint_{version}.csv"), &version, &CENTRE, &records);
        let records: Vec<_> = complaints.iter().flat_map(|complaint| stage_records(world, complaint)).collect();
        stages.send(truth, &format!("complaint_stage/complaint_stage_{version}.csv"), &version, &CENTRE, &records);
    }
    table.settle(truth);
    stages.settle(truth);
}

fn half_year(world: &World, from: NaiveDate, months: i64) -> Vec<Complaint> {
    let dice = &mut world.dice(&format!("complaints {from}"));
    let size = world.plan.customers * months / 18 + 20;
    let mut calls: Vec<_> = (0..size).map(|_| call(world, dice, from, months)).collect();
    calls.extend(before_holidays(world, dice, (from, months::add(from, months))));
    calls.sort_unstable();
    (0..).zip(calls).map(|(number, call)| complaint(world, dice, number, call)).collect()
}

/// When somebody calls, and who: four in ten calls come from one customer in eight.
fn call(world: &World, dice: &mut Dice, from: NaiveDate, months: i64) -> (NaiveDateTime, usize) {
    let day = months::day_within(dice, from, months);
    let at = months::time_on(dice, day);
    let all = world.customers.len();
    let some = if dice.chance(0.4) { (all / 8).max(1) } else { all };
    (at, dice.index(some))
}

/// Customers abroad call on the evening before a holiday at home.
fn before_holidays(world: &World, dice: &mut Dice, (from, end): (NaiveDate, NaiveDate)) -> Vec<(NaiveDateTime, usize)> {
    let abroad: Vec<_> = (0..world.customers.len()).filter(|index| world.customers[*index].country != "CN").collect();
    let eves = holidays::eves().into_iter().filter(|eve| from <= *eve && *eve < end && !abroad.is_empty());
    let calls = 2 + usize::try_from(world.plan.customers / 500).unwrap();
    let evening = |eve: NaiveDate| eve.and_hms_opt(17, 0, 0).unwrap();
    let mut call = |eve| (evening(eve) + TimeDelta::minutes(dice.between(0, 400)), abroad[dice.index(abroad.len())]);
    eves.flat_map(|eve| vec![eve; calls]).map(&mut call).collect()
}

fn complaint(
    world: &World,
    dice: &mut Dice,
    number: i64,
    (received_at, customer): (NaiveDateTime, usize),
) -> Complaint {
    let answered = if dice.chance(0.75) { dice.between(3, 58) } else { dice.between(61, 3000) };
    let responded_at = (!dice.chance(0.04)).then(|| received_at + TimeDelta::minutes(answered));
    let handled_at = received_at + TimeDelta::minutes(answered + dice.between(200, 9000));
    let on_site_at = dice.chance(0.45).then(|| received_at + TimeDelta::minutes(answered + dice.between(120, 2400)));
    let closed_at = (!dice.chance(0.06)).then(|| handled_at + TimeDelta::minutes(dice.between(60, 20_000)));
    let is_service = dice.chance(0.35);
    let defect = if is_service { 7 + dice.index(2) } else { dice.weighted(&[9, 5, 4, 3, 3, 2, 1]) };
    Complaint {
        id: format!("TS{}{number:04}", received_at.format("%y%m")),
        customer,
        product: dice.index(world.products.len()),
        is_service,
        defect: DEFECTS[defect],
        department: DEPARTMENTS[dice.index(4)],
        party_kind: dice.index(3),
        received_at,
        responded_at,
        on_site_at,
        closed_at: closed_at.filter(|_| responded_at.is_some()),
        handled_at,
    }
}

fn record(world: &World, complaint: &Complaint, truth: &mut Truth) -> Record {
    let dice = &mut world.dice(&complaint.id);
    let customer = &world.customers[complaint.customer];
    truth.customer("complaint", &complaint.id, &customer.id);
    let mut values = spelling::mention(world, dice, customer, 0.3).values().to_vec();
    values.push(("country", Value::Code(customer.country)));
    values.push(("province", if dice.chance(0.05) { Value::Null } else { Value::text(customer.province) }));
    values.push(("account_id", account(dice, customer, complaint.customer)));
    values.push(("dealer_code", Value::text(&world.dealers[customer.dealers[0]].code)));
    values.extend(what(world, dice, complaint));
    values.extend(course(dice, complaint));
    let mut record = Record::new(complaint.id.clone(), values);
    if dice.chance(world.plan.dirt) && complaint.closed_at.is_some() {
        backdate(&mut record, complaint);
    }
    record
}

/// Closes a complaint two days before it came in.
fn backdate(record: &mut Record, complaint: &Complaint) {
    let before = Value::Time(complaint.received_at - TimeDelta::days(2));
    for (column, value) in &mut record.values {
        if *column == "closed_at" {
            *value = before.clone();
        }
    }
    record.faults.push(Fault { column: "", rule: "closed_after_received", text: String::new() });
}

fn account(dice: &mut Dice, customer: &Customer, index: usize) -> Value {
    if customer.has_account && dice.chance(0.4) { Value::Text(World::account_id(index)) } else { Value::Null }
}

fn what(world: &World, dice: &mut Dice, complaint: &Complaint) -> Vec<(&'static str, Value)> {
    let product = &world.products[complaint.product];
    let cause = match dice.index(8) {
        0 => "配件质量，\"密封圈\"老化\n已换新件",
        1 | 2 => "安装不当",
        3 => "使用不当",
        _ => "零件磨损",
    };
    let is_at_home = world.customers[complaint.customer].country == "CN";
    let serial = (product.class == "machine" && dice.chance(0.7))
        .then(|| format!("{}{:07}", &product.code[..2], dice.between(0, 9_999_999)));
    vec![
        ("channel", Value::text(dice.pick(&["800呼叫中心", "电子邮件", "服务站", "总裁热线"]))),
        ("product_code", Value::text(&product.code)),
        ("serial_no", Value::maybe(serial.as_deref())),
        ("kind", Value::text(if complaint.is_service { "服务类" } else { "产品类" })),
        ("defect", Value::text(complaint.defect)),
        ("priority", Value::text(["A", "B", "C"][dice.weighted(&[2, 5, 5])])),
        ("is_domestic", if dice.chance(0.02) { Value::Null } else { Value::Flag(is_at_home) }),
        ("department", Value::text(complaint.department)),
        ("cause", Value::text(cause)),
        ("responsible_party", if dice.chance(0.05) { Value::Null } else { Value::text(complaint.party(world)) }),
    ]
}

fn course(dice: &mut Dice, complaint: &Complaint) -> Vec<(&'static str, Value)> {
    let mode = if complaint.on_site_at.is_some() { "现场服务" } else { "在线答疑" };
    let confirmed = if complaint.closed_at.is_some() { Value::Flag(dice.chance(0.85)) } else { Value::Null };
    vec![
        ("complaint_id", Value::text(&complaint.id)),
        ("received_at", Value::Time(complaint.received_at)),
        ("first_response_at", Value::time(complaint.responded_at)),
        ("resolution_mode", Value::text(mode)),
        ("on_site_at", Value::time(complaint.on_site_at)),
        ("closed_at", Value::time(complaint.closed_at)),
        ("customer_confirmed", confirmed),
    ]
}

/// The stages in order; some complaints skip one, some stop on the way.
fn stage_records(world: &World, complaint: &Complaint) -> Vec<Record> {
    let dice = &mut world.dice(&format!("stages {}", complaint.id));
    let last = if dice.chance(0.15) { 2 + dice.index(6) } else { 8 };
    let mut at = complaint.received_at;
    let mut records = Vec::new();
    for (index, (stage, word)) in STAGES.iter().enumerate().take(last + 1) {
        if index == 4 {
            at = at.max(complaint.handled_at);
        }
        if index == 0 || !dice.chance(0.03) {
            records.push(stage_record(&complaint.id, stage, word, at));
        }
        at += TimeDelta::minutes(dice.between(20, 2600));
    }
    records
}

fn stage_record(id: &str, stage: &str, word: &str, at: NaiveDateTime) -> Record {
    let values = vec![("complaint_id", Value::text(id)), ("stage", Value::text(word)), ("entered_at", Value::Time(at))];
    Record::new(format!("{id}|{stage}"), values)
}
