//! Bytes → text, before anything is cut: in GB18030 a digit's or a bar's byte may be half of a character.
//!
//! In: a file and, perhaps, its declared encoding. Out: the encoding and how sure it is; and the text of any part of the
//! file that ends at a line end, with U+FFFD where bytes are no characters, and the places of those. The order is BOM,
//! declared encoding, strict UTF-8 of the whole file, nearly UTF-8, detection; any other order makes wrong text without
//! an error. Deliberately knows no lines.
//!
//! ```text
//!  Content ─► choose ─► Coding ─► text of a block (any thread) ─► String + Marks
//!             survey (UTF-8), guess (all others)
//! ```

use std::sync::Arc;

use bytes::Bytes;
use encoding_rs::{Encoding, GB18030, GBK, ISO_2022_JP, UTF_8, UTF_16BE, UTF_16LE};
use memchr::memmem;

use super::{Error, counted, header::Names};
use crate::{record::RawFault, storage::content::Content};

mod block;
mod guess;
mod survey;

use self::block::Block;

/// Bytes that are looked at where a guess needs no more.
const SAMPLE: usize = 256 * 1024;

/// Valid characters of several bytes that make UTF-8 certain where another encoding of several bytes is declared.
const PROOF: u64 = 8;

/// The places at which a U+FFFD stands for undecodable bytes, passed over in order.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// Bytes of the text, ascending.
    bad: Vec<usize>,
    /// Whether the last of them is a character that the end of the file cut in two.
    cut: bool,
    /// Those before this one are behind.
    next: usize,
}

impl Marks {
    /// Passes over the places before `end` and returns what they mean for the row that ends there.
    pub(super) fn fault_before(&mut self, end: usize) -> Option<RawFault> {
        let passed = self.bad[self.next..].iter().take_while(|place| **place < end).count();
        self.next += passed;
        let is_half = self.cut && self.next == self.bad.len();
        match passed {
            0 => None,
            1 if is_half => Some(RawFault::Truncated),
            _ => Some(RawFault::Encoding),
        }
    }

    /// Returns whether all bytes are characters.
    pub(super) fn is_empty(&self) -> bool {
        self.bad.is_empty()
    }

    /// Returns whether there is a place before `end` that was not passed over.
    pub(super) fn lie_before(&self, end: usize) -> bool {
        self.bad.get(self.next).is_some_and(|place| *place < end)
    }

    /// Forgets the places from `end` on, because more text comes behind it.
    pub(super) fn truncate(&mut self, end: usize) {
        self.bad.retain(|place| *place < end);
        self.cut = false;
    }

    /// Returns the number of undecodable places, apart from a last character that was cut.
    pub(super) fn bad_letters(&self) -> u64 {
        (self.bad.len() - usize::from(self.cut)) as u64
    }
}

/// How the bytes of a file become text.
#[derive(Debug, Clone)]
pub(super) struct Coding {
    encoding: &'static Encoding,
    /// Bytes of the byte order mark.
    pub mark: usize,
    /// 0..1.
    pub confidence: f64,
    /// What a person should know of the choice.
    pub note: Option<String>,
}

