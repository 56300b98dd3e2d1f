//! JSON values in a text: where they end, and what stands in them.
//!
//! In: text. Out: places in it, so that `12345678901234567.89` keeps its digits. [`Frame`] finds the end of a value of
//! which only brackets and quotes must be right; the syntax is checked by `serde_json`; the walk over checked text is
//! trivial. Deliberately keeps no values.

use std::{borrow::Cow, ops::Range};

use memchr::memchr2;
use serde::de::IgnoredAny;

/// Where a value ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framed {
    /// Behind this place.
    At(usize),
    /// Nowhere: the bracket at this place closes none that is open.
    Broken(usize),
    /// Not within this text.
    Open,
}

/// Values within values, of which a record may have no more.
const DEPTH: usize = 127;

/// The search for a value's end, which can go on when there is more text.
#[derive(Debug, Default)]
pub(super) struct Frame {
    /// Where the search goes on.
    at: usize,
    open: Vec<u8>,
}

impl Frame {
    /// Begins at a value's first sign.
    pub(super) fn new(at: usize) -> Self {
        Self { at, open: Vec::new() }
    }

    /// Returns where the search goes on.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    /// Moves the place, after text before it was let go.
    pub(super) fn moved_back(&mut self, bytes: usize) {
        self.at -= bytes;
    }

    /// Goes on; `ended` says that there will be no more text.
    pub(super) fn search(&mut self, text: &str, ended: bool) -> Framed {
        let bytes = text.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            match byte {
                b'"' => match string_end(bytes, self.at, ended) {
                    Some(end) => self.at = end,
                    None => return Framed::Open,
                },
                b'{' | b'[' => {
                    self.open.push(*byte);
                    self.at += 1;
                }
                b'}' | b']' => {
                    if self.open.pop() != Some(byte - 2) {
                        return Framed::Broken(self.at);
                    }
                    self.at += 1;
                }
                _ if self.open.is_empty() => match word_end(bytes, self.at, ended) {
                    Some(end) => self.at = end,
                    None => return Framed::Open,
                },
                _ => {
                    self.at += 1;
                    continue;
                }
            }
            if self.open.is_empty() {
                return Framed::At(self.at);
            }
        }
        Framed::Open
    }
}

/// Returns where a string ends. One that runs over its line's end was not closed, unless its closing quote is followed by
/// what follows a string.
fn string_end(bytes: &[u8], start: usize, ended: bool) -> Option<usize> {
    let quote = closing_quote(bytes, start + 1);
    let line = memchr2(b'\n', b'\r', &bytes[start..quote.unwrap_or(bytes.len())]).map(|found| start + found);
    let (Some(line), true) = (line, quote.is_some() || ended) else { return quote.map(|quote| quote + 1) };
    let Some(quote) = quote else { return Some(line) };
    let next = bytes[quote + 1..].iter().find(|byte| !byte.is_ascii_whitespace());
    match next {
        None if !ended => None,
        None | Some(b',' | b'}' | b']' | b':') => Some(quote + 1),
        Some(_) => Some(line),
    }
}

fn closing_quote(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        at += found;
        if bytes[at] == b'"' {
            return Some(at);
        }
        at += 2;
    }
    None
}

fn word_end(bytes: &[u8], start: usize, ended: bool) -> Option<usize> {
    let ends = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b',' | b'}' | b']' | b'{' | b'[' | b'"');
    let length = bytes[start..].iter().position(ends);
    length.map(|length| start + length).or_else(|| ended.then_some(bytes.len()))
}

/// Returns whether a text is one JSON object and nothing else, which can be walked through.
pub(super) fn is_object(text: &str) -> bool {
    text.trim_start_matches([' ', '\t', '\n', '\r']).starts_with('{')
        && serde_json::from_str::<IgnoredAny>(text).is_ok()
        && !is_too_deep(text)
}

