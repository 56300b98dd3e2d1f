//! Small tables that change at random, as the inputs of models: their rows in memory, their partitions as tiny files.

use std::{collections::BTreeMap, sync::Arc};

use arrow::{
    array::{ArrayRef, Date32Array, Int32Array, Int64Array, RecordBatch, StringArray},
    datatypes::SchemaRef,
};
use chrono::NaiveDate;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{
    engine::{AsOf, Catalog, CatalogTable, catalog},
    publish::{TableSpec, TableWriter, WriterOptions},
    record::{StoredAt, TableName, manifest::Partition},
};

const MONTHS: [(i32, u32); 8] =
    [(2023, 1), (2023, 2), (2023, 6), (2023, 12), (2024, 1), (2024, 2), (2024, 3), (2025, 1)];

/// One row of a table of facts.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Fact {
    month: Option<NaiveDate>,
    dealer: Option<&'static str>,
    amount: i64,
    grade: i64,
    note: i64,
    booked: NaiveDate,
}

/// One row of `core.dealer`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Dealer {
    region: Option<&'static str>,
    grade: i64,
}

/// The inputs of all models.
pub struct World {
    pub random: ChaCha8Rng,
    folder: tempfile::TempDir,
    sale: BTreeMap<i64, Fact>,
    refund: BTreeMap<i64, Fact>,
    dealer: BTreeMap<&'static str, Dealer>,
    target: BTreeMap<i32, (&'static str, i64)>,
    run_date: NaiveDate,
    /// Partition columns of `staged.refund`, separated by spaces.
    refund_by: &'static str,
    ids: i64,
    written: usize,
    catalog: Catalog,
}

impl World {
    pub fn new(seed: u64) -> Self {
        let mut world = Self {
            random: ChaCha8Rng::seed_from_u64(seed),
            folder: tempfile::tempdir().unwrap(),
            sale: BTreeMap::new(),
            refund: BTreeMap::new(),
            dealer: BTreeMap::new(),
            target: [(2023, ("north", 9)), (2024, ("south", 3))].into(),
            run_date: date(2024, 12, 31),
            refund_by: "month",
            ids: 0,
            written: 0,
            catalog: Catalog::new(),
        };
        for _ in 0..12 {
            let fact = world.fact();
            world.sale.insert(world.ids, fact);
        }
        for _ in 0..5 {
            let fact = world.fact();
            world.refund.insert(world.ids, fact);
        }
        for dealer in ["A", "B", "C"] {
            world.set_dealer(dealer);
        }
        for table in ["staged.sale", "staged.refund", "core.dealer", "core.target"] {
            world.write(table);
        }
        world
    }

    /// Returns the tables as they are now.
    pub const fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Returns the rows of the tables as they are now.
    pub fn batches(&self) -> Vec<(TableName, RecordBatch)> {
        vec![
            (name("staged.sale"), facts(&self.sale)),
            (name("staged.refund"), facts(&self.refund)),
            (name("core.dealer"), self.dealers()),
            (name("core.target"), self.targets()),
        ]
    }

    /// Changes something and says what.
    pub fn edit(&mut self) -> String {
        let told = match self.random.random_range(0..14) {
            0 | 1 => self.insert(),
            2..=4 => self.correct(),
            5 => self.move_row(),
            6 => self.delete(),
            7 => self.delete_month(),
            8 | 9 => self.change_dealer(),
            10 => self.change_target(),
            11 => self.change_run_date(),
            12 => self.annotate(),
            _ => "nothing".to_owned(),
        };
        for table in ["staged.sale", "staged.refund", "core.dealer", "core.target"] {
            if told.contains(table) {
                self.write(table);
            }
        }
        told
    }

    fn insert(&mut self) -> String {
        let (table, fact) = (self.any(), self.fact());
        let told = format!("insert into {table}: {} {fact:?}", self.ids);
        let id = self.ids;
        self.facts(table).insert(id, fact);
        told
    }

    fn correct(&mut self) -> String {
        let (table, other) = (self.any(), self.fact());
        let Some(id) = self.any_id(table) else { return "nothing to correct".to_owned() };
        let which = self.random.random_range(0..3);
        let Some(fact) = self.facts(table).get_mut(&id) else { return String::new() };
        match which {
            0 => fact.amount = other.amount,
            1 => fact.dealer = other.dealer,
            _ => fact.grade = other.grade,
        }
        format!("correct {table}: {id} {fact:?}")
    }

