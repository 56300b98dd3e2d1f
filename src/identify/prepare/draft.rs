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
        let (mut text, mut ends) = (String::new(), Vec::new());
        let (mut has, mut groups, mut hashes) = (0, Vec::new(), Vec::new());
        let common = self.common_bigrams(wanted);
        for (place, form) in (0..).zip(&self.forms) {
            let start = text.len();
            push_cut(form, &mut text);
            if wanted.bigrams & (1 << place) != 0 {
                let bigrams = bigrams(&text[start..], &common);
                groups.push(place << LENGTH_BITS | narrowed(bigrams.len()));
                hashes.extend(bigrams);
            }
            if wanted.forms & (1 << place) == 0 || text.len() == start {
                text.truncate(start);
            } else {
                has |= 1 << place;
                ends.push(narrowed(text.len()));
            }
        }
        has |= narrowed(groups.len()) << GROUPS_AT;
        let quantity = self.quantity.map(f64::to_bits).map(|bits| [bits >> 32, bits & u64::from(u32::MAX)]);
        let quantity: Vec<u32> = quantity.into_iter().flatten().filter_map(|half| u32::try_from(half).ok()).collect();
        has |= u32::from(!quantity.is_empty()) * HAS_QUANTITY;
        let marks = if self.marks == Marks::default() { Vec::new() } else { self.marks.to_numbers().to_vec() };
        has |= u32::from(!marks.is_empty()) * HAS_MARKS;
        let words = if wanted.tokens { self.words() } else { Vec::new() };
        let numbers = [vec![has], ends, quantity, marks, groups, hashes, words].concat();
        Features { text: text.into(), numbers: numbers.into() }
    }

    fn common_bigrams(&self, wanted: Wanted) -> HashSet<u32> {
        if wanted.bigrams == 0 {
            return HashSet::new();
        }
        self.common.iter().flat_map(|word| pairs(word).collect::<Vec<_>>()).collect()
    }

    fn words(&self) -> Vec<u32> {
        let tokens = self.forms[FormName::Tokens as usize].split(' ').filter(|word| !word.is_empty());
        let mut words: Vec<u32> = tokens
            .map(|word| marked(xxh3_64(word.as_bytes()), self.common.iter().any(|common| common == word)))
            .collect();
        words.sort_unstable();
        words
    }
}

