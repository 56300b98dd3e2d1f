//! The model is learnt from the records themselves, without labels.
//!
//! In: records, their codes, a definition. Out: [`Model`]. u comes from random pairs; m from every block and every rule by
//! itself, leaving out what it blocks by, averaged by how sure its matches are, and then once more from the same pairs with what
//! all attributes say of them; the prior from how many matches all blocked pairs then hold, and at least as many as the rules
//! find. The same records give the same model, digit by digit.

use std::collections::BTreeMap;

use super::{
    expectation::{self, Estimate},
    levels::{Levels, SILENT, Tally},
    model::{Model, Weight, Weights, level_names, six_digits},
    random::{self, real},
    siblings::{Known, Siblings},
};
use crate::{
    define::entity::{Block, Comparison, Entity, Form, FormName, Measure},
    identify::{
        block::{Blocking, bigrams},
        codes::{Codes, Prepared},
        records::Records,
    },
};

/// Pairs of one block that are counted, about.
const PAIRS: u64 = 500_000;
/// Matches below which what a block estimates is not used.
const FEWEST: f64 = 10.0;
/// How many matches the first guess is worth beside those that were counted: of a few pairs that share two names, hardly one
/// may have the same birthday.
const GUESS: f64 = 5.0;
/// How much agreement counts: blocks whose matches agree in six of ten things count a hundredth of those that agree in all.
const AGREEMENT: i32 = 9;
/// The part of a share of random pairs that is left at least when matches are taken out as m and the prior say: both are
/// themselves estimated.
const LEAST_BY_PRIOR: f64 = 4.0;
/// The same when a block by that attribute says how many there are.
const LEAST_BY_BLOCK: f64 = 24.0;
/// How many times as many matches as m and the prior say a block may find at a level.
const MOST_BY_MODEL: f64 = 4.0;
/// Bits that equal values must be worth to stand in for a rule, where the definition has none.
const TELLING: f64 = 10.0;
/// Rounds in which the prior settles.
const ROUNDS: usize = 100;

/// Counts the frequent bigrams of every `bigrams` block: those in more records than a block may have.
#[must_use]
pub fn frequent_bigrams(entity: &Entity, records: &Records, prepared: &dyn Prepared) -> Vec<BTreeMap<String, u32>> {
    let of = |block: &Block| {
        let Block::Bigrams(form) = block else { return None };
        let counts = (0_u32..).zip(records.attributes[form.attribute].counts());
        let texts = counts.filter_map(|(value, count)| Some((prepared.form(form.attribute, value, form.form)?, count)));
        Some(bigrams::frequent(texts, entity.block_limit))
    };
    entity.blocks.iter().filter_map(of).collect()
}

/// Learns a model. `codes` must have been made with the same `frequent_bigrams`.
#[must_use]
pub fn train(
    entity: &Entity,
    records: &Records,
    codes: &Codes,
    frequent_bigrams: Vec<BTreeMap<String, u32>>,
    prepared: &dyn Prepared,
    threads: usize,
) -> Model {
    let levels = Levels::new(entity, records, codes, prepared);
    let drawn = random::draw_pairs(entity, records, codes, &levels, threads);
    let training = Training::new(entity, records, codes, &levels, threads);
    let first = training.learn(records, &drawn.shares);
    let strangers = |(comparison, said): (usize, &f64)| {
        training.strangers(comparison, &drawn.shares, &first, said * all_pairs(records))
    };
    let u: Vec<Vec<f64>> = drawn.said.iter().enumerate().map(strangers).collect();
    let Learning { m, prior, prior_from, siblings, .. } = training.learn(records, &u);
    let weights =
        |((comparison, u), learnt): ((&Comparison, &Vec<f64>), Learnt)| weights(entity, comparison, u, learnt);
    Model {
        entity: entity.name.value.clone(),
        records: records.len() as u64,
        random_pairs: drawn.pairs,
        prior: six_digits(prior),
        prior_from,
        comparisons: entity.comparisons.iter().zip(&u).zip(m).map(weights).collect(),
        siblings: siblings.map(Siblings::written),
        frequent_bigrams,
    }
}

