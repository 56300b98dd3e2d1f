//! The stage as a whole: contract + header + cells → rows and rejections.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use arrow::{datatypes::DataType, util::pretty::pretty_format_batches};
use proptest::prelude::*;

use super::{
    fixture::{
        ColumnFixture, bigint, broken, column, date, file, money, parameters, raw, shape, source, string, timestamp,
    },
    *,
};
use crate::{
    define::project::{Clean, Numerals, UnknownCode, Variable, Version},
    record::{DecimalMark, Diagnostic, FileShape, MarkFrom, RawBatch, RawFault, Severity},
};

fn compile(columns: &[ColumnFixture], rules: &[(&str, &str)]) -> Contract {
    Contract::compile(&source(columns, rules), &parameters()).unwrap()
}

fn findings(columns: &[ColumnFixture], rules: &[(&str, &str)]) -> Vec<(String, Option<String>, String)> {
    let show = |finding: Diagnostic| {
        assert_eq!(finding.severity, Severity::Error);
        let place = finding.place.unwrap();
        (finding.message, finding.hint, place.text.body[place.range].to_owned())
    };
    Contract::compile(&source(columns, rules), &parameters()).unwrap_err().into_iter().map(show).collect()
}

fn normalize(contract: &Contract, header: &[&str], batch: &RawBatch) -> Normalized {
    contract.normalize(&contract.bind(&shape(header)).unwrap(), &file(), batch).unwrap()
}

fn table(normalized: &Normalized) -> Vec<String> {
    let text = pretty_format_batches(std::slice::from_ref(&normalized.rows)).unwrap().to_string();
    let row = |line: &str| line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>().join("|");
    text.lines().filter(|line| !line.starts_with('+')).skip(1).map(row).collect()
}

fn faults(normalized: &Normalized) -> Vec<(u64, Option<&str>, &str, &str)> {
    let rejections = normalized.rejections.iter();
    rejections.map(|fault| (fault.line, fault.column.as_deref(), fault.rule.as_str(), fault.reason.as_str())).collect()
}

fn order_lines() -> Contract {
    let columns = [
        string("order_no").required().from(&[("订单号", 1), ("order no", 1)]),
        date("order_month").derive("date_trunc('month', order_date)"),
        date("order_date").required().from(&[("订单日期", 1)]).formats(&["%Y年%m月%d日", "%d.%m.%Y"]),
        string("line_kind").codes(&[("整机", "machine"), ("退货", "return")]),
        bigint("quantity"),
        money("amount").from(&[("金额", 1), ("金额（万元）", 10_000)]),
    ];
    compile(&columns, &[("positive_quantity", "quantity > 0 or line_kind = 'return'")])
}

const HEADER: [&str; 6] = ["订单号 ", "订单日期", "LINE_KIND", "quantity", "金额(万元)", "备注"];

#[test]
fn rows_become_typed_in_the_declared_order_of_columns() {
    let contract = order_lines();
    let batch =
        raw(&["Ａ１|2008年2月28日|整机|2|1,234.5|x", " a2 |28.02.2008|退货|-1|（0.01）|", "合计|2008-02-28|无|∅|-|"]);
    let normalized = normalize(&contract, &HEADER, &batch);
    assert_eq!(faults(&normalized), []);
    let expected = [
        "A1|2008-02-01|2008-02-28|machine|2|12345000.00",
        "a2|2008-02-01|2008-02-28|return|-1|-100.00",
        "合计|2008-02-01|2008-02-28|||",
    ];
    assert_eq!(table(&normalized), expected);
    assert_eq!(normalized.lines, [2, 3, 4]);
    let schema = contract.schema();
    assert_eq!(normalized.rows.schema(), schema);
    let nullable: Vec<bool> = schema.fields().iter().map(|field| field.is_nullable()).collect();
    assert_eq!(nullable, [false, true, false, true, true, true]);
}

