//! What is found in models over two small tables, and what is not.

mod cases;

use std::{collections::BTreeMap, path::Path, sync::Arc};

use arrow::datatypes::{Field, Schema};
use chrono::NaiveDate;
use chrono_tz::Tz;

use super::*;
use crate::{
    define,
    define::project::{Model, Source},
    engine::{Catalog, CatalogTable, Engine, Parameters, Settings},
    record::Text,
    transform::plan,
};
use cases::CASES;

const SALE: &str = "
name: sale
location: sale/*
key: [id]
partition_by: [month]
columns:
  id: { type: bigint, required: true }
  month: { type: date, required: true }
  dealer: { type: string }
  kind: { type: string }
  status: { type: string, codes: { O: open, C: closed } }
  units: { type: int, required: true }
  price: { type: double }
  amount: { type: \"decimal(18,2)\" }
checks:
  - accepted_values: { column: kind, values: [machine, part] }
  - accepted_values: { column: dealer, values: [A] }
    severity: warn
";

const DEALER: &str = "/* ---
key: [dealer]
checks:
  - not_null: [dealer]
--- */
SELECT dealer, max(kind) AS region FROM staged.sale WHERE dealer IS NOT NULL GROUP BY dealer";

const KNOWN: &str = "/* ---
kind: view
--- */
SELECT dealer, region FROM core.dealer WHERE region IS NOT NULL";

fn source(body: &str) -> Source {
    let text = Text { path: "sale.yaml".to_owned(), body: body.to_owned() };
    define::read_source(Arc::new(text), &|_| None).unwrap().0
}

fn model(path: &str, sql: &str) -> Model {
    let text = Arc::new(Text { path: format!("sql/{path}"), body: sql.to_owned() });
    define::read_model(&text, Path::new(path), crate::define::project::Dialect::default()).unwrap().0
}

/// Returns what is said about `core.this`, be it that it cannot be planned.
async fn said(sql: &str) -> Vec<Diagnostic> {
    let source = source(SALE);
    let fields =
        source.columns.iter().map(|column| Field::new(&column.name.value, column.data_type.clone(), !column.required));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let staged: Catalog = [(source.table(), CatalogTable::empty(&schema, vec!["month".to_owned()], None))].into();
    let models = [model("core/dealer.sql", DEALER), model("core/known.sql", KNOWN), model("core/this.sql", sql)];
    let engine = Engine::new(Settings { threads: 1, memory_limit_bytes: 256 << 20, spill_folder: None }).unwrap();
    let run_date = NaiveDate::from_ymd_opt(2026, 6, 30).unwrap();
    let parameters = Parameters { run_date, timezone: Tz::UTC, variables: BTreeMap::new() };
    let sources = [source.table()].into();
    let (graph, errors) = plan::plan(&models, &staged, &sources, &parameters, &engine).await.unwrap();
    if !errors.is_empty() {
        return errors;
    }
    let tables = Tables::new(&[source], &staged, &graph);
    let state = engine.session(std::iter::empty()).unwrap().state();
    lint_all(&graph, &tables, &state, 2)
}

/// Returns code and underlined words of each finding.
async fn underlined(sql: &str) -> Vec<(String, String)> {
    let words = |finding: &Diagnostic| {
        let place = finding.place.as_ref().unwrap();
        (finding.code.unwrap_or(&finding.message).to_owned(), place.text.body[place.range.clone()].to_owned())
    };
    said(sql).await.iter().map(words).collect()
}

#[tokio::test]
async fn every_code_finds_its_mistake_and_underlines_it() {
    let mut wrong = Vec::new();
    for case in CASES {
        for (sql, words) in case.fires {
            let found = underlined(sql).await;
            if found != [(case.code.to_owned(), (*words).to_owned())] {
                wrong.push(format!("{}: {found:?} in {sql}", case.code));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn near_misses_are_left_alone() {
    let mut wrong = Vec::new();
    for case in CASES {
        for sql in case.misses {
            let found = underlined(sql).await;
            if !found.is_empty() {
                wrong.push(format!("{}: {found:?} in {sql}", case.code));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn the_columns_of_a_view_are_known() {
    let joined = "SELECT id, known.region FROM staged.sale JOIN core.known ON known.dealer = sale.dealer";
    assert_eq!(underlined(joined).await, []);
    let crossed = "SELECT id, known.region FROM staged.sale JOIN core.known ON known.dealer < sale.dealer";
    assert_eq!(underlined(crossed).await, [("join-without-equality".to_owned(), "core.known".to_owned())]);
}

#[test]
fn every_code_has_a_case() {
    let tested: Vec<&str> = CASES.iter().map(|case| case.code).collect();
    assert_eq!(tested, LINTS.iter().map(|lint| lint.code).collect::<Vec<_>>());
}

#[tokio::test]
async fn every_finding_has_a_hint() {
    for (sql, _) in CASES.iter().flat_map(|case| case.fires) {
        assert!(said(sql).await.iter().all(|finding| finding.hint.is_some()), "{sql}");
    }
}

#[tokio::test]
async fn a_comment_with_a_reason_silences_its_line() {
    let silent = [
        "SELECT * -- allow select-star: the mart mirrors its source\nFROM staged.sale",
        "SELECT\n    -- allow select-star: the mart mirrors its source\n    -- (see the contract)\n    *\nFROM staged.sale",
        "SELECT units / 3 AS third, sum(price) OVER () AS sum -- allow integer-division, float-sum: for 试验 only\nFROM staged.sale",
    ];
    for sql in silent {
        assert_eq!(underlined(sql).await, [], "{sql}");
    }
}

#[tokio::test]
async fn a_comment_silences_nothing_but_its_line_and_code() {
    let sql = "-- allow select-star: not there\nSELECT\n    *\nFROM staged.sale";
    let found = [("select-star", "*"), ("unused-allow", "-- allow select-star: not there")];
    assert_eq!(underlined(sql).await, found.map(|(code, words)| (code.to_owned(), words.to_owned())));
    let sql =
        "SELECT id, '-- allow float-sum: a text' AS words\nFROM staged.sale -- allow a few words, as before: prose";
    assert_eq!(underlined(sql).await, []);
}

#[tokio::test]
async fn a_comment_without_reason_or_with_an_unknown_code_is_an_error() {
    let found = said("SELECT * -- allow select-star\nFROM staged.sale").await;
    assert_eq!(
        found.iter().map(|finding| finding.code.unwrap()).collect::<Vec<_>>(),
        ["select-star", "allow-without-reason"]
    );
    assert!(!found[0].is_error() && found[1].is_error());
    let found = said("SELECT id -- allow select-sta: why\nFROM staged.sale").await;
    assert_eq!(found[0].hint.as_deref(), Some("did you mean `select-star`?"));
    assert!(found[0].is_error() && found[0].code == Some("unknown-allow"));
}
