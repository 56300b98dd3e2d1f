//! Nights that link only what changed: they find what linking all records finds, whatever became of what was remembered.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use serde_json::Value;

use crate::{
    identity::PIPELINE,
    project::{Project, is_night},
};

const ACCOUNT: &str = "\
format: csv
key: [account_id]
columns:
  account_id: { type: string, required: true }
  name: { type: string }
  city: { type: string }
  phone: { type: string }
  tax_id: { type: string }
";

const SALE: &str = "\
format: csv
key: [id]
partition_by: [month]
event_date: day
columns:
  id: { type: int, required: true }
  day: { type: date, required: true }
  dealer: { type: string, required: true }
  code: { type: string }
  account: { type: string }
  customer: { type: string }
  city: { type: string }
  phone: { type: string }
  month: { type: date, derive: \"date_trunc('month', day)\" }
";

/// Everything that an entity can say, with blocks so small that they are split all the time.
const ENTITY: &str = "\
name: customer
id: { column: customer_id, prefix: C }
records:
  - source: account
    key: [account_id]
    columns: { name: name, city: city, phone: phone, tax_id: tax_id }
  - source: sale
    key: [dealer, code]
    date: day
    belongs_to: { source: account, key: [account] }
    columns: { name: customer, city: city, phone: phone }
attributes:
  name: { prepare: company }
  city: { prepare: place }
  phone: { prepare: text }
  tax_id: { prepare: text }
rules:
  - { name: same_tax_id, equal: [tax_id] }
  - { name: same_phone_and_name, equal: [phone, name.key] }
vetoes:
  - { name: two_tax_ids, differ: [tax_id] }
blocks:
  - equal: [name.stem]
  - equal: [phone]
  - bigrams: name.stem
  - { neighbours: name.pinyin, window: 4 }
block_limit: 8
split_by: [city, name.pinyin]
comparisons:
  - attribute: name
    levels: [exact, { jaro_winkler: 0.9 }, { bigram_jaccard: 0.5 }]
    term_frequency: true
  - attribute: phone
    levels: [exact, { damerau_levenshtein: 1 }]
  - attribute: city
    levels: [exact]
    term_frequency: true
cohesion: 0.6
link_from: 0.9
model: customer.model.json
overrides: customer.overrides.csv
";

const MODEL_FILE: &str = "pipelines/entities/customer.model.json";
const OVERRIDES_FILE: &str = "pipelines/entities/customer.overrides.csv";
const TABLES: [&str; 6] = [
    "staged.account",
    "staged.sale",
    "core.customer_xref",
    "core.customer_event",
    "core.customer_identity",
    "core.customer_evidence",
];

/// What becomes of what is remembered.
type Happening<'a> = Box<dyn Fn() + 'a>;

/// Numbers from a seed, so that a failure can be seen again.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    /// Returns name, city and telephone of a firm, spelt by somebody; names hold quotes, some values are missing.
    fn firm(&mut self) -> String {
        let name = format!(
            "\"{}{}{}{}\"",
            self.one(&["徐州", "", "柳州", ""]),
            self.one(&["重工", "重型", "O'Neil \"\"X\"\" ", "North Works ", "机械设备", "Nord Werke "]),
            self.one(&["", "", "贸易", "租赁"]),
            self.one(&["有限公司", "有限责任公司", "Ltd", "", ""]),
        );
        let phone = if self.below(4) == 0 { String::new() } else { format!("1390000{:02}", self.below(25)) };
        format!("{name},{},{phone}", self.one(&["徐州", "柳州市", "Riga", ""]))
    }
}

