//! Names for columns: a header → a `snake_case` name, and what the name tells of the values.
//!
//! English headers are written in snake case, Chinese ones put together from the words of `words.txt`. A header of which
//! a part is unknown has no name here; the draft then numbers the column. What words tell of values stands in `kinds.txt`.

use std::{collections::HashMap, sync::LazyLock};

use unicode_normalization::UnicodeNormalization as _;

/// Chinese words and their English names.
static WORDS: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
    let lines = include_str!("words.txt").lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once(' ')).collect()
});

/// Words that tell of the values: kind → patterns.
static KINDS: LazyLock<HashMap<&str, Vec<String>>> = LazyLock::new(|| {
    let mut kinds: HashMap<&str, Vec<String>> = HashMap::new();
    for line in include_str!("kinds.txt").lines().filter(|line| !line.starts_with('#')) {
        let Some((kind, patterns)) = line.split_once(' ') else { continue };
        kinds.entry(kind).or_default().extend(patterns.split(' ').map(unaccented));
    }
    kinds
});

/// What a header's words say of the values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// They identify something: digits in them are no numbers.
    Code,
    /// They call a transaction by its document.
    Document,
    /// They number the rows of such a document.
    Line,
    /// They tell states of one thing apart.
    State,
    Money,
    Quantity,
    Tax,
    Email,
    Phone,
    Person,
    /// Names of anything, and remarks.
    Name,
    Address,
    Place,
    BirthDate,
    Identity,
}

impl Kind {
    /// Returns its word in `kinds.txt`.
    const fn word(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Document => "document",
            Self::Line => "line",
            Self::State => "state",
            Self::Money => "money",
            Self::Quantity => "quantity",
            Self::Tax => "tax",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Person => "person",
            Self::Name => "name",
            Self::Address => "address",
            Self::Place => "place",
            Self::BirthDate => "birth_date",
            Self::Identity => "identity",
        }
    }
}

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

/// Writes a header in snake case: `Order No` and `OrderNo` become `order_no`, `TaxID` `tax_id`, `客户ID` `客户_id`.
pub(super) fn snake(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let mut name = String::new();
    let has_no_case = |c: char| c.is_alphabetic() && !c.is_lowercase() && !c.is_uppercase();
    for (index, &letter) in letters.iter().enumerate() {
        let before = index.checked_sub(1).map(|before| letters[before]);
        let is_lower_next = letters.get(index + 1).is_some_and(|next| next.is_lowercase());
        let begins = before.is_some_and(|before| {
            let is_inner = before.is_lowercase() || (before.is_uppercase() && is_lower_next);
            (letter.is_uppercase() && is_inner) || (letter.is_ascii_alphabetic() && has_no_case(before))
        });
        if (begins || !letter.is_alphanumeric()) && !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
        if letter.is_alphanumeric() {
            name.extend(letter.to_lowercase());
        }
    }
    name.trim_end_matches('_').to_owned()
}

/// Takes the accents off Latin letters.
fn unaccented(text: &str) -> String {
    text.nfkd().filter(|c| !('\u{300}'..='\u{36f}').contains(c)).nfc().collect()
}

/// Returns whether a column's name, or a header without its unit, has a word of a kind.
pub(super) fn says(kind: Kind, name: &str, headers: &[String]) -> bool {
    spelled(name, headers).iter().any(|text| has_word(kind, text))
}

/// Returns a column's name and its headers in snake case.
fn spelled(name: &str, headers: &[String]) -> Vec<String> {
    let headers = headers.iter().map(|header| snake(&unaccented(&without_unit(header).0)));
    std::iter::once(name.to_owned()).chain(headers).collect()
}

fn has_word(kind: Kind, text: &str) -> bool {
    KINDS.get(kind.word()).into_iter().flatten().any(|pattern| match pattern.strip_prefix('=') {
        Some(whole) => text == whole,
        None if pattern.contains('_') => fits(text, pattern),
        None => text.split('_').any(|word| fits(word, pattern)),
    })
}

/// Compares a word with a pattern of `kinds.txt`.
fn fits(word: &str, pattern: &str) -> bool {
    let part = pattern.trim_matches('*');
    match (pattern.starts_with('*'), pattern.ends_with('*')) {
        (true, true) => word.contains(part),
        (true, false) => word.ends_with(part),
        (false, true) => word.starts_with(part),
        (false, false) => word == part,
    }
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
    says(Kind::Code, name, headers)
}

