//! Declared date and time formats: a `strftime` pattern compiled once, Excel's serial numbers, and Unix time.
//!
//! Known pieces are those of [`KNOWN`], everything else stands for itself. `%m %d %H %I %M %S` accept one digit where
//! something that is no number stands beside them. Names of months and days are English (days Chinese too), in any case.

use chrono::{Datelike, Days, NaiveDate, Weekday};

use super::{
    calendar::{Cursor, Fields, Misread, Moment},
    exact, text,
    zone::Where,
};

/// The pieces that a pattern may have, as a finding lists them.
const KNOWN: &str = "%Y %y %Ey %m %b %d %a %H %I %p %M %S %f %F %T %R %z %Z %%";

/// One declared format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Format {
    /// Days since 1899-12-30, with Excel's 29th of February 1900.
    ExcelSerial,
    /// Days since 1904-01-01.
    ExcelSerial1904,
    /// A count since 1970-01-01 in UTC, with so many decimals more than it has to a microsecond.
    Unix {
        /// Decimals from the unit to microseconds: 6 for seconds.
        decimals: usize,
    },
    /// Pieces from left to right.
    Pattern(Pattern),
}

/// A compiled pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    pieces: Vec<Piece>,
    /// Two-digit years below it are of the 21st century.
    year_pivot: u32,
}

/// One piece of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    /// A number and how many digits it may have.
    Number { part: Part, least: usize, most: usize },
    /// Text that stands for itself.
    Literal(String),
    /// One blank or more.
    Blanks,
    /// Decimals of a second.
    Fraction,
    /// `Z`, `+08:00`, `+0800`, `+08`, or nothing.
    Offset,
    /// `CET`, `Asia/Shanghai`.
    ZoneName,
    /// `Mar`, `March`.
    MonthName,
    /// `Tue`, `Tuesday`, `星期二`, `周二`.
    DayName,
    /// `AM`, `p.m.`, `下午`.
    HalfOfDay,
}

/// What a number of a pattern is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Year,
    ShortYear,
    RepublicanYear,
    Month,
    Day,
    Hour,
    Hour12,
    Minute,
    Second,
}

impl Format {
    /// Compiles a format.
    ///
    /// Errors with a sentence: an unknown piece, no year, month or day, or half a 12-hour clock.
    pub fn compile(format: &str, year_pivot: u8) -> Result<Self, String> {
        match format {
            "excel_serial" => return Ok(Self::ExcelSerial),
            "excel_serial_1904" => return Ok(Self::ExcelSerial1904),
            "unix_seconds" => return Ok(Self::Unix { decimals: 6 }),
            "unix_milliseconds" => return Ok(Self::Unix { decimals: 3 }),
            _ => {}
        }
        let mut pieces = pieces(&spelled_out(&text::fold(text::trim(format))))?;
        settle_digits(&mut pieces);
        for (name, alternatives) in REQUIRED {
            if pieces.iter().filter(|piece| alternatives(piece)).count() != 1 {
                return Err(format!("needs {name} exactly once"));
            }
        }
        let count = |wanted: fn(&Piece) -> bool| pieces.iter().filter(|piece| wanted(piece)).count();
        let hours = count(|piece| matches!(piece, Piece::Number { part: Part::Hour12, .. }));
        let halves = count(|piece| *piece == Piece::HalfOfDay);
        if hours != halves || hours > 1 {
            return Err("has `%I` without `%p`, or the other way round".to_owned());
        }
        Ok(Self::Pattern(Pattern { pieces, year_pivot: u32::from(year_pivot) }))
    }

    /// Reads a trimmed and folded text.
    pub fn read(&self, text: &str) -> Result<Moment, Misread> {
        match self {
            Self::ExcelSerial => excel_serial(text, false),
            Self::ExcelSerial1904 => excel_serial(text, true),
            Self::Unix { decimals } => unix(text, *decimals),
            Self::Pattern(pattern) => pattern.read(text),
        }
    }
}

type IsPart = fn(&Piece) -> bool;

