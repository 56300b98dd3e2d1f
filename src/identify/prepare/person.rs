//! Names of persons: order of the names, titles, initials, nicknames.
//!
//! ```text
//!  Dr. Bob J. O'Brien      OBRIEN, Robert J.       欧阳建国先生
//!  normal  bob j obrien    robert j obrien         欧阳建国
//!  key     j obrien robert j obrien robert         欧阳建国      words in alphabetical order, nicknames as full names
//!  surname obrien          obrien                  欧阳
//!  stem    obrien r        obrien r                欧阳 建       family name and first letter
//! ```
//!
//! In: a whole name, or one part of it. Out: its forms. Which of two Latin names is the family's is only known from a comma or
//! from where it stands; whoever cannot rely on that compares `key` or `tokens`, which have no order.

use super::{
    Draft, FormName,
    fold::{folded, is_ideograph, sorted},
    lists,
    sound::sound,
};

/// Characters by which the beginning of a name is its stem.
const STEM_CHARACTERS: usize = 3;

/// Prepares a whole name; None when nothing of it can be read.
pub fn prepare(name: &str) -> Option<Draft> {
    let ordered = given_first(name);
    let folded = folded(&ordered);
    let words = without_titles(&folded);
    let whole = words.join(" ");
    let (surname, given) = match words[..] {
        [] => return None,
        [word] if word.chars().all(is_ideograph) => divide(word),
        [word] => (word, ""),
        [.., last] => (last, words[0]),
    };
    let full: Vec<&str> = words.iter().map(|word| full_name(word)).collect();
    let initial: String = full_name(given).chars().take(1).collect();
    let mut draft = Draft::default();
    draft.put(FormName::Key, sorted(&full));
    draft.put(FormName::Tokens, sorted(&words));
    draft.put(FormName::Stem, format!("{surname} {initial}").trim_end().to_owned());
    draft.put(FormName::Surname, surname.to_owned());
    draft.put(FormName::Initial, initial);
    draft.put(FormName::Pinyin, sound(&sorted(&full)));
    draft.put(FormName::Normal, whole);
    Some(draft)
}

/// Prepares a given name or a family name; None when nothing of it can be read.
pub fn prepare_part(name: &str, is_given: bool) -> Option<Draft> {
    let folded = folded(name);
    let words = without_titles(&folded);
    let whole = words.join(" ");
    if whole.is_empty() {
        return None;
    }
    let mut draft = Draft::default();
    let key = match is_given {
        true => words.iter().map(|word| full_name(word)).collect::<Vec<_>>().concat(),
        false => words.concat(),
    };
    draft.put(FormName::Pinyin, sound(&key));
    draft.put(FormName::Stem, whole.chars().take(STEM_CHARACTERS).collect());
    draft.put(FormName::Initial, whole.chars().take(1).collect());
    draft.put(FormName::Key, key);
    draft.put(FormName::Normal, whole);
    Some(draft)
}

/// Puts what stands after a comma in front, unless it is but a title.
fn given_first(name: &str) -> String {
    match name.split_once([',', '，']) {
        Some((family, given)) if !without_titles(&folded(given)).is_empty() && !is_title(given) => {
            format!("{given} {family}")
        }
        _ => name.to_owned(),
    }
}

fn is_title(word: &str) -> bool {
    lists::titles().contains(&folded(word).as_str())
}

/// Returns the words of a folded name without titles; a name that is nothing but titles stays whole.
fn without_titles(folded: &str) -> Vec<&str> {
    let all: Vec<&str> = folded.split(' ').filter(|word| !word.is_empty()).collect();
    let mut words: Vec<&str> = all.iter().copied().filter(|word| !lists::titles().contains(word)).collect();
    if let Some(last) = words.last_mut() {
        let title = lists::titles().iter().find(|title| title.starts_with(is_ideograph) && last.ends_with(**title));
        // A family name and a title is a name (王先生); a title is none.
        if let Some(title) = title {
            *last = &last[..last.len() - title.len()];
        }
    }
    if words.is_empty() { all } else { words }
}

fn full_name(word: &str) -> &str {
    lists::full_names().get(word).copied().unwrap_or(word)
}

/// Divides a Chinese name into family name and given name.
fn divide(name: &str) -> (&str, &str) {
    let ends: Vec<usize> = name.char_indices().map(|(start, character)| start + character.len_utf8()).collect();
    let is_long = ends.len() > 2 && lists::long_surnames().contains(&name[..ends[1]]);
    name.split_at(ends[usize::from(is_long)])
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn form(name: &str, form: FormName) -> String {
        prepare(name).unwrap().get(form).to_owned()
    }

    #[test]
    fn order_titles_and_nicknames_do_not_matter_to_the_key() {
        for name in ["Dr. Bob J. O'Brien", "OBRIEN, Robert J.", "robert j obrien", "O’Brien, Bob J., PhD"] {
            assert_eq!(form(name, FormName::Key), "j obrien robert", "{name}");
        }
        assert_eq!(form("OBRIEN, Robert J.", FormName::Surname), "obrien");
        assert_eq!(form("Bob O'Brien", FormName::Stem), "obrien r");
        assert_eq!(form("John Smith, Jr.", FormName::Normal), "john smith");
    }

    #[test]
    fn chinese_names_have_the_family_name_in_front() {
        for (name, surname, stem) in [
            ("王建国先生", "王", "王 建"),
            ("欧阳建国", "欧阳", "欧阳 建"),
            ("歐陽建國", "欧阳", "欧阳 建"),
            ("王", "王", "王"),
            ("王先生", "王", "王"),
        ] {
            assert_eq!(
                (form(name, FormName::Surname).as_str(), form(name, FormName::Stem).as_str()),
                (surname, stem),
                "{name}"
            );
        }
    }

    #[test]
    fn a_title_alone_stays_a_name() {
        assert_eq!(form("Miss", FormName::Normal), "miss");
        assert_eq!(prepare_part("Ms", true).unwrap().get(FormName::Normal), "ms");
        assert!(prepare(" , ").is_none() && prepare_part("-", false).is_none());
    }

    #[test]
    fn parts_of_names_know_nicknames_only_if_given() {
        assert_eq!(prepare_part("Bob", true).unwrap().get(FormName::Key), "robert");
        assert_eq!(prepare_part("Bob", false).unwrap().get(FormName::Key), "bob");
        assert_eq!(prepare_part("van der Berg", false).unwrap().get(FormName::Key), "vanderberg");
    }

    proptest! {
        #[test]
        fn any_name_with_a_letter_has_a_normal_form(name in "[a-cA-CDrMs王先生,. ]{0,10}") {
            let has_letters = name.chars().any(char::is_alphanumeric);
            let normal = prepare(&name).map(|draft| draft.get(FormName::Normal).to_owned());
            prop_assert_eq!(has_letters, normal.is_some_and(|normal| !normal.is_empty()));
        }
    }
}