#[test]
fn all_faults_of_a_row_are_collected_and_one_cause_is_reported_once() {
    let contract = order_lines();
    let mut batch = raw(&[
        "|2008-02-30|整车|2.5|abc|",
        "b|2008-02-28|整机|-2|1.23456789|",
        "c|x|整机|0|1|",
        "d|2008-02-28|整机|abc|1|",
        "e|2008-02-28|整机|1|1|",
    ]);
    broken(&mut batch, 9, "f,2008", RawFault::Shape(2, 6));
    broken(&mut batch, 10, "g", RawFault::Shape(1, 6));
    broken(&mut batch, 11, "h\u{fffd}", RawFault::Encoding);
    broken(&mut batch, 12, "\"i", RawFault::Quote);
    broken(&mut batch, 13, "j,20", RawFault::Truncated);
    let normalized = normalize(&contract, &HEADER, &batch);
    let expected = [
        (2, Some("order_no"), "required", "a value is required, the cell is empty"),
        (2, Some("order_date"), "type", "`2008-02-30`: there is no day 2008-02-30"),
        (2, Some("line_kind"), "code", "`整车` is no known code, known are `整机`, `退货`"),
        (2, Some("quantity"), "precision", "`2.5` is not a whole number"),
        (2, Some("amount"), "type", "`abc` is not a number"),
        (3, Some("amount"), "precision", "`1.23456789` × 10000 has more than 2 decimals"),
        (3, None, "positive_quantity", "`quantity > 0 or line_kind = 'return'` is false"),
        (4, Some("order_date"), "type", "`x` is not a date like `2024-01-31` or `%Y年%m月%d日` or `%d.%m.%Y`"),
        (4, None, "positive_quantity", "`quantity > 0 or line_kind = 'return'` is false"),
        (5, Some("quantity"), "type", "`abc` is not a number"),
        (9, None, "row_shape", "2 cells, expected 6"),
        (10, None, "row_shape", "1 cell, expected 6"),
        (11, None, "encoding", "the row holds bytes that are not GB18030"),
        (12, None, "quote", "a quote is never closed, or opens in the middle of a cell"),
        (13, None, "truncated", "the last line was cut off while it was written"),
    ];
    assert_eq!(faults(&normalized), expected);
    assert_eq!(normalized.rejected_rows, 9);
    assert_eq!(normalized.lines, [6]);
    assert_eq!(table(&normalized), ["e|2008-02-01|2008-02-28|machine|1|10000.00"]);
    assert_eq!(normalized.rejections[5].text, "b|2008-02-28|整机|-2|1.23456789|");
    assert_eq!(normalized.rejections[5].file.as_ref(), "d01.csv");
}

#[test]
fn every_type_reads_its_values_and_names_its_faults() {
    let contract = compile(
        &[
            column("flag", DataType::Boolean),
            column("count", DataType::Int32),
            column("rate", DataType::Float64),
            column("price", DataType::Decimal128(6, 2)),
            timestamp("at").formats(&["excel_serial", "%Y/%m/%d %H:%M"]),
            timestamp("at_berlin").zone(chrono_tz::Europe::Berlin),
            date("day").formats(&["%Y/%m/%d %H:%M"]),
        ],
        &[],
    );
    let header = ["flag", "count", "rate", "price", "at", "at_berlin", "day"];
    let batch = raw(&[
        "是|３.0|12.5%|￥1,234.50|39506.5|2024-07-01 12:00|2024/7/1 12:00",
        "N|-7|1e3|(1)|2008/2/28 14:30|2024-07-01T12:00:00Z|2024-07-01T00:00:00",
        "maybe|3000000000|abc|12345.67|x|2024-03-31 02:30|2024-07-01 08:00",
        "∅|1e400|1e400|1.005|2024-01-01 00:00:00.1234567|∅|2924-07-01",
    ]);
    let normalized = normalize(&contract, &header, &batch);
    let expected = [
        "true|3|0.125|1234.50|2008-02-28T04:00:00Z|2024-07-01T10:00:00Z|2024-07-01",
        "false|-7|1000.0|-1.00|2008-02-28T06:30:00Z|2024-07-01T12:00:00Z|2024-07-01",
    ];
    assert_eq!(table(&normalized), expected);
    let expected = [
        (4, Some("flag"), "type", "`maybe` is neither a true word nor a false word"),
        (4, Some("count"), "overflow", "`3000000000` does not fit INT"),
        (4, Some("rate"), "type", "`abc` is not a number"),
        (4, Some("price"), "overflow", "`12345.67` does not fit DECIMAL(6,2)"),
        (4, Some("at"), "type", "`x` is not a timestamp like `2024-01-31` or `excel_serial` or `%Y/%m/%d %H:%M`"),
        (4, Some("at_berlin"), "type", "`2024-03-31 02:30`: the clocks of Europe/Berlin skip 2024-03-31 02:30:00"),
        (4, Some("day"), "type", "`2024-07-01 08:00` has a time of day"),
        (5, Some("count"), "overflow", "`1e400` does not fit INT"),
        (5, Some("rate"), "overflow", "`1e400` does not fit DOUBLE"),
        (5, Some("price"), "precision", "`1.005` has more than 2 decimals"),
        (5, Some("at"), "precision", "`2024-01-01 00:00:00.1234567` is finer than microseconds"),
        (5, Some("day"), "type", "`2924-07-01`: the year 2924 is outside 1900 to 2100"),
    ];
    assert_eq!(faults(&normalized), expected);
}

