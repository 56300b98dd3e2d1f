//! Names as words: folded, and without the endings that say what kind of company they name.
//!
//! In: a name as somebody wrote it. Out: its words, in which two spellings of one name agree. Pure text; the SQL functions of
//! [`super::company`] and the preparation of names for identification both stand on it, so that there is one answer.

use std::sync::LazyLock;

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// The list of endings, as people keep it.
pub const SUFFIXES: &str = include_str!("company_suffixes.txt");
/// The first of the characters that are written without blanks between words.
pub const FIRST_IDEOGRAPH: char = '\u{2e80}';

/// Writes a name's words with one blank between them: folded, simplified, without punctuation.
pub fn fold(name: &str, folded: &mut String) {
    folded.clear();
    // Within an abbreviation nothing is divided: S.A. is sa. Composed once more, since neighbours of what went may be one character.
    let characters = name.nfkc().filter(|character| !matches!(character, '.' | '\'' | '’')).nfc();
    let mut last = ' ';
    for character in characters.flat_map(char::to_uppercase).flat_map(char::to_lowercase) {
        let next = if character.is_alphanumeric() || is_combining_mark(character) { character } else { ' ' };
        let is_border = next != ' ' && last != ' ' && (next >= FIRST_IDEOGRAPH) != (last >= FIRST_IDEOGRAPH);
        if is_border || (next == ' ' && last != ' ') {
            folded.push(' ');
        }
        if next != ' ' {
            folded.push(next);
        }
        last = next;
    }
    if !folded.is_ascii() {
        *folded = fast2s::convert(folded);
    }
}

/// An ending of names.
#[derive(Debug)]
pub enum Ending {
    /// The end of the last word.
    Sign(Box<str>),
    /// The last words.
    Words(Vec<Box<str>>),
}

static ENDINGS: LazyLock<Vec<Ending>> = LazyLock::new(|| read_endings(SUFFIXES));

/// Returns the list that the tool carries.
#[must_use]
pub fn endings() -> &'static [Ending] {
    &ENDINGS
}

/// Reads a list, longest first.
#[must_use]
pub fn read_endings(list: &str) -> Vec<Ending> {
    let mut lines: Vec<&str> =
        list.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    lines.sort_by_key(|line| std::cmp::Reverse(line.len()));
    let ending = |line: &str| match line.starts_with(|first| first >= FIRST_IDEOGRAPH) {
        true => Ending::Sign(line.into()),
        false => Ending::Words(line.split(' ').map(Into::into).collect()),
    };
    lines.into_iter().map(ending).collect()
}

/// Takes endings off, the longest that fits first; a name that is nothing but endings stays whole.
pub fn strip_endings<'a>(words: &mut Vec<&'a str>, endings: &[Ending]) {
    let mut rest: Vec<&'a str> = words.clone();
    while endings.iter().any(|ending| ending.strip(&mut rest)) {}
    if !rest.is_empty() {
        *words = rest;
    }
}

impl Ending {
    /// Takes the ending off, and returns whether it was there.
    fn strip(&self, words: &mut Vec<&str>) -> bool {
        match self {
            Self::Words(ending) => {
                let is_there = words.len() >= ending.len()
                    && words[words.len() - ending.len()..].iter().zip(ending).all(|(word, own)| **word == **own);
                if is_there {
                    words.truncate(words.len() - ending.len());
                }
                is_there
            }
            Self::Sign(ending) => {
                let Some(last) = words.last_mut() else { return false };
                match last.strip_suffix(&**ending) {
                    Some("") => words.pop().is_some(),
                    Some(stem) => {
                        *last = stem;
                        true
                    }
                    None => false,
                }
            }
        }
    }
}
