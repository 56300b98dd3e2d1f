//! What is kept of a prepared value.
//!
//! In: a [`Draft`] with every form. Out: [`Features`] with those that somebody asks for, packed, since there is one for each
//! distinct value of each attribute of a million records.

use std::{collections::HashSet, fmt::Write as _};

use xxhash_rust::xxh3::xxh3_64;

use super::{FormName, company::Marks};
use crate::define::entity::{Comparison, Measure};

/// How many forms there are.
const FORMS: usize = 12;
/// Characters of a form beyond which it is cut, with a hash of the whole, so that two long texts stay two.
const LONGEST: usize = 500;

/// Which forms of a value are kept, and for which its bigrams and words are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wanted {
    forms: u16,
    bigrams: u16,
    tokens: bool,
}

impl Wanted {
    /// Wants a form, for a block or a rule.
    #[must_use]
    pub fn form(mut self, form: FormName) -> Self {
        self.forms |= bit(form);
        self
    }

    /// Wants what the levels of a comparison look at.
    #[must_use]
    pub fn comparison(mut self, comparison: &Comparison) -> Self {
        for level in &comparison.levels {
            self = self.form(level.form);
            self = level.agree.map_or(self, |form| self.form(form));
            match level.measure {
                Measure::BigramJaccard(_) => self.bigrams |= bit(level.form),
                Measure::TokenOverlap(_) => self.tokens = true,
                _ => {}
            }
        }
        self
    }
}

const fn bit(form: FormName) -> u16 {
    1 << form as u16
}

/// A value with all its forms, as its kind makes them.
#[derive(Debug, Default)]
pub(super) struct Draft {
    forms: [String; FORMS],
    /// A number, or days since 1970.
    pub quantity: Option<f64>,
    /// What tells two companies apart.
    pub marks: Marks,
    /// Words that many values share.
    pub common: Vec<String>,
}

impl Draft {
    /// A value of one form.
    pub fn of(form: FormName, text: String) -> Self {
        let mut draft = Self::default();
        draft.put(form, text);
        draft
    }

    /// A value that counts something.
    pub fn counting(quantity: f64) -> Self {
        Self { quantity: Some(quantity), ..Self::default() }
    }

    /// Gives the value a form.
    pub fn put(&mut self, form: FormName, text: String) {
        self.forms[form as usize] = text;
    }

    #[cfg(test)]
    pub fn get(&self, form: FormName) -> &str {
        &self.forms[form as usize]
    }

    /// Packs what is wanted.
    pub fn keep(self, wanted: Wanted) -> Features {
        let mut text = String::new();
        let mut ends = [0; FORMS];
        let mut grams = Vec::new();
        let common = self.common_bigrams(wanted);
        for (place, form) in self.forms.iter().enumerate() {
            let start = text.len();
            if wanted.forms & (1 << place) != 0 {
                push_cut(form, &mut text);
            }
            ends[place] = u16::try_from(text.len()).unwrap_or(u16::MAX);
            if wanted.bigrams & (1 << place) != 0 {
                let form = u8::try_from(place).unwrap_or(u8::MAX);
                grams.push(Grams { form, hashes: bigrams(&text[start..], &common) });
            }
        }
        let words = if wanted.tokens { self.words() } else { Box::default() };
        let Self { quantity, marks, .. } = self;
        Features { text: text.into(), ends, grams: grams.into(), words, quantity, marks }
    }

    fn common_bigrams(&self, wanted: Wanted) -> HashSet<u32> {
        if wanted.bigrams == 0 {
            return HashSet::new();
        }
        self.common.iter().flat_map(|word| pairs(word).collect::<Vec<_>>()).collect()
    }

    fn words(&self) -> Box<[u32]> {
        let tokens = self.forms[FormName::Tokens as usize].split(' ').filter(|word| !word.is_empty());
        let mut words: Vec<u32> = tokens
            .map(|word| marked(xxh3_64(word.as_bytes()), self.common.iter().any(|common| common == word)))
            .collect();
        words.sort_unstable();
        words.into()
    }
}

fn push_cut(form: &str, text: &mut String) {
    match form.char_indices().nth(LONGEST) {
        Some((end, _)) => {
            text.push_str(&form[..end]);
            let _ = write!(text, "#{:016x}", xxh3_64(form.as_bytes()));
        }
        None => text.push_str(form),
    }
}