/// What is learnt for a given u.
struct Learning {
    m: Vec<Learnt>,
    prior: f64,
    prior_from: String,
    siblings: Option<Siblings>,
    /// Per block and rule what its pairs say.
    estimates: Vec<Estimate>,
    /// What was known of siblings before.
    beside: Option<Beside>,
}

/// What is known of siblings while m is learnt.
struct Beside {
    /// Per comparison and level: how often they reach it.
    q: Vec<Vec<f64>>,
    /// Their share of all pairs.
    share: f64,
}

impl Beside {
    fn of(siblings: &Siblings, m: &[Vec<f64>], u: &[Vec<f64>]) -> Self {
        Self { q: siblings.levels(m, u), share: siblings.share }
    }
}

/// m of one comparison, and where it comes from.
struct Learnt {
    m: Vec<f64>,
    /// Whether there was nothing to learn m from.
    is_guess: bool,
    trained_by: Vec<String>,
}

/// The pairs that are learnt from.
struct Training {
    blocks: Vec<TrainingBlock>,
    /// Pairs that the first rules find.
    rules: usize,
    /// Every blocked pair's levels, counted once, and how many pairs each counted one stands for.
    all: Vec<(Vec<u8>, u64)>,
    stands_for: f64,
    /// Per comparison how many of its first levels are those of equal values.
    exact: Vec<usize>,
}

/// The pairs of one block or rule.
struct TrainingBlock {
    name: String,
    is_used: Vec<bool>,
    table: Vec<(Vec<u8>, u64)>,
    /// How many pairs there are for each one that was counted.
    stands_for: f64,
}

impl TrainingBlock {
    fn is_only_by(&self, comparison: usize) -> bool {
        let others = self.is_used.iter().filter(|is_used| **is_used).count();
        !self.is_used[comparison] && others > 0 && others + 1 == self.is_used.len()
    }

    /// Returns how many pairs of a level were counted, and how many matches stand for them.
    fn matches_at(
        &self,
        comparison: usize,
        level: usize,
        u: &[Vec<f64>],
        learning: &Learning,
        estimate: &Estimate,
    ) -> (f64, f64) {
        let at_level = self.table.iter().filter(|(combination, _)| usize::from(combination[comparison]) == level);
        let (mut counted, mut matches) = (0.0, 0.0);
        for (combination, count) in at_level {
            counted += real(*count);
            matches += real(*count) * expectation::chance(combination, u, q_of(learning.beside.as_ref()), estimate);
        }
        (counted, matches * self.stands_for)
    }

    /// Returns per comparison and level how many matches reach it, by all that their pairs say.
    fn levels_of_matches(&self, u: &[Vec<f64>], q: Option<&[Vec<f64>]>, known: &Estimate) -> Vec<Vec<f64>> {
        let mut sums: Vec<Vec<f64>> = u.iter().map(|u| vec![0.0; u.len()]).collect();
        for (combination, count) in &self.table {
            let matches = expectation::chance(combination, u, q, known) * real(*count) * self.stands_for;
            for (sums, level) in sums.iter_mut().zip(combination).filter(|(_, level)| **level != SILENT) {
                sums[usize::from(*level)] += matches;
            }
        }
        sums
    }

    fn estimate(&self, u: &[Vec<f64>], q: Option<&[Vec<f64>]>) -> Estimate {
        expectation::estimate(&self.table, u, q, &self.is_used)
    }
}

