//! What the definitions say about mistakes: one line each, `line:column «underlined» message → hint`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::BTreeSet, path::Path, sync::Arc};

use super::*;
use crate::record::{Diagnostic, Placed, Text, manifest::TableFormat};

const PIPELINE: &str = "\
name: nightly
warehouse: ${TALLYHOUSE_WAREHOUSE:-../warehouse}
timezone: Asia/Shanghai
sources: sources/*.yaml
models: ../sql
variables: { days: 365, rate: 0.5, since: 2026-01-01, strict: true, currency: CNY }
";

const SOURCE: &str = r#"name: dealer_sales
description: 经销商销售
location: ${EXTRACTS:-../../extracts}/dealer_sales/**/*
format: auto
version: { from_path: "_(?<version>[0-9]{8})\\." }
key: [order_no]
partition_by: [order_month]
event_date: order_date
reject_limit: { share: 0.02 }
columns:
  order_no: { type: string, from: [订单号, order_no] }
  order_date: { type: date, from: [订单日期], formats: ["%Y年%m月%d日", excel_serial] }
  amount: { type: "decimal(18,2)", from: [金额, { name: "金额(万元)", scale_by: 10000 }] }
  kind: { type: string, codes: { 整机: machine } }
  order_month: { type: date, derive: "date_trunc('month', order_date)" }
rules:
  - { name: positive, expr: "amount > 0" }
checks:
  - not_null: [order_no]
    severity: warn
"#;

fn text(path: &str, body: &str) -> Arc<Text> {
    Arc::new(Text { path: path.to_owned(), body: body.to_owned() })
}

fn nothing(_: &str) -> Option<String> {
    None
}

fn line(finding: &Diagnostic) -> String {
    let place = finding.place.as_ref();
    let at = place.map_or((0, 0), crate::record::Place::line_column);
    let underlined = place.map_or("", |place| &place.text.body[place.range.clone()]);
    let hint = finding.hint.as_deref().unwrap_or("-");
    format!("{}:{} «{underlined}» {} → {hint}", at.0, at.1, finding.message)
}

fn lines(findings: &[Diagnostic]) -> Vec<String> {
    findings.iter().map(line).collect()
}

fn pipeline(body: &str) -> Result<PipelineFile, Vec<String>> {
    read_pipeline(text("pipelines/nightly.yaml", body), &nothing).map_err(|found| lines(&found))
}

/// Reads the source with one part replaced and returns what is said about it, warnings included.
fn source_with(from: &str, to: &str) -> Vec<String> {
    assert!(SOURCE.contains(from), "{from}");
    match source::read(text("pipelines/sources/a.yaml", &SOURCE.replacen(from, to, 1)), &nothing) {
        Ok((_, warnings)) => lines(&warnings),
        Err(errors) => lines(&errors),
    }
}

fn model_says(path: &str, body: &str) -> Vec<String> {
    match model::read(&text(path, body), Path::new(path), project::Dialect::default()) {
        Ok((_, warnings)) => lines(&warnings),
        Err(errors) => lines(&errors),
    }
}

fn project(sources: &[&str], models: &[(&str, &str)]) -> Result<Project, Vec<String>> {
    let file = pipeline(PIPELINE)?;
    let sources = sources.iter().enumerate().map(|(index, body)| text(&format!("s/{index}.yaml"), body)).collect();
    let models = models.iter().map(|(path, body)| (text(&format!("sql/{path}"), body), path.into())).collect();
    assemble(file, sources, Vec::new(), models, &nothing).map(|(project, _)| project).map_err(|found| lines(&found))
}

#[test]
fn a_pipeline_file_resolves_its_paths_and_types_its_variables() {
    let file = pipeline(PIPELINE).unwrap();
    assert_eq!(file.pipeline.warehouse.value, "warehouse");
    assert_eq!(file.sources.unwrap().value, "pipelines/sources/*.yaml");
    assert_eq!(file.models_dir, Path::new("sql"));
    assert_eq!(file.pipeline.publish.keep_snapshots, 14);
    assert_eq!(file.pipeline.publish.file_bytes, 134_217_728);
    assert_eq!(file.pipeline.publish.formats, BTreeSet::from([TableFormat::Parquet, TableFormat::Delta]));
    assert_eq!(file.pipeline.run_date, None);
    let variables: Vec<String> = file.pipeline.variables.values().map(|value| format!("{value:?}")).collect();
    let expected = ["Text(\"CNY\")", "Integer(365)", "Double(0.5)", "Date(2026-01-01)", "Boolean(true)"];
    assert_eq!(variables, expected);
}

