//! JSON Lines: one object a line.
//!
//! In: a file's bytes. Out: a column for every name that occurs, in order of first occurrence; numbers digit by digit,
//! nested values as compact JSON, null and missing members as NULL. The file is walked twice, once for the names.
//! Deliberately knows no types and no JSON that spans lines.

mod split;

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;

use self::split::{compact, members, string};
use super::{
    BATCH_ROWS, Error, RecordReader,
    decode::{Decoded, Marks, decode},
    header::Names,
    lines::{line_end, next_line},
    row::{Row, is_blank},
};
use crate::record::{FileShape, LineCount, RawBatch, RawFault, SkippedLines};

/// Opens JSON Lines.
pub(super) fn open(path: &Arc<str>, bytes: Bytes) -> Result<Box<dyn RecordReader>, Error> {
    let decoded = decode(path, bytes, None, &Names::default())?;
    if decoded.text.trim_start().starts_with('[') {
        return Err(Error::unreadable(
            path,
            "it is a JSON array",
            "write one object a line, without the array around them",
        ));
    }
    let (header, columns) = header(&decoded.text);
    let Decoded { text, encoding, marks, confidence, note } = decoded;
    let shape = FileShape {
        encoding: Some(encoding.to_owned()),
        header,
        confidence,
        notes: note.into_iter().collect(),
        ..FileShape::binary("jsonl")
    };
    Ok(Box::new(Reader { text, marks, at: 0, shape, columns, count: LineCount::default(), row: Row::default() }))
}

/// Collects the names of all members.
fn header(text: &str) -> (Vec<String>, HashMap<String, usize>) {
    let (mut header, mut columns) = (Vec::new(), HashMap::new());
    let mut at = 0;
    while at < text.len() {
        for (name, _) in members(&text[at..line_end(text, at)]).unwrap_or_default() {
            if !columns.contains_key(name.as_ref()) {
                columns.insert(name.to_string(), header.len());
                header.push(name.into_owned());
            }
        }
        at = next_line(text, at);
    }
    (header, columns)
}

struct Reader {
    text: String,
    marks: Marks,
    at: usize,
    shape: FileShape,
    columns: HashMap<String, usize>,
    count: LineCount,
    row: Row,
}

impl RecordReader for Reader {
    fn shape(&self) -> &FileShape {
        &self.shape
    }

    fn next_batch(&mut self) -> Result<Option<RawBatch>, Error> {
        let mut batch = RawBatch::default();
        while self.at < self.text.len() && batch.len() < BATCH_ROWS {
            self.take_line(&mut batch);
        }
        debug_assert!(self.count.is_balanced(), "lost lines of {:?}", self.shape);
        Ok((!batch.is_empty()).then_some(batch))
    }

    fn lines(&self) -> LineCount {
        self.count.clone()
    }
}

impl Reader {
    fn take_line(&mut self, batch: &mut RawBatch) {
        let end = line_end(&self.text, self.at);
        let line = &self.text[self.at..end];
        self.count.lines += 1;
        let next = next_line(&self.text, self.at);
        let mark = self.marks.fault_before(next);
        if is_blank(line) {
            *self.count.skipped.entry(SkippedLines::Blank).or_default() += 1;
        } else {
            self.row.start(self.count.lines);
            self.row.set_raw(line);
            let fault = fill(&mut self.row, line, &self.columns);
            let is_half = fault.is_some() && end == self.text.len();
            self.row.fault = mark.or(if is_half { Some(RawFault::Truncated) } else { fault });
            self.count.rows += 1;
            self.row.write(batch, self.columns.len());
        }
        self.at = next;
    }
}

/// Cuts a line into the cells of the columns; of two members of one name the later wins.
fn fill(row: &mut Row, line: &str, columns: &HashMap<String, usize>) -> Option<RawFault> {
    let Some(members) = members(line) else { return Some(RawFault::Shape(0, columns.len())) };
    row.widen(columns.len());
    for (name, value) in members {
        let Some(&column) = columns.get(name.as_ref()) else { continue };
        let text = &line[value.clone()];
        match text.as_bytes().first() {
            Some(b'"') if text.contains('\\') => match string(text) {
                Some(text) => row.set_text(column, Some(&text)),
                None => return Some(RawFault::Encoding),
            },
            Some(b'"') => row.set_range(column, value.start + 1..value.end - 1),
            Some(b'{' | b'[') => row.set_text(column, Some(&compact(text))),
            Some(b'n') => row.set_text(column, None),
            _ => row.set_range(column, value),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use crate::{
        define::project::Format,
        extract::testing::{fail, read},
    };

    #[test]
    fn columns_are_the_union_in_order_of_first_occurrence() {
        let text = concat!(
            "{\"id\": 1, \"name\": \"a \\\"b\\\"\", \"n\": 12345678901234567.890}\n",
            "\r\n",
            "{\"tags\": [1, {\"k\": null}], \"id\": 2, \"name\": null, \"ok\": true}\r\n",
            "{\"id\": \"广州\", \"id\": -1e400}\n",
        );
        let found = read("a.jsonl", text, &Format::Auto, &[]);
        assert_eq!(found.shape.header, ["id", "name", "n", "tags", "ok"]);
        let expected =
            ["1: 1|a \"b\"|12345678901234567.890|∅|∅", "3: 2|∅|∅|[1,{\"k\":null}]|true", "4: -1e400|∅|∅|∅|∅"];
        assert_eq!(found.rows, expected);
        assert_eq!(found.count(), "4 = 3 rows + 1 Blank");
        assert_eq!(found.raw[1], "{\"tags\": [1, {\"k\": null}], \"id\": 2, \"name\": null, \"ok\": true}");
    }

    #[test]
    fn lines_that_are_no_objects_are_faults() {
        let found = read(
            "a.jsonl",
            "{\"a\":1}\n{\"a\":\n[1]\n{\"a\":\"\\ud800\"}\n{\"a\":2}\n{\"a\":3",
            &Format::JsonLines,
            &[],
        );
        let expected = [
            "1: 1",
            "2: Shape(0, 1) {\"a\":",
            "3: Shape(0, 1) [1]",
            "4: Encoding {\"a\":\"\\ud800\"}",
            "5: 2",
            "6: Truncated {\"a\":3",
        ];
        assert_eq!(found.rows, expected);
    }

    #[test]
    fn an_array_says_what_to_do() {
        let hint = "write one object a line, without the array around them";
        assert_eq!(
            fail("a.json", "[{\"a\":1}]", &Format::Auto),
            format!("cannot read `a.json`: it is a JSON array; {hint}")
        );
    }

    #[test]
    fn an_empty_file_has_no_columns() {
        let found = read("a.jsonl", "", &Format::Auto, &[]);
        assert_eq!((found.count(), found.shape.header.len()), ("0 = 0 rows".to_owned(), 0));
    }
}
