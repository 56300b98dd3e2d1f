//! The reader of one delimited file: parts it into blocks, hands them out, and settles what they leave open.
//!
//! In: the file below its header. Out: pieces for any number of threads, or batches in turn. Blocks are read by offset,
//! so that memory holds no more of the file than the blocks in work; where a block ends it is parted behind a whole row,
//! and the rest is read again. What a block leaves open is settled in the order of blocks, whatever order they return in,
//! so that nothing depends on their size or on threads.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use super::{
    boundary::{Finder, Parted},
    piece::{Block, Plan},
};
use crate::{
    extract::{Error, Piece, RecordReader, Rest, decode::part, lines::count_line_ends, row::Row, sieve::Sieve},
    record::{FileShape, LineCount, Origin, RawBatch},
    storage::content::Content,
};

/// Bytes of an ordinary block.
pub(super) const BLOCK: usize = 1024 * 1024;

/// Lines of an ordinary block: short rows cost more memory than their text.
const BLOCK_LINES: u64 = 16_384;

/// The longest row.
const LONGEST_ROW: usize = 256 * 1024 * 1024;

/// Rows settled late that are handed on before the end.
const RELEASED: usize = 4_096;

/// A place between two rows of a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// Offset in the file.
    pub offset: u64,
    /// Number of the physical line that begins there.
    pub line: u64,
}

/// The records of a file below its header.
pub(super) struct Reader {
    pub path: Arc<str>,
    pub content: Content,
    pub shape: FileShape,
    pub plan: Arc<Plan>,
    pub block_bytes: usize,
    /// Where the next block begins.
    pub at: Place,
    /// Offset at which the table ends.
    pub end: u64,
    /// Counts the lines above the records, and what blocks leave open.
    pub sieve: Sieve,
    pub settling: Settling,
}

/// Blocks that came back, and those that are still out.
#[derive(Debug, Default)]
pub(super) struct Settling {
    /// Blocks that were handed out.
    handed_out: u64,
    /// Blocks that are settled.
    settled: u64,
    /// Rests whose predecessors are still out.
    waiting: BTreeMap<u64, Rest>,
    /// Rows that later blocks have shown to be records.
    released: Vec<Row>,
    /// Places whose bytes are no characters.
    bad: u64,
    /// Batches that are ready, for those who take them in turn.
    ready: VecDeque<RawBatch>,
    is_finished: bool,
}

impl RecordReader for Reader {
    fn shape(&self) -> &FileShape {
        &self.shape
    }

    fn next_batch(&mut self) -> Result<Option<RawBatch>, Error> {
        loop {
            if let Some(batch) = self.settling.ready.pop_front() {
                return Ok(Some(batch));
            }
            let Some(block) = self.next_block()? else { return self.finish() };
            let (batch, rest) = block.cut();
            self.take_back(rest);
            let released = self.take_released();
            self.settling.ready.extend(released);
            if !batch.is_empty() {
                self.settling.ready.push_back(batch);
            }
        }
    }

    fn next_piece(&mut self) -> Result<Option<Piece>, Error> {
        if self.settling.released.len() >= RELEASED {
            return Ok(self.take_released().map(Piece::from));
        }
        Ok(self.next_block()?.map(|block| Piece::Uncut(Box::new(|| block.cut()))))
    }

    fn take_back(&mut self, rest: Rest) {
        self.settling.waiting.insert(rest.number, rest);
        while let Some(rest) = self.settling.waiting.remove(&self.settling.settled) {
            self.settling.settled += 1;
            self.settling.bad += rest.bad;
            self.settling.released.extend(self.sieve.join(rest.open));
        }
    }

    fn finish(&mut self) -> Result<Option<RawBatch>, Error> {
        if !self.settling.is_finished {
            self.settling.is_finished = true;
            self.sieve.finish();
            debug_assert!(self.sieve.count().is_balanced(), "lost lines of {:?}", self.shape);
            self.plan.coding.accept(&self.path, &self.content, self.settling.bad)?;
        }
        Ok(self.take_released())
    }

