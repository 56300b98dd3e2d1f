//! CSV that people and spreadsheets are given, and that the reader understands as it was meant.
//!
//! In: cells as text. Out: CSV. What stands for NULL is for whoever writes.

use std::borrow::Cow;

/// Returns a cell as it is written: in quotes where it would else be taken for several cells, a comment, or a shorter text.
#[must_use]
pub fn cell<'a>(text: &'a str, delimiter: &str) -> Cow<'a, str> {
    let is_misread = text.contains(delimiter)
        || text.contains(['"', '\n', '\r'])
        || text.trim() != text
        || text.starts_with(['#', '\u{feff}']);
    match is_misread {
        true => Cow::Owned(format!("\"{}\"", text.replace('"', "\"\""))),
        false => Cow::Borrowed(text),
    }
}

/// Returns a row with its line end.
#[must_use]
pub fn row<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    let cells: Vec<Cow<'_, str>> = cells.into_iter().map(|text| cell(text, ",")).collect();
    cells.join(",") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_misread_is_quoted() {
        assert_eq!(row(["a,b", "say \"x\"", "1\n2", "1\r2"]), "\"a,b\",\"say \"\"x\"\"\",\"1\n2\",\"1\r2\"\n");
        assert_eq!(
            row([" a", "a\t", "#1", "\u{feff}b", "\u{3000}c"]),
            "\" a\",\"a\t\",\"#1\",\"\u{feff}b\",\"\u{3000}c\"\n"
        );
        assert_eq!(row(["", "a b", "单;价", "5#"]), ",a b,单;价,5#\n");
        assert_eq!(cell("a;b", ";"), "\"a;b\"");
        assert_eq!(cell("a,b", "||"), "a,b");
    }
}
