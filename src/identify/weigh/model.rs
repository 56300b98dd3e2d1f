//! What was learnt of an entity: a file that people can read, compare and pin.
//!
//! In: estimates, or the file. Out: m, u and weight of every level, the prior, the frequent bigrams of blocks, and how all
//! of it came about. Holds no value of any record but pairs of characters that occur in many.

use std::{collections::BTreeMap, fmt::Write as _};

use serde::{Deserialize, Serialize};

use super::{Millibits, millibits, siblings::Siblings};
use crate::define::entity::{Entity, FormName, Level, Measure};

/// The pinned model of an entity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// The entity.
    pub entity: String,
    /// Records it was trained on.
    pub records: u64,
    /// Random pairs that u was taken from.
    pub random_pairs: u64,
    /// Probability that two random records are one thing.
    pub prior: f64,
    /// How the prior was found.
    pub prior_from: String,
    /// What each comparison says.
    pub comparisons: Vec<Weights>,
    /// Pairs that share some attributes and are not one thing, where there are many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub siblings: Option<Siblings>,
    /// Per `bigrams` block: in how many records the frequent bigrams stand. A bigram that is not listed is rare.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frequent_bigrams: Vec<BTreeMap<String, u32>>,
}

/// What one comparison says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weights {
    /// The attribute.
    pub attribute: String,
    /// Its levels, the implied last one included.
    pub levels: Vec<Weight>,
    /// The blocks and rules that m was estimated from, or why it was not.
    pub trained_by: Vec<String>,
}

/// What reaching one level says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weight {
    /// The level as the definition writes it.
    pub level: String,
    /// How often records of one thing reach it.
    pub m: f64,
    /// How often any two records reach it.
    pub u: f64,
    /// log2(m/u), for the reader; it is computed again from m and u.
    #[serde(default)]
    pub bits: f64,
}

/// A pinned model that is not one of the definition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the model is not one of this definition: {what}; train it again with `tallyhouse identity train`")]
pub struct Mismatch {
    what: String,
}

impl Weight {
    /// Makes a weight of two shares, each with six digits.
    #[must_use]
    pub fn new(level: String, m: f64, u: f64) -> Self {
        let (m, u) = (six_digits(m), six_digits(u));
        Self { level, m, u, bits: f64::from(millibits(m / u)) / 1000.0 }
    }

    /// Returns log2(m/u).
    #[must_use]
    pub fn millibits(&self) -> Millibits {
        millibits(self.m / self.u)
    }
}

/// Rounds to six digits, so that a number means the same read from a file as before it was written.
#[must_use]
pub fn six_digits(number: f64) -> f64 {
    format!("{number:.5e}").parse().unwrap_or(number)
}

/// Returns the names of the levels of a comparison as a model writes them.
#[must_use]
pub fn level_names(levels: &[Level]) -> Vec<String> {
    let name = |level: &Level| {
        let measure = match level.measure {
            Measure::Exact => "exact".to_owned(),
            Measure::JaroWinkler(least) => format!("jaro_winkler {least}"),
            Measure::DamerauLevenshtein(most) => format!("damerau_levenshtein {most}"),
            Measure::BigramJaccard(least) => format!("bigram_jaccard {least}"),
            Measure::TokenOverlap(least) => format!("token_overlap {least}"),
            Measure::NumberDistance(most) => format!("number_distance {most}"),
            Measure::DateDays(most) => format!("date_days {most}"),
        };
        let mut name = measure;
        // Writing to a String cannot fail.
        if level.form != FormName::Normal {
            let _ = write!(name, " {}", level.form.word());
        }
        if let Some(form) = level.agree {
            let _ = write!(name, " agree {}", form.word());
        }
        name
    };
    levels.iter().map(name).chain(["else".to_owned()]).collect()
}

impl Model {
    /// Returns the model of a definition that compares nothing, for which its rules say everything.
    #[must_use]
    pub fn of_rules(entity: &str) -> Self {
        Self {
            entity: entity.to_owned(),
            records: 0,
            random_pairs: 0,
            prior: 1e-6,
            prior_from: "nothing is compared".to_owned(),
            comparisons: Vec::new(),
            siblings: None,
            frequent_bigrams: Vec::new(),
        }
    }

    /// Checks that the model has the comparisons, levels and blocks of a definition, and numbers that can be used.
    ///
    /// # Errors
    /// [`Mismatch`] says what differs.
    pub fn check(&self, entity: &Entity) -> Result<(), Mismatch> {
        let mismatch = |what: String| Err(Mismatch { what });
        if self.entity != entity.name.value {
            return mismatch(format!("it is of entity `{}`", self.entity));
        }
        if self.comparisons.len() != entity.comparisons.len() {
            return mismatch(format!(
                "it has {} comparisons, the definition {}",
                self.comparisons.len(),
                entity.comparisons.len()
            ));
        }
        for (weights, comparison) in self.comparisons.iter().zip(&entity.comparisons) {
            let attribute = &entity.attributes[comparison.attribute].name.value;
            if &weights.attribute != attribute {
                return mismatch(format!(
                    "it compares `{}` where the definition compares `{attribute}`",
                    weights.attribute
                ));
            }
            let levels = level_names(&comparison.levels);
            if !weights.levels.iter().map(|weight| &weight.level).eq(&levels) {
                return mismatch(format!("the levels of `{attribute}` are {} in the definition", levels.join(", ")));
            }
        }
        self.check_numbers()
    }

    fn check_numbers(&self) -> Result<(), Mismatch> {
        let is_share = |share: f64| share > 0.0 && share <= 1.0;
        if !is_share(self.prior) {
            return Err(Mismatch { what: format!("its prior is {}, not between 0 and 1", self.prior) });
        }
        if let Some(siblings) = &self.siblings {
            let are_shares = siblings.shared.iter().all(|shared| (0.0..=1.0).contains(shared));
            if !is_share(siblings.share) || !are_shares || siblings.shared.len() != self.comparisons.len() {
                let what = "`siblings` has not one share between 0 and 1 for each comparison".to_owned();
                return Err(Mismatch { what });
            }
        }
        for weights in &self.comparisons {
            if let Some(wrong) = weights.levels.iter().find(|weight| !is_share(weight.m) || !is_share(weight.u)) {
                let what = format!("m and u of `{}` in `{}` are not between 0 and 1", wrong.level, weights.attribute);
                return Err(Mismatch { what });
            }
        }
        Ok(())
    }
}
