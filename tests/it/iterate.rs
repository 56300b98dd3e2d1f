//! Working on a model: its rows, its differences and its plan over the served snapshot, before any run.

use serde_json::{Value, json};

use crate::project::Project;

/// A published project of a source, a model by key, and one on top of it.
fn published() -> Project {
    let project = Project::new();
    project.source(
        "sale",
        "key: [id]\ncolumns:\n  id: { type: int }\n  city: { type: string }\n  amount: { type: int }\n",
    );
    project.extract("sale/a.csv", "id,city,amount\n1,Øst,10\n2,,20\n3,Vest,30\n");
    project.model("core.sale", "/* ---\nkey: [id]\n--- */\nSELECT id, city, amount FROM staged.sale");
    project.model("core.total", "SELECT city, sum(amount) AS amount FROM core.sale GROUP BY city");
    project.run();
    project
}

fn diff(project: &Project, model: &str) -> Value {
    project.tallyhouse(&["diff", model, "--output", "json"]).succeeds().json()
}

#[test]
fn a_model_that_was_not_touched_differs_in_nothing() {
    let project = published();
    let said = project.tallyhouse(&["diff", "core.sale"]).succeeds().out;
    assert_eq!(said, format!("core.sale is as in snapshot {}: 3 rows\n", project.current().id()));
}

#[test]
fn selectors_name_several_models_in_the_order_in_which_they_are_built() {
    let project = published();
    project.model(
        "core.sale",
        "/* ---\nkey: [id]\n--- */\nSELECT id, city, CAST(amount + 1 AS INT) AS amount FROM staged.sale",
    );
    let tables = |arguments: &[&str]| -> Vec<String> {
        let said = project.tallyhouse(&[arguments, &["--output", "json"]].concat()).succeeds().json();
        let all = said.as_array().cloned().unwrap_or_else(|| vec![said]);
        all.iter().map(|one| one["table"].as_str().unwrap().to_owned()).collect()
    };
    for verb in ["diff", "explain"] {
        assert_eq!(tables(&[verb, "core.*"]), ["core.sale", "core.total"]);
        assert_eq!(tables(&[verb, "core.total", "core.sale"]), ["core.sale", "core.total"]);
        assert_eq!(tables(&[verb, "state:modified"]), ["core.sale"]);
        assert_eq!(tables(&[verb, "state:modified+", "--exclude", "core.sale"]), ["core.total"]);
        let said = project.tallyhouse(&[verb, "source:sale"]).ends(2).err;
        assert!(said.contains("only sources"), "{said}");
        let said = project.tallyhouse(&[verb, "tag:none"]).ends(2).err;
        assert!(said.contains("tag:none"), "{said}");
    }
    let said = project.tallyhouse(&["diff", "core.*", "--rows", "0"]).succeeds().out;
    assert_eq!(said.matches("against snapshot").count(), 2, "{said}");
    project.model("core.broken", "SELECT nothing FROM staged.sale");
    let said = project.tallyhouse(&["diff", "core.*"]).ends(2).err;
    assert!(said.contains("nothing"), "{said}");
}

