//! Records that begin with a name of their own, for which the header has none: R writes tables so.
//!
//! In: the first rows of a file and the row that would be its header. Out: the row above it, if that names all columns but
//! the first. Deliberately blind where the contract knows a name of the header: a column that is not the first may have
//! lost its name, and values under the wrong names are worse than rows that are rejected.

use std::collections::HashSet;

use super::{
    headless::{Look, look},
    tables::is_header_like,
};
use crate::extract::{
    header::Choice,
    row::{Row, is_blank},
};

/// Records that show it.
const ENOUGH: usize = 2;

/// Returns the header above the first record, if all records have one cell more, which tells them apart.
pub(super) fn header_above(rows: &[Row], choice: Choice) -> Option<Choice> {
    let index = choice.index.checked_sub(1)?;
    let header = &rows[index];
    let is_below_titles = rows[..index].iter().all(|row| row.filled() <= 1);
    if choice.matches > 0 || !is_below_titles || !is_header_like(header) || header.cells().any(is_blank) {
        return None;
    }
    let records: Vec<&Row> = rows[choice.index..].iter().filter(|row| row.fault.is_some() || row.shows()).collect();
    let are_wider = records.iter().all(|row| row.fault.is_none() && row.width() == header.width() + 1);
    let names: HashSet<&str> = records.iter().map(|row| row.cell(0)).filter(|name| !is_blank(name)).collect();
    let is_table = records.len() >= ENOUGH && are_wider && names.len() == records.len() && have_values(&records);
    is_table.then_some(Choice { index, matches: 0 })
}

/// Returns whether some column of the records has values from the first one on, which therefore is no header.
fn have_values(records: &[&Row]) -> bool {
    let is_value = |cell: &str| match look(cell) {
        Look::Empty | Look::Text => false,
        Look::Whole => !cell.trim().parse().is_ok_and(|year: u32| (1900..=2200).contains(&year)),
        Look::Code | Look::Decimal | Look::Date => true,
    };
    let is_number = |row: &&Row, column: usize| !matches!(look(row.cell(column)), Look::Empty | Look::Text);
    let (first, rest) = (records[0], &records[1..]);
    (0..first.width()).any(|column| is_value(first.cell(column)) && rest.iter().all(|row| is_number(row, column)))
}

#[cfg(test)]
mod tests {
    use crate::extract::{
        csv::{
            dialect::Dialect,
            trial::{HeaderPlace, Trial},
        },
        header::Names,
    };

    fn has_row_names(text: &str) -> bool {
        Trial::new(text, 1, Dialect::default(), HeaderPlace::Anywhere, &Names::default()).has_row_names
    }

    #[test]
    fn records_that_are_all_one_cell_wider_than_the_names_above_have_row_names() {
        for text in [
            "mpg,cyl\nMazda RX4,21,6\nDatsun 710,22.8,4\n",
            "\"name\",\"city\"\n\"1\",\"Li\",\"Wuhan\"\n\"2\",\"Wang\",\"Jinan\"\n",
            "Sales\n\nyear,n\na,2024,1\nb,2025,2\n",
        ] {
            assert!(has_row_names(text), "{text}");
        }
    }

    #[test]
    fn without_names_values_and_one_cell_more_throughout_they_have_none() {
        for text in [
            "Report,Sales\nid,name,n\n1,a,2\n2,b,3\n",
            "Report,Sales\ncity,2021,2022\nWuhan,1,2\nJinan,3,4\n",
            "name,city\na,Li,Wuhan\nb,Wang,Jinan\n",
            "mpg,cyl\na,21,6\na,22,4\n",
            "mpg,cyl\na,21,6\nb,22\nc,23,4\n",
            "569,malignant\n17.99,10.38,1\n20.57,17.77,0\n",
            "mpg,cyl\n21,6,\n22,4,\n",
            "mpg,cyl\na,21,6\n",
        ] {
            assert!(!has_row_names(text), "{text}");
        }
    }
}
