//! Tables of HTML pages, which many systems export under the name .xls.
//!
//! In: the page's text. Out: its tables as sheets. Forgiving as browsers are: what is never closed ends where the next
//! begins. Deliberately runs no script and looks at no style: a cell is the text that stands in it.

use std::{borrow::Cow, sync::Arc};

use encoding_rs::Encoding;

use super::{
    grid::{Book, Label, MOST_COLUMNS, Merge, Rows, Stored},
    markup::{Event, Scanner, attribute, unescape},
};
use crate::extract::Error;

/// Rows down to which one cell may reach, as browsers have it.
const MOST_SPAN: u64 = 65_534;

/// Columns over which one cell may reach, as browsers have it.
const MOST_ACROSS: usize = 1_000;

/// Tables that may lie in each other; what lies deeper is text of the last one.
const MOST_DEPTH: usize = 64;

/// Bytes in which a page says how it is written.
const HEAD_BYTES: usize = 4_096;

/// An opened page.
pub(super) struct Page {
    labels: Vec<Label>,
    tables: Vec<Stored>,
}

/// Returns whether a text is a page that may hold tables.
pub(in crate::extract) fn is_page(head: &[u8]) -> bool {
    let head = head[..head.len().min(HEAD_BYTES)].to_ascii_lowercase();
    let begins = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&head).trim_ascii_start().starts_with(b"<");
    let has = |word: &[u8]| memchr::memmem::find(&head, word).is_some();
    begins && (has(b"<html") || has(b"<table") || has(b"<!doctype html"))
}

impl Page {
    /// Reads all tables.
    pub(super) fn open(path: &Arc<str>, bytes: &[u8]) -> Result<Self, Error> {
        let Some(text) = decoded(bytes) else {
            let reason = "it is an HTML page in an encoding that it does not name";
            return Err(Error::unreadable(path, reason, "open it and save it as .xlsx"));
        };
        let tables: Vec<Stored> = Tables::default().read(&text).into_iter().map(Stored::sorted).collect();
        if tables.is_empty() {
            return Err(Error::unreadable(
                path,
                "it is an HTML page without a table",
                "open it and look at what it says",
            ));
        }
        let label = |number| Label { name: format!("table {number}"), is_visible: true };
        Ok(Self { labels: (1..=tables.len()).map(label).collect(), tables })
    }
}

/// Decodes a page as its mark says, or the page itself, or as UTF-8 or GB18030: the first that fits every byte. The
/// encoding that it names may leave letters unread, because browsers let it.
fn decoded(bytes: &[u8]) -> Option<Cow<'_, str>> {
    let named = declared(bytes);
    let marked = Encoding::for_bom(bytes).map(|(encoding, _)| encoding);
    let tried = [marked, named, Some(encoding_rs::UTF_8), Some(encoding_rs::GB18030)];
    let fits = tried.into_iter().flatten().find_map(|encoding| {
        let (text, _, has_errors) = encoding.decode(bytes);
        (!has_errors).then_some(text)
    });
    fits.or_else(|| named.map(|encoding| encoding.decode(bytes).0))
}

/// Returns the encoding that the page says it is written in.
fn declared(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(HEAD_BYTES)]).to_ascii_lowercase();
    let label = head.split_once("charset")?.1.trim_start().strip_prefix('=')?.trim_start_matches(['"', '\'', ' ']);
    let label = label.split(|letter: char| !letter.is_ascii_alphanumeric() && !"-_".contains(letter)).next()?;
    Encoding::for_label(label.as_bytes())
}

impl Book for Page {
    fn has_numbers(&self) -> bool {
        false
    }

    fn labels(&self) -> &[Label] {
        &self.labels
    }

    fn open(&mut self, index: usize) -> Result<Box<dyn Rows>, Error> {
        Ok(Box::new(std::mem::take(&mut self.tables[index])))
    }
}

/// The tables of a page while it is read.
#[derive(Default)]
struct Tables {
    done: Vec<Stored>,
    /// Tables that lie in each other.
    open: Vec<Table>,
    /// Tables that lie too deep.
    deeper: usize,
}

/// One table while it is read.
#[derive(Default)]
struct Table {
    /// Its place among all tables of the page.
    number: usize,
    line: u64,
    column: usize,
    /// By column, the last row down to which a cell from above reaches.
    taken: Vec<u64>,
    /// The cell's text while it is open.
    cell: Option<String>,
    /// Columns of the open cell.
    span: usize,
}

