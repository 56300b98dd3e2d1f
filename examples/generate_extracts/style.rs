//! Styles: how one dealer, or one office, spells a value.
//!
//! Value → `Cell`. The words are this file's own: the reader finds its words in the contracts.

use chrono::{NaiveDate, NaiveDateTime};

use crate::file::{Cell, Dialect, Encoding, Layout, PLAIN};
use crate::months;
use crate::names::full_width;
use crate::random::Dice;
use crate::truth::decimal;

/// A value as it is meant.
#[derive(Clone)]
pub enum Value {
    Null,
    Text(String),
    /// A code that Chinese files carry as a word.
    Code(&'static str),
    Date(NaiveDate),
    Time(NaiveDateTime),
    /// Units of 10^-scale.
    Number(i64, u32),
    Flag(bool),
}

impl Value {
    /// Wraps a text.
    pub fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    /// Wraps a date that may be missing.
    pub fn date(day: Option<NaiveDate>) -> Self {
        day.map_or(Self::Null, Self::Date)
    }

    /// Wraps a text that may be missing.
    pub fn maybe(text: Option<&str>) -> Self {
        text.map_or(Self::Null, Self::text)
    }

    /// Wraps a time that may be missing.
    pub fn time(moment: Option<NaiveDateTime>) -> Self {
        moment.map_or(Self::Null, Self::Time)
    }
}

/// The spellings of a date.
#[derive(Clone, Copy, PartialEq)]
pub enum Dates {
    Iso,
    Chinese,
    Slashes,
    Dots,
    Serial,
    /// Real date cells of a workbook, some as text or serial numbers.
    Cells,
}

/// How somebody writes.
#[derive(Clone, Copy)]
pub struct Style {
    pub layout: Layout,
    pub is_chinese: bool,
    pub dates: Dates,
    pub decimal_comma: bool,
    pub thousands: bool,
    pub nulls: &'static [&'static str],
    /// Share of cells that are spelled untidily.
    pub untidy: f64,
}

/// Head office: tidy UTF-8 with codes.
pub const OFFICE: Style = Style {
    layout: Layout::Csv(PLAIN),
    is_chinese: false,
    dates: Dates::Iso,
    decimal_comma: false,
    thousands: false,
    nulls: &[""],
    untidy: 0.0,
};

const CHINESE: Style = Style {
    layout: Layout::Csv(Dialect { delimiter: ',', encoding: Encoding::Gb18030, line_end: "\r\n" }),
    is_chinese: true,
    dates: Dates::Iso,
    decimal_comma: false,
    thousands: false,
    nulls: &["", "", "无", "-", "NULL"],
    untidy: 0.01,
};

const ENGLISH: Style = Style {
    layout: Layout::Csv(Dialect { delimiter: ',', encoding: Encoding::Utf8Bom, line_end: "\n" }),
    is_chinese: false,
    nulls: &["", "", "NULL", "N/A", "-"],
    ..CHINESE
};

const OVERSEAS: Style = Style {
    layout: Layout::Csv(Dialect { delimiter: ';', encoding: Encoding::Utf8, line_end: "\r\n" }),
    dates: Dates::Dots,
    decimal_comma: true,
    nulls: &["", "-", "n/a"],
    ..ENGLISH
};

/// A workbook that people keep in Chinese.
pub const BOOK: Style = Style { layout: Layout::Workbook, dates: Dates::Cells, ..CHINESE };

/// Gives the style of one of the fourteen habits.
pub fn of(habit: usize) -> Style {
    match habit {
        0 => Style { dates: Dates::Chinese, ..CHINESE },
        1 => Style { dates: Dates::Slashes, thousands: true, ..CHINESE },
        2 | 3 => CHINESE,
        4 => Style { dates: Dates::Serial, ..CHINESE },
        5 => Style { thousands: true, ..ENGLISH },
        6 => Style { dates: Dates::Slashes, ..ENGLISH },
        7 => ENGLISH,
        10 => Style { thousands: true, ..OVERSEAS },
        11 | 12 => OVERSEAS,
        _ => BOOK,
    }
}

impl Style {
    /// Says whether the file is a workbook.
    pub fn is_book(&self) -> bool {
        matches!(self.layout, Layout::Workbook)
    }

    /// Spells a value.
    pub fn spell(&self, dice: &mut Dice, value: &Value) -> Cell {
        match value {
            Value::Null => self.null(dice),
            Value::Text(text) => Cell::Text(self.padded(dice, text)),
            Value::Code(code) => Cell::Text(self.word(code).to_owned()),
            Value::Date(day) => self.day(dice, *day),
            Value::Time(moment) => self.moment(*moment),
            Value::Number(units, scale) => self.number(dice, *units, *scale),
            Value::Flag(flag) => Cell::Text(self.flag(*flag).to_owned()),
        }
    }

