//! Whatever is edited, what is told with the help of the ledger is what is found out without it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use super::*;
use crate::{
    engine::Settings,
    run::{Rebuild, validate},
};

const SALE: &str = "name: sale\nlocation: x/*\nkey: [id]\ncolumns:\n  id: { type: bigint }\n  day: { type: date }\n  \
                    units: { type: bigint }\n  price: { type: double }\n  phone: { type: string, pii: phone }\nchecks:\n  \
                    - not_null: [day]\n";

/// A project in which every kind of model reads others: file and text.
const FILES: &[(&str, &str)] = &[
    (
        "pipelines/nightly.yaml",
        "name: nightly\nwarehouse: ../warehouse\ntimezone: Asia/Shanghai\nrun_date: 2026-06-30\nsources: sources/*.yaml\n\
      models: ../sql\nreports: reports/*.yaml\nvariables: { least: 3, word: north }\n",
    ),
    ("pipelines/sources/sale.yaml", SALE),
    (
        "pipelines/reports/sold.yaml",
        "name: sold\ntitle: { en: Sold, zh: 销量 }\nsections:\n  - title: { en: All, zh: 全部 }\n    charts:\n      \
      - name: by_day\n        title: { en: By day, zh: 按日 }\n        sql: SELECT day, units FROM mart.by_day\n        kind: bar\n        \
      by: [day]\n        show: [{ sum: units }]\n",
    ),
    ("sql/functions/doubled.sql", "CREATE FUNCTION doubled(x BIGINT) RETURNS BIGINT RETURN x * 2\n"),
    (
        "sql/core/sale.sql",
        "/* ---\nkey: [id]\nchecks:\n  - not_null: [day]\n  - expr: units >= 0\n--- */\n\
      SELECT id, day, units, price FROM staged.sale WHERE units > $least\n",
    ),
    ("sql/core/kind.csv", "kind,title\n1,one\n2,two\n"),
    ("sql/core/line.sql", "/* ---\nkind: view\n--- */\nSELECT id, day, doubled(units) AS units FROM core.sale\n"),
    (
        "sql/core/line_kind.sql",
        "/* ---\nkind: view\n--- */\nSELECT l.id, l.day, k.kind FROM core.line AS l \
      LEFT JOIN core.kind AS k ON k.kind = l.units\n",
    ),
    (
        "sql/mart/by_day.sql",
        "/* ---\nchecks:\n  - relationships: { column: day, to: core.sale, field: day }\n--- */\n\
      SELECT day, sum(units) / count(*) AS units FROM core.line GROUP BY day\n",
    ),
    (
        "sql/mart/by_day.test.yaml",
        "- name: halves\n  given:\n    core.sale: [{ id: 1, day: 2026-01-01, units: 7 }]\n  \
      expect: [{ day: 2026-01-01, units: 14 }]\n",
    ),
    ("sql/mart/by_kind.sql", "SELECT kind, count(*) AS lines FROM core.line_kind GROUP BY kind\n"),
    (
        "sql/mart/first.sql",
        "SELECT * FROM (SELECT day, units, row_number() OVER (ORDER BY day) AS place FROM mart.by_day) \
      WHERE place <= $least\n",
    ),
    (
        "sql/mart/last.sql",
        "SELECT f.day, f.place, k.lines FROM mart.first AS f LEFT JOIN mart.by_kind AS k ON k.kind = f.units \
      WHERE f.place NOT IN (SELECT lines FROM mart.by_kind)\n",
    ),
    ("sql/mart/named.sql", "SELECT id, $word AS word FROM core.sale -- allow float-sum: nothing is added\n"),
];

