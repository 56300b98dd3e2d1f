//! What the comparing of records gives: which are one thing, and what ties them.
//!
//! In: clusters and all links. Out: [`Matched`], and a [`Forest`] in which every record of a cluster is tied to its leader by
//! the strongest links, so that each has one explanation.

use std::collections::HashMap;

use super::{
    cluster::{
        Cut, in_turn,
        links::{Certain, by_star},
        strongest,
    },
    roots::Roots,
    weigh::{probability, score_of},
    whole,
};
use crate::define::entity::Entity;

/// What ties two records.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum By {
    /// People said so, in a line of the overrides file.
    Verdict(usize),
    /// A certain link: [`REFERENCE`](super::cluster::links::REFERENCE), or 1 for the first rule of the definition.
    Rule(u16),
    /// Evidence, with its probability.
    Evidence(f64),
}

/// Two records that are tied.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tie {
    /// The smaller record.
    pub left: u32,
    /// The larger record.
    pub right: u32,
    /// By what.
    pub by: By,
}

/// Who is who.
#[derive(Clone, Debug, Default)]
pub struct Matched {
    /// Per record the number of its cluster.
    pub clusters: Vec<u32>,
    /// What holds each cluster together: of all ties of its records, from the strongest on, those that join what was apart.
    pub ties: Vec<Tie>,
    /// Ties that did not hold.
    pub parted: Vec<(u32, u32, Cut)>,
}

impl Matched {
    /// Orders what linking found by strength: verdicts, rules as they are written, evidence; then by ends.
    #[must_use]
    pub fn new(entity: &Entity, found: &whole::Identified) -> Self {
        let clusters = &found.clusters.of;
        let verdicts = found.verdicts.iter().filter(|verdict| verdict.is_same).map(|verdict| {
            let (left, right) = (verdict.left.min(verdict.right), verdict.left.max(verdict.right));
            Tie { left, right, by: By::Verdict(verdict.line) }
        });
        let mut said: Vec<Tie> = verdicts.chain(ruled(&found.certain, clusters)).collect();
        said.sort_by_key(|tie| (tie.by.place(), tie.left, tie.right));
        let evidence = strongest(&found.links, score_of(entity.link_from)).into_iter();
        let evidence =
            evidence.map(|link| Tie { left: link.left, right: link.right, by: By::Evidence(probability(link.score)) });
        let ties = joining(said.into_iter().chain(evidence), clusters);
        Self { clusters: clusters.clone(), ties, parted: found.clusters.cut.clone() }
    }
}

/// Returns the ties of rules: each record of a star is tied to the first of its cluster there, which need not be the middle.
fn ruled(links: &[Certain], clusters: &[u32]) -> Vec<Tie> {
    let mut ties = Vec::with_capacity(links.len());
    for star in by_star(&in_turn(links)) {
        let (middle, rule) = (star[0].left, star[0].rule);
        let mut firsts = HashMap::from([(clusters[middle as usize], middle)]);
        for link in star {
            let first = *firsts.entry(clusters[link.right as usize]).or_insert(link.right);
            if first != link.right {
                ties.push(Tie { left: first, right: link.right, by: By::Rule(rule) });
            }
        }
    }
    ties
}

/// Returns the ties within clusters that join what those before them left apart.
fn joining(ties: impl Iterator<Item = Tie>, clusters: &[u32]) -> Vec<Tie> {
    let mut roots = Roots::new(clusters.len());
    let within = ties.filter(|tie| clusters[tie.left as usize] == clusters[tie.right as usize]);
    within.filter(|tie| roots.join(tie.left, tie.right)).collect()
}

impl By {
    /// Returns the place in which a tie is taken: verdicts, rules as they are written, evidence.
    const fn place(self) -> (u8, u16) {
        match self {
            Self::Verdict(_) => (0, 0),
            Self::Rule(rule) => (1, rule),
            Self::Evidence(_) => (2, 0),
        }
    }
}

/// Which ties end at each record.
struct Ends {
    starts: Vec<usize>,
    ties: Vec<u32>,
}

