//! Declared date and time formats: a `strftime` pattern compiled once, and Excel's serial numbers.
//!
//! Known pieces: `%Y %y %m %d %H %M %S %f %z %:z %%`, everything else stands for itself. `%m %d %H %M %S` accept one digit
//! where something that is no number stands beside them. Deliberately absent: names of months and days, which differ by
//! language.

use super::{
    calendar::{Cursor, Fields, Misread, Moment},
    text,
};
use crate::record::DecimalMark;

/// The word that declares Excel serial numbers.
const EXCEL_SERIAL: &str = "excel_serial";

/// One declared format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Format {
    /// Days since 1899-12-30, with Excel's 29th of February 1900.
    ExcelSerial,
    /// Pieces from left to right.
    Pattern(Vec<Piece>),
}

/// One piece of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// A number and how many digits it may have.
    Number { part: Part, least: usize, most: usize },
    /// Text that stands for itself.
    Literal(String),
    /// One blank or more.
    Blanks,
    /// Decimals of a second.
    Fraction,
    /// `Z`, `+08:00`, `+0800`, `+08` or nothing, at the end.
    Offset,
}

/// What a number of a pattern is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Year,
    ShortYear,
    Month,
    Day,
    Hour,
    Minute,
    Second,
}

impl Format {
    /// Compiles a format.
    ///
    /// Errors with a sentence: an unknown piece, or no year, month or day.
    pub fn compile(format: &str) -> Result<Self, String> {
        if format == EXCEL_SERIAL {
            return Ok(Self::ExcelSerial);
        }
        let mut pieces = pieces(&text::fold(text::trim(format)))?;
        settle_digits(&mut pieces);
        if pieces.iter().rev().skip(1).any(|piece| *piece == Piece::Offset) {
            return Err("has `%z` before its end".to_owned());
        }
        for (name, alternatives) in REQUIRED {
            let count = pieces
                .iter()
                .filter(|piece| matches!(piece, Piece::Number { part, .. } if alternatives.contains(part)))
                .count();
            if count != 1 {
                return Err(format!("needs {name} exactly once"));
            }
        }
        Ok(Self::Pattern(pieces))
    }

    /// Reads a trimmed and folded text.
    pub fn read(&self, text: &str) -> Result<Moment, Misread> {
        match self {
            Self::ExcelSerial => excel_serial(text),
            Self::Pattern(pieces) => pattern(pieces, text),
        }
    }
}

const REQUIRED: [(&str, &[Part]); 3] = [
    ("a year (`%Y` or `%y`)", &[Part::Year, Part::ShortYear]),
    ("a month (`%m`)", &[Part::Month]),
    ("a day (`%d`)", &[Part::Day]),
];

fn pieces(format: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut characters = format.chars();
    while let Some(character) = characters.next() {
        let piece = match character {
            '%' => match characters.next() {
                Some('%') => Piece::Literal("%".to_owned()),
                Some('f') => Piece::Fraction,
                Some('z') => Piece::Offset,
                Some(':') if characters.as_str().starts_with('z') => {
                    characters.next();
                    Piece::Offset
                }
                Some(letter) => number(letter)?,
                None => return Err("ends in a lone `%`".to_owned()),
            },
            blank if blank.is_whitespace() => Piece::Blanks,
            other => Piece::Literal(other.to_string()),
        };
        pieces.push(piece);
    }
    Ok(pieces)
}