#[test]
fn a_command_line_value_is_typed_as_yaml_types_it() {
    let typed = |text: &str| format!("{:?}", project::Variable::from_argument(text));
    assert_eq!(typed("365"), "Integer(365)");
    assert_eq!(typed("0.5"), "Double(0.5)");
    assert_eq!(typed("2026-06-30"), "Date(2026-06-30)");
    assert_eq!(typed("false"), "Boolean(false)");
    assert_eq!(typed("nan"), "Text(\"nan\")");
    assert_eq!(typed("客户"), "Text(\"客户\")");
}

#[test]
fn the_environment_may_give_absolute_paths_and_addresses() {
    let read = |value: &'static str| {
        let environment = move |name: &str| (name == "TALLYHOUSE_WAREHOUSE").then(|| value.to_owned());
        let file = read_pipeline(text("pipelines/nightly.yaml", PIPELINE), &environment).unwrap();
        file.pipeline.warehouse.value
    };
    assert_eq!(read("/data/house/"), "/data/house");
    assert_eq!(read("out/../tables"), "tables");
    assert_eq!(read("s3://bucket/house"), "s3://bucket/house");
    assert_eq!(read(""), "warehouse");
    assert_eq!(paths::resolve("/a/b/c.yaml", "../../../../x/./*.csv"), "/x/*.csv");
    assert_eq!(paths::resolve("nightly.yaml", "../sql"), "../sql");
    assert_eq!(paths::resolve("pipelines/nightly.yaml", ".."), ".");
}

#[test]
fn mistakes_in_a_pipeline_file() {
    let says = |from: &str, to: &str| pipeline(&PIPELINE.replacen(from, to, 1)).map(|_| ()).unwrap_err();
    assert_eq!(
        says("name: nightly\n", ""),
        ["1:1 «warehouse: ${TALLYHOUSE_WAREHOUSE:-../warehouse}» `name` is missing → add `name: nightly`"]
    );
    assert_eq!(says("timezone", "timezon"), ["3:1 «timezon» unknown key `timezon` → did you mean `timezone`?"]);
    assert_eq!(
        says("days:", "run_date:"),
        ["6:14 «run_date» variable `run_date` is built in → choose another name, or set the pipeline's own `run_date`"]
    );
    assert_eq!(
        says("models: ../sql", "models: ${A B}"),
        ["5:9 «${A B}» `${A B}` names no environment variable → \
         write `${NAME}` or `${NAME:-default}`, with letters, digits and `_`"]
    );
    assert_eq!(
        says("sources/*.yaml", "${A"),
        ["4:10 «${A» `${` is never closed → write `${NAME}` or `${NAME:-default}`"]
    );
    assert_eq!(
        says("CNY }", "CNY }\npublish: { formats: [parket] }"),
        ["7:22 «parket» unknown value `parket` → did you mean `parquet`?"]
    );
    let advice = "write a number of bytes from 1048576 (1 MB) to 4294967296 (4 GB)";
    for bytes in ["0", "1048575", "4294967297"] {
        assert_eq!(
            says("CNY }", &format!("CNY }}\npublish: {{ file_bytes: {bytes} }}")),
            [format!("7:24 «{bytes}» `file_bytes` is {bytes} → {advice}")]
        );
    }
    assert_eq!(pipeline("# nothing\n").map(|_| ()).unwrap_err(), ["1:1 «# nothing» the file is empty → -"]);
    assert_eq!(
        pipeline("- a\n").map(|_| ()).unwrap_err(),
        ["1:1 «- a» expected a map of keys and values → write `{ key: value }`"]
    );
    let twice = pipeline("a: 1\na: 2\n").map(|_| ()).unwrap_err();
    assert!(
        twice[0].starts_with("1:1 «a» unknown key `a`") && twice[1].starts_with("2:1 «a» unknown key `a`"),
        "{twice:?}"
    );
}

fn located(location: &str, format: &str) -> Result<String, Vec<String>> {
    let body = SOURCE.replacen("${EXTRACTS:-../../extracts}/dealer_sales/**/*", location, 1).replacen(
        "format: auto",
        &format!("format: {format}"),
        1,
    );
    let environment = |name: &str| match name {
        "BUCKET" => Some("dealer-data".to_owned()),
        "CRM_URL" => Some("postgres://ann:geheim@host/crm".to_owned()),
        "CRM_PASSWORD" | "TOKEN" => Some("geheim".to_owned()),
        _ => None,
    };
    let found = source::read(text("pipelines/sources/a.yaml", &body), &environment);
    found.map(|(source, _)| source.location.value).map_err(|found| lines(&found))
}

