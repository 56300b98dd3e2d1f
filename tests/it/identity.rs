//! Ids on rows: they hold from night to night, merge when a record ties two, split when people say so, and cost nothing
//! where nothing changed.

use std::{collections::BTreeMap, thread, time::Duration};

use serde_json::Value;

use crate::{project::Project, snapshot::Snapshot};

const ACCOUNT: &str = "\
format: csv
key: [account_id]
columns:
  account_id: { type: string, required: true }
  name: { type: string }
  tax_id: { type: string }
  phone: { type: string }
";

const SALE: &str = "\
format: csv
key: [id]
partition_by: [month]
event_date: day
columns:
  id: { type: int, required: true }
  day: { type: date, required: true }
  dealer: { type: string, required: true }
  code: { type: string }
  customer: { type: string }
  tax_id: { type: string }
  phone: { type: string }
  amount: { type: int }
  month: { type: date, derive: \"date_trunc('month', day)\" }
";

const ENTITY: &str = "\
name: customer
id: { column: customer_id, prefix: C }
records:
  - source: account
    key: [account_id]
    columns: { name: name, tax_id: tax_id, phone: phone }
  - source: sale
    key: [dealer, code]
    date: day
    columns: { name: customer, tax_id: tax_id, phone: phone }
attributes:
  name: { prepare: company }
  tax_id: { prepare: text }
  phone: { prepare: text }
rules:
  - { name: same_tax_id, equal: [tax_id] }
  - { name: same_phone_and_name, equal: [phone, name.key] }
vetoes:
  - { name: two_tax_ids, differ: [tax_id] }
overrides: customer.overrides.csv
survivorship:
  name: most_recent
";

pub const PIPELINE: &str = "\
name: nightly
warehouse: ../warehouse
timezone: Asia/Shanghai
run_date: 2026-06-30
sources: sources/*.yaml
entities: entities/*.yaml
models: ../sql
";

const ACCOUNT_HEADER: &str = "account_id,name,tax_id,phone\n";
const SALE_HEADER: &str = "id,day,dealer,code,customer,tax_id,phone,amount\n";
pub const OVERRIDES_HEADER: &str = "left_source,left_key,right_source,right_key,verdict,reason\n";

/// Two accounts, and two customers of a dealer: one of the accounts in January and February, and somebody else in February.
fn project() -> Project {
    let project = Project::new();
    project.file("pipelines/nightly.yaml", PIPELINE);
    project.file("pipelines/entities/customer.yaml", ENTITY);
    project.source("account", ACCOUNT).source("sale", SALE);
    project.model("core.sales", "SELECT id, customer_id, amount FROM staged.sale");
    project.extract("account/a.csv", format!("{ACCOUNT_HEADER}A1,North Works Ltd,T1,100\nA2,South Mills Ltd,T2,200\n"));
    project.extract(
        "sale/1.csv",
        format!(
            "{SALE_HEADER}1,2026-01-05,D1,c1,North Works,T1,,10\n\
             2,2026-02-05,D1,c1,North Works,,,20\n\
             3,2026-02-07,D1,c2,East Trade Ltd,,300,30\n"
        ),
    );
    project
}

/// Returns the id that each row of a query begins with, by the text behind it.
fn ids(project: &Project, table: &str, key: &str) -> BTreeMap<String, String> {
    let cells = project.current().cells(table, &[key, "customer_id"]);
    cells.into_iter().map(|row| (row[0].clone(), row[1].clone())).collect()
}

fn sales(project: &Project) -> BTreeMap<String, String> {
    ids(project, "staged.sale", "id")
}

fn accounts(project: &Project) -> BTreeMap<String, String> {
    ids(project, "staged.account", "account_id")
}

/// Returns what happened: event, id, other id, rule.
fn events(project: &Project) -> Vec<[String; 4]> {
    let columns = ["number", "event", "customer_id", "other_id", "rule"];
    let mut rows = project.current().cells("core.customer_event", &columns);
    rows.sort_by_key(|row| row[0].parse::<u64>().unwrap());
    rows.into_iter().map(|row| [row[1].clone(), row[2].clone(), row[3].clone(), row[4].clone()]).collect()
}

/// Returns the files of the staged sales of a month.
fn files(snapshot: &Snapshot, month: &str) -> Vec<String> {
    snapshot.files("staged.sale").into_iter().filter(|file| file.contains(month)).collect()
}

fn entity(report: &Value) -> &Value {
    &report["entities"][0]
}

#[test]
fn every_row_bears_the_id_of_its_customer_and_models_read_it() {
    let project = project();
    let report = project.run();
    let (sales, accounts) = (sales(&project), accounts(&project));
    assert_eq!(sales["1"], accounts["A1"]);
    assert_eq!(sales["2"], accounts["A1"], "the dealer's code is a record, whatever a single line lacks");
    assert!(sales["3"] != accounts["A1"] && sales["3"] != accounts["A2"]);
    assert_eq!(ids(&project, "core.sales", "id"), sales);
    let expected = serde_json::json!({
        "entity": "customer", "is_unchanged": false, "records": 4, "things": 3, "assigned": 3, "merged": 0, "split": 0,
        "retired": 0, "warnings": [], "linking": {
            "all_because": "nothing is remembered of a run with this definition, model and program",
            "came": 0, "gone": 0, "compared": 0, "is_proved": null
        }
    });
    assert_eq!(entity(&report), &expected);
    let identity = project.query(
        "SELECT name, name_key, name_source, tax_id, phone_source, first_seen_date, record_count, source_count \
         FROM core.customer_identity ORDER BY name",
    );
    assert_eq!(
        identity,
        [
            "East Trade Ltd|easttradeltd|sale|NULL|sale|2026-02-07|1|1",
            "North Works|northworks|sale|T1|account|2026-01-05|2|2",
            "South Mills Ltd|southmillsltd|account|T2|account|NULL|1|1",
        ]
    );
    let xref = project.query(
        "SELECT source, source_key, rule, linked_key, since FROM core.customer_xref ORDER BY source, source_key",
    );
    assert_eq!(
        xref,
        [
            "account|A1|NULL|NULL|2026-06-30",
            "account|A2|NULL|NULL|2026-06-30",
            "sale|D1/c1|same_tax_id|A1|2026-06-30",
            "sale|D1/c2|NULL|NULL|2026-06-30",
        ]
    );
    project.current().verify();
}

#[test]
fn a_night_without_changes_does_nothing_and_a_new_customer_rewrites_no_old_month() {
    let project = project();
    project.run();
    let before = project.current();
    let report = project.run();
    assert_eq!(
        (report["outcome"].as_str(), entity(&report)["is_unchanged"].as_bool()),
        (Some("unchanged"), Some(true))
    );
    project.extract("sale/2.csv", format!("{SALE_HEADER}4,2026-03-01,D2,x,West Cranes,T9,,40\n"));
    let report = project.run();
    assert_eq!((entity(&report)["assigned"].as_u64(), entity(&report)["merged"].as_u64()), (Some(1), Some(0)));
    let after = project.current();
    for month in ["2026-01-01", "2026-02-01"] {
        assert_eq!(files(&after, month), files(&before, month));
    }
    let changed = report["sources"].as_array().unwrap().iter().map(|source| source["changed_partitions"].to_string());
    assert_eq!(changed.collect::<Vec<_>>(), ["[]", "[[\"2026-03-01\"]]"]);
}

#[test]
fn a_record_that_ties_two_customers_merges_them_and_only_their_months_are_rewritten() {
    let project = project();
    project.run();
    let (before, old, stranger) = (project.current(), sales(&project), accounts(&project)["A2"].clone());
    // The same record says more: it has the tax id of an account.
    project.extract("sale/2.csv", format!("{SALE_HEADER}4,2026-03-01,D1,c2,East Trade Ltd,T2,,40\n"));
    let report = project.run();
    let sales = sales(&project);
    assert_eq!((&sales["3"], &sales["4"]), (&stranger, &stranger));
    assert_eq!(entity(&report)["merged"], 1);
    let last = events(&project).pop().unwrap();
    assert_eq!(last, ["merge", &old["3"], &stranger, "same_tax_id"]);
    let reason = project.query("SELECT reason FROM core.customer_event WHERE event = 'merge'");
    assert_eq!(reason, ["sale D1/c2 is account A2 by same_tax_id"]);
    let after = project.current();
    assert_eq!(files(&after, "2026-01-01"), files(&before, "2026-01-01"));
    assert_ne!(files(&after, "2026-02-01"), files(&before, "2026-02-01"));
    after.verify();
}

#[test]
fn values_that_are_none_of_their_kind_are_told() {
    let project = project();
    let phones = ENTITY.replace("phone: { prepare: text }", "phone: { prepare: phone, default_region: CN }");
    project.file("pipelines/entities/customer.yaml", phones);
    let report = project.run();
    let told = "3 of 3 values of `phone` cannot be read as a phone number, and link nothing";
    assert_eq!(entity(&report)["warnings"], serde_json::json!([told]));
}

#[test]
fn people_split_and_join_with_a_reason_and_always_win() {
    let project = project();
    project.run();
    let (old, accounts_before) = (sales(&project), accounts(&project));
    let path = "pipelines/entities/customer.overrides.csv";
    project.file(path, format!("{OVERRIDES_HEADER}sale,D1/c1,account,A1,different,the branch buys for itself\n"));
    let report = project.run();
    let split = sales(&project);
    assert_ne!(split["1"], old["1"]);
    assert_eq!((&split["1"], &split["3"]), (&split["2"], &old["3"]));
    assert_eq!(accounts(&project), accounts_before);
    assert_eq!(entity(&report)["split"], 1);
    assert_eq!(events(&project).pop().unwrap(), ["split", &old["1"], &split["1"], "NULL"]);
    let reason = project.query("SELECT reason FROM core.customer_event WHERE event = 'split'");
    assert_eq!(reason, ["sale D1/c1 stands alone: an override says that account A1 and sale D1/c1 differ"]);
    project.file(path, format!("{OVERRIDES_HEADER}account,A2,sale,D1/c2,same,\"one owner, two names\"\n"));
    project.run();
    assert_eq!((&sales(&project)["1"], &sales(&project)["3"]), (&old["1"], &accounts_before["A2"]));
    project.file(path, format!("{OVERRIDES_HEADER}account,A2,sale,D1/c7,same,nobody\n"));
    // A record that is gone, or not there yet, stops no night.
    let report = project.run();
    let told = entity(&report)["warnings"][0].as_str().unwrap();
    assert!(told.contains("`sale` has no record `D1/c7` that names a customer, so the line says nothing"), "{told}");
    assert!(told.contains("customer.overrides.csv:2"), "{told}");
    assert_eq!(sales(&project)["1"], old["1"]);
}

#[test]
fn a_fact_after_the_run_date_identifies_nobody_and_bears_an_id_once_its_customer_is_known() {
    let project = project();
    project.extract(
        "sale/2.csv",
        format!("{SALE_HEADER}4,2026-07-01,D1,c1,North Works,T1,,1\n5,2026-07-02,D9,new,New One,,,1\n"),
    );
    project.run();
    // Rows after the run date are cut from a scan; the table itself has them.
    let rows = |project: &Project| {
        project.run_with(&["--run-date", "2026-07-31"]);
        sales(project)
    };
    let known = sales(&project);
    assert_eq!((&known["4"], known["5"].as_str()), (&known["1"], "NULL"));
    let later = rows(&project);
    assert_eq!(later["4"], later["1"]);
    assert!(later["5"].starts_with('C'));
    let told: Vec<[String; 4]> = events(&project);
    assert_eq!(told.last().unwrap()[0..2], ["assign".to_owned(), later["5"].clone()]);
}

#[test]
fn the_order_in_which_files_come_changes_no_cluster_and_one_full_run_gives_the_same_ids() {
    let nights = [
        ("sale/2.csv", "4,2026-03-01,D1,c2,East Trade Ltd,T2,,40\n"),
        ("sale/3.csv", "5,2026-04-01,D3,k,East Trade,,300,40\n6,2026-04-02,D3,l,North Works,,100,40\n"),
        ("sale/4.csv", "7,2026-05-01,D4,m,Other Ltd,T7,,40\n"),
    ];
    let grown = project();
    grown.run();
    for (path, rows) in nights {
        grown.extract(path, format!("{SALE_HEADER}{rows}"));
        grown.run();
    }
    let fresh = project();
    for (path, rows) in nights {
        fresh.extract(path, format!("{SALE_HEADER}{rows}"));
    }
    fresh.run();
    assert_eq!(sales(&grown), sales(&fresh));
    for table in ["staged.sale", "staged.account", "core.sales", "core.customer_identity"] {
        assert_eq!(grown.current().files(table), fresh.current().files(table), "{table}");
    }
    let backwards = project();
    backwards.run();
    for (path, rows) in nights.into_iter().rev() {
        backwards.extract(path, format!("{SALE_HEADER}{rows}"));
        backwards.run();
    }
    assert_eq!(sales(&backwards), sales(&fresh));
    let again = fresh.run_with(&["--full"]);
    assert_eq!((entity(&again)["assigned"].as_u64(), entity(&again)["split"].as_u64()), (Some(0), Some(0)));
    assert_eq!(entity(&again)["is_unchanged"], false, "all of it is asked for");
    let of_one_model = fresh.run_with(&["--full", "--select", "core.sales"]);
    assert_eq!(entity(&of_one_model)["is_unchanged"], true, "who is who is not among what is selected");
}

#[test]
fn a_run_that_is_killed_anywhere_leaves_the_ids_that_it_would_have_had() {
    let (killed, calm) = (project(), project());
    let rows = |night: u32| -> String {
        let line = |row: u32| {
            let id = 1_000 * (night + 1) + row;
            let month = row % 6 + 1;
            format!("{id},2026-{month:02}-10,D{},c{},Customer {},,{},1\n", row % 7, row % 300, row % 150, row % 200)
        };
        format!("{SALE_HEADER}{}", (0..900).map(line).collect::<String>())
    };
    for night in 0..4 {
        for project in [&killed, &calm] {
            project.extract(&format!("sale/night{night}.csv"), rows(night));
        }
        for milliseconds in [20, 60, 120, 250] {
            let mut run = killed.start(&["run"]);
            thread::sleep(Duration::from_millis(milliseconds));
            run.kill().unwrap();
            run.wait().unwrap();
        }
        killed.run();
        calm.run();
        let (one, other) = (killed.current(), calm.current());
        for table in
            ["staged.sale", "core.customer_xref", "core.customer_event", "core.customer_identity", "core.sales"]
        {
            assert_eq!(one.files(table), other.files(table), "{table} of night {night}");
        }
        one.verify();
    }
}

#[test]
fn mistakes_in_a_definition_are_shown_in_their_places() {
    let project = project();
    project.file("pipelines/entities/customer.yaml", ENTITY.replace("phone: phone }", "phone: fone }"));
    let ran = project.tallyhouse(&["check"]).ends(2);
    assert!(ran.err.contains("`fone` is no column of source `account`"), "{}", ran.err);
    assert!(ran.err.contains("did you mean `phone`?"), "{}", ran.err);
    project.file("pipelines/entities/customer.yaml", ENTITY);
    project.model("core.customer_xref", "SELECT 1 AS one");
    let ran = project.tallyhouse(&["check"]).ends(2);
    assert!(ran.err.contains("`core.customer_xref` is made by a model and by entity `customer`"), "{}", ran.err);
}

#[test]
fn a_corrected_amount_is_no_news_of_a_customer_and_a_corrected_name_is() {
    let project = project();
    project.run();
    let (before, old) = (project.current(), sales(&project));
    project.extract("sale/2.csv", format!("{SALE_HEADER}1,2026-01-05,D1,c1,North Works,T1,,11\n"));
    let report = project.run();
    assert_eq!(entity(&report)["is_unchanged"], true, "{report:#}");
    assert_eq!(entity(&report)["records"], 4);
    assert_eq!(sales(&project), old);
    assert_eq!(project.query("SELECT sum(amount) FROM core.sales"), ["61"]);
    let after = project.current();
    assert_ne!(files(&after, "2026-01-01"), files(&before, "2026-01-01"));
    assert_eq!(files(&after, "2026-02-01"), files(&before, "2026-02-01"));
    after.verify();
    // The night after has nothing to look at, and nothing is left of the one before.
    assert_eq!(project.run()["outcome"], "unchanged");
    project.extract("sale/3.csv", format!("{SALE_HEADER}3,2026-02-07,D1,c2,West Trade Ltd,,300,30\n"));
    let report = project.run();
    assert_eq!(entity(&report)["is_unchanged"], false);
    let names = project.query("SELECT name FROM core.customer_identity WHERE name LIKE '%Trade%'");
    assert_eq!(names, ["West Trade Ltd"]);
    assert_eq!(project.run_with(&["--verify-incremental"])["outcome"], "unchanged");
}

#[test]
fn two_entities_put_their_ids_on_the_same_rows_though_only_one_has_news() {
    let project = project();
    project.file(
        "pipelines/entities/dealer.yaml",
        "name: dealer\n\
         id: { column: dealer_id, prefix: D }\n\
         records:\n\
         \x20 - { source: sale, key: [dealer], date: day, columns: { name: dealer } }\n\
         \x20 - { source: dealer, key: [code], columns: { name: code, owner: owner } }\n\
         attributes: { name: { prepare: text }, owner: { prepare: text } }\n\
         rules: [{ name: same_owner, equal: [owner] }, { name: same_code, equal: [name] }]\n",
    );
    project.source(
        "dealer",
        "format: csv\nkey: [code]\ncolumns:\n  code: { type: string, required: true }\n  owner: { type: string }\n",
    );
    project.extract("dealer/a.csv", "code,owner\nD0,Li\nD1,Wang\n");
    project.run();
    let of_dealer = |project: &Project| project.query("SELECT DISTINCT dealer_id FROM staged.sale");
    let (old, old_dealer) = (sales(&project), of_dealer(&project));
    // Both dealers have one owner now, so the rows of D1 get the id of D0, though no file of sales changed.
    project.extract("dealer/a.csv", "code,owner\nD0,Li\nD1,Li\n");
    let report = project.run();
    let entities = report["entities"].as_array().unwrap();
    let news: Vec<_> = entities.iter().map(|entity| (&entity["entity"], &entity["merged"])).collect();
    assert_eq!(news, [(&"customer".into(), &0.into()), (&"dealer".into(), &1.into())]);
    assert_eq!(sales(&project), old);
    let merged = of_dealer(&project);
    assert_eq!(merged, project.query("SELECT dealer_id FROM staged.dealer WHERE code = 'D0'"));
    assert_ne!(merged, old_dealer);
    project.current().verify();
    assert_eq!(project.run()["outcome"], "unchanged");
}
