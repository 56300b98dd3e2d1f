//! Cell values → text, as a person reads them in the sheet.
//!
//! In: numbers as stored and the kind of their number format. Out: text. Dates become ISO text in both epochs; a number
//! has the digits that a wide cell shows. Deliberately ignores every other number format: `12.5` stays `12.5`
//! where the sheet shows `13`, and `50%` is `0.5`.

use std::fmt::Write as _;

use calamine::{Data, ExcelDateTime, ExcelDateTimeType};

use crate::extract::number_text;

const DAY: i64 = 86_400_000;

/// The first serial that is no day: 9999-12-31 is the last one.
const LAST_DAY: f64 = 2_958_466.0;

/// Days from 1970 to 9999-12-31.
const LAST_SINCE_1970: i64 = 2_932_896;

/// What a number means by its format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Kind {
    #[default]
    Number,
    /// A day, a time of day, or both.
    Date,
    /// Hours that do not end at midnight.
    Duration,
}

impl Kind {
    /// Returns the kind of a number format that every workbook has.
    pub(super) const fn of_builtin(id: u32) -> Self {
        match id {
            // 27..=36 and 50..=58 are dates in Chinese, Japanese and Korean; 71..=81 in Thai.
            14..=22 | 27..=36 | 45 | 47 | 50..=58 | 71..=81 => Self::Date,
            46 => Self::Duration,
            _ => Self::Number,
        }
    }

    /// Returns the kind of a number format as it is written: its first section counts that shows a value at all.
    pub(super) fn of_format(code: &str) -> Self {
        let mut letters = code.chars();
        let mut has_word = false;
        loop {
            let rest = letters.as_str();
            let (word, rest) = rest.split_at(rest.find(|letter: char| !is_of_word(letter)).unwrap_or(rest.len()));
            if is_date(word) {
                return Self::Date;
            }
            has_word |= !word.is_empty();
            letters = rest.chars();
            match letters.next() {
                None | Some('0' | '#' | '?' | '@') => return Self::Number,
                Some(';') if has_word => return Self::Number,
                Some('年' | '月' | '日') => return Self::Date,
                Some('\\' | '_' | '*') => _ = letters.next(),
                Some('"') => _ = letters.find(|letter| *letter == '"'),
                Some('[') => {
                    let inside: String = letters.by_ref().take_while(|letter| *letter != ']').collect();
                    let is_hours = !inside.is_empty() && inside.chars().all(|letter| "hmsHMS".contains(letter));
                    if is_hours {
                        return Self::Duration;
                    }
                }
                Some(_) => {}
            }
        }
    }
}

/// Returns whether a letter of a number format belongs to a word with those beside it; `年` and the like stand alone.
fn is_of_word(letter: char) -> bool {
    letter.is_alphabetic() && letter < '\u{2E80}'
}

/// Returns whether a word of a number format stands for a day or a time; `General` and `Rs` do not.
fn is_date(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    if word.contains(['y', 'm', 'd', 'h', 's']) {
        return word.chars().all(|letter| "ymdhsegbap".contains(letter));
    }
    // The year of an era, behind the era's name or alone; the year of the Buddha; the day of the week.
    let year = word.trim_start_matches('g');
    let is_year = !year.is_empty() && year.chars().all(|letter| letter == 'e');
    is_year || matches!(word.as_str(), "bb" | "bbbb" | "aaa" | "aaaa")
}

/// Appends a number as it is stored in a file: `1.50`, `4.5351E4`.
pub(super) fn push_stored(stored: &str, kind: Kind, is_1904: bool, text: &mut String) {
    let stored = stored.trim_ascii();
    if kind == Kind::Number && is_shortest(stored.as_bytes()) {
        text.push_str(stored);
        return;
    }
    match stored.parse::<f64>() {
        Ok(value) => push(value, kind, is_1904, text),
        Err(_) => text.push_str(stored),
    }
}

