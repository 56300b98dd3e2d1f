//! m: how often records of one thing reach a level, estimated without labels.
//!
//! In: counted combinations of levels of blocked pairs, u. Out: m and the share of matches among the pairs. After
//! Dempster, Laird and Rubin (1977), with u fixed. It runs over combinations, not pairs. Comparisons of what the pairs
//! were blocked by are left out: blocked pairs agree in it whether or not they are one.

use super::{levels::SILENT, random::real};

/// Rounds after which estimating ends at the latest.
const ROUNDS: usize = 500;
/// A change of m from which there is another round.
const CLOSE: f64 = 1e-7;
/// How often values of one thing are taken to be equal before anything is known.
const EQUAL: f64 = 0.9;

/// What was estimated from the pairs of one block.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// Per comparison and level; None: left out.
    pub m: Vec<Option<Vec<f64>>>,
    /// Matches among the pairs, 0 to 1.
    pub share: f64,
    /// Siblings among the pairs, 0 to 1; 0 where there is no such class.
    pub siblings: f64,
    /// How many pairs it was estimated from.
    pub pairs: u64,
    /// Per comparison: from how many matches its m was learnt, those of whom another comparison speaks too.
    pub matches: Vec<f64>,
}

impl Estimate {
    /// Returns what is known of all blocked pairs.
    #[must_use]
    pub const fn known(m: Vec<Option<Vec<f64>>>, share: f64, siblings: f64) -> Self {
        Self { m, share, siblings, pairs: 0, matches: Vec::new() }
    }
}

/// Estimates m from counted combinations; `is_used` says which comparisons take part, `q` how often siblings reach a level.
#[must_use]
pub fn estimate(table: &[(Vec<u8>, u64)], u: &[Vec<f64>], q: Option<&[Vec<f64>]>, is_used: &[bool]) -> Estimate {
    let begin = |(u, used): (&Vec<f64>, &bool)| used.then(|| first_guess(u.len()));
    let pairs = table.iter().map(|(_, count)| count).sum();
    let siblings = if q.is_some() { 0.2 } else { 0.0 };
    let m = u.iter().zip(is_used).map(begin).collect();
    let mut now = Estimate { m, share: 0.2, siblings, pairs, matches: vec![0.0; u.len()] };
    for _ in 0..ROUNDS {
        let next = round(table, u, q, &now);
        let change = change(&now, &next);
        now = next;
        if change < CLOSE {
            break;
        }
    }
    now
}

/// Returns the m of a comparison before anything is known.
#[must_use]
pub fn first_guess(levels: usize) -> Vec<f64> {
    let rest = (1.0 - EQUAL) / real(levels.saturating_sub(1).max(1) as u64);
    (0..levels).map(|level| if level == 0 { EQUAL } else { rest }).collect()
}

/// Returns the m of a comparison that no block or rule has pairs to learn from: values of one thing are nearly always equal
/// in one of the first `equal` levels, as often in each as any two records are; each further level is half as often.
#[must_use]
pub fn usual(u: &[f64], equal: usize) -> Vec<f64> {
    let equal = equal.clamp(1, u.len().max(1)).min(u.len());
    let all: f64 = u[..equal].iter().sum();
    let further = std::iter::successors(Some(1.0), |share| Some(share / 2.0)).take(u.len() - equal);
    let further: Vec<f64> = further.collect();
    let rest: f64 = further.iter().sum();
    let equal = u[..equal].iter().map(|share| EQUAL * share / all);
    equal.chain(further.iter().map(|share| (1.0 - EQUAL) * share / rest)).collect()
}

fn round(table: &[(Vec<u8>, u64)], u: &[Vec<f64>], q: Option<&[Vec<f64>]>, now: &Estimate) -> Estimate {
    let mut sums: Vec<Option<Vec<f64>>> =
        now.m.iter().map(|m| m.as_ref().map(|m| vec![0.5 / real(m.len() as u64); m.len()])).collect();
    let mut learnt_from = vec![0.0; u.len()];
    let (mut matches, mut siblings) = (0.0, 0.0);
    for (combination, count) in table {
        let [match_odds, sibling_odds] = odds(combination, u, q, now);
        let all = 1.0 + match_odds + sibling_odds;
        let expected = share_of(match_odds, all) * real(*count);
        matches += expected;
        siblings += share_of(sibling_odds, all) * real(*count);
        // Where one comparison speaks alone, nothing says which of its levels are those of matches.
        let speaking = now.m.iter().zip(combination).filter(|(m, level)| m.is_some() && **level != SILENT).count();
        if speaking < 2 {
            continue;
        }
        for ((sums, level), learnt_from) in sums.iter_mut().zip(combination).zip(&mut learnt_from) {
            if let Some(sum) =
                sums.as_mut().and_then(|sums| sums.get_mut(usize::from(*level))).filter(|_| *level != SILENT)
            {
                *sum += expected;
                *learnt_from += expected;
            }
        }
    }
    let shares = |sums: Vec<f64>| {
        let all: f64 = sums.iter().sum();
        sums.into_iter().map(|sum| sum / all).collect()
    };
    let among = |sum: f64| (sum / real(now.pairs.max(1))).clamp(1e-9, 1.0 - 1e-9);
    Estimate {
        m: sums.into_iter().map(|sums| sums.map(shares)).collect(),
        share: among(matches),
        siblings: q.map_or(0.0, |_| among(siblings)),
        pairs: now.pairs,
        matches: learnt_from,
    }
}