    fn null(&self, dice: &mut Dice) -> Cell {
        let word = dice.pick(self.nulls);
        if word.is_empty() { Cell::Empty } else { Cell::Text(word.to_owned()) }
    }

    fn padded(&self, dice: &mut Dice, text: &str) -> String {
        if !dice.chance(self.untidy * 2.0) {
            return text.to_owned();
        }
        let blanks = dice.pick(&[" ", "  ", "\u{3000}"]);
        if dice.chance(0.3) && !text.is_empty() { format!(" {text}{blanks}") } else { format!("{text}{blanks}") }
    }

    fn word<'a>(&self, code: &'a str) -> &'a str {
        if self.is_chinese { chinese(code) } else { code }
    }

    fn flag(&self, flag: bool) -> &'static str {
        match (self.is_chinese, flag) {
            (true, true) => "是",
            (true, false) => "否",
            (false, true) => "yes",
            (false, false) => "no",
        }
    }

    fn day(&self, dice: &mut Dice, day: NaiveDate) -> Cell {
        let dates = match self.dates {
            Dates::Cells if dice.chance(0.85) => return Cell::Day(day),
            Dates::Cells => [Dates::Slashes, Dates::Chinese, Dates::Serial][dice.index(3)],
            other => other,
        };
        let text = match dates {
            Dates::Iso | Dates::Cells => day.to_string(),
            Dates::Chinese => day.format("%Y年%-m月%-d日").to_string(),
            Dates::Slashes => day.format("%Y/%-m/%-d").to_string(),
            Dates::Dots => day.format("%d.%m.%Y").to_string(),
            Dates::Serial => return Cell::Number(serial(day)),
        };
        Cell::Text(self.widened(dice, text))
    }

    fn moment(&self, moment: NaiveDateTime) -> Cell {
        let pattern = match self.dates {
            Dates::Cells => return Cell::Moment(moment),
            Dates::Slashes => "%Y/%-m/%-d %H:%M",
            Dates::Chinese => "%Y年%-m月%-d日 %H:%M",
            Dates::Dots => "%d.%m.%Y %H:%M",
            Dates::Iso | Dates::Serial => "%Y-%m-%d %H:%M:%S",
        };
        Cell::Text(moment.format(pattern).to_string())
    }

    fn number(&self, dice: &mut Dice, units: i64, scale: u32) -> Cell {
        let mut text = decimal(units, scale);
        if self.is_book() && dice.chance(0.97) {
            return Cell::Number(text);
        }
        if self.thousands || dice.chance(self.untidy) {
            text = grouped(&text);
        }
        if self.decimal_comma {
            text =
                text.chars().map(|c| [('.', ','), (',', '.')].iter().find(|p| p.0 == c).map_or(c, |p| p.1)).collect();
        }
        Cell::Text(self.widened(dice, text))
    }

    fn widened(&self, dice: &mut Dice, text: String) -> String {
        if self.is_chinese && dice.chance(self.untidy) { full_width(&text) } else { text }
    }
}

/// Days since the end of 1899, as Excel counts them.
fn serial(day: NaiveDate) -> String {
    (day - months::date(1899, 12, 30)).num_days().to_string()
}

/// Puts a comma between groups of three digits.
fn grouped(text: &str) -> String {
    let (whole, rest) = text.split_once('.').map_or((text, None), |(whole, rest)| (whole, Some(rest)));
    let digits = whole.trim_start_matches('-');
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    let sign = if whole.starts_with('-') { "-" } else { "" };
    rest.map_or_else(|| format!("{sign}{out}"), |rest| format!("{sign}{out}.{rest}"))
}

/// Gives the word that Chinese files use for a code.
fn chinese(code: &str) -> &str {
    match code {
        "machine" => "整机",
        "part" => "配件",
        "service" => "服务",
        "return" => "退货",
        "standard" => "标准",
        "custom" => "特殊定制",
        "direct" => "直销",
        "dealer" => "经销",
        "online" => "线上",
        "tender" => "招标",
        "cash" => "现款",
        "credit" => "赊销",
        "lease" => "融资租赁",
        "normal" => "正常",
        "high_temperature" => "高温",
        "plateau" => "高原",
        "dusty" => "粉尘",
        "severe_cold" => "严寒",
        "CN" => "中国",
        _ => stage(code),
    }
}

fn stage(code: &str) -> &str {
    match code {
        "received" => "接收订单",
        "checked" => "核对订单",
        "entered" => "创建(修改)订单",
        "confirmed" => "核对销售订单",
        "posted" => "过账发货",
        "picked" => "货物捡配",
        "shipped" => "货物发运",
        "accepted" => "顾客接收",
        other => other,
    }
}
