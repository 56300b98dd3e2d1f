//! The verbs that look at files and at rejected rows: `extract`, `infer`, `rejects export`, through the binary.

use std::{fs, io::Write as _, os::unix::fs::PermissionsExt as _, path::Path, process::Stdio};

use serde_json::{Value, json};

use crate::{
    project::{Project, repository},
    shipped,
};

/// A file with Chinese and wide letters, an empty cell and a row of too few cells.
const ORDERS: &str = "订单号,客户,金额\nA1,山东重工,12.50\nA2,,7\nA3,x\nA4,\"a, \"\"b\"\"\",8\n";

fn orders() -> Project {
    let project = Project::new();
    project.extract("orders.csv", ORDERS);
    project
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

#[test]
fn a_table_is_aligned_by_the_width_of_its_letters() {
    let ran = orders().tallyhouse(&["extract", "extracts/orders.csv"]).succeeds();
    let expected = "\
extracts/orders.csv
line │ 订单号 │ 客户     │ 金额
─────┼────────┼──────────┼──────
2    │ A1     │ 山东重工 │ 12.50
3    │ A2     │          │ 7
5    │ A4     │ a, \"b\"   │ 8
";
    assert_eq!(ran.out, expected);
    assert!(ran.err.starts_with("extracts/orders.csv: csv, UTF-8, delimiter `,`, header on line 1, "), "{}", ran.err);
    assert!(ran.err.contains("3 columns, 3 rows, 1 not read (`--rejects` shows them)"), "{}", ran.err);
}

#[test]
fn csv_tells_null_from_an_empty_text() {
    let project = orders();
    project.extract("a.jsonl", "{\"a\":null,\"b\":\"\"}\n{\"a\":\"x,y\",\"b\":\"1\\n2\"}\n");
    let ran = project.tallyhouse(&["extract", "extracts/a.jsonl", "--output", "csv"]).succeeds();
    assert_eq!(ran.out, "a,b\n,\"\"\n\"x,y\",\"1\n2\"\n");
    let ran = project.tallyhouse(&["extract", "extracts/orders.csv", "--output", "csv"]).succeeds();
    assert_eq!(ran.out, "订单号,客户,金额\nA1,山东重工,12.50\nA2,\"\",7\nA4,\"a, \"\"b\"\"\",8\n");
}

#[test]
fn several_files_stand_each_under_its_name() {
    let project = orders();
    project.extract("b/2.csv", "x\n1\n").extract("b/1.csv", "y,y\n1,2\n");
    let ran = project.tallyhouse(&["extract", "extracts/b", "--output", "csv"]).succeeds();
    assert_eq!(ran.out, "# extracts/b/1.csv\ny,y\n1,2\n\n# extracts/b/2.csv\nx\n1\n");
    let ran = project.tallyhouse(&["extract", "extracts/b/*.csv", "--output", "json"]).succeeds();
    assert_eq!(
        ran.json(),
        json!([
            { "part": "extracts/b/1.csv", "columns": ["y", "y"], "rows": [["1", "2"]] },
            { "part": "extracts/b/2.csv", "columns": ["x"], "rows": [["1"]] },
        ])
    );
}

#[test]
fn parquet_keeps_every_cell_as_text() {
    let project = orders();
    project.extract("a.jsonl", "{\"a\":null,\"b\":\"\"}\n{\"a\":\"007\",\"b\":\"1.50\"}\n");
    project.tallyhouse(&["extract", "extracts/a.jsonl", "--output", "parquet", "--out", "a.parquet"]).succeeds();
    let ran = project.tallyhouse(&["extract", "a.parquet", "--output", "json"]).succeeds();
    assert_eq!(ran.json()[0]["rows"], json!([[null, ""], ["007", "1.50"]]));
    let two = ["extract", "extracts", "--output", "parquet", "--out"];
    let ran = project.tallyhouse(&[&two[..], &["b.parquet"]].concat()).ends(2);
    assert!(ran.err.contains("a Parquet file holds one table"), "{}", ran.err);
    assert!(!project.path("b.parquet").exists());
    project.tallyhouse(&[&two[..], &["b/"]].concat()).succeeds();
    assert!(project.path("b/extracts_a.jsonl.parquet").exists());
    assert!(project.path("b/extracts_orders.csv.parquet").exists());
}

#[test]
fn the_report_says_what_was_chosen_and_how_sure_it_is() {
    let ran = orders().tallyhouse(&["extract", "extracts/orders.csv", "--report", "-"]).succeeds();
    let part = &ran.json()["parts"][0];
    assert_eq!(part["part"], "extracts/orders.csv");
    assert_eq!((&part["format"], &part["encoding"], &part["delimiter"]), (&json!("csv"), &json!("UTF-8"), &json!(",")));
    assert_eq!((&part["header_line"], &part["header"]), (&json!(1), &json!(["订单号", "客户", "金额"])));
    assert_eq!((&part["rows"], &part["rejected"], &part["lines"]["lines"]), (&json!(3), &json!(1), &json!(5)));
    assert!((0.0..=1.0).contains(&part["confidence"].as_f64().unwrap()));
    assert_eq!(ran.json()["failed"], json!([]));
}

#[test]
fn rows_that_cannot_be_read_go_to_a_private_file() {
    let project = orders();
    project.tallyhouse(&["extract", "extracts/orders.csv", "--rejects", "r.csv", "--limit", "1"]).succeeds();
    let rejects = fs::read_to_string(project.path("r.csv")).unwrap();
    let lines: Vec<&str> = rejects.lines().collect();
    assert_eq!(lines[0], "file,line,byte_offset,rule,reason,text");
    assert!(lines[1].starts_with("extracts/orders.csv,4,"), "{rejects}");
    assert!(lines[1].ends_with(",row_shape,\"2 cells, expected 3\",\"A3,x\""), "{rejects}");
    assert_eq!((lines.len(), mode(&project.path("r.csv"))), (2, 0o600));
}

#[test]
fn every_choice_can_be_overridden() {
    let project = Project::new();
    project.extract("a.csv", "title\na;b,c\n1;2,3\n").extract("g.csv", b"\xb6\xa9\xb5\xa5,b\n1,2\n");
    let csv =
        |arguments: &[&str]| project.tallyhouse(&[&["extract", "--output", "csv"], arguments].concat()).succeeds().out;
    assert_eq!(csv(&["extracts/a.csv", "--delimiter", ";", "--header-row", "2"]), "a,\"b,c\"\n1,\"2,3\"\n");
    assert_eq!(csv(&["extracts/a.csv", "--delimiter", ",", "--header-row", "2"]), "a;b,c\n1;2,3\n");
    assert_eq!(csv(&["extracts/a.csv", "--option", "delimiter=\",\"", "--option", "header_row=2"]), "a;b,c\n1;2,3\n");
    assert_eq!(csv(&["extracts/g.csv", "--encoding", "gb18030"]), "订单,b\n1,2\n");
    let ran = project.tallyhouse(&["extract", "extracts/a.csv", "--encoding", "klingon"]).ends(2);
    assert!(ran.err.starts_with("error: unknown encoding `klingon`"), "{}", ran.err);
}

#[test]
fn a_contract_tells_where_the_header_is() {
    let project = Project::new();
    project
        .source("sale", "columns: { order_no: { type: string, from: [订单号] }, day: { type: date, from: [日期] } }\n");
    project.extract("sale/a.csv", "x,y\n1,2\n3,4\n订单号,日期\nA1,2024-01-05\n");
    let arguments = ["extract", "extracts/sale/a.csv", "--output", "csv", "--contract"];
    let ran = project.tallyhouse(&[&arguments[..], &["sale"]].concat()).succeeds();
    assert_eq!(ran.out, "订单号,日期\nA1,2024-01-05\n");
    let ran = project.tallyhouse(&[&arguments[..], &["sales"]].concat()).ends(2);
    assert_eq!(ran.err, "error: the pipeline has no source `sales`\n  hint: did you mean `sale`?\n");
}

#[test]
fn standard_input_is_a_file_too() {
    let project = Project::new();
    let mut command = project.command(&["extract", "-", "--output", "csv"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"a;b\n1;2\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "a,b\n1,2\n");
}

#[test]
fn a_file_that_makes_no_sense_is_an_error_and_an_empty_one_a_table() {
    let project = orders();
    project.extract("empty.csv", "").extract("no.xlsx", "this is no workbook");
    let ran = project.tallyhouse(&["extract", "extracts/empty.csv", "--output", "json"]).succeeds();
    assert_eq!(ran.json(), json!([{ "part": "extracts/empty.csv", "columns": [], "rows": [] }]));
    let ran = project.tallyhouse(&["extract", "extracts/no.xlsx"]).ends(1);
    assert!(ran.err.starts_with("error: cannot read `extracts/no.xlsx`"), "{}", ran.err);
    let ran = project.tallyhouse(&["extract", "extracts/no.xlsx", "--output", "json"]).ends(1);
    assert_eq!(ran.json()["exit_code"], 1);
    project.tallyhouse(&["extract", "extracts/nothing.csv"]).ends(3);
    project.tallyhouse(&["extract", "extracts/*.txt"]).ends(3);

    let ran = project.tallyhouse(&["extract", "extracts", "--output", "csv", "--report", "r.json"]).ends(1);
    assert!(ran.out.contains("# extracts/orders.csv\n订单号,"), "one bad file hides no other: {}", ran.out);
    let report: Value = serde_json::from_str(&fs::read_to_string(project.path("r.json")).unwrap()).unwrap();
    assert_eq!(report["failed"][0]["file"], "extracts/no.xlsx");
    assert_eq!(report["parts"].as_array().unwrap().len(), 2);
}

#[test]
fn a_file_that_is_read_is_not_written_over() {
    let project = orders();
    let ran =
        project.tallyhouse(&["extract", "extracts/orders.csv", "--out", "extracts/../extracts/orders.csv"]).ends(2);
    assert!(ran.err.contains("is one of the files to be read"), "{}", ran.err);
    assert_eq!(fs::read_to_string(project.path("extracts/orders.csv")).unwrap(), ORDERS);
}

#[test]
fn a_limit_ends_the_reading_of_a_table() {
    let project = Project::new();
    let rows: Vec<String> = (0..100).map(|row| format!("{row}\n")).collect();
    project.extract("a.csv", format!("n\n{}", rows.concat()));
    let lines = |arguments: &[&str]| {
        let ran = project.tallyhouse(&[&["extract", "extracts/a.csv"], arguments].concat()).succeeds();
        ran.out.lines().count()
    };
    assert_eq!(lines(&[]), 3 + 40);
    assert_eq!(lines(&["--limit", "0"]), 3 + 100);
    assert_eq!(lines(&["--limit", "2", "--output", "csv"]), 1 + 2);
    assert_eq!(lines(&["--output", "csv"]), 1 + 100);
}

/// A source of order lines with one faulty row in each of two files.
fn faulty() -> Project {
    let project = Project::new();
    project.source(
        "sale",
        "key: [order_no]\nversion: { from_path: \"_(?<version>[0-9]{8})\" }\ncolumns:\n  \
         order_no: { type: string, from: [订单号] }\n  day: { type: date, from: [日期] }\n  \
         amount: { type: \"decimal(18,2)\", from: [金额] }\n",
    );
    project.extract("sale/a_20240101.csv", "订单号,日期,金额\nA1,2024-01-05,1\nA2,someday,\"1,000.50\"\n");
    project
}

#[test]
fn rejected_rows_are_corrected_and_fed_back() {
    let project = faulty();
    project.run();
    assert_eq!(project.rows("staged.sale"), ["A1|2024-01-05|1.00"]);
    let ran = project.tallyhouse(&["rejects", "export", "sale", "--out", "fix.csv"]).succeeds();
    assert_eq!(ran.out, "fix.csv: 1 row\n");
    let exported = fs::read_to_string(project.path("fix.csv")).unwrap();
    let reason = "day: `someday` is not a date like `2024-01-31`";
    let expected =
        format!("\u{feff}_file,_line,_reason,订单号,日期,金额\na_20240101.csv,3,{reason},A2,someday,\"1,000.50\"\n");
    assert_eq!((exported.as_str(), mode(&project.path("fix.csv"))), (expected.as_str(), 0o600));

    project.extract("sale/fix_20240102.csv", exported.replace(",someday,", ",2024-01-06,"));
    assert_eq!(project.run()["warnings"], serde_json::json!([]), "the columns of an export are no drift");
    assert_eq!(project.rows("staged.sale"), ["A1|2024-01-05|1.00", "A2|2024-01-06|1000.50"]);
    let left = project.current().select("quarantine.sale", &["file", "line"]);
    assert_eq!(left, ["a_20240101.csv|3"], "the old line stays faulty as long as its file is there");
}

#[test]
fn a_correction_with_the_version_of_its_file_leaves_newer_rows() {
    let project = faulty();
    project.extract("sale/b_20240201.csv", "订单号,日期,金额\nA2,2024-02-06,7\n");
    project.run();
    let ran = project.tallyhouse(&["rejects", "export", "sale", "--out", "fix.csv"]).succeeds();
    let told = "1 row comes from a file that a later one followed: corrected under a name that sorts last, its key would lose \
                newer rows; give the corrected file the version of `_file`\n";
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("fix.csv: 1 row\n", told));
    let corrected = fs::read_to_string(project.path("fix.csv")).unwrap().replace(",someday,", ",2024-01-06,");
    project.extract("sale/a_20240101.fixed.csv", corrected);
    project.run();
    assert_eq!(project.rows("staged.sale"), ["A1|2024-01-05|1.00", "A2|2024-02-06|7.00"]);
}

#[test]
fn broken_json_lines_are_exported_as_they_stand() {
    let project = Project::new();
    project.source("sale", "columns: { id: { type: string }, v: { type: int } }\n");
    project.extract("sale/a.jsonl", "{\"id\":\"1\",\"v\":1}\n{\"id\":\"2\",\"v\nnot json\n");
    project.run();
    let exported = project.tallyhouse(&["rejects", "export", "sale"]).succeeds().out;
    let [header, cut, other] = exported.lines().collect::<Vec<_>>()[..] else { panic!("{exported}") };
    assert_eq!(header, "\u{feff}_file,_line,_reason,id,v,_text");
    assert!(cut.starts_with("a.jsonl,2,no JSON object: EOF while parsing a string"), "{cut}");
    assert!(cut.ends_with(",,,\"{\"\"id\"\":\"\"2\"\",\"\"v\""), "{cut}");
    assert_eq!(other, "a.jsonl,3,no record: the row cannot be cut into its 2 cells,,,not json");
}

#[test]
fn rows_of_other_forms_go_to_files_of_their_own() {
    let project = faulty();
    project.extract("sale/b_20240101.csv", "金额;订单号;日期\n1;B1;never\n2;B2;2024-01-07;x\n");
    project.run();
    let ran = project.tallyhouse(&["rejects", "export", "sale"]).ends(2);
    assert!(ran.err.contains("come from files of 2 forms"), "{}", ran.err);
    let ran = project.tallyhouse(&["rejects", "export", "sale", "--file", "b_20240101.csv", "--rule", "row_shape"]);
    let surplus = "\u{feff}_file;_line;_reason;金额;订单号;日期;_text\n\
                   b_20240101.csv;3;4 cells, expected 3;2;B2;2024-01-07;\"2;B2;2024-01-07;x\"\n";
    assert_eq!(ran.succeeds().out, surplus);
    project.tallyhouse(&["rejects", "export", "sale", "--out", "fix/"]).succeeds();
    assert_eq!(fs::read_dir(project.path("fix")).unwrap().count(), 2);

    project.withdraw("sale/b_20240101.csv");
    let ran = project.tallyhouse(&["rejects", "export", "sale", "--file", "b_20240101.csv"]).succeeds();
    assert!(ran.out.starts_with("\u{feff}_file,_line,_reason,order_no,day,amount,_text\n"), "{}", ran.out);
    assert!(ran.out.contains(",,,,1;B1;never\n"), "a file that is gone leaves the raw text: {}", ran.out);
}

#[test]
fn rejected_rows_are_shown_by_source_file_and_rule() {
    let project = faulty();
    project.source("other", "columns: { n: { type: int } }\n").extract("other/1.csv", "n,m\nx,1\n");
    project.run();
    let show = |arguments: &[&str]| {
        let ran = project.tallyhouse(&[&["rejects", "show", "--output", "json"], arguments].concat()).succeeds();
        let rows = ran.json().as_array().unwrap().clone();
        rows.iter()
            .map(|row| format!("{}:{} {}", row["file"], row["line"], row["rule"]).replace('"', ""))
            .collect::<Vec<_>>()
    };
    assert_eq!(show(&[]), ["1.csv:2 type", "a_20240101.csv:3 type"]);
    assert_eq!(show(&["sale"]), ["a_20240101.csv:3 type"]);
    assert_eq!(show(&["--source", "sale", "--rule", "type"]), ["a_20240101.csv:3 type"]);
    assert_eq!(show(&["--rule", "overflow"]), Vec::<String>::new());
    let ran = project.tallyhouse(&["rejects", "show", "sales"]).ends(2);
    assert!(ran.err.contains("did you mean `sale`?"), "{}", ran.err);
}

#[test]
fn a_draft_says_what_each_guess_rests_on() {
    let project = Project::new();
    let rows: Vec<String> = (1..=20)
        .map(|n| {
            format!(
                "D{n:03},{n},2024年{}月5日,\"1,{n:03}.50\",{},1380000{n:04},0{n}\n",
                n % 6 + 1,
                ["整机", "配件"][n % 2]
            )
        })
        .collect();
    project.extract(
        "toll/toll_20240701.csv",
        format!("经销商编码,行号,订单日期,金额(万元),行类型,联系电话,备注: #1\n{}", rows.concat()),
    );
    let yaml = project.tallyhouse(&["infer", "extracts/toll", "--out", "pipelines/sources/toll.yaml"]).succeeds();
    assert_eq!(
        yaml.out,
        "drafted `toll` from 20 rows of 1 file, 0 of them rejected, into `pipelines/sources/toll.yaml`\n\
         correct it, then `tallyhouse check` and `tallyhouse run`\n"
    );
    let draft = fs::read_to_string(project.path("pipelines/sources/toll.yaml")).unwrap();
    for expected in [
        "name: toll\nlocation: \"../../extracts/toll/**/*\"\n",
        "format: auto\n",
        "version: { from_path: \"_(?<version>[0-9]{8})\\\\.\" }\n",
        "# no two rows of a file agree on it, in 20 rows\nkey: [dealer_code]\n",
        "# 6 different months\npartition_by: [order_month]\n",
        "event_date: order_date\n",
        "  order_date: # 20 of 20 values\n    type: date\n",
        "    formats: [\"%Y年%m月%d日\"]\n",
        "    type: \"decimal(18,2)\"\n",
        "    from: [{ name: \"金额(万元)\", scale_by: 10000 }]\n",
        "    # codes? 2 different values: 整机 10, 配件 10\n",
        "    clean: phone\n    pii: phone\n",
        "    from: [\"备注: #1\"]\n",
        "    # required: true # never empty, in a sample too small to be sure\n",
        "    derive: \"date_trunc('month', \\\"order_date\\\")\"\n",
    ] {
        assert!(draft.contains(expected), "{expected}\nis not in\n{draft}");
    }
    project.tallyhouse(&["check"]).succeeds();
    let report = project.run();
    assert_eq!(report["sources"][0]["rows"]["staged"], 20, "{report}");
    let ran = project.tallyhouse(&["infer", "extracts/toll", "--out", "pipelines/sources/toll.yaml"]).ends(2);
    assert!(ran.err.contains("exists already"), "what a person corrected is not written over: {}", ran.err);
}

#[test]
fn headers_of_two_languages_become_one_column() {
    let project = Project::new();
    project.extract("x/a.csv", "订单号,玄学,数量\nA1,p,1\nA2,q,2\nA3,r,3\n");
    project.extract("x/b.csv", "Order No,Mystery,Quantity\nB1,p,1\nB2,q,2\n");
    let draft = project.tallyhouse(&["infer", "extracts/x"]).succeeds().out;
    for expected in [
        "  order_no: # 5 of 5 values\n",
        "    from: [订单号, \"Order No\"]\n",
        "  column_2: # 5 of 5 values\n    # taken for the same column because of where it stands: Mystery\n",
        "    from: [玄学, Mystery]\n",
        "  quantity: # 5 of 5 values\n",
    ] {
        assert!(draft.contains(expected), "{expected}\nis not in\n{draft}");
    }
}

/// Writes files of an infer test, drafts their contract and returns it.
fn drafted(files: &[(&str, &str)]) -> String {
    let project = Project::new();
    for (path, body) in files {
        project.extract(&format!("x/{path}"), body);
    }
    project.tallyhouse(&["infer", "extracts/x"]).succeeds().out
}

#[test]
fn a_draft_takes_identifiers_for_keys_and_no_price() {
    let rows: String = (0..12)
        .map(|n| format!("D1-20260{:03},{},£1{n}.50,\"£1,{n:03}.00\"\n", n / 2, n % 2 + 1))
        .collect::<Vec<_>>()
        .concat();
    let draft = drafted(&[("a.csv", &format!("Order Ref,Line,Price,Net Value\n{rows}"))]);
    for expected in [
        "# no two rows of a file agree on it, in 12 rows\nkey: [order_ref, line]\n",
        "  net_value: # 12 of 12 values\n    # 12 with a currency\n    # 12 with thousands marks\n    type: \"decimal(18,2)\"\n",
        "    currency: true\n",
    ] {
        assert!(draft.contains(expected), "{expected}\nis not in\n{draft}");
    }
    let nothing = drafted(&[("a.csv", "Seller,Activity,Price\nAnn,x,1\nAnn,y,2\nBo,x,3\nBo,y,4\nCy,x,5\nCy,y,6\n")]);
    let expected = "\
# no key with an identifier in up to three columns was found: without one, every row of every file is
# kept, also one that a later file brings again
# no two rows of a file agree on these, in 6 rows
# key: [seller, activity]
reject_limit";
    assert!(nothing.contains(expected), "{expected}\nis not in\n{nothing}");
}

#[test]
fn a_draft_says_which_files_leave_the_order_of_a_date_open() {
    let draft = drafted(&[
        ("uk.csv", "id,d\n4,13/04/2026\n5,05/06/2026\n6,11/12/2025\n"),
        ("us.csv", "id,d\n1,04/05/2026\n2,05/06/2026\n3,04/04/2026\n"),
    ]);
    let expected = "\
  d: # 6 of 6 values
    # in 1 of 2 parts alone `%m/%d/%Y` reads all that `%d/%m/%Y` does: ask their senders
    type: date
    # required: true # never empty, in a sample too small to be sure
    formats: [\"%d/%m/%Y\"]
";
    assert!(draft.contains(expected), "{expected}\nis not in\n{draft}");
}

#[test]
fn a_draft_reads_a_decimal_comma_in_all_columns() {
    let rows = (1..=6).map(|n| format!("A{n};1.{n}00;{n},50\n")).collect::<Vec<_>>().concat();
    let draft = drafted(&[("a.csv", &format!("Auftrag;Menge;Preis\n{rows}"))]);
    for expected in [
        "  menge: # 6 of 6 values\n    # 6 with thousands marks\n    type: int\n",
        "    from: [Menge]\n    decimal_mark: comma\n",
        "    from: [Preis]\n    decimal_mark: comma\n",
    ] {
        assert!(draft.contains(expected), "{expected}\nis not in\n{draft}");
    }
}

#[test]
fn a_draft_reads_the_sheets_that_a_run_reads() {
    let project = Project::new();
    let mut workbook = rust_xlsxwriter::Workbook::new();
    for (name, begin) in [("Jan", 0), ("Feb", 10)] {
        let sheet = workbook.add_worksheet().set_name(name).unwrap();
        sheet.write_row(0, 0, ["Auftrag", "Betrag"]).unwrap();
        for row in 1..=5 {
            sheet.write(row, 0, format!("A{}", begin + row)).unwrap();
            sheet.write(row, 1, 100.5).unwrap();
        }
    }
    project.extract("x/a.xlsx", workbook.save_to_buffer().unwrap());
    let ran = project.tallyhouse(&["infer", "extracts/x", "--out", "pipelines/sources/x.yaml"]).succeeds();
    assert!(ran.out.starts_with("drafted `x` from 10 rows of 1 file, 0 of them rejected"), "{}", ran.out);
    let draft = fs::read_to_string(project.path("pipelines/sources/x.yaml")).unwrap();
    assert!(draft.contains("  betrag: # 10 of 10 values\n    type: \"decimal(18,2)\"\n"), "{draft}");
    assert_eq!(project.run()["sources"][0]["rows"]["staged"], 10);
}

#[test]
fn infer_names_the_path_and_makes_the_folder() {
    let project = Project::new();
    project.extract("a.csv", "id,n\n1,2\n");
    let ran = project.tallyhouse(&["infer", "extracts/nothing.csv"]).ends(3);
    assert!(ran.err.contains("hint: check the path\n"), "{}", ran.err);
    project.tallyhouse(&["infer", "extracts/a.csv", "--out", "new/sources/a.yaml"]).succeeds();
    assert!(project.path("new/sources/a.yaml").is_file());
}

#[test]
fn a_draft_holds_whatever_headers_and_values_hold() {
    let project = Project::new();
    let header = "no,\"a: b\",\"#c\",\"it's \"\"q\"\"\",007,是,\"two\nlines\",,no,{x},*y,\"%z\"\n";
    let rows = "yes,: x,# y,\"'\",00123,no,\"a\nb\",,z,},&,%\n".repeat(12);
    project.extract("odd/a.csv", format!("{header}{rows}"));
    project.tallyhouse(&["infer", "extracts/odd/a.csv", "--out", "pipelines/sources/odd.yaml"]).succeeds();
    project.tallyhouse(&["check"]).succeeds();
    let report = project.run();
    assert_eq!(report["sources"][0]["rows"]["staged"], 12, "{report}");
}

#[test]
fn drafts_of_all_fixtures_run() {
    let project = Project::new();
    let extracts = repository("fixtures/extracts");
    let infer = |name: &str, location: &str, more: &[&str]| {
        let out = format!("pipelines/sources/{name}.yaml");
        project.tallyhouse(&[&["infer", location, "--name", name, "--out", &out], more].concat()).succeeds();
    };
    let folders = ["complaint", "complaint_stage", "contact_log", "crm_account", "crm_contact", "dealer_sales"];
    let more = ["fleet_census", "market_registration", "order_stage", "survey_answer"];
    for name in folders.into_iter().chain(more) {
        infer(name, extracts.join(name).to_str().unwrap(), &[]);
    }
    let database = extracts.join("crm/crm.sqlite");
    for table in ["crm_assignment", "crm_opportunity", "crm_opportunity_stage", "crm_visit"] {
        infer(table, database.to_str().unwrap(), &["--table", table]);
    }
    project.tallyhouse(&["check"]).succeeds();
    let drafted = project.run();
    let rows = |report: &Value, name: &str, which: &str| {
        let sources = report["sources"].as_array().unwrap();
        sources.iter().find(|source| source["source"] == name).unwrap()["rows"][which].as_u64().unwrap()
    };
    let published = &shipped::published().report;
    for source in drafted["sources"].as_array().unwrap() {
        let name = source["source"].as_str().unwrap();
        assert_eq!(rows(&drafted, name, "rows"), rows(published, name, "rows"), "{name}: the same records");
        let (staged, wanted) = (rows(&drafted, name, "staged"), rows(published, name, "staged"));
        assert!(
            staged * 100 >= wanted * 95,
            "{name}: {staged} rows staged under the draft, {wanted} under the contract"
        );
    }
}
