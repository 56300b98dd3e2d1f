//! Which legacy encoding, where nothing says so.
//!
//! In: a file that is no UTF-8, and the names that a header may hold. Out: an encoding in which a sample of the file is
//! text. A name of the contract proves an encoding; else a detector's word counts, then GB18030. Deliberately looks at
//! no more than a sample: what the rest holds is counted while it is read.

use std::sync::Arc;

use bytes::Bytes;
use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{
    BIG5, DecoderResult, EUC_KR, Encoding, GB18030, SHIFT_JIS, UTF_16BE, UTF_16LE, WINDOWS_1250, WINDOWS_1252,
};

use super::{Coding, Error, SAMPLE, at_least_gb18030, block::Block, part};
use crate::{
    extract::header::{Names, share},
    storage::content::Content,
};

/// Bytes of each of the four places from which the sample is taken.
const WINDOW: usize = 64 * 1024;

/// Bytes beyond ASCII of a short text.
const SHORT: usize = 2_000;

/// Letters beyond ASCII of languages that are written in Windows-1250: Polish, Czech and Slovak, Hungarian, Romanian, Croatian.
const CENTRAL: [&str; 5] = ["ąćęłńóśźż", "áčďéěíĺľňóôŕřšťúůýž", "áéíóőúű", "âăîşţ", "čćđšž"];

/// The same of Windows-1252: French, Spanish, Portuguese, Italian, Scandinavian.
const WESTERN: [&str; 5] = ["àâæçèéêëîïôùûÿœ", "áéíñóú", "àáâãçéêíóôõú", "àèéìíîòóùú", "åæéø"];

/// Share of foreign letters, in the names of others, up to which a text is in a language.
const FOREIGN: f64 = 0.1;

/// Signs of Windows-1252 that stand beside numbers; other encodings have letters there.
const SIGNS: &str = "£±µ°§Ø×¼½¾";

/// What is measured in millionths.
const UNITS: &str = "mgslAFLMVW";

/// Letters that stand in names of all of them, and are the same in both encodings.
const EVERYWHERE: &str = "äöüß";

/// Chooses an encoding for a file whose first byte that is no UTF-8 stands at `first_bad`.
pub(super) fn guess(path: &Arc<str>, content: &Content, first_bad: u64, names: &Names) -> Result<Coding, Error> {
    let sample = sample(path, content, first_bad)?;
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(&sample, true);
    let guess = at_least_gb18030(detector.guess(None, Utf8Detection::Deny));
    let guess = if is_common_chinese(&sample) {
        GB18030
    } else if is_japanese(guess, &sample) {
        SHIFT_JIS
    } else if guess == WINDOWS_1250 && is_western(&sample) || has_signs(guess, &sample) {
        WINDOWS_1252
    } else {
        guess
    };
    let others = [GB18030, BIG5, SHIFT_JIS, EUC_KR].into_iter().filter(|other| *other != guess);
    for encoding in [guess].into_iter().chain(others) {
        let trial = Trial::of(encoding, &sample);
        if trial.is_tolerable() && names.prove(&trial.text) {
            return Ok(Coding::new(encoding, 1.0, None));
        }
    }
    let (mut nearest, mut offset) = (guess, 0);
    for encoding in [guess, GB18030] {
        if Trial::of(encoding, &sample).is_tolerable() {
            let note = format!("the encoding was guessed: {}", encoding.name());
            return Ok(Coding::new(encoding, 0.8, Some(note)));
        }
        let first = first_bad_byte(path, content, 0, encoding)?;
        if first > offset {
            (nearest, offset) = (encoding, first);
        }
    }
    let reason = format!("no encoding fits: byte {offset} is no character of {}", nearest.name());
    Err(Error::unreadable(path, reason, "declare the `encoding` in the source's contract"))
}

