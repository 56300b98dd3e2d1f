//! What really lies in a folder of the warehouse, and what its bytes are.
//!
//! In: paths. Out: the files below a folder, a file's identity and size, its BLAKE3. Deliberately absent: any idea of what
//! should be there.

use std::{
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::{At, Error, optional};
use crate::storage::content::Content;

/// A file as the disk knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Device and inode: two names of one file have the same.
    pub identity: (u64, u64),
    /// Bytes.
    pub bytes: u64,
}

/// Returns what a path is, links resolved; None when there is no file of that name.
///
/// # Errors
/// When the disk refuses to say.
pub fn find(path: &Path) -> Result<Option<Found>, Error> {
    let Some(metadata) = optional(path.metadata()).at("look at", path)? else { return Ok(None) };
    let found = Found { identity: (metadata.dev(), metadata.ino()), bytes: metadata.len() };
    Ok(metadata.is_file().then_some(found))
}

/// Returns all that is not a folder below a folder, sorted; links are not followed. A folder that is not there has none.
///
/// # Errors
/// When a folder cannot be listed.
pub fn files_below(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in optional(std::fs::read_dir(&folder)).at("list", &folder)?.into_iter().flatten() {
            let entry = entry.at("list", &folder)?;
            let is_folder = entry.file_type().at("look at", &entry.path())?.is_dir();
            if is_folder { &mut folders } else { &mut files }.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

/// Reads a file and returns the BLAKE3 of its bytes, hexadecimal.
///
/// # Errors
/// When it cannot be read to its end.
pub fn hash(path: &Path) -> Result<String, Error> {
    let file = super::open(path)?;
    Content::of_file(file).and_then(|content| content.hash()).at("read", path)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_hashed_and_known_by_both_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(path("a/b")).unwrap();
        let body = vec![7; (1 << 20) + 1];
        std::fs::write(path("a/b/one"), &body).unwrap();
        std::fs::hard_link(path("a/b/one"), path("two")).unwrap();
        std::os::unix::fs::symlink("nowhere", path("a/link")).unwrap();
        assert_eq!(files_below(folder.path()).unwrap(), [path("a/b/one"), path("a/link"), path("two")]);
        assert_eq!(find(&path("two")).unwrap().unwrap(), find(&path("a/b/one")).unwrap().unwrap());
        assert_eq!((find(&path("a")).unwrap(), find(&path("none")).unwrap()), (None, None));
        assert_eq!(hash(&path("two")).unwrap(), blake3::hash(&body).to_hex().as_str());
        assert_eq!(files_below(&path("none")).unwrap(), Vec::<PathBuf>::new());
    }
}
