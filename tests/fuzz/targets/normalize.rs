//! Any cells under columns of every type, format, word list and cleaner: each is a value or a fault, never a lost digit.
//!
//! In: at most 16 cells, parted by line ends; 0x00 alone is a NULL of the format. For every column of [`COLUMNS`] the
//! cells are one batch, and each cell is one for itself; both must agree. Values are judged by [`judge`], which reads
//! plain texts by itself.

#![no_main]

use std::sync::{Arc, OnceLock};

use arrow::{
    array::{Array, ArrayRef, AsArray},
    datatypes::{DataType, Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type},
};
use libfuzzer_sys::fuzz_target;
use num_bigint::BigInt;
use tallyhouse_fuzz::{
    define,
    engine::Parameters,
    normalize::{Contract, Normalized},
    record::{DecimalMark, FileShape, RawBatch, Text},
};

/// Columns as a contract writes them. Two that stand one below the other and differ in `null_words` only must agree: the
/// null word keeps the second from reading canonical texts the short way.
const COLUMNS: [&str; 40] = [
    "int",
    "int, null_words: ['123456789']",
    "bigint",
    "bigint, null_words: ['123456789']",
    "double",
    "double, null_words: ['123456789.123']",
    "'decimal(18,2)'",
    "'decimal(18,2)', null_words: ['123456789.12']",
    "'decimal(38,10)'",
    "'decimal(38,10)', null_words: ['123456789.12']",
    "'decimal(5,5)'",
    "date",
    "date, null_words: ['1999-09-09']",
    "timestamp",
    "timestamp, null_words: ['1999-09-09 09:09:09']",
    "string",
    "string, null_words: []",
    "boolean",
    "'decimal(18,4)', percent: true, currency: true, accounting: true, chinese_units: true, decimal_mark: point",
    "'decimal(18,4)', percent: true, currency: false, accounting: false, decimal_mark: comma",
    "bigint, chinese_units: true",
    "int, from: [{ name: v, scale_by: 10000 }]",
    "'decimal(18,2)', from: [{ name: v, scale_by: 0.0001 }]",
    "double, from: [{ name: v, scale_by: 1000 }]",
    "int, codes: { 一: '1', '2': '3', ' x ': '-7' }, unknown_code: keep",
    "string, codes: { 一: one, '2': two }, unknown_code: reject",
    "string, codes: { 一: one, '2': two }, unknown_code: 'null', required: true",
    "string, trim: false, max_length: 5",
    "string, pattern: '[A-Z0-9]{2,}'",
    "boolean, true_words: [是, x], false_words: [否, y]",
    "date, formats: ['%Y年%m月%d日', '%d/%m/%y', '%Ey/%m/%d', '%b %d, %Y', '%a %Y-%m-%d'], year_pivot: 30",
    "date, formats: [excel_serial]",
    "date, formats: [excel_serial_1904]",
    "date, formats: [unix_milliseconds], timezone: Asia/Shanghai",
    "timestamp, formats: ['%Y%m%d%H%M%S', '%d.%m.%Y %I:%M %p', '%Y-%m-%d %T.%f%z', '%F %R %Z'], timezone: Europe/Berlin",
    "timestamp, formats: [excel_serial, unix_seconds], timezone: America/New_York",
    "string, clean: [phone], validate: true",
    "string, clean: [tax_id], validate: true",
    "string, clean: [email], validate: true",
    "string, clean: [nfkc, simplified, name, upper]",
];

/// A column's contract.
struct Column {
    written: &'static str,
    contract: Contract,
}

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let cells: Vec<Option<&str>> =
        text.split('\n').take(16).map(|cell| Some(cell).filter(|cell| *cell != "\0")).collect();
    let mut last: Option<(&Column, Normalized)> = None;
    for column in columns() {
        for mark in [DecimalMark::Point, DecimalMark::Comma] {
            check(column, &cells, mark);
        }
        let found = normalized(column, &cells, DecimalMark::Point);
        if let Some((short, by_short)) = last.filter(|(short, _)| is_longer_way(short.written, column.written)) {
            agree(short, &by_short, column, &found, &cells);
        }
        last = Some((column, found));
    }
});

