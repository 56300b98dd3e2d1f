//! `check`: what is wrong in one file hides nothing of what is wrong in another, whatever kind of file it is.

use serde_json::Value;

use crate::project::Project;

const SALE: &str = "key: [id]\ncolumns:\n  id: { type: bigint }\n  day: { type: date }\n  units: { type: bigint }\n";

/// A model with a mistake in its SQL that has nothing to do with any other.
const APART: (&str, &str) = ("mart.apart", "SELECT id, row_numbr() OVER (ORDER BY id) AS place FROM staged.part\n");

/// Makes a project of two sources, the model that stands apart, and further models.
fn project(models: &[(&str, &str)]) -> Project {
    let project = Project::new();
    project.source("sale", SALE);
    project.source("part", "key: [id]\ncolumns:\n  id: { type: bigint }\n");
    for (table, sql) in models.iter().chain([&APART]) {
        project.model(table, sql);
    }
    project
}

/// Returns the messages of all findings with their files, errors and notes alone.
fn wrong(project: &Project) -> Vec<String> {
    findings(project, |severity| severity != "warning")
}

fn warnings(project: &Project) -> Vec<String> {
    findings(project, |severity| severity == "warning")
}

fn findings(project: &Project, is_wanted: fn(&str) -> bool) -> Vec<String> {
    let kept = project.tallyhouse(&["check", "--output", "json"]).ends(2).json();
    let afresh = project.tallyhouse(&["check", "--output", "json", "--no-cache"]).ends(2).json();
    assert_eq!(kept, afresh);
    let found = kept["findings"].as_array().unwrap().iter();
    let spelled = |finding: &Value| {
        let file = finding["file"].as_str().unwrap_or("-");
        format!("{file}: {}", finding["message"].as_str().unwrap())
    };
    found.filter(|finding| is_wanted(finding["severity"].as_str().unwrap())).map(spelled).collect()
}

const UNKNOWN_FUNCTION: &str = "sql/mart/apart.sql: unknown function `row_numbr`";

#[test]
fn an_unknown_key_of_a_header_hides_nothing_and_the_query_is_looked_at_too() {
    let sale = "/* ---\nkeys: [id]\nchecks:\n  - rnge: { column: units, min: 0 }\n--- */\nSELECT id, dayy, units FROM staged.sale\n";
    let models = [("core.sale", sale), ("core.fine", "SELECT id, unit FROM core.sale\n")];
    assert_eq!(
        wrong(&project(&models)),
        [
            "sql/core/sale.sql: unknown key `keys`",
            "sql/core/sale.sql: unknown key `rnge`",
            "sql/core/sale.sql: unknown column `dayy`",
            UNKNOWN_FUNCTION,
            "-: `core.fine` is not checked: it waits for `core.sale`",
        ]
    );
}

#[test]
fn readers_of_a_model_with_a_wrong_header_are_checked_by_the_columns_of_its_query() {
    let sale = "/* ---\nchecks:\n  - row_count: {}\n--- */\nSELECT id, day, units FROM staged.sale\n";
    let models = [("core.sale", sale), ("core.fine", "SELECT id, unit FROM core.sale\n")];
    let project = project(&models);
    assert_eq!(
        wrong(&project),
        ["sql/core/sale.sql: `row_count` has no bound", UNKNOWN_FUNCTION, "sql/core/fine.sql: unknown column `unit`",]
    );
    // A run looks no further than what cannot be read.
    let run = project.tallyhouse(&["run"]).ends(2).err;
    assert!(run.contains("`row_count` has no bound") && !run.contains("row_numbr"), "{run}");
}

#[test]
fn what_reads_a_model_of_which_the_query_cannot_be_understood_waits() {
    let cases = [
        ("/* ---\nkind: histroy\n--- */\nSELECT id FROM staged.sale\n", "unknown value `histroy`"),
        ("/* ---\nkey: [id\n--- */\nSELECT id FROM staged.sale\n", "invalid YAML"),
        ("/* ---\nkey: [id]\nSELECT id FROM staged.sale\n", "the header is never closed"),
        ("/* ---\nhistory: { key: [id], trak: all }\n--- */\nSELECT id FROM staged.sale\n", "unknown key `trak`"),
    ];
    for (sale, message) in cases {
        let found = wrong(&project(&[("core.sale", sale), ("core.fine", "SELECT valid_from FROM core.sale\n")]));
        assert!(found[0].contains(message), "{found:?}");
        let others = [UNKNOWN_FUNCTION, "-: `core.fine` is not checked: it waits for `core.sale`"];
        assert_eq!(found[1..], others, "{sale}");
    }
}