    fn lines(&self) -> LineCount {
        self.sieve.count().clone()
    }
}

impl Reader {
    /// Reads the next block and parts it behind its last whole row.
    fn next_block(&mut self) -> Result<Option<Block>, Error> {
        let left = self.end.saturating_sub(self.at.offset);
        if left == 0 {
            return Ok(None);
        }
        let mut wanted = self.block_bytes;
        loop {
            let wanted_now = usize::try_from(left).map_or(wanted, |left| left.min(wanted));
            let bytes = part(&self.path, &self.content, self.at.offset, wanted_now)?;
            if bytes.len() < wanted_now {
                let hint = "run again when nobody writes to it";
                return Err(Error::unreadable(&self.path, "it became shorter while it was read", hint));
            }
            let is_last = wanted_now as u64 == left;
            // Half a unit would be a bad letter, and part a CR from its LF.
            let whole = if is_last { bytes.len() } else { bytes.len() - bytes.len() % self.plan.coding.unit().0 };
            let parted = self.finder().part(&bytes[..whole], is_last);
            if parted.length > 0 {
                return Ok(Some(self.hand_out(&bytes, parted, is_last)));
            }
            if wanted >= LONGEST_ROW {
                let parted = self.finder().part_first(&bytes);
                return if parted.length > 0 {
                    Ok(Some(self.hand_out(&bytes, parted, false)))
                } else {
                    Err(self.endless())
                };
            }
            wanted = (wanted * 2).clamp(64, LONGEST_ROW);
        }
    }

    /// Takes what was parted off, or less where that has very many lines.
    fn hand_out(&mut self, bytes: &bytes::Bytes, mut parted: Parted, mut is_last: bool) -> Block {
        let mut lines = count_line_ends(counted(bytes, &parted));
        while lines > BLOCK_LINES {
            let wanted = parted.length / 2;
            let fewer = self.finder().part(&bytes[..wanted - wanted % 2], false);
            if fewer.length == 0 {
                break;
            }
            (parted, is_last) = (fewer, false);
            lines = count_line_ends(counted(bytes, &parted));
        }
        let block = Block {
            plan: Arc::clone(&self.plan),
            number: self.settling.handed_out,
            is_last: is_last && parted.length == bytes.len(),
            bytes: bytes.slice(..parted.length),
            text: parted.text,
            offset: self.at.offset,
            line: self.at.line,
            lines,
        };
        self.settling.handed_out += 1;
        self.at = Place { offset: self.at.offset + parted.length as u64, line: self.at.line + lines };
        block
    }

    fn finder(&self) -> Finder<'_> {
        Finder { dialect: &self.plan.dialect, rules: &self.plan.rules, coding: &self.plan.coding }
    }

    fn endless(&self) -> Error {
        let (offset, line) = (self.at.offset, self.at.line);
        let reason = format!("line {line}, at byte {offset}, is longer than {} MiB", LONGEST_ROW / 1024 / 1024);
        Error::unreadable(&self.path, reason, "a table has line ends: ask for the file again")
    }

    /// Returns the rows that were settled late.
    fn take_released(&mut self) -> Option<RawBatch> {
        let rows = std::mem::take(&mut self.settling.released);
        let mut batch = RawBatch::default();
        for row in &rows {
            row.write(&mut batch, self.plan.rules.width());
        }
        batch.set_origin(Origin::Rows(rows.iter().map(|row| row.offset).collect()));
        (!batch.is_empty()).then_some(batch)
    }
}

/// Returns the bytes in which a line end is one byte or two.
fn counted<'a>(bytes: &'a [u8], parted: &'a Parted) -> &'a [u8] {
    parted.text.as_ref().map_or(&bytes[..parted.length], |(text, _)| text.as_bytes())
}