#[test]
fn an_address_keeps_its_secrets_as_variables() {
    let database = "{ type: database, table: crm.visit }";
    let kept = |location: &str, format: &str| located(location, format).unwrap();
    assert_eq!(kept("s3://${BUCKET}/a/*.csv", "auto"), "s3://dealer-data/a/*.csv");
    assert_eq!(kept("https://${BUCKET}/a.csv?t=${TOKEN}", "auto"), "https://dealer-data/a.csv?t=${TOKEN}");
    let address = "postgres://${CRM_USER}:${CRM_PASSWORD}@${BUCKET}:5432/crm?sslmode=require";
    let expected = "postgres://${CRM_USER}:${CRM_PASSWORD}@dealer-data:5432/crm?sslmode=require";
    assert_eq!(kept(&format!("\"{address}\""), database), expected);
    assert_eq!(
        kept("abfss://c@account.dfs.core.windows.net/x/*", "auto"),
        "abfss://c@account.dfs.core.windows.net/x/*"
    );
    for location in [
        "postgres://ann:geheim@host/crm",
        "\"${CRM_URL}\"",
        "postgres://ann:${X:-geheim}@host/crm",
        "https://geheim@host/a",
    ] {
        let said = located(location, database).unwrap_err();
        assert!(said[0].starts_with("1:1 «n» `location` holds a password → "), "{said:?}");
        assert!(!said.concat().contains("geheim"), "{said:?}");
    }
}

#[test]
fn places_and_formats_must_fit() {
    let said = |location: &str, format: &str| located(location, format).unwrap_err().concat();
    assert!(said("htps://a/b", "auto").contains("`htps://` locations are not read → did you mean `https`?"));
    assert!(said("postgres://host/crm", "csv").contains("the location is a database, but the format is not"));
    let pulled = "{ type: database, table: a, watermark: b }";
    assert!(said("crm/*.sqlite", pulled).contains("`watermark` beside a glob"));
    assert!(located("crm/a.sqlite", pulled).is_ok());
    let both = "{ type: database, table: a, query: SELECT 1 }";
    assert!(said("a.db", both).contains("`query` beside `table`"));
    assert!(said("a.db", "{ type: database, query: ' ' }").contains("`query` is empty"));
    assert!(said("a.csv", "{ type: csv, where: a }").contains("`where` is no option of format `csv`"));
}

#[test]
fn a_column_may_stand_in_the_path_of_a_file_but_not_of_a_table() {
    let in_path = |format: &str| {
        let kind = "kind: { type: string, from_path: \"/(?<value>D[0-9]+)_\" }";
        let body = SOURCE.replace("kind: { type: string, codes: { 整机: machine } }", kind);
        let body = body.replace("format: auto", format);
        source::read(text("a.yaml", &body), &nothing).map(|(source, _)| source).map_err(|found| lines(&found))
    };
    let source = in_path("format: auto").unwrap();
    let kind = &source.columns[3];
    assert_eq!(kind.from_path.as_ref().map(regex::Regex::as_str), Some("/(?<value>D[0-9]+)_"));
    assert!(kind.from.is_empty() && !kind.required);
    let said = in_path("format: { type: database, table: a }").unwrap_err();
    let hint = "a table has no path: use `from`, `default`, or a `query` that has the column";
    assert_eq!(said, [format!("14:3 «kind» `from_path` of `kind` in a source that reads a database → {hint}")]);
}

#[test]
fn a_contract_gets_its_defaults() {
    let (source, warnings) = source::read(text("pipelines/sources/a.yaml", SOURCE), &nothing).unwrap();
    assert!(warnings.is_empty());
    assert_eq!(source.location.value, "extracts/dealer_sales/**/*");
    let required: Vec<bool> = source.columns.iter().map(|column| column.required).collect();
    assert_eq!(required, [true, false, false, false, false]);
    let from: Vec<Vec<(&str, i64)>> = source
        .columns
        .iter()
        .map(|column| column.from.iter().map(|alias| (alias.name.as_str(), alias.scale.multiply)).collect())
        .collect();
    let expected: [&[(&str, i64)]; 5] = [
        &[("订单号", 1), ("order_no", 1)],
        &[("订单日期", 1)],
        &[("金额", 1), ("金额(万元)", 10000)],
        &[("kind", 1)],
        &[],
    ];
    assert_eq!(from, expected);
    assert_eq!(source.columns[0].null_words, ["", "NULL", "null", "N/A", "n/a", "-", "—", "无"]);
    let derive = source.columns[4].derive.as_ref().unwrap();
    assert_eq!(&derive.place.text.body[derive.place.range.clone()], derive.value);
}