#[test]
fn an_unknown_key_of_a_contract_hides_nothing_and_its_columns_are_known() {
    let project = project(&[
        ("core.sale", "SELECT id, unit FROM staged.sale\n"),
        ("core.day", "/* ---\nchecks:\n  - not_null: [id]\n--- */\nSELECT id, day FROM staged.sale\n"),
    ]);
    project.source("sale", &SALE.replace("{ type: date }", "{ type: date, requird: true }"));
    assert_eq!(
        wrong(&project),
        [
            "pipelines/sources/sale.yaml: unknown key `requird`",
            "sql/core/sale.sql: unknown column `unit`",
            UNKNOWN_FUNCTION,
        ]
    );
}

#[test]
fn what_reads_a_source_whose_columns_cannot_be_read_waits() {
    for columns in [SALE.replace("day: { type: date }", "day: { tipe: date }"), SALE.replace("date }", "date")] {
        let project = project(&[("core.sale", "SELECT id, unit FROM staged.sale\n")]);
        project.source("sale", &columns);
        let found = wrong(&project);
        assert!(found[0].starts_with("pipelines/sources/sale.yaml"), "{found:?}");
        let others = [UNKNOWN_FUNCTION, "-: `core.sale` is not checked: it waits for `staged.sale`"];
        assert_eq!(found[found.len() - 2..], others, "{found:?}");
    }
}

#[test]
fn rows_beside_a_model_with_a_query_hide_nothing() {
    let project =
        project(&[("core.sale", "SELECT id FROM staged.sale\n"), ("core.fine", "SELECT idd FROM core.sale\n")]);
    project.file("sql/core/sale.csv", "id\n1\n");
    assert_eq!(
        wrong(&project),
        [
            "sql/core/sale.csv: `core.sale` has a query, so these rows are nobody's",
            UNKNOWN_FUNCTION,
            "sql/core/fine.sql: unknown column `idd`",
        ]
    );
}

#[test]
fn a_mistake_in_one_test_hides_nothing_of_the_others() {
    let project = project(&[("core.sale", "SELECT id, units FROM staged.sale\n")]);
    let unit_tests = "\
- name: one
  given:
    staged.sale: [{ id: 1, units: 2 }]
  expct: [{ id: 1 }]
- name: two
  given:
    staged.sale: |
      | id | units |
      | 1  |
  expect: [{ idd: 1 }]
- name: three
  given:
    staged.sale: [{ id: 1, units: x }]
  expect: [{ id: 1 }]
";
    project.file("sql/core/sale.test.yaml", unit_tests);
    let found = wrong(&project);
    assert_eq!(
        found[..3],
        [
            UNKNOWN_FUNCTION,
            "sql/core/sale.test.yaml: unknown key `expct`",
            "sql/core/sale.test.yaml: the row has 1 cells and the header 2",
        ]
    );
    assert!(found.len() == 5 && found[3].contains("`idd`") && found[4].contains("`x`"), "{found:?}");
}

#[test]
fn an_error_hides_no_warning_of_another_file() {
    let half = "SELECT id, units / 2 AS half FROM staged.sale\n";
    let project = project(&[("core.half", half)]);
    assert_eq!(wrong(&project), [UNKNOWN_FUNCTION]);
    let told = ["sql/core/half.sql: a whole number divided by a whole number: what is left over is cut off"];
    assert_eq!(warnings(&project), told);
    let sarif = project.tallyhouse(&["check", "--output", "sarif"]).ends(2).json();
    let rules = sarif["runs"][0]["results"].as_array().unwrap().iter().map(|result| result["ruleId"].clone());
    assert_eq!(rules.collect::<Vec<_>>(), ["definition", "integer-division"]);
    // Nor does one of a header, of a contract or of a test.
    project.model("mart.apart", "/* ---\nkeys: [id]\n--- */\nSELECT id FROM staged.part\n");
    assert_eq!(warnings(&project), told);
    project.model("mart.apart", "SELECT id FROM staged.part\n");
    project.source("part", "key: [id]\ncolumns:\n  id: { type: bigint, requird: true }\n");
    assert_eq!(warnings(&project), told);
    project.source("part", "key: [id]\ncolumns:\n  id: { type: bigint }\n");
    project.file("sql/mart/apart.test.yaml", "- name: one\n  expect: [{ idd: 1 }]\n");
    assert_eq!(warnings(&project), told);
}

#[test]
fn what_stands_on_something_wrong_is_not_warned_about_what_cannot_be_known() {
    let other = "SELECT id FROM staged.sale WHERE id NOT IN (SELECT id FROM staged.part)\n";
    let project = project(&[("core.other", other)]);
    assert_eq!(warnings(&project), [""; 0]);
    project.source("part", "key: [id]\ncolumns:\n  id: { type: bigint, requird: true }\n");
    assert_eq!(warnings(&project), [""; 0]);
}