fn number(letter: char) -> Result<Piece, String> {
    let part = match letter {
        'Y' => return Ok(Piece::Number { part: Part::Year, least: 4, most: 4 }),
        'y' => return Ok(Piece::Number { part: Part::ShortYear, least: 2, most: 2 }),
        'm' => Part::Month,
        'd' => Part::Day,
        'H' => Part::Hour,
        'M' => Part::Minute,
        'S' => Part::Second,
        other => return Err(format!("has an unknown piece `%{other}`; known are %Y %y %m %d %H %M %S %f %z %%")),
    };
    Ok(Piece::Number { part, least: 1, most: 2 })
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

fn pattern(pieces: &[Piece], text: &str) -> Result<Moment, Misread> {
    let mut cursor = Cursor(text.as_bytes());
    let mut fields = Fields::default();
    for piece in pieces {
        match piece {
            Piece::Fraction => fields.microsecond = cursor.fraction()?,
            Piece::Offset => fields.offset = cursor.offset().ok_or(Misread::Foreign)?,
            Piece::Blanks => cursor.blanks().ok_or(Misread::Foreign)?,
            Piece::Literal(literal) => cursor.0 = cursor.0.strip_prefix(literal.as_bytes()).ok_or(Misread::Foreign)?,
            Piece::Number { part, least, most } => {
                let value = cursor.number(*least, *most).ok_or(Misread::Foreign)?;
                set(&mut fields, *part, value);
            }
        }
    }
    let is_done = cursor.0.is_empty() || pieces.last() == Some(&Piece::Offset);
    if is_done { fields.check() } else { Err(Misread::Foreign) }
}

fn set(fields: &mut Fields, part: Part, value: u32) {
    match part {
        Part::Year => fields.year = i32::try_from(value).unwrap_or(i32::MAX),
        Part::ShortYear => fields.year = century(value),
        Part::Month => fields.month = value,
        Part::Day => fields.day = value,
        Part::Hour => fields.hour = value,
        Part::Minute => fields.minute = value,
        Part::Second => fields.second = value,
    }
}

/// POSIX: 69 to 99 are of the 20th century, 00 to 68 of the 21st.
fn century(year: u32) -> i32 {
    let year = i32::try_from(year).unwrap_or(i32::MAX);
    if year < 69 { 2000 + year } else { 1900 + year }
}

/// Excel counts days from 1900-01-01 = 1 and has a 29th of February 1900 = 60 that never was; decimals are the time of
/// day, to the millisecond.
fn excel_serial(text: &str) -> Result<Moment, Misread> {
    const DAY_MILLIS: i128 = 86_400_000;
    let (whole, _) = text.split_once('.').unwrap_or((text, ""));
    if whole.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return Err(Misread::Foreign);
    }
    let number = super::number::read_double(text, DecimalMark::Point).map_err(|_| Misread::Foreign)?;
    // Serials of 1900 to 2100 are below 73,416: in a double the milliseconds are exact after rounding.
    if !(1.0..73_416.0).contains(&number) {
        return Err(Misread::Impossible("the serial number is outside 1900 to 2100".to_owned()));
    }
    let millis = millis(number);
    let days = millis / DAY_MILLIS;
    if days == 60 {
        return Err(Misread::Impossible("day 60 of Excel is 1900-02-29, which never was".to_owned()));
    }
    moment_of_serial(if days < 60 { days + 1 } else { days }, millis % DAY_MILLIS).ok_or(Misread::Foreign)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the caller has checked the range; a cast of a rounded double is exact"
)]
fn millis(days: f64) -> i128 {
    (days * 86_400_000.0).round() as i128
}

/// Counts from 1899-12-30, where both sides of the leap bug agree.
fn moment_of_serial(days: i128, millis: i128) -> Option<Moment> {
    let base = chrono::NaiveDate::from_ymd_opt(1899, 12, 30)?;
    let date = base.checked_add_days(chrono::Days::new(u64::try_from(days).ok()?))?;
    let millis = u32::try_from(millis).ok()?;
    let seconds = millis / 1000;
    let fields = Fields {
        year: chrono::Datelike::year(&date),
        month: chrono::Datelike::month(&date),
        day: chrono::Datelike::day(&date),
        hour: seconds / 3600,
        minute: seconds / 60 % 60,
        second: seconds % 60,
        microsecond: millis % 1000 * 1000,
        offset: None,
    };
    fields.check().ok()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn read(format: &str, text: &str) -> Result<String, Misread> {
        let moment = Format::compile(format).unwrap().read(text)?;
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
        let error = |format| Format::compile(format).unwrap_err();
        assert_eq!(error("%Y-%b-%d"), "has an unknown piece `%b`; known are %Y %y %m %d %H %M %S %f %z %%");
        assert_eq!(error("%Y-%m-%d%z %H"), "has `%z` before its end");
        assert_eq!(error("%Y-%m"), "needs a day (`%d`) exactly once");
        assert_eq!(error("yyyy-mm-dd"), "needs a year (`%Y` or `%y`) exactly once");
        assert_eq!(error("%Y-%m-%d%"), "ends in a lone `%`");
    }
}