const REQUIRED: [(&str, IsPart); 3] = [
    ("a year (`%Y`, `%y` or `%Ey`)", |piece| {
        matches!(piece, Piece::Number { part: Part::Year | Part::ShortYear | Part::RepublicanYear, .. })
    }),
    ("a month (`%m` or `%b`)", |piece| matches!(piece, Piece::Number { part: Part::Month, .. } | Piece::MonthName)),
    ("a day (`%d`)", |piece| matches!(piece, Piece::Number { part: Part::Day, .. })),
];

/// Writes the pieces that stand for several: `%F` is `%Y-%m-%d`.
fn spelled_out(format: &str) -> String {
    const SHORT: [(&str, &str); 4] = [("%F", "%Y-%m-%d"), ("%T", "%H:%M:%S"), ("%R", "%H:%M"), ("%D", "%m/%d/%y")];
    // A doubled `%` stands for itself and begins no piece.
    let parts = format.split("%%").map(|part| SHORT.iter().fold(part.to_owned(), |part, (a, b)| part.replace(a, b)));
    parts.collect::<Vec<_>>().join("%%")
}

fn pieces(format: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut characters = format.chars();
    while let Some(character) = characters.next() {
        let piece = match character {
            '%' => match characters.next() {
                Some(':') if characters.as_str().starts_with('z') => {
                    characters.next();
                    Piece::Offset
                }
                Some('E') if characters.as_str().starts_with('y') => {
                    characters.next();
                    Piece::Number { part: Part::RepublicanYear, least: 1, most: 3 }
                }
                Some(letter) => piece(letter)?,
                None => return Err("ends in a lone `%`".to_owned()),
            },
            blank if blank.is_whitespace() => Piece::Blanks,
            other => Piece::Literal(other.to_string()),
        };
        pieces.push(piece);
    }
    Ok(pieces)
}

fn piece(letter: char) -> Result<Piece, String> {
    let number = |part, least, most| Ok(Piece::Number { part, least, most });
    match letter {
        'Y' => number(Part::Year, 4, 4),
        'y' => number(Part::ShortYear, 2, 2),
        'm' => number(Part::Month, 1, 2),
        'd' | 'e' => number(Part::Day, 1, 2),
        'H' => number(Part::Hour, 1, 2),
        'I' => number(Part::Hour12, 1, 2),
        'M' => number(Part::Minute, 1, 2),
        'S' => number(Part::Second, 1, 2),
        'b' | 'B' | 'h' => Ok(Piece::MonthName),
        'a' | 'A' => Ok(Piece::DayName),
        'p' => Ok(Piece::HalfOfDay),
        'f' => Ok(Piece::Fraction),
        'z' => Ok(Piece::Offset),
        'Z' => Ok(Piece::ZoneName),
        '%' => Ok(Piece::Literal("%".to_owned())),
        other => Err(format!("has an unknown piece `%{other}`; known are {KNOWN}")),
    }
}

/// Numbers that touch each other need all of their digits: `%Y%m%d`.
fn settle_digits(pieces: &mut [Piece]) {
    let is_number = |piece: &Piece| matches!(piece, Piece::Number { .. });
    let touching: Vec<bool> = (0..pieces.len())
        .map(|at| (at > 0 && is_number(&pieces[at - 1])) || pieces.get(at + 1).is_some_and(is_number))
        .collect();
    for (piece, touches) in pieces.iter_mut().zip(touching) {
        if let Piece::Number { least, most, .. } = piece {
            *least = if touches { *most } else { *least };
        }
    }
}

impl Pattern {
    fn read(&self, text: &str) -> Result<Moment, Misread> {
        let mut cursor = Cursor(text.as_bytes());
        let mut fields = Fields::default();
        for piece in &self.pieces {
            if *piece == Piece::Fraction {
                fields.microsecond = cursor.fraction()?;
            } else {
                self.take(piece, &mut cursor, &mut fields).ok_or(Misread::Foreign)?;
            }
        }
        if cursor.0.is_empty() { fields.check() } else { Err(Misread::Foreign) }
    }

