//! Dates and times of day: what a text says, whether the calendar has it, and which instant it is in a zone.
//!
//! ISO is always read here; the contract's own formats are in `format.rs`. Only years 1900 to 2100 are believed: outside
//! of them lie slips of the keyboard and serial numbers of something else.

use arrow::datatypes::{Date32Type, TimestampMicrosecondType};
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, Weekday};
use chrono_tz::Tz;

use super::{format::Format, zone::Where};

/// Days since 1970-01-01, as Arrow's Date32.
pub(super) type Days = <Date32Type as arrow::array::ArrowPrimitiveType>::Native;
/// Microseconds since 1970-01-01T00:00:00Z.
pub(super) type Micros = <TimestampMicrosecondType as arrow::array::ArrowPrimitiveType>::Native;

/// Days from the first of January of the year 1 to 1970-01-01, as chrono counts them.
pub(super) const EPOCH_DAYS: i32 = 719_163;

/// A date with a time of day, as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    date: NaiveDate,
    time: NaiveTime,
    place: Where,
}

/// Why a text gives no moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Misread {
    /// It has another form.
    Foreign,
    /// It has the form, and the calendar or clock has no such moment: says which.
    Impossible(String),
    /// It is finer than microseconds.
    TooFine,
}

/// Parts of a moment as numbers, not yet checked against the calendar.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Fields {
    pub year: i32,
    pub month: u32,
    pub day: u32,
    pub hour: u32,
    pub minute: u32,
    pub second: u32,
    pub microsecond: u32,
    /// Whether it is the second half of the day, where the hour counts to 12.
    pub is_afternoon: Option<bool>,
    /// The day of the week that the text says.
    pub weekday: Option<Weekday>,
    pub place: Where,
}

impl Fields {
    /// Checks the parts against calendar and clock.
    pub fn check(self) -> Result<Moment, Misread> {
        let Self { year, month, day, minute, second, microsecond, place, .. } = self;
        let impossible = |what: String| Err(Misread::Impossible(what));
        if !(1900..=2100).contains(&year) {
            return impossible(format!("the year {year} is outside 1900 to 2100"));
        }
        let Some(date) = NaiveDate::from_ymd_opt(year, month, day) else {
            return impossible(format!("there is no day {year:04}-{month:02}-{day:02}"));
        };
        if let Some(weekday) = self.weekday.filter(|weekday| *weekday != date.weekday()) {
            return impossible(format!("{date} is a {:?}, not a {weekday:?}", date.weekday()));
        }
        let time = self.hour_of_day().and_then(|hour| NaiveTime::from_hms_micro_opt(hour, minute, second, microsecond));
        let Some(time) = time else {
            return impossible(format!("there is no time {:02}:{minute:02}:{second:02}", self.hour));
        };
        Ok(Moment { date, time, place })
    }

    /// Returns the hour, counted to 24.
    fn hour_of_day(self) -> Option<u32> {
        match self.is_afternoon {
            None => Some(self.hour),
            Some(is_afternoon) => {
                (1..=12).contains(&self.hour).then(|| self.hour % 12 + if is_afternoon { 12 } else { 0 })
            }
        }
    }
}

impl Moment {
    /// Takes microseconds counted from 1970 in UTC.
    pub fn counted(micros: Micros) -> Result<Self, Misread> {
        let outside = || Misread::Impossible("the moment is outside 1900 to 2100".to_owned());
        let moment = DateTime::from_timestamp_micros(micros).ok_or_else(outside)?.naive_utc();
        if !(1900..=2100).contains(&moment.year()) {
            return Err(outside());
        }
        Ok(Self { date: moment.date(), time: moment.time(), place: Where::Counted })
    }

    /// Returns the day as written; of a counted instant, the day that the calendar of `zone` shows.
    pub fn days(self, zone: Tz) -> Days {
        let date = match self.place {
            Where::Counted => self.local().and_utc().with_timezone(&zone).date_naive(),
            _ => self.date,
        };
        date.num_days_from_ce() - EPOCH_DAYS
    }

    fn local(self) -> NaiveDateTime {
        NaiveDateTime::new(self.date, self.time)
    }

    /// Returns whether it is midnight.
    pub fn is_midnight(self) -> bool {
        self.time == NaiveTime::MIN
    }

    /// Returns the instant; a time without an offset is local to `zone`.
    pub fn instant(self, zone: Tz) -> Result<Micros, Misread> {
        self.place.instant(self.local(), zone)
    }
}

/// Reads a trimmed text as ISO, else by the first declared format that fits.
///
/// Returns whether a declared format was used, whose time of day a date may drop.
pub(super) fn read(text: &str, formats: &[(String, Format)]) -> Result<(Moment, bool), Misread> {
    let mut first = match iso(text.as_bytes()) {
        Ok(moment) => return Ok((moment, false)),
        Err(misread) => misread,
    };
    for (_, format) in formats {
        match format.read(text) {
            Ok(moment) => return Ok((moment, true)),
            Err(misread) if first == Misread::Foreign => first = misread,
            Err(_) => {}
        }
    }
    Err(first)
}

