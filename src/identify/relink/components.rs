//! Clusters of a night: only components that something happened to are joined again.
//!
//! In: tonight's links, records that lost or won a link, yesterday's clusters. Out: tonight's clusters. A component without
//! such a record has the links and records that it had, and so its clusters.

use super::Night;
use crate::identify::{
    cluster::{
        self, Clusters, Links,
        links::{Certain, Link, Verdict},
    },
    weigh::{Scorer, score_of},
};

/// What yesterday knew.
pub(super) struct Remembered<'a> {
    /// What people had said, with yesterday's numbers.
    pub(super) verdicts: &'a [Verdict],
    /// Yesterday's clusters.
    pub(super) clusters: &'a Clusters,
}

impl Night<'_> {
    /// Returns tonight's clusters; `changed` are records that lost or won a link.
    pub(super) fn clusters(
        &self,
        known: &Remembered<'_>,
        links: &[Link],
        certain: &[Certain],
        mut changed: Vec<u32>,
    ) -> Clusters {
        let entity = self.terms.entity;
        let said_before = known.verdicts.iter().flat_map(|verdict| [verdict.left, verdict.right]);
        changed.extend(said_before.filter_map(|record| self.touched.tonight(record)));
        changed.extend(self.terms.verdicts.iter().flat_map(|verdict| [verdict.left, verdict.right]));
        changed.extend(&self.touched.came);
        let least = score_of(entity.link_from);
        let mut components = Components::new(self.update.records.len());
        links.iter().filter(|link| link.score >= least).for_each(|link| components.join(link.left, link.right));
        for link in certain {
            components.join(link.left, link.right);
        }
        self.terms
            .verdicts
            .iter()
            .filter(|verdict| verdict.is_same)
            .for_each(|said| components.join(said.left, said.right));
        let is_changed = components.with(&changed);
        let links: Vec<Link> =
            links.iter().copied().filter(|link| link.score >= least && is_changed[link.left as usize]).collect();
        let certain: Vec<Certain> = certain.iter().copied().filter(|link| is_changed[link.left as usize]).collect();
        let ends = links.iter().flat_map(|link| [link.left, link.right]);
        let ends = ends.chain(certain.iter().flat_map(|link| [link.left, link.right]));
        let said = self.terms.verdicts.iter().flat_map(|verdict| [verdict.left, verdict.right]);
        let frequencies = self.frequencies(&ends.chain(said));
        let records = &self.update.records;
        let scorer = Scorer::new(entity, self.model, records, self.codes, &frequencies, self.prepared);
        let joining = Links { verdicts: self.terms.verdicts, certain: &certain, evidence: &links };
        let joined = cluster::clusters(entity, records, self.codes, joining, &scorer);
        self.with_unchanged(joined, known.clusters, &is_changed)
    }

    /// Adds yesterday's clusters of the components to which nothing happened.
    fn with_unchanged(&self, mut joined: Clusters, known: &Clusters, is_changed: &[bool]) -> Clusters {
        let unchanged = |record: u32| self.touched.tonight(record).filter(|record| !is_changed[*record as usize]);
        for (yesterday, first) in (0_u32..).zip(&known.of) {
            if let (Some(record), Some(first)) = (unchanged(yesterday), unchanged(*first)) {
                joined.of[record as usize] = first;
            }
        }
        let cut = known.cut.iter().filter_map(|(left, right, why)| Some((unchanged(*left)?, unchanged(*right)?, *why)));
        joined.cut.extend(cut);
        joined.cut.sort_unstable();
        joined
    }
}

/// Records that are linked in any way.
struct Components(Vec<u32>);

impl Components {
    fn new(records: usize) -> Self {
        Self((0..u32::try_from(records).unwrap_or(u32::MAX)).collect())
    }

    fn find(&mut self, mut record: u32) -> u32 {
        while self.0[record as usize] != record {
            let above = self.0[self.0[record as usize] as usize];
            self.0[record as usize] = above;
            record = above;
        }
        record
    }

    fn join(&mut self, left: u32, right: u32) {
        let (left, right) = (self.find(left), self.find(right));
        self.0[left.max(right) as usize] = left.min(right);
    }

    /// Returns per record whether one of the given ones is in its component.
    fn with(&mut self, records: &[u32]) -> Vec<bool> {
        let mut is_wanted = vec![false; self.0.len()];
        for &record in records {
            let root = self.find(record);
            is_wanted[root as usize] = true;
        }
        (0..u32::try_from(is_wanted.len()).unwrap_or(u32::MAX))
            .map(|record| self.find(record))
            .map(|root| is_wanted[root as usize])
            .collect()
    }
}