/// What is replaced in the good contract, by what, and what is then said: by the YAML reader.
const SHAPE: &[(&str, &str, &str)] = &[
    ("formats:", "formts:", "12:43 «formts» unknown key `formts` → did you mean `formats`?"),
    ("scale_by", "scale", "13:65 «scale» unknown key `scale` → did you mean `scale_by`?"),
    ("format: auto", "format: cvs", "4:9 «cvs» unknown format `cvs` → did you mean `csv`?"),
    ("format: auto", "format: { type: cvs }", "4:17 «cvs» unknown value `cvs` → did you mean `csv`?"),
    ("key: [order_no]", "key: order_no", "6:6 «order_no» expected a list → write `[…]` around it"),
    ("share: 0.02", "rows: -1", "9:23 «-1» `-1` is not a whole number from 0 → -"),
    ("{ 整机: machine }", "{ 整机: a, 整机: b }", "14:41 «整机» key `整机` occurs twice → keep one of the two"),
    ("codes: { 整机: machine }", "clean: fone", "14:32 «fone» unknown value `fone` → did you mean `phone`?"),
    (
        "codes: { 整机: machine }",
        "null_words: [NULL]",
        "14:38 «NULL» `NULL` is no text but nothing to YAML → put it in quotes",
    ),
    ("{ share: 0.02 }", "0.02", "9:15 «0.02» expected a map of keys and values → write `{ share: 0.02 }`"),
    (
        "\"decimal(18,2)\"",
        "decimal(18,2)",
        "13:30 «2)» unknown key `2)` → put the text in quotes, for its comma ends it: `\"decimal(18,2)\"`",
    ),
    (
        "key: [order_no]",
        "key [order_no]",
        "6:1 «k» invalid YAML: simple key expected ':' → a colon is missing after `key`",
    ),
    ("columns:", "columns", "10:1 «c» invalid YAML: simple key expected ':' → a colon is missing after `columns`"),
    (
        "order_month]",
        "order_month",
        "8:11 «:» invalid YAML: illegal placement of ':' indicator → is the `[` on line 7 never closed?",
    ),
    (
        "location:",
        "\tlocation:",
        "3:1 «\t» invalid YAML: while scanning a plain scalar, found a tab → indent with blanks, not with tabs",
    ),
    ("0.02 }", "0.02", "9:24 «0.02» `0.02` is not a number → is a bracket never closed?"),
    (
        "\\\\.",
        "\\.",
        "5:23 «\"» invalid YAML: while parsing a quoted scalar, found unknown escape character → \
             write `\\\\` for a backslash, or use single quotes",
    ),
    (
        "    severity",
        "\tseverity",
        "20:2 «s» invalid YAML: tabs disallowed within this context (block indentation) → indent with blanks, not with tabs",
    ),
];

#[test]
fn mistakes_in_the_shape_of_a_contract() {
    for (from, to, expected) in SHAPE {
        assert_eq!(source_with(from, to), [*expected], "{to}");
    }
}

#[test]
fn what_stands_beside_a_mistake_is_told_too() {
    let said = source_with(
        "reject_limit: { share: 0.02 }",
        "on_unreadable: keep_prev\nreject_limit: 0.02\nsettle_seconds: 2m",
    );
    let expected = [
        "9:16 «keep_prev» unknown value `keep_prev` → did you mean `keep_previous`?",
        "10:15 «0.02» expected a map of keys and values → write `{ share: 0.02 }`",
        "11:17 «2m» `2m` is not a whole number from 0 → -",
    ];
    assert_eq!(said, expected);
}