/// Returns the hashes of a text's pairs of neighbours, sorted, each as often as it occurs; of a single character its own.
fn bigrams(text: &str, common: &HashSet<u32>) -> Box<[u32]> {
    let mut hashes: Vec<u32> = pairs(text).map(|hash| hash | u32::from(common.contains(&hash))).collect();
    hashes.sort_unstable();
    hashes.into()
}

/// Yields the hashes of the pairs of neighbours, with the last bit 0.
fn pairs(text: &str) -> impl Iterator<Item = u32> {
    let first = text.chars().next();
    let is_single = first.is_some_and(|first| first.len_utf8() == text.len());
    let next = text.chars().skip(1).map(Some).chain(is_single.then_some(None));
    text.chars().zip(next).map(|(left, right)| {
        let pair = u64::from(u32::from(left)) << 32 | u64::from(right.map_or(0, u32::from));
        marked(xxh3_64(&pair.to_le_bytes()), false)
    })
}

/// Folds a hash to 32 bits, the last of which says whether it is of something that many values share.
fn marked(hash: u64, is_common: bool) -> u32 {
    let folded = u32::try_from(hash >> 32).unwrap_or(0);
    (folded & !1) | u32::from(is_common)
}

#[derive(Debug, Clone, PartialEq)]
struct Grams {
    form: u8,
    hashes: Box<[u32]>,
}

/// What is known of one distinct value.
#[derive(Debug, Clone, PartialEq)]
pub struct Features {
    text: Box<str>,
    ends: [u16; FORMS],
    grams: Box<[Grams]>,
    words: Box<[u32]>,
    quantity: Option<f64>,
    marks: Marks,
}

impl Features {
    /// Returns a form of the value; None when it has none or nobody wanted it. The definition says which are wanted.
    #[must_use]
    pub fn form(&self, form: FormName) -> Option<&str> {
        let place = form as usize;
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before].into());
        let form = &self.text[start..self.ends[place].into()];
        (!form.is_empty()).then_some(form)
    }

    /// Returns the hashes of a form's bigrams, sorted; the last bit is set on those of common words.
    #[must_use]
    pub fn bigrams(&self, form: FormName) -> &[u32] {
        let grams = self.grams.iter().find(|grams| usize::from(grams.form) == form as usize);
        grams.map_or(&[], |grams| &grams.hashes)
    }

    /// Returns the hashes of the words, sorted; the last bit is set on those of common words.
    #[must_use]
    pub fn words(&self) -> &[u32] {
        &self.words
    }

    /// Returns the number, or the days since 1970.
    #[must_use]
    pub fn quantity(&self) -> Option<f64> {
        self.quantity
    }

    /// Returns whether two names look alike and cannot be of one company.
    #[must_use]
    pub fn contradicts(&self, other: &Self) -> bool {
        self.marks.contradict(&other.marks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> Draft {
        let mut draft = Draft::of(FormName::Normal, "徐州重工".to_owned());
        draft.put(FormName::Tokens, "徐州 重工".to_owned());
        draft.common = vec!["重工".to_owned()];
        draft
    }

    #[test]
    fn only_what_is_wanted_is_kept() {
        let features = draft().keep(Wanted::default().form(FormName::Tokens));
        assert_eq!(features.form(FormName::Normal), None);
        assert_eq!(features.form(FormName::Tokens), Some("徐州 重工"));
        assert!(features.bigrams(FormName::Normal).is_empty() && features.words().is_empty());
    }

    #[test]
    fn common_words_are_marked() {
        let level = |measure| crate::define::entity::Level { measure, form: FormName::Normal, agree: None };
        let levels = vec![level(Measure::BigramJaccard(0.5)), level(Measure::TokenOverlap(0.5))];
        let comparison = Comparison { attribute: 0, levels, term_frequency: false };
        let features = draft().keep(Wanted::default().comparison(&comparison));
        let marked = |hashes: &[u32]| hashes.iter().filter(|hash| **hash & 1 == 1).count();
        assert_eq!((features.bigrams(FormName::Normal).len(), marked(features.bigrams(FormName::Normal))), (3, 1));
        assert_eq!((features.words().len(), marked(features.words())), (2, 1));
    }

    #[test]
    fn long_texts_that_differ_at_the_end_stay_two() {
        let long = |end: char| {
            let text = "徐".repeat(5_000) + &end.to_string();
            Draft::of(FormName::Normal, text).keep(Wanted::default().form(FormName::Normal))
        };
        assert_ne!(long('a').form(FormName::Normal), long('b').form(FormName::Normal));
        assert_eq!(long('a'), long('a'));
    }
}
