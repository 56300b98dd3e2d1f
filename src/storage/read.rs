//! Reading: a path or glob → the objects that it names → their bytes, through `object_store`.
//!
//! In: the text of a location, an absolute path or a `file://` URL. Out: objects sorted by their path below the part of
//! the location that has no wildcard. Deliberately absent: formats, versions, and object stores other than the local
//! disk, which come with features of their own.

use std::{
    io::Write as _,
    path::{Path as DiskPath, PathBuf},
    sync::Arc,
};

use futures::TryStreamExt as _;
use globset::{GlobBuilder, GlobMatcher};
use object_store::{GetResultPayload, ObjectStore, ObjectStoreExt as _, local::LocalFileSystem, path::Path as ObjectPath};

use super::content::Content;
use crate::record::diagnostic::nearest;

/// One stored object.
#[derive(Debug, Clone)]
pub struct Object {
    /// Path below the wildcard-free part of the location; the file's name if the location has no wildcard.
    pub path: Arc<str>,
    /// Bytes, when it was listed.
    pub size: u64,
    store: Arc<dyn ObjectStore>,
    key: ObjectPath,
}

impl Object {
    /// Opens the object: a local file where it lies, any other one fetched.
    ///
    /// # Errors
    /// [`Error::Read`] when the object is gone, may not be read, or the disk fails.
    pub async fn open(&self) -> Result<Content, Error> {
        let failed = |source| Error::Read { path: format!("/{}", self.key), source };
        let got = self.store.get(&self.key).await.map_err(failed)?;
        let disk = |source| failed(object_store::Error::Generic { store: "LocalFileSystem", source: Box::new(source) });
        match got.payload {
            GetResultPayload::File(file, _) => Content::of_file(file).map_err(disk),
            GetResultPayload::Stream(_) => Ok(got.bytes().await.map_err(failed)?.into()),
        }
    }
}

/// A location that cannot be listed or an object that cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The location has no wildcard and nothing is there.
    #[error("there is no file `{path}`")]
    Missing {
        /// The file.
        path: String,
        /// What to do.
        hint: String,
    },
    /// The location is in a kind of storage that this version does not read.
    #[error("`{scheme}://` locations come with a later version")]
    Unsupported {
        /// Its scheme; the rest may hold a password.
        scheme: String,
    },
    /// The location is no path, or its glob no glob.
    #[error("`{location}` is no location: {reason}")]
    Location {
        /// The location.
        location: String,
        /// Why.
        reason: String,
    },
    /// The folder cannot be listed.
    #[error("cannot list `{location}`: {source}")]
    List {
        /// The location.
        location: String,
        /// What the storage said.
        source: object_store::Error,
    },
    /// The object cannot be read.
    #[error("cannot read `{path}`: {source}")]
    Read {
        /// The object.
        path: String,
        /// What the storage said.
        source: object_store::Error,
    },
    /// A temporary file cannot be written.
    #[error("cannot write a temporary file under `{folder}`: {source}")]
    TemporaryFile {
        /// The folder of temporary files.
        folder: String,
        /// What the disk said.
        source: std::io::Error,
    },
}

impl Error {
    /// Returns what to do about it, where that is known.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Missing { hint, .. } => Some(hint),
            Self::Unsupported { .. } => Some("copy the files to a local folder and name that"),
            Self::Location { .. } => Some("write an absolute path, a glob below one, or a `file://` URL"),
            Self::List { .. } | Self::Read { .. } => Some("check the permissions of the folder and its files"),
            Self::TemporaryFile { .. } => Some("free space there, or point TMPDIR at another folder"),
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
    let written = disk_path(location)?;
    if has_wildcard(&written) && !tokio::fs::try_exists(&written).await.unwrap_or(false) {
        list_glob(location, &written).await
    } else {
        Ok(vec![find(location, &written).await?])
    }
}

/// Writes bytes to a temporary file, for readers that need one; it is deleted when the value is dropped.
///
/// # Errors
/// [`Error::TemporaryFile`] when the disk does not take it.
pub fn temporary_file(bytes: &[u8]) -> Result<tempfile::NamedTempFile, Error> {
    let write = || {
        let mut file = tempfile::NamedTempFile::new()?;
        file.write_all(bytes)?;
        file.flush()?;
        Ok(file)
    };
    write().map_err(|source| Error::TemporaryFile { folder: std::env::temp_dir().display().to_string(), source })
}

/// Returns the path that a location names on the disk, wildcards included.
fn disk_path(location: &str) -> Result<String, Error> {
    let wrong = |reason: &str| Error::Location { location: location.to_owned(), reason: reason.to_owned() };
    if let Some((scheme, rest)) = location.split_once("://") {
        if scheme != "file" {
            return Err(Error::Unsupported { scheme: scheme.to_owned() });
        }
        // `?` would begin the URL's query and `#` its fragment; in a location both belong to file names.
        let url = format!("file://{}", rest.replace('?', "%3F").replace('#', "%23"));
        let url = url::Url::parse(&url).map_err(|error| wrong(&error.to_string()))?;
        let path = url.to_file_path().map_err(|()| wrong("the URL names no local file"))?;
        return path.to_str().map(str::to_owned).ok_or_else(|| wrong("the path is not UTF-8"));
    }
    let absolute = std::path::absolute(location).map_err(|error| wrong(&error.to_string()))?;
    absolute.to_str().map(str::to_owned).ok_or_else(|| wrong("the path is not UTF-8"))
}