/// The same: by the checks of what was read.
const MEANING: &[(&str, &str, &str)] = &[
    (
        "name: dealer_sales",
        "name: DealerSales",
        "1:7 «DealerSales» source name `DealerSales` is not snake_case → write `dealer_sales`",
    ),
    (
        "format: auto",
        "format: { type: csv, sheet: a }",
        "4:29 «a» `sheet` is no option of format `csv` → it belongs to `type: xlsx`",
    ),
    (
        "format: auto",
        "format: { type: csv, delimiter: \"a\\n\" }",
        "4:34 «a\\n» delimiter `a\\n` cannot stand between cells → write the characters in quotes, a tab as \"\\t\"",
    ),
    (
        "format: auto",
        "format: { type: csv, header: none, header_row: 2 }",
        "4:30 «none» `header: none` and `header_row` contradict each other → keep one of the two",
    ),
    (
        "format: auto",
        "format: { type: csv, encoding: gb18031 }",
        "4:32 «gb18031» unknown encoding `gb18031` → did you mean `gb18030`?",
    ),
    (
        "format: auto",
        "format: database",
        "4:9 «database» format `database` names no table → write `{ type: database, table: crm_visit }`",
    ),
    (
        "format: auto",
        "format: fixed_width",
        "4:9 «fixed_width» format `fixed_width` names no columns → \
             write `{ type: fixed_width, columns: [{ name: dealer, start: 1, width: 8 }] }`",
    ),
    (
        "format: auto",
        "format: { type: fixed_width, columns: [{ name: a, start: 0 }] }",
        "4:58 «0» `start` is 0 → places are counted from 1",
    ),
    (
        "format: auto",
        "format: { type: json, records: data..items }",
        "4:32 «data..items» `data..items` is no path of names → write `data.items`, the names on the way to the array",
    ),
    (
        "format: auto",
        "format: { type: parquet, records: data }",
        "4:35 «data» `records` is no option of format `parquet` → it belongs to `type: json`",
    ),
    ("format: auto", "format: { type: csv, header_row: 0 }", "4:34 «0» `header_row` is 0 → lines are counted from 1"),
    (
        "<version>",
        "<v>",
        "5:24 «_(?<v>[0-9]{8})\\\\.» the regular expression has no group `version` → write the version's part as `(?<version>[0-9]{8})`",
    ),
    (
        "version: { from_path: \"_(?<version>[0-9]{8})\\\\.\" }",
        "version: { from_column: kind }",
        "5:25 «kind» `kind` is of type `string` → a version is a `date`, a `timestamp`, an `int` or a `bigint`",
    ),
    (
        "key: [order_no]",
        "key: [order_no, order_no]",
        "6:17 «order_no» `order_no` occurs twice in `key` → keep one of the two",
    ),
    (
        "key: [order_no]",
        "key: [ordr_no]",
        "6:7 «ordr_no» `ordr_no` in `key` is no column of this contract → did you mean `order_no`?",
    ),
    (
        "[order_month]",
        "[amount]",
        "7:16 «amount» `amount` of type `decimal(18,2)` cannot partition a table → partition by a date, a whole number, a text or a boolean; derive one from it",
    ),
    (
        "event_date: order_date",
        "event_date: kind",
        "8:13 «kind» `kind` is of type `string` → the as-of cut needs a `date` or a `timestamp`",
    ),
    ("share: 0.02", "share: 2", "9:24 «2» share `2` is not between 0 and 1 → did you mean `0.02`?"),
    (
        "decimal(18,2)",
        "decimal(18)",
        "13:20 «decimal(18)» type `decimal(18)` does not say its digits → write `decimal(18,2)`: 18 digits in all, 2 of them after the point",
    ),
    (
        "decimal(18,2)",
        "decimal(39,2)",
        "13:20 «decimal(39,2)» type `decimal(39,2)` is out of range → a decimal has 1 to 38 digits, and no more of them after the point than in all",
    ),
    (
        "type: date, from",
        "type: datetime, from",
        "12:23 «datetime» unknown type `datetime` → did you mean `timestamp`?",
    ),
    (
        "%Y年",
        "%Q年",
        "12:54 «%Q年%m月%d日» `%Q年%m月%d日` is not a format of dates → write it as `%Y/%m/%d` or `%Y-%m-%d %H:%M:%S`, or one of `excel_serial`, `excel_serial_1904`, `unix_seconds`, `unix_milliseconds`",
    ),
    (
        "  order_no: { type: string,",
        "  order_no: { required: true,",
        "11:3 «order_no» `type` is missing → add `type: string # or boolean, int, bigint, double, decimal(18,2), date, timestamp`",
    ),
    ("  kind:", "  Kind:", "14:3 «Kind» column `Kind` is not snake_case → write `kind`"),
    (
        "derive:",
        "formats: [\"%Y\"], derive:",
        "15:41 «%Y» `formats` beside `derive`: a derived column is read from no file → remove `formats` or `derive`",
    ),
    (
        "codes: { 整机: machine }",
        "unknown_code: keep",
        "14:39 «keep» `unknown_code` without `codes` or `map` → say which codes there are",
    ),
    (
        "codes: { 整机: machine }",
        "codes: { 整机: machine }, map: { table: a, from: b, to: c }",
        "14:54 «{ table: a, from: b, to: c }» `map` beside `codes` → keep one of the two",
    ),
    (
        "scale_by: 10000",
        "scale_by: 0",
        "13:75 «0» `scale_by` is no positive number → write what the file's number is multiplied by, a positive number of at most 18 digits",
    ),
    (
        "kind: { type: string,",
        "kind: { type: string, timezone: UTC,",
        "14:35 «UTC» `timezone` on a column of type `string` → only a `timestamp` has one",
    ),
    ("name: positive", "name: precision", "17:13 «precision» rule `precision` is built in → choose another name"),
    (", expr: \"amount > 0\"", "", "17:5 «{ name: positive }» `expr` is missing → add `expr: quantity > 0`"),
    (
        "- not_null: [order_no]",
        "- not_null: [order]",
        "19:16 «order» `order` in `checks` is no column of this contract → did you mean `order_no`?",
    ),
    (
        "    severity: warn",
        "    unique: [kind]",
        "19:5 «not_null: [order_no]» one check has several kinds: `not_null`, `unique` → make each of them a list item of its own",
    ),
    (
        "[订单日期]",
        "[订单日期, 金额]",
        "13:3 «amount» the header `金额` feeds both `order_date` and `amount` → use `derive` when one column follows from the other",
    ),
    (
        "[\"%Y年%m月%d日\", excel_serial]",
        "[\"%m/%d/%Y\", \"%d/%m/%Y\"]",
        "12:66 «%d/%m/%Y» `%m/%d/%Y` and `%d/%m/%Y` can read one text as different dates → the first that fits wins, row by row: keep one, and give the files of the other a contract of their own",
    ),
    (
        "[订单号, order_no]",
        "[order_no, \" ORDER_NO \"]",
        "11:3 «order_no» `from` of `order_no` names the header ` ORDER_NO ` twice → case, width and surrounding blanks make no difference",
    ),
    (
        "${EXTRACTS:-../../extracts}",
        "${EXTRACTS}",
        "3:11 «${EXTRACTS}» environment variable `EXTRACTS` is not set → set it, or write a default: `${EXTRACTS:-path}`",
    ),
];