/// Returns whether a number is written as [`shown`] would: what has at most 15 digits is read back from them, and nothing
/// shorter is.
fn is_shortest(stored: &[u8]) -> bool {
    let digits = stored.strip_prefix(b"-").unwrap_or(stored);
    let (mut count, mut point) = (0, None);
    for (at, letter) in digits.iter().enumerate() {
        match letter {
            b'0'..=b'9' => count += 1,
            b'.' if point.is_none() => point = Some(at),
            _ => return false,
        }
    }
    let whole = point.unwrap_or(digits.len());
    let has_leading_zero = whole > 1 && digits[0] == b'0';
    let is_zero = digits == b"0" && stored.len() > 1;
    let ends_well = point.is_none_or(|point| digits.len() > point + 1 && digits[digits.len() - 1] != b'0');
    (1..=15).contains(&count) && whole > 0 && !has_leading_zero && !is_zero && ends_well
}

/// Appends a number, a date or a duration.
pub(super) fn push(value: f64, kind: Kind, is_1904: bool, text: &mut String) {
    match kind {
        Kind::Duration if (0.0..LAST_DAY).contains(&value) => push_time(milliseconds(value), text),
        Kind::Date if (0.0..1.0).contains(&value) && !rounds_to_day(value) => push_time(milliseconds(value), text),
        Kind::Date => match day(value, is_1904) {
            Some((days, rest)) => push_moment(days, rest, text),
            None => text.push_str(&number_text(value)),
        },
        _ => text.push_str(&shown(value)),
    }
}

/// Returns a number as a wide cell shows it. Of a fraction that is 15 significant digits at most: what a double has beyond
/// them are the leavings of arithmetic. A whole number has all its digits.
fn shown(value: f64) -> String {
    let is_whole = value.fract() == 0.0;
    number_text(if is_whole { value } else { format!("{value:.14e}").parse().unwrap_or(value) })
}

fn rounds_to_day(value: f64) -> bool {
    milliseconds(value) >= DAY
}

/// Returns the days since 1970 and the milliseconds of a serial; None for what is no day: before the first one, behind the
/// last one, and the 29th of February that Excel invented for 1900.
fn day(value: f64, is_1904: bool) -> Option<(i64, i64)> {
    if !(0.0..LAST_DAY).contains(&value) {
        return None;
    }
    let time = milliseconds(value);
    let (serial, rest) = (time / DAY, time % DAY);
    let days = match (is_1904, serial) {
        (true, _) => serial - 24_107,
        (false, 1..60) => serial - 25_568,
        (false, 0 | 60) => return None,
        (false, _) => serial - 25_569,
    };
    (days <= LAST_SINCE_1970).then_some((days, rest))
}

/// Rounds to milliseconds, and to a second what lies within two milliseconds of it: a serial has no exact seconds.
#[expect(clippy::cast_possible_truncation, reason = "the callers have compared it with the last day")]
fn milliseconds(days: f64) -> i64 {
    let time = (days * 86_400_000.0).round() as i64;
    match time % 1_000 {
        rest @ 0..=2 => time - rest,
        rest @ 998..=999 => time + 1_000 - rest,
        _ => time,
    }
}

fn push_moment(days: i64, rest: i64, text: &mut String) {
    let (year, month, day) = civil(days);
    // Writing to a text cannot fail.
    let _ = write!(text, "{year:04}-{month:02}-{day:02}");
    if rest > 0 {
        text.push(' ');
        push_time(rest, text);
    }
}

fn push_time(time: i64, text: &mut String) {
    let (seconds, rest) = (time / 1_000, time % 1_000);
    let _ = write!(text, "{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if rest > 0 {
        let _ = write!(text, ".{rest:03}");
    }
}

/// Returns year, month and day of the days since 1970, by eras of 400 years that begin in March.
const fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + if month <= 2 { 1 } else { 0 }, month, day)
}

/// Appends `2024-01-31T00:00:00` as other dates are written here.
pub(super) fn push_iso(iso: &str, text: &mut String) {
    let Some((day, time)) = iso.split_once(['T', ' ']) else { return text.push_str(iso) };
    text.push_str(day);
    let is_midnight = time.bytes().all(|letter| matches!(letter, b'0' | b':' | b'.'));
    if !is_midnight {
        text.push(' ');
        text.push_str(time);
    }
}

/// Appends a duration of the form `PT36H00M00S` as hours, minutes and seconds; another text as it is.
pub(super) fn push_iso_duration(iso: &str, text: &mut String) {
    match iso_milliseconds(iso) {
        Some(time) => push_time(time, text),
        None => text.push_str(iso),
    }
}

