//! Names and texts as SQL has them, whatever engine reads it.
//!
//! In: names and texts of any characters. Out: SQL that means just these. Backquotes and backslashes, which only one engine
//! knows, are its reader's matter.

use super::TableName;

/// Returns a name in quotes: its case and its characters stay.
#[must_use]
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Returns the name of a table in quotes, its schema before it.
#[must_use]
pub fn quoted_table(table: &TableName) -> String {
    format!("{}.{}", quoted(&table.schema), quoted(&table.table))
}

/// Returns a text as a value.
#[must_use]
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_within_are_doubled() {
        assert_eq!(quoted("a \"b\" c"), "\"a \"\"b\"\" c\"");
        assert_eq!(quoted_table(&TableName::new("s", "T.x")), "\"s\".\"T.x\"");
        assert_eq!(literal("it's"), "'it''s'");
    }
}