#[test]
fn a_comma_file_is_read_with_its_own_marks_but_defaults_are_not() {
    let contract = compile(&[money("amount").from(&[("万", 10_000)]), money("tax").default("1.5")], &[]);
    let mut shape = shape(&["万"]);
    shape.decimal_mark = DecimalMark::Comma;
    let binding = contract.bind(&shape).unwrap();
    assert_eq!(binding.missing, ["tax"]);
    let normalized = contract.normalize(&binding, &file(), &raw(&["1.234,5"])).unwrap();
    assert_eq!(table(&normalized), ["12345000.00|1.50"]);
}

#[test]
fn a_number_that_is_another_one_with_the_other_mark_needs_something_that_shows_the_mark() {
    let columns = [money("amount"), column("count", DataType::Int32), column("rate", DataType::Float64)];
    let contract = compile(&columns, &[]);
    let mut shape = shape(&["amount", "count", "rate"]);
    let rows = ["2.500|1|0", "€ 12.000|1|0", "1|1.000|0", "1|1|1,250", "0.000|2,500|7", "1|12,5|0"];
    let shown = contract.normalize(&contract.bind(&shape).unwrap(), &file(), &raw(&rows)).unwrap();
    assert_eq!(table(&shown), ["2.50|1|0.0", "12.00|1|0.0", "1.00|1|0.0", "1.00|1|1250.0", "0.00|2500|7.0"]);
    shape.mark_from = MarkFrom::Nothing;
    let open = contract.normalize(&contract.bind(&shape).unwrap(), &file(), &raw(&rows)).unwrap();
    assert_eq!(table(&open), ["0.00|2500|7.0"]);
    let doubt = |text: &str| {
        format!("`{text}` may have three decimals or none, no number of the file shows it; say `decimal_mark`")
    };
    let doubts = ["2.500", "€ 12.000", "1.000", "1,250"].map(doubt);
    let comma = "`12,5` is not a number with the file's decimal point; say `decimal_mark: comma` if it has a comma";
    let expected = [
        (2, Some("amount"), "type", doubts[0].as_str()),
        (3, Some("amount"), "type", doubts[1].as_str()),
        (4, Some("count"), "type", doubts[2].as_str()),
        (5, Some("rate"), "type", doubts[3].as_str()),
        (7, Some("count"), "type", comma),
    ];
    assert_eq!(faults(&open), expected);
    let point = Numerals { decimal_mark: Some(DecimalMark::Point), ..Numerals::default() };
    let contract = compile(&columns.map(|column| column.numerals(point)), &[]);
    let declared = contract.normalize(&contract.bind(&shape).unwrap(), &file(), &raw(&rows)).unwrap();
    assert_eq!(table(&declared), table(&shown));
}

#[test]
fn a_declared_comma_is_of_texts_and_not_of_the_numbers_that_a_format_has_itself() {
    let comma = Numerals { decimal_mark: Some(DecimalMark::Comma), ..Numerals::default() };
    let columns = [money("amount"), column("count", DataType::Int32), column("rate", DataType::Float64)];
    let contract = compile(&columns.map(|column| column.numerals(comma)), &[]);
    let shape = FileShape { mark_from: MarkFrom::Format, ..shape(&["amount", "count", "rate"]) };
    let rows = ["1406.74|1125|0.5", "1.406,74|1.125.000|0,5", "1.125|1|1", "1|1.125|1", "1|1|1.125"];
    let read = contract.normalize(&contract.bind(&shape).unwrap(), &file(), &raw(&rows)).unwrap();
    assert_eq!(table(&read), ["1406.74|1125|0.5", "1406.74|1125000|0.5"]);
    let doubt = "`1.125` may have three decimals or none: the file's numbers have a point, the column's texts a comma; say \
                 `decimal_mark: point` if all its cells are numbers";
    let found = faults(&read);
    assert_eq!(
        found.iter().map(|(line, column, ..)| (*line, *column)).collect::<Vec<_>>(),
        [(4, Some("amount")), (5, Some("count")), (6, Some("rate"))]
    );
    assert!(found.iter().all(|(.., reason)| *reason == doubt), "{found:?}");
}

