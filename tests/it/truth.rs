//! The published fixtures against what their generator says is true.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use serde_json::Value;

use crate::{
    project::{Project, repository},
    shipped,
};

/// A row of a truth file by its column names.
type Record = BTreeMap<String, String>;

/// Holds what `crm_account_version` rejects, which reads the files of `crm_account` once more.
const SECOND_READING: &str = "quarantine.crm_account_version";

#[test]
fn quarantine_holds_every_planted_fault_and_nothing_else() {
    let current = shipped::published().current();
    let place = |fault: &Record| {
        let column = if fault["column"].is_empty() { "NULL" } else { &fault["column"] };
        format!("{} {}:{} {column} {}", fault["source"], below_source(&fault["file"]), fault["line"], fault["rule"])
    };
    let planted: BTreeSet<String> = truth("faults.csv").iter().map(place).collect();
    let mut found = BTreeSet::new();
    let first_readings = |table: &&&str| table.starts_with("quarantine.") && **table != SECOND_READING;
    for table in current.tables().iter().filter(first_readings) {
        for row in current.cells(table, &["file", "line", "column", "rule"]) {
            let fault =
                format!("{} {}:{} {} {}", table.trim_start_matches("quarantine."), row[0], row[1], row[2], row[3]);
            assert!(found.insert(fault.clone()), "{fault} is there twice");
        }
    }
    let missing: Vec<_> = planted.difference(&found).collect();
    let surplus: Vec<_> = found.difference(&planted).collect();
    assert!(missing.is_empty() && surplus.is_empty(), "missing: {missing:#?}\nsurplus: {surplus:#?}");
    assert_eq!(found.len(), 442);
}

#[test]
fn a_second_reading_of_the_same_files_rejects_the_same_rows() {
    let current = shipped::published().current();
    let columns = ["file", "line", "column", "rule", "text"];
    let rejected = |table: &str| -> BTreeSet<Vec<String>> { current.cells(table, &columns).into_iter().collect() };
    assert_eq!(rejected(SECOND_READING), rejected("quarantine.crm_account"));
    assert!(!rejected(SECOND_READING).is_empty());
}

#[test]
fn a_rejected_row_keeps_its_original_text_and_says_why() {
    let current = shipped::published().current();
    let mut rows: BTreeMap<(String, String, String, String), (String, String)> = BTreeMap::new();
    for table in current.tables().iter().filter(|table| table.starts_with("quarantine.")) {
        let source = table.trim_start_matches("quarantine.").to_owned();
        for row in current.cells(table, &["file", "line", "column", "reason", "text"]) {
            let [file, line, column, reason, text] = row.try_into().unwrap();
            rows.insert((source.clone(), file, line, column), (reason, text));
        }
    }
    for fault in truth("faults.csv").iter().filter(|fault| !fault["text"].is_empty()) {
        let key = |name: &str| fault[name].clone();
        let (reason, text) = &rows[&(key("source"), below_source(&fault["file"]), key("line"), key("column"))];
        assert!(text.contains(&fault["text"]), "{fault:?}: {text}");
        let says_what = reason.contains(&fault["text"]) || fault["rule"] == "required";
        assert!(says_what && !reason.ends_with('.'), "{fault:?}: {reason}");
    }
}

#[test]
fn the_lines_of_every_file_are_accounted_for_by_kind() {
    let kinds = ["title", "blank", "header", "repeated_header", "footer", "continuation"];
    let expected = truth("rows.csv").into_iter().map(|row| {
        let counts: Vec<&str> =
            ["lines", "rows", "rejected"].iter().chain(&kinds).map(|name| row[*name].as_str()).collect();
        format!("{} {}: {}", row["source"], below_source(&row["file"]), counts.join(" "))
    });
    let mut found = Vec::new();
    for (source, input) in inputs().iter().filter(|(source, _)| is_extract(source)) {
        for file in input["files"].as_array().unwrap() {
            let lines = &file["lines"];
            let skipped = kinds.iter().map(|kind| lines["skipped"][kind].as_u64().unwrap_or(0));
            let counted = [&lines["lines"], &lines["rows"], &file["rejected"]].map(|count| count.as_u64().unwrap());
            let counts: Vec<String> = counted.into_iter().chain(skipped).map(|count| count.to_string()).collect();
            found.push(format!("{source} {}: {}", file["path"].as_str().unwrap(), counts.join(" ")));
        }
    }
    assert_same(expected.collect(), found);
}

#[test]
fn the_rows_of_every_source_are_staged_rejected_or_superseded() {
    let expected = truth("sources.csv").into_iter().map(|row| {
        let names = ["files", "rows", "rejected", "superseded", "staged"];
        format!("{}: {}", row["source"], names.map(|name| row[name].as_str()).join(" "))
    });
    let mut found = Vec::new();
    for (source, input) in inputs().iter().filter(|(source, _)| is_extract(source)) {
        let rows = &input["rows"];
        let files = input["files"].as_array().unwrap().len();
        found.push(format!(
            "{source}: {files} {} {} {} {}",
            rows["rows"], rows["rejected"], rows["superseded"], rows["staged"]
        ));
        let staged = shipped::published().current().rows(&format!("staged.{source}")).len();
        assert_eq!(rows["staged"], staged, "rows of staged.{source} on the disk");
    }
    assert_same(expected.collect(), found);
}