fn iso_milliseconds(iso: &str) -> Option<i64> {
    let mut rest = iso.strip_prefix('P')?;
    let (mut is_time, mut sum) = (false, 0.0);
    while !rest.is_empty() {
        if let Some(time) = rest.strip_prefix('T') {
            (is_time, rest) = (true, time);
            continue;
        }
        let end = rest.find(|letter: char| letter.is_ascii_alphabetic())?;
        let unit = match (rest.as_bytes()[end], is_time) {
            (b'D', false) => 86_400.0,
            (b'H', true) => 3_600.0,
            (b'M', true) => 60.0,
            (b'S', true) => 1.0,
            _ => return None,
        };
        sum += rest[..end].replace(',', ".").parse::<f64>().ok()? * unit;
        rest = &rest[end + 1..];
    }
    let days = sum / 86_400.0;
    (0.0..LAST_DAY).contains(&days).then(|| milliseconds(days))
}

/// Appends a cell as calamine gives it.
pub(super) fn push_data(cell: &Data, text: &mut String) {
    match cell {
        Data::Empty => {}
        Data::String(value) => text.push_str(value),
        Data::DurationIso(value) => push_iso_duration(value, text),
        Data::Int(value) => _ = write!(text, "{value}"),
        Data::Float(value) => push(*value, Kind::Number, false, text),
        Data::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
        Data::Error(error) => _ = write!(text, "{error}"),
        Data::DateTimeIso(value) => push_iso(value, text),
        Data::DateTime(serial) => push_serial(serial, text),
    }
}

fn push_serial(serial: &ExcelDateTime, text: &mut String) {
    let kind = if serial.is_duration() { Kind::Duration } else { Kind::Date };
    // Calamine hides the epoch; a serial of 1904 differs from one of 1900 in what day it is.
    let is_1904 = *serial != ExcelDateTime::new(serial.as_f64(), kind_of(serial), false);
    push(serial.as_f64(), kind, is_1904, text);
}