/// Says why a text is no object that can be read.
pub(super) fn objection(text: &str) -> String {
    match serde_json::from_str::<IgnoredAny>(text) {
        Err(error) => format!("is no JSON: {error}"),
        Ok(_) if is_too_deep(text) => format!("has values within values more than {DEPTH} deep"),
        Ok(_) => "is another value".to_owned(),
    }
}

fn is_too_deep(text: &str) -> bool {
    // Nearly all records have fewer brackets at all.
    let brackets = text.bytes().filter(|byte| matches!(byte, b'{' | b'[')).count();
    if brackets <= DEPTH {
        return false;
    }
    let mut walk = Walk { bytes: text.as_bytes(), at: 0 };
    walk.sign();
    walk.nested() > DEPTH
}

/// Calls `each` with the name and the place of every member of the checked object that begins at `at`. A name that is no
/// text ends the walk with false.
pub(super) fn members<'a>(text: &'a str, at: usize, mut each: impl FnMut(Cow<'a, str>, Range<usize>) -> bool) -> bool {
    let mut walk = Walk { bytes: text.as_bytes(), at };
    if walk.sign() != Some(b'{') {
        return false;
    }
    walk.at += 1;
    while walk.sign().is_some_and(|sign| sign != b'}') {
        let name = walk.value();
        walk.sign();
        walk.at += 1;
        walk.sign();
        let value = walk.value();
        let Some(name) = string(&text[name]) else { return false };
        if !each(name, value) {
            return false;
        }
        if walk.sign() == Some(b',') {
            walk.at += 1;
        }
    }
    true
}

/// Calls `each` with the place of every element of the checked array that begins at `at`, until it says no.
pub(super) fn elements(text: &str, at: usize, mut each: impl FnMut(usize, Range<usize>) -> bool) {
    let mut walk = Walk { bytes: text.as_bytes(), at };
    walk.sign();
    walk.at += 1;
    let mut index = 0;
    while walk.sign().is_some_and(|sign| sign != b']') {
        if !each(index, walk.value()) {
            return;
        }
        index += 1;
        if walk.sign() == Some(b',') {
            walk.at += 1;
        }
    }
}

/// Returns the text of a string with its quotes; None when an escape is no character.
pub(super) fn string(quoted: &str) -> Option<Cow<'_, str>> {
    if quoted.contains('\\') {
        return serde_json::from_str::<String>(quoted).ok().map(Cow::Owned);
    }
    quoted.get(1..quoted.len().checked_sub(1)?).map(Cow::Borrowed)
}

/// Appends a value without the blanks between its parts.
pub(super) fn compact(value: &str, out: &mut String) {
    let mut walk = Walk { bytes: value.as_bytes(), at: 0 };
    while let Some(sign) = walk.sign() {
        let start = walk.at;
        match sign {
            b'"' => walk.string(),
            b'{' | b'}' | b'[' | b']' | b',' | b':' => walk.at += 1,
            _ => walk.word(),
        }
        out.push_str(&value[start..walk.at]);
    }
}