#[test]
fn mistakes_in_the_meaning_of_a_contract() {
    for (from, to, expected) in MEANING {
        assert_eq!(source_with(from, to), [*expected], "{to}");
    }
}

/// What is written behind `kind: { type: …`, and what is then said, without the place.
const VALUES: &[(&str, &str)] = &[
    ("string, trim: false, clean: [nfkc, simplified, name], max_length: 20, pattern: \"[A-Z]+\"", ""),
    ("string, clean: tax_id, validate: true", ""),
    ("boolean, true_words: [有, 1], false_words: [0]", ""),
    ("double, decimal_mark: comma, percent: true, currency: false, accounting: true, chinese_units: true", ""),
    ("date, formats: [\"%d.%m.%y\", unix_seconds], year_pivot: 30, timezone: UTC", ""),
    ("date, formats: [\"%d.%m.%Y\", \"%m/%d/%Y\", \"%d.%m.%y\", \"%d/%b/%Y\"]", ""),
    ("date, formats: [\"%D\", \"%d/%m/%y\"]", "`%D` and `%d/%m/%y` can read one text as different dates"),
    ("int, trim: false", "`trim` on a column of type `int`"),
    ("int, max_length: 3", "`max_length` on a column of type `int`"),
    ("string, max_length: 0", "`max_length` is 0"),
    ("string, pattern: \"[A\"", "`[A` is not a regular expression"),
    ("string, percent: true", "`percent` on a column of type `string`"),
    ("date, accounting: false", "`accounting` on a column of type `date`"),
    ("string, true_words: [x]", "`true_words` on a column of type `string`"),
    ("boolean, false_words: []", "`false_words` is empty"),
    ("boolean, true_words: [\"-\"]", "`-` is among `true_words` and means NULL"),
    ("boolean, true_words: [A], false_words: [a]", "`a` is a true word and a false word"),
    ("string, clean: []", "`clean` is empty"),
    ("string, clean: [upper, lower]", "`upper` beside `lower`"),
    ("string, clean: [phone, email]", "cleaners of different things"),
    ("string, clean: [name, name]", "`clean` has a cleaner twice"),
    ("string, clean: [name, fone]", "unknown value `fone`"),
    ("int, clean: upper", "`clean` on a column of type `int`"),
    ("string, clean: name, validate: true", "`validate` without a cleaner that knows what is valid"),
    ("date, formats: [\"%d.%m.%Y\"], year_pivot: 30", "`year_pivot` without a format that has `%y`"),
    ("date, formats: [\"%d.%m.%y\"], year_pivot: 101", "`year_pivot` is more than 100"),
    ("date, formats: [yyyy]", "`yyyy` is not a format of dates"),
    ("int, from: [{ name: a, scale_by: -1 }]", "`scale_by` is no positive number"),
    ("int, from: [{ name: a, divide_by: 0.00 }]", "`divide_by` is no positive number"),
    ("int, from: [{ name: a, scale_by: 1e3 }]", "`scale_by` is no positive number"),
    ("string, from: [{ name: a, divide_by: 100 }]", "`divide_by` on a column of type `string`"),
    ("string, from_path: \"(?<value>D[0-9]+)_\", clean: upper, required: true, default: D00", ""),
    ("string, from_path: \"(D[0-9]+)_\"", "the regular expression has no group `value`"),
    ("string, from: [k], from_path: \"(?<value>D[0-9]+)_\"", "`from` beside `from_path`"),
    (
        "string, derive: \"'a'\", from_path: \"(?<value>D[0-9]+)_\"",
        "`from_path` beside `derive`: a derived column is read from no file",
    ),
    ("string, derive: \"'a'\", trim: false", "`trim` beside `derive`: a derived column is read from no file"),
];

