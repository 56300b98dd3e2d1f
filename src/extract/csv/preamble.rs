//! What stands above a table and is none: titles, notes, and pairs such as `From:,2024-01-01`.
//!
//! In: the first rows of a file and the row that would be its header. Out: another row, where a longer preamble hides a
//! shorter table. Deliberately sees only tables of more than two columns that go on to the end of what is looked at and
//! have numbers or dates below a name.

use super::tables::{contrasts, is_header_like};
use crate::extract::{
    header::{Choice, HEADER_LINES},
    row::Row,
};

/// The most cells that a line of a preamble fills.
const PAIR: usize = 2;

/// Returns the header below a preamble that was taken for the table.
pub(super) fn header_below(rows: &[Row], choice: Choice) -> Option<Choice> {
    let index = rows.iter().position(|row| row.filled() > PAIR)?;
    let header = &rows[index];
    let is_hidden = choice.matches == 0 && choice.index < index && header.line <= HEADER_LINES;
    if !is_hidden || !is_header_like(header) || !is_preamble(&rows[..index]) {
        return None;
    }
    let below: Vec<&Row> = rows[index + 1..].iter().filter(|row| row.fault.is_some() || row.shows()).collect();
    let is_record = |row: &&&Row| row.fault.is_none() && row.width() == header.width() && row.filled() > 1;
    let records: Vec<&Row> = below.iter().take_while(is_record).copied().collect();
    let is_note = |row: &&Row| row.fault.is_none() && row.filled() <= 1;
    let is_table = !records.is_empty() && below[records.len()..].iter().all(is_note) && contrasts(header, &records, 1);
    is_table.then_some(Choice { index, matches: 0 })
}

/// Returns whether rows are no table: none fills more than two cells, and the first that fills two is no header.
pub(super) fn is_preamble(rows: &[Row]) -> bool {
    let is_label = |cell: &str| cell.trim_end().ends_with([':', '：']);
    let is_header = |row: &Row| is_header_like(row) && !row.cells().any(is_label);
    rows.iter().all(|row| row.fault.is_none() && row.filled() <= PAIR)
        && !rows.iter().find(|row| row.filled() == PAIR).is_some_and(is_header)
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

    fn header_line(text: &str) -> Option<u64> {
        let trial = Trial::new(text, 1, Dialect::default(), HeaderPlace::Anywhere, &Names::default());
        trial.choice.map(|choice| trial.rows[choice.index].line)
    }

    #[test]
    fn a_short_table_is_found_below_a_long_preamble() {
        let titles = "terms and conditions\n".repeat(20);
        for (text, line) in [
            (format!("{titles}\ndate,text,amount\n2024-01-01,rent,1\n"), 22),
            (format!("{titles}date,text,amount,\n2024-01-01,rent,1,\n\npage 1\n"), 21),
            ("Account,12345\nFrom,2024-01-01\nTo,2024-01-31\nid,name,n\n1,a,2\n".to_owned(), 4),
            ("Report:,Sales,,\nFrom:,2024-01-01,,\nid,name,city,n\n1,a,b,2\n2,c,d,3\n".to_owned(), 3),
        ] {
            assert_eq!(header_line(&text), Some(line), "{text}");
        }
    }

    #[test]
    fn what_may_be_a_table_is_no_preamble() {
        for text in [
            // The upper table has a header.
            "name,n\na,1\nb,2\nc,3\nd,4\nid,name,n\n1,a,2\n",
            // Nothing stands below a number.
            "Account,12345\nFrom,2024-01-01\nTo,2024-01-31\nBy,Li\nname,city,note\na,b,c\n",
            // The wider rows end.
            "Account,12345\nFrom,2024-01-01\nTo,2024-01-31\nBy,Li\nid,name,n\n1,a,2\nx,1\n",
        ] {
            assert_eq!(header_line(text), Some(1), "{text}");
        }
    }
}
