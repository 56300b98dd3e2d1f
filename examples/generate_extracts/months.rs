//! Months: first days of months, quarters and clock times.

use chrono::{Datelike, Days, Months, NaiveDate, NaiveDateTime, TimeDelta};

use crate::random::Dice;

/// Builds a date that is known to exist.
pub fn date(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap()
}

/// Gives the first day of the month of `day`.
pub fn first_of(day: NaiveDate) -> NaiveDate {
    date(day.year(), day.month(), 1)
}

/// Moves a first day by whole months, back for negative numbers.
pub fn add(month: NaiveDate, count: i64) -> NaiveDate {
    let months = Months::new(u32::try_from(count.abs()).unwrap());
    if count < 0 { month.checked_sub_months(months).unwrap() } else { month.checked_add_months(months).unwrap() }
}

/// Moves a date by days, back for negative numbers.
pub fn add_days(day: NaiveDate, count: i64) -> NaiveDate {
    let days = Days::new(count.unsigned_abs());
    if count < 0 { day.checked_sub_days(days).unwrap() } else { day.checked_add_days(days).unwrap() }
}

/// Counts the months from one first day to another.
pub fn between(from: NaiveDate, to: NaiveDate) -> i64 {
    i64::from(to.year() - from.year()) * 12 + i64::from(to.month()) - i64::from(from.month())
}

/// Lists `count` first days of months, the last one holding `end`.
pub fn ending(end: NaiveDate, count: i64) -> Vec<NaiveDate> {
    let last = first_of(end);
    (0..count).map(|i| add(last, i + 1 - count)).collect()
}

/// Draws a day of the `months` months that begin with `month`.
pub fn day_within(dice: &mut Dice, month: NaiveDate, months: i64) -> NaiveDate {
    let length = (add(month, months) - month).num_days();
    add_days(month, dice.between(0, length - 1))
}

/// Draws a minute of the working hours of a day, now and then of the night.
pub fn time_on(dice: &mut Dice, day: NaiveDate) -> NaiveDateTime {
    let (from, to) = if dice.chance(0.08) { (0, 1439) } else { (8 * 60, 18 * 60) };
    day.and_hms_opt(0, 0, 0).unwrap() + TimeDelta::minutes(dice.between(from, to))
}

/// Names the quarter, as in `2025Q1`.
pub fn quarter(month: NaiveDate) -> String {
    format!("{}Q{}", month.year(), month.month0() / 3 + 1)
}

/// Names the day as file names carry it, as in `20250402`.
pub fn stamp(day: NaiveDate) -> String {
    day.format("%Y%m%d").to_string()
}
