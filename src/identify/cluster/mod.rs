//! Links → clusters.
//!
//! In: verdicts, certain links, evidence. Out: the cluster of each record. The strongest link is tried first, in a total
//! order; two groups become one unless people said that they differ, a veto forbids it, or their members do not hold
//! together. So a chain breaks at its weakest links, and a veto cannot be walked around. A cluster depends on nothing but
//! the links and records of its component.
//!
//! Holding together (`cohesion`) is judged by pairs across the two groups: those that reach `review_from` speak for it with
//! their probability, those whose values are less alike than any two records' speak against it, the others are silent.
//!
//! ```text
//!  A──.97──B──.96──C──.95──D     A and D have nothing in common:
//!  [A  B]     [C   D]            A×C, A×D, B×D speak against B──C: two clusters
//! ```

mod groups;
pub mod links;
pub mod verdicts;

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use groups::{Group, Groups};
use links::{Certain, Link, Rank, Verdict};

use super::{
    codes::{Codes, Keys},
    records::Records,
    weigh::{Millibits, probability, score_of},
};
use crate::define::entity::Entity;

/// Says what the values of a pair are worth.
pub trait Evidence {
    /// Returns the score, and what of it the values say (without the prior).
    fn of(&self, left: u32, right: u32) -> (Millibits, Millibits);
}

/// Why a link was cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cut {
    /// People said so.
    Verdict,
    /// A veto, by its number in the definition.
    Veto(usize),
    /// The two groups do not hold together.
    Cohesion,
}

/// Who is who.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clusters {
    /// Per record the first record of its cluster.
    pub of: Vec<u32>,
    /// Links whose records ended in different clusters, in order.
    pub cut: Vec<(u32, u32, Cut)>,
}

/// The links that clusters are made of.
#[derive(Clone, Copy, Debug)]
pub struct Links<'a> {
    /// What people said; [`verdicts::check`] has accepted it.
    pub verdicts: &'a [Verdict],
    /// Certain links.
    pub certain: &'a [Certain],
    /// Evidence; what does not reach `link_from` joins nothing.
    pub evidence: &'a [Link],
}

/// Joins records.
#[must_use]
pub fn clusters(
    entity: &Entity,
    records: &Records,
    codes: &Codes,
    links: Links<'_>,
    evidence: &dyn Evidence,
) -> Clusters {
    let vetoes: Vec<Keys<'_>> = entity.vetoes.iter().map(|veto| Keys::new(records, codes, &veto.differ)).collect();
    let mut joining = Joining {
        groups: Groups::new(records, &vetoes, said_to_differ(links.verdicts)),
        evidence,
        cohesion: entity.cohesion,
        review_from: score_of(entity.review_from),
        refused: HashSet::new(),
    };
    for verdict in links.verdicts.iter().filter(|verdict| verdict.is_same) {
        joining.join(verdict.left, verdict.right);
    }
    let mut cut = Vec::new();
    for (rank, left, right) in ordered(entity, links) {
        if let Err(why) = joining.attempt(left, right, rank.0 == u16::MAX) {
            cut.push((left, right, why));
        }
    }
    let count = u32::try_from(records.len()).unwrap_or(u32::MAX);
    let of: Vec<u32> = (0..count).map(|record| joining.groups.find(record)).collect();
    cut.retain(|(left, right, _)| of[*left as usize] != of[*right as usize]);
    cut.sort_unstable();
    cut.dedup_by_key(|(left, right, _)| (*left, *right));
    Clusters { of, cut }
}

fn ordered(entity: &Entity, links: Links<'_>) -> Vec<(Rank, u32, u32)> {
    let least = score_of(entity.link_from);
    let certain = links.certain.iter().map(|link| (link.rank(), link.left, link.right));
    let evidence = links.evidence.iter().filter(|link| link.score >= least);
    let mut all: Vec<_> = certain.chain(evidence.map(|link| (link.rank(), link.left, link.right))).collect();
    all.sort_unstable();
    all
}

fn said_to_differ(verdicts: &[Verdict]) -> HashMap<u32, Vec<u32>> {
    let mut others: HashMap<u32, Vec<u32>> = HashMap::new();
    for verdict in verdicts.iter().filter(|verdict| !verdict.is_same) {
        others.entry(verdict.left).or_default().push(verdict.right);
        others.entry(verdict.right).or_default().push(verdict.left);
    }
    others
}

struct Joining<'a> {
    groups: Groups<'a>,
    evidence: &'a dyn Evidence,
    cohesion: Option<f64>,
    review_from: Millibits,
    /// Groups that were refused each other; not asked again until one of them has changed.
    refused: HashSet<(u64, u64)>,
}

impl Joining<'_> {
    fn join(&mut self, left: u32, right: u32) {
        let (left, right) = (self.groups.find(left), self.groups.find(right));
        if left != right {
            let (first, second) = (self.groups.take(left), self.groups.take(right));
            self.groups.join((left, first), (right, second));
        }
    }

    /// Joins two records' groups if nothing forbids it.
    fn attempt(&mut self, left: u32, right: u32, must_cohere: bool) -> Result<(), Cut> {
        let (left, right) = (self.groups.find(left), self.groups.find(right));
        if left == right {
            return Ok(());
        }
        let (first, second) = (self.groups.take(left), self.groups.take(right));
        let versions = (first.version.min(second.version), first.version.max(second.version));
        let why = match must_cohere && self.refused.contains(&versions) {
            true => Some(Cut::Cohesion),
            false => self.forbidden((left, &first), (right, &second), must_cohere),
        };
        let Some(why) = why else {
            self.groups.join((left, first), (right, second));
            return Ok(());
        };
        if why == Cut::Cohesion {
            self.refused.insert(versions);
        }
        self.groups.give_back(left, first);
        self.groups.give_back(right, second);
        Err(why)
    }

    fn forbidden(&mut self, left: (u32, &Group), right: (u32, &Group), must_cohere: bool) -> Option<Cut> {
        if self.groups.are_said_to_differ(left, right) {
            return Some(Cut::Verdict);
        }
        if let Some(veto) = left.1.vetoed(right.1) {
            return Some(Cut::Veto(veto));
        }
        (must_cohere && !self.hold_together(left.1, right.1)).then_some(Cut::Cohesion)
    }

    /// Returns whether the pairs across two groups speak for joining them.
    fn hold_together(&self, left: &Group, right: &Group) -> bool {
        let Some(least) = self.cohesion.filter(|_| left.members + right.members > 2) else { return true };
        let (mut speaking, mut support) = (0_u32, 0.0);
        for (_, one) in &left.sample {
            for (_, other) in &right.sample {
                let (score, said) = self.evidence.of((*one).min(*other), (*one).max(*other));
                if score >= self.review_from {
                    speaking += 1;
                    support += probability(score);
                } else if said < 0 {
                    speaking += 1;
                }
            }
        }
        support >= least * f64::from(speaking)
    }
}
