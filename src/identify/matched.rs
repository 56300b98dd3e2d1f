//! What the comparing of records gives: which are one thing, and what ties them.
//!
//! In: clusters and all ties. Out: [`Matched`], and a [`Forest`] in which every record of a cluster is tied to its leader by
//! the strongest ties, so that each has one explanation.

use std::cmp::Ordering;

use super::{
    cluster::Cut,
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
    /// What ties records of one cluster, the strongest first.
    pub ties: Vec<Tie>,
    /// Numbers of the ties that are enough to hold all clusters together, the strongest first.
    pub spanning: Vec<u32>,
    /// Ties that did not hold.
    pub parted: Vec<(u32, u32, Cut)>,
}

impl Matched {
    /// Orders what linking found by strength: verdicts, rules as they are written, evidence; then by ends.
    #[must_use]
    pub fn new(entity: &Entity, found: &whole::Identified) -> Self {
        let clusters = &found.clusters.of;
        let least = score_of(entity.link_from);
        let verdicts = found.verdicts.iter().filter(|verdict| verdict.is_same).map(|verdict| {
            let (left, right) = (verdict.left.min(verdict.right), verdict.left.max(verdict.right));
            Tie { left, right, by: By::Verdict(verdict.line) }
        });
        let certain =
            found.certain.iter().map(|link| Tie { left: link.left, right: link.right, by: By::Rule(link.rule) });
        let evidence = found.links.iter().filter(|link| link.score >= least);
        let evidence =
            evidence.map(|link| Tie { left: link.left, right: link.right, by: By::Evidence(probability(link.score)) });
        let holds = |tie: &Tie| clusters[tie.left as usize] == clusters[tie.right as usize];
        let mut ties: Vec<Tie> = verdicts.chain(certain).chain(evidence).filter(holds).collect();
        ties.sort_by(|one, other| {
            one.by.strength(other.by).then((one.left, one.right).cmp(&(other.left, other.right)))
        });
        let spanning = spanning(&ties, clusters.len());
        Self { clusters: clusters.clone(), ties, spanning, parted: found.clusters.cut.clone() }
    }
}

/// Returns which of some ties, tried in their order, tie records that those before did not.
fn spanning(ties: &[Tie], records: usize) -> Vec<u32> {
    let mut roots = Roots::new(records);
    (0..).zip(ties).filter(|(_, tie)| roots.join(tie.left, tie.right)).map(|(number, _)| number).collect()
}

impl By {
    /// Compares two ties, the stronger first.
    fn strength(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Rule(one), Self::Rule(other)) => one.cmp(&other),
            (Self::Evidence(one), Self::Evidence(other)) => other.total_cmp(&one),
            (one, other) => one.kind().cmp(&other.kind()),
        }
    }

    const fn kind(self) -> u8 {
        match self {
            Self::Verdict(_) => 0,
            Self::Rule(_) => 1,
            Self::Evidence(_) => 2,
        }
    }
}

/// Which ties end at each record.
struct Ends {
    starts: Vec<usize>,
    ties: Vec<u32>,
}

impl Ends {
    fn new(chosen: &[u32], ties: &[Tie], records: usize) -> Self {
        let ends = || chosen.iter().flat_map(|number| [ties[*number as usize].left, ties[*number as usize].right]);
        let mut starts = vec![0; records + 2];
        ends().for_each(|record| starts[record as usize + 2] += 1);
        for record in 1..starts.len() {
            starts[record] += starts[record - 1];
        }
        let mut at = vec![0; chosen.len() * 2];
        for (place, record) in ends().enumerate() {
            let next = &mut starts[record as usize + 1];
            at[*next] = chosen[place / 2];
            *next += 1;
        }
        Self { starts, ties: at }
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
        let at = Ends::new(&matched.spanning, ties, records);
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
    fn every_record_is_led_to_its_leader_by_the_strongest_ties() {
        let tie = |left, right, by| Tie { left, right, by };
        let ties = vec![
            tie(1, 2, By::Rule(1)),
            tie(0, 1, By::Evidence(0.99)),
            tie(0, 2, By::Evidence(0.97)),
            tie(2, 3, By::Evidence(0.96)),
        ];
        let spanning = spanning(&ties, 5);
        assert_eq!(spanning, [0, 1, 3]);
        let clusters = vec![0, 0, 0, 0, 4];
        let matched = Matched { clusters, ties: ties.clone(), spanning, parted: Vec::new() };
        let forest = Forest::new(&matched, [0, 4].into_iter());
        let way = |record| forest.way(record, &ties).into_iter().map(|(_, to)| to).collect::<Vec<_>>();
        assert_eq!((way(0), way(4)), (vec![], vec![]));
        assert_eq!(way(3), [2, 1, 0]);
        assert_eq!(forest.tie(2), Some(0));
    }
}
