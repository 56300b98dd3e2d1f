//! Columnar files, Parquet and Arrow IPC: record batches → rows of text, so that one contract judges all formats.
//!
//! In: a file's bytes by offset, and the names that a contract knows. Out: its rows in order; a line is a row. Of columns
//! that no contract asks for only the names are read. Deliberately leaves the file's own types aside: the contract is the
//! only authority for types, and [`cell`] says what text a value is.
//!
//! ```text
//!  parquet, ipc ──► batches ──► pieces of at most BATCH_ROWS rows ──► columns ──► cell ──► RawBatch
//!  one after the other, bounded memory          any thread from here
//! ```

mod bytes;
mod cell;
mod columns;
mod ipc;
mod parquet;
mod thrift;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow::{array::RecordBatch, datatypes::SchemaRef};

use self::columns::Columns;
use super::{BATCH_ROWS, Error, Hints, Piece, RecordReader, Rest};
use crate::{
    record::{FileShape, LineCount, RawBatch},
    storage::content::Content,
};

const DAMAGED: &str = "the file is damaged or still being written: ask for it again";

/// Text that a piece should not pass by much.
const PIECE_BYTES: usize = 32 << 20;

/// Record batches in order, or why there are no more.
type Batches = Box<dyn Iterator<Item = Result<RecordBatch, Fault>> + Send>;

/// Why a file cannot be read.
#[derive(Debug)]
struct Fault {
    reason: String,
    /// What to do.
    hint: &'static str,
}

impl From<String> for Fault {
    /// Takes a reason for which the file is thought to be damaged.
    fn from(reason: String) -> Self {
        Self { reason, hint: DAMAGED }
    }
}

impl From<&str> for Fault {
    fn from(reason: &str) -> Self {
        Self::from(reason.to_owned())
    }
}

/// A columnar format.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Parquet,
    Arrow,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Arrow => "arrow",
        }
    }

    fn open(self, content: &Content) -> Result<Box<dyn Source>, Fault> {
        match self {
            Self::Parquet => parquet::open(content),
            Self::Arrow => ipc::open(content),
        }
    }
}

/// A file whose schema is known and whose rows are not yet read.
trait Source {
    /// Returns the columns of the file; their metadata say what bytes mean, as [`cell::writer`] reads it.
    fn schema(&self) -> SchemaRef;

    /// Begins to read the columns with these numbers, in the file's order; batches hold them, and no others.
    fn read(self: Box<Self>, columns: &[usize]) -> Result<Batches, Fault>;
}

/// Opens a columnar file.
pub(super) fn open(
    path: &Arc<str>,
    content: &Content,
    kind: Kind,
    hints: &Hints,
) -> Result<Box<dyn RecordReader>, Error> {
    let failed = |fault: Fault| Error::unreadable(path, fault.reason, fault.hint);
    let (columns, batches) = guarded(|| {
        let source = kind.open(content)?;
        let columns = Columns::new(&source.schema(), hints);
        let batches = source.read(&columns.roots)?;
        Ok((columns, batches))
    })
    .map_err(failed)?;
    let shape = shape(kind, columns.header.clone());
    let reader = Reader {
        path: Arc::clone(path),
        batches,
        columns: Arc::new(columns),
        left: None,
        shape,
        count: LineCount::default(),
    };
    Ok(Box::new(reader))
}

fn shape(kind: Kind, header: Vec<String>) -> FileShape {
    FileShape { header, ..FileShape::binary(kind.name()) }
}

/// Turns a panic of a decoder into an error: the libraries trust some numbers of a file, and a damaged file lies.
fn guarded<T>(decode: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    super::guarded::guarded(decode).unwrap_or_else(|| Err("its bytes contradict each other".into()))
}

struct Reader {
    path: Arc<str>,
    batches: Batches,
    columns: Arc<Columns>,
    /// What is left of the last batch.
    left: Option<RecordBatch>,
    shape: FileShape,
    count: LineCount,
}

impl RecordReader for Reader {
    fn shape(&self) -> &FileShape {
        &self.shape
    }

    fn next_batch(&mut self) -> Result<Option<RawBatch>, Error> {
        Ok(self.next_piece()?.map(|piece| piece.cut().0))
    }

    fn next_piece(&mut self) -> Result<Option<Piece>, Error> {
        let Some(records) = self.next_records()? else { return Ok(None) };
        let (columns, line) = (Arc::clone(&self.columns), self.count.lines + 1);
        self.count.lines += records.num_rows() as u64;
        self.count.rows += records.num_rows() as u64;
        Ok(Some(Piece::Uncut(Box::new(move || (columns.to_text(&records, line), Rest::default())))))
    }

    fn lines(&self) -> LineCount {
        self.count.clone()
    }
}

impl Reader {
    /// Returns the next rows, as many as make a piece.
    fn next_records(&mut self) -> Result<Option<RecordBatch>, Error> {
        while self.left.as_ref().is_none_or(|left| left.num_rows() == 0) {
            let batches = &mut self.batches;
            let next = guarded(|| batches.next().transpose());
            match next.map_err(|fault| Error::unreadable(&self.path, fault.reason, fault.hint))? {
                Some(records) => self.left = Some(records),
                None => return Ok(None),
            }
        }
        let Some(left) = self.left.take() else { return Ok(None) };
        let rows = left.num_rows().min(piece_rows(&left));
        self.left = (rows < left.num_rows()).then(|| left.slice(rows, left.num_rows() - rows));
        Ok(Some(left.slice(0, rows)))
    }
}

/// Returns how many rows make a piece that is not too large.
fn piece_rows(records: &RecordBatch) -> usize {
    let bytes: usize =
        records.columns().iter().map(|column| column.to_data().get_slice_memory_size().unwrap_or(0)).sum();
    let row_bytes = bytes / records.num_rows().max(1);
    (PIECE_BYTES / row_bytes.max(1)).clamp(1, BATCH_ROWS)
}
