//! A file's text block by block, for readers that never hold all of it.
//!
//! In: the bytes of a file by offset and, perhaps, its declared encoding. Out: text, with U+FFFD where bytes are no
//! characters, and the places of those. Which encoding it is, is [`decode`](super::decode)'s decision. Deliberately knows no lines.

use std::sync::Arc;

use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8};

use super::{
    Error, counted,
    decode::{choose, part},
    header::Names,
};
use crate::{record::RawFault, storage::content::Content};

/// Bytes that are read at once; few for a fuzzer, whose files are shorter than a block.
const BLOCK_BYTES: usize = if cfg!(fuzzing) { 64 } else { 256 * 1024 };

/// One bad place in so many bytes is tolerated.
const TOLERATED: u64 = 100;

/// A file whose encoding is known.
pub(super) struct Text {
    path: Arc<str>,
    content: Content,
    encoding: &'static Encoding,
    /// Bytes of the byte order mark.
    start: u64,
    /// Name of the encoding, as the Encoding Standard spells it.
    pub name: &'static str,
    /// 0..1.
    pub confidence: f64,
    /// What a person should know of the choice.
    pub note: Option<String>,
}

impl Text {
    /// Chooses the encoding of a file.
    pub(super) fn open(
        path: &Arc<str>,
        content: &Content,
        declared: Option<&str>,
        names: &Names,
    ) -> Result<Self, Error> {
        let coding = choose(path, content, declared, names)?;
        Ok(Self {
            path: Arc::clone(path),
            content: content.clone(),
            encoding: Encoding::for_label(coding.name().as_bytes()).unwrap_or(UTF_8),
            start: coding.mark as u64,
            name: coding.name(),
            confidence: coding.confidence,
            note: coding.note,
        })
    }

    /// Begins to read at the file's start.
    pub(super) fn window(&self) -> Window {
        Window {
            path: Arc::clone(&self.path),
            content: self.content.clone(),
            offset: self.start,
            decoder: self.encoding.new_decoder_without_bom_handling(),
            name: self.name,
            text: String::new(),
            at: 0,
            before: 0,
            bad: Vec::new(),
            bad_places: 0,
            cut: false,
            ended: false,
        }
    }
}

/// A growing part of the text: what was passed can be let go, what comes is read when it is asked for.
pub(super) struct Window {
    path: Arc<str>,
    content: Content,
    offset: u64,
    decoder: Decoder,
    name: &'static str,
    text: String,
    /// What of the text was passed.
    at: usize,
    /// Bytes of text before the window.
    before: u64,
    /// Places in the text that stand for undecodable bytes, ascending.
    bad: Vec<usize>,
    bad_places: u64,
    /// Whether the last of them is a character that the end of the file cut in two.
    cut: bool,
    ended: bool,
}

impl Window {
    /// Returns the text of the window.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Returns the place in the text up to which it was passed.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    /// Passes everything before a place.
    pub(super) fn pass_to(&mut self, at: usize) {
        self.at = at;
    }

    /// Returns how many bytes of text stand before a place of the window.
    pub(super) const fn text_offset(&self, at: usize) -> u64 {
        self.before + at as u64
    }

    /// Reads on; false at the end of the file.
    ///
    /// # Errors
    /// When the file cannot be read, or so much of it is not text that the encoding must be another.
    pub(super) fn grow(&mut self) -> Result<bool, Error> {
        let before = self.text.len();
        while self.text.len() == before {
            if self.ended {
                return Ok(false);
            }
            let block = part(&self.path, &self.content, self.offset, BLOCK_BYTES)?;
            self.ended = self.offset + block.len() as u64 >= self.content.len() || block.is_empty();
            let first_bad = self.decode(&block);
            self.offset += block.len() as u64;
            self.refuse_other_encodings(first_bad)?;
        }
        Ok(true)
    }