#[test]
fn a_selected_table_is_told_about_though_another_file_cannot_be_read() {
    let project = project(&[("core.sale", "/* ---\nkeys: [id]\n--- */\nSELECT id FROM staged.sale\n")]);
    let apart = project.tallyhouse(&["check", "--select", "mart.apart"]).ends(2).err;
    assert!(apart.contains("row_numbr") && !apart.contains("keys"), "{apart}");
    let sale = project.tallyhouse(&["check", "--select", "core.sale"]).ends(2).err;
    assert!(sale.contains("unknown key `keys`") && !sale.contains("row_numbr"), "{sale}");
}

/// An entity over the source `sale`.
const ENTITY: &str = "\
name: customer
id: { column: customer_id, prefix: C }
records:
  - { source: sale, key: [id], columns: { name: buyer } }
attributes:
  name: { prepare: company }
rules:
  - { name: same_name, equal: [name] }
";

fn with_entity(entity: &str, models: &[(&str, &str)]) -> Project {
    let project = project(models);
    project.source("sale", &SALE.replace("units: {", "buyer: { type: string }\n  units: {"));
    let pipeline = std::fs::read_to_string(project.path("pipelines/nightly.yaml")).unwrap();
    project.file("pipelines/nightly.yaml", format!("{pipeline}entities: entities/*.yaml\n"));
    project.file("pipelines/entities/customer.yaml", entity);
    project
}

#[test]
fn a_mistake_in_how_an_entity_weighs_evidence_hides_nothing() {
    let models = [
        ("core.fine", "SELECT customer_id, name FROM core.customer_identity\n"),
        ("core.sale", "SELECT id, customer_id, unit FROM staged.sale\n"),
    ];
    assert!(wrong(&with_entity(ENTITY, &models))[0].ends_with("unknown column `unit`"));
    for (right, odd, message) in [
        ("equal: [name]", "equal: [nam]", "`nam` in `equal` is no attribute"),
        ("equal: [name]", "eqal: [name]", "unknown key `eqal`"),
        ("rules:", "ruls:", "unknown key `ruls`"),
    ] {
        let found = wrong(&with_entity(&ENTITY.replace(right, odd), &models));
        assert!(found[0].contains(message), "{found:#?}");
        assert_eq!(found[1..], ["sql/core/sale.sql: unknown column `unit`", UNKNOWN_FUNCTION], "{found:#?}");
    }
}

#[test]
fn what_stands_on_an_entity_of_which_nothing_is_known_waits() {
    let models = [
        ("core.sale", "SELECT id, customer_id, unit FROM staged.sale\n"),
        ("core.who", "SELECT customer_id, nme FROM core.customer_identity\n"),
    ];
    let waits = [
        "-: `core.sale` is not checked: it waits for `staged.sale`",
        "-: `core.who` is not checked: it waits for `core.customer_identity`",
    ];
    for (right, odd, message) in [
        ("name: buyer", "name: byer", "`byer` is no column of source `sale`"),
        ("source: sale", "source: sal", "`sal` in `records` is no source"),
    ] {
        let found = wrong(&with_entity(&ENTITY.replace(right, odd), &models));
        assert!(found[0].contains(message), "{found:#?}");
        assert_eq!(found[1..], [UNKNOWN_FUNCTION, waits[0], waits[1]], "{found:#?}");
    }
    // Where its sources can be read, though nothing else can, the others are looked at.
    for (right, odd, message) in
        [("prepare: company", "prepare: compny", "unknown value `compny`"), ("id: {", "id: [", "expected a map")]
    {
        let found = wrong(&with_entity(&ENTITY.replace(right, odd), &models));
        assert!(found[0].contains(message), "{found:#?}");
        assert_eq!(found[1..], [UNKNOWN_FUNCTION, waits[0], waits[1]], "{found:#?}");
    }
    let apart = "-: `mart.apart` is not checked: it waits for `staged.part`";
    let found = wrong(&with_entity("- customer\n", &models));
    assert_eq!(found[1..], [waits[0], waits[1], apart], "{found:#?}");
}

#[test]
fn a_function_in_the_wrong_place_hides_nothing() {
    let project = project(&[("core.sale", "SELECT half(id) AS id FROM staged.sale\n")]);
    let half = "CREATE FUNCTION half(x BIGINT) RETURNS BIGINT RETURN x / 2;\n";
    project.file("sql/functions/parts/half.sql", half);
    let found = wrong(&project);
    assert!(found[0].ends_with("lies in a folder of its own"), "{found:#?}");
    assert_eq!(found[1..], [UNKNOWN_FUNCTION, "-: `core.sale` is not checked: it waits for `half`"]);
}

