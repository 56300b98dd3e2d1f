//! A warehouse that grew night by night equals one that was built at once.
//!
//! Random edits of the extracts, a run after each; then the same extracts are built from nothing in another warehouse.
//! Both must hold the same files, byte for byte, in every table. The models are of every kind that could tempt the
//! planner to prove too much.

use std::{collections::BTreeMap, fmt::Write, fs};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{
    project::{Project, is_night},
    snapshot::Snapshot,
};

/// Models by name: partition columns and SQL.
const MODELS: &[(&str, &str, &str)] = &[
    // a filter and an inner join with a dimension
    (
        "core.sale",
        "month",
        "SELECT sale.id, sale.month, sale.dealer, dealer.region, sale.amount FROM staged.sale \
         JOIN staged.dealer ON dealer.dealer = sale.dealer WHERE sale.amount > 3",
    ),
    // a window within the partition
    (
        "core.place",
        "month",
        "SELECT id, month, rank() OVER (PARTITION BY month ORDER BY amount DESC, id) AS place FROM core.sale",
    ),
    // a year of months
    (
        "core.year",
        "year",
        "SELECT date_part('year', month) AS year, region, sum(amount) AS amount FROM core.sale GROUP BY 1, 2",
    ),
    // two tables one below the other
    (
        "core.flow",
        "month",
        "SELECT month, id, amount FROM core.sale UNION ALL SELECT month, id, -amount AS amount FROM staged.refund",
    ),
    // a left join of two aggregates
    (
        "core.balance",
        "month",
        "SELECT sale.month, sale.amount, refund.amount AS refunded \
         FROM (SELECT month, sum(amount) AS amount FROM staged.sale GROUP BY month) AS sale \
         LEFT JOIN (SELECT month, sum(amount) AS amount FROM staged.refund GROUP BY month) AS refund ON refund.month = sale.month",
    ),
    // the same from both sides
    (
        "core.both",
        "month",
        "SELECT coalesce(sale.month, refund.month) AS month, sale.sales, refund.refunds \
         FROM (SELECT month, count(*) AS sales FROM staged.sale GROUP BY month) AS sale \
         FULL JOIN (SELECT month, count(*) AS refunds FROM staged.refund GROUP BY month) AS refund ON refund.month = sale.month",
    ),
    // a month and the one before it
    (
        "core.growth",
        "month",
        "WITH total AS (SELECT month, sum(amount) AS amount FROM core.sale GROUP BY month) \
         SELECT now.month, now.amount, before.amount AS amount_before FROM total AS now \
         LEFT JOIN total AS before ON before.month = now.month - INTERVAL '1 month'",
    ),
    // every month from the whole
    (
        "core.share",
        "month",
        "SELECT id, month, CAST(amount AS DOUBLE) / (SELECT CAST(sum(amount) AS DOUBLE) FROM core.sale) AS share FROM core.sale",
    ),
    // rows of one table that another names, and those that it does not
    ("core.named", "month", "SELECT id, month FROM core.sale WHERE dealer IN (SELECT dealer FROM staged.refund)"),
    (
        "core.unnamed",
        "month",
        "SELECT sale.id, sale.month FROM staged.sale LEFT JOIN staged.refund ON refund.dealer = sale.dealer AND refund.month = sale.month \
         WHERE refund.id IS NULL",
    ),
    (
        "core.alone",
        "month",
        "SELECT id, month FROM core.sale WHERE NOT EXISTS (SELECT 1 FROM staged.refund WHERE refund.dealer = sale.dealer)",
    ),
    // the first rows of all
    ("core.best", "month", "SELECT id, month, amount FROM core.sale ORDER BY amount DESC, id LIMIT 7"),
    // a window across partitions
    (
        "core.running",
        "month",
        "SELECT id, month, sum(amount) OVER (PARTITION BY dealer ORDER BY month, id) AS running FROM core.sale",
    ),
    ("core.before", "month", "SELECT id, month, lag(id) OVER (ORDER BY month, id) AS id_before FROM core.sale"),
    // a partition that is an aggregate, an expression, a column of the dimension, or two columns
    (
        "core.first",
        "first_month",
        "SELECT dealer, min(month) AS first_month, count(*) AS sales FROM core.sale GROUP BY dealer",
    ),
    ("core.size", "size", "SELECT id, CASE WHEN amount >= 50 THEN 'large' ELSE 'small' END AS size FROM core.sale"),
    ("core.region", "region", "SELECT region, month, count(*) AS sales FROM core.sale GROUP BY region, month"),
    ("core.cell", "region, month", "SELECT region, month, sum(amount) AS amount FROM core.sale GROUP BY region, month"),
    ("core.later", "month", "SELECT id, CAST(month + INTERVAL '1 month' AS DATE) AS month FROM core.sale"),
    // no partition, and a chain of all kinds
    (
        "core.total",
        "",
        "SELECT region, sum(amount) AS amount, count(DISTINCT dealer) AS dealers FROM core.sale GROUP BY region",
    ),
    (
        "core.chain",
        "year",
        "SELECT place.id, date_part('year', place.month) AS year, year.amount FROM core.place \
         JOIN core.year ON year.year = date_part('year', place.month) WHERE place.place = 1",
    ),
    (
        "core.today",
        "month",
        "SELECT month, count(*) AS sales, $run_date AS as_of FROM core.sale WHERE month <= $run_date GROUP BY month",
    ),
];