impl Coding {
    /// Returns the encoding's name, as the Encoding Standard spells it.
    pub(super) fn name(&self) -> &'static str {
        self.encoding.name()
    }

    /// Returns whether text and bytes are the same where all bytes are characters.
    pub(super) fn is_utf_8(&self) -> bool {
        self.encoding == UTF_8
    }

    /// Returns whether the byte of an ASCII sign never is half of another character.
    pub(super) fn is_safe(&self, sign: u8) -> bool {
        let is_wide = [UTF_16LE, UTF_16BE].contains(&self.encoding);
        // The halves of characters begin at 0x30, and at 0x40 where digits are none.
        let is_half = (0x30..0x3A).contains(&sign) || (0x40..0x7F).contains(&sign);
        sign.is_ascii() && !is_wide && (!is_half || self.encoding == UTF_8 || self.encoding.is_single_byte())
    }

    /// Returns the bytes of a code unit, and which of them is the low one.
    pub(super) fn unit(&self) -> (usize, usize) {
        match self.encoding {
            encoding if encoding == UTF_16LE => (2, 0),
            encoding if encoding == UTF_16BE => (2, 1),
            _ => (1, 0),
        }
    }

    /// Decodes a part of the file that begins behind a line end and ends with one, or with the file.
    pub(super) fn text(&self, bytes: &[u8], is_last: bool) -> (String, Marks) {
        let Block { text, bad, cut, .. } = Block::of(self.encoding, bytes, is_last);
        (text, Marks { bad, cut, next: 0 })
    }

    /// Refuses a file of which more than one byte in a hundred is no character.
    pub(super) fn accept(&self, path: &Arc<str>, content: &Content, bad: u64) -> Result<(), Error> {
        if bad * 100 <= content.len().max(100) {
            return Ok(());
        }
        let offset = guess::first_bad_byte(path, content, self.mark as u64, self.encoding)?;
        let (name, places) = (self.encoding.name(), counted(bad, "place"));
        let reason = format!("it is no {name} in {places}, the first at byte {offset}");
        let hint = if self.mark > 0 {
            "ask for the file again"
        } else {
            "correct or remove `encoding` in the source's contract"
        };
        Err(Error::unreadable(path, reason, hint))
    }

    fn new(encoding: &'static Encoding, confidence: f64, note: Option<String>) -> Self {
        Self { encoding, mark: 0, confidence, note }
    }
}

/// Chooses the encoding of a file.
pub(super) fn choose(
    path: &Arc<str>,
    content: &Content,
    declared: Option<&str>,
    names: &Names,
) -> Result<Coding, Error> {
    let declared = declared.map(|label| by_label(path, label)).transpose()?;
    let head = part(path, content, 0, SAMPLE)?;
    if let Some(name) = utf_32(&head).or_else(|| iso_2022(&head).filter(|_| declared.is_none())) {
        let reason = format!("it looks like {name}, which cannot be read");
        return Err(Error::unreadable(path, reason, "convert the file to UTF-8"));
    }
    if let Some((encoding, mark)) = Encoding::for_bom(&head) {
        let note = declared
            .filter(|declared| *declared != encoding)
            .map(|declared| format!("the byte order mark says {}, not {}", encoding.name(), declared.name()));
        let coding = Coding { mark, ..Coding::new(encoding, 1.0, note) };
        return accept_sample(path, content, &head[mark..], coding);
    }
    match declared {
        Some(encoding) => {
            let coding = declared_coding(path, content, encoding)?;
            accept_sample(path, content, &head, coding)
        }
        None => undeclared_coding(path, content, &head, names),
    }
}

/// Returns the name of UTF-32 if a file is that: its mark begins as that of UTF-16 does, and without one it reads as letters and NULs.
fn utf_32(head: &[u8]) -> Option<&'static str> {
    /// Letters that tell.
    const ENOUGH: usize = 4;
    let is_little = |letter: &[u8]| letter[3] == 0 && letter[2] <= 0x10 && letter[..2] != [0, 0];
    let is_big = |letter: &[u8]| letter[0] == 0 && letter[1] <= 0x10 && letter[2..] != [0, 0];
    let are = |is_letter: fn(&[u8]) -> bool| head.len() >= 4 * ENOUGH && head.chunks_exact(4).all(is_letter);
    if head.starts_with(&[0xFF, 0xFE, 0, 0]) || are(is_little) {
        Some("UTF-32LE")
    } else if head.starts_with(&[0, 0, 0xFE, 0xFF]) || are(is_big) {
        Some("UTF-32BE")
    } else {
        None
    }
}