/// The commonest characters of simplified Chinese, and those of the headers of business tables.
const COMMON: &str = "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定行学法所民得经十三之进着等部度家电力里如水化高自二理起小物现实加量都两体制机当使点从业本去把性好应开它合还因由其些然前外天政四日那社义事平形相全表间样与关各重新线内数正心反你明看原又么利比或但质气第向道命此变条只没结解问意建月公无系军很情者最立代想已通并提直题党程展五果料象员革位入常文总次品式活设及管特件长求老头基资边流路级少图山统接知较将组见计别她手角期根论运农指几九区强放决西被干做必战先回则任取据处队南给色光门即保治北造百规热领七海口东导器压志世金增争济阶油思术极交受联什认六共权收证改清己美再采转更单风切打白教速花带安场身车例真务具万每目至达走积示议声报斗完类八离华名确才科张信马节话米整空元况今集温传土许步群广石记需段研界拉林律叫且究观越织装影算低持音众书布复容儿须际商非验连断深难近矿千周委素技备半办青省列习响约支般史感劳便团往酸历市克何除消构府称太准精值号率族维划选标写存候毛亲快效斯院查江型眼王按格养易置派层片始却专状育厂京识适属圆包火住调满县局照参红细引听该铁价严客户姓名甲乙丙丁李订单销编码备注含税日期数量金额";

/// Returns whether a short text is Chinese in GB18030, for which detectors want more of it.
fn is_common_chinese(sample: &[u8]) -> bool {
    let foreign = sample.iter().filter(|byte| !byte.is_ascii()).count();
    if foreign > SHORT {
        return false;
    }
    let Block { text, bad, .. } = Block::of(GB18030, sample, true);
    if !bad.is_empty() {
        return false;
    }
    let (mut wide, mut common) = (0_usize, 0_usize);
    for letter in text.chars().filter(|letter| ('\u{3400}'..='\u{9FFF}').contains(letter)) {
        wide += 1;
        common += usize::from(COMMON.contains(letter));
    }
    wide > 0 && common * 2 >= wide
}

/// Returns whether a text is Japanese in Shift-JIS, whose half-width letters of one byte detectors take for another alphabet:
/// there they make words that nobody writes.
fn is_japanese(guess: &'static Encoding, sample: &[u8]) -> bool {
    let Block { text, bad, .. } = Block::of(SHIFT_JIS, sample, true);
    if !guess.is_single_byte() || !bad.is_empty() || !words(&text).all(is_japanese_word) {
        return false;
    }
    let Block { text, .. } = Block::of(guess, sample, true);
    let is_long = |word: &&str| word.chars().filter(|letter| !letter.is_ascii()).count() > 1;
    let odd = words(&text).filter(is_long).filter(|word| is_odd_word(word)).count();
    odd * 3 > words(&text).filter(is_long).count()
}

/// Returns whether a text is Windows-1252 that a detector takes for Windows-1250: there no language has nearly all of its
/// letters, and here one has all.
fn is_western(sample: &[u8]) -> bool {
    let (central, western) =
        (foreign_share(WINDOWS_1250, sample, &CENTRAL), foreign_share(WINDOWS_1252, sample, &WESTERN));
    central > FOREIGN && western <= 0.0
}

/// Returns whether all that Windows-1252 has of its own in a text are signs, and one stands beside a number as signs do:
/// `£5`, `± 2`, `µm`. In the guessed encoding it would be a word of one letter.
fn has_signs(guess: &'static Encoding, sample: &[u8]) -> bool {
    let text: Vec<char> = Block::of(WINDOWS_1252, sample, true).text.chars().collect();
    let same = if guess.is_single_byte() { Block::of(guess, sample, true).text } else { String::new() };
    let same: Vec<char> = same.chars().collect();
    let is_own = |at: &usize| !text[*at].is_ascii() && same.get(*at) != Some(&text[*at]);
    let own = || (0..text.len()).filter(is_own);
    own().all(|at| is_sign(&text, at)) && own().any(|at| is_beside_number(&text, at))
}

/// Returns whether a sign stands apart from letters, or before one only as in `25°C` and `µm`.
fn is_sign(text: &[char], at: usize) -> bool {
    let is_joined =
        |letter: Option<&char>| letter.is_some_and(|&letter| letter.is_alphabetic() || SIGNS.contains(letter));
    let before = at.checked_sub(1).and_then(|before| text.get(before));
    let is_measure = before.is_some_and(char::is_ascii_digit) || is_unit(text, at);
    SIGNS.contains(text[at]) && !is_joined(before) && (is_measure || !is_joined(text.get(at + 1)))
}

fn is_unit(text: &[char], at: usize) -> bool {
    let is_end = text.get(at + 2).is_none_or(|letter| !letter.is_alphanumeric());
    text[at] == 'µ' && is_end && text.get(at + 1).is_some_and(|letter| UNITS.contains(*letter))
}