#[test]
fn keys_that_say_how_values_are_written_are_held_to_the_type_and_to_each_other() {
    for (keys, expected) in VALUES {
        let said = source_with("kind: { type: string, codes: { 整机: machine }", &format!("kind: {{ type: {keys}"));
        let messages: Vec<&str> = said.iter().filter_map(|line| line.split_once("» ")?.1.split(" → ").next()).collect();
        let expected: Vec<&str> = Some(*expected).filter(|message| !message.is_empty()).into_iter().collect();
        assert_eq!(messages, expected, "{keys}");
    }
}

#[test]
fn a_scale_is_an_exact_fraction() {
    let scale = |keys: &str| {
        let body = SOURCE.replace("scale_by: 10000", keys);
        let (source, _) = source::read(text("pipelines/sources/a.yaml", &body), &nothing).unwrap();
        let scale = source.columns[2].from[1].scale;
        (scale.multiply, scale.divide)
    };
    assert_eq!(scale("scale_by: 10000"), (10_000, 1));
    assert_eq!(scale("scale_by: 0.01"), (1, 100));
    assert_eq!(scale("divide_by: 100"), (1, 100));
    assert_eq!(scale("scale_by: 2.5, divide_by: \"0.5\""), (5, 1));
    assert_eq!(scale("scale_by: 3, divide_by: 12"), (1, 4));
}

#[test]
fn a_timestamp_is_no_partition_but_a_month_of_it_is() {
    let found = source_with("kind: { type: string, codes: { 整机: machine } }", "kind: { type: timestamp }");
    assert!(found.is_empty(), "{found:?}");
    let body = SOURCE
        .replace("order_date: { type: date", "order_date: { type: timestamp")
        .replace("[order_month]", "[order_date]");
    let found = source::read(text("a.yaml", &body), &nothing).unwrap_err();
    let hint = "derive a date or a month from it: `{ type: date, derive: \"date_trunc('month', order_date)\" }`";
    assert_eq!(found[0].hint.as_deref(), Some(hint));
}

#[test]
fn a_model_takes_its_name_from_its_path_and_the_rest_from_its_header() {
    let body = "\u{feff}\n/* ---\r\ndescription: 份额\r\nkey: [month]\r\nchecks:\r\n  - expr: a > 0\r\n    where: b\r\ncolumns:\r\n  month: { type: date }\r\n  b:\r\n--- */\r\nSELECT 1\r\n";
    let (model, _) = model::read(
        &text("sql/competitor/share.sql", body),
        Path::new("competitor/share.sql"),
        project::Dialect::default(),
    )
    .unwrap();
    assert_eq!(model.name.to_string(), "competitor.share");
    assert_eq!(model.description.as_deref(), Some("份额"));
    assert_eq!(
        model.columns[0].data_type.as_ref().map(|placed| &placed.value),
        Some(&arrow::datatypes::DataType::Date32)
    );
    assert_eq!(model.columns[1].name.value, "b");
    let shown = |placed: &Placed<String>| placed.place.text.body[placed.place.range.clone()].to_owned();
    assert_eq!(shown(&model.key[0]), "month");
    assert_eq!(model.key[0].place.line_column(), (4, 7));
    assert_eq!(model.checks[0].filter.as_ref().map(shown).as_deref(), Some("b"));
    assert_eq!(model.checks[0].name, "expr(a > 0)");
}

#[test]
fn a_model_needs_no_header() {
    assert!(model_says("core/a.sql", "SELECT 1").is_empty());
    assert!(model_says("core/a.sql", "/* a comment */ SELECT 1").is_empty());
    assert!(model_says("core/a.sql", "/* ---\n--- */\nSELECT 1").is_empty());
}

