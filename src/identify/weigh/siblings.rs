//! Pairs that share some attributes as one thing does and agree in the rest no more than strangers: families at one address,
//! firms of one group at one telephone.
//!
//! In: counted combinations of levels of all blocked pairs, m, u. Out: [`Siblings`], or None where there are few. Fellegi and Sunter
//! take attributes to be independent, and then a street, its number and a family name are three proofs. A third class of pairs
//! beside matches and strangers takes that back: it shares each attribute with a probability of its own, and whoever looks
//! like one of it is worth as much less. Learnt without labels, as m is.

use serde::{Deserialize, Serialize};

use super::{Millibits, levels::SILENT, millibits, model::six_digits, random::real};

/// Rounds for each beginning, and for the best of them.
const ROUNDS: [usize; 2] = [10, 60];
/// How surely the attributes of a block are shared at the beginning, and others are not.
const BEGINNING: [f64; 2] = [0.95, 0.05];
/// Siblings for each match below which there is no such class: fewer may be matches whose telephone has changed.
const FEWEST: f64 = 1.0;
/// What siblings share at most of an attribute that tells them apart, and how many there must be.
const APART: (f64, usize) = (0.15, 2);
/// Likeness beyond which more makes no difference.
const MOST_BITS: f64 = 900.0;
/// Bits that such an attribute is worth in a match.
const TELLING: f64 = 3.0;
/// How often matches disagree in it at most: where every other one does, what looks like siblings may be matches with mistakes.
const DISAGREEING: f64 = 0.2;

/// The pairs that share some attributes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Siblings {
    /// Their share of all pairs.
    pub share: f64,
    /// Per comparison: how often they share it as one thing does.
    pub shared: Vec<f64>,
}

/// The two other classes, as far as they are known.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// Per comparison and level: how often matches reach it.
    pub m: &'a [Vec<f64>],
    /// Per comparison and level: how often any two records reach it.
    pub u: &'a [Vec<f64>],
    /// Share of matches among all pairs.
    pub prior: f64,
    /// How many pairs there are.
    pub pairs: f64,
    /// How many pairs each counted one stands for.
    pub stands_for: f64,
}

impl Siblings {
    /// Returns per comparison and level how often siblings reach it.
    #[must_use]
    pub fn levels(&self, m: &[Vec<f64>], u: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let of = |((m, u), shared): ((&Vec<f64>, &Vec<f64>), &f64)| {
            m.iter().zip(u).map(|(m, u)| shared * m + (1.0 - shared) * u).collect()
        };
        m.iter().zip(u).zip(&self.shared).map(of).collect()
    }

    /// Learns the class and, with it, the share of matches. `blocked` says per block which comparisons it blocks by; each is
    /// tried as what siblings share.
    #[must_use]
    pub fn learn(table: &[(Vec<u8>, u64)], known: Known<'_>, blocked: &[Vec<bool>]) -> Option<(Self, f64)> {
        let begun = blocked.iter().map(|blocked| Learning::begin(known, blocked).after(table, ROUNDS[0]));
        let best = begun.max_by(|left, right| left.likelihood.total_cmp(&right.likelihood))?;
        let learnt = best.after(table, ROUNDS[1]);
        let are_many = learnt.siblings.share >= FEWEST * learnt.prior;
        (are_many && learnt.siblings.are_told_apart(known)).then_some((learnt.siblings, learnt.prior))
    }

    /// Rounds shares to what a file keeps of them.
    #[must_use]
    pub fn written(self) -> Self {
        Self { share: six_digits(self.share), shared: self.shared.into_iter().map(six_digits).collect() }
    }

    /// Returns whether enough of what tells things apart is not shared.
    fn are_told_apart(&self, known: Known<'_>) -> bool {
        self.apart(known.m, known.u).count() >= APART.1
    }

    /// Returns whether matches, as they are known beside the class, rarely disagree in enough of what tells siblings from them.
    #[must_use]
    pub fn are_no_matches(&self, m: &[Vec<f64>], u: &[Vec<f64>]) -> bool {
        let is_rare = |m: &&Vec<f64>| m.last().is_some_and(|disagree| *disagree < DISAGREEING);
        self.apart(m, u).filter(is_rare).count() >= APART.1
    }

