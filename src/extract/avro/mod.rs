//! Avro: blocks of records → rows of text, one block at a time.
//!
//! In: a file's bytes by offset, and the names that a contract knows. Out: its rows in order; a line is a row. Records in
//! records are spread over columns `customer.name`; of columns that no contract asks for only the names are read. Written
//! here, and not left to a library, because what is at hand takes a file that was cut for a shorter one, and may go round
//! in circles on a damaged one. Deliberately knows no schema registry: the file carries its schema.

mod block;
mod schema;
mod value;

#[cfg(test)]
mod tests;

use std::{collections::HashSet, ops::Range, sync::Arc};

use self::{
    block::{Block, Blocks},
    schema::{Schema, Type},
    value::{Broken, Cursor},
};
use super::{BATCH_ROWS, Error, Hints, RecordReader, counted, header::fold};
use crate::{
    record::{FileShape, LineCount, RawBatch, RawFault},
    storage::content::Content,
};

const DAMAGED: &str = "the file is damaged or still being written: ask for it again";

/// Text after which a batch is handed on.
const BATCH_BYTES: usize = 32 << 20;

/// Rows of a block that may have no bytes at all.
const EMPTY_ROWS: u64 = 1_024;

/// Opens an Avro file.
pub(super) fn open(path: &Arc<str>, content: &Content, hints: &Hints) -> Result<Box<dyn RecordReader>, Error> {
    let failed = |reason: String| Error::unreadable(path, reason, DAMAGED);
    let (blocks, written) = Blocks::open(content).map_err(failed)?;
    let schema = Schema::parse(&written).map_err(failed)?;
    let mut columns = Columns::new(hints);
    let plan = columns.top(&schema);
    let shape = FileShape { header: columns.header, ..FileShape::binary("avro") };
    let reader = Reader {
        path: Arc::clone(path),
        blocks,
        schema,
        plan,
        block: Block { rows: 0, bytes: bytes::Bytes::new() },
        at: 0,
        shape,
        count: LineCount::default(),
    };
    Ok(Box::new(reader))
}

/// What is done with a value.
enum Plan {
    /// Its text becomes a cell, or it is passed over.
    Cell(usize, Option<usize>),
    /// A record: perhaps a cell as a whole, and its fields for themselves.
    Record(usize, Option<usize>, Vec<Plan>),
    /// A union of NULL and a record.
    Either(Vec<usize>, usize, Box<Plan>),
}

/// The columns of a schema.
struct Columns {
    names: HashSet<String>,
    header: Vec<String>,
    /// Records around the one that is looked at.
    around: Vec<usize>,
}

impl Columns {
    fn new(hints: &Hints) -> Self {
        let names = hints.names.iter().map(|name| fold(name)).collect();
        Self { names, header: Vec::new(), around: Vec::new() }
    }

    /// Plans the whole; what is no record has one column.
    fn top(&mut self, schema: &Schema) -> Plan {
        match &schema.types[0] {
            Type::Record(fields) => self.record(schema, 0, None, fields, ""),
            _ => self.plan(schema, 0, "value".to_owned()),
        }
    }

    fn plan(&mut self, schema: &Schema, kind: usize, name: String) -> Plan {
        if self.around.contains(&kind) {
            return self.cell(kind, name);
        }
        match &schema.types[kind] {
            Type::Record(fields) if !fields.is_empty() => {
                let is_named = self.names.contains(&fold(&name));
                let whole = is_named.then(|| self.column(name.clone())).flatten();
                self.record(schema, kind, whole, fields, &format!("{name}."))
            }
            Type::Union(branches) => {
                let is_record = |branch: &&usize| matches!(schema.types[**branch], Type::Record(_));
                let is_null = |branch: &usize| schema.types[*branch] == Type::Null;
                match branches.iter().find(is_record) {
                    Some(record) if branches.iter().all(|branch| branch == record || is_null(branch)) => {
                        let plan = self.plan(schema, *record, name);
                        Plan::Either(branches.clone(), *record, Box::new(plan))
                    }
                    _ => self.cell(kind, name),
                }
            }
            _ => self.cell(kind, name),
        }
    }

    fn record(
        &mut self,
        schema: &Schema,
        kind: usize,
        whole: Option<usize>,
        fields: &[(String, usize)],
        before: &str,
    ) -> Plan {
        self.around.push(kind);
        let plans = fields.iter().map(|(name, kind)| self.plan(schema, *kind, format!("{before}{name}"))).collect();
        self.around.pop();
        Plan::Record(kind, whole, plans)
    }

    fn cell(&mut self, kind: usize, name: String) -> Plan {
        Plan::Cell(kind, self.column(name))
    }

