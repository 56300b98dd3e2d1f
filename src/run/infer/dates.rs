//! The format of a date or time, read off its text: runs of digits and what stands between them.
//!
//! Deliberately narrow: two or four digits for the year, numbers or English names for the month. `normalize` decides in
//! the end.

use std::borrow::Cow;

use crate::normalize::MONTHS;

/// The two-digit year from which on years are of the 20th century, as contracts have it that say nothing else.
const YEAR_PIVOT: u32 = 69;

/// What a text is as a date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DateForm {
    /// Formats by which it can be read, several where the numbers could change places; none for ISO.
    pub formats: Vec<String>,
    /// Whether a time of day stands behind it.
    pub has_time: bool,
    /// Year and month, where they are certain.
    pub month: Option<(u32, u32)>,
}

/// Returns the form of a trimmed text that is a date.
pub(super) fn form_of(text: &str) -> Option<DateForm> {
    if text.len() > 40 || !text.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let (text, offset) = without_offset(text);
    let (text, has_name) = with_month_number(text);
    let (runs, between) = cut(&text);
    let tail = between.last()?;
    let numbers: Vec<u32> = runs.iter().map(|run| run.parse().ok()).collect::<Option<_>>()?;
    if runs.len() == 1 {
        return compact(runs[0], tail);
    }
    let mut orders = orders(&runs, &numbers, &between, has_name);
    orders.retain(|order| !has_name || order[1] == "%m");
    let first = orders.first()?;
    let time = time(&runs, &numbers, &between)?;
    if !offset.is_empty() && time.is_empty() {
        return None;
    }
    let is_iso = first[0] == "%Y"
        && !has_name
        && between[0] == "-"
        && between[1] == "-"
        && (runs.len() == 3 || matches!(between[2], "T" | "t") || between[2].trim().is_empty())
        && tail.is_empty()
        && between.iter().skip(3).take(runs.len().saturating_sub(4)).all(|mark| matches!(*mark, ":" | "."));
    let month = (first[0] == "%Y").then(|| (numbers[0], numbers[1]));
    let spelled = |order: &[&str; 3]| {
        let pieces: Vec<&str> = order.iter().copied().chain(time.iter().copied()).collect();
        let text: String = pieces.iter().zip(&between).flat_map(|(piece, mark)| [*piece, *mark]).collect();
        let text = if has_name { text.replace("%m", "%b") } else { text };
        format!("{text}{offset}").replace(".%f", "%f")
    };
    let formats = if is_iso { Vec::new() } else { orders.iter().map(spelled).collect() };
    Some(DateForm { formats, has_time: !time.is_empty(), month })
}

/// Writes the English name of a month as its number, and says whether there was one.
fn with_month_number(text: &str) -> (Cow<'_, str>, bool) {
    let is_letter = |c: char| c.is_ascii_alphabetic();
    let Some(start) = text.find(is_letter) else { return (Cow::Borrowed(text), false) };
    let end = text[start..].find(|c| !is_letter(c)).map_or(text.len(), |end| start + end);
    let word = text[start..end].to_ascii_lowercase();
    let is_month = |month: &&str| word == **month || (word.len() == 3 && month.starts_with(&word));
    match MONTHS.iter().position(is_month) {
        Some(index) => (Cow::Owned(format!("{}{:02}{}", &text[..start], index + 1, &text[end..])), true),
        None => (Cow::Borrowed(text), false),
    }
}

/// Cuts `Z` or `+08:00` off a text that has a time.
fn without_offset(text: &str) -> (&str, &'static str) {
    if let Some(rest) = text.strip_suffix(['Z', 'z']) {
        return (rest, "%z");
    }
    let sign = text.rfind(['+', '-']).filter(|sign| text[..*sign].contains(':'));
    match sign {
        Some(sign) if text[sign + 1..].bytes().all(|byte| byte.is_ascii_digit() || byte == b':') => {
            (text[..sign].trim_end(), "%z")
        }
        _ => (text, ""),
    }
}

/// Cuts a text into runs of digits and what follows each.
fn cut(text: &str) -> (Vec<&str>, Vec<&str>) {
    let (mut runs, mut between) = (Vec::new(), Vec::new());
    let mut rest = text;
    while !rest.is_empty() && runs.len() < 9 {
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        runs.push(&rest[..end]);
        rest = &rest[end..];
        let next = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        between.push(&rest[..next]);
        rest = &rest[next..];
    }
    (runs, between)
}

/// Reads `20240105`.
fn compact(run: &str, tail: &str) -> Option<DateForm> {
    if run.len() != 8 || !tail.is_empty() {
        return None;
    }
    let number = |range: std::ops::Range<usize>| run[range].parse::<u32>().ok();
    let (year, month, day) = (number(0..4)?, number(4..6)?, number(6..8)?);
    let month = is_day(year, month, day).then_some((year, month))?;
    Some(DateForm { formats: vec!["%Y%m%d".to_owned()], has_time: false, month: Some(month) })
}