    /// Returns m of the comparisons that tell things apart and are not shared.
    fn apart<'a>(&'a self, m: &'a [Vec<f64>], u: &'a [Vec<f64>]) -> impl Iterator<Item = &'a Vec<f64>> {
        let bits = |m: &[f64], u: &[f64]| m.iter().zip(u).map(|(m, u)| m * (m / u).log2()).sum::<f64>();
        let apart = self.shared.iter().zip(m.iter().zip(u));
        apart.filter(move |(shared, (m, u))| **shared < APART.0 && bits(m, u) > TELLING).map(|(_, (m, _))| m)
    }

    /// Returns what a pair loses for looking like siblings: `likeness` is the sum of [`Self::weights`] over its levels.
    #[must_use]
    pub fn loss(&self, likeness: Millibits) -> Millibits {
        let bits = f64::from(likeness.saturating_add(millibits(self.share))) / 1000.0;
        millibits(1.0 + bits.min(MOST_BITS).exp2())
    }

    /// Returns log2(q/u) per comparison and level.
    #[must_use]
    pub fn weights(&self, m: &[Vec<f64>], u: &[Vec<f64>]) -> Vec<Vec<Millibits>> {
        let of = |(q, u): (Vec<f64>, &Vec<f64>)| q.iter().zip(u).map(|(q, u)| millibits(q / u)).collect();
        self.levels(m, u).into_iter().zip(u).map(of).collect()
    }
}

#[derive(Clone, Debug)]
struct Learning<'a> {
    known: Known<'a>,
    siblings: Siblings,
    prior: f64,
    likelihood: f64,
}

impl<'a> Learning<'a> {
    fn begin(known: Known<'a>, blocked: &[bool]) -> Self {
        let shared = blocked.iter().map(|blocked| BEGINNING[usize::from(!blocked)]).collect();
        let siblings = Siblings { share: known.prior / 2.0, shared };
        Self { known, siblings, prior: known.prior / 2.0, likelihood: f64::NEG_INFINITY }
    }

    fn after(mut self, table: &[(Vec<u8>, u64)], rounds: usize) -> Self {
        (0..rounds).for_each(|_| self.round(table));
        self
    }

    fn round(&mut self, table: &[(Vec<u8>, u64)]) {
        let Known { m, u, pairs, stands_for, .. } = self.known;
        let q = self.siblings.levels(m, u);
        let mut sums = Sums::new(m.len());
        for (combination, count) in table {
            let count = real(*count) * stands_for;
            let [matches, siblings, strangers] = [m, &q[..], u].map(|levels| product(combination, levels));
            let weights = [self.prior * matches, self.siblings.share * siblings, strangers];
            let all: f64 = weights.iter().sum();
            sums.likelihood += count * all.ln();
            sums.matches += count * weights[0] / all;
            let sibling = count * weights[1] / all;
            sums.siblings += sibling;
            for (place, level) in combination.iter().enumerate().filter(|(_, level)| **level != SILENT) {
                let level = usize::from(*level);
                let by_sharing = self.siblings.shared[place] * m[place][level] / q[place][level];
                sums.shared[place] += sibling * by_sharing;
                sums.said[place] += sibling;
            }
        }
        self.likelihood = sums.likelihood;
        self.prior = (sums.matches / pairs).clamp(1e-15, 0.5);
        self.siblings.share = (sums.siblings / pairs).clamp(1e-15, 0.5);
        // Half a pair each way keeps a share off 0 and 1.
        let share = |(shared, said): (&f64, &f64)| (shared + 0.5) / (said + 1.0);
        self.siblings.shared = sums.shared.iter().zip(&sums.said).map(share).collect();
    }
}

struct Sums {
    likelihood: f64,
    matches: f64,
    siblings: f64,
    shared: Vec<f64>,
    said: Vec<f64>,
}

impl Sums {
    fn new(comparisons: usize) -> Self {
        Self {
            likelihood: 0.0,
            matches: 0.0,
            siblings: 0.0,
            shared: vec![0.0; comparisons],
            said: vec![0.0; comparisons],
        }
    }
}

