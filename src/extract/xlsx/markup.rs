//! Tags: XML and HTML cut into tags and texts.
//!
//! In: a text. Out: its events, without copies. Forgiving, because what is read here was written by hundreds of programs:
//! namespaces are dropped, what is never closed ends with the text. Deliberately builds no tree and checks no nesting.

use std::borrow::Cow;

use memchr::{memchr, memchr3, memmem};

/// What stands next in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event<'a> {
    /// `<name attributes>`, or `<name attributes/>` where it is empty.
    Open { name: &'a str, attributes: &'a str, is_empty: bool },
    /// `</name>`.
    Close { name: &'a str },
    /// Text with entities in it.
    Text(&'a str),
    /// Text without entities.
    Data(&'a str),
}

/// Walks through a text.
#[derive(Debug, Clone)]
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    /// Begins at the front.
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Skips to where `</name` begins, in any namespace and whatever stands before.
    pub(super) fn skip_to_close(&mut self, name: &str) {
        while let Some(found) = memmem::find(self.rest().as_bytes(), b"</") {
            self.at += found;
            let tag = &self.rest()[2..];
            let is_end = |byte: u8| matches!(byte, b'>' | b'/' | b'<') || byte.is_ascii_whitespace();
            let end = tag.bytes().position(is_end).unwrap_or(tag.len());
            if local(&tag[..end]).eq_ignore_ascii_case(name) {
                return;
            }
            self.at += 2;
        }
        self.at = self.text.len();
    }

    /// Returns the text between here and where another scanner of the same text is.
    pub(super) fn up_to(&self, other: &Self) -> &'a str {
        self.text.get(self.at..other.at).unwrap_or_default()
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Skips behind `end`, and returns what stood before it.
    fn until(&mut self, from: usize, end: &str) -> &'a str {
        let rest = &self.text[self.at + from..];
        let length = memmem::find(rest.as_bytes(), end.as_bytes()).unwrap_or(rest.len());
        self.at = (self.at + from + length + end.len()).min(self.text.len());
        &rest[..length]
    }

    /// Takes the tag that begins here; its `>` is not one in quotes.
    fn tag(&mut self) -> Event<'a> {
        let rest = self.rest();
        let bytes = rest.as_bytes();
        let mut end = 1;
        while let Some(found) = bytes.get(end..).and_then(|bytes| memchr3(b'>', b'"', b'\'', bytes)) {
            end += found;
            if bytes[end] == b'>' {
                break;
            }
            // A quote that opens no value, or that nobody closes, is a letter.
            let quoted = if opens_value(&bytes[..end]) { memchr(bytes[end], &bytes[end + 1..]) } else { None };
            end += 1 + quoted.map_or(0, |found| found + 1);
        }
        let end = if bytes.get(end) == Some(&b'>') { end } else { bytes.len() };
        self.at = (self.at + end + 1).min(self.text.len());
        let inside = &rest[1..end];
        if let Some(name) = inside.strip_prefix('/') {
            return Event::Close { name: local(name.trim_end()) };
        }
        let is_empty = inside.ends_with('/');
        let inside = inside.strip_suffix('/').unwrap_or(inside);
        let split = inside.find(|letter: char| letter.is_ascii_whitespace() || letter == '/').unwrap_or(inside.len());
        Event::Open { name: local(&inside[..split]), attributes: &inside[split..], is_empty }
    }
}

impl<'a> Iterator for Scanner<'a> {
    type Item = Event<'a>;

    fn next(&mut self) -> Option<Event<'a>> {
        loop {
            let rest = self.rest();
            let bytes = rest.as_bytes();
            match bytes {
                [] => return None,
                [b'<', b'!', b'-', b'-', ..] => {
                    self.until(4, "-->");
                }
                [b'<', b'!', b'[', b'C', b'D', b'A', b'T', b'A', b'[', ..] => {
                    return Some(Event::Data(self.until(9, "]]>")));
                }
                [b'<', b'!' | b'?', ..] => {
                    self.until(1, ">");
                }
                [b'<', b'/' | b'_' | b'a'..=b'z' | b'A'..=b'Z' | 128.., ..] => return Some(self.tag()),
                [first, after @ ..] => {
                    // A `<` before anything else is a letter of a text.
                    let skipped = usize::from(*first == b'<');
                    let length = memchr(b'<', &bytes[skipped..]).map_or(after.len() + 1, |found| found + skipped);
                    self.at += length;
                    return Some(Event::Text(&rest[..length]));
                }
            }
        }
    }
}

