//! Street addresses: words of streets as they are usually shortened, Chinese addresses by their 省市区路号.
//!
//! ```text
//!  12 Herschell Circuit, Flat 3   normal  12 herschell cct flat 3        浙江省杭州市文三路12号   浙江 杭州 文三路 12号
//!                                 key     12herschellcctflat3                                浙江杭州文三路12号
//!                                 stem    herschellcctflat       without numbers             浙江杭州文三路号
//! ```

use super::{
    Draft, FormName,
    fold::{folded, is_ideograph, sorted},
    lists,
    sound::sound,
};

/// Signs at which a part of a Chinese address ends; of the first ones the sign itself says nothing.
const PLACES: [char; 4] = ['省', '市', '区', '县'];
const STREETS: [char; 9] = ['路', '街', '道', '巷', '弄', '村', '镇', '乡', '号'];

/// Prepares an address; None when nothing of it can be read.
pub fn prepare(address: &str) -> Option<Draft> {
    let folded = folded(address);
    let mut words: Vec<&str> = Vec::new();
    for word in folded.split(' ').filter(|word| !word.is_empty()) {
        match word.starts_with(is_ideograph) {
            true => chinese(word, &mut words),
            false => words.push(lists::street_words().get(word).copied().unwrap_or(word)),
        }
    }
    join_house_numbers(&mut words);
    if words.is_empty() {
        return None;
    }
    let key = words.concat();
    let stem: String = key.chars().filter(|sign| !sign.is_numeric()).collect();
    let mut draft = Draft::default();
    draft.put(FormName::Tokens, sorted(&words));
    draft.put(FormName::Pinyin, sound(&words.join(" ")));
    draft.put(FormName::Stem, if stem.is_empty() { key.clone() } else { stem });
    draft.put(FormName::Normal, words.join(" "));
    draft.put(FormName::Key, key);
    Some(draft)
}

/// Divides 浙江省杭州市文三路 into 浙江, 杭州 and 文三路.
fn chinese<'a>(word: &'a str, words: &mut Vec<&'a str>) {
    let mut start = 0;
    for (place, sign) in word.char_indices() {
        let end = place + sign.len_utf8();
        let long_enough = word[start..place].chars().count() >= 2;
        if PLACES.contains(&sign) && long_enough {
            words.push(&word[start..place]);
            start = end;
        } else if STREETS.contains(&sign) && place > start {
            words.push(&word[start..end]);
            start = end;
        }
    }
    if start < word.len() {
        words.push(&word[start..]);
    }
}

/// Drops 号 behind a number, which stands there or does not.
fn join_house_numbers(words: &mut Vec<&str>) {
    let mut position = 1;
    while position < words.len() {
        let is_sign = words[position] == "号" && words[position - 1].bytes().all(|sign| sign.is_ascii_digit());
        if is_sign {
            words.remove(position);
        } else {
            position += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(address: &str, form: FormName) -> String {
        prepare(address).map(|draft| draft.get(form).to_owned()).unwrap_or_default()
    }

    #[test]
    fn spellings_of_one_address_agree() {
        assert_eq!(form("12 Herschell Circuit, Flat 3", FormName::Normal), "12 herschell cct flat 3");
        assert_eq!(
            form("12, HERSCHELL CCT.; flat 3", FormName::Key),
            form("12 Herschell Circuit, Flat 3", FormName::Key)
        );
        for address in ["浙江省杭州市文三路12号", "浙江省 杭州市 文三路１２", "浙江杭州文三路12号"]
        {
            assert_eq!(form(address, FormName::Key), "浙江杭州文三路12", "{address}");
        }
        assert_eq!(form("杭州市余杭区文一西路969号", FormName::Tokens), "969 余杭 文一西路 杭州");
    }

    #[test]
    fn an_address_of_numbers_only_keeps_them() {
        assert_eq!(form("12 / 3", FormName::Stem), "123");
        assert_eq!(form("12 Main Road", FormName::Stem), "mainrd");
        assert!(prepare(" , ").is_none());
    }
}
