//! Bytes → text, before anything is cut: in GB18030 a comma's or a digit's byte may be half of a character.
//!
//! In: a whole file and, perhaps, its declared encoding. Out: the text, with U+FFFD where bytes are no characters, and the
//! places of those. The order is BOM, declared encoding, strict UTF-8, nearly UTF-8, detection; any other order makes
//! wrong text without an error. Deliberately knows no lines.

use std::sync::Arc;

use bytes::Bytes;
use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{BIG5, DecoderResult, EUC_KR, Encoding, GB18030, GBK, SHIFT_JIS, UTF_8, UTF_16BE, UTF_16LE};

use super::{Error, header::Names};
use crate::record::RawFault;

/// Bytes that are looked at where a guess needs no more.
const SAMPLE: usize = 256 * 1024;

/// Valid characters of several bytes that make undeclared UTF-8 certain.
const PROOF: usize = 8;

/// A file as text.
#[derive(Debug)]
pub(super) struct Decoded {
    /// The text, without its byte order mark.
    pub text: String,
    /// Name of the encoding, as the Encoding Standard spells it.
    pub encoding: &'static str,
    /// Where it is not text.
    pub marks: Marks,
    /// 0..1.
    pub confidence: f64,
    /// What a person should know of the choice.
    pub note: Option<String>,
}

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
}

/// Decodes a file.
pub(super) fn decode(path: &Arc<str>, bytes: Bytes, declared: Option<&str>, names: &Names) -> Result<Decoded, Error> {
    let declared = declared.map(|label| by_label(path, label)).transpose()?;
    if let Some((encoding, length)) = Encoding::for_bom(&bytes) {
        let attempt = Attempt::of(encoding, &bytes[length..]);
        let note = declared
            .filter(|declared| *declared != encoding)
            .map(|declared| format!("the byte order mark says {}, not {}", encoding.name(), declared.name()));
        return attempt.certain(path, length, note);
    }
    match declared {
        Some(encoding) => decode_declared(path, &bytes, encoding),
        None => decode_undeclared(path, bytes, names),
    }
}

fn by_label(path: &Arc<str>, label: &str) -> Result<&'static Encoding, Error> {
    let encoding = Encoding::for_label_no_replacement(label.as_bytes()).map(at_least_gb18030);
    let hint = "use a label of the Encoding Standard: utf-8, gb18030, big5, windows-1252, utf-16le";
    encoding.ok_or_else(|| Error::unreadable(path, format!("there is no encoding `{label}`"), hint))
}

