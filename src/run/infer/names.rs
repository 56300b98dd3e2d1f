//! Names for columns: a header → a `snake_case` name, and what the name tells of the values.
//!
//! English headers are written in snake case, Chinese ones put together from the words of `words.txt`. A header of which
//! a part is unknown has no name here; the draft then numbers the column.

use std::{collections::HashMap, sync::LazyLock};

use unicode_normalization::UnicodeNormalization as _;

/// Chinese words and their English names.
static WORDS: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
    let lines = include_str!("words.txt").lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once(' ')).collect()
});

/// Characters of the longest word.
const LONGEST_WORD: usize = 8;

/// Units in a header and what a number is multiplied by to be in the plain unit.
const UNITS: [(&str, i64); 9] = [
    ("亿元", 100_000_000),
    ("亿", 100_000_000),
    ("千万元", 10_000_000),
    ("百万元", 1_000_000),
    ("万元", 10_000),
    ("万", 10_000),
    ("千元", 1_000),
    ("万台", 10_000),
    ("百元", 100),
];

/// Returns a header as contracts compare them: compatibility form, lower case, without any blank.
pub(super) fn folded(header: &str) -> String {
    let invisible = |c: &char| c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}');
    header.nfkc().filter(|c| !invisible(c)).flat_map(char::to_lowercase).collect()
}

/// A header without the unit in parentheses at its end, and the unit.
pub(super) fn without_unit(header: &str) -> (String, Option<String>) {
    let text: String = header.nfkc().collect();
    let text = text.trim();
    let inner = text.strip_suffix(')').and_then(|rest| rest.rsplit_once('('));
    match inner.or_else(|| text.strip_suffix(']').and_then(|rest| rest.rsplit_once('['))) {
        Some((name, unit)) if !name.trim().is_empty() && !unit.trim().is_empty() => {
            (name.trim().to_owned(), Some(unit.trim().to_owned()))
        }
        _ => (text.to_owned(), None),
    }
}

/// Returns what a number under a header with such a unit is multiplied by; 1 for a plain unit.
pub(super) fn scale_of(unit: &str) -> i64 {
    UNITS.iter().find(|(word, _)| *word == unit).map_or(1, |(_, scale)| *scale)
}

/// Returns the name of a column, where one can be made from its header.
pub(super) fn name_of(header: &str) -> Option<String> {
    let (plain, _) = without_unit(header);
    let name = if plain.is_ascii() { snake(&plain) } else { translated(&plain)? };
    let name = name.chars().take(60).collect::<String>();
    let name = name.trim_matches('_');
    name.starts_with(|first: char| first.is_ascii_lowercase()).then(|| name.to_owned())
}

/// Writes an English header in snake case: `Order No` and `OrderNo` become `order_no`, `TaxID` `tax_id`.
pub(super) fn snake(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let mut name = String::new();
    for (index, &letter) in letters.iter().enumerate() {
        let before = index.checked_sub(1).map(|before| letters[before]);
        let after = letters.get(index + 1);
        let begins = letter.is_ascii_uppercase()
            && before.is_some_and(|before| {
                before.is_ascii_lowercase()
                    || (before.is_ascii_uppercase() && after.is_some_and(char::is_ascii_lowercase))
            });
        if (begins || !letter.is_ascii_alphanumeric()) && !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
        if letter.is_ascii_alphanumeric() {
            name.push(letter.to_ascii_lowercase());
        }
    }
    name.trim_end_matches('_').to_owned()
}