/// The extracts of some nights: what the dice do to accounts and sales.
struct World {
    dice: Dice,
    accounts: BTreeMap<usize, String>,
    sales: BTreeMap<usize, String>,
    next: usize,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut world = Self { dice: Dice(seed), accounts: BTreeMap::new(), sales: BTreeMap::new(), next: 0 };
        for number in 0..60 {
            let said = world.account();
            world.accounts.insert(number, said);
        }
        world.sell(80);
        world
    }

    fn account(&mut self) -> String {
        let tax_id = if self.dice.below(3) > 0 { String::new() } else { format!("T{}", self.dice.below(30)) };
        format!("{},{tax_id}", self.dice.firm())
    }

    /// Adds a file of sales, some of customers that are known.
    fn sell(&mut self, rows: usize) {
        let mut file = "id,day,dealer,code,account,customer,city,phone\n".to_owned();
        for _ in 0..rows {
            self.next += 1;
            let (month, dealer, code) = (self.dice.below(6) + 1, self.dice.below(3), self.dice.below(60));
            let account = if self.dice.below(9) > 0 { String::new() } else { format!("A{}", self.dice.below(60)) };
            let firm = self.dice.firm();
            let line = format!("{},2026-{month:02}-05,D/{dealer},c{code},{account},{firm}\n", self.next);
            file.push_str(&line);
        }
        self.sales.insert(self.next, file);
    }

    /// Changes, adds and removes a few records.
    fn pass_a_night(&mut self) {
        for _ in 0..4 {
            let (number, said) = (self.dice.below(70), self.account());
            self.accounts.insert(number, said);
        }
        for _ in 0..2 {
            let number = self.dice.below(70);
            self.accounts.remove(&number);
        }
        self.sell(6);
        // The file of an earlier night is withdrawn, but never the first and large one.
        if self.sales.len() > 4 {
            let earlier: Vec<usize> = self.sales.keys().copied().skip(1).collect();
            let gone = earlier[self.dice.below(earlier.len())];
            self.sales.remove(&gone);
        }
    }

    /// Writes the extracts, and an overrides file about accounts that are there.
    fn deliver(&mut self, project: &Project) {
        let _ = fs::remove_dir_all(project.path("extracts/sale"));
        let rows: Vec<String> = self.accounts.iter().map(|(number, said)| format!("A{number},{said}\n")).collect();
        let rows = rows.concat();
        project.extract("account/all.csv", format!("account_id,name,city,phone,tax_id\n{rows}"));
        for (number, file) in &self.sales {
            project.extract(&format!("sale/{number:05}.csv"), file);
        }
    }

    /// Returns what people say tonight: of two pairs of accounts.
    fn overrides(&mut self) -> String {
        let known: Vec<usize> = self.accounts.keys().copied().collect();
        let line = |places: [usize; 2], verdict: &str| {
            let [left, right] = places.map(|place| known[place]);
            format!("account,A{left},account,A{right},{verdict},the dice\n")
        };
        let start = self.dice.below(known.len() - 4);
        let said = line([start, start + 1], "same") + &line([start + 2, start + 3], "different");
        format!("left_source,left_key,right_source,right_key,verdict,reason\n{said}")
    }
}

fn project(world: &mut World) -> Project {
    let project = Project::new();
    project.file("pipelines/nightly.yaml", PIPELINE);
    project.file("pipelines/entities/customer.yaml", ENTITY);
    project.source("account", ACCOUNT).source("sale", SALE);
    world.deliver(&project);
    project
}

/// Returns a project whose model is pinned, after its first night.
fn begun(world: &mut World) -> Project {
    let project = project(world);
    project.tallyhouse(&["identity", "train"]).succeeds();
    let first = project.run();
    assert_eq!(why(&first), Some("nothing is remembered of a run with this definition, model and program"));
    project
}

fn memory(project: &Project) -> PathBuf {
    project.path("warehouse/remembered/core.customer_xref")
}

fn linking(report: &Value) -> &Value {
    &report["entities"][0]["linking"]
}

/// Returns why all records were linked.
fn why(report: &Value) -> Option<&str> {
    linking(report)["all_because"].as_str()
}

/// Returns which records are one thing.
fn clusters(project: &Project) -> BTreeSet<BTreeSet<String>> {
    let mut clusters: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in project.current().cells("core.customer_xref", &["customer_id", "source", "source_key"]) {
        clusters.entry(row[0].clone()).or_default().insert(format!("{} {}", row[1], row[2]));
    }
    clusters.into_values().collect()
}

