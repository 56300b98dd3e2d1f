//! Two values → a level of likeness.
//!
//! In: a comparison's levels and the [`Features`] of two values. Out: the number of the first level that they reach; the number of
//! levels when they reach none. Symmetric, and a pure function of both, so a level may be remembered for a pair of values.
//!
//! | measure | what is compared |
//! |---|---|
//! | `exact` | the form is the same text |
//! | `jaro_winkler` | Jaro similarity, with up to four equal first characters as a bonus from 0.7 on (Winkler 1990) |
//! | `damerau_levenshtein` | edits: one character more, less, another, or two neighbours swapped, none edited twice (optimal string alignment) |
//! | `bigram_jaccard` | pairs of neighbouring characters: common ones to all; those of words that many names share count a quarter |
//! | `token_overlap` | words: twice the common ones to both counts (Dice); words that many names share count a quarter |
//! | `number_distance` | absolute difference of numbers |
//! | `date_days` | days between dates |
//!
//! Names of companies whose marks contradict each other (two provinces, two numbers, a branch and not that branch) reach no level
//! but `exact` on `normal` or `key`: there one character decides.

mod edits;
mod jaro;
mod shared;

use edits::Edits;

use super::prepare::Features;
use crate::define::entity::{FormName, Level, Measure};

/// Room for rounding: 0.9 is reached by what is 0.9 in exact arithmetic.
const ROUNDING: f64 = 1e-9;

/// Returns the number of the first level that two values reach, or how many levels there are.
#[must_use]
pub fn level(levels: &[Level], left: &Features, right: &Features) -> usize {
    let mut pair = Pair { left, right, is_one_kind: None, measured: None };
    levels.iter().position(|level| pair.reaches(levels, level)).unwrap_or(levels.len())
}

/// Two values, with what has been measured of them.
struct Pair<'a> {
    left: &'a Features,
    right: &'a Features,
    /// Whether their marks agree, once that is known.
    is_one_kind: Option<bool>,
    /// The last similarity or distance, since levels often ask for one with several limits.
    measured: Option<(FormName, Measured)>,
}

#[derive(Debug, Clone, Copy)]
enum Measured {
    JaroWinkler(f64),
    Edits(Edits),
    Bigrams(f64),
}

impl Pair<'_> {
    fn reaches(&mut self, levels: &[Level], level: &Level) -> bool {
        self.is_alike(levels, level) && level.agree.is_none_or(|form| self.agrees(form))
    }

    /// Returns whether a form is the same, or one of the values has none.
    fn agrees(&self, form: FormName) -> bool {
        self.texts(form).is_none_or(|(left, right)| left == right)
    }

    fn is_alike(&mut self, levels: &[Level], level: &Level) -> bool {
        let form = level.form;
        let is_whole = matches!(form, FormName::Normal | FormName::Key);
        match level.measure {
            Measure::Exact => {
                self.texts(form).is_some_and(|(left, right)| left == right) && (is_whole || self.may_be_one())
            }
            Measure::JaroWinkler(least) => self.jaro_winkler(levels, form) >= least - ROUNDING && self.may_be_one(),
            Measure::DamerauLevenshtein(most) => self.edits(levels, form).at_most(most) && self.may_be_one(),
            Measure::BigramJaccard(least) => self.bigrams(form) >= least - ROUNDING && self.may_be_one(),
            Measure::TokenOverlap(least) => {
                shared::dice(self.left.words(), self.right.words()) >= least - ROUNDING && self.may_be_one()
            }
            Measure::NumberDistance(most) => self.differs_by(most + ROUNDING),
            Measure::DateDays(most) => self.differs_by(f64::from(most)),
        }
    }

    fn may_be_one(&mut self) -> bool {
        *self.is_one_kind.get_or_insert_with(|| !self.left.contradicts(self.right))
    }

    fn texts(&self, form: FormName) -> Option<(&str, &str)> {
        Some((self.left.form(form)?, self.right.form(form)?))
    }

    fn differs_by(&self, most: f64) -> bool {
        let both = self.left.quantity().zip(self.right.quantity());
        both.is_some_and(|(left, right)| (left - right).abs() <= most)
    }

    fn jaro_winkler(&mut self, levels: &[Level], form: FormName) -> f64 {
        if let Some((of, Measured::JaroWinkler(similarity))) = self.measured
            && of == form
        {
            return similarity;
        }
        let least = levels.iter().filter(|level| level.form == form).filter_map(|level| match level.measure {
            Measure::JaroWinkler(least) => Some(least - ROUNDING),
            _ => None,
        });
        let least = least.fold(1.0, f64::min);
        let similarity = self.texts(form).map_or(-1.0, |(left, right)| jaro::jaro_winkler(left, right, least));
        self.measured = Some((form, Measured::JaroWinkler(similarity)));
        similarity
    }

    fn edits(&mut self, levels: &[Level], form: FormName) -> Edits {
        if let Some((of, Measured::Edits(edits))) = self.measured
            && of == form
        {
            return edits;
        }
        let most = levels.iter().filter(|level| level.form == form).filter_map(|level| match level.measure {
            Measure::DamerauLevenshtein(most) => Some(most),
            _ => None,
        });
        let most = most.max().unwrap_or(0);
        let edits = self.texts(form).map_or(Edits::TooMany, |(left, right)| edits::between(left, right, most));
        self.measured = Some((form, Measured::Edits(edits)));
        edits
    }

    fn bigrams(&mut self, form: FormName) -> f64 {
        if let Some((of, Measured::Bigrams(share))) = self.measured
            && of == form
        {
            return share;
        }
        let share = shared::jaccard(self.left.bigrams(form), self.right.bigrams(form));
        self.measured = Some((form, Measured::Bigrams(share)));
        share
    }
}

/// The characters of two texts: bytes where both are ASCII, which most are.
enum Characters<'a> {
    Ascii(&'a [u8], &'a [u8]),
    Any(Vec<char>, Vec<char>),
}

impl<'a> Characters<'a> {
    fn of(left: &'a str, right: &'a str) -> Self {
        match left.is_ascii() && right.is_ascii() {
            true => Self::Ascii(left.as_bytes(), right.as_bytes()),
            false => Self::Any(left.chars().collect(), right.chars().collect()),
        }
    }
}

#[cfg(test)]
mod tests;