    fn move_row(&mut self) -> String {
        let (table, other) = (self.any(), self.fact());
        let Some(id) = self.any_id(table) else { return "nothing to move".to_owned() };
        let Some(fact) = self.facts(table).get_mut(&id) else { return String::new() };
        fact.month = other.month;
        format!("move {table}: {id} {fact:?}")
    }

    fn delete(&mut self) -> String {
        let table = self.any();
        let Some(id) = self.any_id(table) else { return "nothing to delete".to_owned() };
        self.facts(table).remove(&id);
        format!("delete from {table}: {id}")
    }

    fn delete_month(&mut self) -> String {
        let table = self.any();
        let Some(id) = self.any_id(table) else { return "nothing to delete".to_owned() };
        let month = self.facts(table)[&id].month;
        self.facts(table).retain(|_, fact| fact.month != month);
        format!("delete from {table}: {month:?}")
    }

    fn change_dealer(&mut self) -> String {
        let dealer = ["A", "B", "C", "D"][self.random.random_range(0..4)];
        if self.random.random_range(0..4) == 0 {
            self.dealer.remove(dealer);
            return format!("core.dealer without {dealer}");
        }
        self.set_dealer(dealer);
        format!("core.dealer: {dealer} {:?}", self.dealer[dealer])
    }

    fn change_target(&mut self) -> String {
        let year = [2023, 2024, 2025][self.random.random_range(0..3)];
        if self.random.random_range(0..4) == 0 {
            self.target.remove(&year);
            return format!("core.target without {year}");
        }
        let target = (["north", "south"][self.random.random_range(0..2)], self.random.random_range(0..10));
        self.target.insert(year, target);
        format!("core.target: {year} {target:?}")
    }

    /// Returns the run date.
    pub const fn run_date(&self) -> NaiveDate {
        self.run_date
    }

    /// Moves the run date among those days on which rows are booked, or far behind them.
    pub fn change_run_date(&mut self) -> String {
        self.run_date = date(2024, 5, self.random.random_range(1..6));
        if self.random.random_range(0..3) == 0 {
            self.run_date = date(2024, 12, 31);
        }
        let cut = self.as_of();
        if let Some(sale) = self.catalog.get_mut(&name("staged.sale")) {
            sale.as_of = Some(cut);
        }
        format!("run as of {}", self.run_date)
    }

    /// Cuts a table into other partitions, some without a row left.
    pub fn repartition(&mut self) -> String {
        let choices: Vec<&str> =
            ["", "month", "dealer", "month dealer", "grade"].into_iter().filter(|by| *by != self.refund_by).collect();
        self.refund_by = choices[self.random.random_range(0..choices.len())];
        if self.random.random_range(0..4) == 0 {
            self.refund.clear();
        }
        self.write("staged.refund");
        format!("staged.refund by [{}], {} rows", self.refund_by, self.refund.len())
    }

    /// Changes a column that no model reads.
    fn annotate(&mut self) -> String {
        let table = self.any();
        let Some(id) = self.any_id(table) else { return "nothing to annotate".to_owned() };
        if let Some(fact) = self.facts(table).get_mut(&id) {
            fact.note += 1;
        }
        format!("annotate {table}: {id}")
    }

    fn any(&mut self) -> &'static str {
        ["staged.sale", "staged.sale", "staged.refund"][self.random.random_range(0..3)]
    }

    fn facts(&mut self, table: &str) -> &mut BTreeMap<i64, Fact> {
        if table == "staged.sale" { &mut self.sale } else { &mut self.refund }
    }

    fn any_id(&mut self, table: &str) -> Option<i64> {
        let ids: Vec<i64> = self.facts(table).keys().copied().collect();
        (!ids.is_empty()).then(|| ids[self.random.random_range(0..ids.len())])
    }

    fn fact(&mut self) -> Fact {
        self.ids += 1;
        let month = self.random.random_range(0..=MONTHS.len());
        let dealer = self.random.random_range(0..6);
        Fact {
            month: MONTHS.get(month).map(|&(year, month)| date(year, month, 1)),
            dealer: ["A", "B", "C", "D", "E"].get(dealer).copied(),
            amount: self.random.random_range(0..80),
            grade: self.random.random_range(0..4),
            note: 0,
            booked: date(2024, 5, self.random.random_range(1..6)),
        }
    }

    fn set_dealer(&mut self, dealer: &'static str) {
        let region = ["a", "north", "south"].get(self.random.random_range(0..4)).copied();
        self.dealer.insert(dealer, Dealer { region, grade: self.random.random_range(0..4) });
    }

