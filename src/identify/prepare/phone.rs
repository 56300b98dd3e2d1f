//! Telephone numbers as E.164.
//!
//! ```text
//!  （0571）8888-1234 转 12 ─► +8657188881234       001 212 555 0100 ─► +12125550100
//! ```
//!
//! In: a number as somebody wrote it, and the region in which one dials like that. Out: `+`, calling code and national number,
//! and its last eight digits as a key; None for what cannot be called from abroad. How many digits a national number has is
//! known by region and not by operator (ITU-T E.164 and the national plans, `lists/calling_codes.txt`); it is not checked
//! whether a number is given out.

use super::{
    Draft, FormName,
    lists::{self, CallingCode},
};
use unicode_normalization::UnicodeNormalization;

/// Digits of a number with its calling code, by E.164.
const DIGITS: std::ops::RangeInclusive<usize> = 8..=15;
/// What stands before an extension.
const EXTENSION: [&str; 7] = ["转", "轉", "分机", "ext", "x", "#", ";"];
/// Digits at the end that are a key of their own, since area codes are often left out.
const KEY_DIGITS: usize = 8;

/// Prepares a number; None when it cannot be one.
pub fn prepare(text: &str, default_region: Option<&str>) -> Option<Draft> {
    let number = e164(text, default_region)?;
    let mut draft = Draft::default();
    draft.put(FormName::Digits, number[number.len().saturating_sub(KEY_DIGITS)..].to_owned());
    draft.put(FormName::Normal, number);
    Some(draft)
}

fn e164(text: &str, default_region: Option<&str>) -> Option<String> {
    let text: String = text.nfkc().flat_map(char::to_lowercase).collect();
    let text = EXTENSION.iter().fold(text.as_str(), |text, sign| text.split(sign).next().unwrap_or(text));
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    if is_filler(&digits) {
        return None;
    }
    let region = default_region.and_then(|region| lists::calling_codes().iter().find(|known| known.region == region));
    let is_international = text.trim_start().starts_with(['+', '(']) && text.contains('+');
    let number = match international(&digits, is_international, region) {
        Some(after) => with_code(after)?,
        None => national(&digits, region?)?,
    };
    DIGITS.contains(&(number.len() - 1)).then_some(number)
}

/// Returns whether digits only fill a field: 00000000, 12345678.
fn is_filler(digits: &str) -> bool {
    let steps = |by: u8| digits.as_bytes().windows(2).all(|pair| pair[1] == pair[0].wrapping_add(by));
    digits.len() < 5 || steps(0) || steps(1)
}

/// Returns what follows the sign of an international number.
fn international<'a>(digits: &'a str, has_plus: bool, region: Option<&CallingCode>) -> Option<&'a str> {
    let from_america = region.is_some_and(|region| region.code == "1");
    if has_plus {
        return Some(digits.strip_prefix("00").unwrap_or(digits));
    }
    let sign = if from_america { "011" } else { "00" };
    digits.strip_prefix(sign).filter(|after| DIGITS.contains(&after.len()))
}

/// Writes an international number, without the prefix of national calls that some leave in: +49 (0)30.
fn with_code(digits: &str) -> Option<String> {
    let known = lists::calling_codes().iter().find(|known| digits.starts_with(known.code));
    let Some(known) = known else { return DIGITS.contains(&digits.len()).then(|| format!("+{digits}")) };
    let number = &digits[known.code.len()..];
    let number = match number.strip_prefix(known.trunk) {
        Some(after) if !known.trunk.is_empty() && (known.trunk.starts_with('0') || number.len() > known.most) => after,
        _ => number,
    };
    (known.least..=known.most).contains(&number.len()).then(|| format!("+{}{number}", known.code))
}

fn national(digits: &str, region: &CallingCode) -> Option<String> {
    let fits = |number: &str| (region.least..=region.most).contains(&number.len());
    let whole = |number: &str| format!("+{}{number}", region.code);
    if !region.trunk.is_empty()
        && let Some(after) = digits.strip_prefix(region.trunk)
        && fits(after)
    {
        return Some(whole(after));
    }
    // The calling code without a plus: 86 139 … is longer than any number of the region.
    if let Some(after) = digits.strip_prefix(region.code)
        && fits(after)
        && (!fits(digits) || is_chinese_mobile(region, after))
    {
        return Some(whole(after));
    }
    (fits(digits) && !digits.starts_with('0')).then(|| whole(digits))
}

fn is_chinese_mobile(region: &CallingCode, number: &str) -> bool {
    region.region == "CN" && number.len() == 11 && number.starts_with('1')
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number(text: &str, region: &str) -> String {
        e164(text, Some(region)).unwrap_or_default()
    }

    #[test]
    fn spellings_of_one_number_are_one_number() {
        for text in [
            "13981351392",
            "139-8135-1392",
            "+86 139 8135 1392",
            "8613981351392",
            "１３９８１３５１３９２",
            "0086 13981351392",
            "(+86)13981351392",
            "013981351392",
        ] {
            assert_eq!(number(text, "CN"), "+8613981351392", "{text}");
        }
        for text in [
            "（0571）8888-1235 转 12",
            "0571 88881235",
            "+86 (0)571 88881235",
            "86-571-88881235",
            "571-88881235 ext. 4",
        ] {
            assert_eq!(number(text, "CN"), "+8657188881235", "{text}");
        }
        assert_eq!(number("0049 (0)30 1234567", "CN"), "+49301234567");
        assert_eq!(number("030/1234567", "DE"), "+49301234567");
        assert_eq!(number("001 212 555 0100", "CN"), "+12125550100");
        assert_eq!(number("1 (212) 555-0100", "US"), "+12125550100");
        assert_eq!(number("011 49 30 1234567", "US"), "+49301234567");
        assert_eq!(number("+55 11 7761488", "CN"), "+55117761488");
        assert_eq!(number("+39 06 1234567", "CN"), "+39061234567");
        assert_eq!(number("4001234561", "CN"), "+864001234561");
    }

    #[test]
    fn what_cannot_be_called_is_no_number() {
        for text in ["", "无", "123", "00000000000", "12345678", "88881234", "+86 1", "1".repeat(30).as_str()] {
            assert_eq!(number(text, "CN"), "", "{text}");
        }
        assert_eq!(e164("88881234", None), None);
        assert_eq!(e164("+49 30 1234567", None).as_deref(), Some("+49301234567"));
    }

    #[test]
    fn the_last_eight_digits_are_a_key() {
        assert_eq!(prepare("13981351392", Some("CN")).unwrap().get(FormName::Digits), "81351392");
    }

    proptest! {
        #[test]
        fn a_number_is_its_own_number(text in "[+0-9 ()-]{5,18}", region in prop::sample::select(vec!["CN", "DE", "US", "IT", "KZ"])) {
            if let Some(number) = e164(&text, Some(region)) {
                prop_assert_eq!(e164(&number, Some(region)), Some(number.clone()));
                prop_assert!(DIGITS.contains(&(number.len() - 1)));
            }
        }
    }
}