#[test]
fn a_row_on_which_an_expression_fails_does_not_take_its_batch_down() {
    let columns = [
        string("code"),
        bigint("units"),
        bigint("part").derive("10 / units"),
        column("small", DataType::Int32).derive("units * 1000000"),
        bigint("number").derive("cast(code as bigint)").required(),
    ];
    let contract = compile(&columns, &[("even", "part % units = 0")]);
    let rows = ["1|5", "2|0", "x|1", "∅|1", "3|3000", "4|3", "9|zz"];
    let normalized = normalize(&contract, &["code", "units"], &raw(&rows));
    assert_eq!(table(&normalized), ["4|3|3|3000000|4"]);
    let rules: Vec<(u64, Option<&str>, &str)> =
        faults(&normalized).into_iter().map(|(line, column, rule, _)| (line, column, rule)).collect();
    let expected = [
        (2, None, "even"),
        (3, Some("part"), "type"),
        (4, Some("number"), "type"),
        (5, Some("number"), "required"),
        (6, Some("small"), "overflow"),
        (8, Some("units"), "type"),
    ];
    assert_eq!(rules, expected);
}

#[test]
fn a_text_that_is_no_value_of_a_derived_type_is_told_in_the_words_of_contracts() {
    let columns = [
        string("code"),
        bigint("number").derive("cast(code as bigint)"),
        money("amount").derive("code"),
        date("day").derive("cast(code as date)"),
        timestamp("at").derive("to_timestamp(code)"),
    ];
    let normalized = normalize(&compile(&columns, &[]), &["code"], &raw(&["abc"]));
    let reasons: Vec<&str> = faults(&normalized).into_iter().map(|(_, _, _, reason)| reason).collect();
    let moment = "`abc` is no timestamp: timestamp must contain at least 10 characters";
    assert_eq!(reasons, ["`abc` is no bigint", "`abc` is no decimal", "`abc` is no date", moment]);
}

#[test]
fn an_expression_over_few_days_is_asked_once_a_day_and_gives_every_row_its_value() {
    let columns = [
        date("day"),
        date("month").derive("date_trunc('month', day)"),
        bigint("part").derive("10 / (extract(day from day) - 5)"),
    ];
    let contract = compile(&columns, &[("late", "day > date '2024-01-03'")]);
    let rows =
        ["2024-02-09", "2024-02-09", "", "2024-02-05", "", "2024-01-02", "2024-02-09", "2024-02-05", "2024-01-02"];
    let normalized = normalize(&contract, &["day"], &raw(&[rows, rows].concat()));
    let accepted = ["2024-02-09|2024-02-01|2", "2024-02-09|2024-02-01|2", "||", "||", "2024-02-09|2024-02-01|2"];
    assert_eq!(table(&normalized), [accepted, accepted].concat());
    let lines: Vec<(u64, &str)> = faults(&normalized).iter().map(|(line, _, rule, _)| (*line, *rule)).collect();
    let expected = [(5, "type"), (7, "late"), (9, "type"), (10, "late")];
    assert_eq!(lines[..4], expected);
}

#[test]
fn a_rule_that_is_null_accepts_the_row() {
    let contract = compile(&[bigint("units")], &[("positive", "units > 0")]);
    let normalized = normalize(&contract, &["units"], &raw(&["1", "", "0"]));
    assert_eq!(normalized.lines, [2, 3]);
    assert_eq!(normalized.rejected_rows, 1);
}

#[test]
fn an_empty_batch_and_a_column_that_is_null_throughout_work() {
    let contract = order_lines();
    let normalized = normalize(&contract, &HEADER, &raw(&[]));
    assert_eq!((normalized.rows.num_rows(), normalized.rows.num_columns()), (0, 6));
    let normalized = normalize(&contract, &HEADER, &raw(&["a|2024-01-01||||", "b|2024-01-01||||"]));
    assert_eq!(normalized.rows.column(5).null_count(), 2);
    assert_eq!(normalized.rows.num_rows(), 2);
}

#[test]
fn headers_are_bound_by_the_first_alias_that_is_there() {
    let contract = order_lines();
    let header = ["ＯＲＤＥＲ NO", "订单号", "订单\n日期", "金额（万元）", "金额", "订单号", ""];
    let binding = contract.bind(&shape(&header)).unwrap();
    let cells: Vec<Option<(usize, i64)>> =
        binding.columns.iter().map(|cell| cell.map(|cell| (cell.index, cell.scale.multiply))).collect();
    assert_eq!(cells, [Some((1, 1)), None, Some((2, 1)), None, None, Some((4, 1))]);
    assert_eq!(binding.extra, ["ＯＲＤＥＲ NO", "金额（万元）", "订单号"]);
    assert_eq!(binding.missing, ["line_kind", "quantity"]);
}

