//! How much the likeness of two records says about whether they are one.
//!
//! In: pairs, the levels that their values reach, a model. Out: a score in thousandths of a bit, a whole number, so that
//! no order of pairs and no number of threads changes it. After Fellegi and Sunter (1969): each comparison adds
//! log2(m/u), where m is how often a level is reached by records of one thing and u by any two records.
//!
//! ```text
//!  random pairs ──► u ─┐
//!  blocked pairs ──► m ┼─► Model (a readable file) ──► Scorer ──► score ──► probability
//!  rules ──► prior ────┘                                  └─────► Waterfall of one pair
//! ```

pub mod expectation;
pub mod frequency;
pub mod levels;
pub mod model;
pub mod random;
pub mod score;
pub mod siblings;
pub mod train;

pub use model::Model;
pub use score::{Scorer, Waterfall};

/// Thousandths of a bit.
pub type Millibits = i32;

/// Returns log2 in thousandths of a bit.
#[must_use]
pub fn millibits(ratio: f64) -> Millibits {
    whole(ratio.log2() * 1000.0)
}

/// Returns the probability that a score stands for.
#[must_use]
pub fn probability(score: Millibits) -> f64 {
    1.0 / (1.0 + (-f64::from(score) / 1000.0).exp2())
}

/// Returns the score from which a probability is reached.
#[must_use]
pub fn score_of(probability: f64) -> Millibits {
    let kept = probability.clamp(1e-12, 1.0 - 1e-12);
    millibits(kept / (1.0 - kept))
}

/// The most that any number of evidence can be: far beyond certainty, far from overflow.
const FAR: f64 = 1_000_000.0;

#[expect(clippy::cast_possible_truncation, reason = "clamped to a million before")]
fn whole(number: f64) -> Millibits {
    if number.is_nan() { 0 } else { number.round().clamp(-FAR, FAR) as Millibits }
}
