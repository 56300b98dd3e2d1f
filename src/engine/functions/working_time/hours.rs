//! Opening hours: `09:00-12:00, 13:00-18:00` → minutes of the day.

use datafusion::{common::exec_err, error::Result};

const MINUTES_OF_DAY: u32 = 24 * 60;

/// Reads opening hours in the order of the day: intervals `[from, to)` in minutes since midnight.
///
/// # Errors
/// When the text is none, or intervals overlap.
pub(super) fn read(text: &str) -> Result<Vec<(u32, u32)>> {
    let mut hours = Vec::new();
    for part in text.split(',') {
        let bounds = part.trim().split_once('-').and_then(|(from, to)| Some((minute(from)?, minute(to)?)));
        let Some((from, to)) = bounds.filter(|(from, to)| from < to) else {
            return exec_err!("`{text}` are no opening hours: write them as `09:00-12:00, 13:00-18:00`");
        };
        hours.push((from, to));
    }
    hours.sort_unstable();
    if hours.windows(2).any(|pair| pair[0].1 > pair[1].0) {
        return exec_err!("the opening hours `{text}` overlap");
    }
    Ok(hours)
}

/// Reads `09:00`, at most `24:00`.
fn minute(text: &str) -> Option<u32> {
    let (hours, minutes) = text.trim().split_once(':')?;
    let is_number = |part: &str| part.len() == 2 && part.bytes().all(|digit| digit.is_ascii_digit());
    if !is_number(hours) || !is_number(minutes) {
        return None;
    }
    let minutes: u32 = minutes.parse().ok().filter(|minutes| *minutes < 60)?;
    let minute = hours.parse::<u32>().ok()? * 60 + minutes;
    (minute <= MINUTES_OF_DAY).then_some(minute)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn hours_are_read_in_the_order_of_the_day() {
        assert_eq!(read("13:00-18:00, 09:00-12:30").unwrap(), [(540, 750), (780, 1080)]);
        assert_eq!(read("00:00-24:00").unwrap(), [(0, 1440)]);
    }

    #[test]
    fn what_is_no_time_of_day_is_refused() {
        for text in ["", "9-17", "09:00", "09:00-09:00", "18:00-09:00", "09:60-10:00", "09:00-24:01", "09:00-12:00,"] {
            assert!(read(text).is_err(), "{text}");
        }
        assert!(read("09:00-12:00, 11:00-13:00").is_err());
    }
}