    fn take(&self, piece: &Piece, cursor: &mut Cursor<'_>, fields: &mut Fields) -> Option<()> {
        match piece {
            Piece::Fraction => {}
            Piece::Offset => {
                if let Some(place) = cursor.offset() {
                    fields.place = place?;
                }
            }
            Piece::ZoneName => fields.place = zone_name(cursor)?,
            Piece::MonthName => fields.month = month(cursor)?,
            Piece::DayName => fields.weekday = Some(weekday(cursor)?),
            Piece::HalfOfDay => fields.is_afternoon = Some(cursor.one_of(&HALVES)?),
            // Before an offset that is not there, a blank need not be there either.
            Piece::Blanks => cursor.blanks().or_else(|| cursor.0.is_empty().then_some(()))?,
            Piece::Literal(literal) => cursor.0 = cursor.0.strip_prefix(literal.as_bytes())?,
            Piece::Number { part, least, most } => {
                let value = cursor.number(*least, *most)?;
                self.set(fields, *part, value);
            }
        }
        Some(())
    }

    fn set(&self, fields: &mut Fields, part: Part, value: u32) {
        let year = i32::try_from(value).unwrap_or(i32::MAX);
        match part {
            Part::Year => fields.year = year,
            Part::ShortYear => fields.year = if value < self.year_pivot { 2000 + year } else { 1900 + year },
            Part::RepublicanYear => fields.year = 1911 + year,
            Part::Month => fields.month = value,
            Part::Day => fields.day = value,
            Part::Hour | Part::Hour12 => fields.hour = value,
            Part::Minute => fields.minute = value,
            Part::Second => fields.second = value,
        }
    }
}

const HALVES: [(&str, bool); 6] =
    [("a.m.", false), ("p.m.", true), ("am", false), ("pm", true), ("上午", false), ("下午", true)];

/// The English names of months, which may be shortened to three letters.
pub const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

const DAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Mon),
    ("tuesday", Weekday::Tue),
    ("wednesday", Weekday::Wed),
    ("thursday", Weekday::Thu),
    ("friday", Weekday::Fri),
    ("saturday", Weekday::Sat),
    ("sunday", Weekday::Sun),
];

const CHINESE_DAYS: [(&str, Weekday); 8] = [
    ("一", Weekday::Mon),
    ("二", Weekday::Tue),
    ("三", Weekday::Wed),
    ("四", Weekday::Thu),
    ("五", Weekday::Fri),
    ("六", Weekday::Sat),
    ("日", Weekday::Sun),
    ("天", Weekday::Sun),
];

/// Takes the name of a month: whole, or its first three letters (`Sept` too).
fn month(cursor: &mut Cursor<'_>) -> Option<u32> {
    let word = cursor.word(|byte| byte.is_ascii_alphabetic())?;
    let at = MONTHS
        .iter()
        .position(|name| is_name(word, name) || (word.eq_ignore_ascii_case("sept") && *name == MONTHS[8]))?;
    u32::try_from(at + 1).ok()
}

fn weekday(cursor: &mut Cursor<'_>) -> Option<Weekday> {
    if cursor.one_of(&[("星期", ()), ("周", ()), ("週", ())]).is_some() {
        return cursor.one_of(&CHINESE_DAYS);
    }
    let word = cursor.word(|byte| byte.is_ascii_alphabetic())?;
    DAYS.iter().find(|(name, _)| is_name(word, name)).map(|(_, day)| *day)
}

fn is_name(word: &str, name: &str) -> bool {
    word.eq_ignore_ascii_case(name) || (word.len() == 3 && word.eq_ignore_ascii_case(&name[..3]))
}

fn zone_name(cursor: &mut Cursor<'_>) -> Option<Where> {
    Where::named(cursor.word(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'-' | b'+'))?)
}

