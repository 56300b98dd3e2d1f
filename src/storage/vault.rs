//! The object store of a warehouse: the few operations from which a snapshot is made visible where there are no links.
//!
//! In: keys below the warehouse's prefix. Out: bytes with a [`Mark`] of their version, names, or an error in words. What
//! makes a publication atomic is [`Vault::replace`]: an object is replaced only over the version that was seen. Calls
//! block, and may come from any thread, also one of an async runtime. Deliberately absent: any idea of what a snapshot
//! is, which is `publish::depot`'s, and reading extracts.

use std::{
    fmt,
    future::Future,
    io::Read as _,
    panic::resume_unwind,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use object_store::{
    ObjectMeta, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, UpdateVersion, WriteMultipart, path::Path as Key,
};
use tokio::{
    io::AsyncWriteExt as _,
    runtime::{Builder, Handle, Runtime},
};

use super::{local, read};

/// Objects on their way at the same time.
const AT_ONCE: usize = 16;
/// Files longer than this go in parts.
const PART_BYTES: u64 = 16 << 20;

/// A store or a disk that refuses.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store.
    #[error(transparent)]
    Store(#[from] read::Error),
    /// The disk, where files go to or come from.
    #[error(transparent)]
    Disk(#[from] local::Error),
}

/// Objects below one prefix of a store. Cheap to clone.
#[derive(Clone)]
pub struct Vault {
    store: Arc<read::Store>,
    runtime: Arc<Background>,
}

/// The version of an object; another one is there as soon as somebody has replaced it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark(UpdateVersion);

/// An object's bytes, and the version that they are of.
#[derive(Debug, Clone)]
pub struct Stamped {
    /// The content.
    pub bytes: Bytes,
    /// Its version.
    pub mark: Mark,
}

/// A file on its way into the store.
#[derive(Debug, Clone)]
pub struct Upload {
    /// Where it lies.
    pub from: PathBuf,
    /// Bytes.
    pub bytes: u64,
    /// Its key.
    pub to: String,
}

impl fmt::Debug for Vault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Vault").field(&self.shown("")).finish()
    }
}

impl Vault {
    /// Connects to the store of a location such as `s3://bucket/prefix`; nothing is asked yet.
    ///
    /// # Errors
    /// When the location names no bucket, credentials are missing, or the store cannot be written.
    pub fn open(location: &str) -> Result<Self, Error> {
        Self::over(read::Store::of_folder(location)?)
    }

