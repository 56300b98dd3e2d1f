//! CRM: opportunities with their stages, visits (`visits.rs`) and assignments as tables of one database file.
//!
//! The database keeps whatever it is given in any column, so misfits are stored as texts; `line` is the row's ordinal.

use std::fs;
use std::path::Path;

use chrono::NaiveDate;
use rusqlite::{Connection, Transaction, params_from_iter, types};

use crate::campaigns::{self, Campaign};
use crate::file::{Cell, Layout, Line, Row, text_of};
use crate::months;
use crate::places::{BRANDS, PRODUCT_TYPES};
use crate::random::Dice;
use crate::sales::Acceptance;
use crate::style::{OFFICE, Style, Value};
use crate::table::{self, Plant, Planter, Record, Table, plant};
use crate::truth::{FileCounts, Truth};
use crate::visits;
use crate::world::World;

/// Relative path of the database.
const PATH: &str = "crm/crm.sqlite";

/// Records that are held at a time.
const STEP_RECORDS: usize = 100_000;

type Columns = &'static [(&'static str, &'static str)];

const OPPORTUNITY: Columns = &[
    ("opportunity_id", "TEXT"),
    ("account_id", "TEXT"),
    ("opened_on", "TEXT"),
    ("closed_on", "TEXT"),
    ("status", "TEXT"),
    ("stage", "TEXT"),
    ("kind", "TEXT"),
    ("sale_type", "TEXT"),
    ("province", "TEXT"),
    ("product_type", "TEXT"),
    ("expected_units", "INTEGER"),
    ("expected_amount", "NUMERIC"),
    ("probability", "REAL"),
    ("quotes_compared", "INTEGER"),
    ("main_competitor", "TEXT"),
    ("lost_reason", "TEXT"),
    ("loss_report_filed_on", "TEXT"),
    ("campaign_id", "TEXT"),
    ("salesperson", "TEXT"),
];
const STAGE: Columns = &[("opportunity_id", "TEXT"), ("stage", "TEXT"), ("entered_at", "TEXT")];
const ASSIGNMENT: Columns =
    &[("account_id", "TEXT"), ("role", "TEXT"), ("manager", "TEXT"), ("valid_from", "TEXT"), ("valid_to", "TEXT")];

const OPPORTUNITY_PLANTS: &[Plant] = &[
    plant("status", "code", "maybe"),
    plant("opened_on", "type", "someday"),
    plant("expected_amount", "type", "a lot"),
    plant("account_id", "required", ""),
    plant("expected_units", "type", "two"),
];
const STAGE_PLANTS: &[Plant] = &[plant("stage", "code", "dreaming"), plant("entered_at", "type", "noon")];
const VISIT_PLANTS: &[Plant] =
    &[plant("minutes", "type", "long"), plant("visited_on", "required", ""), plant("visitor_role", "code", "guest")];
const ASSIGNMENT_PLANTS: &[Plant] = &[plant("role", "code", "friend"), plant("valid_from", "type", "since ever")];

/// Those who look after accounts.
pub const MANAGERS: [&str; 6] = ["林晓", "高远航", "罗静怡", "梁博文", "宋明哲", "唐雪"];

const FUNNEL: [&str; 5] = ["need", "evaluating", "resolving", "decision", "implementing"];

/// An opportunity as other tables refer to it.
pub struct Opportunity {
    pub id: String,
    pub account: usize,
    pub opened_on: NaiveDate,
    pub closed_on: Option<NaiveDate>,
    reached: usize,
}

impl Opportunity {
    /// Says whether it was closed without an order.
    pub fn is_lost(&self) -> bool {
        self.closed_on.is_some() && self.reached < FUNNEL.len() - 1
    }
}

/// What of other extracts the CRM refers to.
pub struct Around<'a> {
    pub campaigns: &'a [Campaign],
    pub acceptances: &'a [Acceptance],
}

