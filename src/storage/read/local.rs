//! The local disk: a path or glob → the files that it names.
//!
//! In: an absolute path. Out: files with what tells one state of them from another. Links are followed; a link into one
//! of its own folders is refused. Deliberately not through `object_store`, which hides files by their names.

use std::{
    fs::{File, Metadata},
    io::{self, ErrorKind},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use super::{Error, Object, Source, glob};
use crate::{record::diagnostic::nearest, storage::content::Content};

/// Lists the files of a path, which may be a glob.
pub(super) fn list(location: &str, path: &str) -> Result<Vec<Object>, Error> {
    if glob::has_wildcard(path) && !Path::new(path).exists() {
        list_glob(location, path)
    } else {
        Ok(vec![find(path)?])
    }
}

/// Opens a file where it lies.
pub(super) fn open(path: &Path) -> Result<Content, Error> {
    File::open(path).and_then(Content::of_file).map_err(|source| read_error(path, source))
}

/// Returns what tells the file's present state from others.
pub(super) fn identity(path: &Path) -> Result<String, Error> {
    path.metadata().map(|found| identity_of(&found)).map_err(|source| read_error(path, source))
}

/// Device, inode, change of the bytes and length.
fn identity_of(found: &Metadata) -> String {
    let nanoseconds = i128::from(found.mtime()) * 1_000_000_000 + i128::from(found.mtime_nsec());
    format!("{}:{}:{nanoseconds}:{}", found.dev(), found.ino(), found.len())
}

fn read_error(path: &Path, source: io::Error) -> Error {
    Error::Read { path: path.display().to_string(), source }
}

fn list_error(folder: &Path, source: io::Error) -> Error {
    Error::List { location: folder.display().to_string(), source }
}

fn object(below: &str, path: PathBuf, found: &Metadata) -> Object {
    Object {
        path: below.into(),
        size: found.len(),
        modified: found.modified().ok().map(Into::into),
        identity: Some(identity_of(found)),
        source: Source::Disk(path.into()),
    }
}

fn find(path: &str) -> Result<Object, Error> {
    let path = Path::new(path);
    let found = match path.metadata() {
        Ok(found) => found,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Err(missing(path, neighbour_hint(path)));
        }
        Err(error) => return Err(read_error(path, error)),
    };
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if found.is_dir() {
        return Err(missing(path, format!("it is a folder: write `{}/**/*` for all files below it", path.display())));
    }
    if !found.is_file() {
        return Err(missing(path, "it is a pipe or a device: save what comes out of it as a file".to_owned()));
    }
    Ok(object(name, path.to_owned(), &found))
}

fn missing(path: &Path, hint: String) -> Error {
    Error::Missing { path: path.display().to_string(), hint }
}

/// Says which file beside the missing one may have been meant.
fn neighbour_hint(path: &Path) -> String {
    let Some(beside) = path.parent().and_then(|folder| folder.read_dir().ok()) else {
        return "the folder does not exist either".to_owned();
    };
    let names: Vec<String> = beside.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    match nearest(name, names.iter().map(String::as_str)) {
        Some(neighbour) => format!("did you mean `{neighbour}`?"),
        None => "check `location` in the source's contract".to_owned(),
    }
}

fn list_glob(location: &str, path: &str) -> Result<Vec<Object>, Error> {
    let (folder, below) = glob::split_at_wildcard(path);
    let folder = Path::new(if folder.is_empty() { "/" } else { folder });
    let mut walk = Walk { pattern: glob::Pattern::new(location, below)?, above: Vec::new(), found: Vec::new() };
    match folder.metadata() {
        Ok(found) if found.is_dir() => walk.enter(folder, "", &found)?,
        Ok(_) => {}
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
        Err(error) => return Err(list_error(folder, error)),
    }
    walk.found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(walk.found)
}

/// A walk through the folders in which wanted files may lie.
struct Walk {
    pattern: glob::Pattern,
    /// Device and inode of the folders that lead to where the walk is.
    above: Vec<(u64, u64)>,
    found: Vec<Object>,
}

