//! Text before it is a value: trimming, full-width forms and header names.
//!
//! Everything returns borrowed text where nothing had to change, which is nearly every cell. Deliberately narrower than
//! NFKC for cells: NFKC makes `10²` into `102`, which would be a wrong number without a fault.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

/// Cuts blanks of every script (U+3000 and no-break blanks too), byte order marks and zero-width blanks off both ends.
pub(super) fn trim(text: &str) -> &str {
    let plain = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_graphic);
    if plain(text.as_bytes().first()) && plain(text.as_bytes().last()) {
        return text;
    }
    text.trim_matches(|c: char| c.is_whitespace() || is_invisible(c))
}

/// Folds full-width ASCII forms (U+FF01 to U+FF5E) and the ideographic blank to half width.
pub(super) fn fold(text: &str) -> Cow<'_, str> {
    if has_wide_form(text.as_bytes()) { Cow::Owned(text.chars().map(narrow).collect()) } else { Cow::Borrowed(text) }
}

/// Returns the compatibility form (NFKC), borrowed where the text has it.
pub(super) fn compatible(text: &str) -> Cow<'_, str> {
    if unicode_normalization::is_nfkc(text) { Cow::Borrowed(text) } else { Cow::Owned(text.nfkc().collect()) }
}

/// Returns a header name as names are compared: compatibility form, lower case, without any blank.
pub(super) fn header_name(text: &str) -> String {
    text.nfkc().filter(|c| !c.is_whitespace() && !is_invisible(*c)).flat_map(char::to_lowercase).collect()
}

/// Returns whether a text is visible ASCII, single blanks within it, and ideographs of the first block, which have no
/// other compatibility form (U+4E00 to U+9FFF: E4 B8 80 to E9 BF BF). Nearly every name is: it needs neither trimming nor
/// folding nor NFKC.
pub(super) fn is_tidy(mut rest: &[u8]) -> bool {
    let mut after_blank = true;
    loop {
        (after_blank, rest) = match rest {
            [] => return !after_blank,
            [b' ', tail @ ..] if !after_blank => (true, tail),
            [b'!'..=b'~', tail @ ..] | [0xE5..=0xE9, _, _, tail @ ..] | [0xE4, 0xB8..=0xBF, _, tail @ ..] => {
                (false, tail)
            }
            _ => return false,
        };
    }
}

const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{feff}' | '\u{200b}')
}

/// U+3000 is E3 80 80, the full-width forms are EF BC 81 to EF BD 9E.
fn has_wide_form(bytes: &[u8]) -> bool {
    !bytes.is_ascii()
        && memchr::memchr2_iter(0xE3, 0xEF, bytes)
            .any(|at| matches!(bytes[at..], [0xE3, 0x80, 0x80, ..] | [0xEF, 0xBC | 0xBD, ..]))
}

fn narrow(c: char) -> char {
    match c {
        '\u{3000}' => ' ',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_of_every_script_are_trimmed() {
        assert_eq!(trim("\u{3000}\u{a0} 山东 重工\u{3000}\t"), "山东 重工");
        assert_eq!(trim("\u{feff}a\u{200b}"), "a");
        assert_eq!(trim("a b"), "a b");
        assert_eq!(trim(" \u{3000}"), "");
    }

    #[test]
    fn only_full_width_ascii_is_folded() {
        assert_eq!(fold("Ａｂ１２，（上海）\u{3000}～"), "Ab12,(上海) ~");
        assert_eq!(fold("10²①ﾊﾝ￥"), "10²①ﾊﾝ￥");
        assert!(matches!(fold("山东重工。"), Cow::Borrowed(_)), "no allocation where nothing changes");
    }

    #[test]
    fn header_names_are_compared_without_case_width_and_blanks() {
        assert_eq!(header_name(" Ｏrder  No\n"), "orderno");
        assert_eq!(header_name("\u{feff}订单\u{3000}日期"), "订单日期");
    }
}
