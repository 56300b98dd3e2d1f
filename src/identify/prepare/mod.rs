//! Values as blocks, rules and comparisons see them.
//!
//! In: one distinct text of an attribute, and what kind of text it is. Out: its [`Features`], or None when the text is no value of
//! its kind (a tax id with a wrong check digit, a day that never was), which is then evidence of nothing, as a NULL is.
//! A pure function of the text and the definition, so that no night sees a value differently.
//!
//! | kind | normal | other forms |
//! |---|---|---|
//! | `company` | folded, without blanks | `key` without legal form, place in front · `stem` without place · `tokens` · `pinyin` · `legal` |
//! | `person` | folded, without titles, given name first | `key` words sorted, nicknames as full names · `stem` family name and initial · `surname` · `initial` · `tokens` · `pinyin` |
//! | `given_name`, `surname` | folded, without titles | `key` without blanks, nicknames as full names · `stem` first three characters · `initial` · `pinyin` |
//! | `phone` | E.164 | `digits` the last eight |
//! | `email` | lower case | `key` without tag · `local` · `domain` |
//! | `tax_id` | capitals and digits | |
//! | `address` | folded, street words shortened | `key` without blanks · `stem` without numbers · `tokens` · `pinyin` |
//! | `place` | folded | `key` without 省, 市 … · `stem` first three characters · `initial` · `pinyin` |
//! | `date` | `2008-02-28` | `digits` `20080228` · `year` |
//! | `number` | shortest decimal | `digits` |
//! | `text` | folded | `key` without blanks · `tokens` · `initial` |
//!
//! *Folded*: NFKC (width and compatibility forms), lower case, traditional characters simplified, accents and punctuation gone.
//! `pinyin` is how a text sounds: syllables of Chinese characters, a code of consonants of Latin words.
//!
//! Deliberately absent: frequencies, which belong to the set of records, and anything that looks at two values.

mod address;
mod company;
mod date;
mod draft;
mod fold;
mod legal;
mod lists;
mod person;
mod phone;
mod plain;
mod sound;

pub use company::Marks;
use draft::Draft;
pub use draft::{Features, Wanted};

use crate::{
    define::entity::{FormName, Preparation, PreparationKind},
    engine::functions::folding::{Ending, read_endings},
};

/// Prepares the values of one attribute.
#[derive(Debug)]
pub struct Preparer {
    kind: PreparationKind,
    default_region: Option<String>,
    endings: Vec<Ending>,
    wanted: Wanted,
}

impl Preparer {
    /// Prepares values as an attribute's definition says, and keeps the forms that are wanted.
    #[must_use]
    pub fn new(preparation: &Preparation, wanted: Wanted) -> Self {
        let Preparation { kind, default_region, endings } = preparation.clone();
        let endings: Vec<String> = endings.iter().map(|ending| fold::folded(ending)).collect();
        Self { kind, default_region, endings: read_endings(&endings.join("\n")), wanted }
    }

    /// Returns what there is to know of a text; None when it is no value of its kind.
    #[must_use]
    pub fn features(&self, text: &str) -> Option<Features> {
        Some(self.draft(text)?.keep(self.wanted))
    }

    fn draft(&self, text: &str) -> Option<Draft> {
        match self.kind {
            PreparationKind::Company => company::prepare(text, &self.endings),
            PreparationKind::Person => person::prepare(text),
            PreparationKind::GivenName => person::prepare_part(text, true),
            PreparationKind::Surname => person::prepare_part(text, false),
            PreparationKind::Phone => phone::prepare(text, self.default_region.as_deref()),
            PreparationKind::Email => plain::email(text),
            PreparationKind::TaxId => plain::tax_id(text),
            PreparationKind::Address => address::prepare(text),
            PreparationKind::Place => plain::place(text),
            PreparationKind::Date => date::prepare(text),
            PreparationKind::Number => plain::number(text),
            PreparationKind::Text => plain::text(text),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn endings_of_a_project_are_endings_beside_those_of_the_tool() {
        let key = |name: &str, endings: &[&str]| {
            let endings = endings.iter().map(|ending| (*ending).to_owned()).collect();
            let preparation = Preparation { kind: PreparationKind::Company, default_region: None, endings };
            let preparer = Preparer::new(&preparation, Wanted::default().form(FormName::Key));
            preparer.features(name).unwrap().form(FormName::Key).unwrap().to_owned()
        };
        let own = ["Gesellschaft m. Haftung", "合作社", "Ges.m.b.H."];
        for name in
            ["Gelburg Gesellschaft m Haftung", "GELBURG GES.M.B.H.", "Gelburg Ges.m.b.H. Holding", "Gelburg Ltd"]
        {
            assert_eq!(key(name, &own), "gelburg", "{name}");
        }
        assert_eq!((key("岳渊合作社", &own), key("岳渊合作社", &[])), ("岳渊".to_owned(), "岳渊合作社".to_owned()));
        assert_eq!(key("合作社", &own), "合作社", "no name is stripped to nothing");
        assert_eq!(key("Gelburg Gesellschaft m Haftung", &[]), "gelburggesellschaftmhaftung");
    }
}