impl Walk {
    fn enter(&mut self, folder: &Path, below: &str, found: &Metadata) -> Result<(), Error> {
        let this = (found.dev(), found.ino());
        if self.above.contains(&this) {
            let loops = io::Error::other("it is a link into one of the folders that lead to it");
            return Err(list_error(folder, loops));
        }
        self.above.push(this);
        for entry in folder.read_dir().map_err(|error| list_error(folder, error))? {
            let entry = entry.map_err(|error| list_error(folder, error))?;
            self.visit(&entry, below)?;
        }
        self.above.pop();
        Ok(())
    }

    fn visit(&mut self, entry: &std::fs::DirEntry, below: &str) -> Result<(), Error> {
        let (path, name) = (entry.path(), entry.file_name());
        let shown = name.to_string_lossy();
        let below = if below.is_empty() { shown.clone().into_owned() } else { format!("{below}/{shown}") };
        if !self.pattern.wants(&below) && !self.pattern.may_hold(&below) {
            return Ok(());
        }
        let found = match path.metadata() {
            Ok(found) => found,
            // It was there a moment ago; a link that leads nowhere still is.
            Err(error) if error.kind() == ErrorKind::NotFound && path.symlink_metadata().is_err() => return Ok(()),
            Err(_) if !self.pattern.wants(&below) => return Ok(()),
            Err(error) => return Err(read_error(&path, error)),
        };
        if found.is_dir() {
            return if self.pattern.may_hold(&below) { self.enter(&path, &below, &found) } else { Ok(()) };
        }
        if found.is_file() && self.pattern.wants(&below) {
            if name.to_str().is_none() {
                return Err(read_error(&path, io::Error::new(ErrorKind::InvalidData, "its name is not UTF-8")));
            }
            self.found.push(object(&below, path, &found));
        }
        Ok(())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::os::unix::{ffi::OsStrExt as _, fs::symlink};

    use super::*;

    fn paths(location: &str) -> Result<Vec<String>, Error> {
        Ok(list(location, location)?.iter().map(|object| object.path.to_string()).collect())
    }

    #[test]
    fn links_are_followed_and_loops_refused() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        std::fs::create_dir_all(at.join("real/deep")).unwrap();
        std::fs::write(at.join("real/deep/a.csv#1"), "a").unwrap();
        std::fs::create_dir(at.join("in")).unwrap();
        symlink(at.join("real"), at.join("in/x")).unwrap();
        symlink(at.join("real/deep/a.csv#1"), at.join("in/b")).unwrap();
        assert_eq!(paths(&format!("{}/in/**/*", at.display())).unwrap(), ["b", "x/deep/a.csv#1"]);
        symlink(at.join("in"), at.join("in/again")).unwrap();
        let error = paths(&format!("{}/in/**/*", at.display())).unwrap_err();
        assert!(error.to_string().contains("in/again`: it is a link into one of the folders"), "{error}");
        assert_eq!(paths(&format!("{}/in/*", at.display())).unwrap(), ["b"]);
    }

    #[test]
    fn what_cannot_be_read_is_named_and_not_skipped() {
        let folder = tempfile::tempdir().unwrap();
        let glob = format!("{}/*", folder.path().display());
        symlink("nowhere", folder.path().join("a.csv")).unwrap();
        assert!(paths(&glob).unwrap_err().to_string().contains("a.csv`: No such file"));
        std::fs::remove_file(folder.path().join("a.csv")).unwrap();
        std::fs::write(folder.path().join(std::ffi::OsStr::from_bytes(b"\xFF\xFE.csv")), "a").unwrap();
        assert!(paths(&glob).unwrap_err().to_string().ends_with("its name is not UTF-8"));
    }

    #[test]
    fn a_file_that_is_written_again_has_another_identity() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        std::fs::write(&path, "a").unwrap();
        let before = identity(&path).unwrap();
        assert_eq!(list("", path.to_str().unwrap()).unwrap()[0].identity.as_deref(), Some(before.as_str()));
        std::fs::write(&path, "ab").unwrap();
        assert_ne!(identity(&path).unwrap(), before);
    }

    #[test]
    fn a_pipe_is_never_opened() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert_eq!(paths(&format!("{}/*", folder.path().display())).unwrap(), Vec::<String>::new());
        assert!(paths(pipe.to_str().unwrap()).unwrap_err().hint().unwrap().starts_with("it is a pipe"));
    }
}
