//! Warnings about models: what `check` shows and programs read, that the page explains every code, that the shipped models
//! are clean, and what is said about the queries of TPC-DS, none of which was written for this.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::Arc,
};

use chrono::NaiveDate;
use datafusion::sql::sqlparser::{
    ast::{Ident, ObjectNamePart, visit_relations_mut},
    dialect::GenericDialect,
    parser::Parser,
};
use serde_json::{Value, json};
use tallyhouse::{
    define,
    engine::{Catalog, CatalogTable, Engine, Parameters, Settings, Statement},
    record::Text,
    transform::{Graph, lint},
};

use crate::project::{Project, is_outside_required, repository};

/// Makes a project with one source and one model.
fn project(sql: &str) -> Project {
    let project = Project::new();
    let columns = "  id: { type: bigint }\n  day: { type: date }\n  units: { type: int }\n  price: { type: double }\n";
    project.source("sale", &format!("key: [id]\ncolumns:\n{columns}"));
    project.extract("sale/a.csv", "id,day,units,price\n1,2024-01-05,7,10.5\n");
    project.model("core.sale", sql);
    project
}

#[test]
fn check_shows_warnings_with_code_place_and_hint_and_succeeds() {
    let ran = project("SELECT id, units / 2 AS half\nFROM staged.sale\n").tallyhouse(&["check"]).succeeds();
    insta::assert_snapshot!(ran.out, @r"
    warning[integer-division]: a whole number divided by a whole number: what is left over is cut off
     --> sql/core/sale.sql:1:12
      |
    1 | SELECT id, units / 2 AS half
      |            ^^^^^^^^^
      |
      = help: cast one side: `CAST(units AS DOUBLE) / …`

    1 sources, 1 models, 0 checks: no errors, 1 warning
    ");
}

#[test]
fn denied_warnings_end_with_the_exit_code_of_errors() {
    let doubtful = project("SELECT id, units / 2 AS half\nFROM staged.sale\n");
    let ran = doubtful.tallyhouse(&["check", "--deny-warnings"]).ends(2);
    assert!(ran.out.contains("no errors, 1 warning"), "{}", ran.out);
    project("SELECT id FROM staged.sale\n").tallyhouse(&["check", "--deny-warnings"]).succeeds();
}

#[test]
fn a_comment_that_gives_no_reason_is_an_error() {
    let sloppy = project("SELECT id, units / 2 AS half -- allow integer-division\nFROM staged.sale\n");
    insta::assert_snapshot!(sloppy.tallyhouse(&["check"]).ends(2).err, @r"
    error[allow-without-reason]: a warning is silenced without a reason
     --> sql/core/sale.sql:1:30
      |
    1 | SELECT id, units / 2 AS half -- allow integer-division
      |                              ^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: say why: `-- allow integer-division: …`

    warning[integer-division]: a whole number divided by a whole number: what is left over is cut off
     --> sql/core/sale.sql:1:12
      |
    1 | SELECT id, units / 2 AS half -- allow integer-division
      |            ^^^^^^^^^
      |
      = help: cast one side: `CAST(units AS DOUBLE) / …`
    ");
}

#[test]
fn json_has_code_place_and_bytes() {
    let ran = project("SELECT id,\n  '中' AS c, sum(price) OVER () AS all\nFROM staged.sale\n")
        .tallyhouse(&["check", "--output", "json"]);
    let report = ran.succeeds().json();
    let expected = json!([{
        "code": "float-sum", "severity": "warning",
        "message": "the last digits of `sum` over doubles depend on the order in which rows happen to come",
        "file": "sql/core/sale.sql", "line": 2, "column": 13, "end_line": 2, "end_column": 31,
        "start_byte": 25, "end_byte": 43, "label": null,
        "hint": "add up decimals: `sum(CAST(price AS DECIMAL(18, 4)))`", "fix": null, "also": [],
    }]);
    assert_eq!((&report["findings"], &report["exit_code"]), (&expected, &json!(0)));
}

#[test]
fn run_counts_warnings_and_does_not_repeat_them() {
    let report = project("SELECT id, units / 2 AS half FROM staged.sale").run();
    assert_eq!(report["warnings"], json!(["1 warnings about models, which `tallyhouse check` shows"]));
}

/// Asserts what a code host needs of a SARIF log, and returns its results.
fn results(log: &Value) -> Vec<Value> {
    assert_eq!((log["version"].as_str(), log["runs"].as_array().unwrap().len()), (Some("2.1.0"), 1));
    assert!(log["$schema"].as_str().unwrap().ends_with("sarif-2.1.0.json"));
    let driver = &log["runs"][0]["tool"]["driver"];
    assert_eq!(driver["name"], "tallyhouse");
    let rules = driver["rules"].as_array().unwrap();
    let ids: BTreeSet<&str> = rules.iter().map(|rule| rule["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), rules.len(), "each rule once");
    for rule in rules {
        assert!(!rule["shortDescription"]["text"].as_str().unwrap().is_empty() && rule["help"]["text"].is_string());
        let uri = rule["helpUri"].as_str().unwrap();
        assert!(repository(uri.split('#').next().unwrap()).exists(), "{uri}");
    }
    let results = log["runs"][0]["results"].as_array().unwrap().clone();
    for result in &results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(["error", "warning"].contains(&result["level"].as_str().unwrap()));
        assert!(!result["message"]["text"].as_str().unwrap().is_empty());
        let place = &result["locations"][0]["physicalLocation"];
        assert!(!place["artifactLocation"]["uri"].as_str().unwrap().contains([' ', '\\']), "{place}");
        let numbers = ["startLine", "startColumn", "endLine", "endColumn"];
        assert!(numbers.iter().all(|name| place["region"][name].as_u64().unwrap() >= 1), "{place}");
    }
    results
}

#[test]
fn sarif_has_what_a_code_host_needs() {
    let doubtful = project("SELECT id, '中' AS c, units / 2 AS half\nFROM staged.sale\n");
    doubtful.model("core.net_sale", "SELECT *\nFROM core.sale");
    let found = results(&doubtful.tallyhouse(&["check", "--output", "sarif"]).succeeds().json());
    let short: Vec<_> =
        found.iter().map(|result| (&result["ruleId"], &result["locations"][0]["physicalLocation"])).collect();
    let place = |uri: &str, column: u64, end: u64| {
        let region = json!({ "startLine": 1, "startColumn": column, "endLine": 1, "endColumn": end });
        json!({ "artifactLocation": { "uri": uri }, "region": region })
    };
    let expected = [
        (json!("select-star"), place("sql/core/net_sale.sql", 8, 9)),
        (json!("integer-division"), place("sql/core/sale.sql", 22, 31)),
    ];
    for wanted in &expected {
        assert!(short.contains(&(&wanted.0, &wanted.1)), "{short:?}");
    }
    assert_eq!(short.len(), 2);
}

#[test]
fn sarif_has_errors_too() {
    let wrong = project("SELECT idd FROM staged.sale\n");
    let found = results(&wrong.tallyhouse(&["check", "--output", "sarif"]).ends(2).json());
    assert_eq!(
        (&found[0]["level"], &found[0]["message"]["text"]),
        (&json!("error"), &json!("unknown column `idd`. did you mean `id`?"))
    );
    let ran = wrong.tallyhouse(&["plan", "--output", "sarif"]).ends(2);
    assert_eq!(ran.json()["error"], "only `check` prints SARIF");
}

#[test]
fn the_page_explains_every_code_and_no_other() {
    let page = fs::read_to_string(repository("docs/checks.md")).unwrap();
    let explained: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    let codes: Vec<&str> = lint::codes().map(|(code, _)| code).collect();
    assert_eq!(explained, codes);
    for section in page.split("\n### ").skip(1) {
        let code = section.lines().next().unwrap();
        assert!(section.contains("```sql"), "{code} has no example");
    }
}

#[test]
fn the_shipped_models_are_clean_or_say_why_not() {
    let ran = Project::shipped().tallyhouse(&["check", "--deny-warnings"]).succeeds();
    assert!(ran.out.ends_with(" unit tests: no errors\n"), "{}", ran.out);
}

/// What is found in the queries of TPC-DS, and why it is right.
const TPCDS: &[(&str, &str, &str)] = &[
    ("03", LIMIT, "brands of one number have several names"),
    ("12", LIMIT, "groups differ in i_current_price, which is not in the order"),
    ("17", "float-sum", "stddev_samp adds up in doubles"),
    ("20", LIMIT, "groups differ in i_current_price, which is not in the order"),
    ("33", LIMIT, "two manufacturers may have the same sum"),
    ("36", LIMIT, "two rows may share a rank"),
    ("37", LIMIT, "groups differ in i_item_desc and i_current_price"),
    ("39", "float-sum", "stddev_samp adds up in doubles"),
    ("44", LIMIT, "two items may share a rank"),
    ("49", "left-join-filtered", "the amount of the return is filtered in the WHERE"),
    ("49", LIMIT, "return_ratio is not in the order"),
    ("52", LIMIT, "brands of one number have several names"),
    ("55", LIMIT, "brands of one number have several names"),
    ("65", LIMIT, "two stores may share a name"),
    ("66", LIMIT, "groups differ in more than the warehouse's name"),
    ("75", LIMIT, "the order is by two differences alone"),
    ("77", "join-without-equality", "`FROM cs, cr` has no condition: all pairs of call centers are added up"),
    ("82", LIMIT, "groups differ in i_item_desc and i_current_price"),
    ("84", LIMIT, "a customer has a row for each return"),
    ("93", "left-join-filtered", "the reason of the return is compared in the WHERE"),
    ("99", LIMIT, "call centers that differ in capitals alone are ordered by lower()"),
];

const LIMIT: &str = "limit-without-total-order";

#[test]
fn nothing_is_said_about_the_queries_of_tpcds_without_a_reason() {
    let Some(folder) = std::env::var_os("TALLYHOUSE_TPCDS").map(PathBuf::from) else {
        assert!(!is_outside_required(), "TALLYHOUSE_TPCDS must name a folder with the queries of TPC-DS");
        return eprintln!("skipped: the queries of TPC-DS are not here; `.ci/run` fetches them");
    };
    let columns = fs::read_to_string(folder.join("columns.csv")).unwrap();
    let (tables, names) = tpcds_tables(&columns);
    let engine = Engine::new(Settings { threads: 1, memory_limit_bytes: 256 << 20, spill_folder: None }).unwrap();
    let state = engine.session(std::iter::empty()).unwrap().state();
    let mut found = BTreeSet::new();
    let mut queries = 0;
    for number in 1..=99 {
        let query = fs::read_to_string(folder.join(format!("queries/{number:02}.sql"))).unwrap();
        let (model, statement) = tpcds_model(number, &query, &names);
        let findings = lint::lint(&model, &statement, &tables, &state);
        // They are written to be looked at once, and name their results where another part of them has to.
        let codes = findings.iter().filter_map(|finding| finding.code).filter(|code| *code != "unnamed-column");
        found.extend(codes.map(|code| (format!("{number:02}"), code)));
        queries += 1;
    }
    let expected: BTreeSet<_> = TPCDS.iter().map(|(query, code, _)| ((*query).to_owned(), *code)).collect();
    assert_eq!(queries, 99);
    assert_eq!(found, expected);
}

/// Returns the tables of TPC-DS as sources: dimensions by their first column, facts by the two keys of the specification.
fn tpcds_tables(columns: &str) -> (lint::Tables, BTreeSet<String>) {
    let mut contracts: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for line in columns.lines() {
        let (table, rest) = line.split_once(',').unwrap();
        let (column, data_type) = rest.split_once(',').unwrap();
        contracts.entry(table).or_default().push((column, data_type.trim_matches('"')));
    }
    let source = |(table, columns): (&&str, &Vec<(&str, &str)>)| {
        let key: Vec<&str> = match *table {
            "inventory" => vec!["inv_date_sk", "inv_item_sk", "inv_warehouse_sk"],
            fact if fact.ends_with("_sales") || fact.ends_with("_returns") => {
                let is_key = |name: &&str| {
                    name.ends_with("_ticket_number") || name.ends_with("_order_number") || name[2..] == *"_item_sk"
                };
                columns.iter().map(|(name, _)| *name).filter(is_key).collect()
            }
            _ => vec![columns[0].0],
        };
        let typed = |(name, data_type): &(&str, &str)| {
            let data_type = match *data_type {
                "VARCHAR" => "string".to_owned(),
                "INTEGER" => "int".to_owned(),
                other => other.to_lowercase(),
            };
            format!("  {name}: {{ type: \"{data_type}\" }}\n")
        };
        let columns: String = columns.iter().map(typed).collect();
        let body = format!("name: {table}\nlocation: x/*\nkey: [{}]\ncolumns:\n{columns}", key.join(", "));
        let text = Text { path: format!("{table}.yaml"), body };
        define::read_source(Arc::new(text), &|_| None).unwrap().0
    };
    let sources: Vec<_> = contracts.iter().map(source).collect();
    let mut staged = Catalog::new();
    for source in &sources {
        let field = |column: &define::project::Column| {
            arrow::datatypes::Field::new(&column.name.value, column.data_type.clone(), true)
        };
        let schema = arrow::datatypes::Schema::new(source.columns.iter().map(field).collect::<Vec<_>>());
        staged.insert(source.table(), CatalogTable::empty(&Arc::new(schema), Vec::new(), None));
    }
    let names = contracts.keys().map(|table| (*table).to_owned()).collect();
    (lint::Tables::new(&sources, &staged, &Graph::default()), names)
}

/// Returns a query as a model that reads the staged tables.
fn tpcds_model(number: u32, query: &str, tables: &BTreeSet<String>) -> (define::project::Model, Statement) {
    let mut parsed = Parser::parse_sql(&GenericDialect {}, query.trim().trim_end_matches(';')).unwrap();
    let _ = visit_relations_mut(&mut parsed, |relation| {
        if relation.0.len() == 1 && tables.contains(&relation.to_string().to_lowercase()) {
            relation.0.insert(0, ObjectNamePart::Identifier(Ident::new("staged")));
        }
        ControlFlow::<()>::Continue(())
    });
    let path = format!("tpcds/q{number:02}.sql");
    let text = Arc::new(Text { path: path.clone(), body: parsed[0].to_string() });
    let model = define::read_model(&text, Path::new(&path), define::project::Dialect::default()).unwrap().0;
    let run_date = NaiveDate::from_ymd_opt(2026, 6, 30).unwrap();
    let parameters = Parameters { run_date, timezone: chrono_tz::Tz::UTC, variables: BTreeMap::new() };
    (model, Statement::parse(&text.body, &parameters).unwrap())
}