#[test]
fn the_header_of_a_function_is_wrong_as_often_as_it_is_and_its_callers_are_looked_at() {
    let project = project(&[("core.sale", "SELECT half(id) AS id, dy FROM staged.sale\n")]);
    let half = "/* ---\ndescr: Half.\nexmples:\n  half(4): 2\n--- */\n\
                CREATE FUNCTION half(x BIGINT) RETURNS BIGINT RETURN x / 2;\n";
    project.file("sql/functions/half.sql", half);
    let file = "sql/functions/half.sql: unknown key";
    assert_eq!(
        wrong(&project),
        [
            format!("{file} `descr`"),
            format!("{file} `exmples`"),
            "sql/core/sale.sql: unknown column `dy`".to_owned(),
            UNKNOWN_FUNCTION.to_owned(),
        ]
    );
}

#[test]
fn a_wrong_model_hides_nothing_of_charts_that_do_not_read_it() {
    let project =
        project(&[("core.sale", "SELECT id, dy FROM staged.sale\n"), ("core.part", "SELECT id FROM staged.part\n")]);
    let pipeline = std::fs::read_to_string(project.path("pipelines/nightly.yaml")).unwrap();
    project.file("pipelines/nightly.yaml", format!("{pipeline}reports: reports/*.yaml\n"));
    let chart = |name: &str, sql: &str| {
        format!(
            "      - {{ name: {name}, title: {{ zh: {name}, en: {name} }}, kind: table, sql: \"{sql}\", by: [{{ column: id }}], show: [{{ sum: id }}] }}\n"
        )
    };
    let report = format!(
        "name: sales\ntitle: {{ zh: 销售, en: Sales }}\nsections:\n  - title: {{ zh: 全, en: All }}\n    charts:\n{}{}",
        chart("waiting", "SELECT day FROM core.sale"),
        chart("odd", "SELECT idd FROM core.part"),
    );
    project.file("pipelines/reports/sales.yaml", report);
    let found = wrong(&project);
    assert_eq!(
        found,
        [
            "sql/core/sale.sql: unknown column `dy`",
            UNKNOWN_FUNCTION,
            "pipelines/reports/sales.yaml: unknown column `idd` in the chart `odd`",
        ],
        "{found:#?}"
    );
}

#[test]
fn a_mistake_in_the_pipeline_file_hides_nothing_of_files_that_it_names_rightly() {
    let project = project(&[("core.sale", "SELECT id, dy FROM staged.sale\n")]);
    let pipeline = std::fs::read_to_string(project.path("pipelines/nightly.yaml")).unwrap();
    let others = ["sql/core/sale.sql: unknown column `dy`", UNKNOWN_FUNCTION];
    for (right, odd, message) in [
        ("name:", "descripton: x\nname:", "unknown key `descripton`"),
        ("models:", "publish: { keep_snapshots: 0 }\nmodels:", "`keep_snapshots` is 0"),
        ("models:", "publish: { keep_snapshot: 3 }\nmodels:", "unknown key `keep_snapshot`"),
        ("2026-06-30", "2026-06-31", "`2026-06-31` is not a date"),
    ] {
        project.file("pipelines/nightly.yaml", pipeline.replace(right, odd));
        let found = wrong(&project);
        assert!(found[0].contains(message), "{found:#?}");
        assert_eq!(found[1..], others, "{found:#?}");
        let run = project.tallyhouse(&["run"]).ends(2).err;
        assert!(run.contains(message), "{run}");
    }
    // What it says wrongly of the others would make everything in them wrong.
    for (right, odd) in [("sources:", "source:"), ("models:", "variables: { x: [1] }\nmodels:")] {
        project.file("pipelines/nightly.yaml", pipeline.replace(right, odd));
        let found = wrong(&project);
        assert!(found.iter().all(|line| line.starts_with("pipelines/nightly.yaml")), "{found:#?}");
    }
}

#[test]
fn a_misspelt_name_of_a_contract_leaves_its_readers_waiting() {
    let project = project(&[("core.sale", "SELECT id, dy FROM staged.sale\n")]);
    project.file("pipelines/sources/sale.yaml", format!("nam: sale\nlocation: ../../extracts/sale/*\n{SALE}"));
    let waits = "-: `core.sale` is not checked: it waits for `staged.sale`";
    assert_eq!(wrong(&project), ["pipelines/sources/sale.yaml: unknown key `nam`", UNKNOWN_FUNCTION, waits]);
}

#[test]
fn a_join_with_a_wrong_model_is_not_said_to_lack_an_equality() {
    let broken = "/* ---\nkey: [id]\ncolumns:\n  id: { type: bigint }\n  most: { type: bigint }\n--- */\n\
                  SELECT id, max(units) AS most FROM staged.sal GROUP BY id\n";
    let reader = "SELECT s.id, b.most FROM staged.sale AS s LEFT JOIN core.broken AS b ON b.id = s.id\n";
    let project = project(&[("core.broken", broken), ("core.reader", reader)]);
    assert!(wrong(&project)[0].ends_with("unknown table `staged.sal`"));
    assert_eq!(warnings(&project), Vec::<String>::new());
}