#[test]
fn a_warehouse_that_grew_equals_one_that_was_built_at_once() {
    let (cases, edits) = if is_night() { (40, 6) } else { (6, 3) };
    for seed in 0..cases {
        let mut world = World::new(seed);
        let project = world.project();
        let mut told = world.told.clone();
        for edit in 0..edits {
            let run_date = world.run_date();
            project.run_with(&["--run-date", &run_date]);
            let fresh = fresh(&project, &run_date);
            assert_same(&project.current(), &fresh, &format!("seed {seed}, before edit {edit}:\n{told}"));
            let _ = writeln!(told, "run as of {run_date}\n{}", world.edit(&project));
        }
        let full = project.run_with(&["--run-date", &world.run_date(), "--full"]);
        let fresh = fresh(&project, &world.run_date());
        assert_same(&project.current(), &fresh, &format!("seed {seed}, in full:\n{told}"));
        assert_eq!(full["failed_checks"], serde_json::json!([]));
    }
}

#[test]
fn a_full_rebuild_of_what_is_true_changes_nothing() {
    let mut world = World::new(1);
    let project = world.project();
    project.run_with(&["--run-date", &world.run_date()]);
    let full = project.run_with(&["--run-date", &world.run_date(), "--full"]);
    assert_eq!(full["outcome"], "unchanged");
}

#[test]
fn each_kind_of_model_rebuilds_what_its_sql_reaches() {
    let project = Project::new();
    write_definitions(&project);
    project.extract("dealer/dealer.csv", "dealer,region\nA,north\nB,south\n");
    project.extract("refund/refund_1.csv", "id,day,dealer,amount\nr1,2023-03-01,A,1\n");
    let sale = |id: u32, day: &str, dealer: &str, amount: u32| format!("s{id},{day},{day},{dealer},{amount}\n");
    let lines: Vec<String> = ["2023-01-05", "2023-12-05", "2024-01-05", "2024-02-05"]
        .iter()
        .zip(1..)
        .flat_map(|(day, id)| [sale(id, day, "A", id * 10), sale(id + 10, day, "B", id * 10 + 1)])
        .collect();
    project.extract("sale/sale_1.csv", format!("id,day,booked,dealer,amount\n{}", lines.concat()));
    project.run();
    project.extract("sale/sale_2.csv", format!("id,day,booked,dealer,amount\n{}", sale(3, "2024-01-05", "A", 31)));
    let report = project.run();
    let rebuilt = |table: &str| -> Vec<String> {
        let model = report["models"].as_array().unwrap().iter().find(|model| model["table"] == table).unwrap();
        let values = model["rebuilt"].as_array().unwrap().iter().map(|partition| &partition["values"]);
        values
            .map(|values| {
                values.as_array().unwrap().iter().map(|value| value.as_str().unwrap()).collect::<Vec<_>>().join(" ")
            })
            .collect()
    };
    for table in ["core.sale", "core.place", "core.flow", "core.balance"] {
        assert_eq!(rebuilt(table), ["2024-01-01"], "{table}");
    }
    assert_eq!(rebuilt("core.year"), ["2024"]);
    // The dealer of the changed line lies in one region; the filter on regions alone would not tell.
    assert_eq!(rebuilt("core.cell"), ["north 2024-01-01"]);
    assert_eq!(rebuilt("core.share").len(), 4, "every month is a share of the whole");
    assert_eq!(rebuilt("core.total"), [""]);
}

