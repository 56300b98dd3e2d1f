//! What the cells of all sheets share: texts and number formats.
//!
//! In: the parts of a workbook that hold them. Out: a text by its number, a kind by a style's number. Deliberately one
//! block of text for all strings, because a large workbook has millions.

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use crate::{
    extract::{
        Error,
        xlsx::{
            cell::Kind,
            elements::Elements,
            markup::{Event, Scanner, attribute, unescape},
        },
    },
    storage::content::Content,
};

/// The shared strings.
#[derive(Debug, Default)]
pub(super) struct Strings {
    text: String,
    ends: Vec<usize>,
}

impl Strings {
    /// Reads all of them.
    pub(super) fn read(path: &Arc<str>, content: &Content) -> Result<Self, Error> {
        let mut strings = Self::default();
        let Some(mut elements) = Elements::new(path, content, "sst", 0, "si")? else { return Ok(strings) };
        while let Some((element, _)) = elements.next()? {
            push_rich(&element, &mut strings.text);
            strings.ends.push(strings.text.len());
        }
        Ok(strings)
    }

    /// Returns a string by its number.
    pub(super) fn get(&self, index: usize) -> Option<&str> {
        let end = *self.ends.get(index)?;
        let begin = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some(&self.text[begin..end])
    }
}

/// Appends the texts of an element, without the readings (`rPh`) that Japanese and Chinese workbooks put beside them.
pub(super) fn push_rich(element: &str, text: &mut String) {
    let (mut is_text, mut is_reading) = (false, false);
    for event in Scanner::new(element) {
        match event {
            Event::Open { name: "t", is_empty, .. } => is_text = !is_empty && !is_reading,
            Event::Close { name: "t" } => is_text = false,
            Event::Open { name: "rPh", is_empty, .. } => is_reading = !is_empty,
            Event::Close { name: "rPh" } => is_reading = false,
            Event::Text(found) if is_text => push_escaped(&unescape(found), text),
            Event::Data(found) if is_text => push_escaped(found, text),
            _ => {}
        }
    }
}

/// Appends a text in which `_x000A_` stands for a letter that XML does not hold.
pub(super) fn push_escaped(escaped: &str, text: &mut String) {
    let mut rest = escaped;
    while let Some(found) = rest.find("_x") {
        let code = rest.get(found + 2..found + 6).filter(|_| rest.as_bytes().get(found + 6) == Some(&b'_'));
        let code = code.filter(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let letter = code.and_then(|code| u32::from_str_radix(code, 16).ok()).and_then(char::from_u32);
        let (kept, passed) = if letter.is_some() { (found, found + 7) } else { (found + 2, found + 2) };
        text.push_str(&rest[..kept]);
        text.extend(letter);
        rest = &rest[passed..];
    }
    text.push_str(rest);
}

/// The kinds of all cell styles.
#[derive(Debug, Default)]
pub(super) struct Styles(Vec<Kind>);

impl Styles {
    /// Reads them.
    pub(super) fn read(text: &str) -> Self {
        let mut formats: HashMap<u32, Kind> = HashMap::new();
        let mut kinds = Vec::new();
        let mut is_inside = false;
        for event in Scanner::new(text) {
            match event {
                Event::Open { name: "numFmt", attributes, .. } => {
                    let id = number(attribute(attributes, "numFmtId"));
                    let code = attribute(attributes, "formatCode").unwrap_or_default();
                    formats.insert(id, Kind::of_format(&code));
                }
                Event::Open { name: "cellXfs", is_empty, .. } => is_inside = !is_empty,
                Event::Close { name: "cellXfs" } => is_inside = false,
                Event::Open { name: "xf", attributes, .. } if is_inside => {
                    let id = number(attribute(attributes, "numFmtId"));
                    kinds.push(formats.get(&id).copied().unwrap_or_else(|| Kind::of_builtin(id)));
                }
                _ => {}
            }
        }
        Self(kinds)
    }

    /// Returns the kind of a style by its number.
    pub(super) fn kind(&self, style: usize) -> Kind {
        self.0.get(style).copied().unwrap_or_default()
    }
}

fn number(text: Option<Cow<'_, str>>) -> u32 {
    text.and_then(|text| text.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rich_texts_are_joined_and_readings_left_out() {
        let mut text = String::new();
        push_rich(
            "<si><r><rPr><b/></rPr><t>东</t></r><r><t xml:space=\"preserve\"> 京&amp;</t></r><rPh sb=\"0\"><t>ひがし</t></rPh></si>",
            &mut text,
        );
        assert_eq!(text, "东 京&");
    }

    #[test]
    fn escaped_letters_are_letters() {
        let mut text = String::new();
        push_escaped("a_x000A_b_x005F_x000D__xZZZZ__x", &mut text);
        assert_eq!(text, "a\nb_x000D__xZZZZ__x");
    }
}