impl Training {
    fn new(entity: &Entity, records: &Records, codes: &Codes, levels: &Levels<'_>, threads: usize) -> Self {
        // A rule is a block of pairs that are nearly all matches.
        let rules =
            entity.rules.iter().map(|rule| (format!("rule {}", rule.name.value), Block::Equal(rule.equal.clone())));
        let blocks = entity.blocks.iter().map(|block| (block_name(entity, block), block.clone()));
        let (names, blocks): (Vec<String>, Vec<Block>) = rules.chain(blocks).unzip();
        let widened = Entity { blocks, ..entity.clone() };
        let blocking = Blocking::new(&widened, records, codes, threads);
        let counted = |(block, name): (usize, String)| {
            let each = |tally: &mut Tally, left, right| tally.count(levels, left, right);
            let table = Tally::sum(blocking.visit_block(block, PAIRS, threads, &Tally::default, &each));
            let pairs: u64 = table.iter().map(|(_, count)| count).sum();
            TrainingBlock {
                name,
                is_used: is_used(entity, &widened.blocks[block]),
                stands_for: real(blocking.pairs_of(block)) / real(pairs.max(1)),
                table,
            }
        };
        let blocks: Vec<TrainingBlock> = names.into_iter().enumerate().map(counted).collect();
        let each = |tally: &mut Tally, left, right| tally.count(levels, left, right);
        let (tallies, stands_for) = blocking.visit_some(4 * PAIRS, threads, &Tally::default, &each);
        let exact = |comparison: &Comparison| {
            comparison.levels.iter().take_while(|level| level.measure == Measure::Exact).count()
        };
        let exact = entity.comparisons.iter().map(exact).collect();
        Self { blocks, rules: entity.rules.len(), all: Tally::sum(tallies), stands_for, exact }
    }

    /// Learns m, the prior, and siblings if there are many, for a given u: from each block by itself, then once more.
    fn learn(&self, records: &Records, u: &[Vec<f64>]) -> Learning {
        let Learning { m, prior, siblings, estimates, .. } = self.learn_in_blocks(records, u);
        let beside = siblings.as_ref().map(|siblings| Beside::of(siblings, &values(&m), u));
        let m = self.again(u, beside.as_ref(), m, prior);
        let learning = self.with_prior(records, u, m, (estimates, beside));
        if siblings.is_some() { self.with_siblings(records, u, learning) } else { learning }
    }

    /// Learns from each block by itself; beside siblings once more, since what was taken for matches may have been siblings.
    /// There are none if what was taken for siblings may be matches.
    fn learn_in_blocks(&self, records: &Records, u: &[Vec<f64>]) -> Learning {
        let mut learning = self.with_siblings(records, u, self.learn_matches(records, u, None));
        for _ in 0..2 {
            let Some(siblings) = &learning.siblings else { break };
            let beside = Beside::of(siblings, &values(&learning.m), u);
            learning = self.with_siblings(records, u, self.learn_matches(records, u, Some(beside)));
        }
        match &learning.siblings {
            Some(siblings) if !siblings.are_no_matches(&values(&learning.m), u) => self.learn_matches(records, u, None),
            _ => learning,
        }
    }

    /// Learns m and the prior, beside siblings as far as they are known.
    fn learn_matches(&self, records: &Records, u: &[Vec<f64>], beside: Option<Beside>) -> Learning {
        let estimates: Vec<Estimate> =
            self.blocks.iter().map(|block| block.estimate(u, q_of(beside.as_ref()))).collect();
        let m = u.iter().enumerate().map(|(comparison, u)| self.average(comparison, u, &estimates)).collect();
        self.with_prior(records, u, m, (estimates, beside))
    }

    fn with_prior(
        &self,
        records: &Records,
        u: &[Vec<f64>],
        m: Vec<Learnt>,
        (estimates, beside): (Vec<Estimate>, Option<Beside>),
    ) -> Learning {
        let (prior, prior_from) = self.prior(records, u, &m);
        Learning { m, prior, prior_from, siblings: None, estimates, beside }
    }

