//! E-mail addresses, tax ids, places, numbers and texts of no kind: one short rule each.
//!
//! In: a text. Out: its forms; None where it cannot be a value of its kind.

use unicode_normalization::UnicodeNormalization;

use super::{
    Draft, FormName,
    fold::{folded, sorted},
    sound::sound,
};
use crate::engine::functions::tax_id::{self, Verdict};

/// Characters by which the beginning of a place is its stem.
const STEM_CHARACTERS: usize = 3;
/// What follows the name of a Chinese place.
const PLACE_SIGNS: [&str; 10] =
    ["维吾尔自治区", "壮族自治区", "回族自治区", "特别行政区", "自治区", "自治州", "省", "市", "县", "区"];
/// Domains that take dots before the `@` for nothing.
const DOTLESS: [&str; 2] = ["gmail.com", "googlemail.com"];

/// Prepares an address of e-mail: lower case, without `mailto:` and angle brackets.
pub fn email(text: &str) -> Option<Draft> {
    let text: String = text.nfkc().flat_map(char::to_lowercase).collect();
    let address = text.rsplit(['<', ' ']).find(|part| part.contains('@')).unwrap_or(&text);
    let address = address.trim_start_matches("mailto:").trim_matches(|sign: char| "<>;,.\"' ".contains(sign));
    let (local, domain) = address.split_once('@')?;
    let is_domain = domain.split('.').all(|label| !label.is_empty()) && domain.contains('.');
    let is_plain = |part: &str| !part.chars().any(|sign| sign.is_whitespace() || sign == '@' || sign.is_control());
    if local.is_empty() || !is_domain || !is_plain(local) || !is_plain(domain) {
        return None;
    }
    let box_name = local.split('+').next().filter(|name| !name.is_empty()).unwrap_or(local);
    let box_name = if DOTLESS.contains(&domain) { box_name.replace('.', "") } else { box_name.to_owned() };
    let mut draft = Draft::default();
    draft.put(FormName::Key, format!("{box_name}@{domain}"));
    draft.put(FormName::Local, box_name);
    draft.put(FormName::Domain, domain.to_owned());
    draft.put(FormName::Normal, address.to_owned());
    Some(draft)
}

/// Prepares a tax id: a 统一社会信用代码 or an older registration with its check, or a number of another country as it is.
///
/// A number of 15 or 18 signs that begins like a Chinese one must pass the Chinese check; others must have 5 to 20 signs, one of
/// them a digit, and not all the same.
pub fn tax_id(text: &str) -> Option<Draft> {
    let number: String =
        text.nfkc().filter(char::is_ascii_alphanumeric).map(|sign| sign.to_ascii_uppercase()).collect();
    let is_filler = number.bytes().skip(1).all(|sign| sign == number.as_bytes()[0]);
    let is_possible = match tax_id::judge(&number) {
        Verdict::Possible => true,
        Verdict::CheckDigit(_) | Verdict::Sign => false,
        Verdict::Length(length) => (5..=20).contains(&length) && !is_chinese_length(length),
    };
    let has_digit = number.bytes().any(|sign| sign.is_ascii_digit());
    (is_possible && has_digit && !is_filler).then(|| Draft::of(FormName::Normal, number))
}

/// Returns whether a number of so many signs is a Chinese one with a sign lost or doubled.
const fn is_chinese_length(length: usize) -> bool {
    length == 17 || length == 19
}

/// Prepares a place: without 省, 市 and the like.
pub fn place(text: &str) -> Option<Draft> {
    let folded = folded(text);
    let whole = folded.replace(' ', "");
    if whole.is_empty() {
        return None;
    }
    let sign = PLACE_SIGNS.iter().find(|sign| whole.ends_with(**sign)).map_or(0, |sign| sign.len());
    let own = &whole[..whole.len() - sign];
    let key = if own.chars().count() > 1 { own } else { &whole };
    let mut draft = Draft::default();
    draft.put(FormName::Key, key.to_owned());
    draft.put(FormName::Stem, key.chars().take(STEM_CHARACTERS).collect());
    draft.put(FormName::Initial, key.chars().take(1).collect());
    draft.put(FormName::Pinyin, sound(if sign == 0 { &folded } else { key }));
    draft.put(FormName::Normal, folded);
    Some(draft)
}