/// Returns whether a name calls a transaction by its document: `Order No`, `Auftragsnummer`, `伝票番号`, or `Auftrag` alone.
pub(super) fn is_document(name: &str, headers: &[String]) -> bool {
    spelled(name, headers).iter().any(|text| {
        let is_beside_a_code = has_word(Kind::Code, text) && has_word(Kind::Document, text);
        is_beside_a_code || is_alone(Kind::Document, text)
    })
}

/// Returns whether a header in snake case is a word of a kind and nothing more.
fn is_alone(kind: Kind, text: &str) -> bool {
    KINDS.get(kind.word()).into_iter().flatten().any(|pattern| {
        let part = pattern.trim_matches('*');
        text == part || (!pattern.ends_with('*') && !text.contains('_') && fits(text, pattern))
    })
}

/// Returns whether a name says that the values answer yes or no.
pub(super) fn is_question(name: &str, headers: &[String]) -> bool {
    ["is_", "has_", "can_"].iter().any(|start| name.starts_with(start))
        || headers.iter().any(|header| header.trim().starts_with("是否"))
}

/// Returns whether a name speaks of money in units that have a hundredth; cents and 分 are whole numbers.
pub(super) fn is_money(name: &str, headers: &[String]) -> bool {
    !name.ends_with("cents") && !name.ends_with("fen") && says(Kind::Money, name, headers)
}

/// Returns the kind of personal data that a name promises, but for numbers and addresses to write to.
pub(super) fn personal(name: &str, headers: &[String]) -> Option<&'static str> {
    let kinds =
        [(Kind::Person, "name"), (Kind::Address, "address"), (Kind::BirthDate, "birth_date"), (Kind::Identity, "id")];
    kinds.into_iter().find(|(kind, _)| says(*kind, name, headers)).map(|(_, pii)| pii)
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

    #[test]
    fn words_of_many_languages_tell_of_the_values() {
        let kinds = [
            Kind::Code,
            Kind::Document,
            Kind::Line,
            Kind::State,
            Kind::Money,
            Kind::Quantity,
            Kind::Tax,
            Kind::Email,
            Kind::Phone,
            Kind::Person,
            Kind::Name,
            Kind::Address,
            Kind::Place,
            Kind::BirthDate,
            Kind::Identity,
        ];
        let known: Vec<&str> = kinds.iter().map(|kind| kind.word()).collect();
        assert!(KINDS.keys().all(|kind| known.contains(kind)), "{:?}", KINDS.keys());
        let says = |kind, header: &str| says(kind, "column_1", &[header.to_owned()]);
        for header in ["Kundennr.", "Nº Pedido", "受注番号", "客户ID", "Cód. cliente", "PO Number", "Código"] {
            assert!(says(Kind::Code, header), "{header}");
        }
        for header in ["Nettowert", "Einzelpreis", "Importe", "単価", "金額(円)", "단가", "Prix unitaire", "Preço"]
        {
            assert!(says(Kind::Money, header), "{header}");
        }
        for header in ["Telefon", "Teléfono", "電話番号", "Tél.", "전화", "携帯電話"] {
            assert!(says(Kind::Phone, header), "{header}");
        }
        for header in ["E-Mail-Adresse", "Correo electrónico", "email", "メールアドレス"] {
            assert!(says(Kind::Email, header), "{header}");
        }
        for header in ["Order Date", "Kundentyp", "Paid", "Besteller"] {
            assert!(!says(Kind::Code, header) && !says(Kind::Money, header) && !says(Kind::Person, header), "{header}");
        }
    }

    #[test]
    fn a_document_is_named_alone_or_beside_a_number() {
        let is_document = |header: &str| is_document("column_1", &[header.to_owned()]);
        for header in
            ["Order Ref", "Auftrag", "Belegnummer", "Nº Pedido", "受注番号", "单据编号", "PO Number", "주문번호"]
        {
            assert!(is_document(header), "{header}");
        }
        for header in ["Order Date", "Auftragsdatum", "Fecha pedido", "受注日", "Order Status", "Customer No"] {
            assert!(!is_document(header), "{header}");
        }
    }

    #[test]
    fn personal_data_is_told_by_the_whole_header() {
        let pii = |header: &str| personal("column_1", &[header.to_owned()]);
        assert_eq!((pii("Kunde"), pii("得意先名"), pii("Cliente")), (Some("name"), Some("name"), Some("name")));
        assert_eq!(
            (pii("Anschrift"), pii("Dirección"), pii("住所")),
            (Some("address"), Some("address"), Some("address"))
        );
        assert_eq!((pii("Fecha de nacimiento"), pii("Kundentyp"), pii("Kundennr.")), (Some("birth_date"), None, None));
    }
}