    /// Takes a store that is connected already, such as one in memory, and how people call it.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn around(client: Arc<dyn ObjectStore>, name: &str) -> Result<Self, Error> {
        Self::over(read::Store::around(client, name))
    }

    fn over(store: read::Store) -> Result<Self, Error> {
        Ok(Self { store: Arc::new(store), runtime: Arc::new(Background::start()?) })
    }

    /// Returns how people write the address of a key.
    #[must_use]
    pub fn shown(&self, key: &str) -> String {
        self.store.shown(key).trim_end_matches('/').to_owned()
    }

    /// Returns the store itself, for whoever reads data files; keys are below the prefix.
    #[must_use]
    pub fn client(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.store.client)
    }

    /// Reads an object; None when there is none.
    ///
    /// # Errors
    /// When the store refuses or does not answer.
    pub fn read(&self, key: &str) -> Result<Option<Stamped>, Error> {
        self.wait(self.fetch(key))
    }

    async fn fetch(&self, key: &str) -> Result<Option<Stamped>, Error> {
        let answer = match self.store.client.get(&path(key)).await {
            Ok(answer) => answer,
            Err(error) if is_missing(&error) => return Ok(None),
            Err(error) => return Err(self.store.failed("read", key, &error).into()),
        };
        let mark = Mark(UpdateVersion { e_tag: answer.meta.e_tag.clone(), version: answer.meta.version.clone() });
        let bytes = answer.bytes().await.map_err(|error| self.store.failed("read", key, &error))?;
        Ok(Some(Stamped { bytes, mark }))
    }

    /// Returns whether there is an object.
    ///
    /// # Errors
    /// When the store refuses or does not answer.
    pub fn exists(&self, key: &str) -> Result<bool, Error> {
        match self.wait(self.store.client.head(&path(key))) {
            Ok(_) => Ok(true),
            Err(error) if is_missing(&error) => Ok(false),
            Err(error) => Err(self.store.failed("read", key, &error).into()),
        }
    }

    /// Writes an object where none is; returns its mark, or None when one is there already.
    ///
    /// # Errors
    /// When the store refuses or does not answer.
    pub fn create(&self, key: &str, bytes: Vec<u8>) -> Result<Option<Mark>, Error> {
        self.write(key, bytes, PutMode::Create)
    }

    /// Writes an object over a version of it, or, without one, where none is. Returns the new mark, or None when the
    /// object is another by now, and then nothing was written.
    ///
    /// # Errors
    /// When the store refuses or does not answer; it may have been written nevertheless.
    pub fn replace(&self, key: &str, bytes: Vec<u8>, over: Option<&Mark>) -> Result<Option<Mark>, Error> {
        self.write(key, bytes, over.map_or(PutMode::Create, |mark| PutMode::Update(mark.0.clone())))
    }

    /// Writes an object whatever is there.
    ///
    /// # Errors
    /// When the store refuses or does not answer.
    pub fn overwrite(&self, key: &str, bytes: Vec<u8>) -> Result<(), Error> {
        self.write(key, bytes, PutMode::Overwrite).map(drop)
    }

    fn write(&self, key: &str, bytes: Vec<u8>, mode: PutMode) -> Result<Option<Mark>, Error> {
        let options = PutOptions { mode, ..PutOptions::default() };
        let path = path(key);
        match self.wait(self.store.client.put_opts(&path, bytes.into(), options)) {
            Ok(done) => Ok(Some(Mark(done.into()))),
            Err(error) if is_lost(&error) => Ok(None),
            Err(error) => Err(self.store.failed("write", key, &error).into()),
        }
    }

    /// Uploads files, several at once, and tells the keys under which none was before, also when it fails in between. A
    /// key is never used for other bytes, so one that is there is left alone.
    ///
    /// # Errors
    /// When a file cannot be read, or the store refuses or does not answer.
    pub fn upload(&self, files: &[Upload], new: &mut Vec<String>) -> Result<(), Error> {
        let sent = stream::iter(files).map(|file| async move { Ok(self.send(file).await?.then(|| file.to.clone())) });
        let keep = |key: Option<String>| {
            new.extend(key);
            std::future::ready(Ok(()))
        };
        self.wait(sent.buffer_unordered(AT_ONCE).try_for_each(keep))
    }

    /// Returns whether the object is new.
    async fn send(&self, file: &Upload) -> Result<bool, Error> {
        let (key, unreadable) = (path(&file.to), |error| local::Error::new("read", &file.from, error));
        let failed = |error| self.store.failed("write", &file.to, &error);
        if file.bytes <= PART_BYTES {
            let bytes = tokio::fs::read(&file.from).await.map_err(unreadable)?;
            let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
            return match self.store.client.put_opts(&key, bytes.into(), options).await {
                Ok(_) => Ok(true),
                Err(error) if is_lost(&error) => Ok(false),
                Err(error) => Err(failed(error).into()),
            };
        }
        match self.store.client.head(&key).await {
            Ok(there) if there.size == file.bytes => return Ok(false),
            Ok(_) => {}
            Err(error) if is_missing(&error) => {}
            Err(error) => return Err(failed(error).into()),
        }
        self.send_in_parts(file, &key).await.map(|()| true)
    }

    async fn send_in_parts(&self, file: &Upload, key: &Key) -> Result<(), Error> {
        let failed = |error| self.store.failed("write", &file.to, &error);
        let mut source =
            std::fs::File::open(&file.from).map_err(|error| local::Error::new("read", &file.from, error))?;
        let upload = self.store.client.put_multipart(key).await.map_err(failed)?;
        let mut upload = WriteMultipart::new_with_chunk_size(upload, usize::try_from(PART_BYTES).unwrap_or(usize::MAX));
        loop {
            let mut part = Vec::new();
            source
                .by_ref()
                .take(PART_BYTES)
                .read_to_end(&mut part)
                .map_err(|error| local::Error::new("read", &file.from, error))?;
            if part.is_empty() {
                break;
            }
            upload.wait_for_capacity(4).await.map_err(failed)?;
            upload.put(part.into());
        }
        upload.finish().await.map_err(failed)?;
        Ok(())
    }

    /// Copies an object into a new file.
    ///
    /// # Errors
    /// When it is gone, the store does not answer, or the disk refuses.
    pub fn download(&self, key: &str, to: &Path) -> Result<(), Error> {
        self.wait(self.receive(key, to))
    }

    async fn receive(&self, key: &str, to: &Path) -> Result<(), Error> {
        let failed = |error| self.store.failed("read", key, &error);
        let unwritable = |error| local::Error::new("write", to, error);
        let mut body = self.store.client.get(&path(key)).await.map_err(failed)?.into_stream();
        let mut file = tokio::fs::File::create(to).await.map_err(unwritable)?;
        while let Some(piece) = body.try_next().await.map_err(failed)? {
            file.write_all(&piece).await.map_err(unwritable)?;
        }
        file.flush().await.map_err(unwritable)?;
        Ok(())
    }

    /// Returns the names right below a folder, folders without a trailing slash, sorted.
    ///
    /// # Errors
    /// When the store refuses or does not answer.
    pub fn names(&self, folder: &str) -> Result<Vec<String>, Error> {
        let prefix = path(folder);
        let listed = self.wait(self.store.client.list_with_delimiter(Some(&prefix)));
        let listed = listed.map_err(|error| self.store.failed("list", folder, &error))?;
        let last = |path: &Key| path.filename().map(str::to_owned);
        let folders = listed.common_prefixes.iter().filter_map(last);
        let mut names: Vec<String> =
            folders.chain(listed.objects.iter().filter_map(|meta| last(&meta.location))).collect();
        names.sort();
        names.dedup();
        Ok(names)
    }

    /// Returns the keys below a folder, at any depth.
    ///
    /// # Errors
    /// When the store refuses or does not answer.
    pub fn keys(&self, folder: &str) -> Result<Vec<String>, Error> {
        let prefix = path(folder);
        let listed: Result<Vec<ObjectMeta>, _> = self.wait(self.store.client.list(Some(&prefix)).try_collect());
        let listed = listed.map_err(|error| self.store.failed("list", folder, &error))?;
        Ok(listed.into_iter().map(|meta| meta.location.to_string()).collect())
    }

    /// Removes objects; one that is gone is fine.
    ///
    /// # Errors
    /// When the store refuses or does not answer.
    pub fn remove(&self, keys: impl IntoIterator<Item = String>) -> Result<(), Error> {
        let paths: Vec<_> = keys.into_iter().map(|key| Ok(path(&key))).collect();
        let removals = self.store.client.delete_stream(stream::iter(paths).boxed());
        let gone = |done: Result<Key, object_store::Error>| match done {
            Err(error) if !is_missing(&error) => Err(self.store.failed("remove", "", &error).into()),
            _ => Ok(()),
        };
        self.wait(removals.map(gone).try_collect())
    }

    /// Waits for an answer. A thread of a runtime must not block on a future, so another one does.
    fn wait<T: Send>(&self, future: impl Future<Output = T> + Send) -> T {
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| self.runtime.handle.block_on(future));
            waiting.join().unwrap_or_else(|panic| resume_unwind(panic))
        })
    }
}

/// A key as the store takes it. What a warehouse calls its objects has no empty part, nor `.` or `..`, in it; should one
/// have, it is another name, but never another place.
fn path(key: &str) -> Key {
    Key::parse(key).unwrap_or_else(|_| Key::from(key))
}

const fn is_missing(error: &object_store::Error) -> bool {
    matches!(error, object_store::Error::NotFound { .. })
}

/// Returns whether somebody else was first.
const fn is_lost(error: &object_store::Error) -> bool {
    matches!(error, object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. })
}

/// A runtime for the store's answers, which ends without waiting for any.
struct Background {
    runtime: Option<Runtime>,
    handle: Handle,
}

impl Background {
    fn start() -> Result<Self, Error> {
        let runtime = Builder::new_multi_thread().worker_threads(2).thread_name("vault").enable_all().build();
        let runtime = runtime.map_err(|error| local::Error::new("start", Path::new("a thread"), error))?;
        Ok(Self { handle: runtime.handle().clone(), runtime: Some(runtime) })
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