fn is_day(year: u32, month: u32, day: u32) -> bool {
    let year = i32::try_from(year).unwrap_or_default();
    (1900..=2100).contains(&year) && chrono::NaiveDate::from_ymd_opt(year, month, day).is_some()
}

/// Returns every order in which the first three numbers are a day: what the text alone leaves open.
fn orders(runs: &[&str], numbers: &[u32], between: &[&str], has_name: bool) -> Vec<[&'static str; 3]> {
    let &[first, second, third, ..] = numbers else { return Vec::new() };
    let full_year = |year: u32| if year < YEAR_PIVOT { 2000 + year } else { 1900 + year };
    let [one, two, three] = [runs[0].len(), runs[1].len(), runs[2].len()];
    let candidates = match [one, two, three] {
        [4, 1 | 2, 1 | 2] => vec![(["%Y", "%m", "%d"], is_day(first, second, third))],
        [1 | 2, 1 | 2, 4] => {
            vec![(["%d", "%m", "%Y"], is_day(third, second, first)), (["%m", "%d", "%Y"], is_day(third, first, second))]
        }
        // Dots stand behind the day in front; other marks say nothing of the order.
        [1 | 2, 1 | 2, 2] if has_name || (between[0] == between[1] && matches!(between[0], "." | "/" | "-")) => vec![
            (["%d", "%m", "%y"], is_day(full_year(third), second, first)),
            (["%m", "%d", "%y"], between[0] != "." && is_day(full_year(third), first, second)),
            (["%y", "%m", "%d"], between[0] != "." && one == 2 && is_day(full_year(first), second, third)),
        ],
        _ => Vec::new(),
    };
    candidates.into_iter().filter(|(_, is_day)| *is_day).map(|(order, _)| order).collect()
}

/// Returns the pieces of the time of day; nothing for a date alone, None for what is no time.
fn time(runs: &[&str], numbers: &[u32], between: &[&str]) -> Option<Vec<&'static str>> {
    let (runs, numbers) = (&runs[3..], &numbers[3..]);
    let within = |index: usize, most: u32| runs[index].len() <= 2 && numbers[index] < most;
    // Words behind a date, such as a weekday, are no part of a format.
    let is_mark = |mark: &str| mark.chars().all(|c| " ,.:/-T年月日时分秒時点t".contains(c));
    if !between.iter().all(|mark| is_mark(mark)) {
        return None;
    }
    match runs.len() {
        0 => Some(Vec::new()),
        2 if within(0, 24) && within(1, 60) => Some(vec!["%H", "%M"]),
        3 if within(0, 24) && within(1, 60) && within(2, 60) => Some(vec!["%H", "%M", "%S"]),
        4 if within(0, 24) && within(1, 60) && within(2, 60) && runs[3].len() <= 6 && between[5] == "." => {
            Some(vec!["%H", "%M", "%S", "%f"])
        }
        _ => None,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn formats(text: &str) -> Vec<String> {
        form_of(text).unwrap().formats
    }

    #[test]
    fn a_format_is_read_off_the_text() {
        assert_eq!(formats("2024年1月4日"), ["%Y年%m月%d日"]);
        assert_eq!(formats("2024/1/5"), ["%Y/%m/%d"]);
        assert_eq!(formats("2023/7/2 08:43"), ["%Y/%m/%d %H:%M"]);
        assert_eq!(formats("31.01.2024"), ["%d.%m.%Y"]);
        assert_eq!(formats("12/31/2024"), ["%m/%d/%Y"]);
        assert_eq!(formats("03.01.2024"), ["%d.%m.%Y", "%m.%d.%Y"]);
        assert_eq!(formats("04/04/2026"), ["%d/%m/%Y", "%m/%d/%Y"], "which is which is not proven");
        assert_eq!(formats("20240105"), ["%Y%m%d"]);
        assert_eq!(formats("07.01.26"), ["%d.%m.%y"]);
        assert_eq!(formats("1/15/26"), ["%m/%d/%y"]);
        assert_eq!(formats("26/01/05"), ["%d/%m/%y", "%y/%m/%d"]);
        assert_eq!(formats("05-Jan-2026"), ["%d-%b-%Y"]);
        assert_eq!(formats("5 January 26 08:43"), ["%d %b %y %H:%M"]);
    }

    #[test]
    fn iso_needs_no_format() {
        for text in ["2024-01-05", "2024-1-5", "2024-01-05 10:30", "2024-01-05T10:30:00Z", "2026-06-25T11:26:00+08:00"]
        {
            assert_eq!(formats(text), Vec::<String>::new(), "{text}");
        }
        assert!(form_of("2024-01-05 10:30").unwrap().has_time);
    }

    #[test]
    fn what_is_no_date_has_no_form() {
        for text in [
            "2024-13-05",
            "1.2.3",
            "10:30",
            "2024",
            "2024-01-05 monday",
            "99999999",
            "1-2",
            "",
            "2024-01",
            "5",
            "10:30:26",
            "12-34-56",
            "5-Mon-2026",
        ] {
            assert_eq!(form_of(text), None, "{text}");
        }
    }
}