/// Writes the database anew.
pub fn send(world: &World, around: &Around, folder: &Path, truth: &mut Truth) {
    let path = folder.join(PATH);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let _absent = fs::remove_file(&path);
    let mut base = Connection::open(&path).unwrap();
    base.execute_batch("PRAGMA journal_mode = OFF; PRAGMA page_size = 4096;").unwrap();
    let opportunities = opportunities(world);
    let mut writer = Writer { world, folder, base: &mut base, truth };
    let records = opportunities.iter().map(|one| opportunity_record(world, one, around.campaigns));
    writer.put("crm_opportunity", OPPORTUNITY, OPPORTUNITY_PLANTS, records);
    let records = opportunities.iter().flat_map(|one| stage_records(world, one));
    writer.put("crm_opportunity_stage", STAGE, STAGE_PLANTS, records);
    let records = visits::records(world, &opportunities, around.acceptances);
    writer.put("crm_visit", visits::COLUMNS, VISIT_PLANTS, records);
    let records = world.accounts().into_iter().flat_map(|account| assignments(world, account));
    writer.put("crm_assignment", ASSIGNMENT, ASSIGNMENT_PLANTS, records);
}

struct Writer<'a> {
    world: &'a World,
    folder: &'a Path,
    base: &'a mut Connection,
    truth: &'a mut Truth,
}

impl Writer<'_> {
    /// Fills a table in one step, some records at a time.
    fn put(
        &mut self,
        source: &'static str,
        columns: Columns,
        plants: &'static [Plant],
        records: impl Iterator<Item = Record>,
    ) {
        let headers: Vec<_> = columns.iter().map(|(name, _)| (*name, *name)).collect();
        let planter = Planter::new(self.world.plan.dirt, plants);
        let mut table = Table::new(self.folder, self.world.dice(source), source, &headers, planter);
        let style = Style { layout: Layout::Workbook, ..OFFICE };
        let mut counts = FileCounts::new(0);
        let step = self.base.transaction().unwrap();
        create(&step, source, columns);
        for records in table::parts(records, STEP_RECORDS) {
            let rows = table.rows(&style, &records);
            insert(&step, source, columns, &rows);
            let first = counts.lengthen(rows.len());
            let places: Vec<_> = (first..).take(rows.len()).collect();
            for (row, place) in rows.iter().zip(&places) {
                counts.add(&Line::Data(row.clone()), 0);
                self.truth.faults(source, PATH, *place, &row.faults);
            }
            table.serve(PATH, "", &records, &rows, &places);
        }
        step.commit().unwrap();
        self.truth.file(source, PATH, &counts);
        table.settle(self.truth);
    }
}

fn create(step: &Transaction, source: &str, columns: Columns) {
    let defined: Vec<_> = columns.iter().map(|(name, kind)| format!("{name} {kind}")).collect();
    step.execute(&format!("CREATE TABLE {source} ({})", defined.join(", ")), []).unwrap();
}

fn insert(step: &Transaction, source: &str, columns: Columns, rows: &[Row]) {
    let marks = vec!["?"; columns.len()].join(", ");
    let sql = format!("INSERT INTO {source} VALUES ({marks})");
    let mut statement = step.prepare_cached(&sql).unwrap();
    for row in rows {
        statement.execute(params_from_iter(row.cells.iter().map(stored))).unwrap();
    }
}

fn stored(cell: &Cell) -> types::Value {
    match cell {
        Cell::Empty => types::Value::Null,
        Cell::Number(text) if !text.contains('.') => types::Value::Integer(text.parse().unwrap()),
        Cell::Number(text) => types::Value::Real(text.parse().unwrap()),
        other => types::Value::Text(text_of(other)),
    }
}

fn opportunities(world: &World) -> Vec<Opportunity> {
    let dice = &mut world.dice("opportunities");
    let accounts = world.accounts();
    let count = world.plan.customers * world.plan.months / 30 + 20;
    (0..count).map(|number| opportunity(world, dice, number, &accounts)).collect()
}

fn opportunity(world: &World, dice: &mut Dice, number: i64, accounts: &[usize]) -> Opportunity {
    let opened_on = months::day_within(dice, world.months[0], world.plan.months);
    let closed_on = dice.chance(0.78).then(|| months::add_days(opened_on, dice.between(20, 300)));
    Opportunity {
        id: format!("OP{:06}", number + 1),
        account: accounts[dice.index(accounts.len())],
        opened_on,
        closed_on,
        reached: dice.weighted(&[3, 3, 2, 3, 4]),
    }
}

