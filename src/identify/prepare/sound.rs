//! How a text sounds: pinyin of Chinese characters, a code of consonants of Latin words.
//!
//! In: folded words. Out: a key under which names that sound alike meet, for blocks; it is too coarse to be evidence. The code
//! of Latin words is a reduced Metaphone: vowels after the first letter go, letters that are spoken alike become one.

use pinyin::ToPinyin;

/// Writes how the words sound: syllables of Chinese characters, codes of Latin words, anything else as it is.
pub fn sound(words: &str) -> String {
    let mut sound = String::with_capacity(words.len());
    for word in words.split(' ') {
        if word.bytes().all(|letter| letter.is_ascii_lowercase()) {
            latin(word.as_bytes(), &mut sound);
        } else {
            chinese(word, &mut sound);
        }
    }
    sound
}

fn chinese(word: &str, sound: &mut String) {
    for character in word.chars() {
        match character.to_pinyin() {
            Some(syllable) => sound.push_str(syllable.plain()),
            None => sound.push(character),
        }
    }
}

fn latin(word: &[u8], sound: &mut String) {
    let word = match word {
        [b'k' | b'g' | b'p', b'n', ..] | [b'w', b'r', ..] => &word[1..],
        _ => word,
    };
    let mut last = None;
    let mut place = 0;
    while place < word.len() {
        let (code, taken) = consonant(word, place);
        place += taken;
        let Some(code) = code else {
            last = None;
            continue;
        };
        if last != Some(code) {
            sound.push(char::from(code));
        }
        last = Some(code);
    }
}

/// Returns the code of the letters at a place, if they are spoken, and how many they are.
fn consonant(word: &[u8], place: usize) -> (Option<u8>, usize) {
    let is_first = place == 0;
    match &word[place..] {
        [b's', b'c', b'h', ..] => (Some(b's'), 3),
        [b'p', b'h', ..] => (Some(b'f'), 2),
        [b'c' | b's' | b't', b'h', ..] => (Some(if word[place] == b't' { b't' } else { b's' }), 2),
        [b'd', b'g', ..] => (Some(b'j'), 2),
        [b'c', b'k', ..] => (Some(b'k'), 2),
        [b'g', b'h', ..] if !is_first => (None, 2),
        [b'c', b'e' | b'i' | b'y', ..] | [b'x' | b'z', ..] => (Some(b's'), 1),
        [b'c' | b'q', ..] => (Some(b'k'), 1),
        [b'v', ..] => (Some(b'f'), 1),
        [b'y', ..] if is_first => (Some(b'i'), 1),
        [b'a' | b'e' | b'i' | b'o' | b'u' | b'y' | b'h' | b'w', ..] if !is_first => (None, 1),
        [letter, ..] => (Some(*letter), 1),
        [] => (None, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_sound_alike_have_one_code() {
        for (left, right) in [
            ("stephen", "steven"),
            ("catherine", "katherine"),
            ("wright", "right"),
            ("schmidt", "shmidt"),
            ("knight", "night"),
        ] {
            let code = |name: &str| sound(name).replace('c', "k");
            assert_eq!(code(left), code(right), "{left} {right}");
        }
        assert_ne!(sound("smith"), sound("jones"));
        assert_eq!(sound(""), "");
    }

    #[test]
    fn chinese_characters_become_syllables() {
        assert_eq!(sound("徐州重工"), "xuzhouzhonggong");
        assert_eq!(sound("徐州 3m"), "xuzhou3m");
    }
}
