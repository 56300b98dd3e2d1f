//! JSON: an object a line, objects one after the other, or objects in an array, also inside of an object.
//!
//! ```text
//!  bytes ─► text ─► window ─► layout ─► scan: where records are ─┬─► columns: which names there are   (first walk)
//!           by block                                             └─► pieces ─► columns: cells         (second walk)
//! ```
//!
//! In: a file's bytes by offset. Out: a column for every name that occurs, in order of first occurrence; numbers digit by
//! digit, null and missing members as NULL. Never holds more than a block and a record. Deliberately knows no types.

mod columns;
mod layout;
mod scan;
mod tally;
mod value;

#[cfg(test)]
mod tests;

use std::{ops::Range, sync::Arc};

use self::{
    columns::{COLUMNS, Cell, Cells, Columns},
    scan::{Layout, Scanner, Wrong},
    value::is_object,
};
use super::{BATCH_ROWS, Error, Hints, Piece, RecordReader, Rest, counted, header::Names, text::Text};
use crate::{
    define::project::JsonOptions,
    record::{FileShape, LineCount, RawBatch, RawFault},
    storage::content::Content,
};

/// Text of a piece.
const PIECE_BYTES: usize = 1 << 20;

/// Opens JSON.
pub(super) fn open(
    path: &Arc<str>,
    content: &Content,
    options: &JsonOptions,
    hints: &Hints,
) -> Result<Box<dyn RecordReader>, Error> {
    let text = Text::open(path, content, options.encoding.as_deref(), &Names::new(hints))?;
    let layout = match (&options.records, options.lines) {
        (Some(records), _) => Layout::Array(records.split('.').map(str::to_owned).collect()),
        (None, true) => Layout::Lines,
        (None, false) => layout::detect(Scanner::new(path, text.window(), Layout::Lines, None))?,
    };
    let survey = survey(path, &text, &layout, hints)?;
    let shape = shape(&text, &layout, &survey);
    let scanner = Scanner::new(path, text.window(), layout, Some(survey.shared));
    Ok(Box::new(Reader { scanner, columns: Arc::new(survey.columns), shape }))
}

/// What the first walk over a file found.
struct Survey {
    columns: Columns,
    /// Whether records share lines.
    shared: bool,
}

/// Collects the names of all members.
fn survey(path: &Arc<str>, text: &Text, layout: &Layout, hints: &Hints) -> Result<Survey, Error> {
    let mut scanner = Scanner::new(path, text.window(), layout.clone(), None);
    let mut columns = Columns::new(hints);
    let (mut objects, mut others, mut objection) = (0_u64, 0_u64, None);
    while let Some(record) = scanner.next(false)? {
        let written = &scanner.window.text()[record.start..record.end];
        if record.fault.is_none() && is_object(written) {
            objects += 1;
            columns.learn(written, objects);
        } else {
            others += 1;
            objection
                .get_or_insert_with(|| format!("the first, at line {}, {}", record.line, value::objection(written)));
        }
        if columns.len() > COLUMNS {
            let reason = format!("its objects have more than {COLUMNS} different names");
            return Err(Error::unreadable(path, reason, "they are data rather than names: ask for a list of objects"));
        }
        scanner.window.release();
    }
    if let Layout::Array(names) = layout
        && !scanner.found_array
        && (objects + others > 0 || content_is_there(&scanner))
    {
        let reason = format!("it holds nothing under `{}`", names.join("."));
        return Err(Error::unreadable(path, reason, "correct `records` in the source's contract"));
    }
    if let Some(objection) = objection.filter(|_| objects == 0) {
        let hint = "declare `format` in the source's contract, or `records`, the path of its records";
        return Err(Error::unreadable(path, format!("none of its records is a JSON object: {objection}"), hint));
    }
    columns.number();
    Ok(Survey { columns, shared: scanner.tally.shared })
}

/// Returns whether a text was more than blanks.
fn content_is_there(scanner: &Scanner) -> bool {
    scanner.lines().skipped.keys().any(|kind| *kind != crate::record::SkippedLines::Blank)
}

