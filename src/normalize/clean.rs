//! Declared cleaners: a trimmed and folded text → the text as it identifies, and whether it can be one at all.
//!
//! Everything returns borrowed text where nothing had to change. Deliberately knows neither null words nor codes.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

use super::{
    fault::{Fault, quoted},
    text,
};
use crate::{
    define::project::Clean,
    engine::functions::tax_id::{Verdict, judge},
};

/// Applies cleaners in their order. The result may be empty: nothing of use was there.
pub(super) fn clean<'a>(text: Cow<'a, str>, cleaners: &[Clean]) -> Cow<'a, str> {
    cleaners.iter().fold(text, |text, how| one(text, *how))
}

fn one(text: Cow<'_, str>, how: Clean) -> Cow<'_, str> {
    match how {
        Clean::Phone => keep(text, |index, c| c.is_ascii_digit() || (index == 0 && c == '+')),
        Clean::TaxId => upper(keep(text, |_, c| c.is_ascii_alphanumeric())),
        Clean::Email | Clean::Lower => lower(text),
        Clean::Upper => upper(text),
        Clean::Name => single_blanks(text),
        Clean::Nfkc => changed(text, text::compatible),
        Clean::Simplified => changed(text, simplified),
    }
}

/// Says why a cleaned text cannot be what its cleaners are for.
pub(super) fn validate(text: &str, cleaners: &[Clean]) -> Result<(), Fault> {
    for how in cleaners {
        match how {
            Clean::Phone => phone(text)?,
            Clean::TaxId => tax_id(text)?,
            Clean::Email => email(text)?,
            Clean::Name | Clean::Nfkc | Clean::Simplified | Clean::Upper | Clean::Lower => {}
        }
    }
    Ok(())
}

fn changed(text: Cow<'_, str>, change: impl Fn(&str) -> Cow<'_, str>) -> Cow<'_, str> {
    let owned = match change(&text) {
        Cow::Borrowed(_) => return text,
        Cow::Owned(changed) => changed,
    };
    Cow::Owned(owned)
}

fn simplified(text: &str) -> Cow<'_, str> {
    if text.is_ascii() { Cow::Borrowed(text) } else { Cow::Owned(fast2s::convert(text)) }
}