#[test]
fn a_header_without_a_required_column_says_which_and_what_to_do() {
    let contract = order_lines();
    let unbound = contract.bind(&shape(&["订单编号", "订单日期", "qty"])).unwrap_err();
    assert_eq!(unbound.to_string(), "the header lacks the required column `order_no`; it has 订单编号, 订单日期, qty");
    assert_eq!(unbound.missing, [("order_no".to_owned(), vec!["订单号".to_owned(), "order no".to_owned()])]);
    assert_eq!(unbound.hint(), "is it `订单编号`? then add that name to `from` of `order_no`");
    let unbound = contract.bind(&shape(&["x"])).unwrap_err();
    let hint = "expected `order_no` as 订单号 or order no, `order_date` as 订单日期; add the file's own name to `from`, or declare its header row";
    assert_eq!(unbound.hint(), hint);
}

#[test]
fn an_empty_file_binds_to_nothing() {
    let binding = order_lines().bind(&shape(&[])).unwrap();
    assert!(binding.columns.iter().all(Option::is_none));
    assert_eq!(binding.missing.len(), 5);
}

#[test]
fn what_stands_in_the_path_is_read_like_a_cell() {
    let dealer = string("dealer").in_path("(?i)(?<value>d[0-9]+)_").clean(Clean::Upper).required();
    let month = bigint("month").in_path("_20[0-9]{2}(?<value>[0-9]{2})").default("0");
    let contract = compile(&[dealer, string("order_no"), month], &[]);
    assert_eq!(contract.hints(), (vec!["order_no".to_owned()], Vec::new()));
    let read = |path: &str| {
        let binding = contract.bind_file(path, &shape(&["order_no", "dealer"])).unwrap();
        assert!(binding.missing.is_empty());
        assert_eq!(binding.extra, ["dealer"]);
        contract.normalize(&binding, &file(), &raw(&["1|x", "2|y"])).unwrap()
    };
    assert_eq!(table(&read("south/d17_202603.csv")), ["D17|1|3", "D17|2|3"]);
    assert_eq!(table(&read("d18_march.csv")), ["D18|1|0", "D18|2|0"]);
    let unknown = read("all.csv");
    assert_eq!(table(&unknown), [""; 0]);
    let reason = "a value is required, the file's path does not match `from_path`";
    assert_eq!(faults(&unknown), [(2, Some("dealer"), "required", reason), (3, Some("dealer"), "required", reason)]);
}

#[test]
fn hints_name_every_alias_and_what_must_be_there() {
    let (names, required) = order_lines().hints();
    assert_eq!(names, ["订单号", "order no", "订单日期", "line_kind", "quantity", "金额", "金额（万元）"]);
    assert_eq!(required, [vec!["订单号", "order no"], vec!["订单日期"]]);
}

#[test]
fn codes_of_another_source_are_set_before_the_first_row() {
    let columns = [string("industry").codes_of("industry_alias", "alias", "industry"), string("other")];
    let mut contract = compile(&columns, &[]);
    let table_ref = CodeTableRef { source: "industry_alias".into(), from: "alias".into(), to: "industry".into() };
    assert_eq!(contract.code_tables(), [table_ref]);
    let binding = contract.bind(&shape(&["industry"])).unwrap();
    let error = contract.normalize(&binding, &file(), &raw(&["矿山"])).unwrap_err();
    assert_eq!(error.to_string(), "the codes of `lines.industry` were not loaded from `staged.industry_alias`");

    let before = contract.fingerprint();
    let meanings = BTreeMap::from([("矿山".to_owned(), "mining".to_owned())]);
    contract.set_codes("industry_alias", "alias", "industry", meanings);
    assert_ne!(contract.fingerprint(), before);
    let normalized = contract.normalize(&binding, &file(), &raw(&["矿山", "mining", "采矿"])).unwrap();
    assert_eq!(table(&normalized), ["mining|", "mining|"]);
    let reason = "`采矿` is no known code, it is not in `alias` of `staged.industry_alias`";
    assert_eq!(faults(&normalized), [(4, Some("industry"), "code", reason)]);
}