/// A place in checked JSON.
struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Walk<'_> {
    /// Skips blanks and returns the byte after them.
    fn sign(&mut self) -> Option<u8> {
        while self.bytes.get(self.at)?.is_ascii_whitespace() {
            self.at += 1;
        }
        self.bytes.get(self.at).copied()
    }

    /// Passes over the value that begins here.
    fn value(&mut self) -> Range<usize> {
        let start = self.at;
        match self.bytes.get(start) {
            Some(b'"') => self.string(),
            Some(b'{' | b'[') => _ = self.nested(),
            _ => self.word(),
        }
        start..self.at
    }

    fn string(&mut self) {
        self.at = closing_quote(self.bytes, self.at + 1).map_or(self.bytes.len(), |quote| quote + 1);
    }

    /// Passes over a list or an object, and returns how deep the values within it go, itself included.
    fn nested(&mut self) -> usize {
        let (mut depth, mut deepest) = (0_usize, 0);
        while let Some(byte) = self.bytes.get(self.at) {
            match byte {
                b'"' => {
                    self.string();
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            self.at += 1;
            deepest = deepest.max(depth);
            if depth == 0 {
                break;
            }
        }
        deepest
    }

    fn word(&mut self) {
        let ends = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b',' | b'}' | b']' | b':');
        let length = self.bytes[self.at..].iter().position(ends);
        self.at = length.map_or(self.bytes.len(), |length| self.at + length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<Vec<(String, &str)>> {
        let mut found = Vec::new();
        let walked = is_object(text)
            && members(text, 0, |name, value| {
                found.push((name.into_owned(), &text[value]));
                true
            });
        walked.then_some(found)
    }

    #[test]
    fn members_are_places_in_the_text() {
        let text =
            r#" { "a" : 12345678901234567.890 ,"b\"\u4e2d":"x}" , "c":[1, {"d": "]"}],"e":null,"f":true,"g":{}} "#;
        let expected = [
            ("a", "12345678901234567.890"),
            ("b\"中", "\"x}\""),
            ("c", "[1, {\"d\": \"]\"}]"),
            ("e", "null"),
            ("f", "true"),
            ("g", "{}"),
        ];
        assert_eq!(found(text), Some(expected.map(|(name, value)| (name.to_owned(), value)).to_vec()));
        assert_eq!(found("{}"), Some(Vec::new()));
    }

    #[test]
    fn what_is_no_object_has_no_members() {
        for text in ["", "[]", "1", "{\"a\":1", "{\"a\":1}x", "{a:1}", "nul", "{\"a\":1,}"] {
            assert!(found(text).is_none(), "{text}");
        }
    }

    #[test]
    fn an_object_may_be_as_deep_as_it_can_be_walked() {
        let nested = |depth: usize| format!("{}1{}", "{\"[\":[".repeat(depth / 2), "]}".repeat(depth / 2));
        assert!(is_object(&nested(126)) && !is_object(&nested(128)));
        assert!(is_object(&format!("{{\"a\":[{}]}}", "[],".repeat(500).trim_end_matches(','))), "wide, not deep");
        assert_eq!(objection(&nested(100_000)), "has values within values more than 127 deep");
        assert_eq!(objection("{'a':1}"), "is no JSON: key must be a string at line 1 column 2");
        assert_eq!(objection("[1]"), "is another value");
        assert_eq!(Frame::new(0).search(&nested(1_000), true), Framed::At(nested(1_000).len()));
    }

    #[test]
    fn compact_keeps_strings_and_digits() {
        let mut out = String::new();
        compact(r#"[ 1.50 , { "a b" : "\" ," } , true]"#, &mut out);
        assert_eq!(out, r#"[1.50,{"a b":"\" ,"},true]"#);
    }

    #[test]
    fn a_value_ends_with_its_last_bracket_whatever_the_parts_it_comes_in() {
        for (text, expected) in [
            (r#"{"a":"}\"",  "b":[{}]} {"#, Framed::At(22)),
            ("\"x\" ,", Framed::At(3)),
            ("12.5,", Framed::At(4)),
            ("{\"a\":[1}", Framed::Broken(7)),
            ("{\"a\":[1]", Framed::Open),
            ("{\"a\":\"open\n}", Framed::At(12)),
            ("{\"a\":\"two\nlines\"}", Framed::At(17)),
            ("{\"a\":\"open,\n\"b\":1}\n", Framed::At(18)),
        ] {
            assert_eq!(Frame::new(0).search(text, true), expected, "{text}");
            let mut frame = Frame::new(0);
            let parts: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            let found = parts.iter().map(|end| frame.search(&text[..*end], *end == text.len()));
            assert_eq!(
                found.into_iter().find(|found| *found != Framed::Open).unwrap_or(Framed::Open),
                expected,
                "{text}"
            );
        }
    }
}