/// Prepares a number: thousands separators and signs of currency go, a decimal comma is a point.
pub fn number(text: &str) -> Option<Draft> {
    let text: String = text.nfkc().collect();
    let kept: String = text.chars().filter(|sign| sign.is_ascii_digit() || ".,-".contains(*sign)).collect();
    if text.chars().any(|sign| sign.is_alphabetic() && !"eE元".contains(sign)) {
        return None;
    }
    let scientific = text.trim().parse::<f64>().ok();
    let value = scientific.or_else(|| with_point(&kept).parse().ok()).filter(|value: &f64| value.is_finite())?;
    // No negative zero.
    let value = value + 0.0;
    let mut draft = Draft::counting(value);
    draft.put(FormName::Digits, kept.chars().filter(char::is_ascii_digit).collect());
    draft.put(FormName::Normal, value.to_string());
    Some(draft)
}

/// Writes a number with at most one point: the last of several different separators is the decimal one, a single comma with
/// three digits behind divides thousands.
fn with_point(number: &str) -> String {
    let (comma, point) = (number.rfind(','), number.rfind('.'));
    let is_decimal_comma = match (comma, point) {
        (Some(comma), Some(point)) => comma > point,
        (Some(comma), None) => number.matches(',').count() == 1 && number.len() - comma - 1 != 3,
        _ => false,
    };
    match is_decimal_comma {
        true => number.replace('.', "").replace(',', "."),
        false => number.replace(',', ""),
    }
}

/// Prepares a text of no kind.
pub fn text(text: &str) -> Option<Draft> {
    let folded = folded(text);
    if folded.is_empty() {
        return None;
    }
    let words: Vec<&str> = folded.split(' ').collect();
    let mut draft = Draft::default();
    draft.put(FormName::Key, words.concat());
    draft.put(FormName::Tokens, sorted(&words));
    draft.put(FormName::Initial, folded.chars().take(1).collect());
    draft.put(FormName::Normal, folded);
    Some(draft)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn get(draft: Option<Draft>, form: FormName) -> String {
        draft.map(|draft| draft.get(form).to_owned()).unwrap_or_default()
    }

    #[test]
    fn one_box_has_one_key() {
        for text in ["A.B+news@Gmail.com", "mailto:ab@gmail.com", "Ada <a.b@gmail.com>", " ａｂ@gmail.com; "] {
            assert_eq!(get(email(text), FormName::Key), "ab@gmail.com", "{text}");
        }
        assert_eq!(get(email("a.b@firma.de"), FormName::Local), "a.b");
        for text in ["", "@", "a@b", "a b", "a@b..c", "@b.c"] {
            assert!(email(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_tax_id_with_a_wrong_check_is_none() {
        assert_eq!(get(tax_id("９１350100-m000100y43"), FormName::Normal), "91350100M000100Y43");
        assert_eq!(get(tax_id("DE 123456789"), FormName::Normal), "DE123456789");
        assert_eq!(get(tax_id("370102123456789"), FormName::Normal), "370102123456789");
        for text in ["91350100M000100Y42", "91350100M000100Y4", "000000000", "无", "", "1234", "ABCDEF"] {
            assert!(tax_id(text).is_none(), "{text}");
        }
    }

    #[test]
    fn places_agree_without_their_sign() {
        assert_eq!(get(place("浙江省"), FormName::Key), get(place("浙江"), FormName::Key));
        assert_eq!(get(place("São Paulo"), FormName::Key), "saopaulo");
        assert_eq!(get(place("省"), FormName::Key), "省");
        assert_eq!(get(place("广西壮族自治区"), FormName::Key), "广西");
    }

    #[test]
    fn numbers_are_read_as_people_write_them() {
        for (text, value) in [
            ("1,234.50", 1234.5),
            ("1.234,50", 1234.5),
            ("1,234", 1234.0),
            ("12,5", 12.5),
            ("-7", -7.0),
            ("１２", 12.0),
            ("1e3", 1000.0),
            ("￥ 5元", 5.0),
        ] {
            assert!((number(text).and_then(|draft| draft.quantity).unwrap() - value).abs() < 1e-9, "{text}");
        }
        for text in ["", "abc", "1.2.3,4,5", "NaN", "-", "12 km"] {
            assert!(number(text).is_none(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_text_is_its_own_normal_form(written in "\\PC{0,20}") {
            let once = get(text(&written), FormName::Normal);
            prop_assert_eq!(get(text(&once), FormName::Normal), once);
        }
    }
}