/// The extracts, as they would be at the sources.
struct World {
    random: ChaCha8Rng,
    /// Order lines sent so far by file.
    files: BTreeMap<String, Vec<String>>,
    ids: u32,
    version: u32,
    day: u32,
    told: String,
}

impl World {
    fn new(seed: u64) -> Self {
        Self {
            random: ChaCha8Rng::seed_from_u64(seed),
            files: BTreeMap::new(),
            ids: 0,
            version: 5_000,
            day: 0,
            told: String::new(),
        }
    }

    /// Makes a project with some months of order lines, refunds and dealers.
    fn project(&mut self) -> Project {
        let project = Project::new();
        write_definitions(&project);
        for _ in 0..3 {
            self.send(&project, "sale", 12);
        }
        self.send(&project, "refund", 6);
        self.dealers(&project);
        project
    }

    /// Returns the day as of which the next run answers: mostly later than all rows, sometimes not.
    fn run_date(&self) -> String {
        if self.day.is_multiple_of(3) { "2024-12-31".to_owned() } else { format!("2024-05-{:02}", self.day + 1) }
    }

    /// Changes the extracts in one of many ways and says how.
    fn edit(&mut self, project: &Project) -> String {
        match self.random.random_range(0..9) {
            0 => self.send(project, "sale", 3),
            1 => self.send(project, "refund", 2),
            2 => self.correct(project),
            3 => self.correct_late(project),
            4 => self.remove_a_file(project),
            5 => self.remove_a_line(project),
            6 => self.dealers(project),
            7 => {
                self.day += 1;
                "another run date".to_owned()
            }
            _ => "nothing".to_owned(),
        }
    }

    /// Sends new lines in a new file.
    fn send(&mut self, project: &Project, source: &str, lines: u32) -> String {
        let lines: Vec<String> = (0..lines)
            .map(|_| {
                self.ids += 1;
                self.line(source, self.ids)
            })
            .collect();
        self.version += 1;
        self.write(project, &format!("{source}/{source}_{}.csv", self.version), lines)
    }

    /// Sends known lines again, with other amounts, dealers and months.
    fn correct(&mut self, project: &Project) -> String {
        self.version += 1;
        let lines = (0..2).map(|_| self.known_line()).collect();
        self.write(project, &format!("sale/sale_{}.csv", self.version), lines)
    }

    /// The same in a file that is older than all others, so that only unknown keys count.
    fn correct_late(&mut self, project: &Project) -> String {
        self.version += 1;
        let lines = (0..2).map(|_| self.known_line()).collect();
        self.write(project, &format!("sale/sale_{}.csv", 9_000 - self.version), lines)
    }

    fn remove_a_file(&mut self, project: &Project) -> String {
        let names: Vec<String> = self.files.keys().filter(|name| name.starts_with("sale")).cloned().collect();
        if names.len() < 2 {
            return "nothing: one file is left".to_owned();
        }
        let name = names[self.random.random_range(0..names.len())].clone();
        self.files.remove(&name);
        project.withdraw(&name);
        format!("without {name}")
    }

