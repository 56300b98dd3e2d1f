//! A text as its words: the folding that every kind of text begins with.
//!
//! In: a text as somebody typed it. Out: words in lower case, simplified, without width, punctuation and accents of Latin
//! letters. Accents go because one clerk types them and the next does not.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use crate::engine::functions::folding;

/// The last character of the Latin alphabets with accents in one block.
const LAST_LATIN: char = '\u{24f}';

/// Characters that nobody sees: they divide no words.
const INVISIBLE: [char; 6] = ['\u{ad}', '\u{200b}', '\u{200c}', '\u{200d}', '\u{2060}', '\u{feff}'];

/// Returns the words of a text with one blank between them.
pub fn folded(text: &str) -> String {
    let mut words = String::new();
    match text.contains(INVISIBLE) {
        true => folding::fold(&text.replace(INVISIBLE, ""), &mut words),
        false => folding::fold(text, &mut words),
    }
    if !words.is_ascii() {
        words = words.chars().flat_map(Plain::of).collect();
    }
    let mut single = String::with_capacity(words.len());
    for word in words.split_ascii_whitespace() {
        if !single.is_empty() {
            single.push(' ');
        }
        single.push_str(word);
    }
    single
}

/// A character without its accent: up to three letters.
struct Plain {
    letters: [char; 3],
    next: usize,
    count: usize,
}

impl Plain {
    fn of(character: char) -> Self {
        let letter = match is_accented(character) {
            true => std::iter::once(character).nfd().find(|part| !is_combining_mark(*part)).unwrap_or(character),
            false => character,
        };
        let (letters, count) = match letter {
            'ß' => (['s', 's', ' '], 2),
            'æ' => (['a', 'e', ' '], 2),
            'œ' => (['o', 'e', ' '], 2),
            'ø' => (['o', ' ', ' '], 1),
            'ł' => (['l', ' ', ' '], 1),
            'đ' | 'ð' => (['d', ' ', ' '], 1),
            'þ' => (['t', 'h', ' '], 2),
            'ı' => (['i', ' ', ' '], 1),
            // An accent of its own, which no letter took in.
            '\u{300}'..='\u{36f}' => ([' '; 3], 0),
            other => ([other, ' ', ' '], 1),
        };
        Self { letters, next: 0, count }
    }
}

impl Iterator for Plain {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        let letter = (self.next < self.count).then(|| self.letters[self.next]);
        self.next += 1;
        letter
    }
}

fn is_accented(character: char) -> bool {
    ('\u{c0}'..=LAST_LATIN).contains(&character) || ('\u{1e00}'..='\u{1eff}').contains(&character)
}

/// Returns whether a character is written without blanks between words.
pub fn is_ideograph(character: char) -> bool {
    character >= folding::FIRST_IDEOGRAPH
}

/// Returns the words in alphabetical order, each once as often as it occurs.
pub fn sorted(words: &[&str]) -> String {
    let mut words = words.to_vec();
    words.sort_unstable();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accents_width_case_and_punctuation_go() {
        for (text, words) in [
            ("  Müller & Söhne  ", "muller sohne"),
            ("MULLER, SOHNE", "muller sohne"),
            ("Łódź Øre Straße Ærø", "lodz ore strasse aero"),
            ("ǼRØ, Ǿre, Stǣl", "aero ore stael"),
            // A mark that stood on a full stop is one of the letter before it.
            ("Юби.\u{306}", "юбй"),
            ("ＡＢＣ　１２３", "abc 123"),
            ("山東（重工）", "山东 重工"),
            ("コマツ ガラス", "コマツ ガラス"),
            ("Чайковский", "чайковский"),
            ("한국", "한국"),
            ("Gel\u{ad}burg\u{feff} \u{200b}Bau", "gelburg bau"),
            ("...", ""),
        ] {
            assert_eq!(folded(text), words, "{text}");
        }
    }
}
