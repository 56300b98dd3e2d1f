//! How a file is cut: its signs.
//!
//! In: what was declared or detected. Out: the signs as the cutters want them. Deliberately without behaviour.

/// The signs of a delimited file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dialect {
    /// Between cells; never empty.
    pub delimiter: String,
    /// Around cells; None where quotes are letters.
    pub quote: Option<char>,
    /// Takes its meaning from a delimiter, quote or escape behind it.
    pub escape: Option<char>,
    /// At the start of lines that are no rows.
    pub comment: Option<char>,
    /// At the start of lines that are no rows unless they fit the header: seen above the header, not declared.
    pub remark: Option<char>,
}

impl Dialect {
    /// Returns the delimiter's byte where it has only one.
    pub(super) fn delimiter_byte(&self) -> Option<u8> {
        match self.delimiter.as_bytes() {
            [byte] => Some(*byte),
            _ => None,
        }
    }

    /// Returns the quote's byte where it has only one.
    pub(super) fn quote_byte(&self) -> Option<u8> {
        self.quote.and_then(|quote| u8::try_from(quote).ok()).filter(u8::is_ascii)
    }

    /// Returns all signs with which a row is cut.
    pub(super) fn signs(&self) -> impl Iterator<Item = char> {
        self.delimiter.chars().chain(self.quote).chain(self.escape).chain(self.comment)
    }
}

#[cfg(test)]
impl Default for Dialect {
    fn default() -> Self {
        Self { delimiter: ",".to_owned(), quote: Some('"'), escape: None, comment: None, remark: None }
    }
}
