//! Which instant a local time is: offsets, names of zones, and clocks that show an hour twice or never.
//!
//! In: a local date and time with what its text says about its zone, and the zone of the column. Out: microseconds of
//! UTC, or why there is no such instant. Deliberately guesses nothing: an hour that the clocks show twice needs an offset.

use chrono::{MappedLocalTime, NaiveDate, NaiveDateTime, Offset, TimeZone};
use chrono_tz::{OffsetName, Tz};

use super::calendar::{Days, EPOCH_DAYS, Micros, Misread};

/// What a text says about where its time is valid.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Where {
    /// Nothing: in the column's zone.
    #[default]
    Local,
    /// Seconds east of UTC.
    Offset(i32),
    /// A zone of the IANA database.
    Zone(Tz),
    /// An abbreviation that several zones use.
    Named(&'static str),
    /// It was counted from 1970 in UTC.
    Counted,
}

/// Abbreviations and what they mean, in seconds east of UTC; None where several zones of different offsets use them.
const NAMES: [(&str, Option<i32>); 28] = [
    ("Z", Some(0)),
    ("UTC", Some(0)),
    ("UT", Some(0)),
    ("GMT", Some(0)),
    ("WET", Some(0)),
    ("WEST", Some(3_600)),
    ("CET", Some(3_600)),
    ("CEST", Some(7_200)),
    ("MEZ", Some(3_600)),
    ("MESZ", Some(7_200)),
    ("EET", Some(7_200)),
    ("EEST", Some(10_800)),
    ("MSK", Some(10_800)),
    ("HKT", Some(28_800)),
    ("SGT", Some(28_800)),
    ("JST", Some(32_400)),
    ("KST", Some(32_400)),
    ("EST", Some(-18_000)),
    ("EDT", Some(-14_400)),
    ("CDT", None),
    ("MST", Some(-25_200)),
    ("MDT", Some(-21_600)),
    ("PST", Some(-28_800)),
    ("PDT", Some(-25_200)),
    ("CST", None),
    ("IST", None),
    ("BST", None),
    ("AST", None),
];

impl Where {
    /// Reads the name of a zone: an abbreviation, or a name such as `Asia/Shanghai`.
    pub fn named(name: &str) -> Option<Self> {
        if name.contains('/') {
            return name.parse().ok().map(Self::Zone);
        }
        let (name, offset) = NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(offset.map_or(Self::Named(name), Self::Offset))
    }

    /// Returns the instant of a local time.
    pub fn instant(self, local: NaiveDateTime, zone: Tz) -> Result<Micros, Misread> {
        let offset = match self {
            Self::Counted => 0,
            Self::Offset(seconds) => seconds,
            Self::Local => offset_in(zone, local)?,
            Self::Zone(zone) => offset_in(zone, local)?,
            Self::Named(name) => named_offset(name, zone, local)?,
        };
        Ok(local.and_utc().timestamp_micros() - i64::from(offset) * 1_000_000)
    }
}

fn offset_in(zone: Tz, local: NaiveDateTime) -> Result<i32, Misread> {
    match zone.offset_from_local_datetime(&local) {
        MappedLocalTime::Single(offset) => Ok(offset.fix().local_minus_utc()),
        MappedLocalTime::Ambiguous(..) => Err(Misread::Impossible(format!(
            "the clocks of {zone} show {local} twice, and no offset says which is meant"
        ))),
        MappedLocalTime::None => Err(Misread::Impossible(format!("the clocks of {zone} skip {local}"))),
    }
}

/// Returns the offset under which the column's own zone uses an abbreviation at that time.
fn named_offset(name: &str, zone: Tz, local: NaiveDateTime) -> Result<i32, Misread> {
    let candidates = zone.offset_from_local_datetime(&local);
    let found = [candidates.earliest(), candidates.latest()].into_iter().flatten();
    let mut found = found.filter(|offset| offset.abbreviation() == Some(name));
    let offset = found.next().map(|offset| offset.fix().local_minus_utc());
    offset
        .ok_or_else(|| Misread::Impossible(format!("several zones are called {name}, and {zone} is not at that time")))
}

/// Offsets of whole days in one zone, remembered while a column is read.
#[derive(Debug)]
pub(super) struct DayOffsets {
    zone: Tz,
    /// Day and offset in seconds; a day without one offset has none.
    slots: Vec<Option<(Days, Option<i32>)>>,
}

/// Days that are remembered: 11 years, a power of two.
const SLOTS: usize = 4096;

impl DayOffsets {
    /// Begins without any day.
    pub const fn of(zone: Tz) -> Self {
        Self { zone, slots: Vec::new() }
    }

    /// Returns the instant of a second of a day; None on a day on which the clocks change.
    pub fn instant(&mut self, day: Days, second: u32) -> Option<Micros> {
        let offset = self.offset(day)?;
        Some((i64::from(day) * 86_400 + i64::from(second) - i64::from(offset)) * 1_000_000)
    }

    fn offset(&mut self, day: Days) -> Option<i32> {
        self.slots.resize(SLOTS, None);
        let slot = usize::try_from(day.rem_euclid(4096)).ok()?;
        if let Some((known, offset)) = self.slots[slot]
            && known == day
        {
            return offset;
        }
        let offset = whole_day(self.zone, day);
        self.slots[slot] = Some((day, offset));
        offset
    }
}

/// Returns the offset of a day on which it is the same at both ends: no zone has ever changed twice within a day.
fn whole_day(zone: Tz, day: Days) -> Option<i32> {
    let date = NaiveDate::from_num_days_from_ce_opt(day.checked_add(EPOCH_DAYS)?)?;
    let at = |date: NaiveDate| {
        let offset = zone.offset_from_local_datetime(&date.and_time(chrono::NaiveTime::MIN)).single()?;
        Some(offset.fix().local_minus_utc())
    };
    let offset = at(date)?;
    (at(date.succ_opt()?) == Some(offset)).then_some(offset)
}