/// Puts a name together from known words; None when a part is unknown.
fn translated(text: &str) -> Option<String> {
    let letters: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    let mut parts: Vec<String> = Vec::new();
    let mut at = 0;
    while at < letters.len() {
        let longest = LONGEST_WORD.min(letters.len() - at);
        let word = (1..=longest).rev().find_map(|length| {
            let word: String = letters[at..at + length].iter().collect();
            WORDS.get(word.as_str()).map(|name| (length, (*name).to_owned()))
        });
        let ascii: String = letters[at..].iter().take_while(|c| c.is_ascii()).collect();
        match word {
            Some((length, name)) => {
                parts.push(name);
                at += length;
            }
            None if !ascii.is_empty() => {
                parts.push(snake(&ascii));
                at += ascii.len();
            }
            None => return None,
        }
    }
    parts.retain(|part| !part.is_empty());
    (!parts.is_empty()).then(|| parts.join("_"))
}

/// Returns whether a name says that the values identify something: digits in them are no numbers.
pub(super) fn is_code(name: &str, headers: &[String]) -> bool {
    let words = ["code", "id", "no", "number", "phone", "mobile", "fax", "tel", "zip", "postal", "vin", "sku", "key"];
    let by_name = name.split('_').any(|part| words.contains(&part));
    let endings = ["编码", "编号", "代码", "号", "号码", "ID", "id", "电话", "手机", "邮编"];
    by_name || headers.iter().any(|header| endings.iter().any(|ending| header.trim().ends_with(ending)))
}

/// Returns whether a name says that the values answer yes or no.
pub(super) fn is_question(name: &str, headers: &[String]) -> bool {
    ["is_", "has_", "can_"].iter().any(|start| name.starts_with(start))
        || headers.iter().any(|header| header.trim().starts_with("是否"))
}

/// Returns whether a name speaks of money in units that have a hundredth; cents and 分 are whole numbers.
pub(super) fn is_money(name: &str) -> bool {
    if name.ends_with("cents") || name.ends_with("fen") {
        return false;
    }
    ["amount", "price", "cost", "fee", "revenue", "profit", "balance", "discount", "total"]
        .iter()
        .any(|word| name.split('_').any(|part| part == *word))
}

/// Returns the kind of personal data that a name promises.
pub(super) fn personal(name: &str) -> Option<&'static str> {
    let has = |words: &[&str]| words.contains(&name);
    if has(&["contact_name", "person_name", "customer_person", "full_name", "first_name", "last_name"]) {
        return Some("name");
    }
    if has(&["address", "contact_address", "customer_address", "street", "home_address"]) {
        return Some("address");
    }
    if has(&["birth_date", "date_of_birth", "birthday"]) {
        return Some("birth_date");
    }
    has(&["id_number", "id_card", "passport_no", "passport"]).then_some("id")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn english_headers_become_snake_case() {
        for (header, name) in [
            ("Order No", "order_no"),
            ("OrderNo", "order_no"),
            ("TaxID", "tax_id"),
            ("customer.address.city", "customer_address_city"),
            (" SKU# ", "sku"),
            ("Amount (CNY)", "amount"),
        ] {
            assert_eq!(name_of(header).as_deref(), Some(name), "{header}");
        }
    }

    #[test]
    fn chinese_headers_are_put_together_from_words() {
        for (header, name) in [
            ("经销商编码", Some("dealer_code")),
            ("金额(万元)", Some("amount")),
            ("客户电话", Some("customer_phone")),
            ("产品ID", Some("product_id")),
            (" 金额 ", Some("amount")),
            ("玄学", None),
            ("2024", None),
            ("", None),
        ] {
            assert_eq!(name_of(header).as_deref(), name, "{header}");
        }
    }

    #[test]
    fn a_unit_is_told_from_the_name() {
        assert_eq!(without_unit("金额（万元）"), ("金额".to_owned(), Some("万元".to_owned())));
        assert_eq!(without_unit("(a)"), ("(a)".to_owned(), None));
        assert_eq!((scale_of("万元"), scale_of("元")), (10_000, 1));
    }

    #[test]
    fn every_word_has_a_name_that_a_contract_takes() {
        for (word, name) in WORDS.iter() {
            assert!(word.chars().count() <= LONGEST_WORD, "{word}");
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
        }
    }
}