#[track_caller]
fn assert_same_tables(one: &Project, other: &Project, what: &str) {
    for table in TABLES {
        assert_eq!(one.current().files(table), other.current().files(table), "{table} {what}");
    }
}

#[test]
fn nights_that_link_only_what_changed_give_the_bytes_of_nights_that_link_all() {
    let mut world = World::new(7);
    let kept = begun(&mut world);
    let model = fs::read_to_string(kept.path(MODEL_FILE)).unwrap();
    let forgetful = project(&mut world);
    forgetful.file(MODEL_FILE, &model);
    forgetful.run();
    assert_same_tables(&kept, &forgetful, "of the first night");
    let (mut came, mut gone) = (0, 0);
    for night in 0..8 {
        world.pass_a_night();
        let said = world.overrides();
        for project in [&kept, &forgetful] {
            world.deliver(project);
            if night % 2 == 1 {
                project.file(OVERRIDES_FILE, &said);
            } else {
                let _ = fs::remove_file(project.path(OVERRIDES_FILE));
            }
        }
        fs::remove_file(memory(&forgetful)).unwrap();
        let (quick, slow) = (kept.run(), forgetful.run());
        assert_eq!(why(&quick), None, "night {night}");
        assert!(why(&slow).is_some(), "night {night}");
        let [few, all] = [&quick, &slow].map(|report| linking(report)["compared"].as_u64().unwrap());
        assert!(few < all, "night {night} compared {few} of {all} pairs");
        came += linking(&quick)["came"].as_u64().unwrap();
        gone += linking(&quick)["gone"].as_u64().unwrap();
        assert_same_tables(&kept, &forgetful, &format!("of night {night}"));
        kept.current().verify();
    }
    assert!(came > 40 && gone > 10, "little happened: {came} came, {gone} gone");
    // A warehouse that never saw the nights before has the same clusters; its ids are those of its own first night.
    let fresh = project(&mut world);
    fresh.file(MODEL_FILE, &model).file(OVERRIDES_FILE, fs::read_to_string(kept.path(OVERRIDES_FILE)).unwrap());
    fresh.run();
    assert_eq!(clusters(&kept), clusters(&fresh));
    assert!(clusters(&kept).iter().any(|cluster| cluster.len() > 3), "records do link");
}

#[test]
fn what_is_remembered_may_be_lost_damaged_or_of_another_night() {
    let mut world = World::new(11);
    let kept = begun(&mut world);
    let model = fs::read_to_string(kept.path(MODEL_FILE)).unwrap();
    let steady = project(&mut world);
    steady.file(MODEL_FILE, &model).run();
    let first = fs::read(memory(&kept)).unwrap();
    let mut nights: Vec<(&str, Happening<'_>)> = vec![
        ("lost", Box::new(|| fs::remove_dir_all(kept.path("warehouse/remembered")).unwrap())),
        ("empty", Box::new(|| fs::write(memory(&kept), "").unwrap())),
        ("cut off", Box::new(|| fs::write(memory(&kept), &first[..first.len() / 2]).unwrap())),
        ("of an earlier night", Box::new(|| fs::write(memory(&kept), &first).unwrap())),
    ];
    let flip = |at: usize| {
        let mut bytes = fs::read(memory(&kept)).unwrap();
        bytes[at] ^= 1;
        fs::write(memory(&kept), bytes).unwrap();
    };
    nights.push(("damaged at its beginning", Box::new(|| flip(3))));
    nights.push(("damaged within", Box::new(|| flip(first.len() / 3))));
    nights.push((
        "a folder",
        Box::new(|| {
            fs::remove_file(memory(&kept)).unwrap();
            fs::create_dir_all(memory(&kept).join("x")).unwrap();
        }),
    ));
    for (what, happens) in nights {
        world.pass_a_night();
        world.deliver(&kept);
        world.deliver(&steady);
        happens();
        let (report, other) = (kept.run(), steady.run());
        assert_eq!(why(&other), None);
        assert_eq!(why(&report).is_none(), what == "of an earlier night", "{what}: {}", linking(&report));
        assert_same_tables(&kept, &steady, what);
    }
}