#[test]
fn every_wrong_expression_is_shown_at_its_place() {
    let columns = [
        bigint("quantity"),
        bigint("early").derive("late + 1"),
        bigint("late").derive("quantity + quantty"),
        date("wrong").derive("quantity = 1"),
    ];
    let rules = [("a", "quantity"), ("b", "quantity > $run_dat"), ("c", "quantity >"), ("d", "nosuch(quantity)")];
    let found = findings(&columns, &rules);
    let hint = |text: &str| Some(text.to_owned());
    assert_eq!(
        found[0],
        (
            "unknown column `late`".into(),
            hint("`late` is derived too: declare it above the column that reads it"),
            "late".into()
        )
    );
    assert_eq!(found[1], ("unknown column `quantty`".into(), hint("did you mean `quantity`?"), "quantty".into()));
    let message = "the expression is boolean, which cannot become date";
    assert_eq!(
        found[2],
        (message.into(), hint("change the column's `type` or cast within the expression"), "quantity = 1".into())
    );
    assert_eq!(found[3].0, "a row rule must be true or false, this is Int64");
    let suggestion = hint("did you mean `$run_date`?");
    assert_eq!(found[4], ("unknown parameter `$run_dat`".into(), suggestion, "$run_dat".into()));
    assert!(found[5].0.starts_with("syntax error: expected: an expression"), "{}", found[5].0);
    assert_eq!((found[6].0.as_str(), found[6].2.as_str()), ("unknown function `nosuch`", "nosuch"));
    assert_eq!(found.len(), 7);
}

#[test]
fn wrong_formats_defaults_and_meanings_are_found_before_any_data() {
    let columns = [
        date("day").formats(&["%d.%Q.%Y"]),
        money("amount").default("1.234"),
        bigint("grade").codes(&[("甲", "one")]),
        string("text").formats(&["%Y-%m-%d"]),
        bigint("twice").derive("grade * 2").default("7"),
    ];
    let found = findings(&columns, &[]);
    let messages: Vec<&str> = found.iter().map(|finding| finding.0.as_str()).collect();
    let expected = [
        "the format `%d.%Q.%Y` has an unknown piece `%Q`; known are %Y %y %Ey %m %b %d %a %H %I %p %M %S %f %F %T %R %z %Z %%",
        "the default of `amount` is no value of its type: `1.234` has more than 2 decimals",
        "a code's meaning of `grade` is no value of its type: `one` is not a number",
        "`formats` of `text` are for dates and timestamps only",
        "`default` has no effect on the derived column `twice`",
    ];
    assert_eq!(messages, expected);
    assert_eq!((found[0].2.as_str(), found[1].2.as_str()), ("%d.%Q.%Y", "1.234"));
}

#[test]
fn the_fingerprint_follows_what_decides_values_and_nothing_else() {
    let print = |columns: &[ColumnFixture], rules: &[(&str, &str)]| compile(columns, rules).fingerprint();
    let base = print(&[bigint("units")], &[("positive", "units > 0")]);
    let same = [
        print(&[bigint("units").described("Units sold")], &[("positive", "units > 0")]),
        print(&[bigint("units")], &[("positive", "units  >\n 0 -- comment")]),
    ];
    assert!(same.iter().all(|other| *other == base));
    let other = [
        print(&[bigint("units").required()], &[("positive", "units > 0")]),
        print(&[bigint("units").null_words(&["?"])], &[("positive", "units > 0")]),
        print(&[bigint("units").from(&[("units", 10)])], &[("positive", "units > 0")]),
        print(&[bigint("units").in_path("_(?<value>[0-9]+)")], &[("positive", "units > 0")]),
        print(&[bigint("units").in_path("-(?<value>[0-9]+)")], &[("positive", "units > 0")]),
        print(&[bigint("units").codes(&[("一", "1")])], &[("positive", "units > 0")]),
        print(&[bigint("units").codes(&[("一", "1")]).unknown(UnknownCode::Keep)], &[("positive", "units > 0")]),
        print(&[bigint("units")], &[("positive", "units > 1")]),
        print(&[bigint("units")], &[("is_positive", "units > 0")]),
    ];
    let distinct: std::collections::BTreeSet<&String> = other.iter().chain([&base]).collect();
    assert_eq!(distinct.len(), other.len() + 1);
}

#[test]
fn parameters_enter_the_fingerprint_only_where_they_are_used() {
    let print = |columns: &[ColumnFixture], parameters: &_| {
        Contract::compile(&source(columns, &[]), parameters).unwrap().fingerprint()
    };
    let mut other = parameters();
    other.run_date = other.run_date.succ_opt().unwrap();
    other.timezone = chrono_tz::UTC;
    other.variables.insert("limit".to_owned(), Variable::Integer(5));
    let plain = [date("day"), timestamp("at").zone(chrono_tz::UTC)];
    assert_eq!(print(&plain, &parameters()), print(&plain, &other));
    let zoned = [timestamp("at")];
    assert_ne!(print(&zoned, &parameters()), print(&zoned, &other));
    let flagged = [date("day"), column("is_past", DataType::Boolean).derive("day < $run_date")];
    assert_ne!(print(&flagged, &parameters()), print(&flagged, &other));
}