impl Ends {
    fn new(ties: &[Tie], records: usize) -> Self {
        let ends = || (0_u32..).zip(ties).flat_map(|(number, tie)| [(number, tie.left), (number, tie.right)]);
        let mut starts = vec![0; records + 2];
        ends().for_each(|(_, record)| starts[record as usize + 2] += 1);
        for record in 1..starts.len() {
            starts[record] += starts[record - 1];
        }
        let mut numbers = vec![0; ties.len() * 2];
        for (number, record) in ends() {
            let next = &mut starts[record as usize + 1];
            numbers[*next] = number;
            *next += 1;
        }
        Self { starts, ties: numbers }
    }

    fn of(&self, record: u32) -> &[u32] {
        &self.ties[self.starts[record as usize]..self.starts[record as usize + 1]]
    }
}

/// For every record but the leaders, the tie that leads towards its leader.
#[derive(Clone, Debug, Default)]
pub struct Forest {
    /// Number of the tie, or [`Forest::NONE`].
    up: Vec<u32>,
}

impl Forest {
    /// Stands for no tie.
    pub const NONE: u32 = u32::MAX;

    /// Ties records to leaders. `leaders` has one record per cluster.
    #[must_use]
    pub fn new(matched: &Matched, leaders: impl Iterator<Item = u32>) -> Self {
        let (ties, records) = (&matched.ties, matched.clusters.len());
        let at = Ends::new(ties, records);
        let mut up = vec![Self::NONE; records];
        for leader in leaders {
            let mut reached = vec![leader];
            while let Some(record) = reached.pop() {
                for &number in at.of(record) {
                    let other = ties[number as usize].other(record);
                    if number != up[record as usize] {
                        up[other as usize] = number;
                        reached.push(other);
                    }
                }
            }
        }
        Self { up }
    }

    /// Returns the tie of a record towards its leader.
    #[must_use]
    pub fn tie(&self, record: u32) -> Option<u32> {
        Some(self.up[record as usize]).filter(|number| *number != Self::NONE)
    }

    /// Returns the records and ties from a record to its leader: each tie with the record that it leads to.
    #[must_use]
    pub fn way(&self, record: u32, ties: &[Tie]) -> Vec<(Tie, u32)> {
        let (mut way, mut at) = (Vec::new(), record);
        while let Some(number) = self.tie(at) {
            let tie = ties[number as usize];
            at = tie.other(at);
            way.push((tie, at));
        }
        way
    }
}

impl Tie {
    /// Returns the record at the other end.
    #[must_use]
    pub const fn other(&self, record: u32) -> u32 {
        if self.left == record { self.right } else { self.left }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_a_star_are_tied_to_the_first_of_their_cluster() {
        let star = [1, 2, 3].map(|right| Certain { left: 0, right, rule: 2 });
        let tie = |left, right| Tie { left, right, by: By::Rule(2) };
        assert_eq!(ruled(&star, &[0, 1, 0, 1]), [tie(0, 2), tie(1, 3)]);
    }

    #[test]
    fn every_record_is_led_to_its_leader_by_the_strongest_ties() {
        let tie = |left, right, by| Tie { left, right, by };
        let ties = [
            tie(1, 2, By::Rule(1)),
            tie(0, 1, By::Evidence(0.99)),
            tie(0, 2, By::Evidence(0.97)),
            tie(2, 3, By::Evidence(0.96)),
        ];
        let clusters = vec![0, 0, 0, 0, 4];
        let ties = joining(ties.into_iter(), &clusters);
        let matched = Matched { clusters, ties: ties.clone(), parted: Vec::new() };
        let forest = Forest::new(&matched, [0, 4].into_iter());
        let way = |record| forest.way(record, &ties).into_iter().map(|(_, to)| to).collect::<Vec<_>>();
        assert_eq!((way(0), way(4)), (vec![], vec![]));
        assert_eq!(way(3), [2, 1, 0]);
        assert_eq!(forest.tie(2).map(|number| ties[number as usize]), Some(tie(1, 2, By::Rule(1))));
    }
}