#[test]
fn after_a_rollback_the_next_night_links_what_changed_since_whatever_is_remembered() {
    let mut world = World::new(13);
    let kept = begun(&mut world);
    let model = fs::read_to_string(kept.path(MODEL_FILE)).unwrap();
    let forgetful = project(&mut world);
    forgetful.file(MODEL_FILE, &model).run();
    for night in 0..4 {
        world.pass_a_night();
        for project in [&kept, &forgetful] {
            world.deliver(project);
        }
        fs::remove_file(memory(&forgetful)).unwrap();
        assert_eq!((why(&kept.run()), why(&forgetful.run()).is_some()), (None, true), "night {night}");
        assert_same_tables(&kept, &forgetful, &format!("of night {night}"));
        if night % 2 == 0 {
            for project in [&kept, &forgetful] {
                project.tallyhouse(&["snapshots", "rollback", "000001"]).succeeds();
                project.tallyhouse(&["snapshots", "release"]).succeeds();
            }
        }
    }
}

#[test]
fn a_full_run_links_all_and_a_verified_one_both_ways() {
    let mut world = World::new(17);
    let project = begun(&mut world);
    world.pass_a_night();
    world.deliver(&project);
    let verified = project.run_with(&["--verify-incremental"]);
    assert_eq!((why(&verified), linking(&verified)["is_proved"].as_bool()), (None, Some(true)));
    assert!(linking(&verified)["came"].as_u64().unwrap() > 0);
    let unchanged = project.run_with(&["--verify-incremental"]);
    assert_eq!((&unchanged["outcome"], &linking(&unchanged)["is_proved"]), (&"unchanged".into(), &true.into()));
    let said = project.tallyhouse(&["run", "--verify-incremental"]).succeeds().out;
    assert!(said.contains("linked: 0 new or changed, 0 gone, 0 pairs compared"), "{said}");
    assert!(said.contains("linking all records finds the same"), "{said}");
    let full = project.run_with(&["--full"]);
    assert_eq!(why(&full), Some("everything is found out anew"));
    assert_eq!(linking(&project.run()), &Value::Null, "nothing was read");
}

#[test]
fn another_definition_or_many_changes_link_all_and_say_why() {
    let mut world = World::new(19);
    let project = begun(&mut world);
    project.file("pipelines/entities/customer.yaml", ENTITY.replace("link_from: 0.9", "link_from: 0.92"));
    let report = project.run();
    assert_eq!(why(&report), Some("nothing is remembered of a run with this definition, model and program"));
    let row = |row: usize| format!("B{row},Firm {},,,\n", row / 2);
    let rows: String = (0..1_300).map(row).collect();
    project.extract("account/more.csv", format!("account_id,name,city,phone,tax_id\n{rows}"));
    assert_eq!(why(&project.run()), Some("1300 records are new, gone or say something else"));
    let said = project.tallyhouse(&["run", "--full"]).succeeds().out;
    assert!(said.contains("all records linked: everything is found out anew"), "{said}");
    fs::remove_file(project.path(MODEL_FILE)).unwrap();
    for _ in 0..2 {
        let report = project.run_with(&["--full"]);
        assert_eq!(why(&report), Some("no model is pinned, so another one may be learnt every night"));
    }
}

#[test]
fn each_environment_remembers_for_itself_and_looking_remembers_nothing() {
    let mut world = World::new(23);
    let project = begun(&mut world);
    let before = fs::read(memory(&project)).unwrap();
    world.pass_a_night();
    world.deliver(&project);
    for arguments in [&["plan"][..], &["identity", "review"]] {
        project.tallyhouse(arguments).succeeds();
        assert!(fs::read(memory(&project)).unwrap() == before, "{arguments:?}");
    }
    let dev = project.run_with(&["--env", "dev"]);
    assert_eq!(why(&dev), Some("nothing is remembered of a run with this definition, model and program"));
    assert!(fs::read(memory(&project)).unwrap() == before);
    let of_dev = project.path("warehouse/remembered/dev@core.customer_xref");
    assert!(of_dev.exists());
    world.pass_a_night();
    world.deliver(&project);
    assert_eq!([why(&project.run_with(&["--env", "dev"])), why(&project.run())], [None, None]);
    // Whoever has no customers any more needs to remember none.
    project.file("pipelines/nightly.yaml", PIPELINE.replace("entities: entities/*.yaml\n", ""));
    project.run();
    assert!(!memory(&project).exists() && of_dev.exists());
}

