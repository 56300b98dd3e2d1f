//! How a scan reaches data files that lie on the local disk, in the warehouse's object store, or partly here and partly
//! there, as in the middle of a run.
//!
//! In: places of files. Out: objects of one store, since a scan reads from one. Files of the disk alone are read without
//! a detour. Deliberately no writing.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use datafusion::{common::internal_datafusion_err, error::Result, execution::object_store::ObjectStoreUrl};
use futures::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, local::LocalFileSystem, path::Path as Key,
};

use crate::record::StoredAt;

/// Where [`Everywhere`] is registered.
const URL: &str = "tallyhouse://warehouse";
const DISK: &str = "disk/";
const STORE: &str = "store/";

/// Which store a scan reads from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// The local disk.
    Disk,
    /// The disk and the warehouse's object store.
    Everywhere,
}

impl Reach {
    /// Returns the store that has all of some files.
    pub(super) fn of<'a>(mut places: impl Iterator<Item = &'a StoredAt>) -> Self {
        if places.all(|place| matches!(place, StoredAt::Disk(_))) { Self::Disk } else { Self::Everywhere }
    }

    /// Returns the store's address.
    pub(super) fn url(self) -> Result<ObjectStoreUrl> {
        match self {
            Self::Disk => Ok(ObjectStoreUrl::local_filesystem()),
            Self::Everywhere => ObjectStoreUrl::parse(URL),
        }
    }

    /// Returns what the store calls a file.
    pub(super) fn meta(self, place: &StoredAt, bytes: u64) -> Result<ObjectMeta> {
        let key = match place {
            StoredAt::Disk(path) => {
                let on_disk = Key::from_absolute_path(path).map_err(|error| {
                    internal_datafusion_err!("the path `{}` is not absolute: {error}", path.display())
                })?;
                if self == Self::Disk { on_disk } else { parsed(&format!("{DISK}{on_disk}"))? }
            }
            StoredAt::Store(key) => parsed(&format!("{STORE}{key}"))?,
        };
        let last_modified = chrono::DateTime::UNIX_EPOCH;
        Ok(ObjectMeta { location: key, last_modified, size: bytes, e_tag: None, version: None })
    }
}

fn parsed(key: &str) -> Result<Key> {
    Key::parse(key).map_err(|error| internal_datafusion_err!("`{key}` is no key: {error}"))
}

/// Returns the address and the store of everything that a warehouse's scans read.
pub(super) fn everywhere(store: Arc<dyn ObjectStore>) -> Result<(ObjectStoreUrl, Arc<dyn ObjectStore>)> {
    Ok((Reach::Everywhere.url()?, Arc::new(Everywhere { disk: LocalFileSystem::new(), store })))
}

/// The local disk and an object store as one store, told apart by the first part of a key.
#[derive(Debug)]
struct Everywhere {
    disk: LocalFileSystem,
    store: Arc<dyn ObjectStore>,
}

impl Everywhere {
    fn of(&self, key: &Key) -> object_store::Result<(&dyn ObjectStore, Key)> {
        let (store, rest): (&dyn ObjectStore, _) =
            match (key.as_ref().strip_prefix(DISK), key.as_ref().strip_prefix(STORE)) {
                (Some(rest), _) => (&self.disk, rest),
                (None, Some(rest)) => (&*self.store, rest),
                (None, None) => return Err(read_only("look outside the warehouse")),
            };
        Ok((store, Key::parse(rest)?))
    }
}

impl fmt::Display for Everywhere {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the disk and {}", self.store)
    }
}

fn read_only(operation: &str) -> object_store::Error {
    object_store::Error::NotImplemented { operation: operation.to_owned(), implementer: "a scan".to_owned() }
}

#[async_trait]
impl ObjectStore for Everywhere {
    async fn get_opts(&self, location: &Key, options: GetOptions) -> object_store::Result<GetResult> {
        let (store, key) = self.of(location)?;
        let answer = store.get_opts(&key, options).await?;
        // Who caches by location must not take one store's file for the other's.
        let meta = ObjectMeta { location: location.clone(), ..answer.meta };
        Ok(GetResult { meta, ..answer })
    }

    async fn put_opts(&self, _: &Key, _: PutPayload, _: PutOptions) -> object_store::Result<PutResult> {
        Err(read_only("write"))
    }

    async fn put_multipart_opts(
        &self,
        _: &Key,
        _: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        Err(read_only("write"))
    }

    fn delete_stream(
        &self,
        _: BoxStream<'static, object_store::Result<Key>>,
    ) -> BoxStream<'static, object_store::Result<Key>> {
        stream::iter([Err(read_only("delete"))]).boxed()
    }

    fn list(&self, _: Option<&Key>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        stream::iter([Err(read_only("list"))]).boxed()
    }

    async fn list_with_delimiter(&self, _: Option<&Key>) -> object_store::Result<ListResult> {
        Err(read_only("list"))
    }

    async fn copy_opts(&self, _: &Key, _: &Key, _: CopyOptions) -> object_store::Result<()> {
        Err(read_only("copy"))
    }
}
