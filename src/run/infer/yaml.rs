//! Texts as YAML: plain where nothing can be misread, quoted else, and comments of one line.

use std::fmt::Write;

/// Words that YAML readers take for something else than text.
const TAKEN: [&str; 10] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan"];

/// Returns a text as a scalar of a block or a flow collection.
pub(super) fn scalar(text: &str) -> String {
    let is_letter = |c: char| c.is_alphabetic() || c == '_';
    let is_plain = text.starts_with(is_letter)
        && text.chars().all(|c| c.is_alphanumeric() || c == '_')
        && !TAKEN.contains(&text.to_lowercase().as_str());
    if is_plain { text.to_owned() } else { quoted(text) }
}

/// Returns a text in double quotes.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if !is_odd(c) => quoted.push(c),
            c => {
                let _ = match u32::from(c) {
                    code @ ..=0xFFFF => write!(quoted, "\\u{code:04X}"),
                    code => write!(quoted, "\\U{code:08X}"),
                };
            }
        }
    }
    quoted + "\""
}

/// Returns texts as a flow sequence.
pub(super) fn list<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    format!("[{}]", texts.into_iter().map(scalar).collect::<Vec<_>>().join(", "))
}

/// Returns a text for a comment: one line, shortened.
pub(super) fn remark(text: &str) -> String {
    const SHOWN: usize = 40;
    let mut shown: String = text.chars().take(SHOWN).map(|c| if is_odd(c) || c == '\n' { ' ' } else { c }).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

/// Returns whether YAML or a terminal would take a character for something else than itself.
fn is_odd(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_harmless_texts_are_plain() {
        assert_eq!(scalar("订单号"), "订单号");
        assert_eq!(scalar("order_no"), "order_no");
        for text in ["no", "是: x", "007", "a b", "#1", "", "- x", "null", "Y"] {
            assert!(scalar(text).starts_with('"'), "{text}");
        }
        assert_eq!(scalar("a\"b\\\u{0}\n"), "\"a\\\"b\\\\\\u0000\\n\"");
        assert_eq!(list(["a", "no"]), "[a, \"no\"]");
    }
}