/// Returns whether a quote behind these bytes of a tag opens a value: it stands behind an attribute's `=`, and not within
/// a value without quotes, as in `href=a?b="c`.
fn opens_value(before: &[u8]) -> bool {
    let Some(before) = before.trim_ascii_end().strip_suffix(b"=") else { return false };
    let is_between = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'');
    before.rsplit(is_between).next().is_none_or(|name| !name.contains(&b'='))
}

/// Returns a name without its namespace.
pub(super) fn local(name: &str) -> &str {
    memchr::memrchr(b':', name.as_bytes()).map_or(name, |colon| &name[colon + 1..])
}

/// Walks through a tag's attributes: their names, and their values as written.
pub(super) struct Attributes<'a>(pub &'a str);

impl<'a> Iterator for Attributes<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<(&'a str, &'a str)> {
        let rest = self.0.trim_start_matches(|letter: char| letter.is_ascii_whitespace() || letter == '/');
        if rest.is_empty() {
            return None;
        }
        let is_end = |letter: char| letter == '=' || letter.is_ascii_whitespace();
        // An attribute may have no value, and a stray `=` has no name before it.
        let end = rest.find(is_end).unwrap_or(rest.len());
        let (name, rest) = (local(&rest[..end]), rest[end..].trim_ascii_start());
        let Some(rest) = rest.strip_prefix('=') else {
            self.0 = rest;
            return Some((name, ""));
        };
        let rest = rest.trim_ascii_start();
        let (value, rest) = match rest.as_bytes().first() {
            Some(quote @ (b'"' | b'\'')) => {
                let end = memchr(*quote, &rest.as_bytes()[1..]).map_or(rest.len(), |found| found + 1);
                (&rest[1..end], &rest[(end + 1).min(rest.len())..])
            }
            _ => rest.split_at(rest.find(|letter: char| letter.is_ascii_whitespace()).unwrap_or(rest.len())),
        };
        self.0 = rest;
        Some((name, value))
    }
}

/// Returns an attribute's value with its entities replaced.
pub(super) fn attribute<'a>(attributes: &'a str, wanted: &str) -> Option<Cow<'a, str>> {
    Attributes(attributes).find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| unescape(value))
}

/// Replaces entities, and line ends as XML has them.
pub(super) fn unescape(text: &str) -> Cow<'_, str> {
    if !text.bytes().any(|byte| byte == b'&' || byte == b'\r') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    push_unescaped(text, &mut plain);
    Cow::Owned(plain)
}

/// Appends a text with its entities replaced; one that nobody knows stays as written.
fn push_unescaped(text: &str, plain: &mut String) {
    let mut rest = text;
    while let Some(found) = rest.bytes().position(|byte| byte == b'&' || byte == b'\r') {
        plain.push_str(&rest[..found]);
        rest = &rest[found..];
        if let Some(after) = rest.strip_prefix('\r') {
            plain.push('\n');
            rest = after.strip_prefix('\n').unwrap_or(after);
            continue;
        }
        let end = rest.bytes().take(32).position(|byte| byte == b';');
        let found = end.and_then(|end| Some((entity(&rest[1..end])?, end)));
        let (letter, end) = found.unwrap_or(('&', 0));
        plain.push(letter);
        rest = &rest[end + 1..];
    }
    plain.push_str(rest);
}