fn columns() -> &'static [Column] {
    static COMPILED: OnceLock<Vec<Column>> = OnceLock::new();
    COMPILED.get_or_init(|| COLUMNS.iter().map(|written| Column { written, contract: compile(written) }).collect())
}

fn compile(written: &str) -> Contract {
    let body = format!("name: a\nlocation: a.csv\ncolumns:\n  v: {{ type: {written} }}\n");
    let text = Arc::new(Text { path: "a.yaml".to_owned(), body });
    let (source, _) = define::read_source(text, &|_| None).unwrap_or_else(|findings| panic!("{written}: {findings:?}"));
    let parameters = Parameters { timezone: chrono_tz::Asia::Shanghai };
    Contract::compile(&source, &parameters).unwrap_or_else(|findings| panic!("{written}: {findings:?}"))
}

fn normalized(column: &Column, cells: &[Option<&str>], mark: DecimalMark) -> Normalized {
    let mut batch = RawBatch::default();
    for (line, cell) in (2..).zip(cells) {
        let raw = batch.append(cell.unwrap_or_default());
        batch.push_text(*cell);
        batch.end_row(line, raw, None);
    }
    let shape = FileShape { header: vec!["v".to_owned()], decimal_mark: mark, ..FileShape::binary("csv") };
    let binding = column.contract.bind(&shape).expect("the header has the column");
    column.contract.normalize(&binding, &Arc::from("a.csv"), &batch).expect("bad data is no error")
}

/// What became of a cell: its value's row, or the rule and the reason of its fault.
fn outcomes(found: &Normalized, cells: usize) -> Vec<Result<ArrayRef, (String, String)>> {
    let mut rows = 0;
    let outcome = |line: u64| {
        if found.lines.get(rows) == Some(&line) {
            rows += 1;
            return Ok(found.rows.column(0).slice(rows - 1, 1));
        }
        let mut faults = found.rejections.iter().filter(|rejection| rejection.line == line);
        let fault = faults.next().unwrap_or_else(|| panic!("line {line} is lost"));
        assert!(faults.next().is_none(), "line {line} has two faults");
        Err((fault.rule.clone(), fault.reason.clone()))
    };
    let outcomes: Vec<_> = (2..).take(cells).map(outcome).collect();
    assert_eq!(rows, found.rows.num_rows());
    assert_eq!(cells - rows, usize::try_from(found.rejected_rows).expect("few"));
    assert_eq!(found.rejections.len(), cells - rows);
    outcomes
}

/// Expects that cells are read in a batch as they are alone, and that the values are those of the texts.
fn check(column: &Column, cells: &[Option<&str>], mark: DecimalMark) {
    let together = outcomes(&normalized(column, cells, mark), cells.len());
    for (cell, outcome) in cells.iter().zip(together) {
        let alone = outcomes(&normalized(column, &[*cell], mark), 1).remove(0);
        assert_eq!(outcome, alone, "{} {cell:?}", column.written);
        let Ok(value) = outcome else { continue };
        assert!(value.is_valid(0) || !column.written.contains("required: true"), "{} {cell:?}", column.written);
        if !column.written.contains(',')
            || matches!(column.written, "'decimal(18,2)'" | "'decimal(38,10)'" | "'decimal(5,5)'")
        {
            judge(column.written, cell.unwrap_or_default(), mark, &value);
        }
    }
}

fn is_longer_way(short: &str, long: &str) -> bool {
    long.strip_prefix(short).is_some_and(|rest| rest.starts_with(", null_words: ['"))
}

