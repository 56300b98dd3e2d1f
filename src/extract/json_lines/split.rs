//! One line of JSON → its members, with every value as it was written.
//!
//! In: a line. Out: names and values as slices of it, so that `12345678901234567.89` keeps its digits. The syntax is
//! checked by `serde_json` first; the walk over checked text is trivial. Deliberately does not look into values.

use std::{borrow::Cow, ops::Range};

use memchr::memchr2;
use serde::de::IgnoredAny;

/// A member of an object: its name, and where its value stands in the line.
pub(super) type Member<'a> = (Cow<'a, str>, Range<usize>);

/// Returns the members of a line's object; None when the line is no JSON object.
pub(super) fn members(line: &str) -> Option<Vec<Member<'_>>> {
    serde_json::from_str::<IgnoredAny>(line).ok()?;
    let mut walk = Walk { bytes: line.as_bytes(), at: 0 };
    if walk.sign()? != b'{' {
        return None;
    }
    let mut members = Vec::new();
    walk.at += 1;
    while walk.sign()? != b'}' {
        let name = walk.value();
        walk.sign()?;
        walk.at += 1;
        walk.sign()?;
        let value = walk.value();
        members.push((string(&line[name])?, value));
        if walk.sign()? == b',' {
            walk.at += 1;
        }
    }
    Some(members)
}

/// Returns the text of a string with its quotes; None when an escape is no character.
pub(super) fn string(quoted: &str) -> Option<Cow<'_, str>> {
    if quoted.contains('\\') {
        return serde_json::from_str::<String>(quoted).ok().map(Cow::Owned);
    }
    Some(Cow::Borrowed(&quoted[1..quoted.len() - 1]))
}

/// Returns a value without the blanks between its parts.
pub(super) fn compact(value: &str) -> String {
    let mut compact = String::with_capacity(value.len());
    let mut walk = Walk { bytes: value.as_bytes(), at: 0 };
    while walk.sign().is_some() {
        let start = walk.at;
        if walk.bytes[start] == b'"' {
            walk.string();
        } else {
            walk.at += 1;
        }
        compact.push_str(&value[start..walk.at]);
    }
    compact
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
            Some(b'{' | b'[') => self.nested(),
            _ => self.word(),
        }
        start..self.at
    }

    fn string(&mut self) {
        self.at += 1;
        while let Some(found) = memchr2(b'"', b'\\', &self.bytes[self.at..]) {
            self.at += found;
            if self.bytes[self.at] == b'"' {
                self.at += 1;
                return;
            }
            self.at += 2;
        }
    }

    fn nested(&mut self) {
        let mut depth = 0_usize;
        while let Some(byte) = self.bytes.get(self.at) {
            match byte {
                b'"' => {
                    self.string();
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return;
            }
        }
    }

    fn word(&mut self) {
        let ends = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b',' | b'}' | b']' | b':');
        let length = self.bytes[self.at..].iter().position(ends);
        self.at = length.map_or(self.bytes.len(), |length| self.at + length);
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn members_are_slices_of_the_line() {
        let line =
            r#" { "a" : 12345678901234567.890 ,"b\"\u4e2d":"x}" , "c":[1, {"d": "]"}],"e":null,"f":true,"g":{}} "#;
        let found: Vec<(String, &str)> =
            members(line).unwrap().into_iter().map(|(name, value)| (name.into_owned(), &line[value])).collect();
        let expected = [
            ("a", "12345678901234567.890"),
            ("b\"中", "\"x}\""),
            ("c", "[1, {\"d\": \"]\"}]"),
            ("e", "null"),
            ("f", "true"),
            ("g", "{}"),
        ];
        assert_eq!(found, expected.map(|(name, value)| (name.to_owned(), value)));
        assert_eq!(members("{}").unwrap().len(), 0);
    }

    #[test]
    fn what_is_no_object_has_no_members() {
        for line in ["", "[]", "1", "{\"a\":1", "{\"a\":1}x", "{a:1}", "nul"] {
            assert!(members(line).is_none(), "{line}");
        }
    }

    #[test]
    fn compact_keeps_strings_and_digits() {
        assert_eq!(compact(r#"[ 1.50 , { "a b" : "\" ," } ]"#), r#"[1.50,{"a b":"\" ,"}]"#);
    }
}