fn keep(text: Cow<'_, str>, wanted: impl Fn(usize, char) -> bool) -> Cow<'_, str> {
    if text.char_indices().all(|(index, c)| wanted(index, c)) {
        return text;
    }
    Cow::Owned(text.char_indices().filter(|(index, c)| wanted(*index, *c)).map(|(_, c)| c).collect())
}

fn upper(text: Cow<'_, str>) -> Cow<'_, str> {
    let is_upper = |c: char| !c.is_lowercase() && c.to_uppercase().eq([c]);
    if text.chars().all(is_upper) { text } else { Cow::Owned(text.to_uppercase()) }
}

fn lower(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.chars().any(|c| c.is_uppercase() || !c.to_lowercase().eq([c])) {
        Cow::Owned(text.to_lowercase())
    } else {
        text
    }
}

fn single_blanks(text: Cow<'_, str>) -> Cow<'_, str> {
    if text::is_tidy(text.as_bytes()) {
        return text;
    }
    let compatible: String = text.nfkc().collect();
    Cow::Owned(compatible.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Digits that a telephone number has, by E.164 and with short numbers of services.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 5..=15;

fn phone(text: &str) -> Result<(), Fault> {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    if PHONE_DIGITS.contains(&digits) {
        return Ok(());
    }
    let (least, most) = (PHONE_DIGITS.start(), PHONE_DIGITS.end());
    Err(Fault::invalid(format!("{} is no phone number: it has {digits} digits, not {least} to {most}", quoted(text))))
}

/// Checks a 统一社会信用代码 of 18 signs by its check digit; the 15 signs of older registrations have none.
fn tax_id(text: &str) -> Result<(), Fault> {
    let shown = || quoted(text);
    match judge(text) {
        Verdict::Possible => Ok(()),
        Verdict::Sign => Err(Fault::invalid(format!("{} has a sign that no tax id has (I, O, S, V or Z)", shown()))),
        Verdict::CheckDigit(expected) => {
            Err(Fault::check_digit(format!("the check digit of {} should be `{expected}`", shown())))
        }
        Verdict::Length(length) => {
            let noun = if length == 1 { "sign" } else { "signs" };
            Err(Fault::invalid(format!("{} is no tax id: it has {length} {noun}, not 18 or 15", shown())))
        }
    }
}

/// Letters that the two sides of an address may have at most, by RFC 5321.
const MAILBOX_BYTES: usize = 64;
const DOMAIN_BYTES: usize = 253;

fn email(text: &str) -> Result<(), Fault> {
    let is_address = text.split_once('@').is_some_and(|(mailbox, domain)| is_mailbox(mailbox) && is_domain(domain));
    if is_address { Ok(()) } else { Err(Fault::invalid(format!("{} is no e-mail address", quoted(text)))) }
}

fn is_mailbox(text: &str) -> bool {
    let has_form = !text.starts_with('.') && !text.ends_with('.') && !text.contains("..");
    let is_sign = |c: char| !c.is_whitespace() && !c.is_control() && !"@,;:<>()[]\\\"".contains(c);
    (1..=MAILBOX_BYTES).contains(&text.len()) && has_form && text.chars().all(is_sign)
}

fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c == '-' || c.is_alphanumeric())
    };
    let mut labels = text.rsplit('.');
    let top = labels.next().unwrap_or_default();
    let is_top = top.chars().count() >= 2 && !top.bytes().all(|byte| byte.is_ascii_digit());
    text.len() <= DOMAIN_BYTES && text.contains('.') && is_top && is_label(top) && labels.all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(text: &str, cleaners: &[Clean]) -> String {
        clean(Cow::Borrowed(text), cleaners).into_owned()
    }

    #[test]
    fn cleaners_keep_what_identifies() {
        assert_eq!(cleaned("+86 (0531) 8888-6666", &[Clean::Phone]), "+8605318888 6666".replace(' ', ""));
        assert_eq!(cleaned("86+138", &[Clean::Phone]), "86138");
        assert_eq!(cleaned("13800000000", &[Clean::Phone]), "13800000000");
        assert_eq!(cleaned("见备注", &[Clean::Phone]), "");
        assert_eq!(cleaned("91370000-mA1 x", &[Clean::TaxId]), "91370000MA1X");
        assert_eq!(cleaned("Wang.Li@Example.COM", &[Clean::Email]), "wang.li@example.com");
        assert_eq!(cleaned("㈱ Acme \u{a0} Ltd", &[Clean::Name]), "(株) Acme Ltd");
        assert_eq!(cleaned("ﾊﾝ①", &[Clean::Nfkc]), "ハン1");
        assert_eq!(cleaned("山東重工機械", &[Clean::Simplified]), "山东重工机械");
        assert_eq!(cleaned("straße ab", &[Clean::Upper]), "STRASSE AB");
        assert_eq!(cleaned("ABÇ", &[Clean::Lower]), "abç");
    }

    #[test]
    fn cleaners_are_applied_in_their_order() {
        let list = [Clean::Nfkc, Clean::Simplified, Clean::Name, Clean::Upper];
        assert_eq!(cleaned("㈱  山東　acme ", &list), "(株) 山东 ACME");
        assert_eq!(cleaned("", &list), "");
    }

    #[test]
    fn a_tidy_name_is_not_copied() {
        for text in ["山东重工集团有限公司", "Acme Trading Co. Ltd", "a", "第1分公司 A座"] {
            let kept = clean(Cow::Borrowed(text), &[Clean::Name]);
            assert!(matches!(kept, Cow::Borrowed(_)), "{text}");
            assert_eq!(kept, text.nfkc().collect::<String>());
        }
        for text in ["a  b", "é", "ａ", "a\tb", "\u{f900}"] {
            assert!(!text::is_tidy(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn tax_ids_have_a_check_digit() {
        let rule = |text: &str| validate(text, &[Clean::TaxId]).map_err(|fault| fault.rule);
        assert_eq!(rule("91350100M000100Y43"), Ok(()));
        assert_eq!(rule("91350100M000100Y42"), Err("check_digit"));
        assert_eq!(rule("91350100M000100I43"), Err("validate"));
        assert_eq!(rule("370102123456789"), Ok(()));
        assert_eq!(rule("37010212345678"), Err("validate"));
        let reason = validate("91350100M000100Y42", &[Clean::TaxId]).map_err(|fault| fault.reason);
        assert_eq!(reason, Err("the check digit of `91350100M000100Y42` should be `3`".to_owned()));
    }

    #[test]
    fn addresses_have_one_at_and_a_plausible_domain() {
        let is_valid = |text: &str| validate(text, &[Clean::Email]).is_ok();
        for text in ["a@b.cn", "wang.li+x@mail.example.com", "o'neil@example.co.uk", "王@例子.中国"] {
            assert!(is_valid(text), "{text}");
        }
        let long = format!("{}@b.cn", "a".repeat(65));
        for text in [
            "a",
            "@b.cn",
            "a@",
            "a@b",
            "a@@b.cn",
            "a@b@c.cn",
            "a b@c.cn",
            "a@b..cn",
            "a@-b.cn",
            "a@1.2.3.4",
            "a@b.c",
            &long,
        ] {
            assert!(!is_valid(text), "{text}");
        }
    }

    #[test]
    fn phones_have_a_plausible_number_of_digits() {
        assert!(validate("+8613800000000", &[Clean::Phone]).is_ok());
        assert!(validate("95588", &[Clean::Phone]).is_ok());
        assert_eq!(validate("1380", &[Clean::Phone]).map_err(|fault| fault.rule), Err("validate"));
    }
}