#[test]
fn a_contract_reduces_by_its_key_and_version_column() {
    let mut definition = source(&[string("code"), date("updated_on")], &[]);
    definition.key = vec![definition.columns[0].name.clone()];
    definition.version = Version::FromColumn(definition.columns[1].name.clone());
    let contract = Contract::compile(&definition, &parameters()).unwrap();
    let normalized = normalize(&contract, &["code", "updated_on"], &raw(&["a|2024-02-01", "a|2024-01-01", "b|"]));
    let keys = reduce::key_hashes(&normalized.rows, contract.key()).unwrap();
    let version = contract.version().unwrap();
    let versions = reduce::versions(normalized.rows.column(version.index)).unwrap();
    let mut records = reduce::KeyRecords::new(0, 1);
    for (place, row) in (0..).zip(0..3) {
        records.observe(keys.value(row), versions[row], place);
    }
    let lost: Vec<u64> =
        reduce::KeyRecords::joined(vec![records]).iter().flat_map(|part| reduce::losers(part)).collect();
    assert_eq!(lost, [1]);
}

#[test]
fn texts_are_held_to_what_the_contract_says() {
    let columns = [
        string("code").matching("[A-Z]{2}[0-9]+").at_most(4),
        string("tax_id").clean(Clean::TaxId).validated(),
        string("mail").clean(Clean::Email).validated(),
        string("name").clean(Clean::Simplified).clean(Clean::Name),
        string("raw").untrimmed(),
    ];
    let rows = ["ＡＢ1|91350100m000100Y43|A@B.CN|山東　重工| x ", "AB123|91350100M000100Y42|a.b|-|", "xAB1|1|无||"];
    let normalized = normalize(&compile(&columns, &[]), &["code", "tax_id", "mail", "name", "raw"], &raw(&rows));
    assert_eq!(table(&normalized), ["AB1|91350100M000100Y43|a@b.cn|山东 重工|x"]);
    let expected = [
        (3, Some("code"), "max_length", "`AB123` has 5 characters, at most 4 are allowed"),
        (3, Some("tax_id"), "check_digit", "the check digit of `91350100M000100Y42` should be `3`"),
        (3, Some("mail"), "validate", "`a.b` is no e-mail address"),
        (4, Some("code"), "pattern", "`xAB1` does not match `[A-Z]{2}[0-9]+`"),
        (4, Some("tax_id"), "validate", "`1` is no tax id: it has 1 sign, not 18 or 15"),
    ];
    assert_eq!(faults(&normalized), expected);
}

#[test]
fn numbers_and_booleans_are_written_as_each_column_says() {
    let comma = Numerals { decimal_mark: Some(DecimalMark::Comma), ..Numerals::default() };
    let percent = Numerals { percent: true, ..Numerals::default() };
    let wide = Numerals { currency: Some(true), accounting: Some(true), chinese_units: true, ..Numerals::default() };
    let columns = [
        money("comma").numerals(comma),
        column("share", DataType::Decimal128(9, 4)).numerals(percent),
        money("wide").numerals(wide),
        column("flag", DataType::Boolean).words(&["有", "JA"], &["Ø"]),
    ];
    let rows = ["1.234,5|12.5%|1.5万元|ja", "7|7|CNY 5-|ø", "1,234|1%%|5 元/台|否"];
    let normalized = normalize(&compile(&columns, &[]), &["comma", "share", "wide", "flag"], &raw(&rows));
    assert_eq!(table(&normalized), ["1234.50|0.1250|15000.00|true", "7.00|7.0000|-5.00|false"]);
    let rules: Vec<&str> = faults(&normalized).iter().map(|(_, _, rule, _)| *rule).collect();
    assert_eq!(rules, ["precision", "type", "type", "type"]);
}

#[test]
fn a_nested_field_is_bound_by_its_path() {
    let contract = compile(&[string("customer").from(&[("customer.name", 1)]), string("name")], &[]);
    let binding = contract.bind(&shape(&["name", "customer.name", "customer.id"])).unwrap();
    let cells: Vec<usize> = binding.columns.iter().flatten().map(|cell| cell.index).collect();
    assert_eq!((cells, binding.extra), (vec![1, 0], vec!["customer.id".to_owned()]));
}

