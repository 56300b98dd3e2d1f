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
    roots::Roots,
    weigh::{Scorer, frequency::Frequencies, score_of},
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
        let mut roots = Roots::new(self.update.records.len());
        let close = links.iter().filter(|link| link.score >= least).map(|link| (link.left, link.right));
        let ruled = certain.iter().map(|link| (link.left, link.right));
        let said = self.terms.verdicts.iter().filter(|said| said.is_same).map(|said| (said.left, said.right));
        for (left, right) in close.chain(ruled).chain(said) {
            roots.join(left, right);
        }
        let is_changed = linked_with(roots, &changed);
        let links: Vec<Link> =
            links.iter().copied().filter(|link| link.score >= least && is_changed[link.left as usize]).collect();
        let certain: Vec<Certain> = certain.iter().copied().filter(|link| is_changed[link.left as usize]).collect();
        let ends = links.iter().flat_map(|link| [link.left, link.right]);
        let ends = ends.chain(certain.iter().flat_map(|link| [link.left, link.right]));
        let said = self.terms.verdicts.iter().flat_map(|verdict| [verdict.left, verdict.right]);
        let records = &self.update.records;
        let frequencies = Frequencies::of_records(entity, records, self.codes, &ends.chain(said));
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

/// Returns per record whether it is linked in any way with one of the given ones.
fn linked_with(mut roots: Roots, records: &[u32]) -> Vec<bool> {
    let count = u32::try_from(roots.len()).unwrap_or(u32::MAX);
    let mut is_wanted = vec![false; roots.len()];
    for &record in records {
        is_wanted[roots.find(record) as usize] = true;
    }
    (0..count).map(|record| is_wanted[roots.find(record) as usize]).collect()
}