/// Reads a count of seconds or milliseconds since 1970-01-01 in UTC.
fn unix(text: &str, decimals: usize) -> Result<Moment, Misread> {
    let figure = exact::figure(text.as_bytes(), b'.').ok_or(Misread::Foreign)?;
    let micros = figure.rescale(18, decimals).and_then(|micros| i64::try_from(micros).ok());
    match micros {
        Some(micros) => Moment::counted(micros),
        None if figure.decimals > decimals => Err(Misread::TooFine),
        None => Err(Misread::Impossible("the moment is outside 1900 to 2100".to_owned())),
    }
}

/// Days from 1899-12-30 to 1904-01-01.
const DAYS_TO_1904: u64 = 1462;

/// Excel counts days from 1900-01-01 = 1 and has a 29th of February 1900 = 60 that never was, or from 1904-01-01 = 0;
/// decimals are the time of day, to the millisecond.
fn excel_serial(text: &str, from_1904: bool) -> Result<Moment, Misread> {
    const DAY_MILLIS: u64 = 86_400_000;
    if !text.starts_with(|c: char| c.is_ascii_digit()) || !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.')) {
        return Err(Misread::Foreign);
    }
    let number: f64 = text.parse().map_err(|_| Misread::Foreign)?;
    // Serials of 1900 to 2100 are below 73,416: in a double the milliseconds are exact after rounding.
    let range = if from_1904 { 0.0..71_954.0 } else { 1.0..73_416.0 };
    if !range.contains(&number) {
        return Err(Misread::Impossible("the serial number is outside 1900 to 2100".to_owned()));
    }
    let millis = millis(number);
    let days = match (millis / DAY_MILLIS, from_1904) {
        (days, true) => days + DAYS_TO_1904,
        (60, false) => {
            return Err(Misread::Impossible("day 60 of Excel is 1900-02-29, which never was".to_owned()));
        }
        // Counted from 1899-12-30, where both sides of the leap bug agree.
        (days, false) => {
            if days < 60 {
                days + 1
            } else {
                days
            }
        }
    };
    moment_of_serial(days, millis % DAY_MILLIS).ok_or(Misread::Foreign)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the caller has checked the range; a cast of a rounded double is exact"
)]
fn millis(days: f64) -> u64 {
    (days * 86_400_000.0).round() as u64
}

