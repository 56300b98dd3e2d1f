//! .ods: our own reader, which streams rows out of `content.xml`.
//!
//! In: a zip archive. Out: its tables. Repeated rows and cells are written out as far as they hold something, and only
//! so far: a table may end in a million repeated blanks. Deliberately reads values, not what a cell's format shows.

use std::{borrow::Cow, collections::HashSet, sync::Arc};

use super::{
    cell::{Kind, push_iso, push_iso_duration, push_stored},
    elements::{Elements, as_utf8},
    grid::{Book, Cells, Label, MOST_COLUMNS, Merge, Rows},
    markup::{Event, Scanner, attribute, unescape},
};
use crate::{
    extract::{
        Error, Limits,
        unpack::{Budget, Container, zip::Archive},
    },
    record::RawFault,
    storage::content::Content,
};

/// Cells that repeated rows may add to any document.
const REPEATED_CELLS: u64 = 16 << 20;

/// An opened document.
pub(super) struct Document {
    path: Arc<str>,
    content: Content,
    labels: Vec<Label>,
    limits: Limits,
}

impl Document {
    /// Reads the list of tables.
    pub(super) fn open(
        path: &Arc<str>,
        content: &Content,
        mut archive: Archive,
        limits: &Limits,
    ) -> Result<Self, Error> {
        let (mut container, mut budget) = (Container::new(content.len()), Budget::new(limits));
        let mut part = |name: &str| -> Result<Option<Content>, Error> {
            let Some(index) = archive.find(name) else { return Ok(None) };
            archive.read(path, index, &mut container, &mut budget).map(Some)
        };
        if let Some(manifest) = part("META-INF/manifest.xml")? {
            let bytes = manifest.bytes().map_err(|error| crate::extract::disk(path, &error))?;
            if memchr::memmem::find(&bytes, b"encryption-data").is_some() {
                return Err(super::locked(path));
            }
        }
        let Some(content) = part("content.xml")? else {
            return Err(Error::unreadable(path, "not a whole workbook: `content.xml` is missing", "ask for it again"));
        };
        let content = as_utf8(content).map_err(|error| crate::extract::disk(path, &error))?;
        let hidden = hidden_styles(path, &content)?;
        let label = |(number, tag): (usize, &String)| {
            let name = attribute(tag, "name").map_or_else(|| format!("table {}", number + 1), Cow::into_owned);
            let is_hidden = attribute(tag, "style-name").is_some_and(|style| hidden.contains(style.as_ref()));
            Label { name, is_visible: !is_hidden }
        };
        let labels = Elements::containers(path, &content, "table")?.iter().enumerate().map(label).collect();
        Ok(Self { path: Arc::clone(path), content, labels, limits: *limits })
    }
}

/// Returns the names of the styles that hide a table.
fn hidden_styles(path: &Arc<str>, content: &Content) -> Result<HashSet<String>, Error> {
    let mut hidden = HashSet::new();
    let Some(mut styles) = Elements::new(path, content, "automatic-styles", 0, "style:style")? else {
        return Ok(hidden);
    };
    while let Some((style, _)) = styles.next()? {
        let mut name = None;
        for event in Scanner::new(&style) {
            match event {
                Event::Open { name: "style", attributes, .. } => {
                    name = attribute(attributes, "name").map(Cow::into_owned);
                }
                Event::Open { name: "table-properties", attributes, .. }
                    if attribute(attributes, "display").is_some_and(|display| display == "false") =>
                {
                    hidden.extend(name.take());
                }
                _ => {}
            }
        }
    }
    Ok(hidden)
}

impl Book for Document {
    fn labels(&self) -> &[Label] {
        &self.labels
    }

    fn open(&mut self, index: usize) -> Result<Box<dyn Rows>, Error> {
        let elements = Elements::new(&self.path, &self.content, "table", index, "table-row")?;
        let path = Arc::clone(&self.path);
        let spare = self.content.len().saturating_mul(self.limits.most_ratio).max(REPEATED_CELLS);
        let most_rows = self.limits.most_sheet_rows;
        Ok(Box::new(Table { path, elements, line: 0, row: Cells::default(), repeat: 0, most_rows, spare }))
    }
}

struct Table {
    path: Arc<str>,
    elements: Option<Elements>,
    /// Rows so far, repeated ones counted.
    line: u64,
    row: Cells,
    /// How often the row is still to be given.
    repeat: u64,
    most_rows: u64,
    /// Cells that repeated rows may still add.
    spare: u64,
}

