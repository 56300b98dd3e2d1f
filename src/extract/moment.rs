//! Dates, times of day and timestamps counted from 1970 → ISO text.
//!
//! In: a count and its unit. Out: text with as many decimals of a second as the value has, in threes. Deliberately
//! without zones: what has one is counted in UTC, and gets the `Z` that the caller says. A day beyond what a calendar of
//! 262,000 years holds stays the number that it was written as.

use std::fmt::Write as _;

use chrono::{DateTime, Datelike as _, NaiveDate};

/// Days between 1 January of year 1 and 1970, counted from 1.
const EPOCH_DAYS: i64 = 719_163;

const DAY_SECONDS: i64 = 86_400;

/// Writes a day.
pub(super) fn date(days: i64, text: &mut String) {
    match i32::try_from(days.saturating_add(EPOCH_DAYS)).ok().and_then(NaiveDate::from_num_days_from_ce_opt) {
        Some(day) => write_day(day, text),
        None => {
            let _ = write!(text, "{days}");
        }
    }
}

/// Writes a time of day, counted in parts of a second.
pub(super) fn time(value: i64, per_second: i64, text: &mut String) {
    if !(0..DAY_SECONDS.saturating_mul(per_second)).contains(&value) {
        let _ = write!(text, "{value}");
        return;
    }
    clock(value / per_second, value % per_second, per_second, text);
}

/// Writes a timestamp, counted in parts of a second, with what stands for its zone.
pub(super) fn timestamp(value: i64, per_second: i64, zone: &str, text: &mut String) {
    let (seconds, part) = (value.div_euclid(per_second), value.rem_euclid(per_second));
    let Some(moment) = DateTime::from_timestamp(seconds, 0) else {
        let _ = write!(text, "{value}");
        return;
    };
    write_day(moment.date_naive(), text);
    text.push('T');
    clock(seconds.rem_euclid(DAY_SECONDS), part, per_second, text);
    text.push_str(zone);
}

fn write_day(day: NaiveDate, text: &mut String) {
    let year = day.year();
    let _ = match year {
        0..=9_999 => write!(text, "{year:04}-{:02}-{:02}", day.month(), day.day()),
        _ => write!(text, "{year:+05}-{:02}-{:02}", day.month(), day.day()),
    };
}

/// Writes seconds of a day and a part of a second.
fn clock(seconds: i64, part: i64, per_second: i64, text: &mut String) {
    let _ = write!(text, "{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let (mut part, mut per_second, mut digits) = (part, per_second, 0);
    let mut scale = per_second;
    while scale > 1 {
        (scale, digits) = (scale / 10, digits + 1);
    }
    while part > 0 && per_second > 1_000 && part % 1_000 == 0 {
        (part, per_second, digits) = (part / 1_000, per_second / 1_000, digits - 3);
    }
    if part > 0 {
        let _ = write!(text, ".{part:0digits$}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(write: impl Fn(&mut String)) -> String {
        let mut text = String::new();
        write(&mut text);
        text
    }

    #[test]
    fn days_are_iso_dates_as_far_as_there_is_a_calendar() {
        for (days, text) in [
            (0, "1970-01-01"),
            (-719_162, "0001-01-01"),
            (2_932_896, "9999-12-31"),
            (2_932_897, "+10000-01-01"),
            (-719_529, "-0001-12-31"),
            (i64::MAX, "9223372036854775807"),
        ] {
            assert_eq!(shown(|out| date(days, out)), text);
        }
    }

    #[test]
    fn parts_of_a_second_are_shown_in_threes() {
        for (value, per_second, text) in [
            (0, 1, "1970-01-01T00:00:00Z"),
            (-1, 1_000, "1969-12-31T23:59:59.999Z"),
            (1_500_000, 1_000_000, "1970-01-01T00:00:01.500Z"),
            (1, 1_000_000, "1970-01-01T00:00:00.000001Z"),
            (1_000_000_001, 1_000_000_000, "1970-01-01T00:00:01.000000001Z"),
            (i64::MIN, 1, "-9223372036854775808"),
        ] {
            assert_eq!(shown(|out| timestamp(value, per_second, "Z", out)), text);
        }
        assert_eq!(shown(|out| time(86_399_999, 1_000, out)), "23:59:59.999");
        assert_eq!(shown(|out| time(86_400_000, 1_000, out)), "86400000");
    }
}