    /// Learns m once more. A block by itself does not know how many of its pairs are matches, and what it blocks by is no
    /// evidence to it; now that something is known of all attributes, all of them say which pairs are matches, and a block
    /// still tells nothing of what it blocks by. A block counts by its matches, and by how pure they are.
    fn again(&self, u: &[Vec<f64>], beside: Option<&Beside>, learnt: Vec<Learnt>, prior: f64) -> Vec<Learnt> {
        let m = learnt.iter().map(|learnt| Some(learnt.m.clone())).collect();
        let known = Estimate::known(m, prior, beside.map_or(0.0, |beside| beside.share));
        let matches: Vec<Vec<Vec<f64>>> =
            self.blocks.iter().map(|block| block.levels_of_matches(u, q_of(beside), &known)).collect();
        let of = |((comparison, learnt), u): ((usize, Learnt), &Vec<f64>)| {
            let blocks = self.blocks.iter().zip(&matches).filter(|(block, _)| block.is_used[comparison]);
            let mut sums: Vec<f64> =
                expectation::usual(u, self.exact[comparison]).iter().map(|share| GUESS * share).collect();
            let mut trained_by = Vec::new();
            for (block, levels) in blocks.map(|(block, levels)| (block, &levels[comparison])) {
                let all = total(levels);
                if all < FEWEST {
                    continue;
                }
                let purity = all / (real(count(&block.table)) * block.stands_for);
                sums.iter_mut().zip(levels).for_each(|(sum, matches)| *sum += purity * matches);
                trained_by.push(block.name.clone());
            }
            if trained_by.is_empty() {
                return learnt;
            }
            let all = total(&sums);
            Learnt { m: monotone(sums.into_iter().map(|sum| sum / all).collect(), u), is_guess: false, trained_by }
        };
        learnt.into_iter().enumerate().zip(u).map(of).collect()
    }

    /// Adds siblings if there are many, and the prior beside them.
    fn with_siblings(&self, records: &Records, u: &[Vec<f64>], learning: Learning) -> Learning {
        let (m, pairs) = (values(&learning.m), all_pairs(records));
        let known = Known { m: &m, u, prior: learning.prior, pairs, stands_for: self.stands_for };
        let blocked: Vec<Vec<bool>> = self.blocks[self.rules..]
            .iter()
            .map(|block| block.is_used.iter().map(|is_used| !is_used).collect())
            .collect();
        let Some((siblings, prior)) = Siblings::learn(&self.all, known, &blocked) else { return learning };
        let (matches, others) = (prior * pairs, siblings.share * pairs);
        let prior_from = format!("{matches:.0} expected matches among blocked pairs, beside {others:.0} siblings");
        Learning { prior, prior_from, siblings: Some(siblings), ..learning }
    }

    /// Takes the matches out of what random pairs show: where values are nearly unique, most equal ones are of one thing. How
    /// many are is known best from a block by that attribute alone, whose other attributes tell matches from strangers;
    /// without one, from m and the prior.
    fn strangers(&self, comparison: usize, drawn: &[Vec<f64>], learning: &Learning, pairs: f64) -> Vec<f64> {
        let shares = drawn[comparison].iter().enumerate().map(|(level, share)| {
            let expected = learning.prior * learning.m[comparison].m[level];
            let by_prior = match learning.m[comparison].is_guess && level < self.exact[comparison] {
                // Nothing else can say which equal values are of one thing: nearly all are taken to be.
                true => share / LEAST_BY_BLOCK,
                false => (share - expected).max(share / LEAST_BY_PRIOR),
            };
            let blocks = self.blocks.iter().zip(&learning.estimates).skip(self.rules);
            let alone = blocks.filter(|(block, _)| block.is_only_by(comparison));
            let seen = alone.map(|(block, estimate)| block.matches_at(comparison, level, drawn, learning, estimate));
            let most = seen.max_by(|left, right| left.0.total_cmp(&right.0)).filter(|(counted, _)| *counted >= FEWEST);
            // Blocked by a name, nearly all pairs look like matches; m, which other blocks tell, says how many can be.
            let most = most.map(|(_, matches)| match learning.m[comparison].is_guess {
                true => matches / pairs,
                false => (matches / pairs).min(MOST_BY_MODEL * expected),
            });
            most.map_or(by_prior, |matches| (share - matches).max(share / LEAST_BY_BLOCK))
        });
        let shares: Vec<f64> = shares.collect();
        let all = total(&shares);
        shares.into_iter().map(|share| share / all).collect()
    }