fn moment_of_serial(days: u64, millis: u64) -> Option<Moment> {
    let date = NaiveDate::from_ymd_opt(1899, 12, 30)?.checked_add_days(Days::new(days))?;
    let millis = u32::try_from(millis).ok()?;
    let seconds = millis / 1000;
    let fields = Fields {
        year: date.year(),
        month: date.month(),
        day: date.day(),
        hour: seconds / 3600,
        minute: seconds / 60 % 60,
        second: seconds % 60,
        microsecond: millis % 1000 * 1000,
        ..Fields::default()
    };
    fields.check().ok()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn read(format: &str, text: &str) -> Result<String, Misread> {
        let moment = Format::compile(format, 69).unwrap().read(text)?;
        let micros = moment.instant(chrono_tz::UTC)?;
        Ok(chrono::DateTime::from_timestamp_micros(micros).unwrap().format("%F %T%.f").to_string())
    }

    #[test]
    fn declared_formats_read_what_they_say() {
        let cases = [
            ("%Y年%m月%d日", "2008年2月28日", "2008-02-28 00:00:00"),
            ("%Y/%m/%d", "2008/2/28", "2008-02-28 00:00:00"),
            ("%d.%m.%Y", "28.02.2008", "2008-02-28 00:00:00"),
            ("%d.%m.%y", "28.02.08", "2008-02-28 00:00:00"),
            ("%y-%m-%d", "69-01-01", "1969-01-01 00:00:00"),
            ("%Y%m%d", "20080228", "2008-02-28 00:00:00"),
            ("%Y%m%d%H%M%S", "20080228143015", "2008-02-28 14:30:15"),
            ("%Y/%m/%d %H:%M", "2008/2/28   9:05", "2008-02-28 09:05:00"),
            ("%Y/%m/%dT%H:%M:%S.%f%:z", "2008/2/28T14:30:15.5+08:00", "2008-02-28 06:30:15.500"),
            ("%d.%m.%Y %H:%M %z", "28.02.2008 14:30 -0130", "2008-02-28 16:00:00"),
            ("%d.%m.%Y %H:%M%z", "28.02.2008 14:30", "2008-02-28 14:30:00"),
            ("%d%%%m %Y", "28%2 2008", "2008-02-28 00:00:00"),
        ];
        for (format, text, expected) in cases {
            assert_eq!(read(format, text), Ok(expected.to_owned()), "{format} {text}");
        }
    }

    #[test]
    fn clocks_names_and_zones_are_read() {
        let cases = [
            ("%d-%b-%Y", "5-Mar-2024", "2024-03-05 00:00:00"),
            ("%d %B %Y", "05 SEPTEMBER 2024", "2024-09-05 00:00:00"),
            ("%b %e, %Y", "Sept 5, 2024", "2024-09-05 00:00:00"),
            ("%a, %d %b %Y %T %z", "Tue, 05 Mar 2024 08:00:00 +0800", "2024-03-05 00:00:00"),
            ("%a %b %e %T %z %Y", "Tuesday Mar  5 08:00:00 +0800 2024", "2024-03-05 00:00:00"),
            ("%Y年%m月%d日 %a", "2024年3月5日 星期二", "2024-03-05 00:00:00"),
            ("%m/%d/%Y %I:%M %p", "3/5/2024 12:05 am", "2024-03-05 00:05:00"),
            ("%m/%d/%Y %I:%M:%S %p", "3/5/2024 12:05:06 PM", "2024-03-05 12:05:06"),
            ("%Y年%m月%d日 %p%I:%M", "2024年3月5日 下午1:05", "2024-03-05 13:05:00"),
            ("民国%Ey年%m月%d日", "民国113年3月5日", "2024-03-05 00:00:00"),
            ("%F %R %Z", "2024-07-05 08:00 CEST", "2024-07-05 06:00:00"),
            ("%F %R %Z", "2024-07-05 08:00 Asia/Shanghai", "2024-07-05 00:00:00"),
            ("%F %RZ%Z", "2024-07-05 08:00Zutc", "2024-07-05 08:00:00"),
            ("%D", "03/05/24", "2024-03-05 00:00:00"),
            ("unix_seconds", "1709600000", "2024-03-05 00:53:20"),
            ("unix_seconds", "1709600000.125", "2024-03-05 00:53:20.125"),
            ("unix_seconds", "-1", "1969-12-31 23:59:59"),
            ("unix_milliseconds", "1709600000123", "2024-03-05 00:53:20.123"),
            ("excel_serial_1904", "0", "1904-01-01 00:00:00"),
            ("excel_serial_1904", "38044.5", "2008-02-28 12:00:00"),
        ];
        for (format, text, expected) in cases {
            assert_eq!(read(format, text), Ok(expected.to_owned()), "{format} {text}");
        }
    }

    #[test]
    fn a_wrong_weekday_a_13th_hour_and_an_unclear_zone_are_faults() {
        let reason = |format, text| match read(format, text) {
            Err(Misread::Impossible(reason)) => reason,
            other => format!("{other:?}"),
        };
        assert_eq!(reason("%a %F", "Mon 2024-03-05"), "2024-03-05 is a Tue, not a Mon");
        assert_eq!(reason("%F %I:%M %p", "2024-03-05 13:00 PM"), "there is no time 13:00:00");
        assert_eq!(reason("%F %I:%M %p", "2024-03-05 0:00 AM"), "there is no time 00:00:00");
        assert_eq!(
            reason("%F %R %Z", "2024-03-05 08:00 CST"),
            "several zones are called CST, and UTC is not at that time"
        );
        assert_eq!(reason("unix_seconds", "99999999999"), "the moment is outside 1900 to 2100");
        assert_eq!(reason("unix_milliseconds", "999999999999999999"), "the moment is outside 1900 to 2100");
        assert_eq!(read("unix_seconds", "1.1234567"), Err(Misread::TooFine));
        assert_eq!(read("unix_seconds", "2024-03-05"), Err(Misread::Foreign));
        assert_eq!(read("%F %R %Z", "2024-03-05 08:00 XYZ"), Err(Misread::Foreign));
        let shanghai = Format::compile("%F %R %Z", 69).unwrap().read("2024-03-05 08:00 CST").unwrap();
        assert_eq!(shanghai.instant(chrono_tz::Asia::Shanghai), Ok(1_709_596_800_000_000));
    }

    #[test]
    fn two_digit_years_turn_at_the_declared_pivot() {
        let year = |pivot, text: &str| {
            let moment = Format::compile("%d.%m.%y", pivot).unwrap().read(text).unwrap();
            chrono::DateTime::from_timestamp_micros(moment.instant(chrono_tz::UTC).unwrap()).unwrap().year()
        };
        assert_eq!((year(69, "01.01.68"), year(69, "01.01.69")), (2068, 1969));
        assert_eq!((year(30, "01.01.29"), year(30, "01.01.30")), (2029, 1930));
        assert_eq!((year(0, "01.01.00"), year(100, "01.01.99")), (1900, 2099));
    }

    #[test]
    fn a_counted_instant_is_a_day_of_the_zone() {
        let moment = Format::compile("unix_seconds", 69).unwrap().read("1709596800").unwrap();
        assert_eq!(moment.days(chrono_tz::Asia::Shanghai) - moment.days(chrono_tz::America::New_York), 1);
    }

    #[test]
    fn other_forms_are_foreign_and_impossible_days_say_so() {
        assert_eq!(read("%d.%m.%Y", "2008-02-28"), Err(Misread::Foreign));
        assert_eq!(read("%Y%m%d", "2008228"), Err(Misread::Foreign));
        assert_eq!(read("%d.%m.%Y", "28.02.2008x"), Err(Misread::Foreign));
        let reason = "there is no day 2008-02-30".to_owned();
        assert_eq!(read("%d.%m.%Y", "30.02.2008"), Err(Misread::Impossible(reason)));
    }

    #[test]
    fn excel_serials_know_the_leap_bug() {
        let day = |text| read("excel_serial", text);
        assert_eq!(day("1"), Ok("1900-01-01 00:00:00".to_owned()));
        assert_eq!(day("59"), Ok("1900-02-28 00:00:00".to_owned()));
        assert!(matches!(day("60"), Err(Misread::Impossible(_))));
        assert_eq!(day("61"), Ok("1900-03-01 00:00:00".to_owned()));
        assert_eq!(day("39506"), Ok("2008-02-28 00:00:00".to_owned()));
        assert_eq!(day("39506.604340278"), Ok("2008-02-28 14:30:15".to_owned()));
        assert_eq!(day("73415"), Ok("2100-12-31 00:00:00".to_owned()));
        assert!(matches!(day("20080228"), Err(Misread::Impossible(_))));
        assert_eq!(day("39,506"), Err(Misread::Foreign));
    }

    #[test]
    fn a_wrong_format_is_explained() {
        let error = |format| Format::compile(format, 69).unwrap_err();
        let known = "known are %Y %y %Ey %m %b %d %a %H %I %p %M %S %f %F %T %R %z %Z %%";
        assert_eq!(error("%Y-%Q-%d"), format!("has an unknown piece `%Q`; {known}"));
        assert_eq!(error("%F %I:%M"), "has `%I` without `%p`, or the other way round");
        assert_eq!(error("%F %H:%M %p"), "has `%I` without `%p`, or the other way round");
        assert_eq!(error("%Y-%m"), "needs a day (`%d`) exactly once");
        assert_eq!(error("yyyy-mm-dd"), "needs a year (`%Y`, `%y` or `%Ey`) exactly once");
        assert_eq!(error("%Y-%m-%d%"), "ends in a lone `%`");
    }
}