/// The entities that pages use; XML knows the first five.
const NAMED: [(&str, char); 21] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", '\u{A0}'),
    ("ensp", '\u{2002}'),
    ("emsp", '\u{2003}'),
    ("thinsp", '\u{2009}'),
    ("yen", '¥'),
    ("euro", '€'),
    ("pound", '£'),
    ("copy", '©'),
    ("reg", '®'),
    ("deg", '°'),
    ("middot", '·'),
    ("times", '×'),
    ("mdash", '—'),
    ("ndash", '–'),
    ("hellip", '…'),
    ("bull", '•'),
];

/// Returns the letter of an entity's name or number.
fn entity(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code);
    }
    NAMED.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, letter)| *letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_texts_and_comments_are_told_apart() {
        let text =
            "<?xml version='1.0'?><!-- <a> --><x:a b=\"1>2\" c='&amp;' d=e f/>t &lt; 3 < 4<![CDATA[<&]]></x:a ><b";
        let events: Vec<Event> = Scanner::new(text).collect();
        let expected = [
            Event::Open { name: "a", attributes: " b=\"1>2\" c='&amp;' d=e f", is_empty: true },
            Event::Text("t &lt; 3 "),
            Event::Text("< 4"),
            Event::Data("<&"),
            Event::Close { name: "a" },
            Event::Open { name: "b", attributes: "", is_empty: false },
        ];
        assert_eq!(events, expected);
        let attributes: Vec<_> = Attributes(" b=\"1>2\" x:c = '&amp;' d=e f =g h").collect();
        assert_eq!(attributes, [("b", "1>2"), ("c", "&amp;"), ("d", "e"), ("f", "g"), ("h", "")]);
    }

    #[test]
    fn quotes_open_only_values() {
        let text = "<td w=\"10\"\">a</td><td 'b' c = 'x>y'd=\"z\"><td href=a?b=\"c d=e=\"><td =\">\">b";
        let events: Vec<Event> = Scanner::new(text).collect();
        let open = |attributes| Event::Open { name: "td", attributes, is_empty: false };
        let expected = [
            open(" w=\"10\"\""),
            Event::Text("a"),
            Event::Close { name: "td" },
            open(" 'b' c = 'x>y'd=\"z\""),
            open(" href=a?b=\"c d=e=\""),
            open(" =\">\""),
            Event::Text("b"),
        ];
        assert_eq!(events, expected);
        let attributes = |text| -> Vec<_> { Attributes(text).collect() };
        assert_eq!(attributes(" w=\"10\"\""), [("w", "10"), ("\"", "")]);
        assert_eq!(attributes(" 'b' c = 'x>y'd=\"z\""), [("'b'", ""), ("c", "x>y"), ("d", "z")]);
        assert_eq!(attributes(" href=a?b=\"c d=e=\""), [("href", "a?b=\"c"), ("d", "e=\"")]);
        assert_eq!(attributes(" =\">\""), [("", ">")]);
    }

    #[test]
    fn a_closing_tag_is_found_by_its_name_in_any_namespace() {
        for (text, left) in [
            ("<f>1</f><v>2", "</f><v>2"),
            ("<x:f>1</x:f><x:v>2", "</x:f><x:v>2"),
            ("<f></foo></x:foo></ f></F ></f>", "</F ></f>"),
            ("<f></is></", ""),
            ("<f></</</f", "</f"),
        ] {
            let mut scanner = Scanner::new(text);
            scanner.skip_to_close("f");
            assert_eq!(scanner.rest(), left, "{text}");
        }
    }

    #[test]
    fn entities_become_letters() {
        assert_eq!(unescape("a&amp;b&#20013;&#x4E2D;&nbsp;&bogus;&\r\n&#xD800;"), "a&b中中\u{A0}&bogus;&\n&#xD800;");
    }

    #[test]
    fn no_text_is_walked_for_ever() {
        for text in
            ["<", "</", "<a", "<!", "<!--", "<![CDATA[", "<a b='", "&", "<a =>", "< <", "<é'\">", "<a\u{E9}=\"x"]
        {
            assert!(Scanner::new(text).count() < 4, "{text}");
            assert!(Attributes(text).count() < 6, "{text}");
        }
    }
}
