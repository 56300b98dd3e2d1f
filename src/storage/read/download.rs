//! Fetching one object of a store: short ones into memory, long ones in parts side by side into a nameless file.
//!
//! In: an object as it was listed. Out: its bytes as a [`Content`]. An object that was replaced since is an error, so
//! that no file is made of two. Deliberately asks for no other version than the listed one.

use std::{fs::File, os::unix::fs::FileExt as _, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use object_store::{GetOptions, GetRange, GetResult, ObjectMeta, ObjectStore as _};

use super::{
    Error,
    growing::Growing,
    location::Kind,
    store::{Store, strong_tag},
};
use crate::storage::content::Content;

/// Bytes that are asked for at once, and the most that stay in memory.
const PART_BYTES: u64 = 8 << 20;
/// Parts on their way at the same time.
const PARTS_AT_ONCE: usize = 4;

/// Fetches an object.
pub(super) async fn fetch(store: &Arc<Store>, meta: &Arc<ObjectMeta>) -> Result<Content, Error> {
    let object = Remote { store, meta };
    // Web servers need not know parts.
    if meta.size <= PART_BYTES || store.address.kind == Kind::Http {
        return object.whole().await;
    }
    object.in_parts().await
}

struct Remote<'a> {
    store: &'a Arc<Store>,
    meta: &'a Arc<ObjectMeta>,
}

impl Remote<'_> {
    async fn whole(&self) -> Result<Content, Error> {
        let mut body = self.ask(None).await?.into_stream();
        let mut growing = Growing::new(PART_BYTES);
        let patience = self.store.patience.request;
        while let Some(piece) = tokio::time::timeout(patience, body.next()).await.map_err(|_| self.stalled(patience))? {
            growing.push(&piece.map_err(|error| self.failed(&error))?)?;
        }
        let content = growing.finish()?;
        if content.len() == self.meta.size { Ok(content) } else { Err(self.changed()) }
    }

    async fn in_parts(&self) -> Result<Content, Error> {
        let file = Arc::new(tempfile::tempfile().map_err(super::temporary_failed)?);
        let starts = (0..self.meta.size).step_by(usize::try_from(PART_BYTES).unwrap_or(usize::MAX));
        stream::iter(starts)
            .map(|start| self.part(&file, start))
            .buffer_unordered(PARTS_AT_ONCE)
            .try_collect::<()>()
            .await?;
        let file = Arc::into_inner(file).ok_or_else(|| self.changed())?;
        Content::of_file(file).map_err(super::temporary_failed)
    }

    async fn part(&self, file: &Arc<File>, start: u64) -> Result<(), Error> {
        let end = self.meta.size.min(start + PART_BYTES);
        let bytes: Bytes = self.ask(Some(start..end)).await?.bytes().await.map_err(|error| self.failed(&error))?;
        if bytes.len() as u64 != end - start {
            return Err(self.changed());
        }
        let file = Arc::clone(file);
        let written = tokio::task::spawn_blocking(move || file.write_all_at(&bytes, start)).await;
        written.unwrap_or_else(|lost| Err(std::io::Error::other(lost))).map_err(super::temporary_failed)
    }

    /// Asks for the listed state of the object, and no other.
    async fn ask(&self, range: Option<std::ops::Range<u64>>) -> Result<GetResult, Error> {
        let tag = strong_tag(self.meta);
        let if_match = tag.clone().filter(|_| self.store.address.kind != Kind::Http);
        let options = GetOptions { if_match, range: range.map(GetRange::Bounded), ..GetOptions::default() };
        let patience = self.store.patience.total + self.store.patience.request;
        let asked = self.store.client.get_opts(&self.meta.location, options);
        let answer = tokio::time::timeout(patience, asked).await.map_err(|_| self.stalled(patience))?;
        let answer = answer.map_err(|error| self.failed(&error))?;
        // Listings of some stores know milliseconds, headers of answers only seconds.
        let second = |meta: &ObjectMeta| meta.last_modified.timestamp();
        let is_same = answer.meta.size == self.meta.size
            && second(&answer.meta) == second(self.meta)
            && (tag.is_none() || strong_tag(&answer.meta) == tag);
        if is_same { Ok(answer) } else { Err(self.changed()) }
    }

    fn failed(&self, error: &object_store::Error) -> Error {
        match error {
            object_store::Error::Precondition { .. } => self.changed(),
            other => self.store.failed("read", self.meta.location.as_ref(), other),
        }
    }

    fn changed(&self) -> Error {
        Error::Changed { path: self.store.address.shown(self.meta.location.as_ref()) }
    }

    fn stalled(&self, patience: Duration) -> Error {
        Error::Store {
            action: "read",
            path: self.store.address.shown(self.meta.location.as_ref()),
            reason: format!("nothing came for {} seconds", patience.as_secs()),
            hint: Some("check the network; TALLYHOUSE_REQUEST_SECONDS sets how long to wait".to_owned()),
        }
    }
}