/// Returns whether a digit stands beside a sign, with a blank between them at most.
fn is_beside_number(text: &[char], at: usize) -> bool {
    let near = |first: Option<&char>, second: Option<&char>| {
        let near = if first == Some(&' ') { second } else { first };
        near.is_some_and(char::is_ascii_digit)
    };
    let mut before = text[..at].iter().rev();
    is_unit(text, at) || near(before.next(), before.next()) || near(text.get(at + 1), text.get(at + 2))
}

/// Returns the share of a text's letters beyond ASCII that are foreign in the language which has most of them.
fn foreign_share(encoding: &'static Encoding, sample: &[u8], alphabets: &[&str]) -> f64 {
    let text = Block::of(encoding, sample, true).text.to_lowercase();
    let letters = || text.chars().filter(|letter| !letter.is_ascii() && !EVERYWHERE.contains(*letter));
    let foreign = |alphabet: &&str| letters().filter(|letter| !alphabet.contains(*letter)).count();
    share(alphabets.iter().map(foreign).min().unwrap_or(0), letters().count())
}

/// Returns the words of a text that have letters beyond ASCII.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|sign: char| sign.is_ascii() && !sign.is_ascii_alphabetic());
    words.filter(|word| !word.is_ascii())
}

/// Returns whether a word has Japanese letters and signs only.
fn is_japanese_word(word: &str) -> bool {
    word.chars()
        .all(|letter| matches!(letter, '\u{3000}'..='\u{30FF}' | '\u{4E00}'..='\u{9FFF}' | '\u{FF01}'..='\u{FF9F}'))
}

/// Returns whether a word has capital letters behind small ones or small ones behind several capitals, or signs within.
fn is_odd_word(word: &str) -> bool {
    let is_plain = word.chars().skip(1).all(|letter| !letter.is_uppercase());
    let is_capital = word.chars().all(|letter| !letter.is_lowercase());
    !is_plain && !is_capital || word.contains(|sign| ('\u{A1}'..='\u{BF}').contains(&sign))
}

/// Returns whole lines from the beginning of a file, from where its foreign bytes begin, from its middle and its end.
fn sample(path: &Arc<str>, content: &Content, first_bad: u64) -> Result<Bytes, Error> {
    let window = WINDOW as u64;
    if content.len() <= window * 4 {
        return part(path, content, 0, WINDOW * 4);
    }
    let mut sample = Vec::new();
    let mut covered = 0;
    let wanted = [0, first_bad.saturating_sub(window / 8), content.len() / 2, content.len() - window];
    let mut starts = wanted.to_vec();
    starts.sort_unstable();
    for start in starts {
        let start = start.max(covered);
        let bytes = part(path, content, start, WINDOW)?;
        covered = start + bytes.len() as u64;
        let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
        let from = if start == 0 { 0 } else { bytes.iter().position(is_end).map_or(bytes.len(), |at| at + 1) };
        let until = if covered == content.len() {
            bytes.len()
        } else {
            bytes.iter().rposition(is_end).map_or(bytes.len(), |at| at + 1)
        };
        sample.extend_from_slice(&bytes[from.min(until)..until]);
    }
    Ok(Bytes::from(sample))
}

/// One encoding, tried on the sample.
struct Trial {
    text: String,
    /// Undecodable places, and signs that no text holds.
    bad: usize,
    bytes: usize,
    /// Whether every byte is a character, so that bad ones say little.
    takes_all: bool,
}

impl Trial {
    fn of(encoding: &'static Encoding, sample: &[u8]) -> Self {
        let Block { text, bad, cut, .. } = Block::of(encoding, sample, true);
        let controls = text.chars().filter(|letter| is_no_text(*letter)).count();
        Self {
            bad: bad.len() - usize::from(cut) + controls,
            text,
            bytes: sample.len(),
            takes_all: encoding.is_single_byte(),
        }
    }

    /// Returns whether so few bytes are bad that they cost their rows and not the file.
    fn is_tolerable(&self) -> bool {
        if self.takes_all {
            return self.bad * 1_000 <= self.bytes;
        }
        let wide = self.text.chars().filter(|letter| !letter.is_ascii() && !is_no_text(*letter)).count();
        let wide = wide.saturating_sub(self.bad);
        self.bad == 0 || self.bad * 10_000 < self.bytes || wide >= self.bad * 20
    }
}