/// What detectors and people call GB2312 or GBK is read as its superset.
fn at_least_gb18030(encoding: &'static Encoding) -> &'static Encoding {
    if encoding == GBK { GB18030 } else { encoding }
}

fn decode_declared(path: &Arc<str>, bytes: &[u8], encoding: &'static Encoding) -> Result<Decoded, Error> {
    let is_legacy = encoding != UTF_8 && encoding != UTF_16LE && encoding != UTF_16BE;
    // Chinese UTF-8 is also valid, and wrong, GB18030: so much UTF-8 comes about by intent only.
    if is_legacy
        && let Ok(text) = std::str::from_utf8(bytes)
        && wide_letters(text) >= PROOF
    {
        let note = format!("the contract says {}, but the bytes are UTF-8", encoding.name());
        return Attempt::of(UTF_8, bytes).certain(path, 0, Some(note));
    }
    Attempt::of(encoding, bytes).certain(path, 0, None)
}

fn decode_undeclared(path: &Arc<str>, bytes: Bytes, names: &Names) -> Result<Decoded, Error> {
    if let Some(encoding) = utf_16_without_bom(&bytes) {
        return Attempt::of(encoding, &bytes).certain(
            path,
            0,
            Some(format!("looks like {} without a byte order mark", encoding.name())),
        );
    }
    let bytes = match String::from_utf8(Vec::from(bytes)) {
        Ok(text) => return Ok(Attempt { text, ..Attempt::empty(UTF_8, 0) }.into_decoded(1.0, None)),
        Err(error) => error.into_bytes(),
    };
    let near = Attempt::of(UTF_8, &bytes);
    if near.is_nearly_utf_8(bytes.len()) {
        let note = (!near.is_clean()).then(|| format!("{} places are not UTF-8", near.bad_letters()));
        return Ok(near.into_decoded(0.95, note));
    }
    detect(path, &bytes, names)
}

/// Returns UTF-16 when half of the bytes, every other one, are zero, as in Western text.
fn utf_16_without_bom(bytes: &[u8]) -> Option<&'static Encoding> {
    let sample = &bytes[..bytes.len().min(SAMPLE) & !1];
    let zeros = |odd: usize| sample.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd, pairs) = (zeros(0), zeros(1), sample.len() / 2);
    if pairs < 2 || bytes.len() % 2 == 1 {
        None
    } else if odd * 10 > pairs * 4 && even * 20 < pairs {
        Some(UTF_16LE)
    } else if even * 10 > pairs * 4 && odd * 20 < pairs {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// Tries what a detector says, then what is common here; a header name of the contract decides, else the order.
fn detect(path: &Arc<str>, bytes: &[u8], names: &Names) -> Result<Decoded, Error> {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    let guess = at_least_gb18030(detector.guess(None, Utf8Detection::Deny));
    let mut candidates = vec![guess];
    candidates.extend([GB18030, BIG5, SHIFT_JIS, EUC_KR].into_iter().filter(|other| *other != guess));
    let proven = candidates.iter().copied().find(|encoding| names.prove(&sample(encoding, bytes)));
    if let Some(encoding) = proven {
        let attempt = Attempt::of(encoding, bytes);
        if attempt.is_tolerable(bytes.len()) {
            return Ok(attempt.into_decoded(1.0, None));
        }
    }
    let (mut nearest, mut offset) = (guess, 0);
    for encoding in [guess, GB18030] {
        let attempt = Attempt::of(encoding, bytes);
        if attempt.is_tolerable(bytes.len()) {
            let note = format!("the encoding was guessed: {}", encoding.name());
            return Ok(attempt.into_decoded(0.8, Some(note)));
        }
        if attempt.first_bad_byte.unwrap_or_default() > offset {
            (nearest, offset) = (encoding, attempt.first_bad_byte.unwrap_or_default());
        }
    }
    let reason = format!("no encoding fits: byte {offset} is no character of {}", nearest.name());
    Err(Error::unreadable(path, reason, "declare `format: { type: csv, encoding: … }` in the source's contract"))
}

fn sample(encoding: &'static Encoding, bytes: &[u8]) -> String {
    let head = &bytes[..bytes.len().min(SAMPLE)];
    encoding.decode_without_bom_handling(head).0.into_owned()
}

/// One encoding, tried on a whole file.
struct Attempt {
    encoding: &'static Encoding,
    text: String,
    bad: Vec<usize>,
    /// Offset in the bytes after the first undecodable ones.
    first_bad_byte: Option<usize>,
    cut: bool,
}

impl Attempt {
    fn of(encoding: &'static Encoding, bytes: &[u8]) -> Self {
        if encoding == UTF_8 { Self::of_utf_8(bytes) } else { Self::of_other(encoding, bytes) }
    }

    fn empty(encoding: &'static Encoding, capacity: usize) -> Self {
        Self { encoding, text: String::with_capacity(capacity), bad: Vec::new(), first_bad_byte: None, cut: false }
    }

    fn of_utf_8(bytes: &[u8]) -> Self {
        let mut attempt = Self::empty(UTF_8, bytes.len());
        let mut read = 0;
        for chunk in bytes.utf8_chunks() {
            attempt.text.push_str(chunk.valid());
            read += chunk.valid().len();
            if !chunk.invalid().is_empty() {
                attempt.replace(read);
                read += chunk.invalid().len();
                let is_cut = || std::str::from_utf8(chunk.invalid()).is_err_and(|error| error.error_len().is_none());
                attempt.cut = read == bytes.len() && is_cut();
            }
        }
        attempt
    }

    fn of_other(encoding: &'static Encoding, bytes: &[u8]) -> Self {
        let mut decoder = encoding.new_decoder_without_bom_handling();
        let mut attempt = Self::empty(encoding, bytes.len() / 2 * 3 + 16);
        let mut rest = bytes;
        loop {
            let (result, read) = decoder.decode_to_string_without_replacement(rest, &mut attempt.text, true);
            rest = &rest[read..];
            match result {
                DecoderResult::InputEmpty => return attempt,
                DecoderResult::OutputFull => attempt.text.reserve(rest.len() * 2 + 64),
                DecoderResult::Malformed(bad, beyond) => {
                    attempt.replace(bytes.len() - rest.len() - usize::from(bad) - usize::from(beyond));
                    attempt.cut = rest.is_empty();
                }
            }
        }
    }

    fn replace(&mut self, at: usize) {
        self.first_bad_byte.get_or_insert(at);
        self.bad.push(self.text.len());
        self.text.push(char::REPLACEMENT_CHARACTER);
    }

    /// Returns the undecodable places other than a last character that was cut.
    fn bad_letters(&self) -> usize {
        self.bad.len() - usize::from(self.cut)
    }

    fn is_clean(&self) -> bool {
        self.bad_letters() == 0
    }

    /// Returns whether bad bytes are so few among good characters, or so rare and lonely, that the text is UTF-8.
    fn is_nearly_utf_8(&self, length: usize) -> bool {
        let (bad, wide) = (self.bad_letters(), wide_letters(&self.text) - self.bad.len());
        if wide > 0 && wide >= bad * 4 {
            return true;
        }
        let lonely = self.bad.windows(2).all(|pair| pair[1] - pair[0] > char::REPLACEMENT_CHARACTER.len_utf8());
        lonely && bad * 10_000 < length && (bad > 0 || wide > 0)
    }

    /// Returns whether so few bytes are bad that they cost their rows and not the file.
    fn is_tolerable(&self, length: usize) -> bool {
        let (bad, wide) = (self.bad_letters(), wide_letters(&self.text) - self.bad.len());
        bad == 0 || bad * 10_000 < length || wide >= bad * 20
    }

    /// Accepts an encoding that is not in doubt, unless more than one byte in a hundred says otherwise.
    fn certain(self, path: &Arc<str>, skipped: usize, note: Option<String>) -> Result<Decoded, Error> {
        if self.bad_letters() * 100 <= self.text.len().max(100) {
            return Ok(self.into_decoded(1.0, note));
        }
        let offset = self.first_bad_byte.unwrap_or_default() + skipped;
        let reason =
            format!("{} places are no {}, the first at byte {offset}", self.bad_letters(), self.encoding.name());
        let hint = if skipped > 0 {
            "ask for the file again"
        } else {
            "correct or remove `encoding` in the source's contract"
        };
        Err(Error::unreadable(path, reason, hint))
    }

    fn into_decoded(self, confidence: f64, note: Option<String>) -> Decoded {
        let Self { encoding, text, bad, cut, .. } = self;
        Decoded { text, encoding: encoding.name(), marks: Marks { bad, cut, next: 0 }, confidence, note }
    }
}

/// Counts the characters that take several bytes.
fn wide_letters(text: &str) -> usize {
    text.bytes().filter(|byte| *byte >= 0xC0).count()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::extract::Hints;

    const CHINESE: &str = "经销商编码,客户名称,金额\nD001,广州重工机械有限公司,12.50\nD002,上海|建筑,3\n";

    fn decoded(bytes: &[u8], declared: Option<&str>) -> Decoded {
        decode(&Arc::from("a.csv"), Bytes::copy_from_slice(bytes), declared, &Names::default()).unwrap()
    }

    fn error(bytes: &[u8], declared: Option<&str>) -> String {
        decode(&Arc::from("a.csv"), Bytes::copy_from_slice(bytes), declared, &Names::default()).unwrap_err().to_string()
    }

    fn encoded(text: &str, encoding: &'static Encoding) -> Vec<u8> {
        encoding.encode(text).0.into_owned()
    }

    #[test]
    fn every_encoding_gives_the_same_text() {
        let utf_16 = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
        let with_bom = [b"\xEF\xBB\xBF".as_slice(), CHINESE.as_bytes()].concat();
        let utf_16_bom = [b"\xFF\xFE".as_slice(), &utf_16(CHINESE)].concat();
        let cases: [(&[u8], Option<&str>, &str); 7] = [
            (CHINESE.as_bytes(), None, "UTF-8"),
            (&with_bom, None, "UTF-8"),
            (&with_bom, Some("gbk"), "UTF-8"),
            (&encoded(CHINESE, GB18030), None, "gb18030"),
            (&encoded(CHINESE, GB18030), Some("gb2312"), "gb18030"),
            (CHINESE.as_bytes(), Some("gb18030"), "UTF-8"),
            (&utf_16_bom, None, "UTF-16LE"),
        ];
        for (bytes, declared, name) in cases {
            let decoded = decoded(bytes, declared);
            assert_eq!((decoded.text.as_str(), decoded.encoding), (CHINESE, name), "{declared:?}");
            assert!(decoded.marks.bad.is_empty() && !decoded.marks.cut);
        }
    }

    #[test]
    fn a_name_of_the_contract_proves_a_short_text() {
        let names = Names::new(&Hints { names: vec!["单号".to_owned()], required: Vec::new() });
        let bytes = Bytes::from(encoded("单号,a\n1,2\n", GB18030));
        let decoded = decode(&Arc::from("a.csv"), bytes, None, &names).unwrap();
        assert_eq!((decoded.text.as_str(), decoded.encoding, decoded.confidence), ("单号,a\n1,2\n", "gb18030", 1.0));
    }

    #[test]
    fn a_few_bad_bytes_stay_utf_8_and_are_marked() {
        let mut bytes = CHINESE.as_bytes().to_vec();
        let at = CHINESE.find(",12").unwrap();
        bytes.insert(at, 0xFF);
        let decoded = decoded(&bytes, None);
        assert_eq!((decoded.encoding, decoded.marks.bad, decoded.marks.cut), ("UTF-8", vec![at], false));
        assert_eq!(decoded.text.replace('\u{FFFD}', ""), CHINESE);
    }

    #[test]
    fn a_cut_last_character_is_told_from_a_bad_byte() {
        let utf_8 = decoded(&"a,b\n中文,文".as_bytes()[..12], None);
        assert_eq!((utf_8.encoding, utf_8.marks.bad, utf_8.marks.cut), ("UTF-8", vec![11], true));
        let bytes = encoded(CHINESE.trim_end_matches(",3\n"), GB18030);
        let gb = decoded(&bytes[..bytes.len() - 1], Some("gb18030"));
        assert!(gb.marks.cut && gb.marks.bad.len() == 1, "{gb:?}");
    }

    #[test]
    fn western_text_is_detected() {
        let decoded = decoded(&encoded("Händler;Größe;Straße\nMüller;groß;Köln\n", encoding_rs::WINDOWS_1252), None);
        assert_eq!((decoded.encoding, decoded.text.lines().next()), ("windows-1252", Some("Händler;Größe;Straße")));
    }

    #[test]
    fn utf_16_without_a_mark_is_detected() {
        let bytes: Vec<u8> = "a,b\n1,2\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(decoded(&bytes, None).text, "a,b\n1,2\n");
    }

    #[test]
    fn what_is_not_the_declared_encoding_names_the_byte() {
        let message = error(&encoded(CHINESE, GB18030), Some("utf-8"));
        assert!(message.ends_with("the first at byte 0"), "{message}");
        assert_eq!(error(b"a", Some("utf-9")), "cannot read `a.csv`: there is no encoding `utf-9`");
    }

    #[test]
    fn an_empty_file_is_empty_text() {
        assert_eq!(decoded(b"", None).text, "");
        assert_eq!(decoded(b"\xEF\xBB\xBF", None).text, "");
    }
}
