//! Which snapshots stay.
//!
//! In: the published snapshots and the links. Out: all but these are removed: the newest ones, what links point at, and as
//! many ancestors of each link, so that a busy environment does not push production's history out.

use std::collections::BTreeSet;

use super::{Error, Warehouse};

impl Warehouse {
    /// Removes all snapshots but the newest `keep` (at least one) and those that links need.
    pub(super) fn retain(&self, keep: usize) -> Result<(), Error> {
        let published = self.published()?;
        let mut kept: BTreeSet<String> = published.iter().take(keep.max(1)).cloned().collect();
        for served in self.all_served()? {
            kept.extend(self.line(served, keep.max(1), &published)?);
        }
        let (others, gone): (Vec<String>, _) = published.into_iter().partition(|id| kept.contains(id));
        self.depot.remove_snapshots(&gone, &others)
    }

    /// Returns a snapshot and its ancestors, `count` in all.
    fn line(&self, from: String, count: usize, published: &[String]) -> Result<Vec<String>, Error> {
        let mut line = Vec::new();
        let mut next = Some(from);
        while let Some(id) = next.filter(|id| line.len() < count && published.contains(id)) {
            next = self.manifest(&id)?.parent;
            line.push(id);
        }
        Ok(line)
    }
}