/// Words that one edit puts in the place of another: names of other columns and tables, other types, circles, views that are none.
const WORDS: &[(&str, &str)] = &[
    ("units", "price"),
    ("units", "unit"),
    ("core.sale", "core.line"),
    ("core.sale", "staged.sale"),
    ("core.sale", "mart.last"),
    ("core.sale", "sale"),
    ("mart.by_day", "mart.by_days"),
    ("kind: view", "kind: table"),
    ("day", "id"),
    ("bigint", "string"),
    ("bigint", "double"),
    ("$least", "$leest"),
    ("$least", "5"),
    ("SELECT", "SELEC"),
    ("7", "'x'"),
    ("one", "1,1"),
    ("doubled", "double"),
    ("* 2", "* 3"),
    ("count(*)", "count(id)"),
    ("LEFT JOIN", "JOIN"),
    ("not_null", "unique"),
    ("float-sum", "integer-division"),
];

struct World {
    folder: tempfile::TempDir,
    random: u64,
}

impl World {
    fn new(seed: u64) -> Self {
        let world = Self { folder: tempfile::tempdir().unwrap(), random: seed };
        for (path, text) in FILES {
            world.write(path, text);
        }
        world
    }

    fn below(&mut self, bound: usize) -> usize {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.random >> 33).unwrap() % bound
    }

    fn path(&self, path: &str) -> std::path::PathBuf {
        self.folder.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        fs::create_dir_all(self.path(path).parent().unwrap()).unwrap();
        fs::write(self.path(path), text).unwrap();
    }

    fn request(&self) -> Request {
        Request {
            pipeline: self.path("pipelines/nightly.yaml"),
            run_date: None,
            variables: BTreeMap::new(),
            environment: None,
            full: false,
            rebuild: Rebuild::default(),
            selection: crate::define::select::Selection::default(),
            verify: false,
            accepted: Vec::new(),
            rehash: false,
            settings: settings(),
            process_environment: BTreeMap::new(),
            now: chrono::DateTime::UNIX_EPOCH,
        }
    }

    /// Changes one file: a word, a file that goes, one that comes back, a comment.
    fn edit(&mut self) {
        let (path, whole) = FILES[self.below(FILES.len())];
        match self.below(8) {
            0 if path != "pipelines/nightly.yaml" => drop(fs::remove_file(self.path(path))),
            1 | 2 => self.write(path, whole),
            3 => {
                let text = fs::read_to_string(self.path(path)).unwrap_or_default();
                let mark = if path.starts_with("pipelines/") || path.contains(".test.") { "#" } else { "--" };
                self.write(path, &format!("{text}{mark} seen\n"));
            }
            _ => {
                let text = fs::read_to_string(self.path(path)).unwrap_or_else(|_| whole.to_owned());
                let fitting: Vec<&(&str, &str)> = WORDS.iter().filter(|(word, _)| text.contains(word)).collect();
                if !fitting.is_empty() {
                    let (word, other) = fitting[self.below(fitting.len())];
                    self.write(path, &text.replacen(word, other, 1));
                }
            }
        }
    }

    async fn judge(&self, kept: Option<&Path>) -> Result<Verdict, Vec<String>> {
        verdict(&self.request(), kept, &engine()).await.map_err(spelled)
    }
}

fn settings() -> Settings {
    Settings { threads: 2, memory_limit_bytes: 64 << 20, spill_folder: None }
}

fn engine() -> Engine {
    Engine::new(settings()).unwrap()
}

fn spelled(error: Error) -> Vec<String> {
    match error {
        Error::Definition(findings) => findings.iter().map(|finding| format!("{finding:?}")).collect(),
        other => vec![format!("{other:?}")],
    }
}

#[tokio::test]
async fn random_edits_are_judged_as_if_nothing_were_known() {
    let (mut right, mut wrong) = (0, BTreeSet::new());
    for seed in 0..3 {
        let mut world = World::new(seed);
        let kept = world.path("kept");
        assert!(world.judge(Some(&kept)).await.is_ok(), "{:?}", world.judge(None).await);
        for edit in 0..40 {
            world.edit();
            // Several mistakes at once hide what depends on what; now and then all of them are taken back.
            if world.below(4) == 0 {
                for (path, text) in FILES {
                    world.write(path, text);
                }
                world.edit();
            }
            let known = world.judge(Some(&kept)).await;
            let afresh = world.judge(None).await;
            assert_eq!(known, afresh, "seed {seed}, edit {edit}");
            match afresh {
                Ok(_) => right += 1,
                Err(found) => wrong.extend(found),
            }
        }
    }
    assert!(right > 20 && wrong.len() > 30, "{right} right, {} different mistakes", wrong.len());
}