/// Returns the odds of a match and of siblings, against strangers.
fn odds(combination: &[u8], u: &[Vec<f64>], q: Option<&[Vec<f64>]>, now: &Estimate) -> [f64; 2] {
    let strangers = (1.0 - now.share - now.siblings).max(1e-9);
    let mut odds = [now.share / strangers, now.siblings / strangers];
    for (place, m) in now.m.iter().enumerate() {
        let level = usize::from(combination[place]);
        if let Some(m) = m.as_ref().filter(|_| combination[place] != SILENT) {
            odds[0] *= m[level] / u[place][level];
            odds[1] *= q.map_or(0.0, |q| q[place][level] / u[place][level]);
        }
    }
    odds
}

/// Returns the probability that a pair of the estimated block is one thing.
#[must_use]
pub fn chance(combination: &[u8], u: &[Vec<f64>], q: Option<&[Vec<f64>]>, estimate: &Estimate) -> f64 {
    let [match_odds, sibling_odds] = odds(combination, u, q, estimate);
    share_of(match_odds, 1.0 + match_odds + sibling_odds)
}

fn share_of(odds: f64, all: f64) -> f64 {
    if all.is_finite() { odds / all } else { 1.0 }
}

/// Returns the probability that a pair with these levels is one thing.
#[must_use]
pub fn posterior(combination: &[u8], u: &[Vec<f64>], m: &[Option<Vec<f64>>], prior: f64) -> f64 {
    let mut odds = prior / (1.0 - prior);
    for ((level, u), m) in combination.iter().zip(u).zip(m) {
        if let Some(m) = m.as_ref().filter(|_| *level != SILENT) {
            odds *= m[usize::from(*level)] / u[usize::from(*level)];
        }
    }
    if odds.is_finite() { odds / (1.0 + odds) } else { 1.0 }
}

fn change(before: &Estimate, after: &Estimate) -> f64 {
    let values = |estimate: &Estimate| estimate.m.iter().flatten().flatten().copied().collect::<Vec<f64>>();
    let changes = values(before).into_iter().zip(values(after)).map(|(before, after)| (before - after).abs());
    changes.fold((before.share - after.share).abs(), f64::max)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rounded counts of at most 10,000")]
    fn matches_among_blocked_pairs_are_found_without_labels() {
        // 1,000 matches that agree in 90 and 80 of 100 cases, 9,000 others that agree in 1 and 5, independently.
        let counts = |matches: f64, others: f64, left: (f64, f64), right: (f64, f64)| {
            (matches * left.0 * right.0 + others * left.1 * right.1).round()
        };
        let mut table = Vec::new();
        for (first, left) in [(0, (0.9, 0.01)), (1, (0.1, 0.99))] {
            for (second, right) in [(0, (0.8, 0.05)), (1, (0.2, 0.95))] {
                for (third, both) in [(0, (0.7, 0.02)), (1, (0.3, 0.98))] {
                    let rest = (right.0 * both.0, right.1 * both.1);
                    table.push((vec![first, second, third], counts(1000.0, 9000.0, left, rest) as u64));
                }
            }
        }
        let u = [vec![0.01, 0.99], vec![0.05, 0.95], vec![0.02, 0.98]];
        let found = estimate(&table, &u, None, &[true; 3]);
        assert!((found.share - 0.1).abs() < 0.002, "{found:?}");
        for (m, expected) in found.m.iter().zip([0.9, 0.8, 0.7]) {
            assert!((m.as_ref().unwrap()[0] - expected).abs() < 0.01, "{found:?}");
        }
    }

    #[test]
    fn missing_values_and_unused_comparisons_are_evidence_of_nothing() {
        let u = [vec![0.01, 0.99], vec![0.5, 0.5]];
        let m = [Some(vec![0.9, 0.1]), None];
        let alone = posterior(&[SILENT, 0], &u, &m, 0.25);
        assert!((alone - 0.25).abs() < 1e-12);
    }
}