fn has_wildcard(text: &str) -> bool {
    text.contains(['*', '?', '[', '{'])
}

/// Splits a path into the folder above its first wildcard and the glob below that folder.
fn split_at_wildcard(path: &str) -> (&str, &str) {
    let wildcard = path.find(['*', '?', '[', '{']).unwrap_or(path.len());
    let slash = path[..wildcard].rfind('/').unwrap_or(0);
    (&path[..slash], path[slash..].trim_start_matches('/'))
}

async fn list_glob(location: &str, path: &str) -> Result<Vec<Object>, Error> {
    let (folder, pattern) = split_at_wildcard(path);
    let matcher = compile(location, pattern)?;
    let Some(folder) = canonical(location, DiskPath::new(if folder.is_empty() { "/" } else { folder })).await? else {
        return Ok(Vec::new());
    };
    let store: Arc<dyn ObjectStore> = Arc::new(LocalFileSystem::new());
    let failed = |source| Error::List { location: location.to_owned(), source };
    let prefix = object_path(location, &folder)?;
    let all: Vec<_> = store.list(Some(&prefix)).try_collect().await.map_err(failed)?;
    let mut objects: Vec<Object> = all
        .into_iter()
        .filter_map(|meta| {
            let below = below(&meta.location, &prefix)?;
            let wanted = !is_hidden(below) && matcher.is_match(below);
            wanted.then(|| Object {
                path: below.into(),
                size: meta.size,
                store: Arc::clone(&store),
                key: meta.location.clone(),
            })
        })
        .collect();
    objects.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(objects)
}

async fn find(location: &str, path: &str) -> Result<Object, Error> {
    let path = DiskPath::new(path);
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let folder = canonical(location, path.parent().unwrap_or(path)).await?;
    let Some(folder) = folder else { return Err(missing(path, "the folder does not exist either".to_owned())) };
    let full = folder.join(name);
    if tokio::fs::metadata(&full).await.is_ok_and(|found| found.is_dir()) {
        return Err(missing(path, format!("it is a folder: write `{}/**/*` for all files below it", path.display())));
    }
    let store: Arc<dyn ObjectStore> = Arc::new(LocalFileSystem::new());
    let key = object_path(location, &full)?;
    match store.head(&key).await {
        Ok(meta) => Ok(Object { path: name.into(), size: meta.size, store, key }),
        Err(object_store::Error::NotFound { .. }) => Err(missing(path, neighbour_hint(&store, &folder, name).await)),
        Err(source) => Err(Error::Read { path: path.display().to_string(), source }),
    }
}

fn missing(path: &DiskPath, hint: String) -> Error {
    Error::Missing { path: path.display().to_string(), hint }
}

/// Says which file beside the missing one may have been meant.
async fn neighbour_hint(store: &Arc<dyn ObjectStore>, folder: &DiskPath, name: &str) -> String {
    let listed = match object_path("", folder) {
        Ok(prefix) => store.list_with_delimiter(Some(&prefix)).await.map(|listing| listing.objects).unwrap_or_default(),
        Err(_) => Vec::new(),
    };
    match nearest(name, listed.iter().filter_map(|meta| meta.location.filename())) {
        Some(neighbour) => format!("did you mean `{neighbour}`?"),
        None => "check `location` in the source's contract".to_owned(),
    }
}

fn compile(location: &str, pattern: &str) -> Result<GlobMatcher, Error> {
    let glob = GlobBuilder::new(pattern).literal_separator(true).build();
    let wrong = |error: globset::Error| Error::Location { location: location.to_owned(), reason: error.to_string() };
    Ok(glob.map_err(wrong)?.compile_matcher())
}

/// Resolves links and `..`; None where nothing is there.
async fn canonical(location: &str, folder: &DiskPath) -> Result<Option<PathBuf>, Error> {
    match tokio::fs::canonicalize(folder).await {
        Ok(path) => Ok(Some(path)),
        Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => {
            let source = object_store::Error::Generic { store: "LocalFileSystem", source: Box::new(error) };
            Err(Error::List { location: location.to_owned(), source })
        }
    }
}

fn object_path(location: &str, path: &DiskPath) -> Result<ObjectPath, Error> {
    let wrong = |reason: String| Error::Location { location: location.to_owned(), reason };
    let text = path.to_str().ok_or_else(|| wrong("the path is not UTF-8".to_owned()))?;
    ObjectPath::parse(text).map_err(|error| wrong(error.to_string()))
}

fn below<'a>(path: &'a ObjectPath, prefix: &ObjectPath) -> Option<&'a str> {
    let rest = path.as_ref().strip_prefix(prefix.as_ref())?;
    Some(rest.trim_start_matches('/'))
}

fn is_hidden(path: &str) -> bool {
    path.split('/').any(|part| part.starts_with('.') || part.starts_with("~$"))
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

    #[tokio::test]
    async fn other_stores_are_refused() {
        let error = list("s3://bucket/*.csv").await.unwrap_err();
        assert_eq!(error.to_string(), "`s3://` locations come with a later version");
    }
}