/// Returns the name of ISO-2022 if a file is that: it is valid UTF-8 and reads as signs between escapes.
fn iso_2022(head: &[u8]) -> Option<&'static str> {
    /// What goes over to Japanese, Chinese and Korean letters.
    const SHIFTS: [&[u8]; 5] = [b"\x1b$B", b"\x1b$@", b"\x1b$A", b"\x1b$)A", b"\x1b$)C"];
    let is_one = head.is_ascii() && SHIFTS.iter().any(|shift| memmem::find(head, shift).is_some());
    is_one.then_some("ISO-2022")
}

/// Returns at most `count` bytes of a file.
pub(super) fn part(path: &Arc<str>, content: &Content, offset: u64, count: usize) -> Result<Bytes, Error> {
    content.part(offset, count).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Arc<str>, error: &std::io::Error) -> Error {
    Error::unreadable(path, error.to_string(), "check the disk and the permissions of the file")
}

/// Refuses a choice that the beginning of the file contradicts.
fn accept_sample(path: &Arc<str>, content: &Content, sample: &[u8], coding: Coding) -> Result<Coding, Error> {
    let is_whole = sample.len() + coding.mark == usize::try_from(content.len()).unwrap_or(usize::MAX);
    let bad = coding.text(sample, is_whole).1.bad_letters();
    if bad * 100 > (sample.len() as u64).max(100) {
        // Counted against the sample, so that a long clean rest does not hide a wrong beginning.
        coding.accept(path, content, bad.max(content.len() / 100 + 1))?;
    }
    Ok(coding)
}

fn by_label(path: &Arc<str>, label: &str) -> Result<&'static Encoding, Error> {
    let encoding = Encoding::for_label_no_replacement(label.as_bytes()).map(at_least_gb18030);
    if encoding == Some(ISO_2022_JP) {
        // Its characters depend on all that stands before them, across line ends.
        return Err(Error::unreadable(path, format!("`{label}` cannot be read"), "convert the file to UTF-8"));
    }
    let hint = "use a label of the Encoding Standard: utf-8, gb18030, big5, windows-1252, utf-16le";
    encoding.ok_or_else(|| Error::unreadable(path, format!("there is no encoding `{label}`"), hint))
}

/// What detectors and people call GB2312 or GBK is read as its superset.
fn at_least_gb18030(encoding: &'static Encoding) -> &'static Encoding {
    if encoding == GBK { GB18030 } else { encoding }
}

fn declared_coding(path: &Arc<str>, content: &Content, encoding: &'static Encoding) -> Result<Coding, Error> {
    let is_legacy = encoding != UTF_8 && encoding != UTF_16LE && encoding != UTF_16BE;
    // Chinese UTF-8 is also valid, and wrong, GB18030: so much UTF-8 comes about by intent only. Letters of one byte stand
    // between ASCII, and are hardly ever UTF-8 by chance.
    let proof = if encoding.is_single_byte() { 1 } else { PROOF };
    if is_legacy && survey::strict(content).map_err(|error| unreadable(path, &error))? >= Some(proof) {
        let note = format!("it is declared as {}, but the bytes are UTF-8", encoding.name());
        return Ok(Coding::new(UTF_8, 1.0, Some(note)));
    }
    Ok(Coding::new(encoding, 1.0, None))
}

fn undeclared_coding(path: &Arc<str>, content: &Content, head: &[u8], names: &Names) -> Result<Coding, Error> {
    if let Some(encoding) = guess::utf_16(head) {
        let note = format!("looks like {} without a byte order mark", encoding.name());
        return Ok(Coding::new(encoding, 0.95, Some(note)));
    }
    let found = survey::survey(content).map_err(|error| unreadable(path, &error))?;
    if found.bad == 0 && !found.is_cut {
        return Ok(Coding::new(UTF_8, 1.0, None));
    }
    if found.is_nearly_utf_8(content.len()) {
        let note = (found.bad > 0).then(|| format!("it is not UTF-8 in {}", counted(found.bad, "place")));
        return Ok(Coding::new(UTF_8, 0.95, note));
    }
    guess::guess(path, content, found.first_bad, names)
}

#[cfg(test)]
mod tests;
