//! The links that a person should look at, and why each has its score.
//!
//! In: what linking found. Out: [`Doubtful`] links: pairs that are neither linked nor surely different, and the weakest evidence
//! that a cluster hangs on. Deliberately few of each: a table of them is for reading.

use std::{cmp::Reverse, collections::HashSet};

use super::{
    cluster::links::{Link, Verdict},
    codes::Prepared,
    matched::{By, Matched},
    records::Records,
    weigh::{Model, Scorer, Waterfall, frequency::Frequencies, score_of},
    whole::Identified,
};
use crate::define::entity::Entity;

/// So many of either sort: what somebody looks through at one sitting. `identity review` has all that are open.
pub const MOST: usize = 50;

/// A link that a person should look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubtful {
    /// The smaller record.
    pub left: u32,
    /// The larger record.
    pub right: u32,
    /// Whether it holds a cluster together; else nobody has said yet.
    pub is_linked: bool,
    /// Why it has its score.
    pub evidence: Waterfall,
}

/// Returns the pairs that are neither linked nor surely different, and that nobody has decided: at most `most`, the most probable
/// first, and how many there are.
#[must_use]
pub fn open(entity: &Entity, found: &Identified, most: usize) -> (Vec<Link>, usize) {
    let (from, until) = (score_of(entity.review_from), score_of(entity.link_from));
    let ends = |verdict: &Verdict| (verdict.left.min(verdict.right), verdict.left.max(verdict.right));
    let decided: HashSet<(u32, u32)> = found.verdicts.iter().map(ends).collect();
    let clusters = &found.clusters.of;
    let is_open = |link: &&Link| {
        (from..until).contains(&link.score)
            && clusters[link.left as usize] != clusters[link.right as usize]
            && !decided.contains(&(link.left, link.right))
    };
    let all = || found.links.iter().filter(is_open).copied();
    (likeliest(all(), most), all().count())
}

/// Returns the links of the highest scores in order, holding twice as many as are wanted.
fn likeliest(links: impl Iterator<Item = Link>, most: usize) -> Vec<Link> {
    let place = |link: &Link| (Reverse(link.score), link.left, link.right);
    let mut kept: Vec<Link> = Vec::new();
    for link in links {
        if kept.len() / 2 > most {
            kept.select_nth_unstable_by_key(most, place);
            kept.truncate(most);
        }
        kept.push(link);
    }
    kept.sort_unstable_by_key(place);
    kept.truncate(most);
    kept
}

/// Finds the links that a person should look at: the open ones first.
#[must_use]
pub fn doubtful(
    entity: &Entity,
    records: &Records,
    prepared: &dyn Prepared,
    model: &Model,
    (found, matched): (&Identified, &Matched),
) -> Vec<Doubtful> {
    let open = open(entity, found, MOST).0.into_iter().map(|link| (link.left, link.right, false));
    // Ties are in order of strength, so evidence comes last.
    let evidence = matched.ties.iter().rev().take_while(|tie| matches!(tie.by, By::Evidence(_))).take(MOST);
    let chosen: Vec<_> = open.chain(evidence.map(|tie| (tie.left, tie.right, true))).collect();
    let seen = chosen.iter().flat_map(|(left, right, _)| [*left, *right]);
    let frequencies = Frequencies::of_records(entity, records, &found.codes, &seen);
    let scorer = Scorer::new(entity, model, records, &found.codes, &frequencies, prepared);
    let explained =
        |(left, right, is_linked)| Doubtful { left, right, is_linked, evidence: scorer.waterfall(left, right) };
    chosen.into_iter().map(explained).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likeliest_of_many_are_those_that_sorting_all_of_them_gives() {
        let link = |number: u32| Link { left: number, right: number + 1, score: (number * 7919 % 101).cast_signed() };
        let mut all: Vec<Link> = (0..1000).map(link).collect();
        let of = |most| likeliest((0..1000).map(link), most);
        let found = [0, 1, 7, 50, 999, 1000, usize::MAX].map(of);
        all.sort_by_key(|link| (Reverse(link.score), link.left, link.right));
        for found in found {
            assert_eq!(found, all[..found.len()]);
        }
        assert_eq!([0, 7, 2000].map(|most| of(most).len()), [0, 7, 1000]);
    }
}