    fn as_of(&self) -> AsOf {
        AsOf {
            event_date: Some("booked".to_owned()),
            stages: Vec::new(),
            run_date: self.run_date,
            timezone: chrono_tz::Asia::Shanghai,
        }
    }

    /// Writes a table anew and puts it into the catalog.
    fn write(&mut self, table: &str) {
        let (batch, partition_by, dates) = match table {
            "staged.sale" => (facts(&self.sale), "month", vec!["booked".to_owned()]),
            "staged.refund" => (facts(&self.refund), self.refund_by, Vec::new()),
            "core.dealer" => (self.dealers(), "", Vec::new()),
            _ => (self.targets(), "year", Vec::new()),
        };
        self.written += 1;
        let staging = self.folder.path().join(self.written.to_string());
        let as_of = (table == "staged.sale").then(|| self.as_of());
        let partition_by: Vec<String> = partition_by.split_terminator(' ').map(str::to_owned).collect();
        let spec = TableSpec {
            name: name(table),
            schema: batch.schema(),
            partition_by: partition_by.clone(),
            key: Vec::new(),
            dates,
            timezone: chrono_tz::Asia::Shanghai,
        };
        let options = WriterOptions { memory_bytes: 64 << 20, ..WriterOptions::default() };
        let mut writer = TableWriter::create(spec, &staging, options).unwrap();
        writer.write(&batch).unwrap();
        let partitions = writer.finish().unwrap();
        let table = table_of(table, &batch.schema(), partition_by, partitions, as_of, &staging);
        self.catalog.insert(table.0, table.1);
    }

    fn dealers(&self) -> RecordBatch {
        let dealers: StringArray = self.dealer.keys().copied().map(Some).collect();
        let regions: StringArray = self.dealer.values().map(|dealer| dealer.region).collect();
        let grades: Int64Array = self.dealer.values().map(|dealer| Some(dealer.grade)).collect();
        batch(vec![("dealer", Arc::new(dealers)), ("region", Arc::new(regions)), ("grade", Arc::new(grades))])
    }

    fn targets(&self) -> RecordBatch {
        let years: Int32Array = self.target.keys().copied().map(Some).collect();
        let regions: StringArray = self.target.values().map(|(region, _)| Some(*region)).collect();
        let quotas: Int64Array = self.target.values().map(|(_, quota)| Some(*quota)).collect();
        batch(vec![("year", Arc::new(years)), ("region", Arc::new(regions)), ("quota", Arc::new(quotas))])
    }
}

/// Joins a written table with the place of its files.
fn table_of(
    table: &str,
    schema: &SchemaRef,
    partition_by: Vec<String>,
    partitions: Vec<Partition>,
    as_of: Option<AsOf>,
    staging: &std::path::Path,
) -> (TableName, CatalogTable) {
    let name = name(table);
    let folder = if name.is_private() { staging.join("private") } else { staging.to_owned() };
    let data = folder.join(&name.schema).join(&name.table).join("data");
    let mut declared = catalog::declared(schema, partition_by, Vec::new());
    declared.partitions = partitions;
    (name, CatalogTable::new(declared, Arc::clone(schema), as_of, &|file| StoredAt::Disk(data.join(&file.path))))
}

fn facts(facts: &BTreeMap<i64, Fact>) -> RecordBatch {
    let days = |date: NaiveDate| i32::try_from((date - NaiveDate::default()).num_days()).unwrap();
    let whole = |get: fn(&Fact) -> i64| -> ArrayRef {
        Arc::new(facts.values().map(|fact| Some(get(fact))).collect::<Int64Array>())
    };
    let months: Date32Array = facts.values().map(|fact| fact.month.map(days)).collect();
    let dealers: StringArray = facts.values().map(|fact| fact.dealer).collect();
    let booked: Date32Array = facts.values().map(|fact| Some(days(fact.booked))).collect();
    batch(vec![
        ("id", Arc::new(facts.keys().copied().map(Some).collect::<Int64Array>())),
        ("month", Arc::new(months)),
        ("dealer", Arc::new(dealers)),
        ("amount", whole(|fact| fact.amount)),
        ("grade", whole(|fact| fact.grade)),
        ("note", whole(|fact| fact.note)),
        ("booked", Arc::new(booked)),
    ])
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap()
}

pub fn name(table: &str) -> TableName {
    TableName::try_from(table.to_owned()).unwrap()
}

fn date(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap()
}
