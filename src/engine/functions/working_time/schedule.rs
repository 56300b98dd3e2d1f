//! When work is done: a calendar, a zone and opening hours as instants.
//!
//! Opening hours become intervals of instants once, with the working time that lies before each; the time between two
//! instants is then a difference of two look-ups. So it adds up over adjacent spans by construction, whatever the clocks do.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone};
use chrono_tz::Tz;
use datafusion::error::Result;

use super::{super::local_time, calendar::Calendar, hours};

const MICROSECONDS_OF_MINUTE: i64 = 60_000_000;
const MINUTES_OF_DAY: u32 = 24 * 60;

/// Work as intervals of instants, in microseconds since 1970 UTC.
#[derive(Debug)]
pub(super) struct Schedule {
    zone: Tz,
    /// From the first day's midnight to the last one's.
    known: (i64, i64),
    work: Intervals,
    /// Opening hours of days that the calendar does not know.
    unknown: Intervals,
    working_days: Vec<i32>,
    unknown_days: Vec<i32>,
}

/// Intervals in order, each with the length of those before it.
#[derive(Debug, Default)]
struct Intervals(Vec<(i64, i64, i64)>);

impl Intervals {
    fn push(&mut self, from: i64, to: i64) {
        let before = self.0.last().map_or(0, |(from, to, before)| before + (to - from));
        if from < to {
            self.0.push((from, to, before));
        }
    }

    /// Returns the length of what lies before an instant.
    fn before(&self, instant: i64) -> i64 {
        let next = self.0.partition_point(|(from, _, _)| *from < instant);
        next.checked_sub(1).map_or(0, |last| {
            let (from, to, before) = self.0[last];
            before + instant.min(to) - from
        })
    }
}

impl Schedule {
    /// Makes the schedule of a calendar; without hours, only days can be counted.
    ///
    /// # Errors
    /// When the text is no opening hours.
    pub fn new(calendar: Calendar<'_>, zone: Tz, opening: Option<&str>) -> Result<Self> {
        let hours = opening.map_or_else(|| Ok(Vec::new()), hours::read)?;
        let days: Vec<(i32, Option<bool>)> = calendar.days().collect();
        let edge = |day: Option<&(i32, Option<bool>)>, after: i32| day.map_or(0, |(day, _)| at(day + after, 0, zone));
        let known = (edge(days.first(), 0), edge(days.last(), 1));
        let (working_days, unknown_days) = (Vec::new(), Vec::new());
        let (work, unknown) = (Intervals::default(), Intervals::default());
        let mut schedule = Self { zone, known, work, unknown, working_days, unknown_days };
        for (day, is_worked) in days {
            schedule.add(day, is_worked, &hours);
        }
        Ok(schedule)
    }

    fn add(&mut self, day: i32, is_worked: Option<bool>, hours: &[(u32, u32)]) {
        let (intervals, days) = match is_worked {
            Some(true) => (&mut self.work, &mut self.working_days),
            Some(false) => return,
            None => (&mut self.unknown, &mut self.unknown_days),
        };
        days.push(day);
        for (from, to) in hours {
            intervals.push(at(day, *from, self.zone), at(day, *to, self.zone));
        }
    }

    /// Returns the working time from one instant to another, negative if the second is earlier; None where the calendar
    /// does not say.
    pub fn working_microseconds(&self, start: i64, end: i64) -> Option<i64> {
        let is_known = |instant: i64| (self.known.0..=self.known.1).contains(&instant);
        let is_told = is_known(start) && is_known(end) && self.unknown.before(start) == self.unknown.before(end);
        is_told.then(|| self.work.before(end) - self.work.before(start))
    }

    /// Returns the instant so many working days after another, which counts from the next working day if it lies on a day
    /// off; None where the calendar does not say.
    pub fn add_days(&self, start: i64, days: i64) -> Option<i64> {
        let local = local_time::local(start, self.zone)?;
        let today = day_number(local.date());
        let first = self.working_days.partition_point(|day| *day < today);
        let is_working = self.working_days.get(first) == Some(&today);
        let target = *self.working_days.get(first.checked_add(usize::try_from(days).ok()?)?)?;
        let next_unknown = self.unknown_days.partition_point(|day| *day < today);
        let is_told = self.known.0 <= start && self.unknown_days.get(next_unknown).is_none_or(|day| *day > target);
        let time = if is_working { local.time() } else { NaiveTime::MIN };
        is_told.then(|| first_instant(midnight(target).date().and_time(time), self.zone))
    }
}

/// Returns the first instant at which the zone's clock shows a minute of a day, 24:00 included.
fn at(day: i32, minute: u32, zone: Tz) -> i64 {
    let local = midnight(day) + TimeDelta::minutes(i64::from(minute));
    first_instant(local, zone)
}

