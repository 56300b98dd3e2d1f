//! Which snapshots stay.
//!
//! ```text
//!  published ──► the newest ones ─────────────────────────────┐
//!  links     ──► what each serves, and as many ancestors of it ├──► stay
//!  clock     ──► the young ones ──────────────────────────────┘
//! ```
//!
//! In: the published snapshots, the links, what is to be kept. Out: the others are named, or removed after a publication.
//! The ancestors stay so that a busy environment does not push production's history out. Files live as long as one
//! snapshot has them.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Error, Warehouse};

/// What is kept; a snapshot goes when neither says that it stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// So many of the newest, and as many ancestors of each that is served; at least one.
    pub snapshots: usize,
    /// Those that were made after this moment; None keeps none for being young.
    pub made_after: Option<DateTime<Utc>>,
}

impl Retention {
    /// Keeps the newest ones, and those of the last `days` until `now`.
    #[must_use]
    pub fn new(snapshots: usize, days: Option<u64>, now: DateTime<Utc>) -> Self {
        let span = |days: u64| TimeDelta::try_days(i64::try_from(days).unwrap_or(i64::MAX)).unwrap_or(TimeDelta::MAX);
        let before = |days| now.checked_sub_signed(span(days)).unwrap_or(DateTime::<Utc>::MIN_UTC);
        Self { snapshots, made_after: days.map(before) }
    }
}

impl From<usize> for Retention {
    /// Keeps the newest ones, however old or young.
    fn from(snapshots: usize) -> Self {
        Self { snapshots, made_after: None }
    }
}

impl Warehouse {
    /// Removes all snapshots that need not stay.
    pub(super) fn retain(&self, retention: Retention) -> Result<(), Error> {
        self.remove_snapshots(&self.expired(retention)?)?;
        self.forget()
    }

    /// Removes published snapshots, and the files that only they have.
    pub(super) fn remove_snapshots(&self, gone: &[String]) -> Result<(), Error> {
        let others: Vec<String> = self.published()?.into_iter().filter(|id| !gone.contains(id)).collect();
        self.depot.remove_snapshots(gone, &others)
    }

    /// Returns the snapshots that need not stay, the oldest first.
    pub(super) fn expired(&self, retention: Retention) -> Result<Vec<String>, Error> {
        let (keep, published) = (retention.snapshots.max(1), self.published()?);
        let mut kept: BTreeSet<String> = published.iter().take(keep).cloned().collect();
        for served in self.all_served()? {
            kept.extend(self.line(served, keep, &published)?);
        }
        let mut expired = Vec::new();
        for id in published.into_iter().rev().filter(|id| !kept.contains(id)) {
            // Whatever is newer than a young one is young as well.
            if self.is_young(&id, retention)? {
                break;
            }
            expired.push(id);
        }
        Ok(expired)
    }

    fn is_young(&self, id: &str, retention: Retention) -> Result<bool, Error> {
        let Some(moment) = retention.made_after else { return Ok(false) };
        let made = DateTime::parse_from_rfc3339(&self.outline(id)?.created_at);
        // A time that nobody can read does not make a snapshot old.
        Ok(made.map_or(true, |made| made > moment))
    }

    /// Returns a snapshot and its ancestors, `count` in all.
    fn line(&self, from: String, count: usize, published: &[String]) -> Result<Vec<String>, Error> {
        let mut line = Vec::new();
        let mut next = Some(from);
        while let Some(id) = next.filter(|id| line.len() < count && published.contains(id)) {
            next = self.outline(&id)?.parent;
            line.push(id);
        }
        Ok(line)
    }
}
