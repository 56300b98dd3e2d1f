//! Canonical texts, read straight from their bytes: `-1234.50`, `2024-01-31`, `2024-01-31 10:30:00`.
//!
//! In: the bytes of a cell as it stands in the file. Out: the value that the general readers give for the same text, or
//! None: not canonical, ask them. Deliberately knows no faults, no blanks, no formats of a contract and no zones.

use super::calendar::Days;

/// Digits that surely fit a machine word.
const MOST_DIGITS: usize = 18;

/// Powers of ten that a machine word holds.
const TENS: [i64; 19] = {
    let mut tens = [1_i64; 19];
    let mut at = 1;
    while at < tens.len() {
        tens[at] = tens[at - 1] * 10;
        at += 1;
    }
    tens
};

/// Days of an ordinary year before each month, and in all.
const DAYS_BEFORE: [i32; 13] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365];

/// A number of at most 18 digits: its digits as a whole number, and how many of them stand behind the mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Figure {
    pub mantissa: i64,
    pub decimals: usize,
}

/// Reads digits with at most one mark `point` and perhaps a minus.
pub(super) fn figure(text: &[u8], point: u8) -> Option<Figure> {
    let (is_negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.len() > MOST_DIGITS || !digits.first()?.is_ascii_digit() {
        return None;
    }
    let (mut value, mut mark) = (0_i64, None);
    for (at, byte) in digits.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit < 10 {
            value = value * 10 + i64::from(digit);
        } else if *byte == point && mark.is_none() {
            mark = Some(at);
        } else {
            return None;
        }
    }
    let decimals = mark.map_or(0, |at| digits.len() - at - 1);
    Some(Figure { mantissa: if is_negative { -value } else { value }, decimals })
}

impl Figure {
    /// Returns the value in units of 10^−`scale`, below 10^`precision`; None where a digit would be lost or surplus.
    pub fn rescale(self, precision: u8, scale: usize) -> Option<i128> {
        let value = if self.decimals <= scale {
            let power = *TENS.get(scale - self.decimals)?;
            i128::from(self.mantissa) * i128::from(power)
        } else {
            let power = *TENS.get(self.decimals - scale)?;
            (self.mantissa % power == 0).then_some(i128::from(self.mantissa / power))?
        };
        let limit = 10_u128.checked_pow(u32::from(precision))?;
        (value.unsigned_abs() < limit).then_some(value)
    }

    /// Returns the value as a whole number.
    pub fn whole(self) -> Option<i64> {
        let power = *TENS.get(self.decimals)?;
        (self.mantissa % power == 0).then_some(self.mantissa / power)
    }

    /// Returns the nearest double, where one division of two exact doubles gives it.
    #[expect(clippy::cast_precision_loss, reason = "both are below 2^53, which is checked")]
    pub fn double(self) -> Option<f64> {
        const EXACT: i64 = 1 << 53;
        let power = *TENS.get(self.decimals).filter(|power| **power < EXACT)?;
        (self.mantissa.abs() < EXACT).then(|| self.mantissa as f64 / power as f64)
    }
}

/// Reads `2024-01-31` and returns its days since 1970-01-01.
pub(super) fn day(text: &[u8]) -> Option<Days> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *text else { return None };
    let year = i32::try_from(pair(y1, y2)? * 100 + pair(y3, y4)?).ok()?;
    if !(1900..=2100).contains(&year) {
        return None;
    }
    let (month, day) = (usize::try_from(pair(m1, m2)?).ok()?, i32::try_from(pair(d1, d2)?).ok()?);
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let before = *DAYS_BEFORE.get(month.checked_sub(1)?)?;
    let length = DAYS_BEFORE.get(month)? - before + i32::from(is_leap && month == 2);
    let leap_days = |year: i32| year / 4 - year / 100 + year / 400;
    let to_year = (year - 1970) * 365 + leap_days(year - 1) - leap_days(1969);
    (1..=length).contains(&day).then(|| to_year + before + i32::from(is_leap && month > 2) + day - 1)
}

/// Reads `2024-01-31 10:30:00`, also with a `T`, and returns the day and the second of the day.
pub(super) fn second(text: &[u8]) -> Option<(Days, u32)> {
    let (date, time) = text.split_at_checked(10)?;
    let [b' ' | b'T', h1, h2, b':', m1, m2, b':', s1, s2] = *time else { return None };
    let (hour, minute, second) = (pair(h1, h2)?, pair(m1, m2)?, pair(s1, s2)?);
    (hour < 24 && minute < 60 && second < 60).then_some(())?;
    Some((day(date)?, hour * 3600 + minute * 60 + second))
}

fn pair(tens: u8, ones: u8) -> Option<u32> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| u32::from(tens) * 10 + u32::from(ones))
}

#[cfg(test)]
mod tests {
    use chrono::{Datelike, NaiveDate};

    use super::day;
    use crate::normalize::calendar::EPOCH_DAYS;

    #[test]
    fn days_are_those_of_the_calendar() {
        for year in 1899..=2101 {
            for (month, number) in (0..=13).flat_map(|month| (0..=32).map(move |number| (month, number))) {
                let date = NaiveDate::from_ymd_opt(year, month, number).filter(|_| (1900..=2100).contains(&year));
                let expected = date.map(|date| date.num_days_from_ce() - EPOCH_DAYS);
                let text = format!("{year}-{month:02}-{number:02}");
                assert_eq!(day(text.as_bytes()), expected, "{text}");
            }
        }
    }
}