fn shape(text: &Text, layout: &Layout, survey: &Survey) -> FileShape {
    let mut notes: Vec<String> = text.note.iter().cloned().collect();
    match layout {
        Layout::Array(names) if !names.is_empty() => notes.push(format!("records are under `{}`", names.join("."))),
        _ => {}
    }
    if survey.shared {
        notes.push("records share lines: what counts as a line is a record".to_owned());
    }
    if survey.columns.doubled > 0 {
        let records = counted(survey.columns.doubled, "record");
        notes.push(format!("a name stands twice in {records}: the later one counts"));
    }
    for path in &survey.columns.collapsed {
        notes.push(format!("`{path}` has too many names for columns of their own"));
    }
    FileShape {
        encoding: Some(text.name.to_owned()),
        header: survey.columns.header.clone(),
        confidence: text.confidence,
        notes,
        ..FileShape::binary(if *layout == Layout::Lines { "jsonl" } else { "json" })
    }
}

struct Reader {
    scanner: Scanner,
    columns: Arc<Columns>,
    shape: FileShape,
}

/// A record of a piece.
struct Row {
    place: Range<usize>,
    line: u64,
    wrong: Option<Wrong>,
}

impl RecordReader for Reader {
    fn shape(&self) -> &FileShape {
        &self.shape
    }

    fn next_batch(&mut self) -> Result<Option<RawBatch>, Error> {
        Ok(self.next_piece()?.map(|piece| piece.cut().0))
    }

    fn next_piece(&mut self) -> Result<Option<Piece>, Error> {
        let mut rows: Vec<Row> = Vec::new();
        while rows.len() < BATCH_ROWS && self.scanner.window.at() < PIECE_BYTES {
            let Some(record) = self.scanner.next(!rows.is_empty())? else { break };
            rows.push(Row { place: record.start..record.end, line: record.line, wrong: record.fault });
        }
        if rows.is_empty() {
            debug_assert!(self.scanner.lines().is_balanced(), "lost lines of {:?}", self.shape);
            return Ok(None);
        }
        let text = self.scanner.window.take();
        let (columns, is_last) = (Arc::clone(&self.columns), self.scanner.sign()?.is_none());
        Ok(Some(Piece::Uncut(Box::new(move || (cut(text, rows, &columns, is_last), Rest::default())))))
    }

    fn lines(&self) -> LineCount {
        self.scanner.lines()
    }
}

/// Cuts the records of a piece into cells.
fn cut(mut text: String, rows: Vec<Row>, columns: &Columns, is_last: bool) -> RawBatch {
    let mut found = Cells::default();
    let mut cells: Vec<Option<Range<usize>>> = Vec::with_capacity(rows.len() * columns.header.len());
    let base = text.len();
    let mut faults = Vec::with_capacity(rows.len());
    for row in &rows {
        let record = &text[row.place.clone()];
        let fault = match row.wrong {
            Some(Wrong::Raw(fault)) => Some(fault),
            None if is_object(record) => columns.cut(record, &mut found),
            // A last line without a line end that is no object was cut while being written.
            None if is_last && row.place.end == text.len() && record.starts_with('{') => Some(RawFault::Truncated),
            _ => Some(RawFault::Shape(0, columns.header.len())),
        };
        if fault.is_none() {
            cells.extend(found.by_column.drain(..).map(|cell| {
                cell.map(|cell| match cell {
                    Cell::Within(place) => row.place.start + place.start..row.place.start + place.end,
                    Cell::Beside(place) => base + place.start..base + place.end,
                })
            }));
        }
        faults.push(fault);
    }
    text.push_str(&found.beside);
    let mut batch = RawBatch::over(text);
    let mut cells = cells.into_iter();
    for (row, fault) in rows.into_iter().zip(faults) {
        if fault.is_none() {
            cells.by_ref().take(columns.header.len()).for_each(|cell| batch.push_cell(cell));
        }
        batch.end_row(row.line, row.place, fault);
    }
    batch
}