fn opportunity_record(world: &World, one: &Opportunity, campaigns: &[Campaign]) -> Record {
    let dice = &mut world.dice(&one.id);
    let status = match (one.closed_on, one.reached) {
        (None, _) => "open",
        (Some(_), 4) => "won",
        _ => "lost",
    };
    let units = dice.between(1, 12);
    let (product_type, price) = PRODUCT_TYPES[dice.index(4)];
    let is_lost = one.is_lost();
    let campaign = dice.chance(0.6).then(|| campaigns::behind(campaigns, dice, one.opened_on)).flatten();
    let dealer = &world.dealers[world.customers[one.account].dealers[0]];
    let filed =
        one.closed_on.filter(|_| is_lost && dice.chance(0.6)).map(|day| months::add_days(day, dice.between(0, 25)));
    let rival = if dice.chance(0.75) { Value::text(BRANDS[1 + dice.index(5)].code) } else { Value::Null };
    let reason = if is_lost && !dice.chance(0.06) {
        Value::text(dice.pick(&["price", "delivery", "relationship", "service", "quality"]))
    } else {
        Value::Null
    };
    let values = vec![
        ("opportunity_id", Value::text(&one.id)),
        ("account_id", Value::Text(World::account_id(one.account))),
        ("opened_on", Value::Date(one.opened_on)),
        ("closed_on", Value::date(one.closed_on)),
        ("status", Value::text(status)),
        ("stage", Value::text(FUNNEL[one.reached])),
        ("kind", Value::text(["normal", "tender"][dice.weighted(&[3, 1])])),
        ("sale_type", Value::text(["transactional", "relational", "cooperative"][dice.weighted(&[4, 3, 1])])),
        ("province", Value::text(world.customers[one.account].province)),
        ("product_type", Value::text(product_type)),
        ("expected_units", if dice.chance(0.02) { Value::Null } else { Value::Number(units, 0) }),
        ("expected_amount", if dice.chance(0.04) { Value::Null } else { Value::Number(units * price * 100 + 50, 2) }),
        ("probability", Value::Number(dice.between(1, 19) * 5, 2)),
        ("quotes_compared", if dice.chance(0.2) { Value::Null } else { Value::Number(dice.between(0, 5), 0) }),
        ("main_competitor", rival),
        ("lost_reason", reason),
        ("loss_report_filed_on", Value::date(filed)),
        ("campaign_id", Value::maybe(campaign.as_deref())),
        ("salesperson", Value::text(&dealer.sellers[dice.index(4)])),
    ];
    Record::new(one.id.clone(), values)
}

fn stage_records(world: &World, one: &Opportunity) -> Vec<Record> {
    let dice = &mut world.dice(&format!("funnel {}", one.id));
    let mut day = one.opened_on;
    let mut records = Vec::new();
    for stage in &FUNNEL[..=one.reached] {
        let at = months::time_on(dice, day);
        let values = vec![
            ("opportunity_id", Value::text(&one.id)),
            ("stage", Value::text(stage)),
            ("entered_at", Value::Text(at.format("%Y-%m-%d %H:%M:%S").to_string())),
        ];
        records.push(Record::new(format!("{}|{stage}", one.id), values));
        day = months::add_days(day, dice.between(4, 50));
        day = one.closed_on.map_or(day, |closed| day.min(closed));
    }
    records
}

/// A manager for all, the whole team for some; every fifth account changes hands once.
fn assignments(world: &World, account: usize) -> Vec<Record> {
    let dice = &mut world.dice(&format!("assignment {account}"));
    let changed = dice.chance(0.2).then(|| months::day_within(dice, world.months[0], world.plan.months));
    let mut records = Vec::new();
    for role in ["manager", "executive", "tech", "market", "maintenance"] {
        if role != "manager" && !dice.chance(if world.is_big(account) { 0.9 } else { 0.35 }) {
            continue;
        }
        let begin = months::date(2023, 1, 1);
        records.push(assignment(account, role, dice.pick(&MANAGERS), (begin, changed)));
        if let Some(day) = changed.filter(|_| role == "manager") {
            records.push(assignment(account, role, dice.pick(&MANAGERS), (day, None)));
        }
    }
    records
}

fn assignment(account: usize, role: &str, manager: &str, valid: (NaiveDate, Option<NaiveDate>)) -> Record {
    let account = World::account_id(account);
    let key = format!("{account}|{role}|{manager}|{}", valid.0);
    let values = vec![
        ("account_id", Value::Text(account)),
        ("role", Value::text(role)),
        ("manager", Value::text(manager)),
        ("valid_from", Value::Date(valid.0)),
        ("valid_to", Value::date(valid.1)),
    ];
    Record::new(key, values)
}
