//! What people are told of columns, wherever they look; and what a snapshot tells of its files.

use std::fs::{self, File};

use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::project::{Project, repository};

const SALES: &str = "columns:\n  month: { type: date, required: true, title: { zh: 月份, en: Month } }\n  units: { type: int, unit: units }\n";

fn header(title: &str) -> String {
    format!(
        "/* ---\ndescription: What was sold.\nkey: [month]\ncolumns:\n  month: {{ title: {{ zh: 月份, en: Month }} }}\n  \
         units: {{ unit: pieces, title: {{ en: \"{title}\" }}, description: Pieces it's about. }}\n--- */\n"
    )
}

fn sold(title: &str) -> Project {
    let project = Project::new();
    project.source("sales", SALES);
    project.extract("sales/a.csv", "month,units\n2026-01-01,3\n2026-02-01,x\n");
    retitle(&project, title);
    project
}

fn retitle(project: &Project, title: &str) {
    let sql = format!("{}SELECT month, sum(units) AS units FROM staged.sales GROUP BY month", header(title));
    project.model("core.sold", &sql);
}

#[test]
fn a_title_stands_in_the_parquet_field_in_views_sql_and_in_ops_column() {
    let project = sold("Units");
    project.run();
    let current = project.current();
    let file = File::open(current.data("core.sold").join(&current.files("core.sold")[0])).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let mut told: Vec<(&String, &String)> =
        reader.schema().field_with_name("units").unwrap().metadata().iter().collect();
    told.retain(|(name, _)| !name.starts_with("PARQUET:"));
    told.sort();
    let told: Vec<String> = told.into_iter().map(|(name, text)| format!("{name}={text}")).collect();
    assert_eq!(told, ["description=Pieces it's about.", "title_en=Units", "unit=pieces"]);
    let views = fs::read_to_string(project.path("warehouse/current/views.sql")).unwrap();
    assert!(views.contains("COMMENT ON COLUMN \"core\".\"sold\".\"month\" IS '月份 / Month';"), "{views}");
    assert!(views.contains("\"units\" IS 'Units: Pieces it''s about. (pieces)';"), "{views}");
    assert_eq!(
        project.query(
            "SELECT table_name, column_name, column_number, data_type, unit, title_zh, title_en, is_key, is_private
             FROM ops.column WHERE table_name IN ('core.sold', 'staged.sales') ORDER BY 1, 3"
        ),
        [
            "core.sold|month|1|Date32|NULL|月份|Month|true|false",
            "core.sold|units|2|Int64|pieces|NULL|Units|false|false",
            "staged.sales|month|1|Date32|NULL|月份|Month|false|true",
            "staged.sales|units|2|Int32|units|NULL|NULL|false|true",
        ]
    );
}

#[test]
fn another_title_is_published_without_rebuilding_a_table() {
    let project = sold("Units");
    project.run();
    retitle(&project, "Pieces sold");
    let report = project.run();
    assert_eq!(report["outcome"], "published");
    assert_eq!(report["models"][0]["rebuilt"], serde_json::json!([]), "{report}");
    let titles = "SELECT title_en FROM ops.column WHERE table_name = 'core.sold' AND column_name = 'units'";
    assert_eq!(project.query(titles), ["Pieces sold"]);
    assert_eq!(project.run()["outcome"], "unchanged");
}

#[test]
fn a_model_reads_which_files_came_and_is_rebuilt_when_one_does() {
    let project = sold("Units");
    project.model("core.delivery", "SELECT source, path, row_count, rejected_count FROM ops.file");
    project.run();
    assert_eq!(project.rows("core.delivery"), ["sales|a.csv|2|1"]);
    assert_eq!(project.run()["outcome"], "unchanged");
    project.extract("sales/b.csv", "month,units\n");
    project.run();
    assert_eq!(project.rows("core.delivery"), ["sales|a.csv|2|1", "sales|b.csv|0|0"]);
}

#[test]
fn a_table_is_shown_with_its_columns_and_a_misspelt_one_is_corrected() {
    let project = sold("Units");
    let shown = project.tallyhouse(&["tables", "core.sold"]).succeeds();
    assert_eq!(
        shown.out,
        "core.sold\n\nWhat was sold.\none row per: month\nmade of: staged.sales\n\n  month (date)  月份 / Month\n  \
         units (bigint)  Units\n      Pieces it's about. · pieces\n"
    );
    let ran = project.tallyhouse(&["tables", "core.sald"]).ends(2);
    assert!(ran.error().contains("did you mean `core.sold`?"), "{}", ran.error());
}

#[test]
fn the_data_dictionary_is_what_the_headers_say() {
    let written = Project::shipped().tallyhouse(&["tables", "--markdown"]).succeeds().out;
    let path = repository("docs/tables.md");
    if std::env::var_os("TALLYHOUSE_BLESS").is_some() {
        fs::write(&path, &written).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == written, "docs/tables.md is not current: `tallyhouse tables --markdown > docs/tables.md`");
}

#[test]
fn every_public_column_of_the_shipped_warehouse_says_what_it_is() {
    let project = Project::shipped_and_published();
    let silent = "SELECT table_name, column_name FROM ops.column \
                  WHERE NOT is_private AND (title_zh IS NULL OR title_en IS NULL OR description IS NULL) ORDER BY 1, 2";
    assert_eq!(project.query(silent), Vec::<String>::new());
    // The table that lists the others does not list itself.
    let views = fs::read_to_string(project.path("warehouse/current/views.sql")).unwrap();
    let own = views.matches("COMMENT ON COLUMN \"ops\".\"column\".").count();
    assert_eq!(own, 11, "{views}");
}