    /// Decodes a block and returns its first bad byte.
    fn decode(&mut self, block: &[u8]) -> Option<u64> {
        let mut rest = block;
        let mut first_bad = None;
        loop {
            let room = self.decoder.max_utf8_buffer_length_without_replacement(rest.len()).unwrap_or(rest.len() * 3);
            self.text.reserve(room + 4);
            let (result, read) = self.decoder.decode_to_string_without_replacement(rest, &mut self.text, self.ended);
            rest = &rest[read..];
            match result {
                DecoderResult::InputEmpty => return first_bad,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(bad, beyond) => {
                    let behind = (rest.len() + usize::from(bad) + usize::from(beyond)) as u64;
                    first_bad.get_or_insert((self.offset + block.len() as u64).saturating_sub(behind));
                    self.cut = self.ended && rest.is_empty();
                    self.bad.push(self.text.len());
                    self.bad_places += 1;
                    self.text.push(char::REPLACEMENT_CHARACTER);
                }
            }
        }
    }

    fn refuse_other_encodings(&self, first_bad: Option<u64>) -> Result<(), Error> {
        let Some(byte) = first_bad else { return Ok(()) };
        let seen = self.text_offset(self.text.len()).max(TOLERATED);
        if (self.bad_places - u64::from(self.cut)) * TOLERATED <= seen {
            return Ok(());
        }
        let places = counted(self.bad_places, "place");
        let reason = format!("it is no {} in {places}, one of them at byte {byte}", self.name);
        Err(Error::unreadable(&self.path, reason, "declare the `encoding` in the source's contract"))
    }

    /// Lets go what was passed.
    pub(super) fn release(&mut self) {
        if self.at > BLOCK_BYTES {
            self.take();
        }
    }

    /// Takes what was passed out of the window.
    pub(super) fn take(&mut self) -> String {
        let rest = self.text.split_off(self.at);
        let passed = std::mem::replace(&mut self.text, rest);
        self.before += passed.len() as u64;
        let behind = self.bad.partition_point(|place| *place < self.at);
        self.bad.drain(..behind);
        self.bad.iter_mut().for_each(|place| *place -= passed.len());
        self.at = 0;
        passed
    }

    /// Returns what the undecodable bytes in a part of the window mean for the record there.
    pub(super) fn fault(&self, start: usize, end: usize) -> Option<RawFault> {
        let first = self.bad.partition_point(|place| *place < start);
        let places = self.bad[first..].iter().take_while(|place| **place < end).count();
        let is_half = self.cut && self.ended && first + places == self.bad.len();
        match places {
            0 => None,
            1 if is_half => Some(RawFault::Truncated),
            _ => Some(RawFault::Encoding),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn all(bytes: Vec<u8>, declared: Option<&str>) -> (String, &'static str, Vec<usize>) {
        let content = Content::from(Bytes::from(bytes));
        let text = Text::open(&Arc::from("a.json"), &content, declared, &Names::default()).unwrap();
        let mut window = text.window();
        while window.grow().unwrap() {}
        (window.text.clone(), text.name, window.bad.clone())
    }

    #[test]
    fn long_texts_of_every_encoding_are_the_same_text() {
        let text = "{\"城市\":\"广州市\",\"n\":1}\n".repeat(60_000);
        let utf_16: Vec<u8> = format!("\u{FEFF}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
        let gb = encoding_rs::GB18030.encode(&text).0.into_owned();
        for (bytes, declared, name) in [
            (text.clone().into_bytes(), None, "UTF-8"),
            (format!("\u{FEFF}{text}").into_bytes(), None, "UTF-8"),
            (utf_16, None, "UTF-16LE"),
            (gb.clone(), Some("gbk"), "gb18030"),
            (gb, None, "gb18030"),
        ] {
            let (found, encoding, bad) = all(bytes, declared);
            assert!(found == text && bad.is_empty(), "{name} {declared:?}");
            assert_eq!(encoding, name);
        }
    }

    #[test]
    fn bytes_late_in_the_file_decide_as_well() {
        let head = "{\"city\":\"Guangzhou\"}\n".repeat(100_000);
        let tail = encoding_rs::GB18030.encode(&"{\"city\":\"广州市天河区\"}\n".repeat(1_000)).0.into_owned();
        let (found, encoding, bad) = all([head.clone().into_bytes(), tail].concat(), None);
        assert_eq!((encoding, bad.len()), ("gb18030", 0));
        assert!(found.ends_with("{\"city\":\"广州市天河区\"}\n"));
        let mut lonely = head.into_bytes();
        lonely[1_500_000] = 0xFF;
        assert_eq!(all(lonely, None).2, [1_500_000]);
    }
}
