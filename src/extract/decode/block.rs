//! One block of bytes → its text.
//!
//! In: bytes that begin and end with whole lines. Out: text with U+FFFD for what is no character. No encoding read here
//! lets a character reach over a line end, so blocks can be decoded in any order. Deliberately makes no choice.

use encoding_rs::{DecoderResult, Encoding, UTF_8};

/// Decoded bytes.
pub(super) struct Block {
    pub text: String,
    /// Places in the text of undecodable bytes, ascending.
    pub bad: Vec<usize>,
    /// Place in the bytes of the first of them.
    pub first_bad_byte: Option<usize>,
    /// Whether the last of them is a character that the end of the file cut in two.
    pub cut: bool,
}

impl Block {
    /// Decodes a block, the last one of its file or another.
    pub(super) fn of(encoding: &'static Encoding, bytes: &[u8], is_last: bool) -> Self {
        let mut block = if encoding != UTF_8 {
            Self::of_other(encoding, bytes)
        } else if let Ok(text) = simdutf8::basic::from_utf8(bytes) {
            Self { text: text.to_owned(), ..Self::empty(0) }
        } else {
            Self::of_broken_utf_8(bytes)
        };
        block.cut &= is_last;
        block
    }

    fn empty(capacity: usize) -> Self {
        Self { text: String::with_capacity(capacity), bad: Vec::new(), first_bad_byte: None, cut: false }
    }

    fn of_broken_utf_8(bytes: &[u8]) -> Self {
        let mut block = Self::empty(bytes.len() + 64);
        let mut read = 0;
        for chunk in bytes.utf8_chunks() {
            block.text.push_str(chunk.valid());
            read += chunk.valid().len();
            if !chunk.invalid().is_empty() {
                block.replace(read);
                read += chunk.invalid().len();
                let is_cut = || std::str::from_utf8(chunk.invalid()).is_err_and(|error| error.error_len().is_none());
                block.cut = read == bytes.len() && is_cut();
            }
        }
        block
    }

    fn of_other(encoding: &'static Encoding, bytes: &[u8]) -> Self {
        let mut decoder = encoding.new_decoder_without_bom_handling();
        let mut block = Self::empty(bytes.len() / 2 * 3 + 16);
        let mut rest = bytes;
        loop {
            let (result, read) = decoder.decode_to_string_without_replacement(rest, &mut block.text, true);
            rest = &rest[read..];
            match result {
                DecoderResult::InputEmpty => return block,
                DecoderResult::OutputFull => block.text.reserve(rest.len() * 2 + 64),
                DecoderResult::Malformed(bad, beyond) => {
                    block.replace(bytes.len() - rest.len() - usize::from(bad) - usize::from(beyond));
                    block.cut = rest.is_empty();
                }
            }
        }
    }

    fn replace(&mut self, at: usize) {
        self.first_bad_byte.get_or_insert(at);
        self.bad.push(self.text.len());
        self.text.push(char::REPLACEMENT_CHARACTER);
    }
}
