//! Reading: a path, glob or address → the objects that it names → their bytes.
//!
//! In: the text of a location. Out: objects sorted by their path below the part of the location that has no wildcard.
//! Deliberately absent: formats, versions, databases.
//!
//! ```text
//!  location ──► local ─────────────────────────► open file ─┐
//!          └──► store ──► object_store ──► download ──► growing ──► Content
//!                             └─► trouble: what the store's refusal means
//! ```

use std::{io::Write as _, path::Path, sync::Arc};

use chrono::{DateTime, Utc};
use object_store::{ObjectMeta, ObjectStoreExt as _};

use super::content::Content;

mod location;

mod glob;

mod local;

mod store;
pub(super) use store::Store;

mod download;

mod growing;
pub use growing::Growing;

pub mod environment;

mod trouble;

mod error;
pub use error::Error;

/// One stored object.
#[derive(Debug, Clone)]
pub struct Object {
    /// Path below the wildcard-free part of the location; the file's name if the location has no wildcard.
    pub path: Arc<str>,
    /// Bytes, when it was listed.
    pub size: u64,
    /// When it was last written, as far as the place says so.
    pub modified: Option<DateTime<Utc>>,
    /// What tells this state of the object from others: equal identities mean that nobody has written it since. None
    /// where the place does not say.
    pub identity: Option<String>,
    source: Source,
}

#[derive(Debug, Clone)]
enum Source {
    Disk(Arc<Path>),
    Store { store: Arc<store::Store>, meta: Arc<ObjectMeta> },
}

impl Object {
    /// Opens the object: a local file where it lies, any other one fetched.
    ///
    /// # Errors
    /// When the object is gone or was replaced since it was listed, may not be read, or the disk fails.
    pub async fn open(&self) -> Result<Content, Error> {
        match &self.source {
            Source::Disk(path) => {
                let path = Arc::clone(path);
                blocking(move || local::open(&path)).await
            }
            Source::Store { store, meta } => download::fetch(store, meta).await,
        }
    }

    /// Returns the identity that the object has now.
    ///
    /// # Errors
    /// When it is gone or the place cannot be asked.
    pub async fn current_identity(&self) -> Result<Option<String>, Error> {
        match &self.source {
            Source::Disk(path) => {
                let path = Arc::clone(path);
                blocking(move || local::identity(&path).map(Some)).await
            }
            Source::Store { store, meta } => {
                let now = store.client.head(&meta.location).await;
                let now = now.map_err(|error| store.failed("read", meta.location.as_ref(), &error))?;
                Ok(store::identity(&now))
            }
        }
    }
}

/// Lists the objects of a location, sorted by path. A glob may match nothing; a plain path may not.
///
/// `*` and `?` stay within one folder, `**` does not. Hidden files and folders (leading dot) and the lock files of Office
/// (`~$…`) are skipped below the wildcard-free part.
///
/// # Errors
/// As [`Error`] says.
pub async fn list(location: &str) -> Result<Vec<Object>, Error> {
    match location::place(location)? {
        location::Place::Disk(path) => {
            let location = location.to_owned();
            blocking(move || local::list(&location, &path)).await
        }
        location::Place::Store(address) => store::list(location, address).await,
    }
}

/// Does what waits for a disk where it keeps nobody else waiting.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|lost| Err(temporary_failed(std::io::Error::other(lost))))
}

/// Writes a content to a temporary file with a name, for readers that need one; it is deleted when the value is dropped.
///
/// # Errors
/// [`Error::TemporaryFile`] when the disk does not take it.
pub fn temporary_file(content: &Content) -> Result<tempfile::NamedTempFile, Error> {
    const CHUNK_BYTES: usize = 1 << 20;
    let write = || {
        let mut file = tempfile::NamedTempFile::new()?;
        let mut at = 0;
        while at < content.len() {
            let chunk = content.part(at, CHUNK_BYTES)?;
            if chunk.is_empty() {
                return Err(std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "the file became shorter"));
            }
            file.write_all(&chunk)?;
            at += chunk.len() as u64;
        }
        file.flush()?;
        Ok(file)
    };
    write().map_err(temporary_failed)
}

fn temporary_failed(source: std::io::Error) -> Error {
    Error::TemporaryFile { folder: std::env::temp_dir().display().to_string(), source }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn folder_with(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, name.as_bytes()).unwrap();
        }
        folder
    }

    async fn paths(location: &str) -> Vec<String> {
        list(location).await.unwrap().iter().map(|object| object.path.to_string()).collect()
    }

    #[tokio::test]
    async fn a_glob_lists_odd_names_and_skips_hidden_ones() {
        let folder = folder_with(&[
            "d/b 1.csv",
            "d/100%.csv",
            "d/a#2.csv",
            "d/e/销售 二月.csv",
            ".x/a.csv",
            "d/.h",
            "d/~$w.xlsx",
        ]);
        let found = list(&format!("{}/d/**/*", folder.path().display())).await.unwrap();
        let names: Vec<&str> = found.iter().map(|object| &*object.path).collect();
        assert_eq!(names, ["100%.csv", "a#2.csv", "b 1.csv", "e/销售 二月.csv"]);
        for object in &found {
            assert_eq!(object.open().await.unwrap().bytes().unwrap(), format!("d/{}", object.path));
            assert_eq!(object.size, object.path.len() as u64 + 2);
        }
    }

    #[tokio::test]
    async fn a_star_stays_in_its_folder() {
        let folder = folder_with(&["a/1.csv", "a/b/2.csv", "c/3.csv", "c/3.txt"]);
        let at = folder.path().display();
        assert_eq!(paths(&format!("{at}/*/*.csv")).await, ["a/1.csv", "c/3.csv"]);
        assert_eq!(paths(&format!("{at}/a/x/../*.csv")).await, Vec::<String>::new());
        assert_eq!(paths(&format!("{at}/a/../c/*.{{csv,txt}}")).await, ["3.csv", "3.txt"]);
        assert_eq!(paths(&format!("{at}/nowhere/*.csv")).await, Vec::<String>::new());
    }

    #[tokio::test]
    async fn a_plain_path_may_hold_wildcard_letters_and_be_a_url() {
        let folder = folder_with(&["a [1].csv", "b#1.csv"]);
        let at = folder.path().display();
        assert_eq!(paths(&format!("{at}/a [1].csv")).await, ["a [1].csv"]);
        assert_eq!(paths(&format!("file://{at}/a%20[1].csv")).await, ["a [1].csv"]);
        assert_eq!(paths(&format!("file://{at}/b#1.csv")).await, ["b#1.csv"]);
        assert_eq!(paths(&format!("file://{at}/?*.csv")).await, ["a [1].csv", "b#1.csv"]);
    }

    #[tokio::test]
    async fn a_missing_file_names_its_neighbour() {
        let folder = folder_with(&["product.csv"]);
        let error = list(&format!("{}/prodct.csv", folder.path().display())).await.unwrap_err();
        assert_eq!(error.to_string(), format!("there is no file `{}/prodct.csv`", folder.path().display()));
        assert_eq!(error.hint(), Some("did you mean `product.csv`?"));
        let error = list(&format!("{}", folder.path().display())).await.unwrap_err();
        assert!(error.hint().unwrap().starts_with("it is a folder"), "{error:?}");
    }
}