    /// Averages what the blocks say of a comparison. A block counts by its matches, and by how pure they are: matches
    /// among few others are told apart more surely.
    fn average(&self, comparison: usize, u: &[f64], estimates: &[Estimate]) -> Learnt {
        let mut sums = vec![0.0; u.len()];
        let (mut all, mut trained_by) = (0.0, Vec::new());
        for (block, estimate) in self.blocks.iter().zip(estimates) {
            let Some(m) = &estimate.m[comparison] else { continue };
            let matches = estimate.matches[comparison] * block.stands_for;
            if matches < FEWEST {
                continue;
            }
            let weight = matches * estimate.share * agreement(estimate).powi(AGREEMENT);
            sums.iter_mut().zip(m).for_each(|(sum, m)| *sum += weight * m);
            all += weight;
            trained_by.push(block.name.clone());
        }
        if trained_by.is_empty() {
            let why = "a first guess: no block or rule has pairs to learn it from".to_owned();
            return Learnt { m: expectation::usual(u, self.exact[comparison]), is_guess: true, trained_by: vec![why] };
        }
        let m = monotone(sums.into_iter().map(|sum| sum / all).collect(), u);
        Learnt { m, is_guess: false, trained_by }
    }

    /// Finds the share of matches among all pairs at which the blocked pairs hold as many.
    fn prior(&self, records: &Records, u: &[Vec<f64>], learnt: &[Learnt]) -> (f64, String) {
        let pairs = all_pairs(records);
        let by_rules: f64 = self.blocks[..self.rules]
            .iter()
            .map(|block| real(count(&block.table)) * block.stands_for)
            .fold(0.0, f64::max);
        let m: Vec<Option<Vec<f64>>> = learnt.iter().map(|learnt| Some(learnt.m.clone())).collect();
        let by_rules = if self.rules == 0 { self.equal(u, &m) } else { by_rules };
        let least = (by_rules.max(0.5) / pairs).min(0.5);
        let mut prior = least.max(real(records.len() as u64) / 10.0 / pairs).min(0.5);
        for _ in 0..ROUNDS {
            let expected = |(combination, count): &(Vec<u8>, u64)| {
                expectation::posterior(combination, u, &m, prior) * real(*count) * self.stands_for
            };
            let next = (self.all.iter().map(expected).sum::<f64>() / pairs).clamp(least, 0.5);
            let is_settled = (next / prior - 1.0).abs() < 1e-6;
            prior = next;
            if is_settled {
                break;
            }
        }
        let from =
            format!("{:.0} expected matches among blocked pairs; the rules alone find {by_rules:.0}", prior * pairs);
        (prior, from)
    }

    /// Counts the pairs that are equal in all that both say, if that is enough to go by: they stand in for rules.
    fn equal(&self, u: &[Vec<f64>], m: &[Option<Vec<f64>>]) -> f64 {
        let is_telling = |combination: &[u8]| {
            let mut bits = 0.0;
            for ((level, m), (u, exact)) in combination.iter().zip(m).zip(u.iter().zip(&self.exact)) {
                let level = usize::from(*level);
                if level >= *exact && level != usize::from(SILENT) {
                    return false;
                }
                bits += m.as_ref().and_then(|m| Some((m.get(level)? / u[level]).log2())).unwrap_or(0.0);
            }
            bits >= TELLING
        };
        let equal = self.all.iter().filter(|(combination, _)| is_telling(combination));
        equal.map(|(_, count)| real(*count)).sum::<f64>() * self.stands_for
    }
}

fn all_pairs(records: &Records) -> f64 {
    let records = records.len() as u64;
    real(records * records.saturating_sub(1) / 2).max(1.0)
}