impl Tables {
    fn read(mut self, text: &str) -> Vec<Stored> {
        let mut scanner = Scanner::new(text);
        while let Some(event) = scanner.next() {
            match event {
                Event::Open { name, attributes, .. } => {
                    let name = name.to_ascii_lowercase();
                    if matches!(name.as_str(), "script" | "style") {
                        scanner.skip_to_close(&name);
                    }
                    self.open(&name, attributes);
                }
                Event::Close { name } => self.close(&name.to_ascii_lowercase()),
                Event::Text(found) => self.push(&unescape(found)),
                Event::Data(found) => self.push(found),
            }
        }
        while !self.open.is_empty() {
            self.close("table");
        }
        self.done
    }

    fn open(&mut self, name: &str, attributes: &str) {
        if name == "table" {
            if self.open.len() == MOST_DEPTH {
                self.deeper += 1;
                return;
            }
            self.open.push(Table { number: self.done.len(), ..Table::default() });
            self.done.push(Stored::default());
            return;
        }
        let Some(table) = self.open.last_mut() else { return };
        let stored = &mut self.done[table.number];
        match name {
            "tr" => {
                table.end_cell(stored);
                table.line += 1;
                table.column = 0;
            }
            "td" | "th" => {
                table.end_cell(stored);
                table.begin_cell(attributes, stored);
            }
            "br" | "p" | "div" | "li" => table.push(if table.is_empty() { "" } else { "\n" }),
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        let Some(table) = self.open.last_mut() else { return };
        match name {
            "td" | "th" | "tr" => table.end_cell(&mut self.done[table.number]),
            "table" if self.deeper > 0 => self.deeper -= 1,
            "table" => {
                table.end_cell(&mut self.done[table.number]);
                self.open.pop();
            }
            _ => {}
        }
    }

    fn push(&mut self, text: &str) {
        if let Some(table) = self.open.last_mut() {
            table.push(text);
        }
    }
}

impl Table {
    fn is_empty(&self) -> bool {
        self.cell.as_ref().is_none_or(String::is_empty)
    }

    fn begin_cell(&mut self, attributes: &str, stored: &mut Stored) {
        self.line = self.line.max(1);
        while self.taken.get(self.column).is_some_and(|last| *last >= self.line) {
            self.column += 1;
        }
        let count = |name| attribute(attributes, name).and_then(|count| count.trim().parse::<u64>().ok()).unwrap_or(1);
        self.span = usize::try_from(count("colspan")).unwrap_or(1).clamp(1, MOST_ACROSS);
        let rows = count("rowspan").clamp(1, MOST_SPAN);
        let (first, last) = (self.column.min(MOST_COLUMNS), (self.column + self.span - 1).min(MOST_COLUMNS));
        if rows > 1 || last > first {
            let last_line = self.line + rows - 1;
            stored.push_merge(Merge { line: self.line, last_line, first, last });
            self.taken.resize(self.taken.len().max(last + 1), 0);
            self.taken[first..=last].fill(last_line);
        }
        self.cell = Some(String::new());
    }

    fn end_cell(&mut self, stored: &mut Stored) {
        let Some(cell) = self.cell.take() else { return };
        stored.push(self.line, self.column, cell.trim());
        self.column = (self.column + self.span).min(MOST_COLUMNS);
    }

    /// Adds to the open cell; blanks and line ends of the page are one blank.
    fn push(&mut self, text: &str) {
        let Some(cell) = &mut self.cell else { return };
        if text == "\n" {
            cell.truncate(cell.trim_end_matches(' ').len());
            cell.push('\n');
            return;
        }
        for letter in text.chars() {
            if !letter.is_ascii_whitespace() {
                cell.push(letter);
            } else if !cell.ends_with([' ', '\n']) {
                cell.push(' ');
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_says_how_it_is_written() {
        let named = |page: &str| declared(page.as_bytes()).map(Encoding::name);
        let page = "<meta http-equiv=Content-Type content=\"text/html; charset=gb2312\">";
        assert_eq!(named(page), Some("GBK"));
        assert_eq!(named("<meta charset='UTF-8'>"), Some("UTF-8"));
        assert_eq!(named("<meta charset=nonsense>"), None);
    }
}
