//! Links → clusters.
//!
//! In: verdicts, certain links, evidence. Out: the cluster of each record. The strongest link is tried first, in a total
//! order; two groups become one unless people said that they differ, a veto forbids it, or their members do not hold
//! together. So a chain breaks at its weakest links, and a veto cannot be walked around. A cluster depends on nothing but
//! the links and records of its component.
//!
//! Holding together is judged by pairs across the two groups. Those that reach `review_from` speak for it, those whose values
//! are less alike than any two records' speak against it, and the others are silent. Without `cohesion` each counts with its
//! bits, and two groups are one if those that speak for it have more. With it a pair speaks for it with its probability, and
//! one of which an attribute disagrees that others outweigh, such as the names of two firms of one town and trade, speaks
//! against it in part.
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

use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet},
};

use groups::{Group, Groups};
use links::{Certain, Link, Verdict, by_star};

use super::{
    codes::{Codes, Keys},
    records::Records,
    weigh::{Millibits, probability, score_of},
};
use crate::define::entity::{Entity, Veto};

/// So many groups of one star are asked whether a record is one of them: a placeholder that everybody types is no name by which a
/// thousand firms could be told apart.
const MOST_ASKED: usize = 64;

/// What is said of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    /// Its score.
    pub score: Millibits,
    /// What its values are worth, without what two random records begin with.
    pub values: Millibits,
    /// Whether an attribute disagrees.
    pub disagrees: bool,
}

impl Said {
    /// Returns how much of a pair that does not speak for joining two groups speaks against. So much of one in which an attribute
    /// disagrees that others outweigh that a pair which speaks for joining is not enough against one of them, and two are.
    const fn against(self) -> f64 {
        match (self.values < 0, self.disagrees) {
            (true, _) => 1.0,
            (false, true) => 0.4,
            (false, false) => 0.0,
        }
    }
}

/// Says what the values of a pair are worth.
pub trait Evidence {
    /// Returns what is said of a pair.
    fn of(&self, left: u32, right: u32) -> Said;
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
    let keys = |veto: &Veto| veto.differ.iter().map(|form| Keys::new(records, codes, &[*form])).collect();
    let vetoes: Vec<Vec<Keys<'_>>> = entity.vetoes.iter().map(keys).collect();
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
    for star in by_star(&in_turn(links.certain)) {
        joining.gather(star, &mut cut);
    }
    for Link { left, right, .. } in strongest(links.evidence, score_of(entity.link_from)) {
        if let Err(why) = joining.attempt(left, right, true) {
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

/// Returns certain links in the order in which they are tried: by rule; ends decide between equals.
pub(super) fn in_turn(links: &[Certain]) -> Vec<Certain> {
    let mut links = links.to_vec();
    links.sort_unstable_by_key(|link| (link.rule, link.left, link.right));
    links
}

/// Returns the links that reach a score, the strongest first; ends decide between equals, so that the order is total.
pub(super) fn strongest(links: &[Link], least: Millibits) -> Vec<Link> {
    let mut links: Vec<Link> = links.iter().filter(|link| link.score >= least).copied().collect();
    links.sort_unstable_by_key(|link| (Reverse(link.score), link.left, link.right));
    links
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

    /// Joins the records of a star. Who may not be one with its middle may still be one with others of the star: of a name that
    /// firms of two countries bear, those of each country.
    fn gather(&mut self, star: &[Certain], cut: &mut Vec<(u32, u32, Cut)>) {
        let mut parted = Vec::new();
        for link in star {
            if let Err(why) = self.attempt(link.left, link.right, false) {
                cut.push((link.left, link.right, why));
                parted.push(link.right);
            }
        }
        // Whom no veto parts stand side by side then, so that few must be asked.
        parted.sort_by_cached_key(|record| (self.groups.veto_values(*record), *record));
        let mut firsts: Vec<u32> = Vec::new();
        for record in parted {
            let mut refused = Vec::new();
            let is_one = firsts.iter().rev().take(MOST_ASKED).any(|&first| {
                let refusal = self.attempt(first, record, false).err();
                refused.extend(refusal.map(|why| (first.min(record), first.max(record), why)));
                refusal.is_none()
            });
            if !is_one {
                firsts.push(record);
                cut.extend(refused);
            }
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
        if left.members + right.members <= 2 {
            return true;
        }
        let across = left.sample.iter().flat_map(|(_, one)| right.sample.iter().map(move |(_, other)| (*one, *other)));
        let pairs = across.map(|(one, other)| self.evidence.of(one.min(other), one.max(other)));
        match self.cohesion {
            Some(least) => self.speak_for(pairs, least),
            None => self.weigh_more(pairs),
        }
    }

    fn speak_for(&self, pairs: impl Iterator<Item = Said>, least: f64) -> bool {
        let (mut speaking, mut support) = (0.0, 0.0);
        for said in pairs {
            if said.score >= self.review_from {
                speaking += 1.0;
                support += probability(said.score);
            } else {
                speaking += said.against();
            }
        }
        support >= least * speaking
    }

    fn weigh_more(&self, pairs: impl Iterator<Item = Said>) -> bool {
        let bits = |said: Said| i64::from(if said.score >= self.review_from { said.score } else { said.values.min(0) });
        pairs.map(bits).sum::<i64>() >= 0
    }
}
