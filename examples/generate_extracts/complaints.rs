//! Complaints and contacts: the call centre's files, one per half-year, and the nine stages of each complaint.

use std::path::Path;

use chrono::{NaiveDate, NaiveDateTime, TimeDelta};

use crate::file::{Fault, Layout, PLAIN};
use crate::months;
use crate::names;
use crate::random::Dice;
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

/// A complaint with the times of its course.
struct Complaint {
    id: String,
    customer: usize,
    received_at: NaiveDateTime,
    responded_at: Option<NaiveDateTime>,
    on_site_at: Option<NaiveDateTime>,
    closed_at: Option<NaiveDateTime>,
    handled_at: NaiveDateTime,
}

/// Sends complaints and their stages by half-year.
pub fn send(world: &World, folder: &Path, truth: &mut Truth) {
    let rate = world.plan.dirt;
    let mut table =
        Table::new(folder, world.dice("complaints"), "complaint", &COLUMNS, Planter::new(rate * 2.0, PLANTS));
    let columns = [("complaint_id", "投诉编号"), ("stage", "环节"), ("entered_at", "进入时间")];
    let planter = Planter::new(rate / 2.0, STAGE_PLANTS);
    let mut stages = Table::new(folder, world.dice("complaint stages"), "complaint_stage", &columns, planter);
    for half in world.months.chunks(6) {
        let complaints = half_year(world, half[0], i64::try_from(half.len()).unwrap());
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
    let mut days: Vec<_> = (0..size).map(|_| months::day_within(dice, from, months)).collect();
    days.sort_unstable();
    (0..).zip(days).map(|(number, day)| complaint(world, dice, number, day)).collect()
}

fn complaint(world: &World, dice: &mut Dice, number: i64, day: NaiveDate) -> Complaint {
    let received_at = months::time_on(dice, day);
    let answered = if dice.chance(0.75) { dice.between(3, 58) } else { dice.between(61, 3000) };
    let responded_at = (!dice.chance(0.04)).then(|| received_at + TimeDelta::minutes(answered));
    let handled_at = received_at + TimeDelta::minutes(answered + dice.between(200, 9000));
    let on_site_at = dice.chance(0.45).then(|| received_at + TimeDelta::minutes(answered + dice.between(120, 2400)));
    let closed_at = (!dice.chance(0.06)).then(|| handled_at + TimeDelta::minutes(dice.between(60, 20_000)));
    Complaint {
        id: format!("TS{}{number:04}", day.format("%y%m")),
        customer: dice.index(world.customers.len()),
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
    let mut values = who(dice, customer);
    values.push(("account_id", account(dice, customer, complaint.customer)));
    values.push(("dealer_code", Value::text(&world.dealers[customer.dealers[0]].code)));
    values.extend(what(world, dice, customer));
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

/// How the caller names the customer.
fn who(dice: &mut Dice, customer: &Customer) -> Vec<(&'static str, Value)> {
    let name =
        if dice.chance(0.3) { names::variant(dice, &customer.name, customer.province) } else { customer.name.clone() };
    vec![
        ("customer_name", Value::Text(name)),
        ("tax_id", Value::maybe(customer.tax_id.as_deref().filter(|_| dice.chance(0.3)))),
        ("phone", Value::Text(names::phone_variant(dice, &customer.phone))),
        ("country", Value::Code(customer.country)),
        ("province", if dice.chance(0.05) { Value::Null } else { Value::text(customer.province) }),
    ]
}

fn account(dice: &mut Dice, customer: &Customer, index: usize) -> Value {
    if customer.has_account && dice.chance(0.4) { Value::Text(World::account_id(index)) } else { Value::Null }
}

fn what(world: &World, dice: &mut Dice, customer: &Customer) -> Vec<(&'static str, Value)> {
    let product = &world.products[dice.index(world.products.len())];
    let is_service = dice.chance(0.35);
    let defect = if is_service { DEFECTS[7 + dice.index(2)] } else { DEFECTS[dice.weighted(&[9, 5, 4, 3, 3, 2, 1])] };
    let cause = match dice.index(8) {
        0 => "配件质量，\"密封圈\"老化\n已换新件",
        1 | 2 => "安装不当",
        3 => "使用不当",
        _ => "零件磨损",
    };
    let is_domestic = if dice.chance(0.02) { Value::Null } else { Value::Flag(customer.country == "CN") };
    vec![
        ("channel", Value::text(dice.pick(&["800呼叫中心", "电子邮件", "服务站", "总裁热线"]))),
        ("product_code", Value::text(&product.code)),
        ("serial_no", Value::Null),
        ("kind", Value::text(if is_service { "服务类" } else { "产品类" })),
        ("defect", Value::text(defect)),
        ("priority", Value::text(["A", "B", "C"][dice.weighted(&[2, 5, 5])])),
        ("is_domestic", is_domestic),
        ("department", Value::text(dice.pick(&["质量部", "服务部", "物流部", "生产部"]))),
        ("cause", Value::text(cause)),
        ("responsible_party", Value::text(dice.pick(&["经销商", "供应商", "本厂"]))),
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