/// Returns the first instant at which the clock shows a time, or the end of the gap in which it was skipped.
fn first_instant(local: NaiveDateTime, zone: Tz) -> i64 {
    let exact = zone.from_local_datetime(&local).earliest();
    let minute = local - TimeDelta::microseconds(local.and_utc().timestamp_micros().rem_euclid(MICROSECONDS_OF_MINUTE));
    // Clocks are changed at whole minutes, by a day at most.
    let mut later = (1..=MINUTES_OF_DAY).map(|minutes| minute + TimeDelta::minutes(i64::from(minutes)));
    let instant = exact.or_else(|| later.find_map(|local| zone.from_local_datetime(&local).earliest()));
    instant.map_or_else(|| local.and_utc().timestamp_micros(), |instant| instant.timestamp_micros())
}

fn midnight(day: i32) -> NaiveDateTime {
    (DateTime::UNIX_EPOCH + TimeDelta::days(i64::from(day))).naive_utc()
}

fn day_number(date: NaiveDate) -> i32 {
    date.num_days_from_ce() - NaiveDate::default().num_days_from_ce()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::{super::calendar::tests::value, *};
    use proptest::prelude::*;

    fn day(text: &str) -> i32 {
        day_number(text.parse().unwrap())
    }

    fn instant(text: &str) -> i64 {
        DateTime::parse_from_rfc3339(text).unwrap().timestamp_micros()
    }

    fn shown(instant: i64) -> String {
        DateTime::from_timestamp_micros(instant).unwrap().format("%FT%TZ").to_string()
    }

    fn schedule(days: &[(&str, bool)], zone: Tz, hours: &str) -> Schedule {
        let bytes = value(days.iter().map(|(text, is_worked)| (day(text), *is_worked)));
        Schedule::new(Calendar::read(&bytes).unwrap(), zone, Some(hours)).unwrap()
    }

    /// The days around the National Day of 2025: holidays from 1 to 8 October, work on Sunday 28 September and Saturday 11
    /// October instead.
    fn national_day() -> Schedule {
        let works = |number: i32| match number {
            1..=8 | 12 => false,
            -1 | 11 => true,
            _ => (number - 4).rem_euclid(7) > 1,
        };
        // Day 1 is 1 October 2025, a Wednesday; 4 October is a Saturday.
        let first = day("2025-10-01");
        let bytes = value((-5..=20).map(|number| (first + number - 1, works(number))));
        let hours = Some("08:30-12:00, 13:00-17:30");
        Schedule::new(Calendar::read(&bytes).unwrap(), Tz::Asia__Shanghai, hours).unwrap()
    }

    /// Hand-worked: start and end on the clock of Shanghai, minutes.
    #[test]
    fn working_minutes_are_those_that_a_person_counts() {
        let cases = [
            // within the morning, over the lunch break, before and after the hours
            ("2025-09-30T09:00", "2025-09-30T10:30", 90),
            ("2025-09-30T11:30", "2025-09-30T13:30", 60),
            ("2025-09-30T06:00", "2025-09-30T23:00", 480),
            ("2025-09-30T12:10", "2025-09-30T12:50", 0),
            // one day to the next; over the eight holidays; a holiday for itself
            ("2025-09-29T17:00", "2025-09-30T09:00", 60),
            ("2025-09-30T17:00", "2025-10-09T09:00", 60),
            ("2025-10-03T09:00", "2025-10-04T18:00", 0),
            // the make-up Saturday is worked, the Sunday after it is not
            ("2025-10-10T17:00", "2025-10-13T09:00", 30 + 480 + 30),
            // the other way round
            ("2025-10-09T09:00", "2025-09-30T17:00", -60),
        ];
        let schedule = national_day();
        for (start, end, minutes) in cases {
            let at = |text: &str| instant(&format!("{text}:00+08:00"));
            let found = schedule.working_microseconds(at(start), at(end));
            assert_eq!(found, Some(minutes * MICROSECONDS_OF_MINUTE), "{start} to {end}");
        }
    }

    #[test]
    fn what_the_calendar_does_not_know_is_not_told() {
        let gap = schedule(&[("2026-01-05", true), ("2026-01-07", true)], Tz::UTC, "09:00-17:00");
        let minutes = |start: &str, end: &str| gap.working_microseconds(instant(start), instant(end));
        assert_eq!(minutes("2026-01-05T16:00:00Z", "2026-01-06T08:00:00Z"), Some(60 * MICROSECONDS_OF_MINUTE));
        assert_eq!(minutes("2026-01-05T16:00:00Z", "2026-01-06T09:00:01Z"), None);
        assert_eq!(minutes("2026-01-04T23:59:59Z", "2026-01-05T10:00:00Z"), None);
        assert_eq!(minutes("2026-01-07T10:00:00Z", "2026-01-08T00:00:01Z"), None);
        assert_eq!(gap.add_days(instant("2026-01-05T10:00:00Z"), 1), None);
        assert_eq!(gap.add_days(instant("2026-01-07T10:00:00Z"), 0), Some(instant("2026-01-07T10:00:00Z")));
        assert_eq!(gap.add_days(instant("2026-01-07T10:00:00Z"), 1), None);
        assert_eq!(gap.add_days(instant("2026-01-05T10:00:00Z"), -1), None);
    }

    #[test]
    fn clock_changes_make_the_day_longer_and_shorter() {
        let whole = |text: &str| {
            let day = schedule(&[(text, true)], Tz::Europe__Berlin, "00:00-24:00");
            day.working_microseconds(day.known.0, day.known.1).map(|time| time / MICROSECONDS_OF_MINUTE)
        };
        assert_eq!(whole("2026-03-29"), Some(23 * 60));
        assert_eq!(whole("2026-10-25"), Some(25 * 60));
        assert_eq!(whole("2026-10-26"), Some(24 * 60));
        let night = schedule(&[("2026-03-29", true)], Tz::Europe__Berlin, "02:15-04:00");
        assert_eq!(night.work.0.len(), 1);
        assert_eq!(shown(night.work.0[0].0), "2026-03-29T01:00:00Z", "02:15 was skipped, 03:00 came instead");
    }

    #[test]
    fn days_are_added_on_the_local_clock() {
        let schedule = national_day();
        let due = |text: &str, days| schedule.add_days(instant(text), days).map(shown);
        // 30 September 10:20 on the clock: one working day later is 9 October 10:20.
        assert_eq!(due("2025-09-30T10:20:00+08:00", 1).as_deref(), Some("2025-10-09T02:20:00Z"));
        // A holiday counts from the next working day, 9 October 00:00.
        assert_eq!(due("2025-10-03T10:20:00+08:00", 1).as_deref(), Some("2025-10-09T16:00:00Z"));
        assert_eq!(due("2025-10-03T10:20:00+08:00", 0).as_deref(), Some("2025-10-08T16:00:00Z"));
        assert_eq!(due("2025-10-10T10:20:00+08:00", 1).as_deref(), Some("2025-10-11T02:20:00Z"));
    }

    proptest! {
        #[test]
        fn minutes_add_up_and_turn_their_sign(
            worked in prop::collection::vec(any::<bool>(), 30),
            times in prop::collection::vec(0_i64..30 * 86_400, 3),
            zone in prop::sample::select(vec![Tz::Asia__Shanghai, Tz::Europe__Berlin, Tz::America__New_York, Tz::Pacific__Apia]),
            first in prop::sample::select(vec!["2026-03-01", "2026-10-20", "2011-12-20"]),
        ) {
            let bytes = value(worked.iter().zip(day(first)..).map(|(worked, day)| (day, *worked)));
            let schedule = Schedule::new(Calendar::read(&bytes).unwrap(), zone, Some("00:00-02:30, 02:30-11:00, 22:15-24:00")).unwrap();
            let at: Vec<i64> = times.iter().map(|seconds| schedule.known.0 + seconds * 1_000_000).collect();
            let minutes = |from: usize, to: usize| schedule.working_microseconds(at[from], at[to]);
            prop_assume!(at.iter().all(|at| *at <= schedule.known.1));
            prop_assert_eq!(minutes(0, 2), Some(minutes(0, 1).unwrap() + minutes(1, 2).unwrap()));
            prop_assert_eq!(minutes(0, 1), minutes(1, 0).map(|time| -time));
            prop_assert!(minutes(0, 1).unwrap().abs() <= (at[1] - at[0]).abs());
        }

        #[test]
        fn every_instant_of_the_hours_is_counted_once(
            zone in prop::sample::select(vec![Tz::Europe__Berlin, Tz::America__Sao_Paulo, Tz::Australia__Lord_Howe]),
            first in prop::sample::select(vec!["2026-03-20", "2018-10-28", "2026-09-28"]),
        ) {
            let bytes = value((0..20).map(|number| (day(first) + number, true)));
            let schedule = Schedule::new(Calendar::read(&bytes).unwrap(), zone, Some("00:00-24:00")).unwrap();
            prop_assert_eq!(schedule.working_microseconds(schedule.known.0, schedule.known.1), Some(schedule.known.1 - schedule.known.0));
        }
    }
}