#[test]
fn staged_order_lines_add_up_to_the_cent_by_dealer_and_month() {
    let columns = ["dealer_code", "order_month", "currency", "quantity", "amount"];
    let mut sums: BTreeMap<String, (u64, i64, i128)> = BTreeMap::new();
    for row in shipped::published().current().cells("staged.dealer_sales", &columns) {
        let sum = sums.entry(row[..3].join(" ")).or_default();
        sum.0 += 1;
        sum.1 += row[3].parse::<i64>().unwrap();
        sum.2 += cents(&row[4]);
    }
    let found = sums.iter().map(|(key, (lines, quantity, cents))| format!("{key}: {lines} {quantity} {cents}"));
    assert_same(totals("lines", "quantity", "amount"), found.collect());
}

#[test]
fn sales_as_of_the_run_date_add_up_to_the_cent_by_dealer_and_month() {
    let project = Project::shipped_and_published();
    let found = project.query(
        "SELECT dealer_code, order_month, currency, count(*), sum(quantity_units), CAST(sum(source_amount) * 100 AS BIGINT) \
         FROM core.sales GROUP BY dealer_code, order_month, currency",
    );
    let found = found.iter().map(|row| {
        let cells: Vec<&str> = row.split('|').collect();
        format!("{}: {}", cells[..3].join(" "), cells[3..].join(" "))
    });
    assert_same(totals("as_of_lines", "as_of_quantity", "as_of_amount"), found.collect());
}

#[test]
fn a_customer_named_like_a_total_row_keeps_its_lines() {
    let current = shipped::published().current();
    let lines = current.select("staged.dealer_sales", &["dealer_code", "customer_name"]);
    let of = |dealer: &str| lines.iter().filter(|line| **line == format!("{dealer}|合计")).count();
    assert_eq!([of("D003") > 0, of("D009") > 0], [true, true], "the dealers that sell to a customer named 合计");
}

/// Returns dealer, month, currency and three sums of each row of `totals.csv` that counts any line.
fn totals(lines: &str, quantity: &str, amount: &str) -> Vec<String> {
    let line = |row: &Record| {
        let key = ["dealer_code", "month", "currency"].map(|name| row[name].as_str()).join(" ");
        format!("{key}: {} {} {}", row[lines], row[quantity], cents(&row[amount]))
    };
    truth("totals.csv").iter().filter(|row| row[lines] != "0").map(line).collect()
}

#[test]
fn who_is_who_is_told_with_a_precision_of_99_and_a_recall_of_95_in_a_hundred() {
    let cells = shipped::published().current().cells("core.customer_xref", &["source", "source_key", "customer_id"]);
    let found: BTreeMap<[String; 2], String> =
        cells.into_iter().map(|row| ([row[0].clone(), row[1].clone()], row[2].clone())).collect();
    let mut records = Vec::new();
    for record in truth("customers.csv") {
        if let Some(id) = found.get(&[record["source"].clone(), record["record_key"].clone()]) {
            records.push((id.clone(), record["true_customer"].clone()));
        }
    }
    // Rows that were planted to be rejected have no id.
    assert!(records.len() > 2_300, "{} records", records.len());
    let both = pairs(records.iter().map(|record| (&record.0, &record.1)));
    let (linked, true_ones) =
        (pairs(records.iter().map(|record| &record.0)), pairs(records.iter().map(|record| &record.1)));
    assert!(both * 100 >= linked * 99, "precision: {both} of {linked} linked pairs are one customer");
    assert!(both * 100 >= true_ones * 95, "recall: {both} of {true_ones} pairs of one customer are linked");
}

/// Counts the pairs of equal values.
fn pairs<T: Ord>(values: impl Iterator<Item = T>) -> u64 {
    let mut counts: BTreeMap<T, u64> = BTreeMap::new();
    values.for_each(|value| *counts.entry(value).or_default() += 1);
    counts.values().map(|count| count * (count - 1) / 2).sum()
}

fn cents(amount: &str) -> i128 {
    let (whole, decimals) = amount.split_once('.').unwrap();
    assert_eq!(decimals.len(), 2, "{amount}");
    format!("{whole}{decimals}").parse().unwrap()
}

/// Returns the extracts by source, from the manifest.
fn inputs() -> Vec<(String, Value)> {
    let current = shipped::published().current();
    current.manifest["inputs"].as_object().unwrap().clone().into_iter().collect()
}

/// Returns whether the generator wrote truth about a source; it wrote none about reference tables.
fn is_extract(source: &str) -> bool {
    truth("sources.csv").iter().any(|row| row["source"] == source)
}

/// Returns a path as the source shows it: below its folder.
fn below_source(file: &str) -> String {
    file.split_once('/').unwrap().1.to_owned()
}

#[track_caller]
fn assert_same(expected: Vec<String>, found: Vec<String>) {
    let (expected, found): (BTreeSet<String>, BTreeSet<String>) =
        (expected.into_iter().collect(), found.into_iter().collect());
    let missing: Vec<_> = expected.difference(&found).collect();
    let surplus: Vec<_> = found.difference(&expected).collect();
    assert!(missing.is_empty() && surplus.is_empty(), "missing: {missing:#?}\nsurplus: {surplus:#?}");
}

/// Reads a truth file. Its cells hold no delimiters but within quotes, and no line ends.
fn truth(name: &str) -> Vec<Record> {
    let text = fs::read_to_string(repository("fixtures/truth").join(name)).unwrap();
    let mut lines = text.lines().map(cells);
    let header = lines.next().unwrap();
    lines.map(|cells| header.iter().cloned().zip(cells).collect()).collect()
}

fn cells(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut is_quoted = false;
    let mut rest = line.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '"' if is_quoted && rest.next_if_eq(&'"').is_some() => cells.last_mut().unwrap().push('"'),
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => cells.push(String::new()),
            other => cells.last_mut().unwrap().push(other),
        }
    }
    cells
}
