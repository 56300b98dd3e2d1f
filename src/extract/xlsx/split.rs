//! Sheet cells → text, as a person reads them in the sheet.
//!
//! In: a sheet row. Out: a row whose original text is the cells with tabs between them. Dates become ISO text in both
//! epochs; a number keeps the shortest text that reads back as itself. Deliberately ignores number formats: `12.5` stays
//! `12.5` where the sheet shows `13`.

use calamine::{Data, ExcelDateTime};
use chrono::{NaiveDate, TimeDelta};

use crate::extract::{number_text, row::Row};

/// Fills a started row.
pub(super) fn cut(cells: &[Data], row: &mut Row) {
    for cell in cells {
        row.push_joined(text(cell).as_deref());
    }
}

fn text(cell: &Data) -> Option<String> {
    Some(match cell {
        Data::Empty => return None,
        Data::String(text) | Data::DurationIso(text) => text.clone(),
        Data::Int(value) => value.to_string(),
        Data::Float(value) => number_text(*value),
        Data::Bool(value) => value.to_string(),
        Data::Error(error) => error.to_string(),
        Data::DateTimeIso(text) => iso(text),
        Data::DateTime(serial) if serial.is_duration() => duration(serial.as_f64()),
        Data::DateTime(serial) => date(serial),
    })
}

/// Writes `2024-01-31T00:00:00` as other dates are written here.
fn iso(text: &str) -> String {
    let text = text.replacen('T', " ", 1);
    let midnight = [" 00:00:00.000", " 00:00:00"].iter().find_map(|time| text.strip_suffix(time));
    midnight.map(str::to_owned).unwrap_or(text)
}

fn date(serial: &ExcelDateTime) -> String {
    let value = serial.as_f64();
    if (0.0..1.0).contains(&value) {
        // No day: a time alone.
        return duration(value);
    }
    let (year, month, day, hour, minute, second, millisecond) = serial.to_ymd_hms_milli();
    let time = NaiveDate::from_ymd_opt(year.into(), month.into(), day.into())
        .and_then(|date| date.and_hms_milli_opt(hour.into(), minute.into(), second.into(), millisecond.into()));
    match time {
        Some(time) if value > 0.0 => {
            // A serial has no exact seconds: what lies within two milliseconds of one is one.
            let near = time + TimeDelta::milliseconds(2);
            let time = if near.and_utc().timestamp_subsec_millis() <= 4 { near } else { time };
            let has_parts = near.and_utc().timestamp_subsec_millis() > 4;
            let pattern = if has_parts { "%Y-%m-%d %H:%M:%S%.3f" } else { "%Y-%m-%d %H:%M:%S" };
            iso(&time.format(pattern).to_string())
        }
        // The day that Excel invented, 1900-02-29, and what lies before all days.
        _ => number_text(value),
    }
}

/// Writes a part or multiple of a day as hours, minutes and seconds.
fn duration(days: f64) -> String {
    let seconds =
        TimeDelta::try_milliseconds(milliseconds(days)).map_or(0, |time| (time.num_milliseconds() + 500) / 1_000);
    format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a float beyond the range becomes the range's end, hours without meaning"
)]
fn milliseconds(days: f64) -> i64 {
    (days.max(0.0) * 86_400_000.0).round().min(1e15) as i64
}

#[cfg(test)]
mod tests {
    use calamine::ExcelDateTimeType;

    use super::*;

    fn serial(value: f64, kind: ExcelDateTimeType, is_1904: bool) -> Option<String> {
        text(&Data::DateTime(ExcelDateTime::new(value, kind, is_1904)))
    }

    #[test]
    fn dates_are_iso_in_both_epochs() {
        let day = |value, is_1904| serial(value, ExcelDateTimeType::DateTime, is_1904);
        assert_eq!(day(45_351.0, false).as_deref(), Some("2024-02-29"));
        assert_eq!(day(45_351.0 - 1_462.0, true).as_deref(), Some("2024-02-29"));
        assert_eq!(day(45_943.541, false).as_deref(), Some("2025-10-13 12:59:02.400"));
        assert_eq!(day(45_351.0 + 0.1 + 0.2, false).as_deref(), Some("2024-02-29 07:12:00"));
        assert_eq!(day(45_351.999_999_99, false).as_deref(), Some("2024-03-01"));
        assert_eq!(day(1.0, false).as_deref(), Some("1900-01-01"));
        assert_eq!(day(60.0, false).as_deref(), Some("60"));
        assert_eq!(day(0.75, false).as_deref(), Some("18:00:00"));
        assert_eq!(day(-3.5, false).as_deref(), Some("-3.5"));
    }

    #[test]
    fn durations_count_hours_beyond_a_day() {
        assert_eq!(serial(1.5, ExcelDateTimeType::TimeDelta, false).as_deref(), Some("36:00:00"));
    }

    #[test]
    fn numbers_keep_their_value() {
        let number = |value| text(&Data::Float(value));
        assert_eq!(number(12.0).as_deref(), Some("12"));
        assert_eq!(number(0.1).as_deref(), Some("0.1"));
        assert_eq!(number(-0.0).as_deref(), Some("0"));
        assert_eq!(number(1_234_567_890_123_456.0).as_deref(), Some("1234567890123456"));
        assert_eq!(number(1e21).as_deref(), Some("1000000000000000000000"));
    }

    #[test]
    fn iso_texts_look_like_other_dates() {
        assert_eq!(iso("2024-01-31T00:00:00"), "2024-01-31");
        assert_eq!(iso("2024-01-31T10:20:30"), "2024-01-31 10:20:30");
    }
}