impl Rows for Table {
    fn next(&mut self, cells: &mut Cells) -> Result<bool, Error> {
        if self.repeat == 0 && !self.read_row()? {
            return Ok(false);
        }
        self.repeat -= 1;
        self.line += 1;
        if self.line > self.most_rows {
            let reason = format!("a sheet has more than {} rows", self.most_rows);
            return Err(Error::unreadable(&self.path, reason, "open it and save it again without the repeated rows"));
        }
        if self.repeat > 0 {
            let Some(spare) = self.spare.checked_sub(self.row.width() as u64) else {
                let reason = "its repeated rows hold more cells than its size explains";
                return Err(Error::unreadable(
                    &self.path,
                    reason,
                    "open it and save it again without the repeated rows",
                ));
            };
            self.spare = spare;
        }
        cells.clone_from(&self.row);
        cells.line = self.line;
        for merge in &mut cells.merges {
            merge.last_line = self.line.saturating_add(merge.last_line);
            merge.line = self.line;
        }
        Ok(true)
    }
}

impl Table {
    /// Reads on to the next row that holds something.
    fn read_row(&mut self) -> Result<bool, Error> {
        let Some(elements) = &mut self.elements else { return Ok(false) };
        while let Some((row, is_utf8)) = elements.next()? {
            let mut scanner = Scanner::new(&row);
            let Some(Event::Open { attributes, .. }) = scanner.next() else { return Ok(false) };
            let repeat = count(attributes, "number-rows-repeated");
            self.row.start(0);
            self.row.fault = (!is_utf8).then_some(RawFault::Encoding);
            cut(scanner, &mut self.row);
            if self.row.width() > 0 {
                self.repeat = repeat;
                return Ok(true);
            }
            self.line = self.line.saturating_add(repeat);
        }
        Ok(false)
    }
}

fn count(attributes: &str, name: &str) -> u64 {
    attribute(attributes, name).and_then(|count| count.parse().ok()).unwrap_or(1).max(1)
}

/// Puts the cells of a row; their merges last as many rows as `last_line` says, from the row on.
fn cut(mut scanner: Scanner<'_>, row: &mut Cells) {
    let mut column = 0usize;
    while let Some(event) = scanner.next() {
        let Event::Open { name: name @ ("table-cell" | "covered-table-cell"), attributes, is_empty } = event else {
            continue;
        };
        let repeat = usize::try_from(count(attributes, "number-columns-repeated")).unwrap_or(MOST_COLUMNS);
        let text = if is_empty { String::new() } else { paragraphs(&mut scanner, name) };
        if column < MOST_COLUMNS && name == "table-cell" {
            row.put_repeated(column, repeat, |all| push_value(attributes, &text, all));
            let (rows, columns) =
                (count(attributes, "number-rows-spanned"), count(attributes, "number-columns-spanned"));
            if rows > 1 || columns > 1 {
                let last =
                    column.saturating_add(usize::try_from(columns - 1).unwrap_or(MOST_COLUMNS)).min(MOST_COLUMNS);
                row.merges.push(Merge { line: 0, last_line: rows - 1, first: column, last });
            }
        }
        column = column.saturating_add(repeat);
    }
}

/// Returns the paragraphs of a cell with line ends between them, without its comment.
fn paragraphs(scanner: &mut Scanner<'_>, cell: &str) -> String {
    let mut text = String::new();
    let (mut depth, mut is_comment, mut is_first) = (0, false, true);
    for event in scanner.by_ref() {
        match event {
            Event::Close { name } if name == cell => break,
            Event::Open { name: "annotation", is_empty, .. } => is_comment = !is_empty,
            Event::Close { name: "annotation" } => is_comment = false,
            Event::Open { name: "p", is_empty, .. } if !is_comment => {
                if !is_first {
                    text.push('\n');
                }
                is_first = false;
                depth += usize::from(!is_empty);
            }
            Event::Close { name: "p" } if !is_comment => depth = depth.saturating_sub(1),
            Event::Open { name: "s", attributes, .. } if depth > 0 => {
                let blanks = usize::try_from(count(attributes, "c")).unwrap_or(1).min(1_000);
                text.extend(std::iter::repeat_n(' ', blanks));
            }
            Event::Open { name: "tab", .. } if depth > 0 => text.push('\t'),
            Event::Open { name: "line-break", .. } if depth > 0 => text.push('\n'),
            Event::Text(found) if depth > 0 => text.push_str(&unescape(found)),
            Event::Data(found) if depth > 0 => text.push_str(found),
            _ => {}
        }
    }
    text
}

/// Appends a cell's value: what its type says, or else the text that is shown.
fn push_value(attributes: &str, shown: &str, text: &mut String) {
    let value = |name| attribute(attributes, name);
    match value("value-type").as_deref() {
        Some("float" | "percentage" | "currency") => match value("value") {
            Some(number) => push_stored(&number, Kind::Number, false, text),
            None => text.push_str(shown),
        },
        Some("date") => push_iso(&value("date-value").unwrap_or(shown.into()), text),
        Some("time") => push_iso_duration(&value("time-value").unwrap_or(shown.into()), text),
        Some("boolean") => text.push_str(&value("boolean-value").unwrap_or(shown.into())),
        _ => text.push_str(&value("string-value").unwrap_or(shown.into())),
    }
}