fn q_of(beside: Option<&Beside>) -> Option<&[Vec<f64>]> {
    beside.map(|beside| &beside.q[..])
}

fn total(levels: &[f64]) -> f64 {
    levels.iter().sum()
}

fn values(learnt: &[Learnt]) -> Vec<Vec<f64>> {
    learnt.iter().map(|learnt| learnt.m.clone()).collect()
}

/// Returns how much the matches of a block agree on average. Where a block by address finds families, or one by trade
/// groups of companies, these agree in what they share and in little else.
fn agreement(estimate: &Estimate) -> f64 {
    let alike: Vec<f64> = estimate.m.iter().flatten().map(|m| 1.0 - m.last().unwrap_or(&0.0)).collect();
    alike.iter().sum::<f64>() / real(alike.len().max(1) as u64)
}

fn count(table: &[(Vec<u8>, u64)]) -> u64 {
    table.iter().map(|(_, count)| count).sum()
}

/// Sees to it that a closer level never says less than the next: where it would, both say the same.
fn monotone(m: Vec<f64>, u: &[f64]) -> Vec<f64> {
    let mut pools: Vec<(f64, f64, usize)> = Vec::new();
    for (m, u) in m.into_iter().zip(u) {
        let mut pool = (m, *u, 1);
        while let Some(before) = pools.last().filter(|before| before.0 * pool.1 < pool.0 * before.1) {
            pool = (before.0 + pool.0, before.1 + pool.1, before.2 + pool.2);
            pools.pop();
        }
        pools.push(pool);
    }
    let ratios = pools.into_iter().flat_map(|(m, u, levels)| std::iter::repeat_n(m / u, levels));
    ratios.zip(u).map(|(ratio, u)| ratio * u).collect()
}

fn weights(entity: &Entity, comparison: &Comparison, u: &[f64], learnt: Learnt) -> Weights {
    let levels = level_names(&comparison.levels).into_iter().zip(learnt.m.iter().zip(u));
    Weights {
        attribute: entity.attributes[comparison.attribute].name.value.clone(),
        levels: levels.map(|(name, (m, u))| Weight::new(name, *m, *u)).collect(),
        trained_by: learnt.trained_by,
    }
}

/// Returns which comparisons can be learnt from the pairs of a block: those of other attributes.
fn is_used(entity: &Entity, block: &Block) -> Vec<bool> {
    let forms: &[Form] = match block {
        Block::Equal(forms) => forms,
        Block::Bigrams(form) | Block::Neighbours { form, .. } => std::slice::from_ref(form),
    };
    let is_blocked = |attribute: usize| forms.iter().any(|form| form.attribute == attribute);
    entity.comparisons.iter().map(|comparison| !is_blocked(comparison.attribute)).collect()
}

/// Returns a block as the definition writes it.
#[must_use]
pub fn block_name(entity: &Entity, block: &Block) -> String {
    let name = |form: &Form| {
        let attribute = &entity.attributes[form.attribute].name.value;
        match form.form {
            FormName::Normal => attribute.clone(),
            other => format!("{attribute}.{}", other.word()),
        }
    };
    match block {
        Block::Equal(forms) => format!("equal {}", forms.iter().map(name).collect::<Vec<_>>().join(", ")),
        Block::Bigrams(form) => format!("bigrams {}", name(form)),
        Block::Neighbours { form, .. } => format!("neighbours {}", name(form)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closer_level_never_says_less_than_the_next() {
        let m = monotone(vec![0.5, 0.1, 0.3, 0.1], &[0.01, 0.2, 0.19, 0.6]);
        let u = [0.01, 0.2, 0.19, 0.6];
        let ratios: Vec<f64> = m.iter().zip(u).map(|(m, u)| m / u).collect();
        assert!(ratios.is_sorted_by(|left, right| *left >= *right - 1e-12), "{ratios:?}");
        assert!((m.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }
}
