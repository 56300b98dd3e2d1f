//! Dates in the forms in which people write them.
//!
//! In: a text. Out: the day as `2008-02-28`, its digits and its year, and the days since 1970 to count with; None for what is no
//! day, for days before 1850 or more than 200 years later, and for the days that stand for nothing in other systems.

use chrono::{Datelike, NaiveDate};
use unicode_normalization::UnicodeNormalization;

use super::{Draft, FormName};

/// Years in which something may have happened.
const YEARS: std::ops::RangeInclusive<i32> = 1850..=2149;
/// Days that systems write for none: the first ones of Excel, of SQL Server and of Unix.
const FILLERS: [(i32, u32, u32); 4] = [(1900, 1, 1), (1899, 12, 30), (1899, 12, 31), (1970, 1, 1)];
/// The beginnings of English names of months.
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// Prepares a date; None when it is no plausible day.
pub fn prepare(text: &str) -> Option<Draft> {
    let day = parse(text).filter(|day| YEARS.contains(&day.year()))?;
    if FILLERS.contains(&(day.year(), day.month(), day.day())) {
        return None;
    }
    let since = day.signed_duration_since(NaiveDate::default()).num_days();
    let mut draft = Draft::counting(f64::from(i32::try_from(since).ok()?));
    draft.put(FormName::Normal, day.format("%Y-%m-%d").to_string());
    draft.put(FormName::Digits, day.format("%Y%m%d").to_string());
    draft.put(FormName::Year, day.format("%Y").to_string());
    Some(draft)
}

fn parse(text: &str) -> Option<NaiveDate> {
    let text: String = text.trim().nfkc().flat_map(char::to_lowercase).collect();
    let parts: Vec<&str> = text
        .split(|sign: char| !sign.is_ascii_digit() && !sign.is_ascii_lowercase())
        .map(before_the_time)
        .filter(|part| !part.is_empty())
        .collect();
    match parts[..] {
        [digits] => compact(digits),
        [first, second, third, ..] => three(first, second, third),
        _ => None,
    }
}

/// Cuts `28t10` of a timestamp to its day.
fn before_the_time(part: &str) -> &str {
    match part.split_once('t') {
        Some((day, hour))
            if !day.is_empty() && [day, hour].iter().all(|part| part.bytes().all(|sign| sign.is_ascii_digit())) =>
        {
            day
        }
        _ => part,
    }
}

/// Reads 20080228 and 28022008.
fn compact(digits: &str) -> Option<NaiveDate> {
    if !digits.bytes().all(|digit| digit.is_ascii_digit()) || digits.len() != 8 {
        return None;
    }
    let year = |start: usize| digits.get(start..start + 4)?.parse().ok();
    let pair = |start: usize| digits.get(start..start + 2)?.parse().ok();
    let forwards = day(year(0)?, pair(4)?, pair(6)?);
    let forwards = forwards.filter(|day| YEARS.contains(&day.year()));
    forwards.or_else(|| day(year(4)?, pair(2)?, pair(0)?))
}

fn three(first: &str, second: &str, third: &str) -> Option<NaiveDate> {
    if first.len() == 4 {
        return day(first.parse().ok()?, month(second)?, third.parse().ok()?);
    }
    let year: i32 = third.parse().ok()?;
    let year = if third.len() == 2 { if year < 50 { 2000 + year } else { 1900 + year } } else { year };
    if first.bytes().all(|sign| sign.is_ascii_lowercase()) {
        return day(year, month(first)?, ordinal(second)?);
    }
    // 28.02.2008 is tried first, the American 02/28/2008 where that is no day.
    let (left, right) = (ordinal(first)?, second);
    day(year, month(right).unwrap_or(0), left).or_else(|| day(year, left, ordinal(right)?))
}

fn ordinal(number: &str) -> Option<u32> {
    number.trim_end_matches(|sign: char| sign.is_ascii_lowercase()).parse().ok()
}

fn month(text: &str) -> Option<u32> {
    let named = text.get(..3).and_then(|start| MONTHS.iter().position(|month| *month == start));
    named.and_then(|position| u32::try_from(position + 1).ok()).or_else(|| text.parse().ok())
}

fn day(year: i32, month: u32, day: u32) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(year, month, day)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn normal(text: &str) -> String {
        prepare(text).map(|draft| draft.get(FormName::Normal).to_owned()).unwrap_or_default()
    }

    #[test]
    fn spellings_of_one_day_are_one_day() {
        for text in [
            "2008-02-28",
            "2008/2/28",
            "2008.2.28",
            "20080228",
            "2008年2月28日",
            "28.02.2008",
            "28/2/2008",
            "02/28/2008",
            "28 Feb 2008",
            "Feb 28th, 2008",
            "28-FEB-08",
            "2008-02-28T10:00:00Z",
            "2008-02-28 10:00:00",
            "２００８年２月２８日",
            "28022008",
        ] {
            assert_eq!(normal(text), "2008-02-28", "{text}");
        }
        assert_eq!(normal("03/04/2008"), "2008-04-03");
    }

    #[test]
    fn what_is_no_plausible_day_is_none() {
        for text in
            ["", "0000-00-00", "1900-01-01", "9999-12-31", "19160017", "2008-02-30", "abc", "2008", "0101", "1-1"]
        {
            assert_eq!(normal(text), "", "{text}");
        }
        assert_eq!(prepare("1970-01-02").unwrap().quantity, Some(1.0));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_left(text in "\\PC{0,16}") {
            if let Some(draft) = prepare(&text) {
                prop_assert_eq!(normal(draft.get(FormName::Normal)), draft.get(FormName::Normal));
            }
        }
    }
}