/// Sales of which some columns are no business of the entity, and an order is seen before it is paid.
const PAID: &str = "\
format: csv
key: [id]
partition_by: [month]
event_date: day
as_of: [paid]
columns:
  id: { type: int, required: true }
  day: { type: date, required: true }
  paid: { type: date }
  dealer: { type: string, required: true }
  code: { type: string }
  customer: { type: string }
  phone: { type: string }
  seen: { type: date }
  amount: { type: int }
  rev: { type: int }
  month: { type: date, derive: \"date_trunc('month', day)\" }
";

/// Few firms under few keys, so that rows of one key often disagree on what was said at one moment.
const PAYER: &str = "\
name: customer
id: { column: customer_id, prefix: C }
records:
  - { source: account, key: [account_id], columns: { name: name, phone: phone } }
  - { source: sale, key: [dealer, code], date: day, recent_by: seen, columns: { name: customer, phone: phone, paid: paid } }
attributes:
  name: { prepare: company }
  phone: { prepare: text }
  paid: { prepare: text }
rules:
  - { name: same_phone, equal: [phone] }
  - { name: same_name, equal: [name.key] }
survivorship: { name: most_recent, phone: most_recent, paid: most_recent }
";

/// What tells rows of one record apart: when they were seen, nothing but their files, or a version.
const ORDERS: [(&str, &str); 3] = [
    ("", ""),
    ("date: day, recent_by: seen, ", ""),
    ("date: day, recent_by: seen, ", "version: { from_column: rev }\n"),
];

/// Sales by file: id, day of the year, day of payment or 0, dealer and code, firm and telephone, amount.
struct Payments {
    dice: Dice,
    files: BTreeMap<usize, Vec<[usize; 6]>>,
    next: usize,
    run_day: usize,
    account: usize,
}

impl Payments {
    fn new(seed: u64) -> Self {
        let mut world = Self { dice: Dice(seed), files: BTreeMap::new(), next: 0, run_day: 90, account: 0 };
        let rows = (0..40).map(|id| world.row(id)).collect();
        world.files.insert(0, rows);
        world
    }

    fn row(&mut self, id: usize) -> [usize; 6] {
        // Months of 30 days, few of which have sales: keys meet on one day, within a partition and beyond.
        let day = 30 * self.dice.below(5) + [1, 1, 30][self.dice.below(3)];
        let paid = if self.dice.below(2) == 0 { 0 } else { day + self.dice.below(60) };
        [id, day, paid, self.dice.below(6), self.dice.below(30), self.dice.below(100)]
    }

    fn pass_a_night(&mut self) {
        self.next += 1;
        let file = self.dice.below(self.files.len());
        let (name, mut rows) = self.files.iter().nth(file).map(|(name, rows)| (*name, rows.clone())).unwrap();
        let picked = self.dice.below(rows.len().max(1));
        let mut row = rows.get(picked).copied().unwrap_or_default();
        match self.dice.below(11) {
            // An amount or a firm is corrected, or the sale belongs to another day.
            0 | 1 => row[5] += 1,
            2 => row[4] = self.dice.below(30),
            3 => row = self.row(row[0]),
            // The same rows come again, in another order, or under another name.
            4 => {
                rows.reverse();
                self.files.insert(self.next, rows);
                return;
            }
            5 | 6 => {
                self.files.remove(&name);
                self.files.insert(self.next, rows);
                return;
            }
            8 => {
                self.account = self.dice.below(20);
                return;
            }
            7 => {
                self.run_day = 20 + (self.run_day + self.dice.below(9)) % 140;
                return;
            }
            _ => {
                let rows = (0..3).map(|row| self.row(1000 + 3 * self.next + row)).collect();
                self.files.insert(self.next, rows);
                return;
            }
        }
        self.files.insert(self.next, vec![row]);
    }

    fn deliver(&self, project: &Project) {
        let date = |day: usize| format!("2026-{:02}-{:02}", day / 31 + 1, day % 31 + 1).replace("02-29", "02-28");
        let date = |day: usize| date(day).replace("02-30", "02-28").replace("02-31", "02-28").replace("04-31", "04-30");
        let firm = |firm: usize| format!("Firm {}", firm % 10);
        let phone = |firm: usize| if firm.is_multiple_of(3) { String::new() } else { format!("1390000{firm:02}") };
        let _ = fs::remove_dir_all(project.path("extracts/sale"));
        for (name, rows) in &self.files {
            let mut file = PAID_HEADER.replace("amount", "amount,rev");
            for [id, day, paid, key, of, amount] in rows {
                let paid = if *paid == 0 { String::new() } else { date(*paid) };
                let (dealer, code) = (key % 3, key / 3);
                let said = format!("{},{},2026-01-0{}", firm(*of), phone(*of), id % 2 + 1);
                // One key in twelve is missing, and some versions are those of other rows.
                let code = if key + id % 12 == 0 { String::new() } else { format!("c{code}") };
                let line = format!("{id},{},{paid},D{dealer},{code},{said},{amount},{}\n", date(*day), amount % 3);
                file.push_str(&line);
            }
            project.extract(&format!("sale/{name:05}.csv"), file);
        }
        let account = format!("A1,Firm {0},,1390000{0:02},\nA2,Firm 2,,,\n", self.account);
        project.extract("account/all.csv", format!("account_id,name,city,phone,tax_id\n{account}"));
    }

    fn run(&self, project: &Project, how: &[&str]) -> Value {
        let date = format!("2026-{:02}-{:02}", self.run_day / 28 + 1, self.run_day % 28 + 1);
        project.run_with(&[&["--run-date", &date], how].concat())
    }
}

/// Returns a project of an entity and sales, without extracts.
fn payers(entity: &str, sale: &str) -> Project {
    let project = Project::new();
    project.file("pipelines/nightly.yaml", PIPELINE).file("pipelines/entities/customer.yaml", entity);
    project.source("account", ACCOUNT).source("sale", sale);
    project
}

#[test]
fn nights_on_which_nobody_says_anything_new_give_the_bytes_of_nights_that_ask_everybody() {
    let (seeds, nights) = if is_night() { (60, 60) } else { (3, 24) };
    for (seed, (order, version)) in (1..=seeds).zip(ORDERS.iter().cycle()) {
        let mut world = Payments::new(seed);
        let payer = PAYER.replace("date: day, recent_by: seen, ", order);
        let contract = PAID.replace("columns:\n", &format!("{version}columns:\n"));
        let projects = [(); 2].map(|()| payers(&payer, &contract));
        for project in &projects {
            world.deliver(project);
            world.run(project, &[]);
        }
        let [kept, forgetful] = &projects;
        let (mut silent, mut spoken) = (0, 0);
        for night in 0..nights {
            world.pass_a_night();
            for project in &projects {
                world.deliver(project);
            }
            let (quick, slow) = (world.run(kept, &[]), world.run(forgetful, &["--full"]));
            let is_new = |report: &Value| report["outcome"] != "unchanged";
            assert_eq!(is_new(&quick), is_new(&slow), "seed {seed}, night {night}");
            for table in TABLES {
                let [quick, slow] = [kept, forgetful].map(|project| project.current().files(table));
                assert_eq!(quick, slow, "{table}, seed {seed}, night {night}");
            }
            let is_said = quick["entities"][0]["is_unchanged"] == false;
            spoken += usize::from(is_said);
            silent += usize::from(!is_said && is_new(&quick));
        }
        // Without a time and a version every row that moves is news.
        let least = if order.is_empty() { 0 } else { nights / 8 };
        assert!(silent >= least && spoken >= nights / 8, "of {nights} nights {silent} were silent, {spoken} not");
    }
}

/// Returns a project of sales of which each may be paid later, with a few lines.
fn paid(lines: &str) -> Project {
    let project = payers(PAYER, PAID);
    project.extract("account/all.csv", "account_id,name,city,phone,tax_id\n");
    project.extract("sale/1.csv", format!("{PAID_HEADER}{lines}"));
    project
}

const PAID_HEADER: &str = "id,day,paid,dealer,code,customer,phone,seen,amount\n";

#[test]
fn of_two_rows_of_one_moment_the_later_partition_speaks_whatever_the_order_of_files() {
    let project = paid("1,2026-03-05,,D1,c1,March Ltd,1,2026-04-01,10\n");
    // A later file, an earlier month; and two rows of one month, of which the later file's is the later.
    project.extract("sale/2.csv", format!("{PAID_HEADER}2,2026-02-05,,D1,c1,February Ltd,1,2026-04-01,10\n"));
    project.extract("sale/3.csv", format!("{PAID_HEADER}3,2026-02-06,,D1,c1,Candlemas Ltd,1,2026-04-01,10\n"));
    project.run();
    let name = || project.query("SELECT name FROM core.customer_identity");
    assert_eq!(name(), ["March Ltd"]);
    // Only the amount is another one, in a file that comes after all others.
    project.extract("sale/4.csv", format!("{PAID_HEADER}2,2026-02-05,,D1,c1,February Ltd,1,2026-04-01,11\n"));
    assert_eq!(project.run()["entities"][0]["is_unchanged"], false, "within the month it is the later row now");
    assert_eq!(name(), ["March Ltd"]);
    project.extract("sale/5.csv", format!("{PAID_HEADER}1,2026-03-05,,D1,c1,March Ltd,1,2026-04-01,12\n"));
    assert_eq!(project.run()["entities"][0]["is_unchanged"], true);
    assert_eq!(name(), ["March Ltd"]);
    project.extract("sale/6.csv", format!("{PAID_HEADER}1,2026-01-05,,D1,c1,January Ltd,1,2026-04-01,12\n"));
    project.run();
    assert_eq!(name(), ["February Ltd"]);
    project.current().verify();
}

#[test]
fn what_happens_after_the_run_date_is_said_once_its_day_has_come() {
    let project = paid("1,2026-03-05,2026-07-15,D1,c1,March Ltd,1,2026-03-05,10\n");
    project.run();
    let paid = || project.query("SELECT paid FROM core.customer_identity");
    assert_eq!(paid(), ["NULL"]);
    project.run_with(&["--run-date", "2026-07-14"]);
    assert_eq!(paid(), ["NULL"]);
    project.run_with(&["--run-date", "2026-07-15"]);
    assert_eq!(paid(), ["2026-07-15"]);
    project.run_with(&["--run-date", "2026-07-01"]);
    assert_eq!(paid(), ["NULL"]);
}

#[test]
fn a_date_that_becomes_a_later_stage_of_its_fact_is_another_contract() {
    let project = paid("1,2026-03-05,2026-07-15,D1,c1,March Ltd,1,2026-03-05,10\n");
    let contract = PAID.replace("event_date: day\nas_of: [paid]\n", "event_date: paid\n");
    project.source("sale", &contract).model("core.sale", "SELECT id, paid FROM staged.sale");
    project.run();
    let of = |table: &str| project.query(&format!("SELECT count(*) FROM {table}"));
    assert_eq!((of("core.sale"), of("core.customer_identity")), (vec!["0".to_owned()], vec!["0".to_owned()]));
    project.source("sale", &contract.replace("event_date: paid", "as_of: [paid]"));
    project.run();
    assert_eq!((of("core.sale"), of("core.customer_identity")), (vec!["1".to_owned()], vec!["1".to_owned()]));
    assert_eq!(project.query("SELECT paid FROM core.sale"), ["NULL"]);
}