    /// Adds a column, and returns its number if anybody asks for it.
    fn column(&mut self, name: String) -> Option<usize> {
        let is_wanted = self.names.is_empty() || self.names.contains(&fold(&name));
        self.header.push(name);
        is_wanted.then(|| self.header.len() - 1)
    }
}

struct Reader {
    path: Arc<str>,
    blocks: Blocks,
    schema: Schema,
    plan: Plan,
    /// The block that is read, with the rows that are left of it.
    block: Block,
    at: usize,
    shape: FileShape,
    count: LineCount,
}

impl RecordReader for Reader {
    fn shape(&self) -> &FileShape {
        &self.shape
    }

    fn next_batch(&mut self) -> Result<Option<RawBatch>, Error> {
        let before = self.count.lines;
        match self.fill() {
            Ok(batch) => Ok(batch),
            Err(reason) => {
                let reason = format!("behind row {before}: {reason}");
                Err(Error::unreadable(&self.path, reason, DAMAGED))
            }
        }
    }

    fn lines(&self) -> LineCount {
        self.count.clone()
    }
}

/// Rows before they are a batch.
#[derive(Default)]
struct Rows {
    text: String,
    cells: Vec<Option<Range<usize>>>,
    raw: Vec<(Range<usize>, Option<RawFault>)>,
}

impl Reader {
    fn fill(&mut self) -> Result<Option<RawBatch>, String> {
        let (mut rows, first) = (Rows::default(), self.count.lines + 1);
        while rows.raw.len() < BATCH_ROWS && rows.text.len() < BATCH_BYTES {
            if self.block.rows == 0 && !self.next_block()? {
                break;
            }
            if self.block.rows > 0 {
                self.take_row(&mut rows)?;
            }
        }
        self.count.lines += rows.raw.len() as u64;
        self.count.rows = self.count.lines;
        let width = self.shape.header.len();
        let mut batch = RawBatch::over(rows.text);
        let mut cells = rows.cells.into_iter();
        for ((raw, fault), line) in rows.raw.into_iter().zip(first..) {
            cells.by_ref().take(width).for_each(|cell| batch.push_cell(cell));
            batch.end_row(line, raw, fault);
        }
        Ok((!batch.is_empty()).then_some(batch))
    }

    /// Goes to the next block; false behind the last one.
    fn next_block(&mut self) -> Result<bool, String> {
        if self.at < self.block.bytes.len() {
            let bytes = counted((self.block.bytes.len() - self.at) as u64, "byte");
            return Err(format!("a block has {bytes} more than its rows"));
        }
        let Some(block) = self.blocks.next()? else { return Ok(false) };
        if block.rows > block.bytes.len() as u64 + EMPTY_ROWS {
            let bytes = counted(block.bytes.len() as u64, "byte");
            return Err(format!("a block of {bytes} claims to have {}", counted(block.rows, "row")));
        }
        (self.block, self.at) = (block, 0);
        Ok(true)
    }

    fn take_row(&mut self, rows: &mut Rows) -> Result<(), String> {
        let mut cursor = Cursor { bytes: &self.block.bytes, at: self.at, parts: 0, bad_text: false };
        let (start, base) = (rows.text.len(), rows.cells.len());
        rows.cells.resize(base + self.shape.header.len(), None);
        self.take(&self.plan, &mut cursor, &mut rows.text, &mut rows.cells[base..])?;
        (self.at, self.block.rows) = (cursor.at, self.block.rows - 1);
        let fault = cursor.bad_text.then_some(RawFault::Encoding);
        // The last cell's tab is no part of the row.
        let end = rows.text.len().saturating_sub(1).max(start);
        rows.raw.push((start..end, fault));
        Ok(())
    }

    fn take(
        &self,
        plan: &Plan,
        cursor: &mut Cursor<'_>,
        text: &mut String,
        cells: &mut [Option<Range<usize>>],
    ) -> Result<(), Broken> {
        match plan {
            Plan::Cell(kind, None) => self.schema.skip(*kind, cursor, 0),
            Plan::Cell(kind, Some(column)) => {
                let start = text.len();
                let is_value = self.schema.write(*kind, cursor, text)?;
                cells[*column] = is_value.then_some(start..text.len());
                text.push('\t');
                Ok(())
            }
            Plan::Record(kind, whole, fields) => {
                if whole.is_some() {
                    let at = cursor.at;
                    self.take(&Plan::Cell(*kind, *whole), cursor, text, cells)?;
                    cursor.at = at;
                }
                fields.iter().try_for_each(|field| self.take(field, cursor, text, cells))
            }
            Plan::Either(branches, record, plan) => {
                if cursor.branch(branches)? == *record {
                    self.take(plan, cursor, text, cells)
                } else {
                    Ok(())
                }
            }
        }
    }
}