    fn remove_a_line(&mut self, project: &Project) -> String {
        let names: Vec<String> = self.files.keys().cloned().collect();
        let name = names[self.random.random_range(0..names.len())].clone();
        let mut lines = self.files[&name].clone();
        if !lines.is_empty() {
            lines.remove(self.random.random_range(0..lines.len()));
        }
        self.write(project, &name, lines)
    }

    /// Gives the dealers other regions; one of them may be missing.
    fn dealers(&mut self, project: &Project) -> String {
        let mut body = "dealer,region\n".to_owned();
        for dealer in ["A", "B", "C", "D"] {
            if self.random.random_range(0..8) > 0 {
                let region = ["north", "south", ""][self.random.random_range(0..3)];
                let _ = writeln!(body, "{dealer},{region}");
            }
        }
        project.extract("dealer/dealer.csv", &body);
        body
    }

    fn write(&mut self, project: &Project, name: &str, lines: Vec<String>) -> String {
        let header = if name.starts_with("sale") { "id,day,booked,dealer,amount" } else { "id,day,dealer,amount" };
        let body = format!("{header}\n{}", lines.concat());
        project.extract(name, &body);
        self.files.insert(name.to_owned(), lines);
        format!("{name}:\n{body}")
    }

    fn known_line(&mut self) -> String {
        let id = self.random.random_range(1..=self.ids);
        self.line("sale", id)
    }

    fn line(&mut self, source: &str, id: u32) -> String {
        let day = match self.random.random_range(0..12) {
            0 => String::new(),
            month => format!("{}-{:02}-15", 2023 + month % 2, month % 6 + 1),
        };
        let dealer = ["A", "B", "C", "D", "E"][self.random.random_range(0..5)];
        let amount = self.random.random_range(0..100);
        match source {
            "sale" => format!("s{id},{day},2024-05-{:02},{dealer},{amount}\n", self.random.random_range(1..4)),
            _ => format!("r{id},{day},{dealer},{amount}\n"),
        }
    }
}

fn write_definitions(project: &Project) {
    let month = "  month: { type: date, derive: \"date_trunc('month', day)\" }\n";
    let common = "key: [id]\npartition_by: [month]\nversion: { from_path: \"_(?<version>[0-9]+)\" }\n";
    let columns = "columns:\n  id: { type: string }\n  day: { type: date }\n  dealer: { type: string }\n  amount: { type: \"decimal(18,2)\" }\n";
    project.source(
        "sale",
        &format!("{common}event_date: booked\n{columns}  booked: {{ type: date, required: true }}\n{month}"),
    );
    project.source("refund", &format!("{common}{columns}{month}"));
    project.source("dealer", "key: [dealer]\ncolumns:\n  dealer: { type: string }\n  region: { type: string }\n");
    for (name, partition_by, sql) in MODELS {
        project.model(name, &format!("/* ---\npartition_by: [{partition_by}]\n--- */\n{sql}\n"));
    }
}

/// Publishes the extracts of a project in a warehouse of their own.
fn fresh(project: &Project, run_date: &str) -> Snapshot {
    let warehouse = project.path("fresh");
    if warehouse.exists() {
        fs::remove_dir_all(&warehouse).unwrap();
    }
    let mut command = project.command(&["run", "--run-date", run_date]);
    let output = command.env("TALLYHOUSE_WAREHOUSE", &warehouse).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Snapshot::open(&warehouse.join("current"))
}

fn assert_same(grown: &Snapshot, fresh: &Snapshot, story: &str) {
    assert_eq!(grown.tables(), fresh.tables());
    for table in fresh.tables() {
        assert_eq!(
            grown.files(table),
            fresh.files(table),
            "{table}\n{:#?}\n{:#?}\n{story}",
            grown.rows(table),
            fresh.rows(table)
        );
    }
}