/// Reads `2024-01-05`, `2024-1-5`, with `T` or a blank before `10:30[:00[.123456]]` and an offset behind it.
fn iso(text: &[u8]) -> Result<Moment, Misread> {
    let mut cursor = Cursor(text);
    let mut fields = Fields { year: cursor.signed_year().ok_or(Misread::Foreign)?, ..Fields::default() };
    fields.month = cursor.after(b'-').and_then(|()| cursor.number(1, 2)).ok_or(Misread::Foreign)?;
    fields.day = cursor.after(b'-').and_then(|()| cursor.number(1, 2)).ok_or(Misread::Foreign)?;
    if cursor.0.is_empty() {
        return fields.check();
    }
    if cursor.after(b'T').or_else(|| cursor.after(b't')).or_else(|| cursor.blanks()).is_none() {
        return Err(Misread::Foreign);
    }
    cursor.time(&mut fields)?;
    if let Some(place) = cursor.offset() {
        fields.place = place.ok_or(Misread::Foreign)?;
    }
    if cursor.0.is_empty() { fields.check() } else { Err(Misread::Foreign) }
}

/// Reads bytes from the left.
pub(super) struct Cursor<'a>(pub &'a [u8]);

impl Cursor<'_> {
    /// Takes a number of `least` to `most` ASCII digits.
    pub fn number(&mut self, least: usize, most: usize) -> Option<u32> {
        let length = self.0.iter().take(most).take_while(|byte| byte.is_ascii_digit()).count();
        if length < least {
            return None;
        }
        let (digits, rest) = self.0.split_at(length);
        self.0 = rest;
        Some(digits.iter().fold(0, |value, digit| value * 10 + u32::from(digit - b'0')))
    }

    /// Takes one byte.
    pub fn after(&mut self, expected: u8) -> Option<()> {
        self.0 = self.0.strip_prefix(&[expected])?;
        Some(())
    }

    /// Takes at least one blank.
    pub fn blanks(&mut self) -> Option<()> {
        let rest = self.0.trim_ascii_start();
        let taken = rest.len() < self.0.len();
        self.0 = rest;
        taken.then_some(())
    }

    fn signed_year(&mut self) -> Option<i32> {
        i32::try_from(self.number(4, 4)?).ok()
    }

    fn time(&mut self, fields: &mut Fields) -> Result<(), Misread> {
        fields.hour = self.number(1, 2).ok_or(Misread::Foreign)?;
        fields.minute = self.after(b':').and_then(|()| self.number(2, 2)).ok_or(Misread::Foreign)?;
        if self.after(b':').is_none() {
            return Ok(());
        }
        fields.second = self.number(2, 2).ok_or(Misread::Foreign)?;
        if self.after(b'.').is_some() {
            fields.microsecond = self.fraction()?;
        }
        Ok(())
    }

    /// Takes decimals of a second; those beyond microseconds must be zeros.
    pub fn fraction(&mut self) -> Result<u32, Misread> {
        let length = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = self.0.split_at(length);
        self.0 = rest;
        let (kept, surplus) = digits.split_at(length.min(6));
        if kept.is_empty() {
            return Err(Misread::Foreign);
        }
        if surplus.iter().any(|digit| *digit != b'0') {
            return Err(Misread::TooFine);
        }
        let padded = kept.iter().chain(std::iter::repeat(&b'0')).take(6);
        Ok(padded.fold(0, |value, digit| value * 10 + u32::from(digit - b'0')))
    }

    /// Takes `Z`, or `+08:00`, `+0800`, `+08`, blanks before it too; None where neither a sign nor `Z` stands there.
    #[expect(clippy::option_option, reason = "outer: whether there is an offset; inner: whether it can be read")]
    pub fn offset(&mut self) -> Option<Option<Where>> {
        let rest = self.0.trim_ascii_start();
        let (sign, rest) = match rest.split_first()? {
            (b'Z' | b'z', rest) => {
                self.0 = rest;
                return Some(Some(Where::Offset(0)));
            }
            (b'+', rest) => (1, rest),
            (b'-', rest) => (-1, rest),
            _ => return None,
        };
        self.0 = rest;
        Some(self.clock().map(|seconds| Where::Offset(sign * seconds)))
    }

    /// Takes hours and perhaps minutes of an offset, and returns seconds.
    fn clock(&mut self) -> Option<i32> {
        let hours = self.number(2, 2)?;
        let has_minutes = self.after(b':').is_some() || self.0.first().is_some_and(u8::is_ascii_digit);
        let minutes = if has_minutes { self.number(2, 2)? } else { 0 };
        (hours < 24 && minutes < 60).then_some(i32::try_from(hours * 3600 + minutes * 60).ok()?)
    }

    /// Takes the longest run of bytes that `is_part` of a word, at least one.
    pub fn word(&mut self, is_part: impl Fn(u8) -> bool) -> Option<&str> {
        let length = self.0.iter().take_while(|byte| is_part(**byte)).count();
        let (word, rest) = self.0.split_at(length);
        self.0 = rest;
        std::str::from_utf8(word).ok().filter(|word| !word.is_empty())
    }

    /// Takes the first of `texts` that stands here, without regard to the case of ASCII letters, and returns its value.
    pub fn one_of<T: Copy>(&mut self, texts: &[(&str, T)]) -> Option<T> {
        texts.iter().find_map(|(text, value)| {
            let (head, rest) = self.0.split_at_checked(text.len())?;
            head.eq_ignore_ascii_case(text.as_bytes()).then(|| {
                self.0 = rest;
                *value
            })
        })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn day(text: &str) -> Result<String, Misread> {
        let (moment, _) = read(text, &[])?;
        Ok(NaiveDate::from_num_days_from_ce_opt(moment.days(chrono_tz::UTC) + EPOCH_DAYS).unwrap().to_string())
    }

    fn instant(text: &str, zone: Tz) -> Result<String, Misread> {
        let micros = read(text, &[])?.0.instant(zone)?;
        Ok(chrono::DateTime::from_timestamp_micros(micros).unwrap().format("%F %T%.6f").to_string())
    }

    fn impossible<T>(reason: &str) -> Result<T, Misread> {
        Err(Misread::Impossible(reason.to_owned()))
    }

    #[test]
    fn iso_days_are_read_and_the_calendar_is_asked() {
        assert_eq!(day("2024-02-29"), Ok("2024-02-29".to_owned()));
        assert_eq!(day("2024-2-9"), Ok("2024-02-09".to_owned()));
        assert_eq!(day("1969-12-31 00:00:00"), Ok("1969-12-31".to_owned()));
        assert_eq!(day("2023-02-29"), impossible("there is no day 2023-02-29"));
        assert_eq!(day("2024-13-01"), impossible("there is no day 2024-13-01"));
        assert_eq!(day("2924-01-01"), impossible("the year 2924 is outside 1900 to 2100"));
        for text in
            ["", "2024", "2024-01", "24-01-01", "2024-01-011", "2024/01/01", "2024-01-01x", "abc", "2024-01-01T"]
        {
            assert_eq!(day(text), Err(Misread::Foreign), "{text}");
        }
    }

    #[test]
    fn times_are_local_to_the_zone_unless_they_say_otherwise() {
        let shanghai = chrono_tz::Asia::Shanghai;
        let at = |text| instant(text, shanghai).unwrap();
        assert_eq!(at("2024-01-05"), "2024-01-04 16:00:00.000000");
        assert_eq!(at("2024-01-05 10:30"), "2024-01-05 02:30:00.000000");
        assert_eq!(at("2024-01-05T10:30:15.12"), "2024-01-05 02:30:15.120000");
        assert_eq!(at("2024-01-05T10:30:15Z"), "2024-01-05 10:30:15.000000");
        assert_eq!(at("2024-01-05T10:30:15.123456000+05:30"), "2024-01-05 05:00:15.123456");
        assert_eq!(at("2024-01-05 10:30:15 -0800"), "2024-01-05 18:30:15.000000");
        assert_eq!(at("2024-01-05 10:30:15+00"), "2024-01-05 10:30:15.000000");
    }

    #[test]
    fn impossible_times_are_faults() {
        let utc = chrono_tz::UTC;
        assert_eq!(instant("2024-01-05 24:00", utc), impossible("there is no time 24:00:00"));
        assert_eq!(instant("2024-01-05 10:30:60", utc), impossible("there is no time 10:30:60"));
        assert_eq!(instant("2024-01-05 10:30:00.1234567", utc), Err(Misread::TooFine));
        for text in
            ["2024-01-05 10", "2024-01-05 10:3", "2024-01-05 10:30:00.", "2024-01-05 10:30 CET", "2024-01-05T10:30+8"]
        {
            assert_eq!(instant(text, utc), Err(Misread::Foreign), "{text}");
        }
    }

    #[test]
    fn a_skipped_hour_and_a_doubled_one_without_offset_are_faults() {
        let berlin = chrono_tz::Europe::Berlin;
        let skipped = "the clocks of Europe/Berlin skip 2024-03-31 02:30:00";
        assert_eq!(instant("2024-03-31 02:30", berlin), impossible(skipped));
        let twice = "the clocks of Europe/Berlin show 2024-10-27 02:30:00 twice, and no offset says which is meant";
        assert_eq!(instant("2024-10-27 02:30", berlin), impossible(twice));
        assert_eq!(instant("2024-10-27 02:30+02:00", berlin), Ok("2024-10-27 00:30:00.000000".to_owned()));
        assert_eq!(instant("2024-10-27 02:30+01", berlin), Ok("2024-10-27 01:30:00.000000".to_owned()));
    }
}