#[tokio::test]
async fn a_whole_project_is_judged_as_a_run_validates_it() {
    let mut world = World::new(7);
    for edit in 0..40 {
        let judged = world.judge(None).await;
        let validated = validate::checked(&world.request(), &engine()).await;
        match (judged, validated) {
            (Ok(judged), Ok(validated)) => {
                assert_eq!(judged.warnings, validated.warnings, "edit {edit}");
                let models = validated.graph.models.len() + validated.graph.views.len();
                assert_eq!(judged.models, models, "edit {edit}");
                let checks: usize = validated.checks.iter().map(|table| table.checks.len()).sum();
                assert_eq!(judged.checks, checks, "edit {edit}");
            }
            (judged, validated) => {
                let errors = |found: Vec<String>| -> Vec<String> {
                    found.into_iter().filter(|finding| !finding.contains("severity: Warning")).collect()
                };
                let (judged, validated) =
                    (judged.map_err(errors).err(), validated.map_err(spelled).map_err(errors).err());
                // A run stops at a definition that cannot be read; what else is wrong is looked for to be told only.
                let is_read = load::load(&world.request()).is_ok();
                let told = judged.clone().zip(validated.clone());
                let is_told = told.is_some_and(|(judged, validated)| validated.iter().all(|one| judged.contains(one)));
                assert!(judged == validated || (!is_read && is_told), "edit {edit}: {judged:?}, {validated:?}");
            }
        }
        for (path, text) in FILES {
            world.write(path, text);
        }
        world.edit();
    }
}

#[tokio::test]
async fn only_what_an_edit_reaches_is_planned_again() {
    let world = World::new(0);
    let kept = world.path("kept");
    let planned = async || {
        let program = memo::program().unwrap();
        let (sight, files) = Sight::of(&world.request(), &program).unwrap();
        let mut ledger = Ledger::open(Some(&kept), &sight.whose);
        let found = afresh(&sight, files, &world.request(), &mut ledger, &engine()).await;
        assert!(found.result.is_ok(), "{:?}", found.result);
        ledger.keep();
        ledger.news()
    };
    assert!(planned().await > 10);
    assert_eq!(planned().await, 0, "nothing has changed");
    let core_sale = FILES.iter().find(|(path, _)| path.ends_with("core/sale.sql")).unwrap().1;
    // Its columns are what they were: its text, what was found out of it, its checks.
    world.write("sql/core/sale.sql", &core_sale.replace("units > ", "units >= "));
    let of_one = planned().await;
    assert!(of_one > 0 && of_one <= 4, "{of_one}");
    // Another key: all of its readers go by it.
    world.write("sql/core/sale.sql", &core_sale.replace("key: [id]\n", "key: [id, day]\n"));
    assert!(planned().await > of_one);
}

#[tokio::test]
async fn a_ledger_that_is_damaged_is_an_empty_one() {
    let world = World::new(0);
    let kept = world.path("kept");
    let first = world.judge(Some(&kept)).await;
    for entry in fs::read_dir(kept.join("models")).unwrap().chain(fs::read_dir(kept.join("check")).unwrap()) {
        let path = entry.unwrap().path();
        let mut bytes = fs::read(&path).unwrap();
        let half = bytes.len() / 2;
        bytes[half] ^= 1;
        fs::write(&path, bytes).unwrap();
    }
    assert_eq!(world.judge(Some(&kept)).await, first);
    assert_eq!(world.judge(None).await, first);
}