/// Returns whether no text holds a sign: control signs other than tab, line ends, NUL and the old end-of-file mark, and
/// the private letters that stand for bytes without meaning.
fn is_no_text(letter: char) -> bool {
    letter.is_control()
        && !matches!(letter, '\t' | '\n' | '\r' | '\0' | '\u{1}'..='\u{3}' | '\u{C}' | '\u{1A}' | '\u{1C}'..='\u{1F}' | '\u{85}')
        || ('\u{F780}'..='\u{F7FF}').contains(&letter)
}

/// Returns the offset of the first byte that is no character of an encoding; the file's length if there is none.
pub(super) fn first_bad_byte(
    path: &Arc<str>,
    content: &Content,
    from: u64,
    encoding: &'static Encoding,
) -> Result<u64, Error> {
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let mut text = String::with_capacity(SAMPLE * 4);
    let mut at = from;
    while at < content.len() {
        let bytes = part(path, content, at, SAMPLE)?;
        let is_last = bytes.is_empty() || at + bytes.len() as u64 >= content.len();
        let before = at;
        let mut read = 0;
        loop {
            text.clear();
            let (result, taken) = decoder.decode_to_string_without_replacement(&bytes[read..], &mut text, is_last);
            read += taken;
            if let Some(place) = text.find(is_no_text) {
                // Signs before it that took several bytes make this the nearest place that is known.
                return Ok(before + (read - taken) as u64 + place.min(taken.saturating_sub(1)) as u64);
            }
            match result {
                DecoderResult::InputEmpty => break,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(bad, beyond) => {
                    return Ok((before + read as u64).saturating_sub(u64::from(bad) + u64::from(beyond)));
                }
            }
        }
        at += bytes.len() as u64;
        if bytes.is_empty() {
            break;
        }
    }
    Ok(at)
}

/// Returns UTF-16 where zero bytes stand at one parity only and the text so read is one.
pub(super) fn utf_16(head: &[u8]) -> Option<&'static Encoding> {
    let sample = &head[..head.len() & !1];
    let zeros = |parity: usize| sample.iter().skip(parity).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    let encoding = if odd > even * 4 {
        UTF_16LE
    } else if even > odd * 4 {
        UTF_16BE
    } else {
        return None;
    };
    // UTF-8 with some zero bytes is no UTF-16; Chinese UTF-16 is no UTF-8, Western UTF-16 is half zeros.
    let (zeros, pairs) = (even.max(odd), sample.len() / 2);
    let controls = sample.iter().filter(|byte| matches!(byte, 0x01..=0x08 | 0x0E..=0x1F)).count();
    let is_utf_8 = simdutf8::basic::from_utf8(sample).is_ok() && controls * 10 < sample.len();
    let is_other = if is_utf_8 { zeros * 5 < pairs * 2 } else { zeros * 50 < pairs };
    (!is_other && is_utf_16(encoding, sample, zeros)).then_some(encoding)
}

/// Returns whether bytes are text of this UTF-16: most of its letters are common ones, and it has signs of ASCII.
fn is_utf_16(encoding: &'static Encoding, sample: &[u8], zeros: usize) -> bool {
    let Block { text, bad, .. } = Block::of(encoding, sample, false);
    let letters = text.chars().count();
    let common = text.chars().filter(|letter| is_common(*letter)).count();
    let ascii = text.chars().filter(|letter| matches!(letter, ' '..='~' | '\t' | '\n' | '\r')).count();
    letters >= 2 && bad.len() * 100 <= letters && common * 20 >= letters * 19 && ascii * 2 >= zeros && ascii > 0
}

fn is_common(letter: char) -> bool {
    matches!(letter,
        '\t' | '\n' | '\r' | ' '..='~' | '\u{A0}'..='\u{24F}' | '\u{370}'..='\u{52F}' | '\u{5D0}'..='\u{6FF}'
        | '\u{E00}'..='\u{E7F}' | '\u{2010}'..='\u{27BF}' | '\u{3000}'..='\u{30FF}' | '\u{3400}'..='\u{9FFF}'
        | '\u{AC00}'..='\u{D7A3}' | '\u{F900}'..='\u{FAFF}' | '\u{FE30}'..='\u{FE4F}' | '\u{FF00}'..='\u{FFEF}'
        | '\u{FEFF}' | '\u{1F300}'..='\u{1FAFF}' | '\u{20000}'..='\u{323AF}')
}