/// Returns a length as it is packed: forms are cut long before it does not fit.
fn narrowed(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
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
fn bigrams(text: &str, common: &HashSet<u32>) -> Vec<u32> {
    let mut hashes: Vec<u32> = pairs(text).map(|hash| hash | u32::from(common.contains(&hash))).collect();
    hashes.sort_unstable();
    hashes
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

/// What is known of one distinct value, in two allocations.
///
/// ```text
///  numbers   has │ ends of forms │ quantity │ marks │ groups of bigrams │ their hashes │ words
///            1     1 for each      2 or 0     3 or 0  1 for each          of each        the rest
/// ```
///
/// `has`: from the lowest bit on which forms there are, how many groups, whether there is a quantity, whether marks. A group: of which
/// form, and how many hashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Features {
    text: Box<str>,
    numbers: Box<[u32]>,
}

/// Where the number of groups stands in `has`: behind the forms; of up to fifteen.
const GROUPS_AT: u32 = 16;
const HAS_QUANTITY: u32 = 1 << 20;
const HAS_MARKS: u32 = 1 << 21;
/// Bits of the length of a group.
const LENGTH_BITS: u32 = 24;

impl Features {
    /// Returns a form of the value; None when it has none or nobody wanted it. The definition says which are wanted.
    #[must_use]
    pub fn form(&self, form: FormName) -> Option<&str> {
        let (forms, bit) = (self.forms(), u32::from(bit(form)));
        let end = |before: u32| if before == 0 { 0 } else { self.numbers[before as usize] as usize };
        let before = (forms & (bit - 1)).count_ones();
        (forms & bit != 0).then(|| &self.text[end(before)..end(before + 1)])
    }

    const fn forms(&self) -> u32 {
        self.numbers[0] & ((1 << FORMS) - 1)
    }

    const fn has(&self, what: u32) -> bool {
        self.numbers[0] & what != 0
    }

    /// Returns where the quantity, the marks and the groups stand.
    fn places(&self) -> [usize; 3] {
        let quantity = 1 + self.forms().count_ones() as usize;
        let marks = quantity + if self.has(HAS_QUANTITY) { 2 } else { 0 };
        let groups = marks + if self.has(HAS_MARKS) { Marks::NUMBERS } else { 0 };
        [quantity, marks, groups]
    }

    /// Returns the groups of bigrams, and all hashes of bigrams and words.
    fn groups(&self) -> (&[u32], &[u32]) {
        let count = (self.numbers[0] >> GROUPS_AT & 15) as usize;
        self.numbers[self.places()[2]..].split_at(count)
    }

    /// Returns the hashes of a form's bigrams, sorted; the last bit is set on those of common words.
    #[must_use]
    pub fn bigrams(&self, form: FormName) -> &[u32] {
        let (groups, mut hashes) = self.groups();
        for group in groups {
            let (of_group, rest) = hashes.split_at(length(*group));
            if group >> LENGTH_BITS == form as u32 {
                return of_group;
            }
            hashes = rest;
        }
        &[]
    }

    /// Returns the hashes of the words, sorted; the last bit is set on those of common words.
    #[must_use]
    pub fn words(&self) -> &[u32] {
        let (groups, hashes) = self.groups();
        &hashes[groups.iter().map(|group| length(*group)).sum()..]
    }

    /// Returns the number, or the days since 1970.
    #[must_use]
    pub fn quantity(&self) -> Option<f64> {
        let [at, ..] = self.places();
        let half = |at: usize| u64::from(self.numbers[at]);
        self.has(HAS_QUANTITY).then(|| f64::from_bits(half(at) << 32 | half(at + 1)))
    }

    /// Returns whether two names look alike and cannot be of one company.
    #[must_use]
    pub fn contradicts(&self, other: &Self) -> bool {
        self.marks().contradict(&other.marks())
    }

    fn marks(&self) -> Marks {
        let [_, at, behind] = self.places();
        let numbers = self.numbers[at..behind].first_chunk();
        numbers.map_or_else(Marks::default, Marks::of_numbers)
    }
}

/// Returns how many hashes a group has.
const fn length(group: u32) -> usize {
    (group & ((1 << LENGTH_BITS) - 1)) as usize
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
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
    fn what_is_packed_is_what_was_put() {
        let mut draft = draft();
        draft.put(FormName::Key, String::new());
        draft.put(FormName::Stem, "重工重工".to_owned());
        draft.quantity = Some(-12.5);
        let level = |measure, form| crate::define::entity::Level { measure, form, agree: None };
        let levels = vec![
            level(Measure::BigramJaccard(0.5), FormName::Stem),
            level(Measure::BigramJaccard(0.5), FormName::Normal),
            level(Measure::TokenOverlap(0.5), FormName::Tokens),
            level(Measure::Exact, FormName::Key),
        ];
        let comparison = Comparison { attribute: 0, levels, term_frequency: false };
        let features = draft.keep(Wanted::default().comparison(&comparison));
        assert_eq!(features.form(FormName::Normal), Some("徐州重工"));
        assert_eq!((features.form(FormName::Key), features.form(FormName::Pinyin)), (None, None));
        assert_eq!(features.form(FormName::Stem), Some("重工重工"));
        assert_eq!(features.form(FormName::Tokens), Some("徐州 重工"));
        assert_eq!((features.bigrams(FormName::Normal).len(), features.bigrams(FormName::Stem).len()), (3, 3));
        assert!(features.bigrams(FormName::Stem).is_sorted() && features.bigrams(FormName::Key).is_empty());
        assert_eq!((features.words().len(), features.quantity()), (2, Some(-12.5)));
        let of = |name: &str| super::super::company::prepare(name, &[]).unwrap().keep(Wanted::default());
        assert!(of("徐州岳渊重工南京分公司").contradicts(&of("徐州岳渊重工")));
        assert!(!of("徐州岳渊重工").contradicts(&of("徐州岳渊重工有限公司")));
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
