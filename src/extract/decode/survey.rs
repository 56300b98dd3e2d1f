//! How much of a file is UTF-8: one pass over all of it, block by block, at the speed of memory.
//!
//! In: a file. Out: counts of good and bad characters. A file that clearly is something else is left early. Deliberately
//! keeps no text.

use std::io;

use simdutf8::compat::from_utf8;

use crate::storage::content::Content;

/// Bytes read at a time.
const BLOCK: usize = 256 * 1024;

/// Bad places after which a file may be given up.
const ENOUGH: u64 = 64;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// Undecodable places, apart from a last character that was cut.
    pub bad: u64,
    /// Characters of several bytes.
    pub wide: u64,
    /// Offset of the first undecodable byte.
    pub first_bad: u64,
    /// Whether the end of the file cuts a character in two.
    pub is_cut: bool,
    /// Whether two bad places touch each other.
    has_neighbours: bool,
    /// Offset behind the last bad place.
    last_bad: Option<u64>,
}

impl Survey {
    /// Returns whether bad bytes are so few among good characters, or so rare and lonely, that the text is UTF-8.
    pub(super) fn is_nearly_utf_8(&self, length: u64) -> bool {
        let (bad, wide) = (self.bad, self.wide);
        if wide > 0 && wide >= bad * 4 {
            return true;
        }
        !self.has_neighbours && bad * 10_000 < length && (bad > 0 || wide > 0)
    }

    fn is_hopeless(&self, length: u64) -> bool {
        self.bad >= ENOUGH && self.bad > self.wide && self.bad * 10_000 >= length
    }

    fn mark_bad(&mut self, at: u64, length: usize) {
        if self.last_bad.is_none() {
            self.first_bad = at;
        }
        self.has_neighbours |= self.last_bad == Some(at);
        self.last_bad = Some(at + length as u64);
        self.bad += 1;
    }

    /// Counts the characters of a block that begins at `offset`, and returns how many of its bytes are dealt with.
    fn count(&mut self, block: &[u8], offset: u64, is_last: bool) -> usize {
        let Err(error) = from_utf8(block) else {
            self.wide += wide_letters(block);
            return block.len();
        };
        if error.error_len().is_none() && !is_last && error.valid_up_to() > 0 {
            self.wide += wide_letters(&block[..error.valid_up_to()]);
            return error.valid_up_to();
        }
        let mut at = 0;
        for chunk in block.utf8_chunks() {
            self.wide += wide_letters(chunk.valid().as_bytes());
            at += chunk.valid().len();
            let invalid = chunk.invalid();
            let is_half = at + invalid.len() == block.len()
                && std::str::from_utf8(invalid).is_err_and(|error| error.error_len().is_none());
            match (invalid.is_empty(), is_half) {
                (true, _) => {}
                (_, true) if !is_last => return at,
                (_, true) => {
                    self.is_cut = true;
                    if self.last_bad.is_none() {
                        self.first_bad = offset + at as u64;
                    }
                }
                (_, false) => self.mark_bad(offset + at as u64, invalid.len()),
            }
            at += invalid.len();
        }
        block.len()
    }
}

/// Counts what of a file is UTF-8.
pub(super) fn survey(content: &Content) -> io::Result<Survey> {
    walk(content, |found| found.is_hopeless(content.len()))
}

/// Returns the number of wide characters of a file that is UTF-8 throughout; None for any other.
pub(super) fn strict(content: &Content) -> io::Result<Option<u64>> {
    let found = walk(content, |found| found.bad > 0)?;
    Ok((found.bad == 0 && !found.is_cut).then_some(found.wide))
}

/// Counts characters block by block until it is enough, in one buffer that stays in the processor's cache.
fn walk(content: &Content, is_enough: impl Fn(&Survey) -> bool) -> io::Result<Survey> {
    let mut found = Survey::default();
    let mut buffer = vec![0; BLOCK.min(usize::try_from(content.len()).unwrap_or(BLOCK))];
    let mut at = 0;
    while at < content.len() && !is_enough(&found) {
        let read = content.read_at(at, &mut buffer)?;
        if read == 0 {
            break;
        }
        let is_last = at + read as u64 >= content.len();
        at += found.count(&buffer[..read], at, is_last) as u64;
    }
    Ok(found)
}

/// Counts the characters that take several bytes.
fn wide_letters(text: &[u8]) -> u64 {
    // Sums of single bytes are what compilers turn into vector instructions.
    let sum = |part: &[u8]| u64::from(part.iter().map(|byte| u8::from(*byte >= 0xC0)).sum::<u8>());
    text.chunks(255).map(sum).sum()
}