fn kind_of(serial: &ExcelDateTime) -> ExcelDateTimeType {
    if serial.is_duration() { ExcelDateTimeType::TimeDelta } else { ExcelDateTimeType::DateTime }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: f64, kind: Kind, is_1904: bool) -> String {
        let mut text = String::new();
        push(value, kind, is_1904, &mut text);
        text
    }

    #[test]
    fn dates_are_iso_in_both_epochs() {
        let day = |value, is_1904| text(value, Kind::Date, is_1904);
        assert_eq!(day(45_351.0, false), "2024-02-29");
        assert_eq!(day(45_351.0 - 1_462.0, true), "2024-02-29");
        assert_eq!(day(45_943.541, false), "2025-10-13 12:59:02.400");
        assert_eq!(day(45_351.0 + 0.1 + 0.2, false), "2024-02-29 07:12:00");
        assert_eq!(day(45_351.999_999_99, false), "2024-03-01");
        assert_eq!(day(1.0, false), "1900-01-01");
        assert_eq!(day(59.0, false), "1900-02-28");
        assert_eq!(day(60.0, false), "60");
        assert_eq!(day(61.0, false), "1900-03-01");
        assert_eq!(day(1.0, true), "1904-01-02");
        assert_eq!(day(2_958_465.0, false), "9999-12-31");
        assert_eq!(day(2_958_466.0, false), "2958466");
        assert_eq!(day(2_958_465.999_999_999_5, false), "2958465.9999999995");
        assert_eq!(day(2_957_003.0, true), "9999-12-31");
        assert_eq!(day(2_957_004.0, true), "2957004");
        assert_eq!(day(2_958_465.0, true), "2958465");
        assert_eq!(day(0.75, false), "18:00:00");
        assert_eq!(day(0.0, false), "00:00:00");
        assert_eq!(day(-3.5, false), "-3.5");
        assert_eq!(day(f64::NAN, false), "NaN");
    }

    #[test]
    fn calamine_agrees_with_our_calendar() {
        for (serial, is_1904) in (61..2_900_000).step_by(97).flat_map(|serial| [(serial, false), (serial, true)]) {
            let theirs = ExcelDateTime::new(f64::from(serial), ExcelDateTimeType::DateTime, is_1904);
            let (year, month, day, ..) = theirs.to_ymd_hms_milli();
            let mut ours = String::new();
            push_data(&Data::DateTime(theirs), &mut ours);
            assert_eq!(ours, format!("{year:04}-{month:02}-{day:02}"), "{serial} {is_1904}");
        }
    }

    #[test]
    fn durations_count_hours_beyond_a_day() {
        assert_eq!(text(1.5, Kind::Duration, false), "36:00:00");
        assert_eq!(text(-0.5, Kind::Duration, false), "-0.5");
        let mut iso = String::new();
        push_iso_duration("PT36H05M00.5S", &mut iso);
        assert_eq!(iso, "36:05:00.500");
    }

    #[test]
    fn numbers_keep_their_value() {
        let stored = |stored: &str| {
            let mut text = String::new();
            push_stored(stored, Kind::Number, false, &mut text);
            text
        };
        for (written, expected) in [
            ("12", "12"),
            ("12.0", "12"),
            ("0.10000000000000001", "0.1"),
            ("-0", "0"),
            ("0", "0"),
            ("007", "7"),
            (".5", "0.5"),
            ("5.", "5"),
            ("1.50", "1.5"),
            ("1234567890123456", "1234567890123456"),
            ("1234567890123456789", "1234567890123456800"),
            ("1E21", "1000000000000000000000"),
            ("-1.5e-3", "-0.0015"),
            ("6.600000000000001", "6.6"),
            ("-0.30000000000000004", "-0.3"),
            ("2.9999999999999996", "3"),
            ("1.23456789012345678E-7", "0.000000123456789012346"),
            ("0.3333333333333333", "0.333333333333333"),
            ("1234567890123.4567", "1234567890123.46"),
            ("99999999999999.98", "100000000000000"),
            (" 7 ", "7"),
            ("seven", "seven"),
        ] {
            assert_eq!(stored(written), expected, "{written}");
        }
    }

    #[test]
    fn what_counts_as_shortest_is_what_reading_and_writing_gives() {
        for text in ["1", "10", "0.5", "123456789012345", "0.00001", "-3.25", "99999.9999999999", "0", "100.01"] {
            assert!(is_shortest(text.as_bytes()), "{text}");
            assert_eq!(shown(text.parse().unwrap_or(f64::NAN)), text);
        }
    }

    #[test]
    fn formats_say_what_is_a_date() {
        for code in [
            "yyyy/m/d",
            "[$-804]yyyy\"年\"m\"月\"",
            "h:mm AM/PM",
            "[Red]d-mmm;0",
            "mm:ss.0",
            "[$-411]e.m",
            "上午/下午hh",
            "hA/P",
            "e/m/d",
            "ee",
            "[$-411]ggge\"年\"m\"月\"",
            "ggge",
            "[$-411]ge.m.d",
            "aaaa",
            "[$-804]aaa;@",
            "bbbb",
            "TT.MM.JJJJ",
            "yyyy年m月d日",
            "\"\";yyyy-mm-dd",
            "[=0]\"\";yyyy-mm-dd",
            "[=0]-;;d/m",
        ] {
            assert_eq!(Kind::of_format(code), Kind::Date, "{code}");
        }
        for code in ["[h]:mm:ss", "[mm]:ss", "[SS]", "\"\";[h]:mm"] {
            assert_eq!(Kind::of_format(code), Kind::Duration, "{code}");
        }
        for code in [
            "General",
            "0.00E+00",
            "#,##0.00\"d\"",
            "[Red]0",
            "\\d0",
            "0_d",
            "0;yyyy",
            "@",
            "",
            "##0.0e+0",
            "[$￥-804]0",
            "GENERAL",
            "General\" kg\"",
            "General_)",
            "[Red]General",
            "[DBNum1][$-804]General",
            "General;[Red]-General",
            "General;yyyy",
            "\"€\" General",
            "G/通用格式",
            "Standard",
            "Estándar",
            "Rs.#,##0",
            "0 E",
            "0年",
            "0.0 m",
            "\"\";0;yyyy",
        ] {
            assert_eq!(Kind::of_format(code), Kind::Number, "{code}");
        }
    }

    #[test]
    fn iso_texts_look_like_other_dates() {
        let iso = |iso: &str| {
            let mut text = String::new();
            push_iso(iso, &mut text);
            text
        };
        assert_eq!(iso("2024-01-31T00:00:00"), "2024-01-31");
        assert_eq!(iso("2024-01-31T10:20:30"), "2024-01-31 10:20:30");
        assert_eq!(iso("2024-01-31"), "2024-01-31");
    }
}
