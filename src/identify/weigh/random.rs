//! u: how often any two records reach a level.
//!
//! In: records. Out: per comparison and level a share of random pairs. Pairs are drawn with a fixed seed; where there are
//! few records, all pairs are taken. How often two values are exactly equal is not sampled but counted.

use std::{collections::HashMap, sync::atomic::AtomicUsize, sync::atomic::Ordering};

use super::levels::{Levels, SILENT, Tally};
use crate::{
    define::entity::{Comparison, Entity, Form, Measure},
    identify::{
        block::on_threads,
        codes::{Codes, Keys, NOTHING},
        records::Records,
    },
};

/// Pairs that are drawn.
pub const PAIRS: u64 = 1_000_000;
/// Pairs that one thread draws at a time, from a seed of their own.
const CHUNK: u64 = 10_000;
/// Where drawing begins.
const SEED: u64 = 0x7A11_4A57_2026_1122;

/// What random pairs show.
pub struct Drawn {
    /// Per comparison and level: its share of the pairs of which both sides say something.
    pub shares: Vec<Vec<f64>>,
    /// Per comparison: the share of such pairs among all.
    pub said: Vec<f64>,
    /// How many pairs were drawn.
    pub pairs: u64,
}

/// Draws pairs, and counts their levels.
#[must_use]
pub fn draw_pairs(entity: &Entity, records: &Records, codes: &Codes, levels: &Levels<'_>, threads: usize) -> Drawn {
    let (table, pairs) = drawn(records.len() as u64, levels, threads);
    let of = |(position, comparison): (usize, &Comparison)| {
        let mut counts = vec![0.5; levels.counts()[position]];
        for (combination, count) in &table {
            if let Some(sum) =
                counts.get_mut(usize::from(combination[position])).filter(|_| combination[position] != SILENT)
            {
                *sum += real(*count);
            }
        }
        let equal = equal_share(comparison, records, codes);
        normalized(counts, equal)
    };
    let said = |position: usize| {
        let silent = table.iter().filter(|(combination, _)| combination[position] == SILENT);
        let silent: u64 = silent.map(|(_, count)| count).sum();
        // Half a pair keeps it off 0.
        (real(pairs - silent) + 0.5) / (real(pairs) + 0.5)
    };
    Drawn {
        shares: entity.comparisons.iter().enumerate().map(of).collect(),
        said: (0..entity.comparisons.len()).map(said).collect(),
        pairs,
    }
}

/// Makes shares of counts; the first share is given where it is known exactly.
fn normalized(mut counts: Vec<f64>, first: Option<f64>) -> Vec<f64> {
    let least = 0.5 / counts.iter().sum::<f64>();
    let from = usize::from(first.is_some());
    let rest: f64 = counts[from..].iter().sum();
    let first = first.map(|share| share.clamp(least.min(1e-9), 0.999));
    counts[from..].iter_mut().for_each(|count| *count *= (1.0 - first.unwrap_or(0.0)) / rest);
    counts.iter_mut().zip(first).for_each(|(count, share)| *count = share);
    counts
}

/// Returns the share of pairs with equal values, where the first level is equality and all values take part.
fn equal_share(comparison: &Comparison, records: &Records, codes: &Codes) -> Option<f64> {
    let first = comparison.levels.first()?;
    if first.measure != Measure::Exact || first.agree.is_some() {
        return None;
    }
    let form = Form { attribute: comparison.attribute, form: first.form };
    let keys = Keys::new(records, codes, &[form]);
    let mut counts: HashMap<u64, u64> = HashMap::new();
    for record in 0..u32::try_from(records.len()).unwrap_or(u32::MAX) {
        *counts.entry(keys.get(record)).or_default() += 1;
    }
    counts.remove(&NOTHING);
    let all: u64 = counts.values().sum();
    let equal: u128 = counts.values().map(|count| u128::from(*count) * u128::from(count - 1)).sum();
    let pairs = u128::from(all) * u128::from(all.saturating_sub(1));
    (pairs > 0).then(|| wide(equal.max(1)) / wide(pairs))
}

fn drawn(records: u64, levels: &Levels<'_>, threads: usize) -> (Vec<(Vec<u8>, u64)>, u64) {
    let all = records * records.saturating_sub(1) / 2;
    let next = AtomicUsize::new(0);
    let work = || {
        let mut tally = Tally::default();
        loop {
            let chunk = next.fetch_add(1, Ordering::Relaxed) as u64;
            if all <= PAIRS {
                if chunk >= records {
                    return tally;
                }
                (chunk + 1..records).for_each(|other| tally.count(levels, number(chunk), number(other)));
            } else {
                if chunk * CHUNK >= PAIRS {
                    return tally;
                }
                draw(chunk, records, levels, &mut tally);
            }
        }
    };
    (Tally::sum(on_threads(threads, &work)), all.min(PAIRS))
}

fn draw(chunk: u64, records: u64, levels: &Levels<'_>, tally: &mut Tally) {
    let mut state = SEED.wrapping_add(chunk.wrapping_mul(0xD134_2543_DE82_EF95));
    for _ in 0..CHUNK {
        let left = below(&mut state, records);
        // One of the others: the last stands in for the record itself.
        let other = below(&mut state, records - 1);
        let right = if other == left { records - 1 } else { other };
        tally.count(levels, number(left), number(right));
    }
}

/// Returns the next number below a limit; splitmix64 (Steele, Lea, Flood 2014).
fn below(state: &mut u64, limit: u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^= mixed >> 31;
    u64::try_from((u128::from(mixed) * u128::from(limit)) >> 64).unwrap_or(0)
}

fn number(record: u64) -> u32 {
    u32::try_from(record).unwrap_or(u32::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "counts of pairs beyond 2^53 need no last digit")]
pub(super) fn real(count: u64) -> f64 {
    count as f64
}

#[expect(clippy::cast_precision_loss, reason = "a share needs no more than 53 bits")]
fn wide(count: u128) -> f64 {
    count as f64
}