/// Columns of every type, read once with the short way and once without it: a code that no cell is forbids it.
fn both_ways() -> [Contract; 2] {
    let columns = [
        string("a"),
        column("b", DataType::Int32),
        bigint("c"),
        column("d", DataType::Float64),
        money("e"),
        column("f", DataType::Decimal128(38, 20)),
        date("g").formats(&["%Y%m%d", "excel_serial"]),
        timestamp("h").zone(chrono_tz::Europe::Berlin).formats(&["unix_seconds"]),
        column("i", DataType::Boolean),
    ];
    let long_way = |column: ColumnFixture| {
        let is_string = column.column().data_type == DataType::Utf8;
        let meaning = if is_string { "\u{1}" } else { "" };
        column.codes(&[("\u{1}", meaning)]).unknown(UnknownCode::Keep)
    };
    let long: Vec<ColumnFixture> = columns.clone().into_iter().map(long_way).collect();
    [compile(&columns, &[]), compile(&long, &[])]
}

const LETTERS: [&str; 9] = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];

fn assert_same_both_ways(contracts: &[Contract; 2], texts: &[String]) {
    for (mark, mark_from) in [
        (DecimalMark::Point, MarkFrom::File),
        (DecimalMark::Comma, MarkFrom::File),
        (DecimalMark::Point, MarkFrom::Nothing),
        (DecimalMark::Point, MarkFrom::Format),
    ] {
        let mut shape = shape(&LETTERS);
        (shape.decimal_mark, shape.mark_from) = (mark, mark_from);
        let mut batch = RawBatch::default();
        for (line, text) in (2..).zip(texts) {
            let range = batch.append(text);
            for _ in LETTERS {
                batch.push_cell(Some(range.clone()));
            }
            batch.end_row(line, range, None);
        }
        let read = |contract: &Contract| contract.normalize(&contract.bind(&shape).unwrap(), &file(), &batch).unwrap();
        let (short, long) = (read(&contracts[0]), read(&contracts[1]));
        assert_eq!(short.rejections, long.rejections);
        assert_eq!(short.rows, long.rows);
        assert_eq!(short.lines.len() + usize::try_from(short.rejected_rows).unwrap(), texts.len());
    }
}

#[test]
fn the_short_way_reads_edges_as_the_long_way_does() {
    let texts = [
        "0",
        "-0",
        "-",
        "1",
        "2147483647",
        "2147483648",
        "-2147483648",
        "999999999999999999",
        "9999999999999999999",
        "1.",
        ".1",
        "1.5",
        "1,5",
        "1.234",
        "0.1",
        "123456789012345678",
        "1234567890123456.78",
        "2024-02-29",
        "2023-02-29",
        "2024-03-31 02:30:00",
        "2024-03-31 12:30:00",
        "2024-10-27 02:30:00",
        "2024-10-27T05:00:00",
        "2024-01-05T10:30:60",
        "1899-12-31",
        "2100-12-31",
        "2101-01-01",
        "20240229",
        "1709600000",
        "true",
        "",
        " ",
        "无",
    ];
    let contracts = both_ways();
    for text in texts {
        assert_same_both_ways(&contracts, &[text.to_owned()]);
    }
    assert_same_both_ways(&contracts, &texts.map(str::to_owned));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_is_read_the_same_both_ways_and_nothing_panics(
        texts in prop::collection::vec("[-+0-9., :eE()%TZ/\\\\¥万年月日Ａ０\u{0}\u{3000}a]{0,20}|[0-9]{4}-[01][0-9]-[0-3][0-9]( [0-2][0-9]:[0-5][0-9]:[0-6][0-9])?|-?[0-9]{1,20}([.,][0-9]{0,20})?|\\PC{0,8}", 1..40)
    ) {
        assert_same_both_ways(&both_ways(), &texts);
    }

    #[test]
    fn what_is_read_prints_back(cents in any::<i64>(), day in 0..73_000_u64, second in 0..86_400_u64) {
        let date = chrono::NaiveDate::from_ymd_opt(1900, 1, 1).unwrap() + chrono::Days::new(day);
        let time = date.and_hms_opt(0, 0, 0).unwrap() + chrono::TimeDelta::seconds(i64::try_from(second).unwrap());
        let columns = [column("a", DataType::Decimal128(19, 2)), date_column(), timestamp("c").zone(chrono_tz::UTC)];
        let sign = if cents < 0 { "-" } else { "" };
        let text = format!("{sign}{}.{:02}", cents.unsigned_abs() / 100, cents.unsigned_abs() % 100);
        let row = format!("{text}|{date}|{}", time.format("%F %T"));
        let normalized = normalize(&compile(&columns, &[]), &["a", "b", "c"], &raw(&[&row]));
        let expected = format!("{text}|{date}|{}Z", time.format("%FT%T"));
        prop_assert_eq!(table(&normalized), [expected]);
    }
}

fn date_column() -> ColumnFixture {
    date("b")
}
