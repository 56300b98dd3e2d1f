//! Files without a header: the first row is a record like all others.
//!
//! In: the first rows of a file and the row that would be its header. Out: whether it is a record. Dates over dates and
//! decimals over decimals show a record; a word over numbers shows a header. Deliberately in favour of a header where
//! nothing shows either, and blind where the contract knows one of its names.

use crate::extract::{
    header::Choice,
    row::{Row, is_blank},
};

/// Rows below the first one that are compared with it.
const WITNESSES: usize = 100;

/// What columns must say together.
const ENOUGH: usize = 2;

/// What a cell looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Empty,
    Text,
    /// Fewer digits than a code has: a count, a year, the name of a column of years.
    Whole,
    /// So many digits that they name a person or a thing.
    Code,
    Decimal,
    Date,
}

/// Returns whether the row that would be the header is a record.
pub(super) fn is_record(rows: &[Row], choice: Choice) -> bool {
    let (first, below) = (&rows[choice.index], witnesses(rows, choice));
    let is_below_titles = rows[..choice.index].iter().all(|row| row.filled() <= 1);
    if choice.matches > 0 || first.fault.is_some() || below.is_empty() || !is_below_titles {
        return false;
    }
    if comes_again(first, &below) {
        return true;
    }
    let votes: Option<Vec<usize>> = (0..first.width()).map(|column| vote(first, &below, column)).collect();
    let starts_with_text = look(first.cell(0)) == Look::Text;
    votes.is_some_and(|votes| votes.iter().sum::<usize>() >= if starts_with_text { ENOUGH } else { 1 })
}

/// Returns whether some name stands over values, as only a header's does.
pub(super) fn is_header(rows: &[Row], choice: Choice) -> bool {
    let (first, below) = (&rows[choice.index], witnesses(rows, choice));
    (0..first.width()).any(|column| vote(first, &below, column).is_none())
}

fn witnesses(rows: &[Row], choice: Choice) -> Vec<&Row> {
    let (first, below) = (&rows[choice.index], &rows[choice.index + 1..]);
    let fits = |row: &&Row| row.fault.is_none() && row.width() == first.width() && row.filled() > 0;
    below.iter().filter(fits).take(WITNESSES).collect()
}

/// Returns whether the first row stands below itself as only a record does: with values in it, or as everything there is.
fn comes_again(first: &Row, below: &[&Row]) -> bool {
    let is_again = |row: &&&Row| first.cells().zip(row.cells()).all(|(one, other)| one.trim() == other.trim());
    let again = below.iter().filter(is_again).count();
    let has_value = first.cells().any(|cell| !matches!(look(cell), Look::Empty | Look::Text));
    again > 0 && (has_value || again == below.len() && again > 1)
}

/// Returns how much a column speaks for a record; None where it shows a name over values.
fn vote(first: &Row, below: &[&Row], column: usize) -> Option<usize> {
    let looks = below.iter().map(|row| look(row.cell(column))).filter(|look| *look != Look::Empty);
    let looks: Vec<Look> = looks.collect();
    let all = |wanted: &[Look]| looks.iter().all(|look| wanted.contains(look));
    let (are_dates, are_numbers) = (all(&[Look::Date]), all(&[Look::Whole, Look::Code, Look::Decimal]));
    match look(first.cell(column)) {
        _ if looks.is_empty() => Some(0),
        Look::Text if are_dates || are_numbers => None,
        Look::Date if are_dates => Some(2),
        Look::Date => None,
        Look::Decimal if are_numbers && looks.contains(&Look::Decimal) => Some(1),
        Look::Code if all(&[Look::Code]) => Some(1),
        _ => Some(0),
    }
}

/// Returns what a cell looks like.
pub(super) fn look(cell: &str) -> Look {
    let cell = cell.trim();
    let digits = cell.bytes().filter(u8::is_ascii_digit).count();
    if is_blank(cell) || matches!(cell, "-" | "—" | "–") {
        Look::Empty
    } else if digits == 0 {
        Look::Text
    } else if is_date(cell) {
        Look::Date
    } else if is_scientific(cell) {
        Look::Decimal
    } else if !cell.bytes().all(|byte| byte.is_ascii_digit() || b".,-+".contains(&byte)) {
        Look::Text
    } else if cell[1..].contains(['.', ',']) {
        Look::Decimal
    } else if digits > 8 {
        Look::Code
    } else {
        Look::Whole
    }
}

/// Returns whether a cell is a number with an exponent; `12E5` rather names a thing.
fn is_scientific(cell: &str) -> bool {
    cell.contains(['e', 'E']) && cell.contains(['.', '-', '+']) && cell.parse::<f64>().is_ok_and(f64::is_finite)
}

/// Returns whether a cell begins with year, month and day in either order, or is nothing but their eight digits.
fn is_date(cell: &str) -> bool {
    if cell.len() == 8 && cell.bytes().all(|byte| byte.is_ascii_digit()) {
        return is_day(&cell[..4], &cell[4..6], &cell[6..]);
    }
    let mut parts = cell.splitn(4, ['-', '/', '.', '年', '月', '日', ' ', 'T']);
    let mut part = || parts.next().unwrap_or_default();
    let (first, second, third) = (part(), part(), part());
    is_day(first, second, third) || is_day(third, second, first) || is_day(third, first, second)
}

fn is_day(year: &str, month: &str, day: &str) -> bool {
    let is_within = |text: &str, least: u32, most: u32| {
        text.len() <= 4 && text.parse::<u32>().is_ok_and(|number| (least..=most).contains(&number))
    };
    is_within(year, 1900, 2200) && is_within(month, 1, 12) && is_within(day, 1, 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::csv::{
        dialect::Dialect,
        trial::{HeaderPlace, Trial},
    };
    use crate::extract::header::Names;

    fn is_headless(text: &str) -> bool {
        let trial = Trial::new(text, 1, Dialect::default(), HeaderPlace::Anywhere, &Names::default());
        trial.choice.is_some_and(|choice| is_record(&trial.rows, choice))
    }

    #[test]
    fn values_over_values_of_their_kind_are_a_record() {
        for text in [
            "1,2024-01-05,12.50\n2,2024-01-06,13.00\n",
            "D1,2024/1/5 10:00,x\nD2,2024/1/6 11:30,y\n",
            "13800138000,Li\n13900139000,Wang\n",
            "20240105,a\n20240106,b\n",
            "a,5.1.2024,1\nb,31.12.2024,\n",
            "5.1,3.5,1.4,0.2,setosa\n4.9,3.0,1.4,0.2,setosa\n",
            "5.1e-02,4.8E-02\n-1.1e-02,4.9e+00\n",
            "hello,1\nworld,2\nhello,1\n",
            "@3@,x\n@3@,x\n@3@,x\n",
        ] {
            assert!(is_headless(text), "{text}");
        }
    }

    #[test]
    fn names_over_values_are_a_header_even_if_they_are_numbers() {
        for text in [
            "city,2021,2022\nWuhan,1,2\n",
            "city,2024-01-05,2024-01-06\nWuhan,1,2\n",
            "20240105,20240106\n1,2\n",
            "name,city\nLi,Wuhan\n",
            "1,2,3\n4,5,6\n",
            "id,2024-01-05\n1,2024-01-06\n",
            "a,0.5\nx,0.1\n",
            "1,2024-01-05,12.50\n",
            "a,b\nx,y\na,b\nz,w\n",
            "a,b\na,b\n",
            "id,12E5\nx,1\n",
        ] {
            assert!(!is_headless(text), "{text}");
        }
    }
}
