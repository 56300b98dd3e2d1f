//! Looking after snapshots: comparing two of them, proving that one is whole, removing old ones.
//!
//! In: a [`Request`] and ids. Out: what differs, what is wrong, what goes. Deliberately absent: which files a snapshot has and
//! when one may go; that is `publish`'s.

pub(super) mod diff;
pub(super) mod rows;

pub use self::{
    diff::{ColumnChange, Diff, PartitionChanges, TableChange, Wanted, diff},
    rows::{RowChanges, Sample},
};

use chrono::{DateTime, Utc};

use super::{Request, inspect};
use crate::{
    Error,
    define::project::Pipeline,
    publish::{Retention, Vacuum, Verified},
};

/// Returns what a pipeline keeps.
pub(super) fn retention(pipeline: &Pipeline, now: DateTime<Utc>) -> Retention {
    Retention::new(pipeline.publish.keep_snapshots, pipeline.publish.keep_days, now)
}

/// Compares a snapshot, the served one, or all of them with the disk.
///
/// # Errors
/// When there is no such snapshot or the disk refuses to list one; what is wrong with it is a finding.
pub fn verify(request: &Request, id: Option<&str>, all: bool) -> Result<Verified, Error> {
    let (warehouse, _) = inspect::warehouse(request)?;
    inspect::refuse_unknown_environment(&warehouse, request)?;
    let ids = match id {
        Some(id) => vec![warehouse.resolve(id)?],
        None if all => warehouse.published()?,
        None => vec![warehouse.served()?.ok_or_else(|| nothing_served(&warehouse))?],
    };
    Ok(tokio::task::block_in_place(|| warehouse.verify(&ids, request.settings.threads))?)
}

/// Removes old snapshots, or says which would go. What is not said is as in the pipeline file; where one of both is said,
/// the other keeps nothing.
///
/// # Errors
/// When another run holds the warehouse, or the disk refuses.
pub fn vacuum(request: &Request, keep: Option<usize>, days: Option<u64>, is_applied: bool) -> Result<Vacuum, Error> {
    let (warehouse, pipeline) = inspect::warehouse(request)?;
    let retention = match (keep, days) {
        (None, None) => retention(&pipeline, request.now),
        (keep, days) => Retention::new(keep.unwrap_or(1), days, request.now),
    };
    if !is_applied {
        return Ok(warehouse.to_vacuum(retention)?);
    }
    let lock = warehouse.lock(&super::nightly::run_id(request))?;
    Ok(tokio::task::block_in_place(|| warehouse.vacuum(&lock, retention))?)
}

fn nothing_served(warehouse: &crate::publish::Warehouse) -> Error {
    Error::Usage {
        message: format!("`{}` serves no snapshot yet", warehouse.path().display()),
        hint: Some("`tallyhouse run` publishes the first".to_owned()),
    }
}