/// Expects the same values of a column that reads canonical texts the short way and of one that never does.
fn agree(short: &Column, by_short: &Normalized, long: &Column, by_long: &Normalized, cells: &[Option<&str>]) {
    let pairs = outcomes(by_short, cells.len()).into_iter().zip(outcomes(by_long, cells.len()));
    for (cell, (by_short, by_long)) in cells.iter().zip(pairs) {
        // Of the longer way only the empty text and its own word are NULL.
        let (Ok(a), Ok(b)) = (&by_short, &by_long) else {
            let is_word = |outcome: &Result<ArrayRef, _>| outcome.as_ref().is_ok_and(|value| value.is_null(0));
            assert!(is_word(&by_short) || by_short == by_long, "{} {cell:?}: {by_short:?} {by_long:?}", long.written);
            continue;
        };
        assert!(a == b || a.is_null(0) || b.is_null(0), "{} {} {cell:?}: {a:?} {b:?}", short.written, long.written);
    }
}

/// Expects of a value that no digit of its text is lost, as far as the text is plain ASCII.
fn judge(written: &str, cell: &str, mark: DecimalMark, value: &ArrayRef) {
    if value.is_null(0) {
        let is_blank = |c: char| c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}');
        let word = cell.trim_matches(is_blank);
        let words = ["", "NULL", "null", "N/A", "n/a", "-", "—", "无"];
        let folded: String = word.chars().map(narrow).collect();
        assert!(words.contains(&folded.as_str()), "{written} {cell:?} became NULL");
        return;
    }
    let Some((digits, scale)) = plain_number(cell, mark) else { return };
    let exact = |mantissa: BigInt, decimals: usize| {
        // Both sides as whole numbers of the finer unit.
        let most = scale.max(decimals);
        assert_eq!(scaled(digits.clone(), most - scale), scaled(mantissa, most - decimals), "{written} {cell:?}");
    };
    match value.data_type() {
        DataType::Int32 => exact(value.as_primitive::<Int32Type>().value(0).into(), 0),
        DataType::Int64 => exact(value.as_primitive::<Int64Type>().value(0).into(), 0),
        DataType::Decimal128(_, decimals) => {
            exact(
                value.as_primitive::<Decimal128Type>().value(0).into(),
                usize::try_from(*decimals).expect("not negative"),
            );
        }
        DataType::Float64 => {
            let found = value.as_primitive::<Float64Type>().value(0);
            let text = format!("{digits}e-{scale}");
            assert_eq!(found, text.parse::<f64>().expect("a number") + 0.0, "{written} {cell:?}");
            assert!(found != 0.0 || digits == BigInt::ZERO, "{written} {cell:?} became zero");
        }
        DataType::Date32 => {
            let date = value.as_primitive::<Date32Type>().value_as_date(0).expect("a day");
            assert!(date.to_string().replace('-', "").contains(cell.trim()), "{written} {cell:?} became {date}");
        }
        _ => {}
    }
}

fn narrow(c: char) -> char {
    match c {
        '\u{3000}' => ' ',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
        other => other,
    }
}

fn scaled(value: BigInt, power: usize) -> BigInt {
    value * BigInt::from(10).pow(u32::try_from(power).expect("few digits"))
}

/// Reads digits with a sign and a decimal mark: the digits as a whole number, and how many of them are decimals.
fn plain_number(cell: &str, mark: DecimalMark) -> Option<(BigInt, usize)> {
    let point = if mark == DecimalMark::Comma { ',' } else { '.' };
    let (whole, fraction) = cell.split_once(point).unwrap_or((cell, ""));
    let unsigned = whole.strip_prefix(['-', '+']).unwrap_or(whole);
    let is_plain = !unsigned.is_empty() && unsigned.len() + fraction.len() < 400;
    let are_digits = unsigned.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit());
    (is_plain && are_digits)
        .then(|| (format!("{whole}{fraction}").parse().ok(), fraction.len()))
        .and_then(|(digits, scale)| Some((digits?, scale)))
}
