//! Extracts as people send them: titles, totals, odd encodings, half-written files. Each shape in a project of its own.

use std::path::Path;

use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};

use crate::project::Project;

/// A source of order lines with Chinese and English headers.
const SALE: &str = "\
key: [order_no]
version: { from_path: \"_(?<version>[0-9]{8})\" }
columns:
  order_no: { type: string, from: [订单号, order_no] }
  day: { type: date, from: [日期, day], formats: [\"%d.%m.%Y\", excel_serial] }
  customer: { type: string, from: [客户, customer] }
  amount: { type: \"decimal(18,2)\", required: true, from: [金额, amount] }
";

/// Makes a project that reads order lines and does nothing else with them.
fn sales() -> Project {
    let project = Project::new();
    project.source("sale", SALE);
    project
}

/// Returns `rows = staged + rejected + superseded` of the last run.
fn balance(report: &serde_json::Value) -> [u64; 4] {
    let rows = &report["sources"][0]["rows"];
    let [all, staged, rejected, superseded] =
        ["rows", "staged", "rejected", "superseded"].map(|name| rows[name].as_u64().unwrap());
    assert_eq!(all, staged + rejected + superseded);
    [all, staged, rejected, superseded]
}

/// Returns the faults: file, line, column, rule.
fn faults(project: &Project) -> Vec<String> {
    project.current().select("quarantine.sale", &["file", "line", "column", "rule"])
}

#[test]
fn a_customer_named_like_a_total_row_stays_and_the_total_row_goes() {
    let project = sales();
    project.extract(
        "sale/a_20240101.csv",
        "客户,订单号,日期,金额\n合计,1,2024-01-05,10.00\n小王,2,2024-01-06,5.00\n合计,,,15.00\n",
    );
    let report = project.run();
    assert_eq!(project.rows("staged.sale"), ["1|2024-01-05|合计|10.00", "2|2024-01-06|小王|5.00"]);
    assert_eq!(balance(&report), [2, 2, 0, 0]);
    assert_eq!(report["sources"][0]["files"][0]["lines"]["skipped"], serde_json::json!({ "header": 1, "footer": 1 }));
}

#[test]
fn a_header_that_stands_twice_is_told_as_such() {
    let project = sales();
    project.extract("sale/a_20240101.csv", "order_no,amount,amount,note\n1,7.00,8.00,x\n");
    let warnings = project.run()["warnings"].clone();
    let expected = [
        "source `sale`: `amount` stands twice in the header of `a_20240101.csv`, the first one is read",
        "source `sale`: no column is fed by `note` of `a_20240101.csv`",
    ];
    assert_eq!(warnings, serde_json::json!(expected));
    assert_eq!(project.rows("staged.sale"), ["1|NULL|NULL|7.00"]);
}

#[test]
fn an_empty_file_has_no_rows_and_hurts_nobody() {
    let project = sales();
    project.extract("sale/a_20240101.csv", "").extract("sale/b_20240102.csv", "order_no,day,customer,amount\n1,,,7\n");
    assert_eq!(balance(&project.run()), [1, 1, 0, 0]);
    assert_eq!(project.rows("staged.sale"), ["1|NULL|NULL|7.00"]);
}

#[test]
fn a_file_with_only_a_header_has_no_rows_and_hurts_nobody() {
    let project = sales();
    project.extract("sale/a_20240101.csv", "order_no,day,customer,amount\n");
    assert_eq!(balance(&project.run()), [0, 0, 0, 0]);
    assert_eq!(project.rows("staged.sale"), [""; 0]);
    assert_eq!(project.query("SELECT count(*) FROM staged.sale"), ["0"]);
}

#[test]
fn a_source_without_any_file_is_an_empty_table_and_a_warning() {
    let project = sales();
    let report = project.run();
    assert_eq!(report["warnings"], serde_json::json!(["source `sale`: no file matches its location"]));
    assert_eq!(project.query("SELECT count(*), sum(amount) FROM staged.sale"), ["0|NULL"]);
}

#[test]
fn a_column_that_is_null_throughout_keeps_its_type() {
    let project = sales();
    project.extract("sale/a_20240101.csv", "order_no,amount\n1,7\n2,8\n");
    let report = project.run();
    assert_eq!(project.rows("staged.sale"), ["1|NULL|NULL|7.00", "2|NULL|NULL|8.00"]);
    assert_eq!(report["sources"][0]["files"][0]["missing_columns"], serde_json::json!(["day", "customer"]));
    assert_eq!(project.query("SELECT max(day) + 1, arrow_typeof(day) FROM staged.sale GROUP BY day"), ["NULL|Date32"]);
}

#[test]
fn keys_may_hold_quotes_slashes_and_percent_signs() {
    let project = Project::new();
    project.source(
        "sale",
        "key: [order_no]\npartition_by: [order_no]\ncolumns:\n  order_no: { type: string }\n  amount: { type: int }\n",
    );
    project.model("core.sale", "/* ---\npartition_by: [order_no]\n--- */\nSELECT * FROM staged.sale");
    project.extract(
        "sale/a.csv",
        "order_no,amount\nA/1,1\n\"say \"\"hi\"\"\",2\nO'Neill,3\n100%,4\na=b,5\n..,6\n单 号,7\n",
    );
    project.run();
    let expected = ["..|6", "100%|4", "A/1|1", "O'Neill|3", "a=b|5", "say \"hi\"|2", "单 号|7"];
    assert_eq!(project.rows("core.sale"), expected);
    let folders: Vec<String> = project.current().files("core.sale").iter().map(|file| folder(file)).collect();
    let expected = [
        "order_no=..",
        "order_no=100%25",
        "order_no=A%2F1",
        "order_no=O%27Neill",
        "order_no=a%3Db",
        "order_no=say%20%22hi%22",
        "order_no=单%20号",
    ];
    assert_eq!(folders, expected);
    assert_eq!(project.query("SELECT amount FROM core.sale WHERE order_no = 'A/1'"), ["1"]);
    assert_eq!(project.run()["outcome"], "unchanged");
}

#[test]
fn a_partition_value_that_is_null_has_the_name_that_hive_gives_it() {
    let project = Project::new();
    project.source(
        "sale",
        &format!("{SALE}  month: {{ type: date, derive: \"date_trunc('month', day)\" }}\npartition_by: [month]\n"),
    );
    project.model("core.sale", "/* ---\npartition_by: [month]\n--- */\nSELECT order_no, month FROM staged.sale");
    project.extract("sale/a_20240101.csv", "order_no,day,amount\n1,2024-01-05,1\n2,,2\n");
    project.run();
    let folders: Vec<String> = project.current().files("core.sale").iter().map(|file| folder(file)).collect();
    assert_eq!(folders, ["month=2024-01-01", "month=__HIVE_DEFAULT_PARTITION__"]);
    assert_eq!(project.rows("core.sale"), ["1|2024-01-01", "2|NULL"]);
    assert_eq!(project.query("SELECT order_no FROM core.sale WHERE month IS NULL"), ["2"]);

    project.extract("sale/b_20240102.csv", "order_no,day,amount\n3,,3\n");
    let report = project.run();
    let rebuilt = report["models"][0]["rebuilt"].as_array().unwrap();
    assert_eq!(rebuilt.iter().map(|partition| &partition["values"]).collect::<Vec<_>>(), [&serde_json::json!([null])]);
}

#[test]
fn semicolons_and_decimal_commas_are_found_out() {
    let project = sales();
    project.extract(
        "sale/a_20240101.csv",
        "order_no;day;customer;amount\n1;05.01.2024;Müller;1.234,56\n2;06.01.2024;;12,50\n",
    );
    let report = project.run();
    assert_eq!(project.rows("staged.sale"), ["1|2024-01-05|Müller|1234.56", "2|2024-01-06|NULL|12.50"]);
    let file = &report["sources"][0]["files"][0];
    assert_eq!([&file["delimiter"], &file["decimal_mark"]], [";", "comma"]);
}

#[test]
fn gb18030_is_found_out_by_the_names_of_the_contract() {
    let project = sales();
    let (bytes, _, _) = encoding_rs::GB18030.encode("订单号,日期,客户,金额\n1,2024-01-05,上海臻盛物流,10.00\n");
    project.extract("sale/a_20240101.csv", bytes);
    let report = project.run();
    assert_eq!(project.rows("staged.sale"), ["1|2024-01-05|上海臻盛物流|10.00"]);
    assert_eq!(report["sources"][0]["files"][0]["encoding"], "gb18030");
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_first_name() {
    let project = sales();
    project.extract("sale/a_20240101.csv", "\u{feff}order_no,amount\r\n1,10\r\n");
    project.run();
    assert_eq!(project.rows("staged.sale"), ["1|NULL|NULL|10.00"]);
}

#[test]
fn a_workbook_has_titles_totals_and_dates_as_numbers() {
    let project = Project::new();
    project.source("sale", &SALE.replace("day: { type: date", "day: { type: date, required: true"));
    write_workbook(&project.path("extracts/sale/a_20240101.xlsx"));
    let report = project.run();
    assert_eq!(project.rows("staged.sale"), ["1|2024-01-05|合计|10.50", "2|2024-01-06|小王|7.00"]);
    let file = &report["sources"][0]["files"][0];
    assert_eq!(file["header_line"], 3);
    assert_eq!(file["lines"]["skipped"], serde_json::json!({ "title": 1, "header": 1, "blank": 1, "footer": 1 }));
}

/// Writes a title, a blank row, the header, two records, one of them with a serial number for its date, and a total.
fn write_workbook(path: &Path) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    let date = Format::new().set_num_format("yyyy/m/d");
    sheet.write(0, 0, "某某公司销售明细").unwrap();
    for (column, name) in ["订单号", "日期", "客户", "金额"].into_iter().enumerate() {
        sheet.write(2, u16::try_from(column).unwrap(), name).unwrap();
    }
    sheet.write(3, 0, 1).unwrap();
    sheet.write_with_format(3, 1, ExcelDateTime::from_ymd(2024, 1, 5).unwrap(), &date).unwrap();
    sheet.write(3, 2, "合计").unwrap();
    sheet.write(3, 3, 10.5).unwrap();
    sheet.write(4, 0, 2).unwrap();
    sheet.write(4, 1, 45297).unwrap();
    sheet.write(4, 2, "小王").unwrap();
    sheet.write(4, 3, "7.00").unwrap();
    sheet.write(5, 0, "合计").unwrap();
    sheet.write(5, 3, 17.5).unwrap();
    workbook.save(path).unwrap();
}

#[test]
fn line_ends_within_a_cell_belong_to_it() {
    let project = sales();
    project.extract("sale/a_20240101.csv", "order_no,customer,amount\n1,\"two\nlines\",1\n2,one,x\n");
    let report = project.run();
    assert_eq!(project.rows("staged.sale"), ["1|NULL|two\nlines|1.00"]);
    assert_eq!(faults(&project), ["a_20240101.csv|4|amount|type"]);
    assert_eq!(
        report["sources"][0]["files"][0]["lines"]["skipped"],
        serde_json::json!({ "header": 1, "continuation": 1 })
    );
}

#[test]
fn a_last_line_that_was_cut_while_being_written_is_rejected() {
    let project = sales();
    project.extract("sale/a_20240101.csv", "order_no,day,customer,amount\n1,2024-01-05,a,1\n2,2024-0");
    assert_eq!(balance(&project.run()), [2, 1, 1, 0]);
    assert_eq!(faults(&project), ["a_20240101.csv|3|NULL|truncated"]);
    assert_eq!(project.current().select("quarantine.sale", &["text"]), ["2,2024-0"]);
}

#[test]
fn a_last_line_that_only_lacks_its_line_end_is_whole() {
    let project = sales();
    project.extract("sale/a_20240101.csv", "order_no,day,customer,amount\n1,2024-01-05,a,1\n2,2024-01-06,b,2");
    assert_eq!(balance(&project.run()), [2, 2, 0, 0]);
}

#[test]
fn all_faults_of_a_row_are_told_and_the_row_counts_once() {
    let project = sales();
    project.extract("sale/a_20240101.csv", "order_no,day,customer,amount\n,2024-02-30,a,1.234\n2,2024-01-06,b,2\n");
    assert_eq!(balance(&project.run()), [2, 1, 1, 0]);
    let expected =
        ["amount|precision", "day|type", "order_no|required"].map(|fault| format!("a_20240101.csv|2|{fault}"));
    assert_eq!(faults(&project), expected);
}

#[test]
fn a_line_that_is_sent_twice_is_superseded_once() {
    let project = sales();
    project.extract("sale/a_20240101.csv", "order_no,customer,amount\n1,first,1\n1,second,2\n");
    assert_eq!(balance(&project.run()), [2, 1, 0, 1]);
    assert_eq!(project.rows("staged.sale"), ["1|NULL|second|2.00"]);
}

#[test]
fn a_later_version_wins_whatever_its_name_and_time_of_arrival() {
    let project = sales();
    project.extract("sale/z_20240102.csv", "order_no,customer,amount\n1,later,2\n");
    project.run();
    project.extract("sale/a_20240101.csv", "order_no,customer,amount\n1,earlier,1\n2,earlier,1\n");
    assert_eq!(balance(&project.run()), [3, 2, 0, 1]);
    assert_eq!(project.rows("staged.sale"), ["1|NULL|later|2.00", "2|NULL|earlier|1.00"]);
}

#[test]
fn a_line_sent_again_under_another_month_moves_there() {
    let project = Project::new();
    project.source(
        "sale",
        &format!("{SALE}  month: {{ type: date, derive: \"date_trunc('month', day)\" }}\npartition_by: [month]\n"),
    );
    project
        .model("core.sale", "/* ---\npartition_by: [month]\n--- */\nSELECT order_no, month, amount FROM staged.sale");
    project.extract("sale/a_20240101.csv", "order_no,day,amount\n1,2024-01-05,1\n2,2024-02-05,2\n3,2024-03-05,3\n");
    project.run();
    project.extract("sale/b_20240301.csv", "order_no,day,amount\n2,2024-01-31,2\n");
    let report = project.run();
    assert_eq!(project.rows("core.sale"), ["1|2024-01-01|1.00", "2|2024-01-01|2.00", "3|2024-03-01|3.00"]);
    let model = &report["models"][0];
    assert_eq!(model["rebuilt"].as_array().unwrap().len(), 1);
    assert_eq!(model["rebuilt"][0]["values"], serde_json::json!(["2024-01-01"]));
    assert_eq!(model["dropped"], serde_json::json!([["2024-02-01"]]));
    assert_eq!(model["kept_partitions"], 1);
}

#[test]
fn a_withdrawn_file_revives_the_row_that_it_had_replaced() {
    let project = sales();
    project.extract("sale/a_20240101.csv", "order_no,customer,amount\n1,old,1\n");
    project.extract("sale/b_20240102.csv", "order_no,customer,amount\n1,new,2\n");
    project.run();
    assert_eq!(project.rows("staged.sale"), ["1|NULL|new|2.00"]);
    project.withdraw("sale/b_20240102.csv");
    project.run();
    assert_eq!(project.rows("staged.sale"), ["1|NULL|old|1.00"]);
}

#[test]
fn a_rejected_correction_does_not_replace_the_sound_row() {
    let project = sales();
    project.extract("sale/a_20240101.csv", "order_no,customer,amount\n1,sound,1\n");
    project.extract("sale/b_20240102.csv", "order_no,customer,amount\n1,faulty,one\n");
    assert_eq!(balance(&project.run()), [2, 1, 1, 0]);
    assert_eq!(project.rows("staged.sale"), ["1|NULL|sound|1.00"]);
}

#[test]
fn a_mended_contract_replays_what_it_had_rejected() {
    let project = sales();
    project.extract("sale/a_20240101.csv", "order_no,day,amount\n1,2024年1月5日,1\n");
    assert_eq!(balance(&project.run()), [1, 0, 1, 0]);
    project.source("sale", &SALE.replace("excel_serial", "excel_serial, \"%Y年%m月%d日\""));
    assert_eq!(balance(&project.run()), [1, 1, 0, 0]);
    assert_eq!(project.rows("staged.sale"), ["1|2024-01-05|NULL|1.00"]);
}

#[test]
fn json_lines_keep_every_digit_and_a_cut_last_line_is_rejected() {
    let project = sales();
    project.extract(
        "sale/a_20240101.jsonl",
        "{\"order_no\": \"1\", \"amount\": 1234567890123456.78}\n{\"amount\": null, \"order_no\": \"2\"}\n{\"order_no\": \"3\", \"am",
    );
    assert_eq!(balance(&project.run()), [3, 1, 2, 0]);
    assert_eq!(project.rows("staged.sale"), ["1|NULL|NULL|1234567890123456.78"]);
    assert_eq!(faults(&project), ["a_20240101.jsonl|2|amount|required", "a_20240101.jsonl|3|NULL|truncated"]);
}

#[test]
fn a_sqlite_table_is_a_source() {
    let project = Project::new();
    project.source(
        "visit",
        "location: ../../extracts/crm.sqlite\nformat: { type: database, table: visit }\nkey: [id]\ncolumns:\n  \
         id: { type: int }\n  note: { type: string }\n  amount: { type: \"decimal(18,2)\" }\n",
    );
    let database = rusqlite::Connection::open(project.path("extracts/crm.sqlite")).unwrap();
    database
        .execute_batch(
            "CREATE TABLE visit (id, note, amount); INSERT INTO visit VALUES (1, '好', 2.5), (2, NULL, 'much')",
        )
        .unwrap();
    drop(database);
    project.run();
    assert_eq!(project.rows("staged.visit"), ["1|好|2.50"]);
    assert_eq!(project.current().select("quarantine.visit", &["file", "line", "column"]), ["crm.sqlite|2|amount"]);
}

#[test]
fn a_published_table_is_an_extract_for_another_pipeline() {
    let first = sales();
    first.extract("sale/a_20240101.csv", "order_no,day,customer,amount\n1,2024-01-05,甲,1.50\n2,,乙,2\n");
    first.run();
    let second = Project::new();
    let file = &first.current().files("staged.sale")[0];
    second
        .source("sale", SALE)
        .extract("sale/a_20240101.parquet", std::fs::read(first.current().data("staged.sale").join(file)).unwrap());
    second.run();
    assert_eq!(second.rows("staged.sale"), first.rows("staged.sale"));
}

#[test]
fn the_run_date_hides_what_happened_later() {
    let project = Project::new();
    project.source(
        "order",
        "key: [id]\nevent_date: ordered\nas_of: [shipped]\ncolumns:\n  id: { type: int }\n  ordered: { type: date }\n  \
         shipped: { type: date }\n",
    );
    project.model("core.order", "SELECT id, ordered, shipped FROM staged.order");
    project.extract(
        "order/a.csv",
        "id,ordered,shipped\n1,2026-06-29,2026-06-30\n2,2026-06-30,2026-07-01\n3,2026-07-01,\n",
    );
    project.run();
    assert_eq!(project.rows("core.order"), ["1|2026-06-29|2026-06-30", "2|2026-06-30|NULL"]);
    project.run_with(&["--run-date", "2026-07-01"]);
    assert_eq!(project.rows("core.order"), ["1|2026-06-29|2026-06-30", "2|2026-06-30|2026-07-01", "3|2026-07-01|NULL"]);
}

/// Returns the folder of a file in a partition.
fn folder(file: &str) -> String {
    file.rsplit_once('/').unwrap().0.to_owned()
}