fn product(combination: &[u8], levels: &[Vec<f64>]) -> f64 {
    let said = combination.iter().zip(levels).filter(|(level, _)| **level != SILENT);
    said.map(|(level, levels)| levels[usize::from(*level)]).product()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    const PAIRS: f64 = 10_000_000.0;

    /// How often each of four comparisons agrees in a pair of some class.
    type Class = (u64, [f64; 4]);

    /// Counts the combinations that classes of pairs show on average.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rounded counts of pairs")]
    fn table(classes: &[Class]) -> Vec<(Vec<u8>, u64)> {
        let combinations = (0..16_u8).map(|bits| (0..4).map(|place| bits >> place & 1).collect::<Vec<u8>>());
        let count = |levels: &Vec<u8>| -> f64 {
            let of_class = |(pairs, agreeing): &Class| {
                let shares =
                    levels.iter().zip(agreeing).map(|(level, share)| if *level == 0 { *share } else { 1.0 - share });
                real(*pairs) * shares.product::<f64>()
            };
            classes.iter().map(of_class).sum()
        };
        combinations
            .map(|levels| (levels.clone(), count(&levels).round() as u64))
            .filter(|(_, count)| *count > 0)
            .collect()
    }

    fn learnt(classes: &[Class]) -> Option<(Siblings, f64)> {
        let m = vec![vec![0.95, 0.05]; 4];
        let u = vec![vec![0.001, 0.999]; 4];
        let known = Known { m: &m, u: &u, prior: 3_000.0 / PAIRS, pairs: PAIRS, stands_for: 1.0 };
        Siblings::learn(&table(classes), known, &[vec![true, true, false, false], vec![false, false, true, false]])
    }

    const MATCHES: Class = (1_000, [0.95; 4]);
    const STRANGERS: Class = (50_000, [0.02, 0.001, 0.02, 0.001]);

    #[test]
    fn families_are_found_beside_matches() {
        let (siblings, prior) = learnt(&[MATCHES, STRANGERS, (5_000, [0.95, 0.95, 0.001, 0.001])]).unwrap();
        // A tenth of them agrees in nothing by a mistake, as strangers do.
        assert!((siblings.share * PAIRS - 4_500.0).abs() < 200.0, "{siblings:?}");
        assert!((prior * PAIRS - 1_000.0).abs() < 50.0, "{prior}");
        assert!(siblings.shared[..2].iter().all(|shared| *shared > 0.95), "{siblings:?}");
        assert!(siblings.shared[2..].iter().all(|shared| *shared < 0.05), "{siblings:?}");
    }

    #[test]
    fn matches_with_many_mistakes_are_no_siblings() {
        assert_eq!(learnt(&[MATCHES, STRANGERS]), None);
        // A third has another telephone than before.
        assert_eq!(learnt(&[(700, [0.95; 4]), (300, [0.95, 0.95, 0.95, 0.001]), STRANGERS]), None);
        assert_eq!(learnt(&[]), None);
        let siblings = Siblings { share: 0.001, shared: vec![0.95, 0.95, 0.01, 0.01] };
        let disagreeing =
            |share: f64| siblings.are_no_matches(&vec![vec![1.0 - share, share]; 4], &vec![vec![0.001, 0.999]; 4]);
        assert!(disagreeing(0.1) && !disagreeing(0.3));
    }

    #[test]
    fn a_pair_loses_the_more_the_more_it_looks_like_siblings() {
        let siblings = Siblings { share: 0.001, shared: vec![1.0, 0.0] };
        let losses: Vec<Millibits> =
            [-100_000, 0, 10_000, 20_000, 900_000].map(|likeness| siblings.loss(likeness)).into();
        assert!(losses.is_sorted(), "{losses:?}");
        assert_eq!((losses[0], losses[1]), (0, 1));
        // 20 bits of likeness at a share of 2^-9.966: log2(1 + 2^10.034).
        assert_eq!(losses[3], 10_035);
    }

    #[test]
    fn what_is_shared_is_as_likely_as_in_matches_and_the_rest_as_in_strangers() {
        let siblings = Siblings { share: 0.001, shared: vec![1.0, 0.0, 0.5] };
        let m = vec![vec![0.9, 0.1]; 3];
        let u = vec![vec![0.1, 0.9]; 3];
        assert_eq!(siblings.levels(&m, &u), [vec![0.9, 0.1], vec![0.1, 0.9], vec![0.5, 0.5]]);
        assert_eq!(siblings.weights(&m, &u)[1], [0, 0]);
    }
}