#[test]
fn rows_of_one_key_are_counted_by_the_columns_that_differ() {
    let project = published();
    project.model(
        "core.sale",
        "/* ---\nkey: [id]\n--- */\nSELECT CAST(CASE id WHEN 3 THEN 4 ELSE id END AS INT) AS id, coalesce(city, 'none') AS city, \
         CAST(CASE id WHEN 2 THEN 21 ELSE amount END AS INT) AS amount FROM staged.sale",
    );
    let snapshot = project.current().id().to_owned();
    assert_eq!(
        diff(&project, "core.sale"),
        json!({
            "table": "core.sale", "snapshot": snapshot, "is_new": false, "recomputed": [], "key": ["id"], "columns": [],
            "rows": { "before": 3, "after": 3, "added": 1, "removed": 1, "changed": 1 },
            "changed_columns": [{ "column": "city", "rows": 1 }, { "column": "amount", "rows": 1 }],
            "unpaired": 0,
            "sample": [
                { "change": "added", "id": 4, "city": "Vest", "amount": 30 },
                { "change": "before", "id": 2, "city": null, "amount": 20 },
                { "change": "after", "id": 2, "city": "none", "amount": 21 },
                { "change": "removed", "id": 3, "city": "Vest", "amount": 30 },
            ],
        })
    );
    insta::assert_snapshot!(project.tallyhouse(&["diff", "core.sale"]).succeeds().out.replace(&snapshot, "ID"), @r"
    core.sale against snapshot ID: 3 → 3 rows, 1 added, 1 removed, 1 changed
      rows are those of one key: id
      column city: other values in 1 row
      column amount: other values in 1 row
    +---------+----+------+--------+
    | change  | id | city | amount |
    +---------+----+------+--------+
    | added   | 4  | Vest | 30     |
    | before  | 2  | NULL | 20     |
    | after   | 2  | none | 21     |
    | removed | 3  | Vest | 30     |
    +---------+----+------+--------+
    4 rows
    ");
    assert_eq!(project.rows("core.sale"), ["1|Øst|10", "2|NULL|20", "3|Vest|30"], "nothing is published");
}

#[test]
fn without_a_key_a_row_counts_as_often_as_it_is_there() {
    let project = published();
    project.model(
        "core.total",
        "SELECT city, amount FROM core.sale UNION ALL SELECT city, amount FROM core.sale WHERE id = 1",
    );
    let diff = diff(&project, "core.total");
    assert_eq!(diff["rows"], json!({ "before": 3, "after": 4, "added": 1, "removed": 0, "changed": null }));
    assert_eq!(diff["sample"], json!([{ "change": "added", "city": "Øst", "amount": 10 }]));
}

#[test]
fn what_a_model_stands_on_is_computed_where_it_was_changed() {
    let project = published();
    project.model("core.sale", "/* ---\nkey: [id]\n--- */\nSELECT id, city, amount + 1 AS amount FROM staged.sale");
    let diff = diff(&project, "core.total");
    assert_eq!(diff["recomputed"], json!(["core.sale"]));
    assert_eq!(diff["rows"], json!({ "before": 3, "after": 3, "added": 3, "removed": 3, "changed": null }));
}

#[test]
fn columns_that_came_went_or_have_another_type_are_named() {
    let project = published();
    project.model(
        "core.sale",
        "/* ---\nkey: [id]\n--- */\nSELECT id, CAST(amount AS DOUBLE) AS amount, 'a' AS \"say \"\"it\"\"\" FROM staged.sale",
    );
    let diff = diff(&project, "core.sale");
    assert_eq!(
        diff["columns"],
        json!([
            { "change": "added", "name": "say \"it\"", "data_type": "Utf8" },
            { "change": "removed", "name": "city", "data_type": "Utf8" },
            { "change": "retyped", "name": "amount", "from": "Int32", "to": "Float64" },
        ])
    );
    assert_eq!(diff["rows"]["compared_by"], json!(["id", "amount"]));
    assert_eq!((&diff["rows"]["changed"], &diff["changed_columns"]), (&json!(0), &json!([])));
}

#[test]
fn rows_of_a_key_that_is_there_twice_are_not_told_by_column() {
    let project = published();
    project.model(
        "core.sale",
        "/* ---\nkey: [id]\n--- */\nSELECT id, city, amount + 1 AS amount FROM staged.sale WHERE id = 1 \
         UNION ALL SELECT id, city, amount + 2 FROM staged.sale",
    );
    let diff = diff(&project, "core.sale");
    assert_eq!(diff["rows"], json!({ "before": 3, "after": 4, "added": 1, "removed": 0, "changed": 3 }));
    assert_eq!((&diff["unpaired"], &diff["changed_columns"]), (&json!(1), &json!([{ "column": "amount", "rows": 2 }])));
}

#[test]
fn a_model_that_is_not_published_yet_is_new_and_a_view_has_nothing_to_compare_with() {
    let project = published();
    project.model("core.fresh", "SELECT id FROM core.sale WHERE id > 1");
    project.model("core.seen", "/* ---\nkind: view\n--- */\nSELECT id FROM core.sale");
    let fresh = diff(&project, "core.fresh");
    assert_eq!((&fresh["is_new"], &fresh["rows"]["added"]), (&json!(true), &json!(2)));
    assert_eq!(
        project.tallyhouse(&["diff", "core.seen"]).ends(2).err,
        "error: `core.seen` is a view: nothing is published to compare it with\n  hint: compare a model that reads it\n"
    );
    assert_eq!(
        project.tallyhouse(&["diff", "core.sales"]).ends(2).err,
        "error: there is no model `core.sales`\n  hint: did you mean `core.sale`?\n"
    );
}

#[test]
fn a_broken_model_does_not_keep_another_from_being_tried() {
    let project = published();
    project.model("core.broken", "SELECT nothing FROM core.sale");
    assert_eq!(diff(&project, "core.sale")["rows"]["after"], json!(3));
    let said = project.tallyhouse(&["diff", "core.broken"]).ends(2).err;
    assert!(said.contains("unknown column `nothing`"), "{said}");
}

#[test]
fn a_contract_with_a_new_column_asks_for_a_run() {
    let project = published();
    project.source("sale", "key: [id]\ncolumns:\n  id: { type: int }\n  city: { type: string }\n  amount: { type: int }\n  kind: { type: string }\n");
    project.model("core.sale", "/* ---\nkey: [id]\n--- */\nSELECT id, city, amount, kind FROM staged.sale");
    let said = project.tallyhouse(&["diff", "core.sale"]).ends(2).err;
    assert!(said.contains("`core.sale` cannot be computed from snapshot 000001-"), "{said}");
    assert!(
        said.contains("hint: tables of sources are as published: where a contract has changed, run first"),
        "{said}"
    );
}

#[test]
fn an_empty_table_gains_all_of_its_rows() {
    let project = published();
    project.model("core.total", "SELECT city, amount FROM core.sale WHERE id > 9");
    project.run();
    project.model("core.total", "SELECT city, amount FROM core.sale");
    assert_eq!(
        diff(&project, "core.total")["rows"],
        json!({ "before": 0, "after": 3, "added": 3, "removed": 0, "changed": null })
    );
}

#[test]
fn show_working_gives_the_rows_of_what_is_written_now() {
    let project = published();
    project.model("core.sale", "/* ---\nkey: [id]\n--- */\nSELECT id, city, amount * 2 AS amount FROM staged.sale");
    let show = |arguments: &[&str]| {
        project.tallyhouse(&[&["show", "core.sale", "--output", "json"], arguments].concat()).succeeds().json()
    };
    let published = json!([{ "id": 3, "city": "Vest", "amount": 30 }]);
    assert_eq!(show(&["--where", "id > 2"]), published);
    let working = json!([{ "id": 2, "city": null, "amount": 40 }]);
    assert_eq!(
        show(&["--working", "--where", "amount > 20 AND id IN (SELECT id FROM staged.sale)", "--limit", "1"]),
        working
    );
    let total = project.tallyhouse(&["show", "core.total", "--working", "--output", "json"]).succeeds().json();
    assert_eq!(
        total,
        json!([{ "city": "Vest", "amount": 60 }, { "city": "Øst", "amount": 20 }, { "city": null, "amount": 40 }])
    );
}

#[test]
fn show_working_computes_a_view_from_unsaved_models_and_names_what_is_wrong_with_a_filter() {
    let project = published();
    project.model("core.sale", "/* ---\nkey: [id]\n--- */\nSELECT id, city, amount * 2 AS amount FROM staged.sale");
    project.model("core.seen", "/* ---\nkind: view\n--- */\nSELECT amount FROM core.sale WHERE id = 1");
    let rows = project.tallyhouse(&["show", "core.seen", "--working", "--output", "json"]).succeeds().json();
    assert_eq!(rows, json!([{ "amount": 20 }]));
    let said = project.tallyhouse(&["show", "core.seen", "--working", "--where", "amuont > 1"]).ends(2).err;
    assert!(said.contains("did you mean `amount`?"), "{said}");
}

/// Returns every operator of a plan with its inputs, outermost first.
fn operators(plan: &Value) -> Vec<&Value> {
    let inputs = plan["inputs"].as_array().unwrap();
    std::iter::once(plan).chain(inputs.iter().flat_map(operators)).collect()
}

/// Returns what `explain` says of a model without what the last run measured.
fn without_last_run(text: &str) -> String {
    let (head, plan) = text.split_once("\n\n").unwrap();
    let now = plan.split("\nas run ").next().unwrap();
    format!("{}\n\n{now}", head.lines().next().unwrap())
}

#[test]
fn explain_shows_what_the_last_run_measured_that_built_the_model() {
    let project = published();
    let explain = |arguments: &[&str]| {
        project.tallyhouse(&[&["explain"], arguments, &["--output", "json"]].concat()).succeeds().json()
    };
    let first = explain(&["core.total"])["last_run"].clone();
    let figures = |last: &Value| {
        ["outcome", "run_date", "rows", "rebuilt_rows", "rebuilt_partitions", "kept_partitions"]
            .map(|key| last[key].clone())
    };
    let date = json!(project.current().manifest["run_date"]);
    assert_eq!(figures(&first), [json!("published"), date, json!(3), json!(3), json!(1), json!(0)]);
    assert_eq!((&first["cost"]["spills"], &first["cost"]["attempts"]), (&json!(0), &json!(1)), "{first}");
    assert!(first["cost"]["peak_memory_bytes"].as_u64().unwrap() > 0, "{first}");
    assert!(first["cost"]["cpu_seconds"].as_f64().unwrap() > 0.0, "{first}");
    assert!(first["seconds"].as_f64().unwrap() >= first["cost"]["seconds"].as_f64().unwrap(), "{first}");
    let plan = operators(&first["plan"]);
    assert!(plan.iter().all(|operator| operator["measured"].is_object()), "{first}");
    let scan = plan.iter().find(|operator| operator["operator"] == "DataSourceExec").unwrap();
    assert_eq!((&scan["table"], &scan["measured"]["rows"]), (&json!("core.sale"), &json!(3)));
    // An idle run builds nothing, and one that builds another model nothing of this one.
    assert_eq!(project.run()["outcome"], "unchanged");
    project.model("core.count", "SELECT count(*) AS row_count FROM core.sale");
    project.run();
    assert_eq!(explain(&["core.total"])["last_run"], first);
    let second = explain(&["core.count"])["last_run"].clone();
    assert_ne!(second["run"], first["run"]);
    // As of the first snapshot no run had built it.
    assert_eq!(explain(&["core.count", "--snapshot", "1"])["last_run"], Value::Null);
    // What the next run builds is its own.
    project.extract("sale/b.csv", "id,city,amount\n4,Øst,5\n");
    project.run();
    let all = explain(&["core"]);
    let rows: Vec<&Value> = all.as_array().unwrap().iter().map(|one| &one["last_run"]["rows"]).collect();
    assert_eq!(rows, [&json!(4), &json!(1), &json!(3)]);
    let text = project.tallyhouse(&["explain", "core.total"]).succeeds().out;
    let run = all[2]["last_run"]["run"].as_str().unwrap();
    assert!(text.contains(&format!("\n  last built by run {run}, published, begun 20")), "{text}");
    assert!(text.contains(" s, 3 rows: 1 partition rebuilt with 3 rows, 0 kept\n  query "), "{text}");
    let kept = format!("\n\nas run {run} computed it:\n\n        rows    seconds  spills spilled MB\n");
    assert!(text.contains(&kept), "{text}");
}

#[test]
fn explain_reads_the_records_of_runs_that_kept_less() {
    let project = published();
    let runs = std::fs::read_dir(project.path("warehouse/runs")).unwrap();
    for path in runs.map(|entry| entry.unwrap().path()) {
        if path.to_string_lossy().ends_with(".operators.json") {
            std::fs::remove_file(&path).unwrap();
            continue;
        }
        let mut record: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        for model in record["models"].as_array_mut().unwrap() {
            model.as_object_mut().unwrap().remove("cost");
        }
        std::fs::write(&path, record.to_string()).unwrap();
    }
    let explained = project.tallyhouse(&["explain", "core.total", "--output", "json"]).succeeds().json();
    assert_eq!((&explained["last_run"]["rows"], &explained["last_run"]["cost"]), (&json!(3), &Value::Null));
    assert!(explained["last_run"].get("plan").is_none(), "{explained}");
    let text = project.tallyhouse(&["explain", "core.total"]).succeeds().out;
    assert!(text.contains("\n  what the query cost was not kept\n"), "{text}");
    assert!(!text.contains("as run "), "{text}");
}

#[test]
fn explain_shows_the_operators_without_running_them() {
    let project = published();
    project.model(
        "core.sale",
        "/* ---\nkey: [id]\n--- */\nSELECT id, city, amount FROM staged.sale WHERE amount > 10 ORDER BY amount",
    );
    insta::assert_snapshot!(
        without_last_run(&project.tallyhouse(&["explain", "core.sale", "--threads", "1"]).succeeds().out)
            .replace(project.current().id(), "ID"),
        @r"
    core.sale from snapshot ID

    SortExec: amount@2 ASC NULLS LAST
      FilterExec: predicate=amount > 10
        DataSourceExec staged.sale: format=parquet, predicate=amount > 10, files=1
    "
    );
    let explained = project.tallyhouse(&["explain", "core.sale", "--output", "json"]).succeeds().json();
    assert_eq!((&explained["rows"], &explained["seconds"]), (&Value::Null, &Value::Null));
    assert!(operators(&explained["plan"]).iter().all(|operator| operator["measured"].is_null()), "{explained}");
}

#[test]
fn explain_shows_what_is_computed_once_apart() {
    let project = published();
    project.model(
        "core.sale",
        "/* ---\nkey: [city]\n--- */\nWITH town AS (SELECT city, sum(amount) AS amount FROM staged.sale GROUP BY city)\n\
         SELECT a.city, count(b.city) AS larger FROM town AS a LEFT JOIN town AS b ON b.amount = a.amount + 10 GROUP BY a.city",
    );
    let text = without_last_run(&project.tallyhouse(&["explain", "core.sale"]).succeeds().out);
    assert_eq!(text.matches("DataSourceExec staged.sale").count(), 1, "{text}");
    assert!(text.contains("\n\npart town, which the query names more than once and a run computes once:\n"), "{text}");
    let explained = project.tallyhouse(&["explain", "core.sale", "--analyze", "--output", "json"]).succeeds().json();
    let part = &explained["parts"][0];
    assert_eq!((&part["name"], &part["plan"]["measured"]["rows"]), (&json!("town"), &json!(3)), "{explained}");
}

#[test]
fn explain_analyze_measures_every_operator() {
    let project = published();
    project.model("core.sale", "/* ---\nkey: [id]\n--- */\nSELECT id, city, amount FROM staged.sale WHERE amount > 10");
    let explained = project.tallyhouse(&["explain", "core.total", "--analyze", "--output", "json"]).succeeds().json();
    assert_eq!((&explained["rows"], &explained["recomputed"]), (&json!(2), &json!(["core.sale"])));
    let plan = operators(&explained["plan"]);
    let scan = plan.iter().find(|operator| operator["operator"] == "DataSourceExec").unwrap();
    assert_eq!((&scan["measured"]["rows"], &scan["measured"]["spills"]), (&json!(3), &json!(0)), "{explained}");
    let filter = plan.iter().find(|operator| operator["operator"] == "FilterExec").unwrap();
    assert_eq!(filter["measured"]["rows"], json!(2));
    let aggregate = plan.iter().find(|operator| operator["operator"] == "AggregateExec").unwrap();
    assert_eq!(aggregate["measured"]["rows"], json!(2));
    assert!(aggregate["measured"]["seconds"].as_f64().unwrap() > 0.0, "{explained}");
    let text = project.tallyhouse(&["explain", "core.total", "--analyze"]).succeeds().out;
    assert!(text.contains("\n  computed too, as unsaved changes reach them: core.sale\n"), "{text}");
    assert!(text.contains("\n        rows    seconds  spills spilled MB\n           2     0."), "{text}");
}

const CITIES: &str = "SELECT city AS \"city, \"\"or\"\" none\", amount, '' AS nothing FROM core.sale ORDER BY id";

#[test]
fn a_query_is_written_as_csv_in_which_null_is_no_empty_text() {
    let project = published();
    let csv = "\"city, \"\"or\"\" none\",amount,nothing\nØst,10,\"\"\n,20,\"\"\nVest,30,\"\"\n";
    assert_eq!(project.tallyhouse(&["query", CITIES, "--format", "csv"]).succeeds().out, csv);
    let quiet = project.tallyhouse(&["query", CITIES, "--format", "csv", "--out", "cities.csv"]).succeeds();
    assert_eq!(quiet.out, "");
    assert_eq!(std::fs::read_to_string(project.path("cities.csv")).unwrap(), csv);
    let none = project.tallyhouse(&["query", "SELECT id FROM core.sale WHERE id > 9", "--format", "csv"]).succeeds();
    assert_eq!(none.out, "id\n");
    let json = project.tallyhouse(&["query", "SELECT id FROM core.sale WHERE id > 2", "--format", "json"]).succeeds();
    assert_eq!(json.json(), json!([{ "id": 3 }]));
}

#[test]
fn a_query_is_written_as_parquet_with_its_types() {
    let project = published();
    let refused = project.tallyhouse(&["query", CITIES, "--format", "parquet"]).ends(2).err;
    assert_eq!(refused, "error: a Parquet file is not printed\n  hint: name a file with `--out FILE`\n");
    project.tallyhouse(&["query", CITIES, "--format", "parquet", "--out", "cities.parquet"]).succeeds();
    let file = std::fs::File::open(project.path("cities.parquet")).unwrap();
    let file = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    assert_eq!(file.schema().field(1).data_type(), &arrow::datatypes::DataType::Int32);
    let read = project.tallyhouse(&["extract", "cities.parquet", "--output", "json"]).succeeds().json();
    assert_eq!(read[0]["columns"], json!(["city, \"or\" none", "amount", "nothing"]));
    assert_eq!(read[0]["rows"], json!([["Øst", "10", ""], [null, "20", ""], ["Vest", "30", ""]]));
}

#[test]
fn a_query_of_an_older_snapshot_gives_its_rows() {
    let project = published();
    project.extract("sale/a.csv", "id,city,amount\n7,Øst,70\n");
    project.run();
    let query = |arguments: &[&str]| {
        project
            .tallyhouse(&[&["query", "SELECT count(*) AS n FROM core.sale", "--format", "csv"], arguments].concat())
            .succeeds()
            .out
    };
    assert_eq!((query(&["--snapshot", "1"]).as_str(), query(&[]).as_str()), ("n\n3\n", "n\n1\n"));
}