/// Path and text of a model, and what is said about it.
const MODELS: &[(&str, &str, &str)] = &[
    (
        "a.sql",
        "SELECT 1",
        "1:1 «» model `a.sql` does not lie in a folder of its schema → put it at `<schema>/<table>.sql` below the models",
    ),
    (
        "core/x/a.sql",
        "SELECT 1",
        "1:1 «» model `core/x/a.sql` does not lie in a folder of its schema → put it at `<schema>/<table>.sql` below the models",
    ),
    (
        "staged/a.sql",
        "SELECT 1",
        "1:1 «» schema `staged` is filled by tallyhouse itself → put the model into another folder",
    ),
    ("core/MyTable.sql", "SELECT 1", "1:1 «» table `MyTable` is not snake_case → write `my_table`"),
    ("core/a.sql", "", "1:1 «» the model has no query → write a SELECT"),
    ("core/a.sql", "/* ---\nkey: [a]\n--- */\n-- later\n", "4:9 «» the model has no query → write a SELECT"),
    (
        "core/a.sql",
        "/* ---\ndescription: 份额\nky: [a]\n--- */\nSELECT 1",
        "3:1 «ky» unknown key `ky` → did you mean `key`?",
    ),
    (
        "core/a.sql",
        "/* ---\nkey: [a]\nSELECT 1",
        "1:1 «/* ---» the header is never closed → close it with a line `--- */`",
    ),
    (
        "core/a.sql",
        "/* ---\nowner: a/*b\n--- */\nSELECT 1",
        "2:9 «/*» `/*` within the header, which is a SQL comment → close the header with a line `--- */`, and use `*/` and `/*` nowhere else in it",
    ),
    (
        "core/a.sql",
        "/* ---\nchecks:\n  - relationships: { column: a, to: product, field: b }\n--- */\nSELECT 1",
        "3:37 «product» `product` is not the name of a table → write `schema.table`, such as `core.product`",
    ),
    (
        "core/a.sql",
        "/* ---\nchecks:\n  - row_count: {}\n--- */\nSELECT 1",
        "3:16 «{}» `row_count` has no bound → write `{ min: 1 }`",
    ),
    (
        "core/a.sql",
        "/* ---\nchecks:\n  - accepted_values: { column: a, values: [] }\n--- */\nSELECT 1",
        "3:43 «[]» `values` is empty, so no row could pass → list the values that are accepted",
    ),
    (
        "core/a.sql",
        "/* ---\nchecks:\n  - severity: warn\n--- */\nSELECT 1",
        "3:5 «severity: warn» the check does not say what it checks → one of `not_null`, `unique`, `accepted_values`, `relationships`, `expr`, `range`, `row_count`, `freshness`, `change`, `z_score`",
    ),
    (
        "core/a.sql",
        "/* ---\ncolumns:\n  份额: { type: duble }\n--- */\nSELECT 1",
        "3:15 «duble» unknown type `duble` → did you mean `double`?",
    ),
];

#[test]
fn mistakes_in_model_files() {
    for (path, body, expected) in MODELS {
        assert_eq!(model_says(path, body), [*expected], "{body}");
    }
}

fn mapped(name: &str, table: &str, from: &str) -> String {
    format!(
        "name: {name}\nlocation: a.csv\ncolumns:\n  a: {{ type: string, map: {{ table: {table}, from: {from}, to: a }} }}\n"
    )
}

#[test]
fn a_project_is_in_order_of_names() {
    let project = project(
        &[&mapped("b", "a", "a"), "name: a\nlocation: a.csv\ncolumns: { a: { type: int } }\n"],
        &[("core/z.sql", "SELECT 1"), ("core/a.sql", "SELECT 1")],
    )
    .unwrap();
    let sources: Vec<&str> = project.sources.iter().map(|source| source.name.value.as_str()).collect();
    let models: Vec<String> = project.models.iter().map(|model| model.name.to_string()).collect();
    assert_eq!(sources, ["a", "b"]);
    assert_eq!(models, ["core.a", "core.z"]);
}

#[test]
fn mistakes_between_files() {
    let plain = "name: alias\nlocation: a.csv\ncolumns: { a: { type: int } }\n";
    assert_eq!(
        project(&[plain, plain], &[]).unwrap_err(),
        ["1:7 «alias» source `alias` is defined twice → the other one is s/0.yaml:1:7"]
    );
    assert_eq!(
        project(&[plain, &mapped("x", "alais", "a")], &[]).unwrap_err(),
        ["4:36 «alais» `alais` is no source → did you mean `alias`?"]
    );
    assert_eq!(
        project(&[plain, &mapped("x", "alias", "b")], &[]).unwrap_err(),
        ["4:49 «b» `b` is no column of source `alias` → the only one is `a`"]
    );
    assert_eq!(
        project(&[&mapped("x", "y", "a"), &mapped("y", "x", "a")], &[]).unwrap_err(),
        ["4:36 «x» sources read their codes in a circle: `x` → `y` → `x` → take the codes from a source without `map`"]
    );
    let unreadable = project(&[&mapped("x", "alias", "a"), "nme: alias\n"], &[("core/a.sql", "")]).unwrap_err();
    assert_eq!(
        unreadable,
        ["1:1 «nme» unknown key `nme` → did you mean `name`?", "1:1 «» the model has no query → write a SELECT",]
    );
}

#[test]
fn a_contract_cut_or_with_a_character_missing_is_read_or_explained_in_its_place() {
    let positions: Vec<(usize, char)> = SOURCE.char_indices().collect();
    for (at, character) in positions {
        let missing = format!("{}{}", &SOURCE[..at], &SOURCE[at + character.len_utf8()..]);
        for body in [missing.as_str(), &SOURCE[..at]] {
            let read = source::read(text("a.yaml", body), &nothing);
            let explained = read.as_ref().err().is_none_or(|found| !found.is_empty());
            assert!(explained, "nothing is said about\n{body}");
            lines(&read.map_or_else(|found| found, |(_, warnings)| warnings));
        }
    }
}
